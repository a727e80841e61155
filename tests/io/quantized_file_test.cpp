// The quantized container: round trip, and each way in which it can be wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "quantized_files.hpp"

namespace quantized_file_test {

using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("what was written comes back, bit for bit") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const QuantizedHeader header = header_of("gf16/1");
  REQUIRE(write(path, header));
  const auto q = QuantizedFile::open(path);
  REQUIRE(q);
  const QuantizedHeader& read = q->header();
  REQUIRE(read.matrices.size() == 1);
  const QuantizedMatrix& z = read.matrices[0];
  CHECK(*q->codes(z) == matrix_of(2, 3, codes));
  CHECK(q->steps(z)->scales == matrix_of(2, 1, scale));
  CHECK(q->steps(z)->zeros.size() == 0);
  CHECK(passed_through(*q, "a.bias") == bias);
  CHECK(read.schema == 2);
  CHECK(read.tool == header.tool);
  CHECK(z.name == "z.weight");
  CHECK(z.tensor == "z.weight");
  CHECK_FALSE(z.index);
  CHECK_FALSE(z.transposed);
  CHECK(z.rows == 2);
  CHECK(z.cols == 3);
  CHECK(first_difference(z.options, header.matrices[0].options).empty());
  CHECK(z.options.damp_fraction == 0.1);
  CHECK(read.source_sha256 == header.source_sha256);
  CHECK(read.calibration_sha256.empty());
  CHECK(read.source_metadata == header.source_metadata);
  REQUIRE(read.tensors.size() == 3);
  const auto matrices = matrices_by_tensor(read);
  REQUIRE(matrices.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(read.tensors[i].name == header.tensors[i].name);
    CHECK(read.tensors[i].dtype == header.tensors[i].dtype);
    CHECK(read.tensors[i].shape == header.tensors[i].shape);
    CHECK(matrices[i].size() == (i == 0 ? 1 : 0));
  }
}

TEST_CASE("every matrix of one file has its own grid, steps and place") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const Options gf16 = options_of("gf16");
  Options zero = options_of("int4z"), half = options_of("int4"), brain = options_of("nf4"),
          table{*Grid::table("mine", {-1, -0.25F, 0, 0.375F, 3}), "rtn"};
  zero.group_size = 2;
  half.scale_storage = ScaleStorage::f16;
  half.method = "rtn";
  brain.scale_storage = ScaleStorage::bf16;
  brain.scale_rule = "given";
  QuantizedHeader header = header_of(gf16);
  header.tensors = {{"z.weight", DType::BF16, {2, 3}},
                    {"experts", DType::F16, {2, 3, 2}},
                    {"n", DType::F32, {2, 3}},
                    {"t", DType::F32, {3, 2}},
                    {"cube", DType::F32, {1, 2, 3}}};
  header.matrices.push_back({"experts[0]", "experts", 0, true, 2, 3, zero});
  header.matrices.push_back({"experts[1]", "experts", 1, true, 2, 3, half});
  header.matrices.push_back({"t", "t", std::nullopt, true, 2, 3, table});
  header.matrices.push_back({"cube[0]", "cube", 0, false, 2, 3, brain});
  const std::vector<Code> of_zero{0, 15, 7, 3, 8, 1}, of_half{7, static_cast<Code>(-8), 0, 1, static_cast<Code>(-1), 3},
      of_table{0, 4, 1, 2, 3, 0}, of_brain{0, 15, 7, 7, 8, 1};
  const Steps zero_steps = steps_of({0.25F, 0.5F, 3, 4}, {0, 15, 7, 8}), half_steps = steps_of({-0.5F, 0x1.ffcp-3F}),
              table_steps = steps_of({1, 0x1.234568p-9F}), brain_steps = steps_of({0x1.fep90F, 0x1p-126F});
  const std::vector<float> n{1, 2, 3, 4, 5, 6};
  auto writer = QuantizedFileWriter::create(path, false, header);
  REQUIRE(writer);
  REQUIRE(writer->write_quantized("cube[0]", of_brain, brain_steps));
  REQUIRE(writer->write_quantized("experts[1]", of_half, half_steps));
  REQUIRE(writer->write_quantized("experts[0]", of_zero, zero_steps));
  REQUIRE(writer->write_unchanged({"n", DType::F32, {2, 3}, std::as_bytes(std::span(n))}));
  REQUIRE(writer->write_quantized("t", of_table, table_steps));
  REQUIRE(writer->write_quantized("z.weight", codes, steps_of(scale)));
  REQUIRE(writer->commit());

  const auto q = QuantizedFile::open(path);
  REQUIRE(q);
  const std::vector<QuantizedMatrix>& read = q->header().matrices;
  REQUIRE(read.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CAPTURE(i);
    CHECK(read[i].name == header.matrices[i].name);
    CHECK(read[i].tensor == header.matrices[i].tensor);
    CHECK(read[i].index == header.matrices[i].index);
    CHECK(read[i].transposed == header.matrices[i].transposed);
    CHECK(read[i].rows == 2);
    CHECK(read[i].cols == 3);
    CHECK(first_difference(read[i].options, header.matrices[i].options).empty());
  }
  const auto same = [&](std::size_t k, const std::vector<Code>& wanted, const Steps& steps) {
    CAPTURE(k);
    const Steps found = *q->steps(read[k]);
    CHECK(*q->codes(read[k]) == matrix_of(2, 3, wanted));
    CHECK(found.scales == steps.scales);
    REQUIRE(found.zeros.size() == steps.zeros.size());
    CHECK((steps.zeros.size() == 0 || found.zeros == steps.zeros));
    CHECK(found.group_size == steps.group_size);
  };
  same(0, codes, steps_of(scale));
  same(1, of_zero, zero_steps);
  same(2, of_half, half_steps);
  same(3, of_table, table_steps);
  same(4, of_brain, brain_steps);
  CHECK(read[3].options.grid.spec().points == std::vector<float>{-1, -0.25F, 0, 0.375F, 3});
  CHECK(passed_through(*q, "n") == n);
  const auto stored = [&](const char* name) { return *q->file().find(name); };
  CHECK(stored("experts[0].codes").dtype == DType::U8);
  CHECK(stored("experts[0].zero_point").dtype == DType::U8);
  CHECK(stored("experts[0].zero_point").shape == Shape{2, 1});  // two of 4 bits
  CHECK(stored("experts[1].codes").dtype == DType::U8);
  CHECK(stored("experts[1].codes").shape == Shape{2, 2});
  CHECK(stored("experts[1].scale").dtype == DType::F16);
  CHECK(q->file().find("experts[1].zero_point") == nullptr);
  CHECK(stored("t.scale").dtype == DType::F32);
  CHECK(stored("cube[0].scale").dtype == DType::BF16);
  CHECK(q->file().find("experts") == nullptr);
}

TEST_CASE("equal content gives equal bytes") {
  const test::TemporaryFolder folder;
  REQUIRE(write(folder / "a", header_of("gf16/1")));
  REQUIRE(write(folder / "b", header_of("gf16/1")));
  CHECK(test::read_file(folder / "a") == test::read_file(folder / "b"));
}

TEST_CASE("integer codes keep their sign, and groups have their scales") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  Options options = options_of("int4/1");
  options.group_size = 2;
  const std::vector<Code> integers{7, static_cast<Code>(-7), 0, 1, static_cast<Code>(-1), 3};
  REQUIRE(write(path, header_of(options), integers, steps_of({1, 2, 3, 4})));
  const auto q = QuantizedFile::open(path);
  REQUIRE(q);
  const QuantizedMatrix& z = q->header().matrices.at(0);
  CHECK(z.options.grid.id() == "int4/1");
  CHECK(*q->codes(z) == matrix_of(2, 3, integers));
  CHECK(q->steps(z)->scales == matrix_of<float>(2, 2, {1, 2, 3, 4}));
  CHECK(q->file().find("z.weight.scale")->shape == Shape{2, 2});
}

TEST_CASE("small GoldenFloat words take their bits") {
  const test::TemporaryFolder folder;
  const std::vector<Code> words{0, 1, 2, 8, 9, 10};
  REQUIRE(write(folder / "q", header_of("gf:2,1/1"), words, steps_of(scale)));
  const auto q = QuantizedFile::open(folder / "q");
  REQUIRE(q);
  CHECK(*q->codes(q->header().matrices.at(0)) == matrix_of(2, 3, words));
  CHECK(q->file().find("z.weight.codes")->dtype == DType::U8);
  CHECK(q->file().find("z.weight.codes")->shape == Shape{2, 2});
}

TEST_CASE("the writer refuses what the reader would refuse, and leaves nothing") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const auto number = [&](const std::vector<Code>& c, const Steps& s, const QuantizedHeader& h = header_of("gf16/1")) {
    const Status written = write(path, h, c, s);
    CHECK(folder.count() == 0);
    return written ? 0 : written.error().number;
  };
  using namespace error_number;
  const Steps good = steps_of(scale);
  CHECK(number({0x7E00, 0, 0, 0, 0, 0}, good) == quantized_code);  // infinity
  CHECK(number({0, 0, 0, 0, 0, 0x7E01}, good) == quantized_code);  // NaN
  for (const float bad : {0.0F, -1.0F, nan, infinity}) CHECK(number(codes, steps_of({1.0F, bad})) == quantized_scale);
  CHECK(number({0, 0, 0, 0, 0}, good) == writer_misuse);
  CHECK(number(codes, steps_of({1, 2, 3, 4})) == writer_misuse);
  CHECK(number(codes, steps_of(scale, {0, 0})) == writer_misuse);  // GF16 has no zero points
  const std::vector<Code> nothing(6);
  CHECK(number({8, 0, 0, 0, 0, 0}, good, header_of("int4/1")) == quantized_code);
  CHECK(number({static_cast<Code>(-8), 0, 0, 0, 0, 0}, good, header_of("int4/1")) == quantized_code);
  CHECK(number(nothing, steps_of({1, -1}), header_of("int4/1")) ==
        quantized_scale);  // the symmetric grid takes no sign
  CHECK(number(nothing, good, header_of("int4z")) == writer_misuse);
  CHECK(number(nothing, steps_of(scale, {0, 16}), header_of("int4z")) == quantized_scale);
  CHECK(number({16, 0, 0, 0, 0, 0}, steps_of(scale, {0, 15}), header_of("int4z")) == quantized_code);
  Options half = options_of("int4");
  half.scale_storage = ScaleStorage::f16;
  for (const float bad : {0x1.ffep0F, 0x1p-15F, 65536.0F})
    CHECK(number(nothing, steps_of({1, bad}), header_of(half)) == quantized_scale);
  QuantizedHeader clash = header_of("gf16/1");
  clash.tensors.push_back({"z.weight.codes", DType::F32, {1}});
  CHECK(number(codes, good, clash) == plan_name);
  QuantizedHeader cube = header_of("gf16/1");
  cube.tensors[0].shape = {2, 3, 1};
  CHECK(number(codes, good, cube) == writer_misuse);
  QuantizedHeader stack = header_of("gf16/1");  // a stack of two has two matrices
  stack.tensors[0].shape = {2, 2, 3};
  stack.matrices[0].name = "z.weight[0]";
  stack.matrices[0].index = 0;
  CHECK(number(codes, good, stack) == writer_misuse);
  auto writer = QuantizedFileWriter::create(path, false, header_of("gf16/1"));
  REQUIRE(writer);
  CHECK(writer->write_unchanged({"z.weight", DType::BF16, {2, 3}, {}}).error().number == writer_misuse);
  CHECK(writer->write_quantized("a.bias", codes, good).error().number == writer_misuse);
  REQUIRE(writer->write_unchanged(bias_tensor()));
  REQUIRE(writer->write_quantized("z.weight", codes, good));
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
  REQUIRE(writer->write_quantized("z.weight", codes, steps_of(scale)));
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
  header.tensors = {{"a", DType::F32, {rows, cols}}, {"b", DType::F32, {rows, cols}}};
  header.matrices.clear();
  for (const char* name : {"a", "b"})
    header.matrices.push_back({name, name, std::nullopt, false, rows, cols, options_of("gf16")});
  std::vector<Code> many(rows * cols, 0x3E00);
  auto writer = QuantizedFileWriter::create(path, true, header);
  REQUIRE(writer);
  const Steps ones{Matrix<float>::Ones(rows, 1), {}, 0};
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
  CHECK(opened.error().where.find("tensor 'a': code 0xffff at [1499, 7]") != std::string::npos);
}

TEST_CASE("a container that was changed is refused by name") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const auto after = [&](const Edit& edit) {
    REQUIRE(write(path, header_of("gf16/1")));
    rewrite(path, edit);
    return error_of(path);
  };
  const auto entry = [&](const std::string& key, const std::string& value) {
    return after([&](auto& metadata, auto&, auto&) { metadata[key] = value; });
  };
  CHECK(after([](auto&, auto&, auto&) {}) == 0);  // rewriting alone harms nothing

  for (const std::string key : {"schema", "tool", "rounding", "source.sha256", "source.metadata", "calibration.sha256",
                                "tensors", "matrices", "payload.sha256", "metadata.sha256"}) {
    CAPTURE(key);
    CHECK(after([&](auto& metadata, auto&, auto&) { REQUIRE(metadata.erase("hallmark." + key) == 1); }) ==
          quantized_metadata);
  }
  CHECK(entry("hallmark.schema", "5") == quantized_schema);
  CHECK(entry("hallmark.schema", "1") == quantized_metadata);
  CHECK(entry("hallmark.rounding", "truncation") == quantized_metadata);
  CHECK(entry("hallmark.source.sha256", "abc") == quantized_metadata);
  CHECK(entry("hallmark.source.metadata", R"({"a":1})") == quantized_metadata);
  CHECK(entry("hallmark.tensors", "{}") == quantized_metadata);
  CHECK(entry("hallmark.tensors", "[") == quantized_metadata);
  CHECK(entry("hallmark.tensors", R"([{"dtype":"F32","name":"a","quantized":false,"shape":[2]}])") ==
        quantized_metadata);  // as schema 1 wrote it
  CHECK(entry("hallmark.tensors", R"([{"dtype":"F33","name":"a","shape":[2]}])") == quantized_metadata);
  CHECK(entry("hallmark.tensors", R"([{"dtype":"F32","name":"a","shape":[-2]}])") == quantized_metadata);
  const std::string one = R"({"dtype":"F32","name":"a","shape":[2]})";
  CHECK(entry("hallmark.tensors", "[" + one + "," + one + "]") == quantized_metadata);
  CHECK(entry("hallmark.tensors", "[]") == quantized_metadata);  // the matrix is of none of them
  CHECK(entry("hallmark.matrices", "[]") == quantized_tensors);

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

TEST_CASE("every flipped bit of a small file is found, those in the tensors by the digest") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  REQUIRE(write(path, header_of("gf16/1")));
  const std::string good = test::read_file(path);
  const std::size_t tensors = good.size() - 28;    // bias 8, scale 8, codes 12 bytes
  const std::string foreign = R"("format":"pt")";  // of another program, and read by none here
  const std::size_t first = good.find(foreign), last = first + foreign.size();
  REQUIRE(first != good.npos);
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      test::write_file(path, bytes);
      const int error = error_of(path);
      CHECK_MESSAGE((error != 0 || (at >= first && at < last)), "byte ", at, " bit ", bit);
      if (at >= tensors) CHECK(error == error_number::payload_digest);
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

}  // namespace quantized_file_test
