// --to gguf: blocks of the bytes that ggml reads, and a file that gives back every number it was made of.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "artifact/file_format.hpp"
#include "artifact/gguf_blocks.hpp"
#include "artifact/llama_layout.hpp"
#include "artifact/rotation_signs.hpp"
#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "quantized_files.hpp"

#include "format/golden_float.hpp"

namespace gguf_format_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (const std::byte b : bytes) out += fmt::format("{:02x}", std::to_integer<unsigned>(b));
  return out;
}

// Numbers without pattern, the same on every run.
class Noise {
 public:
  unsigned next() { return (state_ = state_ * 1664525U + 1013904223U) >> 8; }

 private:
  unsigned state_ = 7;
};

// A matrix with random codes of its grid and random scales of binary16, of either sign where the grid takes that.
struct MadeMatrix {
  QuantizedMatrix matrix;
  std::vector<Code> codes;
  Steps steps;

  MadeMatrix(QuantizedMatrix m, Noise& noise) : matrix(std::move(m)) {
    const GridSpec& grid = matrix.options.grid.spec();
    const auto rows = static_cast<Index>(matrix.rows), cols = static_cast<Index>(matrix.cols);
    for (Index k = 0; k < rows * cols; ++k)
      codes.push_back(
          static_cast<Code>(grid.first + static_cast<int>(noise.next() % unsigned(grid.last - grid.first + 1))));
    steps = {Matrix<float>(rows, groups_of(cols, matrix.options.group_size)), {}, matrix.options.group_size};
    for (Index k = 0; k < steps.scales.size(); ++k) {
      const float s =
          std::ldexp(static_cast<float>(1024 + noise.next() % 1024), static_cast<int>(noise.next() % 20) - 24);
      steps.scales.data()[k] = grid.either_sign && noise.next() % 2 == 1 ? -s : s;
    }
  }
};

Options gguf_options(const std::string& grid, Index group_size, ScaleStorage storage = ScaleStorage::f16) {
  Options options{Grid::parse(grid).value()};
  options.group_size = group_size;
  options.method = "rtn";
  options.scale_rule = "given";
  options.scale_storage = storage;
  return options;
}

struct Files {
  TemporaryFolder folder;
  std::string container = folder / "q.safetensors", gguf = folder / "q.gguf", back = folder / "back.safetensors";
  std::vector<OriginalTensor> tensors;
  std::vector<MadeMatrix> made;
  Noise noise;

  void add(const std::string& name, std::uint64_t rows, std::uint64_t cols, const Options& options,
           bool transposed = false) {
    tensors.push_back({name, DType::F32, transposed ? Shape{cols, rows} : Shape{rows, cols}});
    made.emplace_back(QuantizedMatrix{name, name, std::nullopt, transposed, rows, cols, options}, noise);
  }
  void add_stack(const std::string& name, std::uint64_t rows, std::uint64_t cols, const std::vector<Options>& each) {
    tensors.push_back({name, DType::BF16, {each.size(), rows, cols}});
    for (std::uint64_t i = 0; i < each.size(); ++i)
      made.emplace_back(QuantizedMatrix{fmt::format("{}[{}]", name, i), name, i, false, rows, cols, each[i]}, noise);
  }
  void write() const {
    QuantizedHeader header;
    header.tool = "hallmark test";
    header.source_metadata = {{"format", "pt"}, {"Éa \"b\"", "c\nd"}};
    header.tensors = tensors;
    for (const MadeMatrix& one : made) header.matrices.push_back(one.matrix);
    auto writer = QuantizedFileWriter::create(container, true, header);
    REQUIRE(writer);
    for (const MadeMatrix& one : made) REQUIRE(writer->write_quantized(one.matrix.name, one.codes, one.steps));
    const auto matrices = matrices_by_tensor(header);
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      if (!matrices[t].empty()) continue;
      std::string bytes(static_cast<std::size_t>(element_count(tensors[t].shape)) * dtype_bits(tensors[t].dtype) / 8,
                        'b');
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
      REQUIRE(writer->write_unchanged(
          {tensors[t].name, tensors[t].dtype, tensors[t].shape, std::as_bytes(std::span(bytes))}));
    }
    REQUIRE(writer->commit());
  }
  Status convert(const std::string& from, const char* to, const std::string& path) const {
    const auto model = read_quantized(from);
    if (!model) return model.error();
    return write_quantized(**model, **find_file_format(to), {path, true});
  }
  int refused() const {
    write();
    const Status written = convert(container, "gguf", gguf);
    CHECK(!std::filesystem::exists(gguf));
    return written ? 0 : written.error().number;
  }
};

int reading(const std::string& path) {
  const auto model = read_quantized(path);
  if (!model) return model.error().number;
  const Status sound = check_model(**model);
  return sound ? 0 : sound.error().number;
}

}  // namespace

TEST_CASE("blocks have the bytes that ggml gives them") {
  // x_i = (i - 16) / 8 in blocks: d is the largest |x| over 8, or over 127.
  std::array<Code, 32> four, eight, read;
  for (int i = 0; i < 32; ++i) {
    four[static_cast<std::size_t>(i)] =
        static_cast<Code>(std::min(7, static_cast<int>(std::floor((i - 16) / 2.0 + 0.5))));
    eight[static_cast<std::size_t>(i)] = static_cast<Code>(std::lround((i - 16) / 8.0 * 63.5));
  }
  std::array<std::byte, 18> q4;
  gguf::pack_block(gguf::Type::Q4_0, FP16::encode(0.25F), four, q4.data());
  CHECK(hex(q4) == "0034809191a2a2b3b3c4c4d5d5e6e6f7f7f8");
  CHECK(gguf::unpack_block(gguf::Type::Q4_0, q4.data(), read) == 0x3400);
  CHECK(read == four);
  std::array<std::byte, 34> q8;
  gguf::pack_block(gguf::Type::Q8_0, FP16::encode(2 / 127.0F), eight, q8.data());
  CHECK(hex(q8) == "082481899199a1a9b1b9c0c8d0d8e0e8f0f8000810182028303840474f575f676f77");
  CHECK(gguf::unpack_block(gguf::Type::Q8_0, q8.data(), read) == 0x2408);
  CHECK(read == eight);
}

TEST_CASE("a block of Q6_K is that of ggml, but for factors of the scale, which are 1") {
  std::array<Code, 256> made, read;
  for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<Code>(static_cast<int>(7 * i % 64) - 32);
  std::array<std::byte, 210> block;
  gguf::pack_block(gguf::Type::Q6_K, FP16::encode(0x1p-6F), made, block.data());
  CHECK(gguf::plain_factors(gguf::Type::Q6_K, block.data()));
  for (std::size_t j = 0; j < 16; ++j) {
    CHECK(block[192 + j] == std::byte{1});
    block[192 + j] = static_cast<std::byte>(j - 8);
    CHECK_FALSE(gguf::plain_factors(gguf::Type::Q6_K, block.data()));
  }
  // Of the same codes and scale in the package gguf 0.19.0, with factors from -8 to 7.
  CHECK(sha256_hex(block) == "b56a922ed850b4155efd0b4ac17481b6dc6a3f8447f6ce515b6fb3cbe43de6f2");
  CHECK(FP16::decode(gguf::unpack_block(gguf::Type::Q6_K, block.data(), read)) == 0x1p-6F);
  CHECK(read == made);
}

TEST_CASE("what the file gives back is the container, byte for byte") {
  Files files;
  files.tensors = {{"half", DType::F16, {5}}, {"one", DType::F64, {}}};
  files.add("w", 3, 64, gguf_options("int4", 32));
  files.tensors.push_back({"ids", DType::I64, {2, 3}});
  files.add("turned", 2, 96, gguf_options("int8", 0), true);
  files.add("wide groups", 5, 160, gguf_options("int3s", 96));
  files.add_stack("experts", 4, 32, {gguf_options("int4s", 32), gguf_options("int2", 0), gguf_options("int4", 32)});
  files.add("six", 7, 32, gguf_options("int6", 32, ScaleStorage::f32));
  files.add("wide six", 3, 512, gguf_options("int6", 256));
  files.add("whole five", 2, 256, gguf_options("int5s", 0));
  files.add("narrow six", 2, 256, gguf_options("int6", 128));
  files.tensors.push_back({"brain", DType::BF16, {1, 2, 3}});
  files.write();
  REQUIRE(files.convert(files.container, "gguf", files.gguf));
  CHECK(reading(files.gguf) == 0);
  REQUIRE(files.convert(files.gguf, "hallmark", files.back));
  CHECK(read_file(files.back) == read_file(files.container));
  REQUIRE(files.convert(files.gguf, "gguf", files.folder / "again"));
  CHECK(read_file(files.folder / "again") == read_file(files.gguf));

  const std::string bytes = read_file(files.gguf);
  const auto parsed = gguf::parse(std::as_bytes(std::span(bytes)), "made");
  REQUIRE(parsed);
  CHECK(parsed->strings.at("general.architecture") == "hallmark");
  std::string shapes;
  for (const gguf::Tensor& t : parsed->tensors)
    shapes += fmt::format("{} {} {}; ", t.name, gguf::info_of(t.type).name, shape_text(t.dims));
  CHECK(shapes ==
        "half F16 [5]; one F64 [1]; w Q4_0 [64, 3]; ids I64 [3, 2]; turned Q8_0 [96, 2]; wide groups Q4_0 [160, 5]; "
        "experts Q4_0 [32, 4, 3]; six Q8_0 [32, 7]; wide six Q6_K [512, 3]; whole five Q6_K [256, 2]; narrow six Q8_0 "
        "[256, 2]; brain BF16 [3, 2, 1]; ");
  // Row 1, block 1 of w, by the layout alone.
  const MadeMatrix& w = files.made[0];
  const std::byte* const block = parsed->tensors[2].data.data() + (1 * 2 + 1) * 18;
  std::uint16_t d;
  std::memcpy(&d, block, sizeof d);
  CHECK(FP16::decode(d) == w.steps.scales(1, 1));
  for (std::size_t i = 0; i < 16; ++i) {
    const auto byte = std::to_integer<int>(block[2 + i]);
    CHECK((byte & 15) - 8 == static_cast<std::int16_t>(w.codes[64 + 32 + i]));
    CHECK((byte >> 4) - 8 == static_cast<std::int16_t>(w.codes[64 + 48 + i]));
  }
}

TEST_CASE("what GGUF cannot hold is refused, and nothing is written") {
  using namespace error_number;
  const Options good = gguf_options("int4", 32);
  const auto number = [](const std::function<void(Files&)>& make) {
    Files files;
    make(files);
    return files.refused();
  };
  const auto one = [&](std::uint64_t cols, const Options& options) {
    return number([&](Files& f) { f.add("w", 2, cols, options); });
  };
  CHECK(one(48, good) == format_refuses);
  CHECK(one(64, gguf_options("int4", 16)) == format_refuses);
  CHECK(one(96, gguf_options("int4", 48)) == format_refuses);
  Options rotated = good;
  rotated.rotation = "hadamard:16";
  rotated.group_size = 0;
  rotated.method = "gptq";
  rotated.scale_rule = "absmax";
  CHECK(number([&](Files& f) {
          f.add("w", 2, 32, rotated);
          f.made[0].steps.rotation = {rotation_signs(rotated, "w", 32), {0, 0}};
        }) == format_refuses);
  CHECK(number([&](Files& f) {
          f.add("w", 2, 32, gguf_options("int4z", 32));
          f.made[0].steps.zeros = Matrix<std::int16_t>::Constant(2, 1, 3);
        }) == format_refuses);
  for (const float s : {0x1.002p0F, 0x1p-15F, 0x1p16F})  // too precise, subnormal, infinite as binary16
    CHECK(number([&](Files& f) {
            f.add("w", 2, 64, gguf_options("int4", 32, ScaleStorage::f32));
            f.made[0].steps.scales(1, 1) = s;
          }) == format_refuses);
  CHECK(number([&](Files& f) { f.add_stack("e", 2, 32, {good, gguf_options("int8", 32)}); }) == format_refuses);
  CHECK(number([&](Files& f) { f.tensors = {{"byte", DType::U8, {3}}}; }) == format_refuses);
  CHECK(number([&](Files& f) { f.tensors = {{"none", DType::F32, {0, 3}}}; }) == plan_size);
  CHECK(number([&](Files& f) { f.tensors = {{"five", DType::F32, {1, 1, 1, 1, 1}}}; }) == plan_size);
  CHECK(number([&](Files& f) { f.add(std::string(64, 'w'), 2, 32, good); }) == plan_name);
}

TEST_CASE("no byte of what is read changes unnoticed, and no prefix is a model") {
  Files files;
  files.add("w", 1, 64, gguf_options("int4", 0));
  files.add("six", 1, 256, gguf_options("int6", 0));
  files.tensors.push_back({"b", DType::F16, {3}});
  files.write();
  REQUIRE(files.convert(files.container, "gguf", files.gguf));
  const std::string bytes = read_file(files.gguf);
  const std::size_t ours = bytes.find("hallmark.calibration") - 8;  // before it only general.* and the counts
  const std::string changed = files.folder / "changed";
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at >= 24 && at < ours) continue;
    std::string other = bytes;
    other[at] = static_cast<char>(other[at] ^ 1);
    write_file(changed, other);
    CAPTURE(at);
    CHECK(reading(changed) != 0);
    write_file(changed, bytes.substr(0, at));
    CHECK(reading(changed) != 0);
  }
}

TEST_CASE("scales that the certificate would not show are refused") {
  // d of the only row stands in two blocks. Both digests are made to fit, as whoever changes a file would.
  const auto with = [](const Options& options, std::uint16_t first, std::uint16_t second) {
    Files files;
    files.add("w", 1, 64, options);
    files.made[0].steps.scales(0, 0) = 1;
    files.write();
    REQUIRE(files.convert(files.container, "gguf", files.gguf));
    std::string bytes = read_file(files.gguf);
    REQUIRE(FP16::encode(1.0F) == 0x3C00);
    std::memcpy(bytes.data() + bytes.size() - 64, &first, 2);  // 36 bytes of data, 28 of padding
    std::memcpy(bytes.data() + bytes.size() - 46, &second, 2);
    write_file(files.gguf, bytes);
    const auto model = read_quantized(files.gguf);
    REQUIRE(model);
    const auto steps = (*model)->steps((*model)->header().matrices[0]);
    return steps ? 0 : steps.error().number;
  };
  using namespace error_number;
  const Options row = gguf_options("int4", 0), bf16 = gguf_options("int4", 0, ScaleStorage::bf16);
  CHECK(with(row, 0x3C00, 0x3C00) == 0);
  CHECK(with(row, 0x3C01, 0x3C01) == 0);
  CHECK(with(row, 0x3C00, 0x3C01) == gguf_scales);
  CHECK(with(row, 0x0001, 0x0001) == quantized_scale);   // subnormal
  CHECK(with(row, 0x7C00, 0x7C00) == quantized_scale);   // infinite
  CHECK(with(row, 0x7E00, 0x7E00) == quantized_scale);   // NaN
  CHECK(with(bf16, 0x3C01, 0x3C01) == quantized_scale);  // not one of bfloat16, in whose bytes digests are
}

TEST_CASE("faulty blocks of Q6_K are refused") {
  // A row of two blocks of 210 bytes and 28 of padding, the last thing in the file; both digests would be made to fit.
  const auto with = [](const std::string& grid, const std::function<void(char* first, char* second)>& spoil) {
    Files files;
    files.add("w", 1, 512, gguf_options(grid, 0));
    files.made[0].steps.scales(0, 0) = 1;
    std::ranges::fill(files.made[0].codes, Code{1});
    files.write();
    REQUIRE(files.convert(files.container, "gguf", files.gguf));
    std::string bytes = read_file(files.gguf);
    char* const first = bytes.data() + bytes.size() - 448;
    REQUIRE(std::string_view(first + 192, 18) == std::string(16, '\1') + std::string("\0\x3C", 2));
    spoil(first, first + 210);
    write_file(files.gguf, bytes);
    const auto model = read_quantized(files.gguf);
    REQUIRE(model);
    const QuantizedMatrix& matrix = (*model)->header().matrices[0];
    const auto steps = (*model)->steps(matrix);
    if (!steps) return steps.error().number;
    const Status sound = check_values(**model, matrix, *(*model)->codes(matrix), *steps);
    return sound ? 0 : sound.error().number;
  };
  using namespace error_number;
  CHECK(with("int6", [](char*, char*) {}) == 0);
  for (std::size_t factor = 0; factor < 16; ++factor)
    for (const int value : {0, 2, -1, -128})
      CHECK(with("int6", [&](char*, char* second) { second[192 + factor] = static_cast<char>(value); }) == gguf_scales);
  const auto with_scale = [&](std::uint16_t d) {
    return with("int6", [&](char* first, char* second) {
      std::memcpy(first + 208, &d, sizeof d);
      std::memcpy(second + 208, &d, sizeof d);
    });
  };
  CHECK(with_scale(0x3C01) == 0);
  for (const std::uint16_t d :
       std::initializer_list<std::uint16_t>{0x0000, 0x0001, 0x7C00, 0xFC00, 0x7E00}) {  // 0, subnormal, infinite, NaN
    CAPTURE(d);
    CHECK(with_scale(d) == quantized_scale);
  }
  CHECK(with("int6", [](char*, char* second) { second[208] = 1; }) == gguf_scales);  // of another size in one group
  // The code 1 is the word 33: its high bits are 2. With 0 it is -31, with the low ones 0 too -32, beyond int6s.
  const auto with_code = [&](const std::string& grid, bool low) {
    return with(grid, [&](char* first, char*) {
      first[128] = static_cast<char>(first[128] & ~3);
      if (low) first[0] = static_cast<char>(first[0] & ~15);
    });
  };
  CHECK(with_code("int6", false) == 0);
  CHECK(with_code("int6", true) == 0);
  CHECK(with_code("int6s", true) == quantized_code);
  CHECK(with_code("int5", false) == quantized_code);
}

TEST_CASE("a llama's file says its heads, and a number that W could not hold is refused") {
  using namespace error_number;
  for (const char* const text : {"", "4", "4 ", " 2", "4 0", "0 2", "04 2", "4 2 ", "4  2", "-4 2", "4 2x"}) {
    CAPTURE(text);
    CHECK_FALSE(llama::heads_of(text));
  }
  CHECK(llama::text_of(*llama::heads_of("4 2")) == "4 2");
  const auto bytes = [](auto value) {
    const auto all = std::as_bytes(std::span(&value, 1));
    return std::vector<std::byte>(all.begin(), all.end());
  };
  for (const DType dtype : {DType::F16, DType::BF16}) {
    const OriginalTensor tensor{"model.norm.weight", dtype, {1}};
    const llama::Arrangement widened{0, true};
    for (const std::uint16_t word : std::initializer_list<std::uint16_t>{0, 0x8000, 1, 0x3C00, 0xBF81, 0x7C00}) {
      CAPTURE(word);
      const auto wide = llama::to_file(tensor, widened, bytes(word));
      REQUIRE(wide);
      CHECK(*llama::from_file(tensor, widened, *wide) == bytes(word));
    }
    const auto narrow = llama::from_file(tensor, widened, bytes(0x1.00002p0F));
    REQUIRE_FALSE(narrow);
    CHECK(narrow.error().number == quantized_shape);
  }
}

}  // namespace gguf_format_test
