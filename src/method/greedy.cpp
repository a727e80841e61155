#include "method/greedy.hpp"

#include <cmath>

#include "method/gradient.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

// One row under work.
class Row {
 public:
  Row(const Gradients& of, const Grid& grid, const Steps& steps, Index row, const float* w, Code* codes)
      : of_(of), grid_(grid), steps_(steps), row_(row), w_(w), codes_(codes), e_(of.size()), q_(of.size()) {}

  // The numbers of the codes under the steps as they are.
  void load() {
    for (Index j = 0; j < of_.size(); ++j) {
      q_[j] = number(j, codes_[j]);
      e_[j] = of_.diagonal(j) > 0 ? w_[j] - q_[j] : 0;
    }
    gradient_.emplace(of_, e_.data());
  }

  // The largest certain decrease, the first of equals; whether there is one.
  bool change() {
    double most = 0, by = 0;
    Index where = -1;
    Code to = 0;
    for (Index j = 0; j < of_.size(); ++j) {
      if (!(of_.diagonal(j) > 0)) continue;
      const Code code = grid_.nearest(q_[j] + (*gradient_)[j] / of_.diagonal(j), steps_.at(row_, j));
      if (code == codes_[j]) continue;
      const double delta = q_[j] - number(j, code);
      if (delta == 0) continue;  // the zeros of golden grids
      const Change loss = change_of_loss(of_, *gradient_, j, delta);
      if (!(-loss.value > loss.error && -loss.value > most)) continue;
      most = -loss.value, by = delta, where = j, to = code;
    }
    if (where < 0) return false;
    codes_[where] = to;
    q_[where] = number(where, to);
    gradient_->change(where, by);
    return true;
  }

  // Codes of centres beyond the grid.
  Index clipped() const {
    Index count = 0;
    for (Index j = 0; j < of_.size(); ++j) {
      if (!(of_.diagonal(j) > 0)) continue;
      const double centre = q_[j] + (*gradient_)[j] / of_.diagonal(j);
      const Step step = steps_.at(row_, j);
      count += grid_.clipped(centre, step) && grid_.nearest(centre, step) == codes_[j];
    }
    return count;
  }

  // The best scale over the one that is: G q = w G - r.
  double best_over_scale(const Gradient& of_weights) const {
    double wGq = 0, qGq = 0;
    for (Index j = 0; j < of_.size(); ++j) {
      if (!(of_.diagonal(j) > 0)) continue;
      wGq = std::fma(of_weights[j], q_[j], wGq);
      qGq = std::fma(of_weights[j] - (*gradient_)[j], q_[j], qGq);
    }
    return qGq > 0 ? wGq / qGq : 0;
  }

 private:
  double number(Index j, Code code) const {
    const Step step = steps_.at(row_, j);
    return step.scale * grid_.value(code, step.zero);
  }

  const Gradients& of_;
  const Grid& grid_;
  const Steps& steps_;
  Index row_;
  const float* w_;
  Code* codes_;
  Vector<double> e_, q_;
  std::optional<Gradient> gradient_;
};

}  // namespace

Descended descend_greedily(MatrixRef<float> W, const Grid& grid, ScaleStorage storage, MatrixRef<double> G,
                           const Matrix<Code>& codes, const Steps& steps, Index rounds, bool fit) {
  const Gradients of(G);
  Descended out{{codes, std::vector<Index>(static_cast<std::size_t>(W.rows()), 0)}, steps, 0};
  const bool fits = fit && steps.scales.cols() == 1;
  Index most = 0;
#pragma omp parallel for schedule(dynamic) reduction(max : most)
  for (Index i = 0; i < W.rows(); ++i) {
    Row row(of, grid, out.steps, i, W.row(i).data(), out.rounded.codes.row(i).data());
    std::optional<Gradient> of_weights;
    if (fits) {
      Vector<double> w = W.row(i).transpose().cast<double>();
      for (Index j = 0; j < w.size(); ++j)
        if (!(of.diagonal(j) > 0)) w[j] = 0;
      of_weights.emplace(of, w.data());
    }
    for (Index round = 1; round <= rounds; ++round) {
      row.load();
      while (row.change()) {
      }
      out.rounded.clipped[static_cast<std::size_t>(i)] = row.clipped();
      most = std::max(most, round);
      if (!fits || round == rounds) break;
      float& s = out.steps.scales(i, 0);
      const std::optional<float> fitted = fitted_scale(s * row.best_over_scale(*of_weights), s, grid, storage);
      if (!fitted) break;
      s = *fitted;
    }
  }
  std::vector<Index> live;
  for (Index j = 0; j < G.cols(); ++j)
    if (G(j, j) > 0) live.push_back(j);
  const Target target{W, grid, out.steps, live};
  round_left_out(target, out.rounded);
  out.sweeps = most;
  return out;
}

}  // namespace hallmark
