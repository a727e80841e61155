(** * A concrete instance of the lower bound

    Purpose: T21 applied to G = [[2,1,0],[1,2,1],[0,1,2]] and the row (1/2, 1/2, 1/2), exactly,
      where it shows that codes are the best of all, and from a factorization in binary64.
    Main results: [lower_exact_witness], [lower_ieee_witness].
    Depends on: Gptq/LowerBound, [LowerBoundIeee], [WitnessRun]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra List.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Factorization Quantizer QuantizerFacts.
From Hallmark.Gptq Require Import Concrete UniformGrid LowerBound.
From Hallmark.Float Require Import Arithmetic Factor FactorProof Residual FactorClosed.
From Hallmark.Float Require Import Machine FiniteRun EmittedIeee NearlyPsd LowerBoundIeee.
From Hallmark.Float Require Import WitnessRun.
Import ListNotations.
Open Scope R_scope.

(** Three inputs of which neighbours are correlated, and a row half way between integers. *)
Definition lower_G : mat := rows [[2; 1; 0]; [1; 2; 1]; [0; 1; 2]].
Definition lower_w : vec := entries [1 / 2; 1 / 2; 1 / 2].

(** Every integer is 1/2 away from 1/2. *)
Lemma half_away x z : x = 1 / 2 -> 0 <= 1 / 2 <= Rabs (x - IZR z).
Proof.
intros ->; split; [lra|]; destruct (Z.le_gt_cases z 0) as [low|high].
- apply IZR_le in low; rewrite Rabs_pos_eq; lra.
- assert (one : (1 <= z)%Z) by lia; apply IZR_le in one; rewrite Rabs_left1; lra.
Qed.

(** T21 at work: 1, 0 and 1 can be taken from the diagonal, so that integers lose at least 1/2; the
    codes (0, 1, 0) lose that and are the best of all. *)
Lemma lower_exact_witness : let delta := entries [1; 0; 1] in let Q := every (rne 1) in
  let dist : vec := fun _ => 1 / 2 in
  psd 3 (minus_diagonal lower_G delta) /\ nonneg 3 delta /\ nearest (rne 1) /\
  bsum 3 (fun j => delta j * dist j ^ 2) = 1 / 2 /\
  qform 3 lower_G (vsub lower_w (entries [0; 1; 0])) = 1 / 2 /\
  (forall q, (forall j, (j < 3)%nat -> exists z, q j = IZR z) ->
    1 / 2 <= qform 3 lower_G (vsub lower_w q)) /\
  (forall q, (forall j, (j < 3)%nat -> exists x, q j = Q j x) ->
    bsum 3 (fun j => delta j * vsub lower_w (rtn Q lower_w) j ^ 2)
    <= qform 3 lower_G (vsub lower_w q)).
Proof.
intros delta Q dist.
assert (cert : udu 3 (minus_diagonal lower_G delta) (rows [[1; 1; 0]; [0; 1; 1]; [0; 0; 1]])
  (entries [0; 1; 1])).
{ unfold lower_G, delta, minus_diagonal, diag; split.
  - intros i j range; three i; three j; reflexivity.
  - intros i below; three i; reflexivity.
  - intros i j ibelow jbelow; three i; three j; compute3; field. }
assert (semidef : psd 3 (minus_diagonal lower_G delta)).
{ apply (psd_of_udu _ _ _ _ cert); intros k below; three k; unfold entries; simpl; lra. }
assert (pos : nonneg 3 delta) by
  (intros k below; unfold delta; three k; unfold entries; simpl; lra).
assert (best : nearest (rne 1)) by
  (apply (nearest_multiple_nearest 1); [lra|apply rne_nearest_multiple; lra]).
assert (value : bsum 3 (fun j => delta j * dist j ^ 2) = 1 / 2)
  by (unfold delta, dist; compute3; field).
split; [exact semidef|split; [exact pos|split; [exact best|split; [exact value|split; [|split]]]]].
- unfold lower_G, lower_w; compute3; field.
- intros q integers; rewrite <- value.
  apply (T21_lower_bound 3 lower_G delta lower_w q dist semidef pos); intros j below.
  destruct (integers j below) as [z ->]; apply half_away; unfold lower_w; three j; reflexivity.
- intros q on_grid; apply (T21_grid 3 lower_G delta lower_w q Q semidef pos); [|exact on_grid].
  intros j _; exact best.
Qed.

(** What is left of G when 15/16, 1/1024 and 15/16 are taken from its diagonal. *)
Definition left_H (i j : nat) : bin64 :=
  match i, j with
  | O, O | S (S O), S (S O) => lit64 17 (-4)
  | S O, S O => lit64 2047 (-10)
  | O, S O | S O, O | S O, S (S O) | S (S O), S O => lit64 1 0
  | _, _ => lit64 0 0
  end.

(** Its factorization. *)
Definition left_C : nat -> nat -> bin64 := factor_C (float_arith nans64) 3 left_H.
Definition left_U : nat -> nat -> bin64 := factor_U (float_arith nans64) 3 left_H.
Definition left_d : nat -> bin64 := factor_d (float_arith nans64) 3 left_H.

(** As numbers. *)
Definition left_value : mat := rows [[17 / 16; 1; 0]; [1; 2047 / 1024; 1]; [0; 1; 17 / 16]].
Lemma left_H_value i j : (i < 3)%nat -> (j < 3)%nat -> val64 (left_H i j) = left_value i j.
Proof.
intros; unfold left_value, rows; three i; three j; simpl nth; value_by_computation.
Qed.

(** Shows that a computed number is positive. *)
Ltac positive_by_computation :=
  match goal with
  | |- 0 < Binary.B2R ?p ?e ?x =>
      rewrite <- (Binary.FF2R_B2FF p e x);
      let v := eval vm_compute in (Binary.B2FF p e x) in
      replace (Binary.B2FF p e x) with v by (vm_compute; reflexivity);
      unfold Binary.FF2R, F2R; simpl; lra
  end.

(** Its pivots are finite and positive. *)
Lemma left_pivots j : (j < 3)%nat -> finite64 (left_d j) = true /\ 0 < val64 (left_d j).
Proof. intros below; three j; (split; [vm_compute; reflexivity|positive_by_computation]). Qed.

(** T21 at work on IEEE data: the factorization of what is left shows that integers lose more than
    15/32, which is all but 1/32 of the best. *)
Lemma lower_ieee_witness : let H := fun i j => val64 (left_H i j) in
  let dist : vec := fun _ => 1 / 2 in
  is_factor (float_arith nans64) 3 left_H left_C left_U left_d /\ sym 3 H /\
  (forall j, (j < 3)%nat -> finite64 (left_d j) = true /\ 0 < val64 (left_d j)) /\
  sane_diagonal 3 H 2 /\ leaves_diagonal 3 lower_G H /\
  15 / 32 < shown_bound 3 lower_G H dist < 1 / 2 /\
  (forall q, (forall j, (j < 3)%nat -> exists z, q j = IZR z) ->
    15 / 32 < qform 3 lower_G (vsub lower_w q)).
Proof.
intros H dist.
assert (run : is_factor (float_arith nans64) 3 left_H left_C left_U left_d) by apply factor_correct.
assert (value : forall i j, (i < 3)%nat -> (j < 3)%nat -> H i j = left_value i j) by
  exact left_H_value.
assert (symmetric : sym 3 H).
{ intros i j ibelow jbelow; rewrite !value by assumption; three i; three j; reflexivity. }
assert (sane : sane_diagonal 3 H 2).
{ constructor; [lia| | |]; intros j below; rewrite value by exact below.
  - unfold left_value, rows; three j; simpl; lra.
  - apply Rle_trans with (bpow radix2 (-4) * 2).
    + apply Rmult_le_compat_r; [lra|apply bpow_le; lia].
    + unfold left_value, rows; three j; simpl; lra.
  - apply Rle_trans with (bpow radix2 0); [apply bpow_le; lia|].
    unfold left_value, rows; three j; simpl; lra. }
assert (constant : 0 < INR 3 * residual64 3 < / 1048576) by (unfold residual64; simpl; lra).
assert (leaves : leaves_diagonal 3 lower_G H).
{ split.
  - intros i j ibelow jbelow other; rewrite value by assumption.
    unfold lower_G, left_value, rows; three i; three j; simpl; try lra; contradiction.
  - intros j below; rewrite value by exact below; set (c := INR 3 * residual64 3) in *.
    unfold lower_G, left_value, rows; three j; simpl; lra. }
assert (bound : 15 / 32 < shown_bound 3 lower_G H dist < 1 / 2).
{ unfold shown_bound, dist; set (c := INR 3 * residual64 3) in *; cbn [bsum].
  rewrite !value by lia; unfold lower_G, left_value, rows; simpl nth; lra. }
split; [exact run|split; [exact symmetric|split; [exact left_pivots|split; [exact sane|]]]].
split; [exact leaves|split; [exact bound|intros q integers]].
apply Rlt_le_trans with (shown_bound 3 lower_G H dist); [lra|].
apply (lower_bound_ieee nans64 3 lower_G left_H left_C left_U left_d 2 lower_w q dist run symmetric
  left_pivots sane leaves); intros j below.
destruct (integers j below) as [z ->]; apply half_away; unfold lower_w; three j; reflexivity.
Qed.
