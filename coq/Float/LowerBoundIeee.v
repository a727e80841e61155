(** * T21 from a factorization in binary64

    Purpose: that G less a diagonal is semidefinite is shown by factoring what is left, H: positive
      computed pivots show it up to rounding (T22), which the lower bound pays for.  The diagonal is
      G_jj - H_jj, whatever was meant.
    Main results: [lower_bound_factored] (the program on the reals), [lower_bound_ieee] (on IEEE
      data: finite positive pivots are all that is looked at).
    Bound functions: [residual64].
    Depends on: Gptq/LowerBound, [NearlyPsd].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts LowerBound.
From Hallmark.Float Require Import Arithmetic Factor Residual FactorClosed Machine NearlyPsd.
Open Scope R_scope.

(** G and H differ on the diagonal only, by more than the rounding of the factorization costs. *)
Definition leaves_diagonal (n : nat) (G H : mat) : Prop :=
  (forall i j, (i < n)%nat -> (j < n)%nat -> i <> j -> H i j = G i j) /\
  (forall j, (j < n)%nat -> INR n * residual64 n * H j j <= G j j - H j j).

(** The lower bound that H shows. *)
Definition shown_bound (n : nat) (G H : mat) (dist : vec) : R :=
  bsum n (fun j => (G j j - H j j - INR n * residual64 n * H j j) * dist j ^ 2).

(** It holds where H is nearly semidefinite in the sense of T22. *)
Lemma lower_bound_of_nearly n G H w q dist :
  (forall v, - (residual64 n * weighted_size n (root_diagonal H) v ^ 2) <= qform n H v) ->
  (forall j, (j < n)%nat -> 0 <= H j j) -> leaves_diagonal n G H ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  shown_bound n G H dist <= qform n G (vsub w q).
Proof.
intros nearly corner [beside pays] far.
assert (root : forall j, (j < n)%nat -> root_diagonal H j ^ 2 = H j j).
{ intros j below; unfold root_diagonal; simpl; rewrite Rmult_1_r.
  apply sqrt_sqrt, corner; exact below. }
assert (constant : 0 <= residual64 n).
{ unfold residual64; apply Rmult_le_pos; [assert (size := pos_INR n); lra|apply bpow_ge_0]. }
unfold shown_bound.
rewrite (bsum_ext n _ (fun j => (G j j - H j j - INR n * residual64 n * root_diagonal H j ^ 2)
  * dist j ^ 2)) by (intros j below; rewrite root by exact below; reflexivity).
apply (T21_nearly n G (fun j => G j j - H j j) w q dist (residual64 n) (root_diagonal H)).
- exact constant.
- intros v; rewrite (qform_ext_mat n _ H); [exact (nearly v)|].
  intros i j ibelow jbelow; unfold minus_diagonal, diag.
  destruct (Nat.eqb_spec i j) as [->|other]; [ring|rewrite beside by assumption; ring].
- intros j below; rewrite root by exact below; exact (pays j below).
- exact far.
Qed.

(** The program on the reals, in binary64. *)
Theorem lower_bound_factored n G H C U d hmax w q dist :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax -> leaves_diagonal n G H ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  shown_bound n G H dist <= qform n G (vsub w q).
Proof.
intros run symmetric pivots sane; apply lower_bound_of_nearly.
- intros v; exact (nearly_psd n H C U d hmax v run symmetric pivots sane).
- intros j below; apply Rle_trans with (bpow radix2 (-900)); [apply bpow_ge_0|].
  exact (sane_normal sane j below).
Qed.

(** On IEEE data. *)
Theorem lower_bound_ieee (nans : nan_choice 53 1024) n G H C U d hmax w q dist :
  let value := B2R 53 1024 in let rH := fun i j => value (H i j) in
  is_factor (float_arith nans) n H C U d -> sym n rH ->
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k)) ->
  sane_diagonal n rH hmax -> leaves_diagonal n G rH ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  shown_bound n G rH dist <= qform n G (vsub w q).
Proof.
intros value rH run symmetric pivots sane; apply lower_bound_of_nearly.
- intros v; exact (nearly_psd_ieee nans n H C U d hmax v run symmetric pivots sane).
- intros j below; apply Rle_trans with (bpow radix2 (-900)); [apply bpow_ge_0|].
  exact (sane_normal sane j below).
Qed.
