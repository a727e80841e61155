// The static range coder: every short run comes back, one run has one text, and the text is as short as the table says.
#include "artifact/pack/range_coder.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <set>

namespace range_coder_test {

using namespace hallmark::pack;

namespace {

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

Bytes coded(const Bytes& symbols) {
  Bytes data;
  append_coded(symbols, data);
  return data;
}

std::optional<Bytes> decoded(std::span<const std::byte> data, std::size_t count) {
  Bytes symbols(count);
  return take_coded(data, symbols) && data.empty() ? std::optional(symbols) : std::nullopt;
}

std::array<std::uint64_t, 256> counts_of(const Bytes& symbols) {
  std::array<std::uint64_t, 256> counts{};
  for (const std::byte s : symbols) ++counts[std::to_integer<std::size_t>(s)];
  return counts;
}

double entropy_bits(const Bytes& symbols) {
  double bits = 0;
  const auto n = static_cast<double>(symbols.size());
  for (const std::uint64_t count : counts_of(symbols))
    if (count > 0) bits -= static_cast<double>(count) * std::log2(static_cast<double>(count) / n);
  return bits;
}

Bytes geometric(std::size_t count, double p, unsigned seed) {
  std::mt19937 random(seed);
  std::geometric_distribution<int> distribution(p);
  Bytes symbols(count);
  for (std::byte& s : symbols) s = static_cast<std::byte>(std::min(distribution(random), 255));
  return symbols;
}

std::vector<Bytes> long_runs() {
  std::vector<Bytes> runs;
  unsigned seed = 0;
  for (const double p : {0.003, 0.05, 0.3, 0.9, 0.9999})
    for (const std::size_t count : {std::size_t{1000}, std::size_t{4096}, std::size_t{100003}})
      runs.push_back(geometric(count, p, ++seed));
  return runs;
}

}  // namespace

TEST_CASE("the text of two runs, by hand") {
  // One symbol has all of M = 0x4000, and the states stay 2^31.
  Bytes one = bytes_of({1, 0, 0, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0, 0});
  for (int k = 0; k < 4; ++k)
    for (const int b : {0, 0, 0, 0x80, 0, 0, 0, 0}) one.push_back(static_cast<std::byte>(b));
  CHECK(coded(bytes_of({1})) == one);
  CHECK(coded(bytes_of({1, 1, 1, 1, 1, 1, 1})) == one);
  // Two of f = 2^13: the second state takes symbol 1, 2^31 / 2^13 * 2^14 + 2^13, the first symbol 0, 2^32.
  Bytes two = bytes_of({1, 0, 0x20, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0});
  for (const auto& state : {bytes_of({0, 0, 0, 0, 1, 0, 0, 0}), bytes_of({0, 0x20, 0, 0, 1, 0, 0, 0}),
                            bytes_of({0, 0, 0, 0x80, 0, 0, 0, 0}), bytes_of({0, 0, 0, 0x80, 0, 0, 0, 0})})
    two.insert(two.end(), state.begin(), state.end());
  CHECK(coded(bytes_of({0, 1})) == two);
}

TEST_CASE("every run of up to 8 symbols out of three comes back, from a text that no other run has") {
  std::set<Bytes> texts;
  std::size_t runs = 0;
  for (std::size_t length = 1, many = 3; length <= 8; ++length, many *= 3)
    for (std::size_t k = 0; k < many; ++k, ++runs) {
      Bytes symbols(length);
      std::size_t rest = k;
      for (std::byte& s : symbols) s = static_cast<std::byte>(rest % 3 * 127), rest /= 3;
      const Bytes data = coded(symbols);
      REQUIRE(decoded(data, length) == symbols);
      Bytes with_length = data;  // a run of one symbol has the same text for every length, which the caller knows
      with_length.push_back(static_cast<std::byte>(length));
      texts.insert(with_length);
    }
  CHECK(texts.size() == runs);
  CHECK(runs == 9840);
}

TEST_CASE("long runs come back, in the bits that their order-0 entropy has") {
  for (const Bytes& symbols : long_runs()) {
    CAPTURE(symbols.size());
    const Bytes data = coded(symbols);
    REQUIRE(decoded(data, symbols.size()) == symbols);
    std::size_t last = 255;
    while (counts_of(symbols)[last] == 0) --last;
    const double table = 1 + 2 * (static_cast<double>(last) + 1) + 8, states = 4 * 8 + 4 * 4;
    // Of n symbols at most each of 256 takes 2^-15 of the table from the others.
    CHECK(static_cast<double>(data.size()) <=
          entropy_bits(symbols) / 8 * 1.002 + static_cast<double>(symbols.size()) * 0.0015 + table + states);
  }
}

TEST_CASE("frequencies: their sum, no symbol lost, and what rounds is the symbol that it costs least") {
  std::array<std::uint64_t, 256> counts{};
  counts[3] = 1, counts[7] = 3;
  CHECK(frequencies_of(counts)[3] == 4096);
  CHECK(frequencies_of(counts)[7] == 12288);
  counts[7] = std::uint64_t{1} << 47;
  CHECK(frequencies_of(counts)[3] == 1);
  CHECK(frequencies_of(counts)[7] == 16383);
  counts.fill(1);
  counts[9] = 1'000'000;
  const Frequencies many = frequencies_of(counts);
  CHECK(many[8] == 1);
  CHECK(many[9] == 16384 - 255);
  counts[200] = 1000;  // one less of its 16 would cost 1000 / 15.5, of the other's 16,114 still 10^6 / 16,114
  CHECK(frequencies_of(counts)[200] == 16);
  CHECK(frequencies_of(counts)[9] == 16114);
  counts.fill(0);
  counts[0] = counts[1] = counts[2] = 1;  // 5461 each, and the first gets what is left
  CHECK(frequencies_of(counts)[0] == 5462);
  CHECK(frequencies_of(counts)[2] == 5461);
}

TEST_CASE("cut and changed texts are refused, whatever is changed") {
  for (const Bytes& symbols : {bytes_of({0, 1, 2, 1, 0, 5, 5, 5, 5}), geometric(300, 0.2, 9)}) {
    const Bytes data = coded(symbols);
    for (std::size_t size = 0; size < data.size(); ++size)
      REQUIRE_FALSE(decoded(std::span(data).first(size), symbols.size()));
    for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
      Bytes changed = data;
      changed[bit / 8] ^= std::byte{1} << bit % 8;
      const std::optional<Bytes> other = decoded(changed, symbols.size());
      REQUIRE((!other || coded(*other) == changed));  // it is then the text of another run
      REQUIRE(other != symbols);
    }
    REQUIRE_FALSE(decoded(data, symbols.size() + 1));
    REQUIRE_FALSE(decoded(data, symbols.size() - 1));
  }
}

TEST_CASE("a table that the run does not have is refused, although it decodes") {
  // The run of one 0 under f = 2^13, 2^13: its state is 2^32.
  Bytes data = bytes_of({1, 0, 0x20, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
  for (int k = 0; k < 3; ++k)
    for (const int b : {0, 0, 0, 0x80, 0, 0, 0, 0}) data.push_back(static_cast<std::byte>(b));
  CHECK_FALSE(decoded(data, 1));
}

}  // namespace range_coder_test
