#include "io/strict_json.hpp"

#include <doctest/doctest.h>

#include <string>

namespace strict_json_test {

using namespace hallmark;

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
  CHECK_FALSE(strict_json(std::string_view("[1]\0", 4)));
  CHECK_FALSE(strict_json(std::string_view("[1]\0[2]", 7)));  // the parser stops at the zero byte
}

TEST_CASE("depth, values and keys are bounded") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(strict_json(nested(64)));
  CHECK_FALSE(strict_json(nested(65)));
  const auto list = [](std::size_t count) {
    std::string text = "[";
    for (std::size_t i = 1; i < count; ++i) text += "{},";
    return text + "{}]";
  };
  constexpr std::size_t most = std::size_t{1} << 20;
  CHECK(strict_json(list(most - 1)));  // and in time linear in their number
  CHECK_FALSE(strict_json(list(most)));
  const auto object = [](std::size_t count) {
    std::string text = "{\"0\":0";
    for (std::size_t i = 1; i < count; ++i) text += ",\"" + std::to_string(i) + "\":0";
    return text + "}";
  };
  CHECK(strict_json(object(1024)));
  CHECK_FALSE(strict_json(object(1025)));
  CHECK(is_strict_json(object(100'000), names_of_a_model));
  CHECK_FALSE(is_strict_json(nested(5), names_of_a_model));
  CHECK_FALSE(strict_json(std::string(40 << 20, '[')));
}

TEST_CASE("the key that stands twice is told") {
  std::string repeated;
  CHECK_FALSE(strict_json(R"([{"x":{"a":1,"b":2,"a":1}}])", &repeated));
  CHECK(repeated == "a");
}

}  // namespace strict_json_test
