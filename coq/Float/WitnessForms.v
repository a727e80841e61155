(** * The variants of the theorems of Float/ on the instance of [WitnessRun]

    Purpose: [WitnessBounds] evaluates the main theorems; here are the others: the entrywise
      bound and the quadratic forms of T15, the finite runs, and the composed theorem for the plain
      loss and for the activations.  H is 2 G + 2 I for the two tokens (1/2, 1/2, 1/2), whose Gram
      matrix is singular.
    Main results: [witness_entry], [witness_form_binary64], [witness_form_binary32] (T15),
      [witness_finite_factor], [witness_finite_recurrence], [witness_finite_gram],
      [witness_gram_no_overflow] (overflow), [witness_plain_run], [witness_plain],
      [witness_activations], [witness_product32] (the guard).
    Depends on: [WitnessRun], [WitnessBounds], [EmittedPlainIeee], [NoOverflow]; computation by
      vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz List FunctionalExtensionality.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import GF16.
From Hallmark.Gptq Require Import Sums Matrix Gptq GoldenGrid Concrete.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence.
From Hallmark.Float Require Import RecurrenceError GramError Factor FactorProof FactorError.
From Hallmark.Float Require Import FactorRounded Residual FactorClosed Hessian Certificate Emitted.
From Hallmark.Float Require Import Machine FiniteRun EmittedIeee EmittedPlainIeee NoOverflow.
From Hallmark.Float Require Import PivotNorm Enclosure WitnessRun WitnessBounds.
Import ListNotations.
Open Scope R_scope.

Notation rC := (fun i j => val64 (wC i j)).

(** The run of the real model. *)
Definition model := emitted_run_ieee nans64 nans32 nan32 eq_refl 3 wH wC wU wd ww ws wg 3
  witness_run.

(** The second unit vector. *)
Definition second : vec := entries [0; 1; 0].

(** A residual at the second unit vector is its entry 1, 1. *)
Lemma second_form V : qform 3 (resid 3 rH V rd) second = resid 3 rH V rd 1 1.
Proof. unfold second, qform, entries; cbn [bsum nth]; lra. Qed.

(** The size of the second unit vector is the root of 3. *)
Lemma second_size : weighted_size 3 (root_diagonal rH) second ^ 2 = 3.
Proof.
unfold weighted_size, second, entries, root_diagonal; cbn [bsum nth]; rewrite !wH_value.
simpl Nat.eqb; cbv iota; rewrite Rabs_R0, Rabs_R1.
replace (0 + 0 * sqrt 3 + 1 * sqrt 3 + 0 * sqrt 3) with (sqrt 3) by ring.
apply pow2_sqrt; lra.
Qed.

(** The second row of the factor. *)
Lemma second_row : val64 (wU 1 0) = 0 /\ val64 (wU 1 1) = 1
  /\ val64 (wU 1 2) = 6004799503160661 / 18014398509481984.
Proof. split; [|split]; value_by_computation. Qed.

(** The residual of the binary64 factor there. *)
Lemma second_residual : 0 < Rabs (resid 3 rH rU rd 1 1).
Proof.
destruct second_row as [low [one third]]; unfold resid, recon; cbn [bsum].
rewrite low, one, third, !wd_value, wH_value by lia; simpl Nat.eqb; cbv iota; numeral_abs; lra.
Qed.

(** T15 entry by entry on the instance: the residual is not zero, and at most the bound, which is
    below 2^-49. *)
Theorem witness_entry :
  let bound := gam (uro 53) 3 * bsum 3 (fun k => Rabs (rU 1%nat k) * rd k * Rabs (rU 1%nat k))
    + under_factor (uro 53) (eta (-1074)) 3 rU rd (Nat.max 1 1) in
  0 < Rabs (resid 3 rH rU rd 1 1) <= bound /\ bound <= / 562949953421312.
Proof.
intros bound; split; [split; [exact second_residual|]|].
- exact (T15_entry (-1074) 53 3 rH rC rU rd 1 1 (run_factor model) (run_symmetric model)
    (run_pivots model) ltac:(lia) ltac:(lia)).
- assert (tiny : 0 <= eta (-1074) <= / 1267650600228229401496703205376).
  { unfold eta; split; [apply bpow_ge_0|].
    change (/ 1267650600228229401496703205376) with (bpow radix2 (-100)); apply bpow_le; lia. }
  destruct second_row as [low [one third]].
  unfold bound, under_factor, gam; simpl Nat.max; set (z := eta (-1074)) in *.
  unfold uro; simpl bpow; cbn [bsum].
  rewrite low, one, third, !wd_value by lia; numeral_abs; simpl; lra.
Qed.

(** T15 as a quadratic form on the instance, at the second unit vector: at most 2^-49. *)
Theorem witness_form_binary64 :
  let bound := residual64 3 * weighted_size 3 (root_diagonal rH) second ^ 2 in
  0 < Rabs (qform 3 (resid 3 rH rU rd) second) <= bound /\ bound <= / 562949953421312.
Proof.
intros bound; split; [split|].
- rewrite second_form; exact second_residual.
- exact (residual_form_binary64 3 rH rC rU rd 3 (run_factor model) (run_symmetric model)
    (run_pivots model) (run_sane model) second).
- unfold bound; rewrite second_size; unfold residual64; simpl; lra.
Qed.

(** The same for the factor rounded to binary32: at most 2^-21. *)
Theorem witness_form_binary32 :
  let V := round_factor (-149) 24 rU in
  let bound := residual32 3 * weighted_size 3 (root_diagonal rH) second ^ 2 in
  0 < Rabs (qform 3 (resid 3 rH V rd) second) <= bound /\ bound <= / 2097152.
Proof.
intros V bound; split; [split|].
- rewrite second_form.
  destruct (stored_factor_unit_upper 3 rH rC rU rd 3 rw model) as [low one].
  assert (third : V 1%nat 2%nat = 11184811 / 33554432)
    by (unfold V; change (round_factor (-149) 24 rU) with (stored_factor rU);
        rewrite stored_value, wV_value by lia; reflexivity).
  unfold resid, recon; cbn [bsum]; rewrite third.
  change (V 1%nat 0%nat) with (stored_factor rU 1 0); rewrite (low 1%nat 0%nat) by lia.
  change (V 1%nat 1%nat) with (stored_factor rU 1 1); rewrite (one 1%nat) by lia.
  rewrite !wd_value, wH_value by lia; simpl Nat.eqb; cbv iota; numeral_abs; lra.
- exact (residual_form_binary32 3 rH rC rU rd 3 (run_factor model) (run_symmetric model)
    (run_pivots model) (run_sane model) second).
- unfold bound; rewrite second_size; unfold residual32, residual64; simpl; lra.
Qed.

(** The factorization returns finite entries and positive pivots, and so has the values of the real
    model. *)
Theorem witness_finite_factor :
  is_factor (float_arith nans64) 3 wH wC wU wd
  /\ (forall j, (j < 3)%nat -> finite64 (wd j) = true /\ 0 < val64 (wd j))
  /\ (forall i j, (i < j < 3)%nat -> finite64 (wU i j) = true)
  /\ is_factor real64 3 rH rC rU rd
  /\ val64 (wd 0) = 5629499534213120 / 2251799813685248.
Proof.
assert (entries : forall i j, (i < j < 3)%nat -> finite64 (wU i j) = true).
{ intros i j range; apply (narrow_finite nan32 (wU i j) eq_refl).
  exact (ieee_narrowed witness_run i j range). }
split; [exact (ieee_factor witness_run)|].
split; [exact (ieee_pivots witness_run)|].
split; [exact entries|split; [exact (run_factor model)|exact (wd_value 0 ltac:(lia))]].
Qed.

(** The second compensated weight is finite. *)
Lemma second_finite : finite32 (comp_float (float_arith nans32) wV ww ws wg 1) = true.
Proof. exact (ieee_weights witness_run 1%nat ltac:(lia)). Qed.

(** Its value. *)
Lemma second_weight :
  val32 (comp_float (float_arith nans32) wV ww ws wg 1) = 11744153 / 16777216.
Proof.
change (comp_float (float_arith nans32) wV ww ws wg 1) with (wu 1%nat).
rewrite wu_value by lia; reflexivity.
Qed.

(** The second compensated weight is finite and has the value of the real model. *)
Theorem witness_finite_recurrence :
  finite32 (comp_float (float_arith nans32) wV ww ws wg 1) = true
  /\ val32 (comp_float (float_arith nans32) wV ww ws wg 1)
     = comp_float real32 (fun i k => val32 (wV i k)) rw rs rg 1
  /\ val32 (comp_float (float_arith nans32) wV ww ws wg 1) = 11744153 / 16777216.
Proof.
destruct (comp_finite 24 128 nans32 wV ww ws wg 1 second_finite) as [_ [_ [_ value]]].
change (real_arith (3 - 128 - 24) 24) with real32 in value.
split; [exact second_finite|split; [exact value|exact second_weight]].
Qed.

(** The values of the two tokens 1 and 2^-30. *)
Lemma wX_value i t : val64 (wX i t) = if Nat.eqb t 0 then 1 else / 1073741824.
Proof. unfold wX; destruct (Nat.eqb t 0); value_by_computation. Qed.

(** Their sum of squares needs room for little more than 1, is therefore finite, and is 1. *)
Theorem witness_gram_no_overflow :
  let room := chain_room (3 - 1024 - 53) 53 2 (fun t => val64 (wX 0 t)) (fun t => val64 (wX 0 t)) 0
    in
  (forall t, (t < 2)%nat -> finite64 (wX 0 t) = true /\ finite64 (wX 0 t) = true)
  /\ room <= 2 /\ room < bpow radix2 1024
  /\ finite64 (gram_float (float_arith nans64) 2 wX 0 0) = true.
Proof.
intros room.
assert (entries : forall t, (t < 2)%nat -> finite64 (wX 0 t) = true /\ finite64 (wX 0 t) = true)
  by (intros t below; unfold wX; destruct (Nat.eqb t 0); split; vm_compute; reflexivity).
assert (tiny : 0 <= eta (3 - 1024 - 53) <= / 1267650600228229401496703205376).
{ unfold eta; split; [apply bpow_ge_0|].
  change (/ 1267650600228229401496703205376) with (bpow radix2 (-100)); apply bpow_le; lia. }
assert (small : room <= 2).
{ unfold room, chain_room; cbn [bsum]; rewrite !wX_value; simpl Nat.eqb; cbv iota.
  set (z := eta (3 - 1024 - 53)) in *; unfold uro; simpl bpow; numeral_abs; simpl; lra. }
assert (below : room < bpow radix2 1024).
{ apply Rle_lt_trans with (1 := small).
  change 2 with (bpow radix2 1); apply bpow_lt; lia. }
split; [exact entries|split; [exact small|split; [exact below|]]].
exact (gram_no_overflow 53 1024 nans64 2 wX 0 0 entries below).
Qed.

(** The finite sum has the value of the real model, which is 1: the second square is rounded off. *)
Theorem witness_finite_gram :
  finite64 (gram_float (float_arith nans64) 2 wX 0 0) = true
  /\ val64 (gram_float (float_arith nans64) 2 wX 0 0)
     = gram_float real64 2 (fun i t => val64 (wX i t)) 0 0
  /\ val64 (gram_float (float_arith nans64) 2 wX 0 0) = 1.
Proof.
destruct witness_gram_no_overflow as [_ [_ [_ fin]]].
assert (value := gram_finite 53 1024 nans64 2 wX 0 0 fin).
change (real_arith (3 - 1024 - 53) 53) with real64 in value.
split; [exact fin|split; [exact value|value_by_computation]].
Qed.

(** Two equal tokens of three activations 1/2. *)
Definition wT (i t : nat) : bin64 := lit64 1 (-1).

(** Their Gram matrix as the program accumulates it: 1/2 everywhere. *)
Definition wG : nat -> nat -> bin64 := gram_float (float_arith nans64) 2 wT.

(** The damping. *)
Definition wlam : bin64 := lit64 1 1.

(** The Hessian that the program makes of them is that of the instance. *)
Lemma made_hessian : ieee_hessian nans64 wlam wG = wH.
Proof.
apply functional_extensionality; intros i; apply functional_extensionality; intros j.
unfold ieee_hessian, wH, wG, gram_float, wT; destruct (Nat.eqb i j);
  apply Binary.B2FF_inj; vm_compute; reflexivity.
Qed.

(** The hypotheses of the composed theorems about the Gram matrix hold on IEEE data. *)
Theorem witness_plain_run :
  ieee_run nans64 nans32 nan32 3 (ieee_hessian nans64 wlam wG) wC wU wd ww ws wg 3
  /\ (forall i j, (i < 3)%nat -> (j < 3)%nat -> finite64 (ieee_hessian nans64 wlam wG i j) = true)
  /\ (forall i j, (i < 3)%nat -> (j < 3)%nat ->
        wG i j = gram_float (float_arith nans64) 2 wT i j)
  /\ binary32_entries 3 2 (fun i t => val64 (wT i t)) /\ 0 <= val64 wlam.
Proof.
rewrite made_hessian; split; [exact witness_run|split; [|split; [|split]]].
- intros i j _ _; unfold wH; destruct (Nat.eqb i j); vm_compute; reflexivity.
- reflexivity.
- intros i t _ _; replace (val64 (wT i t)) with (bpow radix2 (-1))
    by (symmetry; unfold wT; simpl bpow; value_by_computation).
  apply generic_format_bpow; compute; discriminate.
- apply Rle_trans with 2; [lra|apply Req_le; symmetry; value_by_computation].
Qed.

(** The value of the damping. *)
Lemma wlam_value : val64 wlam = 2.
Proof. value_by_computation. Qed.

(** The values of the stored Hessian are those of the instance. *)
Lemma made_values : hessian_stored (val64 wlam) (fun i j => val64 (wG i j)) = rH.
Proof.
apply functional_extensionality; intros i; apply functional_extensionality; intros j.
rewrite <- (proj2 (ieee_hessian_value nans64 wlam wG i j
  ltac:(rewrite made_hessian; unfold wH; destruct (Nat.eqb i j); vm_compute; reflexivity))).
rewrite made_hessian; reflexivity.
Qed.

(** The values of the Gram matrix are those of the real model. *)
Lemma made_sums : (fun i j => val64 (wG i j)) = gram_float real64 2 (fun i t => val64 (wT i t)).
Proof.
apply functional_extensionality; intros i; apply functional_extensionality; intros j.
assert (fin : finite64 (wG i j) = true) by (vm_compute; reflexivity).
assert (value := gram_finite 53 1024 nans64 2 wT i j fin).
change (real_arith (3 - 1024 - 53) 53) with real64 in value; exact value.
Qed.

(** The plain loss of the emitted codes in the stored Gram matrix, damping added: both bounds are
    between 2^-24 and 2^-23. *)
Theorem witness_plain :
  let rG := fun i j => val64 (wG i j) in let e := vsub rw rq in
  let slack := (residual32 3 + uro 53)
    * weighted_size 3 (root_diagonal (hessian_stored 2 rG)) e ^ 2 in
  let lower := lower_sum 3 rd ru rq (emitted_delta rU rw rs rg) - slack in
  let upper := upper_sum 3 rd ru rq (emitted_delta rU rw rs rg) + slack in
  / 16777216 <= lower
  /\ lower <= 2 * qform 3 rG e + 2 * bsum 3 (fun i => e i ^ 2) <= upper
  /\ upper <= / 8388608.
Proof.
intros rG e slack lower upper.
destruct witness_plain_run as [run [fin _]].
assert (between := plain_enclosure_ieee nans64 nans32 nan32 eq_refl 3 wlam wG wC wU wd
  ww ws wg 3 run fin).
cbv zeta in between; rewrite wlam_value in between.
assert (small : 0 <= slack <= / 1099511627776).
{ unfold slack, rG; rewrite <- wlam_value, made_values; apply slack_small.
  unfold residual32, residual64, uro; simpl; lra. }
destruct (enclosure_sums slack small); repeat split; try apply between; assumption.
Qed.

(** The loss on the activations of the emitted GF16 codes, damping added: the bound is at most
    2^-16, where the codes 0 lose more than 1. *)
Theorem witness_activations :
  let rX := fun i t => val64 (wT i t) in let e := vsub rw rq in
  let bound := bsum 3 (fun j =>
      rd j * (gf16_half_gap rs j (ru j) + emitted_delta rU rw rs rg j) ^ 2)
    + (residual32 3 + uro 53 + activation64 2)
      * weighted_size 3 (root_diagonal (hessian_stored 2 (gram_float real64 2 rX))) e ^ 2 in
  2 * loss 3 2 rX e + 2 * bsum 3 (fun i => e i ^ 2) <= bound /\ bound <= / 65536
  /\ 1 <= 2 * loss 3 2 rX (vsub rw (fun _ => 0)) + 2 * bsum 3 (fun i => vsub rw (fun _ => 0) i ^ 2).
Proof.
intros rX e bound.
destruct witness_plain_run as [run [fin [accumulated [entries damping]]]].
assert (codes : ieee_codes nans32 nan32 3 wU ww ws wg) by exact witness_codes.
assert (above := codes_activations_ieee nans64 nans32 nan32 eq_refl 3 wlam wG wC wU wd
  ww ws wg 3 run fin 2 wT accumulated codes entries damping ltac:(lia)).
cbv zeta in above; rewrite wlam_value in above.
split; [exact above|split].
- apply loss_sum_small; unfold rX; rewrite <- made_sums, <- wlam_value, made_values.
  apply slack_small; unfold residual32, residual64, activation64, uro; simpl; lra.
- assert (half : forall i t, rX i t = 1 / 2) by (intros i t; unfold rX, wT; value_by_computation).
  unfold loss, vsub; cbn [bsum]; rewrite !half, !ww_value by lia; lra.
Qed.

(** The errors of the emitted codes as binary32 data. *)
Definition we32 (k : nat) : bin32 :=
  match k with
  | O => lit32 3277 (-27)
  | S O => lit32 (-3277) (-24)
  | _ => lit32 1 (-23)
  end.

(** The product of the errors and the factor in binary32, on IEEE data. *)
Definition wt32 (j : nat) : bin32 :=
  fma_chain (float_arith nans32) (S j) we32 (fun k => wV k j) (Binary.B754_zero 24 128 false).

(** Its entries as numbers. *)
Lemma wt32_value j : (j < 3)%nat -> val32 (wt32 j) = match j with
  | O => 3277 / 134217728 | S O => - 101587 / 536870912 | _ => - 15626923 / 274877906944 end.
Proof. intros below; three_columns j; value_by_computation. Qed.

(** The values of the errors. *)
Lemma we32_value k : (k < 3)%nat -> val32 (we32 k) = vsub rw rq k.
Proof.
intros below; rewrite error_value by exact below.
three_columns k; value_by_computation.
Qed.

(** The product of the real model is that of the machine. *)
Lemma product32_value j : (j < 3)%nat ->
  product_chain (-149) 24 (round_factor (-149) 24 rU) (fun k => val32 (we32 k)) j
  = val32 (wt32 j).
Proof.
intros below.
assert (fin : finite32 (wt32 j) = true) by (three_columns j; vm_compute; reflexivity).
destruct (chain_finite nans32 fin) as [_ [_ value]].
unfold wt32; rewrite value; unfold product_chain; apply fma_chain_ext; [reflexivity|].
intros k kbelow; change (round_factor (-149) 24 rU k j) with (stored_factor rU k j).
destruct (Nat.eq_dec k j) as [->|other].
- destruct (stored_factor_unit_upper 3 rH rC rU rd 3 rw model) as [_ one].
  rewrite one by exact below; symmetry; three_columns j; value_by_computation.
- apply stored_value; lia.
Qed.

(** The guard's first stage on the instance: its sum is the loss to within 2^-38. *)
Theorem witness_product32 :
  let t' := product_chain (-149) 24 (round_factor (-149) 24 rU) (fun k => val32 (we32 k)) in
  (forall k, (k < 3)%nat -> val32 (we32 k) = rnd32 (vsub rw rq k))
  /\ Rabs (qform 3 rH (vsub rw rq) - bsum 3 (fun j => rd j * t' j ^ 2)) <= / 274877906944
  /\ / 16777216 <= bsum 3 (fun j => rd j * t' j ^ 2) <= / 8388608.
Proof.
intros t'.
assert (rounded : forall k, (k < 3)%nat -> val32 (we32 k) = rnd32 (vsub rw rq k)).
{ intros k below; rewrite <- we32_value by exact below; symmetry.
  apply (rnd_exact (-149) 24), (B2R_format 24 128). }
assert (squares : / 16777216 <= bsum 3 (fun j => rd j * t' j ^ 2) <= / 8388608).
{ cbn [bsum]; unfold t'; rewrite !product32_value, !wt32_value, !wd_value by lia; simpl pow; lra. }
split; [exact rounded|split; [|exact squares]].
assert (bound := loss_enclosure32 3 rH rC rU rd 3 (run_factor model) (run_symmetric model)
  (run_pivots model) (run_sane model) ltac:(lia) ltac:(lia) (vsub rw rq)
  (fun k => val32 (we32 k)) rounded).
cbv zeta in bound; fold t' in bound; eapply Rle_trans; [exact bound|]; unfold enclosure_width.
assert (norm : 0 <= pivot_norm 3 rd t' <= / 2048).
{ split; [apply sqrt_pos|unfold pivot_norm].
  rewrite <- (sqrt_square (/ 2048)) by lra; apply sqrt_le_1_alt; lra. }
assert (size : 0 <= weighted_size 3 (root_diagonal rH) (vsub rw rq) <= / 1024).
{ assert (root : forall i, 0 <= root_diagonal rH i <= 2).
  { intros i; unfold root_diagonal; rewrite wH_value, Nat.eqb_refl; split; [apply sqrt_pos|].
    rewrite <- (sqrt_square 2) by lra; apply sqrt_le_1_alt; lra. }
  unfold weighted_size; cbn [bsum]; rewrite !error_value by lia; numeral_abs.
  assert (root0 := root 0%nat); assert (root1 := root 1%nat); assert (root2 := root 2%nat); lra. }
assert (slack := slack_small _ constant_small); assert (constant := constant_small).
set (A := weighted_size 3 (root_diagonal rH) (vsub rw rq)) in *.
assert (under : 0 <= under_product32 3 3 <= / 1099511627776).
{ unfold under_product32.
  assert (root : 0 <= sqrt 3 <= 2).
  { split; [apply sqrt_pos|].
    rewrite <- (sqrt_square 2) by lra; apply sqrt_le_1_alt; lra. }
  assert (tiny : 0 <= bpow radix2 (-147) <= / 1099511627776 * / 18).
  { split; [apply bpow_ge_0|].
    apply Rle_trans with (bpow radix2 (-60)); [apply bpow_le; lia|simpl; lra]. }
  replace (INR 3 ^ 2) with 9 by (simpl; ring); split.
  - apply Rmult_le_pos; [lra|apply root].
  - apply Rle_trans with (9 * (/ 1099511627776 * / 18) * 2); [|lra].
    apply Rmult_le_compat; lra. }
assert (product : 0 <= product32 3 <= / 2097152)
  by (unfold product32, gam_up, uro; simpl; lra).
set (rho := product32 3 * (1 + residual32 3) * A + under_product32 3 3).
assert (rho_range : 0 <= rho <= / 1073741824).
{ unfold rho.
  assert (first : 0 <= product32 3 * (1 + residual32 3) <= / 2097152 * (9 / 8)).
  { split; [apply Rmult_le_pos|apply Rmult_le_compat]; lra. }
  assert (second_factor : product32 3 * (1 + residual32 3) * A <= / 2097152 * (9 / 8) * / 1024)
    by (apply Rmult_le_compat; lra).
  assert (positive : 0 <= product32 3 * (1 + residual32 3) * A) by (apply Rmult_le_pos; lra).
  lra. }
assert (width1 : pivot_norm 3 rd t' * rho <= / 2048 * / 1073741824)
  by (apply Rmult_le_compat; lra).
assert (width2 : rho ^ 2 <= / 1073741824 * / 1073741824)
  by (simpl pow; rewrite Rmult_1_r; apply Rmult_le_compat; lra).
lra.
Qed.
