(** * T25: what the pivots mean

    Purpose: the pivots of H = U D U^T are squared distances, GPTQ is the nearest-plane method with
      these distances, and nothing clips where the range leaves room for the feedback.
    Main definitions: [starts_at] (rows that begin with a one in column j).
    Main results: [T25_pivot_distance] (d_j is the least form of such a row), [T25_pivot_monotone],
      [T25_nearest_plane] (the least loss that the codes so far allow), [T25_no_clip].
    Depends on: [Triangular], [Factorization], [GptqFacts], [Identity].
    Source: the nearest-plane reading of GPTQ, arXiv 2507.18553; L. Babai, On Lovasz' lattice
      reduction and the nearest lattice point problem (1986). *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Gptq GptqFacts Identity.
Open Scope R_scope.

(** ** Distances *)

(** The row [v] is zero before column [j] and one there. *)
Definition starts_at (j : nat) (v : vec) : Prop := (forall i, (i < j)%nat -> v i = 0) /\ v j = 1.

(** Its product with a unit upper triangular matrix starts there too. *)
Lemma starts_at_vmul n U v j : unit_upper n U -> (j < n)%nat -> starts_at j v ->
  starts_at j (vmul n v U).
Proof.
intros shape below [before one]; split.
- intros i less; rewrite vmul_unit_upper by (assumption || lia); rewrite before, bsum_0 by
    (lia || (intros k range; rewrite before by lia; ring)); ring.
- rewrite vmul_unit_upper by assumption; rewrite one, bsum_0; [ring|].
  intros k range; rewrite before by exact range; ring.
Qed.

(** T25. The pivot d_j is the least value of the form on rows that start in column j. *)
Theorem T25_pivot_distance n M U d j : udu n M U d -> nonneg n d -> (j < n)%nat ->
  (exists v, starts_at j v /\ qform n M v = d j) /\
  (forall v, starts_at j v -> d j <= qform n M v).
Proof.
intros cert pos below; assert (shape := udu_unit_upper n M U d cert); split.
- exists (inv_upper n U j); split.
  + destruct (inv_upper_unit n U shape) as [low one]; split; [|exact (one j below)].
    intros i before; apply low; lia.
  + rewrite (qform_udu n M U d) by exact cert.
    rewrite (bsum_ext n _ (fun k => if Nat.eqb j k then d k else 0)).
    * exact (bsum_delta n j d below).
    * intros k kbelow; change (vmul n (inv_upper n U j) U k) with (mmul n (inv_upper n U) U j k).
      unfold mmul; rewrite (inv_upper_left n U shape j k below kbelow).
      destruct (Nat.eqb j k); ring.
- intros v starts; rewrite (qform_udu n M U d) by exact cert.
  assert (term := bsum_pick n j (fun k => d k * vmul n v U k ^ 2) below
    (fun k kbelow => Rmult_le_pos _ _ (pos k kbelow) (pow2_ge_0 _))).
  cbv beta in term; rewrite (proj2 (starts_at_vmul n U v j shape below starts)) in term; lra.
Qed.

(** T25. A matrix that is larger in Loewner's order has larger pivots. *)
Theorem T25_pivot_monotone n M U d M' U' d' j : udu n M U d -> nonneg n d -> udu n M' U' d' ->
  nonneg n d' -> (forall v, qform n M v <= qform n M' v) -> (j < n)%nat -> d j <= d' j.
Proof.
intros cert pos cert' pos' larger below.
destruct (T25_pivot_distance n M U d j cert pos below) as [_ least].
destruct (T25_pivot_distance n M' U' d' j cert' pos' below) as [[v [starts value]] _].
rewrite <- value; eapply Rle_trans; [exact (least v starts)|apply larger].
Qed.

(** ** The nearest plane *)

(** The codes [q] before column [j], [x] there, and after it whatever is compensated. *)
Definition relaxed (q : vec) (j : nat) (x : R) : nat -> R -> R :=
  fun k u => if Nat.ltb k j then q k else if Nat.eqb k j then x else u.

(** T25. Of all rows that have the codes of [q] before column [j] and x in it, real numbers after it
    allowed, the least loss is the one of the codes so far plus d_j (u_j - x)^2.  GPTQ takes the x
    that makes it least. *)
Theorem T25_nearest_plane n M U d w q j x : udu n M U d -> nonneg n d -> (j < n)%nat ->
  let least := bsum j (fun k => d k * (comp U w q k - q k) ^ 2) + d j * (comp U w q j - x) ^ 2 in
  (forall q', (forall k, (k < j)%nat -> q' k = q k) -> q' j = x ->
    least <= qform n M (vsub w q')) /\
  (exists q', (forall k, (k < j)%nat -> q' k = q k) /\ q' j = x /\ qform n M (vsub w q') = least).
Proof.
intros cert pos below least.
assert (first : forall q', (forall k, (k < j)%nat -> q' k = q k) -> q' j = x ->
  bsum (S j) (fun k => d k * (comp U w q' k - q' k) ^ 2) = least).
{ intros q' same here; rewrite bsum_S, here; unfold least; f_equal.
  - apply bsum_ext; intros k before; rewrite same by exact before; rewrite (comp_ext U w q' q k);
      [reflexivity|intros i less; apply same; lia].
  - rewrite (comp_ext U w q' q j) by exact same; reflexivity. }
assert (whole : forall q', qform n M (vsub w q')
  = bsum (S j) (fun k => d k * (comp U w q' k - q' k) ^ 2)
    + bsum (n - S j) (fun k => d (S j + k)%nat * (comp U w q' (S j + k) - q' (S j + k)%nat) ^ 2)).
{ intros q'; rewrite (T1_identity n M U d w q' cert).
  replace n with (S j + (n - S j))%nat at 1 by lia; apply bsum_app. }
split.
- intros q' same here; rewrite whole, (first q' same here).
  assert (rest : 0 <= bsum (n - S j) (fun k =>
    d (S j + k)%nat * (comp U w q' (S j + k) - q' (S j + k)%nat) ^ 2)).
  { apply bsum_ge0; intros k range; apply Rmult_le_pos; [apply pos; lia|apply pow2_ge_0]. }
  lra.
- set (q' := gptq_upto n (relaxed q j x) U w); exists q'.
  assert (run := gptq_exists n (relaxed q j x) U w : is_gptq n (relaxed q j x) U w q').
  assert (same : forall k, (k < j)%nat -> q' k = q k).
  { intros k before; rewrite run by lia; unfold relaxed.
    rewrite (proj2 (Nat.ltb_lt k j)) by exact before; reflexivity. }
  assert (here : q' j = x).
  { rewrite run by exact below; unfold relaxed; rewrite Nat.ltb_irrefl, Nat.eqb_refl; reflexivity. }
  split; [exact same|split; [exact here|]].
  rewrite whole, (first q' same here), bsum_0; [ring|]; intros k range.
  rewrite (run (S j + k)%nat) at 1 by lia; unfold relaxed.
  rewrite (proj2 (Nat.ltb_ge (S j + k) j)), (proj2 (Nat.eqb_neq (S j + k) j)) by lia.
  replace (comp U w q' (S j + k) - comp U w q' (S j + k)) with 0 by ring; ring.
Qed.

(** ** Nothing clips *)

(** The compensated weight from the compensated errors before it. *)
Lemma comp_from_errors n U w q j : unit_upper n U -> (j < n)%nat ->
  comp U w q j = w j - bsum j (fun k => (comp U w q k - q k) * inv_upper n U k j).
Proof.
intros shape below; set (V := inv_upper n U).
assert (back : vsub w q j = vmul n (vmul n (vsub w q) U) V j).
{ rewrite <- vmul_mmul; symmetry; apply vmul_identity; [|exact below]; intros i ibelow.
  exact (inv_pair_comm n U V shape (inv_upper_left n U shape) i j ibelow below). }
rewrite (vmul_unit_upper n V) in back by (apply inv_upper_unit || exact below; exact shape).
rewrite <- (comp_sub n U w q j) in back by assumption.
rewrite (bsum_ext j _ (fun k => (comp U w q k - q k) * V k j)) in back by
  (intros k before; rewrite <- (comp_sub n U w q k) by (assumption || lia); reflexivity).
unfold vsub in back; lra.
Qed.

(** T25. Where the range of each column, on which rounding moves a number by at most r_j, leaves
    room for the feedback of such errors, all compensated weights stay in it. *)
Theorem T25_no_clip n U w q Q (low high r : vec) : unit_upper n U -> is_gptq n Q U w q ->
  (forall j x, (j < n)%nat -> low j <= x <= high j -> Rabs (x - Q j x) <= r j) ->
  (forall j, (j < n)%nat -> let room := bsum j (fun k => r k * Rabs (inv_upper n U k j)) in
    low j + room <= w j <= high j - room) ->
  forall j, (j < n)%nat ->
    low j <= comp U w q j <= high j /\ Rabs (comp U w q j - q j) <= r j.
Proof.
intros shape run inside fits j; induction j as [j IH] using lt_wf_ind; intros below.
assert (feedback : Rabs (bsum j (fun k => (comp U w q k - q k) * inv_upper n U k j))
  <= bsum j (fun k => r k * Rabs (inv_upper n U k j))).
{ eapply Rle_trans; [apply bsum_abs|]; apply bsum_le; intros k before; rewrite Rabs_mult.
  apply Rmult_le_compat_r; [apply Rabs_pos|]; apply IH; lia. }
assert (range : low j <= comp U w q j <= high j).
{ rewrite (comp_from_errors n U w q j shape below); specialize (fits j below); cbv zeta in fits.
  revert feedback; unfold Rabs at 1; destruct Rcase_abs; lra. }
split; [exact range|]; rewrite (run j below) at 1; apply inside; assumption.
Qed.
