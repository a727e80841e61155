(** * An instance on which every hypothesis holds

    Purpose: three columns, H = [[3,1,1],[1,3,1],[1,1,3]], weights near (0.1, 0.7, -1.5) with unit
      scale, run in IEEE binary64 and binary32 by computation inside Coq.  One third is not a
      binary number, so that the factorization, the narrowing and the recurrence all round.
    Main results: [witness_run], [witness_codes]: the hypotheses of [EmittedIeee] hold.  The
      bounds are in [WitnessBounds].
    Depends on: [EmittedIeee]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import GF16.
From Hallmark.Gptq Require Import Sums Matrix Gptq GoldenGrid.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence.
From Hallmark.Float Require Import RecurrenceError GramError Factor FactorProof FactorRounded.
From Hallmark.Float Require Import Residual FactorClosed Certificate Emitted Machine FiniteRun.
From Hallmark.Float Require Import EmittedIeee.
Open Scope R_scope.

(** One NaN of binary32. *)
Definition a_nan32 : {x : bin32 | Binary.is_nan 24 128 x = true} :=
  exist _ (Binary.B754_nan 24 128 false 1 eq_refl) eq_refl.

(** One NaN of binary64. *)
Definition a_nan64 : {x : bin64 | Binary.is_nan 53 1024 x = true} :=
  exist _ (Binary.B754_nan 53 1024 false 1 eq_refl) eq_refl.

(** A machine that returns that NaN of binary32. *)
Definition nans32 : nan_choice 24 128 :=
  Build_nan_choice 24 128 (fun _ => a_nan32) (fun _ _ => a_nan32) (fun _ _ => a_nan32)
    (fun _ _ _ => a_nan32) (fun _ _ => a_nan32).

(** A machine that returns that NaN of binary64. *)
Definition nans64 : nan_choice 53 1024 :=
  Build_nan_choice 53 1024 (fun _ => a_nan64) (fun _ _ => a_nan64) (fun _ _ => a_nan64)
    (fun _ _ _ => a_nan64) (fun _ _ => a_nan64).

(** The binary32 number m 2^e. *)
Definition lit32 (m e : Z) : bin32 :=
  Binary.binary_normalize 24 128 prec32_gt_0 prec32_lt_emax mode_NE m e false.

(** The binary64 number m 2^e. *)
Definition lit64 (m e : Z) : bin64 :=
  Binary.binary_normalize 53 1024 prec64_gt_0 prec64_lt_emax mode_NE m e false.

(** The Hessian: 3 on the diagonal, 1 elsewhere. *)
Definition wH (i j : nat) : bin64 := if Nat.eqb i j then lit64 3 0 else lit64 1 0.

(** The unscaled columns of its factorization. *)
Definition wC : nat -> nat -> bin64 := factor_C (float_arith nans64) 3 wH.

(** Its factor. *)
Definition wU : nat -> nat -> bin64 := factor_U (float_arith nans64) 3 wH.

(** Its pivots. *)
Definition wd : nat -> bin64 := factor_d (float_arith nans64) 3 wH.

(** The weights. *)
Definition ww (j : nat) : bin32 :=
  match j with
  | O => lit32 13421773 (-27)
  | S O => lit32 11744051 (-24)
  | _ => lit32 (-12582911) (-23)
  end.

(** The scale. *)
Definition ws (j : nat) : bin32 := lit32 1 0.

(** The grid points that the run emits. *)
Definition wg (j : nat) : bin32 :=
  match j with
  | O => lit32 819 (-13)
  | S O => lit32 717 (-10)
  | _ => lit32 (-768) (-9)
  end.

(** The factor narrowed to binary32. *)
Notation wV := (narrowed (proj1_sig a_nan32) wU).

(** The compensated weights. *)
Notation wu := (ieee_weight nans32 (proj1_sig a_nan32) wU ww ws wg).

Notation rH := (fun i j => val64 (wH i j)).
Notation rU := (fun i j => val64 (wU i j)).
Notation rd := (fun j => val64 (wd j)).
Notation rw := (fun j => val32 (ww j)).
Notation rs := (fun j => val32 (ws j)).
Notation rg := (fun j => val32 (wg j)).
Notation rq := (scaled_points rs rg).

(** The value of a computed datum, by computation. *)
Ltac value_by_computation :=
  match goal with
  | |- Binary.B2R ?p ?e ?x = _ =>
      rewrite <- (Binary.FF2R_B2FF p e x);
      let v := eval vm_compute in (Binary.B2FF p e x) in
      replace (Binary.B2FF p e x) with v by (vm_compute; reflexivity);
      unfold Binary.FF2R, F2R; simpl; lra
  end.

(** The three indices of the instance. *)
Ltac three_columns j := destruct j as [|[|[|j]]]; [| | |lia].

(** The pivots: 5629499534213120, 6004799503160661 and 6755399441055744, each 2^-51. *)
Lemma wd_value j : (j < 3)%nat -> val64 (wd j) = match j with
  | O => 5629499534213120 / 2251799813685248
  | S O => 6004799503160661 / 2251799813685248
  | _ => 3 end.
Proof. intros below; three_columns j; value_by_computation. Qed.

(** The narrowed factor: one quarter and twice a rounded third. *)
Lemma wV_value i j : (i < j < 3)%nat -> val32 (wV i j) =
  if Nat.eqb j 1 then 1 / 4 else 11184811 / 33554432.
Proof.
intros range; three_columns j; [lia| |].
- assert (same : i = 0%nat) by lia; subst i; simpl Nat.eqb; cbv iota; value_by_computation.
- simpl Nat.eqb; cbv iota; destruct i as [|[|i]]; [value_by_computation|value_by_computation|lia].
Qed.

(** The weights as numbers. *)
Lemma ww_value j : (j < 3)%nat -> val32 (ww j) = match j with
  | O => 13421773 / 134217728 | S O => 11744051 / 16777216 | _ => - 12582911 / 8388608 end.
Proof. intros below; three_columns j; value_by_computation. Qed.

(** The scale is one. *)
Lemma ws_value j : val32 (ws j) = 1.
Proof. value_by_computation. Qed.

(** The grid points as numbers. *)
Lemma wg_value j : (j < 3)%nat -> val32 (wg j) = match j with
  | O => 819 / 8192 | S O => 717 / 1024 | _ => - 768 / 512 end.
Proof. intros below; three_columns j; value_by_computation. Qed.

(** The compensated weights as numbers. *)
Lemma wu_value j : (j < 3)%nat -> val32 (wu j) = match j with
  | O => 13421773 / 134217728 | S O => 11744153 / 16777216 | _ => - 12583389 / 8388608 end.
Proof. intros below; three_columns j; value_by_computation. Qed.

(** The Hessian as numbers. *)
Lemma wH_value i j : val64 (wH i j) = if Nat.eqb i j then 3 else 1.
Proof. unfold wH; destruct (Nat.eqb i j); value_by_computation. Qed.

(** The hypotheses on the run hold. *)
Theorem witness_run : ieee_run nans64 nans32 (proj1_sig a_nan32) 3 wH wC wU wd ww ws wg 3.
Proof.
constructor.
- apply factor_correct.
- intros j below; split; [three_columns j; vm_compute; reflexivity|].
  rewrite wd_value by exact below; three_columns j; lra.
- intros i j range; three_columns j; [lia| |].
  + assert (same : i = 0%nat) by lia; subst i; vm_compute; reflexivity.
  + destruct i as [|[|i]]; [vm_compute; reflexivity|vm_compute; reflexivity|lia].
- intros i j ibelow jbelow; rewrite !wH_value, Nat.eqb_sym; reflexivity.
- constructor.
  + lia.
  + intros j below; rewrite wH_value, Nat.eqb_refl; lra.
  + intros j below; rewrite wH_value, Nat.eqb_refl.
    apply Rle_trans with (1 * 3); [|lra].
    apply Rmult_le_compat_r; [lra|change 1 with (bpow radix2 0); apply bpow_le; lia].
  + intros j below; rewrite wH_value, Nat.eqb_refl.
    apply Rle_trans with 1; [change 1 with (bpow radix2 0); apply bpow_le; lia|lra].
- intros j below; three_columns j; vm_compute; reflexivity.
Qed.

(** The emitted grid points are the nearest GF16 numbers to the computed weights. *)
Theorem witness_codes : ieee_codes nans32 (proj1_sig a_nan32) 3 wU ww ws wg.
Proof.
assert (nearest : forall m e p f, gf16_dy m e = (p, f) ->
  Rabs (F2R (Float radix2 m e)) <= 4 ->
  gf16_round (F2R (Float radix2 m e)) = F2R (Float radix2 p f)).
{ intros m e p f computed small.
  assert (spec := gf16_dy_correct m e); rewrite computed in spec; symmetry; apply spec.
  apply Rle_trans with (1 := small); unfold gf16_max; simpl; lra. }
intros j below; rewrite ws_value; split; [lra|].
unfold Rdiv; rewrite Rinv_1, Rmult_1_r, wu_value, wg_value by exact below.
three_columns j.
- replace (13421773 / 134217728) with (F2R (Float radix2 13421773 (-27)))
    by (unfold F2R; simpl; lra).
  rewrite (nearest 13421773%Z (-27)%Z 819%Z (-13)%Z); [unfold F2R; simpl; lra|reflexivity|].
  unfold F2R; simpl; rewrite Rabs_pos_eq; lra.
- replace (11744153 / 16777216) with (F2R (Float radix2 11744153 (-24)))
    by (unfold F2R; simpl; lra).
  rewrite (nearest 11744153%Z (-24)%Z 717%Z (-10)%Z); [unfold F2R; simpl; lra|reflexivity|].
  unfold F2R; simpl; rewrite Rabs_pos_eq; lra.
- replace (- 12583389 / 8388608) with (F2R (Float radix2 (-12583389) (-23)))
    by (unfold F2R; simpl; lra).
  rewrite (nearest (-12583389)%Z (-23)%Z (-768)%Z (-9)%Z);
    [unfold F2R; simpl; lra|reflexivity|].
  unfold F2R; simpl; rewrite Rabs_left1; lra.
Qed.
