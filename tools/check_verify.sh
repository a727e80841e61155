#!/usr/bin/env bash
# check_verify.sh BUILD: two layers of a shipped model are quantized, verified by exact arithmetic and by hallmark-check; one
# flipped bit of one code, a pair that is replaced between the two programs, and a checker that is not there, are found. hallmark-check alone then accepts what hallmark makes with every
# scale rule, scale storage and kind of grid.
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

# Another pair, true of itself, takes the names between the two programs.
cp "$folder/q.safetensors" "$folder/r.safetensors"
cp "$folder/q.certificate.json" "$folder/r.certificate.json"
cat > "$folder/beside" << TEXT
#!/bin/sh
"$build/hallmark" quantize --weights "$weights" --method rtn --include 'blocks.0.attn.c_q' -o "$folder/r.safetensors" --overwrite 2> /dev/null
exec "$build/checker/hallmark-check" "\$@"
TEXT
chmod +x "$folder/beside"
HALLMARK_CHECK=$folder/beside quantized=$folder/r.safetensors expect 9 E0902 verify --checker

# hallmark-check alone: OPTIONS WORDS [CODE], words that its line has to have, and its exit code.
accepts() {
  "$build/hallmark" quantize --weights "$weights" --calibration "$calibration" --include 'blocks.0.attn.c_q' $1 \
    -o "$folder/o.safetensors" --overwrite > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }
  local given=(--calibration "$calibration")
  expect "${3:-0}" "$2" check "${given[@]}" --quantized "$folder/o.safetensors" --certificate "$folder/o.certificate.json" --rows 6
}
check() { "$build/checker/hallmark-check" --weights "$weights" "$@" > "$folder/log" 2>&1; }
accepts "--grid gf16 --desc-act" "scales by matrix-max"
accepts "--grid gf16 --scale-rule row-pow2 --group-size 32" "scales by row-pow2"
accepts "--grid bf16" "scales by unit"
accepts "--grid int4 --group-size 64 --scale-storage f16" "scales by absmax"
accepts "--grid int3s --exact --bounds" "not judged, of the certificate: assumptions, bound, clipped, contracts, slack"
accepts "--grid int8z --group-size 32 --scale-storage bf16" "scales by minmax"
accepts "--grid nf4 --no-guard" "no guard"
accepts "--grid int4 --scale-rule sdclip" "scales by sdclip"
accepts "--grid lloyd:3 --scale-rule sdclip --group-size 48 --scale-storage bf16 --rotation hadamard:16" "scales by sdclip, of rotated rows in their basis"
accepts "--grid int6s --method descent --scale-rule sdclip" "with the scales of sdclip"
accepts "--grid int4 --scale-rule sdclip-adaptive --group-size 40" "scales by sdclip-adaptive"
accepts "--grid nf4 --scale-rule sdclip-adaptive --method rtn" "scales by sdclip-adaptive"
accepts "--grid int3s --scale-rule sdclip-adaptive --method greedy" "with the scales of sdclip-adaptive"
accepts "--grid int8 --scale-rule awq-lite --group-size 40" "scales by awq-lite"
accepts "--grid int8s --scale-rule awq-lite --group-size 16 --method descent" "with the scales of awq-lite"
accepts "--grid lloyd:3 --method rtn" "no calibration: nothing is promised of losses"
accepts "--grid int3 --method rtn --scale-rule diag" "scales NOT JUDGED: rule diag is not known, loss at most" 8

# Rotated rows and searched steps, and what of them is not judged.
accepts "--grid int3 --scale-rule search" "scales searched: loss at most that of round-to-nearest with the scales of absmax"
accepts "--grid int3z --group-size 64 --scale-rule search" "with the scales of minmax"
accepts "--grid gf16 --method descent" "with the scales of matrix-max"
accepts "--grid int2 --method best --no-guard" "scales NOT JUDGED: searched from those of absmax, without the guard" 8
accepts "--grid lloyd:4 --rotation hadamard:16 --desc-act" "scales by absmax, of rotated rows in their basis, [0-9]* rotated, beside"
accepts "--grid int4s --group-size 32 --rotation hadamard:16 --rotation-seed 9 --exact" "rotated, beside"
accepts "--grid int3 --method best --rotation hadamard:16" "scales searched: .* rotated, beside"
accepts "--grid int4 --method prune --prune 0.2 --prune-by scale --rotation hadamard:16" "scales searched: .* rotated, beside"
accepts "--grid int3 --scale-rule mse --rotation hadamard:16" "rows NOT JUDGED" 8
quantized=$folder/o.safetensors expect 8 "rows NOT JUDGED" verify --exact --rows 2 --checker

# The last bytes of the file are those of a code: its low byte is the last but one.
at=$(($(stat -c %s "$quantized") - 2))
byte=$(od -An -tu1 -j "$at" -N 1 "$quantized")
printf "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$quantized" bs=1 seek="$at" conv=notrunc status=none
expect 7 "error\[E0712\]" verify --exact --checker
echo "check_verify: a quantized model passes verify --exact --checker, twenty-six others hallmark-check alone; a flipped bit, a replaced pair and a missing checker do not"
