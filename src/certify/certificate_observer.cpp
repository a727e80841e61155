#include "certify/certificate_observer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "certify/column_squares.hpp"
#include "certify/row_group.hpp"
#include "linalg/hessian.hpp"
#include "method/exact_row_loss.hpp"

namespace hallmark {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double v = 0x1p-24;

// At most a quarter of its upper end wide.
bool sharp(const Loss& loss) { return loss.hi - loss.lo <= 0.25 * loss.hi; }

CertifiedLoss tightest(const oracle::Dyadic& loss) { return {{loss.round_down(), loss.round_up()}, std::nullopt}; }

bool inside(const oracle::Dyadic& x, const Enclosure& enclosure) {
  return x.round_down() >= enclosure.lo && x.round_up() <= enclosure.hi;
}

// A number of each of kTogether rows; unused ones are harmless.
using Together = std::array<double, at(CertificateObserver::kTogether)>;

// h_j for each row, from its u'.
Together half_gaps(const Target& target, const GapRule& rule, const Together& u, const Together& q, const Together& s,
                   Index first, Index count, Index j) {
  // Within both ends nothing is clipped, whatever the sign of the scale; zero points are looked at one by one.
  const GridSpec& spec = target.grid.spec();
  const double largest = spec.zero_points                       ? 0
                         : spec.kind == GridSpec::Kind::integer ? std::min(-spec.first, spec.last)
                                                                : spec.largest;
  Together h;
  bool inside_grid = rule.known;
  for (std::size_t i = 0; i < h.size(); ++i) {
    h[i] = std::max(rule.relative * std::fabs(u[i]), rule.absolute * std::fabs(s[i]));
    inside_grid &= std::fabs(u[i]) <= std::fabs(s[i]) * largest;
  }
  for (Index i = 0; i < count && !inside_grid; ++i) {
    const auto k = at(i);
    const Step step = target.steps.at(first + i, j);
    h[k] = target.grid.clipped(u[k], step) ? std::fabs(u[k] - q[k]) : target.grid.half_gap(u[k], step);
  }
  return h;
}

}  // namespace

bool ExactRows::contains(Index row, Index rows) const {
  if (count >= rows) return true;
  if (count <= 0) return false;
  const Index k =
      (row * count + rows - 1) / rows;  // the first of the chosen rows k rows / count that is not before row
  return k < count && k * rows / count == row;
}

CertificateObserver::CertificateObserver(const MatrixRef<double>* G, const Options& options, ExactRows exact,
                                         bool with_bounds, TellRows tell)
    : G_(G),
      options_(options),
      exact_(exact),
      with_bounds_(with_bounds),
      tell_(std::move(tell)),
      lambda_(G ? damping(*G, options.damp_fraction) : 0),
      grid_(oracle::ExactGrid::of(options.grid.spec())) {}

void CertificateObserver::rows(const RecurrenceRows& rows) {
  std::call_once(once_, [&] { prepare(rows); });
  std::vector<Bound> found;
  for (Index r = 0; with_bounds_ && r < rows.count; r += kTogether)
    bound(rows, r, std::min(kTogether, rows.count - r), found);
  for (Index r = 0; r < rows.count; ++r) {
    if (!exact_.contains(rows.first + r, rows.codes.rows()) || progress_->over()) continue;
    audit(rows, r);
    progress_->add();
  }
  const std::scoped_lock lock(mutex_);
  bounds_.insert(bounds_.end(), found.begin(), found.end());
}

void CertificateObserver::prepare(const RecurrenceRows& rows) {
  points_ = GridPoints::of(options_.grid);
  const std::vector<double> squares = column_squares(rows.U);
  for (Index p = 0; p < rows.U.columns(); ++p) {
    // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
    const double norm = std::sqrt(squares[at(p)]) * (1 + 0x1p-20), terms = static_cast<double>(p + 1);
    chain_.push_back(terms * v * (1 + terms * v) * norm);
    underflow_.push_back(0x1p-148 * terms * (1 + norm));
    const Index j = rows.target.order[at(p)];
    const double twice_G = 2 * (*G_)(j, j), H = twice_G + lambda_;
    root_.push_back(std::sqrt(H));
    excess_.push_back(H - twice_G);
  }
  if (exact_.count == 0) return;
  progress_.emplace(tell_, 2 * at(std::min(exact_.count, rows.codes.rows())));
  const Index n = rows.U.columns();
  std::vector<float> U(at(n * n), 0.0F);
  for (Index j = 0; j < n; ++j)
    for (Index k = 0; k <= j; ++k) U[at(k * n + j)] = rows.U.strip(j / kStrip)[k * kStrip + j % kStrip];
  recurrence_.emplace(U, at(n));
}

// What the bound reads of a column of these rows.
struct CertificateObserver::Column {
  Together e, q, s;
};

void CertificateObserver::load(const RecurrenceRows& rows, Index first, Index count, Index p, Column& c) const {
  const Target& target = rows.target;
  const Index j = target.order[at(p)], group = target.steps.group(j);
  if (count < kTogether) c = {};
  for (Index i = 0; i < count; ++i) {
    c.s[at(i)] = target.steps.scales(first + i, group);
    const double value =
        static_cast<double>(points_->entry[rows.codes(first + i, j)].value) - target.steps.zero(first + i, j);
    c.q[at(i)] = c.s[at(i)] * value;  // exact
    c.e[at(i)] = static_cast<double>(target.W(first + i, j)) - c.q[at(i)];
  }
}

void CertificateObserver::bound(const RecurrenceRows& rows, Index r, Index count, std::vector<Bound>& found) const {
  const Target& target = rows.target;
  const Index first = rows.first + r, columns = rows.U.columns();
  const auto n = static_cast<double>(columns);
  const auto column = std::make_unique_for_overwrite<Column[]>(at(columns));
  const GapRule rule(target.grid);
  Together squares{}, norm{}, sum{}, A{}, excess{};  // sum d_j (h_j + delta_j)^2, A, sum (H_jj - 2 G_jj) e_j^2
  for (Index p = 0; p < columns; ++p) {
    Column& c = column[at(p)];
    load(rows, first, count, p, c);
    for (std::size_t i = 0; i < squares.size(); ++i) squares[i] += c.e[i] * c.e[i];
  }
  // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  for (std::size_t i = 0; i < norm.size(); ++i) norm[i] = std::sqrt(squares[i]) * (1 + 0x1p-20);
  for (Index p = 0; p < columns; ++p) {
    const Column& c = column[at(p)];
    Together u{};
    for (Index i = 0; i < count; ++i) u[at(i)] = rows.u[p * kLanes<float> + r + i];
    const Together h = half_gaps(target, rule, u, c.q, c.s, first, count, target.order[at(p)]);
    const double d = rows.d[p], chain = chain_[at(p)], underflow = underflow_[at(p)], root = root_[at(p)],
                 difference = excess_[at(p)];
    for (std::size_t i = 0; i < h.size(); ++i) {
      const double reach = h[i] + chain * norm[i] + v * std::fabs(u[i]) + underflow;
      sum[i] += d * reach * reach;
      A[i] += std::fabs(c.e[i]) * root;
      excess[i] += difference * c.e[i] * c.e[i];
    }
  }
  for (Index i = 0; i < count; ++i) {
    const auto k = at(i);
    const double loss_H = sum[k] + (0x1p-23 + 0x1p-46 + (n + 2) * 0x1p-53) * A[k] * A[k];
    // At most 3 n + 33 roundings in loss_H and n + 5 in the sum over the excess: Coq `T30_bound_ieee`, of this program.
    const double value = 0.5 * (loss_H - excess[k]), error = (n + 32) * 0x1p-51 * (loss_H + excess[k]);
    const Enclosure enclosure{value - error, value + error};
    const bool known = (n + 1) * v <= 1 && std::isfinite(enclosure.lo) && std::isfinite(enclosure.hi);
    found.push_back({first + i, known ? enclosure : Enclosure{0, infinity}});
  }
}

void CertificateObserver::audit(const RecurrenceRows& rows, Index r) {
  const Target& target = rows.target;
  const Index n = rows.U.columns(), row = rows.first + r;
  std::vector<float> w, scale, computed;
  std::vector<int> zero;
  std::vector<Code> codes;
  for (Index p = 0; p < n; ++p) {
    const Index j = target.order[at(p)];
    w.push_back(target.W(row, j));
    scale.push_back(target.steps.scale(row, j));
    zero.push_back(target.steps.zero(row, j));
    codes.push_back(rows.codes(row, j));
    computed.push_back(rows.u[p * kLanes<float> + r]);
  }
  const oracle::RowVerdict verdict = recurrence_->judge(*grid_, w, scale, zero, codes, computed);
  const std::scoped_lock lock(mutex_);
  largest_ratio = std::max(largest_ratio, verdict.largest_ratio);
  exact_elements += at(n);
  if (!verdict.offence) return;
  const oracle::Offence& offence_found = *verdict.offence;
  const char* const what = offence_found.fault == oracle::Fault::distance  ? "|u' - u| <= delta fails"
                           : offence_found.fault == oracle::Fault::nearest ? "the code is not the point nearest to u'"
                           : offence_found.fault == oracle::Fault::not_a_code ? "the code is no point of the grid"
                                                                              : "a number is not finite";
  offend(row, fmt::format("column {}: {}: {} against {}", target.order[offence_found.position], what,
                          offence_found.left.text(), offence_found.right.text()));
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
    const Steps& steps = evidence.result.steps_of_rtn();
    const float w = evidence.W(row, j) + 0.0F;
    if (!grid_->confirm(evidence.rtn(row, j), w, steps.scale(row, j), steps.zero(row, j)).nearest)
      offend(row, fmt::format("column {}: the code of round-to-nearest is not the point nearest to w", j));
    ++exact_elements;
  }
}

// Losses as exact numbers in these rows: those that are to be audited, and those of which enclosures say too little.
void CertificateObserver::judge_exactly(const Evidence& evidence, const std::vector<Index>& judged) {
  const oracle::ExactLoss gram = exact_losses(*G_, evidence.asymmetric);
  if (!progress_) progress_.emplace(tell_, judged.size());
#pragma omp parallel for schedule(dynamic)
  for (std::size_t k = 0; k < judged.size(); ++k) {
    if (progress_->over()) continue;
    const Index i = judged[k];
    CertifiedRow& row = values[at(i)];
    const Steps &steps = evidence.result.steps, &rtn_steps = evidence.result.steps_of_rtn();
    const auto exact = [&](const Matrix<Code>& codes, const Steps& of) {
      return exact_row_loss(gram, evidence.W, evidence.options.grid, of, codes, i);
    };
    const bool same =
        steps.same_row(i, rtn_steps) && (evidence.result.codes.row(i).array() == evidence.rtn.row(i).array()).all();
    const oracle::Dyadic rtn_loss = exact(evidence.rtn, rtn_steps);
    const oracle::Dyadic loss = same ? rtn_loss : exact(evidence.result.codes, steps);
    if (!says_enough(row.final.enclosure)) row.final = tightest(loss);
    if (!says_enough(row.rtn.enclosure)) row.rtn = tightest(rtn_loss);
    progress_->add();
    if (!exact_.contains(i, evidence.W.rows())) continue;
    row.final.exact = loss;
    row.rtn.exact = rtn_loss;
    const std::scoped_lock lock(mutex_);
    if (!inside(loss, row.final.enclosure) || !inside(rtn_loss, row.rtn.enclosure))
      offend(i, "an exact loss is outside of its enclosure");
    if (evidence.options.guard && compare(loss, rtn_loss) > 0) offend(i, "the codes lose more than round-to-nearest");
    if (row.bound && !(loss.round_up() <= row.bound->enclosure.hi)) offend(i, "the loss is above its bound");
  }
  progress_->finish();
}

void CertificateObserver::tensor(const Evidence& evidence) {
  if (progress_) progress_->finish();
  codes_rtn = evidence.rtn;
  const Index rows = evidence.W.rows();
  for (Index i = 0; i < rows; ++i)
    if (exact_.contains(i, rows) && evidence.result.row_is_rtn(i)) confirm_rtn(evidence, i);
  if (!evidence.G) return;

  values.resize(at(rows));
  for (const Bound& found : bounds_)
    values[at(found.row)].bound = {evidence.model->in_range ? found.bound : Enclosure{0, infinity}, 0};
  // The enclosures by which the guard decided, where they say enough (docs/certificate.md); the others in binary64.
  const auto under = [&](const Steps& steps) {
    return Target{evidence.W, evidence.options.grid, steps, evidence.order, evidence.asymmetric};
  };
  const Target target = under(evidence.result.steps), target_rtn = under(evidence.result.steps_of_rtn());
  std::vector<Loss> final(at(rows)), rtn = evidence.result.enclosed_rtn;
  std::vector<Index> wide, wide_rtn;
  for (Index i = 0; i < rows; ++i) {
    final[at(i)] = evidence.loss(i);
    const auto& bound = values[at(i)].bound;
    if (!(sharp(final[at(i)]) && (!bound || final[at(i)].hi <= bound->enclosure.lo))) wide.push_back(i);
    if (rtn.empty() || !sharp(rtn[at(i)])) wide_rtn.push_back(i);
  }
  rtn.resize(at(rows));
  const LossModel& model = wide.empty() && wide_rtn.empty() ? *evidence.model : evidence.widened();
  const std::vector<Loss> again = enclose_losses(model, target, evidence.result.codes, wide);
  for (std::size_t k = 0; k < wide.size(); ++k) final[at(wide[k])] = again[k];
  const std::vector<Loss> again_rtn = enclose_losses(model, target_rtn, evidence.rtn, wide_rtn);
  for (std::size_t k = 0; k < wide_rtn.size(); ++k) rtn[at(wide_rtn[k])] = again_rtn[k];
  std::vector<Index> judged;  // by exact arithmetic
  for (Index i = 0; i < rows; ++i) {
    CertifiedRow& row = values[at(i)];
    const Loss& loss = final[at(i)];
    row.kept_rtn = evidence.result.kept_rtn[at(i)] != 0;
    row.final.enclosure = {loss.lo, loss.hi};
    row.rtn.enclosure = {rtn[at(i)].lo, rtn[at(i)].hi};
    if (exact_.contains(i, rows) || !says_enough(row.final.enclosure) || !says_enough(row.rtn.enclosure))
      judged.push_back(i);
  }
  if (!judged.empty()) judge_exactly(evidence, judged);
  for (CertifiedRow& row : values)
    if (row.bound) row.bound->slack = slack_of(row.final.enclosure, row.bound->enclosure);
}

}  // namespace hallmark
