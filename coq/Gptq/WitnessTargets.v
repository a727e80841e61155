(** * T23, T26, T27 and T28 at work

    Purpose: the instances of the theorems about targets, averages, rates and corrections, in
      rational numbers; and the counterexample to the claim that GPTQ's average is the least.
    Main definitions: [float_X], [seen_X] (inputs of the float and of the quantized layer),
      [float_w], [target_w]; [flag_bits] (a rate); [low_E] (an error with known singular values);
      [square_phi] (a feedback that is not linear); [half_w0].
    Main results: [T23_witness], [T23_damped_witness], [T23_inexact_witness], [T27_witness],
      [T28_witness], [T26_witness], [T26_least_is_false].
    Depends on: [Target], [Rate], [LowRank], [LowRankBest], [AverageFeedback], [Counterexample],
      [WitnessTheorems], [UniformGrid], [Concrete], Format/IntegerGrid.
    Source: this project. *)
From Coq Require Import Reals Lra Lia ZArith Arith List.
From Hallmark.Format Require Import IntegerGrid.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Quantizer UniformGrid Gptq GptqFacts Guard
  Average AverageSums Concrete Counterexample WitnessTheorems
  Target Rate LowRank LowRankBest AverageFeedback.
Import ListNotations.
Open Scope R_scope.

(** The inputs of the float layer. *)
Definition float_X : mat := rows [[0; 1; 3; -2]; [-1; 1; -1; 0]; [0; 1; 1; -2]].

(** The inputs that the quantized layer sees. *)
Definition seen_X : mat := rows [[0; 1; 4; -3]; [0; 1; -1; 0]; [0; 1; 1; -1]].

(** The factor of their Gram matrix, *)
Definition seen_U : mat := rows [[1; -(3 / 2); 8 / 3]; [0; 1; 0]; [0; 0; 1]].

(** and its pivots. *)
Definition seen_d : vec := entries [1 / 6; 2; 3].

(** A row, *)
Definition float_w : vec := entries [4 / 5; 1; -(1 / 10)].

(** and its target. *)
Definition target_w : vec := entries [-(1 / 5); -(1 / 10); 2].

(** Computes a concrete goal about targets. *)
Ltac compute_target :=
  unfold asymmetric_loss, target_residual, cross_gram, vmul, float_X, seen_X, seen_U, seen_d,
    float_w, target_w; compute3.

(** The target solves its equations. *)
Lemma target_w_ok j : (j < 3)%nat ->
  vmul 3 target_w (gram 4 seen_X) j = vmul 3 float_w (cross_gram 4 float_X seen_X) j.
Proof. intros below; three j; compute_target; field. Qed.

(** T23 at work: GPTQ on the target loses 87/50 = 1 + 37/50 where GPTQ on the row loses 117/50 and
    round-to-nearest 327/50; nothing loses less than 1. *)
Lemma T23_witness : let Q := every (rne 1) in let H := gram 4 seen_X in
  let lost q := asymmetric_loss 3 4 float_X seen_X float_w (entries q) in
  udu 3 H seen_U seen_d /\
  (forall j, (j < 3)%nat -> vmul 3 target_w H j
    = vmul 3 float_w (cross_gram 4 float_X seen_X) j) /\
  asymmetric_loss 3 4 float_X seen_X float_w target_w = 1 /\
  qform 3 (gram 4 float_X) float_w - qform 3 H target_w = 1 /\
  is_gptq 3 Q seen_U target_w (entries [0; 0; 1]) /\
  is_gptq 3 Q seen_U float_w (entries [1; 1; -1]) /\
  qform 3 H (vsub target_w (entries [0; 0; 1])) = 37 / 50 /\
  lost [0; 0; 1] = 87 / 50 /\ lost [1; 1; -1] = 117 / 50 /\ lost [1; 1; 0] = 327 / 50.
Proof.
intros Q H lost.
assert (cert : udu 3 H seen_U seen_d).
{ split; unfold H; intros i; [intros j range|intros below|intros j ibelow jbelow]; three i;
    try three j; compute_target; field. }
split; [exact cert|split; [exact target_w_ok|]].
split; [compute_target; field|split; [unfold H; compute_target; field|]].
split; [|split].
- intros j below; unfold Q, every; symmetry; three j; compute_target.
  + apply (rne_near_int _ 0%Z), Rabs_def1; lra.
  + apply (rne_near_int _ 0%Z), Rabs_def1; lra.
  + apply (rne_near_int _ 1%Z), Rabs_def1; lra.
- intros j below; unfold Q, every; symmetry; three j; compute_target.
  + apply (rne_near_int _ 1%Z), Rabs_def1; lra.
  + apply (rne_near_int _ 1%Z), Rabs_def1; lra.
  + apply (rne_near_int _ (-1)%Z), Rabs_def1; lra.
- unfold H, lost; repeat split; compute_target; field.
Qed.

(** T23 with damping at work: one column, lam = 2, w* = 3/5. *)
Lemma T23_damped_witness : let X := rows [[1]] in let Y := rows [[2]] in
  let w := entries [1] in let t := entries [3 / 5] in let q := entries [1] in
  (forall j, (j < 1)%nat ->
    vmul 1 t (hess 2 (gram 1 Y)) j = vmul 1 w (hess 2 (cross_gram 1 X Y)) j) /\
  2 * asymmetric_loss 1 1 X Y w q + 2 * bsum 1 (fun j => (w j - q j) ^ 2) = 2 /\
  qform 1 (hess 2 (gram 1 X)) w - qform 1 (hess 2 (gram 1 Y)) t = 2 / 5 /\
  qform 1 (hess 2 (gram 1 Y)) (vsub t q) = 8 / 5.
Proof.
intros X Y w t q; unfold X, Y, w, t, q; split; [|repeat split; compute_target; field].
intros j below; destruct j; [compute_target; field|lia].
Qed.

(** T23 from an inexact target at work: against (0, 0, 2) in place of the target the codes (0, 0, 2)
    lose nothing and (0, 0, 1) lose 3, but the second lose less, by 1/5, of the bound 16/5. *)
Lemma T23_inexact_witness : let H := gram 4 seen_X in
  let t := entries [0; 0; 2] in let q := entries [0; 0; 2] in let r := entries [0; 0; 1] in
  let rho := target_residual 3 (cross_gram 4 float_X seen_X) H float_w t in
  let lost q := asymmetric_loss 3 4 float_X seen_X float_w q in
  rho 0%nat = -(49 / 10) /\ rho 1%nat = 2 / 5 /\ rho 2%nat = -(8 / 5) /\
  qform 3 H (vsub t q) = 0 /\ qform 3 H (vsub t r) = 3 /\
  lost q = 97 / 50 /\ lost r = 87 / 50 /\
  lost q <= lost r + 2 * bsum 3 (fun j => Rabs (rho j) * Rabs (q j - r j)) /\
  2 * bsum 3 (fun j => Rabs (rho j) * Rabs (q j - r j)) = 16 / 5.
Proof.
intros H t q r rho lost.
assert (at_q : qform 3 H (vsub t q) = 0) by (unfold H, t, q; compute_target; field).
assert (at_r : qform 3 H (vsub t r) = 3) by (unfold H, t, r; compute_target; field).
assert (rho0 : rho 0%nat = -(49 / 10)) by (unfold rho, H, t; compute_target; field).
assert (rho1 : rho 1%nat = 2 / 5) by (unfold rho, H, t; compute_target; field).
assert (rho2 : rho 2%nat = -(8 / 5)) by (unfold rho, H, t; compute_target; field).
split; [exact rho0|split; [exact rho1|split; [exact rho2|]]].
split; [exact at_q|split; [exact at_r|]].
split; [unfold lost, q; compute_target; field|split; [unfold lost, r; compute_target; field|split]].
- apply (T23_comparison 3 4 float_X seen_X float_w t q r); fold H; lra.
- cbn [bsum]; rewrite rho0, rho1, rho2; unfold q, r, entries; simpl nth.
  rewrite (Rabs_left1 (-(8 / 5))), !Rminus_0_r, (Rabs_pos_eq (2 - 1)) by lra.
  replace (0 - 0) with 0 by ring; rewrite Rabs_R0; field.
Qed.

(** ** T27 *)

(** A rate: one bit for 0, three for everything else. *)
Definition flag_bits : rate := fun _ _ y => if Req_EM_T y 0 then 1 else 3.

(** The grid of the integers. *)
Definition integer_grid (j : nat) (y : R) : Prop := exists z : Z, y = IZR z.

(** Rounding to integers is rounding to nearest on that grid. *)
Lemma rne_nearest_on j : nearest_on (integer_grid j) (rne 1).
Proof.
intros x; split.
- destruct (rne_nearest_multiple 1 ltac:(lra) x) as [[z value] _]; exists z; rewrite value; ring.
- intros y [z ->]; assert (near := rne_nearest_int 1 ltac:(lra) x z); rewrite Rmult_1_l in near.
  exact near.
Qed.

(** T27 at work: with mu = 1 the greedy codes (0, 0, 2) lose 19/100 and take 5 bits, GPTQ's (1, 1,
    -1), which are greedy for mu = 0, lose 59/100 and take 9. *)
Lemma T27_witness : let H := gram 4 seen_X in
  let greedy := entries [0; 0; 2] in let plain := entries [1; 1; -1] in
  let cost mu q := bsum 3 (fun j => step_cost seen_U seen_d mu flag_bits float_w q j (q j)) in
  udu 3 H seen_U seen_d /\
  is_greedy 3 integer_grid seen_U seen_d 1 flag_bits float_w greedy /\
  is_greedy 3 integer_grid seen_U seen_d 0 flag_bits float_w plain /\
  is_gptq 3 (every (rne 1)) seen_U float_w plain /\
  qform 3 H (vsub float_w greedy) = 19 / 100 /\ cost 1 greedy = 519 / 100 /\
  qform 3 H (vsub float_w plain) = 59 / 100 /\ cost 1 plain = 959 / 100.
Proof.
intros H greedy plain cost; destruct T23_witness as [cert [_ [_ [_ [_ [run _]]]]]].
assert (is0 : forall q j, flag_bits j q 0 = 1) by
  (intros q j; unfold flag_bits; destruct Req_EM_T; [reflexivity|lra]).
assert (not0 : forall q j y, y <> 0 -> flag_bits j q y = 3) by
  (intros q j y other; unfold flag_bits; destruct Req_EM_T; [contradiction|reflexivity]).
assert (loss_greedy : qform 3 H (vsub float_w greedy) = 19 / 100) by
  (unfold H, greedy; compute_target; field).
assert (loss_plain : qform 3 H (vsub float_w plain) = 59 / 100) by
  (unfold H, plain; compute_target; field).
split; [exact cert|split; [|split; [|split; [exact run|]]]].
- assert (u0 : comp seen_U float_w greedy 0 = 4 / 5) by (unfold greedy; compute_target; field).
  assert (u1 : comp seen_U float_w greedy 1 = - (1 / 5)) by
    (unfold greedy; compute_target; field).
  assert (u2 : comp seen_U float_w greedy 2 = 61 / 30) by (unfold greedy; compute_target; field).
  intros j below; split.
  { unfold greedy, entries; three j; simpl nth; [exists 0%Z|exists 0%Z|exists 2%Z]; reflexivity. }
  intros y [z ->]; unfold step_cost; three j; change (greedy 0%nat) with 0;
    change (greedy 1%nat) with 0; change (greedy 2%nat) with 2.
  + rewrite u0, is0; change (seen_d 0%nat) with (1 / 6).
    destruct (Req_EM_T (IZR z) 0) as [->|other]; [rewrite is0; lra|].
    rewrite not0 by exact other; assert (pos := pow2_ge_0 (4 / 5 - IZR z)); lra.
  + rewrite u1, is0; change (seen_d 1%nat) with 2.
    destruct (Req_EM_T (IZR z) 0) as [->|other]; [rewrite is0; lra|].
    rewrite not0 by exact other; assert (pos := pow2_ge_0 (- (1 / 5) - IZR z)); lra.
  + rewrite u2, (not0 _ _ 2) by lra; change (seen_d 2%nat) with 3.
    destruct (Req_EM_T (IZR z) 0) as [->|other]; [rewrite is0; lra|].
    rewrite not0 by exact other.
    assert (apart : 1 / 900 <= (61 / 30 - IZR z) ^ 2); [|lra].
    destruct (Z_le_gt_dec z 2) as [low|high].
    * assert (bound : IZR z <= 2) by (apply (IZR_le z 2); exact low); nra.
    * assert (bound : 3 <= IZR z) by (apply (IZR_le 3); lia); nra.
- apply (T27_gptq_is_greedy 3 integer_grid seen_U seen_d flag_bits float_w plain (every (rne 1)));
    [|intros j _; apply rne_nearest_on|exact run].
  intros j below; unfold seen_d, entries; three j; simpl; lra.
- assert (bits : forall q, cost 1 q
    = qform 3 H (vsub float_w q) + 1 * bsum 3 (fun j => flag_bits j q (q j))) by
    (intros q; apply T27_identity; exact cert).
  split; [exact loss_greedy|split; [|split; [exact loss_plain|]]]; rewrite bits; cbn [bsum].
  + rewrite loss_greedy; change (greedy 0%nat) with 0; change (greedy 1%nat) with 0;
      change (greedy 2%nat) with 2; rewrite !is0, not0 by lra; field.
  + rewrite loss_plain; change (plain 0%nat) with 1; change (plain 1%nat) with 1;
      change (plain 2%nat) with (-1); rewrite !not0 by lra; field.
Qed.

(** ** T28 *)

(** A factor and pivots, *)
Definition low_U : mat := rows [[1; 1 / 2]; [0; 1]].
Definition low_d : vec := entries [4; 1].

(** an error with the singular values 2 and 1, *)
Definition low_E : mat := rows [[1 / 25; 71 / 50]; [18 / 25; 14 / 25]].

(** and its singular vectors. *)
Definition low_P : mat := rows [[3 / 5; -(4 / 5)]; [4 / 5; 3 / 5]].
Definition low_V : mat := rows [[3 / 5; 4 / 5]; [4 / 5; -(3 / 5)]].

(** T28 at work: the loss falls from 5 to 1 with a correction of rank 1, and with no other one below;
    the same number is the sum of T1 for the codes and the correction together. *)
Lemma T28_witness : let H := recon 2 low_U low_d in let s := entries [2; 1] in
  let A := rows [[6 / 5]; [8 / 5]] in let B := rows [[3 / 10; 13 / 20]] in
  let Q := rows [[1; 0]; [0; -1]] in let W : mat := fun i j => Q i j + low_E i j in
  let stored : mat := fun i j => Q i j + mmul 1 A B i j in
  udu 2 H low_U low_d /\ singular 2 2 2 low_U low_d low_E low_P s low_V /\
  correction 2 2 1 low_U low_d low_P s low_V A B /\
  matrix_qform 2 2 H low_E = 5 /\
  matrix_qform 2 2 H (fun i => vsub (low_E i) (mmul 1 A B i)) = 1 /\
  matrix_qform 2 2 H (fun i => vsub (W i) (stored i)) = 1 /\
  bsum 2 (fun i => bsum 2 (fun j =>
    low_d j * (comp low_U (W i) (stored i) j - stored i j) ^ 2)) = 1 /\
  forall A' B', 1 <= matrix_qform 2 2 H (fun i => vsub (low_E i) (mmul 1 A' B' i)).
Proof.
intros H s A B Q W stored.
assert (root4 : sqrt 4 = 2) by (replace 4 with (2 ^ 2) by ring; apply sqrt_pow2; lra).
assert (shape : unit_upper 2 low_U).
{ split; unfold low_U, rows; [intros i j range|intros i below].
  - destruct i as [|[|i]], j as [|[|j]]; simpl; lia || reflexivity.
  - destruct i as [|[|i]]; simpl; lia || reflexivity. }
assert (cert : udu 2 H low_U low_d) by (apply udu_recon; exact shape).
assert (pos : nonneg 2 low_d).
{ intros k below; unfold low_d, entries; destruct k as [|[|k]]; simpl; lra || lia. }
assert (parts : singular 2 2 2 low_U low_d low_E low_P s low_V).
{ split.
  - intros k l kbelow lbelow; unfold low_P, rows.
    destruct k as [|[|k]], l as [|[|l]]; try lia; simpl; field.
  - intros k l kbelow lbelow; unfold low_V, rows.
    destruct k as [|[|k]], l as [|[|l]]; try lia; simpl; field.
  - intros i j ibelow jbelow; unfold weighted, vmul, low_U, low_d, low_E, low_P, low_V, s, rows.
    destruct i as [|[|i]], j as [|[|j]]; try lia; unfold entries; simpl;
      rewrite ?root4, ?sqrt_1; field. }
assert (corrected : correction 2 2 1 low_U low_d low_P s low_V A B).
{ split.
  - intros i l ibelow lbelow; unfold A, low_P, s, rows, entries.
    destruct i as [|[|i]], l as [|l]; try lia; simpl; field.
  - intros l j lbelow jbelow; unfold weighted, vmul, B, low_U, low_d, low_V, rows, entries.
    destruct l as [|l], j as [|[|j]]; try lia; simpl; rewrite ?root4, ?sqrt_1; field. }
assert (after : matrix_qform 2 2 H (fun i => vsub (low_E i) (mmul 1 A B i)) = 1).
{ rewrite (T28_residual 2 2 1 1 H low_U low_d low_E low_P s low_V A B) by assumption.
  unfold s, entries; simpl; field. }
assert (gain := T28_gain 2 2 1 1 H low_U low_d low_E low_P s low_V A B cert pos parts corrected).
assert (gained : bsum 1 (fun l => s l ^ 2) = 4) by (unfold s, entries; simpl; field).
rewrite after, gained in gain.
assert (same : matrix_qform 2 2 H (fun i => vsub (W i) (stored i)) = 1).
{ rewrite <- after; apply bsum_ext; intros i _; apply qform_ext; intros j _.
  unfold vsub, W, stored; ring. }
split; [exact cert|split; [exact parts|split; [exact corrected|split; [lra|]]]].
split; [exact after|split; [exact same|split]].
- rewrite <- same; symmetry; exact (T28_identity 2 2 1 H low_U low_d W Q A B cert).
- intros A' B'; eapply Rle_trans.
  2: apply (T28_best 2 2 1 1 H low_U low_d low_E low_P s low_V A' B' cert pos parts).
  + unfold s, entries; simpl; lra.
  + intros l m range; unfold s, entries.
    destruct l as [|[|l]], m as [|[|m]]; try lia; simpl; lra.
Qed.

(** ** T26 *)

(** A feedback that is not linear: the square of the first weight is added to the others. *)
Definition square_phi (j : nat) (w : vec) : R := if Nat.eqb j 0 then 0 else w 0%nat ^ 2.

(** T26 at work, on T5's data with four points per column: a linear feedback that is not GPTQ's, and
    one that is not linear, lose 45/16 at least, where GPTQ loses 27/8 at most. *)
Lemma T26_witness : let Q := every (rne 1) in let H := hess 0 (gram 3 t5_X) in
  let point := grid_point (fun _ => 1) (fun _ => 0) 4 in
  let mean q := box_mean 4 3 (fun p => qform 3 H (vsub (point p) (q p))) in
  causal 3 square_phi /\
  45 / 16 <= mean (fun p => gptq_upto 3 Q other_F (point p)) /\
  45 / 16 <= mean (fun p j => rne 1 (point p j + square_phi j (point p))) /\
  mean (fun p => gptq_upto 3 Q t5_U (point p)) <= 27 / 8.
Proof.
intros Q H point mean; destruct t5_sums as [sum _].
assert (four : INR 4 = 4) by (simpl; lra).
assert (past : causal 3 square_phi).
{ intros j w w' _ same; unfold square_phi.
  destruct (Nat.eqb_spec j 0) as [->|other]; [reflexivity|].
  rewrite same by lia; reflexivity. }
assert (multiple : forall j, (j < 3)%nat -> nearest_multiple 1 (Q j)) by
  (intros j _; apply rne_nearest_multiple; lra).
split; [exact past|split; [|split]].
- assert (low := T26_feedback 3 H t5_U t5_d other_F Q 1 (fun _ => 0) 4
    (fun p => gptq_upto 3 Q other_F (point p)) t5_udu t5_nonneg ltac:(lia) ltac:(lra) multiple
    (fun p _ => gptq_exists 3 Q other_F (point p))).
  rewrite sum, four in low; eapply Rle_trans; [|exact low]; lra.
- assert (low := T26_sequential 3 H t5_U t5_d Q 1 (fun _ => 0) 4 square_phi
    (fun p j => rne 1 (point p j + square_phi j (point p))) t5_udu t5_nonneg ltac:(lia) ltac:(lra)
    multiple past (fun p _ j _ => eq_refl)).
  rewrite sum, four in low; eapply Rle_trans; [|exact low]; lra.
- assert (high := proj2 (proj2 T16_witness)); exact high.
Qed.

(** A centre for which two points a column are not enough. *)
Definition half_w0 : vec := entries [-(1 / 2); -(3 / 8); 0].

(** The claim that is false: with K = 2, for every tie rule, the feedback F with F_01 = 1 has the
    smaller mean, 43/16 against 47/16. *)
Theorem T26_least_is_false (Q : R -> R) : near_int Q ->
  let H := hess 0 (gram 3 t5_X) in let F := rows [[1; 1; 0]; [0; 1; 0]; [0; 0; 1]] in
  let point := grid_point (fun _ => 1) half_w0 2 in
  unit_upper 3 F /\ exists q q',
  (forall p, (p < 2 ^ 3)%nat -> is_gptq 3 (every Q) t5_U (point p) (q p)) /\
  (forall p, (p < 2 ^ 3)%nat -> is_gptq 3 (every Q) F (point p) (q' p)) /\
  box_mean 2 3 (fun p => qform 3 H (vsub (point p) (q p))) = 47 / 16 /\
  box_mean 2 3 (fun p => qform 3 H (vsub (point p) (q' p))) = 43 / 16.
Proof.
intros near H F point.
set (codes := fun (l : list (list Z)) (p j : nat) => IZR (nth j (nth p l []) 0%Z)).
split; [split; unfold F, rows; intros i; [intros j range|intros below]; three i; try three j;
  simpl; reflexivity|].
exists (codes [[-1; 0; 0]; [0; -1; 0]; [-1; 0; 0]; [0; -1; 0];
  [-1; 0; 0]; [0; -1; 0]; [-1; 0; 0]; [0; -1; 0]]%Z).
exists (codes [[-1; 0; 0]; [0; -1; 0]; [-1; 0; 0]; [0; 0; 0];
  [-1; 0; 0]; [0; -1; 0]; [-1; 0; 0]; [0; 0; 0]]%Z).
assert (at_point : forall p j, (p < 8)%nat -> (j < 3)%nat -> point p j
  = entries [entries [-(3 / 4); -(1 / 4)] (p mod 2); entries [-(5 / 8); -(1 / 8)] (p / 2 mod 2);
      entries [-(1 / 4); 1 / 4] (p / 4)] j).
{ intros p j below jbelow; unfold point, grid_point, half_w0, entries, grid_offset, digit.
  do 8 (destruct p as [|p]; [three j; simpl; field|]); lia. }
assert (runs : forall V l p, (p < 8)%nat ->
  (forall j, (j < 3)%nat -> Rabs (comp V (entries [entries [-(3 / 4); -(1 / 4)] (p mod 2);
      entries [-(5 / 8); -(1 / 8)] (p / 2 mod 2); entries [-(1 / 4); 1 / 4] (p / 4)])
      (codes l p) j - codes l p j) < 1 / 2) -> is_gptq 3 (every Q) V (point p) (codes l p)).
{ intros V l p below small j jbelow; symmetry; apply near.
  replace (comp V (point p) (codes l p) j) with (comp V (entries [entries [-(3 / 4); -(1 / 4)]
    (p mod 2); entries [-(5 / 8); -(1 / 8)] (p / 2 mod 2); entries [-(1 / 4); 1 / 4] (p / 4)])
    (codes l p) j); [apply small; exact jbelow|].
  unfold comp; rewrite at_point by assumption; f_equal; apply bsum_ext; intros k before.
  rewrite at_point by lia; reflexivity. }
assert (losses : forall l p, (p < 8)%nat -> qform 3 H (vsub (point p) (codes l p))
  = qform 3 H (vsub (entries [entries [-(3 / 4); -(1 / 4)] (p mod 2);
      entries [-(5 / 8); -(1 / 8)] (p / 2 mod 2); entries [-(1 / 4); 1 / 4] (p / 4)])
      (codes l p))).
{ intros l p below; apply qform_ext; intros j jbelow; unfold vsub; rewrite at_point by assumption.
  reflexivity. }
split; [|split; [|split]].
- intros p below; apply runs; [exact below|]; intros j jbelow; apply Rabs_def1;
    do 8 (destruct p as [|p]; [three j; unfold codes, t5_U; compute3; lra|]); simpl in below; lia.
- intros p below; apply runs; [exact below|]; intros j jbelow; apply Rabs_def1;
    do 8 (destruct p as [|p]; [three j; unfold codes, F; compute3; lra|]); simpl in below; lia.
- unfold box_mean; change (2 ^ 3)%nat with 8%nat; rewrite (bsum_ext 8 _ _ (losses _)).
  unfold codes, H, t5_X; compute3; field.
- unfold box_mean; change (2 ^ 3)%nat with 8%nat; rewrite (bsum_ext 8 _ _ (losses _)).
  unfold codes, H, t5_X; compute3; field.
Qed.
