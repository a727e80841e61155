(** * What the codec means for values

    Purpose: consequences of T12 on the reals: decoding is exact, encoding is rounding to the
      nearest GF16 number, and encoding what was decoded gives the word back.
    Main results (T12): [decode32_value], [decode64_value], [encode32_value], [encode64_value],
      [encode32_error], [encode64_error], [encode32_decode32], [encode64_decode64],
      [encode32_decode32_nan], [encode64_decode64_nan].
    Bound functions: [half_ulp16].
    Depends on: [CodecEncode], [CodecDecode], [CodecSpec], [Convert].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Bool.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GF16 Format.Convert Format.BitProgram Format.CodecPrograms.
From Hallmark Require Import Format.CodecSpec Format.CodecEncode Format.CodecDecode.
Open Scope Z_scope.

Section Widen.

Variables prec emax : Z.
Context (Hprec : Prec_gt_0 prec) (Hemax : Prec_lt_emax prec emax).
Hypothesis prec_wide : 10 <= prec.
Hypothesis emax_wide : 32 <= emax.
Hypothesis emin_wide : 3 - emax - prec <= -39.
Variable nan : binary_float prec emax.

(** The GF16 numbers are numbers of every wider format. *)
Lemma gf16_format_wide x : gf16_format x ->
  generic_format radix2 (FLT_exp (3 - emax - prec) prec) x.
Proof.
  intros Hx; apply FLT_format_generic in Hx; [|exact gf16_prec_gt_0].
  destruct Hx as [g Hg Hmantissa Hexponent].
  apply generic_format_FLT; exists g; [exact Hg| |lia].
  eapply Z.lt_le_trans; [exact Hmantissa|apply Zpower_le; exact prec_wide].
Qed.

(** Converting a finite GF16 datum to a wider format keeps value and sign. *)
Lemma widen_finite x : is_finite 10 32 x = true ->
  let y := convert 10 32 prec emax Hprec Hemax nan x in
  is_finite prec emax y = true /\ B2R prec emax y = B2R 10 32 x /\
  Bsign prec emax y = Bsign 10 32 x.
Proof.
  intros Hx y.
  assert (Hexact : round radix2 (FLT_exp (3 - emax - prec) prec) ZnearestE (B2R 10 32 x)
                   = B2R 10 32 x).
  { apply round_generic; [typeclasses eauto|apply gf16_format_wide].
    exact (generic_format_B2R 10 32 x). }
  destruct (convert_finite 10 32 prec emax Hprec Hemax nan x Hx) as [Hfin [Hval Hsign]].
  - rewrite Hexact; eapply Rlt_le_trans; [apply abs_B2R_lt_emax|apply bpow_le; lia].
  - split; [exact Hfin|split; [rewrite <- Hexact; exact Hval|exact Hsign]].
Qed.

(** Converting a GF16 datum to a wider format and back changes NaNs only. *)
Lemma widen_narrow x : is_nan 10 32 x = false ->
  to_gf16 prec emax (convert 10 32 prec emax Hprec Hemax nan x) = x.
Proof.
  intros Hx; destruct (is_finite 10 32 x) eqn:Hfin.
  - destruct (widen_finite x Hfin) as [Hyfin [Hyval Hysign]].
    apply convert_exact; [exact Hyfin|exact Hfin|symmetry; exact Hyval|symmetry; exact Hysign].
  - destruct x; try discriminate; reflexivity.
Qed.

(** Encoding a finite datum of a wider format without overflow rounds its value. *)
Lemma narrow_value (x : binary_float prec emax) : is_finite prec emax x = true ->
  (Rabs (B2R prec emax x) <= gf16_max)%R ->
  decode (bits_of_gf16 (to_gf16 prec emax x)) = gf16_round (B2R prec emax x).
Proof.
  intros Hfin Hrange; unfold decode; rewrite decode_encode_bits.
  apply (convert_finite prec emax 10 32 _ _ gf16_nan x Hfin).
  change (Rabs (gf16_round (B2R prec emax x)) < bpow radix2 32)%R.
  eapply Rle_lt_trans; [apply gf16_no_overflow, Hrange|].
  unfold gf16_max; generalize (bpow_gt_0 radix2 22); lra.
Qed.

End Widen.

(** T12: the decoded binary32 word of a finite GF16 word has the same value. *)
Theorem decode32_value z : 0 <= z < 2 ^ 16 -> is_finite 10 32 (gf16_of_bits z) = true ->
  is_finite 24 128 (b32_of_bits (run decode32 z)) = true /\
  B2R 24 128 (b32_of_bits (run decode32 z)) = decode z.
Proof.
  intros Hz Hfin; rewrite (proj2 (decode32_correct z Hz)).
  unfold decode32_spec, b32_of_bits, bits_of_b32.
  rewrite (binary_float_of_bits_of_binary_float 23 8).
  destruct (widen_finite 24 128 _ _ ltac:(lia) ltac:(lia) ltac:(lia) b32_nan _ Hfin)
    as [Hyfin [Hyval _]].
  split; [exact Hyfin|exact Hyval].
Qed.

(** T12: the decoded binary64 word of a finite GF16 word has the same value. *)
Theorem decode64_value z : 0 <= z < 2 ^ 16 -> is_finite 10 32 (gf16_of_bits z) = true ->
  is_finite 53 1024 (b64_of_bits (run decode64 z)) = true /\
  B2R 53 1024 (b64_of_bits (run decode64 z)) = decode z.
Proof.
  intros Hz Hfin; rewrite (proj2 (decode64_correct z Hz)).
  unfold decode64_spec, b64_of_bits, bits_of_b64.
  rewrite (binary_float_of_bits_of_binary_float 52 11).
  destruct (widen_finite 53 1024 _ _ ltac:(lia) ltac:(lia) ltac:(lia) b64_nan _ Hfin)
    as [Hyfin [Hyval _]].
  split; [exact Hyfin|exact Hyval].
Qed.

(** T12: encoding a finite binary32 word in the range of GF16 rounds its value. *)
Theorem encode32_value z : 0 <= z < 2 ^ 32 -> is_finite 24 128 (b32_of_bits z) = true ->
  (Rabs (B2R 24 128 (b32_of_bits z)) <= gf16_max)%R ->
  decode (run encode32 z) = gf16_round (B2R 24 128 (b32_of_bits z)).
Proof.
  intros Hz Hfin Hrange; rewrite (proj2 (encode32_correct z Hz)).
  apply narrow_value; assumption.
Qed.

(** T12: encoding a finite binary64 word in the range of GF16 rounds its value. *)
Theorem encode64_value z : 0 <= z < 2 ^ 64 -> is_finite 53 1024 (b64_of_bits z) = true ->
  (Rabs (B2R 53 1024 (b64_of_bits z)) <= gf16_max)%R ->
  decode (run encode64 z) = gf16_round (B2R 53 1024 (b64_of_bits z)).
Proof.
  intros Hz Hfin Hrange; rewrite (proj2 (encode64_correct z Hz)).
  apply narrow_value; assumption.
Qed.

(** T7 and T12: encoding a binary32 word in range errs by at most max(2^-10 |x|, 2^-40). *)
Theorem encode32_error z : 0 <= z < 2 ^ 32 -> is_finite 24 128 (b32_of_bits z) = true ->
  (Rabs (B2R 24 128 (b32_of_bits z)) <= gf16_max)%R ->
  (Rabs (decode (run encode32 z) - B2R 24 128 (b32_of_bits z))
   <= half_ulp16 (B2R 24 128 (b32_of_bits z)))%R.
Proof. intros Hz Hfin Hrange; rewrite encode32_value by assumption; apply gf16_error. Qed.

(** T7 and T12: encoding a binary64 word in range errs by at most max(2^-10 |x|, 2^-40). *)
Theorem encode64_error z : 0 <= z < 2 ^ 64 -> is_finite 53 1024 (b64_of_bits z) = true ->
  (Rabs (B2R 53 1024 (b64_of_bits z)) <= gf16_max)%R ->
  (Rabs (decode (run encode64 z) - B2R 53 1024 (b64_of_bits z))
   <= half_ulp16 (B2R 53 1024 (b64_of_bits z)))%R.
Proof. intros Hz Hfin Hrange; rewrite encode64_value by assumption; apply gf16_error. Qed.

(** T12: decoding to binary32 and encoding gives the word back, unless it is a NaN. *)
Theorem encode32_decode32 z : 0 <= z < 2 ^ 16 -> is_nan 10 32 (gf16_of_bits z) = false ->
  run encode32 (run decode32 z) = z.
Proof.
  intros Hz Hnan; rewrite (proj2 (decode32_correct z Hz)).
  assert (Hrange : 0 <= decode32_spec z < 2 ^ 32)
    by (apply (bits_of_binary_float_range 23 8); reflexivity).
  rewrite (proj2 (encode32_correct _ Hrange)).
  unfold encode32_spec, decode32_spec, b32_of_bits, bits_of_b32.
  rewrite (binary_float_of_bits_of_binary_float 23 8).
  unfold gf16_to_b32; rewrite (widen_narrow 24 128) by (assumption || lia).
  apply encode_decode_bits; exact Hz.
Qed.

(** T12: decoding to binary64 and encoding gives the word back, unless it is a NaN. *)
Theorem encode64_decode64 z : 0 <= z < 2 ^ 16 -> is_nan 10 32 (gf16_of_bits z) = false ->
  run encode64 (run decode64 z) = z.
Proof.
  intros Hz Hnan; rewrite (proj2 (decode64_correct z Hz)).
  assert (Hrange : 0 <= decode64_spec z < 2 ^ 64)
    by (apply (bits_of_binary_float_range 52 11); reflexivity).
  rewrite (proj2 (encode64_correct _ Hrange)).
  unfold encode64_spec, decode64_spec, b64_of_bits, bits_of_b64.
  rewrite (binary_float_of_bits_of_binary_float 52 11).
  unfold gf16_to_b64; rewrite (widen_narrow 53 1024) by (assumption || lia).
  apply encode_decode_bits; exact Hz.
Qed.

(** T12: every NaN becomes the canonical one on the way through binary32. *)
Theorem encode32_decode32_nan z : 0 <= z < 2 ^ 16 -> is_nan 10 32 (gf16_of_bits z) = true ->
  run decode32 z = 0x7FC00000 /\ run encode32 (run decode32 z) = 0x7E01.
Proof.
  intros Hz Hnan.
  assert (Hdecode : run decode32 z = 0x7FC00000).
  { rewrite (proj2 (decode32_correct z Hz)); unfold decode32_spec.
    destruct (gf16_of_bits z); try discriminate Hnan; reflexivity. }
  rewrite Hdecode; split; reflexivity.
Qed.

(** T12: every NaN becomes the canonical one on the way through binary64. *)
Theorem encode64_decode64_nan z : 0 <= z < 2 ^ 16 -> is_nan 10 32 (gf16_of_bits z) = true ->
  run decode64 z = 0x7FF8000000000000 /\ run encode64 (run decode64 z) = 0x7E01.
Proof.
  intros Hz Hnan.
  assert (Hdecode : run decode64 z = 0x7FF8000000000000).
  { rewrite (proj2 (decode64_correct z Hz)); unfold decode64_spec.
    destruct (gf16_of_bits z); try discriminate Hnan; reflexivity. }
  rewrite Hdecode; split; reflexivity.
Qed.
