// Outputs are whole or absent, whatever stops the writer; inputs are noticed when they change.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "temporary_folder.hpp"

namespace file_test {

using namespace hallmark;
using namespace hallmark::error_number;

namespace {

int number(const Status& status) { return status ? 0 : status.error().number; }

/// Runs `work` in a child process and gives its wait status.
template <class Work>
int in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("a committed file has its bytes and no companions; modes follow the umask") {
  const test::TemporaryFolder folder;
  {
    auto file = AtomicFile::create(folder / "out", false);
    REQUIRE(file);
    REQUIRE(file->write("hello "));
    REQUIRE(file->write_at(0, std::as_bytes(std::span("J", 1))));
    REQUIRE(file->write("world"));
    CHECK_FALSE(std::filesystem::exists(folder / "out"));  // not before commit
    CHECK(folder.count() == 1);
    REQUIRE(file->commit());
  }
  CHECK(test::read_file(folder / "out") == "Jello world");
  CHECK(folder.count() == 1);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  struct stat status {};
  REQUIRE(::stat((folder / "out").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == (0666 & ~mask));
}

TEST_CASE("without commit nothing stays, moved or not") {
  const test::TemporaryFolder folder;
  {
    auto file = AtomicFile::create(folder / "out", false);
    REQUIRE(file);
    AtomicFile moved = std::move(*file);
    REQUIRE(moved.write("x"));
  }
  CHECK(folder.count() == 0);
}

TEST_CASE("an existing output is kept unless asked, and whole until replaced") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "out", "old");
  CHECK(AtomicFile::create(folder / "out", false).error().number == output_exists);
  CHECK(AtomicFile::create(folder / "out", false).error().exit == Exit::infeasible);
  auto file = AtomicFile::create(folder / "out", true);
  REQUIRE(file);
  REQUIRE(file->write("new"));
  CHECK(test::read_file(folder / "out") == "old");
  REQUIRE(file->commit());
  CHECK(test::read_file(folder / "out") == "new");
  CHECK(folder.count() == 1);
}

TEST_CASE("an output that appears meanwhile is kept") {
  const test::TemporaryFolder folder;
  auto file = AtomicFile::create(folder / "out", false);
  REQUIRE(file);
  REQUIRE(file->write("mine"));
  test::write_file(folder / "out", "theirs");
  CHECK(number(file->commit()) == output_exists);
  CHECK(test::read_file(folder / "out") == "theirs");
  CHECK(folder.count() == 1);
}

TEST_CASE("output = input is refused through every kind of link, with or without overwrite") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "in", "weights");
  REQUIRE(::symlink((folder / "in").c_str(), (folder / "soft").c_str()) == 0);
  REQUIRE(::link((folder / "in").c_str(), (folder / "hard").c_str()) == 0);
  for (const bool overwrite : {false, true})
    for (const std::string& out : {folder / "in", folder / "soft", folder / "hard", folder.path() + "/./in"}) {
      CHECK(same_file(out, folder / "in"));
      CHECK(number(check_output(out, overwrite, {folder / "in"})) == output_is_input);
    }
  test::write_file(folder / "other", "");
  CHECK_FALSE(same_file(folder / "other", folder / "in"));
  CHECK_FALSE(same_file(folder / "missing", folder / "missing"));
  CHECK(number(check_output(folder / "other", true, {folder / "in"})) == 0);
  CHECK(number(check_output(folder / "new", false, {folder / "in"})) == 0);
  CHECK(test::read_file(folder / "in") == "weights");
}

TEST_CASE("folders, devices and dangling links are no outputs") {
  const test::TemporaryFolder folder;
  CHECK(number(check_output(folder.path(), true)) == output_not_regular);
  CHECK(number(check_output("/dev/null", true)) == output_not_regular);
  REQUIRE(::symlink("nowhere", (folder / "dangling").c_str()) == 0);
  CHECK(number(check_output(folder / "dangling", false)) == output_exists);
}

TEST_CASE("a folder that takes no file is an error of the operating system") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "file", "");
  for (const std::string& out : {folder / "missing/out", folder / "file/out", std::string("/proc/out")}) {
    const auto file = AtomicFile::create(out, false);
    REQUIRE_FALSE(file);
    CHECK(file.error().exit == Exit::io);
    CHECK(file.error().number == cannot_create);
  }
  if (::geteuid() != 0) {  // permissions do not bind root
    REQUIRE(::chmod(folder.path().c_str(), 0555) == 0);
    CHECK(AtomicFile::create(folder / "out", false).error().number == cannot_create);
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  }
}

TEST_CASE("no space: the error says so and nothing stays") {
  // A limit on file sizes stands for the full disk: the same call fails in the same way, with another reason.
  const test::TemporaryFolder folder;
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto file = AtomicFile::create(folder / "out", false);
    if (!file) ::_exit(1);
    const std::string piece(300'000, 'x');
    for (int i = 0; i < 3; ++i)
      if (!file->write(piece)) ::_exit(2);
    const Status full = file->write(piece);
    if (number(full) != disk_full || full.error().exit != Exit::io) ::_exit(3);
    file = Error{};  // as a caller that gives up: the file is destroyed
    if (folder.count() != 0) ::_exit(4);
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(folder.count() == 0);
}

TEST_CASE("a signal handler removes the temporary files, and the old output stays") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "out", "old");
  for (const int signal : {SIGTERM, SIGINT}) {
    const int status = in_child([&] {
      struct sigaction action {};
      action.sa_handler = [](int s) {
        unlink_temporary_files();
        ::_exit(128 + s);
      };
      ::sigaction(signal, &action, nullptr);
      auto one = AtomicFile::create(folder / "out", true), two = AtomicFile::create(folder / "two", true);
      if (!one || !two || !one->write("new") || folder.count() != 3) ::_exit(1);
      ::raise(signal);
    });
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + signal);
    CHECK(folder.count() == 1);
    CHECK(test::read_file(folder / "out") == "old");
  }
}

TEST_CASE("a killed writer leaves the old output, and its name does not stop the next one") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "out", "old");
  const int status = in_child([&] {
    auto file = AtomicFile::create(folder / "out", true);
    if (!file || !file->write("new")) ::_exit(1);
    ::raise(SIGKILL);
  });
  CHECK(WIFSIGNALED(status));
  CHECK(test::read_file(folder / "out") == "old");
  CHECK(folder.count() == 2);
}

TEST_CASE("after commit or destruction the registry forgets the name") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 600; ++i) {  // more than it can hold at once
    auto file = AtomicFile::create(folder / "out", true);
    REQUIRE(file);
    if (i % 2 == 0) REQUIRE(file->commit());
  }
  in_child(unlink_temporary_files);
  CHECK(std::filesystem::exists(folder / "out"));
  std::vector<AtomicFile> many;
  for (int i = 0; i < 512; ++i) {
    auto file = AtomicFile::create(folder / std::to_string(i), false);
    REQUIRE(file);
    many.push_back(std::move(*file));
  }
  CHECK(AtomicFile::create(folder / "513th", false).error().number == too_many_outputs);
}

TEST_CASE("a map notices that its file changed") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "in", "12345678");
  const auto file = MappedFile::open(folder / "in");
  REQUIRE(file);
  CHECK(std::memcmp(file->bytes().data(), "12345678", 8) == 0);
  CHECK(number(file->unchanged()) == 0);
  struct stat status {};
  REQUIRE(::stat((folder / "in").c_str(), &status) == 0);
  const auto set_time = [&](long seconds, long nanoseconds) {
    const timespec times[2] = {status.st_atim, {seconds, nanoseconds}};
    REQUIRE(::utimensat(AT_FDCWD, (folder / "in").c_str(), times, 0) == 0);
  };
  const auto [seconds, nanoseconds] = status.st_mtim;
  set_time(seconds, (nanoseconds + 1) % 1000000000);
  CHECK(number(file->unchanged()) == file_changed);
  set_time(seconds - 1, nanoseconds);
  CHECK(number(file->unchanged()) == file_changed);
  set_time(seconds, nanoseconds);
  CHECK(number(file->unchanged()) == 0);
  REQUIRE(::truncate((folder / "in").c_str(), 9) == 0);
  set_time(seconds, nanoseconds);
  CHECK(number(file->unchanged()) == file_changed);
  test::write_file(folder / "empty", "");
  const auto empty = MappedFile::open(folder / "empty");
  REQUIRE(empty);
  CHECK(empty->bytes().empty());
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(MappedFile::open(folder / "pipe").error().number == cannot_read);  // and does not wait for a writer
}

TEST_CASE("forgotten pages come back with their bytes") {
  const test::TemporaryFolder folder;
  const std::string text(1 << 20, 'q');
  test::write_file(folder / "in", text);
  const auto file = MappedFile::open(folder / "in");
  REQUIRE(file);
  forget_pages(file->bytes().subspan(100, 900'000));
  CHECK(std::memcmp(file->bytes().data(), text.data(), text.size()) == 0);
  forget_pages({});
}

TEST_CASE("a file that is replaced is the one that the link leads to, and keeps its mode") {
  const test::TemporaryFolder folder;
  namespace fs = std::filesystem;
  test::write_file(folder / "real", "old");
  constexpr auto owner = fs::perms::owner_read;
  fs::permissions(folder / "real", owner);
  fs::create_symlink("real", folder / "link");
  auto file = AtomicFile::create(folder / "link", true);
  REQUIRE(file);
  REQUIRE(file->write("new"));
  REQUIRE(file->commit());
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(test::read_file(folder / "real") == "new");
  CHECK(fs::status(folder / "real").permissions() == owner);
  CHECK(folder.count() == 2);
}

TEST_CASE("a folder that is missing is no place for an output, before any work") {
  const test::TemporaryFolder folder;
  CHECK(number(check_output(folder / "nowhere/out", false)) == cannot_create);
  CHECK(number(check_output(folder / "out", false)) == 0);
}

TEST_CASE("a signal waits for nothing but a commit, and two do not end the process twice") {
  const int status = in_child([] {
    if (!may_end(SIGTERM) || may_end(SIGTERM)) ::_exit(1);
  });
  CHECK(status == 0);
}

}  // namespace file_test
