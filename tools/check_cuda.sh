#!/usr/bin/env bash
# tools/check_cuda.sh: compiles the CUDA library and its tests with nvcc, and runs them where there is a GPU.
# Prints NOT BUILT or NOT RUN with the reason otherwise; CI counts such lines.
set -euo pipefail
if ! command -v nvcc > /dev/null; then
  echo "NOT BUILT: CUDA library: nvcc is not installed"
  exit 0
fi
tools/deps.sh build
cmake -G Ninja -S . -B build-cuda -DCMAKE_BUILD_TYPE=Release -DHALLMARK_TESTS=OFF -DHALLMARK_CUDA=ON > build-cuda.log ||
  { cat build-cuda.log; exit 1; }
rm -f build-cuda.log
cmake --build build-cuda -j "$(nproc)" --target codec_cuda_test
build-cuda/src/cuda/codec_cuda_test
