(** * Check/Nearest: the nearest point of a scaled GF16 grid, by integers

    Purpose.  Round-to-nearest of a weight x on {s g : g a finite GF16 number}, ties to even,
      clipped at the largest finite number.  The quotient x / s is no dyadic number, so it is kept
      as a ratio of integers and rounded by one division with remainder.
    Main results.  [divide_even_correct], [gf16_round_ratio], [rtn_dyadic_correct] (the integers
      compute [rtn_point]); [rtn_point_inside], [rtn_point_nearest], [rtn_point_half_gap] (what
      that point is).
    Bound functions.  s [half_ulp16] (x / s).
    Dependencies.  Format/GF16, Format/ScaledGrid, Check/Dyadic; Flocq: Core, Binary. *)

From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.Binary.
From Hallmark Require Import Format.GF16 Format.ScaledGrid Check.Dyadic.
Open Scope Z_scope.

(** n / d rounded to the nearest integer, ties to even. *)
Definition divide_even (n d : Z) : Z :=
  let q := n / d in
  match 2 * (n - q * d) ?= d with
  | Lt => q
  | Eq => if Z.even q then q else q + 1
  | Gt => q + 1
  end.

(** The GF16 number nearest to (a / b) * 2^e for a >= 0, as significand and exponent: the first
    exponent tried is the right one or one too low. *)
Definition nearest_ratio (a b e : Z) : dyadic :=
  let k := Z.max (-39) (Z.log2 a - Z.log2 b + e - 10) in
  let n := Z.shiftl a (Z.max 0 (e - k)) in
  let d := Z.shiftl b (Z.max 0 (k - e)) in
  if n <? 1024 * d then Float radix2 (divide_even n d) k
  else Float radix2 (divide_even n (2 * d)) (k + 1).

(** The largest finite GF16 number. *)
Definition max_dyadic : dyadic := Float radix2 1023 22.

(** The point of the grid scaled by s that is nearest to x. *)
Definition rtn_dyadic (s x : dyadic) : dyadic :=
  let y := nearest_ratio (Z.abs (Fnum x)) (Fnum s) (Fexp x - Fexp s) in
  let g := if below y max_dyadic then y else max_dyadic in
  Float radix2 (Fnum s * (Z.sgn (Fnum x) * Fnum g)) (Fexp s + Fexp g).

Open Scope R_scope.

(** Rounding to GF16, clipped at the largest finite number. *)
Definition clip_round (x : R) : R := Rmax (- gf16_max) (Rmin gf16_max (gf16_round x)).

(** Round-to-nearest on the scaled grid. *)
Definition rtn_point (s x : R) : R := scaled s clip_round x.

(** The division is rounding to the nearest integer, ties to even. *)
Theorem divide_even_correct n d : (0 < d)%Z -> ZnearestE (IZR n / IZR d) = divide_even n d.
Proof.
  intros Hd; assert (Hd' : 0 < IZR d) by (apply IZR_lt; exact Hd).
  assert (Hfloor : Zfloor (IZR n / IZR d) = (n / d)%Z) by (apply Zfloor_div; lia).
  assert (Hsplit := Z.div_mod n d ltac:(lia)).
  assert (Hrange := Z.mod_pos_bound n d Hd).
  unfold divide_even; set (q := (n / d)%Z) in *; set (r := (n - q * d)%Z).
  assert (Hr : (r = n mod d)%Z) by (unfold r; lia).
  assert (Hx : IZR n / IZR d - IZR q = IZR r / IZR d).
  { unfold r; rewrite minus_IZR, mult_IZR; field; lra. }
  assert (Hceil : r <> 0%Z -> Zceil (IZR n / IZR d) = (q + 1)%Z).
  { intros Hne; rewrite Zceil_floor_neq; rewrite Hfloor; [reflexivity|].
    intros Heq; assert (Hr0 : IZR r / IZR d = 0) by lra.
    apply Hne, eq_IZR; replace (IZR r) with (IZR r / IZR d * IZR d) by (field; lra).
    rewrite Hr0; ring. }
  assert (Hhalf : IZR r / IZR d - / 2 = (IZR (2 * r) - IZR d) / (2 * IZR d)).
  { rewrite mult_IZR; field; lra. }
  assert (Hinv : 0 < / (2 * IZR d)) by (apply Rinv_0_lt_compat; lra).
  unfold Znearest; rewrite Hfloor, Hx.
  destruct (Z.compare_spec (2 * r) d) as [Heq|Hlt|Hgt].
  - rewrite Rcompare_Eq by (rewrite Heq in Hhalf; lra).
    destruct (Z.even q); simpl; [reflexivity|apply Hceil; lia].
  - rewrite Rcompare_Lt; [reflexivity|].
    apply IZR_lt in Hlt; unfold Rdiv in Hhalf at 2; nra.
  - rewrite Rcompare_Gt; [apply Hceil; lia|].
    apply IZR_lt in Hgt; unfold Rdiv in Hhalf at 2; nra.
Qed.

(** 0 divided is 0. *)
Lemma divide_even_0 d : (0 < d)%Z -> divide_even 0 d = 0%Z.
Proof.
  intros Hd; unfold divide_even; rewrite Z.div_0_l by lia; simpl.
  destruct d; [lia|reflexivity|lia].
Qed.

(** A ratio brought to the last place of its result is rounded by that division. *)
Theorem gf16_round_ratio n d k : (0 < d)%Z -> (0 <= n < 1024 * d)%Z -> (-39 <= k)%Z ->
  (k = -39 \/ 512 * d <= n)%Z ->
  gf16_round (IZR n / IZR d * bpow radix2 k) = IZR (divide_even n d) * bpow radix2 k.
Proof.
  intros Hd Hn Hk Hnormal.
  assert (Hd' : 0 < IZR d) by (apply IZR_lt; exact Hd).
  assert (Hpos := bpow_gt_0 radix2 k).
  destruct (Z.eq_dec n 0) as [Hn0|Hn0].
  - rewrite Hn0, divide_even_0 by exact Hd.
    replace (0 / IZR d * bpow radix2 k) with 0 by (field; lra).
    rewrite gf16_0; ring.
  - assert (Hratio : 0 < IZR n / IZR d < 1024).
    { split; [apply Rdiv_lt_0_compat; [apply IZR_lt; lia|exact Hd']|].
      apply Rmult_lt_reg_r with (IZR d); [exact Hd'|].
      replace (IZR n / IZR d * IZR d) with (IZR n) by (field; lra).
      rewrite <- mult_IZR; apply IZR_lt; lia. }
    set (x := IZR n / IZR d * bpow radix2 k).
    assert (Hx0 : 0 < x) by (unfold x; nra).
    assert (Hcexp : cexp radix2 fexp16 x = k).
    { unfold cexp, FLT_exp.
      assert (Hupper : (mag radix2 x <= 10 + k)%Z).
      { apply mag_le_bpow; [lra|]; rewrite Rabs_pos_eq by lra.
        rewrite bpow_plus; unfold x; apply Rmult_lt_compat_r; [lra|].
        change (bpow radix2 10) with 1024; apply Hratio. }
      destruct Hnormal as [Hbottom|Hlower]; [lia|].
      assert (Hmag : (10 + k <= mag radix2 x)%Z); [|lia].
      apply mag_ge_bpow; rewrite Rabs_pos_eq by lra.
      replace (10 + k - 1)%Z with (9 + k)%Z by lia.
      rewrite bpow_plus; unfold x; apply Rmult_le_compat_r; [lra|].
      change (bpow radix2 9) with 512.
      apply Rmult_le_reg_r with (IZR d); [exact Hd'|].
      replace (IZR n / IZR d * IZR d) with (IZR n) by (field; lra).
      rewrite <- mult_IZR; apply IZR_le; exact Hlower. }
    unfold gf16_round, round, scaled_mantissa; rewrite Hcexp.
    unfold F2R; cbn [Fnum Fexp]; do 2 f_equal.
    rewrite <- divide_even_correct by exact Hd; f_equal.
    unfold x; rewrite Rmult_assoc, <- bpow_plus, Z.add_opp_diag_r; simpl; ring.
Qed.

(** A shift to the left multiplies by a power of two. *)
Lemma shiftl_IZR a c : (0 <= c)%Z -> IZR (Z.shiftl a c) = IZR a * bpow radix2 c.
Proof.
  intros Hc; rewrite Z.shiftl_mul_pow2, mult_IZR by exact Hc.
  change 2%Z with (radix_val radix2); rewrite IZR_Zpower by exact Hc; reflexivity.
Qed.

(** The integers compute the rounding of a ratio. *)
Theorem nearest_ratio_correct a b e : (0 <= a)%Z -> (0 < b)%Z ->
  F2R (nearest_ratio a b e) = gf16_round (IZR a / IZR b * bpow radix2 e).
Proof.
  intros Ha Hb; unfold nearest_ratio.
  set (k := Z.max (-39) (Z.log2 a - Z.log2 b + e - 10)).
  set (up := Z.max 0 (e - k)); set (down := Z.max 0 (k - e)).
  assert (Hb' : 0 < IZR b) by (apply IZR_lt; exact Hb).
  assert (Hn : (Z.shiftl a up = a * 2 ^ up)%Z) by (apply Z.shiftl_mul_pow2; lia).
  assert (Hd : (Z.shiftl b down = b * 2 ^ down)%Z) by (apply Z.shiftl_mul_pow2; lia).
  assert (Hup : (0 < 2 ^ up)%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (Hdown : (0 < 2 ^ down)%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (Hvalue : IZR a / IZR b * bpow radix2 e
    = IZR (Z.shiftl a up) / IZR (Z.shiftl b down) * bpow radix2 k).
  { rewrite !shiftl_IZR by lia.
    replace e with (up - down + k)%Z by lia; unfold Z.sub.
    rewrite !bpow_plus, bpow_opp.
    assert (Hpow := bpow_gt_0 radix2 down); field; lra. }
  assert (Hlow : (a = 0 \/ k = -39 \/ 512 * Z.shiftl b down <= Z.shiftl a up)%Z).
  { destruct (Z.eq_dec a 0) as [Ha0|Ha0]; [left; exact Ha0|right].
    destruct (Z.eq_dec k (-39)) as [Hk|Hk]; [left; exact Hk|right].
    assert (Hla := proj1 (Z.log2_spec a ltac:(lia))).
    assert (Hlb := proj2 (Z.log2_spec b Hb)).
    assert (Hla0 := Z.log2_nonneg a); assert (Hlb0 := Z.log2_nonneg b).
    rewrite Hn, Hd.
    assert (Hexp : (2 ^ (9 + Z.succ (Z.log2 b) + down) = 2 ^ (Z.log2 a + up))%Z) by (f_equal; lia).
    rewrite !Z.pow_add_r in Hexp by lia; change (2 ^ 9)%Z with 512%Z in Hexp.
    nia. }
  assert (Hhigh : (Z.shiftl a up < 2048 * Z.shiftl b down)%Z).
  { destruct (Z.eq_dec a 0) as [Ha0|Ha0]; [rewrite Ha0, Z.shiftl_0_l; nia|].
    assert (Hla := proj2 (Z.log2_spec a ltac:(lia))).
    assert (Hlb := proj1 (Z.log2_spec b Hb)).
    assert (Hla0 := Z.log2_nonneg a); assert (Hlb0 := Z.log2_nonneg b).
    rewrite Hn, Hd.
    assert (Hexp : (2 ^ (Z.succ (Z.log2 a) + up) <= 2 ^ (11 + Z.log2 b + down))%Z).
    { apply Z.pow_le_mono_r; lia. }
    rewrite !Z.pow_add_r in Hexp by lia; change (2 ^ 11)%Z with 2048%Z in Hexp.
    nia. }
  assert (Hn0 : (0 <= Z.shiftl a up)%Z) by nia.
  assert (Hd0 : (0 < Z.shiftl b down)%Z) by nia.
  rewrite Hvalue.
  destruct Hlow as [Ha0|Hlow].
  - rewrite Ha0, Z.shiftl_0_l.
    replace (0 / IZR (Z.shiftl b down) * bpow radix2 k) with 0.
    + rewrite gf16_0; destruct (Z.ltb_spec 0 (1024 * Z.shiftl b down)); [|lia].
      rewrite divide_even_0 by exact Hd0; apply F2R_0.
    + field; apply not_0_IZR; lia.
  - destruct (Z.ltb_spec (Z.shiftl a up) (1024 * Z.shiftl b down)) as [Hlt|Hge].
    + rewrite gf16_round_ratio; [reflexivity|lia|lia|lia|exact Hlow].
    + replace (IZR (Z.shiftl a up) / IZR (Z.shiftl b down) * bpow radix2 k)
        with (IZR (Z.shiftl a up) / IZR (2 * Z.shiftl b down) * bpow radix2 (k + 1)).
      * rewrite gf16_round_ratio; [reflexivity|lia|lia|lia|right; lia].
      * rewrite bpow_plus, mult_IZR; change (bpow radix2 1) with 2.
        field; apply not_0_IZR; lia.
Qed.

(** The largest finite number as a dyadic. *)
Lemma max_dyadic_correct : F2R max_dyadic = gf16_max.
Proof. unfold max_dyadic, gf16_max, F2R; simpl; lra. Qed.

(** The largest finite number is positive. *)
Lemma gf16_max_pos : 0 < gf16_max.
Proof. unfold gf16_max; simpl; lra. Qed.

(** Clipped rounding is odd. *)
Lemma clip_round_opp x : clip_round (- x) = - clip_round x.
Proof.
  unfold clip_round; rewrite gf16_opp; assert (Hmax := gf16_max_pos).
  unfold Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** Clipped rounding keeps zero. *)
Lemma clip_round_0 : clip_round 0 = 0.
Proof.
  unfold clip_round; rewrite gf16_0; assert (Hmax := gf16_max_pos).
  unfold Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** Clipped rounding of a nonnegative number. *)
Lemma clip_round_pos x : 0 <= x -> clip_round x = Rmin (gf16_round x) gf16_max.
Proof.
  intros Hx; assert (Hmono := gf16_mono 0 x Hx); rewrite gf16_0 in Hmono.
  unfold clip_round; assert (Hmax := gf16_max_pos).
  unfold Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** T13: the integers compute the nearest point, exactly. *)
Theorem rtn_dyadic_correct s x : (0 < Fnum s)%Z -> F2R (rtn_dyadic s x) = rtn_point (F2R s) (F2R x).
Proof.
  intros Hs; unfold rtn_dyadic.
  set (y := nearest_ratio (Z.abs (Fnum x)) (Fnum s) (Fexp x - Fexp s)).
  set (g := if below y max_dyadic then y else max_dyadic).
  assert (Hs' : 0 < IZR (Fnum s)) by (apply IZR_lt; exact Hs).
  assert (Hes := bpow_gt_0 radix2 (Fexp s)).
  assert (Hquot : IZR (Z.abs (Fnum x)) / IZR (Fnum s) * bpow radix2 (Fexp x - Fexp s)
    = Rabs (F2R x) / F2R s).
  { replace (Rabs (F2R x)) with (F2R (Float radix2 (Z.abs (Fnum x)) (Fexp x)))
      by (destruct x; apply F2R_Zabs).
    unfold F2R; cbn [Fnum Fexp]; unfold Z.sub.
    rewrite bpow_plus, bpow_opp; field; lra. }
  assert (HS : 0 < F2R s) by (unfold F2R; nra).
  assert (Hy : F2R y = gf16_round (Rabs (F2R x) / F2R s)).
  { unfold y; rewrite nearest_ratio_correct by lia; rewrite Hquot; reflexivity. }
  assert (Hg : F2R g = clip_round (Rabs (F2R x) / F2R s)).
  { rewrite clip_round_pos, <- Hy, <- max_dyadic_correct.
    - unfold g, Rmin; destruct (below y max_dyadic) eqn:Hbelow; destruct Rle_dec as [Hle|Hle];
        try reflexivity.
      + apply below_correct in Hbelow; contradiction.
      + apply below_correct in Hle; congruence.
    - apply Rmult_le_pos; [apply Rabs_pos|left; apply Rinv_0_lt_compat, HS]. }
  assert (Hproduct : F2R (Float radix2 (Fnum s * (Z.sgn (Fnum x) * Fnum g)) (Fexp s + Fexp g))
    = F2R s * (IZR (Z.sgn (Fnum x)) * F2R g)).
  { unfold F2R; cbn [Fnum Fexp]; rewrite bpow_plus, !mult_IZR; ring. }
  rewrite Hproduct, Hg; unfold rtn_point, scaled; f_equal.
  assert (Hex := bpow_gt_0 radix2 (Fexp x)).
  assert (Hsign := Z.sgn_spec (Fnum x)).
  destruct Hsign as [[Hx ->]|[[Hx ->]|[Hx ->]]].
  - apply IZR_lt in Hx; rewrite Rabs_pos_eq by (unfold F2R; nra); ring.
  - assert (Hx0 : F2R x = 0) by (unfold F2R; rewrite <- Hx; ring).
    rewrite Hx0; replace (0 / F2R s) with 0 by (field; lra).
    rewrite clip_round_0; ring.
  - apply IZR_lt in Hx; rewrite Rabs_left by (unfold F2R; nra).
    replace (- F2R x / F2R s) with (- (F2R x / F2R s)) by (field; lra).
    rewrite clip_round_opp, opp_IZR; ring.
Qed.

(** Inside the range, round-to-nearest is the scaled rounding of Format/ScaledGrid. *)
Theorem rtn_point_inside s x : 0 < s -> Rabs x <= s * gf16_max ->
  rtn_point s x = scaled s gf16_round x.
Proof.
  intros Hs Hx; unfold rtn_point, scaled; f_equal.
  assert (Hq : Rabs (x / s) <= gf16_max).
  { unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ s)) by (left; apply Rinv_0_lt_compat, Hs).
    apply Rmult_le_reg_r with s; [exact Hs|].
    replace (Rabs x * / s * s) with (Rabs x) by (field; lra); lra. }
  apply gf16_no_overflow, Rabs_le_inv in Hq.
  unfold clip_round, Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** No number of the format inside the range is nearer than the clipped rounding. *)
Lemma clip_round_nearest x g : gf16_format g -> Rabs g <= gf16_max ->
  Rabs (x - clip_round x) <= Rabs (x - g).
Proof.
  intros Hg Hrange; apply Rabs_le_inv in Hrange; assert (Hmax := gf16_max_pos).
  destruct (Rle_or_lt (Rabs x) gf16_max) as [Hx|Hx].
  - assert (Hclip : clip_round x = gf16_round x).
    { apply gf16_no_overflow, Rabs_le_inv in Hx.
      unfold clip_round, Rmax, Rmin; repeat destruct Rle_dec; lra. }
    rewrite Hclip; apply gf16_nearest_format; exact Hg.
  - assert (Hexact := gf16_exact _ gf16_max_format).
    revert Hx; unfold Rabs at 1; destruct Rcase_abs as [Hneg|Hpos]; intros Hx.
    + assert (Hmono := gf16_mono x (- gf16_max) ltac:(lra)); rewrite gf16_opp, Hexact in Hmono.
      replace (clip_round x) with (- gf16_max).
      * rewrite !Rabs_left1 by lra; lra.
      * unfold clip_round, Rmax, Rmin; repeat destruct Rle_dec; lra.
    + assert (Hmono := gf16_mono gf16_max x ltac:(lra)); rewrite Hexact in Hmono.
      replace (clip_round x) with gf16_max.
      * rewrite !Rabs_pos_eq by lra; lra.
      * unfold clip_round, Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** The value of every word lies inside the range. *)
Lemma decode_range z : Rabs (decode z) <= gf16_max.
Proof. exact (abs_B2R_le_emax_minus_prec 10 32 gf16_prec_gt_0 (gf16_of_bits z)). Qed.

(** T13: no point of the scaled grid, clipping included, is nearer than round-to-nearest. *)
Theorem rtn_point_nearest s x z : 0 < s ->
  Rabs (x - rtn_point s x) <= Rabs (x - s * decode z).
Proof.
  intros Hs; unfold rtn_point; rewrite scaled_abs by exact Hs.
  replace (x - s * decode z) with (s * (x / s - decode z)) by (field; lra).
  rewrite Rabs_mult, (Rabs_pos_eq s) by lra.
  apply Rmult_le_compat_l; [lra|].
  apply clip_round_nearest; [apply decode_format|apply decode_range].
Qed.

(** T13: up to half a gap beyond the last point, the error is at most s max(2^-10 |x/s|, 2^-40). *)
Theorem rtn_point_half_gap s x : 0 < s -> Rabs x <= s * (gf16_max + bpow radix2 21) ->
  Rabs (x - rtn_point s x) <= s * half_ulp16 (x / s).
Proof.
  intros Hs Hx; unfold rtn_point; rewrite scaled_abs by exact Hs.
  apply Rmult_le_compat_l; [lra|].
  assert (Hq : Rabs (x / s) <= gf16_max + bpow radix2 21).
  { unfold Rdiv; rewrite Rabs_mult, (Rabs_pos_eq (/ s)) by (left; apply Rinv_0_lt_compat, Hs).
    apply Rmult_le_reg_r with s; [exact Hs|].
    replace (Rabs x * / s * s) with (Rabs x) by (field; lra); lra. }
  set (t := x / s) in *; clearbody t; clear Hx Hs s x.
  eapply Rle_trans; [apply (clip_round_nearest t
    (if Rle_dec (Rabs t) gf16_max then gf16_round t else
       if Rle_dec 0 t then gf16_max else - gf16_max))|].
  - destruct Rle_dec; [apply gf16_format_round|].
    destruct Rle_dec; [apply gf16_max_format|apply generic_format_opp, gf16_max_format].
  - assert (Hmax := gf16_max_pos).
    destruct Rle_dec as [Hin|Hout]; [apply gf16_no_overflow, Hin|].
    destruct Rle_dec; [rewrite Rabs_pos_eq; lra|rewrite Rabs_Ropp, Rabs_pos_eq; lra].
  - destruct Rle_dec as [Hin|Hout].
    + rewrite Rabs_minus_sym; apply gf16_error.
    + apply Rnot_le_lt in Hout; eapply Rle_trans; [|apply Rmax_l].
      revert Hq Hout; unfold gf16_max.
      change (bpow radix2 32) with 4294967296; change (bpow radix2 22) with 4194304.
      change (bpow radix2 21) with 2097152; change (bpow radix2 (-10)) with (/ 1024).
      intros Hq Hout; destruct Rle_dec as [Hpos|Hneg].
      * rewrite (Rabs_pos_eq t) in * by exact Hpos; rewrite Rabs_pos_eq by lra; lra.
      * apply Rnot_le_lt in Hneg; rewrite (Rabs_left t) in * by exact Hneg.
        rewrite Rabs_left by lra; lra.
Qed.
