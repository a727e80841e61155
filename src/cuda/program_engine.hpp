// The programs of an Engine for any executor: which kernels run, over which blocks, in which order.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "base/error_numbers.hpp"
#include "cuda/codec_bodies.hpp"
#include "cuda/engine.hpp"
#include "cuda/factor_bodies.hpp"
#include "cuda/gram_body.hpp"
#include "cuda/loss_bodies.hpp"

namespace hallmark::cuda {

template <class Executor>
class ProgramEngine final : public Engine {
 public:
  /// most_sums: how many sums of the recurrence (or of the losses) are in memory at once; speed, never a bit.
  explicit ProgramEngine(Executor executor, std::int64_t most_sums = std::int64_t{1} << 27)
      : executor_(std::move(executor)), most_sums_(most_sums) {}

  std::string name() const override { return executor_.name(); }

  Status encode(std::span<const float> values, std::span<std::uint16_t> words) override {
    return convert(values, words, [](const float* in, std::uint16_t* out, std::int64_t n) {
      return EncodeBody{{in, out, n}};
    });
  }
  Status decode(std::span<const std::uint16_t> words, std::span<float> values) override {
    return convert(words, values, [](const std::uint16_t* in, float* out, std::int64_t n) {
      return DecodeBody{{in, out, n}};
    });
  }

  std::unique_ptr<DeviceGram> gram(std::int64_t columns, std::int64_t chunk) override {
    return std::make_unique<Gram>(executor_, columns, chunk);
  }

  Expected<std::int64_t> factor(std::span<double> H, std::span<double> d, std::int64_t block) override {
    const auto n = static_cast<std::int64_t>(d.size());
    const std::int64_t width = std::min(std::clamp<std::int64_t>(block, 1, 256), n);
    auto device_H = executor_.template upload<double>(H);
    auto device_d = executor_.template make<double>(n);
    auto inner_u = executor_.template make<double>(width * width);
    auto outer_c = executor_.template make<double>(width * n);
    auto outer_u = executor_.template make<double>(width * n);
    std::int64_t failed = -1;
    auto device_failed = executor_.template upload<std::int64_t>({&failed, 1});
    for (std::int64_t end = n; end > 0; end -= std::min(width, end)) {
      const FactorBlock columns{device_H.data(),
                                device_d.data(),
                                inner_u.data(),
                                outer_c.data(),
                                outer_u.data(),
                                device_failed.data(),
                                n,
                                end - std::min(width, end),
                                end};
      const FactorDiagonal diagonal{columns};
      executor_.run(diagonal, diagonal.phases());
      if (columns.begin > 0) {
        executor_.run(FactorSolve{columns});
        executor_.run(FactorUpdate{columns});
      }
      executor_.run(FactorFinish{columns});
    }
    if (n > 0) executor_.run(FactorTriangle{device_H.data(), n});
    executor_.download(device_H, H);
    executor_.download(device_d, d);
    executor_.download(device_failed, std::span(&failed, 1));
    if (const Status done = executor_.status(); !done) return done.error();
    return failed;
  }

  Status recurrence(const HostTarget& target, std::span<const float> U, std::int64_t block,
                    std::span<std::uint16_t> codes, std::span<std::int64_t> clipped, std::span<std::int64_t> overflow,
                    const HostWeights& weights, std::span<RowLoss> sums, const RowsDone& done) override {
    const auto n = static_cast<std::int64_t>(target.order.size());
    const std::int64_t panel = std::max<std::int64_t>(1, std::min(block, n) / kStripColumns) * kStripColumns;
    const Resident resident(executor_, target);
    const auto device_U = executor_.template upload<float>(U);
    const Weights device_weights(executor_, weights);
    const bool summed = !weights.d.empty();
    auto device_codes = executor_.template upload<std::uint16_t>(codes);
    std::fill(overflow.begin(), overflow.end(), -1);
    for (const auto& [first, count] : chunks(target.rows, n)) {
      const auto at = static_cast<std::size_t>(first), length = static_cast<std::size_t>(count);
      auto chains = executor_.template zeros<float>(n * count);
      auto losses = executor_.template zeros<RowLoss>(summed ? count : 0);
      auto shown = executor_.template make<float>(done ? n * count : 0);
      auto device_clipped = executor_.template upload<std::int64_t>(clipped.subspan(at, length));
      auto device_overflow = executor_.template upload<std::int64_t>(overflow.subspan(at, length));
      for (std::int64_t begin = 0; begin < n; begin += panel) {
        const std::int64_t end = std::min(n, begin + panel);
        executor_.run(RecurrencePanel{resident.target(),
                                      {device_U.data()},
                                      chains.data(),
                                      done ? shown.data() : nullptr,
                                      device_codes.data(),
                                      device_clipped.data(),
                                      device_overflow.data(),
                                      device_weights.weights(),
                                      losses.data(),
                                      first,
                                      count,
                                      begin,
                                      end});
        if (end < n)
          executor_.run(StripProduct<float>{
              {device_U.data()}, chains.data(), chains.data(), count, n, begin, end, end / kStripColumns, false});
      }
      executor_.download(device_clipped, clipped.subspan(at, length));
      executor_.download(device_overflow, overflow.subspan(at, length));
      if (summed) executor_.download(losses, sums.subspan(at, length));
      if (!done) continue;
      // The codes of these rows are final: the observer reads them beside u.
      std::vector<float> u(static_cast<std::size_t>(n * count));
      executor_.download(shown, std::span(u));
      executor_.download(device_codes, codes);
      if (const Status so_far = executor_.status(); !so_far) return so_far;
      done(first, count, u.data());
    }
    if (!done) executor_.download(device_codes, codes);
    return executor_.status();
  }

  Status losses(const HostTarget& target, std::span<const std::uint16_t> codes, std::span<const std::int64_t> rows,
                std::span<const double> U, const HostWeights& weights, std::span<RowLoss> sums) override {
    return losses_in(target, codes, rows, U, weights, sums);
  }
  Status losses(const HostTarget& target, std::span<const std::uint16_t> codes, std::span<const std::int64_t> rows,
                std::span<const float> U, const HostWeights& weights, std::span<RowLoss> sums) override {
    return losses_in(target, codes, rows, U, weights, sums);
  }

 private:
  template <class T>
  using Buffer = typename Executor::template Buffer<T>;

  struct Chunk {
    std::int64_t first, count;
  };

  // A HostTarget in the memory of the device.
  class Resident {
   public:
    Resident(Executor& executor, const HostTarget& target)
        : W_(executor.template upload<float>(target.W)),
          scales_(executor.template upload<float>(target.scales)),
          zeros_(executor.template upload<std::int16_t>(target.zeros)),
          order_(executor.template upload<std::int64_t>(target.order)),
          columns_(target.columns),
          groups_(target.groups),
          group_size_(target.group_size),
          grid_(target.grid) {}
    DeviceTarget target() const {
      return {W_.data(), scales_.data(), zeros_.data(), order_.data(), columns_, groups_, group_size_, grid_};
    }

   private:
    Buffer<float> W_, scales_;
    Buffer<std::int16_t> zeros_;
    Buffer<std::int64_t> order_;
    std::int64_t columns_, groups_, group_size_;
    DeviceGrid grid_;
  };

  class Weights {
   public:
    Weights(Executor& executor, const HostWeights& weights)
        : d_(executor.template upload<double>(weights.d)),
          root_(executor.template upload<double>(weights.root)),
          excess_(executor.template upload<double>(weights.excess)) {}
    DeviceWeights weights() const { return {d_.data(), root_.data(), excess_.data()}; }

   private:
    Buffer<double> d_, root_, excess_;
  };

  class Gram final : public DeviceGram {
   public:
    Gram(Executor& executor, std::int64_t columns, std::int64_t chunk)
        : executor_(executor),
          columns_(columns),
          chunk_(chunk),
          sum_(executor.template zeros<double>(columns * columns)) {}
    Status add(std::span<const float> X) override {
      if (X.empty()) return ok();
      const auto all = executor_.template upload<float>(X);
      const auto tokens = static_cast<std::int64_t>(X.size()) / columns_;
      for (std::int64_t first = 0, count = 0; first < tokens; first += count) {
        if (in_chunk_ == chunk_) end_chunk();
        count = std::min(tokens - first, chunk_ - in_chunk_);
        executor_.run(GramTile{all.data() + first * columns_, sum_.data(), count, columns_});
        in_chunk_ += count;
      }
      return executor_.status();
    }
    Status read(std::span<double> sum) override {
      executor_.download(sum_, sum);
      if (!several_) return executor_.status();
      std::vector<double> before(sum.size());
      executor_.download(before_, std::span(before));
      std::transform(before.begin(), before.end(), sum.begin(), sum.begin(), std::plus<>());
      return executor_.status();
    }

   private:
    void end_chunk() {
      if (!several_) before_ = executor_.template zeros<double>(columns_ * columns_);
      several_ = true;
      executor_.run(GramChunkEnd{before_.data(), sum_.data(), columns_ * columns_});
      in_chunk_ = 0;
    }

    Executor& executor_;
    std::int64_t columns_, chunk_, in_chunk_ = 0;
    bool several_ = false;  // chunks
    Buffer<double> sum_, before_;
  };

  template <class In, class Out, class Make>
  Status convert(std::span<const In> input, std::span<Out> output, Make make) {
    if (input.size() != output.size())
      return Error{Exit::internal, error_number::conversion_arrays, "input and output differ in length",
                   std::to_string(input.size()) + " and " + std::to_string(output.size()), "report this as a bug"};
    if (input.empty()) return ok();
    const auto count = static_cast<std::int64_t>(input.size());
    const auto in = executor_.template upload<In>(input);
    auto out = executor_.template make<Out>(count);
    executor_.run(make(in.data(), out.data(), count));
    executor_.download(out, output);
    return executor_.status();
  }

  template <class T>
  Status losses_in(const HostTarget& target, std::span<const std::uint16_t> codes, std::span<const std::int64_t> rows,
                   std::span<const T> U, const HostWeights& weights, std::span<RowLoss> sums) {
    const auto n = static_cast<std::int64_t>(target.order.size());
    const Resident resident(executor_, target);
    const Weights device_weights(executor_, weights);
    const auto device_codes = executor_.template upload<std::uint16_t>(codes);
    const auto device_U = executor_.template upload<T>(U);
    for (const auto& [first, count] : chunks(static_cast<std::int64_t>(rows.size()), n)) {
      const auto at = static_cast<std::size_t>(first), length = static_cast<std::size_t>(count);
      const auto device_rows = executor_.template upload<std::int64_t>(rows.subspan(at, length));
      auto e = executor_.template make<T>(n * count), t = executor_.template make<T>(n * count);
      auto device_sums = executor_.template make<RowLoss>(count);
      executor_.run(LossErrors<T>{resident.target(), device_codes.data(), device_rows.data(), e.data(), n, count});
      executor_.run(StripProduct<T>{{device_U.data()}, e.data(), t.data(), count, n, 0, n, 0, true});
      executor_.run(LossRows<T>{device_weights.weights(), e.data(), t.data(), device_sums.data(), n, count});
      executor_.download(device_sums, sums.subspan(at, length));
    }
    return executor_.status();
  }

  // As many rows at a time as most_sums_ allows.
  std::vector<Chunk> chunks(std::int64_t rows, std::int64_t n) const {
    const std::int64_t most = std::max<std::int64_t>(1, most_sums_ / std::max<std::int64_t>(1, n));
    std::vector<Chunk> parts;
    for (std::int64_t first = 0; first < rows; first += most) parts.push_back({first, std::min(most, rows - first)});
    return parts;
  }

  Executor executor_;
  std::int64_t most_sums_;
};

}  // namespace hallmark::cuda
