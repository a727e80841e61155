(** * The published theorems around one run of GPTQ: T8, T9, T10, T16, T17

    Purpose: other data (T8), compensated weights with errors (T9), the pseudo-code that is not GPTQ
      (T10), the average over rows (T16), the best of several runs (T17).  Headline.v explains the
      words used.
    Main results: the names that begin with T8, T9, T10, T16 and T17.
    Depends on: the theorem files and witness files of Gptq, Format/IntegerGrid.
    Source: each proof names the lemma that does it. *)
From Coq Require Import Reals ZArith List Lra.
From Hallmark.Format Require Import IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Quantizer Gptq Concrete.
From Hallmark.Gptq Require Import Average Counterexample StaticInverse Guard Selection.
From Hallmark.Gptq Require Transfer Perturbation AverageLaw WitnessTheorems WitnessVariants.
Import ListNotations.
Open Scope R_scope.

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
Proof. exact WitnessTheorems.T8_witness. Qed.

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
  let H := hess 0 (gram 3 t5_X) in let d := WitnessTheorems.inexact_d in
  let computed := fun j => comp t5_U w q j + 1 / 100 in
  let bound := bsum 3 (fun j => d j * (1 / 2 + 1 / 100) ^ 2)
    + 1 * bsum 3 (fun i => Rabs (w i - q i) * 1) ^ 2 in
  (forall i j, (i < 3)%nat -> (j < 3)%nat -> Rabs (resid 3 H t5_U d i j) <= 1 * (1 * 1)) /\
  (forall j, (j < 3)%nat -> q j = every (rne 1) j (computed j)) /\
  qform 3 H (vsub w q) <= bound /\ qform 3 H (vsub w q) = 51 / 8 /\ bound < 13.
Proof. exact WitnessTheorems.T9_witness. Qed.

(** Witness: in the plain loss with damping 1/4 the bound is below 11/2 and the loss 51/16; with the
    residual itself in place of its bound, and no damping, the bound of the loss 51/8 is below 10.
    *)
Lemma T9_plain_witness : let w := t5_w 0 1 in let q := t5_q 0 1 in let G := gram 3 t5_X in
  let H := hess 0 G in let d := WitnessTheorems.inexact_d in
  let computed := fun j => comp t5_U w q j + 1 / 100 in
  let squares := bsum 3 (fun j => d j * (1 / 2 + 1 / 100) ^ 2) in
  let bound := (squares + 5 / 4 * bsum 3 (fun i => Rabs (w i - q i) * 1) ^ 2
    - 1 / 4 * bsum 3 (fun i => (w i - q i) ^ 2)) / 2 in
  (forall i j, (i < 3)%nat -> (j < 3)%nat ->
    Rabs (resid 3 (hess (1 / 4) G) t5_U d i j) <= 5 / 4 * (1 * 1)) /\
  (forall j, (j < 3)%nat -> Rabs (computed j - q j) <= 1 / 2) /\
  qform 3 G (vsub w q) <= bound /\ qform 3 G (vsub w q) = 51 / 16 /\ bound < 11 / 2 /\
  qform 3 H (vsub w q) <= squares + qform 3 (resid 3 H t5_U d) (vsub w q) /\
  squares + qform 3 (resid 3 H t5_U d) (vsub w q) < 10.
Proof. exact WitnessVariants.T9_plain_witness. Qed.

(** ** T10: the pseudo-code with a static inverse is not GPTQ

    [is_static_inverse n Q Hinv w u q] scatters the error of column k with the row k of one fixed
    inverse divided by its diagonal, u_j = w_j - sum_{k<j} (u_k - q_k) Hinv_kj / Hinv_kk,
    q_j = Q j u_j.  With two columns this is GPTQ. *)
Theorem T10_two_columns (H U : mat) (d : vec) (Hinv : mat) (Q : nat -> R -> R) (w u q : vec) :
  udu 2 H U d -> 0 < d 0%nat -> 0 < d 1%nat -> inv_pair 2 H Hinv ->
  is_static_inverse 2 Q Hinv w u q -> is_gptq 2 Q U w q.
Proof. exact (StaticInverse.T10_two_columns H U d Hinv Q w u q). Qed.

(** Witness: on the instance of T4 it finds GPTQ's codes. *)
Lemma T10_two_columns_witness : let w := entries [3 / 8; 2 / 5] in let q := entries [0; 1] in
  let H := hess 2 (gram 2 WitnessTheorems.two_X) in let Q := every (rne 1) in
  let U := WitnessTheorems.two_U in let d := WitnessTheorems.two_d in
  let Hinv := WitnessVariants.two_Hinv in
  udu 2 H U d /\ 0 < d 0%nat /\ 0 < d 1%nat /\ inv_pair 2 H Hinv /\
  is_static_inverse 2 Q Hinv w (entries [3 / 8; 11 / 20]) q /\ is_gptq 2 Q U w q.
Proof. exact WitnessVariants.T10_two_columns_witness. Qed.

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
  let case := StaticInverse.t10w_exceeds_worst_case Q near in
  conj (outcome_inverse (proj1 case))
    (conj (outcome_static (proj1 case)) (proj2 case))).
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
Proof. exact WitnessTheorems.T10_witness. Qed.

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
Proof. exact WitnessTheorems.T16_witness. Qed.

(** ** T17: selection among several proposals

    [selection n G w first rest] is the first one of least loss in G among the codes [first] and
    those of the list [rest], wherever they come from; neither symmetry nor semidefiniteness of G is
    asked.  It loses no more than any of them, *)
Theorem T17_selection_row (n : nat) (G : mat) (w first : vec) (rest : list vec) (q : vec) :
  In q (first :: rest) ->
  qform n G (vsub w (selection n G w first rest)) <= qform n G (vsub w q).
Proof. exact (Selection.T17_selection_row n G w first rest q). Qed.

(** is one of them, and each before it loses strictly more; *)
Theorem T17_selection_first (n : nat) (G : mat) (w first : vec) (rest : list vec) :
  let kept := selection n G w first rest in
  exists before after, first :: rest = before ++ kept :: after /\
    forall q, In q before -> qform n G (vsub w kept) < qform n G (vsub w q).
Proof. exact (Selection.T17_selection_first n G w first rest). Qed.

(** its loss is the least of theirs. *)
Theorem T17_selection_min (n : nat) (G : mat) (w first : vec) (rest : list vec) :
  qform n G (vsub w (selection n G w first rest))
  = fold_left Rmin (map (fun q => qform n G (vsub w q)) rest) (qform n G (vsub w first)).
Proof. exact (Selection.T17_selection_min n G w first rest). Qed.

(** T6 is the case of two proposals, GPTQ's codes g the first. *)
Theorem T17_selection_guard (n : nat) (G : mat) (w g r : vec) :
  guard n G w g r = selection n G w g [r].
Proof. exact (Selection.T17_selection_guard n G w g r). Qed.

(** A matrix whose rows are selected on their own loses no more than any matrix of the list, *)
Theorem T17_selection_matrix (p n : nat) (G : mat) (W first : mat) (rest : list mat) (A : mat) :
  In A (first :: rest) ->
  matrix_qform p n G (fun i => vsub (W i) (selection n G (W i) (first i) (map (fun B => B i) rest)))
  <= matrix_qform p n G (fun i => vsub (W i) (A i)).
Proof. exact (Selection.T17_selection_matrix p n G W first rest A). Qed.

(** nor than any mixture, whose rows come from different proposals; *)
Theorem T17_selection_mixture (p n : nat) (G : mat) (W first : mat) (rest : nat -> list vec)
    (mixture : mat) :
  (forall i, (i < p)%nat -> In (mixture i) (first i :: rest i)) ->
  matrix_qform p n G (fun i => vsub (W i) (selection n G (W i) (first i) (rest i)))
  <= matrix_qform p n G (fun i => vsub (W i) (mixture i)).
Proof. exact (Selection.T17_selection_mixture p n G W first rest mixture). Qed.

(** its loss is the sum of the least losses of the rows. *)
Theorem T17_selection_matrix_min (p n : nat) (G : mat) (W first : mat) (rest : nat -> list vec) :
  matrix_qform p n G (fun i => vsub (W i) (selection n G (W i) (first i) (rest i)))
  = bsum p (fun i =>
      fold_left Rmin (map (fun q => qform n G (vsub (W i) q)) (rest i))
        (qform n G (vsub (W i) (first i)))).
Proof. exact (Selection.T17_selection_matrix_min p n G W first rest). Qed.

(** The program knows losses up to enclosures.  [enclosed_selection] goes through the list and
    changes to a proposal whose upper end is at most the lower end of the one that it has, stays
    where the upper end of this one is at most the lower end of the other, and decides by the losses
    themselves where neither holds.  The promise is the same, for a row *)
Theorem T17_selection_enclosure (n : nat) (G : mat) (w : vec) (first : enclosed)
    (rest : list enclosed) :
  (forall a, In a (first :: rest) -> encloses n G w a) ->
  forall a, In a (first :: rest) ->
  qform n G (vsub w (enclosed_selection n G w first rest))
  <= qform n G (vsub w (enclosed_codes a)).
Proof. exact (Selection.T17_selection_enclosure n G w first rest). Qed.

(** and for a matrix, against any mixture. *)
Theorem T17_selection_enclosure_matrix (p n : nat) (G W : mat) (first : nat -> enclosed)
    (rest : nat -> list enclosed) (mixture : nat -> enclosed) :
  (forall i a, (i < p)%nat -> In a (first i :: rest i) -> encloses n G (W i) a) ->
  (forall i, (i < p)%nat -> In (mixture i) (first i :: rest i)) ->
  matrix_qform p n G (fun i => vsub (W i) (enclosed_selection n G (W i) (first i) (rest i)))
  <= matrix_qform p n G (fun i => vsub (W i) (enclosed_codes (mixture i))).
Proof. exact (Selection.T17_selection_enclosure_matrix p n G W first rest mixture). Qed.

(** Witness: two rows, T5's and (1/4, 1/4, 1/4), three proposals each: GPTQ's codes (0, 1, 0), then
    [middle_q] = (1, -1, 0), then round-to-nearest.  In T5's row the middle one is kept, 11/16 where
    the guard would lose 19/16; in the other GPTQ's.  7/8 in all, where the proposals lose 27/8,
    51/8 and 27/8 and the guard 11/8. *)
Lemma T17_selection_witness : let Q := every (rne 1) in let G := gram 3 t5_X in
  let W := WitnessVariants.chosen_W in let middle_q := WitnessVariants.middle_q in
  let rounded : mat := fun i => rtn Q (W i) in
  let kept i := selection 3 G (W i) (t5_q 0 1) [middle_q; rounded i] in
  let total (A : mat) := matrix_qform 2 3 G (fun i => vsub (W i) (A i)) in
  G 0%nat 1%nat = 2 /\ kept 0%nat = middle_q /\ kept 1%nat = t5_q 0 1 /\
  total kept <= total (fun _ => t5_q 0 1) /\ total kept <= total rounded /\
  total kept <= total (fun i => if Nat.eqb i 0 then rounded i else t5_q 0 1) /\
  total kept = 7 / 8 /\ total (fun _ => t5_q 0 1) = 27 / 8 /\ total (fun _ => middle_q) = 51 / 8 /\
  total rounded = 27 / 8 /\ total (fun i => if Nat.eqb i 0 then rounded i else t5_q 0 1) = 11 / 8.
Proof. exact WitnessVariants.T17_selection_witness. Qed.

(** Witness: the same from enclosures.  In T5's row those of the first two decide, 1/2 to 5/4
    against 3 to 13/4, and not those of the last two, 1/2 to 5/4 and 1 to 3/2. *)
Lemma T17_enclosure_witness : let Q := every (rne 1) in let G := gram 3 t5_X in
  let W := WitnessVariants.chosen_W in let middle_q := WitnessVariants.middle_q in
  let rounded : mat := fun i => rtn Q (W i) in
  let first i := {| enclosed_codes := t5_q 0 1;
    enclosed_lower := entries [3; 1 / 8] i; enclosed_upper := entries [13 / 4; 1 / 4] i |} in
  let middle i := {| enclosed_codes := middle_q;
    enclosed_lower := entries [1 / 2; 5] i; enclosed_upper := entries [5 / 4; 6] i |} in
  let last i := {| enclosed_codes := rounded i;
    enclosed_lower := entries [1; 2] i; enclosed_upper := entries [3 / 2; 9 / 4] i |} in
  let kept i := enclosed_selection 3 G (W i) (first i) [middle i; last i] in
  let total (A : mat) := matrix_qform 2 3 G (fun i => vsub (W i) (A i)) in
  (forall i a, (i < 2)%nat -> In a [first i; middle i; last i] -> encloses 3 G (W i) a) /\
  enclosed_upper (middle 0%nat) <= enclosed_lower (first 0%nat) /\
  enclosed_lower (last 0%nat) < enclosed_upper (middle 0%nat) < enclosed_upper (last 0%nat) /\
  kept 0%nat = middle_q /\ kept 1%nat = t5_q 0 1 /\
  total kept <= total rounded /\ total kept = 7 / 8 /\ total rounded = 27 / 8.
Proof. exact WitnessVariants.T17_enclosure_witness. Qed.
