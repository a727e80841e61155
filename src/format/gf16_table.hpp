// The decode table of GF16 and its digest: the definition of the format as one number.
#pragma once

#include <array>
#include <string>

namespace hallmark {

/// Entry w is GF16::decode(w), w = 0 .. 65535.
const std::array<float, 65536>& gf16_table();

/// SHA-256, 64 lower-case hexadecimal digits, of the table's 65,536 binary32 words in little-endian order, NaN as
/// 0x7FC00000. Computed, not quoted; docs/spec-gf16.md says what it must be.
std::string gf16_table_digest();

}  // namespace hallmark
