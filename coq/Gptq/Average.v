(** * T16: the points over which the average is taken, definitions

    Purpose: averages over the K^n points w0 + s ((2 i_j + 1) / (2 K) - 1/2), 0 <= i_j < K: in every
      column K equally spaced points of one step, symmetric about w0.
    Main definitions: [digit], [grid_point], [box_mean].
    Depends on: [Sums], [Matrix].
    Source: this project; the finite form of the uniform distribution of fractional parts. *)
From Coq Require Import Reals Arith.
From Hallmark.Gptq Require Import Sums Matrix.
Open Scope R_scope.

(** Digit j of the number p in base K: the points are numbered 0 .. K^n - 1 by their digits. *)
Definition digit (K j p : nat) : nat := (p / K ^ j) mod K.

(** The offset of point i among K points of a step s. *)
Definition grid_offset (s : R) (K i : nat) : R := s * ((2 * INR i + 1) / (2 * INR K) - 1 / 2).

(** Point number p around w0 with the step s j in column j. *)
Definition grid_point (s w0 : vec) (K p : nat) : vec :=
  fun j => w0 j + grid_offset (s j) K (digit K j p).

(** The mean of f over the K^n points. *)
Definition box_mean (K n : nat) (f : nat -> R) : R := bsum (K ^ n) f / INR (K ^ n).
