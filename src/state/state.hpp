// A state: a folder in which a run keeps what it has finished, one record for each thing, so that a run that was killed
// can be gone on with. A record says what it depends on, and is taken where all of that is as it was. Layout and what
// is promised: docs/resume.md.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "io/safetensors.hpp"

namespace hallmark {

/// All that a record depends on, by name: the value, or its SHA-256.
using Dependencies = std::map<std::string, std::string>;

/// A tensor as a dependency: dtype, shape and the digest of its bytes.
std::string described(const TensorInfo& tensor, const std::string& sha256);

/// What was kept, in place.
struct Kept {
  MappedFile file;
  std::span<const std::byte> bytes;
};

/// Kept, or why it is not taken; "" where there is no record.
struct Found {
  std::optional<Kept> kept;
  std::string why_not = {};
};

/// An open state. It is this run's alone while the object lives.
class State {
 public:
  /// Makes the folder where there is none, in a folder that exists, and removes temporary files that killed runs left
  /// there. `command`: whose state. Errors: E0441 there are records and `resume` is false; E0442 another run has it;
  /// E0443 the folder holds something else, or the state of another command; E0901, E0903, E0904, E0920.
  static Expected<State> open(const std::string& folder, const std::string& command, bool resume);

  State(State&& other) noexcept
      : folder_(std::move(other.folder_)), command_(std::move(other.command_)), lock_(std::exchange(other.lock_, -1)) {}
  State& operator=(State&&) = delete;
  ~State();

  const std::string& folder() const { return folder_; }
  /// Whether there is a record of this name, taken or not.
  bool has(const std::string& name) const;
  /// The record whose bytes are whole and whose dependencies are these.
  Found find(const std::string& name, const Dependencies& now) const;
  /// Makes a record durable, in place of one of this name; a run that is killed leaves the old one or the new. Errors:
  /// E0904, E0905, E0903.
  Status keep(const std::string& name, const Dependencies& on, std::span<const std::byte> bytes) const;
  /// Removes the record of this name, if there is one: what it held is kept elsewhere. It may come back with the node.
  void drop(const std::string& name) const;

 private:
  State(std::string folder, std::string command, int lock)
      : folder_(std::move(folder)), command_(std::move(command)), lock_(lock) {}
  std::string path_of(const std::string& name) const;

  std::string folder_, command_;
  int lock_;  // a descriptor of the file `state`, which is locked
};

}  // namespace hallmark
