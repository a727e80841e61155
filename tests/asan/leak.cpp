// A leak that LeakSanitizer has to report (tools/check_sanitizers.sh): memory lost in a parallel region, below frames
// of the OpenMP runtime.
#include <cstdio>

long* kept;

int main() {
#pragma omp parallel num_threads(2)
  kept = new long[100];
  kept = nullptr;
  std::puts("lost");
}
