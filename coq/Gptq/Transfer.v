(** * T8: carrying a bound from calibration data to other data

    Purpose: an upper bound on the loss in one Gram matrix becomes one in another that it dominates.
    Main results: [T8_transfer] (from the Loewner order), [T8_transfer_certificate] (from a
      factorization of the difference, which can be tested by computation).
    What is not true: the comparison of two quantizations does not carry over; see
      [T8_comparison_does_not_transfer].
    Depends on: [Factorization].
    Source: elementary. *)
From Coq Require Import Reals Lra Lia.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Factorization.
Open Scope R_scope.

(** T8. If v G_true v^T <= (1 + eps) v G_calib v^T for every v, a bound carries over with 1 + eps.
    *)
Theorem T8_transfer n Gtrue Gcalib eps B v : 0 <= 1 + eps ->
  (forall x, qform n Gtrue x <= (1 + eps) * qform n Gcalib x) ->
  qform n Gcalib v <= B -> qform n Gtrue v <= (1 + eps) * B.
Proof.
intros factor order bound; eapply Rle_trans; [apply order|].
apply Rmult_le_compat_l; assumption.
Qed.

(** T8 from a certificate: (1 + eps) G_calib - G_true = U D U^T with D >= 0. *)
Theorem T8_transfer_certificate n Gtrue Gcalib eps U d B v :
  udu n (fun i j => (1 + eps) * Gcalib i j - Gtrue i j) U d -> nonneg n d -> 0 <= 1 + eps ->
  qform n Gcalib v <= B -> qform n Gtrue v <= (1 + eps) * B.
Proof.
intros cert pos factor bound; apply (T8_transfer n Gtrue Gcalib eps); [exact factor| |exact bound].
intros x; assert (semidef := psd_of_udu _ _ _ _ cert pos x).
rewrite (qform_sub n (fun i j => (1 + eps) * Gcalib i j) Gtrue), qform_mat_scal in semidef; lra.
Qed.

(** The comparison of two errors does not carry over, even between equivalent Gram matrices: here
    G_true and G_calib bound each other within a factor 2 and order two errors in opposite ways. *)
Theorem T8_comparison_does_not_transfer :
  exists Gtrue Gcalib g r,
    (forall x, qform 2 Gtrue x <= (1 + 1) * qform 2 Gcalib x) /\
    (forall x, qform 2 Gcalib x <= (1 + 1) * qform 2 Gtrue x) /\
    qform 2 Gcalib g < qform 2 Gcalib r /\ qform 2 Gtrue r < qform 2 Gtrue g.
Proof.
exists (diag (fun j => if Nat.eqb j 0 then 2 else 1)).
exists (diag (fun j => if Nat.eqb j 0 then 1 else 2)).
exists (fun j => if Nat.eqb j 0 then 1 else 0), (fun j => if Nat.eqb j 0 then 0 else 1).
repeat rewrite qform_diag; simpl.
split; [|split; [|split]]; try lra; intros x; rewrite !qform_diag; simpl;
  assert (sq0 := pow2_ge_0 (x 0%nat)); assert (sq1 := pow2_ge_0 (x 1%nat)); simpl in sq0, sq1; lra.
Qed.
