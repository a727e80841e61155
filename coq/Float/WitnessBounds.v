(** * On the instance of WitnessRun the bounds are small and the runs round

    Purpose: the theorems of Float/ are not vacuous and their bounds are not trivial: evaluated on
      the instance, each is orders of magnitude below what it replaces, and each covers an error
      that is not zero.
    Main results: [loss_sum_small], [enclosure_sums] (the two bounds as numbers), [witness_loss]
      (T7 + T9 + T11 + T15: below 2^-16, where the codes 0 lose more than 1), [witness_enclosure]
      (the loss between 2^-24 and 2^-23), [witness_product] (the guard's enclosure: to within
      2^-64), [witness_rounding] (T11 a), [witness_gram_error] (T11 b), [witness_residual] (T15).
    Depends on: [WitnessRun]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import GF16.
From Hallmark.Gptq Require Import Sums Matrix Gptq GoldenGrid.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence.
From Hallmark.Float Require Import RecurrenceError GramError Factor FactorProof FactorRounded.
From Hallmark.Float Require Import Residual FactorClosed Certificate Emitted Machine FiniteRun.
From Hallmark.Float Require Import EmittedIeee PivotNorm Enclosure WitnessRun.
Open Scope R_scope.

Notation nan32 := (proj1_sig a_nan32).
Notation wV := (narrowed nan32 wU).
Notation wu := (ieee_weight nans32 nan32 wU ww ws wg).
Notation rH := (fun i j => val64 (wH i j)).
Notation rU := (fun i j => val64 (wU i j)).
Notation rd := (fun j => val64 (wd j)).
Notation rw := (fun j => val32 (ww j)).
Notation rs := (fun j => val32 (ws j)).
Notation rg := (fun j => val32 (wg j)).
Notation rq := (scaled_points rs rg).
Notation ru := (fun j => val32 (wu j)).

(** Absolute values of numerals. *)
Ltac numeral_abs :=
  repeat match goal with
  | |- context [Rabs ?x] => first [rewrite (Rabs_pos_eq x) by lra | rewrite (Rabs_left1 x) by lra]
  end.

(** The computed errors that enter later columns. *)
Lemma we_value k : (k < 2)%nat -> emitted_error rw rs rg k = match k with
  | O => 3277 / 134217728 | _ => - 3277 / 16777216 end.
Proof.
intros below.
destruct (comp_finite 24 128 nans32 wV ww ws wg 2 (ieee_weights
  witness_run 2%nat ltac:(lia))) as [_ [errors _]].
destruct (errors k below) as [_ [_ [_ [_ value]]]].
change (real_arith (3 - 128 - 24) 24) with real32 in value.
unfold emitted_error; rewrite <- value.
destruct k as [|[|k]]; [value_by_computation|value_by_computation|lia].
Qed.

(** The factor of the real model is the narrowed one. *)
Lemma stored_value k j : (k < j < 3)%nat -> stored_factor rU k j = val32 (wV k j).
Proof.
intros range; symmetry; apply (narrow_finite nan32 (wU k j) eq_refl).
exact (ieee_narrowed witness_run k j range).
Qed.

(** The weights of the real model are those of the machine. *)
Lemma weight_value j : (j < 3)%nat -> emitted_weight rU rw rs rg j = val32 (wu j).
Proof.
intros below; symmetry.
exact (ieee_weight_value nans64 nans32 nan32 eq_refl 3 wH wC wU wd ww ws wg 3 witness_run j below).
Qed.

(** The bound of T11 on the instance is below 2^-22. *)
Lemma delta_small j : (j < 3)%nat -> 0 <= emitted_delta rU rw rs rg j <= / 4194304.
Proof.
intros below; unfold emitted_delta, delta_recurrence, feedback_size, under_recurrence, under_chain,
  gam_up, uro, eta.
rewrite weight_value, wu_value by exact below.
destruct j as [|[|[|j]]]; [| | |lia]; cbn [bsum].
- numeral_abs; simpl; lra.
- rewrite we_value, stored_value, wV_value by lia; simpl Nat.eqb; cbv iota.
  numeral_abs; simpl; lra.
- rewrite !we_value, !stored_value, !wV_value by lia; simpl Nat.eqb; cbv iota.
  numeral_abs; simpl; lra.
Qed.

(** The exact error of the emitted codes. *)
Lemma error_value i : (i < 3)%nat -> vsub rw rq i = match i with
  | O => 3277 / 134217728 | S O => - 3277 / 16777216 | _ => 1 / 8388608 end.
Proof.
intros below; unfold vsub, scaled_points; rewrite ws_value, ww_value, wg_value by exact below.
destruct i as [|[|[|i]]]; [lra|lra|lra|lia].
Qed.

(** A residual of at most 2^-22 sqrt(H_ii H_jj) costs less than 2^-40 here. *)
Lemma slack_small c : 0 <= c <= / 4194304 ->
  0 <= c * weighted_size 3 (root_diagonal rH) (vsub rw rq) ^ 2 <= / 1099511627776.
Proof.
intros constant.
assert (root : forall i, 0 <= root_diagonal rH i <= 2).
{ intros i; unfold root_diagonal; rewrite wH_value, Nat.eqb_refl; split; [apply sqrt_pos|].
  rewrite <- (sqrt_square 2) by lra; apply sqrt_le_1_alt; lra. }
assert (size : 0 <= weighted_size 3 (root_diagonal rH) (vsub rw rq) <= / 1024).
{ unfold weighted_size; cbn [bsum]; rewrite !error_value by lia; numeral_abs.
  assert (root0 := root 0%nat); assert (root1 := root 1%nat); assert (root2 := root 2%nat); lra. }
set (sz := weighted_size 3 (root_diagonal rH) (vsub rw rq)) in *.
assert (square : 0 <= sz ^ 2 <= / 1024 * / 1024).
{ cbn [pow]; rewrite Rmult_1_r; split; [apply Rmult_le_pos|apply Rmult_le_compat]; lra. }
split; [apply Rmult_le_pos; lra|].
apply Rle_trans with (/ 4194304 * (/ 1024 * / 1024)); [apply Rmult_le_compat|]; lra.
Qed.

(** The constant of the factor rounded to binary32 is such a residual. *)
Lemma constant_small : 0 <= residual32 3 <= / 4194304.
Proof. unfold residual32, residual64; simpl; lra. Qed.

(** The terms of the bound of the composed theorem, with a small residual, are below 2^-16. *)
Lemma loss_sum_small slack : 0 <= slack <= / 1099511627776 ->
  bsum 3 (fun j => rd j * (gf16_half_gap rs j (ru j) + emitted_delta rU rw rs rg j) ^ 2) + slack
  <= / 65536.
Proof.
intros residual.
assert (gap : forall j b, (j < 3)%nat -> / 1024 * Rabs (val32 (wu j)) <= b ->
  / 1099511627776 <= b -> 0 <= gf16_half_gap rs j (ru j) <= b).
{ intros j b below relative absolute; unfold gf16_half_gap; rewrite ws_value.
  unfold Rdiv; rewrite Rinv_1, Rmult_1_l, Rmult_1_r; unfold half_ulp16; split.
  - eapply Rle_trans; [|apply Rmax_r]; apply bpow_ge_0.
  - apply Rmax_lub; simpl bpow; assumption. }
assert (gap0 : 0 <= gf16_half_gap rs 0 (ru 0%nat) <= / 8192)
  by (apply gap; [lia| |lra]; rewrite wu_value by lia; numeral_abs; lra).
assert (gap1 : 0 <= gf16_half_gap rs 1 (ru 1%nat) <= 3 / 4096)
  by (apply gap; [lia| |lra]; rewrite wu_value by lia; numeral_abs; lra).
assert (gap2 : 0 <= gf16_half_gap rs 2 (ru 2%nat) <= 13 / 8192)
  by (apply gap; [lia| |lra]; rewrite wu_value by lia; numeral_abs; lra).
assert (delta0 := delta_small 0 ltac:(lia)); assert (delta1 := delta_small 1 ltac:(lia)).
assert (delta2 := delta_small 2 ltac:(lia)).
assert (square : forall h x b, 0 <= h <= b -> 0 <= x <= / 4194304 ->
  (h + x) ^ 2 <= (b + / 4194304) ^ 2) by (intros; apply pow_incr; lra).
cbn [bsum]; rewrite !wd_value by lia.
apply square with (1 := gap0) in delta0; apply square with (1 := gap1) in delta1.
apply square with (1 := gap2) in delta2; clear square gap; lra.
Qed.

(** The sums of the enclosure of any codes, with a small residual, are between 2^-24 and 2^-23. *)
Lemma enclosure_sums slack : 0 <= slack <= / 1099511627776 ->
  / 16777216 <= lower_sum 3 rd ru rq (emitted_delta rU rw rs rg) - slack
  /\ upper_sum 3 rd ru rq (emitted_delta rU rw rs rg) + slack <= / 8388608.
Proof.
intros residual.
assert (delta0 := delta_small 0 ltac:(lia)); assert (delta1 := delta_small 1 ltac:(lia)).
assert (delta2 := delta_small 2 ltac:(lia)).
assert (code : forall j, (j < 3)%nat -> val32 (wu j) - rq j = match j with
  | O => 3277 / 134217728 | S O => - 3175 / 16777216 | _ => - 477 / 8388608 end).
{ intros j below; unfold scaled_points; rewrite ws_value, wu_value, wg_value by exact below.
  destruct j as [|[|[|j]]]; [lra|lra|lra|lia]. }
split.
- assert (cut : forall t x, / 4194304 <= t -> 0 <= x <= / 4194304 ->
    (t - / 4194304) ^ 2 <= Rmax 0 (t - x) ^ 2).
  { intros t x big small; apply pow_incr; split; [lra|].
    eapply Rle_trans; [|apply Rmax_r]; lra. }
  unfold lower_sum; cbn [bsum]; rewrite !code, !wd_value by lia; numeral_abs.
  assert (cut0 := cut _ _ (ltac:(lra) : / 4194304 <= 3277 / 134217728) delta0).
  assert (cut1 := cut _ _ (ltac:(lra) : / 4194304 <= - (- 3175 / 16777216)) delta1).
  assert (cut2 := cut _ _ (ltac:(lra) : / 4194304 <= - (- 477 / 8388608)) delta2).
  clear cut; lra.
- assert (square : forall t x, 0 <= t -> 0 <= x <= / 4194304 ->
    (t + x) ^ 2 <= (t + / 4194304) ^ 2) by (intros; apply pow_incr; lra).
  unfold upper_sum; cbn [bsum]; rewrite !code, !wd_value by lia; numeral_abs.
  assert (square0 := square _ _ (ltac:(lra) : 0 <= 3277 / 134217728) delta0).
  assert (square1 := square _ _ (ltac:(lra) : 0 <= - (- 3175 / 16777216)) delta1).
  assert (square2 := square _ _ (ltac:(lra) : 0 <= - (- 477 / 8388608)) delta2).
  clear square; lra.
Qed.

(** T7 + T9 + T11 + T15 on the instance. *)
Theorem witness_loss :
  qform 3 rH (vsub rw rq)
  <= bsum 3 (fun j => rd j * (gf16_half_gap rs j (ru j) + emitted_delta rU rw rs rg j) ^ 2)
     + residual32 3 * weighted_size 3 (root_diagonal rH) (vsub rw rq) ^ 2
  /\ bsum 3 (fun j => rd j * (gf16_half_gap rs j (ru j) + emitted_delta rU rw rs rg j) ^ 2)
     + residual32 3 * weighted_size 3 (root_diagonal rH) (vsub rw rq) ^ 2 <= / 65536
  /\ 1 <= qform 3 rH (vsub rw (fun _ => 0)).
Proof.
split; [|split].
- exact (emitted_codes_loss_ieee nans64 nans32 nan32 eq_refl 3 wH wC wU wd ww ws wg 3
    witness_run witness_codes).
- exact (loss_sum_small _ (slack_small _ constant_small)).
- unfold qform, vsub; cbn [bsum]; rewrite !wH_value, !ww_value by lia; simpl Nat.eqb; cbv iota; lra.
Qed.

(** The enclosure of the loss on the instance. *)
Theorem witness_enclosure : / 16777216 <= qform 3 rH (vsub rw rq) <= / 8388608.
Proof.
assert (enclosure := emitted_codes_enclosure_ieee nans64 nans32 nan32 eq_refl
  3 wH wC wU wd ww ws wg 3 witness_run).
cbv zeta in enclosure; destruct (enclosure_sums _ (slack_small _ constant_small)).
destruct enclosure; split; eapply Rle_trans; eassumption.
Qed.

(** T11 (a) on the instance: the second weight is rounded, and by no more than the bound. *)
Theorem witness_rounding :
  let u := comp (stored_factor rU) rw rq 1 in
  0 < Rabs (emitted_weight rU rw rs rg 1 - u) <= emitted_delta rU rw rs rg 1
  /\ emitted_delta rU rw rs rg 1 <= / 4194304.
Proof.
intros u; split; [split|apply delta_small; lia].
- assert (exact_weight : u = 11744051 / 16777216 + 3277 / 134217728 * (1 / 4)).
  { unfold u, comp; cbn [bsum].
    change (val32 (ww 0) - rq 0%nat) with (vsub rw rq 0); rewrite error_value by lia.
    rewrite stored_value, wV_value, ww_value by lia; simpl Nat.eqb; cbv iota; lra. }
  rewrite exact_weight, weight_value, wu_value by lia; numeral_abs; lra.
- exact (emitted_rounding 3 rH (fun i j => val64 (wC i j)) rU rd 3 rw rs rg
    (emitted_run_ieee nans64 nans32 nan32 eq_refl 3 wH wC wU wd ww ws wg 3 witness_run)
    1 ltac:(lia)).
Qed.

(** T15 on the instance: H is not U D U^T, and the residual is no more than the bound. *)
Theorem witness_residual :
  0 < Rabs (resid 3 rH rU rd 0 2) <= residual64 3 * (sqrt 3 * sqrt 3)
  /\ residual64 3 * (sqrt 3 * sqrt 3) <= / 281474976710656.
Proof.
assert (run := emitted_run_ieee nans64 nans32 nan32 eq_refl 3 wH wC wU wd ww ws wg 3 witness_run).
split; [split|].
- assert (zero : forall k, (k < 2)%nat -> val64 (wU 2 k) = 0)
    by (intros k below; destruct k as [|[|k]]; [value_by_computation|value_by_computation|lia]).
  assert (one : val64 (wU 2 2) = 1) by value_by_computation.
  assert (third : val64 (wU 0 2) = 6004799503160661 / 18014398509481984) by value_by_computation.
  unfold resid, recon; cbn [bsum].
  rewrite (zero 0%nat), (zero 1%nat), one, third, !wd_value, wH_value by lia.
  simpl Nat.eqb; cbv iota; rewrite Rabs_pos_eq; lra.
- assert (bound := residual_entry_binary64 3 rH (fun i j => val64 (wC i j)) rU rd 3 (run_factor run)
    (run_symmetric run) (run_pivots run) (run_sane run) 0 2 ltac:(lia) ltac:(lia)).
  cbv beta in bound; rewrite !wH_value in bound; exact bound.
- rewrite sqrt_sqrt by lra; unfold residual64; simpl; lra.
Qed.

(** The errors of the emitted codes as binary64 data. *)
Definition we (k : nat) : bin64 :=
  match k with
  | O => lit64 3277 (-27)
  | S O => lit64 (-3277) (-24)
  | _ => lit64 1 (-23)
  end.

(** The guard's enclosure on the instance: sum d_j t'_j^2 is the loss to within 2^-64. *)
Theorem witness_product :
  let t' := product_float rU (fun k => val64 (we k)) in
  Rabs (qform 3 rH (vsub rw rq) - bsum 3 (fun j => rd j * t' j ^ 2)) <= / 18446744073709551616
  /\ / 16777216 <= bsum 3 (fun j => rd j * t' j ^ 2) <= / 8388608.
Proof.
intros t'; set (e := vsub rw rq).
assert (run := emitted_run_ieee nans64 nans32 nan32 eq_refl 3 wH wC wU wd ww ws wg 3 witness_run).
assert (errors : forall k, (k < 3)%nat -> val64 (we k) = e k).
{ intros k below; unfold e; rewrite error_value by exact below.
  destruct k as [|[|[|k]]]; [value_by_computation|value_by_computation|value_by_computation|lia]. }
assert (rounded : forall k, (k < 3)%nat -> val64 (we k) = rnd64 (e k)).
{ intros k below; rewrite <- errors by exact below; symmetry.
  apply (rnd_exact (-1074) 53), (B2R_format 53 1024). }
assert (bound := loss_enclosure 3 rH (fun i j => val64 (wC i j)) rU rd 3 (run_factor run)
  (run_symmetric run) (run_pivots run) (run_sane run) e (fun k => val64 (we k)) rounded
  ltac:(lia)); cbv zeta in bound; fold t' in bound.
assert (product : forall j c, (j < 3)%nat ->
  Binary.is_finite 53 1024 (fma_chain (float_arith nans64) (S j) we (fun k => wU k j)
    (Binary.B754_zero 53 1024 false)) = true ->
  val64 (fma_chain (float_arith nans64) (S j) we (fun k => wU k j)
    (Binary.B754_zero 53 1024 false)) = c -> t' j = c).
{ intros j c _ fin same; destruct (chain_finite nans64 fin) as [_ [_ value]].
  rewrite <- same, value; reflexivity. }
assert (entry0 : t' 0%nat = 3277 / 134217728)
  by (apply product; [lia|vm_compute; reflexivity|value_by_computation]).
assert (entry1 : t' 1%nat = - 6981005483180032 / 36893488147419103232)
  by (apply product; [lia|vm_compute; reflexivity|value_by_computation]).
assert (entry2 : t' 2%nat = - 8389640223806805 / 147573952589676412928)
  by (apply product; [lia|vm_compute; reflexivity|value_by_computation]).
assert (squares : / 16777216 <= bsum 3 (fun j => rd j * t' j ^ 2) <= / 8388608)
  by (cbn [bsum]; rewrite entry0, entry1, entry2, !wd_value by lia; simpl pow; lra).
split; [|exact squares].
assert (size : 0 <= weighted_size 3 (root_diagonal rH) e <= / 1024).
{ assert (root : forall i, 0 <= root_diagonal rH i <= 2).
  { intros i; unfold root_diagonal; rewrite wH_value, Nat.eqb_refl; split; [apply sqrt_pos|].
    rewrite <- (sqrt_square 2) by lra; apply sqrt_le_1_alt; lra. }
  unfold weighted_size, e; cbn [bsum]; rewrite !error_value by lia; numeral_abs.
  assert (root0 := root 0%nat); assert (root1 := root 1%nat); assert (root2 := root 2%nat); lra. }
assert (norm : 0 <= pivot_norm 3 rd t' <= / 2048).
{ split; [apply sqrt_pos|unfold pivot_norm].
  rewrite <- (sqrt_square (/ 2048)) by lra; apply sqrt_le_1_alt; lra. }
assert (under : 0 <= under_product 3 <= / 1267650600228229401496703205376).
{ unfold under_product; split; [apply Rmult_le_pos; [apply bpow_ge_0|apply sqrt_pos]|].
  assert (root : sqrt 3 <= 2)
    by (rewrite <- (sqrt_square 2) by lra; apply sqrt_le_1_alt; lra).
  apply Rle_trans with (bpow radix2 (-101) * 2).
  - apply Rmult_le_compat; [apply bpow_ge_0|apply sqrt_pos|apply bpow_le; lia|exact root].
  - simpl; lra. }
assert (constants : 0 <= product64 3 <= / 1125899906842624
    /\ 0 <= residual64 3 <= / 1125899906842624)
  by (unfold product64, residual64; simpl; lra).
eapply Rle_trans; [exact bound|]; unfold enclosure_width.
set (A := weighted_size 3 (root_diagonal rH) e) in *.
set (rho := product64 3 * (1 + residual64 3) * A + under_product 3).
assert (rho_range : 0 <= rho <= / 576460752303423488).
{ unfold rho; split;
    [apply Rplus_le_le_0_compat; [apply Rmult_le_pos; [apply Rmult_le_pos|]|]; lra|].
  assert (first : product64 3 * (1 + residual64 3) * A <= / 1125899906842624 * (3 / 2) * / 1024)
    by (apply Rmult_le_compat; [apply Rmult_le_pos| |apply Rmult_le_compat|]; lra).
  lra. }
assert (width1 : pivot_norm 3 rd t' * rho <= / 2048 * / 576460752303423488)
  by (apply Rmult_le_compat; lra).
assert (width2 : rho ^ 2 <= / 576460752303423488 * / 576460752303423488)
  by (simpl pow; rewrite Rmult_1_r; apply Rmult_le_compat; lra).
assert (width3 : residual64 3 * A ^ 2 <= / 1125899906842624 * (/ 1024 * / 1024)).
{ apply Rmult_le_compat; [lra|apply pow2_ge_0|lra|].
  simpl pow; rewrite Rmult_1_r; apply Rmult_le_compat; lra. }
lra.
Qed.

(** Two tokens of one activation, 1 and 2^-30. *)
Definition wX (i t : nat) : bin64 := if Nat.eqb t 0 then lit64 1 0 else lit64 1 (-30).

(** T11 (b) on two tokens: the sum 1 + 2^-60 is rounded to 1, and T11 bounds the error. *)
Theorem witness_gram_error :
  let X := fun i t => val64 (wX i t) in
  binary32_entries 1 2 X
  /\ 0 < Rabs (gram_float real64 2 X 0 0 - gram 2 X 0 0) <= gam (uro 53) 2 * gram_size 2 X 0 0
  /\ gam (uro 53) 2 * gram_size 2 X 0 0 <= / 1125899906842624.
Proof.
intros X.
assert (value : forall i t, X i t = if Nat.eqb t 0 then 1 else / 1073741824)
  by (intros i t; unfold X, wX; destruct (Nat.eqb t 0); value_by_computation).
assert (form : binary32_entries 1 2 X).
{ intros i t _ _; rewrite value; destruct (Nat.eqb t 0).
  - change 1 with (bpow radix2 0); apply generic_format_bpow.
    compute; discriminate.
  - change (/ 1073741824) with (bpow radix2 (-30)); apply generic_format_bpow.
    compute; discriminate. }
split; [exact form|split; [split|]].
- assert (fin : Binary.is_finite 53 1024 (gram_float (float_arith nans64) 2 wX 0 0) = true)
    by (vm_compute; reflexivity).
  assert (run := gram_finite 53 1024 nans64 2 wX 0 0 fin).
  assert (one : val64 (gram_float (float_arith nans64) 2 wX 0 0) = 1) by value_by_computation.
  change (real_arith (3 - 1024 - 53) 53) with real64 in run; fold X in run.
  rewrite <- run, one; unfold gram; cbn [bsum]; rewrite !value; simpl Nat.eqb; cbv iota.
  rewrite Rabs_left1; lra.
- apply (T11_gram_binary32 1); [exact form|lia|lia].
- unfold gam, gram_size, uro; cbn [bsum]; rewrite !value; simpl Nat.eqb; cbv iota.
  numeral_abs; simpl; lra.
Qed.
