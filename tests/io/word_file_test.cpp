// GPTQ and compressed-tensors: the words are those of their libraries, a reader of its own finds the certified numbers
// in them, and a file is read back as the model that it was.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "artifact/file_format.hpp"
#include "artifact/word_stream.hpp"
#include "method/rtn.hpp"
#include "quantized_files.hpp"

namespace word_file_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Made {
  std::string name;  // of the tensor
  Options options;
  Index rows = 32, cols = 64;
  bool transposed = false;
  bool no_zero_of_0 = false;
};

Options grid_options(const std::string& grid, Index group_size = 0) {
  Options options{Grid::parse(grid).value()};
  options.group_size = group_size;
  options.desc_act = true;  // its groups are runs of columns all the same
  return options;
}

/// Codes, scales and zero points drawn from all that the grid has; scales are numbers of F16.
void write_container(const std::string& path, const std::vector<Made>& all) {
  QuantizedHeader header;
  header.tool = "hallmark test";
  for (const Made& m : all) {
    const auto rows = static_cast<std::uint64_t>(m.rows), cols = static_cast<std::uint64_t>(m.cols);
    header.tensors.push_back({m.name, DType::F32, m.transposed ? Shape{cols, rows} : Shape{rows, cols}});
    header.matrices.push_back({m.name, m.name, std::nullopt, m.transposed, rows, cols, m.options});
  }
  header.tensors.push_back({"a.bias", DType::F32, {2}});
  header.tensors.push_back({"head.weight", DType::F32, {1, 2}});
  auto writer = QuantizedFileWriter::create(path, true, header);
  REQUIRE(writer);
  std::mt19937 random(7);
  const auto draw = [&](int low, int high) { return low + static_cast<int>(random() % unsigned(high - low + 1)); };
  for (const Made& m : all) {
    const GridSpec& grid = m.options.grid.spec();
    const Index groups = groups_of(m.cols, m.options.group_size);
    Matrix<Code> codes(m.rows, m.cols);
    Steps steps{Matrix<float>(m.rows, groups), {}, m.options.group_size};
    for (Index k = 0; k < codes.size(); ++k) codes.data()[k] = static_cast<Code>(draw(grid.first, grid.last));
    for (float& s : std::span(steps.scales.data(), static_cast<std::size_t>(steps.scales.size())))
      s = static_cast<float>(draw(1, 2047)) * 0x1p-14F * (grid.either_sign && draw(0, 1) == 1 ? -1 : 1);
    if (grid.zero_points) steps.zeros.resize(m.rows, groups);
    for (Index k = 0; k < steps.zeros.size(); ++k)
      steps.zeros.data()[k] = static_cast<std::int16_t>(draw(m.no_zero_of_0 ? 1 : 0, grid.last));
    REQUIRE(writer->write_quantized(m.name, {codes.data(), static_cast<std::size_t>(codes.size())}, steps));
  }
  REQUIRE(writer->write_unchanged({"a.bias", DType::F32, {2}, std::as_bytes(std::span(bias))}));
  REQUIRE(writer->write_unchanged({"head.weight", DType::F32, {1, 2}, std::as_bytes(std::span(bias))}));
  REQUIRE(writer->commit());
}

Status convert(const std::string& from, const char* to, const std::string& path) {
  const auto model = read_quantized(from);
  if (!model) return model.error();
  return write_quantized(**model, **find_file_format(to), {path, true});
}

template <class T>
std::vector<T> numbers(const SafeTensors& file, const std::string& name) {
  const TensorInfo* const tensor = file.find(name);
  REQUIRE_MESSAGE(tensor != nullptr, name);
  std::vector<T> values(tensor->data.size() / sizeof(T));
  std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

// The reader: W[o, i] = scale (q - z), straight from the layouts' own pages, bit by bit and with nothing of Hallmark's.
struct Reader {
  const SafeTensors& file;
  std::string layer;
  std::size_t out, in, bits;

  /// The code at place k of the line whose word w stands at first + w stride.
  int code(const std::vector<std::uint32_t>& words, std::size_t first, std::size_t stride, std::size_t k) const {
    int found = 0;
    for (std::size_t t = bits * k; t < bits * (k + 1); ++t)
      found |= static_cast<int>(words[first + t / 32 * stride] >> t % 32 & 1) << (t - bits * k);
    return found;
  }
  std::vector<double> gptq(int added_to_zeros) const {
    const auto q = numbers<std::uint32_t>(file, layer + ".qweight"),
               z = numbers<std::uint32_t>(file, layer + ".qzeros");
    const auto group = numbers<std::int32_t>(file, layer + ".g_idx");
    const std::vector<float> s = *widen_to_f32(*file.find(layer + ".scales"));
    std::vector<double> W;
    for (std::size_t o = 0; o < out; ++o)
      for (std::size_t i = 0; i < in; ++i) {
        const auto g = static_cast<std::size_t>(group[i]);
        const int zero = code(z, g * (out * bits / 32), 1, o) + added_to_zeros;
        W.push_back(double(s[g * out + o]) * (code(q, o, out, i) - zero));
      }
    return W;
  }
  std::vector<double> pack_quantized(std::size_t groups, bool symmetric) const {
    const auto q = numbers<std::uint32_t>(file, layer + ".weight_packed");
    const auto z =
        symmetric ? std::vector<std::uint32_t>() : numbers<std::uint32_t>(file, layer + ".weight_zero_point");
    CHECK(numbers<std::int64_t>(file, layer + ".weight_shape") ==
          std::vector<std::int64_t>{std::int64_t(out), std::int64_t(in)});
    const std::vector<float> s = *widen_to_f32(*file.find(layer + ".weight_scale"));
    std::vector<double> W;
    for (std::size_t o = 0; o < out; ++o)
      for (std::size_t i = 0; i < in; ++i) {
        const std::size_t g = i / (in / groups);
        const int zero = symmetric ? 1 << (bits - 1) : code(z, g, groups, o);  // both are stored plus 2^(bits-1)
        W.push_back(double(s[o * groups + g]) * (code(q, o * ((in * bits + 31) / 32), 1, i) - zero));
      }
    return W;
  }
};

std::vector<double> certified(const QuantizedModel& model, const QuantizedMatrix& matrix) {
  const Matrix<double> W = dequantize_f64(*model.codes(matrix), *model.steps(matrix), matrix.options.grid);
  return {W.data(), W.data() + W.size()};
}

std::vector<Code> ascending(int bits) {
  std::vector<Code> codes(32);
  for (unsigned i = 0; i < 32; ++i) codes[i] = static_cast<Code>(i % (1U << bits));
  return codes;
}

}  // namespace

TEST_CASE("words are those that AutoGPTQ and compressed-tensors give the same codes") {
  const std::map<int, std::vector<std::uint32_t>> known{
      {3, {0x88FAC688, 0xC688FAC6, 0xFAC688FA}},
      {4, {0x76543210, 0xFEDCBA98, 0x76543210, 0xFEDCBA98}},
      {5, {0x8A418820, 0xC5A92839, 0xCA307B9A, 0x38BDAB49, 0xFFBBCDEB}},
      {6, {0x440C2040, 0xA2481C61, 0x3CE34C2C, 0x544D2450, 0xA6585D65, 0x7DE75C6D}},
      {7, {0x40608080, 0x880E1828, 0x68C16284, 0x88901E38, 0x58A94264, 0x668C982E, 0x3E78E9C3}}};
  for (const auto& [bits, expected] : known) {
    const Matrix<Code> stream = matrix_of(1, 32, ascending(bits));
    const Matrix<std::uint32_t> words = detail::pack_rows(stream, bits);
    CHECK(std::vector(words.data(), words.data() + words.size()) == expected);
    CHECK(*detail::unpack_rows(words, 32, bits) == stream);
  }
  // Zero points 1, 2, 3, -8, 7, 0, 5, -1 of four bits.
  CHECK(detail::pack_rows(matrix_of<Code>(1, 8, {9, 10, 11, 0, 15, 8, 13, 7}), 4)(0, 0) == 0x7D8F0BA9);
  // Bits behind the last code are 0, or this is none of our words.
  CHECK(detail::unpack_rows(matrix_of<std::uint32_t>(1, 1, {0x3FFFFFFF}), 10, 3));
  CHECK_FALSE(detail::unpack_rows(matrix_of<std::uint32_t>(1, 1, {0x40000000}), 10, 3));
}

TEST_CASE("a reader of its own decodes GPTQ words to the certified numbers, and the file goes back byte for byte") {
  const TemporaryFolder folder;
  const std::string container = folder / "q", packed = folder / "p", back = folder / "back";
  for (const int bits : {2, 3, 4, 8})
    for (const std::string kind : {"", "s", "z"})
      for (const Index group : {0, 32})
        for (const int version : {1, 2}) {
          const std::string grid = fmt::format("int{}{}", bits, kind);
          CAPTURE(grid);
          CAPTURE(group);
          CAPTURE(version);
          write_container(container, {{"l.weight", grid_options(grid, group), 64, 96, false, version == 1}});
          const Status written = convert(container, version == 1 ? "gptq" : "gptq-v2", packed);
          REQUIRE_MESSAGE(written, written.error().where);
          const auto model = read_quantized(packed);
          REQUIRE_MESSAGE(model, model.error().where);
          REQUIRE(check_model(**model));
          const auto file = SafeTensors::open(packed);
          const auto source = QuantizedFile::open(container);
          REQUIRE((file && source));
          const auto W = certified(*source, source->header().matrices[0]);
          CHECK(Reader{*file, "l", 64, 96, std::size_t(bits)}.gptq(version == 1 ? 1 : 0) == W);
          CHECK(certified(**model, (*model)->header().matrices[0]) == W);
          CHECK(file->find("l.scales")->dtype == DType::F16);
          REQUIRE(convert(packed, "hallmark", back));
          CHECK(read_file(back) == read_file(container));
        }
}

TEST_CASE("the zero words of grids without zero points") {
  const TemporaryFolder folder;
  const std::map<int, std::pair<std::uint32_t, std::uint32_t>> known{{2, {0x55555555, 0xAAAAAAAA}},
                                                                     {3, {0xDB6DB6DB, 0x24924924}},
                                                                     {4, {0x77777777, 0x88888888}},
                                                                     {8, {0x7F7F7F7F, 0x80808080}}};
  for (const auto& [width, words] : known) {
    write_container(folder / "q", {{"l.weight", grid_options(fmt::format("int{}", width))}});
    for (const int version : {1, 2}) {
      REQUIRE(convert(folder / "q", version == 1 ? "gptq" : "gptq-v2", folder / "p"));
      const auto file = SafeTensors::open(folder / "p");
      REQUIRE(file);
      CHECK(numbers<std::uint32_t>(*file, "l.qzeros")[0] == (version == 1 ? words.first : words.second));
    }
  }
}

TEST_CASE("compressed-tensors: the same, at every width and with words that do not end with a row") {
  const TemporaryFolder folder;
  const std::string container = folder / "q", packed = folder / "p", back = folder / "back";
  for (const int bits : {2, 3, 4, 5, 6, 7, 8})
    for (const std::string kind : {"", "s", "z"})
      for (const Index group : {0, 15}) {
        const std::string grid = fmt::format("int{}{}", bits, kind);
        CAPTURE(grid);
        CAPTURE(group);
        write_container(container, {{"l.weight", grid_options(grid, group), 7, 45}});
        const Status written = convert(container, "compressed-tensors", packed);
        REQUIRE_MESSAGE(written, written.error().where);
        const auto model = read_quantized(packed);
        REQUIRE_MESSAGE(model, model.error().where);
        REQUIRE(check_model(**model));
        const auto file = SafeTensors::open(packed);
        const auto source = QuantizedFile::open(container);
        REQUIRE((file && source));
        const auto W = certified(*source, source->header().matrices[0]);
        const Reader reader{*file, "l", 7, 45, std::size_t(bits)};
        CHECK(reader.pack_quantized(group == 0 ? 1 : 3, kind != "z") == W);
        CHECK((file->find("l.weight_zero_point") != nullptr) == (kind == "z"));
        REQUIRE(convert(packed, "hallmark", back));
        CHECK(read_file(back) == read_file(container));
      }
}

TEST_CASE("a matrix that W holds transposed is the same layer to GPTQ") {
  const TemporaryFolder folder;
  write_container(folder / "q", {{"l.weight", grid_options("int4"), 32, 64, true}});
  REQUIRE(convert(folder / "q", "gptq", folder / "p"));
  REQUIRE(convert(folder / "p", "hallmark", folder / "back"));
  CHECK(read_file(folder / "back") == read_file(folder / "q"));
}

TEST_CASE("FILE.config.json says which layers are quantized, and how") {
  const TemporaryFolder folder;
  write_container(folder / "q", {{"m.a.weight", grid_options("int4", 32)},
                                 {"m.b+.weight", grid_options("int8z")},
                                 {"m.c.weight", grid_options("int4s", 32)}});
  const auto config = [&](const char* format) {
    REQUIRE(convert(folder / "q", format, folder / "p"));
    return nlohmann::json::parse(read_file(folder / "p.config.json")).at("quantization_config");
  };
  const auto gptq = config("gptq-v2");
  CHECK(gptq.at("quant_method") == "gptq");
  CHECK(gptq.at("checkpoint_format") == "gptq_v2");
  CHECK(gptq.at("bits") == 4);
  CHECK(gptq.at("group_size") == 32);
  CHECK(gptq.at("sym") == true);
  CHECK(gptq.at("meta").at("quantizer") == nlohmann::json{"hallmark:test"});
  CHECK(gptq.at("dynamic") == nlohmann::json{{R"(+:^m\.b\+$)", {{"bits", 8}, {"group_size", -1}, {"sym", false}}},
                                             {"-:^head$", nlohmann::json::object()}});
  const auto compressed = config("compressed-tensors");
  CHECK(compressed.at("format") == "pack-quantized");
  const auto& groups = compressed.at("config_groups");
  REQUIRE(groups.size() == 2);
  CHECK(groups.at("group_0").at("targets") == nlohmann::json{"m.a", "m.c"});
  CHECK(groups.at("group_0").at("weights").at("strategy") == "group");
  CHECK(groups.at("group_0").at("weights").at("group_size") == 32);
  CHECK(groups.at("group_1").at("targets") == nlohmann::json{"m.b+"});
  CHECK(groups.at("group_1").at("weights").at("strategy") == "channel");
  CHECK(groups.at("group_1").at("weights").at("symmetric") == false);
  CHECK_FALSE(groups.at("group_1").at("weights").contains("group_size"));
}

}  // namespace word_file_test
