(** * The compensated weights and the Gram matrix as programs

    Purpose: the two sums of the production path outside the factorization, in their fixed orders:
      the recurrence takes k increasing, the Gram matrix tokens increasing, each term by one fma.
    Main definitions: [weight_error] (e_k), [feedback] (r_j), [comp_float] (u'_j), [gram_float].
    Depends on: [Arithmetic], [Chain].
    Source: the design's production path, section "Orders". *)
From Coq Require Import Reals.
From Hallmark.Float Require Import Arithmetic Chain.

Section Programs.

Context {T : Type}.
Variable A : arith T.

(** The rounded error of one weight: e_k = fl(w_k - s_k g_k), by one fma, so that the product of
    the scale and the grid point enters exactly. *)
Definition weight_error (w s g : nat -> T) (k : nat) : T := a_fma A (a_opp A (s k)) (g k) (w k).

(** The feedback r_j: the chain of fma from 0 over increasing k < j of e_k U_kj. *)
Definition feedback (U : nat -> nat -> T) (e : nat -> T) (j : nat) : T :=
  fma_chain A j e (fun k => U k j) (a_zero A).

(** The computed compensated weight u'_j = fl(w_j + r_j). *)
Definition comp_float (U : nat -> nat -> T) (w s g : nat -> T) (j : nat) : T :=
  a_add A (w j) (feedback U (weight_error w s g) j).

(** The computed Gram matrix: the chain of fma from 0 over increasing tokens of x_at x_bt. *)
Definition gram_float (m : nat) (X : nat -> nat -> T) (a b : nat) : T :=
  fma_chain A m (X a) (X b) (a_zero A).

End Programs.
