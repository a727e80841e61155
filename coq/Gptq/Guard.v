(** * T6: the guard

    Purpose: keeping, row by row, the better of two quantizations makes the comparison with
      round-to-nearest true for every weight and all data.
    Main results: [T6_guard_row], [T6_guard_loss], [T6_guard_matrix], [T6_guard_min] (the guard
      keeps the bounds of both sides), [T6_guard_enclosure] and [T6_guard_enclosure_matrix] (losses
      known only up to enclosures, as the program knows them), [T6_guard_approximate].
    Nothing is assumed about the two quantizations.
    Depends on: [Matrix], [MatrixFacts].
    Source: this project. *)
From Coq Require Import Reals Lra.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
Open Scope R_scope.

(** The guarded row: [g] where it loses no more than [r], otherwise [r]. *)
Definition guard (n : nat) (G : mat) (w g r : vec) : vec :=
  if Rle_dec (qform n G (vsub w g)) (qform n G (vsub w r)) then g else r.

(** The loss of a matrix of errors with [p] rows, the sum over its rows. *)
Definition matrix_qform (p n : nat) (G E : mat) : R := bsum p (fun i => qform n G (E i)).

(** T6 for a row: the guarded row loses no more than round-to-nearest. *)
Theorem T6_guard_row n G w g r :
  qform n G (vsub w (guard n G w g r)) <= qform n G (vsub w r).
Proof. unfold guard; destruct Rle_dec as [keep|drop]; lra. Qed.

(** T6 in the token loss |(w - q) X|^2. *)
Theorem T6_guard_loss n m X w g r :
  loss n m X (vsub w (guard n (gram m X) w g r)) <= loss n m X (vsub w r).
Proof. rewrite !loss_gram; apply T6_guard_row. Qed.

(** T6 for a matrix: so does the guarded matrix. *)
Theorem T6_guard_matrix p n G (W A B : mat) :
  matrix_qform p n G (fun i => vsub (W i) (guard n G (W i) (A i) (B i)))
  <= matrix_qform p n G (fun i => vsub (W i) (B i)).
Proof. apply bsum_le; intros i _; apply T6_guard_row. Qed.

(** The guarded row loses the smaller of the two losses, so that every bound on either holds for
    it. *)
Theorem T6_guard_min n G w g r :
  qform n G (vsub w (guard n G w g r)) = Rmin (qform n G (vsub w g)) (qform n G (vsub w r)).
Proof. unfold guard, Rmin; destruct Rle_dec as [keep|drop]; reflexivity. Qed.

(** T6 from enclosures: choosing [g] only where its upper end is at most the lower end of [r]. *)
Theorem T6_guard_enclosure (loss_g loss_r upper_g lower_r : R) (choose_g : bool) :
  loss_g <= upper_g -> lower_r <= loss_r -> (choose_g = true -> upper_g <= lower_r) ->
  (if choose_g then loss_g else loss_r) <= loss_r.
Proof.
intros above below decide; destruct choose_g; [specialize (decide eq_refl)|]; lra.
Qed.

(** T6 from enclosures for a matrix, one decision per row. *)
Theorem T6_guard_enclosure_matrix p n G (W A B : mat) (upper lower : vec) (choose : nat -> bool) :
  (forall i, (i < p)%nat -> qform n G (vsub (W i) (A i)) <= upper i) ->
  (forall i, (i < p)%nat -> lower i <= qform n G (vsub (W i) (B i))) ->
  (forall i, (i < p)%nat -> choose i = true -> upper i <= lower i) ->
  matrix_qform p n G (fun i => vsub (W i) (if choose i then A i else B i))
  <= matrix_qform p n G (fun i => vsub (W i) (B i)).
Proof.
intros above below decide; apply bsum_le; intros i row.
specialize (above i row); specialize (below i row); specialize (decide i row).
destruct (choose i); [specialize (decide eq_refl)|]; lra.
Qed.

(** T6 from approximate losses: choosing [g] only where it wins by twice the tolerance. *)
Theorem T6_guard_approximate (loss_g loss_r approx_g approx_r tol : R) (choose_g : bool) :
  Rabs (approx_g - loss_g) <= tol -> Rabs (approx_r - loss_r) <= tol ->
  (choose_g = true -> approx_g + 2 * tol <= approx_r) ->
  (if choose_g then loss_g else loss_r) <= loss_r.
Proof.
intros close_g close_r decide; destruct choose_g; [specialize (decide eq_refl)|lra].
revert close_g close_r; unfold Rabs; do 2 destruct Rcase_abs; intros; lra.
Qed.
