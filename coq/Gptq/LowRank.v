(** * T28: codes with a low-rank correction

    Purpose: what W - Q - A B loses, for any A and B, and how much the best correction in the loss
      of H takes away.
    Main definitions: [weighted] (E U D^(1/2)), [orthonormal], [singular] (the decomposition of the
      weighted error), [correction] (A = P_k S_k, B = V_k^T D^(-1/2) U^-1).
    Main results: [T28_identity] (T1 for W and Q + A B), [T28_residual] (the loss is the sum of the
      squares of the discarded singular values), [T28_gain], [T28_correction_exists].
    Depends on: [Matrix], [MatrixFacts], [Triangular], [Factorization], [Identity], [Guard].
    Source: C. Zhang et al., LQER, arXiv 2402.02446, for the correction; in the loss of H this
      project's. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Gptq Identity Guard.
Open Scope R_scope.

(** The weighted error E U D^(1/2). *)
Definition weighted (n : nat) (U : mat) (d : vec) (E : mat) : mat :=
  fun i j => vmul n (E i) U j * sqrt (d j).

(** The first r columns of P, of p entries, are orthonormal. *)
Definition orthonormal (p r : nat) (P : mat) : Prop :=
  forall k l, (k < r)%nat -> (l < r)%nat ->
    bsum p (fun i => P i k * P i l) = if Nat.eqb k l then 1 else 0.

(** The weighted error is P S V^T with orthonormal P and V. *)
Record singular (p n r : nat) (U : mat) (d : vec) (E P : mat) (s : vec) (V : mat) : Prop := {
  singular_left : orthonormal p r P;
  singular_right : orthonormal n r V;
  singular_eq : forall i j, (i < p)%nat -> (j < n)%nat ->
    weighted n U d E i j = bsum r (fun l => P i l * s l * V j l) }.

(** A = P_k S_k, and B U D^(1/2) = V_k^T. *)
Record correction (p n k : nat) (U : mat) (d : vec) (P : mat) (s : vec) (V A B : mat) : Prop := {
  correction_left : forall i l, (i < p)%nat -> (l < k)%nat -> A i l = P i l * s l;
  correction_right : forall l j, (l < k)%nat -> (j < n)%nat -> weighted n U d B l j = V j l }.

(** T28. The loss of W - Q - A B, for any A and B: T1 with Q + A B in place of the codes. *)
Theorem T28_identity p n r M U d W Q A B : udu n M U d ->
  let stored : mat := fun i j => Q i j + mmul r A B i j in
  matrix_qform p n M (fun i => vsub (W i) (stored i))
  = bsum p (fun i => bsum n (fun j => d j * (comp U (W i) (stored i) j - stored i j) ^ 2)).
Proof. intros cert stored; apply bsum_ext; intros i _; apply T1_identity; exact cert. Qed.

(** The loss is the sum of the squares of the weighted error. *)
Lemma matrix_qform_weighted p n M U d E : udu n M U d -> nonneg n d ->
  matrix_qform p n M E = bsum p (fun i => bsum n (fun j => weighted n U d E i j ^ 2)).
Proof.
intros cert pos; apply bsum_ext; intros i _; rewrite (qform_udu n M U d) by exact cert.
apply bsum_ext; intros j below; unfold weighted; rewrite Rpow_mult_distr, pow2_sqrt by auto; ring.
Qed.

(** The squared length of a sum P S V^T. *)
Lemma singular_squares p n r P s V : orthonormal p r P -> orthonormal n r V ->
  bsum p (fun i => bsum n (fun j => bsum r (fun l => P i l * s l * V j l) ^ 2))
  = bsum r (fun l => s l ^ 2).
Proof.
intros left right.
transitivity (bsum p (fun i => bsum n (fun j => bsum r (fun k => bsum r (fun l =>
  P i k * P i l * (s k * s l) * (V j k * V j l)))))).
- apply bsum_ext; intros i _; apply bsum_ext; intros j _; simpl; rewrite Rmult_1_r, bsum_mult.
  apply bsum_ext; intros k _; apply bsum_ext; intros l _; ring.
- transitivity (bsum r (fun k => bsum r (fun l => s k * s l *
    (bsum p (fun i => P i k * P i l) * bsum n (fun j => V j k * V j l))))).
  + transitivity (bsum p (fun i => bsum r (fun k => bsum r (fun l =>
      P i k * P i l * (s k * s l) * bsum n (fun j => V j k * V j l))))).
    * apply bsum_ext; intros i _; rewrite bsum_swap; apply bsum_ext; intros k _.
      rewrite bsum_swap; apply bsum_ext; intros l _; apply bsum_scal.
    * rewrite bsum_swap; apply bsum_ext; intros k _; rewrite bsum_swap; apply bsum_ext; intros l _.
      rewrite <- bsum_scalr, <- bsum_scal; apply bsum_ext; intros i _; ring.
  + apply bsum_ext; intros k kbelow.
    rewrite (bsum_ext r _ (fun l => if Nat.eqb k l then s l ^ 2 else 0)).
    * apply (bsum_delta r k (fun l => s l ^ 2)); exact kbelow.
    * intros l lbelow; rewrite left, right by assumption.
      destruct (Nat.eqb_spec k l) as [->|_]; ring.
Qed.

(** Columns from [k] on of an orthonormal family. *)
Lemma orthonormal_drop p k r P : orthonormal p (k + r) P ->
  orthonormal p r (fun i l => P i (k + l)%nat).
Proof.
intros family a b abelow bbelow; rewrite (family (k + a)%nat (k + b)%nat) by lia.
destruct (Nat.eqb_spec (k + a) (k + b)), (Nat.eqb_spec a b); lia || reflexivity.
Qed.

(** T28. With the correction of rank k the loss is the sum of the squares of the other singular
    values. *)
Theorem T28_residual p n k r M U d E P s V A B : udu n M U d -> nonneg n d ->
  singular p n (k + r) U d E P s V -> correction p n k U d P s V A B ->
  matrix_qform p n M (fun i => vsub (E i) (mmul k A B i)) = bsum r (fun l => s (k + l)%nat ^ 2).
Proof.
intros cert pos [left right equal] [first second].
rewrite (matrix_qform_weighted p n M U d) by assumption.
rewrite <- (singular_squares p n r (fun i l => P i (k + l)%nat) (fun l => s (k + l)%nat)
  (fun j l => V j (k + l)%nat)) by (apply orthonormal_drop; assumption).
apply bsum_ext; intros i ibelow; apply bsum_ext; intros j jbelow; f_equal.
transitivity (weighted n U d E i j - weighted n U d (mmul k A B) i j).
- unfold weighted; rewrite <- Rmult_minus_distr_r; f_equal; unfold vmul; rewrite <- bsum_minus.
  apply bsum_ext; intros a _; unfold vsub; ring.
- rewrite equal by assumption; rewrite bsum_app.
  replace (weighted n U d (mmul k A B) i j) with (bsum k (fun l => P i l * s l * V j l)); [ring|].
  rewrite (bsum_ext k _ (fun l => A i l * vmul n (B l) U j * sqrt (d j))).
  + rewrite bsum_scalr; unfold weighted; f_equal; unfold vmul, mmul.
    rewrite (bsum_ext n (fun a => bsum k (fun l => A i l * B l a) * U a j)
      (fun a => bsum k (fun l => A i l * (B l a * U a j)))) by
      (intros a _; rewrite <- bsum_scalr; apply bsum_ext; intros l _; ring).
    rewrite bsum_swap; apply bsum_ext; intros l _; symmetry; apply bsum_scal.
  + intros l below; rewrite first, <- (second l j) by assumption; unfold weighted; ring.
Qed.

(** Without a correction the loss is the sum of all squares, so the correction takes away those of
    the first k. *)
Theorem T28_gain p n k r M U d E P s V A B : udu n M U d -> nonneg n d ->
  singular p n (k + r) U d E P s V -> correction p n k U d P s V A B ->
  matrix_qform p n M E - matrix_qform p n M (fun i => vsub (E i) (mmul k A B i))
  = bsum k (fun l => s l ^ 2).
Proof.
intros cert pos parts corrected.
rewrite (T28_residual p n k r M U d E P s V A B) by assumption.
destruct parts as [left right equal]; rewrite (matrix_qform_weighted p n M U d) by assumption.
rewrite (bsum_ext p _ (fun i => bsum n (fun j =>
  bsum (k + r) (fun l => P i l * s l * V j l) ^ 2))).
- rewrite singular_squares by assumption; rewrite bsum_app; ring.
- intros i ibelow; apply bsum_ext; intros j jbelow; rewrite equal by assumption; reflexivity.
Qed.

(** Where pivots are positive there is such a correction, B = V_k^T D^(-1/2) U^-1. *)
Theorem T28_correction_exists p n k U d P s V : unit_upper n U ->
  (forall j, (j < n)%nat -> 0 < d j) ->
  let A : mat := fun i l => P i l * s l in
  let B : mat := fun l => vmul n (fun j => V j l / sqrt (d j)) (inv_upper n U) in
  correction p n k U d P s V A B.
Proof.
intros shape pos A B; split; [reflexivity|]; intros l j _ jbelow; unfold weighted, B.
rewrite <- vmul_mmul.
rewrite (vmul_identity n _ (mmul n (inv_upper n U) U)); [|exact (fun i ibelow =>
  inv_upper_left n U shape i j ibelow jbelow)|exact jbelow].
field; apply Rgt_not_eq, sqrt_lt_R0, pos; exact jbelow.
Qed.
