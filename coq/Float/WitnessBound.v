(** * The certificate's bound on the nearly singular instance

    Purpose: the row of [WitnessHard], coded in GF16, through the program of [BoundProgram] by
      computation inside Coq.
    Main results: [witness_bound] (the hypotheses of [certified_bound_ieee] on the row; the loss is
      above 2^-28 and the upper end of its bound below 2^-20).
    Depends on: [BoundIeee], [WitnessGuard]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Chain Recurrence RecurrenceError Hessian.
From Hallmark.Float Require Import FactorClosed Machine EmittedIeee EmittedPlainIeee.
From Hallmark.Float Require Import FullArithmetic GuardProgram FusedIeee.
From Hallmark.Float Require Import BoundProgram CertifiedBound BoundIeee.
From Hallmark.Float Require Import WitnessRun WitnessHard WitnessGuard WitnessFused.
Open Scope R_scope.

Notation F := (full_float full_nans64).
Notation nan64 := (proj1_sig a_nan64).
Notation wide x := (fun j => widen nan64 (x j)).

(** The compensated weights of the row, *)
Definition bound_row_weight : nat ->
  bin32 := ieee_weight nans32 (proj1_sig a_nan32) hard_U hard_w hard_s hard_g.

(** half a gap of GF16 at them, *)
Definition bound_row_gap (j : nat) : bin64 :=
  a_mul F (lit64 1 (-10)) (a_abs F (widen nan64 (bound_row_weight j))).

(** the errors, *)
Definition bound_row_errors : nat ->
  bin64 := bound_error F (wide hard_w) (wide hard_s) (wide hard_g).

(** distances and gaps, *)
Definition bound_row_reach : nat -> bin64 :=
  bound_reach F (fun i j => widen nan64 (narrowed (proj1_sig a_nan32) hard_U i j))
    (bound_norm F 2 bound_row_errors) bound_row_gap (wide bound_row_weight).

(** the three sums, *)
Definition bound_row_squares : bin64 := bound_squares F 2 hard_d bound_row_reach.
Definition bound_row_size : bin64 := guard_size F 2 (fun j => hard_H j j) bound_row_errors.
Definition bound_row_excess : bin64 :=
  bound_excess F 2 (fun j => hard_H j j) (fun j => a_add F (hard_G j j) (hard_G j j))
    bound_row_errors.

(** and the two ends. *)
Definition bound_row_lo : bin64 := bound_lo F 2 bound_row_squares bound_row_size bound_row_excess.
Definition bound_row_hi : bin64 := bound_hi F 2 bound_row_squares bound_row_size bound_row_excess.


Notation vG := (fun i j => val64 (hard_G i j)).
Notation q := (scaled_points (fun j => val32 (hard_s j)) (fun j => val32 (hard_g j))).

(** The gaps hold what was rounded; the bound holds and lies between the ends. *)
Theorem witness_bound :
  let value := val64 in let w := fun j => val32 (hard_w j) in
  let u := fun j => val32 (bound_row_weight j) in let gap := fun j => val64 (bound_row_gap j) in
  let bound := certified_bound 2 (val64 hard_lam) vG (fun i j => val64 (hard_U i j))
    (fun j => val64 (hard_d j)) w q gap u in
  (forall j, (j < 2)%nat -> Rabs (u j - q j) <= gap j)
  /\ (finite64 bound_row_lo = true /\ finite64 bound_row_hi = true)
  /\ / 268435456 <= qform 2 vG (vsub w q) <= bound
  /\ val64 bound_row_lo <= bound <= val64 bound_row_hi
  /\ val64 bound_row_hi <= / 8388608
  /\ val64 bound_row_hi <= (1 + / 8796093022208) * val64 bound_row_lo.
Proof.
intros value w u gap bound.
assert (gap0 : gap 0%nat = 10066330 / 17179869184) by (unfold gap; value_by_computation).
assert (gap1 : gap 1%nat = 11179895 / 34359738368) by (unfold gap; value_by_computation).
destruct hard_values as [sv [_ [_ [g0 [g1 [u0 [u1 _]]]]]]].
assert (near : forall j, (j < 2)%nat -> Rabs (u j - q j) <= gap j).
{ intros j below; unfold scaled_points; rewrite sv; two_columns_of j; cbv beta.
  - change (u 0%nat) with (val32 (bound_row_weight 0)); unfold bound_row_weight; rewrite g0, u0,
      gap0; apply Rabs_le; lra.
  - change (u 1%nat) with (val32 (bound_row_weight 1)); unfold bound_row_weight; rewrite g1, u1,
      gap1; apply Rabs_le; lra. }
assert (ends : finite64 bound_row_lo = true /\ finite64 bound_row_hi = true)
  by (split; vm_compute; reflexivity).
assert (low : val64 bound_row_lo = 8000368851208787 / 75557863725914323419136)
  by value_by_computation.
assert (high : val64 bound_row_hi = 8000368851209271 / 75557863725914323419136)
  by value_by_computation.
destruct witness_guard_model as [run [symmetric [pivots [sane [lam diagonal]]]]].
assert (gaps : forall j, (j < 2)%nat -> Rabs (u j - q j) <= gap j
    /\ gap j <= (1 + bpow radix2 (-53)) * val64 (bound_row_gap j)
    /\ val64 (bound_row_gap j) <= (1 + bpow radix2 (-53)) * gap j).
{ intros j below; split; [exact (near j below)|].
  assert (pos : 0 <= gap j) by (eapply Rle_trans; [apply Rabs_pos|exact (near j below)]).
  assert (more : gap j <= (1 + bpow radix2 (-53)) * gap j).
  { rewrite <- (Rmult_1_l (gap j)) at 1; apply Rmult_le_compat_r; [exact pos|].
    assert (small := bpow_gt_0 radix2 (-53)); lra. }
  split; exact more. }
destruct (certified_bound_ieee full_nans64 nans32 (proj1_sig a_nan32) eq_refl nan64 eq_refl 2
  hard_lam
  hard_G hard_C hard_U hard_d bound_row_gap hard_w hard_s hard_g (2097153 / 1048576) gap ltac:(lia)
  ltac:(lia) run symmetric pivots sane lam diagonal gaps ends) as [holds contains].
destruct witness_fused as [_ [_ [loss [below _]]]].
split; [exact near|split; [exact ends|split; [split; [|exact holds]|split; [exact contains|]]]].
- eapply Rle_trans; [exact below|exact (proj1 loss)].
- rewrite low, high; split; lra.
Qed.
