// Made by: extract/contracts generate
// The codec of GF16 on words, printed from the programs of coq/Format/CodecPrograms.v. T12: for every
// word they equal Flocq's conversions (round to nearest, ties to even, every NaN to the canonical one),
// and no shift amount reaches the width.
#pragma once

#include <cstdint>

namespace hallmark::generated {

/// Theorem encode32_correct.
constexpr std::uint16_t gf16_encode32(std::uint32_t x) {
  const std::uint32_t sign = ((x >> 31u) << 15u);
  const std::uint32_t magnitude = (x & 0x7fffffffu);
  const std::uint32_t exponent = (magnitude >> 23u);
  const std::uint32_t significand = ((x & 0x7fffffu) + 0x800000u);
  const std::uint32_t t = ((exponent < 0x61u) ? significand : (magnitude - 0x30000000u));
  const std::uint32_t sh = ((exponent < 0x61u) ? ((exponent < 0x56u) ? 25u : (0x6fu - exponent)) : 14u);
  const std::uint32_t odd = ((t >> sh) & 1u);
  const std::uint32_t half = (1u << (sh - 1u));
  const std::uint32_t rounded = (((t + (half - 1u)) + odd) >> sh);
  const std::uint32_t finite = ((0x7e00u < rounded) ? 0x7e00u : rounded);
  return static_cast<std::uint16_t>(((0x7f800000u < magnitude) ? 0x7e01u : (sign | finite)));
}

/// Theorem encode64_correct.
constexpr std::uint16_t gf16_encode64(std::uint64_t x) {
  const std::uint64_t sign = ((x >> 63ull) << 15ull);
  const std::uint64_t magnitude = (x & 0x7fffffffffffffffull);
  const std::uint64_t exponent = (magnitude >> 52ull);
  const std::uint64_t significand = ((x & 0xfffffffffffffull) + 0x10000000000000ull);
  const std::uint64_t t = ((exponent < 0x3e1ull) ? significand : (magnitude - 0x3e00000000000000ull));
  const std::uint64_t sh = ((exponent < 0x3e1ull) ? ((exponent < 0x3d6ull) ? 54ull : (0x40cull - exponent)) : 43ull);
  const std::uint64_t odd = ((t >> sh) & 1ull);
  const std::uint64_t half = (1ull << (sh - 1ull));
  const std::uint64_t rounded = (((t + (half - 1ull)) + odd) >> sh);
  const std::uint64_t finite = ((0x7e00ull < rounded) ? 0x7e00ull : rounded);
  return static_cast<std::uint16_t>(((0x7ff0000000000000ull < magnitude) ? 0x7e01ull : (sign | finite)));
}

/// Theorem decode32_correct.
constexpr std::uint32_t gf16_decode32(std::uint16_t word) {
  const std::uint32_t x = word;
  const std::uint32_t sign = ((x >> 15u) << 31u);
  const std::uint32_t magnitude = (x & 0x7fffu);
  const std::uint32_t a = ((magnitude < 4u) ? (magnitude << 8u) : magnitude);
  const std::uint32_t na = ((magnitude < 4u) ? 8u : 0u);
  const std::uint32_t b = ((a < 0x40u) ? (a << 4u) : a);
  const std::uint32_t nb = ((a < 0x40u) ? (na + 4u) : na);
  const std::uint32_t c = ((b < 0x100u) ? (b << 2u) : b);
  const std::uint32_t nc = ((b < 0x100u) ? (nb + 2u) : nb);
  const std::uint32_t d = ((c < 0x200u) ? (c << 1u) : c);
  const std::uint32_t nd = ((c < 0x200u) ? (nc + 1u) : nc);
  const std::uint32_t finite = ((d << 14u) + ((0x60u - nd) << 23u));
  const std::uint32_t number = ((magnitude == 0u) ? 0u : ((magnitude == 0x7e00u) ? 0x7f800000u : finite));
  return ((0x7e00u < magnitude) ? 0x7fc00000u : (sign | number));
}

/// Theorem decode64_correct.
constexpr std::uint64_t gf16_decode64(std::uint16_t word) {
  const std::uint64_t x = word;
  const std::uint64_t sign = ((x >> 15ull) << 63ull);
  const std::uint64_t magnitude = (x & 0x7fffull);
  const std::uint64_t a = ((magnitude < 4ull) ? (magnitude << 8ull) : magnitude);
  const std::uint64_t na = ((magnitude < 4ull) ? 8ull : 0ull);
  const std::uint64_t b = ((a < 0x40ull) ? (a << 4ull) : a);
  const std::uint64_t nb = ((a < 0x40ull) ? (na + 4ull) : na);
  const std::uint64_t c = ((b < 0x100ull) ? (b << 2ull) : b);
  const std::uint64_t nc = ((b < 0x100ull) ? (nb + 2ull) : nb);
  const std::uint64_t d = ((c < 0x200ull) ? (c << 1ull) : c);
  const std::uint64_t nd = ((c < 0x200ull) ? (nc + 1ull) : nc);
  const std::uint64_t finite = ((d << 43ull) + ((0x3e0ull - nd) << 52ull));
  const std::uint64_t number = ((magnitude == 0ull) ? 0ull : ((magnitude == 0x7e00ull) ? 0x7ff0000000000000ull : finite));
  return ((0x7e00ull < magnitude) ? 0x7ff8000000000000ull : (sign | number));
}

}  // namespace hallmark::generated
