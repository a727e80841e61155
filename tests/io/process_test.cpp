#include "io/process.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "temporary_folder.hpp"

namespace process_test {

using namespace hallmark;

namespace {

Expected<ProcessResult> sh(const std::string& script, double limit = 10) {
  return run_process("sh", {"-c", script}, limit);
}

}  // namespace

TEST_CASE("output, exit status and signal of a program") {
  const auto said = sh("echo one; echo two >&2; echo three; exit 7");
  REQUIRE(said);
  CHECK(said->output == "one\ntwo\nthree\n");
  CHECK(said->exit == 7);
  CHECK_FALSE(said->timed_out);
  CHECK(sh("kill -9 $$")->exit == 137);
  CHECK(sh("printf x")->output == "x");
  CHECK(sh("cat")->output.empty());                                                        // stdin is empty
  CHECK(run_process("printf", {"%s|", "a b", "", "$HOME"}, 10)->output == "a b||$HOME|");  // no shell in between
  CHECK(sh("head -c 3000000 /dev/zero")->output.size() == 3'000'000);
}

TEST_CASE("a program is killed at its limit, also when it has closed its output") {
  for (const char* script : {"exec sleep 60", "exec sleep 60 > /dev/null 2>&1", "while :; do echo x; done"}) {
    CAPTURE(script);
    const auto said = sh(script, 0.2);
    REQUIRE(said);
    CHECK(said->timed_out);
    CHECK(said->exit == 137);
    CHECK(said->seconds < 5);
  }
  CHECK_FALSE(sh("exec > /dev/null 2>&1; sleep 0.1", 10)->timed_out);
}

TEST_CASE("endless output is cut off, a missing program is named") {
  const auto flood = sh("cat /dev/zero", 60);
  REQUIRE_FALSE(flood);
  CHECK(flood.error().number == 906);
  const test::TemporaryFolder folder;
  test::write_file(folder / "data", "no program");
  for (const std::string& program :
       {std::string("hallmark-no-such-program"), folder / "data", folder.path(), std::string()}) {
    CAPTURE(program);
    const auto missing = run_process(program, {}, 10);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().number == 1304);
    CHECK(missing.error().exit == Exit::unavailable);
  }
}

TEST_CASE("the program dies with the process that runs it, even by SIGKILL") {
  const test::TemporaryFolder folder;
  const std::string pid_file = folder / "pid";
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that the orphan is ours to wait for
  const pid_t runner = ::fork();
  REQUIRE(runner >= 0);
  if (runner == 0) {
    const auto never = sh("echo $$ > " + pid_file + "; exec sleep 60", 60);
    ::_exit(never ? 1 : 2);
  }
  std::string text;
  for (int i = 0; i < 500 && !(text = test::read_file(pid_file)).ends_with('\n'); ++i) ::usleep(10'000);
  REQUIRE(text.ends_with('\n'));
  const pid_t program = std::atoi(text.c_str());
  REQUIRE(::kill(runner, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(runner, &status, 0) == runner);
  pid_t ended = 0;
  for (int i = 0; i < 500 && (ended = ::waitpid(program, &status, WNOHANG)) == 0; ++i) ::usleep(10'000);
  CHECK(ended == program);
  CHECK(WIFSIGNALED(status));
  ::kill(program, SIGKILL);
}

}  // namespace process_test
