(** * The form e M e^T over integers, from the upper triangle

    Purpose: the exact loss of a row is a quadratic form in integers.  The matrix is read once,
      its symmetry is decided, and each form uses the upper triangle only.
    Main results: [dot_correct], [symmetric_correct], [quadratic_correct].
    Depends on: Gptq/Sums, Gptq/Matrix.
    Source: elementary. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Hallmark.Gptq Require Import Sums Matrix.
Import ListNotations.
Open Scope Z_scope.

(** Equality of lists of integers. *)
Fixpoint equal_lists (a b : list Z) : bool :=
  match a, b with
  | [], [] => true
  | x :: a', y :: b' => (x =? y) && equal_lists a' b'
  | _, _ => false
  end.

(** The n by n matrix with these rows is symmetric: its first row is its first column, and so on
    for what is left without them. *)
Fixpoint symmetric (n : nat) (M : list (list Z)) : bool :=
  match n, M with
  | S k, r :: M' => equal_lists (tl r) (map (hd 0) M') && symmetric k (map (@tl Z) M')
  | _, _ => true
  end.

(** The upper triangle: row i without its first i entries. *)
Fixpoint upper (n : nat) (M : list (list Z)) : list (list Z) :=
  match n, M with
  | S k, r :: M' => r :: upper k (map (@tl Z) M')
  | _, _ => []
  end.

(** The inner product. *)
Fixpoint dot (a b : list Z) : Z :=
  match a, b with
  | x :: a', y :: b' => x * y + dot a' b'
  | _, _ => 0
  end.

(** The quadratic form e M e^T of the symmetric matrix with upper triangle U. *)
Fixpoint quadratic (U : list (list Z)) (e : list Z) : Z :=
  match U, e with
  | (g :: r) :: U', x :: e' => x * (g * x + 2 * dot r e') + quadratic U' e'
  | _, _ => 0
  end.

Open Scope R_scope.

(** The vector with the given integer entries. *)
Definition int_vec (l : list Z) : vec := fun j => IZR (nth j l 0%Z).

(** The matrix with the given integer rows. *)
Definition int_mat (M : list (list Z)) : mat := fun i j => IZR (nth j (nth i M []) 0%Z).

(** A sum is its first term and the others. *)
Lemma bsum_first n f : bsum (S n) f = f 0%nat + bsum n (fun i => f (S i)).
Proof.
induction n as [|n IH]; [simpl; ring|].
rewrite bsum_S, IH, (bsum_S n); ring.
Qed.

(** Equal lists are equal. *)
Lemma equal_lists_correct a b : equal_lists a b = true -> a = b.
Proof.
revert b; induction a as [|x a IH]; intros [|y b] equal; simpl in equal; try discriminate.
- reflexivity.
- apply andb_true_iff in equal; destruct equal as [head tail].
  apply Z.eqb_eq in head; rewrite head, (IH b tail); reflexivity.
Qed.

(** The inner product is the sum of the products. *)
Theorem dot_correct n a b : length a = n -> length b = n ->
  IZR (dot a b) = bsum n (fun j => int_vec a j * int_vec b j).
Proof.
revert a b; induction n as [|n IH]; intros [|x a] [|y b] la lb; try discriminate.
- reflexivity.
- rewrite bsum_first; simpl dot; rewrite plus_IZR, mult_IZR.
  rewrite (IH a b) by (simpl in *; lia); reflexivity.
Qed.

(** Entry j + 1 of a row is entry j of its tail. *)
Lemma nth_tail (l : list Z) j : nth j (tl l) 0%Z = nth (S j) l 0%Z.
Proof. destruct l; [destruct j; reflexivity|reflexivity]. Qed.

(** The matrix without its first column. *)
Lemma int_mat_tails M i j : int_mat (map (@tl Z) M) i j = int_mat M i (S j).
Proof.
unfold int_mat; rewrite <- nth_tail; f_equal; f_equal.
exact (map_nth (@tl Z) M [] i).
Qed.

(** The first column. *)
Lemma int_mat_heads M i : IZR (nth i (map (hd 0%Z) M) 0%Z) = int_mat M i 0.
Proof.
unfold int_mat; f_equal; transitivity (hd 0%Z (nth i M [])).
- exact (map_nth (hd 0%Z) M [] i).
- destruct (nth i M []); reflexivity.
Qed.

(** What the test accepts is a symmetric matrix. *)
Theorem symmetric_correct n M : length M = n -> symmetric n M = true -> sym n (int_mat M).
Proof.
revert M; induction n as [|n IH]; intros M size accepted i j below_i below_j; [lia|].
destruct M as [|r M]; [discriminate|].
simpl in accepted; apply andb_true_iff in accepted; destruct accepted as [first rest].
apply equal_lists_correct in first.
assert (cross : forall k, int_mat (r :: M) 0 (S k) = int_mat M k 0).
{ intros k; rewrite <- int_mat_heads, <- first, nth_tail; reflexivity. }
destruct i as [|i], j as [|j].
- reflexivity.
- exact (cross j).
- symmetry; exact (cross i).
- assert (inner := IH (map (@tl Z) M) ltac:(rewrite map_length; simpl in size; lia) rest i j
    ltac:(lia) ltac:(lia)).
  rewrite !int_mat_tails in inner; exact inner.
Qed.

(** The triangle's sum is the quadratic form. *)
Theorem quadratic_correct n M e : length M = n -> (forall r, In r M -> length r = n) ->
  length e = n -> symmetric n M = true ->
  IZR (quadratic (upper n M) e) = qform n (int_mat M) (int_vec e).
Proof.
revert M e; induction n as [|n IH]; intros M e size wide short accepted.
- destruct e; [reflexivity|discriminate].
- assert (symmetry_of := symmetric_correct (S n) M size accepted).
  destruct M as [|r M]; [discriminate|]; destruct e as [|x e]; [discriminate|].
  assert (row : length r = S n) by (apply wide; left; reflexivity).
  destruct r as [|g r]; [discriminate|].
  simpl in accepted; apply andb_true_iff in accepted; destruct accepted as [_ rest].
  cbn [upper quadratic]; rewrite plus_IZR, !mult_IZR, plus_IZR, !mult_IZR.
  rewrite (IH (map (@tl Z) M) e).
  + rewrite (dot_correct n r e) by (simpl in *; lia).
    unfold qform; rewrite bsum_first, bsum_first.
    rewrite (bsum_ext n (fun i => bsum (S n) (fun j => int_vec (x :: e) (S i)
        * int_mat ((g :: r) :: M) (S i) j * int_vec (x :: e) j))
      (fun i => int_vec e i * int_vec r i * IZR x
        + bsum n (fun j => int_vec e i * int_mat (map (@tl Z) M) i j * int_vec e j))).
    * rewrite bsum_plus, bsum_scalr.
      rewrite (bsum_ext n (fun i => int_vec (x :: e) 0 * int_mat ((g :: r) :: M) 0 (S i)
          * int_vec (x :: e) (S i)) (fun i => IZR x * (int_vec r i * int_vec e i)))
        by (intros i _; unfold int_vec, int_mat; simpl; ring).
      rewrite bsum_scal.
      rewrite (bsum_ext n (fun i => int_vec e i * int_vec r i)
        (fun i => int_vec r i * int_vec e i)) by (intros; ring).
      change (int_vec (x :: e) 0) with (IZR x).
      change (int_mat ((g :: r) :: M) 0 0) with (IZR g); ring.
    * intros i below; rewrite bsum_first; f_equal.
      -- rewrite (symmetry_of (S i) 0%nat) by lia.
         unfold int_vec, int_mat; simpl; ring.
      -- apply bsum_ext; intros j _; rewrite int_mat_tails; reflexivity.
  + rewrite map_length; simpl in size; lia.
  + intros t member; apply in_map_iff in member; destruct member as [t' [<- inside]].
    assert (width := wide t' (or_intror inside)); destruct t'; simpl in *; lia.
  + simpl in short; lia.
  + exact rest.
Qed.
