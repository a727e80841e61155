#include "certify/judge.hpp"

#include <algorithm>
#include <array>

// Every judge: the name of its Judge in namespace judging.
#define HALLMARK_JUDGES(JUDGE) \
  JUDGE(rows)                  \
  JUDGE(row_contracts)         \
  JUDGE(rounding_again)        \
  JUDGE(pairs)                 \
  JUDGE(rotated)               \
  JUDGE(two_of_four)           \
  JUDGE(gram_bound)            \
  JUDGE(guard)                 \
  JUDGE(factor)                \
  JUDGE(sampled_losses)

namespace hallmark {

#define DECLARE(judge) extern const Judge judge;
namespace judging {
HALLMARK_JUDGES(DECLARE)
}
#undef DECLARE

namespace {

#define ENTRY(judge) &judging::judge,
constexpr std::array registered = {HALLMARK_JUDGES(ENTRY)};
#undef ENTRY

}  // namespace

std::span<const Judge* const> judges() { return registered; }

bool has_gram(const Case& tensor) { return tensor.evidence.G != nullptr; }
bool has_factor(const Case& tensor) { return tensor.has_losses; }

void check_contracts(const Evidence& evidence, const Compensated& u, const GridPoints& points, contracts::Policy policy,
                     contracts::Report& report) {
  if (policy == contracts::Policy::off) return;
  Case tensor(evidence, u, points, policy, report);
  for (const Judge* judge : registered)
    if (judge->applies(tensor)) judge->run(tensor);
  // The guard counts its rows without naming them: the sum counts none too few.
  const std::int64_t exact = evidence.result.exact_rows + std::ranges::count(tensor.row_exact, 1);
  report.add_rows(evidence.W.rows(), std::min<std::int64_t>(exact, evidence.W.rows()));
}

}  // namespace hallmark
