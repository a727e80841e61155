#include "certify/contracts.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "certify/judge.hpp"
#include "certify/row_group.hpp"
#include "io/sha256.hpp"
#include "oracle/exact_loss.hpp"

namespace hallmark {
namespace {

using namespace contracts;

constexpr Index kSamples = 64;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class Pick>
using OpsOf = typename std::remove_cvref_t<Pick>::Ops;

// Choices that anyone can repeat: they depend on nothing but the bytes.
template <class T>
std::mt19937_64 chosen_by(const T* data, Index size) {
  const std::string hex = sha256_hex(std::as_bytes(std::span(data, at(size))));
  return std::mt19937_64(std::stoull(hex.substr(0, 16), nullptr, 16));
}

// Exact plain losses of rows, for what enclosures leave open. The matrix is laid out when first asked for.
class ExactLosses {
 public:
  explicit ExactLosses(const Evidence& evidence) : evidence_(evidence) {}

  oracle::Dyadic operator()(const Matrix<Code>& codes, Index row) {
    std::call_once(once_, [&] {
      const Matrix<double> G = *evidence_.G;
      gram_.emplace(std::span(G.data(), at(G.size())), at(G.cols()));
    });
    std::vector<float> w, scale;
    std::vector<double> point;
    for (Index j = 0; j < codes.cols(); ++j) {
      w.push_back(evidence_.W(row, j));
      scale.push_back(scale_at(evidence_.result.scales, evidence_.result.group_size, row, j));
      point.push_back(evidence_.options.grid.value(codes(row, j)));
      if (std::isnan(point.back())) return {};  // gf16_nearest has refused the code
    }
    return gram_->loss(w, scale, point);
  }

 private:
  const Evidence& evidence_;
  std::once_flag once_;
  std::optional<oracle::ExactGram> gram_;
};

class TensorJudge {
 public:
  TensorJudge(const Evidence& evidence, const Matrix<float>& u, const GridPoints& points, Policy policy, Report& report)
      : evidence_(evidence), u_(u), points_(points), policy_(policy), report_(report), columns_(evidence), losses_(evidence),
        row_exact_(at(evidence.W.rows()), 0) {
    const Matrix<Code>& codes = evidence.result.codes;
    chosen_ = chosen_by(codes.data(), codes.size());
  }

  void run() {
    std::vector<Index> made, nearest;  // by GPTQ, by round-to-nearest
    for (Index i = 0; i < evidence_.W.rows(); ++i) (evidence_.row_is_rtn(i) ? nearest : made).push_back(i);
    rows(made, true);
    rows(nearest, false);
    pairs();
    if (evidence_.G) {
      gram_bound();
      if (evidence_.options.guard) guard();
      if (evidence_.model->in_range && columns_.n > 0) {
        factor();
        sampled_losses();
      }
    }
    // The guard counts its rows without naming them: the sum counts none too few.
    const std::int64_t exact = evidence_.result.exact_rows + std::count(row_exact_.begin(), row_exact_.end(), 1);
    report_.add_rows(evidence_.W.rows(), std::min<std::int64_t>(exact, evidence_.W.rows()));
  }

 private:
  Judge judge(const generated::Contract& contract) const { return {contract, evidence_.name, policy_, report_}; }

  void rows(const std::vector<Index>& list, bool from_u) {
    const auto groups = (std::ssize(list) + Index{kRowsAtOnce} - 1) / Index{kRowsAtOnce};
#pragma omp parallel
    {
      RowGroup group;
#pragma omp for schedule(dynamic)
      for (Index g = 0; g < groups; ++g) {
        const std::size_t first = at(g) * kRowsAtOnce;
        group.load(evidence_, u_, points_, columns_, std::span(list).subspan(first, std::min(kRowsAtOnce, list.size() - first)), from_u);
        judge_rounding(group);
        if (from_u && evidence_.model->in_range && columns_.n > 0) judge_losses(group);
      }
    }
  }

  // T7, for every element: the code is nearest, and within half a gap.
  void judge_rounding(const RowGroup& group) {
    using Position = RowGroup::Position;
    const std::size_t cols = group.at.size();
    const auto of = [&](Lanes Position::*what) { return [&group, what](std::size_t p) -> const Lanes& { return group.at[p].*what; }; };
    const auto x = of(&Position::x), q = of(&Position::q), s = of(&Position::s);
    const auto below = of(&Position::below), above = of(&Position::above);
    const auto row = [&](std::size_t lane) { return group.row(lane); };
    const auto exact = [&](std::size_t lane) { row_exact_[at(group.row(lane))] = 1; };
    judge(generated::gf16_nearest).lanes(group.rows.size(), [&](const auto& pick) {
      return generated::gf16_nearest_post<OpsOf<decltype(pick)>>(cols, pick(x), pick(q), pick(below), pick(above));
    }, row, exact);
    if (evidence_.options.grid.short_name() == "gf16") {
      const auto near = [&](std::size_t p) -> Lanes {  // beyond the last point the distance is measured, not promised
        const Position& position = group.at[p];
        const LaneMask beyond = (position.below == position.q) | (position.above == position.q);
        return beyond ? position.q : position.x;
      };
      judge(generated::gf16_half_gap).lanes(group.rows.size(), [&](const auto& pick) {
        return generated::gf16_half_gap_post<OpsOf<decltype(pick)>>(cols, pick(s), pick(near), pick(q));
      }, row, exact);
    }
    if (evidence_.result.method != Method::rtn) return;
    std::vector<Code> codes(cols * group.rows.size());
    for (std::size_t lane = 0; lane < group.rows.size(); ++lane)
      for (std::size_t p = 0; p < cols; ++p)
        codes[lane * cols + p] = evidence_.options.grid.nearest(group.at[p].w[lane] + 0.0, group.at[p].s[lane]);
    const auto again = [&](std::size_t p) {
      Lanes point{};
      for (std::size_t lane = 0; lane < group.rows.size(); ++lane)
        point[lane] = group.at[p].s[lane] * static_cast<double>(points_.value[codes[lane * cols + p]]);
      return point;
    };
    judge(generated::rtn_when_no_calibration).lanes(group.rows.size(), [&](const auto& pick) {
      return generated::rtn_when_no_calibration_post<OpsOf<decltype(pick)>>(cols, 0, pick(q), pick(again));
    }, row, exact);
  }

  // T9 and T1 on the enclosed loss of rows that GPTQ made, from the u' of the recurrence.
  void judge_losses(const RowGroup& group) {
    const std::size_t n = at(columns_.n);
    const LossModel& model = *evidence_.model;
    Lanes lo{}, hi{};
    for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
      const Loss& loss = evidence_.result.enclosed_gptq[at(group.row(lane))];
      lo[lane] = 2 * loss.lo;
      hi[lane] = 2 * loss.hi;
    }
    Lanes squares{}, errors{}, size{};
    Ball excess = LaneOps::value(0.0);
    for (std::size_t p = 0; p < n; ++p) {
      const RowGroup::Position& position = group.at[p];
      const double d = model.d[static_cast<Index>(p)];
      squares += d * (position.x - position.q) * (position.x - position.q);
      errors += d * position.delta * position.delta;
      size += magnitude(position.w - position.q) * columns_.root[p];
      const Ball e = LaneOps::value(Difference<Lanes>{position.w, position.q});
      excess = excess + LaneOps::value(Difference<double>{columns_.H[p], columns_.twice_G[p]}) * (e * e);
    }
    // The recorded enclosure may be that of binary32 (loss.hpp), whose own constants are of this size: twice its rho, and 8 g, leave
    // room for it, and larger bounds are bounds too.
    const double chain = (static_cast<double>(n) + 1) * 0x1p-24 * (1 + 0x1p-3);
    Lanes N{}, rho{};
    for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
      N[lane] = std::sqrt(squares[lane]) * (1 + 0x1p-20);
      rho[lane] = 2 * (std::sqrt(errors[lane]) * (1 + 0x1p-20) + chain * size[lane]);
    }
    const auto twice_exact = [&](std::size_t lane) {
      const oracle::Dyadic loss = losses_(evidence_.result.codes, group.row(lane));
      return loss + loss;
    };
    const Ball twice_plain = ball_between(lo, hi);
    const EnclosedLoss L{twice_plain, twice_exact};
    const EnclosedLoss L_H{twice_plain + excess, [&](std::size_t lane) {
                             oracle::Dyadic loss = twice_exact(lane);
                             for (std::size_t p = 0; p < n; ++p) {
                               const oracle::Dyadic e = oracle::Dyadic(group.at[p].w[lane]) - oracle::Dyadic(group.at[p].q[lane]);
                               loss += (oracle::Dyadic(columns_.H[p]) - oracle::Dyadic(columns_.twice_G[p])) * e * e;
                             }
                             return loss;
                           }};
    const auto d = [&](std::size_t p) { return model.d[static_cast<Index>(p)]; };
    const auto a = [&](std::size_t p) { return columns_.root[p]; };
    const auto c = [&](std::size_t p) { return Difference<double>{columns_.H[p], columns_.twice_G[p]}; };
    const auto e = [&](std::size_t p) { return Difference<Lanes>{group.at[p].w, group.at[p].q}; };
    const auto t = [&](std::size_t p) { return Difference<Lanes>{group.at[p].x, group.at[p].q}; };
    const auto w = [&](std::size_t p) -> const Lanes& { return group.at[p].w; };
    const auto q = [&](std::size_t p) -> const Lanes& { return group.at[p].q; };
    const auto h = [&](std::size_t p) -> const Lanes& { return group.at[p].gap; };
    const auto delta = [&](std::size_t p) -> const Lanes& { return group.at[p].delta; };
    const double g = 0x1p-23 + 0x1p-46 + residual_constant(columns_.n);  // Coq `residual32`, exact
    const double g_room = 8 * g;
    const auto row = [&](std::size_t lane) { return group.row(lane); };
    const auto exact = [&](std::size_t lane) { row_exact_[at(group.row(lane))] = 1; };
    judge(generated::gptq_bound_emitted).lanes(group.rows.size(), [&](const auto& pick) {
      return generated::gptq_bound_emitted_post<OpsOf<decltype(pick)>>(n, pick(d), pick(w), pick(q), pick(h), pick(delta), pick(a),
                                                                      pick(g), pick(L_H));
    }, row, exact);
    judge(generated::loss_enclosure).lanes(group.rows.size(), [&](const auto& pick) {
      return generated::loss_enclosure_post<OpsOf<decltype(pick)>>(n, pick(d), pick(c), pick(e), pick(t), pick(a), pick(g_room), pick(N),
                                                                  pick(rho), pick(L));
    }, row, exact);
  }

  struct Pair {
    float s;
    Code code;
  };

  // Each code with each scale, once for as long as the scale stays the same.
  void pairs() {
    constexpr std::size_t kBatch = 1 << 14;
    const Matrix<Code>& codes = evidence_.result.codes;
    std::vector<std::uint32_t> seen(1 << 16, 0);
    std::vector<Pair> found;
    std::uint32_t scales = 0;
    float last = 0;
    for (Index i = 0; i < codes.rows(); ++i)
      for (Index j = 0; j < codes.cols(); ++j) {
        const float s = scale_at(evidence_.result.scales, evidence_.result.group_size, i, j);
        if (std::exchange(last, s) != s) ++scales;
        if (std::exchange(seen[codes(i, j)], scales) != scales) found.push_back({s, codes(i, j)});
        if (found.size() == kBatch) judge_pairs(found), found.clear();
      }
    judge_pairs(found);
  }

  void judge_pairs(std::span<const Pair> found) {
    const bool promised = evidence_.options.scale_rule != ScaleRule::given;
#pragma omp parallel if (found.size() > 1024)
    {
      Judge idempotent = judge(generated::idempotence);
      std::optional<Judge> exact;
      if (promised) exact.emplace(generated::exact_product, evidence_.name, policy_, report_);
#pragma omp for schedule(static)
      for (std::size_t first = 0; first < found.size(); first += kRowsAtOnce)
        judge_pairs(found.subspan(first, std::min(kRowsAtOnce, found.size() - first)), idempotent, exact);
    }
  }

  void judge_pairs(std::span<const Pair> pairs, Judge& idempotent, std::optional<Judge>& exact) {
    Lanes s{}, g{}, product{}, q{}, again{};
    for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
      const auto pair = pairs[std::min(lane, pairs.size() - 1)];
      const float point = points_.value[pair.code];
      s[lane] = pair.s;
      g[lane] = point;
      product[lane] = pair.s * point;  // as `dequantize` writes it, in binary32
      q[lane] = s[lane] * g[lane];
      again[lane] = s[lane] * static_cast<double>(points_.value[evidence_.options.grid.nearest(q[lane], s[lane])]);
    }
    const auto one = [](const Lanes& x) { return [&x](std::size_t) -> const Lanes& { return x; }; };
    const auto scale = one(s), point = one(g), written = one(product), left = one(q), right = one(again);
    const auto row = [](std::size_t) { return std::optional<std::int64_t>(); };
    const auto nothing = [](std::size_t) {};
    idempotent.lanes(pairs.size(), [&](const auto& pick) {
      return generated::idempotence_post<OpsOf<decltype(pick)>>(1, pick(left), pick(right));
    }, row, nothing);
    if (exact) exact->lanes(pairs.size(), [&](const auto& pick) {
      return generated::exact_product_post<OpsOf<decltype(pick)>>(1, pick(scale), pick(point), pick(written));
    }, row, nothing);
  }

  // |G_ij| against the diagonal, for j >= the first row of each group.
  void gram_bound() {
    const MatrixRef<double>& G = *evidence_.G;
    constexpr Index kRows = kRowsAtOnce;
    const Index n = G.cols(), groups = (n + kRows - 1) / kRows;
#pragma omp parallel for schedule(dynamic)
    for (Index group = 0; group < groups; ++group) {
      const Index first = group * kRows, lanes = std::min(kRows, n - first);
      const auto entry = [&](std::size_t k) {
        Lanes x{};
        std::memcpy(&x, G.data() + (first + static_cast<Index>(k)) * G.outerStride() + first, at(lanes) * sizeof(double));  // symmetric
        return x;
      };
      const auto diagonal = [&](std::size_t k) { return G(first + static_cast<Index>(k), first + static_cast<Index>(k)); };
      Lanes own{};
      for (Index lane = 0; lane < lanes; ++lane) own[at(lane)] = diagonal(at(lane));
      judge(generated::gram_bound).lanes(at(lanes), [&](const auto& pick) {
        return generated::gram_bound_post<OpsOf<decltype(pick)>>(at(n - first), pick(entry), pick(own), pick(diagonal));
      }, [&](std::size_t lane) { return first + static_cast<Index>(lane); }, [](std::size_t) {});
    }
  }

  // T6: rows that differ from round-to-nearest lose no more; so does the whole.
  void guard() {
    std::vector<Index> differ;
    for (Index i = 0; i < evidence_.W.rows(); ++i)
      if ((evidence_.result.codes.row(i).array() != evidence_.rtn.row(i).array()).any()) differ.push_back(i);
    const auto point = [&](const Matrix<Code>& codes, Index i, Index j) {
      return scale_at(evidence_.result.scales, evidence_.result.group_size, i, j) * static_cast<double>(points_.value[codes(i, j)]);
    };
    const auto loss = [&](const std::vector<Loss>& enclosed, const Matrix<Code>& codes, std::span<const Index> rows) {
      Lanes lo{}, hi{};
      for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
        const Loss& one = enclosed[at(rows[std::min(lane, rows.size() - 1)])];
        lo[lane] = one.lo;
        hi[lane] = one.hi;
      }
      return EnclosedLoss{ball_between(lo, hi), [this, &codes, rows](std::size_t lane) { return losses_(codes, rows[lane]); }};
    };
    const auto& result = evidence_.result;
    for (std::size_t first = 0; first < differ.size(); first += kRowsAtOnce) {
      const std::span<const Index> rows = std::span(differ).subspan(first, std::min(kRowsAtOnce, differ.size() - first));
      // The statement is the same for all columns with q < r and for all with r < q: one of each stands for them.
      Lanes q[2]{}, r[2]{};
      for (std::size_t lane = 0; lane < rows.size(); ++lane) {
        const Index i = rows[lane];
        for (Index j = 0; j < evidence_.W.cols(); ++j) {
          const double kept = point(result.codes, i, j), other = point(evidence_.rtn, i, j);
          if (kept != other && !(kept < other ? q[0][lane] < r[0][lane] : r[1][lane] < q[1][lane])) {
            q[kept < other ? 0 : 1][lane] = kept;
            r[kept < other ? 0 : 1][lane] = other;
          }
        }
      }
      const auto kept = [&](std::size_t k) -> const Lanes& { return q[k]; };
      const auto other = [&](std::size_t k) -> const Lanes& { return r[k]; };
      const EnclosedLoss loss_kept = loss(result.enclosed_gptq, result.codes, rows), loss_rtn = loss(result.enclosed_rtn, evidence_.rtn, rows);
      judge(generated::guard_row).lanes(rows.size(), [&](const auto& pick) {
        return generated::guard_row_post<OpsOf<decltype(pick)>>(2, pick(other), pick(kept), pick(loss_rtn), pick(loss_kept));
      }, [&](std::size_t lane) { return rows[lane]; }, [&](std::size_t lane) { row_exact_[at(rows[lane])] = 1; });
    }
    judge(generated::guard_total).once([&](const auto& pick) {
      using Ops = OpsOf<decltype(pick)>;
      const auto gain = [&](std::size_t k) {
        const Index i = differ[k];
        if constexpr (std::is_same_v<Ops, WideOps>) {
          const auto number = [](const Loss& enclosed) {
            const double mid = enclosed.lo * 0.5 + enclosed.hi * 0.5;
            return Wide{mid, 0, std::max(enclosed.hi - mid, mid - enclosed.lo) * (1 + 0x1p-50)};
          };
          return number(result.enclosed_rtn[at(i)]) - number(result.enclosed_gptq[at(i)]);
        } else {
          return Exact(losses_(evidence_.rtn, i)) - Exact(losses_(result.codes, i));
        }
      };
      return generated::guard_total_post<Ops>(differ.size(), gain);
    }, std::nullopt, "");
  }

  double U(Index i, Index k) const { return evidence_.model->U.strip(k / kStrip)[i * kStrip + k % kStrip]; }

  // T15: pivots, the whole diagonal, and entries chosen by the digest.
  void factor() {
    const Index n = columns_.n;
    const Vector<double>& diagonal = *evidence_.diag_H;
    const double g = residual_constant(n);
    const auto entry = [&](Index i, Index j) {
      const Index from = std::max(i, j);
      const auto x = [&](std::size_t k) { return U(i, from + static_cast<Index>(k)); };
      const auto y = [&](std::size_t k) { return U(j, from + static_cast<Index>(k)); };
      const auto d = [&](std::size_t k) { return evidence_.model->d[from + static_cast<Index>(k)]; };
      const double h = i == j ? diagonal[i] : 2 * (*evidence_.G)(columns_.column[at(i)], columns_.column[at(j)]);
      judge(generated::factor_residual).once([&](const auto& pick) {
        return generated::factor_residual_post<OpsOf<decltype(pick)>>(at(n - from), pick(x), pick(y), pick(d), pick(h),
                                                                     pick(columns_.root[at(i)]), pick(columns_.root[at(j)]), pick(g));
      }, std::nullopt, fmt::format("entry ({}, {})", columns_.column[at(i)], columns_.column[at(j)]));
    };
    std::vector<std::pair<Index, Index>> entries;
    for (Index i = 0; i < n; ++i) entries.emplace_back(i, i);
    for (Index k = 0; k < kSamples && n > 1; ++k)
      entries.emplace_back(static_cast<Index>(chosen_() % at(n)), static_cast<Index>(chosen_() % at(n)));
#pragma omp parallel for schedule(dynamic, 8) if (n > 64)
    for (std::size_t k = 0; k < entries.size(); ++k) entry(entries[k].first, entries[k].second);
    for (Index p = 0; p < n; ++p) {
      const auto d = [&](std::size_t) { return evidence_.model->d[p]; };
      const auto h = [&](std::size_t) { return diagonal[p]; };
      judge(generated::pivots).once([&](const auto& pick) {
        return generated::pivots_post<OpsOf<decltype(pick)>>(1, pick(d), pick(h), pick(g));
      }, std::nullopt, fmt::format("pivot {}", columns_.column[at(p)]));
    }
  }

  // T1 and T15 for chosen rows: the loss from G itself against the squares of a binary64 product e U.
  void sampled_losses() {
    const Index n = columns_.n, count = std::clamp<Index>((Index{1} << 19) / (n * n), 1, 4);
    const MatrixRef<double>& G = *evidence_.G;
    for (Index sample = 0; sample < count; ++sample) {
      const Index i = static_cast<Index>(chosen_() % at(evidence_.W.rows()));
      const auto q = [&](std::size_t p) {
        const Index j = columns_.column[p];
        return scale_at(evidence_.result.scales, evidence_.result.group_size, i, j) * static_cast<double>(points_.value[evidence_.result.codes(i, j)]);
      };
      const auto e = [&](std::size_t p) { return Difference<double>{static_cast<double>(evidence_.W(i, columns_.column[p])), q(p)}; };
      std::vector<double> rounded(at(n)), product(at(n));
      double squares = 0, size = 0;
      for (std::size_t p = 0; p < at(n); ++p) {
        rounded[p] = e(p).left - e(p).right;
        size += std::fabs(rounded[p]) * columns_.root[p];
      }
#pragma omp parallel for schedule(dynamic, 64) if (n > 256)
      for (Index p = 0; p < n; ++p)
        for (Index k = 0; k <= p; ++k) product[at(p)] = std::fma(rounded[at(k)], U(k, p), product[at(p)]);
      for (Index p = 0; p < n; ++p) squares += evidence_.model->d[p] * product[at(p)] * product[at(p)];
      const double g = residual_constant(n);
      const double N = std::sqrt(squares) * (1 + 0x1p-20);
      const double rho = g * size * (1 + g) * (1 + 0x1p-20) + 0x1p-800;  // Coq `product_norm`: product64 = residual64
      const auto t = [&](std::size_t p) { return product[p]; };
      const auto d = [&](std::size_t p) { return evidence_.model->d[static_cast<Index>(p)]; };
      const auto a = [&](std::size_t p) { return columns_.root[p]; };
      const auto c = [&](std::size_t p) { return Difference<double>{columns_.H[p], columns_.twice_G[p]}; };
      judge(generated::loss_enclosure).once([&](const auto& pick) {
        using Ops = OpsOf<decltype(pick)>;
        typename Ops::Scalar L = Ops::rational(0, 1);
        if constexpr (std::is_same_v<Ops, WideOps>) {
          std::vector<Wide> part(at(n));
#pragma omp parallel for schedule(dynamic, 16) if (n > 64)
          for (Index p = 0; p < n; ++p) {
            const Index j = columns_.column[at(p)];
            Wide sum = Ops::value(G(j, j)) * Ops::value(e(at(p))), above{};
            for (Index k = p + 1; k < n; ++k) above = above + Ops::value(G(j, columns_.column[at(k)])) * Ops::value(e(at(k)));
            part[at(p)] = Ops::value(e(at(p))) * (sum + above + above);
          }
          for (const Wide& x : part) L = L + x + x;
        } else {
          const oracle::Dyadic loss = losses_(evidence_.result.codes, i);
          L = Exact(loss + loss);
        }
        return generated::loss_enclosure_post<Ops>(at(n), pick(d), pick(c), pick(e), pick(t), pick(a), pick(g), pick(N), pick(rho), L);
      }, i, "from the Gram matrix");
    }
  }

  const Evidence& evidence_;
  const Matrix<float>& u_;
  const GridPoints& points_;
  Policy policy_;
  Report& report_;
  RowColumns columns_;
  ExactLosses losses_;
  std::vector<std::uint8_t> row_exact_;
  std::mt19937_64 chosen_;
};

}  // namespace

void check_contracts(const Evidence& evidence, const Matrix<float>& u, const GridPoints& points, Policy policy, Report& report) {
  if (policy != Policy::off) TensorJudge(evidence, u, points, policy, report).run();
}

void ContractChecker::rows(const RecurrenceRows& rows) {
  if (policy_ == Policy::off) return;
  const Index n = rows.U.columns();
  {
    const std::scoped_lock lock(mutex_);
    if (u_.rows() != rows.target.W.rows() || u_.cols() != n) u_.resize(rows.target.W.rows(), n);
  }
  for (Index p = 0; p < n; ++p)
    for (Index r = 0; r < rows.count; ++r) u_(rows.first + r, p) = rows.u[p * kLanes<float> + r];
}

void ContractChecker::tensor(const Evidence& evidence) {
  if (policy_ == Policy::off) return;
  if (!grid_ || !(*grid_ == evidence.options.grid)) {
    grid_ = evidence.options.grid;
    points_.emplace(evidence.options.grid);
  }
  check_contracts(evidence, u_, *points_, policy_, report_);
  u_.resize(0, 0);
}

GramSample::GramSample(MatrixRef<float> W, Policy policy) : policy_(policy) {
  const Matrix<float> contiguous = W;
  std::mt19937_64 chosen = chosen_by(contiguous.data(), contiguous.size());
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
    Judge(generated::gram_accumulation, tensor, policy_, report).once([&](const auto& pick) {
      return generated::gram_accumulation_post<OpsOf<decltype(pick)>>(tokens, pick(x), pick(y), pick(value));
    }, std::nullopt, fmt::format("entry ({}, {})", columns_[a], columns_[b]));
  }
}

}  // namespace hallmark
