#include "replay/pieces.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/sentence_model.hpp"

namespace hallmark {

Expected<PieceBytes> read_pieces(const std::string& path) {
  const Expected<SentenceModel> model = read_sentence_model(path);
  if (!model) return model.error();
  PieceBytes pieces;
  bool space_alone = false;
  for (const auto& [text, score, type] : model->pieces) {
    const bool swallows = type == PieceType::unknown || type == PieceType::control || type == PieceType::unused;
    const bool byte = type == PieceType::byte, begins = !byte && !swallows && text.starts_with(space_mark);
    space_alone = space_alone || (begins && text == space_mark);
    pieces.swallowed.push_back(swallows);
    pieces.space.push_back(begins);
    pieces.base.push_back(swallows ? 0
                          : byte   ? 1
                                   : static_cast<std::uint32_t>(text.size() - (begins ? space_mark.size() : 0)));
  }
  if (!space_alone)
    return Error{Exit::input, error_number::pieces_malformed, "a model of sentencepiece without a piece that is needed",
                 path + ": no piece U+2581: spaces would be counted wrongly", "the tokenizer's .model file"};
  return pieces;
}

Expected<std::uint64_t> predicted_bytes(std::span<const std::uint16_t> tokens, const PieceBytes& pieces) {
  std::uint64_t bytes = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const std::uint16_t y = tokens[t];
    if (y >= pieces.base.size())
      return Error{Exit::input, error_number::pieces_malformed, "a token that the model of sentencepiece has not",
                   fmt::format("token {} at {}, the model has {} pieces", y, t, pieces.base.size()),
                   "the tokenizer that wrote the shard"};
    if (t > 0) bytes += pieces.base[y] + (pieces.space[y] && !pieces.swallowed[tokens[t - 1]] ? 1U : 0U);
  }
  return bytes;
}

Expected<std::uint64_t> text_bytes(const std::string& path, std::span<const Index> tokens, Index vocab) {
  const Expected<PieceBytes> pieces = read_pieces(path);
  if (!pieces) return pieces.error();
  const auto unfit = [&](std::string what, const std::string& where) {
    return Error{Exit::input, error_number::pieces_malformed, std::move(what), path + ": " + where,
                 "the tokenizer of the model and of the shard"};
  };
  if (static_cast<Index>(pieces->base.size()) != vocab)
    return unfit("the tokenizer has another vocabulary than the model",
                 fmt::format("{} pieces, the model has {} tokens", pieces->base.size(), vocab));
  std::vector<std::uint16_t> words(tokens.size());
  std::ranges::transform(tokens, words.begin(), [](Index token) { return static_cast<std::uint16_t>(token); });
  const Expected<std::uint64_t> bytes = predicted_bytes(words, *pieces);
  if (bytes && *bytes == 0)
    return unfit("the tokens stand for no byte of text", fmt::format("{} tokens", tokens.size()));
  return bytes;
}

}  // namespace hallmark
