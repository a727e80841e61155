// The text corpus and its two splits. TrainSplit and ValidationSplit are distinct types without a conversion
// between them: whatever must not see validation text takes a TrainSplit, and the compiler keeps the promise.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// Debian's perl-doc under its real path (/usr/share/perl/5.36 is a link to it).
inline constexpr std::string_view default_text_folder = "/usr/share/perl/5.36.0/pod";

namespace detail {
enum class SplitKind { train, validation };
}

/// One split: the bytes of its files in order, without separators, and the SHA-256 of those bytes.
template <detail::SplitKind>
class TextSplit {
 public:
  explicit TextSplit(std::vector<std::byte> bytes);

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::string& digest() const { return digest_; }

 private:
  std::vector<std::byte> bytes_;
  std::string digest_;
};

using TrainSplit = TextSplit<detail::SplitKind::train>;
using ValidationSplit = TextSplit<detail::SplitKind::validation>;

/// A folder of text. The digest is over all files, both splits, in order.
struct Corpus {
  std::vector<std::string> files;  ///< names in the folder, sorted bytewise
  TrainSplit train;
  ValidationSplit validation;
  std::string digest;
};

/// The regular files of `folder` (not of its subfolders; links are not followed), sorted bytewise by name; file i
/// (from 0) belongs to validation when i mod 10 = 9, to train otherwise.
/// Errors: E0390 no such folder, E0391 no regular file, E0392 a split without text (fewer than ten files, or empty
/// ones), E0395 one file's bytes are in both splits, by digest, or a validation file of at least 256 bytes stands
/// somewhere in the train text (else validation text would reach calibration), E0901 a file is unreadable.
Expected<Corpus> load_corpus(std::string_view folder);

}  // namespace hallmark
