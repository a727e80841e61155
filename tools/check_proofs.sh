#!/usr/bin/env bash
# tools/check_proofs.sh: audits the compiled Coq development. Each gate is a function of its inputs, and each is first run
# on a bad sample (tests/gates/) that it must reject: a gate that accepts it is broken, and that is a failure too.
# A missing file or tool is a failure. tools/check_proofs.sh --accept writes the two goldens anew, for review in a diff.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
samples=tests/gates

for tool in coqc coqtop coqchk perl; do
  command -v "$tool" > /dev/null || { echo "missing tool: $tool" >&2; exit 1; }
done

# Coq source without comments and strings, one line per input line, prefixed with file:line.
strip() {
  perl -0777 -e '
    for my $file (@ARGV) {
      open(my $in, "<", $file) or die "$file: $!\n"; my $text = <$in>; my ($out, $depth) = ("", 0);
      while ($text =~ /\G(\(\*|\*\)|"(?:[^"]|"")*"|\n|.)/gs) {
        my $t = $1;
        if ($t eq "(*") { $depth++ } elsif ($t eq "*)" && $depth) { $depth-- }
        elsif ($t eq "\n") { $out .= "\n" } elsif ($t =~ /^".+/s) { $out .= "\n" x ($t =~ tr/\n//) }
        elsif (!$depth) { $out .= $t }
      }
      die "$file: unbalanced comment\n" if $depth;
      my $n = 0; print map { $n++; "$file:$n:$_\n" } split /\n/, $out;
    }' "$@"
}

# No unfinished proof, no assumption, no unsafe flag, no left-over query. Assumptions.v alone may ask Print Assumptions.
gate_text() {
  [ $# -gt 0 ] || { echo "text gate: no file" >&2; return 1; }
  local bad='\b(Admitted|admit|give_up|Axioms?|Parameters?|Conjectures?|bypass_check|native_compute|native_cast_no_check|Unset +(Guard|Positivity|Universe) +Checking|Redirect|Extraction)\b|^[^:]*:[0-9]+: *(Check|Print|Search|SearchPattern|SearchRewrite|About|Locate|Compute|Eval|Show|Abort|Time|Fail)\b'
  strip "$@" > "$work/stripped"
  if grep -v -E '/Assumptions\.v:[0-9]+: *Print Assumptions ' "$work/stripped" | grep -E "$bad" > "$work/found"; then
    echo "text gate: unfinished proofs, assumptions or left-over queries:" >&2
    cat "$work/found" >&2
    return 1
  fi
}

# Every .v file of the folder is in _CoqProject, and every listed file exists.
gate_project() {
  (cd "$1" && find . -name '*.v' | sed 's,^\./,,' | LC_ALL=C sort) > "$work/present"
  [ -s "$work/present" ] || { echo "project gate: no .v file in $1" >&2; return 1; }
  grep -E '\.v$' "$1/_CoqProject" | LC_ALL=C sort > "$work/listed"
  diff "$work/listed" "$work/present" > "$work/diff" || {
    echo "project gate: _CoqProject (<) and the folder (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# The names proved in Headline are exactly those of theorems.txt, and there are at least 40.
gate_theorems() {
  local list=$1 module=$2
  [ -s "$list" ] || { echo "theorem gate: $list is missing or empty" >&2; return 1; }
  printf 'Require %s.\nSet Printing Width 10000.\nSearch _ inside %s.\n' "$module" "$module" > "$work/names.v"
  coqc -w none -Q coq Hallmark "$work/names.v" > "$work/names.out"
  sed -n -E 's/^([A-Za-z_][A-Za-z0-9_.'"'"']*):.*/\1/p' "$work/names.out" | sed 's/.*\.//' | LC_ALL=C sort -u > "$work/proved"
  grep -v -E '^ *(#|$)' "$list" | LC_ALL=C sort > "$work/required"
  [ "$(wc -l < "$work/required")" -ge 40 ] || { echo "theorem gate: fewer than 40 names in $list" >&2; return 1; }
  diff "$work/required" "$work/proved" > "$work/diff" || {
    echo "theorem gate: required (<) and proved (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# What the headline theorems assume, name by name, equals the golden in both directions.
print_assumptions() {
  coqc -w none -Q coq Hallmark -o "$work/Assumptions.vo" "$1"
}
gate_assumptions() {
  local source=$1 golden=$2 list=$3
  grep -v -E '^ *(#|$)' "$list" | LC_ALL=C sort > "$work/required"
  strip "$source" | sed -n -E 's/.*Print Assumptions ([A-Za-z0-9_.'"'"']+)\..*/\1/p' | sed 's/.*\.//' | LC_ALL=C sort > "$work/asked"
  diff "$work/required" "$work/asked" > "$work/diff" || {
    echo "assumption gate: theorems (<) and questions asked (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
  print_assumptions "$source" > "$work/assumptions"
  [ -s "$work/assumptions" ] || { echo "assumption gate: Coq printed nothing" >&2; return 1; }
  diff "$golden" "$work/assumptions" > "$work/diff" || {
    echo "assumption gate: golden (<) and printed (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# The independent checker's summary of everything that Headline depends on equals the golden.
summary_of() {
  coqchk -silent -o -Q coq Hallmark "$1" > "$work/coqchk" 2>&1 || { cat "$work/coqchk" >&2; return 1; }
  sed -n '/^CONTEXT SUMMARY/,$p' "$work/coqchk"
}
gate_coqchk() {
  local golden=$1 summary=$2
  [ -s "$summary" ] || { echo "coqchk gate: no summary" >&2; return 1; }
  diff "$golden" "$summary" > "$work/diff" || {
    echo "coqchk gate: golden (<) and summary (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

if [ "${1:-}" = --accept ]; then
  print_assumptions coq/Assumptions.v > coq/Assumptions.golden
  summary_of Hallmark.Headline > coq/coqchk.golden
  echo "wrote coq/Assumptions.golden and coq/coqchk.golden: read the diff"
  exit 0
fi

rejected=0
must_reject() {
  if "$@" > "$work/said" 2>&1; then
    echo "self-test: accepted a bad sample: $*" >&2
    exit 1
  fi
  rejected=$((rejected + 1))
}

for sample in "$samples"/text/*.v; do must_reject gate_text "$sample"; done
must_reject gate_text "$samples/no_such_file.v"
must_reject gate_text
must_reject gate_project "$samples/project"
must_reject gate_project "$samples/no_such_folder"
must_reject gate_theorems "$samples/theorems_missing.txt" Hallmark.Headline
must_reject gate_theorems "$samples/no_such_file.txt" Hallmark.Headline
grep -v -E '^ *(#|$)' coq/theorems.txt | tail -n +2 > "$work/one_short.txt"
must_reject gate_theorems "$work/one_short.txt" Hallmark.Headline
must_reject gate_assumptions coq/Assumptions.v "$samples/empty.golden" coq/theorems.txt
must_reject gate_assumptions coq/Assumptions.v coq/Assumptions.golden "$work/one_short.txt"
must_reject gate_assumptions "$samples/WithAxiom.v" coq/Assumptions.golden "$samples/with_axiom.txt"
summary_of Hallmark.Headline > "$work/summary"
sed '/Axioms:/a\    Hallmark.Planted.false_is_true' "$work/summary" > "$work/planted"
must_reject gate_coqchk coq/coqchk.golden "$work/planted"
must_reject gate_coqchk coq/coqchk.golden "$work/no_such_file"

mapfile -t sources < <(find coq -name '*.v' | LC_ALL=C sort)
gate_text "${sources[@]}"
gate_project coq
gate_theorems coq/theorems.txt Hallmark.Headline
gate_assumptions coq/Assumptions.v coq/Assumptions.golden coq/theorems.txt
gate_coqchk coq/coqchk.golden "$work/summary"
echo "proof gates: ${#sources[@]} files, $(grep -c -v -E '^ *(#|$)' coq/theorems.txt) theorems; $rejected bad samples rejected"
