// The tool as its users meet it: exit codes, three-line errors, whole outputs or none.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "../io/noise_file.hpp"
#include "check_error.hpp"

namespace tool_test {

namespace fs = std::filesystem;
using namespace hallmark;
using hallmark::test::check_error;
using hallmark::test::Result;
using hallmark::test::shell;

namespace {

Result tool(const std::string& arguments) { return shell(std::string(HALLMARK_TOOL) + " " + arguments); }

/// A fresh folder with W (two weights and a vector) and C (activations of both weights).
struct Workspace {
  fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-cli-{}", ::getpid());

  Workspace() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    test::write_two_weights(path("w.safetensors"), path("c.safetensors"));
  }
  ~Workspace() { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  void write(const std::string& name, const std::vector<TensorPlan>& plan, float poison = 0) const {
    test::write_noise(path(name), plan, poison);
  }

  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator{}));
  }
};

}  // namespace

TEST_CASE("a command that reads standard input says so in its help") {
  for (const std::string command : {"codec", "codec encode", "codec decode", "ttest"})
    CHECK_MESSAGE(tool(command + " --help").out.find("standard input") != std::string::npos, command);
}

TEST_CASE("codec encodes and decodes the documented words") {
  CHECK(shell("printf '1.0\\n0.1\\n-0.02\\n' | " HALLMARK_TOOL " codec encode").out == "0x3E00\n0x3733\n0xB28F\n");
  CHECK(shell("printf '0x1p-40 0x3p-41 1e300 -inf nan' | " HALLMARK_TOOL " codec encode").out ==
        "0x0000\n0x0001\n0x7E00\n0xFE00\n0x7E01\n");
  CHECK(shell("printf '0x3E00 0x0001 0x7E01' | " HALLMARK_TOOL " codec decode").out == "1\n1.8189894e-12\nnan\n");
  CHECK(shell("printf '0x4000' | " HALLMARK_TOOL " codec decode --format gf16/zig-1.1").out == "1\n");
  CHECK(shell("printf '0x0001 0x3E00 0xFE01' | " HALLMARK_TOOL " codec decode --format gf16/t27").out ==
        "4.665708e-10\n1\nnan\n");
  check_error(shell("printf '1.0 abc' | " HALLMARK_TOOL " codec encode"), 3, "E0328");
  check_error(shell("printf '0x10000' | " HALLMARK_TOOL " codec decode"), 3, "E0328");
  check_error(shell(HALLMARK_TOOL " codec encode < /dev/null"), 3, "E0329");
}

TEST_CASE("a typo is answered with the nearest word") {
  check_error(tool("quantise --weights w"), 2, "E0201");
  CHECK(tool("quantise --weights w").out.find("did you mean quantize?") != std::string::npos);
  CHECK(tool("quantize --wieghts w").out.find("did you mean --weights?") != std::string::npos);
  CHECK(tool("").exit == 2);
  CHECK(tool("--help").exit == 0);
  CHECK(tool("quantize --help").exit == 0);
}

TEST_CASE("quantize, inspect, dequantize: names, shapes and order of W come back") {
  const Workspace work;
  const std::string base = "quantize --weights " + work.path("w.safetensors");
  const std::string calibrated = base + " --calibration " + work.path("c.safetensors");
  REQUIRE(tool(calibrated + " -o " + work.path("q.safetensors") + " --report " + work.path("r.jsonl")).exit == 0);
  CHECK(tool("inspect --json " + work.path("q.safetensors")).out.find("\"grid\":\"gf16/1\"") != std::string::npos);
  REQUIRE(tool("dequantize " + work.path("q.safetensors") + " -o " + work.path("d.safetensors")).exit == 0);
  const auto before = SafeTensors::open(work.path("w.safetensors")),
             after = SafeTensors::open(work.path("d.safetensors"));
  REQUIRE(before);
  REQUIRE(after);
  REQUIRE(before->tensors().size() == after->tensors().size());
  for (std::size_t i = 0; i < before->tensors().size(); ++i) {
    CHECK(before->tensors()[i].name == after->tensors()[i].name);
    CHECK(before->tensors()[i].shape == after->tensors()[i].shape);
  }

  SUBCASE("threads and block size do not change a byte of codes and scales") {
    for (const char* flags : {" --threads 1", " --threads 2", " --threads 5"}) {
      REQUIRE(tool(calibrated + flags + " --overwrite -o " + work.path("q2.safetensors")).exit == 0);
      CHECK(shell("cmp " + work.path("q.safetensors") + " " + work.path("q2.safetensors")).exit == 0);
      CHECK(shell("cmp " + work.path("q.certificate.json") + " " + work.path("q2.certificate.json")).exit == 0);
    }
    REQUIRE(tool(calibrated + " --block-size 3 --overwrite -o " + work.path("q2.safetensors")).exit == 0);
    const auto payload = [&](const char* name) {
      const std::string text = tool("inspect --json " + work.path(name)).out;
      return text.substr(text.find("payload_sha256"), 80);
    };
    CHECK(payload("q.safetensors") == payload("q2.safetensors"));
  }
  SUBCASE("the digests of the inputs are those of the files") {
    const std::string shown = tool("inspect --json " + work.path("q.safetensors")).out;
    const std::string certificate = shell("head -1 " + work.path("q.certificate.json")).out;
    for (const char* input : {"w.safetensors", "c.safetensors"}) {
      const std::string digest = shell("sha256sum " + work.path(input)).out.substr(0, 64);
      CHECK(shown.find(digest) != std::string::npos);
      CHECK(certificate.find(digest) != std::string::npos);
    }
  }
  SUBCASE("activations and their Gram matrix give the same codes") {
    REQUIRE(tool("gram --activations " + work.path("c.safetensors") + " -o " + work.path("g.safetensors")).exit == 0);
    REQUIRE(tool(base + " --calibration " + work.path("g.safetensors") + " -o " + work.path("q3.safetensors")).exit ==
            0);
    const auto a = SafeTensors::open(work.path("q.safetensors")), b = SafeTensors::open(work.path("q3.safetensors"));
    REQUIRE(a);
    REQUIRE(b);
    for (const TensorInfo& tensor : a->tensors()) {
      REQUIRE(b->find(tensor.name) != nullptr);
      CHECK(std::ranges::equal(tensor.data, b->find(tensor.name)->data));
    }
  }
  SUBCASE("existing outputs and inputs are refused, and kept") {
    check_error(tool(calibrated + " -o " + work.path("q.safetensors")), 4, "E0410");
    check_error(tool(calibrated + " --overwrite -o " + work.path("w.safetensors")), 4, "E0411");
    CHECK(SafeTensors::open(work.path("w.safetensors")));
  }
}

TEST_CASE("bad input ends with its exit code and leaves no file") {
  const Workspace work;
  const std::size_t files = work.files();
  const std::string w = " --weights " + work.path("w.safetensors"), c = " --calibration " + work.path("c.safetensors");
  const std::string o = " -o " + work.path("q.safetensors");

  SUBCASE("missing calibration") { check_error(tool("quantize" + w + o), 2, "E0214"); }
  SUBCASE("unknown grid") { check_error(tool("quantize" + w + c + o + " --grid gf17"), 2, "E0220"); }
  SUBCASE("a pattern without a match") { check_error(tool("quantize" + w + c + o + " --include nothing"), 4, "E0430"); }
  SUBCASE("a malformed pattern") { check_error(tool("quantize" + w + c + o + " --include '('"), 2, "E0210"); }
  SUBCASE("missing input") { check_error(tool("quantize --weights " + work.path("none") + c + o), 9, "E0901"); }
  SUBCASE("unwritable output folder") { check_error(tool("quantize" + w + c + " -o /proc/none/q"), 9, "E0903"); }
  SUBCASE("full disk") {
    work.write("c.safetensors", {{"a.weight.activations", DType::F32, {3, 64}}});  // G: 32 KiB
    check_error(shell("ulimit -f 8; " HALLMARK_TOOL " gram --activations " + work.path("c.safetensors") + o), 9,
                "E0905");
  }
  CHECK(work.files() == files);
}

TEST_CASE("a tensor that cannot be written beside the next one is the error, and leaves no file") {
  const Workspace work;
  work.write("w.safetensors", {{"a.weight", DType::F32, {96, 256}}, {"b.weight", DType::F32, {6, 8}}});
  work.write("c.safetensors",
             {{"a.weight.activations", DType::F32, {300, 256}}, {"b.weight.activations", DType::F32, {3, 8}}});
  const std::string command = HALLMARK_TOOL " quantize --damp-percent 0 --weights " + work.path("w.safetensors") +
                              " --calibration " + work.path("c.safetensors") + " -o " + work.path("q.safetensors");
  check_error(shell(command), 5, "E0501");  // b.weight
  // The headers fit into 20 KiB, the codes of a.weight do not: they fail while b.weight is quantized, and were first.
  const Result full = shell("ulimit -f 20; " + command);
  check_error(full, 9, "E0905");
  CHECK(full.out.find("q.safetensors") != std::string::npos);
  CHECK(work.files() == 2);
}

TEST_CASE("an interrupted run leaves no file") {
  const Workspace work;
  work.write(
      "w.safetensors",
      {{"a.weight", DType::F32, {2048, 1024}}, {"b.weight", DType::F32, {2048, 1024}}, {"c", DType::F32, {8 << 20}}});
  work.write("c.safetensors",
             {{"a.weight.activations", DType::F32, {1100, 1024}}, {"b.weight.activations", DType::F32, {1100, 1024}}});
  const std::string command = " " HALLMARK_TOOL " quantize --weights " + work.path("w.safetensors") +
                              " --calibration " + work.path("c.safetensors") + " --overwrite -o " +
                              work.path("q.safetensors");
  for (const char* after : {"0.02", "0.1"}) {
    CHECK(shell(std::string("timeout -s INT ") + after + command).exit == 124);
    CHECK(work.files() == 2);
  }
}

TEST_CASE("hostile tensors end with their exit code and leave no output") {
  const Workspace work;
  const std::string w = " --weights " + work.path("w.safetensors"), c = " --calibration " + work.path("c.safetensors");
  const std::string o = " -o " + work.path("q.safetensors");
  SUBCASE("a NaN weight") {
    work.write("w.safetensors", {{"a.weight", DType::F32, {6, 8}}}, std::numeric_limits<float>::quiet_NaN());
    work.write("c.safetensors", {{"a.weight.activations", DType::F32, {40, 8}}});
    check_error(tool("quantize" + w + c + o), 3, "E0350");
  }
  SUBCASE("an infinite activation") {
    work.write("c.safetensors", {{"a.weight.activations", DType::F32, {40, 8}}},
               std::numeric_limits<float>::infinity());
    check_error(tool("quantize" + w + c + o), 3, "E0350");
  }
  SUBCASE("calibration of another shape") {
    work.write("c.safetensors", {{"a.weight.activations", DType::F32, {40, 7}}});
    check_error(tool("quantize" + w + c + o), 4, "E0415");
  }
  SUBCASE("a singular Gram matrix without damping") {
    work.write("c.safetensors", {{"a.weight.activations", DType::F32, {3, 8}}});
    const Result result = tool("quantize" + w + c + o + " --damp-percent 0");  // as it was called first
    check_error(result, 5, "E0501");
    CHECK(result.out.find("a.weight") != std::string::npos);
    CHECK(result.out.find("--damp-fraction") != std::string::npos);
  }
  SUBCASE("a truncated file") {
    fs::resize_file(work.path("w.safetensors"), fs::file_size(work.path("w.safetensors")) - 1);
    check_error(tool("quantize" + w + c + o), 3, "E0330");
  }
  CHECK_FALSE(fs::exists(work.path("q.safetensors")));
  CHECK(work.files() == 2);
}

TEST_CASE("ttest refuses what is not a complete run") {
  check_error(shell(HALLMARK_TOOL " ttest < /dev/null"), 3, "E0377");
  CHECK(shell("echo '{' | " HALLMARK_TOOL " ttest").exit == 3);
}

}  // namespace tool_test
