// --state and --resume of every command that can be gone on with, and what it says of them.
#pragma once

#include <CLI/App.hpp>
#include <cstddef>
#include <optional>
#include <string>

#include "measure/kept_lines.hpp"
#include "state/state.hpp"

namespace hallmark::cli {

struct ResumeFlags {
  std::string folder;
  bool resume = false;
};

/// Adds both; gives that of --state. `what`: the things that a record is of.
CLI::Option* add_resume_flags(CLI::App& app, ResumeFlags& flags, const std::string& what);

/// The state of a run, if it has one.
class Resumable {
 public:
  /// Errors: those of State::open; E0901 the program cannot read itself.
  static Expected<Resumable> open(const ResumeFlags& flags, const std::string& command, const std::string& tool);

  /// Null without --state, and on a rank that is not 0.
  const State* state() const { return state_ ? &*state_ : nullptr; }
  /// What tells this program from others: its version, and the SHA-256 of its bytes.
  const std::string& program() const { return program_; }
  /// Says of a record that it is taken, or why it is not.
  void say(const std::string& name, const std::string& why_not);
  /// The state as an experiment uses it. Views into this object.
  LineState lines() {
    return {state(), program_, [this](const std::string& line, const std::string& why_not) { say(line, why_not); }};
  }
  /// How many of `all` were taken.
  void print_summary(std::size_t all) const;

 private:
  std::optional<State> state_;
  std::string program_;
  bool resume_ = false;
  std::size_t taken_ = 0, refused_ = 0;
};

/// What to say when a signal ends the run.
std::string last_words_of(const State& state);

}  // namespace hallmark::cli
