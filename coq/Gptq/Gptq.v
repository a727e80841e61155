(** * The GPTQ recursion: definitions

    Purpose: the algorithm as a relation between weights, factor and codes, in the four forms that
      the theorems relate.
    Main definitions: [comp] (the compensated weight u_j), [is_gptq] (the form used throughout),
      [gptq_upto] (the function that computes it), [is_textbook] (in-place updates with the inverse
      Cholesky rows), [is_static_inverse] (the pseudo-code with a fixed inverse, which is not
      GPTQ).
    Depends on: [Sums], [Matrix].
    Source: E. Frantar et al., GPTQ, arXiv 2210.17323, algorithm 1 (in-place form); J. Chee et al.,
      QuIP, arXiv 2307.13304, section 4 (feedback form). *)
From Coq Require Import Reals Arith.
From Hallmark.Gptq Require Import Sums Matrix.
Open Scope R_scope.

(** The compensated weight u_j = w_j + sum_{k<j} (w_k - q_k) U_kj. *)
Definition comp (U : mat) (w q : vec) (j : nat) : R := w j + bsum j (fun k => (w k - q k) * U k j).

(** The codes q are those of GPTQ with factor U: q_j rounds u_j, column after column. *)
Definition is_gptq (n : nat) (Q : nat -> R -> R) (U : mat) (w q : vec) : Prop :=
  forall j, (j < n)%nat -> q j = Q j (comp U w q j).

(** The first [n] codes of GPTQ, as a function of the weights. *)
Fixpoint gptq_upto (n : nat) (Q : nat -> R -> R) (U : mat) (w : vec) : vec :=
  match n with
  | O => fun _ => 0
  | S k =>
      let q := gptq_upto k Q U w in
      fun j => if Nat.eqb j k then Q k (comp U w q k) else q j
  end.

(** The in-place update alone: u_j = w_j - sum_{k<j} (u_k - q_k) V_kj, for any codes q. *)
Definition is_inplace (n : nat) (V : mat) (w u q : vec) : Prop :=
  forall j, (j < n)%nat -> u j = w j - bsum j (fun k => (u k - q k) * V k j).

(** The textbook form: in-place updates, each code rounding the updated weight. *)
Definition is_textbook (n : nat) (Q : nat -> R -> R) (V : mat) (w u q : vec) : Prop :=
  forall j, (j < n)%nat ->
    u j = w j - bsum j (fun k => (u k - q k) * V k j) /\ q j = Q j (u j).

(** The pseudo-code with the rows of one fixed inverse, never updated, and their own diagonal. *)
Definition is_static_inverse (n : nat) (Q : nat -> R -> R) (Hinv : mat) (w u q : vec) : Prop :=
  forall j, (j < n)%nat ->
    u j = w j - bsum j (fun k => (u k - q k) / Hinv k k * Hinv k j) /\ q j = Q j (u j).
