// Files: read-only maps, and outputs that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// A regular file mapped read-only; the bytes live as long as the object.
class MappedFile {
 public:
  /// Errors: E0901 (missing, unreadable, not a regular file), E0902 (its size changed while it was mapped).
  static Expected<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Fails when the file under the map has another size or modification time than at open(): what was read may then
  /// be a mixture, so whoever writes results asks once more at the end. Errors: E0902.
  Status unchanged() const;
  /// identity_of the file under the map, as it is now.
  std::string identity() const;

 private:
  MappedFile() = default;
  void swap(MappedFile& other) noexcept;

  std::string path_;
  int fd_ = -1;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::int64_t modified_seconds_ = 0, modified_nanoseconds_ = 0;
};

/// Memory of this process that is read as a part of a MappedFile is: forget_pages leaves its bytes as they are.
class AnonymousMap {
 public:
  AnonymousMap() = default;
  /// Zeros. Throws std::bad_alloc.
  explicit AnonymousMap(std::size_t size);

  std::span<std::byte> bytes() const { return {data_.get(), size_}; }
  /// Whether bytes, of which there are some, stand in it.
  bool holds(std::span<const std::byte> part) const {
    return !part.empty() && !std::less{}(part.data(), static_cast<const std::byte*>(data_.get())) &&
           std::less{}(part.data(), static_cast<const std::byte*>(data_.get() + size_));
  }

 private:
  std::shared_ptr<std::byte> data_;
  std::size_t size_ = 0;
};

/// The content of a regular file. Errors: those of MappedFile::open.
Expected<std::string> read_text(const std::string& path);

/// Takes the whole pages inside `bytes` (a part of a MappedFile or AnonymousMap) out of resident memory; they stay
/// readable. Lets a model larger than memory be read tensor by tensor.
void forget_pages(std::span<const std::byte> bytes) noexcept;
/// Bytes of a map that are read before their pages are forgotten.
inline constexpr std::size_t mapped_piece = std::size_t{4} << 20;

/// Receives bytes in pieces, in order.
using ByteSink = std::function<Status(std::span<const std::byte>)>;
/// Hands a part of a MappedFile to the sink and forgets its pages behind it. Errors: those of sink.
Status in_pieces(std::span<const std::byte> bytes, const ByteSink& sink);

/// What tells the file from every other of this machine, and from what was in it before: device, inode, size and times.
/// "" where there is none.
std::string identity_of(const std::string& path);

/// Whether both paths exist and name one file (device and inode), through links of either kind.
bool same_file(const std::string& a, const std::string& b);

/// The file that a path leads to through symbolic links; the path itself where it leads to none.
std::string through_links(const std::string& path);

/// Says before any work whether `path` may become an output. Errors: E0411 it is one of `inputs` (always refused),
/// E0412 it is a folder, device or pipe, E0410 it exists and `overwrite` is false, E0903 its
/// folder is missing or cannot be written.
Status check_output(const std::string& path, bool overwrite, const std::vector<std::string>& inputs = {});

/// Says before any work whether no two of the outputs of one run would be one file: they are, through links of either
/// kind, or would become one, by the same name in the same folder. Empty paths are outputs that were not asked for.
/// Errors: E0416.
Status check_distinct(const std::vector<std::string>& outputs);

/// How a set of files is named: all of one generation, none of which may be taken.
struct SetNames {
  std::function<std::vector<std::string>(unsigned generation)> parts;  ///< paths, one for each
  std::function<std::string(unsigned generation)> index;               ///< the content that names them
  std::function<std::vector<std::string>()> replaced;  ///< paths that only the index before named; removed at the end
};

/// An output file that is either complete under its name or absent: bytes go to a temporary file in the same folder;
/// commit() syncs it, renames it and syncs the folder. Destroyed without commit, the temporary file is removed. A file
/// that is replaced is the one that links lead to, and its mode is kept.
class AtomicFile {
 public:
  /// Errors: those of check_output; E0903 the folder is missing or unwritable.
  static Expected<AtomicFile> create(const std::string& path, bool overwrite);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  /// Claims `size` bytes on the disk at once, so that a full disk is seen before the work. Errors: E0905, E0904.
  Status reserve(std::uint64_t size);
  /// Appends. Errors: E0905 disk full, quota or size limit; E0904 anything else.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  /// Writes at an offset; does not move the place where write() appends.
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Makes the file durable under its name; nothing can be written afterwards. Without `overwrite`, a file that
  /// appeared under the name in the meantime is kept. Errors: E0410, E0904, E0905; the temporary file is then removed.
  Status commit();

  const std::string& path() const { return path_; }

 private:
  friend Status commit_pair(AtomicFile& file, AtomicFile& companion, const std::string& waiting);
  friend Status commit_set(std::span<AtomicFile* const> parts, AtomicFile& index, const SetNames& names);
  AtomicFile() = default;
  bool settle() noexcept;
  bool take_name(const std::string& path, bool overwrite) noexcept;
  void swap(AtomicFile& other) noexcept;
  void discard() noexcept;

  std::string path_, temporary_;
  bool overwrite_ = false;
  int fd_ = -1;
  int slot_ = -1;  // in the registry of temporary files
  std::uint64_t end_ = 0;
};

/// Commits two files of one folder so that both are the old ones or both the new ones, whatever fails and wherever the
/// process is killed: once `file` stands under its name its new companion is there too, under its own name or under
/// `waiting`, a name in the same folder that belongs to this very content of `file`. Whoever reads looks there first.
/// Writers of one folder take turns, and signals wait. Errors: E0410, E0904, E0905; the temporary files are then
/// removed.
Status commit_pair(AtomicFile& file, AtomicFile& companion, const std::string& waiting);

/// Commits the parts and the index that names them so that whoever reads the index finds the old set or the new one,
/// whatever fails and wherever the process is killed: the parts get names that no file has, of the first generation
/// from 1 that is free, and then the index, in which nothing was written yet, gets its name. Without overwrite of the
/// index the generation is 1. Writers of one folder take turns, and signals wait. Errors: E0410, E0904, E0905; the
/// files of this set are then removed.
Status commit_set(std::span<AtomicFile* const> parts, AtomicFile& index, const SetNames& names);

/// For a handler, before it ends the process: false when the signal has to wait for a commit, which then raises it
/// again. Async-signal-safe.
bool may_end(int signal) noexcept;

/// Unlinks the temporary file of every AtomicFile that is alive in this process; a thread that is just creating one
/// unlinks it itself and goes no further. Async-signal-safe: for a handler, which then ends the process.
void unlink_temporary_files() noexcept;

}  // namespace hallmark
