#include "cli/resume.hpp"

#include <fmt/format.h>

#include "cli/output.hpp"
#include "cli/ranks.hpp"
#include "io/sha256.hpp"

namespace hallmark::cli {

CLI::Option* add_resume_flags(CLI::App& app, ResumeFlags& flags, const std::string& what) {
  CLI::Option* const state =
      app.add_option("--state", flags.folder, "Folder to keep every finished " + what + " in, for --resume");
  app.add_flag("--resume", flags.resume, "Take what the state holds and is still valid")->needs(state);
  return state;
}

Expected<Resumable> Resumable::open(const ResumeFlags& flags, const std::string& command, const std::string& tool) {
  Resumable made;
  if (flags.folder.empty() && ranks->size() == 1) return made;
  const Expected<std::string> digest = sha256_file("/proc/self/exe");
  if (!digest) return digest.error();
  made.program_ = fmt::format("{} {}", tool, *digest);
  if (flags.folder.empty() || !first_rank()) return made;
  Expected<State> state = State::open(flags.folder, command, flags.resume);
  if (!state) return state.error();
  made.state_.emplace(*std::move(state));
  made.resume_ = flags.resume;
  return made;
}

void Resumable::say(const std::string& name, const std::string& why_not) {
  ++(why_not.empty() ? taken_ : refused_);
  if (why_not.empty()) note("{}: taken from {}", name, state_->folder());
  else note("{}: not taken from {}: {}", name, state_->folder(), why_not);
}

void Resumable::print_summary(std::size_t all) const {
  if (!state_ || !resume_) return;
  note("state {}: {} of {} taken, {} not taken for the reasons above, {} without a record", state_->folder(), taken_,
       all, refused_, all - taken_ - refused_);
}

std::string last_words_of(const State& state) {
  return escaped(fmt::format("finished work stays in {}: the same command with --resume goes on", state.folder())) +
         "\n";
}

}  // namespace hallmark::cli
