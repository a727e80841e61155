(** * The published theorems

    Purpose: every theorem that the product refers to, restated in full, T1 to T30 of
      docs/design.md, section 2.  They stand in the parts below, a paragraph of prose before each;
      a witness lemma follows: a concrete instance in which the hypotheses hold and the conclusion
      says something.
    Main results: all; coq/theorems.txt lists them, and tools/check_proofs.sh compares.
    Nothing is defined here and nothing is proved here: each proof names the lemma that does it.
    Depends on: every file of the folder Headline; tools/check_proofs.sh compares that, too.
    Source: each proof names the lemma that does it.

    The words used.  A row of weights w and its codes q are vectors ([vec], functions of the
    column); [vsub w q] is w - q.  [qform n H v] is v H v^T.  [gram m X] is G = X X^T for m tokens,
    [hess lam G] is H = 2 G + lam I, [loss n m X v] is |v X|^2 = v G v^T, [trace n H] is tr H.
    [bsum n f] is f 0 + ... + f (n - 1).
    [udu n H U d] says H = U diag(d) U^T with U unit upper triangular ([unit_upper n U]);
    [nonneg n d] says d >= 0; [recon n U d] is U diag(d) U^T, and [resid n H U d] is
    H - U diag(d) U^T.
    A quantizer [Q : nat -> R -> R] has one rounding function per column; [every Q] is the same one
    in each.  [comp U w q j] is the compensated weight u_j = w_j + sum_{k<j} (w_k - q_k) U_kj, and
    [is_gptq n Q U w q] says q_j = Q j u_j for every column: q are GPTQ's codes of the row w.
    [rtn Q w] are the codes of round-to-nearest, Q j w_j.
    Of a rounding function: [nearest Q], no point of its range is nearer than Q x; [half_step s Q],
    |x - Q x| <= s/2; [half_even_ties s Q], both s/2 and -s/2 go to 0; [nearest_multiple s Q], Q x
    is a multiple of s with |x - Q x| <= s/2, any tie rule; [near_int Q], the integer within less
    than 1/2 of x is returned; [rne s], round to the multiples of s, ties to even. *)

(** GPTQ in exact arithmetic: the ground, T1, T2, T3, T3b, T4, T5, T6. *)
From Hallmark.Headline Require Export Exact.

(** Around one run of it: other data, errors, the static inverse, the average, the best of several
    runs: T8, T9, T10, T16, T17. *)
From Hallmark.Headline Require Export Variations.

(** Better codes for the same Gram matrix: T19, T20, T21, T25. *)
From Hallmark.Headline Require Export Descent.

(** Targets, bases, averages, rates and corrections: T23, T24, T26, T27, T28. *)
From Hallmark.Headline Require Export Targets.

(** The format and its codec: T7, T12. *)
From Hallmark.Headline Require Export Format.

(** Packed codes and the layouts of files: T29. *)
From Hallmark.Headline Require Export Packed.

(** Rounding errors of the program: T11, T15, T22. *)
From Hallmark.Headline Require Export Float.

(** The codes that the program emits, and the guard: T7 + T9 + T11 + T15. *)
From Hallmark.Headline Require Export Codes.

(** Enclosures and the certificate's bound as they are evaluated: T30. *)
From Hallmark.Headline Require Export Evaluated.

(** The promise on activations, for Gram matrices summed in any order: T18. *)
From Hallmark.Headline Require Export Activations.

(** The extracted checker: T13. *)
From Hallmark.Headline Require Export Check.

(** The test of significance: T14. *)
From Hallmark.Headline Require Export Stats.
