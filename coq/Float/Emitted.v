(** * The codes that the program emits (T7 + T9 + T11 + T15)

    Purpose: one theorem about the production path as it runs: H in binary64, factored in binary64,
      U rounded once to binary32, the recurrence in binary32, the codes those of GF16 at the
      computed weights.  No residual is formed and no exact quantity is needed to evaluate the
      bound.
    Main results: [emitted_codes_enclosure] (any codes, both sides),
      [emitted_plain_enclosure] (the plain loss in the stored Gram matrix, as the guard uses it),
      [emitted_codes_loss_real] (GF16 codes, the loss in the stored H),
      [emitted_codes_activations] (the loss on the calibration activations).
    Bound functions: [emitted_delta] (T11), [gf16_half_gap] (T7), [residual32] (T15),
      [activation64] (T11 b), [weighted_size].
    Depends on: Gptq/GoldenGrid, [RecurrenceError], [FactorClosed], [Hessian], [Certificate].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16 ScaledGrid.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Gptq GoldenGrid.
From Hallmark.Float Require Import Arithmetic Rounding ChainError Recurrence RecurrenceError.
From Hallmark.Float Require Import GramError Factor FactorError FactorRounded Residual FactorClosed.
From Hallmark.Float Require Import Hessian Certificate.
Open Scope R_scope.

(** The factor as the recurrence reads it: rounded once to binary32. *)
Definition stored_factor (U : mat) : mat := round_factor (-149) 24 U.

(** The computed errors e_k. *)
Definition emitted_error (w s g : vec) : vec := weight_error real32 w s g.

(** The computed compensated weights u'_j. *)
Definition emitted_weight (U : mat) (w s g : vec) : vec :=
  comp_float real32 (stored_factor U) w s g.

(** The bound of T11 on |u'_j - u_j|, from computed quantities. *)
Definition emitted_delta (U : mat) (w s g : vec) (j : nat) : R :=
  delta_recurrence (uro 24) (eta (-149)) (stored_factor U) (emitted_error w s g)
    (emitted_weight U w s g) j.

(** The run that the theorems speak of: a factored H of sane size and a row of binary32. *)
Record emitted_run (n : nat) (H C U : mat) (d : vec) (hmax : R) (w : vec) : Prop := {
  run_factor : is_factor real64 n H C U d;
  run_symmetric : sym n H;
  run_pivots : forall k, (k < n)%nat -> 0 < d k;
  run_sane : sane_diagonal n H hmax;
  run_weights : forall j, (j < n)%nat -> in_format (-149) 24 (w j) }.
Arguments run_factor {n H C U d hmax w}.
Arguments run_symmetric {n H C U d hmax w}.
Arguments run_pivots {n H C U d hmax w}.
Arguments run_sane {n H C U d hmax w}.
Arguments run_weights {n H C U d hmax w}.

Section Emitted.

Variable n : nat.
Variables (H C U : mat) (d : vec) (hmax : R).
Variables w s g : vec.
Hypothesis run : emitted_run n H C U d hmax w.
Notation V := (stored_factor U).
Notation q := (scaled_points s g).
Notation u' := (emitted_weight U w s g).
Notation delta := (emitted_delta U w s g).
Notation size := (weighted_size n (root_diagonal H) (vsub w q)).

(** The stored factor is unit upper triangular. *)
Lemma stored_factor_unit_upper : unit_upper n V.
Proof.
apply (round_factor_unit_upper (-149) 24); [lia|].
exact (factor_unit_upper (-1074) 53 n H C U d (run_factor run)).
Qed.

(** The pivots are nonnegative. *)
Lemma run_nonneg : nonneg n d.
Proof. intros k below; apply Rlt_le, (run_pivots run); exact below. Qed.

(** The residual of the stored factor, entry by entry. *)
Lemma stored_residual i j : (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H V d i j) <= residual32 n * (root_diagonal H i * root_diagonal H j).
Proof.
exact (residual_entry_binary32 n H C U d hmax (run_factor run) (run_symmetric run) (run_pivots run)
  (run_sane run) i j).
Qed.

(** The computed weights are close to the exact ones at the codes produced. *)
Lemma emitted_rounding j : (j < n)%nat -> Rabs (u' j - comp V w q j) <= delta j.
Proof.
intros below; apply (T11_recurrence_closed (-149) 24); [apply (run_weights run); exact below|].
apply Rle_trans with (bpow radix2 24 * uro 24).
- apply Rmult_le_compat_r; [apply uro_ge0|].
  rewrite INR_IZR_INZ; change (bpow radix2 24) with (IZR (2 ^ 24)); apply IZR_le.
  assert (few := sane_columns (run_sane run)); lia.
- unfold uro; rewrite <- bpow_plus; apply Rle_refl.
Qed.

(** Any codes: the loss in the stored H between two computable numbers. *)
Theorem emitted_codes_enclosure :
  lower_sum n d u' q delta - residual32 n * size ^ 2
  <= qform n H (vsub w q)
  <= upper_sum n d u' q delta + residual32 n * size ^ 2.
Proof.
split.
- exact (certificate_lower n H V d w q u' delta (root_diagonal H) (residual32 n)
    stored_factor_unit_upper run_nonneg stored_residual emitted_rounding).
- exact (certificate_upper n H V d w q u' delta (root_diagonal H) (residual32 n)
    stored_factor_unit_upper run_nonneg stored_residual emitted_rounding).
Qed.

(** The codes are those of GF16, scaled, at the computed weights. *)
Definition gf16_codes : Prop :=
  forall j, (j < n)%nat -> 0 < s j /\ g j = gf16_round (u' j / s j).

(** T7 + T9 + T11 + T15: the loss in the stored H of the GF16 codes that the program emits. *)
Theorem emitted_codes_loss_real : gf16_codes ->
  qform n H (vsub w q)
  <= bsum n (fun j => d j * (gf16_half_gap s j (u' j) + delta j) ^ 2) + residual32 n * size ^ 2.
Proof.
intros codes.
apply (T9_perturbation_gf16 n H V d w q s u' delta (root_diagonal H) (residual32 n));
  [exact stored_factor_unit_upper|exact run_nonneg|exact stored_residual| |
  |exact emitted_rounding].
- intros j below; apply (codes j below).
- intros j below; unfold scaled_points, gf16_columns, scaled.
  rewrite (proj2 (codes j below)); reflexivity.
Qed.

End Emitted.

(** Any codes: the plain loss in the stored Gram matrix G between two computable numbers, for the
    stored Hessian H = 2 G + lambda I. *)
Theorem emitted_plain_enclosure n lam G C U d hmax w s g :
  let H := hessian_stored lam G in
  let e := vsub w (scaled_points s g) in
  let u' := emitted_weight U w s g in
  let slack := (residual32 n + uro 53) * weighted_size n (root_diagonal H) e ^ 2 in
  emitted_run n H C U d hmax w ->
  in_format (-1074) 53 lam -> (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j)) ->
  lower_sum n d u' (scaled_points s g) (emitted_delta U w s g) - slack
  <= 2 * qform n G e + lam * bsum n (fun i => e i ^ 2)
  <= upper_sum n d u' (scaled_points s g) (emitted_delta U w s g) + slack.
Proof.
intros H e u' slack run formlam formG.
apply (certificate_plain n lam G (stored_factor U)); [| | | |exact formlam|exact formG|].
- exact (stored_factor_unit_upper n H C U d hmax w run).
- exact (run_nonneg n H C U d hmax w run).
- exact (stored_residual n H C U d hmax w run).
- exact (emitted_rounding n H C U d hmax w s g run).
- intros j below; eapply Rle_trans; [apply bpow_ge_0|exact (sane_normal (run_sane run) j below)].
Qed.

(** The loss on the calibration activations of the GF16 codes, damping included on the left: H is
    the stored Hessian of the Gram matrix that the program accumulated. *)
Theorem emitted_codes_activations n m X lam C U d hmax w s g :
  let G := gram_float real64 m X in
  let H := hessian_stored lam G in
  let e := vsub w (scaled_points s g) in
  emitted_run n H C U d hmax w -> gf16_codes n U w s g ->
  binary32_entries n m X -> in_format (-1074) 53 lam -> 0 <= lam ->
  (0 < m)%nat /\ (Z.of_nat m <= 2 ^ 24)%Z ->
  2 * loss n m X e + lam * bsum n (fun i => e i ^ 2)
  <= bsum n (fun j =>
       d j * (gf16_half_gap s j (emitted_weight U w s g j) + emitted_delta U w s g j) ^ 2)
     + (residual32 n + uro 53 + activation64 m) * weighted_size n (root_diagonal H) e ^ 2.
Proof.
intros G H e run codes entries formlam lam_pos tokens.
assert (loss_H := emitted_codes_loss_real n H C U d hmax w s g run codes).
assert (diagonal : forall j, (j < n)%nat -> 0 <= H j j)
  by (intros j below; apply (hessian_diagonal_ge0 n m X lam); assumption).
assert (formG : forall j, (j < n)%nat -> in_format (-1074) 53 (G j j))
  by (intros j _; apply gram_float_format).
assert (stored := hessian_form n lam G formlam formG diagonal e).
assert (true_loss := activation_form n m X lam entries lam_pos tokens e).
fold G H in stored, true_loss; fold e in loss_H.
apply Rabs_le_inv in stored; apply Rabs_le_inv in true_loss; lra.
Qed.
