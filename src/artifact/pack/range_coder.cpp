#include "artifact/pack/range_coder.hpp"

#include <algorithm>
#include <cstring>

namespace hallmark::pack {

namespace {

using State = std::uint64_t;
using Word = std::uint32_t;

constexpr std::size_t lanes = 4;
constexpr State lowest = State{1} << 31, total = State{1} << table_bits;

template <class T>
void append(T value, Bytes& data) {
  const auto* first = reinterpret_cast<const std::byte*>(&value);
  data.insert(data.end(), first, first + sizeof value);
}

template <class T>
bool take(std::span<const std::byte>& data, T& value) {
  if (data.size() < sizeof value) return false;
  std::memcpy(&value, data.data(), sizeof value);
  data = data.subspan(sizeof value);
  return true;
}

std::array<std::uint64_t, 256> counts_of(std::span<const std::byte> symbols) {
  std::array<std::uint64_t, 256> counts{};
  for (const std::byte symbol : symbols) ++counts[std::to_integer<std::size_t>(symbol)];
  return counts;
}

// c_s of every symbol.
std::array<State, 256> sums_below(const Frequencies& f) {
  std::array<State, 256> c{};
  for (std::size_t s = 1; s < 256; ++s) c[s] = c[s - 1] + f[s - 1];
  return c;
}

// The table as a decoder needs it: the symbol of each x mod M.
struct Slots {
  std::array<std::uint8_t, total> symbol;
  std::array<State, 256> f, c;

  explicit Slots(const Frequencies& frequencies) : c(sums_below(frequencies)) {
    for (std::size_t s = 0; s < 256; ++s) {
      f[s] = frequencies[s];
      std::fill_n(symbol.begin() + static_cast<std::ptrdiff_t>(c[s]), f[s], static_cast<std::uint8_t>(s));
    }
  }
  std::uint8_t pop(State& x) const {
    const State slot = x % total;
    const std::uint8_t s = symbol[slot];
    x = f[s] * (x / total) + slot - c[s];
    return s;
  }
};

bool take_table(std::span<const std::byte>& data, Frequencies& f) {
  std::uint8_t last;
  if (!take(data, last)) return false;
  f.fill(0);
  State sum = 0;
  for (std::size_t s = 0; s <= last; ++s) {
    if (!take(data, f[s])) return false;
    sum += f[s];
  }
  return sum == total && f[last] > 0;
}

}  // namespace

Frequencies frequencies_of(const std::array<std::uint64_t, 256>& counts) {
  std::uint64_t n = 0;
  for (const std::uint64_t count : counts) n += count;
  std::array<std::uint64_t, 256> f{};
  std::uint64_t sum = 0;
  for (std::size_t s = 0; s < 256; ++s) {
    f[s] = counts[s] == 0 ? 0 : std::max<std::uint64_t>(1, counts[s] * total / n);
    sum += f[s];
  }
  // One more for s is worth counts_s log2(1 + 1 / f_s) bits, nearly counts_s / (f_s + 1/2) / ln 2; one less costs
  // counts_s / (f_s - 1/2) / ln 2.
  const auto worth = [&](std::size_t a, std::size_t b, std::int64_t half) {  // whether a's is larger
    const auto twice = [&](std::size_t s) {
      return static_cast<std::uint64_t>(2 * static_cast<std::int64_t>(f[s]) + half);
    };
    return counts[a] * twice(b) > counts[b] * twice(a);
  };
  for (; sum < total; ++sum) {
    std::size_t best = 256;
    for (std::size_t s = 0; s < 256; ++s)
      if (counts[s] > 0 && (best == 256 || worth(s, best, 1))) best = s;
    ++f[best];
  }
  for (; sum > total; --sum) {
    std::size_t best = 256;
    for (std::size_t s = 0; s < 256; ++s)
      if (f[s] > 1 && (best == 256 || worth(best, s, -1))) best = s;
    --f[best];
  }
  Frequencies out;
  std::ranges::transform(f, out.begin(), [](std::uint64_t value) { return static_cast<std::uint16_t>(value); });
  return out;
}

void append_coded(std::span<const std::byte> symbols, Bytes& data) {
  const Frequencies f = frequencies_of(counts_of(symbols));
  const std::array<State, 256> c = sums_below(f);
  std::size_t last = 255;
  while (f[last] == 0) --last;
  append(static_cast<std::uint8_t>(last), data);
  for (std::size_t s = 0; s <= last; ++s) append(f[s], data);

  std::array<State, lanes> x;
  x.fill(lowest);
  std::vector<Word> words;  // the last one first
  for (std::size_t i = symbols.size(); i-- > 0;) {
    const auto s = std::to_integer<std::size_t>(symbols[i]);
    State& state = x[i % lanes];
    if (state >= State{f[s]} << (63 - table_bits)) {
      words.push_back(static_cast<Word>(state));
      state >>= 32;
    }
    state = state / f[s] * total + c[s] + state % f[s];
  }
  append(std::uint64_t{words.size()}, data);
  for (const State state : x) append(state, data);
  std::ranges::reverse(words);
  const std::span bytes = std::as_bytes(std::span(words));
  data.insert(data.end(), bytes.begin(), bytes.end());
}

bool take_coded(std::span<const std::byte>& data, std::span<std::byte> symbols) {
  Frequencies f;
  std::uint64_t count;
  if (!take_table(data, f) || !take(data, count)) return false;
  std::array<State, lanes> x;
  for (State& state : x)
    if (!take(data, state) || state < lowest || state >= lowest << 32) return false;
  if (count > data.size() / sizeof(Word)) return false;
  const std::byte *next = data.data(), *const end = next + count * sizeof(Word);
  data = data.subspan(count * sizeof(Word));

  const Slots slots(f);
  const auto refill = [&](State& state) {
    Word word;
    std::memcpy(&word, next, sizeof word);
    next += sizeof word;
    state = state << 32 | word;
  };
  std::size_t i = 0;
  for (; i + lanes <= symbols.size() && end - next >= static_cast<std::ptrdiff_t>(lanes * sizeof(Word)); i += lanes)
    for (std::size_t k = 0; k < lanes; ++k) {
      symbols[i + k] = std::byte{slots.pop(x[k])};
      if (x[k] < lowest) refill(x[k]);
    }
  for (; i < symbols.size(); ++i) {
    State& state = x[i % lanes];
    symbols[i] = std::byte{slots.pop(state)};
    if (state >= lowest) continue;
    if (next == end) return false;
    refill(state);
  }
  // Other frequencies would be another text of the same run.
  return next == end && std::ranges::all_of(x, [](State state) { return state == lowest; }) &&
         f == frequencies_of(counts_of(symbols));
}

}  // namespace hallmark::pack
