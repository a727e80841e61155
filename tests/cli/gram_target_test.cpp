// The calibration of asymmetric targets from the command line: activations of two models, and a replay checkpoint that
// is quantized in the order of its layers.
#include <fmt/format.h>

#include "../ablation/tiny_experiment.hpp"
#include "calibrate/calibration_file.hpp"
#include "files.hpp"
#include "linalg/gram.hpp"
#include "measure/in_order.hpp"
#include "replay/capture.hpp"
#include "shell.hpp"

namespace gram_target_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Result tool(const std::string& command) { return shell(HALLMARK_TOOL " " + command); }

void check_refused(const Result& result, int exit, const std::string& number, const std::string& says) {
  CHECK_MESSAGE(result.exit == exit, result.out);
  CHECK_MESSAGE(result.out.find(number) != std::string::npos, result.out);
  CHECK_MESSAGE(result.out.find(says) != std::string::npos, result.out);
}

// What a calibration file says of a weight.
TargetGrams stored(const std::string& path, const std::string& weight) {
  const auto file = CalibrationFile::open(path);
  REQUIRE(file);
  const CalibrationEntry* entry = file->find(weight);
  REQUIRE(entry);
  REQUIRE(entry->crossed);
  const auto cross = file->cross_grams(weight).value();
  return {static_cast<Index>(entry->tokens), file->gram(weight).value().view(), cross.C.view(), cross.K.view()};
}

Matrix<float> matrix(const std::vector<float>& values, Index cols) {
  return Eigen::Map<const Matrix<float>>(values.data(), static_cast<Index>(values.size()) / cols, cols);
}

}  // namespace

TEST_CASE("activations of two models: the sums over the tokens of all files") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& weight, const std::vector<float>& values) {
    write_tensors(folder / name, {{weight + ".activations", DType::F32, {values.size() / 5, 5}, values}});
  };
  const std::vector<float> X = noise(5 * 9, 1), Y = noise(5 * 9, 2);
  const auto part = [](const std::vector<float>& of, int first, int last) {
    return std::vector<float>(of.begin() + 5 * first, of.begin() + 5 * last);
  };
  write("x1", "a", part(X, 0, 4)), write("x2", "a", part(X, 4, 9)), write("y1", "a", part(Y, 0, 4));
  write("y2", "a", part(Y, 4, 9)), write("other", "b", part(Y, 4, 9)), write("short", "a", part(Y, 4, 8));
  write_tensors(folder / "gram", {{"a.gram", DType::F64, {5, 5}}});
  const auto gram = [&](const std::string& flags) {
    return shell(fmt::format("cd {}; {} gram {} -o c --overwrite", folder.path(), HALLMARK_TOOL, flags));
  };
  REQUIRE(gram("--activations x1 x2 --behind y1 y2").exit == 0);
  const TargetGrams sums = stored(folder / "c", "a");
  TargetAccumulator expected(5);
  REQUIRE(expected.add(matrix(X, 5), matrix(Y, 5)));
  CHECK(sums.tokens == 9);
  CHECK(sums.H == gram_ref(matrix(Y, 5)));
  CHECK(sums.K == gram_ref(matrix(X, 5)));
  CHECK(sums.C == expected.grams().C);

  check_refused(gram("--activations x1 x2 --behind y1"), 2, "E0201", "as many files");
  check_refused(gram("--activations x1 x2 --behind y1 short"), 4, "E0415", "[5, 5] and [4, 5]");
  check_refused(gram("--activations x1 x2 --behind y1 other"), 4, "E0415", "in one of them alone");
  check_refused(gram("--activations x1 x2 --behind y1 gram"), 2, "E0211", "a Gram matrix");
  check_refused(gram("--activations x1 --behind x1"), 2, "E0201", "one file");
  CHECK(gram("--merge c --behind y1").exit == 2);
}

TEST_CASE("a checkpoint in order: the file is what its own codes are made by") {
  const TinyExperiment experiment;
  const std::string model = experiment / checkpoint_name(47), text = experiment.text();
  const std::string rules = experiment / "rules.json", c = experiment / "c", q = experiment / "q.safetensors",
                    d = experiment / "d.safetensors";
  write_file(rules, R"({"rules": [{"match": "", "grid": "int3s", "target": "asymmetric"},
                                  {"match": "mlp.fc", "target": "plain", "grid": "int4s"},
                                  {"match": "blocks.1.attn.proj", "skip": true}]})");
  const std::string made = fmt::format("gram --model {} --text {} --batches 2 -o {}", model, text, c);
  const Result in_order = tool(made + " --config " + rules);
  REQUIRE_MESSAGE(in_order.exit == 0, in_order.out);
  const Result quantized =
      tool(fmt::format("quantize --weights {} --calibration {} --config {} -o {}", model, c, rules, q));
  REQUIRE_MESSAGE(quantized.exit == 0, quantized.out);
  REQUIRE(tool(fmt::format("verify {} --weights {} --calibration {}", q, model, c)).exit == 0);
  REQUIRE(tool(fmt::format("dequantize {} -o {}", q, d)).exit == 0);

  // Behind the codes of `quantize` every site sees the matrices that the file holds.
  const Model before = load_model(model).value(), after = load_model(d).value();
  const Corpus corpus = load_corpus(text).value();
  const auto plan = CalibrationPlan::draw(corpus.train, 47, 2).value();
  const auto sites = activation_sites(before.config());
  const auto file = CalibrationFile::open(c).value();
  CHECK(file.entries().size() == before.matrix_names().size());
  for (std::size_t i = 0; i + 1 < sites.size(); ++i) {
    const TargetGrams seen = capture_target(before, after, corpus.train, plan.calibration(2), i).value();
    CHECK(seen.H != seen.K);
    for (const std::string& weight : sites[i].weights) {
      CAPTURE(weight);
      const bool plain = weight.ends_with("mlp.fc.weight") || weight == "blocks.1.attn.proj.weight";
      CHECK(file.find(weight)->crossed == !plain);
      if (plain) {
        CHECK(file.gram(weight).value().view() == seen.K);  // that of the unquantized model
      } else {
        const TargetGrams held = stored(c, weight);
        CHECK(held.tokens == seen.tokens);
        CHECK((held.H == seen.H && held.C == seen.C && held.K == seen.K));
      }
    }
  }
  for (const std::string lookup : {"tok_emb.weight", "bigram.table.weight"}) {
    const TargetGrams held = stored(c, lookup);
    CHECK((held.H == held.K && held.C == held.K));
  }
  CHECK(before["blocks.1.attn.proj.weight"] == after["blocks.1.attn.proj.weight"]);

  write_file(
      rules,
      R"({"rules": [{"match": "", "grid": "int3s", "target": "asymmetric"}, {"match": "nothing", "grid": "int4s"}]})");
  check_refused(tool(made + " --overwrite --config " + rules), 4, "E0430", "nothing");
  write_file(rules, R"({"rules": [{"match": "", "method": "rtn", "target": "asymmetric"}]})");
  check_refused(tool(made + " --overwrite --config " + rules), 2, "E0234", "target");
  CHECK(tool(fmt::format("gram --activations {} --config {} -o {} --overwrite", c, rules, c)).exit == 2);
}

}  // namespace gram_target_test
