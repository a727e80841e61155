(** * Scalar quantizers: lemmas

    Purpose: the consequences of being nearest that the comparisons need.
    Main results: [nearest_mono] (every nearest-point quantizer is monotone), [nearest_between]
      (rounding a point that lies between is never farther), [nearest_multiple_nearest],
      [nearest_multiple_half_step], [nearest_multiple_small], [near_int_of_nearest_multiple].
    Depends on: [Quantizer].
    Source: elementary. *)
From Coq Require Import Reals Lra Lia ZArith Psatz.
From Hallmark.Gptq Require Import Quantizer.
Open Scope R_scope.

(** Every nearest-point quantizer is monotone, whatever its grid and its tie rule. *)
Lemma nearest_mono Q : nearest Q -> mono Q.
Proof.
intros best x y below; destruct (Rle_or_lt (Q x) (Q y)) as [good|bad]; [exact good|exfalso].
destruct (Rle_lt_or_eq_dec x y below) as [strict|same].
- assert (left := best x y); assert (right := best y x).
  revert left right; unfold Rabs; repeat destruct Rcase_abs; intros; lra.
- rewrite same in bad; lra.
Qed.

(** A point [t] between [x] and [y] rounds to a point no farther from [y] than [x] does. *)
Lemma nearest_between Q x t y : nearest Q -> x <= t <= y \/ y <= t <= x ->
  Rabs (y - Q t) <= Rabs (y - Q x).
Proof.
intros best order; assert (monotone := nearest_mono Q best).
assert (fory := best y x).
destruct (Rle_or_lt (Q t) y) as [under|over]; destruct order as [[first second]|[first second]].
- assert (step := monotone x t first); rewrite !Rabs_pos_eq; lra.
- assert (step := monotone y t first).
  assert (Rabs (y - Q t) <= Rabs (y - Q y)) by (rewrite !Rabs_pos_eq; lra); lra.
- assert (step := monotone t y second).
  assert (Rabs (y - Q t) <= Rabs (y - Q y)) by (rewrite !Rabs_left1; lra); lra.
- assert (step := monotone t x second); rewrite !Rabs_left1; lra.
Qed.

(** Rounding to nearest on the multiples of a positive step is nearest-point. *)
Lemma nearest_multiple_nearest s Q : 0 < s -> nearest_multiple s Q -> nearest Q.
Proof.
intros spos multiple x y; destruct (multiple x) as [[z value] close].
destruct (multiple y) as [[z' value'] _]; rewrite value in *; rewrite value'.
destruct (Z.eq_dec z z') as [->|other]; [lra|].
assert (gap : s <= Rabs (s * IZR z - s * IZR z')).
{ replace (s * IZR z - s * IZR z') with (s * IZR (z - z')) by (rewrite minus_IZR; ring).
  rewrite Rabs_mult, (Rabs_pos_eq s) by lra; rewrite <- abs_IZR.
  assert (1 <= IZR (Z.abs (z - z'))) by (apply (IZR_le 1); lia); nra. }
assert (tri := Rabs_triang (x - s * IZR z') (- (x - s * IZR z))).
rewrite Rabs_Ropp in tri.
replace (x - s * IZR z' + - (x - s * IZR z)) with (s * IZR z - s * IZR z') in tri by ring.
lra.
Qed.

(** Rounding to nearest on the multiples of [s] moves no number by more than half of [s]. *)
Lemma nearest_multiple_half_step s Q : nearest_multiple s Q -> half_step s Q.
Proof. intros multiple x; apply multiple. Qed.

(** Rounding to nearest on the multiples of 1 returns every integer that is uniquely nearest. *)
Lemma near_int_of_nearest_multiple Q : nearest_multiple 1 Q -> near_int Q.
Proof.
intros multiple x z close; destruct (multiple x) as [[z' value] near]; rewrite value in *.
rewrite Rmult_1_l in *; f_equal.
assert (gap : Rabs (IZR (z' - z)) < 1).
{ rewrite minus_IZR; replace (IZR z' - IZR z) with (x - IZR z + - (x - IZR z')) by ring.
  eapply Rle_lt_trans; [apply Rabs_triang|]; rewrite Rabs_Ropp; lra. }
rewrite <- abs_IZR in gap; apply lt_IZR in gap; lia.
Qed.

(** Below half a step nearest rounding on the multiples of a positive [s] gives zero. *)
Lemma nearest_multiple_small s Q x : 0 < s -> nearest_multiple s Q -> Rabs x < s / 2 -> Q x = 0.
Proof.
intros spos multiple small; destruct (multiple x) as [[z value] near]; rewrite value in *.
destruct (Z.eq_dec z 0) as [->|other]; [ring|exfalso].
assert (size : s <= Rabs (s * IZR z)).
{ rewrite Rabs_mult, (Rabs_pos_eq s), <- abs_IZR by lra.
  assert (1 <= IZR (Z.abs z)) by (apply (IZR_le 1); lia); nra. }
assert (tri := Rabs_triang x (- (x - s * IZR z))); rewrite Rabs_Ropp in tri.
replace (x + - (x - s * IZR z)) with (s * IZR z) in tri by ring; lra.
Qed.
