(** * Whether a number is another one rounded up

    Purpose: a scale is a quotient rounded up to its format.  The quotient is known by its ends, or
      by those of one of its powers, so that neither division nor root is needed.
    Main results: [up_fits_correct], [power_fits_correct] (a scale is the least number of its format
      that is not below a quotient).
    Bound functions: [rounded_up].
    Depends on: Check/Dyadic, Check/Ruler; Flocq: Core.
    Source: docs/design.md, section "Scales". *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Check.Dyadic Check.Ruler.
Open Scope Z_scope.

(** The number before s > 0 among those of [bits] significant bits, none finer than 2^-149. *)
Definition number_before (bits : Z) (s : dyadic) : dyadic :=
  let k := Z.log2 (Fnum s) in
  let u := Z.max ((if Fnum s =? 2 ^ k then k else k + 1) + Fexp s - bits) (-149) in
  Float radix2 (align (Z.min u (Fexp s)) s - Z.shiftl 1 (u - Z.min u (Fexp s)))
    (Z.min u (Fexp s)).

(** s > 0 is a number of that format. *)
Definition scale_in_format (bits : Z) (s : dyadic) : bool :=
  let u := Z.max (Z.log2 (Fnum s) + 1 + Fexp s - bits) (-149) in
  Fnum s mod 2 ^ Z.max 0 (u - Fexp s) =? 0.

(** s is a quotient of a number in [low, high] and L, rounded up. *)
Definition up_fits (bits : Z) (low high L s : dyadic) : bool :=
  (0 <? Fnum s) && scale_in_format bits s && dyadic_le low (product s L)
  && negb (dyadic_le high (product (number_before bits s) L)).

(** D times the power n of a number. *)
Definition times_power (D n : Z) (x : dyadic) : dyadic := Float radix2 (D * Fnum x ^ n) (Fexp x * n).

(** s is a quotient v rounded up, D (v L)^n a number in [low, high]. *)
Definition power_fits (bits D n : Z) (low high L s : dyadic) : bool :=
  (0 <? Fnum s) && scale_in_format bits s && dyadic_le low (times_power D n (product s L))
  && negb (dyadic_le high (times_power D n (product (number_before bits s) L))).

Open Scope R_scope.

(** The numbers of [bits] significant bits, none finer than 2^-149. *)
Definition scale_format (bits : Z) : R -> Prop := generic_format radix2 (FLT_exp (-149) bits).

(** s is v rounded up: the least number of the format that is not below v. *)
Definition rounded_up (bits : Z) (v s : R) : Prop :=
  scale_format bits s /\ v <= s /\ forall t, scale_format bits t -> v <= t -> s <= t.

(** The logarithm of a positive dyadic number. *)
Lemma dyadic_mag (s : dyadic) : (0 < Fnum s)%Z ->
  mag radix2 (F2R s) = (Z.log2 (Fnum s) + 1 + Fexp s)%Z :> Z.
Proof.
intros positive; assert (range := Z.log2_spec _ positive).
assert (log_pos := Z.log2_nonneg (Fnum s)).
assert (unit_pos := bpow_gt_0 radix2 (Fexp s)).
apply mag_unique_pos; unfold F2R.
replace (Z.log2 (Fnum s) + 1 + Fexp s - 1)%Z with (Z.log2 (Fnum s) + Fexp s)%Z by lia.
rewrite !bpow_plus; split.
- apply Rmult_le_compat_r; [lra|]; rewrite <- IZR_Zpower by exact log_pos.
  apply IZR_le; change (radix_val radix2) with 2%Z; lia.
- apply Rmult_lt_compat_r; [lra|]; rewrite <- bpow_plus, <- IZR_Zpower by lia.
  apply IZR_lt; change (radix_val radix2) with 2%Z; unfold Z.succ in range; lia.
Qed.

(** What [scale_in_format] accepts. *)
Lemma scale_in_format_correct bits (s : dyadic) : (0 < Fnum s)%Z -> scale_in_format bits s = true ->
  scale_format bits (F2R s).
Proof.
intros positive; unfold scale_in_format; rewrite Z.eqb_eq; intros divides.
set (u := Z.max (Z.log2 (Fnum s) + 1 + Fexp s - bits) (-149)) in *.
apply generic_format_F2R' with (f := Float radix2 (Fnum s / 2 ^ Z.max 0 (u - Fexp s))
  (Fexp s + Z.max 0 (u - Fexp s))).
- assert (power : (2 ^ Z.max 0 (u - Fexp s) <> 0)%Z) by (apply Z.pow_nonzero; lia).
  apply Z.mod_divide in divides; [|exact power]; destruct divides as [q whole].
  unfold F2R; cbn [Fnum Fexp]; rewrite whole, Z.div_mul by exact power.
  rewrite bpow_plus, mult_IZR; change 2%Z with (radix_val radix2).
  rewrite IZR_Zpower by lia; ring.
- intros _; cbn [Fexp]; unfold cexp, FLT_exp; rewrite (dyadic_mag s positive); fold u; lia.
Qed.

(** [number_before] is the number before. *)
Lemma number_before_correct bits (s : dyadic) : (1 <= bits)%Z -> (0 < Fnum s)%Z ->
  F2R (number_before bits s) = pred radix2 (FLT_exp (-149) bits) (F2R s).
Proof.
intros some positive; assert (real_pos := F2R_gt_0 radix2 s positive).
rewrite pred_eq_pos by lra; unfold pred_pos; rewrite (dyadic_mag s positive).
set (k := Z.log2 (Fnum s)); assert (k_pos := Z.log2_nonneg (Fnum s)); fold k in k_pos.
replace (k + 1 + Fexp s - 1)%Z with (k + Fexp s)%Z by lia.
unfold number_before; fold k.
set (u := Z.max ((if (Fnum s =? 2 ^ k)%Z then k else (k + 1)%Z) + Fexp s - bits) (-149)).
set (E := Z.min u (Fexp s)).
assert (value : F2R (Float radix2 (align E s - Z.shiftl 1 (u - E)) E) = F2R s - bpow radix2 u).
{ unfold F2R at 1; cbn [Fnum Fexp]; rewrite minus_IZR, Rmult_minus_distr_r.
  rewrite <- (align_correct E s) by (right; lia); f_equal.
  rewrite Z.shiftl_mul_pow2, Z.mul_1_l by lia; change 2%Z with (radix_val radix2).
  rewrite IZR_Zpower, <- bpow_plus by lia; f_equal; lia. }
rewrite value; clear value.
assert (at_power : F2R s = bpow radix2 (k + Fexp s) <-> (Fnum s = 2 ^ k)%Z).
{ unfold F2R; rewrite bpow_plus; assert (unit_pos := bpow_gt_0 radix2 (Fexp s)).
  rewrite <- (IZR_Zpower radix2 k) by exact k_pos; change (radix_val radix2) with 2%Z.
  split; intros same.
  - apply eq_IZR, (Rmult_eq_reg_r (bpow radix2 (Fexp s))); [exact same|lra].
  - rewrite same; reflexivity. }
destruct (Req_bool_spec (F2R s) (bpow radix2 (k + Fexp s))) as [same|other].
- apply at_power in same; f_equal; unfold FLT_exp, u.
  rewrite (proj2 (Z.eqb_eq _ _) same); f_equal; lia.
- f_equal; rewrite ulp_neq_0 by lra; unfold cexp; rewrite (dyadic_mag s positive); fold k.
  unfold FLT_exp, u; destruct (Z.eqb_spec (Fnum s) (2 ^ k)) as [same|_]; [|f_equal; lia].
  exfalso; apply other, at_power, same.
Qed.

(** A number of the format is rounded up from some number of an interval that begins at or below it
    and ends beyond the number before. *)
Lemma rounded_between bits (s : dyadic) a b : (1 <= bits)%Z -> (0 < Fnum s)%Z ->
  scale_in_format bits s = true -> a <= b -> a <= F2R s -> F2R (number_before bits s) < b ->
  exists v, a <= v <= b /\ rounded_up bits v (F2R s).
Proof.
intros some positive format order below beyond.
rewrite number_before_correct in beyond by assumption; set (p := pred _ _ _) in *.
assert (bits_pos : Prec_gt_0 bits) by (unfold Prec_gt_0; lia).
assert (valid := FLT_exp_valid (-149) bits).
assert (p_less : p < F2R s).
{ assert (real_pos := F2R_gt_0 radix2 s positive); apply pred_lt_id; lra. }
assert (least : forall v, v <= F2R s -> p < v -> rounded_up bits v (F2R s)).
{ intros v low high; split; [apply scale_in_format_correct; assumption|split; [exact low|]].
  intros t number not_less; destruct (Rle_or_lt (F2R s) t) as [done|less]; [exact done|].
  assert (t <= p) by (apply pred_ge_gt; [exact valid|exact number
    |apply scale_in_format_correct; assumption|exact less]).
  lra. }
destruct (Rle_or_lt b (F2R s)) as [inside|outside].
- exists b; split; [lra|apply least; [exact inside|exact beyond]].
- exists (F2R s); split; [lra|apply least; [lra|exact p_less]].
Qed.

(** What [up_fits] accepts is a quotient, rounded up. *)
Theorem up_fits_correct bits (low high L s : dyadic) : (1 <= bits)%Z -> (0 < Fnum L)%Z ->
  F2R low <= F2R high -> up_fits bits low high L s = true ->
  (0 < Fnum s)%Z /\
  exists v, F2R low / F2R L <= v <= F2R high / F2R L /\ rounded_up bits v (F2R s).
Proof.
intros some L_pos order; unfold up_fits; rewrite !andb_true_iff, Z.ltb_lt, negb_true_iff.
intros [[[positive format] not_below] above]; split; [exact positive|].
apply dyadic_le_correct in not_below.
assert (before : ~ F2R high <= F2R (product (number_before bits s) L)).
{ intros le; apply dyadic_le_correct in le; congruence. }
rewrite product_correct in not_below, before; assert (real_L := F2R_gt_0 radix2 L L_pos).
apply rounded_between; try assumption.
- apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat, real_L|exact order].
- apply Rmult_le_reg_r with (1 := real_L); replace (F2R low / F2R L * F2R L) with (F2R low)
    by (field; lra); lra.
- apply Rmult_lt_reg_r with (1 := real_L); replace (F2R high / F2R L * F2R L) with (F2R high)
    by (field; lra); lra.
Qed.

(** The value of a power. *)
Lemma times_power_correct D n x : (0 <= n)%Z ->
  F2R (times_power D n x) = IZR D * F2R x ^ Z.to_nat n.
Proof.
intros natural; unfold times_power, F2R; cbn [Fnum Fexp].
rewrite <- (Z2Nat.id n natural) at 1 2; rewrite mult_IZR, <- pow_IZR, Rpow_mult_distr, Rmult_assoc.
do 2 f_equal; induction (Z.to_nat n) as [|k IH]; [rewrite Z.mul_0_r; reflexivity|].
replace (Fexp x * Z.of_nat (S k))%Z with (Fexp x + Fexp x * Z.of_nat k)%Z by lia.
rewrite bpow_plus, IH; reflexivity.
Qed.

(** Powers keep the order. *)
Lemma power_less n x y : (0 < n)%nat -> 0 <= x < y -> x ^ n < y ^ n.
Proof.
intros some [natural less]; induction n as [|[|k] IH]; [lia|lra|].
specialize (IH ltac:(lia)); assert (0 <= x ^ S k) by (apply pow_le; exact natural).
change (x * x ^ S k < y * y ^ S k); nra.
Qed.

(** What [power_fits] accepts is a number between a and b, rounded up. *)
Theorem power_fits_correct bits D n (low high L s : dyadic) a b : (1 <= bits)%Z -> (0 < D)%Z ->
  (0 < n)%Z -> (0 < Fnum L)%Z -> 0 <= a <= b -> IZR D * (a * F2R L) ^ Z.to_nat n <= F2R low ->
  F2R high <= IZR D * (b * F2R L) ^ Z.to_nat n -> power_fits bits D n low high L s = true ->
  (0 < Fnum s)%Z /\ exists v, a <= v <= b /\ rounded_up bits v (F2R s).
Proof.
intros some D_pos n_pos L_pos [a_pos order] from to; unfold power_fits.
rewrite !andb_true_iff, Z.ltb_lt, negb_true_iff.
intros [[[positive format] not_below] above]; split; [exact positive|].
apply dyadic_le_correct in not_below.
assert (before : ~ F2R high <= F2R (times_power D n (product (number_before bits s) L))).
{ intros le; apply dyadic_le_correct in le; congruence. }
rewrite times_power_correct, product_correct in not_below, before by lia.
assert (real_D := IZR_lt _ _ D_pos); assert (real_L := F2R_gt_0 radix2 L L_pos).
assert (real_s := F2R_gt_0 radix2 s positive).
assert (nonzero : (0 < Z.to_nat n)%nat) by lia.
apply rounded_between; try assumption.
- destruct (Rle_or_lt a (F2R s)) as [done|less]; [exact done|exfalso].
  assert (powers := power_less (Z.to_nat n) (F2R s * F2R L) (a * F2R L) nonzero ltac:(nra)).
  apply (Rmult_lt_compat_l (IZR D)) in powers; lra.
- destruct (Rle_or_lt b (F2R (number_before bits s))) as [less|done]; [exfalso|exact done].
  apply before; assert (powers := pow_incr (b * F2R L) (F2R (number_before bits s) * F2R L)
    (Z.to_nat n) ltac:(nra)).
  apply (Rmult_le_compat_l (IZR D)) in powers; lra.
Qed.
