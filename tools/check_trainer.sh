#!/usr/bin/env bash
# tools/check_trainer.sh BUILD: builds the trainer with the system's LibTorch and BUILD's library, trains the tiny recipe for some
# seconds, as it is and, on the beginnings of ten files, with each switch of the model and of the training, and lets hallmark-train
# assert that the loss fell and that the C++ replay agrees with LibTorch on the checkpoint written. Then what needs more than one run:
# entries that change the weights and those that must not, rounding as the exporter rounds, trainings that are killed, the published
# sizes, and what is refused.
set -euo pipefail
export LC_ALL=C OPENBLAS_NUM_THREADS=1  # products so small that handing them to a second thread takes longer, beside other work several times
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
# digest: of the weights that were written last
digest() { LC_ALL=C grep -a -o '"hallmark.weights.sha256":"[0-9a-f]*"' "$folder/tiny.safetensors"; }
# training ENTRIES [STEPS] [MEAN]: the tiny recipe with these entries of the training, and another running mean; they change the weights
training() {
  check "s/\"ema\": 0.95/\"ema\": ${3:-0.95}, $1/" "${2:-40}"
  [ "$(digest)" != "$plain" ] || { echo "it changes nothing: $1" >&2; exit 1; }
}
# idle ENTRIES: they change nothing
idle() {
  edit "s/\"ema\": 0.95/\"ema\": 0.95, $1/"
  train --recipe "$folder/recipe.json" --text "$folder/text" > "$folder/log"
  [ "$(digest)" = "$plain" ] || { echo "it changes the weights: $1" >&2; exit 1; }
}
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

sed 's/"steps": 120/"steps": 40/' trainer/recipe-tiny.json > "$folder/recipe.json"
train --recipe "$folder/recipe.json" --text "$folder/text" > /dev/null
plain=$(digest)
training '"init": "orthogonal"'
training '"order": "coprime"'
training '"order": "curriculum", "curriculum": {"buckets": 4, "floor": 0.02}'
training '"swa": {"every": 5, "below": 0.5}' 40 0

echo 'hard batches: a replay of none is none, and one at no rate finds the loss that was kept'
idle '"hard": {"every": 8, "keep": 0}'
training '"hard": {"every": 8, "keep": 2}'
edit 's/"rate": 0.02/"rate": 1e-12/; s/_rate": 0.01/_rate": 1e-12/g; s/"ema": 0.95/"ema": 0.95, "hard": {"every": 6, "keep": 3}/' 20
train --recipe "$folder/recipe.json" --text "$folder/text" | tee "$folder/log"
awk '/ trains again / { d = $9 - $12; if (d > 1e-6 || d < -1e-6) exit 1; ++seen } END { exit seen != 2 }' "$folder/log" ||
  { echo "it does not" >&2; exit 1; }

echo 'Kombucha: weight 0 is none, and the weight that balances the gradients brings weights nearer to their codes'
idle '"kombucha": {"grid": "int6", "weight": 0, "share": 0.5}'
far=$(awk '/^distance to int6 codes: / { print $NF }' "$folder/log")
balance=$(awk '/^kombucha from / { print $NF }' "$folder/log")
training "\"kombucha\": {\"grid\": \"int6\", \"weight\": $balance, \"share\": 0.5}" | tee "$folder/log"
awk -v far="$far" '/^distance to int6 codes: / { seen = $NF < 0.5 * far } END { exit !seen }' "$folder/log" ||
  { echo "no nearer than $far" >&2; exit 1; }

echo 'weight decay: codes at a step of 1/32, whatever the row, take fewer bits'
awk 'BEGIN { for (k = -32; k < 32; ++k) print k / 32 }' > "$folder/points"
entropy() {
  edit "s/\"decay\": 0.01}/\"decay\": $1}/"
  train --recipe "$folder/recipe.json" --text "$folder/text" > /dev/null
  "$build/hallmark" quantize --weights "$folder/tiny.safetensors" --grid "table:$folder/points" --scale-rule unit --method rtn \
    --include '^blocks\..*weight$' --overwrite -o "$folder/q.safetensors" > /dev/null
  bits=$("$build/hallmark" inspect --json "$folder/q.safetensors" | grep -o '"entropy":[0-9.]*' | tail -1 | cut -d : -f 2)
}
entropy 0.02
usual=$bits
entropy 4
echo "$usual bits, $bits by a larger decay"
awk -v usual="$usual" -v larger="$bits" 'BEGIN { exit !(larger > 0 && larger < usual - 0.5) }' || { echo "they do not" >&2; exit 1; }

echo 'depth: a network that grows computes what it computed'
training '"depth": [{"share": 0.5, "layers": 1}, {"share": 0.5, "layers": 2}]' 60 | tee "$folder/log"
awk '/^layers 1 to 2: / { seen = ($6 == $8) } END { exit !seen }' <(tr -d , < "$folder/log") || { echo "it does not" >&2; exit 1; }

echo 'late rounding: the figure of the trainer is that of quantize, dequantize and eval'
training '"qat": {"grid": "int4", "below": 0.5}' 60 | tee "$folder/log"
"$build/hallmark" quantize --weights "$folder/tiny.safetensors" --grid int4 --method rtn --include '^blocks\..*weight$' \
  --overwrite -o "$folder/q.safetensors" > /dev/null
"$build/hallmark" dequantize "$folder/q.safetensors" -o "$folder/d.safetensors" > /dev/null
bytes=$(wc -c < "$(find "$folder/text" -type f | sort | tail -1)")
exported=$("$build/hallmark" eval "$folder/d.safetensors" --text "$folder/text" --eval-bytes "$bytes")
awk -v own="$(grep '^rounded to int4' "$folder/log")" -v tool="$exported" 'BEGIN {
  split(own, a, " "); split(tool, b, " "); printf "trainer %s, exported %s\n", a[5], b[1]
  d = a[5] - b[1]; exit !(a[5] > 0 && d < 1e-4 && d > -1e-4) }'

echo 'the study of trainings: every arm, small'
sed -e 's/"dim": 128/"dim": 32/; s/"head_dim": 32/"head_dim": 8/; s/"mlp_hidden": 256/"mlp_hidden": 64/; s/6144, "bigram_dim": 64/512, "bigram_dim": 16/' \
  -e 's/"batch": 8, "steps": 1000, "warmup": 20, "warmdown": 600/"batch": 2, "steps": 40, "warmup": 2, "warmdown": 24/' \
  -e 's/"every": 100, "keep": 10/"every": 10, "keep": 2/; s/"every": 20/"every": 2/' trainer/recipe-study.json > "$folder/study.json"
mkdir "$folder/more"  # as much text as 40 batches are drawn from
for file in $(cd $pod; printf '%s\n' *.pod | head -10); do head -c 30000 "$pod/$file" > "$folder/more/$file"; done
study=(python3 tools/train_study.py build-trainer/hallmark-train "$folder/arms" --recipe "$folder/study.json" --text "$folder/more" --seeds 47)
"${study[@]}" > "$folder/log" || { cat "$folder/log" "$folder"/arms/*/*.log >&2; exit 1; }
[ "$(grep -c ': trained$' "$folder/log")" -eq 10 ]
"${study[@]}" | grep -c ': is there$' | grep -qx 10
OPENBLAS_NUM_THREADS=2 "$build/hallmark" study training --models "$folder/arms" --text "$folder/more" --seeds 47 --eval-bytes 1024 \
  --output "$folder/study.jsonl"
[ "$(grep -o -E '"checkpoint":[0-9.]+' "$folder/study.jsonl" | sort -u | wc -l)" -eq 10 ] || { echo 'arms have one checkpoint' >&2; exit 1; }
"$build/hallmark" study training --report --output "$folder/study.jsonl"

echo 'killed: the weights are those of an undisturbed run, with everything on that a state has to keep'
edit 's/"ema": 0.95/"ema": 0, "init": "orthogonal", "order": "curriculum", "hard": {"every": 12, "keep": 4}, "kombucha": {"grid": "int6", "weight": 1, "share": 0.6}, "swa": {"every": 4, "below": 0.5}, "qat": {"grid": "int6", "below": 0.4}, "depth": [{"share": 0.4, "layers": 1}, {"share": 0.6, "layers": 2}]/' 400
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
cp "$folder/state.safetensors" "$folder/hard.safetensors"
LC_ALL=C sed -i 's/"hard":"\[\]"/"hard":"[1"/' "$folder/hard.safetensors"
cmp -s "$folder/state.safetensors" "$folder/hard.safetensors" && { echo 'the state keeps no hard batches' >&2; exit 1; }
refused E0443 "${run[@]}" --state "$folder/hard.safetensors" --resume
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
run=(--recipe "$folder/recipe.json" --text "$folder/shards" --pieces "$folder/tokens.model" --threads 2)
train "${run[@]}" --start "$folder/published.safetensors" --check 2> "$folder/errors" | tee "$folder/log" && exit 1  # one step halves no loss
grep -q 'E0610' "$folder/errors" || { cat "$folder/errors" >&2; exit 1; }
grep -q '^begins with the 136 tensors' "$folder/log"
awk '/ before training, / { moved = $2 - $8 } END { exit !(moved > 1e-4 || moved < -1e-4) }' "$folder/log" || { echo "the step changed nothing" >&2; exit 1; }
evaluated=$("$build/hallmark" eval "$folder/tiny.safetensors" --shard "$folder/shards/fineweb_val_000000.bin" --pieces "$folder/tokens.model")
awk -v own="$(grep ' by the pieces ' "$folder/log")" -v tool="$evaluated" 'BEGIN {
  split(own, a, " "); split(tool, b, " "); printf "by the pieces: trainer %s, eval %s\n", a[2], b[1]
  d = a[2] - b[1]; exit !(a[2] > 0 && d < 1e-4 && d > -1e-4) }'
refused E0394 "${run[@]}" --start "$folder/undisturbed.safetensors"
refused E0349 --recipe "$folder/recipe.json" --text "$folder/shards" --pieces "$folder/recipe.json"
refused E0201 --recipe trainer/recipe-tiny.json --pieces "$folder/tokens.model"
sed -i 's/"layers": 11/"layers": 10/; s/"xsa_layers": 11/"xsa_layers": 10/' "$folder/recipe.json"
refused E0394 "${run[@]}" --start "$folder/published.safetensors"
refused E0391 --recipe "$folder/recipe.json" --text "$folder/text"
echo 'PASS: trainer'
