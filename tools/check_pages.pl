#!/usr/bin/env perl
# No line of prose is longer than 120 columns. Tables, code, headings, what a program prints between two comments, and a line that is
# one word, one span of code or one link may be longer. What stands in a block ```diff can be applied to the tree.
#   tools/check_pages.pl FILE...            names the lines
#   tools/check_pages.pl --write FILE...    lays out anew each paragraph that has such a line
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));

use constant LIMIT => 120;

# The words between which a line may end: a span of code and a link are one word each. A word that would begin a list, a table, a
# heading or a quotation belongs to the word before it.
sub words {
  my ($text) = @_;
  my @words;
  for my $word ($text =~ /((?:`[^`]*`|!?\[[^\]]*\]\([^)]*\)|\S)+)/g) {
    if (@words and $word =~ /^(?:[-+*=#>|:]|\d+[.)]$)/) { $words[-1] .= " $word" }
    else { push @words, $word }
  }
  return @words;
}

# The text of a paragraph in lines of at most LIMIT columns, as far as its words allow it.
sub lay_out {
  my ($first, $rest, $text) = @_;
  my @lines;
  my $line = '';
  for my $word (words($text)) {
    if ($line eq '') { $line = (@lines ? $rest : $first) . $word }
    elsif (length("$line $word") <= LIMIT) { $line .= " $word" }
    else { push @lines, $line; $line = $rest . $word }
  }
  return (@lines, $line);
}

# The page in pieces of lines: [number of the first line, 1 for a paragraph, lines]. Everything else is one line each.
sub pieces {
  my (@lines) = @_;
  my (@pieces, $open, $fence, $printed);
  my ($inner, $blank, $code) = (0, 1, 0);    # columns of the item's text; the line before is empty; it is code
  for my $at (0 .. $#lines) {
    my $text = $lines[$at];
    my ($indent) = map { length } $text =~ /^( *)/;
    my $plain = 1;
    if ($text =~ /^\s*$/) { $blank = 1; undef $open; push @pieces, [$at + 1, 0, $text]; next }
    $inner = 0 if $blank and $indent == 0;
    $code = ($blank || $code) && $indent >= $inner + 4;
    if ($text =~ /^\s*```/) { $fence = !$fence; $plain = 0 }
    elsif ($fence or $code) { $plain = 0 }
    elsif ($text =~ /^\s*<!--/) { $printed = $text !~ /end of/ && $text =~ /: /; $plain = 0 }
    elsif ($printed or $text =~ /^\s*\|/ or $text =~ /^#/) { $plain = 0 }
    $blank = 0;
    if (!$plain) { undef $open; push @pieces, [$at + 1, 0, $text]; next }
    if ($text =~ /^(\s*(?:[-*]|\d+\.)\s+)/) { $inner = length $1; undef $open }
    if ($open) { push @$open, $text }
    else { push @pieces, $open = [$at + 1, 1, $text] }
  }
  return @pieces;
}

# "line: columns" of each line of prose that is too long and could be shorter.
sub long_lines {
  my (@found);
  for my $piece (pieces(@_)) {
    my ($number, $prose, @lines) = @$piece;
    next unless $prose;
    for my $at (0 .. $#lines) {
      my ($marker, $text) = $lines[$at] =~ /^(\s*(?:(?:[-*]|\d+\.)\s+)?)(.*)$/;
      push @found, sprintf '%d: %d columns', $number + $at, length $lines[$at]
        if length $lines[$at] > LIMIT and words($text) > 1;
    }
  }
  return @found;
}

sub rewritten {
  my @written;
  for my $piece (pieces(@_)) {
    my ($number, $prose, @lines) = @$piece;
    if ($prose and grep { length > LIMIT } @lines) {
      my ($first) = $lines[0] =~ /^(\s*(?:(?:[-*]|\d+\.)\s+)?)/;
      my $rest = ' ' x length $first;
      $lines[0] = substr $lines[0], length $first;
      @lines = lay_out($first, $rest, join ' ', map { s/^\s+|\s+$//gr } @lines);
    }
    push @written, @lines;
  }
  return @written;
}

# The blocks ```diff of a page.
sub diffs { return join("\n", @_, '') =~ /^```diff\n(.*?)^```$/msg }

sub applies {
  my ($diff) = @_;
  open my $git, '|-', 'git apply --check - 2>/dev/null' or die "git: $!\n";
  print $git $diff;
  return close $git;
}

# The check has to see a long line, wherever it stands, and to accept what may be long.
sub must_find {
  my ($count, $what, $text) = @_;
  my @found = long_lines(split /\n/, $text);
  die "tools/check_pages.pl: finds ", scalar @found, " instead of $count in $what\n" if @found != $count;
  my @again = long_lines(rewritten(split /\n/, $text));
  die "tools/check_pages.pl: --write leaves $what long\n" if @again;
}
my $long = join ' ', ('word') x 30;
must_find(1, 'a paragraph', "A line.\n$long\n");
must_find(2, 'items of a list', "- $long\n  of an item\n1. $long\n");
must_find(1, 'a paragraph of an item', "- one\n\n  $long\n");
must_find(1, 'a paragraph behind code', "    code\n\n$long\n");
must_find(0, 'code', "Text:\n\n    $long\n    $long\n\n```\n$long\n```\n");
must_find(0, 'code of an item', "1. one\n\n       $long\n");
must_find(0, 'a table and a heading', "# $long\n\n| a | $long |\n");
must_find(0, 'what a program prints', "<!-- figures: make bench -->\n$long\n<!-- end of figures -->\n");
must_find(1, 'what stands behind it', "<!-- figures: make bench -->\n<!-- end of figures -->\n$long\n");
must_find(0, 'a link', "[" . 'a ' x 40 . "](" . 'b' x 80 . ")\n");
my ($diff) = diffs('```diff', '--- a/Makefile', '+++ b/Makefile', '@@ -1,2 +1,3 @@', ' no line', '+a line', ' of this file', '```');
die "tools/check_pages.pl: accepts a change of lines that are not there\n" if !defined $diff or applies($diff);
die "tools/check_pages.pl: --write begins a list\n" if grep { /^- / } rewritten("$long - a - b - c - d " . '- e ' x 30);

my $write = @ARGV && $ARGV[0] eq '--write' && shift @ARGV;
my $bad = 0;
for my $file (@ARGV) {
  open my $stream, '<', $file or die "$file: $!\n";
  chomp(my @lines = <$stream>);
  if ($write) {
    open my $out, '>', $file or die "$file: $!\n";
    print $out "$_\n" for rewritten(@lines);
    next;
  }
  for my $found (grep { !applies($_) } diffs(@lines)) {
    print STDERR "$file: this is no change of the tree as it stands:\n$found";
    $bad = 1;
  }
  for my $found (long_lines(@lines)) {
    print STDERR "$file:$found: end it before column @{[LIMIT + 1]} (tools/check_pages.pl --write $file)\n";
    $bad = 1;
  }
}
exit $bad;
