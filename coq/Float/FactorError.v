(** * The residual of the computed factorization, entry by entry (T15)

    Purpose: |H - U D U^T|_ij <= ((1 + u)^n - 1) sum_k |U_ik| d_k |U_jk| and an underflow term, for
      the U and d that the program of [Factor] returns, whatever H, if the pivots are positive.
    Main results: [T15_entry_upper] (i <= j, exponent n - j), [T15_entry] (every entry, exponent
      n).
    Bound functions: [recon_size], [under_factor].
    Depends on: Gptq/Sums, Gptq/Matrix, [ChainError], [Factor], [SumsExtra].
    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem 10.3, for
      the Cholesky factorization in another order. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError SumsExtra Factor.
Open Scope R_scope.

(** The sum over k of |U_ik| d_k |U_jk|. *)
Definition recon_size (n : nat) (U : mat) (d : vec) (i j : nat) : R :=
  bsum n (fun k => Rabs (U i k) * d k * Rabs (U j k)).

(** Underflow of an entry: z (1 + u)^n (n + sum_k d_k |U_jk|). *)
Definition under_factor (u z : R) (n : nat) (U : mat) (d : vec) (j : nat) : R :=
  z * (1 + u) ^ n * (INR n + bsum n (fun k => d k * Rabs (U j k))).

Section Factorization.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Notation z := (eta emin).

Variable n : nat.
Variables (H C U : mat) (d : vec).
Hypothesis run : is_factor A n H C U d.
Hypothesis pivots : forall k, (k < n)%nat -> 0 < d k.

(** The computed factor is unit upper triangular. *)
Lemma factor_unit_upper : unit_upper n U.
Proof. split; [apply (factor_low run)|apply (factor_one run)]. Qed.

(** One division: C_ik against U_ik d_k. *)
Lemma factor_division i k : (i <= k < n)%nat ->
  Rabs (C i k - U i k * d k) <= u * (Rabs (U i k) * d k) + z * d k.
Proof.
intros range; assert (dpos := pivots k ltac:(lia)).
assert (upos := uro_pos prec); assert (zpos := eta_pos emin).
destruct (Nat.eq_dec i k) as [->|other].
- rewrite (factor_one run), (factor_pivot run) by lia; simpl.
  rewrite Rmult_1_l, Rminus_diag_eq, Rabs_R0 by reflexivity.
  rewrite <- (factor_pivot run) by lia; rewrite Rabs_R1.
  assert (scaled : 0 <= u * (1 * d k)) by nra; nra.
- assert (scale := factor_scale run i k ltac:(lia)); simpl in scale.
  assert (close := rnd_error_round emin prec (C i k / d k)); rewrite <- scale in close.
  replace (C i k - U i k * d k) with (- ((U i k - C i k / d k) * d k)) by (field; lra).
  rewrite Rabs_Ropp, Rabs_mult, (Rabs_pos_eq (d k)) by lra.
  replace (u * (Rabs (U i k) * d k) + z * d k) with ((u * Rabs (U i k) + z) * d k) by ring.
  apply Rmult_le_compat_r; lra.
Qed.

(** A later column by its place from the end. *)
Notation later m := (n - 1 - m)%nat.

(** T15, entry by entry on and above the diagonal, with the exponent of the column. *)
Theorem T15_entry_upper i j : (i <= j < n)%nat ->
  Rabs (resid n H U d i j)
  <= gam u (n - j) * recon_size n U d i j + under_factor u z n U d j.
Proof.
intros range.
assert (upos := uro_ge0 prec); assert (zpos := eta_ge0 emin).
set (K := (n - 1 - j)%nat).
set (a := fun k => U i k * d k).
assert (low : forall k, (k < j)%nat -> U j k = 0)
  by (intros k below; apply (factor_low run); lia).
assert (one : U j j = 1) by (apply (factor_one run); lia).
assert (exact_sum : recon n U d i j = a j + bsum K (fun m => a (later m) * U j (later m))).
{ unfold recon; rewrite (bsum_pivot n j) by (lia || (intros k below; rewrite low; [ring|lia])).
  rewrite one, Rmult_1_r; reflexivity. }
assert (size : recon_size n U d i j
    = Rabs (a j) + bsum K (fun m => Rabs (a (later m)) * Rabs (U j (later m)))).
{ unfold recon_size.
  rewrite (bsum_pivot n j)
    by (lia || (intros k below; rewrite low, Rabs_R0; [ring|lia])).
  rewrite one, Rabs_R1, Rmult_1_r; unfold a; f_equal.
  - rewrite Rabs_mult, (Rabs_pos_eq (d j)); [reflexivity|apply Rlt_le, pivots; lia].
  - apply bsum_ext; intros m below.
    rewrite Rabs_mult, (Rabs_pos_eq (d (later m))); [reflexivity|apply Rlt_le, pivots; lia]. }
assert (weight : bsum n (fun k => d k * Rabs (U j k))
    = d j + bsum K (fun m => d (later m) * Rabs (U j (later m)))).
{ rewrite (bsum_pivot n j)
    by (lia || (intros k below; rewrite low, Rabs_R0; [ring|lia])).
  rewrite one, Rabs_R1, Rmult_1_r; reflexivity. }
set (S := bsum K (fun m => Rabs (a (later m)) * Rabs (U j (later m)))) in *.
set (W := bsum K (fun m => d (later m) * Rabs (U j (later m)))) in *.
assert (chain := chain_error_backward emin prec K (fun m => - C i (later m))
  (fun m => U j (later m)) (H i j)); cbv beta in chain.
change (fma_chain A K (fun m => - C i (later m)) (fun m => U j (later m)) (H i j))
  with (factor_entry A n H C U i j) in chain.
rewrite <- (factor_column run i j range) in chain.
assert (pivot_close := factor_division i j range); fold (a j) in pivot_close.
assert (dj := pivots j ltac:(lia)).
assert (abs_a : forall k, (k < n)%nat -> Rabs (U i k) * d k = Rabs (a k)).
{ intros k below; unfold a; rewrite Rabs_mult, (Rabs_pos_eq (d k)); [reflexivity|].
  apply Rlt_le, pivots; exact below. }
rewrite abs_a in pivot_close by lia.
assert (later_close : forall m, (m < K)%nat ->
  Rabs (C i (later m) - a (later m)) <= u * Rabs (a (later m)) + z * d (later m)).
{ intros m below; rewrite <- abs_a by lia; apply factor_division; lia. }
assert (sum_close : Rabs (bsum K (fun m => (C i (later m) - a (later m)) * U j (later m)))
    <= u * S + z * W).
{ eapply Rle_trans; [apply bsum_abs|].
  unfold S, W; rewrite <- !bsum_scal, <- bsum_plus; apply bsum_le; intros m below.
  rewrite Rabs_mult.
  replace (u * (Rabs (a (later m)) * Rabs (U j (later m)))
           + z * (d (later m) * Rabs (U j (later m))))
    with ((u * Rabs (a (later m)) + z * d (later m)) * Rabs (U j (later m))) by ring.
  apply Rmult_le_compat_r; [apply Rabs_pos|apply later_close; exact below]. }
assert (sum_size : bsum K (fun m => Rabs (- C i (later m)) * Rabs (U j (later m)))
    <= (1 + u) * S + z * W).
{ unfold S, W; rewrite <- !bsum_scal, <- bsum_plus; apply bsum_le; intros m below.
  rewrite Rabs_Ropp; assert (near := later_close m below).
  assert (triangle : Rabs (C i (later m))
      <= Rabs (C i (later m) - a (later m)) + Rabs (a (later m))).
  { replace (C i (later m)) with (C i (later m) - a (later m) + a (later m)) at 1 by ring.
    apply Rabs_triang. }
  replace ((1 + u) * (Rabs (a (later m)) * Rabs (U j (later m)))
           + z * (d (later m) * Rabs (U j (later m))))
    with ((Rabs (a (later m)) + u * Rabs (a (later m)) + z * d (later m))
          * Rabs (U j (later m))) by ring.
  apply Rmult_le_compat_r; [apply Rabs_pos|lra]. }
assert (pivot_size : Rabs (C i j) <= (1 + u) * Rabs (a j) + z * d j).
{ assert (triangle : Rabs (C i j) <= Rabs (C i j - a j) + Rabs (a j)).
  { replace (C i j) with (C i j - a j + a j) at 1 by ring; apply Rabs_triang. }
  lra. }
assert (signed : bsum K (fun m => - C i (later m) * U j (later m))
    = - bsum K (fun m => C i (later m) * U j (later m))).
{ rewrite (bsum_ext K _ (fun m => -1 * (C i (later m) * U j (later m)))) by (intros; ring).
  rewrite bsum_scal; ring. }
rewrite signed in chain.
assert (split : resid n H U d i j
    = (H i j + - bsum K (fun m => C i (later m) * U j (later m)) - C i j)
      + (C i j - a j) + bsum K (fun m => (C i (later m) - a (later m)) * U j (later m))).
{ unfold resid; rewrite exact_sum.
  rewrite (bsum_ext K (fun m => (C i (later m) - a (later m)) * U j (later m))
    (fun m => C i (later m) * U j (later m) - a (later m) * U j (later m))) by (intros; ring).
  rewrite bsum_minus; ring. }
rewrite split, size; unfold under_factor; rewrite weight.
eapply Rle_trans; [apply Rabs_triang|].
assert (outer := Rabs_triang
  (H i j + - bsum K (fun m => C i (later m) * U j (later m)) - C i j) (C i j - a j)).
assert (gpos := gam_ge0 u upos K).
set (N := bsum K (fun m => Rabs (- C i (later m)) * Rabs (U j (later m)))) in *.
assert (used : gam u K * (Rabs (C i j) + N)
    <= gam u K * ((1 + u) * Rabs (a j) + z * d j + ((1 + u) * S + z * W)))
  by (apply Rmult_le_compat_l; lra).
replace (n - j)%nat with (Datatypes.S K) by (unfold K; lia).
rewrite <- (gam_step u K).
assert (Wpos : 0 <= W).
{ apply bsum_ge0; intros m below; apply Rmult_le_pos; [|apply Rabs_pos].
  apply Rlt_le, pivots; lia. }
assert (power : (1 + u) ^ K <= (1 + u) ^ n) by (apply growth_mono; [exact upos|unfold K; lia]).
assert (count : INR K <= INR n) by (apply le_INR; unfold K; lia).
assert (ge1 := growth_ge1 u upos K); assert (index := pos_INR K).
assert (tail : gam u K * (z * d j + z * W) + under_chain u z K + z * d j + z * W
    <= z * (1 + u) ^ n * (INR n + (d j + W))).
{ unfold under_chain, gam.
  replace (((1 + u) ^ K - 1) * (z * d j + z * W) + INR K * (1 + u) ^ K * z + z * d j + z * W)
    with (z * ((1 + u) ^ K * (INR K + (d j + W)))) by ring.
  rewrite Rmult_assoc; apply Rmult_le_compat_l; [exact zpos|].
  apply Rmult_le_compat; lra. }
lra.
Qed.

(** A rounded entry has exponent at most [n]. *)
Lemma T15_entry_uniform i j : (i <= j < n)%nat ->
  Rabs (resid n H U d i j) <= gam u n * recon_size n U d i j + under_factor u z n U d j.
Proof.
intros range; eapply Rle_trans; [apply T15_entry_upper; exact range|].
apply Rplus_le_compat_r, Rmult_le_compat_r.
- apply bsum_ge0; intros k below.
  apply Rmult_le_pos; [apply Rmult_le_pos; [apply Rabs_pos|]|apply Rabs_pos].
  apply Rlt_le, pivots; exact below.
- apply gam_mono; [apply uro_ge0|lia].
Qed.

End Factorization.

(** The product U D U^T is symmetric. *)
Lemma recon_sym n U d i j : recon n U d i j = recon n U d j i.
Proof. apply bsum_ext; intros; ring. Qed.

(** The sizes are symmetric. *)
Lemma recon_size_sym n U d i j : recon_size n U d i j = recon_size n U d j i.
Proof. apply bsum_ext; intros; ring. Qed.

(** T15, entry by entry, for a symmetric H. *)
Theorem T15_entry emin prec {prec_pos : Prec_gt_0 prec} n H C U d i j :
  is_factor (real_arith emin prec) n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H U d i j)
  <= gam (uro prec) n * recon_size n U d i j
     + under_factor (uro prec) (eta emin) n U d (Nat.max i j).
Proof.
intros run symmetric pivots ibelow jbelow.
destruct (Nat.le_ge_cases i j) as [upper|lower].
- rewrite Nat.max_r by exact upper.
  apply (T15_entry_uniform emin prec n H C); [exact run|exact pivots|lia].
- rewrite Nat.max_l by exact lower.
  unfold resid; rewrite symmetric, recon_sym, recon_size_sym by assumption.
  apply (T15_entry_uniform emin prec n H C); [exact run|exact pivots|lia].
Qed.
