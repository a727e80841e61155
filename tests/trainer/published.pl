#!/usr/bin/env perl
# tests/trainer/published.pl FOLDER: FOLDER/published.safetensors, tensors of the published sizes by the published names
# (banks, as from #549 on), FOLDER/shards, a few tokens of train and validation text, three windows of 32 to predict, and
# FOLDER/tokens.model, pieces of 1 to 5 bytes for them. Numbers are small and arbitrary.
use strict;
use warnings;

my ($folder) = @ARGV;
my ($d, $layers, $kv, $hidden, $vocab) = (512, 11, 256, 1536, 1024);
my %shape = (
  'tok_emb.weight' => [$vocab, $d], 'bigram.embed.weight' => [3072, 112], 'bigram.proj.weight' => [$d, 112],
  'bigram.scale' => [], 'smear.gate' => [$d], 'skip_weights' => [5, $d], 've_shared.embed.weight' => [$vocab, 128],
  've_shared.proj.weight' => [$kv, 128], 've_shared.scale' => [], 've_layer_scales.0' => [1], 've_layer_scales.1' => [1],
  'qo_bank' => [2 * $layers, $d, $d], 'kv_bank' => [2 * $layers, $kv, $d],
  'mlp_up_bank' => [$layers, $hidden, $d], 'mlp_down_bank' => [$layers, $d, $hidden]);
for my $i (0 .. $layers - 1) {
  $shape{"blocks.$i.$_"} = [$d] for 'attn_scale', 'mlp_scale';
  $shape{"blocks.$i.resid_mix"} = [2, $d];
  $shape{"blocks.$i.attn.q_gain"} = [8];
}

# bfloat16 of 2^-6 times numbers in 1 .. 2 with either sign; 4,099 of them, a prime, over and over
srand 1;
my $numbers = pack 'v*', map { (rand() < 0.5 ? 0 : 0x8000) | 0x3C80 | int(rand 128) } 1 .. 4099;
my ($offset, @entries, @sizes) = (0);
for my $name (sort keys %shape) {
  my $size = 2;
  $size *= $_ for @{$shape{$name}};
  push @sizes, $size;
  push @entries, sprintf '"%s":{"dtype":"BF16","shape":[%s],"data_offsets":[%d,%d]}', $name, join(',', @{$shape{$name}}),
    $offset, $offset + $size;
  $offset += $size;
}
my $header = '{' . join(',', @entries) . '}';
$header .= ' ' x (-length($header) % 8);
open my $file, '>:raw', "$folder/published.safetensors" or die "$folder: $!\n";
print $file pack('Q<', length $header), $header;
print $file substr($numbers x (1 + int($_ / length $numbers)), 0, $_) for @sizes;
close $file or die "$folder: $!\n";

mkdir "$folder/shards" or die "$folder/shards: $!\n";
for my $kind ('train', 'val') {
  open my $shard, '>:raw', "$folder/shards/fineweb_${kind}_000000.bin" or die "$!\n";
  print $shard pack('V256 v*', 20240520, 1, 97, (0) x 253, map { int rand $vocab } 1 .. 97);
  close $shard or die "$!\n";
}

open my $model, '>:raw', "$folder/tokens.model" or die "$!\n";
print $model map { "\x0A" . chr(2 + length) . "\x0A" . chr(length) . $_ } "\xE2\x96\x81", map { 'x' x (1 + $_ % 5) } 2 .. $vocab;
close $model or die "$!\n";
