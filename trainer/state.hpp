// What a training that may be killed leaves behind, so that it can go on and end with the weights of one that was not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "network.hpp"

namespace hallmark::trainer {

/// Where a training stands, beside its tensors.
struct Progress {
  std::int64_t step = 0;        ///< steps done
  std::uint64_t generator = 0;  ///< WindowOrder::state()
  std::int64_t snapshots = 0;
  double recent = 0;        ///< the loss that is printed
  std::string hard = "[]";  ///< HardBatches::state()
};

/// Writes tensors and progress as a safetensors file, whole or not at all, over what was there. `training` says what
/// the bits depend on: recipe, seed, text, program, threads. Errors: those of SafeTensorsWriter.
Status write_state(const std::string& path, const Progress& progress, const Parameters& tensors,
                   const Metadata& training);

/// E0443, of a state that another training left.
Error foreign_state(const std::string& path, const std::string& reason);

/// Overwrites the tensors and gives the progress; nothing where there is no file. Errors: E0443 the file is no state,
/// of another generation, or of another training (names the first entry that differs); those of SafeTensors::open.
Expected<std::optional<Progress>> read_state(const std::string& path, Parameters tensors, const Metadata& training);

}  // namespace hallmark::trainer
