// GPTQ and compressed-tensors: what they cannot hold unchanged is refused before the first byte, and so is a file that
// is not what its metadata say.
#include <algorithm>

#include "artifact/file_format.hpp"
#include "artifact/rotation_signs.hpp"
#include "base/error_numbers.hpp"
#include "quantized_files.hpp"

namespace word_file_refused_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

/// One matrix of zeros among the codes of its grid, [rows, cols], and a bias.
struct Model {
  std::string name = "l.weight", grid = "int4";
  std::uint64_t rows = 32, cols = 32;
  Index group_size = 0;
  float scale = 0.25F;
  std::int16_t zero = 1;
  bool transposed = false, stacked = false;
  std::string rotation = "none";
  float last_scale = 0;  ///< of the last row, where not 0
};

Status write_container(const std::string& path, const Model& m) {
  Options options{Grid::parse(m.grid).value()};
  options.group_size = m.group_size;
  options.rotation = m.rotation;
  QuantizedHeader header;
  header.tool = "hallmark test";
  Shape shape = m.transposed ? Shape{m.cols, m.rows} : Shape{m.rows, m.cols};
  if (m.stacked) shape.insert(shape.begin(), 1);
  header.tensors = {{m.name, DType::F32, shape}, {"a.bias", DType::F32, {2}}};
  QuantizedMatrix matrix{m.name, m.name, std::nullopt, m.transposed, m.rows, m.cols, options};
  if (m.stacked) matrix.name += "[0]", matrix.index = 0;
  header.matrices = {matrix};
  header.schema = m.rotation == "none" ? 2 : 3;
  auto writer = QuantizedFileWriter::create(path, true, header);
  if (!writer) return writer.error();
  const auto rows = static_cast<Index>(m.rows), groups = groups_of(static_cast<Index>(m.cols), m.group_size);
  Steps steps{Matrix<float>::Constant(rows, groups, m.scale), {}, m.group_size};
  if (m.last_scale != 0) steps.scales(rows - 1, groups - 1) = m.last_scale;
  if (options.grid.spec().zero_points) steps.zeros = Matrix<std::int16_t>::Constant(rows, groups, m.zero);
  if (m.rotation != "none")
    steps.rotation = {rotation_signs(options, matrix.name, static_cast<Index>(m.cols)),
                      std::vector<std::uint8_t>(m.rows, 1)};
  const std::vector<Code> codes(m.rows * m.cols, 0);
  if (Status done = writer->write_quantized(matrix.name, codes, steps); !done) return done;
  if (Status done = writer->write_unchanged(bias_tensor()); !done) return done;
  return writer->commit();
}

Status exported(const std::string& from, const char* to, const std::string& path) {
  const auto model = read_quantized(from);
  if (!model) return model.error();
  return write_quantized(**model, **find_file_format(to), {path, true});
}

/// What reading and judging a file says: 0, or the number of the error.
int judged(const std::string& path) {
  const auto model = read_quantized(path);
  const Status sound = model ? check_model(**model) : Status(model.error());
  return sound ? 0 : sound.error().number;
}

const std::vector<const char*> formats{"gptq", "gptq-v2", "compressed-tensors"};

using Data = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("a model that would change is refused with tensor and reason, and nothing is written") {
  const TemporaryFolder folder;
  struct Refusal {
    Model model;
    std::string reason;
    std::vector<const char*> by = formats;
  };
  const std::vector<const char*> gptq{"gptq", "gptq-v2"}, other{"compressed-tensors"};
  const std::vector<Refusal> refusals{
      {{.grid = "gf16"}, "no codes of grid gf16/1"},
      {{.grid = "nf4"}, "no codes of grid nf4/1"},
      {{.grid = "lloyd:3"}, "no codes of grid lloyd:3/1"},
      {{.grid = "int5"}, "no codes of grid int5/2", gptq},
      {{.grid = "int7z"}, "no codes of grid int7z/1", gptq},
      {{.name = "l.w"}, "NAME.weight"},
      {{.name = ".weight"}, "NAME.weight"},
      {{.stacked = true}, "stack"},
      {{.rotation = "hadamard:16"}, "rotation"},
      {{.transposed = true}, "[inputs, outputs]", other},
      {{.group_size = 24}, "groups of 24 do not divide 32 columns"},
      {{.rows = 16}, "multiples of 32", gptq},
      {{.cols = 48}, "multiples of 32", gptq},
      {{.scale = 0.1F}, "neither F16 nor BF16"},          // 24 bits
      {{.scale = 0x1p-15F * 1.25F}, ""},                  // F16 would have it subnormal, BF16 has it
      {{.scale = 0x1.00cp-15F}, "neither F16 nor BF16"},  // 11 bits, below
      {{.scale = 65536.0F}, ""},                          // above
      {{.scale = 0x1.00cp-3F, .last_scale = 0x1p-20F}, "neither F16 nor BF16"},  // one of F16 alone, one of BF16
      {{.grid = "int4z", .zero = 0}, "--to gptq-v2", {"gptq"}}};
  for (const Refusal& refusal : refusals) {
    REQUIRE(write_container(folder / "q", refusal.model));
    for (const char* format : formats) {
      CAPTURE(refusal.reason);
      CAPTURE(std::string(format));
      const bool fits =
          refusal.reason.empty() || std::ranges::find(refusal.by, std::string_view(format)) == refusal.by.end();
      const Status written = exported(folder / "q", format, folder / "p");
      CHECK_MESSAGE(bool(written) == fits, (written ? "written" : written.error().what + ": " + written.error().where));
      CHECK(folder.count() == (written ? 3 : 1));
      if (written) {
        std::filesystem::remove(folder / "p");
        std::filesystem::remove(folder / "p.config.json");
        continue;
      }
      CHECK(written.error().number == error_number::format_refuses);
      CHECK(written.error().where.find("'" + refusal.model.name) != std::string::npos);
      CHECK_MESSAGE(written.error().where.find(refusal.reason) != std::string::npos, written.error().where);
    }
  }
}

TEST_CASE("scales are BF16 where F16 does not hold all of them") {
  const TemporaryFolder folder;
  REQUIRE(write_container(folder / "q", {.grid = "int3z", .group_size = 16, .scale = 0x1.8p-20F}));
  for (const char* format : formats) {
    REQUIRE(exported(folder / "q", format, folder / "p"));
    const auto file = SafeTensors::open(folder / "p");
    REQUIRE(file);
    const std::string scales = std::string_view(format) == "compressed-tensors" ? "l.weight_scale" : "l.scales";
    CHECK(file->find(scales)->dtype == DType::BF16);
    CHECK(judged(folder / "p") == 0);
    REQUIRE(exported(folder / "p", "hallmark", folder / "back"));
    CHECK(read_file(folder / "back") == read_file(folder / "q"));
  }
}

TEST_CASE("file and config appear together or not at all") {
  const TemporaryFolder folder;
  REQUIRE(write_container(folder / "q", {}));
  for (const std::string taken : {"p", "p.config.json"}) {
    write_file(folder / taken, "mine");
    const auto model = read_quantized(folder / "q");
    REQUIRE(model);
    const Status written = write_quantized(**model, **find_file_format("gptq"), {folder / "p", false});
    REQUIRE_FALSE(written);
    CHECK(written.error().number == error_number::output_exists);
    CHECK(read_file(folder / taken) == "mine");
    CHECK(folder.count() == 2);
    std::filesystem::remove(folder / taken);
  }
  REQUIRE(exported(folder / "q", "gptq", folder / "p"));
  CHECK(folder.count() == 3);
  const Status index = exported(folder / "q", "gptq", folder / "m.safetensors.index.json");
  REQUIRE_FALSE(index);
  CHECK(index.error().number == error_number::output_is_index);
  CHECK(folder.count() == 3);
}

TEST_CASE("a file that was changed or cut is refused") {
  const TemporaryFolder folder;
  REQUIRE(write_container(folder / "q", {.grid = "int4s"}));
  for (const char* format : formats) {
    CAPTURE(format);
    REQUIRE(exported(folder / "q", format, folder / "p"));
    const std::string good = read_file(folder / "p");
    CHECK(judged(folder / "p") == 0);
    for (const std::size_t length : {std::size_t{0}, std::size_t{7}, good.size() / 2, good.size() - 1}) {
      write_file(folder / "p", good.substr(0, length));
      CHECK(judged(folder / "p") / 100 == 3);
    }
    for (std::size_t k = 1; k <= 8; ++k) {  // one bit of the tensors
      std::string bad = good;
      bad[good.size() - k * 40] ^= 16;
      write_file(folder / "p", bad);
      CHECK(judged(folder / "p") == error_number::payload_digest);
    }
    write_file(folder / "p", good);
    patch(folder / "p", "int4/1", "int4/2");
    CHECK(judged(folder / "p") == error_number::payload_digest);
  }
}

TEST_CASE("digests that fit do not make words sound") {
  using namespace error_number;
  const TemporaryFolder folder;
  const auto after = [&](const char* format, const Model& model, const Edit& edit) {
    REQUIRE(write_container(folder / "q", model));
    REQUIRE(exported(folder / "q", format, folder / "p"));
    rewrite(folder / "p", edit);
    return judged(folder / "p");
  };
  const auto byte = [](const char* tensor, char value) -> Edit {
    return [tensor, value](auto&, auto&, Data& data) { data.at(tensor)[0] = value; };
  };
  const Edit nothing = [](auto&, auto&, Data&) {};
  const Model symmetric{.grid = "int4s"}, zeros{.grid = "int3z", .group_size = 16};
  for (const char* format : formats) CHECK(after(format, symmetric, nothing) == 0);

  CHECK(after("gptq", symmetric, byte("l.qweight", '\x80')) == quantized_code);  // -8
  CHECK(after("gptq", symmetric, byte("l.qzeros", '\x78')) == quantized_scale);
  CHECK(after("gptq-v2", symmetric, byte("l.qzeros", '\x78')) == quantized_scale);
  CHECK(after("gptq", zeros, byte("l.g_idx", 1)) == quantized_shape);
  CHECK(after("gptq", zeros, byte("l.qzeros", '\x07')) == quantized_scale);  // 8, beyond the grid
  CHECK(after("compressed-tensors", symmetric, byte("l.weight_shape", 33)) == quantized_shape);
  CHECK(after("compressed-tensors", {.grid = "int3", .cols = 30},
              [](auto&, auto&, Data& data) { data.at("l.weight_packed")[11] = '\x40'; }) == quantized_code);
  CHECK(after("compressed-tensors", {.grid = "int3z", .rows = 30},
              [](auto&, auto&, Data& data) { data.at("l.weight_zero_point")[11] = '\x40'; }) == quantized_scale);
  CHECK(after("gptq", symmetric, [](auto&, auto&, Data& data) {
          data.at("l.scales").replace(0, 2, std::string("\x00\x7E", 2));  // NaN
        }) == quantized_scale);

  const auto renamed = [](const char* from, const char* to) -> Edit {
    return [from, to](auto&, auto& plan, Data& data) {
      for (TensorPlan& tensor : plan)
        if (tensor.name == from) tensor.name = to;
      data[to] = data.at(from);
    };
  };
  CHECK(after("gptq", symmetric, renamed("l.g_idx", "l.g_id")) == quantized_tensors);
  CHECK(after("gptq", symmetric, renamed("l.scales", "l.scale")) == quantized_tensors);
  const auto retyped = [](const char* name, DType dtype) -> Edit {
    return [name, dtype](auto&, auto& plan, Data&) {
      for (TensorPlan& tensor : plan)
        if (tensor.name == name) tensor.dtype = dtype;
    };
  };
  CHECK(after("gptq", symmetric, retyped("l.qweight", DType::U32)) == quantized_shape);
  CHECK(after("gptq", symmetric, retyped("l.scales", DType::I16)) == quantized_shape);

  const auto says = [](const char* key, const char* from, const char* to) -> Edit {
    return [key, from, to](auto& metadata, auto&, Data&) {
      std::string& value = metadata.at(key);
      REQUIRE(value.find(from) != std::string::npos);
      value.replace(value.find(from), std::string_view(from).size(), to);
    };
  };
  CHECK(after("gptq", symmetric, says("hallmark.file_format", "/1", "/2")) == quantized_scale);
  CHECK(after("gptq", symmetric, says("hallmark.file_format", "gptq/1", "gptq/9")) == quantized_metadata);
  CHECK(after("gptq", symmetric, says("hallmark.matrices", "int4/1", "nf4/1")) == quantized_metadata);
  CHECK(after("gptq", symmetric, says("hallmark.matrices", "int4/1", "int3/1")) == quantized_shape);
  CHECK(after("gptq", symmetric, says("hallmark.matrices", R"("group_size":0)", R"("group_size":3)")) ==
        quantized_metadata);
  CHECK(after("gptq", symmetric, says("hallmark.schema", "4", "3")) == quantized_metadata);
  CHECK(after("gptq", symmetric, [](auto& metadata, auto&, Data&) { metadata.erase("hallmark.payload.sha256"); }) ==
        quantized_metadata);
}

}  // namespace word_file_refused_test
