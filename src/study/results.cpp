#include "study/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error_numbers.hpp"
#include "measure/ttest.hpp"

namespace hallmark {

Expected<StudyResults> StudyResults::make(std::vector<StudyLine> run) {
  StudyResults made;
  std::ranges::stable_sort(run, {}, &StudyLine::seed);
  made.lines_ = std::move(run);
  std::set<std::uint64_t> seeds;
  for (const StudyLine& line : made.lines_) seeds.insert(line.seed);
  made.seeds_.assign(seeds.begin(), seeds.end());
  for (const StudyLine& line : made.lines_)
    if (made.of_arm(line.arm).size() != seeds.size())
      return Error{Exit::input, error_number::cells_differ, "arms of the study met other checkpoints", line.key(),
                   "measure them again: a new run is appended"};
  return made;
}

std::vector<const StudyLine*> StudyResults::of_arm(std::string_view arm) const {
  std::vector<const StudyLine*> found;
  for (const StudyLine& line : lines_)
    if (line.arm == arm) found.push_back(&line);
  return found;
}

std::optional<BySeed> StudyResults::of(std::string_view arm, const std::string& figure) const {
  BySeed values;
  for (const StudyLine* line : of_arm(arm))
    if (const auto found = line->figures.find(figure); found != line->figures.end()) values.push_back(found->second);
  return values.empty() || values.size() != seeds_.size() ? std::nullopt : std::optional(values);
}

BySeed StudyResults::sum(std::string_view arm, const std::string& name,
                         const std::function<bool(const std::string& tensor)>& counts) const {
  BySeed sums(seeds_.size(), 0.0);
  for (const std::string& tensor : tensors(arm, name)) {
    if (counts && !counts(tensor)) continue;
    const BySeed of_tensor = of(arm, name + "/" + tensor).value_or(BySeed(sums.size(), 0.0));
    std::ranges::transform(sums, of_tensor, sums.begin(), std::plus<>());
  }
  return sums;
}

std::vector<std::string> StudyResults::tensors(std::string_view arm, std::string_view name) const {
  std::vector<std::string> found;
  const auto lines = of_arm(arm);
  if (lines.empty()) return found;
  for (const auto& [figure, value] : lines.front()->figures)
    if (figure.size() > name.size() && figure.starts_with(name) && figure[name.size()] == '/' && of(arm, figure))
      found.push_back(figure.substr(name.size() + 1));
  return found;
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string three_digits(double value) { return fmt::format("{:.3g}", value); }

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

std::string mean_text(const std::optional<BySeed>& values) { return values ? three_digits(mean_of(*values)) : ""; }

Expected<std::string> confidence_of(std::span<const double> one, std::span<const double> other) {
  if (one.size() < seeds_of_a_claim)
    return fmt::format("no claim: {} checkpoint{}", one.size(), one.size() == 1 ? "" : "s");
  const auto test = directed_t_test(one, other);
  if (!test) return test.error();
  return shown_words(*test);
}

}  // namespace hallmark
