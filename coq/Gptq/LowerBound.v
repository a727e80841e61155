(** * T21: a lower bound for any codes

    Purpose: how much every choice of codes loses at least, so that a reader sees how far from the
      best possible a row is.  A diagonal that can be taken from G without making it indefinite
      turns distances from the grid into loss.
    Main definitions: [minus_diagonal] (G - diag delta).
    Main results: [T21_lower_bound] (exact), [T21_grid] (codes of a grid against round-to-nearest),
      [T21_nearly] (where G - diag delta is only nearly semidefinite).
    Depends on: [MatrixFacts], [Quantizer].
    Source: the diagonal dual of the closest vector problem; this project for the nearly
      semidefinite form. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Quantizer.
Open Scope R_scope.

(** G with [delta] taken from its diagonal. *)
Definition minus_diagonal (G : mat) (delta : vec) : mat := fun i j => G i j - diag delta i j.

(** Its form. *)
Lemma qform_minus_diagonal n G delta v :
  qform n (minus_diagonal G delta) v = qform n G v - bsum n (fun j => delta j * v j ^ 2).
Proof. unfold minus_diagonal; rewrite (qform_sub n G (diag delta)), qform_diag; reflexivity. Qed.

(** T21. Codes at least [dist j] away from every weight lose at least sum_j delta_j dist_j^2. *)
Theorem T21_lower_bound n G delta w q dist : psd n (minus_diagonal G delta) -> nonneg n delta ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  bsum n (fun j => delta j * dist j ^ 2) <= qform n G (vsub w q).
Proof.
intros semidef pos far; assert (form := semidef (vsub w q)); rewrite qform_minus_diagonal in form.
apply Rle_trans with (bsum n (fun j => delta j * vsub w q j ^ 2)); [|lra].
apply bsum_le; intros j below; apply Rmult_le_compat_l; [exact (pos j below)|].
unfold vsub; rewrite <- (pow2_abs (w j - q j)); apply pow_incr; exact (far j below).
Qed.

(** The square of a sum of n terms is at most n times the sum of their squares. *)
Lemma bsum_square n f : bsum n f ^ 2 <= INR n * bsum n (fun i => f i ^ 2).
Proof.
simpl (_ ^ 2) at 1; rewrite Rmult_1_r, bsum_mult.
apply Rle_trans with (bsum n (fun i => bsum n (fun j => f i ^ 2 / 2 + f j ^ 2 / 2))).
- apply bsum_le; intros i _; apply bsum_le; intros j _.
  assert (square := pow2_ge_0 (f i - f j)); simpl in square |- *; lra.
- apply Req_le; rewrite (bsum_ext n _ (fun i =>
    INR n * (f i ^ 2 / 2) + bsum n (fun j => f j ^ 2 / 2))).
  + rewrite bsum_plus, bsum_scal, bsum_const; unfold Rdiv; rewrite bsum_scalr; field.
  + intros i _; rewrite bsum_plus, bsum_const; reflexivity.
Qed.

(** T21 where G - diag delta has forms below zero, but none below g (sum_j |v_j| a_j)^2: each delta
    pays n g a_j^2 for that. *)
Theorem T21_nearly n G delta w q dist g a : 0 <= g ->
  (forall v,
    - (g * bsum n (fun j => Rabs (v j) * a j) ^ 2) <= qform n (minus_diagonal G delta) v) ->
  (forall j, (j < n)%nat -> INR n * g * a j ^ 2 <= delta j) ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  bsum n (fun j => (delta j - INR n * g * a j ^ 2) * dist j ^ 2) <= qform n G (vsub w q).
Proof.
intros gpos nearly pays far; set (paid := fun j => delta j - INR n * g * a j ^ 2).
apply (T21_lower_bound n G paid w q dist); [|
  intros j below; specialize (pays j below); unfold paid; lra|exact far].
intros v; rewrite qform_minus_diagonal; specialize (nearly v).
rewrite qform_minus_diagonal in nearly.
assert (square := bsum_square n (fun j => Rabs (v j) * a j)).
apply (Rmult_le_compat_l g) in square; [|exact gpos].
replace (bsum n (fun j => paid j * v j ^ 2)) with (bsum n (fun j => delta j * v j ^ 2)
  - g * (INR n * bsum n (fun j => (Rabs (v j) * a j) ^ 2))); [lra|].
rewrite <- !bsum_scal, <- bsum_minus; apply bsum_ext; intros j _; unfold paid.
rewrite Rpow_mult_distr, pow2_abs; ring.
Qed.

(** The distance of a weight from the grid is that of round-to-nearest. *)
Lemma nearest_distance Q x y : nearest Q -> 0 <= Rabs (x - Q x) <= Rabs (x - Q y).
Proof. intros best; split; [apply Rabs_pos|apply best]. Qed.

(** T21 for the codes of a grid: the distances are those of round-to-nearest. *)
Theorem T21_grid n G delta w q Q : psd n (minus_diagonal G delta) -> nonneg n delta ->
  (forall j, (j < n)%nat -> nearest (Q j)) -> (forall j, (j < n)%nat -> exists x, q j = Q j x) ->
  bsum n (fun j => delta j * vsub w (rtn Q w) j ^ 2) <= qform n G (vsub w q).
Proof.
intros semidef pos best on_grid.
rewrite (bsum_ext n _ (fun j => delta j * Rabs (vsub w (rtn Q w) j) ^ 2)) by
  (intros j _; rewrite pow2_abs; reflexivity).
apply T21_lower_bound; [exact semidef|exact pos|]; intros j below.
destruct (on_grid j below) as [x ->]; apply nearest_distance; exact (best j below).
Qed.
