(** * The published theorems about packed codes: T29

    Purpose: what is stored is what was quantized: codes of a few bits in bytes and words, the
      layouts of other tools' files, their sizes.  Headline.v explains the words used.
    Main results: the names that begin with T29.
    Depends on: the files of Format about packing and their witness file.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith List.
From Hallmark.Format Require Import PackedCodes WordLayouts WitnessLayouts.
Import ListNotations.
Local Open Scope Z_scope.

(** ** T29: packed codes are the codes

    [power b] is 2^b, [of_bits b c] says 0 <= u < 2^b of each u of the list c, [number_of b c] is
    sum c_i 2^(b i), [digits_of b n t] are the n lowest digits of b bits of t, the lowest first.
    Packed into words of w bits (8: bytes), codes are [packed b w c], the digits of w bits of
    [number_of b c]; of n codes [words_for b w n], the least number that holds them; *)
Theorem T29_size (b w n : nat) : (0 < w)%nat -> (n * b <= words_for b w n * w < n * b + w)%nat.
Proof. exact (PackedCodes.T29_size b w n). Qed.

(** every n and every width of codes and words: the codes are read back; *)
Theorem T29_pack (b w : nat) (c : list Z) : (0 < w)%nat -> of_bits b c ->
  length (packed b w c) = words_for b w (length c) /\ of_bits w (packed b w c) /\
  unpacked b w (length c) (packed b w c) = c.
Proof. exact (PackedCodes.T29_pack b w c). Qed.

(** bit k of the words ([bit_of w]: bit k mod w of word k / w, 0 beyond the last) is bit k of the
    codes; *)
Theorem T29_bits (b w : nat) (c : list Z) (k : nat) : (0 < b)%nat -> (0 < w)%nat -> of_bits b c ->
  bit_of w (packed b w c) k = bit_of b c k.
Proof. exact (PackedCodes.T29_bits b w c k). Qed.

(** one content has one text: words with zeros after the last code are the packing of what is read
    from them; *)
Theorem T29_one_text (b w n : nat) (p : list Z) : (0 < b)%nat -> (0 < w)%nat -> of_bits w p ->
  length p = words_for b w n -> (forall k, (n * b <= k)%nat -> bit_of w p k = false) ->
  length (unpacked b w n p) = n /\ of_bits b (unpacked b w n p) /\
  packed b w (unpacked b w n p) = p.
Proof. exact (PackedCodes.T29_one_text b w n p). Qed.

(** parts that fill whole words are packed one after the other; *)
Theorem T29_append (b w m : nat) (c d : list Z) : (0 < w)%nat -> of_bits b c ->
  (length c * b = m * w)%nat -> packed b w (c ++ d) = packed b w c ++ packed b w d.
Proof. exact (PackedCodes.T29_append b w m c d). Qed.

(** long words, each as k short ones with the lowest first, are the short words of the same codes,
    and zeros: 32-bit words in little-endian order (w = 8, k = 4) are the bytes. *)
Theorem T29_bytes (b w k : nat) (c : list Z) : (0 < w)%nat -> (0 < k)%nat -> of_bits b c ->
  flat_map (digits_of w k) (packed b (k * w) c)
  = packed b w c ++ repeat 0 (words_for b (k * w) (length c) * k - words_for b w (length c)).
Proof. exact (PackedCodes.T29_bytes b w k c). Qed.

(** Codes below zero: packed modulo 2^b and read in two's complement ([signed b]), *)
Theorem T29_signed (b w : nat) (c : list Z) : (0 < b)%nat -> (0 < w)%nat ->
  Forall (fun x => - power (b - 1) <= x < power (b - 1)) c ->
  map (signed b) (unpacked b w (length c) (packed b w (map (fun x => x mod power b) c))) = c.
Proof. exact (PackedCodes.T29_signed b w c). Qed.

(** or packed with a zero point z added. *)
Theorem T29_offset (b w : nat) (z : Z) (c : list Z) : (0 < w)%nat ->
  Forall (fun x => - z <= x < power b - z) c ->
  map (fun u => u - z) (unpacked b w (length c) (packed b w (map (fun x => x + z) c))) = c.
Proof. exact (PackedCodes.T29_offset b w z c). Qed.

(** Witness: nine codes of 3 bits are 27 bits, 4 bytes. *)
Lemma T29_pack_witness : let c := counting 3 9 in
  of_bits 3 c /\ c = [0; 1; 2; 3; 4; 5; 6; 7; 0] /\ words_for 3 8 9 = 4%nat /\
  packed 3 8 c = [0x88; 0xC6; 0xFA; 0] /\ unpacked 3 8 9 [0x88; 0xC6; 0xFA; 0] = c /\
  bit_of 8 (packed 3 8 c) 7 = true /\ bit_of 3 c 7 = true.
Proof. exact WitnessLayouts.T29_pack_witness. Qed.

(** Witness: the words that compressed-tensors makes of 32 counting codes of 3 to 7 bits. *)
Lemma T29_words_witness :
  packed 3 32 (counting 3 32) = [0x88FAC688; 0xC688FAC6; 0xFAC688FA] /\
  packed 4 32 (counting 4 32) = [0x76543210; 0xFEDCBA98; 0x76543210; 0xFEDCBA98] /\
  packed 5 32 (counting 5 32) = [0x8A418820; 0xC5A92839; 0xCA307B9A; 0x38BDAB49; 0xFFBBCDEB] /\
  packed 6 32 (counting 6 32)
  = [0x440C2040; 0xA2481C61; 0x3CE34C2C; 0x544D2450; 0xA6585D65; 0x7DE75C6D] /\
  packed 7 32 (counting 7 32)
  = [0x40608080; 0x880E1828; 0x68C16284; 0x88901E38; 0x58A94264; 0x668C982E; 0x3E78E9C3].
Proof. exact WitnessLayouts.T29_words_witness. Qed.

(** Witness: with one bit after the last code bytes are read as the same codes, and are another
    text. *)
Lemma T29_one_text_witness : let p := [0x88; 0xC6; 0xFA; 8] in
  of_bits 8 p /\ length p = words_for 3 8 9 /\ bit_of 8 p 27 = true /\
  unpacked 3 8 9 p = counting 3 9 /\ packed 3 8 (unpacked 3 8 9 p) = [0x88; 0xC6; 0xFA; 0].
Proof. exact WitnessLayouts.T29_one_text_witness. Qed.

(** Witness: eight codes of 4 bits are a word, a ninth takes one of its own. *)
Lemma T29_append_witness : let c := counting 4 8 in
  packed 4 32 (c ++ [15]) = [0x76543210; 15] /\
  flat_map (digits_of 8 4) (packed 4 32 (c ++ [15])) = [0x10; 0x32; 0x54; 0x76; 15; 0; 0; 0] /\
  packed 4 8 (c ++ [15]) = [0x10; 0x32; 0x54; 0x76; 15].
Proof. exact WitnessLayouts.T29_append_witness. Qed.

(** Witness: two's complement, the zero point 8, and the zero points of GPTQ's first version, which
    stores them less 1. *)
Lemma T29_signed_witness : let c := [-8; 7; -1; 0] in
  packed 4 8 (map (fun x => x mod power 4) c) = [0x78; 0x0F] /\
  map (signed 4) (unpacked 4 8 4 [0x78; 0x0F]) = c /\
  packed 4 8 (map (fun x => x + 8) c) = [0xF0; 0x87] /\
  map (fun u => u - 8) (unpacked 4 8 4 [0xF0; 0x87]) = c /\
  packed 4 32 (map (fun x => x + -1) [8; 8; 8; 8; 8; 8; 8; 8]) = [0x77777777].
Proof. exact WitnessLayouts.T29_signed_witness. Qed.

(** ** The layouts of other tools' files

    Bytes shuffled by k ([shuffled k]: those at the multiples of k, then those one place on, and so
    on; of a matrix of k columns, its transpose) come back, whatever their number. *)
Theorem T29_shuffle (k : nat) (l : list Z) : (0 < k)%nat ->
  length (shuffled k l) = length l /\ unshuffled k (shuffled k l) = l.
Proof. exact (WordLayouts.T29_shuffle k l). Qed.

(** compressed-tensors and GPTQ: [lines_of b n lines], the n codes of b bits of each output, are
    packed in 32-bit words; compressed-tensors ([line_words]) keeps the words of an output together,
    and each output begins a new word; *)
Theorem T29_compressed_tensors (b n : nat) (lines : list (list Z)) : lines_of b n lines ->
  let size := words_for b 32 n in let p := line_words b lines in
  length p = (length lines * size)%nat /\
  (forall o k, (o < length lines)%nat -> (k < size)%nat ->
    nth (o * size + k) p 0 = nth k (packed b 32 (nth o lines [])) 0) /\
  line_codes b n (length lines) p = lines.
Proof. exact (WordLayouts.T29_compressed_tensors b n lines). Qed.

(** GPTQ ([column_words]) the k-th words of all outputs: a matrix of a row for each k. *)
Theorem T29_gptq (b n : nat) (lines : list (list Z)) : (0 < n * b)%nat -> lines_of b n lines ->
  let size := words_for b 32 n in let p := column_words b n lines in
  length p = (size * length lines)%nat /\
  (forall o k, (o < length lines)%nat -> (k < size)%nat ->
    nth (k * length lines + o) p 0 = nth k (packed b 32 (nth o lines [])) 0) /\
  column_codes b n (length lines) p = lines.
Proof. exact (WordLayouts.T29_gptq b n lines). Qed.

(** GGUF, blocks of a scale of 16 bits and 32 codes ([block_of b 32]): Q4_0 is 18 bytes a block, *)
Theorem T29_q4_0 (blocks : list (Z * list Z)) : Forall (block_of 4 32) blocks ->
  length (flat_map q4_0 blocks) = (length blocks * 18)%nat /\
  map q4_0_block (pieces 18 (length blocks) (flat_map q4_0 blocks)) = blocks.
Proof. exact (WordLayouts.T29_q4_0 blocks). Qed.

(** Q8_0 34 bytes, *)
Theorem T29_q8_0 (blocks : list (Z * list Z)) : Forall (block_of 8 32) blocks ->
  length (flat_map q8_0 blocks) = (length blocks * 34)%nat /\
  map q8_0_block (pieces 34 (length blocks) (flat_map q8_0 blocks)) = blocks.
Proof. exact (WordLayouts.T29_q8_0 blocks). Qed.

(** and Q6_K 210 bytes for a scale, 16 scales of 8 bits and 256 codes of 6 bits ([q6_k_good]). *)
Theorem T29_q6_k (blocks : list (Z * list Z * list Z)) : Forall q6_k_good blocks ->
  length (flat_map q6_k blocks) = (length blocks * 210)%nat /\
  map q6_k_block (pieces 210 (length blocks) (flat_map q6_k blocks)) = blocks.
Proof. exact (WordLayouts.T29_q6_k blocks). Qed.

(** 2:4 sparsity: of blocks of four codes with two zeros at least ([two_of_four b]) a pair code of 3
    bits and two codes are kept; *)
Theorem T29_pairs (b : nat) (blocks : list (list Z)) : Forall (two_of_four b) blocks ->
  let n := length blocks in
  let codes := packed 3 8 (map pair_code blocks) in
  let values := packed b 8 (flat_map kept blocks) in
  length codes = words_for 3 8 n /\ length values = words_for b 8 (2 * n) /\
  map (fun '(code, two) => spread_pair code two)
    (combine (unpacked 3 8 n codes) (pieces 2 n (unpacked b 8 (2 * n) values))) = blocks.
Proof. exact (WordLayouts.T29_pairs b blocks). Qed.

(** as two places of 2 bits, how devices keep a pair, no two pairs are the same. *)
Theorem T29_pair_places (p q : Z) : 0 <= p < 6 -> 0 <= q < 6 ->
  (fst (pair_of p) < snd (pair_of p) < 4)%nat /\ 0 <= pair_places p < 16 /\
  (pair_places p = pair_places q -> p = q).
Proof. exact (WordLayouts.T29_pair_places p q). Qed.

(** Witness: five bytes in two parts, and a matrix of two rows, transposed. *)
Lemma T29_shuffle_witness :
  shuffled 2 [1; 2; 3; 4; 5] = [1; 3; 5; 2; 4] /\ unshuffled 2 [1; 3; 5; 2; 4] = [1; 2; 3; 4; 5] /\
  shuffled 3 [1; 2; 3; 4; 5; 6] = [1; 4; 2; 5; 3; 6].
Proof. exact WitnessLayouts.T29_shuffle_witness. Qed.

(** Witness: two outputs of sixteen inputs; with 3 bits the codes 10 and 21 lie in two words. *)
Lemma T29_gptq_witness : let lines := [counting 4 16; rev (counting 4 16)] in
  lines_of 4 16 lines /\
  line_words 4 lines = [0x76543210; 0xFEDCBA98; 0x89ABCDEF; 0x01234567] /\
  column_words 4 16 lines = [0x76543210; 0x89ABCDEF; 0xFEDCBA98; 0x01234567] /\
  line_codes 4 16 2 (line_words 4 lines) = lines /\
  column_codes 4 16 2 (column_words 4 16 lines) = lines /\
  column_words 3 32 [counting 3 32; counting 3 32]
  = [0x88FAC688; 0x88FAC688; 0xC688FAC6; 0xC688FAC6; 0xFAC688FA; 0xFAC688FA].
Proof. exact WitnessLayouts.T29_gptq_witness. Qed.

(** Witness: a block as llama.cpp's tool writes it: byte i holds the codes i and i + 16. *)
Lemma T29_q4_0_witness : block_of 4 32 (0x3400, q4_0_codes) /\
  q4_0 (0x3400, q4_0_codes)
  = [0x00; 0x34; 0x80; 0x91; 0x91; 0xA2; 0xA2; 0xB3; 0xB3; 0xC4; 0xC4; 0xD5; 0xD5; 0xE6; 0xE6; 0xF7;
     0xF7; 0xF8].
Proof. exact WitnessLayouts.T29_q4_0_witness. Qed.

(** Witness: the same weights as Q8_0. *)
Lemma T29_q8_0_witness : let c := map (fun x => x mod power 8) q8_0_codes in
  block_of 8 32 (0x2408, c) /\ map (signed 8) c = q8_0_codes /\
  q8_0 (0x2408, c)
  = [0x08; 0x24; 0x81; 0x89; 0x91; 0x99; 0xA1; 0xA9; 0xB1; 0xB9; 0xC0; 0xC8; 0xD0; 0xD8; 0xE0; 0xE8;
     0xF0; 0xF8; 0x00; 0x08; 0x10; 0x18; 0x20; 0x28; 0x30; 0x38; 0x40; 0x47; 0x4F; 0x57; 0x5F; 0x67;
     0x6F; 0x77].
Proof. exact WitnessLayouts.T29_q8_0_witness. Qed.

(** Witness: the codes 7 i mod 64; the low bits of the codes 0 and 64 come first, the high bits of
    the codes 0, 32, 64, 96 from byte 128 on. *)
Lemma T29_q6_k_witness : q6_k_good q6_k_example /\ length (q6_k q6_k_example) = 210%nat /\
  firstn 4 (q6_k q6_k_example) = [0x00; 0x77; 0xEE; 0x55] /\
  firstn 4 (skipn 128 (q6_k q6_k_example)) = [0x88; 0x88; 0x88; 0xDD] /\
  q6_k_block (q6_k q6_k_example) = q6_k_example.
Proof. exact WitnessLayouts.T29_q6_k_witness. Qed.

(** Witness: three blocks of 3-bit codes, one with nothing but zeros. *)
Lemma T29_pairs_witness : let blocks := [[5; 0; 0; 3]; [0; 0; 0; 0]; [0; 7; 1; 0]] in
  Forall (two_of_four 3) blocks /\ map pair_code blocks = [2; 0; 3] /\
  packed 3 8 (map pair_code blocks) = [0xC2; 0] /\
  flat_map kept blocks = [5; 3; 0; 0; 7; 1] /\
  spread_pair 2 [5; 3] = [5; 0; 0; 3] /\ spread_pair 3 [7; 1] = [0; 7; 1; 0] /\
  map pair_places [0; 1; 2; 3; 4; 5] = [4; 8; 12; 9; 13; 14].
Proof. exact WitnessLayouts.T29_pairs_witness. Qed.
