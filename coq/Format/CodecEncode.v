(** * The encoders are right

    Purpose: for every binary32 and every binary64 word the encoders compute the GF16 word of
      Flocq's conversion: NaN, infinities, signed zeros, subnormals and overflow included.
    Main results (T12): [encode32_correct], [encode64_correct].
    Depends on: [CodecEncodeLines], [CodecSpec], [RoundShift], [Word]; Flocq.
    Source: this project. *)
From Coq Require Import ZArith Lia Bool.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GF16 Format.Word Format.RoundShift Format.BitProgram.
From Hallmark Require Import Format.CodecPrograms Format.CodecSpec Format.CodecEncodeLines.
Open Scope Z_scope.

Section Encoded.

Variables mw ew : Z.
Hypothesis mw_large : 10 <= mw.
Hypothesis ew_large : 7 <= ew.
Hypothesis mw_pos : 0 < mw.
Hypothesis ew_pos : 0 < ew.
Hypothesis prec_lt_emax : mw + 1 < 2 ^ (ew - 1).

Notation of_bits := (binary_float_of_bits mw ew mw_pos ew_pos prec_lt_emax).
Notation word s f e := (bits_of_gf16 (to_gf16 (mw + 1) (2 ^ (ew - 1))
                                        (of_bits (join_bits mw ew s f e)))).
Notation rebase := (2 ^ (ew - 1) - 32).

(** What the proofs below need of the powers of two. *)
Lemma encoder_powers :
  64 <= 2 ^ (ew - 1) /\ 2 ^ ew = 2 * 2 ^ (ew - 1) /\ 2 ^ mw = 512 * 2 ^ (mw - 9) /\
  0 < 2 ^ (mw - 9) /\ 2 ^ (mw + 1) = 2 * 2 ^ mw.
Proof.
  assert (Hew : 2 ^ 6 <= 2 ^ (ew - 1)) by (apply Z.pow_le_mono_r; lia).
  destruct (pow2_double ew ltac:(lia)) as [Hdouble _].
  repeat split; [exact Hew|exact Hdouble| |apply Z.pow_pos_nonneg; lia|].
  - replace mw with (9 + (mw - 9)) at 1 by lia; apply Z.pow_add_r; lia.
  - rewrite Z.pow_add_r by lia; lia.
Qed.

(** The encoding of a number with a normal result. *)
Lemma encoded_normal s f e : 0 <= f < 2 ^ mw -> rebase < e < 2 ^ ew - 1 ->
  encoded mw ew rebase s e f = word s f e.
Proof.
  intros Hf He; destruct encoder_powers as [Hbias [Hew [Hmw [Hunit Hmw1]]]].
  destruct (fields_finite mw ew mw_pos ew_pos prec_lt_emax s f e) as [Hfin [Hsign Hval]];
    [lia|lia|].
  rewrite (encode_fields s (f + 2 ^ mw) (exponent mw ew e) (e - rebase - 1) (mw - 9) Hfin);
    [|exact Hsign| |lia|lia| | |right; replace (9 + (mw - 9)) with mw by lia; lia].
  - unfold encoded, pattern, shift.
    destruct (Z.ltb_spec ((2 ^ ew - 1) * 2 ^ mw) (e * 2 ^ mw + f)); [nia|].
    destruct (Z.ltb_spec e (rebase + 1)); [lia|].
    do 2 f_equal.
    replace ((e - rebase) * 2 ^ mw + f)
      with (2 * ((e - rebase - 1) * 256) * 2 ^ (mw - 9) + (f + 2 ^ mw)) by lia.
    rewrite round_shift_add by lia; lia.
  - rewrite Hval; unfold significand; rewrite (proj2 (Z.eqb_neq e 0)) by lia; reflexivity.
  - unfold exponent; lia.
  - replace (10 + (mw - 9)) with (mw + 1) by lia; lia.
Qed.

(** The encoding of a number with a subnormal or zero result. *)
Lemma encoded_subnormal s f e : 0 <= f < 2 ^ mw -> 0 <= e <= rebase ->
  encoded mw ew rebase s e f = word s f e.
Proof.
  intros Hf He; destruct encoder_powers as [Hbias [Hew [Hmw [Hunit Hmw1]]]].
  destruct (fields_finite mw ew mw_pos ew_pos prec_lt_emax s f e) as [Hfin [Hsign Hval]];
    [lia|lia|].
  set (m := significand mw f e) in *.
  assert (Hm : 0 <= m < 2 ^ (mw + 1)) by (unfold m, significand; destruct (e =? 0); lia).
  set (sh := rebase + mw - 8 - Z.max e 1).
  rewrite (encode_fields s m (exponent mw ew e) 0 sh Hfin Hsign Hval);
    [|unfold sh; lia|lia|unfold exponent, sh; lia| |left; reflexivity].
  - unfold encoded, pattern, shift.
    destruct (Z.ltb_spec ((2 ^ ew - 1) * 2 ^ mw) (e * 2 ^ mw + f)); [nia|].
    destruct (Z.ltb_spec e (rebase + 1)); [|lia].
    do 2 f_equal.
    destruct (Z.ltb_spec e (rebase - 10)) as [Htiny|Hnear].
    + assert (Hsmall : 2 ^ (mw + 1) <= 2 ^ (sh - 1)) by (apply Z.pow_le_mono_r; unfold sh; lia).
      rewrite (round_shift_small m) by (try lia; unfold sh; lia).
      rewrite round_shift_small; [reflexivity|lia|].
      replace (mw + 2 - 1) with (mw + 1) by lia; lia.
    + unfold m, significand; rewrite (proj2 (Z.eqb_neq e 0)) by lia.
      unfold sh; rewrite Z.max_l by lia; reflexivity.
  - split; [lia|].
    apply Z.lt_le_trans with (2 ^ (mw + 1)); [lia|apply Z.pow_le_mono_r; unfold sh; lia].
Qed.

(** The encoding of infinities and NaN. *)
Lemma encoded_special s f : 0 <= f < 2 ^ mw ->
  encoded mw ew rebase s (2 ^ ew - 1) f = word s f (2 ^ ew - 1).
Proof.
  intros Hf; destruct encoder_powers as [Hbias [Hew [Hmw [Hunit Hmw1]]]].
  unfold encoded, pattern, shift.
  destruct (Z.eq_dec f 0) as [->|Hf0].
  - rewrite fields_infinity, Z.add_0_r, Z.ltb_irrefl.
    destruct (Z.ltb_spec (2 ^ ew - 1) (rebase + 1)); [lia|].
    rewrite Z.min_r; [destruct s; reflexivity|].
    apply (round_shift_bounds 0x7E00 ((2 ^ ew - 1 - rebase) * 512)); [lia|nia].
  - destruct (Z.ltb_spec ((2 ^ ew - 1) * 2 ^ mw) ((2 ^ ew - 1) * 2 ^ mw + f)); [|lia].
    assert (Hnan := fields_nan mw ew mw_pos ew_pos prec_lt_emax s f ltac:(lia)).
    destruct (of_bits (join_bits mw ew s f (2 ^ ew - 1))); try discriminate Hnan; reflexivity.
Qed.

(** [encoded] is Flocq's conversion, whatever the fields. *)
Theorem encoded_correct s f e : 0 <= f < 2 ^ mw -> 0 <= e < 2 ^ ew ->
  encoded mw ew rebase s e f = word s f e.
Proof.
  intros Hf He; destruct encoder_powers as [Hbias [Hew _]].
  destruct (Z.eq_dec e (2 ^ ew - 1)) as [->|Hfinite]; [apply encoded_special, Hf|].
  destruct (Z_lt_le_dec rebase e); [apply encoded_normal|apply encoded_subnormal]; lia.
Qed.

End Encoded.

(** The fields of a word, and the word from its fields. *)
Lemma word_fields mw ew z : 0 < mw -> 0 < ew -> 0 <= z < 2 ^ (mw + ew + 1) ->
  exists s f e, 0 <= f < 2 ^ mw /\ 0 <= e < 2 ^ ew /\ z = join_bits mw ew s f e.
Proof.
  intros Hmw Hew Hz.
  assert (Hjoin := join_split_bits mw ew Hmw Hew z Hz); unfold split_bits in Hjoin.
  exists (2 ^ mw * 2 ^ ew <=? z), (z mod 2 ^ mw), ((z / 2 ^ mw) mod 2 ^ ew).
  split; [|split]; [apply Z.mod_pos_bound; apply Z.pow_pos_nonneg; lia
                   |apply Z.mod_pos_bound; apply Z.pow_pos_nonneg; lia|].
  symmetry; exact Hjoin.
Qed.

(** T12: for every binary32 word, the encoder computes the GF16 word of Flocq's conversion. *)
Theorem encode32_correct z : 0 <= z < 2 ^ 32 -> computes encode32 z (encode32_spec z).
Proof.
  intros Hz.
  destruct (word_fields 23 8 z eq_refl eq_refl Hz) as [s [f [e [Hf [He ->]]]]].
  assert (Hencoded := encoded_correct 23 8 ltac:(lia) ltac:(lia) eq_refl eq_refl eq_refl
                        s f e Hf He).
  unfold encode32_spec, b32_of_bits.
  change (bits_of_gf16 (to_gf16 24 128 _)) with
    (bits_of_gf16 (to_gf16 (23 + 1) (2 ^ (8 - 1))
       (binary_float_of_bits 23 8 eq_refl eq_refl eq_refl (join_bits 23 8 s f e)))).
  rewrite <- Hencoded, join_bits_sum by lia.
  exact (encode32_run s f e Hf He).
Qed.

(** T12: for every binary64 word, the encoder computes the GF16 word of Flocq's conversion, in one
    rounding. *)
Theorem encode64_correct z : 0 <= z < 2 ^ 64 -> computes encode64 z (encode64_spec z).
Proof.
  intros Hz.
  destruct (word_fields 52 11 z eq_refl eq_refl Hz) as [s [f [e [Hf [He ->]]]]].
  assert (Hencoded := encoded_correct 52 11 ltac:(lia) ltac:(lia) eq_refl eq_refl eq_refl
                        s f e Hf He).
  unfold encode64_spec, b64_of_bits.
  change (bits_of_gf16 (to_gf16 53 1024 _)) with
    (bits_of_gf16 (to_gf16 (52 + 1) (2 ^ (11 - 1))
       (binary_float_of_bits 52 11 eq_refl eq_refl eq_refl (join_bits 52 11 s f e)))).
  rewrite <- Hencoded, join_bits_sum by lia.
  exact (encode64_run s f e Hf He).
Qed.
