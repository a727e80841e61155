// differential SEEDS < CASES: the printed contracts in exact rationals against the answers of the evaluator extracted
// from Coq (extract/evaluator/environments.ml gives the format). Every contract must bring SEEDS cases, some that hold,
// some that violate a precondition only, some the postcondition. Exit 0 when all answers agree.
#include <gmpxx.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "contracts/generated/contract_calls.hpp"

namespace {

struct Ops {
  using Scalar = mpq_class;
  using Truth = bool;
  static mpq_class rational(std::int64_t numerator, std::int64_t denominator) {
    mpq_class q(mpz_class(static_cast<long>(numerator)), mpz_class(static_cast<long>(denominator)));
    q.canonicalize();
    return q;
  }
  static mpq_class count(std::size_t n) { return mpq_class(static_cast<unsigned long>(n)); }
  static mpq_class value(const mpq_class& x) { return x; }
  static mpq_class max(const mpq_class& a, const mpq_class& b) { return a < b ? b : a; }
  static mpq_class abs(const mpq_class& a) { return a < 0 ? mpq_class(-a) : a; }
  static bool le(const mpq_class& a, const mpq_class& b) { return a <= b; }
  static bool lt(const mpq_class& a, const mpq_class& b) { return a < b; }
  static bool eq(const mpq_class& a, const mpq_class& b) { return a == b; }
  static bool yes() { return true; }
  static bool both(bool p, bool q) { return p && q; }
  static bool implies(bool p, bool q) { return !p || q; }
};

/// The entries of an input, row by row.
struct Input {
  std::vector<mpq_class> entries;
  std::size_t columns = 1;
  const mpq_class& operator()(std::size_t i) const { return entries.at(i); }
  const mpq_class& operator()(std::size_t i, std::size_t j) const { return entries.at(i * columns + j); }
  operator const mpq_class&() const { return entries.at(0); }
};

}  // namespace

int main(int argc, char** argv) {
  using namespace hallmark::generated;
  const long seeds = argc == 2 ? std::stol(argv[1]) : 0;
  std::map<std::string_view, std::array<long, 4>> seen;  // cases by answer
  long wrong = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string name, word;
    long seed = 0;
    int answer = 0;
    words >> name >> seed >> answer;
    const auto shape = shape_of(name);
    std::map<std::string_view, std::size_t> sizes;
    for (const std::string_view size : shape.sizes) words >> sizes[size];
    words >> word;
    if (shape.sizes.empty() || word != "|" || answer < 0 || answer > 3)
      return std::cerr << "bad case: " << line << '\n', 1;
    std::map<std::string_view, Input> inputs;
    for (const InputShape& input : shape.inputs) {
      const std::size_t rows = input.rows.empty() ? 1 : sizes.at(input.rows);
      Input& read = inputs[input.name];
      read.columns = input.columns.empty() ? 1 : sizes.at(input.columns);
      for (std::size_t k = 0; k < rows * read.columns && words >> word; ++k)
        read.entries.emplace_back(word, 10).canonicalize();
      if (read.entries.size() != rows * read.columns) return std::cerr << "short case: " << line << '\n', 1;
    }
    if (words >> word) return std::cerr << "long case: " << line << '\n', 1;
    const auto [supposed, promised] = call<Ops>(
        name, [&](std::string_view s) { return sizes.at(s); },
        [&](std::string_view x) -> const Input& { return inputs.at(x); });
    const int here = (supposed ? 1 : 0) + (promised ? 2 : 0);
    if (here != answer && ++wrong <= 10)
      std::cerr << "differ: C++ " << here << ", Coq " << answer << ": " << line << '\n';
    ++seen[shape.name][static_cast<std::size_t>(answer)];
  }
  std::printf("%-26s %10s %10s %10s %10s\n", "contract", "violated", "pre only", "post only", "both hold");
  long cases = 0, poor = 0;
  for (const auto& [name, by] : seen) {
    std::printf("%-26s %10ld %10ld %10ld %10ld\n", std::string(name).c_str(), by[0], by[1], by[2], by[3]);
    cases += by[0] + by[1] + by[2] + by[3];
    poor += by[0] + by[1] + by[2] + by[3] != seeds || by[0] == 0 || by[1] != 0 || by[3] == 0;
  }
  std::printf("%ld cases of %zu contracts: %ld answers differ\n", cases, seen.size(), wrong);
  if (poor != 0 || seen.size() != contract_count) {
    std::cerr << "a contract lacks cases, or a case refutes it\n";
    return 1;
  }
  return wrong == 0 ? 0 : 1;
}
