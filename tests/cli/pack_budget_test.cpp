// hallmark pack --budget: what is chosen among containers fits, is certified, and is refused where nothing can be
// chosen.
#include <map>
#include <set>

#include <fmt/format.h>
#include <re2/re2.h>

#include "../io/temporary_folder.hpp"
#include "certify/certificate.hpp"
#include "check_error.hpp"
#include "files.hpp"

namespace pack_budget_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Candidates {
  TemporaryFolder folder;
  Candidates() {
    const std::vector<MadeTensor> weights{{"a", DType::F32, {24, 64}},
                                          {"b", DType::BF16, {40, 32}},
                                          {"c", DType::F32, {16, 48}},
                                          {"bias", DType::F16, {6}}};
    write_tensors(folder / "w", weights, {{"config", "{\"layers\": 2}"}});
    write_tensors(folder / "x", {{"a.activations", DType::F32, {90, 64}},
                                 {"b.activations", DType::F32, {90, 32}},
                                 {"c.activations", DType::F32, {90, 48}}});
    for (const int bits : {2, 3, 4, 6})
      ok(fmt::format("quantize --weights w --calibration x --grid int{} -o q{}", bits, bits));
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  std::string ok(const std::string& command) const {
    const Result done = run(command);
    REQUIRE_MESSAGE(done.exit == 0, command << ": " << done.out);
    return done.out;
  }
  std::size_t size(const std::string& name) const { return read_file(folder / name).size(); }
};

/// Upper ends of the losses of each matrix, of the codes or of round-to-nearest.
std::vector<double> losses(const std::string& certificate, bool rtn) {
  auto reader = CertificateReader::open(certificate);
  REQUIRE(reader);
  std::vector<double> all;
  for (;;) {
    const auto tensor = reader->next();
    REQUIRE(tensor);
    if (!*tensor) return all;
    all.push_back(0);
    for (const CertifiedRow& row : (*tensor)->values) all.back() += (rtn ? row.rtn : row.final).enclosure.hi;
  }
}

double loss_in(const std::string& out) {
  double loss = 0;
  REQUIRE(RE2::PartialMatch(out, "round-to-nearest: ([0-9.e+-]+)", &loss));
  return loss;
}

}  // namespace

TEST_CASE("the artifact fits, is the packed container of a sound pair, and loses no more than what fits whole") {
  const Candidates made;
  const auto certificate = [&](const std::string& of) { return made.folder / (of + ".certificate.json"); };
  const std::vector<double> scale = losses(certificate("q2"), true);  // the coarsest grid
  const auto scaled = [&](const std::string& of) {
    const std::vector<double> of_matrices = losses(certificate(of), false);
    REQUIRE(of_matrices.size() == 3);
    return of_matrices[0] / scale[0] + of_matrices[1] / scale[1] + of_matrices[2] / scale[2];
  };
  std::map<std::string, std::size_t> whole;
  for (const std::string of : {"q2", "q3", "q4", "q6"}) {
    made.ok("pack " + of + " --budget 100000 --overwrite -o u");
    made.ok("pack " + of + " --overwrite -o v");
    CHECK(read_file(made.folder / "u") == read_file(made.folder / "v"));
    CHECK(read_file(certificate("u")) == read_file(certificate(of)));
    whole[of] = made.size("u");
  }
  double before = std::numeric_limits<double>::infinity();
  std::set<std::string> mixtures;
  for (std::size_t budget = whole["q2"]; budget < whole["q6"] + 200; budget += 117) {
    CAPTURE(budget);
    const std::string out = made.ok(fmt::format("pack q6 q3 q2 q4 --budget {} --overwrite -o p", budget));
    CHECK(made.size("p") <= budget);
    const double loss = scaled("p");
    CHECK(loss == doctest::Approx(loss_in(out)).epsilon(1e-5));
    for (const auto& [of, size] : whole) CHECK((size > budget || loss <= scaled(of)));
    CHECK(loss <= before);
    before = loss;
    mixtures.insert(out.substr(0, out.find("wrote")));
    if (const std::size_t size = made.size("p"); mixtures.size() % 4 == 2) {  // what is beside the tensors counts too
      made.ok(fmt::format("pack q6 q3 q2 q4 --budget {} --overwrite -o less", size - 1));
      CHECK(made.size("less") < size);
    }
    made.ok("unpack p --overwrite -o back");
    made.ok("pack back --overwrite -o again");
    CHECK(read_file(made.folder / "p") == read_file(made.folder / "again"));
    made.ok("verify back --weights w --calibration x --certificate p.certificate.json --reproduce");
  }
  CHECK(before == scaled("q6"));
  CHECK(mixtures.size() > 8);
}

TEST_CASE("the program counts, and a budget that nothing fits names the smallest artifact") {
  const Candidates made;
  made.ok("pack q2 --budget 100000 -o u");
  const std::size_t least = made.size("u");
  check_error(made.run(fmt::format("pack q2 q4 --budget {} -o p", least - 1)), 4, "E0445",
              {fmt::format("{} bytes", least)});
  made.ok(fmt::format("pack q2 q4 --budget {} --code-bytes 500 -o p", least + 500));
  CHECK(made.size("p") == least);
  check_error(made.run(fmt::format("pack q2 q4 --budget {} --code-bytes 501 --overwrite -o p", least + 500)), 4,
              "E0445");
  check_error(made.run("pack q2 q4 --budget 500 --code-bytes 500 -o n"), 2, "E0201");
  check_error(made.run("pack q2 q4 -o n"), 2, "E0201", {"--budget"});
  check_error(made.run("pack q2 --code-bytes 5 -o n"), 2, "E0201");
  check_error(made.run("pack q2 --budget 0 -o n"), 2, "E0201");
  CHECK_FALSE(std::filesystem::exists(made.folder / "n"));
}

TEST_CASE("containers between which nothing can choose are refused, and damaged ones, and no output is lost") {
  const Candidates made;
  const auto refused = [&](const std::string& with, int exit, const std::string& number, const std::string& word) {
    CAPTURE(with);
    check_error(made.run("pack q2 " + with + " --budget 100000 -o n"), exit, number, {word});
    CHECK_FALSE(std::filesystem::exists(made.folder / "n"));
    CHECK_FALSE(std::filesystem::exists(made.folder / "n.certificate.json"));
  };
  write_tensors(made.folder / "w2", {{"a", DType::F32, {24, 64}, std::vector<float>(24 * 64, 0.5f)},
                                     {"b", DType::BF16, {40, 32}},
                                     {"c", DType::F32, {16, 48}},
                                     {"bias", DType::F16, {6}}});
  made.ok("quantize --weights w2 --calibration x --grid int4 -o other");
  refused("other", 4, "E0446", "other weights");
  made.ok("quantize --weights w --calibration x --holdout 0.5 --grid int4 -o held");
  refused("held", 4, "E0446", "other inputs");
  made.ok("quantize --weights w --calibration x --grid int4 --exclude c -o fewer");
  refused("fewer", 4, "E0446", "2 quantized matrices, not 3");
  made.ok("quantize --weights w --method rtn --grid int4 -o bare");
  refused("bare", 4, "E0446", "no loss of 'a'");
  refused("none", 9, "E0901", "none");
  refused("w", 3, "E0360", "w");
  const std::string bytes = read_file(made.folder / "q4");
  write_file(made.folder / "cut", bytes.substr(0, bytes.size() - 1));
  refused("cut", 3, "E0330", "cut");
  std::filesystem::copy_file(made.folder / "q4", made.folder / "stale");
  std::filesystem::copy_file(made.folder / "q3.certificate.json", made.folder / "stale.certificate.json");
  refused("stale", 7, "E0711", "stale.certificate.json");
  std::string claim = read_file(made.folder / "q4.certificate.json");
  char& digit = claim[claim.find("\"codes\":\"") + 9];
  digit = digit == '0' ? '1' : '0';
  write_file(made.folder / "stale.certificate.json", claim);
  refused("stale", 7, "E0711", "'a' has other codes or steps");
  check_error(made.run("pack q2 q4 --budget 100000 --overwrite -o q4"), 4, "E0411");
  made.ok("pack q2 q4 --budget 100000 -o p");
  check_error(made.run("pack q2 q4 --budget 100000 -o p"), 4, "E0410");
}

}  // namespace pack_budget_test
