// The kill test of the ledger: two writers at once, 200 of their appends killed with SIGKILL at random moments.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "../io/temporary_folder.hpp"
#include "ledger/ledger.hpp"

namespace ledger_kill_test {

using namespace hallmark;
using test::read_file;

namespace {

// One append in a process of its own; the pipe carries a byte once append_to_ledger has returned success.
struct Writer {
  pid_t pid;
  int acknowledged;
  std::string mark;  // what its entry ends with
};

Writer start(const std::string& path, LedgerForm form, int round, int writer) {
  const std::string mark = fmt::format("\"round\":{},\"writer\":{}}}", round, writer);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    const std::vector<std::string> body{fmt::format("{{\"padding\":\"{}\",{}", std::string(2000, 'x'), mark)};
    const bool done = static_cast<bool>(append_to_ledger(path, form, body)) && ::write(ends[1], "!", 1) == 1;
    ::_exit(done ? 0 : 1);
  }
  ::close(ends[1]);
  return {pid, ends[0], mark};
}

}  // namespace

TEST_CASE("a killed append leaves the old or the new file, and what was acknowledged stays") {
  constexpr unsigned seed = 20260117;
  constexpr int wanted = 200;
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const test::TemporaryFolder folder;
  const std::string path = folder / "ledger.json";
  const auto form = LedgerForm::json_array;

  int killed = 0, killed_after_write = 0, finished = 0;
  double window = 2000;  // microseconds; follows the time of an append, so that about half of them are killed
  std::vector<std::string> before;
  for (int round = 0; killed < wanted; ++round) {
    REQUIRE(round < 4 * wanted);  // otherwise nothing is ever killed
    Writer writers[2] = {start(path, form, round, 0), start(path, form, round, 1)};
    ::usleep(static_cast<useconds_t>(std::uniform_real_distribution<>(0, window)(random)));
    for (const Writer& writer : writers) ::kill(writer.pid, SIGKILL);
    int ended_by_kill = 0;
    bool acknowledged[2] = {};
    for (int w = 0; w < 2; ++w) {
      int status = 0;
      REQUIRE(::waitpid(writers[w].pid, &status, 0) == writers[w].pid);
      REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));  // an append that is not killed succeeds
      ended_by_kill += WIFSIGNALED(status) ? 1 : 0;
      char byte;
      acknowledged[w] = ::read(writers[w].acknowledged, &byte, 1) == 1;
      ::close(writers[w].acknowledged);
    }
    killed += ended_by_kill;
    finished += 2 - ended_by_kill;
    window = std::clamp(window * (ended_by_kill == 2 ? 1.1 : ended_by_kill == 0 ? 0.9 : 1.0), 200.0, 200'000.0);

    const auto entries = read_ledger(path, form);  // checks every byte and the chain
    REQUIRE(entries);
    std::vector<std::string> now;
    for (const auto& entry : *entries) now.push_back(entry.text);
    REQUIRE(now.size() >= before.size());
    REQUIRE(now.size() <= before.size() + 2);
    REQUIRE(std::equal(before.begin(), before.end(), now.begin()));
    int found = 0;
    for (int w = 0; w < 2; ++w) {
      const auto count = std::count_if(now.begin() + static_cast<std::ptrdiff_t>(before.size()), now.end(),
                                       [&](const std::string& entry) { return entry.ends_with(writers[w].mark); });
      REQUIRE(count <= 1);
      REQUIRE((count == 1 || !acknowledged[w]));  // no line is lost
      if (count == 1 && !acknowledged[w]) ++killed_after_write;
      found += static_cast<int>(count);
    }
    REQUIRE(before.size() + static_cast<std::size_t>(found) == now.size());  // and no other line appears
    before = std::move(now);
  }
  MESSAGE(killed << " killed, " << killed_after_write << " of them after the rename, " << finished << " finished, "
                 << before.size() << " entries");
  CHECK(finished > 0);
  CHECK(before.size() >= static_cast<std::size_t>(finished));
}

}  // namespace ledger_kill_test
