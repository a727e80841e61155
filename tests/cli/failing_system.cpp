// A library to be preloaded: calls of the system fail, or the process ends, where the environment says.
// FAIL_CALL=N: the N-th of the calls that make outputs durable (fsync, rename, renameat2) fails with EIO; with
// FAIL_SIGNAL=S the process gets signal S before it instead. FAIL_RENAMEAT2, FAIL_LINK: such calls are not there.
// FAIL_CREATE=S: while a temporary file is being created another thread gets signal S, and looks for it before it
// exists. FAIL_THREADS=N: a thread is refused while N others live. TOUCH=FILE: FILE gets another time at the first
// madvise. CALLS=FILE: those of the first kind that succeed are listed there, one a line, by the names of their files.
// BESIDE=COMMAND, BESIDE_OPEN=N: COMMAND runs, as another process, before the N-th time that a file of a folder `out'
// is opened.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

long number(const char* name) {
  const char* const text = std::getenv(name);
  return text ? std::atol(text) : -1;
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Whether this call is the one that fails.
bool hit() {
  static std::atomic<long> calls = 0;
  if (++calls != number("FAIL_CALL")) return false;
  if (const long signal = number("FAIL_SIGNAL"); signal > 0) {
    ::kill(::getpid(), static_cast<int>(signal));
    return false;
  }
  errno = EIO;
  return true;
}

// Appends what was done to whom, if it was done.
int listed(int result, const char* call, std::string_view name, std::string_view other = {}) {
  const char* const file = std::getenv("CALLS");
  if (!file || result != 0) return result;
  const auto last = [](std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); };
  const std::string line = call + (" " + last(name)) + (other.empty() ? "" : " " + last(other)) + "\n";
  const int fd = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (::write(fd, line.data(), line.size()) < 0) std::abort();
  ::close(fd);
  return result;
}

std::string name_of(int fd) {
  char path[4096];
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return {path, static_cast<std::size_t>(size > 0 ? size : 0)};
}

thread_local bool gets_signal = false;
std::atomic<bool> looked = false;

void* get_signal(void*) {
  gets_signal = true;
  ::raise(static_cast<int>(number("FAIL_CREATE")));
  return nullptr;
}

std::atomic<long> living = 0;

struct Counted {
  void* (*start)(void*);
  void* argument;
};

void* run_counted(void* given) {
  const Counted counted = *static_cast<Counted*>(given);
  delete static_cast<Counted*>(given);
  void* const result = counted.start(counted.argument);
  --living;
  return result;
}

}  // namespace

extern "C" {

int fsync(int fd) { return hit() ? -1 : listed(real<int(int)>("fsync")(fd), "fsync", name_of(fd)); }

int rename(const char* from, const char* to) {
  return hit() ? -1 : listed(real<int(const char*, const char*)>("rename")(from, to), "rename", from, to);
}

int renameat2(int a, const char* from, int b, const char* to, unsigned flags) {
  if (number("FAIL_RENAMEAT2") > 0) return errno = EINVAL, -1;
  return hit() ? -1
               : listed(real<int(int, const char*, int, const char*, unsigned)>("renameat2")(a, from, b, to, flags),
                        "rename", from, to);
}

int link(const char* from, const char* to) {
  if (number("FAIL_LINK") > 0) return errno = EPERM, -1;
  return real<int(const char*, const char*)>("link")(from, to);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if ((flags & O_CREAT) != 0 && std::strstr(path, "/.hallmark-") && number("FAIL_CREATE") > 0) {
    pthread_t other{};
    real<decltype(::pthread_create)>("pthread_create")(&other, nullptr, get_signal, nullptr);
    while (!looked) ::usleep(1000);
  }
  static std::atomic<long> opened = 0;
  if (std::strstr(path, "/out/") && ++opened == number("BESIDE_OPEN")) {
    ::unsetenv("LD_PRELOAD");
    if (std::system(std::getenv("BESIDE")) != 0) std::abort();
  }
  return real<int(const char*, int, ...)>("open")(path, flags, mode);
}

int unlink(const char* path) {
  const int result = real<int(const char*)>("unlink")(path);
  if (gets_signal && !looked.exchange(true)) ::usleep(300'000);  // in which the file comes to be
  return result;
}

int madvise(void* begin, size_t length, int advice) {
  static std::atomic<bool> touched = false;
  if (const char* const file = std::getenv("TOUCH"); file && !touched.exchange(true))
    ::utimensat(AT_FDCWD, file, nullptr, 0);
  return real<int(void*, size_t, int)>("madvise")(begin, length, advice);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  const long most = number("FAIL_THREADS");
  if (++living > most && most >= 0) return --living, EAGAIN;
  const int result = real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create")(
      thread, attributes, run_counted, new Counted{start, argument});
  if (result != 0) --living;
  return result;
}
}
