// The codec on 2^26 elements (256 MiB of binary32), against memcpy and against the processor's own conversion to fp16
// with the same kind of stores (past the caches).
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>

#include "figures.hpp"
#include "format/codec_lanes.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hallmark::bench {
namespace {

constexpr std::size_t kCount = std::size_t{1} << 26, kBlock = std::size_t{1} << 16;
constexpr double kCodecBytes = 6.0 * kCount;  // read and written

template <class T>
struct Aligned {
  explicit Aligned(std::size_t count) : data(new (std::align_val_t{64}) T[count]), span(data, count) {}
  T* data;
  std::span<T> span;
};

struct Arrays {
  Aligned<float> values{kCount}, other{kCount};
  Aligned<std::uint16_t> words{kCount}, expected{kCount};
  Arrays() {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.02F);
    for (std::size_t i = 0; i < kBlock; ++i) values.span[i] = normal(random);
    for (std::size_t i = kBlock; i < kCount; ++i) values.span[i] = values.span[i % kBlock];
    std::fill(other.span.begin(), other.span.end(), 0.0F);
    encode_gf16_ref(values.span, expected.span);
    std::copy(expected.span.begin(), expected.span.end(), words.span.begin());
  }
};
Arrays& arrays() {
  static Arrays all;  // lives as long as the program
  return all;
}

void encode(benchmark::State& state) {
  Arrays& a = arrays();
  use_threads(state);
  std::fill(a.words.span.begin(), a.words.span.end(), std::uint16_t{0});
  for (auto _ : state)
    if (!encode_gf16(a.values.span, a.words.span)) state.SkipWithError("refused");
  if (!std::equal(a.words.span.begin(), a.words.span.end(), a.expected.span.begin()))
    state.SkipWithError("wrong words");
  set_work(state, kCodecBytes, kBytes);
}

void encode_ref(benchmark::State& state) {
  Arrays& a = arrays();
  for (auto _ : state) encode_gf16_ref(a.values.span, a.words.span);
  set_work(state, kCodecBytes, kBytes);
}

bool decoded(const Arrays& a) {
  std::vector<float> block(kBlock);
  decode_gf16_ref(a.expected.span.first(kBlock), block);
  for (std::size_t i = 0; i < kCount; i += kBlock)
    if (std::memcmp(block.data(), a.other.data + i, kBlock * sizeof(float)) != 0) return false;
  return true;
}

void decode(benchmark::State& state) {
  Arrays& a = arrays();
  use_threads(state);
  std::fill(a.other.span.begin(), a.other.span.end(), 0.0F);
  for (auto _ : state)
    if (!decode_gf16(a.expected.span, a.other.span)) state.SkipWithError("refused");
  if (!decoded(a)) state.SkipWithError("wrong values");
  set_work(state, kCodecBytes, kBytes);
}

void decode_ref(benchmark::State& state) {
  Arrays& a = arrays();
  for (auto _ : state) decode_gf16_ref(a.expected.span, a.other.span);
  set_work(state, kCodecBytes, kBytes);
}

void copy(benchmark::State& state) {
  Arrays& a = arrays();
  const auto threads = static_cast<std::size_t>(use_threads(state));
  for (auto _ : state) {
#pragma omp parallel for schedule(static)
    for (std::size_t t = 0; t < threads; ++t)
      std::memcpy(a.other.data + t * (kCount / threads), a.values.data + t * (kCount / threads),
                  4 * (kCount / threads));
    benchmark::ClobberMemory();
  }
  set_work(state, 8.0 * kCount, kBytes);
}

void largest(benchmark::State& state) {
  Arrays& a = arrays();
  float found = 0;
  for (auto _ : state) benchmark::DoNotOptimize(found = largest_magnitude(a.values.span));
  if (found != largest_magnitude_ref(a.values.span)) state.SkipWithError("wrong maximum");
  set_work(state, 4.0 * kCount, kBytes);
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) void to_half_512(const float* from, std::uint16_t* to, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 32) {
    const __m256i low = _mm512_cvtps_ph(_mm512_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256i high = _mm512_cvtps_ph(_mm512_loadu_ps(from + i + 16), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
  }
  _mm_sfence();
}
__attribute__((target("avx512f"))) void from_half_512(const std::uint16_t* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 16)
    _mm512_stream_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i))));
  _mm_sfence();
}
__attribute__((target("avx2,f16c"))) void to_half_256(const float* from, std::uint16_t* to, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 16) {
    const __m128i low = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
    const __m128i high = _mm256_cvtps_ph(_mm256_loadu_ps(from + i + 8), _MM_FROUND_TO_NEAREST_INT);
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i), _mm256_set_m128i(high, low));
  }
  _mm_sfence();
}
__attribute__((target("avx2,f16c"))) void from_half_256(const std::uint16_t* from, float* to, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8)
    _mm256_stream_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
  _mm_sfence();
}

void half_encode(benchmark::State& state) {
  Arrays& a = arrays();
  use_threads(state);
  const auto convert = __builtin_cpu_supports("avx512f") ? to_half_512 : to_half_256;
  for (auto _ : state) {
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < kCount; i += kBlock) convert(a.values.data + i, a.words.data + i, kBlock);
  }
  set_work(state, kCodecBytes, kBytes);
}

void half_decode(benchmark::State& state) {
  Arrays& a = arrays();
  use_threads(state);
  const auto convert = __builtin_cpu_supports("avx512f") ? from_half_512 : from_half_256;
  for (auto _ : state) {
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < kCount; i += kBlock) convert(a.expected.data + i, a.other.data + i, kBlock);
  }
  set_work(state, kCodecBytes, kBytes);
}
#endif

}  // namespace

std::vector<Figure> codec_figures() {
  measure("encode", encode);
  measure("decode", decode);
  measure("memcpy", copy);
  measure("largest magnitude", largest);
  measure("encode, plain twin", encode_ref);
  measure("decode, plain twin", decode_ref);
  std::vector<Figure> figures;
#if defined(__x86_64__)
  measure("vcvtps2ph", half_encode);
  measure("vcvtph2ps", half_decode);
  figures = {{"GF16 encode, 2^26", "encode", "vcvtps2ph", 0.8, 1},
             {"GF16 encode, 2^26", "encode", "vcvtps2ph", 0, 2},
             {"GF16 decode, 2^26", "decode", "vcvtph2ps", 0.8, 1},
             {"GF16 decode, 2^26", "decode", "vcvtph2ps", 0, 2}};
#endif
  for (const char* name : {"encode", "decode"}) {
    const std::string what = std::string("GF16 ") + name + ", 2^26";
    figures.push_back({what, name, "memcpy", 0, 1});
    figures.push_back({what, name, "memcpy", 0.85, 2});
    figures.push_back({what, name, std::string(name) + ", plain twin", 0, 1});
  }
  figures.push_back({"max abs of 2^26 (scale rules; reads only)", "largest magnitude", "memcpy", 0, 1});
  return figures;
}

}  // namespace hallmark::bench
