// Sharded outputs: cut as the weights were or by size, all of the set or nothing, the old one or the new one.
#include <csignal>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "files.hpp"
#include "io/weights_writer.hpp"
#include "shell.hpp"
#include "../io/temporary_folder.hpp"

namespace shards_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

// Weights of three shards, one of them without a matrix, and a second model of the same cut; both quantized.
struct Workspace {
  TemporaryFolder folder;

  Workspace() {
    fs::create_directory(folder / "out");
    for (const unsigned seed : {1U, 2U}) {
      const std::string name = fmt::format("w{}", seed);
      write_tensors(folder / (name + "-00001-of-00003.safetensors"),
                    {{"b", DType::F32, {4, 6}, noise(24, seed)}, {"z", DType::F32, {3, 2}, noise(6, seed + 7)}});
      write_tensors(folder / (name + "-00002-of-00003.safetensors"), {{"norm", DType::F32, {5}, noise(5, seed)}});
      write_tensors(folder / (name + "-00003-of-00003.safetensors"), {{"a", DType::BF16, {2, 8}, noise(16, seed)}});
      write_file(folder / (name + ".index.json"),
                 fmt::format(R"({{"weight_map":{{"b":"{0}1-of-00003.safetensors","z":"{0}1-of-00003.safetensors",)"
                             R"("norm":"{0}2-of-00003.safetensors","a":"{0}3-of-00003.safetensors"}}}})",
                             name + "-0000"));
      succeeds(fmt::format("quantize --method rtn --grid int4 --weights {0}.index.json -o q{1}", name, seed));
      succeeds(fmt::format("dequantize q{0} -o one{0}", seed));
    }
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; tool() {{ '{}' \"$@\"; }}; tool {}", folder.path(), HALLMARK_TOOL, command));
  }
  std::string succeeds(const std::string& command) const {
    const Result result = run(command);
    REQUIRE_MESSAGE(result.exit == 0, command << "\n" << result.out);
    return result.out;
  }
  std::string index() const { return folder / "out/m.safetensors.index.json"; }
  /// The files of the folder of outputs.
  std::set<std::string> files() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder / "out")) found.insert(entry.path().filename().string());
    return found;
  }
  /// The model that the index holds: 0 for none, 3 for a mixture.
  int model() const {
    if (!fs::exists(index())) return 0;
    const auto found = SafeTensors::open(index());
    REQUIRE_MESSAGE(found, found.error().what);
    for (const int k : {1, 2}) {
      const auto one = SafeTensors::open(folder / fmt::format("one{}", k));
      REQUIRE(one);
      REQUIRE(one->tensors().size() == found->tensors().size());
      bool same = true;
      for (const TensorInfo& tensor : one->tensors())
        same = same && std::ranges::equal(tensor.data, found->find(tensor.name)->data);
      if (same) return k;
    }
    return 3;
  }
  std::string failing(int call, int signal, int q) const {
    return fmt::format("true; FAIL_CALL={} FAIL_SIGNAL={} LD_PRELOAD='{}' tool dequantize q{} --overwrite -o {}", call,
                       signal, HALLMARK_FAILING_SYSTEM, q, index());
  }
};

const std::set<std::string> fresh{"m-00001-of-00003.safetensors", "m-00002-of-00003.safetensors",
                                  "m-00003-of-00003.safetensors", "m.safetensors.index.json"};

}  // namespace

TEST_CASE("a model that came in shards goes into shards of the same cut") {
  const Workspace work;
  for (const std::string command : {"dequantize q1", "export q1 --to safetensors-f64", "dequantize q1 --dtype bf16"}) {
    CAPTURE(command);
    work.succeeds(command + " --overwrite -o " + work.index());
    const auto made = SafeTensors::open(work.index()), weights = SafeTensors::open(work.folder / "w1.index.json");
    REQUIRE(made);
    REQUIRE(weights);
    CHECK(made->shards() == std::vector<std::uint64_t>{2, 1, 1});
    CHECK(made->shards() == weights->shards());
    REQUIRE(made->tensors().size() == 4);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(made->tensors()[i].name == weights->tensors()[i].name);
      CHECK(made->tensors()[i].shape == weights->tensors()[i].shape);
      bytes += made->tensors()[i].data.size();
    }
    CHECK(std::ranges::equal(made->find("norm")->data, weights->find("norm")->data));
    const auto index = nlohmann::json::parse(read_file(work.index()));
    CHECK(index.size() == 2);
    CHECK(index["metadata"] == nlohmann::json{{"total_size", bytes}});
    CHECK(index["weight_map"].size() == 4);
    CHECK(work.files().size() == 4);
  }
  work.succeeds("dequantize q1 --overwrite -o " + work.index());
  CHECK(work.model() == 1);
  CHECK(work.succeeds("dequantize q1 --overwrite -o d").find("the weights were 3 shards, this is one file") !=
        std::string::npos);
  CHECK(work.run("verify q1 --weights w1.index.json").exit == 0);
}

TEST_CASE("shards are named as transformers names them, and by free names where something is replaced") {
  const Workspace work;
  work.succeeds("dequantize q1 -o " + work.index());
  CHECK(work.files() == fresh);
  const std::string text = read_file(work.index());
  CHECK(
      text.starts_with("{\n  \"metadata\": {\n    \"total_size\": 204\n  },\n  \"weight_map\": {\n    \"a\": "
                       "\"m-00003-of-00003.safetensors\",\n"));
  CHECK(work.run("dequantize q2 -o " + work.index()).exit == 4);
  CHECK(work.files() == fresh);
  CHECK(work.model() == 1);
  // Another file of the folder stays, also one that an index names which is not ours.
  write_file(work.folder / "out/other.safetensors", "x");
  work.succeeds("dequantize q2 --overwrite -o " + work.index());
  CHECK(work.model() == 2);
  CHECK(work.files() == std::set<std::string>{"m-r2-00001-of-00003.safetensors", "m-r2-00002-of-00003.safetensors",
                                              "m-r2-00003-of-00003.safetensors", "m.safetensors.index.json",
                                              "other.safetensors"});
  fs::remove(work.folder / "out/other.safetensors");
  fs::permissions(work.index(), fs::perms::owner_read | fs::perms::owner_write);
  work.succeeds("dequantize q1 --overwrite -o " + work.index());
  CHECK(work.model() == 1);
  CHECK(work.files() == fresh);
  for (const std::string& name : fresh)
    CHECK((fs::status(work.folder / ("out/" + name)).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
  // A shard without its index, as after a kill.
  fs::remove(work.index());
  const Result taken = work.run("dequantize q1 -o " + work.index());
  CHECK(taken.exit == 4);
  CHECK(taken.out.find("error[E0410]") != std::string::npos);
  CHECK(work.files().size() == 3);
}

TEST_CASE("shards by size") {
  const Workspace work;
  // Tensors of 96, 24, 20 and 64 bytes, in this order.
  const std::vector<std::pair<std::string, std::vector<std::uint64_t>>> cuts{
      {"1", {1, 1, 1, 1}}, {"95", {1, 2, 1}}, {"119", {1, 3}}, {"120", {2, 2}},    {"139", {2, 2}},
      {"140", {3, 1}},     {"1KB", {4}},      {"1KiB", {4}},   {"1000000TB", {4}},
  };
  for (const auto& [at_most, cut] : cuts) {
    const std::string& size = at_most;
    CAPTURE(size);
    work.succeeds(fmt::format("dequantize q1 --overwrite --max-shard-size {} -o {}", size, work.index()));
    CHECK(SafeTensors::open(work.index())->shards() == cut);
    CHECK(work.model() == 1);
    CHECK(work.files().size() == cut.size() + 1);
  }
  for (const std::string size : {"0", "-1", "1.5GB", "GB", "5gb", "5 GB", "20000000TB", "1B", "18446744073709551616"}) {
    CAPTURE(size);
    const Result refused =
        work.run(fmt::format("dequantize q1 --overwrite '--max-shard-size={}' -o {}", size, work.index()));
    CHECK(refused.exit == 2);
    CHECK(refused.out.find("error[E0201]: not a size of shards\n  --max-shard-size " + size + "\n  try: ") !=
          std::string::npos);
  }
  CHECK(work.run("dequantize q1 --max-shard-size 5GB -o d").exit == 2);
  CHECK(work.run("dequantize q1 -o d.json").exit == 4);
  CHECK(work.run("dequantize q1 -o .safetensors.index.json").exit == 4);
  CHECK(work.run("dequantize q1 --overwrite -o w1.index.json").exit == 4);
}

TEST_CASE("too many shards are refused before any is written") {
  std::vector<TensorPlan> plan;
  for (std::size_t i = 0; i <= most_shards; ++i) plan.push_back({fmt::format("t{}", i), DType::U8, {2}});
  const TemporaryFolder folder;
  const auto cut = cut_by_size(plan, 2);
  REQUIRE(cut);
  CHECK(cut->size() == most_shards + 1);
  const auto refused = WeightsWriter::create(folder / "m.safetensors.index.json", false, plan, *cut, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().number == 418);
  CHECK(folder.count() == 0);
  plan.pop_back();
  const auto fits = WeightsWriter::create(folder / "m.safetensors.index.json", false, plan, *cut_by_size(plan, 2), {});
  CHECK_MESSAGE(fits, fits.error().where);
}

TEST_CASE("a call that fails, or a kill, leaves the old set or the new one") {
  const Workspace work;
  // Three shards and the index synced, their names, the folder: fewer calls than these.
  constexpr int calls = 13;
  bool old_seen = false, new_seen = false;
  for (const int signal : {0, SIGKILL, SIGTERM})
    for (const bool replacing : {true, false})
      for (int call = 1; call <= calls; ++call) {
        CAPTURE(signal);
        CAPTURE(replacing);
        CAPTURE(call);
        REQUIRE(shell("rm -rf " + (work.folder / "out/m*") + " " + (work.folder / "out/.h*")).exit == 0);
        if (replacing) work.succeeds("dequantize q1 -o " + work.index());
        const std::set<std::string> before = work.files();
        const Result result = work.run(work.failing(call, signal, 2));
        CAPTURE(result.out);
        const int model = work.model();
        CHECK(model != 3);
        CHECK((model != 0 || !replacing));
        CHECK((result.exit != 0 || model == 2));
        (model == 2 ? new_seen : old_seen) = true;
        if (signal == 0 && model != 2) CHECK(work.files() == before);
        if (signal == 0 && result.exit != 0) CHECK(result.out.find("error[E0904]") != std::string::npos);
        if (signal == SIGTERM && model != 2) CHECK(work.files() == before);
        // The next run finds no fault in what this one left.
        work.succeeds("dequantize q1 --overwrite -o " + work.index());
        CHECK(work.model() == 1);
      }
  CHECK(old_seen);
  CHECK(new_seen);
}

TEST_CASE("two writers leave the set of one of them") {
  const Workspace work;
  for (int round = 0; round < 20; ++round) {
    const Result both =
        work.run(fmt::format("dequantize q1 --overwrite -o {0} & tool dequantize q2 --overwrite -o {0} & "
                             "wait",
                             work.index()));
    CAPTURE(both.out);
    const int model = work.model();
    CHECK((model == 1 || model == 2));
    CHECK(work.files().size() == 4);
  }
}

}  // namespace shards_test
