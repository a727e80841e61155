// Options as a JSON object: the form of containers, certificates and reports.
#pragma once

#include <nlohmann/json.hpp>

#include "method/options.hpp"

namespace hallmark {

/// Every option by its name; beside the id of a table of the user's, its points.
nlohmann::ordered_json options_json(const Options& options);

/// The options of an object that options_json made; none where a key is missing, unknown or of another value.
std::optional<Options> options_of_json(const nlohmann::json& object);

}  // namespace hallmark
