(** * The evaluated ends contain what the theorem allows

    Purpose: inequalities between reals only.  The width that the program evaluates from its sums is
      rounded many times and may be too small; the factor 1 + 2^-20 leaves it larger than the exact
      expression by 2^-21, with room to spare.
    Main results: [guard_width_low] (what the evaluated width is at least), [rho_low].
    Depends on: [Rounding], [RoundedSum], [GuardProgram].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Float Require Import Arithmetic Rounding ChainError.
From Hallmark.Float Require Import FullArithmetic RoundedSum GuardProgram.
Open Scope R_scope.

(** What one rounding may take from a nonnegative number, generously: 2^-40 of it, *)
Local Notation d := (/ 1099511627776).

(** and 2^-1000. *)
Local Notation t := (bpow radix2 (-1000)).

(** A rounding of a nonnegative number. *)
Lemma rnd64_low x : 0 <= x -> (1 - d) * x - t <= rnd64 x /\ 0 <= rnd64 x.
Proof.
intros pos; split.
- assert (error := rnd_error (-1074) 53 x); apply Rabs_le_inv in error.
  rewrite (Rabs_pos_eq x) in error by exact pos.
  assert (small : eta (-1074) <= t) by (unfold eta; apply bpow_le; lia).
  assert (fine : uro 53 * x <= d * x)
    by (apply Rmult_le_compat_r; [exact pos|unfold uro; simpl; lra]).
  lra.
- rewrite <- (rnd_0 (-1074) 53); apply (rnd_le (-1074) 53); exact pos.
Qed.

(** The sizes of the constants. *)
Lemma tiny_sizes : 0 < t /\ t <= bpow radix2 (-560) / 1024 /\ 0 < bpow radix2 (-560)
  /\ bpow radix2 (-560) <= bpow radix2 (-470) / 1024
  /\ bpow radix2 (-470) <= bpow radix2 (-300) / 1024
  /\ bpow radix2 (-300) <= / 1267650600228229401496703205376.
Proof.
assert (split : forall a b, (a + 10 <= b)%Z -> bpow radix2 a <= bpow radix2 b / 1024).
{ intros a b far; replace (bpow radix2 b / 1024) with (bpow radix2 (b - 10)).
  - apply bpow_le; lia.
  - unfold Z.sub; rewrite bpow_plus; reflexivity. }
repeat split; try apply bpow_gt_0; try (apply split; lia).
change (/ 1267650600228229401496703205376) with (bpow radix2 (-100)); apply bpow_le; lia.
Qed.

Section Slack.

Variables (N S X A g k : R).
Hypothesis Spos : 0 <= S.
Hypothesis Xpos : 0 <= X.
Hypothesis Apos : 0 <= A.
Hypothesis columns : 1 <= N <= 16777216.
Hypothesis g_value : g = (N + 2) * uro 53.
Hypothesis k_value : k = (N + 8) * (2 * uro 53).

(** The numbers of the program. *)
Notation rd := rnd64.
Notation a1 := (rd (g * A)).
Notation rho := (rd (rd (g * A) * rd (1 + g))).
Notation T1 := (rd (k * rd (S + X))).
Notation T2 := (rd (rd (2 * rd (sqrt S)) * rho)).
Notation T3 := (rd (rho * rho)).
Notation T4 := (rd (rd (g * A) * A)).
Notation bound := (rd (rd (rd (T1 + T2) + T3) + T4)).
Notation width := (rd (rd (rd (/ 2 * bound) * (1048577 / 1048576)) + bpow radix2 (-300))).
Notation M := (k * (S + X) + 2 * (sqrt S * rho) + rho ^ 2 + g * A ^ 2).

(** The sizes of g' and of the factor of the sums. *)
Lemma g_range : 3 * / 9007199254740992 <= g <= / 268435456.
Proof. rewrite g_value; unfold uro; simpl bpow; lra. Qed.

(** That factor. *)
Lemma k_range : 18 * / 9007199254740992 <= k <= / 134217728.
Proof. rewrite k_value; unfold uro; simpl bpow; lra. Qed.

(** rho is nonnegative, and at least g' (1 + g') A up to rounding. *)
Lemma rho_low : 0 <= rho /\ (1 - 5 * d) * (g * (1 + g) * A) - 4 * t <= rho.
Proof.
assert (range := g_range); destruct tiny_sizes as [tpos _].
assert (gA : 0 <= g * A) by (apply Rmult_le_pos; lra).
destruct (rnd64_low (g * A) gA) as [low1 pos1].
destruct (rnd64_low (1 + g) ltac:(lra)) as [low2 pos2].
set (x := rd (g * A)) in *; set (y := rd (1 + g)) in *.
destruct (rnd64_low (x * y) ltac:(apply Rmult_le_pos; assumption)) as [low pos].
split; [exact pos|].
assert (ysmall : y <= 2).
{ unfold y; rewrite <- (rnd_exact (-1074) 53 2).
  - apply (rnd_le (-1074) 53); lra.
  - apply generic_format_FLT; exists (Float radix2 1 1); [unfold F2R; simpl; lra|reflexivity|].
    simpl; lia. }
assert (product : ((1 - d) * (g * A) - t) * y <= x * y) by (apply Rmult_le_compat_r; assumption).
assert (gAy : (g * A) * ((1 - d) * (1 + g) - t) <= (g * A) * y)
  by (apply Rmult_le_compat_l; assumption).
assert (ty : t * y <= 2 * t) by nra.
assert (gAt : g * A * t <= d * (g * (1 + g) * A)).
{ assert (step : t <= d) by (assert (sizes := tiny_sizes); lra).
  replace (d * (g * (1 + g) * A)) with (g * A * (d * (1 + g))) by ring.
  apply Rmult_le_compat_l; [exact gA|nra]. }
assert (more : 0 <= g * A * g) by (apply Rmult_le_pos; lra).
lra.
Qed.

(** The first term, *)
Lemma term1_low s : 0 <= s -> (1 - 2 * d) * (k * s) - 2 * t <= rd (k * rd s).
Proof.
intros pos; assert (range := k_range); destruct tiny_sizes as [tpos _].
destruct (rnd64_low s pos) as [low1 pos1]; set (x := rd s) in *; clearbody x.
destruct (rnd64_low (k * x) ltac:(apply Rmult_le_pos; lra)) as [low _].
set (y := rd (k * x)) in *; clearbody y.
assert (use : k * ((1 - d) * s - t) <= k * x) by (apply Rmult_le_compat_l; lra).
assert (kt : k * t <= / 134217728 * t) by (apply Rmult_le_compat_r; lra).
assert (ks : 0 <= k * s) by (apply Rmult_le_pos; lra).
lra.
Qed.

(** the second, *)
Lemma term2_low q r : 0 <= q -> 0 <= r ->
  (1 - 3 * d) * (2 * (q * r)) - d / 2 * (r * r) - 5 * t <= rd (rd (2 * rd q) * r).
Proof.
intros qpos rpos; destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]].
assert (step : t <= d / 8) by lra; clear tz zpos zy yb bsmall.
destruct (rnd64_low q qpos) as [low1 pos1]; set (x := rd q) in *; clearbody x.
destruct (rnd64_low (2 * x) ltac:(lra)) as [low2 pos2]; set (y := rd (2 * x)) in *; clearbody y.
destruct (rnd64_low (y * r) ltac:(apply Rmult_le_pos; lra)) as [low _].
set (z := rd (y * r)) in *; clearbody z.
assert (use : ((1 - 2 * d) * (2 * q) - 3 * t) * r <= y * r)
  by (apply Rmult_le_compat_r; lra).
assert (qr : 0 <= q * r) by (apply Rmult_le_pos; lra).
assert (square : 2 * r <= 1 + r * r) by (assert (sq := pow2_ge_0 (r - 1)); lra).
assert (rr : 0 <= r * r) by (apply Rmult_le_pos; lra).
assert (tr : t * (2 * r) <= t * (1 + r * r)) by (apply Rmult_le_compat_l; lra).
assert (trr : t * (r * r) <= d / 8 * (r * r)) by (apply Rmult_le_compat_r; lra).
lra.
Qed.

(** the last. *)
Lemma term4_low : (1 - 4 * d) * (g * (A * A)) - 2 * t <= rd (rd (g * A) * A).
Proof.
assert (range := g_range); destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]].
assert (step : t <= d * g) by lra; clear tz zpos zy yb bsmall.
destruct (rnd64_low (g * A) ltac:(apply Rmult_le_pos; lra)) as [low1 pos1].
set (x := rd (g * A)) in *; clearbody x.
destruct (rnd64_low (x * A) ltac:(apply Rmult_le_pos; lra)) as [low _].
set (y := rd (x * A)) in *; clearbody y.
assert (use : ((1 - d) * (g * A) - t) * A <= x * A) by (apply Rmult_le_compat_r; lra).
assert (square : 2 * A <= 1 + A * A) by (assert (sq := pow2_ge_0 (A - 1)); lra).
assert (AA : 0 <= A * A) by (apply Rmult_le_pos; lra).
assert (tA : t * (2 * A) <= t * (1 + A * A)) by (apply Rmult_le_compat_l; lra).
assert (tAA : t * (A * A) <= d * g * (A * A)) by (apply Rmult_le_compat_r; lra).
assert (gAA : 0 <= g * (A * A)) by (apply Rmult_le_pos; lra).
lra.
Qed.

(** A sum of four. *)
Lemma four_low x1 x2 x3 x4 : 0 <= x1 -> 0 <= x2 -> 0 <= x3 -> 0 <= x4 ->
  0 <= rd (rd (rd (x1 + x2) + x3) + x4)
  /\ (1 - 3 * d) * (x1 + x2 + x3 + x4) - 3 * t <= rd (rd (rd (x1 + x2) + x3) + x4).
Proof.
intros pos1 pos2 pos3 pos4; destruct tiny_sizes as [tpos _].
destruct (rnd64_low (x1 + x2) ltac:(lra)) as [low5 pos5].
set (y1 := rd (x1 + x2)) in *; clearbody y1.
destruct (rnd64_low (y1 + x3) ltac:(lra)) as [low6 pos6].
set (y2 := rd (y1 + x3)) in *; clearbody y2.
destruct (rnd64_low (y2 + x4) ltac:(lra)) as [low7 pos7].
set (y3 := rd (y2 + x4)) in *; clearbody y3.
split; [exact pos7|lra].
Qed.

(** The evaluated bound. *)
Lemma guard_bound_low : 0 <= bound /\ (1 - 8 * d) * M - 32 * t <= bound.
Proof.
assert (grange := g_range); assert (krange := k_range); destruct rho_low as [rpos _].
destruct tiny_sizes as [tpos _].
set (r := rho) in *; clearbody r.
assert (root := sqrt_pos S).
assert (low1 := term1_low (S + X) ltac:(lra)); assert (low2 := term2_low (sqrt S) r root rpos).
assert (low4 := term4_low).
destruct (rnd64_low (r * r) ltac:(apply Rmult_le_pos; lra)) as [low3 pos3].
assert (pos1 : 0 <= rd (k * rd (S + X))).
{ apply rnd64_low, Rmult_le_pos; [lra|apply rnd64_low; lra]. }
assert (pos2 : 0 <= rd (rd (2 * rd (sqrt S)) * r)).
{ apply rnd64_low, Rmult_le_pos; [|exact rpos].
  apply rnd64_low, Rmult_le_pos; [lra|apply rnd64_low; exact root]. }
assert (pos4 : 0 <= rd (rd (g * A) * A)).
{ apply rnd64_low, Rmult_le_pos; [|exact Apos].
  apply rnd64_low, Rmult_le_pos; lra. }
destruct (four_low _ _ _ _ pos1 pos2 pos3 pos4) as [pos low]; split; [exact pos|].
assert (kS : 0 <= k * (S + X)) by (apply Rmult_le_pos; lra).
assert (qr : 0 <= sqrt S * r) by (apply Rmult_le_pos; lra).
assert (rr : 0 <= r * r) by (apply Rmult_le_pos; lra).
assert (gAA : 0 <= g * (A * A)) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
replace (r ^ 2) with (r * r) by ring; replace (A ^ 2) with (A * A) by ring.
eapply Rle_trans; [|exact low].
set (x1 := rd (k * rd (S + X))) in *; set (x2 := rd (rd (2 * rd (sqrt S)) * r)) in *.
set (x3 := rd (r * r)) in *; set (x4 := rd (rd (g * A) * A)) in *.
clearbody x1 x2 x3 x4; clear pos low.
set (m1 := k * (S + X)) in *; set (m2 := sqrt S * r) in *; set (m3 := r * r) in *.
set (m4 := g * (A * A)) in *; clearbody m1 m2 m3 m4.
clear - tpos low1 low2 low3 low4 kS qr rr gAA.
lra.
Qed.

(** The evaluated width. *)
Theorem guard_width_low : 0 <= width
  /\ (1 + / 2097152) * M + bpow radix2 (-300) <= 2 * width.
Proof.
destruct guard_bound_low as [bpos blow].
destruct tiny_sizes as [tpos [tz [zpos [zy [yb bsmall]]]]].
assert (Mpos : 0 <= M).
{ destruct rho_low as [rpos _]; assert (grange := g_range); assert (krange := k_range).
  assert (root := sqrt_pos S); set (r := rho) in *; clearbody r.
  assert (qr : 0 <= sqrt S * r) by (apply Rmult_le_pos; assumption).
  assert (kS : 0 <= k * (S + X)) by (apply Rmult_le_pos; lra).
  assert (gAA : 0 <= g * A ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
  assert (rr := pow2_ge_0 r); lra. }
set (b := bound) in *; clearbody b; set (m := M) in *; clearbody m.
destruct (rnd64_low (/ 2 * b) ltac:(lra)) as [low1 pos1].
set (w1 := rd (/ 2 * b)) in *; clearbody w1.
destruct (rnd64_low (w1 * (1048577 / 1048576)) ltac:(lra)) as [low2 pos2].
set (w2 := rd (w1 * (1048577 / 1048576))) in *; clearbody w2.
destruct (rnd64_low (w2 + bpow radix2 (-300)) ltac:(lra)) as [low3 pos3].
split; [exact pos3|].
set (w3 := rd (w2 + bpow radix2 (-300))) in *; clearbody w3.
set (c := bpow radix2 (-300)) in *; set (z := bpow radix2 (-560)) in *.
set (y := bpow radix2 (-470)) in *; set (tt := t) in *; clearbody c z y tt.
clear - tpos tz zpos zy yb bsmall blow Mpos low1 low2 low3 pos1 pos2 pos3 bpos.
lra.
Qed.

End Slack.
