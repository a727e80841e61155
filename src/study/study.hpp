// The studies: questions about quantization that the shipped checkpoints answer. A study is one file of studies/ and
// its line in study.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "study/bench.hpp"
#include "study/results.hpp"

namespace hallmark {

/// One answer, for the page of the study and for docs/studies.md.
struct Finding {
  std::string question, answer, figure;
  std::string confidence;  ///< of the comparison that the answer rests on (confidence_of)
  std::string published;   ///< what was claimed elsewhere, and where this differs; empty: nothing known
};

/// What a study makes of its lines.
struct StudyPage {
  std::vector<Finding> findings;
  std::string text;     ///< Markdown below the findings and the picture
  std::string picture;  ///< SVG
};

struct Study {
  std::string_view name;
  std::string_view title;
  std::size_t bytes;                   ///< of validation text that it evaluates
  std::string_view question;           ///< what is measured, for the head of the page
  std::vector<std::string> (*arms)();  ///< in the order in which they are measured
  Expected<Figures> (*measure)(Bench& bench, const std::string& arm);
  /// Depends on the lines alone. Arms may be missing: an answer whose arms are not there is left out.
  Expected<StudyPage> (*page)(const StudyResults& results);
  /// Where in the models' folder the checkpoints of an arm are, for arms that differ in their training: the line's
  /// checkpoint and its bits per byte are then those of the first arm. Null: all arms measure the shared checkpoints.
  std::string (*folder)(const std::string& arm) = nullptr;
};

/// In the order of docs/studies.md.
std::span<const Study* const> studies();

/// Null where there is none of this name.
const Study* find_study(std::string_view name);

}  // namespace hallmark
