(** * The published theorems about the codes that the program emits: T7 + T9 + T11 + T15

    Purpose: the loss of the emitted codes, bounded by numbers that the program computes, and what
      the guard compares.  Headline.v explains the words used.
    Main results: the names that begin with emitted and guard.
    Depends on: the theorem files and witness files of Float, Gptq/GoldenGrid.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith Reals List Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Gptq GoldenGrid Concrete.
From Hallmark.Float Require Import Arithmetic Gamma Chain Recurrence RecurrenceError GramError.
From Hallmark.Float Require Import Factor FactorRounded Residual FactorClosed Hessian Certificate.
From Hallmark.Float Require Import Emitted Machine EmittedIeee PivotNorm Enclosure.
From Hallmark.Float Require EmittedPlainIeee WitnessRun WitnessBounds WitnessForms.
From Hallmark.Float Require WitnessHard WitnessEdge.
Import ListNotations.
Open Scope R_scope.

(** ** T7 + T9 + T11 + T15: the codes that the program emits

    A run on IEEE data ([ieee_run]): H in binary64, factored in binary64 with positive finite
    pivots, U narrowed once to binary32, the recurrence in binary32 with finite results.
    [ieee_codes]: each grid point is GF16's nearest to u'_j / s_j.  Then the loss in the stored H is
    at most a number that needs no exact quantity and no residual. *)
Theorem emitted_codes_loss (nans64 : nan_choice 53 1024) (nans32 : nan_choice 24 128) (nan : bin32)
    (n : nat) (H C U : nat -> nat -> bin64) (d : nat -> bin64) (w s g : nat -> bin32) (hmax : R) :
  is_nan 24 128 nan = true -> ieee_run nans64 nans32 nan n H C U d w s g hmax ->
  ieee_codes nans32 nan n U w s g ->
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let rH := fun i j => value64 (H i j) in let rU := fun i j => value64 (U i j) in
  let rw := fun j => value32 (w j) in let rs := fun j => value32 (s j) in
  let rg := fun j => value32 (g j) in let e := vsub rw (scaled_points rs rg) in
  qform n rH e
  <= bsum n (fun j => value64 (d j) *
       (gf16_half_gap rs j (value32 (ieee_weight nans32 nan U w s g j))
        + emitted_delta rU rw rs rg j) ^ 2)
     + residual32 n * weighted_size n (root_diagonal rH) e ^ 2.
Proof.
exact (fun is_nan run =>
  emitted_codes_loss_ieee nans64 nans32 nan is_nan n H C U d w s g hmax run).
Qed.

(** Any codes, GPTQ's or not, GF16 or not: the plain loss in the stored Gram matrix lies between two
    computable numbers ([lower_sum], [upper_sum]: sums of d_j (|u'_j - q_j| -/+ delta_j)^2). *)
Theorem emitted_plain_enclosure (n : nat) (lam : R) (G C U : mat) (d : vec) (hmax : R)
    (w s g : vec) :
  let H := hessian_stored lam G in
  let e := vsub w (scaled_points s g) in
  let u' := emitted_weight U w s g in
  let slack := (residual32 n + uro 53) * weighted_size n (root_diagonal H) e ^ 2 in
  emitted_run n H C U d hmax w ->
  in_format (-1074) 53 lam -> (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j)) ->
  lower_sum n d u' (scaled_points s g) (emitted_delta U w s g) - slack
  <= 2 * qform n G e + lam * bsum n (fun i => e i ^ 2)
  <= upper_sum n d u' (scaled_points s g) (emitted_delta U w s g) + slack.
Proof. exact (Emitted.emitted_plain_enclosure n lam G C U d hmax w s g). Qed.

(** The same on IEEE data, for H made by the program from its G ([ieee_hessian]: 2 G_ij is
    G_ij + G_ij, and lam is added on the diagonal), when every entry of H is finite. *)
Theorem emitted_plain_enclosure_ieee (nans64 : nan_choice 53 1024) (nans32 : nan_choice 24 128)
    (nan : bin32) (n : nat) (lam : bin64) (G : nat -> nat -> bin64) (C U : nat -> nat -> bin64)
    (d : nat -> bin64) (w s g : nat -> bin32) (hmax : R) :
  is_nan 24 128 nan = true ->
  let H := EmittedPlainIeee.ieee_hessian nans64 lam G in
  ieee_run nans64 nans32 nan n H C U d w s g hmax ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> is_finite 53 1024 (H i j) = true) ->
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let rU := fun i j => value64 (U i j) in let rd := fun j => value64 (d j) in
  let rw := fun j => value32 (w j) in let rs := fun j => value32 (s j) in
  let rg := fun j => value32 (g j) in let e := vsub rw (scaled_points rs rg) in
  let u' := fun j => value32 (ieee_weight nans32 nan U w s g j) in
  let rG := fun i j => value64 (G i j) in
  let slack := (residual32 n + uro 53)
    * weighted_size n (root_diagonal (hessian_stored (value64 lam) rG)) e ^ 2 in
  lower_sum n rd u' (scaled_points rs rg) (emitted_delta rU rw rs rg) - slack
  <= 2 * qform n rG e + value64 lam * bsum n (fun i => e i ^ 2)
  <= upper_sum n rd u' (scaled_points rs rg) (emitted_delta rU rw rs rg) + slack.
Proof.
exact (fun is_nan run finite => EmittedPlainIeee.plain_enclosure_ieee nans64 nans32 nan
  is_nan n lam G C U d w s g hmax run finite).
Qed.

(** What the guard computes: with e' the errors e rounded to binary64 and t' = e' U by chains of fma
    ([product_float U e']), the loss in H is sum_j d_j t'_j^2 to within
    2 N rho + rho^2 + g' A^2 + 2^-470 ([enclosure_width g' rho N A]), where
    A = sum_i |e_i| sqrt(H_ii), N^2 = sum_j d_j t'_j^2 ([pivot_norm]), g' = (n + 2) 2^-53
    and rho = g' (1 + g') A. *)
Theorem guard_loss_enclosure (n : nat) (H C U : mat) (d : vec) (hmax : R) (e e' : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax -> (forall k, (k < n)%nat -> e' k = rnd64 (e k)) -> (0 < n)%nat ->
  hmax <= bpow radix2 400 -> bsum n (fun i => Rabs (e i)) <= bpow radix2 150 ->
  let A := weighted_size n (root_diagonal H) e in
  let t' := product_float U e' in
  let rho := product64 n * (1 + residual64 n) * A in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width (residual64 n) rho (pivot_norm n d t') A + bpow radix2 (-470).
Proof.
exact (fun run symmetric pivots sane rounded =>
  Enclosure.loss_enclosure_closed n H C U d hmax run symmetric pivots sane e e' rounded).
Qed.

(** The stage before it, in the format of the recurrence: errors rounded to binary32, the factor as
    the recurrence reads it and chains in binary32 ([product_chain (-149) 24]), for at most 2^20
    columns. Here g' = [residual32 n], and rho = x (1 + x) (1 + g') A + n^2 2^-147 sqrt(hmax) with
    x = (n + 1) 2^-24 ([product32 n], [under_product32 n hmax]). On GPTQ's own errors t'_j is
    fl(r_j + e_j), r_j the recurrence's chain. *)
Theorem guard_loss_enclosure_binary32 (n : nat) (H C U : mat) (d : vec) (hmax : R) (e e' : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax -> (0 < n)%nat -> (Z.of_nat n <= 2 ^ 20)%Z ->
  (forall k, (k < n)%nat -> e' k = rnd (-149) 24 (e k)) ->
  let A := weighted_size n (root_diagonal H) e in
  let t' := product_chain (-149) 24 (round_factor (-149) 24 U) e' in
  let rho := product32 n * (1 + residual32 n) * A + under_product32 n hmax in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width (residual32 n) rho (pivot_norm n d t') A.
Proof.
exact (fun run symmetric pivots sane nonempty columns rounded =>
  Enclosure.loss_enclosure32 n H C U d hmax run symmetric pivots sane nonempty columns e e'
    rounded).
Qed.

(** From the loss in H to the plain loss in the stored G, where H - 2 G is diagonal; a fact without
    hypotheses. *)
Theorem guard_plain_loss (n : nat) (lam : R) (G : mat) (e : vec) :
  let H := hessian_stored lam G in
  2 * qform n G e = qform n H e - bsum n (fun j => (H j j - 2 * G j j) * e j ^ 2).
Proof. exact (Enclosure.plain_loss_identity n lam G e). Qed.

(** And on the calibration activations themselves, through the Gram matrix that the program
    accumulated; [activation64 m] = (m + 1) 2^-53. *)
Theorem emitted_codes_activations (n m : nat) (X : mat) (lam : R) (C U : mat) (d : vec) (hmax : R)
    (w s g : vec) :
  let G := gram_float real64 m X in
  let H := hessian_stored lam G in
  let e := vsub w (scaled_points s g) in
  emitted_run n H C U d hmax w -> gf16_codes n U w s g ->
  binary32_entries n m X -> in_format (-1074) 53 lam -> 0 <= lam ->
  (0 < m)%nat /\ (Z.of_nat m <= 2 ^ 24)%Z ->
  2 * loss n m X e + lam * bsum n (fun i => e i ^ 2)
  <= bsum n (fun j =>
       d j * (gf16_half_gap s j (emitted_weight U w s g j) + emitted_delta U w s g j) ^ 2)
     + (residual32 n + uro 53 + activation64 m) * weighted_size n (root_diagonal H) e ^ 2.
Proof. exact (Emitted.emitted_codes_activations n m X lam C U d hmax w s g). Qed.

(** And that on IEEE data, for G accumulated by the program. *)
Theorem emitted_codes_activations_ieee (nans64 : nan_choice 53 1024) (nans32 : nan_choice 24 128)
    (nan : bin32) (n : nat) (lam : bin64) (G : nat -> nat -> bin64) (C U : nat -> nat -> bin64)
    (d : nat -> bin64) (w s g : nat -> bin32) (hmax : R) (m : nat)
    (X : nat -> nat -> bin64) :
  is_nan 24 128 nan = true ->
  let H := EmittedPlainIeee.ieee_hessian nans64 lam G in
  ieee_run nans64 nans32 nan n H C U d w s g hmax ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> is_finite 53 1024 (H i j) = true) ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> G i j = gram_float (float_arith nans64) m X i j) ->
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let rU := fun i j => value64 (U i j) in let rd := fun j => value64 (d j) in
  let rw := fun j => value32 (w j) in let rs := fun j => value32 (s j) in
  let rg := fun j => value32 (g j) in let e := vsub rw (scaled_points rs rg) in
  let u' := fun j => value32 (ieee_weight nans32 nan U w s g j) in
  let rX := fun i t => value64 (X i t) in
  ieee_codes nans32 nan n U w s g -> binary32_entries n m rX -> 0 <= value64 lam ->
  (0 < m)%nat /\ (Z.of_nat m <= 2 ^ 24)%Z ->
  2 * loss n m rX e + value64 lam * bsum n (fun i => e i ^ 2)
  <= bsum n (fun j => rd j * (gf16_half_gap rs j (u' j) + emitted_delta rU rw rs rg j) ^ 2)
     + (residual32 n + uro 53 + activation64 m) * weighted_size n
         (root_diagonal (hessian_stored (value64 lam) (gram_float real64 m rX))) e ^ 2.
Proof.
exact (fun is_nan run finite accumulated => EmittedPlainIeee.codes_activations_ieee
  nans64 nans32 nan is_nan n lam G C U d w s g hmax run finite m X accumulated).
Qed.

(** Witness: the instance above satisfies every hypothesis, *)
Lemma emitted_run_witness :
  let nan := proj1_sig WitnessRun.a_nan32 in
  ieee_run WitnessRun.nans64 WitnessRun.nans32 nan 3 WitnessRun.wH WitnessRun.wC
    WitnessRun.wU WitnessRun.wd WitnessRun.ww WitnessRun.ws WitnessRun.wg 3
  /\ ieee_codes WitnessRun.nans32 nan 3 WitnessRun.wU WitnessRun.ww WitnessRun.ws
       WitnessRun.wg.
Proof. exact (conj WitnessRun.witness_run WitnessRun.witness_codes). Qed.

(** the bound of [emitted_codes_loss] is at most 2^-16, where the codes 0 lose more than 1, *)
Lemma emitted_loss_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let nan := proj1_sig WitnessRun.a_nan32 in
  let H := fun i j => value64 (WitnessRun.wH i j) in
  let U := fun i j => value64 (WitnessRun.wU i j) in
  let d := fun j => value64 (WitnessRun.wd j) in
  let w := fun j => value32 (WitnessRun.ww j) in
  let s := fun j => value32 (WitnessRun.ws j) in
  let g := fun j => value32 (WitnessRun.wg j) in
  let u' := fun j => value32 (ieee_weight WitnessRun.nans32 nan WitnessRun.wU WitnessRun.ww
                       WitnessRun.ws WitnessRun.wg j) in
  let e := vsub w (scaled_points s g) in
  let bound := bsum 3 (fun j => d j * (gf16_half_gap s j (u' j) + emitted_delta U w s g j) ^ 2)
    + residual32 3 * weighted_size 3 (root_diagonal H) e ^ 2 in
  qform 3 H e <= bound /\ bound <= / 65536 /\ 1 <= qform 3 H (vsub w (fun _ => 0)).
Proof. exact WitnessBounds.witness_loss. Qed.

(** and its loss is enclosed between 2^-24 and 2^-23. *)
Lemma emitted_enclosure_witness :
  let value32 := B2R 24 128 in
  let H := fun i j => B2R 53 1024 (WitnessRun.wH i j) in
  let w := fun j => value32 (WitnessRun.ww j) in
  let s := fun j => value32 (WitnessRun.ws j) in
  let g := fun j => value32 (WitnessRun.wg j) in
  / 16777216 <= qform 3 H (vsub w (scaled_points s g)) <= / 8388608.
Proof. exact WitnessBounds.witness_enclosure. Qed.

(** Witness: that H is 2 G + 2 I for the two tokens (1/2, 1/2, 1/2), whose Gram matrix is singular,
    on IEEE data; *)
Lemma emitted_plain_run_witness :
  let nan := proj1_sig WitnessRun.a_nan32 in
  let lam := WitnessForms.wlam in let G := WitnessForms.wG in
  let X := WitnessForms.wT in
  let H := EmittedPlainIeee.ieee_hessian WitnessRun.nans64 lam G in
  ieee_run WitnessRun.nans64 WitnessRun.nans32 nan 3 H WitnessRun.wC
    WitnessRun.wU WitnessRun.wd WitnessRun.ww WitnessRun.ws WitnessRun.wg 3
  /\ (forall i j, (i < 3)%nat -> (j < 3)%nat -> is_finite 53 1024 (H i j) = true)
  /\ (forall i j, (i < 3)%nat -> (j < 3)%nat ->
        G i j = gram_float (float_arith WitnessRun.nans64) 2 X i j)
  /\ binary32_entries 3 2 (fun i t => B2R 53 1024 (X i t)) /\ 0 <= B2R 53 1024 lam.
Proof. exact WitnessForms.witness_plain_run. Qed.

(** the plain loss, damping added, lies between two numbers that are between 2^-24 and 2^-23; *)
Lemma emitted_plain_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let nan := proj1_sig WitnessRun.a_nan32 in
  let G := fun i j => value64 (WitnessForms.wG i j) in
  let U := fun i j => value64 (WitnessRun.wU i j) in
  let d := fun j => value64 (WitnessRun.wd j) in
  let w := fun j => value32 (WitnessRun.ww j) in
  let s := fun j => value32 (WitnessRun.ws j) in
  let g := fun j => value32 (WitnessRun.wg j) in
  let q := scaled_points s g in let e := vsub w q in
  let u' := fun j => value32 (ieee_weight WitnessRun.nans32 nan WitnessRun.wU WitnessRun.ww
                       WitnessRun.ws WitnessRun.wg j) in
  let slack := (residual32 3 + uro 53)
    * weighted_size 3 (root_diagonal (hessian_stored 2 G)) e ^ 2 in
  let lower := lower_sum 3 d u' q (emitted_delta U w s g) - slack in
  let upper := upper_sum 3 d u' q (emitted_delta U w s g) + slack in
  / 16777216 <= lower
  /\ lower <= 2 * qform 3 G e + 2 * bsum 3 (fun i => e i ^ 2) <= upper
  /\ upper <= / 8388608.
Proof. exact WitnessForms.witness_plain. Qed.

(** and on the activations the bound is at most 2^-16, where the codes 0 lose more than 1. *)
Lemma emitted_activations_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let nan := proj1_sig WitnessRun.a_nan32 in
  let X := fun i t => value64 (WitnessForms.wT i t) in
  let U := fun i j => value64 (WitnessRun.wU i j) in
  let d := fun j => value64 (WitnessRun.wd j) in
  let w := fun j => value32 (WitnessRun.ww j) in
  let s := fun j => value32 (WitnessRun.ws j) in
  let g := fun j => value32 (WitnessRun.wg j) in
  let e := vsub w (scaled_points s g) in let zero := fun _ => 0 in
  let u' := fun j => value32 (ieee_weight WitnessRun.nans32 nan WitnessRun.wU WitnessRun.ww
                       WitnessRun.ws WitnessRun.wg j) in
  let bound := bsum 3 (fun j => d j * (gf16_half_gap s j (u' j) + emitted_delta U w s g j) ^ 2)
    + (residual32 3 + uro 53 + activation64 2)
      * weighted_size 3 (root_diagonal (hessian_stored 2 (gram_float real64 2 X))) e ^ 2 in
  2 * loss 3 2 X e + 2 * bsum 3 (fun i => e i ^ 2) <= bound /\ bound <= / 65536
  /\ 1 <= 2 * loss 3 2 X (vsub w zero) + 2 * bsum 3 (fun i => vsub w zero i ^ 2).
Proof. exact WitnessForms.witness_activations. Qed.

(** Witness: H = [[2 + 2^-20, 2], [2, 2 + 2^-20]], 2 G + 2^-20 I for the one token (1, 1), is nearly
    singular: (1, -1) loses 2^-19 in it, (1, 1) more than 8.  At scale 3/4 the bound of
    [emitted_codes_loss] is at most 2^-22, where the codes 0 lose more than 1/8. *)
Lemma emitted_ill_conditioned_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let nan := proj1_sig WitnessRun.a_nan32 in
  let H := fun i j => value64 (WitnessHard.hard_H i j) in
  let U := fun i j => value64 (WitnessHard.hard_U i j) in
  let d := fun j => value64 (WitnessHard.hard_d j) in
  let w := fun j => value32 (WitnessHard.hard_w j) in
  let s := fun j => value32 (WitnessHard.hard_s j) in
  let g := fun j => value32 (WitnessHard.hard_g j) in
  let u' := fun j => value32 (ieee_weight WitnessRun.nans32 nan WitnessHard.hard_U
                       WitnessHard.hard_w WitnessHard.hard_s WitnessHard.hard_g j) in
  let e := vsub w (scaled_points s g) in
  let bound := bsum 2 (fun j => d j * (gf16_half_gap s j (u' j) + emitted_delta U w s g j) ^ 2)
    + residual32 2 * weighted_size 2 (root_diagonal H) e ^ 2 in
  (qform 2 H (entries [1; -1]) = / 524288 /\ qform 2 H (entries [1; 1]) = 8 + / 524288)
  /\ (ieee_run WitnessRun.nans64 WitnessRun.nans32 nan 2 WitnessHard.hard_H WitnessHard.hard_C
         WitnessHard.hard_U WitnessHard.hard_d WitnessHard.hard_w WitnessHard.hard_s
         WitnessHard.hard_g (2097153 / 1048576)
       /\ ieee_codes WitnessRun.nans32 nan 2 WitnessHard.hard_U WitnessHard.hard_w
            WitnessHard.hard_s WitnessHard.hard_g)
  /\ (forall j, s j = 3 / 4)
  /\ qform 2 H e <= bound /\ bound <= / 4194304 /\ / 8 <= qform 2 H (vsub w (fun _ => 0)).
Proof.
exact (conj WitnessHard.hard_hessian (conj WitnessHard.witness_hard_run
  (conj (proj1 WitnessHard.hard_values) WitnessHard.witness_hard_codes))).
Qed.

(** So is the bound of [emitted_codes_activations_ieee] on that token, *)
Lemma emitted_ill_conditioned_activations_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let nan := proj1_sig WitnessRun.a_nan32 in
  let X := fun i t => value64 (WitnessHard.hard_X i t) in
  let lam := value64 WitnessHard.hard_lam in
  let U := fun i j => value64 (WitnessHard.hard_U i j) in
  let d := fun j => value64 (WitnessHard.hard_d j) in
  let w := fun j => value32 (WitnessHard.hard_w j) in
  let s := fun j => value32 (WitnessHard.hard_s j) in
  let g := fun j => value32 (WitnessHard.hard_g j) in
  let u' := fun j => value32 (ieee_weight WitnessRun.nans32 nan WitnessHard.hard_U
                       WitnessHard.hard_w WitnessHard.hard_s WitnessHard.hard_g j) in
  let e := vsub w (scaled_points s g) in
  let bound := bsum 2 (fun j => d j * (gf16_half_gap s j (u' j) + emitted_delta U w s g j) ^ 2)
    + (residual32 2 + uro 53 + activation64 1)
      * weighted_size 2 (root_diagonal (hessian_stored lam (gram_float real64 1 X))) e ^ 2 in
  2 * loss 2 1 X e + lam * bsum 2 (fun i => e i ^ 2) <= bound /\ bound <= / 4194304.
Proof. exact WitnessHard.witness_hard_activations. Qed.

(** and the guard's sum is the loss to within 2^-64, and more than 2^-27. *)
Lemma guard_ill_conditioned_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let H := fun i j => value64 (WitnessHard.hard_H i j) in
  let U := fun i j => value64 (WitnessHard.hard_U i j) in
  let d := fun j => value64 (WitnessHard.hard_d j) in
  let w := fun j => value32 (WitnessHard.hard_w j) in
  let s := fun j => value32 (WitnessHard.hard_s j) in
  let g := fun j => value32 (WitnessHard.hard_g j) in
  let e := vsub w (scaled_points s g) in let e' := fun k => value64 (WitnessHard.hard_e k) in
  let t' := product_float U e' in
  (forall k, (k < 2)%nat -> e' k = e k)
  /\ Rabs (qform 2 H e - bsum 2 (fun j => d j * t' j ^ 2)) <= / 18446744073709551616
  /\ / 134217728 <= bsum 2 (fun j => d j * t' j ^ 2) <= / 67108864.
Proof. exact WitnessHard.witness_hard_product. Qed.

(** Witness: on that H a code that is subnormal in GF16, 5 2^-39, and a weight that is subnormal in
    binary32, -7 2^-149; the bound is at most 2^-79, where the codes 0 lose more than 2^-74. *)
Lemma emitted_subnormal_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let nan := proj1_sig WitnessRun.a_nan32 in
  let H := fun i j => value64 (WitnessHard.hard_H i j) in
  let U := fun i j => value64 (WitnessHard.hard_U i j) in
  let d := fun j => value64 (WitnessHard.hard_d j) in
  let w := fun j => value32 (WitnessEdge.subnormal_w j) in
  let s := fun j => value32 (WitnessHard.hard_s j) in
  let g := fun j => value32 (WitnessEdge.subnormal_g j) in
  let u' := fun j => value32 (ieee_weight WitnessRun.nans32 nan WitnessHard.hard_U
                       WitnessEdge.subnormal_w WitnessHard.hard_s WitnessEdge.subnormal_g j) in
  let e := vsub w (scaled_points s g) in
  let bound := bsum 2 (fun j => d j * (gf16_half_gap s j (u' j) + emitted_delta U w s g j) ^ 2)
    + residual32 2 * weighted_size 2 (root_diagonal H) e ^ 2 in
  (ieee_run WitnessRun.nans64 WitnessRun.nans32 nan 2 WitnessHard.hard_H WitnessHard.hard_C
     WitnessHard.hard_U WitnessHard.hard_d WitnessEdge.subnormal_w WitnessHard.hard_s
     WitnessEdge.subnormal_g (2097153 / 1048576)
   /\ ieee_codes WitnessRun.nans32 nan 2 WitnessHard.hard_U WitnessEdge.subnormal_w
        WitnessHard.hard_s WitnessEdge.subnormal_g)
  /\ Rabs (w 1%nat) < bpow radix2 (-126) /\ 0 < Rabs (g 0%nat) < bpow radix2 (-30)
  /\ qform 2 H e <= bound /\ bound <= bpow radix2 (-79)
  /\ bpow radix2 (-74) <= qform 2 H (vsub w (fun _ => 0)).
Proof. exact (conj WitnessEdge.witness_subnormal_run WitnessEdge.witness_subnormal_codes). Qed.

(** Witness: on that H codes of the clipped grid -7 .. 7 at scale 3/8, the first weight more than 3
    steps beyond its end; both sides of [emitted_plain_enclosure_ieee] are between 1/25 and 1/20. *)
Lemma emitted_clipped_witness :
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let nan := proj1_sig WitnessRun.a_nan32 in
  let G := fun i j => value64 (WitnessHard.hard_G i j) in
  let lam := value64 WitnessHard.hard_lam in
  let U := fun i j => value64 (WitnessHard.hard_U i j) in
  let d := fun j => value64 (WitnessHard.hard_d j) in
  let w := fun j => value32 (WitnessEdge.clipped_w j) in
  let s := fun j => value32 (WitnessEdge.clipped_s j) in
  let g := fun j => value32 (WitnessEdge.clipped_g j) in
  let q := scaled_points s g in let e := vsub w q in
  let u' := fun j => value32 (ieee_weight WitnessRun.nans32 nan WitnessHard.hard_U
                       WitnessEdge.clipped_w WitnessEdge.clipped_s WitnessEdge.clipped_g j) in
  let slack := (residual32 2 + uro 53)
    * weighted_size 2 (root_diagonal (hessian_stored lam G)) e ^ 2 in
  let lower := lower_sum 2 d u' q (emitted_delta U w s g) - slack in
  let upper := upper_sum 2 d u' q (emitted_delta U w s g) + slack in
  ((forall j, (j < 2)%nat -> g j = IZR (clip_code 7 (u' j / s j))) /\ 7 + 3 < u' 0%nat / s 0%nat)
  /\ ieee_run WitnessRun.nans64 WitnessRun.nans32 nan 2
       (EmittedPlainIeee.ieee_hessian WitnessRun.nans64 WitnessHard.hard_lam WitnessHard.hard_G)
       WitnessHard.hard_C WitnessHard.hard_U WitnessHard.hard_d WitnessEdge.clipped_w
       WitnessEdge.clipped_s WitnessEdge.clipped_g (2097153 / 1048576)
  /\ / 25 <= lower /\ lower <= 2 * qform 2 G e + lam * bsum 2 (fun i => e i ^ 2) <= upper
  /\ upper <= / 20.
Proof. exact (conj WitnessEdge.witness_clipped_codes WitnessEdge.witness_clipped). Qed.

(** Witness: on the instance of [emitted_run_witness] the guard's sum is the loss to within 2^-64.
    *)
Lemma guard_enclosure_witness :
  let value32 := B2R 24 128 in
  let H := fun i j => B2R 53 1024 (WitnessRun.wH i j) in
  let U := fun i j => B2R 53 1024 (WitnessRun.wU i j) in
  let d := fun j => B2R 53 1024 (WitnessRun.wd j) in
  let w := fun j => value32 (WitnessRun.ww j) in
  let s := fun j => value32 (WitnessRun.ws j) in
  let g := fun j => value32 (WitnessRun.wg j) in
  let t' := product_float U (fun k => B2R 53 1024 (WitnessBounds.we k)) in
  Rabs (qform 3 H (vsub w (scaled_points s g)) - bsum 3 (fun j => d j * t' j ^ 2))
  <= / 18446744073709551616
  /\ / 16777216 <= bsum 3 (fun j => d j * t' j ^ 2) <= / 8388608.
Proof. exact WitnessBounds.witness_product. Qed.

(** Witness: and its sum of the stage before, in binary32, to within 2^-38. *)
Lemma guard_enclosure_binary32_witness :
  let value32 := B2R 24 128 in
  let H := fun i j => B2R 53 1024 (WitnessRun.wH i j) in
  let U := fun i j => B2R 53 1024 (WitnessRun.wU i j) in
  let d := fun j => B2R 53 1024 (WitnessRun.wd j) in
  let w := fun j => value32 (WitnessRun.ww j) in
  let s := fun j => value32 (WitnessRun.ws j) in
  let g := fun j => value32 (WitnessRun.wg j) in
  let e := vsub w (scaled_points s g) in
  let e' := fun k => value32 (WitnessForms.we32 k) in
  let t' := product_chain (-149) 24 (round_factor (-149) 24 U) e' in
  (forall k, (k < 3)%nat -> e' k = rnd (-149) 24 (e k))
  /\ Rabs (qform 3 H e - bsum 3 (fun j => d j * t' j ^ 2)) <= / 274877906944
  /\ / 16777216 <= bsum 3 (fun j => d j * t' j ^ 2) <= / 8388608.
Proof. exact WitnessForms.witness_product32. Qed.
