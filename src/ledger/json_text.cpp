#include "ledger/json_text.hpp"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"

namespace hallmark::detail {
namespace {

using Json = nlohmann::ordered_json;

// Appends; false at a number that is not finite.
bool append(std::string& out, const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
    return std::isfinite(number);
  }
  if (!value.is_structured()) {
    out += value.dump();
    return true;
  }
  bool finite = true;
  out += value.is_object() ? '{' : '[';
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (item != value.begin()) out += ',';
    if (value.is_object()) out += Json(item.key()).dump() + ':';
    finite = append(out, *item) && finite;
  }
  out += value.is_object() ? '}' : ']';
  return finite;
}

}  // namespace

Expected<std::string> json_text(const Json& value) {
  std::string text;
  if (append(text, value)) return text;
  return Error{Exit::internal, error_number::value_not_finite, "a number to be recorded is not finite", text,
               "report this with the checkpoint and the text"};
}

}  // namespace hallmark::detail
