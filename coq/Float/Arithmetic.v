(** * The arithmetic that a program runs in

    Purpose: a program is written once, over an arithmetic [A : arith T], and read twice: on the
      reals with one rounding per operation ([real_arith], what the theorems speak of) and on IEEE
      data ([Machine]).  This file gives the signature and the first reading.
    Main definitions: [arith], [rnd] (round to nearest, ties to even), [in_format], [uro] (unit
      roundoff), [eta] (half the smallest positive number), [real_arith].
    Depends on: Flocq: Core.
    Source: IEEE 754-2019, section 4.3.1; Flocq's FLT format. *)
From Coq Require Import ZArith Reals.
From Flocq Require Import Core.
Open Scope R_scope.

(** The operations that the production path uses. *)
Record arith (T : Type) := Arith {
  a_zero : T;
  a_one : T;
  a_opp : T -> T;
  a_add : T -> T -> T;
  a_sub : T -> T -> T;
  a_fma : T -> T -> T -> T;
  a_div : T -> T -> T }.
Arguments a_zero {T}.
Arguments a_one {T}.
Arguments a_opp {T}.
Arguments a_add {T}.
Arguments a_sub {T}.
Arguments a_fma {T}.
Arguments a_div {T}.

(** Rounding to nearest, ties to even, [prec] bits, gradual underflow at [2^emin], no overflow. *)
Definition rnd (emin prec : Z) (x : R) : R := round radix2 (FLT_exp emin prec) ZnearestE x.

(** The numbers of that format, the exponent unbounded above. *)
Definition in_format (emin prec : Z) (x : R) : Prop := generic_format radix2 (FLT_exp emin prec) x.

(** The unit roundoff. *)
Definition uro (prec : Z) : R := bpow radix2 (- prec).

(** Half the smallest positive number: the largest error of a rounding in the subnormal range. *)
Definition eta (emin : Z) : R := bpow radix2 (emin - 1).

(** The reals with one rounding per operation; changing a sign rounds nothing. *)
Definition real_arith (emin prec : Z) : arith R := {|
  a_zero := 0;
  a_one := 1;
  a_opp := Ropp;
  a_add := fun x y => rnd emin prec (x + y);
  a_sub := fun x y => rnd emin prec (x - y);
  a_fma := fun x y z => rnd emin prec (x * y + z);
  a_div := fun x y => rnd emin prec (x / y) |}.

(** The arithmetic of binary32, overflow apart. *)
Definition real32 : arith R := real_arith (-149) 24.

(** The arithmetic of binary64, overflow apart. *)
Definition real64 : arith R := real_arith (-1074) 53.

(** One rounding to binary32. *)
Notation rnd32 := (rnd (-149) 24).

(** One rounding to binary64. *)
Notation rnd64 := (rnd (-1074) 53).

(** The precision of binary32 is positive. *)
#[global] Instance prec32_gt_0 : Prec_gt_0 24.
Proof. reflexivity. Qed.

(** The precision of binary64 is positive. *)
#[global] Instance prec64_gt_0 : Prec_gt_0 53.
Proof. reflexivity. Qed.
