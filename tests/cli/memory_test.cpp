// Memory of the tool. Peak memory of `hallmark quantize`: the largest tensor's working set (W, G, U and codes) plus 200
// MB, however large the files are. The calibration file here is 320 MB and the weights 80 MB; a tool that kept either
// in memory would show.
#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
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
  const std::string q = folder / "q.safetensors";
  // W rows x n in the dtype, calibrated by a Gram matrix or by activations.
  const auto write = [&](const std::string& name, std::uint64_t height, std::uint64_t n, DType dtype, bool gram) {
    test::write_tensors(folder / ("w." + name), {{"w", dtype, {height, n}}});
    std::vector<float> values(n * n, 0.25F);
    for (std::size_t j = 0; j < n; ++j) values[j * n + j] = 1;
    if (gram)
      test::write_tensors(folder / ("c." + name), {{"w.gram", DType::F64, {n, n}, values},
                                                   {"w.cross_gram", DType::F64, {n, n}, values},
                                                   {"w.float_gram", DType::F64, {n, n}, values}});
    else test::write_tensors(folder / ("c." + name), {{"w.activations", DType::F32, {2 * n, n}}});
  };
  using Words = std::vector<std::string>;
  const auto command = [&](const std::string& name, const Words& asked) {
    Words words{HALLMARK_TOOL,          "quantize",      "--weights",
                folder / ("w." + name), "--calibration", folder / ("c." + name)};
    words.insert(words.end(), asked.begin(), asked.end());
    for (const char* word : {"--threads", "2", "--overwrite", "--output"}) words.emplace_back(word);
    words.push_back(q);
    return words;
  };
  std::vector<Words> each;
  for (const std::string grid : {"gf16", "int4", "int4z", "lloyd:4"})
    for (const std::string method : {"gptq", "rtn"}) each.push_back({"--grid", grid, "--method", method});
  for (const Words& more : {Words{"--method", "descent"}, Words{"--method", "best", "--effort", "1"},
                            Words{"--scale-rule", "search", "--ratios", "1,0.9"}, Words{"--rotation", "hadamard:16"}}) {
    each.push_back({"--grid", "int4"});
    each.back().insert(each.back().end(), more.begin(), more.end());
  }
  each.push_back({"--grid", "int4", "--method", "greedy", "--sweeps", "1"});
  const Words prune{"--grid", "int2s", "--method", "prune", "--sweeps", "1"};  // its cuts grow with the rows
  each.push_back(prune);
  const Words trellis{"--grid", "trellis:2", "--method", "trellis", "--rotation", "hadamard:16"};  // slow: fewer rows
  each.push_back(trellis);
  each.push_back({"--bits", "4", "--effort", "1"});
  each.push_back({"--grid", "int4", "--target", "asymmetric"});
  each.push_back({"--grid", "int4", "--low-rank", "8"});
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const bool gram : {true, false}) {
      write("small", 8, 8, dtype, gram);
      write("large", 1024, 1024, dtype, gram);
      write("few", 96, 1024, dtype, gram);
      write("many", 8192, 256, dtype, gram);
      for (const Words& asked : each) {
        if (!gram && asked != each.front()) continue;
        const std::string dtype_text(dtype_name(dtype)), words = fmt::format("{}", fmt::join(asked, " ")),
                                                         name = asked == trellis ? "few"
                                                                : asked == prune ? "many"
                                                                                 : "large";
        CAPTURE(dtype_text);
        CAPTURE(gram);
        CAPTURE(words);
        std::string dry;
        for (const std::string& word : command(name, asked)) dry += word + " ";
        const std::string plan = test::shell(dry + "--dry-run").out;
        const auto at = plan.find("largest working set ");
        REQUIRE(at != std::string::npos);
        const double said = std::stod(plan.substr(at + 20)) * 1e6;
        const Run nothing = run(command("small", asked)), result = run(command(name, asked));
        CHECK(nothing.exit == 0);
        CHECK(result.exit == 0);
        // The program and its libraries are there for a matrix of any size.
        const double needed = static_cast<double>(result.peak_bytes) - static_cast<double>(nothing.peak_bytes);
        CHECK(needed <= said);
        CHECK(said <= 2 * needed + 4e6);  // what allocators and threads hold differs from run to run
      }
    }
}

TEST_CASE("the codec streams: an endless input needs no memory") {
  const hallmark::test::Result words =
      hallmark::test::shell("ulimit -v 400000; yes 1 | " HALLMARK_TOOL " codec encode | head -c 7000");
  CHECK(words.out.size() == 7000);
}
