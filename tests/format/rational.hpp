// Exact rationals of tests: GMP's mpq with operators.
#pragma once

#include <compare>
#include <utility>

#include <gmp.h>

namespace hallmark::reference {

class Rational {
 public:
  Rational(double value = 0) { mpq_init(q_), mpq_set_d(q_, value); }  // exact for every finite value
  Rational(const Rational& other) { mpq_init(q_), mpq_set(q_, other.q_); }
  Rational& operator=(const Rational& other) {
    mpq_set(q_, other.q_);
    return *this;
  }
  ~Rational() { mpq_clear(q_); }

  friend Rational operator+(const Rational& a, const Rational& b) {
    Rational r;
    mpq_add(r.q_, a.q_, b.q_);
    return r;
  }
  friend Rational operator-(const Rational& a, const Rational& b) {
    Rational r;
    mpq_sub(r.q_, a.q_, b.q_);
    return r;
  }
  friend Rational operator*(const Rational& a, const Rational& b) {
    Rational r;
    mpq_mul(r.q_, a.q_, b.q_);
    return r;
  }
  friend Rational abs(const Rational& a) {
    Rational r;
    mpq_abs(r.q_, a.q_);
    return r;
  }
  friend bool operator==(const Rational& a, const Rational& b) { return mpq_equal(a.q_, b.q_) != 0; }
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b) { return mpq_cmp(a.q_, b.q_) <=> 0; }

 private:
  mpq_t q_;
};

}  // namespace hallmark::reference
