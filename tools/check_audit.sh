#!/usr/bin/env bash
# check_audit.sh BUILD: runs every command of docs/audit.md, in its order, on two layers of a shipped model. What stands there
# as `make TARGET` has to be a target of `make test`, which runs it.
set -euo pipefail
build=$(realpath "$1")
page=$PWD/docs/audit.md
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PATH="$build:$build/checker:$PATH"

cp models/seed-47.safetensors "$folder/W.safetensors"
log=$folder/log
{
  hallmark gram --model "$folder/W.safetensors" --batches 1 -o "$folder/C.safetensors"
  hallmark quantize --weights "$folder/W.safetensors" --calibration "$folder/C.safetensors" --grid int4 --group-size 32 \
    --include 'blocks.0.(attn.c_q|mlp.fc)' -o "$folder/Q.safetensors"
} > "$log" 2>&1 || { cat "$log"; exit 1; }

ran=0
while IFS= read -r command; do
  case $command in
    make\ *)
      sed -n -E '/^(test|check-checker):/,/^$/{s/ *#.*//;p}' Makefile | grep -q -w -e "${command#make }" || { echo "check_audit: '$command' is no part of make test" >&2; exit 1; } ;;
    *)
      (cd "$folder" && bash -c "$command") > "$log" 2>&1 || { cat "$log"; echo "check_audit: $command" >&2; exit 1; }
      ran=$((ran + 1)) ;;
  esac
done < <(sed -n 's/^    //p' "$page")
[ "$ran" -eq 7 ] || { echo "check_audit: $ran commands of docs/audit.md were run, not 7" >&2; exit 1; }
echo "check_audit: the $ran commands of docs/audit.md do what it says"
