// The file format of docs/extending.md: what it holds is what the container holds, and what it cannot hold is refused.
#include <doctest/doctest.h>

#include <limits>

#include "../../tests/io/temporary_folder.hpp"
#include "artifact/file_format.hpp"
#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"

using namespace hallmark;

namespace {

struct Files {
  test::TemporaryFolder folder;
  std::string container = folder / "q.safetensors", lines = folder / "q.jsonl", back = folder / "back.safetensors";

  // A matrix of signed codes, one with zero points, and a tensor that passes through.
  void make(const std::vector<float>& bias, DType dtype = DType::F32) const {
    Options four{Grid::parse("int4").value()}, zero{Grid::parse("int3z").value()};
    zero.group_size = 2;
    QuantizedHeader header;
    header.tool = "an example";
    header.tensors = {{"a", DType::F32, {2, 3}}, {"bias", dtype, {bias.size()}}, {"s", DType::F32, {1, 2, 3}}};
    header.matrices = {{"a", "a", std::nullopt, false, 2, 3, four}, {"s[0]", "s", 0, false, 2, 3, zero}};
    auto writer = QuantizedFileWriter::create(container, true, header);
    REQUIRE(writer);
    const std::vector<Code> a{7, static_cast<Code>(-8), 0, 1, static_cast<Code>(-1), 3}, s{0, 7, 3, 4, 1, 2};
    Matrix<float> scales(2, 2);
    scales << 0.1F, 0x1.fffffep-3F, 3, 0x1p-126F;
    Matrix<std::int16_t> zeros(2, 2);
    zeros << 0, 7, 3, 4;
    REQUIRE(writer->write_quantized("a", a, {-scales.col(0), {}, 0}));
    REQUIRE(writer->write_quantized("s[0]", s, {scales, zeros, 2}));
    REQUIRE(writer->write_unchanged({"bias", dtype, {bias.size()}, std::as_bytes(std::span(bias))}));
    REQUIRE(writer->commit());
  }
  Status convert(const std::string& from, const char* to, const std::string& path) const {
    const auto model = read_quantized(from);
    if (!model) return model.error();
    return write_quantized(**model, **find_file_format(to), {path, true});
  }
};

}  // namespace

TEST_CASE("the file format of the example gives back the container, byte for byte") {
  const Files files;
  files.make({1.5F, -0.0F, 0x1.fffffep127F, 0x1p-149F});
  REQUIRE(files.convert(files.container, "json-lines", files.lines));
  CHECK(test::read_file(files.lines).find("\"codes\":[7,-8,0,1,-1,3]") != std::string::npos);
  const auto read = read_quantized(files.lines);
  REQUIRE(read);
  CHECK(check_model(**read));
  REQUIRE(files.convert(files.lines, "hallmark", files.back));
  CHECK(test::read_file(files.back) == test::read_file(files.container));
}

TEST_CASE("what the file format of the example cannot hold is refused by name, and nothing is written") {
  const Files files;
  files.make({1, std::numeric_limits<float>::infinity()});
  const Status infinite = files.convert(files.container, "json-lines", files.lines);
  REQUIRE_FALSE(infinite);
  CHECK(infinite.error().number == error_number::not_finite);
  CHECK(infinite.error().where.find("'bias'") != std::string::npos);
  files.make({1, 2}, DType::I32);
  CHECK(files.convert(files.container, "json-lines", files.lines).error().number == error_number::dtype_unsupported);
  CHECK(files.folder.count() == 1);
}

TEST_CASE("a damaged file of the example's format is refused") {
  const Files files;
  files.make({1, 2});
  REQUIRE(files.convert(files.container, "json-lines", files.lines));
  const std::string good = test::read_file(files.lines);
  const auto after = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    test::write_file(files.lines, text);
    const auto model = read_quantized(files.lines);
    const Status sound = model ? check_model(**model) : Status(model.error());
    return sound ? 0 : sound.error().number;
  };
  using namespace error_number;
  CHECK(after("7,-8", "7,-8") == 0);
  CHECK(after("7,-8", "7,-9") == quantized_code);
  CHECK(after("7,-8", "7") == quantized_metadata);
  CHECK(after("7,-8", "7,\"\"") == quantized_metadata);
  CHECK(after("-0.1000", "0.0,-0.1000") == quantized_metadata);
  CHECK(after("\"name\":\"a\"", "\"name\":\"b\"") == quantized_metadata);
  CHECK(after("hallmark.tool", "hallmark.toll") == quantized_metadata);
  test::write_file(files.lines, good + "\n");
  CHECK(read_quantized(files.lines).error().number == quantized_metadata);
}
