(** * The published theorems about the extracted checker: T13

    Purpose: what hallmark-check's answer means for the real numbers behind the words.  Headline.v
      explains the words used.
    Main results: the names that begin with T13.
    Depends on: Check, Gptq/Matrix, Gptq/Guard.
    Source: each proof names the lemma that does it. *)
From Coq Require Import Reals List Lra.
From Hallmark.Gptq Require Import Matrix Guard.
From Hallmark.Check Require Checker CheckerProof Witness.
Open Scope R_scope.

(** ** T13: the checker

    [accepts] is the function that is extracted as hallmark-check.  It reads the words of a bundle:
    weights and scales in binary32, a Gram matrix in binary64, GF16 codes, and enclosures of each
    row's losses.  If it returns true, then every row keeps what [row_sound] lists about the real
    numbers that the words stand for: finite words, a positive scale, loss_G of the codes at most
    loss_G of round-to-nearest (which the checker computes itself), both losses inside their
    enclosures, and in a row that claims to be round-to-nearest, those codes and their half gap. *)
Theorem T13_checker b : Checker.accepts b = true ->
  (0 < length (Checker.rows b))%nat /\
  forall i, (i < length (Checker.rows b))%nat ->
    CheckerProof.row_sound (Checker.columns b) (CheckerProof.gram_of b) (CheckerProof.row_at b i).
Proof. exact (CheckerProof.T13_checker b). Qed.

(** The matrix: the codes lose no more than round-to-nearest, summed over the rows. *)
Theorem T13_checker_total b : Checker.accepts b = true ->
  let total point := matrix_qform (length (Checker.rows b)) (Checker.columns b)
    (CheckerProof.gram_of b)
    (fun i => vsub (CheckerProof.weight_row (CheckerProof.row_at b i))
                   (point (CheckerProof.row_at b i))) in
  total CheckerProof.point_row <= total CheckerProof.rtn_row.
Proof. exact (CheckerProof.T13_checker_total b). Qed.

(** Witness: a bundle of two rows is accepted, and its second row loses 11 times less than
    round-to-nearest; with one bit of one code flipped it is rejected at that row. *)
Lemma T13_witness :
  Checker.accepts Check.Witness.witness = true /\
  11 * CheckerProof.final_loss 3 (CheckerProof.gram_of Check.Witness.witness)
         Hallmark.Check.Witness.witness_gptq
  < CheckerProof.rtn_loss 3 (CheckerProof.gram_of Check.Witness.witness)
      Hallmark.Check.Witness.witness_gptq.
Proof. exact (conj Check.Witness.witness_accepted Check.Witness.witness_strict). Qed.

Lemma T13_flipped_witness :
  Checker.first_failure Check.Witness.flipped = Some (Checker.InRow 1 Checker.FinalOutside).
Proof. exact Check.Witness.witness_flipped_code. Qed.
