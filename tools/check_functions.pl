#!/usr/bin/env perl
# No C++ function over 60 lines without a reason: a comment above it or in it that begins "Long because". A test case is a
# list of checks and may have any length.
#   tools/check_functions.pl FILE...
# Reads what clang-format has laid out: a function begins and ends at the left edge, or two spaces from it in a class.
use strict;
use warnings;

use constant LIMIT => 60;

# "line: lines" of each function that is too long.
sub long_functions {
  my @lines = @_;
  my (@found, %start, $in_type);
  for my $end (0 .. $#lines) {
    my ($indent, $text) = $lines[$end] =~ /^( *)(.*?)\s*$/;
    my $d = length $indent;
    next if $text =~ m{^(//|#|$)} or $text =~ /^(template <.*>|public:|private:|protected:)$/ or ($d != 0 && $d != 2);
    if ($text =~ /^}/) {
      my $first = delete $start{$d};
      my $is_function = $text =~ /^}$/ && ($d == 0 ? !$in_type : $in_type);
      if (defined $first and $is_function and $end - $first + 1 > LIMIT) {
        my $top = $first;
        --$top while $top > 0 and $lines[$top - 1] =~ m{^ *(//|template <)};
        push @found, sprintf '%d: a function of %d lines', $first + 1, $end - $first + 1
          unless grep { m{^ *///? Long because } } @lines[$top .. $end];
      }
      $in_type = 0 if $d == 0;
      next;
    }
    $start{$d} = $end;
    next if $d != 0;
    $in_type = $text =~ /^(struct|class|union)\b.*\{$/;
    delete $start{0} if $text =~ /^(namespace\b|extern "C" \{|TEST_CASE\()/ or $text =~ /;$/;
  }
  return @found;
}

# The check has to see a long function, wherever it stands, and to accept what is short or has its reason.
sub must_find {
  my ($count, $what, $text) = @_;
  my @found = long_functions(split /\n/, $text);
  die "tools/check_functions.pl: finds ", scalar @found, " instead of $count in $what\n" if @found != $count;
}
my $body = "  f();\n" x LIMIT;
must_find(1, 'a long function', "namespace a {\n\nint g();\n\nvoid f(int a,\n       int b) {\n$body}\n\n}  // namespace a\n");
must_find(0, 'a short one', "void f() {\n" . "  f();\n" x (LIMIT - 2) . "}\n");
must_find(1, 'a member', "struct S {\n  int x = 0;\n  void f() {\n" . "    f();\n" x LIMIT . "  }\n};\n");
must_find(0, 'a class of short members', "class S {\n" . "  void f() {\n    f();\n  }\n" x LIMIT . "};\n");
must_find(0, 'one with its reason', "/// Sums.\n// Long because it is one formula.\ntemplate <class T>\nvoid f() {\n$body}\n");
must_find(1, 'the next one', "// Long because it is.\nvoid f() {\n$body}\n\nvoid g() {\n$body}\n");
must_find(0, 'a namespace', "namespace {\n\nint f(int a,\n      int b);\n" . "int x;\n" x LIMIT . "\n}  // namespace\n");

must_find(0, 'a test case', "TEST_CASE(\"a\") {\n$body}\n");

my $bad = 0;
for my $file (@ARGV) {
  open my $stream, '<', $file or die "$file: $!\n";
  for my $found (long_functions(<$stream>)) {
    print STDERR "$file:$found: split it, or say above it \"Long because ...\"\n";
    $bad = 1;
  }
}
exit $bad;
