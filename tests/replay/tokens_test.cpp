// Token shards and the bytes of text that tokens stand for.
#include "replay/pieces.hpp"
#include "replay/token_shard.hpp"

#include <doctest/doctest.h>

#include "../io/temporary_folder.hpp"
#include "base/error_numbers.hpp"

namespace tokens_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::string number(auto value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

std::string shard(std::int32_t magic, std::int32_t version, std::int32_t count,
                  const std::vector<std::uint16_t>& tokens) {
  std::string out = number(magic) + number(version) + number(count) + std::string(1012, '\0');
  for (const std::uint16_t token : tokens) out += number(token);
  return out;
}

std::string field(unsigned id, std::string_view text) {
  return std::string{static_cast<char>(id << 3 | 2), static_cast<char>(text.size())} + std::string(text);
}
/// A piece with its score, and with its type where that is not 1.
std::string piece(std::string_view text, unsigned type = 1) {
  std::string message = field(1, text) + "\x15" + number(-1.5F);
  if (type != 1) message += std::string{'\x18', static_cast<char>(type)};
  return field(1, message);
}

const std::string model = piece("<unk>", 2) + piece("<s>", 3) + piece("\xE2\x96\x81") + piece("\xE2\x96\x81the") +
                          piece("<0x0A>", 6) + piece("\xC3\xA9") + piece("\xE2\x96\x81user", 4) + piece("old", 5) +
                          field(2, field(1, "options of the trainer")) + std::string("\x50\x01", 2);

}  // namespace

TEST_CASE("a shard is its header and so many tokens, or refused") {
  const TemporaryFolder folder;
  const std::string path = folder / "shard.bin";
  const auto error_of = [&](const std::string& bytes) {
    write_file(path, bytes);
    const auto read = TokenShard::open(path);
    return read ? 0 : read.error().number;
  };
  const std::string good = shard(20240520, 1, 3, {1, 65535, 2});
  CHECK(error_of(good) == 0);
  const auto opened = TokenShard::open(path);
  CHECK(std::vector(opened->tokens().begin(), opened->tokens().end()) == std::vector<std::uint16_t>{1, 65535, 2});
  CHECK(error_of(shard(20240520, 1, 0, {})) == 0);
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK(error_of(good.substr(0, size)) == error_number::shard_malformed);
  CHECK(error_of(good + "x") == error_number::shard_malformed);
  CHECK(error_of(shard(20240521, 1, 1, {1})) == error_number::shard_malformed);
  CHECK(error_of(shard(20240520, 2, 1, {1})) == error_number::shard_malformed);
  CHECK(error_of(shard(20240520, 1, -1, {1})) == error_number::shard_malformed);
}

TEST_CASE("tokens stand for the bytes of their pieces, and a space counts where text goes before") {
  const TemporaryFolder folder;
  write_file(folder / "m.model", model);
  const auto pieces = read_pieces(folder / "m.model");
  REQUIRE_MESSAGE(pieces, to_string(pieces.error()));
  const auto bytes = [&](const std::vector<std::uint16_t>& tokens) {
    const auto sum = predicted_bytes(tokens, *pieces);
    REQUIRE(sum);
    return *sum;
  };
  CHECK(bytes({}) == 0);
  CHECK(bytes({3}) == 0);     // nothing goes before it
  CHECK(bytes({1, 3}) == 3);  // behind a control piece
  CHECK(bytes({3, 3}) == 4);
  CHECK(bytes({0, 3}) == 3);
  CHECK(bytes({7, 3}) == 3);
  CHECK(bytes({4, 3}) == 4);  // a byte is text
  CHECK(bytes({3, 4}) == 1);
  CHECK(bytes({3, 2}) == 1);
  CHECK(bytes({3, 5}) == 2);
  CHECK(bytes({3, 6}) == 5);
  CHECK(bytes({3, 1, 0, 7}) == 0);
  CHECK(bytes({1, 3, 5, 4, 2, 3}) == 3 + 2 + 1 + 1 + 4);
  const auto unknown = predicted_bytes(std::vector<std::uint16_t>{1, 8}, *pieces);
  REQUIRE(!unknown);
  CHECK(unknown.error().number == error_number::pieces_malformed);
}

TEST_CASE("a model that would count wrongly is refused, and so is every other file") {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::string& bytes) {
    write_file(folder / "m.model", bytes);
    const auto read = read_pieces(folder / "m.model");
    return read ? 0 : read.error().number;
  };
  CHECK(error_of(model) == 0);
  CHECK(error_of("") == error_number::pieces_malformed);
  CHECK(error_of(piece("\xE2\x96\x81the")) == error_number::pieces_malformed);
  CHECK(error_of(piece("\xE2\x96\x81", 3)) == error_number::pieces_malformed);
  CHECK(error_of(model + piece("a", 7)) == error_number::pieces_malformed);
  CHECK(error_of(model + "\x0A") == error_number::pieces_malformed);
  CHECK(error_of(model + "\x0A\x05"
                         "abc") == error_number::pieces_malformed);
  CHECK(error_of(model + std::string(11, '\xFF')) == error_number::pieces_malformed);
  CHECK(error_of(model + "\x0B") == error_number::pieces_malformed);                                     // a group
  CHECK(error_of(model + field(2, std::string("\xD8\x02", 2) + std::string(9, '\xFF') + "\x01")) == 0);  // -1
  CHECK(error_of(model + field(2, std::string("\xD8\x02", 2) + std::string(9, '\xFF') + "\x02")) ==
        error_number::pieces_malformed);                                                  // 2^64
  CHECK(error_of(model + field(2, field(3, "text"))) == error_number::pieces_malformed);  // of another kind
  CHECK(error_of(model + field(3, "\x12\x05")) == error_number::pieces_malformed);
  CHECK(error_of(model + field(1, "\x15" + std::string(3, 'f'))) == error_number::pieces_malformed);
}

}  // namespace tokens_test
