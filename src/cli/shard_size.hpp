// --max-shard-size of every command that writes shards.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace hallmark::cli {

void add_shard_option(CLI::App& app, std::string& word);

/// A number of bytes with a decimal or binary unit; 0 where the word is empty. Errors: E0201 (usage): no such number,
/// or the output is no index.
Expected<std::uint64_t> shard_size(const std::string& word, const std::string& output);

}  // namespace hallmark::cli
