#!/usr/bin/env perl
# Includes of src/ point one way (HACKING.md): no file includes one of a folder that stands after its own.
#   tools/check_includes.pl FILE...
# Folders that are named nowhere here stand at the side. Of two that stand together neither includes the other.
use strict;
use warnings;

my @order = (['base'], ['format'], ['linalg'], ['scale'], ['method'], ['certify'], ['pipeline'], ['measure'],
             ['ablation', 'league', 'study'], ['cli']);
my %rank = map { my $k = $_; map { $_ => $k } @{$order[$k]} } 0 .. $#order;

# Whether a file of folder $from may include one of $to.
sub allowed {
  my ($from, $to) = @_;
  return 1 if $from eq $to or !defined $rank{$from} or !defined $rank{$to};
  return $rank{$to} < $rank{$from};
}
die "check_includes: the rule itself is wrong\n"
  unless allowed('scale', 'linalg') and !allowed('scale', 'method') and !allowed('league', 'ablation') and allowed('io', 'cli');

my ($faults, $seen) = (0, 0);
for my $path (@ARGV) {
  my ($from) = $path =~ m{^src/(\w+)/} or next;
  open my $file, '<', $path or die "$path: $!\n";
  while (<$file>) {
    my ($to) = /^\s*#\s*include\s+"(\w+)\// or next;
    $seen++;
    print "$path:$.: src/$from includes src/$to, which stands after it or beside it\n" and $faults++ unless allowed($from, $to);
  }
}
die "check_includes: no include of src/ among the files\n" unless $seen;
exit($faults != 0);
