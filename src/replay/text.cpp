#include "replay/text.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <system_error>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"

namespace hallmark {

namespace fs = std::filesystem;

template <detail::SplitKind kind>
TextSplit<kind>::TextSplit(std::vector<std::byte> bytes)
    : bytes_(std::move(bytes)), digest_(sha256_hex(std::span<const std::byte>(bytes_))) {}

template class TextSplit<detail::SplitKind::train>;
template class TextSplit<detail::SplitKind::validation>;

namespace {

Expected<std::vector<std::string>> regular_files(const fs::path& folder) {
  std::error_code failure;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
    if (entry->symlink_status().type() == fs::file_type::regular) names.push_back(entry->path().filename().string());
  if (failure)
    return Error{Exit::input, error_number::text_unreadable, "the text folder cannot be read",
                 folder.string() + ": " + failure.message(),
                 "install perl-doc, or name a folder of text files with --text"};
  if (names.empty())
    return Error{Exit::input, error_number::text_missing, "the text folder holds no regular file", folder.string(),
                 "install perl-doc, or name a folder of text files with --text"};
  std::sort(names.begin(), names.end());  // std::string compares as unsigned bytes
  return names;
}

// A file of the validation split, and its place there.
struct HeldOut {
  std::string name;
  std::size_t first, size;
};

constexpr std::size_t telling_bytes = 256;  // a shorter file may well be said twice

Error overlap(const std::string& where) {
  return {Exit::input, error_number::splits_overlap, "the same text is in the train and in the validation split", where,
          "take one of the two out of the folder"};
}

// The first file of the validation split whose bytes stand somewhere in the train text; null: none.
const HeldOut* leaked(const std::vector<HeldOut>& held_out, std::span<const std::byte> validation,
                      std::span<const std::byte> train) {
  for (const HeldOut& file : held_out) {
    if (file.size < telling_bytes) continue;
    const auto bytes = validation.subspan(file.first, file.size);
    const std::boyer_moore_horspool_searcher search(bytes.data(), bytes.data() + bytes.size());
    const std::byte* const end = train.data() + train.size();
    if (std::search(train.data(), end, search) != end) return &file;
  }
  return nullptr;
}

}  // namespace

Expected<Corpus> load_corpus(std::string_view folder) {
  auto names = regular_files(folder);
  if (!names) return names.error();
  std::vector<std::byte> train, validation;
  Sha256 all;
  std::vector<HeldOut> files;
  std::map<std::string, std::pair<std::string, bool>> seen;  // digest of a file -> its name, whether validation
  for (std::size_t i = 0; i < names->size(); ++i) {
    const auto file = MappedFile::open((fs::path(folder) / (*names)[i]).string());
    if (!file) return file.error();
    const auto bytes = file->bytes();
    all.update(bytes);
    const bool held_out = i % 10 == 9;
    const auto [twin, first] = seen.try_emplace(sha256_hex(bytes), (*names)[i], held_out);
    if (!first && !bytes.empty() && twin->second.second != held_out)
      return overlap(std::string(folder) + ": " + twin->second.first + " and " + (*names)[i] + " are equal");
    auto& split = held_out ? validation : train;
    if (held_out) files.push_back({(*names)[i], validation.size(), bytes.size()});
    split.insert(split.end(), bytes.begin(), bytes.end());
  }
  if (train.empty() || validation.empty())
    return Error{Exit::input, error_number::text_short, "the text is too short to be split",
                 std::string(folder) + ": " + std::to_string(names->size()) + " files, " +
                     std::to_string(train.size()) + " bytes of train, " + std::to_string(validation.size()) +
                     " bytes of validation text",
                 "every tenth file is validation text: use a folder of at least ten files that are not empty"};
  if (const HeldOut* file = leaked(files, validation, train))
    return overlap(std::string(folder) + ": the train text contains " + file->name);
  return Corpus{std::move(*names), TrainSplit(std::move(train)), ValidationSplit(std::move(validation)), all.hex()};
}

}  // namespace hallmark
