// quantize --preset, export --to gguf: the file holds the certified numbers, and whoever reads the container reads it.
#include <fmt/format.h>

#include <cstring>

#include "../io/temporary_folder.hpp"
#include "files.hpp"
#include "io/gguf.hpp"
#include "shell.hpp"

namespace gguf_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

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

}  // namespace gguf_test
