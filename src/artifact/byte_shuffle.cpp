#include "artifact/byte_shuffle.hpp"

#include <algorithm>
#include <array>

namespace hallmark {
namespace {

constexpr std::array shuffle_mark{std::byte{'B'}, std::byte{'S'}, std::byte{'H'}, std::byte{'F'}};

/// Each place of shuffled data with the one that its byte has in the data, in the order of the former.
void each_place(std::size_t size, std::size_t stride, const auto& visit) {
  std::size_t place = 0;
  for (std::size_t first = 0; first < stride; ++first)
    for (std::size_t origin = first; origin < size; origin += stride) visit(place++, origin);
}

}  // namespace

std::vector<std::byte> byte_shuffled(std::span<const std::byte> data) {
  constexpr std::size_t stride = 2;
  std::vector<std::byte> shuffled(shuffle_header + data.size());
  std::ranges::copy(shuffle_mark, shuffled.begin());
  shuffled[shuffle_mark.size()] = std::byte{stride};
  each_place(data.size(), stride,
             [&](std::size_t place, std::size_t origin) { shuffled[shuffle_header + place] = data[origin]; });
  return shuffled;
}

bool is_byte_shuffled(std::span<const std::byte> shuffled) {
  return shuffled.size() >= shuffle_header && std::ranges::equal(shuffled.first(shuffle_mark.size()), shuffle_mark) &&
         shuffled[shuffle_mark.size()] != std::byte{0};
}

std::vector<std::byte> byte_unshuffled(std::span<const std::byte> shuffled) {
  const auto stride = std::to_integer<std::size_t>(shuffled[shuffle_mark.size()]);
  const auto held = shuffled.subspan(shuffle_header);
  std::vector<std::byte> data(held.size());
  each_place(held.size(), stride, [&](std::size_t place, std::size_t origin) { data[origin] = held[place]; });
  return data;
}

}  // namespace hallmark
