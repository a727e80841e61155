// Every compressor: short and long symbols come back, and data of another length, or cut, are refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "artifact/pack/packed_tensor.hpp"

namespace compressors_test {

using namespace hallmark;
using namespace hallmark::pack;

namespace {

// All symbols 0 .. alphabet - 1 of up to `longest`, by number.
std::vector<Bytes> short_runs(std::size_t longest, std::size_t alphabet, unsigned step) {
  std::vector<Bytes> runs;
  for (std::size_t length = 1, many = alphabet; length <= longest; ++length, many *= alphabet)
    for (std::size_t k = 0; k < many; ++k) {
      Bytes symbols(length);
      std::size_t rest = k;
      for (std::byte& s : symbols) s = static_cast<std::byte>(rest % alphabet * step), rest /= alphabet;
      runs.push_back(symbols);
    }
  return runs;
}

Bytes noise(std::size_t count, unsigned below, unsigned seed) {
  std::mt19937 random(seed);
  Bytes symbols(count);
  for (std::byte& s : symbols) s = static_cast<std::byte>(random() % below);
  return symbols;
}

const Compressor& named(std::string_view name) {
  const auto found = std::ranges::find(compressors(), name, &Compressor::name);
  REQUIRE(found != compressors().end());
  return **found;
}

std::optional<Bytes> back(const Compressor& compressor, std::span<const std::byte> data, std::size_t planes,
                          std::size_t count) {
  Bytes symbols(count, std::byte{0xA5});
  return compressor.decode(data, planes, symbols) ? std::optional(symbols) : std::nullopt;
}

}  // namespace

TEST_CASE("names and numbers of compressors differ") {
  std::set<std::string_view> names;
  std::set<int> ids;
  for (const Compressor* c : compressors()) {
    names.insert(c->name), ids.insert(c->id);
    CHECK(find_compressor(c->id) == c);
  }
  CHECK(names.size() == compressors().size());
  CHECK(ids.size() == compressors().size());
  CHECK(names.size() == 6);
  CHECK(find_compressor(200) == nullptr);
}

TEST_CASE("symbols of every short run come back; cut data, more data and another count are refused") {
  for (const Compressor* compressor : compressors()) {
    CAPTURE(compressor->name);
    std::size_t taken = 0;
    for (const Bytes& symbols : short_runs(5, 4, 83))
      for (const std::size_t planes : {std::size_t{1}, std::size_t{2}}) {
        if (symbols.size() % planes != 0) continue;
        const std::optional<Bytes> data = compressor->encode(symbols, planes);
        if (!data) continue;
        ++taken;
        REQUIRE(back(*compressor, *data, planes, symbols.size()) == symbols);
        for (std::size_t size = 0; size < data->size(); ++size)
          REQUIRE_FALSE(back(*compressor, std::span(*data).first(size), planes, symbols.size()));
        Bytes more = *data;
        more.push_back(std::byte{0});
        REQUIRE_FALSE(back(*compressor, more, planes, symbols.size()));
      }
    CHECK(taken > 10);
  }
}

TEST_CASE("long runs come back too, and of another number of symbols they are not read") {
  for (const Compressor* compressor : compressors())
    for (const unsigned below : {1u, 3u, 100u, 256u}) {
      CAPTURE(compressor->name);
      CAPTURE(below);
      const Bytes symbols = noise(40'000, below, below);
      const std::optional<Bytes> data = compressor->encode(symbols, 4);
      if (!data) {
        CHECK((compressor->name == "bits" && below > 128));
        continue;
      }
      CHECK(back(*compressor, *data, 4, symbols.size()) == symbols);
      if (compressor->name == "range" && below == 1) continue;  // one symbol, as often as the caller says
      CHECK_FALSE(back(*compressor, *data, 4, symbols.size() + 400));
      CHECK_FALSE(back(*compressor, *data, 4, symbols.size() - 400));
    }
}

TEST_CASE("bits: the fewest, with a sign only where that is narrower, and no other width is read") {
  const Compressor& bits = named("bits");
  const auto first = [&](std::initializer_list<int> values) {
    Bytes symbols;
    for (const int value : values) symbols.push_back(static_cast<std::byte>(value));
    const std::optional<Bytes> data = bits.encode(symbols, 1);
    return data ? std::to_integer<int>(data->front()) : 0;
  };
  CHECK(first({0, 0}) == 1);
  CHECK(first({0, 1}) == 1);
  CHECK(first({7}) == 3);
  CHECK(first({8}) == 4);
  CHECK(first({-1}) == 128 + 1);
  CHECK(first({-8, 7}) == 128 + 4);
  CHECK(first({-9, 7}) == 128 + 5);
  CHECK(first({127}) == 7);
  CHECK(first({-64, 63}) == 128 + 7);
  CHECK(first({128}) == 0);
  CHECK(first({-65}) == 0);
  const Bytes wider{std::byte{3}, std::byte{0b001'010}};  // 2 and 1 in 3 bits, where 2 would do
  CHECK_FALSE(back(bits, wider, 1, 2));
  const Bytes padded{std::byte{2}, std::byte{0b1'01'10}};
  CHECK_FALSE(back(bits, padded, 1, 2));
}

TEST_CASE("a tensor in every form: the shortest is taken, and comes back") {
  // 3 bits of 5 columns, two bytes a row, whose last bit is 0.
  Bytes codes = noise(2000, 256, 5);
  for (std::size_t i = 1; i < codes.size(); i += 2) codes[i] &= std::byte{0x7F};
  struct Case {
    Bytes bytes;
    DType dtype;
    Form form, used;
  };
  Bytes doubled(4000);  // of binary16 with one exponent
  for (std::size_t i = 0; i < doubled.size(); i += 2) doubled[i] = codes[i / 2], doubled[i + 1] = std::byte{0x3C};
  Bytes zeros(3000);
  Bytes spoiled = codes;
  spoiled[7] |= std::byte{0x80};
  const std::vector<Case> cases = {{zeros, DType::U8, {3, 8}, {3, 8}},
                                   {doubled, DType::F16, {}, {}},
                                   {{}, DType::F32, {}, {}},
                                   {spoiled, DType::U8, {3, 5}, {}},
                                   {codes, DType::U8, {3, 4}, {}}};  // two bytes a row would be too many
  for (const Case& c : cases) {
    CAPTURE(c.bytes.size());
    const auto packed = pack_tensor(c.bytes, c.dtype, c.form);
    REQUIRE(packed);
    CHECK(packed->data.size() <= c.bytes.size());
    if (packed->compressor->id != 0) CHECK(packed->form == c.used);
    CHECK(unpack_tensor(*packed->compressor, packed->form, c.dtype, c.bytes.size(), packed->data) == c.bytes);
  }
  CHECK(pack_tensor(doubled, DType::F16, {})->data.size() < 2200);  // the high bytes are a plane of one symbol
}

TEST_CASE("forms that do not agree with the size are refused before anything is built") {
  const Compressor& plain = named("raw");
  const Bytes data(8);
  CHECK(unpack_tensor(plain, {}, DType::F32, 8, data));
  for (const Form& form : {Form{0, 1}, Form{9, 1}, Form{8, 1}, Form{4, 0}, Form{4, 2}, Form{200, 0}})
    CHECK_FALSE(unpack_tensor(plain, form, DType::F32, 8, data));
  const Compressor& range = named("range");
  for (const Form& form : {Form{0, 1}, Form{9, 1}, Form{8, 1}, Form{4, 0}, Form{4, 7}, Form{1, ~std::uint64_t{0}},
                           Form{7, std::uint64_t{1} << 61}})
    CHECK_FALSE(unpack_tensor(range, form, DType::U8, 9, data));
  CHECK_FALSE(unpack_tensor(plain, {}, DType::U8, std::uint64_t{1} << 62, data));
}

TEST_CASE("a symbol that is no code of so many bits is refused") {
  const Compressor& zstd = named("zstd");
  Bytes symbols(8, std::byte{7});
  CHECK(unpack_tensor(zstd, {3, 8}, DType::U8, 3, *zstd.encode(symbols, 1)) == Bytes(3, std::byte{0xFF}));
  symbols[5] = std::byte{8};
  CHECK_FALSE(unpack_tensor(zstd, {3, 8}, DType::U8, 3, *zstd.encode(symbols, 1)));
}

}  // namespace compressors_test
