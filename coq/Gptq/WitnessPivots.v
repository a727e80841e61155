(** * A concrete instance of what the pivots mean

    Purpose: T25 applied to the data of T5.
    Main results: [T25_distance_witness], [T25_monotone_witness], [T25_plane_witness],
      [T25_no_clip_witness], [T25_order_witness].
    Depends on: [Pivots], [PivotOrder], [Counterexample], [WitnessVariants], [WitnessDescent].
    Source: this project. *)
From Coq Require Import Reals Lra Lia Arith List.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Gptq Concrete Counterexample
  WitnessTheorems WitnessVariants
  WitnessDescent Bound Pivots PivotOrder.
Import ListNotations.
Open Scope R_scope.

(** The first pivot at work: 2 is the form of (1, -2, 1/2), and no row that starts with a one has a
    smaller one; (1, 0, 0) has 10. *)
Lemma T25_distance_witness : let H := hess 0 (gram 3 t5_X) in let v := entries [1; -2; 1 / 2] in
  udu 3 H t5_U t5_d /\ nonneg 3 t5_d /\ starts_at 0 v /\ qform 3 H v = 2 /\ t5_d 0%nat = 2 /\
  (forall v', starts_at 0 v' -> 2 <= qform 3 H v') /\ qform 3 H (entries [1; 0; 0]) = 10.
Proof.
intros H v; assert (cert : udu 3 H t5_U t5_d) by exact t5_udu.
split; [exact cert|split; [exact t5_nonneg|split; [split; [intros i none; lia|reflexivity]|]]].
split; [unfold H, v, t5_X; compute3; field|split; [reflexivity|split]].
- exact (proj2 (T25_pivot_distance 3 H t5_U t5_d 0 cert t5_nonneg ltac:(lia))).
- unfold H, t5_X; compute3; field.
Qed.

(** Damping at work: with 1/4 the pivots 2, 2, 32 become 14905/4676, 1169/516, 129/4. *)
Lemma T25_monotone_witness : let H := hess 0 (gram 3 t5_X) in
  let damped := hess (1 / 4) (gram 3 t5_X) in
  udu 3 H t5_U t5_d /\ udu 3 damped damped_U damped_d /\ nonneg 3 damped_d /\
  (forall v, qform 3 H v <= qform 3 damped v) /\
  (forall j, (j < 3)%nat -> t5_d j <= damped_d j) /\ t5_d 0%nat < 3 < damped_d 0%nat.
Proof.
intros H damped; assert (cert : udu 3 H t5_U t5_d) by exact t5_udu.
assert (variant := T3_damped_witness); cbv zeta in variant.
destruct variant as [cert' [pos' _]]; fold damped in cert'.
assert (larger : forall v, qform 3 H v <= qform 3 damped v).
{ intros v; unfold H, damped; rewrite !qform_hess.
  assert (square : 0 <= bsum 3 (fun i => v i ^ 2)) by (apply bsum_ge0; intros; apply pow2_ge_0).
  lra. }
split; [exact cert|split; [exact cert'|split; [exact pos'|split; [exact larger|split]]]].
- intros j below; apply (T25_pivot_monotone 3 H t5_U t5_d damped damped_U damped_d); try assumption.
  exact t5_nonneg.
- unfold t5_d, damped_d, entries; simpl; lra.
Qed.

(** The nearest plane at work: after the code 0 GPTQ takes 1, with which 1/4 is within reach, where
    0 would leave at least 5/4. *)
Lemma T25_plane_witness : let H := hess 0 (gram 3 t5_X) in let w := t5_w 0 1 in
  comp t5_U w (t5_q 0 1) 1 = 3 / 4 /\ t5_q 0 1 1%nat = 1 /\
  (exists q, q 0%nat = 0 /\ q 1%nat = 1 /\ qform 3 H (vsub w q) = 1 / 4) /\
  (forall q, q 0%nat = 0 -> q 1%nat = 0 -> 5 / 4 <= qform 3 H (vsub w q)).
Proof.
intros H w; assert (cert : udu 3 H t5_U t5_d) by exact t5_udu.
assert (weight : comp t5_U w (t5_q 0 1) 1 = 3 / 4) by (unfold w, t5_U, t5_q, t5_w; compute3; field).
assert (plane := fun x => T25_nearest_plane 3 H t5_U t5_d w (t5_q 0 1) 1 x cert t5_nonneg
  ltac:(lia)); cbv zeta in plane; rewrite weight in plane.
assert (before : bsum 1 (fun k => t5_d k * (comp t5_U w (t5_q 0 1) k - t5_q 0 1 k) ^ 2) = 1 / 8)
  by (unfold w, t5_d, t5_U, t5_q, t5_w; compute3; field).
rewrite before in plane; replace (t5_d 1%nat) with 2 in plane by reflexivity.
assert (zero : t5_q 0 1 0%nat = 0) by reflexivity.
split; [exact weight|split; [unfold t5_q; compute3; lra|split]].
- destruct (plane 1) as [_ [q [first [second value]]]]; exists q.
  split; [rewrite first by lia; exact zero|split; [exact second|rewrite value; field]].
- intros q first second; destruct (plane 0) as [least _].
  assert (low := least q); rewrite second in low.
  apply Rle_trans with (1 / 8 + 2 * (3 / 4 - 0) ^ 2); [lra|apply low; [|reflexivity]].
  intros k below; replace k with 0%nat by lia; rewrite first, zero; reflexivity.
Qed.

(** The room at work: of the 3/2 around zero where three points round by at most 1/2, the feedback
    can take 0, 1 and 3/8, and every weight is 1/4. *)
Lemma T25_no_clip_witness : let w := t5_w 0 1 in let q := t5_q 0 1 in
  let room j := bsum j (fun k => 1 / 2 * Rabs (inv_upper 3 t5_U k j)) in
  is_gptq 3 (every three_points) t5_U w q /\
  (forall x, - (3 / 2) <= x <= 3 / 2 -> Rabs (x - three_points x) <= 1 / 2) /\
  ~ (Rabs (2 - three_points 2) <= 1 / 2) /\
  room 1%nat = 1 /\ room 2%nat = 3 / 8 /\
  (forall j, (j < 3)%nat -> - (3 / 2) + room j <= w j <= 3 / 2 - room j) /\
  (forall j, (j < 3)%nat -> - (3 / 2) <= comp t5_U w q j <= 3 / 2 /\
    Rabs (comp t5_U w q j - q j) <= 1 / 2).
Proof.
intros w q room; destruct descent_run as [run _]; cbv zeta in run; fold w q in run.
assert (inside : forall x, - (3 / 2) <= x <= 3 / 2 -> Rabs (x - three_points x) <= 1 / 2).
{ intros x range; unfold three_points; destruct Rlt_dec; [|destruct Rle_dec];
    unfold Rabs; destruct Rcase_abs; lra. }
assert (rooms : forall j, (j < 3)%nat -> room j = entries [0; 1; 3 / 8] j).
{ assert (v01 : inv_upper 3 t5_U 0 1 = -2) by (unfold inv_upper, t5_U; compute3; field).
  assert (v02 : inv_upper 3 t5_U 0 2 = 1 / 2) by (unfold inv_upper, t5_U; compute3; field).
  assert (v12 : inv_upper 3 t5_U 1 2 = - (1 / 4)) by (unfold inv_upper, t5_U; compute3; field).
  intros j below; unfold room; three j; cbn [bsum]; rewrite ?v01, ?v02, ?v12;
    unfold entries; cbn [nth]; unfold Rabs; repeat destruct Rcase_abs; lra. }
assert (fits : forall j, (j < 3)%nat -> - (3 / 2) + room j <= w j <= 3 / 2 - room j).
{ intros j below; rewrite rooms by exact below; unfold w, t5_w, entries; three j; simpl; lra. }
split; [exact run|split; [exact inside|split; [|split; [|split; [|split; [exact fits|]]]]]].
- rewrite three_points_one by lra; rewrite Rabs_pos_eq; lra.
- rewrite rooms by lia; reflexivity.
- rewrite rooms by lia; reflexivity.
- apply (T25_no_clip 3 t5_U w q (every three_points) (fun _ => - (3 / 2)) (fun _ => 3 / 2)
    (fun _ => 1 / 2) (udu_unit_upper _ _ _ _ t5_udu) run).
  + intros j x _; apply inside.
  + exact fits.
Qed.

(** The columns of T5 in reverse, their factor and pivots. *)
Definition reverse (i : nat) : nat := (2 - i)%nat.
Definition reverse_U : mat := rows [[1; 10 / 3; 0]; [0; 1; 2 / 5]; [0; 0; 1]].
Definition reverse_d : vec := entries [16 / 3; 12 / 5; 10].

(** The order at work: in reverse the pivots are 16/3, 12/5 and 10 instead of 2, 2 and 32, of sum
    266/15 instead of 36; their product is 128 as before, so that no order has a sum below 15. *)
Lemma T25_order_witness : let H := hess 0 (gram 3 t5_X) in
  udu 3 H t5_U t5_d /\ permutes 3 reverse /\
  udu 3 (fun i j => H (reverse i) (reverse j)) reverse_U reverse_d /\
  bsum 3 t5_d = 36 /\ bsum 3 reverse_d = 266 / 15 /\
  bprod 3 t5_d = 128 /\ bprod 3 reverse_d = bprod 3 t5_d /\
  (forall p U d, permutes 3 p -> udu 3 (fun i j => H (p i) (p j)) U d ->
    (forall k, (k < 3)%nat -> 0 < d k) -> 15 < bsum 3 d).
Proof.
intros H; assert (cert : udu 3 H t5_U t5_d) by exact t5_udu.
assert (order : permutes 3 reverse) by (unfold permutes, reverse; split; intros; lia).
assert (cert' : udu 3 (fun i j => H (reverse i) (reverse j)) reverse_U reverse_d).
{ unfold H, t5_X, reverse_U, reverse_d; split.
  - intros i j range; three i; three j; reflexivity.
  - intros i below; three i; reflexivity.
  - intros i j ibelow jbelow; three i; three j; unfold reverse; compute3; field. }
assert (pos' : forall k, (k < 3)%nat -> 0 < reverse_d k).
{ intros k below; unfold reverse_d, entries; three k; simpl; lra. }
assert (value : bprod 3 t5_d = 128) by (unfold t5_d, entries; simpl; field).
split; [exact cert|split; [exact order|split; [exact cert'|]]].
split; [unfold t5_d, entries; simpl; field|split; [unfold reverse_d, entries; simpl; field|]].
split; [exact value|split].
- exact (T25_order_product 3 H t5_U t5_d reverse reverse_U reverse_d
    cert t5_d_pos order cert' pos').
- intros p U d other factor positive.
  assert (bound := T25_order_bound 3 H t5_U t5_d p U d ltac:(lia) cert t5_d_pos other
    factor positive).
  rewrite value in bound; replace (INR 3) with 3 in bound by (simpl; ring).
  assert (nonnegative : 0 <= bsum 3 d / 3).
  { apply Rmult_le_pos; [|lra]; apply bsum_ge0; intros k below.
    apply Rlt_le, positive; exact below. }
  destruct (Rlt_or_le 15 (bsum 3 d)) as [good|bad]; [exact good|exfalso].
  assert (power : (bsum 3 d / 3) ^ 3 <= 5 ^ 3) by (apply pow_incr; lra); lra.
Qed.
