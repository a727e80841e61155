(** * The measure of a matrix bounded entry by entry

    Purpose: the size sum |e_i| a_i in which the residual of a factorization is measured, and the
      two ways to clear an additive term from an entrywise bound c a_i a_j.
    Main results: [weighted_square], [absorb_constant] (into the diagonal), [absorb_diagonal]
      (into the factor).
    Bound functions: [weighted_size].
    Depends on: Gptq/Sums, Gptq/Matrix.
    Source: this project. *)
From Coq Require Import Reals Lia Lra Psatz.
From Hallmark.Gptq Require Import Sums Matrix.
Open Scope R_scope.

(** The sum of |v_i| a_i. *)
Definition weighted_size (n : nat) (a v : vec) : R := bsum n (fun i => Rabs (v i) * a i).

(** The square roots of a diagonal. *)
Definition root_diagonal (M : mat) : vec := fun i => sqrt (M i i).

(** The weighted sum of squares is at most the square of the weighted sum. *)
Lemma weighted_square n a v : (forall i, (i < n)%nat -> 0 <= a i) ->
  bsum n (fun i => a i ^ 2 * v i ^ 2) <= weighted_size n a v ^ 2.
Proof.
intros pos; unfold weighted_size; induction n as [|n IH]; cbn [bsum]; [simpl; lra|].
assert (before : bsum n (fun i => a i ^ 2 * v i ^ 2) <= bsum n (fun i => Rabs (v i) * a i) ^ 2)
  by (apply IH; intros; apply pos; lia).
set (S := bsum n (fun i => Rabs (v i) * a i)) in *.
assert (S_pos : 0 <= S)
  by (apply bsum_ge0; intros; apply Rmult_le_pos; [apply Rabs_pos|apply pos; lia]).
assert (last : 0 <= Rabs (v n) * a n)
  by (apply Rmult_le_pos; [apply Rabs_pos|apply pos; lia]).
rewrite <- (pow2_abs (v n)).
replace (a n ^ 2 * Rabs (v n) ^ 2) with ((Rabs (v n) * a n) ^ 2) by ring.
nra.
Qed.

(** An additive term at most g s is absorbed by raising both diagonal entries by s. *)
Lemma absorb_constant g s w a b : 0 <= g -> 0 <= s -> 0 <= a -> 0 <= b -> w <= g * s ->
  g * (sqrt a * sqrt b) + w <= g * (sqrt (a + s) * sqrt (b + s)).
Proof.
intros gpos spos apos bpos small.
assert (root : sqrt a * sqrt b + s <= sqrt (a + s) * sqrt (b + s)).
{ rewrite <- !sqrt_mult by lra.
  assert (product := sqrt_pos (a * b)).
  rewrite <- (sqrt_Rsqr (sqrt (a * b) + s)) by lra; apply sqrt_le_1_alt; unfold Rsqr.
  assert (same : sqrt (a * b) * sqrt (a * b) = a * b) by (apply sqrt_sqrt; nra).
  assert (mean : 2 * sqrt (a * b) <= a + b).
  { rewrite sqrt_mult by assumption.
    assert (ra := sqrt_sqrt a apos); assert (rb := sqrt_sqrt b bpos).
    assert (square : 0 <= (sqrt a - sqrt b) ^ 2) by apply pow2_ge_0; nra. }
  nra. }
nra.
Qed.

(** A raise of at most the fraction [r] of both entries costs the factor 1 + r. *)
Lemma absorb_diagonal t r a b : 0 <= r -> 0 <= a -> 0 <= b -> 0 <= t -> t <= r * a -> t <= r * b ->
  sqrt (a + t) * sqrt (b + t) <= (1 + r) * (sqrt a * sqrt b).
Proof.
intros rpos apos bpos tpos smalla smallb.
apply Rle_trans with (sqrt ((1 + r) * a) * sqrt ((1 + r) * b)).
- apply Rmult_le_compat; try apply sqrt_pos; apply sqrt_le_1_alt; lra.
- rewrite !sqrt_mult by lra; apply Req_le.
  replace (sqrt (1 + r) * sqrt a * (sqrt (1 + r) * sqrt b))
    with (sqrt (1 + r) * sqrt (1 + r) * (sqrt a * sqrt b)) by ring.
  rewrite sqrt_sqrt by lra; reflexivity.
Qed.
