(** * Codes of a few bits, packed without gaps

    Purpose: codes c_0 .. c_(n-1) of b bits are stored as the integer sum c_i 2^(b i), cut into
      words of w bits, the lowest first: bytes are w = 8, the words of other tools w = 32.  The last
      word is filled with zeros.  How many words there are, which bit is where, that the codes are
      read back, and that no other words with zeros at the end say the same.
    Main results: [T29_size], [T29_pack], [T29_bits], [T29_one_text], [T29_append], [T29_bytes];
      [T29_signed], [T29_offset] for codes below zero.
    Depends on: Coq's integers and lists only.
    Source: positional notation; elementary. *)
From Coq Require Import ZArith Lia List.
Import ListNotations.
Open Scope Z_scope.

(** 2^b *)
Definition power (b : nat) : Z := 2 ^ Z.of_nat b.

(** Digits of b bits: each from 0 on and below 2^b. *)
Definition of_bits (b : nat) (c : list Z) : Prop := Forall (fun u => 0 <= u < power b) c.

(** The number with these digits of b bits, the lowest first: sum c_i 2^(b i). *)
Fixpoint number_of (b : nat) (c : list Z) : Z :=
  match c with
  | [] => 0
  | u :: rest => u + power b * number_of b rest
  end.

(** The n lowest digits of b bits of a number. *)
Fixpoint digits_of (b n : nat) (t : Z) : list Z :=
  match n with
  | O => []
  | S m => t mod power b :: digits_of b m (t / power b)
  end.

(** Bit k of digits of b bits, counted from the lowest bit of the first; 0 beyond the last. *)
Definition bit_of (b : nat) (c : list Z) (k : nat) : bool :=
  Z.testbit (nth (k / b) c 0) (Z.of_nat (k mod b)).

(** The number of words of w bits that n codes of b bits take. *)
Definition words_for (b w n : nat) : nat := ((n * b + (w - 1)) / w)%nat.

(** Codes of b bits as words of w bits. *)
Definition packed (b w : nat) (c : list Z) : list Z :=
  digits_of w (words_for b w (length c)) (number_of b c).

(** The n codes of b bits in words of w bits. *)
Definition unpacked (b w n : nat) (p : list Z) : list Z := digits_of b n (number_of w p).

Lemma power_pos b : 0 < power b.
Proof. apply Z.pow_pos_nonneg; lia. Qed.

Lemma power_add a b : power (a + b) = power a * power b.
Proof. unfold power; rewrite Nat2Z.inj_add; apply Z.pow_add_r; lia. Qed.

Lemma power_le a b : (a <= b)%nat -> power a <= power b.
Proof. intros le; apply Z.pow_le_mono_r; lia. Qed.

(** ** Digits and numbers *)

Lemma digits_of_length b n t : length (digits_of b n t) = n.
Proof. revert t; induction n as [|n IH]; intros t; [reflexivity|cbn; f_equal; apply IH]. Qed.

Lemma digits_of_are_digits b n t : of_bits b (digits_of b n t).
Proof.
revert t; induction n as [|n IH]; intros t; constructor; [|apply IH].
apply Z.mod_pos_bound, power_pos.
Qed.

Lemma number_of_range b c : of_bits b c -> 0 <= number_of b c < power (length c * b).
Proof.
induction 1 as [|u c small _ IH]; cbn [number_of length Nat.mul]; [cbn; lia|].
rewrite power_add; assert (pos := power_pos b); nia.
Qed.

(** The digits of a number make the number. *)
Lemma number_of_digits b n t : 0 <= t < power (n * b) -> number_of b (digits_of b n t) = t.
Proof.
revert t; induction n as [|n IH]; intros t range; cbn [digits_of number_of Nat.mul] in *.
- change (power 0) with 1 in range; lia.
- rewrite power_add in range; assert (pos := power_pos b).
  rewrite IH; [rewrite Z.add_comm, <- Z.div_mod; lia|split].
  + apply Z.div_pos; lia.
  + apply Z.div_lt_upper_bound; lia.
Qed.

(** A number shows its digits. *)
Lemma digits_of_number b c n : of_bits b c -> length c = n -> digits_of b n (number_of b c) = c.
Proof.
intros small <-; induction small as [|u c range _ IH]; [reflexivity|].
assert (pos := power_pos b); cbn [length digits_of number_of].
replace (u + power b * number_of b c) with (u + number_of b c * power b) by ring.
rewrite Z.mod_add, Z.mod_small, Z.div_add, Z.div_small, Z.add_0_l, IH by lia; reflexivity.
Qed.

Lemma digits_of_zero b n : digits_of b n 0 = repeat 0 n.
Proof.
induction n as [|n IH]; [reflexivity|]; cbn [digits_of repeat].
rewrite Z.mod_0_l, Z.div_0_l by (assert (pos := power_pos b); lia); f_equal; exact IH.
Qed.

Lemma digits_of_add b m n t :
  digits_of b (m + n) t = digits_of b m t ++ digits_of b n (t / power (m * b)).
Proof.
revert t; induction m as [|m IH]; intros t; cbn [Nat.add Nat.mul digits_of app].
- change (power 0) with 1; rewrite Z.div_1_r; reflexivity.
- rewrite IH, power_add, Z.div_div by (assert (pos := power_pos b); assert (q := power_pos (m * b));
    lia); reflexivity.
Qed.

Lemma number_of_app b c d :
  number_of b (c ++ d) = number_of b c + power (length c * b) * number_of b d.
Proof.
induction c as [|u c IH]; cbn [app number_of length Nat.mul]; [change (power 0) with 1; lia|].
rewrite IH, power_add; ring.
Qed.

(** Low digits do not see what is above them. *)
Lemma digits_of_low b n t h : digits_of b n (t + power (n * b) * h) = digits_of b n t.
Proof.
revert t; induction n as [|n IH]; intros t; cbn [digits_of Nat.mul]; [reflexivity|].
assert (pos := power_pos b); rewrite power_add.
replace (t + power b * power (n * b) * h) with (t + (power (n * b) * h) * power b) by ring.
rewrite Z.mod_add, Z.div_add, IH by lia; reflexivity.
Qed.

(** Digits of k w bits, each cut into k of w bits, are digits of w bits. *)
Lemma digits_of_digits w k n t :
  flat_map (digits_of w k) (digits_of (k * w) n t) = digits_of w (n * k) t.
Proof.
revert t; induction n as [|n IH]; intros t; [reflexivity|].
cbn [digits_of flat_map Nat.mul]; rewrite IH, digits_of_add; f_equal.
rewrite (Z.div_mod t (power (k * w))) at 2 by (assert (pos := power_pos (k * w)); lia).
rewrite Z.add_comm, digits_of_low; reflexivity.
Qed.

(** ** Bits *)

Lemma testbit_number b c k : (0 < b)%nat -> of_bits b c ->
  Z.testbit (number_of b c) (Z.of_nat k) = bit_of b c k.
Proof.
intros b_pos small; revert k; induction small as [|u c range _ IH]; intros k; unfold bit_of.
- cbn [number_of]; destruct (k / b)%nat; cbn [nth]; rewrite !Z.testbit_0_l; reflexivity.
- cbn [number_of]; replace (u + power b * number_of b c) with (u + number_of b c * power b) by ring.
  assert (pos := power_pos b); destruct (Nat.lt_ge_cases k b) as [low|high].
  + rewrite Nat.div_small, Nat.mod_small by exact low; cbn [nth].
    rewrite <- (Z.mod_pow2_bits_low _ (Z.of_nat b)) by lia; fold (power b).
    rewrite Z.mod_add, Z.mod_small by lia; reflexivity.
  + replace k with ((k - b) + 1 * b)%nat by lia.
    rewrite Nat.div_add, Nat.mod_add, Nat.add_1_r by lia; cbn [nth].
    change (Z.testbit (nth ((k - b) / b) c 0) (Z.of_nat ((k - b) mod b))) with (bit_of b c (k - b)).
    rewrite <- IH, Nat2Z.inj_add, Nat.mul_1_l, <- Z.div_pow2_bits by lia; fold (power b).
    rewrite Z.div_add, Z.div_small by lia; reflexivity.
Qed.

(** A number whose bits from m on are 0 is below 2^m. *)
Lemma below_power t m : 0 <= t -> (forall k, (m <= k)%nat -> Z.testbit t (Z.of_nat k) = false) ->
  t < power m.
Proof.
intros t_pos clear; enough (low : t = t mod power m)
  by (rewrite low; apply Z.mod_pos_bound, power_pos).
apply Z.bits_inj'; intros k k_pos; unfold power; destruct (Z.lt_ge_cases k (Z.of_nat m)).
- rewrite Z.mod_pow2_bits_low by lia; reflexivity.
- rewrite Z.mod_pow2_bits_high by lia.
  rewrite <- (Z2Nat.id k) by lia; apply clear; lia.
Qed.

(** ** Packing *)

(** The words hold the codes, with less than one word to spare. *)
Theorem T29_size (b w n : nat) : (0 < w)%nat -> (n * b <= words_for b w n * w < n * b + w)%nat.
Proof.
intros w_pos; unfold words_for; rewrite (Nat.mul_comm (_ / w)).
assert (split := Nat.div_mod_eq (n * b + (w - 1)) w).
assert (rest := Nat.mod_upper_bound (n * b + (w - 1)) w ltac:(lia)); lia.
Qed.

(** Codes, packed, are so many words, and are read back. *)
Theorem T29_pack (b w : nat) (c : list Z) : (0 < w)%nat -> of_bits b c ->
  length (packed b w c) = words_for b w (length c) /\ of_bits w (packed b w c) /\
  unpacked b w (length c) (packed b w c) = c.
Proof.
intros w_pos small; unfold packed, unpacked.
split; [apply digits_of_length|split; [apply digits_of_are_digits|]].
rewrite number_of_digits; [apply digits_of_number; [exact small|reflexivity]|].
assert (range := number_of_range b c small); destruct (T29_size b w (length c) w_pos) as [room _].
apply power_le in room; lia.
Qed.

(** Bit k of the words is bit k of the codes: bit k mod b of code k / b. *)
Theorem T29_bits (b w : nat) (c : list Z) (k : nat) : (0 < b)%nat -> (0 < w)%nat -> of_bits b c ->
  bit_of w (packed b w c) k = bit_of b c k.
Proof.
intros b_pos w_pos small; destruct (T29_pack b w c w_pos small) as [_ [fits back]].
rewrite <- !testbit_number by assumption; f_equal.
unfold packed; apply number_of_digits.
assert (range := number_of_range b c small); destruct (T29_size b w (length c) w_pos) as [room _].
apply power_le in room; lia.
Qed.

(** Words with zeros after the last code are the packing of what is read from them. *)
Theorem T29_one_text (b w n : nat) (p : list Z) : (0 < b)%nat -> (0 < w)%nat -> of_bits w p ->
  length p = words_for b w n -> (forall k, (n * b <= k)%nat -> bit_of w p k = false) ->
  length (unpacked b w n p) = n /\ of_bits b (unpacked b w n p) /\
  packed b w (unpacked b w n p) = p.
Proof.
intros b_pos w_pos fits size clear; unfold packed, unpacked.
split; [apply digits_of_length|split; [apply digits_of_are_digits|]].
rewrite digits_of_length, number_of_digits; [apply digits_of_number; assumption|].
destruct (number_of_range w p fits) as [pos _]; split; [exact pos|].
apply below_power; [exact pos|]; intros k high; rewrite testbit_number by assumption; auto.
Qed.

(** Codes that fill whole words, and other codes after them, are packed one after the other. *)
Theorem T29_append (b w m : nat) (c d : list Z) : (0 < w)%nat -> of_bits b c ->
  (length c * b = m * w)%nat -> packed b w (c ++ d) = packed b w c ++ packed b w d.
Proof.
intros w_pos small whole; unfold packed, words_for.
rewrite app_length, Nat.mul_add_distr_r, whole, number_of_app, whole.
replace (m * w + length d * b + (w - 1))%nat with (length d * b + (w - 1) + m * w)%nat by lia.
rewrite Nat.div_add by lia.
replace ((m * w + (w - 1)) / w)%nat with m.
2: rewrite Nat.add_comm, Nat.div_add, Nat.div_small by lia; reflexivity.
rewrite Nat.add_comm, digits_of_add, digits_of_low; do 2 f_equal.
assert (range := number_of_range b c small); rewrite whole in range.
assert (pos := power_pos (m * w)).
rewrite (Z.mul_comm (power _)), Z.div_add, Z.div_small by lia; reflexivity.
Qed.

(** Words of k w bits, written as k words of w bits each with the lowest first, are the packing in
    words of w bits, with zero words up to a whole word of the longer kind: 32-bit words in
    little-endian order are the bytes of the same integer. *)
Theorem T29_bytes (b w k : nat) (c : list Z) : (0 < w)%nat -> (0 < k)%nat -> of_bits b c ->
  flat_map (digits_of w k) (packed b (k * w) c)
  = packed b w c ++ repeat 0 (words_for b (k * w) (length c) * k - words_for b w (length c)).
Proof.
intros w_pos k_pos small; unfold packed; rewrite digits_of_digits.
destruct (T29_size b w (length c) w_pos) as [room tight].
destruct (T29_size b (k * w) (length c) ltac:(nia)) as [long _].
assert (fewer : (words_for b w (length c) <= words_for b (k * w) (length c) * k)%nat) by nia.
rewrite <- (Nat.sub_add _ _ fewer) at 1; rewrite Nat.add_comm, digits_of_add; f_equal.
assert (range := number_of_range b c small); apply power_le in room.
rewrite Z.div_small by lia; apply digits_of_zero.
Qed.

(** ** Codes below zero *)

(** What a word of b bits says in two's complement. *)
Definition signed (b : nat) (u : Z) : Z := if u <? power (b - 1) then u else u - power b.

Lemma signed_back b x : (0 < b)%nat -> - power (b - 1) <= x < power (b - 1) ->
  signed b (x mod power b) = x.
Proof.
intros b_pos range; assert (twice : power b = 2 * power (b - 1)).
{ replace b with (1 + (b - 1))%nat at 1 by lia; apply power_add. }
unfold signed; destruct (Z.lt_ge_cases x 0) as [neg|nonneg].
- replace (x mod power b) with (x + power b).
  + rewrite (proj2 (Z.ltb_ge _ _)) by lia; lia.
  + apply Z.mod_unique_pos with (-1); lia.
- rewrite Z.mod_small by lia; rewrite (proj2 (Z.ltb_lt _ _)) by lia; reflexivity.
Qed.

(** Codes from -2^(b-1) to 2^(b-1) - 1, packed modulo 2^b, are read back in two's complement. *)
Theorem T29_signed (b w : nat) (c : list Z) : (0 < b)%nat -> (0 < w)%nat ->
  Forall (fun x => - power (b - 1) <= x < power (b - 1)) c ->
  map (signed b) (unpacked b w (length c) (packed b w (map (fun x => x mod power b) c))) = c.
Proof.
intros b_pos w_pos range; rewrite <- (map_length (fun x => x mod power b) c) at 1.
destruct (T29_pack b w (map (fun x => x mod power b) c) w_pos) as [_ [_ back]].
- apply Forall_map, Forall_forall; intros x _; apply Z.mod_pos_bound, power_pos.
- rewrite back, map_map; rewrite <- (map_id c) at 2; apply map_ext_in; intros x member.
  rewrite Forall_forall in range; exact (signed_back b x b_pos (range x member)).
Qed.

(** Codes from -z to 2^b - 1 - z are read back where z was added to each. *)
Theorem T29_offset (b w : nat) (z : Z) (c : list Z) : (0 < w)%nat ->
  Forall (fun x => - z <= x < power b - z) c ->
  map (fun u => u - z) (unpacked b w (length c) (packed b w (map (fun x => x + z) c))) = c.
Proof.
intros w_pos range; rewrite <- (map_length (fun x => x + z) c) at 1.
destruct (T29_pack b w (map (fun x => x + z) c) w_pos) as [_ [_ back]].
- apply Forall_map; refine (Forall_impl _ _ range); intros x; lia.
- rewrite back, map_map; rewrite <- (map_id c) at 2; apply map_ext; intros x; ring.
Qed.
