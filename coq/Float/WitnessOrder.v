(** * Tokens summed apart and merged

    Purpose: the slack of [AnyOrder] is needed.  Two columns, tokens (1, 1) and (2^-27, 3 2^-27),
      each summed by itself and the two sums merged, on IEEE data.  The Gram matrix that comes out
      is [[1, 1 + 2^-52], [1 + 2^-52, 1 + 2^-51]], which violates the inequality of Cauchy and
      Schwarz, and in which (1, -1) loses nothing, where on the tokens it loses 2^-52.
      And nine tokens in chunks of three, whose sum is exact, where the chain loses eight of them.
    Main results: [witness_order] (the hypotheses), [witness_kept], [witness_gram_bound];
      [witness_chunks].
    Depends on: [AnyOrder], [WitnessRun]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz List Permutation.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix Concrete.
From Hallmark.Float Require Import Arithmetic Gamma ChainError Recurrence GramError Residual.
From Hallmark.Float Require Import Machine EmittedIeee SummationTree AnyOrder WitnessRun.
Import ListNotations.
Open Scope R_scope.

(** The tokens. *)
Definition order_X (i t : nat) : bin64 :=
  match t, i with O, _ => lit64 1 0 | _, O => lit64 1 (-27) | _, _ => lit64 3 (-27) end.

(** Each summed by itself, and merged. *)
Definition order_S (i j : nat) : summation := Merge (Token 0 Nothing) (Token 1 Nothing).

(** Their Gram matrix. *)
Definition order_G : nat -> nat -> bin64 := gram_tree (float_arith nans64) order_X order_S.

Notation vX := (fun i t => val64 (order_X i t)).
Notation vG := (fun i j => val64 (order_G i j)).

(** The two indices of the instance. *)
Ltac two_columns_of j := destruct j as [|[|j]]; [| |lia].

(** The tokens as numbers. *)
Lemma order_X_value i t : (i < 2)%nat -> (t < 2)%nat -> val64 (order_X i t)
  = match t, i with O, _ => 1 | _, O => / 134217728 | _, _ => 3 / 134217728 end.
Proof. intros; two_columns_of i; two_columns_of t; value_by_computation. Qed.

(** The Gram matrix as numbers. *)
Lemma order_G_value i j : (i < 2)%nat -> (j < 2)%nat -> val64 (order_G i j)
  = match i, j with
    | O, O => 1
    | S _, S _ => 1 + / 2251799813685248
    | _, _ => 1 + / 4503599627370496
    end.
Proof. intros; two_columns_of i; two_columns_of j; value_by_computation. Qed.

(** The root of its second diagonal entry. *)
Lemma order_root : 1 <= sqrt (1 + / 2251799813685248) < 1 + / 4503599627370496.
Proof.
split.
- rewrite <- sqrt_1 at 1; apply sqrt_le_1_alt; lra.
- rewrite <- (sqrt_square (1 + / 4503599627370496)) by lra; apply sqrt_lt_1_alt; lra.
Qed.

(** The hypotheses of [kept_ieee]. *)
Theorem witness_order :
  (forall i j, (i < 2)%nat -> (j < 2)%nat ->
    order_G i j = gram_tree (float_arith nans64) order_X order_S i j
    /\ finite64 (order_G i j) = true)
  /\ binary32_entries 2 2 vX /\ sums_all 2 2 2 order_S /\ no_empty_part (order_S 0 0).
Proof.
split; [|split; [|split]].
- intros i j ibelow jbelow; split; [reflexivity|].
  two_columns_of i; two_columns_of j; vm_compute; reflexivity.
- intros i t ibelow tbelow; rewrite order_X_value by assumption.
  apply generic_format_FLT.
  two_columns_of t; [|two_columns_of i].
  + exists (Float radix2 1 0); [unfold F2R; simpl; lra|reflexivity|simpl; lia].
  + exists (Float radix2 1 (-27)); [unfold F2R; simpl; lra|reflexivity|simpl; lia].
  + exists (Float radix2 3 (-27)); [unfold F2R; simpl; lra|reflexivity|simpl; lia].
- intros i j _ _; split; [apply Permutation_refl|simpl; lia].
- simpl; repeat split; discriminate.
Qed.

(** The comparison in G carries over to the tokens only up to the slack, which is below 2^-49. *)
Theorem witness_kept :
  let q := entries [1; -1] in let r := entries [0; 0] in
  let slack := order_slack 2
    * (weighted_size 2 (root_diagonal vG) q ^ 2 + weighted_size 2 (root_diagonal vG) r ^ 2) in
  qform 2 vG q <= qform 2 vG r
  /\ loss 2 2 vX q = / 4503599627370496 /\ loss 2 2 vX r = 0
  /\ loss 2 2 vX q <= loss 2 2 vX r + slack /\ slack < / 562949953421312.
Proof.
intros q r slack; destruct witness_order as [summed [values [order _]]].
assert (kept : qform 2 vG q <= qform 2 vG r).
{ unfold qform, q, r, entries; cbn [bsum nth]; rewrite !order_G_value by lia; lra. }
split; [exact kept|split; [|split; [|split]]].
- unfold loss, q, entries; cbn [bsum nth]; rewrite !order_X_value by lia; lra.
- unfold loss, r, entries; cbn [bsum nth]; lra.
- exact (kept_ieee nans64 2 2 2 order_X order_S order_G q r summed values order ltac:(lia) kept).
- unfold slack, weighted_size, root_diagonal, q, r, entries; cbn [bsum nth].
  rewrite !order_G_value, sqrt_1 by lia; assert (root := order_root).
  rewrite !Rabs_R0, Rabs_R1, (Rabs_left (-1)) by lra.
  set (s := sqrt (1 + / 2251799813685248)) in *.
  assert (size : (0 + 1 * 1 + - -1 * s) ^ 2 <= (2 + / 1024) ^ 2) by (apply pow_incr; lra).
  unfold order_slack; simpl bpow; simpl INR; nra.
Qed.

(** The computed Gram matrix violates Cauchy and Schwarz, and not by more than the slack. *)
Theorem witness_gram_bound :
  sqrt (vG 0%nat 0%nat) * sqrt (vG 1%nat 1%nat) < Rabs (vG 0%nat 1%nat)
  <= (1 + 2 * order_slack 2) * (sqrt (vG 0%nat 0%nat) * sqrt (vG 1%nat 1%nat))
  /\ 2 * order_slack 2 <= / 1125899906842624.
Proof.
cbv beta; rewrite !order_G_value, sqrt_1, Rabs_pos_eq by (lia || lra); assert (root := order_root).
set (s := sqrt (1 + / 2251799813685248)) in *.
unfold order_slack; simpl bpow; simpl INR; split; [split|]; nra.
Qed.

(** Nine tokens: (1, 1), and eight times (2^-26, 2^-27). *)
Definition chunk_X (i t : nat) : bin64 :=
  match t, i with O, _ => lit64 1 0 | _, O => lit64 1 (-26) | _, _ => lit64 1 (-27) end.

(** Summed in chunks of three, and one after the other. *)
Definition chunk_G : nat -> nat -> bin64 :=
  gram_tree (float_arith nans64) chunk_X (fun _ _ => in_chunks 3 9).
Definition chunk_chain : nat -> nat -> bin64 := gram_float (float_arith nans64) 9 chunk_X.

(** The tokens as numbers. *)
Lemma chunk_X_value i t : (i < 2)%nat -> val64 (chunk_X i t)
  = match t, i with O, _ => 1 | _, O => / 67108864 | _, _ => / 134217728 end.
Proof. intros; two_columns_of i; destruct t; value_by_computation. Qed.

(** 1 + 3 2^-53 and 1 + 7 2^-53 are ties, which go up to 1 + 2^-51 and 1 + 2^-50. *)
Theorem witness_chunks :
  let X := fun i t => val64 (chunk_X i t) in
  binary32_entries 2 9 X /\ finite64 (chunk_G 0 1) = true
  /\ val64 (chunk_G 0 1) = gram 9 X 0 1 /\ gram 9 X 0 1 = 1 + / 1125899906842624
  /\ val64 (chunk_chain 0 1) = 1
  /\ gam (uro 53) (Nat.min 9 3 + (9 - 1) / 3) * gram_size 9 X 0 1 < Rabs (1 - gram 9 X 0 1).
Proof.
intros X.
assert (exact : gram 9 X 0 1 = 1 + / 1125899906842624).
{ unfold gram, X; cbn [bsum]; rewrite !chunk_X_value by lia; lra. }
assert (size : gram_size 9 X 0 1 = 1 + / 1125899906842624).
{ unfold gram_size, X; cbn [bsum]; rewrite !chunk_X_value by lia.
  rewrite !Rabs_pos_eq by lra; lra. }
split; [|split; [|split; [|split; [|split]]]].
- intros i t ibelow tbelow; unfold X; rewrite chunk_X_value by assumption.
  apply generic_format_FLT; destruct t; [|two_columns_of i].
  + exists (Float radix2 1 0); [unfold F2R; simpl; lra|reflexivity|simpl; lia].
  + exists (Float radix2 1 (-26)); [unfold F2R; simpl; lra|reflexivity|simpl; lia].
  + exists (Float radix2 1 (-27)); [unfold F2R; simpl; lra|reflexivity|simpl; lia].
- vm_compute; reflexivity.
- rewrite exact; value_by_computation.
- exact exact.
- value_by_computation.
- rewrite exact, size; change (Nat.min 9 3 + (9 - 1) / 3)%nat with 5%nat.
  assert (u : uro 53 = / 9007199254740992) by (unfold uro; simpl; lra).
  assert (grown := gam_closed (uro 53) (uro_ge0 53) 5); unfold gam_up in grown.
  rewrite u in grown |- *; simpl INR in grown; specialize (grown ltac:(lra)).
  rewrite Rabs_left by lra; nra.
Qed.
