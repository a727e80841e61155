(** * The evaluated ends contain the loss

    Purpose: inequalities between reals only.  The exact sums are near the evaluated ones,
      relatively; what the theorem allows around the exact sums is then within the evaluated width
      around the evaluated value, its roundings included.
    Main results: [guard_covers].
    Depends on: [GuardSlack].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Float Require Import Arithmetic Rounding ChainError.
From Hallmark.Float Require Import GuardSlack.
Open Scope R_scope.

(** The underflow of a sum, [sum_under]. *)
Local Notation z := (bpow radix2 (-560)).

(** The square of a sum of a number and a small one. *)
Lemma square_near x e a : 0 <= x -> 0 <= e <= / 1024 -> 0 <= a <= / 1024 ->
  ((1 + a) * (x + e)) ^ 2 <= (1 + 3 * a) * (1 + 2 * e) * (x * x) + 4 * e.
Proof.
intros xpos epos apos.
assert (AA : (1 + a) * (1 + a) <= 1 + 3 * a) by nra.
assert (mean : 2 * x <= 1 + x * x) by (assert (sq := pow2_ge_0 (x - 1)); lra).
assert (xx : 0 <= x * x) by (apply Rmult_le_pos; lra).
assert (cross : e * (2 * x) <= e * (1 + x * x)) by (apply Rmult_le_compat_l; lra).
assert (ee : e * e <= e * / 1024) by (apply Rmult_le_compat_l; lra).
assert (inner : (x + e) * (x + e) <= (1 + e) * (x * x) + 2 * e) by lra.
assert (sq : 0 <= (x + e) * (x + e)) by (apply Rmult_le_pos; lra).
replace (((1 + a) * (x + e)) ^ 2) with ((1 + a) * (1 + a) * ((x + e) * (x + e))) by ring.
apply Rle_trans with ((1 + 3 * a) * ((1 + e) * (x * x) + 2 * e)).
- apply Rmult_le_compat; [apply Rmult_le_pos; lra|exact sq|exact AA|exact inner].
- assert (exx : 0 <= (1 + 3 * a) * (e * (x * x)))
    by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
  assert (ae : a * e <= / 1024 * e) by (apply Rmult_le_compat_r; lra).
  lra.
Qed.

(** A product of two numbers, both a little larger. *)
Lemma product_near x y e f a : 0 <= x -> 0 <= y -> 0 <= e <= / 1024 -> 0 <= f <= e * e ->
  0 <= a <= / 1024 ->
  (1 + a) * (x + e) * ((1 + a) * (y + f))
  <= (1 + 3 * a) * (x * y) + / 33554432 * (y * y) + 2 * f * (x * x) + 67108864 * (e * e) + 4 * f.
Proof.
intros xpos ypos epos fpos apos.
assert (AA : 1 <= (1 + a) * (1 + a) <= 1 + 3 * a) by (split; nra).
assert (xy : 0 <= x * y) by (apply Rmult_le_pos; lra).
assert (ey : (1 + 3 * a) * (e * y) <= / 33554432 * (y * y) + 33554432 * (e * e)).
{ assert (sq := pow2_ge_0 (/ 8192 * y - 4096 * e)).
  assert (small : (1 + 3 * a) * (e * y) <= 101 / 100 * (e * y))
    by (apply Rmult_le_compat_r; [apply Rmult_le_pos; lra|lra]).
  assert (sq' := pow2_ge_0 (y - 8388608 * (2 * e))).
  assert (yy : 0 <= y * y) by (apply Rmult_le_pos; lra).
  assert (ee : 0 <= e * e) by (apply Rmult_le_pos; lra).
  lra. }
assert (xf : (1 + 3 * a) * (f * x) <= 2 * f * (x * x) + f).
{ assert (mean : 2 * x <= 1 + x * x) by (assert (sq := pow2_ge_0 (x - 1)); lra).
  assert (small : (1 + 3 * a) * (f * x) <= 2 * (f * x))
    by (apply Rmult_le_compat_r; [apply Rmult_le_pos; lra|lra]).
  assert (use : f * (2 * x) <= f * (1 + x * x)) by (apply Rmult_le_compat_l; lra).
  assert (fxx : 0 <= f * (x * x)) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
  lra. }
assert (ef : e * f <= / 1024 * f) by (apply Rmult_le_compat_r; lra).
assert (full : (1 + a) * (x + e) * ((1 + a) * (y + f))
    <= (1 + 3 * a) * ((x + e) * (y + f))).
{ replace ((1 + a) * (x + e) * ((1 + a) * (y + f)))
    with ((1 + a) * (1 + a) * ((x + e) * (y + f))) by ring.
  apply Rmult_le_compat_r; [apply Rmult_le_pos; lra|apply AA]. }
assert (aef : (1 + 3 * a) * (e * f) <= 2 * f).
{ apply Rle_trans with (2 * (e * f)); [|lra].
  apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra. }
assert (ee : 0 <= e * e) by (apply Rmult_le_pos; lra).
replace ((1 + 3 * a) * ((x + e) * (y + f)))
  with ((1 + 3 * a) * (x * y) + (1 + 3 * a) * (e * y) + (1 + 3 * a) * (f * x)
        + (1 + 3 * a) * (e * f)) in full by ring.
lra.
Qed.

(** An exact number against the evaluated one. *)
Lemma near_up x xs r e : 0 <= xs -> 0 <= e -> 0 <= r <= / 268435456 ->
  Rabs (x - xs) <= r * xs + e -> xs <= (1 + / 67108864) * (x + e).
Proof.
intros pos epos range near; apply Rabs_le_inv in near.
assert (scaled : r * xs <= / 268435456 * xs) by (apply Rmult_le_compat_r; lra).
lra.
Qed.

(** The value and the ends, rounded. *)
Lemma ends_rounded S X w : 0 <= S -> 0 <= X -> 0 <= w ->
  let value := rnd64 (/ 2 * rnd64 (S - X)) in
  S - X - 4 * uro 53 * (S + X) + 2 * w * (1 - uro 53) - bpow radix2 (-400)
  <= 2 * rnd64 (value + w)
  /\ 2 * rnd64 (value - w)
     <= S - X + 4 * uro 53 * (S + X) - 2 * w * (1 - uro 53) + bpow radix2 (-400).
Proof.
intros Spos Xpos wpos value; unfold value; clear value.
assert (first := rnd_error (-1074) 53 (S - X)); set (D := rnd64 (S - X)) in *; clearbody D.
assert (second := rnd_error (-1074) 53 (/ 2 * D)).
set (V := rnd64 (/ 2 * D)) in *; clearbody V.
assert (up := rnd_error (-1074) 53 (V + w)); set (hi := rnd64 (V + w)) in *; clearbody hi.
assert (down := rnd_error (-1074) 53 (V - w)); set (lo := rnd64 (V - w)) in *; clearbody lo.
assert (small : eta (-1074) <= bpow radix2 (-400) / 1024).
{ replace (bpow radix2 (-400) / 1024) with (bpow radix2 (-410))
    by (change (-410)%Z with (-400 - 10)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
  unfold eta; apply bpow_le; lia. }
assert (tiny := eta_pos (-1074)).
set (h := eta (-1074)) in *; clearbody h; set (f := bpow radix2 (-400)) in *; clearbody f.
assert (uvalue : uro 53 = / 9007199254740992) by (unfold uro; simpl; lra).
rewrite uvalue in *; clear uvalue.
assert (absD : Rabs (S - X) <= S + X) by (apply Rabs_le; lra).
apply Rabs_le_inv in first; assert (Dsmall : Rabs D <= (1 + / 4096) * (S + X) + h)
  by (apply Rabs_le; lra).
rewrite Rabs_mult, (Rabs_pos_eq (/ 2)) in second by lra; apply Rabs_le_inv in second.
assert (Dabs := Rle_abs D); assert (Dabs' := Rle_abs (- D)); rewrite Rabs_Ropp in Dabs'.
assert (Vsmall : Rabs V <= (1 + / 1024) / 2 * (S + X) + 2 * h) by (apply Rabs_le; lra).
assert (upabs := Rabs_triang V w); assert (downabs := Rabs_triang V (- w)).
rewrite Rabs_Ropp, (Rabs_pos_eq w) in downabs by exact wpos.
rewrite (Rabs_pos_eq w) in upabs by exact wpos.
change (V + - w) with (V - w) in downabs.
apply Rabs_le_inv in up; apply Rabs_le_inv in down.
split; lra.
Qed.

Section Covers.

Variables (N S X A g k : R).
Hypothesis Spos : 0 <= S.
Hypothesis Xpos : 0 <= X.
Hypothesis Apos : 0 <= A.
Hypothesis columns : 1 <= N <= 16777216.
Hypothesis g_value : g = (N + 2) * uro 53.
Hypothesis k_value : k = (N + 8) * (2 * uro 53).
Notation rd := rnd64.
Notation rho := (rd (rd (g * A) * rd (1 + g))).
Notation T1 := (rd (k * rd (S + X))).
Notation T2 := (rd (rd (2 * rd (sqrt S)) * rho)).
Notation T3 := (rd (rho * rho)).
Notation T4 := (rd (rd (g * A) * A)).
Notation bound := (rd (rd (rd (T1 + T2) + T3) + T4)).
Notation width := (rd (rd (rd (/ 2 * bound) * (1048577 / 1048576)) + bpow radix2 (-300))).
Notation value := (rd (/ 2 * rd (S - X))).

(** The exact sums, and how near the evaluated ones are. *)
Variables (Ss Xs As : R).
Hypothesis Ss_pos : 0 <= Ss.
Hypothesis Xs_pos : 0 <= Xs.
Hypothesis As_pos : 0 <= As.
Notation r := ((N + 7) * uro 53).
Hypothesis near_S : Rabs (S - Ss) <= r * Ss + z.
Hypothesis near_X : Rabs (X - Xs) <= r * Xs + z.
Hypothesis near_A : Rabs (A - As) <= r * As + z.
Notation rs := (g * (1 + g) * As).

(** The relative error of the sums. *)
Lemma r_range : 0 <= r <= / 268435456.
Proof. unfold uro; simpl bpow; lra. Qed.

(** 2^-280, whose square is [z]. *)
Notation y := (bpow radix2 (-280)).

(** Its size. *)
Lemma y_square : y * y = z /\ 0 <= y <= / 1024.
Proof.
split; [rewrite <- bpow_plus; reflexivity|split; [apply bpow_ge_0|]].
change (/ 1024) with (bpow radix2 (-10)); apply bpow_le; lia.
Qed.

(** The size of [z]. *)
Lemma z_size : 0 < z /\ z <= / 1267650600228229401496703205376.
Proof.
split; [apply bpow_gt_0|].
change (/ 1267650600228229401496703205376) with (bpow radix2 (-100)); apply bpow_le; lia.
Qed.

(** The exact rho. *)
Lemma rs_up : 0 <= rs /\ rs <= (1 + / 33554432) * (rho + z).
Proof.
assert (grange := g_range N g columns g_value).
destruct (rho_low N A g Apos columns g_value) as [rpos rlow].
assert (As_up := near_up A As r z As_pos ltac:(apply bpow_ge_0) r_range near_A).
destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]]; clear zy yb bsmall.
assert (gg : 0 <= g * (1 + g) <= / 134217728) by (split; [apply Rmult_le_pos; lra|nra]).
split; [apply Rmult_le_pos; [apply gg|exact As_pos]|].
set (ro := rho) in *; clearbody ro; set (tt := bpow radix2 (-1000)) in *; clearbody tt.
set (zz := z) in *; clearbody zz; set (h := g * (1 + g)) in *.
assert (hA : 0 <= h * A) by (apply Rmult_le_pos; lra).
assert (use : h * As <= h * ((1 + / 67108864) * (A + zz)))
  by (apply Rmult_le_compat_l; [apply gg|exact As_up]).
assert (hz : h * zz <= / 134217728 * zz) by (apply Rmult_le_compat_r; lra).
clearbody h; clear - rlow rpos use hz hA tz tpos zpos.
lra.
Qed.

(** What the theorem allows around the exact sums. *)
Theorem width_covers :
  r * (Ss + Xs) + 2 * z + (2 * sqrt Ss * rs + rs ^ 2 + g * As ^ 2 + bpow radix2 (-470))
  + 4 * uro 53 * (S + X) + bpow radix2 (-300) / 2
  <= (1 + / 4194304) * (k * (S + X) + 2 * (sqrt S * rho) + rho ^ 2 + g * A ^ 2)
     + bpow radix2 (-300).
Proof.
assert (grange := g_range N g columns g_value).
destruct (rho_low N A g Apos columns g_value) as [rpos _].
destruct rs_up as [rs_pos rs_above]; destruct y_square as [yy [ypos ysmall]].
destruct z_size as [zpos zsmall].
assert (As_up := near_up A As r z As_pos (Rlt_le _ _ zpos) r_range near_A).
assert (Ss_up := near_up S Ss r z Ss_pos (Rlt_le _ _ zpos) r_range near_S).
assert (Xs_up := near_up X Xs r z Xs_pos (Rlt_le _ _ zpos) r_range near_X).
assert (rrange := r_range).
set (ro := rho) in *; clearbody ro.
(* the square of the size *)
assert (size : g * As ^ 2 <= (1 + / 8388608) * (g * A ^ 2) + z).
{ assert (near := square_near A z (/ 67108864) Apos ltac:(lra) ltac:(lra)).
  assert (below : As ^ 2 <= ((1 + / 67108864) * (A + z)) ^ 2) by (apply pow_incr; lra).
  assert (use : g * As ^ 2 <= g * ((1 + 3 * / 67108864) * (1 + 2 * z) * (A * A) + 4 * z))
    by (apply Rmult_le_compat_l; lra).
  assert (AA : 0 <= g * (A * A)) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
  assert (zAA : z * (g * (A * A)) <= / 67108864 * (g * (A * A)))
    by (apply Rmult_le_compat_r; lra).
  assert (gz : g * z <= / 268435456 * z) by (apply Rmult_le_compat_r; lra).
  replace (A ^ 2) with (A * A) by ring; clear - use AA zAA gz zpos; lra. }
(* the square of rho *)
assert (square : rs ^ 2 <= (1 + / 8388608) * ro ^ 2 + 4 * z).
{ assert (near := square_near ro z (/ 33554432) rpos ltac:(lra) ltac:(lra)).
  assert (below : rs ^ 2 <= ((1 + / 33554432) * (ro + z)) ^ 2) by (apply pow_incr; lra).
  assert (rr : 0 <= ro * ro) by (apply Rmult_le_pos; lra).
  assert (zrr : z * (ro * ro) <= / 1073741824 * (ro * ro)) by (apply Rmult_le_compat_r; lra).
  replace (ro ^ 2) with (ro * ro) by ring; clear - near below rr zrr; lra. }
(* the product with the root *)
assert (root := sqrt_pos S); assert (SS : sqrt S * sqrt S = S) by (apply sqrt_sqrt; exact Spos).
assert (root_up : sqrt Ss <= (1 + / 33554432) * (sqrt S + y)).
{ rewrite <- (sqrt_square ((1 + / 33554432) * (sqrt S + y))) by (apply Rmult_le_pos; lra).
  apply sqrt_le_1_alt.
  assert (Sy : 0 <= sqrt S * y) by (apply Rmult_le_pos; lra).
  replace ((1 + / 33554432) * (sqrt S + y) * ((1 + / 33554432) * (sqrt S + y)))
    with ((1 + / 33554432) * (1 + / 33554432) * (sqrt S * sqrt S + y * y + 2 * (sqrt S * y)))
    by ring.
  rewrite SS, yy; clear - Ss_up Sy Spos zpos; lra. }
assert (product : 2 * sqrt Ss * rs <= (1 + / 4194304) * (2 * (sqrt S * ro))
    + / 16777216 * ro ^ 2 + 4 * z * S + 268435456 * z).
{ assert (near := product_near (sqrt S) ro y z (/ 33554432) root rpos (conj ypos ysmall)
    ltac:(lra) ltac:(lra)).
  assert (below : sqrt Ss * rs <= (1 + / 33554432) * (sqrt S + y) * ((1 + / 33554432) * (ro + z)))
    by (apply Rmult_le_compat; [apply sqrt_pos|exact rs_pos|exact root_up|exact rs_above]).
  rewrite SS, yy in near; assert (Sro : 0 <= sqrt S * ro) by (apply Rmult_le_pos; lra).
  replace (ro ^ 2) with (ro * ro) by ring; clear - near below Sro zpos; lra. }
(* the sums *)
assert (sums : r * (Ss + Xs) + 4 * uro 53 * (S + X) + 4 * z * S <= k * (S + X) + z).
{ assert (use : r * (Ss + Xs) <= r * ((1 + / 67108864) * (S + X + 2 * z)))
    by (apply Rmult_le_compat_l; lra).
  assert (rz : r * z <= / 268435456 * z) by (apply Rmult_le_compat_r; lra).
  assert (zS : z * (S + X) <= / 8 * uro 53 * (S + X))
    by (apply Rmult_le_compat_r; [lra|unfold uro; simpl (bpow radix2 (- (53))); lra]).
  assert (zX : 0 <= z * X) by (apply Rmult_le_pos; lra).
  assert (coefficient : r * (1 + / 67108864) + 4 * uro 53 + / 2 * uro 53 <= k)
    by (rewrite k_value; unfold uro; simpl (bpow radix2 (- (53))); lra).
  assert (scaled : (r * (1 + / 67108864) + 4 * uro 53 + / 2 * uro 53) * (S + X) <= k * (S + X))
    by (apply Rmult_le_compat_r; lra).
  set (rr := r) in *; clearbody rr; set (v := uro 53) in *; clearbody v.
  clear - use rz zS zX scaled zpos; lra. }
destruct tiny_sizes as [_ [_ [_ [_ [yb _]]]]].
assert (zy : z <= bpow radix2 (-300) / 1099511627776).
{ replace (bpow radix2 (-300) / 1099511627776) with (bpow radix2 (-340))
    by (change (-340)%Z with (-300 - 40)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
  apply bpow_le; lia. }
assert (kS : 0 <= k * (S + X)).
{ apply Rmult_le_pos; [assert (krange := k_range N k columns k_value)|]; lra. }
assert (Sro : 0 <= sqrt S * ro) by (apply Rmult_le_pos; lra).
assert (rr := pow2_ge_0 ro).
assert (gAA : 0 <= g * A ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
set (sigma := r * (Ss + Xs)) in *; clearbody sigma.
set (four := 4 * uro 53 * (S + X)) in *; clearbody four.
set (zS := 4 * z * S) in *; set (m1 := k * (S + X)) in *; set (m2 := sqrt S * ro) in *.
set (m3 := ro ^ 2) in *; set (m4 := g * A ^ 2) in *; set (p1 := 2 * sqrt Ss * rs) in *.
set (p2 := rs ^ 2) in *; set (p3 := g * As ^ 2) in *.
clearbody zS m1 m2 m3 m4 p1 p2 p3.
set (zz := z) in *; set (e470 := bpow radix2 (-470)) in *; set (e300 := bpow radix2 (-300)) in *.
clearbody zz e470 e300.
clear - size square product sums zy yb kS Sro rr gAA zpos.
lra.
Qed.

(** The ends contain half of every number that the theorem allows. *)
Theorem guard_covers L :
  Rabs (L - (Ss - Xs)) <= 2 * sqrt Ss * rs + rs ^ 2 + g * As ^ 2 + bpow radix2 (-470) ->
  rd (value - width) <= L / 2 <= rd (value + width).
Proof.
intros allowed.
destruct (guard_width_low N S X A g k Spos Xpos Apos columns g_value k_value) as [wpos wlow].
assert (covers := width_covers); destruct (ends_rounded S X width Spos Xpos wpos) as [up down].
destruct (rho_low N A g Apos columns g_value) as [rpos _].
assert (Mpos : 0 <= k * (S + X) + 2 * (sqrt S * rho) + rho ^ 2 + g * A ^ 2).
{ assert (grange := g_range N g columns g_value); assert (krange := k_range N k columns k_value).
  assert (root := sqrt_pos S); set (ro := rho) in *; clearbody ro.
  assert (qr : 0 <= sqrt S * ro) by (apply Rmult_le_pos; assumption).
  assert (kS : 0 <= k * (S + X)) by (apply Rmult_le_pos; lra).
  assert (gAA : 0 <= g * A ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
  assert (rr := pow2_ge_0 ro); lra. }
set (lo := rd (value - width)) in *; clearbody lo.
set (hi := rd (value + width)) in *; clearbody hi.
set (w := width) in *; clearbody w.
set (M := k * (S + X) + 2 * (sqrt S * rho) + rho ^ 2 + g * A ^ 2) in *; clearbody M.
set (W := 2 * sqrt Ss * rs + rs ^ 2 + g * As ^ 2 + bpow radix2 (-470)) in *; clearbody W.
apply Rabs_le_inv in allowed; apply Rabs_le_inv in near_S; apply Rabs_le_inv in near_X.
assert (small : bpow radix2 (-400) <= bpow radix2 (-300) / 1024).
{ replace (bpow radix2 (-300) / 1024) with (bpow radix2 (-310))
    by (change (-310)%Z with (-300 - 10)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
  apply bpow_le; lia. }
assert (epos := bpow_gt_0 radix2 (-300)).
set (e300 := bpow radix2 (-300)) in *; clearbody e300.
set (e400 := bpow radix2 (-400)) in *; clearbody e400.
set (sS := r * Ss) in *; set (sX := r * Xs) in *.
replace (r * (Ss + Xs)) with (sS + sX) in covers by (unfold sS, sX; ring); clearbody sS sX.
set (four := 4 * uro 53 * (S + X)) in *; clearbody four.
assert (uw : 2 * w * (1 - uro 53) >= 2 * w * (1 - / 9007199254740992))
  by (unfold uro; simpl; lra).
set (wu := 2 * w * (1 - uro 53)) in *; clearbody wu.
set (zz := z) in *; clearbody zz.
clear - wpos wlow covers up down Mpos allowed near_S near_X small epos uw.
lra.
Qed.

End Covers.
