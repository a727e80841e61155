(** * The guard's program in the format of the recurrence, on IEEE data

    Purpose: [FusedProof] is about the real reading.  Here errors, the narrowed factor and the
      product are data of binary32, widened to binary64 for the sums; finite ends show that nothing
      overflowed on the way and contain the plain loss.
    Main definitions: [widen] (from binary32 to binary64).
    Main results: [widen_exact], [fused_ends_finite], [fused_encloses_ieee].
    Depends on: [FusedProof], [GuardIeee], [FiniteRun], [NearlyPsd], [EmittedPlainIeee].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Chain Recurrence Factor FactorRounded.
From Hallmark.Float Require Import Residual FactorClosed Hessian Machine FiniteRun Enclosure.
From Hallmark.Float Require Import EmittedIeee EmittedPlainIeee NearlyPsd RecurrenceError.
From Hallmark.Float Require Import FullArithmetic GuardProgram GuardIeee.
From Hallmark.Float Require Import FusedProgram FusedProof.
Open Scope R_scope.

(** Conversion unfolds the programs before the operations. *)
#[local] Strategy 1000 [Binary.Bplus Binary.Bminus Binary.Bmult Binary.Bsqrt Binary.Babs
  Binary.Bfma Binary.Bopp Binary.binary_normalize].

(** From binary32 to binary64, exactly; [nan] is returned for a NaN. *)
Definition widen (nan : bin64) (x : bin32) : bin64 :=
  match x with
  | Binary.B754_zero _ _ s => Binary.B754_zero 53 1024 s
  | Binary.B754_infinity _ _ s => Binary.B754_infinity 53 1024 s
  | Binary.B754_nan _ _ _ _ _ => nan
  | Binary.B754_finite _ _ s m e _ =>
      Binary.binary_normalize 53 1024 prec64_gt_0 prec64_lt_emax mode_NE (cond_Zopp s (Zpos m)) e s
  end.

(** A finite result of [widen] is the finite number itself. *)
Theorem widen_exact nan x : Binary.is_nan 53 1024 nan = true ->
  finite64 (widen nan x) = true -> finite32 x = true /\ val64 (widen nan x) = val32 x.
Proof.
intros isnan fin; destruct x as [s|s|s p v|s m e v].
- split; reflexivity.
- discriminate.
- simpl in fin; destruct nan; discriminate.
- split; [reflexivity|].
  assert (form : in_format (-1074) 53 (val32 (Binary.B754_finite 24 128 s m e v))).
  { apply (format_widen (-149) 24); [lia|lia|apply (B2R_format 24 128)]. }
  assert (spec := Binary.binary_normalize_correct 53 1024 prec64_gt_0 prec64_lt_emax mode_NE
    (cond_Zopp s (Zpos m)) e s).
  simpl widen in *; destruct (Rlt_bool _ _).
  + rewrite (proj1 spec); exact (rnd_exact (-1074) 53 _ form).
  + rewrite (overflow_not_finite 53 1024 _ _ spec) in fin; discriminate.
Qed.

Section Ieee.

Variable nans : full_nans 53 1024.
Variable nans32 : nan_choice 24 128.
Variable nan : bin32.
Hypothesis nan_is_nan : Binary.is_nan 24 128 nan = true.
Variable nan64 : bin64.
Hypothesis nan64_is_nan : Binary.is_nan 53 1024 nan64 = true.
Notation F := (full_float nans).
Notation B := (base_nans 53 1024 nans).

Section Ends.

Variable n : nat.
Hypothesis few : (Z.of_nat n <= 2 ^ 20)%Z.
Variables s a x l : bin64.

(** A finite size comes from a finite sum. *)
Lemma fused_A_finite : finite64 (fused_A F n a l) = true ->
  finite64 a = true /\ val64 (fused_A F n a l) = fused_A full64 n (val64 a) (val64 l).
Proof.
intros fin; destruct (add_finite 53 1024 B _ _ fin) as [fina [finp v0]].
destruct (mul_finite 53 1024 nans _ _ finp) as [finn [fint v1]].
destruct (sqrt_finite 53 1024 nans _ fint) as [_ v2].
assert (litn := literal_value nans (Z.of_nat n) (-149) ltac:(lia) ltac:(lia) finn).
change (3 - 1024 - 53)%Z with (-1074)%Z in *; split; [exact fina|].
assert (top : val64 (fused_top F l) = fused_top full64 (val64 l)) by exact v2.
unfold fused_A at 2; rewrite <- litn, <- top.
cbn [a_add a_mul full64 full_real full_base real_arith]; rewrite <- v1; exact v0.
Qed.

(** A finite rho. *)
Lemma fused_rho_finite : finite64 (fused_rho F n a l) = true ->
  val64 (fused_rho F n a l) = fused_rho full64 n (val64 a) (val64 l).
Proof.
intros fin; destruct (add_finite 53 1024 B _ _ fin) as [fincA [finn2 r0]].
destruct (mul_finite 53 1024 nans _ _ fincA) as [finc [finA r1]].
destruct (mul_finite 53 1024 nans _ _ finc) as [finxx [fing1 r2]].
destruct (mul_finite 53 1024 nans _ _ finxx) as [finxl [finx1 r3]].
destruct (add_finite 53 1024 B _ _ finx1) as [fin1l [_ r4]].
destruct (add_finite 53 1024 B _ _ fing1) as [_ [fing r5]].
destruct (mul_finite 53 1024 nans _ _ finn2) as [finnn [fint r6]].
destruct (sqrt_finite 53 1024 nans _ fint) as [_ r7].
destruct (fused_A_finite finA) as [_ size].
assert (square : (Z.of_nat n * Z.of_nat n <= 2 ^ 20 * 2 ^ 20)%Z)
  by (apply Z.mul_le_mono_nonneg; lia).
assert (litg := literal_value nans (Z.of_nat n + 1073741954) (-53) ltac:(lia) ltac:(lia) fing).
assert (litx := literal_value nans (Z.of_nat n + 1) (-24) ltac:(lia) ltac:(lia) finxl).
assert (litnn := literal_value nans (Z.of_nat n * Z.of_nat n) (-147) ltac:(lia) ltac:(lia) finnn).
assert (lit1 := literal_value nans 1 0 ltac:(lia) ltac:(lia) fin1l).
change (3 - 1024 - 53)%Z with (-1074)%Z in *.
assert (top : val64 (fused_top F l) = fused_top full64 (val64 l)) by exact r7.
assert (gv : val64 (fused_g F n) = fused_g full64 n) by exact litg.
assert (xv : val64 (fused_x F n) = fused_x full64 n) by exact litx.
change (float_arith B) with (full_base F) in r0, r4, r5.
unfold fused_rho at 2; rewrite <- gv, <- xv, <- litnn, <- lit1, <- size, <- top.
cbn [a_add a_mul full64 full_real full_base real_arith].
rewrite <- r4, <- r3, <- r5, <- r2, <- r1, <- r6; exact r0.
Qed.

(** A finite bound. *)
Lemma fused_bound_finite : finite64 (fused_bound F n s a x l) = true ->
  finite64 a = true /\ val64 (fused_bound F n s a x l)
    = fused_bound full64 n (val64 s) (val64 a) (val64 x) (val64 l).
Proof.
intros fin; destruct (add_finite 53 1024 B _ _ fin) as [finfive [finlast w0]].
destruct (add_finite 53 1024 B _ _ finfive) as [finfour [fin21 w1]].
destruct (add_finite 53 1024 B _ _ finfour) as [fin7 [fin8 v3]].
destruct (add_finite 53 1024 B _ _ fin7) as [fin9 [fin10 v4]].
destruct (add_finite 53 1024 B _ _ fin9) as [fin11 [fin12 v5]].
destruct (mul_finite 53 1024 nans _ _ fin11) as [fin13 [fin14 v6]].
destruct (add_finite 53 1024 B _ _ fin14) as [fins [finx v7]].
destruct (mul_finite 53 1024 nans _ _ fin12) as [fin15 [fin16 v8]].
destruct (mul_finite 53 1024 nans _ _ fin15) as [fin17 [fin18 v9]].
destruct (sqrt_finite 53 1024 nans _ fin18) as [_ v10].
destruct (mul_finite 53 1024 nans _ _ fin10) as [_ [_ v11]].
destruct (mul_finite 53 1024 nans _ _ fin8) as [fin19 [finA v12]].
destruct (mul_finite 53 1024 nans _ _ fin19) as [fing [_ v13]].
destruct (mul_finite 53 1024 nans _ _ fin21) as [fin21c [_ w2]].
destruct (mul_finite 53 1024 nans _ _ finlast) as [fin148t [_ w3]].
destruct (mul_finite 53 1024 nans _ _ fin148t) as [fin148 [fintop w4]].
destruct (sqrt_finite 53 1024 nans _ fintop) as [_ w5].
destruct (fused_A_finite finA) as [fina size]; assert (rho := fused_rho_finite fin16).
assert (litg := literal_value nans (Z.of_nat n + 1073741954) (-53) ltac:(lia) ltac:(lia) fing).
assert (litk := literal_value nans (Z.of_nat n + 8) (-52) ltac:(lia) ltac:(lia) fin13).
assert (lit2 := literal_value nans 2 0 ltac:(lia) ltac:(lia) fin17).
assert (lit21 := literal_value nans 1 (-21) ltac:(lia) ltac:(lia) fin21c).
assert (lit148 := literal_value nans 1 (-148) ltac:(lia) ltac:(lia) fin148).
change (3 - 1024 - 53)%Z with (-1074)%Z in *; split; [exact fina|].
assert (top : val64 (fused_top F l) = fused_top full64 (val64 l)) by exact w5.
assert (gv : val64 (fused_g F n) = fused_g full64 n) by exact litg.
change (float_arith B) with (full_base F) in w0, w1, v3, v4, v5, v7.
unfold fused_bound at 2; rewrite <- rho, <- size, <- top, <- gv.
rewrite <- litk, <- lit2, <- lit21, <- lit148.
cbn [a_add a_mul a_sqrt full64 full_real full_base real_arith].
rewrite <- v7, <- v6, <- v10, <- v9, <- v8, <- v5, <- v11, <- v4, <- v13, <- v12, <- v3.
rewrite <- w2, <- w1, <- w4, <- w3; exact w0.
Qed.

(** A finite width comes from a finite sum. *)
Lemma fused_width_finite : finite64 (fused_width F n s a x l) = true ->
  finite64 a = true
  /\ val64 (fused_width F n s a x l)
     = fused_width full64 n (val64 s) (val64 a) (val64 x) (val64 l).
Proof.
intros fin; destruct (add_finite 53 1024 B _ _ fin) as [fin1 [fin2 v0]].
destruct (mul_finite 53 1024 nans _ _ fin1) as [fin3 [fin4 v1]].
destruct (mul_finite 53 1024 nans _ _ fin3) as [fin5 [fin6 v2]].
destruct (fused_bound_finite fin6) as [fina bound]; split; [exact fina|].
assert (lith := literal_value nans 1 (-1) ltac:(lia) ltac:(lia) fin5).
assert (litf := literal_value nans 1048577 (-20) ltac:(lia) ltac:(lia) fin4).
assert (litt := literal_value nans 1 (-300) ltac:(lia) ltac:(lia) fin2).
change (3 - 1024 - 53)%Z with (-1074)%Z in *.
unfold fused_width at 2; rewrite <- bound, <- lith, <- litf, <- litt.
cbn [a_add a_mul full64 full_real full_base real_arith]; rewrite <- v2, <- v1; exact v0.
Qed.

(** Finite ends come from finite sums and are the ends of the real reading. *)
Theorem fused_ends_finite :
  finite64 (fused_lo F n s a x l) = true -> finite64 (fused_hi F n s a x l) = true ->
  (finite64 s = true /\ finite64 a = true /\ finite64 x = true)
  /\ val64 (fused_lo F n s a x l) = fused_lo full64 n (val64 s) (val64 a) (val64 x) (val64 l)
  /\ val64 (fused_hi F n s a x l) = fused_hi full64 n (val64 s) (val64 a) (val64 x) (val64 l).
Proof.
intros finlo finhi.
destruct (sub_finite 53 1024 B _ _ finlo) as [finv [finw lo]].
destruct (add_finite 53 1024 B _ _ finhi) as [_ [_ hi]].
destruct (fused_width_finite finw) as [fina width].
destruct (guard_value_finite nans s x finv) as [fins [finx value]].
split; [auto|]; unfold fused_lo, fused_hi; change (full_base F) with (float_arith B) in *.
rewrite lo, hi, width, value; split; reflexivity.
Qed.

End Ends.

Section Row.

(** The row: weights, scales and points in binary32; the largest entry of the diagonal of H. *)
Variable n : nat.
Variables lam largest : bin64.
Variable G : nat -> nat -> bin64.
Variables C U : nat -> nat -> bin64.
Variable d : nat -> bin64.
Variables w s g : nat -> bin32.
Notation H := (ieee_hessian B lam G).
Notation rG := (fun i j => val64 (G i j)).
Notation rH := (hessian_stored (val64 lam) rG).
Notation e := (vsub (fun j => val32 (w j))
  (scaled_points (fun j => val32 (s j)) (fun j => val32 (g j)))).
Notation e' := (weight_error (float_arith nans32) w s g).
Notation t := (fun j => fma_chain (float_arith nans32) (Datatypes.S j) e'
  (fun k => narrowed nan U k j) (a_zero (float_arith nans32))).
Notation E := (fun j => widen nan64 (e' j)).
Notation S := (fused_squares F n d (fun j => widen nan64 (t j))).
Notation A := (fused_size F n (fun j => H j j) E).
Notation X := (fused_excess F n (fun j => H j j) (fun j => a_add F (G j j) (G j j)) E).
Hypothesis nonempty : (0 < n)%nat.
Hypothesis few : (Z.of_nat n <= 2 ^ 20)%Z.
Hypothesis run : is_factor (float_arith B) n H C U d.
Hypothesis symmetric : sym n rG.
Hypothesis pivots : forall k, (k < n)%nat ->
  finite64 (d k) = true /\ bpow radix2 (-400) <= val64 (d k).
Hypothesis sane : sane_diagonal n rH (val64 largest).
Hypothesis above : val64 largest <= bpow radix2 375.
Hypothesis lam_pos : 0 <= val64 lam.
Hypothesis diagonal : forall j, (j < n)%nat -> 0 <= val64 (G j j).
Hypothesis ends : finite64 (fused_lo F n S A X largest) = true
  /\ finite64 (fused_hi F n S A X largest) = true.

(** T30 in the format of the recurrence on IEEE data: finite ends contain the plain loss. *)
Theorem fused_encloses_ieee :
  val64 (fused_lo F n S A X largest) <= qform n rG e <= val64 (fused_hi F n S A X largest).
Proof.
destruct (fused_ends_finite n few S A X largest (proj1 ends) (proj2 ends))
  as [[finS [finA finX]] [lo hi]].
destruct (chain_finite B finS) as [termsS [_ valueS]].
destruct (chain_finite B finA) as [termsA [_ valueA]].
destruct (chain_finite B finX) as [termsX [_ valueX]].
set (v := fun k => val32 (e' k)).
assert (errors : forall k, (k < n)%nat -> finite32 (e' k) = true /\ val64 (E k) = v k
    /\ val64 (a_abs F (E k)) = Rabs (v k)).
{ intros k below; destruct (abs_finite 53 1024 nans _ (proj1 (termsA k below))) as [fin size].
  destruct (widen_exact nan64 (e' k) nan64_is_nan fin) as [fin32 same].
  split; [exact fin32|split; [exact same|rewrite size, same; reflexivity]]. }
assert (rounded : forall k, (k < n)%nat -> v k = rnd (-149) 24 (e k)).
{ intros k below; destruct (errors k below) as [fin _].
  destruct (weight_error_finite 24 128 nans32 w s g k fin) as [_ [_ [_ value]]]; unfold v.
  rewrite value; unfold weight_error, vsub, scaled_points; cbn [a_fma a_opp real_arith].
  f_equal; ring. }
assert (hessian : forall k, finite64 (H k k) = true -> val64 (H k k) = rH k k)
  by (intros k fin; exact (proj2 (ieee_hessian_value B lam G k k fin))).
set (rU := fun i j => val64 (U i j)).
assert (products : forall k, (k < n)%nat -> val64 (widen nan64 (t k))
    = product_chain (-149) 24 (round_factor (-149) 24 rU) v k).
{ intros k below; destruct (widen_exact nan64 (t k) nan64_is_nan (proj2 (termsS k below)))
    as [fin same].
  destruct (chain_finite nans32 fin) as [terms [_ value]].
  rewrite same, value; unfold product_chain.
  apply (fma_chain_ext (real_arith (-149) 24)); intros j before; [reflexivity|].
  destruct (terms j before) as [_ finV].
  exact (proj2 (narrow_finite nan (U j k) nan_is_nan finV)). }
assert (squares : val64 S = fused_squares full64 n (fun j => val64 (d j))
    (product_chain (-149) 24 (round_factor (-149) 24 rU) v)).
{ unfold fused_squares at 1; change (full_base F) with (float_arith B) in *; rewrite valueS.
  apply (fma_chain_ext real64); intros k below; [|apply products; exact below].
  destruct (mul_finite 53 1024 nans _ _ (proj1 (termsS k below))) as [_ [_ value]].
  rewrite value, products by exact below; reflexivity. }
assert (size : val64 A = fused_size full64 n (fun j => rH j j) v).
{ unfold fused_size at 1; change (full_base F) with (float_arith B) in *; rewrite valueA.
  apply (fma_chain_ext real64); intros k below; [apply errors; exact below|].
  destruct (sqrt_finite 53 1024 nans _ (proj2 (termsA k below))) as [finh root].
  rewrite root, hessian by exact finh; reflexivity. }
assert (excess : val64 X
    = fused_excess full64 n (fun j => rH j j) (fun j => 2 * rG j j) v).
{ unfold fused_excess at 1; change (full_base F) with (float_arith B) in *; rewrite valueX.
  apply (fma_chain_ext real64); intros k below; [|apply errors; exact below].
  destruct (mul_finite 53 1024 nans _ _ (proj1 (termsX k below))) as [finx [_ value]].
  destruct (sub_finite 53 1024 B _ _ finx) as [finh [fing difference]].
  destruct (twice_value B (G k k) fing) as [_ twice].
  destruct (errors k below) as [_ [_ absolute]].
  rewrite value, absolute, difference, twice, hessian by exact finh; reflexivity. }
rewrite lo, hi, squares, size, excess.
assert (positive := deep_pivots n d _ pivots).
assert (stored := ieee_factor B n lam G C U d run positive); cbv zeta in stored.
apply (fused_encloses n (val64 lam) (val64 largest) rG (fun i j => val64 (C i j)) rU
  (fun j => val64 (d j)) e v nonempty few stored symmetric (fun k below => proj2 (pivots k below))
  sane above lam_pos (fun j _ => B2R_format 53 1024 (G j j)) diagonal rounded).
intros k _; apply Rlt_le, (Binary.abs_B2R_lt_emax 24 128).
Qed.

End Row.

End Ieee.
