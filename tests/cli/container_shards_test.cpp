// Containers in shards: cut as the weights were or by size, read as one file is, and with their certificate the old set
// or the new one.
#include <csignal>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "artifact/quantized_file.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "shell.hpp"
#include "../io/temporary_folder.hpp"

namespace container_shards_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

// Two models of one cut in three shards, one without a matrix and one with a stack; each quantized into one file.
struct Workspace {
  TemporaryFolder folder;

  Workspace() {
    fs::create_directory(folder / "out");
    for (const unsigned seed : {1U, 2U}) {
      const std::string w = fmt::format("w{}", seed);
      write_tensors(folder / (w + "-1.safetensors"),
                    {{"b", DType::F32, {4, 6}, noise(24, seed)}, {"z", DType::F32, {3, 2}, noise(6, seed + 7)}});
      write_tensors(folder / (w + "-2.safetensors"), {{"norm", DType::F32, {5}, noise(5, seed)}});
      write_tensors(folder / (w + "-3.safetensors"),
                    {{"a", DType::BF16, {2, 8}, noise(16, seed)}, {"s", DType::F32, {2, 3, 4}, noise(24, seed + 3)}});
      write_file(folder / (w + ".index.json"),
                 fmt::format(R"({{"weight_map":{{"b":"{0}-1.safetensors","z":"{0}-1.safetensors",)"
                             R"("norm":"{0}-2.safetensors","a":"{0}-3.safetensors","s":"{0}-3.safetensors"}}}})",
                             w));
      succeeds(quantize(static_cast<int>(seed), fmt::format("q{}", seed)));
    }
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; tool() {{ '{}' \"$@\"; }}; {}", folder.path(), HALLMARK_TOOL, command));
  }
  std::string succeeds(const std::string& command) const {
    const Result result = run(command);
    REQUIRE_MESSAGE(result.exit == 0, command << "\n" << result.out);
    return result.out;
  }
  static std::string quantize(int w, const std::string& output, const std::string& more = "--overwrite") {
    return fmt::format("tool quantize --method rtn --grid int4 --include . --weights w{}.index.json -o {} {}", w,
                       output, more);
  }
  std::string index() const { return folder / "out/m.safetensors.index.json"; }
  /// The files of the folder of outputs.
  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder / "out")) found.insert(entry.path().filename().string());
    return found;
  }
  /// Whether shards and certificate are those of the W, by a reader that is told nothing else.
  bool holds(int w) const {
    return run(fmt::format("tool verify {} --svg pictures --overwrite --weights w{}.index.json", index(), w)).exit == 0;
  }
  /// The W of which the index holds the codes and the certificate: 0 for none, 3 for a mixture.
  int model() const {
    if (!fs::exists(index())) return 0;
    return holds(1) ? 1 : holds(2) ? 2 : 3;
  }
  void clear() const { REQUIRE(shell("rm -rf " + (folder / "out/m*") + " " + (folder / "out/.h*")).exit == 0); }
};

const std::set<std::string> fresh{"m-00001-of-00003.safetensors", "m-00002-of-00003.safetensors",
                                  "m-00003-of-00003.safetensors", "m.certificate.json", "m.safetensors.index.json"};

}  // namespace

TEST_CASE("a model in shards becomes a container in shards of the same cut, which reads as one file does") {
  const Workspace work;
  work.succeeds(Workspace::quantize(1, work.index(), ""));
  CHECK(work.files() == fresh);
  const auto whole = QuantizedFile::open(work.folder / "q1"), cut = QuantizedFile::open(work.index());
  REQUIRE(whole);
  REQUIRE_MESSAGE(cut, cut.error().where);
  // Codes and scales of two matrices; a vector; those of the two of a stack and of a matrix.
  CHECK(cut->file().shards() == std::vector<std::uint64_t>{4, 1, 6});
  CHECK(cut->payload_sha256() == whole->payload_sha256());
  CHECK(cut->file().metadata() == whole->file().metadata());
  CHECK(read_file(work.folder / "out/m.certificate.json") == read_file(work.folder / "q1.certificate.json"));
  for (const std::string name : {"2", "3"}) {
    const auto shard = SafeTensors::open(work.folder / ("out/m-0000" + name + "-of-00003.safetensors"));
    REQUIRE(shard);
    CHECK(shard->metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  }
  CHECK(work.model() == 1);
  CHECK(work.run("tool verify --reproduce --svg p " + work.index() + " --weights w1.index.json").exit == 0);
  CHECK(work.succeeds("tool inspect " + work.index()).find("quantized: 5 matrices in 4 tensors, of 5") !=
        std::string::npos);
  work.succeeds("tool dequantize q1 -o d1; tool dequantize " + work.index() + " -o d2; cmp d1 d2");
  // A folder stands for the model in it.
  work.succeeds("mkdir f; " + Workspace::quantize(1, "f/model.safetensors.index.json", "") +
                "; tool verify f --weights w1.index.json");
  // The one is written from the other, in both directions.
  work.succeeds("tool export --to hallmark " + work.index() + " -o e; cmp e q1");
  work.succeeds("tool export --to hallmark q1 -o e.safetensors.index.json");
  for (const std::string shard : {"1", "2", "3"})
    work.succeeds(fmt::format("cmp e-0000{0}-of-00003.safetensors out/m-0000{0}-of-00003.safetensors", shard));
  // One file of weights gives one shard.
  work.succeeds("tool quantize --method rtn --weights w1-1.safetensors -o n.safetensors.index.json");
  CHECK(SafeTensors::open(work.folder / "n.safetensors.index.json")->shards() == std::vector<std::uint64_t>{4});
  CHECK(fs::exists(work.folder / "n-00001-of-00001.safetensors"));
}

TEST_CASE("the certificate is called as the shards are, and goes with them") {
  const Workspace work;
  work.succeeds(Workspace::quantize(1, work.index(), ""));
  work.succeeds(Workspace::quantize(2, work.index()));
  CHECK(work.model() == 2);
  const std::set<std::string> second{"m-r2-00001-of-00003.safetensors", "m-r2-00002-of-00003.safetensors",
                                     "m-r2-00003-of-00003.safetensors", "m-r2.certificate.json",
                                     "m.safetensors.index.json"};
  CHECK(work.files() == second);
  // A certificate that is not theirs, as after a kill, is not taken for theirs.
  write_file(work.folder / "out/m.certificate.json", "x");
  work.succeeds(Workspace::quantize(1, work.index()));
  CHECK(work.files().contains("m-r3.certificate.json"));
  CHECK(work.files().size() == 6);
  CHECK(work.model() == 1);
  work.succeeds("rm out/m.certificate.json; tool export --to hallmark --overwrite q2 -o " + work.index());
  CHECK(work.files().size() == 4);  // no certificate
  check_error(work.run("tool verify --weights w2.index.json " + work.index()), 9, "E0901", {"m.certificate.json"});
  CHECK(work.run("tool verify --no-certificate --weights w2.index.json --svg p " + work.index()).exit == 0);
}

TEST_CASE("containers cut by size") {
  const Workspace work;
  // Bytes of codes and scales: 12 and 16, 3 and 12, a vector of 20, twice 6 and 12, 8 and 8, in this order.
  const std::vector<std::pair<std::string, std::vector<std::uint64_t>>> cuts{
      {"1", std::vector<std::uint64_t>(11, 1)}, {"40", {3, 3, 4, 1}}, {"1KB", {11}}, {"5GB", {11}}};
  for (const auto& each : cuts) {  // clang 14 captures no structured binding
    const auto& size = each.first;
    const auto& cut = each.second;
    CAPTURE(size);
    work.succeeds(Workspace::quantize(1, work.index(), "--overwrite --max-shard-size " + size));
    CHECK(SafeTensors::open(work.index())->shards() == cut);
    CHECK(work.model() == 1);
    CHECK(work.files().size() == cut.size() + 2);
    work.succeeds("tool export --to hallmark q1 -o out/e.safetensors.index.json --max-shard-size " + size);
    CHECK(SafeTensors::open(work.folder / "out/e.safetensors.index.json")->shards() == cut);
    REQUIRE(shell("rm " + (work.folder / "out/e*")).exit == 0);
  }
}

TEST_CASE("outputs that cannot be are refused when the plan is made, by a dry run too") {
  const Workspace work;
  work.succeeds(Workspace::quantize(1, work.index(), ""));
  for (const std::string dry : {"", " --dry-run"}) {
    CAPTURE(dry);
    const auto refused = [&](int exit, const std::string& number, const std::string& output, const std::string& more,
                             const std::string& words) {
      CAPTURE(more);
      check_error(work.run(Workspace::quantize(2, output, more + dry)), exit, number, {words});
      CHECK(work.files() == fresh);
      CHECK(work.model() == 1);
    };
    refused(2, "E0201", work.index(), "--overwrite --max-shard-size 5gb", "--max-shard-size 5gb");
    refused(2, "E0201", work.index(), "--overwrite --max-shard-size=-1", "not a size of shards");
    refused(2, "E0201", "x.safetensors", "--max-shard-size 5GB", "--output NAME.safetensors.index.json");
    refused(4, "E0417", "x.json", "", "x.json");
    refused(4, "E0410", work.index(), "", "out/m.");
    refused(4, "E0416", work.index(), "--overwrite --report out/../out/m-00007-of-00009.safetensors", "shard");
    // A shard without its index, as after a kill.
    fs::rename(work.index(), work.folder / "kept");
    fs::rename(work.folder / "out/m.certificate.json", work.folder / "kept.c");
    check_error(work.run(Workspace::quantize(2, work.index(), dry)), 4, "E0410", {"m-00001-of-00003.safetensors"});
    fs::rename(work.folder / "kept", work.index());
    fs::rename(work.folder / "kept.c", work.folder / "out/m.certificate.json");
    // The index is no input, but names the input's shards, which would go with it.
    fs::copy(work.folder / "w2.index.json", work.folder / "w2.safetensors.index.json",
             fs::copy_options::overwrite_existing);
    refused(4, "E0411", "w2.safetensors.index.json", "--overwrite", "w2-1.safetensors");
    refused(4, "E0411", "w2.index.json", "--overwrite", "w2.index.json");
  }
  fs::copy(work.index(), work.folder / "out/copy.index.json");
  check_error(work.run("tool dequantize --overwrite out/copy.index.json -o " + work.index()), 4, "E0411",
              {"out/m-0000"});
  CHECK(work.model() == 1);
}

TEST_CASE("too many shards are refused when the plan is made") {
  const Workspace work;
  std::vector<MadeTensor> tensors;
  for (int k = 0; k < 251; ++k) tensors.push_back({fmt::format("t{}", k), DType::F32, {1, 2}});
  write_tensors(work.folder / "many", tensors);
  check_error(work.run("tool quantize --method rtn --weights many --dry-run --max-shard-size 1 -o " + work.index()), 4,
              "E0418", {"502, the limit is 500"});
}

TEST_CASE("shards that do not belong together are no container") {
  const Workspace work;
  work.succeeds(Workspace::quantize(1, work.index(), ""));
  work.succeeds(Workspace::quantize(2, "out/o.safetensors.index.json", ""));
  const auto damaged = [&](const std::string& change, int exit, const std::string& number, const std::string& words) {
    CAPTURE(change);
    REQUIRE(shell(fmt::format("cp -r {0}/out {0}/copy; cd {0}/copy; {1}", work.folder.path(), change)).exit == 0);
    for (const std::string command : {"inspect", "dequantize -o d"})
      check_error(work.run("tool " + command + " copy/m.safetensors.index.json"), exit, number, {words});
    CHECK(work.run("tool verify --weights w1.index.json copy/m.safetensors.index.json").exit == exit);
    fs::remove_all(work.folder / "copy");
  };
  damaged("mv o-00003-of-00003.safetensors m-00003-of-00003.safetensors", 7, "E0710", "the tensors are not those");
  damaged("mv o-00001-of-00003.safetensors m-00001-of-00003.safetensors", 7, "E0710", "the tensors are not those");
  damaged("rm m-00002-of-00003.safetensors", 3, "E0343", "m-00002-of-00003.safetensors");
  damaged("cp o-00002-of-00003.safetensors m-00001-of-00003.safetensors", 3, "E0345", "norm");
  check_error(work.run("tool inspect out/m-00001-of-00003.safetensors"), 3, "E0363",
              {"the index, where this is one of"});
}

TEST_CASE("a call that fails, or a kill, leaves the old shards with their certificate or the new ones with theirs") {
  const Workspace work;
  // Three shards, the certificate and the index synced, their names, and the folder twice: fewer calls than these.
  constexpr int calls = 14;
  bool old_seen = false, new_seen = false, finished = false;
  for (const int signal : {0, SIGKILL, SIGTERM})
    for (const bool replacing : {true, false})
      for (int call = 1; call <= calls; ++call) {
        CAPTURE(signal);
        CAPTURE(replacing);
        CAPTURE(call);
        work.clear();
        if (replacing) work.succeeds(Workspace::quantize(1, work.index(), ""));
        const std::set<std::string> before = work.files();
        const Result result =
            work.run(fmt::format("export FAIL_CALL={} FAIL_SIGNAL={} LD_PRELOAD='{}'; {}", call, signal,
                                 HALLMARK_FAILING_SYSTEM, Workspace::quantize(2, work.index())));
        CAPTURE(result.out);
        const int model = work.model();
        CHECK(model != 3);
        CHECK((model != 0 || !replacing));
        CHECK((result.exit != 0 || model == 2));
        finished = finished || (call == calls && result.exit == 0);
        (model == 2 ? new_seen : old_seen) = true;
        if (signal != SIGKILL && model != 2) CHECK(work.files() == before);
        if (signal == 0 && result.exit != 0) CHECK(result.out.find("error[E0904]") != std::string::npos);
        // The next run finds no fault in what this one left.
        if (!replacing) continue;
        work.succeeds(Workspace::quantize(1, work.index()));
        CHECK(work.holds(1));
      }
  CHECK(old_seen);
  CHECK(new_seen);
  CHECK(finished);  // there are no more calls
}

TEST_CASE("a reader finds one set or the other, wherever in its reading a writer replaces them") {
  const Workspace work;
  work.succeeds("tool dequantize q1 -o d1; tool dequantize q2 -o d2; ! cmp d1 d2");
  int opened = 0;
  for (bool replaced = true; replaced; ++opened) {
    work.succeeds("rm -f replaced d; " + Workspace::quantize(1, work.index()));
    const std::string writer = HALLMARK_TOOL + Workspace::quantize(2, work.index()).substr(4);
    const Result read = work.run(fmt::format(
        "(export BESIDE=\"{} && touch replaced\" BESIDE_OPEN={} LD_PRELOAD='{}'; tool dequantize {} -o d) && "
        "{{ cmp d d1 || cmp d d2; }}",
        writer, opened + 1, HALLMARK_FAILING_SYSTEM, work.index()));
    CAPTURE(opened);
    CHECK_MESSAGE(read.exit == 0, read.out);
    replaced = fs::exists(work.folder / "replaced");
  }
  CHECK(opened > 4);  // the index and its three shards, and once without a writer
}

TEST_CASE("two writers both succeed and leave the shards of one of them, with a reader beside them") {
  const Workspace work;
  work.succeeds(Workspace::quantize(1, work.index(), ""));
  const std::string read = "tool inspect " + work.index() + " > /dev/null";
  for (int round = 0; round < 8; ++round) {
    work.succeeds(fmt::format("set -e; {} & a=$!; {} & b=$!; for i in 1 2 3 4 5; do {}; done; wait $a; wait $b",
                              Workspace::quantize(1, work.index()), Workspace::quantize(2, work.index()), read));
    const int model = work.model();
    CHECK((model == 1 || model == 2));
    CHECK(work.files().size() == 5);
  }
}

}  // namespace container_shards_test
