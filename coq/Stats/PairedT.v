(** * The paired t test on three differences, decided in rationals

    Purpose: T14, which replaces the comparison of a p-value with 1/4 by one of rational numbers.
    Main results: [paired_t_quarter].
    Depends on: [StudentT2].
    Source: the t statistic of n paired differences is mean / (sd / sqrt n), sd^2 the sum of squared
      deviations over n - 1; here n = 3. *)
From Coq Require Import Reals Lra.
From Hallmark.Stats Require Import StudentT2.
Open Scope R_scope.

(** The mean of three differences. *)
Definition mean3 (a b c : R) : R := (a + b + c) / 3.

(** The sum of squared deviations from the mean. *)
Definition deviations3 (a b c : R) : R :=
  (a - mean3 a b c) ^ 2 + (b - mean3 a b c) ^ 2 + (c - mean3 a b c) ^ 2.

(** The t statistic: mean / (sd / sqrt 3), sd = sqrt (deviations / 2). *)
Definition paired_t (a b c : R) : R :=
  mean3 a b c / (sqrt (deviations3 a b c / 2) / sqrt 3).

(** The one-tailed p-value of the alternative "the mean is positive". *)
Definition paired_p (a b c : R) : R := student2_tail (paired_t a b c).

(** The tail probability is below 1/4 exactly beyond sqrt (2/3). *)
Lemma student2_tail_quarter t : student2_tail t < / 4 <-> 0 < t /\ 2 < 3 * t ^ 2.
Proof.
  unfold student2_tail.
  pose proof (sqrt_square_plus_2_pos t) as Hsqrt.
  assert (Hsq : sqrt (t ^ 2 + 2) * sqrt (t ^ 2 + 2) = t ^ 2 + 2)
    by (apply sqrt_sqrt; pose proof (square_plus_2_pos t); lra).
  set (r := sqrt (t ^ 2 + 2)) in *.
  assert (Hiff : / 2 - t / (2 * r) < / 4 <-> r < 2 * t).
  { assert (Hprod : t / (2 * r) * (4 * r) = 2 * t) by (field; lra).
    split; intros Hlt.
    - assert (/ 4 * (4 * r) < t / (2 * r) * (4 * r)) by (apply Rmult_lt_compat_r; lra).
      lra.
    - apply Rnot_le_lt; intros Hle.
      assert (t / (2 * r) * (4 * r) <= / 4 * (4 * r)) by (apply Rmult_le_compat_r; lra).
      lra. }
  rewrite Hiff; split.
  - intros Hlt; split; nra.
  - intros [ Ht Hgt ]; apply Rnot_le_lt; intros Hle; nra.
Qed.

(** The square of the statistic is rational in the differences. *)
Lemma paired_t_square a b c : 0 < deviations3 a b c ->
  paired_t a b c ^ 2 = 6 * mean3 a b c ^ 2 / deviations3 a b c.
Proof.
  intros Hpos; unfold paired_t.
  assert (Hsd : 0 < sqrt (deviations3 a b c / 2)) by (apply sqrt_lt_R0; lra).
  assert (Hthree : 0 < sqrt 3) by (apply sqrt_lt_R0; lra).
  replace ((mean3 a b c / (sqrt (deviations3 a b c / 2) / sqrt 3)) ^ 2)
    with (mean3 a b c ^ 2 * (sqrt 3 * sqrt 3)
          / (sqrt (deviations3 a b c / 2) * sqrt (deviations3 a b c / 2))) by (field; lra).
  rewrite !sqrt_sqrt by lra.
  field; lra.
Qed.

(** The statistic is positive exactly when the mean is. *)
Lemma paired_t_pos a b c : 0 < deviations3 a b c -> (0 < paired_t a b c <-> 0 < mean3 a b c).
Proof.
  intros Hpos; unfold paired_t.
  assert (Hsd : 0 < sqrt (deviations3 a b c / 2)) by (apply sqrt_lt_R0; lra).
  assert (Hthree : 0 < sqrt 3) by (apply sqrt_lt_R0; lra).
  set (scale := sqrt (deviations3 a b c / 2) / sqrt 3).
  assert (Hscale : 0 < scale) by (apply Rdiv_lt_0_compat; assumption).
  split; intros Hlt.
  - replace (mean3 a b c) with (mean3 a b c / scale * scale) by (field; lra).
    apply Rmult_lt_0_compat; assumption.
  - apply Rdiv_lt_0_compat; assumption.
Qed.

(** T14: one-tailed p < 1/4 iff the mean is positive and 9 mean^2 exceeds the sum of squares. *)
Theorem paired_t_quarter a b c : 0 < deviations3 a b c ->
  (paired_p a b c < / 4 <-> 0 < mean3 a b c /\ deviations3 a b c < 9 * mean3 a b c ^ 2).
Proof.
  intros Hpos; unfold paired_p.
  rewrite student2_tail_quarter, paired_t_square, paired_t_pos by assumption.
  assert (Heq : 3 * (6 * mean3 a b c ^ 2 / deviations3 a b c) * deviations3 a b c
                = 18 * mean3 a b c ^ 2) by (field; lra).
  split; intros [ Hmean Hlt ]; split; try assumption.
  - assert (2 * deviations3 a b c
            < 3 * (6 * mean3 a b c ^ 2 / deviations3 a b c) * deviations3 a b c)
      by (apply Rmult_lt_compat_r; assumption).
    lra.
  - apply Rnot_le_lt; intros Hle.
    assert (3 * (6 * mean3 a b c ^ 2 / deviations3 a b c) * deviations3 a b c
            <= 2 * deviations3 a b c) by (apply Rmult_le_compat_r; lra).
    lra.
Qed.

(** Witness: the differences 1, 2, 6 have mean 3 and sum of squares 14, so p < 1/4. *)
Lemma paired_t_quarter_witness : paired_p 1 2 6 < / 4.
Proof.
  assert (Hdev : deviations3 1 2 6 = 14) by (unfold deviations3, mean3; lra).
  apply paired_t_quarter; rewrite Hdev; unfold mean3; lra.
Qed.

(** Witness of the other side: 1, -1, 1 have a positive mean, and p is at least 1/4. *)
Lemma paired_t_quarter_not_witness : ~ paired_p 1 (-1) 1 < / 4.
Proof.
  assert (Hdev : deviations3 1 (-1) 1 = 8 / 3) by (unfold deviations3, mean3; lra).
  rewrite paired_t_quarter by (rewrite Hdev; lra).
  rewrite Hdev; unfold mean3; lra.
Qed.
