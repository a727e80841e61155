(** * T1: the error identity of GPTQ

    Purpose: the loss of any codes is a weighted sum of squares of the compensated errors; for a
      factor that is not exact, the same with an explicit residual.
    Main results: [T1_identity] (exact factor), [T1_identity_residual] (any unit upper U and any d,
      with the residual H - U D U^T at w - q), [T1_identity_inplace] (the residual V H V^T - D at u
      - q), [T1_identity_plain] and [T1_identity_plain_residual] (the undamped loss from the damped
      factor), [T1_bound_inplace] (an a priori bound from the in-place form).
    No hypothesis is made on the codes: they need not come from any rounding.
    Depends on: [MatrixFacts], [Triangular], [Factorization], [Gptq], [GptqFacts].
    Source: the nearest-plane reading of GPTQ, arXiv 2507.18553; the residual forms are this
      project's. *)
From Coq Require Import Reals Lra Lia Psatz Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Triangular Factorization Gptq GptqFacts.
Open Scope R_scope.

(** T1. For any codes q, (w - q) H (w - q)^T = sum_j d_j (u_j - q_j)^2. *)
Theorem T1_identity n M U d w q : udu n M U d ->
  qform n M (vsub w q) = bsum n (fun j => d j * (comp U w q j - q j) ^ 2).
Proof.
intros cert; rewrite (qform_udu n M U d) by exact cert.
apply bsum_ext; intros j below.
rewrite (comp_sub n U w q j (udu_unit_upper n M U d cert) below); reflexivity.
Qed.

(** T1 for an inexact factor: the residual H - U D U^T appears at the error w - q. *)
Theorem T1_identity_residual n M U d w q : unit_upper n U ->
  qform n M (vsub w q) =
  bsum n (fun j => d j * (comp U w q j - q j) ^ 2) + qform n (resid n M U d) (vsub w q).
Proof.
intros shape; unfold resid; rewrite (qform_sub n M (recon n U d)).
rewrite <- (T1_identity n (recon n U d) U d) by (apply udu_recon; exact shape); ring.
Qed.

(** A change of variable in a quadratic form. *)
Lemma qform_pull n V M t e : (forall j, (j < n)%nat -> e j = vmul n t V j) ->
  qform n M e = qform n (vmv n V M) t.
Proof.
intros pull; unfold qform, vmv.
transitivity (bsum n (fun a => bsum n (fun b => bsum n (fun i => bsum n (fun j =>
  t i * V i a * M a b * (t j * V j b)))))).
- apply bsum_ext; intros a abelow; apply bsum_ext; intros b bbelow.
  rewrite (pull a abelow), (pull b bbelow); unfold vmul.
  rewrite <- !bsum_scalr; apply bsum_ext; intros i _; rewrite <- bsum_scal; reflexivity.
- transitivity (bsum n (fun a => bsum n (fun i => bsum n (fun j => bsum n (fun b =>
    t i * V i a * M a b * (t j * V j b)))))).
  + apply bsum_ext; intros a _; rewrite bsum_swap; apply bsum_ext; intros i _; apply bsum_swap.
  + rewrite bsum_swap; apply bsum_ext; intros i _; rewrite bsum_swap; apply bsum_ext; intros j _.
    rewrite <- bsum_scal, <- bsum_scalr; apply bsum_ext; intros a _.
    rewrite <- bsum_scal, <- bsum_scalr; apply bsum_ext; intros b _; ring.
Qed.

(** T1 in the in-place form: the residual V H V^T - D appears at the small errors u - q. *)
Theorem T1_identity_inplace n M V d w u q : unit_upper n V -> is_inplace n V w u q ->
  qform n M (vsub w q) =
  bsum n (fun j => d j * (u j - q j) ^ 2)
  + qform n (fun i j => vmv n V M i j - diag d i j) (vsub u q).
Proof.
intros shape run.
rewrite (qform_pull n V M (vsub u q)) by (apply inplace_pull; assumption).
rewrite (qform_sub n (vmv n V M) (diag d)), qform_diag; unfold vsub; ring.
Qed.

(** An a priori bound from the in-place form: each d_j grows by the absolute row sum of the
    residual. *)
Theorem T1_bound_inplace n M V d w u q r : unit_upper n V -> is_inplace n V w u q ->
  sym n M -> nonneg n d -> (forall j, (j < n)%nat -> Rabs (u j - q j) <= r j) ->
  qform n M (vsub w q) <=
  bsum n (fun j => (d j + bsum n (fun k => Rabs (vmv n V M j k - diag d j k))) * r j ^ 2).
Proof.
intros shape run symmetric pos close.
rewrite (T1_identity_inplace n M V d w u q shape run).
set (E := fun i j => vmv n V M i j - diag d i j).
assert (symE : sym n E).
{ intros i j ibelow jbelow; unfold E, diag; f_equal.
  - unfold vmv; rewrite bsum_swap; apply bsum_ext; intros a abelow; apply bsum_ext; intros b bbelow.
    rewrite (symmetric b a) by assumption; ring.
  - rewrite Nat.eqb_sym; destruct (Nat.eqb_spec j i) as [->|_]; reflexivity. }
assert (rows := qform_rowsum n E (vsub u q) symE); assert (up := Rle_abs (qform n E (vsub u q))).
apply Rle_trans with (bsum n (fun j => d j * vsub u q j ^ 2)
  + bsum n (fun i => bsum n (fun j => Rabs (E i j)) * vsub u q i ^ 2)); [unfold vsub in *; lra|].
rewrite <- bsum_plus; apply bsum_le; intros j below.
change (fun k => Rabs (vmv n V M j k - diag d j k)) with (fun k => Rabs (E j k)).
rewrite <- Rmult_plus_distr_r; apply Rmult_le_compat_l; [|apply sqr_le, close; exact below].
apply Rplus_le_le_0_compat; [apply pos; exact below|].
apply bsum_ge0; intros k _; apply Rabs_pos.
Qed.

(** The plain loss from the damped factor. *)
Theorem T1_identity_plain n m X lam U d w q : udu n (hess lam (gram m X)) U d ->
  2 * loss n m X (vsub w q) =
  bsum n (fun j => d j * (comp U w q j - q j) ^ 2) - lam * bsum n (fun i => (w i - q i) ^ 2).
Proof.
intros cert; rewrite <- (T1_identity _ _ _ _ w q cert), qform_hess, <- loss_gram.
unfold vsub; ring.
Qed.

(** The plain loss in a stored Gram matrix, from any factor and its residual: the formula of the
    guard. *)
Theorem T1_identity_plain_residual n G lam U d w q : unit_upper n U ->
  qform n G (vsub w q) =
  (bsum n (fun j => d j * (comp U w q j - q j) ^ 2)
   + qform n (resid n (hess lam G) U d) (vsub w q)
   - lam * bsum n (fun i => (w i - q i) ^ 2)) / 2.
Proof.
intros shape; rewrite <- (T1_identity_residual n (hess lam G) U d w q shape), qform_hess.
unfold vsub; field.
Qed.
