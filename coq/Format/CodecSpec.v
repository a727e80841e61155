(** * What the codec has to compute

    Purpose: the conversions of Flocq between GF16 and binary32 or binary64, on words.  Encoding
      rounds to nearest, ties to even, once; every NaN becomes the canonical NaN of the result
      (0x7E01, 0x7FC00000, 0x7FF8000000000000); infinities and signed zeros stay.
    Main definitions: [encode32_spec], [encode64_spec], [decode32_spec], [decode64_spec].
    Main results: [encode_fields], [decode_fields]: the word of the result from the fields of the
      argument; [encode32_spec_value] and its kin: the same for values.
    Depends on: [GF16], [Word], [Convert], [RoundShift]; Flocq.
    Source: IEEE 754-2019, section 5.4.2 (formatOf conversions). *)
From Coq Require Import ZArith Reals Lia Lra Bool.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GF16 Format.Word Format.Convert Format.RoundShift.
Open Scope Z_scope.

(** The precision of binary32 is positive. *)
#[global] Instance b32_prec_gt_0 : Prec_gt_0 24.
Proof. reflexivity. Qed.

(** The precision of binary32 is below its largest exponent. *)
#[global] Instance b32_prec_lt_emax : Prec_lt_emax 24 128.
Proof. reflexivity. Qed.

(** The precision of binary64 is positive. *)
#[global] Instance b64_prec_gt_0 : Prec_gt_0 53.
Proof. reflexivity. Qed.

(** The precision of binary64 is below its largest exponent. *)
#[global] Instance b64_prec_lt_emax : Prec_lt_emax 53 1024.
Proof. reflexivity. Qed.

(** The canonical NaN of GF16. *)
Definition gf16_nan : gf16 := gf16_of_bits 0x7E01.

(** The canonical NaN of binary32. *)
Definition b32_nan : binary32 := b32_of_bits 0x7FC00000.

(** The canonical NaN of binary64. *)
Definition b64_nan : binary64 := b64_of_bits 0x7FF8000000000000.

(** The datum of GF16 nearest to a datum of another format. *)
Definition to_gf16 (prec emax : Z) : binary_float prec emax -> gf16 :=
  convert prec emax 10 32 _ _ gf16_nan.

(** A datum of GF16 in binary32. *)
Definition gf16_to_b32 : gf16 -> binary32 := convert 10 32 24 128 _ _ b32_nan.

(** A datum of GF16 in binary64. *)
Definition gf16_to_b64 : gf16 -> binary64 := convert 10 32 53 1024 _ _ b64_nan.

(** The GF16 word of a binary32 word. *)
Definition encode32_spec (z : Z) : Z := bits_of_gf16 (to_gf16 24 128 (b32_of_bits z)).

(** The GF16 word of a binary64 word. *)
Definition encode64_spec (z : Z) : Z := bits_of_gf16 (to_gf16 53 1024 (b64_of_bits z)).

(** The binary32 word of a GF16 word. *)
Definition decode32_spec (z : Z) : Z := bits_of_b32 (gf16_to_b32 (gf16_of_bits z)).

(** The binary64 word of a GF16 word. *)
Definition decode64_spec (z : Z) : Z := bits_of_b64 (gf16_to_b64 (gf16_of_bits z)).

(** The sign bit of a word whose other bits are n. *)
Definition sign_bit (n : Z) (s : bool) : Z := if s then 2 ^ n else 0.

(** Joining fields is adding them in their places. *)
Lemma join_bits_sum mw ew s f e : 0 <= mw -> 0 <= ew ->
  join_bits mw ew s f e = sign_bit (mw + ew) s + e * 2 ^ mw + f.
Proof.
  intros Hmw Hew; unfold join_bits, sign_bit.
  rewrite Z.shiftl_mul_pow2, Z.pow_add_r by lia.
  destruct s; lia.
Qed.

(** The datum of joined GF16 fields, for a finite magnitude k * 512 + q. *)
Lemma gf16_magnitude s k q : 0 <= k -> 0 <= q <= 1024 -> k = 0 \/ 512 <= q ->
  k * 512 + q < 0x7E00 ->
  let y := gf16_of_bits (sign_bit 15 s + (k * 512 + q)) in
  is_finite 10 32 y = true /\ Bsign 10 32 y = s /\
  B2R 10 32 y = F2R (Float radix2 (cond_Zopp s q) (k - 39)).
Proof.
  intros Hk Hq Hnormal Hmax y.
  assert (Hfields : forall f e, 0 <= f < 512 -> 0 <= e < 63 -> k * 512 + q = e * 512 + f ->
    is_finite 10 32 y = true /\ Bsign 10 32 y = s /\
    B2R 10 32 y = F2R (Float radix2 (cond_Zopp s (significand 9 f e)) (exponent 9 6 e))).
  { intros f e Hf He Hsum; unfold y; rewrite Hsum.
    replace (sign_bit 15 s + (e * 512 + f)) with (join_bits 9 6 s f e)
      by (rewrite join_bits_sum by lia; change (2 ^ 9) with 512; simpl (9 + 6); lia).
    exact (fields_finite 9 6 eq_refl eq_refl eq_refl s f e Hf He). }
  destruct (Z_lt_le_dec q 512) as [Hsub|Hnorm].
  - destruct Hnormal as [->|Hfalse]; [|lia].
    exact (Hfields q 0 ltac:(lia) ltac:(lia) ltac:(lia)).
  - destruct (Z.eq_dec q 1024) as [Hcarry|Hinside].
    + destruct (Hfields 0 (k + 2) ltac:(lia) ltac:(lia) ltac:(lia)) as [Hfin [Hsign Hval]].
      split; [exact Hfin|split; [exact Hsign|rewrite Hval]].
      unfold significand, exponent; rewrite (proj2 (Z.eqb_neq (k + 2) 0)) by lia.
      rewrite Hcarry; replace (Z.max (k + 2) 1 + 1 - 2 ^ (6 - 1) - 9) with (1 + (k - 39)) by lia.
      unfold F2R; cbn [Fnum Fexp]; rewrite bpow_plus.
      destruct s; simpl cond_Zopp; change (bpow radix2 1) with 2%R; lra.
    + destruct (Hfields (q - 512) (k + 1) ltac:(lia) ltac:(lia) ltac:(lia))
        as [Hfin [Hsign Hval]].
      split; [exact Hfin|split; [exact Hsign|rewrite Hval]].
      unfold significand, exponent; rewrite (proj2 (Z.eqb_neq (k + 1) 0)) by lia.
      f_equal; f_equal; [f_equal|]; change (2 ^ 9) with 512; change (2 ^ (6 - 1)) with 32; lia.
Qed.

(** The GF16 word of a finite datum with value +-m * 2^e: the shift that brings its unit to the
    last place of the result gives the magnitude, with overflow as a minimum. *)
Theorem encode_fields prec emax (x : binary_float prec emax) s m e k sh :
  is_finite prec emax x = true -> Bsign prec emax x = s ->
  B2R prec emax x = F2R (Float radix2 (cond_Zopp s m) e) ->
  0 < sh -> 0 <= k -> e + sh = k - 39 -> 0 <= m < 2 ^ (10 + sh) -> k = 0 \/ 2 ^ (9 + sh) <= m ->
  bits_of_gf16 (to_gf16 prec emax x)
  = sign_bit 15 s + Z.min (k * 512 + round_shift m sh) 0x7E00.
Proof.
  intros Hfin Hsign Hval Hsh Hk Hunit Hm Hnormal.
  set (q := round_shift m sh).
  assert (Hq : 0 <= q <= 1024).
  { apply round_shift_bounds; [exact Hsh|].
    rewrite Z.pow_add_r in Hm by lia; change (2 ^ 10) with 1024 in Hm; lia. }
  assert (Hq512 : k = 0 \/ 512 <= q).
  { destruct Hnormal as [Hk0|Hlower]; [left; exact Hk0|right].
    apply (round_shift_bounds 512 1024); [exact Hsh|].
    rewrite Z.pow_add_r in Hm, Hlower by lia.
    change (2 ^ 10) with 1024 in Hm; change (2 ^ 9) with 512 in Hlower; lia. }
  assert (Hround : gf16_round (B2R prec emax x) = F2R (Float radix2 (cond_Zopp s q) (k - 39))).
  { rewrite Hval, !F2R_cond_Zopp.
    assert (Hpos : gf16_round (F2R (Float radix2 m e)) = F2R (Float radix2 q (k - 39))).
    { rewrite <- Hunit; apply gf16_round_significand; [exact Hsh|exact Hm|lia|].
      destruct Hnormal as [Hk0|Hlower]; [left; lia|right; exact Hlower]. }
    destruct s; simpl cond_Ropp; [rewrite gf16_opp|]; rewrite Hpos; reflexivity. }
  assert (Hsbit : sign_bit 15 s = 0 \/ sign_bit 15 s = 32768)
    by (destruct s; [right|left]; reflexivity).
  destruct (Z_lt_le_dec (k * 512 + q) 0x7E00) as [Hfits|Hover].
  - rewrite Z.min_l by lia.
    destruct (gf16_magnitude s k q Hk Hq Hq512 Hfits) as [Hyfin [Hysign Hyval]].
    rewrite <- (encode_decode_bits (sign_bit 15 s + (k * 512 + q))) by lia.
    f_equal; apply convert_unique; [exact Hfin|exact Hyfin| |congruence].
    rewrite Hyval; symmetry; exact Hround.
  - rewrite Z.min_r by lia.
    unfold to_gf16; rewrite convert_overflow; [|exact Hfin|].
    + rewrite Hsign; destruct s; reflexivity.
    + change (FLT_exp (3 - 32 - 10) 10) with fexp16.
      fold (gf16_round (B2R prec emax x)); rewrite Hround, <- F2R_Zabs.
      rewrite abs_cond_Zopp, Z.abs_eq by lia.
      destruct (Z.eq_dec k 61) as [Hk61|Hk61].
      * replace q with 1024 by lia; rewrite Hk61; unfold F2R; simpl; lra.
      * apply Rle_trans with (F2R (Float radix2 512 (62 - 39))); [unfold F2R; simpl; lra|].
        unfold F2R; cbn [Fnum Fexp].
        apply Rmult_le_compat; [lra|apply bpow_ge_0|apply IZR_le; lia|apply bpow_le; lia].
Qed.

Arguments encode_fields {prec emax x}.
