// What users do wrong, and what their machines do to them: lost output, empty values, odd names, one file for two
// outputs.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/safetensors.hpp"
#include "io/utf8.hpp"
#include "method/options.hpp"
#include "shell.hpp"

namespace user_test {

namespace fs = std::filesystem;
using namespace hallmark;
using hallmark::test::Result;

namespace {

/// {tool} in the command is the tool, {dir} the folder with w, c and zero.safetensors.
struct Workspace {
  fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-user-{}", ::getpid());

  Workspace() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    write("w.safetensors", {{"a.weight", DType::F32, {4, 3}}}, 0.25F);
    write("c.safetensors", {{"a.weight.activations", DType::F32, {9, 3}}}, 0.5F);
    write("zero.safetensors", {{"a.weight.gram", DType::F32, {3, 3}}}, 0);
    write("none.safetensors", {{"a.weight.activations", DType::F32, {0, 3}}}, 0);
    write("huge.safetensors", {{"a.weight", DType::F32, {4, 3}}}, 3e38F);
    write("empty.safetensors", {{"a.weight", DType::F32, {0, 3}}}, 0);
  }
  ~Workspace() { fs::remove_all(folder); }

  void write(const std::string& name, const std::vector<TensorPlan>& plan, float step) const {
    auto writer = SafeTensorsWriter::create((folder / name).string(), true, plan, {});
    REQUIRE(writer);
    for (const TensorPlan& tensor : plan) {
      std::vector<float> values(element_count(tensor.shape));
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = step * (static_cast<float>(i * i % 7) / 6);
      REQUIRE(writer->write(tensor.name, std::span<const float>(values)));
    }
    REQUIRE(writer->commit());
  }

  /// In the folder; stdout and stderr together, unless the command sends them elsewhere.
  Result run(const std::string& command) const {
    return hallmark::test::shell(
        fmt::format("cd '{}'; tool() {{ '{}' \"$@\"; }}; {}", folder.string(), HALLMARK_TOOL, command));
  }

  /// Fails with this exit code and number, in three lines.
  void refuses(const std::string& command, int exit, const std::string& number, const std::string& says = "") const {
    const Result result = run(command);
    CAPTURE(command);
    CAPTURE(result.out);
    CHECK(result.exit == exit);
    CHECK(result.out.starts_with("error[" + number + "]: "));
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 3);
    CHECK(result.out.find(says) != std::string::npos);
  }
};

const std::string calibrated = "tool quantize --weights w.safetensors --calibration c.safetensors ";

}  // namespace

TEST_CASE("a result that nobody receives exits 9, whatever the command") {
  const Workspace work;
  for (const std::string command :
       {"inspect w.safetensors", "inspect --json w.safetensors", "version", "version --json", "--version", "--help",
        "quantize --help", "quantize --weights w.safetensors --method rtn --dry-run"}) {
    work.refuses("tool " + command + " > /dev/full", 9, "E0901", "standard output");
    work.refuses("tool " + command + " >&-", 9, "E0901", "standard output");
  }
  work.refuses("echo 1 | tool codec encode > /dev/full", 9, "E0901");
  work.refuses("tool codec encode < /", 9, "E0901", "standard input");
  work.refuses("tool ttest < /", 9, "E0901", "standard input");
  work.refuses("tool ttest <&-", 9, "E0901", "standard input");
}

TEST_CASE("closed and full standard streams never reach an output file") {
  const Workspace work;
  for (const std::string streams : {" <&- >&- 2>&-", " 2>/dev/full", " >/dev/full"}) {
    CHECK(work.run(calibrated + "--overwrite -o q.safetensors" + streams).exit == 0);
    CHECK(work.run("tool inspect q.safetensors").exit == 0);
  }
}

TEST_CASE("empty values and numbers out of range are usage errors") {
  const Workspace work;
  for (const std::string flag :
       {"--damp-percent", "--group-size", "--block-size", "--threads", "--grid", "--scale-rule", "--method", "--report",
        "--include", "--exclude", "--calibration", "--output"}) {
    work.refuses(calibrated + "-o q.safetensors " + flag + " ''", 2, "E0201", "empty");
    work.refuses(calibrated + "-o q.safetensors " + flag + "=", 2, "E0201", flag);
  }
  for (const std::string flag : {"--threads 0", "--threads 1000000"})
    work.refuses(calibrated + "-o q.safetensors " + flag, 2, "E0201", "--threads");
  for (const std::string flag :
       {"group_size -1", "group_size 99999999999999999999999", "group_size 0x10", "block_size 0", "block_size 1.5",
        "damp_fraction nan", "damp_fraction 1", "damp_fraction 1e-400", "scale_storage f64", "rate 1", "rate -0.1",
        "rate nan", "prune 1", "prune -0.1", "prune_by size"}) {
    const std::string option = flag.substr(0, flag.find(' '));
    std::string typed = "--" + flag;
    std::ranges::replace(typed, '_', '-');
    work.refuses(calibrated + "-o q.safetensors " + typed, 2, "E0227", option + " is '");
  }
  work.refuses(calibrated + "-o q.safetensors --damp-percent 1", 2, "E0227", "damp_fraction is '1'");  // its first name
  work.refuses(calibrated + "-o q.safetensors --method rate-distortion --dry-run", 2, "E0233", "--grid int8");
  work.refuses(calibrated + "-o q.safetensors --method prune --dry-run", 2, "E0233", "--grid intB");
  work.refuses(calibrated + "-o q.safetensors --method sparse24 --dry-run", 2, "E0233", "--no-guard");
  work.refuses("tool gram --model m -o g --batches 0", 2, "E0201", "from 1 to 4096");
  CHECK(work.run("tool quantize --help").out.find("=0 ") == std::string::npos);
  CHECK_FALSE(fs::exists(work.folder / "q.safetensors"));
}

TEST_CASE("every option of the table is a flag with its help; one that is true or false has two") {
  const Workspace work;
  const std::string help = work.run("tool quantize --help").out;
  const Options defaults{*Grid::parse("gf16")};
  visit_options(defaults, [&]<class T>(const OptionInfo& info, const T&) {
    std::string flag(info.name);
    std::ranges::replace(flag, '_', '-');
    CHECK_MESSAGE(help.find("\n  --" + flag) != std::string::npos, flag);
    CHECK_MESSAGE(help.find(option_help(info) + " [") != std::string::npos, flag);
    const bool two = std::is_same_v<T, bool>;
    CHECK_MESSAGE((help.find("\n  --no-" + flag) != std::string::npos) == two, flag);
  });
  const auto planned = [&](const std::string& flags) { return work.run(calibrated + "--dry-run " + flags).out; };
  const std::string plain = planned("");
  CHECK(planned("--guard --no-desc-act") == plain);
  CHECK(planned("--no-guard").find("guard false") != std::string::npos);
  CHECK(planned("--desc-act").find("desc_act true") != std::string::npos);
  CHECK(planned("--no-guard=false --desc-act=false") == plain);
  work.refuses(calibrated + "--dry-run --guard --no-guard", 2, "E0201", "--no-guard");
}

TEST_CASE("an unknown command is named") {
  const Workspace work;
  work.refuses("tool quantise", 2, "E0201", "unknown command 'hallmark quantise'");
  work.refuses("tool codec encod", 2, "E0201", "did you mean encode?");
  work.refuses("tool codec", 2, "E0201", "needs a command");
  work.refuses("tool codec ''", 2, "E0201", "'hallmark codec' needs a command");
  CHECK(work.run("tool '' -o q").out ==
        "error[E0201]: 'hallmark' needs a command\n  hallmark '' -o q\n  try: hallmark --help\n");
  CHECK(work.run("tool --version").out.starts_with("hallmark "));
}

TEST_CASE("two outputs that are one file are refused before any work") {
  const Workspace work;
  work.refuses(calibrated + "-o q --report q", 4, "E0416");
  work.refuses(calibrated + "-o q --report ./q", 4, "E0416");
  work.refuses("mkdir d; ln -s d e; " + calibrated + "-o d/q --report e/q", 4, "E0416");
  work.refuses("echo > old; ln -s old soft; ln old hard; " + calibrated + "--overwrite -o old --report soft", 4,
               "E0416");
  work.refuses(calibrated + "--overwrite -o old --report hard", 4, "E0416");
  CHECK_FALSE(fs::exists(work.folder / "q"));
}

TEST_CASE("names that are not UTF-8 or hold control characters are escaped, in JSON and in messages") {
  const Workspace work;
  const Result json = work.run("cp w.safetensors $(printf 'a\\377b'); tool inspect --json $(printf 'a\\377b')");
  REQUIRE(nlohmann::json::accept(json.out));
  CHECK(nlohmann::json::parse(json.out)["files"][0] == "a\\xffb");
  work.refuses("tool inspect \"$(printf 'no\\033[2J\\377\\nfile')\"", 9, "E0901", "no\\x1b[2J\\xff\\x0afile");
  CHECK(escaped("\xC2\x9B"
                "2J \xC3\xA9 \x7F\xE2\x82") == "\\xc2\\x9b2J \xC3\xA9 \\x7f\\xe2\\x82");
}

TEST_CASE("codec streams, and stops at the first bad word after whole lines") {
  const Workspace work;
  const Result bad = work.run("printf '1\\n2 x\\0y 3\\n' | tool codec encode");
  CHECK(bad.exit == 3);
  CHECK(bad.out.find("0x3E00\n0x4000\n") != std::string::npos);
  CHECK(bad.out.find("'x\\x00y' is not a number\n  standard input, line 2\n") != std::string::npos);
  work.refuses("tool codec encode < /dev/zero", 3, "E0328", "no end");
  CHECK(work.run("yes 1 | tool codec encode | head -c 7000").out.size() == 7000);
}

TEST_CASE("errors of a tensor name the file and the tensor") {
  const Workspace work;
  work.refuses("tool quantize --method rtn --weights huge.safetensors -o q", 4, "E0421",
               "huge.safetensors: tensor 'a.weight'");
  work.refuses("tool quantize --method rtn --weights empty.safetensors -o q", 4, "E0420", "a.weight 0 x 3");
  work.refuses("tool quantize --method rtn --weights w.safetensors --exclude . -o q", 4, "E0432",
               "a narrower --exclude");
  work.refuses("tool quantize --method rtn --weights w.safetensors --scale-rule given -o q", 2, "E0223", "NAME.scale");
  work.refuses("tool quantize --method rtn --weights w.safetensors --scale-rule maxabs -o q", 2, "E0222",
               "rules: unit");
}

TEST_CASE("calibration without tokens is refused, and one that says nothing is told") {
  const Workspace work;
  work.refuses("tool quantize --weights w.safetensors --calibration none.safetensors -o q", 3, "E0385", "a.weight");
  // A Gram matrix of no token says so, and is no calibration either.
  CHECK(work.run("tool gram --activations none.safetensors -o g.safetensors").exit == 0);
  work.refuses("tool quantize --weights w.safetensors --calibration g.safetensors -o q", 3, "E0385", "a.weight");
  const Result zero =
      work.run("tool quantize --weights w.safetensors --calibration zero.safetensors -o q --report r; cat r");
  CHECK(zero.exit == 0);
  CHECK(zero.out.find("warning: a.weight: the Gram matrix is all zero") != std::string::npos);
  CHECK(zero.out.find("\"warning\":\"the Gram matrix is all zero") != std::string::npos);
}

TEST_CASE("a folder, a device or nothing where a file should be") {
  const Workspace work;
  for (const std::string command :
       {"inspect .", "inspect /dev/null", "dequantize . -o d", "eval .", "quantize --method rtn --weights . -o q"})
    work.refuses("tool " + command, 9, "E0901");
  work.refuses("tool quantize --method rtn --weights w.safetensors -o .", 4, "E0412");
  work.refuses("tool quantize --method rtn --weights w.safetensors -o nowhere/q", 9, "E0903");
}

TEST_CASE("eval reads the bytes that were asked for, or says why not") {
  const Workspace work;
  const std::string model = fs::absolute("models/seed-47.safetensors").string();
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text = fmt::format("file {}: some words about nothing in particular, {} times.\n", i, i);
    while (text.size() < 700) text += text;
    fs::create_directories(work.folder / "text");
    std::ofstream(work.folder / "text" / fmt::format("{}", i)) << text;
  }
  const std::string eval = fmt::format("tool eval '{}' --text text --eval-bytes ", model);
  const Result good = work.run(eval + "300 --json 2>/dev/null");
  REQUIRE(nlohmann::json::accept(good.out));
  const auto said = nlohmann::json::parse(good.out);
  CHECK(said["bytes"] == 300);
  CHECK(said["bpb"] > 0.5);
  CHECK(said["bpb"] < 12);
  CHECK(work.run(eval + "300 2>/dev/null").out.ends_with("bits per byte over 300 bytes of validation text\n"));
  CHECK(said["stride"] == 256);
  CHECK(work.run(eval + "300 --stride 256 --json 2>/dev/null").out == good.out);
  const auto slid = nlohmann::json::parse(work.run(eval + "300 --stride 64 --ngram --json 2>/dev/null").out);
  CHECK(slid["stride"] == 64);
  CHECK(slid["bpb"] < slid["bpb_model_alone"]);  // the text repeats itself
  CHECK(slid["bpb_model_alone"] != said["bpb"]);
  CHECK(work.run(eval + "300 --ngram 2>/dev/null").out.find("the model alone") != std::string::npos);
  const auto chunk = nlohmann::json::parse(work.run(eval + "300 --ttt --json 2>/dev/null").out);
  CHECK(chunk["ttt"] == true);
  CHECK(chunk["bpb"] == said["bpb"]);  // the text ends in the first chunk
  work.refuses(eval + "300 --ttt-weights mlp", 2, "E0201", "--ttt");
  work.refuses(eval + "300 --ttt --ttt-weights '('", 2, "E0210", "--ttt-weights");
  work.refuses(eval + "300 --ttt --ttt-weights nothing", 2, "E0230", "nothing");
  work.refuses(eval + "300 --stride 0", 2, "E0201", "--stride");
  work.refuses(eval + "300 --stride 257", 2, "E0227", "256");
  work.refuses(eval + "1", 2, "E0201", "--eval-bytes");
  work.refuses(eval + "1000000", 3, "E0379", "1000000 to evaluate");
}

}  // namespace user_test
