#include "cli/gram_sums.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "cli/output.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "pipeline/accumulate.hpp"
#include "state/archive.hpp"

namespace hallmark::cli {
namespace {

using Files = std::vector<CalibrationFile>;

// A sum of two versions of an input is not kept.
Status keep(const State& state, const Files& files, const std::string& name, const Dependencies& on,
            std::span<const std::byte> bytes) {
  for (const CalibrationFile& file : files)
    if (const Status same = file.file().unchanged(); !same) return same;
  return state.keep(name, on, bytes);
}

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

// Of several chunks, the sum so far kept after each but the last.
Expected<Matrix<double>> sum_in_chunks(const Files& files, const GramPlan& plan, std::uint64_t chunks,
                                       const Dependencies& on, const State& state) {
  const std::string name = "the sum so far of " + plan.weight;
  const auto cols = static_cast<Index>(plan.cols);
  std::uint64_t done = 0;
  Matrix<double> G;
  if (const Found found = state.find(name, on); found.kept) {
    BytesIn in(found.kept->bytes);
    in(done, G);
    if (!in.whole() || done >= chunks || G.rows() != cols || G.cols() != cols) done = 0;
    if (done > 0) note("{}: {} of {} chunks taken from {}", plan.weight, done, chunks, state.folder());
  }
  while (done < chunks) {
    Expected<Matrix<double>> next = accumulate_chunk(files, plan.weight, done);
    if (next && done > 0) next = merge_gram(G, *next);
    if (!next) return next;
    G = *std::move(next);
    if (++done == chunks) break;
    BytesOut out;
    out(done, G);
    if (const Status kept = keep(state, files, name, on, out.bytes()); !kept) return kept.error();
  }
  return G;
}

}  // namespace

Dependencies sum_dependencies(const std::vector<CalibrationFile>& files, const std::string& weight, bool merging,
                              const std::string& program) {
  Dependencies on{{"program", program}};
  const std::string name = weight + (merging ? ".gram" : ".activations");
  for (const CalibrationFile& file : files)
    if (const TensorInfo* const tensor = file.file().find(name))
      on[fmt::format("input {:06}", on.size())] = described(*tensor, sha256_mapped(tensor->data));
  return on;
}

Expected<Matrix<double>> kept_sum(const std::vector<CalibrationFile>& files, const GramPlan& plan, bool merging,
                                  Resumable& resumable) {
  const State* const state = resumable.state();
  if (!state) return merging ? merged(files, plan.weight) : accumulate_gram(files, plan.weight);
  const Dependencies on = sum_dependencies(files, plan.weight, merging, resumable.program());
  const auto cols = static_cast<Index>(plan.cols);
  const Found found = state->find(plan.weight, on);
  const bool fits = found.kept && found.kept->bytes.size() == plan.cols * plan.cols * sizeof(double);
  if (state->has(plan.weight))
    resumable.say(plan.weight, found.kept && !fits ? "its record holds something else" : found.why_not);
  if (fits) {
    Matrix<double> G(cols, cols);
    std::memcpy(G.data(), found.kept->bytes.data(), found.kept->bytes.size());
    return G;
  }
  const std::uint64_t chunks = merging ? 1 : gram_chunks(tokens_of(files, plan.weight));
  Expected<Matrix<double>> G = merging      ? merged(files, plan.weight)
                               : chunks > 1 ? sum_in_chunks(files, plan, chunks, on, *state)
                                            : accumulate_gram(files, plan.weight);
  if (!G) return G;
  const std::span<const double> numbers(G->data(), static_cast<std::size_t>(G->size()));
  if (const Status kept = keep(*state, files, plan.weight, on, std::as_bytes(numbers)); !kept) return kept.error();
  return G;
}

}  // namespace hallmark::cli
