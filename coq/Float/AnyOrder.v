(** * The promise on activations, for a Gram matrix summed in any order

    Purpose: the guard compares losses in the stored Gram matrix G.  What follows for the losses on
      the activations X themselves holds however G was summed: entry by entry a tree of sums
      ([SummationTree]), its own for each entry, merged parts included.
    Main results: [any_order_entry] (T11 b for trees), [any_order_gram_bound] (|G_ij| against the
      diagonal), [any_order_form] (the loss on X against that in G), [any_order_kept] (the
      comparison carries over, up to the sums' rounding), the same in binary64 in closed form
      ([kept_binary64], [gram_bound_binary64]) and on IEEE data ([kept_ieee]); the order of the
      product ([order_chunks], [order_next_chunk], [chunks_binary64]).
    Bound functions: [gam], [uro], [order_slack] ((k + 1) 2^-53), [weighted_size].
    Depends on: Gptq/MatrixFacts, [SummationTree], [GramError], [FactorClosed], [Residual].
    Source: this project. *)
From Coq Require Import ZArith Reals List Permutation Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence GramError.
From Hallmark.Float Require Import Residual FactorClosed Machine SummationTree.
Open Scope R_scope.

(** The Gram matrix that the trees sum. *)
Definition gram_tree {T : Type} (A : arith T) (X : nat -> nat -> T) (S : nat -> nat -> summation)
    (a b : nat) : T := tree_value A (X a) (X b) (S a b).

(** The trees sum each of the m tokens once, through at most k roundings. *)
Definition sums_all (n m k : nat) (S : nat -> nat -> summation) : Prop :=
  forall a b, (a < n)%nat -> (b < n)%nat ->
  sums_tokens m (S a b) /\ (roundings (S a b) <= k)%nat.

(** The slack of sums through k roundings, relative to the diagonal of G: (k + 1) 2^-53. *)
Definition order_slack (k : nat) : R := (INR k + 1) * bpow radix2 (-53).

(** One token after the other. *)
Theorem order_chain T (A : arith T) n m X :
  (forall a b, gram_float A m X a b = gram_tree A X (fun _ _ => chain_tree 0 m) a b)
  /\ sums_all n m m (fun _ _ => chain_tree 0 m).
Proof.
split; [intros; symmetry; apply chain_tree_value|].
intros a b _ _; split; [apply chain_tree_tokens|rewrite chain_tree_roundings; lia].
Qed.

(** Chunks of c tokens, and their sums one after the other; one chunk is summed as before. *)
Theorem order_chunks T (A : arith T) n c m X : (0 < c)%nat ->
  sums_all n m (chunk_roundings c m) (fun _ _ => in_chunks c m)
  /\ ((m <= c)%nat -> forall a b,
    gram_tree A X (fun _ _ => in_chunks c m) a b = gram_float A m X a b).
Proof.
intros some; split.
- intros a b _ _; split; [apply in_chunks_tokens; exact some|apply in_chunks_roundings; exact some].
- intros few a b; unfold gram_tree; rewrite in_chunks_one by exact few; apply chain_tree_value.
Qed.

(** Whoever holds the tokens of one chunk sums them alone; the chunk is added to those before it. *)
Theorem order_next_chunk T (A : arith T) c p r X a b : (0 < p)%nat -> (0 < r <= c)%nat ->
  gram_tree A X (fun _ _ => in_chunks c (p * c + r)) a b
  = a_add A (gram_tree A X (fun _ _ => in_chunks c (p * c)) a b)
      (gram_float A r (fun i t => X i (p * c + t)%nat) a b).
Proof.
intros some rest; unfold gram_tree; rewrite in_chunks_next by assumption.
cbn [tree_value]; rewrite chain_tree_shifted; reflexivity.
Qed.

Section AnyOrder.

(** In any format: the activations are multiples of 2^e and their products do not underflow. *)
Variables emin prec e : Z.
Context {prec_pos : Prec_gt_0 prec}.
Hypothesis above : (emin <= e + e)%Z.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Variables (n m k : nat) (X : mat) (S : nat -> nat -> summation).
Hypothesis grid : forall a t, (a < n)%nat -> (t < m)%nat -> multiple e (X a t).
Hypothesis order : sums_all n m k S.
Notation G := (gram_tree A X S).
Notation c := (gam u k).

(** T11 (b) for one entry. *)
Theorem any_order_entry a b : (a < n)%nat -> (b < n)%nat ->
  Rabs (G a b - gram m X a b) <= c * gram_size m X a b.
Proof.
intros abelow bbelow; destruct (order a b abelow bbelow) as [all deep].
assert (error := tree_error emin prec (e + e) above (X a) (X b) (S a b)).
unfold sums_tokens in all.
rewrite !(token_sum_permutation _ _ _ all), !token_sum_seq in error.
assert (size : bsum m (fun t => Rabs (X a t * X b t)) = gram_size m X a b)
  by (apply bsum_ext; intros; apply Rabs_mult).
rewrite size in error; eapply Rle_trans; [apply error|].
- intros t inside; assert (below : (t < m)%nat).
  { apply (Permutation_in _ all) in inside; apply in_seq in inside; lia. }
  apply multiple_mult; apply grid; assumption.
- apply Rmult_le_compat_r; [|apply gam_mono; [apply uro_ge0|exact deep]].
  apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos.
Qed.

(** Relative to the exact diagonal. *)
Lemma any_order_diagonal a b : (a < n)%nat -> (b < n)%nat ->
  Rabs (G a b - gram m X a b) <= c * (sqrt (gram m X a a) * sqrt (gram m X b b)).
Proof.
intros abelow bbelow; eapply Rle_trans; [apply any_order_entry; assumption|].
apply Rmult_le_compat_l; [apply gam_ge0, uro_ge0|apply gram_size_diagonal].
Qed.

Hypothesis small : c < 1.

(** The exact diagonal against the summed one. *)
Lemma any_order_root a : (a < n)%nat ->
  (1 - c) * gram m X a a <= G a a /\ 0 <= gram m X a a.
Proof.
intros below; assert (pos : 0 <= gram m X a a)
  by (apply bsum_ge0; intros t _; cbv beta; nra).
split; [|exact pos].
assert (close := any_order_diagonal a a below below); rewrite sqrt_sqrt in close by exact pos.
apply Rabs_le_inv in close; lra.
Qed.

(** The geometric mean of two exact diagonal entries against that of the summed ones. *)
Lemma any_order_roots a b : (a < n)%nat -> (b < n)%nat ->
  (1 - c) * (sqrt (gram m X a a) * sqrt (gram m X b b)) <= sqrt (G a a) * sqrt (G b b).
Proof.
intros abelow bbelow.
destruct (any_order_root a abelow) as [lowa posa].
destruct (any_order_root b bbelow) as [lowb posb].
apply Rle_trans with (sqrt ((1 - c) * gram m X a a) * sqrt ((1 - c) * gram m X b b)).
- rewrite !sqrt_mult by lra; apply Req_le.
  replace (sqrt (1 - c) * sqrt (gram m X a a) * (sqrt (1 - c) * sqrt (gram m X b b)))
    with (sqrt (1 - c) * sqrt (1 - c) * (sqrt (gram m X a a) * sqrt (gram m X b b))) by ring.
  rewrite sqrt_sqrt by lra; reflexivity.
- apply Rmult_le_compat; [apply sqrt_pos|apply sqrt_pos| |]; apply sqrt_le_1_alt; assumption.
Qed.

(** A summed entry is off by little relative to the summed diagonal. *)
Lemma any_order_relative a b : (a < n)%nat -> (b < n)%nat ->
  Rabs (gram m X a b - G a b) <= c / (1 - c) * (sqrt (G a a) * sqrt (G b b)).
Proof.
intros abelow bbelow; rewrite Rabs_minus_sym.
eapply Rle_trans; [apply any_order_diagonal; assumption|].
assert (roots := any_order_roots a b abelow bbelow).
assert (cpos := gam_ge0 u (uro_ge0 prec) k).
apply Rmult_le_reg_l with (1 - c); [lra|].
replace ((1 - c) * (c / (1 - c) * (sqrt (G a a) * sqrt (G b b))))
  with (c * (sqrt (G a a) * sqrt (G b b))) by (field; lra).
replace ((1 - c) * (c * (sqrt (gram m X a a) * sqrt (gram m X b b))))
  with (c * ((1 - c) * (sqrt (gram m X a a) * sqrt (gram m X b b)))) by ring.
apply Rmult_le_compat_l; assumption.
Qed.

(** Cauchy and Schwarz, rounded. *)
Theorem any_order_gram_bound a b : (a < n)%nat -> (b < n)%nat ->
  Rabs (G a b) <= (1 + 2 * (c / (1 - c))) * (sqrt (G a a) * sqrt (G b b)).
Proof.
intros abelow bbelow; assert (near := any_order_relative a b abelow bbelow).
assert (roots := any_order_roots a b abelow bbelow).
assert (cpos := gam_ge0 u (uro_ge0 prec) k).
assert (exact : Rabs (gram m X a b) <= sqrt (gram m X a a) * sqrt (gram m X b b)).
{ eapply Rle_trans; [|apply gram_size_diagonal]; unfold gram, gram_size.
  eapply Rle_trans; [apply bsum_abs|apply Req_le, bsum_ext; intros; apply Rabs_mult]. }
assert (split : Rabs (G a b) <= Rabs (gram m X a b) + Rabs (gram m X a b - G a b)).
{ replace (G a b) with (gram m X a b + - (gram m X a b - G a b)) at 1 by ring.
  eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_Ropp; apply Rle_refl]. }
set (P := sqrt (gram m X a a) * sqrt (gram m X b b)) in *.
set (Q := sqrt (G a a) * sqrt (G b b)) in *.
assert (quotient : P <= (1 + c / (1 - c)) * Q).
{ replace (1 + c / (1 - c)) with (/ (1 - c)) by (field; lra).
  apply Rmult_le_reg_l with (1 - c); [lra|].
  rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra; exact roots. }
lra.
Qed.

(** The loss on the activations against the loss in G. *)
Theorem any_order_form v :
  Rabs (loss n m X v - qform n G v) <= c / (1 - c) * weighted_size n (root_diagonal G) v ^ 2.
Proof.
rewrite loss_gram, <- qform_sub.
apply (qform_residual_le n _ _ (root_diagonal G) v); exact any_order_relative.
Qed.

(** Codes that lose no more in G lose hardly more on the activations. *)
Theorem any_order_kept q r : qform n G q <= qform n G r ->
  loss n m X q <= loss n m X r + c / (1 - c)
    * (weighted_size n (root_diagonal G) q ^ 2 + weighted_size n (root_diagonal G) r ^ 2).
Proof.
intros kept; assert (formq := any_order_form q); assert (formr := any_order_form r).
apply Rabs_le_inv in formq; apply Rabs_le_inv in formr; lra.
Qed.

End AnyOrder.

(** The closed form of the constant in binary64. *)
Lemma order_slack_closed k : (Z.of_nat k <= 2 ^ 24)%Z ->
  gam (uro 53) k < 1 /\ gam (uro 53) k / (1 - gam (uro 53) k) <= order_slack k.
Proof.
intros few; destruct k as [|k].
- rewrite gam_0; split; [lra|].
  unfold order_slack; simpl; lra.
- assert (some : (0 < S k)%nat) by lia.
  destruct (growth_range (S k) some few) as [upos [above [small square]]].
  destruct (growth_up_small (S k) some few) as [grown quarter].
  assert (cpos := gam_ge0 (uro 53) (Rlt_le _ _ upos) (S k)).
  split; [lra|].
  set (u := uro 53) in *; set (x := INR (S k) * u) in *; set (c := gam u (S k)) in *.
  assert (closed : c <= x * (1 + x)) by (unfold gam_up in grown; fold x in grown; exact grown).
  apply Rmult_le_reg_r with (1 - c); [lra|].
  replace (c / (1 - c) * (1 - c)) with c by (field; lra).
  unfold order_slack; change (bpow radix2 (-53)) with u.
  replace ((INR (S k) + 1) * u) with (x + u) by (unfold x; ring).
  simpl bpow in small.
  assert (cs : (x + u) * c <= (x + u) * (x * (1 + x))) by (apply Rmult_le_compat_l; lra).
  assert (cube : x * (x * x) <= / 1000 * (x * x)) by (apply Rmult_le_compat_r; nra).
  assert (ux : u * x <= u * / 1000) by (apply Rmult_le_compat_l; lra).
  assert (uxx : u * (x * x) <= u * / 1000) by (apply Rmult_le_compat_l; nra).
  lra.
Qed.

Section Binary64.

(** Binary32 activations, binary64 sums. *)
Variables (n m k : nat) (X : mat) (S : nat -> nat -> summation).
Hypothesis entries : binary32_entries n m X.
Hypothesis order : sums_all n m k S.
Hypothesis few : (Z.of_nat k <= 2 ^ 24)%Z.
Notation G := (gram_tree real64 X S).

(** Binary32 numbers are multiples of 2^-149. *)
Lemma binary32_grid a t : (a < n)%nat -> (t < m)%nat -> multiple (-149) (X a t).
Proof. intros; apply (multiple_of_format (-149) 24); apply entries; assumption. Qed.

(** T18. *)
Theorem kept_binary64 q r : qform n G q <= qform n G r ->
  loss n m X q <= loss n m X r + order_slack k
    * (weighted_size n (root_diagonal G) q ^ 2 + weighted_size n (root_diagonal G) r ^ 2).
Proof.
intros kept; destruct (order_slack_closed k few) as [small closed].
eapply Rle_trans; [exact (any_order_kept (-1074) 53 (-149) ltac:(lia) n m k X S
  binary32_grid order small q r kept)|].
apply Rplus_le_compat_l, Rmult_le_compat_r; [|exact closed].
apply Rplus_le_le_0_compat; apply pow2_ge_0.
Qed.

(** The rounded inequality of Cauchy and Schwarz. *)
Theorem gram_bound_binary64 a b : (a < n)%nat -> (b < n)%nat ->
  Rabs (G a b) <= (1 + 2 * order_slack k) * (sqrt (G a a) * sqrt (G b b)).
Proof.
intros abelow bbelow; destruct (order_slack_closed k few) as [small closed].
eapply Rle_trans; [exact (any_order_gram_bound (-1074) 53 (-149) ltac:(lia) n m k X S
  binary32_grid order small a b abelow bbelow)|].
apply Rmult_le_compat_r; [apply Rmult_le_pos; apply sqrt_pos|lra].
Qed.

End Binary64.

(** T11 (b) for one entry, in the order of the product: chunks of c tokens. *)
Theorem chunks_binary64 n m X c a b : binary32_entries n m X ->
  (0 < c)%nat -> (a < n)%nat -> (b < n)%nat ->
  Rabs (gram_tree real64 X (fun _ _ => in_chunks c m) a b - gram m X a b)
  <= gam (uro 53) (chunk_roundings c m) * gram_size m X a b.
Proof.
intros entries some; apply (any_order_entry (-1074) 53 (-149) ltac:(lia) n);
  [exact (binary32_grid n m X entries)|].
exact (proj1 (order_chunks R real64 n c m X some)).
Qed.

(** T18 on IEEE data: every entry of G finite. *)
Theorem kept_ieee (nans : nan_choice 53 1024) n m k X S G q r :
  let value := B2R 53 1024 in
  let rX := fun i t => value (X i t) in let rG := fun i j => value (G i j) in
  (forall i j, (i < n)%nat -> (j < n)%nat ->
    G i j = gram_tree (float_arith nans) X S i j /\ is_finite 53 1024 (G i j) = true) ->
  binary32_entries n m rX -> sums_all n m k S -> (Z.of_nat k <= 2 ^ 24)%Z ->
  qform n rG q <= qform n rG r ->
  loss n m rX q <= loss n m rX r + order_slack k
    * (weighted_size n (root_diagonal rG) q ^ 2 + weighted_size n (root_diagonal rG) r ^ 2).
Proof.
intros value rX rG summed entries order few kept.
assert (same : forall i j, (i < n)%nat -> (j < n)%nat -> rG i j = gram_tree real64 rX S i j).
{ intros i j ibelow jbelow; destruct (summed i j ibelow jbelow) as [made finite]; unfold rG.
  rewrite made in finite |- *.
  exact (tree_finite 53 1024 nans (X i) (X j) (S i j) finite). }
assert (form : forall v, qform n rG v = qform n (gram_tree real64 rX S) v)
  by (intros v; apply bsum_ext; intros i ib; apply bsum_ext; intros j jb;
      rewrite same by assumption; reflexivity).
assert (size : forall v, weighted_size n (root_diagonal rG) v
    = weighted_size n (root_diagonal (gram_tree real64 rX S)) v)
  by (intros v; apply bsum_ext; intros i ib; unfold root_diagonal; rewrite same by exact ib;
      reflexivity).
rewrite !form in kept; rewrite !size; exact (kept_binary64 n m k rX S entries order few q r kept).
Qed.
