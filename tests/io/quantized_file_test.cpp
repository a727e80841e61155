// The quantized container: round trip, and each way in which it can be wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "base/error_numbers.hpp"
#include "artifact/quantized_file.hpp"
#include "temporary_folder.hpp"

using namespace hallmark;

namespace {

const std::vector<float> bias{1.5F, -2.0F};
const std::vector<Code> codes{0x3E00, 0xBE00, 0x0001, 0x7DFF, 0x8000, 0x0000};  // [2, 3], words of GF16
const std::vector<float> scale{0.25F, 1.0F};

QuantizedHeader header_of(std::string grid) {
  QuantizedHeader header;
  header.tool = "hallmark test";
  header.grid = std::move(grid);
  header.method = "gptq";
  header.scale_rule = "matrix-max";
  header.damp_percent = 0.1;  // has no short binary form
  header.desc_act = true;
  header.source_sha256 = std::string(64, 'a');
  // Neither by dtype nor by name: the order of W is its own.
  header.tensors = {
      {"z.weight", DType::BF16, {2, 3}, true}, {"a.bias", DType::F32, {2}, false}, {"none", DType::I64, {0, 4}, false}};
  header.source_metadata = {{"format", "pt"}, {"hallmark.config", R"({"d":"\"quoted\" é"})"}};
  return header;
}

TensorInfo bias_tensor() { return {"a.bias", DType::F32, {2}, std::as_bytes(std::span(bias))}; }

Status write(const std::string& path, const QuantizedHeader& header, std::span<const Code> c,
             std::span<const float> s) {
  auto writer = QuantizedFileWriter::create(path, true, header);
  if (!writer) return writer.error();
  if (Status done = writer->write_unchanged({"none", DType::I64, {0, 4}, {}}); !done) return done;
  if (Status done = writer->write_unchanged(bias_tensor()); !done) return done;
  if (Status done = writer->write_quantized("z.weight", c, s); !done) return done;
  return writer->commit();
}

int error_of(const std::string& path) {
  const auto opened = QuantizedFile::open(path);
  return opened ? 0 : opened.error().number;
}

/// Replaces the first occurrence of `from` by `to`, of the same length.
void patch(const std::string& path, std::string_view from, std::string_view to) {
  REQUIRE(from.size() == to.size());
  std::string bytes = test::read_file(path);
  const std::size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  test::write_file(path, bytes.replace(at, to.size(), to));
}

/// Rewrites a container with other metadata, tensors or bytes and, where asked, with the digest that then fits.
using Edit = std::function<void(std::map<std::string, std::string>&, std::vector<TensorPlan>&,
                                std::map<std::string, std::string>&)>;
void rewrite(const std::string& path, const Edit& edit) {
  std::map<std::string, std::string> metadata, data;
  std::vector<TensorPlan> plan;
  {
    const auto file = SafeTensors::open(path);
    REQUIRE(file);
    metadata = file->metadata();
    for (const TensorInfo& t : file->tensors()) {
      plan.push_back({t.name, t.dtype, t.shape});
      data[t.name] = std::string(reinterpret_cast<const char*>(t.data.data()), t.data.size());
    }
  }
  edit(metadata, plan, data);
  for (int pass = 0; pass < 2; ++pass) {  // the second with the digest of the first
    auto writer = SafeTensorsWriter::create(path, true, plan, metadata);
    REQUIRE(writer);
    for (const TensorPlan& t : plan) REQUIRE(writer->write(t.name, std::as_bytes(std::span(data[t.name]))));
    REQUIRE(writer->commit());
    const auto file = SafeTensors::open(path);
    REQUIRE(file);
    if (metadata.contains("hallmark.payload.sha256")) metadata["hallmark.payload.sha256"] = payload_digest(*file);
  }
}

}  // namespace

TEST_CASE("what was written comes back, bit for bit") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const QuantizedHeader header = header_of("gf16/1");
  REQUIRE(write(path, header, codes, scale));
  const auto q = QuantizedFile::open(path);
  REQUIRE(q);
  CHECK(q->grid().name() == "gf16/1");
  CHECK(q->codes("z.weight") == codes);
  CHECK(q->scales("z.weight") == scale);
  CHECK(*widen_to_f32(q->unchanged("a.bias")) == bias);
  const QuantizedHeader& read = q->header();
  CHECK(read.tool == header.tool);
  CHECK(read.method == "gptq");
  CHECK(read.scale_rule == "matrix-max");
  CHECK(read.damp_percent == 0.1);
  CHECK(read.desc_act);
  CHECK(read.guard);
  CHECK(read.group_size == 0);
  CHECK(read.source_sha256 == header.source_sha256);
  CHECK(read.calibration_sha256.empty());
  CHECK(read.source_metadata == header.source_metadata);
  REQUIRE(read.tensors.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(read.tensors[i].name == header.tensors[i].name);
    CHECK(read.tensors[i].dtype == header.tensors[i].dtype);
    CHECK(read.tensors[i].shape == header.tensors[i].shape);
    CHECK(read.tensors[i].quantized == header.tensors[i].quantized);
  }
}

TEST_CASE("equal content gives equal bytes") {
  const test::TemporaryFolder folder;
  REQUIRE(write(folder / "a", header_of("gf16/1"), codes, scale));
  REQUIRE(write(folder / "b", header_of("gf16/1"), codes, scale));
  CHECK(test::read_file(folder / "a") == test::read_file(folder / "b"));
}

TEST_CASE("integer codes keep their sign in one byte, and groups have their scales") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  QuantizedHeader header = header_of("int4/1");
  header.group_size = 2;
  const std::vector<Code> integers{7, static_cast<Code>(-7), 0, 1, static_cast<Code>(-1), 3};
  const std::vector<float> scales{1, 2, 3, 4};
  REQUIRE(write(path, header, integers, scales));
  const auto q = QuantizedFile::open(path);
  REQUIRE(q);
  CHECK(q->codes("z.weight") == integers);
  CHECK(q->scales("z.weight") == scales);
  CHECK(q->file().find("z.weight.codes")->dtype == DType::I8);
  CHECK(q->file().find("z.weight.scale")->shape == Shape{2, 2});
}

TEST_CASE("small GoldenFloat words take one byte") {
  const test::TemporaryFolder folder;
  QuantizedHeader header = header_of("gf:2,1/1");
  REQUIRE(write(folder / "q", header, std::vector<Code>{0, 1, 2, 8, 9, 10}, scale));
  const auto q = QuantizedFile::open(folder / "q");
  REQUIRE(q);
  CHECK(q->codes("z.weight") == std::vector<Code>{0, 1, 2, 8, 9, 10});
  CHECK(q->file().find("z.weight.codes")->dtype == DType::U8);
}

TEST_CASE("the writer refuses what the reader would refuse, and leaves nothing") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const auto number = [&](std::vector<Code> c, std::vector<float> s, QuantizedHeader h = header_of("gf16/1")) {
    const Status written = write(path, h, c, s);
    CHECK(folder.count() == 0);
    return written ? 0 : written.error().number;
  };
  using namespace error_number;
  CHECK(number({0x7E00, 0, 0, 0, 0, 0}, scale) == quantized_code);  // infinity
  CHECK(number({0, 0, 0, 0, 0, 0x7E01}, scale) == quantized_code);  // NaN
  for (const float bad : {0.0F, -1.0F, nan, infinity}) CHECK(number(codes, {1.0F, bad}) == quantized_scale);
  CHECK(number({0, 0, 0, 0, 0}, scale) == writer_misuse);
  CHECK(number(codes, {1, 2, 3}) == writer_misuse);
  CHECK(number({8, 0, 0, 0, 0, 0}, scale, header_of("int4/1")) == quantized_code);
  CHECK(number(codes, scale, header_of("gf17/1")) == quantized_grid);
  CHECK(number(codes, scale, header_of("gf16/2")) == quantized_grid);
  CHECK(number(codes, scale, header_of("gf16")) == quantized_grid);  // files carry the version
  QuantizedHeader clash = header_of("gf16/1");
  clash.tensors.push_back({"z.weight.codes", DType::F32, {1}, false});
  CHECK(number(codes, scale, clash) == plan_name);
  QuantizedHeader cube = header_of("gf16/1");
  cube.tensors[0].shape = {2, 3, 1};
  CHECK(number(codes, scale, cube) == writer_misuse);
  auto writer = QuantizedFileWriter::create(path, false, header_of("gf16/1"));
  REQUIRE(writer);
  REQUIRE(writer->write_unchanged(bias_tensor()));
  REQUIRE(writer->write_quantized("z.weight", codes, scale));
  CHECK(writer->commit().error().number == writer_misuse);  // the empty tensor is missing
}

TEST_CASE("the digests of the inputs can be entered after the tensors") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors", late(64, 'b'), calibration(64, 'c');
  QuantizedHeader header = header_of("gf16/1");
  header.calibration_sha256 = std::string(64, '0');
  auto writer = QuantizedFileWriter::create(path, true, header);
  REQUIRE(writer);
  REQUIRE(writer->write_unchanged({"none", DType::I64, {0, 4}, {}}));
  REQUIRE(writer->write_unchanged(bias_tensor()));
  REQUIRE(writer->write_quantized("z.weight", codes, scale));
  CHECK(writer->replace_digests(late.substr(1), calibration).error().number == error_number::writer_misuse);
  CHECK(writer->replace_digests(late, "").error().number == error_number::writer_misuse);
  REQUIRE(writer->replace_digests(late, calibration));
  REQUIRE(writer->commit());
  const auto read = QuantizedFile::open(path);
  REQUIRE(read);
  CHECK(read->header().source_sha256 == late);
  CHECK(read->header().calibration_sha256 == calibration);
}

TEST_CASE("a bad code is found wherever it stands, the first tensor's first") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  QuantizedHeader header = header_of("gf16/1");
  constexpr std::uint64_t rows = 1500, cols = 2048;  // more than one piece of the map
  header.tensors = {{"a", DType::F32, {rows, cols}, true}, {"b", DType::F32, {rows, cols}, true}};
  std::vector<Code> many(rows * cols, 0x3E00);
  auto writer = QuantizedFileWriter::create(path, true, header);
  REQUIRE(writer);
  const std::vector<float> ones(rows, 1.0F);
  REQUIRE(writer->write_quantized("b", many, ones));
  REQUIRE(writer->write_quantized("a", many, ones));
  REQUIRE(writer->commit());
  CHECK(error_of(path) == 0);
  rewrite(path, [](auto&, auto&, auto& data) {
    data["b.codes"].replace(0, 2, "\xFF\xFF");
    data["a.codes"].replace(2 * ((rows - 1) * cols + 7), 2, "\xFF\xFF");
  });
  const auto opened = QuantizedFile::open(path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().number == error_number::quantized_code);
  CHECK(opened.error().where.find("tensor 'a.codes': 0xffff at [1499, 7]") != std::string::npos);
}

TEST_CASE("a container that was changed is refused by name") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const auto after = [&](const Edit& edit) {
    REQUIRE(write(path, header_of("gf16/1"), codes, scale));
    rewrite(path, edit);
    return error_of(path);
  };
  const auto entry = [&](const std::string& key, const std::string& value) {
    return after([&](auto& metadata, auto&, auto&) { metadata[key] = value; });
  };
  CHECK(after([](auto&, auto&, auto&) {}) == 0);  // rewriting alone harms nothing

  for (const std::string key :
       {"schema", "tool", "grid", "method", "scale_rule", "rounding", "group_size", "block_size", "damp_percent",
        "desc_act", "guard", "source.sha256", "source.metadata", "calibration.sha256", "tensors", "payload.sha256"}) {
    CAPTURE(key);
    CHECK(after([&](auto& metadata, auto&, auto&) { REQUIRE(metadata.erase("hallmark." + key) == 1); }) ==
          quantized_metadata);
  }
  CHECK(entry("hallmark.schema", "2") == quantized_schema);
  CHECK(entry("hallmark.grid", "gf99/1") == quantized_grid);
  CHECK(entry("hallmark.grid", "gf16/2") == quantized_grid);
  CHECK(entry("hallmark.grid", "") == quantized_metadata);
  CHECK(entry("hallmark.group_size", "-1") == quantized_metadata);
  CHECK(entry("hallmark.group_size", "1 ") == quantized_metadata);
  CHECK(entry("hallmark.damp_percent", "nan") == quantized_metadata);
  CHECK(entry("hallmark.guard", "yes") == quantized_metadata);
  CHECK(entry("hallmark.rounding", "truncation") == quantized_metadata);
  CHECK(entry("hallmark.source.sha256", "abc") == quantized_metadata);
  CHECK(entry("hallmark.source.metadata", R"({"a":1})") == quantized_metadata);
  CHECK(entry("hallmark.tensors", "{}") == quantized_metadata);
  CHECK(entry("hallmark.tensors", "[") == quantized_metadata);
  CHECK(entry("hallmark.tensors", R"([{"dtype":"F32","name":"a","quantized":true,"shape":[2]}])") ==
        quantized_metadata);
  CHECK(entry("hallmark.tensors", R"([{"dtype":"F33","name":"a","quantized":false,"shape":[2]}])") ==
        quantized_metadata);
  CHECK(entry("hallmark.tensors", R"([{"dtype":"F32","name":"a","quantized":false,"shape":[-2]}])") ==
        quantized_metadata);
  const std::string one = R"({"dtype":"F32","name":"a","quantized":false,"shape":[2]})";
  CHECK(entry("hallmark.tensors", "[" + one + "," + one + "]") == quantized_metadata);
  CHECK(entry("hallmark.tensors", "[]") == quantized_tensors);
  CHECK(entry("hallmark.group_size", "2") == quantized_shape);  // the scales are one per row
  CHECK(entry("hallmark.grid", "int8/1") == quantized_shape);   // the codes are U16

  CHECK(after([](auto&, auto& plan, auto& data) {
          std::erase_if(plan, [](const TensorPlan& t) { return t.name == "a.bias"; });
          data.erase("a.bias");
        }) == quantized_tensors);
  CHECK(after([](auto&, auto& plan, auto& data) {
          plan.push_back({"stowaway", DType::U8, {1}});
          data["stowaway"] = "x";
        }) == quantized_tensors);
  CHECK(after([](auto&, auto& plan, auto&) {
          std::ranges::find(plan, "z.weight.codes", &TensorPlan::name)->shape = {3, 2};
        }) == quantized_shape);
  CHECK(after([](auto&, auto&, auto& data) { data["z.weight.codes"][1] = '\x7E'; }) == quantized_code);
  CHECK(after([](auto&, auto&, auto& data) { data["z.weight.scale"] = std::string(8, '\0'); }) == quantized_scale);
  CHECK(after([](auto&, auto&, auto& data) { data["z.weight.scale"] = std::string(8, '\xFF'); }) == quantized_scale);
}

TEST_CASE("a flipped bit anywhere in the tensors is a mismatch") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  REQUIRE(write(path, header_of("gf16/1"), codes, scale));
  const std::string good = test::read_file(path);
  for (std::size_t back = 1; back <= 28; ++back) {  // bias 8, scale 8, codes 12 bytes
    std::string bytes = good;
    bytes[bytes.size() - back] = static_cast<char>(bytes[bytes.size() - back] ^ 1);
    test::write_file(path, bytes);
    CHECK(error_of(path) == error_number::payload_digest);
  }
  test::write_file(path, good);
  CHECK(error_of(path) == 0);
  patch(path, R"("z.weight.scale":{"dtype":"F32")", R"("z.weight.scale":{"dtype":"I32")");
  CHECK(error_of(path) == error_number::quantized_shape);
}

TEST_CASE("an ordinary safetensors file is not a container") {
  const test::TemporaryFolder folder;
  auto writer = SafeTensorsWriter::create(folder / "w", false, {}, {});
  REQUIRE(writer);
  REQUIRE(writer->commit());
  CHECK(error_of(folder / "w") == error_number::quantized_metadata);
}
