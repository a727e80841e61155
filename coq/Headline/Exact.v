(** * The published theorems about GPTQ in exact arithmetic: T1 to T6

    Purpose: the ground, the error identity (T1), the worst case (T2) and its comparison with
      round-to-nearest (T3, T3b), one and two columns (T4), the counterexample (T5), the guard (T6).
      Headline.v explains the words used.
    Main results: [hess_psd], [udu_exists], [gptq_exists], [gptq_unique], [cholesky_gptq],
      [nearest_mono]; the names that begin with T1 to T6.
    Depends on: the theorem files and witness files of Gptq, Format/GF16.
    Source: each proof names the lemma that does it. *)
From Coq Require Import Reals List Lra.
From Hallmark.Format Require Import GF16 IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Quantizer Gptq Concrete.
From Hallmark.Gptq Require Import Feedback Guard Counterexample PlainWorstCase.
From Hallmark.Gptq Require Factorization GptqFacts Textbook Identity Bound WorstCase TwoColumns.
From Hallmark.Gptq Require QuantizerFacts WitnessTheorems WitnessVariants.
Import ListNotations.
Open Scope R_scope.

(** ** The ground: every Hessian has the factorization, GPTQ has exactly one output

    The theorems below assume [udu n H U d] and [nonneg n d].  Neither is a restriction: the damped
    Hessian of any data is symmetric and positive semidefinite, and every such matrix, singular or
    not, has such a factorization. *)
Theorem hess_psd (n m : nat) (lam : R) (X : mat) : 0 <= lam ->
  sym n (hess lam (gram m X)) /\ psd n (hess lam (gram m X)).
Proof. exact (Factorization.hess_psd n m lam X). Qed.

Theorem udu_exists (n : nat) (H : mat) : sym n H -> psd n H ->
  exists U d, udu n H U d /\ nonneg n d.
Proof. exact (Factorization.udu_exists n H). Qed.

(** Witness: one token (1, 1).  Its Hessian is singular, (1, -1) loses nothing in it, and there is a
    factor with pivots 0 and 2. *)
Lemma ground_witness : let H := hess 0 (gram 1 WitnessVariants.flat_X) in
  sym 2 H /\ psd 2 H /\ qform 2 H (entries [1; -1]) = 0 /\ qform 2 H (entries [1; 1]) = 8 /\
  udu 2 H (rows [[1; 1]; [0; 1]]) (entries [0; 2]) /\ nonneg 2 (entries [0; 2]) /\
  exists U d, udu 2 H U d /\ nonneg 2 d.
Proof. exact WitnessVariants.ground_witness. Qed.

(** GPTQ's codes exist and are unique: [gptq_upto n Q U w] computes them column after column. *)
Theorem gptq_exists (n : nat) (Q : nat -> R -> R) (U : mat) (w : vec) :
  is_gptq n Q U w (gptq_upto n Q U w).
Proof. exact (GptqFacts.gptq_exists n Q U w). Qed.

Theorem gptq_unique (n : nat) (Q : nat -> R -> R) (U : mat) (w q q' : vec) :
  is_gptq n Q U w q -> is_gptq n Q U w q' -> forall j, (j < n)%nat -> q j = q' j.
Proof. exact (GptqFacts.gptq_unique n Q U w q q'). Qed.

(** Witness: on the row of T5 they are 0, 1, 0. *)
Lemma codes_witness (j : nat) : (j < 3)%nat ->
  gptq_upto 3 (every (rne 1)) t5_U (t5_w 0 1) j = entries [0; 1; 0] j.
Proof. exact (WitnessVariants.codes_witness j). Qed.

(** The form of GPTQ used here is the textbook's.  Let C be the upper triangular Cholesky factor of
    the inverse, H^-1 = C^T C, and let u, q come from the in-place algorithm that scatters the error
    of each column with the rows of C divided by their diagonal ([is_textbook]).  Then u are the
    compensated weights and q the codes of GPTQ.  Witness: such a C for the factor of T5 with pivots
    1, 4, 16, and the codes that both forms return. *)
Theorem cholesky_gptq (n : nat) (Q : nat -> R -> R) (H U : mat) (d : vec) (C : mat) (w u q : vec) :
  udu n H U d ->
  (forall i j, (j < i < n)%nat -> C i j = 0) -> (forall i, (i < n)%nat -> C i i <> 0) ->
  inv_pair n H (fun i j => bsum n (fun a => C a i * C a j)) ->
  is_textbook n Q (fun j k => C j k / C j j) w u q ->
  (forall j, (j < n)%nat -> u j = comp U w q j) /\ is_gptq n Q U w q.
Proof. exact (Textbook.cholesky_gptq n Q H U d C w u q). Qed.

Lemma textbook_witness :
  udu 3 WitnessTheorems.square_M t5_U (entries [1; 4; 16]) /\
  inv_pair 3 WitnessTheorems.square_M
    (fun i j => bsum 3 (fun a => WitnessTheorems.square_C a i * WitnessTheorems.square_C a j)) /\
  is_textbook 3 (every (rne 1))
    (fun j k => WitnessTheorems.square_C j k / WitnessTheorems.square_C j j)
    (t5_w 0 1) (comp t5_U (t5_w 0 1) (t5_q 0 1)) (t5_q 0 1).
Proof. exact WitnessTheorems.textbook_witness. Qed.

(** ** T1: the error identity

    For any codes q, from whatever rounding, the loss in H is a weighted sum of squares of the
    compensated errors.  This is what makes the loss of a row cost n multiplications, not n^2. *)
Theorem T1_identity (n : nat) (H U : mat) (d w q : vec) : udu n H U d ->
  qform n H (vsub w q) = bsum n (fun j => d j * (comp U w q j - q j) ^ 2).
Proof. exact (Identity.T1_identity n H U d w q). Qed.

(** Witness: on the row of T5 the three terms 2 (1/4)^2 + 2 (1/4)^2 + 32 (7/16)^2 make 51/8. *)
Lemma T1_witness : udu 3 (hess 0 (gram 3 t5_X)) t5_U t5_d /\
  qform 3 (hess 0 (gram 3 t5_X)) (vsub (t5_w 0 1) (t5_q 0 1))
  = bsum 3 (fun j => t5_d j * (comp t5_U (t5_w 0 1) (t5_q 0 1) j - t5_q 0 1 j) ^ 2) /\
  qform 3 (hess 0 (gram 3 t5_X)) (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 8.
Proof. exact WitnessTheorems.T1_witness. Qed.

(** A computed factor is not exact.  For any unit upper triangular U and any d the residual
    H - U D U^T enters, at the error w - q. *)
Theorem T1_identity_residual (n : nat) (H U : mat) (d w q : vec) : unit_upper n U ->
  qform n H (vsub w q) =
  bsum n (fun j => d j * (comp U w q j - q j) ^ 2) + qform n (resid n H U d) (vsub w q).
Proof. exact (Identity.T1_identity_residual n H U d w q). Qed.

(** The plain loss in a stored Gram matrix G, the formula of the guard: the residual is that of the
    damped H = 2 G + lam I, and the damping is subtracted. *)
Theorem T1_identity_plain_residual (n : nat) (G : mat) (lam : R) (U : mat) (d w q : vec) :
  unit_upper n U ->
  qform n G (vsub w q) =
  (bsum n (fun j => d j * (comp U w q j - q j) ^ 2)
   + qform n (resid n (hess lam G) U d) (vsub w q)
   - lam * bsum n (fun i => (w i - q i) ^ 2)) / 2.
Proof. exact (Identity.T1_identity_plain_residual n G lam U d w q). Qed.

(** Witness: pivots 2, 2, 31 in place of 2, 2, 32 leave a residual of 49/256 on that row. *)
Lemma T1_residual_witness :
  let H := hess 0 (gram 3 t5_X) in let d := WitnessTheorems.inexact_d in
  qform 3 H (vsub (t5_w 0 1) (t5_q 0 1))
  = bsum 3 (fun j => d j * (comp t5_U (t5_w 0 1) (t5_q 0 1) j - t5_q 0 1 j) ^ 2)
    + qform 3 (resid 3 H t5_U d) (vsub (t5_w 0 1) (t5_q 0 1)) /\
  qform 3 (resid 3 H t5_U d) (vsub (t5_w 0 1) (t5_q 0 1)) = 49 / 256.
Proof. exact WitnessTheorems.T1_residual_witness. Qed.

(** Witness: in the plain loss with damping 1 and those pivots the terms are 1583/256, 225/256 and
    11/16, and the loss is 51/16. *)
Lemma T1_plain_witness : let G := gram 3 t5_X in let w := t5_w 0 1 in let q := t5_q 0 1 in
  let d := WitnessTheorems.inexact_d in
  unit_upper 3 t5_U /\
  bsum 3 (fun j => d j * (comp t5_U w q j - q j) ^ 2) = 1583 / 256 /\
  qform 3 (resid 3 (hess 1 G) t5_U d) (vsub w q) = 225 / 256 /\
  1 * bsum 3 (fun i => (w i - q i) ^ 2) = 11 / 16 /\
  qform 3 G (vsub w q) = (1583 / 256 + 225 / 256 - 11 / 16) / 2 /\ qform 3 G (vsub w q) = 51 / 16.
Proof. exact WitnessVariants.T1_plain_witness. Qed.

(** ** T2: the worst case of GPTQ

    Where the compensated errors are at most r_j, the loss is at most sum_j d_j r_j^2.  The r_j may
    be measured after the fact, so that clipped columns are covered too. *)
Theorem T2_bound (n : nat) (H U : mat) (d w q r : vec) : udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> Rabs (comp U w q j - q j) <= r j) ->
  qform n H (vsub w q) <= bsum n (fun j => d j * r j ^ 2).
Proof. exact (Bound.T2_bound n H U d w q r). Qed.

(** On a grid of step s the loss is at most s^2/4 sum_j d_j, and so at most s^2/4 tr H. *)
Theorem T2_bound_step (n : nat) (H U : mat) (d w q : vec) (Q : nat -> R -> R) (s : R) :
  udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) -> is_gptq n Q U w q ->
  qform n H (vsub w q) <= s ^ 2 / 4 * bsum n d.
Proof. exact (Bound.T2_bound_step n H U d w q Q s). Qed.

Theorem T2_bound_trace (n : nat) (H U : mat) (d w q : vec) (Q : nat -> R -> R) (s : R) :
  udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) -> is_gptq n Q U w q ->
  qform n H (vsub w q) <= s ^ 2 / 4 * trace n H.
Proof. exact (Bound.T2_bound_trace n H U d w q Q s). Qed.

(** The first of these bounds cannot be improved: with ties to even it is the supremum, and it is
    attained ([Bound.T2_tight]). *)
Theorem T2_supremum (n : nat) (H U : mat) (d : vec) (Q : nat -> R -> R) (s : R) :
  udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) -> (forall j, (j < n)%nat -> Q j (s / 2) = 0) ->
  is_lub (fun x => exists w q, is_gptq n Q U w q /\ x = qform n H (vsub w q))
    (s ^ 2 / 4 * bsum n d).
Proof. exact (Bound.T2_supremum n H U d Q s). Qed.

(** Witness: on T5's data the loss 51/8 is below 9 = s^2/4 sum d, which some row reaches, and 9 is
    below 23/2 = s^2/4 tr H. *)
Lemma T2_witness : let H := hess 0 (gram 3 t5_X) in
  qform 3 H (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 8 /\
  51 / 8 <= 1 ^ 2 / 4 * bsum 3 t5_d /\ 1 ^ 2 / 4 * bsum 3 t5_d = 9 /\
  1 ^ 2 / 4 * trace 3 H = 23 / 2 /\
  (exists w q, is_gptq 3 (every (rne 1)) t5_U w q /\ qform 3 H (vsub w q) = 9).
Proof. exact WitnessTheorems.T2_witness. Qed.

(** ** T3: worst-case dominance over round-to-nearest

    Row by row GPTQ can lose more than round-to-nearest (T5).  In the worst case it cannot:
    with ties to even there is one row on which round-to-nearest loses at least what GPTQ loses on
    any. *)
Theorem T3_dominance (n : nat) (H U : mat) (d : vec) (Q : nat -> R -> R) (s : R) :
  udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w', forall w q, is_gptq n Q U w q ->
    qform n H (vsub w q) <= qform n H (vsub w' (rtn Q w')).
Proof. exact (WorstCase.T3_dominance n H U d Q s). Qed.

(** For every tie rule the same holds up to a factor as close to 1 as wanted. *)
Theorem T3_dominance_any_tie (n : nat) (H U : mat) (d : vec) (Q : nat -> R -> R) (s theta : R) :
  udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j x, (j < n)%nat -> Rabs x < s / 2 -> Q j x = 0) -> 0 < s -> 0 <= theta < 1 ->
  exists w', forall w q, is_gptq n Q U w q ->
    theta ^ 2 * qform n H (vsub w q) <= qform n H (vsub w' (rtn Q w')).
Proof. exact (WorstCase.T3_dominance_any_tie n H U d Q s theta). Qed.

(** Witness: ties upward, so that 1/2 goes to 1; some row of round-to-nearest loses at least
    729/100, (9/10)^2 of the most that GPTQ loses, 9. *)
Lemma T3_any_tie_witness : let H := hess 0 (gram 3 t5_X) in
  let Q := every WitnessVariants.round_up in
  ~ half_even_ties 1 WitnessVariants.round_up /\
  (exists w q, is_gptq 3 Q t5_U w q /\ qform 3 H (vsub w q) = 9) /\
  exists w', (forall w q, is_gptq 3 Q t5_U w q ->
      (9 / 10) ^ 2 * qform 3 H (vsub w q) <= qform 3 H (vsub w' (rtn Q w'))) /\
    729 / 100 <= qform 3 H (vsub w' (rtn Q w')).
Proof. exact WitnessVariants.T3_any_tie_witness. Qed.

(** In the plain loss it holds with an additive term for the damping, n lam s^2 / 8, which is zero
    when lam is. *)
Theorem T3_dominance_damped (n m : nat) (X : mat) (lam : R) (U : mat) (d : vec)
    (Q : nat -> R -> R) (s : R) :
  0 <= lam -> udu n (hess lam (gram m X)) U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w', forall w q, is_gptq n Q U w q ->
    loss n m X (vsub w q) <= loss n m X (vsub w' (rtn Q w')) + INR n * lam * s ^ 2 / 8.
Proof. exact (WorstCase.T3_dominance_damped n m X lam U d Q s). Qed.

(** Witness: with damping 1/4 on T5's data the term is 3/32; GPTQ loses 51/16 on one row, and so
    round-to-nearest at least 99/32 on some row. *)
Lemma T3_damped_witness : let Q := every (rne 1) in
  let U := WitnessVariants.damped_U in let d := WitnessVariants.damped_d in
  udu 3 (hess (1 / 4) (gram 3 t5_X)) U d /\ nonneg 3 d /\ is_gptq 3 Q U (t5_w 0 1) (t5_q 0 1) /\
  INR 3 * (1 / 4) * 1 ^ 2 / 8 = 3 / 32 /\
  exists w', (forall w q, is_gptq 3 Q U w q ->
      loss 3 3 t5_X (vsub w q) <= loss 3 3 t5_X (vsub w' (rtn Q w')) + 3 / 32) /\
    99 / 32 <= loss 3 3 t5_X (vsub w' (rtn Q w')).
Proof. exact WitnessVariants.T3_damped_witness. Qed.

(** Witness: on T5's data round-to-nearest loses at least 9 on one row, the most that GPTQ ever
    loses. *)
Lemma T3_witness : let H := hess 0 (gram 3 t5_X) in let Q := every (rne 1) in
  exists w',
  (forall w q, is_gptq 3 Q t5_U w q -> qform 3 H (vsub w q) <= qform 3 H (vsub w' (rtn Q w'))) /\
  9 <= qform 3 H (vsub w' (rtn Q w')).
Proof. exact WitnessTheorems.T3_witness. Qed.

(** Without that term the plain form is false under damping.  Three columns, lam = 16: on the row
    t3_w GPTQ loses 41052929/6287058, and round-to-nearest loses less on every row, at most 13/2.
    The theorem is its own witness: [rne 1] satisfies both hypotheses. *)
Theorem T3_plain_false (Q : R -> R) : half_step 1 Q -> Q (1 / 2) = 0 ->
  udu 3 (hess 16 (gram 3 t3_X)) t3_U t3_d /\ is_gptq 3 (every Q) t3_U t3_w t3_q /\
  forall w', loss 3 3 t3_X (vsub w' (rtn (every Q) w')) < loss 3 3 t3_X (vsub t3_w t3_q).
Proof. exact (PlainWorstCase.T3_plain_false Q). Qed.

(** ** T3b: no linear feedback has a smaller worst case

    Replace GPTQ's factor U by any unit upper triangular F: the codes are q_j = Q j (w_j + sum_{k<j}
    (w_k - q_k) F_kj), which is [is_gptq n Q F w q].  F = I is round-to-nearest.  With
    P = F^-1 U ([feedback_ratio n F U]) some row loses at least s^2/4 tr(P D P^T), *)
Theorem T3b_feedback_lower_bound (n : nat) (H U : mat) (d : vec) (F : mat) (Q : nat -> R -> R)
    (s : R) :
  udu n H U d -> unit_upper n F -> (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w q, is_gptq n Q F w q /\
    s ^ 2 / 4 * trace n (recon n (feedback_ratio n F U) d) <= qform n H (vsub w q).
Proof. exact (Feedback.T3b_feedback_lower_bound n H U d F Q s). Qed.

(** and that trace is at least sum_j d_j, because P is unit upper triangular, *)
Theorem T3b_trace_ge_sum_d (n : nat) (P : mat) (d : vec) : unit_upper n P -> nonneg n d ->
  bsum n d <= trace n (recon n P d).
Proof. exact (Feedback.T3b_trace_ge_sum_d n P d). Qed.

(** so that on one row the feedback F loses at least as much as GPTQ loses on any row. *)
Theorem T3b_minimax (n : nat) (H U : mat) (d : vec) (F : mat) (Q : nat -> R -> R) (s : R) :
  udu n H U d -> nonneg n d -> unit_upper n F ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w' q', is_gptq n Q F w' q' /\ forall w q, is_gptq n Q U w q ->
    qform n H (vsub w q) <= qform n H (vsub w' q').
Proof. exact (Feedback.T3b_minimax n H U d F Q s). Qed.

(** Witness: an F that is neither I nor U loses at least 21/2 on one row, and GPTQ at most 9 on
    all. *)
Lemma T3b_witness : let H := hess 0 (gram 3 t5_X) in let Q := every (rne 1) in
  (exists w q, is_gptq 3 Q WitnessTheorems.other_F w q /\ 21 / 2 <= qform 3 H (vsub w q)) /\
  (forall w q, is_gptq 3 Q t5_U w q -> qform 3 H (vsub w q) <= 9).
Proof. exact WitnessTheorems.T3b_witness. Qed.

(** ** T4: one and two columns

    Every nearest-point rounding is monotone, whatever its grid and its tie rule; *)
Theorem nearest_mono (Q : R -> R) : nearest Q -> mono Q.
Proof. exact (QuantizerFacts.nearest_mono Q). Qed.

(** with one column GPTQ is round-to-nearest; *)
Theorem T4_one_column (Q : nat -> R -> R) (U : mat) (w q : vec) :
  is_gptq 1 Q U w q -> q 0%nat = rtn Q w 0%nat.
Proof. exact (TwoColumns.T4_one_column Q U w q). Qed.

(** and with two columns it never loses more than round-to-nearest, in the loss of H *)
Theorem T4_two_columns (H U : mat) (d : vec) (Q : nat -> R -> R) (w q : vec) :
  udu 2 H U d -> nonneg 2 d -> nearest (Q 1%nat) ->
  is_gptq 2 Q U w q -> qform 2 H (vsub w q) <= qform 2 H (vsub w (rtn Q w)).
Proof. exact (TwoColumns.T4_two_columns H U d Q w q). Qed.

(** or, for every damping, in the plain loss. *)
Theorem T4_two_columns_plain (m : nat) (X : mat) (lam : R) (U : mat) (d : vec)
    (Q : nat -> R -> R) (w q : vec) :
  0 <= lam -> udu 2 (hess lam (gram m X)) U d -> nonneg 2 d -> nearest (Q 1%nat) ->
  is_gptq 2 Q U w q -> loss 2 m X (vsub w q) <= loss 2 m X (vsub w (rtn Q w)).
Proof. exact (TwoColumns.T4_two_columns_plain m X lam U d Q w q). Qed.

(** Witness: two columns with damping 2, where GPTQ's plain loss is 657/800 and that of
    round-to-nearest 1217/800. *)
Lemma T4_witness : let w := entries [3 / 8; 2 / 5] in let q := entries [0; 1] in
  let X := WitnessTheorems.two_X in let U := WitnessTheorems.two_U in
  let d := WitnessTheorems.two_d in
  let Q := every (rne 1) in
  udu 2 (hess 2 (gram 2 X)) U d /\ nonneg 2 d /\ is_gptq 2 Q U w q /\
  loss 2 2 X (vsub w q) <= loss 2 2 X (vsub w (rtn Q w)) /\
  loss 2 2 X (vsub w q) = 657 / 800 /\ loss 2 2 X (vsub w (rtn Q w)) = 1217 / 800.
Proof. exact WitnessTheorems.T4_witness. Qed.

(** Witness: the same instance in the loss of H, 423/160 against 583/160; its first column alone,
    where GPTQ and round-to-nearest agree; the grid of integers is nearest-point and monotone. *)
Lemma T4_form_witness : let w := entries [3 / 8; 2 / 5] in let q := entries [0; 1] in
  let H := hess 2 (gram 2 WitnessTheorems.two_X) in let Q := every (rne 1) in
  nearest (rne 1) /\ mono (rne 1) /\
  qform 2 H (vsub w q) <= qform 2 H (vsub w (rtn Q w)) /\
  qform 2 H (vsub w q) = 423 / 160 /\ qform 2 H (vsub w (rtn Q w)) = 583 / 160 /\
  is_gptq 1 Q WitnessTheorems.two_U w q /\ q 0%nat = rtn Q w 0%nat.
Proof. exact WitnessVariants.T4_form_witness. Qed.

(** ** T5: with three columns GPTQ <= RTN is false

    Tokens X = [[1,2,0],[0,1,1],[0,0,4]] ([t5_X]), no damping, weights
    [t5_w b h] = (b + h/4, b + h/4, b - h/4) around a grid point b with step h, GPTQ's codes
    [t5_q b h] = (b, b + h, b), those of round-to-nearest [t5_r b] = (b, b, b), compensated weights
    [t5_u b h] = (b + h/4, b + 3h/4, b - 7h/16).  On the integers (b = 0, h = 1), for every tie
    rule, GPTQ loses 51/16 and round-to-nearest 19/16. *)
Theorem T5_integer (Q : R -> R) : near_int Q ->
  is_gptq 3 (every Q) t5_U (t5_w 0 1) (t5_q 0 1) /\
  (forall j, (j < 3)%nat -> comp t5_U (t5_w 0 1) (t5_q 0 1) j = t5_u 0 1 j) /\
  (forall j, (j < 3)%nat -> rtn (every Q) (t5_w 0 1) j = t5_r 0 j) /\
  loss 3 3 t5_X (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 16 /\
  loss 3 3 t5_X (vsub (t5_w 0 1) (rtn (every Q) (t5_w 0 1))) = 19 / 16.
Proof. exact (Counterexample.T5_integer Q). Qed.

(** On GF16 around b = 3/2, where the step is 1/512: w = (3073, 3073, 3071)/2048, 51/2^22 against
    19/2^22. *)
Theorem T5_gf16 : let b := 3 / 2 in let h := 1 / 512 in
  is_gptq 3 (every gf16_round) t5_U (t5_w b h) (t5_q b h) /\
  (forall j, (j < 3)%nat -> comp t5_U (t5_w b h) (t5_q b h) j = t5_u b h j) /\
  (forall j, (j < 3)%nat -> rtn (every gf16_round) (t5_w b h) j = t5_r b j) /\
  loss 3 3 t5_X (vsub (t5_w b h) (t5_q b h)) = 51 / 4194304 /\
  loss 3 3 t5_X (vsub (t5_w b h) (rtn (every gf16_round) (t5_w b h))) = 19 / 4194304.
Proof. exact Counterexample.T5_gf16. Qed.

(** Hence the proposed inequality is refuted, [proposed_comparison Q] being: for every size, data,
    factor of the undamped H, row and codes of GPTQ, loss (w - q) <= loss (w - rtn w). *)
Theorem T5_comparison_is_false_integer (Q : R -> R) : near_int Q -> ~ proposed_comparison Q.
Proof. exact (Counterexample.T5_comparison_is_false_integer Q). Qed.

Theorem T5_comparison_is_false_gf16 : ~ proposed_comparison gf16_round.
Proof. exact Counterexample.T5_comparison_is_false_gf16. Qed.

(** Witness: with ties to even, the certificate of the factor, and the strict inequality. *)
Lemma T5_witness : udu 3 (hess 0 (gram 3 t5_X)) t5_U t5_d /\ nonneg 3 t5_d /\
  t5_happens (rne 1) (t5_w 0 1) (t5_u 0 1) (t5_q 0 1) (t5_r 0) (51 / 16) (19 / 16) /\
  loss 3 3 t5_X (vsub (t5_w 0 1) (rtn (every (rne 1)) (t5_w 0 1)))
  < loss 3 3 t5_X (vsub (t5_w 0 1) (t5_q 0 1)).
Proof. exact WitnessTheorems.T5_witness. Qed.

(** ** T6: the guard

    [guard n G w g r] is g where g loses no more than r in G, otherwise r.  Whatever g and r are,
    the guarded row loses the smaller of the two losses, *)
Theorem T6_guard_min (n : nat) (G : mat) (w g r : vec) :
  qform n G (vsub w (guard n G w g r)) = Rmin (qform n G (vsub w g)) (qform n G (vsub w r)).
Proof. exact (Guard.T6_guard_min n G w g r). Qed.

(** so with r = RTN the inequality that T5 refutes becomes true for every row and every G, *)
Theorem T6_guard_row (n : nat) (G : mat) (w g r : vec) :
  qform n G (vsub w (guard n G w g r)) <= qform n G (vsub w r).
Proof. exact (Guard.T6_guard_row n G w g r). Qed.

(** and for whole matrices ([matrix_qform] sums over p rows). *)
Theorem T6_guard_matrix (p n : nat) (G : mat) (W A B : mat) :
  matrix_qform p n G (fun i => vsub (W i) (guard n G (W i) (A i) (B i)))
  <= matrix_qform p n G (fun i => vsub (W i) (B i)).
Proof. exact (Guard.T6_guard_matrix p n G W A B). Qed.

(** The program does not know the losses exactly.  It keeps GPTQ only where an upper bound on its
    loss is at most a lower bound on that of round-to-nearest; that is enough. *)
Theorem T6_guard_enclosure_matrix (p n : nat) (G : mat) (W A B : mat) (upper lower : vec)
    (choose : nat -> bool) :
  (forall i, (i < p)%nat -> qform n G (vsub (W i) (A i)) <= upper i) ->
  (forall i, (i < p)%nat -> lower i <= qform n G (vsub (W i) (B i))) ->
  (forall i, (i < p)%nat -> choose i = true -> upper i <= lower i) ->
  matrix_qform p n G (fun i => vsub (W i) (if choose i then A i else B i))
  <= matrix_qform p n G (fun i => vsub (W i) (B i)).
Proof. exact (Guard.T6_guard_enclosure_matrix p n G W A B upper lower choose). Qed.

(** Witness: on T5's row the guard falls back, 19/16 where GPTQ loses 51/16; on the row
    (1/4, 1/4, 1/4) it keeps GPTQ, 3/16 where round-to-nearest loses 35/16. *)
Lemma T6_witness :
  let Q := every (rne 1) in let good_w := WitnessTheorems.good_w in
  let guarded w q := guard 3 (gram 3 t5_X) w q (rtn Q w) in
  loss 3 3 t5_X (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 16 /\
  loss 3 3 t5_X (vsub (t5_w 0 1) (guarded (t5_w 0 1) (t5_q 0 1))) = 19 / 16 /\
  is_gptq 3 Q t5_U good_w (t5_q 0 1) /\
  loss 3 3 t5_X (vsub good_w (rtn Q good_w)) = 35 / 16 /\
  loss 3 3 t5_X (vsub good_w (guarded good_w (t5_q 0 1))) = 3 / 16.
Proof. exact WitnessTheorems.T6_witness. Qed.

(** Witness: both rows with enclosures of their losses, of which only the second decides for GPTQ;
    11/8 in all, where round-to-nearest loses 27/8.  (The other theorems on the guard have no
    hypotheses.) *)
Lemma T6_enclosure_witness :
  let Q := every (rne 1) in let G := gram 3 t5_X in
  let W := fun i => if Nat.eqb i 0 then t5_w 0 1 else WitnessTheorems.good_w in
  let A := fun _ => t5_q 0 1 in let B := fun i => rtn Q (W i) in
  let upper := entries [13 / 4; 1 / 4] in let lower := entries [9 / 8; 17 / 8] in
  let choose := fun i => Nat.eqb i 1 in
  (forall i, (i < 2)%nat -> is_gptq 3 Q t5_U (W i) (A i)) /\
  (forall i, (i < 2)%nat -> qform 3 G (vsub (W i) (A i)) <= upper i) /\
  (forall i, (i < 2)%nat -> lower i <= qform 3 G (vsub (W i) (B i))) /\
  (forall i, (i < 2)%nat -> choose i = true -> upper i <= lower i) /\
  let kept := matrix_qform 2 3 G (fun i => vsub (W i) (if choose i then A i else B i)) in
  let rounded := matrix_qform 2 3 G (fun i => vsub (W i) (B i)) in
  kept <= rounded /\ kept = 11 / 8 /\ rounded = 27 / 8.
Proof. exact WitnessVariants.T6_enclosure_witness. Qed.
