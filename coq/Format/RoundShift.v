(** * Rounding to nearest even by one addition and one shift

    Purpose: to round m / 2^sh to the nearest integer, ties to even, the codec adds 2^(sh-1) - 1
      and the lowest kept bit, then shifts.  This file proves that rule, and from it that the
      significand of the nearest GF16 number comes out of that shift.
    Main results: [round_shift_correct], [gf16_round_significand].
    Depends on: [GF16]; Flocq: Core.
    Source: the rule is the usual one of software floating point. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core.
From Hallmark Require Import Format.GF16.
Open Scope Z_scope.

(** m / 2^sh rounded to the nearest integer, ties to even. *)
Definition round_shift (m sh : Z) : Z :=
  (m + (2 ^ (sh - 1) - 1) + (m / 2 ^ sh) mod 2) / 2 ^ sh.

(** A power of two is twice the one below. *)
Lemma pow2_double sh : 0 < sh -> 2 ^ sh = 2 * 2 ^ (sh - 1) /\ 0 < 2 ^ (sh - 1).
Proof.
  intros Hsh; split; [|apply Z.pow_pos_nonneg; lia].
  replace sh with (1 + (sh - 1)) at 1 by lia.
  rewrite Z.pow_add_r by lia; reflexivity.
Qed.

(** The shift by quotient and remainder: up above the half, and at the half from odd. *)
Lemma round_shift_spec q r h sh : 0 < sh -> h = 2 ^ (sh - 1) -> 0 <= r < 2 * h ->
  round_shift (q * (2 * h) + r) sh =
  (if r <? h then q else if r =? h then q + q mod 2 else q + 1).
Proof.
  intros Hsh Hh Hr; destruct (pow2_double sh Hsh) as [Hdouble Hpos].
  unfold round_shift; rewrite Hdouble, <- Hh.
  assert (Hq : (q * (2 * h) + r) / (2 * h) = q).
  { rewrite Z.add_comm, Z.div_add, Z.div_small by lia; lia. }
  rewrite Hq.
  assert (Hbit := Z.mod_pos_bound q 2 eq_refl).
  replace (q * (2 * h) + r + (h - 1) + q mod 2) with ((r + (h - 1) + q mod 2) + q * (2 * h)) by lia.
  rewrite Z.div_add by lia.
  destruct (Z.ltb_spec r h) as [Hlow|Hhigh].
  - rewrite Z.div_small by lia; lia.
  - destruct (Z.eqb_spec r h) as [Heq|Hne].
    + assert (Hcases : q mod 2 = 0 \/ q mod 2 = 1) by lia.
      destruct Hcases as [Heven|Hodd].
      * rewrite Heven, Z.div_small by lia; lia.
      * rewrite Hodd, Heq.
        replace (h + (h - 1) + 1) with (1 * (2 * h)) by lia; rewrite Z.div_mul by lia; lia.
    + replace (r + (h - 1) + q mod 2) with ((r - h - 1 + q mod 2) + 1 * (2 * h)) by lia.
      rewrite Z.div_add, Z.div_small by lia; lia.
Qed.

(** The shift is rounding to the nearest integer, ties to even. *)
Theorem round_shift_correct m sh : 0 < sh ->
  ZnearestE (IZR m * bpow radix2 (- sh))%R = round_shift m sh.
Proof.
  intros Hsh; destruct (pow2_double sh Hsh) as [Hdouble Hpos].
  set (h := 2 ^ (sh - 1)) in *.
  assert (Hsplit := Z.div_mod m (2 * h) ltac:(lia)).
  assert (Hrange := Z.mod_pos_bound m (2 * h) ltac:(lia)).
  set (q := m / (2 * h)) in *; set (r := m mod (2 * h)) in *.
  replace m with (q * (2 * h) + r) by lia.
  rewrite (round_shift_spec q r h sh Hsh eq_refl Hrange).
  assert (Hscale : (bpow radix2 (- sh) = / (2 * IZR h))%R).
  { rewrite bpow_opp, <- mult_IZR, <- Hdouble.
    rewrite <- (IZR_Zpower radix2) by lia; reflexivity. }
  assert (Hh : (0 < IZR h)%R) by (apply IZR_lt; lia).
  assert (Hx : (IZR (q * (2 * h) + r) * bpow radix2 (- sh) = IZR q + IZR r / (2 * IZR h))%R).
  { rewrite Hscale, plus_IZR, mult_IZR, mult_IZR; field; lra. }
  rewrite Hx.
  assert (Hfrac : (0 <= IZR r / (2 * IZR h) < 1)%R).
  { assert (Hr0 : (0 <= IZR r)%R) by (apply IZR_le; lia).
    assert (Hr1 : (IZR r < 2 * IZR h)%R) by (rewrite <- mult_IZR; apply IZR_lt; lia).
    split; [apply Rmult_le_pos; [lra|left; apply Rinv_0_lt_compat; lra]|].
    apply Rmult_lt_reg_r with (2 * IZR h)%R; [lra|].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; lra. }
  assert (Hfloor : Zfloor (IZR q + IZR r / (2 * IZR h)) = q).
  { apply Zfloor_imp; rewrite plus_IZR; lra. }
  assert (Hhalf : (IZR r / (2 * IZR h) - 1 / 2 = (IZR r - IZR h) / (2 * IZR h))%R) by (field; lra).
  assert (Hinv : (0 < / (2 * IZR h))%R) by (apply Rinv_0_lt_compat; lra).
  unfold Znearest; rewrite Hfloor.
  replace (IZR q + IZR r / (2 * IZR h) - IZR q)%R with (IZR r / (2 * IZR h))%R by ring.
  destruct (Z.ltb_spec r h) as [Hlow|Hhigh].
  - apply IZR_lt in Hlow; rewrite Rcompare_Lt; [reflexivity|].
    unfold Rdiv in Hhalf; nra.
  - assert (Hceil : IZR r <> 0%R ->
      Zceil (IZR q + IZR r / (2 * IZR h)) = q + 1).
    { intros Hr0; rewrite Zceil_floor_neq; rewrite Hfloor; [reflexivity|].
      assert (0 < IZR r)%R by (assert (0 <= IZR r)%R by (apply IZR_le; lia); lra).
      assert (0 < IZR r / (2 * IZR h))%R by (apply Rmult_lt_0_compat; lra); lra. }
    assert (Hr0 : IZR r <> 0%R) by (apply not_0_IZR; lia).
    destruct (Z.eqb_spec r h) as [Heq|Hne].
    + rewrite Rcompare_Eq by (rewrite Heq; field; lra).
      rewrite (Hceil Hr0), Zmod_even.
      destruct (Z.even q); simpl; lia.
    + assert (Hgt : (IZR h < IZR r)%R) by (apply IZR_lt; lia).
      rewrite Rcompare_Gt; [apply (Hceil Hr0)|].
      unfold Rdiv in Hhalf; nra.
Qed.

(** Adding an even multiple of the unit adds that multiple to the result. *)
Lemma round_shift_add a m sh : 0 < sh ->
  round_shift (2 * a * 2 ^ sh + m) sh = 2 * a + round_shift m sh.
Proof.
  intros Hsh; assert (Hpos : 0 < 2 ^ sh) by (apply Z.pow_pos_nonneg; lia).
  unfold round_shift.
  replace ((2 * a * 2 ^ sh + m) / 2 ^ sh) with (m / 2 ^ sh + a * 2).
  - rewrite Z_mod_plus_full.
    replace (2 * a * 2 ^ sh + m + (2 ^ (sh - 1) - 1) + (m / 2 ^ sh) mod 2)
      with ((m + (2 ^ (sh - 1) - 1) + (m / 2 ^ sh) mod 2) + (2 * a) * 2 ^ sh) by lia.
    rewrite Z.div_add by lia; lia.
  - replace (2 * a * 2 ^ sh + m) with (m + (2 * a) * 2 ^ sh) by lia.
    rewrite Z.div_add by lia; lia.
Qed.

(** Up to half a unit the result is 0. *)
Lemma round_shift_small m sh : 0 < sh -> 0 <= m <= 2 ^ (sh - 1) -> round_shift m sh = 0.
Proof.
  intros Hsh Hm; destruct (pow2_double sh Hsh) as [Hdouble Hpos].
  replace m with (0 * (2 * 2 ^ (sh - 1)) + m) by lia.
  rewrite (round_shift_spec 0 m (2 ^ (sh - 1)) sh) by lia.
  destruct (Z.ltb_spec m (2 ^ (sh - 1))); [reflexivity|].
  destruct (Z.eqb_spec m (2 ^ (sh - 1))); [reflexivity|lia].
Qed.

(** The result lies between the integers around m / 2^sh. *)
Lemma round_shift_bounds a b m sh : 0 < sh -> a * 2 ^ sh <= m <= b * 2 ^ sh ->
  a <= round_shift m sh <= b.
Proof.
  intros Hsh Hm; destruct (pow2_double sh Hsh) as [Hdouble Hpos].
  set (h := 2 ^ (sh - 1)) in *.
  assert (Hsplit := Z.div_mod m (2 * h) ltac:(lia)).
  assert (Hrange := Z.mod_pos_bound m (2 * h) ltac:(lia)).
  set (q := m / (2 * h)) in *; set (r := m mod (2 * h)) in *.
  replace m with (q * (2 * h) + r) by lia.
  rewrite (round_shift_spec q r h sh Hsh eq_refl Hrange).
  assert (Hbit := Z.mod_pos_bound q 2 eq_refl).
  assert (Haq : a <= q) by nia.
  assert (Hqb : q <= b) by nia.
  assert (Hqb' : 0 < r -> q < b) by nia.
  destruct (Z.ltb_spec r h); [lia|].
  destruct (Z.eqb_spec r h); lia.
Qed.

(** The nearest GF16 number to m * 2^e has the significand that the shift gives, in units of
    2^(e + sh), where sh brings the unit to the last place of the result. *)
Theorem gf16_round_significand m e sh : 0 < sh -> 0 <= m < 2 ^ (10 + sh) -> -39 <= e + sh ->
  (e + sh = -39 \/ 2 ^ (9 + sh) <= m) ->
  gf16_round (F2R (Float radix2 m e)) = F2R (Float radix2 (round_shift m sh) (e + sh)).
Proof.
  intros Hsh Hm Hmin Hnormal.
  destruct (Z.eq_dec m 0) as [Hm0|Hm0].
  - rewrite Hm0, F2R_0, gf16_0.
    rewrite round_shift_small by (assert (0 < 2 ^ (sh - 1)) by (apply Z.pow_pos_nonneg; lia); lia).
    rewrite F2R_0; reflexivity.
  - assert (Hcexp : cexp radix2 fexp16 (F2R (Float radix2 m e)) = e + sh).
    { unfold cexp, FLT_exp.
      assert (Hupper : mag radix2 (F2R (Float radix2 m e)) <= 10 + sh + e).
      { apply mag_le_bpow; [apply F2R_neq_0; exact Hm0|].
        rewrite <- F2R_Zabs, Z.abs_eq by lia.
        rewrite bpow_plus, <- (IZR_Zpower radix2) by lia.
        unfold F2R; simpl; apply Rmult_lt_compat_r; [apply bpow_gt_0|apply IZR_lt, Hm]. }
      destruct Hnormal as [Hbottom|Hlower]; [lia|].
      assert (Hmag : 10 + sh + e <= mag radix2 (F2R (Float radix2 m e))); [|lia].
      apply mag_ge_bpow.
      rewrite <- F2R_Zabs, Z.abs_eq by lia.
      replace (10 + sh + e - 1) with (9 + sh + e) by lia.
      rewrite bpow_plus, <- (IZR_Zpower radix2) by lia.
      unfold F2R; simpl; apply Rmult_le_compat_r; [apply bpow_ge_0|apply IZR_le, Hlower]. }
    unfold gf16_round, round, scaled_mantissa; rewrite Hcexp.
    do 2 f_equal.
    rewrite <- round_shift_correct by exact Hsh; f_equal.
    unfold F2R; simpl.
    rewrite Rmult_assoc, <- bpow_plus; do 2 f_equal; lia.
Qed.
