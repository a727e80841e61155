#include "ledger/ledger.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "../io/temporary_folder.hpp"
#include "base/error_numbers.hpp"
#include "io/sha256.hpp"

namespace ledger_test {

using namespace hallmark;
using hallmark::test::read_file;
using hallmark::test::TemporaryFolder;
using hallmark::test::write_file;

namespace {

using Bodies = std::vector<std::string>;

constexpr LedgerForm forms[] = {LedgerForm::json_lines, LedgerForm::json_array};

Status append(const std::string& path, LedgerForm form, const Bodies& bodies) {
  return append_to_ledger(path, form, bodies);
}

int error_of(std::string_view content, LedgerForm form) {
  const auto parsed = parse_ledger(content, form, "test");
  if (parsed) return 0;
  CHECK(parsed.error().exit == Exit::input);
  return parsed.error().number;
}

std::string line_of(std::string_view content, LedgerForm form) {
  return parse_ledger(content, form, "test").error().where;
}

// Entries with a correct chain.
Bodies chain(const Bodies& bodies) {
  Bodies entries;
  std::string prev(64, '0');
  for (const auto& body : bodies) {
    entries.push_back("{\"prev\":\"" + prev + "\"," + body.substr(1));
    prev = sha256_hex(entries.back());
  }
  return entries;
}

}  // namespace

TEST_CASE("entries carry the digest of the entry before and never change") {
  for (const auto form : forms) {
    const TemporaryFolder folder;
    const auto path = folder / "ledger";
    REQUIRE(append(path, form, {R"({"a":1})"}));
    const auto first = read_file(path);
    REQUIRE(append(path, form, {R"({"b":[1,2]})", R"({"c":"x\ny"})"}));
    const auto expected = chain({R"({"a":1})", R"({"b":[1,2]})", R"({"c":"x\ny"})"});
    const auto& e = expected;
    if (form == LedgerForm::json_lines) {
      CHECK(first == e[0] + "\n");
      CHECK(read_file(path) == e[0] + "\n" + e[1] + "\n" + e[2] + "\n");
    } else {
      CHECK(first == "[\n" + e[0] + "\n]\n");
      CHECK(read_file(path) == "[\n" + e[0] + ",\n" + e[1] + ",\n" + e[2] + "\n]\n");
    }
    const auto entries = read_ledger(path, form);
    REQUIRE(entries);
    REQUIRE(entries->size() == 3);
    for (std::size_t i = 0; i < 3; ++i) CHECK((*entries)[i].text == expected[i]);
    CHECK((*entries)[2].line == (form == LedgerForm::json_lines ? 3 : 4));
    CHECK(folder.count() == 2);  // the ledger and its lock; no temporary file
  }
}

TEST_CASE("every digit of the chain counts, in every entry") {
  const auto entries = chain({R"({"a":1})", R"({"b":2})"});
  for (std::size_t entry = 0; entry < 2; ++entry)
    for (std::size_t digit = 0; digit < 64; ++digit) {
      auto changed = entries;
      char& c = changed[entry][9 + digit];
      c = c == '7' ? '8' : '7';
      const std::string content = changed[0] + "\n" + changed[1] + "\n";
      CHECK(error_of(content, LedgerForm::json_lines) == error_number::ledger_chain);
      CHECK(line_of(content, LedgerForm::json_lines) == fmt::format("test, line {}", entry + 1));
    }
}

TEST_CASE("a missing ledger is empty, an empty append leaves no trace") {
  for (const auto form : forms) {
    const TemporaryFolder folder;
    const auto entries = read_ledger(folder / "none", form);
    REQUIRE(entries);
    CHECK(entries->empty());
    REQUIRE(append(folder / "none", form, {}));
    CHECK(folder.count() == 0);
  }
}

TEST_CASE("bodies that are no single-line objects are refused and nothing is written") {
  const TemporaryFolder folder;
  const auto path = folder / "ledger";
  for (const std::string body :
       {"", "[1]", "{}", "{ }", "{\"a\":1", "{\"a\":\n1}", "{\"prev\":\"\",\"a\":1}", " {\"a\":1}", "{\"a\":1} "}) {
    CAPTURE(body);
    const auto status = append(path, LedgerForm::json_lines, {R"({"good":1})", body});
    REQUIRE_FALSE(status);
    CHECK(status.error().number == 121);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a torn or broken chain is reported with its line and refused") {
  const auto e = chain({R"({"a":1})", R"({"b":2})", R"({"c":3})"});
  const std::string whole = e[0] + "\n" + e[1] + "\n" + e[2] + "\n";
  REQUIRE(error_of(whole, LedgerForm::json_lines) == 0);
  REQUIRE(error_of("", LedgerForm::json_lines) == 0);

  CHECK(error_of(whole.substr(0, whole.size() - 1), LedgerForm::json_lines) == 370);
  CHECK(line_of(whole.substr(0, whole.size() - 1), LedgerForm::json_lines) == "test, line 3");
  CHECK(error_of(whole.substr(0, e[0].size() + 30), LedgerForm::json_lines) == 370);
  CHECK(error_of(e[0] + "\n\n" + e[1] + "\n", LedgerForm::json_lines) == 373);
  CHECK(error_of(whole + "null\n", LedgerForm::json_lines) == 373);
  CHECK(error_of(e[0].substr(0, e[0].size() - 1) + "\n", LedgerForm::json_lines) == 373);
  CHECK(error_of("{\"a\":1}\n", LedgerForm::json_lines) == 373);
  CHECK(error_of(e[0] + "\r\n" + e[1] + "\n", LedgerForm::json_lines) == 374);  // the bytes changed
  CHECK(error_of(e[1] + "\n" + e[2] + "\n", LedgerForm::json_lines) == 374);
  CHECK(error_of(e[0] + "\n" + e[2] + "\n", LedgerForm::json_lines) == 374);
  CHECK(error_of(e[0] + "\n" + e[0] + "\n", LedgerForm::json_lines) == 374);

  // A second `prev` that an ordinary JSON reader would take for the first.
  auto doubled = e[0];
  doubled.insert(doubled.size() - 1, ",\"prev\":\"" + std::string(64, '1') + "\"");
  CHECK(error_of(doubled + "\n", LedgerForm::json_lines) == 373);
  CHECK(error_of(chain({R"({"a":1,"b":{"c":1,"c":2}})"})[0] + "\n", LedgerForm::json_lines) == 373);
  // A nested key of that name is none of our business.
  const auto nested = chain({R"({"inner":{"prev":"x"}})"});
  CHECK(error_of(nested[0] + "\n", LedgerForm::json_lines) == 0);

  // One changed byte anywhere but in the last entry breaks the chain.
  auto changed = whole;
  changed[whole.find("\"b\":2") + 4] = '7';
  CHECK(error_of(changed, LedgerForm::json_lines) == 374);
  CHECK(line_of(changed, LedgerForm::json_lines) == "test, line 3");
  // A tail is a chain whose beginning is elsewhere.
  CHECK(parse_ledger(e[1] + "\n" + e[2] + "\n", LedgerForm::json_lines, "test", false));
  CHECK_FALSE(parse_ledger(e[2] + "\n" + e[1] + "\n", LedgerForm::json_lines, "test", false));
}

TEST_CASE("the array form is as strict") {
  const auto e = chain({R"({"a":1})", R"({"b":2})"});
  const auto form = LedgerForm::json_array;
  REQUIRE(error_of("[\n" + e[0] + ",\n" + e[1] + "\n]\n", form) == 0);
  CHECK(error_of("", form) == 370);
  CHECK(error_of("[\n", form) == 370);
  CHECK(error_of("[\n" + e[0] + ",\n", form) == 370);
  CHECK(error_of("[\n" + e[0] + "\n]", form) == 370);
  CHECK(error_of("[\n]\n", form) == 373);
  CHECK(error_of("[\n" + e[0] + ",\n]\n", form) == 373);
  CHECK(error_of("[\n" + e[0] + "\n" + e[1] + "\n]\n", form) == 373);
  CHECK(error_of(e[0] + "\n", form) == 373);
  CHECK(error_of("[\n" + e[0] + "\n]\n\n", form) == 373);
  CHECK(error_of("[\n" + e[0] + "\n]\n]\n", form) == 373);
  CHECK(error_of("[\n" + e[1] + "\n]\n", form) == 374);
}

TEST_CASE("a broken ledger keeps its bytes: appending is refused") {
  for (const auto form : forms) {
    const TemporaryFolder folder;
    const auto path = folder / "ledger";
    REQUIRE(append(path, form, {R"({"a":1})", R"({"b":2})"}));
    auto content = read_file(path);
    content[content.find("\"a\":1") + 4] = '9';
    write_file(path, content);
    const auto status = append(path, form, {R"({"c":3})"});
    REQUIRE_FALSE(status);
    CHECK(status.error().number == 374);
    CHECK(read_file(path) == content);
    CHECK(folder.count() == 2);
  }
}

TEST_CASE("a lock or folder that cannot be had is an error of the system") {
  const TemporaryFolder folder;
  const auto status = append(folder / "no/such/ledger", LedgerForm::json_lines, {R"({"a":1})"});
  REQUIRE_FALSE(status);
  CHECK(status.error().exit == Exit::io);
}

TEST_CASE("kill -9 while appending leaves the old or the new file, and the next append works") {
  const TemporaryFolder folder;
  const auto path = folder / "ledger";
  // Entries so large that most of the time passes inside the writing.
  const std::string body = R"({"padding":")" + std::string(200'000, 'x') + "\"}";
  std::size_t appended_before = 0, grown = 0;
  for (int round = 0; round < 25 || grown == 0; ++round) {  // on a loaded machine an append is reached later
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (;;)
        if (!append(path, LedgerForm::json_lines, {body, body})) ::_exit(1);
    }
    ::usleep(static_cast<useconds_t>(2'000 + 1'700 * round));
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));  // it had not failed before
    const auto entries = read_ledger(path, LedgerForm::json_lines);
    REQUIRE(entries);
    REQUIRE(entries->size() % 2 == 0);  // an append of two entries is one change
    REQUIRE(entries->size() >= appended_before);
    if (entries->size() > appended_before) ++grown;
    appended_before = entries->size();
    if (appended_before > 40) std::filesystem::remove(path), appended_before = 0;
  }
  REQUIRE(append(path, LedgerForm::json_lines, {body}));
}

TEST_CASE("concurrent appenders all land, in one chain") {
  for (const auto form : forms) {
    const TemporaryFolder folder;
    const auto path = folder / "ledger";
    constexpr int writers = 4, each = 15;
    std::vector<pid_t> children;
    for (int writer = 0; writer < writers; ++writer) {
      const pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        for (int i = 0; i < each; ++i)
          if (!append(path, form, {fmt::format(R"({{"writer":{},"i":{}}})", writer, i)})) ::_exit(1);
        ::_exit(0);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
    const auto entries = read_ledger(path, form);
    REQUIRE(entries);
    CHECK(entries->size() == writers * each);
    for (int writer = 0; writer < writers; ++writer)
      for (int i = 0, at = 0; i < each; ++i) {
        const auto wanted = fmt::format(R"("writer":{},"i":{}}})", writer, i);
        int found = -1;
        for (int k = at; k < static_cast<int>(entries->size()); ++k)
          if ((*entries)[static_cast<std::size_t>(k)].text.ends_with(wanted)) {
            found = k;
            break;
          }
        REQUIRE(found >= at);  // present, and in the writer's own order
        at = found + 1;
      }
  }
}

TEST_CASE("a ledger reached through a link stays one file, with the rights that it had") {
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  fs::create_directory(folder / "store");
  const auto real = folder / "store/ledger", link = folder / "link", links = folder / "links";
  REQUIRE(append(real, LedgerForm::json_lines, {R"({"a":1})"}));
  constexpr auto owner = fs::perms::owner_read | fs::perms::owner_write;
  fs::permissions(real, owner);
  fs::create_symlink("store/ledger", link);
  fs::create_symlink("link", links);
  for (const auto& name : {link, links}) REQUIRE(append(name, LedgerForm::json_lines, {R"({"b":2})"}));
  CHECK(read_ledger(real, LedgerForm::json_lines)->size() == 3);
  CHECK(fs::is_symlink(link));
  CHECK(fs::is_symlink(links));
  CHECK(fs::status(real).permissions() == owner);
  CHECK_FALSE(fs::exists(link + ".lock"));  // one ledger has one lock
}

}  // namespace ledger_test
