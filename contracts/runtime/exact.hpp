// Exact dyadic arithmetic: the last stage of the printed contracts. It decides everything; a number that is not finite
// makes every comparison false. The first comparison that makes a statement false is kept, as the two sides of a
// violation.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "contracts/runtime/truth.hpp"
#include "oracle/dyadic.hpp"

namespace hallmark::contracts {

/// A dyadic number, or none for what is not finite.
class Exact {
 public:
  Exact() = default;
  explicit Exact(double x) : finite_(std::isfinite(x)) {
    if (finite_) number_ = oracle::Dyadic(x);
  }
  explicit Exact(oracle::Dyadic x) : number_(std::move(x)) {}

  bool finite() const { return finite_; }
  const oracle::Dyadic& number() const { return number_; }
  std::string text() const { return finite_ ? number_.text() : "not a finite number"; }

  friend Exact operator+(const Exact& a, const Exact& b) { return make(a, b, a.number_ + b.number_); }
  friend Exact operator-(const Exact& a, const Exact& b) { return make(a, b, a.number_ - b.number_); }
  friend Exact operator*(const Exact& a, const Exact& b) { return make(a, b, a.number_ * b.number_); }

 private:
  static Exact make(const Exact& a, const Exact& b, oracle::Dyadic number) {
    Exact result(std::move(number));
    result.finite_ = a.finite_ && b.finite_;
    return result;
  }
  bool finite_ = true;
  oracle::Dyadic number_;
};

/// Both sides of a comparison that does not hold.
struct Sides {
  Exact left, right;
};

struct ExactOps {
  using Scalar = Exact;
  using Truth = contracts::Truth;

  inline static thread_local std::optional<Sides> failed;  ///< the caller resets it

  static Exact value(double x) { return Exact(x); }
  static Exact value(const Exact& x) { return x; }
  template <class T>
  static Scalar value(const Difference<T>& d) {
    return value(d.left) - value(d.right);
  }
  static Exact rational(std::int64_t numerator, std::int64_t denominator) {  // denominators are powers of two
    return Exact(static_cast<double>(numerator)) * Exact(1 / static_cast<double>(denominator));
  }
  static Exact count(std::size_t n) { return Exact(static_cast<double>(n)); }
  static Exact max(const Exact& a, const Exact& b) {
    return compare(a.number(), b.number()) < 0 || !b.finite() ? b : a;
  }
  static Exact abs(const Exact& a) { return a.number().sign() < 0 ? Exact(0.0) - a : a; }

  static Truth le(const Exact& a, const Exact& b) {
    return judge(a, b, a.finite() && b.finite() && compare(a.number(), b.number()) <= 0);
  }
  static Truth lt(const Exact& a, const Exact& b) {
    return judge(a, b, a.finite() && b.finite() && compare(a.number(), b.number()) < 0);
  }
  static Truth eq(const Exact& a, const Exact& b) {
    return judge(a, b, a.finite() && b.finite() && compare(a.number(), b.number()) == 0);
  }
  static Truth yes() { return Truth::yes; }
  static Truth both(Truth p, Truth q) {
    if (p == Truth::yes && q == Truth::no && !failed) failed = recent;
    return conjunction(p, q);
  }
  static Truth implies(Truth p, Truth q) { return implication(p, q); }

 private:
  inline static thread_local Sides recent;  // the last comparison that did not hold

  static Truth judge(const Exact& a, const Exact& b, bool holds) {
    if (!holds) recent = Sides{a, b};
    return holds ? Truth::yes : Truth::no;
  }
};

}  // namespace hallmark::contracts
