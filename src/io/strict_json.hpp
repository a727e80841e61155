// JSON that is judged: a key stands once in its object, so that all readers read the same.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace hallmark {

/// The value of a JSON text, its keys in their order; none when the syntax is broken or an object, at any depth, has a
/// key twice.
std::optional<nlohmann::ordered_json> strict_json(std::string_view text);

}  // namespace hallmark
