// hallmark codec encode|decode: numbers to GF16 words and back, one per line.
#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "format/gf16_t27.hpp"
#include "format/gf16_zig.hpp"
#include "format/golden_float.hpp"

namespace hallmark::cli {
namespace {

constexpr std::size_t longest_token = 65536;  // an exact decimal of binary64 has fewer than 1,100 characters

Error bad_token(std::size_t line, const std::string& token, const char* expected) {
  return {Exit::input, error_number::word_malformed, fmt::format("'{}' is not {}", printable(token), expected),
          fmt::format("standard input, line {}", line),
          "one number per line, for example 0.1, 0x1.8p-3 (encode) or 0x3E00 (decode)"};
}

/// Applies one to every whitespace-separated token of stdin and prints each result at once, on a line of its own:
/// memory does not grow with the input. Stops at the first error or when nobody receives the output. An input without a
/// token is an error.
template <class One>
Expected<Exit> each_token(One one) {
  std::string token;
  std::size_t line = 1, count = 0;
  for (bool more = true; more && std::cout;) {
    const int c = std::getc(stdin);
    more = c != EOF;
    if (more && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      token += static_cast<char>(c);
      if (token.size() > longest_token) return bad_token(line, token, "a number: it has no end");
      continue;
    }
    if (!token.empty()) {
      const Expected<std::string> result = one(line, token);
      if (!result) return result.error();
      print("{}\n", *result);
      ++count;
      token.clear();
    }
    line += c == '\n';
  }
  if (count == 0)
    return Error{Exit::input, error_number::no_word, "no number to convert", "standard input holds no word",
                 "printf '1.0\\n' | hallmark codec encode"};
  return Exit::ok;
}

/// strtod in another direction of rounding, which glibc's honours.
double number_toward(int direction, const std::string& token, char** end) {
  const int before = std::fegetround();
  std::fesetround(direction);
  const double value = std::strtod(token.c_str(), end);
  std::fesetround(before);
  return value;
}

/// The number is rounded once. On the way to GF16 stands a binary64 number that is odd where it is not exact, so that
/// it lies on the same side of every midpoint between words (Boldo and Melquiond).
Expected<std::string> encode_one(std::size_t line, const std::string& token) {
  char* end = nullptr;
  const double below = number_toward(FE_DOWNWARD, token, &end), above = number_toward(FE_UPWARD, token, &end);
  if (end != token.c_str() + token.size()) return bad_token(line, token, "a number");
  const bool odd = std::bit_cast<std::uint64_t>(below) & 1;
  return fmt::format("0x{:04X}", GF16::encode(below == above || odd ? below : above));
}

/// How words are read: only the first is written too.
constexpr std::array<std::pair<const char*, float (*)(std::uint16_t)>, 3> readers{
    {{"gf16/1", GF16::decode}, {"gf16/zig-1.1", decode_gf16_zig_1_1}, {"gf16/t27", decode_gf16_t27}}};

Expected<std::string> decode_one(std::size_t line, const std::string& token, float (*decode)(std::uint16_t)) {
  char* end = nullptr;
  errno = 0;
  const unsigned long word = std::strtoul(token.c_str(), &end, 0);
  const bool starts_with_digit = token[0] >= '0' && token[0] <= '9';
  if (!starts_with_digit || end != token.c_str() + token.size() || errno != 0 || word > 0xFFFF)
    return bad_token(line, token, "a 16-bit word");
  const float value = decode(static_cast<std::uint16_t>(word));
  return std::isnan(value) ? std::string("nan") : fmt::format("{}", value);
}

}  // namespace

Command codec_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("codec", "Convert numbers to GF16 words and back (standard input, one per line)");
  app->require_subcommand(1);
  CLI::App* encode =
      app->add_subcommand("encode", "Decimal or hexadecimal-float numbers, read from standard input, to words 0xHHHH");
  CLI::App* decode = app->add_subcommand("decode", "Words, read from standard input, to numbers");
  auto format = std::make_shared<std::string>("gf16/1");
  decode->add_option("--format", *format, "How to read the words")
      ->check(CLI::IsMember({"gf16/1", "gf16/zig-1.1", "gf16/t27"}))
      ->capture_default_str();
  return {app, [encode, format] {
            if (encode->parsed()) return each_token(encode_one);
            const auto reader = std::ranges::find(readers, *format, [](const auto& entry) { return entry.first; });
            return each_token([decode = reader->second](std::size_t line, const std::string& token) {
              return decode_one(line, token, decode);
            });
          }};
}

}  // namespace hallmark::cli
