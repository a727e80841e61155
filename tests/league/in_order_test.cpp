// A model quantized in the order of its layers: what each weight is quantized for, against a plain twin.
#include "measure/in_order.hpp"

#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>

#include "../ablation/tiny_experiment.hpp"
#include "linalg/gram.hpp"
#include "method/asymmetric.hpp"
#include "method/rtn.hpp"
#include "pipeline/quantize_matrix.hpp"
#include "replay/capture.hpp"

namespace in_order_test {

using namespace hallmark;
using hallmark::test::tiny_config;
using hallmark::test::TinyExperiment;

namespace {

constexpr std::int64_t kBatches = 2;

struct Setting {
  TinyExperiment experiment;
  Model model = load_model(experiment / checkpoint_name(47)).value();
  Corpus corpus = load_corpus(experiment.text()).value();
  CalibrationPlan plan = CalibrationPlan::draw(corpus.train, 47, kBatches).value();
  std::span<const std::uint64_t> offsets = plan.calibration(kBatches);
  Grams grams = capture_grams(model, corpus.train, offsets, std::array{kBatches}, [] {}).value().front();

  Model in_order(const QuantizeFor& quantize) const {
    return quantize_in_order(model, grams, corpus.train, offsets, quantize).value();
  }
  // All inputs of a site, tokens in order.
  Matrix<float> inputs(const Model& of, const std::string& site) const {
    std::vector<Matrix<float>> parts;
    REQUIRE(
        capture_activations(of, windows_at(corpus.train, offsets), [&](const ActivationSite& at, MatrixRef<float> X) {
          if (at.name == site) parts.push_back(X);
          return ok();
        }));
    Index tokens = 0;
    for (const auto& part : parts) tokens += part.rows();
    Matrix<float> all(tokens, parts.front().cols());
    tokens = 0;
    for (const auto& part : parts) all.middleRows(tokens, part.rows()) = part, tokens += part.rows();
    return all;
  }
};

// A^T B, every entry in the order of GramAccumulator.
Matrix<double> sums(const Matrix<float>& A, const Matrix<float>& B) {
  Matrix<double> out = Matrix<double>::Zero(A.cols(), B.cols());
  for (Index a = 0; a < A.cols(); ++a)
    for (Index b = 0; b < B.cols(); ++b)
      for (Index t = 0; t < A.rows(); ++t)
        out(a, b) = std::fma(static_cast<double>(A(t, a)), static_cast<double>(B(t, b)), out(a, b));
  return out;
}

Matrix<float> coarse(const Matrix<float>& W) { return (W.array() * 8).round() / 8; }

const std::vector<std::string> kOrder = {
    "bigram.table.weight",       "tok_emb.weight",           "bigram.proj.weight",        "blocks.0.attn.c_q.weight",
    "blocks.0.attn.c_k.weight",  "blocks.0.attn.c_v.weight", "blocks.0.attn.proj.weight", "blocks.0.mlp.fc.weight",
    "blocks.0.mlp.proj.weight",  "blocks.1.attn.c_q.weight", "blocks.1.attn.c_k.weight",  "blocks.1.attn.c_v.weight",
    "blocks.1.attn.proj.weight", "blocks.1.mlp.fc.weight",   "blocks.1.mlp.proj.weight"};

}  // namespace

TEST_CASE("every weight once and in order, for the inputs behind what is quantized by then") {
  const Setting setting;
  std::vector<std::string> order;
  std::map<std::string, Matrix<float>> replaced;
  std::vector<std::string> waiting;  // of the site at hand
  const Model quantized = setting.in_order([&](const std::string& name, const TargetGrams& target) {
    CAPTURE(name);
    order.push_back(name);
    if (name == "bigram.table.weight" || name == "tok_emb.weight") {
      const SiteGram& gram = *setting.grams.at(name);
      CHECK(target.tokens == gram.tokens);
      CHECK((target.H == gram.G && target.C == gram.G && target.K == gram.G));
    } else {
      std::string site = name;
      for (const char* other : {"c_k", "c_v"})
        if (const auto at = site.find(other); at != std::string::npos) site.replace(at, 3, "c_q");
      if (site == name) {  // the first of its site: what came before it counts
        for (const std::string& done : waiting) replaced[done] = coarse(setting.model[done]);
        waiting.clear();
      }
      const Model behind = setting.model.with_weights(replaced).value();
      const Matrix<float> X = setting.inputs(setting.model, site), moved = setting.inputs(behind, site);
      CHECK(target.tokens == X.rows());
      CHECK(target.K == sums(X, X));
      CHECK(target.H == sums(moved, moved));
      CHECK(target.C == sums(X, moved));
      CHECK(target.H != target.K);
    }
    waiting.push_back(name);
    return coarse(setting.model[name]);
  });
  CHECK(order == kOrder);
  for (const std::string& name : kOrder) {
    CAPTURE(name);
    CHECK(quantized[name] == coarse(setting.model[name]));
  }
}

TEST_CASE("where nothing changes, C = K = H is the Gram matrix, and the codes are GPTQ's") {
  const Setting setting;
  Options options{.grid = Grid::parse("int3s").value()};
  int rows = 0;
  setting.in_order([&](const std::string& name, const TargetGrams& target) {
    CAPTURE(name);
    const Matrix<float>& values = setting.model[name];
    const SiteGram& gram = *setting.grams.at(name);
    CHECK(target.tokens == gram.tokens);
    REQUIRE((target.H == gram.G && target.C == gram.G && target.K == gram.G));
    const MatrixRef<float> W = values;
    const MatrixRef<double> H = target.H;
    const FloatInputs inputs{target.C, target.K};
    Layer layer{name, W, &H, target.tokens, target.tokens};
    options.target = plain_target;
    const auto plain = quantize(layer, options);
    layer.inputs = &inputs;
    options.target = asymmetric_target;
    const auto crossed = quantize(layer, options);
    REQUIRE((plain && crossed));
    CHECK(plain->codes == crossed->codes);
    CHECK(plain->steps.scales == crossed->steps.scales);
    rows += static_cast<int>(W.rows());
    return values;
  });
  CHECK(rows > 400);
}

TEST_CASE("the same matrices for any number of threads; errors come through") {
  const Setting setting;
  const std::size_t last = activation_sites(setting.model.config()).size() - 1;
  const Model behind = setting.model.with_weights({{kOrder[3], coarse(setting.model[kOrder[3]])}}).value();
  const auto captured = [&](int threads) {
    omp_set_num_threads(threads);
    return capture_target(setting.model, behind, setting.corpus.train, setting.offsets, last).value();
  };
  const TargetGrams one = captured(1), three = captured(3);
  omp_set_num_threads(omp_get_num_procs());
  CHECK((one.H == three.H && one.C == three.C && one.K == three.K));
  CHECK(one.K == setting.grams.at("tok_emb.weight")->G);
  int asked = 0;
  const auto stopped = quantize_in_order(setting.model, setting.grams, setting.corpus.train, setting.offsets,
                                         [&](const std::string& name, const TargetGrams&) -> Expected<Matrix<float>> {
                                           if (++asked == 4) return Error{Exit::io, 999, "stop", "", ""};
                                           return setting.model[name];
                                         });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().number == 999);
  CHECK(asked == 4);
}

}  // namespace in_order_test
