// The artifacts that parameter-golf's own scripts write: imported, listed, refused where they contradict themselves,
// and evaluated on a shard of tokens.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "../fuzz/pytorch_made.hpp"
#include "../io/temporary_folder.hpp"
#include "artifact/byte_shuffle.hpp"
#include "artifact/formats/parameter_golf_published.hpp"
#include "artifact/frame.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "io/pytorch.hpp"
#include "replay/model.hpp"
#include "shell.hpp"

namespace golf_published_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  TemporaryFolder folder;

  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

pytorch::Stored stored(DType dtype, const Shape& shape, const std::string& bytes) {
  const auto view = bytes_of(bytes);
  return {dtype, shape, {view.begin(), view.end()}};
}
pytorch::Stored floats(DType dtype, const Shape& shape, const std::vector<float>& values) {
  return stored(dtype, shape, stored_bytes(dtype, values));
}
const pytorch::Stored codes = stored(DType::I8, {2, 3}, {"\x7F\x00\xFF\x81\x02\xFD", 6});  // 127 0 -1, -127 2 -3

/// As the competition's scripts write them: a matrix, a tensor with one scale, and three that pass through.
pytorch::Dict int8_dict() {
  using pytorch::Dict;
  return {
      {"__quant_format__", "int8_clean_per_row_v1"},
      {"quantized", Dict{{"a", codes}, {"v", stored(DType::I8, {2}, "\x03\xFE")}}},
      {"scales", Dict{{"a", floats(DType::F16, {2}, {0x1p-7F, 0x1.554p-9F})}, {"v", floats(DType::F32, {}, {0.1F})}}},
      {"dtypes", Dict{{"a", "bfloat16"}, {"v", "float32"}}},
      {"passthrough", Dict{{"p", floats(DType::F16, {2}, {1.5F, 0x1.004p0F})},
                           {"g", floats(DType::F32, {1}, {0.1F})},
                           {"n", stored(DType::I64, {1}, std::string("\x2A\0\0\0\0\0\0\0", 8))}}},
      {"qmeta", Dict{{"a", Dict{{"scheme", "per_row"}, {"axis", std::int64_t{0}}}}}},
      {"passthrough_orig_dtypes", Dict{{"p", "bfloat16"}}}};
}
pytorch::Dict int6_dict() {
  using pytorch::Dict;
  return {{"w", Dict{{"g", floats(DType::F16, {1}, {0.5F})},
                     {"a.q", codes},
                     {"a.scale", floats(DType::F16, {2}, {0x1p-7F, 0x1.554p-9F})},
                     {"b.q", codes},
                     {"b.scale", floats(DType::F16, {2}, {1, 2})}}},
          {"m", Dict{{"b", "gptq (int6)"}, {"g", "passthrough"}, {"a", Dict{{"type", "int6"}}}}}};
}
pytorch::Dict& section(pytorch::Dict& dict, const std::string& key) {
  return std::get<pytorch::Dict>(std::ranges::find(dict, key, &pytorch::Entry::key)->value);
}
pytorch::Value& at(pytorch::Dict& dict, const std::string& key, const std::string& name) {
  auto& entries = section(dict, key);
  return std::ranges::find(entries, name, &pytorch::Entry::key)->value;
}
void drop(pytorch::Dict& dict, const std::string& key, const std::string& name) {
  std::erase_if(section(dict, key), [&](const pytorch::Entry& entry) { return entry.key == name; });
}
void write_artifact(const std::string& path, const pytorch::Dict& dict, const Frame& frame, bool shuffled = false,
                    const std::string& front = "") {
  std::vector<std::byte> archive = pytorch::archive_of(dict, "archive");
  if (shuffled) archive = byte_shuffled(archive);
  const auto file = frame.compress(archive);
  write_file(path, front + std::string(reinterpret_cast<const char*>(file.data()), file.size()));
}

}  // namespace

TEST_CASE("an artifact of the competition's scripts is imported as its readers compute it") {
  const Workspace work;
  write_artifact(work.folder / "m.ptz", int8_dict(), zlib_frame);
  const Result made = work.run("import m.ptz -o i");
  REQUIRE_MESSAGE(made.exit == 0, made.out);
  // A product in binary32, then rounded to the dtype that the dict says.
  const std::vector<float> products{127 * 0x1p-7F, 0, -0x1p-7F, -127 * 0x1.554p-9F, 2 * 0x1.554p-9F, -3 * 0x1.554p-9F};
  const auto file = SafeTensors::open(work.folder / "i");
  REQUIRE(file);
  std::vector<std::string> names;
  for (const TensorInfo& tensor : file->tensors()) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"a", "v", "p", "g", "n"});
  const auto holds = [&](const std::string& name, DType dtype, const Shape& shape, const std::string& bytes) {
    CAPTURE(name);
    const TensorInfo* const tensor = file->find(name);
    REQUIRE(tensor != nullptr);
    CHECK(tensor->dtype == dtype);
    CHECK(tensor->shape == shape);
    CHECK(std::ranges::equal(tensor->data, bytes_of(bytes)));
  };
  holds("a", DType::BF16, {2, 3}, stored_bytes(DType::BF16, products));
  holds("v", DType::F32, {2}, stored_bytes(DType::F32, {3 * 0.1F, -2 * 0.1F}));
  holds("p", DType::BF16, {2}, stored_bytes(DType::BF16, {1.5F, 1}));  // 1 + 2^-10 is none of BF16
  holds("g", DType::F32, {1}, stored_bytes(DType::F32, {0.1F}));
  holds("n", DType::I64, {1}, std::string("\x2A\0\0\0\0\0\0\0", 8));
  CHECK(work.run("inspect m.ptz").out.find("int8_clean_per_row_v1 in zlib, without certificate") != std::string::npos);
  CHECK(work.run("inspect --json m.ptz")
            .out.find("{\"name\":\"a\",\"dtype\":\"BF16\",\"shape\":[2,3],\"stored\":\"I8\","
                      "\"scales\":[2],\"scale_dtype\":\"F16\"}") != std::string::npos);
  for (const std::string command : {"verify m.ptz --certificate c --weights w", "dequantize m.ptz -o d"})
    check_error(work.run(command), 3, "E0360", {"m.ptz", "hallmark.json", "import"});

  struct Form {
    const Frame* frame;
    bool shuffled = false;
    std::string front;
  };
  const std::string no_codebook(4, '\0');
  for (const Form& form :
       {Form{&zstd_frame, false, ""}, Form{&xz_frame, false, ""}, Form{&zlib_frame, false, ""},
        Form{&brotli_frame, false, ""}, Form{&brotli_frame, true, ""}, Form{&zstd_frame, true, no_codebook}}) {
    CAPTURE(form.frame->name);
    write_artifact(work.folder / "s.ptz", int6_dict(), *form.frame, form.shuffled, form.front);
    CHECK(work.run("inspect s.ptz")
              .out.find(fmt::format("w and m in {}{}, without", form.frame->name,
                                    form.shuffled ? " over a byte shuffle" : "")) != std::string::npos);
    REQUIRE(work.run("import s.ptz --overwrite -o i").exit == 0);
    const auto pair = SafeTensors::open(work.folder / "i");
    REQUIRE(pair);
    REQUIRE(pair->tensors().size() == 3);
    CHECK(pair->tensors()[0].name == "b");  // as m has them
    CHECK(pair->tensors()[1].dtype == DType::F16);
    CHECK(pair->tensors()[2].dtype == DType::F32);
    CHECK(std::ranges::equal(pair->find("a")->data, bytes_of(stored_bytes(DType::F32, products))));
  }
}

TEST_CASE("an artifact that contradicts itself is refused, with the tensor and the numbers") {
  const Workspace work;
  using pytorch::Dict;
  const auto refused = [&](Dict (*made)(), const auto& change, const std::string& number,
                           const std::vector<std::string>& words, int exit = 3) {
    Dict dict = made();
    change(dict);
    write_artifact(work.folder / "m.ptz", dict, zlib_frame);
    CAPTURE(words.back());
    check_error(work.run("import m.ptz -o i"), exit, number, words);
    if (exit == 3) check_error(work.run("inspect m.ptz"), 3, number, words);
  };
  const auto int8 = [&](const auto& change, const std::vector<std::string>& words) {
    refused(int8_dict, change, "E0399", words);
  };
  const auto int6 = [&](const auto& change, const std::vector<std::string>& words) {
    refused(int6_dict, change, "E0399", words);
  };
  int8([](Dict& d) { drop(d, "scales", "a"); }, {"'a'", "scales has not"});
  int8([](Dict& d) { drop(d, "dtypes", "a"); }, {"'a'", "dtypes has not"});
  int8([](Dict& d) { drop(d, "quantized", "v"); }, {"'v'", "quantized has not"});
  int8([](Dict& d) { drop(d, "passthrough", "p"); }, {"'p'", "passthrough has not"});
  int8([](Dict& d) { at(d, "scales", "a") = floats(DType::F16, {3}, {1, 1, 1}); }, {"'a'", "[3] for codes [2, 3]"});
  int8([](Dict& d) { at(d, "scales", "a") = floats(DType::F16, {2, 1}, {1, 1}); }, {"'a'", "[2, 1] for codes [2, 3]"});
  int8([](Dict& d) { at(d, "scales", "a") = floats(DType::F16, {}, {1}); }, {"'a'", "by qmeta one a row"});
  int8([](Dict& d) { at(d, "scales", "a") = floats(DType::F64, {2}, {1, 1}); }, {"'a'", "F64"});
  int8([](Dict& d) { at(d, "quantized", "a") = floats(DType::F16, {2, 3}, {1, 1, 1, 1, 1, 1}); }, {"'a'", "F16"});
  int8([](Dict& d) { at(d, "dtypes", "a") = "float8"; }, {"'a'", "'float8'"});
  int8([](Dict& d) { at(d, "passthrough_orig_dtypes", "p") = "int8"; }, {"'p'", "'int8'"});
  int8([](Dict& d) { section(d, "passthrough_orig_dtypes").push_back({"n", "float32"}); }, {"'n'", "I64 to F32"});
  int8([](Dict& d) { section(d, "passthrough").push_back({"a", codes}); }, {"'a'", "one of them"});
  int8([](Dict& d) { d[0].value = "int8_clean_per_row_v2"; }, {"int8_clean_per_row_v2"});
  int8([](Dict& d) { std::get<Dict>(at(d, "qmeta", "a"))[1].value = std::int64_t{1}; }, {"qmeta/a/axis"});
  int8([](Dict& d) { d.push_back({"more", "x"}); }, {"'more'"});
  int6([](Dict& d) { drop(d, "m", "a"); }, {"'a.q'", "m has not"});
  int6([](Dict& d) { drop(d, "w", "a.scale"); }, {"'a'", "no .scale"});
  int6([](Dict& d) { drop(d, "w", "g"); }, {"'g'", "w has not"});
  int6([](Dict& d) { at(d, "m", "a") = Dict{{"type", "int9"}}; }, {"'a'", "'int9'", "a/type"});
  int6([](Dict& d) { at(d, "m", "b") = "gptq (int6)+lqer"; }, {"'b'", "gptq (int6)+lqer"});
  int6([](Dict& d) { section(d, "w").push_back({"a", codes}); }, {"'a'", "one of them"});
  int6([](Dict& d) { section(d, "m").push_back({"a.q", "passthrough"}); }, {"5 in w, m takes 6"});
  int6([](Dict& d) { d.clear(); }, {"neither"});
  const float infinite = std::numeric_limits<float>::infinity();
  refused(int8_dict,
          [=](Dict& d) {
            at(d, "scales", "a") = floats(DType::F16, {2}, {1, infinite});
          },
          "E0350", {"m.ptz", "'a'", "1"});
  refused(
      int8_dict, [](Dict& d) { at(d, "scales", "v") = floats(DType::F32, {}, {0x1p127F}); }, "E0437",
      {"'v'", "0 of 2", "F32"}, 4);
  refused(
      int8_dict,
      [](Dict& d) {
        at(d, "scales", "v") = floats(DType::F32, {}, {65504});
        at(d, "dtypes", "v") = "float16";
      },
      "E0437", {"'v'", "196512 at 0 of 2", "F16"}, 4);
  // A storage may be that of many tensors, as of tied layers: they are read to 64 times the bytes of the archive.
  const auto tied = [&](std::size_t count) {
    std::string w = "}(", m = "}(";
    const std::string shared = made::tensor({"", DType::U8, {1 << 16}, {1}, 0, "0", 1 << 16});
    for (std::size_t i = 0; i < count; ++i) {
      w += made::text(std::to_string(i)) + shared;
      m += made::text(std::to_string(i)) + made::text("passthrough");
    }
    const std::string pickle = "\x80\x02}(" + made::text("w") + w + "u" + made::text("m") + m + "uu.";
    const auto frame = zlib_frame.compress(
        bytes_of(made::archive({{"archive/data.pkl", pickle}, {"archive/data/0", std::string(1 << 16, '\0')}}).bytes));
    write_file(work.folder / "m.ptz", {reinterpret_cast<const char*>(frame.data()), frame.size()});
    return work.run("inspect m.ptz");
  };
  CHECK(tied(50).exit == 0);
  check_error(tied(100), 3, "E0399", {"more tensors or bytes", "the limits are 60000"});
  for (const Frame* frame : {&zlib_frame, &brotli_frame}) {
    write_artifact(work.folder / "m.ptz", int8_dict(), *frame, frame == &brotli_frame);
    const std::string whole = read_file(work.folder / "m.ptz");
    for (std::size_t size = 0; size < whole.size(); size += 5) {
      write_file(work.folder / "m.ptz", whole.substr(0, size));
      const auto cut = golf::PublishedFile::open(work.folder / "m.ptz");
      CHECK_MESSAGE((!cut || !*cut), size);
    }
  }
  const auto refused_as = [&](const std::string& number, const std::vector<std::string>& words) {
    check_error(work.run("import m.ptz -o i"), 3, number, words);
  };
  write_artifact(work.folder / "m.ptz", int6_dict(), zstd_frame, true, std::string("\0\0\0\1", 4));
  refused_as("E0302", {"m.ptz"});  // a codebook, at which nothing more is read
  const auto frame = brotli_frame.compress(bytes_of("BSHF\2no archive"));
  write_file(work.folder / "m.ptz", {reinterpret_cast<const char*>(frame.data()), frame.size()});
  refused_as("E0336", {"m.ptz"});
}

TEST_CASE("eval counts bits per byte of a model of tokens on a shard: whole windows, and the bytes that they predict") {
  const Workspace work;
  ModelConfig config;
  config.vocab = 300, config.window = 8, config.dim = 8, config.layers = 1, config.heads = 2, config.kv_heads = 1;
  config.head_dim = 4, config.mlp_hidden = 8, config.rope_base = 1e4, config.logit_softcap = 30;
  config.norm_epsilon = 1e-6;
  const auto model = [&](const std::string& name) {
    REQUIRE(write_model(work.folder / name, true, config, zero_weights(config), {}));  // log2 vocab bits a token
  };
  model("model");
  const auto shard = [&](std::size_t count, std::uint16_t first) {
    const std::array<std::int32_t, 256> head{20240520, 1, static_cast<std::int32_t>(count)};
    std::vector<std::uint16_t> tokens{first};
    for (std::size_t t = 1; t < count; ++t) tokens.push_back(t % 3 == 0 ? 3 : 2);
    std::string bytes(reinterpret_cast<const char*>(head.data()), 1024);
    write_file(work.folder / "s.bin", bytes.append(reinterpret_cast<const char*>(tokens.data()), 2 * count));
  };
  const auto pieces = [&](std::size_t count) {
    std::string text = "\x0A\x07\x0A\x03<s>\x18\x03";  // a control piece, a space, a space and two bytes, then bytes
    for (const std::string piece : {"\xE2\x96\x81", "\xE2\x96\x81ob"})
      text += std::string{'\x0A', static_cast<char>(piece.size() + 2), '\x0A', static_cast<char>(piece.size())} + piece;
    for (std::size_t i = 3; i < count; ++i) text += "\x0A\x03\x0A\x01x";
    write_file(work.folder / "m.model", text);
  };
  shard(20, 0);
  pieces(300);
  const std::string eval = "eval model --shard s.bin --pieces m.model ";
  CHECK(work.run(eval).out ==
        fmt::format("{:.6f} bits per byte over 16 tokens, which are 37 bytes of text; {:.6f} bits "
                    "per token\n",
                    std::log2(300) * 16 / 37, std::log2(300)));
  const Result eight = work.run(eval + "--json --eval-tokens 15");
  CHECK_MESSAGE(eight.out.find("\"tokens\":8,\"bytes\":19,\"window\":8,") != std::string::npos, eight.out);
  check_error(work.run(eval + "--eval-tokens 7"), 3, "E0392", {"s.bin: 20 tokens", "7 to evaluate, window 8"});
  check_error(work.run(eval + "--eval-tokens 20"), 3, "E0392", {"19 can be predicted; 20 to evaluate"});
  for (const std::string flag : {"--text .", "--stride 1", "--eval-bytes 512", "--ttt", "--ngram", "--count-models"})
    check_error(work.run(eval + flag), 2, "E0201", {"--shard"});
  check_error(work.run("eval model --shard s.bin"), 2, "E0201", {"--pieces"});
  check_error(work.run("eval model --pieces m.model"), 2, "E0201", {"--shard"});
  check_error(work.run("eval model --eval-tokens 9"), 2, "E0201", {"--shard"});
  // An artifact of such a model, and what it is a model of: imported, it is evaluated too.
  pytorch::Dict passing, kinds;
  for (const auto& [name, weight] : zero_weights(config)) {
    const auto cols = static_cast<std::uint64_t>(weight.values.cols()),
               rows = static_cast<std::uint64_t>(weight.values.rows());
    passing.push_back({name, floats(DType::F16, weight.rank == 1 ? Shape{cols} : Shape{rows, cols},
                                    std::vector<float>(rows * cols))});
    kinds.push_back({name, "passthrough"});
  }
  write_artifact(work.folder / "m.ptz", {{"w", passing}, {"m", kinds}}, zstd_frame);
  write_file(work.folder / "c.json", config_json(config));
  REQUIRE(work.run("import m.ptz --config c.json -o imported").exit == 0);
  CHECK(work.run("eval imported --shard s.bin --pieces m.model").out == work.run(eval).out);
  check_error(work.run("import m.ptz --config s.bin -o i"), 3, "E0393", {"s.bin"});
  pieces(299);
  check_error(work.run(eval), 3, "E0349", {"299 pieces", "300 tokens"});
  pieces(300);
  shard(20, 300);
  check_error(work.run(eval), 3, "E0390", {"token 0 is 300", "the vocabulary has 300"});
  shard(8, 0);
  check_error(work.run(eval), 3, "E0392", {"8 tokens, 7 can be predicted", "window 8"});
  config.vocab = 256;
  model("model");
  check_error(work.run(eval), 3, "E0393", {"vocab 256"});
}

}  // namespace golf_published_test
