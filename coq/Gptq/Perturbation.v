(** * T9: bounds for compensated weights that are computed with errors

    Purpose: the loss of the codes that a program emits, from bounds on its rounding.  The
      compensated weight u_j is taken at the codes actually produced, so that errors do not
      accumulate in it.
    Main results: [T9_perturbation] (exact factor), [T9_perturbation_residual] (any unit upper
      factor: the form that the product uses, with the residual H - U D U^T at w - q),
      [T9_perturbation_entrywise] (the same with the residual bounded entry by entry, so that no
      residual is formed), [T9_perturbation_plain] (the plain loss in a stored Gram matrix),
      [T9_perturbation_inplace] (the in-place form).
    Bound functions: [h j] bounds |u'_j - q_j|, [delta j] bounds |u'_j - u_j|.
    Depends on: [Identity], [Bound].
    Source: this project. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Gptq GptqFacts Identity Bound.
Open Scope R_scope.

(** The distance from the exact value to the code, through the computed value. *)
Lemma perturbed_close u u' q h delta : Rabs (u' - q) <= h -> Rabs (u' - u) <= delta ->
  Rabs (u - q) <= h + delta.
Proof.
intros code rounding; replace (u - q) with ((u' - q) + - (u' - u)) by ring.
eapply Rle_trans; [apply Rabs_triang|]; rewrite Rabs_Ropp; lra.
Qed.

(** T9. With an exact factor the loss is at most sum_j d_j (h_j + delta_j)^2. *)
Theorem T9_perturbation n M U d w q (u' h delta : vec) : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= h j) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp U w q j) <= delta j) ->
  qform n M (vsub w q) <= bsum n (fun j => d j * (h j + delta j) ^ 2).
Proof.
intros cert pos code rounding; apply (T2_bound n M U d w q (fun j => h j + delta j)); auto.
intros j below; apply (perturbed_close _ (u' j)); auto.
Qed.

(** T9 for the stored factor: the residual H - U D U^T enters at the error w - q. *)
Theorem T9_perturbation_residual n M U d w q (u' h delta : vec) : unit_upper n U -> nonneg n d ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= h j) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp U w q j) <= delta j) ->
  qform n M (vsub w q) <=
  bsum n (fun j => d j * (h j + delta j) ^ 2) + qform n (resid n M U d) (vsub w q).
Proof.
intros shape pos code rounding; rewrite (T1_identity_residual n M U d w q shape).
apply Rplus_le_compat_r, bsum_le; intros j below.
apply Rmult_le_compat_l; [auto|]; apply sqr_le, (perturbed_close _ (u' j)); auto.
Qed.

(** T9 for the stored factor with its residual bounded by g a_i a_j entry by entry. *)
Theorem T9_perturbation_entrywise n M U d w q (u' h delta a : vec) g : unit_upper n U ->
  nonneg n d ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> Rabs (resid n M U d i j) <= g * (a i * a j)) ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= h j) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp U w q j) <= delta j) ->
  qform n M (vsub w q) <=
  bsum n (fun j => d j * (h j + delta j) ^ 2)
  + g * bsum n (fun i => Rabs (w i - q i) * a i) ^ 2.
Proof.
intros shape pos entry code rounding.
eapply Rle_trans; [apply (T9_perturbation_residual n M U d w q u' h delta); assumption|].
apply Rplus_le_compat_l; eapply Rle_trans; [apply Rle_abs|].
exact (qform_residual_le n (resid n M U d) g a (vsub w q) entry).
Qed.

(** T9 in the plain loss of a stored Gram matrix. *)
Theorem T9_perturbation_plain n G lam U d w q (u' h delta a : vec) g : unit_upper n U ->
  nonneg n d ->
  (forall i j, (i < n)%nat -> (j < n)%nat ->
    Rabs (resid n (hess lam G) U d i j) <= g * (a i * a j)) ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= h j) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp U w q j) <= delta j) ->
  qform n G (vsub w q) <=
  (bsum n (fun j => d j * (h j + delta j) ^ 2)
   + g * bsum n (fun i => Rabs (w i - q i) * a i) ^ 2
   - lam * bsum n (fun i => (w i - q i) ^ 2)) / 2.
Proof.
intros shape pos entry code rounding.
assert (bound := T9_perturbation_entrywise n (hess lam G) U d w q u' h delta a g
  shape pos entry code rounding).
rewrite qform_hess in bound; unfold vsub in bound |- *; lra.
Qed.

(** T9 in the in-place form: u' is the computed value, u the exact in-place value for the stored V.
    *)
Theorem T9_perturbation_inplace n M V d w u q (u' h delta : vec) : unit_upper n V ->
  is_inplace n V w u q -> sym n M -> nonneg n d ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= h j) ->
  (forall j, (j < n)%nat -> Rabs (u' j - u j) <= delta j) ->
  qform n M (vsub w q) <=
  bsum n (fun j => (d j + bsum n (fun k => Rabs (vmv n V M j k - diag d j k)))
                   * (h j + delta j) ^ 2).
Proof.
intros shape run symmetric pos code rounding.
apply (T1_bound_inplace n M V d w u q (fun j => h j + delta j)); auto.
intros j below; apply (perturbed_close _ (u' j)); auto.
Qed.
