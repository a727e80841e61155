#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"
#include "io/utf8.hpp"

namespace hallmark {

namespace {

struct Entry {
  std::string_view name;
  unsigned bits;
};

// Indexed by DType.
constexpr std::array<Entry, 22> table{{
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
}};
static_assert(static_cast<std::size_t>(DType::U64) + 1 == table.size());

}  // namespace

std::string_view dtype_name(DType dtype) { return table[static_cast<std::size_t>(dtype)].name; }
unsigned dtype_bits(DType dtype) { return table[static_cast<std::size_t>(dtype)].bits; }

Expected<DType> parse_dtype(std::string_view name) {
  const auto entry = std::ranges::find(table, name, &Entry::name);
  if (entry != table.end()) return static_cast<DType>(entry - table.begin());
  return Error{Exit::input, error_number::header_dtype, "unknown dtype", fmt::format("'{}'", printable(name)),
               "the known ones are F32, BF16, F16, F64, U8, I8, U16 and those of docs/file-format.md"};
}

std::uint64_t element_count(const Shape& shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t dimension : shape) count *= dimension;
  return count;
}

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace hallmark
