// The token shards of parameter-golf. Layout: docs/parameter-golf.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "io/file.hpp"

namespace hallmark {

/// A shard: 256 int32, of which the first three are a magic, a version and the number of tokens, then the tokens.
class TokenShard {
 public:
  /// Whether the bytes begin as those of a shard do.
  static bool is_one(std::span<const std::byte> file);
  /// Errors: E0327 another magic, version or size than the header says; those of MappedFile::open.
  static Expected<TokenShard> open(const std::string& path);

  std::span<const std::uint16_t> tokens() const;  ///< a view of the map

 private:
  explicit TokenShard(MappedFile file) : file_(std::move(file)) {}
  MappedFile file_;
};

}  // namespace hallmark
