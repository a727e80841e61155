// A race that ThreadSanitizer has to report (tools/check_tsan.sh): threads add to one number without any order.
#include <cstdio>

int main() {
  long sum = 0;
#pragma omp parallel for num_threads(2)
  for (int i = 0; i < 100000; ++i) sum += i;
  std::printf("%ld\n", sum);
}
