(** * The rounding error of one chain

    Purpose: the three bounds on a chain of fused multiply-adds: forward from zero, backward in
      terms of the computed result, and the size of the result.
    Main results: [chain_error] (forward), [chain_error_multiple] (forward, no underflow),
      [chain_error_backward], [chain_size].
    Bound functions: [gam], [under_chain] (underflow).
    Depends on: Gptq/Sums, [Arithmetic], [Rounding], [Gamma], [Chain].
    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1 and
      lemma 8.4. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain.
Open Scope R_scope.

(** Underflow of a chain of [n] roundings, each off by [z] at most: n (1 + u)^n z. *)
Definition under_chain (u z : R) (n : nat) : R := INR n * (1 + u) ^ n * z.

Section Accumulation.

Variables (u z : R) (acc t : nat -> R).
Hypothesis u_pos : 0 <= u.
Hypothesis z_pos : 0 <= z.

(** The underflow bound is nonnegative. *)
Lemma under_chain_ge0 n : 0 <= under_chain u z n.
Proof.
unfold under_chain; assert (ge1 := growth_ge1 u u_pos n); assert (index := pos_INR n).
apply Rmult_le_pos; [apply Rmult_le_pos; lra|exact z_pos].
Qed.

(** One more rounding in the underflow bound. *)
Lemma under_chain_step n : under_chain u z n * (1 + u) + z <= under_chain u z (S n).
Proof.
unfold under_chain; rewrite S_INR; assert (ge1 := growth_ge1 u u_pos (S n)); simpl pow in *.
assert (grown : z <= (1 + u) * (1 + u) ^ n * z) by (rewrite <- (Rmult_1_l z) at 1; nra); lra.
Qed.

(** The underflow bound grows with the number of roundings. *)
Lemma under_chain_mono m n : (m <= n)%nat -> under_chain u z m <= under_chain u z n.
Proof.
intros below; unfold under_chain.
assert (ge1 := growth_ge1 u u_pos m); assert (index := pos_INR m).
apply Rmult_le_compat_r; [exact z_pos|].
apply Rmult_le_compat; [lra|lra|apply le_INR; exact below|apply growth_mono; assumption].
Qed.

(** Forward error of an accumulation that starts at zero. *)
Lemma accumulate_error n :
  (forall k, (k < n)%nat ->
     Rabs (acc (S k) - (t k + acc k)) <= u * Rabs (t k + acc k) + z) ->
  acc 0%nat = 0 ->
  Rabs (acc n - bsum n t) <= gam u n * bsum n (fun k => Rabs (t k)) + under_chain u z n.
Proof.
intros steps start; induction n as [|n IH].
- simpl; rewrite start, Rminus_0_r, Rabs_R0, Rmult_0_r.
  assert (pos := under_chain_ge0 0); lra.
- assert (before : Rabs (acc n - bsum n t)
      <= gam u n * bsum n (fun k => Rabs (t k)) + under_chain u z n)
    by (apply IH; intros k below; apply steps; lia).
  clear IH; assert (here := steps n (Nat.lt_succ_diag_r n)).
  simpl bsum; set (S := bsum n (fun k => Rabs (t k))) in *.
  assert (sum_pos : 0 <= S) by (apply bsum_ge0; intros; apply Rabs_pos).
  assert (inner : Rabs (t n + acc n) <= Rabs (t n) + S + Rabs (acc n - bsum n t)).
  { replace (t n + acc n) with (t n + bsum n t + (acc n - bsum n t)) by ring.
    eapply Rle_trans; [apply Rabs_triang|apply Rplus_le_compat_r].
    eapply Rle_trans; [apply Rabs_triang|apply Rplus_le_compat_l; apply bsum_abs]. }
  assert (split : Rabs (acc (Datatypes.S n) - (bsum n t + t n))
      <= Rabs (acc (Datatypes.S n) - (t n + acc n)) + Rabs (acc n - bsum n t)).
  { replace (acc (Datatypes.S n) - (bsum n t + t n))
      with (acc (Datatypes.S n) - (t n + acc n) + (acc n - bsum n t)) by ring.
    apply Rabs_triang. }
  rewrite <- (gam_step u n).
  assert (under := under_chain_step n).
  assert (gpos := gam_ge0 u u_pos n); assert (tpos := Rabs_pos (t n)).
  assert (product : 0 <= gam u n * Rabs (t n)) by (apply Rmult_le_pos; assumption).
  nra.
Qed.

(** Backward error: relative to the computed result, whatever the start. *)
Lemma accumulate_error_backward n :
  (forall k, (k < n)%nat -> Rabs (acc (S k) - (t k + acc k)) <= u * Rabs (acc (S k)) + z) ->
  Rabs (acc 0%nat + bsum n t - acc n)
  <= gam u n * (Rabs (acc n) + bsum n (fun k => Rabs (t k))) + under_chain u z n.
Proof.
intros steps; induction n as [|n IH].
- simpl; rewrite Rplus_0_r, Rminus_diag_eq, Rabs_R0 by reflexivity; rewrite gam_0.
  assert (pos := under_chain_ge0 0); lra.
- assert (before : Rabs (acc 0%nat + bsum n t - acc n)
      <= gam u n * (Rabs (acc n) + bsum n (fun k => Rabs (t k))) + under_chain u z n)
    by (apply IH; intros k below; apply steps; lia).
  clear IH; assert (here := steps n (Nat.lt_succ_diag_r n)).
  simpl bsum; set (S := bsum n (fun k => Rabs (t k))) in *.
  assert (sum_pos : 0 <= S) by (apply bsum_ge0; intros; apply Rabs_pos).
  assert (previous : Rabs (acc n)
      <= Rabs (acc (Datatypes.S n) - (t n + acc n)) + Rabs (acc (Datatypes.S n)) + Rabs (t n)).
  { replace (acc n) with (- (acc (Datatypes.S n) - (t n + acc n)) + acc (Datatypes.S n) + - t n)
      at 1 by ring.
    eapply Rle_trans; [apply Rabs_triang|rewrite (Rabs_Ropp (t n)); apply Rplus_le_compat_r].
    eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_Ropp; apply Rle_refl]. }
  assert (split : Rabs (acc 0%nat + (bsum n t + t n) - acc (Datatypes.S n))
      <= Rabs (acc 0%nat + bsum n t - acc n) + Rabs (acc (Datatypes.S n) - (t n + acc n))).
  { replace (acc 0%nat + (bsum n t + t n) - acc (Datatypes.S n))
      with (acc 0%nat + bsum n t - acc n + - (acc (Datatypes.S n) - (t n + acc n))) by ring.
    eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_Ropp; apply Rle_refl]. }
  set (a := Rabs (acc (Datatypes.S n))) in *; set (b := Rabs (acc n)) in *.
  set (e := Rabs (acc (Datatypes.S n) - (t n + acc n))) in *.
  assert (apos : 0 <= a) by apply Rabs_pos; assert (tpos := Rabs_pos (t n)).
  assert (gpos := gam_ge0 u u_pos n).
  assert (use : gam u n * (b + S) <= gam u n * (e + a + Rabs (t n) + S))
    by (apply Rmult_le_compat_l; lra).
  assert (use_e : gam u n * e <= gam u n * (u * a + z)) by (apply Rmult_le_compat_l; lra).
  assert (more : gam u n * (Rabs (t n) + S) <= gam u (Datatypes.S n) * (Rabs (t n) + S))
    by (apply Rmult_le_compat_r; [lra|apply gam_mono; [exact u_pos|lia]]).
  assert (stepped : gam u n * a + gam u n * (u * a) + u * a = gam u (Datatypes.S n) * a)
    by (rewrite <- gam_step; ring).
  assert (under : gam u n * z + z + under_chain u z n <= under_chain u z (Datatypes.S n)).
  { unfold under_chain, gam; rewrite S_INR; simpl pow.
    assert (ge1 := growth_ge1 u u_pos n); assert (index := pos_INR n).
    assert (rest : 0 <= u * (INR n + 1) * ((1 + u) ^ n * z))
      by (apply Rmult_le_pos; [nra|apply Rmult_le_pos; lra]).
    nra. }
  lra.
Qed.

(** Size of the result of an accumulation. *)
Lemma accumulate_size n :
  (forall k, (k < n)%nat ->
     Rabs (acc (S k) - (t k + acc k)) <= u * Rabs (t k + acc k) + z) ->
  Rabs (acc n)
  <= (1 + u) ^ n * (Rabs (acc 0%nat) + bsum n (fun k => Rabs (t k)) + INR n * z).
Proof.
intros steps; induction n as [|n IH]; [simpl; lra|].
assert (before : Rabs (acc n)
    <= (1 + u) ^ n * (Rabs (acc 0%nat) + bsum n (fun k => Rabs (t k)) + INR n * z))
  by (apply IH; intros k below; apply steps; lia).
clear IH; assert (here := steps n (Nat.lt_succ_diag_r n)).
assert (split : Rabs (acc (S n)) <= Rabs (acc (S n) - (t n + acc n)) + Rabs (t n + acc n)).
{ replace (acc (S n)) with (acc (S n) - (t n + acc n) + (t n + acc n)) at 1 by ring.
  apply Rabs_triang. }
assert (inner := Rabs_triang (t n) (acc n)).
rewrite S_INR; simpl bsum; simpl pow.
set (base := Rabs (acc 0%nat) + bsum n (fun k => Rabs (t k)) + INR n * z) in *.
replace (Rabs (acc 0%nat) + (bsum n (fun k => Rabs (t k)) + Rabs (t n)) + (INR n + 1) * z)
  with (base + Rabs (t n) + z) by (unfold base; ring).
assert (ge1 := growth_ge1 u u_pos (S n)); assert (ge1' := growth_ge1 u u_pos n).
simpl pow in ge1; assert (tpos := Rabs_pos (t n)).
assert (grows : 1 + u <= (1 + u) * (1 + u) ^ n) by nra.
assert (term : (1 + u) * Rabs (t n) <= (1 + u) * (1 + u) ^ n * Rabs (t n))
  by (apply Rmult_le_compat_r; assumption).
assert (tiny : 1 * z <= (1 + u) * (1 + u) ^ n * z) by (apply Rmult_le_compat_r; assumption).
assert (grown : (1 + u) * Rabs (acc n) <= (1 + u) * ((1 + u) ^ n * base))
  by (apply Rmult_le_compat_l; lra).
nra.
Qed.

End Accumulation.

Section ChainOfFma.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Notation z := (eta emin).

(** The unit roundoff and the underflow unit as needed above. *)
Lemma uro_ge0 : 0 <= u.
Proof. apply Rlt_le, uro_pos. Qed.

(** The underflow unit is nonnegative. *)
Lemma eta_ge0 : 0 <= z.
Proof. apply Rlt_le, eta_pos. Qed.

(** Forward error of a chain from zero (the kernel of T11). *)
Theorem chain_error n x y :
  Rabs (fma_chain A n x y 0 - bsum n (fun k => x k * y k))
  <= gam u n * bsum n (fun k => Rabs (x k) * Rabs (y k)) + under_chain u z n.
Proof.
rewrite (bsum_ext n (fun k => Rabs (x k) * Rabs (y k)) (fun k => Rabs (x k * y k)))
  by (intros; symmetry; apply Rabs_mult).
apply (accumulate_error u z (fun k => fma_chain A k x y 0) (fun k => x k * y k));
  [apply uro_ge0|apply eta_ge0| |reflexivity].
intros k _; simpl; apply (rnd_error emin prec).
Qed.

(** A chain whose products are multiples of 2^e, e >= emin, stays on those multiples. *)
Lemma chain_multiple e n x y a0 :
  (emin <= e)%Z -> multiple e a0 -> (forall k, (k < n)%nat -> multiple e (x k * y k)) ->
  multiple e (fma_chain A n x y a0).
Proof.
intros above start terms; induction n as [|n IH]; simpl; [exact start|].
apply rnd_multiple; [exact above|].
apply multiple_plus; [apply terms; lia|apply IH; intros; apply terms; lia].
Qed.

(** Forward error of a chain from zero that cannot underflow. *)
Theorem chain_error_multiple e n x y :
  (emin <= e)%Z -> (forall k, (k < n)%nat -> multiple e (x k * y k)) ->
  Rabs (fma_chain A n x y 0 - bsum n (fun k => x k * y k))
  <= gam u n * bsum n (fun k => Rabs (x k) * Rabs (y k)).
Proof.
intros above terms.
rewrite (bsum_ext n (fun k => Rabs (x k) * Rabs (y k)) (fun k => Rabs (x k * y k)))
  by (intros; symmetry; apply Rabs_mult).
assert (bound := accumulate_error u 0 (fun k => fma_chain A k x y 0) (fun k => x k * y k)
  uro_ge0 (Rle_refl 0) n).
unfold under_chain in bound; rewrite Rmult_0_r, Rplus_0_r in bound.
apply bound; [|reflexivity].
intros k below; simpl; rewrite Rplus_0_r.
apply (rnd_error_multiple emin prec e); [exact above|].
apply multiple_plus; [apply terms; exact below|].
apply chain_multiple; [exact above|apply multiple_0|intros; apply terms; lia].
Qed.

(** Backward error of a chain from any start (the kernel of T15). *)
Theorem chain_error_backward n x y a0 :
  Rabs (a0 + bsum n (fun k => x k * y k) - fma_chain A n x y a0)
  <= gam u n * (Rabs (fma_chain A n x y a0) + bsum n (fun k => Rabs (x k) * Rabs (y k)))
     + under_chain u z n.
Proof.
rewrite (bsum_ext n (fun k => Rabs (x k) * Rabs (y k)) (fun k => Rabs (x k * y k)))
  by (intros; symmetry; apply Rabs_mult).
apply (accumulate_error_backward u z (fun k => fma_chain A k x y a0) (fun k => x k * y k));
  [apply uro_ge0|apply eta_ge0|].
intros k _; simpl; apply (rnd_error_round emin prec).
Qed.

(** Size of the result of a chain (for overflow). *)
Theorem chain_size n x y a0 :
  Rabs (fma_chain A n x y a0)
  <= (1 + u) ^ n * (Rabs a0 + bsum n (fun k => Rabs (x k) * Rabs (y k)) + INR n * z).
Proof.
rewrite (bsum_ext n (fun k => Rabs (x k) * Rabs (y k)) (fun k => Rabs (x k * y k)))
  by (intros; symmetry; apply Rabs_mult).
apply (accumulate_size u z (fun k => fma_chain A k x y a0) (fun k => x k * y k));
  [apply uro_ge0|apply eta_ge0|].
intros k _; simpl; apply (rnd_error emin prec).
Qed.

(** A chain that starts in the format ends in the format. *)
Lemma chain_format n x y a0 : in_format emin prec a0 -> in_format emin prec (fma_chain A n x y a0).
Proof. intros start; destruct n; simpl; [exact start|apply (rnd_format emin prec)]. Qed.

End ChainOfFma.
