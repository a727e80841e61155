// Files made to cost more than they are worth, and numbers written otherwise than once.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "files.hpp"
#include "shell.hpp"

namespace hostile_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-hostile-{}", ::getpid());

  Workspace() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    write_tensors((folder / "w").string(), {{"a", DType::F32, {8, 32}}});
    write_tensors((folder / "c").string(), {{"a.activations", DType::F32, {64, 32}}});
    REQUIRE(run("tool quantize --weights w --calibration c --bounds -o q.safetensors").exit == 0);
  }
  ~Workspace() { fs::remove_all(folder); }

  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder / name, std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd '{}'; tool() {{ '{}' \"$@\"; }}; {}", folder.string(), HALLMARK_TOOL, command));
  }
};

// The processor's seconds, and memory where no sanitizer needs its own: what is quadratic takes minutes, what builds a
// tree first takes gigabytes. With a sanitizer smaller texts do: there nothing is measured.
#ifdef HALLMARK_SANITIZED
const std::string limits = "ulimit -t 60; ";
constexpr std::size_t mega = std::size_t{1} << 18;
#else
const std::string limits = "ulimit -t 20; ulimit -v 1500000; ";
constexpr std::size_t mega = std::size_t{1} << 20;
#endif

std::string repeated(const std::string& text, std::size_t count) {
  std::string result;
  result.reserve(text.size() * count);
  while (count-- > 0) result += text;
  return result;
}

}  // namespace

TEST_CASE("brackets and small objects cost neither memory nor time, wherever JSON is read") {
  const Workspace work;
  const std::string certificate = work.read("q.certificate.json"),
                    first = certificate.substr(0, certificate.find('\n'));
  std::string keys;
  for (int i = 0; i < static_cast<int>(mega / 5); ++i) keys += fmt::format("{}\"k{}\":0", i ? "," : "", i);
  const std::vector<std::pair<std::string, std::string>> texts{
      {"deep", repeated("[", 20 * mega)},
      {"objects", fmt::format("[{}{{}}]", repeated("{},", 3 * mega / 2))},
      {"nested", fmt::format("{{\"rules\":[{}{{}}]}}", repeated("{\"a\":{}},", mega / 2))},
      {"keys", fmt::format("{{{}}}", keys)},
      {"numbers", fmt::format("[{}0]", repeated("0,", 5 * mega))}};
  for (const auto& item : texts) {
    const std::string &name = item.first, &text = item.second;
    CAPTURE(name);
    work.write("config", text);
    CHECK(work.run(limits + "tool quantize --weights w --calibration c --config config -o x").exit == 2);
    work.write("certificate", fmt::format("{}\n", text));
    const std::string verify =
        limits + "tool verify q.safetensors --weights w --calibration c --certificate certificate";
    CHECK(work.run(verify).exit == 3);
    work.write("certificate", fmt::format("{}{}\n", first.substr(0, first.size() - 1), text));
    CHECK(work.run(verify).exit == 3);
    work.write("x.index.json", text);
    CHECK(work.run(limits + "tool inspect x.index.json").exit == 3);
    work.write("ledger", fmt::format("{{\"prev\":\"{:064}\",\"x\":{}}}\n", 0, text));
    CHECK(work.run(limits + "tool ttest < ledger").exit == 3);
    fs::create_directories(work.folder / "contracts");
    work.write("contracts/manifest.json", text);
    CHECK(work.run(limits + "tool smt --goals contracts/manifest.json").exit == 3);
    if (text.size() > (15U << 20)) continue;  // more than a header holds once it is escaped
    for (const std::string key : {"hallmark.tensors", "hallmark.matrices", "hallmark.source.metadata"}) {
      std::map<std::string, std::string> metadata{{"hallmark.schema", "2"},
                                                  {"hallmark.tool", "x"},
                                                  {"hallmark.rounding", "nearest-even"},
                                                  {"hallmark.source.sha256", ""},
                                                  {"hallmark.calibration.sha256", ""},
                                                  {"hallmark.source.metadata", "{}"},
                                                  {"hallmark.tensors", "[]"},
                                                  {"hallmark.matrices", "[]"},
                                                  {"hallmark.payload.sha256", std::string(64, '0')}};
      metadata[key] = text;
      write_tensors((work.folder / "bad").string(), {{"a", DType::F32, {2, 2}}}, metadata);
      CHECK(work.run(limits + "tool dequantize bad -o x.safetensors").exit == 3);
    }
    write_tensors((work.folder / "ctext").string(), {{"a.gram", DType::F32, {32, 32}}},
                  {{"hallmark.calibration.tokens", text}});
    CHECK(work.run(limits + "tool quantize --weights w --calibration ctext -o x").exit != 0);
  }
}

TEST_CASE("a zero of a certificate has one text") {
  const Workspace work;
  const std::string zero = "\"0x0p+0\"";
  std::size_t zeros = 0;
  const std::string verify = "tool verify q.safetensors --weights w --calibration c";
  // A certificate of a matrix that is on its grid is full of zeros.
  write_tensors((work.folder / "w").string(), {{"a", DType::F32, {4, 32}, std::vector<float>(128, 0.5F)}});
  REQUIRE(work.run("tool quantize --weights w --calibration c --bounds --exact --overwrite -o q.safetensors").exit ==
          0);
  const std::string text = work.read("q.certificate.json");
  for (std::size_t at = 0; (at = text.find(zero, at)) != text.npos; at += zero.size()) {
    std::string bad = text;
    work.write("q.certificate.json", bad.replace(at, zero.size(), "\"-0x0p+0\""));
    const Result result = work.run(verify);
    CAPTURE(at);
    CHECK(result.exit == 3);
    CHECK(result.out.find("error[E0367]") != std::string::npos);
    ++zeros;
  }
  CHECK(zeros > 8);
  work.write("q.certificate.json", text);
  CHECK(work.run(verify).exit == 0);
}

}  // namespace hostile_test
