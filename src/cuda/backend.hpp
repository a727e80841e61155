// A Backend of quantize_gptq, and Gram accumulation, by an Engine.
#pragma once

#include <memory>
#include <optional>

#include "cuda/engine.hpp"
#include "linalg/gram.hpp"
#include "method/backend.hpp"

namespace hallmark::cuda {

/// The grid for kernels; nothing for codebooks.
std::optional<DeviceGrid> device_grid(const Grid& grid);

/// Factorization, recurrence and losses by the engine, bit for bit as on the CPU; codebooks, losses of
/// rotated rows and the exact losses of the guard stay on the CPU. The observer sees rows from one thread. Errors:
/// those of Engine.
class EngineBackend final : public Backend {
 public:
  explicit EngineBackend(std::unique_ptr<Engine> engine, Index factor_block = 64)
      : engine_(std::move(engine)), factor_block_(factor_block) {}

  Engine& engine() { return *engine_; }

  Expected<std::optional<PivotFailure>> factor(Matrix<double>& H, Vector<double>& d) override;
  Expected<std::optional<Entry>> recurrence(const Target& target, const UpperStrips<float>& U, Index block_size,
                                            Rounded& rounded, const RowSink& sink, const RowSums* row_sums) override;
  Expected<std::vector<Loss>> losses_binary32(const LossModel& model, const UpperStrips<float>& U, const Target& target,
                                              const Matrix<Code>& codes, std::span<const Index> rows) override;
  Expected<std::vector<Loss>> losses(const LossModel& model, const Target& target, const Matrix<Code>& codes,
                                     std::span<const Index> rows) override;

 private:
  std::unique_ptr<Engine> engine_;
  Index factor_block_;
};

/// GramAccumulator by an engine: the same bits, the same errors and those of Engine.
class EngineGram {
 public:
  EngineGram(Engine& engine, Index columns, Index chunk = kGramChunk)
      : columns_(columns), gram_(engine.gram(columns, chunk)) {}

  Status add(MatrixRef<float> tokens_by_columns);
  Expected<Matrix<double>> gram();

 private:
  Index columns_, tokens_ = 0;
  std::unique_ptr<DeviceGram> gram_;
};

}  // namespace hallmark::cuda
