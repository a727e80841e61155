(** * A nearly singular H and a scale that is not 1

    Purpose: the composed theorems also say something where their hypotheses are strained.  H is
      2 G + 2^-20 I for the one token (1, 1), [[2 + 2^-20, 2], [2, 2 + 2^-20]], with the eigenvalues
      4 + 2^-20 and 2^-20.  A row is run on it in IEEE arithmetic by computation inside Coq, with
      codes of GF16 at scale 3/4; [WitnessEdge] runs two more.
    Main results: [hard_hessian] (how nearly singular), [witness_hard_run] (the hypotheses),
      [witness_hard_codes] (the bound is below 2^-22, where the codes 0 lose more than 1/8),
      [witness_hard_activations] (so is that on the activations), [witness_hard_product] (the
      guard's enclosure: to within 2^-64); for any row [hard_run], [hard_delta_first],
      [hard_delta_second], [hard_bound]; [gf16_round_near] (rounding a number that is not dyadic).
    Depends on: [WitnessRun], [WitnessBounds], [EmittedPlainIeee]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz FunctionalExtensionality.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import GF16 IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Gptq GoldenGrid Concrete.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence.
From Hallmark.Float Require Import RecurrenceError GramError Factor FactorProof FactorRounded.
From Hallmark.Float Require Import Residual FactorClosed Hessian Certificate Emitted Machine.
From Hallmark.Float Require Import FiniteRun EmittedIeee EmittedPlainIeee PivotNorm Enclosure.
From Hallmark.Float Require Import WitnessRun WitnessBounds.
Open Scope R_scope.

(** ** The matrix *)

(** The token (1, 1). *)
Definition hard_X (i t : nat) : bin64 := lit64 1 0.

(** Its Gram matrix as the program accumulates it: 1 everywhere. *)
Definition hard_G : nat -> nat -> bin64 := gram_float (float_arith nans64) 1 hard_X.

(** The damping, 2^-20. *)
Definition hard_lam : bin64 := lit64 1 (-20).

(** The Hessian that the program makes of them. *)
Definition hard_H : nat -> nat -> bin64 := ieee_hessian nans64 hard_lam hard_G.

(** The unscaled columns of its factorization. *)
Definition hard_C : nat -> nat -> bin64 := factor_C (float_arith nans64) 2 hard_H.

(** Its factor. *)
Definition hard_U : nat -> nat -> bin64 := factor_U (float_arith nans64) 2 hard_H.

(** Its pivots. *)
Definition hard_d : nat -> bin64 := factor_d (float_arith nans64) 2 hard_H.

Notation vH := (fun i j => val64 (hard_H i j)).
Notation vU := (fun i j => val64 (hard_U i j)).
Notation vd := (fun j => val64 (hard_d j)).

(** The two indices of the instance. *)
Ltac two_columns_of j := destruct j as [|[|j]]; [| |lia].

(** The Hessian as numbers. *)
Lemma hard_H_value i j : val64 (hard_H i j) = if Nat.eqb i j then 2097153 / 1048576 else 2.
Proof.
unfold hard_H, ieee_hessian, hard_G, gram_float, hard_X; destruct (Nat.eqb i j);
  value_by_computation.
Qed.

(** Its entries are finite. *)
Lemma hard_H_finite i j : finite64 (hard_H i j) = true.
Proof.
unfold hard_H, ieee_hessian, hard_G, gram_float, hard_X; destruct (Nat.eqb i j);
  vm_compute; reflexivity.
Qed.

(** The pivots: a little less than 2^-19, and 2 + 2^-20. *)
Lemma hard_d_value j : (j < 2)%nat -> val64 (hard_d j) = match j with
  | O => 9007197107257344 / 4722366482869645213696 | _ => 2097153 / 1048576 end.
Proof. intros below; two_columns_of j; value_by_computation. Qed.

(** The narrowed entry of the factor, 1 - 2^-21. *)
Lemma hard_V_value : val32 (narrowed nan32 hard_U 0 1) = 2097151 / 2097152.
Proof. value_by_computation. Qed.

(** How nearly singular H is: (1, -1) loses 2^-19 and (1, 1) loses 8 + 2^-19. *)
Theorem hard_hessian :
  qform 2 vH (entries (cons 1 (cons (-1) nil))) = / 524288 /\
  qform 2 vH (entries (cons 1 (cons 1 nil))) = 8 + / 524288.
Proof.
unfold qform, entries; cbn [bsum]; rewrite !hard_H_value; simpl; split; lra.
Qed.

(** The hypotheses on the run hold for every row whose compensated weights are finite. *)
Lemma hard_run w s g :
  (forall j, (j < 2)%nat -> finite32 (ieee_weight nans32 nan32 hard_U w s g j) = true) ->
  ieee_run nans64 nans32 nan32 2 hard_H hard_C hard_U hard_d w s g (2097153 / 1048576).
Proof.
intros weights; constructor.
- apply factor_correct.
- intros j below; split; [two_columns_of j; vm_compute; reflexivity|].
  rewrite hard_d_value by exact below; two_columns_of j; lra.
- intros i j range; assert (i = 0%nat) by lia; assert (j = 1%nat) by lia; subst.
  vm_compute; reflexivity.
- intros i j _ _; rewrite !hard_H_value, Nat.eqb_sym; reflexivity.
- constructor.
  + lia.
  + intros j below; rewrite hard_H_value, Nat.eqb_refl; lra.
  + intros j below; rewrite hard_H_value, Nat.eqb_refl.
    apply Rle_trans with (1 * (2097153 / 1048576)); [|lra].
    apply Rmult_le_compat_r; [lra|change 1 with (bpow radix2 0); apply bpow_le; lia].
  + intros j below; rewrite hard_H_value, Nat.eqb_refl.
    apply Rle_trans with 1; [change 1 with (bpow radix2 0); apply bpow_le; lia|lra].
- exact weights.
Qed.

(** The roots of the diagonal are below 3/2. *)
Lemma hard_root i : 0 <= root_diagonal vH i <= 3 / 2.
Proof.
unfold root_diagonal; rewrite hard_H_value, Nat.eqb_refl; split; [apply sqrt_pos|].
rewrite <- (sqrt_square (3 / 2)) by lra; apply sqrt_le_1_alt; lra.
Qed.

(** The square of the weighted size of an error of known size. *)
Lemma hard_size e a : Rabs (e 0%nat) + Rabs (e 1%nat) <= a ->
  0 <= weighted_size 2 (root_diagonal vH) e ^ 2 <= (3 / 2 * a) ^ 2.
Proof.
intros known; unfold weighted_size; cbn [bsum].
assert (root0 := hard_root 0); assert (root1 := hard_root 1).
assert (size0 := Rabs_pos (e 0%nat)); assert (size1 := Rabs_pos (e 1%nat)).
split; [apply pow2_ge_0|apply pow_incr; split; nra].
Qed.

(** ** Rounding to GF16 of numbers that are not dyadic *)

(** A number nearer to n 2^k than half the step 2^k of its binade is rounded to it. *)
Lemma gf16_round_near n k x : (-39 <= k)%Z -> 0 < Rabs x < 1024 * bpow radix2 k ->
  (k = -39)%Z \/ 512 * bpow radix2 k <= Rabs x ->
  Rabs (x * bpow radix2 (- k) - IZR n) < / 2 -> gf16_round x = IZR n * bpow radix2 k.
Proof.
intros low [pos high] normal close; unfold gf16_round, round, scaled_mantissa.
assert (exponent : cexp radix2 fexp16 x = k).
{ assert (top : (mag radix2 x <= k + 10)%Z).
  { apply mag_le_bpow; [intros zero; rewrite zero, Rabs_R0 in pos; lra|].
    rewrite bpow_plus; simpl (bpow radix2 10); lra. }
  unfold cexp, FLT_exp; destruct normal as [-> |large]; [lia|].
  assert (bottom : (k + 10 <= mag radix2 x)%Z).
  { apply mag_ge_bpow; replace (k + 10 - 1)%Z with (k + 9)%Z by lia.
    rewrite bpow_plus; simpl (bpow radix2 9); lra. }
  lia. }
rewrite exponent, (Znearest_imp _ _ n) by exact close; reflexivity.
Qed.

(** ** What every row shares: the bound of T11 in numbers *)

Section Row.

Variables w s g : nat -> bin32.
Hypothesis weights :
  forall j, (j < 2)%nat -> finite32 (ieee_weight nans32 nan32 hard_U w s g j) = true.
Notation vw := (fun j => val32 (w j)).
Notation vs := (fun j => val32 (s j)).
Notation vg := (fun j => val32 (g j)).
Notation u' := (fun j => val32 (ieee_weight nans32 nan32 hard_U w s g j)).

(** The bound of T11 at the first column. *)
Lemma hard_delta_first : emitted_delta vU vw vs vg 0 = bpow radix2 (-24) * Rabs (u' 0%nat).
Proof.
unfold emitted_delta, delta_recurrence, feedback_size, under_recurrence, under_chain; cbn [bsum].
rewrite <- (ieee_weight_value nans64 nans32 nan32 eq_refl 2 hard_H hard_C hard_U hard_d w s g _
  (hard_run w s g weights) 0 ltac:(lia)).
unfold uro; simpl; lra.
Qed.

(** The bound of T11 at the second column, from the computed error of the first. *)
Lemma hard_delta_second : emitted_delta vU vw vs vg 1
  <= bpow radix2 (-22) * Rabs (val32 (weight_error (float_arith nans32) w s g 0))
     + bpow radix2 (-24) * Rabs (u' 1%nat) + bpow radix2 (-148).
Proof.
assert (run := hard_run w s g weights).
unfold emitted_delta, delta_recurrence, feedback_size, under_recurrence, under_chain; cbn [bsum].
rewrite <- (ieee_weight_value nans64 nans32 nan32 eq_refl 2 hard_H hard_C hard_U hard_d w s g _
  run 1 ltac:(lia)).
destruct (comp_finite 24 128 nans32 (narrowed nan32 hard_U) w s g 1 (weights 1%nat ltac:(lia)))
  as [_ [errors _]].
destruct (errors 0%nat ltac:(lia)) as [_ [_ [_ [_ value]]]].
change (real_arith (3 - 128 - 24) 24) with real32 in value.
unfold emitted_error; rewrite <- value.
assert (stored : stored_factor vU 0 1 = 2097151 / 2097152).
{ rewrite <- hard_V_value; symmetry; apply (narrow_finite nan32 (hard_U 0 1) eq_refl).
  vm_compute; reflexivity. }
rewrite stored; unfold gam_up, uro, eta; rewrite (Rabs_pos_eq (2097151 / 2097152)) by lra.
assert (size := Rabs_pos (val32 (weight_error (float_arith nans32) w s g 0))).
assert (weight := Rabs_pos (u' 1%nat)); cbv beta in weight.
set (e := Rabs (val32 (weight_error (float_arith nans32) w s g 0))) in *.
set (u := Rabs (val32 (ieee_weight nans32 nan32 hard_U w s g 1))) in *.
simpl; lra.
Qed.

(** It is not negative. *)
Lemma hard_delta_ge0 j : (j < 2)%nat -> 0 <= emitted_delta vU vw vs vg j.
Proof.
intros below; unfold emitted_delta, delta_recurrence, feedback_size, under_recurrence, under_chain,
  gam_up, uro, eta; two_columns_of j; cbn [bsum];
  repeat match goal with |- context [Rabs ?x] =>
    let y := fresh "y" in assert (0 <= Rabs x) by apply Rabs_pos; set (y := Rabs x) in * end;
  simpl; try lra; nra.
Qed.

(** The bound of the composed theorem, from numbers above its terms. *)
Lemma hard_bound c c0 c1 a : 0 <= c <= / 4194304 -> 0 <= val32 (s 0%nat) -> 0 <= val32 (s 1%nat) ->
  gf16_half_gap vs 0 (u' 0%nat) + emitted_delta vU vw vs vg 0 <= c0 ->
  gf16_half_gap vs 1 (u' 1%nat) + emitted_delta vU vw vs vg 1 <= c1 ->
  Rabs (vsub vw (scaled_points vs vg) 0) + Rabs (vsub vw (scaled_points vs vg) 1) <= a ->
  bsum 2 (fun j => vd j * (gf16_half_gap vs j (u' j) + emitted_delta vU vw vs vg j) ^ 2)
    + c * weighted_size 2 (root_diagonal vH) (vsub vw (scaled_points vs vg)) ^ 2
  <= val64 (hard_d 0) * c0 ^ 2 + val64 (hard_d 1) * c1 ^ 2 + / 4194304 * (3 / 2 * a) ^ 2.
Proof.
intros constant spos0 spos1 term0 term1 known; cbn [bsum].
assert (gap : forall j, 0 <= val32 (s j) -> 0 <= gf16_half_gap vs j (u' j)).
{ intros j pos; apply Rmult_le_pos; [exact pos|].
  eapply Rle_trans; [apply (bpow_ge_0 radix2 (-40))|apply Rmax_r]. }
assert (gap0 := gap 0%nat spos0); assert (gap1 := gap 1%nat spos1).
assert (delta0 := hard_delta_ge0 0 ltac:(lia)); assert (delta1 := hard_delta_ge0 1 ltac:(lia)).
assert (square0 : (gf16_half_gap vs 0 (u' 0%nat) + emitted_delta vU vw vs vg 0) ^ 2 <= c0 ^ 2)
  by (apply pow_incr; split; [lra|exact term0]).
assert (square1 : (gf16_half_gap vs 1 (u' 1%nat) + emitted_delta vU vw vs vg 1) ^ 2 <= c1 ^ 2)
  by (apply pow_incr; split; [lra|exact term1]).
assert (residue : c * weighted_size 2 (root_diagonal vH) (vsub vw (scaled_points vs vg)) ^ 2
  <= / 4194304 * (3 / 2 * a) ^ 2).
{ destruct (hard_size (vsub vw (scaled_points vs vg)) a known) as [low high].
  apply Rmult_le_compat; [apply constant|exact low|apply constant|exact high]. }
assert (first := Rmult_le_compat_l (val64 (hard_d 0)) _ _
  ltac:(rewrite hard_d_value by lia; lra) square0).
assert (second := Rmult_le_compat_l (val64 (hard_d 1)) _ _
  ltac:(rewrite hard_d_value by lia; lra) square1).
lra.
Qed.

End Row.

(** The constant of the factor rounded to binary32 is small enough for it, and so is that for the
    activations. *)
Lemma hard_constant : 0 <= residual32 2 <= / 4194304
  /\ 0 <= residual32 2 + uro 53 + activation64 1 <= / 4194304.
Proof. unfold residual32, residual64, activation64, uro; simpl; lra. Qed.

(** The bound of one rounding to GF16 in numbers. *)
Lemma half_gap_le s j x b : 0 < s j -> / 1024 * Rabs x <= b -> s j * / 1099511627776 <= b ->
  gf16_half_gap s j x <= b.
Proof.
intros pos relative absolute; unfold gf16_half_gap, half_ulp16.
rewrite <- RmaxRmult by lra; apply Rmax_lub.
- unfold Rdiv; rewrite Rabs_mult, Rabs_inv, (Rabs_pos_eq (s j)) by lra.
  replace (s j * (bpow radix2 (-10) * (Rabs x * / s j))) with (bpow radix2 (-10) * Rabs x)
    by (field; lra).
  simpl; lra.
- simpl; lra.
Qed.

(** ** Codes of GF16 at scale 3/4 *)

(** The weights, near 3/5 and -1/3. *)
Definition hard_w (j : nat) : bin32 :=
  match j with O => lit32 10066330 (-24) | _ => lit32 (-11184811) (-25) end.

(** The scale. *)
Definition hard_s (j : nat) : bin32 := lit32 3 (-2).

(** The grid points. *)
Definition hard_g (j : nat) : bin32 :=
  match j with O => lit32 819 (-10) | _ => lit32 (-910) (-11) end.

Notation hard_u := (ieee_weight nans32 nan32 hard_U hard_w hard_s hard_g).

(** The compensated weights are finite. *)
Lemma hard_finite j : (j < 2)%nat -> finite32 (hard_u j) = true.
Proof. intros below; two_columns_of j; vm_compute; reflexivity. Qed.

(** The weights, the scale, the grid points and the compensated weights as numbers. *)
Lemma hard_values :
  (forall j, val32 (hard_s j) = 3 / 4) /\
  val32 (hard_w 0) = 10066330 / 16777216 /\ val32 (hard_w 1) = - (11184811 / 33554432) /\
  val32 (hard_g 0) = 819 / 1024 /\ val32 (hard_g 1) = - (910 / 2048) /\
  val32 (hard_u 0) = 10066330 / 16777216 /\ val32 (hard_u 1) = - (11179895 / 33554432) /\
  val32 (weight_error (float_arith nans32) hard_w hard_s hard_g 0) = 10067968 / 68719476736.
Proof. split; [intros j|repeat split]; value_by_computation. Qed.

(** The run and its codes satisfy the hypotheses. *)
Theorem witness_hard_run :
  ieee_run nans64 nans32 nan32 2 hard_H hard_C hard_U hard_d hard_w hard_s hard_g
    (2097153 / 1048576) /\
  ieee_codes nans32 nan32 2 hard_U hard_w hard_s hard_g.
Proof.
split; [exact (hard_run _ _ _ hard_finite)|].
destruct hard_values as [scale [_ [_ [g0 [g1 [u0 [u1 _]]]]]]].
intros j below; rewrite scale; split; [lra|two_columns_of j].
- rewrite g0, u0, (gf16_round_near 819 (-10)); try lia; try right; try (simpl; numeral_abs; lra).
- rewrite g1, u1, (gf16_round_near (-910) (-11)); try lia; try right;
    try (simpl; numeral_abs; lra).
Qed.

(** The bound of the composed theorems on it is below 2^-22. *)
Lemma hard_bound_small c : 0 <= c <= / 4194304 ->
  let vw := fun j => val32 (hard_w j) in let vs := fun j => val32 (hard_s j) in
  let vg := fun j => val32 (hard_g j) in
  bsum 2 (fun j =>
      vd j * (gf16_half_gap vs j (val32 (hard_u j)) + emitted_delta vU vw vs vg j) ^ 2)
    + c * weighted_size 2 (root_diagonal vH) (vsub vw (scaled_points vs vg)) ^ 2 <= / 4194304.
Proof.
intros constant vw vs vg; destruct hard_values as [scale [w0 [w1 [g0 [g1 [u0 [u1 e0]]]]]]].
eapply Rle_trans; [apply (hard_bound hard_w hard_s hard_g c (/ 1024) (/ 2990) (/ 4000) constant)|].
- rewrite scale; lra.
- rewrite scale; lra.
- apply Rle_trans with (/ 1500 + / 20000000); [apply Rplus_le_compat|lra].
  + apply half_gap_le; cbv beta; rewrite ?scale, ?u0; numeral_abs; lra.
  + rewrite (hard_delta_first _ _ _ hard_finite), u0; numeral_abs; simpl; lra.
- apply Rle_trans with (/ 3000 + / 20000000); [apply Rplus_le_compat|lra].
  + apply half_gap_le; cbv beta; rewrite ?scale, ?u1; numeral_abs; lra.
  + eapply Rle_trans; [exact (hard_delta_second _ _ _ hard_finite)|].
    cbv beta; rewrite u1, e0; numeral_abs; simpl; lra.
- unfold vsub, scaled_points; rewrite !scale, w0, w1, g0, g1; numeral_abs; lra.
- rewrite !hard_d_value by lia; simpl; lra.
Qed.

(** T7 + T9 + T11 + T15 on it. *)
Theorem witness_hard_codes :
  let vw := fun j => val32 (hard_w j) in let vs := fun j => val32 (hard_s j) in
  let vg := fun j => val32 (hard_g j) in let e := vsub vw (scaled_points vs vg) in
  let bound := bsum 2 (fun j =>
      vd j * (gf16_half_gap vs j (val32 (hard_u j)) + emitted_delta vU vw vs vg j) ^ 2)
    + residual32 2 * weighted_size 2 (root_diagonal vH) e ^ 2 in
  qform 2 vH e <= bound /\ bound <= / 4194304 /\ / 8 <= qform 2 vH (vsub vw (fun _ => 0)).
Proof.
intros vw vs vg e bound; destruct witness_hard_run as [run codes].
destruct hard_values as [_ [w0 [w1 _]]].
split; [exact (emitted_codes_loss_ieee nans64 nans32 nan32 eq_refl 2 hard_H hard_C hard_U hard_d
  hard_w hard_s hard_g _ run codes)|split].
- exact (hard_bound_small _ (proj1 hard_constant)).
- unfold qform, vsub, vw; cbn [bsum]; rewrite !hard_H_value, w0, w1; simpl; lra.
Qed.

(** The values of the stored Hessian are those of the instance. *)
Lemma hard_stored i : root_diagonal (hessian_stored (val64 hard_lam)
  (fun i j => val64 (hard_G i j))) i = root_diagonal vH i.
Proof.
unfold root_diagonal; rewrite <- (proj2 (ieee_hessian_value nans64 hard_lam hard_G i i
  (hard_H_finite i i))); reflexivity.
Qed.

(** The values of the Gram matrix are those of the real model. *)
Lemma hard_sums : (fun i j => val64 (hard_G i j))
  = gram_float real64 1 (fun i t => val64 (hard_X i t)).
Proof.
apply functional_extensionality; intros i; apply functional_extensionality; intros j.
assert (fin : finite64 (hard_G i j) = true) by (vm_compute; reflexivity).
assert (value := gram_finite 53 1024 nans64 1 hard_X i j fin).
change (real_arith (3 - 1024 - 53) 53) with real64 in value; exact value.
Qed.

(** The loss on the activations themselves, from which the program accumulated G. *)
Theorem witness_hard_activations :
  let rX := fun i t => val64 (hard_X i t) in let lam := val64 hard_lam in
  let vw := fun j => val32 (hard_w j) in let vs := fun j => val32 (hard_s j) in
  let vg := fun j => val32 (hard_g j) in let e := vsub vw (scaled_points vs vg) in
  let bound := bsum 2 (fun j =>
      vd j * (gf16_half_gap vs j (val32 (hard_u j)) + emitted_delta vU vw vs vg j) ^ 2)
    + (residual32 2 + uro 53 + activation64 1)
      * weighted_size 2 (root_diagonal (hessian_stored lam (gram_float real64 1 rX))) e ^ 2 in
  2 * loss 2 1 rX e + lam * bsum 2 (fun i => e i ^ 2) <= bound /\ bound <= / 4194304.
Proof.
intros rX lam vw vs vg e bound; destruct witness_hard_run as [run codes]; split.
2: { unfold bound, rX; rewrite <- hard_sums.
  replace (weighted_size 2 (root_diagonal (hessian_stored lam (fun i j => val64 (hard_G i j)))) e)
    with (weighted_size 2 (root_diagonal vH) e)
    by (apply bsum_ext; intros i _; unfold lam; rewrite hard_stored; reflexivity).
  exact (hard_bound_small _ (proj2 hard_constant)). }
apply (codes_activations_ieee nans64 nans32 nan32 eq_refl 2 hard_lam hard_G hard_C hard_U hard_d
  hard_w hard_s hard_g _ run (fun i j _ _ => hard_H_finite i j) 1 hard_X); try exact codes.
- reflexivity.
- intros i t _ _; replace (val64 (hard_X i t)) with (bpow radix2 0)
    by (symmetry; unfold hard_X; simpl bpow; value_by_computation).
  apply generic_format_bpow; compute; discriminate.
- apply Rle_trans with (/ 1048576); [lra|apply Req_le; symmetry; value_by_computation].
- lia.
Qed.

(** The errors of the emitted codes as binary64 data. *)
Definition hard_e (k : nat) : bin64 :=
  match k with O => lit64 2458 (-24) | _ => lit64 (-2731) (-25) end.

(** The guard's enclosure: sum d_j t'_j^2 is the loss to within 2^-64, and between 2^-27 and 2^-26.
    *)
Theorem witness_hard_product :
  let vw := fun j => val32 (hard_w j) in let vs := fun j => val32 (hard_s j) in
  let vg := fun j => val32 (hard_g j) in let e := vsub vw (scaled_points vs vg) in
  let t' := product_float vU (fun k => val64 (hard_e k)) in
  (forall k, (k < 2)%nat -> val64 (hard_e k) = e k) /\
  Rabs (qform 2 vH e - bsum 2 (fun j => vd j * t' j ^ 2)) <= / 18446744073709551616 /\
  / 134217728 <= bsum 2 (fun j => vd j * t' j ^ 2) <= / 67108864.
Proof.
intros vw vs vg e t'; destruct hard_values as [scale [w0 [w1 [g0 [g1 _]]]]].
assert (errors : forall k, (k < 2)%nat -> val64 (hard_e k) = e k).
{ intros k below; unfold e, vsub, scaled_points, vw, vs, vg; rewrite scale; two_columns_of k.
  - rewrite w0, g0; replace (10066330 / 16777216 - 3 / 4 * (819 / 1024)) with (2458 / 16777216)
      by lra; value_by_computation.
  - rewrite w1, g1; replace (- (11184811 / 33554432) - 3 / 4 * - (910 / 2048))
      with (- 2731 / 33554432) by lra; value_by_computation. }
split; [exact errors|].
assert (run := emitted_run_ieee nans64 nans32 nan32 eq_refl 2 hard_H hard_C hard_U hard_d
  hard_w hard_s hard_g _ (proj1 witness_hard_run)).
assert (rounded : forall k, (k < 2)%nat -> val64 (hard_e k) = rnd64 (e k)).
{ intros k below; rewrite <- errors by exact below; symmetry.
  apply (rnd_exact (-1074) 53), (B2R_format 53 1024). }
assert (total : Rabs (e 0%nat) + Rabs (e 1%nat) <= / 4000).
{ unfold e, vsub, scaled_points, vw, vs, vg; rewrite !scale, w0, w1, g0, g1; numeral_abs; lra. }
assert (bound := loss_enclosure_closed 2 vH (fun i j => val64 (hard_C i j)) vU vd _ (run_factor run)
  (run_symmetric run) (run_pivots run) (run_sane run) e (fun k => val64 (hard_e k)) rounded
  ltac:(lia)); cbv zeta in bound; fold t' in bound.
assert (product : forall j c, (j < 2)%nat ->
  finite64 (fma_chain (float_arith nans64) (S j) hard_e (fun k => hard_U k j)
    (Binary.B754_zero 53 1024 false)) = true ->
  val64 (fma_chain (float_arith nans64) (S j) hard_e (fun k => hard_U k j)
    (Binary.B754_zero 53 1024 false)) = c -> t' j = c).
{ intros j c _ fin same; destruct (chain_finite nans64 fin) as [_ [_ value]].
  rewrite <- same, value; reflexivity. }
assert (entry0 : t' 0%nat = 5405199162146816 / 36893488147419103232)
  by (apply product; [lia|vm_compute; reflexivity|value_by_computation]).
assert (entry1 : t' 1%nat = 4804860658583962 / 73786976294838206464)
  by (apply product; [lia|vm_compute; reflexivity|value_by_computation]).
assert (squares : / 134217728 <= bsum 2 (fun j => vd j * t' j ^ 2) <= / 67108864)
  by (cbn [bsum]; rewrite entry0, entry1, !hard_d_value by lia; simpl pow; lra).
split; [|exact squares].
assert (size : 0 <= weighted_size 2 (root_diagonal vH) e <= / 2000).
{ unfold weighted_size; cbn [bsum]; assert (root0 := hard_root 0); assert (root1 := hard_root 1).
  assert (size0 := Rabs_pos (e 0%nat)); assert (size1 := Rabs_pos (e 1%nat)); split; nra. }
assert (norm : 0 <= pivot_norm 2 vd t' <= / 8192).
{ split; [apply sqrt_pos|unfold pivot_norm].
  rewrite <- (sqrt_square (/ 8192)) by lra; apply sqrt_le_1_alt; lra. }
assert (constants : 0 <= product64 2 <= / 1125899906842624
    /\ 0 <= residual64 2 <= / 1125899906842624)
  by (unfold product64, residual64; simpl; lra).
assert (tiny : bpow radix2 (-470) <= / 1267650600228229401496703205376).
{ change (/ 1267650600228229401496703205376) with (bpow radix2 (-100)); apply bpow_le; lia. }
eapply Rle_trans; [apply bound|unfold enclosure_width].
- apply Rle_trans with (bpow radix2 2); [simpl; lra|apply bpow_le; lia].
- cbn [bsum]; apply Rle_trans with (bpow radix2 0); [simpl; lra|apply bpow_le; lia].
- set (A := weighted_size 2 (root_diagonal vH) e) in *.
  set (rho := product64 2 * (1 + residual64 2) * A).
  assert (rho_range : 0 <= rho <= / 1152921504606846976).
  { unfold rho; split; [apply Rmult_le_pos; [apply Rmult_le_pos|]; lra|].
    apply Rle_trans with (/ 1125899906842624 * (3 / 2) * / 2000); [|lra].
    apply Rmult_le_compat; [apply Rmult_le_pos| |apply Rmult_le_compat|]; lra. }
  assert (width1 : pivot_norm 2 vd t' * rho <= / 8192 * / 1152921504606846976)
    by (apply Rmult_le_compat; lra).
  assert (width2 : rho ^ 2 <= / 1152921504606846976 * / 1152921504606846976)
    by (simpl pow; rewrite Rmult_1_r; apply Rmult_le_compat; lra).
  assert (width3 : residual64 2 * A ^ 2 <= / 1125899906842624 * (/ 2000 * / 2000)).
  { apply Rmult_le_compat; [lra|apply pow2_ge_0|lra|].
    simpl pow; rewrite Rmult_1_r; apply Rmult_le_compat; lra. }
  lra.
Qed.
