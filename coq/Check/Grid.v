(** * The grids that the checker knows, their codes and their nearest points

    Purpose: a grid is data: a member of the GF(E, M) family, a range of integers, or a table.
      This file says which number a code stands for, which number of the grid is nearest to a real
      one, and proves that it is: no code stands for a nearer one, for scales of either sign.
    Main results: [grid_round_nearest], [nearest_point_nearest], [nearest_point_half_gap];
      [golden_code_flocq], [gf16_code] (the family's words are Flocq's).
    Bound functions: [half_gap].
    Depends on: Format/GoldenWord, Format/GF16, Format/Word, Format/IntegerGrid, Check/Reading,
      Check/Nearest, Check/Table; Flocq: Core, Bits.
    Source: docs/design.md, section 1. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core IEEE754.Bits.
From Hallmark Require Import Format.GoldenFloat Format.GoldenWord Format.GF16 Format.Word.
From Hallmark Require Import Format.IntegerGrid.
From Hallmark Require Import Check.Dyadic Check.Reading Check.Nearest Check.Table.
Import ListNotations.
Open Scope Z_scope.

(** A grid.  The codes of [Golden E M] are the words of GF(E, M), those of [Integer first last] are
    integers, those of a table are indices; its values are words of binary32. *)
Inductive grid : Set :=
  | Golden (E M : Z)
  | Integer (first last : Z)
  | Table (values : list Z).

(** The integer that a word of 16 bits stands for in two's complement. *)
Definition signed16 (c : Z) : Z := if c <? 2 ^ 15 then c else c - 2 ^ 16.

Open Scope R_scope.

(** The values of a table as real numbers. *)
Definition table_reals (values : list Z) : list R := map b32_value values.

(** What a grid must be. *)
Definition grid_ok (g : grid) : Prop :=
  match g with
  | Golden E M => (2 <= E <= 8 /\ 1 <= M <= 12 /\ 1 + E + M <= 16)%Z
  | Integer first last => (-256 <= first < last /\ last <= 255)%Z
  | Table values =>
      (2 <= Z.of_nat (length values) <= 65536)%Z /\
      Forall b32_finite values /\
      ascending (hd 0 (table_reals values)) (tl (table_reals values))
  end.

(** Zero points belong to integers; 0 says that there is none. *)
Definition zero_ok (g : grid) (z : Z) : Prop :=
  match g with
  | Integer first last => (z = 0 \/ first <= z <= last)%Z
  | _ => z = 0%Z
  end.

(** A word that is a code: neither infinity nor NaN, no spare bit, inside the range. *)
Definition code_ok (g : grid) (c : Z) : Prop :=
  match g with
  | Golden E M => (0 <= c < 2 ^ (1 + E + M))%Z /\ word_dyadic M E c <> None
  | Integer first last => (0 <= c < 2 ^ 16)%Z /\ (first <= signed16 c <= last)%Z
  | Table values => (0 <= c < Z.of_nat (length values))%Z
  end.

(** The value of a code, z being the zero point. *)
Definition code_value (g : grid) (z c : Z) : R :=
  match g with
  | Golden E M => match word_dyadic M E c with Some d => F2R d | None => 0 end
  | Integer _ _ => IZR (signed16 c - z)
  | Table values => b32_value (nth (Z.to_nat c) values 0%Z)
  end.

(** The value of the grid nearest to y: ties to the even word, integer or index; beyond the last
    value, that one. *)
Definition grid_round (g : grid) (z : Z) (y : R) : R :=
  match g with
  | Golden E M => golden_clip E M y
  | Integer first last => IZR (Z.max (first - z) (Z.min (last - z) (ZnearestE y)))
  | Table values => table_round (table_reals values) y
  end.

(** The point nearest to x on the grid with step s, of either sign. *)
Definition nearest_point (g : grid) (s : R) (z : Z) (x : R) : R := s * grid_round g z (x / s).

(** h is half the gap of the grid around y: up to half a gap beyond the last value, or between two
    values of a table. *)
Definition half_gap (g : grid) (z : Z) (y h : R) : Prop :=
  match g with
  | Golden E M =>
      Rabs y <= golden_max E M + bpow radix2 (golden_emax E - golden_prec M - 1) /\
      h = golden_half_ulp E M y
  | Integer first last => IZR (first - z) - 1 / 2 <= y <= IZR (last - z) + 1 / 2 /\ h = 1 / 2
  | Table values => exists a b, In a (table_reals values) /\ In b (table_reals values) /\
      a <= y <= b /\ h = (b - a) / 2
  end.

(** A finite word of the family: a number of the format that is not above the largest. *)
Lemma golden_word_format E M c d : (2 <= E)%Z -> (1 <= M)%Z -> word_dyadic M E c = Some d ->
  golden_format E M (F2R d) /\ Rabs (F2R d) <= golden_max E M.
Proof.
intros E_two M_one; unfold word_dyadic, split_bits.
set (f := (c mod 2 ^ M)%Z); set (e := ((c / 2 ^ M) mod 2 ^ E)%Z).
set (s := Zle_bool (2 ^ M * 2 ^ E) c).
destruct (Z.eqb_spec e (2 ^ E - 1)) as [|finite]; [discriminate|].
intros word; injection word as <-.
assert (M_pos : (0 < 2 ^ M)%Z) by (apply Z.pow_pos_nonneg; lia).
assert (E_pos : (0 < 2 ^ E)%Z) by (apply Z.pow_pos_nonneg; lia).
assert (f_range := Z.mod_pos_bound c (2 ^ M) M_pos).
assert (e_range := Z.mod_pos_bound (c / 2 ^ M) (2 ^ E) E_pos).
fold f in f_range; fold e in e_range.
assert (E_twice : (2 ^ E = 2 * 2 ^ (E - 1))%Z).
{ replace E with (1 + (E - 1))%Z at 1 by lia; rewrite Z.pow_add_r by lia; reflexivity. }
assert (E_half : (2 <= 2 ^ (E - 1))%Z).
{ change 2%Z with (2 ^ 1)%Z at 1; apply Z.pow_le_mono_r; lia. }
assert (M_twice : (2 ^ (M + 1) = 2 * 2 ^ M)%Z) by (rewrite Z.pow_add_r by lia; lia).
assert (size : (Z.abs (cond_Zopp s (significand M f e)) <= 2 ^ (M + 1) - 1)%Z).
{ rewrite abs_cond_Zopp; unfold significand; destruct (e =? 0)%Z; lia. }
assert (low : (golden_emin E M <= exponent M E e)%Z).
{ unfold golden_emin, golden_emax, golden_prec, exponent; lia. }
split.
- apply generic_format_FLT.
  exists (Float radix2 (cond_Zopp s (significand M f e)) (exponent M E e)).
  + reflexivity.
  + change (radix_val radix2) with 2%Z; unfold golden_prec; cbn [Fnum]; lia.
  + exact low.
- rewrite <- golden_largest_correct by lia; rewrite <- F2R_Zabs; unfold golden_largest.
  apply Rle_trans with (F2R (Float radix2 (2 ^ (M + 1) - 1) (exponent M E e))).
  + apply F2R_le; exact size.
  + unfold F2R; cbn [Fnum Fexp]; apply Rmult_le_compat_l; [apply IZR_le; lia|].
    apply bpow_le; unfold exponent; lia.
Qed.

(** Where the family has its words from Flocq, code values are Flocq's. *)
Theorem golden_code_flocq E M (M_pos : (0 < M)%Z) (E_pos : (0 < E)%Z)
  (wide : (M + 1 < 2 ^ (E - 1))%Z) z c : code_ok (Golden E M) c ->
  code_value (Golden E M) z c = golden_decode E M M_pos E_pos wide c.
Proof.
intros [range finite]; unfold code_value, golden_decode, golden_of_bits.
assert (correct := word_dyadic_correct M E M_pos E_pos wide c
  ltac:(replace (M + E + 1)%Z with (1 + E + M)%Z by lia; exact range)).
destruct (word_dyadic M E c); [apply correct|contradiction].
Qed.

(** The codes of GF(6, 9) are the words of GF16. *)
Theorem gf16_code z c : code_ok (Golden 6 9) c -> code_value (Golden 6 9) z c = decode c.
Proof. exact (golden_code_flocq 6 9 eq_refl eq_refl eq_refl z c). Qed.

(** No integer of a range is nearer than the nearest integer, clipped to the range. *)
Lemma clip_range_nearest low high y k : (low <= k <= high)%Z ->
  Rabs (y - IZR (Z.max low (Z.min high (ZnearestE y)))) <= Rabs (y - IZR k).
Proof.
intros range; assert (half := Znearest_half (fun z => negb (Z.even z)) y).
apply Rabs_le_inv in half.
destruct (Z_lt_le_dec high (ZnearestE y)) as [above|inside].
- replace (Z.max low (Z.min high (ZnearestE y))) with high by lia.
  assert (IZR high + 1 <= IZR (ZnearestE y)) by (rewrite <- plus_IZR; apply IZR_le; lia).
  assert (IZR k <= IZR high) by (apply IZR_le; lia).
  rewrite !Rabs_pos_eq by lra; lra.
- destruct (Z_lt_le_dec (ZnearestE y) low) as [under|within].
  + replace (Z.max low (Z.min high (ZnearestE y))) with low by lia.
    assert (IZR (ZnearestE y) <= IZR low - 1) by (rewrite <- minus_IZR; apply IZR_le; lia).
    assert (IZR low <= IZR k) by (apply IZR_le; lia).
    rewrite !Rabs_left1 by lra; lra.
  + replace (Z.max low (Z.min high (ZnearestE y))) with (ZnearestE y) by lia.
    apply ZnearestE_nearest.
Qed.

(** No code of the grid stands for a nearer number. *)
Theorem grid_round_nearest g z c y : grid_ok g -> code_ok g c ->
  Rabs (y - grid_round g z y) <= Rabs (y - code_value g z c).
Proof.
destruct g as [E M|first last|values]; cbn [grid_ok code_ok grid_round code_value].
- intros sizes [_ finite]; destruct (word_dyadic M E c) as [d|] eqn:word; [|contradiction].
  destruct (golden_word_format E M c d ltac:(lia) ltac:(lia) word) as [format range].
  apply golden_clip_nearest; first [lia|assumption].
- intros _ [_ range]; apply clip_range_nearest; lia.
- unfold table_reals; intros [[some _] [_ up]] range.
  destruct values as [|v rest]; [simpl in some; lia|].
  apply table_round_nearest; [exact up|].
  apply (in_map b32_value (v :: rest)), nth_In; lia.
Qed.

(** The distance on the grid with step s is |s| times the distance on the grid. *)
Lemma step_distance s x v : s <> 0 -> Rabs (x - s * v) = Rabs s * Rabs (x / s - v).
Proof. intros nonzero; rewrite <- Rabs_mult; f_equal; field; exact nonzero. Qed.

(** T13: no point of the grid with step s is nearer. *)
Theorem nearest_point_nearest g s z c x : grid_ok g -> code_ok g c -> s <> 0 ->
  Rabs (x - nearest_point g s z x) <= Rabs (x - s * code_value g z c).
Proof.
intros good code nonzero; unfold nearest_point; rewrite !step_distance by exact nonzero.
apply Rmult_le_compat_l; [apply Rabs_pos|apply grid_round_nearest; assumption].
Qed.

(** Between two numbers, the nearer one is within half their distance. *)
Lemma between_half a b y q : a <= y <= b -> Rabs (y - q) <= Rabs (y - a) ->
  Rabs (y - q) <= Rabs (y - b) -> Rabs (y - q) <= (b - a) / 2.
Proof.
intros range; rewrite (Rabs_pos_eq (y - a)), (Rabs_left1 (y - b)) by lra; lra.
Qed.

(** The error of rounding to the grid is at most half the gap. *)
Theorem grid_round_half_gap g z y h : grid_ok g -> half_gap g z y h ->
  Rabs (y - grid_round g z y) <= h.
Proof.
destruct g as [E M|first last|values]; cbn [grid_ok half_gap grid_round].
- intros sizes [range ->]; apply golden_clip_half_gap; first [lia|exact range].
- intros sizes [range ->].
  assert (half := Znearest_half (fun k => negb (Z.even k)) y).
  assert (nearest := clip_range_nearest (first - z) (last - z) y).
  destruct (Z_lt_le_dec (ZnearestE y) (first - z)) as [under|above].
  + eapply Rle_trans; [apply (nearest (first - z)%Z); lia|].
    assert (IZR (ZnearestE y) <= IZR (first - z) - 1) by (rewrite <- minus_IZR; apply IZR_le; lia).
    apply Rabs_le_inv in half; apply Rabs_le; lra.
  + destruct (Z_lt_le_dec (last - z) (ZnearestE y)) as [beyond|inside].
    * eapply Rle_trans; [apply (nearest (last - z)%Z); lia|].
      assert (IZR (last - z) + 1 <= IZR (ZnearestE y)) by (rewrite <- plus_IZR; apply IZR_le; lia).
      apply Rabs_le_inv in half; apply Rabs_le; lra.
    * eapply Rle_trans; [apply (nearest (ZnearestE y)); lia|lra].
- intros [[some _] [_ up]] [a [b [in_a [in_b [range ->]]]]].
  destruct (table_reals values) as [|v rest] eqn:reals; [destruct in_a|].
  apply between_half; [exact range| |]; apply table_round_nearest; assumption.
Qed.

(** T13: the same on the grid with step s. *)
Theorem nearest_point_half_gap g s z x h : grid_ok g -> s <> 0 -> half_gap g z (x / s) h ->
  Rabs (x - nearest_point g s z x) <= Rabs s * h.
Proof.
intros good nonzero gap; unfold nearest_point; rewrite step_distance by exact nonzero.
apply Rmult_le_compat_l; [apply Rabs_pos|apply grid_round_half_gap; assumption].
Qed.
