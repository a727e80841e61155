(** * The composed theorem on IEEE data

    Purpose: the theorems of [Emitted] for the values of IEEE data: every operation is Flocq's
      on [binary_float], overflow is excluded by the finiteness of what the program returns, and
      the grid points are values that the program compares with u'_j.
    Main results: [emitted_run_ieee] (the run of the real model behind a finite IEEE run),
      [emitted_codes_loss_ieee], [emitted_codes_enclosure_ieee].
    Depends on: [Machine], [FiniteRun], [Emitted].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import GF16.
From Hallmark.Gptq Require Import Sums Matrix Gptq GoldenGrid.
From Hallmark.Float Require Import Arithmetic Rounding Chain ChainError Recurrence RecurrenceError.
From Hallmark.Float Require Import Factor FactorRounded Residual FactorClosed Certificate Emitted.
From Hallmark.Float Require Import Machine FiniteRun.
Open Scope R_scope.

Notation val32 := (Binary.B2R 24 128).
Notation val64 := (Binary.B2R 53 1024).
Notation finite32 := (Binary.is_finite 24 128).
Notation finite64 := (Binary.is_finite 53 1024).

Section Ieee.

Variable nans64 : nan_choice 53 1024.
Variable nans32 : nan_choice 24 128.
Variable nan : bin32.
Hypothesis nan_is_nan : Binary.is_nan 24 128 nan = true.
Notation F64 := (float_arith nans64).
Notation F32 := (float_arith nans32).

Variable n : nat.
Variables H C U : nat -> nat -> bin64.
Variable d : nat -> bin64.
Variables w s g : nat -> bin32.
Variable hmax : R.

(** The factor narrowed to binary32, as the recurrence reads it. *)
Definition narrowed (i j : nat) : bin32 := narrow nan (U i j).

(** The compensated weights of the IEEE run. *)
Definition ieee_weight (j : nat) : bin32 := comp_float F32 narrowed w s g j.

(** A run on IEEE data whose results are finite, for a symmetric H of sane size. *)
Record ieee_run : Prop := {
  ieee_factor : is_factor F64 n H C U d;
  ieee_pivots : forall j, (j < n)%nat -> finite64 (d j) = true /\ 0 < val64 (d j);
  ieee_narrowed : forall i j, (i < j < n)%nat -> finite32 (narrowed i j) = true;
  ieee_symmetric : sym n (fun i j => val64 (H i j));
  ieee_sane : sane_diagonal n (fun i j => val64 (H i j)) hmax;
  ieee_weights : forall j, (j < n)%nat -> finite32 (ieee_weight j) = true }.

Hypothesis run : ieee_run.
Notation rH := (fun i j => val64 (H i j)).
Notation rC := (fun i j => val64 (C i j)).
Notation rU := (fun i j => val64 (U i j)).
Notation rd := (fun j => val64 (d j)).
Notation rw := (fun j => val32 (w j)).
Notation rs := (fun j => val32 (s j)).
Notation rg := (fun j => val32 (g j)).

(** Behind a finite IEEE run there is a run of the real model. *)
Theorem emitted_run_ieee : emitted_run n rH rC rU rd hmax rw.
Proof.
assert (entries : forall i j, (i < j < n)%nat -> finite64 (U i j) = true).
{ intros i j range; apply (narrow_finite nan (U i j) nan_is_nan).
  exact (ieee_narrowed run i j range). }
constructor.
- exact (proj1 (factor_finite 53 1024 nans64 n H C U d (ieee_factor run) (ieee_pivots run)
    entries)).
- exact (ieee_symmetric run).
- intros k below; apply (ieee_pivots run k below).
- exact (ieee_sane run).
- intros j _; apply (B2R_format 24 128).
Qed.

(** The weights of the IEEE run are those of the real model. *)
Theorem ieee_weight_value j : (j < n)%nat ->
  val32 (ieee_weight j) = emitted_weight rU rw rs rg j.
Proof.
intros below; unfold ieee_weight, emitted_weight.
destruct (comp_finite 24 128 nans32 narrowed w s g j (ieee_weights run j below))
  as [_ [_ [_ value]]].
rewrite value; change (real_arith (3 - 128 - 24) 24) with real32; unfold comp_float; f_equal.
unfold feedback; apply fma_chain_ext; intros k kbelow; [reflexivity|].
apply (narrow_finite nan (U k j) nan_is_nan), (ieee_narrowed run); lia.
Qed.

(** The GF16 codes of the IEEE run: scales and grid points as the program stores them. *)
Definition ieee_codes : Prop := forall j, (j < n)%nat ->
  0 < val32 (s j) /\ val32 (g j) = gf16_round (val32 (ieee_weight j) / val32 (s j)).

(** T7 + T9 + T11 + T15 on IEEE data: the loss in the stored H of the emitted GF16 codes. *)
Theorem emitted_codes_loss_ieee : ieee_codes ->
  qform n rH (vsub rw (scaled_points rs rg))
  <= bsum n (fun j =>
       rd j * (gf16_half_gap rs j (val32 (ieee_weight j)) + emitted_delta rU rw rs rg j) ^ 2)
     + residual32 n * weighted_size n (root_diagonal rH) (vsub rw (scaled_points rs rg)) ^ 2.
Proof.
intros codes.
assert (model : gf16_codes n rU rw rs rg).
{ intros j below; destruct (codes j below) as [spos code].
  rewrite ieee_weight_value in code by exact below; split; assumption. }
eapply Rle_trans;
  [exact (emitted_codes_loss_real n rH rC rU rd hmax rw rs rg emitted_run_ieee model)|].
apply Req_le; f_equal; apply bsum_ext; intros j below.
rewrite ieee_weight_value by exact below; reflexivity.
Qed.

(** The enclosure of the loss of any codes on IEEE data. *)
Theorem emitted_codes_enclosure_ieee :
  let e := vsub rw (scaled_points rs rg) in
  let slack := residual32 n * weighted_size n (root_diagonal rH) e ^ 2 in
  let u' := fun j => val32 (ieee_weight j) in
  lower_sum n rd u' (scaled_points rs rg) (emitted_delta rU rw rs rg) - slack
  <= qform n rH e
  <= upper_sum n rd u' (scaled_points rs rg) (emitted_delta rU rw rs rg) + slack.
Proof.
intros e slack u'.
assert (model := emitted_codes_enclosure n rH rC rU rd hmax rw rs rg emitted_run_ieee).
assert (upper : upper_sum n rd u' (scaled_points rs rg) (emitted_delta rU rw rs rg)
    = upper_sum n rd (emitted_weight rU rw rs rg) (scaled_points rs rg)
        (emitted_delta rU rw rs rg))
  by (apply bsum_ext; intros j below; unfold u'; rewrite ieee_weight_value by exact below;
      reflexivity).
assert (lower : lower_sum n rd u' (scaled_points rs rg) (emitted_delta rU rw rs rg)
    = lower_sum n rd (emitted_weight rU rw rs rg) (scaled_points rs rg)
        (emitted_delta rU rw rs rg))
  by (apply bsum_ext; intros j below; unfold u'; rewrite ieee_weight_value by exact below;
      reflexivity).
rewrite upper, lower; exact model.
Qed.

End Ieee.

Arguments ieee_factor {nans64 nans32 nan n H C U d w s g hmax}.
Arguments ieee_pivots {nans64 nans32 nan n H C U d w s g hmax}.
Arguments ieee_narrowed {nans64 nans32 nan n H C U d w s g hmax}.
Arguments ieee_symmetric {nans64 nans32 nan n H C U d w s g hmax}.
Arguments ieee_sane {nans64 nans32 nan n H C U d w s g hmax}.
Arguments ieee_weights {nans64 nans32 nan n H C U d w s g hmax}.
