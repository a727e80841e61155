#include "base/error_numbers.hpp"
#include "method/method.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/names.hpp"

// Every method: the name of its Method in namespace method.
#define HALLMARK_METHODS(METHOD) \
  METHOD(gptq)                   \
  METHOD(descent)                \
  METHOD(greedy)                 \
  METHOD(best)                   \
  METHOD(trellis)                \
  METHOD(rate_distortion)        \
  METHOD(prune)                  \
  METHOD(sparse24)               \
  METHOD(qronos)                 \
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
  return {target, G, U, name, options, compute, nobody, select, weights, sums, asked};
}

std::span<const Method* const> methods() { return registered; }

std::span<const std::string_view> method_names() {
  static const std::vector names = names_of(methods(), &Method::name);
  return names;
}

std::optional<Obstacle> method_obstacle(const Options& options) {
  const Expected<const Method*> method = find_method(options.method);
  return method && (*method)->obstacle ? (*method)->obstacle(options) : std::nullopt;
}

Statistic steps_depend_on(const Options& options) {
  const Expected<const Method*> method = find_method(options.method);
  return method && (*method)->fits_steps && options.scale_rule != given_scales ? Statistic::losses
                                                                               : statistic_of(options.scale_rule);
}

bool promises_two_of_four(const Options& options) {
  const Expected<const Method*> method = find_method(options.method);
  return method && (*method)->two_of_four;
}

std::string missing_reader(const Options& options, std::string_view option) {
  std::string (*of_table)(const Options&) = nullptr;
  visit_options(options, [&](const OptionInfo& info, const auto&) {
    if (info.name == option) of_table = info.missing_reader;
  });
  if (of_table) return of_table(options);
  std::string readers;
  for (const Method* method : registered) {
    if (std::ranges::find(method->options, option) == method->options.end()) continue;
    if (method->name == options.method) return "";
    readers += (readers.empty() ? "method " : " or ") + std::string(method->name);
  }
  return readers;
}

Expected<const Method*> find_method(std::string_view name) {
  const auto found = std::ranges::find(registered, name, &Method::name);
  if (found != registered.end()) return *found;
  return Error{Exit::usage, error_number::method_unknown, fmt::format("unknown method '{}'", name),
               fmt::format("methods: {}", fmt::join(method_names(), ", ")), "gptq"};
}

}  // namespace hallmark
