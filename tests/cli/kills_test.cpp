// Two writers at once, each of them killed at a random moment: quantize on one output, a file or shards, ablate and
// witness append on one ledger. What stands there afterwards is old or new and never a mixture, what was acknowledged
// stays, and only SIGKILL leaves temporary files. A few kills here; `make check-kills COUNT=1000` asks for more by
// HALLMARK_KILLS.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "../ablation/tiny_experiment.hpp"
#include "certify/certificate.hpp"
#include "artifact/quantized_file.hpp"
#include "files.hpp"
#include "ledger/ledger.hpp"

namespace kills_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

using Words = std::vector<std::string>;

// How a writer ended: by a signal, or with a code.
struct End {
  pid_t pid;
  int signal, code;
};

// Of each of the four kinds of writers.
int wanted_kills() {
  const char* const words = std::getenv("HALLMARK_KILLS");
  return words == nullptr ? 10 : std::max(1, (std::atoi(words) + 3) / 4);
}

struct Counts {
  int rounds = 0, finished = 0, old_kept = 0, replaced = 0, left_by_sigkill = 0;
  std::map<int, int> killed;  // by signal

  int kills() const {
    int sum = 0;
    for (const auto& [signal, count] : killed) sum += count;
    return sum;
  }
  /// Enough were killed, and both ends were seen.
  bool enough() const { return kills() >= wanted_kills() && finished > 0 && replaced > 0; }
  void say(const char* what) const {
    const auto by = [&](int signal) { return killed.contains(signal) ? killed.at(signal) : 0; };
    MESSAGE(std::string(what) << ": " << rounds << " rounds of two writers, killed by SIGKILL " << by(SIGKILL)
                              << ", SIGTERM " << by(SIGTERM) << ", SIGINT " << by(SIGINT) << ", finished " << finished
                              << "; old state kept " << old_kept << ", new state " << replaced
                              << "; temporary files that SIGKILL left " << left_by_sigkill);
  }
};

// posix_spawn returns once the program runs, so that no signal meets this process's own handlers in the child.
pid_t start(const Words& words) {
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  for (const int fd : {0, 1, 2}) posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", O_RDWR, 0);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, HALLMARK_TOOL, &quiet, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&quiet);
  return pid;
}

// Starts two writers and sends each a signal at a moment of its own, within a window that follows the time that they
// take, so that about half of them are killed. `once`: a writer, for a first idea of that time.
class Killer {
 public:
  Killer(unsigned seed, const Words& once) : random_(seed) {
    const auto begin = std::chrono::steady_clock::now();
    int status = 0;
    REQUIRE(::waitpid(start(once), &status, 0) > 0);
    REQUIRE(status == 0);
    window_ = 4e6 * std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  std::array<End, 2> race(const Words& a, const Words& b, Counts& counts) {
    constexpr std::array signals{SIGKILL, SIGTERM, SIGINT};
    std::array<pid_t, 2> pids{start(a), start(b)};
    std::uniform_real_distribution<> moment(0, window_);
    const double first = moment(random_), second = moment(random_);
    const int sooner = static_cast<int>(random_() % 2);
    for (const int k : {sooner, 1 - sooner}) {
      const double wait = k == sooner ? std::min(first, second) : std::fabs(first - second);
      ::usleep(static_cast<useconds_t>(wait));
      ::kill(pids[static_cast<std::size_t>(k)], signals[random_() % signals.size()]);
    }
    std::array<End, 2> ends{};
    int killed = 0;
    for (std::size_t k = 0; k < 2; ++k) {
      int status = 0;
      REQUIRE(::waitpid(pids[k], &status, 0) == pids[k]);
      ends[k] = {pids[k], WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
      REQUIRE((ends[k].signal != 0 || ends[k].code == 0));  // whoever is not killed succeeds
      ends[k].signal != 0 ? ++counts.killed[ends[k].signal] : ++counts.finished;
      killed += ends[k].signal != 0;
    }
    window_ = std::clamp(window_ * (killed == 2 ? 1.2 : killed == 0 ? 0.9 : 1.0), 2e3, 2e7);
    ++counts.rounds;
    REQUIRE(counts.rounds < 20 * wanted_kills() + 50);  // otherwise nothing, or everything, is killed
    return ends;
  }

 private:
  std::mt19937 random_;
  double window_;  // microseconds
};

// Temporary files are those of a writer that SIGKILL ended; they are removed and counted.
void clear_temporaries(const std::string& folder, const std::array<End, 2>& ends, Counts& counts) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(".hallmark-")) continue;
    CAPTURE(name);
    const int writer = std::atoi(name.c_str() + std::string_view(".hallmark-").size());
    const bool excused =
        std::ranges::any_of(ends, [&](const End& end) { return end.pid == writer && end.signal == SIGKILL; });
    CHECK(excused);
    std::filesystem::remove(entry);
    ++counts.left_by_sigkill;
  }
}

bool succeeded(const End& end) { return end.signal == 0; }

std::vector<std::string> entries_of(const std::string& path, LedgerForm form) {
  const auto entries = read_ledger(path, form);  // every byte and the chain
  if (!entries) FAIL(to_string(entries.error()));
  std::vector<std::string> texts;
  for (const LedgerEntry& entry : *entries) texts.push_back(entry.text);
  return texts;
}

// Once every byte of a container was checked it is told apart by its metadata, the digests of the tensors among them.
void kill_writers_of(const std::string& name, const std::string& more, unsigned seed) {
  const TemporaryFolder folder;
  const std::string q = folder / name;
  const auto pair_there = [&] {
    const auto opened = QuantizedFile::open(q);
    REQUIRE(opened);
    return std::pair(opened->file().metadata(), read_file(certificate_beside(q, opened->content_sha256())));
  };
  const auto words = [&](std::size_t k) {
    return Words{"hallmark",
                 "quantize",
                 "--weights",
                 folder / fmt::format("w{}", k),
                 "--calibration",
                 folder / "c",
                 "--grid",
                 "int4",
                 "--overwrite",
                 "--threads",
                 "2",
                 more,
                 "-o",
                 q};
  };
  write_tensors(folder / "c", {{"a.activations", DType::F32, {128, 96}}});
  std::array<decltype(pair_there()), 3> pairs;  // metadata and certificate of each weight
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    write_tensors(folder / fmt::format("w{}", k),
                  {{"a", DType::F32, {64, 96}, noise(64 * 96, static_cast<unsigned>(k + 1))}});
    const Killer made(0, words(k));
    pairs[k] = pair_there();
  }
  Counts counts;
  Killer killer(seed, words(2));
  for (std::size_t old = pairs.size() - 1; !counts.enough();) {
    const std::size_t a = (old + 1) % 3, b = (old + 2) % 3;
    const auto ends = killer.race(words(a), words(b), counts);
    const auto found = std::ranges::find(pairs, pair_there());
    REQUIRE(found != pairs.end());  // no mixture
    const auto now = static_cast<std::size_t>(found - pairs.begin());
    CHECK((now != old || (!succeeded(ends[0]) && !succeeded(ends[1]))));  // what was acknowledged stands
    now == old ? ++counts.old_kept : ++counts.replaced;
    clear_temporaries(folder.path(), ends, counts);
    old = now;
  }
  counts.say(("quantize --overwrite " + name).c_str());
}

}  // namespace

TEST_CASE("killed writers of one container leave the old pair or a new one") {
  kill_writers_of("q.safetensors", "--bounds", 20261201);
}

TEST_CASE("killed writers of a container in shards leave the old set or a new one") {
  kill_writers_of("q.safetensors.index.json", "--max-shard-size=1", 20261204);
}

TEST_CASE("killed runs of an ablation append whole runs to a whole chain") {
  const TinyExperiment experiment;
  const TemporaryFolder folder;
  const std::string path = folder / "runs.jsonl";
  const Words words{"hallmark", "ablate",    "--models", experiment.models(), "--text", experiment.text(), "--seeds",
                    "47",       "--batches", "0,1",      "--eval-bytes",      "512",    "--threads",       "1",
                    "--output", path};
  constexpr std::size_t lines = 2;  // of a run of one seed and two N
  Counts counts;
  Killer killer(20261202, words);
  std::vector<std::string> before = entries_of(path, LedgerForm::json_lines);
  while (!counts.enough()) {
    const auto ends = killer.race(words, words, counts);
    std::vector<std::string> now = entries_of(path, LedgerForm::json_lines);
    REQUIRE(now.size() >= before.size());
    REQUIRE(std::equal(before.begin(), before.end(), now.begin()));
    const std::size_t added = now.size() - before.size();
    const auto acknowledged = static_cast<std::size_t>(std::ranges::count_if(ends, succeeded));
    CHECK(added % lines == 0);
    CHECK(added <= 2 * lines);
    CHECK(added >= acknowledged * lines);
    std::set<std::string> runs;
    for (std::size_t k = before.size(); k < now.size(); ++k)
      runs.insert(nlohmann::json::parse(now[k]).at("run").get<std::string>());
    CHECK(runs.size() * lines == added);
    added == 0 ? ++counts.old_kept : ++counts.replaced;
    clear_temporaries(folder.path(), ends, counts);
    before = std::move(now);
  }
  counts.say("ablate");
}

TEST_CASE("killed witness appends leave the old ledger or the one with every theorem") {
  constexpr std::size_t theorems = 60;
  const TemporaryFolder folder;
  for (const char* name : {"coq", "contracts", "assertions"}) std::filesystem::create_directory(folder / name);
  std::string names, statements = "# Made by: x\n", assumptions, list;
  for (std::size_t k = 0; k < theorems; ++k) {
    const std::string name = fmt::format("T1_{}", k);
    names += name + "\n";
    statements += fmt::format("\n{} coq/H.v\n     : {} = {}\n", name, std::string(400, 'x'), k);
    assumptions += name + ": nothing\n";
    list += fmt::format("{}\"{}\"", k == 0 ? "" : ",", name);
  }
  write_file(folder / "coq/theorems.txt", names);
  write_file(folder / "coq/statements.txt", statements);
  write_file(folder / "coq/Assumptions.golden", assumptions);
  write_file(folder / "contracts/manifest.json", R"({"contracts":[]})");
  write_file(
      folder / "coq/headline.json",
      R"([{"id":"T1","name":"n","theorems":[)" + list +
          R"(],"witnesses":[],"refutes":{},"run_time_check":"r","on_violation":"v","refuted_if":"f","tried":["t"]}])");
  const std::string path = folder / "assertions/w.json";
  const Words words{"hallmark", "witness", "append", path};
  Counts counts;
  Killer killer(20261203, words);
  std::vector<std::string> last = entries_of(path, LedgerForm::json_array);
  while (!counts.enough()) {
    // The old ledger: none, or one that lacks some theorems.
    std::vector<std::string> before;
    std::filesystem::remove(path);
    if (counts.rounds % 4 != 0) {
      before.assign(last.begin(), last.begin() + counts.rounds % static_cast<int>(theorems));
      if (!before.empty()) write_file(path, fmt::format("[\n{}\n]\n", fmt::join(before, ",\n")));
    }
    const auto ends = killer.race(words, words, counts);
    std::vector<std::string> now = entries_of(path, LedgerForm::json_array);
    REQUIRE((now.size() == before.size() || now.size() == theorems));
    REQUIRE(std::equal(before.begin(), before.end(), now.begin()));
    CHECK((now.size() == theorems || std::ranges::none_of(ends, succeeded)));
    now.size() == before.size() ? ++counts.old_kept : ++counts.replaced;
    clear_temporaries(folder / "assertions", ends, counts);
    if (now.size() == theorems) last = std::move(now);
  }
  counts.say("witness append");
}

}  // namespace kills_test
