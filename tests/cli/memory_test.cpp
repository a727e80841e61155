// Memory of the tool. Peak memory of `hallmark quantize`: the largest tensor's working set (W, G, U and codes) plus 200
// MB, however large the files are. The calibration file here is 320 MB and the weights 80 MB; a tool that kept either
// in memory would show.
#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../io/temporary_folder.hpp"
#include "files.hpp"
#include "io/safetensors.hpp"
#include "shell.hpp"

namespace fs = std::filesystem;
using namespace hallmark;

namespace {

constexpr std::uint64_t rows = 512, cols = 1024, tensors = 40;

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("hallmark-memory-{}", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

struct Run {
  int exit;
  std::uint64_t peak_bytes;
};

Run run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::malloc_trim(0);  // until exec the child holds what is resident here, and its peak counts it
  const pid_t child = ::fork();
  if (child == 0) {
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  REQUIRE(::wait4(child, &status, 0, &usage) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

void write_inputs(const std::string& weights, const std::string& calibration) {
  std::vector<TensorPlan> w, c;
  for (std::uint64_t t = 0; t < tensors; ++t) {
    w.push_back({fmt::format("layer.{}.weight", t), DType::F32, {rows, cols}});
    c.push_back({fmt::format("layer.{}.weight.gram", t), DType::F64, {cols, cols}});
  }
  std::vector<float> values(rows * cols);
  unsigned state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
  }
  std::vector<double> gram(cols * cols, 0.25);  // 0.25 + 0.75 on the diagonal: positive definite
  for (std::size_t j = 0; j < cols; ++j) gram[j * cols + j] = 1;
  auto w_file = SafeTensorsWriter::create(weights, true, w, {}),
       c_file = SafeTensorsWriter::create(calibration, true, c, {});
  REQUIRE(w_file);
  REQUIRE(c_file);
  for (std::uint64_t t = 0; t < tensors; ++t) {
    REQUIRE(w_file->write(w[t].name, std::span<const float>(values)));
    REQUIRE(c_file->write(c[t].name, std::span<const double>(gram)));
  }
  REQUIRE(w_file->commit());
  REQUIRE(c_file->commit());
}

// A matrix [rows, cols], or a stack of them; `transposed`: W holds it as [cols, rows].
struct Shapes {
  std::uint64_t rows, cols, stacked = 0;
  bool transposed = false;

  Shapes small() const { return {32, 32, stacked, transposed}; }
  std::string text() const { return fmt::format("{}x{}x{}{}", rows, cols, stacked, transposed ? "-transposed" : ""); }
};

constexpr const char *gram = "gram", *activations = "activations";

struct Case {
  std::string options;
  DType dtype;
  const char* calibration;
  Shapes shapes;
};

// W of these shapes in this dtype, made once.
std::string weights(const test::TemporaryFolder& folder, const Shapes& of, DType dtype) {
  const std::string path = folder / fmt::format("w-{}-{}", of.text(), dtype_name(dtype));
  if (fs::exists(path)) return path;
  Shape shape = of.transposed ? Shape{of.cols, of.rows} : Shape{of.rows, of.cols};
  if (of.stacked > 0) shape.insert(shape.begin(), of.stacked);
  test::write_tensors(path, {{"w", dtype, shape}});
  return path;
}

// Its calibration, of every matrix.
std::string calibration(const test::TemporaryFolder& folder, const Shapes& of, const std::string& kind) {
  const std::string path = folder / fmt::format("c-{}x{}-{}", of.cols, of.stacked, kind);
  if (fs::exists(path)) return path;
  const std::uint64_t n = of.cols;
  std::vector<float> values(n * n, 0.25F);  // positive definite
  for (std::size_t j = 0; j < n; ++j) values[j * n + j] = 1;
  std::vector<test::MadeTensor> entries;
  for (std::uint64_t k = 0; k < std::max<std::uint64_t>(of.stacked, 1); ++k) {
    const std::string name = of.stacked > 0 ? fmt::format("w[{}].", k) : "w.";
    if (kind == activations) entries.push_back({name + "activations", DType::F32, {2 * n, n}});
    else
      for (const char* ending : {"gram", "cross_gram", "float_gram"})
        entries.push_back({name + ending, DType::F64, {n, n}, values});
  }
  test::write_tensors(path, entries);
  return path;
}

std::vector<std::string> command(const test::TemporaryFolder& folder, const Case& one, const Shapes& of) {
  std::vector<std::string> words{HALLMARK_TOOL,   "quantize",
                                 "--weights",     weights(folder, of, one.dtype),
                                 "--calibration", calibration(folder, of, one.calibration)};
  std::stringstream options(one.options);
  for (std::string word; options >> word;) words.push_back(word);
  if (of.transposed) {
    test::write_file(folder / "rules.json", R"({"rules": [{"match": "w", "transposed": true}]})");
    words.insert(words.end(), {"--config", folder / "rules.json"});
  }
  words.insert(words.end(), {"--threads", "2", "--overwrite", "--output", folder / "q.safetensors"});
  return words;
}

}  // namespace

TEST_CASE("quantize stays within the largest working set plus 200 MB") {
  const Folder folder;
  const std::string w = folder.path / "w.safetensors", c = folder.path / "c.safetensors";
  write_inputs(w, c);
  REQUIRE(fs::file_size(c) > 300'000'000);
  constexpr std::uint64_t working_set = 4 * rows * cols + 8 * cols * cols + 8 * cols * cols + 2 * rows * cols;
  for (const std::string method : {"gptq", "rtn"}) {
    const Run result = run({HALLMARK_TOOL, "quantize", "--weights", w, "--calibration", c, "--method", method,
                            "--overwrite", "--output", folder.path / "q.safetensors"});
    CAPTURE(method);
    CHECK(result.exit == 0);
    CHECK(result.peak_bytes <= working_set + 200'000'000);
  }
}

TEST_CASE("--dry-run tells what a matrix needs: never less, and at most twice as much") {
  const test::TemporaryFolder folder;
  const Shapes large{1024, 1024}, few{96, 1024}, many{8192, 256}, turned{1024, 1024, 0, true}, stack{512, 1024, 3};
  const auto F32 = DType::F32, BF16 = DType::BF16, F16 = DType::F16;
  // Each grid, method, dtype, shape and kind of calibration at least once, each dtype with both kinds.
  const std::vector<Case> cases{
      {"--grid gf16", F32, gram, large},
      {"--grid gf16 --method rtn", BF16, gram, large},
      {"--grid int4", BF16, activations, large},
      {"--grid int4 --group-size 16", F16, gram, large},
      {"--grid int4", BF16, gram, stack},
      {"--grid gf16", F32, activations, turned},
      {"--grid int4z", F16, gram, large},
      {"--grid int4z --method rtn --group-size 16", F32, gram, turned},
      {"--grid lloyd:4", BF16, gram, large},
      {"--grid lloyd:4 --method rtn", F16, gram, stack},
      {"--grid int4 --method descent", F32, gram, large},
      {"--grid int4 --method greedy --sweeps 1", BF16, gram, few},
      {"--grid int4 --method best --effort 1", F16, gram, large},
      {"--grid int4s --method best --effort 5 --group-size 16", BF16, gram, few},
      {"--bits 4 --effort 1", F16, activations, few},
      {"--grid int4s --scale-rule search", BF16, gram, many},  // the codes of 28 candidates
      {"--grid int4 --rotation hadamard:16", F32, gram, large},
      {"--grid int4 --method rate-distortion", F16, gram, large},
      {"--grid int4 --method rate-distortion --beam 48", F32, gram, few},
      {"--grid int4 --method sparse24 --no-guard", BF16, gram, large},
      {"--grid int2s --method prune --sweeps 1", F32, gram, large},
      {"--grid int2s --method prune --sweeps 1", BF16, gram, many},  // its cuts grow with the rows
      {"--grid trellis:2 --method trellis --rotation hadamard:16", BF16, gram, few},
      {"--grid int4 --target asymmetric", F32, gram, large},
      {"--grid int4 --method qronos --target asymmetric", F16, gram, large},
      {"--grid int4 --low-rank 8", BF16, gram, large}};
  for (const Case& one : cases) {
    const std::string dtype(dtype_name(one.dtype)), kind = one.calibration;
    CAPTURE(one.options);
    CAPTURE(dtype);
    CAPTURE(kind);
    CAPTURE(one.shapes.text());
    const std::vector<std::string> words = command(folder, one, one.shapes);
    const std::string plan = test::shell(fmt::format("{} --dry-run", fmt::join(words, " "))).out;
    const auto at = plan.find("largest working set ");
    REQUIRE(at != std::string::npos);
    const double said = std::stod(plan.substr(at + 20)) * 1e6;
    const Run nothing = run(command(folder, one, one.shapes.small())), result = run(words);
    CHECK(nothing.exit == 0);
    CHECK(result.exit == 0);
    // The program and its libraries are there for a matrix of any size.
    const double needed = static_cast<double>(result.peak_bytes) - static_cast<double>(nothing.peak_bytes);
    CHECK(needed <= said);
    CHECK(said <= 2 * needed + 4e6);  // what allocators and threads hold differs from run to run
  }
}

TEST_CASE("the codec streams: an endless input needs no memory") {
  const hallmark::test::Result words =
      hallmark::test::shell("ulimit -v 400000; yes 1 | " HALLMARK_TOOL " codec encode | head -c 7000");
  CHECK(words.out.size() == 7000);
}
