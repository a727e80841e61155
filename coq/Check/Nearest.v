(** * The nearest number of GF(E, M) to a ratio, by integers

    Purpose: a weight x on the grid {s g : g a finite number of GF(E, M)} is rounded as x / s, ties
      to even, clipped at the largest finite number.  That quotient is no dyadic number, so it is
      kept as a ratio of integers and rounded by one division with remainder.
    Main results: [divide_even_correct], [golden_round_ratio], [golden_nearest_correct] (the
      integers compute [golden_clip]); [golden_clip_inside], [golden_clip_nearest],
      [golden_clip_half_gap] (what that number is).
    Bound functions: [golden_half_ulp].
    Depends on: Format/GoldenFloat, Check/Dyadic; Flocq: Core.
    Source: IEEE 754-2019, section 4.3.1. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark Require Import Format.GoldenFloat Check.Dyadic.
Open Scope Z_scope.

(** n / d rounded to the nearest integer, ties to even. *)
Definition divide_even (n d : Z) : Z :=
  let q := n / d in
  match 2 * (n - q * d) ?= d with
  | Lt => q
  | Eq => if Z.even q then q else q + 1
  | Gt => q + 1
  end.

(** The number of GF(E, M) nearest to (a / b) * 2^e for a >= 0, exponents unbounded above, as
    significand and exponent: the first exponent tried is the right one or one too low. *)
Definition nearest_ratio (E M a b e : Z) : dyadic :=
  let k := Z.max (golden_emin E M) (Z.log2 a - Z.log2 b + e - (M + 1)) in
  let n := Z.shiftl a (Z.max 0 (e - k)) in
  let d := Z.shiftl b (Z.max 0 (k - e)) in
  if n <? Z.shiftl d (M + 1) then Float radix2 (divide_even n d) k
  else Float radix2 (divide_even n (2 * d)) (k + 1).

(** The largest finite number of GF(E, M). *)
Definition golden_largest (E M : Z) : dyadic :=
  Float radix2 (2 ^ (M + 1) - 1) (2 ^ (E - 1) - (M + 1)).

(** The finite number of GF(E, M) nearest to (a / b) * 2^e. *)
Definition golden_nearest_ratio (E M a b e : Z) : dyadic :=
  let y := nearest_ratio E M (Z.abs a) b e in
  let top := golden_largest E M in
  let g := if dyadic_le y top then y else top in
  Float radix2 (Z.sgn a * Fnum g) (Fexp g).

Open Scope R_scope.

(** Rounding to GF(E, M), clipped at the largest finite number. *)
Definition golden_clip (E M : Z) (x : R) : R :=
  Rmax (- golden_max E M) (Rmin (golden_max E M) (golden_round E M x)).

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

(** A shift to the left multiplies by a power of two. *)
Lemma shiftl_IZR a c : (0 <= c)%Z -> IZR (Z.shiftl a c) = IZR a * bpow radix2 c.
Proof.
  intros Hc; rewrite Z.shiftl_mul_pow2, mult_IZR by exact Hc.
  change 2%Z with (radix_val radix2); rewrite IZR_Zpower by exact Hc; reflexivity.
Qed.

(** A ratio of integers times 2^e, with the power of two shifted into the integers. *)
Lemma ratio_shift a b e k : (0 < b)%Z ->
  IZR a / IZR b * bpow radix2 e
  = IZR (Z.shiftl a (Z.max 0 (e - k))) / IZR (Z.shiftl b (Z.max 0 (k - e))) * bpow radix2 k.
Proof.
  intros Hb; assert (Hb' : 0 < IZR b) by (apply IZR_lt; exact Hb).
  rewrite !shiftl_IZR by lia.
  replace e with (Z.max 0 (e - k) - Z.max 0 (k - e) + k)%Z at 1 by lia; unfold Z.sub at 1.
  rewrite !bpow_plus, bpow_opp.
  assert (Hpow := bpow_gt_0 radix2 (Z.max 0 (k - e))); field; lra.
Qed.

Section Golden.

Variables E M : Z.
Hypothesis E_two : (2 <= E)%Z.
Hypothesis M_nonneg : (0 <= M)%Z.

Notation low_exp := (golden_emin E M).
Notation hidden := (2 ^ M)%Z.

(** A significand has M + 1 bits. *)
Lemma hidden_pos : (0 < hidden)%Z.
Proof. apply Z.pow_pos_nonneg; lia. Qed.

(** Twice [hidden] is the next power of two. *)
Lemma hidden_twice : (2 ^ (M + 1) = 2 * hidden)%Z.
Proof. rewrite Z.pow_add_r by lia; lia. Qed.

(** [hidden] as a real number. *)
Lemma hidden_IZR : IZR hidden = bpow radix2 M.
Proof. rewrite <- (IZR_Zpower radix2) by exact M_nonneg; reflexivity. Qed.

(** A ratio brought to the last place of its result is rounded by one division. *)
Theorem golden_round_ratio n d k : (0 < d)%Z -> (0 <= n < 2 * hidden * d)%Z -> (low_exp <= k)%Z ->
  (k = low_exp \/ hidden * d <= n)%Z ->
  golden_round E M (IZR n / IZR d * bpow radix2 k) = IZR (divide_even n d) * bpow radix2 k.
Proof.
  intros Hd Hn Hk Hnormal.
  assert (Hd' : 0 < IZR d) by (apply IZR_lt; exact Hd).
  assert (Hpos := bpow_gt_0 radix2 k); assert (HM := bpow_gt_0 radix2 M).
  destruct (Z.eq_dec n 0) as [Hn0|Hn0].
  - rewrite Hn0, divide_even_0 by exact Hd.
    replace (0 / IZR d * bpow radix2 k) with 0 by (field; lra).
    rewrite golden_0 by exact M_nonneg; ring.
  - assert (Hratio : 0 < IZR n / IZR d < bpow radix2 (M + 1)).
    { split; [apply Rdiv_lt_0_compat; [apply IZR_lt; lia|exact Hd']|].
      apply Rmult_lt_reg_r with (IZR d); [exact Hd'|].
      replace (IZR n / IZR d * IZR d) with (IZR n) by (field; lra).
      rewrite bpow_plus, <- hidden_IZR; change (bpow radix2 1) with 2.
      rewrite <- !mult_IZR; apply IZR_lt; lia. }
    set (x := IZR n / IZR d * bpow radix2 k).
    assert (Hx0 : 0 < x) by (unfold x; nra).
    assert (Hcexp : cexp radix2 (FLT_exp low_exp (golden_prec M)) x = k).
    { unfold cexp, FLT_exp, golden_prec.
      assert (Hupper : (mag radix2 x <= M + 1 + k)%Z).
      { apply mag_le_bpow; [lra|]; rewrite Rabs_pos_eq by lra.
        rewrite bpow_plus; unfold x; apply Rmult_lt_compat_r; [lra|apply Hratio]. }
      destruct Hnormal as [Hbottom|Hlower]; [lia|].
      assert (Hmag : (M + 1 + k <= mag radix2 x)%Z); [|lia].
      apply mag_ge_bpow; rewrite Rabs_pos_eq by lra.
      replace (M + 1 + k - 1)%Z with (M + k)%Z by lia.
      rewrite bpow_plus; unfold x; apply Rmult_le_compat_r; [lra|].
      rewrite <- hidden_IZR; apply Rmult_le_reg_r with (IZR d); [exact Hd'|].
      replace (IZR n / IZR d * IZR d) with (IZR n) by (field; lra).
      rewrite <- mult_IZR; apply IZR_le; exact Hlower. }
    unfold golden_round, round, scaled_mantissa; rewrite Hcexp.
    unfold F2R; cbn [Fnum Fexp]; do 2 f_equal.
    rewrite <- divide_even_correct by exact Hd; f_equal.
    unfold x; rewrite Rmult_assoc, <- bpow_plus, Z.add_opp_diag_r; simpl; ring.
Qed.

(** The integers compute the rounding of a ratio. *)
Theorem nearest_ratio_correct a b e : (0 <= a)%Z -> (0 < b)%Z ->
  F2R (nearest_ratio E M a b e) = golden_round E M (IZR a / IZR b * bpow radix2 e).
Proof.
  intros Ha Hb; unfold nearest_ratio.
  set (k := Z.max low_exp (Z.log2 a - Z.log2 b + e - (M + 1))).
  rewrite (ratio_shift a b e k Hb).
  set (up := Z.max 0 (e - k)); set (down := Z.max 0 (k - e)).
  assert (Hn : (Z.shiftl a up = a * 2 ^ up)%Z) by (apply Z.shiftl_mul_pow2; lia).
  assert (Hd : (Z.shiftl b down = b * 2 ^ down)%Z) by (apply Z.shiftl_mul_pow2; lia).
  assert (Hup : (0 < 2 ^ up)%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (Hdown : (0 < 2 ^ down)%Z) by (apply Z.pow_pos_nonneg; lia).
  assert (Hhalf := hidden_pos).
  assert (Hlow : (a = 0 \/ k = low_exp \/ hidden * Z.shiftl b down <= Z.shiftl a up)%Z).
  { destruct (Z.eq_dec a 0) as [Ha0|Ha0]; [left; exact Ha0|right].
    destruct (Z.eq_dec k low_exp) as [Hk|Hk]; [left; exact Hk|right].
    assert (Hla := proj1 (Z.log2_spec a ltac:(lia))).
    assert (Hlb := proj2 (Z.log2_spec b Hb)).
    assert (Hla0 := Z.log2_nonneg a); assert (Hlb0 := Z.log2_nonneg b).
    rewrite Hn, Hd.
    assert (Hexp : (2 ^ (M + Z.succ (Z.log2 b) + down) = 2 ^ (Z.log2 a + up))%Z) by (f_equal; lia).
    rewrite !Z.pow_add_r in Hexp by lia.
    apply Z.le_trans with (hidden * (2 ^ Z.succ (Z.log2 b) * 2 ^ down))%Z.
    - apply Z.mul_le_mono_nonneg_l; [lia|]; apply Z.mul_le_mono_nonneg_r; lia.
    - rewrite Z.mul_assoc, Hexp; apply Z.mul_le_mono_nonneg_r; lia. }
  assert (Hhigh : (Z.shiftl a up < 4 * hidden * Z.shiftl b down)%Z).
  { destruct (Z.eq_dec a 0) as [Ha0|Ha0]; [rewrite Ha0, Z.shiftl_0_l, Hd; nia|].
    assert (Hla := proj2 (Z.log2_spec a ltac:(lia))).
    assert (Hlb := proj1 (Z.log2_spec b Hb)).
    assert (Hla0 := Z.log2_nonneg a); assert (Hlb0 := Z.log2_nonneg b).
    rewrite Hn, Hd.
    assert (Hexp : (2 ^ (Z.succ (Z.log2 a) + up) <= 2 ^ (2 + M + Z.log2 b + down))%Z).
    { apply Z.pow_le_mono_r; lia. }
    rewrite !Z.pow_add_r in Hexp by lia; change (2 ^ 2)%Z with 4%Z in Hexp.
    eapply Z.lt_le_trans; [apply Z.mul_lt_mono_pos_r; [exact Hup|exact Hla]|].
    eapply Z.le_trans; [exact Hexp|]; rewrite <- !Z.mul_assoc.
    do 2 (apply Z.mul_le_mono_nonneg_l; [lia|]); apply Z.mul_le_mono_nonneg_r; lia. }
  assert (Hn0 : (0 <= Z.shiftl a up)%Z) by (rewrite Hn; nia).
  assert (Hd0 : (0 < Z.shiftl b down)%Z) by (rewrite Hd; nia).
  rewrite (Z.shiftl_mul_pow2 (Z.shiftl b down) (M + 1)) by lia.
  rewrite hidden_twice.
  destruct Hlow as [Ha0|Hlow].
  - rewrite Ha0, Z.shiftl_0_l.
    replace (0 / IZR (Z.shiftl b down) * bpow radix2 k) with 0.
    + rewrite golden_0 by exact M_nonneg.
      destruct (Z.ltb_spec 0 (Z.shiftl b down * (2 * hidden))); [|nia].
      rewrite divide_even_0 by exact Hd0; apply F2R_0.
    + field; apply not_0_IZR; lia.
  - destruct (Z.ltb_spec (Z.shiftl a up) (Z.shiftl b down * (2 * hidden))) as [Hlt|Hge].
    + rewrite golden_round_ratio; [reflexivity|lia|lia|lia|exact Hlow].
    + replace (IZR (Z.shiftl a up) / IZR (Z.shiftl b down) * bpow radix2 k)
        with (IZR (Z.shiftl a up) / IZR (2 * Z.shiftl b down) * bpow radix2 (k + 1)).
      * rewrite golden_round_ratio; [reflexivity|lia|lia|lia|right; lia].
      * rewrite bpow_plus, mult_IZR; change (bpow radix2 1) with 2.
        field; apply not_0_IZR; lia.
Qed.

(** The largest finite number as a dyadic. *)
Lemma golden_largest_correct : F2R (golden_largest E M) = golden_max E M.
Proof.
  unfold golden_largest, golden_max, golden_emax, golden_prec, F2R; cbn [Fnum Fexp].
  rewrite minus_IZR, (IZR_Zpower radix2), Rmult_minus_distr_r, <- bpow_plus, Rmult_1_l by lia.
  do 2 f_equal; lia.
Qed.

(** The largest finite number is positive. *)
Lemma golden_max_pos : 0 < golden_max E M.
Proof.
  unfold golden_max, golden_prec.
  assert (Hlt := bpow_lt radix2 (golden_emax E - (M + 1)) (golden_emax E) ltac:(lia)); lra.
Qed.

(** Clipped rounding is odd. *)
Lemma golden_clip_opp x : golden_clip E M (- x) = - golden_clip E M x.
Proof.
  unfold golden_clip; rewrite golden_opp; assert (Hmax := golden_max_pos).
  unfold Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** Clipped rounding keeps zero. *)
Lemma golden_clip_0 : golden_clip E M 0 = 0.
Proof.
  unfold golden_clip; rewrite golden_0 by exact M_nonneg; assert (Hmax := golden_max_pos).
  unfold Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** Clipped rounding of a nonnegative number. *)
Lemma golden_clip_pos x : 0 <= x -> golden_clip E M x = Rmin (golden_round E M x) (golden_max E M).
Proof.
  intros Hx; assert (Hmono := golden_mono E M M_nonneg 0 x Hx).
  rewrite golden_0 in Hmono by exact M_nonneg.
  unfold golden_clip; assert (Hmax := golden_max_pos).
  unfold Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** T13: the integers compute the nearest finite number, exactly. *)
Theorem golden_nearest_correct a b e : (0 < b)%Z ->
  F2R (golden_nearest_ratio E M a b e) = golden_clip E M (IZR a / IZR b * bpow radix2 e).
Proof.
  intros Hb; unfold golden_nearest_ratio.
  set (y := nearest_ratio E M (Z.abs a) b e).
  set (g := if dyadic_le y (golden_largest E M) then y else golden_largest E M).
  assert (Hb' : 0 < IZR b) by (apply IZR_lt; exact Hb).
  assert (He := bpow_gt_0 radix2 e).
  set (t := IZR (Z.abs a) / IZR b * bpow radix2 e).
  assert (Ht : 0 <= t).
  { unfold t; apply Rmult_le_pos; [|lra]; apply Rmult_le_pos; [apply IZR_le; lia|].
    left; apply Rinv_0_lt_compat, Hb'. }
  assert (Hg : F2R g = golden_clip E M t).
  { rewrite golden_clip_pos, <- golden_largest_correct by exact Ht.
    unfold t; rewrite <- nearest_ratio_correct by lia; fold y.
    unfold g, Rmin; destruct (dyadic_le y (golden_largest E M)) eqn:Hbelow;
      destruct Rle_dec as [Hle|Hle]; try reflexivity.
    - apply dyadic_le_correct in Hbelow; contradiction.
    - apply dyadic_le_correct in Hle; congruence. }
  replace (F2R (Float radix2 (Z.sgn a * Fnum g) (Fexp g))) with (IZR (Z.sgn a) * F2R g)
    by (unfold F2R; cbn [Fnum Fexp]; rewrite mult_IZR; ring).
  rewrite Hg; unfold t.
  destruct (Z.sgn_spec a) as [[Ha ->]|[[Ha ->]|[Ha ->]]].
  - rewrite Z.abs_eq by lia; ring.
  - subst a; replace (IZR 0 / IZR b * bpow radix2 e) with 0 by (field; lra).
    rewrite golden_clip_0; ring.
  - rewrite Z.abs_neq, (opp_IZR a) by lia.
    replace (- IZR a / IZR b * bpow radix2 e) with (- (IZR a / IZR b * bpow radix2 e))
      by (field; lra).
    change (- (1))%Z with (-1)%Z; rewrite golden_clip_opp; ring.
Qed.

(** Inside the range nothing is clipped. *)
Theorem golden_clip_inside x : Rabs x <= golden_max E M -> golden_clip E M x = golden_round E M x.
Proof.
  intros Hx; apply golden_no_overflow, Rabs_le_inv in Hx; [|exact M_nonneg|exact E_two].
  unfold golden_clip, Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** Beyond the range it is the last number on that side. *)
Lemma golden_clip_outside x : golden_max E M < Rabs x ->
  golden_clip E M x = if Rle_dec 0 x then golden_max E M else - golden_max E M.
Proof.
  intros Hx; assert (Hmax := golden_max_pos).
  assert (Hexact := golden_exact E M _ (golden_max_format E M M_nonneg E_two)).
  destruct (Rle_dec 0 x) as [Hpos|Hneg].
  - rewrite Rabs_pos_eq in Hx by exact Hpos.
    assert (Hmono := golden_mono E M M_nonneg (golden_max E M) x ltac:(lra)).
    rewrite Hexact in Hmono; unfold golden_clip, Rmax, Rmin; repeat destruct Rle_dec; lra.
  - rewrite Rabs_left in Hx by lra.
    assert (Hmono := golden_mono E M M_nonneg x (- golden_max E M) ltac:(lra)).
    rewrite golden_opp, Hexact in Hmono.
    unfold golden_clip, Rmax, Rmin; repeat destruct Rle_dec; lra.
Qed.

(** No number of the format inside the range is nearer than the clipped rounding. *)
Theorem golden_clip_nearest x g : golden_format E M g -> Rabs g <= golden_max E M ->
  Rabs (x - golden_clip E M x) <= Rabs (x - g).
Proof.
  intros Hg Hrange; apply Rabs_le_inv in Hrange; assert (Hmax := golden_max_pos).
  destruct (Rle_or_lt (Rabs x) (golden_max E M)) as [Hx|Hx].
  - rewrite golden_clip_inside by exact Hx.
    apply golden_nearest_format; [exact M_nonneg|exact Hg].
  - rewrite golden_clip_outside by exact Hx.
    destruct (Rle_dec 0 x) as [Hpos|Hneg].
    + rewrite Rabs_pos_eq in Hx by exact Hpos; rewrite !Rabs_pos_eq by lra; lra.
    + rewrite Rabs_left in Hx by lra; rewrite !Rabs_left1 by lra; lra.
Qed.

(** Up to half a gap beyond the last number, the error is at most half a unit in the last place. *)
Theorem golden_clip_half_gap x :
  Rabs x <= golden_max E M + bpow radix2 (golden_emax E - golden_prec M - 1) ->
  Rabs (x - golden_clip E M x) <= golden_half_ulp E M x.
Proof.
  intros Hx; destruct (Rle_or_lt (Rabs x) (golden_max E M)) as [Hin|Hout].
  - rewrite golden_clip_inside, Rabs_minus_sym by exact Hin.
    apply golden_error; exact M_nonneg.
  - eapply Rle_trans; [|apply Rmax_l].
    assert (Hdistance : Rabs (x - golden_clip E M x) = Rabs x - golden_max E M).
    { rewrite golden_clip_outside by exact Hout; destruct (Rle_dec 0 x) as [Hpos|Hneg].
      - rewrite (Rabs_pos_eq x) in * by exact Hpos; rewrite Rabs_pos_eq; lra.
      - rewrite (Rabs_left x) in * by lra; rewrite Rabs_left; lra. }
    rewrite Hdistance; revert Hx Hout; unfold golden_max, golden_prec.
    set (top := golden_emax E); set (p := (M + 1)%Z).
    replace (bpow radix2 (top - p)) with (2 * bpow radix2 (top - p - 1)).
    + assert (Hhalf : bpow radix2 (top - p - 1) <= bpow radix2 (top - 1 - 1)).
      { apply bpow_le; unfold p; lia. }
      assert (Htop : bpow radix2 top = 4 * bpow radix2 (top - 1 - 1)).
      { replace top with (2 + (top - 1 - 1))%Z at 1 by lia; rewrite bpow_plus; reflexivity. }
      assert (Hfraction : bpow radix2 (top - p - 1) = bpow radix2 (- p) * (bpow radix2 top / 2)).
      { replace (top - p - 1)%Z with (- p + top + -1)%Z by lia; rewrite !bpow_plus.
        change (bpow radix2 (-1)) with (/ 2); lra. }
      intros Hx Hout; apply Rle_trans with (bpow radix2 (top - p - 1)); [lra|].
      rewrite Hfraction; apply Rmult_le_compat_l; [apply bpow_ge_0|lra].
    + replace (top - p)%Z with (1 + (top - p - 1))%Z at 2 by lia; rewrite bpow_plus; reflexivity.
Qed.

End Golden.
