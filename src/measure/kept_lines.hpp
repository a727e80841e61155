// Lines of an experiment in a state: what a run that was killed has measured (docs/resume.md).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "state/state.hpp"

namespace hallmark {

/// Where an experiment keeps its lines and takes them from.
struct LineState {
  const State* state = nullptr;  ///< null: nowhere
  std::string program = {};      ///< what tells this program from others
  /// Of each line that has a record: why it is not taken, or "" where it is.
  std::function<void(const std::string& line, const std::string& why_not)> resumed = {};
};

/// The lines of one run, by name. Without a state nothing is kept, and nothing taken.
class KeptLines {
 public:
  /// `lines`: all that the lines of the run depend on, but for the program. The run has the id of the run that the
  /// state was used for last where that had the same lines; otherwise a new one, which is kept at once. Errors: those
  /// of State::keep.
  static Expected<KeptLines> open(const LineState& where, std::map<std::string, Dependencies> lines);

  const std::string& run() const { return run_; }

  /// What `read` makes of the text of a valid record; it gives none where the text is of something else. Precondition
  /// of both: a name of open().
  template <class Read>
  auto take(const std::string& name, const Read& read) const -> decltype(read(std::string())) {
    if (!where_.state || !where_.state->has(name)) return std::nullopt;
    Found found = where_.state->find(name, lines_.at(name));
    decltype(read(std::string())) line;
    if (found.kept) {
      line = read(std::string(reinterpret_cast<const char*>(found.kept->bytes.data()), found.kept->bytes.size()));
      if (!line) found.why_not = "its record holds something else than this line";
    }
    if (where_.resumed) where_.resumed(name, found.why_not);
    return line;
  }
  /// Errors: those of State::keep.
  Status keep(const std::string& name, const std::string& text) const;

 private:
  LineState where_;
  std::map<std::string, Dependencies> lines_;
  std::string run_;
};

/// Appends the lines of a run to a ledger of JSON Lines, all or none; none, and false, where the ledger has lines of
/// this run already. Errors: those of append_to_ledger.
Expected<bool> append_once(const std::string& path, const std::string& run, std::span<const std::string> lines);

}  // namespace hallmark
