#include "method/gptq.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "linalg/buffer.hpp"
#include "method/rtn.hpp"

namespace hallmark {

Error recurrence_overflow(std::string_view tensor, Entry where) {
  return {Exit::numeric, error_number::gptq_overflow,
          fmt::format("the compensated weights of {} overflow binary32", tensor),
          fmt::format("row {}, column {}", where.row, where.column), "a larger --damp-fraction, or rescale the tensor"};
}

Expected<Proposal> gptq_proposal(const MethodInput& input, const Target& target, const CodeChooser& choose) {
  const Index rows = target.W.rows();
  Proposal proposal{{fresh_matrix<Code>(rows, target.W.cols()), std::vector<Index>(static_cast<std::size_t>(rows), 0)}};
  round_left_out(target, proposal.rounded);
  RowSink sink;
  if (input.sink)
    sink = [&](Index first, Index count, const float* u) { input.sink(proposal.rounded.codes, first, count, u); };
  std::optional<RowSums> row_sums;
  if (input.sums) row_sums.emplace(RowSums{*input.weights, proposal.sums});
  const RowSums* sums = row_sums ? &*row_sums : nullptr;
  const Index block = input.options.block_size;
  const Expected<std::optional<Entry>> overflow =
      choose ? run_recurrence(target, *input.U, block, proposal.rounded, sink, sums, choose)
             : input.compute.recurrence(target, *input.U, block, proposal.rounded, sink, sums);
  if (!overflow) return overflow.error();
  if (*overflow) return recurrence_overflow(input.name, **overflow);
  return proposal;
}

}  // namespace hallmark
