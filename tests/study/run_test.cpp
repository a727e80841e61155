// A study measured on tiny checkpoints: its lines, the planted faults and the test that names them, and going on.
#include "study/run.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <omp.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "../ablation/tiny_experiment.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"
#include "replay/calibration.hpp"
#include "replay/forward.hpp"
#include "study/report.hpp"

namespace run_test {

using namespace hallmark;
using hallmark::test::read_file;
using hallmark::test::TinyExperiment;

namespace {

StudyOptions options_of(const TinyExperiment& experiment, const std::string& study, const std::string& arms) {
  StudyOptions options;
  options.study = study;
  options.pattern = arms;
  options.seeds = {47};
  options.eval_bytes = 513;
  options.models = experiment.models();
  options.text = experiment.text();
  options.git_sha = "abc";
  return options;
}

StudyRun measured(const StudyOptions& options, const LineState& state = {}) {
  auto run = run_study(options, {}, state);
  if (!run) MESSAGE(to_string(run.error()));
  REQUIRE(run);
  return *std::move(run);
}

// The line without what may differ between two runs.
std::string comparable(StudyLine line) {
  line.run = line.timestamp = "";
  line.seconds = 0;
  return study_line(line).value();
}

double sum_of(const Figures& figures, const std::string& name) {
  double sum = 0;
  for (const auto& [figure, value] : figures)
    if (figure.starts_with(name + "/")) sum += value;
  return sum;
}

}  // namespace

TEST_CASE("damage: every tensor alone and left out, repairs, and the same figures for any number of threads") {
  const TinyExperiment experiment;
  const StudyOptions options = options_of(experiment, "damage", "^int4 gptq$");
  omp_set_num_threads(1);
  const StudyRun one = measured(options);
  omp_set_num_threads(3);
  const StudyRun other = measured(options);
  omp_set_num_threads(omp_get_num_procs());
  REQUIRE(one.lines.size() == 1);
  REQUIRE(other.lines.size() == 1);
  CHECK(comparable(one.lines[0]) == comparable(other.lines[0]));
  CHECK(one.run != other.run);
  CHECK(comparable(parse_study_line(one.texts[0], "here").value()) == comparable(one.lines[0]));

  const Figures& figures = one.lines[0].figures;
  const auto model = load_model(experiment / checkpoint_name(47)).value();
  for (const std::string& name : model.matrix_names())
    for (const char* figure : {"alone/", "without/", "loss/", "bias/", "biased/", "zeros/", "entropy/"})
      CHECK_MESSAGE(figures.contains(figure + name), figure, name);
  CHECK(one.lines[0].contracts_held > 0);
  CHECK(figures.at("chance") == figures.at("damage") / (8 - one.lines[0].bpb_float));
  for (const std::string& name : model.matrix_names()) {
    CAPTURE(name);
    CHECK(figures.at("loss/" + name) <= 1 + 1e-6);  // the guard, but for the width of the enclosures
    CHECK(figures.at("biased/" + name) < 0.5);
    CHECK(figures.at("alone/" + name) != figures.at("damage"));
  }
  // What is quantized alone and what is left out are the same tensor: on a model of one tensor they would add up.
  const auto tensors = static_cast<double>(model.matrix_names().size());
  CHECK(sum_of(figures, "without") / tensors != figures.at("damage"));
  CHECK(figures.at("scales repaired") != figures.at("damage"));
  CHECK(figures.at("codes repaired") != figures.at("damage"));
  CHECK(figures.at("both repaired") != figures.at("codes repaired"));
}

TEST_CASE(
    "floored and truncated codes are off by half a step, and the row-bias test names them where it names nothing "
    "else") {
  const TinyExperiment experiment;
  const StudyRun run = measured(options_of(experiment, "damage", "^int6 (gptq|rtn)"));
  REQUIRE(run.lines.size() == 3);
  const Figures &plain = run.lines[0].figures, &floored = run.lines[1].figures, &truncated = run.lines[2].figures;
  CHECK(run.lines[1].arm == "int6 gptq, floored");
  CHECK(run.lines[2].arm == "int6 rtn, truncated");
  const auto model = load_model(experiment / checkpoint_name(47)).value();
  for (const std::string& name : model.matrix_names()) {
    CAPTURE(name);
    // With 16 columns 6 deviations are 0.43 steps, with 8 they are 0.61: half a step is told apart from 24 columns on.
    CHECK(plain.at("biased/" + name) < 0.1);
    CHECK(std::abs(plain.at("bias/" + name)) < 0.15);
    CHECK(floored.at("bias/" + name) == doctest::Approx(-0.5).epsilon(0.25));
    CHECK(truncated.at("bias/" + name) == doctest::Approx(-0.5).epsilon(0.25));
    if (model[name].cols() >= 24) CHECK(floored.at("biased/" + name) > 0.5);
    CHECK(floored.at("loss/" + name) > 4 * plain.at("loss/" + name));
    CHECK(truncated.at("loss/" + name) > 1);
  }
  // The floored arm begins with the codes of the plain one.
  CHECK(run.lines[0].codes_digest == run.lines[1].codes_digest);
}

TEST_CASE("calibration-source: each text gives other codes, judged on training text that none has seen") {
  const TinyExperiment experiment;
  const StudyRun run =
      measured(options_of(experiment, "calibration-source", "^(train text|self-generated|random bytes), 4 batches$"));
  REQUIRE(run.lines.size() == 3);
  std::set<std::string> codes;
  for (const StudyLine& line : run.lines) {
    CAPTURE(line.arm);
    codes.insert(line.codes_digest);
    for (const char* setting : {"int4 gptq", "int3 gptq", "int4 best", "int3 best"}) {
      CHECK(line.figures.contains(std::string("damage/") + setting));
      CHECK(line.figures.at(std::string("loss/") + setting) < 1);
    }
    CHECK(line.figures.at("loss/int4 best") < line.figures.at("loss/int4 gptq"));
  }
  CHECK(codes.size() == 3);
  CHECK(run.lines[0].arm == "train text, 4 batches");
  CHECK(run.lines[2].arm == "random bytes, 4 batches");
  CHECK(run.lines[0].figures.at("loss/int4 gptq") < run.lines[2].figures.at("loss/int4 gptq"));
}

TEST_CASE("rescue: what is stored beside the codes is counted, and a help of the evaluation helps the checkpoint too") {
  const TinyExperiment experiment;
  const StudyRun run = measured(options_of(experiment, "rescue", "^(nothing|low rank 2|embedding int8|n-gram cache)$"));
  REQUIRE(run.lines.size() == 4);
  const Figures &nothing = run.lines[0].figures, &low_rank = run.lines[1].figures, &wide = run.lines[2].figures,
                &cached = run.lines[3].figures;
  double factors = 0;
  const auto model = load_model(experiment / checkpoint_name(47)).value();
  for (const std::string& name : model.matrix_names())
    factors += static_cast<double>(2 * 2 * (model[name].rows() + model[name].cols()));  // rank 2, 2 bytes
  CHECK(low_rank.at("stored/int4") == nothing.at("stored/int4") + factors);
  CHECK(wide.at("stored/int4") == nothing.at("stored/int4") + 256 * 16 / 2);
  CHECK(wide.at("damage/int3") < nothing.at("damage/int3"));
  CHECK(cached.at("stored/int3") == nothing.at("stored/int3"));
  CHECK(nothing.at("checkpoint") == run.lines[0].bpb_float);
  CHECK(cached.at("checkpoint") < nothing.at("checkpoint"));
  CHECK(cached.at("damage/int4") == cached.at("bits/int4") - cached.at("checkpoint"));
}

TEST_CASE(
    "repeat-2135: every draw is other text, its few batches are the first of its many, and int7 is the embedding") {
  const TinyExperiment experiment;
  const StudyRun run = measured(options_of(experiment, "repeat-2135", "^draw [12]$"));
  REQUIRE(run.lines.size() == 2);
  CHECK(run.lines[0].codes_digest != run.lines[1].codes_digest);
  const auto model = load_model(experiment / checkpoint_name(47)).value();
  const Corpus corpus = load_corpus(experiment.text()).value();
  SplitMix64 seeds(47);
  for (const StudyLine& line : run.lines) {
    CAPTURE(line.arm);
    CHECK(line.figures.size() == 4);
    const auto plan = CalibrationPlan::draw(corpus.train, seeds(), 32).value();
    for (const std::int64_t batches : {16, 32}) {
      CAPTURE(batches);
      const std::int64_t after[] = {batches};
      const Grams grams =
          capture_grams(model, corpus.train, plan.calibration(static_cast<std::size_t>(batches)), after, [] {})
              .value()
              .front();
      Decoded decoded;
      for (const std::string& name : model.matrix_names()) {
        Options options{*Grid::parse(name == "tok_emb.weight" ? "int7s" : "int6s")};
        options.scale_rule = "sdclip";
        options.scale_storage = ScaleStorage::f16;
        const MatrixRef<double> G = grams.at(name)->G;
        const Quantized codes = quantize({name, model[name], &G}, options).value();
        decoded.emplace(name, dequantize(codes.codes, codes.steps, options.grid));
      }
      const auto evaluated = corpus.validation.bytes().first(513);
      const double damage = bits_per_byte(model.with_weights(decoded).value(), evaluated).value() - line.bpb_float;
      CHECK(line.figures.at(fmt::format("damage/int6 sdclip, {} batches", batches)) == damage);
    }
  }
}

TEST_CASE("training: every arm is measured on its own checkpoint, and its lines speak of the first arm's") {
  const TinyExperiment experiment;
  StudyOptions options = options_of(experiment, "training", "^(plain|kombucha)$");
  options.models = experiment / "arms";
  std::filesystem::create_directories(experiment / "arms/plain");
  std::filesystem::copy_file(experiment / checkpoint_name(47), options.models + "/plain/" + checkpoint_name(47));
  const auto missing = run_study(options, {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().where.find("arms/kombucha/seed-47.safetensors") != std::string::npos);

  Weights weights = zero_weights(hallmark::test::tiny_config());
  SplitMix64 values(1);
  for (auto& [name, weight] : weights)
    for (Index i = 0; i < weight.values.size(); ++i) weight.values.data()[i] = 0.3F * hallmark::test::uniform(values);
  std::filesystem::create_directories(experiment / "arms/kombucha");
  REQUIRE(write_model(options.models + "/kombucha/" + checkpoint_name(47), false, hallmark::test::tiny_config(),
                      weights, {{"hallmark.seed", "47"}}));
  const StudyRun run = measured(options);
  REQUIRE(run.lines.size() == 2);
  const auto evaluated = load_corpus(experiment.text()).value().validation;
  for (const StudyLine& line : run.lines) {
    CAPTURE(line.arm);
    const auto model = load_model(options.models + "/" + line.arm + "/" + checkpoint_name(47)).value();
    CHECK(line.figures.at("checkpoint") == bits_per_byte(model, evaluated.bytes().first(513)).value());
    CHECK(line.figures.at("bits/int4 gptq") == line.figures.at("checkpoint") + line.figures.at("damage/int4 gptq"));
    CHECK(line.bpb_float == run.lines[0].figures.at("checkpoint"));
    CHECK(line.checkpoint_digest == run.lines[0].checkpoint_digest);
  }
  CHECK(run.lines[1].figures.at("checkpoint") != run.lines[0].figures.at("checkpoint"));
  CHECK(run.lines[1].codes_digest != run.lines[0].codes_digest);

  // The arms are those that are trained, in their order.
  const auto recipes = nlohmann::ordered_json::parse(read_file("trainer/recipe-study.json"));
  std::vector<std::string> trained;
  for (const auto& [arm, entries] : recipes["arms"].items()) trained.push_back(arm);
  CHECK(find_study("training")->arms() == trained);
}

TEST_CASE("learned-tables: what learns loses less, and the damage is that of the learned codes") {
  const TinyExperiment experiment;
  const StudyRun run = measured(options_of(experiment, "learned-tables", "^2 bits$"));
  REQUIRE(run.lines.size() == 1);
  const Figures& figures = run.lines[0].figures;
  CHECK(figures.at("tables") > 0);
  CHECK(figures.at("loss") < 1);
  CHECK(figures.at("loss") == sum_of(figures, "learned loss") / sum_of(figures, "fixed loss"));
  CHECK(figures.at("learned damage") != figures.at("fixed damage"));
  double lower = 0;
  for (const auto& [figure, loss] : figures)
    if (figure.starts_with("learned loss/")) lower += loss < figures.at("fixed loss/" + figure.substr(13));
  CHECK(lower == figures.at("tables"));
}

TEST_CASE("a state gives back the lines of a run that was killed, and no others") {
  const TinyExperiment experiment;
  StudyOptions options = options_of(experiment, "damage", "^int3 (gptq, floored|rtn)");
  const auto state = State::open(experiment / "state", "study", false);
  REQUIRE(state);
  std::vector<std::string> taken;
  const LineState where{&*state, "program", [&](const std::string& line, const std::string& why_not) {
                          if (why_not.empty()) taken.push_back(line);
                        }};
  const StudyRun first = measured(options, where);
  CHECK(taken.empty());
  const StudyRun again = measured(options, where);
  CHECK(taken.size() == 2);
  CHECK(again.run == first.run);
  CHECK(again.texts == first.texts);
  taken.clear();
  options.git_sha = "def";
  CHECK(measured(options, where).run != first.run);
  CHECK(taken.empty());
}

TEST_CASE("what is asked wrongly is refused before anything is read") {
  const TinyExperiment experiment;
  const auto number = [&](auto change) {
    StudyOptions changed = options_of(experiment, "damage", "^int4 gptq$");
    change(changed);
    const auto run = run_study(changed, {});
    return run ? 0 : run.error().number;
  };
  CHECK(number([](StudyOptions& o) { o.study = "no such study"; }) == 226);
  CHECK(number([](StudyOptions& o) { o.pattern = "no such arm"; }) == 226);
  CHECK(number([](StudyOptions& o) { o.pattern = "("; }) == 210);
  CHECK(number([](StudyOptions& o) { o.seeds = {}; }) == 226);
  CHECK(number([](StudyOptions& o) { o.seeds = {47, 47}; }) == 226);
  CHECK(number([](StudyOptions& o) { o.eval_bytes = 256; }) == 226);
  CHECK(number([](StudyOptions& o) { o.eval_bytes = 10'000'000; }) == 379);

  const StudyOptions part = options_of(experiment, "damage", "gptq");
  StudyOptions whole;
  whole.study = "damage";
  CHECK(study_ledger(whole, {}).value() == studies_ledger_path);
  CHECK(study_ledger(part, {}).error().number == 225);
  const auto refused = [&](auto change) {
    StudyOptions changed = whole;
    change(changed);
    return study_ledger(changed, {}).error().number == 225;
  };
  CHECK(refused([](StudyOptions& o) { o.pattern = "gptq"; }));
  CHECK(refused([](StudyOptions& o) { o.seeds = {47, 89}; }));
  CHECK(refused([](StudyOptions& o) { o.eval_bytes = 16384; }));
  CHECK(study_ledger(part, std::string(studies_ledger_path)).error().number == 225);
  CHECK(study_ledger(part, experiment / "part.jsonl").value() == experiment / "part.jsonl");
  hallmark::test::write_file(experiment / "broken.jsonl", "{\"a\":1}\n");
  CHECK(study_ledger(part, experiment / "broken.jsonl").error().number == 373);
}

}  // namespace run_test
