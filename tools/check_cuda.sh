#!/usr/bin/env bash
# tools/check_cuda.sh: compiles the CUDA library, its test, its benchmark and the tool with nvcc; where there is a GPU runs the test,
# alone and under compute-sanitizer, and the benchmark. Prints NOT BUILT or NOT RUN with the reason otherwise; CI counts such lines.
# nvcc: $CUDACXX, in PATH, or in /usr/local/cuda/bin.
set -euo pipefail
export PATH="$PATH:/usr/local/cuda/bin"
nvcc=${CUDACXX:-$(command -v nvcc || true)}
if [ -z "$nvcc" ]; then
  echo "NOT BUILT: CUDA library: nvcc is not installed"
  exit 0
fi
tools/deps.sh build
cmake -G Ninja -S . -B build-cuda -DCMAKE_BUILD_TYPE=Release -DHALLMARK_TESTS=OFF -DHALLMARK_CUDA=ON \
  -DCMAKE_CUDA_COMPILER="$nvcc" > build-cuda.log || { cat build-cuda.log; rm -f build-cuda.log; exit 1; }
rm -f build-cuda.log
cmake --build build-cuda -j "$(nproc)" --target device_test cuda_bench hallmark_tool
test=build-cuda/src/cuda/device_test
out=$($test)
echo "$out"
build-cuda/src/cuda/cuda_bench
case $out in "NOT RUN"*) echo "NOT RUN: compute-sanitizer: there is no CUDA device"; exit 0 ;; esac
if ! command -v compute-sanitizer > /dev/null; then
  echo "NOT RUN: compute-sanitizer is not installed"
  exit 0
fi
for check in memcheck racecheck initcheck synccheck; do
  echo "compute-sanitizer $check"
  compute-sanitizer --tool "$check" --error-exitcode 1 $test quick
done
