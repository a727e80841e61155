// GF16 for whole arrays: the codec of golden_float.hpp in vectors, chosen at run time (base/simd.hpp). Every target
// gives the words and values of the scalar codec, so what is proved of that one (T12) holds here too.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/error.hpp"

namespace hallmark {

/// words[i] = GF16::encode(values[i]). Errors (nothing is written then): E0112 the lengths differ or the arrays
/// overlap. Large arrays are split among OpenMP threads and written past the caches.
Status encode_gf16(std::span<const float> values, std::span<std::uint16_t> words);

/// values[i] = GF16::decode(words[i]); as encode_gf16.
Status decode_gf16(std::span<const std::uint16_t> words, std::span<float> values);

/// max |x_i|, 0 for none; an infinity or a NaN when some x_i is one.
float largest_magnitude(std::span<const float> x);

/// The target whose code the functions above run, from inside that code: simd_target() unless dispatch is broken.
std::string codec_target();

/// The plain twins.
void encode_gf16_ref(std::span<const float> values, std::span<std::uint16_t> words);
void decode_gf16_ref(std::span<const std::uint16_t> words, std::span<float> values);
float largest_magnitude_ref(std::span<const float> x);

}  // namespace hallmark
