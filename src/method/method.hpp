// Methods propose codes. A method is one file in method/methods/ that defines a Method, and one line in method.cpp.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "method/backend.hpp"

namespace hallmark {

/// A RowSink that sees the codes too.
using RecurrenceSink = std::function<void(const Matrix<Code>& codes, Index first, Index count, const float* u)>;

struct Proposal;

/// Row by row the best of some proposals for a target: the input's, or some of its rows (selection.hpp).
using Selector = std::function<Expected<Proposal>(const Target& target, std::vector<Proposal> proposals)>;

/// What a method reads. The factor is that of H = 2 G + lambda I in processing order (target.order), where needs_gram.
struct MethodInput {
  const Target& target;
  const MatrixRef<double>* G;   ///< in the order of W's columns; null without a Gram matrix, as U
  const UpperStrips<float>* U;  ///< the factor rounded to binary32
  std::string_view name;        ///< of the tensor, for messages
  const Options& options;
  Backend& compute;
  const RecurrenceSink& sink;  ///< for a recurrence whose codes are the method's only proposal
  const Selector& select;
  const LossWeights* weights;               ///< of H; null without a Gram matrix
  bool sums;                                ///< somebody wants the sums of the losses
  const MatrixRef<float>* asked = nullptr;  ///< W itself, where target.W is the w* of an asymmetric target

  /// The same for a recurrence whose codes are not the method's only proposal: its rows are not shown.
  MethodInput unwatched() const;
};

/// Codes of the grid [rows, cols] and the clipped ones.
struct Proposal {
  Rounded rounded;
  std::optional<Steps> steps = std::nullopt;  ///< under which they are meant, where these are not the target's
  std::vector<LossSums> sums = {};            ///< of their losses, per row, where asked for and at hand
  KnownLosses known = {};                     ///< what a contest has enclosed in binary64
};

struct Method {
  std::string_view name, summary;
  bool needs_gram;
  bool fits_steps;  ///< it may leave the steps of a rule, not those that are given
  /// One proposal at least, of which the guard keeps the best row by row; without the guard the last one counts.
  /// Errors: E0503; those of the backend.
  Expected<std::vector<Proposal>> (*propose)(const MethodInput& input);
  std::array<std::string_view, 3> options = {};  ///< that only methods which name them read; empty: none
  /// What keeps these options from this method; where it is null, nothing does.
  std::optional<Obstacle> (*obstacle)(const Options& options) = nullptr;
  bool through_window = false;  ///< of rotated rows of a grid that is `windowed`, of which no other method makes codes
  std::string_view upright = {};  ///< which method has the rows as they are where there is a rotation; empty: itself
  double bytes_per_weight = 0;    ///< that it works on beside proposals and their steps, for what a plan says of memory
  std::size_t (*candidates)(const Options& options) = nullptr;  ///< steps of a row that it searches, for the same
  bool two_of_four = false;  ///< of each aligned four codes at most two stand for a number other than 0
};

std::span<const Method* const> methods();

/// What keeps these options from the method that they name, and what goes; none where nothing does.
std::optional<Obstacle> method_obstacle(const Options& options);

/// What the steps of a result depend on beside W: what the rule reads, or losses where the method leaves the rule's
/// steps.
Statistic steps_depend_on(const Options& options);

/// Whether contract two_of_four speaks of the codes of these options.
bool promises_two_of_four(const Options& options);

/// What would read the option, where nothing does under the others ("method descent" for sweeps under gptq); empty
/// where it is read.
std::string missing_reader(const Options& options, std::string_view option);

/// Errors: E0224 (usage).
Expected<const Method*> find_method(std::string_view name);

}  // namespace hallmark
