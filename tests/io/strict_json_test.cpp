#include "io/strict_json.hpp"

#include <doctest/doctest.h>

#include <string>

using hallmark::strict_json;

TEST_CASE("a key stands once in its object, at every depth") {
  CHECK(strict_json(R"({"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]})"));
  CHECK(strict_json(R"({"b":1,"a":2})")->dump() == R"({"b":1,"a":2})");
  CHECK_FALSE(strict_json(R"({"a":1,"a":1})"));
  CHECK_FALSE(strict_json(R"({"a":1,"\u0061":1})"));  // the same key, written otherwise
  CHECK_FALSE(strict_json(R"({"x":{"a":1,"b":2,"a":1}})"));
  CHECK_FALSE(strict_json(R"([[{"a":{},"a":{}}]])"));
}

TEST_CASE("broken syntax is no value") {
  for (const char* text : {"", "{", "{\"a\":1}}", "{\"a\":NaN}", "{a:1}", "[1,]", "\"\xff\"", "nul", "{\"a\" 1}"}) {
    CAPTURE(text);
    CHECK_FALSE(strict_json(text));
  }
  const std::string deep(100'000, '[');
  CHECK_FALSE(strict_json(deep));
  CHECK(strict_json(deep + std::string(100'000, ']')));
}
