(** * Every GF16 word, by computation

    Purpose: an independent look at the 65,536 words: each is decoded to an exact dyadic number
      and encoded again, inside Coq's virtual machine.  Nothing else depends on this file: the
      theorems of [Word] and [Codec] cover every word by reasoning.
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

(** The word encodes again to itself; -0, whose sign m * 2^e does not carry, encodes to +0. *)
Definition reencoded (z : Z) : bool :=
  match gf16_dyadic z with
  | Some d => encode (Fnum d) (Fexp d) =? (if z =? 0x8000 then 0 else z)
  | None => 0x7E00 <=? z mod 0x8000
  end.

(** All 65,536 words: decoded to exact dyadic numbers and encoded again. *)
Theorem all_words_reencoded z : 0 <= z < 65536 -> reencoded z = true.
Proof.
  assert (Hall : every_extension reencoded 16 0 = true) by (vm_cast_no_check (eq_refl true)).
  exact (every_extension_correct reencoded 16 0 Hall z).
Qed.
