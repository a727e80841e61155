// What became of the contracts of a run: how often each was evaluated, by which arithmetic it was decided, and what did
// not hold.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark::contracts {

/// off: nothing is evaluated. on: enclosures decide, exact arithmetic what they leave open. exact: exact arithmetic
/// decides everything.
enum class Policy { off, on, exact };

/// off, on, exact. Errors: E0228 (usage).
Expected<Policy> parse_policy(std::string_view name);
std::string_view to_string(Policy policy);

/// One evaluation that does not hold: left and right are the sides of the comparison, exact (oracle::Dyadic::text).
struct Violation {
  std::string contract, theorem, tensor;
  std::optional<std::int64_t> row;
  std::string place;  ///< column or entry, where there is one
  std::string left, right;
};
std::string to_string(const Violation& violation);

/// Evaluations of one contract, by what decided them.
struct Count {
  std::int64_t passed = 0, failed = 0;
  std::int64_t by_binary64 = 0, by_twice_binary64 = 0, by_exact = 0;
  std::string_view theorem = {};  ///< that of the contract, in static memory
  Count& operator+=(const Count& other);
};

/// The record of one or more tensors; add and merge may be called from several threads.
class Report {
 public:
  static constexpr std::size_t kKept = 16;  ///< violations kept in full; all are counted

  Report() = default;
  Report(const Report& other);
  Report& operator=(const Report& other);

  void add(std::string_view contract, const Count& count);
  void violate(Violation violation);
  void add_rows(std::int64_t rows, std::int64_t exact_rows);
  void merge(const Report& other);

  const std::map<std::string, Count, std::less<>>& counts() const { return counts_; }
  const std::vector<Violation>& violations() const { return violations_; }
  std::int64_t failed() const;
  std::int64_t rows() const { return rows_; }
  /// Rows of which something, the guard's choice included, was decided by exact arithmetic.
  std::int64_t exact_rows() const { return exact_rows_; }

  /// One line for people.
  std::string summary() const;
  /// Errors: E0630 the first violation with both sides, and the number of all.
  Status status() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Count, std::less<>> counts_;
  std::vector<Violation> violations_;  // the first rows first
  std::int64_t rows_ = 0, exact_rows_ = 0;
};

}  // namespace hallmark::contracts
