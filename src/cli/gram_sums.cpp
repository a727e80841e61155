#include "cli/gram_sums.hpp"

#include <fmt/format.h>

#include <optional>

#include "cli/output.hpp"
#include "linalg/gram.hpp"
#include "pipeline/accumulate.hpp"

namespace hallmark::cli {
namespace {

using Files = std::vector<CalibrationFile>;

Expected<Matrix<double>> merged(const Files& files, const std::string& weight) {
  std::optional<Matrix<double>> total;
  for (const CalibrationFile& file : files) {
    if (!file.find(weight)) continue;
    const Expected<HeldMatrix<double>> gram = file.gram(weight);
    if (!gram) return gram.error();
    Expected<Matrix<double>> sum = total ? merge_gram(*total, gram->view()) : Matrix<double>(gram->view());
    if (!sum) return sum.error();
    total = *std::move(sum);
    file.forget(weight);
  }
  return *std::move(total);
}

}  // namespace

void say_taken(Resumable& resumable, const GramPlan& plan, const SumSoFar& sum, std::uint64_t chunks) {
  if (sum.recorded) resumable.say(plan.weight, sum.why_not);
  const std::uint64_t taken = sum.done + sum.later.size();
  if (sum.done < chunks && taken > 0)
    note("{}: {} of {} chunks taken from {}", plan.weight, taken, chunks, resumable.state()->folder());
}

Expected<Matrix<double>> kept_sum(const std::vector<CalibrationFile>& files, const GramPlan& plan, bool merging,
                                  Resumable& resumable) {
  const State* const state = resumable.state();
  if (!state) return merging ? merged(files, plan.weight) : accumulate_gram(files, plan.weight);
  const std::uint64_t chunks = merging ? 1 : gram_chunks(tokens_of(files, plan.weight));
  KeptSum kept(state, files, plan, chunks, sum_dependencies(files, plan.weight, merging, resumable.program()));
  SumSoFar sum = kept.so_far();
  say_taken(resumable, plan, sum, chunks);
  return kept.finish(std::move(sum), [&](std::uint64_t index) -> Expected<Matrix<double>> {
    if (merging) return merged(files, plan.weight);
    if (auto chunk = kept.chunk(index)) return *std::move(chunk);  // which ranks left
    return accumulate_chunk(files, plan.weight, index);
  });
}

}  // namespace hallmark::cli
