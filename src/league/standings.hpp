// What a run of the league says: means over the checkpoints, and which differences three of them can show.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "league/line.hpp"
#include "measure/ttest.hpp"

namespace hallmark {

/// One entry against another of its division, by damage, on the same checkpoints.
struct Duel {
  std::string other;
  bool better = false;  ///< whether the mean damage is lower than the other's
  PairedTest test;      ///< of the higher damage minus the lower, in the direction of the means
};

struct Standing {
  std::string entry, division;
  std::optional<std::string> embedding;  ///< as in LeagueLine
  std::vector<std::uint64_t> seeds;      ///< increasing
  std::vector<double> damage;            ///< one for each of them
  double mean_damage = 0;
  double relative_loss = 0, embedding_loss = 0;  ///< geometric means over the seeds; the latter of the embedding alone
  double stored_bits = 0, entropy_bits = 0, seconds = 0;  ///< means over the seeds
  std::optional<double> of_plain;     ///< mean damage over that of the division's plain entry, where that is above 0
  std::optional<Duel> against_plain;  ///< none for itself, or for fewer than three seeds
  /// With the one before it in the table; where the embedding has its own grid, with the entry that has the same
  /// options and no such grid.
  std::optional<Duel> against_next;
};

/// The tables of a run: in the order of divisions(), in each by mean damage; those with an embedding of their own after
/// the others, by mean damage too. Errors: E0376 entries of a division that have other seeds; those of paired_t_test.
Expected<std::vector<Standing>> standings(std::span<const LeagueLine> run);

/// "shown (p = 0.031)", "not shown (p = 0.31)", or why there is no p.
std::string verdict_of(const Duel& duel);

}  // namespace hallmark
