(** * From words to exact dyadic numbers

    Purpose: a word of an IEEE 754 interchange format with mw fraction bits and ew exponent bits
      is read as sign, fraction and exponent field.  This file gives its exact value m * 2^e in
      integers, for any mw and ew, and proves it equal to the value in Flocq's reading of the word.
    Main results: [word_dyadic_correct], [gf16_dyadic_correct], [b32_dyadic_correct],
      [b64_dyadic_correct], [b32_dyadic_value], [b64_dyadic_value]; [fields_finite],
      [fields_infinity], [fields_nan].
    Depends on: [GF16]; Flocq: IEEE754.Binary, IEEE754.Bits.
    Source: IEEE 754-2019, section 3.4. *)
From Coq Require Import ZArith Reals Lia Bool.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GF16.
Open Scope Z_scope.

(** The integer significand of the fields: a hidden bit unless the exponent field is 0. *)
Definition significand (mw f e : Z) : Z := if e =? 0 then f else f + 2 ^ mw.

(** The exponent of that significand; the exponent fields 0 and 1 share one. *)
Definition exponent (mw ew e : Z) : Z := Z.max e 1 + 1 - 2 ^ (ew - 1) - mw.

(** The exact value of a word as mantissa and exponent; none for infinities and NaN. *)
Definition word_dyadic (mw ew z : Z) : option (float radix2) :=
  let '(s, f, e) := split_bits mw ew z in
  if e =? 2 ^ ew - 1 then None
  else Some (Float radix2 (cond_Zopp s (significand mw f e)) (exponent mw ew e)).

Section Word.

Variables mw ew : Z.
Hypothesis mw_pos : 0 < mw.
Hypothesis ew_pos : 0 < ew.
Hypothesis prec_lt_emax : mw + 1 < 2 ^ (ew - 1).

Notation of_bits := (binary_float_of_bits mw ew mw_pos ew_pos prec_lt_emax).
Notation prec := (mw + 1).
Notation emax := (2 ^ (ew - 1)).

(** Two powers of two are at least two; the proofs below need no more of them. *)
Lemma powers_pos : 0 < 2 ^ mw /\ 1 < 2 ^ ew.
Proof.
  split; [apply Z.pow_pos_nonneg; lia|].
  change 1 with (2 ^ 0); apply Z.pow_lt_mono_r; lia.
Qed.

(** Finite fields give a finite datum with the sign, and the value, that they spell. *)
Theorem fields_finite s f e : 0 <= f < 2 ^ mw -> 0 <= e < 2 ^ ew - 1 ->
  let x := of_bits (join_bits mw ew s f e) in
  is_finite prec emax x = true /\ Bsign prec emax x = s /\
  B2R prec emax x = F2R (Float radix2 (cond_Zopp s (significand mw f e)) (exponent mw ew e)).
Proof.
  intros Hf He x; destruct powers_pos as [Hmw Hew].
  unfold x, binary_float_of_bits.
  rewrite is_finite_FF2B, Bsign_FF2B, B2R_FF2B.
  unfold binary_float_of_bits_aux; rewrite split_join_bits by lia.
  unfold significand, exponent, SpecFloat.emin.
  destruct (Zeq_bool e 0) eqn:He0; [apply Zeq_bool_eq in He0|apply Zeq_bool_neq in He0].
  - subst e; destruct f as [|p|p]; [| |lia]; cbn [is_finite_FF sign_FF FF2R Z.eqb].
    + repeat split; destruct s; symmetry; apply F2R_0.
    + repeat split; f_equal; f_equal; lia.
  - rewrite Zeq_bool_false by lia.
    rewrite (proj2 (Z.eqb_neq e 0) He0).
    destruct (f + 2 ^ mw) as [|p|p] eqn:Hsig; [lia| |lia]; cbn [is_finite_FF sign_FF FF2R].
    repeat split; f_equal; f_equal; lia.
Qed.

(** The largest exponent field with fraction 0 is an infinity. *)
Theorem fields_infinity s : of_bits (join_bits mw ew s 0 (2 ^ ew - 1)) = B754_infinity _ _ s.
Proof.
  destruct powers_pos as [Hmw Hew].
  apply B2FF_inj; unfold binary_float_of_bits; rewrite B2FF_FF2B.
  unfold binary_float_of_bits_aux; rewrite split_join_bits by lia.
  rewrite Zeq_bool_false by lia; rewrite Zeq_bool_true by reflexivity; reflexivity.
Qed.

(** The largest exponent field with another fraction is a NaN. *)
Theorem fields_nan s f : 0 < f < 2 ^ mw ->
  is_nan prec emax (of_bits (join_bits mw ew s f (2 ^ ew - 1))) = true.
Proof.
  intros Hf; destruct powers_pos as [Hmw Hew].
  unfold binary_float_of_bits; rewrite is_nan_FF2B.
  unfold binary_float_of_bits_aux; rewrite split_join_bits by lia.
  rewrite Zeq_bool_false by lia; rewrite Zeq_bool_true by reflexivity.
  destruct f; [lia|reflexivity|lia].
Qed.

(** The exact value of every word is the one in Flocq's reading of it. *)
Theorem word_dyadic_correct z : 0 <= z < 2 ^ (mw + ew + 1) ->
  match word_dyadic mw ew z with
  | Some d => is_finite prec emax (of_bits z) = true /\ F2R d = B2R prec emax (of_bits z)
  | None => is_finite prec emax (of_bits z) = false
  end.
Proof.
  intros Hz; destruct powers_pos as [Hmw Hew].
  assert (Hjoin := join_split_bits mw ew mw_pos ew_pos z Hz).
  unfold word_dyadic.
  assert (Hf := Z.mod_pos_bound z (2 ^ mw) Hmw).
  assert (He : 0 <= (z / 2 ^ mw) mod 2 ^ ew < 2 ^ ew) by (apply Z.mod_pos_bound; lia).
  unfold split_bits in *.
  set (s := 2 ^ mw * 2 ^ ew <=? z) in *.
  set (f := z mod 2 ^ mw) in *.
  set (e := (z / 2 ^ mw) mod 2 ^ ew) in *.
  rewrite <- Hjoin.
  destruct (Z.eqb_spec e (2 ^ ew - 1)) as [Hemax|Hemax].
  - rewrite Hemax; destruct (Z.eq_dec f 0) as [Hf0|Hf0].
    + rewrite Hf0, fields_infinity; reflexivity.
    + assert (Hnan := fields_nan s f ltac:(lia)).
      destruct (of_bits (join_bits mw ew s f (2 ^ ew - 1))); try discriminate; reflexivity.
  - destruct (fields_finite s f e Hf ltac:(lia)) as [Hfin [_ Hval]].
    split; [exact Hfin|symmetry; exact Hval].
Qed.

End Word.

(** The exact value of a GF16 word. *)
Definition gf16_dyadic : Z -> option (float radix2) := word_dyadic 9 6.

(** The exact value of a binary32 word. *)
Definition b32_dyadic : Z -> option (float radix2) := word_dyadic 23 8.

(** The exact value of a binary64 word. *)
Definition b64_dyadic : Z -> option (float radix2) := word_dyadic 52 11.

(** T7: the exact value of every GF16 word is the one in Flocq's reading of it. *)
Theorem gf16_dyadic_correct z : 0 <= z < 2 ^ 16 ->
  match gf16_dyadic z with
  | Some d => is_finite 10 32 (gf16_of_bits z) = true /\ F2R d = B2R 10 32 (gf16_of_bits z)
  | None => is_finite 10 32 (gf16_of_bits z) = false
  end.
Proof. exact (word_dyadic_correct 9 6 eq_refl eq_refl eq_refl z). Qed.

(** T7: a GF16 word with an exact value decodes to it. *)
Theorem gf16_dyadic_decode z d : 0 <= z < 2 ^ 16 -> gf16_dyadic z = Some d -> decode z = F2R d.
Proof.
  intros Hz Hd; assert (Hcorrect := gf16_dyadic_correct z Hz).
  rewrite Hd in Hcorrect; symmetry; apply Hcorrect.
Qed.

(** The exact value of every binary32 word is the one in Flocq's reading of it. *)
Theorem b32_dyadic_correct z : 0 <= z < 2 ^ 32 ->
  match b32_dyadic z with
  | Some d => is_finite 24 128 (b32_of_bits z) = true /\ F2R d = B2R 24 128 (b32_of_bits z)
  | None => is_finite 24 128 (b32_of_bits z) = false
  end.
Proof. exact (word_dyadic_correct 23 8 eq_refl eq_refl eq_refl z). Qed.

(** The exact value of every binary64 word is the one in Flocq's reading of it. *)
Theorem b64_dyadic_correct z : 0 <= z < 2 ^ 64 ->
  match b64_dyadic z with
  | Some d => is_finite 53 1024 (b64_of_bits z) = true /\ F2R d = B2R 53 1024 (b64_of_bits z)
  | None => is_finite 53 1024 (b64_of_bits z) = false
  end.
Proof. exact (word_dyadic_correct 52 11 eq_refl eq_refl eq_refl z). Qed.

(** The value of a binary32 word with an exact value. *)
Theorem b32_dyadic_value z d : 0 <= z < 2 ^ 32 -> b32_dyadic z = Some d ->
  B2R 24 128 (b32_of_bits z) = F2R d.
Proof.
  intros Hz Hd; assert (Hcorrect := b32_dyadic_correct z Hz).
  rewrite Hd in Hcorrect; symmetry; apply Hcorrect.
Qed.

(** The value of a binary64 word with an exact value. *)
Theorem b64_dyadic_value z d : 0 <= z < 2 ^ 64 -> b64_dyadic z = Some d ->
  B2R 53 1024 (b64_of_bits z) = F2R d.
Proof.
  intros Hz Hd; assert (Hcorrect := b64_dyadic_correct z Hz).
  rewrite Hd in Hcorrect; symmetry; apply Hcorrect.
Qed.
