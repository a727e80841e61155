#include <doctest/doctest.h>

#include "io/file.hpp"
#include "io/sha256.hpp"
#include "temporary_folder.hpp"

namespace sha256_test {

using namespace hallmark;

// FIPS 180-4, appendix B, and the empty message.
constexpr std::string_view of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view of_million_a = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST_CASE("SHA-256 agrees with the published vectors") {
  CHECK(sha256_hex(std::string_view()) == of_nothing);
  CHECK(sha256_hex("abc") == of_abc);
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) == of_million_a);
}

TEST_CASE("pieces do not matter, and hex() leaves the state alone") {
  Sha256 digest;
  CHECK(digest.hex() == of_nothing);
  digest.update("a").update("");
  CHECK(digest.hex() == sha256_hex("a"));
  CHECK(digest.update("bc").hex() == of_abc);
}

TEST_CASE("files: the same digest, and a missing file is an error") {
  const test::TemporaryFolder folder;
  test::write_file(folder / "a", std::string(3'000'000, 'a'));
  CHECK(*sha256_file(folder / "a") == sha256_hex(std::string(3'000'000, 'a')));
  const auto missing = sha256_file(folder / "b");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().exit == Exit::io);
  CHECK(missing.error().number == 901);
  CHECK_FALSE(sha256_file(folder.path()));  // a folder
}

TEST_CASE("a map is hashed in pieces, and no further where a stop is requested") {
  const test::TemporaryFolder folder;
  const std::string text(2 * mapped_piece + 12345, 'a');
  test::write_file(folder / "a", text);
  const auto map = MappedFile::open(folder / "a");
  REQUIRE(map);
  CHECK(sha256_mapped(map->bytes()) == sha256_hex(text));
  CHECK(sha256_mapped(map->bytes().subspan(1, mapped_piece)) ==
        sha256_hex(std::string_view(text).substr(0, mapped_piece)));
  CHECK(sha256_mapped({}) == of_nothing);
  std::stop_source stop;
  stop.request_stop();
  Sha256 digest;
  update_mapped(digest, map->bytes(), stop.get_token());
  CHECK(digest.hex() == of_nothing);
}

}  // namespace sha256_test
