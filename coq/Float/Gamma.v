(** * The growth of k roundings

    Purpose: the constant (1 + u)^k - 1 of k successive roundings, and a closed form that a
      program can evaluate exactly or upward in binary64.
    Main results: [gam_closed] ((1+u)^k - 1 <= k u (1 + k u) when k u <= 1), [gam_step],
      [gam_mono].
    Bound functions: [gam], [gam_up].
    Depends on: the real numbers of the standard library.
    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., lemma 3.1. *)
From Coq Require Import Reals Lra Lia Psatz.
Open Scope R_scope.

(** The relative growth of [k] roundings of unit roundoff [u]. *)
Definition gam (u : R) (k : nat) : R := (1 + u) ^ k - 1.

(** Its closed upper form k u (1 + k u). *)
Definition gam_up (u : R) (k : nat) : R := INR k * u * (1 + INR k * u).

Section Growth.

Variable u : R.
Hypothesis u_pos : 0 <= u.

(** Powers of 1 + u are at least one. *)
Lemma growth_ge1 k : 1 <= (1 + u) ^ k.
Proof. apply pow_R1_Rle; lra. Qed.

(** The growth is nonnegative. *)
Lemma gam_ge0 k : 0 <= gam u k.
Proof. unfold gam; assert (ge1 := growth_ge1 k); lra. Qed.

(** Powers of 1 + u grow with the exponent. *)
Lemma growth_mono k l : (k <= l)%nat -> (1 + u) ^ k <= (1 + u) ^ l.
Proof. intros below; apply Rle_pow; [lra|exact below]. Qed.

(** The growth increases with the number of roundings. *)
Lemma gam_mono k l : (k <= l)%nat -> gam u k <= gam u l.
Proof. intros below; unfold gam; assert (mono := growth_mono k l below); lra. Qed.

(** One more rounding. *)
Lemma gam_step k : gam u k * (1 + u) + u = gam u (S k).
Proof. unfold gam; simpl; ring. Qed.

(** No rounding, no growth. *)
Lemma gam_0 : gam u 0 = 0.
Proof. unfold gam; simpl; ring. Qed.

(** The growth is at least its linear part. *)
Lemma gam_linear k : INR k * u <= gam u k.
Proof.
unfold gam; induction k as [|k IH]; [simpl; lra|].
rewrite S_INR; simpl pow.
assert (ge1 := growth_ge1 k); nra.
Qed.

(** The closed form bounds the growth. *)
Theorem gam_closed k : INR k * u <= 1 -> gam u k <= gam_up u k.
Proof.
unfold gam, gam_up; induction k as [|k IH]; intros small; [simpl; lra|].
rewrite S_INR in *; simpl pow.
assert (index : 0 <= INR k) by apply pos_INR.
assert (smaller : INR k * u <= 1) by lra.
specialize (IH smaller).
assert (grow : (1 + u) * (1 + u) ^ k <= (1 + u) * (1 + INR k * u * (1 + INR k * u)))
  by (apply Rmult_le_compat_l; lra).
assert (square : 0 <= u * u) by nra.
assert (cubic : INR k * u * (INR k * (u * u)) <= INR k * (u * u)) by
  (rewrite <- (Rmult_1_l (INR k * (u * u))) at 2; apply Rmult_le_compat_r; nra).
nra.
Qed.

End Growth.
