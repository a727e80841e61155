#include "method/gptq.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "linalg/buffer.hpp"

namespace hallmark {
namespace {

// Columns outside of the order to nearest, -0 read as +0; the recurrence writes the others.
Rounded start(const Target& target) {
  const Index rows = target.W.rows(), columns = target.W.cols();
  Rounded rounded{fresh_matrix<Code>(rows, columns), std::vector<Index>(static_cast<std::size_t>(rows), 0)};
  std::vector<bool> left_out(static_cast<std::size_t>(columns), true);
  for (const Index j : target.order) left_out[static_cast<std::size_t>(j)] = false;
  for (Index j = 0; j < columns; ++j)
    for (Index i = 0; left_out[static_cast<std::size_t>(j)] && i < rows; ++i) {
      const Step step = target.steps.at(i, j);
      rounded.codes(i, j) = target.grid.nearest(target.W(i, j) + 0.0F, step);
      rounded.clipped[static_cast<std::size_t>(i)] += target.grid.clipped(target.W(i, j), step);
    }
  return rounded;
}

}  // namespace

Expected<Proposal> gptq_proposal(const MethodInput& input, const Target& target) {
  Proposal proposal{start(target)};
  RowSink sink;
  if (input.sink)
    sink = [&](Index first, Index count, const float* u) { input.sink(proposal.rounded.codes, first, count, u); };
  std::optional<RowSums> row_sums;
  if (input.weights) row_sums.emplace(RowSums{*input.weights, proposal.sums});
  const Expected<std::optional<Entry>> overflow = input.compute.recurrence(
      target, *input.U, input.options.block_size, proposal.rounded, sink, row_sums ? &*row_sums : nullptr);
  if (!overflow) return overflow.error();
  if (const auto bad = *overflow)
    return Error{Exit::numeric, error_number::gptq_overflow,
                 fmt::format("the compensated weights of {} overflow binary32", input.name),
                 fmt::format("row {}, column {}", bad->row, bad->column),
                 "a larger --damp-fraction, or rescale the tensor"};
  return proposal;
}

}  // namespace hallmark
