(** * Sums in reversed order and the Cauchy-Schwarz inequality

    Purpose: two facts about finite sums that the error analysis of the factorization needs.
    Main results: [bsum_reverse_tail] (the last p terms, taken from the end), [cauchy_schwarz],
      [cauchy_schwarz_sqrt], [cauchy_schwarz_abs].
    Depends on: Gptq/Sums.
    Source: elementary. *)
From Coq Require Import Reals Lia Lra Psatz.
From Hallmark.Gptq Require Import Sums.
Open Scope R_scope.

(** A sum is its first n - p terms and its last p terms, the latter from the end. *)
Lemma bsum_reverse_tail n p f : (p <= n)%nat ->
  bsum n f = bsum (n - p) f + bsum p (fun m => f (n - 1 - m)%nat).
Proof.
induction p as [|p IH]; intros below.
- rewrite Nat.sub_0_r; simpl; ring.
- rewrite IH by lia; simpl bsum.
  replace (n - p)%nat with (S (n - S p)) by lia; simpl bsum.
  replace (n - 1 - p)%nat with (n - S p)%nat by lia; ring.
Qed.

(** A sum that vanishes below [j] is its term [j] and the later terms taken from the end. *)
Lemma bsum_pivot n j f : (j < n)%nat -> (forall k, (k < j)%nat -> f k = 0) ->
  bsum n f = f j + bsum (n - 1 - j) (fun m => f (n - 1 - m)%nat).
Proof.
intros below zero; rewrite (bsum_reverse_tail n (n - 1 - j)) by lia.
replace (n - (n - 1 - j))%nat with (S j) by lia; simpl bsum.
rewrite (bsum_0 j) by exact zero; ring.
Qed.

(** The Cauchy-Schwarz inequality, squared. *)
Lemma cauchy_schwarz n f g :
  bsum n (fun k => f k * g k) ^ 2 <= bsum n (fun k => f k ^ 2) * bsum n (fun k => g k ^ 2).
Proof.
induction n as [|n IH]; [simpl; lra|]; cbn [bsum].
set (p := bsum n (fun k => f k * g k)) in *.
set (a := bsum n (fun k => f k ^ 2)) in *; set (b := bsum n (fun k => g k ^ 2)) in *.
assert (apos : 0 <= a) by (apply bsum_ge0; intros; apply pow2_ge_0).
assert (bpos : 0 <= b) by (apply bsum_ge0; intros; apply pow2_ge_0).
assert (cross : 2 * p * (f n * g n) <= a * g n ^ 2 + b * f n ^ 2).
{ set (s := sqrt a * Rabs (g n)); set (t := sqrt b * Rabs (f n)).
  assert (sq_s : s ^ 2 = a * g n ^ 2)
    by (unfold s; rewrite Rpow_mult_distr, pow2_sqrt, pow2_abs; auto).
  assert (sq_t : t ^ 2 = b * f n ^ 2)
    by (unfold t; rewrite Rpow_mult_distr, pow2_sqrt, pow2_abs; auto).
  assert (root : Rabs p <= sqrt a * sqrt b).
  { rewrite <- sqrt_mult by assumption; rewrite <- sqrt_Rsqr_abs; apply sqrt_le_1_alt.
    unfold Rsqr; lra. }
  assert (step : p * (f n * g n) <= s * t).
  { eapply Rle_trans; [apply Rle_abs|]; rewrite !Rabs_mult; unfold s, t.
    replace (sqrt a * Rabs (g n) * (sqrt b * Rabs (f n)))
      with (sqrt a * sqrt b * (Rabs (f n) * Rabs (g n))) by ring.
    apply Rmult_le_compat_r; [apply Rmult_le_pos; apply Rabs_pos|exact root]. }
  assert (square : 0 <= (s - t) ^ 2) by apply pow2_ge_0.
  nra. }
nra.
Qed.

(** The Cauchy-Schwarz inequality with square roots. *)
Lemma cauchy_schwarz_sqrt n f g :
  Rabs (bsum n (fun k => f k * g k))
  <= sqrt (bsum n (fun k => f k ^ 2)) * sqrt (bsum n (fun k => g k ^ 2)).
Proof.
rewrite <- sqrt_mult by (apply bsum_ge0; intros; apply pow2_ge_0).
rewrite <- sqrt_Rsqr_abs; apply sqrt_le_1_alt.
assert (square := cauchy_schwarz n f g); unfold Rsqr; simpl in *; lra.
Qed.

(** The Cauchy-Schwarz inequality for absolute values. *)
Lemma cauchy_schwarz_abs n f g :
  bsum n (fun k => Rabs (f k) * Rabs (g k))
  <= sqrt (bsum n (fun k => f k ^ 2)) * sqrt (bsum n (fun k => g k ^ 2)).
Proof.
eapply Rle_trans; [apply Rle_abs|].
eapply Rle_trans; [apply cauchy_schwarz_sqrt|apply Req_le].
f_equal; f_equal; apply bsum_ext; intros; apply pow2_abs.
Qed.
