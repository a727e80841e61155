#include "method/rate_beam.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "method/options.hpp"
#include "method/path_errors.hpp"
#include "method/row_groups.hpp"

namespace hallmark {
namespace {

static_assert(widest_beam == PathErrors::kPaths);

constexpr float kNever = std::numeric_limits<float>::infinity();

// A path and one more code.
struct Continuation {
  double cost;
  float last;  // what the code added
  bool far;    // the code is not the nearest
  int order;   // among the continuations of a column: by path, then by point
  std::uint8_t from, code, context;
  bool clipped;
  friend bool operator<(const Continuation& a, const Continuation& b) {
    return std::tie(a.cost, a.last, a.far, a.order) < std::tie(b.cost, b.last, b.far, b.order);
  }
};

// What the search reads.
struct Problem {
  const Target& target;
  const UpperStrips<float>& U;
  const RatedUnits& units;
  const CodeRates& rates;
  std::size_t beam;
};

// The paths of one row, best first.
class Beam {
 public:
  Beam(const Problem& problem, Index row) : problem_(problem), row_(row) {}

  // Each path with the code of least cost at position p, or none; from sums of their errors to those parents and
  // errors that the paths now have.
  void go_on(Index p, const float* sums, std::uint8_t* from, float* e) {
    const Target& target = problem_.target;
    const Index column = target.order[at(p)];
    const float w = target.W(row_, column);
    const Step step = target.steps.at(row_, column);
    extend(p, w, step, sums);
    if (next_.empty() && !lost_) lost_ = Entry{row_, column};
    const auto kept = std::min(next_.size(), problem_.beam);
    std::partial_sort(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(kept), next_.end());
    next_.resize(kept);
    for (std::size_t r = 0; r < kept; ++r) {
      from[r] = next_[r].from;
      e[r] = std::fma(-static_cast<float>(step.scale), problem_.rates.point(next_[r].code, step.zero), w);
    }
    std::swap(paths_, next_);
    trace_.push_back({});
    for (const Continuation& path : paths_) trace_.back().push_back({path.from, path.code, path.clipped});
  }

  const std::optional<Entry>& lost() const { return lost_; }

  void store(Rounded& rounded) const {
    std::size_t path = 0;
    for (std::size_t p = trace_.size(); p-- > 0;) {
      const Link& link = trace_[p][path];
      rounded.codes(row_, problem_.target.order[p]) = static_cast<Code>(problem_.rates.codes()[link.code]);
      rounded.clipped[at(row_)] += link.clipped;
      path = link.from;
    }
  }

 private:
  struct Link {
    std::uint8_t from, code;
    bool clipped;
  };

  void extend(Index p, float w, const Step& step, const float* sums) {
    const CodeRates& rates = problem_.rates;
    const float unit = problem_.units.unit, scale = unit * static_cast<float>(step.scale), d = problem_.units.d[p];
    next_.clear();
    for (std::size_t r = 0; r < paths_.size(); ++r) {
      const float u = w + sums[r];
      if (!std::isfinite(u)) continue;
      const std::span<const float> bits = rates.costs(paths_[r].context);
      const Code nearest = problem_.target.grid.nearest(u, step);
      const bool clipped = problem_.target.grid.clipped(u, step);
      for (std::size_t k = 0; k < bits.size(); ++k) {
        const float g = rates.point(k, step.zero), t = std::fma(-scale, g, unit * u), sum = d * t * t + bits[k];
        const float last = sum < kNever ? sum : kNever;  // NaN too
        next_.push_back({paths_[r].cost + last, last, static_cast<Code>(rates.codes()[k]) != nearest,
                         static_cast<int>(next_.size()), static_cast<std::uint8_t>(r), static_cast<std::uint8_t>(k),
                         CodeRates::context_after(g), clipped});
      }
    }
  }

  const Problem& problem_;
  Index row_;
  std::vector<Continuation> paths_{{0, 0, false, 0, 0, 0, CodeRates::context_after(0), false}}, next_;
  std::vector<std::vector<Link>> trace_;
  std::optional<Entry> lost_;
};

// The rows first .. first + count: as many as there are lanes for their beams.
std::optional<Entry> search(const Problem& problem, Index first, Index count, Rounded& rounded) {
  PathErrors errors(problem.U);
  std::vector<Beam> beams;
  for (Index i = first; i < first + count; ++i) beams.emplace_back(problem, i);
  for (Index p = 0; p < problem.U.columns(); ++p) {
    const float* sums = errors.sums(p);
    PathErrors::Parents from{};
    PathErrors::Lanes e{};
    for (std::size_t b = 0; b < beams.size(); ++b) {
      const std::size_t lane = b * problem.beam;
      std::uint8_t* parents = &from[lane];
      beams[b].go_on(p, sums + lane, parents, &e[lane]);
      for (std::size_t r = 0; r < problem.beam; ++r) parents[r] = static_cast<std::uint8_t>(parents[r] + lane);
    }
    errors.follow(p, from);
    errors.add(p, e);
  }
  for (const Beam& beam : beams) {
    if (beam.lost()) return beam.lost();
    beam.store(rounded);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Entry> beam_codes(const Target& target, const UpperStrips<float>& U, const RatedUnits& units,
                                const CodeRates& rates, Index beam, Rounded& rounded) {
  const Problem problem{target, U, units, rates, at(beam)};
  const Index rows = target.W.rows(), together = PathErrors::kPaths / beam;
  std::optional<Entry> overflow;
#pragma omp parallel for schedule(dynamic) if (worth_threads(rows, U.columns()))
  for (Index first = 0; first < rows; first += together) {
    const auto lost = search(problem, first, std::min(together, rows - first), rounded);
    if (!lost) continue;
#pragma omp critical(hallmark_rate_beam_overflow)
    if (!overflow || lost->row < overflow->row) overflow = lost;
  }
  return overflow;
}

}  // namespace hallmark
