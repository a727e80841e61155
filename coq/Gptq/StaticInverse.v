(** * T10: the pseudo-code with a static inverse is not GPTQ

    Purpose: scattering the rows of one fixed inverse of H agrees with GPTQ for two columns; with
      three it can exceed round-to-nearest without bound, and even the bound s^2/4 tr H that holds
      for GPTQ on every row.
    Main results: [T10_two_columns], [T10_small] (the smallest data), [T10_family] and
      [T10_unbounded_excess], [t10w_exceeds_worst_case], [T10_exceeds_worst_case_gf16].
    Here H = 2 X X^T without damping.
    Depends on: [Concrete], [Gptq], [Quantizer], Format/GF16.
    Source: this project; the pseudo-code is the one first proposed for this system. *)
From Coq Require Import Reals Lra Lia Psatz ZArith Arith List.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Quantizer Gptq Concrete.
Import ListNotations.
Open Scope R_scope.

(** T10, two columns: the static inverse gives GPTQ's codes (only its first row is used). *)
Theorem T10_two_columns M U d Hinv Q w u q : udu 2 M U d -> 0 < d 0%nat -> 0 < d 1%nat ->
  inv_pair 2 M Hinv -> is_static_inverse 2 Q Hinv w u q -> is_gptq 2 Q U w q.
Proof.
intros cert pos0 pos1 inverse run j below.
destruct (run 0%nat ltac:(lia)) as [u0 q0]; destruct (run 1%nat ltac:(lia)) as [u1 q1].
assert (U11 := udu_1 cert 1%nat ltac:(lia)).
assert (U00 := udu_1 cert 0%nat ltac:(lia)).
assert (U10 := udu_lo cert 1%nat 0%nat ltac:(lia)).
assert (M00 := udu_eq cert 0%nat 0%nat ltac:(lia) ltac:(lia)).
assert (M01 := udu_eq cert 0%nat 1%nat ltac:(lia) ltac:(lia)).
assert (M10 := udu_eq cert 1%nat 0%nat ltac:(lia) ltac:(lia)).
assert (M11 := udu_eq cert 1%nat 1%nat ltac:(lia) ltac:(lia)).
assert (I00 := inverse 0%nat 0%nat ltac:(lia) ltac:(lia)).
assert (I10 := inverse 1%nat 0%nat ltac:(lia) ltac:(lia)).
assert (I01 := inverse 0%nat 1%nat ltac:(lia) ltac:(lia)).
assert (I11 := inverse 1%nat 1%nat ltac:(lia) ltac:(lia)).
simpl in *; rewrite U11, U00, U10 in *.
destruct j as [|[|j]]; try lia; unfold comp; simpl.
- rewrite q0; f_equal; lra.
- rewrite q1; f_equal; rewrite u1; clear q0 q1 u1.
  set (a := U 0%nat 1%nat) in *; set (d0 := d 0%nat) in *; set (d1 := d 1%nat) in *.
  rewrite M00, M01, M10, M11 in *; clear M00 M01 M10 M11.
  set (h00 := Hinv 0%nat 0%nat) in *; set (h01 := Hinv 0%nat 1%nat) in *.
  set (h10 := Hinv 1%nat 0%nat) in *; set (h11 := Hinv 1%nat 1%nat) in *.
  assert (first : h10 = - a * h00) by (apply Rmult_eq_reg_l with d1; [nra|lra]).
  assert (corner : d0 * h00 = 1) by (rewrite first in I00; lra).
  assert (second : d1 * (a * h01 + h11) = 1) by lra.
  assert (side : d0 * h01 = - a).
  { replace (d0 * h01) with ((0 + (0 + 1 * d0 * 1 + a * d1 * a) * h01
      + (0 + 1 * d0 * 0 + a * d1 * 1) * h11) - a * (d1 * (a * h01 + h11))) by ring.
    rewrite second; lra. }
  assert (nonzero : h00 <> 0) by (intros zero; rewrite zero in corner; lra).
  assert (ratio : h01 / h00 = - a).
  { apply Rmult_eq_reg_r with (d0 * h00); [|lra].
    replace (h01 / h00 * (d0 * h00)) with (d0 * h01) by (field; exact nonzero).
    rewrite corner, side; ring. }
  replace ((u 0%nat - q 0%nat) / h00 * h01) with ((u 0%nat - q 0%nat) * (h01 / h00))
    by (unfold Rdiv; ring).
  rewrite ratio, u0; lra.
Qed.

(** The tokens of the smallest data. *)
Definition t10_X : mat := rows [[1; -1; -1]; [0; 1; 0]; [0; 0; 1]].

(** The factor U of its H. *)
Definition t10_U : mat := t10_X.

(** The pivots of its H. *)
Definition t10_d : vec := entries [2; 2; 2].

(** The inverse of its H. *)
Definition t10_Hinv : mat := rows [[1/2; 1/2; 1/2]; [1/2; 1; 1/2]; [1/2; 1/2; 1]].

(** Its weights. *)
Definition t10_w : vec := entries [0; - (3 / 8); 3 / 8].

(** The compensated weights of GPTQ on it. *)
Definition t10_u : vec := entries [0; - (3 / 8); 3 / 8].

(** The codes of GPTQ, and of round-to-nearest, on it. *)
Definition t10_q : vec := entries [0; 0; 0].

(** The weights that the static inverse compensates on it. *)
Definition t10_us : vec := entries [0; - (3 / 8); 9 / 16].

(** The codes of the static inverse on it. *)
Definition t10_qs : vec := entries [0; 0; 1].

(** What the static inverse, GPTQ and round-to-nearest give on one instance. *)
Record static_outcome (Q : R -> R) (X U : mat) (d : vec) (Hinv : mat) (w u q us qs : vec)
    (loss_static loss_gptq : R) : Prop := {
  outcome_udu : udu 3 (hess 0 (gram 3 X)) U d;
  outcome_inverse : inv_pair 3 (hess 0 (gram 3 X)) Hinv;
  outcome_static : is_static_inverse 3 (every Q) Hinv w us qs;
  outcome_gptq : is_gptq 3 (every Q) U w q;
  outcome_comp : forall j, (j < 3)%nat -> comp U w q j = u j;
  outcome_rtn : forall j, (j < 3)%nat -> rtn (every Q) w j = q j;
  outcome_loss_static : loss 3 3 X (vsub w qs) = loss_static;
  outcome_loss_gptq : loss 3 3 X (vsub w q) = loss_gptq;
  outcome_loss_rtn : loss 3 3 X (vsub w (rtn (every Q) w)) = loss_gptq }.

Arguments outcome_udu {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_inverse {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_static {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_gptq {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_comp {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_rtn {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_loss_static {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_loss_gptq {Q X U d Hinv w u q us qs loss_static loss_gptq}.
Arguments outcome_loss_rtn {Q X U d Hinv w u q us qs loss_static loss_gptq}.

(** Proves a certificate or an inverse of size 3 entry by entry. *)
Ltac each_entry := intros i j ibelow jbelow; three i; three j; compute3; field; try lra.

(** T10, the smallest data: 17/32 against 9/32. *)
Theorem T10_small Q : near_int Q ->
  static_outcome Q t10_X t10_U t10_d t10_Hinv t10_w t10_u t10_q t10_us t10_qs (17 / 32) (9 / 32).
Proof.
intros near; unfold t10_U, t10_X, t10_d, t10_Hinv, t10_w, t10_u, t10_q, t10_us, t10_qs.
assert (zero : Q 0 = 0) by (apply (near _ 0%Z), Rabs_def1; lra).
assert (up : Q (3 / 8) = 0) by (apply (near _ 0%Z), Rabs_def1; lra).
assert (down : Q (- (3 / 8)) = 0) by (apply (near _ 0%Z), Rabs_def1; lra).
assert (over : Q (9 / 16) = 1) by (apply (near _ 1%Z), Rabs_def1; lra).
split.
- split; [intros i j range; three i; three j; reflexivity|intros i below; three i; reflexivity|].
  each_entry.
- each_entry.
- intros j below; three j; split; compute3; try field; symmetry; assumption.
- intros j below; three j; [code_is zero|code_is down|code_is up].
- intros j below; three j; compute3; field.
- intros j below; three j; compute3; assumption.
- compute3; field.
- compute3; field.
- compute3; rewrite zero, up, down; field.
Qed.

(** The tokens of the family with parameter b. *)
Definition t10f_X (b : R) : mat := rows [[1; 1; - (4 * b)]; [0; 4 * b; 0]; [0; 0; 1]].

(** The factor U of the family. *)
Definition t10f_U (b : R) : mat := rows [[1; / (4 * b); - (4 * b)]; [0; 1; 0]; [0; 0; 1]].

(** The pivots of the family. *)
Definition t10f_d (b : R) : vec := entries [2; 32 * b ^ 2; 2].

(** The inverse of the family's H. *)
Definition t10f_Hinv (b : R) : mat :=
  rows [[1 / 2; - / (8 * b); 2 * b]; [- / (8 * b); / (16 * b ^ 2); - (1 / 2)];
        [2 * b; - (1 / 2); 8 * b ^ 2 + 1 / 2]].

(** The weights of the family. *)
Definition t10f_w : vec := entries [0; 3 / 8; 3 / 8].

(** The codes of GPTQ, and of round-to-nearest, on the family. *)
Definition t10f_q : vec := entries [0; 0; 0].

(** The weights that the static inverse compensates on the family. *)
Definition t10f_us (b : R) : vec := entries [0; 3 / 8; 3 / 8 + 3 * b ^ 2].

(** The codes of the static inverse on the family. *)
Definition t10f_qs (b : R) : vec := entries [0; 0; 3 * b ^ 2].

(** T10, the family: for every positive integer b, 9/4 b^2 + (3 b^2 - 3/8)^2 against
    9/4 b^2 + 9/64. *)
Theorem T10_family z Q : (0 < z)%Z -> near_int Q -> let b := IZR z in
  static_outcome Q (t10f_X b) (t10f_U b) (t10f_d b) (t10f_Hinv b) t10f_w t10f_w t10f_q
    (t10f_us b) (t10f_qs b) (9 / 4 * b ^ 2 + (3 * b ^ 2 - 3 / 8) ^ 2) (9 / 4 * b ^ 2 + 9 / 64).
Proof.
intros zpos near b; assert (bpos : 1 <= b) by (apply (IZR_le 1); lia).
unfold t10f_X, t10f_U, t10f_d, t10f_Hinv, t10f_w, t10f_q, t10f_us, t10f_qs.
assert (zero : Q 0 = 0) by (apply (near _ 0%Z), Rabs_def1; lra).
assert (up : Q (3 / 8) = 0) by (apply (near _ 0%Z), Rabs_def1; lra).
assert (over : Q (3 / 8 + 3 * b ^ 2) = 3 * b ^ 2).
{ assert (integer : 3 * b ^ 2 = IZR (3 * (z * z))) by (rewrite !mult_IZR; unfold b; ring).
  rewrite integer at 2; apply near; rewrite <- integer; apply Rabs_def1; lra. }
split.
- split; [intros i j range; three i; three j; reflexivity|intros i below; three i; reflexivity|].
  each_entry.
- each_entry.
- intros j below; three j; split; compute3.
  + field.
  + symmetry; exact zero.
  + field; lra.
  + symmetry; exact up.
  + field; lra.
  + symmetry; exact over.
- intros j below; three j; [code_is zero|code_is up|code_is up].
- intros j below; three j; compute3; field; lra.
- intros j below; three j; compute3; assumption.
- compute3; field.
- compute3; field.
- compute3; rewrite zero, !up; field.
Qed.

(** T10 without bound: for every factor C the static inverse somewhere loses more than C times
    what round-to-nearest loses. *)
Theorem T10_unbounded_excess Q C : near_int Q ->
  exists X Hinv w u q, inv_pair 3 (hess 0 (gram 3 X)) Hinv /\
    is_static_inverse 3 (every Q) Hinv w u q /\ 0 < loss 3 3 X (vsub w (rtn (every Q) w)) /\
    C * loss 3 3 X (vsub w (rtn (every Q) w)) < loss 3 3 X (vsub w q).
Proof.
intros near; set (z := Z.max 1 (up C)).
assert (zpos : (0 < z)%Z) by lia; assert (outcome := T10_family z Q zpos near).
cbv zeta in outcome; set (b := IZR z) in *.
assert (one : 1 <= b) by (apply (IZR_le 1); lia).
assert (large : C <= b).
{ destruct (archimed C) as [above _]; apply Rle_trans with (IZR (up C)); [lra|].
  apply IZR_le; lia. }
exists (t10f_X b), (t10f_Hinv b), t10f_w, (t10f_us b), (t10f_qs b).
rewrite (outcome_loss_rtn outcome).
rewrite (outcome_loss_static outcome).
assert (square : 1 <= b ^ 2) by (simpl; nra); assert (order : b <= b ^ 2) by (simpl; nra).
split; [exact (outcome_inverse outcome)|].
split; [exact (outcome_static outcome)|].
split; [lra|]; set (y := b ^ 2) in *.
apply Rle_lt_trans with (y * (9 / 4 * y + 9 / 64)).
- apply Rmult_le_compat_r; lra.
- simpl; nra.
Qed.

(** The tokens on which the static inverse exceeds the worst case. *)
Definition t10w_X : mat := rows [[1; 1; -4]; [0; 8; 0]; [0; 0; 4]].

(** The factor U of its H. *)
Definition t10w_U : mat := rows [[1; 1 / 8; -1]; [0; 1; 0]; [0; 0; 1]].

(** The pivots of its H. *)
Definition t10w_d : vec := entries [2; 128; 32].

(** The inverse of its H. *)
Definition t10w_Hinv : mat :=
  rows [[1/2; -1/16; 1/2]; [-1/16; 1/64; -1/16]; [1/2; -1/16; 17/32]].

(** Its weights around the grid point b. *)
Definition t10w_w (b : R) : vec := entries [b; b + 3 / 8; b + 3 / 8].

(** The codes of GPTQ, and of round-to-nearest, on it. *)
Definition t10w_q (b : R) : vec := entries [b; b; b].

(** The weights that the static inverse compensates on it. *)
Definition t10w_us (b : R) : vec := entries [b; b + 3 / 8; b + 15 / 8].

(** The codes of the static inverse on it. *)
Definition t10w_qs (b : R) : vec := entries [b; b; b + 2].

(** The calculation: three roundings decide everything. *)
Lemma t10w_outcome Q b : Q b = b -> Q (b + 3 / 8) = b -> Q (b + 15 / 8) = b + 2 ->
  static_outcome Q t10w_X t10w_U t10w_d t10w_Hinv (t10w_w b) (t10w_w b) (t10w_q b)
    (t10w_us b) (t10w_qs b) (205 / 4) (45 / 4).
Proof.
intros stay up over.
unfold t10w_X, t10w_U, t10w_d, t10w_Hinv, t10w_w, t10w_q, t10w_us, t10w_qs.
split.
- split; [intros i j range; three i; three j; reflexivity|intros i below; three i; reflexivity|].
  each_entry.
- each_entry.
- intros j below; three j; split; compute3; try field; symmetry; assumption.
- intros j below; three j; [code_is stay|code_is up|code_is up].
- intros j below; three j; compute3; field.
- intros j below; three j; compute3; assumption.
- compute3; field.
- compute3; field.
- compute3; rewrite stay, !up; field.
Qed.

(** The bound s^2/4 tr H of T2 on these tokens, with s = 1. *)
Lemma t10w_trace : 1 ^ 2 / 4 * trace 3 (hess 0 (gram 3 t10w_X)) = 49.
Proof. unfold t10w_X; compute3; field. Qed.

(** The loss in H is twice the token loss. *)
Lemma qform_hess0_loss n m X v : qform n (hess 0 (gram m X)) v = 2 * loss n m X v.
Proof. rewrite qform_hess, <- loss_gram; ring. Qed.

(** T10 beyond the worst case on the integers: loss_H is 205/2, above s^2/4 tr H = 49, which bounds
    GPTQ on every row. *)
Theorem t10w_exceeds_worst_case Q : near_int Q ->
  static_outcome Q t10w_X t10w_U t10w_d t10w_Hinv (t10w_w 0) (t10w_w 0) (t10w_q 0)
    (t10w_us 0) (t10w_qs 0) (205 / 4) (45 / 4) /\
  1 ^ 2 / 4 * trace 3 (hess 0 (gram 3 t10w_X))
  < qform 3 (hess 0 (gram 3 t10w_X)) (vsub (t10w_w 0) (t10w_qs 0)).
Proof.
intros near.
assert (outcome : static_outcome Q t10w_X t10w_U t10w_d t10w_Hinv (t10w_w 0) (t10w_w 0)
  (t10w_q 0) (t10w_us 0) (t10w_qs 0) (205 / 4) (45 / 4)).
{ apply t10w_outcome.
  - apply (near _ 0%Z), Rabs_def1; lra.
  - apply (near _ 0%Z), Rabs_def1; lra.
  - replace (0 + 2) with 2 by ring; apply (near _ 2%Z), Rabs_def1; lra. }
split; [exact outcome|]; rewrite t10w_trace, qform_hess0_loss.
rewrite (outcome_loss_static outcome); lra.
Qed.

(** T10 beyond the worst case on GF16 where its step is 1. *)
Theorem T10_exceeds_worst_case_gf16 :
  static_outcome gf16_round t10w_X t10w_U t10w_d t10w_Hinv (t10w_w 768) (t10w_w 768) (t10w_q 768)
    (t10w_us 768) (t10w_qs 768) (205 / 4) (45 / 4) /\
  1 ^ 2 / 4 * trace 3 (hess 0 (gram 3 t10w_X))
  < qform 3 (hess 0 (gram 3 t10w_X)) (vsub (t10w_w 768) (t10w_qs 768)).
Proof.
assert (outcome : static_outcome gf16_round t10w_X t10w_U t10w_d t10w_Hinv (t10w_w 768)
  (t10w_w 768) (t10w_q 768) (t10w_us 768) (t10w_qs 768) (205 / 4) (45 / 4)).
{ apply t10w_outcome.
  - gf16_value 768%Z 0%Z.
  - gf16_value 6147%Z (-3)%Z.
  - gf16_value 6159%Z (-3)%Z. }
split; [exact outcome|]; rewrite t10w_trace, qform_hess0_loss.
rewrite (outcome_loss_static outcome); lra.
Qed.
