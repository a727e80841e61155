(** * The contracts on matrices, registered

    Purpose: what [Statements] says of the Gram matrix and of its factor, as a run meets it.
    Main definitions: [registered_MatrixContracts].
    Depends on: [Statements], [SoundEntry], [Sound], [Question], [Registration].
    Source: this project. *)
From Coq Require Import ZArith List String.
From Hallmark.Contract Require Import Syntax Text Statements SoundEntry Sound Question Registration.
Import ListNotations.
Open Scope string_scope.

Definition registered_MatrixContracts : list registration := [
  Registered gram_accumulation gram_accumulation_sound ByJudge (16, 12)
    (one_and_two gram_accumulation 1 [] [] [] []);
  Registered gram_bound gram_bound_sound ByJudge (1668, 14)
    (map (fun k => Question gram_bound (decimal_nat k)
       (fun x => if String.eqb x "n" then k else 1%nat) 3 [] []
       [tokens_are "x" one; All "j" n (All "t" m (Eq (Matrix "Y" "j" "t") one))]
       [tokens_are "x" one; row_is "G" (Rational 9 1)]) [1; 2]%nat);
  Registered factor_residual factor_residual_sound ByJudge (13, 12)
    (one_and_two factor_residual 0 [] []
       [scalar_is "f" (Rational 1 4); scalar_is "g" (Rational 1 3); scalar_is "a" one; scalar_is "b" one; row_is "d" one;
        row_is "y" half]
       [scalar_is "f" (Rational 1 4); scalar_is "g" (Rational 1 3); scalar_is "a" one; scalar_is "b" one; row_is "d" one;
        row_is "x" zero; row_is "y" zero]);
  Registered pivots pivots_sound ByJudge (21, 14)
    (one_and_two pivots 3 [] [] [] [])].
