// Codes by loss and bits together, in two passes after GPTQ, each with the rates of the codes before it.
#include <fmt/format.h>

#include "method/gptq.hpp"
#include "method/rate_beam.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

constexpr int kPasses = 2;

Expected<Proposal> one_path(const MethodInput& input, const RatedUnits& units, const CodeRates& rates) {
  return gptq_proposal(input, input.target, [&](const RoundedColumn& column) {
    rates.choose(units.d[column.position], units.unit, column);
  });
}

Expected<Proposal> beam(const MethodInput& input, const RatedUnits& units, const CodeRates& rates) {
  const Target& target = input.target;
  Rounded rounded{Matrix<Code>::Zero(target.W.rows(), target.W.cols()),
                  std::vector<Index>(static_cast<std::size_t>(target.W.rows()), 0)};
  round_left_out(target, rounded);
  const auto overflow = beam_codes(target, *input.U, units, rates, input.options.beam, rounded);
  if (overflow) return recurrence_overflow(input.name, *overflow);
  return Proposal{std::move(rounded)};
}

Expected<std::vector<Proposal>> propose(const MethodInput& watched) {
  const MethodInput input = watched.unwatched();
  const Target& target = input.target;
  Expected<Proposal> proposal = gptq_proposal(input, target);
  const RatedUnits units(target, input.weights->d, input.options.rate);
  CodeRates rates(target.grid);
  for (int pass = 0; proposal && pass < kPasses; ++pass) {
    rates.count(target, proposal->rounded.codes, units.mu);
    proposal = input.options.beam == 1 ? one_path(input, units, rates) : beam(input, units, rates);
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
const Method rate_distortion{.name = "rate-distortion",
                             .summary = "codes of least loss and bits together along GPTQ's recurrence",
                             .needs_gram = true,
                             .fits_steps = false,
                             .propose = propose,
                             .options = {"rate", "beam"},
                             .obstacle = obstacle};
}  // namespace method

}  // namespace hallmark
