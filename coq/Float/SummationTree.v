(** * One sum in any order

    Purpose: Gram matrices are summed by other programs too: tokens in another order, in blocks, in
      parts that are merged.  Each such sum is a tree, whose leaves are the tokens: a step adds one
      token by one fma, or adds two partial sums.  What counts is not how many tokens there are but
      through how many roundings a token goes at most.
    Main definitions: [summation], [tree_value] (the program), [roundings], [sums_tokens] (each of m
      tokens once), [chain_tree] (the order of [gram_float]), [in_chunks] (chains of c tokens, added
      one after the other: the order of the product), [chunk_roundings].
    Main results: [tree_error], [tree_finite] (IEEE data), [roundings_sums] (at most one for each
      token where no part is empty), [in_chunks_tokens], [in_chunks_roundings], [in_chunks_one] (a
      chain where there is one chunk), [in_chunks_next] (what a further chunk adds).
    Depends on: Gptq/Sums, [ChainError], [Machine].
    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2. *)
From Coq Require Import ZArith Reals List Permutation Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Machine.
Import ListNotations.
Open Scope R_scope.

(** A sum of products x_t y_t: nothing, one token added to a sum, two sums merged. *)
Inductive summation : Type :=
  | Nothing
  | Token (t : nat) (rest : summation)
  | Merge (one other : summation).

(** The sum that the program returns. *)
Fixpoint tree_value {T : Type} (A : arith T) (x y : nat -> T) (s : summation) : T :=
  match s with
  | Nothing => a_zero A
  | Token t rest => a_fma A (x t) (y t) (tree_value A x y rest)
  | Merge one other => a_add A (tree_value A x y one) (tree_value A x y other)
  end.

(** The tokens of a sum. *)
Fixpoint summed_tokens (s : summation) : list nat :=
  match s with
  | Nothing => []
  | Token t rest => t :: summed_tokens rest
  | Merge one other => summed_tokens one ++ summed_tokens other
  end.

(** Each of the first m tokens is in it once. *)
Definition sums_tokens (m : nat) (s : summation) : Prop := Permutation (summed_tokens s) (seq 0 m).

(** The most roundings that a token goes through. *)
Fixpoint roundings (s : summation) : nat :=
  match s with
  | Nothing => 0
  | Token _ rest => S (roundings rest)
  | Merge one other => S (Nat.max (roundings one) (roundings other))
  end.

(** No merged part is empty. *)
Fixpoint no_empty_part (s : summation) : Prop :=
  match s with
  | Nothing => True
  | Token _ rest => no_empty_part rest
  | Merge one other =>
      summed_tokens one <> [] /\ summed_tokens other <> []
      /\ no_empty_part one /\ no_empty_part other
  end.

(** Then there are at most as many roundings as tokens. *)
Theorem roundings_tokens s : no_empty_part s -> (roundings s <= length (summed_tokens s))%nat.
Proof.
induction s as [|t rest IH|one IHl other IHr]; simpl; [lia|intros full; specialize (IH full); lia|].
intros [some_left [some_right [full_left full_right]]]; rewrite app_length.
specialize (IHl full_left); specialize (IHr full_right).
destruct (summed_tokens one); [contradiction|destruct (summed_tokens other); [contradiction|]].
simpl in *; lia.
Qed.

(** So there are for a sum of all tokens. *)
Theorem roundings_sums m s : sums_tokens m s -> no_empty_part s -> (roundings s <= m)%nat.
Proof.
intros all full; assert (count := Permutation_length all); rewrite seq_length in count.
rewrite <- count; apply roundings_tokens; exact full.
Qed.

(** The sum of a function over a list of tokens. *)
Definition token_sum (f : nat -> R) (l : list nat) : R := fold_right (fun t s => f t + s) 0 l.

(** Over two lists. *)
Lemma token_sum_app f l l' : token_sum f (l ++ l') = token_sum f l + token_sum f l'.
Proof. unfold token_sum; induction l as [|t l IH]; simpl; [|rewrite IH]; lra. Qed.

(** It does not depend on the order. *)
Lemma token_sum_permutation f l l' : Permutation l l' -> token_sum f l = token_sum f l'.
Proof. unfold token_sum; induction 1; simpl; lra. Qed.

(** Over the first m tokens. *)
Lemma token_sum_seq f m : token_sum f (seq 0 m) = bsum m f.
Proof.
induction m as [|m IH]; [reflexivity|].
rewrite seq_S, token_sum_app, IH; simpl; lra.
Qed.

(** A sum of absolute values is nonnegative, *)
Lemma token_sum_ge0 f l : 0 <= token_sum (fun t => Rabs (f t)) l.
Proof.
unfold token_sum; induction l as [|t l IH]; simpl; [lra|].
assert (pos := Rabs_pos (f t)); lra.
Qed.

(** and bounds the sum. *)
Lemma token_sum_abs f l : Rabs (token_sum f l) <= token_sum (fun t => Rabs (f t)) l.
Proof.
unfold token_sum; induction l as [|t l IH]; simpl; [rewrite Rabs_R0; lra|].
eapply Rle_trans; [apply Rabs_triang|lra].
Qed.

Section Error.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Variable e : Z.
Hypothesis above : (emin <= e)%Z.
Variables x y : nat -> R.
Notation value := (tree_value A x y).
Notation exact s := (token_sum (fun t => x t * y t) (summed_tokens s)).
Notation size s := (token_sum (fun t => Rabs (x t * y t)) (summed_tokens s)).

(** A sum of multiples of 2^e is one. *)
Lemma tree_multiple s : (forall t, In t (summed_tokens s) -> multiple e (x t * y t)) ->
  multiple e (value s).
Proof.
induction s as [|t rest IH|one IHl other IHr]; simpl; intros grid.
- apply multiple_0.
- apply rnd_multiple; [exact above|].
  apply multiple_plus; [apply grid; left; reflexivity|].
  apply IH; intros; apply grid; right; assumption.
- apply rnd_multiple; [exact above|].
  apply multiple_plus; [apply IHl|apply IHr]; intros; apply grid, in_or_app; auto.
Qed.

(** The error of a sum, products being multiples of 2^e, so that nothing underflows. *)
Theorem tree_error s : (forall t, In t (summed_tokens s) -> multiple e (x t * y t)) ->
  Rabs (value s - exact s) <= gam u (roundings s) * size s.
Proof.
assert (upos := uro_ge0 prec).
assert (one_more : forall k part v whole, 0 <= part -> Rabs (v - whole) <= gam u k * part ->
  Rabs whole <= part -> forall r, Rabs (r - v) <= u * Rabs v ->
  Rabs (r - whole) <= gam u (S k) * part).
{ intros k part v whole pos near small r rounded.
  assert (large : Rabs v <= Rabs (v - whole) + Rabs whole).
  { replace v with (v - whole + whole) at 1 by ring; apply Rabs_triang. }
  assert (two : Rabs (r - whole) <= Rabs (r - v) + Rabs (v - whole)).
  { replace (r - whole) with (r - v + (v - whole)) by ring; apply Rabs_triang. }
  assert (scaled : u * Rabs v <= u * (gam u k * part + part))
    by (apply Rmult_le_compat_l; lra).
  rewrite <- gam_step; lra. }
induction s as [|t rest IH|one IHl other IHr]; cbn [summed_tokens roundings tree_value];
  intros grid.
- simpl; rewrite Rminus_0_r, Rabs_R0; lra.
- assert (inner : forall i, In i (summed_tokens rest) -> multiple e (x i * y i))
    by (intros; apply grid; right; assumption).
  specialize (IH inner); unfold token_sum in *; cbn [fold_right].
  apply (one_more _ _ (x t * y t + value rest)).
  + apply Rplus_le_le_0_compat; [apply Rabs_pos|apply token_sum_ge0].
  + match goal with |- Rabs (?p + ?v - (?p + ?w)) <= _ =>
      replace (p + v - (p + w)) with (v - w) by ring end.
    eapply Rle_trans; [exact IH|].
    apply Rmult_le_compat_l; [apply gam_ge0; exact upos|].
    assert (pos := Rabs_pos (x t * y t)); lra.
  + eapply Rle_trans; [apply Rabs_triang|].
    apply Rplus_le_compat_l, token_sum_abs.
  + apply (rnd_error_multiple emin prec e); [exact above|].
    apply multiple_plus; [apply grid; left; reflexivity|apply tree_multiple; exact inner].
- assert (inl : forall i, In i (summed_tokens one) -> multiple e (x i * y i))
    by (intros; apply grid, in_or_app; auto).
  assert (inr : forall i, In i (summed_tokens other) -> multiple e (x i * y i))
    by (intros; apply grid, in_or_app; auto).
  specialize (IHl inl); specialize (IHr inr); rewrite !token_sum_app.
  assert (posl := token_sum_ge0 (fun t => x t * y t) (summed_tokens one)).
  assert (posr := token_sum_ge0 (fun t => x t * y t) (summed_tokens other)).
  apply (one_more _ _ (value one + value other)); [lra| | |].
  + match goal with |- Rabs (?a + ?b - (?c + ?d)) <= _ =>
      replace (a + b - (c + d)) with (a - c + (b - d)) by ring end.
    eapply Rle_trans; [apply Rabs_triang|].
    assert (widen : forall k p, 0 <= p -> (k <= Nat.max (roundings one) (roundings other))%nat ->
      gam u k * p <= gam u (Nat.max (roundings one) (roundings other)) * p)
      by (intros; apply Rmult_le_compat_r; [assumption|apply gam_mono; assumption]).
    assert (wl := widen _ _ posl (Nat.le_max_l _ _)).
    assert (wr := widen _ _ posr (Nat.le_max_r _ _)); lra.
  + eapply Rle_trans; [apply Rabs_triang|apply Rplus_le_compat; apply token_sum_abs].
  + apply (rnd_error_multiple emin prec e); [exact above|].
    apply multiple_plus; apply tree_multiple; assumption.
Qed.

End Error.

(** On IEEE data a finite sum has the value of the real model. *)
Theorem tree_finite prec emax {prec_pos : Prec_gt_0 prec} {range : Prec_lt_emax prec emax}
    (nans : nan_choice prec emax) x y s :
  is_finite prec emax (tree_value (float_arith nans) x y s) = true ->
  B2R prec emax (tree_value (float_arith nans) x y s)
  = tree_value (real_arith (3 - emax - prec) prec) (fun t => B2R prec emax (x t))
      (fun t => B2R prec emax (y t)) s.
Proof.
induction s as [|t rest IH|one IHl other IHr]; cbn [tree_value]; intros finite.
- reflexivity.
- destruct (fma_finite prec emax nans _ _ _ finite) as [_ [_ [inner value]]].
  rewrite value, (IH inner); reflexivity.
- destruct (add_finite prec emax nans _ _ finite) as [inl [inr value]].
  rewrite value, (IHl inl), (IHr inr); reflexivity.
Qed.

(** The order inside a chunk: tokens first .. first + m - 1, one after the other. *)
Fixpoint chain_tree (first m : nat) : summation :=
  match m with O => Nothing | S k => Token (first + k) (chain_tree first k) end.

(** The sum of the chain is the chain's. *)
Lemma chain_tree_value {T : Type} (A : arith T) x y m :
  tree_value A x y (chain_tree 0 m) = fma_chain A m x y (a_zero A).
Proof. induction m as [|m IH]; simpl; [reflexivity|rewrite IH; reflexivity]. Qed.

(** Its tokens. *)
Lemma chain_tree_tokens first m : Permutation (summed_tokens (chain_tree first m)) (seq first m).
Proof.
induction m as [|m IH]; [apply Permutation_refl|].
rewrite seq_S; cbn [chain_tree summed_tokens].
eapply Permutation_trans; [apply perm_skip; exact IH|apply Permutation_cons_append].
Qed.

(** Its roundings. *)
Lemma chain_tree_roundings first m : roundings (chain_tree first m) = m.
Proof. induction m as [|m IH]; simpl; [|rewrite IH]; reflexivity. Qed.

(** The same chain, over the tokens from [first] on as whoever holds only these counts them. *)
Lemma chain_tree_shifted {T : Type} (A : arith T) x y first m :
  tree_value A x y (chain_tree first m)
  = fma_chain A m (fun t => x (first + t)%nat) (fun t => y (first + t)%nat) (a_zero A).
Proof. induction m as [|m IH]; simpl; [reflexivity|rewrite IH; reflexivity]. Qed.

(** Sums of chunks of c tokens, added one after the other. *)
Fixpoint whole_chunks (c chunks : nat) : summation :=
  match chunks with
  | O => Nothing
  | S O => chain_tree 0 c
  | S k => Merge (whole_chunks c k) (chain_tree (k * c) c)
  end.

(** The order of the product: m tokens in chunks of c, of which the last may have fewer. *)
Definition in_chunks (c m : nat) : summation :=
  match (m / c)%nat, (m mod c)%nat with
  | whole, O => whole_chunks c whole
  | O, rest => chain_tree 0 rest
  | whole, rest => Merge (whole_chunks c whole) (chain_tree (whole * c) rest)
  end.

(** Through how many roundings a token goes: those of its chunk, and one for each further chunk. *)
Definition chunk_roundings (c m : nat) : nat := (Nat.min m c + (m - 1) / c)%nat.

(** All tokens, *)
Lemma whole_chunks_tokens c chunks : sums_tokens (chunks * c) (whole_chunks c chunks).
Proof.
unfold sums_tokens; induction chunks as [|chunks IH]; [apply Permutation_refl|].
destruct chunks as [|chunks]; [simpl; rewrite Nat.add_0_r; apply chain_tree_tokens|].
replace (S (S chunks) * c)%nat with (S chunks * c + c)%nat by lia.
rewrite seq_app; change (whole_chunks c (S (S chunks)))
  with (Merge (whole_chunks c (S chunks)) (chain_tree (S chunks * c) c)).
cbn [summed_tokens]; apply Permutation_app; [exact IH|apply chain_tree_tokens].
Qed.

(** each through the roundings of its chunk and of the sum of the chunks. *)
Lemma whole_chunks_roundings c chunks : (0 < chunks)%nat ->
  (roundings (whole_chunks c chunks) <= c + (chunks - 1))%nat.
Proof.
induction chunks as [|chunks IH]; [lia|intros _].
destruct chunks as [|chunks]; [simpl; rewrite chain_tree_roundings; lia|].
change (whole_chunks c (S (S chunks)))
  with (Merge (whole_chunks c (S chunks)) (chain_tree (S chunks * c) c)).
cbn [roundings]; rewrite chain_tree_roundings; specialize (IH ltac:(lia)); lia.
Qed.

(** One chunk is a chain. *)
Theorem in_chunks_one c m : (m <= c)%nat -> in_chunks c m = chain_tree 0 m.
Proof.
intros few; unfold in_chunks; destruct (Nat.eq_dec c 0) as [none|some].
- replace m with 0%nat by lia; subst c; reflexivity.
- destruct (Nat.eq_dec m c) as [full|less].
  + subst m; rewrite Nat.div_same, Nat.mod_same by exact some; reflexivity.
  + rewrite Nat.div_small, Nat.mod_small by lia; destruct m; reflexivity.
Qed.

(** The next chunk, full or not, is merged with all before it. *)
Theorem in_chunks_next c p r : (0 < p)%nat -> (0 < r <= c)%nat ->
  in_chunks c (p * c + r) = Merge (in_chunks c (p * c)) (chain_tree (p * c) r).
Proof.
intros some rest; unfold in_chunks; rewrite Nat.div_mul, Nat.mod_mul by lia.
destruct (Nat.eq_dec r c) as [full|less].
- subst r; replace (p * c + c)%nat with (S p * c)%nat by lia.
  rewrite Nat.div_mul, Nat.mod_mul by lia; destruct p; [lia|reflexivity].
- rewrite (Nat.add_comm (p * c) r), Nat.div_add, Nat.mod_add by lia.
  rewrite Nat.div_small, Nat.mod_small, Nat.add_0_l by lia.
  destruct r; [lia|destruct p; [lia|reflexivity]].
Qed.

(** A number of tokens is that of one chunk, or of some whole chunks and a rest that is not empty. *)
Lemma chunks_cases c m : (0 < c)%nat -> (m <= c)%nat
  \/ exists p r, (0 < p)%nat /\ (0 < r <= c)%nat /\ m = (p * c + r)%nat.
Proof.
intros some; destruct (le_lt_dec m c) as [few|more]; [left; exact few|right].
exists ((m - 1) / c)%nat, (S ((m - 1) mod c))%nat.
assert (low := Nat.mod_upper_bound (m - 1) c ltac:(lia)).
assert (parts := Nat.div_mod (m - 1) c ltac:(lia)).
split; [apply Nat.div_str_pos; lia|split; lia].
Qed.

(** All tokens, *)
Theorem in_chunks_tokens c m : (0 < c)%nat -> sums_tokens m (in_chunks c m).
Proof.
intros some; destruct (chunks_cases c m some) as [few|[p [r [chunks [rest tokens]]]]].
- rewrite in_chunks_one by exact few; apply chain_tree_tokens.
- subst m; rewrite in_chunks_next by assumption; unfold sums_tokens, in_chunks.
  rewrite Nat.div_mul, Nat.mod_mul, seq_app by lia; cbn [summed_tokens].
  apply Permutation_app; [|apply chain_tree_tokens].
  destruct p; [lia|apply whole_chunks_tokens].
Qed.

(** and roundings: c + ceil(m / c) - 1 where there is more than one chunk. *)
Theorem in_chunks_roundings c m : (0 < c)%nat ->
  (roundings (in_chunks c m) <= chunk_roundings c m)%nat.
Proof.
intros some; destruct (chunks_cases c m some) as [few|[p [r [chunks [rest tokens]]]]].
- rewrite in_chunks_one, chain_tree_roundings by exact few; unfold chunk_roundings; lia.
- subst m; rewrite in_chunks_next by assumption; unfold chunk_roundings, in_chunks.
  replace (p * c + r - 1)%nat with (r - 1 + p * c)%nat by lia.
  rewrite Nat.div_mul, Nat.mod_mul, Nat.div_add, (Nat.div_small (r - 1)) by lia.
  cbn [roundings]; rewrite chain_tree_roundings.
  assert (whole := whole_chunks_roundings c p chunks).
  assert (full : (1 * c <= p * c)%nat) by (apply Nat.mul_le_mono_r; lia).
  destruct p; lia.
Qed.
