#include "certify/contracts.hpp"

#include <fmt/format.h>

#include "certify/case.hpp"

namespace hallmark {

using namespace contracts;

namespace {

constexpr Index kSamples = 64;

}  // namespace

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
  const Evaluations unused(generated::gram_accumulation, tensor, policy_, report);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t entry = 0; entry < at(kSamples); ++entry) {
    const std::size_t a = entry / 8, b = 8 + entry % 8;
    const auto x = [&](std::size_t t) -> double { return x_[a][t]; };
    const auto y = [&](std::size_t t) -> double { return x_[b][t]; };
    const double value = G(columns_[a], columns_[b]);
    Evaluations(generated::gram_accumulation, tensor, policy_, report)
        .once(
            [&](const auto& pick) {
              return generated::gram_accumulation_post<OpsOf<decltype(pick)>>(tokens, pick(x), pick(y), pick(value));
            },
            std::nullopt, fmt::format("entry ({}, {})", columns_[a], columns_[b]));
  }
}

}  // namespace hallmark
