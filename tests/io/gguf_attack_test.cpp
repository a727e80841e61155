// GGUF files that are none: each breaks one rule of docs/formats.md, in bytes put together here.
#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error_numbers.hpp"
#include "io/gguf.hpp"

namespace gguf_attack_test {

using namespace hallmark;
using namespace hallmark::error_number;

namespace {

std::string number(auto value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }
std::string u32(std::uint32_t value) { return number(value); }
std::string u64(std::uint64_t value) { return number(value); }
std::string text(std::string_view value) { return u64(value.size()) + std::string(value); }

struct Entry {
  std::string name = "w";
  std::vector<std::uint64_t> dims = {4};
  std::uint32_t type = 0;  // F32
  std::uint64_t offset = 0;
  std::uint32_t rank = static_cast<std::uint32_t>(dims.size());
};

/// A file of a few keys and two tensors: w, four F32, and v, 34 bytes that are two numbers of binary16 and 30 of
/// padding behind four.
struct Made {
  std::string magic = "GGUF", version = u32(3), keys = text("a") + u32(8) + text("b");
  std::uint64_t key_count = 1;
  std::vector<Entry> tensors = {{}, {"v", {2}, 1, 32}};
  std::uint64_t tensor_count = 2;
  std::string data = std::string(16, 'x') + std::string(16, '\0') + "vvvv" + std::string(28, '\0');
  std::size_t alignment = 32;
  char fill = '\0';

  std::string bytes() const {
    std::string out = magic + version + u64(tensor_count) + u64(key_count) + keys;
    for (const Entry& t : tensors) {
      out += text(t.name) + u32(t.rank);
      for (const std::uint64_t dim : t.dims) out += u64(dim);
      out += u32(t.type) + u64(t.offset);
    }
    out.resize((out.size() + alignment - 1) / alignment * alignment, fill);
    return out + data;
  }
};

int error_of(std::string_view bytes) {
  const auto parsed = gguf::parse(std::as_bytes(std::span(bytes)), "made");
  return parsed ? 0 : parsed.error().number;
}

struct Attack {
  const char* name;
  int number;
  std::function<void(Made&)> spoil;
};

// One more entry of the metadata.
std::function<void(Made&)> key(std::string entry) {
  return [entry = std::move(entry)](Made& made) {
    made.keys += entry;
    ++made.key_count;
  };
}
std::function<void(Made&)> first(std::function<void(Entry&)> change) {
  return [change = std::move(change)](Made& made) {
    change(made.tensors[0]);
    made.tensors[0].rank = static_cast<std::uint32_t>(made.tensors[0].dims.size());
  };
}

const std::uint64_t big = std::uint64_t{1} << 63;

const std::vector<Attack> attacks = {
    {"another magic", gguf_version, [](Made& m) { m.magic = "GGUf"; }},
    {"version 2", gguf_version, [](Made& m) { m.version = u32(2); }},
    {"version 4", gguf_version, [](Made& m) { m.version = u32(4); }},
    {"the other byte order", gguf_version, [](Made& m) { m.version = u32(3U << 24); }},
    {"2^63 tensors", gguf_truncated, [](Made& m) { m.tensor_count = big; }},
    {"a million tensors", gguf_truncated, [](Made& m) { m.tensor_count = 1'000'000; }},
    {"2^63 keys", gguf_truncated, [](Made& m) { m.key_count = big; }},
    {"2^64 - 1 keys", gguf_truncated, [](Made& m) { m.key_count = ~std::uint64_t{0}; }},
    {"a key of 2^64 - 1 bytes", gguf_truncated, key(u64(~std::uint64_t{0}) + "k" + u32(8) + text("b"))},
    {"a string of 2^62 bytes", gguf_truncated, key(text("k") + u32(8) + u64(big / 2))},
    {"an array whose bytes are 2^64", gguf_truncated, key(text("k") + u32(9) + u32(10) + u64(big / 4))},
    {"an array of 2^60 strings", gguf_truncated, key(text("k") + u32(9) + u32(8) + u64(big / 8))},
    {"an array of arrays", gguf_value, key(text("k") + u32(9) + u32(9) + u64(1) + u32(0) + u64(0))},
    {"an array of type 13", gguf_value, key(text("k") + u32(9) + u32(13) + u64(0))},
    {"a value of type 13", gguf_value, key(text("k") + u32(13) + u64(0))},
    {"a boolean of 2", gguf_value, key(text("k") + u32(7) + "\2")},
    {"a boolean of 2 in an array", gguf_value, key(text("k") + u32(9) + u32(7) + u64(2) + "\1\2")},
    {"a string that is not UTF-8", gguf_value, key(text("k") + u32(8) + text("\xFF"))},
    {"an alignment of 0", gguf_value, key(text("general.alignment") + u32(4) + u32(0))},
    {"an alignment of 48", gguf_value, key(text("general.alignment") + u32(4) + u32(48))},
    {"an alignment of type u64", gguf_value, key(text("general.alignment") + u32(10) + u64(32))},
    {"a key without a name", gguf_name, key(text("") + u32(8) + text("b"))},
    {"a key with a control character", gguf_name, key(text("k\n") + u32(8) + text("b"))},
    {"a key that is not UTF-8", gguf_name, key(text("\xC0\x80") + u32(8) + text("b"))},
    {"a key of 65536 bytes", gguf_name, key(text(std::string(65536, 'k')) + u32(8) + text("b"))},
    {"a key twice", gguf_twice, key(text("a") + u32(0) + "\1")},
    {"a tensor without a name", gguf_name, first([](Entry& t) { t.name = ""; })},
    {"a name of 64 bytes", gguf_name, first([](Entry& t) { t.name = std::string(64, 'w'); })},
    {"two tensors of one name", gguf_twice, first([](Entry& t) { t.name = "v"; })},
    {"no dimension", gguf_tensor, first([](Entry& t) { t.dims = {}; })},
    {"five dimensions", gguf_tensor, first([](Entry& t) {
       t.dims = {4, 1, 1, 1, 1};
     })},
    {"2^32 - 1 dimensions", gguf_tensor, [](Made& m) { m.tensors[0].rank = ~0U; }},
    {"a dimension of 0", gguf_tensor, first([](Entry& t) {
       t.dims = {4, 0};
     })},
    {"dimensions whose product is 2^64", gguf_tensor, first([](Entry& t) {
       t.dims = {big / 2, 4};
     })},
    {"bytes that are 2^64 and 16", gguf_tensor, first([](Entry& t) { t.dims = {big / 2 + 4}; })},
    {"a type that has no blocks here", gguf_tensor, first([](Entry& t) { t.type = 3; })},
    {"a type of 2^32 - 1", gguf_tensor, first([](Entry& t) { t.type = ~0U; })},
    {"a row that splits a block", gguf_tensor, first([](Entry& t) {
       t.type = 2, t.dims = {16, 2};
     })},
    {"a row that splits a block of Q6_K", gguf_tensor, first([](Entry& t) {
       t.type = 14, t.dims = {128, 2};
     })},
    {"blocks of Q6_K whose bytes are 2^64 and 194", gguf_tensor, first([](Entry& t) {
       t.type = 14, t.dims = {256, 87841638446235961};
     })},
    {"a million blocks of Q6_K", gguf_truncated, first([](Entry& t) {
       t.type = 14, t.dims = {256, 1'000'000};
     })},
    {"data beyond the file", gguf_truncated, first([](Entry& t) { t.dims = {std::uint64_t{1} << 40}; })},
    {"a hole before the first tensor", gguf_layout, first([](Entry& t) { t.offset = 32; })},
    {"two tensors in one place", gguf_layout, [](Made& m) { m.tensors[1].offset = 0; }},
    {"an offset between two places", gguf_layout, [](Made& m) { m.tensors[1].offset = 16; }},
    {"an offset far beyond", gguf_layout, [](Made& m) { m.tensors[1].offset = ~std::uint64_t{0}; }},
    {"padding behind the header", gguf_layout, [](Made& m) { m.fill = 'p'; }},
    {"padding between tensors", gguf_layout, [](Made& m) { m.data[20] = 'p'; }},
    {"padding at the end", gguf_layout, [](Made& m) { m.data.back() = 'p'; }},
    {"a byte after the end", gguf_layout, [](Made& m) { m.data += '\0'; }},
};

}  // namespace

TEST_CASE("the file that the attacks spoil is one, whatever else its metadata hold") {
  Made made;
  REQUIRE(made.bytes().size() % 32 == 0);
  CHECK(error_of(made.bytes()) == 0);
  std::string all;
  const std::size_t widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  for (std::uint32_t type = 0; type < 13; ++type) {
    if (widths[type] == 0) continue;
    key(text("k" + std::to_string(type)) + u32(type) + std::string(widths[type], '\1'))(made);
    key(text("l" + std::to_string(type)) + u32(9) + u32(type) + u64(3) + std::string(3 * widths[type], '\1'))(made);
  }
  key(text("words") + u32(9) + u32(8) + u64(2) + text("one") + text("\xFF"))(made);  // no text that we read
  key(text("general.alignment") + u32(4) + u32(64))(made);
  made.alignment = 64;
  made.tensors[1].offset = 64;
  made.data = std::string(16, 'x') + std::string(48, '\0') + "vvvv" + std::string(60, '\0');
  const std::string bytes = made.bytes();
  const auto parsed = gguf::parse(std::as_bytes(std::span(bytes)), "made");
  REQUIRE_MESSAGE(parsed, to_string(parsed.error()));
  CHECK(parsed->strings == std::map<std::string, std::string>{{"a", "b"}});
  REQUIRE(parsed->tensors.size() == 2);
  CHECK(parsed->tensors[1].name == "v");
  CHECK(parsed->tensors[1].type == gguf::Type::F16);
  CHECK(std::string(reinterpret_cast<const char*>(parsed->tensors[1].data.data()), 4) == "vvvv");
  CHECK(parsed->tensors[1].data.size() == 4);
}

TEST_CASE("every file that breaks a rule is refused with the number of the rule") {
  for (const Attack& attack : attacks) {
    CAPTURE(attack.name);
    Made made;
    attack.spoil(made);
    CHECK(error_of(made.bytes()) == attack.number);
  }
}

TEST_CASE("every prefix is refused as a file that ends too early") {
  const std::string bytes = Made().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(error_of(std::string_view(bytes).substr(0, size)) == gguf_truncated);
  }
}

TEST_CASE("what the reader refuses the writer does not write") {
  using gguf::Type;
  const auto number_of = [](const gguf::Metadata& metadata, const std::vector<gguf::TensorPlan>& plan) {
    const auto header = gguf::header(metadata, plan);
    return header ? 0 : header.error().number;
  };
  CHECK(number_of({{"a", "b"}, {"c", std::uint32_t{1}}}, {{"w", Type::Q4_0, {32, 3}}}) == 0);
  CHECK(number_of({{"a", "b"}, {"a", "c"}}, {}) == plan_name);
  CHECK(number_of({{"", "b"}}, {}) == plan_name);
  CHECK(number_of({}, {{std::string(64, 'w'), Type::F32, {1}}}) == plan_name);
  CHECK(number_of({}, {{"w", Type::F32, {1}}, {"w", Type::F32, {1}}}) == plan_name);
  CHECK(number_of({}, {{"w", Type::F32, {}}}) == plan_size);
  CHECK(number_of({}, {{"w", Type::F32, {1, 1, 1, 1, 1}}}) == plan_size);
  CHECK(number_of({}, {{"w", Type::F32, {0}}}) == plan_size);
  CHECK(number_of({}, {{"w", Type::Q8_0, {33}}}) == plan_size);
  CHECK(number_of({}, {{"w", Type::F32, {big, 2}}}) == plan_size);
}

}  // namespace gguf_attack_test
