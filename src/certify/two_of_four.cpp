#include "certify/two_of_four.hpp"

#include <algorithm>
#include <array>

#include "certify/judge.hpp"
#include "method/method.hpp"

namespace hallmark {

using namespace contracts;

namespace {

constexpr Index kBlock = 4;

// Place k of block b of the rows, one in each lane.
using Blocks = std::array<std::vector<Lanes>, kBlock>;

void load(const Grid& grid, const Matrix<Code>& codes, const Steps& steps, Index first, Blocks& q) {
  for (auto& place : q) std::ranges::fill(place, Lanes{});
  for (std::size_t lane = 0; lane < kRowsAtOnce; ++lane) {
    const Index i = std::min(first + static_cast<Index>(lane), codes.rows() - 1);
    for (Index j = 0; j < codes.cols(); ++j)
      q[static_cast<std::size_t>(j % kBlock)][static_cast<std::size_t>(j / kBlock)][lane] =
          static_cast<double>(steps.scale(i, j)) * grid.value(codes(i, j), steps.zero(i, j));
  }
}

void judge_two_of_four(Case& c) {
  judge_two_of_four(c.evidence.options.grid, c.evidence.result.codes, c.evidence.result.steps, c.evidence.name,
                    c.policy, c.report);
}

constexpr const generated::Contract* two_of_four_contracts[] = {&generated::two_of_four};

}  // namespace

void judge_two_of_four(const Grid& grid, const Matrix<Code>& codes, const Steps& steps, std::string_view tensor,
                       Policy policy, Report& report) {
  const auto blocks = static_cast<std::size_t>((codes.cols() + kBlock - 1) / kBlock);
#pragma omp parallel if (codes.size() > 1 << 16)
  {
    Evaluations sparse(generated::two_of_four, tensor, policy, report);
    Blocks q;
    q.fill(std::vector<Lanes>(blocks));
    const auto place = [&q](std::size_t k) { return [&at = q[k]](std::size_t b) -> const Lanes& { return at[b]; }; };
    const auto q0 = place(0), q1 = place(1), q2 = place(2), q3 = place(3);
#pragma omp for schedule(static)
    for (Index first = 0; first < codes.rows(); first += Index{kRowsAtOnce}) {
      load(grid, codes, steps, first, q);
      sparse.lanes(
          static_cast<std::size_t>(std::min(Index{kRowsAtOnce}, codes.rows() - first)),
          [&](const auto& pick) {
            return generated::two_of_four_post<OpsOf<decltype(pick)>>(blocks, pick(q0), pick(q1), pick(q2), pick(q3));
          },
          [&](std::size_t lane) { return first + static_cast<Index>(lane); }, [](std::size_t) {});
    }
  }
}

namespace judging {
extern const Judge two_of_four;
const Judge two_of_four{two_of_four_contracts, [](const Case& c) { return promises_two_of_four(c.evidence.options); },
                        judge_two_of_four};
}  // namespace judging

}  // namespace hallmark
