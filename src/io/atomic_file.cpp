#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "base/error_numbers.hpp"
#include "io/file.hpp"

namespace hallmark {

namespace {

// The names of the living temporary files, in static memory so that a signal handler can read them.
struct Slot {
  enum State : int { free, busy, live };
  std::atomic<int> state = free;
  char path[PATH_MAX] = {};
};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler reads the states");
std::array<Slot, 16> registry;

int register_temporary(const std::string& path) {
  if (path.size() >= PATH_MAX) return -1;
  for (std::size_t i = 0; i < registry.size(); ++i) {
    int expected = Slot::free;
    if (!registry[i].state.compare_exchange_strong(expected, Slot::busy)) continue;
    std::memcpy(registry[i].path, path.c_str(), path.size() + 1);
    registry[i].state.store(Slot::live);
    return static_cast<int>(i);
  }
  return -1;
}

void unregister_temporary(int slot) {
  if (slot >= 0) registry[static_cast<std::size_t>(slot)].state.store(Slot::free);
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error cannot_write(const std::string& path, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  return {Exit::io, full ? error_number::disk_full : error_number::cannot_write,
          full ? "no space for the output file" : "cannot write the output file",
          fmt::format("{}: {}", path, std::strerror(reason)),
          full ? "free some space or choose another folder; nothing was left behind" : "check the folder and the disk"};
}

Error exists(const std::string& path) {
  return {Exit::infeasible, error_number::output_exists, "the output file exists", path,
          "--overwrite, or another --output"};
}

}  // namespace

Status check_output(const std::string& path, bool overwrite, const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs)
    if (same_file(path, input))
      return Error{Exit::infeasible, error_number::output_is_input, "the output file is an input file",
                   fmt::format("{} and {} are one file", path, input), "another --output"};
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode))
      return Error{Exit::infeasible, error_number::output_not_regular, "the output is not a regular file", path,
                   "give the name of a file"};
    if (!overwrite) return exists(path);
  } else if (::lstat(path.c_str(), &status) == 0 && !overwrite) {
    return exists(path);  // a dangling link
  }
  return ok();
}

Status check_distinct(const std::vector<std::string>& outputs) {
  const auto name_of = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };  // npos + 1 is 0
  for (std::size_t i = 0; i < outputs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const std::string &a = outputs[j], &b = outputs[i];
      if (a.empty() || b.empty()) continue;
      if (same_file(a, b) || (name_of(a) == name_of(b) && same_file(folder_of(a), folder_of(b))))
        return Error{Exit::infeasible, error_number::output_twice, "two outputs are one file",
                     fmt::format("{} and {}", a, b), "give every output a file of its own"};
    }
  return ok();
}

Expected<AtomicFile> AtomicFile::create(const std::string& path, bool overwrite) {
  if (Status allowed = check_output(path, overwrite); !allowed) return allowed.error();
  AtomicFile file;
  file.path_ = path;
  file.overwrite_ = overwrite;
  static std::atomic<unsigned> count = 0;
  do {  // a name left by a killed process of the same id is passed over
    const std::string name = fmt::format("{}/.hallmark-{}-{}.tmp", folder_of(path), ::getpid(), count++);
    // Registered before it exists: a signal between the two unlinks nothing.
    const int slot = register_temporary(name);
    if (slot < 0)
      return Error{Exit::internal, error_number::too_many_outputs, "too many output files at once",
                   fmt::format("{}: {} are open", path, registry.size()), "report this"};
    file.fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file.fd_ >= 0) {
      file.temporary_ = name;
      file.slot_ = slot;
    } else {
      const int reason = errno;  // unregistering is not to lose it
      unregister_temporary(slot);
      errno = reason;
    }
  } while (file.fd_ < 0 && errno == EEXIST);
  if (file.fd_ < 0)
    return Error{Exit::io, error_number::cannot_create, "cannot create a file in the output folder",
                 fmt::format("{}: {}", folder_of(path), std::strerror(errno)), "check the folder and its permissions"};
  return file;
}

Status AtomicFile::reserve(std::uint64_t size) {
  int result = 0;
  do {
    result = ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  // A file system without the call finds out later, in write.
  if (size == 0 || result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return ok();
  return cannot_write(path_, errno);
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  Status written = write_at(end_, bytes);
  if (written) end_ += bytes.size();
  return written;
}

Status AtomicFile::write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

Status AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  const auto begin = static_cast<off_t>(offset);
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return cannot_write(path_, errno);
    if (written == 0) return cannot_write(path_, ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  // The disk may begin; commit() then waits for less. What goes wrong here goes wrong there.
  ::sync_file_range(fd_, begin, static_cast<off_t>(offset) - begin, SYNC_FILE_RANGE_WRITE);
  return ok();
}

Status AtomicFile::commit() {
  const auto failed = [&](int reason) -> Status {
    discard();
    return reason == EEXIST ? exists(path_) : cannot_write(path_, reason);
  };
  if (::fsync(fd_) != 0) return failed(errno);
  const int closed = ::close(std::exchange(fd_, -1));
  if (closed != 0) return failed(errno);
  if (overwrite_) {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed(errno);
  } else if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno != EINVAL && errno != ENOSYS) return failed(errno);
    // A file system without the flag: link() refuses an existing name just as atomically.
    if (::link(temporary_.c_str(), path_.c_str()) != 0) return failed(errno);
    ::unlink(temporary_.c_str());
  }
  unregister_temporary(std::exchange(slot_, -1));
  temporary_.clear();
  // The content is durable; the name is once the folder is.
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return cannot_write(path_, errno);
  const int synced = ::fsync(folder);
  const int reason = errno;
  ::close(folder);
  if (synced != 0 && reason != EINVAL) return cannot_write(path_, reason);
  return ok();
}

void AtomicFile::discard() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  unregister_temporary(std::exchange(slot_, -1));
}

void AtomicFile::swap(AtomicFile& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(overwrite_, other.overwrite_);
  std::swap(fd_, other.fd_);
  std::swap(slot_, other.slot_);
  std::swap(end_, other.end_);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept { swap(other); }
AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  swap(other);
  return *this;
}
AtomicFile::~AtomicFile() { discard(); }

void unlink_temporary_files() noexcept {
  for (Slot& slot : registry)
    if (slot.state.load() == Slot::live) ::unlink(slot.path);
}

}  // namespace hallmark
