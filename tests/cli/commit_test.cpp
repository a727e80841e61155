// Container and certificate: the old pair or the new pair, wherever a call fails, a signal comes, the process is
// killed, or two writers meet.
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <re2/re2.h>

#include "files.hpp"
#include "shell.hpp"

namespace commit_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-commit-{}", ::getpid());

  Workspace() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    for (const unsigned seed : {1U, 2U})
      write_tensors((folder / fmt::format("w{}", seed)).string(), {{"a", DType::F32, {8, 32}, noise(256, seed)}});
  }
  ~Workspace() { fs::remove_all(folder); }

  Result run(const std::string& command) const {
    // Sanitizers want to be loaded first, and are; the preloaded library stands behind them. Faults are for the
    // tool to handle.
    return shell(fmt::format(
        "cd '{}'; export ASAN_OPTIONS=\"$ASAN_OPTIONS:verify_asan_link_order=0:handle_sigbus=0:handle_segv=0\"; "
        "failing() {{ LD_PRELOAD='{}' \"$@\"; }}; tool() {{ '{}' \"$@\"; }}; {}",
        folder.string(), HALLMARK_FAILING_SYSTEM, HALLMARK_TOOL, command));
  }
  std::string quantize(int w, const std::string& more = "--overwrite") const {
    return fmt::format("'{}' quantize --method rtn --weights w{} -o q {}", HALLMARK_TOOL, w, more);
  }
  /// The W that container and certificate agree on; 0 where they are a mixture.
  int pair() const {
    for (const int w : {1, 2})
      if (run(fmt::format("tool verify q --weights w{}", w)).exit == 0) return w;
    return 0;
  }
  int temporaries() const {
    return static_cast<int>(
        std::count_if(fs::directory_iterator(folder), fs::directory_iterator(), [](const auto& entry) {
          const std::string name = entry.path().filename().string();
          return name != "w1" && name != "w2" && name != "q" && name != "q.certificate.json" && name != "q.slack.svg";
        }));
  }
};

constexpr int calls = 8;  // two files synced, three renames, and syncs of their folder; more than there are

}  // namespace

TEST_CASE("a call that fails leaves the old pair or the new pair") {
  const Workspace work;
  int failures = 0, kept = 0;
  for (int call = 1; call <= calls; ++call) {
    CAPTURE(call);
    REQUIRE(work.run("rm -f q*; " + work.quantize(1)).exit == 0);
    const Result result = work.run(fmt::format("FAIL_CALL={} failing {}", call, work.quantize(2)));
    CAPTURE(result.out);
    failures += result.exit != 0;
    CHECK((result.exit == 0 || (result.exit == 9 && result.out.find("error[E0904]") != std::string::npos)));
    const int pair = work.pair();
    CHECK(pair != 0);
    CHECK((result.exit != 0 || pair == 2));
    kept += pair == 1;
    if (pair == 1) CHECK(work.temporaries() == 0);
    // The next run finds no fault in what this one left.
    CHECK(work.run(work.quantize(1)).exit == 0);
    CHECK(work.pair() == 1);
  }
  CHECK(failures >= 6);
  CHECK(kept >= 4);
}

TEST_CASE("without an old pair, a call that fails leaves none or the new one") {
  const Workspace work;
  for (int call = 1; call <= calls; ++call) {
    CAPTURE(call);
    const Result result = work.run(fmt::format("rm -f q*; FAIL_CALL={} failing {}", call, work.quantize(2, "")));
    CAPTURE(result.out);
    if (fs::exists(work.folder / "q")) CHECK(work.pair() == 2);
    else CHECK(work.temporaries() == 0);
  }
}

TEST_CASE("bytes are durable before they get a name, and a name before the next one needs it") {
  const Workspace work;
  const Result made = work.run("export CALLS=calls; failing " + work.quantize(1) + "; unset CALLS; cat calls");
  REQUIRE_MESSAGE(made.exit == 0, made.out);
  std::string order = made.out.substr(made.out.find("fsync "));
  RE2::GlobalReplace(&order, R"(\.hallmark-\d+-(\d)\.tmp)", R"(new\1)");  // 0 container, 1 certificate
  RE2::GlobalReplace(&order, "[0-9a-f]{64}", "DIGEST");
  const std::string folder = "fsync " + work.folder.filename().string() + "\n";
  CHECK(order == "fsync new1\nfsync new0\nrename new1 q.certificate.json.DIGEST\n" + folder + "rename new0 q\n" +
                     "rename q.certificate.json.DIGEST q.certificate.json\n" + folder + folder);
}

TEST_CASE("a temporary file that is created while a signal ends the process does not stay") {
  const Workspace work;
  for (const int signal : {SIGTERM, SIGINT, SIGBUS}) {
    CAPTURE(signal);
    const Result result = work.run(fmt::format("FAIL_CREATE={} failing {}", signal, work.quantize(1)));
    CAPTURE(result.out);
    CHECK(result.exit == 128 + signal);
    CHECK(work.temporaries() == 0);
    CHECK(!fs::exists(work.folder / "q"));
  }
}

TEST_CASE("a killed run leaves the old pair or the new pair") {
  const Workspace work;
  bool old_seen = false, new_seen = false;
  for (const int signal : {SIGKILL, SIGTERM, SIGBUS, SIGSEGV})
    for (int call = 1; call <= calls; ++call) {
      CAPTURE(signal);
      CAPTURE(call);
      REQUIRE(work.run("rm -f q* .hallmark*; " + work.quantize(1)).exit == 0);
      const Result result =
          work.run(fmt::format("FAIL_CALL={} FAIL_SIGNAL={} failing {}", call, signal, work.quantize(2)));
      const int pair = work.pair();
      CHECK(pair != 0);
      (pair == 1 ? old_seen : new_seen) = true;
      if (signal == SIGTERM || (signal != SIGKILL && call <= 2)) CHECK(work.temporaries() == 0);
      CHECK((result.exit == 0 || result.exit == 128 + signal));
    }
  CHECK(old_seen);
  CHECK(new_seen);
}

TEST_CASE("a killed run that writes the same codes with other words leaves the old pair or the new pair") {
  const Workspace work;
  for (int call = 1; call <= calls; ++call) {
    CAPTURE(call);
    REQUIRE(work.run("rm -f q* .hallmark*; " + work.quantize(1)).exit == 0);
    work.run(
        fmt::format("FAIL_CALL={} FAIL_SIGNAL=9 failing {}", call, work.quantize(1, "--overwrite --block-size 64")));
    CHECK(work.pair() == 1);
  }
}

TEST_CASE("verify beside a writer answers for one pair, and accuses nobody") {
  const Workspace work;
  const std::string quantize =
      fmt::format("'{}' quantize --method rtn --weights w1 -o out/q --overwrite", HALLMARK_TOOL);
  REQUIRE(work.run("mkdir -p old/out; cp w1 old; cd old; " + quantize + " --grid int4").exit == 0);
  // A writer that is killed before the certificate gets its own name leaves one that waits.
  const Result killed =
      work.run("cp -r old new; cd new; FAIL_CALL=6 FAIL_SIGNAL=9 failing " + quantize + " --grid int8; ls out");
  REQUIRE_MESSAGE(killed.out.find("q.certificate.json.") != std::string::npos, killed.out);
  const std::string whole = quantize + " --grid int8", renamed = "mv out/q.certificate.json.* out/q.certificate.json";
  for (const std::string certificate : {"", " --certificate ./out/q.certificate.json"})
    for (const std::string folder : {"old", "new"})
      for (const std::string& beside : {whole, renamed}) {
        if (folder == "old" && beside == renamed) continue;
        int open = 0;
        do {  // before each time that a file is opened
          const Result result = work.run(
              fmt::format("rm -rf now; cp -r {} now; cd now; BESIDE=\"{} && touch ../beside\" BESIDE_OPEN={} failing "
                          "'{}' verify ./out/q --weights w1{}",
                          folder, beside, ++open, HALLMARK_TOOL, certificate));
          CAPTURE(folder);
          CAPTURE(beside);
          CAPTURE(open);
          CHECK_MESSAGE(result.exit == 0, result.out);
        } while (fs::remove(work.folder / "beside"));
        CHECK(open > 2);  // container and certificate at least
      }
}

TEST_CASE("two writers leave the pair of one of them") {
  const Workspace work;
  for (int round = 0; round < 20; ++round) {
    CHECK(work.run(work.quantize(1) + " & " + work.quantize(2) + " & wait").exit == 0);
    CHECK(work.pair() != 0);
    CHECK(work.temporaries() == 0);
  }
}

TEST_CASE("a writer waits for one that stands still in the middle of its commit") {
  const Workspace work;
  REQUIRE(work.run(work.quantize(1)).exit == 0);
  for (int call = 3; call <= 7; ++call) {  // after both files are synced the folder is locked
    CAPTURE(call);
    const Result both =
        work.run(fmt::format("(export FAIL_CALL={} FAIL_SIGNAL={} LD_PRELOAD='{}'; exec {}) & a=$!; "
                             "while grep -q 'State:.[RSD]' /proc/$a/status; do sleep 0.01; done; {} & b=$!; "
                             "waits() {{ grep -q -- \"-> FLOCK *ADVISORY *WRITE $b \" /proc/locks; }}; "
                             "n=0; until waits || ! grep -q 'State:.[RSD]' /proc/$b/status || [ $((n += 1)) -gt 3000 "
                             "]; do sleep 0.01; done; "
                             "waits; one=$?; kill -CONT $a; wait $a; two=$?; wait $b; echo waits $one, ended $two $?",
                             call, SIGSTOP, HALLMARK_FAILING_SYSTEM, work.quantize(1), work.quantize(2)));
    CHECK_MESSAGE(both.out.find("waits 0, ended 0 0") != std::string::npos, both.out);
    CHECK(work.pair() == 2);
    CHECK(work.temporaries() == 0);
  }
}

TEST_CASE("a file system without exchange, without links: the result is kept, and nothing is replaced") {
  const Workspace work;
  for (const std::string lack : {"FAIL_RENAMEAT2=1", "FAIL_RENAMEAT2=1 FAIL_LINK=1"}) {
    CAPTURE(lack);
    CHECK(work.run(fmt::format("rm -f q*; {} failing {}", lack, work.quantize(1, ""))).exit == 0);
    CHECK(work.pair() == 1);
    CHECK(work.temporaries() == 0);
    CHECK(work.run(fmt::format("{} failing {}", lack, work.quantize(2, ""))).exit == 4);
    CHECK(work.pair() == 1);
  }
}

TEST_CASE("where the system starts no thread, or few, the bytes are the same") {
  const Workspace work;
  REQUIRE(work.run(work.quantize(1) + "; mv q once; mv q.certificate.json once.json").exit == 0);
  for (int threads = 0; threads <= 12; ++threads) {
    CAPTURE(threads);
    const std::string few = fmt::format("FAIL_THREADS={} failing ", threads);
    const Result result =
        work.run(few + work.quantize(1) + " --threads 4 && cmp q once && cmp q.certificate.json once.json");
    CAPTURE(result.out);
    CHECK(result.exit == 0);
    CHECK(work.run(few + fmt::format("'{}' verify q --weights w1", HALLMARK_TOOL)).exit == 0);
  }
}

TEST_CASE("stacks too small for the kernels are refused") {
  const Workspace work;
  for (const std::string stack : {"16k", "64k", "128k"}) {
    const Result result = work.run(fmt::format("OMP_STACKSIZE={} {} --threads 4", stack, work.quantize(1)));
    CAPTURE(result.out);
    CHECK(result.exit == 10);
    CHECK(result.out.find("error[E1001]: the stack of a thread is too small") != std::string::npos);
  }
  CHECK(work.run(fmt::format("OMP_STACKSIZE=512k {} --threads 4", work.quantize(1))).exit == 0);
}

}  // namespace commit_test
