// A state gives back what was kept with the same dependencies, says why it gives nothing, and is one run's alone.
#include <doctest/doctest.h>

#include "../io/temporary_folder.hpp"
#include "base/error_numbers.hpp"
#include "state/state.hpp"

namespace state_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

State opened(const std::string& folder, bool resume = true) {
  Expected<State> state = State::open(folder, "quantize", resume);
  if (!state) FAIL(to_string(state.error()));
  return *std::move(state);
}

int refusal(const std::string& folder, bool resume = true, const std::string& command = "quantize") {
  const Expected<State> state = State::open(folder, command, resume);
  return state ? 0 : state.error().number;
}

void keep(const State& state, const std::string& name, const Dependencies& on, std::string_view text) {
  const Status kept = state.keep(name, on, std::as_bytes(std::span(text)));
  if (!kept) FAIL(to_string(kept.error()));
}

/// The text that is found, or why none is.
std::string found(const State& state, const std::string& name, const Dependencies& on) {
  const Found there = state.find(name, on);
  if (!there.kept) return "not: " + there.why_not;
  return {reinterpret_cast<const char*>(there.kept->bytes.data()), there.kept->bytes.size()};
}

std::string only_record(const std::string& folder) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".record") return entry.path();
  return "";
}

const Dependencies on{{"grid", "int4/2"}, {"weights", "aa"}};

}  // namespace

TEST_CASE("what was kept is found where all that it depends on is as it was") {
  const TemporaryFolder folder;
  const State state = opened(folder / "s");
  CHECK(!state.has("a/b"));
  CHECK(found(state, "a/b", on) == "not: ");
  keep(state, "a/b", on, "text\nmore");
  keep(state, "c", on, "");
  CHECK(state.has("a/b"));
  CHECK(found(state, "a/b", on) == "text\nmore");
  CHECK(found(state, "c", on) == "");
  CHECK(found(state, "a/b", {{"grid", "int8/2"}, {"weights", "aa"}}) == "not: grid was int4/2, is int8/2");
  CHECK(found(state, "a/b", {{"grid", "int4/2"}}) == "not: weights was aa, there is none");
  CHECK(found(state, "a/b", {{"grid", "int4/2"}, {"more", "x"}, {"weights", "aa"}}) ==
        "not: more is x, there was none");
  keep(state, "a/b", {{"grid", "int8/2"}}, "other");
  CHECK(found(state, "a/b", {{"grid", "int8/2"}}) == "other");
}

TEST_CASE("a record that is cut anywhere, or with another byte anywhere, is not taken") {
  const TemporaryFolder folder;
  const State state = opened(folder / "s");
  keep(state, "a", on, "what was kept");
  const std::string path = only_record(folder / "s"), whole = read_file(path);
  for (std::size_t k = 0; k < whole.size(); ++k) {
    write_file(path, whole.substr(0, k));
    CHECK(found(state, "a", on).starts_with("not: its record is damaged"));
    std::string other = whole;
    other[k] = static_cast<char>(other[k] ^ 1);
    write_file(path, other);
    CHECK(found(state, "a", on).starts_with("not: its record is damaged"));
  }
  write_file(path, whole);
  CHECK(found(state, "a", on) == "what was kept");
  keep(state, "b", on, "other");
  for (const auto& entry : fs::directory_iterator(folder / "s"))
    if (entry.path() != path && entry.path().extension() == ".record")
      fs::copy(path, entry.path(), fs::copy_options::overwrite_existing);
  CHECK(found(state, "b", on).starts_with("not: its record is damaged"));  // it is a's
}

TEST_CASE("a state is one run's, one command's, and gone on with when asked") {
  const TemporaryFolder folder;
  {
    const State state = opened(folder / "s", false);
    CHECK(refusal(folder / "s") == error_number::state_in_use);
    CHECK(refusal(folder / "s", false) == error_number::state_in_use);
  }
  CHECK(refusal(folder / "s", false) == 0);  // nothing was kept
  keep(opened(folder / "s"), "a", on, "x");
  CHECK(refusal(folder / "s", false) == error_number::state_not_empty);
  CHECK(refusal(folder / "s", true, "gram") == error_number::state_foreign);
  CHECK(found(opened(folder / "s"), "a", on) == "x");
  CHECK(refusal(folder / "nowhere/s") == error_number::cannot_create);
  fs::create_directory(folder / "full");
  write_file(folder / "full/thesis.txt", "x");
  CHECK(refusal(folder / "full") == error_number::state_foreign);
  CHECK(read_file(folder / "full/thesis.txt") == "x");
  CHECK(!fs::exists(folder / "full/state"));
  write_file(folder / "file", "x");
  CHECK(refusal(folder / "file") != 0);
}

TEST_CASE("a state whose first file is cut anywhere keeps its records, and what killed runs left goes") {
  const TemporaryFolder folder;
  keep(opened(folder / "s"), "a", on, "x");
  const std::string title = read_file(folder / "s/state");
  REQUIRE(title.size() > 20);
  for (std::size_t k = 0; k < title.size(); ++k) {
    write_file(folder / "s/state", title.substr(0, k));
    write_file(folder / "s/.hallmark-1-1.tmp", "half a record");
    CHECK(found(opened(folder / "s"), "a", on) == "x");
    CHECK(read_file(folder / "s/state") == title);
    CHECK(!fs::exists(folder / "s/.hallmark-1-1.tmp"));
  }
  for (std::size_t k = 0; k < title.size(); ++k) {
    std::string other = title;
    other[k] = '#';
    write_file(folder / "s/state", other);
    CHECK(refusal(folder / "s") == error_number::state_foreign);
  }
}

}  // namespace state_test
