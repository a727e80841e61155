// The slack constants. A factor 1 + 2^-k that enlarges a computed bound stands below the line of arithmetic that gives
// it, and both sides of that line are evaluated here in exact rationals:
//
//   // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53
//
// So does a constant 2^-k that is added for what underflows: behind such a factor, or below 2^-200 wherever it stands,
// unless something is compared with it.
// k roundings of u each take a positive number down by 1 - k u at most. The line holds for `n <= N` where it holds at 0
// and at N: as a difference of rational functions of n that are monotone or linear it has no other sign between.
#include <doctest/doctest.h>
#include <gmpxx.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <re2/re2.h>

#include "../io/temporary_folder.hpp"

namespace slack_test {

namespace {

using Names = std::map<std::string, mpq_class>;

mpq_class power(mpq_class base, long exponent) {
  if (exponent < 0) base = 1 / base;
  mpq_class product = 1;
  for (long k = 0; k < std::labs(exponent); ++k) product *= base;
  return product;
}

// sum = term {(+|-) term}; term = power {(*|/) power}; power = atom [^ [-] digits]; atom = digits | name | ( sum )
class Reader {
 public:
  Reader(const std::string& text, const Names& names) : text_(text), names_(names) {}
  mpq_class all() {
    mpq_class value = sum();
    if (at_ != text_.size()) fail();
    return value;
  }

 private:
  [[noreturn]] void fail() const { throw std::runtime_error("no arithmetic: " + text_ + " at " + text_.substr(at_)); }
  bool take(char c) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string word(int (*belongs)(int)) {
    std::string found;
    while (at_ < text_.size() && belongs(text_[at_])) found += text_[at_++];
    return found;
  }
  mpq_class sum() {
    mpq_class value = term();
    for (;;)
      if (take('+')) value += term();
      else if (take('-')) value -= term();
      else return value;
  }
  mpq_class term() {
    mpq_class value = raised();
    for (;;)
      if (take('*')) value *= raised();
      else if (take('/')) value /= raised();
      else return value;
  }
  mpq_class raised() {
    const mpq_class base = atom();
    if (!take('^')) return base;
    const long sign = take('-') ? -1 : 1;
    const std::string digits = word(std::isdigit);
    if (digits.empty()) fail();
    return power(base, sign * std::stol(digits));
  }
  mpq_class atom() {
    if (take('(')) {
      mpq_class value = sum();
      if (!take(')')) fail();
      return value;
    }
    if (const std::string digits = word(std::isdigit); !digits.empty()) return mpq_class(digits);
    const std::string name = word(std::isalpha);
    if (!names_.contains(name)) fail();
    return names_.at(name);
  }

  const std::string& text_;
  const Names& names_;
  std::size_t at_ = 0;
};

mpq_class value(const std::string& text, const Names& names = {}) { return Reader(text, names).all(); }

// Whether "A <= B for n <= N, u = V" holds; without "for" there are no names.
bool holds(const std::string& line) {
  const auto where = line.find(" for ");
  std::vector<Names> cases(1);
  std::stringstream bindings(where == line.npos ? "" : line.substr(where + 5));
  for (std::string binding; std::getline(bindings, binding, ',');) {
    std::string name, sign, text;
    if (!RE2::FullMatch(binding, " *([a-z]+) (<=|=) (.*)", &name, &sign, &text))
      throw std::runtime_error("no binding: " + binding);
    const mpq_class end = value(text);
    const std::size_t count = cases.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (sign == "<=") {
        cases.push_back(cases[i]);
        cases.back()[name] = 0;
      }
      cases[i][name] = end;
    }
  }
  const std::string claim = line.substr(0, where);
  const auto sign = claim.find(" <= ");
  if (sign == claim.npos) throw std::runtime_error("no inequality: " + line);
  const std::string left = claim.substr(0, sign), right = claim.substr(sign + 4);
  return std::ranges::all_of(cases, [&](const Names& names) { return value(left, names) <= value(right, names); });
}

struct Found {
  std::vector<std::string> faults;
  int lines = 0, constants = 0;
};

// What a statement needs lines for, with what the line has to say of its k.
struct Rule {
  RE2 constant;
  const char *line, *fault;
};

// Every slack line that does not hold, and every constant without a line for its k right above the statement.
Found check(const std::string& source) {
  Found found;
  std::stringstream stream(source);
  std::string above, statement;  // the slack lines right above, and the code since the last end of a statement
  static const RE2 slack("// slack: (.*)"), elsewise(R"(\b1 \+ (\(.*0x1p-|(\w+::)*(power_of_two|ldexp|exp2)\())");
  static const std::array<Rule, 3> rules{
      Rule{{R"(\(1 \+ 0x1p-(\d+)\))"}, "1 \\+ 2\\^-", "no slack line above: "},
      Rule{{R"(\(1 \+ 0x1p-\d+\) \+ 0x1p-(1?\d?\d\b))"}, "2\\^-", "no slack line above for what is added: "},
      Rule{{R"((?:[^<>= ]|[^<>]=) ?\b0x1p-([2-9]\d\d|\d{4,})\b)"}, "2\\^-", "no slack line above for what is added: "}};
  for (std::string line; std::getline(stream, line);) {
    if (std::string claim; RE2::PartialMatch(line, slack, &claim)) {
      ++found.lines;
      above += claim + "\n";
      if (!holds(claim)) found.faults.push_back("does not hold: " + claim);
      continue;
    }
    const std::string code = line.substr(0, line.find("//"));
    const auto first = code.find_first_not_of(' '), last = code.find_last_not_of(' ');
    if (first == code.npos) continue;
    statement += " " + code.substr(first, last + 1 - first);
    if (!std::strchr(";{}", statement.back())) continue;
    for (const Rule& rule : rules) {
      re2::StringPiece rest(statement);
      for (std::string power; RE2::FindAndConsume(&rest, rule.constant, &power);) {
        ++found.constants;
        if (!RE2::PartialMatch(above, rule.line + power + "\\b")) found.faults.push_back(rule.fault + statement);
      }
    }
    if (RE2::PartialMatch(statement, elsewise)) found.faults.push_back("write (1 + 0x1p-k): " + statement);
    above.clear();
    statement.clear();
  }
  return found;
}

}  // namespace

TEST_CASE("the arithmetic of a slack line is exact, and too small a constant is seen") {
  CHECK((value("2^-2 + 3 * (1 - 1 / 3)") == mpq_class(9, 4)));
  CHECK((value("(1 - u)^2", {{"u", mpq_class(1, 2)}}) == mpq_class(1, 4)));
  CHECK((value("8 - 4 - 2") == 2));
  CHECK_THROWS(value("1 + x"));
  CHECK_THROWS(value("1 +"));
  CHECK(holds("1 / (1 - 7 * u) <= 1 + 2^-50 for u = 2^-53"));
  CHECK_FALSE(holds("1 / (1 - 8 * u) <= 1 + 2^-50 for u = 2^-53"));
  CHECK(holds("n * (8 - n) <= 16 - n for n <= 8"));  // at both ends
  CHECK_FALSE(holds("n <= 7 for n <= 8"));
  CHECK_FALSE(holds("8 - n <= 7 for n <= 8"));

  const std::string line = "  // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53\n", code = "  x *= (1 + 0x1p-50);\n";
  CHECK(check(line + code).faults.empty());
  CHECK(check(code).faults.size() == 1);
  CHECK(check(line + "  f();\n" + code).faults.size() == 1);
  CHECK(check(line + "  x *= (1 + 0x1p-52);\n").faults.size() == 1);  // smaller than its line
  CHECK(check("  // slack: 1 / (1 - 3 * u) <= 1 + 2^-52 for u = 2^-53\n  x *= (1 + 0x1p-52);\n").faults.size() == 1);
  const std::string term = "  x = x * (1 + 0x1p-50) + 0x1p-138;\n",
                    least = "  // slack: n * (2^-150)^2 <= (2^-138)^2 for n <= 2^24\n";
  CHECK(check(line + least + term).faults.empty());
  CHECK(check(line + term).faults.size() == 1);
  CHECK(check(line + "  // slack: n * (2^-150)^2 <= (2^-138)^2 for n <= 2^25\n" + term).faults.size() == 1);
}

TEST_CASE("a constant is seen wherever it stands") {
  const std::string line = "  // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53\n",
                    least = "  // slack: 2 * 2^-1075 <= 2^-1000\n";
  const std::vector<std::string> tiny{"  x = a * b + 0x1p-1000;\n",        "  x += 0x1p-1000;\n",
                                      "  x = a +\n      0x1p-1000;\n",     "  x = odd ? all(0x1p-1000) : Lanes{};\n",
                                      "constexpr double k = 0x1p-1000;\n", "  return {a, b + 0x1p-1000};\n"};
  for (const std::string& code : tiny) {
    CAPTURE(code);
    CHECK(check(code).faults.size() == 1);
    CHECK(check(least + code).faults.empty());
    CHECK(check("  // slack: 2^-1075 <= 2^-1001\n" + code).faults.size() == 1);
  }
  for (const std::string code : {"  if (x >= 0x1p-1000) f();\n", "  x = a < 0x1p-1000;\n", "  x = n * 0x1p-149;\n"}) {
    CAPTURE(code);
    CHECK(check(code).faults.empty());
  }
  const std::string wrapped = "  x = a *\n      (1 + 0x1p-50);\n";
  CHECK(check(wrapped).faults.size() == 1);
  CHECK(check(line + wrapped).faults.empty());
  for (const std::string code : {"  x *= (1 + power_of_two(-50));\n", "  x *= 1 + std::ldexp(1, -50);\n",
                                 "  T up = 1 + (small ? T(0x1p-21) : T(0x1p-50));\n"}) {
    CAPTURE(code);
    CHECK(check(line + code).faults.size() == 1);
  }
}

TEST_CASE("each slack constant of the enclosures has its line of arithmetic, which holds") {
  int lines = 0, constants = 0;
  for (const std::string folder : {"src", "contracts/runtime"})
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string path = entry.path();
      if (!path.ends_with(".cpp") && !path.ends_with(".hpp")) continue;
      const Found found = check(hallmark::test::read_file(path));
      CAPTURE(path);
      for (const std::string& fault : found.faults) FAIL_CHECK(fault);
      lines += found.lines;
      constants += found.constants;
    }
  CHECK(lines >= 60);
  CHECK(constants >= 50);
}

}  // namespace slack_test
