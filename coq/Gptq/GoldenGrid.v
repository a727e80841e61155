(** * The theorems on GF16, with one scale per column

    Purpose: T7's loss bound and the instances of T3, T4 and T9 on the grid {s g : g a GF16
      number}.
    Main results: [T7_gptq_bound] (loss <= sum_j d_j (s_j max(2^-10 |u_j/s_j|, 2^-40))^2),
      [T3_dominance_gf16] (on boxes of binades), [T4_two_columns_plain_gf16],
      [T9_perturbation_gf16] (the codes of a computed u', from the stored factor).
    Bound functions: s_j half_ulp16 (u_j / s_j).
    Range: these statements speak of rounding without overflow; a code beyond gf16_max is excluded
      by the program, see [gf16_no_overflow].
    Depends on: [Bound], [WorstCase], [TwoColumns], [Perturbation], Format/GF16, Format/GF16Binade,
      Format/ScaledGrid.
    Source: this project. *)
From Coq Require Import Reals Lra Lia ZArith.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16 GF16Binade ScaledGrid.
From Hallmark.Gptq Require Import
  Sums Matrix Quantizer Gptq Bound WorstCase TwoColumns Perturbation.
Open Scope R_scope.

(** GF16 with one scale per column. *)
Definition gf16_columns (s : vec) : nat -> R -> R := fun j => scaled (s j) gf16_round.

(** The error bound of column j at x. *)
Definition gf16_half_gap (s : vec) (j : nat) (x : R) : R := s j * half_ulp16 (x / s j).

(** One rounding of column j errs by at most [gf16_half_gap]. *)
Lemma gf16_columns_error s j x : 0 < s j ->
  Rabs (x - gf16_columns s j x) <= gf16_half_gap s j x.
Proof. intros spos; apply scaled_gf16_error; exact spos. Qed.

(** T7. GPTQ on GF16 with scales s_j loses at most sum_j d_j (s_j max(2^-10 |u_j/s_j|, 2^-40))^2. *)
Theorem T7_gptq_bound n M U d w q s : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> 0 < s j) -> is_gptq n (gf16_columns s) U w q ->
  qform n M (vsub w q) <= bsum n (fun j => d j * gf16_half_gap s j (comp U w q j) ^ 2).
Proof.
intros cert pos spos run.
apply (T2_bound n M U d w q (fun j => gf16_half_gap s j (comp U w q j))); try assumption.
intros j below; rewrite (run j below); apply gf16_columns_error, spos; exact below.
Qed.

(** T7 and T9 together: codes that round computed values u', an inexact factor, entrywise residual.
    *)
Theorem T9_perturbation_gf16 n M U d w q s (u' delta a : vec) g : unit_upper n U -> nonneg n d ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> Rabs (resid n M U d i j) <= g * (a i * a j)) ->
  (forall j, (j < n)%nat -> 0 < s j) ->
  (forall j, (j < n)%nat -> q j = gf16_columns s j (u' j)) ->
  (forall j, (j < n)%nat -> Rabs (u' j - comp U w q j) <= delta j) ->
  qform n M (vsub w q) <=
  bsum n (fun j => d j * (gf16_half_gap s j (u' j) + delta j) ^ 2)
  + g * bsum n (fun i => Rabs (w i - q i) * a i) ^ 2.
Proof.
intros shape pos entry spos codes rounding.
apply (T9_perturbation_entrywise n M U d w q u' (fun j => gf16_half_gap s j (u' j)) delta a g);
  try assumption.
intros j below; rewrite codes by exact below; apply gf16_columns_error, spos; exact below.
Qed.

(** T3 on GF16: where the compensated weights stay below 2^(k_j+1) s_j, some row inside the same
    binades loses under round-to-nearest at least what GPTQ loses. *)
Theorem T3_dominance_gf16 n M U d s (k : nat -> Z) : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> 0 < s j) -> (forall j, (j < n)%nat -> (-30 <= k j <= 31)%Z) ->
  exists w',
    (forall j, (j < n)%nat -> s j * bpow radix2 (k j) <= w' j < s j * bpow radix2 (k j + 1)) /\
    forall w q, is_gptq n (gf16_columns s) U w q ->
      (forall j, (j < n)%nat -> Rabs (comp U w q j) < s j * bpow radix2 (k j + 1)) ->
      qform n M (vsub w q) <= qform n M (vsub w' (rtn (gf16_columns s) w')).
Proof.
intros cert pos spos range.
destruct (T3_dominance_boxes n M U d (gf16_columns s)
  (fun j x => Rabs x < s j * bpow radix2 (k j + 1)) (fun j => s j * bpow radix2 (k j - 10))
  (fun j => s j * tie_down (k j)) (fun j => s j * tie_up (k j)) cert pos) as [w' [place worst]].
- intros j x below inside; assert (here := spos j below).
  unfold gf16_columns; rewrite scaled_abs by exact here.
  apply Rmult_le_compat_l; [lra|]; rewrite Rabs_minus_sym.
  apply gf16_error_binade; [apply range; exact below|].
  unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ s j)) by (left; apply Rinv_0_lt_compat; lra).
  apply Rmult_lt_reg_l with (s j); [exact here|].
  replace (s j * (Rabs x * / s j)) with (Rabs x) by (field; lra); exact inside.
- intros j below; assert (here := spos j below).
  unfold gf16_columns; rewrite scaled_residual by exact here.
  replace (s j * tie_down (k j) / s j) with (tie_down (k j)) by (field; lra).
  rewrite tie_down_round by (apply range; exact below); reflexivity.
- intros j below; assert (here := spos j below).
  unfold gf16_columns; rewrite scaled_residual by exact here.
  replace (s j * tie_up (k j) / s j) with (tie_up (k j)) by (field; lra).
  rewrite tie_up_round by (apply range; exact below); ring.
- exists w'; split; [|exact worst]; intros j below; assert (here := spos j below).
  destruct (place j below) as [-> | ->].
  + destruct (tie_down_binade (k j)) as [low high]; split.
    * apply Rmult_le_compat_l; lra.
    * apply Rmult_lt_compat_l; lra.
  + destruct (tie_up_binade (k j)) as [low high]; split.
    * apply Rmult_le_compat_l; lra.
    * apply Rmult_lt_compat_l; lra.
Qed.

(** T4 on GF16: two columns, the plain loss, any damping, any scales. *)
Theorem T4_two_columns_plain_gf16 m X lam U d w q s : 0 <= lam -> 0 < s 1%nat ->
  udu 2 (hess lam (gram m X)) U d -> nonneg 2 d -> is_gptq 2 (gf16_columns s) U w q ->
  loss 2 m X (vsub w q) <= loss 2 m X (vsub w (rtn (gf16_columns s) w)).
Proof.
intros lampos spos cert pos run; apply (T4_two_columns_plain m X lam U d); try assumption.
intros x y; apply scaled_gf16_nearest; exact spos.
Qed.
