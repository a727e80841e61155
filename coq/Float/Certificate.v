(** * Both sides of the loss of any codes, from computed quantities

    Purpose: T1 and T15 enclose the loss of any codes between two numbers that a program can
      evaluate in O(n) per row: with t'_j = u'_j - q_j and |u'_j - u_j| <= delta_j the loss in H is
      sum d_j t'_j^2 up to the deltas and up to c (sum |e_i| sqrt(H_ii))^2.  The guard compares two
      such enclosures.
    Main results: [certificate_upper], [certificate_lower] (any factor whose residual is bounded
      entry by entry), [certificate_plain] (the plain loss in the stored Gram matrix),
      [certificate_decides] (the comparison of two rows of codes).
    Bound functions: [upper_sum], [lower_sum], [weighted_size].
    Depends on: Gptq/Identity, Gptq/Perturbation, [Hessian], [Residual].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Gptq Identity Perturbation.
From Hallmark.Float Require Import Arithmetic Rounding ChainError Residual FactorClosed Hessian.
Open Scope R_scope.

(** sum d_j (|u'_j - q_j| + delta_j)^2. *)
Definition upper_sum (n : nat) (d u' q delta : vec) : R :=
  bsum n (fun j => d j * (Rabs (u' j - q j) + delta j) ^ 2).

(** sum d_j max(0, |u'_j - q_j| - delta_j)^2. *)
Definition lower_sum (n : nat) (d u' q delta : vec) : R :=
  bsum n (fun j => d j * Rmax 0 (Rabs (u' j - q j) - delta j) ^ 2).

Section Certificate.

Variables (n : nat) (H V : mat) (d w q u' delta a : vec) (c : R).
Hypothesis shape : unit_upper n V.
Hypothesis pivots : nonneg n d.
Hypothesis residual : forall i j, (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H V d i j) <= c * (a i * a j).
Hypothesis rounding : forall j, (j < n)%nat -> Rabs (u' j - comp V w q j) <= delta j.

(** The loss of any codes from above. *)
Theorem certificate_upper :
  qform n H (vsub w q) <= upper_sum n d u' q delta + c * weighted_size n a (vsub w q) ^ 2.
Proof.
exact (T9_perturbation_entrywise n H V d w q u' (fun j => Rabs (u' j - q j)) delta a c
  shape pivots residual (fun j _ => Rle_refl _) rounding).
Qed.

(** The loss of any codes from below. *)
Theorem certificate_lower :
  lower_sum n d u' q delta - c * weighted_size n a (vsub w q) ^ 2 <= qform n H (vsub w q).
Proof.
rewrite (T1_identity_residual n H V d w q shape).
assert (form := qform_residual_le n (resid n H V d) c a (vsub w q) residual).
assert (side := Rle_abs (- qform n (resid n H V d) (vsub w q))); rewrite Rabs_Ropp in side.
assert (sums : lower_sum n d u' q delta
    <= bsum n (fun j => d j * (comp V w q j - q j) ^ 2)).
{ apply bsum_le; intros j below; apply Rmult_le_compat_l; [apply pivots; exact below|].
  assert (close := rounding j below).
  rewrite <- (pow2_abs (comp V w q j - q j)); apply pow_incr; split; [apply Rmax_l|].
  apply Rmax_lub; [apply Rabs_pos|].
  assert (triangle : Rabs (u' j - q j)
      <= Rabs (u' j - comp V w q j) + Rabs (comp V w q j - q j)).
  { replace (u' j - q j) with (u' j - comp V w q j + (comp V w q j - q j)) by ring.
    apply Rabs_triang. }
  lra. }
unfold weighted_size; lra.
Qed.

End Certificate.

(** The plain loss in the stored Gram matrix: both sides, lambda |e|^2 apart. *)
Theorem certificate_plain n lam G V d w q u' delta c :
  let H := hessian_stored lam G in
  let e := vsub w q in
  let size := weighted_size n (root_diagonal H) e in
  unit_upper n V -> nonneg n d ->
  (forall i j, (i < n)%nat -> (j < n)%nat ->
     Rabs (resid n H V d i j) <= c * (sqrt (H i i) * sqrt (H j j))) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp V w q j) <= delta j) ->
  in_format (-1074) 53 lam -> (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j)) ->
  (forall j, (j < n)%nat -> 0 <= H j j) ->
  lower_sum n d u' q delta - (c + uro 53) * size ^ 2
  <= 2 * qform n G e + lam * bsum n (fun i => e i ^ 2)
  <= upper_sum n d u' q delta + (c + uro 53) * size ^ 2.
Proof.
intros H e size shape pivots residual rounding formlam formG diagonal.
assert (above := certificate_upper n H V d w q u' delta (root_diagonal H) c
  shape pivots residual rounding).
assert (below := certificate_lower n H V d w q u' delta (root_diagonal H) c
  shape pivots residual rounding).
assert (form := hessian_form n lam G formlam formG diagonal e).
fold e in above, below; fold H in form; fold size in above, below, form.
apply Rabs_le_inv in form; lra.
Qed.

(** Disjoint enclosures decide which of two rows of codes has the smaller plain loss. *)
Theorem certificate_decides n lam G e1 e2 upper1 lower2 :
  2 * qform n G e1 + lam * bsum n (fun i => e1 i ^ 2) <= upper1 ->
  lower2 <= 2 * qform n G e2 + lam * bsum n (fun i => e2 i ^ 2) ->
  upper1 - lam * bsum n (fun i => e1 i ^ 2) <= lower2 - lam * bsum n (fun i => e2 i ^ 2) ->
  qform n G e1 <= qform n G e2.
Proof. lra. Qed.
