// Errors are values: a function that can fail returns Expected<T>, never throws, prints or aborts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/error_numbers.hpp"

namespace hallmark {

/// Exit codes of the tool, one per class of failure; stable (docs/cli.md lists them for users).
enum class Exit : int {
  ok = 0,            ///< done
  internal = 1,      ///< a bug in Hallmark
  usage = 2,         ///< wrong flags or configuration; nothing was started
  input = 3,         ///< invalid input: header, truncation, dtype, non-finite values
  infeasible = 4,    ///< the plan cannot be carried out: shapes, groups, pattern, output refused
  numeric = 5,       ///< not positive definite, overflow
  contract = 6,      ///< a run-time contract was violated
  mismatch = 7,      ///< verification found different bytes or bounds
  fallback = 8,      ///< finished, but some tensors were skipped
  io = 9,            ///< the operating system refused: read, write, disk full
  memory = 10,       ///< out of memory
  unavailable = 13,  ///< feature not built in, or its device is missing
};

/// One failure, in the three lines that a user sees: what, where (with numbers), what to do.
struct Error {
  Exit exit = Exit::internal;
  int number = error_number::unexpected_exception;  ///< 301 prints as E0301; the hundreds are the exit class
  std::string what;                                 ///< one sentence
  std::string where;                                ///< place and numbers
  std::string hint;                                 ///< what to do
};

/// "error[E0301]: what\n  where\n  try: hint\n"
std::string to_string(const Error& error);

/// The error with `place`, a file or a tensor, in front of its own place.
Error located(std::string_view place, Error error);

/// A value of T or the Error that prevented it. Reading the wrong side is a bug (throws std::bad_variant_access).
template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

using Status = Expected<std::monostate>;

/// The one success of a Status.
inline Status ok() { return std::monostate{}; }

}  // namespace hallmark
