// quantize --optimality: what no codes can lose less than, said in the certificate, judged by verify, and forged.
#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include "../io/temporary_folder.hpp"
#include "certify/certificate.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace optimality_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

constexpr std::size_t kTokens = 200;

// `wide` has too many columns to enumerate codes, `few` has not.
struct Workspace {
  TemporaryFolder folder;
  Workspace() {
    write_tensors(folder / "w", {{"wide", DType::F32, {6, 40}}, {"few", DType::F32, {5, 7}}});
    write_tensors(folder / "x",
                  {{"wide.activations", DType::F32, {kTokens, 40}}, {"few.activations", DType::F32, {kTokens, 7}}});
    const Result made = run("gram --activations x -o c");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  std::string quantize(const std::string& flags) const {
    const Result made = run("quantize --weights w --calibration c -o q.safetensors --overwrite --optimality " + flags);
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    return made.out;
  }
  Result verify(const std::string& flags = "") const {
    return run("verify q.safetensors --weights w --calibration c " + flags);
  }
  std::string certificate() const { return read_file(folder / "q.certificate.json"); }
  std::vector<CertifiedTensor> tensors() const {
    auto reader = CertificateReader::open(folder / "q.certificate.json");
    REQUIRE(reader);
    std::vector<CertifiedTensor> all;
    for (auto next = reader->next(); next && *next; next = reader->next()) all.push_back(**std::move(next));
    return all;
  }
  // The first lower bound by this theorem times `factor`, in the certificate.
  void forge(const char* theorem, double factor) const {
    std::string text = certificate();
    std::string lower;
    const std::string rest = R"(","theorem":")" + std::string(theorem);
    REQUIRE(RE2::PartialMatch(text, R"("lower":"([0-9a-fx.p+-]*))" + rest, &lower));
    const std::string forged = fmt::format("{:a}", std::strtod(lower.c_str(), nullptr) * factor);
    text.replace(text.find(lower + rest), lower.size(), forged);
    write_file(folder / "q.certificate.json", text);
  }
};

}  // namespace

TEST_CASE("every row has a lower bound above 0 that its loss is not below, and verify judges it") {
  const Workspace work;
  for (const char* flags : {"--grid int3", "--grid int3 --method best", "--grid nf4 --desc-act",
                            "--grid int2z --group-size 5", "--grid gf16", "--grid int4 --scale-rule mse --no-guard"}) {
    CAPTURE(flags);
    const std::string said = work.quantize(std::string(flags) + " --report r.jsonl --overwrite");
    CHECK(RE2::PartialMatch(said, R"(loss/optimality \d+\.\d\d in the mean of 11 rows)"));
    for (const CertifiedTensor& tensor : work.tensors())
      for (const CertifiedRow& row : tensor.values) {
        REQUIRE(row.optimality);
        REQUIRE(row.optimality->lower);
        CHECK(*row.optimality->lower > 0);
        CHECK(*row.optimality->lower <= row.final.enclosure.hi);
        CHECK(*row.optimality->lower <= row.rtn.enclosure.hi);
        // The points of gf16 reach too far for binary64 to tell its codes apart.
        const bool enumerated = tensor.cols == 7 && std::string(flags) != "--grid gf16";
        CHECK(row.optimality->by == std::string(enumerated ? optimality_by::optimum : optimality_by::diagonal));
      }
    const std::string report = read_file(work.folder / "r.jsonl");
    CHECK(nlohmann::json::parse(report.substr(0, report.find('\n')))["loss_over_optimality"].get<double>() >= 1);
    for (const char* how : {"", "--reproduce"}) {
      const Result judged = work.verify(how);
      CAPTURE(judged.out);
      CHECK(judged.exit == 0);
    }
  }
}

TEST_CASE("a lower bound that is not proved is refused, a smaller one is true as well") {
  const Workspace work;
  work.quantize("--grid int3");
  SUBCASE("more than the diagonal shows") {
    work.forge(optimality_by::diagonal, 1.0000001);
    check_error(work.verify(), 7, "E0713", {"tensor 'wide'", "row 0: its optimality is"});
    check_error(work.verify("--reproduce"), 7, "E0712", {"row 0: optimality"});
  }
  SUBCASE("less than it shows") {
    work.forge(optimality_by::diagonal, 0.5);
    CHECK(work.verify().exit == 0);
    check_error(work.verify("--reproduce"), 7, "E0712", {"row 0: optimality"});
  }
  SUBCASE("another optimum") {
    work.forge(optimality_by::optimum, 0.5);
    check_error(work.verify(), 7, "E0713", {"tensor 'few'", "row 0: its optimality is"});
  }
  SUBCASE("a bound by a diagonal that calls itself an optimum") {
    std::string text = work.certificate();
    text.replace(text.find(optimality_by::diagonal), std::strlen(optimality_by::diagonal), optimality_by::optimum);
    write_file(work.folder / "q.certificate.json", text);
    check_error(work.verify(), 7, "E0713", {"tensor 'wide'", "row 0: its optimality is"});
  }
}

TEST_CASE("rows that are rotated say so instead") {
  const Workspace work;
  work.quantize("--grid int3 --rotation hadamard:16");
  std::size_t turned = 0;
  for (const CertifiedTensor& tensor : work.tensors())
    for (const CertifiedRow& row : tensor.values) {
      REQUIRE(row.optimality);
      turned += row.optimality->by == optimality_by::rotated;
      CHECK(row.optimality->lower.has_value() == (row.optimality->by != optimality_by::rotated));
    }
  CHECK(turned > 0);
  CHECK(work.verify().exit == 0);
  CHECK(work.verify("--reproduce").exit == 0);
}

TEST_CASE("--one-opt says of every row whether one code can be changed for the better, and verify decides it again") {
  const Workspace work;
  const auto counts = [&] {
    std::size_t held = 0, rows = 0;
    for (const CertifiedTensor& tensor : work.tensors()) {
      held += one_opt_rows(tensor.values).held;
      rows += one_opt_rows(tensor.values).rows;
    }
    return std::pair(held, rows);
  };
  const auto forged = [&](const char* from, const char* to) {
    std::string text = work.certificate();
    REQUIRE(text.find(from) != std::string::npos);
    write_file(work.folder / "q.certificate.json", text.replace(text.find(from), std::strlen(from), to));
  };
  work.quantize("--grid int3 --method rtn --scale-rule mse");
  CHECK(counts() == std::pair(std::size_t{0}, std::size_t{0}));  // not asked
  work.quantize("--grid int3 --one-opt --report r.jsonl --overwrite");
  const auto [few, all] = counts();
  CHECK(all == 11);
  CHECK(few < 11);
  CHECK(read_file(work.folder / "r.jsonl").find("\"one_opt_rows\":") != std::string::npos);
  for (const char* how : {"", "--reproduce", "--exact --rows 2"}) CHECK(work.verify(how).exit == 0);
  forged(R"("one_opt":false)", R"("one_opt":true)");
  check_error(work.verify(), 7, "E0713", {"a change of one code lowers the loss, the certificate says that none does"});
  check_error(work.verify("--reproduce"), 7, "E0712", {"one_opt"});

  work.quantize("--grid int3 --method greedy --one-opt");
  CHECK(counts() == std::pair(std::size_t{11}, std::size_t{11}));
  for (const char* how : {"", "--reproduce"}) CHECK(work.verify(how).exit == 0);
  const Result shown = work.run("inspect q.certificate.json");
  CHECK(RE2::PartialMatch(shown.out, R"(loss/optimality \d+\.\d\d in the mean of 6 rows)"));
  CHECK(shown.out.find("no change of one code lowers the loss of 6 of 6 rows") != std::string::npos);
  const auto json = nlohmann::json::parse(work.run("inspect --json q.certificate.json").out);
  CHECK(json["matrices"][0]["loss_over_optimality"].get<double>() >= 1);
  CHECK(json["matrices"][0]["one_opt_rows"] == 5);  // few
  CHECK(json["matrices"][1]["one_opt_judged"] == 6);
  forged(R"("one_opt":true)", R"("one_opt":false)");
  check_error(work.verify(), 7, "E0713", {"no change of one code lowers the loss, the certificate says that one does"});

  work.quantize("--grid int3 --rotation hadamard:16 --one-opt");
  std::size_t silent = 0;
  for (const CertifiedTensor& tensor : work.tensors())
    for (const CertifiedRow& row : tensor.values) silent += !row.one_opt;
  CHECK(silent > 0);
  CHECK(work.verify().exit == 0);
}

}  // namespace optimality_test
