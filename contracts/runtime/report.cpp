#include "contracts/runtime/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/error_numbers.hpp"

namespace hallmark::contracts {

Expected<Policy> parse_policy(std::string_view name) {
  for (const Policy policy : {Policy::off, Policy::on, Policy::exact})
    if (name == to_string(policy)) return policy;
  return Error{Exit::usage, error_number::policy_unknown, fmt::format("unknown policy '{}' for contracts", name),
               "policies: off, on, exact", "on"};
}

std::string_view to_string(Policy policy) {
  return policy == Policy::off ? "off" : policy == Policy::on ? "on" : "exact";
}

std::string to_string(const Violation& violation) {
  std::string place = violation.tensor;
  if (violation.row) place += fmt::format(", row {}", *violation.row);
  if (!violation.place.empty()) place += ", " + violation.place;
  return fmt::format("{} ({}): {}: {} against {}", violation.contract, violation.theorem, place, violation.left,
                     violation.right);
}

Count& Count::operator+=(const Count& other) {
  passed += other.passed;
  failed += other.failed;
  by_binary64 += other.by_binary64;
  by_twice_binary64 += other.by_twice_binary64;
  by_exact += other.by_exact;
  if (theorem.empty()) theorem = other.theorem;
  return *this;
}

Report::Report(const Report& other) { *this = other; }

Report& Report::operator=(const Report& other) {
  if (this == &other) return *this;
  const std::scoped_lock lock(mutex_, other.mutex_);
  counts_ = other.counts_;
  violations_ = other.violations_;
  rows_ = other.rows_;
  exact_rows_ = other.exact_rows_;
  return *this;
}

void Report::add(std::string_view contract, const Count& count) {
  const std::scoped_lock lock(mutex_);
  counts_[std::string(contract)] += count;
}

void Report::violate(Violation violation) {
  const std::scoped_lock lock(mutex_);
  const auto key = [](const Violation& v) { return std::tuple(v.row.value_or(-1), v.contract, v.place); };
  violations_.push_back(std::move(violation));
  std::sort(violations_.begin(), violations_.end(),
            [&](const Violation& a, const Violation& b) { return key(a) < key(b); });
  if (violations_.size() > kKept) violations_.pop_back();
}

void Report::add_rows(std::int64_t rows, std::int64_t exact_rows) {
  const std::scoped_lock lock(mutex_);
  rows_ += rows;
  exact_rows_ += exact_rows;
}

void Report::merge(const Report& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  for (const auto& [name, count] : other.counts_) counts_[name] += count;
  for (const Violation& violation : other.violations_)
    if (violations_.size() < kKept) violations_.push_back(violation);
  rows_ += other.rows_;
  exact_rows_ += other.exact_rows_;
}

std::int64_t Report::failed() const {
  std::int64_t failed = 0;
  for (const auto& [name, count] : counts_) failed += count.failed;
  return failed;
}

std::string Report::summary() const {
  std::int64_t evaluations = 0;
  for (const auto& [name, count] : counts_) evaluations += count.passed + count.failed;
  return fmt::format("{} contracts evaluated {} times, {} violations; exact arithmetic decided {} of {} rows",
                     counts_.size(), evaluations, failed(), exact_rows_, rows_);
}

Status Report::status() const {
  if (violations_.empty()) return ok();
  return Error{Exit::contract, error_number::contract_violated, "a run-time contract is violated",
               fmt::format("{}; {} violations in all", to_string(violations_.front()), failed()),
               "keep the inputs and report this; --contracts off goes on without the guarantee"};
}

}  // namespace hallmark::contracts
