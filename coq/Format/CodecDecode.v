(** * The decoders are right

    Purpose: for every GF16 word the decoders compute the binary32 and the binary64 word of
      Flocq's conversion, which is exact: NaN, infinities, signed zeros and subnormals included.
    Main results (T12): [decode32_correct], [decode64_correct].
    Depends on: [BitProgram], [CodecPrograms], [CodecSpec], [BitArithmetic], [Word]; Flocq.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia List String Bool.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GF16 Format.Word Format.Convert Format.RoundShift.
From Hallmark Require Import Format.BitArithmetic Format.BitProgram Format.CodecPrograms.
From Hallmark Require Import Format.CodecSpec Format.CodecEncodeLines Format.CodecEncode.
Open Scope Z_scope.

(** How far a subnormal significand is from 512 in powers of two; 0 for normal magnitudes. *)
Definition normal_shift (g : Z) : Z :=
  let na := if g <? 4 then 8 else 0 in
  let a := g * 2 ^ na in
  let nb := if a <? 64 then na + 4 else na in
  let b := g * 2 ^ nb in
  let nc := if b <? 256 then nb + 2 else nb in
  let c := g * 2 ^ nc in
  if c <? 512 then nc + 1 else nc.

(** The magnitude of the output of a decoder from the magnitude of its input. *)
Definition decoded (mw ew rebase g : Z) : Z :=
  if g =? 0 then 0
  else if g =? 0x7E00 then (2 ^ ew - 1) * 2 ^ mw
  else g * 2 ^ normal_shift g * 2 ^ (mw - 9) + (rebase - normal_shift g) * 2 ^ mw.

(** The shift reaches 512 and does not pass 1024; normal magnitudes are not shifted. *)
Lemma normal_shift_correct g : 0 < g -> 0 <= normal_shift g <= 9 /\
  (g < 512 -> 1 <= normal_shift g /\ 512 <= g * 2 ^ normal_shift g < 1024) /\
  (512 <= g -> normal_shift g = 0).
Proof.
  intros Hg; unfold normal_shift.
  repeat match goal with |- context [?a <? ?b] => destruct (Z.ltb_spec a b) end;
    cbn in *; lia.
Qed.

(* One proof for both decoders: line by line, with the value of each line. *)
Ltac run_decoder p mw ew rebase s g :=
  let n := eval vm_compute in (mw + ew) in
  let x := fresh "x" in let env := fresh "env" in let Hx := fresh "Hx" in
  let Hsign := fresh "Hsign" in let Hb := fresh "Hb" in
  let na := fresh "na" in let a := fresh "a" in let nb := fresh "nb" in let b := fresh "b" in
  let nc := fresh "nc" in let c := fresh "c" in let nd := fresh "nd" in let d := fresh "d" in
  set (x := sign_bit 15 s + g);
  destruct (sign_bit_multiple 15 s) as [Hsign Hb];
  apply computes_intro;
  (let q := eval vm_compute in p in change p with q);
  look; set (env := start _ x);
  assert (Hx : env "x"%string = x) by reflexivity; clearbody env;
  set (na := if g <? 4 then 8 else 0); set (a := g * 2 ^ na);
  set (nb := if a <? 64 then na + 4 else na); set (b := g * 2 ^ nb);
  set (nc := if b <? 256 then nb + 2 else nb); set (c := g * 2 ^ nc);
  set (nd := if c <? 512 then nc + 1 else nc); set (d := g * 2 ^ nd);
  assert (Hna : 0 <= na <= 8) by (unfold na; destruct (g <? 4); lia);
  assert (Hnb : 0 <= nb <= 12) by (unfold nb; destruct (a <? 64); lia);
  assert (Hnc : 0 <= nc <= 14) by (unfold nc; destruct (b <? 256); lia);
  assert (Hnd : 0 <= nd <= 15) by (unfold nd; destruct (c <? 512); lia);
  assert (Hda : a = if g <? 4 then g * 2 ^ 8 else g)
    by (unfold a, na; destruct (g <? 4); lia);
  assert (Hdb : b = if a <? 64 then a * 2 ^ 4 else a)
    by (unfold b, nb; destruct (a <? 64); [rewrite Z.pow_add_r by lia|]; unfold a; lia);
  assert (Hdc : c = if b <? 256 then b * 2 ^ 2 else b)
    by (unfold c, nc; destruct (b <? 256); [rewrite Z.pow_add_r by lia|]; unfold b; lia);
  assert (Hdd : d = if c <? 512 then c * 2 ^ 1 else c)
    by (unfold d, nd; destruct (c <? 512); [rewrite Z.pow_add_r by lia|]; unfold c; lia);
  assert (Ha15 : 0 <= a < 2 ^ 15) by (rewrite Hda; destruct (Z.ltb_spec g 4); lia);
  assert (Hb15 : 0 <= b < 2 ^ 15) by (rewrite Hdb; destruct (Z.ltb_spec a 64); lia);
  assert (Hc15 : 0 <= c < 2 ^ 15) by (rewrite Hdc; destruct (Z.ltb_spec b 256); lia);
  assert (Hd15 : 0 <= d < 2 ^ 15) by (rewrite Hdd; destruct (Z.ltb_spec c 512); lia);
  line (sign_bit n s);
  [ reflexivity
  | rewrite Hx, shiftr_pow2, shiftl_pow2, (proj1 (sign_bit_multiple n s)) by lia;
    Z.to_euclidean_division_equations; lia
  | line g; rewrite ?Hx;
  [ reflexivity
  | rewrite (land_mask 15) by lia; Z.to_euclidean_division_equations; lia
  | line a; [reflexivity|rewrite Hda, shiftl_pow2, Z.mod_small by lia; reflexivity|
    line na; [reflexivity|reflexivity|
    line b; [reflexivity|rewrite Hdb, shiftl_pow2, Z.mod_small by lia; reflexivity|
    line nb; [reflexivity|rewrite Z.mod_small by lia; reflexivity|
    line c; [reflexivity|rewrite Hdc, shiftl_pow2, Z.mod_small by lia; reflexivity|
    line nc; [reflexivity|rewrite Z.mod_small by lia; reflexivity|
    line d; [reflexivity|rewrite Hdd, shiftl_pow2, Z.mod_small by lia; reflexivity|
    line nd; [reflexivity|rewrite Z.mod_small by lia; reflexivity|
    line (d * 2 ^ (mw - 9) + (rebase - nd) * 2 ^ mw);
  [ reflexivity
  | rewrite (Z.mod_small (rebase - nd)), !shiftl_pow2 by lia; rewrite !Z.mod_small;
    rewrite ?Z.mod_small; lia
  | line (decoded mw ew rebase g);
  [ reflexivity
  | reflexivity
  | apply remaining_output; look; [reflexivity|];
    match goal with |- context [?k <? g] => destruct (Z.ltb_spec k g) end;
    [reflexivity|];
    rewrite (proj1 (sign_bit_multiple n s)); apply lor_disjoint; [lia|];
    unfold decoded; change (normal_shift g) with nd; fold d;
    destruct (g =? 0); [lia|]; destruct (g =? 32256); lia ]]]]]]]]]]]].

(** The binary32 decoder, on the fields of its input. *)
Lemma decode32_run s g : 0 <= g < 2 ^ 15 ->
  computes decode32 (sign_bit 15 s + g)
    (if 0x7E00 <? g then 0x7FC00000 else sign_bit 31 s + decoded 23 8 96 g).
Proof. intros Hg; run_decoder decode32 23 8 96 s g. Qed.

(** The binary64 decoder, on the fields of its input. *)
Lemma decode64_run s g : 0 <= g < 2 ^ 15 ->
  computes decode64 (sign_bit 15 s + g)
    (if 0x7E00 <? g then 0x7FF8000000000000 else sign_bit 63 s + decoded 52 11 992 g).
Proof. intros Hg; run_decoder decode64 52 11 992 s g. Qed.

(** A power of two moves between significand and exponent. *)
Lemma F2R_shift s a k e : 0 <= k ->
  F2R (Float radix2 (cond_Zopp s (a * 2 ^ k)) e) = F2R (Float radix2 (cond_Zopp s a) (e + k)).
Proof.
  intros Hk; rewrite !F2R_cond_Zopp; f_equal.
  unfold F2R; cbn [Fnum Fexp].
  rewrite mult_IZR, (IZR_Zpower radix2), bpow_plus by exact Hk; ring.
Qed.

Section Decoded.

Variables mw ew : Z.
Hypothesis mw_large : 10 <= mw.
Hypothesis ew_large : 7 <= ew.
Hypothesis mw_pos : 0 < mw.
Hypothesis ew_pos : 0 < ew.
Hypothesis prec_lt_emax : mw + 1 < 2 ^ (ew - 1).
Context (Hprec : Prec_gt_0 (mw + 1)) (Hemax : Prec_lt_emax (mw + 1) (2 ^ (ew - 1))).
Variable nan : binary_float (mw + 1) (2 ^ (ew - 1)).

Notation of_bits := (binary_float_of_bits mw ew mw_pos ew_pos prec_lt_emax).
Notation word z := (bits_of_binary_float mw ew
  (convert 10 32 (mw + 1) (2 ^ (ew - 1)) Hprec Hemax nan (gf16_of_bits z))).
Notation rebase := (2 ^ (ew - 1) - 32).

(** Fields with the value of a finite GF16 word are the fields of its conversion. *)
Lemma word_of_fields s f e f' e' :
  0 <= f < 512 -> 0 <= e < 63 -> 0 <= f' < 2 ^ mw -> 0 <= e' < 2 ^ ew - 1 ->
  F2R (Float radix2 (cond_Zopp s (significand mw f' e')) (exponent mw ew e'))
  = F2R (Float radix2 (cond_Zopp s (significand 9 f e)) (exponent 9 6 e)) ->
  word (join_bits 9 6 s f e) = join_bits mw ew s f' e'.
Proof.
  intros Hf He Hf' He' Hsame.
  destruct (fields_finite 9 6 eq_refl eq_refl eq_refl s f e Hf He) as [Hfin [Hsign Hval]].
  destruct (fields_finite mw ew mw_pos ew_pos prec_lt_emax s f' e' Hf' He')
    as [Hfin' [Hsign' Hval']].
  rewrite (convert_exact nan (of_bits (join_bits mw ew s f' e')) Hfin Hfin').
  - apply bits_of_binary_float_of_bits.
    apply join_bits_range; lia.
  - rewrite Hval'; rewrite Hsame; symmetry; exact Hval.
  - rewrite Hsign'; symmetry; exact Hsign.
Qed.

(** The decoding of finite words. *)
Lemma decoded_finite s f e : 0 <= f < 512 -> 0 <= e < 63 ->
  sign_bit (mw + ew) s + decoded mw ew rebase (e * 512 + f) = word (join_bits 9 6 s f e).
Proof.
  intros Hf He.
  destruct (encoder_powers mw ew mw_large ew_large) as [Hbias [Hew [Hmw [Hunit Hmw1]]]].
  unfold decoded; rewrite (proj2 (Z.eqb_neq (e * 512 + f) 0x7E00)) by lia.
  destruct (Z.eqb_spec (e * 512 + f) 0) as [Hzero|Hpos].
  - replace e with 0 by lia; replace f with 0 by lia.
    rewrite (word_of_fields s 0 0 0 0), join_bits_sum by (try lia; destruct s; rewrite !F2R_0;
      reflexivity).
    lia.
  - destruct (normal_shift_correct (e * 512 + f) ltac:(lia)) as [Hn [Hsub Hnorm]].
    set (n := normal_shift (e * 512 + f)) in *.
    destruct (Z.eq_dec e 0) as [->|He0].
    + destruct (Hsub ltac:(lia)) as [Hn1 Hd].
      change (0 * 512 + f) with f in *.
      set (d := f * 2 ^ n) in *.
      rewrite (word_of_fields s f 0 ((d - 512) * 2 ^ (mw - 9)) (rebase - n + 1));
        [rewrite join_bits_sum by lia; lia|lia|lia|nia|lia|].
      unfold significand; rewrite (proj2 (Z.eqb_neq (rebase - n + 1) 0)) by lia.
      replace ((d - 512) * 2 ^ (mw - 9) + 2 ^ mw) with (d * 2 ^ (mw - 9)) by lia.
      unfold d; rewrite !F2R_shift by lia; cbn [Z.eqb].
      do 2 f_equal; unfold exponent; change (2 ^ (6 - 1)) with 32; lia.
    + rewrite (Hnorm ltac:(lia)), Z.pow_0_r, Z.mul_1_r, Z.sub_0_r.
      rewrite (word_of_fields s f e (f * 2 ^ (mw - 9)) (e + rebase));
        [rewrite join_bits_sum by lia; lia|lia|lia|nia|lia|].
      unfold significand.
      rewrite (proj2 (Z.eqb_neq e 0)), (proj2 (Z.eqb_neq (e + rebase) 0)) by lia.
      replace (f * 2 ^ (mw - 9) + 2 ^ mw) with ((f + 2 ^ 9) * 2 ^ (mw - 9)) by lia.
      rewrite F2R_shift by lia.
      do 2 f_equal; unfold exponent; change (2 ^ (6 - 1)) with 32; lia.
Qed.

(** The decoding of every word. *)
Theorem decoded_correct s g : 0 <= g < 2 ^ 15 ->
  (if 0x7E00 <? g then bits_of_binary_float mw ew nan
   else sign_bit (mw + ew) s + decoded mw ew rebase g) = word (sign_bit 15 s + g).
Proof.
  intros Hg.
  assert (Hfields : sign_bit 15 s + g = join_bits 9 6 s (g mod 512) (g / 512)).
  { rewrite join_bits_sum by lia; change (9 + 6) with 15; change (2 ^ 9) with 512.
    generalize (Z.div_mod g 512 ltac:(lia)); lia. }
  assert (Hf := Z.mod_pos_bound g 512 eq_refl).
  assert (Hsplit := Z.div_mod g 512 ltac:(lia)).
  rewrite Hfields; destruct (Z.ltb_spec 0x7E00 g) as [Hnan|Hnumber].
  - replace (g / 512) with (2 ^ 6 - 1) by lia.
    assert (Hisnan := fields_nan 9 6 eq_refl eq_refl eq_refl s (g mod 512) ltac:(lia)).
    unfold gf16_of_bits.
    destruct (binary_float_of_bits 9 6 eq_refl eq_refl eq_refl
                (join_bits 9 6 s (g mod 512) (2 ^ 6 - 1))); try discriminate Hisnan; reflexivity.
  - destruct (Z.eq_dec g 0x7E00) as [->|Hfinite].
    + change (join_bits 9 6 s (0x7E00 mod 512) (0x7E00 / 512)) with (join_bits 9 6 s 0 (2 ^ 6 - 1)).
      unfold gf16_of_bits; rewrite fields_infinity.
      unfold decoded; cbn [Z.eqb Pos.eqb].
      cbn [convert bits_of_binary_float]; rewrite join_bits_sum by lia; lia.
    + rewrite <- decoded_finite by lia.
      do 2 f_equal; lia.
Qed.

End Decoded.

(** Sign and magnitude of a GF16 word. *)
Lemma gf16_sign_magnitude z : 0 <= z < 2 ^ 16 ->
  exists s g, 0 <= g < 2 ^ 15 /\ z = sign_bit 15 s + g.
Proof.
  intros Hz; destruct (Z_lt_le_dec z (2 ^ 15)) as [Hlow|Hhigh].
  - exists false, z; split; [lia|reflexivity].
  - exists true, (z - 2 ^ 15); split; [lia|unfold sign_bit; lia].
Qed.

(** T12: for every GF16 word, the decoder computes the binary32 word of Flocq's conversion. *)
Theorem decode32_correct z : 0 <= z < 2 ^ 16 -> computes decode32 z (decode32_spec z).
Proof.
  intros Hz; destruct (gf16_sign_magnitude z Hz) as [s [g [Hg ->]]].
  assert (Hdecoded := decoded_correct 23 8 ltac:(lia) ltac:(lia) eq_refl eq_refl eq_refl
                        b32_prec_gt_0 b32_prec_lt_emax b32_nan s g Hg).
  change (bits_of_binary_float 23 8 b32_nan) with 0x7FC00000 in Hdecoded.
  exact (eq_ind _ (computes decode32 (sign_bit 15 s + g)) (decode32_run s g Hg) _ Hdecoded).
Qed.

(** T12: for every GF16 word, the decoder computes the binary64 word of Flocq's conversion. *)
Theorem decode64_correct z : 0 <= z < 2 ^ 16 -> computes decode64 z (decode64_spec z).
Proof.
  intros Hz; destruct (gf16_sign_magnitude z Hz) as [s [g [Hg ->]]].
  assert (Hdecoded := decoded_correct 52 11 ltac:(lia) ltac:(lia) eq_refl eq_refl eq_refl
                        b64_prec_gt_0 b64_prec_lt_emax b64_nan s g Hg).
  change (bits_of_binary_float 52 11 b64_nan) with 0x7FF8000000000000 in Hdecoded.
  exact (eq_ind _ (computes decode64 (sign_bit 15 s + g)) (decode64_run s g Hg) _ Hdecoded).
Qed.
