#!/usr/bin/env bash
# tools/check_fuzz.sh SECONDS: each fuzz target for SECONDS; a crash, a leak or an oracle's disagreement fails.
set -euo pipefail
cmake -G Ninja -S . -B build-fuzz -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 \
  -DHALLMARK_TESTS=OFF -DHALLMARK_FUZZ=ON > build-fuzz.log || { cat build-fuzz.log; exit 1; }
rm -f build-fuzz.log
cmake --build build-fuzz -j "$(nproc)" --target fuzzers
targets=0
for target in build-fuzz/tests/fuzz/*_fuzz; do
  name=$(basename "$target")
  corpus="build-fuzz/corpus/$name"
  mkdir -p "$corpus"
  seeds="tests/fuzz/corpus/$name"
  [ -d "$seeds" ] || { echo "no seed corpus $seeds" >&2; exit 1; }
  "$target" -max_total_time="$1" -print_final_stats=1 -rss_limit_mb=2048 "$corpus" "$seeds" 2>&1 | tail -n 12
  targets=$((targets + 1))
done
[ "$targets" -ge 2 ] || { echo "expected at least 2 fuzz targets, found $targets" >&2; exit 1; }
echo "fuzzed $targets targets for $1 s each"
