// A run that is killed at a random moment and gone on with, again and again, until it is through: nothing that it kept
// is lost or made twice, and the outputs have the bytes of a run that nobody disturbed; a ledger has the same lines. A
// few kills here; `make check-kills COUNT=1000` asks for more by HALLMARK_KILLS.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "../ablation/tiny_experiment.hpp"
#include "files.hpp"

namespace resume_kills_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

using Words = std::vector<std::string>;

// Of each of the six tests.
int wanted_kills() {
  const char* const words = std::getenv("HALLMARK_KILLS");
  return words == nullptr ? 5 : std::max(1, std::atoi(words) / 6);
}

pid_t start(const Words& words, const std::string& said, const std::string& printed) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, printed.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_addopen(&files, 2, said.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, HALLMARK_TOOL, &files, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&files);
  return pid;
}

using Bytes = std::map<std::string, std::string>;

Bytes files_of(const std::string& folder, std::string_view beginning, std::string_view ending = "") {
  Bytes files;
  if (fs::exists(folder))
    for (const auto& entry : fs::directory_iterator(folder))
      if (const std::string name = entry.path().filename(); name.starts_with(beginning) && name.ends_with(ending))
        files[name] = read_file(entry.path());
  return files;
}

struct Counts {
  int kills = 0, rounds = 0;
  std::size_t taken = 0, made = 0;
};

// A command that keeps `items` things, and what is compared of its outputs, whose names begin with q.
struct Job {
  Words words;
  std::size_t items;
  std::size_t others = 0;  ///< records that are of no item
  bool replaces = true;    ///< its outputs are removed before every start; a ledger stays and is appended to
  std::string printed = "/dev/null";
  std::function<Bytes(const Bytes& outputs)> comparable = [](const Bytes& outputs) { return outputs; };
};

void remove_outputs(const std::string& folder) {
  for (const auto& [name, bytes] : files_of(folder, "q")) fs::remove(folder + "/" + name);
}

// One run from nothing to its end, killed on its way; `moment`: when, in microseconds, drawn for every start. After the
// last kill that is wanted nobody disturbs it: where a start takes longer than any window, kills alone would never end.
void go_on_until_done(const std::string& folder, const Job& job, const auto& moment, Counts& counts) {
  const std::string state = folder + "/s", said = folder + "/said";
  Words words = job.words;
  words.insert(words.end(), {"--state", state, "--resume"});
  fs::remove_all(state);
  remove_outputs(folder);
  for (bool done = false; !done;) {
    // What a run that was killed while it renamed has left is its user's to remove or --overwrite (kills_test).
    if (job.replaces) remove_outputs(folder);
    for (const auto& [name, bytes] : files_of(folder, ".hallmark-")) fs::remove(folder + "/" + name);
    const Bytes before = files_of(state, "", ".record");
    const pid_t pid = start(words, said, job.printed);
    if (counts.kills < wanted_kills()) {
      ::usleep(static_cast<useconds_t>(moment()));
      ::kill(pid, SIGKILL);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    done = !WIFSIGNALED(status);
    CAPTURE(read_file(said));
    if (done) REQUIRE(WEXITSTATUS(status) == 0);
    else ++counts.kills;
    const Bytes now = files_of(state, "", ".record");
    REQUIRE(std::ranges::includes(now, before));  // nothing lost, nothing made again
    counts.made += now.size() - before.size();
    if (!done) continue;
    const std::size_t kept = before.size() - std::min(before.size(), job.others);
    counts.taken += kept;
    const std::string summary = fmt::format("{} of {} taken, 0 not taken", kept, job.items);
    REQUIRE(read_file(said).find(summary) != std::string::npos);
    CHECK(now.size() == job.items + job.others);
    CHECK(files_of(state, ".hallmark-").empty());
    ++counts.rounds;
  }
}

void kill_runs(const TemporaryFolder& folder, const char* what, const Job& job, unsigned seed) {
  const auto begin = std::chrono::steady_clock::now();
  int status = 0;
  REQUIRE(::waitpid(start(job.words, folder / "said", job.printed), &status, 0) > 0);
  CAPTURE(read_file(folder / "said"));
  REQUIRE(status == 0);
  double window = 1e6 * std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Bytes undisturbed = job.comparable(files_of(folder.path(), "q"));
  REQUIRE(!undisturbed.empty());

  std::mt19937 random(seed);
  Counts counts;
  // The window follows the time that a run takes, so that it is killed at every stage, now and then at the last.
  const auto moment = [&] {
    window = std::clamp(window * 1.03, 2e3, 2e7);
    return std::uniform_real_distribution<>(0, window)(random);
  };
  while (counts.kills < wanted_kills()) {
    go_on_until_done(folder.path(), job, moment, counts);
    window *= 0.8;
    CHECK(job.comparable(files_of(folder.path(), "q")) == undisturbed);
  }
  CHECK(counts.made == static_cast<std::size_t>(counts.rounds) * (job.items + job.others));  // each made once
  MESSAGE(std::string(what) << " --state: " << counts.kills << " kills, " << counts.rounds
                            << " runs brought to their end, " << counts.taken << " of " << counts.made
                            << " records taken by the last of each");
}

constexpr std::size_t matrices = 6;

void write_layers(const TemporaryFolder& folder) {
  std::vector<MadeTensor> weights, calibration;
  for (std::size_t k = 0; k < matrices; ++k) {
    weights.push_back({fmt::format("layer{}", k), DType::F32, {24, 64}, noise(24 * 64, static_cast<unsigned>(k))});
    calibration.push_back({fmt::format("layer{}.activations", k), DType::F32, {128, 64}});
  }
  write_tensors(folder / "w", weights);
  write_tensors(folder / "c", calibration);
}

void kill_quantize(const std::string& ending, const std::string& more, unsigned seed) {
  const TemporaryFolder folder;
  write_layers(folder);
  const Job job{.words = {"hallmark", "quantize", "--weights", folder / "w", "--calibration", folder / "c", "--grid",
                          "int4", "--method", "descent", "--bounds", "--threads", "1", more, "-o",
                          folder / ("q" + ending), "--report", folder / "q.report"},
                .items = matrices};
  kill_runs(folder, "quantize", job, seed);
}

// The lines of a ledger without what two runs never have in common; how many they are stays.
Bytes lines_alone(const Bytes& outputs) {
  Bytes lines;
  std::istringstream ledger(outputs.at("q.jsonl"));
  for (std::string line; std::getline(ledger, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    for (const char* key : {"prev", "run", "timestamp", "wallclock_ms", "seconds"}) json.erase(key);
    lines[fmt::format("{:06}", lines.size())] = json.dump();
  }
  return lines;
}

Job experiment(const TinyExperiment& on, const TemporaryFolder& folder, const char* command, const Words& more,
               std::size_t items) {
  Words words{"hallmark",     command, "--models",  on.models(), "--text", on.text(),
              "--eval-bytes", "1024",  "--threads", "1",         "-o",     folder / "q.jsonl"};
  words.insert(words.end(), more.begin(), more.end());
  return {.words = words, .items = items, .others = 1, .replaces = false, .comparable = lines_alone};
}

}  // namespace

TEST_CASE("a killed run that is gone on with ends in the bytes of an undisturbed one") {
  kill_quantize(".safetensors", "--holdout=0.25", 20261205);
}

TEST_CASE("a killed run that writes shards, too") {
  kill_quantize(".safetensors.index.json", "--max-shard-size=2000", 20261206);
}

TEST_CASE("a killed gram, too") {
  const TemporaryFolder folder;
  write_layers(folder);
  kill_runs(
      folder, "gram",
      {.words = {"hallmark", "gram", "--activations", folder / "c", "-o", folder / "q.safetensors"}, .items = matrices},
      20261207);
}

TEST_CASE("a killed verification finds what an undisturbed one does") {
  const TemporaryFolder folder;
  write_layers(folder);
  int status = 0;
  REQUIRE(::waitpid(start({"hallmark", "quantize", "--weights", folder / "w", "--calibration", folder / "c", "--grid",
                           "int4", "-o", folder / "p.safetensors"},
                          folder / "said", "/dev/null"),
                    &status, 0) > 0);
  REQUIRE(status == 0);
  kill_runs(folder, "verify",
            {.words = {"hallmark", "verify", folder / "p.safetensors", "--weights", folder / "w", "--calibration",
                       folder / "c", "--exact", "--rows", "4", "--threads", "1"},
             .items = matrices,
             .printed = folder / "q.printed"},
            20261208);
}

TEST_CASE("a killed ablation appends every cell once") {
  const TinyExperiment on;
  const TemporaryFolder folder;
  kill_runs(folder, "ablate", experiment(on, folder, "ablate", {"--grid", "int4", "--batches", "0,1"}, 6), 20261209);
}

TEST_CASE("a killed league appends every line once") {
  const TinyExperiment on;
  const TemporaryFolder folder;
  kill_runs(folder, "league", experiment(on, folder, "league", {"--entries", "^(rtn|gptq)$", "--bits", "4,3"}, 12),
            20261210);
}

}  // namespace resume_kills_test
