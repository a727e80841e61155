#include "replay/pieces.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "base/error_numbers.hpp"
#include "io/file.hpp"

namespace hallmark {
namespace {

constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581

Error not_a_model(const std::string& path, const std::string& where) {
  return {Exit::input, error_number::pieces_malformed, "not a model of sentencepiece with the pieces that are needed",
          path + ": " + where, "the tokenizer's .model file"};
}

/// Fields of a message of protocol buffers, one after the other.
class Fields {
 public:
  explicit Fields(std::string_view message) : left_(message) {}

  /// The next field, or nothing at the end or at a fault. Varints are in `integer`, all else in `text`.
  bool next() {
    if (left_.empty()) return false;
    const auto tag = varint();
    if (!tag || *tag >> 3 == 0) return fail();
    id = *tag >> 3;
    text = {};
    switch (*tag & 7) {
      case 0: {
        const auto value = varint();
        integer = value.value_or(0);
        return value ? true : fail();
      }
      case 1: return take(8);
      case 2: {
        const auto size = varint();
        return size ? take(*size) : fail();
      }
      case 5: return take(4);
      default: return fail();
    }
  }

  std::uint64_t id = 0, integer = 0;
  std::string_view text;
  bool fault = false;

 private:
  bool fail() {
    fault = true;
    return false;
  }
  bool take(std::uint64_t size) {
    if (size > left_.size()) return fail();
    text = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view left_;
};

enum PieceType : std::uint64_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

}  // namespace

Expected<PieceBytes> read_pieces(const std::string& path) {
  const Expected<std::string> text = read_text(path);
  if (!text) return text.error();
  PieceBytes pieces;
  bool space_alone = false;
  Fields model(*text);
  while (model.next()) {
    if (model.id != 1) continue;  // the trainer's options, the normalizer, ...
    std::string_view piece;
    std::uint64_t type = normal;
    Fields fields(model.text);
    while (fields.next()) {
      if (fields.id == 1) piece = fields.text;
      if (fields.id == 3) type = fields.integer;
    }
    if (fields.fault || type < normal || type > byte)
      return not_a_model(path, fmt::format("piece {} is malformed, or of an unknown type", pieces.base.size()));
    const bool swallows = type == unknown || type == control || type == unused;
    const bool begins = type != byte && !swallows && piece.starts_with(space_mark);
    space_alone = space_alone || (begins && piece == space_mark);
    pieces.swallowed.push_back(swallows);
    pieces.space.push_back(begins);
    pieces.base.push_back(swallows       ? 0
                          : type == byte ? 1
                                         : static_cast<std::uint32_t>(piece.size() - (begins ? space_mark.size() : 0)));
  }
  if (model.fault) return not_a_model(path, fmt::format("it breaks off behind piece {}", pieces.base.size()));
  if (!space_alone) return not_a_model(path, "no piece U+2581: spaces would be counted wrongly");
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

}  // namespace hallmark
