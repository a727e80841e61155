// 2:4 with compensation: of each block of four columns two codes are 0, which costs nothing to store, and GPTQ's
// recurrence makes up for them in the columns that follow.
//
//   before a block:  u_j = w_j + sum_{k < block} e_k U_kj;  the pair of least sum u_j^2 d_j gets the code of 0
//   then column by column, the others to nearest as ever
//
// Round-to-nearest is not 2:4. What the proposal is held against row by row is round-to-nearest with the pair of least
// sum w_j^2 of each block sent to 0.
#include <array>

#include "method/gptq.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

constexpr Index kBlock = 4;
static_assert(kStrip % kBlock == 0);

using Sizes = std::array<double, kBlock>;

// Bits of the two with the least sum; of equal sums the first of 01, 02, 03, 12, 13, 23. Columns that a last block
// lacks have size 0, so that of three columns the smallest goes and of two none that is not 0 anyway.
unsigned dropped(const Sizes& size) {
  unsigned found = 0;
  double least = 0;
  for (std::size_t a = 0; a < size.size(); ++a)
    for (std::size_t b = a + 1; b < size.size(); ++b) {
      const double sum = size[a] + size[b];
      if (found != 0 && !(sum < least)) continue;
      found = 1U << a | 1U << b;
      least = sum;
    }
  return found;
}

Code code_of_zero(const Grid& grid, Step step) { return grid.nearest(0, step); }

Expected<Proposal> compensated(const MethodInput& input) {
  const Target& target = input.target;
  const Vector<double>& d = input.weights->d;
  const auto fixed = static_cast<std::int32_t>(code_of_zero(target.grid, 1));
  const bool zero_points = target.grid.spec().zero_points;
  return gptq_proposal(input, target, [&](const RoundedColumn& column) {
    const Index place = column.position % kBlock, columns = std::min(kBlock, column.left);
    for (Index r = 0; r < kLanes<float>; ++r) {
      if (place == 0) {
        Sizes size{};
        for (Index c = 0; c < columns; ++c) {
          const double u = column.w[c * kLanes<float> + r] + column.sums[c * kLanes<float> + r];
          size[static_cast<std::size_t>(c)] = u * u * d[column.position + c];
        }
        column.memory[r] = static_cast<std::int32_t>(dropped(size));
      }
      if ((column.memory[r] >> place & 1) == 0) continue;
      column.code[r] = zero_points ? column.zero[r] : fixed;
      column.e[r] = column.w[r];
    }
  });
}

Proposal pruned(const Target& target) {
  Proposal proposal{round_to_nearest(target.W, target.grid, target.steps)};
  const Index cols = target.W.cols();
#pragma omp parallel for schedule(static) if (target.W.size() > 1 << 16)
  for (Index i = 0; i < target.W.rows(); ++i)
    for (Index first = 0; first < cols; first += kBlock) {
      Sizes size{};
      const Index columns = std::min(kBlock, cols - first);
      for (Index c = 0; c < columns; ++c) {
        const double w = target.W(i, first + c);
        size[static_cast<std::size_t>(c)] = w * w;
      }
      const unsigned out = dropped(size);
      for (Index c = 0; c < columns; ++c)
        if (out >> c & 1)
          proposal.rounded.codes(i, first + c) = code_of_zero(target.grid, target.steps.at(i, first + c));
    }
  return proposal;
}

Expected<std::vector<Proposal>> propose(const MethodInput& watched) {
  const MethodInput input = watched.unwatched();
  Expected<Proposal> first = compensated(input);
  if (!first) return first.error();
  std::vector<Proposal> both;
  both.push_back(*std::move(first));
  both.push_back(pruned(input.target));
  Expected<Proposal> best = input.select(input.target, std::move(both));
  if (!best) return best.error();
  std::vector<Proposal> proposals;
  proposals.push_back(*std::move(best));
  return proposals;
}

std::optional<Obstacle> obstacle(const Options& options) {
  const Grid& grid = options.grid;
  if (grid.value(code_of_zero(grid, 1)) != 0)
    return Obstacle{"grid " + grid.name() + " has no 0", "a grid with 0: --grid intB, intBs, intBz, nf4 or gf:E,M"};
  if (options.guard)
    return Obstacle{"the guard keeps rows of round-to-nearest, which are not 2:4",
                    "--no-guard: the method itself keeps the better of its row and round-to-nearest of the larger two"};
  if (options.desc_act) return Obstacle{"desc_act takes the columns of a block apart", "without --desc-act"};
  if (options.damp_fraction == 0)
    return Obstacle{"damp_fraction 0 leaves columns without activations out of the blocks", "--damp-fraction 0.01"};
  if (options.rotation != no_rotation)
    return Obstacle{"the zeros of a rotated row are none of the weights'", "--rotation none"};
  return std::nullopt;
}

}  // namespace

namespace method {
extern const Method sparse24;
const Method sparse24{.name = "sparse24",
                      .summary = "two of four codes 0, the others by GPTQ's recurrence",
                      .needs_gram = true,
                      .fits_steps = false,
                      .propose = propose,
                      .obstacle = obstacle,
                      .two_of_four = true};
}  // namespace method

}  // namespace hallmark
