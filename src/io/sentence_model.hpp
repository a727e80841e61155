// Models of sentencepiece: the pieces of a tokenizer and how text is cut into them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// In the numbers of the file, which are those of ggml too.
enum class PieceType : std::uint32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct SentencePiece {
  std::string text;  ///< spaces are U+2581
  float score = 0;
  PieceType type = PieceType::normal;
};

/// What the file does not say is what sentencepiece takes for it.
struct SentenceModel {
  static constexpr std::uint64_t unigram = 1, byte_pairs = 2;

  std::vector<SentencePiece> pieces;  ///< by token
  std::uint64_t algorithm = unigram;
  std::int64_t unknown = 0, begin = 1, end = 2, pad = -1;  ///< tokens; below 0: none
  bool space_behind = false;                               ///< a space belongs to the word before it
  bool maps_characters = false;                            ///< some characters are written as others first
  bool space_in_front = true, joins_spaces = true, marks_spaces = true;
};

inline constexpr std::string_view space_mark = "\xE2\x96\x81";  ///< U+2581

/// Errors: E0349 no such model, or a message that breaks off; those of MappedFile::open.
Expected<SentenceModel> read_sentence_model(const std::string& path);

}  // namespace hallmark
