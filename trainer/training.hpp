// One training, from a recipe, a seed and a text to a checkpoint.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "replay/text.hpp"

namespace hallmark::trainer {

struct Arguments {
  std::string recipe = "trainer/recipe.json", text = std::string(default_text_folder), output, device = "cpu";
  std::string pieces;  ///< the model of sentencepiece that made the tokens of the text; empty: not known
  std::string start;   ///< a checkpoint whose weights, by our names or the published ones, the training begins with
  std::string state;   ///< where the training leaves what it needs to go on; empty: nowhere
  bool resume = false;
  std::uint64_t seed = 0;
  int threads = 1;
  std::int64_t every = 0, state_every = 100;
  bool check = false;
};

/// Errors: E0201 or E0393 the recipe, or what it says against the arguments; E0390..E0395 the text; E0349 its pieces;
/// E0441, E0443 the state; E0510 the loss left the numbers; E0610, E0611 of check; those of reading and writing files.
Status train(const Arguments& arguments);

}  // namespace hallmark::trainer
