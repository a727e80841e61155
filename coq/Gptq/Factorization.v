(** * The certificate M = U D U^T

    Purpose: what the certificate gives, and that every positive semidefinite matrix has one,
      singular ones included, so that no theorem that assumes it is empty.
    Main results: [udu_exists] (existence), [hess_psd] (the damped Hessian is such a matrix),
      [d_le_diag] (d_j <= M_jj), [sum_d_le_trace], [psd_of_udu] (the converse).
    Depends on: [Sums], [Matrix], [MatrixFacts].
    Source: the symmetric elimination of a matrix from its last column back. *)
From Coq Require Import Reals Lra Lia Psatz Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
Open Scope R_scope.

(** The factor of a certificate is unit upper triangular. *)
Lemma udu_unit_upper n M U d : udu n M U d -> unit_upper n U.
Proof. intros cert; split; [exact (udu_lo cert)|exact (udu_1 cert)]. Qed.

(** Every unit upper triangular U and diagonal d certify their own product. *)
Lemma udu_recon n U d : unit_upper n U -> udu n (recon n U d) U d.
Proof. intros [low one]; split; auto. Qed.

(** The quadratic form of a certified matrix is a sum of squares. *)
Lemma qform_udu n M U d v : udu n M U d ->
  qform n M v = bsum n (fun k => d k * vmul n v U k ^ 2).
Proof.
intros cert; rewrite (qform_ext_mat n M (recon n U d)); [apply qform_recon|].
intros i j ibelow jbelow; exact (udu_eq cert i j ibelow jbelow).
Qed.

(** A certified matrix is positive semidefinite. *)
Lemma psd_of_udu n M U d : udu n M U d -> nonneg n d -> psd n M.
Proof.
intros cert pos v; rewrite (qform_udu n M U d) by exact cert.
apply bsum_ge0; intros j below; apply Rmult_le_pos; [auto|apply pow2_ge_0].
Qed.

(** Each pivot is at most the diagonal entry of its column. *)
Lemma d_le_diag n M U d j : udu n M U d -> nonneg n d -> (j < n)%nat -> d j <= M j j.
Proof.
intros cert pos below; rewrite (udu_eq cert) by assumption.
replace (d j) with (U j j * d j * U j j) by (rewrite (udu_1 cert) by exact below; ring).
apply (bsum_pick n j (fun k => U j k * d k * U j k)); [exact below|].
intros k kbelow; specialize (pos k kbelow).
replace (U j k * d k * U j k) with (d k * U j k ^ 2) by ring.
apply Rmult_le_pos; [exact pos|apply pow2_ge_0].
Qed.

(** The sum of the pivots is at most the trace. *)
Lemma sum_d_le_trace n M U d : udu n M U d -> nonneg n d -> bsum n d <= trace n M.
Proof. intros cert pos; apply bsum_le; intros j below; eapply d_le_diag; eauto. Qed.

(** The damped Hessian of real data is symmetric and positive semidefinite. *)
Lemma hess_psd n m lam X : 0 <= lam ->
  sym n (hess lam (gram m X)) /\ psd n (hess lam (gram m X)).
Proof.
intros lampos; split.
- intros i j _ _; unfold hess, gram; rewrite Nat.eqb_sym; f_equal; f_equal.
  apply bsum_ext; intros k _; ring.
- intros v; rewrite qform_hess, <- loss_gram.
  assert (token := loss_ge0 n m X v).
  assert (square : 0 <= bsum n (fun i => v i ^ 2)) by (apply bsum_ge0; intros i _; apply pow2_ge_0).
  assert (prod := Rmult_le_pos _ _ lampos square); lra.
Qed.

(** The quadratic form at a vector that is [v] with last coordinate [t]. *)
Lemma qform_last n M v t : sym (S n) M ->
  qform (S n) M (fun i => if Nat.eqb i n then t else v i)
  = qform n M v + 2 * t * bsum n (fun i => v i * M i n) + M n n * t ^ 2.
Proof.
intros symmetric; rewrite qform_S, Nat.eqb_refl.
assert (other : forall i, (i < n)%nat -> (if Nat.eqb i n then t else v i) = v i).
{ intros i below; rewrite (proj2 (Nat.eqb_neq _ _)); [reflexivity|lia]. }
rewrite (qform_ext n M _ v other).
rewrite (bsum_ext n (fun i => _ * M i n) (fun i => v i * M i n)) by
  (intros i below; rewrite other; auto).
rewrite (bsum_ext n (fun j => M n j * _) (fun i => v i * M i n)) by
  (intros i below; rewrite other, (symmetric n i) by lia; ring).
ring.
Qed.

(** A positive semidefinite matrix has a nonnegative last diagonal entry, and where that entry is
    zero its column is zero. *)
Lemma psd_last n M : sym (S n) M -> psd (S n) M ->
  0 <= M n n /\ (M n n = 0 -> forall i, (i < n)%nat -> M i n = 0).
Proof.
intros symmetric semidef.
assert (line : forall v t, 0 <= qform n M v + 2 * t * bsum n (fun i => v i * M i n)
  + M n n * t ^ 2) by (intros v t; rewrite <- qform_last by exact symmetric; apply semidef).
split.
- assert (unit := line (fun _ => 0) 1); unfold qform in unit.
  rewrite !bsum_0 in unit; try (intros i _; ring); [lra|].
  intros i _; apply bsum_0; intros j _; ring.
- intros corner i below.
  set (v := fun k => if Nat.eqb i k then 1 else 0); set (b := bsum n (fun k => v k * M k n)).
  assert (value : b = M i n).
  { unfold b, v; rewrite (bsum_ext n _ (fun k => if Nat.eqb i k then M k n else 0)) by
      (intros k _; destruct (Nat.eqb i k); ring).
    apply (bsum_delta n i (fun k => M k n)); exact below. }
  destruct (Req_dec b 0) as [zero|nonzero]; [lra|exfalso].
  assert (low := line v (- (qform n M v + 1) / (2 * b))); fold b in low; rewrite corner in low.
  replace (2 * (- (qform n M v + 1) / (2 * b)) * b) with (- (qform n M v + 1)) in low
    by (field; exact nonzero).
  lra.
Qed.

(** One elimination step: subtracting the last column's part keeps the matrix symmetric and positive
    semidefinite; [ci] is the inverse of the last pivot, or zero where the pivot is zero. *)
Lemma schur_psd n M ci : sym (S n) M -> psd (S n) M ->
  (M n n = 0 -> ci = 0) -> (M n n <> 0 -> ci = / M n n) ->
  sym n (fun i j => M i j - M i n * ci * M j n) /\ psd n (fun i j => M i j - M i n * ci * M j n).
Proof.
intros symmetric semidef zero nonzero; split.
- intros i j ibelow jbelow; rewrite (symmetric i j) by lia; ring.
- intros v; set (b := bsum n (fun i => v i * M i n)).
  assert (form : qform n (fun i j => M i j - M i n * ci * M j n) v = qform n M v - ci * b ^ 2).
  { rewrite (qform_sub n M (fun i j => M i n * ci * M j n)); f_equal.
    unfold qform, b; simpl; rewrite Rmult_1_r, bsum_mult, <- bsum_scal.
    apply bsum_ext; intros i _; rewrite <- bsum_scal; apply bsum_ext; intros j _; ring. }
  rewrite form.
  assert (line := semidef (fun i => if Nat.eqb i n then - b * ci else v i)).
  rewrite qform_last in line by exact symmetric; fold b in line.
  destruct (Req_EM_T (M n n) 0) as [is0|not0].
  + rewrite (zero is0) in *; lra.
  + rewrite (nonzero not0) in *.
    replace (M n n * (- b * / M n n) ^ 2) with (/ M n n * b ^ 2) in line by (field; exact not0).
    lra.
Qed.

(** Every symmetric positive semidefinite matrix, singular or not, has a certificate with
    nonnegative pivots. *)
Theorem udu_exists n M : sym n M -> psd n M -> exists U d, udu n M U d /\ nonneg n d.
Proof.
revert M; induction n as [|n IH]; intros M symmetric semidef.
{ exists (fun _ _ => 0), (fun _ => 0); split; [split|]; intros; try (intros k kbelow); lia. }
set (c := M n n); set (ci := if Req_EM_T c 0 then 0 else / c).
destruct (psd_last n M symmetric semidef) as [cpos czero].
assert (column : forall i, (i < n)%nat -> M i n * ci * c = M i n).
{ intros i below; unfold ci; destruct (Req_EM_T c 0) as [is0|not0].
  - rewrite (czero is0 i below); ring.
  - field; exact not0. }
destruct (schur_psd n M ci symmetric semidef) as [schursym schurpsd].
{ intros is0; unfold ci; destruct (Req_EM_T c 0) as [_|not0]; [reflexivity|contradiction]. }
{ intros not0; unfold ci; destruct (Req_EM_T c 0) as [is0|_]; [contradiction|reflexivity]. }
destruct (IH _ schursym schurpsd) as [U [d [cert pos]]].
exists (fun i j => if Nat.eqb j n then (if Nat.eqb i n then 1 else M i n * ci)
                   else if Nat.eqb i n then 0 else U i j).
exists (fun j => if Nat.eqb j n then c else d j).
assert (skip : forall i, (i < n)%nat -> Nat.eqb i n = false) by
  (intros i below; apply Nat.eqb_neq; lia).
split; [split|].
- intros i j range; rewrite (skip j) by lia.
  destruct (Nat.eqb_spec i n) as [_|other]; [reflexivity|].
  apply (udu_lo cert); lia.
- intros i below; destruct (Nat.eqb_spec i n) as [_|other]; [reflexivity|].
  apply (udu_1 cert); lia.
- intros i j ibelow jbelow; simpl bsum; rewrite Nat.eqb_refl.
  destruct (Nat.eqb_spec i n) as [->|iother]; destruct (Nat.eqb_spec j n) as [->|jother].
  + rewrite bsum_0; [unfold c; ring|]; intros k below; rewrite (skip k) by exact below; ring.
  + rewrite bsum_0.
    * rewrite (symmetric n j), <- (column j) at 1 by lia; ring.
    * intros k below; rewrite (skip k) by exact below; ring.
  + rewrite bsum_0.
    * rewrite <- (column i) at 1 by lia; ring.
    * intros k below; rewrite (skip k) by exact below; ring.
  + rewrite (bsum_ext n _ (fun k => U i k * d k * U j k)) by
      (intros k below; rewrite (skip k) by exact below; ring).
    rewrite <- (udu_eq cert) by lia.
    replace (M i n * ci * c * (M j n * ci)) with (M i n * ci * (M j n * ci * c)) by ring.
    rewrite (column j) by lia; ring.
- intros k below; destruct (Nat.eqb_spec k n) as [_|other]; [exact cpos|apply pos; lia].
Qed.
