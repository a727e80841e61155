// libFuzzer target of the codec and the grids. Input: 8 bytes x (binary64) and, if they are there, 4 bytes s
// (binary32), both little-endian, and a byte for the zero point. Oracles: the counted codec of tests/format and
// distances in exact rationals.
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

Rational distance(const Grid& grid, Code code, double x, Step step) {
  return abs(Rational(x) - Rational(step.scale) * Rational(grid.value(code, step.zero)));
}

/// No point of the grid is nearer than the chosen one, the bound holds, and the verdict on clipping is that of exact
/// numbers.
void check_small_grid(const Grid& grid, double x, Step step) {
  const Code chosen = grid.nearest(x, step);
  require(grid.contains(chosen));
  const Rational least = distance(grid, chosen, x, step);
  const bool even = (grid.is_integer() ? static_cast<int>(grid.value(chosen, step.zero)) : chosen) % 2 == 0;
  for (unsigned c = 0; c < 65536; ++c) {
    if (c == 256) c = 65536 - 256;  // words of at most 8 bits and sign-extended integers
    if (const auto code = static_cast<Code>(c); grid.contains(code)) {
      const Rational d = distance(grid, code, x, step);
      require(d >= least);
      if (d == least && grid.value(code) != grid.value(chosen)) require(even);
    }
  }
  if (!grid.clipped(x, step)) require(least <= Rational(grid.half_gap(x, step)));
}

/// The same for gf16 with the two neighbours only: the distance to a point is convex along the grid.
void check_gf16(const Grid& grid, double x, double scale) {
  const Code chosen = grid.nearest(x, scale);
  const Rational least = distance(grid, chosen, x, scale);
  for (const Code other : {GF16::next(chosen), GF16::previous(chosen)})
    if (grid.contains(other)) {
      const Rational d = distance(grid, other, x, scale);
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
  if (!std::isfinite(x) || !std::isfinite(s) || s == 0) return 0;
  static const Grid gf4 = *Grid::parse("gf:2,1"), int4s = *Grid::parse("int4s"), gf16 = *Grid::parse("gf16"),
                    int4 = *Grid::parse("int4"), int8 = *Grid::parse("int8"), int8z = *Grid::parse("int8z"),
                    nf4 = *Grid::parse("nf4"), lloyd = *Grid::parse("lloyd:4");
  static const Grid book = *Grid::table("book", {-1.0f, -0x1p-30f, 0.25f, 0x1p-2f + 0x1p-14f, 7.0f});
  for (const Grid* grid : {&int4, &int8}) check_small_grid(*grid, x, static_cast<double>(s));
  const auto positive = static_cast<double>(std::fabs(s));
  for (const Grid* grid : {&gf4, &int4s, &book, &nf4, &lloyd}) check_small_grid(*grid, x, positive);
  check_small_grid(int8z, x, {positive, size > sizeof x + sizeof s ? data[sizeof x + sizeof s] : 0});
  check_gf16(gf16, x, positive);
  return 0;
}
