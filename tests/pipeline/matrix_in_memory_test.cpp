// A matrix in memory gets what one in a file gets, to the last byte of its certificate.
#include <doctest/doctest.h>

#include "../cli/files.hpp"
#include "../io/temporary_folder.hpp"
#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "linalg/gram.hpp"
#include "linalg/target_grams.hpp"
#include "pipeline/matrix_in_memory.hpp"
#include "pipeline/quantize_files.hpp"

namespace matrix_in_memory_test {

using namespace hallmark;

namespace {

using Words = std::map<std::string, std::string>;

constexpr Index rows = 6, cols = 32, tokens = 100;

struct SmallLayer {
  std::vector<float> W = test::noise(rows * cols, 3);
  Matrix<double> G;

  SmallLayer() {
    const std::vector<float> x = test::noise(tokens * cols, 5);
    GramAccumulator sums(cols);
    REQUIRE(sums.add(Eigen::Map<const Matrix<float>>(x.data(), tokens, cols)));
    G = sums.gram();
  }
  MatrixInMemory in_memory() const { return {"a", W.data(), rows, cols, G.data(), nullptr, nullptr, cols, tokens}; }
};

int number_of(MatrixInMemory in, const Words& words) {
  Expected<RuleSet> rules = rules_of_words(words, "test");
  if (!rules) return rules.error().number;
  const auto made = quantize_in_memory(in, *rules, {});
  return made ? 0 : made.error().number;
}

}  // namespace

TEST_CASE("a matrix in memory gets the codes and the certificate of one in a file") {
  const SmallLayer layer;
  const test::TemporaryFolder folder;
  test::write_tensors(folder / "w", {{"a", DType::F32, {rows, cols}, layer.W}});
  REQUIRE(write_grams(folder / "c", false, {{"a", cols, tokens}}, [&](std::size_t) { return layer.G; }));
  for (const Words& words : {Words{{"grid", "int4"}}, Words{{"bits", "3"}, {"rotation_seed", "7"}},
                             Words{{"grid", "int4z"}, {"group_size", "8"}}, Words{{"grid", "int3"}, {"low_rank", "2"}},
                             Words{{"method", "rtn"}}}) {
    const Demands demands{contracts::Policy::on, true, true, {2}, words.contains("grid")};
    RuleSet of_files = *rules_of_words(words, "test"), of_memory = of_files;
    QuantizeFilesRequest request;
    request.weights = folder / "w";
    request.calibration = folder / "c";
    request.output = folder / "q.safetensors";
    request.demands = demands;
    request.tool = "a test";
    request.overwrite = true;
    const auto work = QuantizationOfFiles::prepare(request, of_files);
    REQUIRE(work);
    const auto ran = work->run({});
    REQUIRE_MESSAGE(ran, to_string(ran.error()));
    const auto made = quantize_in_memory(layer.in_memory(), of_memory, demands);
    REQUIRE(made);
    const std::string text = *read_text(certificate_path(request.output));
    const std::size_t first = text.find('\n') + 1, last = text.rfind("\n]}\n");
    CHECK(certificate_lines(made->certificate) == text.substr(first, last - first));
    const auto file = QuantizedFile::open(request.output);
    REQUIRE(file);
    CHECK(*file->codes(file->header().matrices.front()) == made->result.codes);
    CHECK(made->result.codes.size() == rows * cols);
  }
}

TEST_CASE("so does one with an asymmetric target, whose inputs of the float layer lie in memory too") {
  const SmallLayer layer;
  const std::vector<float> x = test::noise(tokens * cols, 5), moved = test::noise(tokens * cols, 6);
  TargetAccumulator sum(cols);
  REQUIRE(sum.add(Eigen::Map<const Matrix<float>>(x.data(), tokens, cols),
                  Eigen::Map<const Matrix<float>>(moved.data(), tokens, cols)));
  const TargetGrams grams = sum.grams();
  const test::TemporaryFolder folder;
  test::write_tensors(folder / "w", {{"a", DType::F32, {rows, cols}, layer.W}});
  const std::vector<GramPlan> plan = {
      {"a", cols, tokens, gram_suffix}, {"a", cols, tokens, cross_gram_suffix}, {"a", cols, tokens, float_gram_suffix}};
  const Matrix<double>* const all[] = {&grams.H, &grams.C, &grams.K};
  REQUIRE(write_grams(folder / "c", false, plan, [&](std::size_t i) { return *all[i]; }));
  const Words words{{"grid", "int4"}, {"target", "asymmetric"}};
  RuleSet of_files = *rules_of_words(words, "test"), of_memory = of_files;
  QuantizeFilesRequest request;
  request.weights = folder / "w";
  request.calibration = folder / "c";
  request.output = folder / "q.safetensors";
  request.tool = "a test";
  const auto work = QuantizationOfFiles::prepare(request, of_files);
  REQUIRE(work);
  REQUIRE(work->run({}));
  const MatrixInMemory in{"a",  layer.W.data(), rows, cols, grams.H.data(), grams.C.data(), grams.K.data(),
                          cols, tokens};
  const auto made = quantize_in_memory(in, of_memory, {});
  REQUIRE(made);
  const std::string text = *read_text(certificate_path(request.output));
  CHECK(text.find(certificate_lines(made->certificate)) != std::string::npos);
  MatrixInMemory without = in;
  without.C = without.K = nullptr;
  CHECK(number_of(without, words) == error_number::calibration_missing);
  CHECK(number_of(without, {{"grid", "int4"}}) == 0);
}

TEST_CASE("what a matrix in memory lacks is said of it") {
  const SmallLayer layer;
  MatrixInMemory in = layer.in_memory();
  CHECK(number_of(in, {{"grid", "int4"}}) == 0);
  CHECK(number_of(in, {{"gird", "int4"}}) == error_number::config_malformed);
  CHECK(number_of(in, {{"grid", "int4"}, {"group_size", "33"}}) == error_number::group_too_wide);
  in.no_token = true;
  CHECK(number_of(in, {{"grid", "int4"}}) == error_number::calibration_empty);
  in = layer.in_memory();
  in.gram_cols = cols - 1;
  CHECK(number_of(in, {{"grid", "int4"}}) == error_number::calibration_shape);
  in.G = nullptr;
  CHECK(number_of(in, {{"grid", "int4"}}) == error_number::no_calibration);
  CHECK(number_of(in, {{"grid", "int4"}, {"method", "rtn"}}) == 0);
}

}  // namespace matrix_in_memory_test
