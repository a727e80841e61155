// hallmark gram: every token of every part counts once, whatever the parts.
#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "calibrate/calibration_file.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-gram-{}", ::getpid());

  Workspace() {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~Workspace() { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }
  /// G of tensor "a" after `hallmark gram`.
  Matrix<double> gram(const std::string& inputs) const {
    const Result made =
        shell(fmt::format("cd '{}'; '{}' gram {} --overwrite -o g", folder.string(), HALLMARK_TOOL, inputs));
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    const auto file = CalibrationFile::open(path("g"));
    REQUIRE(file);
    return file->gram("a")->view();
  }
};

// Small integers: sums of their products are exact in any order.
constexpr Index cols = 5;
std::vector<float> tokens(std::size_t count, unsigned seed) {
  std::vector<float> values = noise(count * cols, seed);
  for (float& value : values) value = std::round(16 * value);
  return values;
}

Matrix<double> sum_of(const std::vector<std::vector<float>>& parts) {
  Matrix<double> G = Matrix<double>::Zero(cols, cols);
  for (const std::vector<float>& part : parts)
    for (std::size_t t = 0; t < part.size() / cols; ++t)
      for (Index i = 0; i < cols; ++i)
        for (Index j = 0; j < cols; ++j)
          G(i, j) += static_cast<double>(part[t * cols + static_cast<std::size_t>(i)]) *
                     static_cast<double>(part[t * cols + static_cast<std::size_t>(j)]);
  return G;
}

}  // namespace

TEST_CASE("Gram matrices of files and of their parts are the sums over all tokens") {
  const Workspace work;
  // More tokens than are in memory at once; the last piece is not full.
  const std::vector<std::vector<float>> parts = {tokens(2500, 1), tokens(3, 2), tokens(1024, 3)};
  for (std::size_t k = 0; k < parts.size(); ++k) {
    write_tensors(work.path(fmt::format("x{}", k)),
                  {{"a.activations", DType::F32, {parts[k].size() / cols, cols}, parts[k]}});
    CHECK(work.gram(fmt::format("--activations x{}", k)) == sum_of({parts[k]}));
    fs::rename(work.path("g"), work.path(fmt::format("g{}", k)));
  }
  // A part that does not know the tensor changes nothing.
  write_tensors(work.path("other"), {{"b.activations", DType::F32, {1, cols}}});
  const Matrix<double> all = sum_of(parts);
  CHECK(work.gram("--activations x0 x1 other x2") == all);
  CHECK(work.gram("--merge g0 g1 g2") == all);
  CHECK(work.gram("--merge g1 g2") == sum_of({parts[1], parts[2]}));
}
