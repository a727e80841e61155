// The nearest known word, for messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hallmark {

/// The candidate with the smallest edit distance to word, or "" when all are further than a third of its length + 1.
std::string nearest_spelling(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace hallmark
