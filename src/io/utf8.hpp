// UTF-8 by RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hallmark {

/// Offset of the first byte that begins no valid character, or nothing when all of `text` is UTF-8.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// Fit for a terminal and for JSON: control characters and bytes that begin no valid character are written \xHH.
std::string escaped(std::string_view text);

/// The text with the control characters U+0080 to U+009F, which terminals obey, written \u00HH, as JSON may.
std::string without_c1(std::string text);

/// The beginning of a text from a file that may be hostile, made fit for a message: at most 80 bytes of it, escaped.
std::string printable(std::string_view text);

}  // namespace hallmark
