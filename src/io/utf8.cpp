#include "io/utf8.hpp"

#include <algorithm>

namespace hallmark {

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = at(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    // The second byte's range shuts out overlong forms (E0, F0), surrogates (ED) and values above U+10FFFF (F4).
    std::size_t length = 0;
    unsigned low = 0x80, high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    }
    if (length == 0 || length > text.size() - i || at(i + 1) < low || at(i + 1) > high) return i;
    for (std::size_t k = 2; k < length; ++k)
      if ((at(i + k) & 0xC0) != 0x80) return i;
    i += length;
  }
  return std::nullopt;
}

std::string escaped(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string result;
  while (!text.empty()) {
    const std::size_t valid = find_invalid_utf8(text).value_or(text.size());
    const std::size_t part = std::min(valid + 1, text.size());
    for (std::size_t i = 0; i < part; ++i) {
      const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
      const bool c1 = (byte(i) == 0xC2 && i + 1 < valid && byte(i + 1) < 0xA0) ||
                      (i > 0 && byte(i - 1) == 0xC2 && byte(i) < 0xA0);  // U+0080 to U+009F, which terminals obey too
      if (i < valid && byte(i) >= 0x20 && byte(i) != 0x7F && !c1) result += text[i];
      else (result += "\\x").append({digits[byte(i) >> 4], digits[byte(i) & 15]});
    }
    text.remove_prefix(part);
  }
  return result;
}

std::string without_c1(std::string text) {
  constexpr char digits[] = "0123456789abcdef";
  for (std::size_t at = 0; (at = text.find('\xC2', at)) != text.npos; ++at)
    if (at + 1 < text.size())
      if (const auto next = static_cast<unsigned char>(text[at + 1]); next < 0xA0)
        text.replace(at, 2, {'\\', 'u', '0', '0', digits[next >> 4], digits[next & 15]});
  return text;
}

std::string printable(std::string_view text) {
  std::size_t length = text.size() <= 80 ? text.size() : 80;
  while (length > 0 && length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  return escaped(text.substr(0, length)) + (length < text.size() ? "..." : "");
}

}  // namespace hallmark
