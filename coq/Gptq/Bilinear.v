(** * The bilinear form v M u^T

    Purpose: what a quadratic form does along a line, on which changing one code, changing a scale
      and changing a codebook all lie.
    Main definitions: [bform] (v M u^T), [unit_at] (one coordinate).
    Main results: [qform_line], [bform_sym], [bform_unit], [qform_unit], [psd_isotropic] (a vector
      that loses nothing is orthogonal to every other).
    Depends on: [Sums], [Matrix], [MatrixFacts].
    Source: elementary. *)
From Coq Require Import Reals Lra Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
Open Scope R_scope.

(** The bilinear form v M u^T; [qform n M v] is [bform n M v v]. *)
Definition bform (n : nat) (M : mat) (v u : vec) : R :=
  bsum n (fun i => bsum n (fun j => v i * M i j * u j)).

(** The row with a one in column [j]. *)
Definition unit_at (j : nat) : vec := fun i => if Nat.eqb j i then 1 else 0.

(** The form of a symmetric matrix is symmetric. *)
Lemma bform_sym n M v u : sym n M -> bform n M v u = bform n M u v.
Proof.
intros symmetric; unfold bform; rewrite bsum_swap.
apply bsum_ext; intros j jbelow; apply bsum_ext; intros i ibelow.
rewrite (symmetric i j) by assumption; ring.
Qed.

(** Along a line the form is a parabola. *)
Lemma qform_line n M v u t : sym n M ->
  qform n M (fun i => v i + t * u i) = qform n M v + 2 * t * bform n M v u + t ^ 2 * qform n M u.
Proof.
intros symmetric.
replace (2 * t * bform n M v u) with (t * bform n M v u + t * bform n M u v) by
  (rewrite (bform_sym n M u v symmetric); ring).
unfold qform, bform; rewrite <- !bsum_scal, <- !bsum_plus.
apply bsum_ext; intros i _; rewrite <- !bsum_scal, <- !bsum_plus.
apply bsum_ext; intros j _; ring.
Qed.

(** The form looks only at the indices below its size. *)
Lemma bform_ext n M v v' u u' : (forall i, (i < n)%nat -> v i = v' i) ->
  (forall i, (i < n)%nat -> u i = u' i) -> bform n M v u = bform n M v' u'.
Proof.
intros same same'; unfold bform; apply bsum_ext; intros i ibelow; apply bsum_ext; intros j jbelow.
rewrite same, same'; auto.
Qed.

(** The form is linear on the right. *)
Lemma bform_line n M v u u' t :
  bform n M v (fun i => u i + t * u' i) = bform n M v u + t * bform n M v u'.
Proof.
unfold bform; rewrite <- bsum_scal, <- bsum_plus; apply bsum_ext; intros i _.
rewrite <- bsum_scal, <- bsum_plus; apply bsum_ext; intros j _; ring.
Qed.

(** Against one coordinate it is that column's product. *)
Lemma bform_unit n M v j : (j < n)%nat -> bform n M v (unit_at j) = bsum n (fun i => v i * M i j).
Proof.
intros below; unfold bform, unit_at; apply bsum_ext; intros i _.
rewrite (bsum_ext n _ (fun k => if Nat.eqb j k then v i * M i k else 0)) by
  (intros k _; destruct (Nat.eqb j k); ring).
exact (bsum_delta n j (fun k => v i * M i k) below).
Qed.

(** The form of one coordinate is the diagonal entry. *)
Lemma qform_unit n M j : (j < n)%nat -> qform n M (unit_at j) = M j j.
Proof.
intros below; change (bform n M (unit_at j) (unit_at j) = M j j).
rewrite bform_unit by exact below; unfold unit_at.
rewrite (bsum_ext n _ (fun i => if Nat.eqb j i then M i j else 0)) by
  (intros i _; destruct (Nat.eqb j i); ring).
exact (bsum_delta n j (fun i => M i j) below).
Qed.

(** In a positive semidefinite matrix a vector that loses nothing is orthogonal to every other. *)
Lemma psd_isotropic n M v u : sym n M -> psd n M -> qform n M u = 0 -> bform n M v u = 0.
Proof.
intros symmetric semidef nothing; destruct (Req_dec (bform n M v u) 0) as [zero|nonzero];
  [exact zero|exfalso].
assert (low := semidef (fun i => v i + - (qform n M v + 1) / (2 * bform n M v u) * u i)).
rewrite qform_line, nothing in low by exact symmetric.
replace (2 * (- (qform n M v + 1) / (2 * bform n M v u)) * bform n M v u)
  with (- (qform n M v + 1)) in low by (field; exact nonzero).
lra.
Qed.
