#!/bin/sh
# Z3 and cvc5 answer each goal of the example's contract as the goal states.
set -eu
cd "$(dirname "$0")/contracts/generated"
for goal in *.smt2; do
  expected=$(sed -n 's/^(set-info :status \(.*\))$/\1/p' "$goal")
  [ -n "$expected" ] || { echo "$goal states no answer" >&2; exit 1; }
  for solver in z3 'cvc5 --nl-ext-tplanes'; do
    answer=$($solver "$goal" 2>&1) || true
    [ "$answer" = "$expected" ] || { echo "$goal: $solver says $answer, expected $expected" >&2; exit 1; }
  done
done
