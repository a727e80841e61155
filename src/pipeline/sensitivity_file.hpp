// What quantizing one matrix alone costs the model, measured: the file that `hallmark sensitivity` writes and
// `hallmark pack --budget` reads. Layout: docs/artifacts.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/error.hpp"

namespace hallmark {

struct Sensitivities {
  /// Of each container, by its payload digest, the damage of each of its matrices in bits per byte, by name.
  using Damages = std::map<std::string, std::map<std::string, double>>;

  std::string weights_sha256;  ///< of the file that the containers quantize
  std::string text_sha256;     ///< of the folder's text
  std::string windows_sha256;  ///< of the places in it that were read (offsets_digest)
  std::uint64_t windows = 0;   ///< how many
  Damages damages;
};

/// Errors: those of AtomicFile.
Status write_sensitivities(const std::string& path, bool overwrite, const Sensitivities& measured);

/// Errors: E0348 not such a file, or a damage that is below 0 or not finite; E0901.
Expected<Sensitivities> read_sensitivities(const std::string& path);

/// The damage of a matrix. Errors: E0447 it was not measured, or no matrix of this container was; `file` and
/// `container` are for the message.
Expected<double> damage_of(const Sensitivities& measured, const std::string& payload_sha256, const std::string& matrix,
                           const std::string& file, const std::string& container);

}  // namespace hallmark
