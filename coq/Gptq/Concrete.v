(** * Concrete vectors, matrices and roundings

    Purpose: numbers written as lists, and the evaluation of GF16 rounding on a given dyadic number,
      for the instances that refute false statements.
    Main definitions: [entries], [rows]; tactics [three], [compute3], [code_is], [gf16_value].
    Main results: [gf16_round_dyadic].
    Depends on: [Matrix], [Gptq], [Quantizer], Format/GF16.
    Source: elementary. *)
From Coq Require Import Reals Lra Lia ZArith Arith List.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16.
From Hallmark.Gptq Require Import Sums Matrix Quantizer Gptq.
Import ListNotations.
Open Scope R_scope.

(** The vector with the given entries, zero beyond them. *)
Definition entries (l : list R) : vec := fun i => nth i l 0.

(** The matrix with the given rows, zero beyond them. *)
Definition rows (l : list (list R)) : mat := fun i j => nth j (nth i l []) 0.

(** The same quantizer in every column. *)
Definition every (Q : R -> R) : nat -> R -> R := fun _ => Q.

(** GF16 rounding of m 2^e, from the integer computation. *)
Lemma gf16_round_dyadic x m e y m' e' : x = IZR m * bpow radix2 e -> Rabs x <= gf16_max ->
  gf16_dy m e = (m', e') -> y = IZR m' * bpow radix2 e' -> gf16_round x = y.
Proof.
intros -> small computed ->; assert (correct := gf16_dy_correct m e small).
rewrite computed in correct; symmetry; exact correct.
Qed.

(** Solves [gf16_round x = y] for x = m 2^e. *)
Ltac gf16_value m e :=
  let result := eval vm_compute in (gf16_dy m e) in
  match result with
  | (?m', ?e') =>
      apply (gf16_round_dyadic _ m e _ m' e');
      [ simpl; lra | unfold gf16_max; simpl; rewrite Rabs_pos_eq; lra
      | vm_compute; reflexivity | simpl; lra ]
  end.

(** Splits an index below 3 into its cases. *)
Ltac three j := destruct j as [|[|[|j]]]; try lia.

(** Computes a concrete goal of size 3. *)
Ltac compute3 :=
  unfold loss, qform, trace, gram, hess, comp, vsub, rtn, every, entries, rows; simpl.

(** Proves that a code is the rounding of a compensated weight, from the value of that rounding. *)
Ltac code_is value :=
  compute3; rewrite <- value at 1; f_equal; try field; try lra.
