(** * A factorization with positive pivots shows that H is nearly semidefinite

    Purpose: a Gram matrix that others summed need not be semidefinite.  The test is the
      factorization itself: where every computed pivot is positive, v H v^T is at least
      -g' (sum |v_i| sqrt(H_ii))^2 for every v, because U D U^T is semidefinite and T15 bounds
      the rest.  Nothing is asked of H but symmetry and the size of its diagonal.
    Main results: [nearly_psd_of_residual] (any factor), [nearly_psd] (the program on the reals),
      [nearly_psd_ieee] (on IEEE data: finite positive pivots suffice), [nearly_psd_gram],
      [nearly_psd_gram_ieee] (the Gram matrix behind H).
    Bound functions: [residual64], [weighted_size].
    Depends on: Gptq/MatrixFacts, [FactorClosed], [FiniteRun], [Enclosure],
      [EmittedPlainIeee].
    Source: S. M. Rump, Verification of positive definiteness, BIT 46 (2006); the constant is
      T15's. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Gptq.
From Hallmark.Float Require Import Arithmetic Chain Factor FactorError FactorRounded Residual.
From Hallmark.Float Require Import FactorClosed Hessian Enclosure Machine FiniteRun.
From Hallmark.Float Require Import EmittedPlainIeee.
Open Scope R_scope.

(** Any factor with nonnegative pivots whose residual is bounded entry by entry. *)
Theorem nearly_psd_of_residual n H V d g a v : nonneg n d ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> Rabs (resid n H V d i j) <= g * (a i * a j)) ->
  - (g * weighted_size n a v ^ 2) <= qform n H v.
Proof.
intros pivots residual.
assert (form := qform_residual_le n (resid n H V d) g a v residual).
apply Rabs_le_inv in form; fold (weighted_size n a v) in form.
assert (split : qform n (resid n H V d) v = qform n H v - qform n (recon n V d) v)
  by (unfold resid; apply qform_sub).
assert (positive : 0 <= qform n (recon n V d) v).
{ rewrite qform_recon; apply bsum_ge0; intros k below.
  apply Rmult_le_pos; [apply pivots; exact below|apply pow2_ge_0]. }
lra.
Qed.

(** The program on the reals, in binary64. *)
Theorem nearly_psd n H C U d hmax v :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax ->
  - (residual64 n * weighted_size n (root_diagonal H) v ^ 2) <= qform n H v.
Proof.
intros run symmetric pivots sane.
apply (nearly_psd_of_residual n H U d); [intros k below; apply Rlt_le, pivots; exact below|].
exact (residual_entry_binary64 n H C U d hmax run symmetric pivots sane).
Qed.

(** On IEEE data a finite pivot has a finite row of U beside it. *)
Lemma pivots_finite_entries prec emax {prec_pos : Prec_gt_0 prec} {range : Prec_lt_emax prec emax}
    (nans : nan_choice prec emax) n H C U d :
  is_factor (float_arith nans) n H C U d ->
  (forall j, (j < n)%nat -> is_finite prec emax (d j) = true) ->
  forall i j, (i < j < n)%nat -> is_finite prec emax (U i j) = true.
Proof.
intros run finite i j order; assert (fin := finite i ltac:(lia)).
rewrite (factor_pivot run), (factor_column run) in fin by lia.
destruct (proj1 (chain_finite nans fin) (n - 1 - j)%nat ltac:(lia)) as [_ entry].
replace (n - 1 - (n - 1 - j))%nat with j in entry by lia; exact entry.
Qed.

(** On IEEE data: finite positive pivots are all that is looked at. *)
Theorem nearly_psd_ieee (nans : nan_choice 53 1024) n H C U d hmax v :
  let value := B2R 53 1024 in let rH := fun i j => value (H i j) in
  is_factor (float_arith nans) n H C U d -> sym n rH ->
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k)) ->
  sane_diagonal n rH hmax ->
  - (residual64 n * weighted_size n (root_diagonal rH) v ^ 2) <= qform n rH v.
Proof.
intros value rH run symmetric pivots sane.
assert (entries := pivots_finite_entries 53 1024 nans n H C U d run
  (fun j below => proj1 (pivots j below))).
destruct (factor_finite 53 1024 nans n H C U d run pivots entries) as [model _].
exact (nearly_psd n rH _ _ _ hmax v model symmetric (fun k below => proj2 (pivots k below)) sane).
Qed.

(** The stored Gram matrix: H is factored, and H - 2 G is the diagonal that damping added. *)
Theorem nearly_psd_gram n lam G C U d hmax v :
  let H := hessian_stored lam G in
  is_factor real64 n H C U d -> sym n G -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax ->
  - (residual64 n * weighted_size n (root_diagonal H) v ^ 2
     + bsum n (fun j => (H j j - 2 * G j j) * v j ^ 2)) <= 2 * qform n G v.
Proof.
intros H run symmetric pivots sane.
assert (near := nearly_psd n H C U d hmax v run (hessian_stored_sym n lam G symmetric) pivots sane).
assert (identity := plain_loss_identity n lam G v); cbv zeta in identity; fold H in identity.
lra.
Qed.

(** The equations of a factorization look at the upper triangle only. *)
Lemma is_factor_upper {T} (A : arith T) n H H' C U d :
  (forall i j, (i <= j < n)%nat -> H i j = H' i j) ->
  is_factor A n H C U d -> is_factor A n H' C U d.
Proof.
intros same run; constructor; try apply run.
intros i j range; rewrite (factor_column run) by exact range; unfold factor_entry.
rewrite same by exact range; reflexivity.
Qed.

(** On IEEE data finite positive pivots make a run one of the real model, for the H of G and lambda. *)
Lemma ieee_factor (nans : nan_choice 53 1024) n lam G C U d :
  let value := B2R 53 1024 in
  is_factor (float_arith nans) n (ieee_hessian nans lam G) C U d ->
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k)) ->
  is_factor real64 n (hessian_stored (value lam) (fun i j => value (G i j)))
    (fun i j => value (C i j)) (fun i j => value (U i j)) (fun j => value (d j)).
Proof.
intros value run pivots.
assert (entries := pivots_finite_entries 53 1024 nans n _ C U d run
  (fun j below => proj1 (pivots j below))).
destruct (factor_finite 53 1024 nans n _ C U d run pivots entries) as [model finite].
refine (is_factor_upper real64 n _ _ _ _ _ _ model); intros i j range.
exact (proj2 (ieee_hessian_value nans lam G i j (finite i j range))).
Qed.

(** Pivots above a power of two are positive. *)
Lemma deep_pivots n (d : nat -> bin64) e :
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ bpow radix2 e <= B2R 53 1024 (d k)) ->
  forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < B2R 53 1024 (d k).
Proof.
intros pivots k below; destruct (pivots k below) as [fin low]; split; [exact fin|].
eapply Rlt_le_trans; [apply bpow_gt_0|exact low].
Qed.

(** The same on IEEE data, for H made by the program from G and lambda. *)
Theorem nearly_psd_gram_ieee (nans : nan_choice 53 1024) n lam G C U d hmax v :
  let value := B2R 53 1024 in let rG := fun i j => value (G i j) in
  let rH := hessian_stored (value lam) rG in
  is_factor (float_arith nans) n (ieee_hessian nans lam G) C U d -> sym n rG ->
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k)) ->
  sane_diagonal n rH hmax ->
  - (residual64 n * weighted_size n (root_diagonal rH) v ^ 2
     + bsum n (fun j => (rH j j - 2 * rG j j) * v j ^ 2)) <= 2 * qform n rG v.
Proof.
intros value rG rH run symmetric pivots sane.
exact (nearly_psd_gram n (value lam) rG _ _ _ hmax v (ieee_factor nans n lam G C U d run pivots)
  symmetric (fun k below => proj2 (pivots k below)) sane).
Qed.
