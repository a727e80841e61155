(** * T21: the best codes of all, by bounded enumeration

    Purpose: the loss is a sum of nonnegative terms of which the first k depend on the first k codes
      alone (T1), so that codes whose first terms exceed a bound need not be gone on with.
    Main definitions: [candidates] (the codes that are left).
    Main results: [T21_candidates] (no codes within the bound are missed), [T21_optimum] (the best
      of what is left is the best of all).
    Depends on: [Identity], [GptqFacts].
    Source: U. Fincke, M. Pohst, Improved methods for calculating vectors of short length in a
      lattice, Math. Comp. 44 (1985). *)
From Coq Require Import Reals Lra Lia Arith List.
From Hallmark.Gptq Require Import Sums Matrix Gptq GptqFacts Identity.
Import ListNotations.
Open Scope R_scope.

(** A list of codes as a row. *)
Definition row_of (l : list R) : vec := fun j => nth j l 0.

(** The first [k] terms of the loss. *)
Definition first_terms (k : nat) (U : mat) (d w q : vec) : R :=
  bsum k (fun j => d j * (comp U w q j - q j) ^ 2).

(** The first [k] codes, each one of [points j], whose first terms are at most L all the way. *)
Fixpoint candidates (k : nat) (U : mat) (d w : vec) (points : nat -> list R) (L : R) :
    list (list R) :=
  match k with
  | O => [[]]
  | S m =>
      filter (fun l => if Rle_dec (first_terms k U d w (row_of l)) L then true else false)
        (flat_map (fun l => map (fun x => l ++ [x]) (points m)) (candidates m U d w points L))
  end.

(** The list of the first codes of a row is that row there. *)
Lemma row_of_seq q k j : (j < k)%nat -> row_of (map q (seq 0 k)) j = q j.
Proof.
intros below; unfold row_of.
rewrite (nth_indep _ 0 (q 0%nat)), map_nth, seq_nth by
  (rewrite ?map_length, ?seq_length; exact below).
reflexivity.
Qed.

(** The first terms depend on the first codes alone. *)
Lemma first_terms_ext k U d w q q' : (forall j, (j < k)%nat -> q j = q' j) ->
  first_terms k U d w q = first_terms k U d w q'.
Proof.
intros same; apply bsum_ext; intros j below; rewrite same by exact below.
rewrite (comp_ext U w q q' j); [reflexivity|intros i before; apply same; lia].
Qed.

(** T21. No codes that lose at most L are missed. *)
Theorem T21_candidates n M U d w points L q : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> In (q j) (points j)) -> qform n M (vsub w q) <= L ->
  In (map q (seq 0 n)) (candidates n U d w points L).
Proof.
intros cert pos on_grid within.
assert (first : forall k, (k <= n)%nat -> first_terms k U d w q <= L).
{ intros k before; apply Rle_trans with (2 := within); rewrite (T1_identity n M U d w q cert).
  unfold first_terms; replace n with (k + (n - k))%nat by lia; rewrite bsum_app.
  assert (rest : 0 <= bsum (n - k) (fun i =>
    d (k + i)%nat * (comp U w q (k + i) - q (k + i)%nat) ^ 2)).
  { apply bsum_ge0; intros i below; apply Rmult_le_pos; [apply pos; lia|apply pow2_ge_0]. }
  lra. }
assert (prefix : forall k, (k <= n)%nat -> In (map q (seq 0 k)) (candidates k U d w points L)).
{ induction k as [|k IH]; intros before; [left; reflexivity|].
  apply filter_In; split.
  - rewrite seq_S, map_app; apply in_flat_map; exists (map q (seq 0 k)); split; [apply IH; lia|].
    apply (in_map (fun x => map q (seq 0 k) ++ [x])), on_grid; lia.
  - rewrite (first_terms_ext (S k) U d w _ q) by (intros j below; apply row_of_seq; exact below).
    destruct Rle_dec as [fine|over]; [reflexivity|exfalso; apply over, first; exact before]. }
apply prefix, Nat.le_refl.
Qed.

(** T21. If some codes of the grid lose at most L, the best of what is left is the best of all. *)
Theorem T21_optimum n M U d w points L some best : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> In (some j) (points j)) -> qform n M (vsub w some) <= L ->
  (forall l, In l (candidates n U d w points L) ->
    qform n M (vsub w (row_of best)) <= qform n M (vsub w (row_of l))) ->
  forall q, (forall j, (j < n)%nat -> In (q j) (points j)) ->
    qform n M (vsub w (row_of best)) <= qform n M (vsub w q).
Proof.
intros cert pos some_on within least.
assert (left_over : forall q, (forall j, (j < n)%nat -> In (q j) (points j)) ->
  qform n M (vsub w q) <= L -> qform n M (vsub w (row_of best)) <= qform n M (vsub w q)).
{ intros q on_grid below; rewrite (T1_identity n M U d w q cert).
  change (qform n M (vsub w (row_of best)) <= first_terms n U d w q).
  rewrite (first_terms_ext n U d w q (row_of (map q (seq 0 n)))) by
    (intros j jbelow; symmetry; apply row_of_seq; exact jbelow).
  unfold first_terms; rewrite <- (T1_identity n M U d w _ cert); apply least.
  apply (T21_candidates n M); assumption. }
intros q on_grid; destruct (Rle_or_lt (qform n M (vsub w q)) L) as [low|high].
- apply left_over; assumption.
- assert (bound := left_over some some_on within); lra.
Qed.
