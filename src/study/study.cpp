#include "study/study.hpp"

#include <algorithm>
#include <array>

// Every study: the name of its Study in namespace study.
#define HALLMARK_STUDIES(STUDY) \
  STUDY(damage)                 \
  STUDY(calibration_source)     \
  STUDY(rescue)                 \
  STUDY(repeat_2135)            \
  STUDY(training)               \
  STUDY(learned_tables)

namespace hallmark {

#define DECLARE(name) extern const Study name;
namespace study {
HALLMARK_STUDIES(DECLARE)
}
#undef DECLARE

std::span<const Study* const> studies() {
#define ENTRY(name) &study::name,
  static constexpr std::array registered = {HALLMARK_STUDIES(ENTRY)};
#undef ENTRY
  return registered;
}

const Study* find_study(std::string_view name) {
  const auto found = std::ranges::find(studies(), name, &Study::name);
  return found == studies().end() ? nullptr : *found;
}

}  // namespace hallmark
