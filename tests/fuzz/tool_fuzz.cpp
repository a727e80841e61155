// libFuzzer target of the tool: sets of W, index, C, Q, certificate and ledger that the library made, changed together
// as a recipe says (mutate.hpp), then verified, inspected, dequantized, quantized or read in this process. Nothing may
// end in a signal, an exception or an internal error, nor leave a temporary file, and what is accepted has to be true
// by statement.hpp. A recipe: set, what to do and whether to seal, options; then changes to its end.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ablation/verdict.hpp"
#include "base/threads.hpp"
#include "cli/command.hpp"
#include "ledger/ledger.hpp"
#include "made_sets.hpp"

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

// What a recipe asks for: one of these, by the low bits of its second byte.
enum class ToolCall { verify, verify_again, exact, reproduce, no_certificate, read, quantize, ledger, count };

std::FILE* report = stderr;  // libFuzzer closes the streams that the tool writes to
fs::path folder;
std::vector<MadeSet> sets;
std::vector<FileSet> originals;

struct Counts {
  std::size_t runs = 0, verified = 0, accepted_changed = 0, quantized = 0, dequantized = 0, chains = 0;
} counts;

[[noreturn]] void wrong(const std::string& what) {
  std::error_code none;
  if (!folder.empty()) fs::remove_all(folder, none);
  std::fprintf(report, "wrong: %s\n", what.c_str());
  std::abort();
}

std::string path(const std::string& name) { return (folder / name).string(); }

void write(const std::string& name, const std::string& bytes) { std::ofstream(path(name), std::ios::binary) << bytes; }

std::string read(const std::string& name) {
  std::ostringstream bytes;
  bytes << std::ifstream(path(name), std::ios::binary).rdbuf();
  return bytes.str();
}

// What main does with a command, but for the signals; the exit code. The words of a command line are fixed here.
int tool(cli::Command (*command)(CLI::App&), const std::vector<std::string>& words) {
  const std::string line = fmt::format("{}", fmt::join(words, " "));
  try {
    CLI::App root("", "hallmark");
    const cli::Command chosen = command(root);
    root.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    const Expected<Exit> result = chosen.run();
    if (result) return static_cast<int>(*result);
    const Error& e = result.error();
    if (e.exit == Exit::internal || e.number < 200) wrong(line + ": internal error: " + to_string(e));
    if (e.what.empty() || e.where.empty() || e.hint.empty())
      wrong(line + ": an error without its lines: " + to_string(e));
    if (e.number / 100 != static_cast<int>(e.exit)) wrong(line + ": the exit code is another's: " + to_string(e));
    return static_cast<int>(e.exit);
  } catch (const std::exception& fault) {  // of memory too
    wrong(line + ": " + fault.what());
  }
}

std::vector<std::string> verify_words(const MadeSet& made, const std::string& q, std::vector<std::string> more) {
  std::vector<std::string> words{"verify", path(q), "--weights", path(made.weights)};
  if (made.calibrated) words.insert(words.end(), {"--calibration", path("c.safetensors")});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Quantizes the sources that stand there with the options of some set.
int quantize(const MadeSet& made, std::vector<std::string> options, const std::string& q) {
  std::vector<std::string> words{"quantize", "--weights", path(made.weights), "-o", path(q), "--overwrite"};
  if (made.calibrated) words.insert(words.end(), {"--calibration", path("c.safetensors")});
  for (std::string& option : options)
    if (option == "rules.json") option = path(option);
  words.insert(words.end(), options.begin(), options.end());
  return tool(cli::quantize_command, words);
}

void demand(const std::string& what, const std::string& first_false) {
  if (!first_false.empty()) wrong(what + ": " + first_false);
}

// What a run alone can tell is gone where another policy, or none of bounds and exact numbers, is claimed.
nlohmann::json comparable(const std::string& certificate, bool same_policy) {
  nlohmann::json document = nlohmann::json::parse(certificate);
  if (!same_policy) document.erase("contracts");
  for (auto& tensor : document["tensors"]) {
    if (!same_policy) tensor.erase("contracts");
    for (auto& row : tensor["values"]) {
      row["final"].erase("exact"), row["rtn"].erase("exact");
      if (same_policy) continue;
      row.erase("bound"), row.erase("slack");
    }
  }
  return document;
}

// Reproduced from the W and C that were: then Q and certificate are too, but for what may be left out.
void judge_reproduced(const MadeSet& made, const FileSet& files) {
  for (const auto& [name, bytes] : made.files)
    if (name[0] != 'q' && name != "ledger.jsonl" && files.at(name) != bytes) return;
  const std::string &now = files.at("q.certificate.json"), &then = made.files.at("q.certificate.json");
  const auto policy = [](const std::string& text) { return nlohmann::json::parse(text).at("contracts"); };
  const auto bounds = [](const std::string& text) { return text.find("\"bound\"") != text.npos; };
  const bool same = policy(now) == policy(then) && bounds(now) == bounds(then);
  if (comparable(now, same) != comparable(then, same)) wrong("verify --reproduce accepts another certificate");
}

void verify(const MadeSet& made, const FileSet& files, ToolCall work) {
  bool changed = false;
  for (const auto& [name, bytes] : made.files) changed |= name != "ledger.jsonl" && files.at(name) != bytes;
  std::vector<std::string> more;
  if (work == ToolCall::exact) more.emplace_back("--exact");
  if (work == ToolCall::reproduce) more.emplace_back("--reproduce");
  if (work == ToolCall::no_certificate) more.emplace_back("--no-certificate");
  ++counts.verified;
  if (tool(cli::verify_command, verify_words(made, "q.safetensors", more)) != 0) {
    if (!changed) wrong("verify refuses what quantize wrote");
    return;
  }
  if (work == ToolCall::no_certificate)
    return demand("verify --no-certificate accepts", first_false_digest(files.at("q.safetensors")));
  const auto judged = verified(made, files, work == ToolCall::exact);
  if (!judged) wrong("verify accepts shards that are not there");
  demand("verify accepts", first_false_statement(*judged));
  if (work == ToolCall::reproduce) judge_reproduced(made, files);
  counts.accepted_changed += changed;
}

void read_container(const FileSet& files) {
  const std::string& q = files.at("q.safetensors");
  if (tool(cli::inspect_command, {"inspect", path("q.safetensors"), "--json"}) == 0 &&
      q.find("hallmark.schema") != q.npos)
    demand("inspect accepts", first_false_digest(q));
  if (tool(cli::dequantize_command, {"dequantize", path("q.safetensors"), "-o", path("d"), "--overwrite"}) == 0) {
    demand("dequantize accepts", first_false_digest(q));
    demand("dequantize", first_false_value(q, read("d")));
    ++counts.dequantized;
  }
}

void quantize_again(const MadeSet& made, FileSet files, const MadeSet& options) {
  if (quantize(made, options.quantize, "o.safetensors") != 0) return;
  ++counts.quantized;
  files["q.safetensors"] = read("o.safetensors");
  files["q.certificate.json"] = read("o.certificate.json");
  if (const auto judged = verified(made, files, true)) demand("quantize wrote", first_false_statement(*judged));
  if (tool(cli::verify_command, verify_words(made, "o.safetensors", {})) != 0)
    wrong("verify refuses what quantize wrote");
}

void read_ledgers(const std::string& ledger) {
  const bool whole = chain_is_whole(ledger);
  const int checked = tool(cli::witness_command, {"witness", "check", path("ledger.jsonl")});
  if (checked == 0 && !whole) wrong("witness check accepts a broken chain");
  std::istringstream lines(ledger);
  const auto verdict = replay_run(lines);
  if (!verdict && verdict.error().exit == Exit::internal) wrong("ttest: " + to_string(verdict.error()));
  const std::vector<std::string> entry{R"({"entry":1})"};
  const bool appended = bool(append_to_ledger(path("ledger.jsonl"), LedgerForm::json_lines, entry));
  const std::string after = read("ledger.jsonl");
  if (appended != (checked == 0))
    wrong("an entry is appended to a chain that is refused, or refused by one that is whole");
  if (!after.starts_with(ledger) || (!appended && after != ledger)) wrong("an append changed the ledger");
  if (appended && !chain_is_whole(after)) wrong("an append broke the chain");
  counts.chains += whole;
}

void no_temporary_left() {
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename().string().starts_with(".hallmark")) wrong("a temporary file is left");
}

void say_counts() {
  fs::remove_all(folder);
  std::fprintf(
      report,
      "tool_fuzz: %zu sets of files; %zu verified, of them %zu accepted though changed, and true; %zu quantized "
      "again, %zu dequantized, %zu whole chains\n",
      counts.runs, counts.verified, counts.accepted_changed, counts.quantized, counts.dequantized, counts.chains);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  // The tool speaks on both streams; recipes are short, and any length is as good as another; entropic schedules take
  // longer than the tool does.
  static std::array<char[24], 5> flags{"-close_fd_mask=3", "-max_len=96", "-len_control=0", "-entropic=0",
                                       "-print_funcs=0"};
  static std::vector<char*> words(*argv, *argv + *argc);
  for (auto& flag : flags) words.push_back(flag);
  *argc = static_cast<int>(words.size());
  words.push_back(nullptr);
  *argv = words.data();
  report = ::fdopen(::dup(STDERR_FILENO), "w");
  std::setvbuf(report, nullptr, _IONBF, 0);
  std::string pattern =
      (fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path()) / "tool_fuzz.XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) wrong("no folder for the files");
  folder = pattern;
  std::atexit(say_counts);
  if (!use_threads(1)) wrong("no thread");
  sets = sources();
  for (MadeSet& made : sets) {
    for (const auto& [name, bytes] : made.files) write(name, bytes);
    if (quantize(made, made.quantize, "q.safetensors") != 0) wrong("a set cannot be quantized");
    for (const char* name : {"q.safetensors", "q.certificate.json"}) made.files[name] = read(name);
    made.digests = digests_of(*verified(made, made.files, true));
    verify(made, made.files, ToolCall::exact);
    originals.push_back(made.files);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Recipe recipe({data, size});
  const MadeSet& made = sets[recipe.byte() % sets.size()];
  const unsigned how = recipe.byte();
  const auto work = static_cast<ToolCall>(how % static_cast<unsigned>(ToolCall::count));
  const MadeSet& options = sets[recipe.byte() % sets.size()];
  FileSet files = made.files;
  for (int changes = 0; changes < 16 && !recipe.done(); ++changes) mutate(files, originals, recipe);
  if (how >= 128) seal(made, files);
  for (const auto& entry : fs::directory_iterator(folder)) fs::remove(entry);
  write("rules.json", R"({"rules":[{"match":"a","transposed":true}]})");  // for options of another set that name it
  for (const auto& [name, bytes] : files) write(name, bytes);
  ++counts.runs;
  switch (work) {
    case ToolCall::read: read_container(files); break;
    case ToolCall::quantize: quantize_again(made, files, options); break;
    case ToolCall::ledger: read_ledgers(files.at("ledger.jsonl")); break;
    default: verify(made, files, work);
  }
  no_temporary_left();
  return 0;
}
