#include "artifact/word_stream.hpp"

#include <cstdint>

namespace hallmark::detail {

Matrix<std::uint32_t> pack_rows(const Matrix<Code>& codes, int bits) {
  Matrix<std::uint32_t> words(codes.rows(), (codes.cols() * bits + 31) / 32);
#pragma omp parallel for
  for (Index i = 0; i < codes.rows(); ++i) {
    std::uint64_t stream = 0;  // its lowest `held` bits are not in a word yet
    int held = 0;
    Index word = 0;
    for (Index j = 0; j < codes.cols(); ++j) {
      stream |= std::uint64_t{codes(i, j)} << held;
      held += bits;
      if (held < 32) continue;
      words(i, word++) = static_cast<std::uint32_t>(stream);
      stream >>= 32;
      held -= 32;
    }
    if (held > 0) words(i, word) = static_cast<std::uint32_t>(stream);
  }
  return words;
}

std::optional<Matrix<Code>> unpack_rows(const Matrix<std::uint32_t>& words, Index count, int bits) {
  Matrix<Code> codes(words.rows(), count);
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  bool spare = false;
#pragma omp parallel for reduction(|| : spare)
  for (Index i = 0; i < codes.rows(); ++i) {
    std::uint64_t stream = 0;
    int held = 0;
    Index word = 0;
    for (Index j = 0; j < count; ++j) {
      if (held < bits) {
        stream |= std::uint64_t{words(i, word++)} << held;
        held += 32;
      }
      codes(i, j) = static_cast<Code>(stream & mask);
      stream >>= bits;
      held -= bits;
    }
    spare = spare || stream != 0;
  }
  if (spare) return std::nullopt;
  return codes;
}

}  // namespace hallmark::detail
