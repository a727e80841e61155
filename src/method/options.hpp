// What a quantization of one tensor can be asked, in one table: command line, configuration file, container,
// certificate, comparison and report all walk it (visit_options), so an option is one member and one line here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "scale/ratios.hpp"
#include "scale/scale_rule.hpp"

namespace hallmark {

/// w, on the inputs that the calibration holds, or what w does on the inputs of the float layer.
inline constexpr std::string_view plain_target = "plain", asymmetric_target = "asymmetric";

/// The partial rows of method rate-distortion: the lanes of a strip.
inline constexpr Index widest_beam = 48;

/// By what method prune ranks codes: what their row loses more without them, or the square of their step.
inline constexpr std::string_view prune_by_loss = "loss", prune_by_scale = "scale";

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
  std::string rotation = std::string(no_rotation);     ///< the basis in which codes are looked for (scale/rotation.hpp)
  Index rotation_seed = 0;                             ///< of its signs
  std::string target = std::string(plain_target);      ///< what codes stand for (asymmetric.hpp)
  Index low_rank = 0;                                  ///< inner indices of a correction A B (low_rank.hpp); 0: none
  std::string low_rank_weights = "hessian";            ///< in what A B is nearest to what the codes leave
  ScaleStorage low_rank_storage = ScaleStorage::bf16;  ///< of A and B
};

struct OptionInfo {
  std::string_view name;  ///< as in files; dashes for underscores on the command line
  std::string_view help;
  bool later = false;  ///< younger than the files of schema 2: written only where it is not the default
};

/// Calls visit(OptionInfo, member) for every option, in the order of files.
template <class SomeOptions, class Visit>
void visit_options(SomeOptions& options, Visit&& visit) {
  visit(OptionInfo{"grid", "the points that weights are rounded to"}, options.grid);
  visit(OptionInfo{"method",
                   "how codes are chosen: gptq, descent, greedy, best, trellis, rate-distortion, prune, sparse24, "
                   "qronos, or rtn (round to nearest)"},
        options.method);
  visit(OptionInfo{"scale_rule", "unit, row-pow2, matrix-max, absmax, minmax or search [by the grid]"},
        options.scale_rule);
  visit(OptionInfo{"scale_storage", "f32, f16 or bf16: how files store scales"}, options.scale_storage);
  visit(OptionInfo{"group_size", "columns that share a scale; 0: the whole row"}, options.group_size);
  visit(OptionInfo{"damp_fraction", "lambda as a fraction of mean(diag(2G))"}, options.damp_fraction);
  visit(OptionInfo{"desc_act", "columns by descending diagonal of H (act-order)"}, options.desc_act);
  visit(OptionInfo{"block_size", "columns per block: speed, never a bit of the result"}, options.block_size);
  visit(OptionInfo{"ratios", "multiples of the step that scale rule search tries, 1 first", true}, options.ratios);
  visit(OptionInfo{"sweeps", "passes of a descent over the columns, or of greedy over codes and scale, at most", true},
        options.sweeps);
  visit(OptionInfo{"effort", "how long method best may search, 1 to 5", true}, options.effort);
  visit(OptionInfo{"rate", "what a bit costs method rate-distortion, over mean(d) mean(s^2)", true}, options.rate);
  visit(OptionInfo{"beam", "how many partial rows method rate-distortion goes on with, 1 to 48", true}, options.beam);
  visit(OptionInfo{"prune", "which fraction of the codes 1 and -1 method prune sets to 0", true}, options.prune);
  visit(OptionInfo{"prune_by", "loss or scale: which codes method prune sets to 0 first", true}, options.prune_by);
  visit(OptionInfo{"guard", "row by row the better of the method and rounding to nearest"}, options.guard);
  visit(OptionInfo{"rotation", "none or hadamard:16: the basis in which codes are looked for", true}, options.rotation);
  visit(OptionInfo{"rotation_seed", "of the signs of the rotation", true}, options.rotation_seed);
  visit(OptionInfo{"target", "plain or asymmetric: for the inputs behind layers that are quantized already", true},
        options.target);
  visit(OptionInfo{"low_rank", "rank of a correction A B beside the codes; 0: none", true}, options.low_rank);
  visit(OptionInfo{"low_rank_weights", "plain, diagonal or hessian: in what A B is nearest to W - Q", true},
        options.low_rank_weights);
  visit(OptionInfo{"low_rank_storage", "bf16, f16 or f32: how files store A and B", true}, options.low_rank_storage);
}

/// The value as files carry it; a grid by its id.
std::string option_text(const Grid& value);
std::string option_text(const std::string& value);
std::string option_text(ScaleStorage value);
std::string option_text(Index value);
std::string option_text(double value);
std::string option_text(bool value);

/// The value that a word stands for; nothing is clamped. Errors: E0220..E0224, E0227 (usage).
Status set_option(std::string_view name, std::string_view word, Grid& value);
Status set_option(std::string_view name, std::string_view word, std::string& value);
Status set_option(std::string_view name, std::string_view word, ScaleStorage& value);
Status set_option(std::string_view name, std::string_view word, Index& value);
Status set_option(std::string_view name, std::string_view word, double& value);
Status set_option(std::string_view name, std::string_view word, bool& value);

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
