// No race (tools/check_tsan.sh): ordered by the ends of parallel loops, by a reduction and by a critical section, all
// of which only Archer shows to ThreadSanitizer; without it there are false reports here.
#include <cstdio>
#include <vector>

int main() {
  std::vector<long> part(64);
  long sum = 0, counted = 0;
  for (int round = 0; round < 20; ++round) {
#pragma omp parallel for num_threads(4) schedule(dynamic)
    for (std::size_t i = 0; i < 64; ++i) part[i] += static_cast<long>(i);
#pragma omp parallel for num_threads(4) reduction(+ : sum)
    for (std::size_t i = 0; i < 64; ++i) {
      sum += part[63 - i];
#pragma omp critical
      ++counted;
    }
  }
  std::printf("%ld %ld\n", sum, counted);
}
