(** * The contracts on codes, registered

    Purpose: what [Statements] says of codes, as a run meets it.
    Main definitions: [registered_CodeContracts].
    Depends on: [Statements], [SoundEntry], [Question], [Registration].
    Source: this project. *)
From Coq Require Import ZArith List String.
From Hallmark.Contract Require Import Syntax Text Statements SoundEntry Question Registration.
Import ListNotations.
Open Scope string_scope.

Definition registered_CodeContracts : list registration := [
  Registered gf16_half_gap_contract gf16_half_gap_sound ByJudge (93, 12)
    (one_and_two gf16_half_gap_contract 4 [] [] [] []);
  Registered gf16_nearest_contract gf16_nearest_sound EveryRow (21, 12)
    (one_and_two gf16_nearest_contract 1 [] [] [] []);
  Registered idempotence idempotence_sound ByJudge (88, 12)
    (one_and_two idempotence 1 [] [] [] []);
  Registered exact_product exact_product_sound ByJudge (16, 12)
    (one_and_two exact_product 0 [] [] [] [])].
