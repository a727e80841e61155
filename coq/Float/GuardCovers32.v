(** * The evaluated ends of the binary32 stage contain the loss

    Purpose: what [GuardCovers] shows of the binary64 stage, of the stage in the format of the
      recurrence.  Its sums are of errors rounded to binary32; what that changes in the size is
      within the factor 1 + 2^-20, and in the sum over the excess within two terms of its own.
    Main results: [guard_covers32].
    Depends on: [GuardSlack32], [GuardCovers].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Float Require Import Arithmetic Rounding ChainError GuardSlack GuardCovers.
From Hallmark.Float Require Import GuardSlack32.
Open Scope R_scope.

Local Notation d := (/ 1099511627776).
Local Notation t := (bpow radix2 (-1000)).
Local Notation z := (bpow radix2 (-560)).
Local Notation rd := rnd64.
Local Notation b149 := (bpow radix2 (-149)).

Section Covers32.

Variables (N S X a L g x k : R).
Hypothesis Spos : 0 <= S.
Hypothesis Xpos : 0 <= X.
Hypothesis apos : 0 <= a.
Hypothesis L_range : 0 <= L <= bpow radix2 188.
Hypothesis columns : 1 <= N <= 1048576.
Hypothesis g_value : g = / 8388608 + / 70368744177664 + (N + 2) * uro 53.
Hypothesis x_value : x = (N + 1) * / 16777216.
Hypothesis k_value : k = (N + 8) * (2 * uro 53).
Notation n1 := (N * b149).
Notation n2 := (N * N * (4 * b149)).
Notation top := (rd L).
Notation A := (rd (a + rd (n1 * top))).
Notation c := (rd (rd (x * rd (1 + x)) * rd (1 + g))).
Notation rho := (rd (rd (c * A) + rd (n2 * top))).
Notation T1 := (rd (k * rd (S + X))).
Notation T2 := (rd (rd (2 * rd (sqrt S)) * rho)).
Notation T3 := (rd (rho * rho)).
Notation T4 := (rd (rd (g * A) * A)).
Notation T5 := (rd (/ 2097152 * X)).
Notation T6 := (rd (rd (2 * b149 * top) * A)).
Notation bound := (rd (rd (rd (rd (rd (T1 + T2) + T3) + T4) + T5) + T6)).
Notation width := (rd (rd (rd (/ 2 * bound) * (1048577 / 1048576)) + bpow radix2 (-300))).
Notation M := (k * (S + X) + 2 * (sqrt S * rho) + rho ^ 2 + g * A ^ 2 + / 2097152 * X
  + 2 * b149 * L * A).
Notation value := (rd (/ 2 * rd (S - X))).

(** The exact sums: of squares; of the rounded errors, a1 and X1; of the errors, As and Xs. *)
Variables (Ss a1 As X1 Xs : R).
Hypothesis Ss_pos : 0 <= Ss.
Hypothesis a1_pos : 0 <= a1.
Hypothesis As_pos : 0 <= As.
Hypothesis X1_pos : 0 <= X1.
Notation r := ((N + 7) * uro 53).
Hypothesis near_S : Rabs (S - Ss) <= r * Ss + z.
Hypothesis near_a : Rabs (a - a1) <= r * a1 + z.
Hypothesis near_X : Rabs (X - X1) <= r * X1 + z.
Hypothesis size_As : As <= (1 + / 8388608) * a1 + n1 * L.
Hypothesis size_Xs : Rabs (Xs - X1)
  <= / 4194304 * X1 + b149 * (1 + / 1024) * (L * a1) + N * (/ 4 * b149 * b149) * (L * L).
Notation rs := (x * (1 + x) * (1 + g) * As + n2 * L).
Notation y := (bpow radix2 (-280)).

(** The relative error of the sums. *)
Lemma r_range32 : 0 <= r <= / 268435456.
Proof. unfold uro; simpl bpow; lra. Qed.

(** The exact size. *)
Lemma As_up32 : As <= (1 + 5 / 33554432) * (A + 2 * z) /\ 0 <= A.
Proof.
destruct (ranges32 N g x columns g_value x_value) as [_ [_ [_ [n1r _]]]].
destruct (size32_low N a L g x apos (proj1 L_range) columns g_value x_value)
  as [Apos [Alow _]].
assert (up := near_up a a1 r z a1_pos (bpow_ge_0 _ _) r_range32 near_a).
destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]]; clear zy yb bsmall.
split; [|exact Apos].
assert (nL : 0 <= n1 * L) by (apply Rmult_le_pos; [apply n1r|apply L_range]).
set (AA := A) in *; clearbody AA; set (n := n1 * L) in *; clearbody n.
set (zz := z) in *; set (tt := t) in *; clearbody zz tt.
clear - size_As up Alow Apos nL apos a1_pos tpos tz zpos.
lra.
Qed.

(** The exact rho. *)
Lemma rs_up32 : 0 <= rs /\ rs <= (1 + 3 / 16777216) * (rho + z) /\ 0 <= rho.
Proof.
destruct (ranges32 N g x columns g_value x_value) as [_ [_ [_ [_ n2r]]]].
destruct (constant32_low N g x columns g_value x_value) as [_ [_ hr]].
destruct (rho32_low N a L g x apos (proj1 L_range) columns g_value x_value) as [rpos rlow].
destruct As_up32 as [Aup Apos].
destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]]; clear zy yb bsmall.
assert (nL : 0 <= n2 * L) by (apply Rmult_le_pos; [apply n2r|apply L_range]).
set (ro := rho) in *; clearbody ro; set (AA := A) in *; clearbody AA.
set (h := x * (1 + x) * (1 + g)) in *; clearbody h; set (n := n2 * L) in *; clearbody n.
assert (hA : 0 <= h * AA) by (apply Rmult_le_pos; lra).
assert (hAs : 0 <= h * As) by (apply Rmult_le_pos; lra).
assert (use : h * As <= h * ((1 + 5 / 33554432) * (AA + 2 * z)))
  by (apply Rmult_le_compat_l; [lra|exact Aup]).
assert (hz : h * z <= / 8 * z) by (apply Rmult_le_compat_r; lra).
set (zz := z) in *; set (tt := t) in *; clearbody zz tt.
split; [lra|split; [|exact rpos]].
clear - rlow use hz hA hAs nL tpos tz zpos rpos.
lra.
Qed.

(** What the theorem allows around the exact sums. *)
Theorem width32_covers :
  r * (Ss + X1) + 2 * z + Rabs (Xs - X1) + (2 * sqrt Ss * rs + rs ^ 2 + g * As ^ 2)
  + 4 * uro 53 * (S + X) + bpow radix2 (-300) / 2
  <= (1 + 7 / 8388608) * M + bpow radix2 (-300).
Proof.
destruct (ranges32 N g x columns g_value x_value) as [gr [xr [br [n1r n2r]]]].
destruct As_up32 as [As_up Apos]; destruct rs_up32 as [rs_pos [rs_above rpos]].
destruct (size32_low N a L g x apos (proj1 L_range) columns g_value x_value)
  as [_ [Alow _]].
destruct y_square as [yy [ypos ysmall]]; destruct z_size as [zpos zsmall].
assert (Ss_up := near_up S Ss r z Ss_pos (Rlt_le _ _ zpos) r_range32 near_S).
assert (X1_up := near_up X X1 r z X1_pos (Rlt_le _ _ zpos) r_range32 near_X).
assert (a1_up := near_up a a1 r z a1_pos (Rlt_le _ _ zpos) r_range32 near_a).
assert (rrange := r_range32).
set (ro := rho) in *; clearbody ro; set (AA := A) in *; clearbody AA.
assert (size : g * As ^ 2 <= (1 + 13 / 16777216) * (g * AA ^ 2) + z).
{ assert (near := square_near AA (2 * z) (5 / 33554432) Apos ltac:(lra) ltac:(lra)).
  assert (below : As ^ 2 <= ((1 + 5 / 33554432) * (AA + 2 * z)) ^ 2) by (apply pow_incr; lra).
  assert (use : g * As ^ 2
      <= g * ((1 + 3 * (5 / 33554432)) * (1 + 2 * (2 * z)) * (AA * AA) + 4 * (2 * z)))
    by (apply Rmult_le_compat_l; lra).
  assert (P : 0 <= g * (AA * AA)) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
  assert (zP : z * (g * (AA * AA)) <= / 1073741824 * (g * (AA * AA)))
    by (apply Rmult_le_compat_r; lra).
  assert (gz : g * z <= / 4194304 * z) by (apply Rmult_le_compat_r; lra).
  replace (AA ^ 2) with (AA * AA) by ring; clear - use P zP gz zpos; lra. }
assert (square : rs ^ 2 <= (1 + 10 / 16777216) * ro ^ 2 + 4 * z).
{ assert (near := square_near ro z (3 / 16777216) rpos ltac:(lra) ltac:(lra)).
  assert (below : rs ^ 2 <= ((1 + 3 / 16777216) * (ro + z)) ^ 2) by (apply pow_incr; lra).
  assert (rr : 0 <= ro * ro) by (apply Rmult_le_pos; lra).
  assert (zrr : z * (ro * ro) <= / 1073741824 * (ro * ro)) by (apply Rmult_le_compat_r; lra).
  replace (ro ^ 2) with (ro * ro) by ring; clear - near below rr zrr; lra. }
assert (root := sqrt_pos S); assert (SS : sqrt S * sqrt S = S) by (apply sqrt_sqrt; exact Spos).
assert (root_up : sqrt Ss <= (1 + 3 / 16777216) * (sqrt S + y)).
{ rewrite <- (sqrt_square ((1 + 3 / 16777216) * (sqrt S + y))) by (apply Rmult_le_pos; lra).
  apply sqrt_le_1_alt.
  assert (Sy : 0 <= sqrt S * y) by (apply Rmult_le_pos; lra).
  replace ((1 + 3 / 16777216) * (sqrt S + y) * ((1 + 3 / 16777216) * (sqrt S + y)))
    with ((1 + 3 / 16777216) * (1 + 3 / 16777216)
      * (sqrt S * sqrt S + y * y + 2 * (sqrt S * y))) by ring.
  rewrite SS, yy; clear - Ss_up Sy Spos zpos; lra. }
assert (product : 2 * sqrt Ss * rs <= (1 + 9 / 16777216) * (2 * (sqrt S * ro))
    + / 16777216 * ro ^ 2 + 4 * z * S + 268435456 * z).
{ assert (near := product_near (sqrt S) ro y z (3 / 16777216) root rpos (conj ypos ysmall)
    ltac:(lra) ltac:(lra)).
  assert (below : sqrt Ss * rs
      <= (1 + 3 / 16777216) * (sqrt S + y) * ((1 + 3 / 16777216) * (ro + z)))
    by (apply Rmult_le_compat; [apply sqrt_pos|exact rs_pos|exact root_up|exact rs_above]).
  rewrite SS, yy in near; assert (Sro : 0 <= sqrt S * ro) by (apply Rmult_le_pos; lra).
  replace (ro ^ 2) with (ro * ro) by ring; clear - near below Sro zpos; lra. }
assert (sums : r * (Ss + X1) + 4 * uro 53 * (S + X) + 4 * z * S <= k * (S + X) + z).
{ assert (use : r * (Ss + X1) <= r * ((1 + / 67108864) * (S + X + 2 * z)))
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
(* the excess *)
assert (bLz : 0 <= b149 * L /\ b149 * L * z <= bpow radix2 (-500)).
{ split; [apply Rmult_le_pos; lra|].
  apply Rle_trans with (b149 * bpow radix2 188 * z).
  - apply Rmult_le_compat_r; [lra|apply Rmult_le_compat_l; lra].
  - rewrite <- !bpow_plus; apply bpow_le; lia. }
assert (excess : Rabs (Xs - X1) <= / 2097152 * X + 2 * (b149 * L * AA) + z
    + 2 * bpow radix2 (-500)).
{ destruct bLz as [bL small]; set (q := b149 * L) in *.
  replace (b149 * (1 + / 1024) * (L * a1)) with ((1 + / 1024) * (q * a1)) in size_Xs
    by (unfold q; ring).
  replace (N * (/ 4 * b149 * b149) * (L * L)) with (/ 4 * (q * (n1 * L))) in size_Xs
    by (unfold q; ring).
  assert (qa : q * a1 <= q * ((1 + / 67108864) * (a + z))) by (apply Rmult_le_compat_l; lra).
  assert (qA : q * ((1 - 3 * d) * (a + n1 * L) - 4 * t) <= q * AA)
    by (apply Rmult_le_compat_l; lra).
  assert (tz : t <= z / 1024) by (destruct tiny_sizes as [_ [tz _]]; exact tz).
  assert (qt : q * t <= q * (z / 1024)) by (apply Rmult_le_compat_l; lra).
  assert (nL : 0 <= n1 * L) by (apply Rmult_le_pos; lra).
  assert (qn : 0 <= q * (n1 * L)) by (apply Rmult_le_pos; lra).
  assert (qaa : 0 <= q * a) by (apply Rmult_le_pos; lra).
  set (n := n1 * L) in *; clearbody n q.
  assert (e500_pos := bpow_ge_0 radix2 (-500)).
  set (e500 := bpow radix2 (-500)) in *; clearbody e500.
  clear - size_Xs X1_up qa qA qt qn qaa small zpos Xpos X1_pos e500_pos.
  set (tt := t) in *; clearbody tt; set (zz := z) in *; clearbody zz.
  lra. }
assert (zy : z <= bpow radix2 (-300) / 1099511627776).
{ replace (bpow radix2 (-300) / 1099511627776) with (bpow radix2 (-340))
    by (change (-340)%Z with (-300 - 40)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
  apply bpow_le; lia. }
assert (ey : bpow radix2 (-500) <= bpow radix2 (-300) / 1099511627776).
{ replace (bpow radix2 (-300) / 1099511627776) with (bpow radix2 (-340))
    by (change (-340)%Z with (-300 - 40)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
  apply bpow_le; lia. }
assert (kpos : 0 <= k) by (rewrite k_value; unfold uro; simpl (bpow radix2 (- (53))); lra).
assert (kS : 0 <= k * (S + X)) by (apply Rmult_le_pos; lra).
assert (Sro : 0 <= sqrt S * ro) by (apply Rmult_le_pos; lra).
assert (rr := pow2_ge_0 ro).
assert (gAA : 0 <= g * AA ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
assert (bLA : 0 <= b149 * L * AA) by (apply Rmult_le_pos; [apply bLz|exact Apos]).
replace (2 * b149 * L * AA) with (2 * (b149 * L * AA)) by ring.
set (sigma := r * (Ss + X1)) in *; clearbody sigma.
set (four := 4 * uro 53 * (S + X)) in *; clearbody four.
set (zS := 4 * z * S) in *; set (m1 := k * (S + X)) in *; set (m2 := sqrt S * ro) in *.
set (m3 := ro ^ 2) in *; set (m4 := g * AA ^ 2) in *; set (m6 := b149 * L * AA) in *.
set (p1 := 2 * sqrt Ss * rs) in *; set (p2 := rs ^ 2) in *; set (p3 := g * As ^ 2) in *.
set (p4 := Rabs (Xs - X1)) in *.
clearbody zS m1 m2 m3 m4 m6 p1 p2 p3 p4.
set (zz := z) in *; set (e500 := bpow radix2 (-500)) in *; set (e300 := bpow radix2 (-300)) in *.
clearbody zz e500 e300.
clear - size square product sums excess zy ey kS Sro rr gAA bLA zpos Xpos.
lra.
Qed.

(** The ends contain half of every number that the theorem allows. *)
Theorem guard_covers32 V :
  Rabs (V - (Ss - Xs)) <= 2 * sqrt Ss * rs + rs ^ 2 + g * As ^ 2 ->
  rd (value - width) <= V / 2 <= rd (value + width).
Proof.
intros allowed.
destruct (guard_width32_low N S X a L g x k Spos Xpos apos (proj1 L_range) columns g_value x_value
  k_value) as [wpos wlow].
assert (covers := width32_covers); destruct (ends_rounded S X width Spos Xpos wpos) as [up down].
assert (Mpos : 0 <= M).
{ destruct (ranges32 N g x columns g_value x_value) as [gr [xr [br [n1r n2r]]]].
  destruct As_up32 as [_ Apos]; destruct rs_up32 as [_ [_ rpos]].
  assert (kpos : 0 <= k) by (rewrite k_value; unfold uro; simpl (bpow radix2 (- (53))); lra).
  assert (root := sqrt_pos S); set (ro := rho) in *; clearbody ro; set (AA := A) in *; clearbody AA.
  assert (qr : 0 <= sqrt S * ro) by (apply Rmult_le_pos; assumption).
  assert (kS : 0 <= k * (S + X)) by (apply Rmult_le_pos; lra).
  assert (gAA : 0 <= g * AA ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
  assert (bLy : 0 <= 2 * b149 * L * AA)
    by (apply Rmult_le_pos; [apply Rmult_le_pos; lra|exact Apos]).
  assert (rr := pow2_ge_0 ro); lra. }
set (lo := rd (value - width)) in *; clearbody lo.
set (hi := rd (value + width)) in *; clearbody hi.
set (w := width) in *; clearbody w; set (m := M) in *; clearbody m.
set (W := 2 * sqrt Ss * rs + rs ^ 2 + g * As ^ 2) in *; clearbody W.
assert (cross := Rle_abs (Xs - X1)); assert (cross' := Rle_abs (- (Xs - X1))).
rewrite Rabs_Ropp in cross'; set (p4 := Rabs (Xs - X1)) in *; clearbody p4.
apply Rabs_le_inv in allowed; apply Rabs_le_inv in near_S; apply Rabs_le_inv in near_X.
assert (small : bpow radix2 (-400) <= bpow radix2 (-300) / 1024).
{ replace (bpow radix2 (-300) / 1024) with (bpow radix2 (-310))
    by (change (-310)%Z with (-300 - 10)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
  apply bpow_le; lia. }
assert (epos := bpow_gt_0 radix2 (-300)).
set (e300 := bpow radix2 (-300)) in *; clearbody e300.
set (e400 := bpow radix2 (-400)) in *; clearbody e400.
set (sS := r * Ss) in *; set (sX := r * X1) in *.
replace (r * (Ss + X1)) with (sS + sX) in covers by (unfold sS, sX; ring); clearbody sS sX.
set (four := 4 * uro 53 * (S + X)) in *; clearbody four.
assert (uw : 2 * w * (1 - uro 53) >= 2 * w * (1 - / 9007199254740992))
  by (unfold uro; simpl (bpow radix2 (- (53))); lra).
set (wu := 2 * w * (1 - uro 53)) in *; clearbody wu.
set (zz := z) in *; clearbody zz.
clear - wpos wlow covers up down Mpos allowed near_S near_X cross cross' small epos uw.
lra.
Qed.

End Covers32.
