// Trellis codes of rotated rows, row by row under the scale that loses least of a few and of the best for the codes
// that these lead to (T20).
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "format/trellis.hpp"
#include "method/method.hpp"
#include "method/trellis.hpp"

namespace hallmark {
namespace {

// Scales that are tried, as multiples of that which gives the points the mean square of the row.
constexpr std::array<double, 3> multiples = {1.0, 1.15, 1.3};
constexpr int refits = 2;

struct Row {
  TrellisPath path;
  float scale;
};

class Search {
 public:
  Search(const MethodInput& input) : input_(input), bits_(input.options.grid.spec().bits) {}

  // The best row found, if any number of it is finite and its scale can be stored.
  std::optional<Row> row(Index i) const {
    const std::span<const float> w(input_.target.W.row(i).data(), static_cast<std::size_t>(input_.target.W.cols()));
    double squares = 0;
    for (const float x : w) squares = std::fma(static_cast<double>(x), static_cast<double>(x), squares);
    const double deviation = std::sqrt(squares / static_cast<double>(w.size())) / trellis::kDeviation;
    std::optional<Row> best;
    for (const double multiple : multiples) offer(w, multiple * deviation, best);
    for (int k = 0; k < refits && best; ++k) {
      const float before = best->scale;
      offer(w, fitted(w, best->path.codes), best);
      if (best->scale == before) break;
    }
    return best;
  }

 private:
  void offer(std::span<const float> w, double scale, std::optional<Row>& best) const {
    if (!(scale > 0) || !std::isfinite(scale)) return;
    const ScaleStorage storage = input_.options.scale_storage;
    const float s = round_up(scale, scale_precision(storage));
    if (!holds(storage, s) || !exact_when_rotated(input_.target.grid, s)) return;
    TrellisPath path = trellis_path(w, s, bits_, input_.target.order, *input_.U, input_.weights->d);
    if (std::isfinite(path.cost) && (!best || path.cost < best->path.cost)) best = Row{std::move(path), s};
  }

  // (w G g) / (g G g) for the points g.
  double fitted(std::span<const float> w, std::span<const Code> codes) const {
    const MatrixRef<double>& G = *input_.G;
    std::vector<double> points, Gg(w.size(), 0.0);
    unsigned window = 0;
    for (std::size_t j = 0; j < w.size(); ++j) {
      points.push_back(trellis::value(window = trellis::next(window, codes[j], bits_)));
      multiply_add(G.row(static_cast<Index>(j)).data(), points.back(), Gg.data(), G.cols());
    }
    double wGg = 0, gGg = 0;
    for (std::size_t j = 0; j < w.size(); ++j) {
      wGg = std::fma(static_cast<double>(w[j]), Gg[j], wGg);
      gGg = std::fma(points[j], Gg[j], gGg);
    }
    return wGg / gGg;
  }

  const MethodInput& input_;
  int bits_;
};

Expected<std::vector<Proposal>> propose(const MethodInput& input) {
  const Matrix<Code>::Index rows = input.target.W.rows(), cols = input.target.W.cols();
  Proposal found{{Matrix<Code>::Zero(rows, cols), std::vector<Index>(static_cast<std::size_t>(rows), 0)},
                 input.target.steps};
  const Search search(input);
#pragma omp parallel for schedule(dynamic)
  for (Index i = 0; i < rows; ++i)
    if (const std::optional<Row> best = search.row(i)) {
      found.steps->scales(i, 0) = best->scale;
      std::ranges::copy(best->path.codes, found.rounded.codes.row(i).data());
    }
  std::vector<Proposal> proposals;
  proposals.push_back(std::move(found));
  return proposals;
}

// The window follows the columns in their order, and a path knows one scale.
std::optional<Obstacle> obstacle(const Options& options) {
  if (!options.grid.spec().windowed)
    return Obstacle{"grid " + options.grid.name() + " has no window", "--grid trellis:2 or trellis:3"};
  if (options.rotation == no_rotation)
    return Obstacle{"trellis codes are those of rotated rows", "--rotation hadamard:16"};
  if (options.group_size != 0)
    return Obstacle{fmt::format("groups of {} columns", options.group_size),
                    "--group-size 0: a row has one scale; --grid lloyd:B --method best takes groups"};
  if (options.desc_act)
    return Obstacle{"desc_act",
                    "without --desc-act: the window follows the columns in their order; --grid lloyd:B --method best "
                    "takes them in any"};
  return std::nullopt;
}

}  // namespace

namespace method {
extern const Method trellis;
const Method trellis{.name = "trellis",
                     .summary = "trellis codes of rotated rows, searched along GPTQ's recurrence",
                     .needs_gram = true,
                     .fits_steps = true,
                     .propose = propose,
                     .obstacle = obstacle,
                     .through_window = true,
                     .upright = "best"};
}  // namespace method

}  // namespace hallmark
