// One SMT-LIB goal: what a solver is asked, and the replay of the model that it answers with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark::oracle {

/// An s-expression: an atom, or a list of expressions.
struct SmtExpression {
  std::string atom;  ///< empty for a list
  std::vector<SmtExpression> items;
  std::size_t begin = 0, end = 0;  ///< its bytes in the text
};

/// The values of a goal's constants, as the solver wrote them, in the order of SmtGoal::constants().
using SmtModel = std::vector<std::string>;

class SmtGoal {
 public:
  /// A script with one (check-sat) and at least one constant, asserted before it. `place` names it in messages.
  /// Errors: E0398 anything else.
  static Expected<SmtGoal> parse(std::string text, std::string_view place);

  const std::string& text() const { return text_; }
  const std::vector<std::string>& constants() const { return constants_; }

  /// The script that also asks for the values of all constants.
  std::string with_query() const;
  /// The answer to with_query() after its line `sat`; none when it is not one value for each constant.
  std::optional<SmtModel> read_model(std::string_view answer) const;
  /// The script with one assertion (= constant value) for each constant: satisfiable exactly when the model is one.
  std::string with_model(const SmtModel& model) const;
  /// Whether the model makes every assertion true, computed in rationals (GMP). None where the script uses anything
  /// but Boolean operations, linear order, + - * /, ite, let, to_real, to_int and constants without arguments, or where
  /// a value is not rational.
  std::optional<bool> holds(const SmtModel& model) const;

 private:
  std::string text_;
  std::vector<SmtExpression> commands_;
  std::vector<std::string> constants_;
  std::size_t check_ = 0;  // where (check-sat) begins
};

}  // namespace hallmark::oracle
