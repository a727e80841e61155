#include "base/error_numbers.hpp"
#include "method/method.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

// Every method: the name of its Method in namespace method.
#define HALLMARK_METHODS(METHOD) \
  METHOD(gptq)                   \
  METHOD(descent)                \
  METHOD(best)                   \
  METHOD(rtn)

namespace hallmark {

#define DECLARE(name) extern const Method name;
namespace method {
HALLMARK_METHODS(DECLARE)
}
#undef DECLARE

namespace {

#define ENTRY(name) &method::name,
constexpr std::array registered = {HALLMARK_METHODS(ENTRY)};
#undef ENTRY

}  // namespace

MethodInput MethodInput::unwatched() const {
  static const RecurrenceSink nobody;
  return {target, G, U, name, options, compute, nobody, select, weights, sums};
}

std::span<const Method* const> methods() { return registered; }

Statistic steps_depend_on(const Options& options) {
  const Expected<const Method*> method = find_method(options.method);
  return method && (*method)->fits_steps && options.scale_rule != given_scales ? Statistic::losses
                                                                               : statistic_of(options.scale_rule);
}

Expected<const Method*> find_method(std::string_view name) {
  const auto found = std::ranges::find(registered, name, &Method::name);
  if (found != registered.end()) return *found;
  std::string names;
  for (const Method* method : registered) names += (names.empty() ? "" : ", ") + std::string(method->name);
  return Error{Exit::usage, error_number::method_unknown, fmt::format("unknown method '{}'", name), "methods: " + names,
               "gptq"};
}

}  // namespace hallmark
