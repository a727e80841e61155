(** * Rounding to the multiples of a step

    Purpose: the integer grids are s Z, rounded to nearest with ties to even, and its clipped
      part s {-c, .., c}, the symmetric integer codes.
    Main results: [rne_error], [rne_nearest_int], [rne_nearest], [rne_mono], [rne_tie_up],
      [rne_tie_down], [rne_unique]; [clip_nearest_int], [clip_nearest], [clip_mono], [clip_error].
    Bound functions: s / 2, for the clipped grid inside s (c + 1/2).
    Depends on: Flocq: Core.
    Source: elementary. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core.
Open Scope R_scope.

(** The multiple of [s] nearest to [x], ties to the even multiple. *)
Definition rne (s x : R) : R := s * IZR (ZnearestE (x / s)).

(** The integer nearest to [x] among -c .. c. *)
Definition clip_code (c : Z) (x : R) : Z := Z.max (- c) (Z.min c (ZnearestE x)).

(** The point of s {-c, .., c} nearest to [x]. *)
Definition clip_rne (c : Z) (s x : R) : R := s * IZR (clip_code c (x / s)).

(** No integer is nearer to [x] than [ZnearestE x]. *)
Lemma ZnearestE_nearest x k : Rabs (x - IZR (ZnearestE x)) <= Rabs (x - IZR k).
Proof.
  assert (Hround : forall t, round radix2 (FIX_exp 0) ZnearestE t = IZR (ZnearestE t)).
  { intros t; unfold round, scaled_mantissa, cexp, FIX_exp, F2R; simpl.
    rewrite !Rmult_1_r; reflexivity. }
  destruct (round_N_pt radix2 (FIX_exp 0) (fun z => negb (Z.even z)) x) as [_ Hx].
  specialize (Hx (IZR k)); rewrite Hround in Hx.
  rewrite (Rabs_minus_sym x), (Rabs_minus_sym x (IZR k)); apply Hx.
  apply generic_format_FIX; exists (Float radix2 k 0); [unfold F2R; simpl; ring|reflexivity].
Qed.

(** Rounding to the nearest integer keeps the order. *)
Lemma ZnearestE_le x y : x <= y -> (ZnearestE x <= ZnearestE y)%Z.
Proof. exact (@Zrnd_le ZnearestE _ x y). Qed.

(** The tie at 1/2 goes down, to the even integer 0. *)
Lemma ZnearestE_half : ZnearestE (1 / 2) = 0%Z.
Proof.
  unfold Znearest.
  replace (Zfloor (1 / 2)) with 0%Z by (symmetry; apply Zfloor_imp; simpl; lra).
  rewrite Rcompare_Eq by lra; reflexivity.
Qed.

(** The tie at -1/2 goes up, to the even integer 0. *)
Lemma ZnearestE_minus_half : ZnearestE (- (1 / 2)) = 0%Z.
Proof.
  unfold Znearest.
  replace (Zfloor (- (1 / 2))) with (-1)%Z by (symmetry; apply Zfloor_imp; simpl; lra).
  rewrite Rcompare_Eq by lra; simpl.
  apply Zceil_imp; simpl; lra.
Qed.

Section IntegerGrid.

Variable s : R.
Hypothesis s_pos : 0 < s.

(** The distance from [x] to a multiple of [s] is [s] times a distance to an integer. *)
Lemma multiple_distance x k : Rabs (x - s * IZR k) = s * Rabs (x / s - IZR k).
Proof.
  replace (x - s * IZR k) with (s * (x / s - IZR k)) by (field; lra).
  rewrite Rabs_mult, (Rabs_pos_eq s) by lra; reflexivity.
Qed.

(** Dividing by the step keeps the order. *)
Lemma step_le x y : x <= y -> x / s <= y / s.
Proof.
  intros Hxy; apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; lra|exact Hxy].
Qed.

(** The error is at most half a step. *)
Theorem rne_error x : Rabs (x - rne s x) <= s / 2.
Proof.
  unfold rne; rewrite multiple_distance.
  assert (Hhalf := Znearest_half (fun z => negb (Z.even z)) (x / s)); nra.
Qed.

(** No multiple of the step is nearer. *)
Theorem rne_nearest_int x k : Rabs (x - rne s x) <= Rabs (x - s * IZR k).
Proof.
  unfold rne; rewrite !multiple_distance.
  apply Rmult_le_compat_l; [lra|apply ZnearestE_nearest].
Qed.

(** Rounding to the multiples of [s] is a nearest-point map. *)
Theorem rne_nearest x y : Rabs (x - rne s x) <= Rabs (x - rne s y).
Proof. apply rne_nearest_int. Qed.

(** Rounding to the multiples of [s] keeps the order. *)
Theorem rne_mono x y : x <= y -> rne s x <= rne s y.
Proof.
  intros Hxy; unfold rne; apply Rmult_le_compat_l; [lra|].
  apply IZR_le, ZnearestE_le, step_le, Hxy.
Qed.

(** The tie at s/2 goes to 0. *)
Theorem rne_tie_up : rne s (s / 2) = 0.
Proof.
  unfold rne; replace (s / 2 / s) with (1 / 2) by (field; lra).
  rewrite ZnearestE_half; ring.
Qed.

(** The tie at -s/2 goes to 0. *)
Theorem rne_tie_down : rne s (- (s / 2)) = 0.
Proof.
  unfold rne; replace (- (s / 2) / s) with (- (1 / 2)) by (field; lra).
  rewrite ZnearestE_minus_half; ring.
Qed.

(** Nearer than half a step to a multiple, that multiple is the result. *)
Theorem rne_unique x k : Rabs (x - s * IZR k) < s / 2 -> rne s x = s * IZR k.
Proof.
  intros Hx; rewrite multiple_distance in Hx.
  unfold rne; do 2 f_equal; apply Znearest_imp; nra.
Qed.

Variable c : Z.
Hypothesis c_nonneg : (0 <= c)%Z.

(** The clipped code is a code. *)
Lemma clip_code_range x : (- c <= clip_code c x <= c)%Z.
Proof. unfold clip_code; lia. Qed.

(** No code in -c .. c is nearer than the clipped one. *)
Lemma clip_code_nearest x k : (- c <= k <= c)%Z ->
  Rabs (x - IZR (clip_code c x)) <= Rabs (x - IZR k).
Proof.
  intros Hk; unfold clip_code.
  assert (Hhalf := Znearest_half (fun z => negb (Z.even z)) x).
  assert (Hopt := ZnearestE_nearest x).
  apply Rabs_le_inv in Hhalf.
  destruct (Z_lt_le_dec c (ZnearestE x)) as [Hbig|Hsmall].
  - replace (Z.max (- c) (Z.min c (ZnearestE x))) with c by lia.
    assert (Hn : IZR c + 1 <= IZR (ZnearestE x)) by (rewrite <- plus_IZR; apply IZR_le; lia).
    assert (Hkc : IZR k <= IZR c) by (apply IZR_le; lia).
    rewrite !Rabs_pos_eq by lra; lra.
  - destruct (Z_lt_le_dec (ZnearestE x) (- c)) as [Hneg|Hin].
    + replace (Z.max (- c) (Z.min c (ZnearestE x))) with (- c)%Z by lia.
      assert (Hn : IZR (ZnearestE x) <= IZR (- c) - 1).
      { rewrite <- minus_IZR; apply IZR_le; lia. }
      assert (Hkc : IZR (- c) <= IZR k) by (apply IZR_le; lia).
      rewrite !Rabs_left1 by lra; lra.
    + replace (Z.max (- c) (Z.min c (ZnearestE x))) with (ZnearestE x) by lia.
      apply Hopt.
Qed.

(** No point of the clipped grid is nearer. *)
Theorem clip_nearest_int x k : (- c <= k <= c)%Z ->
  Rabs (x - clip_rne c s x) <= Rabs (x - s * IZR k).
Proof.
  intros Hk; unfold clip_rne; rewrite !multiple_distance.
  apply Rmult_le_compat_l; [lra|apply clip_code_nearest, Hk].
Qed.

(** Rounding to the clipped grid is a nearest-point map. *)
Theorem clip_nearest x y : Rabs (x - clip_rne c s x) <= Rabs (x - clip_rne c s y).
Proof. apply clip_nearest_int, clip_code_range. Qed.

(** Rounding to the clipped grid keeps the order. *)
Theorem clip_mono x y : x <= y -> clip_rne c s x <= clip_rne c s y.
Proof.
  intros Hxy; unfold clip_rne; apply Rmult_le_compat_l; [lra|].
  assert (Hle := ZnearestE_le _ _ (step_le x y Hxy)).
  apply IZR_le; unfold clip_code; lia.
Qed.

(** Not beyond the outermost code by more than half a step, the error is at most half a step. *)
Theorem clip_error x : Rabs x <= s * (IZR c + 1 / 2) -> Rabs (x - clip_rne c s x) <= s / 2.
Proof.
  intros Hx; unfold clip_rne; rewrite multiple_distance.
  assert (Hy : Rabs (x / s) <= IZR c + 1 / 2).
  { unfold Rdiv at 1; rewrite Rabs_mult, (Rabs_pos_eq (/ s)).
    - apply Rmult_le_reg_r with s; [lra|].
      rewrite Rmult_assoc, Rinv_l by lra; lra.
    - left; apply Rinv_0_lt_compat; lra. }
  assert (Hcode : Rabs (x / s - IZR (clip_code c (x / s))) <= 1 / 2); [|nra].
  assert (Hopt := clip_code_nearest (x / s)).
  assert (Hhalf := Znearest_half (fun z => negb (Z.even z)) (x / s)).
  apply Rabs_le_inv in Hy.
  destruct (Z_lt_le_dec c (ZnearestE (x / s))) as [Hbig|Hsmall].
  - eapply Rle_trans; [apply (Hopt c); lia|].
    assert (Hn : IZR c + 1 <= IZR (ZnearestE (x / s))) by (rewrite <- plus_IZR; apply IZR_le; lia).
    apply Rabs_le_inv in Hhalf; rewrite Rabs_pos_eq by lra; lra.
  - destruct (Z_lt_le_dec (ZnearestE (x / s)) (- c)) as [Hneg|Hin].
    + eapply Rle_trans; [apply (Hopt (- c)%Z); lia|].
      assert (Hn : IZR (ZnearestE (x / s)) <= - IZR c - 1).
      { rewrite <- opp_IZR, <- minus_IZR; apply IZR_le; lia. }
      apply Rabs_le_inv in Hhalf; rewrite opp_IZR.
      rewrite Rabs_left1 by lra; lra.
    + eapply Rle_trans; [apply (Hopt (ZnearestE (x / s))); lia|lra].
Qed.

End IntegerGrid.
