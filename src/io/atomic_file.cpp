#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <mutex>
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
std::array<Slot, 512> registry;   // the shards of a model are written together
std::atomic<bool> swept = false;  // by a handler that ends the process, on whatever thread

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

Error cannot_create(const std::string& path, int reason) {
  return {Exit::io, error_number::cannot_create, "cannot create a file in the output folder",
          fmt::format("{}: {}", folder_of(path), std::strerror(reason)), "check the folder and its permissions"};
}

Error exists(const std::string& path) {
  return {Exit::infeasible, error_number::output_exists, "the output file exists", path,
          "--overwrite, or another --output"};
}

// The content of a file is durable after its own sync; its name is after that of the folder.
Status sync_folder(const std::string& path) {
  const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return cannot_write(path, errno);
  const int synced = ::fsync(folder);
  const int reason = errno;
  ::close(folder);
  if (synced != 0 && reason != EINVAL) return cannot_write(path, reason);
  return ok();
}

// errno says why not, EEXIST that the name is taken.
bool rename_to(const char* from, const char* to, bool overwrite) noexcept {
  if (overwrite) return ::rename(from, to) == 0;
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  // A file system without the flag: link() refuses an existing name just as atomically.
  if (::link(from, to) == 0) return ::unlink(from), true;
  if (errno == EEXIST) return false;
  // One without links too: the name is claimed by a file of no bytes, which is then replaced.
  const int claim = ::open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (claim < 0) return false;
  ::close(claim);
  if (::rename(from, to) == 0) return true;
  const int reason = errno;
  ::unlink(to);
  errno = reason;
  return false;
}

// What a signal finds: nothing, a commit that it has to wait for, or another signal that ends the process.
enum : int { idle = 0, committing = -1 };
std::atomic<int> ending = idle, kept_signal = 0;

// While one lives, signals wait and no other process commits a pair in the folder.
class Commit {
 public:
  explicit Commit(const std::string& path)
      : folder_(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    // A file system that cannot lock a folder has its writers to itself.
    while (folder_ >= 0 && ::flock(folder_, LOCK_EX) != 0 && errno == EINTR) {
    }
    for (int expected = idle; !ending.compare_exchange_strong(expected, committing); expected = idle)
      ::pause();  // the process is about to end
  }
  Commit(const Commit&) = delete;
  Commit& operator=(const Commit&) = delete;
  ~Commit() {
    if (folder_ >= 0) ::close(folder_);
    ending = idle;
    if (const int signal = kept_signal.exchange(0); signal != 0) ::raise(signal);
  }

 private:
  const std::lock_guard<std::mutex> alone_{turns()};
  static std::mutex& turns() {
    static std::mutex mutex;
    return mutex;
  }
  int folder_;
};

}  // namespace

bool may_end(int signal) noexcept {
  kept_signal = signal;
  int expected = idle;
  return ending.compare_exchange_strong(expected, signal);
}

Status commit_pair(AtomicFile& file, AtomicFile& companion, const std::string& waiting) {
  const auto failed = [&](const std::string& path, int reason) -> Status {
    file.discard();
    companion.discard();
    return reason == EEXIST ? exists(path) : cannot_write(path, reason);
  };
  if (!companion.settle()) return failed(companion.path_, errno);
  if (!file.settle()) return failed(file.path_, errno);
  const Commit now(file.path_);
  // The names are asked for again, now that nobody else commits.
  for (const AtomicFile* one : {&file, &companion})
    if (const Status free = check_output(one->path_, one->overwrite_); !free) {
      file.discard();
      companion.discard();
      return free;
    }
  if (!companion.take_name(waiting, true)) return failed(companion.path_, errno);
  Status done = sync_folder(waiting);
  if (!done || !file.take_name(file.path_, file.overwrite_)) {
    const int reason = errno;
    ::unlink(waiting.c_str());
    const Status why = failed(file.path_, reason);
    return done ? why : done;
  }
  if (!rename_to(waiting.c_str(), companion.path_.c_str(), companion.overwrite_)) {
    Error error = cannot_write(companion.path_, errno);
    error.hint = "it is complete, and found, under the name " + waiting;
    return error;
  }
  const Status synced = sync_folder(file.path_);
  return synced ? sync_folder(companion.path_) : synced;
}

Status commit_set(std::span<AtomicFile* const> parts, AtomicFile& index, const SetNames& names) {
  std::vector<std::string> taken;
  const auto discard = [&] {
    for (const std::string& path : taken) ::unlink(path.c_str());
    for (AtomicFile* part : parts) part->discard();
    index.discard();
  };
  const auto failed = [&](const std::string& path, int reason) -> Status {
    discard();
    return reason == EEXIST ? exists(path) : cannot_write(path, reason);
  };
  struct stat of_index {};  // what replaces a file that only its owner may read is no more open than that
  if (::fstat(index.fd_, &of_index) != 0) return failed(index.path_, errno);
  for (AtomicFile* part : parts)
    if (::fchmod(part->fd_, of_index.st_mode & 07777) != 0 || !part->settle()) return failed(part->path_, errno);
  const Commit now(index.path_);
  const auto is_there = [](const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
  };
  const std::vector<std::string> replaced = names.replaced();
  unsigned generation = 1;
  std::vector<std::string> paths = names.parts(generation);
  while (index.overwrite_ && std::ranges::any_of(paths, is_there)) paths = names.parts(++generation);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i]->take_name(paths[i], false)) return failed(paths[i], errno);
    taken.push_back(paths[i]);
  }
  Status done = sync_folder(paths.front());
  if (done) done = index.write(names.index(generation));
  if (!done || !index.settle() || !index.take_name(index.path_, index.overwrite_)) {
    const Status why = failed(index.path_, errno);
    return done ? why : done;
  }
  for (const std::string& path : replaced)
    if (std::ranges::find(paths, path) == paths.end()) ::unlink(path.c_str());
  return sync_folder(index.path_);
}

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
  if (::access(folder_of(path).c_str(), W_OK | X_OK) != 0) return cannot_create(path, errno);
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

std::string through_links(const std::string& path) {
  std::error_code none;
  const std::filesystem::path target = std::filesystem::canonical(path, none);
  return none ? path : target.string();
}

Expected<AtomicFile> AtomicFile::create(const std::string& name_of_user, bool overwrite) {
  if (Status allowed = check_output(name_of_user, overwrite); !allowed) return allowed.error();
  const std::string path = overwrite ? through_links(name_of_user) : name_of_user;
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
      // A handler on another thread may have looked before the file existed; it says so before it looks.
      if (swept) {
        ::unlink(name.c_str());
        for (;;) ::pause();  // the process is about to end
      }
      file.temporary_ = name;
      file.slot_ = slot;
    } else {
      const int reason = errno;  // unregistering is not to lose it
      unregister_temporary(slot);
      errno = reason;
    }
  } while (file.fd_ < 0 && errno == EEXIST);
  if (file.fd_ < 0) return cannot_create(path, errno);
  // A file that only its owner may read stays one.
  struct stat replaced {};
  if (overwrite && ::stat(path.c_str(), &replaced) == 0 && ::fchmod(file.fd_, replaced.st_mode & 07777) != 0)
    return cannot_write(path, errno);
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

// Makes the bytes durable; errno says why not.
bool AtomicFile::settle() noexcept {
  if (::fsync(fd_) != 0) return false;
  return ::close(std::exchange(fd_, -1)) == 0;
}

bool AtomicFile::take_name(const std::string& path, bool overwrite) noexcept {
  if (!rename_to(temporary_.c_str(), path.c_str(), overwrite)) return false;
  temporary_.clear();
  unregister_temporary(std::exchange(slot_, -1));
  return true;
}

Status AtomicFile::commit() {
  if (settle() && take_name(path_, overwrite_)) return sync_folder(path_);
  const int reason = errno;
  discard();
  return reason == EEXIST ? exists(path_) : cannot_write(path_, reason);
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
  swept = true;
  for (Slot& slot : registry)
    if (slot.state.load() == Slot::live) ::unlink(slot.path);
}

}  // namespace hallmark
