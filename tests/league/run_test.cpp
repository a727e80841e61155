#include "league/run.hpp"

#include <doctest/doctest.h>
#include <omp.h>

#include <functional>

#include <set>

#include "league/report.hpp"
#include "tiny_league.hpp"

namespace run_test {

using namespace hallmark;
using hallmark::test::comparable;
using hallmark::test::options_of;
using hallmark::test::TinyExperiment;

namespace {

std::vector<LeagueLine> played(const LeagueOptions& options, const std::vector<LeagueLine>& begun = {}) {
  std::vector<LeagueLine> lines;
  const Status status = run_league(options, begun,
                                   {{},
                                    [&](const LeagueLine& line) {
                                      lines.push_back(line);
                                      return ok();
                                    },
                                    {}});
  if (!status) MESSAGE(to_string(status.error()));
  REQUIRE(status);
  return lines;
}

}  // namespace

TEST_CASE("round-to-nearest is its own yardstick; lines are read back, and do not depend on threads") {
  const TinyExperiment experiment;
  const LeagueOptions options = options_of(experiment);
  omp_set_num_threads(1);
  const auto lines = played(options);
  omp_set_num_threads(3);
  const auto again = played(options);
  omp_set_num_threads(omp_get_num_procs());
  REQUIRE(lines.size() == 3);
  for (std::size_t k = 0; k < 3; ++k) CHECK(comparable(lines[k]) == comparable(again[k]));
  CHECK(lines[0].run != again[0].run);

  const LeagueLine &rtn = lines[0], &gptq = lines[1], &apart = lines[2];
  CHECK(rtn.entry == "rtn");
  CHECK(rtn.lines == 3);
  CHECK(rtn.mean_relative_loss == 1);
  CHECK(rtn.loss.size() == 15);
  REQUIRE(rtn.relative_loss.size() == 15);
  for (const auto& [name, ratio] : rtn.relative_loss) CHECK(ratio == 1);
  CHECK(gptq.mean_relative_loss < 1);
  for (const auto& item : gptq.relative_loss) {
    CAPTURE(item.first);
    CHECK(item.second <= 1 + 1e-6);  // the guard, but for the width of the enclosures
    CHECK(item.second == gptq.loss.at(item.first) / rtn.loss.at(item.first));
  }
  CHECK(rtn.damage == rtn.bpb_quantized - rtn.bpb_float);
  CHECK(gptq.gram_digest == rtn.gram_digest);
  CHECK(gptq.codes_digest != rtn.codes_digest);
  CHECK(gptq.options.at("method") == "gptq");
  CHECK(gptq.options.at("grid") == "int3/1");
  CHECK(gptq.contracts == "on");
  CHECK(gptq.contracts_held.at("guard_total") == 15);

  // 3-bit codes, and scales of 16 bits for each row: exactly.
  double weights = 0, rows = 0;
  const auto model = load_model(experiment / checkpoint_name(47)).value();
  for (const auto& name : model.matrix_names())
    weights += static_cast<double>(model[name].size()), rows += static_cast<double>(model[name].rows());
  CHECK(gptq.stored_bits == (3 * weights + 16 * rows) / weights);
  CHECK(gptq.container_bits == gptq.stored_bits);  // rows of 3-bit codes that fill whole bytes
  CHECK(gptq.entropy_bits < gptq.stored_bits);
  CHECK(gptq.entropy_bits > 16 * rows / weights + 1);
  CHECK(apart.stored_bits == (3 * weights + 16 * rows + 5 * 256 * 16) / weights);
  CHECK(apart.embedding == "int8/2");
  CHECK_FALSE(gptq.embedding);
  CHECK(apart.relative_loss.at("tok_emb.weight") < 0.1 * gptq.relative_loss.at("tok_emb.weight"));
}

TEST_CASE("an asymmetric entry is quantized in order, and judged in the Gram matrices of all others") {
  const TinyExperiment experiment;
  LeagueOptions options = options_of(experiment);
  options.pattern = "^best lloyd, rotated(, asymmetric)?$";
  const auto lines = played(options);
  REQUIRE(lines.size() == 2);
  const LeagueLine &plain = lines[0], &ordered = lines[1];
  CHECK(plain.options.at("target") == "plain");
  CHECK(ordered.options.at("target") == "asymmetric");
  CHECK(ordered.gram_digest == plain.gram_digest);
  CHECK(ordered.codes_digest != plain.codes_digest);
  CHECK(ordered.stored_bits == plain.stored_bits);
  REQUIRE(ordered.loss.size() == plain.loss.size());
  for (const auto& item : ordered.loss) {
    const std::string& name = item.first;
    CAPTURE(name);
    // Table and embedding come first, by these very matrices. The projection of the table sees hardly another input;
    // elsewhere codes for changed inputs are worse on the old ones.
    if (name == "tok_emb.weight" || name == "bigram.table.weight") CHECK(item.second == plain.loss.at(name));
    else if (name != "bigram.proj.weight") CHECK(item.second > plain.loss.at(name));
  }
  CHECK(ordered.contracts_held.at("guard_total") == 15);
  omp_set_num_threads(1);
  const auto again = played(options);
  omp_set_num_threads(omp_get_num_procs());
  for (std::size_t k = 0; k < 2; ++k) CHECK(comparable(lines[k]) == comparable(again[k]));
}

TEST_CASE("an interrupted run is gone on with, and only with what it was") {
  const TinyExperiment experiment;
  LeagueOptions options = options_of(experiment);
  options.contracts = contracts::Policy::off;
  const auto whole = played(options);
  CHECK(whole[1].contracts == "off");
  CHECK(whole[1].contracts_held.empty());
  const auto rest = played(options, {whole[0]});
  REQUIRE(rest.size() == 2);
  CHECK(rest[0].run == whole[0].run);
  for (std::size_t k = 0; k < 2; ++k) CHECK(comparable(rest[k]) == comparable(whole[k + 1]));
  CHECK(played(options, whole).empty());

  const auto number = [&](auto change) {
    LeagueOptions changed = options;
    change(changed);
    const Status status = run_league(changed, {whole[0]}, {{}, [](const LeagueLine&) { return ok(); }, {}});
    return status ? 0 : status.error().number;
  };
  CHECK(number([](LeagueOptions& o) { o.git_sha = "def"; }) == 376);
  CHECK(number([](LeagueOptions& o) { o.eval_bytes = 1281; }) == 376);
  CHECK(number([](LeagueOptions& o) { o.contracts = contracts::Policy::on; }) == 376);
  CHECK(number([](LeagueOptions& o) { o.pattern = "^gptq"; }) == 376);
  CHECK(number([](LeagueOptions& o) { o.eval_bytes = 10'000'000; }) == 379);
}

TEST_CASE("a part of the league goes into no ledger of the whole") {
  const TinyExperiment experiment;
  const LeagueOptions part = options_of(experiment), whole;
  CHECK(league_ledger(whole, {}).value() == league_ledger_path);
  CHECK(league_ledger(part, {}).error().number == 225);
  CHECK(league_ledger(part, std::string(league_ledger_path)).error().number == 225);
  CHECK(league_ledger(part, experiment / "part.jsonl").value() == experiment / "part.jsonl");
  for (const auto& change : std::vector<std::function<void(LeagueOptions&)>>{
           [](LeagueOptions& o) { o.pattern = "gptq"; }, [](LeagueOptions& o) { o.divisions = {"4"}; },
           [](LeagueOptions& o) {
             o.seeds = {47, 89};
           },
           [](LeagueOptions& o) { o.eval_bytes = 1025; }}) {
    LeagueOptions changed;
    change(changed);
    CHECK(league_ledger(changed, {}).error().number == 225);
  }
  hallmark::test::write_file(experiment / "broken.jsonl", "{\"a\":1}\n");
  CHECK(league_ledger(part, experiment / "broken.jsonl").error().number == 373);
}

}  // namespace run_test
