#include "ledger/witness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/process.hpp"
#include "io/sha256.hpp"
#include "io/strict_json.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view proven = "proven", refuted = "refuted with witness";

Error malformed(const std::string& path, std::string why) {
  return {Exit::input, error_number::theory_printed, "what Coq printed cannot be read",
          fmt::format("{}: {}", path, why), "print it again: make proofs, then the command on the file's first line"};
}

Error misdescribed(std::string why) {
  return {Exit::input, error_number::headline_description, "coq/headline.json does not describe the headline theorems",
          std::move(why), "give every theorem of coq/theorems.txt its place in coq/headline.json"};
}

// The lines of a text that are no remark.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (text[at] != '#') lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

bool is_witness_lemma(std::string_view name) { return name.ends_with("witness"); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// All names of theorems.txt, the witness lemmas too.
Expected<std::vector<std::string>> read_names(const std::string& root) {
  const std::string path = root + "/coq/theorems.txt";
  const auto text = read_text(path);
  if (!text) return text.error();
  std::vector<std::string> names;
  for (const auto& line : lines_of(*text))
    if (!line.empty()) names.push_back(line);
  if (names.empty()) return malformed(path, "no theorem");
  if (std::set(names.begin(), names.end()).size() != names.size()) return malformed(path, "a theorem stands twice");
  return names;
}

// A list of strings, or nothing.
std::optional<std::vector<std::string>> strings(const Json& json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<std::string> values;
  for (const auto& value : json) {
    if (!value.is_string()) return std::nullopt;
    values.push_back(value.get<std::string>());
  }
  return values;
}

// The text under a key, empty when there is none.
std::string text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::map<std::string, const Witness*> last_by_theorem(std::span<const Witness> witnesses) {
  std::map<std::string, const Witness*> last;
  for (const auto& witness : witnesses) last[witness.facts.theorem] = &witness;
  return last;
}

// The commit of the tree, with "+changed" when what the witnesses are made from differs from it.
std::string commit_of(const std::string& root) {
  const auto git = [&](std::vector<std::string> arguments) -> std::optional<std::string> {
    arguments.insert(arguments.begin(), {"-C", root});
    const auto said = run_process("git", arguments, 60);
    if (!said || said->exit != 0) return std::nullopt;
    return said->output.substr(0, said->output.find('\n'));
  };
  const auto head = git({"rev-parse", "HEAD"});
  const auto changed = git({"status", "--porcelain", "--untracked-files=no", "--", "coq", "contracts"});
  if (!head || !changed) return "unknown";
  return *head + (changed->empty() ? "" : "+changed");
}

// The body of the entry of every theorem, without facts and commit, from coq/headline.json.
Expected<std::map<std::string, Json>> read_descriptions(const std::string& root,
                                                        const std::vector<std::string>& names) {
  const auto text = read_text(root + "/coq/headline.json");
  if (!text) return text.error();
  const auto groups = strict_json(*text);
  if (!groups || !groups->is_array()) return misdescribed("it is no JSON array, or has a key twice");
  std::map<std::string, Json> described;
  std::set<std::string> left(names.begin(), names.end());
  const auto take = [&](const std::string& name, bool lemma) {
    return is_witness_lemma(name) == lemma && left.erase(name) == 1;
  };
  for (const auto& group : *groups) {
    const std::string id = text_at(group, "id"), place = fmt::format("group '{}'", id);
    const auto list = [&](const char* key) { return group.contains(key) ? strings(group[key]) : std::nullopt; };
    const auto theorems = list("theorems"), witnesses = list("witnesses"), tried = list("tried");
    for (const char* key : {"id", "name", "run_time_check", "on_violation", "refuted_if"})
      if (text_at(group, key).empty()) return misdescribed(fmt::format("{}: `{}` is missing", place, key));
    if (!theorems || !witnesses || !tried)
      return misdescribed(place + ": `theorems`, `witnesses` and `tried` are lists of strings");
    if (group.contains("refutes") && !group["refutes"].is_object())
      return misdescribed(place + ": `refutes` is no object");
    for (const auto& name : *witnesses)
      if (!take(name, true))
        return misdescribed(fmt::format("{}: {} is no witness lemma, or stands twice", place, name));
    std::size_t refuting = 0;
    for (const auto& name : *theorems) {
      if (!take(name, false))
        return misdescribed(fmt::format("{}: {} is no headline theorem, or stands twice", place, name));
      const std::string claim = group.contains("refutes") ? text_at(group["refutes"], name.c_str()) : "";
      refuting += claim.empty() ? 0 : 1;
      described[name] = Json{{"id", id},
                             {"name", group["name"]},
                             {"status", claim.empty() ? proven : refuted},
                             {"refutes", claim.empty() ? Json() : Json(claim)},
                             {"witnesses", *witnesses},
                             {"run_time_check", group["run_time_check"]},
                             {"on_violation", group["on_violation"]},
                             {"falsification", Json{{"refuted_if", group["refuted_if"]}, {"tried", *tried}}}};
    }
    if (group.contains("refutes") && refuting != group["refutes"].size())
      return misdescribed(place + ": `refutes` names a theorem of another group, or no claim");
  }
  if (!left.empty()) return misdescribed(fmt::format("not described: {}", fmt::join(left, ", ")));
  return described;
}

struct Printed {
  std::string file, statement;
};

// Theorem -> where it stands and what it says: a line with name and file, the lines of the statement, an empty line.
Expected<std::map<std::string, Printed>> read_statements(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return text.error();
  std::map<std::string, Printed> printed;
  Printed* now = nullptr;
  for (const auto& line : lines_of(*text)) {
    if (line.empty()) {
      now = nullptr;
    } else if (now != nullptr) {
      now->statement += line + "\n";
    } else {
      const auto words = words_of(line);
      if (words.size() != 2 || printed.contains(words[0])) return malformed(path, line);
      now = &(printed[words[0]] = {words[1], ""});
    }
  }
  return printed;
}

using NamesOf = std::map<std::string, std::vector<std::string>>;  // of a theorem

Expected<NamesOf> read_assumptions(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return text.error();
  NamesOf assumptions;
  for (const auto& line : lines_of(*text)) {
    if (line.empty()) break;  // the statements of the axioms follow
    const auto colon = line.find(": ");
    if (colon == line.npos) return malformed(path, line);
    auto axioms = words_of(std::string_view(line).substr(colon + 2));
    if (axioms == std::vector<std::string>{"nothing"}) axioms.clear();
    assumptions[line.substr(0, colon)] = std::move(axioms);
  }
  return assumptions;
}

Expected<NamesOf> read_contracts(const std::string& path) {
  const auto text = read_text(path);
  if (!text) return text.error();
  const auto json = strict_json(*text);
  if (!json || !json->is_object() || !json->contains("contracts") || !(*json)["contracts"].is_array())
    return malformed(path, "no array `contracts`");
  NamesOf contracts;
  for (const auto& contract : (*json)["contracts"]) {
    if (!contract.is_object() || text_at(contract, "name").empty() || text_at(contract, "theorem").empty())
      return malformed(path, "a contract needs a name and a theorem");
    contracts[text_at(contract, "theorem")].push_back(text_at(contract, "name"));
  }
  return contracts;
}

}  // namespace

Expected<std::vector<TheoremFacts>> read_theorem_facts(const std::string& root) {
  const auto names = read_names(root);
  if (!names) return names.error();
  const std::string statements = root + "/coq/statements.txt", golden = root + "/coq/Assumptions.golden";
  const auto printed = read_statements(statements);
  if (!printed) return printed.error();
  const auto assumptions = read_assumptions(golden);
  if (!assumptions) return assumptions.error();
  auto contracts = read_contracts(root + "/contracts/manifest.json");
  if (!contracts) return contracts.error();
  std::vector<TheoremFacts> facts;
  for (const auto& name : *names) {
    const auto found = printed->find(name);
    if (found == printed->end() || found->second.statement.empty())
      return malformed(statements, "no statement of " + name);
    if (is_witness_lemma(name)) continue;  // a lemma about an example is no evidence
    const auto axioms = assumptions->find(name);
    if (axioms == assumptions->end()) return malformed(golden, "no line for " + name);
    facts.push_back(
        {name, found->second.file, sha256_hex(found->second.statement), axioms->second, (*contracts)[name], "", ""});
  }
  if (printed->size() != names->size()) return malformed(statements, "a theorem that coq/theorems.txt does not name");
  const auto descriptions = read_descriptions(root, *names);
  if (!descriptions) return descriptions.error();
  for (TheoremFacts& fact : facts) {
    const Json& about = descriptions->at(fact.theorem);
    fact.run_time_check = text_at(about, "run_time_check");
    fact.on_violation = text_at(about, "on_violation");
  }
  return facts;
}

Expected<std::vector<Witness>> read_witnesses(std::span<const LedgerEntry> entries, const std::string& place) {
  std::vector<Witness> witnesses;
  for (const auto& entry : entries) {
    const auto json = strict_json(entry.text);
    const auto list = [&](const char* key) { return json->contains(key) ? strings((*json)[key]) : std::nullopt; };
    Witness w;
    bool whole = json.has_value();
    for (const auto& [key, text] : {std::pair{"theorem", &w.facts.theorem},
                                    {"file", &w.facts.file},
                                    {"id", &w.id},
                                    {"statement_sha256", &w.facts.statement_sha256},
                                    {"run_time_check", &w.facts.run_time_check},
                                    {"on_violation", &w.facts.on_violation},
                                    {"status", &w.status},
                                    {"commit", &w.commit}})
      if (whole) whole = !(*text = text_at(*json, key)).empty();
    if (whole && (is_digest(w.facts.statement_sha256)) && (w.status == proven || w.status == refuted)) {
      const auto assumptions = list("assumptions"), contracts = list("contracts");
      if (assumptions && contracts) {
        w.facts.assumptions = *assumptions;
        w.facts.contracts = *contracts;
        witnesses.push_back(std::move(w));
        continue;
      }
    }
    return Error{Exit::input, error_number::ledger_entry, "this entry is no witness",
                 fmt::format("{}, line {}", place, entry.line), "take the file from version control"};
  }
  return witnesses;
}

Outdated outdated_theorems(std::span<const TheoremFacts> facts, std::span<const Witness> witnesses) {
  const auto last = last_by_theorem(witnesses);
  Outdated outdated;
  for (const auto& fact : facts) {
    const auto found = last.find(fact.theorem);
    if (found == last.end()) outdated.missing.push_back(fact.theorem);
    else if (found->second->facts != fact) outdated.stale.push_back(fact.theorem);
  }
  return outdated;
}

Expected<std::size_t> append_witnesses(const std::string& path, const std::string& root) {
  const auto facts = read_theorem_facts(root);
  if (!facts) return facts.error();
  const auto names = read_names(root);
  if (!names) return names.error();
  const auto descriptions = read_descriptions(root, *names);
  if (!descriptions) return descriptions.error();
  const std::string commit = commit_of(root);

  std::size_t appended = 0;
  const auto bodies = [&](std::span<const LedgerEntry> entries) -> Expected<std::vector<std::string>> {
    const auto witnesses = read_witnesses(entries, path);
    if (!witnesses) return witnesses.error();
    const Outdated outdated = outdated_theorems(*facts, *witnesses);
    std::set<std::string> wanted(outdated.stale.begin(), outdated.stale.end());
    wanted.insert(outdated.missing.begin(), outdated.missing.end());
    std::vector<std::string> result;
    for (const auto& fact : *facts) {
      if (!wanted.contains(fact.theorem)) continue;
      const Json& about = descriptions->at(fact.theorem);
      const Json body = {{"id", about["id"]},
                         {"name", about["name"]},
                         {"theorem", fact.theorem},
                         {"file", fact.file},
                         {"status", about["status"]},
                         {"refutes", about["refutes"]},
                         {"witnesses", about["witnesses"]},
                         {"statement_sha256", fact.statement_sha256},
                         {"assumptions", fact.assumptions},
                         {"contracts", fact.contracts},
                         {"run_time_check", fact.run_time_check},
                         {"on_violation", fact.on_violation},
                         {"falsification", about["falsification"]},
                         {"commit", commit}};
      result.push_back(body.dump());
    }
    appended = result.size();
    return result;
  };
  if (const Status done = append_to_ledger(path, LedgerForm::json_array, LedgerBodies(bodies)); !done)
    return done.error();
  return appended;
}

}  // namespace hallmark
