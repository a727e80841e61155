#include "oracle/smt_goal.hpp"

#include <fmt/format.h>
#include <gmpxx.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <variant>

#include "base/error_numbers.hpp"

namespace hallmark::oracle {
namespace {

using Expressions = std::vector<SmtExpression>;

constexpr std::size_t deepest = 2000;  // the functions below recurse

// The expressions of a text; none when its parentheses, strings or quoted symbols do not close.
std::optional<Expressions> read(std::string_view text) {
  std::vector<SmtExpression> open(1);  // open[0] collects the top level
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++at;
    } else if (c == ';') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '(') {
      if (open.size() > deepest) return std::nullopt;
      open.push_back({{}, {}, at++, 0});
    } else if (c == ')') {
      if (open.size() == 1) return std::nullopt;
      SmtExpression done = std::move(open.back());
      open.pop_back();
      done.end = ++at;
      open.back().items.push_back(std::move(done));
    } else {
      std::size_t end = text.find_first_of(" \t\r\n();\"|", at);
      if (c == '"' || c == '|') {
        end = text.find(c, at + 1);
        if (end == text.npos) return std::nullopt;
        ++end;
      }
      end = std::min(end, text.size());
      open.back().items.push_back({std::string(text.substr(at, end - at)), {}, at, end});
      at = end;
    }
  }
  if (open.size() != 1) return std::nullopt;
  return std::move(open[0].items);
}

// Whether the expression is a list that begins with this word.
bool is_command(const SmtExpression& e, std::string_view word) { return !e.items.empty() && e.items[0].atom == word; }

// The name of a constant: (declare-const x S) or (declare-fun x () S).
const std::string* declared(const SmtExpression& e) {
  const bool constant = is_command(e, "declare-const") && e.items.size() == 3;
  const bool function =
      is_command(e, "declare-fun") && e.items.size() == 4 && e.items[2].atom.empty() && e.items[2].items.empty();
  return (constant || function) && !e.items[1].atom.empty() ? &e.items[1].atom : nullptr;
}

using Value = std::variant<bool, mpq_class>;

std::optional<Value> number(std::string_view atom) {
  std::string digits;
  mpz_class power = 1;
  bool fraction = false;
  for (const char c : atom) {
    if (c == '.' && !std::exchange(fraction, true)) continue;
    if (c < '0' || c > '9') return std::nullopt;
    digits += c;
    if (fraction) power *= 10;
  }
  if (digits.empty() || atom.front() == '.' || atom.back() == '.') return std::nullopt;
  mpq_class value{mpz_class(digits, 10), power};
  value.canonicalize();
  return Value(std::move(value));
}

// Exact evaluation under the bindings of names.
class Evaluation {
 public:
  void bind(std::string name, Value value) { names_.emplace_back(std::move(name), std::move(value)); }

  std::optional<Value> operator()(const SmtExpression& e) {
    if (!e.atom.empty()) return atom(e.atom);
    if (e.items.size() < 2 || e.items[0].atom.empty()) return std::nullopt;
    const std::string& f = e.items[0].atom;
    if (f == "let") return let(e);
    std::vector<Value> values;
    for (std::size_t i = 1; i < e.items.size(); ++i) {
      auto value = (*this)(e.items[i]);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    if (f == "ite" && values.size() == 3 && std::holds_alternative<bool>(values[0]))
      return values[std::get<bool>(values[0]) ? 1 : 2];
    std::vector<mpq_class> numbers;
    std::vector<bool> truths;
    for (auto& value : values)
      if (auto* truth = std::get_if<bool>(&value)) truths.push_back(*truth);
      else numbers.push_back(std::move(std::get<mpq_class>(value)));
    if (truths.size() == values.size()) return boolean(f, truths);
    if (numbers.size() == values.size()) return arithmetic(f, numbers);
    return std::nullopt;
  }

 private:
  std::optional<Value> atom(const std::string& name) const {
    for (auto bound = names_.rbegin(); bound != names_.rend(); ++bound)
      if (bound->first == name) return bound->second;
    if (name == "true" || name == "false") return Value(name == "true");
    return number(name);
  }

  std::optional<Value> let(const SmtExpression& e) {
    if (e.items.size() != 3) return std::nullopt;
    std::vector<std::pair<std::string, Value>> bound;  // all in the scope outside
    for (const auto& pair : e.items[1].items) {
      if (pair.items.size() != 2) return std::nullopt;
      auto value = (*this)(pair.items[1]);
      if (!value) return std::nullopt;
      bound.emplace_back(pair.items[0].atom, std::move(*value));
    }
    const auto scope = names_.size();
    for (auto& b : bound) names_.push_back(std::move(b));
    auto result = (*this)(e.items[2]);
    names_.resize(scope, {"", false});
    return result;
  }

  static std::optional<Value> boolean(const std::string& f, const std::vector<bool>& v) {
    const auto all = [&](bool wanted) { return std::all_of(v.begin(), v.end(), [&](bool b) { return b == wanted; }); };
    if (f == "not" && v.size() == 1) return Value(!v[0]);
    if (f == "and") return Value(all(true));
    if (f == "or") return Value(!all(false));
    if (f == "=" && v.size() >= 2) return Value(all(v[0]));
    if (f == "=>" && v.size() >= 2) {  // associates to the right
      bool result = v.back();
      for (std::size_t i = v.size() - 1; i-- > 0;) result = !v[i] || result;
      return Value(result);
    }
    return std::nullopt;
  }

  static std::optional<Value> arithmetic(const std::string& f, const std::vector<mpq_class>& v) {
    const auto chain = [&](auto holds) {
      for (std::size_t i = 0; i + 1 < v.size(); ++i)
        if (!holds(v[i], v[i + 1])) return Value(false);
      return Value(true);
    };
    if (v.size() == 1) {
      if (f == "-") return Value(mpq_class(-v[0]));
      if (f == "to_real") return Value(v[0]);
      if (f != "to_int") return std::nullopt;
      mpz_class below;
      mpz_fdiv_q(below.get_mpz_t(), v[0].get_num_mpz_t(), v[0].get_den_mpz_t());
      return Value(mpq_class(below));
    }
    if (f == "<=") return chain([](const auto& a, const auto& b) { return a <= b; });
    if (f == "<") return chain([](const auto& a, const auto& b) { return a < b; });
    if (f == ">=") return chain([](const auto& a, const auto& b) { return a >= b; });
    if (f == ">") return chain([](const auto& a, const auto& b) { return a > b; });
    if (f == "=") return chain([](const auto& a, const auto& b) { return a == b; });
    mpq_class result = v[0];
    for (std::size_t i = 1; i < v.size(); ++i) {
      if (f == "+") result += v[i];
      else if (f == "-") result -= v[i];
      else if (f == "*") result *= v[i];
      else if (f == "/" && v[i] != 0) result /= v[i];
      else return std::nullopt;
    }
    return Value(std::move(result));
  }

  std::vector<std::pair<std::string, Value>> names_;
};

}  // namespace

Expected<SmtGoal> SmtGoal::parse(std::string text, std::string_view place) {
  const auto unfit = [&](std::string why) {
    return Error{Exit::input, error_number::goal_malformed, "this is no goal for the solvers",
                 fmt::format("{}: {}", place, why), "print the goals again: make contracts"};
  };
  auto commands = read(text);
  if (!commands) return unfit("parentheses or quotes do not close");
  SmtGoal goal;
  std::size_t checks = 0;
  for (const auto& command : *commands) {
    if (const auto* name = declared(command); name && checks == 0) goal.constants_.push_back(*name);
    if (is_command(command, "assert") && (checks > 0 || command.items.size() != 2))
      return unfit("an assertion out of place");
    for (const char* word : {"push", "pop", "reset", "reset-assertions", "check-sat-assuming"})
      if (is_command(command, word)) return unfit(fmt::format("it uses {}", word));
    if (is_command(command, "check-sat") && ++checks == 1) goal.check_ = command.begin;
  }
  if (checks != 1) return unfit(fmt::format("it has {} commands check-sat, not one", checks));
  if (goal.constants_.empty()) return unfit("it has no constant");
  goal.text_ = std::move(text);
  goal.commands_ = std::move(*commands);
  return goal;
}

std::string SmtGoal::with_query() const {
  return fmt::format("{}\n(get-value ({}))\n", text_, fmt::join(constants_, " "));
}

std::optional<SmtModel> SmtGoal::read_model(std::string_view answer) const {
  const auto said = read(answer);
  if (!said || said->size() != 2 || (*said)[0].atom != "sat" || (*said)[1].items.size() != constants_.size())
    return std::nullopt;
  SmtModel model;
  for (std::size_t i = 0; i < constants_.size(); ++i) {
    const auto& pair = (*said)[1].items[i].items;
    if (pair.size() != 2 || pair[0].atom != constants_[i]) return std::nullopt;
    model.emplace_back(answer.substr(pair[1].begin, pair[1].end - pair[1].begin));
  }
  return model;
}

std::string SmtGoal::with_model(const SmtModel& model) const {
  std::string fixed;
  for (std::size_t i = 0; i < constants_.size(); ++i)
    fixed += fmt::format("(assert (= {} {}))\n", constants_[i], model[i]);
  return text_.substr(0, check_) + fixed + text_.substr(check_);
}

std::optional<bool> SmtGoal::holds(const SmtModel& model) const {
  Evaluation evaluate;
  std::size_t constant = 0;
  bool all = true;
  for (const auto& command : commands_) {
    if (declared(command) != nullptr) {
      if (constant == constants_.size()) return std::nullopt;
      const auto value = read(model[constant]);
      const auto exact = value && value->size() == 1 ? Evaluation()((*value)[0]) : std::nullopt;
      if (!exact) return std::nullopt;
      const auto* rational = std::get_if<mpq_class>(&*exact);
      if (command.items.back().atom == "Int" && (rational == nullptr || rational->get_den() != 1)) all = false;
      evaluate.bind(constants_[constant++], *exact);
    } else if (is_command(command, "define-fun") && command.items.size() == 5 && command.items[2].items.empty()) {
      const auto value = evaluate(command.items[4]);
      if (!value) return std::nullopt;
      evaluate.bind(command.items[1].atom, *value);
    } else if (is_command(command, "assert")) {
      const auto value = evaluate(command.items[1]);
      if (!value || !std::holds_alternative<bool>(*value)) return std::nullopt;
      all = all && std::get<bool>(*value);
    }
  }
  return all;
}

}  // namespace hallmark::oracle
