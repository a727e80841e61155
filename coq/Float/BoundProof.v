(** * The program of the certificate's bound encloses it

    Purpose: [BoundProgram] read on the reals with one rounding per operation.  Its numbers are
      nonnegative and do not underflow, so that roundings are counted ([Within]); the two
      exceptions, the residual's term and the excess of the diagonal, lose less than 2^-780, which
      is nothing beside the distances delta.
    Main definitions: [bound_row] (what is supposed of a row).
    Main results: [bound_error_value], [norm_near], [reach_near], [squares_near], [size_near],
      [loss_near], [excess_near] (the parts), [bound_encloses], [measured_gap],
      [certified_bound_encloses].
    Depends on: [BoundProgram], [CertifiedBound], [Within].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError RecurrenceError.
From Hallmark.Float Require Import Factor FactorRounded Residual FactorClosed Hessian Emitted.
From Hallmark.Float Require Import FullArithmetic RoundedSum GuardProgram GuardProof FusedProgram.
From Hallmark.Float Require Import BoundProgram CertifiedBound Within.
Open Scope R_scope.

Local Notation u := (uro 53).
Local Notation F := full64.

(** A number of binary32, below the size at which that overflows. *)
Definition binary32_number (x : R) : Prop := in_format (-149) 24 x /\ Rabs x <= bpow radix2 128.

(** The row: pivots, diagonal of H, weights, scales and points as the program has them; h_j within
    one rounding of the gap. *)
Record bound_row (n : nat) (lam : R) (G V : mat) (d w s g gap h u' : vec) : Prop := {
  bound_some : (0 < n)%nat;
  bound_few : (Z.of_nat n < 2 ^ 24)%Z;
  bound_pivots : forall j, (j < n)%nat -> bpow radix2 (-400) <= d j;
  bound_diagonal : forall j, (j < n)%nat -> bpow radix2 (-900) <= hessian_stored lam G j j;
  bound_damping : 0 <= lam;
  bound_gram : forall j, (j < n)%nat -> in_format (-1074) 53 (G j j) /\ 0 <= G j j;
  bound_factor : forall k j, (k < j < n)%nat -> in_format (-149) 24 (V k j);
  bound_numbers : forall j, (j < n)%nat ->
    binary32_number (w j) /\ binary32_number (s j) /\ binary32_number (g j);
  bound_weights : forall j, (j < n)%nat -> in_format (-149) 24 (u' j);
  bound_format : forall j, (j < n)%nat -> in_format (-1074) 53 (h j);
  bound_gaps : forall j, (j < n)%nat -> within 1 (h j) (gap j) }.
Arguments bound_some {n lam G V d w s g gap h u'}.
Arguments bound_few {n lam G V d w s g gap h u'}.
Arguments bound_pivots {n lam G V d w s g gap h u'}.
Arguments bound_diagonal {n lam G V d w s g gap h u'}.
Arguments bound_damping {n lam G V d w s g gap h u'}.
Arguments bound_gram {n lam G V d w s g gap h u'}.
Arguments bound_factor {n lam G V d w s g gap h u'}.
Arguments bound_numbers {n lam G V d w s g gap h u'}.
Arguments bound_weights {n lam G V d w s g gap h u'}.
Arguments bound_format {n lam G V d w s g gap h u'}.
Arguments bound_gaps {n lam G V d w s g gap h u'}.

(** A number within no rounding of its absolute value's value. *)
Lemma rounded_abs x : Rabs (rnd64 x) = rnd64 (Rabs x).
Proof.
destruct (Rle_or_lt 0 x) as [pos|neg].
- rewrite (Rabs_pos_eq x) by exact pos; apply Rabs_pos_eq.
  rewrite <- (rnd_0 (-1074) 53); apply (rnd_le (-1074) 53); exact pos.
- rewrite (Rabs_left x) by exact neg; rewrite (rnd_opp (-1074) 53); apply Rabs_left1.
  rewrite <- (rnd_0 (-1074) 53); apply (rnd_le (-1074) 53); lra.
Qed.

(** The norm of n numbers, each from 2^-298 up or zero and within one rounding of x. *)
Lemma norm_near n x' x : (forall k, (k < n)%nat -> above (-298) (Rabs (x' k))) ->
  (forall k, (k < n)%nat -> within 1 (Rabs (x' k)) (Rabs (x k))) ->
  within (n / 2 + 4) (bound_norm F n x') (enlarged_norm n x)
  /\ above (-298) (bound_norm F n x').
Proof.
intros large close; unfold bound_norm, enlarged_norm; cbn [a_mul a_sqrt a_lit F full64 full_real].
set (S := sum_chain F n (fun k => rnd64 (x' k * x' k))).
assert (term : forall k, (k < n)%nat -> above (-596) (rnd64 (x' k * x' k))
    /\ within 3 (rnd64 (x' k * x' k)) (x k ^ 2)).
{ intros k below; rewrite <- (Rabs_pos_eq (x' k * x' k)) by apply (Rle_0_sqr (x' k));
    rewrite Rabs_mult.
  assert (product := above_mult _ _ _ _ (large k below) (large k below)).
  split; [exact (above_round _ _ product eq_refl)|].
  replace (x k ^ 2) with (Rabs (x k) * Rabs (x k)) by (rewrite <- pow2_abs; ring).
  apply (within_rounded 2); [exact (above_normal _ _ product eq_refl)|].
  apply (within_mult 1 1); apply close; exact below. }
assert (sum : within (3 + n) S (bsum n (fun k => x k ^ 2))).
{ apply within_sum; intros k below; [apply (rnd_format (-1074) 53)|apply term; exact below]. }
assert (Slarge : above (-596) S)
  by (apply above_sum; [reflexivity|intros k below; apply term; exact below]).
assert (half : (3 + n <= n / 2 + 2 + (n / 2 + 2))%nat).
{ assert (split := Nat.div_mod n 2 ltac:(lia)); assert (rest := Nat.mod_upper_bound n 2); lia. }
assert (root := within_sqrt (n / 2 + 2) _ _ (within_le _ _ _ _ half sum)).
assert (rlarge := above_sqrt (-298) S Slarge).
assert (lit : IZR 1048577 * bpow radix2 (-20) = 1048577 / 1048576) by (simpl; lra); rewrite lit.
assert (rounded := above_round (-298) _ rlarge eq_refl).
assert (factor : above 0 (1048577 / 1048576)) by (right; simpl; lra).
assert (product := above_mult _ _ _ _ rounded factor); rewrite Z.add_0_r in product.
split; [|exact (above_round _ _ product eq_refl)].
replace (n / 2 + 4)%nat with (n / 2 + 2 + 1 + 0 + 1)%nat by lia.
apply within_rounded; [exact (above_normal _ _ product eq_refl)|].
apply within_mult; [|apply within_refl; lra].
apply within_rounded; [exact (above_normal _ _ rlarge eq_refl)|exact root].
Qed.

Section Row.

Variable n : nat.
Variable lam : R.
Variables G U : mat.
Variables d w s g gap h u' : vec.
Notation V := (stored_factor U).
Notation H := (hessian_stored lam G).
Notation e := (vsub w (scaled_points s g)).
Hypothesis row : bound_row n lam G V d w s g gap h u'.
Notation e' := (bound_error F w s g).
Notation N := (bound_norm F n e').
Notation N' := (enlarged_norm n e).

(** A number of binary32 is a multiple of 2^-149. *)
Lemma binary32_multiple x : binary32_number x -> multiple (-149) x.
Proof. intros [form _]; exact (multiple_of_format (-149) 24 x form). Qed.

(** The product of two numbers of binary32 is exact in binary64. *)
Lemma exact_product64 x y : binary32_number x -> binary32_number y -> rnd64 (x * y) = x * y.
Proof.
intros [formx _] [formy _]; apply (rnd_exact (-1074) 53).
apply FLT_format_generic in formx; [|reflexivity]; apply FLT_format_generic in formy;
  [|reflexivity].
destruct formx as [[mx kx] valuex smallx deepx]; destruct formy as [[my ky] valuey smally deepy].
cbn [Fnum Fexp] in *; apply generic_format_FLT; exists (Float radix2 (mx * my) (kx + ky)).
- rewrite valuex, valuey; unfold F2R; cbn [Fnum Fexp]; rewrite bpow_plus, mult_IZR; ring.
- cbn [Fnum]; rewrite Z.abs_mul; change (radix2 ^ 53)%Z with (2 ^ 53)%Z.
  change (radix2 ^ 24)%Z with (2 ^ 24)%Z in *.
  apply Z.le_lt_trans with (2 ^ 24 * 2 ^ 24)%Z; [apply Z.mul_le_mono_nonneg; lia|reflexivity].
- cbn [Fexp]; lia.
Qed.

(** The errors are rounded once, do not underflow and are below 2^257. *)
Lemma bound_error_value j : (j < n)%nat -> e' j = rnd64 (e j)
  /\ above (-298) (Rabs (e' j)) /\ within 1 (Rabs (e' j)) (Rabs (e j))
  /\ Rabs (e' j) <= bpow radix2 257.
Proof.
intros below; destruct (bound_numbers row j below) as [wj [sj gj]].
assert (value : e' j = rnd64 (e j)).
{ unfold bound_error, vsub, scaled_points;
    cbn [a_sub a_mul full_base F full64 full_real real_arith].
  rewrite exact_product64 by assumption; reflexivity. }
assert (whole : multiple (-298) (e j)).
{ unfold vsub, scaled_points, Rminus; apply multiple_plus.
  - apply (multiple_weaken (-298) (-149)); [lia|apply binary32_multiple; exact wj].
  - rewrite Ropp_mult_distr_l.
    apply (multiple_mult (-149) (-149)); [|apply binary32_multiple; exact gj].
    destruct (binary32_multiple _ sj) as [m ->]; exists (- m)%Z; rewrite opp_IZR; ring. }
assert (large := above_multiple (-298) _ whole).
split; [exact value|rewrite value, rounded_abs; split;
  [exact (above_round _ _ large eq_refl)|split]].
- apply within_round; exact (above_normal _ _ large eq_refl).
- rewrite <- (rnd_exact (-1074) 53 (bpow radix2 257)) by (apply bpow_format; lia).
  apply (rnd_le (-1074) 53); unfold vsub, scaled_points.
  eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_Ropp, Rabs_mult].
  destruct wj as [_ wj]; destruct sj as [_ sj]; destruct gj as [_ gj].
  assert (product : Rabs (s j) * Rabs (g j) <= bpow radix2 128 * bpow radix2 128)
    by (apply Rmult_le_compat; try apply Rabs_pos; assumption).
  rewrite <- bpow_plus in product; change (128 + 128)%Z with 256%Z in product.
  assert (more : bpow radix2 128 <= bpow radix2 256) by (apply bpow_le; lia).
  replace (bpow radix2 257) with (2 * bpow radix2 256)
    by (change 257%Z with (1 + 256)%Z; rewrite bpow_plus; reflexivity).
  lra.
Qed.

(** The norm of the row. *)
Lemma row_norm_near : within (n / 2 + 4) N N' /\ above (-298) N.
Proof. apply norm_near; intros k below; apply (bound_error_value k below). Qed.

(** The norm of a column. *)
Lemma column_near j : (j < n)%nat ->
  within (n / 2 + 4) (bound_column F V j) (enlarged_norm j (fun k => V k j))
  /\ above (-298) (bound_column F V j).
Proof.
intros below.
assert (large : forall k, (k < j)%nat -> above (-298) (Rabs (V k j))).
{ intros k before; apply (above_le _ (-149)); [lia|apply above_multiple].
  apply (multiple_of_format (-149) 24), (bound_factor row); lia. }
destruct (norm_near j (fun k => V k j) (fun k => V k j) large
  (fun k _ => within_refl 1 _ (Rabs_pos _))) as [near floor].
split; [apply (within_le (j / 2 + 4)); [|exact near]|exact floor].
assert (divided := Nat.div_le_mono j n 2 ltac:(lia) ltac:(lia)); lia.
Qed.

(** The index of a column, times a power of two. *)
Lemma index_value j k : (j < n)%nat ->
  IZR (Z.of_nat j + 1) * bpow radix2 k = INR (S j) * bpow radix2 k
  /\ bpow radix2 k <= INR (S j) * bpow radix2 k.
Proof.
intros below; split; [rewrite INR_IZR_INZ; f_equal; f_equal; lia|].
rewrite S_INR; assert (index := pos_INR j); assert (pos := bpow_gt_0 radix2 k); nra.
Qed.

(** The distance and the gap of a column. *)
Lemma reach_near j : (j < n)%nat ->
  within (n + 15) (bound_reach F V N h u' j) (gap j + certified_delta V N' u' j)
  /\ in_format (-1074) 53 (bound_reach F V N h u' j)
  /\ bpow radix2 (-148) <= bound_reach F V N h u' j.
Proof.
intros below; destruct (column_near j below) as [column clarge].
destruct row_norm_near as [norm nlarge].
unfold bound_reach, bound_chain, bound_under, certified_delta.
cbn [a_add a_mul a_abs a_lit full_base F full64 full_real real_arith].
destruct (index_value j (-24) below) as [xsame xlow]; rewrite xsame.
destruct (index_value j (-148) below) as [ysame ylow]; rewrite ysame.
assert (one : IZR 1 * bpow radix2 0 = 1) by (simpl; lra); rewrite one.
replace (IZR 1 * bpow radix2 (-24)) with (bpow radix2 (-24)) by ring.
set (x := INR (S j) * bpow radix2 (-24)) in *; set (y := INR (S j) * bpow radix2 (-148)) in *.
set (c := bound_column F V j) in *; set (c' := enlarged_norm j (fun k => V k j)) in *.
assert (xpos : above (-24) x) by (right; exact xlow).
assert (sum : above 0 (1 + x)).
{ right; assert (pos := above_ge0 _ _ xpos); simpl; lra. }
assert (sum_near : within 1 (rnd64 (1 + x)) (1 + x))
  by (apply within_round; exact (above_normal _ _ sum eq_refl)).
assert (twice := above_mult _ _ _ _ xpos (above_round 0 _ sum eq_refl)).
assert (twice_near : within 2 (rnd64 (x * rnd64 (1 + x))) (x * (1 + x))).
{ apply (within_rounded 1); [exact (above_normal _ _ twice eq_refl)|].
  apply (within_mult 0 1); [apply within_refl; exact (above_ge0 _ _ xpos)|exact sum_near]. }
assert (chain := above_mult _ _ _ _ (above_round _ _ twice eq_refl) clarge).
assert (chain_near := within_rounded _ _ _ (above_normal _ _ chain eq_refl)
  (within_mult _ _ _ _ _ _ twice_near column)).
assert (first := above_mult _ _ _ _ (above_round _ _ chain eq_refl) nlarge).
assert (first_near := within_rounded _ _ _ (above_normal _ _ first eq_refl)
  (within_mult _ _ _ _ _ _ chain_near norm)).
assert (weight : above (-173) (bpow radix2 (-24) * Rabs (u' j))).
{ apply (above_mult (-24) (-149)); [right; apply Rle_refl|apply above_multiple].
  apply (multiple_of_format (-149) 24), (bound_weights row); exact below. }
assert (weight_near := within_round _ (above_normal _ _ weight eq_refl)).
assert (cpos := above_ge0 _ _ clarge).
assert (more : above 0 (1 + c)) by (right; simpl; lra).
assert (more_near : within (n / 2 + 5) (rnd64 (1 + c)) (1 + c')).
{ replace (n / 2 + 5)%nat with (n / 2 + 4 + 1)%nat by lia.
  apply within_rounded; [exact (above_normal _ _ more eq_refl)|].
  apply within_add; [apply within_refl; lra|exact column]. }
assert (yabove : above (-148) y) by (right; exact ylow).
assert (under := above_mult _ _ _ _ yabove (above_round 0 _ more eq_refl)).
assert (under_near := within_rounded _ _ _ (above_normal _ _ under eq_refl)
  (within_mult 0 _ _ _ _ _ (within_refl 0 y (above_ge0 _ _ yabove)) more_near)).
assert (half : (n / 2 + n / 2 <= n)%nat).
{ assert (split := Nat.div_mod n 2 ltac:(lia)); lia. }
set (p1 := rnd64 (rnd64 (rnd64 (x * rnd64 (1 + x)) * c) * N)) in *.
set (p2 := rnd64 (bpow radix2 (-24) * Rabs (u' j))) in *.
set (p3 := rnd64 (y * rnd64 (1 + c))) in *.
apply (within_le _ (n + 12)) in first_near; [|lia].
apply (within_le _ (n + 13)) in weight_near; [|lia].
apply (within_le _ (n + 14)) in under_near; [|lia].
assert (gap_near := within_le 1 (n + 12) _ _ ltac:(lia) (bound_gaps row j below)).
assert (sum1 := within_round_add _ _ _ _ (bound_format row j below) (rnd_format (-1074) 53 _)
  (within_add _ _ _ _ _ gap_near first_near)).
fold p1 in sum1; replace (n + 12 + 1)%nat with (n + 13)%nat in sum1 by lia.
assert (sum2 := within_round_add _ _ _ _ (rnd_format (-1074) 53 _) (rnd_format (-1074) 53 _)
  (within_add _ _ _ _ _ sum1 weight_near)).
fold p2 in sum2; replace (n + 13 + 1)%nat with (n + 14)%nat in sum2 by lia.
assert (sum3 := within_round_add _ _ _ _ (rnd_format (-1074) 53 _) (rnd_format (-1074) 53 _)
  (within_add _ _ _ _ _ sum2 under_near)).
fold p3 in sum3; replace (n + 14 + 1)%nat with (n + 15)%nat in sum3 by lia.
split; [|split; [apply (rnd_format (-1074) 53)|]].
- match type of sum3 with within _ _ ?b =>
    match goal with |- within _ _ ?a => replace a with b by ring end end.
  exact sum3.
- destruct sum2 as [pos _]; rewrite <- (rnd_exact (-1074) 53 (bpow radix2 (-148)))
    by (apply bpow_format; lia).
  apply (rnd_le (-1074) 53).
  assert (low : bpow radix2 (-148) <= p3).
  { unfold p3; rewrite <- (rnd_exact (-1074) 53 (bpow radix2 (-148))) by (apply bpow_format; lia).
    apply (rnd_le (-1074) 53).
    destruct (above_round 0 _ more eq_refl) as [zero|big].
    - destruct more_near as [_ [_ [_ down]]]; rewrite zero, Rmult_0_r in down.
      assert (c'pos : 0 <= c') by (destruct column as [_ [pos' _]]; exact pos'); lra.
    - simpl in big; assert (bp := bpow_gt_0 radix2 (-148)); nra. }
  lra.
Qed.

Notation r' := (bound_reach F V N h u').
Notation r := (fun j => gap j + certified_delta V N' u' j).

(** The sum of the squares, which the distances keep from being tiny. *)
Lemma squares_near :
  within (3 * n + 32) (bound_squares F n d r') (bsum n (fun j => d j * r j ^ 2))
  /\ bpow radix2 (-696) <= bound_squares F n d r'.
Proof.
unfold bound_squares; change (full_base F) with real64.
assert (terms : forall j, (j < n)%nat ->
  within (n + 15 + 1 + (n + 15) + 1) (rnd64 (rnd64 (d j * r' j) * r' j)) (d j * r j ^ 2)
  /\ bpow radix2 (-696) <= rnd64 (rnd64 (d j * r' j) * r' j)).
{ intros j below; destruct (reach_near j below) as [near [_ low]].
  assert (dj := bound_pivots row j below).
  assert (first := above_mult _ _ _ _ (or_intror dj : above (-400) (d j))
    (or_intror low : above (-148) (r' j))).
  assert (second := above_mult _ _ _ _ (above_round _ _ first eq_refl)
    (or_intror low : above (-148) (r' j))).
  assert (dpos : 0 <= d j) by (eapply Rle_trans; [apply bpow_ge_0|exact dj]).
  replace (d j * r j ^ 2) with (d j * r j * r j) by ring; split.
  - apply within_rounded; [exact (above_normal _ _ second eq_refl)|].
    apply within_mult; [|exact near].
    apply within_rounded; [exact (above_normal _ _ first eq_refl)|].
    apply (within_mult 0 (n + 15)); [apply within_refl; exact dpos|exact near].
  - assert (large := above_round _ _ second eq_refl).
    destruct large as [zero|large]; [|exact large].
    exfalso; assert (pos1 := bpow_gt_0 radix2 (-400)); assert (pos2 := bpow_gt_0 radix2 (-148)).
    assert (one : bpow radix2 (-548) <= rnd64 (d j * r' j)).
    { rewrite <- (rnd_exact (-1074) 53 (bpow radix2 (-548))) by (apply bpow_format; lia).
      apply (rnd_le (-1074) 53); change (-548)%Z with (-400 + -148)%Z; rewrite bpow_plus.
      apply Rmult_le_compat; lra. }
    assert (two : bpow radix2 (-696) <= rnd64 (rnd64 (d j * r' j) * r' j)).
    { rewrite <- (rnd_exact (-1074) 53 (bpow radix2 (-696))) by (apply bpow_format; lia).
      apply (rnd_le (-1074) 53); change (-696)%Z with (-548 + -148)%Z; rewrite bpow_plus.
      apply Rmult_le_compat; try apply bpow_ge_0; assumption. }
    rewrite zero in two; assert (pos := bpow_gt_0 radix2 (-696)); lra. }
split.
- replace (3 * n + 32)%nat with (n + 15 + 1 + (n + 15) + 1 + n)%nat by lia.
  apply within_sum; intros j below; [apply (rnd_format (-1074) 53)|apply terms; exact below].
- apply Rle_trans with (1 := proj2 (terms 0%nat (bound_some row))).
  apply (sum_chain_term n (fun j => rnd64 (rnd64 (d j * r' j) * r' j)) 0);
    [exact (bound_some row)| |apply (rnd_format (-1074) 53)].
  intros j below; destruct (terms j below) as [[pos _] _]; exact pos.
Qed.

Notation A := (guard_size F n (fun j => H j j) e').
Notation A' := (weighted_size n (root_diagonal H) e).

(** The size. *)
Lemma size_near : within (n + 3) A A' /\ above (-748) A.
Proof.
unfold guard_size; change (full_base F) with real64.
assert (terms : forall j, (j < n)%nat ->
  within 3 (rnd64 (Rabs (e' j) * rnd64 (sqrt (H j j)))) (Rabs (e j) * sqrt (H j j))
  /\ above (-748) (rnd64 (Rabs (e' j) * rnd64 (sqrt (H j j))))).
{ intros j below; destruct (bound_error_value j below) as [_ [large [near _]]].
  assert (root : above (-450) (sqrt (H j j)))
    by (apply above_sqrt; right; exact (bound_diagonal row j below)).
  assert (product := above_mult _ _ _ _ large (above_round _ _ root eq_refl)).
  split; [|exact (above_round _ _ product eq_refl)].
  apply (within_rounded 2); [exact (above_normal _ _ product eq_refl)|].
  apply (within_mult 1 1); [exact near|].
  apply within_round; exact (above_normal _ _ root eq_refl). }
split.
- replace (n + 3)%nat with (3 + n)%nat by lia.
  apply within_sum; intros j below; [apply (rnd_format (-1074) 53)|apply terms; exact below].
- apply above_sum; [reflexivity|intros j below; apply terms; exact below].
Qed.

(** The residual's constant. *)
Lemma residual_value : fused_g F n = residual32 n /\ bpow radix2 (-24) <= residual32 n.
Proof.
assert (value : fused_g F n = residual32 n).
{ unfold fused_g, residual32, residual64; cbn [a_lit F full64 full_real].
  rewrite plus_IZR, <- INR_IZR_INZ; simpl bpow; lra. }
split; [exact value|].
unfold residual32, residual64; assert (index := pos_INR n); simpl bpow; lra.
Qed.

(** Up to a tiny number, within k roundings of each other. *)
Definition nearly (k : nat) (x y : R) : Prop := 0 <= x /\ 0 <= y
  /\ x <= (1 + u) ^ k * y + bpow radix2 (-780) /\ y <= (1 + u) ^ k * x + bpow radix2 (-780).

(** A rounding costs one more, or underflows. *)
Lemma rounding_sides x : 0 <= x ->
  0 <= rnd64 x /\ rnd64 x <= (1 + u) * x + eta (-1074) /\ x <= (1 + u) * rnd64 x + eta (-1074).
Proof.
intros pos; assert (stays : 0 <= rnd64 x)
  by (rewrite <- (rnd_0 (-1074) 53); apply (rnd_le (-1074) 53); exact pos).
assert (error := rnd_error (-1074) 53 x); assert (again := rnd_error_round (-1074) 53 x).
rewrite (Rabs_pos_eq x) in error by exact pos.
rewrite (Rabs_pos_eq (rnd64 x)) in again by exact stays.
apply Rabs_le_inv in error; apply Rabs_le_inv in again; lra.
Qed.

(** The counts that occur cost at most a factor of 2. *)
Lemma small_power k : (k <= 3 * n + 40)%nat -> 1 <= (1 + u) ^ k <= 2.
Proof.
intros few; split; [apply power_ge1|].
assert (many := bound_few row).
assert (closed := within_closed k ltac:(lia)).
assert (count : 0 <= INR k <= 134217728).
{ split; [apply pos_INR|rewrite INR_IZR_INZ; change 134217728 with (IZR (2 ^ 27)); apply IZR_le;
    lia]. }
assert (value : u = / 9007199254740992) by (unfold uro; simpl; lra); rewrite value in *.
lra.
Qed.

(** A tiny number and twice half the smallest one. *)
Lemma tiny_eta : 0 < eta (-1074) /\ eta (-1074) <= bpow radix2 (-780) / 1024.
Proof.
split; [apply bpow_gt_0|].
replace (bpow radix2 (-780) / 1024) with (bpow radix2 (-790))
  by (change (-790)%Z with (-780 - 10)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
unfold eta; apply bpow_le; lia.
Qed.

(** The bound of the loss in H. *)
Lemma loss_near :
  nearly (3 * n + 33) (bound_loss F n (bound_squares F n d r') A)
    (bsum n (fun j => d j * r j ^ 2) + residual32 n * A' ^ 2)
  /\ bpow radix2 (-697) <= bound_loss F n (bound_squares F n d r') A.
Proof.
destruct squares_near as [sum large]; destruct size_near as [size slarge].
destruct residual_value as [gvalue glow].
unfold bound_loss; rewrite gvalue; set (g' := residual32 n) in *.
cbn [a_add a_mul full_base F full64 full_real real_arith].
set (Q := bound_squares F n d r') in *; set (Q' := bsum n (fun j => d j * r j ^ 2)) in *.
set (S := A) in *; set (S' := A') in *.
assert (gpos : 0 <= g') by (eapply Rle_trans; [apply bpow_ge_0|exact glow]).
assert (first := above_mult _ _ _ _ (or_intror glow : above (-24) g') slarge).
assert (first_near := within_rounded _ _ _ (above_normal _ _ first eq_refl)
  (within_mult 0 _ _ _ _ _ (within_refl 0 g' gpos) size)).
assert (product := within_mult _ _ _ _ _ _ first_near size).
set (p := rnd64 (g' * S)) in *.
replace (g' * S' * S') with (g' * S' ^ 2) in product by ring.
destruct product as [ppos [qpos [pup pdown]]].
destruct (rounding_sides (p * S) ppos) as [Tpos [Tup Tdown]].
set (T := rnd64 (p * S)) in *; set (T' := g' * S' ^ 2) in *.
destruct tiny_eta as [hpos hsmall]; set (eps := eta (-1074)) in *.
destruct sum as [Qpos [Q'pos [Qup Qdown]]].
set (k := (0 + (n + 3) + 1 + (n + 3))%nat) in *.
assert (few : (k + 1 <= 3 * n + 32)%nat) by (unfold k; assert (some := bound_some row); lia).
assert (big := growth_mono u (Rlt_le _ _ (uro_pos 53)) (k + 1) (3 * n + 32) few).
assert (kp := small_power k ltac:(lia)).
assert (step : (1 + u) ^ (k + 1) = (1 + u) ^ k * (1 + u)) by (rewrite pow_add, pow_1; reflexivity).
assert (uvalue : u = / 9007199254740992) by (unfold uro; simpl; lra).
assert (Tup' : T <= (1 + u) ^ (3 * n + 32) * T' + eps).
{ apply Rle_trans with ((1 + u) ^ (k + 1) * T' + eps).
  - rewrite step; replace ((1 + u) ^ k * (1 + u) * T') with ((1 + u) * ((1 + u) ^ k * T')) by ring.
    assert (scaled : (1 + u) * (p * S) <= (1 + u) * ((1 + u) ^ k * T'))
      by (apply Rmult_le_compat_l; [rewrite uvalue; lra|exact pup]).
    lra.
  - apply Rplus_le_compat_r, Rmult_le_compat_r; [exact qpos|exact big]. }
assert (Tdown' : T' <= (1 + u) ^ (3 * n + 32) * T + 2 * eps).
{ apply Rle_trans with ((1 + u) ^ (k + 1) * T + 2 * eps).
  - rewrite step.
    assert (scaled : (1 + u) ^ k * (p * S) <= (1 + u) ^ k * ((1 + u) * T + eps))
      by (apply Rmult_le_compat_l; [lra|exact Tdown]).
    assert (rest : (1 + u) ^ k * eps <= 2 * eps) by (apply Rmult_le_compat_r; lra).
    lra.
  - apply Rplus_le_compat_r, Rmult_le_compat_r; [exact Tpos|exact big]. }
assert (total : 0 <= Q + T) by lra.
assert (round := within_round_add 0 Q T (Q + T) (sum_chain_format n _) (rnd_format (-1074) 53 _)
  (within_refl 0 _ total)); rewrite Nat.add_0_l in round.
destruct round as [Lpos [_ [Lup Ldown]]]; fold T in Lpos, Lup, Ldown.
set (L := rnd64 (Q + T)) in *; rewrite pow_1 in Lup, Ldown.
assert (PP := small_power (3 * n + 32) ltac:(lia)).
assert (next : (1 + u) ^ (3 * n + 33) = (1 + u) ^ (3 * n + 32) * (1 + u)).
{ replace (3 * n + 33)%nat with (3 * n + 32 + 1)%nat by lia; rewrite pow_add, pow_1; reflexivity. }
set (P := (1 + u) ^ (3 * n + 32)) in *; clearbody P.
assert (half : bpow radix2 (-697) = bpow radix2 (-696) / 2)
  by (change (-697)%Z with (-696 - 1)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
assert (lpos := bpow_gt_0 radix2 (-696)); rewrite uvalue in Lup, Ldown.
split; [|rewrite half; lra].
unfold nearly; rewrite next, uvalue; split; [exact Lpos|split; [lra|split]].
- lra.
- assert (scaled : P * (Q + T) <= P * ((1 + / 9007199254740992) * L))
    by (apply Rmult_le_compat_l; lra).
  assert (PT : T <= P * T) by (rewrite <- (Rmult_1_l T) at 1; apply Rmult_le_compat_r; lra).
  lra.
Qed.

Notation X := (bound_excess F n (fun j => H j j) (fun j => 2 * G j j) e').
Notation X' := (bsum n (fun j => (H j j - 2 * G j j) * e j ^ 2)).

(** The excess of the diagonal is nonnegative and rounded once. *)
Lemma excess_value j : (j < n)%nat ->
  within 1 (rnd64 (H j j - 2 * G j j)) (H j j - 2 * G j j).
Proof.
intros below; destruct (bound_gram row j below) as [form pos].
assert (form2 := format_double (-1074) 53 (G j j) form).
assert (diagonal : H j j = rnd64 (2 * G j j + lam))
  by (unfold hessian_stored; rewrite Nat.eqb_refl; reflexivity).
assert (more : 0 <= H j j - 2 * G j j).
{ rewrite diagonal; rewrite <- (rnd_exact (-1074) 53 (2 * G j j)) at 2 by exact form2.
  assert (lam_pos := bound_damping row).
  assert (up := rnd_le (-1074) 53 (2 * G j j) (2 * G j j + lam) ltac:(lra)); lra. }
unfold Rminus in *; apply (within_round_add 0);
  [rewrite diagonal; apply (rnd_format (-1074) 53)|apply (format_opp (-1074) 53); exact form2|].
apply within_refl; exact more.
Qed.

(** A product that changes its sign twice. *)
Lemma signs x y : rnd64 (rnd64 (x * y) * y) = rnd64 (rnd64 (x * Rabs y) * Rabs y).
Proof.
destruct (Rle_or_lt 0 y) as [pos|neg]; [rewrite (Rabs_pos_eq y) by exact pos; reflexivity|].
rewrite (Rabs_left y) by exact neg.
replace (x * - y) with (- (x * y)) by ring; rewrite (rnd_opp (-1074) 53); f_equal; ring.
Qed.

(** A term of the excess, up to underflow. *)
Lemma excess_term j : (j < n)%nat ->
  let p := rnd64 (rnd64 (rnd64 (H j j - 2 * G j j) * e' j) * e' j) in
  let q := (H j j - 2 * G j j) * e j ^ 2 in
  0 <= p /\ 0 <= q /\ p <= (1 + u) ^ 5 * q + bpow radix2 (-815)
  /\ q <= (1 + u) ^ 5 * p + bpow radix2 (-815).
Proof.
intros below p q; unfold p; rewrite signs.
destruct (bound_error_value j below) as [_ [_ [near small]]];
  assert (value := excess_value j below).
set (x := rnd64 (H j j - 2 * G j j)) in *; set (a := Rabs (e' j)) in *.
assert (apos : 0 <= a) by apply Rabs_pos; assert (xpos := proj1 value).
destruct (rounding_sides (x * a) (Rmult_le_pos _ _ xpos apos)) as [mpos [mup mdown]].
set (m := rnd64 (x * a)) in *.
destruct (rounding_sides (m * a) (Rmult_le_pos _ _ mpos apos)) as [ppos [pup pdown]].
set (p' := rnd64 (m * a)) in *; clear p.
assert (exact_near := within_mult _ _ _ _ _ _ (within_mult _ _ _ _ _ _ value near) near).
replace ((H j j - 2 * G j j) * Rabs (e j) * Rabs (e j)) with q in exact_near
  by (unfold q; rewrite <- (pow2_abs (e j)); ring).
destruct exact_near as [xpos' [qpos [up down]]].
change (1 + 1 + 1)%nat with 3%nat in up, down.
assert (uvalue : u = / 9007199254740992) by (unfold uro; simpl; lra).
assert (three : 1 <= (1 + u) ^ 3 <= 2) by (rewrite uvalue; simpl; lra).
set (y := eta (-1074)) in *; assert (ypos : 0 < y) by apply bpow_gt_0.
assert (ya : y * a <= bpow radix2 (-818)).
{ change (-818)%Z with (-1075 + 257)%Z; rewrite bpow_plus.
  apply Rmult_le_compat_l; [apply bpow_ge_0|exact small]. }
assert (y1 : y <= bpow radix2 (-818)) by (apply bpow_le; lia).
assert (eight : bpow radix2 (-815) = 8 * bpow radix2 (-818))
  by (change (-815)%Z with (3 + -818)%Z; rewrite bpow_plus; reflexivity).
assert (five : (1 + u) ^ 5 = (1 + u) * (1 + u) * (1 + u) ^ 3) by ring.
rewrite five, eight; set (t := bpow radix2 (-818)) in *; clearbody t y.
set (P := (1 + u) ^ 3) in *; clearbody P; rewrite uvalue in *; clear uvalue.
assert (ma : m * a <= ((1 + / 9007199254740992) * (x * a) + y) * a)
  by (apply Rmult_le_compat_r; assumption).
assert (xa : x * a * a <= ((1 + / 9007199254740992) * m + y) * a)
  by (apply Rmult_le_compat_r; assumption).
split; [exact ppos|split; [exact qpos|split]].
- lra.
- assert (scaled : P * (x * a * a) <= P * ((1 + / 9007199254740992)
      * ((1 + / 9007199254740992) * p' + y) + y * a)) by (apply Rmult_le_compat_l; lra).
  assert (Py : P * y <= 2 * y) by (apply Rmult_le_compat_r; lra).
  assert (ypos' : 0 <= y * a) by (apply Rmult_le_pos; lra).
  assert (Pya : P * (y * a) <= 2 * (y * a)) by (apply Rmult_le_compat_r; lra).
  lra.
Qed.

(** The sum. *)
Lemma excess_near : nearly (n + 5) X X'.
Proof.
set (p := fun j => a_mul F (a_mul F (a_sub F (H j j) (2 * G j j)) (e' j)) (e' j)).
set (q := fun j => (H j j - 2 * G j j) * e j ^ 2).
change (nearly (n + 5) (sum_chain real64 n p) (bsum n q)).
assert (terms : forall j, (j < n)%nat -> 0 <= p j /\ 0 <= q j
  /\ p j <= (1 + u) ^ 5 * q j + bpow radix2 (-815)
  /\ q j <= (1 + u) ^ 5 * p j + bpow radix2 (-815))
  by (intros j below; exact (excess_term j below)).
assert (sum : within n (sum_chain real64 n p) (bsum n p)).
{ apply (within_sum 0); intros j below; [apply (rnd_format (-1074) 53)|].
  apply within_refl; apply (terms j below). }
assert (up : bsum n p <= (1 + u) ^ 5 * bsum n q + INR n * bpow radix2 (-815)).
{ rewrite <- bsum_scal, <- bsum_const, <- bsum_plus; apply bsum_le; intros; apply terms;
    assumption. }
assert (down : bsum n q <= (1 + u) ^ 5 * bsum n p + INR n * bpow radix2 (-815)).
{ rewrite <- bsum_scal, <- bsum_const, <- bsum_plus; apply bsum_le; intros; apply terms;
    assumption. }
assert (qpos : 0 <= bsum n q) by (apply bsum_ge0; intros; apply terms; assumption).
destruct sum as [Xpos [ppos [sup sdown]]].
assert (tiny : INR n * bpow radix2 (-815) <= bpow radix2 (-780) / 2).
{ apply Rle_trans with (bpow radix2 24 * bpow radix2 (-815)).
  - apply Rmult_le_compat_r; [apply bpow_ge_0|].
    rewrite INR_IZR_INZ; change (bpow radix2 24) with (IZR (2 ^ 24)); apply IZR_le.
    assert (few := bound_few row); lia.
  - replace (bpow radix2 (-780) / 2) with (bpow radix2 (-781))
      by (change (-781)%Z with (-780 - 1)%Z; unfold Z.sub; rewrite bpow_plus; reflexivity).
    rewrite <- bpow_plus; apply bpow_le; lia. }
assert (PP := small_power n ltac:(lia)); assert (five := power_ge1 5).
unfold nearly; rewrite pow_add; split; [exact Xpos|split; [exact qpos|]].
set (P := (1 + u) ^ n) in *; set (P5 := (1 + u) ^ 5) in *; clearbody P P5.
set (t := INR n * bpow radix2 (-815)) in *.
assert (tpos : 0 <= t) by (apply Rmult_le_pos; [apply pos_INR|apply bpow_ge_0]); clearbody t.
split.
- assert (scaled : P * bsum n p <= P * (P5 * bsum n q + t)) by (apply Rmult_le_compat_l; lra).
  assert (Pt : P * t <= 2 * t) by (apply Rmult_le_compat_r; lra).
  lra.
- assert (scaled : P5 * bsum n p <= P5 * (P * sum_chain real64 n p))
    by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

End Row.

(** The cost of k roundings, from the closed form. *)
Lemma nearly_distance k c x y : (1 + u) ^ k <= 1 + c -> 0 <= c <= 1 -> nearly k x y ->
  Rabs (x - y) <= c * x + bpow radix2 (-780).
Proof.
intros power [cpos cone] [xpos [ypos [up down]]].
assert (tpos := bpow_gt_0 radix2 (-780)); set (t := bpow radix2 (-780)) in *; clearbody t.
set (P := (1 + u) ^ k) in *; clearbody P.
assert (yup : P * x <= (1 + c) * x) by (apply Rmult_le_compat_r; assumption).
assert (xup : P * y <= (1 + c) * y) by (apply Rmult_le_compat_r; assumption).
apply Rabs_le; split; [lra|].
destruct (Rle_or_lt x y) as [less|more]; [assert (cx : 0 <= c * x) by (apply Rmult_le_pos; lra);
  lra|].
assert (cy : c * y <= c * x) by (apply Rmult_le_compat_l; lra); lra.
Qed.

(** The ends, from numbers near the exact ones. *)
Lemma bound_ends n L X L' X' : (0 < n)%nat -> (Z.of_nat n < 2 ^ 24)%Z ->
  in_format (-1074) 53 L -> in_format (-1074) 53 X -> bpow radix2 (-697) <= L ->
  nearly (3 * n + 33) L L' -> nearly (n + 5) X X' ->
  let value := rnd64 (/ 2 * rnd64 (L - X)) in
  let width := rnd64 ((INR n + 32) * bpow radix2 (-51) * rnd64 (L + X)) in
  rnd64 (value - width) <= (L' - X') / 2 <= rnd64 (value + width).
Proof.
intros some few formL formX large nearL nearX value width.
assert (uvalue : u = / 9007199254740992) by (unfold uro; simpl; lra).
assert (count : 1 <= INR n <= 16777216).
{ split; [apply (le_INR 1); lia|].
  rewrite INR_IZR_INZ; change 16777216 with (IZR (2 ^ 24)); apply IZR_le; lia. }
assert (three : INR (3 * n + 33) = 3 * INR n + 33)
  by (rewrite plus_INR, mult_INR; simpl; lra).
set (c := (INR n + 32) * bpow radix2 (-51)).
assert (cvalue : c = 4 * (INR n + 32) * / 9007199254740992)
  by (unfold c; simpl bpow; lra).
assert (crange : 0 <= c <= / 67108864) by (rewrite cvalue; lra).
set (K := (3 * INR n + 33) * / 9007199254740992 * (1 + / 67108864)).
assert (Krange : 0 <= K <= 1 /\ K + 8 * / 9007199254740992 <= c)
  by (unfold K; rewrite cvalue; split; lra).
assert (power : (1 + u) ^ (3 * n + 33) <= 1 + K).
{ assert (closed := within_closed (3 * n + 33) ltac:(lia)).
  rewrite three, uvalue in closed; rewrite uvalue; exact closed. }
assert (fewer : (1 + u) ^ (n + 5) <= 1 + K).
{ eapply Rle_trans; [|exact power]; apply growth_mono; [apply Rlt_le, uro_pos|lia]. }
assert (distL := nearly_distance _ K _ _ power (proj1 Krange) nearL).
assert (distX := nearly_distance _ K _ _ fewer (proj1 Krange) nearX).
assert (Lpos := proj1 nearL); assert (Xpos := proj1 nearX).
assert (diff := rnd_error_sum (-1074) 53 L (- X) formL (format_opp (-1074) 53 X formX)).
change (L + - X) with (L - X) in diff; set (D := rnd64 (L - X)) in *; clearbody D.
assert (half := rnd_error (-1074) 53 (/ 2 * D)); fold value in half; clearbody value.
destruct (rounding_sides (L + X) ltac:(lra)) as [Spos [Sup Sdown]].
set (S := rnd64 (L + X)) in *; clearbody S.
assert (cS : 0 <= c * S) by (apply Rmult_le_pos; lra).
destruct (rounding_sides (c * S) cS) as [Wpos [Wup Wdown]]; fold c in width.
fold width in Wpos, Wup, Wdown; clearbody width.
assert (hi := rnd_error (-1074) 53 (value + width)).
assert (lo := rnd_error (-1074) 53 (value - width)).
set (HI := rnd64 (value + width)) in *; set (LO := rnd64 (value - width)) in *; clearbody HI LO.
destruct tiny_eta as [ypos ysmall]; set (y := eta (-1074)) in *; clearbody y.
assert (big : 1000 * bpow radix2 (-780) <= / 9007199254740992 * L).
{ apply Rle_trans with (bpow radix2 (-53) * bpow radix2 (-697)).
  - rewrite <- bpow_plus; apply Rle_trans with (bpow radix2 10 * bpow radix2 (-780)).
    + apply Rmult_le_compat_r; [apply bpow_ge_0|simpl; lra].
    + rewrite <- bpow_plus; apply bpow_le; lia.
  - apply Rmult_le_compat; try apply bpow_ge_0; [simpl; lra|exact large]. }
set (t := bpow radix2 (-780)) in *; clearbody t.
rewrite uvalue in *; clear power fewer uvalue three large nearL nearX formL formX.
assert (absD : Rabs (L - X) <= L + X) by (apply Rabs_le; lra).
apply Rabs_le_inv in diff.
assert (Dsize : Rabs D <= (1 + / 4096) * (L + X)) by (apply Rabs_le; lra).
rewrite Rabs_mult, (Rabs_pos_eq (/ 2)) in half by lra; apply Rabs_le_inv in half.
assert (Dabs := Rle_abs D); assert (Dabs' := Rle_abs (- D)); rewrite Rabs_Ropp in Dabs'.
assert (cX : c * (L + X) <= / 67108864 * (L + X)) by (apply Rmult_le_compat_r; lra).
assert (cL : (K + 8 * / 9007199254740992) * (L + X) <= c * (L + X))
  by (apply Rmult_le_compat_r; lra).
assert (cSl : c * (L + X) <= c * ((1 + / 9007199254740992) * S + y))
  by (apply Rmult_le_compat_l; lra).
assert (cy : c * y <= y) by (rewrite <- (Rmult_1_l y) at 2; apply Rmult_le_compat_r; lra).
assert (cSu : c * S <= / 67108864 * ((1 + / 9007199254740992) * (L + X) + y))
  by (apply Rmult_le_compat; lra).
assert (Vsize : Rabs value <= (1 + / 1024) / 2 * (L + X) + 2 * y) by (apply Rabs_le; lra).
assert (Wsize : width <= / 1024 * (L + X) + 2 * y) by lra.
assert (upabs := Rabs_triang value width); assert (downabs := Rabs_triang value (- width)).
rewrite Rabs_Ropp, (Rabs_pos_eq width) in downabs by exact Wpos.
rewrite (Rabs_pos_eq width) in upabs by exact Wpos.
change (value + - width) with (value - width) in downabs.
apply Rabs_le_inv in hi; apply Rabs_le_inv in lo.
apply Rabs_le_inv in distL; apply Rabs_le_inv in distX.
split; lra.
Qed.

(** T30 for the certificate's bound, on the reals: the ends contain it. *)
Theorem bound_encloses n lam G U d w s g gap h u' :
  let H := hessian_stored lam G in let V := stored_factor U in
  let e' := bound_error full64 w s g in
  let r := bound_reach full64 V (bound_norm full64 n e') h u' in
  let Q := bound_squares full64 n d r in
  let A := guard_size full64 n (fun j => H j j) e' in
  let X := bound_excess full64 n (fun j => H j j) (fun j => 2 * G j j) e' in
  bound_row n lam G V d w s g gap h u' ->
  bound_lo full64 n Q A X <= certified_bound n lam G U d w (scaled_points s g) gap u'
  <= bound_hi full64 n Q A X.
Proof.
intros H V e' r Q A X row.
destruct (loss_near n lam G U d w s g gap h u' row) as [nearL large].
assert (nearX := excess_near n lam G U d w s g gap h u' row).
assert (formX : in_format (-1074) 53 X) by apply sum_chain_format.
assert (lit : a_lit F 1 (-1) = / 2) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (count : a_lit F (Z.of_nat n + 32) (-51) = (INR n + 32) * bpow radix2 (-51))
  by (cbn [a_lit full64 full_real]; rewrite plus_IZR, <- INR_IZR_INZ; reflexivity).
assert (ends := bound_ends n (bound_loss F n Q A) X _ _ (bound_some row) (bound_few row)
  (rnd_format (-1074) 53 _) formX large nearL nearX).
unfold bound_lo, bound_hi, guard_value, bound_width; rewrite lit, count; exact ends.
Qed.

(** Two sides of at most one rounding. *)
Lemma within_sides x y : 0 <= y -> y <= (1 + bpow radix2 (-53)) * x ->
  x <= (1 + bpow radix2 (-53)) * y -> within 1 x y.
Proof.
intros pos down up; assert (small := bpow_gt_0 radix2 (-53)).
split; [|split; [exact pos|rewrite pow_1; split; [exact up|exact down]]].
apply Rmult_le_reg_l with (1 + bpow radix2 (-53)); [lra|rewrite Rmult_0_r; lra].
Qed.

(** A measured gap |u'_j - q_j| is within one rounding: it does not underflow. *)
Lemma measured_gap x s g : in_format (-149) 24 x -> binary32_number s -> binary32_number g ->
  within 1 (rnd64 (Rabs (x - s * g))) (Rabs (x - s * g)).
Proof.
intros formx sn gn; apply within_round, (above_normal (-298)); [|reflexivity].
apply above_multiple; unfold Rminus; apply multiple_plus.
- apply (multiple_weaken (-298) (-149)); [lia|exact (multiple_of_format (-149) 24 x formx)].
- destruct (multiple_mult (-149) (-149) s g (binary32_multiple s sn) (binary32_multiple g gn)) as
    [m ->].
  exists (- m)%Z; rewrite opp_IZR; simpl (-149 + -149)%Z; ring.
Qed.

(** On the reals: the loss is at most the bound, and the ends contain that. *)
Theorem certified_bound_encloses n lam G C U d hmax w s g gap h :
  let H := hessian_stored lam G in let V := stored_factor U in
  let q := scaled_points s g in let u' := emitted_weight U w s g in
  let e' := bound_error full64 w s g in
  let r := bound_reach full64 V (bound_norm full64 n e') h u' in
  let Q := bound_squares full64 n d r in
  let A := guard_size full64 n (fun j => H j j) e' in
  let X := bound_excess full64 n (fun j => H j j) (fun j => 2 * G j j) e' in
  let bound := certified_bound n lam G U d w q gap u' in
  (0 < n)%nat -> (Z.of_nat n < 2 ^ 24)%Z -> is_factor real64 n H C U d -> sym n G ->
  (forall k, (k < n)%nat -> bpow radix2 (-400) <= d k) ->
  sane_diagonal n H hmax -> 0 <= lam ->
  (forall j, (j < n)%nat -> in_format (-1074) 53 (G j j) /\ 0 <= G j j) ->
  (forall j, (j < n)%nat -> binary32_number (w j) /\ binary32_number (s j) /\
    binary32_number (g j)) ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= gap j) ->
  (forall j, (j < n)%nat -> in_format (-1074) 53 (h j)
    /\ gap j <= (1 + bpow radix2 (-53)) * h j /\ h j <= (1 + bpow radix2 (-53)) * gap j) ->
  qform n G (vsub w q) <= bound /\ bound_lo full64 n Q A X <= bound <= bound_hi full64 n Q A X.
Proof.
intros H V q u' e' r Q A X bound some few run symmetric pivots sane damping gram numbers gaps
  halves.
assert (row : bound_row n lam G V d w s g gap h u').
{ constructor;
    [exact some|exact few|exact pivots|exact (sane_normal sane)|exact damping|exact gram| |
    exact numbers| | |].
  - intros k j _; apply (rnd_format (-149) 24).
  - intros j _; apply (rnd_format (-149) 24).
  - intros j below; apply (halves j below).
  - intros j below; destruct (halves j below) as [_ [down up]]; apply within_sides; try assumption.
    eapply Rle_trans; [apply Rabs_pos|exact (gaps j below)]. }
split; [|exact (bound_encloses n lam G U d w s g gap h u' row)].
assert (emitted : emitted_run n H C U d hmax w).
{ constructor; [exact run|exact (hessian_stored_sym n lam G symmetric)| |exact sane|].
  - intros k below; eapply Rlt_le_trans; [apply bpow_gt_0|exact (pivots k below)].
  - intros j below; apply (numbers j below). }
exact (certified_bound_holds n lam G C U d hmax w s g gap emitted few gaps).
Qed.
