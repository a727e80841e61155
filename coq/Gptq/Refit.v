(** * T20: refitting scales and codebooks

    Purpose: for codes that stay, the best scale and the best codebook, and what another one costs.
      Both are the best combination c B of rows B: one row of codes, or a row for each level that
      marks the columns with that code.
    Main definitions: [normal_equations], [fitted_scale] ((w G k) / (k G k)), [levels_of] (the rows
      that mark the columns of each level).
    Main results: [T20_combination], [T20_combination_best], [T20_combination_exists], [T20_scale],
      [T20_scale_rounded], [T20_codebook].
    Depends on: [Bilinear].
    Source: least squares; for codebooks, LNQ of GuidedQuant, arXiv 2505.07004. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Bilinear.
Open Scope R_scope.

(** ** Combinations of rows *)

(** c (B G B^T) = w G B^T, for the [m] coefficients of the rows of B. *)
Definition normal_equations (n m : nat) (G B : mat) (w c : vec) : Prop :=
  forall l, (l < m)%nat -> vmul m c (vmv n B G) l = bform n G w (B l).

(** The form against a combination is the combination of the forms. *)
Lemma bform_vmul n m M v c B :
  bform n M v (vmul m c B) = bsum m (fun l => c l * bform n M v (B l)).
Proof.
unfold bform, vmul; rewrite (bsum_ext m _ (fun l => bsum n (fun i => bsum n (fun j =>
  c l * (v i * M i j * B l j))))) by
  (intros l _; rewrite <- bsum_scal; apply bsum_ext; intros i _; rewrite <- bsum_scal; reflexivity).
rewrite (bsum_swap m n); apply bsum_ext; intros i _.
rewrite (bsum_swap m n); apply bsum_ext; intros j _.
rewrite <- bsum_scal; apply bsum_ext; intros l _; ring.
Qed.

(** The form of a combination is the form of B G B^T at its coefficients. *)
Lemma qform_vmul n m M c B : sym n M -> qform n M (vmul m c B) = qform m (vmv n B M) c.
Proof.
intros symmetric; change (qform n M (vmul m c B)) with (bform n M (vmul m c B) (vmul m c B)).
rewrite bform_vmul; unfold qform; rewrite bsum_swap; apply bsum_ext; intros l _.
rewrite bform_sym, bform_vmul, <- bsum_scal by exact symmetric; apply bsum_ext; intros k _.
rewrite bform_sym by exact symmetric.
change (vmv n B M k l) with (bform n M (B k) (B l)); ring.
Qed.

(** The normal equations say that the error is orthogonal to every row. *)
Lemma normal_equations_orthogonal n m G B w c : sym n G ->
  normal_equations n m G B w c <->
  forall l, (l < m)%nat -> bform n G (vsub w (vmul m c B)) (B l) = 0.
Proof.
intros symmetric.
assert (split : forall l, bform n G (vsub w (vmul m c B)) (B l)
  = bform n G w (B l) - vmul m c (vmv n B G) l).
{ intros l; rewrite (bform_sym n G _ (B l)) by exact symmetric.
  rewrite (bform_ext n G (B l) (B l) _ (fun i => w i + (-1) * vmul m c B i)) by
    (intros i _; unfold vsub; ring).
  rewrite bform_line, bform_vmul, (bform_sym n G (B l) w) by exact symmetric.
  replace (vmul m c (vmv n B G) l) with (bsum m (fun k => c k * bform n G (B l) (B k))); [ring|].
  apply bsum_ext; intros k _; rewrite (bform_sym n G (B l)) by exact symmetric; reflexivity. }
split; intros equations l below; specialize (equations l below); rewrite split in *; lra.
Qed.

(** T20 for any combination of rows: by how much other coefficients lose more. *)
Theorem T20_combination n m G B w c c' : sym n G -> normal_equations n m G B w c ->
  qform n G (vsub w (vmul m c' B))
  = qform n G (vsub w (vmul m c B)) + qform m (vmv n B G) (vsub c' c).
Proof.
intros symmetric equations.
rewrite (qform_ext n G _ (fun i => vsub w (vmul m c B) i + (-1) * vmul m (vsub c' c) B i)).
- rewrite qform_line, qform_vmul, bform_vmul by exact symmetric; rewrite bsum_0; [ring|].
  intros l below; rewrite (proj1 (normal_equations_orthogonal n m G B w c symmetric)) by assumption.
  ring.
- intros i _; unfold vsub, vmul.
  rewrite (bsum_ext m (fun l => (c' l - c l) * B l i) (fun l => c' l * B l i - c l * B l i)) by
    (intros; ring).
  rewrite bsum_minus; ring.
Qed.

(** T20. In a semidefinite G the normal equations hold exactly for the best coefficients. *)
Theorem T20_combination_best n m G B w c : sym n G -> psd n G ->
  normal_equations n m G B w c <->
  forall c', qform n G (vsub w (vmul m c B)) <= qform n G (vsub w (vmul m c' B)).
Proof.
intros symmetric semidef; split.
- intros equations c'; rewrite (T20_combination n m G B w c c') by assumption.
  rewrite <- qform_vmul by exact symmetric; specialize (semidef (vmul m (vsub c' c) B)); lra.
- intros best; apply normal_equations_orthogonal; [exact symmetric|intros l below].
  set (e := vsub w (vmul m c B)) in *; set (b := bform n G e (B l)); set (a := qform n G (B l)).
  assert (apos : 0 <= a) by apply semidef.
  set (moved := fun k => c k + b / (a + 1) * unit_at l k); specialize (best moved).
  rewrite (qform_ext n G (vsub w (vmul m moved B)) (fun i => e i + - (b / (a + 1)) * B l i))
    in best.
  + rewrite qform_line in best by exact symmetric; fold a b in best.
    assert (less : b ^ 2 * (a + 2) / (a + 1) ^ 2 <= 0).
    { replace (b ^ 2 * (a + 2) / (a + 1) ^ 2)
        with (- (2 * - (b / (a + 1)) * b + (- (b / (a + 1))) ^ 2 * a)) by (field; lra); lra. }
    destruct (Req_dec b 0) as [zero|nonzero]; [exact zero|exfalso].
    assert (square : 0 < b ^ 2) by (rewrite <- Rsqr_pow2; apply Rlt_0_sqr; exact nonzero).
    assert (positive : 0 < b ^ 2 * (a + 2) / (a + 1) ^ 2).
    { apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; lra|apply pow_lt; lra]. }
    lra.
  + intros i _; unfold moved, e, vsub, vmul, unit_at.
    rewrite (bsum_ext m (fun k => (c k + _) * B k i)
      (fun k => c k * B k i + (if Nat.eqb l k then b / (a + 1) * B k i else 0))) by
      (intros k _; destruct (Nat.eqb l k); ring).
    rewrite bsum_plus, (bsum_delta m l (fun k => b / (a + 1) * B k i)) by exact below; ring.
Qed.

(** T20. There are such coefficients, whatever the rows. *)
Theorem T20_combination_exists n m G B w : sym n G -> psd n G ->
  exists c, normal_equations n m G B w c.
Proof.
intros symmetric semidef.
assert (found : exists c, forall l, (l < m)%nat -> bform n G (B l) (vsub w (vmul m c B)) = 0).
{ revert w; induction m as [|m IH]; intros w; [exists (fun _ => 0); intros l none; lia|].
  destruct (IH w) as [y wmeets]; destruct (IH (B m)) as [x bmeets].
  set (e := vsub w (vmul m y B)) in *; set (r := vsub (B m) (vmul m x B)) in *.
  set (t := if Req_EM_T (qform n G r) 0 then 0 else bform n G r e / qform n G r).
  assert (against : bform n G r e = t * qform n G r).
  { unfold t; destruct (Req_EM_T (qform n G r) 0) as [zero|nonzero]; [|field; exact nonzero].
    rewrite (bform_sym n G r e symmetric), psd_isotropic by assumption; ring. }
  set (c := fun l => if Nat.eqb l m then t else y l - t * x l); exists c.
  assert (error : forall i, vsub w (vmul (S m) c B) i = e i + - t * r i).
  { intros i; unfold c, e, r, vsub, vmul; rewrite bsum_S, Nat.eqb_refl.
    rewrite (bsum_ext m _ (fun l => y l * B l i - t * (x l * B l i))) by
      (intros l below; rewrite (proj2 (Nat.eqb_neq l m)) by lia; ring).
    rewrite bsum_minus, bsum_scal; ring. }
  assert (meets : forall l, (l < m)%nat -> bform n G (B l) (fun i => e i + - t * r i) = 0).
  { intros l below; rewrite bform_line, wmeets, bmeets by exact below; ring. }
  intros l below; rewrite (bform_ext n G (B l) (B l) _ (fun i => e i + - t * r i)) by
    (intros i _; try apply error; reflexivity).
  destruct (Nat.eq_dec l m) as [->|other]; [|apply meets; lia].
  rewrite (bform_sym n G (B m)) by exact symmetric.
  rewrite (bform_ext n G _ (fun i => e i + - t * r i) (B m) (fun i => r i + 1 * vmul m x B i)) by
    (intros i _; try (unfold r, vsub; ring); reflexivity).
  rewrite bform_line, bform_vmul, bsum_0.
  - rewrite (bform_sym n G _ r), bform_line, against by exact symmetric.
    change (bform n G r r) with (qform n G r); ring.
  - intros k before; rewrite (bform_sym n G _ (B k)), meets by assumption; ring. }
destruct found as [c meets]; exists c; apply normal_equations_orthogonal; [exact symmetric|].
intros l below; rewrite bform_sym by exact symmetric; exact (meets l below).
Qed.

(** ** One scale *)

(** The best scale for the codes [k]. *)
Definition fitted_scale (n : nat) (G : mat) (w k : vec) : R := bform n G w k / qform n G k.

(** T20. Another scale loses more by the square of the difference; with none, by the square of the
    scale itself. *)
Theorem T20_scale n G w k s : sym n G -> qform n G k <> 0 ->
  let best := fitted_scale n G w k in
  qform n G (vsub w (fun i => s * k i))
  = qform n G (vsub w (fun i => best * k i)) + (s - best) ^ 2 * qform n G k /\
  qform n G (vsub w (fun i => best * k i)) = qform n G w - bform n G w k ^ 2 / qform n G k.
Proof.
intros symmetric live best.
assert (line : forall x, qform n G (vsub w (fun i => x * k i))
  = qform n G w - 2 * x * bform n G w k + x ^ 2 * qform n G k).
{ intros x; rewrite (qform_ext n G _ (fun i => w i + - x * k i)) by
    (intros i _; unfold vsub; ring).
  rewrite qform_line by exact symmetric; ring. }
rewrite !line; unfold best, fitted_scale; split; field; exact live.
Qed.

(** T20. A scale within rho of the best one, relatively, loses at most rho^2 of what the codes save
    against zeros. *)
Theorem T20_scale_rounded n G w k s rho : sym n G -> 0 < qform n G k ->
  let best := fitted_scale n G w k in
  Rabs (s - best) <= rho * Rabs best ->
  qform n G (vsub w (fun i => s * k i))
  <= qform n G (vsub w (fun i => best * k i))
     + rho ^ 2 * (qform n G w - qform n G (vsub w (fun i => best * k i))).
Proof.
intros symmetric live best close.
destruct (T20_scale n G w k s symmetric ltac:(lra)) as [change saved]; fold best in change, saved.
rewrite change; apply Rplus_le_compat_l; rewrite saved.
replace (qform n G w - (qform n G w - bform n G w k ^ 2 / qform n G k))
  with (best ^ 2 * qform n G k) by (unfold best, fitted_scale; field; lra).
rewrite <- Rmult_assoc; apply Rmult_le_compat_r; [lra|].
rewrite <- (pow2_abs (s - best)), <- (pow2_abs best), <- Rpow_mult_distr.
apply pow_incr; split; [apply Rabs_pos|exact close].
Qed.

(** ** A codebook *)

(** Row [l] marks the columns whose level is [l]. *)
Definition levels_of (a : nat -> nat) : mat := fun l i => if Nat.eqb (a i) l then 1 else 0.

(** The combination of these rows is the row of levels. *)
Lemma vmul_levels m c a i : (a i < m)%nat -> vmul m c (levels_of a) i = c (a i).
Proof.
intros below; unfold vmul, levels_of.
rewrite (bsum_ext m _ (fun l => if Nat.eqb (a i) l then c l else 0)) by
  (intros l _; destruct (Nat.eqb (a i) l); ring).
exact (bsum_delta m (a i) c below).
Qed.

(** T20 for a codebook: column i has the code a_i and the value c_(a_i). *)
Theorem T20_codebook n m G (a : nat -> nat) w c c' : sym n G ->
  (forall i, (i < n)%nat -> (a i < m)%nat) ->
  normal_equations n m G (levels_of a) w c ->
  qform n G (vsub w (fun i => c' (a i)))
  = qform n G (vsub w (fun i => c (a i))) + qform n G (fun i => vsub c' c (a i)).
Proof.
intros symmetric inside equations.
assert (total := T20_combination n m G (levels_of a) w c c' symmetric equations).
rewrite <- qform_vmul in total by exact symmetric.
rewrite (qform_ext n G (vsub w (fun i => c' (a i))) (vsub w (vmul m c' (levels_of a)))).
- rewrite total; f_equal; apply qform_ext; intros i below; unfold vsub;
    rewrite vmul_levels by auto; reflexivity.
- intros i below; unfold vsub; rewrite vmul_levels by auto; reflexivity.
Qed.
