// The lines of a run of a study, by arm and figure, and what three checkpoints can show of their differences.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "study/line.hpp"

namespace hallmark {

/// One value for each checkpoint, seeds increasing.
using BySeed = std::vector<double>;

class StudyResults {
 public:
  /// Errors: E0376 arms that met other checkpoints.
  static Expected<StudyResults> make(std::vector<StudyLine> run);

  const std::vector<StudyLine>& lines() const { return lines_; }
  const std::vector<std::uint64_t>& seeds() const { return seeds_; }
  bool has(std::string_view arm) const { return !of_arm(arm).empty(); }
  /// None where a checkpoint has no such arm or figure.
  std::optional<BySeed> of(std::string_view arm, const std::string& figure) const;
  /// Figure "NAME/TENSOR" summed over the tensors of which `counts` holds, checkpoint by checkpoint.
  BySeed sum(std::string_view arm, const std::string& name,
             const std::function<bool(const std::string& tensor)>& counts = {}) const;
  /// Tensors that have the figure "NAME/TENSOR" in every checkpoint.
  std::vector<std::string> tensors(std::string_view arm, std::string_view name) const;

 private:
  std::vector<const StudyLine*> of_arm(std::string_view arm) const;

  std::vector<StudyLine> lines_;  // by seed
  std::vector<std::uint64_t> seeds_;
};

double mean_of(std::span<const double> values);
/// "0.127", or "-0.004": three significant digits.
std::string three_digits(double value);
std::string percent(double share);
/// The mean of values, for a table; empty where there are none.
std::string mean_text(const std::optional<BySeed>& values);

/// What the paired test says of the difference, in the direction of the means: "shown (p = 0.003)", "not shown
/// (p = 0.4)", or that fewer than three checkpoints claim nothing. Errors: those of paired_t_test.
Expected<std::string> confidence_of(std::span<const double> one, std::span<const double> other);

}  // namespace hallmark
