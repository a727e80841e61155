(** * The published theorems about the test of significance: T14

    Purpose: the paired t test on three differences is a comparison of rationals.
    Main results: the names that begin with T14.
    Depends on: Stats.
    Source: each proof names the lemma that does it. *)
From Coq Require Import Reals Lra.
From Coquelicot Require Hierarchy RInt Rbar Continuity.
From Hallmark.Stats Require StudentT2 PairedT.
Open Scope R_scope.

(** ** T14: the paired t test on three differences

    The density of Student's t with 2 degrees of freedom integrates to the closed form
    [student2_cdf t] = 1/2 + t / (2 sqrt (t^2 + 2)); this and the tail below are closed facts,
    without hypotheses. *)
Theorem T14_distribution (a b : R) :
  RInt.is_RInt (V := Hierarchy.R_NormedModule) StudentT2.student2_density a b
    (StudentT2.student2_cdf b - StudentT2.student2_cdf a).
Proof. exact (StudentT2.student2_cdf_integral a b). Qed.

(** So [student2_tail t] = 1/2 - t / (2 sqrt (t^2 + 2)) is the probability of a value above t. *)
Theorem T14_tail (t : R) :
  Continuity.is_lim (fun b => RInt.RInt (V := Hierarchy.R_CompleteNormedModule)
    StudentT2.student2_density t b) Rbar.p_infty (Rbar.Finite (StudentT2.student2_tail t)).
Proof. exact (StudentT2.student2_tail_limit t). Qed.

(** Therefore the one-tailed p-value of three differences ([paired_p], the tail at the t
    statistic) is below 1/4 exactly when the mean is positive and nine times its square exceeds the
    sum of squared deviations: a comparison of rationals. *)
Theorem T14_paired_t_quarter (a b c : R) : 0 < PairedT.deviations3 a b c ->
  (PairedT.paired_p a b c < / 4 <->
   0 < PairedT.mean3 a b c /\ PairedT.deviations3 a b c < 9 * PairedT.mean3 a b c ^ 2).
Proof. exact (PairedT.paired_t_quarter a b c). Qed.

(** Witnesses, one on each side: 1, 2, 6 and 1, -1, 1. *)
Lemma T14_witness : PairedT.paired_p 1 2 6 < / 4.
Proof. exact PairedT.paired_t_quarter_witness. Qed.

Lemma T14_not_witness : ~ PairedT.paired_p 1 (-1) 1 < / 4.
Proof. exact PairedT.paired_t_quarter_not_witness. Qed.
