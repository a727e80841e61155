(** * A concrete instance of descent, refit and enumeration

    Purpose: T19, T20 and the enumeration of T21 applied to explicit numbers, those of T5 above all.
    Main definitions: [three_points] (rounding to the nearest of -1, 0 and 1).
    Main results: [T19_witness], [T19_dead_witness], [T19_rounded_witness], [T20_scale_witness],
      [T20_codebook_witness], [T21_optimum_witness].
    Depends on: the theorem files of this folder, [Counterexample].
    Source: this project. *)
From Coq Require Import Reals Lra Lia Arith List.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Bilinear Quantizer Gptq Concrete Counterexample CoordinateDescent Refit
  Enumeration.
Import ListNotations.
Open Scope R_scope.

(** Rounding to the nearest of -1, 0 and 1. *)
Definition three_points (x : R) : R :=
  if Rlt_dec x (- (1 / 2)) then -1 else if Rle_dec x (1 / 2) then 0 else 1.

(** It is nearest. *)
Lemma three_points_nearest : nearest three_points.
Proof.
intros x y; unfold three_points; repeat destruct Rlt_dec; repeat destruct Rle_dec;
  unfold Rabs; repeat destruct Rcase_abs; lra.
Qed.

(** The only values that it has. *)
Lemma three_points_in x : In (three_points x) [-1; 0; 1].
Proof. unfold three_points; destruct Rlt_dec; [|destruct Rle_dec]; simpl; tauto. Qed.

(** It returns zero around zero, *)
Lemma three_points_zero x : - (1 / 2) <= x <= 1 / 2 -> three_points x = 0.
Proof. unfold three_points; intros range; destruct Rlt_dec; [lra|]; destruct Rle_dec; lra. Qed.

(** and one above. *)
Lemma three_points_one x : 1 / 2 < x -> three_points x = 1.
Proof. unfold three_points; intros range; destruct Rlt_dec; [lra|]; destruct Rle_dec; lra. Qed.

(** A Gram matrix is symmetric and positive semidefinite. *)
Lemma gram_sym_psd n m X : sym n (gram m X) /\ psd n (gram m X).
Proof.
split; [intros i j _ _; apply bsum_ext; intros k _; ring|].
intros v; rewrite <- loss_gram; apply loss_ge0.
Qed.

(** T5's row, Gram matrix and GPTQ's codes (0, 1, 0), which one sweep takes to zero. *)
Lemma descent_run : let G := gram 3 t5_X in let Q := every three_points in let w := t5_w 0 1 in
  is_gptq 3 Q t5_U w (t5_q 0 1) /\
  descend 3 G w Q [0; 1; 2]%nat (t5_q 0 1) = set_code (t5_q 0 1) 1 0 /\
  descend 3 G w Q [0; 1; 2]%nat (set_code (t5_q 0 1) 1 0) = set_code (t5_q 0 1) 1 0.
Proof.
intros G Q w.
assert (stays : forall q j, - (1 / 2) <= centre 3 G w q j <= 1 / 2 -> q j = 0 ->
  descend_column 3 G w Q q j = q).
{ intros q j range zero; unfold descend_column, Q, every.
  rewrite three_points_zero, zero by exact range.
  destruct Rlt_dec; [lra|reflexivity]. }
split; [|split].
- intros j below; unfold Q, every, w, t5_q; three j; symmetry;
    [apply three_points_zero|rewrite three_points_one|apply three_points_zero];
    unfold t5_U, t5_w; compute3; lra.
- unfold descend; cbn [fold_left].
  rewrite (stays (t5_q 0 1)) by (unfold G, w, centre, t5_q, t5_X, t5_w; compute3; lra).
  replace (descend_column 3 G w Q (t5_q 0 1) 1) with (set_code (t5_q 0 1) 1 0).
  + apply stays; unfold G, w, centre, set_code, t5_q, t5_X, t5_w; compute3; lra.
  + assert (zero : centre 3 G w (t5_q 0 1) 1 = 0)
      by (unfold G, w, centre, t5_q, t5_X, t5_w; compute3; field).
    unfold descend_column, Q, every; rewrite zero, three_points_zero by lra.
    destruct Rlt_dec as [_|far]; [reflexivity|exfalso; apply far].
    unfold t5_q; compute3; unfold Rabs; repeat destruct Rcase_abs; lra.
- unfold descend; cbn [fold_left].
  do 2 (rewrite (stays (set_code (t5_q 0 1) 1 0)) by
    (unfold G, w, centre, set_code, t5_q, t5_X, t5_w; compute3; lra)).
  apply stays; unfold G, w, centre, set_code, t5_q, t5_X, t5_w; compute3; lra.
Qed.

(** T19 at work on three points: a sweep takes GPTQ's codes from 51/16 to 19/16, by the 2 that the
    change of the second code is worth; nothing better is one code away, though (1, -1, 0) is. *)
Lemma T19_witness : let G := gram 3 t5_X in let Q := every three_points in let w := t5_w 0 1 in
  let q := t5_q 0 1 in let q' := set_code q 1 0 in
  sym 3 G /\ live_or_dead 3 G /\ nearest three_points /\ is_gptq 3 Q t5_U w q /\
  centre 3 G w q 1 = 0 /\ G 1%nat 1%nat = 2 /\
  descend 3 G w Q [0; 1; 2]%nat q = q' /\ descend 3 G w Q [0; 1; 2]%nat q' = q' /\
  qform 3 G (vsub w q) = 51 / 16 /\ qform 3 G (vsub w q') = 51 / 16 + 2 * (0 ^ 2 - (0 - 1) ^ 2) /\
  one_opt 3 G w Q q' /\ qform 3 G (vsub w q') = 19 / 16 /\
  qform 3 G (vsub w (entries [1; -1; 0])) = 11 / 16 /\
  exists m, (m < 3 ^ 3)%nat /\ one_opt 3 G w Q (Nat.iter m (descend 3 G w Q [0; 1; 2]%nat) q).
Proof.
intros G Q w q q'; destruct (gram_sym_psd 3 3 t5_X) as [symmetric positive].
fold G in symmetric, positive.
assert (live := T19_live_or_dead 3 G symmetric positive).
destruct descent_run as [run [sweep again]].
assert (zero : centre 3 G w q 1 = 0)
  by (unfold G, w, q, centre, t5_q, t5_X, t5_w; compute3; field).
assert (corner : G 1%nat 1%nat = 2) by (unfold G, t5_X; compute3; field).
assert (before : qform 3 G (vsub w q) = 51 / 16)
  by (unfold G, w, q, t5_q, t5_X, t5_w; compute3; field).
assert (change := T19_change 3 G w q 1 0 symmetric ltac:(lia) ltac:(lra)); cbv zeta in change.
rewrite zero, corner, before in change; fold q' in change.
assert (value : q 1%nat = 1) by (unfold q, t5_q; compute3; lra); rewrite value in change.
split; [exact symmetric|split; [exact live|]].
split; [exact three_points_nearest|split; [exact run|]].
split; [exact zero|split; [exact corner|split; [exact sweep|split; [exact again|]]]].
split; [exact before|split; [rewrite change; field|split; [|split; [rewrite change; field|split]]]].
- destruct (T19_sweep 3 G w Q [0; 1; 2]%nat q' symmetric live) as [_ certified].
  { intros j [<-|[<-|[<-|[]]]]; lia. }
  fold G w Q q q' in again; rewrite again in certified; apply certified; [reflexivity|].
  intros j below; split; [exact three_points_nearest|three j; simpl; tauto].
- unfold G, w, t5_X, t5_w; compute3; field.
- destruct (T19_sweeps_end 3 G w Q [0; 1; 2]%nat q (fun _ => [-1; 0; 1]) 3 symmetric live)
    as [m [few [_ [best _]]]].
  + intros j; split; [intros [<-|[<-|[<-|[]]]]; lia|intros below; three j; simpl; tauto].
  + intros j _; exact three_points_nearest.
  + intros j x; apply three_points_in.
  + intros j below; unfold q, t5_q, entries; three j; simpl; [tauto| |tauto].
    right; right; left; lra.
  + intros j _; simpl; lia.
  + exists m; split; [exact few|exact best].
Qed.

(** A dead column at work: a second input that is always zero, whose code is free. *)
Lemma T19_dead_witness : let G := gram 1 (rows [[1]; [0]]) in let w := entries [1 / 4; 1 / 4] in
  sym 2 G /\ psd 2 G /\ G 1%nat 1%nat = 0 /\ live_or_dead 2 G /\
  qform 2 G (vsub w (set_code (entries [0; 0]) 1 5)) = qform 2 G (vsub w (entries [0; 0])) /\
  qform 2 G (vsub w (entries [0; 0])) = 1 / 16.
Proof.
intros G w; destruct (gram_sym_psd 2 1 (rows [[1]; [0]])) as [symmetric positive].
fold G in symmetric, positive.
assert (dead : G 1%nat 1%nat = 0) by (unfold G; compute3; field).
split; [exact symmetric|split; [exact positive|split; [exact dead|]]].
split; [exact (T19_live_or_dead 2 G symmetric positive)|split].
- exact (T19_dead_column 2 G w (entries [0; 0]) 1 5 symmetric positive ltac:(lia) dead).
- unfold G, w; compute3; field.
Qed.

(** Computed centres at work: off by at most 1/50 they are enough to change the code of T5's second
    column, and then to see that no single code can be changed for the better. *)
Lemma T19_rounded_witness : let G := gram 3 t5_X in let Q := every three_points in
  let w := t5_w 0 1 in let q := t5_q 0 1 in let q' := set_code q 1 0 in
  let t := entries [9 / 25; 1 / 100; - (1 / 5)] in
  Rabs (1 / 100 - centre 3 G w q 1) <= 1 / 50 /\
  Rabs (0 - q 1%nat) * (1 / 50) < (0 - q 1%nat) * (1 / 100 - (q 1%nat + 0) / 2) /\
  qform 3 G (vsub w q') < qform 3 G (vsub w q) /\
  (forall j, (j < 3)%nat -> Rabs (t j - centre 3 G w q' j) <= 1 / 50) /\
  (forall j x, (j < 3)%nat ->
    Rabs (Q j x - q' j) * (1 / 50) <= (Q j x - q' j) * ((q' j + Q j x) / 2 - t j)) /\
  one_opt 3 G w Q q'.
Proof.
intros G Q w q q' t; destruct (gram_sym_psd 3 3 t5_X) as [symmetric positive].
fold G in symmetric, positive.
assert (close : Rabs (1 / 100 - centre 3 G w q 1) <= 1 / 50).
{ unfold G, w, q, centre, t5_q, t5_X, t5_w; compute3; unfold Rabs; destruct Rcase_abs; lra. }
assert (beyond : Rabs (0 - q 1%nat) * (1 / 50) < (0 - q 1%nat) * (1 / 100 - (q 1%nat + 0) / 2)).
{ unfold q, t5_q; compute3; unfold Rabs; destruct Rcase_abs; lra. }
assert (close' : forall j, (j < 3)%nat -> Rabs (t j - centre 3 G w q' j) <= 1 / 50).
{ intros j below; unfold t, G, w, q', q, centre, set_code, t5_q, t5_X, t5_w; three j; compute3;
    unfold Rabs; destruct Rcase_abs; lra. }
assert (near : forall j x, (j < 3)%nat ->
  Rabs (Q j x - q' j) * (1 / 50) <= (Q j x - q' j) * ((q' j + Q j x) / 2 - t j)).
{ intros j x below; unfold Q, every, t, q', q, set_code, t5_q.
  destruct (three_points_in x) as [<-|[<-|[<-|[]]]]; three j; compute3;
    unfold Rabs; destruct Rcase_abs; lra. }
split; [exact close|split; [exact beyond|split; [|split; [exact close'|split; [exact near|]]]]].
- assert (live : 0 < G 1%nat 1%nat) by (unfold G, t5_X; compute3; lra).
  exact (proj2 (T19_rounded 3 G w q 1 0 (1 / 100) (1 / 50) symmetric ltac:(lia) live close) beyond).
- apply (T19_rounded_one_opt 3 G w Q q' t (fun _ => 1 / 50) symmetric
    (T19_live_or_dead 3 G symmetric positive)); auto.
Qed.

(** Three inputs of which neighbours are correlated, a row, and a column's level. *)
Definition refit_X : mat := rows [[1; 1; 0; 0]; [0; 1; 1; 0]; [0; 0; 1; 1]].
Definition refit_w : vec := entries [1; 2; -3].
Definition refit_level (i : nat) : nat := if Nat.eqb i 2 then 1%nat else 0%nat.

(** T20 at work on one scale: 7/5 loses 2/5 where 1 loses 2; rounded up to 11 bits, 717/512, it
    loses (1/2560)^2 10 more. *)
Lemma T20_scale_witness : let G := gram 4 refit_X in let k := entries [1; 1; -2] in
  let scaled s := vsub refit_w (fun i => s * k i) in
  sym 3 G /\ bform 3 G refit_w k = 14 /\ qform 3 G k = 10 /\ fitted_scale 3 G refit_w k = 7 / 5 /\
  qform 3 G refit_w = 20 /\ qform 3 G (scaled 1) = 2 /\ qform 3 G (scaled (7 / 5)) = 2 / 5 /\
  qform 3 G (scaled (717 / 512)) = 2 / 5 + (1 / 2560) ^ 2 * 10 /\
  Rabs (717 / 512 - 7 / 5) <= 1 / 2048 * Rabs (7 / 5) /\
  qform 3 G (scaled (717 / 512)) <= 2 / 5 + (1 / 2048) ^ 2 * (20 - 2 / 5).
Proof.
intros G k scaled; destruct (gram_sym_psd 3 4 refit_X) as [symmetric _]; fold G in symmetric.
assert (product : bform 3 G refit_w k = 14)
  by (unfold G, k, refit_w, refit_X, bform; compute3; field).
assert (square : qform 3 G k = 10) by (unfold G, k, refit_X; compute3; field).
assert (scale : fitted_scale 3 G refit_w k = 7 / 5)
  by (unfold fitted_scale; rewrite product, square; field).
assert (whole : qform 3 G refit_w = 20) by (unfold G, refit_w, refit_X; compute3; field).
assert (at_one := T20_scale 3 G refit_w k 1 symmetric ltac:(lra)); cbv zeta in at_one.
assert (at_up := T20_scale 3 G refit_w k (717 / 512) symmetric ltac:(lra)); cbv zeta in at_up.
rewrite scale, product, square, whole in at_one, at_up.
destruct at_one as [one best]; destruct at_up as [up _].
assert (close : Rabs (717 / 512 - 7 / 5) <= 1 / 2048 * Rabs (7 / 5))
  by (rewrite !Rabs_pos_eq by lra; lra).
assert (rounded := T20_scale_rounded 3 G refit_w k (717 / 512) (1 / 2048) symmetric ltac:(lra)).
cbv zeta in rounded; rewrite scale in rounded; specialize (rounded close).
rewrite whole, best in rounded; fold (scaled 1) (scaled (7 / 5)) (scaled (717 / 512)) in *.
split; [exact symmetric|split; [exact product|split; [exact square|split; [exact scale|]]]].
split; [exact whole|split; [rewrite one, best; field|split; [rewrite best; field|]]].
split; [rewrite up, best; field|split; [exact close|lra]].
Qed.

(** T20 at work on a codebook: two levels at 16/11 and -30/11 lose 4/11, and a level that no column
    has may be anything; the levels of the scale 7/5 lose 2/55 more. *)
Lemma T20_codebook_witness : let G := gram 4 refit_X in
  let book (c : vec) := vsub refit_w (fun i => c (refit_level i)) in
  sym 3 G /\ psd 3 G /\
  (forall x, normal_equations 3 3 G (levels_of refit_level) refit_w
    (entries [16 / 11; - (30 / 11); x])) /\
  qform 3 G (book (entries [16 / 11; - (30 / 11)])) = 4 / 11 /\
  qform 3 G (book (entries [7 / 5; - (14 / 5)])) = 2 / 5 /\
  2 / 5 = 4 / 11 + qform 3 G (fun i =>
    vsub (entries [7 / 5; - (14 / 5)]) (entries [16 / 11; - (30 / 11)]) (refit_level i)).
Proof.
intros G book; destruct (gram_sym_psd 3 4 refit_X) as [symmetric positive].
fold G in symmetric, positive.
assert (equations : forall x, normal_equations 3 3 G (levels_of refit_level) refit_w
  (entries [16 / 11; - (30 / 11); x])).
{ intros x l below; unfold G, vmul, vmv, bform, levels_of, refit_level, refit_w, refit_X.
  three l; compute3; field. }
assert (best : qform 3 G (book (entries [16 / 11; - (30 / 11)])) = 4 / 11)
  by (unfold book, G, refit_level, refit_w, refit_X; compute3; field).
assert (other : qform 3 G (book (entries [7 / 5; - (14 / 5)])) = 2 / 5)
  by (unfold book, G, refit_level, refit_w, refit_X; compute3; field).
split; [exact symmetric|split; [exact positive|split; [exact equations|]]].
split; [exact best|split; [exact other|]].
rewrite <- best, <- other; apply (T20_codebook 3 3 G refit_level refit_w); [exact symmetric| |].
- intros i below; unfold refit_level; destruct (Nat.eqb i 2); lia.
- exact (equations 0).
Qed.

(** The pivots of T5's Gram matrix. *)
Definition plain_d : vec := entries [1; 1; 16].

(** Decides which of T5's first terms are within the bound. *)
Ltac decide_terms :=
  repeat match goal with
  | |- context [Rle_dec (first_terms ?k _ _ _ (row_of ?l)) ?b] =>
      destruct (Rle_dec (first_terms k t5_U plain_d (t5_w 0 1) (row_of l)) b) as [yes|no];
      [ try (exfalso; revert yes; apply Rlt_not_le;
             unfold first_terms, row_of, plain_d, t5_U, t5_w; compute3; lra); clear yes
      | try (exfalso; apply no;
             unfold first_terms, row_of, plain_d, t5_U, t5_w; compute3; lra); clear no ]
  end.

(** T21 by enumeration at work: of the 27 codes on three points only (1, -1, 0) can lose at most
    11/16 in T5's row, and so they are the best of all. *)
Lemma T21_optimum_witness : let G := gram 3 t5_X in let w := t5_w 0 1 in
  let points : nat -> list R := fun _ => [-1; 0; 1] in
  udu 3 G t5_U plain_d /\ nonneg 3 plain_d /\
  candidates 3 t5_U plain_d w points (11 / 16) = [[1; -1; 0]] /\
  qform 3 G (vsub w (row_of [1; -1; 0])) = 11 / 16 /\
  (forall q, (forall j, (j < 3)%nat -> In (q j) (points j)) -> 11 / 16 <= qform 3 G (vsub w q)).
Proof.
intros G w points.
assert (cert : udu 3 G t5_U plain_d).
{ unfold G, t5_X, t5_U, plain_d; split.
  - intros i j range; three i; three j; reflexivity.
  - intros i below; three i; reflexivity.
  - intros i j ibelow jbelow; three i; three j; compute3; field. }
assert (pos : nonneg 3 plain_d) by
  (intros k below; unfold plain_d; three k; unfold entries; simpl; lra).
assert (one : candidates 1 t5_U plain_d w points (11 / 16) = [[0]; [1]]).
{ unfold points, w; cbn [candidates flat_map map app filter]; decide_terms; reflexivity. }
assert (two : candidates 2 t5_U plain_d w points (11 / 16) = [[0; 0]; [0; 1]; [1; -1]]).
{ change (candidates 2 t5_U plain_d w points (11 / 16)) with (filter
    (fun l => if Rle_dec (first_terms 2 t5_U plain_d w (row_of l)) (11 / 16) then true else false)
    (flat_map (fun l => map (fun x => l ++ [x]) (points 1%nat))
      (candidates 1 t5_U plain_d w points (11 / 16)))).
  rewrite one; unfold points, w; cbn [flat_map map app filter]; decide_terms; reflexivity. }
assert (left_over : candidates 3 t5_U plain_d w points (11 / 16) = [[1; -1; 0]]).
{ change (candidates 3 t5_U plain_d w points (11 / 16)) with (filter
    (fun l => if Rle_dec (first_terms 3 t5_U plain_d w (row_of l)) (11 / 16) then true else false)
    (flat_map (fun l => map (fun x => l ++ [x]) (points 2%nat))
      (candidates 2 t5_U plain_d w points (11 / 16)))).
  rewrite two; unfold points, w; cbn [flat_map map app filter]; decide_terms; reflexivity. }
assert (value : qform 3 G (vsub w (row_of [1; -1; 0])) = 11 / 16)
  by (unfold G, w, row_of, t5_X, t5_w; compute3; field).
split; [exact cert|split; [exact pos|split; [exact left_over|split; [exact value|]]]].
intros q on_grid; rewrite <- value.
apply (T21_optimum 3 G t5_U plain_d w points (11 / 16) (row_of [1; -1; 0])); try assumption.
- intros j below; unfold points, row_of; three j; simpl; tauto.
- lra.
- rewrite left_over; intros l [<-|[]]; apply Rle_refl.
Qed.
