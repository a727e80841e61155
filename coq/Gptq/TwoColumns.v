(** * T4: with one or two columns GPTQ is never worse than round-to-nearest

    Purpose: the comparison GPTQ <= RTN where it is true for every row and every nearest-point
      grid.
    Main results: [T4_last_column] (the last code is chosen best, for any number of columns),
      [T4_one_column], [T4_two_columns] (in the damped form), [T4_two_columns_plain] (in the plain
      loss, for every damping).
    What is not true: the same with three columns; see [Counterexample].
    Depends on: [Identity], [Quantizer], [QuantizerFacts].
    Source: this project. *)
From Coq Require Import Reals Lra Lia Psatz Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Factorization Quantizer QuantizerFacts Gptq GptqFacts Identity.
Open Scope R_scope.

(** The last code is the best of all codes on its grid, given the earlier ones. *)
Theorem T4_last_column n M U d Q w q q' : udu (S n) M U d -> nonneg (S n) d -> nearest (Q n) ->
  is_gptq (S n) Q U w q -> (forall j, (j < n)%nat -> q' j = q j) -> (exists y, q' n = Q n y) ->
  qform (S n) M (vsub w q) <= qform (S n) M (vsub w q').
Proof.
intros cert pos best run same [y value]; rewrite !(T1_identity (S n) M U d) by exact cert.
apply bsum_le; intros j below; apply Rmult_le_compat_l; [auto|].
rewrite (comp_ext U w q' q j) by (intros k before; apply same; lia).
destruct (Nat.eq_dec j n) as [->|other].
- apply sqr_le_abs; rewrite value, (run n) at 1 by lia; apply best.
- rewrite same by lia; lra.
Qed.

(** With one column GPTQ is round-to-nearest. *)
Theorem T4_one_column Q U w q : is_gptq 1 Q U w q -> q 0%nat = rtn Q w 0%nat.
Proof.
intros run; rewrite run by lia; unfold comp, rtn; simpl; f_equal; ring.
Qed.

(** T4 in the form H: two columns, every row, every nearest-point grid. *)
Theorem T4_two_columns M U d Q w q : udu 2 M U d -> nonneg 2 d -> nearest (Q 1%nat) ->
  is_gptq 2 Q U w q -> qform 2 M (vsub w q) <= qform 2 M (vsub w (rtn Q w)).
Proof.
intros cert pos best run; apply (T4_last_column 1 M U d Q); try assumption.
- intros j below; replace j with 0%nat by lia; symmetry; apply (T4_one_column Q U w q).
  apply (is_gptq_prefix 2 1); [lia|exact run].
- exists (w 1%nat); reflexivity.
Qed.

(** Two columns in numbers: a, b, c are the entries of the Gram matrix and d1 the last pivot of the
    damped form; a shorter move than the best one never makes the rounded second code worse. *)
Lemma two_columns_plain_aux a b c lam d1 u01 e0 w1 Q : nearest Q -> 0 <= c -> 0 <= lam ->
  (c = 0 -> b = 0) -> d1 = 2 * c + lam -> d1 * u01 = 2 * b ->
  let value x := a * e0 ^ 2 + 2 * b * e0 * (w1 - x) + c * (w1 - x) ^ 2 in
  value (Q (w1 + e0 * u01)) <= value (Q w1).
Proof.
intros best cpos lampos degenerate pivot factor; cbv zeta.
destruct (Req_dec c 0) as [zero|nonzero].
{ rewrite zero, (degenerate zero); lra. }
set (t := w1 + e0 * (b / c)).
assert (complete : forall x, a * e0 ^ 2 + 2 * b * e0 * (w1 - x) + c * (w1 - x) ^ 2
  = (a - b ^ 2 / c) * e0 ^ 2 + c * (t - x) ^ 2) by (intros x; unfold t; field; exact nonzero).
rewrite !complete; apply Rplus_le_compat_l, Rmult_le_compat_l; [exact cpos|].
apply sqr_le_abs, nearest_between; [exact best|].
assert (dpos : 0 < d1) by lra; set (theta := 2 * c / d1).
assert (range : 0 <= theta <= 1).
{ unfold theta; split.
  - apply Rmult_le_pos; [lra|left; apply Rinv_0_lt_compat; exact dpos].
  - apply Rmult_le_reg_r with d1; [exact dpos|].
    replace (2 * c / d1 * d1) with (2 * c) by (field; lra); lra. }
assert (value : u01 = theta * (b / c)).
{ apply Rmult_eq_reg_l with d1; [|lra]; rewrite factor; unfold theta; field; lra. }
rewrite value; unfold t; replace (e0 * (theta * (b / c))) with (theta * (e0 * (b / c))) by ring.
generalize (e0 * (b / c)); intros z; destruct (Rle_or_lt 0 z) as [up|down]; [left|right]; nra.
Qed.

(** T4 in the plain loss: two columns, every row, every nearest-point grid, every damping. *)
Theorem T4_two_columns_plain m X lam U d Q w q : 0 <= lam ->
  udu 2 (hess lam (gram m X)) U d -> nonneg 2 d -> nearest (Q 1%nat) ->
  is_gptq 2 Q U w q -> loss 2 m X (vsub w q) <= loss 2 m X (vsub w (rtn Q w)).
Proof.
intros lampos cert pos best run; rewrite !loss_gram.
assert (first := T4_one_column Q U w q (is_gptq_prefix 2 1 Q U w q ltac:(lia) run)).
assert (second := run 1%nat ltac:(lia)).
assert (corner := udu_eq cert 1%nat 1%nat ltac:(lia) ltac:(lia)).
assert (side := udu_eq cert 0%nat 1%nat ltac:(lia) ltac:(lia)).
assert (one := udu_1 cert 1%nat ltac:(lia)).
assert (low := udu_lo cert 1%nat 0%nat ltac:(lia)).
unfold hess in corner, side; simpl in corner, side; rewrite one, low in corner, side.
set (a := gram m X 0%nat 0%nat) in *; set (b := gram m X 0%nat 1%nat) in *.
set (c := gram m X 1%nat 1%nat) in *.
assert (swap : gram m X 1%nat 0%nat = b) by (unfold b, gram; apply bsum_ext; intros k _; ring).
assert (cpos : 0 <= c).
{ unfold c, gram; apply bsum_ge0; intros k _; replace (X 1%nat k * X 1%nat k) with (X 1%nat k ^ 2)
    by ring; apply pow2_ge_0. }
assert (degenerate : c = 0 -> b = 0).
{ intros zero; unfold b, gram; apply bsum_0; intros k below.
  assert (part := bsum_pick m k (fun k => X 1%nat k * X 1%nat k) below
    (fun i _ => Rle_0_sqr (X 1%nat i))).
  cbv beta in part; fold (gram m X 1%nat 1%nat) in part; fold c in part; rewrite zero in part.
  assert (X 1%nat k = 0) as -> by nra; ring. }
assert (key := two_columns_plain_aux a b c lam (d 1%nat) (U 0%nat 1%nat) (w 0%nat - q 0%nat)
  (w 1%nat) (Q 1%nat) best cpos lampos degenerate ltac:(lra) ltac:(lra)).
cbv zeta in key; unfold qform, vsub; simpl bsum; fold a b c; rewrite swap, <- first.
rewrite second; unfold comp, rtn; simpl bsum.
replace (w 1%nat + (0 + (w 0%nat - q 0%nat) * U 0%nat 1%nat))
  with (w 1%nat + (w 0%nat - q 0%nat) * U 0%nat 1%nat) by ring.
simpl in key |- *; lra.
Qed.
