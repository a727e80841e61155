(** * How a contract is put to the solvers

    Purpose: a solver is asked about a contract at fixed sizes.  A contract that it does not decide in
      time is asked about after a change of variables, or about an instance.
    Main definitions: [question], [one_and_two].
    Depends on: [Syntax], [Statements] (names and numbers), [Text].
    Source: this project. *)
From Coq Require Import ZArith List String.
From Hallmark Require Import Contract.Syntax Contract.Statements Contract.Text.
Import ListNotations.
Open Scope string_scope.

(** How a goal is put to the solvers: at which sizes; by which precondition its twin is short; and a
    change of variables for the goal and for the twin, which defines some inputs by others that stay
    free, or fixes them, so that the statement becomes that of an instance. *)
Record question := Question {
  about : contract;
  label : string;
  at_sizes : string -> nat;
  removed : nat;
  more : list (string * kind);
  free : list string;
  solved : list formula;
  twin : list formula
}.

(** ** Changes of variables *)

Definition half := Rational 1 2.

(** An input that is the same number everywhere, and the entries of U above its diagonal. *)
Definition scalar_is (x : string) (v : term) : formula := Eq (Scalar x) v.
Definition row_is (x : string) (v : term) : formula := All "j" n (Eq (Vector x "j") v).
Definition tokens_are (x : string) (v : term) : formula := All "t" m (Eq (Vector x "t") v).
Definition matrix_is (x : string) (v : term) : formula :=
  All "i" n (All "j" n (Eq (Matrix x "i" "j") v)).
Definition upper_is (v : term) : formula :=
  All "j" n (All "i" (before "j") (Eq (Matrix "U" "i" "j") v)).

(** x = y - z, column by column. *)
Definition difference_of (x y z : string) : formula :=
  All "j" n (Eq (Vector x "j") (Sub (Vector y "j") (Vector z "j"))).

(** x from y = x U + ..: x_j = y_j - sum_{k<j} e_k U_kj. *)
Definition pulled (x y : string) (e : term) : formula :=
  All "j" n (Eq (Vector x "j")
    (Sub (Vector y "j") (Sum "k" (before "j") (Mul e (Matrix "U" "k" "j"))))).

(** The weights from the compensated ones, and the codes from the compensated errors t. *)
Definition errors_free : list formula := [difference_of "q" "u" "t"; pulled "w" "u" (error "q" "k")].

(** H as U D U^T and a residual E. *)
Definition residual_free : formula :=
  All "i" n (All "j" n (Eq (Matrix "H" "i" "j") (Add udu_entry (Matrix "E" "i" "j")))).

(** G from H and the excess c. *)
Definition gram_free : list formula := [
  All "i" n (All "j" (before "i") (Eq (Matrix "G" "i" "j") (Mul half (Matrix "H" "i" "j"))));
  All "i" n (All "j" (before "i") (Eq (Matrix "G" "j" "i") (Mul half (Matrix "H" "j" "i"))));
  All "i" n (Eq (Matrix "G" "i" "i") (Mul half (Sub (Matrix "H" "i" "i") (Vector "c" "i"))))].

(** The factor with ones in D and the same number everywhere above the diagonal of U. *)
Definition instance (upper : term) : list formula :=
  unit_upper_triangular ++ [upper_is upper; row_is "d" one].

(** A residual of 1/8 everywhere, which is its bound. *)
Definition residual_eighth : list formula := [
  scalar_is "g" (Rational 1 8); row_is "a" one; matrix_is "E" (Rational 1 8); residual_free].

(** All sizes equal. *)
Definition all_sizes (k : nat) : string -> nat := fun _ => k.

(** The same question at sizes 1 and 2. *)
Definition one_and_two (c : contract) (removed : nat) (more : list (string * kind))
    (free : list string) (solved twin : list formula) : list question :=
  map (fun k => Question c (decimal_nat k) (all_sizes k) removed more free solved twin) [1; 2]%nat.
