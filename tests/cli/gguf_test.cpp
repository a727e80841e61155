// quantize --preset, export --to gguf: the file holds the certified numbers, and whoever reads the container reads it.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

#include "../io/temporary_folder.hpp"
#include "artifact/llama_folder.hpp"
#include "base/error_numbers.hpp"
#include "files.hpp"
#include "io/gguf.hpp"
#include "shell.hpp"

namespace gguf_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::string number(auto value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }
std::string text(std::string_view value) {
  return number(static_cast<std::uint64_t>(value.size())) + std::string(value);
}

struct Workspace {
  TemporaryFolder folder;
  Workspace() {
    write_tensors(folder / "w", {{"a", DType::F32, {6, 64}}, {"b", DType::BF16, {5, 96}}, {"bias", DType::F16, {6}}},
                  {{"config", "{\"layers\": 2}"}});
    write_tensors(folder / "x", {{"a.activations", DType::F32, {200, 64}}, {"b.activations", DType::F32, {200, 96}}});
    const Result made = run("gram --activations x -o c");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  void ok(const std::string& command) const {
    const Result done = run(command);
    REQUIRE_MESSAGE(done.exit == 0, command << ": " << done.out);
  }
  void refused(const std::string& command, int exit, const std::string& number, const std::string& words) const {
    const Result done = run(command);
    CHECK_MESSAGE(done.exit == exit, command << ": " << done.out);
    CHECK_MESSAGE(done.out.find("error[" + number + "]") != std::string::npos, done.out);
    CHECK_MESSAGE(done.out.find(words) != std::string::npos, done.out);
  }
};

// d q_i of every block, by the layout alone; F32 tensors as they are.
std::vector<float> numbers_of(const gguf::Tensor& tensor) {
  std::vector<float> out;
  const std::size_t size = tensor.type == gguf::Type::Q4_0 ? 18 : 34;
  for (std::size_t at = 0; at < tensor.data.size(); at += size) {
    std::uint16_t word;
    std::memcpy(&word, tensor.data.data() + at, sizeof word);
    const float d = FP16::decode(word);
    const auto byte = [&](std::size_t i) { return std::to_integer<int>(tensor.data[at + 2 + i]); };
    for (std::size_t i = 0; i < 32; ++i)
      out.push_back(d * static_cast<float>(size == 34 ? static_cast<std::int8_t>(byte(i))
                                           : i < 16   ? (byte(i) & 15) - 8
                                                      : (byte(i - 16) >> 4) - 8));
  }
  return out;
}

}  // namespace

TEST_CASE("preset, export, verify, dequantize, inspect") {
  const Workspace work;
  for (const std::string preset : {"q4_0", "q8_0"}) {
    CAPTURE(preset);
    work.ok("quantize --weights w --calibration c --exact --overwrite -o q.safetensors --preset " + preset);
    work.ok("export q.safetensors --to gguf --overwrite -o q.gguf");
    for (const std::string how : {"", "--exact", "--reproduce", "--threads 3"})
      work.ok("verify q.gguf --certificate q.certificate.json --weights w --calibration c " + how);
    work.ok("dequantize q.safetensors --overwrite -o d");
    work.ok("dequantize q.gguf --overwrite -o d.gguf");
    CHECK(read_file(work.folder / "d.gguf") == read_file(work.folder / "d"));
    work.ok("export q.gguf --to hallmark --overwrite -o again");
    CHECK(read_file(work.folder / "again") == read_file(work.folder / "q.safetensors"));
    std::filesystem::create_directory(work.folder / "m");  // a folder is no GGUF file
    std::filesystem::copy(work.folder / "q.safetensors", work.folder / "m/model.safetensors",
                          std::filesystem::copy_options::overwrite_existing);
    work.ok("dequantize m --overwrite -o d.folder");
    CHECK(read_file(work.folder / "d.folder") == read_file(work.folder / "d"));
    const Result shown = work.run("inspect q.gguf");
    CHECK_MESSAGE(shown.exit == 0, shown.out);
    CHECK_MESSAGE(shown.out.find(preset == "q4_0" ? "4.500 by the grids" : "8.500 by the grids") != std::string::npos,
                  shown.out);

    const std::string bytes = read_file(work.folder / "q.gguf");
    const auto parsed = gguf::parse(std::as_bytes(std::span(bytes)), "q.gguf");
    const auto d = SafeTensors::open(work.folder / "d");
    REQUIRE((parsed && d));
    std::size_t compared = 0;
    for (const gguf::Tensor& tensor : parsed->tensors) {
      if (tensor.name == "bias") continue;
      CHECK(gguf::info_of(tensor.type).name == (preset == "q4_0" ? "Q4_0" : "Q8_0"));
      CHECK(numbers_of(tensor) == *widen_to_f32(*d->find(tensor.name)));
      compared += numbers_of(tensor).size();
    }
    CHECK(compared == 6 * 64 + 5 * 96);
  }
}

TEST_CASE("another file than the certificate's, and one that changed, are refused") {
  const Workspace work;
  work.ok("quantize --weights w --calibration c -o q.safetensors --preset q4_0");
  work.ok("quantize --weights w --calibration c -o other.safetensors --preset q4_0 --method rtn");
  work.ok("export other.safetensors --to gguf -o q.gguf");
  CHECK(work.run("verify q.gguf --certificate q.certificate.json --weights w --calibration c").exit == 7);
  std::string bytes = read_file(work.folder / "q.gguf");
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 16);
  write_file(work.folder / "q.gguf", bytes);
  work.refused("dequantize q.gguf -o d", 7, "E0710", "hallmark.payload.sha256");
}

TEST_CASE("what would change a number, or hide the file, is refused") {
  const Workspace work;
  const auto exported = [&](const std::string& flags) {
    work.ok("quantize --weights w --calibration c --overwrite -o q.safetensors " + flags);
    return "export q.safetensors --to gguf -o q.gguf";
  };
  work.refused(exported("--bits 4"), 4, "E0439", "tensor 'a': rotation hadamard:16");
  work.refused(exported("--preset q4_0 --grid nf4"), 4, "E0439", "tensor 'a': grid nf4");
  work.refused(exported("--preset q8_0 --group-size 16"), 4, "E0439", "tensor 'a': groups of 16 columns");
  work.refused(exported("--preset q4_0") + std::string(".json"), 4, "E0417", "q.gguf.json");
  CHECK_FALSE(std::filesystem::exists(work.folder / "q.gguf"));
  work.ok("export q.safetensors --to gguf -o q.gguf");
  work.refused("export q.safetensors --to gguf -o q.gguf", 4, "E0410", "q.gguf");
  work.refused("export q.gguf --to gguf --overwrite -o q.gguf", 4, "E0411", "q.gguf");
}

namespace {

// A field of protocol buffers: of bytes, and of a number.
std::string field(unsigned id, std::string_view bytes) {
  return std::string{static_cast<char>(id << 3 | 2), static_cast<char>(bytes.size())} + std::string(bytes);
}
std::string field(unsigned id, unsigned value) {
  const unsigned tag = id << 3;
  std::string out = tag < 128 ? std::string{static_cast<char>(tag)}
                              : std::string{static_cast<char>(tag | 128), static_cast<char>(tag >> 7)};
  return out + static_cast<char>(value);
}
std::string piece(std::string_view text, float score, unsigned type) {
  return field(1, field(1, text) + "\x15" + number(score) + field(3, type));
}
const std::string pad_of_none = std::string("\xD8\x02", 2) + std::string(9, '\xFF') + "\x01";  // pad_id -1
std::string trainer(unsigned algorithm) { return field(2, field(3, algorithm) + field(40, 0U) + pad_of_none); }
const std::string normalizer = field(3, field(1, "identity") + field(3, 1U) + field(4, 0U));
const std::string pieces = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("<0x0A>", 0, 6) +
                           piece("\xE2\x96\x81", -1.5F, 1) + piece("\xE2\x96\x81the", -0.25F, 4);
const std::string tokenizer = pieces + trainer(2) + normalizer;

const std::map<std::string, std::string> plain_config = {
    {"model_type", "\"llama\""},  {"hidden_size", "64"},
    {"intermediate_size", "96"},  {"num_hidden_layers", "1"},
    {"num_attention_heads", "4"}, {"num_key_value_heads", "2"},
    {"vocab_size", "6"},          {"max_position_embeddings", "32"},
    {"rms_norm_eps", "1e-5"},     {"rope_theta", "500000.0"},
};

// A llama with matrices of every kind and vectors of every dtype; q and k are larger than heads of one pair.
const std::vector<MadeTensor> llama_tensors = {
    {"model.embed_tokens.weight", DType::F32, {6, 64}},
    {"model.layers.0.self_attn.q_proj.weight", DType::F32, {64, 64}},
    {"model.layers.0.self_attn.k_proj.weight", DType::F16, {32, 64}},
    {"model.layers.0.self_attn.v_proj.weight", DType::F32, {32, 64}},
    {"model.layers.0.self_attn.o_proj.weight", DType::BF16, {64, 64}},
    {"model.layers.0.input_layernorm.weight", DType::BF16, {64}},
    {"model.layers.0.post_attention_layernorm.weight", DType::F16, {64}},
    {"model.layers.0.mlp.gate_proj.weight", DType::F32, {96, 64}},
    {"model.layers.0.mlp.up_proj.weight", DType::F32, {96, 64}},
    {"model.layers.0.mlp.down_proj.weight", DType::F32, {64, 96}},
    {"model.norm.weight", DType::F32, {64}},
    {"lm_head.weight", DType::F32, {6, 64}},
};

struct LlamaFolder {
  Workspace work;

  LlamaFolder() {
    std::filesystem::create_directory(work.folder / "m");
    write_config({});
    write_file(work.folder / "m/tokenizer.model", tokenizer);
  }
  // The configuration with some entries in place of others; "" takes one out.
  void write_config(const std::map<std::string, std::string>& changed) const {
    std::map<std::string, std::string> entries = plain_config;
    for (const auto& [key, value] : changed) entries[key] = value;
    std::string json;
    for (const auto& [key, value] : entries)
      if (!value.empty()) json += fmt::format("{}\"{}\": {}", json.empty() ? "{" : ", ", key, value);
    write_file(work.folder / "m/config.json", json + "}");
  }
  void quantize(const std::vector<MadeTensor>& tensors) const {
    write_tensors(work.folder / "w", tensors);
    work.ok(
        "quantize --weights w --method rtn --preset q8_0 --exclude 'k_proj|o_proj|lm_head' "
        "--overwrite -o q.safetensors");
  }
  // The error of reading the folder, with what it says.
  std::string reading() const {
    const auto folder = llama::read_folder(work.folder / "m");
    return folder ? "" : to_string(folder.error());
  }
};

void check_words(const std::string& found, int number, const std::string& words) {
  CHECK_MESSAGE(found.find(fmt::format("error[E{:04}]", number)) != std::string::npos, found);
  CHECK_MESSAGE(found.find(words) != std::string::npos, found);
}

}  // namespace

TEST_CASE("a llama stands in its file as llama.cpp reads it, and comes back") {
  const LlamaFolder llama;
  const Workspace& work = llama.work;
  llama.quantize(llama_tensors);
  work.ok("export q.safetensors --to gguf --llama m -o q.gguf");
  work.ok("verify q.gguf --certificate q.certificate.json --weights w");
  work.ok("export q.gguf --to hallmark -o again");
  CHECK(read_file(work.folder / "again") == read_file(work.folder / "q.safetensors"));
  work.ok("export q.gguf --to gguf --llama m -o again.gguf");
  CHECK(read_file(work.folder / "again.gguf") == read_file(work.folder / "q.gguf"));
  work.ok("dequantize q.safetensors -o d");

  const std::string bytes = read_file(work.folder / "q.gguf");
  const auto parsed = gguf::parse(std::as_bytes(std::span(bytes)), "q.gguf");
  const auto d = SafeTensors::open(work.folder / "d");
  REQUIRE((parsed && d));
  const auto tensor = [&](const std::string& name) -> const gguf::Tensor& {
    const auto found = std::ranges::find(parsed->tensors, name, &gguf::Tensor::name);
    REQUIRE_MESSAGE(found != parsed->tensors.end(), name);
    return *found;
  };
  std::vector<std::string> found_names,
      names = {"token_embd.weight Q8_0",     "blk.0.attn_q.weight Q8_0",      "blk.0.attn_k.weight F16",
               "blk.0.attn_v.weight Q8_0",   "blk.0.attn_output.weight BF16", "blk.0.attn_norm.weight F32",
               "blk.0.ffn_norm.weight F32",  "blk.0.ffn_gate.weight Q8_0",    "blk.0.ffn_up.weight Q8_0",
               "blk.0.ffn_down.weight Q8_0", "output_norm.weight F32",        "output.weight F32"};
  for (const gguf::Tensor& t : parsed->tensors)
    found_names.push_back(t.name + " " + std::string(gguf::info_of(t.type).name));
  std::ranges::sort(found_names);
  std::ranges::sort(names);
  CHECK(found_names == names);
  // Rows 0, 8, 1, 9, .. of each head of 16.
  const auto check_rows = [&](const std::string& from, const std::vector<float>& found) {
    const std::vector<float> of_w = *widen_to_f32(*d->find(from));
    REQUIRE(found.size() == of_w.size());
    for (std::size_t row = 0; row < found.size() / 64; ++row) {
      const std::size_t head = row / 16 * 16, source = head + row % 16 / 2 + (row % 2 == 1 ? 8 : 0);
      CHECK(std::equal(found.begin() + std::ptrdiff_t(row * 64), found.begin() + std::ptrdiff_t(row * 64 + 64),
                       of_w.begin() + std::ptrdiff_t(source * 64)));
    }
  };
  check_rows("model.layers.0.self_attn.q_proj.weight", numbers_of(tensor("blk.0.attn_q.weight")));
  std::vector<float> k;
  for (std::size_t i = 0; i < 32 * 64; ++i) {
    std::uint16_t word;
    std::memcpy(&word, tensor("blk.0.attn_k.weight").data.data() + 2 * i, sizeof word);
    k.push_back(FP16::decode(word));
  }
  check_rows("model.layers.0.self_attn.k_proj.weight", k);
  CHECK(numbers_of(tensor("blk.0.attn_v.weight")) == *widen_to_f32(*d->find("model.layers.0.self_attn.v_proj.weight")));
  for (const auto& [from, to] : {std::pair("input_layernorm", "attn_norm"), {"post_attention_layernorm", "ffn_norm"}}) {
    const auto& norm = tensor(fmt::format("blk.0.{}.weight", to));
    std::vector<float> found(64);
    REQUIRE(norm.data.size() == 256);
    std::memcpy(found.data(), norm.data.data(), 256);
    CHECK(found == *widen_to_f32(*d->find(fmt::format("model.layers.0.{}.weight", from))));
  }
  const auto has = [&](const std::string& key, std::uint32_t type, const std::string& value) {
    CHECK_MESSAGE(bytes.find(text(key) + number(type) + value) != std::string::npos, key);
  };
  const std::map<std::string, std::uint32_t> counts = {{"llama.block_count", 1},
                                                       {"llama.context_length", 32},
                                                       {"llama.embedding_length", 64},
                                                       {"llama.feed_forward_length", 96},
                                                       {"llama.attention.head_count", 4},
                                                       {"llama.attention.head_count_kv", 2},
                                                       {"llama.rope.dimension_count", 16},
                                                       {"llama.vocab_size", 6},
                                                       {"tokenizer.ggml.bos_token_id", 1},
                                                       {"tokenizer.ggml.eos_token_id", 2},
                                                       {"tokenizer.ggml.unknown_token_id", 0}};
  for (const auto& [key, value] : counts) has(key, 4, number(value));
  has("llama.attention.layer_norm_rms_epsilon", 6, number(1e-5F));
  has("llama.rope.freq_base", 6, number(500000.0F));
  has("general.architecture", 8, text("llama"));
  has("tokenizer.ggml.model", 8, text("llama"));
  has("tokenizer.ggml.add_space_prefix", 7, "\1");
  const std::string six = number(std::uint64_t{6});
  has("tokenizer.ggml.tokens", 9,
      number(8U) + six + text("<unk>") + text("<s>") + text("</s>") + text("<0x0A>") + text("\xE2\x96\x81") +
          text("\xE2\x96\x81the"));
  has("tokenizer.ggml.scores", 9, number(6U) + six + std::string(16, '\0') + number(-1.5F) + number(-0.25F));
  std::string types;
  for (const std::int32_t type : {2, 3, 3, 6, 1, 4}) types += number(type);
  has("tokenizer.ggml.token_type", 9, number(5U) + six + types);
  CHECK(bytes.find("padding_token_id") == std::string::npos);
}

TEST_CASE("a folder of what llama.cpp would compute otherwise is refused, and says why") {
  using namespace error_number;
  const LlamaFolder llama;
  CHECK(llama.reading() == "");
  const auto config = [&](const std::map<std::string, std::string>& changed, const std::string& words) {
    CAPTURE(words);
    llama.write_config(changed);
    if (words.empty()) CHECK(llama.reading() == "");
    else check_words(llama.reading(), error_number::llama_config, words);
  };
  for (const auto& [key, value] : plain_config)
    if (key != "num_key_value_heads" && key != "rope_theta") config({{key, ""}}, "'" + key + "'");
  config({{"num_key_value_heads", ""}, {"rope_theta", ""}}, "");
  config({{"model_type", "\"mistral\""}}, "'model_type' is \"mistral\"");
  config({{"rope_scaling", "{\"type\": \"linear\", \"factor\": 2.0}"}}, "positions are scaled");
  config({{"rope_scaling", "{\"factor\": 2.0}"}}, "positions are scaled");
  config({{"rope_scaling", "null"}}, "");
  config({{"rope_theta", ""}, {"rope_parameters", "{\"rope_type\": \"default\", \"rope_theta\": 5.0}"}}, "");
  config({{"rope_parameters", "{\"rope_type\": \"yarn\"}"}}, "'rope_parameters'");
  config({{"rope_theta", "0"}}, "'rope_theta' is 0");
  config({{"hidden_size", "66"}}, "hidden_size 66, 4 heads, 2 of keys");
  config({{"num_attention_heads", "64"}}, "64 heads");  // heads of one entry have no pairs
  config({{"num_key_value_heads", "3"}}, "3 of keys");
  config({{"head_dim", "32"}}, "'head_dim' is 32");
  config({{"head_dim", "16"}}, "");
  config({{"vocab_size", "-6"}}, "'vocab_size' is -6");
  config({{"num_hidden_layers", "4294967297"}}, "'num_hidden_layers' is 4294967297");
  config({{"num_hidden_layers", "0"}}, "'num_hidden_layers' is 0");
  config({{"rms_norm_eps", "0"}}, "'rms_norm_eps' is 0");
  config({{"attention_bias", "true"}}, "'attention_bias' is true");
  config({{"hidden_act", "\"gelu\""}}, "'hidden_act'");
  config({{"eos_token_id", "[1, 2]"}}, "'eos_token_id' is [1,2]");
  config({{"bos_token_id", "6"}}, "'bos_token_id' is 6");
  llama.write_config({});
  write_file(llama.work.folder / "m/config.json", "{\"a\": 1, \"a\": 1}");
  check_words(llama.reading(), error_number::llama_config, "not an object of JSON");
  llama.write_config({});

  const auto model = [&](const std::string& bytes, const std::string& words) {
    write_file(llama.work.folder / "m/tokenizer.model", bytes);
    check_words(llama.reading(), llama_tokenizer, words);
  };
  model(pieces + piece("more", 0, 1) + trainer(2) + normalizer, "7 pieces, vocab_size 6");
  model(pieces + trainer(1) + normalizer, "byte pairs");
  model(pieces + normalizer, "byte pairs");  // sentencepiece's own default is another
  model(pieces + trainer(2), "removes spaces");
  model(tokenizer + field(3, field(2, "map")), "maps characters");
  model(tokenizer + field(3, field(5, 0U)), "does not mark");
  model(tokenizer + field(2, field(24, 1U)), "behind words");
  const std::string five = pieces.substr(piece("<unk>", 0, 2).size()) + trainer(2) + normalizer;
  model(five + piece("<s>", 0, 1), "piece 5 is '<s>'");
  model(five + piece("", 0, 1), "piece 5 is ''");
  model(five + piece("a", std::numeric_limits<float>::quiet_NaN(), 1), "piece 5");
  model(five + piece("\xFF", 0, 1), "piece 5");
  std::filesystem::remove(llama.work.folder / "m/tokenizer.model");
  write_file(llama.work.folder / "m/tokenizer.json", "{}");
  check_words(llama.reading(), llama_tokenizer, "tokenizer.json alone");
}

TEST_CASE("a model that is not the llama of its folder is refused, and nothing is written") {
  const LlamaFolder llama;
  const Workspace& work = llama.work;
  const auto refused = [&](const std::string& words) {
    work.refused("export q.safetensors --to gguf --llama m -o q.gguf", 4, "E0439", words);
    CHECK_FALSE(std::filesystem::exists(work.folder / "q.gguf"));
  };
  llama.quantize(llama_tensors);
  work.refused("export q.safetensors --to hallmark --llama m -o q.gguf", 2, "E0201", "--to hallmark");
  work.refused("export q.safetensors --to gguf --llama m --overwrite -o m/config.json", 4, "E0411", "config.json");
  llama.write_config({{"num_hidden_layers", "2147483647"}});
  refused("tensor 'model.layers.1.input_layernorm.weight': by config.json [64]");
  llama.write_config({{"intermediate_size", "128"}});
  refused("tensor 'model.layers.0.mlp.gate_proj.weight': [96, 64], by config.json [128, 64]");
  llama.write_config({{"tie_word_embeddings", "true"}});
  refused("tensor 'lm_head.weight'");
  auto changed = llama_tensors;
  changed.pop_back();
  llama.quantize(changed);
  work.ok("export q.safetensors --to gguf --llama m -o tied.gguf");
  work.ok("verify tied.gguf --certificate q.certificate.json --weights w");
  llama.write_config({});
  refused("tensor 'lm_head.weight': by config.json [6, 64]");
  for (const char* const name : {"model.layers.0.self_attn.q_proj.bias", "model.layers.00.mlp.up_proj.weight", "x"}) {
    changed = llama_tensors;
    changed.push_back({name, DType::F32, {64}});
    llama.quantize(changed);
    refused(fmt::format("tensor '{}'", name));
  }
  changed = llama_tensors;
  changed[10].dtype = DType::F64;
  llama.quantize(changed);
  refused("tensor 'model.norm.weight': F64");
}

}  // namespace gguf_test
