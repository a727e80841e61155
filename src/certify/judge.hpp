// The judges of a finished tensor, registered in judge.cpp.
#pragma once

#include <span>

#include "certify/case.hpp"

namespace hallmark {

/// Evaluates one contract, or those that are evaluated in one pass.
struct Judge {
  std::span<const generated::Contract* const> contracts;
  bool (*applies)(const Case& tensor);
  void (*run)(Case& tensor);
};

/// In the order in which they run.
std::span<const Judge* const> judges();

/// Whether there is a Gram matrix at all, and whether T15 speaks of its factor.
bool has_gram(const Case& tensor);
bool has_factor(const Case& tensor);

}  // namespace hallmark
