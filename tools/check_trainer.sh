#!/usr/bin/env bash
# tools/check_trainer.sh BUILD: builds the trainer with the system's LibTorch and BUILD's library, trains the tiny recipe for some
# seconds, as it is and, on the beginnings of ten files, with each switch of the model, and lets hallmark-train assert that the loss
# fell and that the C++ replay agrees with LibTorch on the checkpoint written.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --install "$1" --prefix build-trainer/hallmark > /dev/null
cmake -G Ninja -DCMAKE_BUILD_TYPE=Release -S trainer -B build-trainer -DCMAKE_PREFIX_PATH="$PWD/build-trainer/hallmark"
cmake --build build-trainer --target hallmark-train -j "${JOBS:-$(nproc)}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

pod=/usr/share/perl/5.36.0/pod
mkdir "$folder/text"
for file in $(cd $pod; printf '%s\n' *.pod | head -10); do head -c 6000 "$pod/$file" > "$folder/text/$file"; done

train() { build-trainer/hallmark-train --seed 47 --output "$folder/tiny.safetensors" --check "$@"; }
# check EXPRESSION [STEPS]: the tiny recipe, edited by sed, for a few steps
check() {
  sed -e "$1; s/\"steps\": 120/\"steps\": ${2:-40}/" trainer/recipe-tiny.json > "$folder/recipe.json"
  sed -e "$1" trainer/recipe-tiny.json | cmp -s - trainer/recipe-tiny.json && { echo "no change: $1" >&2; exit 1; }
  echo "tiny recipe $1"
  train --recipe "$folder/recipe.json" --text "$folder/text"
}
with() { check "s/\"norm_epsilon\"/$1, &/"; }

train --recipe trainer/recipe-tiny.json
check 's/"bigram_buckets": 512, "bigram_dim": 16/"bigram_buckets": 0, "bigram_dim": 0/'
check 's/"bigram_buckets": 512, "bigram_dim": 16/"bigram_buckets": 300, "bigram_dim": 12/'
with '"leaky_slope": 0.5'
with '"rope_dims": 4'
with '"ln_scale": true'
with '"smear_gate": true'
with '"skip_gates": true'
with '"untied_head": true'
with '"xsa_layers": 1'
with '"xsa_layers": 2'
# The value embedding begins without effect and gains it slowly.
check "s/\"norm_epsilon\"/\"value_dim\": 16, \"value_layers\": 1, &/" 300
with '"leaky_slope": 0.5, "rope_dims": 4, "ln_scale": true, "smear_gate": true, "skip_gates": true, "untied_head": true, "xsa_layers": 2, "value_dim": 8, "value_layers": 2'
