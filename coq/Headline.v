(** * The published theorems

    Purpose: every theorem that the product refers to, restated in full, in the order of
      docs/design.md, section 2 (T1 to T16).  A paragraph of prose stands before each;
      a witness lemma follows: a concrete instance in which the hypotheses hold and the conclusion
      says something.
    Main results: all; coq/theorems.txt lists them, and tools/check_proofs.sh compares.
    Nothing is defined here and nothing is proved here: each proof names the lemma that does it.
    Depends on: the theorem files and witness files of Format, Gptq, Float, Check and Stats.

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
From Coq Require Import ZArith Reals List Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary IEEE754.Bits.
From Coquelicot Require Hierarchy RInt Rbar Continuity.
From Hallmark.Stats Require StudentT2 PairedT.
From Hallmark.Format Require Import GF16 ScaledGrid IntegerGrid.
From Hallmark.Format Require AllWords BitProgram CodecPrograms CodecSpec Codec Golden Witness.
From Hallmark.Format Require CodecEncode CodecDecode.
From Hallmark.Check Require Checker CheckerProof Witness.
From Hallmark.Gptq Require Import Sums Matrix Quantizer Gptq Concrete.
From Hallmark.Gptq Require Import Feedback Guard Average Counterexample PlainWorstCase.
From Hallmark.Gptq Require Import StaticInverse.
From Hallmark.Gptq Require Import GoldenGrid.
From Hallmark.Gptq Require Factorization GptqFacts Textbook Identity Bound WorstCase TwoColumns.
From Hallmark.Gptq Require QuantizerFacts Transfer Perturbation AverageLaw Witness.
From Hallmark.Float Require Import Arithmetic Gamma ChainError Chain Recurrence RecurrenceError.
From Hallmark.Float Require Import GramError Factor FactorError FactorRounded Residual FactorClosed.
From Hallmark.Float Require Import Hessian Certificate Emitted Machine EmittedIeee PivotNorm.
From Hallmark.Float Require Import Enclosure.
From Hallmark.Float Require FactorProof FiniteRun Witness WitnessBounds.
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

(** GPTQ's codes exist and are unique: [gptq_upto n Q U w] computes them column after column. *)
Theorem gptq_exists (n : nat) (Q : nat -> R -> R) (U : mat) (w : vec) :
  is_gptq n Q U w (gptq_upto n Q U w).
Proof. exact (GptqFacts.gptq_exists n Q U w). Qed.

Theorem gptq_unique (n : nat) (Q : nat -> R -> R) (U : mat) (w q q' : vec) :
  is_gptq n Q U w q -> is_gptq n Q U w q' -> forall j, (j < n)%nat -> q j = q' j.
Proof. exact (GptqFacts.gptq_unique n Q U w q q'). Qed.

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
  udu 3 Gptq.Witness.square_M t5_U (entries [1; 4; 16]) /\
  inv_pair 3 Gptq.Witness.square_M
    (fun i j => bsum 3 (fun a => Gptq.Witness.square_C a i * Gptq.Witness.square_C a j)) /\
  is_textbook 3 (every (rne 1)) (fun j k => Gptq.Witness.square_C j k / Gptq.Witness.square_C j j)
    (t5_w 0 1) (comp t5_U (t5_w 0 1) (t5_q 0 1)) (t5_q 0 1).
Proof. exact Gptq.Witness.textbook_witness. Qed.

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
Proof. exact Gptq.Witness.T1_witness. Qed.

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
  let H := hess 0 (gram 3 t5_X) in let d := Gptq.Witness.inexact_d in
  qform 3 H (vsub (t5_w 0 1) (t5_q 0 1))
  = bsum 3 (fun j => d j * (comp t5_U (t5_w 0 1) (t5_q 0 1) j - t5_q 0 1 j) ^ 2)
    + qform 3 (resid 3 H t5_U d) (vsub (t5_w 0 1) (t5_q 0 1)) /\
  qform 3 (resid 3 H t5_U d) (vsub (t5_w 0 1) (t5_q 0 1)) = 49 / 256.
Proof. exact Gptq.Witness.T1_residual_witness. Qed.

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
Proof. exact Gptq.Witness.T2_witness. Qed.

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

(** Witness: on T5's data round-to-nearest loses at least 9 on one row, the most that GPTQ ever
    loses. *)
Lemma T3_witness : let H := hess 0 (gram 3 t5_X) in let Q := every (rne 1) in
  exists w',
  (forall w q, is_gptq 3 Q t5_U w q -> qform 3 H (vsub w q) <= qform 3 H (vsub w' (rtn Q w'))) /\
  9 <= qform 3 H (vsub w' (rtn Q w')).
Proof. exact Gptq.Witness.T3_witness. Qed.

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
  (exists w q, is_gptq 3 Q Gptq.Witness.other_F w q /\ 21 / 2 <= qform 3 H (vsub w q)) /\
  (forall w q, is_gptq 3 Q t5_U w q -> qform 3 H (vsub w q) <= 9).
Proof. exact Gptq.Witness.T3b_witness. Qed.

(** ** T4: one and two columns

    Every nearest-point rounding is monotone, whatever its grid and its tie rule; *)
Theorem nearest_mono (Q : R -> R) : nearest Q -> mono Q.
Proof. exact (QuantizerFacts.nearest_mono Q). Qed.

(** therefore with two columns GPTQ never loses more than round-to-nearest, in the loss of H, *)
Theorem T4_two_columns (H U : mat) (d : vec) (Q : nat -> R -> R) (w q : vec) :
  udu 2 H U d -> nonneg 2 d -> nearest (Q 1%nat) ->
  is_gptq 2 Q U w q -> qform 2 H (vsub w q) <= qform 2 H (vsub w (rtn Q w)).
Proof. exact (TwoColumns.T4_two_columns H U d Q w q). Qed.

(** and in the plain loss for every damping.  (With one column the two agree:
    [TwoColumns.T4_one_column].) *)
Theorem T4_two_columns_plain (m : nat) (X : mat) (lam : R) (U : mat) (d : vec)
    (Q : nat -> R -> R) (w q : vec) :
  0 <= lam -> udu 2 (hess lam (gram m X)) U d -> nonneg 2 d -> nearest (Q 1%nat) ->
  is_gptq 2 Q U w q -> loss 2 m X (vsub w q) <= loss 2 m X (vsub w (rtn Q w)).
Proof. exact (TwoColumns.T4_two_columns_plain m X lam U d Q w q). Qed.

(** Witness: two columns with damping 2, where GPTQ's plain loss is 657/800 and that of
    round-to-nearest 1217/800. *)
Lemma T4_witness : let w := entries [3 / 8; 2 / 5] in let q := entries [0; 1] in
  let X := Gptq.Witness.two_X in let U := Gptq.Witness.two_U in let d := Gptq.Witness.two_d in
  let Q := every (rne 1) in
  udu 2 (hess 2 (gram 2 X)) U d /\ nonneg 2 d /\ is_gptq 2 Q U w q /\
  loss 2 2 X (vsub w q) <= loss 2 2 X (vsub w (rtn Q w)) /\
  loss 2 2 X (vsub w q) = 657 / 800 /\ loss 2 2 X (vsub w (rtn Q w)) = 1217 / 800.
Proof. exact Gptq.Witness.T4_witness. Qed.

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
Proof. exact Gptq.Witness.T5_witness. Qed.

(** ** T6: the guard

    [guard n G w g r] is g where g loses no more than r in G, otherwise r.  Whatever g and r are,
    the guarded row loses the smaller of the two losses, *)
Theorem T6_guard_min (n : nat) (G : mat) (w g r : vec) :
  qform n G (vsub w (guard n G w g r)) = Rmin (qform n G (vsub w g)) (qform n G (vsub w r)).
Proof. exact (Guard.T6_guard_min n G w g r). Qed.

(** so with r = RTN the inequality that T5 refutes becomes true for every row and all data, *)
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
  let Q := every (rne 1) in let good_w := Gptq.Witness.good_w in
  let guarded w q := guard 3 (gram 3 t5_X) w q (rtn Q w) in
  loss 3 3 t5_X (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 16 /\
  loss 3 3 t5_X (vsub (t5_w 0 1) (guarded (t5_w 0 1) (t5_q 0 1))) = 19 / 16 /\
  is_gptq 3 Q t5_U good_w (t5_q 0 1) /\
  loss 3 3 t5_X (vsub good_w (rtn Q good_w)) = 35 / 16 /\
  loss 3 3 t5_X (vsub good_w (guarded good_w (t5_q 0 1))) = 3 / 16.
Proof. exact Gptq.Witness.T6_witness. Qed.

(** ** T7: the format GF16

    GF16 has 1 sign bit, 6 exponent bits (bias 31) and 9 fraction bits; [gf16_round x] is the
    nearest of its numbers, ties to even, the exponent unbounded above.  One rounding errs by at
    most [half_ulp16 x] = max(2^-10 |x|, 2^-40); *)
Theorem T7_gf16_error (x : R) :
  Rabs (gf16_round x - x) <= Rmax (bpow radix2 (-10) * Rabs x) (bpow radix2 (-40)).
Proof. exact (GF16.gf16_error x). Qed.

(** no point of the range is nearer; *)
Theorem T7_gf16_nearest (x y : R) : Rabs (x - gf16_round x) <= Rabs (x - gf16_round y).
Proof. exact (GF16.gf16_nearest x y). Qed.

(** and numbers up to the largest finite one, [gf16_max] = 2^32 - 2^22, stay there, so that rounding
    them is what the 16-bit words can hold. *)
Theorem T7_gf16_no_overflow (x : R) : Rabs x <= gf16_max -> Rabs (gf16_round x) <= gf16_max.
Proof. exact (GF16.gf16_no_overflow x). Qed.

(** Witnesses: the error bound is reached at 2^-40; the nearest point is not unique at the tie
    1025/1024, where the even one is taken; and the largest number is 4290772992, the word 0x7DFF
    ([decode] is the real value of a word). *)
Lemma T7_gf16_error_witness :
  Rabs (gf16_round (bpow radix2 (-40)) - bpow radix2 (-40)) = half_ulp16 (bpow radix2 (-40)).
Proof. exact Format.Witness.witness_gf16_error. Qed.

Lemma T7_gf16_nearest_witness :
  gf16_round (1025 / 1024) = 1 /\ gf16_round (513 / 512) = 513 / 512 /\
  Rabs (1025 / 1024 - gf16_round (1025 / 1024)) = Rabs (1025 / 1024 - gf16_round (513 / 512)).
Proof. exact Format.Witness.witness_gf16_nearest. Qed.

Lemma T7_gf16_no_overflow_witness : gf16_max = 4290772992 /\ decode 0x7DFF = gf16_max.
Proof. exact Format.Witness.witness_gf16_no_overflow. Qed.

(** Every one of the 65,536 words is decoded to an exact dyadic number and encoded again, by
    computation inside Coq: all come back but NaN, and -0, whose sign a dyadic number does not
    carry. *)
Theorem T7_all_words (z : Z) : (0 <= z < 65536)%Z ->
  match Word.gf16_dyadic z with
  | Some d => (encode (Fnum d) (Fexp d) =? (if z =? 0x8000 then 0 else z))%Z
  | None => (0x7E00 <=? z mod 0x8000)%Z
  end = true.
Proof. exact (AllWords.all_words_reencoded z). Qed.

(** GPTQ on GF16 with one positive scale s_j per column ([gf16_columns s]) loses at most
    sum_j d_j (s_j max(2^-10 |u_j/s_j|, 2^-40))^2; [gf16_half_gap s j x] is
    s_j half_ulp16 (x/s_j). *)
Theorem T7_gptq_bound (n : nat) (H U : mat) (d w q s : vec) : udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> 0 < s j) -> is_gptq n (gf16_columns s) U w q ->
  qform n H (vsub w q) <= bsum n (fun j => d j * gf16_half_gap s j (comp U w q j) ^ 2).
Proof. exact (GoldenGrid.T7_gptq_bound n H U d w q s). Qed.

(** Witness: on T5's GF16 row the loss 51/2^21 is below the bound, which is below 2^-13. *)
Lemma T7_gptq_witness : let w := t5_w (3 / 2) (1 / 512) in let q := t5_q (3 / 2) (1 / 512) in
  let s := fun _ => 1 in
  is_gptq 3 (gf16_columns s) t5_U w q /\
  qform 3 (hess 0 (gram 3 t5_X)) (vsub w q) = 51 / 2097152 /\
  51 / 2097152 <= bsum 3 (fun j => t5_d j * gf16_half_gap s j (comp t5_U w q j) ^ 2) /\
  bsum 3 (fun j => t5_d j * gf16_half_gap s j (comp t5_U w q j) ^ 2) < 1 / 8192.
Proof. exact Gptq.Witness.T7_witness. Qed.

(** Where the name comes from: phi^2 + phi^-2 = 3, and among the splits of 15 bits into exponent and
    fraction 6:9 is nearest to the golden ratio in two senses, |e/m - 1/phi| = 0.0486.. and
    |m/15 - 1/phi| = 0.0180..; nothing else in the development depends on this. *)
Theorem T7_phi_identity : Golden.phi ^ 2 + / Golden.phi ^ 2 = 3.
Proof. exact Golden.phi_identity. Qed.

Theorem T7_split_minimal (e m : Z) : (1 <= e)%Z -> (1 <= m)%Z -> (e + m = 15)%Z -> (e <> 6)%Z ->
  Rabs (6 / 9 - / Golden.phi) < Rabs (IZR e / IZR m - / Golden.phi) /\
  Rabs (9 / 15 - / Golden.phi) < Rabs (IZR m / 15 - / Golden.phi).
Proof.
exact (fun e1 m1 sum other =>
  conj (Golden.split_ratio_minimal e m e1 m1 sum other)
       (Golden.split_share_minimal e m e1 m1 sum other)).
Qed.

(** Witness: the runner-up 5:10 is at 0.118 and 0.048. *)
Lemma T7_split_witness :
  Golden.split_ratio 6 9 < 487 / 10000 < 118 / 1000 /\ 118 / 1000 < Golden.split_ratio 5 10 /\
  Golden.split_share 9 < 181 / 10000 < 48 / 1000 /\ 48 / 1000 < Golden.split_share 10.
Proof. exact Format.Witness.witness_split. Qed.

(** ** T8: from calibration data to other data

    If v G_true v^T <= (1 + eps) v G_calib v^T for every v, an upper bound on the loss carries over
    with the factor 1 + eps. *)
Theorem T8_transfer (n : nat) (Gtrue Gcalib : mat) (eps B : R) (v : vec) : 0 <= 1 + eps ->
  (forall x, qform n Gtrue x <= (1 + eps) * qform n Gcalib x) ->
  qform n Gcalib v <= B -> qform n Gtrue v <= (1 + eps) * B.
Proof. exact (Transfer.T8_transfer n Gtrue Gcalib eps B v). Qed.

(** The hypothesis can be tested: a factorization of the difference with pivots >= 0 proves it. *)
Theorem T8_transfer_certificate (n : nat) (Gtrue Gcalib : mat) (eps : R) (U : mat) (d : vec)
    (B : R) (v : vec) :
  udu n (fun i j => (1 + eps) * Gcalib i j - Gtrue i j) U d -> nonneg n d -> 0 <= 1 + eps ->
  qform n Gcalib v <= B -> qform n Gtrue v <= (1 + eps) * B.
Proof. exact (Transfer.T8_transfer_certificate n Gtrue Gcalib eps U d B v). Qed.

(** Witness: diag(1, 3/2) against the identity, eps = 1/2, and a v on which the bound is reached. *)
Lemma T8_witness : let Gtrue := diag (entries [1; 3 / 2]) in let Gcalib := diag (fun _ => 1) in
  let v := entries [0; 1] in
  udu 2 (fun i j => (1 + 1 / 2) * Gcalib i j - Gtrue i j) (diag (fun _ => 1))
    (entries [1 / 2; 0]) /\
  qform 2 Gcalib v <= 1 /\ qform 2 Gtrue v <= (1 + 1 / 2) * 1 /\ qform 2 Gtrue v = 3 / 2.
Proof. exact Gptq.Witness.T8_witness. Qed.

(** The comparison of two quantizations does not carry over, not even when each Gram matrix is at
    most twice the other.  The theorem is its own witness. *)
Theorem T8_comparison_does_not_transfer :
  exists Gtrue Gcalib g r,
    (forall x, qform 2 Gtrue x <= (1 + 1) * qform 2 Gcalib x) /\
    (forall x, qform 2 Gcalib x <= (1 + 1) * qform 2 Gtrue x) /\
    qform 2 Gcalib g < qform 2 Gcalib r /\ qform 2 Gtrue r < qform 2 Gtrue g.
Proof. exact Transfer.T8_comparison_does_not_transfer. Qed.

(** ** T9: compensated weights computed with errors

    The codes round computed values u'_j, |u'_j - q_j| <= h_j, that are within delta_j of the exact
    u_j taken at the codes actually produced, so that errors do not accumulate.  With any stored
    factor: *)
Theorem T9_perturbation_residual (n : nat) (H U : mat) (d w q u' h delta : vec) :
  unit_upper n U -> nonneg n d ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= h j) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp U w q j) <= delta j) ->
  qform n H (vsub w q) <=
  bsum n (fun j => d j * (h j + delta j) ^ 2) + qform n (resid n H U d) (vsub w q).
Proof. exact (Perturbation.T9_perturbation_residual n H U d w q u' h delta). Qed.

(** and where the residual is at most g a_i a_j entry by entry, without forming it, in the plain
    loss of a stored Gram matrix: *)
Theorem T9_perturbation_plain (n : nat) (G : mat) (lam : R) (U : mat) (d w q u' h delta a : vec)
    (g : R) :
  unit_upper n U -> nonneg n d ->
  (forall i j, (i < n)%nat -> (j < n)%nat ->
    Rabs (resid n (hess lam G) U d i j) <= g * (a i * a j)) ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= h j) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp U w q j) <= delta j) ->
  qform n G (vsub w q) <=
  (bsum n (fun j => d j * (h j + delta j) ^ 2)
   + g * bsum n (fun i => Rabs (w i - q i) * a i) ^ 2
   - lam * bsum n (fun i => (w i - q i) ^ 2)) / 2.
Proof. exact (Perturbation.T9_perturbation_plain n G lam U d w q u' h delta a g). Qed.

(** Witness: compensated weights off by 1/100 and pivots 2, 2, 31 that leave a residual; the bound,
    below 13, holds of the loss 51/8. *)
Lemma T9_witness : let w := t5_w 0 1 in let q := t5_q 0 1 in
  let H := hess 0 (gram 3 t5_X) in let d := Gptq.Witness.inexact_d in
  let computed := fun j => comp t5_U w q j + 1 / 100 in
  let bound := bsum 3 (fun j => d j * (1 / 2 + 1 / 100) ^ 2)
    + 1 * bsum 3 (fun i => Rabs (w i - q i) * 1) ^ 2 in
  (forall i j, (i < 3)%nat -> (j < 3)%nat -> Rabs (resid 3 H t5_U d i j) <= 1 * (1 * 1)) /\
  (forall j, (j < 3)%nat -> q j = every (rne 1) j (computed j)) /\
  qform 3 H (vsub w q) <= bound /\ qform 3 H (vsub w q) = 51 / 8 /\ bound < 13.
Proof. exact Gptq.Witness.T9_witness. Qed.

(** ** T10: the pseudo-code with a static inverse is not GPTQ

    [is_static_inverse n Q Hinv w u q] scatters the error of column k with the row k of one fixed
    inverse divided by its diagonal, u_j = w_j - sum_{k<j} (u_k - q_k) Hinv_kj / Hinv_kk,
    q_j = Q j u_j.  With two columns this is GPTQ. *)
Theorem T10_two_columns (H U : mat) (d : vec) (Hinv : mat) (Q : nat -> R -> R) (w u q : vec) :
  udu 2 H U d -> 0 < d 0%nat -> 0 < d 1%nat -> inv_pair 2 H Hinv ->
  is_static_inverse 2 Q Hinv w u q -> is_gptq 2 Q U w q.
Proof. exact (StaticInverse.T10_two_columns H U d Hinv Q w u q). Qed.

(** With three it loses, somewhere, more than C times what round-to-nearest loses, for every C. *)
Theorem T10_unbounded_excess (Q : R -> R) (C : R) : near_int Q ->
  exists X Hinv w u q, inv_pair 3 (hess 0 (gram 3 X)) Hinv /\
    is_static_inverse 3 (every Q) Hinv w u q /\ 0 < loss 3 3 X (vsub w (rtn (every Q) w)) /\
    C * loss 3 3 X (vsub w (rtn (every Q) w)) < loss 3 3 X (vsub w q).
Proof. exact (StaticInverse.T10_unbounded_excess Q C). Qed.

(** It can even exceed s^2/4 tr H, which bounds GPTQ on every row (T2): tokens
    [[1,1,-4],[0,8,0],[0,0,4]], w = (0, 3/8, 3/8), codes (0, 0, 2). *)
Theorem T10_exceeds_worst_case (Q : R -> R) : near_int Q ->
  let H := hess 0 (gram 3 t10w_X) in
  inv_pair 3 H t10w_Hinv /\
  is_static_inverse 3 (every Q) t10w_Hinv (t10w_w 0) (t10w_us 0) (t10w_qs 0) /\
  1 ^ 2 / 4 * trace 3 H < qform 3 H (vsub (t10w_w 0) (t10w_qs 0)).
Proof.
exact (fun near =>
  let case := StaticInverse.T10_exceeds_worst_case Q near in
  conj (outcome_inverse _ _ _ _ _ _ _ _ _ _ _ _ (proj1 case))
    (conj (outcome_static _ _ _ _ _ _ _ _ _ _ _ _ (proj1 case)) (proj2 case))).
Qed.

(** Witness: with ties to even the family of T10 at b = 1 loses 585/64 where GPTQ and
    round-to-nearest lose 153/64; and 205/2 in loss_H where no row of GPTQ loses more than 49. *)
Lemma T10_witness : let Q := every (rne 1) in let H := hess 0 (gram 3 t10w_X) in
  loss 3 3 (t10f_X 1) (vsub t10f_w (t10f_qs 1)) = 585 / 64 /\
  loss 3 3 (t10f_X 1) (vsub t10f_w t10f_q) = 153 / 64 /\
  is_static_inverse 3 Q (t10f_Hinv 1) t10f_w (t10f_us 1) (t10f_qs 1) /\
  is_gptq 3 Q (t10f_U 1) t10f_w t10f_q /\
  is_static_inverse 3 Q t10w_Hinv (t10w_w 0) (t10w_us 0) (t10w_qs 0) /\
  qform 3 H (vsub (t10w_w 0) (t10w_qs 0)) = 205 / 2 /\
  (forall w q, is_gptq 3 Q t10w_U w q -> qform 3 H (vsub w q) <= 49).
Proof. exact Gptq.Witness.T10_witness. Qed.

(** ** T11: rounding errors of the sums

    Programs are written over an arithmetic.  [real_arith emin prec] is the reals with one rounding
    to nearest even per operation, prec bits, smallest positive number 2^emin, no overflow; [real32]
    and [real64] are binary32 and binary64.  [uro prec] is the unit roundoff 2^-prec, [eta emin] is
    2^(emin-1), [gam u k] is (1 + u)^k - 1.  The recurrence, all in one format:
    e_k = fl(w_k - s_k g_k) by one fma ([weight_error]), r_j = the chain of fma from 0 over
    increasing k < j of e_k U_kj ([feedback]), u'_j = fl(w_j + r_j) ([comp_float]); the codes'
    values are q_k = s_k g_k ([scaled_points s g]).  The last term is underflow:
    [under_recurrence u z U j] = j (1 + u)^j z + z sum_{k<j} |U_kj|. *)
Theorem T11_recurrence (emin prec : Z) (precision : Prec_gt_0 prec) (U : mat) (w s g : vec)
    (j : nat) :
  let A := real_arith emin prec in let q := scaled_points s g in let e := weight_error A w s g in
  in_format emin prec (w j) ->
  Rabs (comp_float A U w s g j - comp U w q j)
  <= gam (uro prec) (S j) * bsum j (fun k => Rabs (e k) * Rabs (U k j))
     + uro prec * Rabs (w j + feedback A U e j)
     + under_recurrence (uro prec) (eta emin) U j.
Proof. exact (RecurrenceError.T11_recurrence emin prec U w s g j). Qed.

(** The bound that the program evaluates, from computed numbers and with (j+1) u (1 + (j+1) u)
    ([gam_up]) in place of the power. *)
Theorem T11_recurrence_closed (emin prec : Z) (precision : Prec_gt_0 prec) (U : mat)
    (w s g : vec) (j : nat) :
  let A := real_arith emin prec in let q := scaled_points s g in let e := weight_error A w s g in
  let u' := comp_float A U w s g in
  in_format emin prec (w j) -> INR (S j) * uro prec <= 1 ->
  Rabs (u' j - comp U w q j)
  <= gam_up (uro prec) (S j) * bsum j (fun k => Rabs (e k) * Rabs (U k j))
     + uro prec * Rabs (u' j) + under_recurrence (uro prec) (eta emin) U j.
Proof. exact (RecurrenceError.T11_recurrence_closed emin prec U w s g j). Qed.

(** The Gram matrix: the chain of fma over increasing tokens, in any format, with the underflow term
    m (1 + u)^m z ([under_chain]); *)
Theorem T11_gram (emin prec : Z) (precision : Prec_gt_0 prec) (m : nat) (X : mat) (a b : nat) :
  Rabs (gram_float (real_arith emin prec) m X a b - gram m X a b)
  <= gam (uro prec) m * bsum m (fun t => Rabs (X a t) * Rabs (X b t))
     + under_chain (uro prec) (eta emin) m.
Proof. exact (GramError.T11_gram emin prec m X a b). Qed.

(** and as the product runs it, binary32 activations summed in binary64, with no underflow term. *)
Theorem T11_gram_binary32 (n m : nat) (X : mat) (a b : nat) :
  (forall i t, (i < n)%nat -> (t < m)%nat -> in_format (-149) 24 (X i t)) ->
  (a < n)%nat -> (b < n)%nat ->
  Rabs (gram_float real64 m X a b - gram m X a b)
  <= gam (uro 53) m * bsum m (fun t => Rabs (X a t) * Rabs (X b t)).
Proof. exact (GramError.T11_gram_binary32 n m X a b). Qed.

(** Overflow is excluded by looking at the result: on IEEE data ([float_arith], Flocq's operations,
    whatever NaNs the machine returns) a finite compensated weight has the value of the real
    model. *)
Theorem T11_finite_recurrence (prec emax : Z) (precision : Prec_gt_0 prec)
    (range : Prec_lt_emax prec emax) (nans : nan_choice prec emax)
    (U : nat -> nat -> binary_float prec emax) (w s g : nat -> binary_float prec emax) (j : nat) :
  let value := B2R prec emax in
  is_finite prec emax (comp_float (float_arith nans) U w s g j) = true ->
  value (comp_float (float_arith nans) U w s g j)
  = comp_float (real_arith (3 - emax - prec) prec) (fun i k => value (U i k))
      (fun k => value (w k)) (fun k => value (s k)) (fun k => value (g k)) j.
Proof.
exact (fun finite =>
  proj2 (proj2 (proj2 (FiniteRun.comp_finite prec emax nans U w s g j finite)))).
Qed.

(** Witness: three columns with H = [[3,1,1],[1,3,1],[1,1,3]] and weights near 0.1, 0.7, -1.5, run
    in IEEE arithmetic inside Coq.  The second compensated weight is rounded, and by less than the
    bound [emitted_delta], which is below 2^-22. *)
Lemma T11_recurrence_witness :
  let value32 := B2R 24 128 in
  let U := fun i j => B2R 53 1024 (Float.Witness.wU i j) in
  let w := fun j => value32 (Float.Witness.ww j) in
  let s := fun j => value32 (Float.Witness.ws j) in
  let g := fun j => value32 (Float.Witness.wg j) in
  let u := comp (stored_factor U) w (scaled_points s g) 1 in
  0 < Rabs (emitted_weight U w s g 1 - u) <= emitted_delta U w s g 1
  /\ emitted_delta U w s g 1 <= / 4194304.
Proof. exact Float.WitnessBounds.witness_rounding. Qed.

(** Witness: two tokens 1 and 2^-30, whose sum of squares is rounded in binary64. *)
Lemma T11_gram_witness :
  let X := fun i t => B2R 53 1024 (Float.WitnessBounds.wX i t) in
  binary32_entries 1 2 X
  /\ 0 < Rabs (gram_float real64 2 X 0 0 - gram 2 X 0 0) <= gam (uro 53) 2 * gram_size 2 X 0 0
  /\ gam (uro 53) 2 * gram_size 2 X 0 0 <= / 1125899906842624.
Proof. exact Float.WitnessBounds.witness_gram. Qed.

(** ** T12: the codec

    [encode32], [encode64], [decode32], [decode64] are straight-line programs of shifts, masks,
    additions and selections on unsigned words ([BitProgram]); [computes p x r] says that on x every
    shift of the program p is below its width and that its output is r.  The specifications are
    Flocq's conversions, to nearest even, with one canonical NaN.  Every word is covered: NaN,
    infinities, signed zeros, subnormals, overflow. *)
Theorem T12_encode32_correct (z : Z) : (0 <= z < 2 ^ 32)%Z ->
  BitProgram.computes CodecPrograms.encode32 z
    (bits_of_gf16 (CodecSpec.to_gf16 24 128 (b32_of_bits z))).
Proof. exact (CodecEncode.encode32_correct z). Qed.

Theorem T12_encode64_correct (z : Z) : (0 <= z < 2 ^ 64)%Z ->
  BitProgram.computes CodecPrograms.encode64 z
    (bits_of_gf16 (CodecSpec.to_gf16 53 1024 (b64_of_bits z))).
Proof. exact (CodecEncode.encode64_correct z). Qed.

Theorem T12_decode32_correct (z : Z) : (0 <= z < 2 ^ 16)%Z ->
  BitProgram.computes CodecPrograms.decode32 z
    (bits_of_b32 (CodecSpec.gf16_to_b32 (gf16_of_bits z))).
Proof. exact (CodecDecode.decode32_correct z). Qed.

Theorem T12_decode64_correct (z : Z) : (0 <= z < 2 ^ 16)%Z ->
  BitProgram.computes CodecPrograms.decode64 z
    (bits_of_b64 (CodecSpec.gf16_to_b64 (gf16_of_bits z))).
Proof. exact (CodecDecode.decode64_correct z). Qed.

(** What that means for values: encoding a finite binary32 word in range rounds its value. *)
Theorem T12_encode32_value (z : Z) : (0 <= z < 2 ^ 32)%Z ->
  is_finite 24 128 (b32_of_bits z) = true ->
  Rabs (B2R 24 128 (b32_of_bits z)) <= gf16_max ->
  decode (BitProgram.run CodecPrograms.encode32 z) = gf16_round (B2R 24 128 (b32_of_bits z)).
Proof. exact (Codec.encode32_value z). Qed.

(** Witnesses: the words of the format's specification, encoded from binary32 and from binary64,
    decoded to both. *)
Lemma T12_encode32_witness :
  map (fun v => BitProgram.run CodecPrograms.encode32 (fst v)) Format.Witness.vectors32
  = map snd Format.Witness.vectors32 /\
  map (fun v => CodecSpec.encode32_spec (fst v)) Format.Witness.vectors32
  = map snd Format.Witness.vectors32.
Proof. exact Format.Witness.witness_encode32_correct. Qed.

Lemma T12_encode64_witness :
  map (fun v => BitProgram.run CodecPrograms.encode64 (fst v)) Format.Witness.vectors64
  = map snd Format.Witness.vectors64 /\
  map (fun v => CodecSpec.encode64_spec (fst v)) Format.Witness.vectors64
  = map snd Format.Witness.vectors64.
Proof. exact Format.Witness.witness_encode64_correct. Qed.

Lemma T12_decode32_witness :
  map (fun v => BitProgram.run CodecPrograms.decode32 (fst v)) Format.Witness.decoded_vectors32
  = map snd Format.Witness.decoded_vectors32 /\
  map (fun v => CodecSpec.decode32_spec (fst v)) Format.Witness.decoded_vectors32
  = map snd Format.Witness.decoded_vectors32.
Proof. exact Format.Witness.witness_decode32_correct. Qed.

Lemma T12_decode64_witness :
  map (fun v => BitProgram.run CodecPrograms.decode64 (fst v)) Format.Witness.decoded_vectors64
  = map snd Format.Witness.decoded_vectors64 /\
  map (fun v => CodecSpec.decode64_spec (fst v)) Format.Witness.decoded_vectors64
  = map snd Format.Witness.decoded_vectors64.
Proof. exact Format.Witness.witness_decode64_correct. Qed.

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

(** ** T14: the paired t test on three differences

    The density of Student's t with 2 degrees of freedom integrates to the closed form
    [student2_cdf t] = 1/2 + t / (2 sqrt (t^2 + 2)). *)
Theorem T14_distribution (a b : R) :
  RInt.is_RInt (V := Hierarchy.R_NormedModule) StudentT2.student2_density a b
    (StudentT2.student2_cdf b - StudentT2.student2_cdf a).
Proof. exact (StudentT2.student2_cdf_integral a b). Qed.

(** So [student2_tail t] = 1/2 - t / (2 sqrt (t^2 + 2)) is the probability of a value above t. *)
Theorem T14_tail (t : R) :
  Continuity.is_lim (fun b => RInt.RInt (V := Hierarchy.R_CompleteNormedModule)
    StudentT2.student2_density t b) Rbar.p_infty (Rbar.Finite (StudentT2.student2_tail t)).
Proof. exact (StudentT2.student2_tail_limit t). Qed.

(** Therefore the one-tailed p-value of three differences ([paired_p], the tail at the t
    statistic) is below 1/4 exactly when the mean is positive and nine times its square exceeds the
    sum of squared deviations: a comparison of rationals. *)
Theorem T14_paired_t_quarter (a b c : R) : 0 < PairedT.deviations3 a b c ->
  (PairedT.paired_p a b c < / 4 <->
   0 < PairedT.mean3 a b c /\ PairedT.deviations3 a b c < 9 * PairedT.mean3 a b c ^ 2).
Proof. exact (PairedT.paired_t_quarter a b c). Qed.

(** Witnesses, one on each side: 1, 2, 6 and 1, -1, 1. *)
Lemma T14_witness : PairedT.paired_p 1 2 6 < / 4.
Proof. exact PairedT.paired_t_quarter_witness. Qed.

Lemma T14_not_witness : ~ PairedT.paired_p 1 (-1) 1 < / 4.
Proof. exact PairedT.paired_t_quarter_not_witness. Qed.

(** ** T15: the computed factorization

    [is_factor A n H C U d] are the equations of the program: for j from n - 1 down, C_ij is the
    chain of fma(-C_ik, U_jk, acc) from H_ij over decreasing k > j, d_j = C_jj, U_ij = fl(C_ij /
    d_j). The program solves them in every arithmetic. *)
Theorem T15_program (T : Type) (A : arith T) (n : nat) (H : nat -> nat -> T) :
  is_factor A n H (factor_C A n H) (factor_U A n H) (factor_d A n H).
Proof. exact (FactorProof.factor_correct A n H). Qed.

(** Rounding as in any format with gradual underflow, for a symmetric H and positive computed
    pivots: |H - U D U^T|_ij <= ((1 + u)^n - 1) sum_k |U_ik| d_k |U_jk| and an underflow term
    [under_factor u z n U d j] = z (1 + u)^n (n + sum_k d_k |U_jk|). *)
Theorem T15_entry (emin prec : Z) (precision : Prec_gt_0 prec) (n : nat) (H C U : mat) (d : vec)
    (i j : nat) :
  is_factor (real_arith emin prec) n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H U d i j)
  <= gam (uro prec) n * bsum n (fun k => Rabs (U i k) * d k * Rabs (U j k))
     + under_factor (uro prec) (eta emin) n U d (Nat.max i j).
Proof. exact (FactorError.T15_entry emin prec n H C U d i j). Qed.

(** In binary64, for at most 2^24 columns and a diagonal of H within a factor 2^64 and not below
    2^-900 ([sane_diagonal n H hmax]), U and d disappear from the bound and underflow with them:
    the constant is [residual64 n] = (n + 2) 2^-53, *)
Theorem T15_binary64 (n : nat) (H C U : mat) (d : vec) (hmax : R) (i j : nat) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax -> (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H U d i j)
  <= (INR n + 2) * bpow radix2 (-53) * (sqrt (H i i) * sqrt (H j j)).
Proof.
exact (fun run symmetric pivots sane =>
  FactorClosed.T15_binary64 n H C U d hmax run symmetric pivots sane i j).
Qed.

(** as a quadratic form, |e (H - U D U^T) e^T| <= residual64 n (sum_i |e_i| sqrt(H_ii))^2: no
    residual is ever formed; *)
Theorem T15_form_binary64 (n : nat) (H C U : mat) (d : vec) (hmax : R) (e : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax ->
  Rabs (qform n (resid n H U d) e)
  <= (INR n + 2) * bpow radix2 (-53) * bsum n (fun i => Rabs (e i) * sqrt (H i i)) ^ 2.
Proof.
exact (fun run symmetric pivots sane =>
  FactorClosed.T15_form_binary64 n H C U d hmax run symmetric pivots sane e).
Qed.

(** and with U rounded once to binary32 ([round_factor (-149) 24 U]), as the recurrence reads it,
    the constant is [residual32 n] = 2^-23 + 2^-46 + (n + 2) 2^-53. *)
Theorem T15_form_binary32 (n : nat) (H C U : mat) (d : vec) (hmax : R) (e : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax ->
  Rabs (qform n (resid n H (round_factor (-149) 24 U) d) e)
  <= (bpow radix2 (-23) + bpow radix2 (-46) + (INR n + 2) * bpow radix2 (-53))
     * bsum n (fun i => Rabs (e i) * sqrt (H i i)) ^ 2.
Proof.
exact (fun run symmetric pivots sane =>
  FactorClosed.T15_form_binary32 n H C U d hmax run symmetric pivots sane e).
Qed.

(** Witness: for that H the residual is not zero, and at most the bound, which is below 2^-48. *)
Lemma T15_witness :
  let H := fun i j => B2R 53 1024 (Float.Witness.wH i j) in
  let U := fun i j => B2R 53 1024 (Float.Witness.wU i j) in
  let d := fun j => B2R 53 1024 (Float.Witness.wd j) in
  0 < Rabs (resid 3 H U d 0 2) <= residual64 3 * (sqrt 3 * sqrt 3)
  /\ residual64 3 * (sqrt 3 * sqrt 3) <= / 281474976710656.
Proof. exact Float.WitnessBounds.witness_residual. Qed.

(** ** T7 + T9 + T11 + T15: the codes that the program emits

    A run on IEEE data ([ieee_run]): H in binary64, factored in binary64 with positive finite
    pivots, U narrowed once to binary32, the recurrence in binary32 with finite results.
    [ieee_codes]: each grid point is GF16's nearest to u'_j / s_j.  Then the loss in the stored H is
    at most a number that needs no exact quantity and no residual. *)
Theorem emitted_codes_loss (nans64 : nan_choice 53 1024) (nans32 : nan_choice 24 128) (nan : bin32)
    (n : nat) (H C U : nat -> nat -> bin64) (d : nat -> bin64) (w s g : nat -> bin32) (hmax : R) :
  is_nan 24 128 nan = true -> ieee_run nans64 nans32 nan n H C U d w s g hmax ->
  ieee_codes nans32 nan n U w s g ->
  let value32 := B2R 24 128 in let value64 := B2R 53 1024 in
  let rH := fun i j => value64 (H i j) in let rU := fun i j => value64 (U i j) in
  let rw := fun j => value32 (w j) in let rs := fun j => value32 (s j) in
  let rg := fun j => value32 (g j) in let e := vsub rw (scaled_points rs rg) in
  qform n rH e
  <= bsum n (fun j => value64 (d j) *
       (gf16_half_gap rs j (value32 (ieee_weight nans32 nan U w s g j))
        + emitted_delta rU rw rs rg j) ^ 2)
     + residual32 n * weighted_size n (root_diagonal rH) e ^ 2.
Proof.
exact (fun is_nan run =>
  emitted_codes_loss_ieee nans64 nans32 nan is_nan n H C U d w s g hmax run).
Qed.

(** Any codes, GPTQ's or not, GF16 or not: the plain loss in the stored Gram matrix lies between two
    computable numbers ([lower_sum], [upper_sum]: sums of d_j (|u'_j - q_j| -/+ delta_j)^2). *)
Theorem emitted_plain_enclosure (n : nat) (lam : R) (G C U : mat) (d : vec) (hmax : R)
    (w s g : vec) :
  let H := hessian_stored lam G in
  let e := vsub w (scaled_points s g) in
  let u' := emitted_weight U w s g in
  let slack := (residual32 n + uro 53) * weighted_size n (root_diagonal H) e ^ 2 in
  emitted_run n H C U d hmax w ->
  in_format (-1074) 53 lam -> (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j)) ->
  lower_sum n d u' (scaled_points s g) (emitted_delta U w s g) - slack
  <= 2 * qform n G e + lam * bsum n (fun i => e i ^ 2)
  <= upper_sum n d u' (scaled_points s g) (emitted_delta U w s g) + slack.
Proof. exact (Emitted.emitted_plain_enclosure n lam G C U d hmax w s g). Qed.

(** What the guard computes: with e' the errors e rounded to binary64 and t' = e' U by chains of fma
    ([product_float U e']), the loss in H is sum_j d_j t'_j^2 to within
    2 N rho + rho^2 + g' A^2 + 2^-470 ([enclosure_width g' rho N A]), where
    A = sum_i |e_i| sqrt(H_ii), N^2 = sum_j d_j t'_j^2 ([pivot_norm]), g' = (n + 2) 2^-53
    and rho = g' (1 + g') A. *)
Theorem guard_loss_enclosure (n : nat) (H C U : mat) (d : vec) (hmax : R) (e e' : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax -> (forall k, (k < n)%nat -> e' k = rnd64 (e k)) -> (0 < n)%nat ->
  hmax <= bpow radix2 400 -> bsum n (fun i => Rabs (e i)) <= bpow radix2 150 ->
  let A := weighted_size n (root_diagonal H) e in
  let t' := product_float U e' in
  let rho := product64 n * (1 + residual64 n) * A in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width (residual64 n) rho (pivot_norm n d t') A + bpow radix2 (-470).
Proof.
exact (fun run symmetric pivots sane rounded =>
  Enclosure.loss_enclosure_closed n H C U d hmax run symmetric pivots sane e e' rounded).
Qed.

(** The stage before it, in the format of the recurrence: errors rounded to binary32, the factor as
    the recurrence reads it and chains in binary32 ([product_chain (-149) 24]), for at most 2^20
    columns. Here g' = [residual32 n], and rho = x (1 + x) (1 + g') A + n^2 2^-147 sqrt(hmax) with
    x = (n + 1) 2^-24 ([product32 n], [under_product32 n hmax]). On GPTQ's own errors t'_j is
    fl(r_j + e_j), r_j the recurrence's chain. *)
Theorem guard_loss_enclosure_binary32 (n : nat) (H C U : mat) (d : vec) (hmax : R) (e e' : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax -> (0 < n)%nat -> (Z.of_nat n <= 2 ^ 20)%Z ->
  (forall k, (k < n)%nat -> e' k = rnd (-149) 24 (e k)) ->
  let A := weighted_size n (root_diagonal H) e in
  let t' := product_chain (-149) 24 (round_factor (-149) 24 U) e' in
  let rho := product32 n * (1 + residual32 n) * A + under_product32 n hmax in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width (residual32 n) rho (pivot_norm n d t') A.
Proof.
exact (fun run symmetric pivots sane nonempty columns rounded =>
  Enclosure.loss_enclosure32 n H C U d hmax run symmetric pivots sane nonempty columns e e'
    rounded).
Qed.

(** From the loss in H to the plain loss in the stored G: H - 2 G is diagonal. *)
Theorem guard_plain_loss (n : nat) (lam : R) (G : mat) (e : vec) :
  let H := hessian_stored lam G in
  2 * qform n G e = qform n H e - bsum n (fun j => (H j j - 2 * G j j) * e j ^ 2).
Proof. exact (Enclosure.plain_loss_identity n lam G e). Qed.

(** And on the calibration activations themselves, through the Gram matrix that the program
    accumulated; [activation64 m] = (m + 1) 2^-53. *)
Theorem emitted_codes_activations (n m : nat) (X : mat) (lam : R) (C U : mat) (d : vec) (hmax : R)
    (w s g : vec) :
  let G := gram_float real64 m X in
  let H := hessian_stored lam G in
  let e := vsub w (scaled_points s g) in
  emitted_run n H C U d hmax w -> gf16_codes n U w s g ->
  binary32_entries n m X -> in_format (-1074) 53 lam -> 0 <= lam ->
  (0 < m)%nat /\ (Z.of_nat m <= 2 ^ 24)%Z ->
  2 * loss n m X e + lam * bsum n (fun i => e i ^ 2)
  <= bsum n (fun j =>
       d j * (gf16_half_gap s j (emitted_weight U w s g j) + emitted_delta U w s g j) ^ 2)
     + (residual32 n + uro 53 + activation64 m) * weighted_size n (root_diagonal H) e ^ 2.
Proof. exact (Emitted.emitted_codes_activations n m X lam C U d hmax w s g). Qed.

(** Witness: the instance above satisfies every hypothesis, *)
Lemma emitted_run_witness :
  let nan := proj1_sig Float.Witness.a_nan32 in
  ieee_run Float.Witness.nans64 Float.Witness.nans32 nan 3 Float.Witness.wH Float.Witness.wC
    Float.Witness.wU Float.Witness.wd Float.Witness.ww Float.Witness.ws Float.Witness.wg 3
  /\ ieee_codes Float.Witness.nans32 nan 3 Float.Witness.wU Float.Witness.ww Float.Witness.ws
       Float.Witness.wg.
Proof. exact (conj Float.Witness.witness_run Float.Witness.witness_codes). Qed.

(** and its loss is enclosed between 2^-24 and 2^-23. *)
Lemma emitted_enclosure_witness :
  let value32 := B2R 24 128 in
  let H := fun i j => B2R 53 1024 (Float.Witness.wH i j) in
  let w := fun j => value32 (Float.Witness.ww j) in
  let s := fun j => value32 (Float.Witness.ws j) in
  let g := fun j => value32 (Float.Witness.wg j) in
  / 16777216 <= qform 3 H (vsub w (scaled_points s g)) <= / 8388608.
Proof. exact Float.WitnessBounds.witness_enclosure. Qed.

(** Witness: on the same instance the guard's sum is the loss to within 2^-64. *)
Lemma guard_enclosure_witness :
  let value32 := B2R 24 128 in
  let H := fun i j => B2R 53 1024 (Float.Witness.wH i j) in
  let U := fun i j => B2R 53 1024 (Float.Witness.wU i j) in
  let d := fun j => B2R 53 1024 (Float.Witness.wd j) in
  let w := fun j => value32 (Float.Witness.ww j) in
  let s := fun j => value32 (Float.Witness.ws j) in
  let g := fun j => value32 (Float.Witness.wg j) in
  let t' := product_float U (fun k => B2R 53 1024 (Float.WitnessBounds.we k)) in
  Rabs (qform 3 H (vsub w (scaled_points s g)) - bsum 3 (fun j => d j * t' j ^ 2))
  <= / 18446744073709551616
  /\ / 16777216 <= bsum 3 (fun j => d j * t' j ^ 2) <= / 8388608.
Proof. exact Float.WitnessBounds.witness_product. Qed.

(** ** T16: the average

    [box_mean K n f] is the mean of f over K^n rows: [grid_point (fun _ => s) w0 K p] are the points
    w0_j + s ((2 i_j + 1) / (2 K) - 1/2) with 0 <= i_j < K, numbered by p.  Around a grid point
    round-to-nearest loses s^2/12 (1 - 1/K^2) tr H on the average, exactly, *)
Theorem T16_mean_rtn (n : nat) (H : mat) (Q : nat -> R -> R) (s : R) (w0 : vec) (K : nat) :
  (0 < K)%nat -> 0 < s -> (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall j, (j < n)%nat -> exists z, w0 j = s * IZR z) ->
  let point p := grid_point (fun _ => s) w0 K p in
  box_mean K n (fun p => qform n H (vsub (point p) (rtn Q (point p))))
  = s ^ 2 / 12 * (1 - / INR K ^ 2) * trace n H.
Proof. exact (AverageLaw.T16_mean_rtn n H Q s w0 K). Qed.

(** and GPTQ replaces the trace by the sum of the pivots, up to terms in 1/K^2. *)
Theorem T16_mean_gptq (n : nat) (H U : mat) (d : vec) (Q : nat -> R -> R) (s : R) (w0 : vec)
    (K : nat) (q : nat -> vec) :
  udu n H U d -> nonneg n d -> (0 < K)%nat -> 0 < s ->
  (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point (fun _ => s) w0 K p) (q p)) ->
  s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d
  <= box_mean K n (fun p => qform n H (vsub (grid_point (fun _ => s) w0 K p) (q p)))
  <= s ^ 2 / 12 * (1 + 2 * / INR K ^ 2) * bsum n d.
Proof. exact (AverageLaw.T16_mean_gptq n H U d Q s w0 K q). Qed.

(** Witness: on T5's data with four points per column round-to-nearest loses 115/32 on the average,
    GPTQ between 45/16 and 27/8, which is less. *)
Lemma T16_witness :
  let Q := every (rne 1) in let H := hess 0 (gram 3 t5_X) in
  let point := grid_point (fun _ => 1) (fun _ => 0) 4 in
  let codes p := gptq_upto 3 Q t5_U (point p) in
  box_mean 4 3 (fun p => qform 3 H (vsub (point p) (rtn Q (point p)))) = 115 / 32 /\
  45 / 16 <= box_mean 4 3 (fun p => qform 3 H (vsub (point p) (codes p))) <= 27 / 8.
Proof. exact Gptq.Witness.T16_witness. Qed.
