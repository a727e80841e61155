// The oracle of the fuzz target, on the catalogue and on every small change of a valid file; and the seed corpus.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "../attacks/attacks.hpp"
#include "../fuzz/header_checker.hpp"
#include "../fuzz/safetensors_oracle.hpp"
#include "io/safetensors.hpp"
#include "temporary_folder.hpp"

using namespace hallmark;

namespace {

const std::string sample = test::assemble(
    R"({"__metadata__":{"a":"\u00e9"},"x\ud834\udd1e":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[],"data_offsets":[4,5]}} )",
    "datax");

}  // namespace

TEST_CASE("reader and second checker agree on the catalogue") {
  for (const test::Attack& attack : test::attacks()) {
    CAPTURE(attack.name);
    CHECK(test::check_file(attack.bytes).has_value() == (attack.number == 0));
    const char* const wrong = test::safetensors_disagreement(attack.bytes);
    CHECK_MESSAGE(wrong == nullptr, wrong);
  }
}

TEST_CASE("they agree on every file that differs from a valid one in one byte, or lacks one, or has one more") {
  REQUIRE(test::check_file(sample).has_value());
  std::size_t accepted = 0, wrong = 0;
  const auto judge = [&](const std::string& bytes) {
    wrong += test::safetensors_disagreement(bytes) != nullptr;
    accepted += test::check_file(bytes).has_value();
  };
  for (std::size_t i = 0; i < sample.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = sample;
      changed[i] = static_cast<char>(value);
      judge(changed);
    }
    judge(std::string(sample).erase(i, 1));
    judge(std::string(sample).insert(i, 1, ' '));
  }
  CHECK(wrong == 0);
  CHECK(accepted > sample.size());  // names and data may change
}

TEST_CASE("the seed corpus is the catalogue") {
  const std::string folder = "tests/fuzz/corpus/safetensors_fuzz";
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path().filename().string());
  for (const test::Attack& attack : test::attacks()) {
    CAPTURE(attack.name);
    CHECK(files.erase(attack.name) == 1);
    CHECK(test::read_file(folder + "/" + attack.name) == attack.bytes);
  }
  CHECK(files.empty());  // write it again: build/tests/io/write_attacks tests/fuzz/corpus/safetensors_fuzz
}
