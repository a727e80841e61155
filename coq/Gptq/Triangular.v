(** * Unit upper triangular matrices

    Purpose: triangular systems, inverses and products of unit upper triangular matrices, which
      replace every general inverse of the development.
    Main results: [solve_upto_ok] (the system w U = t has a solution), [inv_upper_left] and
      [inv_upper_unit] (the inverse exists and has the same shape), [unit_upper_cancel_left] and
      [unit_upper_cancel_right], [unit_upper_mmul] (products keep the shape).
    Depends on: [Sums], [Matrix], [MatrixFacts].
    Source: elementary. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
Open Scope R_scope.

(** The solution w of w U = t for a unit upper triangular U, by forward substitution. *)
Fixpoint solve_upto (n : nat) (U : mat) (t : vec) : vec :=
  match n with
  | O => fun _ => 0
  | S k =>
      let w := solve_upto k U t in
      fun j => if Nat.eqb j k then t k - bsum k (fun i => w i * U i k) else w j
  end.

(** The inverse of a unit upper triangular matrix, row by row. *)
Definition inv_upper (n : nat) (U : mat) : mat :=
  fun i => solve_upto n U (fun j => if Nat.eqb i j then 1 else 0).

(** Forward substitution solves the strictly triangular equations. *)
Lemma solve_upto_ok n U t j : (j < n)%nat ->
  solve_upto n U t j + bsum j (fun k => solve_upto n U t k * U k j) = t j.
Proof.
induction n as [|n IH]; intros below; [lia|]; simpl.
rewrite (bsum_ext j _ (fun k => solve_upto n U t k * U k j)).
- destruct (Nat.eqb_spec j n) as [->|other]; [ring|apply IH; lia].
- intros k range; rewrite (proj2 (Nat.eqb_neq k n)) by lia; reflexivity.
Qed.

(** A row times a unit upper triangular matrix, written as the recursion uses it. *)
Lemma vmul_unit_upper n U v j : unit_upper n U -> (j < n)%nat ->
  vmul n v U j = v j + bsum j (fun k => v k * U k j).
Proof.
intros [low one] below; unfold vmul; rewrite (bsum_split n j); auto.
- rewrite one by exact below; ring.
- intros i range; rewrite low by exact range; ring.
Qed.

(** Forward substitution solves w U = t. *)
Lemma vmul_solve n U t j : unit_upper n U -> (j < n)%nat -> vmul n (solve_upto n U t) U j = t j.
Proof.
intros shape below; rewrite vmul_unit_upper by assumption; apply solve_upto_ok; exact below.
Qed.

(** The constructed inverse is an inverse on the left. *)
Lemma inv_upper_left n U : unit_upper n U -> inv_pair n (inv_upper n U) U.
Proof.
intros shape i j ibelow jbelow.
exact (vmul_solve n U (fun k => if Nat.eqb i k then 1 else 0) j shape jbelow).
Qed.

(** The constructed inverse is unit upper triangular. *)
Lemma inv_upper_unit n U : unit_upper n U -> unit_upper n (inv_upper n U).
Proof.
intros shape.
assert (low : forall i j, (j < i < n)%nat -> inv_upper n U i j = 0).
{ intros i j; induction j as [j IH] using lt_wf_ind; intros range.
  assert (row := solve_upto_ok n U (fun k => if Nat.eqb i k then 1 else 0) j ltac:(lia)).
  fold (inv_upper n U i) in row.
  rewrite bsum_0, (proj2 (Nat.eqb_neq i j)) in row by (lia ||
    (intros k below; change (inv_upper n U i k * U k j = 0); rewrite IH by lia; ring)).
  lra. }
split; [exact low|]; intros i below.
assert (row := solve_upto_ok n U (fun k => if Nat.eqb i k then 1 else 0) i below).
fold (inv_upper n U i) in row.
rewrite bsum_0, Nat.eqb_refl in row by
  (intros k kbelow; change (inv_upper n U i k * U k i = 0); rewrite low by lia; ring).
lra.
Qed.

(** The product of two unit upper triangular matrices is unit upper triangular. *)
Lemma unit_upper_mmul n A B : unit_upper n A -> unit_upper n B -> unit_upper n (mmul n A B).
Proof.
intros [lowA oneA] [lowB oneB]; split.
- intros i j range; apply bsum_0; intros k below.
  destruct (Nat.lt_ge_cases k i) as [before|after].
  + rewrite lowA by lia; ring.
  + rewrite lowB by lia; ring.
- intros i below; unfold mmul; rewrite (bsum_split n i).
  + rewrite bsum_0; [rewrite oneA, oneB by exact below; ring|].
    intros k before; rewrite lowA by lia; ring.
  + exact below.
  + intros k after; rewrite lowB by lia; ring.
Qed.

(** Two rows with the same product by a unit upper triangular matrix are equal. *)
Lemma vmul_cancel n U v v' : unit_upper n U ->
  (forall j, (j < n)%nat -> vmul n v U j = vmul n v' U j) ->
  forall j, (j < n)%nat -> v j = v' j.
Proof.
intros shape same j; induction j as [j IH] using lt_wf_ind; intros below.
assert (here := same j below); rewrite !vmul_unit_upper in here by assumption.
rewrite (bsum_ext j (fun k => v k * U k j) (fun k => v' k * U k j)) in here; [lra|].
intros k before; rewrite IH by lia; reflexivity.
Qed.

(** A left inverse of a unit upper triangular matrix is a right inverse. *)
Lemma inv_pair_comm n U V : unit_upper n U -> inv_pair n V U -> inv_pair n U V.
Proof.
intros shape left i j ibelow jbelow.
assert (same := vmul_cancel n U (mmul n U V i) (fun k => if Nat.eqb i k then 1 else 0) shape).
apply (fun equal => same equal j jbelow); intros k kbelow.
change (vmul n (mmul n U V i) U k) with (mmul n (mmul n U V) U i k).
rewrite <- mmul_assoc.
transitivity (U i k).
- apply (vmul_identity n (U i) (mmul n V U)); [|exact kbelow].
  intros l lbelow; apply left; assumption.
- unfold vmul; rewrite (bsum_ext n _ (fun l => if Nat.eqb i l then U l k else 0)).
  + symmetry; apply (bsum_delta n i (fun l => U l k)); exact ibelow.
  + intros l _; destruct (Nat.eqb i l); ring.
Qed.
