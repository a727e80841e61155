#include "pipeline/pattern.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/error_numbers.hpp"

namespace hallmark {

Expected<Pattern> Pattern::compile(const std::string& text, const std::string& place) {
  RE2::Options quiet;
  quiet.set_log_errors(false);
  auto expression = std::make_shared<const RE2>(text, quiet);
  if (expression->ok()) return Pattern(std::move(expression));
  return Error{Exit::usage, error_number::pattern_malformed, "malformed regular expression",
               fmt::format("{} '{}': {}", place, text.substr(0, 200), expression->error().substr(0, 200)),
               "the syntax of RE2, for example 'mlp\\..*weight'; it has no back references and looks neither ahead nor "
               "behind"};
}

bool Pattern::finds(const std::string& name) const { return RE2::PartialMatch(name, *expression_); }

}  // namespace hallmark
