#include "replay/test_time_training.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "replay/backward.hpp"
#include "replay/forward.hpp"

namespace hallmark {

namespace {

// SGD with momentum on the weights of a model.
class Sgd {
 public:
  explicit Sgd(const TestTimeTraining& training) : training_(training) {}

  Expected<Model> step(const Model& model, const std::vector<std::span<const std::byte>>& sequences, double rate) {
    Gradients gradients = mean_gradients(model, sequences);
    if (training_.trains) std::erase_if(gradients, [&](const auto& entry) { return !training_.trains(entry.first); });
    double square = 0;
    for (const auto& [name, g] : gradients)
      for (Index j = 0; j < g.size(); ++j) square += g.data()[j] * g.data()[j];
    const double shrink = std::min(1.0, training_.clip / (std::sqrt(square) + 1e-6));
    Weights weights = model.weights();
    for (const auto& [name, g] : gradients) {
      Matrix<double>& v = velocity_.try_emplace(name, Matrix<double>::Zero(g.rows(), g.cols())).first->second;
      v = training_.momentum * v + shrink * g;
      Matrix<float>& w = weights.at(name).values;
      w = (w.cast<double>() - rate * v).cast<float>();
    }
    ++taken_;
    auto moved = Model::create(model.config(), std::move(weights), model.metadata(), "behind it");
    if (moved) return moved;
    return Error{Exit::input, error_number::not_finite, "test-time training left the finite numbers",
                 fmt::format("step {}, learning rate {:.6g}: {}", taken_, rate, moved.error().where),
                 "train with a lower learning rate, or fewer weights"};
  }

 private:
  const TestTimeTraining& training_;
  Gradients velocity_;
  std::size_t taken_ = 0;  // steps
};

}  // namespace

Expected<std::vector<double>> trained_scores(const Model& model, std::span<const std::byte> text,
                                             const Windows& windows, const TestTimeTraining& training,
                                             const ScoringProgress& progress) {
  if (auto valid = check_windows(text, windows); !valid) return valid.error();
  std::vector<double> scores(text.size() - 1);
  const auto window = static_cast<std::size_t>(windows.window);
  const std::size_t chunk = training.sequences * window, chunks = (scores.size() + chunk - 1) / chunk;
  Expected<Model> current = model;
  Sgd sgd(training);
  std::size_t first = 0;
  for (std::size_t c = 0; c < chunks; ++c) {
    std::size_t last = first;
    while (last < windows.count(scores.size()) &&
           windows.place(last, scores.size()).first_scored < std::min((c + 1) * chunk, scores.size()))
      ++last;
    score_windows(Forward(*current, windows.window), text, windows, {first, last}, scores, progress);
    first = last;
    if (c + 1 == chunks) break;
    std::vector<std::span<const std::byte>> sequences;
    for (std::size_t i = 0; i < training.sequences; ++i)
      sequences.push_back(text.subspan(c * chunk + i * window, window + 1));
    const double turn = std::numbers::pi * static_cast<double>(c) / static_cast<double>(chunks - 1);
    for (int epoch = 0; epoch < training.epochs; ++epoch) {
      current = sgd.step(*current, sequences, training.rate * (1 + std::cos(turn)) / 2);
      if (!current) return current.error();
    }
  }
  return scores;
}

}  // namespace hallmark
