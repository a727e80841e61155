// An input that somebody writes to while it is read: no result speaks of a mixture of two versions.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "files.hpp"
#include "shell.hpp"

namespace changed_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("a file that changes while it is read is refused, and nothing is written") {
  const fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-changed-{}", ::getpid());
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_tensors((folder / "w").string(), {{"a", DType::F32, {64, 64}}});
  write_tensors((folder / "c").string(), {{"a.activations", DType::F32, {256, 64}}});
  // FILE is given another time when the first pages of an input are forgotten: it was opened long before.
  const auto run = [&](const std::string& file, const std::string& arguments) {
    return shell(fmt::format("cd '{}'; LD_PRELOAD='{}' TOUCH='{}' '{}' {}", folder.string(), HALLMARK_FAILING_SYSTEM,
                             file, HALLMARK_TOOL, arguments));
  };
  const std::string quantize = "quantize --weights w --calibration c -o q",
                    verify = "verify q --weights w --calibration c";
  for (const std::string file : {"w", "c"}) {
    const Result changed = run(file, quantize);
    CAPTURE(changed.out);
    CHECK(changed.exit == 9);
    CHECK(changed.out.find("error[E0902]: an input file changed while it was being read\n  " + file) !=
          std::string::npos);
    CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 2);
  }
  const Result made = run("none", quantize);
  REQUIRE_MESSAGE(made.exit == 0, made.out);
  for (const std::string how : {"", " --reproduce", " --no-certificate"}) {
    CHECK(run("none", verify + how).exit == 0);
    for (const std::string file : {"w", "c", "q", "q.certificate.json"}) {
      if (file.ends_with(".json") && how == " --no-certificate") continue;
      const Result changed = run(file, verify + how);
      CAPTURE(how);
      CAPTURE(changed.out);
      CHECK(changed.exit == 9);
      CHECK(changed.out.find("error[E0902]") != std::string::npos);
      CHECK(changed.out.find("verified") == std::string::npos);
    }
  }
  fs::remove_all(folder);
}

TEST_CASE("hallmark-check has to have judged the files that verify judged") {
  const fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-replaced-{}", ::getpid());
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_tensors((folder / "w").string(), {{"a", DType::F32, {8, 8}, noise(64, 1)}});
  write_tensors((folder / "c").string(), {{"a.activations", DType::F32, {32, 8}, noise(256, 2)}});
  // In its place a program that says what it finds under the names that it is given, after FIRST was done.
  std::ofstream(folder / "check")
      << "#!/bin/sh\nfor a; do case $b in --weights) w=$a;; --calibration) c=$a;; --quantized) q=$a;; esac; b=$a; "
         "done\n"
         "eval \"$FIRST\"\nsum() { sha256sum < $1 | cut -c 1-64; }\n"
         "[ -n \"$MUTE\" ] || echo \"files: weights $(sum $w), calibration $(sum $c), quantized $(sum $q), "
         "certificate $(sum $q.certificate.json)\"\n"
         "echo \"$SAYS\"\nexit $CODE\n";
  fs::permissions(folder / "check", fs::perms::owner_all);
  for (const std::string made : {"new --grid int8", "old --grid int4"})
    REQUIRE(shell(fmt::format(
                      "cd '{0}'; mkdir {1}; cp w c {1}; cd {1}; '{2}' quantize --weights w --calibration c -o q {3}",
                      folder.string(), made.substr(0, 3), HALLMARK_TOOL, made.substr(3)))
                .exit == 0);
  const auto run = [&](const std::string& environment) {
    return shell(
        fmt::format("cd '{}'; cp old/* .; export HALLMARK_CHECK=./check CODE=0 SAYS='q: accepted: 1 of 1 "
                    "matrices'; {}\n'{}' verify q --weights w --calibration c --checker",
                    folder.string(), environment, HALLMARK_TOOL));
  };
  const auto expect = [&](const std::string& environment, int exit, const std::string& words) {
    const Result result = run(environment);
    CAPTURE(environment);
    CAPTURE(result.out);
    CHECK(result.exit == exit);
    CHECK(result.out.find(words) != std::string::npos);
    CHECK((exit == 0 || result.out.find("hallmark-check: accepted 1") == std::string::npos));
  };
  const std::string other = "error[E0902]: a file was replaced between verify and hallmark-check\n  ";
  const std::string rejects = "CODE=7 SAYS='error[E0790]: rejected by check'; ", unread = "CODE=3 SAYS=E0301; ";
  const std::string both =
      "export FIRST='cp --remove-destination new/q new/q.certificate.json .'";  // the pair of another writer
  const std::string mute = "export MUTE=1; ";
  const auto longer = [](const std::string& file) { return fmt::format("export FIRST='echo >> {}'", file); };
  expect(":", 0, "hallmark-check: accepted 1 of 1 matrices");
  expect(both, 9, other + "q: SHA-256 ");
  expect(rejects + both, 9, other + "q: SHA-256 ");
  expect(longer("q.certificate.json"), 9, other + "the certificate of q: SHA-256 ");
  expect(longer("w"), 9, other + "w: SHA-256 ");
  expect(longer("c"), 9, other + "c: SHA-256 ");
  // One that does not say what it read, and ends badly: what stands there now tells.
  for (const std::string& end : {rejects, unread, std::string("CODE=135; ")}) expect(mute + end + both, 9, other);
  for (const std::string file : {"w", "c", "q.certificate.json"}) expect(mute + rejects + longer(file), 9, other);
  expect(mute + rejects, 7, "error[E0714]");
  expect(mute + unread, 8, "NOT JUDGED by hallmark-check: E0301");
  expect(mute, 1, "error[E0113]");
  expect(rejects, 7, "error[E0714]");
  expect("CODE=9 SAYS='error[E0902]: an input'", 9, "error[E0902]: an input file changed while hallmark-check read it");
  fs::remove_all(folder);
}

}  // namespace changed_test
