// |G_ij| against the diagonal, for j >= i, by the roundings of the sums.
#include <algorithm>

#include "certify/judge.hpp"

namespace hallmark {

using namespace contracts;

namespace {

void judge_gram_bound(Case& c) {
  const MatrixRef<double>& G = *c.evidence.G;
  const Index n = G.cols();
  const Vector<double> diagonal = G.diagonal();
  const int low = least_exponent_of(diagonal);
  const std::size_t roundings = at(c.evidence.roundings);
  Count decided{.theorem = generated::gram_bound.theorem};
  std::vector<Index> open;
#pragma omp parallel if (n > 64)
  {
    Count mine;
    std::vector<Index> left;
#pragma omp for schedule(dynamic, 8)
    for (Index i = 0; i < n; ++i)
      if (c.policy == Policy::on &&
          c.unit.gram_row(G.data() + i * G.outerStride() + i, &diagonal[i], at(n - i), low, roundings))
        ++mine.passed, ++mine.by_binary64;
      else left.push_back(i);
#pragma omp critical(hallmark_gram_bound)
    {
      decided += mine;
      open.insert(open.end(), left.begin(), left.end());
    }
  }
  if (decided.passed > 0) c.report.add(generated::gram_bound.name, decided);
  std::sort(open.begin(), open.end());
#pragma omp parallel for schedule(dynamic) if (open.size() > 64)
  for (std::size_t k = 0; k < open.size(); k += kRowsAtOnce) {
    const std::span<const Index> rows = std::span(open).subspan(k, std::min(kRowsAtOnce, open.size() - k));
    const Index first = *std::min_element(rows.begin(), rows.end());
    const auto entry = [&](std::size_t j) {
      Lanes x{};
      for (std::size_t lane = 0; lane < rows.size(); ++lane) x[lane] = G(rows[lane], first + static_cast<Index>(j));
      return x;
    };
    const auto other = [&](std::size_t j) { return diagonal[first + static_cast<Index>(j)]; };
    Lanes own{};
    for (std::size_t lane = 0; lane < rows.size(); ++lane) own[lane] = diagonal[rows[lane]];
    c.evaluations(generated::gram_bound)
        .lanes(
            rows.size(),
            [&](const auto& pick) {
              return generated::gram_bound_post<OpsOf<decltype(pick)>>(at(n - first), roundings, pick(entry), pick(own),
                                                                       pick(other));
            },
            [&](std::size_t lane) { return rows[lane]; }, [](std::size_t) {});
  }
}

constexpr const generated::Contract* gram_bound_contracts[] = {&generated::gram_bound};

}  // namespace

namespace judging {
extern const Judge gram_bound;
const Judge gram_bound{gram_bound_contracts, has_gram, judge_gram_bound};
}  // namespace judging

}  // namespace hallmark
