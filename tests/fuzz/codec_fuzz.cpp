// libFuzzer target of the codec and the grids. Input: 8 bytes x (binary64) and, if they are there, 4 bytes s
// (binary32), both little-endian. Oracles: the counted codec of tests/format and distances in exact rationals.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "format/golden_float.hpp"
#include "format/grid.hpp"
#include "rational.hpp"
#include "reference_codec.hpp"

using namespace hallmark;
using reference::Rational;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

template <class GF>
void check_codec(double x) {
  static const reference::Codec codec(GF::exponent_bits, GF::fraction_bits);
  const auto narrow = static_cast<float>(x);
  require(GF::encode(x) == codec.encode(x));
  require(GF::encode(narrow) == codec.encode(static_cast<double>(narrow)));
  const auto word = GF::encode(x);
  require(GF::is_nan(word) == std::isnan(x));
  if (std::isnan(x)) return;
  require(GF::encode(GF::decode(word)) == word);
  // The neighbours enclose x: previous(word) <= x <= next(word).
  require(static_cast<double>(GF::decode(GF::previous(word))) <= x &&
          x <= static_cast<double>(GF::decode(GF::next(word))));
}

Rational distance(const Grid& grid, Code code, double x, float s) {
  return abs(Rational(x) - Rational(static_cast<double>(s)) * Rational(grid.value(code)));
}

/// No point of the grid is nearer than the chosen one, the bound holds, and the verdict on clipping is that of exact
/// numbers.
void check_small_grid(const Grid& grid, double x, float s) {
  const double scale = static_cast<double>(s);
  const Code chosen = grid.nearest(x, scale);
  require(grid.contains(chosen));
  const Rational least = distance(grid, chosen, x, s);
  for (unsigned c = 0; c < 65536; ++c) {
    if (c == 256) c = 65536 - 256;  // words of at most 8 bits and sign-extended integers
    if (const auto code = static_cast<Code>(c); grid.contains(code)) {
      const Rational d = distance(grid, code, x, s);
      require(d >= least);
      if (d == least && grid.value(code) != grid.value(chosen)) require(chosen % 2 == 0);
    }
  }
  if (!grid.clipped(x, scale)) require(least <= Rational(grid.half_gap(x, scale)));
}

/// The same for gf16 with the two neighbours only: the distance to a point is convex along the grid.
void check_gf16(const Grid& grid, double x, float s) {
  const double scale = static_cast<double>(s);
  const Code chosen = grid.nearest(x, scale);
  const Rational least = distance(grid, chosen, x, s);
  for (const Code other : {GF16::next(chosen), GF16::previous(chosen)})
    if (grid.contains(other)) {
      const Rational d = distance(grid, other, x, s);
      require(d >= least);
      if (d == least && grid.value(other) != grid.value(chosen)) require(chosen % 2 == 0);
    }
  if (!grid.clipped(x, scale)) require(least <= Rational(grid.half_gap(x, scale)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < sizeof(double)) return -1;
  double x = 0;
  float s = 1;
  std::memcpy(&x, data, sizeof x);
  if (size >= sizeof x + sizeof s) std::memcpy(&s, data + sizeof x, sizeof s);
  check_codec<GF16>(x);
  check_codec<BF16>(x);
  check_codec<FP16>(x);
  check_codec<GF4>(x);
  s = std::fabs(s);
  if (!std::isfinite(x) || !std::isfinite(s) || s == 0) return 0;
  static const Grid gf4 = *Grid::parse("gf:2,1"), int4 = *Grid::parse("int4s"), gf16 = *Grid::parse("gf16");
  static const Grid book = *Grid::table("book", {-1.0f, -0x1p-30f, 0.25f, 0x1p-2f + 0x1p-14f, 7.0f});
  for (const Grid* grid : {&gf4, &int4, &book}) check_small_grid(*grid, x, s);
  check_gf16(gf16, x, s);
  return 0;
}
