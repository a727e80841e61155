(** * The certificate's bound as a program

    Purpose: what src/certify/certificate_observer.cpp evaluates for a row, operation by operation:
      the errors, two kinds of norms enlarged by 1 + 2^-20, three sums over the columns in the
      processing order, and from them the two ends of an enclosure of the bound.
    Main definitions: [bound_error], [bound_norm], [bound_reach] (a column), [bound_squares],
      [bound_excess] (the sums beside [guard_size]), [bound_lo], [bound_hi] (the ends).
    Depends on: [FullArithmetic], [RoundedSum], [GuardProgram], [FusedProgram].
    Source: docs/certificate.md; src/certify/certificate_observer.cpp, column_squares.hpp. *)
From Coq Require Import ZArith Reals.
From Hallmark.Float Require Import Arithmetic FullArithmetic RoundedSum GuardProgram FusedProgram.

Section Row.

Context {T : Type}.
Variable A : full_arith T.

(** w_j - s_j g_j; the product of two numbers of binary32 is exact in binary64. *)
Definition bound_error (w s g : nat -> T) (j : nat) : T := a_sub A (w j) (a_mul A (s j) (g j)).

(** The root of the sum of n squares, times 1 + 2^-20. *)
Definition bound_norm (n : nat) (x : nat -> T) : T :=
  a_mul A (a_sqrt A (sum_chain A n (fun k => a_mul A (x k) (x k)))) (a_lit A 1048577 (-20)).

(** The norm of U_0j .. U_(j-1)j. *)
Definition bound_column (U : nat -> nat -> T) (j : nat) : T := bound_norm j (fun k => U k j).

(** x (1 + x) times that norm, x = (j + 1) 2^-24, exact. *)
Definition bound_chain (U : nat -> nat -> T) (j : nat) : T :=
  let x := a_lit A (Z.of_nat j + 1) (-24) in
  a_mul A (a_mul A x (a_add A (a_lit A 1 0) x)) (bound_column U j).

(** (j + 1) 2^-148 (1 + norm). *)
Definition bound_under (U : nat -> nat -> T) (j : nat) : T :=
  a_mul A (a_lit A (Z.of_nat j + 1) (-148)) (a_add A (a_lit A 1 0) (bound_column U j)).

(** h_j + delta_j, N the norm of the row's errors, u the compensated weights. *)
Definition bound_reach (U : nat -> nat -> T) (N : T) (h u : nat -> T) (j : nat) : T :=
  a_add A
    (a_add A (a_add A (h j) (a_mul A (bound_chain U j) N))
       (a_mul A (a_lit A 1 (-24)) (a_abs A (u j))))
    (bound_under U j).

(** sum (d_j r_j) r_j. *)
Definition bound_squares (n : nat) (d r : nat -> T) : T :=
  sum_chain A n (fun j => a_mul A (a_mul A (d j) (r j)) (r j)).

(** sum (x_j e_j) e_j, x_j the rounded H_jj - 2 G_jj. *)
Definition bound_excess (n : nat) (h gg e : nat -> T) : T :=
  sum_chain A n (fun j => a_mul A (a_mul A (a_sub A (h j) (gg j)) (e j)) (e j)).

End Row.

Section Ends.

Context {T : Type}.
Variable A : full_arith T.
Variable n : nat.
Variables squares size excess : T.

(** The bound of the loss in H: squares + g' A A, g' as in binary32's enclosure ([fused_g]). *)
Definition bound_loss : T := a_add A squares (a_mul A (a_mul A (fused_g A n) size) size).

(** (n + 32) 2^-51 (loss + excess). *)
Definition bound_width : T :=
  a_mul A (a_lit A (Z.of_nat n + 32) (-51)) (a_add A bound_loss excess).

(** The lower end: (loss - excess) / 2 less the width, *)
Definition bound_lo : T := a_sub A (guard_value A bound_loss excess) bound_width.

(** and the upper one. *)
Definition bound_hi : T := a_add A (guard_value A bound_loss excess) bound_width.

End Ends.
