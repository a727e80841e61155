(** * The published theorems about the format GF16: T7 and T12

    Purpose: the facts of the format and GPTQ's bound on its grid (T7), and the codec (T12).
      Headline.v explains the words used.
    Main results: the names that begin with T7 and T12.
    Depends on: the theorem files and witness files of Format, Gptq/GoldenGrid.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith Reals List Lra.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark.Format Require Import GF16 ScaledGrid.
From Hallmark.Format Require AllWords BitProgram CodecPrograms CodecSpec Codec Golden WitnessFormat.
From Hallmark.Format Require CodecEncode CodecDecode.
From Hallmark.Gptq Require Import Sums Matrix Gptq Concrete Counterexample GoldenGrid.
From Hallmark.Gptq Require WitnessTheorems.
Import ListNotations.
Open Scope R_scope.

(** ** T7: the format GF16

    GF16 has 1 sign bit, 6 exponent bits (bias 31) and 9 fraction bits; [gf16_round x] is the
    nearest of its numbers, ties to even, the exponent unbounded above.  One rounding errs by at
    most [half_ulp16 x] = max(2^-10 |x|, 2^-40); *)
Theorem T7_gf16_error (x : R) :
  Rabs (gf16_round x - x) <= Rmax (bpow radix2 (-10) * Rabs x) (bpow radix2 (-40)).
Proof. exact (GF16.gf16_error x). Qed.

(** no point of the range is nearer; *)
Theorem T7_gf16_nearest (x y : R) : Rabs (x - gf16_round x) <= Rabs (x - gf16_round y).
Proof. exact (GF16.gf16_nearest x y). Qed.

(** and numbers up to the largest finite one, [gf16_max] = 2^32 - 2^22, stay there, so that rounding
    them is what the 16-bit words can hold. *)
Theorem T7_gf16_no_overflow (x : R) : Rabs x <= gf16_max -> Rabs (gf16_round x) <= gf16_max.
Proof. exact (GF16.gf16_no_overflow x). Qed.

(** Witnesses: the error bound is reached at 2^-40; the nearest point is not unique at the tie
    1025/1024, where the even one is taken; and the largest number is 4290772992, the word 0x7DFF
    ([decode] is the real value of a word). *)
Lemma T7_gf16_error_witness :
  Rabs (gf16_round (bpow radix2 (-40)) - bpow radix2 (-40)) = half_ulp16 (bpow radix2 (-40)).
Proof. exact WitnessFormat.witness_gf16_error. Qed.

Lemma T7_gf16_nearest_witness :
  gf16_round (1025 / 1024) = 1 /\ gf16_round (513 / 512) = 513 / 512 /\
  Rabs (1025 / 1024 - gf16_round (1025 / 1024)) = Rabs (1025 / 1024 - gf16_round (513 / 512)).
Proof. exact WitnessFormat.witness_gf16_nearest. Qed.

Lemma T7_gf16_no_overflow_witness : gf16_max = 4290772992 /\ decode 0x7DFF = gf16_max.
Proof. exact WitnessFormat.witness_gf16_no_overflow. Qed.

(** Every one of the 65,536 words is decoded to an exact dyadic number and encoded again, by
    computation inside Coq: all come back but NaN, and -0, whose sign a dyadic number does not
    carry. *)
Theorem T7_all_words (z : Z) : (0 <= z < 65536)%Z ->
  match Word.gf16_dyadic z with
  | Some d => (encode (Fnum d) (Fexp d) =? (if z =? 0x8000 then 0 else z))%Z
  | None => (0x7E00 <=? z mod 0x8000)%Z
  end = true.
Proof. exact (AllWords.all_words_reencoded z). Qed.

(** Witness: 0x3733 is 819 2^-13, -0 is the number 0, and NaN is none. *)
Lemma T7_all_words_witness :
  Word.gf16_dyadic 0x3733 = Some (Float radix2 819 (-13)) /\ encode 819 (-13) = 0x3733%Z /\
  option_map F2R (Word.gf16_dyadic 0x8000) = Some 0 /\ Word.gf16_dyadic 0x7E01 = None.
Proof. exact WitnessFormat.witness_all_words. Qed.

(** GPTQ on GF16 with one positive scale s_j per column ([gf16_columns s]) loses at most
    sum_j d_j (s_j max(2^-10 |u_j/s_j|, 2^-40))^2; [gf16_half_gap s j x] is
    s_j half_ulp16 (x/s_j). *)
Theorem T7_gptq_bound (n : nat) (H U : mat) (d w q s : vec) : udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> 0 < s j) -> is_gptq n (gf16_columns s) U w q ->
  qform n H (vsub w q) <= bsum n (fun j => d j * gf16_half_gap s j (comp U w q j) ^ 2).
Proof. exact (GoldenGrid.T7_gptq_bound n H U d w q s). Qed.

(** Witness: on T5's GF16 row the loss 51/2^21 is below the bound, which is below 2^-13. *)
Lemma T7_gptq_witness : let w := t5_w (3 / 2) (1 / 512) in let q := t5_q (3 / 2) (1 / 512) in
  let s := fun _ => 1 in
  is_gptq 3 (gf16_columns s) t5_U w q /\
  qform 3 (hess 0 (gram 3 t5_X)) (vsub w q) = 51 / 2097152 /\
  51 / 2097152 <= bsum 3 (fun j => t5_d j * gf16_half_gap s j (comp t5_U w q j) ^ 2) /\
  bsum 3 (fun j => t5_d j * gf16_half_gap s j (comp t5_U w q j) ^ 2) < 1 / 8192.
Proof. exact WitnessTheorems.T7_witness. Qed.

(** Where the name comes from: phi^2 + phi^-2 = 3 (a fact without hypotheses), and among the splits
    of 15 bits into exponent and fraction 6:9 is nearest to the golden ratio in two senses,
    |e/m - 1/phi| = 0.0486.. and |m/15 - 1/phi| = 0.0180..; nothing else in the development depends
    on this. *)
Theorem T7_phi_identity : Golden.phi ^ 2 + / Golden.phi ^ 2 = 3.
Proof. exact Golden.phi_identity. Qed.

Theorem T7_split_minimal (e m : Z) : (1 <= e)%Z -> (1 <= m)%Z -> (e + m = 15)%Z -> (e <> 6)%Z ->
  Rabs (6 / 9 - / Golden.phi) < Rabs (IZR e / IZR m - / Golden.phi) /\
  Rabs (9 / 15 - / Golden.phi) < Rabs (IZR m / 15 - / Golden.phi).
Proof.
exact (fun e1 m1 sum other =>
  conj (Golden.split_ratio_minimal e m e1 m1 sum other)
       (Golden.split_share_minimal e m e1 m1 sum other)).
Qed.

(** Witness: the runner-up 5:10 is at 0.118 and 0.048. *)
Lemma T7_split_witness :
  Golden.split_ratio 6 9 < 487 / 10000 < 118 / 1000 /\ 118 / 1000 < Golden.split_ratio 5 10 /\
  Golden.split_share 9 < 181 / 10000 < 48 / 1000 /\ 48 / 1000 < Golden.split_share 10.
Proof. exact WitnessFormat.witness_split. Qed.

(** ** T12: the codec

    [encode32], [encode64], [decode32], [decode64] are straight-line programs of shifts, masks,
    additions and selections on unsigned words ([BitProgram]); [computes p x r] says that on x every
    shift of the program p is below its width and that its output is r.  The specifications are
    Flocq's conversions, to nearest even, with one canonical NaN.  Every word is covered: NaN,
    infinities, signed zeros, subnormals, overflow. *)
Theorem T12_encode32_correct (z : Z) : (0 <= z < 2 ^ 32)%Z ->
  BitProgram.computes CodecPrograms.encode32 z
    (bits_of_gf16 (CodecSpec.to_gf16 24 128 (b32_of_bits z))).
Proof. exact (CodecEncode.encode32_correct z). Qed.

Theorem T12_encode64_correct (z : Z) : (0 <= z < 2 ^ 64)%Z ->
  BitProgram.computes CodecPrograms.encode64 z
    (bits_of_gf16 (CodecSpec.to_gf16 53 1024 (b64_of_bits z))).
Proof. exact (CodecEncode.encode64_correct z). Qed.

Theorem T12_decode32_correct (z : Z) : (0 <= z < 2 ^ 16)%Z ->
  BitProgram.computes CodecPrograms.decode32 z
    (bits_of_b32 (CodecSpec.gf16_to_b32 (gf16_of_bits z))).
Proof. exact (CodecDecode.decode32_correct z). Qed.

Theorem T12_decode64_correct (z : Z) : (0 <= z < 2 ^ 16)%Z ->
  BitProgram.computes CodecPrograms.decode64 z
    (bits_of_b64 (CodecSpec.gf16_to_b64 (gf16_of_bits z))).
Proof. exact (CodecDecode.decode64_correct z). Qed.

(** What that means for values: encoding a finite binary32 word in range rounds its value. *)
Theorem T12_encode32_value (z : Z) : (0 <= z < 2 ^ 32)%Z ->
  is_finite 24 128 (b32_of_bits z) = true ->
  Rabs (B2R 24 128 (b32_of_bits z)) <= gf16_max ->
  decode (BitProgram.run CodecPrograms.encode32 z) = gf16_round (B2R 24 128 (b32_of_bits z)).
Proof. exact (Codec.encode32_value z). Qed.

(** Witness: the binary32 number nearest to 0.1, whose word 0x3DCCCCCD becomes 0x3733. *)
Lemma T12_encode32_value_witness : let x := B2R 24 128 (b32_of_bits 0x3DCCCCCD) in
  is_finite 24 128 (b32_of_bits 0x3DCCCCCD) = true /\ Rabs x <= gf16_max /\
  x = 13421773 / 134217728 /\ BitProgram.run CodecPrograms.encode32 0x3DCCCCCD = 0x3733%Z /\
  decode 0x3733 = gf16_round x /\ decode 0x3733 = 819 / 8192.
Proof. exact WitnessFormat.witness_encode32_value. Qed.

(** Witnesses: the words of the format's specification, encoded from binary32 and from binary64,
    decoded to both. *)
Lemma T12_encode32_witness :
  map (fun v => BitProgram.run CodecPrograms.encode32 (fst v)) WitnessFormat.vectors32
  = map snd WitnessFormat.vectors32 /\
  map (fun v => CodecSpec.encode32_spec (fst v)) WitnessFormat.vectors32
  = map snd WitnessFormat.vectors32.
Proof. exact WitnessFormat.witness_encode32_correct. Qed.

Lemma T12_encode64_witness :
  map (fun v => BitProgram.run CodecPrograms.encode64 (fst v)) WitnessFormat.vectors64
  = map snd WitnessFormat.vectors64 /\
  map (fun v => CodecSpec.encode64_spec (fst v)) WitnessFormat.vectors64
  = map snd WitnessFormat.vectors64.
Proof. exact WitnessFormat.witness_encode64_correct. Qed.

Lemma T12_decode32_witness :
  map (fun v => BitProgram.run CodecPrograms.decode32 (fst v)) WitnessFormat.decoded_vectors32
  = map snd WitnessFormat.decoded_vectors32 /\
  map (fun v => CodecSpec.decode32_spec (fst v)) WitnessFormat.decoded_vectors32
  = map snd WitnessFormat.decoded_vectors32.
Proof. exact WitnessFormat.witness_decode32_correct. Qed.

Lemma T12_decode64_witness :
  map (fun v => BitProgram.run CodecPrograms.decode64 (fst v)) WitnessFormat.decoded_vectors64
  = map snd WitnessFormat.decoded_vectors64 /\
  map (fun v => CodecSpec.decode64_spec (fst v)) WitnessFormat.decoded_vectors64
  = map snd WitnessFormat.decoded_vectors64.
Proof. exact WitnessFormat.witness_decode64_correct. Qed.
