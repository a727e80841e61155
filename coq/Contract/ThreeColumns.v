(** * The comparison with three columns, for the solvers

    Purpose: T4 stops at two columns.  This goal asks for a row of three weights that GPTQ makes
      worse than round-to-nearest, with the factor of T5 fixed and codes -1, 0, 1: it has a model,
      which tests/contracts replays in the exact oracle.
    Main definitions: [three_columns_goal].
    Main results: [three_columns_factor] (the numbers are those of Gptq/Counterexample),
      [three_columns_grid] (the grid conditions leave -1, 0 and 1).
    Depends on: [Question], [PrintSmt], Gptq/Counterexample.
    Source: this project. *)
From Coq Require Import ZArith Reals Lra Lia List String.
From Hallmark Require Import Gptq.Concrete Gptq.Counterexample.
From Hallmark Require Import Contract.Syntax Contract.Denotation Contract.Definitions Contract.Statements.
From Hallmark Require Import Contract.Text Contract.Question Contract.PrintSmt.
Import ListNotations.
Open Scope string_scope.

(** The factor and the pivots, as quotients of integers. *)
Definition three_columns_entry (i j : nat) : Z * positive :=
  match (3 * i + j)%nat with
  | 0%nat | 4%nat | 8%nat => (1%Z, 1%positive)
  | 1%nat => (2%Z, 1%positive)
  | 5%nat => (1%Z, 4%positive)
  | _ => (0%Z, 1%positive)
  end.
Definition pivot_entry (j : nat) : Z * positive :=
  match j with 2%nat => (32%Z, 1%positive) | _ => (2%Z, 1%positive) end.

(** Their values. *)
Definition quotient (q : Z * positive) : R := (IZR (fst q) / IZR (Zpos (snd q)))%R.

Lemma three_columns_factor i j : (i < 3)%nat -> (j < 3)%nat ->
  quotient (three_columns_entry i j) = t5_U i j /\ quotient (pivot_entry j) = t5_d j.
Proof.
  intros ibelow jbelow; unfold quotient, t5_U, t5_d, rows, entries.
  destruct i as [|[|[|i]]]; [..|lia]; (destruct j as [|[|[|j]]]; [..|lia]); simpl; split; lra.
Qed.

(** The entries of the factor, defined. *)
Definition factor_fixed : list entry * list string :=
  let define a q := (a, app "define-fun" [constant a; "()"; "Real"; smt_rational (fst q) (snd q)]) in
  split (flat_map (fun i => map (fun j => define ("U", [i; j]) (three_columns_entry i j)) (seq 0 3))
           (seq 0 3)
         ++ map (fun j => define ("d", [j]) (pivot_entry j)) (seq 0 3))%list.

(** The codes x are -1, 0 or 1, and nearer to y than the other two. *)
Definition minus_one := Rational (-1) 1.
Definition ternary (x : string) : list formula := [
  All "j" n (Implies (Lt (Vector x "j") zero) (Eq (Vector x "j") minus_one));
  All "j" n (Implies (Lt zero (Vector x "j")) (Eq (Vector x "j") one)) ].
Definition ternary_nearest (y x : string) : list formula :=
  let q := Vector x "j" in
  let further p := Lt (Abs (Sub (Vector y "j") q)) (Abs (Sub (Vector y "j") p)) in
  flat_map (fun p => [All "j" n (Implies (Lt q p) (further p)); All "j" n (Implies (Lt p q) (further p))])
    [minus_one; zero; one].

Lemma three_columns_grid e x : all_true e (ternary x) ->
  forall j, (j < size e "n")%nat ->
    vector e x j = (-1)%R \/ vector e x j = 0%R \/ vector e x j = 1%R.
Proof.
  intros [low [high _]] j below; specialize (low j below); specialize (high j below).
  cbn -[IZR Rdiv] in low, high; destruct (Rtotal_order (vector e x j) (0 / 1)) as [neg|[null|pos]].
  - left; rewrite low by exact neg; lra.
  - right; left; rewrite null; lra.
  - right; right; rewrite high by exact pos; lra.
Qed.

(** All preconditions of [two_columns] but the last one, that there are at most two. *)
Definition three_columns_goal : file * string * string :=
  let g := Question two_columns "3" (all_sizes 3) 9 [] [] [] [] in
  goal_file g factor_fixed "T5_integer" "" "sat"
    (ternary "q" ++ ternary "r" ++ without 9 (pre two_columns)
     ++ ternary_nearest "u" "q" ++ ternary_nearest "w" "r").

(** The precondition left out. *)
Lemma three_columns_left_out : nth_error (pre two_columns) 9 = Some (Le (Count n) two).
Proof. reflexivity. Qed.
