(** * A concrete instance of every theorem

    Purpose: the hypotheses of T1 to T10, T3b and T16 can hold together, and what they then say is
      not trivial: each lemma here applies its theorem to explicit numbers.
    Main results: [T1_witness], [T1_residual_witness], [textbook_witness], [T2_witness],
      [T3_witness], [T3b_witness], [T4_witness], [T5_witness], [T6_witness], [T7_witness],
      [T8_witness], [T9_witness], [T10_witness], [T16_witness].
    Depends on: the theorem files of this folder, Format/GF16, Format/IntegerGrid.
    Source: this project. *)
From Coq Require Import Reals Lra Lia ZArith Arith List.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16 IntegerGrid ScaledGrid.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Quantizer QuantizerFacts Gptq GptqFacts Textbook
  Identity Bound WorstCase Feedback TwoColumns Guard Transfer Perturbation UniformGrid GoldenGrid
  Average AverageLaw Concrete Counterexample PlainWorstCase StaticInverse.
Import ListNotations.
Open Scope R_scope.

(** The damped Hessian of T5, with damping zero. *)
Notation H5 := (hess 0 (gram 3 t5_X)).

(** Rounding to the nearest integer, ties to even, in every column. *)
Notation Qint := (every (rne 1)).

(** The pivots of T5 are nonnegative. *)
Lemma t5_nonneg : nonneg 3 t5_d.
Proof. intros k below; left; apply t5_d_pos; exact below. Qed.

(** The integer grid moves no number by more than 1/2. *)
Lemma Qint_step j : (j < 3)%nat -> half_step 1 (Qint j).
Proof. intros _; apply rne_half_step; lra. Qed.

(** The integer grid sends both midpoints next to zero to zero. *)
Lemma Qint_ties j : (j < 3)%nat -> half_even_ties 1 (Qint j).
Proof. intros _; apply rne_half_even_ties; lra. Qed.

(** The integer grid is the multiples of 1. *)
Lemma Qint_multiple j : (j < 3)%nat -> nearest_multiple 1 (Qint j).
Proof. intros _; apply rne_nearest_multiple; lra. Qed.

(** The codes of T5 on the integers. *)
Lemma t5_run : is_gptq 3 Qint t5_U (t5_w 0 1) (t5_q 0 1).
Proof. exact (proj1 (T5_integer (rne 1) rne_near_int)). Qed.

(** The sum of the pivots of T5 is 36 and the trace is 46. *)
Lemma t5_sums : bsum 3 t5_d = 36 /\ trace 3 H5 = 46.
Proof. unfold t5_d, t5_X; compute3; split; lra. Qed.

(** The value of GPTQ's loss in T5, in the form H. *)
Lemma t5_qform : qform 3 H5 (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 8.
Proof. unfold t5_X, t5_w, t5_q; compute3; lra. Qed.

(** T1 at work: three terms 2 (1/4)^2 + 2 (1/4)^2 + 32 (7/16)^2 make the loss 51/8. *)
Lemma T1_witness : udu 3 H5 t5_U t5_d /\
  qform 3 H5 (vsub (t5_w 0 1) (t5_q 0 1))
  = bsum 3 (fun j => t5_d j * (comp t5_U (t5_w 0 1) (t5_q 0 1) j - t5_q 0 1 j) ^ 2) /\
  qform 3 H5 (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 8.
Proof.
split; [exact t5_udu|split; [apply T1_identity; exact t5_udu|exact t5_qform]].
Qed.

(** Pivots that are not those of the matrix. *)
Definition inexact_d : vec := entries [2; 2; 31].

(** T1 with an inexact factor: the residual takes part, with the value 49/256. *)
Lemma T1_residual_witness :
  qform 3 H5 (vsub (t5_w 0 1) (t5_q 0 1))
  = bsum 3 (fun j => inexact_d j * (comp t5_U (t5_w 0 1) (t5_q 0 1) j - t5_q 0 1 j) ^ 2)
    + qform 3 (resid 3 H5 t5_U inexact_d) (vsub (t5_w 0 1) (t5_q 0 1)) /\
  qform 3 (resid 3 H5 t5_U inexact_d) (vsub (t5_w 0 1) (t5_q 0 1)) = 49 / 256.
Proof.
split.
- apply T1_identity_residual, (udu_unit_upper 3 H5 t5_U t5_d), t5_udu.
- unfold resid, recon, inexact_d, t5_X, t5_U, t5_w, t5_q; compute3; field.
Qed.

(** The matrix with the factor of T5 and pivots 1, 4, 16. *)
Definition square_M : mat := recon 3 t5_U (entries [1; 4; 16]).

(** The upper Cholesky factor of its inverse. *)
Definition square_C : mat := rows [[1; -2; 1 / 2]; [0; 1 / 2; - (1 / 8)]; [0; 0; 1 / 4]].

(** The textbook form at work: C is the Cholesky factor of an inverse and leads to T5's codes. *)
Lemma textbook_witness :
  udu 3 square_M t5_U (entries [1; 4; 16]) /\
  inv_pair 3 square_M (fun i j => bsum 3 (fun a => square_C a i * square_C a j)) /\
  is_textbook 3 Qint (fun j k => square_C j k / square_C j j) (t5_w 0 1)
    (comp t5_U (t5_w 0 1) (t5_q 0 1)) (t5_q 0 1).
Proof.
assert (cert : udu 3 square_M t5_U (entries [1; 4; 16])) by
  (apply udu_recon, (udu_unit_upper 3 H5 t5_U t5_d), t5_udu).
assert (inverse : inv_pair 3 square_M (fun i j => bsum 3 (fun a => square_C a i * square_C a j))).
{ intros i j ibelow jbelow; unfold square_M, recon, square_C, t5_U.
  three i; three j; compute3; field. }
split; [exact cert|split; [exact inverse|]].
destruct (inverse_cholesky 3 square_M t5_U (entries [1; 4; 16]) square_C cert) as [shape [pair _]].
- intros i j range; three i; three j; reflexivity.
- intros i below; three i; unfold square_C, rows; simpl; lra.
- exact inverse.
- apply (gptq_is_textbook 3 Qint square_M t5_U (entries [1; 4; 16])); try assumption.
  exact t5_run.
Qed.

(** T2 at work: the loss 51/8 is below s^2/4 sum d = 9, which some row reaches, below
    s^2/4 tr H = 23/2. *)
Lemma T2_witness :
  qform 3 H5 (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 8 /\
  51 / 8 <= 1 ^ 2 / 4 * bsum 3 t5_d /\ 1 ^ 2 / 4 * bsum 3 t5_d = 9 /\
  1 ^ 2 / 4 * trace 3 H5 = 23 / 2 /\
  (exists w q, is_gptq 3 Qint t5_U w q /\ qform 3 H5 (vsub w q) = 9).
Proof.
destruct t5_sums as [sum tr]; rewrite sum, tr; split; [exact t5_qform|].
split; [|split; [lra|split; [lra|]]].
- rewrite <- sum, <- t5_qform; apply (T2_bound_step 3 H5 t5_U t5_d _ _ Qint 1).
  + exact t5_udu.
  + exact t5_nonneg.
  + exact Qint_step.
  + exact t5_run.
- destruct (T2_tight 3 H5 t5_U t5_d Qint 1 t5_udu) as [w [q [run reached]]].
  + intros j below; apply Qint_ties; exact below.
  + exists w, q; split; [exact run|]; rewrite reached, sum; lra.
Qed.

(** T3 at work: on one row round-to-nearest loses at least 9, the most that GPTQ ever loses. *)
Lemma T3_witness : exists w',
  (forall w q, is_gptq 3 Qint t5_U w q ->
     qform 3 H5 (vsub w q) <= qform 3 H5 (vsub w' (rtn Qint w'))) /\
  9 <= qform 3 H5 (vsub w' (rtn Qint w')).
Proof.
destruct (T3_dominance 3 H5 t5_U t5_d Qint 1 t5_udu t5_nonneg Qint_step Qint_ties)
  as [w' worst].
exists w'; split; [exact worst|].
destruct T2_witness as [_ [_ [_ [_ [w [q [run value]]]]]]].
rewrite <- value; apply worst; exact run.
Qed.

(** A feedback matrix that is neither the identity nor U. *)
Definition other_F : mat := rows [[1; 1; 0]; [0; 1; 0]; [0; 0; 1]].

(** The feedback matrix is unit upper triangular. *)
Lemma other_F_unit : unit_upper 3 other_F.
Proof.
split.
- intros i j range; three i; three j; reflexivity.
- intros i below; three i; reflexivity.
Qed.

(** T3b at work: that feedback has a row that loses at least 21/2, and GPTQ never loses more than 9.
    *)
Lemma T3b_witness :
  (exists w q, is_gptq 3 Qint other_F w q /\ 21 / 2 <= qform 3 H5 (vsub w q)) /\
  (forall w q, is_gptq 3 Qint t5_U w q -> qform 3 H5 (vsub w q) <= 9).
Proof.
destruct t5_sums as [sum _]; split.
- destruct (T3b_feedback_lower_bound 3 H5 t5_U t5_d other_F Qint 1 t5_udu other_F_unit Qint_ties)
    as [w [q [run large]]].
  exists w, q; split; [exact run|]; apply Rle_trans with (2 := large); apply Req_le.
  unfold feedback_ratio, mmul, inv_upper, recon, other_F, t5_U, t5_d; compute3; field.
- intros w q run; replace 9 with (1 ^ 2 / 4 * bsum 3 t5_d) by (rewrite sum; lra).
  apply (T2_bound_step 3 H5 t5_U t5_d w q Qint 1); try assumption.
  + exact t5_udu.
  + exact t5_nonneg.
  + exact Qint_step.
Qed.

(** Tokens for two columns. *)
Definition two_X : mat := rows [[1; 1]; [0; 2]].

(** The factor of 2 X X^T + 2 I. *)
Definition two_U : mat := rows [[1; 2 / 5]; [0; 1]].

(** The pivots of 2 X X^T + 2 I. *)
Definition two_d : vec := entries [22 / 5; 10].

(** T4 at work, with damping 2 and in the plain loss: 657/800 against 1217/800. *)
Lemma T4_witness : let w := entries [3 / 8; 2 / 5] in let q := entries [0; 1] in
  udu 2 (hess 2 (gram 2 two_X)) two_U two_d /\ nonneg 2 two_d /\ is_gptq 2 Qint two_U w q /\
  loss 2 2 two_X (vsub w q) <= loss 2 2 two_X (vsub w (rtn Qint w)) /\
  loss 2 2 two_X (vsub w q) = 657 / 800 /\ loss 2 2 two_X (vsub w (rtn Qint w)) = 1217 / 800.
Proof.
intros w q.
assert (low : rne 1 (3 / 8) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (mid : rne 1 (2 / 5) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (over : rne 1 (11 / 20) = 1) by (apply (rne_near_int _ 1%Z), Rabs_def1; lra).
assert (cert : udu 2 (hess 2 (gram 2 two_X)) two_U two_d).
{ unfold two_X, two_U, two_d; split.
  - intros i j range; three i; three j; reflexivity.
  - intros i below; three i; reflexivity.
  - intros i j ibelow jbelow; three i; three j; compute3; field. }
assert (pos : nonneg 2 two_d) by (intros k below; unfold two_d; three k; compute3; lra).
assert (run : is_gptq 2 Qint two_U w q).
{ intros j below; unfold w, q, two_U; three j; [code_is low|code_is over]. }
split; [exact cert|split; [exact pos|split; [exact run|split; [|split]]]].
- apply (T4_two_columns_plain_uniform 1 ltac:(lra) 2 two_X 2 two_U two_d); auto; lra.
- unfold two_X, w, q; compute3; field.
- unfold two_X, w; compute3; rewrite low, mid; field.
Qed.

(** T5 at work: the certificate, the codes and both losses, 51/16 above 19/16. *)
Lemma T5_witness : udu 3 H5 t5_U t5_d /\ nonneg 3 t5_d /\
  t5_happens (rne 1) (t5_w 0 1) (t5_u 0 1) (t5_q 0 1) (t5_r 0) (51 / 16) (19 / 16) /\
  loss 3 3 t5_X (vsub (t5_w 0 1) (rtn Qint (t5_w 0 1)))
  < loss 3 3 t5_X (vsub (t5_w 0 1) (t5_q 0 1)).
Proof.
assert (happens := T5_integer (rne 1) rne_near_int).
split; [exact t5_udu|split; [exact t5_nonneg|split; [exact happens|]]].
destruct happens as [_ [_ [_ [gptq_loss rtn_loss]]]]; rewrite gptq_loss, rtn_loss; lra.
Qed.

(** A row of the same tokens on which GPTQ is the better. *)
Definition good_w : vec := entries [1 / 4; 1 / 4; 1 / 4].

(** T6 at work: on T5's row the guard falls back and loses 19/16, where GPTQ loses 51/16; on another
    row it keeps GPTQ and loses 3/16, where round-to-nearest loses 35/16. *)
Lemma T6_witness :
  let guarded w q := guard 3 (gram 3 t5_X) w q (rtn Qint w) in
  loss 3 3 t5_X (vsub (t5_w 0 1) (t5_q 0 1)) = 51 / 16 /\
  loss 3 3 t5_X (vsub (t5_w 0 1) (guarded (t5_w 0 1) (t5_q 0 1))) = 19 / 16 /\
  is_gptq 3 Qint t5_U good_w (t5_q 0 1) /\
  loss 3 3 t5_X (vsub good_w (rtn Qint good_w)) = 35 / 16 /\
  loss 3 3 t5_X (vsub good_w (guarded good_w (t5_q 0 1))) = 3 / 16.
Proof.
cbv zeta; assert (happens := T5_integer (rne 1) rne_near_int).
destruct happens as [_ [_ [_ [gptq_loss rtn_loss]]]].
assert (low : rne 1 (1 / 4) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (over : rne 1 (3 / 4) = 1) by (apply (rne_near_int _ 1%Z), Rabs_def1; lra).
assert (tiny : rne 1 (1 / 16) = 0) by (apply (rne_near_int _ 0%Z), Rabs_def1; lra).
assert (good_gptq : loss 3 3 t5_X (vsub good_w (t5_q 0 1)) = 3 / 16) by
  (unfold t5_X, good_w, t5_q; compute3; field).
assert (good_rtn : loss 3 3 t5_X (vsub good_w (rtn Qint good_w)) = 35 / 16) by
  (unfold t5_X, good_w; compute3; rewrite low; field).
split; [exact gptq_loss|split; [|split; [|split; [exact good_rtn|]]]].
- rewrite loss_gram, T6_guard_min, <- !loss_gram, gptq_loss, rtn_loss; apply Rmin_right; lra.
- intros j below; unfold good_w, t5_q, t5_U; three j; [code_is low| |code_is tiny].
  compute3; replace (0 + 1) with (rne 1 (3 / 4)) by lra; f_equal; field.
- rewrite loss_gram, T6_guard_min, <- !loss_gram, good_gptq, good_rtn; apply Rmin_left; lra.
Qed.

(** Scale 1 in every column. *)
Definition unit_scale : vec := fun _ => 1.

(** The relative part of the bound holds above 2^-30. *)
Lemma gf16_half_gap_unit j x : 1 <= x -> gf16_half_gap unit_scale j x = x / 1024.
Proof.
intros large; unfold gf16_half_gap, unit_scale, half_ulp16; replace (x / 1) with x by field.
change (bpow radix2 (-10)) with (/ 1024); change (bpow radix2 (-40)) with (/ 1099511627776).
rewrite Rabs_pos_eq, Rmax_left by lra; field.
Qed.

(** GPTQ on GF16 with scale 1 is GPTQ on GF16. *)
Lemma gf16_columns_unit n U w q :
  is_gptq n (every gf16_round) U w q -> is_gptq n (gf16_columns unit_scale) U w q.
Proof.
intros run j below; rewrite (run j below) at 1; unfold gf16_columns, scaled, unit_scale, every.
rewrite Rmult_1_l; f_equal; field.
Qed.

(** T7 at work: on T5's GF16 row the loss 51/2^21 is below the bound, which is below 2^-13. *)
Lemma T7_witness : let w := t5_w (3 / 2) (1 / 512) in let q := t5_q (3 / 2) (1 / 512) in
  is_gptq 3 (gf16_columns unit_scale) t5_U w q /\ qform 3 H5 (vsub w q) = 51 / 2097152 /\
  51 / 2097152 <= bsum 3 (fun j => t5_d j * gf16_half_gap unit_scale j (comp t5_U w q j) ^ 2) /\
  bsum 3 (fun j => t5_d j * gf16_half_gap unit_scale j (comp t5_U w q j) ^ 2) < 1 / 8192.
Proof.
intros w q; destruct T5_gf16 as [run [compensated [_ [value _]]]]; fold w q in run, compensated.
assert (scaled_run := gf16_columns_unit 3 t5_U w q run).
assert (form : qform 3 H5 (vsub w q) = 51 / 2097152) by
  (rewrite qform_hess0_loss; unfold w, q; rewrite value; field).
split; [exact scaled_run|split; [exact form|split]].
- rewrite <- form; apply (T7_gptq_bound 3 H5 t5_U t5_d); try assumption.
  + exact t5_udu.
  + exact t5_nonneg.
  + intros j _; unfold unit_scale; lra.
- simpl bsum; rewrite !compensated by lia; unfold t5_u, t5_d, entries; simpl nth.
  rewrite !gf16_half_gap_unit by lra; lra.
Qed.

(** T8 at work: G_true = diag(1, 3/2) is dominated by 3/2 times the identity, with a certificate,
    and carries the bound 1 to 3/2, where the true value is 3/2 at the second unit vector. *)
Lemma T8_witness : let Gtrue := diag (entries [1; 3 / 2]) in let Gcalib := diag (fun _ => 1) in
  let v := entries [0; 1] in
  udu 2 (fun i j => (1 + 1 / 2) * Gcalib i j - Gtrue i j) (diag (fun _ => 1))
    (entries [1 / 2; 0]) /\
  qform 2 Gcalib v <= 1 /\ qform 2 Gtrue v <= (1 + 1 / 2) * 1 /\ qform 2 Gtrue v = 3 / 2.
Proof.
intros Gtrue Gcalib v.
assert (cert : udu 2 (fun i j => (1 + 1 / 2) * Gcalib i j - Gtrue i j) (diag (fun _ => 1))
  (entries [1 / 2; 0])).
{ split.
  - intros i j range; three i; three j; reflexivity.
  - intros i below; three i; reflexivity.
  - intros i j ibelow jbelow; unfold Gtrue, Gcalib, diag; three i; three j; compute3; field. }
assert (pos : nonneg 2 (entries [1 / 2; 0])) by
  (intros k below; three k; unfold entries; simpl; lra).
assert (calib : qform 2 Gcalib v <= 1) by (unfold Gcalib, v; rewrite qform_diag; compute3; lra).
split; [exact cert|split; [exact calib|split]].
- apply (T8_transfer_certificate 2 Gtrue Gcalib (1 / 2) _ _ 1 v cert pos); [lra|exact calib].
- unfold Gtrue, v; rewrite qform_diag; compute3; field.
Qed.

(** T9 at work: compensated weights computed with an error of 1/100, pivots that leave a residual,
    and still a bound, below 13, on the loss 51/8. *)
Lemma T9_witness : let w := t5_w 0 1 in let q := t5_q 0 1 in
  let computed := fun j => comp t5_U w q j + 1 / 100 in
  let bound := bsum 3 (fun j => inexact_d j * (1 / 2 + 1 / 100) ^ 2)
    + 1 * bsum 3 (fun i => Rabs (w i - q i) * 1) ^ 2 in
  (forall i j, (i < 3)%nat -> (j < 3)%nat ->
    Rabs (resid 3 H5 t5_U inexact_d i j) <= 1 * (1 * 1)) /\
  (forall j, (j < 3)%nat -> q j = Qint j (computed j)) /\
  qform 3 H5 (vsub w q) <= bound /\ qform 3 H5 (vsub w q) = 51 / 8 /\ bound < 13.
Proof.
intros w q computed bound.
assert (entrywise : forall i j, (i < 3)%nat -> (j < 3)%nat ->
  Rabs (resid 3 H5 t5_U inexact_d i j) <= 1 * (1 * 1)).
{ intros i j ibelow jbelow; unfold resid, recon, inexact_d, t5_X, t5_U.
  three i; three j; compute3; apply Rabs_le; lra. }
assert (compensated : forall j, (j < 3)%nat -> comp t5_U w q j = t5_u 0 1 j) by
  exact (proj1 (proj2 (T5_integer (rne 1) rne_near_int))).
assert (codes : forall j, (j < 3)%nat -> q j = Qint j (computed j)).
{ intros j below; unfold computed; rewrite compensated by exact below; symmetry.
  unfold q, t5_q, t5_u, entries; three j; simpl nth.
  - apply (rne_near_int _ 0%Z), Rabs_def1; lra.
  - replace (0 + 1) with 1 by ring; apply (rne_near_int _ 1%Z), Rabs_def1; lra.
  - apply (rne_near_int _ 0%Z), Rabs_def1; lra. }
split; [exact entrywise|split; [exact codes|split; [|split; [exact t5_qform|]]]].
- apply (T9_perturbation_entrywise 3 H5 t5_U inexact_d w q computed (fun _ => 1 / 2)
    (fun _ => 1 / 100) (fun _ => 1) 1).
  + apply (udu_unit_upper 3 H5 t5_U t5_d), t5_udu.
  + intros k below; unfold inexact_d; three k; unfold entries; simpl; lra.
  + exact entrywise.
  + intros j below; rewrite codes by exact below; apply Qint_step; exact below.
  + intros j _; unfold computed; apply Rabs_le; lra.
- unfold bound, w, q, inexact_d, t5_w, t5_q; compute3.
  rewrite (Rabs_pos_eq (0 + 1 / 4 - 0)), (Rabs_left1 (0 + 1 / 4 - (0 + 1))),
    (Rabs_left1 (0 - 1 / 4 - 0)) by lra; lra.
Qed.

(** T10 at work: on the integers with ties to even, the static inverse loses 585/64 where GPTQ and
    round-to-nearest lose 153/64, and 205/2 in loss_H where no row of GPTQ loses more than 49. *)
Lemma T10_witness :
  loss 3 3 (t10f_X 1) (vsub t10f_w (t10f_qs 1)) = 585 / 64 /\
  loss 3 3 (t10f_X 1) (vsub t10f_w t10f_q) = 153 / 64 /\
  is_static_inverse 3 Qint (t10f_Hinv 1) t10f_w (t10f_us 1) (t10f_qs 1) /\
  is_gptq 3 Qint (t10f_U 1) t10f_w t10f_q /\
  is_static_inverse 3 Qint t10w_Hinv (t10w_w 0) (t10w_us 0) (t10w_qs 0) /\
  qform 3 (hess 0 (gram 3 t10w_X)) (vsub (t10w_w 0) (t10w_qs 0)) = 205 / 2 /\
  (forall w q, is_gptq 3 Qint t10w_U w q -> qform 3 (hess 0 (gram 3 t10w_X)) (vsub w q) <= 49).
Proof.
assert (family := T10_family 1 (rne 1) ltac:(lia) rne_near_int); cbv zeta in family.
destruct (t10w_exceeds_worst_case (rne 1) rne_near_int) as [outcome _].
split; [rewrite (outcome_loss_static family); field|].
split; [rewrite (outcome_loss_gptq family); field|].
split; [exact (outcome_static family)|].
split; [exact (outcome_gptq family)|].
split; [exact (outcome_static outcome)|split].
- rewrite qform_hess0_loss, (outcome_loss_static outcome); field.
- intros w q run; rewrite <- t10w_trace.
  apply (T2_bound_trace 3 _ t10w_U t10w_d w q Qint 1); try assumption.
  + exact (outcome_udu outcome).
  + intros k below; unfold t10w_d; three k; unfold entries; simpl; lra.
  + exact Qint_step.
Qed.

(** T16 at work with four points per column: round-to-nearest loses 115/32 on the average, GPTQ at
    least 45/16 and at most 27/8, which is less. *)
Lemma T16_witness :
  let point := grid_point (fun _ => 1) (fun _ => 0) 4 in
  let codes p := gptq_upto 3 Qint t5_U (point p) in
  box_mean 4 3 (fun p => qform 3 H5 (vsub (point p) (rtn Qint (point p)))) = 115 / 32 /\
  45 / 16 <= box_mean 4 3 (fun p => qform 3 H5 (vsub (point p) (codes p))) <= 27 / 8.
Proof.
intros point codes; destruct t5_sums as [sum tr].
assert (four : INR 4 = 4) by (simpl; lra); split.
- unfold point; rewrite (T16_mean_rtn 3 H5 Qint 1 (fun _ => 0) 4) by
    (try lia; try lra; try exact Qint_multiple; intros j _; exists 0%Z; ring).
  rewrite tr, four; field.
- assert (bounds := T16_mean_gptq 3 H5 t5_U t5_d Qint 1 (fun _ => 0) 4 codes t5_udu t5_nonneg
    ltac:(lia) ltac:(lra) Qint_multiple
    (fun p _ => gptq_exists 3 Qint t5_U (point p))).
  rewrite sum, four in bounds; fold point in bounds; lra.
Qed.
