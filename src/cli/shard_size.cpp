#include "cli/shard_size.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/error_numbers.hpp"
#include "io/weights_writer.hpp"

namespace hallmark::cli {

void add_shard_option(CLI::App& app, std::string& word) {
  app.add_option("--max-shard-size", word,
                 "Bytes of a shard's tensors, such as 5GB or 512MiB [as the weights were cut]");
}

Expected<std::uint64_t> shard_size(const std::string& word, const std::string& output) {
  if (word.empty()) return std::uint64_t{0};
  const auto malformed = [&](std::string what, std::string hint) {
    return Error{Exit::usage, error_number::command_line, std::move(what), "--max-shard-size " + word, std::move(hint)};
  };
  if (!is_index_name(output))
    return malformed("a size of shards where one file is written", "--output NAME.safetensors.index.json");
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> units{{{"", 1},
                                                                             {"KB", 1'000},
                                                                             {"MB", 1'000'000},
                                                                             {"GB", 1'000'000'000},
                                                                             {"TB", 1'000'000'000'000},
                                                                             {"KiB", 1ULL << 10},
                                                                             {"MiB", 1ULL << 20},
                                                                             {"GiB", 1ULL << 30}}};
  std::uint64_t count = 0, bytes = 0;
  const char* const end = word.data() + word.size();
  const auto [rest, fault] = std::from_chars(word.data(), end, count);
  const auto unit = std::ranges::find(units, std::string_view(rest, end), [](const auto& u) { return u.first; });
  if (fault != std::errc() || unit == units.end() || __builtin_mul_overflow(count, unit->second, &bytes) || bytes == 0)
    return malformed("not a size of shards", "a whole number from 1 and a unit, such as 5GB, 512MiB or 1000000");
  return bytes;
}

}  // namespace hallmark::cli
