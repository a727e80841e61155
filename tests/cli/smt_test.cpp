// hallmark smt: right answers pass; wrong, missing and undecided ones, bad models and bad manifests do not.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

#include "../io/temporary_folder.hpp"
#include "shell.hpp"

namespace smt_test {

using hallmark::test::Result;
using hallmark::test::TemporaryFolder;
using hallmark::test::write_file;

namespace {

const std::string real =
    "(set-logic QF_NRA)\n(set-option :produce-models true)\n(declare-const x Real)\n(assert (< x 0.0))\n";
const std::string goal_a = real + "(assert (> x 0.0))\n(check-sat)\n", twin_a = real + "(check-sat)\n";
const std::string bits =
    "(set-logic QF_BV)\n(set-option :produce-models true)\n(declare-const x (_ BitVec 8))\n"
    "(assert (= (bvadd x #x01) #x00))\n(check-sat)\n";

std::string entry(const std::string& file, const std::string& expected) {
  return "{\"file\":\"" + file + "\",\"expected\":\"" + expected + "\",\"theorem\":\"t\"}";
}

/// Two goals with their manifest, and a folder of solvers that say what a test wants.
struct Workspace {
  TemporaryFolder folder;
  std::string path = folder.path() + ":/usr/bin:/bin";  // planted solvers come first

  Workspace() {
    write_file(folder / "a.smt2", goal_a);
    write_file(folder / "a_broken.smt2", twin_a);
    manifest(entry("a.smt2", "unsat") + "," + entry("a_broken.smt2", "sat"));
  }
  void manifest(const std::string& goals) const { write_file(folder / "m.json", "{\"goals\":[" + goals + "]}"); }
  void plant(const std::string& solver, const std::string& script) const {
    write_file(folder / solver, "#!/bin/sh\n" + script + "\n");
    REQUIRE(::chmod((folder / solver).c_str(), 0755) == 0);
  }
  Result smt(const std::string& arguments = "") const {
    return hallmark::test::shell("PATH=" + path + " " HALLMARK_TOOL " smt --goals " + folder / "m.json" + " " +
                                 arguments);
  }
  void check(int exit, const std::string& text, const std::string& arguments = "") const {
    const Result result = smt(arguments);
    CAPTURE(result.out);
    CHECK(result.exit == exit);
    CHECK(result.out.find(text) != std::string::npos);
    if (exit != 0) CHECK(result.out.find("\n  try: ") != std::string::npos);
  }
};

}  // namespace

TEST_CASE("both solvers agree, and every model is replayed") {
  const Workspace work;
  work.check(
      0, "2 goals, 4 of 4 answers as expected; models: 2 replayed by the other solver, 2 in exact arithmetic, 0 not");
  work.check(
      0, "2 goals, 2 of 2 answers as expected; models: 0 replayed by the other solver, 1 in exact arithmetic, 0 not",
      "--solver z3");
  write_file(work.folder / "b.smt2", bits);
  work.manifest(entry("a.smt2", "unsat") + "," + entry("a_broken.smt2", "sat") + "," + entry("b.smt2", "sat"));
  work.check(0, "models: 4 replayed by the other solver, 2 in exact arithmetic, 0 not");
}

TEST_CASE("another answer than Coq's is red") {
  const Workspace work;
  write_file(work.folder / "a.smt2", twin_a);
  work.check(7, "E0721");
  write_file(work.folder / "a.smt2", goal_a);
  write_file(work.folder / "a_broken.smt2", goal_a);
  work.check(7, "E0721");
  work.check(7, "says 'unsat', expected sat", "--solver cvc5");
}

TEST_CASE("undecided is red: unknown, time-out; and so are errors") {
  const Workspace work;
  work.plant("z3", "echo unknown");
  work.check(7, "E0722");
  work.plant("z3", "exec sleep 30");
  work.check(7, "says time-out", "--timeout 0.2");
  work.plant("z3", "echo '(error \"line 1\")'; echo unsat");
  work.check(7, "E0721");
  work.plant("z3", "exit 0");
  work.check(7, "says ''");
  // An undecided goal does not hide a wrong one.
  work.plant("z3", "echo unknown");
  work.plant("cvc5", "echo sat");
  work.check(7, "E0721");
}

TEST_CASE("a model that is none is red") {
  const Workspace work;
  const std::string by_goal = "if grep -q '> x' \"$2\"; then echo unsat; exit; fi; ";
  work.plant("z3", by_goal + "echo 'sat'");
  work.check(7, "z3 gives no model");
  work.plant("z3", by_goal + "echo 'sat'; echo '((x 1.0))'");
  work.check(7, "in exact arithmetic the model of z3 is none");
  work.check(7, "in exact arithmetic the model of z3 is none", "--solver z3");
  // Exact arithmetic does not apply to words: the other solver tells.
  write_file(work.folder / "b.smt2", bits);
  work.manifest(entry("b.smt2", "sat") + "," + entry("a_broken.smt2", "sat") + "," + entry("a.smt2", "unsat"));
  work.plant("z3", "if grep -q bvadd \"$2\"; then echo sat; echo '((x #x07))'; else exec /usr/bin/z3 \"$@\"; fi");
  work.check(7, "cvc5 rejects the model of z3");
  work.check(0, "0 replayed by the other solver, 1 in exact arithmetic, 1 not", "--solver cvc5");
}

TEST_CASE("a missing solver is not a passed check") {
  Workspace work;
  work.path = work.folder.path();
  work.check(13, "E1304");
  work.check(13, "cvc5: not found", "--solver cvc5");
}

TEST_CASE("bad manifests and goals are refused") {
  const Workspace work;
  const std::string a = entry("a.smt2", "unsat"), twin = entry("a_broken.smt2", "sat");
  const auto refused = [&](const std::string& goals, int exit, const std::string& text) {
    CAPTURE(goals);
    work.manifest(goals);
    work.check(exit, text);
  };
  refused("", 3, "names no goal");
  refused(a, 3, "a.smt2 is unsat and has no twin");
  refused(a + "," + entry("a_broken.smt2", "unsat"), 3, "has no twin");
  refused(twin, 3, "does not name");
  refused(a + "," + twin + "," + a, 3, "stands twice");
  refused(a + "," + twin + "," + entry("a.smt2", "maybe"), 3, "E0396");
  refused(a + "," + twin + ",{\"file\":\"a.smt2\"}", 3, "E0396");
  refused(a + "," + twin + ",{\"file\":\"c.smt2\",\"expected\":\"sat\",\"expected\":\"sat\"}", 3, "a key twice");
  refused(a + "," + twin + "," + entry("gone.smt2", "sat"), 9, "E0901");
  write_file(work.folder / "c.smt2", "");
  refused(a + "," + twin + "," + entry("c.smt2", "sat"), 3, "E0397");
  write_file(work.folder / "c.smt2", "(declare-const x Real)");
  refused(a + "," + twin + "," + entry("c.smt2", "sat"), 3, "E0398");
  write_file(work.folder / "m.json", "{");
  work.check(3, "E0396");
  write_file(work.folder / "m.json", "");
  work.check(3, "E0396");
  CHECK(std::remove((work.folder / "m.json").c_str()) == 0);
  work.check(9, "there is no manifest");
  work.check(2, "E0201", "--solver yices");
  work.check(2, "E0201", "--timeout 0");
}

}  // namespace smt_test
