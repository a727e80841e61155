(** * The stored Hessian against the stored and the true Gram matrix

    Purpose: H_ij = 2 G'_ij exactly, H_jj = fl(2 G'_jj + lambda).  What the loss in H says about
      the loss in G' and about the loss on the activations from which G' was accumulated.
    Main results: [hessian_round] (one rounding on the diagonal), [hessian_form] (the damped loss
      in G' against the loss in H), [activation_form] (the loss on the activations against the loss
      in G').
    Bound functions: [weighted_size], [gam_up], [activation64].
    Depends on: Gptq/Matrix, Gptq/MatrixFacts, [Recurrence], [GramError], [FactorClosed],
      [Residual].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence GramError.
From Hallmark.Float Require Import Residual FactorClosed.
Open Scope R_scope.

(** H = 2 G + lambda I as stored: off the diagonal exact, on it one rounding. *)
Definition hessian_stored (lam : R) (G : mat) : mat :=
  fun i j => if Nat.eqb i j then rnd64 (2 * G i j + lam) else 2 * G i j.

(** The constant of the Gram matrix of m tokens, relative to the diagonal of H: (m + 1) 2^-53. *)
Definition activation64 (m : nat) : R := (INR m + 1) * bpow radix2 (-53).

(** Twice a number of the format is in the format. *)
Lemma format_double emin prec {prec_pos : Prec_gt_0 prec} x :
  in_format emin prec x -> in_format emin prec (2 * x).
Proof.
intros form; apply FLT_format_generic in form; [|exact prec_pos].
destruct form as [[m e] value small above]; simpl in *.
apply generic_format_FLT; exists (Float radix2 m (e + 1)); simpl; [|exact small|lia].
rewrite value; unfold F2R; cbn [Fnum Fexp]; rewrite bpow_plus.
change (bpow radix2 1) with 2; ring.
Qed.

(** The diagonal of the stored Hessian carries one rounding. *)
Lemma hessian_round lam G j : in_format (-1074) 53 lam -> in_format (-1074) 53 (G j j) ->
  Rabs (hess lam G j j - hessian_stored lam G j j) <= uro 53 * Rabs (hessian_stored lam G j j).
Proof.
intros formlam formG; unfold hess, hessian_stored; rewrite Nat.eqb_refl.
rewrite Rabs_minus_sym.
apply (rnd_error_sum_round (-1074) 53); [|exact formlam].
apply (format_double (-1074) 53); exact formG.
Qed.

(** A stored Hessian is symmetric when its Gram matrix is. *)
Lemma hessian_stored_sym n lam G : sym n G -> sym n (hessian_stored lam G).
Proof.
intros symmetric i j ibelow jbelow; unfold hessian_stored; rewrite Nat.eqb_sym.
rewrite (symmetric i j ibelow jbelow); reflexivity.
Qed.

Section Forms.

Variables (n : nat) (lam : R) (G : mat).
Notation H := (hessian_stored lam G).
Hypothesis formlam : in_format (-1074) 53 lam.
Hypothesis formG : forall j, (j < n)%nat -> in_format (-1074) 53 (G j j).
Hypothesis diagonal : forall j, (j < n)%nat -> 0 <= H j j.

(** The damped loss in the stored Gram matrix against the loss in the stored Hessian. *)
Theorem hessian_form v :
  Rabs (2 * qform n G v + lam * bsum n (fun i => v i ^ 2) - qform n H v)
  <= uro 53 * weighted_size n (root_diagonal H) v ^ 2.
Proof.
rewrite <- qform_hess, <- qform_sub.
assert (value : qform n (fun i j => hess lam G i j - H i j) v
    = bsum n (fun j => (hess lam G j j - H j j) * v j ^ 2)).
{ rewrite <- (qform_diag n (fun j => hess lam G j j - H j j)).
  unfold qform; apply bsum_ext; intros i _; apply bsum_ext; intros j _.
  unfold diag, hess, hessian_stored; destruct (Nat.eqb_spec i j) as [->|other]; [|ring].
  rewrite Nat.eqb_refl; ring. }
rewrite value; eapply Rle_trans; [apply bsum_abs|].
apply Rle_trans with (uro 53 * bsum n (fun i => root_diagonal H i ^ 2 * v i ^ 2)).
- rewrite <- bsum_scal; apply bsum_le; intros j below.
  rewrite Rabs_mult, (Rabs_pos_eq (v j ^ 2)) by apply pow2_ge_0.
  unfold root_diagonal; rewrite pow2_sqrt by (apply diagonal; exact below).
  rewrite <- Rmult_assoc; apply Rmult_le_compat_r; [apply pow2_ge_0|].
  eapply Rle_trans;
    [apply hessian_round; [exact formlam|apply formG; exact below]|].
  rewrite (Rabs_pos_eq (H j j)) by (apply diagonal; exact below); apply Rle_refl.
- apply Rmult_le_compat_l; [apply uro_ge0|apply weighted_square].
  intros i _; apply sqrt_pos.
Qed.

End Forms.

Section Activations.

Variables (n m : nat) (X : mat) (lam : R).
Notation G' := (gram_float real64 m X).
Notation H := (hessian_stored lam G').
Hypothesis entries : binary32_entries n m X.
Hypothesis lam_pos : 0 <= lam.
Hypothesis tokens : (0 < m)%nat /\ (Z.of_nat m <= 2 ^ 24)%Z.

(** The entries of the Gram matrix are in the format. *)
Lemma gram_float_format a b : in_format (-1074) 53 (G' a b).
Proof. apply (chain_format (-1074) 53), format_0. Qed.

(** The stored diagonal is at least twice the computed diagonal entry. *)
Lemma hessian_diagonal_ge j : 2 * G' j j <= H j j.
Proof.
unfold hessian_stored; rewrite Nat.eqb_refl.
rewrite <- (rnd_exact (-1074) 53 (2 * G' j j)) at 1.
- apply (rnd_le (-1074) 53); lra.
- apply (format_double (-1074) 53), gram_float_format.
Qed.

(** The true diagonal against the stored one. *)
Lemma gram_diagonal_le j : (j < n)%nat -> 0 <= gram m X j j
  /\ 2 * (1 - gam_up (uro 53) m) * gram m X j j <= H j j.
Proof.
intros below; assert (pos : 0 <= gram m X j j)
  by (apply bsum_ge0; intros t _; cbv beta; nra).
split; [exact pos|].
destruct (growth_up_small m (proj1 tokens) (proj2 tokens)) as [grown quarter].
assert (close := T11_gram_diagonal n m X j j entries below below).
rewrite sqrt_sqrt in close by exact pos.
assert (scaled : gam (uro 53) m * gram m X j j <= gam_up (uro 53) m * gram m X j j)
  by (apply Rmult_le_compat_r; assumption).
assert (side := Rle_abs (- (G' j j - gram m X j j))); rewrite Rabs_Ropp in side.
assert (stored := hessian_diagonal_ge j); lra.
Qed.

(** The diagonal of the stored Hessian is nonnegative. *)
Lemma hessian_diagonal_ge0 j : (j < n)%nat -> 0 <= H j j.
Proof.
intros below; destruct (gram_diagonal_le j below) as [pos bound].
destruct (growth_up_small m (proj1 tokens) (proj2 tokens)) as [grown quarter].
eapply Rle_trans; [|exact bound]; repeat apply Rmult_le_pos; lra.
Qed.

(** The constant of the Gram matrix. *)
Lemma activation64_constant :
  gam_up (uro 53) m / (1 - gam_up (uro 53) m) <= activation64 m.
Proof.
destruct (growth_range m (proj1 tokens) (proj2 tokens)) as [upos [above [small square]]].
destruct (growth_up_small m (proj1 tokens) (proj2 tokens)) as [grown quarter].
set (u := uro 53) in *; set (x := INR m * u) in *.
apply Rmult_le_reg_r with (1 - gam_up u m); [lra|].
replace (gam_up u m / (1 - gam_up u m) * (1 - gam_up u m)) with (gam_up u m) by (field; lra).
unfold activation64; change (bpow radix2 (-53)) with u.
replace ((INR m + 1) * u) with (x + u) by (unfold x; ring).
unfold gam_up; fold x; simpl bpow in small.
assert (cube : x * (x * x) <= / 1000 * (x * x)) by (apply Rmult_le_compat_r; nra).
assert (ux : u * x <= u * / 1000) by (apply Rmult_le_compat_l; lra).
assert (uxx : u * (x * x) <= u * / 1000) by (apply Rmult_le_compat_l; nra).
lra.
Qed.

(** The loss on the activations against the loss in the stored Gram matrix. *)
Theorem activation_form v :
  Rabs (2 * loss n m X v - 2 * qform n G' v)
  <= activation64 m * weighted_size n (root_diagonal H) v ^ 2.
Proof.
destruct (growth_up_small m (proj1 tokens) (proj2 tokens)) as [grown quarter].
assert (gpos : 0 <= gam_up (uro 53) m)
  by (eapply Rle_trans; [apply (gam_ge0 (uro 53) (uro_ge0 53) m)|exact grown]).
rewrite loss_gram, <- Rmult_minus_distr_l, <- qform_sub.
rewrite Rabs_mult, (Rabs_pos_eq 2) by lra.
assert (form := qform_residual_le n (fun i j => gram m X i j - G' i j)
  (gam_up (uro 53) m / (1 - gam_up (uro 53) m) / 2) (root_diagonal H) v).
apply Rle_trans with
  (2 * (gam_up (uro 53) m / (1 - gam_up (uro 53) m) / 2
        * weighted_size n (root_diagonal H) v ^ 2)).
- apply Rmult_le_compat_l; [lra|apply form; clear form].
  intros i j ibelow jbelow; rewrite Rabs_minus_sym.
  eapply Rle_trans; [apply (T11_gram_diagonal n); assumption|].
  destruct (gram_diagonal_le i ibelow) as [posi boundi].
  destruct (gram_diagonal_le j jbelow) as [posj boundj].
  set (c := 2 * (1 - gam_up (uro 53) m)) in *.
  assert (cpos : 0 < c) by (unfold c; lra).
  assert (root : sqrt (c * gram m X i i) * sqrt (c * gram m X j j)
      <= sqrt (H i i) * sqrt (H j j)).
  { apply Rmult_le_compat; [apply sqrt_pos|apply sqrt_pos| |]; apply sqrt_le_1_alt; assumption. }
  rewrite !sqrt_mult in root by lra.
  replace (sqrt c * sqrt (gram m X i i) * (sqrt c * sqrt (gram m X j j)))
    with (sqrt c * sqrt c * (sqrt (gram m X i i) * sqrt (gram m X j j))) in root by ring.
  rewrite sqrt_sqrt in root by lra.
  unfold root_diagonal.
  replace (gam_up (uro 53) m / (1 - gam_up (uro 53) m) / 2)
    with (gam_up (uro 53) m * / c) by (unfold c; field; lra).
  apply Rle_trans with (gam_up (uro 53) m * (sqrt (gram m X i i) * sqrt (gram m X j j))).
  + apply Rmult_le_compat_r; [apply Rmult_le_pos; apply sqrt_pos|exact grown].
  + rewrite Rmult_assoc; apply Rmult_le_compat_l; [exact gpos|].
    apply Rmult_le_reg_l with c; [exact cpos|].
    replace (c * (/ c * (sqrt (H i i) * sqrt (H j j)))) with (sqrt (H i i) * sqrt (H j j))
      by (field; lra).
    exact root.
- assert (constant := activation64_constant).
  assert (square : 0 <= weighted_size n (root_diagonal H) v ^ 2) by apply pow2_ge_0.
  replace (2 * (gam_up (uro 53) m / (1 - gam_up (uro 53) m) / 2
             * weighted_size n (root_diagonal H) v ^ 2))
    with (gam_up (uro 53) m / (1 - gam_up (uro 53) m)
          * weighted_size n (root_diagonal H) v ^ 2) by (field; lra).
  apply Rmult_le_compat_r; assumption.
Qed.

End Activations.
