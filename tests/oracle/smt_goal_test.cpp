// Goals for the solvers: reading them, their models, and the exact replay.
#include "oracle/smt_goal.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "../io/temporary_folder.hpp"

namespace smt_goal_test {

using namespace hallmark;
using oracle::SmtGoal;

namespace {

SmtGoal goal(const std::string& text) {
  auto parsed = SmtGoal::parse(text, "test");
  REQUIRE(parsed);
  return *parsed;
}

/// Whether x (and y) satisfy one assertion.
std::optional<bool> satisfies(const std::string& assertion, const std::string& x, const std::string& y = "0.0") {
  return goal("(declare-const x Real)(declare-fun y () Real)(assert " + assertion + ")(check-sat)").holds({x, y});
}

}  // namespace

TEST_CASE("a goal is a script with constants and one check-sat") {
  CHECK(goal("; (x\n(set-info :source |a ) b|)(set-info :s \"(\")(declare-const x Real)\n(check-sat)").constants() ==
        std::vector<std::string>{"x"});
  for (const char* text :
       {"", "(declare-const x Real)", "(check-sat)", "(declare-const x Real)(check-sat)(check-sat)",
        "(declare-const x Real)(check-sat))", "(declare-const x Real)((check-sat)", "(check-sat)(declare-const x Real)",
        "(declare-const x Real)(check-sat)(assert false)", "(declare-const x Real)(push 1)(check-sat)",
        "(declare-const x Real)(set-info :s \"open)(check-sat)", "; (declare-const x Real)(check-sat)",
        "(declare-fun f (Real) Real)(check-sat)"}) {
    CAPTURE(text);
    const auto refused = SmtGoal::parse(text, "test");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().number == 398);
  }
  CHECK_FALSE(SmtGoal::parse(std::string(100'000, '(') + std::string(100'000, ')'), "test"));
}

TEST_CASE("a model is read from the answer, value by value, and fixed before the check") {
  const auto g = goal("(declare-const x Real)\n(declare-const y Real)\n(assert (< x y))\n(check-sat)\n");
  CHECK(g.with_query() == g.text() + "\n(get-value (x y))\n");
  const auto model = g.read_model("sat\n((x (- (/ 1.0 2.0)))\n (y 3.0))\n");
  REQUIRE(model);
  CHECK(*model == oracle::SmtModel{"(- (/ 1.0 2.0))", "3.0"});
  CHECK(g.with_model(*model) ==
        "(declare-const x Real)\n(declare-const y Real)\n(assert (< x y))\n(assert (= x (- (/ 1.0 2.0))))\n(assert (= "
        "y 3.0))\n(check-sat)\n");
  for (const char* answer :
       {"", "sat", "unsat\n((x 1.0) (y 2.0))", "sat\n((x 1.0))", "sat\n((y 2.0) (x 1.0))", "sat\n((x 1.0) (y))",
        "sat\n((x 1.0) (y 2.0)", "sat\n(error \"no model\")", "sat\n((x 1.0) (y 2.0) (z 3.0))"}) {
    CAPTURE(answer);
    CHECK_FALSE(g.read_model(answer));
  }
}

TEST_CASE("models are replayed in exact rationals") {
  CHECK(satisfies("(= (* 3.0 x) 1.0)", "(/ 1 3)") == true);  // not so in binary64
  CHECK(satisfies("(= (* 3.0 x) 1.0)", "0.33333333333333333333333333333333") == false);
  CHECK(satisfies("(< x y (+ x 2.0))", "(- (/ 1.0 2.0))", "1.0") == true);
  CHECK(satisfies("(< x y (+ x 2.0))", "(- (/ 1.0 2.0))", "1.5") == false);
  CHECK(satisfies("(and (>= x y) (> x y) (<= y x) (not (= x y)))", "2", "1") == true);
  CHECK(satisfies("(=> (< x 0.0) (< y 0.0) false)", "(- 1.0)", "1.0") == true);
  CHECK(satisfies("(=> (< x 0.0) (< 0.0 y) false)", "(- 1.0)", "1.0") == false);
  CHECK(satisfies("(or false (< x 0.0))", "1.0") == false);
  CHECK(satisfies("(= (ite (< x 0.0) (- x) x) y)", "(- 7.0)", "7.0") == true);
  CHECK(satisfies("(= (let ((x 5.0) (y x)) (- x y 1.0)) y)", "3.0", "1.0") ==
        true);  // the bindings of let are parallel
  CHECK(satisfies("(= (to_int x) y)", "(- 0.5)", "(- 1.0)") == true);
  CHECK(satisfies("(= (/ x y) 2.0)", "1.0", "0.5") == true);
  CHECK(goal("(declare-const x Real)(define-fun t () Real (* x x))(assert (= t 4.0))(check-sat)").holds({"2.0"}) ==
        true);
  CHECK(goal("(declare-const x Int)(assert true)(check-sat)").holds({"(/ 1 2)"}) == false);
  // Every assertion counts, the first too.
  CHECK(goal("(declare-const x Real)(assert (< x 0.0))(assert (< x 2.0))(check-sat)").holds({"1.0"}) == false);
}

TEST_CASE("what cannot be computed exactly is not decided") {
  CHECK_FALSE(satisfies("(= (/ x y) 2.0)", "1.0", "0.0"));
  CHECK_FALSE(satisfies("(= (sin x) 2.0)", "1.0"));
  CHECK_FALSE(satisfies("(< x z)", "1.0"));
  CHECK_FALSE(satisfies("(< x y)", "(root-obj (+ (^ x 2) (- 2)) 1)"));
  CHECK_FALSE(satisfies("(< x true)", "1.0"));
  CHECK_FALSE(satisfies("(+ x y)", "1.0"));
  CHECK_FALSE(goal("(declare-const x (_ BitVec 16))(assert (bvult x x))(check-sat)").holds({"#x0001"}));
}

TEST_CASE("every committed goal is read") {
  int goals = 0;
  for (const auto& entry : std::filesystem::directory_iterator("contracts/generated"))
    if (entry.path().extension() == ".smt2") {
      CAPTURE(entry.path().string());
      CHECK(SmtGoal::parse(test::read_file(entry.path()), "test"));
      ++goals;
    }
  CHECK(goals >= 24);
}

}  // namespace smt_goal_test
