#include "certify/contracts.hpp"

#include <fmt/format.h>

#include "base/simd.hpp"
#include "certify/tensor_judge.hpp"
#include "io/sha256.hpp"
#include "linalg/finite.hpp"
#include "method/exact_row_loss.hpp"

namespace hallmark {

using namespace contracts;

namespace {

constexpr Index kSamples = 64;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// The unit of the target that the kernels use.
const units::Unit& unit_of_target(const std::string& target) {
#if defined(__x86_64__)
  if (target == "AVX3") return units::avx512;
  if (target == "AVX2") return units::avx2;
#endif
  static_cast<void>(target);
  return units::portable;
}

// Pivots and enclosed losses, which depend on everything.
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

contracts::Exact ExactLosses::operator()(const Matrix<Code>& codes, Index row) {
  std::call_once(once_, [&] {
    const Matrix<double> G = *evidence_.G;
    if (!first_non_finite<double>(G)) gram_.emplace(std::span(G.data(), at(G.size())), at(G.cols()));
  });
  bool finite = gram_.has_value();
  const Grid& grid = evidence_.options.grid;
  const Steps& steps = evidence_.result.steps;
  for (Index j = 0; j < codes.cols(); ++j)
    finite = finite && std::isfinite(evidence_.W(row, j)) && std::isfinite(steps.scale(row, j)) &&
             grid.contains(codes(row, j));
  return finite ? contracts::Exact(exact_row_loss(*gram_, evidence_.W, grid, steps, codes, row))
                : contracts::Exact(std::numeric_limits<double>::quiet_NaN());
}

TensorJudge::TensorJudge(const Evidence& evidence, const Compensated& u, const GridPoints& points, Policy policy,
                         Report& report)
    : evidence_(evidence),
      u_(u),
      points_(points),
      policy_(policy),
      report_(report),
      columns_(evidence),
      losses_(evidence),
      row_exact_(at(evidence.W.rows()), 0),
      chosen_(chosen_by_results(evidence)),
      has_losses_(evidence.model && evidence.model->in_range && columns_.n > 0),
      unit_(unit_of_target(simd_target())),
      rows_by_unit_(policy == Policy::on && simd_target() != "reference" && GapRule(evidence.options.grid).known) {}

void TensorJudge::run() {
  rows();
  pairs();
  if (evidence_.G) {
    gram_bound();
    if (evidence_.options.guard) guard();
    if (has_losses_) {
      factor();
      sampled_losses();
    }
  }
  // The guard counts its rows without naming them: the sum counts none too few.
  const std::int64_t exact = evidence_.result.exact_rows + std::count(row_exact_.begin(), row_exact_.end(), 1);
  report_.add_rows(evidence_.W.rows(), std::min<std::int64_t>(exact, evidence_.W.rows()));
}

void check_contracts(const Evidence& evidence, const Compensated& u, const GridPoints& points, Policy policy,
                     Report& report) {
  if (policy != Policy::off) TensorJudge(evidence, u, points, policy, report).run();
}

void Compensated::keep(const RecurrenceRows& rows) {
  const bool whole =
      rows.first % kLanes<float> == 0 && (rows.count == kLanes<float> || rows.first + rows.count == rows_);
  if (whole) std::copy_n(rows.u, positions_ * kLanes<float>, row(rows.first));
  for (Index p = 0; p < positions_ && !whole; ++p)
    for (Index r = 0; r < rows.count; ++r) (*this)(rows.first + r, p) = rows.u[p * kLanes<float> + r];
}

void ContractChecker::rows(const RecurrenceRows& rows) {
  if (policy_ == Policy::off) return;
  const Index n = rows.U.columns();
  {
    const std::scoped_lock lock(mutex_);
    if (u_.rows() != rows.target.W.rows() || u_.positions() != n) u_.resize(rows.target.W.rows(), n);
  }
  u_.keep(rows);
}

void ContractChecker::tensor(const Evidence& evidence) {
  if (policy_ == Policy::off) return;
  check_contracts(evidence, u_, *GridPoints::of(evidence.options.grid), policy_, report_);
  u_.resize(0, 0);
}

GramSample::GramSample(MatrixRef<float> W, Policy policy) : policy_(policy) {
  const Matrix<float> contiguous = W;
  std::mt19937_64 chosen = chosen_by(std::as_bytes(std::span(contiguous.data(), at(contiguous.size()))));
  for (Index& column : columns_) column = static_cast<Index>(chosen() % at(W.cols()));
}

void GramSample::add(MatrixRef<float> X) {
  if (policy_ == Policy::off) return;
  for (std::size_t k = 0; k < columns_.size(); ++k)
    for (Index t = 0; t < X.rows(); ++t) x_[k].push_back(X(t, columns_[k]));
}

void GramSample::judge(std::string_view tensor, MatrixRef<double> G, Report& report) const {
  if (policy_ == Policy::off) return;
  const std::size_t tokens = x_[0].size();
  const Judge unused(generated::gram_accumulation, tensor, policy_, report);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t entry = 0; entry < at(kSamples); ++entry) {
    const std::size_t a = entry / 8, b = 8 + entry % 8;
    const auto x = [&](std::size_t t) -> double { return x_[a][t]; };
    const auto y = [&](std::size_t t) -> double { return x_[b][t]; };
    const double value = G(columns_[a], columns_[b]);
    Judge(generated::gram_accumulation, tensor, policy_, report)
        .once(
            [&](const auto& pick) {
              return generated::gram_accumulation_post<OpsOf<decltype(pick)>>(tokens, pick(x), pick(y), pick(value));
            },
            std::nullopt, fmt::format("entry ({}, {})", columns_[a], columns_[b]));
  }
}

}  // namespace hallmark
