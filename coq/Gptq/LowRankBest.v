(** * T28: no correction of rank k is better

    Purpose: the theorem of Eckart and Young in the loss of H: any A and B with k inner indices leave
      at least the sum of the squares of the singular values from the k-th on.
    Main results: [span_exists] (k rows lie in the span of at most k orthonormal ones),
      [distance_expand], [bessel], [T28_best].
    Depends on: [LowRank], [Target] ([inner]).
    Source: C. Eckart, G. Young, Psychometrika 1 (1936); the proof by Bessel's inequality. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Factorization Guard Target LowRank.
Open Scope R_scope.

(** The inner product of x and column a of F. *)
Notation along n x F a := (bsum n (fun j => x j * F j a)).

Section Family.

Variables (n t : nat) (F : mat).
Hypothesis family : orthonormal n t F.

(** The inner product of a combination and a member. *)
Lemma along_combination z a : (a < t)%nat ->
  along n (fun j => bsum t (fun b => z b * F j b)) F a = z a.
Proof.
intros below.
rewrite (bsum_ext n _ (fun j => bsum t (fun b => z b * (F j b * F j a)))) by
  (intros j _; rewrite <- bsum_scalr; apply bsum_ext; intros b _; ring).
rewrite bsum_swap, (bsum_ext t _ (fun b => if Nat.eqb a b then z b else 0)).
- apply (bsum_delta t a z); exact below.
- intros b bbelow; rewrite bsum_scal, family, Nat.eqb_sym by assumption.
  destruct Nat.eqb; ring.
Qed.

(** The squared distance of x from a combination. *)
Lemma distance_expand x z :
  bsum n (fun j => (x j - bsum t (fun a => z a * F j a)) ^ 2)
  = bsum n (fun j => x j ^ 2) - bsum t (fun a => along n x F a ^ 2)
    + bsum t (fun a => (along n x F a - z a) ^ 2).
Proof.
set (y := fun j => bsum t (fun a => z a * F j a)).
assert (mixed : bsum n (fun j => x j * y j) = bsum t (fun a => z a * along n x F a)).
{ unfold y; rewrite (bsum_ext n _ (fun j => bsum t (fun a => z a * (x j * F j a)))) by
    (intros j _; rewrite <- bsum_scal; apply bsum_ext; intros a _; ring).
  rewrite bsum_swap; apply bsum_ext; intros a _; apply bsum_scal. }
assert (length : bsum n (fun j => y j * y j) = bsum t (fun a => z a * z a)).
{ transitivity (bsum t (fun a => z a * along n y F a)).
  - rewrite (bsum_ext n _ (fun j => bsum t (fun a => z a * (y j * F j a)))) by
      (intros j _; unfold y at 2; rewrite <- bsum_scal; apply bsum_ext; intros a _; ring).
    rewrite bsum_swap; apply bsum_ext; intros a _; apply bsum_scal.
  - apply bsum_ext; intros a below; unfold y; rewrite along_combination by exact below.
    reflexivity. }
change (bsum n (fun j => (x j - y j) ^ 2) = bsum n (fun j => x j ^ 2)
  - bsum t (fun a => along n x F a ^ 2) + bsum t (fun a => (along n x F a - z a) ^ 2)).
rewrite (bsum_ext n _ (fun j => x j ^ 2 - 2 * (x j * y j) + y j * y j)) by (intros j _; ring).
rewrite bsum_plus, bsum_minus, (bsum_scal n 2 (fun j => x j * y j)), mixed, length.
rewrite (bsum_ext t (fun a => (along n x F a - z a) ^ 2) (fun a =>
  along n x F a ^ 2 - 2 * (z a * along n x F a) + z a * z a)) by (intros a _; ring).
rewrite bsum_plus, bsum_minus, (bsum_scal t 2 (fun a => z a * along n x F a)); ring.
Qed.

(** The distance is least where the coefficients are the inner products. *)
Lemma distance_least x z : bsum n (fun j => x j ^ 2) - bsum t (fun a => along n x F a ^ 2)
  <= bsum n (fun j => (x j - bsum t (fun a => z a * F j a)) ^ 2).
Proof.
rewrite distance_expand.
assert (pos : 0 <= bsum t (fun a => (along n x F a - z a) ^ 2)) by
  (apply bsum_ge0; intros a _; apply pow2_ge_0).
lra.
Qed.

(** Bessel's inequality. *)
Lemma bessel x : bsum t (fun a => along n x F a ^ 2) <= bsum n (fun j => x j ^ 2).
Proof.
assert (expand := distance_expand x (fun a => along n x F a)); cbv beta in expand.
rewrite (bsum_0 t (fun a => (along n x F a - along n x F a) ^ 2)) in expand by (intros a _; ring).
assert (pos : 0 <= bsum n (fun j => (x j - bsum t (fun a => along n x F a * F j a)) ^ 2)) by
  (apply bsum_ge0; intros j _; apply pow2_ge_0).
lra.
Qed.

End Family.

(** A sum of squares that is zero has zero terms. *)
Lemma squares_0 n v : bsum n (fun j => v j ^ 2) = 0 -> forall j, (j < n)%nat -> v j = 0.
Proof.
intros zero j below.
assert (one := bsum_pick n j (fun i => v i ^ 2) below (fun i _ => pow2_ge_0 (v i))).
cbv beta in one; assert (square := pow2_ge_0 (v j)).
destruct (Req_dec (v j) 0) as [is0|not0]; [exact is0|].
assert (other := pow_nonzero (v j) 2 not0); lra.
Qed.

(** Rows of any matrix lie in the span of at most as many orthonormal ones. *)
Lemma span_exists n k (C : mat) : exists t F, (t <= k)%nat /\ orthonormal n t F /\
  forall l, (l < k)%nat -> exists z, forall j, (j < n)%nat -> C l j = bsum t (fun a => z a * F j a).
Proof.
induction k as [|k IH].
{ exists 0%nat, (fun _ _ => 0); split; [lia|split]; [intros a b abelow|intros l below]; lia. }
destruct IH as [t [F [most [family spans]]]].
set (x := fun a => along n (C k) F a).
set (v := fun j => C k j - bsum t (fun a => x a * F j a)).
assert (across : forall a, (a < t)%nat -> along n v F a = 0).
{ intros a below; unfold v.
  rewrite (bsum_ext n _ (fun j => C k j * F j a - bsum t (fun b => x b * F j b) * F j a)) by
    (intros j _; ring).
  rewrite bsum_minus; fold (x a).
  rewrite (along_combination n t F family x a below); ring. }
set (size := bsum n (fun j => v j ^ 2)).
destruct (Req_dec size 0) as [zero|nonzero].
- exists t, F; split; [lia|split; [exact family|]]; intros l below.
  destruct (Nat.eq_dec l k) as [->|other]; [|apply spans; lia].
  exists x; intros j inside; assert (none := squares_0 n v zero j inside); unfold v in none; lra.
- assert (pos : 0 < size).
  { assert (ge0 : 0 <= size) by (apply bsum_ge0; intros j _; apply pow2_ge_0); lra. }
  assert (root : 0 < sqrt size) by (apply sqrt_lt_R0; exact pos).
  assert (square : sqrt size * sqrt size = size) by (apply sqrt_sqrt; lra).
  set (F' := fun j a => if Nat.eqb a t then v j / sqrt size else F j a).
  assert (old : forall j a, (a < t)%nat -> F' j a = F j a).
  { intros j a below; unfold F'; rewrite (proj2 (Nat.eqb_neq a t)) by lia; reflexivity. }
  assert (new : forall j, F' j t = v j / sqrt size).
  { intros j; unfold F'; rewrite Nat.eqb_refl; reflexivity. }
  assert (mixed : forall a, (a < t)%nat -> bsum n (fun j => F' j t * F' j a) = 0).
  { intros a below; rewrite (bsum_ext n _ (fun j => / sqrt size * (v j * F j a))) by
      (intros j _; rewrite new, old by exact below; unfold Rdiv; ring).
    rewrite bsum_scal, across by exact below; ring. }
  exists (S t), F'; split; [lia|split].
  + intros a b abelow bbelow.
    destruct (Nat.eq_dec a t) as [->|aother], (Nat.eq_dec b t) as [->|bother].
    * rewrite Nat.eqb_refl, (bsum_ext n _ (fun j => / size * v j ^ 2)).
      { rewrite bsum_scal; fold size; field; exact nonzero. }
      intros j _; rewrite new.
      replace (/ size) with (/ (sqrt size * sqrt size)) by (rewrite square; reflexivity).
      field; lra.
    * rewrite mixed by lia; rewrite (proj2 (Nat.eqb_neq t b)) by lia; reflexivity.
    * rewrite (bsum_ext n _ (fun j => F' j t * F' j a)) by (intros j _; ring).
      rewrite mixed by lia; rewrite (proj2 (Nat.eqb_neq a t)) by lia; reflexivity.
    * rewrite (bsum_ext n _ (fun j => F j a * F j b)) by (intros j _; rewrite !old by lia; ring).
      apply family; lia.
  + intros l below; destruct (Nat.eq_dec l k) as [->|other].
    * exists (fun a => if Nat.eqb a t then sqrt size else x a); intros j inside.
      rewrite bsum_S, Nat.eqb_refl, new.
      rewrite (bsum_ext t _ (fun a => x a * F j a)) by (intros a abelow;
        rewrite old, (proj2 (Nat.eqb_neq a t)) by lia; reflexivity).
      unfold v; field; lra.
    * destruct (spans l ltac:(lia)) as [z equal].
      exists (fun a => if Nat.eqb a t then 0 else z a); intros j inside.
      rewrite bsum_S, Nat.eqb_refl, Rmult_0_l, Rplus_0_r, (equal j inside).
      apply bsum_ext; intros a abelow; rewrite old, (proj2 (Nat.eqb_neq a t)) by lia; reflexivity.
Qed.

(** Weights of at most 1 that sum to k leave of decreasing numbers no less than those from the k-th
    on. *)
Lemma tail_least k r (g c : vec) : (forall l m, (l <= m < k + r)%nat -> g m <= g l) ->
  (forall l, (l < k + r)%nat -> 0 <= g l) -> (forall l, (l < k + r)%nat -> 0 <= c l <= 1) ->
  bsum (k + r) c <= INR k ->
  bsum r (fun l => g (k + l)%nat) <= bsum (k + r) (fun l => g l * (1 - c l)).
Proof.
intros down pos range most; destruct r as [|r].
{ simpl bsum at 1; apply bsum_ge0; intros l below; apply Rmult_le_pos; [apply pos; exact below|].
  assert (here := range l below); lra. }
set (level := g k); rewrite bsum_app in most |- *.
assert (head : level * (INR k - bsum k c) <= bsum k (fun l => g l * (1 - c l))).
{ rewrite Rmult_minus_distr_l, <- bsum_scal, (Rmult_comm level), <- bsum_const, <- bsum_minus.
  apply bsum_le; intros l below; assert (above := down l k ltac:(lia)); fold level in above.
  assert (here := range l ltac:(lia)); nra. }
assert (tail : bsum (S r) (fun l => g (k + l)%nat) - level * bsum (S r) (fun l => c (k + l)%nat)
  <= bsum (S r) (fun l => g (k + l)%nat * (1 - c (k + l)%nat))).
{ rewrite <- bsum_scal, <- bsum_minus; apply bsum_le; intros l below.
  assert (under := down k (k + l)%nat ltac:(lia)); fold level in under.
  assert (here := range (k + l)%nat ltac:(lia)); nra. }
assert (levelpos : 0 <= level) by (apply pos; lia); nra.
Qed.

(** T28. No correction with k inner indices leaves less. *)
Theorem T28_best p n k r M U d E P s V A B : udu n M U d -> nonneg n d ->
  singular p n (k + r) U d E P s V -> (forall l m, (l <= m < k + r)%nat -> s m ^ 2 <= s l ^ 2) ->
  bsum r (fun l => s (k + l)%nat ^ 2)
  <= matrix_qform p n M (fun i => vsub (E i) (mmul k A B i)).
Proof.
intros cert pos [left right equal] down.
rewrite (matrix_qform_weighted p n M U d) by assumption.
destruct (span_exists n k (weighted n U d B)) as [t [F [most [family spans]]]].
assert (row : forall i, (i < p)%nat -> exists z, forall j, (j < n)%nat ->
  weighted n U d (fun i => vsub (E i) (mmul k A B i)) i j
  = weighted n U d E i j - bsum t (fun a => z a * F j a)).
{ intros i _.
  assert (parts : exists y, forall l, (l < k)%nat -> forall j, (j < n)%nat ->
    weighted n U d B l j = bsum t (fun a => y l a * F j a)).
  { clear - spans; induction k as [|k IH]; [exists (fun _ _ => 0); intros l below; lia|].
    destruct IH as [y same]; [intros l below; apply spans; lia|].
    destruct (spans k ltac:(lia)) as [z last].
    exists (fun l => if Nat.eqb l k then z else y l); intros l below j inside.
    destruct (Nat.eqb_spec l k) as [->|other]; [apply last|apply same]; assumption || lia. }
  destruct parts as [y same].
  exists (fun a => bsum k (fun l => A i l * y l a)); intros j inside.
  transitivity (weighted n U d E i j - bsum k (fun l => A i l * weighted n U d B l j)).
  - unfold weighted.
    rewrite (bsum_ext k _ (fun l => A i l * vmul n (B l) U j * sqrt (d j))) by (intros l _; ring).
    rewrite bsum_scalr, <- Rmult_minus_distr_r; f_equal; unfold vmul, mmul, vsub.
    rewrite (bsum_ext n _ (fun a => E i a * U a j - bsum k (fun l => A i l * B l a) * U a j)) by
      (intros a _; ring).
    rewrite bsum_minus; f_equal.
    rewrite (bsum_ext n _ (fun a => bsum k (fun l => A i l * (B l a * U a j)))) by
      (intros a _; rewrite <- bsum_scalr; apply bsum_ext; intros l _; ring).
    rewrite bsum_swap; apply bsum_ext; intros l _; apply bsum_scal.
  - f_equal.
    rewrite (bsum_ext k _ (fun l => bsum t (fun a => A i l * y l a * F j a))) by
      (intros l below; rewrite same by assumption; rewrite <- bsum_scal; apply bsum_ext;
       intros a _; ring).
    rewrite bsum_swap; apply bsum_ext; intros a _; apply bsum_scalr. }
set (c := fun l => bsum t (fun a => along n (fun j => V j l) F a ^ 2)).
eapply Rle_trans; [apply (tail_least k r (fun l => s l ^ 2) c)|].
- exact down.
- intros l _; apply pow2_ge_0.
- intros l below; split; [apply bsum_ge0; intros a _; apply pow2_ge_0|].
  eapply Rle_trans; [apply (bessel n t F family)|]; apply Req_le.
  rewrite (bsum_ext n _ (fun j => V j l * V j l)) by (intros j _; ring).
  rewrite (right l l below below), Nat.eqb_refl; reflexivity.
- unfold c; rewrite bsum_swap.
  apply Rle_trans with (bsum t (fun _ => 1)); [|rewrite bsum_const, Rmult_1_r; apply le_INR, most].
  apply bsum_le; intros a below.
  eapply Rle_trans; [|apply Req_le; transitivity (bsum n (fun j => F j a * F j a));
    [reflexivity|rewrite (family a a below below), Nat.eqb_refl; reflexivity]].
  rewrite (bsum_ext n _ (fun j => F j a ^ 2)) by (intros j _; ring).
  rewrite (bsum_ext (k + r) _ (fun l => along n (fun j => F j a) V l ^ 2)).
  + apply (bessel n (k + r) V right).
  + intros l _; f_equal; apply bsum_ext; intros j _; ring.
- apply Rle_trans with (bsum p (fun i => bsum n (fun j => weighted n U d E i j ^ 2)
    - bsum t (fun a => along n (weighted n U d E i) F a ^ 2))).
  + apply Req_le; rewrite bsum_minus.
    rewrite (bsum_ext p (fun i => bsum n (fun j => weighted n U d E i j ^ 2)) (fun i =>
      bsum n (fun j => bsum (k + r) (fun l => P i l * s l * V j l) ^ 2))) by
      (intros i ibelow; apply bsum_ext; intros j jbelow; rewrite equal by assumption; reflexivity).
    rewrite (singular_squares p n (k + r) P s V left right), bsum_swap.
    rewrite (bsum_ext (k + r) (fun l => s l ^ 2 * (1 - c l)) (fun l => s l ^ 2 - s l ^ 2 * c l)) by
      (intros l _; ring).
    rewrite bsum_minus; f_equal; unfold c.
    rewrite (bsum_ext (k + r) _ (fun l => bsum t (fun a =>
      s l ^ 2 * along n (fun j => V j l) F a ^ 2))) by (intros l _; symmetry; apply bsum_scal).
    rewrite bsum_swap; apply bsum_ext; intros a _.
    set (x := fun l => s l * along n (fun j => V j l) F a).
    rewrite (bsum_ext p _ (fun i => bsum (k + r) (fun l => x l * P i l) ^ 2)).
    * assert (expand := distance_expand p (k + r) P left (fun _ => 0) x); cbv beta in expand.
      rewrite (bsum_0 p (fun _ => 0 ^ 2)) in expand by (intros; ring).
      rewrite !(bsum_ext (k + r) (fun l => along p (fun _ => 0) P l ^ 2) (fun _ => 0)) in expand by
        (intros l _; rewrite (bsum_0 p); [ring|intros; ring]).
      rewrite (bsum_0 (k + r) (fun _ => 0)) in expand by reflexivity.
      rewrite (bsum_ext p _ (fun i => bsum (k + r) (fun l => x l * P i l) ^ 2)) in expand by
        (intros i _; ring).
      rewrite expand; rewrite Rminus_0_r, Rplus_0_l; apply bsum_ext; intros l _.
      rewrite (bsum_0 p) by (intros; ring); unfold x; ring.
    * intros i ibelow; f_equal; unfold x.
      rewrite (bsum_ext n _ (fun j => bsum (k + r) (fun l => s l * P i l * (V j l * F j a)))).
      { rewrite bsum_swap; apply bsum_ext; intros l _; rewrite bsum_scal; ring. }
      intros j jbelow; rewrite equal by assumption; rewrite <- bsum_scalr; apply bsum_ext.
      intros l _; ring.
  + apply bsum_le; intros i ibelow; destruct (row i ibelow) as [z same].
    rewrite (bsum_ext n (fun j => weighted n U d (fun i => vsub (E i) (mmul k A B i)) i j ^ 2)
      (fun j => (weighted n U d E i j - bsum t (fun a => z a * F j a)) ^ 2)) by
      (intros j below; rewrite same by exact below; reflexivity).
    apply (distance_least n t F family).
Qed.
