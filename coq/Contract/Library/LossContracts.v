(** * The contracts on losses, registered

    Purpose: what [Statements] says of losses, as a run meets it.
    Main definitions: [registered_LossContracts].
    Depends on: [Statements], [Sound], [Question], [Registration].
    Source: this project. *)
From Coq Require Import ZArith List String.
From Hallmark.Contract Require Import Syntax Text Statements Sound Question Registration.
Import ListNotations.
Open Scope string_scope.

Definition registered_LossContracts : list registration := [
  Registered error_identity error_identity_sound InTests (16, 14)
    (one_and_two error_identity 3 [] [] [] [row_is "d" one; row_is "q" zero; row_is "w" one; upper_is zero]);
  Registered error_identity_residual error_identity_residual_sound InTests (16, 12)
    (one_and_two error_identity_residual 2 [] [] []
       [row_is "d" one; row_is "q" zero; row_is "w" one; upper_is zero; matrix_is "H" one]);
  Registered loss_enclosure_contract loss_enclosure_sound ByJudge (20, 14)
    (one_and_two loss_enclosure_contract 8 [row_vector "y"; ("E", IsMatrix "n" "n")] []
       (instance half ++ [scalar_is "N" one; scalar_is "rho" one; scalar_is "g" zero; matrix_is "E" zero;
        residual_free] ++ gram_free ++ [pulled "e" "y" (Vector "e" "k"); row_is "t" half])
       (instance zero ++ [scalar_is "N" one; scalar_is "rho" two; scalar_is "g" zero; matrix_is "E" zero;
        residual_free] ++ gram_free ++ [row_is "t" (Rational 9 1); row_is "e" (Rational 8 1)]));
  Registered gptq_bound gptq_bound_sound InTests (16, 12)
    (one_and_two gptq_bound 6 [row_vector "t"] ["u"] errors_free
       [row_is "d" one; row_is "q" zero; row_is "w" one; upper_is zero; row_is "r" zero]);
  Registered gptq_bound_emitted gptq_bound_emitted_sound ByJudge (125, 19)
    (one_and_two gptq_bound_emitted 6
       [row_vector "t"; row_vector "y"; ("E", IsMatrix "n" "n")] ["u"]
       (instance zero ++ errors_free ++ residual_eighth ++ [difference_of "h" "y" "delta"])
       (instance zero ++ residual_eighth ++ [row_is "q" zero; row_is "w" one; row_is "u" one;
         row_is "v" one; row_is "h" zero; row_is "delta" zero]));
  Registered guard_row guard_row_sound ByJudge (93, 14)
    (one_and_two guard_row 5 [] []
       [row_is "w" (Rational 1 4); row_is "g" zero; row_is "r" one]
       [row_is "w" (Rational 1 4); row_is "g" zero; row_is "r" one; row_is "q" (Rational 9 1); matrix_is "G" one]);
  Registered guard_total guard_total_sound ByJudge (19, 15)
    (one_and_two guard_total 1 [] [] [] []);
  Registered two_columns two_columns_sound InTests (17, 18)
    (one_and_two two_columns 3 [row_vector "t"; row_vector "s"] ["u"]
       (errors_free ++ [difference_of "r" "u" "s"])
       [row_is "d" one; row_is "w" zero; row_is "r" zero; upper_is zero]);
  Registered rtn_when_no_calibration rtn_when_no_calibration_sound ByJudge (292, 12)
    (map (fun question =>
       let '(k, removed) := question in
       Question rtn_when_no_calibration (decimal_nat k)
         (fun x => if String.eqb x "n" then k else O) removed [] [] [] []) [(1, 7); (2, 6)]%nat);
  Registered transfer transfer_sound InTests (16, 12)
    (one_and_two transfer 5 [row_vector "t"] [] [scalar_is "eps" half; pulled "e" "t" (Vector "e" "k")]
       [scalar_is "eps" half; row_is "e" one; row_is "d" (Rational (-1) 1); upper_is zero; matrix_is "G" one])].
