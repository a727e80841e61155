// Lines of the league with given damages, for tests of what reads its ledger.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "league/line.hpp"

namespace hallmark::test {

inline LeagueLine line_of(const std::string& entry, const std::string& division, std::uint64_t seed, double damage) {
  LeagueLine line;
  line.run = "run";
  line.lines = 1;
  line.entry = entry;
  line.division = division;
  line.seed = seed;
  line.options = {{"method", entry}};
  line.git_sha = "unknown";
  line.timestamp = "2026-01-31T12:00:00Z";
  line.seconds = 0.5;
  line.loss = {{"a.weight", 2}, {"tok_emb.weight", 3}};
  line.relative_loss = {{"a.weight", 0.25}, {"tok_emb.weight", 1}};
  line.mean_relative_loss = 0.5;
  line.stored_bits = 4.25;
  line.container_bits = 8.25;
  line.entropy_bits = 3.75;
  line.bpb_float = 2;
  line.bpb_quantized = 2 + damage;
  line.damage = line.bpb_quantized - line.bpb_float;
  line.eval_bytes = 262144;
  line.batches = 32;
  line.checkpoint_digest = "checkpoint" + std::to_string(seed);
  line.text_digest = "text";
  line.calibration_offsets_digest = "offsets" + std::to_string(seed);
  line.gram_digest = "gram" + std::to_string(seed);
  line.codes_digest = entry + std::to_string(seed);
  return line;
}

/// Three lines of an entry, seeds 47, 89, 144.
inline void add(std::vector<LeagueLine>& run, const std::string& entry, const std::string& division,
                const std::array<double, 3>& damage) {
  constexpr std::uint64_t seeds[] = {47, 89, 144};
  for (std::size_t k = 0; k < 3; ++k) run.push_back(line_of(entry, division, seeds[k], damage[k]));
  for (LeagueLine& line : run) line.lines = static_cast<std::int64_t>(run.size());
}

}  // namespace hallmark::test
