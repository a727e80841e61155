// Patterns on the names of tensors.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"

namespace re2 {
class RE2;
}

namespace hallmark {

/// A regular expression of RE2: time linear in the name, whatever the pattern, and no recursion.
class Pattern {
 public:
  /// `place` says where the pattern stands. Errors: E0210.
  static Expected<Pattern> compile(const std::string& text, const std::string& place);

  /// Whether it finds something in the name.
  bool finds(const std::string& name) const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> expression) : expression_(std::move(expression)) {}
  std::shared_ptr<const re2::RE2> expression_;
};

/// The pattern that finds this name and no other.
std::string pattern_of(const std::string& name);

}  // namespace hallmark
