(** * The plain loss and the loss on the activations, on IEEE data

    Purpose: [EmittedIeee] speaks of the loss in the stored H.  Here H is made by the program
      from a Gram matrix, and that from activations, all on IEEE data; overflow is excluded by the
      finiteness of the entries of H.
    Main definitions: [ieee_hessian].
    Main results: [plain_enclosure_ieee] (any codes, the plain loss in the stored G),
      [codes_activations_ieee] (GF16 codes, the loss on the activations).
    Depends on: [EmittedIeee], [FiniteRun], [Hessian], [Certificate].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import GF16.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Gptq GoldenGrid.
From Hallmark.Float Require Import Arithmetic Rounding Recurrence RecurrenceError GramError.
From Hallmark.Float Require Import Residual FactorClosed Hessian Certificate Emitted.
From Hallmark.Float Require Import Machine FiniteRun EmittedIeee.
Open Scope R_scope.

(** H = 2 G + lambda I as the program makes it: 2 x is x + x. *)
Definition ieee_hessian (nans64 : nan_choice 53 1024) (lam : bin64) (G : nat -> nat -> bin64)
    (i j : nat) : bin64 :=
  let twice := a_add (float_arith nans64) (G i j) (G i j) in
  if Nat.eqb i j then a_add (float_arith nans64) twice lam else twice.

Section PlainIeee.

Variable nans64 : nan_choice 53 1024.
Variable nans32 : nan_choice 24 128.
Variable nan : bin32.
Hypothesis nan_is_nan : Binary.is_nan 24 128 nan = true.
Variable n : nat.
Variable lam : bin64.
Variable G : nat -> nat -> bin64.
Notation H := (ieee_hessian nans64 lam G).
Variables C U : nat -> nat -> bin64.
Variable d : nat -> bin64.
Variables w s g : nat -> bin32.
Variable hmax : R.
Hypothesis run : ieee_run nans64 nans32 nan n H C U d w s g hmax.
Hypothesis finite_H : forall i j, (i < n)%nat -> (j < n)%nat -> finite64 (H i j) = true.
Notation rG := (fun i j => val64 (G i j)).
Notation rU := (fun i j => val64 (U i j)).
Notation rd := (fun j => val64 (d j)).
Notation rw := (fun j => val32 (w j)).
Notation rs := (fun j => val32 (s j)).
Notation rg := (fun j => val32 (g j)).
Notation rq := (scaled_points rs rg).
Notation u' := (fun j => val32 (ieee_weight nans32 nan U w s g j)).
Notation delta := (emitted_delta rU rw rs rg).

(** The doubled entry is exact. *)
Lemma twice_value x : finite64 (a_add (float_arith nans64) x x) = true ->
  finite64 x = true /\ val64 (a_add (float_arith nans64) x x) = 2 * val64 x.
Proof.
intros fin; destruct (add_finite 53 1024 nans64 x x fin) as [finx [_ value]].
split; [exact finx|rewrite value].
replace (val64 x + val64 x) with (2 * val64 x) by ring.
apply (rnd_exact (-1074) 53), (format_double (-1074) 53), (B2R_format 53 1024).
Qed.

(** A finite entry of H comes from a finite entry of G and has the value of the real model. *)
Lemma ieee_hessian_value i j : finite64 (H i j) = true ->
  finite64 (G i j) = true /\ val64 (H i j) = hessian_stored (val64 lam) rG i j.
Proof.
unfold ieee_hessian, hessian_stored; cbv zeta; destruct (Nat.eqb i j); intros fin.
- destruct (add_finite 53 1024 nans64 _ lam fin) as [fin2 [_ value]].
  destruct (twice_value (G i j) fin2) as [finG twice]; split; [exact finG|].
  rewrite value, twice; reflexivity.
- exact (twice_value (G i j) fin).
Qed.

(** The values of H are those of the stored Hessian of the real model. *)
Lemma stored_hessian_value i j : (i < n)%nat -> (j < n)%nat ->
  hessian_stored (val64 lam) rG i j = val64 (H i j).
Proof. intros ibelow jbelow; symmetry; apply ieee_hessian_value, finite_H; assumption. Qed.

(** Any codes: the plain loss in the stored Gram matrix between two computable numbers. *)
Theorem plain_enclosure_ieee :
  let e := vsub rw rq in
  let slack := (residual32 n + uro 53)
    * weighted_size n (root_diagonal (hessian_stored (val64 lam) rG)) e ^ 2 in
  lower_sum n rd u' rq delta - slack
  <= 2 * qform n rG e + val64 lam * bsum n (fun i => e i ^ 2)
  <= upper_sum n rd u' rq delta + slack.
Proof.
intros e slack.
assert (model := emitted_run_ieee nans64 nans32 nan nan_is_nan n H C U d w s g hmax run).
apply (certificate_plain n (val64 lam) rG (stored_factor rU)).
- exact (stored_factor_unit_upper n _ _ rU rd hmax rw model).
- exact (run_nonneg n _ _ rU rd hmax rw model).
- intros i j ibelow jbelow; unfold resid; rewrite !stored_hessian_value by assumption.
  exact (stored_residual n _ _ rU rd hmax rw model i j ibelow jbelow).
- intros j below.
  rewrite (ieee_weight_value nans64 nans32 nan nan_is_nan n H C U d w s g hmax run)
    by exact below.
  exact (emitted_rounding n _ _ rU rd hmax rw rs rg model j below).
- apply (B2R_format 53 1024).
- intros j _; apply (B2R_format 53 1024).
- intros j below; rewrite stored_hessian_value by exact below.
  eapply Rle_trans; [apply bpow_ge_0|exact (sane_normal (run_sane model) j below)].
Qed.

Section Activations.

Variable m : nat.
Variable X : nat -> nat -> bin64.
Notation rX := (fun i t => val64 (X i t)).
Notation sums := (gram_float real64 m rX).
Hypothesis accumulated : forall i j, (i < n)%nat -> (j < n)%nat ->
  G i j = gram_float (float_arith nans64) m X i j.

(** The entries of H in terms of the activations. *)
Lemma accumulated_value i j : (i < n)%nat -> (j < n)%nat ->
  hessian_stored (val64 lam) sums i j = val64 (H i j).
Proof.
intros ibelow jbelow; rewrite <- stored_hessian_value by assumption.
assert (same : val64 (G i j) = sums i j).
{ destruct (ieee_hessian_value i j (finite_H i j ibelow jbelow)) as [fin _].
  rewrite accumulated in fin |- * by assumption.
  exact (gram_finite 53 1024 nans64 m X i j fin). }
unfold hessian_stored; rewrite same; reflexivity.
Qed.

(** GF16 codes: the loss on the activations, damping included on the left. *)
Theorem codes_activations_ieee :
  ieee_codes nans32 nan n U w s g -> binary32_entries n m rX -> 0 <= val64 lam ->
  (0 < m)%nat /\ (Z.of_nat m <= 2 ^ 24)%Z ->
  let e := vsub rw rq in
  2 * loss n m rX e + val64 lam * bsum n (fun i => e i ^ 2)
  <= bsum n (fun j => rd j * (gf16_half_gap rs j (u' j) + delta j) ^ 2)
     + (residual32 n + uro 53 + activation64 m)
       * weighted_size n (root_diagonal (hessian_stored (val64 lam) sums)) e ^ 2.
Proof.
intros codes entries lam_pos tokens e.
assert (bound := emitted_codes_loss_ieee nans64 nans32 nan nan_is_nan n H C U d w s g hmax run
  codes).
assert (form : qform n (fun i j => val64 (H i j)) e
    = qform n (hessian_stored (val64 lam) sums) e).
{ unfold qform; apply bsum_ext; intros i ibelow; apply bsum_ext; intros j jbelow.
  rewrite accumulated_value by assumption; reflexivity. }
assert (size : weighted_size n (root_diagonal (fun i j => val64 (H i j))) e
    = weighted_size n (root_diagonal (hessian_stored (val64 lam) sums)) e).
{ apply bsum_ext; intros i below; unfold root_diagonal.
  rewrite accumulated_value by exact below; reflexivity. }
fold e in bound; rewrite form, size in bound.
assert (stored := hessian_form n (val64 lam) sums (B2R_format 53 1024 lam)
  (fun j _ => gram_float_format m rX j j)
  (hessian_diagonal_ge0 n m rX (val64 lam) entries lam_pos tokens) e).
assert (true_loss := activation_form n m rX (val64 lam) entries lam_pos tokens e).
apply Rabs_le_inv in stored; apply Rabs_le_inv in true_loss; lra.
Qed.

End Activations.

End PlainIeee.
