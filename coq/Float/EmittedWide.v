(** * The recurrence done again in binary64

    Purpose: rows that the binary32 recurrence cannot decide are evaluated again in binary64, with
      the binary64 factor or with the one stored in binary32.  The same enclosures, with the
      constants of those formats; any codes.
    Main results: [wide_enclosure] (binary64 factor), [wide_stored_enclosure] (stored factor).
    Bound functions: [wide_delta] (T11), [residual64], [residual32] (T15).
    Depends on: [RecurrenceError], [FactorClosed], [Certificate], [Emitted].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix Gptq.
From Hallmark.Float Require Import Arithmetic Rounding ChainError Recurrence RecurrenceError.
From Hallmark.Float Require Import Factor FactorError Residual FactorClosed Certificate Emitted.
Open Scope R_scope.

(** The bound of T11 on a recurrence in binary64 with the factor [V]. *)
Definition wide_delta (V : mat) (w s g : vec) (j : nat) : R :=
  delta_recurrence (uro 53) (eta (-1074)) V (weight_error real64 w s g)
    (comp_float real64 V w s g) j.

Section Wide.

Variable n : nat.
Variables (H C U : mat) (d : vec) (hmax : R).
Variables w s g : vec.
Hypothesis run : emitted_run n H C U d hmax w.
Notation q := (scaled_points s g).
Notation size := (weighted_size n (root_diagonal H) (vsub w q)).

(** The computed weights are close to the exact ones, whatever the factor. *)
Lemma wide_rounding V j : (j < n)%nat ->
  Rabs (comp_float real64 V w s g j - comp V w q j) <= wide_delta V w s g j.
Proof.
intros below; apply (T11_recurrence_closed (-1074) 53).
- apply (format_widen (-149) 24); [lia|lia|apply (run_weights run); exact below].
- apply Rle_trans with (bpow radix2 24 * uro 53).
  + apply Rmult_le_compat_r; [apply uro_ge0|].
    rewrite INR_IZR_INZ; change (bpow radix2 24) with (IZR (2 ^ 24)); apply IZR_le.
    assert (few := sane_columns (run_sane run)); lia.
  + unfold uro; rewrite <- bpow_plus; change 1 with (bpow radix2 0); apply bpow_le; lia.
Qed.

(** Any codes, with the binary64 factor. *)
Theorem wide_enclosure :
  let u' := comp_float real64 U w s g in
  lower_sum n d u' q (wide_delta U w s g) - residual64 n * size ^ 2
  <= qform n H (vsub w q)
  <= upper_sum n d u' q (wide_delta U w s g) + residual64 n * size ^ 2.
Proof.
intros u'.
assert (shape := factor_unit_upper (-1074) 53 n H C U d (run_factor run)).
assert (pivots := run_nonneg n H C U d hmax w run).
assert (residual := residual_entry_binary64 n H C U d hmax (run_factor run) (run_symmetric run)
  (run_pivots run) (run_sane run)).
split.
- exact (certificate_lower n H U d w q u' (wide_delta U w s g) (root_diagonal H) (residual64 n)
    shape pivots residual (wide_rounding U)).
- exact (certificate_upper n H U d w q u' (wide_delta U w s g) (root_diagonal H) (residual64 n)
    shape pivots residual (wide_rounding U)).
Qed.

(** Any codes, with the factor stored in binary32. *)
Theorem wide_stored_enclosure :
  let V := stored_factor U in
  let u' := comp_float real64 V w s g in
  lower_sum n d u' q (wide_delta V w s g) - residual32 n * size ^ 2
  <= qform n H (vsub w q)
  <= upper_sum n d u' q (wide_delta V w s g) + residual32 n * size ^ 2.
Proof.
intros V u'.
assert (shape := stored_factor_unit_upper n H C U d hmax w run).
assert (pivots := run_nonneg n H C U d hmax w run).
assert (residual := stored_residual n H C U d hmax w run).
split.
- exact (certificate_lower n H V d w q u' (wide_delta V w s g) (root_diagonal H) (residual32 n)
    shape pivots residual (wide_rounding V)).
- exact (certificate_upper n H V d w q u' (wide_delta V w s g) (root_diagonal H) (residual32 n)
    shape pivots residual (wide_rounding V)).
Qed.

End Wide.
