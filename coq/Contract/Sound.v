(** * Contract/Sound: the contracts that hold in every environment

    Purpose.  One soundness theorem for each contract of [closed_contracts]: what it supposes
      implies what it promises, by the theorem that it names.
    Main results.  [error_identity_sound], [error_identity_residual_sound], [gptq_bound_sound],
      [gptq_bound_perturbed_sound], [guard_row_sound], [guard_total_sound], [pivots_sound],
      [transfer_sound]; [closed_contracts_valid].
    Dependencies.  Contract/Library, Contract/Denotation, Gptq. *)

From Coq Require Import Reals Lra Lia List String.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Factorization Gptq Identity Bound.
From Hallmark.Gptq Require Import Perturbation Guard Transfer.
From Hallmark.Contract Require Import Syntax Denotation Library.
Import ListNotations.
Open Scope R_scope.

(** The names of an environment as the theorems know them. *)
Notation size_n e := (size e "n").

(** The preconditions on U say that it is unit upper triangular. *)
Lemma unit_upper_meaning e :
  all_true e Library.unit_upper -> Matrix.unit_upper (size_n e) (matrix e "U").
Proof.
  intros [low [ones _]]; cbn in low, ones; split.
  - intros i j range; rewrite (low i) by lia; lra.
  - intros i below; rewrite (ones i) by lia; lra.
Qed.

(** Several preconditions are those of the first list and those of the second. *)
Lemma all_true_app e fs gs : all_true e (fs ++ gs) <-> all_true e fs /\ all_true e gs.
Proof. induction fs as [|f fs IH]; cbn [all_true app]; [tauto|rewrite IH; tauto]. Qed.

(** U, d and a matrix make a factorization. *)
Lemma factored_meaning e entry (M : mat) : all_true e Library.unit_upper ->
  (forall i j, value e (bind (bind no_index "i" i) "j" j) entry = M i j) ->
  truth e no_index (factored entry) -> udu (size_n e) M (matrix e "U") (vector e "d").
Proof.
  intros shape entries equation; destruct (unit_upper_meaning e shape) as [low ones].
  split; [exact low|exact ones|].
  intros i j ibelow jbelow; rewrite <- entries; exact (equation i ibelow j jbelow).
Qed.

(** U, d and H make a factorization. *)
Lemma factored_H e : all_true e Library.unit_upper ->
  truth e no_index (factored (Matrix "H" "i" "j")) ->
  udu (size_n e) (matrix e "H") (matrix e "U") (vector e "d").
Proof. intros shape; apply factored_meaning; [exact shape|reflexivity]. Qed.

(** The constants. *)
Lemma zero_value e ix : value e ix zero = 0.
Proof. cbn; lra. Qed.
Lemma one_value e ix : value e ix one = 1.
Proof. cbn; lra. Qed.

(** The pivots are nonnegative. *)
Lemma pivots_meaning e : truth e no_index pivots_nonnegative -> nonneg (size_n e) (vector e "d").
Proof. intros pos k below; rewrite <- (zero_value e no_index); exact (pos k below). Qed.

(** u holds the compensated weights. *)
Lemma compensated_meaning e j : truth e no_index compensated -> (j < size_n e)%nat ->
  comp (matrix e "U") (vector e "w") (vector e "q") j = vector e "u" j.
Proof. intros equation below; symmetry; exact (equation j below). Qed.

(** The sum of the squares of the compensated errors. *)
Lemma compensated_loss_meaning e : truth e no_index compensated ->
  value e no_index compensated_loss
  = bsum (size_n e) (fun j => vector e "d" j
      * (comp (matrix e "U") (vector e "w") (vector e "q") j - vector e "q" j) ^ 2).
Proof.
  intros equation; apply bsum_ext; intros j below.
  rewrite (compensated_meaning e j equation below); reflexivity.
Qed.

Theorem error_identity_sound : valid error_identity.
Proof.
  intros e given; apply all_true_app in given as [shape [factor [equation _]]].
  assert (cert := factored_H e shape factor).
  unfold promised; cbn [truth post error_identity].
  rewrite compensated_loss_meaning by exact equation.
  exact (T1_identity _ _ _ _ (vector e "w") (vector e "q") cert).
Qed.

Theorem error_identity_residual_sound : valid error_identity_residual.
Proof.
  intros e given; apply all_true_app in given as [shape [equation _]].
  unfold promised; cbn [truth post error_identity_residual].
  change (value e no_index (Add compensated_loss ?t))
    with (value e no_index compensated_loss + value e no_index t).
  rewrite compensated_loss_meaning by exact equation.
  exact (T1_identity_residual (size_n e) (matrix e "H") _ (vector e "d") (vector e "w") (vector e "q")
    (unit_upper_meaning e shape)).
Qed.

Theorem gptq_bound_sound : valid gptq_bound.
Proof.
  intros e given; apply all_true_app in given as [shape [factor [equation [pos [close _]]]]].
  apply pivots_meaning in pos.
  assert (cert := factored_H e shape factor).
  apply (T2_bound _ _ _ _ (vector e "w") (vector e "q") (vector e "r") cert pos).
  intros j below; rewrite compensated_meaning by assumption; exact (close j below).
Qed.

Theorem gptq_bound_perturbed_sound : valid gptq_bound_perturbed.
Proof.
  intros e given.
  apply all_true_app in given as [shape [equation [pos [entry [code [rounding _]]]]]].
  apply pivots_meaning in pos.
  apply (T9_perturbation_entrywise (size_n e) (matrix e "H") (matrix e "U") (vector e "d") (vector e "w")
    (vector e "q") (vector e "v") (vector e "h") (vector e "delta") (vector e "a") (scalar e "g")).
  - apply unit_upper_meaning; exact shape.
  - exact pos.
  - intros i j ibelow jbelow; exact (entry i ibelow j jbelow).
  - exact code.
  - intros j below; rewrite compensated_meaning by assumption; exact (rounding j below).
Qed.

Theorem guard_row_sound : valid guard_row.
Proof.
  intros e [keep [drop _]].
  set (G := matrix e "G"); set (w := vector e "w"); set (q := vector e "q").
  set (g := vector e "g"); set (r := vector e "r").
  change (qform (size_n e) G (vsub w q) <= qform (size_n e) G (vsub w r)).
  change (qform (size_n e) G (vsub w g) <= qform (size_n e) G (vsub w r)
    -> forall j, (j < size_n e)%nat -> q j = g j) in keep.
  change (qform (size_n e) G (vsub w r) < qform (size_n e) G (vsub w g)
    -> forall j, (j < size_n e)%nat -> q j = r j) in drop.
  assert (same : forall v, (forall j, (j < size_n e)%nat -> q j = v j) ->
    qform (size_n e) G (vsub w q) = qform (size_n e) G (vsub w v)).
  { intros v equal; apply bsum_ext; intros i ibelow; apply bsum_ext; intros j jbelow.
    unfold vsub; rewrite !equal by assumption; reflexivity. }
  assert (guarded := T6_guard_row (size_n e) G w g r); unfold guard in guarded.
  destruct (Rle_dec (qform (size_n e) G (vsub w g)) (qform (size_n e) G (vsub w r)))
    as [better|worse].
  - rewrite (same g) by (apply keep; exact better); exact guarded.
  - rewrite (same r) by (apply drop; lra); exact guarded.
Qed.

Theorem guard_total_sound : valid guard_total.
Proof. intros e [rows _]; apply bsum_le; intros a below; exact (rows a below). Qed.

Theorem pivots_sound : valid pivots.
Proof.
  intros e given; apply all_true_app in given as [shape [factor [pos _]]].
  apply pivots_meaning in pos.
  assert (cert := factored_H e shape factor).
  intros j below; exact (d_le_diag _ _ _ _ j cert pos below).
Qed.

Theorem transfer_sound : valid transfer.
Proof.
  intros e given; apply all_true_app in given as [shape [factor [pos [dominating [bound _]]]]].
  apply pivots_meaning in pos.
  unfold promised, transfer; cbn [truth post]; cbn [truth] in dominating, bound.
  change (value e no_index (Mul ?a ?b)) with (value e no_index a * value e no_index b).
  change (value e no_index (Add one ?b)) with (value e no_index one + value e no_index b) in *.
  rewrite one_value in *; rewrite zero_value in *.
  apply (T8_transfer_certificate (size_n e) (matrix e "T") (matrix e "G") (scalar e "eps") (matrix e "U")
    (vector e "d") (scalar e "B") (vector e "e")); [|exact pos|exact dominating|exact bound].
  apply (factored_meaning e _ _ shape) with (2 := factor).
  intros i j; cbn; field.
Qed.

(** Every closed contract holds in every environment. *)
Theorem closed_contracts_valid c : In c closed_contracts -> valid c.
Proof.
  cbn [In closed_contracts]; intros member.
  repeat (destruct member as [<-|member]); [..|contradiction].
  - exact error_identity_sound.
  - exact error_identity_residual_sound.
  - exact gptq_bound_sound.
  - exact gptq_bound_perturbed_sound.
  - exact guard_row_sound.
  - exact guard_total_sound.
  - exact pivots_sound.
  - exact transfer_sound.
Qed.
