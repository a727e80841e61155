(** * The factor of sdclip-adaptive

    Purpose: sdclip-adaptive clips a group of weights at c v^(-5/32) times the deviations of sdclip,
      v the mean of G_jj times the variance, and never below 120/257 or above 480/257 of them.  The
      power 32 of this factor is a quotient of integers.
    Main results: [adaptive_power_correct].
    Bound functions: none.
    Depends on: Check/Dyadic, Check/Ruler, Check/RoundUp, Check/Deviation; Flocq: Core.
    Source: docs/design.md, section "Steps". *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Check.Dyadic Check.Ruler Check.RoundUp Check.Deviation.
Open Scope Z_scope.

(** The power 32 of the factor, as numerator and denominator: 1 for a v that is 0 or beyond
    2^(+-700); v = inputs V 2^(2 e) / D.  None for a c that is not positive. *)
Definition adaptive_power (c inputs : dyadic) (V D e : Z) : option (Z * Z) :=
  let v := Float radix2 (Fnum inputs * V) (Fexp inputs + 2 * e) in
  if dyadic_le (Float radix2 D (-700)) v && dyadic_le v (Float radix2 D 700) then
    let X := 32 * Fexp c - 5 * Fexp v in
    let F := Fnum c ^ 32 * D ^ 5 * 2 ^ Z.max 0 X in
    let G := Fnum v ^ 5 * 2 ^ Z.max 0 (- X) in
    if Fnum c <=? 0 then None
    else if F * 257 ^ 32 <=? G * 120 ^ 32 then Some (120 ^ 32, 257 ^ 32)
    else if G * 480 ^ 32 <=? F * 257 ^ 32 then Some (480 ^ 32, 257 ^ 32)
    else Some (F, G)
  else Some (1, 1).

Open Scope R_scope.

(** c v^(-5/32), held between 120/257 and 480/257; 1 for a v beyond 2^(+-700). *)
Definition adaptive_factor (c v f : R) : Prop :=
  (bpow radix2 (-700) <= v <= bpow radix2 700 ->
    f = Rmax (120 / 257) (Rmin (480 / 257) (c * Rpower v (- (5 / 32))))) /\
  (~ bpow radix2 (-700) <= v <= bpow radix2 700 -> f = 1).

(** Powers of numbers that are not negative have the order of these. *)
Lemma power_order n x y : (0 < n)%nat -> 0 <= y -> x ^ n <= y ^ n -> 0 <= x -> x <= y.
Proof.
intros some y_pos powers x_pos; destruct (Rle_or_lt x y) as [done|less]; [exact done|exfalso].
assert (strict := power_less n y x some (conj y_pos less)); lra.
Qed.

(** The power 32 of c v^(-5/32). *)
Lemma factor_power c v : 0 < v -> (c * Rpower v (- (5 / 32))) ^ 32 * v ^ 5 = c ^ 32.
Proof.
intros positive; rewrite Rpow_mult_distr, <- (Rpower_pow 32 (Rpower v _)) by apply exp_pos.
rewrite Rpower_mult, <- (Rpower_pow 5 v) by exact positive.
rewrite Rmult_assoc, <- Rpower_plus.
replace (- (5 / 32) * INR 32 + INR 5) with 0 by (simpl INR; field).
rewrite Rpower_O by exact positive; ring.
Qed.

(** Integers of one exponent. *)
Lemma power_of_two_split X : bpow radix2 X * IZR (2 ^ Z.max 0 (- X)) = IZR (2 ^ Z.max 0 X).
Proof.
change 2%Z with (radix_val radix2); rewrite !IZR_Zpower, <- bpow_plus by lia; f_equal; lia.
Qed.

(** bpow of a multiple. *)
Lemma bpow_pow e n : bpow radix2 (e * Z.of_nat n) = bpow radix2 e ^ n.
Proof.
induction n as [|n IH]; [rewrite Z.mul_0_r; reflexivity|].
replace (e * Z.of_nat (S n))%Z with (e + e * Z.of_nat n)%Z by lia.
rewrite bpow_plus, IH; reflexivity.
Qed.

(** What [adaptive_power] gives is the power of the factor. *)
Theorem adaptive_power_correct (c inputs : dyadic) V D e F G : (0 < D)%Z ->
  adaptive_power c inputs V D e = Some (F, G) ->
  (0 < G)%Z /\ exists f, 0 <= f /\ IZR G * f ^ 32 = IZR F /\
    adaptive_factor (F2R c) (F2R inputs * (IZR V * (bpow radix2 e * bpow radix2 e)) / IZR D) f.
Proof.
intros D_pos; unfold adaptive_power.
set (v := Float radix2 (Fnum inputs * V) (Fexp inputs + 2 * e)).
assert (real_D := IZR_lt _ _ D_pos).
assert (value : F2R v = F2R inputs * (IZR V * (bpow radix2 e * bpow radix2 e))).
{ unfold v, F2R; cbn [Fnum Fexp]; replace (Fexp inputs + 2 * e)%Z with (Fexp inputs + (e + e))%Z
    by lia; rewrite mult_IZR, !bpow_plus; ring. }
rewrite <- value; set (x := F2R v / IZR D).
assert (whole : F2R v = x * IZR D) by (unfold x; field; lra).
assert (low_is : dyadic_le (Float radix2 D (-700)) v = true <-> bpow radix2 (-700) <= x).
{ rewrite dyadic_le_correct, whole; unfold F2R; cbn [Fnum Fexp]; split; intros le; nra. }
assert (high_is : dyadic_le v (Float radix2 D 700) = true <-> x <= bpow radix2 700).
{ rewrite dyadic_le_correct, whole; unfold F2R; cbn [Fnum Fexp]; split; intros le; nra. }
destruct (dyadic_le _ v && dyadic_le v _) eqn:inside.
- apply andb_true_iff in inside; rewrite low_is, high_is in inside.
  destruct (Z.leb_spec (Fnum c) 0) as [|c_pos]; [discriminate|].
  assert (tiny := bpow_gt_0 radix2 (-700)); assert (x_pos : 0 < x) by lra.
  assert (v_pos : (0 < Fnum v)%Z) by (apply gt_0_F2R with (beta := radix2) (e := Fexp v); change (0 < F2R v); rewrite whole; nra).
  assert (real_c := F2R_gt_0 radix2 c c_pos).
  set (X := (32 * Fexp c - 5 * Fexp v)%Z).
  set (N := (Fnum c ^ 32 * D ^ 5 * 2 ^ Z.max 0 X)%Z).
  set (M := (Fnum v ^ 5 * 2 ^ Z.max 0 (- X))%Z).
  set (A := F2R c * Rpower x (- (5 / 32))).
  assert (A_pos : 0 < A) by (apply Rmult_lt_0_compat; [exact real_c|apply exp_pos]).
  assert (M_pos : (0 < M)%Z).
  { apply Z.mul_pos_pos; apply Z.pow_pos_nonneg; lia. }
  assert (real_M := IZR_lt _ _ M_pos).
  assert (power : IZR M * A ^ 32 = IZR N).
  { assert (same := factor_power (F2R c) x x_pos); fold A in same.
    apply (Rmult_eq_reg_r (x ^ 5)); [|apply Rgt_not_eq, pow_lt; exact x_pos].
    rewrite Rmult_assoc, same.
    assert (IZR_power : forall a m : Z, (0 <= m)%Z -> IZR (a ^ m) = IZR a ^ Z.to_nat m).
    { intros a m natural; rewrite <- (Z2Nat.id m natural) at 1; symmetry; apply pow_IZR. }
    assert (v_power : (x * IZR D) ^ 5 = IZR (Fnum v) ^ 5 * bpow radix2 (5 * Fexp v)).
    { rewrite <- whole; unfold F2R; rewrite Rpow_mult_distr, <- bpow_pow; do 2 f_equal; lia. }
    assert (c_power : F2R c ^ 32 = IZR (Fnum c) ^ 32 * bpow radix2 (32 * Fexp c)).
    { unfold F2R; rewrite Rpow_mult_distr, <- bpow_pow; do 2 f_equal; lia. }
    assert (split := power_of_two_split X).
    assert (apart : bpow radix2 (32 * Fexp c) = bpow radix2 X * bpow radix2 (5 * Fexp v))
      by (rewrite <- bpow_plus; f_equal; unfold X; lia).
    unfold M, N; rewrite !mult_IZR, <- split, c_power, apart.
    rewrite (IZR_power (Fnum c) 32%Z), (IZR_power D 5%Z), (IZR_power (Fnum v) 5%Z) by lia.
    rewrite Rpow_mult_distr in v_power; change (Z.to_nat 32) with 32%nat; change (Z.to_nat 5) with 5%nat.
    transitivity (IZR (Fnum v) ^ 5 * bpow radix2 (5 * Fexp v)
      * (IZR (Fnum c) ^ 32 * bpow radix2 X * IZR (2 ^ Z.max 0 (- X)))); [ring|].
    rewrite <- v_power; ring. }
  assert (IZR_ends : IZR (120 ^ 32) = 120 ^ 32 /\ IZR (480 ^ 32) = 480 ^ 32 /\
    IZR (257 ^ 32) = 257 ^ 32).
  { change 32%Z with (Z.of_nat 32); rewrite <- !pow_IZR; repeat split; reflexivity. }
  destruct IZR_ends as [low [high base]].
  assert (ends : forall a, 0 < a -> (a / 257) ^ 32 * 257 ^ 32 = a ^ 32).
  { intros a _; rewrite <- Rpow_mult_distr; f_equal; field. }
  assert (base_pos : 0 < 257 ^ 32) by (apply pow_lt; lra).
  assert (factor : adaptive_factor (F2R c) x (Rmax (120 / 257) (Rmin (480 / 257) A))).
  { split; [reflexivity|intros no; contradiction]. }
  assert (compare : forall a, 0 < a ->
    (IZR M * a ^ 32 <= IZR N * 257 ^ 32 -> a / 257 <= A) /\
    (IZR N * 257 ^ 32 <= IZR M * a ^ 32 -> A <= a / 257)).
  { intros a a_pos; rewrite <- power, <- (ends a a_pos).
    assert (quotient : 0 < a / 257) by lra; split; intros le;
      apply (power_order 32); try lra; try lia; nra. }
  destruct (Z.leb_spec (N * 257 ^ 32) (M * 120 ^ 32)) as [le|above].
  + intros found; assert (F_is : F = (120 ^ 32)%Z) by congruence.
    assert (G_is : G = (257 ^ 32)%Z) by congruence; rewrite F_is, G_is; split; [reflexivity|].
    apply IZR_le in le; rewrite !mult_IZR, low, base in le.
    apply (proj2 (compare 120 ltac:(lra))) in le.
    exists (Rmax (120 / 257) (Rmin (480 / 257) A)); split; [|split; [|exact factor]].
    * assert (H := Rmax_l (120 / 257) (Rmin (480 / 257) A)); lra.
    * rewrite Rmin_right, Rmax_left, low, base by lra; rewrite Rmult_comm; apply ends; lra.
  + destruct (Z.leb_spec (M * 480 ^ 32) (N * 257 ^ 32)) as [le|below].
    * intros found; assert (F_is : F = (480 ^ 32)%Z) by congruence.
      assert (G_is : G = (257 ^ 32)%Z) by congruence; rewrite F_is, G_is; split; [reflexivity|].
      apply IZR_le in le; rewrite !mult_IZR, high, base in le.
      apply (proj1 (compare 480 ltac:(lra))) in le.
      exists (Rmax (120 / 257) (Rmin (480 / 257) A)); split; [|split; [|exact factor]].
      -- assert (H := Rmax_l (120 / 257) (Rmin (480 / 257) A)); lra.
      -- rewrite Rmin_left, Rmax_right, high, base by lra; rewrite Rmult_comm; apply ends; lra.
    * intros found; injection found as <- <-; split; [exact M_pos|].
      apply Z.lt_le_incl, IZR_le in above, below.
      rewrite !mult_IZR, low, base in above; rewrite !mult_IZR, high, base in below.
      apply (proj1 (compare 120 ltac:(lra))) in above.
      apply (proj2 (compare 480 ltac:(lra))) in below.
      rewrite Rmin_right, Rmax_right in factor by lra.
      exists A; split; [lra|split; [exact power|exact factor]].
- intros found; injection found as <- <-; split; [reflexivity|].
  exists 1; split; [lra|split; [rewrite pow1; ring|split; [|reflexivity]]].
  rewrite <- low_is, <- high_is; intros [low high]; rewrite low, high in inside; discriminate.
Qed.
