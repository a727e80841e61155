// Every bad file of the catalogue, by name: from memory, and from a file that ends at the end of a page.
#include <doctest/doctest.h>

#include <set>

#include "../attacks/attacks.hpp"
#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"
#include "temporary_folder.hpp"

using namespace hallmark;

TEST_CASE("each file of the catalogue is answered by its error") {
  const test::TemporaryFolder folder;
  REQUIRE(test::attacks().size() > 100);
  std::set<std::string> names;
  for (const test::Attack& attack : test::attacks()) {
    CAPTURE(attack.name);
    CHECK(names.insert(attack.name).second);
    const auto parsed = parse_safetensors(std::as_bytes(std::span(attack.bytes)), attack.name);
    CHECK((parsed ? 0 : parsed.error().number) == attack.number);
    test::write_file(folder / "attack.safetensors", attack.bytes);
    const auto opened = SafeTensors::open(folder / "attack.safetensors");
    CHECK((opened ? 0 : opened.error().number) == attack.number);
    if (opened) continue;
    CHECK(opened.error().exit == Exit::input);
    CHECK_FALSE(opened.error().what.empty());
    CHECK(opened.error().where.find("attack.safetensors") != std::string::npos);
    CHECK_FALSE(opened.error().hint.empty());
    for (const char c : opened.error().where) CHECK_FALSE((static_cast<unsigned char>(c) < 0x20 || c == 0x7F));
  }
}

TEST_CASE("every error of the format has a file that shows it") {
  using namespace error_number;
  std::set<int> shown;
  for (const test::Attack& attack : test::attacks()) shown.insert(attack.number);
  for (int number = header_too_small; number <= size_mismatch; ++number) CHECK_MESSAGE(shown.contains(number), number);
  for (const int number : {data_truncated, data_trailing, name_invalid, rank_too_large, size_too_large})
    CHECK_MESSAGE(shown.contains(number), number);
}

TEST_CASE("no more tensors than the cap") {
  const auto header = [](std::size_t count) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i)
      text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
    return test::assemble(text + "}");
  };
  const std::string most = header(max_tensors), more = header(max_tensors + 1);
  const auto accepted = parse_safetensors(std::as_bytes(std::span(most)), "most");
  REQUIRE(accepted);
  CHECK(accepted->tensors.size() == max_tensors);
  CHECK(accepted->tensors[17].name == "17");  // equal ranges stay in header order
  const auto refused = parse_safetensors(std::as_bytes(std::span(more)), "more");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().number == error_number::too_many_tensors);
}

TEST_CASE("a missing file, a folder and a device are errors of the operating system") {
  const test::TemporaryFolder folder;
  for (const std::string& path : {folder / "missing", folder.path(), std::string("/dev/null")}) {
    const auto opened = SafeTensors::open(path);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().exit == Exit::io);
    CHECK(opened.error().number == error_number::cannot_read);
  }
}
