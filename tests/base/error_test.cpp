#include "base/error.hpp"

#include <doctest/doctest.h>

#include <memory>

namespace error_test {

using namespace hallmark;

TEST_CASE("an error prints as three lines with its number") {
  const Error error{Exit::input, 301, "the file is truncated", "a.safetensors: 7 of 8 bytes", "download it again"};
  CHECK(to_string(error) ==
        "error[E0301]: the file is truncated\n  a.safetensors: 7 of 8 bytes\n  try: download it again\n");
}

TEST_CASE("a place is put before the one that is known") {
  CHECK(located("a.safetensors", {Exit::input, 301, "what", "tensor 'b'", ""}).where == "a.safetensors: tensor 'b'");
  CHECK(located("a.safetensors", {Exit::input, 301, "what", "", ""}).where == "a.safetensors");
}

TEST_CASE("empty lines are left out") {
  CHECK(to_string(Error{Exit::internal, 1001, "what", "", ""}) == "error[E1001]: what\n");
}

TEST_CASE("Expected holds a value or an error, and reading the wrong side throws") {
  Expected<std::unique_ptr<int>> value = std::make_unique<int>(3);
  REQUIRE(value);
  CHECK(**value == 3);
  const std::unique_ptr<int> moved = *std::move(value);
  CHECK(*moved == 3);
  const Expected<std::unique_ptr<int>> failure = Error{Exit::io, 901, "no", "", ""};
  CHECK_FALSE(failure);
  CHECK(failure.error().exit == Exit::io);
  CHECK_THROWS_AS((void)failure.value(), std::bad_variant_access);
  CHECK(static_cast<bool>(ok()));
}

}  // namespace error_test
