(** * What the theorems assume

    Purpose: one question for every theorem of theorems.txt, in the order of the parts of
      Headline.v, one for the witnesses together and one for the theorems of outside.txt.  The
      answers are compared with Assumptions.golden, in both directions, by tools/check_proofs.sh,
      which compiles this file; nothing else does.
    Main definitions: [witnesses], [outside] (tuples of names).
    Depends on: [Headline]; the files that outside.txt names.
    Source: this project. *)
From Hallmark Require Import Headline.
From Hallmark.Contract Require Sound SoundEntry SoundFloat SoundLoss Evaluate Library.
From Hallmark.Format Require CodecEncode CodecDecode GF16Binade.
From Hallmark.Gptq Require Examples.
From Hallmark.Float Require EmittedWide NoOverflow.

Print Assumptions hess_psd.
Print Assumptions udu_exists.
Print Assumptions gptq_exists.
Print Assumptions gptq_unique.
Print Assumptions cholesky_gptq.
Print Assumptions T1_identity.
Print Assumptions T1_identity_residual.
Print Assumptions T1_identity_plain_residual.
Print Assumptions T2_bound.
Print Assumptions T2_bound_step.
Print Assumptions T2_bound_trace.
Print Assumptions T2_supremum.
Print Assumptions T3_dominance.
Print Assumptions T3_dominance_any_tie.
Print Assumptions T3_dominance_damped.
Print Assumptions T3_plain_false.
Print Assumptions T3b_feedback_lower_bound.
Print Assumptions T3b_trace_ge_sum_d.
Print Assumptions T3b_minimax.
Print Assumptions nearest_mono.
Print Assumptions T4_one_column.
Print Assumptions T4_two_columns.
Print Assumptions T4_two_columns_plain.
Print Assumptions T5_integer.
Print Assumptions T5_gf16.
Print Assumptions T5_comparison_is_false_integer.
Print Assumptions T5_comparison_is_false_gf16.
Print Assumptions T6_guard_min.
Print Assumptions T6_guard_row.
Print Assumptions T6_guard_matrix.
Print Assumptions T6_guard_enclosure_matrix.
Print Assumptions T8_transfer.
Print Assumptions T8_transfer_certificate.
Print Assumptions T8_comparison_does_not_transfer.
Print Assumptions T9_perturbation_residual.
Print Assumptions T9_perturbation_plain.
Print Assumptions T10_two_columns.
Print Assumptions T10_unbounded_excess.
Print Assumptions T10_exceeds_worst_case.
Print Assumptions T16_mean_rtn.
Print Assumptions T16_mean_gptq.
Print Assumptions T17_selection_row.
Print Assumptions T17_selection_first.
Print Assumptions T17_selection_min.
Print Assumptions T17_selection_guard.
Print Assumptions T17_selection_matrix.
Print Assumptions T17_selection_mixture.
Print Assumptions T17_selection_matrix_min.
Print Assumptions T17_selection_enclosure.
Print Assumptions T17_selection_enclosure_matrix.
Print Assumptions T19_change.
Print Assumptions T19_step.
Print Assumptions T19_nearest.
Print Assumptions T19_dead_column.
Print Assumptions T19_live_or_dead.
Print Assumptions T19_sweep.
Print Assumptions T19_one_opt.
Print Assumptions T19_moves_end.
Print Assumptions T19_sweeps_end.
Print Assumptions T19_rounded_change.
Print Assumptions T19_rounded.
Print Assumptions T19_rounded_one_opt.
Print Assumptions T20_scale.
Print Assumptions T20_scale_rounded.
Print Assumptions T20_combination.
Print Assumptions T20_combination_best.
Print Assumptions T20_combination_exists.
Print Assumptions T20_codebook.
Print Assumptions T21_lower_bound.
Print Assumptions T21_grid.
Print Assumptions T21_nearly.
Print Assumptions T21_factored_ieee.
Print Assumptions T21_candidates.
Print Assumptions T21_optimum.
Print Assumptions T25_pivot_distance.
Print Assumptions T25_pivot_monotone.
Print Assumptions T25_nearest_plane.
Print Assumptions T25_no_clip.
Print Assumptions T25_order_product.
Print Assumptions T25_order_bound.
Print Assumptions T23_target.
Print Assumptions T23_inverse.
Print Assumptions T23_pythagoras.
Print Assumptions T23_gptq.
Print Assumptions T23_damped.
Print Assumptions T23_inexact.
Print Assumptions T23_comparison.
Print Assumptions T24_hadamard.
Print Assumptions T24_integers.
Print Assumptions T24_orthogonal.
Print Assumptions T24_loss_any.
Print Assumptions T24_loss.
Print Assumptions T24_codes.
Print Assumptions T24_decode.
Print Assumptions T24_partial_sum.
Print Assumptions T24_decode_short.
Print Assumptions T26_sequential.
Print Assumptions T26_feedback.
Print Assumptions T26_optimality.
Print Assumptions T26_least_is_false.
Print Assumptions T27_identity.
Print Assumptions T27_stepwise.
Print Assumptions T27_bound.
Print Assumptions T27_gptq_is_greedy.
Print Assumptions T27_greedy_is_gptq.
Print Assumptions T28_identity.
Print Assumptions T28_residual.
Print Assumptions T28_gain.
Print Assumptions T28_correction_exists.
Print Assumptions T28_best.
Print Assumptions T7_gf16_error.
Print Assumptions T7_gf16_nearest.
Print Assumptions T7_gf16_no_overflow.
Print Assumptions T7_all_words.
Print Assumptions T7_gptq_bound.
Print Assumptions T7_phi_identity.
Print Assumptions T7_split_minimal.
Print Assumptions T12_encode32_correct.
Print Assumptions T12_encode64_correct.
Print Assumptions T12_decode32_correct.
Print Assumptions T12_decode64_correct.
Print Assumptions T12_encode32_value.
Print Assumptions T29_size.
Print Assumptions T29_pack.
Print Assumptions T29_bits.
Print Assumptions T29_one_text.
Print Assumptions T29_append.
Print Assumptions T29_bytes.
Print Assumptions T29_signed.
Print Assumptions T29_offset.
Print Assumptions T29_shuffle.
Print Assumptions T29_compressed_tensors.
Print Assumptions T29_gptq.
Print Assumptions T29_q4_0.
Print Assumptions T29_q8_0.
Print Assumptions T29_q6_k.
Print Assumptions T29_pairs.
Print Assumptions T29_pair_places.
Print Assumptions T11_recurrence.
Print Assumptions T11_recurrence_closed.
Print Assumptions T11_gram.
Print Assumptions T11_gram_binary32.
Print Assumptions T11_finite_recurrence.
Print Assumptions T11_finite_gram.
Print Assumptions T11_gram_no_overflow.
Print Assumptions T15_program.
Print Assumptions T15_finite_factor.
Print Assumptions T15_entry.
Print Assumptions T15_binary64.
Print Assumptions T15_form_binary64.
Print Assumptions T15_form_binary32.
Print Assumptions T22_nearly_psd.
Print Assumptions T22_nearly_psd_ieee.
Print Assumptions T22_nearly_psd_gram.
Print Assumptions emitted_codes_loss.
Print Assumptions emitted_plain_enclosure.
Print Assumptions emitted_plain_enclosure_ieee.
Print Assumptions guard_loss_enclosure.
Print Assumptions guard_loss_enclosure_binary32.
Print Assumptions guard_plain_loss.
Print Assumptions emitted_codes_activations.
Print Assumptions emitted_codes_activations_ieee.
Print Assumptions T30_guard.
Print Assumptions T30_guard_ieee.
Print Assumptions T30_guard_zero.
Print Assumptions T30_guard_binary32.
Print Assumptions T30_guard_binary32_ieee.
Print Assumptions T30_bound.
Print Assumptions T30_bound_ieee.
Print Assumptions T18_entry.
Print Assumptions T18_activations_any_format.
Print Assumptions T18_activations.
Print Assumptions T18_activations_ieee.
Print Assumptions T18_gram_bound.
Print Assumptions T18_roundings.
Print Assumptions T18_order_chain.
Print Assumptions T18_order_two_level.
Print Assumptions T13_checker.
Print Assumptions T13_checker_total.
Print Assumptions T13_checker_parts.
Print Assumptions T13_beside.
Print Assumptions T13_rule.
Print Assumptions T13_scales.
Print Assumptions T14_distribution.
Print Assumptions T14_tail.
Print Assumptions T14_paired_t_quarter.

(** The witness lemmas. *)
Definition witnesses := (
  @ground_witness,
  @codes_witness,
  @textbook_witness,
  @T1_witness,
  @T1_residual_witness,
  @T1_plain_witness,
  @T2_witness,
  @T3_any_tie_witness,
  @T3_damped_witness,
  @T3_witness,
  @T3b_witness,
  @T4_witness,
  @T4_form_witness,
  @T5_witness,
  @T6_witness,
  @T6_enclosure_witness,
  @T8_witness,
  @T9_witness,
  @T9_plain_witness,
  @T10_two_columns_witness,
  @T10_witness,
  @T16_witness,
  @T17_selection_witness,
  @T17_enclosure_witness,
  @T19_witness,
  @T19_dead_witness,
  @T19_rounded_witness,
  @T20_scale_witness,
  @T20_codebook_witness,
  @T21_witness,
  @T21_factored_witness,
  @T21_optimum_witness,
  @T25_distance_witness,
  @T25_monotone_witness,
  @T25_plane_witness,
  @T25_no_clip_witness,
  @T25_order_witness,
  @T23_witness,
  @T23_damped_witness,
  @T23_inexact_witness,
  @T24_rotation_witness,
  @T24_decode_witness,
  @T26_witness,
  @T27_witness,
  @T28_witness,
  @T7_gf16_error_witness,
  @T7_gf16_nearest_witness,
  @T7_gf16_no_overflow_witness,
  @T7_all_words_witness,
  @T7_gptq_witness,
  @T7_split_witness,
  @T12_encode32_value_witness,
  @T12_encode32_witness,
  @T12_encode64_witness,
  @T12_decode32_witness,
  @T12_decode64_witness,
  @T29_pack_witness,
  @T29_words_witness,
  @T29_one_text_witness,
  @T29_append_witness,
  @T29_signed_witness,
  @T29_shuffle_witness,
  @T29_gptq_witness,
  @T29_q4_0_witness,
  @T29_q8_0_witness,
  @T29_q6_k_witness,
  @T29_pairs_witness,
  @T11_recurrence_witness,
  @T11_gram_witness,
  @T11_finite_recurrence_witness,
  @T11_gram_no_overflow_witness,
  @T11_finite_gram_witness,
  @T15_witness,
  @T15_entry_witness,
  @T15_form_binary64_witness,
  @T15_form_binary32_witness,
  @T15_finite_factor_witness,
  @T22_nearly_psd_witness,
  @T22_nearly_psd_gram_witness,
  @emitted_run_witness,
  @emitted_loss_witness,
  @emitted_enclosure_witness,
  @emitted_plain_run_witness,
  @emitted_plain_witness,
  @emitted_activations_witness,
  @emitted_ill_conditioned_witness,
  @emitted_ill_conditioned_activations_witness,
  @guard_ill_conditioned_witness,
  @emitted_subnormal_witness,
  @emitted_clipped_witness,
  @guard_enclosure_witness,
  @guard_enclosure_binary32_witness,
  @T30_guard_model_witness,
  @T30_guard_witness,
  @T30_guard_zero_witness,
  @T30_guard_binary32_witness,
  @T30_bound_witness,
  @T18_order_witness,
  @T18_activations_witness,
  @T18_gram_bound_witness,
  @T13_witness,
  @T13_flipped_witness,
  @T13_integer_witness,
  @T13_table_witness,
  @T13_beside_witness,
  @T13_rule_witness,
  @T13_scales_witness,
  @T14_witness,
  @T14_not_witness).

Print Assumptions witnesses.

(** The theorems of outside.txt. *)
Definition outside := (
  @Sound.pivots_sound,
  @Sound.error_identity_sound,
  @Sound.error_identity_residual_sound,
  @Sound.loss_enclosure_sound,
  @Sound.gptq_bound_sound,
  @Sound.gptq_bound_emitted_sound,
  @Sound.guard_row_sound,
  @Sound.guard_total_sound,
  @Sound.two_columns_sound,
  @Sound.rtn_when_no_calibration_sound,
  @Sound.transfer_sound,
  @Library.library_valid,
  @SoundEntry.gf16_half_gap_sound,
  @SoundEntry.gf16_nearest_sound,
  @SoundEntry.idempotence_sound,
  @SoundEntry.exact_product_sound,
  @SoundEntry.gram_accumulation_sound,
  @SoundEntry.gram_bound_sound,
  @SoundEntry.factor_residual_sound,
  @SoundFloat.gf16_half_gap_met,
  @SoundFloat.gf16_nearest_met,
  @SoundFloat.idempotence_met,
  @SoundFloat.exact_product_met,
  @SoundFloat.gram_accumulation_met,
  @SoundFloat.gram_bound_met,
  @SoundFloat.factor_residual_met,
  @SoundFloat.factor_residual_stored_met,
  @SoundFloat.pivots_met,
  @SoundLoss.loss_enclosure_met,
  @SoundLoss.loss_enclosure_recurrence_met,
  @SoundLoss.gptq_bound_emitted_met,
  @SoundLoss.guard_row_met,
  @SoundLoss.guard_total_met,
  @Evaluate.evaluate_correct,
  @Evaluate.decide_correct,
  @Evaluate.supposed_correct,
  @Evaluate.promised_correct,
  @CodecEncode.encode32_correct,
  @CodecEncode.encode64_correct,
  @CodecDecode.decode32_correct,
  @CodecDecode.decode64_correct,
  @GF16Binade.tie_down_round,
  @GF16Binade.tie_up_round,
  @Examples.t5_integer_matches,
  @Examples.t5_gf16_matches,
  @Examples.t5_gf16_large_step_matches,
  @Examples.t5_gf16_subnormal_matches,
  @Examples.t5_gf16_half_ulp_matches,
  @Examples.t3_plain_matches,
  @Examples.t10_small_matches,
  @Examples.t10_family_1_matches,
  @Examples.t10_family_8_matches,
  @Examples.t10_worst_case_matches,
  @Examples.t10_worst_case_gf16_matches,
  @Examples.t3_plain_rtn_most_matches,
  @EmittedWide.wide_enclosure,
  @EmittedWide.wide_stored_enclosure,
  @NoOverflow.chain_no_overflow,
  @NoOverflow.comp_no_overflow).

Print Assumptions outside.
