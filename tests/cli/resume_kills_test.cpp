// A run that is killed at a random moment and gone on with, again and again, until it is through: nothing that it kept
// is lost or made twice, and container, certificate and report have the bytes of a run that nobody disturbed. A few
// kills here; `make check-kills COUNT=1000` asks for more by HALLMARK_KILLS.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "../io/temporary_folder.hpp"
#include "files.hpp"

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

using Words = std::vector<std::string>;

int wanted_kills() {
  const char* const words = std::getenv("HALLMARK_KILLS");
  return words == nullptr ? 10 : std::max(1, std::atoi(words) / 2);
}

pid_t start(const Words& words, const std::string& said) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
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

// One run from nothing to its end, killed on its way; `moment`: when, in microseconds, drawn for every start.
void go_on_until_done(const std::string& folder, const Words& words, const auto& moment, std::size_t matrices,
                      const std::string& output, Counts& counts) {
  const std::string state = folder + "/s", said = folder + "/said";
  fs::remove_all(state);
  for (bool done = false; !done;) {
    // What a run that was killed while it renamed has left is its user's to remove or --overwrite (kills_test).
    for (const std::string& left : {output, std::string(".hallmark-")})
      for (const auto& [name, bytes] : files_of(folder, left)) fs::remove(folder + "/" + name);
    const Bytes before = files_of(state, "", ".record");
    const pid_t pid = start(words, said);
    ::usleep(static_cast<useconds_t>(moment()));
    ::kill(pid, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    done = !WIFSIGNALED(status);
    if (done) REQUIRE(WEXITSTATUS(status) == 0);
    else ++counts.kills;
    const Bytes now = files_of(state, "", ".record");
    REQUIRE(std::ranges::includes(now, before));  // nothing lost, nothing made again
    counts.made += now.size() - before.size();
    if (!done) continue;
    counts.taken += before.size();
    const std::string summary = fmt::format("{} of {} taken, 0 not taken", before.size(), matrices);
    CAPTURE(read_file(said));
    REQUIRE(read_file(said).find(summary) != std::string::npos);
    CHECK(now.size() == matrices);
    CHECK(files_of(state, ".hallmark-").empty());
    ++counts.rounds;
  }
}

void kill_runs(const std::string& ending, const std::string& more, unsigned seed) {
  const TemporaryFolder folder;
  std::vector<MadeTensor> weights, calibration;
  constexpr std::size_t matrices = 6;
  for (std::size_t k = 0; k < matrices; ++k) {
    weights.push_back({fmt::format("layer{}", k), DType::F32, {24, 64}, noise(24 * 64, static_cast<unsigned>(k))});
    calibration.push_back({fmt::format("layer{}.activations", k), DType::F32, {128, 64}});
  }
  write_tensors(folder / "w", weights);
  write_tensors(folder / "c", calibration);
  const auto words = [&](const std::string& output, const Words& with) {
    Words all{"hallmark",
              "quantize",
              "--weights",
              folder / "w",
              "--calibration",
              folder / "c",
              "--grid",
              "int4",
              "--method",
              "descent",
              "--bounds",
              "--threads",
              "1",
              more,
              "-o",
              folder / (output + ending),
              "--report",
              folder / (output + ".report")};
    all.insert(all.end(), with.begin(), with.end());
    return all;
  };
  const auto begin = std::chrono::steady_clock::now();
  int status = 0;
  REQUIRE(::waitpid(start(words("q", {}), folder / "said"), &status, 0) > 0);
  REQUIRE(status == 0);
  double window = 1e6 * std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  Bytes undisturbed = files_of(folder.path(), "q");
  REQUIRE(undisturbed.size() >= 3);
  for (auto& [name, bytes] : undisturbed) fs::remove(folder / name);

  std::mt19937 random(seed);
  Counts counts;
  // The window follows the time that a run takes, so that it is killed at every stage, now and then at the last.
  const auto moment = [&] {
    window = std::clamp(window * 1.03, 2e3, 2e7);
    return std::uniform_real_distribution<>(0, window)(random);
  };
  while (counts.kills < wanted_kills()) {
    go_on_until_done(folder.path(), words("q", {"--state", folder / "s", "--resume"}), moment, matrices, "q", counts);
    window *= 0.8;
    CHECK(files_of(folder.path(), "q") == undisturbed);
  }
  CHECK(counts.made == static_cast<std::size_t>(counts.rounds) * matrices);  // each record was made once
  MESSAGE("quantize --state, q" << ending << ": " << counts.kills << " kills, " << counts.rounds
                                << " runs brought to their end, " << counts.taken << " of " << counts.made
                                << " records taken by the last of each");
}

}  // namespace

TEST_CASE("a killed run that is gone on with ends in the bytes of an undisturbed one") {
  kill_runs(".safetensors", "--holdout=0.25", 20261205);
}

TEST_CASE("a killed run that writes shards, too") {
  kill_runs(".safetensors.index.json", "--max-shard-size=2000", 20261206);
}
