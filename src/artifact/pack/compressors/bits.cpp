// All symbols as integers of the fewest bits b that hold them, in one run (packed_codes.hpp). The first byte is b, or
// b + 128 where the symbols are read as integers of two's complement; of both, the narrower, and without a sign where
// they are equal.
#include <algorithm>
#include <bit>

#include "artifact/pack/compressor.hpp"
#include "artifact/packed_codes.hpp"

namespace hallmark::pack {
namespace {

constexpr unsigned sign_flag = 128;

struct Width {
  int bits;
  bool sign;
};

Width width_of(std::span<const std::byte> symbols) {
  unsigned all = 0, all_signed = 0;  // of -x - 1 in place of x < 0, which needs one bit more
  for (const std::byte symbol : symbols) {
    const auto value = std::to_integer<unsigned>(symbol);
    all |= value;
    all_signed |= value < 128 ? value : 255 - value;
  }
  const int plain = std::max(1, static_cast<int>(std::bit_width(all)));
  const int with_sign = static_cast<int>(std::bit_width(all_signed)) + 1;
  return with_sign < plain ? Width{with_sign, true} : Width{plain, false};
}

std::optional<Bytes> encode(std::span<const std::byte> symbols, std::size_t) {
  const Width width = width_of(symbols);
  if (width.bits == 8) return std::nullopt;
  std::vector<Code> codes(symbols.size());
  std::ranges::transform(symbols, codes.begin(), [](std::byte b) { return std::to_integer<Code>(b); });
  Bytes data(1 + packed_size(codes.size(), width.bits));
  data[0] = static_cast<std::byte>(static_cast<unsigned>(width.bits) + (width.sign ? sign_flag : 0));
  pack_codes(codes, width.bits, std::span(data).subspan(1));
  return data;
}

bool decode(std::span<const std::byte> data, std::size_t, std::span<std::byte> symbols) {
  if (data.empty()) return false;
  const auto first = std::to_integer<unsigned>(data[0]);
  const Width width{static_cast<int>(first % sign_flag), first >= sign_flag};
  if (width.bits < 1 || width.bits > 7 || data.size() - 1 != packed_size(symbols.size(), width.bits)) return false;
  const std::span packed = data.subspan(1);
  if (!padding_is_zero(packed, symbols.size(), width.bits)) return false;
  std::vector<Code> codes(symbols.size());
  unpack_codes(packed, width.bits, width.sign, codes);
  std::ranges::transform(codes, symbols.begin(), [](Code code) { return static_cast<std::byte>(code & 255); });
  const Width fewest = width_of(symbols);
  return fewest.bits == width.bits && fewest.sign == width.sign;  // one content has one text
}

}  // namespace

namespace compressor {
extern const Compressor bits;
const Compressor bits{"bits", 1, encode, decode};
}  // namespace compressor

}  // namespace hallmark::pack
