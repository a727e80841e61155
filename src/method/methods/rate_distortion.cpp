// Codes by loss and bits together, in two passes after GPTQ, each with the rates of the codes before it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "method/code_rates.hpp"
#include "method/gptq.hpp"

namespace hallmark {
namespace {

constexpr int kPasses = 2;

// The mean s^2 over rows and groups that have a weight other than 0; 0 where none has.
double mean_square_step(const Target& target) {
  const Steps& steps = target.steps;
  const Index width = steps.group_size == 0 ? target.W.cols() : steps.group_size;
  double sum = 0, count = 0;
  for (Index i = 0; i < steps.scales.rows(); ++i)
    for (Index g = 0; g < steps.scales.cols(); ++g) {
      const Index first = g * width, size = std::min(width, target.W.cols() - first);
      if ((target.W.row(i).segment(first, size).array() == 0).all()) continue;
      const double s = steps.scales(i, g);
      sum += s * s;
      count += 1;
    }
  return count > 0 ? sum / count : 0;
}

Expected<std::vector<Proposal>> propose(const MethodInput& watched) {
  const MethodInput input = watched.unwatched();
  const Target& target = input.target;
  Expected<Proposal> proposal = gptq_proposal(input, target);
  // d over its mean and s times a power of 2 near the inverse of its root mean square: no product leaves binary32.
  const Vector<double>& pivots = input.weights->d;
  double mean_pivot = 0;
  for (Index p = 0; p < pivots.size(); ++p) mean_pivot += pivots[p] / static_cast<double>(pivots.size());
  const double square = mean_square_step(target);
  const float unit = square > 0 ? std::ldexp(1.0F, -std::ilogb(std::sqrt(square))) : 1.0F;
  const double mu = input.options.rate * square * unit * unit;
  CodeRates rates(target.grid);
  for (int pass = 0; proposal && pass < kPasses; ++pass) {
    rates.count(target, proposal->rounded.codes, mu);
    proposal = gptq_proposal(input, target, [&](const RoundedColumn& column) {
      rates.choose(static_cast<float>(pivots[column.position] / mean_pivot), unit, column);
    });
  }
  if (!proposal) return proposal.error();
  std::vector<Proposal> proposals;
  proposals.push_back(*std::move(proposal));
  return proposals;
}

std::optional<Obstacle> obstacle(const Options& options) {
  if (options.grid.spec().bits <= kMostRatedBits) return std::nullopt;
  return Obstacle{fmt::format("grid {} has codes of {} bits", options.grid.name(), options.grid.spec().bits),
                  "a grid of at most 8 bits, --grid int8 for example"};
}

}  // namespace

namespace method {
extern const Method rate_distortion;
const Method rate_distortion{"rate-distortion",
                             "GPTQ's recurrence with the code of least loss and bits in each column",
                             true,
                             false,
                             propose,
                             "rate",
                             obstacle};
}  // namespace method

}  // namespace hallmark
