// Who plays in the league. An entry is data: a new method, scale rule or grid is one line of entries.cpp.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "pipeline/rules.hpp"

namespace hallmark {

/// What an entry is measured against: those of the same number of bits.
struct Division {
  std::string_view name;      ///< "2", "3", "4", "6", or "gf16"
  std::string_view baseline;  ///< the entry whose loss is 1: round-to-nearest, absmax, 2^B - 1 levels
  std::string_view plain;     ///< the entry whose damage is 1: the same scales, by GPTQ
};

/// In the order in which they play and are reported.
const std::vector<Division>& divisions();

struct LeagueEntry {
  std::string_view name;
  std::vector<std::string_view> plays_in;  ///< names of divisions
  /// Options in the words of a configuration file; a B in the grid stands for the division's name. Scales are stored
  /// as f16 where it does not say otherwise: a computed scale keeps its value there.
  std::vector<std::pair<std::string_view, std::string_view>> options;
  std::string_view embedding = {};  ///< another grid for the tied embedding
};

const std::vector<LeagueEntry>& league_entries();

/// An entry in one of its divisions.
struct Fixture {
  const LeagueEntry* entry;
  const Division* division;
};

/// The tied embedding, which some entries keep on another grid.
inline constexpr std::string_view embedding_weight = "tok_emb.weight";

/// The entry of this name. Precondition: there is one.
const LeagueEntry& entry_named(std::string_view name);

/// What the entry says of each tensor. Errors: those of RuleSet::make.
Expected<RuleSet> rules_of(const LeagueEntry& entry, const Division& division);

}  // namespace hallmark
