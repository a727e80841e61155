#include "method/trellis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "format/trellis.hpp"
#include "method/path_errors.hpp"

namespace hallmark {
namespace {

constexpr float kNever = std::numeric_limits<float>::infinity();

// A path and one more code.
struct Continuation {
  float cost;
  int order;  // among the steps of a column: equal costs go to the first
  std::uint16_t window;
  std::uint8_t from, code;
  friend bool operator<(const Continuation& a, const Continuation& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.order < b.order;
  }
};

// What a column adds, no number being infinite; u - s g and the cost are rounded once each.
float cost_of(float before, float d, float u, float s, unsigned window) {
  const float t = std::fma(-s, static_cast<float>(trellis::value(window)), u);
  const float cost = std::fma(d * t, t, before);
  return cost < kNever ? cost : kNever;  // NaN too
}

float error_of(float w, float s, unsigned window) {
  return std::fma(-s, static_cast<float>(trellis::value(window)), w);
}

// Of the steps to one window the cheapest, then the kTrellisPaths cheapest of all, best first.
class Narrowing {
 public:
  void clear() { steps_.clear(); }

  void offer(float cost, unsigned window, std::size_t from, unsigned code) {
    const Continuation step{cost, static_cast<int>(steps_.size()), static_cast<std::uint16_t>(window),
                            static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(code)};
    int& known = of_window_[window];
    if (known < static_cast<int>(steps_.size()) && steps_[static_cast<std::size_t>(known)].window == window) {
      Continuation& other = steps_[static_cast<std::size_t>(known)];
      if (cost < other.cost) other = {cost, other.order, step.window, step.from, step.code};
      return;
    }
    known = static_cast<int>(steps_.size());
    steps_.push_back(step);
  }

  const std::vector<Continuation>& best() {
    const auto kept = std::min(steps_.size(), at(kTrellisPaths));
    std::partial_sort(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(kept), steps_.end());
    steps_.resize(kept);
    return steps_;
  }

 private:
  std::vector<Continuation> steps_;
  std::vector<int> of_window_ = std::vector<int>(trellis::kStates, 0);  // its place among the steps, if it is there
};

// Which path each came from and by which code, column after column; the codes of the first path at the end.
class Trace {
 public:
  void add(const std::vector<Continuation>& steps) { columns_.push_back(steps); }

  std::vector<Code> first() const {
    std::vector<Code> codes(columns_.size());
    std::size_t path = 0;
    for (std::size_t j = codes.size(); j-- > 0;) {
      codes[j] = columns_[j][path].code;
      path = columns_[j][path].from;
    }
    return codes;
  }

 private:
  std::vector<std::vector<Continuation>> columns_;
};

// The steps of a column without weight in the loss: each path goes to the nearest point.
void go_on_free(float w, float s, int bits, const std::vector<Continuation>& paths, Narrowing& next) {
  for (std::size_t r = 0; r < paths.size(); ++r) {
    unsigned nearest = 0;
    const auto far = [&](unsigned c) { return std::fabs(error_of(w, s, trellis::next(paths[r].window, c, bits))); };
    for (unsigned c = 1; c < 1U << bits; ++c)
      if (far(c) < far(nearest)) nearest = c;
    next.offer(paths[r].cost, trellis::next(paths[r].window, nearest, bits), r, nearest);
  }
}

void go_on(float d, const auto& u, float s, int bits, const std::vector<Continuation>& paths, Narrowing& next) {
  for (std::size_t r = 0; r < paths.size(); ++r)
    for (unsigned c = 0; c < 1U << bits; ++c) {
      const unsigned window = trellis::next(paths[r].window, c, bits);
      next.offer(cost_of(paths[r].cost, d, u[r], s, window), window, r, c);
    }
}

// The errors of all paths (path_errors.hpp), for the steps of a trellis.
class Paths {
 public:
  explicit Paths(const UpperStrips<float>& U) : errors_(U) {}

  const float* sums(Index p) { return errors_.sums(p); }

  void follow(Index p, const std::vector<Continuation>& steps) {
    PathErrors::Parents from{};
    for (std::size_t r = 0; r < steps.size(); ++r) from[r] = steps[r].from;
    errors_.follow(p, from);
  }

  void add(Index p, float w, float s, const std::vector<Continuation>& steps) {
    PathErrors::Lanes e{};
    for (std::size_t r = 0; r < steps.size(); ++r) e[r] = error_of(w, s, steps[r].window);
    errors_.add(p, e);
  }

 private:
  PathErrors errors_;
};

// The search; `feedback` has the sums of a position and takes the errors.
TrellisPath searched(std::span<const float> w, float s, int bits, std::span<const Index> order, const Vector<double>& d,
                     auto& feedback) {
  Narrowing next;
  Trace trace;
  std::vector<Continuation> paths{{0, 0, 0, 0, 0}};
  Index p = 0;
  for (std::size_t j = 0; j < w.size(); ++j) {
    const bool counts = p < std::ssize(order) && at(order[at(p)]) == j;
    next.clear();
    if (counts) {
      std::array<float, at(kTrellisPaths)> u;
      const float* sums = feedback.sums(p);
      for (std::size_t r = 0; r < paths.size(); ++r) u[r] = w[j] + sums[r];
      go_on(static_cast<float>(d[p]), u, s, bits, paths, next);
    } else {
      go_on_free(w[j], s, bits, paths, next);
    }
    paths = next.best();
    feedback.follow(p, paths);
    if (counts) feedback.add(p++, w[j], s, paths);
    trace.add(paths);
  }
  return {trace.first(), paths.front().cost};
}

// The plain feedback: every path has its own errors, and a sum is one chain of fma.
class PathsRef {
 public:
  explicit PathsRef(const Matrix<float>& U) : U_(U), errors_(at(kTrellisPaths)) {}

  const float* sums(Index p) {
    for (std::size_t r = 0; r < errors_.size(); ++r) {
      sum_[r] = 0;
      for (std::size_t k = 0; k < errors_[r].size(); ++k)
        sum_[r] = std::fma(errors_[r][k], U_(static_cast<Index>(k), p), sum_[r]);
    }
    return sum_.data();
  }

  void follow(Index, const std::vector<Continuation>& steps) {
    std::vector<std::vector<float>> now(errors_.size());
    for (std::size_t r = 0; r < steps.size(); ++r) now[r] = errors_[steps[r].from];
    errors_ = std::move(now);
  }

  void add(Index, float w, float s, const std::vector<Continuation>& steps) {
    for (std::size_t r = 0; r < steps.size(); ++r) errors_[r].push_back(error_of(w, s, steps[r].window));
  }

 private:
  const Matrix<float>& U_;
  std::vector<std::vector<float>> errors_;
  std::array<float, at(kTrellisPaths)> sum_{};
};

}  // namespace

TrellisPath trellis_path(std::span<const float> w, float s, int bits, std::span<const Index> order,
                         const UpperStrips<float>& U, const Vector<double>& d) {
  Paths feedback(U);
  return searched(w, s, bits, order, d, feedback);
}

TrellisPath trellis_path_ref(std::span<const float> w, float s, int bits, std::span<const Index> order,
                             const Matrix<float>& U, const Vector<double>& d) {
  PathsRef feedback(U);
  return searched(w, s, bits, order, d, feedback);
}

}  // namespace hallmark
