// Names of what is registered.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace hallmark {

/// The member `name` of each, in their order.
template <class T>
std::vector<std::string_view> names_of(std::span<const T* const> all, std::string_view T::*name) {
  std::vector<std::string_view> names;
  for (const T* one : all) names.push_back(one->*name);
  return names;
}

}  // namespace hallmark
