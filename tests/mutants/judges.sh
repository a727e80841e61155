# shellcheck shell=bash disable=SC2034,SC2154  # what the list says is read here, what the judges say by who sources this
# The judges of a copy of the tree, in which they run (workers.sh), and how a fault gets into it; sourced by the scripts beside it.
# The arithmetic has three judges: the fixtures (tests/fixtures/production.cpp), the contracts of `hallmark quantize`, and
# hallmark-check on what it wrote (the checker is built from Coq and holds none of the mutated code). Everything else is
# judged by test programs, which each fault names.

# build TARGET..: fails where something does not compile. test_checker_NAME is tests/check/NAME_test.ml.
build() {
  local target others=()
  for target in "$@"; do
    if [[ $target == test_checker_* ]]; then build_checker "${target#test_checker_}" || return 1; else others+=("$target"); fi
  done
  [ ${#others[@]} -eq 0 ] || ninja -C build -j "$threads" "${others[@]}" > build.log 2>&1
}

# build_checker NAME: a test of hallmark-check, both built from the copy and from what `make checker` extracted in the tree; and
# build/checker/test_checker_NAME, which runs it and says what the C++ tests say.
build_checker() {
  local built=$PWD/build/checker
  mkdir -p "$built"
  cp -p "$tree"/build/checker/checker.ml{,i} "$built" || { echo "mutants: no build/checker/checker.ml: run 'make checker'" >&2; return 1; }
  make -C extract/checker BUILD="$built" -o "$built/checker.ml" "$built/hallmark-check" "$built/test/$1_test" > build.log 2>&1 || return 1
  printf '%s\n' '#!/bin/bash' \
    "'$built/test/$1_test' '$built/hallmark-check' > '$built/$1.log' 2>&1 && { echo 'Status: SUCCESS!'; exit; }" \
    "sed -n -E 's/^FAILED:? +([^:]*).*/TEST CASE:  \\1/p' '$built/$1.log'; exit 1" > "$built/test_checker_$1"
  chmod +x "$built/test_checker_$1"
}

must_build() { build "$@" || { tail -n 40 build.log; echo "mutants: ninja $* failed" >&2; exit 1; }; }

# first_failure PROGRAM: the first test case that fails; nothing where all pass.
first_failure() {
  local status=0 found log=test-$worker.log
  timeout 3600 "$1" --abort-after=1 > "$log" 2>&1 || status=$?
  [ "$status" -ne 0 ] || grep -q 'Status: SUCCESS!' "$log" || { echo 'ends early'; return; }
  [ "$status" -ne 0 ] || return 0
  found=$(sed -n -E 's/^TEST CASE: +//p' "$log" | head -n 1)
  [ "$status" -ne 124 ] || found="no end"
  echo "${found:-exit $status}"
}

# ask_built PROGRAM: what first_failure says of it, as it is built.
ask_built() { first_failure "$(find build -type f -name "test_$1" -perm -u+x)"; }

# ask_tests PROGRAM..: sets test to the first of the programs that fails, and its case; to nothing where none does.
ask_tests() {
  local program
  test=''
  for program in "$@"; do
    must_build "test_$program"
    test=$(ask_built "$program")
    [ -z "$test" ] || { test="$program: $test"; break; }
  done
}

# What `hallmark quantize` is asked, and what the checker then judges.
declare -A cases=(
  [gf16]="--grid gf16"
  [rtn]="--grid gf16 --method rtn"
  [pow2]="--grid gf16 --scale-rule row-pow2"
  [groups]="--grid gf16 --scale-rule row-pow2 --desc-act --group-size 20"
  [undamped]="--grid gf16 --damp-percent 0"
  [damped]="--grid gf16 --damp-percent 0.9"
  [int4s]="--grid int4s --desc-act --group-size 20"
  [int4]="--grid int4"
  [int4z]="--grid int4z --group-size 20"
)

# prepare_three: what ask_three needs.
prepare_three() {
  [ -x "$tree/build/checker/hallmark-check" ] || { echo "mutants: no build/checker/hallmark-check: run 'make checker'" >&2; exit 1; }
  must_build hallmark_tool test_fixtures_production make_mutant_inputs
  mkdir -p inputs && build/tests/mutants/make_mutant_inputs inputs
}

# ask_three: sets fixture, contract, checker to what each says; empty where it says nothing.
ask_three() {
  local case status
  contract='' checker='' other=''
  must_build hallmark_tool test_fixtures_production
  fixture=$(first_failure build/tests/fixtures/test_fixtures_production)
  for case in gf16 rtn pow2 groups undamped damped int4s int4 int4z; do
    status=0
    # shellcheck disable=SC2086  # words
    build/hallmark quantize --weights inputs/w.safetensors --calibration inputs/c.safetensors ${cases[$case]} --overwrite \
      --output "q-$case.safetensors" > quantize.log 2>&1 || status=$?
    if [ "$status" -eq 6 ]; then
      [ -n "$contract" ] || contract="$case: $(grep -m 1 -A 1 "^error" quantize.log | tail -n 1 | sed -E "s/^ *//; s/[ ,:].*//")"
      continue
    elif [ "$status" -ne 0 ]; then
      other="$case: exit $status"
      continue
    fi
    HALLMARK_CHECK=$tree/build/checker/hallmark-check build/hallmark verify "q-$case.safetensors" \
      --weights inputs/w.safetensors --calibration inputs/c.safetensors --checker > verify.log 2>&1 || true
    ! grep -qE 'E0113|E1304' verify.log || { cat verify.log; echo "mutants: hallmark-check gives no verdict" >&2; exit 1; }
    [ -n "$checker" ] || ! grep -q 'E0790' verify.log || checker="$case: $(grep -m 1 -o "check '[a-z-]*'" verify.log)"
  done
}

# plant: puts the fault at hand into the copy. restore: takes it out again.
plant() {
  cp -p "$file" planted.orig
  from=$from to=$to perl -0pi -e '
    my $n = () = /\Q$ENV{from}\E/g;
    die "mutants: the fragment occurs $n times\n" if $n != 1;
    s/\Q$ENV{from}\E/$ENV{to}/;' "$file" || { echo "mutants: $name: $file" >&2; exit 1; }
}
restore() { cp -p planted.orig "$file"; touch "$file"; }
