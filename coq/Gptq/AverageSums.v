(** * T16: digits, sums over a box, and one column

    Purpose: the two ingredients of T16: a sum over K^(n+1) points is a sum over K^n points of sums
      over the last digit, and what one rounded column contributes.
    Main results: [bsum_last_digit], [digit_last], [digit_before], [offset_sum_0],
      [offset_sum_sqr], [column_sum_bounds] (K equally spaced points of one step, from any start:
      the sum of the squared rounding errors lies between K s^2/12 (1 - 1/K^2) and K s^2/12 (1 +
      2/K^2)).
    Depends on: [Average], [Quantizer].
    Source: this project. *)
From Coq Require Import Reals Lra Lia Psatz Arith ZArith.
From Hallmark.Gptq Require Import Sums Matrix Quantizer QuantizerFacts Average.
Open Scope R_scope.

(** A sum over K N indices, grouped by the last digit. *)
Lemma bsum_last_digit K N f :
  bsum (K * N) f = bsum N (fun p => bsum K (fun a => f (p + a * N)%nat)).
Proof.
induction K as [|K IH].
- simpl; symmetry; apply bsum_0; auto.
- replace (S K * N)%nat with (K * N + N)%nat by lia; rewrite bsum_app, IH, <- bsum_plus.
  apply bsum_ext; intros p _; simpl; f_equal; f_equal; lia.
Qed.

(** The last digit of p + a K^n is a. *)
Lemma digit_last K n p a : (p < K ^ n)%nat -> (a < K)%nat -> digit K n (p + a * K ^ n) = a.
Proof.
intros small below; unfold digit; rewrite Nat.div_add by lia.
rewrite Nat.div_small, Nat.add_0_l by exact small; apply Nat.mod_small; exact below.
Qed.

(** The digits before the last are those of p. *)
Lemma digit_before K n p a j : (0 < K)%nat -> (j < n)%nat ->
  digit K j (p + a * K ^ n) = digit K j p.
Proof.
intros Kpos before; unfold digit.
assert (power : (K ^ j <> 0)%nat) by (apply Nat.pow_nonzero; lia).
replace (a * K ^ n)%nat with (a * K ^ (n - j - 1) * K * K ^ j)%nat.
- rewrite Nat.div_add, Nat.mod_add by lia; reflexivity.
- replace n with (n - j - 1 + 1 + j)%nat at 2 by lia.
  rewrite !Nat.pow_add_r, Nat.pow_1_r; ring.
Qed.

(** The sum of the first K numbers. *)
Lemma sum_first K : bsum K INR = INR K * (INR K - 1) / 2.
Proof.
induction K as [|K IH]; [simpl; field|]; rewrite bsum_S, S_INR, IH; field.
Qed.

(** The sum of the first K squares. *)
Lemma sum_first_sqr K :
  bsum K (fun a => INR a ^ 2) = INR K * (INR K - 1) * (2 * INR K - 1) / 6.
Proof.
induction K as [|K IH]; [simpl; field|]; rewrite bsum_S, S_INR, IH; field.
Qed.

(** The sum of the squares of K equally spaced numbers. *)
Lemma sum_arithmetic_sqr K t h :
  bsum K (fun a => (t + h * INR a) ^ 2) =
  INR K * (t + h * (INR K - 1) / 2) ^ 2 + h ^ 2 * INR K * (INR K ^ 2 - 1) / 12.
Proof.
rewrite (bsum_ext K _ (fun a => t ^ 2 + 2 * t * h * INR a + h ^ 2 * INR a ^ 2)) by
  (intros a _; ring).
rewrite !bsum_plus, bsum_const, (bsum_scal K (2 * t * h) INR).
rewrite (bsum_scal K (h ^ 2) (fun a => INR a ^ 2)), sum_first_sqr, sum_first; field.
Qed.

(** The offsets of a column cancel. *)
Lemma offset_sum_0 s K : (0 < K)%nat -> bsum K (grid_offset s K) = 0.
Proof.
intros Kpos; assert (pos : 0 < INR K) by (apply lt_0_INR; exact Kpos).
unfold grid_offset; rewrite bsum_scal, bsum_minus, bsum_const.
rewrite (bsum_ext K _ (fun a => (2 * INR a + 1) * / (2 * INR K))) by (intros a _; reflexivity).
rewrite bsum_scalr, bsum_plus, (bsum_scal K 2 INR), bsum_const, sum_first; field; lra.
Qed.

(** The squares of the offsets of a column sum to K s^2/12 (1 - 1/K^2). *)
Lemma offset_sum_sqr s K : (0 < K)%nat ->
  bsum K (fun a => grid_offset s K a ^ 2) = INR K * (s ^ 2 / 12 * (1 - / INR K ^ 2)).
Proof.
intros Kpos; assert (pos : 0 < INR K) by (apply lt_0_INR; exact Kpos).
rewrite (bsum_ext K _ (fun a => (s * (1 - INR K) / (2 * INR K) + s / INR K * INR a) ^ 2)).
- rewrite sum_arithmetic_sqr; field; lra.
- intros a _; unfold grid_offset; f_equal; field; lra.
Qed.

(** The offsets stay below half a step. *)
Lemma offset_small s K a : 0 < s -> (a < K)%nat -> Rabs (grid_offset s K a) < s / 2.
Proof.
intros spos below; assert (pos : 0 < INR K) by (apply lt_0_INR; lia).
assert (room : INR a + 1 <= INR K) by (rewrite <- S_INR; apply le_INR; lia).
assert (start := pos_INR a); unfold grid_offset.
replace (s * ((2 * INR a + 1) / (2 * INR K) - 1 / 2))
  with (s / 2 * ((2 * INR a + 1 - INR K) / INR K)) by (field; lra).
rewrite Rabs_mult, (Rabs_pos_eq (s / 2)) by lra.
rewrite <- (Rmult_1_r (s / 2)) at 2; apply Rmult_lt_compat_l; [lra|].
unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ INR K)) by
  (left; apply Rinv_0_lt_compat; exact pos).
apply Rmult_lt_reg_r with (INR K); [exact pos|]; rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
rewrite Rmult_1_l; apply Rabs_def1; lra.
Qed.

(** Two numbers of at most half a step that differ by a multiple of the step have equal squares. *)
Lemma same_square s a b k : 0 < s -> Rabs a <= s / 2 -> Rabs b <= s / 2 -> a - b = s * IZR k ->
  a ^ 2 = b ^ 2.
Proof.
intros spos small_a small_b multiple.
assert (range : forall x, Rabs x <= s / 2 -> - (s / 2) <= x <= s / 2).
{ intros x; unfold Rabs; destruct Rcase_abs; lra. }
assert (bounds_a := range a small_a); assert (bounds_b := range b small_b).
assert (high : IZR k <= 1) by (apply Rmult_le_reg_l with s; lra).
assert (low : -1 <= IZR k) by (apply Rmult_le_reg_l with s; lra).
apply le_IZR in high; apply (le_IZR (-1)) in low.
assert (cases : (k = -1 \/ k = 0 \/ k = 1)%Z) by lia.
destruct cases as [-> | [-> | ->]].
- assert (a = - (s / 2)) as -> by lra; assert (b = s / 2) as -> by lra; ring.
- assert (a = b) as -> by lra; ring.
- assert (a = s / 2) as -> by lra; assert (b = - (s / 2)) as -> by lra; ring.
Qed.

Section Column.

Variables (s : R) (Q : R -> R) (K : nat).
Hypothesis s_pos : 0 < s.
Hypothesis K_pos : (0 < K)%nat.
Hypothesis multiple : nearest_multiple s Q.

(** The squared error is periodic with the step. *)
Lemma error_sqr_periodic x : (x + s - Q (x + s)) ^ 2 = (x - Q x) ^ 2.
Proof.
destruct (multiple x) as [[z value] close]; destruct (multiple (x + s)) as [[z' value'] close'].
apply (same_square s _ _ (1 - z' + z)); [exact s_pos|exact close'|exact close|].
rewrite value, value', plus_IZR, minus_IZR; ring.
Qed.

(** Within half a step of zero the squared error is the square. *)
Lemma error_sqr_small x : Rabs x <= s / 2 -> (x - Q x) ^ 2 = x ^ 2.
Proof.
intros small; destruct (multiple x) as [[z value] close].
apply (same_square s _ _ (- z)); [exact s_pos|exact close|exact small|].
rewrite value, opp_IZR; ring.
Qed.

(** The sum of the squared errors over K points of one step starting at c. *)
Definition column_sum (c : R) : R :=
  bsum K (fun a => (c + s / INR K * INR a - Q (c + s / INR K * INR a)) ^ 2).

(** The number of points is positive as a real. *)
Lemma INR_K_pos : 0 < INR K.
Proof. apply lt_0_INR; exact K_pos. Qed.

(** Starting at the second point gives the same sum. *)
Lemma column_sum_shift c : column_sum (c + s / INR K) = column_sum c.
Proof.
assert (pos := INR_K_pos); unfold column_sum.
set (f := fun a => (c + s / INR K * INR a - Q (c + s / INR K * INR a)) ^ 2).
assert (wrap : f K = f 0%nat).
{ unfold f; replace (c + s / INR K * INR K) with (c + s) by (field; lra).
  simpl INR; rewrite Rmult_0_r, Rplus_0_r; apply error_sqr_periodic. }
assert (rotate : forall m, bsum m (fun a => f (S a)) = bsum m f + f m - f 0%nat).
{ induction m as [|m IH]; simpl; [ring|rewrite IH; ring]. }
rewrite (bsum_ext K _ (fun a => f (S a))); [rewrite rotate, wrap; ring|].
intros a _; unfold f; rewrite S_INR; f_equal.
replace (c + s / INR K + s / INR K * INR a) with (c + s / INR K * (INR a + 1)) by ring; reflexivity.
Qed.

(** Starting any number of points later gives the same sum. *)
Lemma column_sum_shift_nat c m : column_sum (c + s / INR K * INR m) = column_sum c.
Proof.
induction m as [|m IH].
- simpl INR; f_equal; ring.
- rewrite <- IH, <- (column_sum_shift (c + s / INR K * INR m)), S_INR; f_equal; ring.
Qed.

(** Starting any number of points earlier or later gives the same sum. *)
Lemma column_sum_shift_Z c m : column_sum (c + s / INR K * IZR m) = column_sum c.
Proof.
destruct (Z_le_gt_dec 0 m) as [up|down].
- rewrite <- (column_sum_shift_nat c (Z.to_nat m)).
  rewrite (INR_IZR_INZ (Z.to_nat m)), Z2Nat.id by exact up; reflexivity.
- symmetry; rewrite <- (column_sum_shift_nat (c + s / INR K * IZR m) (Z.to_nat (- m))).
  rewrite (INR_IZR_INZ (Z.to_nat (- m))), Z2Nat.id, opp_IZR by lia; f_equal; ring.
Qed.

(** What one column contributes, from any starting point and with any tie rule. *)
Theorem column_sum_bounds c :
  INR K * (s ^ 2 / 12 * (1 - / INR K ^ 2)) <= column_sum c
  <= INR K * (s ^ 2 / 12 * (1 + 2 * / INR K ^ 2)).
Proof.
assert (pos := INR_K_pos); set (h := s / INR K).
assert (hpos : 0 < h) by (apply Rdiv_lt_0_compat; assumption).
assert (step : s = INR K * h) by (unfold h; field; lra).
set (r := (- (s / 2) - c) / h); destruct (archimed r) as [above close].
rewrite <- (column_sum_shift_Z c (up r)); fold h; set (t := c + h * IZR (up r)).
assert (value : c = - (s / 2) - h * r) by (unfold r; field; lra).
assert (low : - (s / 2) < t) by (unfold t; rewrite value; nra).
assert (high : t <= - (s / 2) + h) by (unfold t; rewrite value; nra).
assert (plain : column_sum t = bsum K (fun a => (t + h * INR a) ^ 2)).
{ apply bsum_ext; intros a below; fold h; apply error_sqr_small.
  assert (room : INR a + 1 <= INR K) by (rewrite <- S_INR; apply le_INR; lia).
  assert (start := pos_INR a); assert (reach : 0 <= h * INR a) by nra.
  assert (end_ : h * INR a + h <= s) by (rewrite step; nra); apply Rabs_le; lra. }
rewrite plain, sum_arithmetic_sqr.
set (delta := t + h * (INR K - 1) / 2).
assert (middle : - (h / 2) < delta <= h / 2) by (unfold delta; rewrite step in low, high; lra).
assert (square : 0 <= delta ^ 2 <= h ^ 2 / 4).
{ split; [apply pow2_ge_0|]; replace (h ^ 2 / 4) with ((h / 2) ^ 2) by field.
  apply sqr_le, Rabs_le; lra. }
replace (INR K * (s ^ 2 / 12 * (1 - / INR K ^ 2)))
  with (INR K * 0 + h ^ 2 * INR K * (INR K ^ 2 - 1) / 12) by (rewrite step; field; lra).
replace (INR K * (s ^ 2 / 12 * (1 + 2 * / INR K ^ 2)))
  with (INR K * (h ^ 2 / 4) + h ^ 2 * INR K * (INR K ^ 2 - 1) / 12) by (rewrite step; field; lra).
split; apply Rplus_le_compat_r, Rmult_le_compat_l; lra.
Qed.

End Column.
