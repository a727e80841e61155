// What labels say that runs evaluate (contracts/manifest.json, coq/headline.json) is what runs evaluate.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "../io/temporary_folder.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace labels_test {

using namespace hallmark;
using Json = nlohmann::json;
using Names = std::map<std::string, std::string>;  // a contract and its theorem
using hallmark::test::read_file;

namespace {

struct Manifest {
  Names evaluated, others;

  Manifest() {
    const Json printed = Json::parse(read_file("contracts/manifest.json"));
    for (const Json& contract : printed["contracts"])
      (contract["run_time"].get<bool>() ? evaluated : others).emplace(contract["name"], contract["theorem"]);
  }
};

// The contracts that the certificate of a quantization of `work` names as evaluated.
void collect(const test::TemporaryFolder& work, const std::string& flags, Names& names) {
  const test::Result made =
      test::shell(fmt::format("cd {}; {} quantize --weights w.safetensors --calibration c.safetensors --overwrite -o "
                              "q.safetensors {}",
                              work.path(), HALLMARK_TOOL, flags));
  REQUIRE_MESSAGE(made.exit == 0, made.out);
  const Json certificate = Json::parse(read_file(work / "q.certificate.json"));
  for (const Json& tensor : certificate["tensors"])
    for (const Json& contract : tensor["contracts"]) {
      CHECK(contract["by_enclosure"].get<int>() + contract["by_exact"].get<int>() > 0);
      names.emplace(contract["name"], contract["theorem"]);
    }
}

// The names of contracts among the words of a text.
std::set<std::string> named(const std::string& text, const Manifest& manifest) {
  std::set<std::string> found;
  std::string word;
  for (const char c : text + " ")
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') word += c;
    else if (manifest.evaluated.contains(word) || manifest.others.contains(word)) found.insert(std::exchange(word, ""));
    else word.clear();
  return found;
}

}  // namespace

TEST_CASE("runs evaluate the contracts of which the manifest says so, by their theorems, and no others") {
  const test::TemporaryFolder work;
  test::write_tensors(work / "w.safetensors", {{"a.weight", DType::F32, {9, 12}}, {"b.weight", DType::F32, {5, 8}}});
  test::write_tensors(work / "c.safetensors",
                      {{"a.weight.activations", DType::F32, {40, 12}}, {"b.weight.activations", DType::F32, {30, 8}}});
  Names evaluated;
  collect(work, "--grid gf16", evaluated);
  collect(work, "--grid gf16 --method rtn", evaluated);
  collect(work, "--grid int4 --method sparse24 --no-guard", evaluated);
  CHECK(evaluated == Manifest().evaluated);
}

TEST_CASE("README, design and SOUNDNESS count them, and the theorems that the program meets them") {
  const Manifest manifest;
  CHECK(manifest.evaluated.size() == 14);
  CHECK(manifest.others.size() == 5);
  const std::string audited = read_file("coq/outside.txt");
  for (const auto& [contract, theorem] : manifest.evaluated) {
    const std::string& name = contract;  // clang 14 captures no structured binding
    CAPTURE(name);
    CHECK((audited.find("." + name + "_met\n") != audited.npos) == (name != "rtn_when_no_calibration"));
  }
}

TEST_CASE("coq/headline.json names a contract where a run evaluates it, and where none does says so") {
  const Manifest manifest;
  std::set<std::string> direct;
  for (const Json& group : Json::parse(read_file("coq/headline.json"))) {
    const std::string check = group["run_time_check"], violation = group["on_violation"];
    CAPTURE(check);
    const std::set<std::string> contracts = named(check, manifest);
    for (const std::string& contract : contracts) CHECK(manifest.evaluated.contains(contract));
    CHECK(contracts.empty() != (violation.find("exit code 6") != violation.npos));
    if (group["theorems"][0] == "T24_decode") CHECK(contracts == std::set<std::string>{"exact_product"});
    for (const auto& [contract, theorem] : manifest.evaluated)
      for (const Json& stated : group["theorems"])
        if (stated == theorem) {
          CHECK(contracts.contains(contract));
          direct.insert(contract);
        }
  }
  CHECK(direct == std::set<std::string>{"factor_residual", "gf16_half_gap", "gf16_nearest", "gptq_bound_emitted",
                                        "gram_accumulation", "guard_row", "guard_total", "loss_enclosure"});
}

}  // namespace labels_test
