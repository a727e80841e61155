// What was reported of other quantizers or found in this one: what is left out in silence, crashes, refusals that come
// after the work, hints that do not fit, figures that are not those of the file.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files.hpp"
#include "shell.hpp"

namespace faults_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-faults-{}", ::getpid());

  Workspace() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    write("w", {{"a", DType::F32, {8, 32}}, {"b", DType::F32, {8, 32}}});
    write("c", {{"a.activations", DType::F32, {64, 32}}});
  }
  ~Workspace() { fs::remove_all(folder); }

  void write(const std::string& name, const std::vector<MadeTensor>& tensors,
             const std::map<std::string, std::string>& metadata = {}) const {
    write_tensors((folder / (name + ".safetensors")).string(), tensors, metadata);
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd '{}'; tool() {{ '{}' \"$@\"; }}; {}", folder.string(), HALLMARK_TOOL, command));
  }
  /// W and C by name, to q.
  std::string quantize(const std::string& w, const std::string& c, const std::string& more = "") const {
    return fmt::format("tool quantize --weights {}.safetensors {} -o q.safetensors {}", w,
                       c.empty() ? "" : "--calibration " + c + ".safetensors", more);
  }
  /// Fails with this exit code and number in three lines, and leaves nothing.
  void refuses(const std::string& command, int exit, const std::string& number, const std::string& says = "") const {
    const auto files = [&] { return std::distance(fs::directory_iterator(folder), fs::directory_iterator()); };
    const auto before = files();
    const Result result = run(command);
    CAPTURE(command);
    CAPTURE(result.out);
    CHECK(result.exit == exit);
    CHECK(result.out.starts_with("error[" + number + "]: "));
    CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 3);
    CHECK(result.out.find(says) != std::string::npos);
    CHECK(files() == before);
  }
};

}  // namespace

TEST_CASE("matrices without rows or columns are refused, whatever their calibration") {
  const Workspace work;
  work.write("w80", {{"a", DType::F32, {8, 0}}});
  work.write("w08", {{"a", DType::F32, {0, 8}}});
  work.write("w00", {{"a", DType::F32, {3, 4, 0}}});
  work.write("c80", {{"a.activations", DType::F32, {256, 0}}});
  work.write("c08", {{"a.activations", DType::F32, {256, 8}}});
  work.write("g80", {{"a.gram", DType::F64, {0, 0}}});
  for (const std::string method : {"", "--method rtn"}) {
    work.refuses(work.quantize("w80", "c80", method), 4, "E0420", "a 8 x 0");
    work.refuses(work.quantize("w80", "g80", method), 4, "E0420", "a 8 x 0");
    work.refuses(work.quantize("w08", "c08", method), 4, "E0420", "a 0 x 8");
  }
  work.refuses(work.quantize("w00", "", "--method rtn --include a"), 4, "E0420", "a[0] 4 x 0");
  for (const std::string c : {"c80", "g80"})
    CHECK(work.run("tool gram --activations " + c + ".safetensors -o x").exit < 5);
}

TEST_CASE("a given step of a whole row, a table under exact rows: no internal error") {
  const Workspace work;
  work.write("scaled", {{"a.activations", DType::F32, {64, 32}},
                        {"a.scale", DType::F32, {8}, std::vector<float>(8, 0.01F)},
                        {"b.activations", DType::F32, {64, 32}}});  // which reads the group size
  const Result given = work.run(work.quantize("w", "scaled", "--grid int8 --group-size 16 --report r; cat r"));
  CHECK(given.exit == 0);
  CHECK(given.out.find(R"("scale_rule":"given","scale_storage":"f32","group_size":0)") != std::string::npos);
  std::ofstream(work.folder / "points") << "-1 -0.25 0 0.125 0.5 1\n";
  const Result table = work.run(work.quantize("w", "c", "--overwrite --grid table:points --exact --contracts exact"));
  CHECK(table.exit == 0);
  CHECK(work.run("tool verify q.safetensors --weights w.safetensors --calibration c.safetensors --exact").exit == 0);
}

TEST_CASE("every entry of the calibration fits a weight, and weights without one are named") {
  const Workspace work;
  work.write("misspelt", {{"a.activations", DType::F32, {64, 32}}, {"head.weihgt.gram", DType::F32, {2, 2}}});
  work.write("head", {{"a", DType::F32, {8, 32}}, {"head.weight", DType::F32, {4, 2}}, {"norm", DType::F32, {2}}});
  work.refuses(work.quantize("head", "misspelt"), 4, "E0436", "head.weihgt");
  CHECK(work.run(work.quantize("head", "misspelt")).out.find("did you mean 'head.weight'?") != std::string::npos);
  work.write("flat", {{"a.activations", DType::F32, {64, 32}}, {"norm.activations", DType::F32, {9, 2}}});
  work.refuses(work.quantize("head", "flat"), 4, "E0436", "norm");
  work.write("stack", {{"a", DType::F32, {2, 8, 32}}});
  work.write("beyond", {{"a[1].activations", DType::F32, {64, 32}}, {"a[2].activations", DType::F32, {64, 32}}});
  work.refuses(work.quantize("stack", "beyond"), 4, "E0436", "a[2]");
  const Result good = work.run(work.quantize("w", "c"));
  CHECK(good.exit == 0);
  CHECK(good.out.find("1 matrix left as it is: no calibration: b") != std::string::npos);
  CHECK(work.run(work.quantize("w", "c", "--overwrite --exclude b")).exit == 0);
  CHECK(work.run(work.quantize("w", "c", "--overwrite --exclude a --include b --method rtn")).exit == 0);
}

TEST_CASE("what a plan can know is refused before any work, by --dry-run too") {
  const Workspace work;
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> bad(256, 0.5F), huge(256, 3e38F);
  bad.back() = nan;
  work.write("nan", {{"a", DType::F32, {8, 32}}, {"b", DType::F32, {8, 32}, bad}});
  work.write("huge", {{"a", DType::F32, {8, 32}}, {"b", DType::F32, {8, 32}, huge}});
  std::vector<float> x(64 * 32, 1), skew(32 * 32, 0);
  x.back() = nan;
  skew[1] = 1;
  work.write("cnan", {{"a.activations", DType::F32, {64, 32}, x}});
  work.write("skew", {{"a.gram", DType::F32, {32, 32}, skew}});
  std::vector<float> scales(8, 1);
  scales.back() = 0;
  work.write("zero", {{"a.activations", DType::F32, {64, 32}}, {"a.scale", DType::F32, {8}, scales}});
  for (const std::string dry : {"", "--dry-run"}) {
    work.refuses(work.quantize("nan", "", "--method rtn " + dry), 3, "E0350",
                 "tensor 'b' of shape [8, 32]: nan at [7, 31]");
    work.refuses(work.quantize("huge", "", "--method rtn " + dry), 4, "E0421", "tensor 'b'");
    work.refuses(work.quantize("w", "cnan", dry), 3, "E0350", "at [63, 31]");
    work.refuses(work.quantize("w", "skew", dry), 3, "E0382", "not symmetric");
    work.refuses(work.quantize("w", "zero", dry), 3, "E0383", "at [7]");
    const std::string rtn = "tool quantize --method rtn --weights w.safetensors " + dry;
    work.refuses(rtn + " -o q.json", 4, "E0417", "q.json");
    work.refuses(rtn + " -o nowhere/q", 9, "E0903", "nowhere");
    work.refuses(rtn + " -o w.safetensors --overwrite", 4, "E0411");
    work.refuses(rtn + " -o .", 4, "E0412");
    work.refuses(rtn + " -o q --report c.safetensors", 4, "E0410");
  }
  work.refuses("tool gram --activations c.safetensors -o g.json", 4, "E0417");
}

TEST_CASE("patterns take time linear in the name, and no stack") {
  const Workspace work;
  work.write("long", {{std::string(300, 'a') + "!", DType::F32, {8, 32}}});
  const std::string rtn = work.quantize("long", "", "--method rtn --overwrite ");
  CHECK(work.run("ulimit -t 10; " + rtn + "--include '(a+)+!'").exit == 0);
  CHECK(work.run("ulimit -t 10; " + rtn + "--include '^(a|a)*$'").exit == 4);  // matches nothing: all 2^300 ways
  std::ofstream(work.folder / "rules")
      << R"({"rules": [{"match": "^((a*)*)*b", "grid": "int8"}, {"match": "!", "grid": "int8"}]})";
  CHECK(work.run("ulimit -t 10; " + rtn + "--config rules").exit == 4);
  const std::string deep = "\"$(printf '%050000d' 0 | tr 0 '(')\"";
  work.refuses(rtn + "--include " + deep, 2, "E0210", "--include");
  work.refuses(rtn + "--include '(a)\\1'", 2, "E0210", "RE2");
}

TEST_CASE("binary64 calibration is taken where binary32 holds it, and refused by its place elsewhere") {
  const Workspace work;
  std::vector<float> x = noise(64 * 32, 7);
  for (const DType dtype : {DType::F32, DType::F64})
    work.write(dtype == DType::F32 ? "x32" : "x64", {{"a.activations", dtype, {64, 32}, x}});
  for (const std::string c : {"x32", "x64"})
    CHECK(work.run(work.quantize("w", c) + "; mv q.safetensors " + c + "q; rm q.*").exit == 0);
  CHECK(work.run("tool inspect x32q | grep ' [FU][0-9]'; echo").out ==
        work.run("tool inspect x64q | grep ' [FU][0-9]'; echo").out);
  for (const DType dtype : {DType::BF16, DType::F16}) {
    work.write("half", {{"a.gram", dtype, {32, 32}, std::vector<float>(32 * 32, 1)}});
    CHECK(work.run(work.quantize("w", "half", "--overwrite")).exit == 0);
  }
  // 64 x 32 elements of 8 bytes end the file: the last one's lowest bit.
  CHECK(work.run("printf '\\1' | dd of=x64.safetensors bs=1 conv=notrunc seek=$(($(stat -c %s x64.safetensors) - 8))")
            .exit == 0);
  work.refuses(work.quantize("w", "x64", "--overwrite"), 3, "E0351", "at element 2047");
  work.write("whole", {{"a.activations", DType::U8, {64, 32}}});
  work.refuses(work.quantize("w", "whole", "--overwrite"), 3, "E0380", "F64, F32, BF16 or F16");
}

TEST_CASE("tokens that are too few for their columns are told") {
  const Workspace work;
  const auto warned = [&](std::uint64_t tokens, const std::vector<float>& values = {}) {
    work.write("some", {{"a.activations", DType::F32, {tokens, 32}, values}});
    const Result result = work.run(work.quantize("w", "some", "--overwrite --report r; cat r; rm r"));
    CHECK(result.exit == 0);
    const bool note = result.out.find("warning: a: ") != std::string::npos;
    CHECK(note == (result.out.find("\"warning\":\"") != std::string::npos));
    return note;
  };
  CHECK(warned(16));
  CHECK(warned(32));  // as many as columns, of noise
  CHECK_FALSE(warned(320));
  std::vector<float> one_direction(64 * 32);
  for (std::size_t i = 0; i < one_direction.size(); ++i) one_direction[i] = static_cast<float>(i / 32 % 7) + 0.5F;
  CHECK_FALSE(warned(64, one_direction));
}

TEST_CASE("merged token counts are those of all parts, or none; a file counts once") {
  const Workspace work;
  work.write("bare", {{"a.gram", DType::F64, {32, 32}, std::vector<float>(32 * 32, 1)}});
  CHECK(work.run("tool gram --activations c.safetensors -o g1; cp g1 g2; tool gram --merge g1 g2 -o sum").exit == 0);
  const auto tokens = [&](const std::string& file) {
    return nlohmann::json::parse(
        work.run("tool inspect --json " + file + " 2>/dev/null").out)["metadata"]["hallmark.calibration.tokens"];
  };
  CHECK(tokens("sum") == R"({"a":128})");
  CHECK(work.run("tool gram --merge g1 bare.safetensors -o unknown").exit == 0);
  CHECK(tokens("unknown") == "{}");
  work.refuses("tool gram --merge g1 g1 -o twice", 2, "E0201", "g1 and g1");
  CHECK(work.run("ln -s g1 link").exit == 0);
  work.refuses("tool gram --merge g1 g2 link -o twice", 2, "E0201", "g1 and link");
}

TEST_CASE("merged token counts that leave 64 bits are refused") {
  const Workspace work;
  const auto counted = [&](const std::string& name, const std::string& tokens) {
    work.write(name, {{"a.gram", DType::F64, {1, 1}, {1}}},
               {{"hallmark.calibration.tokens", "{\"a\":" + tokens + "}"}});
  };
  counted("g1", "18446744073709551614");
  counted("g2", "1");
  counted("g3", "2");
  CHECK(work.run("tool gram --merge g1.safetensors g2.safetensors -o g.safetensors").exit == 0);
  CHECK(work.run("tool inspect --json g.safetensors").out.find("18446744073709551615") != std::string::npos);
  work.refuses("tool gram --merge g1.safetensors g3.safetensors -o h.safetensors", 5, "E0502",
               "the token counts add up to 2^64 or more\n  g3.safetensors: a: 2 more tokens");
}

TEST_CASE("a decimal is rounded once, to GF16") {
  const Workspace work;
  // 1 + 2^-10 is a tie between 0x3E00 and 0x3E01, and binary64 has no number between it and these decimals.
  const std::string tie = "1.0009765625";
  for (const auto& example :
       std::vector<std::pair<std::string, std::string>>{{tie, "0x3E00"},
                                                        {tie + std::string(40, '0') + "1", "0x3E01"},
                                                        {"1.00097656249" + std::string(40, '9'), "0x3E00"},
                                                        {"-" + tie + std::string(40, '0') + "1", "0xBE01"},
                                                        {"1.0029296875", "0x3E02"},  // 1 + 3 2^-10, to even
                                                        {"1.00292968749" + std::string(40, '9'), "0x3E01"},
                                                        {"0x1.004p0", "0x3E00"},
                                                        {"0x1.00400000000000000001p0", "0x3E01"},
                                                        {"4292870144", "0x7E00"},
                                                        {"4292870143." + std::string(40, '9'), "0x7DFF"},
                                                        {"1e-400", "0x0000"},
                                                        {"-1e-400", "0x8000"},
                                                        {"1e400", "0x7E00"},
                                                        {"nan", "0x7E01"}})
    CHECK_MESSAGE(work.run("echo " + example.first + " | tool codec encode").out == example.second + "\n",
                  example.first);
}

TEST_CASE("no control character of a name reaches a terminal") {
  const Workspace work;
  work.write("evil", {{"a\xC2\x9B"
                       "2J\xC2\x85",
                       DType::F32,
                       {8, 32}}});
  for (const std::string command : {"inspect evil.safetensors", "inspect --json evil.safetensors",
                                    "quantize --method rtn --weights evil.safetensors --dry-run"}) {
    const Result result = work.run("tool " + command);
    CHECK(result.exit == 0);
    CHECK(result.out.find("\xC2\x9B") == std::string::npos);
    CHECK(result.out.find("a\\u009b2J\\u0085") != std::string::npos);
  }
  const auto json = nlohmann::json::parse(work.run("tool inspect --json evil.safetensors").out);
  CHECK(json["tensors"][0]["name"] ==
        "a\xC2\x9B"
        "2J\xC2\x85");
}

TEST_CASE("a file system that cannot map files is not called a matter of permissions") {
  const fs::path unmappable = "/sys/kernel/mm/transparent_hugepage/enabled";
  if (!fs::exists(unmappable)) {
    MESSAGE("NOT RUN: ", unmappable.string(), " is not there");
    return;
  }
  const Workspace work;
  work.refuses("tool inspect " + unmappable.string(), 9, "E0901", "does not map files");
}

}  // namespace faults_test
