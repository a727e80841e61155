// Inputs that ranks, here threads, hash together: once on each machine, with the digests of one process, and not where
// the ranks see other files.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "../cli/files.hpp"
#include "../io/temporary_folder.hpp"
#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "pipeline/input_digests.hpp"
#include "pipeline/shared_sums.hpp"
#include "ranks/shared_digests.hpp"
#include "threads_as_ranks.hpp"

namespace shared_digests_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::vector<std::size_t> sorted(std::vector<std::size_t> numbers) { return std::ranges::sort(numbers), numbers; }

}  // namespace

TEST_CASE("jobs are shared out by their bytes, each to one rank") {
  std::vector<HashJob> jobs;
  for (const std::uint64_t bytes : {5U, 1U, 7U, 3U, 2U}) jobs.push_back({"", bytes});
  using Jobs = std::vector<std::vector<std::size_t>>;
  CHECK(shares_of_jobs(jobs, 1) == Jobs{{2, 0, 3, 4, 1}});
  CHECK(shares_of_jobs(jobs, 2) == Jobs{{2, 4}, {0, 3, 1}});
  CHECK(shares_of_jobs(jobs, 6) == Jobs{{2}, {0}, {3}, {4}, {1}, {}});
  CHECK(shares_of_jobs({}, 2) == Jobs{{}, {}});
}

TEST_CASE("what is hashed is hashed once on each machine, by those who see the same files") {
  std::vector<HashJob> jobs;
  for (const std::uint64_t bytes : {5U, 1U, 7U, 3U, 2U}) jobs.push_back({fmt::format("job {}", jobs.size()), bytes});
  for (const std::size_t size : {1U, 2U, 3U, 4U, 5U})
    for (const std::size_t of_machine : {1U, 2U, 9U})
      for (const int other : {-1, 0, 2}) {  // a rank that sees another file
        CAPTURE(size);
        CAPTURE(of_machine);
        CAPTURE(other);
        std::mutex mutex;
        std::map<std::string, std::vector<std::size_t>> done;  // by machine and what is seen
        const auto hash = [&](Ranks& ranks) {
          const std::string seen = ranks.rank() == other ? "that" : "this";
          const auto results = share_hashing(ranks, seen, jobs, [&](const std::vector<std::size_t>& mine) {
            std::vector<HashResult> digests;
            for (const std::size_t job : mine) digests.push_back({seen, std::to_string(job)});
            const std::scoped_lock lock(mutex);
            auto& all = done[fmt::format("{} {}", ranks.machine(), seen)];
            all.insert(all.end(), mine.begin(), mine.end());
            return Expected<std::vector<HashResult>>(digests);
          });
          REQUIRE(results);
          REQUIRE(results->size() == jobs.size());
          for (std::size_t job = 0; job < jobs.size(); ++job)
            CHECK((*results)[job] == HashResult{seen, std::to_string(job)});
        };
        together(size, hash, hash, of_machine);
        for (const auto& [where, all] : done) CHECK(sorted(all) == std::vector<std::size_t>{0, 1, 2, 3, 4});
        const std::size_t machines = (size - 1) / of_machine + 1;
        const bool alone = of_machine == 1 || size == 1 || (size == 3 && of_machine == 2 && other == 2);
        CHECK(done.size() == machines + (other >= 0 && static_cast<std::size_t>(other) < size && !alone));
      }
}

TEST_CASE("a rank that cannot hash its share, or that is at another point of its work, ends the run under its number") {
  const std::vector<HashJob> jobs{{"a", 2}, {"b", 1}};
  const auto made = [](const std::vector<std::size_t>& mine) {
    return Expected<std::vector<HashResult>>(std::vector<HashResult>(mine.size(), HashResult{"x"}));
  };
  together(
      2,
      [&](Ranks& ranks) {
        const auto hashed = share_hashing(ranks, "", jobs, made);
        REQUIRE(!hashed);
        CHECK(hashed.error().number == error_number::cannot_read);
        CHECK(hashed.error().where == "rank 1: W");
      },
      [&](Ranks& ranks) {
        const auto hashed = share_hashing(ranks, "", jobs, [](auto&) {
          return Expected<std::vector<HashResult>>(Error{Exit::io, error_number::cannot_read, "cannot read", "W", ""});
        });
        REQUIRE(!hashed);
        fail_rank(ranks, hashed.error());
      });
  together(
      2,
      [&](Ranks& ranks) {
        const auto hashed = share_hashing(ranks, "", jobs, made);
        REQUIRE(!hashed);
        CHECK(hashed.error().number == error_number::ranks_differ);
        CHECK(hashed.error().where == "rank 1: is at another point of its work");
        ranks.send(1, RankWord::agreed, 0, {});
      },
      [&](Ranks& ranks) {
        CHECK(agree(ranks, {{"program", "x"}}));
      });
}

TEST_CASE("a rank that sees another file is found on its own machine too, whatever the file's name, size and time") {
  const TemporaryFolder folder;
  const auto file = [&](const std::string& name) -> std::string {
    std::filesystem::create_directories(folder / name);
    return folder / (name + "/x");
  };
  write_tensors(file("one"), {{"a.activations", DType::F32, {3, 2}}});
  write_tensors(file("other"), {{"a.activations", DType::F32, {3, 2}, {1, 2, 3, 4, 5, 6}}});
  std::filesystem::copy(file("one"), file("copy"));
  for (const char* const name : {"other", "copy"})
    std::filesystem::last_write_time(file(name), std::filesystem::last_write_time(file("one")));
  const std::vector<GramPlan> plan{{"a", 2, 3}};
  const auto agreed = [&](Ranks& ranks, const std::string& name) {
    std::vector<CalibrationFile> files;
    files.push_back(*CalibrationFile::open(file(name)));
    return SharedSums(ranks, files, plan).agree_on("p");
  };
  for (const std::string second : {"one", "copy", "other"})
    for (const std::size_t of_machine : {1U, 9U})
      together(
          3,
          [&](Ranks& ranks) {
            const Status same = agreed(ranks, "one");
            CHECK(static_cast<bool>(same) == (second != "other"));
            if (same) return;
            CHECK(same.error().number == error_number::ranks_differ);
            CHECK(same.error().where.starts_with("rank 2: the activations' SHA-256 is "));
            for (int rank = 1; rank < ranks.size(); ++rank) ranks.send(rank, RankWord::agreed, 0, {});
          },
          [&](Ranks& ranks) { CHECK(agreed(ranks, ranks.rank() == 2 ? second : "one")); }, of_machine);
}

TEST_CASE("a file that is written to has another identity, though its size and time of writing are set back") {
  const TemporaryFolder folder;
  const std::string path = folder / "x";
  CHECK(identity_of(path).empty());
  write_file(path, "one");
  const std::string before = identity_of(path);
  const auto time = std::filesystem::last_write_time(path);
  std::filesystem::create_symlink(path, folder / "link");
  CHECK(identity_of(folder / "link") == before);
  CHECK(MappedFile::open(path)->identity() == before);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the clock of files is a coarse one
  write_file(path, "two");
  std::filesystem::last_write_time(path, time);
  CHECK(identity_of(path) != before);
}

TEST_CASE("digests that ranks make together are those of one process, of a file and of shards") {
  const TemporaryFolder folder;
  const auto at = [&](const char* name) { return folder / name; };
  write_tensors(at("w1.safetensors"), {{"a", DType::F32, {4, 3}}, {"b", DType::BF16, {0, 3}}, {"c", DType::F32, {5}}});
  write_tensors(at("w2.safetensors"), {{"d", DType::F16, {7, 3}}});
  std::ofstream(at("w.json")) << R"({"metadata":{},"weight_map":{"a":"w1.safetensors","b":"w1.safetensors",)"
                              << R"("c":"w1.safetensors","d":"w2.safetensors"}})";
  write_tensors(at("c"), {{"a.activations", DType::F32, {2, 3}}, {"d.activations", DType::F32, {9, 3}}});
  const auto calibration = CalibrationFile::open(at("c"));
  REQUIRE(calibration);
  for (const char* const name : {"w.json", "w1.safetensors"}) {
    const auto weights = SafeTensors::open(at(name));
    REQUIRE(weights);
    FileDigests expected;
    expected.whole = weights->digest(
        {}, [&](const TensorInfo& tensor, std::string digest) { expected.tensors[tensor.name] = std::move(digest); });
    CHECK(expected.tensors.size() == weights->tensors().size());
    for (const TensorInfo& tensor : weights->tensors()) CHECK(expected.tensors[tensor.name] == sha256_hex(tensor.data));
    if (weights->parts() == 1) CHECK(expected.whole == *sha256_file(at(name)));
    else
      CHECK(expected.whole == sha256_hex(std::string_view(*read_text(at(name)) + *sha256_file(at("w1.safetensors")) +
                                                          *sha256_file(at("w2.safetensors")))));
    for (const std::size_t size : {1U, 2U, 3U, 4U})
      for (const CalibrationFile* const with : {static_cast<const CalibrationFile*>(nullptr), &*calibration}) {
        const auto compare = [&](Ranks& ranks) {
          const auto known = shared_digests(&ranks, "p", *weights, with);
          REQUIRE(known);
          REQUIRE(known->has_value() == (size > 1));
          if (size == 1) return;
          CHECK((*known)->weights.whole == expected.whole);
          CHECK((*known)->weights.tensors == expected.tensors);
          CHECK((*known)->calibration.whole == (with ? *sha256_file(at("c")) : ""));
          REQUIRE((*known)->calibration.tensors.size() == (with ? 2U : 0U));
          CertificateHeader header;
          const InputDigests digests(*weights, with, **known);
          digests.enter(header);
          CHECK(header.weights_sha256 == expected.whole);
          CHECK(header.calibration_sha256 == (*known)->calibration.whole);
          if (with)
            CHECK(digests.of_calibration("d.activations") == sha256_hex(with->file().find("d.activations")->data));
        };
        together(size, compare, compare);
      }
  }
}

}  // namespace shared_digests_test
