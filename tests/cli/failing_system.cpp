// A library to be preloaded: calls of the system fail, or the process ends, where the environment says.
// FAIL_CALL=N: the N-th of the calls that make outputs durable (fsync, rename, renameat2) fails with EIO; with
// FAIL_SIGNAL=S the process gets signal S before it instead. FAIL_RENAMEAT2, FAIL_LINK: such calls are not there.
// FAIL_THREADS=N: a thread is refused while N others live.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

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

int fsync(int fd) { return hit() ? -1 : real<int(int)>("fsync")(fd); }

int rename(const char* from, const char* to) {
  return hit() ? -1 : real<int(const char*, const char*)>("rename")(from, to);
}

int renameat2(int a, const char* from, int b, const char* to, unsigned flags) {
  if (number("FAIL_RENAMEAT2") > 0) return errno = EINVAL, -1;
  return hit() ? -1 : real<int(int, const char*, int, const char*, unsigned)>("renameat2")(a, from, b, to, flags);
}

int link(const char* from, const char* to) {
  if (number("FAIL_LINK") > 0) return errno = EPERM, -1;
  return real<int(const char*, const char*)>("link")(from, to);
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
