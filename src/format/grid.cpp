#include "format/grid.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "format/golden_float.hpp"

namespace hallmark {
namespace {

using detail::power_of_two;

/// Significant bits and lowest bit of a finite binary32 number: v = odd 2^lowest, |odd| < 2^significant. Zero: {0,
/// none}.
struct Extent {
  int significant, lowest;
};
Extent extent_of(float v) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(v) & 0x7FFF'FFFFu;
  if (bits == 0) return {0, std::numeric_limits<int>::max()};
  const int field = static_cast<int>(bits >> 23);
  const std::uint32_t significand = (bits & 0x007F'FFFFu) | (field != 0 ? 0x0080'0000u : 0u);
  const int zeros = std::countr_zero(significand);
  return {static_cast<int>(std::bit_width(significand)) - zeros, std::max(field, 1) - 150 + zeros};
}

/// The sign of 2x - (a + b) without rounding (a + b finite): a + b = h + l exactly, h the nearest binary64 number, so
/// 2x lies on the same side of h + l as of h unless it equals h.
int compare_twice(double x, double a, double b) {
  const double h = a + b, b_part = h - a;
  const double l = (a - (h - b_part)) + (b - b_part);
  const double twice = 2 * x;
  if (twice != h) return twice > h ? 1 : -1;
  return l < 0 ? 1 : l > 0 ? -1 : 0;
}

/// All of text as a decimal number of one or two digits.
std::optional<int> small_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain =
      error == std::errc{} && end == text.data() + text.size() && text.size() <= 2 && text[0] != '-' && text[0] != '0';
  return plain ? std::optional(value) : std::nullopt;
}

}  // namespace

Grid Grid::golden(int E, int M) {
  const bool gf16 = E == 6 && M == 9, bf16 = E == 8 && M == 7, fp16 = E == 5 && M == 10;
  Grid grid(Kind::golden, gf16   ? "gf16"
                          : bf16 ? "bf16"
                          : fp16 ? "fp16"
                                 : "gf:" + std::to_string(E) + "," + std::to_string(M));
  grid.bits_ = 1 + E + M;
  grid.precision_ = M + 1;
  grid.fraction_bits_ = M;
  grid.lowest_bit_ = 2 - (1 << (E - 1)) - M;
  grid.sign_bit_ = 1u << (E + M);
  grid.last_ = (((1u << E) - 1) << M) - 1;
  grid.max_value_ = grid.magnitude(grid.last_);
  return grid;
}

Grid Grid::integer(int bits) {
  Grid grid(Kind::integer, "int" + std::to_string(bits));
  grid.bits_ = bits;
  grid.precision_ = bits - 1;
  grid.last_ = (1u << (bits - 1)) - 1;
  grid.max_value_ = grid.magnitude(grid.last_);
  return grid;
}

Expected<Grid> Grid::parse(std::string_view name) {
  std::string_view text = name;
  if (text.ends_with("/1")) text.remove_suffix(2);
  if (text == "gf16") return golden(6, 9);
  if (text == "bf16") return golden(8, 7);
  if (text == "fp16") return golden(5, 10);
  if (text.starts_with("int")) {
    const auto bits = small_number(text.substr(3));
    if (bits && 2 <= *bits && *bits <= 8) return integer(*bits);
  }
  const std::size_t comma = text.find(',');
  if (text.starts_with("gf:") && comma != std::string_view::npos) {
    const auto E = small_number(text.substr(3, comma - 3)), M = small_number(text.substr(comma + 1));
    if (E && M && 2 <= *E && *E <= 8 && *M <= 12 && 1 + *E + *M <= 16) return golden(*E, *M);
  }
  return Error{Exit::usage, 220, "unknown grid '" + std::string(name) + "'",
               "grids: gf16, bf16, fp16, gf:E,M (2 <= E <= 8, 1 <= M <= 12, 1 + E + M <= 16), int2 .. int8",
               "gf16 or int4, for example"};
}

Expected<Grid> Grid::codebook(std::string name, std::vector<float> values) {
  const auto refuse = [&](std::string where) {
    return Error{Exit::usage, 221, "'" + name + "' is not a codebook", std::move(where),
                 "2 to 65536 finite values, strictly increasing, of at most 13 significant bits each"};
  };
  if (name.empty() || parse(name)) return refuse("the name is empty or that of another grid");
  if (values.size() < 2 || values.size() > 65536) return refuse(std::to_string(values.size()) + " values");
  Grid grid(Kind::codebook, name);
  grid.lowest_bit_ = std::numeric_limits<int>::max();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Extent extent = extent_of(values[i]);
    if (!std::isfinite(values[i]) || extent.significant > 13 || (i > 0 && !(values[i - 1] < values[i])))
      return refuse("value " + std::to_string(i) + " is " + std::to_string(values[i]));
    grid.precision_ = std::max(grid.precision_, extent.significant);
    grid.lowest_bit_ = std::min(grid.lowest_bit_, extent.lowest);
  }
  grid.bits_ = static_cast<int>(std::bit_width(values.size() - 1));
  grid.max_value_ =
      std::max(std::fabs(static_cast<double>(values.front())), std::fabs(static_cast<double>(values.back())));
  grid.values_ = std::make_shared<const std::vector<float>>(std::move(values));
  return grid;
}

std::string Grid::code_dtype() const {
  if (kind_ == Kind::integer) return "I8";
  return bits_ <= 8 ? "U8" : "U16";
}

bool Grid::contains(Code code) const {
  switch (kind_) {
    case Kind::golden: return code < 2 * sign_bit_ && (code & (sign_bit_ - 1)) <= last_;
    case Kind::integer: return std::abs(static_cast<std::int16_t>(code)) <= static_cast<int>(last_);
    case Kind::codebook: return code < values_->size();
  }
  return false;
}

double Grid::value(Code code) const {
  if (!contains(code)) return std::numeric_limits<double>::quiet_NaN();
  switch (kind_) {
    case Kind::golden: return code < sign_bit_ ? magnitude(code) : -magnitude(code - sign_bit_);
    case Kind::integer: return static_cast<std::int16_t>(code);
    case Kind::codebook: break;
  }
  return (*values_)[code];
}

double Grid::magnitude(std::uint32_t k) const {
  if (kind_ == Kind::integer) return k;
  // Word k is significand 2^(lowest_bit_ + binade); fields 0 and 1 share binade 0 (golden_float.hpp).
  const std::uint32_t field = k >> fraction_bits_, binade = std::max(field, 1u) - 1;
  return (k - (binade << fraction_bits_)) * power_of_two(lowest_bit_ + static_cast<int>(binade));
}

double Grid::midpoint(std::uint32_t k) const {
  if (kind_ == Kind::integer) return k + 0.5;
  const std::uint32_t field = k >> fraction_bits_, binade = std::max(field, 1u) - 1;
  return (2 * (k - (binade << fraction_bits_)) + 1) * power_of_two(lowest_bit_ - 1 + static_cast<int>(binade));
}

std::uint32_t Grid::point_below(double q) const {
  if (kind_ == Kind::integer) return static_cast<std::uint32_t>(q);
  const int bias = 1 - fraction_bits_ - lowest_bit_;
  if (q < power_of_two(1 - bias)) return static_cast<std::uint32_t>(q * power_of_two(-lowest_bit_));
  // A binary64 pattern cut to the fraction bits of the word, its exponent field rebased (golden_float.hpp).
  return static_cast<std::uint32_t>((std::bit_cast<std::uint64_t>(q) >> (52 - fraction_bits_)) -
                                    (static_cast<std::uint64_t>(1023 - bias) << fraction_bits_));
}

std::uint32_t Grid::nearest_magnitude(double a, double s) const {
  const double quotient = a / s;
  if (std::isnan(quotient)) return 0;
  if (!(quotient < max_value_)) return last_;
  // The rounded quotient only finds the cell: g_k <= a / s < g_(k+1), or a / s is below g_k by a rounding error, where
  // k is the answer too. The midpoint decides.
  const std::uint32_t k = point_below(quotient);
  const double middle = s * midpoint(k);
  return a > middle || (a == middle && k % 2 != 0) ? k + 1 : k;
}

std::uint32_t Grid::nearest_index(double x, double s) const {
  const std::vector<float>& v = *values_;
  const auto last = static_cast<std::uint32_t>(v.size() - 1);
  std::uint32_t low = 0, high = last;  // the answer is in low .. high
  while (low < high) {
    const std::uint32_t k = low + (high - low) / 2;
    const int side = compare_twice(x, s * v[k], s * v[k + 1]);
    if (side > 0 || (side == 0 && k % 2 != 0)) low = k + 1;
    else high = k;
  }
  return low;
}

Code Grid::nearest(double x, double s) const {
  if (kind_ == Kind::codebook) return static_cast<Code>(std::isnan(x) ? 0 : nearest_index(x, s));
  const std::uint32_t k = nearest_magnitude(std::fabs(x), s);
  if (!std::signbit(x)) return static_cast<Code>(k);
  return static_cast<Code>(kind_ == Kind::golden ? k + sign_bit_ : 0u - k);
}

bool Grid::clipped(double x, double s) const {
  if (kind_ == Kind::codebook) return !(s * values_->front() <= x && x <= s * values_->back());
  return !(std::fabs(x) <= s * midpoint(last_));
}

double Grid::half_gap(double x, double s) const {
  switch (kind_) {
    // Both products are by powers of two; where the first underflows, the second is the larger one.
    case Kind::golden: return std::max(power_of_two(-precision_) * std::fabs(x), s * power_of_two(lowest_bit_ - 1));
    case Kind::integer: return s * 0.5;
    case Kind::codebook: break;
  }
  const std::vector<float>& v = *values_;
  const auto above = std::find_if(v.begin() + 1, v.end() - 1, [&](float g) { return x <= s * g; });
  // Two roundings of 2^-53 each lie within 2^-50.
  return s * (static_cast<double>(*above) - *(above - 1)) * 0.5 * (1 + power_of_two(-50));
}

bool Grid::exact_in_binary32(float s) const {
  const Extent extent = extent_of(s);
  return s > 0 && std::isfinite(s) && extent.significant + precision_ <= 24 && extent.lowest + lowest_bit_ >= -149 &&
         s * max_value_ < power_of_two(128);
}

bool operator==(const Grid& a, const Grid& b) {
  return a.short_name_ == b.short_name_ &&
         (a.values_ == b.values_ || (a.values_ && b.values_ && *a.values_ == *b.values_));
}

}  // namespace hallmark
