#include "oracle/exact_grid.hpp"

#include <cmath>

namespace hallmark::oracle {
namespace {

int compare_numbers(const mpq_class& a, const mpq_class& b) { return cmp(a, b); }
int compare_numbers(const Dyadic& a, const Dyadic& b) { return compare(a, b); }

// Points of a symmetric grid from those above 0.
std::vector<double> mirrored(const std::vector<double>& positive) {
  std::vector<double> points;
  for (auto v = positive.rbegin(); v != positive.rend(); ++v) points.push_back(-*v);
  points.push_back(0);
  points.insert(points.end(), positive.begin(), positive.end());
  return points;
}

}  // namespace

ExactGrid ExactGrid::golden(int E, int M) {
  const int bias = (1 << (E - 1)) - 1, fractions = 1 << M;
  std::vector<double> positive;
  for (int field = 0; field < (1 << E) - 1; ++field)
    for (int fraction = field == 0 ? 1 : 0; fraction < fractions; ++fraction)
      positive.push_back(field == 0
                             ? std::ldexp(fraction, 1 - bias - M)                    // (-1)^s 2^(1-bias) (F / 2^M)
                             : std::ldexp(fractions + fraction, field - bias - M));  // 2^(field-bias) (1 + F / 2^M)
  ExactGrid grid(Kind::golden, mirrored(positive));
  grid.word_bits_ = E + M;
  return grid;
}

ExactGrid ExactGrid::integer(int first, int last) {
  std::vector<double> points;
  for (int k = first; k <= last; ++k) points.push_back(k);
  return ExactGrid(Kind::integer, std::move(points));
}

ExactGrid ExactGrid::table(std::vector<float> values) {
  return ExactGrid(Kind::table, std::vector<double>(values.begin(), values.end()));
}

ExactGrid ExactGrid::of(const GridSpec& spec) {
  switch (spec.kind) {
    case Kind::golden: return golden(spec.exponent_bits, spec.fraction_bits);
    case Kind::integer: return integer(spec.first, spec.last);
    case Kind::table: break;
  }
  return table(spec.points);
}

std::optional<std::size_t> ExactGrid::position(Code code) const {
  switch (kind_) {
    case Kind::table: return code < points_.size() ? std::optional<std::size_t>(code) : std::nullopt;
    case Kind::integer: {
      const int k = static_cast<std::int16_t>(code) - static_cast<int>(points_[0]);
      if (k < 0 || k >= static_cast<int>(points_.size())) return std::nullopt;
      return static_cast<std::size_t>(k);
    }
    case Kind::golden: break;
  }
  const std::size_t last = points_.size() / 2;  // the number of points on either side of 0
  const std::size_t sign = std::size_t{1} << word_bits_, magnitude = code & (sign - 1);
  if (code >= 2 * sign || magnitude > last) return std::nullopt;
  return code < sign ? last + magnitude : last - magnitude;
}

Code ExactGrid::code_at(std::size_t position, bool negative) const {
  switch (kind_) {
    case Kind::table: return static_cast<Code>(position);
    case Kind::integer: return static_cast<Code>(static_cast<int>(points_[position]));
    case Kind::golden: break;
  }
  const std::size_t last = points_.size() / 2, magnitude = position < last ? last - position : position - last;
  const bool sign = magnitude == 0 ? negative : position < last;
  return static_cast<Code>(magnitude + (sign ? std::size_t{1} << word_bits_ : 0));
}

bool ExactGrid::is_even(std::size_t position, int zero) const {
  switch (kind_) {
    case Kind::table: return position % 2 == 0;
    case Kind::integer: return static_cast<int>(point(position, zero)) % 2 == 0;
    case Kind::golden: break;
  }
  return (position + points_.size() / 2) % 2 == 0;  // the word counts from 0 in the middle
}

template <class Number>
int ExactGrid::side(const Number& x, const Number& s, int zero, std::size_t k) const {
  const Number two(2.0), sum = Number(point(k, zero)) + Number(point(k + 1, zero));
  return compare_numbers(Number(two * x), Number(s * sum));
}

// Whether the answer lies above point k: beyond the midpoint, or on it where k is odd.
template <class Number>
bool ExactGrid::is_above(const Number& x, const Number& s, int zero, std::size_t k) const {
  const int where = side(x, s, zero, k);
  return where > 0 || (where == 0 && !is_even(k, zero));
}

template <class Number>
bool ExactGrid::is_clipped(const Number& x, const Number& s, int zero, std::size_t k) const {
  if (k != 0 && k + 1 != points_.size()) return false;
  const Number end(point(k, zero)), inner(point(k == 0 ? 1 : k - 1, zero));
  const Number beyond = kind_ == Kind::table ? Number(s * end) : Number(s * (end + Number(0.5) * (end - inner)));
  const int where = compare_numbers(x, beyond);
  return k == 0 ? where < 0 : where > 0;
}

template <class Number>
Nearest<Number> ExactGrid::nearest_point(const Number& x, const Number& s, int zero) const {
  const Number none(0.0);
  if (compare_numbers(s, none) < 0) return nearest_point(Number(none - x), Number(none - s), zero);
  std::size_t low = 0, high = points_.size() - 1;  // the answer is in low .. high
  while (low < high) {
    const std::size_t k = low + (high - low) / 2;
    if (is_above(x, s, zero, k)) low = k + 1;
    else high = k;
  }
  const bool negative = compare_numbers(x, none) < 0;
  const auto distance = [&](std::size_t k) {
    const Number middle = Number(0.5) * s * (Number(point(k, zero)) + Number(point(k + 1, zero)));
    return Number(abs(Number(x - middle)));
  };
  Number margin = distance(low == 0 ? 0 : low - 1);
  if (low > 0 && low + 1 < points_.size())
    if (Number above = distance(low); compare_numbers(above, margin) < 0) margin = above;
  return {code_at(low, negative), is_clipped(x, s, zero, low), margin};
}

bool ExactGrid::contains(Code code) const { return position(code).has_value(); }

double ExactGrid::value(Code code, int zero) const { return point(*position(code), zero); }

Nearest<mpq_class> ExactGrid::nearest(const mpq_class& x, const mpq_class& s, int zero) const {
  return nearest_point(x, s, zero);
}
Nearest<Dyadic> ExactGrid::nearest(const Dyadic& x, const Dyadic& s, int zero) const {
  return nearest_point(x, s, zero);
}

Confirmed ExactGrid::confirm(Code code, float x, float scale, int zero) const {
  if (scale < 0) return confirm(code, -x, -scale, zero);
  const std::size_t k = *position(code);
  const Dyadic exact(x), s(scale);
  const bool right_sign = code_at(k, std::signbit(x)) == code;
  const bool nearest = right_sign && (k == 0 || is_above(exact, s, zero, k - 1)) &&
                       (k + 1 == points_.size() || !is_above(exact, s, zero, k));
  return {nearest, nearest && is_clipped(exact, s, zero, k)};
}

}  // namespace hallmark::oracle
