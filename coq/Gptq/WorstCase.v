(** * T3: worst-case dominance of GPTQ over round-to-nearest

    Purpose: one row on which round-to-nearest loses at least as much as GPTQ loses on any row.
    Main results: [T3_dominance] (ties to even), [T3_dominance_any_tie] (every tie rule, up to a
      factor arbitrarily close to 1), [T3_dominance_columns] (one step per column),
      [T3_dominance_boxes] (grids whose step depends on the place), [T3_dominance_plain_undamped]
      (lambda = 0), [T3_dominance_damped] (the plain loss under damping, with an additive term),
      [T3_weighted] (the sign vector behind all of them).
    What is not true: the plain form under damping without the additive term; see [PlainWorstCase].
    Depends on: [Bound], [Factorization], [Quantizer].
    Source: this project; the sign vector is the deterministic form of a random-sign argument. *)
From Coq Require Import Reals Lra Lia Psatz Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Factorization Quantizer Gptq Identity Bound.
Open Scope R_scope.

(** Some vector of signs makes a quadratic form at least its trace. *)
Lemma sign_vector M n :
  exists e : vec, (forall i, e i = 1 \/ e i = -1) /\ trace n M <= qform n M e.
Proof.
induction n as [|n [e [signs IH]]].
- exists (fun _ => 1); split; [auto|]; unfold trace, qform; simpl; lra.
- set (c := bsum n (fun i => e i * M i n) + bsum n (fun j => M n j * e j)).
  set (s := if Rle_dec 0 c then 1 else -1).
  assert (sign : s = 1 \/ s = -1) by (unfold s; destruct (Rle_dec 0 c); auto).
  assert (cross : 0 <= s * c) by (unfold s; destruct (Rle_dec 0 c); lra).
  exists (fun i => if Nat.eqb i n then s else e i); split.
  + intros i; destruct (Nat.eqb i n); auto.
  + rewrite qform_S, Nat.eqb_refl.
    assert (other : forall i, (i < n)%nat -> (if Nat.eqb i n then s else e i) = e i).
    { intros i below; rewrite (proj2 (Nat.eqb_neq _ _)); [reflexivity|lia]. }
    rewrite (qform_ext n M _ e other).
    rewrite (bsum_ext n _ (fun i => e i * M i n)) by (intros i below; rewrite other; auto).
    rewrite (bsum_ext n (fun j => M n j * _) (fun j => M n j * e j)) by
      (intros i below; rewrite other; auto).
    fold c; unfold trace in *; simpl bsum.
    replace (s ^ 2) with 1 by (destruct sign as [-> | ->]; ring); lra.
Qed.

(** Some choice of signs of given half steps r_j loses at least sum_j d_j r_j^2. *)
Theorem T3_weighted n M U d r : udu n M U d -> nonneg n d ->
  exists e, (forall j, e j = r j \/ e j = - r j) /\ bsum n (fun j => d j * r j ^ 2) <= qform n M e.
Proof.
intros cert pos; destruct (sign_vector (fun i j => r i * M i j * r j) n) as [e [signs large]].
exists (fun j => r j * e j); split.
- intros j; destruct (signs j) as [-> | ->]; [left|right]; ring.
- apply Rle_trans with (trace n (fun i j => r i * M i j * r j)).
  + apply bsum_le; intros j below.
    replace (r j * M j j * r j) with (M j j * r j ^ 2) by ring.
    apply Rmult_le_compat_r; [apply pow2_ge_0|apply (d_le_diag n M U d); assumption].
  + eapply Rle_trans; [exact large|]; apply Req_le; unfold qform.
    apply bsum_ext; intros i _; apply bsum_ext; intros j _; ring.
Qed.

(** T3 on boxes: where [Q j] errs by at most [r j] inside the set [inside j] and some two numbers
    [up j] and [down j] lose exactly [r j] and [- r j], one row of such numbers loses under
    round-to-nearest at least what GPTQ loses on any row whose compensated weights stay inside. *)
Theorem T3_dominance_boxes n M U d Q (inside : nat -> R -> Prop) r up down :
  udu n M U d -> nonneg n d ->
  (forall j x, (j < n)%nat -> inside j x -> Rabs (x - Q j x) <= r j) ->
  (forall j, (j < n)%nat -> up j - Q j (up j) = r j) ->
  (forall j, (j < n)%nat -> down j - Q j (down j) = - r j) ->
  exists w', (forall j, (j < n)%nat -> w' j = up j \/ w' j = down j) /\
    forall w q, is_gptq n Q U w q -> (forall j, (j < n)%nat -> inside j (comp U w q j)) ->
      qform n M (vsub w q) <= qform n M (vsub w' (rtn Q w')).
Proof.
intros cert pos close above below; destruct (T3_weighted n M U d r cert pos) as [e [signs large]].
exists (fun j => if Req_EM_T (e j) (r j) then up j else down j); split.
- intros j _; destruct (Req_EM_T (e j) (r j)) as [_|_]; [left|right]; reflexivity.
- intros w q run stay; eapply Rle_trans; [apply (T2_bound n M U d w q r); try assumption|].
  + intros j jbelow; rewrite (run j jbelow); apply close; [exact jbelow|apply stay; exact jbelow].
  + eapply Rle_trans; [exact large|]; apply Req_le, qform_ext; intros j jbelow.
    unfold vsub, rtn; destruct (Req_EM_T (e j) (r j)) as [same|other].
    * rewrite above by exact jbelow; exact same.
    * rewrite below by exact jbelow; destruct (signs j) as [same|same]; [contradiction|exact same].
Qed.

(** T3 with one step per column: the bound of T2 is reached by round-to-nearest on one row. *)
Theorem T3_dominance_columns n M U d Q s : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step (s j) (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties (s j) (Q j)) ->
  exists w', forall w q, is_gptq n Q U w q ->
    qform n M (vsub w q) <= qform n M (vsub w' (rtn Q w')).
Proof.
intros cert pos step ties.
destruct (T3_dominance_boxes n M U d Q (fun _ _ => True) (fun j => s j / 2)
  (fun j => s j / 2) (fun j => - (s j / 2)) cert pos) as [w' [_ worst]].
- intros j x below _; apply step; exact below.
- intros j below; rewrite (proj1 (ties j below)); ring.
- intros j below; rewrite (proj2 (ties j below)); ring.
- exists w'; intros w q run; apply worst; auto.
Qed.

(** T3. With ties to even, one row on which round-to-nearest loses at least as much as GPTQ on any.
    *)
Theorem T3_dominance n M U d Q s : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w', forall w q, is_gptq n Q U w q ->
    qform n M (vsub w q) <= qform n M (vsub w' (rtn Q w')).
Proof. exact (T3_dominance_columns n M U d Q (fun _ => s)). Qed.

(** T3 for every tie rule: the same up to a factor as close to 1 as wanted. *)
Theorem T3_dominance_any_tie n M U d Q s theta : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j x, (j < n)%nat -> Rabs x < s / 2 -> Q j x = 0) -> 0 < s -> 0 <= theta < 1 ->
  exists w', forall w q, is_gptq n Q U w q ->
    theta ^ 2 * qform n M (vsub w q) <= qform n M (vsub w' (rtn Q w')).
Proof.
intros cert pos step small spos thetarange.
destruct (T3_weighted n M U d (fun _ => s / 2) cert pos) as [e [signs large]].
exists (fun i => theta * e i); intros w q run.
rewrite (qform_ext n M (vsub _ (rtn _ _)) (fun i => theta * e i)).
- rewrite qform_scal; apply Rmult_le_compat_l; [apply pow2_ge_0|].
  eapply Rle_trans; [|exact large].
  apply (T2_bound_columns n M U d w q Q (fun _ => s)); assumption.
- intros i below; unfold vsub, rtn; rewrite small; [ring|exact below|].
  assert (theta * (s / 2) < s / 2) by nra; assert (0 <= theta * (s / 2)) by nra.
  apply Rabs_def1; destruct (signs i) as [-> | ->]; lra.
Qed.

(** T3 without damping, in the plain loss. *)
Theorem T3_dominance_plain_undamped n m X U d Q s :
  udu n (hess 0 (gram m X)) U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w', forall w q, is_gptq n Q U w q ->
    loss n m X (vsub w q) <= loss n m X (vsub w' (rtn Q w')).
Proof.
intros cert pos step ties; destruct (T3_dominance n _ U d Q s cert pos step ties) as [w' worst].
exists w'; intros w q run; assert (here := worst w q run).
rewrite !qform_hess, <- !loss_gram in here; lra.
Qed.

(** T3 under damping, in the plain loss: true with the additive term n lambda s^2 / 8. *)
Theorem T3_dominance_damped n m X lam U d Q s : 0 <= lam ->
  udu n (hess lam (gram m X)) U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w', forall w q, is_gptq n Q U w q ->
    loss n m X (vsub w q) <= loss n m X (vsub w' (rtn Q w')) + INR n * lam * s ^ 2 / 8.
Proof.
intros lampos cert pos step ties; destruct (sign_vector (gram m X) n) as [e [signs large]].
exists (fun i => s / 2 * e i); intros w q run.
assert (bound := T2_bound_plain n m X lam U d w q Q s lampos cert pos step run).
assert (total := sum_d_le_trace n _ U d cert pos); rewrite trace_hess in total.
rewrite (loss_gram n m X (vsub _ (rtn _ _))).
rewrite (qform_ext n (gram m X) (vsub _ (rtn _ _)) (fun i => s / 2 * e i)).
- rewrite qform_scal; assert (square := pow2_ge_0 s).
  assert (s ^ 2 / 8 * bsum n d <= s ^ 2 / 8 * (2 * trace n (gram m X) + INR n * lam))
    by (apply Rmult_le_compat_l; lra).
  assert (s ^ 2 / 4 * trace n (gram m X) <= s ^ 2 / 4 * qform n (gram m X) e)
    by (apply Rmult_le_compat_l; lra).
  lra.
- intros i below; unfold vsub, rtn; destruct (ties i below) as [up down].
  destruct (signs i) as [-> | ->].
  + rewrite Rmult_1_r, up; ring.
  + replace (s / 2 * -1) with (- (s / 2)) by ring; rewrite down; ring.
Qed.
