(** * Masks and shifts as division and remainder

    Purpose: the few facts that turn the bit operations of the codec into integer arithmetic.
    Main results: [land_mask], [lor_disjoint], [shiftr_pow2], [shiftl_pow2].
    Depends on: Coq's standard library only.
    Source: elementary. *)
From Coq Require Import ZArith Lia.
Open Scope Z_scope.

(** A mask of n ones keeps the remainder modulo 2^n. *)
Lemma land_mask n a mask : 0 <= n -> mask = 2 ^ n - 1 -> Z.land a mask = a mod 2 ^ n.
Proof.
  intros Hn ->; replace (2 ^ n - 1) with (Z.ones n) by (rewrite Z.ones_equiv; lia).
  apply Z.land_ones, Hn.
Qed.

(** Joining a multiple of 2^n with a smaller number is adding them. *)
Lemma lor_disjoint n a b : 0 <= n -> 0 <= b < 2 ^ n -> Z.lor (a * 2 ^ n) b = a * 2 ^ n + b.
Proof.
  intros Hn Hb.
  assert (Hdisjoint : Z.land (a * 2 ^ n) b = 0).
  { replace b with (Z.land (Z.ones n) b) by (rewrite Z.land_comm, Z.land_ones, Z.mod_small; lia).
    rewrite Z.land_assoc, Z.land_ones, Z_mod_mult by lia; apply Z.land_0_l. }
  rewrite Z.add_nocarry_lxor by exact Hdisjoint.
  rewrite Z.lxor_lor by exact Hdisjoint; reflexivity.
Qed.

(** A right shift divides. *)
Lemma shiftr_pow2 a n : 0 <= n -> Z.shiftr a n = a / 2 ^ n.
Proof. apply Z.shiftr_div_pow2. Qed.

(** A left shift multiplies. *)
Lemma shiftl_pow2 a n : 0 <= n -> Z.shiftl a n = a * 2 ^ n.
Proof. apply Z.shiftl_mul_pow2. Qed.
