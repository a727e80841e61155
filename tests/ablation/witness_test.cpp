// Witnesses: what is appended, what counts as outdated, and which files are refused.
#include "ledger/witness.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "../io/temporary_folder.hpp"
#include "io/sha256.hpp"
#include "io/strict_json.hpp"

namespace witness_test {

using namespace hallmark;
using test::read_file;
using test::write_file;

namespace {

/// A tree with two headline theorems, one of which refutes a claim, and one witness lemma.
struct Tree {
  test::TemporaryFolder folder;
  std::string root = folder.path(), ledger = folder / "assertions/w.json";

  Tree() {
    for (const char* name : {"coq", "contracts", "assertions"}) std::filesystem::create_directory(folder / name);
    write_file(folder / "coq/theorems.txt", "# names\nT1_a\nT1_witness\n\nT5_b\n");
    statements("x = y");
    write_file(folder / "coq/Assumptions.golden", "T1_a: ax1 ax2\nT1_witness: ax1\nT5_b: nothing\n\nax1 : False\n");
    write_file(
        folder / "contracts/manifest.json",
        R"({"contracts":[{"name":"c1","theorem":"T1_a"},{"name":"c2","theorem":"T1_a"},{"name":"c3","theorem":"other"}]})");
    describe(R"("theorems":["T1_a","T5_b"],"witnesses":["T1_witness"],"refutes":{"T5_b":"everything"})");
  }
  void statements(const std::string& a) const {
    write_file(folder / "coq/statements.txt",
               "# Made by: x\n\nT1_a coq/H.v\n     : " + a +
                   "\n\nT1_witness coq/H.v\n     : True\n\nT5_b coq/H.v\n     : ~\n       P\n");
  }
  void describe(const std::string& lists, const std::string& check = "r", const std::string& violation = "v") const {
    write_file(folder / "coq/headline.json", R"([{"id":"T1","name":"n",)" + lists + R"(,"run_time_check":")" + check +
                                                 R"(","on_violation":")" + violation +
                                                 R"(","refuted_if":"f","tried":["t"]}])");
  }
  std::size_t append() const {
    const auto appended = append_witnesses(ledger, root);
    REQUIRE(appended);
    return *appended;
  }
  int refused() const {
    const bool existed = std::filesystem::exists(ledger);
    const std::string content = read_file(ledger);
    const auto appended = append_witnesses(ledger, root);
    REQUIRE_FALSE(appended);
    CHECK(std::filesystem::exists(ledger) == existed);
    CHECK(read_file(ledger) == content);
    return appended.error().number;
  }
  std::vector<LedgerEntry> entries() const { return *read_ledger(ledger, LedgerForm::json_array); }
  Outdated outdated() const { return outdated_theorems(*read_theorem_facts(root), *read_witnesses(entries(), ledger)); }
};

}  // namespace

TEST_CASE("an entry says what Coq says, with its description") {
  const Tree tree;
  CHECK(tree.outdated().missing == std::vector<std::string>{"T1_a", "T5_b"});
  CHECK(tree.append() == 2);
  const auto entries = tree.entries();
  REQUIRE(entries.size() == 2);
  const auto a = *strict_json(entries[0].text), b = *strict_json(entries[1].text);
  CHECK(a["theorem"] == "T1_a");
  CHECK(a["file"] == "coq/H.v");
  CHECK(a["status"] == "proven");
  CHECK(a["refutes"].is_null());
  CHECK(a["statement_sha256"] == sha256_hex("     : x = y\n"));
  CHECK(a["assumptions"].dump() == R"(["ax1","ax2"])");
  CHECK(a["contracts"].dump() == R"(["c1","c2"])");
  CHECK(a["falsification"].dump() == R"({"refuted_if":"f","tried":["t"]})");
  CHECK(a["witnesses"].dump() == R"(["T1_witness"])");
  CHECK(b["status"] == "refuted with witness");
  CHECK(b["refutes"] == "everything");
  CHECK(b["statement_sha256"] == sha256_hex("     : ~\n       P\n"));
  CHECK(b["assumptions"].empty());
  CHECK(tree.append() == 0);
  CHECK(tree.outdated().missing.empty());
  CHECK(tree.outdated().stale.empty());
}

TEST_CASE("whatever Coq says otherwise makes a new entry and changes none") {
  const Tree tree;
  tree.append();
  const std::string first = read_file(tree.ledger);
  const auto changed = [&](const char* what) {
    CAPTURE(what);
    CHECK(tree.outdated().stale == std::vector<std::string>{"T1_a"});
    CHECK(tree.append() == 1);
    CHECK(tree.outdated().stale.empty());
  };
  tree.statements("x <= y");
  changed("statement");
  write_file(tree.folder / "coq/Assumptions.golden", "T1_a: ax1\nT1_witness: ax1\nT5_b: nothing\n\n");
  changed("assumptions");
  write_file(tree.folder / "contracts/manifest.json", R"({"contracts":[]})");
  changed("contracts");
  tree.statements("x = y");  // what an earlier entry said, not the last
  changed("statement again");
  CHECK(read_file(tree.ledger).starts_with(first.substr(0, first.size() - 3)));
  CHECK(tree.entries().size() == 6);
}

TEST_CASE("what is said of the check at run time makes a new entry too") {
  const Tree tree;
  tree.append();
  const std::string lists = R"("theorems":["T1_a","T5_b"],"witnesses":["T1_witness"],"refutes":{"T5_b":"everything"})";
  tree.describe(lists, "none");
  CHECK(tree.outdated().stale == std::vector<std::string>{"T1_a", "T5_b"});
  CHECK(tree.append() == 2);
  CHECK((*strict_json(tree.entries().back().text))["run_time_check"] == "none");
  tree.describe(lists, "none", "not applicable");
  CHECK(tree.append() == 2);
  CHECK((*strict_json(tree.entries().back().text))["on_violation"] == "not applicable");
  CHECK(tree.append() == 0);
}

TEST_CASE("theory and descriptions that do not fit are refused") {
  const Tree tree;
  const auto with = [&](const char* file, const std::string& text, int number) {
    CAPTURE(file);
    CAPTURE(text);
    const std::string right = read_file(tree.folder / file);
    write_file(tree.folder / file, text);
    CHECK(tree.refused() == number);
    write_file(tree.folder / file, right);
  };
  with("coq/theorems.txt", "", 387);
  with("coq/theorems.txt", "T1_a\nT1_a\n", 387);
  with("coq/theorems.txt", "T1_a\nT1_witness\nT5_b\nT6_c\n", 387);
  with("coq/theorems.txt", "T1_a\nT1_witness\n", 387);
  with("coq/statements.txt", "T1_a coq/H.v\n\nT1_witness coq/H.v\n : t\n\nT5_b coq/H.v\n : t\n", 387);
  with("coq/statements.txt", "T1_a coq/H.v more\n : t\n", 387);
  with("coq/Assumptions.golden", "T1_a: ax1\n", 387);
  with("contracts/manifest.json", "{\"contracts\":[],\"contracts\":[]}", 387);
  with("contracts/manifest.json", "{\"contracts\":[{\"name\":\"c\"}]}", 387);
  with("coq/headline.json", "[", 388);
  for (const char* lists :
       {R"("theorems":["T1_a"],"witnesses":["T1_witness"])", R"("theorems":["T1_a","T5_b"],"witnesses":[])",
        R"("theorems":["T1_a","T1_a","T5_b"],"witnesses":["T1_witness"])",
        R"("theorems":["T1_a","T5_b","T1_witness"],"witnesses":[])",
        R"("theorems":["T1_a","T5_b"],"witnesses":["T1_witness"],"refutes":{"T1_witness":"c"})",
        R"("theorems":["T1_a","T5_b",7],"witnesses":["T1_witness"])",
        R"("theorems":["T1_a","T5_b"],"witnesses":["T1_witness"],"witnesses":["T1_witness"])"}) {
    CAPTURE(lists);
    tree.describe(lists);
    CHECK(tree.refused() == 388);
  }
  CHECK(std::filesystem::remove(tree.folder / "coq/statements.txt"));
  CHECK(tree.refused() == 901);
}

TEST_CASE("a ledger that is broken, or no ledger of witnesses, is refused and keeps its bytes") {
  const Tree tree;
  tree.append();
  const std::string right = read_file(tree.ledger);
  const auto damaged = [&](std::string content, int number) {
    write_file(tree.ledger, content);
    CHECK(tree.refused() == number);
    write_file(tree.ledger, right);
  };
  tree.statements("z");  // so that there is something to append
  damaged(right.substr(0, right.size() / 2), 370);
  std::string edited = right;
  edited[edited.find("\"proven\"") + 1] = 'P';
  damaged(edited, 374);
  damaged("[\n{\"prev\":\"" + std::string(ledger_genesis) + "\",\"a\":1,\"a\":1}\n]\n", 373);
  damaged("[\n{\"prev\":\"" + std::string(ledger_genesis) + "\",\"a\":1}\n]\n", 373);
  // The last entry has no successor whose prev could tell; the theory can.
  edited = right;
  const auto at = edited.rfind("\"statement_sha256\":\"") + 20;
  edited[at] = edited[at] == '0' ? '1' : '0';
  write_file(tree.ledger, edited);
  tree.statements("x = y");
  CHECK(tree.outdated().stale == std::vector<std::string>{"T5_b"});
}

TEST_CASE("a lock that cannot be taken changes nothing") {
  const Tree tree;
  tree.append();
  tree.statements("z");
  std::filesystem::remove(tree.ledger + ".lock");
  std::filesystem::create_directory(tree.ledger + ".lock");  // root may write everywhere, but not into this
  CHECK(tree.refused() == 920);
}

TEST_CASE("of two who append at once the second finds nothing to do") {
  const Tree tree;
  std::vector<pid_t> writers;
  for (int i = 0; i < 4; ++i) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) ::_exit(append_witnesses(tree.ledger, tree.root) ? 0 : 1);
    writers.push_back(pid);
  }
  for (const pid_t pid : writers) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  CHECK(tree.entries().size() == 2);
}

}  // namespace witness_test
