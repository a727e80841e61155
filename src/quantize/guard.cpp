#include "quantize/guard.hpp"

#include <numeric>

#include "oracle/exact_loss.hpp"

namespace hallmark {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

oracle::Dyadic exact_row_loss(const Target& target, const oracle::ExactGram& G, const Matrix<Code>& codes, Index row) {
  std::vector<float> w, scale;
  std::vector<double> point;
  for (Index j = 0; j < codes.cols(); ++j) {
    w.push_back(target.W(row, j));
    scale.push_back(scale_at(target.scales, target.group_size, row, j));
    point.push_back(target.grid.value(codes(row, j)));
  }
  return G.loss(w, scale, point);
}

Loss enclosure(const oracle::Dyadic& loss) {
  const double lo = loss.round_down(), hi = loss.round_up();
  return {lo, lo, hi};
}

}  // namespace

Guarded guard(const LossModel& model, const Target& target, MatrixRef<double> G, const Matrix<Code>& gptq,
              const Matrix<Code>& rtn) {
  const Index rows = gptq.rows();
  std::vector<Index> all(at(rows)), different, open;
  std::iota(all.begin(), all.end(), Index{0});
  for (const Index i : all)
    if ((gptq.row(i).array() != rtn.row(i).array()).any()) different.push_back(i);

  Guarded guarded{enclose_losses(model, target, gptq, all), {}, std::vector<std::uint8_t>(at(rows), 0), 0};
  guarded.rtn = guarded.gptq;
  const std::vector<Loss> losses = enclose_losses(model, target, rtn, different);
  for (std::size_t k = 0; k < different.size(); ++k) {
    const Index i = different[k];
    const Loss &g = guarded.gptq[at(i)], &r = guarded.rtn[at(i)] = losses[k];
    if (g.hi <= r.lo) continue;
    if (r.hi < g.lo) guarded.row_is_rtn[at(i)] = 1;
    else open.push_back(i);
  }

  guarded.exact_rows = static_cast<Index>(open.size());
  if (open.empty()) return guarded;
  const Matrix<double> contiguous = G;
  const oracle::ExactGram exact({contiguous.data(), at(contiguous.size())}, at(contiguous.cols()));
#pragma omp parallel for schedule(dynamic)
  for (std::size_t k = 0; k < open.size(); ++k) {
    const Index i = open[k];
    const oracle::Dyadic g = exact_row_loss(target, exact, gptq, i), r = exact_row_loss(target, exact, rtn, i);
    guarded.gptq[at(i)] = enclosure(g);
    guarded.rtn[at(i)] = enclosure(r);
    guarded.row_is_rtn[at(i)] = compare(g, r) > 0;
  }
  return guarded;
}

}  // namespace hallmark
