// verify, ablate and league gone on with: what is taken, why the rest is not, and that what comes out is what an
// undisturbed run gives.
#include <filesystem>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "../ablation/tiny_experiment.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace resume_lines_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

Result run_in(const std::string& folder, const std::string& command) {
  return shell(fmt::format("cd '{}'; tool() {{ '{}' \"$@\"; }}; {}", folder, HALLMARK_TOOL, command));
}

std::string succeeds(const std::string& folder, const std::string& command) {
  const Result result = run_in(folder, command);
  CAPTURE(command);
  CAPTURE(result.out);
  REQUIRE(result.exit == 0);
  return result.out;
}

void refuses(const std::string& folder, const std::string& command, int exit, const std::string& says) {
  const Result result = run_in(folder, command);
  CAPTURE(command);
  CAPTURE(result.out);
  CHECK(result.exit == exit);
  CHECK(result.out.find(says) != std::string::npos);
}

void says(const std::string& said, const std::string& what) {
  CAPTURE(said);
  CHECK(said.find(what) != std::string::npos);
}

std::vector<fs::path> records(const std::string& state) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(state))
    if (entry.path().extension() == ".record") found.push_back(entry.path());
  return found;
}

// Whatever the byte at which a record is cut, it is not taken and is made again as it was.
void cut_everywhere(const std::string& folder, const std::string& resume, std::size_t step) {
  for (const fs::path& record : records(folder + "/s")) {
    const std::string whole = read_file(record);
    for (std::size_t size = 0; size < whole.size(); size += step) {
      fs::resize_file(record, size);
      succeeds(folder, resume);
      REQUIRE(read_file(record) == whole);
    }
  }
}

// The lines of a ledger without what two runs never have in common.
std::vector<std::string> comparable(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream ledger(read_file(path));
  for (std::string line; std::getline(ledger, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    for (const char* key : {"prev", "run", "timestamp", "wallclock_ms", "seconds"}) json.erase(key);
    lines.push_back(json.dump());
  }
  return lines;
}

std::string experiment(const TinyExperiment& on, const std::string& command) {
  return fmt::format("tool {} --models '{}' --text '{}' --eval-bytes 1024 --threads 1 ", command, on.models(),
                     on.text());
}

}  // namespace

TEST_CASE("verify takes the judgements whose matrices are the same, and finds what it would find without") {
  const TemporaryFolder work;
  const std::string& folder = work.path();
  const auto write_weights = [&](unsigned seed) {
    write_tensors(work / "w.safetensors", {{"a", DType::F32, {8, 32}, noise(256, seed)},
                                           {"b/c", DType::BF16, {4, 32}, noise(128, 2)},
                                           {"norm", DType::F32, {7}}});
  };
  const std::string quantize =
      "tool quantize --weights w.safetensors --calibration c.safetensors --grid int4 --overwrite -o q.safetensors ";
  const std::string verify = "tool verify q.safetensors --weights w.safetensors --calibration c.safetensors ";
  const auto resumed = [&](const std::string& options, const std::string& what, std::size_t taken) {
    CAPTURE(options);
    const std::string said =
        succeeds(folder, verify + options + "--svg b.svg --overwrite --state s --resume 2>&1 >b || cat b");
    says(said, what);
    says(said, fmt::format("state s: {} of 2 taken", taken));
    succeeds(folder, verify + options + "--svg a.svg --overwrite >a 2>/dev/null");
    CHECK(read_file(work / "a") == read_file(work / "b"));
    CHECK(fs::exists(work / "a.svg") == fs::exists(work / "b.svg"));
    if (fs::exists(work / "a.svg")) CHECK(read_file(work / "a.svg") == read_file(work / "b.svg"));
  };
  write_weights(1);
  write_tensors(work / "c.safetensors",
                {{"a.activations", DType::F32, {64, 32}}, {"b/c.activations", DType::BF16, {64, 32}}});
  succeeds(folder, quantize + "--bounds --one-opt --holdout 0.25");
  resumed("", "0 not taken", 0);
  resumed("--threads 1 ", "a: taken from s", 2);
  resumed("--exact ", "a: not taken from s: exact rows was 0, is ", 0);
  resumed("--exact ", "a: taken from s", 2);
  resumed("--reproduce ", "exact rows was ", 0);
  resumed("--reproduce ", "a: taken from s", 2);
  resumed("", "a: not taken from s: judged by was a run, is the files", 0);
  succeeds(folder, quantize);
  resumed("", "a: not taken from s: certificate's lines was ", 0);
  resumed("--no-certificate ", "a: not taken from s: certificate was version 2, contracts on, there is none", 0);
  resumed("--no-certificate ", "a: taken from s", 2);
  resumed("", "a: not taken from s: certificate is version 2, contracts on, there was none", 0);
  write_weights(9);
  succeeds(folder, quantize);
  resumed("", "b/c: taken from s", 1);
}

TEST_CASE("a judgement of what differs is not kept, and a damaged one is made again") {
  const TemporaryFolder work;
  const std::string& folder = work.path();
  write_tensors(work / "w.safetensors", {{"a", DType::F32, {8, 32}}, {"b", DType::F32, {4, 32}, noise(128, 2)}});
  write_tensors(work / "c.safetensors",
                {{"a.activations", DType::F32, {64, 32}}, {"b.activations", DType::F32, {64, 32}}});
  succeeds(folder, "tool quantize --weights w.safetensors --calibration c.safetensors --grid int4 -o q.safetensors");
  const std::string verify = "tool verify q.safetensors --weights w.safetensors --calibration c.safetensors ";
  succeeds(folder, verify + "--state s");
  cut_everywhere(folder, verify + "--state s --resume", 150);
  refuses(folder, verify + "--state s", 4, "error[E0441]");
  refuses(folder, "exec 9< s/state; flock 9; " + verify + "--state s --resume", 4, "error[E0442]");
  refuses(folder, "tool gram --activations c.safetensors -o g.safetensors --state s --resume", 4, "error[E0443]");
  refuses(folder, verify + "--resume", 2, "--resume requires --state");
  // Other weights under the certificate: no judgement of the state says that they are those.
  write_tensors(work / "w.safetensors",
                {{"a", DType::F32, {8, 32}, noise(256, 5)}, {"b", DType::F32, {4, 32}, noise(128, 2)}});
  const Result plain = run_in(folder, verify + ">a 2>/dev/null"),
               resumed = run_in(folder, verify + "--state s --resume >b 2>/dev/null");
  CHECK(plain.exit == 7);
  CHECK(resumed.exit == plain.exit);
  CHECK(read_file(work / "a") == read_file(work / "b"));
  CHECK(records(folder + "/s").size() == 2);
}

TEST_CASE("ablate takes the cells that depend on the same, and appends a run once") {
  const TinyExperiment on;
  const TemporaryFolder work;
  const std::string& folder = work.path();
  const std::string ablate = experiment(on, "ablate") + "--grid int4 --seeds 47,89 --batches 0,1 ";
  succeeds(folder, ablate + "-o plain.jsonl");
  const auto undisturbed = comparable(work / "plain.jsonl");
  REQUIRE(undisturbed.size() == 4);
  succeeds(folder, ablate + "--state s -o a.jsonl");
  CHECK(comparable(work / "a.jsonl") == undisturbed);
  const auto all = records(folder + "/s");
  REQUIRE(all.size() == 5);
  says(succeeds(folder, ablate + "--state s --resume -o a.jsonl"), "a.jsonl has the lines of this run already");
  CHECK(comparable(work / "a.jsonl") == undisturbed);
  for (const fs::path& record : all) {  // one lost, the id of the run too
    fs::remove(record);
    fs::remove(work / "b.jsonl");
    succeeds(folder, ablate + "--state s --resume -o b.jsonl");
    CHECK(comparable(work / "b.jsonl") == undisturbed);
  }
  fs::resize_file(all[0], 40);
  says(succeeds(folder, ablate + "--contracts off --state s --resume -o c.jsonl"), "contracts was on, is off");
  const std::string part = experiment(on, "ablate") + "--contracts off --seeds 47 --batches 1 ";
  says(succeeds(folder, part + "--grid int4 --state s --resume -o d.jsonl"), "state s: 1 of 1 taken");
  says(succeeds(folder, part + "--grid int3 --state s --resume -o e.jsonl"), "grid was int4-2, is int3-2");
  succeeds(folder, part + "--grid int3 -o f.jsonl");
  CHECK(comparable(work / "e.jsonl") == comparable(work / "f.jsonl"));
  refuses(folder, ablate + "--state s -o g.jsonl", 4, "error[E0441]");
  refuses(folder, "exec 9< s/state; flock 9; " + ablate + "--state s --resume -o g.jsonl", 4, "error[E0442]");
}

TEST_CASE("league takes the lines that depend on the same, and appends a run once") {
  const TinyExperiment on;
  const TemporaryFolder work;
  const std::string& folder = work.path();
  const std::string league = experiment(on, "league") + "--seeds 47,89 --bits 4 ";
  const std::string both = league + "--entries '^(rtn|gptq)$' ", one = league + "--entries '^gptq$' ";
  succeeds(folder, both + "-o plain.jsonl");
  const auto undisturbed = comparable(work / "plain.jsonl");
  REQUIRE(undisturbed.size() == 4);
  succeeds(folder, one + "--state s -o one.jsonl");
  CHECK(records(folder + "/s").size() == 3);
  says(succeeds(folder, both + "--state s --resume -o a.jsonl"), "state s: 2 of 4 taken");
  CHECK(comparable(work / "a.jsonl") == undisturbed);
  says(succeeds(folder, both + "--state s --resume -o a.jsonl"), "a.jsonl has the lines of this run already");
  CHECK(comparable(work / "a.jsonl") == undisturbed);
  says(succeeds(folder, one + "--contracts off --state s --resume -o b.jsonl"), "contracts was on, is off");
  refuses(folder, both + "--state s --report", 2, " excludes --");
  refuses(folder, "tool ablate --state s --resume --output x.jsonl", 4, "error[E0443]");
}

}  // namespace resume_lines_test
