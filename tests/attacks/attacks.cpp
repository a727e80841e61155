#include "attacks.hpp"

#include <cstdint>

#include "base/error_numbers.hpp"

namespace hallmark::test {

namespace {

std::string length_field(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(length & 0xFF);
    length >>= 8;
  }
  return bytes;
}

/// A header with one tensor `a`, whose fields are given, before four bytes of data.
std::string one(std::string_view fields) { return assemble("{\"a\":{" + std::string(fields) + "}}", "data"); }

/// One tensor U8 of four bytes with this text as its only dimension, or as its offsets.
std::string with_shape(std::string_view shape) {
  return one(R"("dtype":"U8","shape":)" + std::string(shape) + R"(,"data_offsets":[0,4])");
}
std::string with_offsets(std::string_view offsets) {
  return one(R"("dtype":"U8","shape":[4],"data_offsets":)" + std::string(offsets));
}
std::string with_dtype(std::string_view dtype) {
  return one(R"("dtype":)" + std::string(dtype) + R"(,"shape":[4],"data_offsets":[0,4])");
}

constexpr std::string_view good = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";

/// `good` with another name, given as JSON text.
std::string with_name(std::string_view name) {
  return assemble("{\"" + std::string(name) + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "data");
}

std::string with_metadata(std::string_view value) {
  return assemble(R"({"__metadata__":)" + std::string(value) + "," + std::string(good.substr(1)), "data");
}

/// Two tensors U8 with these ranges over eight bytes of data.
std::string two(std::string_view first, std::string_view size1, std::string_view second, std::string_view size2) {
  return assemble(R"({"a":{"dtype":"U8","shape":[)" + std::string(size1) + R"(],"data_offsets":[)" +
                      std::string(first) + R"(]},"b":{"dtype":"U8","shape":[)" + std::string(size2) +
                      R"(],"data_offsets":[)" + std::string(second) + "]}}",
                  "datadata");
}

// Long because it is a catalogue: a line an attack.
std::vector<Attack> make() {
  using namespace error_number;
  const std::string text(good);
  const std::string valid = assemble(good, "data");
  std::vector<Attack> list;
  const auto add = [&](std::string name, std::string bytes, int number) {
    list.push_back({std::move(name), std::move(bytes), number});
  };

  // Length.
  add("empty-file", "", header_too_small);
  add("seven-bytes", std::string(7, '\0'), header_too_small);
  add("length-zero", length_field(0), header_start);
  add("length-beyond-file", length_field(text.size() + 5) + text + "data", header_truncated);
  add("length-one-beyond-file", length_field(text.size() + 1) + text, header_truncated);
  add("length-over-cap", length_field(100'000'001) + text, header_too_large);
  add("length-at-cap", length_field(100'000'000) + text, header_truncated);
  add("length-2-63", length_field(std::uint64_t{1} << 63) + text, header_too_large);
  add("length-max", length_field(~std::uint64_t{0}) + text, header_too_large);
  add("length-plus-8-overflows", length_field(~std::uint64_t{0} - 7) + text, header_too_large);
  add("length-cuts-brace", length_field(text.size() - 1) + text + "data", header_not_json);
  add("length-cuts-braces", length_field(text.size() - 2) + text + "data", header_end);

  // Text.
  add("no-brace", assemble("[" + text + "]", "data"), header_start);
  add("byte-order-mark", assemble("\xEF\xBB\xBF" + text, "data"), header_start);
  add("leading-space", assemble(" " + text, "data"), header_start);
  add("leading-newline", assemble("\n" + text, "data"), header_start);
  add("trailing-spaces", assemble(text + "     ", "data"), 0);
  add("trailing-newline", assemble(text + "\n", "data"), header_end);
  add("trailing-tab", assemble(text + "\t", "data"), header_end);
  add("trailing-zero", assemble(text + std::string(1, '\0'), "data"), header_end);
  add("zero-hides-junk", assemble(text + std::string(1, '\0') + "{}}", "data"), header_end);
  add("trailing-junk", assemble(text + "x", "data"), header_end);
  add("second-object", assemble(text + text, "data"), header_not_json);
  add("trailing-brace", assemble(text + "}", "data"), header_not_json);
  add("not-utf8", with_name("\xFF"), header_not_utf8);
  add("utf8-overlong", with_name("\xC0\xAF"), header_not_utf8);
  add("utf8-overlong-3", with_name("\xE0\x9F\xBF"), header_not_utf8);
  add("utf8-surrogate", with_name("\xED\xA0\x80"), header_not_utf8);
  add("utf8-above-unicode", with_name("\xF4\x90\x80\x80"), header_not_utf8);
  add("utf8-cut", with_name("\xE2\x82"), header_not_utf8);
  add("utf8-good", with_name("\xE2\x82\xAC\xF0\x9D\x84\x9E"), 0);
  add("lone-surrogate", with_name("\\ud800"), header_not_json);
  add("surrogate-pair", with_name("\\ud834\\udd1e"), 0);
  add("comment", assemble("{/* */" + text.substr(1), "data"), header_not_json);
  add("trailing-comma", assemble(text.substr(0, text.size() - 1) + ",}", "data"), header_not_json);
  add("single-quotes", assemble("{'a':1}", ""), header_not_json);
  add("raw-newline-in-string", with_name("a\nb"), header_not_json);
  add("inner-white-space", assemble("{ \"a\" :\n" + text.substr(5), "data"), 0);
  add("nested-200-arrays", assemble("{\"a\":" + std::string(200, '[') + std::string(200, ']') + "}"), header_nesting);
  std::string objects;
  for (int i = 0; i < 200; ++i) objects += "{\"a\":";
  add("nested-200-objects", assemble(objects + "1" + std::string(200, '}')), header_field);
  add("nested-200-under-dtype", assemble("{\"a\":{\"dtype\":" + objects + "1" + std::string(202, '}')), header_nesting);
  add("nested-shape", with_shape("[[4]]"), header_nesting);
  add("nested-metadata", with_metadata(R"({"a":{"b":"c"}})"), header_metadata);

  // Numbers.
  add("shape-float", with_shape("[4.0]"), header_integer);
  add("shape-exponent", with_shape("[4e0]"), header_integer);
  add("shape-negative", with_shape("[-4]"), header_integer);
  add("shape-minus-zero", with_shape("[-0]"), header_integer);
  add("shape-leading-zero", with_shape("[04]"), header_not_json);
  add("shape-plus", with_shape("[+4]"), header_not_json);
  add("shape-hexadecimal", with_shape("[0x4]"), header_not_json);
  add("shape-above-64-bits", with_shape("[18446744073709551616]"), header_integer);
  add("shape-string", with_shape("[\"4\"]"), header_field);
  add("shape-null", with_shape("null"), header_field);
  add("shape-truth", with_shape("[true]"), header_field);
  add("offsets-float", with_offsets("[0.0,4.0]"), header_integer);
  add("offsets-negative", with_offsets("[-1,3]"), header_integer);
  add("offsets-above-64-bits", with_offsets("[0,18446744073709551620]"), header_integer);
  add("offsets-nan", with_offsets("[0,NaN]"), header_not_json);

  // Names.
  const std::string entry = text.substr(1, text.size() - 2);
  add("duplicate-name-same-range", assemble("{" + entry + "," + entry + "}", "data"), header_duplicate_key);
  add("duplicate-name-other-range",
      assemble("{" + entry + R"(,"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", "datadata"),
      header_duplicate_key);
  add("duplicate-name-first-absurd",
      assemble(R"({"a":{"dtype":"U8","shape":[999999],"data_offsets":[7,3]},)" + entry + "}", "data"),
      header_duplicate_key);
  add("duplicate-name-escaped",
      assemble("{" + entry + R"(,"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "data"),
      header_duplicate_key);
  add("duplicate-metadata", assemble(R"({"__metadata__":{},"__metadata__":{},)" + entry + "}", "data"),
      header_duplicate_key);
  add("duplicate-metadata-key", with_metadata(R"({"k":"1","k":"2"})"), header_duplicate_key);
  add("name-empty", with_name(""), name_invalid);
  add("name-zero-byte", with_name("a\\u0000b"), name_invalid);
  add("name-escape-sequence", with_name("\\u001b[2J"), name_invalid);
  add("name-path", with_name("../x"), 0);  // names are never paths
  add("name-at-cap", with_name(std::string(4096, 'n')), 0);
  add("name-over-cap", with_name(std::string(4097, 'n')), name_invalid);
  add("metadata-as-tensor", with_name("__metadata__"), header_metadata);

  // Fields.
  add("field-missing-dtype", one(R"("shape":[4],"data_offsets":[0,4])"), header_field);
  add("field-missing-shape", one(R"("dtype":"U8","data_offsets":[0,4])"), header_field);
  add("field-missing-offsets", one(R"("dtype":"U8","shape":[4])"), header_field);
  add("field-none", one(""), header_field);
  add("field-duplicate", one(R"("dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4])"), header_duplicate_key);
  add("field-unknown", one(R"("dtype":"U8","shape":[4],"data_offsets":[0,4],"strides":[1])"), header_field);
  add("field-order-free", one(R"("data_offsets":[0,4],"shape":[4],"dtype":"U8")"), 0);
  add("dtype-unknown", with_dtype("\"F12\""), header_dtype);
  add("dtype-lower-case", with_dtype("\"u8\""), header_dtype);
  add("dtype-number", with_dtype("8"), header_field);
  add("dtype-array", with_dtype("[\"U8\"]"), header_nesting);
  add("tensor-is-number", assemble(R"({"a":1})"), header_field);
  add("tensor-is-null", assemble(R"({"a":null})"), header_field);
  add("tensor-is-array", assemble(R"({"a":[]})"), header_nesting);
  add("metadata-number", with_metadata(R"({"k":1})"), header_metadata);
  add("metadata-null-value", with_metadata(R"({"k":null})"), header_metadata);
  add("metadata-null", with_metadata("null"), header_metadata);
  add("metadata-array", with_metadata("[]"), header_metadata);
  add("metadata-string", with_metadata("\"pt\""), header_metadata);
  add("metadata-empty", with_metadata("{}"), 0);
  add("offsets-one", with_offsets("[4]"), header_field);
  add("offsets-none", with_offsets("[]"), header_field);
  add("offsets-three", with_offsets("[0,4,4]"), header_field);
  add("offsets-number", with_offsets("4"), header_field);

  // Shapes.
  add("shape-product-overflows", with_shape("[1099511627776,1099511627776]"), size_overflow);
  add("shape-overflow-then-zero", one(R"("dtype":"U8","shape":[1099511627776,1099511627776,0],"data_offsets":[0,0])"),
      size_overflow);
  add("shape-bits-overflow", with_shape("[281474976710655,65536]"), size_overflow);
  add("shape-beyond-48-bits", with_shape("[281474976710656]"), size_too_large);
  add("shape-2-63", with_shape("[9223372036854775808]"), size_too_large);
  add("shape-zero-first",
      assemble(R"({"a":{"dtype":"U8","shape":[0,281474976710655,281474976710655],"data_offsets":[0,0]}})"), 0);
  add("shape-rank-0", assemble(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", "data"), 0);
  std::string ones = "[4";
  for (int i = 0; i < 63; ++i) ones += ",1";
  add("shape-rank-64", with_shape(ones + "]"), 0);
  add("shape-rank-65", with_shape(ones + ",1]"), rank_too_large);
  add("shape-too-small", with_shape("[3]"), size_mismatch);
  add("shape-too-large", with_shape("[5]"), size_mismatch);
  add("shape-other-dtype", with_dtype("\"F32\""), size_mismatch);
  add("bits-f4-odd", assemble(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", "da"), size_bits);
  add("bits-f4-even", assemble(R"({"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}})", "da"), 0);
  add("bits-f6-odd", assemble(R"({"a":{"dtype":"F6_E2M3","shape":[2],"data_offsets":[0,2]}})", "da"), size_bits);
  add("bits-f6-even", assemble(R"({"a":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[0,3]}})", "dat"), 0);
  add("gf16-odd-bytes", assemble(R"({"w.codes":{"dtype":"U16","shape":[1,1],"data_offsets":[0,3]}})", "dat"),
      size_mismatch);

  // Ranges.
  add("range-hole-first", two("1,4", "3", "4,8", "4"), range_hole);
  add("range-hole-middle", two("0,4", "4", "5,8", "3"), range_hole);
  add("range-overlap", two("0,5", "5", "4,8", "4"), range_overlap);
  add("range-same-twice", two("0,8", "8", "0,8", "8"), range_overlap);
  add("range-nested", two("0,8", "8", "2,4", "2"), range_overlap);
  add("range-reversed", two("0,4", "4", "8,4", "4"), range_reversed);
  add("range-reversed-only", with_offsets("[4,0]"), range_reversed);
  add("range-reversed-in-place", two("0,4", "4", "4,3", "1"), range_reversed);
  add("range-order-free", two("4,8", "4", "0,4", "4"), 0);
  add("range-misaligned",
      assemble(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
          "adata"),
      0);
  add("range-end-max", with_offsets("[0,18446744073709551615]"), size_too_large);
  add("range-end-beyond-48-bits", with_offsets("[0,281474976710656]"), size_too_large);
  add("range-zero-sizes",
      assemble(
          R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"c":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
          "data"),
      0);
  add("file-cut-by-one", valid.substr(0, valid.size() - 1), data_truncated);
  add("file-without-data", assemble(good), data_truncated);
  add("file-one-byte-more", valid + "x", data_trailing);
  add("no-tensors-with-data", assemble("{}", "data"), data_trailing);
  add("no-tensors", assemble("{}"), 0);
  add("valid", valid, 0);
  return list;
}

}  // namespace

std::string assemble(std::string_view header, std::string_view data) {
  return length_field(header.size()) + std::string(header) + std::string(data);
}

const std::vector<Attack>& attacks() {
  static const std::vector<Attack> list = make();
  return list;
}

}  // namespace hallmark::test
