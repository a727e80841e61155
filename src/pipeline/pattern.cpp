#include "pipeline/pattern.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

// "*.weight" -> ".*\\.weight": what a shell's pattern means, for who meant one.
std::string from_glob(std::string_view glob) {
  std::string text;
  for (const char c : glob) text += c == '*' ? ".*" : c == '?' ? "." : c == '.' ? "\\." : std::string(1, c);
  return text;
}

}  // namespace

Expected<Pattern> Pattern::compile(const std::string& text, const std::string& place) {
  RE2::Options quiet;
  quiet.set_log_errors(false);
  auto expression = std::make_shared<const RE2>(text, quiet);
  if (expression->ok()) return Pattern(std::move(expression));
  const bool like_a_glob = expression->error_code() == RE2::ErrorRepeatArgument && text.size() <= 200;
  return Error{Exit::usage, error_number::pattern_malformed, "malformed regular expression",
               fmt::format("{} '{}': {}", place, text.substr(0, 200), expression->error().substr(0, 200)),
               like_a_glob
                   ? fmt::format("a regular expression: what '{}' means to a shell is '{}'", text, from_glob(text))
                   : "the syntax of RE2, for example 'mlp\\..*weight'; it has no back references and looks "
                     "neither ahead nor behind"};
}

bool Pattern::finds(const std::string& name) const { return RE2::PartialMatch(name, *expression_); }

std::string pattern_of(const std::string& name) { return "^" + re2::RE2::QuoteMeta(name) + "$"; }

}  // namespace hallmark
