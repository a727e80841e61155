// Text as tokens: the published shards.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// Train and validation tokens of a folder of shards.
struct TokenCorpus {
  std::vector<Index> train, validation;
  std::string train_digest, validation_digest;  ///< SHA-256 of the tokens as 16-bit little-endian words
};

/// The tokens of a shard. Errors: E0390 a token that is not below `vocab` (names its place); those of TokenShard::open.
Expected<std::vector<Index>> load_shard(const std::string& path, Index vocab);

/// The shards *_train_NNNNNN.bin and *_val_NNNNNN.bin of a folder, each kind in the order of names; others are left
/// alone (fineweb_val_bytes_NNNNNN.bin holds no tokens). Errors: those of load_shard; E0390 no such folder; E0391 no
/// shard of a kind; E0395 one shard's tokens are in both.
Expected<TokenCorpus> load_tokens(const std::string& folder, Index vocab);

}  // namespace hallmark
