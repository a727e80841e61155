// What a quantization of one tensor can be asked, in one table: command line, configuration file, container,
// certificate, comparison and report all walk it (visit_options), so an option is one member and one entry here. The
// entry says what the option takes and what reads it too: help, refusals and the library's own check are made of it.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "scale/ratios.hpp"
#include "scale/scale_rule.hpp"

namespace hallmark {

/// w, on the inputs that the calibration holds, or what w does on the inputs of the float layer.
inline constexpr std::string_view plain_target = "plain", asymmetric_target = "asymmetric";
inline constexpr std::array target_names = {plain_target, asymmetric_target};

/// The partial rows of method rate-distortion: the lanes of a strip.
inline constexpr Index widest_beam = 48;

/// By what method prune ranks codes: what their row loses more without them, or the square of their step.
inline constexpr std::string_view prune_by_loss = "loss", prune_by_scale = "scale";
inline constexpr std::array prune_order_names = {prune_by_loss, prune_by_scale};

/// The weight L in which a correction A B is nearest to what the codes leave: 1, sqrt(diag H), U sqrt(D)
/// (low_rank.hpp).
inline constexpr std::string_view plain_weights = "plain", diagonal_weights = "diagonal", hessian_weights = "hessian";
inline constexpr std::array low_rank_weight_names = {plain_weights, diagonal_weights, hessian_weights};

struct Options {
  Grid grid;
  std::string method = "gptq";
  std::string scale_rule = std::string(default_scale_rule(grid));  ///< "given" where the steps are the user's
  ScaleStorage scale_storage = ScaleStorage::f32;
  Index group_size = 0;         ///< columns that share a scale; 0: the whole row
  double damp_fraction = 0.01;  ///< lambda as a fraction of mean(diag(2 G))
  bool desc_act = false;        ///< act-order: columns by descending diagonal of H, stable
  Index block_size = 128;       ///< columns worked on before moving to other rows: speed, never a bit
  std::string ratios = std::string(default_ratios);  ///< that the rule `search` tries
  Index sweeps = 8;                                  ///< of a descent over the columns, at most
  Index effort = 3;                                  ///< of method best, 1 to 5
  double rate = 0.05;                                ///< of method rate-distortion: mu over mean(d) mean(s^2)
  Index beam = 1;                                    ///< of method rate-distortion: partial rows kept, 1 to widest_beam
  double prune = 0.1;                                ///< of method prune: of the codes 1 and -1 those that become 0
  std::string prune_by = std::string(prune_by_loss);  ///< of method prune: which of them
  bool guard = true;  ///< row by row the best of all proposals, round-to-nearest among them
  std::string rotation = std::string(no_rotation);  ///< the basis in which codes are looked for (scale/rotation.hpp)
  Index rotation_seed = 0;                          ///< of its signs
  std::string target = std::string(plain_target);   ///< what codes stand for (asymmetric.hpp)
  Index low_rank = 0;                               ///< inner indices of a correction A B (low_rank.hpp); 0: none
  std::string low_rank_weights = std::string(hessian_weights);  ///< in what A B is nearest to what the codes leave
  ScaleStorage low_rank_storage = ScaleStorage::bf16;           ///< of A and B
};

/// The numbers from least to last; without last itself where it is open.
struct OptionRange {
  double least = 1, last = 1e9;  ///< a count: beyond any matrix, far from overflow
  bool open = false;

  static constexpr OptionRange from_zero() { return {0}; }
  static constexpr OptionRange fraction() { return {0, 1, true}; }
  /// No NaN.
  bool contains(double value) const { return value >= least && (open ? value < last : value <= last); }
};

struct OptionInfo {
  std::string_view name;                         ///< as in files; dashes for underscores on the command line
  std::string_view help;                         ///< without what it takes: option_help() adds that
  OptionRange range = {};                        ///< of a number
  std::span<const std::string_view> words = {};  ///< of a word; empty: of more kinds than can be listed
  /// The text that a word stands for, where it is not one of `words` as they are.
  Expected<std::string> (*read)(std::string_view word) = nullptr;
  /// What would read it, empty where it is read; null: the methods that name it (Method::options), or else everything.
  std::string (*missing_reader)(const Options& options) = nullptr;
  bool later = false;             ///< younger than the files of schema 2: written only where it is not the default
  std::string_view former = {};   ///< what the command line called it first
  std::string_view usually = {};  ///< says what the default is where that depends on other options
};

/// Fields of the table that read what is registered. Errors: E0224, E0222, E0227 (usage).
std::span<const std::string_view> method_names();
Expected<std::string> read_method(std::string_view word);
Expected<std::string> read_scale_rule(std::string_view word);
Expected<std::string> read_ratios(std::string_view word);
std::string reader_of_damping(const Options& options);
std::string reader_of_ratios(const Options& options);
std::string reader_of_signs(const Options& options);
std::string reader_of_correction(const Options& options);

/// Calls visit(OptionInfo, member) for every option, in the order of files.
// Long because it is the table: an entry has all that is known of an option.
template <class SomeOptions, class Visit>
void visit_options(SomeOptions& options, Visit&& visit) {
  using Range = OptionRange;
  visit(OptionInfo{.name = "grid", .help = "the points that weights are rounded to", .words = grid_names()},
        options.grid);
  visit(OptionInfo{.name = "method", .help = "how codes are chosen", .words = method_names(), .read = read_method},
        options.method);
  visit(OptionInfo{.name = "scale_rule",
                   .help = "how scales are found",
                   .words = scale_rule_names(),
                   .read = read_scale_rule,
                   .usually = "by the grid"},
        options.scale_rule);
  visit(OptionInfo{.name = "scale_storage", .help = "how files store scales", .words = scale_storage_names},
        options.scale_storage);
  visit(
      OptionInfo{
          .name = "group_size", .help = "columns that share a scale; 0: the whole row", .range = Range::from_zero()},
      options.group_size);
  visit(OptionInfo{.name = "damp_fraction",
                   .help = "lambda as a fraction of mean(diag(2G))",
                   .range = Range::fraction(),
                   .missing_reader = reader_of_damping,
                   .former = "damp_percent"},
        options.damp_fraction);
  visit(OptionInfo{.name = "desc_act",
                   .help = "columns by descending diagonal of H (act-order)",
                   .missing_reader = reader_of_damping},
        options.desc_act);
  visit(OptionInfo{.name = "block_size", .help = "columns per block: speed, never a bit of the result"},
        options.block_size);
  visit(OptionInfo{.name = "ratios",
                   .help = "multiples of the step that scale rule search tries, 1 first",
                   .read = read_ratios,
                   .missing_reader = reader_of_ratios,
                   .later = true},
        options.ratios);
  visit(OptionInfo{.name = "sweeps",
                   .help = "passes of a descent over the columns, or of greedy over codes and scale, at most",
                   .later = true},
        options.sweeps);
  visit(OptionInfo{.name = "effort", .help = "how long method best may search", .range = {1, 5}, .later = true},
        options.effort);
  visit(OptionInfo{.name = "rate",
                   .help = "what a bit costs method rate-distortion, over mean(d) mean(s^2)",
                   .range = Range::fraction(),
                   .later = true},
        options.rate);
  visit(OptionInfo{.name = "beam",
                   .help = "how many partial rows method rate-distortion goes on with",
                   .range = {1, widest_beam},
                   .later = true},
        options.beam);
  visit(OptionInfo{.name = "prune",
                   .help = "which fraction of the codes 1 and -1 method prune sets to 0",
                   .range = Range::fraction(),
                   .later = true},
        options.prune);
  visit(OptionInfo{.name = "prune_by",
                   .help = "which codes method prune sets to 0 first",
                   .words = prune_order_names,
                   .later = true},
        options.prune_by);
  visit(OptionInfo{.name = "guard", .help = "row by row the better of the method and rounding to nearest"},
        options.guard);
  visit(OptionInfo{.name = "rotation",
                   .help = "the basis in which codes are looked for",
                   .words = rotation_names,
                   .later = true},
        options.rotation);
  visit(OptionInfo{.name = "rotation_seed",
                   .help = "of the signs of the rotation",
                   .range = Range::from_zero(),
                   .missing_reader = reader_of_signs,
                   .later = true},
        options.rotation_seed);
  visit(OptionInfo{.name = "target",
                   .help = "what codes are for (asymmetric: the inputs behind layers that are quantized already)",
                   .words = target_names,
                   .later = true},
        options.target);
  visit(OptionInfo{.name = "low_rank",
                   .help = "rank of a correction A B beside the codes; 0: none",
                   .range = Range::from_zero(),
                   .later = true},
        options.low_rank);
  visit(OptionInfo{.name = "low_rank_weights",
                   .help = "in what A B is nearest to W - Q",
                   .words = low_rank_weight_names,
                   .missing_reader = reader_of_correction,
                   .later = true},
        options.low_rank_weights);
  visit(OptionInfo{.name = "low_rank_storage",
                   .help = "how files store A and B",
                   .words = scale_storage_names,
                   .missing_reader = reader_of_correction,
                   .later = true},
        options.low_rank_storage);
}

/// The help with what the option takes: its words, or the ends of a range that is narrower than that of counts.
std::string option_help(const OptionInfo& info);

/// The value as files carry it; a grid by its id.
std::string option_text(const Grid& value);
std::string option_text(const std::string& value);
std::string option_text(ScaleStorage value);
std::string option_text(Index value);
std::string option_text(double value);
std::string option_text(bool value);

/// The value that a word stands for; nothing is clamped. Errors: E0220..E0224, E0227 (usage).
Status set_option(const OptionInfo& info, std::string_view word, Grid& value);
Status set_option(const OptionInfo& info, std::string_view word, std::string& value);
Status set_option(const OptionInfo& info, std::string_view word, ScaleStorage& value);
Status set_option(const OptionInfo& info, std::string_view word, Index& value);
Status set_option(const OptionInfo& info, std::string_view word, double& value);
Status set_option(const OptionInfo& info, std::string_view word, bool& value);

/// The same by the name of the option, E0227 where none has it.
Status set_option(Options& options, std::string_view name, std::string_view word);

/// Whether every number lies in its range, for options that were not made of words. Errors: E0227 (usage).
Status check_ranges(const Options& options);

struct Obstacle {
  std::string where, hint;
};

/// What keeps these options from the rotation that they name, and what goes; none where nothing does.
std::optional<Obstacle> rotation_obstacle(const Options& options);

/// The same of the target.
std::optional<Obstacle> target_obstacle(const Options& options);

/// The first option in which two tensors' options differ: "group_size: 32 against 64".
std::string first_difference(const Options& a, const Options& b);

}  // namespace hallmark
