#!/bin/sh
# shares_nothing.sh libhallmark.a: the units for one kind of processor define no symbol that the linker could take for a function of
# another file (weak, unique or common): compiled for AVX-512, it would reach processors that have none.
set -eu
for unit in unit_avx2 unit_avx512; do
  symbols=$(nm --defined-only --format=posix "$1" | awk -v unit="$unit" '/\[.*\]:$/ { inside = index($0, "[" unit ".cpp") > 0; next } inside')
  [ -n "$symbols" ] || { echo "$unit: not in $1"; exit 1; }
  shared=$(echo "$symbols" | awk '$2 ~ /^[WVuC]$/ && $1 !~ /unit[48]/')  # names with the unit in them are its own
  [ -z "$shared" ] || { echo "$unit shares: $shared"; exit 1; }
done
