(** * The sample deviation of weights, and clips that are multiples of it

    Purpose: rules of the sdclip family put a multiple of the deviation of a group of weights at the
      largest point of the grid.  Here a scale is compared with it in integers: no root is taken,
      because both sides are raised to an even power.
    Main results: [deviation_correct] (the deviation is 0 or its square is a quotient of integers),
      [clip_fits_correct] (a scale is a multiple of the deviation over a point, rounded up).
    Bound functions: [rounded_up_near].
    Depends on: Check/Dyadic, Check/Ruler, Check/RoundUp; Flocq: Core.
    Source: docs/design.md, section "Steps". *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Check.Dyadic Check.Ruler Check.RoundUp.
Import ListNotations.
Open Scope Z_scope.

(** The sum and the sum of the squares. *)
Definition sum_of (l : list Z) : Z := fold_right Z.add 0 l.
Definition squares_of (l : list Z) : Z := fold_right (fun x q => x * x + q) 0 l.

(** n times the sum of the squared distances from the mean. *)
Definition scatter (l : list Z) : Z :=
  Z.of_nat (length l) * squares_of l - sum_of l * sum_of l.

(** What is needed of the weights l 2^e: their number, their scatter, e. *)
Definition spread_of (l : list Z) (e : Z) : Z * Z * Z := (Z.of_nat (length l), scatter l, e).

(** s is (k / 100) f std / L, rounded up, up to 2^-30 of the quotient: std the deviation of weights
    of this spread, f^(2 p) = F / G. *)
Definition clip_fits (bits p k F G : Z) (spread : Z * Z * Z) (L s : dyadic) : bool :=
  let '(n, scatter_of, e) := spread in
  let V := scatter_of ^ p * F in
  power_fits bits ((100 * 2 ^ 30) ^ (2 * p) * (n * (n - 1)) ^ p * G) (2 * p)
    (Float radix2 ((k * (2 ^ 30 - 1)) ^ (2 * p) * V) (e * (2 * p)))
    (Float radix2 ((k * (2 ^ 30 + 1)) ^ (2 * p) * V) (e * (2 * p))) L s.

Open Scope R_scope.

(** The sum, the mean and the sample deviation of real numbers. *)
Definition total (ws : list R) : R := fold_right Rplus 0 ws.
Definition mean (ws : list R) : R := total ws / INR (length ws).
Definition deviation (ws : list R) : R :=
  sqrt (total (map (fun x => (x - mean ws) * (x - mean ws)) ws) / (INR (length ws) - 1)).

(** s is a number within 2^-30 of t, rounded up. *)
Definition rounded_up_near (bits : Z) (t s : R) : Prop :=
  exists v, Rabs (v - t) <= bpow radix2 (-30) * t /\ rounded_up bits v s.

(** The sum of squared distances from any number. *)
Lemma total_of_squares m u l :
  total (map (fun x => (x - m) * (x - m)) (map (fun k => IZR k * u) l))
  = IZR (squares_of l) * (u * u) - 2 * m * (IZR (sum_of l) * u) + INR (length l) * (m * m).
Proof.
induction l as [|x l IH]; [simpl; ring|].
cbn [map length]; unfold total in *; cbn [fold_right]; rewrite IH, S_INR.
change (squares_of (x :: l)) with (x * x + squares_of l)%Z.
change (sum_of (x :: l)) with (x + sum_of l)%Z.
rewrite !plus_IZR, mult_IZR; ring.
Qed.

(** The sum of numbers in units of u. *)
Lemma total_of_units u l : total (map (fun k => IZR k * u) l) = IZR (sum_of l) * u.
Proof.
induction l as [|x l IH]; [simpl; ring|].
cbn [map]; unfold total in *; cbn [fold_right]; rewrite IH.
change (sum_of (x :: l)) with (x + sum_of l)%Z; rewrite plus_IZR; ring.
Qed.

(** A sum of squares is not negative. *)
Lemma total_nonnegative (f : R -> R) ws : (forall x, 0 <= f x) -> 0 <= total (map f ws).
Proof.
intros each; induction ws as [|x ws IH]; [simpl; lra|].
cbn [map]; unfold total in *; cbn [fold_right]; specialize (each x); lra.
Qed.

(** The square of the deviation in integers. *)
Theorem deviation_correct u l : let n := Z.of_nat (length l) in
  let std := deviation (map (fun k => IZR k * u) l) in
  0 <= std /\ IZR (n * (n - 1)) * (std * std) = IZR (scatter l) * (u * u) /\
  (scatter l = 0%Z -> std = 0) /\ (0 < scatter l -> 1 < n)%Z.
Proof.
intros n std; assert (nonnegative : 0 <= std) by apply sqrt_pos; split; [exact nonnegative|].
destruct (Z_le_gt_dec n 1) as [few|many].
- assert (none : scatter l = 0%Z /\ std = 0 /\ (n * (n - 1) = 0)%Z).
  { unfold n, std in *; destruct l as [|x [|y l]]; [| |cbn [length] in few; lia].
    - split; [reflexivity|split; [|reflexivity]].
      unfold deviation, total; cbn [map fold_right]; unfold Rdiv; rewrite Rmult_0_l; exact sqrt_0.
    - split; [unfold scatter, squares_of, sum_of; cbn [length fold_right]; lia|split; [|reflexivity]].
      unfold deviation, mean, total; cbn [map fold_right length INR].
      replace ((IZR x * u + 0) / 1) with (IZR x * u) by field.
      replace ((IZR x * u - IZR x * u) * (IZR x * u - IZR x * u) + 0) with 0 by ring.
      unfold Rdiv; rewrite Rmult_0_l; exact sqrt_0. }
  destruct none as [-> [-> ->]]; split; [ring|split; [reflexivity|lia]].
- assert (real_n : INR (length l) = IZR n) by (unfold n; apply INR_IZR_INZ).
  assert (n_pos : 1 < IZR n) by (apply IZR_lt; lia).
  set (ws := map (fun k => IZR k * u) l) in *.
  set (S := total (map (fun x => (x - mean ws) * (x - mean ws)) ws)).
  assert (S_pos : 0 <= S) by (apply total_nonnegative; intros x; apply Rle_0_sqr).
  assert (size : INR (length ws) = IZR n) by (unfold ws; rewrite map_length; exact real_n).
  assert (square : std * std = S / (IZR n - 1)).
  { unfold std, deviation; fold S; rewrite size; apply sqrt_sqrt.
    apply Rmult_le_pos; [exact S_pos|apply Rlt_le, Rinv_0_lt_compat; lra]. }
  assert (whole : IZR n * S = IZR (scatter l) * (u * u)).
  { assert (sum := total_of_squares (mean ws) u l); fold ws S in sum; rewrite sum.
    unfold mean; rewrite size; unfold ws; rewrite total_of_units, real_n; unfold scatter; fold n.
    rewrite minus_IZR, !mult_IZR; field; lra. }
  assert (both : IZR (n * (n - 1)) * (std * std) = IZR (scatter l) * (u * u)).
  { rewrite mult_IZR, minus_IZR, square, <- whole; field; lra. }
  split; [exact both|split; [|lia]]; intros zero; rewrite zero, Rmult_0_l, square in both.
  unfold std, deviation; fold S; rewrite size; replace (S / (IZR n - 1)) with 0; [exact sqrt_0|].
  rewrite mult_IZR, minus_IZR in both; apply Rmult_integral in both; destruct both as [no|yes];
    [exfalso; nra|lra].
Qed.

(** The scatter is not negative. *)
Lemma scatter_nonnegative l : (0 <= scatter l)%Z.
Proof.
apply le_IZR; destruct (deviation_correct 1 l) as [_ [same _]]; rewrite !Rmult_1_r in same.
rewrite <- same; apply Rmult_le_pos; [|nra].
apply IZR_le; destruct (length l); lia.
Qed.

(** What [clip_fits] accepts is a multiple of the deviation over a point, rounded up. *)
Theorem clip_fits_correct bits p k F G l e (L s : dyadic) f : (1 <= bits)%Z -> (0 < p)%Z ->
  (0 <= k)%Z -> (0 < G)%Z -> (0 < Fnum L)%Z -> 0 <= f ->
  IZR G * f ^ Z.to_nat (2 * p) = IZR F -> (0 < scatter l)%Z ->
  clip_fits bits p k F G (spread_of l e) L s = true -> (0 < Fnum s)%Z /\
  rounded_up_near bits (f * (IZR k / 100 * deviation (map (fun x => IZR x * bpow radix2 e) l))
    / F2R L) (F2R s).
Proof.
intros some p_pos k_pos G_pos L_pos f_pos power V_pos; unfold clip_fits, spread_of.
destruct (deviation_correct (bpow radix2 e) l) as [std_pos [square [_ two]]].
specialize (two V_pos); set (n := Z.of_nat (length l)) in *; set (std := deviation _) in *.
set (t := f * (IZR k / 100 * std) / F2R L).
assert (real_L := F2R_gt_0 radix2 L L_pos); assert (real_k := IZR_le _ _ k_pos).
assert (t_pos : 0 <= t).
{ apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat; exact real_L].
  apply Rmult_le_pos; [exact f_pos|apply Rmult_le_pos; [lra|exact std_pos]]. }
assert (tiny : bpow radix2 (-30) * IZR (2 ^ 30) = 1).
{ change (2 ^ 30)%Z with (radix_val radix2 ^ 30)%Z; rewrite IZR_Zpower, <- bpow_plus by lia.
  reflexivity. }
assert (small := bpow_gt_0 radix2 (-30)).
assert (least : bpow radix2 (-30) <= 1) by (apply (bpow_le radix2 (-30) 0); lia).
(* (100 2^30)^2p (n (n - 1))^p G (t (c 2^-30) L)^2p is the number that clip_fits has. *)
assert (ends : forall c : Z,
  IZR ((100 * 2 ^ 30) ^ (2 * p) * (n * (n - 1)) ^ p * G)
    * (t * (IZR c * bpow radix2 (-30)) * F2R L) ^ Z.to_nat (2 * p)
  = F2R (Float radix2 ((k * c) ^ (2 * p) * (scatter l ^ p * F)) (e * (2 * p)))).
{ intros c; replace (t * (IZR c * bpow radix2 (-30)) * F2R L)
    with (f * (IZR (k * c) * bpow radix2 (-30) / 100 * std))
    by (unfold t; rewrite mult_IZR; field; lra).
  unfold F2R; cbn [Fnum Fexp]; rewrite !mult_IZR, <- power, !Rpow_mult_distr.
  assert (IZR_power : forall a m : Z, (0 <= m)%Z -> IZR (a ^ m) = IZR a ^ Z.to_nat m).
  { intros a m natural; rewrite <- (Z2Nat.id m natural) at 1; symmetry; apply pow_IZR. }
  rewrite !IZR_power by lia; rewrite mult_IZR.
  assert (powers : bpow radix2 (e * (2 * p)) = (bpow radix2 e * bpow radix2 e) ^ Z.to_nat p).
  { rewrite <- bpow_plus; replace (e * (2 * p))%Z with ((e + e) * Z.of_nat (Z.to_nat p))%Z
      by (rewrite Z2Nat.id by lia; ring).
    induction (Z.to_nat p) as [|m IH]; [rewrite Z.mul_0_r; reflexivity|].
    replace ((e + e) * Z.of_nat (S m))%Z with ((e + e) + (e + e) * Z.of_nat m)%Z by lia.
    rewrite bpow_plus, IH; reflexivity. }
  rewrite powers; replace (Z.to_nat (2 * p)) with (2 * Z.to_nat p)%nat in * by lia.
  assert (std_power : std ^ (2 * Z.to_nat p) * IZR (n * (n - 1)) ^ Z.to_nat p
    = IZR (scatter l) ^ Z.to_nat p * (bpow radix2 e * bpow radix2 e) ^ Z.to_nat p).
  { rewrite pow_mult, <- !Rpow_mult_distr; f_equal; rewrite <- square; ring. }
  rewrite (mult_IZR n) in std_power.
  set (N := Z.to_nat p) in *; set (M := (2 * N)%nat) in *.
  transitivity (IZR G * f ^ M * IZR (k * c) ^ M * (std ^ M * (IZR n * IZR (n - 1)) ^ N)
    * (100 * IZR (2 ^ 30) * (bpow radix2 (-30) / 100)) ^ M).
  - unfold Rdiv; rewrite (mult_IZR n), (mult_IZR k), !Rpow_mult_distr; ring.
  - rewrite std_power; replace (100 * IZR (2 ^ 30) * (bpow radix2 (-30) / 100)) with 1
      by (field_simplify; lra).
    rewrite pow1; ring. }
intros accepted.
assert (exponent : (0 < 2 * p)%Z) by lia.
assert (D_pos : (0 < (100 * 2 ^ 30) ^ (2 * p) * (n * (n - 1)) ^ p * G)%Z).
{ assert (pairs : (0 < n * (n - 1))%Z) by (apply Z.mul_pos_pos; lia).
  repeat apply Z.mul_pos_pos; try exact G_pos; apply Z.pow_pos_nonneg; first [reflexivity|lia]. }
assert (low : t * (IZR (2 ^ 30 - 1) * bpow radix2 (-30)) = t - bpow radix2 (-30) * t).
{ rewrite minus_IZR; transitivity (t * (bpow radix2 (-30) * IZR (2 ^ 30)) - bpow radix2 (-30) * t);
    [ring|rewrite tiny; ring]. }
assert (high : t * (IZR (2 ^ 30 + 1) * bpow radix2 (-30)) = t + bpow radix2 (-30) * t).
{ rewrite plus_IZR; transitivity (t * (bpow radix2 (-30) * IZR (2 ^ 30)) + bpow radix2 (-30) * t);
    [ring|rewrite tiny; ring]. }
assert (above : 0 <= bpow radix2 (-30) * t) by (apply Rmult_le_pos; lra).
assert (below : 0 <= (1 - bpow radix2 (-30)) * t) by (apply Rmult_le_pos; lra).
assert (order : 0 <= t * (IZR (2 ^ 30 - 1) * bpow radix2 (-30))
  <= t * (IZR (2 ^ 30 + 1) * bpow radix2 (-30))) by (rewrite low, high; lra).
destruct (power_fits_correct _ _ _ _ _ _ _ _ _ some D_pos exponent L_pos order
  (Req_le _ _ (ends _)) (Req_le _ _ (eq_sym (ends _))) accepted) as [s_pos [v [range up]]].
split; [exact s_pos|exists v; split; [|exact up]].
rewrite low, high in range; apply Rabs_le; lra.
Qed.
