// A method of its own: threshold, which rounds to nearest and sends weights far below their row's mean to 0. It needs
// no Gram matrix; with the guard it would never lose to round-to-nearest, whatever it proposed.
#include <cmath>

#include "method/rtn.hpp"

namespace hallmark {
namespace {

Expected<std::vector<Proposal>> propose(const MethodInput& input) {
  const Target& target = input.target;
  Rounded rounded = round_to_nearest(target.W, target.grid, target.steps);
  for (Index i = 0; i < target.W.rows(); ++i) {
    const float mean = target.W.row(i).cwiseAbs().mean();
    for (Index j = 0; j < target.W.cols(); ++j)
      if (std::fabs(target.W(i, j)) < mean / 8) rounded.codes(i, j) = target.grid.nearest(0, target.steps.at(i, j));
  }
  return std::vector{Proposal{std::move(rounded)}};
}

}  // namespace

namespace method {
extern const Method threshold;
const Method threshold{"threshold", "to nearest, small weights to 0", false, false, propose};
}  // namespace method

}  // namespace hallmark
