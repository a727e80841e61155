// A race that ThreadSanitizer has to report (tools/check_tsan.sh): a task of std::async and who started it, as in
// src/pipeline/beside.hpp.
#include <cstdio>
#include <future>

int main() {
  int shared = 0;
  auto task = std::async(std::launch::async, [&shared] { ++shared; });
  ++shared;
  task.get();
  std::printf("%d\n", shared);
}
