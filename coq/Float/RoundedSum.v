(** * The rounded sum of rounded nonnegative terms

    Purpose: the sums that the guard evaluates have nonnegative terms, each computed with few
      roundings, added in order or by fma.  The result is near the exact sum of the exact terms,
      relatively, up to underflow.
    Main definitions: [sum_chain].
    Main results: [rounded_sum] (any format), [rounded_sum64] (binary64 in closed form: n terms of
      six roundings at most cost (n + 7) 2^-53), [sum_chain_steps], [fma_chain_steps].
    Depends on: Gptq/Sums, [Chain], [ChainError], [FactorClosed].
    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError FactorClosed.
Open Scope R_scope.

(** (... ((0 + p_0) + p_1) ...) + p_{n-1}. *)
Fixpoint sum_chain {T : Type} (A : arith T) (n : nat) (p : nat -> T) : T :=
  match n with O => a_zero A | S k => a_add A (sum_chain A k p) (p k) end.

(** acc adds the terms p one after the other, each time with one rounding. *)
Definition sum_steps (u z : R) (n : nat) (p acc : nat -> R) : Prop :=
  acc 0%nat = 0 /\ forall k, (k < n)%nat ->
    Rabs (acc (S k) - (p k + acc k)) <= u * Rabs (p k + acc k) + z.

(** A chain of additions does. *)
Lemma sum_chain_steps emin prec {prec_pos : Prec_gt_0 prec} n p :
  sum_steps (uro prec) (eta emin) n p (fun k => sum_chain (real_arith emin prec) k p).
Proof.
split; [reflexivity|intros k _]; cbn [sum_chain a_add real_arith].
rewrite (Rplus_comm (p k)); apply (rnd_error emin prec).
Qed.

(** So does a chain of fma, its terms being the exact products. *)
Lemma fma_chain_steps emin prec {prec_pos : Prec_gt_0 prec} n x y :
  sum_steps (uro prec) (eta emin) n (fun k => x k * y k)
    (fun k => fma_chain (real_arith emin prec) k x y 0).
Proof.
split; [reflexivity|intros k _]; cbn [fma_chain a_fma real_arith].
apply (rnd_error emin prec).
Qed.

(** Terms within c of exact ones, relatively, and within z. *)
Theorem rounded_sum u z n p q acc c y : 0 <= u -> 0 <= z -> 0 <= c -> 0 <= y ->
  sum_steps u z n p acc ->
  (forall k, (k < n)%nat -> 0 <= q k) ->
  (forall k, (k < n)%nat -> Rabs (p k - q k) <= c * q k + y) ->
  Rabs (acc n - bsum n q)
  <= (gam u n * (1 + c) + c) * bsum n q + ((1 + gam u n) * (INR n * y) + under_chain u z n).
Proof.
intros upos zpos cpos ypos [start steps] positive near.
assert (sum := accumulate_error u z acc p upos zpos n steps start).
assert (gpos := gam_ge0 u upos n).
assert (terms : Rabs (bsum n p - bsum n q) <= c * bsum n q + INR n * y).
{ rewrite <- bsum_minus, <- bsum_scal, <- bsum_const, <- bsum_plus.
  eapply Rle_trans; [apply bsum_abs|apply bsum_le; exact near]. }
assert (size : bsum n (fun k => Rabs (p k)) <= (1 + c) * bsum n q + INR n * y).
{ rewrite <- bsum_scal, <- bsum_const, <- bsum_plus; apply bsum_le; intros k below.
  assert (close := near k below); assert (pos := positive k below).
  assert (split : Rabs (p k) <= Rabs (p k - q k) + Rabs (q k)).
  { replace (p k) with (p k - q k + q k) at 1 by ring; apply Rabs_triang. }
  rewrite (Rabs_pos_eq (q k)) in split by exact pos; lra. }
assert (scaled : gam u n * bsum n (fun k => Rabs (p k))
    <= gam u n * ((1 + c) * bsum n q + INR n * y)) by (apply Rmult_le_compat_l; assumption).
replace (acc n - bsum n q) with (acc n - bsum n p + (bsum n p - bsum n q)) by ring.
eapply Rle_trans; [apply Rabs_triang|lra].
Qed.

(** The underflow that such a sum may have in binary64. *)
Definition sum_under : R := bpow radix2 (-560).

(** In binary64, for terms of six roundings. *)
Theorem rounded_sum64 n p q acc : (0 < n)%nat -> (Z.of_nat n <= 2 ^ 24)%Z ->
  sum_steps (uro 53) (eta (-1074)) n p acc ->
  (forall k, (k < n)%nat -> 0 <= q k) ->
  (forall k, (k < n)%nat -> Rabs (p k - q k) <= 6 * uro 53 * q k + bpow radix2 (-600)) ->
  Rabs (acc n - bsum n q) <= (INR n + 7) * uro 53 * bsum n q + sum_under.
Proof.
intros some few steps positive near.
destruct (columns_range n some few) as [one many].
destruct (growth_range n some few) as [upos [above [small square]]].
destruct (growth_up_small n some few) as [grown quarter].
assert (gpos := gam_ge0 (uro 53) (Rlt_le _ _ upos) n).
assert (zpos := Rlt_le _ _ (eta_pos (-1074))).
assert (ypos : 0 <= bpow radix2 (-600)) by apply bpow_ge_0.
assert (sum := rounded_sum (uro 53) (eta (-1074)) n p q acc (6 * uro 53) (bpow radix2 (-600))
  (Rlt_le _ _ upos) zpos ltac:(lra) ypos steps positive near).
assert (qpos : 0 <= bsum n q) by (apply bsum_ge0; exact positive).
eapply Rle_trans; [exact sum|apply Rplus_le_compat].
- apply Rmult_le_compat_r; [exact qpos|].
  set (u := uro 53) in *; set (x := INR n * u) in *.
  unfold gam_up in grown; fold x in grown; simpl bpow in small.
  assert (gx : gam u n * (1 + 6 * u) <= x * (1 + x) * (1 + 6 * u))
    by (apply Rmult_le_compat_r; lra).
  assert (ux : u * x <= u * / 1000) by (apply Rmult_le_compat_l; lra).
  assert (uxx : u * (x * x) <= u * / 1000) by (apply Rmult_le_compat_l; nra).
  unfold x in *; lra.
- assert (power : (1 + uro 53) ^ n <= 2) by (unfold gam in grown; lra).
  unfold under_chain, sum_under.
  assert (tiny : eta (-1074) <= bpow radix2 (-600)) by (unfold eta; apply bpow_le; lia).
  assert (first : (1 + gam (uro 53) n) * (INR n * bpow radix2 (-600))
      <= 2 * (bpow radix2 24 * bpow radix2 (-600))).
  { apply Rmult_le_compat; [lra|apply Rmult_le_pos; lra|lra|].
    apply Rmult_le_compat_r; [exact ypos|exact many]. }
  assert (second : INR n * (1 + uro 53) ^ n * eta (-1074)
      <= bpow radix2 24 * 2 * bpow radix2 (-600)).
  { assert (ppos := growth_ge1 (uro 53) (Rlt_le _ _ upos) n).
    apply Rmult_le_compat; [apply Rmult_le_pos; lra|exact zpos| |exact tiny].
    apply Rmult_le_compat; lra. }
  rewrite <- bpow_plus in first.
  replace (bpow radix2 24 * 2 * bpow radix2 (-600)) with (2 * bpow radix2 (24 + -600)) in second
    by (rewrite bpow_plus; ring).
  assert (sums : 4 * bpow radix2 (24 + -600) <= bpow radix2 (-560)).
  { change 4 with (bpow radix2 2); rewrite <- bpow_plus; apply bpow_le; lia. }
  lra.
Qed.
