// SHA-256 of bytes and files, by OpenSSL.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hallmark {

/// A running SHA-256: any number of update(), then hex() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::span<const std::byte> bytes);
  Sha256& update(std::string_view text);
  /// The digest of all bytes so far, 64 lower-case hexadecimal digits; further updates go on from the same state.
  std::string hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);

/// Adds a part of a MappedFile to one or two digests piece by piece and forgets its pages: a model may be larger than
/// memory. Where a stop is requested it returns early, and the digests are of nothing in particular.
void update_mapped(Sha256& digest, std::span<const std::byte> bytes, const std::stop_token& stop = {},
                   Sha256* second = nullptr);
/// The digest of a part of a MappedFile, whose pages are forgotten.
std::string sha256_mapped(std::span<const std::byte> bytes);

/// The digest of a file's bytes, read piece by piece. Errors: E0901.
Expected<std::string> sha256_file(const std::string& path);

}  // namespace hallmark
