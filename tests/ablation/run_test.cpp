#include "ablation/run.hpp"

#include <doctest/doctest.h>
#include <omp.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "ablation/report.hpp"
#include "measure/provenance.hpp"
#include "method/rtn.hpp"
#include "tiny_experiment.hpp"

namespace run_test {

using namespace hallmark;
using hallmark::test::read_file;
using hallmark::test::TinyExperiment;

namespace {

using Json = nlohmann::json;

AblationResult run(const AblationOptions& options) {
  auto result = run_ablation(options, {});
  if (!result) MESSAGE(to_string(result.error()));
  REQUIRE(result);
  return *std::move(result);
}

// The lines without what may differ between two runs.
std::vector<Json> comparable(const std::vector<std::string>& lines) {
  std::vector<Json> objects;
  for (const auto& line : lines) {
    Json object = Json::parse(line);
    for (const char* key : {"run", "prev", "timestamp", "wallclock_ms", "git_sha"}) object.erase(key);
    objects.push_back(object);
  }
  return objects;
}

}  // namespace

TEST_CASE("nine cells and a verdict; two runs agree, with one thread and with several") {
  const TinyExperiment experiment;
  auto options = experiment.options();
  options.git_sha = "abc";
  omp_set_num_threads(1);
  double last = 0, promised = 0;
  const auto first = run_ablation(options, [&](double done, double total, std::string_view item) {
    CHECK(done > last);
    CHECK_FALSE(item.empty());
    last = done;
    promised = total;
  });
  REQUIRE(first);
  CHECK(last == promised);
  CHECK(promised == 3 * (40 * 16 + 4 * 16));
  omp_set_num_threads(3);
  options.git_sha = "def";
  const auto second = run(options);
  omp_set_num_threads(omp_get_num_procs());

  REQUIRE(first->lines.size() == 10);
  CHECK(first->lines[0].find("\"grid\":\"int4\"") != std::string::npos);  // int4s, by its first name
  CHECK(comparable(first->lines) == comparable(second.lines));
  CHECK(first->cells[0].run != second.cells[0].run);
  CHECK(first->cells[0].run.size() == 32);
  CHECK(first->notes.empty());

  for (std::size_t i = 0; i < 9; ++i) {
    const Cell& cell = first->cells[i];
    CAPTURE(i);
    CHECK(cell.seed == canonical_seeds[i / 3]);
    CHECK(cell.n == canonical_batches[i % 3]);
    CHECK(cell.run == first->cells[0].run);
    CHECK(cell.timestamp.size() == 20);
    CHECK(cell.bpb_post_quant != cell.bpb_pre_quant);
    CHECK(cell.reconstruction_mse > 0);
    CHECK(cell.count_model_bpb.size() == 3);
    // GPTQ on correlated activations beats RTN on its own batches by far.
    if (cell.n > 0) {
      CHECK(*cell.unguarded_loss_ratio < 1);
      CHECK(cell.unguarded_loss_ratio_by_tensor.size() == 15);
      CHECK(cell.reconstruction_mse < first->cells[i - i % 3].reconstruction_mse);
    }
    CHECK(cell.reconstruction_offsets_digest == first->cells[i - i % 3].reconstruction_offsets_digest);
    CHECK(cell.reconstruction_gram_digest == first->cells[i - i % 3].reconstruction_gram_digest);
  }
  std::set<std::string> evaluated, expected;  // of the contracts that runs evaluate
  for (const Cell& cell : first->cells)
    for (const ContractCount& contract : cell.contracts) evaluated.insert(contract.name);
  const Json manifest = Json::parse(read_file("contracts/manifest.json"));
  for (const Json& contract : manifest["contracts"])
    if (contract["run_time"].get<bool>()) expected.insert(contract["name"]);
  expected.erase("gf16_half_gap");      // the grid is int4
  expected.erase("two_of_four");        // of sparse24
  expected.erase("gram_accumulation");  // the sums are made before the cells
  CHECK(evaluated == expected);
  CHECK(first->cells[1].gram_digest != first->cells[2].gram_digest);
  CHECK(first->cells[1].codes_digest != first->cells[0].codes_digest);

  // Into a ledger and back: the verdict from the lines alone, and the report.
  const auto path = ledger_path(experiment.models(), "int4");
  REQUIRE(append_once(path, first->run, first->lines).value());
  CHECK(!append_once(path, first->run, first->lines).value());  // it is there already
  REQUIRE(append_once(path, second.run, second.lines).value());
  std::istringstream in(read_file(path));
  const auto replayed = replay_run(in);
  REQUIRE(replayed);
  CHECK(replayed->verdict_line == 20);
  const Verdict* verdict = &replayed->verdict;
  CHECK(verdict->run == second.cells[0].run);
  CHECK(verdict->confirmed == first->verdict->confirmed);
  CHECK(verdict->comparisons[0].test.differences == first->verdict->comparisons[0].test.differences);
  CHECK(write_report(experiment.models(), experiment / "ablation.md"));
}

TEST_CASE("N = 0 is RTN: the evaluated model is the one that RTN gives") {
  const TinyExperiment experiment;
  auto options = experiment.options("gf16");
  options.seeds = {89};
  options.batches = {0};
  const auto result = run(options);
  REQUIRE(result.lines.size() == 1);
  CHECK_FALSE(result.verdict);
  const Cell& cell = result.cells[0];
  CHECK_FALSE(cell.calibration_mse);
  CHECK_FALSE(cell.gram_digest);
  CHECK(cell.guard_rows == 0);
  CHECK(result.lines[0].find("\"calibration_mse\":null") != std::string::npos);

  const auto model = load_model(experiment / checkpoint_name(89)).value();
  std::map<std::string, Matrix<float>> rounded;
  for (const auto& name : model.matrix_names()) {
    const Matrix<float>& W = model[name];
    // matrix-max: one scale, the largest weight goes to +-1.
    const float s = round_up(static_cast<double>(W.array().abs().maxCoeff()), 11);
    const Grid grid = Grid::parse("gf16").value();
    Matrix<float> What = W;
    for (Index i = 0; i < W.size(); ++i)
      What.data()[i] = static_cast<float>(double{s} * grid.value(grid.nearest(W.data()[i], s)));
    rounded.emplace(name, What);
  }
  const auto corpus = load_corpus(experiment.text()).value();
  CHECK(cell.bpb_post_quant ==
        bits_per_byte(model.with_weights(rounded).value(), corpus.validation.bytes().first(4097)).value());
  std::int64_t rtn_codes = 0, held_out = -1;
  for (const auto& count : cell.checks) {
    CHECK(count.failed == 0);
    if (count.name == "rtn_codes") rtn_codes = count.passed;
    if (count.name == "calibration_held_out") held_out = count.passed;
  }
  CHECK(rtn_codes == 256 * 16 + 32 * 8 + 16 * 8 + 2 * (16 * 16 + 2 * 8 * 16 + 16 * 16 + 24 * 16 + 16 * 24));
  CHECK(held_out == -1);  // nothing was captured for this cell, so nothing was checked
}

TEST_CASE("with bits in place of a grid, N > 0 is the best method and N = 0 RTN on the same points") {
  const TinyExperiment experiment;
  auto options = experiment.options("gf16");
  options.bits = "3";
  options.seeds = {47};
  options.batches = {0, 1};
  const auto result = run(options);
  REQUIRE(result.cells.size() == 2);
  std::map<std::string, std::int64_t> checked[2];
  for (const std::size_t n : {0U, 1U}) {
    CHECK(result.cells[n].grid == "bits-3");
    for (const auto& count : result.cells[n].checks) {
      CHECK_MESSAGE(count.failed == 0, count.name);
      checked[n][count.name] = count.passed;
    }
  }
  CHECK(checked[0].at("rtn_codes") == checked[0].at("codes_on_grid"));
  CHECK(checked[0].at("scales_from_weights") > 0);
  CHECK_FALSE(checked[1].contains("scales_from_weights"));  // fitted, and of rotated rows
  CHECK(checked[1].at("product_exact") == checked[0].at("product_exact"));
  CHECK(*result.cells[1].unguarded_loss_ratio < 0.5);
}

TEST_CASE("what differs from the checkpoint's text is said, and the run goes on") {
  const TinyExperiment experiment;
  auto options = experiment.options("int8s");
  options.seeds = {47};
  options.batches = {0};
  hallmark::test::write_file(experiment.text() + "/9.txt", std::string(30'000, 'x'));
  const auto result = run(options);
  REQUIRE(result.notes.size() == 1);
  CHECK(result.notes[0].find("seed-47.safetensors was trained on another text") != std::string::npos);
}

TEST_CASE("a set that cannot be run is refused before the work") {
  const TinyExperiment experiment;
  const auto number = [&](auto change) {
    auto options = experiment.options();
    change(options);
    const auto result = run_ablation(options, {});
    return result ? 0 : result.error().number;
  };
  CHECK(number([](AblationOptions& o) { o.seeds = {}; }) == 226);
  CHECK(number([](AblationOptions& o) { o.seeds = {47, 47}; }) == 226);
  CHECK(number([](AblationOptions& o) { o.batches = {}; }) == 226);
  CHECK(number([](AblationOptions& o) { o.batches = {16, 16}; }) == 226);
  CHECK(number([](AblationOptions& o) { o.batches = {-1}; }) == 226);
  CHECK(number([](AblationOptions& o) { o.eval_bytes = 1; }) == 226);
  CHECK(number([](AblationOptions& o) { o.eval_bytes = 1'000'000; }) == 379);
  CHECK(number([](AblationOptions& o) { o.grid = "gf17"; }) == 220);
  CHECK(number([](AblationOptions& o) { o.models = "/no/such/folder"; }) == 901);
  CHECK(number([](AblationOptions& o) { o.batches = {4000}; }) == 392);
  std::filesystem::copy_file(experiment / checkpoint_name(89), experiment / checkpoint_name(90));
  CHECK(number([](AblationOptions& o) { o.seeds = {90}; }) == 378);
}

TEST_CASE("a partial run goes into no canonical ledger") {
  const AblationOptions whole;
  CHECK(run_ledger(whole, {}).value() == "assertions/calibration_ablation.jsonl");
  CHECK(run_ledger(whole, "x.jsonl").value() == "x.jsonl");
  const auto ledger_of = [&](const char* grid) {
    AblationOptions options = whole;
    options.grid = grid;
    return run_ledger(options, {}).value();
  };
  // The symmetric grids keep the names of their first ledgers; the grids of all codes have others.
  CHECK(ledger_of("int4/1") == "assertions/calibration_ablation.int4.jsonl");
  CHECK(ledger_of("int4s") == "assertions/calibration_ablation.int4.jsonl");
  CHECK(ledger_of("int4") == "assertions/calibration_ablation.int4-2.jsonl");
  CHECK(ledger_of("bf16") == "assertions/calibration_ablation.bf16.jsonl");

  AblationOptions sized = whole;
  sized.bits = "3";
  CHECK(run_ledger(sized, {}).value() == "assertions/calibration_ablation.bits-3.jsonl");
  sized.bits = "9";
  CHECK(run_ledger(sized, {}).error().number == 227);

  const auto number = [](const AblationOptions& options, const std::optional<std::string>& output) {
    const auto path = run_ledger(options, output);
    if (path) return 0;
    CHECK(path.error().exit == Exit::usage);
    return path.error().number;
  };
  AblationOptions seeds = whole, batches = whole, bytes = whole;
  seeds.seeds = {47};
  batches.batches = {0, 16};
  bytes.eval_bytes = 8192;
  for (const auto& partial : {seeds, batches, bytes}) {
    CHECK(number(partial, {}) == 225);
    CHECK(number(partial, "assertions/calibration_ablation.jsonl") == 225);
    CHECK(number(partial, "elsewhere/calibration_ablation.int4.jsonl") == 225);
    CHECK(number(partial, "smoke.jsonl") == 0);
  }
}

TEST_CASE("a broken ledger is refused before the run") {
  const hallmark::test::TemporaryFolder folder;
  hallmark::test::write_file(ledger_path(folder.path(), "gf16"), "{\"a\":1}\n");
  const auto path = run_ledger({}, {}, folder.path());
  REQUIRE_FALSE(path);
  CHECK(path.error().number == 373);
}

TEST_CASE("the commit is 40 digits, perhaps changed, or unknown") {
  const auto sha = current_git_sha();
  const bool known = sha.substr(0, 40).find_first_not_of("0123456789abcdef") == sha.npos &&
                     (sha.size() == 40 || sha.substr(40) == "+changed");
  CHECK((sha == "unknown" || known));
}

}  // namespace run_test
