// Containers of schema 4: codes of fewer than 8 bits, zero points and marks of rotated rows are packed.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include "artifact/matrix_bits.hpp"
#include "artifact/rotation_signs.hpp"
#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "quantized_files.hpp"

namespace packed_file_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// z.weight [3, 21] with groups of 8: each code of the grid in turn.
struct Packed {
  TemporaryFolder folder;
  std::string path = folder / "q.safetensors";
  QuantizedHeader header;
  std::vector<Code> codes;
  Steps steps{Matrix<float>::Constant(3, 3, 0.25F), {}, 8};

  explicit Packed(Options options) : header(header_of(grouped(std::move(options)))) {
    const Grid& grid = header.matrices[0].options.grid;
    header.tensors[0].shape = {3, 21};
    header.matrices[0].rows = 3;
    header.matrices[0].cols = 21;
    std::vector<Code> points;
    for (int code = 0; code < 1 << 16; ++code)
      if (grid.contains(static_cast<Code>(code))) points.push_back(static_cast<Code>(code));
    for (std::size_t k = 0; k < 63; ++k) codes.push_back(points[(k + 5 * points.size() / 7) % points.size()]);
    if (grid.spec().zero_points) {
      steps.zeros.resize(3, 3);
      for (Index k = 0; k < 9; ++k) steps.zeros.data()[k] = static_cast<std::int16_t>(grid.spec().last - k % 4);
    }
  }
  explicit Packed(std::string_view grid) : Packed(options_of(grid)) {}

  static Options grouped(Options options) {
    options.group_size = 8;
    return options;
  }
  Status write() const { return test::write(path, header, codes, steps); }
  const Options& options() const { return header.matrices[0].options; }
};

Options table_of(std::vector<float> points) {
  Options options = options_of("nf4");
  options.grid = *Grid::table("mine", std::move(points));
  return options;
}

// The error that opening gives after the edit, whose digests are right.
Error error_after(const Packed& made, const Edit& edit) {
  REQUIRE(made.write());
  rewrite(made.path, edit);
  const auto opened = QuantizedFile::open(made.path);
  return opened ? Error{Exit::ok, 0, "", "", ""} : opened.error();
}

Edit with_bit(const std::string& tensor, std::size_t byte, int bit) {
  return [=](auto&, auto&, auto& data) {
    REQUIRE(byte < data[tensor].size());
    data[tensor][byte] = static_cast<char>(data[tensor][byte] ^ (1 << bit));
  };
}

}  // namespace

TEST_CASE("every grid comes back, in the bits that it has") {
  std::vector<Options> all;
  for (const char* grid : {"int2",      "int3",   "int4",   "int5",   "int6",    "int7",    "int8",    "int2s",
                           "int3s",     "int4s",  "int7s",  "int8s",  "int2z",   "int3z",   "int4z",   "int5z",
                           "int6z",     "int7z",  "int8z",  "nf4",    "lloyd:2", "lloyd:3", "lloyd:4", "trellis:2",
                           "trellis:3", "gf:2,1", "gf:3,2", "gf:4,3", "gf16",    "bf16",    "fp16"})
    all.push_back(options_of(grid));
  for (const std::vector<float>& points : {std::vector<float>{-1, 1}, {-1, 0, 1}, {-3, -2, -1, 1, 2}})
    all.push_back(table_of(points));
  for (const Options& options : all) {
    const Packed made(options);
    const GridSpec& grid = made.options().grid.spec();
    CAPTURE(grid.name);
    REQUIRE(made.write());
    const auto q = QuantizedFile::open(made.path);
    REQUIRE(q);
    const QuantizedMatrix& matrix = q->header().matrices[0];
    CHECK(q->header().schema == (grid.bits < 8 ? 4 : 2));
    CHECK(*q->codes(matrix) == matrix_of(3, 21, made.codes));
    const Steps steps = *q->steps(matrix);
    CHECK(steps.scales == made.steps.scales);
    REQUIRE(steps.zeros.size() == made.steps.zeros.size());
    CHECK((steps.zeros.size() == 0 || steps.zeros == made.steps.zeros));
    const auto row = [&](std::size_t count) { return (count * static_cast<std::size_t>(grid.bits) + 7) / 8; };
    CHECK(q->file().find("z.weight.codes")->data.size() == 3 * row(21));
    if (grid.bits < 8) CHECK(q->file().find("z.weight.codes")->shape == Shape{3, row(21)});
    if (grid.zero_points) CHECK(q->file().find("z.weight.zero_point")->data.size() == 3 * row(3));
    // The sizes that inspect and the league tell are those of the file.
    const MatrixBits bits = bits_of(matrix);
    double steps_bytes = 0;
    for (const char* part : {"z.weight.scale", "z.weight.zero_point"})
      if (const TensorInfo* tensor = q->file().find(part)) steps_bytes += static_cast<double>(tensor->data.size());
    CHECK(bits.codes == 63.0 * grid.bits);
    CHECK(bits.container_codes == 8.0 * 3 * static_cast<double>(row(21)));
    CHECK(bits.steps == 8 * steps_bytes);
    // Digests are of the numbers, a byte or two each.
    std::string numbers;
    for (const Code code : made.codes) {
      numbers += static_cast<char>(code & 0xFF);
      if (grid.bits > 8) numbers += static_cast<char>(code >> 8);
    }
    CHECK(stored_digests(matrix, *q->codes(matrix), steps).codes == sha256_hex(std::as_bytes(std::span(numbers))));
  }
}

TEST_CASE("a row is the little-endian integer of its codes, in two's complement, and begins a byte") {
  Packed made("int3");
  // Row 0: 1 + 2 8 - 1 64 - 4 512 ..: 001 010 111 100 from the lowest bit up, then zeros; row 1: 011 and zeros.
  made.codes.assign(63, 0);
  const std::vector<Code> first{1, 2, static_cast<Code>(-1), static_cast<Code>(-4)};
  std::ranges::copy(first, made.codes.begin());
  made.codes[21] = 3;
  REQUIRE(made.write());
  const auto q = QuantizedFile::open(made.path);
  REQUIRE(q);
  std::vector<int> bytes;
  for (const std::byte byte : q->file().find("z.weight.codes")->data) bytes.push_back(std::to_integer<int>(byte));
  CHECK(bytes == std::vector<int>{0xD1, 0x09, 0, 0, 0, 0, 0, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("a bit after the last number of a row is refused, with row and numbers") {
  const Packed made("int3z");  // 21 codes of 3 bits in 8 bytes, 3 zero points in 2
  CHECK(error_after(made, [](auto&, auto&, auto&) {}).number == 0);
  const Error last = error_after(made, with_bit("z.weight.codes", 23, 7));
  CHECK(last.number == error_number::quantized_code);
  CHECK(last.where.find("tensor 'z.weight.codes': row 2, 21 numbers of 3 bits") != std::string::npos);
  CHECK(error_after(made, with_bit("z.weight.codes", 7, 7)).where.find("row 0") != std::string::npos);
  const Error zeros = error_after(made, with_bit("z.weight.zero_point", 3, 1));
  CHECK(zeros.number == error_number::quantized_scale);
  CHECK(zeros.where.find("row 1, 3 numbers of 3 bits") != std::string::npos);
}

TEST_CASE("a code that is none of the grid is found after unpacking") {
  Packed symmetric("int4s");
  symmetric.codes[21 + 20] = 0;
  const Error lowest = error_after(symmetric, with_bit("z.weight.codes", 11 + 10, 3));  // -8
  CHECK(lowest.number == error_number::quantized_code);
  CHECK(lowest.where.find("code 0xfff8 at [1, 20]") != std::string::npos);
  Packed table(table_of({-1, 0, 1}));
  table.codes[0] = 2;
  const Error third = error_after(table, with_bit("z.weight.codes", 0, 0));
  CHECK(third.number == error_number::quantized_code);
  CHECK(third.where.find("code 0x0003 at [0, 0]") != std::string::npos);
}

TEST_CASE("a packed tensor of another length, or schema, is refused") {
  const Packed made("int4");
  const auto reshaped = [](std::uint64_t rows, std::uint64_t bytes) -> Edit {
    return [=](auto&, auto& plan, auto& data) {
      std::ranges::find(plan, std::string("z.weight.codes"), &TensorPlan::name)->shape = {rows, bytes};
      data["z.weight.codes"].resize(rows * bytes);
    };
  };
  const Error longer = error_after(made, reshaped(3, 12));
  CHECK(longer.number == error_number::quantized_shape);
  CHECK(longer.where.find("U8 of shape [3, 12], by the metadata U8 of shape [3, 11]") != std::string::npos);
  CHECK(error_after(made, reshaped(3, 10)).number == error_number::quantized_shape);
  CHECK(error_after(made, reshaped(1, 33)).number == error_number::quantized_shape);
  const auto schema = [](const char* text) -> Edit {
    return [=](auto& metadata, auto&, auto&) { metadata["hallmark.schema"] = text; };
  };
  CHECK(error_after(made, schema("2")).number == error_number::quantized_shape);  // a byte a code
  CHECK(error_after(made, schema("3")).number == error_number::quantized_metadata);
  for (const char* unknown : {"5", "", "44", "04"})
    CHECK(error_after(made, schema(unknown)).number == error_number::quantized_schema);
  CHECK(error_after(Packed("gf16"), schema("4")).number == error_number::quantized_metadata);  // nothing is packed
}

TEST_CASE("marks of rotated rows take a bit each") {
  Packed made("int8");
  Options& options = made.header.matrices[0].options;
  options.group_size = 0;
  options.rotation = hadamard_16;
  made.header.tensors[0].shape = {9, 21};
  made.header.matrices[0].rows = 9;
  made.codes.assign(9 * 21, 1);
  made.steps = {Matrix<float>::Constant(9, 1, 0.25F), {}, 0};
  made.steps.rotation = {rotation_signs(options, "z.weight", 21), {1, 0, 0, 1, 1, 0, 0, 0, 1}};
  CHECK(error_after(made, [](auto&, auto&, auto&) {}).number == 0);
  const auto q = QuantizedFile::open(made.path);
  REQUIRE(q);
  CHECK(q->header().schema == 4);
  CHECK(q->steps(q->header().matrices[0])->rotation.rows == made.steps.rotation.rows);
  const TensorInfo& marks = *q->file().find("z.weight.rotated");
  CHECK(marks.shape == Shape{2});
  CHECK(std::to_integer<int>(marks.data[0]) == 0x19);
  CHECK(std::to_integer<int>(marks.data[1]) == 0x01);
  CHECK(bits_of(q->header().matrices[0]).steps == 9 * 32 + 16);
  const Error padding = error_after(made, with_bit("z.weight.rotated", 1, 1));
  CHECK(padding.number == error_number::quantized_rotated);
  CHECK(padding.where.find("9 marks of 1 bit") != std::string::npos);
}

}  // namespace packed_file_test
