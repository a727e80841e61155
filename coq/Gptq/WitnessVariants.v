(** * A concrete instance of the variants of the theorems

    Purpose: [WitnessTheorems] shows that the main form of each theorem says something; here are
      their variants, each applied to explicit numbers.
    Main results: [ground_witness], [codes_witness], [T1_plain_witness], [T3_any_tie_witness],
      [T3_damped_witness], [T4_form_witness], [T6_enclosure_witness], [T9_plain_witness],
      [T10_two_columns_witness], [T17_selection_witness], [T17_enclosure_witness].
    Depends on: the theorem files of this folder, [WitnessTheorems].
    Source: this project. *)
From Coq Require Import Reals Lra Lia ZArith Arith List.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16 IntegerGrid.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Factorization Quantizer QuantizerFacts Gptq GptqFacts Identity Bound
  WorstCase TwoColumns Guard Perturbation Selection UniformGrid Concrete Counterexample
  StaticInverse WitnessTheorems.
Import ListNotations.
Open Scope R_scope.

(** The one token (1, 1), whose Gram matrix is singular. *)
Definition flat_X : mat := rows [[1]; [1]].

(** The ground at work on a singular matrix: it is symmetric and positive semidefinite, (1, -1)
    loses nothing in it, and it has a factor with a zero pivot. *)
Lemma ground_witness : let H := hess 0 (gram 1 flat_X) in
  sym 2 H /\ psd 2 H /\ qform 2 H (entries [1; -1]) = 0 /\ qform 2 H (entries [1; 1]) = 8 /\
  udu 2 H (rows [[1; 1]; [0; 1]]) (entries [0; 2]) /\ nonneg 2 (entries [0; 2]) /\
  exists U d, udu 2 H U d /\ nonneg 2 d.
Proof.
intros H; destruct (hess_psd 2 1 0 flat_X ltac:(lra)) as [symmetric positive].
assert (cert : udu 2 H (rows [[1; 1]; [0; 1]]) (entries [0; 2])).
{ unfold H, flat_X; split.
  - intros i j range; three i; three j; reflexivity.
  - intros i below; three i; reflexivity.
  - intros i j ibelow jbelow; three i; three j; compute3; field. }
split; [exact symmetric|split; [exact positive|split; [|split; [|split; [exact cert|split]]]]].
- unfold H, flat_X; compute3; field.
- unfold H, flat_X; compute3; field.
- intros k below; three k; unfold entries; simpl; lra.
- exact (udu_exists 2 H symmetric positive).
Qed.

(** The codes that are computed column after column are, by uniqueness, those of T5. *)
Lemma codes_witness j : (j < 3)%nat ->
  gptq_upto 3 Qint t5_U (t5_w 0 1) j = entries [0; 1; 0] j.
Proof.
intros below; rewrite (gptq_unique 3 Qint t5_U (t5_w 0 1) _ (t5_q 0 1)
  (gptq_exists 3 Qint t5_U (t5_w 0 1)) t5_run j below).
unfold t5_q, entries; three j; simpl; lra.
Qed.

(** T1 in the plain loss at work: damping 1, pivots 2, 2, 31 in place of those of H; of the three
    terms 1583/256, 225/256 and 11/16 the last is subtracted, and half of it is 51/16. *)
Lemma T1_plain_witness : let G := gram 3 t5_X in let w := t5_w 0 1 in let q := t5_q 0 1 in
  unit_upper 3 t5_U /\
  bsum 3 (fun j => inexact_d j * (comp t5_U w q j - q j) ^ 2) = 1583 / 256 /\
  qform 3 (resid 3 (hess 1 G) t5_U inexact_d) (vsub w q) = 225 / 256 /\
  1 * bsum 3 (fun i => (w i - q i) ^ 2) = 11 / 16 /\
  qform 3 G (vsub w q) = (1583 / 256 + 225 / 256 - 11 / 16) / 2 /\ qform 3 G (vsub w q) = 51 / 16.
Proof.
intros G w q; assert (shape := udu_unit_upper 3 H5 t5_U t5_d t5_udu).
assert (squares : bsum 3 (fun j => inexact_d j * (comp t5_U w q j - q j) ^ 2) = 1583 / 256) by
  (unfold inexact_d, t5_U, w, q, t5_w, t5_q; compute3; field).
assert (residual : qform 3 (resid 3 (hess 1 G) t5_U inexact_d) (vsub w q) = 225 / 256) by
  (unfold resid, recon, G, inexact_d, t5_X, t5_U, w, q, t5_w, t5_q; compute3; field).
assert (damping : 1 * bsum 3 (fun i => (w i - q i) ^ 2) = 11 / 16) by
  (unfold w, q, t5_w, t5_q; compute3; field).
assert (identity := T1_identity_plain_residual 3 G 1 t5_U inexact_d w q shape).
rewrite squares, residual, damping in identity.
repeat (split; [assumption|]); rewrite identity; field.
Qed.

(** The integer nearest to x, ties upward. *)
Definition round_up (x : R) : R := IZR (Zfloor (x + 1 / 2)).

(** It is nearest, and sends 1/2 to 1. *)
Lemma round_up_facts : nearest_multiple 1 round_up /\ round_up (1 / 2) = 1.
Proof.
split.
- intros x; unfold round_up; split; [exists (Zfloor (x + 1 / 2)); ring|].
  assert (low := Zfloor_lb (x + 1 / 2)); assert (high := Zfloor_ub (x + 1 / 2)).
  apply Rabs_le; lra.
- unfold round_up; rewrite (Zfloor_imp 1); [reflexivity|simpl; lra].
Qed.

(** T3 for any tie rule at work: ties go upward, so that [half_even_ties] fails; still some row of
    round-to-nearest loses at least (9/10)^2 of what GPTQ loses on any, which is up to 9. *)
Lemma T3_any_tie_witness : let Q := every round_up in
  ~ half_even_ties 1 round_up /\
  (exists w q, is_gptq 3 Q t5_U w q /\ qform 3 H5 (vsub w q) = 9) /\
  exists w', (forall w q, is_gptq 3 Q t5_U w q ->
      (9 / 10) ^ 2 * qform 3 H5 (vsub w q) <= qform 3 H5 (vsub w' (rtn Q w'))) /\
    729 / 100 <= qform 3 H5 (vsub w' (rtn Q w')).
Proof.
intros Q; destruct round_up_facts as [multiple tie]; destruct t5_sums as [sum _].
assert (reached : exists w q, is_gptq 3 Q t5_U w q /\ qform 3 H5 (vsub w q) = 9).
{ destruct (T2_tight 3 H5 t5_U t5_d Q (-1) t5_udu) as [w [q [run value]]].
  - intros j _; unfold Q, every, round_up; rewrite (Zfloor_imp 0); [reflexivity|simpl; lra].
  - exists w, q; split; [exact run|]; rewrite value, sum; lra. }
destruct (T3_dominance_any_tie 3 H5 t5_U t5_d Q 1 (9 / 10) t5_udu t5_nonneg) as [w' worst].
- intros j _; apply nearest_multiple_half_step; exact multiple.
- intros j x _ small; apply (nearest_multiple_small 1); [lra|exact multiple|exact small].
- lra.
- lra.
- split; [intros [up _]; lra|split; [exact reached|]].
  exists w'; split; [exact worst|].
  destruct reached as [w [q [run value]]]; assert (here := worst w q run); lra.
Qed.

(** The factor of T5's H with damping 1/4. *)
Definition damped_U : mat := rows [[1; 2064 / 1169; 0]; [0; 1; 32 / 129]; [0; 0; 1]].

(** Its pivots. *)
Definition damped_d : vec := entries [14905 / 4676; 1169 / 516; 129 / 4].

(** T3 in the plain loss at work: with damping 1/4 the additive term is 3/32, and some row of
    round-to-nearest loses at least 51/16 - 3/32 = 99/32, because GPTQ loses 51/16 on T5's row. *)
Lemma T3_damped_witness :
  udu 3 (hess (1 / 4) (gram 3 t5_X)) damped_U damped_d /\ nonneg 3 damped_d /\
  is_gptq 3 Qint damped_U (t5_w 0 1) (t5_q 0 1) /\
  INR 3 * (1 / 4) * 1 ^ 2 / 8 = 3 / 32 /\
  exists w', (forall w q, is_gptq 3 Qint damped_U w q ->
      loss 3 3 t5_X (vsub w q) <= loss 3 3 t5_X (vsub w' (rtn Qint w')) + 3 / 32) /\
    99 / 32 <= loss 3 3 t5_X (vsub w' (rtn Qint w')).
Proof.
assert (cert : udu 3 (hess (1 / 4) (gram 3 t5_X)) damped_U damped_d).
{ unfold t5_X, damped_U, damped_d; split.
  - intros i j range; three i; three j; reflexivity.
  - intros i below; three i; reflexivity.
  - intros i j ibelow jbelow; three i; three j; compute3; field. }
assert (pos : nonneg 3 damped_d) by
  (intros k below; unfold damped_d; three k; unfold entries; simpl; lra).
assert (low : rne 1 (1 / 4) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (over : rne 1 (1 / 4 + 516 / 1169) = 1) by (apply (rne_near_int _ 1%Z), Rabs_def1; lra).
assert (under : rne 1 (- (75 / 172)) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (run : is_gptq 3 Qint damped_U (t5_w 0 1) (t5_q 0 1)).
{ intros j below; unfold t5_w, t5_q, damped_U; three j; [code_is low| |code_is under].
  compute3; replace (0 + 1) with (rne 1 (1 / 4 + 516 / 1169)) by lra; f_equal; field. }
assert (term : INR 3 * (1 / 4) * 1 ^ 2 / 8 = 3 / 32) by (simpl; lra).
destruct (T3_dominance_damped 3 3 t5_X (1 / 4) damped_U damped_d Qint 1 ltac:(lra) cert pos
  Qint_step Qint_ties) as [w' worst].
rewrite term in worst; repeat (split; [assumption|]).
exists w'; split; [exact worst|]; assert (here := worst _ _ run).
destruct (T5_integer (rne 1) rne_near_int) as [_ [_ [_ [value _]]]]; rewrite value in here; lra.
Qed.

(** T4 in the loss of H at work, on the instance of [T4_witness]; and with one column. *)
Lemma T4_form_witness : let w := entries [3 / 8; 2 / 5] in let q := entries [0; 1] in
  let H := hess 2 (gram 2 two_X) in
  nearest (rne 1) /\ mono (rne 1) /\
  qform 2 H (vsub w q) <= qform 2 H (vsub w (rtn Qint w)) /\
  qform 2 H (vsub w q) = 423 / 160 /\ qform 2 H (vsub w (rtn Qint w)) = 583 / 160 /\
  is_gptq 1 Qint two_U w q /\ q 0%nat = rtn Qint w 0%nat.
Proof.
intros w q H; destruct T4_witness as [cert [pos [run _]]]; cbv zeta in run; fold w q in run.
assert (best : nearest (rne 1)) by
  (apply (nearest_multiple_nearest 1); [lra|apply rne_nearest_multiple; lra]).
assert (low : rne 1 (3 / 8) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (mid : rne 1 (2 / 5) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (first : is_gptq 1 Qint two_U w q) by (apply (is_gptq_prefix 2 1); [lia|exact run]).
split; [exact best|split; [apply nearest_mono; exact best|split; [|split; [|split; [|split]]]]].
- apply (T4_two_columns H two_U two_d Qint w q cert pos best run).
- unfold H, two_X, w, q; compute3; field.
- unfold H, two_X, w; compute3; rewrite low, mid; field.
- exact first.
- exact (T4_one_column Qint two_U w q first).
Qed.

(** T6 from enclosures at work, on two rows: of T5's row round-to-nearest is kept, although the
    enclosures alone decide; of the other GPTQ's codes.  11/8 in all, where round-to-nearest loses
    27/8. *)
Lemma T6_enclosure_witness :
  let G := gram 3 t5_X in
  let W := fun i => if Nat.eqb i 0 then t5_w 0 1 else good_w in
  let A := fun _ => t5_q 0 1 in let B := fun i => rtn Qint (W i) in
  let upper := entries [13 / 4; 1 / 4] in let lower := entries [9 / 8; 17 / 8] in
  let choose := fun i => Nat.eqb i 1 in
  (forall i, (i < 2)%nat -> is_gptq 3 Qint t5_U (W i) (A i)) /\
  (forall i, (i < 2)%nat -> qform 3 G (vsub (W i) (A i)) <= upper i) /\
  (forall i, (i < 2)%nat -> lower i <= qform 3 G (vsub (W i) (B i))) /\
  (forall i, (i < 2)%nat -> choose i = true -> upper i <= lower i) /\
  let kept := matrix_qform 2 3 G (fun i => vsub (W i) (if choose i then A i else B i)) in
  let rounded := matrix_qform 2 3 G (fun i => vsub (W i) (B i)) in
  kept <= rounded /\ kept = 11 / 8 /\ rounded = 27 / 8.
Proof.
intros G W A B upper lower choose.
destruct T6_witness as [gptq5 [_ [good_run [good_rtn _]]]].
destruct (T5_integer (rne 1) rne_near_int) as [_ [_ [_ [_ rtn5]]]].
assert (good : qform 3 G (vsub good_w (t5_q 0 1)) = 3 / 16) by
  (unfold G, t5_X, good_w, t5_q; compute3; field).
rewrite loss_gram in gptq5, good_rtn, rtn5; fold G in gptq5, good_rtn, rtn5.
assert (runs : forall i, (i < 2)%nat -> is_gptq 3 Qint t5_U (W i) (A i)) by
  (intros i below; three i; [exact t5_run|exact good_run]).
assert (above : forall i, (i < 2)%nat -> qform 3 G (vsub (W i) (A i)) <= upper i).
{ intros i below; three i; unfold W, A, upper, entries; simpl nth; simpl Nat.eqb; cbv iota; lra. }
assert (below_rtn : forall i, (i < 2)%nat -> lower i <= qform 3 G (vsub (W i) (B i))).
{ intros i below; three i; unfold B, W, lower, entries; simpl nth; simpl Nat.eqb; cbv iota; lra. }
assert (decide : forall i, (i < 2)%nat -> choose i = true -> upper i <= lower i).
{ intros i below chosen; three i; [discriminate|]; unfold upper, lower, entries; simpl; lra. }
split; [exact runs|split; [exact above|split; [exact below_rtn|split; [exact decide|]]]].
intros kept rounded; split; [|split].
- exact (T6_guard_enclosure_matrix 2 3 G W A B upper lower choose above below_rtn decide).
- unfold kept, matrix_qform; cbn [bsum]; unfold B, W, A, choose; simpl Nat.eqb; cbv iota; lra.
- unfold rounded, matrix_qform; cbn [bsum]; unfold B, W; simpl Nat.eqb; cbv iota; lra.
Qed.

(** T9 in the plain loss at work: damping 1/4, compensated weights off by 1/100, pivots 2, 2, 31;
    with the residual bounded entry by entry by 5/4 the bound is below 11/2, and the loss is 51/16.
    With the residual itself, 49/256 without damping, the bound on the loss 51/8 is below 10. *)
Lemma T9_plain_witness : let w := t5_w 0 1 in let q := t5_q 0 1 in let G := gram 3 t5_X in
  let computed := fun j => comp t5_U w q j + 1 / 100 in
  let squares := bsum 3 (fun j => inexact_d j * (1 / 2 + 1 / 100) ^ 2) in
  let bound := (squares + 5 / 4 * bsum 3 (fun i => Rabs (w i - q i) * 1) ^ 2
    - 1 / 4 * bsum 3 (fun i => (w i - q i) ^ 2)) / 2 in
  (forall i j, (i < 3)%nat -> (j < 3)%nat ->
    Rabs (resid 3 (hess (1 / 4) G) t5_U inexact_d i j) <= 5 / 4 * (1 * 1)) /\
  (forall j, (j < 3)%nat -> Rabs (computed j - q j) <= 1 / 2) /\
  qform 3 G (vsub w q) <= bound /\ qform 3 G (vsub w q) = 51 / 16 /\ bound < 11 / 2 /\
  qform 3 H5 (vsub w q) <= squares + qform 3 (resid 3 H5 t5_U inexact_d) (vsub w q) /\
  squares + qform 3 (resid 3 H5 t5_U inexact_d) (vsub w q) < 10.
Proof.
intros w q G computed squares bound.
assert (shape := udu_unit_upper 3 H5 t5_U t5_d t5_udu).
assert (pos : nonneg 3 inexact_d) by
  (intros k below; unfold inexact_d; three k; unfold entries; simpl; lra).
assert (entrywise : forall i j, (i < 3)%nat -> (j < 3)%nat ->
  Rabs (resid 3 (hess (1 / 4) G) t5_U inexact_d i j) <= 5 / 4 * (1 * 1)).
{ intros i j ibelow jbelow; unfold resid, recon, G, inexact_d, t5_X, t5_U.
  three i; three j; compute3; apply Rabs_le; lra. }
destruct T9_witness as [_ [codes _]]; cbv zeta in codes; fold w q in codes.
assert (near : forall j, (j < 3)%nat -> Rabs (computed j - q j) <= 1 / 2) by
  (intros j below; rewrite (codes j below) at 1; apply Qint_step; exact below).
assert (close : forall j, (j < 3)%nat -> Rabs (computed j - comp t5_U w q j) <= 1 / 100) by
  (intros j _; unfold computed; apply Rabs_le; lra).
assert (sum : squares = 35 * (51 / 100) ^ 2) by
  (unfold squares, inexact_d; compute3; field).
destruct T1_residual_witness as [_ residual]; fold w q in residual.
split; [exact entrywise|split; [exact near|split; [|split; [|split; [|split]]]]].
- exact (T9_perturbation_plain 3 G (1 / 4) t5_U inexact_d w q computed (fun _ => 1 / 2)
    (fun _ => 1 / 100) (fun _ => 1) (5 / 4) shape pos entrywise near close).
- unfold G, w, q, t5_X, t5_w, t5_q; compute3; field.
- unfold bound; rewrite sum; unfold w, q, t5_w, t5_q; compute3.
  rewrite (Rabs_pos_eq (0 + 1 / 4 - 0)), (Rabs_left1 (0 + 1 / 4 - (0 + 1))),
    (Rabs_left1 (0 - 1 / 4 - 0)) by lra; lra.
- exact (T9_perturbation_residual 3 H5 t5_U inexact_d w q computed (fun _ => 1 / 2)
    (fun _ => 1 / 100) shape pos near close).
- rewrite residual, sum; lra.
Qed.

(** The inverse of 2 X X^T + 2 I for the two columns of [T4_witness]. *)
Definition two_Hinv : mat := rows [[5 / 22; - (1 / 11)]; [- (1 / 11); 3 / 22]].

(** T10 with two columns at work: the static inverse finds GPTQ's codes. *)
Lemma T10_two_columns_witness : let w := entries [3 / 8; 2 / 5] in let q := entries [0; 1] in
  let H := hess 2 (gram 2 two_X) in
  udu 2 H two_U two_d /\ 0 < two_d 0 /\ 0 < two_d 1 /\ inv_pair 2 H two_Hinv /\
  is_static_inverse 2 Qint two_Hinv w (entries [3 / 8; 11 / 20]) q /\ is_gptq 2 Qint two_U w q.
Proof.
intros w q H; destruct T4_witness as [cert _].
assert (low : rne 1 (3 / 8) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (over : rne 1 (11 / 20) = 1) by (apply (rne_near_int _ 1%Z), Rabs_def1; lra).
assert (pos0 : 0 < two_d 0) by (unfold two_d, entries; simpl; lra).
assert (pos1 : 0 < two_d 1) by (unfold two_d, entries; simpl; lra).
assert (inverse : inv_pair 2 H two_Hinv).
{ intros i j ibelow jbelow; unfold H, two_Hinv, two_X; three i; three j; compute3; field. }
assert (static : is_static_inverse 2 Qint two_Hinv w (entries [3 / 8; 11 / 20]) q).
{ intros j below; unfold w, q, two_Hinv, every; three j; unfold entries, rows; simpl;
    (split; [field; lra|symmetry; assumption]). }
repeat (split; [assumption|]).
exact (T10_two_columns H two_U two_d two_Hinv Qint w _ q cert pos0 pos1 inverse static).
Qed.

(** T5's row and another, three proposals for each: GPTQ's codes, others, round-to-nearest. *)
Definition chosen_W : mat := fun i => if Nat.eqb i 0 then t5_w 0 1 else good_w.

(** Codes that are neither GPTQ's nor those of round-to-nearest. *)
Definition middle_q : vec := entries [1; -1; 0].

(** The losses of the six. *)
Lemma chosen_losses (i : nat) : (i < 2)%nat -> let G := gram 3 t5_X in
  qform 3 G (vsub (chosen_W i) (t5_q 0 1)) = entries [51 / 16; 3 / 16] i /\
  qform 3 G (vsub (chosen_W i) middle_q) = entries [11 / 16; 91 / 16] i /\
  qform 3 G (vsub (chosen_W i) (rtn Qint (chosen_W i))) = entries [19 / 16; 35 / 16] i.
Proof.
assert (low : rne 1 (1 / 4) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
destruct (T5_integer (rne 1) rne_near_int) as [_ [_ [_ [_ rtn5]]]].
rewrite loss_gram in rtn5.
intros below G; unfold G, chosen_W, middle_q; three i; simpl Nat.eqb; cbv iota; unfold good_w, t5_q.
- split; [|split; [|exact rtn5]]; unfold t5_X, t5_w; compute3; field.
- split; [|split]; unfold t5_X; compute3; try rewrite low; field.
Qed.

(** T17 at work: of T5's row the codes in the middle are kept and lose 11/16, where the guard would
    lose 19/16; of the other row GPTQ's.  7/8 in all, where the proposals lose 27/8, 51/8, 27/8. *)
Lemma T17_selection_witness : let G := gram 3 t5_X in
  let rounded : mat := fun i => rtn Qint (chosen_W i) in
  let kept i := selection 3 G (chosen_W i) (t5_q 0 1) [middle_q; rounded i] in
  let total (A : mat) := matrix_qform 2 3 G (fun i => vsub (chosen_W i) (A i)) in
  G 0%nat 1%nat = 2 /\ kept 0%nat = middle_q /\ kept 1%nat = t5_q 0 1 /\
  total kept <= total (fun _ => t5_q 0 1) /\ total kept <= total rounded /\
  total kept <= total (fun i => if Nat.eqb i 0 then rounded i else t5_q 0 1) /\
  total kept = 7 / 8 /\ total (fun _ => t5_q 0 1) = 27 / 8 /\ total (fun _ => middle_q) = 51 / 8 /\
  total rounded = 27 / 8 /\ total (fun i => if Nat.eqb i 0 then rounded i else t5_q 0 1) = 11 / 8.
Proof.
intros G rounded kept total.
destruct (chosen_losses 0 ltac:(lia)) as [first0 [middle0 last0]].
destruct (chosen_losses 1 ltac:(lia)) as [first1 [middle1 last1]].
unfold entries in first0, middle0, last0, first1, middle1, last1; simpl nth in *.
fold G in first0, middle0, last0, first1, middle1, last1.
assert (kept0 : kept 0%nat = middle_q).
{ assert (change : loses_less 3 G (chosen_W 0) middle_q (t5_q 0 1) = true) by
    (unfold loses_less; destruct Rlt_dec; [reflexivity|lra]).
  assert (stay : loses_less 3 G (chosen_W 0) (rounded 0%nat) middle_q = false) by
    (unfold loses_less, rounded; destruct Rlt_dec; [lra|reflexivity]).
  unfold kept, selection; cbn [keep_by]; rewrite change, stay; reflexivity. }
assert (kept1 : kept 1%nat = t5_q 0 1).
{ assert (stay : loses_less 3 G (chosen_W 1) middle_q (t5_q 0 1) = false) by
    (unfold loses_less; destruct Rlt_dec; [lra|reflexivity]).
  assert (stay_on : loses_less 3 G (chosen_W 1) (rounded 1%nat) (t5_q 0 1) = false) by
    (unfold loses_less, rounded; destruct Rlt_dec; [lra|reflexivity]).
  unfold kept, selection; cbn [keep_by]; rewrite stay, stay_on; reflexivity. }
split; [unfold G, t5_X; compute3; field|split; [exact kept0|split; [exact kept1|]]].
split; [|split; [|split]].
- apply (T17_selection_mixture 2 3 G chosen_W (fun _ => t5_q 0 1) (fun i => [middle_q; rounded i])).
  intros i _; left; reflexivity.
- apply (T17_selection_matrix 2 3 G chosen_W (fun _ => t5_q 0 1) [fun _ => middle_q; rounded]).
  right; right; left; reflexivity.
- apply (T17_selection_mixture 2 3 G chosen_W (fun _ => t5_q 0 1) (fun i => [middle_q; rounded i])).
  intros i _; destruct (Nat.eqb i 0); simpl; tauto.
- unfold total, matrix_qform; cbn [bsum]; rewrite kept0, kept1; unfold rounded; simpl Nat.eqb.
  cbv iota; rewrite first0, middle0, last0, first1, middle1, last1; repeat split; field.
Qed.

(** T17 from enclosures at work, on the same six: of T5's row the first decision is made by the
    enclosures and the second, where they overlap, by the losses. *)
Lemma T17_enclosure_witness : let G := gram 3 t5_X in
  let rounded : mat := fun i => rtn Qint (chosen_W i) in
  let first i := {| enclosed_codes := t5_q 0 1;
    enclosed_lower := entries [3; 1 / 8] i; enclosed_upper := entries [13 / 4; 1 / 4] i |} in
  let middle i := {| enclosed_codes := middle_q;
    enclosed_lower := entries [1 / 2; 5] i; enclosed_upper := entries [5 / 4; 6] i |} in
  let last i := {| enclosed_codes := rounded i;
    enclosed_lower := entries [1; 2] i; enclosed_upper := entries [3 / 2; 9 / 4] i |} in
  let kept i := enclosed_selection 3 G (chosen_W i) (first i) [middle i; last i] in
  let total (A : mat) := matrix_qform 2 3 G (fun i => vsub (chosen_W i) (A i)) in
  (forall i a, (i < 2)%nat -> In a [first i; middle i; last i] ->
    encloses 3 G (chosen_W i) a) /\
  enclosed_upper (middle 0%nat) <= enclosed_lower (first 0%nat) /\
  enclosed_lower (last 0%nat) < enclosed_upper (middle 0%nat) < enclosed_upper (last 0%nat) /\
  kept 0%nat = middle_q /\ kept 1%nat = t5_q 0 1 /\
  total kept <= total rounded /\ total kept = 7 / 8 /\ total rounded = 27 / 8.
Proof.
intros G rounded first middle last kept total.
destruct (chosen_losses 0 ltac:(lia)) as [first0 [middle0 last0]].
destruct (chosen_losses 1 ltac:(lia)) as [first1 [middle1 last1]].
unfold entries in first0, middle0, last0, first1, middle1, last1; simpl nth in *.
fold G in first0, middle0, last0, first1, middle1, last1.
assert (known : forall i a, (i < 2)%nat -> In a [first i; middle i; last i] ->
  encloses 3 G (chosen_W i) a).
{ intros i a below among; unfold encloses.
  three i; destruct among as [<-|[<-|[<-|[]]]]; unfold first, middle, last, rounded, entries;
    simpl enclosed_lower; simpl enclosed_upper; simpl enclosed_codes; lra. }
assert (kept0 : kept 0%nat = middle_q).
{ assert (change : enclosed_loses_less 3 G (chosen_W 0) (middle 0%nat) (first 0%nat) = true).
  { unfold enclosed_loses_less, middle, first, entries; simpl.
    destruct Rle_dec; [reflexivity|lra]. }
  assert (stay : enclosed_loses_less 3 G (chosen_W 0) (last 0%nat) (middle 0%nat) = false).
  { unfold enclosed_loses_less, last, middle, entries; simpl enclosed_upper.
    simpl enclosed_lower; do 2 (destruct Rle_dec; [lra|]).
    unfold loses_less, rounded; simpl enclosed_codes; destruct Rlt_dec; [lra|reflexivity]. }
  unfold kept, enclosed_selection; cbn [keep_by]; rewrite change, stay; reflexivity. }
assert (kept1 : kept 1%nat = t5_q 0 1).
{ assert (stay : enclosed_loses_less 3 G (chosen_W 1) (middle 1%nat) (first 1%nat) = false).
  { unfold enclosed_loses_less, middle, first, entries; simpl.
    destruct Rle_dec; [lra|]; destruct Rle_dec; [reflexivity|lra]. }
  assert (stay_on : enclosed_loses_less 3 G (chosen_W 1) (last 1%nat) (first 1%nat) = false).
  { unfold enclosed_loses_less, last, first, entries; simpl.
    destruct Rle_dec; [lra|]; destruct Rle_dec; [reflexivity|lra]. }
  unfold kept, enclosed_selection; cbn [keep_by]; rewrite stay, stay_on; reflexivity. }
split; [exact known|].
split; [unfold middle, first, entries; simpl; lra|].
split; [unfold last, middle, entries; simpl; lra|].
split; [exact kept0|split; [exact kept1|split]].
- apply (T17_selection_enclosure_matrix 2 3 G chosen_W first (fun i => [middle i; last i]) last);
    [exact known|intros i _; simpl; tauto].
- unfold total, matrix_qform; cbn [bsum]; rewrite kept0, kept1; unfold rounded.
  rewrite first1, middle0, last0, last1; split; field.
Qed.
