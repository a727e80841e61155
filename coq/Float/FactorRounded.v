(** * The factor stored in a narrower format (T15, second form)

    Purpose: the production path keeps d in binary64 and rounds U once to binary32.  The residual
      of the rounded factor, again against the diagonal of H alone.
    Main results: [round_factor_unit_upper], [T15_rounded].
    Bound functions: [under_rounded].
    Depends on: Gptq/Sums, Gptq/Matrix, [FactorError], [FactorDiagonal].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Rounding Gamma ChainError SumsExtra.
From Hallmark.Float Require Import Factor FactorError FactorDiagonal.
Open Scope R_scope.

(** The factor rounded once, entry by entry. *)
Definition round_factor (emin prec : Z) (U : mat) : mat := fun i j => rnd emin prec (U i j).

(** Underflow of the factorization ([z]) and of the rounding of its factor ([z']). *)
Definition under_rounded (z z' : R) (n : nat) (hmax : R) : R :=
  under_matrix z n hmax + 4 * INR n * z' * (hmax + 2 * INR n * z).

(** Rounding keeps a unit upper triangular factor unit upper triangular. *)
Lemma round_factor_unit_upper emin prec {prec_pos : Prec_gt_0 prec} n U :
  (emin <= 0)%Z -> unit_upper n U -> unit_upper n (round_factor emin prec U).
Proof.
intros below [low one]; unfold round_factor; split.
- intros i j range; rewrite low by exact range; apply (rnd_0 emin prec).
- intros i range; rewrite one by exact range; apply (rnd_exact emin prec).
  change 1 with (bpow radix2 0); apply generic_format_bpow.
  unfold FLT_exp; unfold Prec_gt_0 in prec_pos; lia.
Qed.

(** The product of two rounded numbers against the product of the numbers. *)
Lemma rounded_product v z' x y x' y' : 0 <= v -> 0 <= z' ->
  Rabs (x' - x) <= v * Rabs x + z' -> Rabs (y' - y) <= v * Rabs y + z' ->
  Rabs (x' * y' - x * y)
  <= (2 * v + v ^ 2) * (Rabs x * Rabs y) + z' * (1 + v) * (Rabs x + Rabs y) + z' ^ 2.
Proof.
intros vpos zpos closex closey.
replace (x' * y' - x * y) with ((x' - x) * (y' - y) + (x' - x) * y + x * (y' - y)) by ring.
eapply Rle_trans; [apply Rabs_triang|].
eapply Rle_trans; [apply Rplus_le_compat_r, Rabs_triang|].
rewrite !Rabs_mult.
assert (ax := Rabs_pos x); assert (ay := Rabs_pos y).
assert (dx := Rabs_pos (x' - x)); assert (dy := Rabs_pos (y' - y)).
assert (both : Rabs (x' - x) * Rabs (y' - y) <= (v * Rabs x + z') * (v * Rabs y + z'))
  by (apply Rmult_le_compat; assumption).
assert (left_ : Rabs (x' - x) * Rabs y <= (v * Rabs x + z') * Rabs y)
  by (apply Rmult_le_compat_r; assumption).
assert (right_ : Rabs x * Rabs (y' - y) <= Rabs x * (v * Rabs y + z'))
  by (apply Rmult_le_compat_l; assumption).
lra.
Qed.

Section Rounded.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Notation z := (eta emin).

Variables emin' prec' : Z.
Context {prec'_pos : Prec_gt_0 prec'}.
Notation v := (uro prec').
Notation z' := (eta emin').

Variable n : nat.
Variables (H C U : mat) (d : vec).
Hypothesis run : is_factor A n H C U d.
Hypothesis symmetric : sym n H.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.
Variables g hmax : R.
Hypothesis growth : gam u n <= g.
Hypothesis growth_small : g <= / 4.
Hypothesis hmax_pos : 0 <= hmax.
Hypothesis diagonal : forall j, (j < n)%nat -> H j j <= hmax.
Hypothesis no_underflow : INR n * z <= / 16.
Hypothesis v_small : v <= / 16.
Hypothesis z'_small : z' <= / 16.

Notation V := (round_factor emin' prec' U).
Notation R_ j := (recon n U d j j).
Notation w := (under_matrix z n hmax).

(** The rounded product U D U^T against the product, entry by entry. *)
Lemma recon_rounded i j :
  Rabs (recon n V d i j - recon n U d i j)
  <= (2 * v + v ^ 2) * recon_size n U d i j
     + z' * (1 + v) * (bsum n d + (R_ i + R_ j) / 2) + z' ^ 2 * bsum n d.
Proof.
assert (vpos := uro_ge0 prec'); assert (zpos := eta_ge0 emin').
assert (weighti := row_weight n U d pivots i); assert (weightj := row_weight n U d pivots j).
apply Rle_trans with ((2 * v + v ^ 2) * recon_size n U d i j
  + z' * (1 + v) * (bsum n (fun k => d k * Rabs (U i k)) + bsum n (fun k => d k * Rabs (U j k)))
  + z' ^ 2 * bsum n d).
- unfold recon, recon_size; rewrite <- bsum_minus, <- bsum_plus, <- !bsum_scal, <- !bsum_plus.
  eapply Rle_trans; [apply bsum_abs|apply bsum_le; intros k below].
  assert (dpos := pivots k below).
  assert (product := rounded_product v z' (U i k) (U j k) (V i k) (V j k) vpos zpos
    (rnd_error emin' prec' (U i k)) (rnd_error emin' prec' (U j k))).
  replace (V i k * d k * V j k - U i k * d k * U j k)
    with (d k * (V i k * V j k - U i k * U j k)) by ring.
  rewrite Rabs_mult, (Rabs_pos_eq (d k)) by lra.
  apply Rle_trans with (d k * ((2 * v + v ^ 2) * (Rabs (U i k) * Rabs (U j k))
    + z' * (1 + v) * (Rabs (U i k) + Rabs (U j k)) + z' ^ 2)).
  + apply Rmult_le_compat_l; [lra|exact product].
  + apply Req_le; ring.
- apply Rplus_le_compat_r, Rplus_le_compat_l, Rmult_le_compat_l; [|lra].
  apply Rmult_le_pos; lra.
Qed.

(** T15 for the rounded factor, against the diagonal of H. *)
Theorem T15_rounded i j : (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H V d i j)
  <= (g + (2 * v + v ^ 2)) / (1 - g) * (sqrt (H i i + w) * sqrt (H j j + w))
     + under_rounded z z' n hmax.
Proof.
intros ibelow jbelow; assert (nonempty : (0 < n)%nat) by lia.
assert (exact_part := T15_diagonal emin prec n H C U d run symmetric pivots g hmax growth
  growth_small hmax_pos diagonal no_underflow i j ibelow jbelow).
assert (size := recon_size_le emin prec n H C U d run pivots g hmax growth
  growth_small hmax_pos diagonal no_underflow i j ibelow jbelow).
assert (rounded := recon_rounded i j).
destruct (recon_diagonal_bound emin prec n H C U d run pivots g hmax growth
  growth_small hmax_pos diagonal no_underflow nonempty) as [sum_bound entry_bound].
assert (entryi := entry_bound i ibelow); assert (entryj := entry_bound j jbelow).
destruct (under_total emin prec n g growth growth_small no_underflow nonempty)
  as [total [unit_small one]].
destruct (under_unit emin prec n g growth growth_small) as [ypos ysmall].
set (y := z * (1 + u) ^ n) in *; set (hh := hmax + INR n * y) in *.
assert (vpos := uro_ge0 prec'); assert (zpos := eta_ge0 emin').
assert (nypos : 0 <= INR n * y) by nra.
assert (hh_pos : 0 <= hh) by (unfold hh; lra).
assert (hh_scaled : hh <= INR n * hh) by nra.
assert (hh_le : hh <= hmax + 2 * INR n * z).
{ unfold hh; assert (zz := eta_ge0 emin); assert (ny : INR n * y <= INR n * (5 / 4 * z))
    by (apply Rmult_le_compat_l; lra).
  assert (nz : 0 <= INR n * z) by nra; lra. }
assert (coefficient : 0 <= 2 * v + v ^ 2) by nra.
assert (sized : (2 * v + v ^ 2) * recon_size n U d i j
    <= (2 * v + v ^ 2) * (/ (1 - g) * (sqrt (H i i + w) * sqrt (H j j + w))))
  by (apply Rmult_le_compat_l; assumption).
assert (first : z' * (1 + v) * (bsum n d + (R_ i + R_ j) / 2)
    <= z' * (17 / 16) * (16 / 5 * (INR n * hh))).
{ assert (inner : bsum n d + (R_ i + R_ j) / 2 <= 16 / 5 * (INR n * hh)) by lra.
  assert (rest : 0 <= 16 / 5 * (INR n * hh)) by nra.
  apply Rle_trans with (z' * (1 + v) * (16 / 5 * (INR n * hh))).
  - apply Rmult_le_compat_l; [apply Rmult_le_pos; lra|exact inner].
  - apply Rmult_le_compat_r; [exact rest|apply Rmult_le_compat_l; lra]. }
assert (second : z' ^ 2 * bsum n d <= z' * / 16 * (8 / 5 * (INR n * hh))).
{ assert (rest : 0 <= 8 / 5 * (INR n * hh)) by nra.
  apply Rle_trans with (z' ^ 2 * (8 / 5 * (INR n * hh))).
  - apply Rmult_le_compat_l; [apply pow2_ge_0|lra].
  - apply Rmult_le_compat_r; [exact rest|].
    simpl pow; rewrite Rmult_1_r; apply Rmult_le_compat_l; lra. }
assert (extra : z' * (INR n * hh) <= z' * (INR n * (hmax + 2 * INR n * z))).
{ apply Rmult_le_compat_l; [exact zpos|apply Rmult_le_compat_l; [lra|exact hh_le]]. }
assert (extra_pos : 0 <= z' * (INR n * hh))
  by (apply Rmult_le_pos; [exact zpos|apply Rmult_le_pos; lra]).
unfold under_rounded.
replace (resid n H V d i j)
  with (resid n H U d i j - (recon n V d i j - recon n U d i j)) by (unfold resid; ring).
eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_Ropp].
unfold Rdiv in *; lra.
Qed.

End Rounded.
