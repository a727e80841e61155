(** * T23: the asymmetric target

    Purpose: where the quantized layer sees other inputs X~ than the float one, |w X - q X~|^2 is a
      constant plus the plain loss, in H = X~ X~^T, of q against another row w*; so everything
      that is proved of codes for w is proved of codes for w*.
    Main definitions: [cross_gram] (C = X X~^T), [asymmetric_loss] (|w X - q X~|^2).
    Main results: [T23_inexact] (any row t in place of w*, with its residual w C - t H),
      [T23_target], [T23_pythagoras] (the constant is |w X - w* X~|^2), [T23_best], [T23_inverse]
      (w* = w C H^-1), [T23_damped], [T23_gptq] (T1 for the target), [T23_comparison] (what an
      inexact target costs).
    Depends on: [Sums], [Matrix], [MatrixFacts], [Identity].
    Source: S. Zhang et al., Qronos, arXiv 2505.11695, for the target; the identities are
      elementary. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Gptq Identity.
Open Scope R_scope.

(** The matrix C = X X~^T. *)
Definition cross_gram (m : nat) (X Y : mat) : mat := fun i j => bsum m (fun k => X i k * Y j k).

(** The squared length of w X - q X~. *)
Definition asymmetric_loss (n m : nat) (X Y : mat) (w q : vec) : R :=
  bsum m (fun k => (bsum n (fun i => w i * X i k) - bsum n (fun i => q i * Y i k)) ^ 2).

(** The inner product of two rows. *)
Notation inner n a b := (bsum n (fun j => a j * b j)).

(** The residual w C - t H of a row t that need not be the target. *)
Definition target_residual (n : nat) (C H : mat) (w t : vec) : vec :=
  fun j => vmul n w C j - vmul n t H j.

(** The squared length expanded. *)
Lemma asymmetric_expand n m X Y w q :
  asymmetric_loss n m X Y w q =
  qform n (gram m X) w - 2 * inner n (vmul n w (cross_gram m X Y)) q + qform n (gram m Y) q.
Proof.
rewrite <- !loss_gram; unfold asymmetric_loss, loss, vmul, cross_gram.
rewrite (bsum_ext n _ (fun j => bsum m (fun k => bsum n (fun i => w i * X i k) * (q j * Y j k)))).
- rewrite (bsum_swap n m).
  rewrite (bsum_ext m (fun k => bsum n (fun j => bsum n (fun i => w i * X i k) * (q j * Y j k)))
    (fun k => bsum n (fun i => w i * X i k) * bsum n (fun j => q j * Y j k))) by
    (intros k _; apply bsum_scal).
  rewrite <- bsum_scal, <- bsum_minus, <- bsum_plus; apply bsum_ext; intros k _; ring.
- intros j _; rewrite <- bsum_scalr.
  rewrite (bsum_ext n _ (fun i => bsum m (fun k => w i * X i k * (q j * Y j k)))) by
    (intros i _; rewrite <- bsum_scal, <- bsum_scalr; apply bsum_ext; intros k _; ring).
  rewrite bsum_swap; apply bsum_ext; intros k _; apply bsum_scalr.
Qed.

(** A quadratic form is the inner product of v M and v. *)
Lemma qform_inner n M v : qform n M v = inner n (vmul n v M) v.
Proof.
unfold qform, vmul; rewrite bsum_swap; apply bsum_ext; intros j _.
rewrite <- bsum_scalr; reflexivity.
Qed.

(** The quadratic form of a difference, for a symmetric matrix. *)
Lemma qform_vsub n M a b : sym n M ->
  qform n M (vsub a b) = qform n M a - 2 * inner n (vmul n a M) b + qform n M b.
Proof.
intros symmetric.
assert (exchange : inner n (vmul n b M) a = inner n (vmul n a M) b).
{ unfold vmul.
  rewrite (bsum_ext n _ (fun j => bsum n (fun i => b i * M i j * a j))) by
    (intros j _; symmetry; apply bsum_scalr).
  rewrite bsum_swap; apply bsum_ext; intros i ibelow; rewrite <- bsum_scalr.
  apply bsum_ext; intros j jbelow; rewrite (symmetric i j) by assumption; ring. }
rewrite !(qform_inner n M).
rewrite (bsum_ext n (fun j => vmul n (vsub a b) M j * vsub a b j) (fun j =>
  vmul n a M j * a j - vmul n a M j * b j - vmul n b M j * a j + vmul n b M j * b j)).
- rewrite bsum_plus, !bsum_minus, exchange; ring.
- intros j _; unfold vsub at 2.
  replace (vmul n (vsub a b) M j) with (vmul n a M j - vmul n b M j); [ring|].
  unfold vmul; rewrite <- bsum_minus; apply bsum_ext; intros i _; unfold vsub; ring.
Qed.

(** A Gram matrix is symmetric. *)
Lemma gram_sym n m X : sym n (gram m X).
Proof. intros i j _ _; unfold gram; apply bsum_ext; intros k _; ring. Qed.

(** T23 for any row t in place of the target: what is missing is linear in t - q. *)
Theorem T23_inexact n m X Y w t q :
  let C := cross_gram m X Y in let H := gram m Y in
  let rho := target_residual n C H w t in
  asymmetric_loss n m X Y w q
  = asymmetric_loss n m X Y w t + qform n H (vsub t q) + 2 * inner n rho (vsub t q).
Proof.
intros C H rho; rewrite !asymmetric_expand, (qform_vsub n H t q) by apply gram_sym.
fold C H; rewrite (qform_inner n H t).
rewrite (bsum_ext n (fun j => rho j * vsub t q j) (fun j =>
  vmul n w C j * t j - vmul n w C j * q j - vmul n t H j * t j + vmul n t H j * q j)) by
  (intros j _; unfold rho, target_residual, vsub; ring).
rewrite bsum_plus, !bsum_minus; ring.
Qed.

Section Target.

Variables (n m : nat) (X Y : mat) (w t : vec).
Notation C := (cross_gram m X Y).
Notation H := (gram m Y).
Hypothesis target : forall j, (j < n)%nat -> vmul n t H j = vmul n w C j.

(** T23. Where w* H = w C, |w X - q X~|^2 = |w X - w* X~|^2 + loss_H(w* - q), for every q. *)
Theorem T23_pythagoras q : asymmetric_loss n m X Y w q
  = asymmetric_loss n m X Y w t + qform n H (vsub t q).
Proof.
rewrite (T23_inexact n m X Y w t q); cbv zeta.
rewrite (bsum_0 n (fun j => target_residual n C H w t j * vsub t q j)); [ring|].
intros j below; unfold target_residual; rewrite target by exact below; ring.
Qed.

(** T23. The constant is w K w^T - w* H w*^T. *)
Theorem T23_target q : asymmetric_loss n m X Y w q
  = qform n (gram m X) w - qform n H t + qform n H (vsub t q).
Proof.
rewrite T23_pythagoras, asymmetric_expand; rewrite (qform_inner n H t).
rewrite (bsum_ext n (fun j => vmul n t H j * t j) (fun j => vmul n w C j * t j)) by
  (intros j below; rewrite target by exact below; reflexivity).
ring.
Qed.

(** No row does better than the target. *)
Theorem T23_best q : asymmetric_loss n m X Y w t <= asymmetric_loss n m X Y w q.
Proof.
rewrite (T23_pythagoras q), <- loss_gram; assert (square := loss_ge0 n m Y (vsub t q)); lra.
Qed.

(** T1 for the target: the recursion runs on w* with the factor of H. *)
Theorem T23_gptq U d q : udu n H U d -> asymmetric_loss n m X Y w q
  = asymmetric_loss n m X Y w t + bsum n (fun j => d j * (comp U t q j - q j) ^ 2).
Proof. intros cert; rewrite <- (T1_identity n H U d t q cert); apply T23_pythagoras. Qed.

End Target.

(** T23 with the inverse: w* = w C H^-1. *)
Theorem T23_inverse n m X Y Hinv w q : inv_pair n Hinv (gram m Y) ->
  let t := vmul n (vmul n w (cross_gram m X Y)) Hinv in
  asymmetric_loss n m X Y w q
  = qform n (gram m X) w - qform n (gram m Y) t + qform n (gram m Y) (vsub t q).
Proof.
intros inverse t; apply T23_target; intros j below; unfold t; rewrite <- vmul_mmul.
apply vmul_identity; [|exact below]; intros i ibelow; apply inverse; assumption.
Qed.

(** T23 with damping: w* (2 H + lam I) = w (2 C + lam I). *)
Theorem T23_damped n m X Y lam w t q :
  (forall j, (j < n)%nat ->
    vmul n t (hess lam (gram m Y)) j = vmul n w (hess lam (cross_gram m X Y)) j) ->
  2 * asymmetric_loss n m X Y w q + lam * bsum n (fun j => (w j - q j) ^ 2)
  = qform n (hess lam (gram m X)) w - qform n (hess lam (gram m Y)) t
    + qform n (hess lam (gram m Y)) (vsub t q).
Proof.
intros target; set (H := hess lam (gram m Y)) in *; set (C := cross_gram m X Y) in *.
assert (symmetric : sym n H).
{ intros i j ibelow jbelow; unfold H, hess; rewrite Nat.eqb_sym, (gram_sym n m Y i j); auto. }
assert (mixed : inner n (vmul n w (hess lam C)) q
  = 2 * inner n (vmul n w C) q + lam * inner n w q).
{ rewrite <- !bsum_scal, <- bsum_plus; apply bsum_ext; intros j below; unfold vmul, hess.
  rewrite <- (bsum_delta n j (fun i => lam * (w i * q j))) by exact below.
  rewrite <- bsum_scalr, <- !bsum_scalr, <- bsum_scal, <- bsum_plus.
  apply bsum_ext; intros i _; rewrite (Nat.eqb_sym i j); destruct Nat.eqb; ring. }
rewrite (qform_vsub n H t q symmetric), asymmetric_expand; fold C; rewrite qform_hess.
rewrite (bsum_ext n (fun j => vmul n t H j * q j) (fun j => vmul n w (hess lam C) j * q j)) by
  (intros j below; rewrite target by exact below; reflexivity).
rewrite mixed.
replace (qform n H q) with (2 * qform n (gram m Y) q + lam * bsum n (fun j => q j ^ 2)) by
  (symmetry; apply qform_hess).
rewrite (bsum_ext n (fun j => (w j - q j) ^ 2) (fun j => w j ^ 2 - 2 * (w j * q j) + q j ^ 2)) by
  (intros j _; ring).
rewrite bsum_plus, bsum_minus, (bsum_scal n 2 (fun j => w j * q j)); ring.
Qed.

(** What an inexact target costs: codes that lose no more than others against t can lose more by
    2 sum |rho_j| |q_j - r_j| at most. *)
Theorem T23_comparison n m X Y w t q r :
  let H := gram m Y in let rho := target_residual n (cross_gram m X Y) H w t in
  qform n H (vsub t q) <= qform n H (vsub t r) ->
  asymmetric_loss n m X Y w q
  <= asymmetric_loss n m X Y w r + 2 * bsum n (fun j => Rabs (rho j) * Rabs (q j - r j)).
Proof.
intros H rho less.
rewrite (T23_inexact n m X Y w t q), (T23_inexact n m X Y w t r); cbv zeta; fold H; fold rho.
assert (linear : inner n rho (vsub t q) - inner n rho (vsub t r)
  <= bsum n (fun j => Rabs (rho j) * Rabs (q j - r j))); [|lra].
rewrite <- bsum_minus; apply bsum_le; intros j _; unfold vsub.
replace (rho j * (t j - q j) - rho j * (t j - r j)) with (- (rho j * (q j - r j))) by ring.
rewrite <- Rabs_mult, <- Rabs_Ropp; apply Rle_abs.
Qed.
