// The quantized container: round trip, and each way in which it can be wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "artifact/quantized_file.hpp"
#include "artifact/quantized_metadata.hpp"
#include "temporary_folder.hpp"

using namespace hallmark;

namespace {

const std::vector<float> bias{1.5F, -2.0F};
const std::vector<Code> codes{0x3E00, 0xBE00, 0x0001, 0x7DFF, 0x8000, 0x0000};  // [2, 3], words of GF16
const std::vector<float> scale{0.25F, 1.0F};

Options options_of(std::string_view grid) {
  Options options{Grid::parse(grid).value()};
  options.damp_fraction = 0.1;  // has no short binary form
  options.desc_act = true;
  return options;
}

QuantizedHeader header_of(const Options& options) {
  QuantizedHeader header;
  header.tool = "hallmark test";
  header.source_sha256 = std::string(64, 'a');
  // Neither by dtype nor by name: the order of W is its own.
  header.tensors = {{"z.weight", DType::BF16, {2, 3}}, {"a.bias", DType::F32, {2}}, {"none", DType::I64, {0, 4}}};
  header.matrices = {{"z.weight", "z.weight", std::nullopt, false, 2, 3, options}};
  header.source_metadata = {{"format", "pt"}, {"hallmark.config", R"({"d":"\"quoted\" é"})"}};
  return header;
}
QuantizedHeader header_of(std::string_view grid) { return header_of(options_of(grid)); }

template <class T>
Matrix<T> matrix_of(Index rows, Index cols, const std::vector<T>& values) {
  REQUIRE(rows * cols == static_cast<Index>(values.size()));
  return Eigen::Map<const Matrix<T>>(values.data(), rows, cols);
}

/// Scales [2, groups], and zero points where there are any.
Steps steps_of(const std::vector<float>& scales, const std::vector<std::int16_t>& zeros = {}) {
  const auto groups = static_cast<Index>(scales.size() / 2);
  Steps steps{matrix_of(2, groups, scales), {}, groups == 1 ? 0 : 2};
  if (!zeros.empty()) steps.zeros = matrix_of(2, groups, zeros);
  return steps;
}

std::vector<float> passed_through(const QuantizedModel& model, const std::string& tensor) {
  std::vector<float> values;
  REQUIRE(model.pass_through(tensor, [&](std::span<const std::byte> piece) {
    const auto first = values.size();
    values.resize(first + piece.size() / sizeof(float));
    std::memcpy(values.data() + first, piece.data(), piece.size());
    return ok();
  }));
  return values;
}

TensorInfo bias_tensor() { return {"a.bias", DType::F32, {2}, std::as_bytes(std::span(bias))}; }

Status write(const std::string& path, const QuantizedHeader& header, std::span<const Code> c, const Steps& s) {
  auto writer = QuantizedFileWriter::create(path, true, header);
  if (!writer) return writer.error();
  if (Status done = writer->write_unchanged({"none", DType::I64, {0, 4}, {}}); !done) return done;
  if (Status done = writer->write_unchanged(bias_tensor()); !done) return done;
  if (Status done = writer->write_quantized("z.weight", c, s); !done) return done;
  return writer->commit();
}
Status write(const std::string& path, const QuantizedHeader& header) {
  return write(path, header, codes, steps_of(scale));
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
    const std::string all(detail::metadata_key);
    if (metadata.contains(all)) metadata[all] = detail::metadata_digest(metadata);
  }
}

}  // namespace

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
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(read.tensors[i].name == header.tensors[i].name);
    CHECK(read.tensors[i].dtype == header.tensors[i].dtype);
    CHECK(read.tensors[i].shape == header.tensors[i].shape);
    CHECK(is_quantized(read, read.tensors[i].name) == (i == 0));
  }
}

TEST_CASE("every matrix of one file has its own grid, steps and place") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  const Options gf16 = options_of("gf16");
  Options zero = options_of("int4z"), half = options_of("int4"), brain = options_of("nf4"),
          table{Grid(*GridSpec::table("mine", "table/1", {-1, -0.25F, 0, 0.375F, 3})), "rtn"};
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
  CHECK(stored("experts[0].zero_point").shape == Shape{2, 2});
  CHECK(stored("experts[1].codes").dtype == DType::I8);
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

TEST_CASE("integer codes keep their sign in one byte, and groups have their scales") {
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
  CHECK(q->file().find("z.weight.codes")->dtype == DType::I8);
  CHECK(q->file().find("z.weight.scale")->shape == Shape{2, 2});
}

TEST_CASE("small GoldenFloat words take one byte") {
  const test::TemporaryFolder folder;
  const std::vector<Code> words{0, 1, 2, 8, 9, 10};
  REQUIRE(write(folder / "q", header_of("gf:2,1/1"), words, steps_of(scale)));
  const auto q = QuantizedFile::open(folder / "q");
  REQUIRE(q);
  CHECK(*q->codes(q->header().matrices.at(0)) == matrix_of(2, 3, words));
  CHECK(q->file().find("z.weight.codes")->dtype == DType::U8);
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
  CHECK(entry("hallmark.schema", "3") == quantized_schema);
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

TEST_CASE("one content has one metadata text, and a digest covers it") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  REQUIRE(write(path, header_of("gf16/1")));
  const std::string good = test::read_file(path);
  std::map<std::string, std::string> entries;
  {
    const auto file = SafeTensors::open(path);
    REQUIRE(file);
    entries = file->metadata();
  }
  const auto after = [&](const std::string& key, const std::string& value) {
    test::write_file(path, good);
    rewrite(path, [&](auto& metadata, auto&, auto&) { metadata[key] = value; });
    return error_of(path);
  };
  for (const std::string key : {"hallmark.tensors", "hallmark.matrices", "hallmark.source.metadata"}) {
    CAPTURE(key);
    const std::string text = entries.at(key);
    CHECK(after(key, text) == 0);
    CHECK(after(key, " " + text) == quantized_metadata);
    CHECK(after(key, text + " ") == quantized_metadata);
    CHECK(after(key, text + std::string(1, '\0') + "x") == quantized_metadata);
    std::string twice = text;
    const std::size_t object = twice.find('{') + 1, comma = std::min(twice.find(',', object), twice.find('}', object));
    twice.insert(object, twice.substr(object, comma - object) + ",");
    CHECK(after(key, twice) == quantized_metadata);
  }
  CHECK(after("hallmark.method", "rtn") == quantized_metadata);
  CHECK(after("hallmark.unknown", "") == quantized_metadata);
  CHECK(after("other.program", "its own") == 0);

  // Every flipped bit of the entries, wherever the header still says something.
  const std::size_t begin = good.find("\"hallmark.calibration"), end = good.find("\"}", good.find("hallmark.tool"));
  REQUIRE(begin < end);
  REQUIRE(end != good.npos);
  for (std::size_t at = begin; at < end; ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      test::write_file(path, bad);
      CHECK_MESSAGE(error_of(path) != 0, "byte ", at, " bit ", bit, ": ", good.substr(at - 10, 20));
    }
}

TEST_CASE("a malformed list of matrices is refused") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  QuantizedHeader header = header_of("gf16/1");
  header.tensors = {{"s", DType::F32, {2, 2, 3}}, {"z", DType::F32, {3, 2}}};
  Options zero = options_of("int4z"), table{Grid(*GridSpec::table("mine", "table/1", {-1, 0, 2}))};
  header.matrices = {{"s[0]", "s", 0, false, 2, 3, zero},
                     {"s[1]", "s", 1, false, 2, 3, zero},
                     {"z", "z", std::nullopt, true, 2, 3, table}};
  {
    const std::vector<Code> nothing(6);
    auto writer = QuantizedFileWriter::create(path, false, header);
    REQUIRE(writer);
    for (const char* name : {"s[0]", "s[1]"}) REQUIRE(writer->write_quantized(name, nothing, steps_of(scale, {7, 15})));
    REQUIRE(writer->write_quantized("z", nothing, steps_of(scale)));
    REQUIRE(writer->commit());
  }
  REQUIRE(error_of(path) == 0);
  const std::string good = test::read_file(path);
  using Json = nlohmann::ordered_json;
  const auto after = [&](const std::function<void(Json&)>& edit) {
    test::write_file(path, good);
    rewrite(path, [&](auto& metadata, auto&, auto&) {
      Json list = Json::parse(metadata["hallmark.matrices"]);
      edit(list);
      metadata["hallmark.matrices"] = list.dump();
    });
    return error_of(path);
  };
  CHECK(after([](Json&) {}) == 0);
  const auto refused = [&](const char* what, const std::function<void(Json&)>& edit) {
    CAPTURE(what);
    CHECK(after(edit) == quantized_metadata);
  };
  refused("an object", [](Json& list) { list = Json::object(); });
  refused("a matrix that is none", [](Json& list) { list[0] = 1; });
  refused("no tensor", [](Json& list) { list[0].erase("tensor"); });
  refused("no options", [](Json& list) { list[0].erase("options"); });
  refused("an unknown key", [](Json& list) { list[0]["shape"] = Json::array({2, 3}); });
  refused("a tensor that is not there", [](Json& list) { list[0]["tensor"] = "t"; });
  refused("a missing index", [](Json& list) { list[0].erase("index"); });
  refused("an index beyond the stack", [](Json& list) { list[1]["index"] = 2; });
  refused("a negative index", [](Json& list) { list[1]["index"] = -1; });
  refused("an index of a matrix", [](Json& list) { list[2]["index"] = 0; });
  refused("another order in the stack", [](Json& list) { std::swap(list[0], list[1]); });
  refused("another order of tensors", [](Json& list) { std::rotate(list.begin(), list.begin() + 2, list.end()); });
  refused("half a stack", [](Json& list) { list.erase(list.begin() + 1); });
  refused("the other half of a stack", [](Json& list) { list.erase(list.begin()); });
  refused("a matrix twice", [](Json& list) { list.push_back(list[2]); });
  refused("an index twice", [](Json& list) { list[1]["index"] = 0; });
  refused("half a stack transposed", [](Json& list) { list[1]["transposed"] = true; });
  refused("transposed that is not", [](Json& list) { list[2]["transposed"] = false; });
  const std::vector<std::pair<std::string, Json>> values{
      {"grid", "int4z/2"},       {"grid", "int4z"},   {"grid", "gf17/1"},       {"grid", 4},
      {"method", "magic"},       {"method", nullptr}, {"scale_rule", "maxabs"}, {"scale_storage", "f64"},
      {"group_size", -1},        {"group_size", 1.5}, {"group_size", "0"},      {"damp_fraction", -0.5},
      {"damp_fraction", "0.01"}, {"desc_act", 1},     {"block_size", 0},        {"guard", "true"}};
  for (const auto& option : values) {
    const std::string key = option.first;
    const Json other = option.second;
    CAPTURE(key);
    CAPTURE(other.dump());
    CHECK(after([&](Json& list) { list[0]["options"][key] = other; }) == quantized_metadata);
    CHECK(after([&](Json& list) { list[0]["options"].erase(key); }) == quantized_metadata);
  }
  refused("an unknown option", [](Json& list) { list[0]["options"]["bits"] = 4; });
  refused("points of a grid that has its own", [](Json& list) { list[0]["options"]["points"] = Json::array({-1, 1}); });
  refused("a table without points", [](Json& list) { list[2]["options"].erase("points"); });
  refused("a table that does not increase", [](Json& list) { list[2]["options"]["points"] = Json::array({-1, 2, 2}); });
  refused("a point that is no number", [](Json& list) { list[2]["options"]["points"][0] = "-1"; });
  CHECK(after([](Json& list) { list[2].erase("transposed"); }) == quantized_shape);
  CHECK(after([](Json& list) { list[0]["options"]["group_size"] = 2; }) == quantized_shape);
  CHECK(after([](Json& list) { list[0]["options"]["scale_storage"] = "bf16"; }) == quantized_shape);
  CHECK(after([](Json& list) { list[0]["options"]["grid"] = "int4/2"; }) == quantized_shape);   // the codes are U8
  CHECK(after([](Json& list) { list[0]["options"]["grid"] = "nf4/1"; }) == quantized_tensors);  // zero points too many
  CHECK(after([](Json& list) { list[0]["options"]["grid"] = "int3z/1"; }) == quantized_scale);  // zero point 15
}

TEST_CASE("schema 1, one set of options for all matrices, is read and refused as before") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors", old = test::read_file("tests/cli/old/int4.safetensors");
  test::write_file(path, old);
  {
    const auto q = QuantizedFile::open(path);
    REQUIRE(q);
    CHECK(q->header().schema == 1);
    REQUIRE(q->header().matrices.size() == 2);
    const QuantizedMatrix& b = q->header().matrices[1];
    CHECK(b.name == "b.weight");
    CHECK(b.rows == 5);
    CHECK(b.cols == 8);
    CHECK(b.options.grid == Grid::parse("int4s").value());
    CHECK(b.options.group_size == 4);
    CHECK(b.options.desc_act);
    CHECK(b.options.scale_storage == ScaleStorage::f32);
    CHECK(q->steps(b)->scales.cols() == 2);
  }
  const auto after = [&](const Edit& edit) {
    test::write_file(path, old);
    rewrite(path, edit);
    return error_of(path);
  };
  const auto entry = [&](const std::string& key, const std::string& value) {
    return after([&](auto& metadata, auto&, auto&) { metadata["hallmark." + key] = value; });
  };
  CHECK(after([](auto&, auto&, auto&) {}) == 0);
  for (const std::string key :
       {"schema", "tool", "grid", "method", "scale_rule", "rounding", "group_size", "block_size", "damp_percent",
        "desc_act", "guard", "source.sha256", "source.metadata", "calibration.sha256", "tensors", "payload.sha256"}) {
    CAPTURE(key);
    CHECK(after([&](auto& metadata, auto&, auto&) { REQUIRE(metadata.erase("hallmark." + key) == 1); }) ==
          quantized_metadata);
  }
  CHECK(entry("schema", "2") == quantized_metadata);  // no matrices
  CHECK(entry("grid", "gf99/1") == quantized_grid);
  CHECK(entry("grid", "gf16/2") == quantized_grid);
  CHECK(entry("grid", "int4s") == quantized_grid);  // files carry the version
  CHECK(entry("group_size", "-1") == quantized_metadata);
  CHECK(entry("group_size", "1 ") == quantized_metadata);
  CHECK(entry("damp_percent", "nan") == quantized_metadata);
  CHECK(entry("guard", "yes") == quantized_metadata);
  CHECK(entry("tensors", R"([{"dtype":"F32","name":"a","quantized":true,"shape":[2]}])") == quantized_metadata);
  CHECK(entry("tensors", R"([{"dtype":"F32","name":"a","shape":[2]}])") == quantized_metadata);
  CHECK(entry("tensors", "[]") == quantized_tensors);
  CHECK(entry("group_size", "2") == quantized_shape);  // the scales are one for four columns
  CHECK(entry("grid", "gf16/1") == quantized_shape);   // the codes are I8
}

TEST_CASE("a flipped bit anywhere in the tensors is a mismatch") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  REQUIRE(write(path, header_of("gf16/1")));
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
