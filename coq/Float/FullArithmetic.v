(** * Product, square root, absolute value and constants beside the other operations

    Purpose: the recurrence and the factorization need sums, fma and division ([Arithmetic]).  What
      evaluates bounds needs more: here are these operations, read on the reals with one rounding
      each and on IEEE data, like the others.
    Main definitions: [full_arith], [full_real] (the reals, one rounding per operation), [full64],
      [full_float] (IEEE data).
    Main results: [mul_finite], [sqrt_finite], [abs_finite], [literal_finite]: a finite result has
      finite operands and the value of the real reading.
    Depends on: [Arithmetic], [Rounding], [Machine]; Flocq: IEEE754.Binary.
    Source: IEEE 754-2019, sections 4.3.1 and 5.4.1. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Float Require Import Arithmetic Rounding Machine.
Open Scope R_scope.

(** The operations; [a_lit m e] is the constant m 2^e. *)
Record full_arith (T : Type) := Full {
  full_base :> arith T;
  a_mul : T -> T -> T;
  a_sqrt : T -> T;
  a_abs : T -> T;
  a_lit : Z -> Z -> T }.
Arguments full_base {T}.
Arguments a_mul {T}.
Arguments a_sqrt {T}.
Arguments a_abs {T}.
Arguments a_lit {T}.

(** The reals with one rounding per operation; signs and constants round nothing. *)
Definition full_real (emin prec : Z) : full_arith R := {|
  full_base := real_arith emin prec;
  a_mul := fun x y => rnd emin prec (x * y);
  a_sqrt := fun x => rnd emin prec (sqrt x);
  a_abs := Rabs;
  a_lit := fun m e => IZR m * bpow radix2 e |}.

(** The arithmetic of binary64, overflow apart. *)
Definition full64 : full_arith R := full_real (-1074) 53.

Section Ieee.

Variables prec emax : Z.
Context {prec_pos : Prec_gt_0 prec}.
Context {prec_emax : Prec_lt_emax prec emax}.
Notation bin := (Binary.binary_float prec emax).
Notation val := (Binary.B2R prec emax).
Notation finite := (Binary.is_finite prec emax).
Notation emin := (3 - emax - prec)%Z.
Notation rd := (rnd emin prec).

(** Some NaN. *)
Notation a_nan := {x : bin | Binary.is_nan prec emax x = true}.

(** The NaNs of these operations: a machine's choice, of which nothing is assumed. *)
Record full_nans : Type := {
  base_nans : nan_choice prec emax;
  nan_mul : bin -> bin -> a_nan;
  nan_sqrt : bin -> a_nan;
  nan_abs : bin -> a_nan }.

Variable nans : full_nans.

(** The IEEE operations, round to nearest even. *)
Definition full_float : full_arith bin := {|
  full_base := float_arith (base_nans nans);
  a_mul := Binary.Bmult prec emax _ _ (nan_mul nans) mode_NE;
  a_sqrt := Binary.Bsqrt prec emax _ _ (nan_sqrt nans) mode_NE;
  a_abs := Binary.Babs prec emax (nan_abs nans);
  a_lit := fun m e => Binary.binary_normalize prec emax _ _ mode_NE m e false |}.

(** A finite product has finite factors and the rounded value. *)
Theorem mul_finite x y : finite (a_mul full_float x y) = true ->
  finite x = true /\ finite y = true /\ val (a_mul full_float x y) = rd (val x * val y).
Proof.
intros fin; assert (spec := Binary.Bmult_correct prec emax _ _ (nan_mul nans) mode_NE x y).
destruct (Rlt_bool _ _).
- destruct spec as [value [same _]]; cbn [a_mul full_float] in *.
  rewrite fin in same; symmetry in same; apply andb_prop in same.
  split; [apply same|split; [apply same|exact value]].
- cbn [a_mul full_float] in fin.
  rewrite (overflow_not_finite prec emax _ _ spec) in fin; discriminate.
Qed.

(** A finite root has a finite operand and the rounded value. *)
Theorem sqrt_finite x : finite (a_sqrt full_float x) = true ->
  finite x = true /\ val (a_sqrt full_float x) = rd (sqrt (val x)).
Proof.
intros fin; assert (spec := Binary.Bsqrt_correct prec emax _ _ (nan_sqrt nans) mode_NE x).
destruct spec as [value [same _]]; cbn [a_sqrt full_float] in *; split; [|exact value].
rewrite fin in same; destruct x as [s|s|s p v|s m e v]; try discriminate; reflexivity.
Qed.

(** A finite absolute value has a finite operand. *)
Theorem abs_finite x : finite (a_abs full_float x) = true ->
  finite x = true /\ val (a_abs full_float x) = Rabs (val x).
Proof.
cbn [a_abs full_float]; intros fin; rewrite Binary.is_finite_Babs in fin.
split; [exact fin|apply Binary.B2R_Babs].
Qed.

(** A finite constant that the format has is itself. *)
Theorem literal_finite m e : in_format emin prec (IZR m * bpow radix2 e) ->
  finite (a_lit full_float m e) = true ->
  val (a_lit full_float m e) = IZR m * bpow radix2 e.
Proof.
intros form fin; cbn [a_lit full_float] in *.
assert (spec := Binary.binary_normalize_correct prec emax _ _ mode_NE m e false).
destruct (Rlt_bool _ _).
- rewrite (proj1 spec); apply (rnd_exact emin prec); exact form.
- rewrite (overflow_not_finite prec emax _ _ spec) in fin; discriminate.
Qed.

End Ieee.

Arguments full_float {prec emax prec_pos prec_emax}.
