// make check-exhaustive: GF16::encode against MPFR. All 2^32 binary32 inputs; binary64 inputs at every boundary of the
// format, double-rounding traps among them, and at random. Then the array codec on every SIMD target that this machine
// runs, each forced, against the scalar codec: all inputs and all words. Prints what it compared; exit code 1 on any
// difference.
//
// GF16 in MPFR's terms: precision 10 and exponents of a significand in [1/2, 1), so emin = -38 (2^-39 = 0.1b 2^-38),
// emax = 32, gradual underflow by mpfr_subnormalize with the ternary value of the conversion. The exponent range is per
// thread.
#include <bit>
#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <mpfr.h>

#include "base/simd.hpp"
#include "format/codec_lanes.hpp"
#include "format/golden_float.hpp"

using hallmark::GF16;

namespace {

/// One GF16 number of MPFR, for one thread.
class Oracle {
 public:
  Oracle() {
    mpfr_set_emin(-38);
    mpfr_set_emax(32);
    mpfr_init2(x_, 10);
  }
  ~Oracle() {
    mpfr_clear(x_);
    mpfr_free_cache();
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  float round(float x) { return finish(mpfr_set_flt(x_, x, MPFR_RNDN)); }
  float round(double x) { return finish(mpfr_set_d(x_, x, MPFR_RNDN)); }

 private:
  float finish(int ternary) {
    mpfr_subnormalize(x_, ternary, MPFR_RNDN);
    return mpfr_get_flt(x_, MPFR_RNDN);  // exact: GF16 lies within binary32
  }
  mpfr_t x_;
};

/// Same word as MPFR's number: NaN must be the canonical one; otherwise equal bits as binary32, which tell words apart.
template <class Float>
bool agrees(Oracle& oracle, Float x) {
  const GF16::Word word = GF16::encode(x);
  const float expected = oracle.round(x);
  if (std::isnan(expected)) return word == GF16::nan;
  return !GF16::is_nan(word) &&
         std::bit_cast<std::uint32_t>(GF16::decode(word)) == std::bit_cast<std::uint32_t>(expected);
}

/// decode against MPFR's own arithmetic on the fields; without it agrees() would trust decode.
std::uint64_t check_decode() {
  std::uint64_t wrong = 0;
  mpfr_t v;
  mpfr_init2(v, 53);
  for (unsigned w = 0; w < 65536; ++w) {
    const unsigned e = w / 512 % 64, f = w % 512;
    const float value = GF16::decode(static_cast<GF16::Word>(w));
    if (e == 63) {
      wrong += f != 0 ? !std::isnan(value) : !std::isinf(value) || std::signbit(value) != (w >= 32768);
      continue;
    }
    mpfr_set_ui_2exp(v, e == 0 ? f : 512 + f, static_cast<mpfr_exp_t>(e == 0 ? 1 : e) - 40, MPFR_RNDN);
    mpfr_setsign(v, v, w >= 32768, MPFR_RNDN);
    wrong += std::bit_cast<std::uint32_t>(value) != std::bit_cast<std::uint32_t>(mpfr_get_flt(v, MPFR_RNDN));
  }
  mpfr_clear(v);
  return wrong;
}

struct Counts {
  std::uint64_t compared = 0, wrong = 0, traps = 0;
};

Counts check_binary32() {
  std::uint64_t wrong = 0;
  constexpr std::int64_t blocks = 4096, block = (std::int64_t{1} << 32) / blocks;
#pragma omp parallel reduction(+ : wrong)
  {
    Oracle oracle;
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t b = 0; b < blocks; ++b)
      for (std::int64_t p = b * block; p < (b + 1) * block; ++p)
        wrong += !agrees(oracle, std::bit_cast<float>(static_cast<std::uint32_t>(p)));
  }
  return {static_cast<std::uint64_t>(blocks * block), wrong, 0};
}

/// Around each midpoint m of neighbouring words: m, its binary64 neighbours, and what rounds to m in binary32 from
/// either side.
Counts check_binary64_boundaries() {
  Counts counts;
  Oracle oracle;
  const double infinity = std::numeric_limits<double>::infinity();
  const auto probe = [&](double x) {
    for (const double y : {x, -x}) {
      counts.wrong += !agrees(oracle, y);
      counts.traps += GF16::encode(static_cast<float>(y)) != GF16::encode(y);
      ++counts.compared;
    }
  };
  for (GF16::Word w = 0; w < GF16::infinity; ++w) {
    const double low = static_cast<double>(GF16::decode(w));
    const double high =
        w == GF16::max_finite ? 0x1p32 : static_cast<double>(GF16::decode(static_cast<GF16::Word>(w + 1)));
    for (const double x : {low, (low + high) / 2}) {
      probe(x);
      for (int step = 1; step < 40; step += 3) {  // relative distances 2^-52 .. 2^-13
        probe(x * (1 + std::ldexp(1.0, step - 53)));
        probe(x * (1 - std::ldexp(1.0, step - 53)));
      }
      probe(std::nextafter(x, infinity));
      probe(std::nextafter(x, -infinity));
    }
  }
  for (int e = -1074; e < 1024; ++e)
    for (const double m : {1.0, 1.5, 2 - 0x1p-52}) probe(std::ldexp(m, e));
  probe(infinity);
  probe(static_cast<double>(NAN));
  return counts;
}

Counts check_binary64_random() {
  std::uint64_t wrong = 0, traps = 0;
  constexpr std::int64_t blocks = 512, block = std::int64_t{1} << 19;
#pragma omp parallel reduction(+ : wrong, traps)
  {
    Oracle oracle;
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t b = 0; b < blocks; ++b) {
      std::mt19937_64 random(static_cast<std::uint64_t>(b));  // seeds 0 .. 511
      for (std::int64_t i = 0; i < block; ++i) {
        const std::uint64_t bits = random();
        // Half are any pattern at all; half have an exponent near GF16's range, -60 .. 39.
        const double any = std::bit_cast<double>(bits);
        const double near = std::bit_cast<double>((bits & 0x800F'FFFF'FFFF'FFFFu) | (963 + (bits >> 52) % 100) << 52);
        const double x = i % 2 == 0 ? any : near;
        wrong += !agrees(oracle, x);
        traps += GF16::encode(static_cast<float>(x)) != GF16::encode(x);
      }
    }
  }
  return {static_cast<std::uint64_t>(blocks * block), wrong, traps};
}

/// encode_gf16 of all 2^32 inputs and decode_gf16 of all words against the scalar codec, on one target. A target that
/// cannot be forced, or that did not run, counts as wrong.
Counts check_arrays(const std::string& target) {
  if (!hallmark::set_simd_target(target) || hallmark::codec_target() != target) return {0, 1, 0};
  std::uint64_t wrong = 0;
  constexpr std::int64_t blocks = 1 << 16, block = 1 << 16;
#pragma omp parallel reduction(+ : wrong)
  {
    std::vector<float> values(block), back(block);
    std::vector<std::uint16_t> words(block);
#pragma omp for schedule(dynamic, 16)
    for (std::int64_t b = 0; b < blocks; ++b) {
      for (std::int64_t i = 0; i < block; ++i)
        values[static_cast<std::size_t>(i)] = std::bit_cast<float>(static_cast<std::uint32_t>(b * block + i));
      if (!hallmark::encode_gf16(values, words)) ++wrong;
      for (std::size_t i = 0; i < values.size(); ++i) wrong += words[i] != GF16::encode(values[i]);
    }
#pragma omp single
    {
      for (std::size_t w = 0; w < words.size(); ++w) words[w] = static_cast<std::uint16_t>(w);
      if (!hallmark::decode_gf16(words, back)) ++wrong;
      for (std::size_t w = 0; w < words.size(); ++w)
        wrong += std::bit_cast<std::uint32_t>(back[w]) != std::bit_cast<std::uint32_t>(GF16::decode(words[w]));
    }
  }
  return {(std::uint64_t{1} << 32) + 65536, wrong, 0};
}

}  // namespace

int main() {
  const auto start = std::chrono::steady_clock::now();
  bool good = true;
  const std::string mpfr = std::string("MPFR ") + mpfr_get_version();
  const auto report = [&](const std::string& what, const Counts& counts, const std::string& with) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-48s %10" PRIu64 " compared with %s, %" PRIu64 " differ (%.0f s)\n", what.c_str(), counts.compared,
                with.c_str(), counts.wrong, seconds);
    std::fflush(stdout);
    good = good && counts.wrong == 0;
  };
  report("GF16 decode, all words", {65536, check_decode(), 0}, mpfr);
  const Counts boundaries = check_binary64_boundaries();
  report("GF16 encode, binary64 at all boundaries", boundaries, mpfr);
  std::printf("  among them %" PRIu64 " where rounding through binary32 would give another word\n", boundaries.traps);
  good = good && boundaries.traps > 0;
  report("GF16 encode, binary64 at random", check_binary64_random(), mpfr);
  report("GF16 encode, all binary32 inputs", check_binary32(), mpfr);
  for (const std::string& target : hallmark::simd_targets())
    report("GF16 arrays on " + target + ", all inputs, all words", check_arrays(target), "the scalar codec");
  std::printf("%s\n", good ? "exhaustive_gf16: all equal" : "exhaustive_gf16: FAILED");
  return good ? 0 : 1;
}
