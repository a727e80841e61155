(** * Float/Enclosure: the guard's enclosure of the plain loss, from one triangular product

    Purpose.  The guard evaluates t' = e' U by the chains of the recurrence, with e' the rounded
      errors and U, d the binary64 factor, and needs
      2 loss_G = sum d_j t_j^2 + e R e^T - sum (H_jj - 2 G_jj) e_j^2 for t = e U, R = H - U D U^T.
      Here the distance from t' to t is measured in the norm of the pivots, so that nothing is
      formed column by column.
    Main results.  [product_column] (T11, one column), [product_norm] (the whole row),
      [loss_enclosure] (the loss in H), [loss_enclosure_closed] (with the underflow replaced by
      2^-470), [plain_loss_identity] (from the loss in H to the plain loss).
    Bound functions.  [product64] ((n + 2) 2^-53), [residual64], [under_product], [enclosure_width].
    Dependencies.  Gptq/Identity, Float/ChainError, Float/FactorClosed, Float/PivotNorm. *)

From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Triangular Gptq GptqFacts Identity.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError SumsExtra Factor.
From Hallmark.Float Require Import FactorError FactorDiagonal Residual FactorClosed Hessian.
From Hallmark.Float Require Import PivotNorm.
Open Scope R_scope.

(** The constant of one triangular product: (n + 2) 2^-53. *)
Definition product64 (n : nat) : R := (INR n + 2) * bpow radix2 (-53).

(** The computed entry of e U: the chain of fma from 0 over increasing k <= j. *)
Definition product_float (U : mat) (e : vec) (j : nat) : R :=
  fma_chain real64 (S j) e (fun k => U k j) 0.

(** The underflow of the product in the norm of the pivots. *)
Definition under_product (hmax : R) : R := bpow radix2 (-1024) * sqrt hmax.

(** The width of the enclosure of 2 loss_G: N = N(t'), A = sum |e_i| sqrt(H_ii). *)
Definition enclosure_width (n : nat) (rho N A : R) : R :=
  2 * N * rho + rho ^ 2 + residual64 n * A ^ 2.

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

Variable n : nat.
Variables (H C U : mat) (d : vec) (hmax : R).
Hypothesis run : is_factor real64 n H C U d.
Hypothesis symmetric : sym n H.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.
Hypothesis sane : sane_diagonal n H hmax.
Variables e e' : vec.
Hypothesis rounded : forall k, (k < n)%nat -> e' k = rnd64 (e k).
Notation u := (uro 53).
Notation z := (eta (-1074)).
Notation N := (pivot_norm n d).
Notation A := (weighted_size n (root_diagonal H) e).
Notation t := (vmul n e U).
Notation t' := (product_float U e').

(** The pivots are nonnegative. *)
Lemma product_nonneg : nonneg n d.
Proof. intros k below; apply Rlt_le, pivots; exact below. Qed.

(** The factor is unit upper triangular. *)
Lemma product_shape : unit_upper n U.
Proof. exact (factor_unit_upper (-1074) 53 n H C U d run). Qed.

(** An exact entry of e U is a sum over k <= j. *)
Lemma vmul_upto v j : (j < n)%nat -> vmul n v U j = bsum (S j) (fun k => v k * U k j).
Proof.
intros below; unfold vmul; rewrite (bsum_split n j); [reflexivity|exact below|].
intros k range; rewrite (proj1 product_shape) by exact range; ring.
Qed.

(** T11 for one entry of the product, against the exact errors. *)
Theorem product_column j : (j < n)%nat ->
  Rabs (t' j - t j)
  <= gam u (S n) * vmul n (fun k => Rabs (e k)) (fun k l => Rabs (U k l)) j
     + z * (1 + u) ^ n * (vmul n (fun _ => 1) (fun k l => Rabs (U k l)) j + INR n).
Proof.
intros below; assert (upos := uro_ge0 53); assert (zpos := eta_ge0 (-1074)).
assert (absolute : forall v, vmul n v (fun k l => Rabs (U k l)) j
    = bsum (S j) (fun k => v k * Rabs (U k j))).
{ intros v; unfold vmul; rewrite (bsum_split n j); [reflexivity|exact below|].
  intros k range; rewrite (proj1 product_shape), Rabs_R0 by exact range; ring. }
rewrite !absolute, vmul_upto by exact below.
set (S1 := bsum (S j) (fun k => Rabs (e k) * Rabs (U k j))).
set (S0 := bsum (S j) (fun k => 1 * Rabs (U k j))).
assert (chain := chain_error (-1074) 53 (S j) e' (fun k => U k j)); cbv beta in chain.
change (fma_chain (real_arith (-1074) 53) (S j) e' (fun k => U k j) 0) with (t' j) in chain.
assert (near : forall k, (k < S j)%nat -> Rabs (e' k - e k) <= u * Rabs (e k) + z)
  by (intros k range; rewrite rounded by lia; apply (rnd_error (-1074) 53)).
assert (size : bsum (S j) (fun k => Rabs (e' k) * Rabs (U k j)) <= (1 + u) * S1 + z * S0).
{ unfold S1, S0; rewrite <- !bsum_scal, <- bsum_plus; apply bsum_le; intros k range.
  assert (bound : Rabs (e' k) <= (1 + u) * Rabs (e k) + z).
  { replace (e' k) with (e' k - e k + e k) by ring.
    eapply Rle_trans; [apply Rabs_triang|assert (close := near k range); lra]. }
  apply Rle_trans with (((1 + u) * Rabs (e k) + z) * Rabs (U k j));
    [apply Rmult_le_compat_r; [apply Rabs_pos|exact bound]|apply Req_le; ring]. }
assert (shift : Rabs (bsum (S j) (fun k => e' k * U k j) - bsum (S j) (fun k => e k * U k j))
    <= u * S1 + z * S0).
{ rewrite <- bsum_minus; eapply Rle_trans; [apply bsum_abs|].
  unfold S1, S0; rewrite <- !bsum_scal, <- bsum_plus; apply bsum_le; intros k range.
  replace (e' k * U k j - e k * U k j) with ((e' k - e k) * U k j) by ring.
  rewrite Rabs_mult.
  apply Rle_trans with ((u * Rabs (e k) + z) * Rabs (U k j));
    [apply Rmult_le_compat_r; [apply Rabs_pos|apply near; exact range]|apply Req_le; ring]. }
replace (t' j - bsum (S j) (fun k => e k * U k j))
  with (t' j - bsum (S j) (fun k => e' k * U k j)
        + (bsum (S j) (fun k => e' k * U k j) - bsum (S j) (fun k => e k * U k j))) by ring.
eapply Rle_trans; [apply Rabs_triang|].
assert (S1pos : 0 <= S1) by (apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
assert (S0pos : 0 <= S0)
  by (apply bsum_ge0; intros; rewrite Rmult_1_l; apply Rabs_pos).
assert (gpos := gam_ge0 u upos (S j)).
assert (used : gam u (S j) * bsum (S j) (fun k => Rabs (e' k) * Rabs (U k j))
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

(** The root of the diagonal of U D U^T against that of H. *)
Lemma recon_root k : (k < n)%nat ->
  sqrt (recon n U d k k) <= (1 + residual64 n) * root_diagonal H k.
Proof.
intros below; destruct (sane_sizes n H hmax sane k below) as [Hpos _].
assert (entry := T15_binary64 n H C U d hmax run symmetric pivots sane k k below below).
rewrite sqrt_sqrt in entry by exact Hpos.
assert (gpos : 0 <= residual64 n).
{ unfold residual64; apply Rmult_le_pos; [assert (index := pos_INR n); lra|apply bpow_ge_0]. }
assert (side := Rle_abs (- resid n H U d k k)); rewrite Rabs_Ropp in side; unfold resid in *.
unfold root_diagonal; rewrite <- (sqrt_square (1 + residual64 n)) by lra.
rewrite <- sqrt_mult by (try nra; exact Hpos); apply sqrt_le_1_alt; nra.
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

(** The underflow of the whole row. *)
Lemma product_underflow : (0 < n)%nat ->
  N (fun j => z * (1 + u) ^ n * (vmul n (fun _ => 1) (fun k l => Rabs (U k l)) j + INR n))
  <= under_product hmax.
Proof.
intros nonempty; destruct (columns_range n nonempty (sane_columns sane)) as [one few].
destruct (product_constant nonempty) as [_ [growth [gpos gone]]].
assert (zpos := eta_ge0 (-1074)); assert (ge1 := growth_ge1 u (uro_ge0 53) n).
assert (top := hmax_ge0 n H hmax sane nonempty); assert (Hroot := sqrt_pos hmax).
assert (row : forall k, (k < n)%nat -> N (fun l => Rabs (U k l)) <= 2 * sqrt hmax).
{ intros k below; rewrite pivot_norm_row.
  eapply Rle_trans; [apply recon_root; exact below|].
  apply Rmult_le_compat; [lra|apply sqrt_pos|lra|].
  apply sqrt_le_1_alt, (sane_above sane); exact below. }
assert (rows : N (fun j => vmul n (fun _ => 1) (fun k l => Rabs (U k l)) j)
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
    assert (pivot := pivot_le_diagonal n U d product_shape pivots j below).
    assert (root := row j below); rewrite pivot_norm_row in root.
    assert (pos := recon_diagonal_ge0 n U d pivots j).
    assert (square : recon n U d j j <= 4 * hmax).
    { rewrite <- (sqrt_sqrt (recon n U d j j)) by exact pos.
      rewrite <- (sqrt_sqrt hmax) by exact top.
      assert (rpos := sqrt_pos (recon n U d j j)); nra. }
    lra. }
  assert (wide : 1 * (INR n * (4 * hmax)) <= INR n * (INR n * (4 * hmax)))
    by (apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra).
  lra. }
rewrite pivot_norm_scale by exact product_nonneg.
rewrite Rabs_pos_eq by (apply Rmult_le_pos; lra).
assert (split : N (fun j => vmul n (fun _ => 1) (fun k l => Rabs (U k l)) j + INR n)
    <= INR n * (2 * sqrt hmax) + INR n * (INR n * (2 * sqrt hmax))).
{ eapply Rle_trans; [apply (pivot_norm_triangle n d product_nonneg)|].
  apply Rplus_le_compat; [exact rows|].
  rewrite (pivot_norm_ext n d (fun _ => INR n) (fun _ => INR n * 1)) by (intros; ring).
  rewrite pivot_norm_scale by exact product_nonneg.
  rewrite Rabs_pos_eq by lra; apply Rmult_le_compat_l; [lra|exact ones]. }
apply Rle_trans with (z * 2 * (bpow radix2 24 * bpow radix2 24 * 4 * sqrt hmax)).
- apply Rmult_le_compat; [apply Rmult_le_pos; lra|apply pivot_norm_ge0|
    apply Rmult_le_compat_l; [exact zpos|exact growth]|].
  eapply Rle_trans; [exact split|].
  assert (square : INR n * INR n <= bpow radix2 24 * bpow radix2 24)
    by (apply Rmult_le_compat; lra).
  assert (self : INR n <= INR n * INR n) by nra.
  assert (first : INR n * (2 * sqrt hmax) <= bpow radix2 24 * bpow radix2 24 * (2 * sqrt hmax))
    by (apply Rmult_le_compat_r; lra).
  assert (second : INR n * INR n * (2 * sqrt hmax)
      <= bpow radix2 24 * bpow radix2 24 * (2 * sqrt hmax))
    by (apply Rmult_le_compat_r; lra).
  lra.
- assert (two : 2 = bpow radix2 1) by reflexivity.
  assert (four : 4 = bpow radix2 2) by reflexivity.
  unfold under_product, eta; rewrite four, two, <- !Rmult_assoc, <- !bpow_plus.
  apply Rmult_le_compat_r; [exact Hroot|apply bpow_le; lia].
Qed.

(** The distance from the computed product to the exact one, in the norm of the pivots. *)
Theorem product_norm : (0 < n)%nat ->
  N (fun j => t' j - t j) <= product64 n * (1 + residual64 n) * A + under_product hmax.
Proof.
intros nonempty; destruct (product_constant nonempty) as [constant [_ [gpos _]]].
assert (ppos : 0 <= product64 n)
  by (eapply Rle_trans; [apply (gam_ge0 u (uro_ge0 53) (S n))|exact constant]).
assert (positive : forall j, 0 <= vmul n (fun k => Rabs (e k)) (fun k l => Rabs (U k l)) j)
  by (intros j; apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
eapply Rle_trans.
- apply (pivot_norm_le n d product_nonneg _ (fun j =>
    product64 n * vmul n (fun k => Rabs (e k)) (fun k l => Rabs (U k l)) j
    + z * (1 + u) ^ n * (vmul n (fun _ => 1) (fun k l => Rabs (U k l)) j + INR n))).
  intros j below; eapply Rle_trans; [apply product_column; exact below|].
  apply Rplus_le_compat_r, Rmult_le_compat_r; [apply positive|exact constant].
- eapply Rle_trans; [apply (pivot_norm_triangle n d product_nonneg)|].
  apply Rplus_le_compat; [|apply product_underflow; exact nonempty].
  rewrite pivot_norm_scale, Rabs_pos_eq, Rmult_assoc by (exact product_nonneg || exact ppos).
  apply Rmult_le_compat_l; [exact ppos|].
  eapply Rle_trans; [apply (pivot_norm_rows n d product_nonneg)|].
  unfold weighted_size; rewrite <- bsum_scal; apply bsum_le; intros k below.
  rewrite Rabs_Rabsolu, pivot_norm_row.
  replace ((1 + residual64 n) * (Rabs (e k) * root_diagonal H k))
    with (Rabs (e k) * ((1 + residual64 n) * root_diagonal H k)) by ring.
  apply Rmult_le_compat_l; [apply Rabs_pos|apply recon_root; exact below].
Qed.

(** The exact product in the norm of the pivots. *)
Lemma exact_norm : (0 < n)%nat -> N t <= (1 + residual64 n) * A.
Proof.
intros nonempty; apply Rle_trans with
  (N (fun j => vmul n (fun k => Rabs (e k)) (fun k l => Rabs (U k l)) j)).
- apply pivot_norm_le; [exact product_nonneg|]; intros j below.
  unfold vmul; eapply Rle_trans; [apply bsum_abs|].
  apply Req_le, bsum_ext; intros; apply Rabs_mult.
- eapply Rle_trans; [apply (pivot_norm_rows n d product_nonneg)|].
  unfold weighted_size; rewrite <- bsum_scal; apply bsum_le; intros k below.
  rewrite Rabs_Rabsolu, pivot_norm_row.
  replace ((1 + residual64 n) * (Rabs (e k) * root_diagonal H k))
    with (Rabs (e k) * ((1 + residual64 n) * root_diagonal H k)) by ring.
  apply Rmult_le_compat_l; [apply Rabs_pos|apply recon_root; exact below].
Qed.

(** The loss in H of any error against the computed squares. *)
Theorem loss_enclosure : (0 < n)%nat ->
  let rho := product64 n * (1 + residual64 n) * A + under_product hmax in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2)) <= enclosure_width n rho (N t') A.
Proof.
intros nonempty rho; unfold enclosure_width.
assert (identity : qform n H e
    = bsum n (fun j => d j * t j ^ 2) + qform n (resid n H U d) e).
{ assert (T1 := T1_identity_residual n H U d e (fun _ => 0) product_shape).
  assert (same : forall v, qform n v (vsub e (fun _ => 0)) = qform n v e)
    by (intros v; apply bsum_ext; intros i _; apply bsum_ext; intros j _; unfold vsub; ring).
  rewrite !same in T1; rewrite T1; f_equal; apply bsum_ext; intros j below.
  f_equal; f_equal; rewrite (comp_sub n U) by (exact product_shape || exact below).
  unfold vmul, vsub; apply bsum_ext; intros k _; ring. }
assert (form := T15_form_binary64 n H C U d hmax run symmetric pivots sane e).
assert (squares := square_distance n d product_nonneg t' t rho (product_norm nonempty)).
rewrite identity.
replace (bsum n (fun j => d j * t j ^ 2) + qform n (resid n H U d) e
         - bsum n (fun j => d j * t' j ^ 2))
  with (bsum n (fun j => d j * t j ^ 2) - bsum n (fun j => d j * t' j ^ 2)
        + qform n (resid n H U d) e) by ring.
eapply Rle_trans; [apply Rabs_triang|]; lra.
Qed.

(** With bounded inputs the underflow is below 2^-470. *)
Theorem loss_enclosure_closed : (0 < n)%nat -> hmax <= bpow radix2 400 ->
  bsum n (fun i => Rabs (e i)) <= bpow radix2 150 ->
  let rho := product64 n * (1 + residual64 n) * A in
  Rabs (qform n H e - bsum n (fun j => d j * t' j ^ 2))
  <= enclosure_width n rho (N t') A + bpow radix2 (-470).
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
assert (near := product_norm nonempty); fold rho y in near.
assert (total : N t' <= N (fun j => t' j - t j) + N t).
{ eapply Rle_trans; [|apply (pivot_norm_triangle n d product_nonneg)].
  apply Req_le, pivot_norm_ext; intros; ring. }
assert (exact_part := exact_norm nonempty).
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

End Product.

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
