(** * T24: rotation of the columns by signed Hadamard blocks of 16

    Purpose: a row that is quantized in another orthonormal basis loses what its codes lose in the
      basis of the weights; and the basis used is orthonormal exactly.
    Main definitions: [sylvester], [rotation_numerator] (the integers 4 R), [rotation] (R).
    Main results: [sylvester_gram] (H H^T = 2^k I for every order 2^k), [rotation_rows] and
      [rotation_columns] (in integers, 4 R (4 R)^T = (4 R)^T 4 R = 16 I), [T24_orthogonal],
      [T24_loss_any] (loss_{R G R^T}(v) = loss_G(v R) for any R), [T24_loss], [T24_codes].
    Depends on: [Sums], [Matrix], [MatrixFacts], [Identity].
    Source: J. J. Sylvester 1867; rotated bases as in J. Chee et al., QuIP, arXiv 2307.13304. *)
From Coq Require Import Reals Lra Lia Arith ZArith Bool.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Identity.
Open Scope R_scope.

(** Sylvester's Hadamard matrix of order 2^k: H_1 = 1, and H_{2 m} is H_m four times, the last one
    with the opposite sign. *)
Fixpoint sylvester (k i j : nat) : Z :=
  match k with
  | O => 1
  | S k => let m := (2 ^ k)%nat in
      (if (m <=? i)%nat && (m <=? j)%nat then -1 else 1) * sylvester k (i mod m) (j mod m)
  end.

(** The matrix with Hadamard blocks for all whole blocks of 16 columns, and 4 on the diagonal
    beyond. *)
Definition hadamard_blocks (n i j : nat) : Z :=
  if (i / 16 <? n / 16)%nat
  then if (i / 16 =? j / 16)%nat then sylvester 4 (i mod 16) (j mod 16) else 0
  else if (i =? j)%nat then 4 else 0.

(** The sign of a column: sigma in the whole blocks, 1 beyond. *)
Definition block_sign (n : nat) (sigma : nat -> Z) (j : nat) : Z :=
  if (j / 16 <? n / 16)%nat then sigma j else 1.

(** The integers 4 R. *)
Definition rotation_numerator (n : nat) (sigma : nat -> Z) (i j : nat) : Z :=
  hadamard_blocks n i j * block_sign n sigma j.

(** R = blockdiag(H_16 diag(sigma)) / 4; columns beyond the last whole block stay. *)
Definition rotation (n : nat) (sigma : nat -> Z) : mat :=
  fun i j => IZR (rotation_numerator n sigma i j) / 4.

(** A sum of integers. *)
Fixpoint zsum (n : nat) (f : nat -> Z) : Z :=
  match n with
  | O => 0
  | S k => zsum k f + f k
  end.

(** ** Sums of integers *)

(** The real value of a sum of integers. *)
Lemma IZR_zsum n f : IZR (zsum n f) = bsum n (fun i => IZR (f i)).
Proof. induction n as [|n IH]; [reflexivity|]; simpl; rewrite plus_IZR, IH; reflexivity. Qed.

(** A sum depends only on the terms below its bound. *)
Lemma zsum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> zsum n f = zsum n g.
Proof.
induction n as [|n IH]; simpl; intros same; [reflexivity|]; rewrite IH, (same n); auto.
Qed.

(** A sum of zeros is zero. *)
Lemma zsum_0 n f : (forall i, (i < n)%nat -> f i = 0%Z) -> zsum n f = 0%Z.
Proof.
induction n as [|n IH]; simpl; intros zero; [reflexivity|]; rewrite IH, (zero n); auto.
Qed.

(** A constant factor comes out of a sum. *)
Lemma zsum_scal n c f : zsum n (fun i => c * f i)%Z = (c * zsum n f)%Z.
Proof. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. Qed.

(** A sum over [n + m] indices in two parts. *)
Lemma zsum_app n m f : zsum (n + m) f = (zsum n f + zsum m (fun i => f (n + i)%nat))%Z.
Proof.
induction m as [|m IH]; [rewrite Nat.add_0_r; simpl; ring|].
rewrite Nat.add_succ_r; simpl; rewrite IH; ring.
Qed.

(** A sum whose terms vanish outside [m] indices from [a] on. *)
Lemma zsum_window n a m f : (a + m <= n)%nat ->
  (forall i, (i < n)%nat -> (i < a)%nat \/ (a + m <= i)%nat -> f i = 0%Z) ->
  zsum n f = zsum m (fun t => f (a + t)%nat).
Proof.
intros inside zero; replace n with (a + (m + (n - (a + m))))%nat by lia.
rewrite zsum_app, (zsum_app m), (zsum_0 a), (zsum_0 (n - (a + m))); [ring| |].
- intros i below; apply zero; lia.
- intros i below; apply zero; lia.
Qed.

(** The triangle inequality, for terms of at most [c]. *)
Lemma zsum_abs n c f : (forall i, (i < n)%nat -> Z.abs (f i) <= c)%Z ->
  (Z.abs (zsum n f) <= Z.of_nat n * c)%Z.
Proof.
induction n as [|n IH]; intros small; [simpl; lia|]; simpl zsum.
assert (head := IH (fun i below => small i (Nat.lt_lt_succ_r _ _ below))).
assert (last := small n (Nat.lt_succ_diag_r n)); lia.
Qed.

(** ** Sylvester's matrices *)

(** They are symmetric. *)
Lemma sylvester_sym k : forall i j, sylvester k i j = sylvester k j i.
Proof.
induction k as [|k IH]; intros i j; [reflexivity|]; cbn [sylvester].
rewrite (IH (i mod 2 ^ k)%nat), andb_comm; reflexivity.
Qed.

(** Their entries are signs. *)
Lemma sylvester_sign k : forall i j, sylvester k i j = 1%Z \/ sylvester k i j = (-1)%Z.
Proof.
induction k as [|k IH]; intros i j; [left; reflexivity|]; cbn [sylvester].
destruct (IH (i mod 2 ^ k) (j mod 2 ^ k))%nat as [-> | ->], (_ && _); auto.
Qed.

(** The first half of the columns. *)
Lemma sylvester_left k i t : (t < 2 ^ k)%nat ->
  sylvester (S k) i t = sylvester k (i mod 2 ^ k) t.
Proof.
intros below; cbn [sylvester]; rewrite (proj2 (Nat.leb_gt (2 ^ k) t)) by exact below.
rewrite andb_false_r, (Nat.mod_small t) by exact below; destruct sylvester; reflexivity.
Qed.

(** The second half. *)
Lemma sylvester_right k i t : (t < 2 ^ k)%nat ->
  sylvester (S k) i (2 ^ k + t)
  = ((if (2 ^ k <=? i)%nat then -1 else 1) * sylvester k (i mod 2 ^ k) t)%Z.
Proof.
intros below; cbn [sylvester]; rewrite (proj2 (Nat.leb_le (2 ^ k) (2 ^ k + t))) by lia.
rewrite andb_true_r; f_equal; f_equal.
rewrite <- (Nat.mul_1_l (2 ^ k)) at 1; rewrite Nat.add_comm, Nat.mod_add by lia.
apply Nat.mod_small; exact below.
Qed.

(** The rows of a Hadamard matrix of order 2^k are orthogonal, each of squared length 2^k. *)
Theorem sylvester_gram k : forall i j, (i < 2 ^ k)%nat -> (j < 2 ^ k)%nat ->
  zsum (2 ^ k) (fun t => sylvester k i t * sylvester k j t)%Z
  = if (i =? j)%nat then (2 ^ Z.of_nat k)%Z else 0%Z.
Proof.
induction k as [|k IH]; intros i j ibelow jbelow.
{ replace i with 0%nat by (simpl in ibelow; lia); replace j with 0%nat by (simpl in jbelow; lia).
  reflexivity. }
assert (power : (2 ^ S k = 2 ^ k + 2 ^ k)%nat) by (simpl; lia).
rewrite power in *; rewrite zsum_app.
set (si := (if (2 ^ k <=? i)%nat then -1 else 1)%Z).
set (sj := (if (2 ^ k <=? j)%nat then -1 else 1)%Z).
assert (part := IH (i mod 2 ^ k)%nat (j mod 2 ^ k)%nat ltac:(apply Nat.mod_upper_bound; lia)
  ltac:(apply Nat.mod_upper_bound; lia)).
rewrite (zsum_ext _ _ (fun t => sylvester k (i mod 2 ^ k) t * sylvester k (j mod 2 ^ k) t)%Z) by
  (intros t below; rewrite !sylvester_left by exact below; reflexivity).
rewrite (zsum_ext _ (fun t => sylvester (S k) i (2 ^ k + t) * sylvester (S k) j (2 ^ k + t))%Z
  (fun t => si * sj * (sylvester k (i mod 2 ^ k) t * sylvester k (j mod 2 ^ k) t))%Z) by
  (intros t below; rewrite !sylvester_right by exact below; fold si sj; ring).
rewrite zsum_scal, part, Nat2Z.inj_succ, Z.pow_succ_r by lia.
assert (reduce : forall x, (x < 2 ^ k + 2 ^ k)%nat ->
  (x mod 2 ^ k = if 2 ^ k <=? x then x - 2 ^ k else x)%nat).
{ intros x below; destruct (Nat.leb_spec (2 ^ k) x) as [high|low].
  - replace x with (x - 2 ^ k + 1 * 2 ^ k)%nat at 1 by lia.
    rewrite Nat.mod_add by lia; apply Nat.mod_small; lia.
  - apply Nat.mod_small; exact low. }
rewrite (reduce i ibelow), (reduce j jbelow); unfold si, sj.
destruct (Nat.leb_spec (2 ^ k) i) as [ihigh|ilow], (Nat.leb_spec (2 ^ k) j) as [jhigh|jlow].
all: destruct (Nat.eqb_spec i j) as [same|other].
all: try match goal with |- context [(?a =? ?b)%nat] => destruct (Nat.eqb_spec a b) end; lia.
Qed.

(** ** The rotation *)

(** The number of the block and the place in it. *)
Lemma block_place c t : (t < 16)%nat -> ((16 * c + t) / 16 = c /\ (16 * c + t) mod 16 = t)%nat.
Proof.
intros below; rewrite (Nat.mul_comm 16), Nat.add_comm, Nat.div_add, Nat.mod_add by lia.
rewrite Nat.div_small, Nat.mod_small by exact below; lia.
Qed.

(** Whole blocks lie below [n]. *)
Lemma block_inside n c : (c < n / 16)%nat -> (16 * c + 16 <= n)%nat.
Proof. intros below; assert (whole := Nat.mul_div_le n 16 ltac:(lia)); lia. Qed.

(** An entry outside its block is zero. *)
Lemma hadamard_blocks_0 n i j : (i / 16 <> j / 16)%nat -> hadamard_blocks n i j = 0%Z.
Proof.
intros other; unfold hadamard_blocks; rewrite (proj2 (Nat.eqb_neq _ _) other).
destruct (Nat.eqb_spec i j) as [->|_]; [contradiction|]; destruct Nat.ltb; reflexivity.
Qed.

(** The matrix of blocks is symmetric. *)
Lemma hadamard_blocks_sym n i j : hadamard_blocks n i j = hadamard_blocks n j i.
Proof.
destruct (Nat.eq_dec (i / 16) (j / 16)) as [same|other].
- unfold hadamard_blocks; rewrite same, Nat.eqb_refl, sylvester_sym, Nat.eqb_sym; reflexivity.
- rewrite !hadamard_blocks_0; auto.
Qed.

(** The rows of the blocks are orthogonal, each of squared length 16. *)
Lemma hadamard_blocks_gram n i j : (i < n)%nat -> (j < n)%nat ->
  zsum n (fun k => hadamard_blocks n i k * hadamard_blocks n j k)%Z
  = if (i =? j)%nat then 16%Z else 0%Z.
Proof.
intros ibelow jbelow; destruct (Nat.eq_dec (i / 16) (j / 16)) as [same|other].
- destruct (Nat.lt_ge_cases (i / 16) (n / 16)) as [whole|tail].
  + assert (inside := block_inside n (i / 16) whole).
    assert (small : forall x, (x mod 16 < 16)%nat) by (intros x; apply Nat.mod_upper_bound; lia).
    assert (split := Nat.div_mod_eq i 16); assert (split' := Nat.div_mod_eq j 16).
    rewrite (zsum_window n (16 * (i / 16)) 16) by first [exact inside | intros k kbelow outside;
      rewrite (hadamard_blocks_0 n i k), Z.mul_0_l; [reflexivity|]; intros equal;
      assert (parts := Nat.div_mod_eq k 16); specialize (small k); lia].
    rewrite (zsum_ext 16 _ (fun t => sylvester 4 (i mod 16) t * sylvester 4 (j mod 16) t)%Z).
    * rewrite (sylvester_gram 4) by apply small.
      destruct (Nat.eqb_spec (i mod 16) (j mod 16)), (Nat.eqb_spec i j); lia || reflexivity.
    * intros t below; unfold hadamard_blocks.
      destruct (block_place (i / 16) t below) as [-> ->].
      rewrite <- same, Nat.eqb_refl, (proj2 (Nat.ltb_lt _ _) whole); reflexivity.
  + rewrite (zsum_ext n _ (fun k => if (i =? k)%nat then 4 * hadamard_blocks n j k else 0)%Z).
    * rewrite (zsum_window n i 1) by first [lia | intros k _ outside;
        rewrite (proj2 (Nat.eqb_neq i k)) by lia; reflexivity].
      simpl zsum; rewrite Nat.add_0_r, Nat.eqb_refl; unfold hadamard_blocks; rewrite <- same.
      rewrite (proj2 (Nat.ltb_ge _ _) tail), (Nat.eqb_sym i j); destruct (j =? i)%nat; reflexivity.
    * intros k _; unfold hadamard_blocks at 1; rewrite (proj2 (Nat.ltb_ge _ _) tail).
      destruct (i =? k)%nat; reflexivity.
- rewrite zsum_0; [destruct (Nat.eqb_spec i j) as [->|_]; [contradiction|reflexivity]|].
  intros k _; destruct (Nat.eq_dec (i / 16) (k / 16)) as [here|elsewhere].
  + rewrite (hadamard_blocks_0 n j k) by congruence; ring.
  + rewrite (hadamard_blocks_0 n i k) by exact elsewhere; ring.
Qed.

Section Signs.

Variables (n : nat) (sigma : nat -> Z).
Hypothesis signs : forall j, (j < n)%nat -> sigma j = 1%Z \/ sigma j = (-1)%Z.

(** The square of a sign is 1. *)
Lemma block_sign_sqr j : (j < n)%nat -> (block_sign n sigma j * block_sign n sigma j = 1)%Z.
Proof.
intros below; unfold block_sign; destruct Nat.ltb; [|reflexivity].
destruct (signs j below) as [-> | ->]; reflexivity.
Qed.

(** In integers, 4 R (4 R)^T = 16 I, *)
Theorem rotation_rows i j : (i < n)%nat -> (j < n)%nat ->
  zsum n (fun k => rotation_numerator n sigma i k * rotation_numerator n sigma j k)%Z
  = if (i =? j)%nat then 16%Z else 0%Z.
Proof.
intros ibelow jbelow; rewrite <- (hadamard_blocks_gram n) by assumption.
apply zsum_ext; intros k below; unfold rotation_numerator.
rewrite Z.mul_shuffle1, block_sign_sqr by exact below; ring.
Qed.

(** and (4 R)^T 4 R = 16 I. *)
Theorem rotation_columns i j : (i < n)%nat -> (j < n)%nat ->
  zsum n (fun k => rotation_numerator n sigma k i * rotation_numerator n sigma k j)%Z
  = if (i =? j)%nat then 16%Z else 0%Z.
Proof.
intros ibelow jbelow.
rewrite (zsum_ext n _ (fun k => block_sign n sigma i * block_sign n sigma j *
  (hadamard_blocks n i k * hadamard_blocks n j k))%Z) by
  (intros k _; unfold rotation_numerator;
   rewrite (hadamard_blocks_sym n k i), (hadamard_blocks_sym n k j); ring).
rewrite zsum_scal, hadamard_blocks_gram by assumption.
destruct (Nat.eqb_spec i j) as [->|_]; [rewrite block_sign_sqr by exact jbelow|]; ring.
Qed.

(** T24. R R^T = I and R^T R = I. *)
Theorem T24_orthogonal : let R := rotation n sigma in
  inv_pair n R (fun i j => R j i) /\ inv_pair n (fun i j => R j i) R.
Proof.
cbv zeta; split; intros i j ibelow jbelow; unfold rotation.
- rewrite (bsum_ext n _ (fun k => IZR (rotation_numerator n sigma i k *
    rotation_numerator n sigma j k) * / 16)) by (intros k _; rewrite mult_IZR; field).
  rewrite bsum_scalr, <- IZR_zsum, rotation_rows by assumption; destruct Nat.eqb; field.
- rewrite (bsum_ext n _ (fun k => IZR (rotation_numerator n sigma k i *
    rotation_numerator n sigma k j) * / 16)) by (intros k _; rewrite mult_IZR; field).
  rewrite bsum_scalr, <- IZR_zsum, rotation_columns by assumption; destruct Nat.eqb; field.
Qed.

End Signs.

(** ** The loss in another basis *)

(** The loss of v in R G R^T is that of v R in G, for any R. *)
Theorem T24_loss_any n R G v : qform n (vmv n R G) v = qform n G (vmul n v R).
Proof. symmetry; apply qform_pull; reflexivity. Qed.

(** A row in another orthonormal basis and back. *)
Lemma back_and_forth n R v j : inv_pair n (fun i j => R j i) R -> (j < n)%nat ->
  vmul n (vmul n v (fun i j => R j i)) R j = v j.
Proof.
intros orthogonal below; rewrite <- vmul_mmul.
apply vmul_identity; [|exact below]; intros i ibelow; apply orthogonal; assumption.
Qed.

(** A difference of rows times a matrix. *)
Lemma vmul_vsub n a b M j : vmul n (vsub a b) M j = vmul n a M j - vmul n b M j.
Proof.
unfold vmul; rewrite <- bsum_minus; apply bsum_ext; intros i _; unfold vsub; ring.
Qed.

(** T24. The loss of e R^T in R G R^T is that of e in G. *)
Theorem T24_loss n R G e : inv_pair n (fun i j => R j i) R ->
  qform n (vmv n R G) (vmul n e (fun i j => R j i)) = qform n G e.
Proof.
intros orthogonal; rewrite T24_loss_any; apply qform_ext; intros j below.
apply back_and_forth; assumption.
Qed.

(** T24 for codes: numbers c in place of w R^T lose in R G R^T what c R loses, in place of w, in
    G. *)
Theorem T24_codes n R G w c : inv_pair n (fun i j => R j i) R ->
  qform n (vmv n R G) (vsub (vmul n w (fun i j => R j i)) c) = qform n G (vsub w (vmul n c R)).
Proof.
intros orthogonal; rewrite T24_loss_any; apply qform_ext; intros j below.
rewrite vmul_vsub, back_and_forth by assumption; reflexivity.
Qed.
