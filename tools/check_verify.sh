#!/usr/bin/env bash
# check_verify.sh BUILD: two layers of a shipped model are quantized, verified by exact arithmetic and by hallmark-check; one
# flipped bit of one code, and a checker that is not there, are found.
set -euo pipefail
build=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
weights=models/seed-47.safetensors calibration=$folder/c.safetensors quantized=$folder/q.safetensors
verify() { "$build/hallmark" verify "$quantized" --weights "$weights" --calibration "$calibration" "$@" > "$folder/log" 2>&1; }
expect() { # CODE WORDS COMMAND...
  local code=0
  "${@:3}" || code=$?
  if [ "$code" != "$1" ] || ! grep -q "$2" "$folder/log"; then
    cat "$folder/log"
    echo "check_verify: exit code $code where $1 and '$2' were expected: ${*:3}" >&2
    exit 1
  fi
}

"$build/hallmark" gram --model "$weights" --batches 1 -o "$calibration" 2> "$folder/log" || { cat "$folder/log"; exit 1; }
"$build/hallmark" quantize --weights "$weights" --calibration "$calibration" --include 'blocks.0.(attn.c_q|mlp.fc)' \
  -o "$quantized" 2> "$folder/log" || { cat "$folder/log"; exit 1; }
expect 0 "hallmark-check: accepted 2 of 2 matrices" verify --exact --checker
HALLMARK_CHECK=$folder/none expect 13 E1304 verify --checker

# The last bytes of the file are those of a code: its low byte is the last but one.
at=$(($(stat -c %s "$quantized") - 2))
byte=$(od -An -tu1 -j "$at" -N 1 "$quantized")
printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$quantized" bs=1 seek="$at" conv=notrunc status=none
expect 7 "error\[E0712\]" verify --exact --checker
echo "check_verify: a quantized model passes verify --exact --checker; a flipped bit and a missing checker do not"
