(** * The guard's enclosure of the plain loss, from one triangular product

    Purpose: the guard evaluates t' = e' U by the chains of the recurrence, with e' the rounded
      errors and U, d the binary64 factor, and needs
      2 loss_G = sum d_j t_j^2 + e R e^T - sum (H_jj - 2 G_jj) e_j^2 for t = e U, R = H - U D U^T.
      Here the distance from t' to t is measured in the norm of the pivots, so that nothing is
      formed column by column.
    Main results: [product_column] (T11, one column), [product_norm] (the whole row), both in any
      format; [loss_enclosure] (the loss in H), [loss_enclosure_closed] (with the underflow replaced
      by 2^-470), [loss_enclosure32] (the same product in binary32), [plain_loss_identity] (from the
      loss in H to the plain loss).
    Bound functions: [product64] ((n + 2) 2^-53), [product32], [residual64], [residual32],
      [under_product], [under_product32], [enclosure_width].
    Depends on: Gptq/Identity, [ChainError], [FactorClosed], [PivotNorm].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Triangular Gptq GptqFacts Identity.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError SumsExtra Factor.
From Hallmark.Float Require Import FactorError FactorDiagonal FactorRounded Residual.
From Hallmark.Float Require Import FactorClosed Hessian.
From Hallmark.Float Require Import PivotNorm.
Open Scope R_scope.

(** The constant of one triangular product: (n + 2) 2^-53. *)
Definition product64 (n : nat) : R := (INR n + 2) * bpow radix2 (-53).

(** The computed entry of e U: the chain of fma from 0 over increasing k <= j, *)
Definition product_chain (emin prec : Z) (U : mat) (e : vec) (j : nat) : R :=
  fma_chain (real_arith emin prec) (S j) e (fun k => U k j) 0.

(** in binary64. *)
Definition product_float (U : mat) (e : vec) (j : nat) : R :=
  fma_chain real64 (S j) e (fun k => U k j) 0.

(** The same in binary32, where (n + 1)^2 2^-48 / 2 is not below 2^-24 for long. *)
Definition product32 (n : nat) : R := gam_up (uro 24) (S n).

(** The underflow of the product in the norm of the pivots. *)
Definition under_product (hmax : R) : R := bpow radix2 (-1024) * sqrt hmax.

(** The same in binary32. *)
Definition under_product32 (n : nat) (hmax : R) : R := INR n ^ 2 * bpow radix2 (-147) * sqrt hmax.

(** The width of the enclosure of 2 loss_G: N = N(t'), A = sum |e_i| sqrt(H_ii), g of T15. *)
Definition enclosure_width (g rho N A : R) : R := 2 * N * rho + rho ^ 2 + g * A ^ 2.

(** Terms with a zero factor leave a chain where it is. *)
Lemma chain_zero_tail emin prec {prec_pos : Prec_gt_0 prec} m n x y a0 :
  in_format emin prec a0 -> (m <= n)%nat -> (forall k, (m <= k < n)%nat -> y k = 0) ->
  fma_chain (real_arith emin prec) n x y a0 = fma_chain (real_arith emin prec) m x y a0.
Proof.
intros form below zero; induction n as [|n IH]; [replace m with 0%nat by lia; reflexivity|].
destruct (Nat.eq_dec m (S n)) as [->|other]; [reflexivity|].
cbn [fma_chain]; rewrite IH by (lia || (intros; apply zero; lia)).
rewrite zero by lia; cbn [a_fma real_arith]; rewrite Rmult_0_r, Rplus_0_l.
apply (rnd_exact emin prec), (chain_format emin prec); exact form.
Qed.

Section Product.

(** In any format: V is the factor as the product reads it, with T15's constant g, and c bounds the
    n + 1 roundings of an entry. *)
Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Variable n : nat.
Variables (H V : mat) (d : vec) (hmax g c : R).
Hypothesis shape : unit_upper n V.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.
Hypothesis diagonal : forall k, (k < n)%nat -> 0 <= H k k <= hmax.
Hypothesis residual : forall i j, (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H V d i j) <= g * (sqrt (H i i) * sqrt (H j j)).
Hypothesis g_range : 0 <= g <= 1.
Variables e e' : vec.
Hypothesis rounded : forall k, (k < n)%nat -> e' k = rnd emin prec (e k).
Notation u := (uro prec).
Notation z := (eta emin).
Hypothesis constant : gam u (S n) <= c.
Hypothesis growth : (1 + u) ^ n <= 2.
Notation N := (pivot_norm n d).
Notation A := (weighted_size n (root_diagonal H) e).
Notation t := (vmul n e V).
Notation t' := (product_chain emin prec V e').
Notation under := (8 * INR n ^ 2 * z * sqrt hmax).

(** The pivots are nonnegative. *)
Lemma product_nonneg : nonneg n d.
Proof. intros k below; apply Rlt_le, pivots; exact below. Qed.

(** An exact entry of e V is a sum over k <= j. *)
Lemma vmul_upto v j : (j < n)%nat -> vmul n v V j = bsum (S j) (fun k => v k * V k j).
Proof.
intros below; unfold vmul; rewrite (bsum_split n j); [reflexivity|exact below|].
intros k range; rewrite (proj1 shape) by exact range; ring.
Qed.

(** T11 for one entry of the product, against the exact errors. *)
Theorem product_column j : (j < n)%nat ->
  Rabs (t' j - t j)
  <= gam u (S n) * vmul n (fun k => Rabs (e k)) (fun k l => Rabs (V k l)) j
     + z * (1 + u) ^ n * (vmul n (fun _ => 1) (fun k l => Rabs (V k l)) j + INR n).
Proof.
intros below; assert (upos := uro_ge0 prec); assert (zpos := eta_ge0 emin).
assert (absolute : forall v, vmul n v (fun k l => Rabs (V k l)) j
    = bsum (S j) (fun k => v k * Rabs (V k j))).
{ intros v; unfold vmul; rewrite (bsum_split n j); [reflexivity|exact below|].
  intros k range; rewrite (proj1 shape), Rabs_R0 by exact range; ring. }
rewrite !absolute, vmul_upto by exact below.
set (S1 := bsum (S j) (fun k => Rabs (e k) * Rabs (V k j))).
set (S0 := bsum (S j) (fun k => 1 * Rabs (V k j))).
assert (chain := chain_error emin prec (S j) e' (fun k => V k j)); cbv beta in chain.
change (fma_chain (real_arith emin prec) (S j) e' (fun k => V k j) 0) with (t' j) in chain.
assert (near : forall k, (k < S j)%nat -> Rabs (e' k - e k) <= u * Rabs (e k) + z)
  by (intros k range; rewrite rounded by lia; apply (rnd_error emin prec)).
assert (size : bsum (S j) (fun k => Rabs (e' k) * Rabs (V k j)) <= (1 + u) * S1 + z * S0).
{ unfold S1, S0; rewrite <- !bsum_scal, <- bsum_plus; apply bsum_le; intros k range.
  assert (bound : Rabs (e' k) <= (1 + u) * Rabs (e k) + z).
  { replace (e' k) with (e' k - e k + e k) by ring.
    eapply Rle_trans; [apply Rabs_triang|assert (close := near k range); lra]. }
  apply Rle_trans with (((1 + u) * Rabs (e k) + z) * Rabs (V k j));
    [apply Rmult_le_compat_r; [apply Rabs_pos|exact bound]|apply Req_le; ring]. }
assert (shift : Rabs (bsum (S j) (fun k => e' k * V k j) - bsum (S j) (fun k => e k * V k j))
    <= u * S1 + z * S0).
{ rewrite <- bsum_minus; eapply Rle_trans; [apply bsum_abs|].
  unfold S1, S0; rewrite <- !bsum_scal, <- bsum_plus; apply bsum_le; intros k range.
  replace (e' k * V k j - e k * V k j) with ((e' k - e k) * V k j) by ring.
  rewrite Rabs_mult.
  apply Rle_trans with ((u * Rabs (e k) + z) * Rabs (V k j));
    [apply Rmult_le_compat_r; [apply Rabs_pos|apply near; exact range]|apply Req_le; ring]. }
replace (t' j - bsum (S j) (fun k => e k * V k j))
  with (t' j - bsum (S j) (fun k => e' k * V k j)
        + (bsum (S j) (fun k => e' k * V k j) - bsum (S j) (fun k => e k * V k j))) by ring.
eapply Rle_trans; [apply Rabs_triang|].
assert (S1pos : 0 <= S1) by (apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
assert (S0pos : 0 <= S0)
  by (apply bsum_ge0; intros; rewrite Rmult_1_l; apply Rabs_pos).
assert (gpos := gam_ge0 u upos (S j)).
assert (used : gam u (S j) * bsum (S j) (fun k => Rabs (e' k) * Rabs (V k j))
    <= gam u (S j) * ((1 + u) * S1 + z * S0)) by (apply Rmult_le_compat_l; assumption).
assert (long : gam u (S j) <= gam u n) by (apply gam_mono; [exact upos|lia]).
assert (lengthen : gam u (S j) * ((1 + u) * S1 + z * S0) <= gam u n * ((1 + u) * S1 + z * S0)).
{ apply Rmult_le_compat_r; [|exact long].
  apply Rplus_le_le_0_compat; apply Rmult_le_pos; lra. }
assert (under := under_chain_mono u z upos zpos (S j) n ltac:(lia)).
rewrite <- (gam_step u n).
assert (tail : gam u n * (z * S0) + z * S0 + under_chain u z n
    <= z * (1 + u) ^ n * (S0 + INR n)) by (unfold gam, under_chain; lra).
lra.
Qed.

(** The root of the diagonal of V D V^T against that of H. *)
Lemma recon_root k : (k < n)%nat -> sqrt (recon n V d k k) <= (1 + g) * root_diagonal H k.
Proof.
intros below; destruct (diagonal k below) as [Hpos _].
assert (entry := residual k k below below); rewrite sqrt_sqrt in entry by exact Hpos.
assert (side := Rle_abs (- resid n H V d k k)); rewrite Rabs_Ropp in side; unfold resid in *.
unfold root_diagonal; rewrite <- (sqrt_square (1 + g)) by lra.
rewrite <- sqrt_mult by (try nra; exact Hpos); apply sqrt_le_1_alt; nra.
Qed.

(** The underflow of the whole row. *)
Lemma product_underflow : (0 < n)%nat ->
  N (fun j => z * (1 + u) ^ n * (vmul n (fun _ => 1) (fun k l => Rabs (V k l)) j + INR n))
  <= under.
Proof.
intros nonempty; assert (one := le_INR 1 n nonempty); simpl INR in one.
assert (zpos := eta_ge0 emin); assert (ge1 := growth_ge1 u (uro_ge0 prec) n).
assert (top : 0 <= hmax) by (destruct (diagonal 0%nat nonempty); lra).
assert (Hroot := sqrt_pos hmax).
assert (row : forall k, (k < n)%nat -> N (fun l => Rabs (V k l)) <= 2 * sqrt hmax).
{ intros k below; rewrite pivot_norm_row.
  eapply Rle_trans; [apply recon_root; exact below|].
  apply Rmult_le_compat; [lra|apply sqrt_pos|lra|].
  apply sqrt_le_1_alt, (diagonal k below). }
assert (rows : N (fun j => vmul n (fun _ => 1) (fun k l => Rabs (V k l)) j)
    <= INR n * (2 * sqrt hmax)).
{ eapply Rle_trans; [apply (pivot_norm_rows n d product_nonneg)|].
  rewrite <- bsum_const; apply bsum_le; intros k below.
  rewrite Rabs_R1, Rmult_1_l; apply row; exact below. }
assert (ones : N (fun _ => 1) <= INR n * (2 * sqrt hmax)).
{ unfold pivot_norm; rewrite <- (sqrt_square (INR n * (2 * sqrt hmax)))
    by (apply Rmult_le_pos; lra).
  apply sqrt_le_1_alt.
  replace (INR n * (2 * sqrt hmax) * (INR n * (2 * sqrt hmax)))
    with (INR n * (INR n * (4 * (sqrt hmax * sqrt hmax)))) by ring.
  rewrite sqrt_sqrt by exact top.
  assert (each : bsum n (fun j => d j * 1 ^ 2) <= INR n * (4 * hmax)).
  { rewrite <- bsum_const; apply bsum_le; intros j below.
    assert (pivot := pivot_le_diagonal n V d shape pivots j below).
    assert (root := row j below); rewrite pivot_norm_row in root.
    assert (pos := recon_diagonal_ge0 n V d pivots j).
    assert (square : recon n V d j j <= 4 * hmax).
    { rewrite <- (sqrt_sqrt (recon n V d j j)) by exact pos.
      rewrite <- (sqrt_sqrt hmax) by exact top.
      assert (rpos := sqrt_pos (recon n V d j j)); nra. }
    lra. }
  assert (wide : 1 * (INR n * (4 * hmax)) <= INR n * (INR n * (4 * hmax)))
    by (apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra).
  lra. }
rewrite pivot_norm_scale by exact product_nonneg.
rewrite Rabs_pos_eq by (apply Rmult_le_pos; lra).
assert (split : N (fun j => vmul n (fun _ => 1) (fun k l => Rabs (V k l)) j + INR n)
    <= INR n * (2 * sqrt hmax) + INR n * (INR n * (2 * sqrt hmax))).
{ eapply Rle_trans; [apply (pivot_norm_triangle n d product_nonneg)|].
  apply Rplus_le_compat; [exact rows|].
  rewrite (pivot_norm_ext n d (fun _ => INR n) (fun _ => INR n * 1)) by (intros; ring).
  rewrite pivot_norm_scale by exact product_nonneg.
  rewrite Rabs_pos_eq by lra; apply Rmult_le_compat_l; [lra|exact ones]. }
apply Rle_trans with (z * 2 * (INR n * (2 * sqrt hmax) + INR n * (INR n * (2 * sqrt hmax)))).
- apply Rmult_le_compat; [apply Rmult_le_pos; lra|apply pivot_norm_ge0|
    apply Rmult_le_compat_l; [exact zpos|exact growth]|exact split].
- assert (self : INR n * (2 * sqrt hmax) <= INR n * (INR n * (2 * sqrt hmax))).
  { rewrite <- (Rmult_1_l (INR n * (2 * sqrt hmax))) at 1.
    apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra. }
  apply Rle_trans with (z * 2 * (2 * (INR n * (INR n * (2 * sqrt hmax)))));
    [apply Rmult_le_compat_l; lra|apply Req_le; ring].
Qed.

(** The distance from the computed product to the exact one, in the norm of the pivots. *)
Theorem product_norm : (0 < n)%nat ->
  N (fun j => t' j - t j) <= c * (1 + g) * A + under.
Proof.
intros nonempty.
assert (ppos : 0 <= c)
  by (eapply Rle_trans; [apply (gam_ge0 u (uro_ge0 prec) (S n))|exact constant]).
assert (positive : forall j, 0 <= vmul n (fun k => Rabs (e k)) (fun k l => Rabs (V k l)) j)
  by (intros j; apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
eapply Rle_trans.
- apply (pivot_norm_le n d product_nonneg _ (fun j =>
    c * vmul n (fun k => Rabs (e k)) (fun k l => Rabs (V k l)) j
    + z * (1 + u) ^ n * (vmul n (fun _ => 1) (fun k l => Rabs (V k l)) j + INR n))).
  intros j below; eapply Rle_trans; [apply product_column; exact below|].
  apply Rplus_le_compat_r, Rmult_le_compat_r; [apply positive|exact constant].
- eapply Rle_trans; [apply (pivot_norm_triangle n d product_nonneg)|].
  apply Rplus_le_compat; [|apply product_underflow; exact nonempty].
  rewrite pivot_norm_scale, Rabs_pos_eq, Rmult_assoc by (exact product_nonneg || exact ppos).
  apply Rmult_le_compat_l; [exact ppos|].
  eapply Rle_trans; [apply (pivot_norm_rows n d product_nonneg)|].
  unfold weighted_size; rewrite <- bsum_scal; apply bsum_le; intros k below.
  rewrite Rabs_Rabsolu, pivot_norm_row.
  replace ((1 + g) * (Rabs (e k) * root_diagonal H k))
    with (Rabs (e k) * ((1 + g) * root_diagonal H k)) by ring.
  apply Rmult_le_compat_l; [apply Rabs_pos|apply recon_root; exact below].
Qed.

(** The exact product in the norm of the pivots. *)
Lemma exact_norm : N t <= (1 + g) * A.
Proof.
apply Rle_trans with
  (N (fun j => vmul n (fun k => Rabs (e k)) (fun k l => Rabs (V k l)) j)).
- apply pivot_norm_le; [exact product_nonneg|]; intros j below.
  unfold vmul; eapply Rle_trans; [apply bsum_abs|].
  apply Req_le, bsum_ext; intros; apply Rabs_mult.
- eapply Rle_trans; [apply (pivot_norm_rows n d product_nonneg)|].
  unfold weighted_size; rewrite <- bsum_scal; apply bsum_le; intros k below.
  rewrite Rabs_Rabsolu, pivot_norm_row.
  replace ((1 + g) * (Rabs (e k) * root_diagonal H k))
    with (Rabs (e k) * ((1 + g) * root_diagonal H k)) by ring.
  apply Rmult_le_compat_l; [apply Rabs_pos|apply recon_root; exact below].
Qed.

End Product.

(** The loss in H of any error against the squares of vectors x near the exact product. *)
Theorem enclosure_from_norm n H V d g rho e x :
  unit_upper n V -> (forall k, (k < n)%nat -> 0 < d k) ->
  (forall i j, (i < n)%nat -> (j < n)%nat ->
    Rabs (resid n H V d i j) <= g * (sqrt (H i i) * sqrt (H j j))) ->
  pivot_norm n d (fun j => x j - vmul n e V j) <= rho ->
  Rabs (qform n H e - bsum n (fun j => d j * x j ^ 2))
  <= enclosure_width g rho (pivot_norm n d x) (weighted_size n (root_diagonal H) e).
Proof.
intros shape pivots residual near; unfold enclosure_width.
assert (positive : nonneg n d) by (intros k below; apply Rlt_le, pivots; exact below).
assert (identity : qform n H e
    = bsum n (fun j => d j * vmul n e V j ^ 2) + qform n (resid n H V d) e).
{ assert (T1 := T1_identity_residual n H V d e (fun _ => 0) shape).
  assert (same : forall v, qform n v (vsub e (fun _ => 0)) = qform n v e)
    by (intros v; apply bsum_ext; intros i _; apply bsum_ext; intros j _; unfold vsub; ring).
  rewrite !same in T1; rewrite T1; f_equal; apply bsum_ext; intros j below.
  f_equal; f_equal; rewrite (comp_sub n V) by (exact shape || exact below).
  unfold vmul, vsub; apply bsum_ext; intros k _; ring. }
assert (form := qform_residual_le n (resid n H V d) g (root_diagonal H) e residual).
assert (squares := square_distance n d positive x (vmul n e V) rho near).
rewrite identity.
replace (bsum n (fun j => d j * vmul n e V j ^ 2) + qform n (resid n H V d) e
         - bsum n (fun j => d j * x j ^ 2))
  with (bsum n (fun j => d j * vmul n e V j ^ 2) - bsum n (fun j => d j * x j ^ 2)
        + qform n (resid n H V d) e) by ring.
eapply Rle_trans; [apply Rabs_triang|].
unfold weighted_size; lra.
Qed.

Section Binary64.

Variable n : nat.
Variables (H C U : mat) (d : vec) (hmax : R).
Hypothesis run : is_factor real64 n H C U d.
Hypothesis symmetric : sym n H.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.
Hypothesis sane : sane_diagonal n H hmax.
Variables e e' : vec.
Hypothesis rounded : forall k, (k < n)%nat -> e' k = rnd64 (e k).
Notation u := (uro 53).
Notation N := (pivot_norm n d).
Notation A := (weighted_size n (root_diagonal H) e).
Notation t := (vmul n e U).
Notation t' := (product_float U e').

(** The pivots are nonnegative. *)
Lemma positive_pivots : nonneg n d.
Proof. intros k below; apply Rlt_le, pivots; exact below. Qed.

(** The diagonal of H. *)
Lemma product_diagonal k : (k < n)%nat -> 0 <= H k k <= hmax.
Proof.
intros below; split; [exact (proj1 (sane_sizes n H hmax sane k below))|].
exact (sane_above sane k below).
Qed.

(** The constants of the product. *)
Lemma product_constant : (0 < n)%nat -> gam u (S n) <= product64 n /\ (1 + u) ^ n <= 2
  /\ 0 <= residual64 n <= 1.
Proof.
intros nonempty; destruct (columns_range n nonempty (sane_columns sane)) as [one few].
destruct (growth_range n nonempty (sane_columns sane)) as [upos [above [small square]]].
destruct (growth_up_small n nonempty (sane_columns sane)) as [grown quarter].
simpl bpow in few, small; split; [|split].
- assert (short : INR (S n) * u <= 1) by (rewrite S_INR; lra).
  eapply Rle_trans; [apply (gam_closed u (Rlt_le _ _ upos) (S n) short)|].
  unfold gam_up, product64; change (bpow radix2 (-53)) with u; rewrite S_INR.
  assert (ux : u * (INR n * u) <= u * / 1000) by (apply Rmult_le_compat_l; lra).
  assert (uu : u * u <= u * / 1000) by (apply Rmult_le_compat_l; lra).
  lra.
- unfold gam in grown; lra.
- unfold residual64; change (bpow radix2 (-53)) with u; split; [apply Rmult_le_pos; lra|lra].
Qed.

(** The underflow of the section above, in binary64. *)
Lemma under_product_closed : (0 < n)%nat ->
  8 * INR n ^ 2 * eta (-1074) * sqrt hmax <= under_product hmax.
Proof.
intros nonempty; destruct (columns_range n nonempty (sane_columns sane)) as [one few].
assert (root := sqrt_pos hmax); unfold under_product.
apply Rmult_le_compat_r; [exact root|].
assert (square : INR n ^ 2 <= bpow radix2 48).
{ replace (bpow radix2 48) with (bpow radix2 24 * bpow radix2 24)
    by (rewrite <- bpow_plus; reflexivity).
  simpl pow; rewrite Rmult_1_r; apply Rmult_le_compat; lra. }
apply Rle_trans with (bpow radix2 3 * bpow radix2 48 * eta (-1074)).
- apply Rmult_le_compat_r; [apply Rlt_le, bpow_gt_0|].
  change (bpow radix2 3) with 8; lra.
- unfold eta; rewrite <- !bpow_plus; apply bpow_le; lia.
Qed.

(** The distance from the computed product to the exact one. *)
Lemma product_norm64 : (0 < n)%nat ->
  N (fun j => t' j - t j) <= product64 n * (1 + residual64 n) * A + under_product hmax.
Proof.
intros nonempty; destruct (product_constant nonempty) as [constant [growth gpos]].
assert (under := under_product_closed nonempty).
assert (near := product_norm (-1074) 53 n H U d hmax (residual64 n) (product64 n)
  (factor_unit_upper (-1074) 53 n H C U d run) pivots product_diagonal
  (residual_entry_binary64 n H C U d hmax run symmetric pivots sane) gpos e e' rounded constant
  growth nonempty).
change (product_chain (-1074) 53 U e') with t' in near; lra.
Qed.

(** The exact product. *)
Lemma exact_norm64 : (0 < n)%nat -> N t <= (1 + residual64 n) * A.
Proof.
intros nonempty; destruct (product_constant nonempty) as [_ [_ gpos]].
exact (exact_norm n H U d hmax (residual64 n) pivots product_diagonal
  (residual_entry_binary64 n H C U d hmax run symmetric pivots sane) gpos e).
Qed.

(** The loss in H of any error against the computed squares. *)
Theorem loss_enclosure : (0 < n)%nat ->
  let rho := product64 n * (1 + residual64 n) * A + under_product hmax in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width (residual64 n) rho (N t') A.
Proof.
intros nonempty rho; apply (enclosure_from_norm n H U d).
- exact (factor_unit_upper (-1074) 53 n H C U d run).
- exact pivots.
- exact (residual_entry_binary64 n H C U d hmax run symmetric pivots sane).
- exact (product_norm64 nonempty).
Qed.

(** With bounded inputs the underflow is below 2^-470. *)
Theorem loss_enclosure_closed : (0 < n)%nat -> hmax <= bpow radix2 400 ->
  bsum n (fun i => Rabs (e i)) <= bpow radix2 150 ->
  let rho := product64 n * (1 + residual64 n) * A in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width (residual64 n) rho (N t') A + bpow radix2 (-470).
Proof.
intros nonempty hsmall esmall rho.
assert (open := loss_enclosure nonempty); cbv zeta in open; fold rho in open.
destruct (product_constant nonempty) as [_ [_ [gpos gone]]].
assert (top := hmax_ge0 n H hmax sane nonempty).
assert (root : sqrt hmax <= bpow radix2 200).
{ rewrite <- (sqrt_square (bpow radix2 200)) by apply bpow_ge_0.
  rewrite <- bpow_plus; apply sqrt_le_1_alt; exact hsmall. }
assert (rpos := sqrt_pos hmax); set (y := under_product hmax) in *.
assert (ypos : 0 <= y) by (apply Rmult_le_pos; [apply bpow_ge_0|exact rpos]).
assert (ysmall : y <= bpow radix2 (-824)).
{ unfold y, under_product; apply Rle_trans with (bpow radix2 (-1024) * bpow radix2 200).
  - apply Rmult_le_compat_l; [apply bpow_ge_0|exact root].
  - rewrite <- bpow_plus; apply Rle_refl. }
assert (Apos : 0 <= A)
  by (apply bsum_ge0; intros; apply Rmult_le_pos; [apply Rabs_pos|apply sqrt_pos]).
assert (Asmall : A <= bpow radix2 350).
{ apply Rle_trans with (bsum n (fun i => Rabs (e i)) * bpow radix2 200).
  - rewrite <- bsum_scalr; apply bsum_le; intros i below.
    apply Rmult_le_compat_l; [apply Rabs_pos|].
    eapply Rle_trans; [apply sqrt_le_1_alt, (sane_above sane); exact below|exact root].
  - replace (bpow radix2 350) with (bpow radix2 150 * bpow radix2 200)
      by (rewrite <- bpow_plus; reflexivity).
    apply Rmult_le_compat_r; [apply bpow_ge_0|exact esmall]. }
assert (ppos : 0 <= product64 n <= 1).
{ destruct (columns_range n nonempty (sane_columns sane)) as [one few]; simpl bpow in few.
  unfold product64; simpl bpow; split; [apply Rmult_le_pos|]; lra. }
assert (rho_range : 0 <= rho <= 2 * A).
{ unfold rho; split; [apply Rmult_le_pos; [apply Rmult_le_pos|]; lra|].
  apply Rmult_le_compat_r; [exact Apos|].
  apply Rle_trans with (1 * (1 + residual64 n)); [apply Rmult_le_compat_r|]; lra. }
assert (near := product_norm64 nonempty); fold rho y in near.
assert (total : N t' <= N (fun j => t' j - t j) + N t).
{ eapply Rle_trans; [|apply (pivot_norm_triangle n d positive_pivots)].
  apply Req_le, pivot_norm_ext; intros; ring. }
assert (exact_part := exact_norm64 nonempty).
assert (exact_small : N t <= 2 * A).
{ eapply Rle_trans; [exact exact_part|apply Rmult_le_compat_r; lra]. }
assert (Nt := pivot_norm_ge0 n d t').
assert (big : 1 <= bpow radix2 350) by (change 1 with (bpow radix2 0); apply bpow_le; lia).
assert (ytiny : y <= 1) by (eapply Rle_trans; [exact ysmall|];
  change 1 with (bpow radix2 0); apply bpow_le; lia).
assert (sum : 2 * N t' + 2 * rho + y <= bpow radix2 4 * bpow radix2 350)
  by (simpl (bpow radix2 4); lra).
assert (extra : y * (2 * N t' + 2 * rho + y) <= bpow radix2 (-824) * bpow radix2 354).
{ apply Rmult_le_compat; [exact ypos|lra|exact ysmall|].
  rewrite <- bpow_plus in sum; exact sum. }
rewrite <- bpow_plus in extra.
assert (final : bpow radix2 (-824 + 354) <= bpow radix2 (-470)) by (apply bpow_le; lia).
unfold enclosure_width in *; lra.
Qed.

End Binary64.

Section Binary32.

(** The stage before: errors rounded to binary32, the factor as the recurrence reads it, chains in
    binary32. For GPTQ's own codes t'_j is fl(r_j + e_j), which the recurrence has. *)
Variable n : nat.
Variables (H C U : mat) (d : vec) (hmax : R).
Hypothesis run : is_factor real64 n H C U d.
Hypothesis symmetric : sym n H.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.
Hypothesis sane : sane_diagonal n H hmax.
Hypothesis nonempty : (0 < n)%nat.
Hypothesis columns : (Z.of_nat n <= 2 ^ 20)%Z.
Variables e e' : vec.
Hypothesis rounded : forall k, (k < n)%nat -> e' k = rnd (-149) 24 (e k).
Notation u := (uro 24).
Notation A := (weighted_size n (root_diagonal H) e).
Notation V := (round_factor (-149) 24 U).
Notation t' := (product_chain (-149) 24 V e').

(** The constants of the product. *)
Lemma product_constant32 : gam u (S n) <= product32 n /\ (1 + u) ^ n <= 2
  /\ 0 <= residual32 n <= 1.
Proof.
assert (few : INR n <= 1048576)
  by (rewrite INR_IZR_INZ; change 1048576 with (IZR (2 ^ 20)); apply IZR_le; exact columns).
assert (index := pos_INR n).
assert (value : u = / 16777216) by reflexivity.
assert (short : INR (S n) * u <= / 8) by (rewrite S_INR, value; lra).
assert (grown : gam u (S n) <= gam_up u (S n))
  by (apply gam_closed; [rewrite value|]; lra).
split; [exact grown|split].
- assert (fewer : gam u n <= gam u (S n)) by (apply gam_mono; [rewrite value; lra|lia]).
  assert (product_pos : 0 <= INR (S n) * u)
    by (apply Rmult_le_pos; [apply pos_INR|rewrite value; lra]).
  assert (small : gam_up u (S n) <= / 8 * (1 + / 8))
    by (unfold gam_up; apply Rmult_le_compat; lra).
  unfold gam in *; lra.
- unfold residual32, residual64; simpl bpow; lra.
Qed.

(** The loss in H of any error against the squares computed in binary32. *)
Theorem loss_enclosure32 :
  let rho := product32 n * (1 + residual32 n) * A + under_product32 n hmax in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width (residual32 n) rho (pivot_norm n d t') A.
Proof.
intros rho; destruct product_constant32 as [constant [growth gpos]].
assert (shape : unit_upper n V) by (apply (round_factor_unit_upper (-149) 24);
  [lia|exact (factor_unit_upper (-1074) 53 n H C U d run)]).
assert (residual := residual_entry_binary32 n H C U d hmax run symmetric pivots sane).
apply (enclosure_from_norm n H V d); [exact shape|exact pivots|exact residual|].
assert (near := product_norm (-149) 24 n H V d hmax (residual32 n) (product32 n) shape pivots
  (product_diagonal n H hmax sane) residual gpos e e' rounded constant growth nonempty).
eapply Rle_trans; [exact near|]; apply Req_le; unfold rho, under_product32; f_equal; f_equal.
change (bpow radix2 (-147)) with (bpow radix2 (3 + -150)); rewrite bpow_plus.
change (bpow radix2 3) with 8; unfold eta; simpl Z.sub; ring.
Qed.

End Binary32.

(** The plain loss in the stored Gram matrix: the diagonal of H enters with its exact excess. *)
Theorem plain_loss_identity n lam G v :
  let H := hessian_stored lam G in
  2 * qform n G v = qform n H v - bsum n (fun j => (H j j - 2 * G j j) * v j ^ 2).
Proof.
intros H; assert (difference : qform n (fun i j => H i j - 2 * G i j) v
    = bsum n (fun j => (H j j - 2 * G j j) * v j ^ 2)).
{ rewrite <- (qform_diag n (fun j => H j j - 2 * G j j)).
  unfold qform; apply bsum_ext; intros i _; apply bsum_ext; intros j _.
  unfold diag, H, hessian_stored; destruct (Nat.eqb_spec i j) as [->|other]; [|ring].
  rewrite Nat.eqb_refl; ring. }
rewrite <- difference, qform_sub.
assert (double : qform n (fun i j => 2 * G i j) v = 2 * qform n G v).
{ unfold qform; rewrite <- bsum_scal; apply bsum_ext; intros i _.
  rewrite <- bsum_scal; apply bsum_ext; intros; ring. }
rewrite double; ring.
Qed.
