// An input that somebody writes to while it is read: no result speaks of a mixture of two versions.
#include <unistd.h>

#include <filesystem>

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
    for (const std::string file : {"w", "c", "q"}) {
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

}  // namespace changed_test
