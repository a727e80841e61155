(** * The factorization program solves its equations

    Purpose: [factor_C], [factor_U], [factor_d] satisfy [is_factor], in every arithmetic, and the
      equations have no other solution.
    Main results: [factor_correct], [factor_unique].
    Depends on: [Arithmetic], [Chain], [Factor].
    Source: this project. *)
From Coq Require Import Reals Arith Lia.
From Hallmark.Float Require Import Arithmetic Chain Factor.

Section Correct.

Context {T : Type}.
Variable A : arith T.
Variable n : nat.
Variable H : nat -> nat -> T.
Notation C p := (fst (factor_upto A n H p)).
Notation U p := (snd (factor_upto A n H p)).

(** An entry looks only at the columns behind its own. *)
Lemma factor_entry_ext C1 U1 C2 U2 i j :
  (forall k, (j < k < n)%nat -> C1 i k = C2 i k) ->
  (forall k, (j < k < n)%nat -> U1 j k = U2 j k) ->
  factor_entry A n H C1 U1 i j = factor_entry A n H C2 U2 i j.
Proof.
intros sameC sameU; unfold factor_entry; apply fma_chain_ext; intros m below.
- rewrite sameC; [reflexivity|lia].
- apply sameU; lia.
Qed.

(** A finished column is not touched again. *)
Lemma factor_upto_stable p i k : (p < n)%nat -> (n - 1 - p < k)%nat ->
  C (S p) i k = C p i k /\ U (S p) i k = U p i k.
Proof.
intros below behind; simpl.
rewrite (proj2 (Nat.eqb_neq k (n - 1 - p))) by lia; split; reflexivity.
Qed.

(** The finished columns satisfy their equations. *)
Lemma factor_upto_columns p : (p <= n)%nat -> forall i j, (n - p <= j < n)%nat ->
  C p i j = factor_entry A n H (C p) (U p) i j
  /\ U p i j = scaled_column A (fun i' => C p i' j) j i.
Proof.
induction p as [|p IH]; intros below i j range; [lia|].
destruct (Nat.eq_dec j (n - 1 - p)) as [new|old].
- assert (same : factor_entry A n H (C p) (U p) i j
    = factor_entry A n H (C (S p)) (U (S p)) i j).
  { apply factor_entry_ext; intros k behind; symmetry; apply factor_upto_stable; lia. }
  rewrite <- same; simpl; rewrite <- new, Nat.eqb_refl; split; reflexivity.
- assert (before : (n - p <= j < n)%nat) by lia.
  destruct (IH ltac:(lia) i j before) as [column scaled].
  assert (same : factor_entry A n H (C p) (U p) i j
    = factor_entry A n H (C (S p)) (U (S p)) i j).
  { apply factor_entry_ext; intros k behind; symmetry; apply factor_upto_stable; lia. }
  rewrite <- same.
  destruct (factor_upto_stable p i j ltac:(lia) ltac:(lia)) as [sameC sameU].
  destruct (factor_upto_stable p j j ltac:(lia) ltac:(lia)) as [sameCj _].
  rewrite sameC, sameU; split; [exact column|].
  rewrite scaled; unfold scaled_column; rewrite sameC, sameCj; reflexivity.
Qed.

(** The program solves the equations. *)
Theorem factor_correct :
  is_factor A n H (factor_C A n H) (factor_U A n H) (factor_d A n H).
Proof.
unfold factor_C, factor_U, factor_d.
assert (columns := factor_upto_columns n (le_n n)).
constructor.
- intros i j range; apply columns; lia.
- intros j below; reflexivity.
- intros i j range; rewrite (proj2 (columns i j ltac:(lia))); unfold scaled_column.
  rewrite (proj2 (Nat.ltb_lt i j)) by lia; reflexivity.
- intros j below; rewrite (proj2 (columns j j ltac:(lia))); unfold scaled_column.
  rewrite Nat.ltb_irrefl, Nat.eqb_refl; reflexivity.
- intros i j range; rewrite (proj2 (columns i j ltac:(lia))); unfold scaled_column.
  rewrite (proj2 (Nat.ltb_ge i j)), (proj2 (Nat.eqb_neq i j)) by lia; reflexivity.
Qed.

(** The equations have one solution on and above the diagonal. *)
Theorem factor_unique C1 U1 d1 C2 U2 d2 :
  is_factor A n H C1 U1 d1 -> is_factor A n H C2 U2 d2 ->
  forall i j, (i <= j < n)%nat -> C1 i j = C2 i j /\ U1 i j = U2 i j /\ d1 j = d2 j.
Proof.
intros first second.
assert (all : forall p i j, (p <= n)%nat -> (i <= j)%nat -> (n - p <= j < n)%nat ->
  C1 i j = C2 i j /\ U1 i j = U2 i j /\ d1 j = d2 j).
{ induction p as [|p IH]; intros i j below upper range; [lia|].
  destruct (Nat.eq_dec j (n - 1 - p)) as [new|old]; [|apply IH; lia].
  assert (entries : forall i', (i' <= j)%nat -> C1 i' j = C2 i' j).
  { intros i' above; rewrite (factor_column first), (factor_column second) by lia.
    apply factor_entry_ext; intros k behind; apply IH; lia. }
  assert (pivots : d1 j = d2 j)
    by (rewrite (factor_pivot first), (factor_pivot second) by lia; apply entries; lia).
  split; [apply entries; exact upper|split; [|exact pivots]].
  destruct (Nat.eq_dec i j) as [->|other].
  - rewrite (factor_one first), (factor_one second) by lia; reflexivity.
  - rewrite (factor_scale first), (factor_scale second) by lia.
    rewrite pivots, entries by lia; reflexivity. }
intros i j range; apply (all n); lia.
Qed.

End Correct.
