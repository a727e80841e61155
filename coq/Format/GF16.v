(** * The 16-bit GoldenFloat, GF(6, 9)

    Purpose: GF16 has 1 sign bit, 6 exponent bits (bias 31) and 9 fraction bits.  Everything here
      is the family of [GoldenFloat] and [GoldenWord] at E = 6 and M = 9, with the
      numbers written out.
    Main results (T7): [gf16_error], [gf16_error_binade], [gf16_nearest], [gf16_exact],
      [gf16_idem], [gf16_mono], [gf16_opp], [gf16_0], [gf16_no_overflow], [decode_encode],
      [encode_range], [encode_decode_bits], [gf16_dy_correct].
    Bound functions: [half_ulp16] (error of one rounding), [gf16_max] (largest finite number).
    Depends on: [GoldenFloat], [GoldenWord]; Flocq.
    Source: docs/spec-gf16.md. *)
From Coq Require Import ZArith Reals.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GoldenFloat Format.GoldenWord.
Open Scope R_scope.

(** Exponent function of GF16: 10 bits of precision, smallest positive number 2^-39. *)
Notation fexp16 := (FLT_exp (-39) 10).

(** The finite data, infinities and NaNs of GF16 as Flocq has them. *)
Notation gf16 := (binary_float 10 32).

(** The precision is positive. *)
#[global] Instance gf16_prec_gt_0 : Prec_gt_0 10.
Proof. reflexivity. Qed.

(** The precision is below the largest exponent. *)
#[global] Instance gf16_prec_lt_emax : Prec_lt_emax 10 32.
Proof. reflexivity. Qed.

(** Rounding to the nearest GF16 number, ties to even. *)
Definition gf16_round (x : R) : R := round radix2 fexp16 ZnearestE x.

(** The finite GF16 numbers, the exponent taken as unbounded above. *)
Definition gf16_format (x : R) : Prop := generic_format radix2 fexp16 x.

(** The largest finite GF16 number, 4290772992. *)
Definition gf16_max : R := bpow radix2 32 - bpow radix2 22.

(** Error bound of one rounding: max(2^-10 |x|, 2^-40). *)
Definition half_ulp16 (x : R) : R := Rmax (bpow radix2 (-10) * Rabs x) (bpow radix2 (-40)).

(** The datum that a 16-bit word stands for. *)
Definition gf16_of_bits : Z -> gf16 := binary_float_of_bits 9 6 eq_refl eq_refl eq_refl.

(** The 16-bit word of a datum. *)
Definition bits_of_gf16 : gf16 -> Z := bits_of_binary_float 9 6.

(** The real value of a 16-bit word; infinities and NaN give 0. *)
Definition decode (z : Z) : R := B2R 10 32 (gf16_of_bits z).

(** The word nearest to m * 2^e, ties to even. *)
Definition encode (m e : Z) : Z :=
  bits_of_gf16 (binary_normalize 10 32 gf16_prec_gt_0 gf16_prec_lt_emax mode_NE m e false).

(** The number nearest to m * 2^e as mantissa and exponent, by integer computation. *)
Definition gf16_dy (m e : Z) : Z * Z :=
  match binary_normalize 10 32 gf16_prec_gt_0 gf16_prec_lt_emax mode_NE m e false with
  | B754_finite _ _ s m' e' _ => (cond_Zopp s (Zpos m'), e')
  | _ => (0, 0)%Z
  end.

(** The family at E = 6 and M = 9 is the rounding above. *)
Lemma gf16_round_golden x : golden_round 6 9 x = gf16_round x.
Proof. reflexivity. Qed.

(** The family at E = 6 and M = 9 has the largest number above. *)
Lemma gf16_max_golden : golden_max 6 9 = gf16_max.
Proof. reflexivity. Qed.

(** The family at E = 6 and M = 9 has the error bound above. *)
Lemma half_ulp16_golden x : golden_half_ulp 6 9 x = half_ulp16 x.
Proof. reflexivity. Qed.

(** T7: one rounding errs by at most max(2^-10 |x|, 2^-40); no range hypothesis is needed. *)
Theorem gf16_error x : Rabs (gf16_round x - x) <= half_ulp16 x.
Proof. exact (golden_error 6 9 ltac:(discriminate) x). Qed.

(** T7, by binade: below 2^(k+1) with k >= -30, one rounding errs by at most 2^(k-10). *)
Theorem gf16_error_binade k x : (-30 <= k)%Z -> Rabs x < bpow radix2 (k + 1) ->
  Rabs (gf16_round x - x) <= bpow radix2 (k - 10).
Proof. exact (golden_error_binade 6 9 ltac:(discriminate) k x). Qed.

(** A rounded number is a GF16 number. *)
Theorem gf16_format_round x : gf16_format (gf16_round x).
Proof. exact (golden_format_round 6 9 ltac:(discriminate) x). Qed.

(** No GF16 number is nearer to x than its rounding. *)
Theorem gf16_nearest_format x g : gf16_format g -> Rabs (x - gf16_round x) <= Rabs (x - g).
Proof. exact (golden_nearest_format 6 9 ltac:(discriminate) x g). Qed.

(** T7: rounding is a nearest-point map. *)
Theorem gf16_nearest x y : Rabs (x - gf16_round x) <= Rabs (x - gf16_round y).
Proof. exact (golden_nearest 6 9 ltac:(discriminate) x y). Qed.

(** T7: GF16 numbers are not changed. *)
Theorem gf16_exact x : gf16_format x -> gf16_round x = x.
Proof. exact (golden_exact 6 9 x). Qed.

(** T7: rounding twice is rounding once. *)
Theorem gf16_idem x : gf16_round (gf16_round x) = gf16_round x.
Proof. exact (golden_idem 6 9 ltac:(discriminate) x). Qed.

(** T7: rounding keeps the order. *)
Theorem gf16_mono x y : x <= y -> gf16_round x <= gf16_round y.
Proof. exact (golden_mono 6 9 ltac:(discriminate) x y). Qed.

(** T7: rounding is odd. *)
Theorem gf16_opp x : gf16_round (- x) = - gf16_round x.
Proof. exact (golden_opp 6 9 x). Qed.

(** T7: zero is kept. *)
Theorem gf16_0 : gf16_round 0 = 0.
Proof. exact (golden_0 6 9). Qed.

(** The largest finite number is a GF16 number. *)
Lemma gf16_max_format : gf16_format gf16_max.
Proof. exact (golden_max_format 6 9 ltac:(discriminate) ltac:(discriminate)). Qed.

(** T7: numbers up to the largest finite one stay there when rounded. *)
Theorem gf16_no_overflow x : Rabs x <= gf16_max -> Rabs (gf16_round x) <= gf16_max.
Proof. exact (golden_no_overflow 6 9 ltac:(discriminate) x ltac:(discriminate)). Qed.

(** Every encoding is a 16-bit word. *)
Theorem encode_range m e : (0 <= encode m e < 65536)%Z.
Proof. exact (bits_of_binary_float_range 9 6 eq_refl eq_refl _). Qed.

(** T7: the word of m * 2^e decodes to the rounded number. *)
Theorem decode_encode m e : Rabs (F2R (Float radix2 m e)) <= gf16_max ->
  decode (encode m e) = gf16_round (F2R (Float radix2 m e)).
Proof. exact (golden_decode_encode 6 9 eq_refl eq_refl eq_refl _ _ m e ltac:(discriminate)). Qed.

(** Decoding a word to a datum and encoding that datum gives the word back. *)
Theorem encode_decode_bits z : (0 <= z < 65536)%Z -> bits_of_gf16 (gf16_of_bits z) = z.
Proof. exact (golden_encode_decode_bits 6 9 eq_refl eq_refl eq_refl z). Qed.

(** Encoding a datum and decoding its word gives the datum back. *)
Theorem decode_encode_bits x : gf16_of_bits (bits_of_gf16 x) = x.
Proof. exact (golden_decode_encode_bits 6 9 eq_refl eq_refl eq_refl x). Qed.

(** The value of every word is a GF16 number. *)
Theorem decode_format z : gf16_format (decode z).
Proof. exact (golden_decode_format 6 9 eq_refl eq_refl eq_refl z). Qed.

(** T7: the integer computation gives the rounded number exactly. *)
Theorem gf16_dy_correct m e : Rabs (F2R (Float radix2 m e)) <= gf16_max ->
  F2R (Float radix2 (fst (gf16_dy m e)) (snd (gf16_dy m e))) = gf16_round (F2R (Float radix2 m e)).
Proof. exact (golden_dyadic_correct 6 9 eq_refl _ _ m e ltac:(discriminate)). Qed.
