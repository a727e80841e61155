// Activation capture: sites, shapes, values, order, threads.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "random_model.hpp"
#include "replay/calibration.hpp"
#include "replay/capture.hpp"
#include "replay/forward.hpp"

namespace capture_test {

using namespace hallmark;

namespace {

using Captured = std::map<std::string, std::vector<Matrix<float>>>;  // site -> batches

Captured capture(const Model& model, const std::vector<std::span<const std::byte>>& windows) {
  Captured captured;
  std::vector<std::string> order;
  const auto status = capture_activations(model, windows, [&](const ActivationSite& site, MatrixRef<float> values) {
    captured[site.name].push_back(values);
    order.push_back(site.name);
    return ok();
  });
  REQUIRE(status);
  const auto sites = activation_sites(model.config());
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(order[i] == sites[i % sites.size()].name);
  return captured;
}

std::vector<std::span<const std::byte>> cut(const std::vector<std::byte>& text, std::size_t length) {
  std::vector<std::span<const std::byte>> windows;
  for (std::size_t i = 0; i + length <= text.size(); i += length) windows.push_back(std::span(text).subspan(i, length));
  return windows;
}

}  // namespace

TEST_CASE("every matrix of the model has exactly one site, with its number of columns") {
  const auto model = test::random_model(31);
  auto sites = activation_sites(model.config());
  for (const ActivationSite& table : table_sites(model.config())) sites.push_back(table);
  std::set<std::string> seen;
  for (const auto& site : sites) {
    CHECK(site.name == site.weights[0]);
    for (const auto& weight : site.weights) {
      CHECK(seen.insert(weight).second);
      CHECK(model[weight].cols() == site.cols);
    }
  }
  const auto names = model.matrix_names();
  CHECK(seen == std::set<std::string>(names.begin(), names.end()));
}

TEST_CASE("batches of 16 windows, tokens in order, every site once per batch") {
  const auto model = test::random_model(32);
  const auto text = test::random_text(20 * 37, 33);
  const auto windows = cut(text, 20);  // 37 windows: batches of 16, 16 and 5
  const auto captured = capture(model, windows);
  CHECK(captured.size() == activation_sites(model.config()).size());
  for (const auto& site : activation_sites(model.config())) {
    const auto& batches = captured.at(site.name);
    REQUIRE(batches.size() == 3);
    for (std::size_t b = 0; b < 3; ++b) {
      CHECK(batches[b].rows() == (b < 2 ? 320 : 100));
      CHECK(batches[b].cols() == site.cols);
    }
    const auto alone = capture(model, {windows[17]});  // the second window of the second batch
    CHECK(batches[1].middleRows(20, 20) == alone.at(site.name)[0]);
  }
}

TEST_CASE("what is captured is what the layers receive") {
  const auto model = test::random_model(34);
  const auto text = test::random_text(24, 35);
  const auto captured = capture(model, cut(text, 24));
  // relu(fc x)^2 is the next site's input; the embedding's activations give the logits.
  const Matrix<double> fc = captured.at("blocks.1.mlp.fc.weight")[0].cast<double>() *
                            model["blocks.1.mlp.fc.weight"].cast<double>().transpose();
  const Matrix<double> hidden = fc.cwiseMax(0).array().square();
  CHECK(hidden.maxCoeff() > 0.1);
  CHECK((hidden - captured.at("blocks.1.mlp.proj.weight")[0].cast<double>()).cwiseAbs().maxCoeff() < 1e-5);
  const Matrix<double> scores =
      captured.at("tok_emb.weight")[0].cast<double>() * model["tok_emb.weight"].cast<double>().transpose();
  const Matrix<double> logits = 30 * (scores.array() / 30).tanh();
  CHECK((logits - Forward(model, 24).logits(text)).cwiseAbs().maxCoeff() < 1e-5);
  // Table rows of the bigrams, the extra row first.
  const auto& rows = captured.at("bigram.proj.weight")[0];
  CHECK(rows.row(0) == model["bigram.table.weight"].row(49));
  const auto bucket =
      bigram_bucket(std::to_integer<std::uint32_t>(text[7]), std::to_integer<std::uint32_t>(text[6]), 50);
  CHECK(rows.row(7) == model["bigram.table.weight"].row(bucket));
}

TEST_CASE("the bigram table's activations are the rows of the projection") {
  const auto model = test::random_model(36);
  const auto tables = table_sites(model.config());
  REQUIRE(tables.size() == 1);
  const auto activations = table_activations(model, tables[0]);
  CHECK(activations == model["bigram.proj.weight"]);
  CHECK(activations.cols() == tables[0].cols);
}

TEST_CASE("the same activations for any number of threads") {
  const auto model = test::random_model(37);
  const auto text = test::random_text(24 * 20, 38);
  const auto windows = cut(text, 24);
  const auto expected = capture(model, windows);
  test::for_each_thread_count([&](int threads) {
    CAPTURE(threads);
    CHECK(capture(model, windows) == expected);
  });
}

TEST_CASE("the sink's error ends the capture; no window is no call") {
  const auto model = test::random_model(39);
  const auto text = test::random_text(24 * 20, 40);
  int calls = 0;
  const auto sink = [&](const ActivationSite&, MatrixRef<float>) -> Status {
    if (++calls == 3) return Error{Exit::io, 999, "stop", "", ""};
    return ok();
  };
  const auto status = capture_activations(model, cut(text, 24), sink);
  REQUIRE(!status);
  CHECK(status.error().number == 999);
  CHECK(calls == 3);
  CHECK(capture_activations(model, {}, sink));
  CHECK(calls == 3);
}

TEST_CASE("side by side, each model's inputs of every site are its own") {
  const auto first = test::random_model(41), second = test::random_model(42);
  const auto text = test::random_text(24 * 20, 43);
  const auto windows = cut(text, 24);
  const auto one = capture(first, windows), other = capture(second, windows);
  const auto sites = activation_sites(first.config());
  for (std::size_t i = 0; i < sites.size(); ++i) {
    CAPTURE(sites[i].name);
    std::size_t batch = 0;
    REQUIRE(capture_side_by_side(first, second, windows, i, [&](MatrixRef<float> X, MatrixRef<float> behind) {
      CHECK(X == one.at(sites[i].name)[batch]);
      CHECK(behind == other.at(sites[i].name)[batch]);
      ++batch;
      return ok();
    }));
    CHECK(batch == 2);
  }
}

}  // namespace capture_test
