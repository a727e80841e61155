(** * Contract/SoundFloat: the contracts about computed numbers

    Purpose.  One soundness theorem for each contract of [open_contracts]: an environment that
      holds what the program computes, and in which the contract's preconditions hold, has its
      postcondition.
    Main results.  [gf16_half_gap_sound], [gram_accumulation_sound], [factor_residual_sound].
    Dependencies.  Contract/Library, Contract/Denotation, Gptq/GoldenGrid, Float/GramError,
      Float/FactorClosed. *)

From Coq Require Import ZArith Reals Lra Lia List String.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16 ScaledGrid.
From Hallmark.Gptq Require Import Sums Matrix GoldenGrid.
From Hallmark.Float Require Import Arithmetic Gamma Recurrence Factor GramError FactorClosed.
From Hallmark.Contract Require Import Syntax Denotation Library.
Import ListNotations.
Open Scope R_scope.

(** The bound of one rounding without a division by the scale. *)
Lemma gf16_half_gap_value s j x : 0 < s j ->
  GoldenGrid.gf16_half_gap s j x = Rmax (1 / IZR 1024 * Rabs x) (1 / IZR 1099511627776 * s j).
Proof.
  intros pos; unfold GoldenGrid.gf16_half_gap, half_ulp16.
  rewrite <- RmaxRmult by lra.
  unfold Rdiv at 1; rewrite Rabs_mult, (Rabs_pos_eq (/ s j)) by (apply Rlt_le, Rinv_0_lt_compat, pos).
  assert (ten : bpow radix2 (-10) = 1 / IZR 1024) by (simpl; lra).
  assert (forty : bpow radix2 (-40) = 1 / IZR 1099511627776) by (simpl; lra).
  rewrite ten, forty; f_equal; [field; lra|lra].
Qed.

(** T7: for codes that round x. *)
Theorem gf16_half_gap_sound e :
  (forall j, (j < size e "n")%nat ->
    vector e "q" j = gf16_columns (vector e "s") j (vector e "x" j)) ->
  supposed gf16_half_gap e -> promised gf16_half_gap e.
Proof.
  intros codes [scales _] j below.
  assert (pos : 0 < vector e "s" j).
  { assert (entry := scales j below); cbn in entry; lra. }
  assert (error := gf16_columns_error (vector e "s") j (vector e "x" j) pos).
  rewrite <- codes, gf16_half_gap_value in error by assumption; exact error.
Qed.

(** T11 (b): for the sums that the program accumulates. *)
Theorem gram_accumulation_sound e :
  binary32_entries (size e "n") (size e "m") (matrix e "X") ->
  (forall a b, (a < size e "n")%nat -> (b < size e "n")%nat ->
    matrix e "G" a b = gram_float real64 (size e "m") (matrix e "X") a b) ->
  supposed gram_accumulation e -> promised gram_accumulation e.
Proof.
  intros entries sums _ a abelow b bbelow.
  assert (bound := T11_gram_binary32 (size e "n") (size e "m") (matrix e "X") a b entries
    abelow bbelow).
  rewrite <- sums in bound by assumption; unfold gam in bound.
  replace (1 + uro 53) with (1 / 1 + 1 / IZR 9007199254740992) in bound
    by (unfold uro; simpl; lra).
  replace (- 1) with (- (1 / 1)) in bound by lra.
  replace (((1 / 1 + 1 / IZR 9007199254740992) ^ size e "m") - 1)
    with (((1 / 1 + 1 / IZR 9007199254740992) ^ size e "m") - 1 / 1) in bound by lra.
  exact bound.
Qed.

(** T15: for the factor that the program computes, with the conditions of the theorem. *)
Theorem factor_residual_sound e C hmax :
  is_factor real64 (size e "n") (matrix e "H") C (matrix e "U") (vector e "d") ->
  sym (size e "n") (matrix e "H") ->
  (forall k, (k < size e "n")%nat -> 0 < vector e "d" k) ->
  sane_diagonal (size e "n") (matrix e "H") hmax ->
  supposed factor_residual e -> promised factor_residual e.
Proof.
  intros run symmetric pivots sane _ i ibelow j jbelow.
  assert (bound := T15_binary64 _ _ C _ _ hmax run symmetric pivots sane i j ibelow jbelow).
  assert (diagonal : forall k, (k < size e "n")%nat -> 0 <= matrix e "H" k k).
  { intros k below; eapply Rle_trans; [apply (bpow_ge_0 radix2 (-900))|].
    exact (sane_normal sane k below). }
  apply sqr_le in bound.
  rewrite !Rpow_mult_distr, !pow2_sqrt in bound by (apply diagonal; assumption).
  replace (residual64 (size e "n")) with ((INR (size e "n") + 2 / 1) * (1 / IZR 9007199254740992))
    in bound by (unfold residual64; simpl bpow; lra).
  exact bound.
Qed.
