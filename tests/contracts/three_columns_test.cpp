// T5 and the solvers: each solver's model of the printed three-column goal is replayed in the exact oracle. GPTQ and
// round-to-nearest, run from their definitions on the weights of the model, give its codes, and GPTQ loses more.
#include <doctest/doctest.h>
#include <gmpxx.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "io/process.hpp"
#include "oracle/exact_gptq.hpp"
#include "oracle/smt_goal.hpp"

namespace three_columns_test {

using namespace hallmark;
using namespace hallmark::oracle;

namespace {

constexpr const char* kGoal = "contracts/generated/contract_two_columns_3.smt2";

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A rational as a solver writes it: 0.25, (- 1.0), (/ 1.0 4.0) and their nestings.
mpq_class number(std::istringstream& in) {
  in >> std::ws;
  if (in.peek() != '(') {
    std::string digits;
    while (std::isdigit(in.peek()) != 0 || in.peek() == '.') digits += static_cast<char>(in.get());
    const auto point = digits.find('.');
    const auto decimals = point == std::string::npos ? 0 : digits.size() - point - 1;
    if (point != std::string::npos) digits.erase(point, 1);
    REQUIRE_FALSE(digits.empty());
    mpq_class value(digits + "/1" + std::string(decimals, '0'), 10);
    value.canonicalize();
    return value;
  }
  in.get();
  char operation = 0;
  in >> operation;
  mpq_class value = number(in);
  while ((in >> std::ws).peek() != ')') {
    REQUIRE(operation == '/');
    value /= number(in);
  }
  in.get();
  return operation == '-' ? mpq_class(-value) : value;
}

Rationals row(const std::map<std::string, mpq_class>& model, const std::string& name) {
  return {model.at(name + "_0"), model.at(name + "_1"), model.at(name + "_2")};
}

void replay(const std::string& solver, const std::vector<std::string>& arguments) {
  CAPTURE(solver);
  auto goal = SmtGoal::parse(text_of(kGoal), kGoal);
  REQUIRE(goal);
  const std::string path = "/tmp/three_columns_" + solver + "_" + std::to_string(::getpid()) + ".smt2";
  std::ofstream(path) << goal->with_query();
  std::vector<std::string> all = arguments;
  all.push_back(path);
  const auto said = run_process(solver, all, 60);
  std::remove(path.c_str());
  REQUIRE(said);
  const auto values = goal->read_model(said->output);
  REQUIRE(values);
  REQUIRE(goal->holds(*values) == true);
  std::map<std::string, mpq_class> model;
  for (std::size_t i = 0; i < values->size(); ++i) {
    std::istringstream in((*values)[i]);
    model[goal->constants()[i]] = number(in);
  }

  const Rationals G{5, 2, 0, 2, 2, 4, 0, 4, 16};  // X X^T for X = [[1, 2, 0], [0, 1, 1], [0, 0, 4]]
  const auto both = compare_methods(G, 0, ExactGrid::integer(-1, 1), row(model, "w"), {1, 1, 1});
  REQUIRE(both);
  CHECK((both->gptq.q == row(model, "q")));
  CHECK((both->rtn.q == row(model, "r")));
  CHECK((both->loss_gptq > both->loss_rtn));
  CHECK((both->guarded() == both->loss_rtn));
}

}  // namespace

TEST_CASE("Z3's model") { replay("z3", {"-smt2"}); }
TEST_CASE("cvc5's model") { replay("cvc5", {"--lang=smt2", "--nl-ext-tplanes"}); }

}  // namespace three_columns_test
