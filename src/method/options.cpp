#include "base/error_numbers.hpp"
#include "method/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "method/method.hpp"
#include "method/quantize.hpp"

namespace hallmark {
namespace {

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

// "plain, diagonal or hessian".
std::string listed(std::span<const std::string_view> words) {
  return words.size() < 2 ? fmt::format("{}", fmt::join(words, ""))
                          : fmt::format("{} or {}", fmt::join(words.first(words.size() - 1), ", "), words.back());
}

// What a number has to be, for messages.
std::string wanted(const OptionRange& range, Index) {
  return fmt::format("a whole number from {:.0f} to {:.0f}", range.least, range.last);
}
std::string wanted(const OptionRange& range, double) {
  return fmt::format("a number of at least {} and {} {}", range.least, range.open ? "below" : "at most", range.last);
}

template <class T>
Status set_number(const OptionInfo& info, std::string_view word, T& value) {
  const std::optional<T> given = number<T>(word);
  if (!given || !info.range.contains(static_cast<double>(*given)))
    return not_a(info.name, word, wanted(info.range, value));
  value = *given;
  return ok();
}

bool has(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

std::string option_help(const OptionInfo& info) {
  if (!info.words.empty()) return fmt::format("{}: {}", info.help, listed(info.words));
  if (info.range.open) return fmt::format("{}; at least {}, below {}", info.help, info.range.least, info.range.last);
  if (info.range.last < OptionRange().last)
    return fmt::format("{}; {} to {}", info.help, info.range.least, info.range.last);
  return std::string(info.help);
}

Expected<std::string> read_method(std::string_view word) {
  const auto method = find_method(word);
  return method ? Expected(std::string(word)) : method.error();
}

Expected<std::string> read_scale_rule(std::string_view word) {
  if (word == given_scales) return std::string(word);
  const auto rule = find_scale_rule(word);
  return rule ? Expected(std::string(word)) : rule.error();
}

Expected<std::string> read_ratios(std::string_view word) {
  const auto ratios = parse_ratios(word);
  return ratios ? Expected(fmt::format("{}", fmt::join(*ratios, ","))) : ratios.error();
}

std::string reader_of_damping(const Options& options) {
  return reads_gram(options) ? "" : "a method or a scale rule that needs calibration";
}

std::string reader_of_ratios(const Options& options) {
  return statistic_of(options.scale_rule) == Statistic::losses ? "" : "scale rule search";
}

std::string reader_of_signs(const Options& options) {
  return options.rotation != no_rotation ? "" : fmt::format("rotation {}", hadamard_16);
}

std::string reader_of_correction(const Options& options) { return options.low_rank > 0 ? "" : "a low_rank"; }

std::string option_text(const Grid& value) { return value.id(); }
std::string option_text(const std::string& value) { return value; }
std::string option_text(ScaleStorage value) { return std::string(to_string(value)); }
std::string option_text(Index value) { return std::to_string(value); }
std::string option_text(double value) { return fmt::format("{}", value); }
std::string option_text(bool value) { return value ? "true" : "false"; }

Status set_option(const OptionInfo&, std::string_view word, Grid& value) {
  Expected<Grid> grid = Grid::parse(word);
  if (!grid) return grid.error();
  value = *std::move(grid);
  return ok();
}

Status set_option(const OptionInfo& info, std::string_view word, std::string& value) {
  if (info.read) {
    Expected<std::string> text = info.read(word);
    if (!text) return text.error();
    value = *std::move(text);
    return ok();
  }
  if (!has(info.words, word)) return not_a(info.name, word, listed(info.words));
  value = word;
  return ok();
}

Status set_option(const OptionInfo& info, std::string_view word, ScaleStorage& value) {
  const auto storage = parse_scale_storage(word);
  if (!storage) return not_a(info.name, word, listed(info.words));
  value = *storage;
  return ok();
}

Status set_option(const OptionInfo& info, std::string_view word, Index& value) { return set_number(info, word, value); }

Status set_option(const OptionInfo& info, std::string_view word, double& value) {
  return set_number(info, word, value);
}

Status set_option(const OptionInfo& info, std::string_view word, bool& value) {
  if (word != "true" && word != "false") return not_a(info.name, word, "true or false");
  value = word == "true";
  return ok();
}

Status set_option(Options& options, std::string_view name, std::string_view word) {
  Status status = not_a(name, word, "no option has this name");
  visit_options(options, [&](const OptionInfo& info, auto& value) {
    if (info.name == name) status = set_option(info, word, value);
  });
  return status;
}

Status check_ranges(const Options& options) {
  Status status = ok();
  visit_options(options, [&]<class T>(const OptionInfo& info, const T& value) {
    if constexpr (std::is_same_v<T, Index> || std::is_same_v<T, double>)
      if (status && !info.range.contains(static_cast<double>(value)))
        status = not_a(info.name, option_text(value), wanted(info.range, value));
  });
  return status;
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
