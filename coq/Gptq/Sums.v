(** * Finite sums over the indices [0 .. n-1]

    Purpose: the only notion of sum used by the development, and its algebra.
    Main results: [bsum_swap] (order of a double sum), [bsum_split] (a sum whose tail vanishes),
      [bsum_delta] (a sum against the Kronecker symbol), [bsum_pick] (one term of a nonnegative
      sum), [bsum_abs] (triangle inequality).
    Depends on: the real numbers of the standard library.
    Source: elementary. *)
From Coq Require Import Reals Lra Lia Arith.
Open Scope R_scope.

(** The sum of [f i] over [i < n], added from the first term to the last. *)
Fixpoint bsum (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 0
  | S k => bsum k f + f k
  end.

(** One more term. *)
Lemma bsum_S n f : bsum (S n) f = bsum n f + f n.
Proof. reflexivity. Qed.

(** A sum depends only on the terms below its bound. *)
Lemma bsum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> bsum n f = bsum n g.
Proof.
induction n as [|n IH]; simpl; intros same; [reflexivity|].
rewrite IH, (same n); auto.
Qed.

(** A sum of zeros is zero. *)
Lemma bsum_0 n f : (forall i, (i < n)%nat -> f i = 0) -> bsum n f = 0.
Proof.
induction n as [|n IH]; simpl; intros zero; [reflexivity|].
rewrite IH, (zero n); auto; ring.
Qed.

(** The sum of a sum of two families. *)
Lemma bsum_plus n f g : bsum n (fun i => f i + g i) = bsum n f + bsum n g.
Proof. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. Qed.

(** The sum of a difference of two families. *)
Lemma bsum_minus n f g : bsum n (fun i => f i - g i) = bsum n f - bsum n g.
Proof. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. Qed.

(** A constant factor on the left comes out of a sum. *)
Lemma bsum_scal n c f : bsum n (fun i => c * f i) = c * bsum n f.
Proof. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. Qed.

(** A constant factor on the right comes out of a sum. *)
Lemma bsum_scalr n c f : bsum n (fun i => f i * c) = bsum n f * c.
Proof. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. Qed.

(** The sum of [n] equal terms. *)
Lemma bsum_const n c : bsum n (fun _ => c) = INR n * c.
Proof.
induction n as [|n IH]; [simpl; ring|].
rewrite S_INR; simpl bsum; rewrite IH; ring.
Qed.

(** The two orders of summation of a rectangle agree. *)
Lemma bsum_swap n m (f : nat -> nat -> R) :
  bsum n (fun i => bsum m (fun j => f i j)) = bsum m (fun j => bsum n (fun i => f i j)).
Proof.
induction n as [|n IH]; simpl.
- symmetry; apply bsum_0; auto.
- rewrite IH, <- bsum_plus; reflexivity.
Qed.

(** Sums are monotone in their terms. *)
Lemma bsum_le n f g : (forall i, (i < n)%nat -> f i <= g i) -> bsum n f <= bsum n g.
Proof.
induction n as [|n IH]; simpl; intros below; [lra|].
apply Rplus_le_compat; auto.
Qed.

(** A sum of nonnegative terms is nonnegative. *)
Lemma bsum_ge0 n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= bsum n f.
Proof. intros pos; rewrite <- (bsum_0 n (fun _ => 0)); auto; apply bsum_le; auto. Qed.

(** A sum whose terms vanish after index [j] ends at [j]. *)
Lemma bsum_split n j f :
  (j < n)%nat -> (forall i, (j < i < n)%nat -> f i = 0) -> bsum n f = bsum j f + f j.
Proof.
induction n as [|n IH]; intros below zero; [lia|]; simpl.
destruct (Nat.eq_dec j n) as [->|other]; [reflexivity|].
rewrite IH, (zero n); try ring; try lia.
intros i range; apply zero; lia.
Qed.

(** A term of a nonnegative sum is at most the sum. *)
Lemma bsum_pick n j f :
  (j < n)%nat -> (forall i, (i < n)%nat -> 0 <= f i) -> f j <= bsum n f.
Proof.
induction n as [|n IH]; intros below pos; [lia|]; simpl.
destruct (Nat.eq_dec j n) as [->|other].
- assert (head : 0 <= bsum n f) by (apply bsum_ge0; auto).
  lra.
- assert (head : f j <= bsum n f) by (apply IH; auto; lia).
  specialize (pos n (Nat.lt_succ_diag_r n)); lra.
Qed.

(** A sum against the Kronecker symbol selects one term. *)
Lemma bsum_delta n i c : (i < n)%nat -> bsum n (fun j => if Nat.eqb i j then c j else 0) = c i.
Proof.
intros below; rewrite (bsum_split n i); auto.
- rewrite bsum_0, Nat.eqb_refl; [ring|].
  intros k range; rewrite (proj2 (Nat.eqb_neq _ _)); auto; lia.
- intros k range; rewrite (proj2 (Nat.eqb_neq _ _)); auto; lia.
Qed.

(** The triangle inequality for a sum. *)
Lemma bsum_abs n f : Rabs (bsum n f) <= bsum n (fun i => Rabs (f i)).
Proof.
induction n as [|n IH]; simpl; [rewrite Rabs_R0; lra|].
eapply Rle_trans; [apply Rabs_triang|lra].
Qed.

(** The product of two sums is the double sum of the products. *)
Lemma bsum_mult n m f g : bsum n f * bsum m g = bsum n (fun i => bsum m (fun j => f i * g j)).
Proof.
rewrite <- bsum_scalr; apply bsum_ext; intros i _.
symmetry; apply bsum_scal.
Qed.

(** A sum over [n + m] indices is the sum over the first [n] and the sum over the last [m]. *)
Lemma bsum_app n m f : bsum (n + m) f = bsum n f + bsum m (fun i => f (n + i)%nat).
Proof.
induction m as [|m IH].
- rewrite Nat.add_0_r; simpl; ring.
- rewrite Nat.add_succ_r; simpl; rewrite IH; ring.
Qed.

(** Squares are ordered as absolute values. *)
Lemma sqr_le_abs a b : Rabs a <= Rabs b -> a ^ 2 <= b ^ 2.
Proof.
intros below; rewrite <- (pow2_abs a), <- (pow2_abs b).
apply pow_incr; split; [apply Rabs_pos|exact below].
Qed.

(** A bound on an absolute value bounds the square. *)
Lemma sqr_le a r : Rabs a <= r -> a ^ 2 <= r ^ 2.
Proof.
intros below; rewrite <- (pow2_abs a).
apply pow_incr; split; [apply Rabs_pos|exact below].
Qed.
