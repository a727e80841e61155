#include "certify/case.hpp"

#include <algorithm>

#include "base/simd.hpp"
#include "io/sha256.hpp"
#include "linalg/finite.hpp"
#include "method/exact_row_loss.hpp"

namespace hallmark {
namespace {

// The unit of the target that the kernels use.
const units::Unit& unit_of_target(const std::string& target) {
#if defined(__x86_64__)
  if (target == "AVX3") return units::avx512;
  if (target == "AVX2") return units::avx2;
#endif
  static_cast<void>(target);
  return units::portable;
}

std::mt19937_64 chosen_by_results(const Evidence& evidence) {
  if (!evidence.model) return {};
  std::vector<double> numbers(evidence.model->d.begin(), evidence.model->d.end());
  for (const Loss& loss : evidence.result.enclosed_proposal) numbers.push_back(loss.value);
  return chosen_by(std::as_bytes(std::span(numbers)));
}

}  // namespace

std::mt19937_64 chosen_by(std::span<const std::byte> bytes) {
  return std::mt19937_64(std::stoull(sha256_hex(bytes).substr(0, 16), nullptr, 16));
}

contracts::Exact ExactLosses::operator()(const Matrix<Code>& codes, const Steps& steps, Index row) {
  std::call_once(once_, [&] {
    if (!first_non_finite<double>(*evidence_.G)) losses_ = exact_losses(*evidence_.G, evidence_.asymmetric);
  });
  bool finite = losses_.has_value();
  const Grid& grid = evidence_.options.grid;
  for (Index j = 0; j < codes.cols(); ++j)
    finite = finite && std::isfinite(evidence_.W(row, j)) && std::isfinite(steps.scale(row, j)) &&
             grid.contains(codes(row, j));
  return finite ? contracts::Exact(exact_row_loss(*losses_, evidence_.W, grid, steps, codes, row))
                : contracts::Exact(std::numeric_limits<double>::quiet_NaN());
}

Case::Case(const Evidence& shown, const Compensated& compensated, const GridPoints& grid_points,
           contracts::Policy asked, contracts::Report& written)
    : evidence(shown),
      u(compensated),
      points(grid_points),
      policy(asked),
      report(written),
      columns(evidence),
      exact_loss(evidence),
      row_exact(at(evidence.W.rows()), 0),
      chosen(chosen_by_results(evidence)),
      has_losses(evidence.model && evidence.model->in_range && columns.n > 0),
      unit(unit_of_target(simd_target())),
      rows_by_unit(policy == contracts::Policy::on && simd_target() != "reference" && evidence.result.steps.plain() &&
                   GapRule(evidence.options.grid).known &&
                   std::max(evidence.W.rows(), evidence.W.cols()) <= std::numeric_limits<std::int32_t>::max()) {
  // Without a position every column is dead, and nearest to w.
  const bool seen = u.rows() == evidence.W.rows() || (evidence.G && columns.n == 0);
  for (Index i = 0; i < evidence.W.rows(); ++i)
    if (evidence.result.row_is_rtn(i)) nearest.push_back(i);
    else if (seen && evidence.result.steps.plain(i)) made.push_back(i);
}

std::vector<double> Case::numbers(const Matrix<Code>& codes, const Steps& steps, Index i) const {
  std::vector<double> q(at(codes.cols()));
  if (!steps.plain(i)) {
    std::vector<float> decoded(q.size());
    decode_row(evidence.options.grid, steps, {&codes(i, 0), q.size()}, i, decoded);
    std::ranges::copy(decoded, q.begin());
    return q;
  }
  for (Index j = 0; j < codes.cols(); ++j) {
    const Step step = steps.at(i, j);
    q[at(j)] = step.scale * (static_cast<double>(points.entry[codes(i, j)].value) - step.zero);
  }
  return q;
}

}  // namespace hallmark
