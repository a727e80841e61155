(** * Quadratic forms and matrix products: lemmas

    Purpose: the algebra of the definitions of [Matrix].
    Main results: [loss_gram] (|v X|^2 = v (X X^T) v^T), [qform_hess] (the damped form),
      [qform_diag], [qform_sub], [qform_S] (one more column), [mmul_assoc], [vmul_mmul],
      [qform_residual_le] (a residual bounded entry by entry by g a_i a_j), [qform_rowsum].
    Depends on: [Sums], [Matrix].
    Source: elementary. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import Sums Matrix.
Open Scope R_scope.

(** The token loss is the quadratic form of the Gram matrix. *)
Lemma loss_gram n m X v : loss n m X v = qform n (gram m X) v.
Proof.
unfold loss, qform, gram.
transitivity (bsum m (fun k => bsum n (fun i => bsum n (fun j => v i * (X i k * X j k) * v j)))).
- apply bsum_ext; intros k _.
  simpl; rewrite Rmult_1_r, <- bsum_scalr; apply bsum_ext; intros i _.
  rewrite <- bsum_scal; apply bsum_ext; intros j _; ring.
- rewrite bsum_swap; apply bsum_ext; intros i _.
  rewrite bsum_swap; apply bsum_ext; intros j _.
  rewrite <- bsum_scal, <- bsum_scalr; apply bsum_ext; intros k _; ring.
Qed.

(** The token loss is nonnegative. *)
Lemma loss_ge0 n m X v : 0 <= loss n m X v.
Proof. apply bsum_ge0; intros k _; apply pow2_ge_0. Qed.

(** The quadratic form of the damped Hessian. *)
Lemma qform_hess n lam G v :
  qform n (hess lam G) v = 2 * qform n G v + lam * bsum n (fun i => v i ^ 2).
Proof.
unfold qform, hess; rewrite <- !bsum_scal, <- bsum_plus.
apply bsum_ext; intros i below; rewrite <- bsum_scal.
rewrite <- (bsum_delta n i (fun j => lam * v j ^ 2)), <- bsum_plus by assumption.
apply bsum_ext; intros j _; destruct (Nat.eqb_spec i j) as [->|_]; ring.
Qed.

(** A quadratic form looks only at the indices below its size. *)
Lemma qform_ext n M v v' : (forall i, (i < n)%nat -> v i = v' i) -> qform n M v = qform n M v'.
Proof.
intros same; unfold qform; apply bsum_ext; intros i ibelow; apply bsum_ext; intros j jbelow.
rewrite !same; auto.
Qed.

(** A quadratic form looks only at the entries below its size. *)
Lemma qform_ext_mat n M N v :
  (forall i j, (i < n)%nat -> (j < n)%nat -> M i j = N i j) -> qform n M v = qform n N v.
Proof.
intros same; unfold qform; apply bsum_ext; intros i ibelow; apply bsum_ext; intros j jbelow.
rewrite same; auto.
Qed.

(** A factor of the vector comes out squared. *)
Lemma qform_scal n M c v : qform n M (fun i => c * v i) = c ^ 2 * qform n M v.
Proof.
unfold qform; rewrite <- bsum_scal; apply bsum_ext; intros i _.
rewrite <- bsum_scal; apply bsum_ext; intros j _; ring.
Qed.

(** A factor of the matrix comes out. *)
Lemma qform_mat_scal n M c v : qform n (fun i j => c * M i j) v = c * qform n M v.
Proof.
unfold qform; rewrite <- bsum_scal; apply bsum_ext; intros i _.
rewrite <- bsum_scal; apply bsum_ext; intros j _; ring.
Qed.

(** The quadratic form of a difference of matrices. *)
Lemma qform_sub n A B v : qform n (fun i j => A i j - B i j) v = qform n A v - qform n B v.
Proof.
unfold qform; rewrite <- bsum_minus; apply bsum_ext; intros i _.
rewrite <- bsum_minus; apply bsum_ext; intros j _; ring.
Qed.

(** The quadratic form of a diagonal matrix. *)
Lemma qform_diag n d t : qform n (diag d) t = bsum n (fun j => d j * t j ^ 2).
Proof.
unfold qform, diag; apply bsum_ext; intros i below.
rewrite (bsum_ext n _ (fun j => if Nat.eqb i j then d j * t j ^ 2 else 0)).
- apply (bsum_delta n i (fun j => d j * t j ^ 2)); exact below.
- intros j _; destruct (Nat.eqb_spec i j) as [->|_]; ring.
Qed.

(** The quadratic form of U D U^T is a sum of squares. *)
Lemma qform_recon n U d v :
  qform n (recon n U d) v = bsum n (fun k => d k * vmul n v U k ^ 2).
Proof.
unfold qform, recon, vmul.
transitivity
  (bsum n (fun i => bsum n (fun j => bsum n (fun k => v i * (U i k * d k * U j k) * v j)))).
- apply bsum_ext; intros i _; apply bsum_ext; intros j _.
  rewrite <- bsum_scal, <- bsum_scalr; reflexivity.
- transitivity
    (bsum n (fun i => bsum n (fun k => bsum n (fun j => v i * (U i k * d k * U j k) * v j)))).
  + apply bsum_ext; intros i _; apply bsum_swap.
  + rewrite bsum_swap; apply bsum_ext; intros k _.
    simpl; rewrite Rmult_1_r, bsum_mult, <- bsum_scal.
    apply bsum_ext; intros i _; rewrite <- bsum_scal; apply bsum_ext; intros j _; ring.
Qed.

(** One more column: the quadratic form grows by its last row, column and corner. *)
Lemma qform_S n M v :
  qform (S n) M v =
  qform n M v + v n * (bsum n (fun i => v i * M i n) + bsum n (fun j => M n j * v j))
  + M n n * v n ^ 2.
Proof.
unfold qform; simpl; rewrite bsum_plus.
replace (bsum n (fun j => v n * M n j * v j)) with (v n * bsum n (fun j => M n j * v j))
  by (rewrite <- bsum_scal; apply bsum_ext; intros j _; ring).
replace (bsum n (fun i => v i * M i n * v n)) with (v n * bsum n (fun i => v i * M i n))
  by (rewrite <- bsum_scal; apply bsum_ext; intros i _; ring).
ring.
Qed.

(** The trace of the damped Hessian. *)
Lemma trace_hess n lam G : trace n (hess lam G) = 2 * trace n G + INR n * lam.
Proof.
unfold trace, hess; rewrite bsum_plus, bsum_scal; f_equal.
rewrite <- bsum_const; apply bsum_ext; intros i _; rewrite Nat.eqb_refl; reflexivity.
Qed.

(** A row minus the zero row is the row, under a product. *)
Lemma vmul_vsub_zero n v U j : vmul n (vsub v (fun _ => 0)) U j = vmul n v U j.
Proof. apply bsum_ext; intros i _; unfold vsub; ring. Qed.

(** A row times a product is the product of the products. *)
Lemma vmul_mmul n v A B j : vmul n v (mmul n A B) j = vmul n (vmul n v A) B j.
Proof.
unfold vmul, mmul.
transitivity (bsum n (fun i => bsum n (fun k => v i * A i k * B k j))).
- apply bsum_ext; intros i _; rewrite <- bsum_scal; apply bsum_ext; intros k _; ring.
- rewrite bsum_swap; apply bsum_ext; intros k _; rewrite <- bsum_scalr; reflexivity.
Qed.

(** The product of matrices is associative. *)
Lemma mmul_assoc n A B C i j : mmul n A (mmul n B C) i j = mmul n (mmul n A B) C i j.
Proof. exact (vmul_mmul n (A i) B C j). Qed.

(** Products look only at the entries below their size. *)
Lemma mmul_ext n A A' B B' i j :
  (forall k, (k < n)%nat -> A i k = A' i k) -> (forall k, (k < n)%nat -> B k j = B' k j) ->
  mmul n A B i j = mmul n A' B' i j.
Proof.
intros sameA sameB; apply bsum_ext; intros k below; rewrite sameA, sameB; auto.
Qed.

(** A row times the identity is the row. *)
Lemma vmul_identity n v N j :
  (forall i, (i < n)%nat -> N i j = if Nat.eqb i j then 1 else 0) -> (j < n)%nat ->
  vmul n v N j = v j.
Proof.
intros ident below; unfold vmul.
rewrite (bsum_ext n _ (fun i => if Nat.eqb j i then v i else 0)).
- apply bsum_delta; exact below.
- intros i ibelow; rewrite ident by exact ibelow; rewrite Nat.eqb_sym.
  destruct (Nat.eqb j i); ring.
Qed.

(** Bounds on the entries of a residual by g a_i a_j bound its quadratic form. *)
Lemma qform_residual_le n E g a v :
  (forall i j, (i < n)%nat -> (j < n)%nat -> Rabs (E i j) <= g * (a i * a j)) ->
  Rabs (qform n E v) <= g * bsum n (fun i => Rabs (v i) * a i) ^ 2.
Proof.
intros entry; unfold qform; eapply Rle_trans; [apply bsum_abs|].
simpl; rewrite Rmult_1_r, bsum_mult, <- bsum_scal; apply bsum_le; intros i ibelow.
rewrite <- bsum_scal; eapply Rle_trans; [apply bsum_abs|]; apply bsum_le; intros j jbelow.
rewrite !Rabs_mult; specialize (entry i j ibelow jbelow).
replace (g * (Rabs (v i) * a i * (Rabs (v j) * a j)))
  with (Rabs (v i) * (g * (a i * a j)) * Rabs (v j)) by ring.
apply Rmult_le_compat_r; [apply Rabs_pos|]; apply Rmult_le_compat_l; [apply Rabs_pos|exact entry].
Qed.

(** A symmetric form is at most the sum of its absolute row sums against the squares. *)
Lemma qform_rowsum n E v : sym n E ->
  Rabs (qform n E v) <= bsum n (fun i => bsum n (fun j => Rabs (E i j)) * v i ^ 2).
Proof.
intros symmetric; unfold qform; eapply Rle_trans; [apply bsum_abs|].
apply Rle_trans with
  (bsum n (fun i => bsum n (fun j => Rabs (E i j) * (v i ^ 2 / 2 + v j ^ 2 / 2)))).
- apply bsum_le; intros i _; eapply Rle_trans; [apply bsum_abs|]; apply bsum_le; intros j _.
  rewrite !Rabs_mult.
  replace (Rabs (v i) * Rabs (E i j) * Rabs (v j))
    with (Rabs (E i j) * (Rabs (v i) * Rabs (v j))) by ring.
  apply Rmult_le_compat_l; [apply Rabs_pos|].
  rewrite <- (pow2_abs (v i)), <- (pow2_abs (v j)).
  assert (square := pow2_ge_0 (Rabs (v i) - Rabs (v j))); simpl in square |- *; lra.
- apply Req_le.
  transitivity (bsum n (fun i => bsum n (fun j => Rabs (E i j) * (v i ^ 2 / 2)))
     + bsum n (fun i => bsum n (fun j => Rabs (E i j) * (v j ^ 2 / 2)))).
  + rewrite <- bsum_plus; apply bsum_ext; intros i _.
    rewrite <- bsum_plus; apply bsum_ext; intros j _; ring.
  + rewrite (bsum_swap n n (fun i j => Rabs (E i j) * (v j ^ 2 / 2))), <- bsum_plus.
    apply bsum_ext; intros i ibelow; rewrite <- bsum_plus, <- bsum_scalr.
    apply bsum_ext; intros j jbelow; rewrite (symmetric j i) by assumption; field.
Qed.
