// A code under one scale and zero point: rounding it again gives it back, and the file holds scale times point itself
// (not where the user gave the scales). One judge for both, which read the same pairs.
#include <algorithm>

#include "certify/judge.hpp"

namespace hallmark {

using namespace contracts;

namespace {

struct Pair {
  float s;
  int zero;
  Code code;
};

void judge_some(const Case& c, std::span<const Pair> pairs, Evaluations& idempotent,
                std::optional<Evaluations>& exact) {
  Lanes s{}, g{}, product{}, q{}, again{};
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const auto pair = pairs[std::min(lane, pairs.size() - 1)];
    const float point = c.points.entry[pair.code].value - static_cast<float>(pair.zero);
    s[lane] = pair.s;
    g[lane] = point;
    product[lane] = pair.s * point;  // as `dequantize` writes it, in binary32
    q[lane] = s[lane] * g[lane];
    const Code nearest = c.evidence.options.grid.nearest(q[lane], {pair.s, pair.zero});
    again[lane] = s[lane] * (static_cast<double>(c.points.entry[nearest].value) - pair.zero);
  }
  const auto one = [](const Lanes& x) { return [&x](std::size_t) -> const Lanes& { return x; }; };
  const auto scale = one(s), point = one(g), written = one(product), left = one(q), right = one(again);
  const auto row = [](std::size_t) { return std::optional<std::int64_t>(); };
  const auto nothing = [](std::size_t) {};
  idempotent.lanes(
      pairs.size(),
      [&](const auto& pick) { return generated::idempotence_post<OpsOf<decltype(pick)>>(1, pick(left), pick(right)); },
      row, nothing);
  if (exact)
    exact->lanes(
        pairs.size(),
        [&](const auto& pick) {
          return generated::exact_product_post<OpsOf<decltype(pick)>>(1, pick(scale), pick(point), pick(written));
        },
        row, nothing);
}

void judge_all(const Case& c, std::span<const Pair> found) {
  Evaluations idempotent = c.evaluations(generated::idempotence);
  std::optional<Evaluations> exact;
  if (c.evidence.options.scale_rule != given_scales)
    exact.emplace(generated::exact_product, c.evidence.name, c.policy, c.report);
  for (; !found.empty(); found = found.subspan(std::min(kRowsAtOnce, found.size())))
    judge_some(c, found.first(std::min(kRowsAtOnce, found.size())), idempotent, exact);
}

// Scales first .. last in row-major order, equal and with equal zero points.
struct Run {
  Index first, last;
};

// The codes of a tensor by their scale.
struct Scaled {
  const Matrix<Code>& codes;
  const Matrix<float>& scales;
  const Matrix<std::int16_t>& zeros;
  Index groups, width;

  explicit Scaled(const Case& c)
      : codes(c.evidence.result.codes),
        scales(c.evidence.result.steps.scales),
        zeros(c.evidence.result.steps.zeros),
        groups(scales.cols()),
        width(c.evidence.result.steps.group_size == 0 ? codes.cols() : c.evidence.result.steps.group_size) {}

  int zero_of(Index scale) const { return zeros.size() == 0 ? 0 : int{zeros.data()[scale]}; }
  std::span<const Code> codes_of(Index scale) const {
    const Index from = scale % groups * width;
    return {codes.data() + scale / groups * codes.cols() + from, at(std::min(width, codes.cols() - from))};
  }
  Pair pair(Index scale, Code code) const { return {scales.data()[scale], zero_of(scale), code}; }
  std::vector<Run> runs() const {
    std::vector<Run> found;
    for (Index first = 0, last = 0; first < scales.size(); first = last) {
      while (last < scales.size() && scales.data()[last] == scales.data()[first] && zero_of(last) == zero_of(first))
        ++last;
      found.push_back({first, last});
    }
    return found;
  }
};

// Each code of each run once; runs are shared among threads.
void judge_runs(const Case& c, const Scaled& scaled, const std::vector<Run>& runs) {
  constexpr std::size_t kBatch = 1 << 12;
  std::vector<std::uint32_t> seen(1 << 16, 0);
  std::vector<Pair> found;
  std::uint32_t run_number = 0;
#pragma omp for schedule(dynamic, 16)
  for (std::size_t k = 0; k < runs.size(); ++k) {
    ++run_number;
    for (Index scale = runs[k].first; scale < runs[k].last; ++scale)
      for (const Code code : scaled.codes_of(scale))
        if (std::exchange(seen[code], run_number) != run_number) found.push_back(scaled.pair(scale, code));
    if (found.size() >= kBatch) judge_all(c, found), found.clear();
  }
  judge_all(c, found);
}

// Each code of a long run once; its scales are shared among threads.
void judge_long_run(const Case& c, const Scaled& scaled, const Run& run) {
  std::vector<std::uint8_t> seen(1 << 16, 0);
#pragma omp parallel
  {
    std::vector<std::uint8_t> mine(1 << 16, 0);
#pragma omp for schedule(static)
    for (Index scale = run.first; scale < run.last; ++scale)
      for (const Code code : scaled.codes_of(scale)) mine[code] = 1;
#pragma omp critical(hallmark_pairs)
    for (std::size_t code = 0; code < seen.size(); ++code) seen[code] |= mine[code];
  }
  std::vector<Pair> found;
  for (std::size_t code = 0; code < seen.size(); ++code)
    if (seen[code] != 0) found.push_back(scaled.pair(run.first, static_cast<Code>(code)));
  judge_all(c, found);
}

void judge_pairs(Case& c) {
  constexpr Index kLong = 1 << 16;  // codes under one scale that are worth sharing among threads
  const Scaled scaled(c);
  std::vector<Run> runs, long_runs;
  for (const Run& run : scaled.runs())
    ((run.last - run.first) * scaled.width < kLong ? runs : long_runs).push_back(run);
#pragma omp parallel if (scaled.codes.size() > kLong)
  judge_runs(c, scaled, runs);
  for (const Run& run : long_runs) judge_long_run(c, scaled, run);
}

constexpr const generated::Contract* pairs_contracts[] = {&generated::idempotence, &generated::exact_product};

}  // namespace

namespace judging {
extern const Judge pairs;
const Judge pairs{pairs_contracts, [](const Case&) { return true; }, judge_pairs};
}  // namespace judging

}  // namespace hallmark
