#include "base/error_numbers.hpp"
#include "format/grid.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "base/names.hpp"
#include "format/extent.hpp"
#include "format/golden_float.hpp"
#include "format/grid_family.hpp"

namespace hallmark {
namespace {

using detail::power_of_two;

/// The sign of 2x - (a + b) without rounding (a + b finite): a + b = h + l exactly, h the nearest binary64 number, so
/// 2x lies on the same side of h + l as of h unless it equals h.
int compare_twice(double x, double a, double b) {
  const double h = a + b, b_part = h - a;
  const double l = (a - (h - b_part)) + (b - b_part);
  const double twice = 2 * x;
  if (twice != h) return twice > h ? 1 : -1;
  return l < 0 ? 1 : l > 0 ? -1 : 0;
}

// The grid of the first family that knows the name.
Expected<Grid> named(std::string_view name, bool by_user) {
  for (const GridFamily* family : grid_families()) {
    if (family->of_user && !by_user) continue;
    Expected<std::optional<GridSpec>> spec = family->parse(name);
    if (!spec) return spec.error();
    if (*spec) return Grid(**std::move(spec));
  }
  std::string known;
  for (const std::string_view names : grid_names()) known += (known.empty() ? "" : ", ") + std::string(names);
  return Error{Exit::usage, error_number::grid_unknown, "unknown grid '" + std::string(name) + "'", "grids: " + known,
               "gf16 or int4, for example"};
}

}  // namespace

std::span<const std::string_view> grid_names() {
  static const std::vector names = names_of(grid_families(), &GridFamily::names);
  return names;
}

Expected<Grid> Grid::parse(std::string_view name) { return named(name, true); }

Expected<Grid> Grid::of_id(std::string_view id) {
  Expected<Grid> grid = named(id, false);
  return !grid || grid->id() == id ? grid : named("", false);
}

Expected<Grid> Grid::table(std::string name, std::vector<float> values) {
  if (name.empty() || parse(name))
    return Error{Exit::usage, error_number::table_invalid, "'" + name + "' is not a table of points",
                 "the name is empty or that of another grid", "another name"};
  Expected<GridSpec> spec = GridSpec::table_of_user(std::move(name), std::move(values));
  if (!spec) return spec.error();
  return Grid(*std::move(spec));
}

bool Grid::contains(Code code) const {
  switch (spec_->kind) {
    case GridSpec::Kind::golden: return code < 2 * sign_bit() && (code & (sign_bit() - 1)) <= last_magnitude();
    case GridSpec::Kind::integer: {
      const int c = static_cast<std::int16_t>(code);
      return spec_->first <= c && c <= spec_->last;
    }
    case GridSpec::Kind::table: return code < spec_->points.size();
  }
  return false;
}

bool Grid::takes_scale(float s) const { return std::isfinite(s) && s != 0 && (s > 0 || spec_->either_sign); }

double Grid::value(Code code, int zero) const {
  if (!contains(code)) return std::numeric_limits<double>::quiet_NaN();
  switch (spec_->kind) {
    case GridSpec::Kind::golden: return code < sign_bit() ? magnitude(code) : -magnitude(code - sign_bit());
    case GridSpec::Kind::integer: return static_cast<std::int16_t>(code) - zero;
    case GridSpec::Kind::table: break;
  }
  return spec_->points[code];
}

double Grid::magnitude(std::uint32_t k) const {
  // Word k is significand 2^(lowest_bit + binade); fields 0 and 1 share binade 0 (golden_float.hpp).
  const int M = spec_->fraction_bits;
  const std::uint32_t field = k >> M, binade = std::max(field, 1u) - 1;
  return (k - (binade << M)) * power_of_two(spec_->lowest_bit + static_cast<int>(binade));
}

double Grid::midpoint(std::uint32_t k) const {
  const int M = spec_->fraction_bits;
  const std::uint32_t field = k >> M, binade = std::max(field, 1u) - 1;
  return (2 * (k - (binade << M)) + 1) * power_of_two(spec_->lowest_bit - 1 + static_cast<int>(binade));
}

std::uint32_t Grid::point_below(double q) const {
  const int M = spec_->fraction_bits, bias = (1 << (spec_->exponent_bits - 1)) - 1;
  if (q < power_of_two(1 - bias)) return static_cast<std::uint32_t>(q * power_of_two(-spec_->lowest_bit));
  // A binary64 pattern cut to the fraction bits of the word, its exponent field rebased (golden_float.hpp).
  return static_cast<std::uint32_t>((std::bit_cast<std::uint64_t>(q) >> (52 - M)) -
                                    (static_cast<std::uint64_t>(1023 - bias) << M));
}

std::uint32_t Grid::nearest_magnitude(double a, double s) const {
  const double quotient = a / s;
  if (std::isnan(quotient)) return 0;
  if (!(quotient < spec_->largest)) return last_magnitude();
  // The rounded quotient only finds the cell: g_k <= a / s < g_(k+1), or a / s is below g_k by a rounding error, where
  // k is the answer too. The midpoint decides.
  const std::uint32_t k = point_below(quotient);
  const double middle = s * midpoint(k);
  return a > middle || (a == middle && k % 2 != 0) ? k + 1 : k;
}

// The value k = c - z of the code, s > 0.
int Grid::nearest_integer(double x, double s, int zero) const {
  const int low = spec_->first - zero, high = spec_->last - zero;
  const double quotient = x / s;
  if (std::isnan(quotient)) return std::clamp(0, low, high);
  if (quotient <= low) return low;
  if (quotient >= high) return high;
  const int k = static_cast<int>(std::floor(quotient));  // finds the cell, as above
  const double middle = s * (k + 0.5);
  return x > middle || (x == middle && k % 2 != 0) ? k + 1 : k;
}

std::uint32_t Grid::nearest_index(double x, double s) const {
  const std::vector<float>& v = spec_->points;
  std::uint32_t low = 0, high = static_cast<std::uint32_t>(v.size() - 1);  // the answer is in low .. high
  while (low < high) {
    const std::uint32_t k = low + (high - low) / 2;
    const int side = compare_twice(x, s * v[k], s * v[k + 1]);
    if (side > 0 || (side == 0 && k % 2 != 0)) low = k + 1;
    else high = k;
  }
  return low;
}

Code Grid::nearest(double x, Step step) const {
  const double s = std::fabs(step.scale);
  if (step.scale < 0) x = -x;
  switch (spec_->kind) {
    case GridSpec::Kind::table: return static_cast<Code>(std::isnan(x) ? 0 : nearest_index(x, s));
    case GridSpec::Kind::integer: return static_cast<Code>(nearest_integer(x, s, step.zero) + step.zero);
    case GridSpec::Kind::golden: break;
  }
  const std::uint32_t k = nearest_magnitude(std::fabs(x), s);
  return static_cast<Code>(std::signbit(x) ? k + sign_bit() : k);
}

bool Grid::clipped(double x, Step step) const {
  const double s = std::fabs(step.scale);
  if (step.scale < 0) x = -x;
  switch (spec_->kind) {
    case GridSpec::Kind::table: return !(s * spec_->points.front() <= x && x <= s * spec_->points.back());
    case GridSpec::Kind::integer:
      return !(s * (spec_->first - step.zero - 0.5) <= x && x <= s * (spec_->last - step.zero + 0.5));
    case GridSpec::Kind::golden: break;
  }
  return !(std::fabs(x) <= s * midpoint(last_magnitude()));
}

double Grid::half_gap(double x, Step step) const {
  const double s = std::fabs(step.scale);
  switch (spec_->kind) {
    // Both products are by powers of two; where the first underflows, the second is the larger one.
    case GridSpec::Kind::golden:
      return std::max(power_of_two(-spec_->precision) * std::fabs(x), s * power_of_two(spec_->lowest_bit - 1));
    case GridSpec::Kind::integer: return s * 0.5;
    case GridSpec::Kind::table: break;
  }
  if (step.scale < 0) x = -x;
  const std::vector<float>& v = spec_->points;
  const auto above = std::find_if(v.begin() + 1, v.end() - 1, [&](float g) { return x <= s * g; });
  // slack: 1 / (1 - 3 * u) <= 1 + 2^-50 for u = 2^-53
  return s * (static_cast<double>(*above) - *(above - 1)) * 0.5 * (1 + 0x1p-50);
}

bool Grid::exact_in_binary32(float s) const {
  if (!takes_scale(s)) return false;
  const Extent extent = extent_of(s);
  return extent.significant + spec_->precision <= 24 && extent.lowest + spec_->lowest_bit >= -149 &&
         std::fabs(s) * spec_->largest < power_of_two(128);
}

bool operator==(const Grid& a, const Grid& b) { return a.id() == b.id() && a.spec().points == b.spec().points; }

}  // namespace hallmark
