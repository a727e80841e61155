#!/usr/bin/env bash
# tools/check_sanitizers.sh: the C++ tests under AddressSanitizer with LeakSanitizer, and UndefinedBehaviorSanitizer. With clang, because
# it compiles them in two thirds of g++'s processor time.
set -euo pipefail
build=build-sanitize
# libomp loses memory of its own. A suppression hides every leak that has the name in any frame, and libomp stands below all that a
# parallel region does; so two frames are kept: what allocated, and who called it.
export ASAN_OPTIONS="malloc_context_size=2 ${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$PWD/tests/asan/leaks_of_others.txt print_suppressions=0 ${LSAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-14

mkdir -p "$build"
clang++-14 -std=c++20 -g -O1 -fno-omit-frame-pointer -fopenmp -fsanitize=address tests/asan/leak.cpp -o "$build/leak"
if "$build/leak" > "$build/leak.log" 2>&1 || ! grep -q 'LeakSanitizer: detected memory leaks' "$build/leak.log"; then
  echo "LeakSanitizer does not see the leak of tests/asan/leak.cpp" >&2
  exit 1
fi

cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DHALLMARK_TESTS=ON \
  -DHALLMARK_SANITIZE=address,undefined -DCMAKE_CXX_FLAGS_RELEASE="-O1 -gline-tables-only"
cmake --build "$build" -j "$(nproc)"
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" -LE exhaustive
