#include "pipeline/kept_sums.hpp"

#include <fmt/format.h>

#include <cstring>

#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "state/archive.hpp"

namespace hallmark {

Dependencies sum_dependencies(std::span<const CalibrationFile> files, const std::string& weight, bool merging,
                              const std::string& program, const std::function<std::string(const TensorInfo&)>& digest) {
  Dependencies on{{"program", program}};
  const std::string name = weight + (merging ? ".gram" : ".activations");
  for (const CalibrationFile& file : files)
    if (const TensorInfo* const tensor = file.file().find(name))
      on[fmt::format("input {:06}", on.size())] =
          described(*tensor, digest ? digest(*tensor) : sha256_mapped(tensor->data));
  return on;
}

std::string KeptSum::chunk_name(std::uint64_t index) const {
  return chunks_ == 1 ? plan_.weight : fmt::format("chunk {} of the sum of {}", index, plan_.weight);
}

std::optional<Matrix<double>> KeptSum::matrix_of(std::span<const std::byte> bytes) const {
  const auto cols = static_cast<Index>(plan_.cols);
  if (bytes.size() != plan_.cols * plan_.cols * sizeof(double)) return std::nullopt;
  Matrix<double> G(cols, cols);
  std::memcpy(G.data(), bytes.data(), bytes.size());
  return G;
}

// A sum of two versions of an input is not kept.
Status KeptSum::keep(const std::string& name, std::span<const std::byte> bytes) const {
  for (const CalibrationFile& file : files_)
    if (const Status same = file.file().unchanged(); !same) return same;
  return state_->keep(name, on_, bytes);
}

SumSoFar KeptSum::so_far() const {
  SumSoFar sum;
  if (!state_) return sum;
  const Found whole = state_->find(plan_.weight, on_);
  auto G = whole.kept ? matrix_of(whole.kept->bytes) : std::nullopt;
  sum.recorded = state_->has(plan_.weight);
  if (sum.recorded) sum.why_not = whole.kept && !G ? "its record holds something else" : whole.why_not;
  if (G) {
    sum.G = *std::move(G);
    sum.done = chunks_;
  }
  if (G || chunks_ == 1) return sum;
  if (const Found first = state_->find(first_name(), on_); first.kept) {
    const auto cols = static_cast<Index>(plan_.cols);
    BytesIn in(first.kept->bytes);
    in(sum.done, sum.G);
    if (!in.whole() || sum.done >= chunks_ || sum.G.rows() != cols || sum.G.cols() != cols) sum.done = 0;
  }
  for (std::uint64_t index = sum.done; index < chunks_; ++index)
    if (chunk(index)) sum.later.push_back(index);
  return sum;
}

std::optional<Matrix<double>> KeptSum::chunk(std::uint64_t index) const {
  if (!state_ || chunks_ == 1) return std::nullopt;
  const Found found = state_->find(chunk_name(index), on_);
  return found.kept ? matrix_of(found.kept->bytes) : std::nullopt;
}

Status KeptSum::keep_chunk(std::uint64_t index, std::span<const std::byte> bytes) {
  if (!state_) return ok();
  const Status kept = keep(chunk_name(index), bytes);
  whole_kept_ = kept && chunks_ == 1;
  return kept;
}

Expected<Matrix<double>> KeptSum::finish(SumSoFar sum,
                                         const std::function<Expected<Matrix<double>>(std::uint64_t)>& chunk_of) {
  if (sum.done == chunks_) return std::move(sum.G);
  for (;;) {
    Expected<Matrix<double>> next = chunk_of(sum.done);
    if (next && sum.done > 0) next = merge_gram(sum.G, *next);
    if (!next) return next;
    sum.G = *std::move(next);
    if (++sum.done == chunks_) break;
    if (!state_) continue;
    BytesOut out;
    out(sum.done, sum.G);
    if (const Status kept = keep(first_name(), out.bytes()); !kept) return kept.error();
    state_->drop(chunk_name(sum.done - 1));
  }
  if (!state_ || whole_kept_) return std::move(sum.G);
  if (const Status kept = keep(plan_.weight, binary64_bytes(sum.G)); !kept) return kept.error();
  for (std::uint64_t index = 0; chunks_ > 1 && index < chunks_; ++index) state_->drop(chunk_name(index));
  return std::move(sum.G);
}

}  // namespace hallmark
