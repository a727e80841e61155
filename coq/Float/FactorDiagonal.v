(** * The residual of the factorization against the diagonal of H (T15)

    Purpose: the entrywise bound of [FactorError] speaks of U and d; here they are eliminated:
      what remains is the diagonal of H, one constant of gamma type and an explicit underflow term.
    Main results: [recon_size_cauchy], [recon_diagonal] (the diagonal of U D U^T),
      [under_factor_bound], [T15_diagonal].
    Bound functions: [under_matrix] (2 n z (1 + hmax)).
    Depends on: Gptq/Sums, Gptq/Matrix, [FactorError], [SumsExtra].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Rounding Gamma ChainError SumsExtra.
From Hallmark.Float Require Import Factor FactorError.
Open Scope R_scope.

(** Underflow of every entry at once, from a bound on the diagonal of H. *)
Definition under_matrix (z : R) (n : nat) (hmax : R) : R := 2 * INR n * z * (1 + hmax).

Section Sizes.

Variables (n : nat) (U : mat) (d : vec).
Hypothesis shape : unit_upper n U.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.
Notation R_ j := (recon n U d j j).

(** On the diagonal the size is the entry itself. *)
Lemma recon_size_diagonal j : recon_size n U d j j = R_ j.
Proof.
apply bsum_ext; intros k below; assert (dpos := pivots k below).
assert (square : Rabs (U j k) * Rabs (U j k) = U j k * U j k)
  by (rewrite <- Rabs_mult; apply Rabs_pos_eq; nra).
replace (Rabs (U j k) * d k * Rabs (U j k)) with (Rabs (U j k) * Rabs (U j k) * d k) by ring.
rewrite square; ring.
Qed.

(** The diagonal of U D U^T is nonnegative. *)
Lemma recon_diagonal_ge0 j : 0 <= R_ j.
Proof. apply bsum_ge0; intros k below; assert (dpos := pivots k below); nra. Qed.

(** Cauchy-Schwarz for the sizes. *)
Lemma recon_size_cauchy i j : recon_size n U d i j <= sqrt (R_ i) * sqrt (R_ j).
Proof.
assert (rooted : forall a, R_ a = bsum n (fun k => (sqrt (d k) * U a k) ^ 2)).
{ intros a; apply bsum_ext; intros k below; assert (dpos := pivots k below).
  rewrite Rpow_mult_distr, pow2_sqrt by lra; ring. }
rewrite !rooted; eapply Rle_trans; [|apply cauchy_schwarz_abs].
apply Req_le, bsum_ext; intros k below; assert (dpos := pivots k below).
rewrite !Rabs_mult, (Rabs_pos_eq (sqrt (d k))) by apply sqrt_pos.
rewrite <- (sqrt_sqrt (d k)) at 1 by lra; ring.
Qed.

(** A pivot is at most its diagonal entry of U D U^T. *)
Lemma pivot_le_diagonal j : (j < n)%nat -> d j <= R_ j.
Proof.
intros below; replace (d j) with (U j j * d j * U j j) by (rewrite (proj2 shape j below); ring).
apply (bsum_pick n j (fun k => U j k * d k * U j k)); [exact below|].
intros k kbelow; assert (dpos := pivots k kbelow); nra.
Qed.

(** The weighted row sum of U by the mean of two sums. *)
Lemma row_weight j : bsum n (fun k => d k * Rabs (U j k)) <= (bsum n d + R_ j) / 2.
Proof.
unfold Rdiv; rewrite (Rmult_comm (bsum n d + R_ j)); unfold recon.
rewrite <- bsum_plus, <- bsum_scal.
apply bsum_le; intros k below; assert (dpos := pivots k below).
assert (square : Rabs (U j k) * Rabs (U j k) = U j k * U j k)
  by (rewrite <- Rabs_mult; apply Rabs_pos_eq; nra).
assert (mean : 0 <= (1 - Rabs (U j k)) ^ 2) by apply pow2_ge_0.
assert (scaled : 0 <= d k * (1 - Rabs (U j k)) ^ 2) by (apply Rmult_le_pos; lra).
nra.
Qed.

End Sizes.

Section Diagonal.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Notation z := (eta emin).

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

Notation shape := (factor_unit_upper emin prec n H C U d run).
Notation R_ j := (recon n U d j j).
Notation y := (z * (1 + u) ^ n).
Notation hh := (hmax + INR n * y).

(** The constant [g] is nonnegative. *)
Lemma growth_ge0 : 0 <= g.
Proof. eapply Rle_trans; [apply (gam_ge0 u (uro_ge0 prec) n)|exact growth]. Qed.

(** The accumulated underflow unit. *)
Lemma under_unit : 0 <= y <= 5 / 4 * z.
Proof.
assert (zpos := eta_ge0 emin); assert (ge1 := growth_ge1 u (uro_ge0 prec) n).
unfold gam in growth; split; nra.
Qed.

(** The diagonal of U D U^T, with the underflow still in terms of d. *)
Lemma recon_diagonal_raw j : (j < n)%nat ->
  R_ j * (1 - g) <= H j j + y * (INR n + (bsum n d + R_ j) / 2).
Proof.
intros below.
assert (entry := T15_entry_uniform emin prec n H C U d run pivots j j (conj (le_n j) below)).
rewrite recon_size_diagonal in entry by exact pivots.
unfold under_factor in entry; assert (weight := row_weight n U d pivots j).
assert (ypos := proj1 under_unit); assert (rpos := recon_diagonal_ge0 n U d pivots j).
assert (used : y * (INR n + bsum n (fun k => d k * Rabs (U j k)))
    <= y * (INR n + (bsum n d + R_ j) / 2)) by (apply Rmult_le_compat_l; lra).
assert (grown : gam u n * R_ j <= g * R_ j) by (apply Rmult_le_compat_r; assumption).
unfold resid in entry.
assert (side := Rle_abs (- (H j j - R_ j))); rewrite Rabs_Ropp in side.
lra.
Qed.

(** The total underflow is small. *)
Lemma under_total : (0 < n)%nat -> INR n * y <= / 8 /\ y <= / 8 /\ 1 <= INR n.
Proof.
intros nonempty; assert (one : 1 <= INR n) by (apply (le_INR 1); lia).
assert (unit := under_unit); assert (zpos := eta_ge0 emin).
assert (total : INR n * y <= / 8) by nra.
split; [exact total|split; [nra|exact one]].
Qed.

(** The sum of the pivots and each diagonal entry of U D U^T, from the diagonal of H. *)
Lemma recon_diagonal_bound : (0 < n)%nat ->
  bsum n d <= 8 / 5 * INR n * hh /\ forall j, (j < n)%nat -> R_ j <= 8 / 5 * hh.
Proof.
intros nonempty; destruct (under_total nonempty) as [total [unit_small one]].
assert (ypos := proj1 under_unit).
set (T := bsum n (fun j => R_ j)); set (sd := bsum n d).
assert (sd_pos : 0 <= sd) by (apply bsum_ge0; intros; apply Rlt_le, pivots; assumption).
assert (sd_le : sd <= T)
  by (apply bsum_le; intros; apply (pivot_le_diagonal n U d shape pivots); assumption).
assert (hh_pos : 0 <= hh) by (assert (0 <= INR n * y) by nra; lra).
assert (summed : T * (1 - g) <= INR n * (hmax + y * (INR n + sd / 2)) + y * T / 2).
{ unfold T at 1; rewrite <- bsum_scalr.
  apply Rle_trans with (bsum n (fun j => hmax + y * (INR n + sd / 2) + y / 2 * R_ j)).
  - apply bsum_le; intros j below; assert (raw := recon_diagonal_raw j below).
    assert (top := diagonal j below); fold sd in raw; lra.
  - rewrite bsum_plus, bsum_const, bsum_scal; fold T; lra. }
assert (T_bound : T <= 8 / 5 * INR n * hh).
{ assert (yT : y * T <= / 8 * T) by (apply Rmult_le_compat_r; lra).
  assert (nysd : INR n * y * sd <= / 8 * T).
  { apply Rle_trans with (/ 8 * sd); [apply Rmult_le_compat_r; assumption|lra]. }
  assert (gT : g * T <= / 4 * T) by (apply Rmult_le_compat_r; lra).
  replace (INR n * hh) with (INR n * hmax + INR n * (INR n * y)) by ring.
  lra. }
assert (sd_bound : sd <= 8 / 5 * INR n * hh) by lra.
split; [exact sd_bound|].
intros j below; assert (raw := recon_diagonal_raw j below); fold sd in raw.
assert (rpos := recon_diagonal_ge0 n U d pivots j); assert (top := diagonal j below).
assert (yR : y * R_ j <= / 8 * R_ j) by (apply Rmult_le_compat_r; assumption).
assert (gR : g * R_ j <= / 4 * R_ j) by (apply Rmult_le_compat_r; assumption).
assert (ysd : y * sd <= / 5 * hh).
{ apply Rle_trans with (y * (8 / 5 * INR n * hh)); [apply Rmult_le_compat_l; assumption|].
  replace (y * (8 / 5 * INR n * hh)) with (INR n * y * (8 / 5 * hh)) by ring.
  apply Rle_trans with (/ 8 * (8 / 5 * hh)); [apply Rmult_le_compat_r; lra|lra]. }
lra.
Qed.

(** The underflow term of every entry. *)
Lemma under_factor_bound j : (j < n)%nat -> under_factor u z n U d j <= under_matrix z n hmax.
Proof.
intros below; assert (nonempty : (0 < n)%nat) by lia.
destruct (under_total nonempty) as [total [unit_small one]].
destruct (recon_diagonal_bound nonempty) as [sum_bound entry_bound].
assert (entry := entry_bound j below); assert (weight := row_weight n U d pivots j).
unfold under_factor, under_matrix; assert (unit := under_unit).
assert (hh_le : 0 <= hh <= hmax + / 8) by (assert (0 <= INR n * y) by nra; lra).
apply Rle_trans with (y * (INR n * (6 / 5 + 8 / 5 * hmax))).
- apply Rmult_le_compat_l; [apply unit|].
  assert (scaled : hh <= INR n * hh) by nra; nra.
- assert (factor_pos : 0 <= INR n * (6 / 5 + 8 / 5 * hmax)) by nra.
  apply Rle_trans with (5 / 4 * z * (INR n * (6 / 5 + 8 / 5 * hmax)));
    [apply Rmult_le_compat_r; [exact factor_pos|apply unit]|].
  assert (0 <= z * INR n) by (assert (zpos := eta_ge0 emin); nra); lra.
Qed.

(** The underflow term is nonnegative. *)
Lemma under_matrix_ge0 : 0 <= under_matrix z n hmax.
Proof.
unfold under_matrix; assert (zpos := eta_ge0 emin); assert (index := pos_INR n).
repeat apply Rmult_le_pos; lra.
Qed.

(** The diagonal of U D U^T is at most that of H, but for the constant and the underflow. *)
Lemma recon_diagonal_le j : (j < n)%nat -> R_ j * (1 - g) <= H j j + under_matrix z n hmax.
Proof.
intros below.
assert (entry := T15_entry_uniform emin prec n H C U d run pivots j j (conj (le_n j) below)).
rewrite recon_size_diagonal in entry by exact pivots.
assert (under := under_factor_bound j below).
assert (rpos := recon_diagonal_ge0 n U d pivots j).
assert (grown : gam u n * R_ j <= g * R_ j) by (apply Rmult_le_compat_r; assumption).
unfold resid in entry.
assert (side := Rle_abs (- (H j j - R_ j))); rewrite Rabs_Ropp in side.
lra.
Qed.

(** The raised diagonal of H is nonnegative. *)
Lemma raised_diagonal_ge0 j : (j < n)%nat -> 0 <= H j j + under_matrix z n hmax.
Proof.
intros below; assert (bound := recon_diagonal_le j below).
assert (rpos := recon_diagonal_ge0 n U d pivots j); nra.
Qed.

(** The sizes against the diagonal of H. *)
Lemma recon_size_le i j : (i < n)%nat -> (j < n)%nat ->
  recon_size n U d i j
  <= / (1 - g) * (sqrt (H i i + under_matrix z n hmax) * sqrt (H j j + under_matrix z n hmax)).
Proof.
intros ibelow jbelow; set (w := under_matrix z n hmax).
assert (root : forall k, (k < n)%nat -> sqrt (R_ k) <= sqrt (/ (1 - g)) * sqrt (H k k + w)).
{ intros k below; assert (raised := raised_diagonal_ge0 k below); fold w in raised.
  assert (inverse : 0 < / (1 - g)) by (apply Rinv_0_lt_compat; lra).
  rewrite <- sqrt_mult by lra; apply sqrt_le_1_alt.
  apply Rmult_le_reg_r with (1 - g); [lra|].
  replace (/ (1 - g) * (H k k + w) * (1 - g)) with (H k k + w) by (field; lra).
  apply recon_diagonal_le; exact below. }
eapply Rle_trans; [apply recon_size_cauchy; exact pivots|].
eapply Rle_trans;
  [apply Rmult_le_compat; [apply sqrt_pos|apply sqrt_pos|apply root|apply root]; assumption|].
apply Req_le.
replace (sqrt (/ (1 - g)) * sqrt (H i i + w) * (sqrt (/ (1 - g)) * sqrt (H j j + w)))
  with (sqrt (/ (1 - g)) * sqrt (/ (1 - g)) * (sqrt (H i i + w) * sqrt (H j j + w))) by ring.
rewrite sqrt_sqrt; [reflexivity|].
apply Rlt_le, Rinv_0_lt_compat; lra.
Qed.

(** T15 against the diagonal of H. *)
Theorem T15_diagonal i j : (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H U d i j)
  <= g / (1 - g)
     * (sqrt (H i i + under_matrix z n hmax) * sqrt (H j j + under_matrix z n hmax))
     + under_matrix z n hmax.
Proof.
intros ibelow jbelow.
eapply Rle_trans; [apply (T15_entry emin prec n H C); assumption|].
assert (size := recon_size_le i j ibelow jbelow).
assert (size_pos : 0 <= recon_size n U d i j).
{ apply bsum_ge0; intros k below; apply Rmult_le_pos; [|apply Rabs_pos].
  apply Rmult_le_pos; [apply Rabs_pos|apply Rlt_le, pivots; exact below]. }
apply Rplus_le_compat; [|apply under_factor_bound; lia].
apply Rle_trans with (g * recon_size n U d i j); [apply Rmult_le_compat_r; assumption|].
unfold Rdiv; rewrite Rmult_assoc; apply Rmult_le_compat_l; [apply growth_ge0|exact size].
Qed.

End Diagonal.
