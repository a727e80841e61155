(** * The norm in which the losses are measured

    Purpose: N(x)^2 = sum d_j x_j^2 for positive pivots d: by T1 the loss is N(e U)^2 up to the
      residual of the factor.
    Main results: [pivot_norm_triangle] (Minkowski), [pivot_norm_le], [pivot_norm_rows] (a
      combination of the rows of a matrix), [pivot_norm_row] (a row of U, through the diagonal of
      U D U^T), [square_distance] (from the norm of a difference to the squares).
    Bound functions: [pivot_norm].
    Depends on: Gptq/Sums, Gptq/Matrix, [SumsExtra].
    Source: this project. *)
From Coq Require Import Reals Lia Lra Psatz.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import SumsExtra.
Open Scope R_scope.

(** N(x) = sqrt(sum d_j x_j^2). *)
Definition pivot_norm (n : nat) (d x : vec) : R := sqrt (bsum n (fun j => d j * x j ^ 2)).

Section Norm.

Variables (n : nat) (d : vec).
Hypothesis pivots : nonneg n d.
Notation N := (pivot_norm n d).

(** The sum under the root is nonnegative. *)
Lemma pivot_sum_ge0 x : 0 <= bsum n (fun j => d j * x j ^ 2).
Proof.
apply bsum_ge0; intros j below; apply Rmult_le_pos; [apply pivots; exact below|apply pow2_ge_0].
Qed.

(** The norm is nonnegative. *)
Lemma pivot_norm_ge0 x : 0 <= N x.
Proof. apply sqrt_pos. Qed.

(** The square of the norm. *)
Lemma pivot_norm_square x : N x ^ 2 = bsum n (fun j => d j * x j ^ 2).
Proof. unfold pivot_norm; rewrite pow2_sqrt; [reflexivity|apply pivot_sum_ge0]. Qed.

(** The norm depends only on the entries below [n]. *)
Lemma pivot_norm_ext x y : (forall j, (j < n)%nat -> x j = y j) -> N x = N y.
Proof.
intros same; unfold pivot_norm; f_equal; apply bsum_ext; intros j below.
rewrite same by exact below; reflexivity.
Qed.

(** The norm is monotone in absolute values. *)
Lemma pivot_norm_le x y : (forall j, (j < n)%nat -> Rabs (x j) <= y j) -> N x <= N y.
Proof.
intros below; apply sqrt_le_1_alt, bsum_le; intros j range.
apply Rmult_le_compat_l; [apply pivots; exact range|apply sqr_le, below; exact range].
Qed.

(** The norm of a multiple. *)
Lemma pivot_norm_scale c x : N (fun j => c * x j) = Rabs c * N x.
Proof.
unfold pivot_norm.
rewrite (bsum_ext n _ (fun j => c ^ 2 * (d j * x j ^ 2))) by (intros; ring).
rewrite bsum_scal, sqrt_mult; [|apply pow2_ge_0|apply pivot_sum_ge0].
f_equal; rewrite <- sqrt_Rsqr_abs; f_equal; unfold Rsqr; ring.
Qed.

(** Minkowski's inequality. *)
Theorem pivot_norm_triangle x y : N (fun j => x j + y j) <= N x + N y.
Proof.
assert (Nx := pivot_norm_ge0 x); assert (Ny := pivot_norm_ge0 y).
assert (cross : bsum n (fun j => d j * (x j * y j)) <= N x * N y).
{ eapply Rle_trans; [apply Rle_abs|].
  assert (schwarz := cauchy_schwarz_sqrt n
    (fun j => sqrt (d j) * x j) (fun j => sqrt (d j) * y j)); cbv beta in schwarz.
  assert (root : forall j, (j < n)%nat -> sqrt (d j) * sqrt (d j) = d j)
    by (intros j below; apply sqrt_sqrt, pivots; exact below).
  rewrite (bsum_ext n (fun k => sqrt (d k) * x k * (sqrt (d k) * y k))
    (fun j => d j * (x j * y j))) in schwarz
    by (intros j below; rewrite <- (root j below) at 3; ring).
  rewrite (bsum_ext n (fun k => (sqrt (d k) * x k) ^ 2) (fun j => d j * x j ^ 2)) in schwarz
    by (intros j below; rewrite <- (root j below) at 2; ring).
  rewrite (bsum_ext n (fun k => (sqrt (d k) * y k) ^ 2) (fun j => d j * y j ^ 2)) in schwarz
    by (intros j below; rewrite <- (root j below) at 2; ring).
  exact schwarz. }
rewrite <- (sqrt_pow2 (N x + N y)) by lra; apply sqrt_le_1_alt.
rewrite (bsum_ext n _ (fun j => d j * x j ^ 2 + (2 * (d j * (x j * y j)) + d j * y j ^ 2)))
  by (intros; ring).
rewrite !bsum_plus, bsum_scal, <- !pivot_norm_square; nra.
Qed.

(** A combination of rows. *)
Theorem pivot_norm_rows m a (M : mat) :
  N (fun j => bsum m (fun k => a k * M k j)) <= bsum m (fun k => Rabs (a k) * N (M k)).
Proof.
induction m as [|m IH]; cbn [bsum].
- unfold pivot_norm; rewrite bsum_0 by (intros; ring); rewrite sqrt_0; lra.
- eapply Rle_trans; [apply pivot_norm_triangle|].
  apply Rplus_le_compat; [exact IH|rewrite pivot_norm_scale; apply Rle_refl].
Qed.

(** The norm of a row of U is the root of the diagonal of U D U^T. *)
Lemma pivot_norm_row U k : N (fun j => Rabs (U k j)) = sqrt (recon n U d k k).
Proof.
unfold pivot_norm, recon; f_equal; apply bsum_ext; intros j _; rewrite pow2_abs; ring.
Qed.

(** Two vectors close in the norm have close squares, in terms of the computed one. *)
Theorem square_distance x y rho : N (fun j => x j - y j) <= rho ->
  Rabs (bsum n (fun j => d j * y j ^ 2) - bsum n (fun j => d j * x j ^ 2))
  <= 2 * N x * rho + rho ^ 2.
Proof.
intros close; rewrite <- !pivot_norm_square.
assert (Nx := pivot_norm_ge0 x); assert (Ny := pivot_norm_ge0 y).
assert (first : N x <= N (fun j => x j - y j) + N y).
{ eapply Rle_trans; [|apply pivot_norm_triangle]; apply Req_le, pivot_norm_ext; intros; ring. }
assert (second : N y <= N (fun j => x j - y j) + N x).
{ assert (mirror : N (fun j => -1 * (x j - y j)) = N (fun j => x j - y j))
    by (rewrite pivot_norm_scale, Rabs_left1 by lra; ring).
  rewrite <- mirror; eapply Rle_trans; [|apply pivot_norm_triangle].
  apply Req_le, pivot_norm_ext; intros; ring. }
apply Rabs_le; split; nra.
Qed.

End Norm.
