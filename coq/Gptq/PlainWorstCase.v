(** * T3 is false in the plain loss under damping

    Purpose: with lambda > 0 and the loss measured without it, the worst case of GPTQ can exceed the
      worst case of round-to-nearest; three columns suffice.
    Main results: [T3_plain_rtn_at_most] (13/2 on every row), [T3_plain_gptq_reaches]
      (41052929/6287058 > 13/2 on one row), [T3_plain_false].
    Depends on: [Concrete], [Gptq], [Quantizer].
    Source: this project, found by search in exact fractions. *)
From Coq Require Import Reals Lra Lia Psatz ZArith Arith List.
From Hallmark.Gptq Require Import Sums Matrix Quantizer Gptq Concrete.
Import ListNotations.
Open Scope R_scope.

(** The tokens X of the refutation. *)
Definition t3_X : mat := rows [[1; 2; 2]; [1; -3; 2]; [1; 0; 0]].

(** The factor U of 2 X X^T + 16 I. *)
Definition t3_U : mat := rows [[1; -10 / 197; 1 / 9]; [0; 1; 1 / 9]; [0; 0; 1]].

(** The pivots d of 2 X X^T + 16 I. *)
Definition t3_d : vec := entries [6632 / 197; 394 / 9; 18].

(** The row on which GPTQ loses more than round-to-nearest on any row. *)
Definition t3_w : vec := entries [1 / 2; 207 / 394; 1369 / 3546].

(** Its compensated weights: half a step in every column. *)
Definition t3_u : vec := entries [1 / 2; 1 / 2; 1 / 2].

(** Its codes of GPTQ. *)
Definition t3_q : vec := entries [0; 0; 0].

(** The certificate with damping 16. *)
Lemma t3_udu : udu 3 (hess 16 (gram 3 t3_X)) t3_U t3_d.
Proof.
split.
- intros i j range; three i; three j; reflexivity.
- intros i below; three i; reflexivity.
- intros i j ibelow jbelow; unfold t3_X, t3_U, t3_d; three i; three j; compute3; field.
Qed.

(** The pivots are positive. *)
Lemma t3_d_pos k : (k < 3)%nat -> 0 < t3_d k.
Proof. intros below; unfold t3_d; three k; unfold entries; simpl; lra. Qed.

(** The mixed part of the loss on the box of half steps. *)
Lemma box3 x y z : - (1 / 2) <= x <= 1 / 2 -> - (1 / 2) <= y <= 1 / 2 -> - (1 / 2) <= z <= 1 / 2 ->
  - x * y + x * z + y * z <= 1 / 4.
Proof.
intros xrange yrange zrange; destruct (Rle_or_lt 0 (z - y)); destruct (Rle_or_lt 0 (z + x));
  destruct (Rle_or_lt 0 (x - y)); nra.
Qed.

(** Round-to-nearest loses at most 13/2 on any row. *)
Theorem T3_plain_rtn_at_most Q w : half_step 1 Q ->
  loss 3 3 t3_X (vsub w (rtn (every Q) w)) <= 13 / 2.
Proof.
intros step; unfold t3_X; compute3.
assert (range : forall i, - (1 / 2) <= w i - Q (w i) <= 1 / 2).
{ intros i; assert (close := step (w i)); revert close; unfold Rabs; destruct Rcase_abs; lra. }
generalize (range 0%nat) (range 1%nat) (range 2%nat).
generalize (w 0%nat - Q (w 0%nat)) (w 1%nat - Q (w 1%nat)) (w 2%nat - Q (w 2%nat)).
intros x y z xrange yrange zrange; assert (mixed := box3 x y z xrange yrange zrange).
assert (xsqr : x * x <= 1 / 4) by nra; assert (ysqr : y * y <= 1 / 4) by nra.
assert (zsqr : z * z <= 1 / 4) by nra; lra.
Qed.

(** GPTQ loses 41052929/6287058 on one row, which is more. *)
Theorem T3_plain_gptq_reaches Q : Q (1 / 2) = 0 ->
  is_gptq 3 (every Q) t3_U t3_w t3_q /\
  (forall j, (j < 3)%nat -> comp t3_U t3_w t3_q j = t3_u j) /\
  loss 3 3 t3_X (vsub t3_w t3_q) = 41052929 / 6287058 /\ 13 / 2 < 41052929 / 6287058.
Proof.
intros tie; unfold t3_U, t3_w, t3_q, t3_u, t3_X; split; [|split; [|split]].
- intros j below; three j; code_is tie.
- intros j below; three j; compute3; field.
- compute3; field.
- lra.
Qed.

(** T3 refuted in the plain loss under damping: GPTQ on one row loses more than round-to-nearest on
    every row. *)
Theorem T3_plain_false Q : half_step 1 Q -> Q (1 / 2) = 0 ->
  udu 3 (hess 16 (gram 3 t3_X)) t3_U t3_d /\ is_gptq 3 (every Q) t3_U t3_w t3_q /\
  forall w', loss 3 3 t3_X (vsub w' (rtn (every Q) w')) < loss 3 3 t3_X (vsub t3_w t3_q).
Proof.
intros step tie; destruct (T3_plain_gptq_reaches Q tie) as [run [_ [value larger]]].
split; [exact t3_udu|split; [exact run|]]; intros w'.
assert (most := T3_plain_rtn_at_most Q w' step); lra.
Qed.
