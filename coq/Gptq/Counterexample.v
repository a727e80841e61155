(** * T5: three columns refute GPTQ <= round-to-nearest

    Purpose: the comparison first proposed is false for three columns, on the integer grid and on
      GF16, without damping and without a tie.
    Main results: [T5_integer] (every tie rule), [T5_gf16], [T5_gf16_large_step],
      [T5_gf16_subnormal], [T5_gf16_half_ulp] (weights that are FP16 numbers);
      [T5_comparison_is_false_integer], [T5_comparison_is_false_gf16] (the universal statement
      refuted), [t5_outcome] (one calculation behind the first four).
    Depends on: [Concrete], [Gptq], [Quantizer], Format/GF16, Format/IntegerGrid.
    Source: this project, found by search in exact fractions. *)
From Coq Require Import Reals Lra Lia ZArith Arith List.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16 IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Quantizer Gptq Concrete UniformGrid.
Import ListNotations.
Open Scope R_scope.

(** The tokens X of the counterexample. *)
Definition t5_X : mat := rows [[1; 2; 0]; [0; 1; 1]; [0; 0; 4]].

(** The factor U of 2 X X^T. *)
Definition t5_U : mat := rows [[1; 2; 0]; [0; 1; 1 / 4]; [0; 0; 1]].

(** The pivots d of 2 X X^T. *)
Definition t5_d : vec := entries [2; 2; 32].

(** The weights around the grid point b with the local step h. *)
Definition t5_w (b h : R) : vec := entries [b + h / 4; b + h / 4; b - h / 4].

(** The compensated weights. *)
Definition t5_u (b h : R) : vec := entries [b + h / 4; b + 3 / 4 * h; b - 7 / 16 * h].

(** The codes of GPTQ. *)
Definition t5_q (b h : R) : vec := entries [b; b + h; b].

(** The codes of round-to-nearest. *)
Definition t5_r (b : R) : vec := entries [b; b; b].

(** The certificate of T5 without damping. *)
Lemma t5_udu : udu 3 (hess 0 (gram 3 t5_X)) t5_U t5_d.
Proof.
split.
- intros i j range; three i; three j; reflexivity.
- intros i below; three i; reflexivity.
- intros i j ibelow jbelow; unfold t5_X, t5_U, t5_d; three i; three j; compute3; lra.
Qed.

(** The pivots of T5 are positive. *)
Lemma t5_d_pos k : (k < 3)%nat -> 0 < t5_d k.
Proof. intros below; unfold t5_d; three k; unfold entries; simpl; lra. Qed.

(** What happens on a grid that has the points b and b + h and rounds as to the nearest of them. *)
Definition t5_happens (Q : R -> R) (w u q r : vec) (loss_gptq loss_rtn : R) : Prop :=
  is_gptq 3 (every Q) t5_U w q /\
  (forall j, (j < 3)%nat -> comp t5_U w q j = u j) /\
  (forall j, (j < 3)%nat -> rtn (every Q) w j = r j) /\
  loss 3 3 t5_X (vsub w q) = loss_gptq /\ loss 3 3 t5_X (vsub w (rtn (every Q) w)) = loss_rtn.

(** The calculation: four roundings decide codes and losses, 51/16 h^2 against 19/16 h^2. *)
Lemma t5_outcome Q b h : Q (b + h / 4) = b -> Q (b + 3 / 4 * h) = b + h ->
  Q (b - 7 / 16 * h) = b -> Q (b - h / 4) = b ->
  t5_happens Q (t5_w b h) (t5_u b h) (t5_q b h) (t5_r b) (51 / 16 * h ^ 2) (19 / 16 * h ^ 2).
Proof.
intros up over down back; unfold t5_happens, t5_w, t5_u, t5_q, t5_r, t5_U, t5_X.
split; [|split; [|split; [|split]]].
- intros j below; three j; [code_is up|code_is over|code_is down].
- intros j below; three j; compute3; field.
- intros j below; three j; compute3; [exact up|exact up|exact back].
- compute3; field.
- compute3; rewrite up, back; field.
Qed.

(** T5 on the integers, w = (1/4, 1/4, -1/4), every tie rule: 51/16 > 19/16. *)
Theorem T5_integer Q : near_int Q ->
  t5_happens Q (t5_w 0 1) (t5_u 0 1) (t5_q 0 1) (t5_r 0) (51 / 16) (19 / 16).
Proof.
intros near; replace (51 / 16) with (51 / 16 * 1 ^ 2) by field.
replace (19 / 16) with (19 / 16 * 1 ^ 2) by field.
apply t5_outcome.
- apply (near _ 0%Z), Rabs_def1; lra.
- replace (0 + 1) with 1 by ring; apply (near _ 1%Z), Rabs_def1; lra.
- apply (near _ 0%Z), Rabs_def1; lra.
- apply (near _ 0%Z), Rabs_def1; lra.
Qed.

(** T5 on GF16, w = (3073, 3073, 3071)/2048: 51/2^22 > 19/2^22. *)
Theorem T5_gf16 :
  t5_happens gf16_round (t5_w (3 / 2) (1 / 512)) (t5_u (3 / 2) (1 / 512))
    (t5_q (3 / 2) (1 / 512)) (t5_r (3 / 2)) (51 / 4194304) (19 / 4194304).
Proof.
replace (51 / 4194304) with (51 / 16 * (1 / 512) ^ 2) by field.
replace (19 / 4194304) with (19 / 16 * (1 / 512) ^ 2) by field.
apply t5_outcome.
- gf16_value 3073%Z (-11)%Z.
- gf16_value 3075%Z (-11)%Z.
- gf16_value 12281%Z (-13)%Z.
- gf16_value 3071%Z (-11)%Z.
Qed.

(** T5 on GF16 where its step is 1, w = (768.25, 768.25, 767.75): 51/16 > 19/16. *)
Theorem T5_gf16_large_step :
  t5_happens gf16_round (t5_w 768 1) (t5_u 768 1) (t5_q 768 1) (t5_r 768) (51 / 16) (19 / 16).
Proof.
replace (51 / 16) with (51 / 16 * 1 ^ 2) by field.
replace (19 / 16) with (19 / 16 * 1 ^ 2) by field.
apply t5_outcome.
- gf16_value 3073%Z (-2)%Z.
- gf16_value 3075%Z (-2)%Z.
- gf16_value 12281%Z (-4)%Z.
- gf16_value 3071%Z (-2)%Z.
Qed.

(** T5 on the subnormal numbers of GF16, w = (17, 17, 15) 2^-41: 51/16 2^-78 > 19/16 2^-78. *)
Theorem T5_gf16_subnormal : let h := bpow radix2 (-39) in
  t5_happens gf16_round (t5_w (4 * h) h) (t5_u (4 * h) h) (t5_q (4 * h) h) (t5_r (4 * h))
    (51 / 16 * h ^ 2) (19 / 16 * h ^ 2).
Proof.
intros h; unfold h; apply t5_outcome.
- gf16_value 17%Z (-41)%Z.
- gf16_value 19%Z (-41)%Z.
- gf16_value 57%Z (-43)%Z.
- gf16_value 15%Z (-41)%Z.
Qed.

(** The tokens X of the second counterexample. *)
Definition t5c_X : mat := rows [[1; 1; -2]; [0; 1; -1]; [0; 0; 4]].

(** The factor U of its 2 X X^T. *)
Definition t5c_U : mat := rows [[1; 1; -1 / 2]; [0; 1; -1 / 4]; [0; 0; 1]].

(** The pivots d of its 2 X X^T. *)
Definition t5c_d : vec := entries [2; 2; 32].

(** Its weights, three FP16 numbers on half steps of GF16. *)
Definition t5c_w : vec := entries [1537 / 2; 1537 / 2; 1537 / 2].

(** Its compensated weights. *)
Definition t5c_u : vec := entries [1537 / 2; 769; 6147 / 8].

(** Its codes of GPTQ. *)
Definition t5c_q : vec := entries [768; 769; 768].

(** Its codes of round-to-nearest. *)
Definition t5c_r : vec := entries [768; 768; 768].

(** The certificate of the second counterexample without damping. *)
Lemma t5c_udu : udu 3 (hess 0 (gram 3 t5c_X)) t5c_U t5c_d.
Proof.
split.
- intros i j range; three i; three j; reflexivity.
- intros i below; three i; reflexivity.
- intros i j ibelow jbelow; unfold t5c_X, t5c_U, t5c_d; three i; three j; compute3; lra.
Qed.

(** T5 for weights that are FP16 numbers, exact ties of GF16: 5/2 > 3/2. *)
Theorem T5_gf16_half_ulp :
  is_gptq 3 (every gf16_round) t5c_U t5c_w t5c_q /\
  (forall j, (j < 3)%nat -> comp t5c_U t5c_w t5c_q j = t5c_u j) /\
  (forall j, (j < 3)%nat -> rtn (every gf16_round) t5c_w j = t5c_r j) /\
  loss 3 3 t5c_X (vsub t5c_w t5c_q) = 5 / 2 /\
  loss 3 3 t5c_X (vsub t5c_w (rtn (every gf16_round) t5c_w)) = 3 / 2.
Proof.
assert (tie : gf16_round (1537 / 2) = 768) by gf16_value 1537%Z (-1)%Z.
assert (exact_code : gf16_round 769 = 769) by gf16_value 769%Z 0%Z.
assert (above : gf16_round (6147 / 8) = 768) by gf16_value 6147%Z (-3)%Z.
unfold t5c_w, t5c_u, t5c_q, t5c_r, t5c_U, t5c_X; split; [|split; [|split; [|split]]].
- intros j below; three j; [code_is tie|code_is exact_code|code_is above].
- intros j below; three j; compute3; field.
- intros j below; three j; compute3; exact tie.
- compute3; field.
- compute3; rewrite !tie; field.
Qed.

(** The proposed comparison GPTQ <= RTN, for every size, data, factor, row and codes, undamped. *)
Definition proposed_comparison (Q : R -> R) : Prop :=
  forall n m X U d w q, udu n (hess 0 (gram m X)) U d -> nonneg n d ->
    is_gptq n (every Q) U w q -> loss n m X (vsub w q) <= loss n m X (vsub w (rtn (every Q) w)).

(** T5 as a refutation on the integers: the comparison is false for every tie rule. *)
Theorem T5_comparison_is_false_integer Q : near_int Q -> ~ proposed_comparison Q.
Proof.
intros near claim; destruct (T5_integer Q near) as [run [_ [_ [gptq_loss rtn_loss]]]].
assert (below := claim 3%nat 3%nat t5_X t5_U t5_d (t5_w 0 1) (t5_q 0 1) t5_udu
  (fun k kbelow => Rlt_le _ _ (t5_d_pos k kbelow)) run); lra.
Qed.

(** T5 as a refutation on GF16. *)
Theorem T5_comparison_is_false_gf16 : ~ proposed_comparison gf16_round.
Proof.
intros claim; destruct T5_gf16 as [run [_ [_ [gptq_loss rtn_loss]]]].
assert (below := claim 3%nat 3%nat t5_X t5_U t5_d _ _ t5_udu
  (fun k kbelow => Rlt_le _ _ (t5_d_pos k kbelow)) run); lra.
Qed.
