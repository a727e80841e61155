#!/usr/bin/env bash
# tools/check_fuzz.sh SECONDS [RECORD [TARGET..]]: each fuzz target, or those named, for SECONDS, side by side; a crash, a leak, a
# gigabyte, 20 seconds for one input or an oracle's disagreement fails. RECORD gets a line for each: day, commit, target, processor time,
# runs and edges; then the sums of all of its lines are printed.
set -euo pipefail
# shellcheck source=tools/sanitized.sh
. tools/sanitized.sh
seconds=$1 record=${2:-}
shift $(($# < 2 ? $# : 2))
sanitized_build fuzzers
[ $# -gt 0 ] || { set -- "$build"/tests/fuzz/*_fuzz; [ $# -ge 3 ] || { echo "expected at least 3 fuzz targets, found $#" >&2; exit 1; }; }
fuzz() {  # NAME: what it prints, and last its processor time
  local corpus=$build/corpus/$1 seeds=tests/fuzz/corpus/$1 TIMEFORMAT='%U %S'
  [ -d "$seeds" ] || { echo "no seed corpus $seeds" >&2; return 1; }
  mkdir -p "$corpus"
  time "$build/tests/fuzz/$1" -max_total_time="$seconds" -print_final_stats=1 -rss_limit_mb=1000 -timeout=20 "$corpus" "$seeds"
}
names=("${@##*/}") running=()
for name in "${names[@]}"; do
  fuzz "$name" > "$build/$name.log" 2>&1 &
  running+=($!)
done
failed=0
for i in "${!names[@]}"; do
  name=${names[$i]} log=$build/${names[$i]}.log
  wait "${running[$i]}" || { failed=1; echo "fuzz: $name failed" >&2; tail -n 60 "$log"; continue; }
  tail -n 12 "$log"
  [ -z "$record" ] || printf '%s  %s  %-16s  %6.0f s  %9d runs  %6d edges\n' \
    "$(date -u +%F)" "$(git describe --always --dirty --abbrev=8)" "$name" "$(tail -n 1 "$log" | awk '{print $1 + $2}')" \
    "$(sed -n 's/^stat::number_of_executed_units: //p' "$log")" "$(sed -n -E 's/.*DONE +cov: ([0-9]+).*/\1/p' "$log")" >> "$record"
done
[ "$failed" -eq 0 ] || exit 1
echo "fuzzed ${#names[@]} targets for $seconds s each"
[ -z "$record" ] || awk '{seconds[$3] += $4; runs[$3] += $6}
  END {for (name in runs) print name ": " seconds[name] " s of a processor, " runs[name] " runs in all"}' "$record"
