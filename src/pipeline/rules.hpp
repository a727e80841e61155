// Ordered rules that say what each tensor gets: the command line is the first, those of a configuration file follow,
// and where two speak of one option the later one counts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "method/options.hpp"
#include "pipeline/pattern.hpp"

namespace hallmark {

/// What one rule says. An option that it does not name stays as it is.
struct Rule {
  std::string place;  ///< "the command line", "mixed.json: rule 2"
  std::string match;  ///< a regular expression that finds something in the names of its tensors; empty: all
  std::map<std::string, std::string> settings;  ///< options by name (visit_options), as words
  std::optional<bool> skip;                     ///< the tensor passes through
  std::optional<bool> rtn;                      ///< where there is no calibration, weights are rounded to nearest
  std::optional<bool> transposed;               ///< W holds the matrix as [in, out]
  std::set<std::string> implied = {};           ///< settings that `bits` or `preset` stand for: nobody named them
};

/// The rules of a configuration file, {"rules": [{"match": ..., "grid": ..., ...}, ...]}.
/// Errors: E0901; E0229 not JSON, not of this form, no rule, or an unknown key (with the nearest known one); E0210 a
/// malformed pattern; E0230 a rule that contradicts itself; those of set_option.
Expected<std::vector<Rule>> read_rules(const std::string& path);

/// What the rules come to for one tensor.
struct Resolved {
  Options options;
  bool skip = false, rtn = false, transposed = false;
  std::vector<std::size_t> rules;  ///< that match it
  std::optional<std::size_t> skipped_by;
  std::map<std::string, std::size_t> set_by = {};  ///< options and flags by name, and the rule that says it last
};

/// What a matrix has instead of what its rules say.
struct Override {
  std::string why;                          ///< "rounded to nearest for want of calibration"
  std::string remedy;                       ///< behind "leave the option out, or"
  std::map<std::string, std::string> lost;  ///< options that somebody set and that count no longer, with their words
};

/// The rules, and what came of each: a rule that matches nothing or that later rules undo everywhere is refused.
class RuleSet {
 public:
  /// Errors: E0210.
  static Expected<RuleSet> make(std::vector<Rule> rules);

  /// Errors: those of set_option; E0223 a scale rule that the grid does not take.
  Expected<Resolved> resolve(const std::string& tensor);

  /// Options that a rule sets, that count where a matrix has the options `before`, and that are others or are read by
  /// nothing where it has `now` instead.
  std::map<std::string, std::string> lost(const Resolved& resolved, const Options& before, const Options& now) const;

  /// Enters which of the settings a matrix of the tensor reads that is quantized with these options.
  void enter_use(const Resolved& resolved, const std::string& matrix, const Options& options,
                 const std::vector<Override>& overrides);

  /// After every tensor was resolved and every matrix entered: E0430 a rule that matches none of the `tensors`; E0230 a
  /// rule without effect, or an option that it sets and that no matrix reads.
  Status check_used(std::size_t tensors) const;

  const std::vector<Rule>& rules() const { return rules_; }

 private:
  RuleSet(std::vector<Rule> rules, std::vector<Pattern> patterns)
      : rules_(std::move(rules)), patterns_(std::move(patterns)), use_(rules_.size()) {}

  struct Unread {
    std::string why, hint;
  };
  struct Use {
    bool matched = false, effective = false;
    bool unskipped = false;                 // some tensor that it matches is not skipped by an earlier rule
    std::optional<std::size_t> skipped_by;  // an earlier rule
    std::map<std::string, Unread> unread;   // settings that some matrix does not read
    std::set<std::string> read;             // and those that some matrix reads
  };
  void enter_effects(Resolved& resolved);
  Error without_effect(std::size_t k) const;

  std::vector<Rule> rules_;
  std::vector<Pattern> patterns_;  // of the rules
  std::vector<Use> use_;
};

/// What a caller says of options by name, in words, as the first rule; those of a configuration file behind it ("":
/// none). Errors: E0229 a name that is no option; E0227 and E0230 as expand_presets; those of read_rules and make.
Expected<RuleSet> rules_of_words(std::map<std::string, std::string> words, const std::string& place,
                                 const std::string& config = "");

/// What is wrong with words alone, without a configuration file, before any file is opened. Errors: those of resolve
/// and check_used.
Status check_words(RuleSet rules);

}  // namespace hallmark
