(** * The published theorems about enclosures and bounds as they are evaluated: T30

    Purpose: [guard_loss_enclosure] bounds what the guard does not compute exactly, and
      [emitted_codes_loss] the loss of GPTQ's codes; here are the programs that evaluate these
      bounds, each operation rounded, and what their results contain.  Headline.v explains the words
      used.
    Main results: the names that begin with T30.
    Depends on: Float/GuardProgram, Float/GuardIeee, Float/FusedIeee, Float/BoundIeee,
      Float/WitnessGuard, Float/WitnessFused, Float/WitnessBound.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith Reals Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Rounding Recurrence RecurrenceError Factor.
From Hallmark.Float Require Import FactorRounded FactorClosed Hessian Machine EmittedIeee.
From Hallmark.Float Require Import EmittedPlainIeee Enclosure Chain FullArithmetic GuardProgram.
From Hallmark.Float Require Import Emitted FusedProgram FusedIeee BoundProgram CertifiedBound.
From Hallmark.Float Require GuardProof GuardIeee FusedProof BoundProof BoundIeee.
From Hallmark.Float Require WitnessRun WitnessHard WitnessGuard WitnessFused WitnessBound.
Open Scope R_scope.

(** ** T30: the enclosure of a row's loss

    [full_float nans] are IEEE's operations with product, square root, absolute value and constants,
    [full64] the same on the reals with one rounding each.  For the errors e' = fl(w - s g) of a row
    the program evaluates t' = e' U ([guard_product]), the sums S of d_j t'_j^2 ([guard_squares]),
    A of |e'_j| sqrt(H_jj) ([guard_size]) and X of (H_jj - 2 G_jj) e'_j^2 ([guard_excess]), column
    after column, and from them

      rho = g' A (1 + g'),   g' = (n + 2) 2^-53
      bound = (n + 8) 2^-52 (S + X) + 2 sqrt(S) rho + rho rho + g' A A
      ends = (S - X) / 2 -/+ (bound / 2 (1 + 2^-20) + 2^-300)   ([guard_lo], [guard_hi]),

    every operation rounded to nearest.  On the reals the ends contain the plain loss of the row in
    the stored Gram matrix, when the factor has pivots of at least 2^-400, the diagonal of H is of
    sane size and at most 2^375, and the evaluated sum of |e'_j| is at most 2^149; *)
Theorem T30_guard (n : nat) (lam hmax : R) (G C U : mat) (d e e' : vec) :
  let H := hessian_stored lam G in
  let S := guard_squares full64 n d (guard_product full64 U e') in
  let A := guard_size full64 n (fun j => H j j) e' in
  let X := guard_excess full64 n (fun j => H j j) (fun j => 2 * G j j) e' in
  (0 < n)%nat -> is_factor real64 n H C U d -> sym n G ->
  (forall k, (k < n)%nat -> bpow radix2 (-400) <= d k) ->
  sane_diagonal n H hmax -> hmax <= bpow radix2 375 -> 0 <= lam ->
  (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j)) ->
  (forall j, (j < n)%nat -> 0 <= G j j) ->
  (forall k, (k < n)%nat -> e' k = rnd64 (e k)) ->
  guard_absolute full64 n e' <= bpow radix2 149 ->
  guard_lo full64 n S A X <= qform n G e <= guard_hi full64 n S A X.
Proof. exact (GuardProof.guard_encloses n lam hmax G C U d e e'). Qed.

(** and on IEEE data, whatever NaNs the machine returns, when the two ends are finite. *)
Theorem T30_guard_ieee (nans : full_nans 53 1024) (n : nat) (lam : bin64)
    (G C U : nat -> nat -> bin64) (d w s g : nat -> bin64) (hmax : R) :
  let F := full_float nans in let B := base_nans 53 1024 nans in
  let value := B2R 53 1024 in let finite := is_finite 53 1024 in
  let H := ieee_hessian B lam G in
  let rG := fun i j => value (G i j) in let rH := hessian_stored (value lam) rG in
  let e := vsub (fun j => value (w j))
    (scaled_points (fun j => value (s j)) (fun j => value (g j))) in
  let e' := weight_error F w s g in
  let S := guard_squares F n d (guard_product F U e') in
  let A := guard_size F n (fun j => H j j) e' in
  let X := guard_excess F n (fun j => H j j) (fun j => a_add F (G j j) (G j j)) e' in
  let lo := guard_lo F n S A X in let hi := guard_hi F n S A X in
  (0 < n)%nat -> is_factor (float_arith B) n H C U d -> sym n rG ->
  (forall k, (k < n)%nat -> finite (d k) = true /\ bpow radix2 (-400) <= value (d k)) ->
  sane_diagonal n rH hmax -> hmax <= bpow radix2 375 -> 0 <= value lam ->
  (forall j, (j < n)%nat -> 0 <= value (G j j)) ->
  finite (guard_absolute F n e') = true /\ value (guard_absolute F n e') <= bpow radix2 149 ->
  finite lo = true /\ finite hi = true ->
  value lo <= qform n rG e <= value hi.
Proof. exact (GuardIeee.guard_encloses_ieee nans n lam G C U d w s g hmax). Qed.

(** Where the evaluated sum of |e'_j| is 0 the program returns 0 and 0.  Errors of weights, scales
    and points in binary32 are multiples of 2^-1074 ([multiple]); then the loss is 0. *)
Theorem T30_guard_zero (nans : full_nans 53 1024) (n : nat) (G : nat -> nat -> bin64)
    (w s g : nat -> bin64) :
  let F := full_float nans in
  let value := B2R 53 1024 in
  let e := vsub (fun j => value (w j))
    (scaled_points (fun j => value (s j)) (fun j => value (g j))) in
  let absolute := guard_absolute F n (weight_error F w s g) in
  is_finite 53 1024 absolute = true /\ value absolute <= bpow radix2 149 ->
  (forall k, (k < n)%nat -> multiple (-1074) (e k)) ->
  value absolute = 0 -> qform n (fun i j => value (G i j)) e = 0.
Proof. exact (GuardIeee.guard_zero_ieee nans n G w s g). Qed.

(** The stage before it, in the format of the recurrence: errors e' rounded to binary32, the factor
    narrowed to it, the product by chains in binary32 ([product_chain (-149) 24]; on GPTQ's own
    errors fl(r_j + e_j)), the sums in binary64 by fma, and for at most 2^20 columns, top the root
    of the largest H_jj,

      A = size + n 2^-149 top,   x = (n + 1) 2^-24,   g' = 2^-23 + 2^-46 + (n + 2) 2^-53
      rho = x (1 + x) (1 + g') A + n n 2^-147 top
      bound = (n + 8) 2^-52 (S + X) + 2 sqrt(S) rho + rho rho + g' A A + 2^-21 X + 2^-148 top A

    ([fused_squares], [fused_size], [fused_excess]; [fused_lo], [fused_hi]).  On the reals: *)
Theorem T30_guard_binary32 (n : nat) (lam hmax : R) (G C U : mat) (d e e' : vec) :
  let H := hessian_stored lam G in
  let S := fused_squares full64 n d
    (product_chain (-149) 24 (round_factor (-149) 24 U) e') in
  let A := fused_size full64 n (fun j => H j j) e' in
  let X := fused_excess full64 n (fun j => H j j) (fun j => 2 * G j j) e' in
  (0 < n)%nat -> (Z.of_nat n <= 2 ^ 20)%Z -> is_factor real64 n H C U d -> sym n G ->
  (forall k, (k < n)%nat -> bpow radix2 (-400) <= d k) ->
  sane_diagonal n H hmax -> hmax <= bpow radix2 375 -> 0 <= lam ->
  (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j)) ->
  (forall j, (j < n)%nat -> 0 <= G j j) ->
  (forall k, (k < n)%nat -> e' k = rnd (-149) 24 (e k)) ->
  (forall k, (k < n)%nat -> Rabs (e' k) <= bpow radix2 128) ->
  fused_lo full64 n S A X hmax <= qform n G e <= fused_hi full64 n S A X hmax.
Proof. exact (FusedProof.fused_encloses n lam hmax G C U d e e'). Qed.

(** and on IEEE data, binary32 widened exactly to binary64 ([widen]), when the two ends are
    finite. *)
Theorem T30_guard_binary32_ieee (nans : full_nans 53 1024) (nans32 : nan_choice 24 128)
    (nan : bin32) (nan64 : bin64) (n : nat) (lam largest : bin64) (G C U : nat -> nat -> bin64)
    (d : nat -> bin64) (w s g : nat -> bin32) :
  is_nan 24 128 nan = true -> is_nan 53 1024 nan64 = true ->
  let F := full_float nans in let B := base_nans 53 1024 nans in
  let F32 := float_arith nans32 in
  let value := B2R 53 1024 in let value32 := B2R 24 128 in let finite := is_finite 53 1024 in
  let H := ieee_hessian B lam G in
  let rG := fun i j => value (G i j) in let rH := hessian_stored (value lam) rG in
  let e := vsub (fun j => value32 (w j))
    (scaled_points (fun j => value32 (s j)) (fun j => value32 (g j))) in
  let e' := weight_error F32 w s g in
  let t' := fun j => fma_chain F32 (S j) e' (fun k => narrowed nan U k j) (a_zero F32) in
  let squares := fused_squares F n d (fun j => widen nan64 (t' j)) in
  let size := fused_size F n (fun j => H j j) (fun j => widen nan64 (e' j)) in
  let excess := fused_excess F n (fun j => H j j) (fun j => a_add F (G j j) (G j j))
    (fun j => widen nan64 (e' j)) in
  let lo := fused_lo F n squares size excess largest in
  let hi := fused_hi F n squares size excess largest in
  (0 < n)%nat -> (Z.of_nat n <= 2 ^ 20)%Z -> is_factor (float_arith B) n H C U d -> sym n rG ->
  (forall k, (k < n)%nat -> finite (d k) = true /\ bpow radix2 (-400) <= value (d k)) ->
  sane_diagonal n rH (value largest) -> value largest <= bpow radix2 375 -> 0 <= value lam ->
  (forall j, (j < n)%nat -> 0 <= value (G j j)) ->
  finite lo = true /\ finite hi = true ->
  value lo <= qform n rG e <= value hi.
Proof.
exact (fun is_nan32 is_nan64 => FusedIeee.fused_encloses_ieee nans nans32 nan is_nan32 nan64
  is_nan64 n lam largest G C U d w s g).
Qed.

(** ** T30: the bound of a certificate

    For GPTQ's codes, in the processing order, let gap_j hold |u'_j - q_j| (half a gap of the grid,
    or that number itself where a code was clipped).  [certified_bound] is half of

      sum d_j (gap_j + delta_j)^2 + g' (sum |e_j| sqrt(H_jj))^2 - sum_j (H_jj - 2 G_jj) e_j^2
      delta_j = x (1 + x) |U_j| |e| + v |u'_j| + (j + 1) 2^-148 (1 + |U_j|)

    with e = w - q, U_j = (U_0j .. U_(j-1)j) rounded to binary32, v = 2^-24, x = (j + 1) v, both
    norms times 1 + 2^-20 ([enlarged_norm], [certified_delta]), and
    g' = 2^-23 + 2^-46 + (n + 2) 2^-53 ([residual32]).  The program rounds every operation:
    e'_j = fl(w_j - fl(s_j g_j)) ([bound_error]), the norms ([bound_norm]), h_j + delta_j
    ([bound_reach]), the sums Q of d_j (h_j + delta_j)^2 ([bound_squares]), A of |e'_j| sqrt(H_jj)
    and X of (H_jj - 2 G_jj) e'_j^2 ([bound_excess]), and from L = Q + g' A A

      ends = (L - X) / 2 -/+ (n + 32) 2^-51 (L + X)   ([bound_lo], [bound_hi]).

    h_j is within one rounding of gap_j.  On the reals, for weights, scales and points of binary32
    ([binary32_number]: in the format and at most 2^128), fewer than 2^24 columns, pivots of at
    least 2^-400 and a diagonal of sane size, the plain loss in the stored Gram matrix is at most
    the bound and the bound lies between the ends; *)
Theorem T30_bound (n : nat) (lam : R) (G C U : mat) (d : vec) (hmax : R)
    (w s g gap h : vec) :
  let H := hessian_stored lam G in let V := stored_factor U in
  let q := scaled_points s g in let u' := emitted_weight U w s g in
  let e' := bound_error full64 w s g in
  let r := bound_reach full64 V (bound_norm full64 n e') h u' in
  let Q := bound_squares full64 n d r in
  let A := guard_size full64 n (fun j => H j j) e' in
  let X := bound_excess full64 n (fun j => H j j) (fun j => 2 * G j j) e' in
  let bound := certified_bound n lam G U d w q gap u' in
  (0 < n)%nat -> (Z.of_nat n < 2 ^ 24)%Z -> is_factor real64 n H C U d -> sym n G ->
  (forall k, (k < n)%nat -> bpow radix2 (-400) <= d k) ->
  sane_diagonal n H hmax -> 0 <= lam ->
  (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j) /\ 0 <= G j j) ->
  (forall j, (j < n)%nat -> BoundProof.binary32_number (w j) /\ BoundProof.binary32_number (s j)
     /\ BoundProof.binary32_number (g j)) ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= gap j) ->
  (forall j, (j < n)%nat -> in_format (-1074) 53 (h j)
     /\ gap j <= (1 + bpow radix2 (-53)) * h j /\ h j <= (1 + bpow radix2 (-53)) * gap j) ->
  qform n G (vsub w q) <= bound
  /\ bound_lo full64 n Q A X <= bound <= bound_hi full64 n Q A X.
Proof. exact (BoundProof.certified_bound_encloses n lam G C U d hmax w s g gap h). Qed.

(** and so it is on IEEE data, weights, scales, points, the narrowed factor and the compensated
    weights widened exactly from binary32, when the two ends are finite.  So lo <= loss <= hi of
    [T30_guard_ieee] and loss <= bound <= its upper end are about what is evaluated. *)
Theorem T30_bound_ieee (nans : full_nans 53 1024) (nans32 : nan_choice 24 128)
    (nan : bin32) (nan64 : bin64) (n : nat) (lam : bin64) (G C U : nat -> nat -> bin64)
    (d h : nat -> bin64) (w s g : nat -> bin32) (hmax : R) (gap : vec) :
  is_nan 24 128 nan = true -> is_nan 53 1024 nan64 = true ->
  let F := full_float nans in let B := base_nans 53 1024 nans in
  let value := B2R 53 1024 in let value32 := B2R 24 128 in let finite := is_finite 53 1024 in
  let wide := fun (x : nat -> bin32) j => widen nan64 (x j) in
  let H := ieee_hessian B lam G in
  let rG := fun i j => value (G i j) in let rH := hessian_stored (value lam) rG in
  let u := ieee_weight nans32 nan U w s g in
  let V := fun i j => widen nan64 (narrowed nan U i j) in
  let q := scaled_points (fun j => value32 (s j)) (fun j => value32 (g j)) in
  let e' := bound_error F (wide w) (wide s) (wide g) in
  let r := bound_reach F V (bound_norm F n e') h (wide u) in
  let Q := bound_squares F n d r in
  let A := guard_size F n (fun j => H j j) e' in
  let X := bound_excess F n (fun j => H j j) (fun j => a_add F (G j j) (G j j)) e' in
  let lo := bound_lo F n Q A X in let hi := bound_hi F n Q A X in
  let bound := certified_bound n (value lam) rG (fun i j => value (U i j)) (fun j => value (d j))
    (fun j => value32 (w j)) q gap (fun j => value32 (u j)) in
  (0 < n)%nat -> (Z.of_nat n < 2 ^ 24)%Z -> is_factor (float_arith B) n H C U d -> sym n rG ->
  (forall k, (k < n)%nat -> finite (d k) = true /\ bpow radix2 (-400) <= value (d k)) ->
  sane_diagonal n rH hmax -> 0 <= value lam -> (forall j, (j < n)%nat -> 0 <= value (G j j)) ->
  (forall j, (j < n)%nat -> Rabs (value32 (u j) - q j) <= gap j
     /\ gap j <= (1 + bpow radix2 (-53)) * value (h j)
     /\ value (h j) <= (1 + bpow radix2 (-53)) * gap j) ->
  finite lo = true /\ finite hi = true ->
  qform n rG (vsub (fun j => value32 (w j)) q) <= bound /\ value lo <= bound <= value hi.
Proof.
exact (fun is_nan32 is_nan64 => BoundIeee.certified_bound_ieee nans nans32 nan is_nan32 nan64
  is_nan64 n lam G C U d h w s g hmax gap).
Qed.

(** Witness: the nearly singular H of [emitted_ill_conditioned_witness] and its row, widened to
    binary64.  The hypotheses on H hold; *)
Lemma T30_guard_model_witness :
  let value := B2R 53 1024 in
  let lam := WitnessHard.hard_lam in let G := WitnessHard.hard_G in let d := WitnessHard.hard_d in
  let rG := fun i j => value (G i j) in
  is_factor (float_arith WitnessRun.nans64) 2 (ieee_hessian WitnessRun.nans64 lam G)
    WitnessHard.hard_C WitnessHard.hard_U d
  /\ sym 2 rG
  /\ (forall k, (k < 2)%nat ->
       is_finite 53 1024 (d k) = true /\ bpow radix2 (-400) <= value (d k))
  /\ sane_diagonal 2 (hessian_stored (value lam) rG) (2097153 / 1048576)
  /\ 0 <= value lam /\ (forall j, (j < 2)%nat -> 0 <= value (G j j)).
Proof. exact WitnessGuard.witness_guard_model. Qed.

(** so do those on the row; the ends are above 2^-28 and differ by at most 2^-45 of themselves; *)
Lemma T30_guard_witness :
  let value := B2R 53 1024 in let finite := is_finite 53 1024 in
  let w := WitnessGuard.guard_w in
  let e := vsub (fun j => value (w j)) (scaled_points (fun j => value (WitnessGuard.guard_s j))
    (fun j => value (WitnessGuard.guard_p j))) in
  let absolute := guard_absolute (full_float WitnessGuard.full_nans64) 2
    (WitnessGuard.row_errors w) in
  let lo := WitnessGuard.row_lo w in let hi := WitnessGuard.row_hi w in
  (finite absolute = true /\ value absolute <= bpow radix2 149)
  /\ (finite lo = true /\ finite hi = true)
  /\ value lo <= qform 2 (fun i j => value (WitnessHard.hard_G i j)) e <= value hi
  /\ / 268435456 <= value lo
  /\ value hi <= (1 + / 35184372088832) * value lo.
Proof. exact WitnessGuard.witness_guard. Qed.

(** and a row of weights that are scaled points has no error. *)
Lemma T30_guard_zero_witness :
  let value := B2R 53 1024 in
  let w := WitnessGuard.exact_w in
  let e := vsub (fun j => value (w j)) (scaled_points (fun j => value (WitnessGuard.guard_s j))
    (fun j => value (WitnessGuard.guard_p j))) in
  let absolute := guard_absolute (full_float WitnessGuard.full_nans64) 2
    (WitnessGuard.row_errors w) in
  is_finite 53 1024 absolute = true /\ value absolute = 0
  /\ (forall k, (k < 2)%nat -> multiple (-1074) (e k))
  /\ qform 2 (fun i j => value (WitnessHard.hard_G i j)) e = 0.
Proof. exact WitnessGuard.witness_guard_zero. Qed.

(** In binary32 the ends of the first row differ by at most 2^-17 of themselves. *)
Lemma T30_guard_binary32_witness :
  let value := B2R 53 1024 in let value32 := B2R 24 128 in let finite := is_finite 53 1024 in
  let e := vsub (fun j => value32 (WitnessHard.hard_w j))
    (scaled_points (fun j => value32 (WitnessHard.hard_s j))
       (fun j => value32 (WitnessHard.hard_g j))) in
  let lo := WitnessFused.fused_row_lo in let hi := WitnessFused.fused_row_hi in
  value (WitnessHard.hard_H 0%nat 0%nat) = 2097153 / 1048576
  /\ (finite lo = true /\ finite hi = true)
  /\ value lo <= qform 2 (fun i j => value (WitnessHard.hard_G i j)) e <= value hi
  /\ / 268435456 <= value lo
  /\ value hi <= (1 + / 131072) * value lo.
Proof. exact WitnessFused.witness_fused. Qed.

(** The bound of the same row, coded in GF16, half gaps as h: the loss is above 2^-28, the upper end
    at most 2^-23, and the ends differ by at most 2^-43 of themselves. *)
Lemma T30_bound_witness :
  let value := B2R 53 1024 in let value32 := B2R 24 128 in let finite := is_finite 53 1024 in
  let G := fun i j => value (WitnessHard.hard_G i j) in
  let w := fun j => value32 (WitnessHard.hard_w j) in
  let q := scaled_points (fun j => value32 (WitnessHard.hard_s j))
    (fun j => value32 (WitnessHard.hard_g j)) in
  let u := fun j => value32 (WitnessBound.bound_row_weight j) in
  let gap := fun j => value (WitnessBound.bound_row_gap j) in
  let lo := WitnessBound.bound_row_lo in let hi := WitnessBound.bound_row_hi in
  let bound := certified_bound 2 (value WitnessHard.hard_lam) G
    (fun i j => value (WitnessHard.hard_U i j)) (fun j => value (WitnessHard.hard_d j)) w q gap u in
  (forall j, (j < 2)%nat -> Rabs (u j - q j) <= gap j)
  /\ (finite lo = true /\ finite hi = true)
  /\ / 268435456 <= qform 2 G (vsub w q) <= bound
  /\ value lo <= bound <= value hi
  /\ value hi <= / 8388608
  /\ value hi <= (1 + / 8796093022208) * value lo.
Proof. exact WitnessBound.witness_bound. Qed.
