(** * The evaluated ends of the binary32 stage contain what the theorem allows

    Purpose: the inequalities of [GuardSlack] and [GuardCovers] for the stage in the format of the
      recurrence, whose width has two terms more and whose size and rho have a term for underflow.
    Main results: [guard_width32_low], [guard_covers32].
    Depends on: [GuardSlack], [GuardCovers].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Float Require Import Arithmetic Rounding ChainError GuardSlack GuardCovers.
Open Scope R_scope.

Local Notation d := (/ 1099511627776).
Local Notation t := (bpow radix2 (-1000)).
Local Notation z := (bpow radix2 (-560)).
Local Notation rd := rnd64.
Local Notation b149 := (bpow radix2 (-149)).

(** A rounding of a number of at least 2^-30. *)
Lemma rnd64_low_big x : / 1073741824 <= x -> (1 - 2 * d) * x <= rd x.
Proof.
intros big; destruct (rnd64_low x ltac:(lra)) as [low _].
destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]].
lra.
Qed.

Section Slack32.

Variables (N S X a L g x k : R).
Hypothesis Spos : 0 <= S.
Hypothesis Xpos : 0 <= X.
Hypothesis apos : 0 <= a.
Hypothesis Lpos : 0 <= L.
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

(** The sizes of the constants. *)
Lemma ranges32 : / 8388608 <= g <= / 4194304 /\ / 8388608 <= x <= / 15
  /\ 0 < b149 <= / 1267650600228229401496703205376
  /\ 0 <= n1 <= / 1048576 /\ 0 <= n2 <= / 1048576.
Proof.
assert (b : 0 < b149 <= / 1267650600228229401496703205376).
{ split; [apply bpow_gt_0|].
  change (/ 1267650600228229401496703205376) with (bpow radix2 (-100)); apply bpow_le; lia. }
assert (NN : N * N <= 1048576 * 1048576) by (apply Rmult_le_compat; lra).
assert (N2 : 0 <= N * N) by (apply Rmult_le_pos; lra).
assert (first : N * b149 <= 1048576 * / 1267650600228229401496703205376)
  by (apply Rmult_le_compat; lra).
assert (second : N * N * (4 * b149)
    <= 1048576 * 1048576 * (4 * / 1267650600228229401496703205376))
  by (apply Rmult_le_compat; lra).
split; [rewrite g_value; unfold uro; simpl (bpow radix2 (- (53))); lra|].
split; [rewrite x_value; lra|split; [exact b|]].
split; split; try lra; apply Rmult_le_pos; lra.
Qed.

(** The evaluated size. *)
Lemma size32_low : 0 <= A /\ (1 - 3 * d) * (a + n1 * L) - 4 * t <= A /\ 0 <= top
  /\ (1 - d) * L - t <= top.
Proof.
destruct ranges32 as [_ [_ [_ [n1r _]]]]; destruct tiny_sizes as [tpos _].
destruct (rnd64_low L Lpos) as [low1 pos1]; set (p := rd L) in *; clearbody p.
destruct (rnd64_low (n1 * p) ltac:(apply Rmult_le_pos; lra)) as [low2 pos2].
set (q := rd (n1 * p)) in *; clearbody q.
destruct (rnd64_low (a + q) ltac:(lra)) as [low3 pos3].
set (y := rd (a + q)) in *; clearbody y.
split; [exact pos3|split; [|split; [exact pos1|exact low1]]].
set (n := n1) in *; clearbody n.
assert (use : n * ((1 - d) * L - t) <= n * p) by (apply Rmult_le_compat_l; lra).
assert (nt : n * t <= / 1048576 * t) by (apply Rmult_le_compat_r; lra).
assert (nL : 0 <= n * L) by (apply Rmult_le_pos; lra).
lra.
Qed.

(** The evaluated constant of rho. *)
Lemma constant32_low : (1 - 10 * d) * (x * (1 + x) * (1 + g)) <= c /\ 0 <= c
  /\ 0 <= x * (1 + x) * (1 + g) <= / 8.
Proof.
destruct ranges32 as [gr [xr _]].
assert (low1 := rnd64_low_big (1 + x) ltac:(lra)).
assert (low2 := rnd64_low_big (1 + g) ltac:(lra)).
set (p := rd (1 + x)) in *; clearbody p; set (q := rd (1 + g)) in *; clearbody q.
assert (xp : x * ((1 - 2 * d) * (1 + x)) <= x * p) by (apply Rmult_le_compat_l; lra).
assert (xx : 0 <= x * x <= / 225) by (split; [apply Rmult_le_pos|]; nra).
assert (low3 := rnd64_low_big (x * p) ltac:(lra)).
set (y := rd (x * p)) in *; clearbody y.
set (w := x * (1 + x)) in *; assert (wr : / 8388608 <= w <= / 14) by (unfold w; lra).
assert (yw : (1 - 4 * d) * w <= y) by (unfold w in *; lra); clearbody w.
assert (yq : y * q >= (1 - 4 * d) * w * ((1 - 2 * d) * (1 + g))).
{ apply Rle_ge, Rmult_le_compat; lra. }
assert (wg : 0 <= w * g <= / 14 * / 4194304)
  by (split; [apply Rmult_le_pos; lra|apply Rmult_le_compat; lra]).
assert (big : / 1073741824 <= y * q) by lra.
assert (low4 := rnd64_low_big (y * q) big).
split; [|split].
- set (v := rd (y * q)) in *; clearbody v; lra.
- apply rnd64_low; lra.
- lra.
Qed.

(** The evaluated rho. *)
Lemma rho32_low : 0 <= rho
  /\ (1 - 13 * d) * (x * (1 + x) * (1 + g) * A + n2 * L) - 4 * t <= rho.
Proof.
destruct ranges32 as [_ [_ [_ [_ n2r]]]]; destruct tiny_sizes as [tpos _].
destruct size32_low as [Apos [_ [tp toplow]]]; destruct constant32_low as [clow [cpos hr]].
set (y := A) in *; clearbody y; set (p := top) in *; clearbody p; set (v := c) in *; clearbody v.
set (h := x * (1 + x) * (1 + g)) in *; clearbody h; set (n := n2) in *; clearbody n.
destruct (rnd64_low (v * y) ltac:(apply Rmult_le_pos; lra)) as [low1 pos1].
set (r1 := rd (v * y)) in *; clearbody r1.
destruct (rnd64_low (n * p) ltac:(apply Rmult_le_pos; lra)) as [low2 pos2].
set (r2 := rd (n * p)) in *; clearbody r2.
destruct (rnd64_low (r1 + r2) ltac:(lra)) as [low3 pos3]; split; [exact pos3|].
set (r := rd (r1 + r2)) in *; clearbody r.
assert (vy : (1 - 10 * d) * h * y <= v * y) by (apply Rmult_le_compat_r; lra).
assert (np : n * ((1 - d) * L - t) <= n * p) by (apply Rmult_le_compat_l; lra).
assert (nt : n * t <= / 1048576 * t) by (apply Rmult_le_compat_r; lra).
assert (nL : 0 <= n * L) by (apply Rmult_le_pos; lra).
assert (hy : 0 <= h * y) by (apply Rmult_le_pos; lra).
lra.
Qed.

(** The evaluated bound. *)
Lemma guard_bound32_low : 0 <= bound /\ (1 - 11 * d) * M - 64 * t <= bound.
Proof.
destruct ranges32 as [gr [_ [br _]]]; destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]].
assert (krange : 0 <= k <= / 134217728)
  by (rewrite k_value; unfold uro; simpl (bpow radix2 (- (53))); lra).
destruct size32_low as [Apos [_ [tp toplow]]]; destruct rho32_low as [rpos _].
set (r := rho) in *; clearbody r; set (y := A) in *; clearbody y; set (p := top) in *; clearbody p.
assert (root := sqrt_pos S).
assert (low1 := term1_low N k ltac:(lra) k_value (S + X) ltac:(lra)).
assert (low2 := term2_low (sqrt S) r root rpos).
destruct (rnd64_low (r * r) ltac:(apply Rmult_le_pos; lra)) as [low3 pos3].
assert (pos1 : 0 <= T1) by (apply rnd64_low, Rmult_le_pos; [lra|apply rnd64_low; lra]).
assert (pos2 : 0 <= rd (rd (2 * rd (sqrt S)) * r)).
{ apply rnd64_low, Rmult_le_pos; [|exact rpos].
  apply rnd64_low, Rmult_le_pos; [lra|apply rnd64_low; exact root]. }
assert (square : 2 * y <= 1 + y * y) by (assert (sq := pow2_ge_0 (y - 1)); lra).
assert (yy : 0 <= y * y) by (apply Rmult_le_pos; lra).
assert (ty : t * (2 * y) <= t * (1 + y * y)) by (apply Rmult_le_compat_l; lra).
assert (tyy : t * (y * y) <= d / 8 * g * (y * y)) by (apply Rmult_le_compat_r; lra).
assert (gyy : 0 <= g * (y * y)) by (apply Rmult_le_pos; lra).
assert (last4 : 0 <= rd (rd (g * y) * y)
  /\ (1 - 4 * d) * (g * (y * y)) - 2 * t <= rd (rd (g * y) * y)).
{ destruct (rnd64_low (g * y) ltac:(apply Rmult_le_pos; lra)) as [l1 p1].
  set (v := rd (g * y)) in *; clearbody v.
  destruct (rnd64_low (v * y) ltac:(apply Rmult_le_pos; lra)) as [l2 p2]; split; [exact p2|].
  set (w := rd (v * y)) in *; clearbody w.
  assert (use : ((1 - d) * (g * y) - t) * y <= v * y) by (apply Rmult_le_compat_r; lra).
  lra. }
destruct last4 as [pos4 low4].
destruct (rnd64_low (/ 2097152 * X) ltac:(lra)) as [low5 pos5].
assert (last6 : 0 <= rd (rd (2 * b149 * p) * y)
  /\ (1 - 4 * d) * (2 * b149 * L * y) - d * (g * (y * y)) - 4 * t
     <= rd (rd (2 * b149 * p) * y)).
{ destruct (rnd64_low (2 * b149 * p) ltac:(apply Rmult_le_pos; lra)) as [l1 p1].
  set (v := rd (2 * b149 * p)) in *; clearbody v.
  destruct (rnd64_low (v * y) ltac:(apply Rmult_le_pos; lra)) as [l2 p2]; split; [exact p2|].
  set (w := rd (v * y)) in *; clearbody w; set (bb := b149) in *; clearbody bb.
  assert (bp : 2 * bb * ((1 - d) * L - t) <= 2 * bb * p) by (apply Rmult_le_compat_l; lra).
  assert (bt : bb * t <= / 8 * t) by (apply Rmult_le_compat_r; lra).
  assert (use : ((1 - 2 * d) * (2 * bb * L) - 2 * t) * y <= v * y).
  { apply Rmult_le_compat_r; [lra|].
    assert (bL : 0 <= bb * L) by (apply Rmult_le_pos; lra). lra. }
  assert (bLy : 0 <= bb * L * y)
    by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
  lra. }
destruct last6 as [pos6 low6].
destruct (four_low _ _ _ _ pos1 pos2 pos3 pos4) as [pos low].
set (x1 := T1) in *; set (x2 := rd (rd (2 * rd (sqrt S)) * r)) in *.
set (x3 := rd (r * r)) in *; set (x4 := rd (rd (g * y) * y)) in *.
set (x5 := rd (/ 2097152 * X)) in *; set (x6 := rd (rd (2 * b149 * p) * y)) in *.
set (four := rd (rd (rd (x1 + x2) + x3) + x4)) in *.
clearbody x1 x2 x3 x4 x5 x6 four.
destruct (rnd64_low (four + x5) ltac:(lra)) as [low7 pos7].
set (five := rd (four + x5)) in *; clearbody five.
destruct (rnd64_low (five + x6) ltac:(lra)) as [low8 pos8]; split; [exact pos8|].
set (six := rd (five + x6)) in *; clearbody six.
assert (kS : 0 <= k * (S + X)) by (apply Rmult_le_pos; lra).
assert (qr : 0 <= sqrt S * r) by (apply Rmult_le_pos; lra).
assert (rr : 0 <= r * r) by (apply Rmult_le_pos; lra).
assert (bLy : 0 <= 2 * b149 * L * y)
  by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
replace (r ^ 2) with (r * r) by ring; replace (y ^ 2) with (y * y) by ring.
set (m1 := k * (S + X)) in *; set (m2 := sqrt S * r) in *; set (m3 := r * r) in *.
set (m4 := g * (y * y)) in *; set (m6 := 2 * b149 * L * y) in *.
clearbody m1 m2 m3 m4 m6.
clear - tpos low1 low2 low3 low4 low5 low6 low low7 low8 kS qr rr gyy bLy Xpos pos1 pos2 pos3 pos4
  pos5 pos6.
lra.
Qed.

(** The evaluated width. *)
Theorem guard_width32_low : 0 <= width
  /\ (1 + 15 / 16777216) * M + bpow radix2 (-300) <= 2 * width.
Proof.
destruct guard_bound32_low as [bpos blow].
destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]].
assert (Mpos : 0 <= M).
{ destruct ranges32 as [gr [_ [br _]]]; destruct size32_low as [Apos _].
  destruct rho32_low as [rpos _].
  assert (krange : 0 <= k) by (rewrite k_value; unfold uro; simpl (bpow radix2 (- (53))); lra).
  assert (root := sqrt_pos S); set (r := rho) in *; clearbody r; set (y := A) in *; clearbody y.
  assert (qr : 0 <= sqrt S * r) by (apply Rmult_le_pos; assumption).
  assert (kS : 0 <= k * (S + X)) by (apply Rmult_le_pos; lra).
  assert (gAA : 0 <= g * y ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
  assert (bLy : 0 <= 2 * b149 * L * y) by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
  assert (rr := pow2_ge_0 r); lra. }
set (b := bound) in *; clearbody b; set (m := M) in *; clearbody m.
destruct (rnd64_low (/ 2 * b) ltac:(lra)) as [low1 pos1].
set (w1 := rd (/ 2 * b)) in *; clearbody w1.
destruct (rnd64_low (w1 * (1048577 / 1048576)) ltac:(lra)) as [low2 pos2].
set (w2 := rd (w1 * (1048577 / 1048576))) in *; clearbody w2.
destruct (rnd64_low (w2 + bpow radix2 (-300)) ltac:(lra)) as [low3 pos3].
split; [exact pos3|].
set (w3 := rd (w2 + bpow radix2 (-300))) in *; clearbody w3.
set (cc := bpow radix2 (-300)) in *; set (zz := z) in *.
set (yy := bpow radix2 (-470)) in *; set (tt := t) in *; clearbody cc zz yy tt.
clear - tpos tz zpos zy yb bsmall blow Mpos low1 low2 low3 pos1 pos2 pos3 bpos.
lra.
Qed.

End Slack32.
