#include "artifact/packed_codes.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace hallmark {

namespace {

using Word = std::uint64_t;

constexpr Word pairs = 0x0000'0001'0000'0001, lanes = 0x0001'0001'0001'0001;

// Four codes in lanes of 16 bits become 4 b bits side by side, two and two first, and back. Eight codes are b bytes.
struct Width {
  int bits;
  Word one, two, four;  // masks of a code in each lane, of two in each half, of four

  explicit Width(int b)
      : bits(b),
        one(((Word{1} << b) - 1) * lanes),
        two(((Word{1} << 2 * b) - 1) * pairs),
        four((Word{1} << 4 * b) - 1) {}

  Word narrow(Word x) const {
    x &= one;
    x = (x | x >> (16 - bits)) & two;
    return (x | x >> (32 - 2 * bits)) & four;
  }
  Word widen(Word x) const {
    x &= four;
    x = (x | x << (32 - 2 * bits)) & two;
    return (x | x << (16 - bits)) & one;
  }
};

Word load(const void* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

}  // namespace

void pack_codes(std::span<const Code> codes, int bits, std::span<std::byte> packed) {
  const Width width(bits);
  const auto b = static_cast<std::size_t>(bits);
  const auto eight = [&](const Code* c) { return width.narrow(load(c)) | width.narrow(load(c + 4)) << (4 * bits); };
  std::size_t i = 0, at = 0;
  for (; i + 8 <= codes.size() && at + sizeof(Word) <= packed.size(); i += 8, at += b) {
    const Word word = eight(codes.data() + i);  // its bytes from b on are 0: the next word stands there
    std::memcpy(packed.data() + at, &word, sizeof word);
  }
  for (; i < codes.size(); i += 8, at += b) {
    Code last[8] = {};
    std::copy_n(codes.data() + i, std::min<std::size_t>(8, codes.size() - i), last);
    const Word word = eight(last);
    std::memcpy(packed.data() + at, &word, std::min(b, packed.size() - at));
  }
}

void unpack_codes(std::span<const std::byte> packed, int bits, bool sign, std::span<Code> codes) {
  const Width width(bits);
  const auto b = static_cast<std::size_t>(bits);
  const Word half = sign ? (Word{1} << (bits - 1)) * lanes : 0, top = 0x8000 * lanes;
  // u - 2^b [u >= 2^(b-1)] = (u xor 2^(b-1)) - 2^(b-1) in each lane, whose top bit keeps it from borrowing of the next.
  const auto four = [&](Word word) { return (((width.widen(word) ^ half) | top) - half) ^ top; };
  const auto eight = [&](Word word, Code* c) {
    const Word low = four(word), high = four(word >> (4 * bits));
    std::memcpy(c, &low, sizeof low);
    std::memcpy(c + 4, &high, sizeof high);
  };
  std::size_t i = 0, at = 0;
  for (; i + 8 <= codes.size() && at + sizeof(Word) <= packed.size(); i += 8, at += b)
    eight(load(packed.data() + at), codes.data() + i);
  for (; i < codes.size(); i += 8, at += b) {
    Word word = 0;
    std::memcpy(&word, packed.data() + at, std::min(b, packed.size() - at));
    Code last[8];
    eight(word, last);
    std::copy_n(last, std::min<std::size_t>(8, codes.size() - i), codes.data() + i);
  }
}

bool padding_is_zero(std::span<const std::byte> packed, std::size_t count, int bits) {
  const std::size_t used = count % 8 * static_cast<std::size_t>(bits) % 8;  // bits of the last byte; 0: all
  return used == 0 || std::to_integer<unsigned>(packed.back()) >> used == 0;
}

}  // namespace hallmark
