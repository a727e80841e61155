// The corpus: which file is in which split, digests, and every way a folder can be wrong.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "../io/temporary_folder.hpp"
#include "io/sha256.hpp"
#include "replay/text.hpp"

namespace text_test {

using namespace hallmark;
using test::TemporaryFolder;
using test::write_file;

namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void check_error(const Expected<Corpus>& corpus, Exit exit, int number) {
  REQUIRE(!corpus);
  CHECK(corpus.error().exit == exit);
  CHECK(corpus.error().number == number);
  CHECK(!corpus.error().where.empty());
  CHECK(!corpus.error().hint.empty());
}

}  // namespace

TEST_CASE("every tenth regular file, sorted bytewise, is validation") {
  TemporaryFolder folder;
  // Bytewise order: digits, upper case, lower case, bytes above 127.
  const std::vector<std::string> names{"0", "1", "A", "B", "a", "b", "c", "d", "e", "f", "g", "\xc3\xa4"};
  for (const auto& name : names) write_file(folder / name, "<" + name + ">");
  std::filesystem::create_directory(folder / "C");
  write_file(folder / "C/not-read", "subfolder");
  std::filesystem::create_symlink(folder / "0", folder / "5-link");
  const auto corpus = load_corpus(folder.path());
  REQUIRE(corpus);
  CHECK(corpus->files == names);
  CHECK(text_of(corpus->validation.bytes()) == "<f>");
  CHECK(text_of(corpus->train.bytes()) == "<0><1><A><B><a><b><c><d><e><g><\xc3\xa4>");
  CHECK(corpus->train.digest() == sha256_hex(corpus->train.bytes()));
  CHECK(corpus->validation.digest() == sha256_hex(std::string_view("<f>")));
  CHECK(corpus->digest == sha256_hex(std::string_view("<0><1><A><B><a><b><c><d><e><f><g><\xc3\xa4>")));
}

TEST_CASE("a folder that is missing, empty or too short is refused") {
  TemporaryFolder folder;
  check_error(load_corpus(folder / "absent"), Exit::input, 390);
  check_error(load_corpus(folder.path()), Exit::input, 391);
  write_file(folder / "0", "text");
  check_error(load_corpus(folder / "0"), Exit::input, 390);
  for (int i = 1; i < 9; ++i) write_file(folder / std::to_string(i), "text " + std::to_string(i));
  check_error(load_corpus(folder.path()), Exit::input, 392);  // nine files: no validation
  write_file(folder / "9", "");
  check_error(load_corpus(folder.path()), Exit::input, 392);  // the tenth is empty
  write_file(folder / "9", "x");
  CHECK(load_corpus(folder.path()));
}

TEST_CASE("one text in both splits is refused by its digest; twice in one split it is not") {
  TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) write_file(folder / std::to_string(i), "text " + std::to_string(i % 9));
  check_error(load_corpus(folder.path()), Exit::input, 395);  // 9 is 0 again
  write_file(folder / "9", "other");
  write_file(folder / "3", "text 2");
  CHECK(load_corpus(folder.path()));
}

TEST_CASE("a validation file inside the train text is refused, across files too; a short one is not") {
  TemporaryFolder folder;
  std::string held_out;
  for (int i = 0; held_out.size() < 300; ++i) held_out += std::to_string(i * i) + " ";
  for (int i = 0; i < 9; ++i) write_file(folder / std::to_string(i), "text " + std::to_string(i));
  write_file(folder / "9", held_out);
  REQUIRE(load_corpus(folder.path()));
  write_file(folder / "4", "before " + held_out + " behind");
  check_error(load_corpus(folder.path()), Exit::input, 395);
  CHECK(load_corpus(folder.path()).error().where.ends_with("contains 9"));
  write_file(folder / "4", "before " + held_out.substr(0, 100));
  REQUIRE(load_corpus(folder.path()));
  write_file(folder / "5", held_out.substr(100));
  check_error(load_corpus(folder.path()), Exit::input, 395);
  write_file(folder / "4", "short text");
  write_file(folder / "9", "text");
  CHECK(load_corpus(folder.path()));
}

TEST_CASE("perl-doc: both splits are there") {
  const auto corpus = load_corpus(default_text_folder);
  REQUIRE(corpus);
  CHECK(corpus->files.size() > 100);
  CHECK(corpus->train.bytes().size() > 8 * corpus->validation.bytes().size());
  CHECK(corpus->validation.bytes().size() > 262144);
}

}  // namespace text_test
