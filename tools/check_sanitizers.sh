#!/usr/bin/env bash
# tools/check_sanitizers.sh: the C++ tests under AddressSanitizer with LeakSanitizer, and UndefinedBehaviorSanitizer.
set -euo pipefail
# shellcheck source=tools/sanitized.sh
. tools/sanitized.sh

mkdir -p "$build"
clang++-14 -std=c++20 -g -O1 -fno-omit-frame-pointer -fopenmp -fsanitize=address tests/asan/leak.cpp -o "$build/leak"
if "$build/leak" > "$build/leak.log" 2>&1 || ! grep -q 'LeakSanitizer: detected memory leaks' "$build/leak.log"; then
  echo "LeakSanitizer does not see the leak of tests/asan/leak.cpp" >&2
  exit 1
fi

sanitized_build
# A kill tests the order of system calls, which no sanitizer sees: a few.
HALLMARK_KILLS=8 ctest --test-dir "$build" --output-on-failure --no-tests=error -j $(($(nproc) + 1)) -LE exhaustive
