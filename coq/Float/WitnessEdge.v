(** * Subnormal numbers and a clipped code on the nearly singular H

    Purpose: two more rows on the H of [WitnessHard], run in IEEE arithmetic by computation inside
      Coq: one with a code that is subnormal in GF16 and a weight that is subnormal in binary32, one
      with a weight that is clipped to the end of an integer grid.
    Main results: [witness_subnormal_run], [witness_subnormal_codes] (scale 3/4; the bound is below
      2^-79, where the codes 0 lose more than 2^-74), [witness_clipped_codes], [witness_clipped]
      (the grid -7 .. 7 at scale 3/8; both sides of the plain loss).
    Depends on: [WitnessHard]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import GF16 IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Gptq GoldenGrid Concrete.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence.
From Hallmark.Float Require Import RecurrenceError GramError Factor FactorProof FactorRounded.
From Hallmark.Float Require Import Residual FactorClosed Hessian Certificate Emitted Machine.
From Hallmark.Float Require Import FiniteRun EmittedIeee EmittedPlainIeee PivotNorm Enclosure.
From Hallmark.Float Require Import WitnessRun WitnessBounds WitnessHard.
Open Scope R_scope.

(** ** A subnormal code and a subnormal weight *)

(** The weights: 3/4 of 5.3 times the smallest positive number of GF16, and - 7 2^-149, which is
    subnormal in binary32. *)
Definition subnormal_w (j : nat) : bin32 :=
  match j with O => lit32 4168090 (-59) | _ => lit32 (-7) (-149) end.

(** The grid points: 5 2^-39, which is subnormal in GF16, and 0. *)
Definition subnormal_g (j : nat) : bin32 :=
  match j with O => lit32 5 (-39) | _ => lit32 0 0 end.

Notation subnormal_u := (ieee_weight nans32 nan32 hard_U subnormal_w hard_s subnormal_g).

(** The compensated weights are finite. *)
Lemma subnormal_finite j : (j < 2)%nat -> finite32 (subnormal_u j) = true.
Proof. intros below; two_columns_of j; vm_compute; reflexivity. Qed.

(** The weights, the grid points and the compensated weights as numbers. *)
Lemma subnormal_values :
  val32 (subnormal_w 0) = 4168090 * / 2 ^ 59 /\ val32 (subnormal_w 1) = - 7 * / 2 ^ 149 /\
  val32 (subnormal_g 0) = 5 * / 2 ^ 39 /\ val32 (subnormal_g 1) = 0 /\
  val32 (subnormal_u 0) = 16672360 * / 2 ^ 61 /\ val32 (subnormal_u 1) = 15099513 * / 2 ^ 65 /\
  val32 (weight_error (float_arith nans32) subnormal_w hard_s subnormal_g 0) = 15099520 * / 2 ^ 65.
Proof. repeat split; value_by_computation. Qed.

(** The run and its codes satisfy the hypotheses. *)
Theorem witness_subnormal_run :
  ieee_run nans64 nans32 nan32 2 hard_H hard_C hard_U hard_d subnormal_w hard_s subnormal_g
    (2097153 / 1048576) /\
  ieee_codes nans32 nan32 2 hard_U subnormal_w hard_s subnormal_g.
Proof.
split; [exact (hard_run _ _ _ subnormal_finite)|].
destruct hard_values as [scale _]; destruct subnormal_values as [_ [_ [g0 [g1 [u0 [u1 _]]]]]].
intros j below; rewrite scale; split; [lra|two_columns_of j].
- rewrite g0, u0, (gf16_round_near 5 (-39)); try lia; try (left; reflexivity);
    simpl; numeral_abs; lra.
- rewrite g1, u1, (gf16_round_near 0 (-39)); try lia; try (left; reflexivity);
    simpl; numeral_abs; lra.
Qed.

(** T7 + T9 + T11 + T15 on it. *)
Theorem witness_subnormal_codes :
  let vw := fun j => val32 (subnormal_w j) in let vs := fun j => val32 (hard_s j) in
  let vg := fun j => val32 (subnormal_g j) in let e := vsub vw (scaled_points vs vg) in
  let bound := bsum 2 (fun j =>
      vd j * (gf16_half_gap vs j (val32 (subnormal_u j)) + emitted_delta vU vw vs vg j) ^ 2)
    + residual32 2 * weighted_size 2 (root_diagonal vH) e ^ 2 in
  Rabs (vw 1%nat) < bpow radix2 (-126) /\ 0 < Rabs (vg 0%nat) < bpow radix2 (-30) /\
  qform 2 vH e <= bound /\ bound <= bpow radix2 (-79) /\
  bpow radix2 (-74) <= qform 2 vH (vsub vw (fun _ => 0)).
Proof.
intros vw vs vg e bound; destruct witness_subnormal_run as [run codes].
destruct hard_values as [scale _].
destruct subnormal_values as [w0 [w1 [g0 [g1 [u0 [u1 e0]]]]]].
split; [unfold vw; rewrite w1; simpl; numeral_abs; lra|].
split; [unfold vg; rewrite g0; simpl; numeral_abs; lra|].
split; [exact (emitted_codes_loss_ieee nans64 nans32 nan32 eq_refl 2 hard_H hard_C hard_U hard_d
  subnormal_w hard_s subnormal_g _ run codes)|split].
- eapply Rle_trans; [apply (hard_bound subnormal_w hard_s subnormal_g
    _ (/ 2 ^ 40) (25 / 32 * / 2 ^ 40) (/ 2 ^ 40) (proj1 hard_constant))|].
  + rewrite scale; lra.
  + rewrite scale; lra.
  + apply Rle_trans with (49 / 64 * / 2 ^ 40 + / 2 ^ 50); [apply Rplus_le_compat|simpl; lra].
    * apply half_gap_le; cbv beta; rewrite ?scale, ?u0; simpl; numeral_abs; lra.
    * rewrite (hard_delta_first _ _ _ subnormal_finite), u0; simpl; numeral_abs; lra.
  + apply Rle_trans with (49 / 64 * / 2 ^ 40 + / 2 ^ 50); [apply Rplus_le_compat|simpl; lra].
    * apply half_gap_le; cbv beta; rewrite ?scale, ?u1; simpl; numeral_abs; lra.
    * eapply Rle_trans; [exact (hard_delta_second _ _ _ subnormal_finite)|].
      cbv beta; rewrite u1, e0; simpl; numeral_abs; lra.
  + unfold vsub, scaled_points; rewrite !scale, w0, w1, g0, g1; simpl; numeral_abs; lra.
  + rewrite !hard_d_value by lia; simpl; lra.
- unfold qform, vsub, vw; cbn [bsum]; rewrite !hard_H_value, w0, w1; simpl; lra.
Qed.

(** ** A clipped code *)

(** The weights, near 3.9 and -0.3. *)
Definition clipped_w (j : nat) : bin32 :=
  match j with O => lit32 16357786 (-22) | _ => lit32 (-10066330) (-25) end.

(** The scale 3/8. *)
Definition clipped_s (j : nat) : bin32 := lit32 3 (-3).

(** The codes. *)
Definition clipped_g (j : nat) : bin32 := match j with O => lit32 7 0 | _ => lit32 3 0 end.

Notation clipped_u := (ieee_weight nans32 nan32 hard_U clipped_w clipped_s clipped_g).

(** The compensated weights are finite. *)
Lemma clipped_finite j : (j < 2)%nat -> finite32 (clipped_u j) = true.
Proof. intros below; two_columns_of j; vm_compute; reflexivity. Qed.

(** The weights, the scale, the codes and the compensated weights as numbers. *)
Lemma clipped_values :
  (forall j, val32 (clipped_s j) = 3 / 8) /\
  val32 (clipped_w 0) = 16357786 / 4194304 /\ val32 (clipped_w 1) = - (10066330 / 33554432) /\
  val32 (clipped_g 0) = 7 /\ val32 (clipped_g 1) = 3 /\
  val32 (clipped_u 0) = 16357786 / 4194304 /\ val32 (clipped_u 1) = 16357777 / 16777216 /\
  val32 (weight_error (float_arith nans32) clipped_w clipped_s clipped_g 0) = 10695476 / 8388608.
Proof. split; [intros j|repeat split]; value_by_computation. Qed.

(** The codes are those of the grid -7 .. 7; the first weight is beyond its last cell. *)
Theorem witness_clipped_codes :
  (forall j, (j < 2)%nat ->
    val32 (clipped_g j) = IZR (clip_code 7 (val32 (clipped_u j) / val32 (clipped_s j)))) /\
  7 + 3 < val32 (clipped_u 0) / val32 (clipped_s 0).
Proof.
destruct clipped_values as [scale [_ [_ [g0 [g1 [u0 [u1 _]]]]]]]; split.
- intros j below; rewrite scale; unfold clip_code; two_columns_of j.
  + rewrite g0, u0, (Znearest_imp _ _ 10); [reflexivity|numeral_abs; lra].
  + rewrite g1, u1, (Znearest_imp _ _ 3); [reflexivity|numeral_abs; lra].
- rewrite scale, u0; lra.
Qed.

(** Both sides of the plain loss of the clipped codes, damping added: between 1/25 and 1/20. *)
Theorem witness_clipped :
  let rG := fun i j => val64 (hard_G i j) in let lam := val64 hard_lam in
  let vw := fun j => val32 (clipped_w j) in let vs := fun j => val32 (clipped_s j) in
  let vg := fun j => val32 (clipped_g j) in let q := scaled_points vs vg in let e := vsub vw q in
  let u' := fun j => val32 (clipped_u j) in
  let slack := (residual32 2 + uro 53)
    * weighted_size 2 (root_diagonal (hessian_stored lam rG)) e ^ 2 in
  let lower := lower_sum 2 vd u' q (emitted_delta vU vw vs vg) - slack in
  let upper := upper_sum 2 vd u' q (emitted_delta vU vw vs vg) + slack in
  ieee_run nans64 nans32 nan32 2 hard_H hard_C hard_U hard_d clipped_w clipped_s clipped_g
    (2097153 / 1048576) /\
  / 25 <= lower /\ lower <= 2 * qform 2 rG e + lam * bsum 2 (fun i => e i ^ 2) <= upper /\
  upper <= / 20.
Proof.
intros rG lam vw vs vg q e u' slack lower upper.
destruct clipped_values as [scale [w0 [w1 [g0 [g1 [u0 [u1 e0]]]]]]].
assert (run := hard_run _ _ _ clipped_finite).
assert (between := plain_enclosure_ieee nans64 nans32 nan32 eq_refl 2 hard_lam hard_G hard_C hard_U
  hard_d clipped_w clipped_s clipped_g _ run (fun i j _ _ => hard_H_finite i j)).
assert (small : 0 <= slack <= / 100000).
{ assert (size : 0 <= weighted_size 2 (root_diagonal (hessian_stored lam rG)) e ^ 2
    <= (3 / 2 * 3) ^ 2).
  { replace (weighted_size 2 (root_diagonal (hessian_stored lam rG)) e)
      with (weighted_size 2 (root_diagonal vH) e)
      by (apply bsum_ext; intros i _; unfold lam, rG; rewrite hard_stored; reflexivity).
    apply hard_size; unfold e, vsub, q, scaled_points, vw, vs, vg.
    rewrite !scale, w0, w1, g0, g1; numeral_abs; lra. }
  unfold slack; assert (constant : 0 <= residual32 2 + uro 53 <= / 4194304)
    by (unfold residual32, residual64, uro; simpl; lra).
  split; [apply Rmult_le_pos; lra|].
  apply Rle_trans with (/ 4194304 * (3 / 2 * 3) ^ 2); [apply Rmult_le_compat; lra|lra]. }
assert (delta0 : 0 <= emitted_delta vU vw vs vg 0 <= / 1000000).
{ split; [apply hard_delta_ge0; lia|].
  unfold vw, vs, vg; rewrite (hard_delta_first _ _ _ clipped_finite), u0; numeral_abs; simpl; lra. }
assert (delta1 : 0 <= emitted_delta vU vw vs vg 1 <= / 1000000).
{ split; [apply hard_delta_ge0; lia|].
  eapply Rle_trans; [exact (hard_delta_second _ _ _ clipped_finite)|].
  cbv beta; rewrite u1, e0; numeral_abs; simpl; lra. }
split; [exact run|split; [|split; [exact between|]]].
- unfold lower, lower_sum; cbn [bsum]; unfold u', q, scaled_points, vs at 1 3, vg at 1 3.
  rewrite !scale, g0, g1, u0, u1, !hard_d_value by lia; numeral_abs.
  set (x := emitted_delta vU vw vs vg 0) in *; set (y := emitted_delta vU vw vs vg 1) in *.
  rewrite !Rmax_right by lra; nra.
- unfold upper, upper_sum; cbn [bsum]; unfold u', q, scaled_points, vs at 1 3, vg at 1 3.
  rewrite !scale, g0, g1, u0, u1, !hard_d_value by lia; numeral_abs.
  set (x := emitted_delta vU vw vs vg 0) in *; set (y := emitted_delta vU vw vs vg 1) in *.
  nra.
Qed.
