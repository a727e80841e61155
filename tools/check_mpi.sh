#!/usr/bin/env bash
# tools/check_mpi.sh [KILLS]: builds the tool for several processes and runs it with local ranks: files, findings and lines are those of one
# process, ranks that see other things are named, and a rank of quantize, gram or league that is killed ends the run and loses nothing that was kept.
set -euo pipefail
kills=${1:-10}
build=build-mpi
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DHALLMARK_TESTS=OFF -DHALLMARK_MPI=ON > "$build.log" 2>&1 \
  || { cat "$build.log"; rm -f "$build.log"; exit 1; }
rm -f "$build.log"
cmake --build "$build" -j "$(nproc)" --target hallmark_tool
tool=$PWD/$build/hallmark
# More ranks than processors, as root where a container has no other user, and without a system call that containers forbid.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
# mpirun kills after a second what it has asked to end. On a crowded machine a rank once left its temporary file so; why it took longer is not known.
export OMPI_MCA_odls_base_sigkill_timeout=3
run="mpirun --oversubscribe --bind-to none"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() { echo "check-mpi: $*" >&2; exit 1; }
quietly() { "$@" 2> said || { cat said; fail "failed: $*"; }; }
refused() {  # NUMBER WORDS COMMAND: ends with this error and says these words
  if "${@:3}" > said 2>&1; then fail "not refused: ${*:3}"; fi
  grep -q "error\[$1\]" said && grep -q -- "$2" said || { cat said; fail "expected $1 with '$2': ${*:3}"; }
}

# Matrices of different sizes, with noise from a seed.
safetensors() {  # FILE SEED SUFFIX ROWS: NAME.SUFFIX of ROWS rows, or of each matrix's own
  perl -e 'my ($file, $seed, $suffix, $rows) = @ARGV; srand $seed; my ($head, $data, $end) = ("", "", 0);
    for my $k (0 .. 11) {
      my ($r, $c) = ($rows || 40 + 8 * ($k % 5), 64 * (1 + $k * 7 % 5));
      my $bytes = pack "f<*", map { rand() - .5 } 1 .. $r * $c;
      $head .= sprintf q(%s"l%02d%s":{"dtype":"F32","shape":[%d,%d],"data_offsets":[%d,%d]}),
        $k ? "," : "", $k, $suffix, $r, $c, $end, $end + length $bytes;
      $data .= $bytes; $end += length $bytes; }
    $head = "{$head}"; $head .= " " while length($head) % 8;
    open my $out, ">:raw", $file or die; print $out pack("Q<", length $head), $head, $data;' "$@"
}
safetensors w 1 "" 0
safetensors other 2 "" 0
safetensors c 3 .activations 400

quantize=(quantize --calibration c --grid int4 --method descent --bounds --holdout 0.25 --quiet)
quietly "$tool" "${quantize[@]}" --weights w -o one.safetensors --report one.jsonl --threads 1
digests() { sha256sum < "$1.safetensors"; sha256sum < "$1.certificate.json"; sha256sum < "$1.jsonl"; }
one=$(digests one)
for ranks in 1 2 3 4; do
  for threads in 1 2; do
    start=$(date +%s%N)
    quietly $run -n $ranks "$tool" "${quantize[@]}" --weights w -o q.safetensors --report q.jsonl --threads $threads --overwrite
    usual=$((($(date +%s%N) - start) / 1000000))
    [ "$(digests q)" = "$one" ] || fail "$ranks ranks with $threads threads write other bytes than one process"
  done
done
echo "1, 2, 3 and 4 ranks with 1 and 2 threads: container, certificate and report have the bytes of one process"
quietly $run -n 3 "$tool" "${quantize[@]}" --weights w -o several.safetensors.index.json --max-shard-size 100000 --threads 1
quietly "$tool" "${quantize[@]}" --weights w -o alone.safetensors.index.json --max-shard-size 100000 --threads 1
cat several-*-of-*.safetensors | cmp - <(cat alone-*-of-*.safetensors) || fail "shards of 3 ranks differ from those of one process"

for how in "" "--exact --rows 4" "--reproduce"; do
  # shellcheck disable=SC2086
  "$tool" verify one.safetensors --weights w --calibration c $how > alone
  for ranks in 2 3; do
    # shellcheck disable=SC2086
    $run -n $ranks "$tool" verify one.safetensors --weights w --calibration c --threads 1 $how > found
    cmp alone found || fail "verify $how finds something else by $ranks ranks"
  done
done
# One byte of a code: what differs is told as one process tells it.
cp one.safetensors bad.safetensors; cp one.certificate.json bad.certificate.json
printf '\x11' | dd of=bad.safetensors bs=1 seek=$(($(stat -c %s bad.safetensors) - 3000)) conv=notrunc status=none
"$tool" verify bad.safetensors --weights w --calibration c > alone 2> alone.said && fail "a changed code was not seen"
$run -n 3 "$tool" verify bad.safetensors --weights w --calibration c > found 2> said && fail "3 ranks do not see a changed code"
cmp alone found && grep -qF "$(grep 'error\[' alone.said)" said || fail "3 ranks tell of a changed code in other words"
echo "verify by 2 and 3 ranks finds what one process finds"

# A weight with more than two chunks of tokens, in two files, beside one with a few.
perl -e 'srand 5; for my $part (["t0", 500000], ["t1", 300000]) {
    my ($file, $tokens) = @$part; my $bytes = pack "f<*", map { rand() - .5 } 1 .. 3 * $tokens + 20;
    my $head = sprintf q({"a.activations":{"dtype":"F32","shape":[%d,3],"data_offsets":[0,%d]},"b.activations":{"dtype":"F32","shape":[5,4],"data_offsets":[%d,%d]}}),
      $tokens, 12 * $tokens, 12 * $tokens, 12 * $tokens + 80;
    $head .= " " while length($head) % 8;
    open my $out, ">:raw", $file or die; print $out pack("Q<", length $head), $head, $bytes; }'
quietly "$tool" gram --activations t0 t1 -o g.one
for ranks in 1 2 3; do
  quietly $run -n $ranks "$tool" gram --activations t0 t1 --overwrite -o g.several
  cmp g.one g.several || fail "gram by $ranks ranks writes other bytes than one process"
done
# A state of three ranks is gone on with by two; the sum of all chunks but the last stays when that of all is gone.
quietly $run -n 3 "$tool" gram --activations t0 t1 --overwrite -o g.several --state sums
cmp g.one g.several || fail "gram by 3 ranks with a state writes other bytes than one process"
grep -q '3 ranks; sums that wait for their turn take at most 1 MB' said || { cat said; fail "gram does not say what waits"; }
rm "sums/$(printf a | sha256sum | cut -c 1-64).record"
refused E0441 sums $run -n 2 "$tool" gram --activations t0 t1 --overwrite -o g.several --state sums
exec 9< sums/state
flock -n 9
refused E0442 sums/state $run -n 2 "$tool" gram --activations t0 t1 --overwrite -o g.several --state sums --resume
exec 9<&-
quietly $run -n 2 "$tool" gram --activations t0 t1 --overwrite -o g.several --state sums --resume
grep -q 'a: 3 of 4 chunks taken from sums' said || { cat said; fail "2 ranks do not go on with the sum of 3"; }
cmp g.one g.several || fail "gram that 2 ranks went on with writes other bytes than one process"
refused E0205 "this way of gram" $run -n 2 "$tool" gram --merge g.one -o x.safetensors
echo "gram by 1, 2 and 3 ranks, four chunks of one weight, with and without a state: the bytes of one process"

# A checkpoint of two small layers, another, and ten files of text.
mkdir models others text
perl -e 'for my $folder ("models", "others") {
    srand($folder eq "models" ? 8 : 9); my ($head, $data) = ("", "");
    my $add = sub { my ($name, @shape) = @_; my $count = 1; $count *= $_ for @shape; my $first = length $data;
      $data .= pack "f<*", map { @shape > 1 ? .8 * rand() - .4 : 1 + .1 * rand() } 1 .. $count;
      $head .= sprintf q(,"%s":{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}), $name, join(",", @shape), $first, length $data };
    $add->("tok_emb.weight", 256, 16); $add->("bigram.table.weight", 32, 8); $add->("bigram.proj.weight", 16, 8); $add->("bigram.scale", 1);
    for my $block ("blocks.0", "blocks.1") {
      $add->("$block.attn.$_", 8, 16) for "c_k.weight", "c_v.weight"; $add->("$block.attn.$_", 16, 16) for "c_q.weight", "proj.weight";
      $add->("$block.attn.q_gain", 2); $add->("$block.mlp.fc.weight", 24, 16); $add->("$block.mlp.proj.weight", 16, 24);
      $add->("$block.$_", 16) for "attn_scale", "mlp_scale", "resid_mix_x", "resid_mix_x0"; }
    $add->("skip_w.0", 16);
    my $config = q({\"bigram_buckets\":32,\"bigram_dim\":8,\"dim\":16,\"head_dim\":8,\"heads\":2,\"kv_heads\":1,\"layers\":2,) .
      q(\"logit_softcap\":30,\"mlp_hidden\":24,\"norm_epsilon\":1e-7,\"rope_base\":10000,\"vocab\":256,\"window\":256});
    $head = qq({"__metadata__":{"hallmark.seed":"47","hallmark.config":"$config"}$head}); $head .= " " while length($head) % 8;
    open my $out, ">:raw", "$folder/seed-47.safetensors" or die; print $out pack("Q<", length $head), $head, $data; }
  srand 10;
  for my $k (0 .. 9) { open my $out, ">", "text/$k.txt" or die; print $out join("", map { chr(97 + int(26 * rand() ** 2)) } 1 .. 24000), "\n" }'
# Lines without what no two runs have alike.
lines() { sed -E 's/"(prev|run|timestamp)":"[^"]*"//g; s/"seconds":[^,]*//' "$1"; }
league=(league --seeds 47 --bits 4 --text text --threads 1)
few=("${league[@]}" --eval-bytes 1024 --entries '^(rtn|gptq)$')
quietly "$tool" "${few[@]}" -o few.one.jsonl
[ "$(wc -l < few.one.jsonl)" -eq 2 ] || fail "the league has other lines than its two entries"
for ranks in 1 2 3; do
  quietly $run -n $ranks "$tool" "${few[@]}" -o "few.$ranks.jsonl"
  cmp <(lines few.one.jsonl) <(lines "few.$ranks.jsonl") || fail "league by $ranks ranks has other lines than one process"
done
sed 1q few.one.jsonl > begun.jsonl
quietly $run -n 2 "$tool" "${few[@]}" -o begun.jsonl --resume
cmp <(lines few.one.jsonl) <(lines begun.jsonl) || fail "league that 2 ranks went on with has other lines than one process"
[ "$(grep -o '"run":"[^"]*"' begun.jsonl | sort -u | wc -l)" -eq 1 ] || fail "league that 2 ranks went on with has become two runs"
# Three ranks with a state, of which one is killed when the first lines are kept; two go on with what it holds.
all=("${league[@]}" --eval-bytes 24000 --entries '^gptq.*[^c]$')  # but for asymmetric ones, which take long
quietly "$tool" "${all[@]}" -o all.one.jsonl
$run -n 3 "$tool" "${all[@]}" -o all.jsonl --state lines > said 2>&1 &
mpirun=$!
kept_lines() { echo $(($(find lines -name '*.record' 2> /dev/null | wc -l) - 1)); }  # the id of the run is no line
while kill -0 $mpirun 2> /dev/null && [ "$(kept_lines)" -lt 3 ]; do sleep 0.01; done
mapfile -t pids < <(pgrep -P $mpirun -x hallmark)
[ ${#pids[@]} -eq 3 ] || { cat said; fail "there are no three ranks of league to kill one of"; }
kill -9 "${pids[RANDOM % 3]}"
wait $mpirun && fail "league ends well without one of its ranks"
grep -q 'process rank [0-2] with' said || { cat said; fail "nobody named the rank of league that was killed"; }
[ ! -e all.jsonl ] || fail "league has appended a part of a run with a state"
before=$(kept_lines)
quietly $run -n 2 "$tool" "${all[@]}" -o all.jsonl --state lines --resume
grep -q "state lines: $before of $(wc -l < all.one.jsonl) taken, 0 not taken" said || { cat said; fail "league does not take what was kept"; }
cmp <(lines all.one.jsonl) <(lines all.jsonl) || fail "league that went on after a kill has other lines than one process"
echo "league by 1, 2 and 3 ranks, with and without a state: the lines of one process, of which $before were kept when a rank was killed"

cat > unlike <<'SCRIPT'
#!/bin/sh
# Rank 1 gets other words: unlike TOOL FLAG VALUE WORDS...
tool=$1 flag=$2 value=$3
shift 3
[ "$OMPI_COMM_WORLD_RANK" = 1 ] && exec "$tool" "$@" "$flag" "$value"
[ "$flag" = --weights ] && exec "$tool" "$@" --weights w
exec "$tool" "$@"
SCRIPT
chmod +x unlike
refused E0450 "rank 1: the weights' SHA-256 is" $run -n 3 ./unlike "$tool" --weights other "${quantize[@]}" -o x.safetensors
refused E0450 "rank 1: the plan" $run -n 3 ./unlike "$tool" --damp-fraction 0.02 "${quantize[@]}" --weights w -o x.safetensors
refused E0450 "rank 1: the activations' SHA-256 is" $run -n 2 ./unlike "$tool" --activations t0 gram --activations t1 -o x.safetensors
refused E0450 "rank 1: seed-47.safetensors is" $run -n 2 ./unlike "$tool" --models others "${few[@]}" -o x.jsonl
refused E0450 "rank 1: the contracts is off" $run -n 2 ./unlike "$tool" --contracts off "${few[@]}" -o x.jsonl
refused E0901 "rank 1: " $run -n 3 ./unlike "$tool" --weights missing "${quantize[@]}" -o x.safetensors
refused E0205 "2 ranks" $run -n 2 "$tool" version
compgen -G 'x*' > /dev/null && fail "a refused run has left an output"
compgen -G '.hallmark-*' > /dev/null && fail "a refused run has left a temporary file"
echo "ranks with other files or options, and commands that are one process, are refused"

# Runs with a state, of which one rank is killed at a random moment; when one comes to its end a new one begins.
records() { mkdir -p state && ls state | grep -c record || true; }
slowest=0
kill_ranks() {  # NAME WHOLE USUAL SAME KEPT COMMAND...: q.safetensors is WHOLE or missing; SAME judges the outputs of a run that
  # came to its end after USUAL milliseconds, KEPT prints how much the state has, or had when the run began
  local name=$1 whole=$2 usual=$3 same=$4 kept=$5 killed=0 finished=0 before=0 mpirun start moment code took now pids
  shift 5
  RANDOM=15
  rm -rf state
  while [ $killed -lt "$kills" ]; do
    rm -f q.* .hallmark-*
    $run -n 3 "$tool" "$@" -o q.safetensors --state state --resume > said 2>&1 &
    mpirun=$!
    # Not while MPI starts: mpirun 4.1.4 was seen to name a rank that was killed then, to end the others, and to hang.
    while kill -0 $mpirun 2> /dev/null && ! compgen -G '.hallmark-*' > /dev/null; do sleep 0.01; done
    sleep "$(printf '%d.%03d' $((moment = RANDOM % usual / 4, moment / 1000)) $((moment % 1000)))"
    mapfile -t pids < <(pgrep -P $mpirun -x hallmark)
    if [ ${#pids[@]} -eq 3 ] && kill -9 "${pids[$((RANDOM % 3))]}" 2> /dev/null; then
      start=$(date +%s%N)
      code=0
      wait $mpirun || code=$?
      took=$((($(date +%s%N) - start) / 1000000))
      [ $took -le 10000 ] || fail "the run of $name ended $took ms after a rank was killed"
      [ $took -le $slowest ] || slowest=$took
      if [ $code -ne 0 ]; then
        killed=$((killed + 1))
        grep -q 'process rank [0-2] with' said || { cat said; fail "nobody named the rank that was killed"; }
        grep -q 'process rank 0 with' said || ! compgen -G '.hallmark-*' > /dev/null || fail "a temporary file is left"
        [ ! -e q.safetensors ] || cmp q.safetensors "$whole" || fail "the output of $name is half-written"
        now=$($kept)
        [ "${now:-$before}" -ge "$before" ] || fail "$name: something that was kept is gone, $now after $before"
        before=${now:-$before}
        continue
      fi
    else
      wait $mpirun || { cat said; fail "a run of $name that nobody killed failed"; }
    fi
    $same || fail "$name: a run that went on after kills wrote other bytes"
    finished=$((finished + 1))
    before=0
    rm -rf state
  done
  rm -f q.* .hallmark-*
  quietly $run -n 2 "$tool" "$@" -o q.safetensors --state state --resume
  $same || fail "$name: the last run wrote other bytes"
  echo "$name: $killed ranks killed, $((finished + 1)) runs brought to their end with the bytes of one process"
}
same_quantized() { [ "$(digests q)" = "$one" ]; }
kill_ranks quantize one.safetensors "$usual" same_quantized records "${quantize[@]}" --weights w --report q.jsonl --threads 1
# Seven chunks of noise here and there in a file of zeros.
perl -e 'srand 6; my ($tokens, $cols) = (1600000, 24); my $bytes = 4 * $tokens * $cols;
    my $head = sprintf q({"z.activations":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]}}), $tokens, $cols, $bytes;
    $head .= " " while length($head) % 8;
    open my $out, ">:raw", "z" or die; print $out pack("Q<", length $head), $head;
    for my $k (0 .. 40) { seek $out, 8 + length($head) + 96 * int($k * $tokens / 41), 0; print $out pack "f<*", map { rand() - .5 } 1 .. 2400 }
    truncate $out, 8 + length($head) + $bytes;'
quietly "$tool" gram --activations z -o z.one
start=$(date +%s%N)
quietly $run -n 3 "$tool" gram --activations z -o z.several --state once
usual=$((($(date +%s%N) - start) / 1000000))
same_sums() { cmp -s q.safetensors z.one; }
chunks() { sed -n 's/^z: \([0-9]*\) of 7 chunks taken.*/\1/p' said; }
kill_ranks gram z.one "$usual" same_sums chunks gram --activations z
if [ "$kills" -ge 50 ]; then  # half a minute
  rm -rf q.* state
  $run -n 3 "$tool" quantize --weights w --calibration c --bits 3 --effort 5 -o q.safetensors --threads 1 --state state > said 2>&1 &
  mpirun=$!
  while kill -0 $mpirun 2> /dev/null && [ "$(records)" -eq 0 ]; do sleep 0.01; done  # until all have begun
  mapfile -t pids < <(pgrep -P $mpirun -x hallmark)
  [ ${#pids[@]} -eq 3 ] || { cat said; fail "there are no three ranks to stop one of"; }
  kill -STOP "${pids[2]}"
  wait $mpirun && fail "a rank that was stopped is not missed"
  grep -q 'error\[E0907\]' said && grep -q 'rank 2: none for 20 s' said || { cat said; fail "nobody named the rank that was stopped"; }
  [ ! -e q.safetensors ] || fail "a run without one of its ranks has written"
fi
echo "every run ended within $slowest ms after one of its ranks was killed"

# The model of docs/clusters.md: schedules by hand, the page, and its prediction for two ranks beside what they take.
tools=$(dirname "$(dirname "$tool")")/tools
python3 "$tools/cluster_model_test.py" > said 2>&1 || { cat said; fail "the model of docs/clusters.md"; }
python3 "$tools/cluster_model.py" --check "$tool" --ranks 1,2 || fail "the model's predictions"
[ "$kills" -lt 50 ] || python3 "$tools/cluster_links.py" "$tool" || fail "two ranks with a link between them"  # a minute or two
