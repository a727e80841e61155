// Pages and pictures that are made again from a ledger.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hallmark {

/// Replaces the file by this text, or makes it. Errors: those of AtomicFile.
Status write_page(const std::string& path, std::string_view text);

}  // namespace hallmark
