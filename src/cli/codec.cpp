// hallmark codec encode|decode: numbers to GF16 words and back, one per line.
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "format/gf16_zig.hpp"
#include "format/golden_float.hpp"

namespace hallmark::cli {
namespace {

Error bad_token(std::size_t line, const std::string& token, const char* expected) {
  return {Exit::input, 328, fmt::format("'{}' is not {}", token, expected), fmt::format("standard input, line {}", line),
          "one number per line, for example 0.1, 0x1.8p-3 (encode) or 0x3E00 (decode)"};
}

/// Applies one to every whitespace-separated token of stdin; an input without any is an error.
template <class One>
Expected<Exit> each_token(One one) {
  std::string text, token;
  std::size_t line = 0, count = 0;
  std::string out;
  while (std::getline(std::cin, text)) {
    ++line;
    for (std::size_t at = text.find_first_not_of(" \t\r"); at != std::string::npos;
         at = text.find_first_not_of(" \t\r", at)) {
      const std::size_t end = std::min(text.find_first_of(" \t\r", at), text.size());
      token = text.substr(at, end - at);
      at = end;
      const Expected<std::string> result = one(line, token);
      if (!result) return result.error();
      out += *result + "\n";
      ++count;
    }
  }
  if (count == 0) return Error{Exit::input, 329, "no number to convert", fmt::format("standard input, {} lines", line),
                               "printf '1.0\\n' | hallmark codec encode"};
  std::cout << out << std::flush;
  if (!std::cout) return Error{Exit::io, 901, "cannot write the result", "standard output", "check the pipe or the disk"};
  return Exit::ok;
}

/// The decimal (or hexadecimal) number is rounded once to binary64 by strtod, and that once to GF16.
Expected<std::string> encode_one(std::size_t line, const std::string& token) {
  char* end = nullptr;
  const double value = std::strtod(token.c_str(), &end);
  if (end != token.c_str() + token.size()) return bad_token(line, token, "a number");
  return fmt::format("0x{:04X}", GF16::encode(value));
}

Expected<std::string> decode_one(std::size_t line, const std::string& token, bool zig) {
  char* end = nullptr;
  errno = 0;
  const unsigned long word = std::strtoul(token.c_str(), &end, 0);
  const bool starts_with_digit = token[0] >= '0' && token[0] <= '9';
  if (!starts_with_digit || end != token.c_str() + token.size() || errno != 0 || word > 0xFFFF)
    return bad_token(line, token, "a 16-bit word");
  const auto bits = static_cast<std::uint16_t>(word);
  const float value = zig ? decode_gf16_zig_1_1(bits) : GF16::decode(bits);
  return std::isnan(value) ? std::string("nan") : fmt::format("{}", value);
}

}  // namespace

Command codec_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("codec", "Convert numbers to GF16 words and back (standard input, one per line)");
  app->require_subcommand(1);
  CLI::App* encode = app->add_subcommand("encode", "Decimal or hexadecimal-float numbers to words 0xHHHH");
  CLI::App* decode = app->add_subcommand("decode", "Words to numbers");
  auto format = std::make_shared<std::string>("gf16/1");
  decode->add_option("--format", *format, "How to read the words")
      ->check(CLI::IsMember({"gf16/1", "gf16/zig-1.1"}))
      ->capture_default_str();
  return {app, [encode, format] {
            if (encode->parsed()) return each_token(encode_one);
            const bool zig = *format == "gf16/zig-1.1";
            return each_token([zig](std::size_t line, const std::string& token) { return decode_one(line, token, zig); });
          }};
}

}  // namespace hallmark::cli
