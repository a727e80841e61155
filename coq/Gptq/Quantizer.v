(** * Scalar quantizers: definitions

    Purpose: what the theorems ask of a rounding function.  A row has one quantizer per column,
      [Q : nat -> R -> R], so that steps and scales may change from column to column.
    Main definitions: [nearest], [mono], [half_step], [half_even_ties], [nearest_multiple], [rtn].
    Depends on: [Matrix].
    Source: round-to-nearest as in E. Frantar et al., GPTQ, arXiv 2210.17323. *)
From Coq Require Import Reals.
From Hallmark.Gptq Require Import Matrix.
Open Scope R_scope.

(** [Q x] is a point of the range of [Q] nearest to [x]. *)
Definition nearest (Q : R -> R) : Prop := forall x y, Rabs (x - Q x) <= Rabs (x - Q y).

(** [Q] is monotone. *)
Definition mono (Q : R -> R) : Prop := forall x y, x <= y -> Q x <= Q y.

(** [Q] moves no number by more than half the step [s]. *)
Definition half_step (s : R) (Q : R -> R) : Prop := forall x, Rabs (x - Q x) <= s / 2.

(** Both midpoints next to zero round to zero, as they do under ties-to-even. *)
Definition half_even_ties (s : R) (Q : R -> R) : Prop := Q (s / 2) = 0 /\ Q (- (s / 2)) = 0.

(** [Q] rounds to nearest on the multiples of [s], whatever its tie rule. *)
Definition nearest_multiple (s : R) (Q : R -> R) : Prop :=
  forall x, (exists z : Z, Q x = s * IZR z) /\ Rabs (x - Q x) <= s / 2.

(** [Q] returns the integer nearest to [x] whenever that integer is unique, whatever its tie rule.
    *)
Definition near_int (Q : R -> R) : Prop := forall x z, Rabs (x - IZR z) < 1 / 2 -> Q x = IZR z.

(** Round-to-nearest of a row: each weight by the quantizer of its column. *)
Definition rtn (Q : nat -> R -> R) (w : vec) : vec := fun j => Q j (w j).
