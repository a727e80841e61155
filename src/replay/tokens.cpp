#include "replay/tokens.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "replay/token_shard.hpp"

namespace hallmark {

namespace {

namespace fs = std::filesystem;

// NNNNNN of PREFIX_KIND_NNNNNN.bin.
bool is_shard(const std::string& name, const std::string& kind) {
  constexpr std::size_t ending = 10;  // NNNNNN.bin
  if (name.size() < ending + kind.size() || !name.ends_with(".bin")) return false;
  const std::string digits = name.substr(name.size() - ending, 6), before = name.substr(0, name.size() - ending);
  return before.ends_with(kind) &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Expected<std::vector<std::string>> shards(const std::string& folder, const std::string& kind) {
  std::error_code failure;
  std::vector<std::string> paths;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (is_shard(entry->path().filename().string(), kind)) paths.push_back(entry->path().string());
  if (failure)
    return Error{Exit::input, error_number::text_unreadable, "the text folder cannot be read",
                 folder + ": " + failure.message(), "name a folder of shards with --text"};
  if (paths.empty())
    return Error{Exit::input, error_number::text_missing, "the text folder holds no shard",
                 folder + "/*" + kind + "NNNNNN.bin", "a model whose vocabulary is not bytes reads shards of tokens"};
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Expected<std::vector<Index>> load_shard(const std::string& path, Index vocab) {
  const auto shard = TokenShard::open(path);
  if (!shard) return shard.error();
  const auto words = shard->tokens();
  const auto beyond = std::ranges::find_if(words, [&](std::uint16_t token) { return token >= vocab; });
  if (beyond != words.end())
    return Error{Exit::input, error_number::text_unreadable, "a token is not of the model's vocabulary",
                 fmt::format("{}: token {} is {}, the vocabulary has {}", path, beyond - words.begin(), *beyond, vocab),
                 "give the shards of the model's tokenizer"};
  return std::vector<Index>(words.begin(), words.end());
}

Expected<TokenCorpus> load_tokens(const std::string& folder, Index vocab) {
  TokenCorpus corpus;
  std::set<std::string> train;  // digests of its shards
  for (const bool held_out : {false, true}) {
    const auto paths = shards(folder, held_out ? "_val_" : "_train_");
    if (!paths) return paths.error();
    Sha256 all;
    auto& tokens = held_out ? corpus.validation : corpus.train;
    for (const std::string& path : *paths) {
      const auto shard = load_shard(path, vocab);
      if (!shard) return shard.error();
      tokens.insert(tokens.end(), shard->begin(), shard->end());
      const std::vector<std::uint16_t> words(shard->begin(), shard->end());
      all.update(std::as_bytes(std::span(words)));
      const std::string digest = sha256_hex(std::as_bytes(std::span(words)));
      if (held_out && !words.empty() && train.contains(digest))
        return Error{Exit::input, error_number::splits_overlap,
                     "the same text is in the train and in the validation split",
                     path + ": its tokens are a train shard's", "take one of the two out of the folder"};
      train.insert(digest);
    }
    (held_out ? corpus.validation_digest : corpus.train_digest) = all.hex();
  }
  return corpus;
}

}  // namespace hallmark
