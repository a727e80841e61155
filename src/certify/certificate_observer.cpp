#include "certify/certificate_observer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "linalg/hessian.hpp"
#include "oracle/exact_loss.hpp"

namespace hallmark {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double v = 0x1p-24;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

bool finite(const Loss& loss) { return std::isfinite(loss.lo) && std::isfinite(loss.hi); }

oracle::Dyadic exact_loss(const oracle::ExactGram& gram, const Evidence& evidence, const Matrix<Code>& codes, Index row) {
  std::vector<float> w, scale;
  std::vector<double> point;
  for (Index j = 0; j < codes.cols(); ++j) {
    w.push_back(evidence.W(row, j));
    scale.push_back(scale_at(evidence.result.scales, evidence.result.group_size, row, j));
    point.push_back(evidence.options.grid.value(codes(row, j)));
  }
  return gram.loss(w, scale, point);
}

CertifiedLoss tightest(const oracle::Dyadic& loss) { return {{loss.round_down(), loss.round_up()}, std::nullopt}; }

bool inside(const oracle::Dyadic& x, const Enclosure& enclosure) {
  return x.round_down() >= enclosure.lo && x.round_up() <= enclosure.hi;
}

}  // namespace

bool ExactRows::contains(Index row, Index rows) const {
  if (count >= rows) return true;
  if (count <= 0) return false;
  const Index k = (row * count + rows - 1) / rows;  // the first of the chosen rows k rows / count that is not before row
  return k < count && k * rows / count == row;
}

CertificateObserver::CertificateObserver(const Matrix<double>* G, const Options& options, ExactRows exact)
    : G_(G), options_(options), exact_(exact), lambda_(G ? damping(*G, options.damp_percent) : 0),
      grid_(oracle::ExactGrid::parse(options.grid.name())) {}

void CertificateObserver::rows(const RecurrenceRows& rows) {
  std::call_once(once_, [&] { prepare(rows); });
  std::vector<Bound> found;
  for (Index r = 0; r < rows.count; ++r) {
    found.push_back({rows.first + r, bound(rows, r)});
    if (exact_.contains(rows.first + r, rows.codes.rows())) audit(rows, r);
  }
  const std::scoped_lock lock(mutex_);
  bounds_.insert(bounds_.end(), found.begin(), found.end());
}

void CertificateObserver::prepare(const RecurrenceRows& rows) {
  for (Index p = 0; p < rows.U.columns(); ++p) {
    double squares = 0;
    const float* strip = rows.U.strip(p / kStrip) + p % kStrip;
    for (Index k = 0; k < p; ++k) squares += static_cast<double>(strip[k * kStrip]) * static_cast<double>(strip[k * kStrip]);
    const double norm = std::sqrt(squares) * (1 + 0x1p-20), terms = static_cast<double>(p + 1);
    chain_.push_back(terms * v * (1 + terms * v) * norm);
    underflow_.push_back(0x1p-148 * terms * (1 + norm));
  }
  if (exact_.count == 0) return;
  const Index n = rows.U.columns();
  std::vector<float> U(at(n * n), 0.0F);
  for (Index j = 0; j < n; ++j)
    for (Index k = 0; k <= j; ++k) U[at(k * n + j)] = rows.U.strip(j / kStrip)[k * kStrip + j % kStrip];
  recurrence_.emplace(U, at(n));
}

Enclosure CertificateObserver::bound(const RecurrenceRows& rows, Index r) const {
  const Target& target = rows.target;
  const Index row = rows.first + r, columns = rows.U.columns();
  const auto n = static_cast<double>(columns);
  if (!((n + 1) * v <= 1)) return {0, infinity};
  std::vector<double> e(at(columns));
  double squares = 0;
  for (Index p = 0; p < columns; ++p) {
    const Index j = target.order[at(p)];
    const double s = scale_at(target.scales, target.group_size, row, j), g = target.grid.value(rows.codes(row, j));
    e[at(p)] = std::fma(-s, g, static_cast<double>(target.W(row, j)));
    squares += e[at(p)] * e[at(p)];
  }
  const double norm = std::sqrt(squares) * (1 + 0x1p-20);
  double sum = 0, A = 0, excess = 0;  // sum d_j (h_j + delta_j)^2, A, sum (H_jj - 2 G_jj) e_j^2
  for (Index p = 0; p < columns; ++p) {
    const Index j = target.order[at(p)];
    const double u = rows.u[p * kLanes<float> + r], s = scale_at(target.scales, target.group_size, row, j);
    const double twice_G = 2 * (*G_)(j, j), H = twice_G + lambda_;
    const double h = target.grid.clipped(u, s) ? std::fabs(u - s * target.grid.value(rows.codes(row, j))) : target.grid.half_gap(u, s);
    const double reach = h + chain_[at(p)] * norm + v * std::fabs(u) + underflow_[at(p)];
    sum += rows.d[p] * reach * reach;
    A += std::fabs(e[at(p)]) * std::sqrt(H);
    excess += (H - twice_G) * e[at(p)] * e[at(p)];
  }
  const double loss_H = sum + (0x1p-23 + 0x1p-46 + (n + 2) * 0x1p-53) * A * A;
  // Every sum has n terms with few roundings each, and all terms but the last sum's are added.
  const double value = 0.5 * (loss_H - excess), error = (n + 32) * 0x1p-51 * (loss_H + excess);
  const Enclosure enclosure{value - error, value + error};
  return std::isfinite(enclosure.lo) && std::isfinite(enclosure.hi) ? enclosure : Enclosure{0, infinity};
}

void CertificateObserver::audit(const RecurrenceRows& rows, Index r) {
  const Target& target = rows.target;
  const Index n = rows.U.columns(), row = rows.first + r;
  std::vector<float> w, scale, computed;
  std::vector<Code> codes;
  for (Index p = 0; p < n; ++p) {
    const Index j = target.order[at(p)];
    w.push_back(target.W(row, j));
    scale.push_back(scale_at(target.scales, target.group_size, row, j));
    codes.push_back(rows.codes(row, j));
    computed.push_back(rows.u[p * kLanes<float> + r]);
  }
  const oracle::RowVerdict verdict = recurrence_->judge(*grid_, w, scale, codes, computed);
  const std::scoped_lock lock(mutex_);
  largest_ratio = std::max(largest_ratio, verdict.largest_ratio);
  exact_elements += at(n);
  if (!verdict.offence) return;
  const oracle::Offence& offence_found = *verdict.offence;
  const char* const what = offence_found.fault == oracle::Fault::distance  ? "|u' - u| <= delta fails"
                           : offence_found.fault == oracle::Fault::nearest ? "the code is not the point nearest to u'"
                           : offence_found.fault == oracle::Fault::not_a_code ? "the code is no point of the grid"
                                                                              : "a number is not finite";
  offend(row, fmt::format("column {}: {}: {} against {}", target.order[offence_found.position], what, offence_found.left.text(),
                          offence_found.right.text()));
}

// The mutex is held, or no other thread runs.
void CertificateObserver::offend(Index row, std::string what) {
  if (offence && offending_row_ <= row) return;
  offending_row_ = row;
  offence = fmt::format("row {}, {}", row, what);
}

// Codes that were rounded to nearest: every one is the point nearest to w, -0 read as +0.
void CertificateObserver::confirm_rtn(const Evidence& evidence, Index row) {
  for (Index j = 0; j < evidence.rtn.cols(); ++j) {
    const float s = scale_at(evidence.result.scales, evidence.result.group_size, row, j);
    if (!grid_->confirm(evidence.rtn(row, j), evidence.W(row, j) + 0.0F, s).nearest)
      offend(row, fmt::format("column {}: the code of round-to-nearest is not the point nearest to w", j));
    ++exact_elements;
  }
}

void CertificateObserver::tensor(const Evidence& evidence) {
  codes_rtn = evidence.rtn;
  const Index rows = evidence.W.rows();
  for (Index i = 0; i < rows; ++i)
    if (exact_.contains(i, rows) && evidence.row_is_rtn(i)) confirm_rtn(evidence, i);
  if (!evidence.G) return;

  values.resize(at(rows));
  for (const Bound& found : bounds_) values[at(found.row)].bound = evidence.model->in_range ? found.bound : Enclosure{0, infinity};
  // In binary64, though the guard may have decided with less: tight enclosures are what makes a certificate sharp.
  const Target target{evidence.W, evidence.options.grid, evidence.result.scales, evidence.result.group_size, evidence.order};
  std::vector<Index> all(at(rows)), different;
  std::iota(all.begin(), all.end(), Index{0});
  for (const Index i : all)
    if ((evidence.result.codes.row(i).array() != evidence.rtn.row(i).array()).any()) different.push_back(i);
  const std::vector<Loss> final = enclose_losses(*evidence.model, target, evidence.result.codes, all);
  std::vector<Loss> rtn = final;
  const std::vector<Loss> others = enclose_losses(*evidence.model, target, evidence.rtn, different);
  for (std::size_t k = 0; k < different.size(); ++k) rtn[at(different[k])] = others[k];
  std::vector<Index> judged;  // by exact arithmetic
  for (Index i = 0; i < rows; ++i) {
    CertifiedRow& row = values[at(i)];
    const Loss& loss = final[at(i)];
    row.kept_rtn = evidence.row_is_rtn(i);
    row.final.enclosure = {loss.lo, loss.hi};
    row.rtn.enclosure = {rtn[at(i)].lo, rtn[at(i)].hi};
    if (exact_.contains(i, rows) || !finite(loss) || !finite(rtn[at(i)])) judged.push_back(i);
  }
  if (!judged.empty()) {
    const Matrix<double>& G = *G_;
    const oracle::ExactGram gram(std::span(G.data(), at(G.size())), at(G.cols()));
#pragma omp parallel for schedule(dynamic)
    for (std::size_t k = 0; k < judged.size(); ++k) {
      const Index i = judged[k];
      CertifiedRow& row = values[at(i)];
      const bool same = (evidence.result.codes.row(i).array() == evidence.rtn.row(i).array()).all();
      const oracle::Dyadic rtn_loss = exact_loss(gram, evidence, evidence.rtn, i);
      const oracle::Dyadic loss = same ? rtn_loss : exact_loss(gram, evidence, evidence.result.codes, i);
      if (!std::isfinite(row.final.enclosure.hi - row.final.enclosure.lo)) row.final = tightest(loss);
      if (!std::isfinite(row.rtn.enclosure.hi - row.rtn.enclosure.lo)) row.rtn = tightest(rtn_loss);
      if (!exact_.contains(i, rows)) continue;
      row.final.exact = loss;
      row.rtn.exact = rtn_loss;
      const std::scoped_lock lock(mutex_);
      if (!inside(loss, row.final.enclosure) || !inside(rtn_loss, row.rtn.enclosure))
        offend(i, "an exact loss is outside of its enclosure");
      if (evidence.options.guard && compare(loss, rtn_loss) > 0) offend(i, "the codes lose more than round-to-nearest");
      if (!(loss.round_up() <= row.bound.hi)) offend(i, "the loss is above its bound");
    }
  }
  for (CertifiedRow& row : values) row.slack = slack_of(row.final.enclosure, row.bound);
}

}  // namespace hallmark
