#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/error_numbers.hpp"
#include "io/file.hpp"

namespace hallmark {

namespace {

Error cannot_read(const std::string& path, std::string_view reason,
                  std::string hint = "check the path and its permissions") {
  return {Exit::io, error_number::cannot_read, "cannot read the file", fmt::format("{}: {}", path, reason),
          std::move(hint)};
}

// Inputs are mapped, which some file systems cannot do.
Error cannot_map(const std::string& path, int reason) {
  return cannot_read(path, std::strerror(reason),
                     reason == ENOMEM ? "more address space: ulimit -v"
                                      : "its file system does not map files into memory: copy it to another");
}

// Who writes to a file may set the time of that back, but not the time of its last change of any kind.
std::string identity_of(const struct stat& status) {
  return fmt::format("{} {} {} {}.{:09} {}.{:09}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

}  // namespace

Expected<MappedFile> MappedFile::open(const std::string& path) {
  MappedFile file;
  file.path_ = path;
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  file.fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.fd_ < 0) return cannot_read(path, std::strerror(errno));
  struct stat status {};
  if (::fstat(file.fd_, &status) != 0) return cannot_read(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "not a regular file");
  file.modified_seconds_ = status.st_mtim.tv_sec;
  file.modified_nanoseconds_ = status.st_mtim.tv_nsec;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > 0) {  // an empty file cannot be mapped
    void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd_, 0);
    if (data == MAP_FAILED) return cannot_map(path, errno);
    file.data_ = static_cast<const std::byte*>(data);
    file.size_ = size;
  }
  if (Status same = file.unchanged(); !same) return same.error();
  return file;
}

Status MappedFile::unchanged() const {
  struct stat now {};
  if (::fstat(fd_, &now) != 0) return cannot_read(path_, std::strerror(errno));
  if (static_cast<std::size_t>(now.st_size) == size_ && now.st_mtim.tv_sec == modified_seconds_ &&
      now.st_mtim.tv_nsec == modified_nanoseconds_)
    return ok();
  return Error{Exit::io, error_number::file_changed, "an input file changed while it was being read",
               fmt::format("{}: {} bytes when opened, {} bytes now", path_, size_, now.st_size),
               "run again when nothing writes to the file"};
}

std::string MappedFile::identity() const {
  struct stat now {};
  return ::fstat(fd_, &now) == 0 ? identity_of(now) : "";
}

void MappedFile::swap(MappedFile& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(modified_seconds_, other.modified_seconds_);
  std::swap(modified_nanoseconds_, other.modified_nanoseconds_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept { swap(other); }
MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  swap(other);
  return *this;
}
MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  if (fd_ >= 0) ::close(fd_);
}

AnonymousMap::AnonymousMap(std::size_t size) : size_(size) {
  if (size == 0) return;
  // Shared: pages of a private map that are forgotten would come back as zeros.
  void* const data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  data_ =
      std::shared_ptr<std::byte>(static_cast<std::byte*>(data), [size](std::byte* begin) { ::munmap(begin, size); });
}

Expected<std::string> read_text(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return file.error();
  return std::string(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
}

void forget_pages(std::span<const std::byte> bytes) noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
  // The map of a file is private and never written to: dropped pages come back from the file.
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

Status in_pieces(std::span<const std::byte> bytes, const ByteSink& sink) {
  for (std::size_t first = 0; first < bytes.size(); first += mapped_piece) {
    const auto piece = bytes.subspan(first, std::min(mapped_piece, bytes.size() - first));
    if (Status taken = sink(piece); !taken) return taken;
    forget_pages(piece);
  }
  return ok();
}

std::string identity_of(const std::string& path) {
  struct stat now {};
  return ::stat(path.c_str(), &now) == 0 ? identity_of(now) : "";
}

bool same_file(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace hallmark
