// hallmark witness append|check|list: the ledger of the headline theorems, and the chains of all ledgers.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>

#include "ledger/witness.hpp"
#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"

namespace hallmark::cli {
namespace {

namespace fs = std::filesystem;

const std::string canonical = "assertions/coq_runtime_invariants.json";

/// The tree whose theory a ledger ROOT/assertions/FILE speaks of.
std::string root_of(const std::string& ledger) {
  const auto root = fs::path(ledger).lexically_normal().parent_path().parent_path();
  return root.empty() ? "." : root.string();
}

Expected<Exit> append(const std::string& path) {
  const auto appended = append_witnesses(path, root_of(path));
  if (!appended) return appended.error();
  print("{}: {} entries appended\n", path, *appended);
  return Exit::ok;
}

// The first names of a list.
std::string some(const std::vector<std::string>& names) {
  const auto shown = std::min<std::size_t>(names.size(), 8);
  const auto text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return text + (shown < names.size() ? ", .." : "");
}

Expected<Exit> check(const std::string& path) {
  const bool lines = path.ends_with(".jsonl");
  std::error_code none;
  if (lines && !fs::exists(path, none))
    return Error{Exit::input, error_number::no_complete_run, "there is no ledger", path, "look at the path"};
  const auto entries = read_ledger(path, lines ? LedgerForm::json_lines : LedgerForm::json_array);
  if (!entries) return entries.error();
  if (lines) {
    print("{}: {} entries, the chain is whole\n", path, entries->size());
    return Exit::ok;
  }
  const auto witnesses = read_witnesses(*entries, path);
  if (!witnesses) return witnesses.error();
  const auto facts = read_theorem_facts(root_of(path));
  if (!facts) return facts.error();
  const Outdated outdated = outdated_theorems(*facts, *witnesses);
  if (!outdated.missing.empty() || !outdated.stale.empty()) {
    std::string where = path + ":";
    if (!outdated.missing.empty())
      where += fmt::format(" {} missing ({})", outdated.missing.size(), some(outdated.missing));
    if (!outdated.stale.empty()) where += fmt::format(" {} stale ({})", outdated.stale.size(), some(outdated.stale));
    return Error{Exit::mismatch, error_number::witness_outdated, "the witnesses are not those of the theory", where,
                 "hallmark witness append, after make check-proofs"};
  }
  print("{}: {} entries, the chain is whole; {} headline theorems, all as recorded\n", path, entries->size(),
        facts->size());
  return Exit::ok;
}

Expected<Exit> list(const std::string& path) {
  const auto entries = read_ledger(path, LedgerForm::json_array);
  if (!entries) return entries.error();
  const auto witnesses = read_witnesses(*entries, path);
  if (!witnesses) return witnesses.error();
  std::map<std::string, std::size_t> last;
  for (std::size_t i = 0; i < witnesses->size(); ++i) last[(*witnesses)[i].facts.theorem] = i;
  print("{:<8} {:<36} {:<20} {:>6}  {:<12} {}\n", "id", "theorem", "status", "axioms", "commit", "contracts");
  for (std::size_t i = 0; i < witnesses->size(); ++i) {
    const Witness& w = (*witnesses)[i];
    if (last[w.facts.theorem] != i) continue;  // a later entry speaks
    cli::print("{:<8} {:<36} {:<20} {:>6}  {:<12} {}\n", w.id, w.facts.theorem, w.status, w.facts.assumptions.size(),
               w.commit.substr(0, 12), fmt::join(w.facts.contracts, ", "));
  }
  print("{} theorems, {} entries\n", last.size(), witnesses->size());
  return Exit::ok;
}

}  // namespace

Command witness_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("witness", "The ledger of the headline theorems: append what is new, check, list");
  app->require_subcommand(1);
  auto file = std::make_shared<std::string>(canonical);
  auto files = std::make_shared<std::vector<std::string>>(std::vector<std::string>{canonical});
  CLI::App* append_app = app->add_subcommand("append", "An entry for each theorem that is new or has changed");
  append_app->add_option("ledger", *file, "ROOT/assertions/FILE.json; the theory is read from ROOT")
      ->capture_default_str();
  CLI::App* check_app =
      app->add_subcommand("check", "The chain of every ledger; of witnesses also that they are current");
  check_app->add_option("ledgers", *files, "Ledgers: .json of witnesses, .jsonl of runs")->capture_default_str();
  CLI::App* list_app = app->add_subcommand("list", "The last entry of each theorem");
  list_app->add_option("ledger", *file, "The ledger")->capture_default_str();
  return {app, [=]() -> Expected<Exit> {
            if (append_app->parsed()) return append(*file);
            if (list_app->parsed()) return list(*file);
            for (const std::string& path : *files)
              if (const auto checked = check(path); !checked) return checked;
            return Exit::ok;
          }};
}

}  // namespace hallmark::cli
