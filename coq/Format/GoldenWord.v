(** * The words of GF(E, M)

    Purpose: a word of GF(E, M) is an integer of 1 + E + M bits: sign, exponent field, fraction.
      Its meaning is the one that Flocq gives to IEEE 754 interchange formats.  This file decodes
      words to reals, encodes dyadic numbers m * 2^e, and ties both to [golden_round].
    Main results: [golden_decode_encode], [golden_encode_range], [golden_encode_decode_bits],
      [golden_decode_format], [golden_dyadic_correct].
    Depends on: [GoldenFloat]; Flocq: Core, IEEE754.Binary, IEEE754.Bits.
    Source: IEEE 754-2019, section 3.4. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GoldenFloat.
Open Scope R_scope.

Section GoldenWord.

Variables E M : Z.
Hypothesis M_pos : (0 < M)%Z.
Hypothesis E_pos : (0 < E)%Z.
Hypothesis prec_lt_emax : (M + 1 < 2 ^ (E - 1))%Z.

Notation golden := (binary_float (M + 1) (2 ^ (E - 1))).

(** The two side conditions once more, as Flocq's arithmetic takes them. *)
Context (word_prec_gt_0 : Prec_gt_0 (M + 1)).
Context (word_prec_lt_emax : Prec_lt_emax (M + 1) (2 ^ (E - 1))).

(** The floating-point datum that a word stands for. *)
Definition golden_of_bits : Z -> golden := binary_float_of_bits M E M_pos E_pos prec_lt_emax.

(** The word of a floating-point datum. *)
Definition bits_of_golden : golden -> Z := bits_of_binary_float M E.

(** The real value of a word; infinities and NaN give 0. *)
Definition golden_decode (z : Z) : R := B2R (M + 1) (2 ^ (E - 1)) (golden_of_bits z).

(** The datum nearest to m * 2^e, ties to even. *)
Definition golden_normalize (m e : Z) (s : bool) : golden :=
  binary_normalize (M + 1) (2 ^ (E - 1)) word_prec_gt_0 word_prec_lt_emax mode_NE m e s.

(** The word nearest to m * 2^e, ties to even. *)
Definition golden_encode (m e : Z) : Z := bits_of_golden (golden_normalize m e false).

(** The number nearest to m * 2^e as mantissa and exponent, by integer computation. *)
Definition golden_dyadic (m e : Z) : Z * Z :=
  match golden_normalize m e false with
  | B754_finite _ _ s m' e' _ => (cond_Zopp s (Zpos m'), e')
  | _ => (0, 0)%Z
  end.

(** Every encoding is a word. *)
Theorem golden_encode_range m e : (0 <= golden_encode m e < 2 ^ (M + E + 1))%Z.
Proof. exact (bits_of_binary_float_range M E M_pos E_pos _). Qed.

(** Decoding a word to a datum and encoding that datum gives the word back. *)
Theorem golden_encode_decode_bits z : (0 <= z < 2 ^ (M + E + 1))%Z ->
  bits_of_golden (golden_of_bits z) = z.
Proof. exact (bits_of_binary_float_of_bits M E M_pos E_pos prec_lt_emax z). Qed.

(** Encoding a datum and decoding its word gives the datum back. *)
Theorem golden_decode_encode_bits x : golden_of_bits (bits_of_golden x) = x.
Proof. exact (binary_float_of_bits_of_binary_float M E M_pos E_pos prec_lt_emax x). Qed.

(** The value of every word is in the format. *)
Theorem golden_decode_format z : golden_format E M (golden_decode z).
Proof. exact (generic_format_B2R (M + 1) (2 ^ (E - 1)) (golden_of_bits z)). Qed.

(** Without overflow the normalized datum is finite and its value is the rounded number. *)
Lemma golden_normalize_correct m e s : (2 <= E)%Z ->
  Rabs (F2R (Float radix2 m e)) <= golden_max E M ->
  B2R (M + 1) (2 ^ (E - 1)) (golden_normalize m e s) = golden_round E M (F2R (Float radix2 m e)) /\
  is_finite (M + 1) (2 ^ (E - 1)) (golden_normalize m e s) = true.
Proof.
  intros HE Hx.
  generalize (binary_normalize_correct (M + 1) (2 ^ (E - 1)) word_prec_gt_0 word_prec_lt_emax
                mode_NE m e s).
  change (SpecFloat.fexp (M + 1) (2 ^ (E - 1)))
    with (FLT_exp (golden_emin E M) (golden_prec M)).
  simpl round_mode.
  fold (golden_round E M (F2R (Float radix2 m e))).
  rewrite Rlt_bool_true.
  - intros [Hr [Hf _]]; split; assumption.
  - eapply Rle_lt_trans; [apply golden_no_overflow; [lia|exact HE|exact Hx]|].
    unfold golden_max, golden_emax.
    generalize (bpow_gt_0 radix2 (2 ^ (E - 1) - golden_prec M)); lra.
Qed.

(** Encoding rounds: the word of m * 2^e decodes to the rounded number. *)
Theorem golden_decode_encode m e : (2 <= E)%Z ->
  Rabs (F2R (Float radix2 m e)) <= golden_max E M ->
  golden_decode (golden_encode m e) = golden_round E M (F2R (Float radix2 m e)).
Proof.
  intros HE Hx; unfold golden_decode, golden_encode.
  rewrite golden_decode_encode_bits.
  apply golden_normalize_correct; assumption.
Qed.

(** The integer computation rounds: [golden_dyadic] gives the rounded number exactly. *)
Theorem golden_dyadic_correct m e : (2 <= E)%Z ->
  Rabs (F2R (Float radix2 m e)) <= golden_max E M ->
  F2R (Float radix2 (fst (golden_dyadic m e)) (snd (golden_dyadic m e)))
  = golden_round E M (F2R (Float radix2 m e)).
Proof.
  intros HE Hx; unfold golden_dyadic.
  rewrite <- (proj1 (golden_normalize_correct m e false HE Hx)).
  destruct (golden_normalize m e false); simpl; try apply F2R_0; reflexivity.
Qed.

End GoldenWord.
