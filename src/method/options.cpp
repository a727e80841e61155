#include "base/error_numbers.hpp"
#include "method/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "method/low_rank.hpp"
#include "method/method.hpp"

namespace hallmark {
namespace {

constexpr Index most = 1'000'000'000;  // beyond any matrix, far from overflow

Error not_a(std::string_view name, std::string_view word, std::string_view what) {
  return {Exit::usage, error_number::option_range, "an option is out of range",
          fmt::format("{} is '{}'", name, word.substr(0, 60)), std::string(what)};
}

template <class T>
std::optional<T> number(std::string_view word) {
  T value{};
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  return failure == std::errc{} && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string option_text(const Grid& value) { return value.id(); }
std::string option_text(const std::string& value) { return value; }
std::string option_text(ScaleStorage value) { return std::string(to_string(value)); }
std::string option_text(Index value) { return std::to_string(value); }
std::string option_text(double value) { return fmt::format("{}", value); }
std::string option_text(bool value) { return value ? "true" : "false"; }

Status set_option(std::string_view, std::string_view word, Grid& value) {
  Expected<Grid> grid = Grid::parse(word);
  if (!grid) return grid.error();
  value = *std::move(grid);
  return ok();
}

Status set_option(std::string_view name, std::string_view word, std::string& value) {
  if (name == "method") {
    if (const auto method = find_method(word); !method) return method.error();
  } else if (name == "ratios") {
    const auto ratios = parse_ratios(word);
    if (!ratios) return ratios.error();
    value = fmt::format("{}", fmt::join(*ratios, ","));
    return ok();
  } else if (name == "prune_by") {
    if (word != prune_by_loss && word != prune_by_scale) return not_a(name, word, "loss or scale");
  } else if (name == "rotation") {
    if (word != no_rotation && word != hadamard_16) return not_a(name, word, "none or hadamard:16");
  } else if (name == "target") {
    if (word != plain_target && word != asymmetric_target) return not_a(name, word, "plain or asymmetric");
  } else if (name == "low_rank_weights") {
    if (word != plain_weights && word != diagonal_weights && word != hessian_weights)
      return not_a(name, word, "plain, diagonal or hessian");
  } else if (const auto rule = find_scale_rule(word); word != given_scales && !rule) {
    return rule.error();
  }
  value = word;
  return ok();
}

Status set_option(std::string_view name, std::string_view word, ScaleStorage& value) {
  const auto storage = parse_scale_storage(word);
  if (!storage) return not_a(name, word, "f32, f16 or bf16");
  value = *storage;
  return ok();
}

Status set_option(std::string_view name, std::string_view word, Index& value) {
  const bool from_zero = name == "group_size" || name == "rotation_seed" || name == "low_rank";
  const Index least = from_zero ? 0 : 1, last = name == "effort" ? 5 : name == "beam" ? widest_beam : most;
  const auto count = number<Index>(word);
  if (!count || *count < least || *count > last)
    return not_a(name, word, fmt::format("a whole number from {} to {}", least, last));
  value = *count;
  return ok();
}

Status set_option(std::string_view name, std::string_view word, double& value) {
  const auto fraction = number<double>(word);
  if (!fraction || !(*fraction >= 0 && *fraction < 1)) return not_a(name, word, "a number of at least 0 and below 1");
  value = *fraction;
  return ok();
}

Status set_option(std::string_view name, std::string_view word, bool& value) {
  if (word != "true" && word != "false") return not_a(name, word, "true or false");
  value = word == "true";
  return ok();
}

std::optional<Obstacle> rotation_obstacle(const Options& options) {
  const auto method = find_method(options.method);
  const bool turned = options.rotation != no_rotation;
  if (!turned) return std::nullopt;
  if (options.grid.spec().windowed && method && !(*method)->through_window)
    return Obstacle{fmt::format("method {} with grid {}", options.method, options.grid.name()),
                    "--method trellis, or --grid lloyd:B"};
  if (!takes_rotation(options.grid.spec()))
    return Obstacle{fmt::format("grid {}", options.grid.name()), "--grid intB, intBs or lloyd:B"};
  if (options.group_size % Rotation::kBlock != 0)
    return Obstacle{fmt::format("groups of {} columns", options.group_size), "--group-size 0 or a multiple of 16"};
  if (method && !(*method)->needs_gram)
    return Obstacle{fmt::format("method {}", options.method), "--rotation none, or a method that is calibrated"};
  if (statistic_of(options.scale_rule) != Statistic::none)
    return Obstacle{fmt::format("scale rule {}", options.scale_rule),
                    "a rule that reads weights alone; --method best searches steps"};
  if (options.scale_rule == given_scales)
    return Obstacle{"given scales", "--rotation none, or no scales beside the calibration"};
  return std::nullopt;
}

std::optional<Obstacle> target_obstacle(const Options& options) {
  if (options.target == plain_target) return std::nullopt;
  if (const auto method = find_method(options.method); method && !(*method)->needs_gram)
    return Obstacle{fmt::format("method {}", options.method), "--target plain, or a method that is calibrated"};
  return std::nullopt;
}

std::string first_difference(const Options& a, const Options& b) {
  std::string found;
  std::vector<std::string> texts;
  visit_options(a, [&](const OptionInfo&, const auto& value) { texts.push_back(option_text(value)); });
  std::size_t k = 0;
  visit_options(b, [&](const OptionInfo& info, const auto& value) {
    const std::string text = option_text(value), &other = texts[k++];
    if (found.empty() && text != other) found = fmt::format("{}: {} against {}", info.name, other, text);
  });
  if (found.empty() && !(a.grid == b.grid)) found = "the points of the table";
  return found;
}

}  // namespace hallmark
