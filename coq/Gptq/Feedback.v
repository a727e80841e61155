(** * T3b: no linear feedback has a smaller worst case than GPTQ's

    Purpose: GPTQ's factor U is the best choice among all feedback matrices.  A method that rounds
      u_j = w_j + sum_{k<j} (w_k - q_k) F_kj with any unit upper triangular F has some row whose
      loss is at least s^2/4 tr(P D P^T), P = F^-1 U, and that trace is at least sum_j d_j, which
      is the most that GPTQ loses on any row.
    Main results: [T3b_feedback_lower_bound], [T3b_trace_ge_sum_d], [T3b_minimax] (one row of the
      other method on which it loses at least as much as GPTQ on any row), [T3b_equal_trace] (the
      trace is sum_j d_j exactly when P = I, for positive pivots), [rtn_is_identity_feedback].
    Round-to-nearest is the case F = I.  The lower bound speaks of quantizers that round both +-s/2
      to 0.
    Depends on: [Triangular], [Factorization], [Bound], [WorstCase].
    Source: J. Chee et al., QuIP, arXiv 2307.13304, theorem 1 (LDLQ); here with explicit tie
      conditions. *)
From Coq Require Import Reals Lra Lia Psatz Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Quantizer Gptq GptqFacts Identity Bound
  WorstCase.
Open Scope R_scope.

(** The matrix P = F^-1 U that compares a feedback F with GPTQ's factor U. *)
Definition feedback_ratio (n : nat) (F U : mat) : mat := mmul n (inv_upper n F) U.

(** The ratio is unit upper triangular. *)
Lemma feedback_ratio_unit n F U : unit_upper n F -> unit_upper n U ->
  unit_upper n (feedback_ratio n F U).
Proof. intros shapeF shapeU; apply unit_upper_mmul; [apply inv_upper_unit|]; assumption. Qed.

(** The ratio satisfies F P = U, which determines it. *)
Lemma feedback_ratio_eq n F U i j : unit_upper n F -> (i < n)%nat -> (j < n)%nat ->
  mmul n F (feedback_ratio n F U) i j = U i j.
Proof.
intros shape ibelow jbelow; unfold feedback_ratio; rewrite mmul_assoc.
change (vmul n (mmul n F (inv_upper n F) i) U j = U i j).
transitivity (bsum n (fun k => if Nat.eqb i k then U k j else 0)).
- apply bsum_ext; intros k kbelow; unfold mmul.
  rewrite (inv_pair_comm n F (inv_upper n F) shape (inv_upper_left n F shape)) by assumption.
  destruct (Nat.eqb i k); ring.
- apply (bsum_delta n i (fun k => U k j)); exact ibelow.
Qed.

(** The trace of P D P^T for a unit upper P is at least the sum of the pivots. *)
Theorem T3b_trace_ge_sum_d n P d : unit_upper n P -> nonneg n d ->
  bsum n d <= trace n (recon n P d).
Proof.
intros shape pos; apply (sum_d_le_trace n (recon n P d) P d); [apply udu_recon|]; assumption.
Qed.

(** With positive pivots the trace equals their sum only for P = I. *)
Theorem T3b_equal_trace n P d : unit_upper n P -> (forall k, (k < n)%nat -> 0 < d k) ->
  trace n (recon n P d) <= bsum n d ->
  forall i j, (i < n)%nat -> (j < n)%nat -> P i j = if Nat.eqb i j then 1 else 0.
Proof.
intros [low one] pos small i j ibelow jbelow.
destruct (Nat.eqb_spec i j) as [->|other]; [apply one; exact jbelow|].
assert (rows : bsum n (fun a => bsum n (fun k => if Nat.eqb a k then 0 else P a k ^ 2 * d k)) <= 0).
{ unfold trace, recon in small.
  rewrite (bsum_ext n (fun a => bsum n (fun k => P a k * d k * P a k)) (fun a =>
    bsum n (fun k => if Nat.eqb a k then 0 else P a k ^ 2 * d k) + d a)) in small.
  - rewrite bsum_plus in small; lra.
  - intros a abelow; rewrite <- (bsum_delta n a d abelow), <- bsum_plus.
    apply bsum_ext; intros k kbelow; destruct (Nat.eqb_spec a k) as [->|_]; [|ring].
    rewrite one by exact kbelow; ring. }
assert (term : forall a k, (k < n)%nat -> 0 <= if Nat.eqb a k then 0 else P a k ^ 2 * d k).
{ intros a k kbelow; destruct (Nat.eqb a k); [lra|].
  apply Rmult_le_pos; [apply pow2_ge_0|apply Rlt_le, pos; exact kbelow]. }
assert (row := bsum_pick n i
  (fun a => bsum n (fun k => if Nat.eqb a k then 0 else P a k ^ 2 * d k)) ibelow
  (fun a _ => bsum_ge0 n _ (fun k kbelow => term a k kbelow))).
assert (entry := bsum_pick n j (fun k => if Nat.eqb i k then 0 else P i k ^ 2 * d k) jbelow
  (fun k kbelow => term i k kbelow)).
cbv beta in row, entry; rewrite (proj2 (Nat.eqb_neq i j)) in entry by exact other.
assert (dpos := pos j jbelow); assert (square := pow2_ge_0 (P i j)).
destruct (Req_dec (P i j) 0) as [zero|nonzero]; [exact zero|exfalso].
assert (strict : 0 < P i j ^ 2).
{ destruct (Rle_lt_or_eq_dec _ _ square) as [above|equal]; [exact above|exfalso].
  apply (pow_nonzero (P i j) 2 nonzero); auto. }
assert (prod := Rmult_lt_0_compat _ _ strict dpos); lra.
Qed.

(** T3b. Any unit upper triangular feedback F has a row that loses at least s^2/4 tr(P D P^T). *)
Theorem T3b_feedback_lower_bound n M U d F Q s : udu n M U d -> unit_upper n F ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w q, is_gptq n Q F w q /\
    s ^ 2 / 4 * trace n (recon n (feedback_ratio n F U) d) <= qform n M (vsub w q).
Proof.
intros cert shape ties; set (P := feedback_ratio n F U).
destruct (sign_vector (recon n P d) n) as [e [signs large]].
set (t := fun j => s / 2 * e j); exists (solve_upto n F t), (fun _ => 0); split.
- apply zero_codes; [exact shape|]; intros j below; destruct (ties j below) as [up down].
  unfold t; destruct (signs j) as [-> | ->].
  + rewrite Rmult_1_r; exact up.
  + replace (s / 2 * -1) with (- (s / 2)) by ring; exact down.
- assert (back : forall j, (j < n)%nat ->
    vmul n (vsub (solve_upto n F t) (fun _ => 0)) U j = vmul n t P j).
  { intros j below; rewrite vmul_vsub_zero.
    transitivity (vmul n (solve_upto n F t) (mmul n F P) j).
    - apply bsum_ext; intros i ibelow; unfold P.
      rewrite feedback_ratio_eq by assumption; reflexivity.
    - rewrite vmul_mmul; apply bsum_ext; intros i ibelow; rewrite vmul_solve by assumption.
      reflexivity. }
  rewrite (qform_udu n M U d) by exact cert.
  rewrite (bsum_ext n _ (fun k => d k * vmul n t P k ^ 2)) by
    (intros k below; rewrite back by exact below; reflexivity).
  rewrite <- qform_recon; unfold t; rewrite qform_scal.
  replace ((s / 2) ^ 2) with (s ^ 2 / 4) by field.
  apply Rmult_le_compat_l; [|exact large]; assert (square := pow2_ge_0 s); lra.
Qed.

(** T3b as a minimax: on one row the feedback F loses at least as much as GPTQ loses on any row. *)
Theorem T3b_minimax n M U d F Q s : udu n M U d -> nonneg n d -> unit_upper n F ->
  (forall j, (j < n)%nat -> half_step s (Q j)) ->
  (forall j, (j < n)%nat -> half_even_ties s (Q j)) ->
  exists w' q', is_gptq n Q F w' q' /\ forall w q, is_gptq n Q U w q ->
    qform n M (vsub w q) <= qform n M (vsub w' q').
Proof.
intros cert pos shape step ties.
destruct (T3b_feedback_lower_bound n M U d F Q s cert shape ties) as [w' [q' [run' large]]].
exists w', q'; split; [exact run'|]; intros w q run.
apply Rle_trans with (2 := large).
eapply Rle_trans; [apply (T2_bound_step n M U d w q Q s); assumption|].
apply Rmult_le_compat_l; [assert (square := pow2_ge_0 s); lra|].
apply T3b_trace_ge_sum_d; [|exact pos].
apply feedback_ratio_unit; [exact shape|exact (udu_unit_upper n M U d cert)].
Qed.

(** Round-to-nearest is the feedback method with F = I. *)
Lemma rtn_is_identity_feedback n Q w : is_gptq n Q (diag (fun _ => 1)) w (rtn Q w).
Proof.
intros j below; unfold rtn, comp; f_equal; rewrite bsum_0; [ring|].
intros k before; unfold diag; rewrite (proj2 (Nat.eqb_neq k j)) by lia; ring.
Qed.
