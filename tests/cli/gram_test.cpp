// hallmark gram: every token of every part counts once, whatever the parts.
#include <unistd.h>

#include <filesystem>

#include <fmt/format.h>

#include "calibrate/calibration_file.hpp"
#include "files.hpp"
#include "pipeline/accumulate.hpp"
#include "shell.hpp"

namespace gram_test {

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

TEST_CASE("the chunks of a Gram matrix, each summed alone from the files, merge to the bits of one sum") {
  const Workspace work;
  // Chunks begin and end inside files, at their ends, and one spans three files.
  const std::vector<std::size_t> counts = {2500, 3, 1100, 97};
  std::vector<CalibrationFile> files;
  Matrix<float> X(3700, cols);
  Index at = 0;
  for (const std::size_t count : counts) {
    const std::vector<float> values = noise(count * cols, static_cast<unsigned>(count));
    write_tensors(work.path("y"), {{"a.activations", DType::F32, {count, cols}, values}});
    fs::rename(work.path("y"), work.path(fmt::format("y{}", count)));
    files.push_back(*CalibrationFile::open(work.path(fmt::format("y{}", count))));
    for (const float value : values) X.data()[at++] = value;
  }
  CHECK(tokens_of(files, "a") == 3700);
  CHECK(*accumulate_gram(files, "a") == gram_ref(X));
  for (const Index chunk : {37, 600, 1250, 2503, 3699, 3700, 4000}) {
    CAPTURE(chunk);
    const std::uint64_t chunks = gram_chunks(3700, chunk);
    CHECK(chunks == (3700 + static_cast<std::uint64_t>(chunk) - 1) / static_cast<std::uint64_t>(chunk));
    Matrix<double> G = *accumulate_chunk(files, "a", 0, chunk);
    for (std::uint64_t k = 1; k < chunks; ++k) G = *merge_gram(G, *accumulate_chunk(files, "a", k, chunk));
    CHECK(G == gram_ref(X, chunk));
  }
  CHECK(gram_chunks(0) == 1);
  CHECK(gram_chunks(std::uint64_t{1} << 18) == 1);
  CHECK(gram_chunks((std::uint64_t{1} << 18) + 1) == 2);
}

TEST_CASE("Gram matrices of whole chunks, one file each, merge to the bits of one run over all their tokens") {
  const Workspace work;
  constexpr auto chunk = static_cast<std::size_t>(kGramChunk);
  const std::vector<std::size_t> counts = {chunk, chunk, 1000};
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto seed = static_cast<unsigned>(30 + k);
    write_tensors(work.path(fmt::format("x{}", k)),
                  {{"a.activations", DType::F32, {counts[k], 2}, noise(2 * counts[k], seed)}});
    work.gram(fmt::format("--activations x{}", k));
    fs::rename(work.path("g"), work.path(fmt::format("g{}", k)));
  }
  const Matrix<double> all = work.gram("--activations x0 x1 x2");
  CHECK(work.gram("--merge g0 g1 g2") == all);
  CHECK(work.gram("--merge g2 g1 g0") != all);  // another order of the same sums
}

}  // namespace gram_test
