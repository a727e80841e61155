(** * Vectors, matrices, quadratic forms and the U D U^T certificate: definitions

    Purpose: the objects of linear algebra that the theorems speak of.  Vectors are functions of
      one index and matrices functions of two; every definition names its size [n] and looks only
      at the indices below it.
    Main definitions: [qform] (v M v^T), [loss] (|v X|^2), [gram] (X X^T), [hess] (2 G + lambda I),
      [udu] (M = U D U^T with U unit upper triangular), [psd].
    Depends on: [Sums].
    Source: E. Frantar et al., GPTQ, arXiv 2210.17323, section 3, for the Hessian 2 X X^T + lambda
      I. *)
From Coq Require Import Reals Arith.
From Hallmark.Gptq Require Import Sums.
Open Scope R_scope.

Notation vec := (nat -> R).
Notation mat := (nat -> nat -> R).

(** The difference of two vectors; [vsub w q] is the rounding error of the row [w]. *)
Definition vsub (w q : vec) : vec := fun i => w i - q i.

(** The quadratic form v M v^T. *)
Definition qform (n : nat) (M : mat) (v : vec) : R :=
  bsum n (fun i => bsum n (fun j => v i * M i j * v j)).

(** The squared length of v X for an [n] by [m] matrix X of calibration tokens. *)
Definition loss (n m : nat) (X : mat) (v : vec) : R :=
  bsum m (fun k => (bsum n (fun i => v i * X i k)) ^ 2).

(** The Gram matrix X X^T of [m] tokens. *)
Definition gram (m : nat) (X : mat) : mat := fun i j => bsum m (fun k => X i k * X j k).

(** The damped Hessian 2 G + lambda I. *)
Definition hess (lam : R) (G : mat) : mat :=
  fun i j => 2 * G i j + (if Nat.eqb i j then lam else 0).

(** The trace of a matrix. *)
Definition trace (n : nat) (M : mat) : R := bsum n (fun i => M i i).

(** The diagonal matrix with diagonal [d]. *)
Definition diag (d : vec) : mat := fun i j => if Nat.eqb i j then d j else 0.

(** The product of two matrices. *)
Definition mmul (n : nat) (A B : mat) : mat := fun i j => bsum n (fun k => A i k * B k j).

(** The product v A of a row and a matrix. *)
Definition vmul (n : nat) (v : vec) (A : mat) : vec := fun j => bsum n (fun i => v i * A i j).

(** The product U D U^T for a diagonal [d]. *)
Definition recon (n : nat) (U : mat) (d : vec) : mat :=
  fun i j => bsum n (fun k => U i k * d k * U j k).

(** The residual M - U D U^T of a factor that need not be exact. *)
Definition resid (n : nat) (M U : mat) (d : vec) : mat := fun i j => M i j - recon n U d i j.

(** The product V M V^T. *)
Definition vmv (n : nat) (V M : mat) : mat :=
  fun i j => bsum n (fun a => bsum n (fun b => V i a * M a b * V j b)).

(** A matrix is symmetric. *)
Definition sym (n : nat) (M : mat) : Prop :=
  forall i j, (i < n)%nat -> (j < n)%nat -> M i j = M j i.

(** A matrix is positive semidefinite. *)
Definition psd (n : nat) (M : mat) : Prop := forall v, 0 <= qform n M v.

(** Every entry of a vector is nonnegative. *)
Definition nonneg (n : nat) (d : vec) : Prop := forall k, (k < n)%nat -> 0 <= d k.

(** A matrix is upper triangular with ones on its diagonal. *)
Definition unit_upper (n : nat) (U : mat) : Prop :=
  (forall i j, (j < i < n)%nat -> U i j = 0) /\ (forall i, (i < n)%nat -> U i i = 1).

(** The product U V is the identity. *)
Definition inv_pair (n : nat) (U V : mat) : Prop :=
  forall i j, (i < n)%nat -> (j < n)%nat ->
    bsum n (fun k => U i k * V k j) = if Nat.eqb i j then 1 else 0.

(** The certificate M = U D U^T with U unit upper triangular. *)
Record udu (n : nat) (M U : mat) (d : vec) : Prop := {
  udu_lo : forall i j, (j < i < n)%nat -> U i j = 0;
  udu_1 : forall i, (i < n)%nat -> U i i = 1;
  udu_eq : forall i j, (i < n)%nat -> (j < n)%nat ->
    M i j = bsum n (fun k => U i k * d k * U j k) }.

Arguments udu_lo {n M U d}.
Arguments udu_1 {n M U d}.
Arguments udu_eq {n M U d}.
