// JSON as the ledgers write it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.hpp"

namespace hallmark::detail {

/// Compact JSON in the order of the keys. Doubles by std::to_chars: the shortest digits that read back to the same bits
/// (nlohmann's own printer is not always shortest). Errors: E0122 a number that is not finite.
Expected<std::string> json_text(const nlohmann::ordered_json& value);

}  // namespace hallmark::detail
