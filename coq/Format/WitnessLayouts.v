(** * Codes and words that the theorems about packing speak of

    Purpose: small instances of T29 with every number written out: words that other tools have made
      of known codes, and one content with two texts where the padding is not zero.
    Main results: the witnesses of T29.
    Depends on: Format/PackedCodes, Format/WordLayouts.
    Source: the published layouts; the words of Q4_0, Q8_0 and compressed-tensors were made by their
      own tools. *)
From Coq Require Import ZArith Lia List.
From Hallmark.Format Require Import PackedCodes WordLayouts.
Import ListNotations.
Open Scope Z_scope.

(** The codes 0, 1, 2, .. mod 2^b, n of them. *)
Definition counting (b n : nat) : list Z := map (fun i => Z.of_nat i mod power b) (seq 0 n).

Lemma counting_of_bits b n : of_bits b (counting b n).
Proof. apply Forall_map, Forall_forall; intros i _; apply Z.mod_pos_bound, power_pos. Qed.

(** Nine codes of 3 bits are 27 bits, 4 bytes. *)
Lemma T29_pack_witness : let c := counting 3 9 in
  of_bits 3 c /\ c = [0; 1; 2; 3; 4; 5; 6; 7; 0] /\ words_for 3 8 9 = 4%nat /\
  packed 3 8 c = [0x88; 0xC6; 0xFA; 0] /\ unpacked 3 8 9 [0x88; 0xC6; 0xFA; 0] = c /\
  bit_of 8 (packed 3 8 c) 7 = true /\ bit_of 3 c 7 = true.
Proof. split; [apply counting_of_bits|repeat split]. Qed.

(** In words of 32 bits: what compressed-tensors makes of 32 counting codes of 3 to 7 bits. *)
Lemma T29_words_witness :
  packed 3 32 (counting 3 32) = [0x88FAC688; 0xC688FAC6; 0xFAC688FA] /\
  packed 4 32 (counting 4 32) = [0x76543210; 0xFEDCBA98; 0x76543210; 0xFEDCBA98] /\
  packed 5 32 (counting 5 32) = [0x8A418820; 0xC5A92839; 0xCA307B9A; 0x38BDAB49; 0xFFBBCDEB] /\
  packed 6 32 (counting 6 32)
  = [0x440C2040; 0xA2481C61; 0x3CE34C2C; 0x544D2450; 0xA6585D65; 0x7DE75C6D] /\
  packed 7 32 (counting 7 32)
  = [0x40608080; 0x880E1828; 0x68C16284; 0x88901E38; 0x58A94264; 0x668C982E; 0x3E78E9C3].
Proof. repeat split. Qed.

(** Bytes with a bit after the last code are read as the same codes, and are not their packing. *)
Lemma T29_one_text_witness : let p := [0x88; 0xC6; 0xFA; 8] in
  of_bits 8 p /\ length p = words_for 3 8 9 /\ bit_of 8 p 27 = true /\
  unpacked 3 8 9 p = counting 3 9 /\ packed 3 8 (unpacked 3 8 9 p) = [0x88; 0xC6; 0xFA; 0].
Proof.
split; [|repeat split]; cbv zeta; unfold of_bits, power.
repeat (apply Forall_cons; [cbn; lia|]); apply Forall_nil.
Qed.

(** Eight codes of 4 bits are a whole word, a ninth takes one of its own. *)
Lemma T29_append_witness : let c := counting 4 8 in
  packed 4 32 (c ++ [15]) = [0x76543210; 15] /\
  flat_map (digits_of 8 4) (packed 4 32 (c ++ [15])) = [0x10; 0x32; 0x54; 0x76; 15; 0; 0; 0] /\
  packed 4 8 (c ++ [15]) = [0x10; 0x32; 0x54; 0x76; 15].
Proof. repeat split. Qed.

(** Two's complement and the offset 8 at 4 bits; GPTQ's first version stores zero points less 1. *)
Lemma T29_signed_witness : let c := [-8; 7; -1; 0] in
  packed 4 8 (map (fun x => x mod power 4) c) = [0x78; 0x0F] /\
  map (signed 4) (unpacked 4 8 4 [0x78; 0x0F]) = c /\
  packed 4 8 (map (fun x => x + 8) c) = [0xF0; 0x87] /\
  map (fun u => u - 8) (unpacked 4 8 4 [0xF0; 0x87]) = c /\
  packed 4 32 (map (fun x => x + -1) [8; 8; 8; 8; 8; 8; 8; 8]) = [0x77777777].
Proof. repeat split. Qed.

(** Five entries in two parts, and a matrix of two rows, transposed. *)
Lemma T29_shuffle_witness :
  shuffled 2 [1; 2; 3; 4; 5] = [1; 3; 5; 2; 4] /\ unshuffled 2 [1; 3; 5; 2; 4] = [1; 2; 3; 4; 5] /\
  shuffled 3 [1; 2; 3; 4; 5; 6] = [1; 4; 2; 5; 3; 6].
Proof. repeat split. Qed.

(** Two outputs of sixteen inputs; three bits, whose codes 10 and 21 lie in two words each. *)
Lemma T29_gptq_witness : let lines := [counting 4 16; rev (counting 4 16)] in
  lines_of 4 16 lines /\
  line_words 4 lines = [0x76543210; 0xFEDCBA98; 0x89ABCDEF; 0x01234567] /\
  column_words 4 16 lines = [0x76543210; 0x89ABCDEF; 0xFEDCBA98; 0x01234567] /\
  line_codes 4 16 2 (line_words 4 lines) = lines /\
  column_codes 4 16 2 (column_words 4 16 lines) = lines /\
  column_words 3 32 [counting 3 32; counting 3 32]
  = [0x88FAC688; 0x88FAC688; 0xC688FAC6; 0xC688FAC6; 0xFAC688FA; 0xFAC688FA].
Proof.
split; [|repeat split]; cbv zeta.
apply Forall_cons; [split; [reflexivity|apply counting_of_bits]|].
apply Forall_cons; [split; [reflexivity|apply Forall_rev, counting_of_bits]|apply Forall_nil].
Qed.

(** What llama.cpp's tool makes of x_i = (i - 16) / 8: scales 1/4 and 129/8192. *)
Definition q4_0_codes : list Z :=
  [0; 1; 1; 2; 2; 3; 3; 4; 4; 5; 5; 6; 6; 7; 7; 8;
   8; 9; 9; 10; 10; 11; 11; 12; 12; 13; 13; 14; 14; 15; 15; 15].

Definition q8_0_codes : list Z :=
  [-127; -119; -111; -103; -95; -87; -79; -71; -64; -56; -48; -40; -32; -24; -16; -8;
   0; 8; 16; 24; 32; 40; 48; 56; 64; 71; 79; 87; 95; 103; 111; 119].

(** Codes that differ within 64, the scales -8 .. 7 in two's complement, and 2^-6. *)
Definition q6_k_example : Z * list Z * list Z :=
  (0x2400, map (fun j => (Z.of_nat j - 8) mod 256) (seq 0 16),
   map (fun i => (7 * Z.of_nat i) mod 64) (seq 0 256)).

Lemma T29_q4_0_witness : block_of 4 32 (0x3400, q4_0_codes) /\
  q4_0 (0x3400, q4_0_codes)
  = [0x00; 0x34; 0x80; 0x91; 0x91; 0xA2; 0xA2; 0xB3; 0xB3; 0xC4; 0xC4; 0xD5; 0xD5; 0xE6; 0xE6; 0xF7;
     0xF7; 0xF8].
Proof.
split; [|reflexivity]; split; [cbn; lia|split; [reflexivity|]].
unfold of_bits, power; cbn [snd]; repeat (apply Forall_cons; [cbn; lia|]); apply Forall_nil.
Qed.

Lemma T29_q8_0_witness : let c := map (fun x => x mod power 8) q8_0_codes in
  block_of 8 32 (0x2408, c) /\ map (signed 8) c = q8_0_codes /\
  q8_0 (0x2408, c)
  = [0x08; 0x24; 0x81; 0x89; 0x91; 0x99; 0xA1; 0xA9; 0xB1; 0xB9; 0xC0; 0xC8; 0xD0; 0xD8; 0xE0; 0xE8;
     0xF0; 0xF8; 0x00; 0x08; 0x10; 0x18; 0x20; 0x28; 0x30; 0x38; 0x40; 0x47; 0x4F; 0x57; 0x5F; 0x67;
     0x6F; 0x77].
Proof.
split; [|split; reflexivity]; split; [cbn; lia|split; [reflexivity|]].
apply Forall_map, Forall_forall; intros x _; apply Z.mod_pos_bound, power_pos.
Qed.

Lemma T29_q6_k_witness : q6_k_good q6_k_example /\ length (q6_k q6_k_example) = 210%nat /\
  firstn 4 (q6_k q6_k_example) = [0x00; 0x77; 0xEE; 0x55] /\
  firstn 4 (skipn 128 (q6_k q6_k_example)) = [0x88; 0x88; 0x88; 0xDD] /\
  q6_k_block (q6_k q6_k_example) = q6_k_example.
Proof.
split; [|repeat split].
split; [cbn; lia|split; [reflexivity|split; [|split; [reflexivity|]]]];
  apply Forall_map, Forall_forall; intros i _; apply Z.mod_pos_bound; reflexivity.
Qed.

(** Three blocks of 3-bit codes, one with nothing but zeros. *)
Lemma T29_pairs_witness : let blocks := [[5; 0; 0; 3]; [0; 0; 0; 0]; [0; 7; 1; 0]] in
  Forall (two_of_four 3) blocks /\ map pair_code blocks = [2; 0; 3] /\
  packed 3 8 (map pair_code blocks) = [0xC2; 0] /\
  flat_map kept blocks = [5; 3; 0; 0; 7; 1] /\
  spread_pair 2 [5; 3] = [5; 0; 0; 3] /\ spread_pair 3 [7; 1] = [0; 7; 1; 0] /\
  map pair_places [0; 1; 2; 3; 4; 5] = [4; 8; 12; 9; 13; 14].
Proof.
split; [|repeat split]; unfold two_of_four, of_bits, power.
repeat (apply Forall_cons; [split; [reflexivity|split]; [|cbn; lia];
  repeat (apply Forall_cons; [cbn; lia|]); apply Forall_nil|]); apply Forall_nil.
Qed.
