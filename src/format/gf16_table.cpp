#include "format/gf16_table.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <openssl/evp.h>

#include "format/golden_float.hpp"

namespace hallmark {

const std::array<float, 65536>& gf16_table() {
  static const std::array<float, 65536> table = [] {
    std::array<float, 65536> t;
    for (std::size_t w = 0; w < t.size(); ++w) t[w] = GF16::decode(static_cast<GF16::Word>(w));
    return t;
  }();
  return table;
}

std::string gf16_table_digest() {
  std::vector<unsigned char> bytes;
  bytes.reserve(4 * gf16_table().size());
  for (const float value : gf16_table()) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<unsigned char>(bits >> shift));
  }
  // OpenSSL at first hand: the digests of src/io stand above this layer.
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) return {};
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

}  // namespace hallmark
