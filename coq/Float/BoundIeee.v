(** * The certificate's bound on IEEE data

    Purpose: [BoundProof] is about the real reading.  Here weights, scales, points, the factor as
      the recurrence reads it and the compensated weights are data of binary32, widened to binary64;
      finite ends show that nothing overflowed on the way, contain the bound, and the bound holds.
    Main results: [bound_ends_finite], [norm_finite], [reach_finite] (finite results come from
      finite operands and have the values of the real reading), [certified_bound_ieee].
    Depends on: [BoundProof], [CertifiedBound], [FusedIeee], [GuardIeee], [NearlyPsd].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Chain Recurrence Factor FactorRounded.
From Hallmark.Float Require Import Residual FactorClosed Hessian Machine FiniteRun Emitted.
From Hallmark.Float Require Import EmittedIeee EmittedPlainIeee NearlyPsd RecurrenceError.
From Hallmark.Float Require Import FullArithmetic RoundedSum GuardProgram GuardIeee.
From Hallmark.Float Require Import FusedProgram FusedIeee.
From Hallmark.Float Require Import Within BoundProgram CertifiedBound BoundProof.
Open Scope R_scope.

(** Conversion unfolds the programs before the operations. *)
#[local] Strategy 1000 [Binary.Bplus Binary.Bminus Binary.Bmult Binary.Bsqrt Binary.Babs
  Binary.Bfma Binary.Bopp Binary.binary_normalize].

Section Ieee.

Variable nans : full_nans 53 1024.
Notation F := (full_float nans).
Notation B := (base_nans 53 1024 nans).

(** Norms, and the sums of a norm, look at their numbers only. *)
Lemma bound_norm_ext n x y : (forall k, (k < n)%nat -> x k = y k) ->
  bound_norm full64 n x = bound_norm full64 n y.
Proof.
intros same; unfold bound_norm; do 2 f_equal.
apply sum_chain_ext; intros k below; rewrite same by exact below; reflexivity.
Qed.

(** A finite norm. *)
Lemma norm_finite n x : finite64 (bound_norm F n x) = true ->
  (forall k, (k < n)%nat -> finite64 (x k) = true)
  /\ val64 (bound_norm F n x) = bound_norm full64 n (fun k => val64 (x k)).
Proof.
intros fin; destruct (mul_finite 53 1024 nans _ _ fin) as [finr [finl v0]].
destruct (sqrt_finite 53 1024 nans _ finr) as [fins v1].
destruct (sum_chain_finite nans n _ fins) as [terms v2].
assert (lit := literal_value nans 1048577 (-20) ltac:(lia) ltac:(lia) finl).
assert (squares : forall k, (k < n)%nat -> finite64 (x k) = true
    /\ val64 (a_mul F (x k) (x k)) = a_mul full64 (val64 (x k)) (val64 (x k))).
{ intros k below; destruct (mul_finite 53 1024 nans _ _ (terms k below)) as [fink [_ value]].
  split; [exact fink|exact value]. }
change (3 - 1024 - 53)%Z with (-1074)%Z in *.
split; [intros k below; apply squares; exact below|].
unfold bound_norm at 2; rewrite <- lit; change (full_base full64) with real64.
rewrite <- (sum_chain_ext n (fun k => val64 (a_mul F (x k) (x k))))
  by (intros k below; apply squares; exact below).
rewrite <- v2; cbn [a_mul a_sqrt full64 full_real]; rewrite <- v1; exact v0.
Qed.

(** A finite distance and gap. *)
Lemma reach_finite V N h u j : (Z.of_nat j < 2 ^ 24)%Z ->
  finite64 (bound_reach F V N h u j) = true ->
  (finite64 N = true /\ finite64 (u j) = true)
  /\ (forall k, (k < j)%nat -> finite64 (V k j) = true)
  /\ val64 (bound_reach F V N h u j)
     = bound_reach full64 (fun k i => val64 (V k i)) (val64 N) (fun k => val64 (h k))
         (fun k => val64 (u k)) j.
Proof.
intros few fin; destruct (add_finite 53 1024 B _ _ fin) as [fin3 [finunder v0]].
destruct (add_finite 53 1024 B _ _ fin3) as [fin2 [finweight v1]].
destruct (add_finite 53 1024 B _ _ fin2) as [finh [finfirst v2]].
destruct (mul_finite 53 1024 nans _ _ finfirst) as [finchain [finN v3]].
destruct (mul_finite 53 1024 nans _ _ finchain) as [fintwice [fincolumn v4]].
destruct (mul_finite 53 1024 nans _ _ fintwice) as [finx [finsum v5]].
destruct (add_finite 53 1024 B _ _ finsum) as [finone [_ v6]].
destruct (mul_finite 53 1024 nans _ _ finweight) as [finv [finabs v7]].
destruct (abs_finite 53 1024 nans _ finabs) as [finu v8].
destruct (mul_finite 53 1024 nans _ _ finunder) as [finy [finmore v9]].
destruct (add_finite 53 1024 B _ _ finmore) as [_ [_ v10]].
destruct (norm_finite j _ fincolumn) as [entries column].
assert (litx := literal_value nans (Z.of_nat j + 1) (-24) ltac:(lia) ltac:(lia) finx).
assert (lity := literal_value nans (Z.of_nat j + 1) (-148) ltac:(lia) ltac:(lia) finy).
assert (lit1 := literal_value nans 1 0 ltac:(lia) ltac:(lia) finone).
assert (litv := literal_value nans 1 (-24) ltac:(lia) ltac:(lia) finv).
change (3 - 1024 - 53)%Z with (-1074)%Z in *.
split; [split; assumption|split; [exact entries|]].
assert (same : bound_column full64 (fun k i => val64 (V k i)) j = val64 (bound_column F V j))
  by (symmetry; exact column).
change (float_arith B) with (full_base F) in *.
assert (chain : val64 (bound_chain F V j) = bound_chain full64 (fun k i => val64 (V k i)) j).
{ unfold bound_chain at 2; cbv zeta; rewrite same, <- litx, <- lit1.
  cbn [a_add a_mul full64 full_real full_base real_arith]; rewrite <- v6, <- v5; exact v4. }
assert (under : val64 (bound_under F V j) = bound_under full64 (fun k i => val64 (V k i)) j).
{ unfold bound_under at 2; rewrite same, <- lity, <- lit1.
  cbn [a_add a_mul full64 full_real full_base real_arith]; rewrite <- v10; exact v9. }
unfold bound_reach at 2; rewrite <- chain, <- under, <- litv.
cbn [a_add a_mul a_abs full64 full_real full_base real_arith].
rewrite <- v3, <- v2, <- v8, <- v7, <- v1; exact v0.
Qed.

Section Ends.

Variable n : nat.
Hypothesis few : (Z.of_nat n < 2 ^ 24)%Z.
Variables q a x : bin64.

(** A finite bound of the loss in H. *)
Lemma loss_finite : finite64 (bound_loss F n q a) = true ->
  finite64 q = true /\ finite64 a = true
  /\ val64 (bound_loss F n q a) = bound_loss full64 n (val64 q) (val64 a).
Proof.
intros fin; destruct (add_finite 53 1024 B _ _ fin) as [finq [finp v0]].
destruct (mul_finite 53 1024 nans _ _ finp) as [fing1 [fina v1]].
destruct (mul_finite 53 1024 nans _ _ fing1) as [fing [_ v2]].
assert (litg := literal_value nans (Z.of_nat n + 1073741954) (-53) ltac:(lia) ltac:(lia) fing).
change (3 - 1024 - 53)%Z with (-1074)%Z in *.
assert (gv : val64 (fused_g F n) = fused_g full64 n) by exact litg.
split; [exact finq|split; [exact fina|]].
change (float_arith B) with (full_base F) in *.
unfold bound_loss at 2; rewrite <- gv.
cbn [a_add a_mul full64 full_real full_base real_arith]; rewrite <- v2, <- v1; exact v0.
Qed.

(** Finite ends come from finite sums and are the ends of the real reading. *)
Theorem bound_ends_finite :
  finite64 (bound_lo F n q a x) = true -> finite64 (bound_hi F n q a x) = true ->
  (finite64 q = true /\ finite64 a = true /\ finite64 x = true)
  /\ val64 (bound_lo F n q a x) = bound_lo full64 n (val64 q) (val64 a) (val64 x)
  /\ val64 (bound_hi F n q a x) = bound_hi full64 n (val64 q) (val64 a) (val64 x).
Proof.
intros finlo finhi.
destruct (sub_finite 53 1024 B _ _ finlo) as [finv [finw lo]].
destruct (add_finite 53 1024 B _ _ finhi) as [_ [_ hi]].
destruct (guard_value_finite nans _ x finv) as [finloss [finx value]].
destruct (loss_finite finloss) as [finq [fina loss]].
destruct (mul_finite 53 1024 nans _ _ finw) as [finc [fins v3]].
destruct (add_finite 53 1024 B _ _ fins) as [_ [_ v4]].
assert (litc := literal_value nans (Z.of_nat n + 32) (-51) ltac:(lia) ltac:(lia) finc).
change (3 - 1024 - 53)%Z with (-1074)%Z in *; change (float_arith B) with (full_base F) in *.
split; [auto|].
rewrite loss in value.
assert (width : val64 (bound_width F n q a x) = bound_width full64 n (val64 q) (val64 a) (val64 x)).
{ unfold bound_width at 2; rewrite <- litc, <- loss.
  cbn [a_add a_mul full64 full_real full_base real_arith]; rewrite <- v4; exact v3. }
unfold bound_lo at 2, bound_hi at 2; rewrite <- value, <- width; split; [exact lo|exact hi].
Qed.

End Ends.

Section Row.

Variable nans32 : nan_choice 24 128.
Variable nan : bin32.
Hypothesis nan_is_nan : Binary.is_nan 24 128 nan = true.
Variable nan64 : bin64.
Hypothesis nan64_is_nan : Binary.is_nan 53 1024 nan64 = true.

Variable n : nat.
Variable lam : bin64.
Variable G : nat -> nat -> bin64.
Variables C U : nat -> nat -> bin64.
Variable d h : nat -> bin64.
Variables w s g : nat -> bin32.
Variable hmax : R.
Variable gap : vec.
Notation wide x := (fun j => widen nan64 (x j)).
Notation H := (ieee_hessian B lam G).
Notation rG := (fun i j => val64 (G i j)).
Notation rH := (hessian_stored (val64 lam) rG).
Notation rU := (fun i j => val64 (U i j)).
Notation rw := (fun j => val32 (w j)).
Notation rs := (fun j => val32 (s j)).
Notation rg := (fun j => val32 (g j)).
Notation q := (scaled_points rs rg).
Notation u := (ieee_weight nans32 nan U w s g).
Notation V := (fun i j => widen nan64 (narrowed nan U i j)).
Notation e' := (bound_error F (wide w) (wide s) (wide g)).
Notation r := (bound_reach F V (bound_norm F n e') h (wide u)).
Notation Q := (bound_squares F n d r).
Notation A := (guard_size F n (fun j => H j j) e').
Notation X := (bound_excess F n (fun j => H j j) (fun j => a_add F (G j j) (G j j)) e').
Hypothesis nonempty : (0 < n)%nat.
Hypothesis few : (Z.of_nat n < 2 ^ 24)%Z.
Hypothesis run : is_factor (float_arith B) n H C U d.
Hypothesis symmetric : sym n rG.
Hypothesis pivots : forall k, (k < n)%nat ->
  finite64 (d k) = true /\ bpow radix2 (-400) <= val64 (d k).
Hypothesis sane : sane_diagonal n rH hmax.
Hypothesis lam_pos : 0 <= val64 lam.
Hypothesis diagonal : forall j, (j < n)%nat -> 0 <= val64 (G j j).
Hypothesis gaps : forall j, (j < n)%nat ->
  Rabs (val32 (u j) - q j) <= gap j /\ gap j <= (1 + bpow radix2 (-53)) * val64 (h j)
  /\ val64 (h j) <= (1 + bpow radix2 (-53)) * gap j.
Hypothesis ends : finite64 (bound_lo F n Q A X) = true /\ finite64 (bound_hi F n Q A X) = true.
Notation bound := (certified_bound n (val64 lam) rG rU (fun j => val64 (d j)) rw q gap
  (fun j => val32 (u j))).

(** T30 for the certificate's bound on IEEE data: it holds, and finite ends contain it. *)
Theorem certified_bound_ieee : qform n rG (vsub rw q) <= bound
  /\ val64 (bound_lo F n Q A X) <= bound <= val64 (bound_hi F n Q A X).
Proof.
destruct (bound_ends_finite n few Q A X (proj1 ends) (proj2 ends)) as [[finQ [finA finX]] [lo hi]].
destruct (sum_chain_finite nans n _ finQ) as [termsQ valueQ].
destruct (sum_chain_finite nans n _ finA) as [termsA valueA].
destruct (sum_chain_finite nans n _ finX) as [termsX valueX].
(* the errors *)
assert (errors : forall j, (j < n)%nat -> (val64 (widen nan64 (w j)) = rw j
    /\ val64 (widen nan64 (s j)) = rs j /\ val64 (widen nan64 (g j)) = rg j)
    /\ val64 (e' j) = bound_error full64 rw rs rg j /\
      val64 (a_abs F (e' j)) = Rabs (val64 (e' j))).
{ intros j below; destruct (mul_finite 53 1024 nans _ _ (termsA j below)) as [finabs _].
  destruct (abs_finite 53 1024 nans _ finabs) as [fine size].
  destruct (sub_finite 53 1024 B _ _ fine) as [finw [finp value]].
  destruct (mul_finite 53 1024 nans _ _ finp) as [fins [fing product]].
  destruct (widen_exact nan64 (w j) nan64_is_nan finw) as [_ samew].
  destruct (widen_exact nan64 (s j) nan64_is_nan fins) as [_ sames].
  destruct (widen_exact nan64 (g j) nan64_is_nan fing) as [_ sameg].
  split; [auto|split; [|exact size]].
  unfold bound_error at 2; cbn [a_sub a_mul full64 full_real full_base real_arith].
  change (3 - 1024 - 53)%Z with (-1074)%Z in product, value.
  rewrite <- samew, <- sames, <- sameg, <- product; exact value. }
(* the distances *)
assert (reaches : forall j, (j < n)%nat -> (finite64 (bound_norm F n e') = true
    /\ finite64 (widen nan64 (u j)) = true)
    /\ (forall k, (k < j)%nat -> finite64 (widen nan64 (narrowed nan U k j)) = true)
    /\ val64 (r j) = bound_reach full64 (fun k i => val64 (widen nan64 (narrowed nan U k i)))
         (val64 (bound_norm F n e')) (fun k => val64 (h k)) (fun k => val64 (widen nan64 (u k))) j).
{ intros j below; apply (reach_finite V (bound_norm F n e') h (wide u) j); [lia|].
  destruct (mul_finite 53 1024 nans _ _ (termsQ j below)) as [_ [fin _]]; exact fin. }
assert (norm : val64 (bound_norm F n e') = bound_norm full64 n (bound_error full64 rw rs rg)).
{ destruct (norm_finite n e' (proj1 (proj1 (reaches 0%nat nonempty)))) as [_ value].
  rewrite value; apply bound_norm_ext; intros k below; apply errors; exact below. }
assert (weights : forall j, (j < n)%nat ->
    val64 (widen nan64 (u j)) = val32 (u j) /\ val32 (u j) = emitted_weight rU rw rs rg j).
{ intros j below; destruct (reaches j below) as [[_ fin] _].
  destruct (widen_exact nan64 (u j) nan64_is_nan fin) as [fin32 same]; split; [exact same|].
  destruct (comp_finite 24 128 nans32 (narrowed nan U) w s g j fin32) as [_ [entries [_ value]]].
  unfold ieee_weight, emitted_weight; rewrite value.
  change (real_arith (3 - 128 - 24) 24) with real32; unfold comp_float; f_equal.
  unfold feedback; apply fma_chain_ext; intros k before; [reflexivity|].
  apply (narrow_finite nan (U k j) nan_is_nan); apply (entries k before). }
assert (factor : forall k j, (k < j < n)%nat ->
    val64 (widen nan64 (narrowed nan U k j)) = stored_factor rU k j).
{ intros k j range; destruct (reaches j ltac:(lia)) as [_ [entries _]].
  destruct (widen_exact nan64 _ nan64_is_nan (entries k ltac:(lia))) as [fin32 same].
  rewrite same; exact (proj2 (narrow_finite nan (U k j) nan_is_nan fin32)). }
set (u' := fun j => val32 (u j)).
assert (reached : forall j, (j < n)%nat -> val64 (r j) = bound_reach full64 (stored_factor rU)
    (bound_norm full64 n (bound_error full64 rw rs rg)) (fun k => val64 (h k)) u' j).
{ intros j below; destruct (reaches j below) as [_ [_ value]]; rewrite value, norm.
  assert (column : bound_column full64 (fun k i => val64 (widen nan64 (narrowed nan U k i))) j
      = bound_column full64 (stored_factor rU) j)
    by (apply bound_norm_ext; intros k before; apply factor; lia).
  unfold bound_reach, bound_chain, bound_under; rewrite column, (proj1 (weights j below)).
  reflexivity. }
assert (hessian : forall k, finite64 (H k k) = true -> val64 (H k k) = rH k k)
  by (intros k fin; exact (proj2 (ieee_hessian_value B lam G k k fin))).
(* the sums *)
assert (squares : val64 Q = bound_squares full64 n (fun j => val64 (d j))
    (bound_reach full64 (stored_factor rU) (bound_norm full64 n (bound_error full64 rw rs rg))
       (fun k => val64 (h k)) u')).
{ unfold bound_squares at 1; rewrite valueQ.
  apply sum_chain_ext; intros k below.
  destruct (mul_finite 53 1024 nans _ _ (termsQ k below)) as [fin [_ value]].
  destruct (mul_finite 53 1024 nans _ _ fin) as [_ [_ inner]].
  cbn beta; rewrite value, inner, reached by exact below; reflexivity. }
assert (size : val64 A = guard_size full64 n (fun j => rH j j) (bound_error full64 rw rs rg)).
{ unfold guard_size at 1; rewrite valueA.
  apply sum_chain_ext; intros k below.
  destruct (mul_finite 53 1024 nans _ _ (termsA k below)) as [_ [finr value]].
  destruct (sqrt_finite 53 1024 nans _ finr) as [finh root].
  destruct (errors k below) as [_ [same absolute]].
  cbn beta; rewrite value, absolute, root, same, hessian by exact finh; reflexivity. }
assert (excess : val64 X = bound_excess full64 n (fun j => rH j j) (fun j => 2 * rG j j)
    (bound_error full64 rw rs rg)).
{ unfold bound_excess at 1; rewrite valueX.
  apply sum_chain_ext; intros k below.
  destruct (mul_finite 53 1024 nans _ _ (termsX k below)) as [fin [_ value]].
  destruct (mul_finite 53 1024 nans _ _ fin) as [finx [_ inner]].
  destruct (sub_finite 53 1024 B _ _ finx) as [finh [fing difference]].
  destruct (twice_value B (G k k) fing) as [_ twice].
  destruct (errors k below) as [_ [same _]].
  cbn beta; rewrite value, inner, same; change (full_base F) with (float_arith B) in *.
  rewrite difference, twice, hessian by exact finh; reflexivity. }
(* the run of the real model *)
assert (positive := deep_pivots n d _ pivots).
assert (stored := ieee_factor B n lam G C U d run positive); cbv zeta in stored.
assert (emitted : emitted_run n rH (fun i j => val64 (C i j)) rU (fun j => val64 (d j)) hmax rw).
{ constructor; [exact stored|exact (hessian_stored_sym n (val64 lam) rG symmetric)| |exact sane|].
  - intros k below; apply (positive k below).
  - intros j _; apply (B2R_format 24 128). }
assert (number : forall x : bin32, binary32_number (val32 x)).
{ intros x; split; [apply (B2R_format 24 128)|apply Rlt_le, (Binary.abs_B2R_lt_emax 24 128)]. }
assert (row : bound_row n (val64 lam) rG (stored_factor rU) (fun j => val64 (d j)) rw rs rg gap
    (fun j => val64 (h j)) u').
{ constructor; [exact nonempty|exact few| |exact (sane_normal sane)|exact lam_pos| | | | | |].
  - intros j below; apply (pivots j below).
  - intros j below; split; [apply (B2R_format 53 1024)|apply diagonal; exact below].
  - intros k j _; apply (rnd_format (-149) 24).
  - intros j _; split; [apply number|split; apply number].
  - intros j _; apply (B2R_format 24 128).
  - intros j _; apply (B2R_format 53 1024).
  - intros j below; destruct (gaps j below) as [near [down up]]; apply within_sides; try assumption.
    eapply Rle_trans; [apply Rabs_pos|exact near]. }
split.
- assert (close : forall j, (j < n)%nat -> Rabs (emitted_weight rU rw rs rg j - q j) <= gap j).
  { intros j below; rewrite <- (proj2 (weights j below)); apply (gaps j below). }
  assert (holds := certified_bound_holds n (val64 lam) rG _ rU _ hmax rw rs rg gap emitted few
    close).
  eapply Rle_trans; [exact holds|apply Req_le].
  unfold certified_bound; cbv zeta; do 3 f_equal; apply bsum_ext; intros j below.
  unfold certified_delta; cbv beta; rewrite <- (proj2 (weights j below)); reflexivity.
- rewrite lo, hi, squares, size, excess.
  exact (bound_encloses n (val64 lam) rG rU _ rw rs rg gap _ u' row).
Qed.

End Row.

End Ieee.
