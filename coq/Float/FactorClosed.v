(** * T15 with the constants of the product

    Purpose: the factorization runs in binary64, its U is kept in binary64 or rounded once to
      binary32.  For at most 2^24 columns and a diagonal of H of sane size, the residual is at most
      a constant that binary64 represents exactly, times sqrt(H_ii H_jj); nothing underflows.
    Main results: [residual_entry_binary64], [residual_entry_binary32], [residual_form_binary64],
      [residual_form_binary32] (the quadratic forms of the residuals).
    Bound functions: [residual64], [residual32], [weighted_size].
    Depends on: Gptq/Sums, Gptq/Matrix, [FactorDiagonal], [FactorRounded], [Residual].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Factor FactorError.
From Hallmark.Float Require Import FactorDiagonal FactorRounded Residual.
Open Scope R_scope.

(** The constant of the binary64 factor: (n + 2) 2^-53. *)
Definition residual64 (n : nat) : R := (INR n + 2) * bpow radix2 (-53).

(** The constant of the factor rounded to binary32: 2^-23 + 2^-46 + (n + 2) 2^-53. *)
Definition residual32 (n : nat) : R := bpow radix2 (-23) + bpow radix2 (-46) + residual64 n.

(** The sizes for which the constants hold: three comparisons with the largest diagonal entry. *)
Record sane_diagonal (n : nat) (H : mat) (hmax : R) : Prop := {
  sane_columns : (Z.of_nat n <= 2 ^ 24)%Z;
  sane_above : forall j, (j < n)%nat -> H j j <= hmax;
  sane_range : forall j, (j < n)%nat -> bpow radix2 (-64) * hmax <= H j j;
  sane_normal : forall j, (j < n)%nat -> bpow radix2 (-900) <= H j j }.
Arguments sane_columns {n H hmax}.
Arguments sane_above {n H hmax}.
Arguments sane_range {n H hmax}.
Arguments sane_normal {n H hmax}.

Section Constants.

Variable n : nat.
Hypothesis nonempty : (0 < n)%nat.
Hypothesis columns : (Z.of_nat n <= 2 ^ 24)%Z.

(** The number of columns as a real. *)
Lemma columns_range : 1 <= INR n <= bpow radix2 24.
Proof.
split; [apply (le_INR 1); lia|].
rewrite INR_IZR_INZ; change (bpow radix2 24) with (IZR (2 ^ 24)); apply IZR_le; exact columns.
Qed.

Notation u := (uro 53).
Notation x := (INR n * u).

(** The product n u is small, and its square smaller than u / 32. *)
Lemma growth_range : 0 < u /\ u <= x /\ x <= bpow radix2 (-29) /\ x * x <= u / 32.
Proof.
destruct columns_range as [one few]; unfold uro; simpl bpow in *.
repeat split; try lra.
assert (square : INR n * INR n <= 16777216 * 16777216)
  by (apply Rmult_le_compat; lra).
lra.
Qed.

(** The closed form of the growth is at most a quarter. *)
Lemma growth_up_small : gam u n <= gam_up u n /\ gam_up u n <= / 4.
Proof.
destruct growth_range as [upos [above [small square]]]; simpl bpow in small.
split.
- apply gam_closed; [lra|lra].
- unfold gam_up; nra.
Qed.

(** The underflow of n roundings is small. *)
Lemma underflow_small : INR n * eta (-1074) <= / 16.
Proof.
destruct columns_range as [one few].
apply Rle_trans with (bpow radix2 24 * eta (-1074)).
- apply Rmult_le_compat_r; [apply Rlt_le, bpow_gt_0|exact few].
- unfold eta; rewrite <- bpow_plus.
  change (/ 16) with (bpow radix2 (-4)); apply bpow_le; lia.
Qed.

(** The constant of the binary64 factor, with the raise of the diagonal. *)
Lemma residual64_constant : (1 + u) * (gam_up u n / (1 - gam_up u n)) <= residual64 n.
Proof.
destruct growth_range as [upos [above [small square]]].
destruct growth_up_small as [grown quarter].
assert (positive : 0 < 1 - gam_up u n) by lra.
apply Rmult_le_reg_r with (1 - gam_up u n); [exact positive|].
replace ((1 + u) * (gam_up u n / (1 - gam_up u n)) * (1 - gam_up u n))
  with ((1 + u) * gam_up u n) by (field; lra).
unfold residual64; change (bpow radix2 (-53)) with u.
replace ((INR n + 2) * u) with (x + 2 * u) by ring.
unfold gam_up; set (X := x) in *; simpl bpow in small.
assert (cube : X * X * X <= X * X) by (assert (0 <= X * X) by nra; nra).
assert (quart : u * X * X <= u * X) by (assert (0 <= u * X) by nra; nra).
assert (ux : u * X <= u * / 1000) by (apply Rmult_le_compat_l; lra).
nra.
Qed.

(** The constant of the rounded factor, with the raise of the diagonal. *)
Lemma residual32_constant :
  (1 + uro 24) * ((gam_up u n + (2 * uro 24 + uro 24 ^ 2)) / (1 - gam_up u n)) <= residual32 n.
Proof.
destruct growth_range as [upos [above [small square]]].
destruct growth_up_small as [grown quarter].
assert (positive : 0 < 1 - gam_up u n) by lra.
apply Rmult_le_reg_r with (1 - gam_up u n); [exact positive|].
replace ((1 + uro 24) * ((gam_up u n + (2 * uro 24 + uro 24 ^ 2)) / (1 - gam_up u n))
         * (1 - gam_up u n))
  with ((1 + uro 24) * (gam_up u n + (2 * uro 24 + uro 24 ^ 2))) by (field; lra).
unfold residual32, residual64; change (bpow radix2 (-53)) with u.
replace ((INR n + 2) * u) with (x + 2 * u) by ring.
unfold gam_up; set (X := x) in *.
assert (cube : X * X * X <= X * X) by (simpl bpow in small; assert (0 <= X * X) by nra; nra).
assert (ux : u * (X * X) <= u * / 1000 /\ u * X <= u * / 1000) by
  (simpl bpow in small; split; apply Rmult_le_compat_l; nra).
assert (uvalue : u = / 9007199254740992) by reflexivity.
assert (vvalue : uro 24 = / 16777216) by reflexivity.
rewrite vvalue; simpl bpow in *; simpl pow.
rewrite uvalue in *; lra.
Qed.

End Constants.

Section Closed.

Variable n : nat.
Variables (H C U : mat) (d : vec) (hmax : R).
Hypothesis run : is_factor real64 n H C U d.
Hypothesis symmetric : sym n H.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.
Hypothesis sane : sane_diagonal n H hmax.

(** The largest diagonal entry is nonnegative when there is a column. *)
Lemma hmax_ge0 : (0 < n)%nat -> 0 <= hmax.
Proof.
intros nonempty; apply Rle_trans with (H 0%nat 0%nat).
- eapply Rle_trans; [apply Rlt_le, (bpow_gt_0 radix2 (-900))|].
  apply (sane_normal sane); exact nonempty.
- apply (sane_above sane); exact nonempty.
Qed.

(** The largest diagonal entry, and one, in terms of any diagonal entry. *)
Lemma sane_sizes j : (j < n)%nat ->
  0 <= H j j /\ 0 <= hmax /\ hmax <= bpow radix2 64 * H j j /\ 1 <= bpow radix2 900 * H j j.
Proof.
intros below; assert (range := sane_range sane j below).
assert (normal := sane_normal sane j below).
split; [eapply Rle_trans; [apply bpow_ge_0|exact normal]|].
split; [apply hmax_ge0; lia|split].
- apply Rle_trans with (bpow radix2 64 * (bpow radix2 (-64) * hmax)).
  + rewrite <- Rmult_assoc, <- bpow_plus; simpl; lra.
  + apply Rmult_le_compat_l; [apply bpow_ge_0|exact range].
- apply Rle_trans with (bpow radix2 900 * bpow radix2 (-900)).
  + rewrite <- bpow_plus; simpl; lra.
  + apply Rmult_le_compat_l; [apply bpow_ge_0|exact normal].
Qed.

(** A multiple of 1 + hmax is a multiple of any diagonal entry. *)
Lemma sane_one_plus j k : (j < n)%nat ->
  bpow radix2 k * (1 + hmax) <= bpow radix2 (k + 901) * H j j.
Proof.
intros below; destruct (sane_sizes j below) as [Hpos [top [scaled unit]]].
rewrite bpow_plus, Rmult_assoc; apply Rmult_le_compat_l; [apply bpow_ge_0|].
apply Rle_trans with (bpow radix2 900 * H j j + bpow radix2 900 * H j j).
- apply Rplus_le_compat; [exact unit|eapply Rle_trans; [exact scaled|]].
  apply Rmult_le_compat_r; [exact Hpos|apply bpow_le; lia].
- replace 901%Z with (1 + 900)%Z by reflexivity; rewrite (bpow_plus radix2 1 900).
  change (bpow radix2 1) with 2; lra.
Qed.

(** The raise of the diagonal in binary64: a fraction below u. *)
Lemma raise64 j : (j < n)%nat ->
  under_matrix (eta (-1074)) n hmax
  + under_matrix (eta (-1074)) n hmax / (gam_up (uro 53) n / (1 - gam_up (uro 53) n))
  <= uro 53 * H j j.
Proof.
intros below; assert (nonempty : (0 < n)%nat) by lia.
destruct (columns_range n nonempty (sane_columns sane)) as [one few].
destruct (growth_range n nonempty (sane_columns sane)) as [upos [above [small square]]].
destruct (growth_up_small n nonempty (sane_columns sane)) as [grown quarter].
destruct (sane_sizes j below) as [Hpos [top _]].
set (u := uro 53) in *; set (G := gam_up u n) in *.
assert (Gbig : INR n * u <= G) by (unfold G, gam_up; nra).
assert (ratio : INR n * u <= G / (1 - G)).
{ apply Rmult_le_reg_r with (1 - G); [lra|].
  replace (G / (1 - G) * (1 - G)) with G by (field; lra); nra. }
set (w := under_matrix (eta (-1074)) n hmax).
assert (zpos : 0 < eta (-1074)) by apply bpow_gt_0.
assert (wpos : 0 <= w) by (unfold w, under_matrix; repeat apply Rmult_le_pos; lra).
assert (quotient : w / (G / (1 - G)) <= 2 * (eta (-1074) / u) * (1 + hmax)).
{ apply Rle_trans with (w / (INR n * u)).
  - apply Rmult_le_compat_l; [exact wpos|apply Rinv_le; nra].
  - apply Req_le; unfold w, under_matrix; field; split; lra. }
assert (plain : w <= 2 * (eta (-1074) / u) * (1 + hmax)).
{ unfold w, under_matrix; apply Rmult_le_compat_r; [lra|].
  apply Rmult_le_reg_r with u; [exact upos|].
  replace (2 * (eta (-1074) / u) * u) with (2 * eta (-1074)) by (field; lra).
  assert (tiny : INR n * u <= 1) by (simpl bpow in small; lra); nra. }
assert (value : 2 * (eta (-1074) / u) = bpow radix2 (-1021)).
{ unfold eta, u, uro, Rdiv; rewrite <- bpow_opp, <- bpow_plus.
  change 2 with (bpow radix2 1); rewrite <- bpow_plus; reflexivity. }
rewrite value in *; assert (lost := sane_one_plus j (-1021) below).
assert (enough : bpow radix2 (-1021 + 901) * H j j <= u / 2 * H j j).
{ apply Rmult_le_compat_r; [exact Hpos|]; unfold u, uro, Rdiv.
  change (/ 2) with (bpow radix2 (-1)); rewrite <- bpow_plus; apply bpow_le; lia. }
lra.
Qed.

(** The raise of the diagonal for the rounded factor: a fraction below 2^-24. *)
Lemma raise32 j : (j < n)%nat ->
  let w := under_rounded (eta (-1074)) (eta (-149)) n hmax in
  w + w / ((gam_up (uro 53) n + (2 * uro 24 + uro 24 ^ 2)) / (1 - gam_up (uro 53) n))
  <= uro 24 * H j j.
Proof.
intros below w; assert (nonempty : (0 < n)%nat) by lia.
destruct (columns_range n nonempty (sane_columns sane)) as [one few].
destruct (growth_range n nonempty (sane_columns sane)) as [upos [above [small square]]].
destruct (growth_up_small n nonempty (sane_columns sane)) as [grown quarter].
destruct (sane_sizes j below) as [Hpos [top [scaled _]]].
set (u := uro 53) in *; set (v := uro 24) in *; set (G := gam_up u n) in *.
assert (vpos : 0 < v) by apply bpow_gt_0.
assert (Gpos : 0 <= G) by (unfold G, gam_up; nra).
set (g := (G + (2 * v + v ^ 2)) / (1 - G)).
assert (ratio : 2 * v <= g).
{ apply Rmult_le_reg_r with (1 - G); [lra|].
  unfold g; replace ((G + (2 * v + v ^ 2)) / (1 - G) * (1 - G)) with (G + (2 * v + v ^ 2))
    by (field; lra).
  assert (square_v : 0 <= v ^ 2) by apply pow2_ge_0; nra. }
set (z := eta (-1074)) in *; set (z' := eta (-149)) in *.
assert (zpos : 0 < z) by apply bpow_gt_0; assert (zpos' : 0 < z') by apply bpow_gt_0.
assert (first : 2 * INR n * z <= bpow radix2 (-1050)).
{ apply Rle_trans with (bpow radix2 1 * bpow radix2 24 * z).
  - apply Rmult_le_compat_r; [lra|change (bpow radix2 1) with 2; lra].
  - unfold z, eta; rewrite <- !bpow_plus; apply bpow_le; lia. }
assert (second : 4 * INR n * z' <= bpow radix2 (-124)).
{ apply Rle_trans with (bpow radix2 2 * bpow radix2 24 * z').
  - apply Rmult_le_compat_r; [lra|change (bpow radix2 2) with 4; lra].
  - unfold z', eta; rewrite <- !bpow_plus; apply bpow_le; lia. }
assert (wpos : 0 <= w).
{ unfold w, under_rounded, under_matrix; apply Rplus_le_le_0_compat;
    repeat apply Rmult_le_pos; try lra.
  assert (inner : 0 <= 2 * INR n * z) by (repeat apply Rmult_le_pos; lra); lra. }
assert (bound : w <= bpow radix2 (-1049) * (1 + hmax) + bpow radix2 (-124) * hmax).
{ unfold w, under_rounded, under_matrix.
  assert (part1 : 2 * INR n * z * (1 + hmax) <= bpow radix2 (-1050) * (1 + hmax))
    by (apply Rmult_le_compat_r; lra).
  assert (part2 : 4 * INR n * z' * (hmax + 2 * INR n * z)
      <= bpow radix2 (-124) * (hmax + bpow radix2 (-1050))).
  { apply Rmult_le_compat; [repeat apply Rmult_le_pos; lra| |exact second|lra].
    assert (inner : 0 <= 2 * INR n * z) by (repeat apply Rmult_le_pos; lra); lra. }
  assert (part3 : bpow radix2 (-124) * bpow radix2 (-1050) <= 1 * bpow radix2 (-1050)).
  { apply Rmult_le_compat_r; [apply bpow_ge_0|].
    change 1 with (bpow radix2 0); apply bpow_le; lia. }
  replace (bpow radix2 (-1049)) with (2 * bpow radix2 (-1050))
    by (change 2 with (bpow radix2 1); rewrite <- bpow_plus; reflexivity).
  assert (extra : 0 <= bpow radix2 (-1050) * hmax)
    by (apply Rmult_le_pos; [apply bpow_ge_0|exact top]).
  lra. }
assert (quotient : w + w / g <= bpow radix2 24 * w).
{ apply Rle_trans with (w + w / (2 * v)).
  - apply Rplus_le_compat_l, Rmult_le_compat_l; [exact wpos|apply Rinv_le; lra].
  - assert (value : / (2 * v) = bpow radix2 23).
    { unfold v, uro; change 2 with (bpow radix2 1); rewrite <- bpow_plus, <- bpow_opp.
      reflexivity. }
    unfold Rdiv; rewrite value.
    replace (bpow radix2 24) with (bpow radix2 23 + bpow radix2 23) by (simpl; lra).
    assert (large : 1 <= bpow radix2 23) by (simpl; lra); nra. }
eapply Rle_trans; [exact quotient|].
assert (lost := sane_one_plus j (-1025) below).
apply Rle_trans with (bpow radix2 (-1025) * (1 + hmax) + bpow radix2 (-100) * hmax).
- replace (bpow radix2 (-1025)) with (bpow radix2 24 * bpow radix2 (-1049))
    by (rewrite <- bpow_plus; reflexivity).
  replace (bpow radix2 (-100)) with (bpow radix2 24 * bpow radix2 (-124))
    by (rewrite <- bpow_plus; reflexivity).
  rewrite !Rmult_assoc, <- Rmult_plus_distr_l; apply Rmult_le_compat_l; [apply bpow_ge_0|].
  exact bound.
- assert (half1 : bpow radix2 (-1025 + 901) * H j j <= v / 2 * H j j).
  { apply Rmult_le_compat_r; [exact Hpos|]; unfold v, uro, Rdiv.
    change (/ 2) with (bpow radix2 (-1)); rewrite <- bpow_plus; apply bpow_le; lia. }
  assert (half2 : bpow radix2 (-100) * hmax <= v / 2 * H j j).
  { apply Rle_trans with (bpow radix2 (-100) * (bpow radix2 64 * H j j)).
    - apply Rmult_le_compat_l; [apply bpow_ge_0|exact scaled].
    - rewrite <- Rmult_assoc, <- bpow_plus; apply Rmult_le_compat_r; [exact Hpos|].
      unfold v, uro, Rdiv; change (/ 2) with (bpow radix2 (-1)).
      rewrite <- bpow_plus; apply bpow_le; lia. }
  lra.
Qed.

(** From the raised diagonal to the diagonal. *)
Lemma lower_raise c w r i j : 0 < c -> 0 <= w -> 0 <= r ->
  (forall k, (k < n)%nat -> w + w / c <= r * H k k) -> (i < n)%nat -> (j < n)%nat ->
  c * (sqrt (H i i + w) * sqrt (H j j + w)) + w <= (1 + r) * c * (sqrt (H i i) * sqrt (H j j)).
Proof.
intros cpos wpos rpos small ibelow jbelow.
destruct (sane_sizes i ibelow) as [Hi _]; destruct (sane_sizes j jbelow) as [Hj _].
assert (quotient : 0 <= w / c)
  by (apply Rmult_le_pos; [exact wpos|apply Rlt_le, Rinv_0_lt_compat; exact cpos]).
eapply Rle_trans.
- apply (absorb_constant c (w / c)); try lra.
  apply Req_le; field; lra.
- rewrite !Rplus_assoc, (Rmult_comm (1 + r)), Rmult_assoc.
  apply Rmult_le_compat_l; [lra|apply absorb_diagonal; try lra; apply small; assumption].
Qed.

(** T15 in binary64: the residual of the factorization. *)
Theorem residual_entry_binary64 i j : (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H U d i j) <= residual64 n * (sqrt (H i i) * sqrt (H j j)).
Proof.
intros ibelow jbelow; assert (nonempty : (0 < n)%nat) by lia.
destruct (growth_range n nonempty (sane_columns sane)) as [upos [above [small square]]].
destruct (growth_up_small n nonempty (sane_columns sane)) as [grown quarter].
assert (total := underflow_small n nonempty (sane_columns sane)).
assert (bound := T15_diagonal (-1074) 53 n H C U d run symmetric pivots
  (gam_up (uro 53) n) hmax grown quarter (hmax_ge0 nonempty) (sane_above sane) total
  i j ibelow jbelow).
eapply Rle_trans; [exact bound|].
assert (Gpos : 0 < gam_up (uro 53) n) by (unfold gam_up; nra).
eapply Rle_trans.
- apply lower_raise with (r := uro 53); try assumption.
  + apply Rdiv_lt_0_compat; lra.
  + apply (under_matrix_ge0 (-1074)); exact (hmax_ge0 nonempty).
  + lra.
  + exact raise64.
- apply Rmult_le_compat_r; [apply Rmult_le_pos; apply sqrt_pos|].
  apply residual64_constant; [exact nonempty|exact (sane_columns sane)].
Qed.

(** T15 for the factor rounded once to binary32. *)
Theorem residual_entry_binary32 i j : (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H (round_factor (-149) 24 U) d i j)
  <= residual32 n * (sqrt (H i i) * sqrt (H j j)).
Proof.
intros ibelow jbelow; assert (nonempty : (0 < n)%nat) by lia.
destruct (growth_range n nonempty (sane_columns sane)) as [upos [above [small square]]].
destruct (growth_up_small n nonempty (sane_columns sane)) as [grown quarter].
assert (total := underflow_small n nonempty (sane_columns sane)).
assert (top := hmax_ge0 nonempty).
assert (v_small : uro 24 <= / 16)
  by (change (/ 16) with (bpow radix2 (-4)); apply bpow_le; lia).
assert (z_small : eta (-149) <= / 16)
  by (change (/ 16) with (bpow radix2 (-4)); apply bpow_le; lia).
assert (bound := T15_rounded (-1074) 53 (-149) 24 n H C U d run symmetric pivots
  (gam_up (uro 53) n) hmax grown quarter top (sane_above sane) total v_small z_small
  i j ibelow jbelow).
eapply Rle_trans; [exact bound|].
assert (Gpos : 0 < gam_up (uro 53) n) by (unfold gam_up; nra).
assert (vpos : 0 < uro 24) by apply bpow_gt_0.
assert (wmono : under_matrix (eta (-1074)) n hmax
    <= under_rounded (eta (-1074)) (eta (-149)) n hmax).
{ unfold under_rounded; assert (zpos : 0 < eta (-1074)) by apply bpow_gt_0.
  assert (zpos' : 0 < eta (-149)) by apply bpow_gt_0; assert (index := pos_INR n).
  assert (inner : 0 <= 2 * INR n * eta (-1074)) by (repeat apply Rmult_le_pos; lra).
  assert (extra : 0 <= 4 * INR n * eta (-149) * (hmax + 2 * INR n * eta (-1074)))
    by (repeat apply Rmult_le_pos; lra).
  lra. }
assert (wpos := under_matrix_ge0 (-1074) n hmax top).
set (c := (gam_up (uro 53) n + (2 * uro 24 + uro 24 ^ 2)) / (1 - gam_up (uro 53) n)) in *.
assert (cpos : 0 < c)
  by (apply Rdiv_lt_0_compat; [assert (square_v : 0 <= uro 24 ^ 2) by apply pow2_ge_0|]; lra).
set (w := under_rounded (eta (-1074)) (eta (-149)) n hmax) in *.
destruct (sane_sizes i ibelow) as [Hi _]; destruct (sane_sizes j jbelow) as [Hj _].
apply Rle_trans with (c * (sqrt (H i i + w) * sqrt (H j j + w)) + w).
- apply Rplus_le_compat_r, Rmult_le_compat_l; [lra|].
  apply Rmult_le_compat; try apply sqrt_pos; apply sqrt_le_1_alt; lra.
- eapply Rle_trans; [apply lower_raise with (r := uro 24); try assumption; try lra|].
  + exact raise32.
  + apply Rmult_le_compat_r; [apply Rmult_le_pos; apply sqrt_pos|].
    apply residual32_constant; [exact nonempty|exact (sane_columns sane)].
Qed.

(** T15 as a bound on the quadratic form of the residual in binary64. *)
Theorem residual_form_binary64 v :
  Rabs (qform n (resid n H U d) v)
  <= residual64 n * weighted_size n (root_diagonal H) v ^ 2.
Proof.
apply (qform_residual_le n _ _ (root_diagonal H) v); intros i j ibelow jbelow.
unfold root_diagonal; apply residual_entry_binary64; assumption.
Qed.

(** T15 as a bound on the quadratic form of the residual of the rounded factor. *)
Theorem residual_form_binary32 v :
  Rabs (qform n (resid n H (round_factor (-149) 24 U) d) v)
  <= residual32 n * weighted_size n (root_diagonal H) v ^ 2.
Proof.
apply (qform_residual_le n _ _ (root_diagonal H) v); intros i j ibelow jbelow.
unfold root_diagonal; apply residual_entry_binary32; assumption.
Qed.

End Closed.
