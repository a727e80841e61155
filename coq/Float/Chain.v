(** * One sum as a chain of fused multiply-adds

    Purpose: every sum of the production path is such a chain, its terms taken by increasing
      index of the argument; an order that decreases is an argument whose index decreases.
    Main definitions: [fma_chain].
    Depends on: [Arithmetic].
    Source: this project. *)
From Coq Require Import Reals.
From Hallmark.Float Require Import Arithmetic.

(** fma(x_{n-1}, y_{n-1}, ... fma(x_1, y_1, fma(x_0, y_0, a0))). *)
Fixpoint fma_chain {T : Type} (A : arith T) (n : nat) (x y : nat -> T) (a0 : T) : T :=
  match n with
  | O => a0
  | S k => a_fma A (x k) (y k) (fma_chain A k x y a0)
  end.

(** A chain looks only at the terms below its length. *)
Lemma fma_chain_ext {T : Type} (A : arith T) n x y x' y' a0 :
  (forall k, (k < n)%nat -> x k = x' k) -> (forall k, (k < n)%nat -> y k = y' k) ->
  fma_chain A n x y a0 = fma_chain A n x' y' a0.
Proof.
intros samex samey; induction n as [|n IH]; simpl; [reflexivity|].
rewrite (samex n), (samey n), IH; auto.
Qed.
