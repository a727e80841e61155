#include "replay/token_shard.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

constexpr std::size_t header_bytes = 1024;
constexpr std::int32_t shard_magic = 20240520, shard_version = 1;

std::int32_t header_field(std::span<const std::byte> file, std::size_t i) {
  std::int32_t value;
  std::memcpy(&value, file.data() + 4 * i, sizeof value);
  return value;
}

}  // namespace

bool TokenShard::is_one(std::span<const std::byte> file) {
  return file.size() >= header_bytes && header_field(file, 0) == shard_magic;
}

Expected<TokenShard> TokenShard::open(const std::string& path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  const auto bytes = file->bytes();
  const auto malformed = [&](std::string what, const std::string& where) {
    return Error{Exit::input, error_number::shard_malformed, std::move(what), path + ": " + where,
                 "get the shard again"};
  };
  if (!is_one(bytes) || header_field(bytes, 1) != shard_version)
    return malformed("not a token shard of version 1", fmt::format("{} bytes", bytes.size()));
  const std::int32_t count = header_field(bytes, 2);
  if (count < 0 || bytes.size() != header_bytes + 2 * static_cast<std::size_t>(count))
    return malformed("the shard has another size than its header says",
                     fmt::format("{} bytes, {} tokens", bytes.size(), count));
  return TokenShard(*std::move(file));
}

std::span<const std::uint16_t> TokenShard::tokens() const {
  const auto data = file_.bytes().subspan(header_bytes);  // of a map, whose pages are aligned
  return {reinterpret_cast<const std::uint16_t*>(data.data()), data.size() / 2};
}

}  // namespace hallmark
