// quantize --config: what rules do, and every way in which they can be wrong, in three lines and with nothing written.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "../io/temporary_folder.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace rules_test {

using namespace hallmark;
using hallmark::test::noise;
using hallmark::test::Result;
using hallmark::test::shell;
using hallmark::test::write_tensors;

namespace {

struct Workspace {
  test::TemporaryFolder folder;

  Workspace() {
    write_tensors(folder / "w.safetensors", {{"a.weight", DType::F32, {6, 8}},
                                             {"b.weight", DType::F32, {4, 5}},
                                             {"e", DType::BF16, {2, 4, 8}},
                                             {"bias", DType::F32, {6}}});
    calibrate();
  }
  void calibrate(std::vector<test::MadeTensor> more = {}) const {
    std::vector<test::MadeTensor> tensors{{"a.weight.activations", DType::F32, {40, 8}},
                                          {"b.weight.activations", DType::F32, {40, 5}}};
    tensors.insert(tensors.end(), more.begin(), more.end());
    write_tensors(folder / "c.safetensors", tensors);
  }

  /// The rules, each an object in JSON, and flags.
  Result quantize(const std::string& rules, const std::string& flags = "") const {
    test::write_file(folder / "r.json", fmt::format(R"({{"rules": [{}]}})", rules));
    return run("--config r.json " + flags);
  }
  Result run(const std::string& flags) const {
    return shell(
        fmt::format("cd {}; {} quantize --weights w.safetensors --calibration c.safetensors -o q.safetensors {}",
                    folder.path(), HALLMARK_TOOL, flags));
  }

  /// What --dry-run says of a matrix or tensor.
  static std::string line_of(const Result& planned, const std::string& name) {
    const auto at = planned.out.find(name);
    REQUIRE_MESSAGE(at != std::string::npos, planned.out);
    return planned.out.substr(at, planned.out.find('\n', at) - at);
  }

  static void three_lines(const Result& result, int exit, const std::string& number,
                          const std::vector<std::string>& words) {
    CAPTURE(result.out);
    CHECK(result.exit == exit);
    CHECK(result.out.starts_with("error[" + number + "]: "));
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 3);
    CHECK(result.out.find("\n  try: ") != std::string::npos);
    for (const std::string& word : words) CHECK_MESSAGE(result.out.find(word) != std::string::npos, word);
  }
  void refuses(const std::string& rules, int exit, const std::string& number, const std::vector<std::string>& words,
               const std::string& flags = "") const {
    CAPTURE(rules);
    for (const std::string dry : {"", " --dry-run"}) three_lines(quantize(rules, flags + dry), exit, number, words);
    nothing_written();
  }
  void nothing_written() const {
    for (const char* name : {"q.safetensors", "q.certificate.json"})
      CHECK_FALSE(std::filesystem::exists(folder / name));
    CHECK(folder.count() <= 4);  // W, C, the rules and a table
  }
};

}  // namespace

TEST_CASE("a configuration that is none is refused") {
  const Workspace work;
  const auto refuses = [&](const std::string& text, const std::vector<std::string>& words) {
    CAPTURE(text);
    test::write_file(work.folder / "r.json", text);
    Workspace::three_lines(work.run("--config r.json"), 2, "E0229", words);
    work.nothing_written();
  };
  refuses("", {"not JSON", "r.json"});
  refuses("{", {"not JSON"});
  refuses("[]", {"list of rules"});
  refuses("{}", {"list of rules"});
  refuses(R"({"rules": {}})", {"list of rules"});
  refuses(R"({"rules": [], "more": 1})", {"list of rules"});
  refuses(R"({"rules": [], "rules": []})", {"a key twice"});
  refuses(R"({"rules": []})", {"the configuration has no rule", "leave --config out"});
  refuses(R"({"rules": [1]})", {"r.json: rule 1"});
  refuses(R"({"rules": [{"grid": "int4"}]})", {"with a pattern", "r.json: rule 1"});
  Workspace::three_lines(work.run("--config none.json"), 9, "E0901", {"none.json"});
  Workspace::three_lines(work.run("--config ."), 9, "E0901", {"not a regular file"});
  work.nothing_written();
}

TEST_CASE("every malformed rule is refused by its number, before any file is written") {
  const Workspace work;
  const std::string good = R"({"match": "a", "grid": "int8"}, )", second = "r.json: rule 2";
  const auto refuses = [&](const std::string& rule, int exit, const std::string& number,
                           std::vector<std::string> words) {
    words.push_back(second);
    work.refuses(good + rule, exit, number, words);
  };
  refuses(R"({"match": "b", "group_sise": 4})", 2, "E0229", {"unknown key 'group_sise'", "did you mean 'group_size'?"});
  refuses(R"({"match": "b", "transpose": true})", 2, "E0229", {"did you mean 'transposed'?"});
  refuses(R"({"match": "b", "xyzzyxyzzy": 1})", 2, "E0229", {"keys: grid, method, "});
  refuses(R"({"match": "b"})", 2, "E0229", {"a rule says nothing"});
  refuses(R"({"match": 3, "grid": "int4"})", 2, "E0229", {"'match' is a regular expression"});
  refuses(R"({"match": "(", "grid": "int4"})", 2, "E0210", {"'('"});
  refuses(R"({"match": "b", "skip": 1})", 2, "E0229", {"'skip' is true or false"});
  refuses(R"({"match": "b", "rtn": "true"})", 2, "E0229", {"'rtn' is true or false"});
  refuses(R"({"match": "b", "transposed": null})", 2, "E0229", {"'transposed' is true or false"});
  refuses(R"({"match": "b", "grid": ["int4"]})", 2, "E0229", {"'grid' is a word"});
  refuses(R"({"match": "b", "skip": true, "grid": "int4"})", 2, "E0230", {"contradicts itself"});
  refuses(R"({"match": "b", "skip": true, "rtn": true})", 2, "E0230", {"contradicts itself"});
  refuses(R"({"match": "b", "grid": "int9"})", 2, "E0220", {});
  refuses(R"({"match": "b", "method": "optimal"})", 2, "E0224", {});
  refuses(R"({"match": "b", "scale_rule": "maxabs"})", 2, "E0222", {});
  refuses(R"({"match": "b", "scale_storage": "f64"})", 2, "E0227", {"f32, f16 or bf16"});
  refuses(R"({"match": "b", "group_size": -1})", 2, "E0227", {"group_size is '-1'"});
  refuses(R"({"match": "b", "group_size": 1.5})", 2, "E0227", {"group_size is '1.5'"});
  refuses(R"({"match": "b", "damp_fraction": 1})", 2, "E0227", {"below 1"});
  refuses(R"({"match": "b", "guard": "yes"})", 2, "E0227", {"true or false"});
  for (const std::string bits : {"1", "9", "4.5", "\"04\"", "true"})
    refuses(R"({"match": "b", "bits": )" + bits + "}", 2, "E0227", {"bits is '", "a whole number from 2 to 8"});
  refuses(R"({"match": "nothing", "grid": "int4"})", 4, "E0430", {"'nothing' against 3 tensors"});
  refuses(R"({"match": "bias", "grid": "int4"})", 4, "E0430", {"'bias' against 3 tensors"});  // a vector is no matrix
}

TEST_CASE("rules that do not fit their matrices are refused before any work") {
  const Workspace work;
  work.refuses(R"({"match": "a", "grid": "int4"}, {"match": "a", "grid": "int8"})", 2, "E0230",
               {"a rule has no effect", "r.json: rule 1"});
  work.refuses(R"({"match": "a", "group_size": 4}, {"match": "a", "skip": true})", 2, "E0230", {"r.json: rule 1"});
  work.refuses(R"({"match": "a", "grid": "int4", "scale_rule": "matrix-max"})", 2, "E0223",
               {"scale rule matrix-max is not for grid int4", "'a.weight'", "r.json: rule 1"});
  work.refuses(R"({"match": "a", "grid": "int4z"})", 2, "E0223",
               {"scale rule absmax is not for grid int4z", "the command line"}, "--scale-rule absmax --grid int4");
  for (const bool there : {false, true}) {
    if (there) work.calibrate({{"a.weight.scale", DType::F32, {6}, std::vector<float>(6, 0.125F)}});
    work.refuses(R"({"match": "a", "scale_rule": "given"})", 2, "E0223",
                 {"tensor 'a.weight', r.json: rule 1", "leave scale_rule out", "where the file holds NAME.scale"});
    Workspace::three_lines(work.run("--scale-rule given"), 2, "E0223", {"\n  the command line\n"});
  }
  work.calibrate();
  // What an earlier rule skips no later rule quantizes, unless it says so.
  work.refuses(R"({"match": "a", "skip": true}, {"match": "a.w", "grid": "int3"})", 2, "E0230",
               {"r.json: rule 2: r.json: rule 1 skips every tensor that 'a.w' finds", "\"skip\": false"});
  work.refuses(
      R"({"match": "a", "skip": true}, {"match": "weight", "grid": "int3"}, {"match": "b", "grid": "int4"})", 2,
      "E0230",
      {"r.json: rule 2: r.json: rule 1 skips tensors that 'weight' finds", "later rules undo", "of the others"});
  CHECK(
      work.quantize(R"({"match": "weight", "skip": true}, {"match": "a", "grid": "int3", "skip": false})", "--dry-run")
          .out.find("int3 gptq absmax") != std::string::npos);
  work.refuses(R"({"match": ".", "skip": true})", 4, "E0432", {"0 tensors excluded, 3 skipped by rules", "narrower"});
  work.refuses(R"({"match": ".", "skip": true})", 4, "E0432", {"1 tensors excluded, 2 skipped by rules"},
               "--exclude a");
  work.refuses(R"({"match": "a", "group_size": 9})", 4, "E0434", {"a.weight: 8 columns, groups of 9"});
  work.refuses(R"({"match": "b", "group_size": 6}, {"match": "a", "group_size": 16})", 4, "E0434",
               {"2 matrices", "a.weight: 8 columns", "b.weight: 5 columns"});
  work.refuses(R"({"match": "^e$", "grid": "int4"})", 4, "E0431",
               {"2 selected matrices", "e[0]; e[1]", "\"rtn\": true"});
  for (const std::string rule : {"diag", "pivot"}) {
    for (const std::string how : {R"("method": "rtn")", R"("rtn": true)"})
      work.refuses(R"({"match": "^e$", "grid": "int4", "scale_rule": ")" + rule + "\", " + how + "}", 4, "E0431",
                   {"2 selected matrices lack the calibration that their scale rule needs", "e[0]: scale rule " + rule,
                    "--scale-rule absmax", "\"scale_rule\""});
    work.refuses(R"({"match": "a", "scale_rule": ")" + rule + "\"}", 2, "E0223",
                 {"is not for grid gf16", "'a.weight'"});
  }
  work.calibrate({{"e[0].activations", DType::F32, {9, 8}}});
  work.refuses(R"({"match": "a", "grid": "int4"})", 4, "E0431", {"e[1]"});
  work.calibrate({{"e[0].activations", DType::F32, {9, 8}}, {"e[1].activations", DType::F32, {0, 8}}});
  work.refuses(R"({"match": "a", "grid": "int4"})", 3, "E0385", {"e[1]", "\"rtn\": true"});
  work.calibrate({{"e[0].activations", DType::F32, {9, 4}}, {"e[1].activations", DType::F32, {9, 8}}});
  work.refuses(R"({"match": "a", "grid": "int4"})", 4, "E0415",
               {"c.safetensors", "'e[0]'", "a rule with \"transposed\": true where W holds"});
  work.refuses(R"({"match": "a", "transposed": true})", 4, "E0415",
               {"'a.weight' of shape [8, 6]", "no \"transposed\" for a matrix"});
  work.calibrate({{"e[0].activations", DType::F32, {9, 3}}, {"e[1].activations", DType::F32, {9, 8}}});
  work.refuses(R"({"match": "a", "grid": "int4"})", 4, "E0415", {"'e[0]'", "capture the inputs of this very layer"});
}

TEST_CASE("given steps that do not fit are refused before any work") {
  const Workspace work;
  const auto given = [&](const Shape& scales, const Shape& zeros = {}) {
    std::vector<test::MadeTensor> tensors{
        {"a.weight.scale", DType::F32, scales, std::vector<float>(element_count(scales), 0.125F)}};
    if (!zeros.empty())
      tensors.push_back({"a.weight.zero_point", DType::U8, zeros, std::vector<float>(element_count(zeros), 3)});
    work.calibrate(tensors);
  };
  const std::string symmetric = R"({"match": "a", "grid": "int4", "group_size": 4})",
                    shifted = R"({"match": "a", "grid": "int4z", "group_size": 4})";
  given({6, 3});
  work.refuses(
      symmetric, 4, "E0415",
      {"the scale has shape [6, 3], rows and groups are [6, 2]", "scales [rows] or [rows, groups]", "--group-size N"});
  given({5});
  work.refuses(symmetric, 4, "E0415", {"the scale has shape [5]"});
  given({6, 2}, {6, 2});
  work.refuses(symmetric, 4, "E0435", {"a.weight: given zero points, grid int4"});
  given({6, 2});
  work.refuses(shifted, 4, "E0435", {"a.weight: no zero points, grid int4z"});
  given({6, 2}, {6});
  work.refuses(shifted, 3, "E0383", {"'a.weight'", "[6] and [6, 2]", "NAME.zero_point beside NAME.scale"});
  work.calibrate({{"a.weight.zero_point", DType::U8, {6}, std::vector<float>(6, 1)}});
  work.refuses(shifted, 3, "E0383", {"no scale"});
  // Values are read with the matrix; nothing is left behind all the same.
  const auto refuses_value = [&](float scale, float zero, const std::string& grid, const std::string& number,
                                 const std::string& place, const std::string& storage = "f32") {
    std::vector<float> scales(6, 0.125F), zeros(6, 3);
    scales[4] = scale;
    zeros[4] = zero;
    std::vector<test::MadeTensor> tensors{{"a.weight.scale", DType::F32, {6}, scales}};
    if (grid == "int4z") tensors.push_back({"a.weight.zero_point", DType::U8, {6}, zeros});
    work.calibrate(tensors);
    Workspace::three_lines(
        work.quantize(fmt::format(R"({{"match": "a", "grid": "{}", "scale_storage": "{}"}})", grid, storage)), 3,
        number, {"c.safetensors: tensor '" + place + "'"});
    work.nothing_written();
  };
  refuses_value(0, 3, "int4", "E0383", "a.weight.scale");
  refuses_value(std::numeric_limits<float>::infinity(), 3, "int4", "E0383", "a.weight.scale");
  refuses_value(-1, 3, "int4s", "E0321", "a.weight.scale");
  refuses_value(1, 16, "int4z", "E0321", "a.weight.zero_point");
  refuses_value(0x1.ffep0F, 3, "int4", "E0321", "a.weight.scale", "f16");
}

TEST_CASE("a table of points that is none is refused") {
  const Workspace work;
  const auto refuses = [&](const std::string& text, int exit, const std::string& number,
                           const std::vector<std::string>& words) {
    CAPTURE(text);
    test::write_file(work.folder / "t.txt", text);
    work.refuses(R"({"match": "a", "grid": "table:t.txt"})", exit, number, words);
  };
  refuses("-1 0.5 0.5 2", 2, "E0221", {});
  refuses("1 0", 2, "E0221", {});
  refuses("", 2, "E0221", {});
  refuses("1", 2, "E0221", {});
  refuses("0 1 inf", 2, "E0221", {});
  refuses("0 0.1 1", 2, "E0221", {});  // 24 significant bits
  refuses("0 half 1", 2, "E0221", {"word 2 is 'half'"});
  std::filesystem::remove(work.folder / "t.txt");
  work.refuses(R"({"match": "a", "grid": "table:t.txt"})", 9, "E0901", {"t.txt"});
}

TEST_CASE("the later rule counts, and the flags are the first") {
  const Workspace work;
  const Result planned =
      work.quantize(R"({"match": "weight", "grid": "int8", "group_size": 4}, {"match": "^b", "grid": "int4z"},)"
                    R"({"match": "^e", "rtn": true, "scale_storage": "bf16"})",
                    "--grid nf4 --damp-fraction 0.05 --dry-run");
  CAPTURE(planned.out);
  CHECK(planned.exit == 0);
  const auto line = [&](const std::string& name) { return Workspace::line_of(planned, name); };
  CHECK(line("a.weight").ends_with("int8 gptq absmax, group_size 4, damp_fraction 0.05"));
  CHECK(line("b.weight").ends_with("int4z gptq minmax, group_size 4, damp_fraction 0.05"));
  CHECK(
      line("e[1]").ends_with("nf4 rtn absmax, scale_storage bf16; rounded to nearest for want of calibration, "
                             "without damp_fraction 0.05"));
  CHECK(planned.out.find("4 matrices are quantized, 0 tensors of 2 or 3 dimensions pass through") != std::string::npos);
  CHECK(work.folder.count() == 3);
}

TEST_CASE("bits stand for settings, and what is said of these counts") {
  const Workspace work;
  const auto settings = [&](const std::string& flags) {
    const Result planned = work.run("--dry-run " + flags);
    REQUIRE_MESSAGE(planned.exit == 0, planned.out);
    return planned.out;
  };
  const std::string by_hand = " --method best --rotation hadamard:16 --scale-storage f16";
  for (const std::string bits : {"2", "3", "4"})
    CHECK(settings("--bits " + bits) == settings("--grid lloyd:" + bits + by_hand));
  for (const std::string bits : {"5", "6", "7", "8"})
    CHECK(settings("--bits " + bits) == settings("--grid int" + bits + by_hand));
  CHECK(settings("--bits 4 --grid int4 --rotation none") == settings("--grid int4 --method best --scale-storage f16"));
  CHECK(settings("--bits 4") != settings("--bits 4 --rotation none"));
  test::write_file(work.folder / "r.json", R"({"rules": [{"match": "a", "effort": 2, "grid": "int4", "bits": 8}]})");
  const std::string by_rule = settings("--bits 4 --config r.json");
  test::write_file(work.folder / "r.json", R"({"rules": [{"match": "a", "effort": 2, "grid": "int4"}]})");
  CHECK(by_rule == settings("--grid lloyd:4 --config r.json" + by_hand));
  Workspace::three_lines(work.run("--bits 16"), 2, "E0227", {"the command line: bits is '16'"});
}

TEST_CASE("a preset stands for the settings of a block") {
  const Workspace work;
  const auto settings = [&](const std::string& flags) {
    const Result planned = work.run("--dry-run " + flags);
    REQUIRE_MESSAGE(planned.exit == 0, planned.out);
    return planned.out;
  };
  // A matrix has 8 columns at most here, too few for groups of 32.
  const std::string narrow = " --include a.weight --group-size 8", by_hand = " --scale-storage f16" + narrow;
  CHECK(settings("--preset q4_0" + narrow) == settings("--grid int4" + by_hand));
  CHECK(settings("--preset q8_0" + narrow) == settings("--grid int8" + by_hand));
  CHECK(settings("--preset q8_0 --grid int5" + narrow) == settings("--grid int5" + by_hand));
  Workspace::three_lines(work.run("--preset q4_0 --dry-run"), 4, "E0434", {"32"});
  Workspace::three_lines(work.run("--preset q5_0"), 2, "E0227", {"preset is 'q5_0'", "q4_0, q6_k or q8_0"});
  Workspace::three_lines(work.run("--preset q4_0 --bits 4"), 2, "E0230", {"bits 4 and preset q4_0", "one of them"});
  test::write_file(work.folder / "r.json", R"({"rules": [{"match": "a", "preset": "q8_0", "group_size": 4}]})");
  const std::string by_rule = settings("--grid int4" + by_hand + " --config r.json");
  test::write_file(work.folder / "r.json", R"({"rules": [{"match": "a", "grid": "int8", "group_size": 4}]})");
  CHECK(by_rule == settings("--grid int4" + by_hand + " --config r.json"));
}

TEST_CASE("an option that nothing reads is refused, one that some tensor reads is not") {
  const Workspace work;
  const auto refuses = [&](const std::string& flags, const std::vector<std::string>& words) {
    CAPTURE(flags);
    for (const std::string dry : {"", " --dry-run"}) Workspace::three_lines(work.run(flags + dry), 2, "E0230", words);
    CHECK(work.folder.count() == 2);
  };
  refuses("--sweeps 3", {"the command line: sweeps 3", "method descent", "leave sweeps out"});
  refuses("--method best --sweeps 3", {"method descent"});
  refuses("--effort 5", {"the command line: effort 5", "method best"});
  refuses("--method descent --effort 5", {"method best"});
  refuses("--rate 0.1", {"the command line: rate 0.1", "method rate-distortion"});
  refuses("--method best --beam 4", {"the command line: beam 4", "method rate-distortion"});
  refuses("--prune 0.2", {"the command line: prune 0.2", "method prune"});
  refuses("--method gptq --prune-by scale", {"the command line: prune_by scale", "method prune"});
  refuses("--ratios 1,0.5 --scale-rule absmax --grid int4", {"ratios 1,0.5", "scale rule search"});
  refuses("--rotation-seed 7 --grid int4", {"rotation_seed 7", "rotation hadamard:16"});
  refuses("--method rtn --damp-fraction 0.1", {"damp_fraction 0.1", "needs calibration"});
  refuses("--method rtn --desc-act", {"desc_act true", "needs calibration"});
  work.refuses(R"({"match": "^a", "sweeps": 2}, {"match": "b", "method": "descent"})", 2, "E0230",
               {"r.json: rule 1: sweeps 2", "method descent"});
  for (const std::string flags :
       {"--method descent --sweeps 3", "--method best --effort 1",
        "--method rate-distortion --grid int4 --rate 0.1 --beam 4", "--grid int4 --scale-rule search --ratios 1,0.5",
        "--method prune --grid int4 --prune 0.2 --prune-by scale --sweeps 3",
        "--grid int3 --method rtn --scale-rule pivot --damp-fraction 0.1 --desc-act"})
    CHECK_MESSAGE(work.run(flags + " --dry-run").exit == 0, flags);
  const Result mixed = work.quantize(R"({"match": "^b", "method": "gptq"})", "--method best --effort 5 --dry-run");
  CAPTURE(mixed.out);
  CHECK(mixed.exit == 0);
  CHECK(Workspace::line_of(mixed, "a.weight").ends_with("gf16 best matrix-max, effort 5"));
  CHECK(Workspace::line_of(mixed, "b.weight").ends_with("gf16 gptq matrix-max"));
}

TEST_CASE("what passes through is listed with its reason") {
  const Workspace work;
  const Result planned = work.quantize(R"({"match": "b", "skip": true})", "--grid int8 --dry-run");
  CAPTURE(planned.out);
  CHECK(planned.exit == 0);
  CHECK(planned.out.find("passes through: skipped by r.json: rule 1") != std::string::npos);
  CHECK(planned.out.find("passes through: no calibration") != std::string::npos);
  CHECK(planned.out.find("1 matrices are quantized, 2 tensors") != std::string::npos);
  const Result excluded = work.run("--exclude a --include weight --dry-run");
  CAPTURE(excluded.out);
  CHECK(excluded.out.find("passes through: excluded") != std::string::npos);
  CHECK(excluded.out.find("passes through: not included") != std::string::npos);
  const Result made = work.quantize(R"({"match": "b", "skip": true})");
  CAPTURE(made.out);
  CHECK(made.exit == 0);
  CHECK(made.out.find("1 matrix left as it is: skipped by r.json: rule 1: b.weight") != std::string::npos);
  const auto uncalibrated = [&](const std::string& weights) {
    return shell(fmt::format("cd {}; {} quantize --weights {} --method rtn --dry-run", work.folder.path(),
                             HALLMARK_TOOL, weights));
  };
  CHECK(uncalibrated("w.safetensors").out.find("passes through: 3 dimensions need --include or a rule") !=
        std::string::npos);
  write_tensors(work.folder / "stack.safetensors", {{"e", DType::BF16, {2, 4, 8}}});
  Workspace::three_lines(uncalibrated("stack.safetensors"), 4, "E0432",
                         {"1 tensors of 2 or 3", "--include, or a rule"});
}

}  // namespace rules_test
