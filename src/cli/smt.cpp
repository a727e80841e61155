// hallmark smt: Z3 and cvc5 answer the goals that Coq printed, each as the manifest expects.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "io/file.hpp"
#include "io/process.hpp"
#include "io/strict_json.hpp"
#include "oracle/smt_goal.hpp"

namespace hallmark::cli {
namespace {

namespace fs = std::filesystem;
using oracle::SmtGoal;

struct SmtFlags {
  std::string goals = "contracts/manifest.json", solver = "both";
  double timeout = 60;
};

// cvc5 1.0 takes formats other than binary32 and binary64 only with --fp-exp, and decides the broken twins of nonlinear
// goals only with tangent planes.
struct Solver {
  std::string name;
  std::vector<std::string> arguments;
};
const Solver z3{"z3", {"-smt2"}}, cvc5{"cvc5", {"--lang=smt2", "--fp-exp", "--nl-ext-tplanes"}};

struct Goal {
  std::string file;      // relative to the manifest's folder
  std::string expected;  // sat or unsat
};

Error bad_manifest(const std::string& path, std::string why) {
  return {Exit::input, error_number::goal_manifest, "the manifest of the goals is not as Coq prints it",
          fmt::format("{}: {}", path, why), "print it again: make contracts"};
}

// The goals, at least one. Every unsat goal has a twin X_broken.smt2 that is sat: what proves that the goal can fail.
// Every .smt2 file beside a goal is a goal.
Expected<std::vector<Goal>> read_manifest(const std::string& path) {
  const auto text = read_text(path);
  if (!text && !fs::exists(path))
    return Error{Exit::io, error_number::cannot_read, "there is no manifest of the goals", path,
                 "run this in the root of the source tree or in PREFIX/share/hallmark, or name the file with --goals"};
  if (!text) return text.error();
  const auto json = strict_json(*text);
  if (!json || !json->is_object() || !json->contains("goals") || !(*json)["goals"].is_array())
    return bad_manifest(path, "no JSON object with an array `goals`, or a key twice");
  std::vector<Goal> goals;
  std::map<std::string, std::string> expected;
  for (const auto& entry : (*json)["goals"]) {
    const auto field = [&](const char* name) {
      return entry.is_object() && entry.contains(name) && entry[name].is_string() ? entry[name].get<std::string>() : "";
    };
    const Goal goal{field("file"), field("expected")};
    if (goal.file.empty() || (goal.expected != "sat" && goal.expected != "unsat"))
      return bad_manifest(path, fmt::format("goal {} needs `file`, and `expected` sat or unsat", goals.size() + 1));
    if (!expected.emplace(goal.file, goal.expected).second) return bad_manifest(path, goal.file + " stands twice");
    goals.push_back(goal);
  }
  if (goals.empty()) return bad_manifest(path, "it names no goal");

  std::set<fs::path> folders;
  for (const Goal& goal : goals) {
    folders.insert(fs::path(goal.file).parent_path());
    const std::string twin = fs::path(goal.file).replace_extension().string() + "_broken.smt2";
    if (goal.expected == "unsat" && (!expected.contains(twin) || expected[twin] != "sat"))
      return bad_manifest(path, fmt::format("{} is unsat and has no twin {} that is sat", goal.file, twin));
  }
  for (const fs::path& folder : folders) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path() / folder, none))
      if (entry.path().extension() == ".smt2" && !expected.contains((folder / entry.path().filename()).string()))
        return bad_manifest(path, fmt::format("it does not name {}", entry.path().string()));
  }
  return goals;
}

Expected<SmtGoal> read_goal(const std::string& path) {
  auto text = read_text(path);
  if (!text) return text.error();
  if (text->empty())
    return Error{Exit::input, error_number::goal_empty, "a goal is empty", path,
                 "print the goals again: make contracts"};
  return SmtGoal::parse(std::move(*text), path);
}

// The text as a file without a name, which the solver inherits: nothing is left behind, however this ends.
Expected<ProcessResult> ask(const Solver& solver, const std::string& text, double limit) {
  const int fd = ::memfd_create("goal.smt2", 0);
  bool written = fd >= 0;
  for (std::size_t at = 0; written && at < text.size();) {
    const ssize_t size = ::write(fd, text.data() + at, text.size() - at);
    written = size > 0;
    at += written ? static_cast<std::size_t>(size) : 0;
  }
  if (!written) {
    if (fd >= 0) ::close(fd);
    return Error{Exit::io, error_number::cannot_run, "a goal could not be handed to the solver", solver.name,
                 "look at the limits of files and memory"};
  }
  std::vector<std::string> arguments = solver.arguments;
  arguments.push_back(fmt::format("/proc/self/fd/{}", fd));
  auto result = run_process(solver.name, arguments, limit);
  ::close(fd);
  return result;
}

// A solver's words in a message: its first line, not too long.
std::string_view short_form(std::string_view answer) {
  return answer.substr(0, std::min(answer.find('\n'), std::size_t{200}));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

// What the run has found.
struct Tally {
  int answers = 0, by_solver = 0, exactly = 0, unreplayed = 0;
  std::vector<std::string> wrong, undecided;
};

class Examination {
 public:
  Examination(std::vector<Solver> solvers, double limit) : solvers_(std::move(solvers)), limit_(limit) {}

  // Asks all solvers for the goal and prints a line for each.
  Status operator()(const std::string& path, const std::string& expected) {
    const auto goal = read_goal(path);
    if (!goal) return goal.error();
    for (const Solver& solver : solvers_) {
      const auto said = ask(solver, expected == "sat" ? goal->with_query() : goal->text(), limit_);
      if (!said) return said.error();
      std::string_view answer = trimmed(said->output);
      if (expected == "sat") answer = answer.substr(0, answer.find('\n'));
      std::string remark;
      if (said->timed_out || answer == "unknown") {
        answer = said->timed_out ? "time-out" : answer;
        remark = fmt::format("  expected {}", expected);
        tally.undecided.push_back(fmt::format("{}: {} says {}, expected {}", path, solver.name, answer, expected));
      } else if (answer != expected) {
        remark = fmt::format("  expected {}", expected);
        tally.wrong.push_back(
            fmt::format("{}: {} says '{}', expected {}", path, solver.name, short_form(answer), expected));
      } else {
        ++tally.answers;
        if (expected == "sat") {
          const auto replayed = replay(path, *goal, solver, said->output);
          if (!replayed) return replayed.error();
          remark = *replayed;
        }
      }
      print("{:<48} {:<5} {:<8} {:8.2f}{}\n", fs::path(path).filename().string(), solver.name,
            short_form(answer).substr(0, 8), said->seconds, remark);
      std::fflush(stdout);
    }
    return ok();
  }

  Tally tally;

 private:
  // The model of one solver, fixed in the goal, must satisfy the other one, and exact arithmetic where that applies.
  Expected<std::string> replay(const std::string& path, const SmtGoal& goal, const Solver& solver,
                               const std::string& said) {
    const auto invalid = [&](std::string why) {
      tally.wrong.push_back(fmt::format("{}: {}", path, why));
      return std::string("  bad model");
    };
    const auto model = goal.read_model(said);
    if (!model) return invalid(fmt::format("{} gives no model", solver.name));
    const auto exact = goal.holds(*model);
    if (exact == false) return invalid(fmt::format("in exact arithmetic the model of {} is none", solver.name));
    if (solvers_.size() == 2) {
      const Solver& other = solver.name == z3.name ? cvc5 : z3;
      const auto second = ask(other, goal.with_model(*model), limit_);
      if (!second) return second.error();
      const auto answer = trimmed(second->output);
      if (second->timed_out || answer == "unknown") {
        tally.undecided.push_back(fmt::format("{}: {} does not judge the model of {}", path, other.name, solver.name));
        return std::string("  model not judged");
      }
      if (answer != "sat")
        return invalid(fmt::format("{} rejects the model of {}: '{}'", other.name, solver.name, short_form(answer)));
      ++tally.by_solver;
    }
    if (exact) ++tally.exactly;
    if (!exact && solvers_.size() < 2) ++tally.unreplayed;
    return std::string(exact ? "  model exact" : solvers_.size() == 2 ? "  model replayed" : "  model not replayed");
  }

  std::vector<Solver> solvers_;
  double limit_;
};

Expected<Exit> run(const SmtFlags& flags) {
  const auto goals = read_manifest(flags.goals);
  if (!goals) return goals.error();
  std::vector<Solver> solvers;
  for (const Solver& solver : {z3, cvc5})
    if (flags.solver == "both" || flags.solver == solver.name) solvers.push_back(solver);
  for (const Solver& solver : solvers)
    if (const auto found = find_program(solver.name); !found) return found.error();

  Examination examine(solvers, flags.timeout);
  const auto folder = fs::path(flags.goals).parent_path();
  print("{:<48} {:<5} {:<8} {:>8}\n", "goal", "asked", "answer", "seconds");
  const auto start = std::chrono::steady_clock::now();
  for (const Goal& goal : *goals)
    if (const Status asked = examine((folder / goal.file).string(), goal.expected); !asked) return asked.error();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const Tally& tally = examine.tally;
  print(
      "{} goals, {} of {} answers as expected; models: {} replayed by the other solver, {} in exact arithmetic, {} "
      "not; {:.1f} s\n",
      goals->size(), tally.answers, goals->size() * solvers.size(), tally.by_solver, tally.exactly, tally.unreplayed,
      seconds);
  std::fflush(stdout);
  const auto failures = tally.wrong.size() + tally.undecided.size();
  if (failures == 0) return Exit::ok;
  const std::string more = failures == 1 ? "" : fmt::format(" (one of {}, see the table)", failures);
  if (!tally.wrong.empty())
    return Error{Exit::mismatch, error_number::solver_contradicts, "a solver contradicts what Coq proved",
                 tally.wrong[0] + more,
                 "a printer, a solver or the goal is wrong; was the file edited? make check-contracts tells"};
  return Error{Exit::mismatch, error_number::goal_undecided, "a goal was not decided", tally.undecided[0] + more,
               "a larger --timeout, or another version of the solver"};
}

}  // namespace

Command smt_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("smt", "Let Z3 and cvc5 answer the goals that Coq printed, and replay their models");
  auto f = std::make_shared<SmtFlags>();
  app->add_option("--goals", f->goals, "Manifest of the goals")->capture_default_str();
  app->add_option("--solver", f->solver, "z3, cvc5 or both")
      ->check(CLI::IsMember({"z3", "cvc5", "both"}))
      ->capture_default_str();
  app->add_option("--timeout", f->timeout, "Seconds for one answer")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  return {app, [f] { return run(*f); }};
}

}  // namespace hallmark::cli
