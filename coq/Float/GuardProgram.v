(** * The guard's enclosure as a program

    Purpose: what src/method/loss.cpp evaluates for a row, operation by operation: the product of
      the errors with U, three sums over the columns, and from them the two ends between which the
      plain loss lies.
    Main definitions: [guard_product], [guard_squares], [guard_size], [guard_excess],
      [guard_absolute] (the sums); [guard_value], [guard_width], [guard_lo], [guard_hi].
    Depends on: [FullArithmetic], [Chain], [RoundedSum].
    Source: the design's section 3; src/method/loss.cpp. *)
From Coq Require Import ZArith Reals.
From Hallmark.Float Require Import Arithmetic Chain.
From Hallmark.Float Require Import FullArithmetic RoundedSum.

Section Sums.

Context {T : Type}.
Variable A : full_arith T.
Variable n : nat.

(** t_j: the chain of fma from 0 over increasing k <= j of e_k U_kj.  The kernel goes on through the
    zeros below the diagonal, which leave a chain where it is ([chain_zero_tail]). *)
Definition guard_product (U : nat -> nat -> T) (e : nat -> T) (j : nat) : T :=
  fma_chain A (S j) e (fun k => U k j) (a_zero A).

(** sum (d_j t_j) t_j. *)
Definition guard_squares (d t : nat -> T) : T :=
  sum_chain A n (fun j => a_mul A (a_mul A (d j) (t j)) (t j)).

(** sum |e_j| root_j, root_j the rounded root of H_jj. *)
Definition guard_size (h e : nat -> T) : T :=
  sum_chain A n (fun j => a_mul A (a_abs A (e j)) (a_sqrt A (h j))).

(** sum x_j (|e_j| |e_j|), x_j the rounded H_jj - 2 G_jj. *)
Definition guard_excess (h gg e : nat -> T) : T :=
  sum_chain A n (fun j => a_mul A (a_sub A (h j) (gg j)) (a_mul A (a_abs A (e j)) (a_abs A (e j)))).

(** sum |e_j|, of which the guard asks that it is at most 2^149. *)
Definition guard_absolute (e : nat -> T) : T := sum_chain A n (fun j => a_abs A (e j)).

End Sums.

Section Ends.

Context {T : Type}.
Variable A : full_arith T.
Variable n : nat.
Variables squares size excess : T.

(** g' = (n + 2) 2^-53; n + 2 and the product are exact. *)
Definition guard_g : T := a_lit A (Z.of_nat n + 2) (-53).

(** rho = g' A (1 + g'). *)
Definition guard_rho : T :=
  a_mul A (a_mul A guard_g size) (a_add A (a_lit A 1 0) guard_g).

(** (n + 8) 2^-52 (squares + excess) + 2 sqrt(squares) rho + rho rho + g' A A. *)
Definition guard_bound : T :=
  a_add A
    (a_add A
      (a_add A (a_mul A (a_lit A (Z.of_nat n + 8) (-52)) (a_add A squares excess))
         (a_mul A (a_mul A (a_lit A 2 0) (a_sqrt A squares)) guard_rho))
      (a_mul A guard_rho guard_rho))
    (a_mul A (a_mul A guard_g size) size).

(** bound / 2 (1 + 2^-20) + 2^-300. *)
Definition guard_width : T :=
  a_add A (a_mul A (a_mul A (a_lit A 1 (-1)) guard_bound) (a_lit A 1048577 (-20)))
    (a_lit A 1 (-300)).

(** (squares - excess) / 2. *)
Definition guard_value : T := a_mul A (a_lit A 1 (-1)) (a_sub A squares excess).

(** The lower end, *)
Definition guard_lo : T := a_sub A guard_value guard_width.

(** and the upper one. *)
Definition guard_hi : T := a_add A guard_value guard_width.

End Ends.
