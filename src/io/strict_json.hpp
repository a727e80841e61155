// JSON that is judged: a key stands once in its object, so that all readers read the same, and what the text would
// build is bounded before anything is built of it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace hallmark {

/// What a text may hold. A value takes up to a hundred bytes of memory, an opening bracket alone as well, and an
/// ordered object looks through its keys one by one.
struct JsonLimits {
  std::size_t depth = 64, values = std::size_t{1} << 20, keys = 1024;  ///< keys of one object
};

/// Names to values, one for each tensor of a model: for objects that are not ordered.
inline constexpr JsonLimits names_of_a_model{4, std::size_t{1} << 23, std::size_t{1} << 20};

/// Whether the text is JSON, within the limits, in which no object has a key twice. Linear in time; memory for the keys
/// of the open objects alone. `repeated`, when given, takes the key that stands twice where that is the fault.
bool is_strict_json(std::string_view text, const JsonLimits& limits = {}, std::string* repeated = nullptr);

/// The value of a JSON text, its keys in their order; none where it is not strict.
std::optional<nlohmann::ordered_json> strict_json(std::string_view text, std::string* repeated = nullptr);

}  // namespace hallmark
