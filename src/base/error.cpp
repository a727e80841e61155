#include "base/error.hpp"

#include <fmt/format.h>

namespace hallmark {

std::string to_string(const Error& error) {
  std::string text = fmt::format("error[E{:04}]: {}\n", error.number, error.what);
  if (!error.where.empty()) text += fmt::format("  {}\n", error.where);
  if (!error.hint.empty()) text += fmt::format("  try: {}\n", error.hint);
  return text;
}

Error located(std::string_view place, Error error) {
  error.where = error.where.empty() ? std::string(place) : fmt::format("{}: {}", place, error.where);
  return error;
}

}  // namespace hallmark
