(** * The guard's program on IEEE data

    Purpose: [GuardProof] is about the real reading of the program.  On IEEE data, whatever NaNs
      the machine returns, finite ends show that nothing overflowed on the way, so that they are the
      ends of the real reading and contain the plain loss.
    Main results: [sum_chain_finite], [guard_ends_finite], [guard_sums_finite],
      [guard_encloses_ieee].
    Depends on: [GuardProof], [FiniteRun], [NearlyPsd], [EmittedPlainIeee].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Chain Recurrence Factor.
From Hallmark.Float Require Import Residual FactorClosed Hessian Machine FiniteRun.
From Hallmark.Float Require Import EmittedIeee EmittedPlainIeee NearlyPsd RecurrenceError.
From Hallmark.Float Require Import FullArithmetic RoundedSum GuardProgram GuardProof.
Open Scope R_scope.

Section Ieee.

Variable nans : full_nans 53 1024.
Notation F := (full_float nans).
Notation B := (base_nans 53 1024 nans).

(** A short constant is in the format. *)
Lemma literal_format m e : (Z.abs m < 2 ^ 53)%Z -> (-1074 <= e)%Z ->
  in_format (-1074) 53 (IZR m * bpow radix2 e).
Proof.
intros short deep; apply generic_format_FLT; exists (Float radix2 m e);
  [reflexivity|exact short|exact deep].
Qed.

(** A finite constant is itself. *)
Lemma literal_value m e : (Z.abs m < 2 ^ 53)%Z -> (-1074 <= e)%Z ->
  finite64 (a_lit F m e) = true -> val64 (a_lit F m e) = a_lit full64 m e.
Proof.
intros short deep fin; apply (literal_finite 53 1024 nans); [|exact fin].
exact (literal_format m e short deep).
Qed.

(** A finite sum has finite terms and the value of the real reading. *)
Lemma sum_chain_finite n p : finite64 (sum_chain F n p) = true ->
  (forall k, (k < n)%nat -> finite64 (p k) = true)
  /\ val64 (sum_chain F n p) = sum_chain real64 n (fun k => val64 (p k)).
Proof.
induction n as [|n IH]; intros fin; [split; [intros; lia|reflexivity]|].
destruct (add_finite 53 1024 B _ _ fin) as [before [last value]].
destruct (IH before) as [terms same]; split.
- intros k below; destruct (Nat.eq_dec k n) as [->|other]; [exact last|apply terms; lia].
- change (val64 (sum_chain F (S n) p)
    = rnd64 (sum_chain real64 n (fun k => val64 (p k)) + val64 (p n))).
  rewrite <- same; exact value.
Qed.

(** A sum looks only at its terms. *)
Lemma sum_chain_ext n p q : (forall k, (k < n)%nat -> p k = q k) ->
  sum_chain real64 n p = sum_chain real64 n q.
Proof.
intros same; induction n as [|n IH]; [reflexivity|cbn [sum_chain]].
rewrite IH by (intros; apply same; lia); rewrite same by lia; reflexivity.
Qed.

(** A finite middle comes from finite sums. *)
Lemma guard_value_finite s x : finite64 (guard_value F s x) = true ->
  finite64 s = true /\ finite64 x = true
  /\ val64 (guard_value F s x) = guard_value full64 (val64 s) (val64 x).
Proof.
intros fin; destruct (mul_finite 53 1024 nans _ _ fin) as [finl [find v1]].
destruct (sub_finite 53 1024 B _ _ find) as [fins [finx v2]].
assert (lit := literal_value 1 (-1) ltac:(lia) ltac:(lia) finl).
split; [exact fins|split; [exact finx|]].
unfold guard_value; change (full_base F) with (float_arith B) in *.
rewrite v1, v2, lit; reflexivity.
Qed.

Section Ends.

Variable n : nat.
Hypothesis few : (Z.of_nat n <= 2 ^ 24)%Z.
Variables s a x : bin64.

(** A finite width comes from finite sums. *)
Lemma guard_width_finite : finite64 (guard_width F n s a x) = true ->
  finite64 a = true
  /\ val64 (guard_width F n s a x) = guard_width full64 n (val64 s) (val64 a) (val64 x).
Proof.
unfold guard_width at 1 2; intros fin.
destruct (add_finite 53 1024 B _ _ fin) as [fin1 [fin2 v0]].
destruct (mul_finite 53 1024 nans _ _ fin1) as [fin3 [fin4 v1]].
destruct (mul_finite 53 1024 nans _ _ fin3) as [fin5 [fin6 v2]].
unfold guard_bound in fin6.
destruct (add_finite 53 1024 B _ _ fin6) as [fin7 [fin8 v3]].
destruct (add_finite 53 1024 B _ _ fin7) as [fin9 [fin10 v4]].
destruct (add_finite 53 1024 B _ _ fin9) as [fin11 [fin12 v5]].
destruct (mul_finite 53 1024 nans _ _ fin11) as [fin13 [fin14 v6]].
destruct (add_finite 53 1024 B _ _ fin14) as [fins [finx v7]].
destruct (mul_finite 53 1024 nans _ _ fin12) as [fin15 [fin16 v8]].
destruct (mul_finite 53 1024 nans _ _ fin15) as [fin17 [fin18 v9]].
destruct (sqrt_finite 53 1024 nans _ fin18) as [_ v10].
destruct (mul_finite 53 1024 nans _ _ fin10) as [_ [_ v11]].
destruct (mul_finite 53 1024 nans _ _ fin8) as [fin19 [fina v12]].
destruct (mul_finite 53 1024 nans _ _ fin19) as [fing [_ v13]].
unfold guard_rho in fin16.
destruct (mul_finite 53 1024 nans _ _ fin16) as [fin20 [fin21 v14]].
destruct (mul_finite 53 1024 nans _ _ fin20) as [_ [_ v15]].
destruct (add_finite 53 1024 B _ _ fin21) as [fin22 [_ v16]].
assert (litg := literal_value (Z.of_nat n + 2) (-53) ltac:(lia) ltac:(lia) fing).
assert (litk := literal_value (Z.of_nat n + 8) (-52) ltac:(lia) ltac:(lia) fin13).
assert (lit1 := literal_value 1 0 ltac:(lia) ltac:(lia) fin22).
assert (lit2 := literal_value 2 0 ltac:(lia) ltac:(lia) fin17).
assert (lith := literal_value 1 (-1) ltac:(lia) ltac:(lia) fin5).
assert (litf := literal_value 1048577 (-20) ltac:(lia) ltac:(lia) fin4).
assert (litt := literal_value 1 (-300) ltac:(lia) ltac:(lia) fin2).
split; [exact fina|].
assert (rho : val64 (guard_rho F n a) = guard_rho full64 n (val64 a)).
{ unfold guard_rho; change (full_base F) with (float_arith B) in *.
  rewrite v14, v15, v16; unfold guard_g; rewrite litg, lit1; reflexivity. }
assert (bound : val64 (guard_bound F n s a x) = guard_bound full64 n (val64 s) (val64 a) (val64 x)).
{ unfold guard_bound; change (full_base F) with (float_arith B) in *.
  fold (guard_rho F n a) in *.
  rewrite v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, rho.
  unfold guard_g; rewrite litg, litk, lit2; reflexivity. }
change (full_base F) with (float_arith B) in *; rewrite v0, v1, v2.
fold (guard_bound F n s a x) in *; rewrite bound, lith, litf, litt; reflexivity.
Qed.

(** Finite ends come from finite sums and are the ends of the real reading. *)
Theorem guard_ends_finite :
  finite64 (guard_lo F n s a x) = true -> finite64 (guard_hi F n s a x) = true ->
  (finite64 s = true /\ finite64 a = true /\ finite64 x = true)
  /\ val64 (guard_lo F n s a x) = guard_lo full64 n (val64 s) (val64 a) (val64 x)
  /\ val64 (guard_hi F n s a x) = guard_hi full64 n (val64 s) (val64 a) (val64 x).
Proof.
intros finlo finhi.
destruct (sub_finite 53 1024 B _ _ finlo) as [finv [finw lo]].
destruct (add_finite 53 1024 B _ _ finhi) as [_ [_ hi]].
destruct (guard_width_finite finw) as [fina width].
destruct (guard_value_finite s x finv) as [fins [finx value]].
split; [auto|]; unfold guard_lo, guard_hi; change (full_base F) with (float_arith B) in *.
rewrite lo, hi, width, value; split; reflexivity.
Qed.

End Ends.

Section Row.

(** The row: weights, scales and points as the program has them, all in binary64. *)
Variable n : nat.
Variable lam : bin64.
Variable G : nat -> nat -> bin64.
Variables C U : nat -> nat -> bin64.
Variable d : nat -> bin64.
Variables w s g : nat -> bin64.
Variable hmax : R.
Notation H := (ieee_hessian B lam G).
Notation rG := (fun i j => val64 (G i j)).
Notation rH := (hessian_stored (val64 lam) rG).
Notation e := (vsub (fun j => val64 (w j))
  (scaled_points (fun j => val64 (s j)) (fun j => val64 (g j)))).
Notation e' := (weight_error F w s g).
Notation t := (guard_product F U e').
Notation S := (guard_squares F n d t).
Notation A := (guard_size F n (fun j => H j j) e').
Notation X := (guard_excess F n (fun j => H j j) (fun j => a_add F (G j j) (G j j)) e').
Hypothesis nonempty : (0 < n)%nat.
Hypothesis run : is_factor (float_arith B) n H C U d.
Hypothesis symmetric : sym n rG.
Hypothesis pivots : forall k, (k < n)%nat ->
  finite64 (d k) = true /\ bpow radix2 (-400) <= val64 (d k).
Hypothesis sane : sane_diagonal n rH hmax.
Hypothesis above : hmax <= bpow radix2 375.
Hypothesis lam_pos : 0 <= val64 lam.
Hypothesis diagonal : forall j, (j < n)%nat -> 0 <= val64 (G j j).
Hypothesis absolute : finite64 (guard_absolute F n e') = true
  /\ val64 (guard_absolute F n e') <= bpow radix2 149.
Hypothesis ends : finite64 (guard_lo F n S A X) = true /\ finite64 (guard_hi F n S A X) = true.

(** The errors are finite, and rounded once. *)
Lemma row_error_value k : (k < n)%nat -> val64 (e' k) = rnd64 (e k).
Proof.
intros below; destruct (sum_chain_finite n _ (proj1 absolute)) as [terms _].
destruct (abs_finite 53 1024 nans _ (terms k below)) as [fin _].
destruct (weight_error_finite 53 1024 B w s g k fin) as [_ [_ [_ value]]].
change (weight_error F w s g k) with (weight_error (float_arith B) w s g k); rewrite value.
unfold weight_error, vsub, scaled_points; cbn [a_fma a_opp real_arith].
f_equal; ring.
Qed.

(** The evaluated sum of the errors. *)
Lemma absolute_value :
  val64 (guard_absolute F n e') = guard_absolute full64 n (fun k => rnd64 (e k)).
Proof.
destruct (sum_chain_finite n _ (proj1 absolute)) as [terms value].
unfold guard_absolute at 1; rewrite value; apply sum_chain_ext; intros k below.
destruct (abs_finite 53 1024 nans _ (terms k below)) as [_ size].
rewrite size, row_error_value by exact below; reflexivity.
Qed.

(** Where it is 0 the program returns 0 and 0, rightly when the errors are multiples of 2^-1074. *)
Theorem guard_zero_ieee : (forall k, (k < n)%nat -> multiple (-1074) (e k)) ->
  val64 (guard_absolute F n e') = 0 -> qform n rG e = 0.
Proof.
intros grid zero; rewrite absolute_value in zero.
exact (guard_zero n rG e (fun k => rnd64 (e k)) (fun k _ => eq_refl) grid zero).
Qed.

(** The evaluated sums are those of the real reading. *)
Theorem guard_sums_finite :
  let v := fun k => rnd64 (e k) in
  let rU := fun i j => val64 (U i j) in
  val64 (guard_absolute F n e') = guard_absolute full64 n v
  /\ val64 S = guard_squares full64 n (fun j => val64 (d j)) (guard_product full64 rU v)
  /\ val64 A = guard_size full64 n (fun j => rH j j) v
  /\ val64 X = guard_excess full64 n (fun j => rH j j) (fun j => 2 * rG j j) v.
Proof.
intros v rU.
destruct (guard_ends_finite n (sane_columns sane) S A X (proj1 ends) (proj2 ends))
  as [[finS [finA finX]] _].
destruct (sum_chain_finite n _ (proj1 absolute)) as [termsB valueB].
destruct (sum_chain_finite n _ finS) as [termsS valueS].
destruct (sum_chain_finite n _ finA) as [termsA valueA].
destruct (sum_chain_finite n _ finX) as [termsX valueX].
assert (size : forall k, (k < n)%nat -> val64 (a_abs F (e' k)) = Rabs (v k)).
{ intros k below; destruct (abs_finite 53 1024 nans _ (termsB k below)) as [_ value].
  rewrite value, row_error_value by exact below; reflexivity. }
assert (hessian : forall k, finite64 (H k k) = true -> val64 (H k k) = rH k k)
  by (intros k fin; exact (proj2 (ieee_hessian_value B lam G k k fin))).
split; [|split; [|split]].
- exact absolute_value.
- unfold guard_squares at 1; rewrite valueS; apply sum_chain_ext; intros k below.
  destruct (mul_finite 53 1024 nans _ _ (termsS k below)) as [fin [fint value]].
  destruct (mul_finite 53 1024 nans _ _ fin) as [_ [_ inner]].
  destruct (chain_finite B fint) as [_ [_ chain]].
  assert (product : val64 (t k) = guard_product full64 rU v k).
  { unfold guard_product; change (full_base F) with (float_arith B) in *; rewrite chain.
    apply (fma_chain_ext real64); intros j before; [|reflexivity].
    apply (row_error_value j); lia. }
  rewrite value, inner, product; reflexivity.
- unfold guard_size at 1; rewrite valueA; apply sum_chain_ext; intros k below.
  destruct (mul_finite 53 1024 nans _ _ (termsA k below)) as [fin [finr value]].
  destruct (sqrt_finite 53 1024 nans _ finr) as [finh root].
  rewrite value, root, size, hessian by assumption; reflexivity.
- unfold guard_excess at 1; rewrite valueX; apply sum_chain_ext; intros k below.
  destruct (mul_finite 53 1024 nans _ _ (termsX k below)) as [finx [fins value]].
  destruct (sub_finite 53 1024 B _ _ finx) as [finh [fing difference]].
  destruct (mul_finite 53 1024 nans _ _ fins) as [_ [_ square]].
  destruct (twice_value B (G k k) fing) as [_ twice].
  rewrite value, square, size by exact below.
  change (full_base F) with (float_arith B) in *.
  rewrite difference, twice, hessian by exact finh; reflexivity.
Qed.

(** T30 on IEEE data: finite ends contain the plain loss of the row in the stored G. *)
Theorem guard_encloses_ieee :
  val64 (guard_lo F n S A X) <= qform n rG e <= val64 (guard_hi F n S A X).
Proof.
destruct (guard_ends_finite n (sane_columns sane) S A X (proj1 ends) (proj2 ends))
  as [_ [lo hi]].
destruct guard_sums_finite as [valueB [valueS [valueA valueX]]].
rewrite lo, hi, valueS, valueA, valueX.
assert (positive := deep_pivots n d _ pivots).
assert (stored := ieee_factor B n lam G C U d run positive); cbv zeta in stored.
apply (guard_encloses n (val64 lam) hmax rG _ _ _ e (fun k => rnd64 (e k)) nonempty stored symmetric
  (fun k below => proj2 (pivots k below)) sane above lam_pos
  (fun j _ => B2R_format 53 1024 (G j j)) diagonal (fun k _ => eq_refl)).
rewrite <- valueB; exact (proj2 absolute).
Qed.

End Row.

End Ieee.
