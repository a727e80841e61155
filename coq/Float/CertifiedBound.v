(** * The bound of a certificate

    Purpose: the distances of T11, summed column by column, become a product of two norms by
      Cauchy's inequality, so that a row costs O(n).  With exact errors in place of the rounded ones
      both norms are enlarged a little.
    Main definitions: [enlarged_norm], [certified_delta], [certified_bound].
    Main results: [certified_delta_covers] (at least T11's distance), [certified_bound_holds] (the
      plain loss in the stored Gram matrix is at most the bound).
    Depends on: Gptq/Perturbation, [RecurrenceError], [Emitted], [Enclosure].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Gptq Perturbation.
From Hallmark.Float Require Import Arithmetic Rounding Gamma ChainError SumsExtra Recurrence.
From Hallmark.Float Require Import RecurrenceError Factor FactorRounded Residual FactorClosed.
From Hallmark.Float Require Import Hessian Emitted Enclosure.
Open Scope R_scope.

(** The norm of n numbers, times 1 + 2^-20. *)
Definition enlarged_norm (n : nat) (x : vec) : R :=
  sqrt (bsum n (fun k => x k ^ 2)) * (1048577 / 1048576).

(** The distance of u'_j from u_j: x (1 + x) |U_0j .. U_(j-1)j| N + 2^-24 |u'_j|
    + (j + 1) 2^-148 (1 + |U_0j .. U_(j-1)j|), x = (j + 1) 2^-24. *)
Definition certified_delta (V : mat) (N : R) (u' : vec) (j : nat) : R :=
  let x := INR (S j) * bpow radix2 (-24) in
  let norm := enlarged_norm j (fun k => V k j) in
  x * (1 + x) * norm * N + bpow radix2 (-24) * Rabs (u' j)
  + INR (S j) * bpow radix2 (-148) * (1 + norm).

(** The bound of the plain loss: gap_j bounds |u'_j - q_j|. *)
Definition certified_bound (n : nat) (lam : R) (G U : mat) (d w q gap u' : vec) : R :=
  let H := hessian_stored lam G in
  let e := vsub w q in
  let V := stored_factor U in
  (bsum n (fun j => d j * (gap j + certified_delta V (enlarged_norm n e) u' j) ^ 2)
   + residual32 n * weighted_size n (root_diagonal H) e ^ 2
   - bsum n (fun j => (H j j - 2 * G j j) * e j ^ 2)) / 2.

(** A sum of absolute values against the norm. *)
Lemma sum_norm n x :
  bsum n (fun k => Rabs (x k)) <= sqrt (INR n) * sqrt (bsum n (fun k => x k ^ 2)).
Proof.
assert (schwarz := cauchy_schwarz_abs n (fun _ => 1) x); cbv beta in schwarz.
rewrite (bsum_ext n (fun k => Rabs 1 * Rabs (x k)) (fun k => Rabs (x k))) in schwarz
  by (intros; rewrite Rabs_R1; ring).
rewrite (bsum_ext n (fun _ => 1 ^ 2) (fun _ => 1)) in schwarz by (intros; ring).
rewrite bsum_const, Rmult_1_r in schwarz; exact schwarz.
Qed.

(** The norm of a sum of two rows. *)
Lemma norm_add n x y : sqrt (bsum n (fun k => (x k + y k) ^ 2))
  <= sqrt (bsum n (fun k => x k ^ 2)) + sqrt (bsum n (fun k => y k ^ 2)).
Proof.
assert (triangle := PivotNorm.pivot_norm_triangle n (fun _ => 1) (fun _ _ => Rle_0_1) x y).
unfold PivotNorm.pivot_norm in triangle; cbv beta in triangle.
rewrite (bsum_ext n (fun j => 1 * (x j + y j) ^ 2) (fun j => (x j + y j) ^ 2)),
  (bsum_ext n (fun j => 1 * x j ^ 2) (fun j => x j ^ 2)),
  (bsum_ext n (fun j => 1 * y j ^ 2) (fun j => y j ^ 2)) in triangle by (intros; ring).
exact triangle.
Qed.

(** The norm is monotone in absolute values, *)
Lemma norm_le n x y : (forall k, (k < n)%nat -> Rabs (x k) <= y k) ->
  sqrt (bsum n (fun k => x k ^ 2)) <= sqrt (bsum n (fun k => y k ^ 2)).
Proof.
intros below; apply sqrt_le_1_alt, bsum_le; intros k range.
apply sqr_le, below; exact range.
Qed.

(** grows with the number of terms, *)
Lemma norm_more m n x : (m <= n)%nat ->
  sqrt (bsum m (fun k => x k ^ 2)) <= sqrt (bsum n (fun k => x k ^ 2)).
Proof.
intros few; apply sqrt_le_1_alt; induction few as [|n few IH]; [apply Rle_refl|cbn [bsum]].
assert (square := pow2_ge_0 (x n)); lra.
Qed.

(** and of a multiple is a multiple. *)
Lemma norm_scale n c x : 0 <= c ->
  sqrt (bsum n (fun k => (c * x k) ^ 2)) = c * sqrt (bsum n (fun k => x k ^ 2)).
Proof.
intros pos; rewrite (bsum_ext n _ (fun k => c ^ 2 * x k ^ 2)) by (intros; ring).
rewrite bsum_scal, sqrt_mult by (apply pow2_ge_0 || (apply bsum_ge0; intros; apply pow2_ge_0)).
rewrite sqrt_pow2 by exact pos; reflexivity.
Qed.

(** T11's distance is at most [certified_delta], with N the enlarged norm of the exact errors. *)
Theorem certified_delta_covers n U w s g j : (Z.of_nat n < 2 ^ 24)%Z -> (j < n)%nat ->
  emitted_delta U w s g j
  <= certified_delta (stored_factor U) (enlarged_norm n (vsub w (scaled_points s g)))
       (emitted_weight U w s g) j.
Proof.
intros few below; unfold emitted_delta, delta_recurrence, certified_delta, under_recurrence.
set (V := stored_factor U); set (q := scaled_points s g).
set (e := emitted_error w s g); set (u' := emitted_weight U w s g).
set (c := sqrt (bsum j (fun k => V k j ^ 2))).
set (E := sqrt (bsum n (fun k => vsub w q k ^ 2))).
set (r := sqrt (INR j)).
assert (cpos : 0 <= c) by apply sqrt_pos; assert (Epos : 0 <= E) by apply sqrt_pos.
assert (rpos : 0 <= r) by apply sqrt_pos.
assert (index : 0 <= INR j) by apply pos_INR.
assert (count : INR j + 1 <= 16777216).
{ rewrite <- S_INR, INR_IZR_INZ; change 16777216 with (IZR (2 ^ 24)); apply IZR_le; lia. }
assert (square : r * r = INR j) by (apply sqrt_sqrt; exact index).
assert (rj : r <= INR j + 1) by nra.
assert (vval : uro 24 = / 16777216) by reflexivity.
assert (vsame : bpow radix2 (-24) = / 16777216) by reflexivity.
set (z := eta (-149)); assert (zpos : 0 < z) by apply bpow_gt_0.
assert (zsame : bpow radix2 (-148) = 4 * z)
  by (change (-148)%Z with (2 + -150)%Z; rewrite bpow_plus; reflexivity).
(* the errors *)
assert (errors : sqrt (bsum j (fun k => e k ^ 2)) <= (1 + / 16777216) * E + r * z).
{ apply Rle_trans with (sqrt (bsum j (fun k => ((1 + / 16777216) * Rabs (vsub w q k) + z) ^ 2))).
  - apply norm_le; intros k _; unfold e, emitted_error; rewrite (weight_error_rounded (-149) 24).
    fold q; change (w k - q k) with (vsub w q k).
    assert (error := rnd_error (-149) 24 (vsub w q k)); rewrite vval in error; fold z in error.
    replace (rnd32 (vsub w q k)) with (rnd32 (vsub w q k) - vsub w q k + vsub w q k) by ring.
    eapply Rle_trans; [apply Rabs_triang|lra].
  - eapply Rle_trans;
      [apply (norm_add j (fun k => (1 + / 16777216) * Rabs (vsub w q k)) (fun _ => z))|].
    rewrite (norm_scale j (1 + / 16777216) (fun k => Rabs (vsub w q k))) by lra.
    rewrite (bsum_ext j (fun k => Rabs (vsub w q k) ^ 2) (fun k => vsub w q k ^ 2))
      by (intros; apply pow2_abs).
    assert (more := norm_more j n (vsub w q) (Nat.lt_le_incl _ _ below)); fold E in more.
    rewrite bsum_const, sqrt_mult by (exact index || apply pow2_ge_0).
    rewrite sqrt_pow2 by lra; fold r; nra. }
(* the sum of the products *)
assert (feed : feedback_size V e j <= ((1 + / 16777216) * E + r * z) * c).
{ eapply Rle_trans; [apply feedback_size_cauchy|].
  apply Rmult_le_compat_r; [exact cpos|exact errors]. }
assert (column : bsum j (fun k => Rabs (V k j)) <= r * c) by apply (sum_norm j (fun k => V k j)).
(* underflow of the chain *)
assert (power : (1 + uro 24) ^ j <= 3).
{ assert (closed := gam_closed (uro 24) (uro_ge0 24) j); unfold gam, gam_up in closed.
  rewrite vval in *; specialize (closed ltac:(lra)).
  assert (pos : 0 <= INR j * / 16777216 <= 1) by lra; nra. }
assert (under : under_chain (uro 24) z j <= 3 * (INR j * z)).
{ unfold under_chain; replace (3 * (INR j * z)) with (INR j * 3 * z) by ring.
  apply Rmult_le_compat_r; [lra|apply Rmult_le_compat_l; assumption]. }
unfold enlarged_norm; fold c; fold E; rewrite vsame, zsame, vval, S_INR.
unfold gam_up; rewrite S_INR.
set (x := (INR j + 1) * / 16777216).
assert (xpos : 0 < x <= 1) by (unfold x; lra).
assert (xx : 0 <= x * (1 + x) <= 2 * x) by nra.
assert (grown : x * (1 + x) * feedback_size V e j
    <= x * (1 + x) * (((1 + / 16777216) * E + r * z) * c)) by (apply Rmult_le_compat_l; lra).
assert (cE : 0 <= c * E) by (apply Rmult_le_pos; assumption).
assert (main : x * (1 + x) * ((1 + / 16777216) * E * c)
    <= x * (1 + x) * (c * (1048577 / 1048576)) * (E * (1048577 / 1048576))).
{ replace (x * (1 + x) * (c * (1048577 / 1048576)) * (E * (1048577 / 1048576)))
    with (x * (1 + x) * (1048577 / 1048576 * (1048577 / 1048576) * (c * E))) by ring.
  apply Rmult_le_compat_l; lra. }
assert (cz : 0 <= c * z) by (apply Rmult_le_pos; lra).
assert (rx : x * (1 + x) * r <= 2 * (INR j + 1)).
{ apply Rle_trans with (2 * 1 * r); [apply Rmult_le_compat_r; lra|].
  lra. }
assert (rxc : x * (1 + x) * r * (c * z) <= 2 * (INR j + 1) * (c * z))
  by (apply Rmult_le_compat_r; assumption).
assert (rc : z * bsum j (fun k => Rabs (V k j)) <= (INR j + 1) * (c * z)).
{ apply Rle_trans with (z * (r * c)); [apply Rmult_le_compat_l; lra|].
  replace (z * (r * c)) with (r * (c * z)) by ring; apply Rmult_le_compat_r; assumption. }
fold x; fold z; fold u'.
replace (x * (1 + x) * (((1 + / 16777216) * E + r * z) * c))
  with (x * (1 + x) * ((1 + / 16777216) * E * c) + x * (1 + x) * r * (c * z)) in grown by ring.
assert (jcz : 0 <= (INR j + 1) * (c * z)) by (apply Rmult_le_pos; lra).
assert (jz : 0 <= INR j * z) by (apply Rmult_le_pos; lra).
replace ((INR j + 1) * (4 * z) * (1 + c * (1048577 / 1048576)))
  with (4 * (INR j * z) + 4 * z + 4 * (1048577 / 1048576) * ((INR j + 1) * (c * z))) by ring.
rewrite vval in under; lra.
Qed.

(** The plain loss of the codes is at most the bound, for gaps that hold |u'_j - q_j|. *)
Theorem certified_bound_holds n lam G C U d hmax w s g gap : let q := scaled_points s g in
  let u' := emitted_weight U w s g in
  emitted_run n (hessian_stored lam G) C U d hmax w -> (Z.of_nat n < 2 ^ 24)%Z ->
  (forall j, (j < n)%nat -> Rabs (u' j - q j) <= gap j) ->
  qform n G (vsub w q) <= certified_bound n lam G U d w q gap u'.
Proof.
intros q u' run few gaps; unfold certified_bound; cbv zeta.
assert (identity := plain_loss_identity n lam G (vsub w q)); cbv zeta in identity.
assert (loss := T9_perturbation_entrywise n (hessian_stored lam G) (stored_factor U) d w q u' gap
  (certified_delta (stored_factor U) (enlarged_norm n (vsub w q)) u')
  (root_diagonal (hessian_stored lam G)) (residual32 n)
  (stored_factor_unit_upper n _ C U d hmax w run) (run_nonneg n _ C U d hmax w run)
  (stored_residual n _ C U d hmax w run) gaps).
assert (near : forall j, (j < n)%nat -> Rabs (u' j - comp (stored_factor U) w q j)
    <= certified_delta (stored_factor U) (enlarged_norm n (vsub w q)) u' j).
{ intros j below; eapply Rle_trans; [exact (emitted_rounding n _ C U d hmax w s g run j below)|].
  exact (certified_delta_covers n U w s g j few below). }
specialize (loss near); change (bsum n (fun i => Rabs (w i - q i)
  * root_diagonal (hessian_stored lam G) i))
  with (weighted_size n (root_diagonal (hessian_stored lam G)) (vsub w q)) in loss.
lra.
Qed.
