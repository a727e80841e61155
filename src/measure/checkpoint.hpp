// What the experiments do with every shipped checkpoint: load it, say what differs, evaluate on the same text.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "io/sha256.hpp"
#include "replay/model.hpp"
#include "replay/text.hpp"
#include "scale/steps.hpp"

namespace hallmark {

/// Training seeds of the shipped checkpoints, and so of every experiment.
inline constexpr std::array<std::uint64_t, 3> canonical_seeds{47, 89, 144};

/// "seed-47.safetensors"
std::string checkpoint_name(std::uint64_t seed);

/// A checkpoint that was trained with the seed that its name says.
struct Checkpoint {
  Model model;
  std::string digest;               ///< SHA-256 of the file
  std::optional<std::string> note;  ///< for the user: it was trained on another text
};

/// Loads checkpoint_name(seed) of the folder `models`. `text` is where the corpus comes from, for the note.
/// Errors: E0378 a checkpoint of another seed; those of sha256_file and load_model.
Expected<Checkpoint> load_checkpoint(const std::string& models, std::uint64_t seed, const Corpus& corpus,
                                     const std::string& text);

/// The first `bytes` of the validation split, which an evaluation reads. Errors: E0379 it is shorter.
Expected<std::span<const std::byte>> evaluated_text(const Corpus& corpus, const std::string& text, std::size_t bytes);

/// done and total in one unit of work, and what is being done; called from one thread.
using Progress = std::function<void(double done, double total, std::string_view item)>;

/// Work in units of one window run through the model, reported as it is done.
struct Work {
  const Progress& progress;
  double total = 0, done = 0;
  void add(double windows, std::string_view item) {
    done += windows;
    if (progress) progress(done, total, item);
  }
};

/// Appends one tensor to a digest of codes: name, a zero byte, rows and cols (64-bit little-endian), codes, scales.
void add_to_digest(Sha256& digest, const std::string& name, const Matrix<Code>& codes, const Steps& steps);

}  // namespace hallmark
