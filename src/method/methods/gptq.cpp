#include "base/error_numbers.hpp"
// GPTQ: the recurrence along H = U D U^T, whose codes it proposes. Columns with G_jj = 0 are rounded to nearest: by the
// arithmetic itself when lambda > 0, as round-to-nearest left them when lambda = 0.
#include "method/method.hpp"

#include <fmt/format.h>

#include "linalg/buffer.hpp"

namespace hallmark {
namespace {

// RTN's codes as the recurrence's starting point: it overwrites the columns of the order, the others stay and count.
Rounded start(const Matrix<Code>& rtn, const Target& target) {
  const bool all = std::ssize(target.order) == target.W.cols();
  Rounded rounded{all ? fresh_matrix<Code>(target.W.rows(), target.W.cols()) : rtn,
                  std::vector<Index>(static_cast<std::size_t>(target.W.rows()), 0)};
  if (all) return rounded;
  std::vector<bool> left_out(static_cast<std::size_t>(target.W.cols()), true);
  for (const Index j : target.order) left_out[static_cast<std::size_t>(j)] = false;
  for (Index j = 0; j < target.W.cols(); ++j)
    for (Index i = 0; left_out[static_cast<std::size_t>(j)] && i < target.W.rows(); ++i)
      rounded.clipped[static_cast<std::size_t>(i)] += target.grid.clipped(target.W(i, j), target.steps.at(i, j));
  return rounded;
}

Expected<bool> propose(const MethodInput& input, Rounded& rounded) {
  rounded = start(input.rtn, input.target);
  const Expected<std::optional<Entry>> overflow =
      input.compute.recurrence(input.target, *input.U, input.block_size, rounded, input.sink, input.row_sums);
  if (!overflow) return overflow.error();
  if (const auto bad = *overflow)
    return Error{Exit::numeric, error_number::gptq_overflow,
                 fmt::format("the compensated weights of {} overflow binary32", input.name),
                 fmt::format("row {}, column {}", bad->row, bad->column),
                 "a larger --damp-fraction, or rescale the tensor"};
  return true;
}

}  // namespace

namespace method {
extern const Method gptq;
const Method gptq{"gptq", "rounding with error feedback along the factor of the Hessian", true, propose};
}  // namespace method

}  // namespace hallmark
