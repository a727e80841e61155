// The picture of a certificate: how much of its bound every tensor uses.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace hallmark {

/// The slacks loss / bound of a tensor's rows, in any order.
struct TensorSlack {
  std::string name;
  std::vector<double> slack;
};

/// One line for each tensor: smallest to largest slack, the middle half of the rows, the median, on an axis from 0 to 1
/// (to the largest slack where that is more). The text depends on the arguments alone.
std::string slack_svg(std::string_view title, std::span<const TensorSlack> tensors);

}  // namespace hallmark
