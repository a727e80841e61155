#!/usr/bin/env bash
# tools/check_fuzz.sh SECONDS: each fuzz target for SECONDS; a crash, a leak, a gigabyte, 20 seconds for one input or an oracle's
# disagreement fails.
set -euo pipefail
# Leaks of libomp: tools/check_sanitizers.sh says why two frames.
export ASAN_OPTIONS="malloc_context_size=2 ${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$PWD/tests/asan/leaks_of_others.txt print_suppressions=0 ${LSAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-14
# Every file of the library is compiled alone here, so that each includes what it needs, but for the precompiled headers.
cmake -G Ninja -S . -B build-fuzz -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DHALLMARK_TESTS=OFF -DHALLMARK_FUZZ=ON -DHALLMARK_UNITY=OFF \
  -DHALLMARK_SANITIZE=fuzzer-no-link,address,undefined -DCMAKE_CXX_FLAGS_RELEASE="-O1 -gline-tables-only" > build-fuzz.log \
  || { cat build-fuzz.log; exit 1; }
rm -f build-fuzz.log
cmake --build build-fuzz -j "$(nproc)" --target fuzzers
names=() running=()  # side by side: each has its seconds
for target in build-fuzz/tests/fuzz/*_fuzz; do
  name=$(basename "$target")
  corpus="build-fuzz/corpus/$name"
  mkdir -p "$corpus"
  seeds="tests/fuzz/corpus/$name"
  [ -d "$seeds" ] || { echo "no seed corpus $seeds" >&2; exit 1; }
  "$target" -max_total_time="$1" -print_final_stats=1 -rss_limit_mb=1000 -timeout=20 "$corpus" "$seeds" > "build-fuzz/$name.log" 2>&1 &
  names+=("$name") running+=($!)
done
[ "${#names[@]}" -ge 3 ] || { echo "expected at least 3 fuzz targets, found ${#names[@]}" >&2; exit 1; }
failed=0
for i in "${!names[@]}"; do
  wait "${running[$i]}" || { failed=1; echo "fuzz: ${names[$i]} failed" >&2; tail -n 60 "build-fuzz/${names[$i]}.log"; }
  tail -n 12 "build-fuzz/${names[$i]}.log"
done
[ "$failed" -eq 0 ] || exit 1
echo "fuzzed ${#names[@]} targets for $1 s each"
