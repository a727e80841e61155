(** * The factorization H = U D U^T as a program

    Purpose: from the last column back, as a blocked right-looking factorization runs: an entry
      starts at H_ij, subtracts C_ik U_jk for k decreasing from n - 1 to j + 1, each by one fma, and
      is kept unscaled as C_ij; then d_j = C_jj and U_ij is one division.
    Main definitions: [factor_entry], [factor_upto], [factor] (the program), [is_factor] (the
      equations that it solves).
    Depends on: [Arithmetic], [Chain].
    Source: the design's production path, section "Orders". *)
From Coq Require Import Reals Arith.
From Hallmark.Float Require Import Arithmetic Chain.

Section Program.

Context {T : Type}.
Variable A : arith T.
Variable n : nat.
Variable H : nat -> nat -> T.

(** C_ij = fma(-C_i,j+1, U_j,j+1, ... fma(-C_i,n-1, U_j,n-1, H_ij)). *)
Definition factor_entry (C U : nat -> nat -> T) (i j : nat) : T :=
  fma_chain A (n - 1 - j)
    (fun m => a_opp A (C i (n - 1 - m)%nat)) (fun m => U j (n - 1 - m)%nat) (H i j).

(** Column [j] of U from column [j] of C. *)
Definition scaled_column (c : nat -> T) (j i : nat) : T :=
  if Nat.ltb i j then a_div A (c i) (c j)
  else if Nat.eqb i j then a_one A else a_zero A.

(** The last [p] columns of C and U, finished from the last one back. *)
Fixpoint factor_upto (p : nat) : (nat -> nat -> T) * (nat -> nat -> T) :=
  match p with
  | O => (fun _ _ => a_zero A, fun _ _ => a_zero A)
  | S p' =>
      let CU := factor_upto p' in
      let j := (n - 1 - p')%nat in
      let c := fun i => factor_entry (fst CU) (snd CU) i j in
      (fun i k => if Nat.eqb k j then c i else fst CU i k,
       fun i k => if Nat.eqb k j then scaled_column c j i else snd CU i k)
  end.

(** The unscaled columns C. *)
Definition factor_C : nat -> nat -> T := fst (factor_upto n).

(** The unit upper triangular factor U. *)
Definition factor_U : nat -> nat -> T := snd (factor_upto n).

(** The pivots d. *)
Definition factor_d (j : nat) : T := factor_C j j.

(** The equations of the factorization; they determine C, U and d from H. *)
Record is_factor (C U : nat -> nat -> T) (d : nat -> T) : Prop := {
  factor_column : forall i j, (i <= j < n)%nat -> C i j = factor_entry C U i j;
  factor_pivot : forall j, (j < n)%nat -> d j = C j j;
  factor_scale : forall i j, (i < j < n)%nat -> U i j = a_div A (C i j) (d j);
  factor_one : forall j, (j < n)%nat -> U j j = a_one A;
  factor_low : forall i j, (j < i < n)%nat -> U i j = a_zero A }.

End Program.

Arguments factor_column {T A n H C U d}.
Arguments factor_pivot {T A n H C U d}.
Arguments factor_scale {T A n H C U d}.
Arguments factor_one {T A n H C U d}.
Arguments factor_low {T A n H C U d}.
