#include "oracle/exact_grid.hpp"

#include <charconv>
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

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool canonical = error == std::errc{} && end == text.data() + text.size() && std::to_string(value) == text;
  return canonical ? std::optional(value) : std::nullopt;
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

ExactGrid ExactGrid::integer(int bits) {
  std::vector<double> positive;
  for (int k = 1; k <= (1 << (bits - 1)) - 1; ++k) positive.push_back(k);
  return ExactGrid(Kind::integer, mirrored(positive));
}

ExactGrid ExactGrid::codebook(std::vector<float> values) {
  return ExactGrid(Kind::codebook, std::vector<double>(values.begin(), values.end()));
}

std::optional<ExactGrid> ExactGrid::parse(std::string_view name) {
  if (name.ends_with("/1")) name.remove_suffix(2);
  if (name == "gf16") return golden(6, 9);
  if (name == "bf16") return golden(8, 7);
  if (name == "fp16") return golden(5, 10);
  if (name.starts_with("int")) {
    const auto bits = number(name.substr(3));
    return bits && 2 <= *bits && *bits <= 8 ? std::optional(integer(*bits)) : std::nullopt;
  }
  const std::size_t comma = name.find(',');
  if (!name.starts_with("gf:") || comma == std::string_view::npos) return std::nullopt;
  const auto E = number(name.substr(3, comma - 3)), M = number(name.substr(comma + 1));
  const bool sane = E && M && 2 <= *E && *E <= 8 && 1 <= *M && *M <= 12 && 1 + *E + *M <= 16;
  return sane ? std::optional(golden(*E, *M)) : std::nullopt;
}

std::optional<std::size_t> ExactGrid::position(Code code) const {
  const std::size_t last = points_.size() / 2;  // of a symmetric grid: the number of points on either side of 0
  switch (kind_) {
    case Kind::codebook: return code < points_.size() ? std::optional<std::size_t>(code) : std::nullopt;
    case Kind::integer: {
      const int k = static_cast<std::int16_t>(code);
      if (std::abs(k) > static_cast<int>(last)) return std::nullopt;
      return static_cast<std::size_t>(static_cast<int>(last) + k);
    }
    case Kind::golden: break;
  }
  const std::size_t sign = std::size_t{1} << word_bits_, magnitude = code & (sign - 1);
  if (code >= 2 * sign || magnitude > last) return std::nullopt;
  return code < sign ? last + magnitude : last - magnitude;
}

Code ExactGrid::code_at(std::size_t position, bool negative) const {
  const std::size_t last = points_.size() / 2;
  switch (kind_) {
    case Kind::codebook: return static_cast<Code>(position);
    case Kind::integer: return static_cast<Code>(position - last);
    case Kind::golden: break;
  }
  const std::size_t magnitude = position < last ? last - position : position - last;
  const bool sign = magnitude == 0 ? negative : position < last;
  return static_cast<Code>(magnitude + (sign ? std::size_t{1} << word_bits_ : 0));
}

bool ExactGrid::is_even(std::size_t position) const {
  // Of a symmetric grid the magnitude counts from 0 in the middle: a word, or an integer.
  return kind_ == Kind::codebook ? position % 2 == 0 : (position + points_.size() / 2) % 2 == 0;
}

template <class Number>
int ExactGrid::side(const Number& x, const Number& s, std::size_t k) const {
  const Number two(2.0), sum = Number(points_[k]) + Number(points_[k + 1]);
  return compare_numbers(Number(two * x), Number(s * sum));
}

// Whether the answer lies above point k: beyond the midpoint, or on it where k is odd.
template <class Number>
bool ExactGrid::is_above(const Number& x, const Number& s, std::size_t k) const {
  const int where = side(x, s, k);
  return where > 0 || (where == 0 && !is_even(k));
}

template <class Number>
bool ExactGrid::is_clipped(const Number& x, const Number& s, std::size_t k) const {
  if (k != 0 && k + 1 != points_.size()) return false;
  const Number end(points_[k]), inner(points_[k == 0 ? 1 : k - 1]);
  const Number beyond = kind_ == Kind::codebook ? Number(s * end) : Number(s * (end + Number(0.5) * (end - inner)));
  const int where = compare_numbers(x, beyond);
  return k == 0 ? where < 0 : where > 0;
}

template <class Number>
Nearest<Number> ExactGrid::nearest_point(const Number& x, const Number& s) const {
  std::size_t low = 0, high = points_.size() - 1;  // the answer is in low .. high
  while (low < high) {
    const std::size_t k = low + (high - low) / 2;
    if (is_above(x, s, k)) low = k + 1;
    else high = k;
  }
  const bool negative = compare_numbers(x, Number(0.0)) < 0;
  const auto distance = [&](std::size_t k) {
    const Number middle = Number(0.5) * s * (Number(points_[k]) + Number(points_[k + 1]));
    return Number(abs(Number(x - middle)));
  };
  Number margin = distance(low == 0 ? 0 : low - 1);
  if (low > 0 && low + 1 < points_.size())
    if (Number above = distance(low); compare_numbers(above, margin) < 0) margin = above;
  return {code_at(low, negative), is_clipped(x, s, low), margin};
}

bool ExactGrid::contains(Code code) const { return position(code).has_value(); }

double ExactGrid::value(Code code) const { return points_[*position(code)]; }

Nearest<mpq_class> ExactGrid::nearest(const mpq_class& x, const mpq_class& s) const { return nearest_point(x, s); }
Nearest<Dyadic> ExactGrid::nearest(const Dyadic& x, const Dyadic& s) const { return nearest_point(x, s); }

Confirmed ExactGrid::confirm(Code code, float x, float scale) const {
  const std::size_t k = *position(code);
  const Dyadic exact(x), s(scale);
  const bool right_sign = code_at(k, std::signbit(x)) == code;
  const bool nearest =
      right_sign && (k == 0 || is_above(exact, s, k - 1)) && (k + 1 == points_.size() || !is_above(exact, s, k));
  return {nearest, nearest && is_clipped(exact, s, k)};
}

}  // namespace hallmark::oracle
