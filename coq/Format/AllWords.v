(** * Every GF16 word, by computation

    Purpose: an independent look at the 65,536 words: each is decoded to an exact dyadic number
      and encoded again, inside Coq's virtual machine.  Nothing else depends on this file: the
      theorems of [Word] and [Codec] cover every word by reasoning.
    Main definitions: [dyadic_by_bits], [reencoded].
    Main results (T7): [all_words_reencoded].
    Depends on: [GF16], [Word].
    Source: this project. *)
From Coq Require Import ZArith Lia Bool.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GF16 Format.Word.
Open Scope Z_scope.

(** The test [p] on all 2^k numbers that begin with the bits of z. *)
Fixpoint every_extension (p : Z -> bool) (k : nat) (z : Z) : bool :=
  match k with
  | O => p z
  | S k' => if every_extension p k' (2 * z) then every_extension p k' (2 * z + 1) else false
  end.

(** A test that holds of all of them holds of each. *)
Lemma every_extension_correct p k z : every_extension p k z = true ->
  forall i, 0 <= i < 2 ^ Z.of_nat k -> p (z * 2 ^ Z.of_nat k + i) = true.
Proof.
  revert z; induction k as [|k IH]; intros z Hevery i Hi.
  - replace (z * 2 ^ Z.of_nat 0 + i) with z by lia; exact Hevery.
  - cbn [every_extension] in Hevery.
    destruct (every_extension p k (2 * z)) eqn:Hlow; [|discriminate].
    rewrite Nat2Z.inj_succ, Z.pow_succ_r in * by lia.
    destruct (Z_lt_le_dec i (2 ^ Z.of_nat k)) as [Hhalf|Hhalf].
    + replace (z * (2 * 2 ^ Z.of_nat k) + i) with (2 * z * 2 ^ Z.of_nat k + i) by lia.
      apply IH; [exact Hlow|lia].
    + replace (z * (2 * 2 ^ Z.of_nat k) + i)
        with ((2 * z + 1) * 2 ^ Z.of_nat k + (i - 2 ^ Z.of_nat k)) by lia.
      apply IH; [exact Hevery|lia].
Qed.

(** The exact value of a word with its fields cut out by shifts and masks.  The independent checker
    computes without the virtual machine, and takes a third of the time for this. *)
Definition dyadic_by_bits (z : Z) : option (float radix2) :=
  let f := Z.land z 511 in
  let e := Z.land (Z.shiftr z 9) 63 in
  if e =? 63 then None
  else Some (Float radix2 (cond_Zopp (32768 <=? z) (if e =? 0 then f else f + 512)) (Z.max e 1 - 40)).

(** It is the exact value. *)
Lemma dyadic_by_bits_correct z : gf16_dyadic z = dyadic_by_bits z.
Proof.
  unfold gf16_dyadic, word_dyadic, split_bits, dyadic_by_bits, significand, exponent.
  assert (Hf : Z.land z 511 = z mod 512) by exact (Z.land_ones z 9 ltac:(discriminate)).
  assert (He : Z.land (Z.shiftr z 9) 63 = (z / 512) mod 64)
    by (rewrite Z.shiftr_div_pow2 by discriminate; exact (Z.land_ones (z / 512) 6 ltac:(discriminate))).
  rewrite Hf, He; change (2 ^ 6 - 1) with 63; change (2 ^ 9 * 2 ^ 6) with 32768.
  change (2 ^ 9) with 512; change (2 ^ 6) with 64.
  replace (Z.max ((z / 512) mod 64) 1 + 1 - 2 ^ (6 - 1) - 9) with (Z.max ((z / 512) mod 64) 1 - 40)
    by (change (2 ^ (6 - 1)) with 32; lia).
  reflexivity.
Qed.

(** The word encodes again to itself; -0, whose sign m * 2^e does not carry, encodes to +0. *)
Definition reencoded (z : Z) : bool :=
  match dyadic_by_bits z with
  | Some d => encode (Fnum d) (Fexp d) =? (if z =? 0x8000 then 0 else z)
  | None => 0x7E00 <=? z mod 0x8000
  end.

(** All 65,536 words: decoded to exact dyadic numbers and encoded again. *)
Theorem all_words_reencoded z : 0 <= z < 65536 ->
  match gf16_dyadic z with
  | Some d => encode (Fnum d) (Fexp d) =? (if z =? 0x8000 then 0 else z)
  | None => 0x7E00 <=? z mod 0x8000
  end = true.
Proof.
  assert (Hall : every_extension reencoded 16 0 = true) by (vm_cast_no_check (eq_refl true)).
  rewrite dyadic_by_bits_correct; exact (every_extension_correct reencoded 16 0 Hall z).
Qed.
