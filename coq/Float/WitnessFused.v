(** * The guard's program in the format of the recurrence on the nearly singular instance

    Purpose: the row of [WitnessHard] through the program of [FusedProgram], by computation inside
      Coq.
    Main results: [witness_fused] (the hypotheses of [fused_encloses_ieee] on the row, and ends that
      differ by less than 2^-17 of themselves).
    Depends on: [FusedIeee], [WitnessGuard]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Chain Recurrence RecurrenceError Hessian.
From Hallmark.Float Require Import FactorClosed Machine EmittedIeee EmittedPlainIeee.
From Hallmark.Float Require Import FullArithmetic FusedProgram FusedIeee.
From Hallmark.Float Require Import WitnessRun WitnessHard WitnessGuard.
Open Scope R_scope.

Notation F := (full_float full_nans64).
Notation vG := (fun i j => val64 (hard_G i j)).

(** The errors of the row, widened, *)
Definition fused_errors (j : nat) : bin64 :=
  widen (proj1_sig a_nan64) (weight_error (float_arith nans32) hard_w hard_s hard_g j).

(** their product with the narrowed factor, widened, *)
Definition fused_product (j : nat) : bin64 :=
  widen (proj1_sig a_nan64)
    (fma_chain (float_arith nans32) (S j) (weight_error (float_arith nans32) hard_w hard_s hard_g)
       (fun k => narrowed (proj1_sig a_nan32) hard_U k j) (a_zero (float_arith nans32))).

(** the sum of squares, *)
Definition fused_row_squares : bin64 := fused_squares F 2 hard_d fused_product.

(** the size *)
Definition fused_row_size : bin64 := fused_size F 2 (fun j => hard_H j j) fused_errors.

(** and the excess. *)
Definition fused_row_excess : bin64 :=
  fused_excess F 2 (fun j => hard_H j j) (fun j => a_add F (hard_G j j) (hard_G j j)) fused_errors.

(** The lower end *)
Definition fused_row_lo : bin64 :=
  fused_lo F 2 fused_row_squares fused_row_size fused_row_excess (hard_H 0 0).

(** and the upper one. *)
Definition fused_row_hi : bin64 :=
  fused_hi F 2 fused_row_squares fused_row_size fused_row_excess (hard_H 0 0).

(** The hypotheses on the row, and what the program returns. *)
Theorem witness_fused :
  let e := vsub (fun j => val32 (hard_w j))
    (scaled_points (fun j => val32 (hard_s j)) (fun j => val32 (hard_g j))) in
  val64 (hard_H 0 0) = 2097153 / 1048576
  /\ (finite64 fused_row_lo = true /\ finite64 fused_row_hi = true)
  /\ val64 fused_row_lo <= qform 2 vG e <= val64 fused_row_hi
  /\ / 268435456 <= val64 fused_row_lo
  /\ val64 fused_row_hi <= (1 + / 131072) * val64 fused_row_lo.
Proof.
intros e.
assert (largest : val64 (hard_H 0 0) = 2097153 / 1048576)
  by (rewrite hard_H_value; reflexivity).
assert (ends : finite64 fused_row_lo = true /\ finite64 fused_row_hi = true)
  by (split; vm_compute; reflexivity).
assert (low : val64 fused_row_lo = 5126270702058069 / 1208925819614629174706176)
  by value_by_computation.
assert (high : val64 fused_row_hi = 5126298504429285 / 1208925819614629174706176)
  by value_by_computation.
split; [exact largest|split; [exact ends|split]].
- destruct witness_guard_model as [run [symmetric [pivots [sane [lam diagonal]]]]].
  rewrite <- largest in sane.
  refine (fused_encloses_ieee full_nans64 nans32 (proj1_sig a_nan32) eq_refl (proj1_sig a_nan64)
    eq_refl 2 hard_lam (hard_H 0 0) hard_G hard_C hard_U hard_d hard_w hard_s hard_g ltac:(lia)
    ltac:(lia) run symmetric pivots sane _ lam diagonal ends).
  rewrite largest; apply Rle_trans with (bpow radix2 2); [simpl; lra|apply bpow_le; lia].
- rewrite low, high; split; lra.
Qed.
