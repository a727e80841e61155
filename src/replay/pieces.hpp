// The bytes of text that tokens stand for, by the model of sentencepiece that made them: what turns nats a token into
// bits a byte. Layout: docs/parameter-golf.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// What the pieces of a sentencepiece model stand for, by token.
struct PieceBytes {
  std::vector<std::uint32_t> base;      ///< bytes without a space in front
  std::vector<std::uint8_t> space;      ///< 1 where the piece begins with a space (U+2581)
  std::vector<std::uint8_t> swallowed;  ///< 1 where a space behind it is none of the text: control, unknown, unused
};

/// Of a model file of sentencepiece. Errors: E0349 no such model, or one without the piece of a space alone; those of
/// MappedFile::open.
Expected<PieceBytes> read_pieces(const std::string& path);

/// sum over t >= 1 of base(y_t) + [space(y_t) and not swallowed(y_(t-1))]: bytes of the tokens that are predicted, each
/// behind the one before. 0 for fewer than two tokens. Errors: E0349 a token without a piece.
Expected<std::uint64_t> predicted_bytes(std::span<const std::uint16_t> tokens, const PieceBytes& pieces);

/// The same by the model of sentencepiece in a file, of tokens that a model of `vocab` tokens predicts, each below
/// vocab. Errors: E0349 another number of pieces, or no byte; those of read_pieces.
Expected<std::uint64_t> text_bytes(const std::string& path, std::span<const Index> tokens, Index vocab);

}  // namespace hallmark
