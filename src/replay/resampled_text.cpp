#include "replay/resampled_text.hpp"

#include <cmath>
#include <vector>

#include "replay/continuation.hpp"
#include "replay/draw_byte.hpp"
#include "replay/forward.hpp"
#include "replay/sampled_text.hpp"

namespace hallmark {
namespace {

std::vector<SplitMix64> generators(std::size_t windows, std::uint64_t seed) {
  std::vector<SplitMix64> random;
  for (SplitMix64 seeds(seed); random.size() < windows;) random.emplace_back(seeds());
  return random;
}

// ln softmax(logits)[byte]. `logits` is overwritten.
double log_probability(double* logits, Index count, std::byte byte) {
  const double own = logits[std::to_integer<Index>(byte)], top = *std::max_element(logits, logits + count);
  for (Index i = 0; i < count; ++i) logits[i] -= top;
  replay::exponential(logits, count);
  double sum = 0;
  for (Index i = 0; i < count; ++i) sum += logits[i];
  return own - top - std::log(sum);
}

// Windows side by side, with what the model has read of them before the position that is visited.
class Chain {
 public:
  Chain(const Continuation& model, std::span<std::byte> text, std::size_t size, std::span<SplitMix64> random)
      : model_(model), text_(text), size_(size), random_(random), past_(begin()), log_p_(behind(0, column(0))) {}

  void visit(std::size_t t) {
    if (position() >= t) past_ = begin();
    Matrix<double> logits;
    while (position() < t) logits = model_.next(past_, column(position()));
    Matrix<double> own = logits;
    std::vector<std::byte> proposed(random_.size());
    for (std::size_t b = 0; b < random_.size(); ++b)
      proposed[b] = t == 0 ? replay::uniform_byte(random_[b])
                           : replay::drawn_byte(row_of(logits, b), logits.cols(), 1, random_[b]);
    const Matrix<double> after = behind(t, proposed);
    for (std::size_t b = 0; b < random_.size(); ++b) {
      double gain = 0;
      for (std::size_t s = t + 1; s < size_; ++s) gain += after(at(b), at(s - 1 - t)) - log_p_(at(b), at(s - 1));
      if (!(std::log(replay::uniform_share(random_[b])) < gain)) continue;
      text_[b * size_ + t] = proposed[b];
      if (t > 0) log_p_(at(b), at(t - 1)) = log_probability(row_of(own, b), own.cols(), proposed[b]);
      log_p_.row(at(b)).tail(after.cols()) = after.row(at(b));
    }
  }

 private:
  Continuation::Past begin() const { return model_.begin(static_cast<Index>(random_.size())); }
  std::size_t position() const { return static_cast<std::size_t>(past_.position); }

  static Index at(std::size_t i) { return static_cast<Index>(i); }
  static double* row_of(Matrix<double>& logits, std::size_t b) { return logits.data() + at(b) * logits.cols(); }

  std::vector<std::byte> column(std::size_t t) const {
    std::vector<std::byte> bytes;
    for (std::size_t b = 0; b < random_.size(); ++b) bytes.push_back(text_[b * size_ + t]);
    return bytes;
  }

  // ln p of the bytes behind position t, where the past ends, when `inputs` stand there: [windows, size - 1 - t].
  Matrix<double> behind(std::size_t t, std::vector<std::byte> inputs) const {
    Continuation::Past past = past_;
    Matrix<double> log_p(at(random_.size()), at(size_ - 1 - t));
    for (std::size_t s = t + 1; s < size_; ++s) {
      Matrix<double> logits = model_.next(past, inputs);
      inputs = column(s);
      for (std::size_t b = 0; b < random_.size(); ++b)
        log_p(at(b), at(s - 1 - t)) = log_probability(row_of(logits, b), logits.cols(), inputs[b]);
    }
    return log_p;
  }

  const Continuation& model_;
  std::span<std::byte> text_;
  std::size_t size_;
  std::span<SplitMix64> random_;
  Continuation::Past past_;
  Matrix<double> log_p_;  // of bytes 1 .. size - 1
};

}  // namespace

Status resample_in_place(const Model& model, std::span<std::byte> text, std::size_t size, int rounds,
                         std::uint64_t seed) {
  if (const Status bytes = speaks_bytes(model); !bytes) return bytes;
  const std::size_t windows = text.size() / size;
  std::vector<SplitMix64> random = generators(windows, seed);
  const Forward forward(model, static_cast<Index>(size));
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < windows; ++i)
    for (int round = 0; round < rounds; ++round) {
      const std::span<std::byte> window = text.subspan(i * size, size);
      Matrix<double> logits = forward.logits(window);
      for (std::size_t t = 0; t < size; ++t)
        window[t] = replay::drawn_byte(&logits(static_cast<Index>(t), 0), logits.cols(), 1, random[i]);
    }
  return ok();
}

Status resample_by_gibbs(const Model& model, std::span<std::byte> text, std::size_t size,
                         std::span<const std::size_t> positions, std::uint64_t seed) {
  if (const Status bytes = speaks_bytes(model); !bytes) return bytes;
  constexpr std::size_t together = 16;  // windows of one pass; no byte depends on it
  const std::size_t windows = text.size() / size;
  std::vector<SplitMix64> random = generators(windows, seed);
  const Continuation continuation(model, static_cast<Index>(size));
#pragma omp parallel for schedule(dynamic)
  for (std::size_t first = 0; first < windows; first += together) {
    const std::size_t count = std::min(together, windows - first);
    Chain chain(continuation, text.subspan(first * size, count * size), size, std::span(random).subspan(first, count));
    for (const std::size_t t : positions) chain.visit(t);
  }
  return ok();
}

}  // namespace hallmark
