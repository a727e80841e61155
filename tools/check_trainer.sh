#!/usr/bin/env bash
# tools/check_trainer.sh BUILD: builds the trainer with the system's LibTorch and BUILD's library, trains the tiny recipe for some
# seconds, as it is and, on the beginnings of ten files, with each switch of the model and of the training, and lets hallmark-train
# assert that the loss fell and that the C++ replay agrees with LibTorch on the checkpoint written. Then what needs more than one run:
# rounding as the exporter rounds, trainings that are killed, the published sizes, and what is refused.
set -euo pipefail
export LC_ALL=C OPENBLAS_NUM_THREADS=1  # products so small that handing them to a second thread takes longer, five times so beside other work
cd "$(dirname "$0")/.."

build=$1
cmake --install "$build" --prefix build-trainer/hallmark > /dev/null
cmake -G Ninja -DCMAKE_BUILD_TYPE=Release -S trainer -B build-trainer -DCMAKE_PREFIX_PATH="$PWD/build-trainer/hallmark"
cmake --build build-trainer --target hallmark-train -j "${JOBS:-$(nproc)}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

pod=/usr/share/perl/5.36.0/pod
mkdir "$folder/text"
for file in $(cd $pod; printf '%s\n' *.pod | head -10); do head -c 6000 "$pod/$file" > "$folder/text/$file"; done

trainer=(build-trainer/hallmark-train --seed 47 --output "$folder/tiny.safetensors")
train() { "${trainer[@]}" "$@"; }
# edit EXPRESSION [STEPS]: the tiny recipe, edited by sed, for a few steps, as $folder/recipe.json
edit() {
  sed -e "$1; s/\"steps\": 120/\"steps\": ${2:-40}/" trainer/recipe-tiny.json > "$folder/recipe.json"
  sed -e "$1" trainer/recipe-tiny.json | cmp -s - trainer/recipe-tiny.json && { echo "no change: $1" >&2; exit 1; }
  echo "tiny recipe $1"
}
check() { edit "$@"; train --recipe "$folder/recipe.json" --text "$folder/text" --check; }
with() { check "s/\"norm_epsilon\"/$1, &/"; }
# training ENTRIES [STEPS] [MEAN]: the tiny recipe with these entries of the training, and another running mean
training() { check "s/\"ema\": 0.95/\"ema\": ${3:-0.95}, $1/" "${2:-40}"; }
# refused NUMBER ARGUMENTS: the trainer refuses, and says so by this number
refused() {
  local number=$1 said
  shift
  said=$(train "$@" 2>&1 > /dev/null) && { echo "not refused: $*" >&2; exit 1; }
  grep -q "error\[$number\]" <<< "$said" || { echo "refused otherwise than by $number: $said" >&2; exit 1; }
}

train --recipe trainer/recipe-tiny.json --check
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

training '"init": "orthogonal"'
training '"order": "coprime"'
training '"order": "curriculum", "curriculum": {"buckets": 4, "floor": 0.02}'
training '"swa": {"every": 5, "below": 0.5}' 40 0

echo 'depth: a network that grows computes what it computed'
training '"depth": [{"share": 0.5, "layers": 1}, {"share": 0.5, "layers": 2}]' 60 | tee "$folder/log"
awk '/^layers 1 to 2: / { seen = ($6 == $8) } END { exit !seen }' <(tr -d , < "$folder/log") || { echo "it does not" >&2; exit 1; }

echo 'late rounding: the figure of the trainer is that of quantize, dequantize and eval'
training '"qat": {"grid": "int4", "below": 0.5}' 60 | tee "$folder/log"
"$build/hallmark" quantize --weights "$folder/tiny.safetensors" --grid int4 --method rtn --include '^blocks\..*weight$' \
  -o "$folder/q.safetensors" > /dev/null
"$build/hallmark" dequantize "$folder/q.safetensors" -o "$folder/d.safetensors" > /dev/null
bytes=$(wc -c < "$(find "$folder/text" -type f | sort | tail -1)")
exported=$("$build/hallmark" eval "$folder/d.safetensors" --text "$folder/text" --eval-bytes "$bytes")
awk -v own="$(grep '^rounded to int4' "$folder/log")" -v tool="$exported" 'BEGIN {
  split(own, a, " "); split(tool, b, " "); printf "trainer %s, exported %s\n", a[5], b[1]
  d = a[5] - b[1]; exit !(a[5] > 0 && d < 1e-4 && d > -1e-4) }'

echo 'killed: the weights are those of an undisturbed run, with everything on that a state has to keep'
edit 's/"ema": 0.95/"ema": 0, "init": "orthogonal", "order": "curriculum", "swa": {"every": 4, "below": 0.5}, "qat": {"grid": "int6", "below": 0.4}, "depth": [{"share": 0.4, "layers": 1}, {"share": 0.6, "layers": 2}]/' 400
run=(--recipe "$folder/recipe.json" --text "$folder/text")
train "${run[@]}" > /dev/null
mv "$folder/tiny.safetensors" "$folder/undisturbed.safetensors"
kills=0 tenths=5
until [ -e "$folder/tiny.safetensors" ]; do
  # The program itself: of a function only the shell around it would be killed.
  "${trainer[@]}" "${run[@]}" --state "$folder/state.safetensors" --state-every 3 --resume >> "$folder/killed.log" 2>&1 &
  for ((i = 0; i < tenths; i++)); do sleep 0.1; kill -0 $! 2> /dev/null || break; done
  if kill -9 $! 2> /dev/null; then kills=$((kills + 1)) tenths=$((tenths + 4)); fi
  wait $! || [ $? -eq 137 ] || { cat "$folder/killed.log" >&2; exit 1; }
  echo >> "$folder/killed.log"  # ends a line that was cut
done
echo "killed $kills times: $(grep 'goes on' "$folder/killed.log" | tr '\n' ' ')"
grep -q 'goes on after step' "$folder/killed.log"
cmp "$folder/tiny.safetensors" "$folder/undisturbed.safetensors"

echo 'refused: states of others, texts and recipes that are wrong'
state=("${run[@]}" --state "$folder/state.safetensors")
refused E0441 "${state[@]}"
refused E0443 "${state[@]}" --resume --threads 2
LC_ALL=C sed -i 's/"hallmark.trainer.state":"1"/"hallmark.trainer.state":"0"/' "$folder/state.safetensors"
refused E0443 "${state[@]}" --resume
refused E0443 "${run[@]}" --state "$folder/tiny.safetensors" --resume
head -c 1000 "$folder/undisturbed.safetensors" > "$folder/cut.safetensors"
refused E0303 "${run[@]}" --state "$folder/cut.safetensors" --resume
sed 's/"ema": 0,/"ema": 0.9,/' "$folder/recipe.json" > "$folder/wrong.json"
refused E0201 --recipe "$folder/wrong.json" --text "$folder/text"
refused E0201 "${run[@]}" --start "$folder/undisturbed.safetensors"  # a network that grows begins with blocks that add nothing
cp -r "$folder/text" "$folder/leak"
cat "$(find "$folder/leak" -type f | sort | tail -1)" >> "$(find "$folder/leak" -type f | sort | head -1)"
refused E0395 --recipe "$folder/recipe.json" --text "$folder/leak"

echo 'the published sizes: 11 layers of 512, begun with tensors by the published names, one step'
perl tests/trainer/published.pl "$folder"
sed -e 's/"window": 2048/"window": 32/; s/"batch": 384/"batch": 1/; s/"steps": 6900/"steps": 1/; s/"warmup": 20, "warmdown": 4000/"warmup": 0, "warmdown": 8/' trainer/recipe-published.json > "$folder/recipe.json"
run=(--recipe "$folder/recipe.json" --text "$folder/shards" --threads 2)
train "${run[@]}" --start "$folder/published.safetensors" --check 2> "$folder/errors" | tee "$folder/log" && exit 1  # one step halves no loss
grep -q 'E0610' "$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
grep -q '^begins with the 136 tensors' "$folder/log"
awk '/ before training, / { moved = $2 - $8 } END { exit !(moved > 1e-4 || moved < -1e-4) }' "$folder/log" || { echo "the step changed nothing" >&2; exit 1; }
refused E0394 "${run[@]}" --start "$folder/undisturbed.safetensors"
sed -i 's/"layers": 11/"layers": 10/; s/"xsa_layers": 11/"xsa_layers": 10/' "$folder/recipe.json"
refused E0394 "${run[@]}" --start "$folder/published.safetensors"
refused E0391 --recipe "$folder/recipe.json" --text "$folder/text"
echo 'PASS: trainer'
