// quantize --state and --resume: what is taken, what is not and why, and that the outputs are those of a run that
// nobody disturbed, to the byte.
#include <unistd.h>

#include <fmt/format.h>

#include "../io/temporary_folder.hpp"
#include "files.hpp"
#include "io/sha256.hpp"
#include "shell.hpp"

namespace resume_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  TemporaryFolder folder;

  Result run(const std::string& command) const {
    return shell(fmt::format("cd '{}'; tool() {{ '{}' \"$@\"; }}; {}", folder.path(), HALLMARK_TOOL, command));
  }
  std::string succeeds(const std::string& command) const {
    const Result result = run(command);
    CAPTURE(command);
    CAPTURE(result.out);
    REQUIRE(result.exit == 0);
    return result.out;
  }
  void refuses(const std::string& command, int exit, const std::string& says) const {
    const Result result = run(command);
    CAPTURE(command);
    CAPTURE(result.out);
    CHECK(result.exit == exit);
    CHECK(result.out.find(says) != std::string::npos);
  }
  /// Every file of a folder, shards and certificates too.
  std::map<std::string, std::string> outputs(const std::string& name) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(folder / name))
      files[entry.path().filename()] = read_file(entry.path());
    return files;
  }
  std::vector<fs::path> records(const std::string& state) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder / state))
      if (entry.path().extension() == ".record") found.push_back(entry.path());
    return found;
  }
};

/// Runs without a state, then with an empty one, then again from what that kept: the same bytes, all of them.
void check_resumed(const Workspace& work, const std::string& options, std::size_t matrices,
                   const std::string& output = ".safetensors") {
  const auto quantize = [&](const std::string& name, const std::string& more) {
    return fmt::format("tool quantize --weights w.safetensors {} -o {}/q{} --report {}/report {}", options, name,
                       output, name, more);
  };
  CAPTURE(options);
  work.succeeds("rm -rf s a b c; mkdir a b c; " + quantize("a", ""));
  work.succeeds(quantize("b", "--state s"));
  CHECK(work.records("s").size() == matrices);
  const std::string said = work.succeeds(quantize("c", "--state s --resume"));
  CAPTURE(said);
  CHECK(said.find(fmt::format("state s: {} of {} taken", matrices, matrices)) != std::string::npos);
  const auto undisturbed = work.outputs("a");
  REQUIRE(undisturbed.size() >= 3);  // container, certificate, report
  CHECK(work.outputs("b") == undisturbed);
  CHECK(work.outputs("c") == undisturbed);
}

void write_plain(const Workspace& work) {
  work.succeeds("mkdir -p a b");
  write_tensors(work.folder / "w.safetensors",
                {{"a", DType::F32, {8, 32}}, {"b/c", DType::BF16, {4, 32}, noise(128, 2)}, {"norm", DType::F32, {7}}});
  write_tensors(work.folder / "c.safetensors",
                {{"a.activations", DType::F32, {64, 32}}, {"b/c.activations", DType::BF16, {64, 32}}});
}

}  // namespace

TEST_CASE("outputs of a resumed run are those of an undisturbed one, whatever the options") {
  const Workspace work;
  write_plain(work);
  const std::string c = "--calibration c.safetensors ";
  for (const std::string& options :
       {c, c + "--grid int4 --bounds", c + "--grid int4z --group-size 16 --scale-storage f16 --optimality",
        c + "--bits 3", c + "--grid int3 --low-rank 2", c + "--grid trellis:2 --method trellis --rotation hadamard:16",
        c + "--grid int3 --holdout 0.25", c + "--grid int5s --exact --contracts exact",
        c + "--grid nf4 --method best --contracts off", c + "--grid bf16 --no-guard",
        std::string("--method rtn --grid int8")})
    check_resumed(work, options, 2);
  check_resumed(work, c + "--grid int4", 2, ".safetensors.index.json");
}

TEST_CASE("stacks, given steps, stored Gram matrices and asymmetric targets too") {
  const Workspace work;
  write_tensors(work.folder / "w.safetensors",
                {{"stack", DType::F32, {2, 4, 32}}, {"g", DType::F32, {4, 32}}, {"s", DType::F32, {4, 32}}});
  write_tensors(work.folder / "x.safetensors", {{"g.activations", DType::F32, {64, 32}, noise(64 * 32, 5)}});
  write_tensors(work.folder / "y.safetensors", {{"g.activations", DType::F32, {64, 32}, noise(64 * 32, 6)}});
  work.succeeds("tool gram --activations x.safetensors --behind y.safetensors -o both.safetensors");
  check_resumed(work, "--calibration both.safetensors --grid int4 --target asymmetric", 1);
  check_resumed(work, "--calibration both.safetensors --grid int4", 1);
  write_tensors(work.folder / "c.safetensors", {{"stack[0].activations", DType::F32, {64, 32}},
                                                {"stack[1].activations", DType::F32, {64, 32}},
                                                {"s.activations", DType::F32, {64, 32}},
                                                {"s.scale", DType::F32, {4}, std::vector<float>(4, 0.125F)}});
  check_resumed(work, "--calibration c.safetensors --grid int4", 3);
}

TEST_CASE("what a matrix depends on decides whether its record is taken, and the run says why not") {
  const Workspace work;
  write_plain(work);
  const std::string quantize = "tool quantize --weights w.safetensors --calibration c.safetensors --overwrite ";
  const auto resumed = [&](const std::string& options, const std::string& why, std::size_t taken) {
    const std::string said =
        work.succeeds(quantize + options + " --state s --resume -o b/q.safetensors --report b/report");
    CAPTURE(options);
    CAPTURE(said);
    CHECK(said.find(why) != std::string::npos);
    CHECK(said.find(fmt::format("state s: {} of 2 taken", taken)) != std::string::npos);
    work.succeeds(quantize + options + " -o a/q.safetensors --report a/report");
    CHECK(work.outputs("a") == work.outputs("b"));
  };
  work.succeeds(quantize + "--grid int4 --state s -o b/q.safetensors");
  resumed("--grid int4 --threads 1", "a: taken from s", 2);
  resumed("--grid int8", "a: not taken from s: option grid was \"int4/2\", is \"int8/2\"", 0);
  resumed("--grid int8 --damp-fraction 0.02", "option damp_fraction was 0.01, is 0.02", 0);
  resumed("--grid int8 --bounds", "bounds was no, is yes", 0);
  resumed("--grid int8 --contracts off", "bounds was yes, is no", 0);
  resumed("--grid int8 --holdout 0.5", "contracts was off, is on", 0);
  resumed("--grid int8", "tokens was 32, held out 32, is 64, held out 0", 0);
  write_file(work.folder / "points", "-1 -0.5 0 0.5 1");
  resumed("--grid table:points", "option grid was \"int8/2\", is \"table/1\"", 0);
  write_file(work.folder / "points", "-1 -0.25 0 0.5 1");
  resumed("--grid table:points", "option points was [-1.0,-0.5,", 0);
  resumed("--grid int4", "a: not taken", 0);
  write_file(work.folder / "rules", R"({"rules": [{"match": "b", "method": "rtn"}]})");
  resumed("--grid int4 --config rules", "b/c: not taken from s: option method was \"gptq\", is \"rtn\"", 1);
  resumed("--grid int4", "a: taken from s", 1);
  write_tensors(work.folder / "w.safetensors", {{"a", DType::F32, {8, 32}, noise(256, 9)},
                                                {"b/c", DType::BF16, {4, 32}, noise(128, 2)},
                                                {"norm", DType::F32, {7}}});
  resumed("--grid int4", "a: not taken from s: weights was F32 [8, 32] ", 1);
  write_tensors(work.folder / "c.safetensors",
                {{"a.activations", DType::F32, {64, 32}}, {"b/c.activations", DType::F32, {64, 32}}});
  resumed("--grid int4", "b/c: not taken from s: calibration activations was BF16 [64, 32]", 1);
  // A copy of the program is the same program; other bytes are another.
  work.succeeds(fmt::format("cp '{}' copy; printf x >> copy", HALLMARK_TOOL));
  const std::string said =
      work.succeeds("./copy" + quantize.substr(4) + "--grid int4 --state s --resume -o b/q.safetensors");
  CHECK(said.find("a: not taken from s: program was hallmark ") != std::string::npos);
}

TEST_CASE("records that are missing or damaged are made again") {
  const Workspace work;
  write_plain(work);
  const std::string quantize =
      "tool quantize --weights w.safetensors --calibration c.safetensors --grid int4 --overwrite ";
  work.succeeds(quantize + "-o a/q.safetensors --report a/report");
  work.succeeds(quantize + "--state s -o b/q.safetensors");
  const std::vector<fs::path> records = work.records("s");
  REQUIRE(records.size() == 2);
  const auto resumed = [&](const std::string& says) {
    const std::string said = work.succeeds(quantize + "--state s --resume -o b/q.safetensors --report b/report");
    CAPTURE(said);
    CHECK(said.find(says) != std::string::npos);
    CHECK(work.outputs("a") == work.outputs("b"));
  };
  const std::string whole = read_file(records[0]);
  fs::remove(records[0]);
  resumed("state s: 1 of 2 taken, 0 not taken for the reasons above, 1 without a record");
  CHECK(read_file(records[0]) == whole);
  fs::resize_file(records[0], whole.size() - 1);
  resumed("not taken from s: its record is damaged");
  CHECK(read_file(records[0]) == whole);
  resumed("state s: 2 of 2 taken");
}

TEST_CASE("a state that cannot be gone on with is refused, and a full disk names it") {
  const Workspace work;
  write_plain(work);
  const std::string quantize = "tool quantize --weights w.safetensors --calibration c.safetensors ";
  work.refuses(quantize + "-o q.safetensors --resume", 2, "--resume requires --state");
  work.refuses(quantize + "--state s --dry-run", 2, " excludes --");
  work.refuses(quantize + "-o q.safetensors --state no/s", 9, "error[E0903]");
  CHECK(!fs::exists(work.folder / "s"));
  work.succeeds(quantize + "--state s -o q.safetensors");
  work.refuses(quantize + "--state s -o q2.safetensors", 4, "error[E0441]");
  work.refuses(quantize + "--state . -o q2.safetensors", 4, "error[E0443]");
  work.refuses("exec 9< s/state; flock 9; " + quantize + "--state s --resume -o q2.safetensors", 4, "error[E0442]");
  CHECK(!fs::exists(work.folder / "q2.safetensors"));
  // The container has 5 KB; the record of a has a row of losses for each of its 400 rows.
  write_tensors(work.folder / "w.safetensors", {{"a", DType::F32, {400, 32}}});
  write_tensors(work.folder / "c.safetensors", {{"a.activations", DType::F32, {64, 32}}});
  const std::string full =
      "ulimit -f 20; " + quantize + "--grid int2 --scale-storage f16 --contracts off --state t -o q2.safetensors";
  work.refuses(full, 9, "error[E0905]");
  work.refuses("rm -rf t; " + full, 9, "state t");
  CHECK(!fs::exists(work.folder / "q2.safetensors"));
  CHECK(work.records("t").empty());
}

TEST_CASE("a matrix is not kept where an input changed under it") {
  const Workspace work;
  write_plain(work);
  work.refuses(fmt::format("LD_PRELOAD='{}' TOUCH=w.safetensors '{}' quantize --weights w.safetensors --calibration "
                           "c.safetensors --state s -o q.safetensors",
                           HALLMARK_FAILING_SYSTEM, HALLMARK_TOOL),
               9, "error[E0902]");
  CHECK(work.records("s").empty());
}

TEST_CASE("gram goes on with a sum of several chunks where it was, with the same bits") {
  const Workspace work;
  const std::size_t chunk = 1 << 18;
  write_tensors(work.folder / "x.safetensors", {{"a.activations", DType::F32, {2 * chunk, 2}}});
  write_tensors(work.folder / "y.safetensors", {{"a.activations", DType::F32, {99, 2}, noise(198, 7)}});
  const std::string gram = "tool gram --activations x.safetensors y.safetensors --overwrite ";
  work.succeeds(gram + "-o plain; " + gram + "-o kept --state s");
  CHECK(work.records("s").size() == 2);
  CHECK(read_file(work.folder / "kept") == read_file(work.folder / "plain"));
  const fs::path whole = work.folder / ("s/" + sha256_hex(std::string_view("a")) + ".record");
  const auto resumed = [&] {
    REQUIRE(fs::remove(whole));  // killed in the last chunk
    const std::string said = work.succeeds(gram + "-o kept --state s --resume");
    CHECK(read_file(work.folder / "kept") == read_file(work.folder / "plain"));
    return said;
  };
  CHECK(resumed().find("a: 2 of 3 chunks taken from s") != std::string::npos);
  write_tensors(work.folder / "y.safetensors", {{"a.activations", DType::F32, {99, 2}, noise(198, 8)}});
  work.succeeds(gram + "-o plain");
  CHECK(resumed().find("chunks taken") == std::string::npos);  // it depends on all inputs
}

TEST_CASE("gram takes the sums whose inputs are the same") {
  const Workspace work;
  const auto write = [&](const std::string& name, unsigned seed) {
    write_tensors(work.folder / name, {{"a.activations", DType::F32, {64, 32}, noise(64 * 32, seed)},
                                       {"b.activations", DType::BF16, {64, 16}}});
  };
  write("x.safetensors", 1);
  write("y.safetensors", 2);
  const auto resumed = [&](const std::string& input, const std::string& says) {
    const std::string gram = "tool gram " + input + " --overwrite ";
    work.succeeds(gram + "-o plain.safetensors");
    const std::string said = work.succeeds(gram + "-o kept.safetensors --state s --resume");
    CAPTURE(input);
    CAPTURE(said);
    CHECK(said.find(says) != std::string::npos);
    CHECK(read_file(work.folder / "kept.safetensors") == read_file(work.folder / "plain.safetensors"));
  };
  resumed("--activations x.safetensors y.safetensors", "state s: 0 of 2 taken, 0 not taken");
  resumed("--activations x.safetensors y.safetensors", "state s: 2 of 2 taken");
  write("y.safetensors", 3);
  resumed("--activations x.safetensors y.safetensors", "a: not taken from s: input 000002 was F32 [64, 32] ");
  resumed("--activations y.safetensors x.safetensors", "state s: 1 of 2 taken");
  resumed("--activations x.safetensors", "input 000002 was BF16 [64, 16] ");
  work.succeeds("cp plain.safetensors one.safetensors; tool gram --activations y.safetensors -o two.safetensors");
  resumed("--merge one.safetensors two.safetensors", "a: not taken from s: input 000001 was F32 ");
  resumed("--merge one.safetensors two.safetensors", "state s: 2 of 2 taken");
  work.refuses("tool gram --activations x.safetensors --behind y.safetensors --state s -o q.safetensors", 2,
               " excludes --");
  work.refuses("tool quantize --method rtn --weights x.safetensors --state s --resume -o q.safetensors", 4,
               "error[E0443]");
}

}  // namespace resume_test
