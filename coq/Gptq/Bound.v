(** * T2: the worst-case bound of GPTQ

    Purpose: from bounds on the compensated errors to a bound on the loss, and its exactness.
    Main results: [T2_bound] (sum_j d_j r_j^2), [T2_bound_step] (s^2/4 sum d), [T2_bound_trace]
      (s^2/4 tr H), [T2_bound_plain] (s^2/8 sum d for the undamped loss), [T2_bound_columns] (one
      step per column), [T2_tight] (the bound is attained), [T2_supremum].
    Bound functions: r_j bounds |u_j - q_j| at the codes actually produced.
    Depends on: [Identity], [Factorization], [Triangular], [Quantizer].
    Source: J. Chee et al., QuIP, arXiv 2307.13304, theorem 1; arXiv 2507.18553. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Triangular Factorization Quantizer Gptq GptqFacts Identity.
Open Scope R_scope.

(** T2. If |u_j - q_j| <= r_j for every column, the loss is at most sum_j d_j r_j^2. *)
Theorem T2_bound n M U d w q r : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> Rabs (comp U w q j - q j) <= r j) ->
  qform n M (vsub w q) <= bsum n (fun j => d j * r j ^ 2).
Proof.
intros cert pos close; rewrite (T1_identity n M U d) by exact cert.
apply bsum_le; intros j below; apply Rmult_le_compat_l; [auto|apply sqr_le; auto].
Qed.

(** T2 with one step per column. *)
Theorem T2_bound_columns n M U d w q Q s : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step (s j) (Q j)) -> is_gptq n Q U w q ->
  qform n M (vsub w q) <= bsum n (fun j => d j * (s j / 2) ^ 2).
Proof.
intros cert pos step run; apply (T2_bound n M U d w q (fun j => s j / 2)); auto.
intros j below; rewrite (run j below); apply step; exact below.
Qed.

(** T2 for a common step s: the loss is at most s^2/4 sum_j d_j. *)
Theorem T2_bound_step n M U d w q Q s : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) -> is_gptq n Q U w q ->
  qform n M (vsub w q) <= s ^ 2 / 4 * bsum n d.
Proof.
intros cert pos step run; eapply Rle_trans.
- apply (T2_bound_columns n M U d w q Q (fun _ => s)); eassumption.
- rewrite bsum_scalr; apply Req_le; field.
Qed.

(** T2 against the trace: the loss is at most s^2/4 tr H, without any factorization in the bound. *)
Theorem T2_bound_trace n M U d w q Q s : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) -> is_gptq n Q U w q ->
  qform n M (vsub w q) <= s ^ 2 / 4 * trace n M.
Proof.
intros cert pos step run; eapply Rle_trans; [apply (T2_bound_step n M U d w q Q s); auto|].
apply Rmult_le_compat_l; [|apply (sum_d_le_trace n M U d); auto].
assert (square := pow2_ge_0 s); lra.
Qed.

(** T2 for the undamped loss: the damped factor bounds it by s^2/8 sum_j d_j. *)
Theorem T2_bound_plain n m X lam U d w q Q s : 0 <= lam -> udu n (hess lam (gram m X)) U d ->
  nonneg n d -> (forall j, (j < n)%nat -> half_step s (Q j)) -> is_gptq n Q U w q ->
  loss n m X (vsub w q) <= s ^ 2 / 8 * bsum n d.
Proof.
intros lampos cert pos step run.
assert (bound := T2_bound_step n (hess lam (gram m X)) U d w q Q s cert pos step run).
rewrite qform_hess, <- loss_gram in bound.
assert (square : 0 <= bsum n (fun i => vsub w q i ^ 2))
  by (apply bsum_ge0; intros i _; apply pow2_ge_0).
assert (damping := Rmult_le_pos _ _ lampos square); lra.
Qed.

(** The codes of a row that solves w U = t and rounds every t_j to zero are zero. *)
Lemma zero_codes n Q U t : unit_upper n U -> (forall j, (j < n)%nat -> Q j (t j) = 0) ->
  is_gptq n Q U (solve_upto n U t) (fun _ => 0).
Proof.
intros shape zero j below.
assert (value := comp_sub n U (solve_upto n U t) (fun _ => 0) j shape below).
rewrite vmul_vsub_zero, vmul_solve in value by assumption.
replace (comp U (solve_upto n U t) (fun _ => 0) j) with (t j) by lra.
symmetry; apply zero; exact below.
Qed.

(** T2 is exact: with ties to even some row loses exactly s^2/4 sum_j d_j. *)
Theorem T2_tight n M U d Q s : udu n M U d -> (forall j, (j < n)%nat -> Q j (s / 2) = 0) ->
  exists w q, is_gptq n Q U w q /\ qform n M (vsub w q) = s ^ 2 / 4 * bsum n d.
Proof.
intros cert tie; assert (shape := udu_unit_upper n M U d cert).
exists (solve_upto n U (fun _ => s / 2)), (fun _ => 0); split.
- apply zero_codes; [exact shape|exact tie].
- rewrite (qform_udu n M U d) by exact cert; rewrite <- bsum_scal.
  apply bsum_ext; intros j below.
  rewrite vmul_vsub_zero, vmul_solve by assumption; field.
Qed.

(** T2 as a supremum: s^2/4 sum_j d_j is the least upper bound of the loss over all rows. *)
Theorem T2_supremum n M U d Q s : udu n M U d -> nonneg n d ->
  (forall j, (j < n)%nat -> half_step s (Q j)) -> (forall j, (j < n)%nat -> Q j (s / 2) = 0) ->
  is_lub (fun x => exists w q, is_gptq n Q U w q /\ x = qform n M (vsub w q))
    (s ^ 2 / 4 * bsum n d).
Proof.
intros cert pos step tie; split.
- intros x [w [q [run ->]]]; apply (T2_bound_step n M U d w q Q s); assumption.
- intros bound upper; destruct (T2_tight n M U d Q s cert tie) as [w [q [run value]]].
  rewrite <- value; apply upper; exists w, q; split; [exact run|reflexivity].
Qed.
