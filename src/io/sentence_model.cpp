#include "io/sentence_model.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "base/error_numbers.hpp"
#include "io/file.hpp"

namespace hallmark {
namespace {

/// Fields of a message of protocol buffers, one after the other.
class Fields {
 public:
  explicit Fields(std::string_view message) : left_(message) {}

  /// The next field, or nothing at the end or at a fault. Varints are in `integer`, all else in `text`.
  bool next() {
    if (left_.empty() || fault) return false;
    const auto tag = varint();
    if (!tag || *tag >> 3 == 0) return fail();
    id = *tag >> 3;
    wire_ = *tag & 7;
    text = {};
    switch (wire_) {
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
  /// Whether this is field `wanted`; a field of that number and another kind is a fault.
  bool is_integer(std::uint64_t wanted) { return is(wanted, 0); }
  bool is_text(std::uint64_t wanted) { return is(wanted, 2); }
  bool is_float(std::uint64_t wanted) { return is(wanted, 5); }

  std::uint64_t id = 0, integer = 0;
  std::string_view text;
  bool fault = false;

 private:
  bool fail() {
    fault = true;
    return false;
  }
  bool is(std::uint64_t wanted, std::uint64_t wire) {
    if (id != wanted) return false;
    return wire_ == wire || fail();
  }
  bool take(std::uint64_t size) {
    if (size > left_.size()) return fail();
    text = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }
  // Ten bytes at most, which is what a number below 0 takes.
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      if (shift == 63 && byte > 1) return std::nullopt;
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  std::string_view left_;
  std::uint64_t wire_ = 0;
};

std::optional<SentencePiece> piece_of(std::string_view message) {
  SentencePiece piece;
  std::uint64_t type = 1;
  Fields fields(message);
  while (fields.next()) {
    if (fields.is_text(1)) piece.text = fields.text;
    if (fields.is_float(2)) std::memcpy(&piece.score, fields.text.data(), sizeof piece.score);
    if (fields.is_integer(3)) type = fields.integer;
  }
  if (fields.fault || type < 1 || type > 6) return std::nullopt;
  piece.type = static_cast<PieceType>(type);
  return piece;
}

bool read_trainer(std::string_view message, SentenceModel& model) {
  Fields fields(message);
  while (fields.next()) {
    const auto token = static_cast<std::int32_t>(static_cast<std::uint32_t>(fields.integer));
    if (fields.is_integer(3)) model.algorithm = fields.integer;
    if (fields.is_integer(24)) model.space_behind = fields.integer != 0;
    if (fields.is_integer(40)) model.unknown = token;
    if (fields.is_integer(41)) model.begin = token;
    if (fields.is_integer(42)) model.end = token;
    if (fields.is_integer(43)) model.pad = token;
  }
  return !fields.fault;
}

bool read_normalizer(std::string_view message, SentenceModel& model) {
  Fields fields(message);
  while (fields.next()) {
    if (fields.is_text(2)) model.maps_characters = !fields.text.empty();
    if (fields.is_integer(3)) model.space_in_front = fields.integer != 0;
    if (fields.is_integer(4)) model.joins_spaces = fields.integer != 0;
    if (fields.is_integer(5)) model.marks_spaces = fields.integer != 0;
  }
  return !fields.fault;
}

}  // namespace

Expected<SentenceModel> read_sentence_model(const std::string& path) {
  const Expected<std::string> text = read_text(path);
  if (!text) return text.error();
  SentenceModel model;
  const auto malformed = [&](const std::string& where) {
    return Error{Exit::input, error_number::pieces_malformed, "not a model of sentencepiece", path + ": " + where,
                 "the tokenizer's .model file"};
  };
  Fields fields(*text);
  while (fields.next()) {
    if (fields.is_text(1)) {
      std::optional<SentencePiece> piece = piece_of(fields.text);
      if (!piece) return malformed(fmt::format("piece {} is malformed, or of an unknown type", model.pieces.size()));
      model.pieces.push_back(*std::move(piece));
    }
    if (fields.is_text(2) && !read_trainer(fields.text, model)) return malformed("the trainer's options break off");
    if (fields.is_text(3) && !read_normalizer(fields.text, model)) return malformed("the normalizer breaks off");
  }
  if (fields.fault) return malformed(fmt::format("it breaks off behind piece {}", model.pieces.size()));
  return model;
}

}  // namespace hallmark
