(** * A matrix that is not semidefinite and whose pivots are all positive

    Purpose: [NearlyPsd] says something that exact arithmetic would not: H = [[a, 7], [7, 13]]
      with a the largest number of binary64 below 49/13 has a negative form at (13, -7), and its
      computed pivots are 13 and 2^-53, because 7/13 is rounded down.  It is 2 G + I for a G whose
      form there is far below 0, as far as the damping hides.
    Main results: [witness_nearly_psd] (H, on IEEE data), [witness_nearly_gram] (G).
    Depends on: [NearlyPsd], [WitnessRun]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz List.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix Concrete.
From Hallmark.Float Require Import Arithmetic Factor FactorProof Residual FactorClosed Hessian.
From Hallmark.Float Require Import Machine FiniteRun EmittedIeee EmittedPlainIeee.
From Hallmark.Float Require Import NearlyPsd WitnessRun.
Import ListNotations.
Open Scope R_scope.

(** The Gram matrix: (a - 1)/2 and 6 on the diagonal, 7/2 beside it. *)
Definition nearly_G (i j : nat) : bin64 :=
  match i, j with
  | O, O => lit64 6235753330205302 (-52)
  | S _, S _ => lit64 6 0
  | _, _ => lit64 7 (-1)
  end.

(** The damping, 1. *)
Definition nearly_lam : bin64 := lit64 1 0.

(** The Hessian that the program makes of them. *)
Definition nearly_H : nat -> nat -> bin64 := ieee_hessian nans64 nearly_lam nearly_G.

(** The unscaled columns of its factorization. *)
Definition nearly_C : nat -> nat -> bin64 := factor_C (float_arith nans64) 2 nearly_H.

(** Its factor. *)
Definition nearly_U : nat -> nat -> bin64 := factor_U (float_arith nans64) 2 nearly_H.

(** Its pivots. *)
Definition nearly_d : nat -> bin64 := factor_d (float_arith nans64) 2 nearly_H.

(** The direction in which the form is negative. *)
Definition nearly_v : vec := entries [13; -7].

Notation vG := (fun i j => val64 (nearly_G i j)).
Notation vH := (fun i j => val64 (nearly_H i j)).

(** The two indices of the instance. *)
Ltac two_columns_of j := destruct j as [|[|j]]; [| |lia].

(** The Gram matrix as numbers. *)
Lemma nearly_G_value i j : (i < 2)%nat -> (j < 2)%nat -> val64 (nearly_G i j)
  = match i, j with
    | O, O => 6235753330205302 / 4503599627370496 | S _, S _ => 6 | _, _ => 7 / 2
    end.
Proof. intros; two_columns_of i; two_columns_of j; value_by_computation. Qed.

(** The Hessian as numbers. *)
Lemma nearly_H_value i j : (i < 2)%nat -> (j < 2)%nat -> val64 (nearly_H i j)
  = match i, j with
    | O, O => 8487553143890550 / 2251799813685248 | S _, S _ => 13 | _, _ => 7
    end.
Proof. intros; two_columns_of i; two_columns_of j; value_by_computation. Qed.

(** The pivots, 2^-53 and 13. *)
Lemma nearly_d_value j : (j < 2)%nat ->
  val64 (nearly_d j) = match j with O => / 9007199254740992 | _ => 13 end.
Proof. intros; two_columns_of j; value_by_computation. Qed.

(** They are finite and positive. *)
Lemma nearly_pivots j : (j < 2)%nat ->
  finite64 (nearly_d j) = true /\ 0 < val64 (nearly_d j).
Proof.
intros below; split; [two_columns_of j; vm_compute; reflexivity|].
rewrite nearly_d_value by exact below; two_columns_of j; lra.
Qed.

(** H is symmetric. *)
Lemma nearly_symmetric : sym 2 vH.
Proof.
intros i j ibelow jbelow; rewrite !nearly_H_value by assumption.
two_columns_of i; two_columns_of j; reflexivity.
Qed.

(** Its diagonal is of sane size. *)
Lemma nearly_sane : sane_diagonal 2 vH 13.
Proof.
constructor; [lia| | |]; intros j below; rewrite nearly_H_value by exact below.
- two_columns_of j; lra.
- apply Rle_trans with (/ 13 * 13); [|two_columns_of j; lra].
  apply Rmult_le_compat_r; [lra|apply Rle_trans with (bpow radix2 (-4)); [apply bpow_le; lia|]].
  simpl; lra.
- apply Rle_trans with 1; [change 1 with (bpow radix2 0); apply bpow_le; lia|].
  two_columns_of j; lra.
Qed.

(** The bound is below 2^-39. *)
Lemma nearly_bound : residual64 2 * weighted_size 2 (root_diagonal vH) nearly_v ^ 2
  <= / 549755813888.
Proof.
unfold weighted_size, nearly_v, entries, root_diagonal; cbn [bsum nth].
rewrite !nearly_H_value by lia.
assert (first : 0 <= sqrt (8487553143890550 / 2251799813685248) <= 2).
{ split; [apply sqrt_pos|rewrite <- (sqrt_square 2) by lra; apply sqrt_le_1_alt; lra]. }
assert (second : 0 <= sqrt 13 <= 4).
{ split; [apply sqrt_pos|rewrite <- (sqrt_square 4) by lra; apply sqrt_le_1_alt; lra]. }
rewrite (Rabs_pos_eq 13), (Rabs_left (-7)) by lra.
set (a := sqrt (8487553143890550 / 2251799813685248)) in *; set (b := sqrt 13) in *.
assert (size : (0 + 13 * a + - -7 * b) ^ 2 <= 54 ^ 2) by (apply pow_incr; lra).
apply Rle_trans with (residual64 2 * 54 ^ 2).
- apply Rmult_le_compat_l; [unfold residual64; simpl; lra|exact size].
- unfold residual64; simpl; lra.
Qed.

(** H on IEEE data: the form is negative, and not below the bound, which is at most 2^-39. *)
Theorem witness_nearly_psd :
  let bound := residual64 2 * weighted_size 2 (root_diagonal vH) nearly_v ^ 2 in
  is_factor (float_arith nans64) 2 nearly_H nearly_C nearly_U nearly_d
  /\ sym 2 vH
  /\ (forall j, (j < 2)%nat -> finite64 (nearly_d j) = true /\ 0 < val64 (nearly_d j))
  /\ sane_diagonal 2 vH 13
  /\ - bound <= qform 2 vH nearly_v < - / 140737488355328
  /\ bound <= / 549755813888.
Proof.
intros bound; split; [apply factor_correct|].
split; [exact nearly_symmetric|split; [exact nearly_pivots|split; [exact nearly_sane|]]].
split; [split|exact nearly_bound].
- exact (nearly_psd_ieee nans64 2 nearly_H nearly_C nearly_U nearly_d 13 nearly_v
    (factor_correct (float_arith nans64) 2 nearly_H) nearly_symmetric nearly_pivots nearly_sane).
- unfold qform, nearly_v, entries; cbn [bsum nth]; rewrite !nearly_H_value by lia; lra.
Qed.

(** The stored Hessian of G is H. *)
Lemma nearly_stored i j : (i < 2)%nat -> (j < 2)%nat ->
  hessian_stored (val64 nearly_lam) vG i j = vH i j.
Proof.
intros ibelow jbelow.
assert (finite : finite64 (nearly_H i j) = true)
  by (two_columns_of i; two_columns_of j; vm_compute; reflexivity).
symmetry; exact (proj2 (ieee_hessian_value nans64 nearly_lam nearly_G i j finite)).
Qed.

(** G: at (13, -7) its form is below -109, and the damping accounts for all but 2^-40 of that. *)
Theorem witness_nearly_gram :
  let H := hessian_stored (val64 nearly_lam) vG in
  let slack := residual64 2 * weighted_size 2 (root_diagonal H) nearly_v ^ 2
    + bsum 2 (fun j => (H j j - 2 * vG j j) * nearly_v j ^ 2) in
  is_factor (float_arith nans64) 2 (ieee_hessian nans64 nearly_lam nearly_G)
    nearly_C nearly_U nearly_d
  /\ sym 2 vG /\ sane_diagonal 2 H 13
  /\ - slack <= 2 * qform 2 vG nearly_v < -218 /\ slack <= 218 + / 549755813888.
Proof.
intros H slack.
assert (symmetric : sym 2 vG).
{ intros i j ibelow jbelow; rewrite !nearly_G_value by assumption.
  two_columns_of i; two_columns_of j; reflexivity. }
assert (sane : sane_diagonal 2 H 13).
{ destruct nearly_sane as [columns above range normal]; constructor; [exact columns| | |];
    intros j below; unfold H; rewrite nearly_stored by exact below; auto. }
assert (run := factor_correct (float_arith nans64) 2 nearly_H).
split; [exact run|split; [exact symmetric|split; [exact sane|]]].
assert (size : weighted_size 2 (root_diagonal H) nearly_v
    = weighted_size 2 (root_diagonal vH) nearly_v).
{ apply bsum_ext; intros i below; unfold root_diagonal, H.
  rewrite nearly_stored by exact below; reflexivity. }
assert (damping : bsum 2 (fun j => (H j j - 2 * vG j j) * nearly_v j ^ 2) = 218).
{ unfold nearly_v, entries, H; cbn [bsum nth].
  rewrite !nearly_stored, !nearly_H_value, !nearly_G_value by lia; lra. }
split; [split|].
- exact (nearly_psd_gram_ieee nans64 2 nearly_lam nearly_G nearly_C nearly_U nearly_d 13 nearly_v
    run symmetric nearly_pivots sane).
- unfold qform, nearly_v, entries; cbn [bsum nth]; rewrite !nearly_G_value by lia; lra.
- unfold slack; rewrite size, damping; assert (small := nearly_bound); lra.
Qed.
