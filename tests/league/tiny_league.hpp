// A league of three entries on one tiny checkpoint.
#pragma once

#include <string>

#include "../ablation/tiny_experiment.hpp"
#include "league/run.hpp"

namespace hallmark::test {

inline LeagueOptions options_of(const TinyExperiment& experiment) {
  LeagueOptions options;
  options.pattern = "^(rtn|gptq|gptq lloyd, embedding int8)$";
  options.divisions = {"3"};
  options.seeds = {47};
  options.eval_bytes = 1025;
  options.models = experiment.models();
  options.text = experiment.text();
  options.git_sha = "abc";
  return options;
}

/// The line without what may differ between two runs.
inline std::string comparable(LeagueLine line) {
  line.run = line.timestamp = "";
  line.seconds = 0;
  return league_line(line).value();
}

}  // namespace hallmark::test
