#!/usr/bin/env bash
# tools/check_proofs.sh: audits the compiled Coq development. Each gate is a function of its inputs, and each is also run
# on bad samples (tests/gates/, or planted here) that it must reject for the reason given: a gate that accepts one, or
# rejects it for another reason, is broken, and that is a failure too. A missing file or tool is a failure.
# tools/check_proofs.sh --accept writes the two goldens anew, for review in a diff.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
samples=tests/gates

for tool in coqc coqchk perl sha256sum; do
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

# The names of a list: one a line, # begins a remark.
names_of() {
  [ -s "$1" ] || { echo "name list: $1 is missing or empty" >&2; return 1; }
  sed -E '/^ *(#|$)/d' "$1" | LC_ALL=C sort
}

# No unfinished proof, no assumption, no unsafe flag, no left-over query. Assumptions.v alone may ask Print Assumptions.
gate_text() {
  [ $# -gt 0 ] || { echo "text gate: no file" >&2; return 1; }
  local bad='^[^:]*:[0-9]+:.*\b(Admitted|Admit|admit|give_up|Axioms?|Parameters?|Conjectures?|bypass_check|native_compute|native_cast_no_check|Unset +(Guard|Positivity|Universe) +Checking|Redirect|Extraction)\b|^[^:]*:[0-9]+: *(Check|Print|Search|SearchPattern|SearchRewrite|About|Locate|Compute|Eval|Show|Abort|Time|Fail)\b'
  strip "$@" > "$work/stripped" || return 1
  [ -s "$work/stripped" ] || { echo "text gate: nothing to read" >&2; return 1; }
  if grep -v -E '^coq/Assumptions\.v:[0-9]+: *Print Assumptions ' "$work/stripped" | grep -E "$bad" > "$work/found"; then
    echo "text gate: unfinished proofs, assumptions or left-over queries:" >&2
    cat "$work/found" >&2
    return 1
  fi
}

# Every .v file of the folder is in _CoqProject, and every listed file exists; Assumptions.v alone is compiled here.
gate_project() {
  [ -s "$1/_CoqProject" ] || { echo "project gate: no _CoqProject in $1" >&2; return 1; }
  (cd "$1" && find . -name '*.v' ! -path ./Assumptions.v | sed 's,^\./,,' | LC_ALL=C sort) > "$work/present"
  grep -E '\.v$' "$1/_CoqProject" | LC_ALL=C sort > "$work/listed"
  diff "$work/listed" "$work/present" > "$work/diff" || {
    echo "project gate: _CoqProject (<) and the folder (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# Headline.v is nothing but the export of its parts, and every part is exported.
gate_parts() {
  local file=$1 folder=$2
  strip "$file" | sed 's/^[^:]*:[0-9]*://; /^ *$/d' > "$work/exports" || return 1
  if grep -v -E '^From Hallmark\.Headline Require Export [A-Za-z]+\. *$' "$work/exports" > "$work/found"; then
    echo "parts gate: more than exports in $file:" >&2; cat "$work/found" >&2; return 1
  fi
  sed -E 's/.* ([A-Za-z]+)\. *$/\1/' "$work/exports" | LC_ALL=C sort > "$work/exported"
  (cd "$folder" && find . -name '*.v' | sed 's,^\./,,; s,\.v$,,' | LC_ALL=C sort) > "$work/parts" || return 1
  [ -s "$work/parts" ] || { echo "parts gate: no part in $folder" >&2; return 1; }
  diff "$work/exported" "$work/parts" > "$work/diff" || {
    echo "parts gate: exported (<) and present (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# What the files state: one line each, the name and file:line.
stated_in() {
  strip "$@" | sed -n -E "s/^([^:]*:[0-9]+): *((Local|Global|Program|#\[[^]]*\]) +)*(Theorem|Lemma|Corollary|Proposition|Fact|Remark|Example|Definition|(Co)?Fixpoint|Function|Record|Structure|Class|Instance|(Co)?Inductive|Variant) +([A-Za-z_][A-Za-z0-9_']*).*/\7 \1/p"
}

# No two statements of one name, and no two files of one name. A headline theorem may have the name of the theorem that it
# restates: such pairs are written to the list, and gate_restated compares what they say.
gate_names() {
  local folder=$1 list=$2
  shift 2
  printf '%s\n' "$@" | sed -E 's,(.*/)?([^/]*)$,\2 &,' > "$work/files"
  stated_in "$@" > "$work/stated" || return 1
  [ -s "$work/stated" ] || { echo "names gate: nothing is stated" >&2; return 1; }
  perl -e '
    my ($folder, $list, $files, $stated) = @ARGV; my $bad = 0;
    for my $pair ([$files, "files"], [$stated, "statements"]) {
      my ($path, $what) = @$pair; my %at;
      open(my $in, "<", $path) or die; while (<$in>) { chomp; my ($name, $place) = split / /, $_, 2; push @{$at{$name}}, $place }
      if ($what eq "statements") { open($out, ">", $list) or die }
      for my $name (sort keys %at) {
        my @places = @{$at{$name}}; next if @places == 1;
        my @parts = grep { index($_, "$folder/") == 0 } @places; my @others = grep { index($_, "$folder/") != 0 } @places;
        if ($what eq "statements" && @parts == 1 && @others == 1) {
          print {$out} join(" ", map { my $m = $_; $m =~ s/\.v:\d+$//; $m =~ s,^coq/,Hallmark/,; $m =~ s,/,.,g; "$m.$name" } @parts, @others), "\n";
        } else { print STDERR "names gate: two $what of one name:\n" unless $bad++; print STDERR "$name: @places\n" }
      }
    }
    exit($bad ? 1 : 0)' "$folder" "$list" "$work/files" "$work/stated"
}

# The headline theorem and the theorem of the same name say the same, up to conversion.
gate_restated() {
  local list=$1
  [ -s "$list" ] || { echo "restated gate: no pair" >&2; return 1; }
  awk '{ for (i = 1; i <= 2; i++) { file = $i; sub(/\.[^.]*$/, "", file); if (!done[file]++) print "Require " file "." } }' "$list" \
    > "$work/restated.v"
  awk '{ print "Definition pair" NR " := (@" $2 " : ltac:(let said := type of @" $1 " in exact said))." }' "$list" >> "$work/restated.v"
  coqc -w none -Q coq Hallmark "$work/restated.v" > "$work/said_twice" 2>&1 || {
    echo "restated gate: two statements of one name:" >&2
    sed -n "$(sed -n -E 's/^File .*, line ([0-9]+),.*/\1/p' "$work/said_twice" | head -n 1)p" "$work/restated.v" >&2
    cat "$work/said_twice" >&2; return 1; }
}

# The names proved in Headline and its parts are exactly those of theorems.txt, and there are at least 40.
proved_in() {
  printf 'Require %s.\nSet Printing Width 10000.\nSearch _ inside %s.\n' "$1" "$1" > "$work/names.v"
  coqc -w none -Q coq Hallmark "$work/names.v" > "$work/names.out" || return 1
  sed -n -E 's/^([A-Za-z_][A-Za-z0-9_.'"'"']*):.*/\1/p' "$work/names.out" | sed 's/.*\.//' | LC_ALL=C sort -u
}
gate_theorems() {
  local list=$1 proved=$2
  names_of "$list" > "$work/required" || return 1
  [ "$(wc -l < "$work/required")" -ge 40 ] || { echo "theorem gate: fewer than 40 names in $list" >&2; return 1; }
  diff "$work/required" "$proved" > "$work/diff" || {
    echo "theorem gate: required (<) and proved (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# What each theorem assumes: one line a theorem, then the statement of each assumption. A question reads every proof below its
# theorem, so that theorems share one: a tuple of names, each after an @ on a line of its own. What it assumes bounds each member.
print_assumptions() {
  mkdir -p "$work/$2"
  strip "$1" | sed -E 's/^[^:]*:[0-9]+://' > "$work/$2/source" || return 1
  cp "$1" "$work/$2/Asked.v"
  coqc -w none -Q coq Hallmark "$work/$2/Asked.v" > "$work/$2/answers" || return 1
  perl -e '
    my ($source, $answers) = @ARGV; my (@names, %members, $tuple, @blocks, %statement, %now, $last);
    open(my $in, "<", $source) or die;
    while (<$in>) {
      if (/^Definition (\w+) := \($/) { $tuple = $1 }
      elsif (defined $tuple && /^  @([\w.\x27]+)(,|\)\.)$/) { push @{$members{$tuple}}, $1; undef $tuple if $2 ne "," }
      elsif (/\bPrint Assumptions ([\w.\x27]+)\./) { push @names, $1 }
    }
    open($in, "<", $answers) or die;
    while (<$in>) {
      chomp;
      if (/^Axioms:$/) { push @blocks, []; undef $last }
      elsif (/^Closed under the global context$/) { push @blocks, []; undef $last }
      elsif (@blocks && /^([\w.\x27]+)( : .*)?$/) { push @{$blocks[-1]}, $1; $last = $1; $now{$last} = $_ }
      elsif (defined $last && /^ +\S/) { $now{$last} .= "\n$_" }
      else { die "assumption gate: unexpected answer: $_\n" }
      if (defined $last) { $statement{$last} = $now{$last} }
    }
    die "assumption gate: ", scalar @names, " questions, ", scalar @blocks, " answers\n" if @names != @blocks || !@names;
    for my $i (0 .. $#names) {
      my $assumed = join(" ", sort @{$blocks[$i]}) || "nothing";
      print "$_: $assumed\n" for @{$members{$names[$i]} // [$names[$i]]};
    }
    print "\n", map { "$statement{$_}\n" } sort keys %statement;' "$work/$2/source" "$work/$2/answers"
}

# The questions asked are about exactly the names of the two lists, and the answers equal the golden in both directions.
gate_assumptions() {
  local golden=$1 list=$2 outside=$3 answers=$4
  { names_of "$list" && names_of "$outside"; } > "$work/lists" || return 1
  LC_ALL=C sort "$work/lists" > "$work/required"
  [ -s "$answers" ] || { echo "assumption gate: no answers" >&2; return 1; }
  sed -E '/^$/,$d; s/: .*//' "$answers" | LC_ALL=C sort > "$work/asked"
  diff "$work/required" "$work/asked" > "$work/diff" || {
    echo "assumption gate: theorems (<) and questions asked (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
  diff "$golden" "$answers" > "$work/diff" || {
    echo "assumption gate: golden (<) and answers (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# Each theorem that the manifest names exists and is audited: it is on one of the two lists, or a contract is registered with
# it in the folder, and then library_valid rests on it.
gate_named() {
  local manifest=$1 list=$2 outside=$3 folder=$4
  strip "$folder"/*.v > "$work/stripped" || return 1
  { names_of "$list" && names_of "$outside" | sed 's/.*\.//' &&
    sed -n -E 's/.*\bRegistered +[^ ]+ +([^ ]+) .*/\1/p' "$work/stripped"; } > "$work/lists" || return 1
  LC_ALL=C sort -u "$work/lists" > "$work/required"
  [ -s "$manifest" ] || { echo "named gate: no $manifest" >&2; return 1; }
  grep -o '"theorem": "[^"]*"' "$manifest" | sed -E 's/.*: "(.*)"/\1/' | LC_ALL=C sort -u > "$work/named" || true
  [ -s "$work/named" ] || { echo "named gate: no theorem in $manifest" >&2; return 1; }
  LC_ALL=C comm -23 "$work/named" "$work/required" > "$work/found"
  [ ! -s "$work/found" ] || { echo "named gate: neither in $list nor in $outside:" >&2; cat "$work/found" >&2; return 1; }
}

# The independent checker's summary of every file and of everything that they use equals the golden. With more memory it looks for
# garbage less often (coqc does so by itself).
summary_of() {
  OCAMLRUNPARAM=s=4M,o=200 coqchk -silent -o -Q coq Hallmark "$@" > "$work/coqchk" 2>&1 || { cat "$work/coqchk" >&2; return 1; }
  sed -n '/^CONTEXT SUMMARY/,$p' "$work/coqchk"
}
gate_coqchk() {
  local golden=$1 summary=$2
  [ -s "$summary" ] || { echo "coqchk gate: no summary" >&2; return 1; }
  diff "$golden" "$summary" > "$work/diff" || {
    echo "coqchk gate: golden (<) and summary (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# A committed file made from Coq equals what the command on its first line prints now.
regenerate() {
  local command
  command=$(sed -n -E '1s,^(//|#) Made by: (.*) > [^ ]+$,\2,p' "$1")
  [ -n "$command" ] || { echo "generated gate: $1 does not begin with its command" >&2; return 1; }
  bash -o pipefail -c "$command" || { echo "generated gate: the command of $1 failed" >&2; return 1; }
}
gate_generated() {
  local file=$1 fresh=$2
  [ -s "$fresh" ] || { echo "generated gate: nothing was printed" >&2; return 1; }
  diff "$file" "$fresh" > "$work/diff" || {
    echo "generated gate: $file (<) and Coq (>) differ:" >&2; cat "$work/diff" >&2; return 1; }
}

# The decode table that Coq prints has the digest that the document names.
gate_table() {
  local document=$1 digest=$2
  [[ "$digest" =~ ^[0-9a-f]{64}$ ]] || { echo "table gate: no digest" >&2; return 1; }
  grep -q -F "$digest" "$document" || { echo "table gate: $document does not name $digest" >&2; return 1; }
}

# The slow questions, on two cores: the checker beside everything else.
examples=tests/generated/coq_examples.hpp
layouts=tests/generated/coq_layouts.hpp
statements=coq/statements.txt
ask() {
  print_assumptions coq/Assumptions.v headline > "$work/answers" || return 1
  [ "$1" = --accept ] && return 0
  proved_in Hallmark.Headline > "$work/proved" || return 1
  regenerate "$examples" > "$work/examples" || return 1
  regenerate "$layouts" > "$work/layouts" || return 1
  regenerate "$statements" > "$work/statements" || return 1
  extract/table_digest > "$work/digest" || return 1
}
ask "${1:-}" & asking=$!
mapfile -t modules < <(sed -n -E '/\.v$/{s,/,.,g; s,(.*)\.v$,Hallmark.\1,p}' coq/_CoqProject)
summary_of "${modules[@]}" > "$work/summary" || exit 1
wait "$asking"
if [ "${1:-}" = --accept ]; then
  cp "$work/answers" coq/Assumptions.golden
  cp "$work/summary" coq/coqchk.golden
  echo "wrote coq/Assumptions.golden and coq/coqchk.golden: read the diff"
  exit 0
fi
mapfile -t sources < <(find coq -name '*.v' | LC_ALL=C sort)

gate_text "${sources[@]}"
gate_project coq
gate_parts coq/Headline.v coq/Headline
gate_names coq/Headline "$work/restated" "${sources[@]}"
gate_restated "$work/restated"
gate_theorems coq/theorems.txt "$work/proved"
gate_assumptions coq/Assumptions.golden coq/theorems.txt coq/outside.txt "$work/answers"
gate_named contracts/manifest.json coq/theorems.txt coq/outside.txt coq/Contract/Library
gate_coqchk coq/coqchk.golden "$work/summary"
gate_generated "$examples" "$work/examples"
gate_generated "$layouts" "$work/layouts"
gate_generated "$statements" "$work/statements"
gate_table docs/design.md "$(cat "$work/digest")"

rejected=0
must_reject() {
  local reason=$1
  shift
  if "$@" > "$work/said" 2>&1; then
    echo "self-test: accepted a bad sample: $*" >&2
    exit 1
  fi
  grep -q -E -e "$reason" "$work/said" || {
    echo "self-test: rejected for another reason than '$reason': $*" >&2; cat "$work/said" >&2; exit 1; }
  rejected=$((rejected + 1))
}

# Each text sample says on its first line for what it must be rejected.
for sample in "$samples"/text/*.v; do
  reason=$(sed -n -E '1s/^\(\* rejected for: (.*) \*\)$/\1/p' "$sample")
  [ -n "$reason" ] || { echo "self-test: $sample does not name its reason" >&2; exit 1; }
  must_reject "$sample:.*$reason" gate_text "$sample"
done
must_reject 'no_such_file.v: No such file' gate_text "$samples/no_such_file.v"
must_reject 'text gate: no file' gate_text
must_reject '^> Forgotten\.v' gate_project "$samples/project"
must_reject '^< Gone\.v' gate_project "$samples/project_gone"
must_reject 'no _CoqProject in' gate_project "$samples/no_such_folder"

sed '/Export Stats/d' coq/Headline.v > "$work/one_part_short.v"
sed 's/Export Stats/Export Forgotten/' coq/Headline.v > "$work/other_part.v"
sed '$a Definition planted := true.' coq/Headline.v > "$work/more_than_exports.v"
mkdir "$work/no_parts"
must_reject '^> Stats$' gate_parts "$work/one_part_short.v" coq/Headline
must_reject '^< Forgotten$' gate_parts "$work/other_part.v" coq/Headline
must_reject 'more than exports' gate_parts "$work/more_than_exports.v" coq/Headline
must_reject 'no part in' gate_parts coq/Headline.v "$work/no_parts"

names=$samples/names
must_reject '^planted: .*Once.v:[0-9]+ .*Twice.v:[0-9]+$' gate_names "$names/Headline" "$work/pairs" "$names/Once.v" "$names/Twice.v"
must_reject '^Once.v: .*names/Once.v .*names/again/Once.v$' gate_names "$names/Headline" "$work/pairs" "$names/Once.v" "$names/again/Once.v"
must_reject '^planted: .*Part.v:[0-9]+ .*Part2.v:[0-9]+$' \
  gate_names "$names/Headline" "$work/pairs" "$names/Headline/Part.v" "$names/Headline/Part2.v"
must_reject 'nothing is stated' gate_names "$names/Headline" "$work/pairs" "$names/Silent.v"
must_reject 'no_such_file.v: No such file' gate_names "$names/Headline" "$work/pairs" "$samples/no_such_file.v"
sed 's/Guard\.T6_guard_row$/Guard.T6_guard_min/' "$work/restated" > "$work/pairs"
must_reject '^Definition pair[0-9]+ := .*Guard\.T6_guard_min .*Headline\.Exact\.T6_guard_row' gate_restated "$work/pairs"
must_reject 'no pair' gate_restated "$work/no_such_file"

printf 'no_such_theorem\n' | cat coq/theorems.txt - > "$work/one_more.txt"
grep -v -E '^ *(#|$)' coq/theorems.txt | tail -n +2 > "$work/one_short.txt"
must_reject '^< no_such_theorem$' gate_theorems "$work/one_more.txt" "$work/proved"
must_reject '^> ' gate_theorems "$work/one_short.txt" "$work/proved"
must_reject 'fewer than 40 names' gate_theorems "$samples/with_axiom.txt" "$work/proved"
must_reject 'missing or empty' gate_theorems "$samples/no_such_file.txt" "$work/proved"

sed '1s/:.*/: nothing/' "$work/answers" > "$work/weaker"
print_assumptions "$samples/WithAxiom.v" sample > "$work/with_axiom"
: > "$work/empty"
echo "# no name" > "$work/no_names.txt"
grep -v 'idempotence_met' coq/outside.txt > "$work/outside_short.txt"
must_reject '^> .*sig_forall_dec' gate_assumptions "$work/weaker" coq/theorems.txt coq/outside.txt "$work/answers"
must_reject '^< .*sig_forall_dec' gate_assumptions coq/Assumptions.golden coq/theorems.txt coq/outside.txt "$work/weaker"
must_reject 'questions asked' gate_assumptions coq/Assumptions.golden "$work/one_short.txt" coq/outside.txt "$work/answers"
must_reject '^> anything: .*false_is_true' gate_assumptions \
  coq/Assumptions.golden "$samples/with_axiom.txt" "$work/no_names.txt" "$work/with_axiom"
must_reject 'no answers' gate_assumptions coq/Assumptions.golden coq/theorems.txt coq/outside.txt "$work/empty"
must_reject 'unexpected answer: anything is assumed to be guarded' print_assumptions "$samples/Unguarded.v" unguarded

must_reject 'questions asked' gate_assumptions \
  coq/Assumptions.golden coq/theorems.txt "$work/outside_short.txt" "$work/answers"
must_reject 'name list: .* is missing' gate_assumptions \
  coq/Assumptions.golden coq/theorems.txt "$work/no_such_file" "$work/answers"

sed 's/"theorem": "T1_identity"/"theorem": "no_such_theorem"/' contracts/manifest.json > "$work/unnamed.json"
must_reject '^no_such_theorem$' gate_named "$work/unnamed.json" coq/theorems.txt coq/outside.txt coq/Contract/Library
must_reject '^idempotence_met$' gate_named contracts/manifest.json coq/theorems.txt "$work/outside_short.txt" coq/Contract/Library
must_reject 'no theorem in' gate_named coq/outside.txt coq/theorems.txt coq/outside.txt coq/Contract/Library
must_reject 'named gate: no ' gate_named "$work/no_such_file" coq/theorems.txt coq/outside.txt coq/Contract/Library
sed 's/"theorem": "T1_identity"/"theorem": "half_span_sound"/' contracts/manifest.json > "$work/registered.json"
gate_named "$work/registered.json" coq/theorems.txt coq/outside.txt examples/extending
must_reject '^half_span_sound$' gate_named "$work/registered.json" coq/theorems.txt coq/outside.txt coq/Contract/Library
must_reject 'No such file' gate_named contracts/manifest.json coq/theorems.txt coq/outside.txt "$work/no_such_folder"

sed '/Axioms:/a\    Hallmark.Planted.false_is_true' "$work/summary" > "$work/planted"
must_reject '^> .*Planted.false_is_true' gate_coqchk coq/coqchk.golden "$work/planted"
must_reject 'no summary' gate_coqchk coq/coqchk.golden "$work/no_such_file"

sed 's/"\?51/52/' "$examples" > "$work/edited.hpp"
tail -n +2 "$examples" > "$work/headless.hpp"
sed 's/udu n H U d/udu n H d U/' "$statements" > "$work/edited.txt"
must_reject '^> .*51' gate_generated "$work/edited.hpp" "$work/examples"
must_reject '^> .*udu n H U d' gate_generated "$work/edited.txt" "$work/statements"
must_reject 'nothing was printed' gate_generated "$examples" "$work/empty"
must_reject 'does not begin with its command' regenerate "$work/headless.hpp"
must_reject 'does not name' gate_table docs/design.md "$(printf '%064d' 0)"
must_reject 'no digest' gate_table docs/design.md ''

echo "proof gates: ${#sources[@]} files, $(wc -l < "$work/proved") theorems; $rejected bad samples rejected"
