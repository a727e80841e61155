#!/usr/bin/env bash
# tools/check_fuzz.sh SECONDS: each fuzz target for SECONDS; a crash, a leak, a gigabyte, 20 seconds for one input or an oracle's
# disagreement fails.
set -euo pipefail
# shellcheck source=tools/sanitized.sh
. tools/sanitized.sh
sanitized_build fuzzers
names=() running=()  # side by side: each has its seconds
for target in $build/tests/fuzz/*_fuzz; do
  name=$(basename "$target")
  corpus="$build/corpus/$name"
  mkdir -p "$corpus"
  seeds="tests/fuzz/corpus/$name"
  [ -d "$seeds" ] || { echo "no seed corpus $seeds" >&2; exit 1; }
  "$target" -max_total_time="$1" -print_final_stats=1 -rss_limit_mb=1000 -timeout=20 "$corpus" "$seeds" > "$build/$name.log" 2>&1 &
  names+=("$name") running+=($!)
done
[ "${#names[@]}" -ge 3 ] || { echo "expected at least 3 fuzz targets, found ${#names[@]}" >&2; exit 1; }
failed=0
for i in "${!names[@]}"; do
  wait "${running[$i]}" || { failed=1; echo "fuzz: ${names[$i]} failed" >&2; tail -n 60 "$build/${names[$i]}.log"; }
  tail -n 12 "$build/${names[$i]}.log"
done
[ "$failed" -eq 0 ] || exit 1
echo "fuzzed ${#names[@]} targets for $1 s each"
