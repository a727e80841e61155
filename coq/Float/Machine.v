(** * The IEEE reading of the arithmetic, and when it rounds as the reals do

    Purpose: [float_arith] gives the operations of [Arithmetic] on Flocq's IEEE data, to
      nearest even, whatever NaNs the machine returns.  A finite result proves that nothing
      overflowed on the way: its operands were finite and its value is the rounded exact one.
    Main definitions: [nan_choice], [float_arith], [narrow] (from binary64 to binary32).
    Main results: [add_finite], [sub_finite], [fma_finite], [div_finite], [narrow_finite] (from a
      finite result back); [add_bounded], [sub_bounded], [fma_bounded] (from a bound forth).
    Depends on: [Arithmetic], [Rounding]; Flocq: IEEE754.Binary.
    Source: IEEE 754-2019, sections 4.3.1, 6.2 and 7.4. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Float Require Import Arithmetic Rounding.
Open Scope R_scope.

Section Machine.

Variables prec emax : Z.
Context {prec_pos : Prec_gt_0 prec}.
Context {prec_emax : Prec_lt_emax prec emax}.
Notation bin := (Binary.binary_float prec emax).
Notation B2R := (Binary.B2R prec emax).
Notation finite := (Binary.is_finite prec emax).
Notation emin := (3 - emax - prec)%Z.
Notation rd := (rnd emin prec).
Notation top := (bpow radix2 emax).

(** Some NaN. *)
Notation a_nan := {x : bin | Binary.is_nan prec emax x = true}.

(** The NaN that each operation returns: a machine's choice, of which nothing is assumed. *)
Record nan_choice : Type := {
  nan_opp : bin -> a_nan;
  nan_add : bin -> bin -> a_nan;
  nan_sub : bin -> bin -> a_nan;
  nan_fma : bin -> bin -> bin -> a_nan;
  nan_div : bin -> bin -> a_nan }.

Variable nans : nan_choice.

(** The IEEE operations, round to nearest even. *)
Definition float_arith : arith bin := {|
  a_zero := Binary.B754_zero prec emax false;
  a_one := Binary.Bone prec emax _ _;
  a_opp := Binary.Bopp prec emax (nan_opp nans);
  a_add := Binary.Bplus prec emax _ _ (nan_add nans) mode_NE;
  a_sub := Binary.Bminus prec emax _ _ (nan_sub nans) mode_NE;
  a_fma := Binary.Bfma prec emax _ _ (nan_fma nans) mode_NE;
  a_div := Binary.Bdiv prec emax _ _ (nan_div nans) mode_NE |}.

(** An overflowed result is not finite. *)
Lemma overflow_not_finite x s :
  Binary.B2FF prec emax x = Binary.binary_overflow prec emax mode_NE s -> finite x = false.
Proof.
intros over; rewrite <- Binary.is_finite_B2FF, over; reflexivity.
Qed.

(** A finite sum has finite operands and the rounded value. *)
Theorem add_finite x y : finite (a_add float_arith x y) = true ->
  finite x = true /\ finite y = true /\ B2R (a_add float_arith x y) = rd (B2R x + B2R y).
Proof.
intros fin.
assert (args : finite x = true /\ finite y = true).
{ unfold float_arith, a_add, Binary.Bplus in fin; rewrite Binary.is_finite_BSN2B in fin.
  destruct x as [sx|sx|sx px vx|sx mx ex vx], y as [sy|sy|sy py vy|sy my ey vy];
    simpl in fin; try discriminate; try (split; reflexivity).
  destruct (Bool.eqb sx sy); discriminate. }
destruct args as [finx finy]; split; [exact finx|split; [exact finy|]].
assert (spec := Binary.Bplus_correct prec emax _ _ (nan_add nans) mode_NE x y finx finy).
destruct (Rlt_bool _ _).
- exact (proj1 spec).
- simpl a_add in fin; rewrite (overflow_not_finite _ _ (proj1 spec)) in fin; discriminate.
Qed.

(** A finite difference has finite operands and the rounded value. *)
Theorem sub_finite x y : finite (a_sub float_arith x y) = true ->
  finite x = true /\ finite y = true /\ B2R (a_sub float_arith x y) = rd (B2R x - B2R y).
Proof.
intros fin.
assert (args : finite x = true /\ finite y = true).
{ unfold float_arith, a_sub, Binary.Bminus in fin; rewrite Binary.is_finite_BSN2B in fin.
  destruct x as [sx|sx|sx px vx|sx mx ex vx], y as [sy|sy|sy py vy|sy my ey vy];
    simpl in fin; try discriminate; try (split; reflexivity).
  destruct sx, sy; discriminate. }
destruct args as [finx finy]; split; [exact finx|split; [exact finy|]].
assert (spec := Binary.Bminus_correct prec emax _ _ (nan_sub nans) mode_NE x y finx finy).
destruct (Rlt_bool _ _).
- exact (proj1 spec).
- simpl a_sub in fin; rewrite (overflow_not_finite _ _ (proj1 spec)) in fin; discriminate.
Qed.

(** A finite fused multiply-add has finite operands and the rounded value. *)
Theorem fma_finite x y z : finite (a_fma float_arith x y z) = true ->
  finite x = true /\ finite y = true /\ finite z = true
  /\ B2R (a_fma float_arith x y z) = rd (B2R x * B2R y + B2R z).
Proof.
intros fin.
assert (args : finite x = true /\ finite y = true /\ finite z = true).
{ unfold float_arith, a_fma, Binary.Bfma in fin; rewrite Binary.is_finite_BSN2B in fin.
  destruct x as [sx|sx|sx px vx|sx mx ex vx], y as [sy|sy|sy py vy|sy my ey vy],
    z as [sz|sz|sz pz vz|sz mz ez vz];
    try (repeat split; reflexivity); simpl in fin; try discriminate;
    destruct (Bool.eqb (xorb sx sy) sz); discriminate. }
destruct args as [finx [finy finz]]; repeat (split; [assumption|]).
assert (spec := Binary.Bfma_correct prec emax _ _ (nan_fma nans) mode_NE x y z finx finy finz).
cbv zeta in spec; destruct (Rlt_bool _ _).
- exact (proj1 spec).
- simpl a_fma in fin; rewrite (overflow_not_finite _ _ spec) in fin; discriminate.
Qed.

(** A finite quotient by a nonzero number has a finite dividend and the rounded value. *)
Theorem div_finite x y : B2R y <> 0 -> finite (a_div float_arith x y) = true ->
  finite x = true /\ B2R (a_div float_arith x y) = rd (B2R x / B2R y).
Proof.
intros nonzero fin.
assert (spec := Binary.Bdiv_correct prec emax _ _ (nan_div nans) mode_NE x y nonzero).
destruct (Rlt_bool _ _).
- destruct spec as [value [same _]]; split; [rewrite <- same; exact fin|exact value].
- simpl a_div in fin; rewrite (overflow_not_finite _ _ spec) in fin; discriminate.
Qed.

(** Every value is in the format of the real model. *)
Lemma B2R_format x : in_format emin prec (B2R x).
Proof. apply (Binary.generic_format_B2R prec emax). Qed.

(** A number below the overflow threshold, by its bound before rounding. *)
Lemma rounded_below x b : Rabs x <= b -> (1 + uro prec) * b + eta emin < top -> Rabs (rd x) < top.
Proof.
intros small room; assert (error := rnd_error emin prec x).
assert (triangle : Rabs (rd x) <= Rabs (rd x - x) + Rabs x).
{ replace (rd x) with (rd x - x + x) at 1 by ring; apply Rabs_triang. }
assert (upos := uro_pos prec).
assert (scaled : uro prec * Rabs x <= uro prec * b) by (apply Rmult_le_compat_l; lra).
lra.
Qed.

(** A sum whose rounded value is below the threshold is finite. *)
Lemma add_bounded x y : finite x = true -> finite y = true -> Rabs (rd (B2R x + B2R y)) < top ->
  finite (a_add float_arith x y) = true.
Proof.
intros finx finy below.
assert (spec := Binary.Bplus_correct prec emax _ _ (nan_add nans) mode_NE x y finx finy).
rewrite Rlt_bool_true in spec by exact below; exact (proj1 (proj2 spec)).
Qed.

(** A difference whose rounded value is below the threshold is finite. *)
Lemma sub_bounded x y : finite x = true -> finite y = true -> Rabs (rd (B2R x - B2R y)) < top ->
  finite (a_sub float_arith x y) = true.
Proof.
intros finx finy below.
assert (spec := Binary.Bminus_correct prec emax _ _ (nan_sub nans) mode_NE x y finx finy).
rewrite Rlt_bool_true in spec by exact below; exact (proj1 (proj2 spec)).
Qed.

(** A fused multiply-add whose rounded value is below the threshold is finite. *)
Lemma fma_bounded x y z : finite x = true -> finite y = true -> finite z = true ->
  Rabs (rd (B2R x * B2R y + B2R z)) < top -> finite (a_fma float_arith x y z) = true.
Proof.
intros finx finy finz below.
assert (spec := Binary.Bfma_correct prec emax _ _ (nan_fma nans) mode_NE x y z finx finy finz).
cbv zeta in spec; rewrite Rlt_bool_true in spec by exact below; exact (proj1 (proj2 spec)).
Qed.

End Machine.

Arguments float_arith {prec emax _ _}.

(** The data of binary32. *)
Notation bin32 := (Binary.binary_float 24 128).

(** The data of binary64. *)
Notation bin64 := (Binary.binary_float 53 1024).

(** The precision of binary32 is below its largest exponent. *)
#[global] Instance prec32_lt_emax : Prec_lt_emax 24 128.
Proof. reflexivity. Qed.

(** The precision of binary64 is below its largest exponent. *)
#[global] Instance prec64_lt_emax : Prec_lt_emax 53 1024.
Proof. reflexivity. Qed.

(** From binary64 to binary32, to nearest even; [nan] is returned for a NaN. *)
Definition narrow (nan : bin32) (x : bin64) : bin32 :=
  match x with
  | Binary.B754_zero _ _ s => Binary.B754_zero 24 128 s
  | Binary.B754_infinity _ _ s => Binary.B754_infinity 24 128 s
  | Binary.B754_nan _ _ _ _ _ => nan
  | Binary.B754_finite _ _ s m e _ =>
      Binary.binary_normalize 24 128 prec32_gt_0 prec32_lt_emax mode_NE (cond_Zopp s (Zpos m)) e s
  end.

(** A finite result of [narrow] is the rounding of a finite number. *)
Theorem narrow_finite nan x : Binary.is_nan 24 128 nan = true ->
  Binary.is_finite 24 128 (narrow nan x) = true ->
  Binary.is_finite 53 1024 x = true
  /\ Binary.B2R 24 128 (narrow nan x) = rnd32 (Binary.B2R 53 1024 x).
Proof.
intros isnan fin; destruct x as [s|s|s p v|s m e v].
- split; [reflexivity|]; simpl; symmetry; apply (rnd_0 (-149) 24).
- discriminate.
- simpl in fin; destruct nan; discriminate.
- split; [reflexivity|simpl narrow in *; simpl (Binary.B2R 53 1024 _)].
  assert (spec := Binary.binary_normalize_correct 24 128 prec32_gt_0 prec32_lt_emax mode_NE
    (cond_Zopp s (Zpos m)) e s).
  destruct (Rlt_bool _ _); [exact (proj1 spec)|].
  rewrite (overflow_not_finite 24 128 _ _ spec) in fin; discriminate.
Qed.
