#!/usr/bin/env bash
# tools/check_mpi.sh [KILLS]: builds the tool for several processes and runs it with local ranks: files and findings are those of one
# process, ranks that see other things are named, and a rank of quantize or gram that is killed ends the run and loses nothing that was kept.
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
