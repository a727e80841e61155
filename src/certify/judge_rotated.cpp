// Rotated rows: every number that codes and scale stand for is scale times the sum of 16 signed points over 4, exactly.
// The sums are taken here by the definition of R, not by the additions of decode_row.
#include <algorithm>
#include <bit>

#include "certify/judge.hpp"
#include "format/trellis.hpp"

namespace hallmark {

using namespace contracts;

namespace {

// x R of the points x.
std::vector<double> turned_back(const std::vector<double>& x, std::span<const float> signs) {
  constexpr std::size_t n = static_cast<std::size_t>(Rotation::kBlock);
  std::vector<double> out = x;
  for (std::size_t j = 0; j < signs.size(); ++j) {
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += (std::popcount(j % n & k) % 2 == 0 ? 1 : -1) * x[j / n * n + k];
    out[j] = static_cast<double>(signs[j]) * sum / 4;
  }
  return out;
}

// The points of a rotated row; by the trellis each of the codes that its window holds, by their places in it.
std::vector<double> points_of(const Case& c, const MatrixRef<Code>& codes) {
  const GridSpec& grid = c.evidence.options.grid.spec();
  std::vector<double> points;
  for (Index j = 0; j < codes.cols(); ++j) {
    unsigned window = 0;
    for (int place = 0; place * grid.bits < trellis::kBits && place <= j; ++place)
      window |= static_cast<unsigned>(codes(0, j - place)) << place * grid.bits;
    points.push_back(grid.windowed ? static_cast<double>(trellis::value(window % trellis::kStates))
                                   : c.points.entry[codes(0, j)].value);
  }
  return points;
}

void judge_rows(const Case& c, const Steps& steps, std::span<const Index> rows, Evaluations& exact) {
  const Matrix<Code>& codes = c.evidence.result.codes;
  std::vector<Lanes> s(at(codes.cols())), g(s.size()), written(s.size());
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const Index i = rows[std::min(lane, rows.size() - 1)];
    const std::vector<double> points = points_of(c, codes.row(i));
    const std::vector<double> sums = turned_back(points, steps.rotation.signs), q = c.numbers(codes, steps, i);
    for (std::size_t j = 0; j < s.size(); ++j) {
      s[j][lane] = steps.scale(i, static_cast<Index>(j));
      g[j][lane] = sums[j];
      written[j][lane] = q[j];
    }
  }
  const auto of = [](const std::vector<Lanes>& x) { return [&x](std::size_t j) -> const Lanes& { return x[j]; }; };
  const auto scale = of(s), point = of(g), number = of(written);
  exact.lanes(
      rows.size(),
      [&](const auto& pick) {
        return generated::exact_product_post<OpsOf<decltype(pick)>>(s.size(), pick(scale), pick(point), pick(number));
      },
      [&](std::size_t lane) { return rows[std::min(lane, rows.size() - 1)]; }, [](std::size_t) {});
}

void judge_rotated(Case& c) {
  const Steps steps = c.evidence.result.steps.uncorrected();
  std::vector<Index> rotated;
  for (Index i = 0; i < c.evidence.W.rows(); ++i)
    if (steps.rotation.of_row(i)) rotated.push_back(i);
#pragma omp parallel if (rotated.size() > kRowsAtOnce)
  {
    Evaluations exact = c.evaluations(generated::exact_product);
#pragma omp for schedule(static)
    for (std::size_t first = 0; first < rotated.size(); first += kRowsAtOnce)
      judge_rows(c, steps, std::span(rotated).subspan(first, std::min(kRowsAtOnce, rotated.size() - first)), exact);
  }
}

constexpr const generated::Contract* rotated_contracts[] = {&generated::exact_product};

}  // namespace

namespace judging {
extern const Judge rotated;
const Judge rotated{rotated_contracts, [](const Case& c) { return c.evidence.result.steps.rotation.any(); },
                    judge_rotated};
}  // namespace judging

}  // namespace hallmark
