(** * Rounding gives points of the grid

    Purpose: the nearest value that Check/Grid defines is the value of a code, so that it is the
      nearest point of the grid and not of something larger.
    Main results: [golden_word_exists], [grid_round_code].
    Depends on: Format/GoldenFloat, Format/Word, Check/Reading, Check/Nearest, Check/Table,
      Check/Grid; Flocq: Core, Bits.
    Source: IEEE 754-2019, section 3.4. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core IEEE754.Bits.
From Hallmark Require Import Format.GoldenFloat Format.Word.
From Hallmark Require Import Check.Dyadic Check.Reading Check.Nearest Check.Table Check.Grid.
Import ListNotations.
Open Scope R_scope.

(** Every number of GF(E, M) up to the largest has a word. *)
Theorem golden_word_exists E M v : (2 <= E)%Z -> (1 <= M)%Z ->
  golden_format E M v -> Rabs v <= golden_max E M ->
  exists c d, (0 <= c < 2 ^ (1 + E + M))%Z /\ word_dyadic M E c = Some d /\ F2R d = v.
Proof.
intros E_two M_one format range.
destruct (Req_dec v 0) as [zero|nonzero].
{ exists (join_bits M E false 0 0), (Float radix2 0 (exponent M E 0)).
  assert (M_pos : (0 < 2 ^ M)%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (E_one : (2 ^ 1 < 2 ^ E)%Z) by (apply Z.pow_lt_mono_r; lia).
  split; [|split; [|rewrite zero; apply F2R_0]].
  - replace (1 + E + M)%Z with (M + E + 1)%Z by lia; apply join_bits_range; lia.
  - unfold word_dyadic; rewrite split_join_bits by lia.
    destruct (Z.eqb_spec 0 (2 ^ E - 1)) as [|_]; [lia|reflexivity]. }
set (gexp := FLT_exp (golden_emin E M) (golden_prec M)).
set (k := cexp radix2 gexp v); set (m := Ztrunc (scaled_mantissa radix2 gexp v)).
assert (value : v = F2R (Float radix2 m k)) by exact format.
assert (k_def : k = Z.max (mag radix2 v - (M + 1)) (golden_emin E M)) by reflexivity.
assert (unit_pos := bpow_gt_0 radix2 k).
assert (E_half : (2 <= 2 ^ (E - 1))%Z).
{ change 2%Z with (2 ^ 1)%Z at 1; apply Z.pow_le_mono_r; lia. }
assert (E_twice : (2 ^ E = 2 * 2 ^ (E - 1))%Z).
{ replace E with (1 + (E - 1))%Z at 1 by lia; rewrite Z.pow_add_r by lia; reflexivity. }
assert (M_pos : (0 < 2 ^ M)%Z) by (apply Z.pow_pos_nonneg; lia).
assert (M_twice : (2 ^ (M + 1) = 2 * 2 ^ M)%Z) by (rewrite Z.pow_add_r by lia; lia).
assert (emin_def : (golden_emin E M = 2 - 2 ^ (E - 1) - M)%Z).
{ unfold golden_emin, golden_emax, golden_prec; lia. }
assert (size : Rabs v = IZR (Z.abs m) * bpow radix2 k).
{ rewrite value, <- F2R_Zabs; reflexivity. }
assert (m_high : (Z.abs m < 2 ^ (M + 1))%Z).
{ apply lt_IZR; rewrite (IZR_Zpower radix2) by lia.
  apply (Rmult_lt_reg_r (bpow radix2 k)); [exact unit_pos|]; rewrite <- size, <- bpow_plus.
  eapply Rlt_le_trans; [apply bpow_mag_gt|apply bpow_le; lia]. }
assert (m_low : (k = golden_emin E M \/ 2 ^ M <= Z.abs m)%Z).
{ destruct (Z.eq_dec k (golden_emin E M)) as [bottom|above]; [left; exact bottom|right].
  apply le_IZR; rewrite (IZR_Zpower radix2) by lia.
  apply (Rmult_le_reg_r (bpow radix2 k)); [exact unit_pos|]; rewrite <- size, <- bpow_plus.
  replace (M + k)%Z with (mag radix2 v - 1)%Z by lia; apply bpow_mag_le.
  exact nonzero. }
assert (k_high : (k <= 2 ^ (E - 1) - (M + 1))%Z).
{ rewrite k_def; assert (top : (mag radix2 v <= 2 ^ (E - 1))%Z); [|lia].
  apply mag_le_bpow; [exact nonzero|]; eapply Rle_lt_trans; [exact range|].
  unfold golden_max, golden_emax.
  assert (gap := bpow_gt_0 radix2 (2 ^ (E - 1) - golden_prec M)); lra. }
set (e := if (Z.abs m <? 2 ^ M)%Z then 0%Z else (k - golden_emin E M + 1)%Z).
set (f := if (Z.abs m <? 2 ^ M)%Z then Z.abs m else (Z.abs m - 2 ^ M)%Z).
assert (fields : (0 <= f < 2 ^ M /\ 0 <= e < 2 ^ E - 1)%Z).
{ unfold f, e; destruct (Z.ltb_spec (Z.abs m) (2 ^ M)); lia. }
exists (join_bits M E (m <? 0)%Z f e), (Float radix2 m k).
split; [|split; [|symmetry; exact value]].
- replace (1 + E + M)%Z with (M + E + 1)%Z by lia; apply join_bits_range; lia.
- unfold word_dyadic; rewrite split_join_bits by lia.
  destruct (Z.eqb_spec e (2 ^ E - 1)) as [|_]; [lia|].
  do 2 f_equal.
  + replace (significand M f e) with (Z.abs m).
    * destruct (Z.ltb_spec m 0); simpl; lia.
    * unfold significand, f, e.
      destruct (Z.ltb_spec (Z.abs m) (2 ^ M)) as [|normal]; [reflexivity|].
      destruct (Z.eqb_spec (k - golden_emin E M + 1) 0); lia.
  + unfold exponent, e; destruct (Z.ltb_spec (Z.abs m) (2 ^ M)); lia.
Qed.

(** Clipped rounding stays in the format and in the range. *)
Lemma golden_clip_format E M x : (2 <= E)%Z -> (0 <= M)%Z ->
  golden_format E M (golden_clip E M x) /\ Rabs (golden_clip E M x) <= golden_max E M.
Proof.
intros E_two M_nonneg; assert (top := golden_max_format E M M_nonneg E_two).
assert (max_pos := golden_max_pos E M M_nonneg).
destruct (Rle_or_lt (Rabs x) (golden_max E M)) as [inside|outside].
- rewrite golden_clip_inside by assumption; split.
  + apply golden_format_round; exact M_nonneg.
  + apply golden_no_overflow; assumption.
- rewrite golden_clip_outside by assumption; destruct (Rle_dec 0 x).
  + split; [exact top|rewrite Rabs_pos_eq; lra].
  + split; [apply generic_format_opp; exact top|rewrite Rabs_Ropp, Rabs_pos_eq; lra].
Qed.

(** T13: what rounding gives is the value of a code, for every zero point of the grid. *)
Theorem grid_round_code g z y : grid_ok g ->
  exists c, code_ok g c /\ grid_round g z y = code_value g z c.
Proof.
destruct g as [E M|first last|values]; cbn [grid_ok code_ok code_value grid_round].
- intros sizes; destruct (golden_clip_format E M y ltac:(lia) ltac:(lia)) as [format range].
  destruct (golden_word_exists E M _ ltac:(lia) ltac:(lia) format range)
    as [c [d [word [read real]]]].
  exists c; rewrite read; split; [split; [exact word|discriminate]|symmetry; exact real].
- intros sizes.
  set (v := Z.max (first - z) (Z.min (last - z) (ZnearestE y))).
  assert (range : (first <= v + z <= last)%Z) by (unfold v; lia).
  exists (if (v + z <? 0)%Z then (v + z + 2 ^ 16)%Z else (v + z)%Z); unfold signed16.
  destruct (Z.ltb_spec (v + z) 0) as [neg|pos].
  + destruct (Z.ltb_spec (v + z + 2 ^ 16) (2 ^ 15)); [lia|].
    replace (v + z + 2 ^ 16 - 2 ^ 16)%Z with (v + z)%Z by lia.
    split; [lia|f_equal; lia].
  + destruct (Z.ltb_spec (v + z) (2 ^ 15)); [|lia].
    split; [lia|f_equal; lia].
- intros [[some _] _].
  assert (member : In (table_round (table_reals values) y) (table_reals values)).
  { apply table_round_in; intros none; apply (f_equal (@length R)) in none.
    unfold table_reals in none; rewrite map_length in none; simpl in none; lia. }
  destruct (In_nth _ _ 0 member) as [k [below at_k]].
  unfold table_reals in below; rewrite map_length in below.
  exists (Z.of_nat k); split; [lia|]; rewrite <- at_k, Nat2Z.id.
  apply (nth_mapped b32_value); exact below.
Qed.
