// The heavy parts of quantization as programs of kernels: what runs on a CUDA device, and, the same programs and bodies
// on the host, in the tests. Plain arrays only; cuda/backend.hpp puts the matrices of the library around them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "cuda/device_grid.hpp"
#include "cuda/row_loss.hpp"

namespace hallmark::cuda {

/// W [rows, columns], scales and zero points [rows, groups] (none: all 0) and order as in Target
/// (method/recurrence.hpp).
struct HostTarget {
  std::span<const float> W, scales;
  std::span<const std::int16_t> zeros;
  std::span<const std::int64_t> order;
  std::int64_t rows = 0, columns = 0, groups = 0, group_size = 0;
  DeviceGrid grid;
};

/// d, root and excess of LossWeights; nothing where no sums are asked for.
struct HostWeights {
  std::span<const double> d, root, excess;
};

/// Sees rows first .. first + count as soon as they are done: u_p of row first + r is u[p * count + r].
using RowsDone = std::function<void(std::int64_t first, std::int64_t count, const float* u)>;

/// A Gram matrix in the memory of the device: columns^2 sums, twice as many from the second chunk on.
class DeviceGram {
 public:
  virtual ~DeviceGram() = default;
  /// Appends finite tokens [tokens, columns].
  virtual Status add(std::span<const float> tokens_by_columns) = 0;
  /// sum [columns, columns]; written where row <= column.
  virtual Status read(std::span<double> sum) = 0;
};

/// Every result equals the library's on the CPU bit for bit. Errors of every function: E1302 (exit 10) the device's
/// memory is exhausted; E1303 (exit 13) the device failed half-way. Outputs are unspecified then, and the engine stays
/// failed.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;

  /// words[i] = GF16::encode(values[i]); values[i] = GF16::decode(words[i]). Equal lengths (E0112), no aliasing.
  virtual Status encode(std::span<const float> values, std::span<std::uint16_t> words) = 0;
  virtual Status decode(std::span<const std::uint16_t> words, std::span<float> values) = 0;

  /// GramAccumulator(columns, chunk).
  virtual std::unique_ptr<DeviceGram> gram(std::int64_t columns, std::int64_t chunk) = 0;

  /// factor_udu_in_place: H [n, n] becomes U. The failing pivot, whose value is d[pivot], or -1.
  virtual Expected<std::int64_t> factor(std::span<double> H, std::span<double> d, std::int64_t block) = 0;

  /// run_recurrence: U in strips; codes [rows, columns], clipped [rows] is added to, overflow [rows] the first position
  /// whose u is not finite, or -1; sums [rows] (all but `absolute`) where weights are given.
  virtual Status recurrence(const HostTarget& target, std::span<const float> U, std::int64_t block,
                            std::span<std::uint16_t> codes, std::span<std::int64_t> clipped,
                            std::span<std::int64_t> overflow, const HostWeights& weights, std::span<RowLoss> sums,
                            const RowsDone& done) = 0;

  /// The sums of enclose_losses (U in binary64) and of enclose_losses_binary32 for the given rows; U in strips.
  virtual Status losses(const HostTarget& target, std::span<const std::uint16_t> codes,
                        std::span<const std::int64_t> rows, std::span<const double> U, const HostWeights& weights,
                        std::span<RowLoss> sums) = 0;
  virtual Status losses(const HostTarget& target, std::span<const std::uint16_t> codes,
                        std::span<const std::int64_t> rows, std::span<const float> U, const HostWeights& weights,
                        std::span<RowLoss> sums) = 0;
};

/// The engine of the current CUDA device; in hallmark_cuda, built with HALLMARK_CUDA=ON. Errors: E1306 (exit 13) no
/// driver or no device.
Expected<std::unique_ptr<Engine>> device_engine();

}  // namespace hallmark::cuda
