(** * Finite results are the results of the real model

    Purpose: the programs of [Chain], [Recurrence] and [Factor], run on IEEE data.  If
      the numbers that they return are finite, then nothing overflowed on the way and the values
      are those of the same programs on the reals; finiteness is the checkable condition.
    Main results: [chain_finite], [gram_finite], [weight_error_finite], [comp_finite],
      [factor_finite].
    Depends on: [Machine], [Chain], [Recurrence], [Factor].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Float Require Import Arithmetic Rounding Chain Recurrence Factor Machine.
Open Scope R_scope.

Section FiniteRun.

Variables prec emax : Z.
Context {prec_pos : Prec_gt_0 prec}.
Context {prec_emax : Prec_lt_emax prec emax}.
Notation bin := (Binary.binary_float prec emax).
Notation val := (Binary.B2R prec emax).
Notation finite := (Binary.is_finite prec emax).
Variable nans : nan_choice prec emax.
Notation F := (float_arith nans).
Notation A := (real_arith (3 - emax - prec) prec).

(** The values of a vector of data. *)
Notation vals x := (fun k => val (x k)).

(** The values of a matrix of data. *)
Notation mvals X := (fun i j => val (X i j)).

(** A chain that ends finite was finite throughout and has the value of the real model. *)
Theorem chain_finite n x y a0 : finite (fma_chain F n x y a0) = true ->
  (forall k, (k < n)%nat -> finite (x k) = true /\ finite (y k) = true) /\ finite a0 = true
  /\ val (fma_chain F n x y a0) = fma_chain A n (vals x) (vals y) (val a0).
Proof.
induction n as [|n IH]; intros fin; cbn [fma_chain] in *.
- split; [intros; lia|split; [exact fin|reflexivity]].
- destruct (fma_finite prec emax nans (x n) (y n) _ fin) as [finx [finy [fina value]]].
  destruct (IH fina) as [before [start same]].
  split; [|split; [exact start|]].
  + intros k below; destruct (Nat.eq_dec k n) as [->|other]; [auto|apply before; lia].
  + rewrite value, same; reflexivity.
Qed.
Arguments chain_finite {n x y a0}.

(** A finite entry of the Gram matrix has the value of the real model. *)
Theorem gram_finite m X a b : finite (gram_float F m X a b) = true ->
  val (gram_float F m X a b) = gram_float A m (mvals X) a b.
Proof. intros fin; exact (proj2 (proj2 (chain_finite fin))). Qed.

(** A finite error of one weight has finite operands and the value of the real model. *)
Lemma weight_error_finite w s g k : finite (weight_error F w s g k) = true ->
  finite (w k) = true /\ finite (s k) = true /\ finite (g k) = true
  /\ val (weight_error F w s g k) = weight_error A (vals w) (vals s) (vals g) k.
Proof.
intros fin; destruct (fma_finite prec emax nans _ _ _ fin) as [fins [fing [finw value]]].
cbn [a_opp float_arith] in fins; rewrite (Binary.is_finite_Bopp prec emax) in fins.
repeat (split; [assumption|]); unfold weight_error at 1; rewrite value.
cbn [a_opp float_arith]; rewrite (Binary.B2R_Bopp prec emax); reflexivity.
Qed.

(** A finite compensated weight: its weight, errors, scales, grid points and factor entries are
    finite, and it has the value of the real model. *)
Theorem comp_finite U w s g j : finite (comp_float F U w s g j) = true ->
  finite (w j) = true
  /\ (forall k, (k < j)%nat ->
        finite (w k) = true /\ finite (s k) = true /\ finite (g k) = true
        /\ finite (U k j) = true
        /\ val (weight_error F w s g k) = weight_error A (vals w) (vals s) (vals g) k)
  /\ val (feedback F U (weight_error F w s g) j)
     = feedback A (mvals U) (weight_error A (vals w) (vals s) (vals g)) j
  /\ val (comp_float F U w s g j) = comp_float A (mvals U) (vals w) (vals s) (vals g) j.
Proof.
intros fin.
destruct (add_finite prec emax nans (w j) _ fin) as [finw [finr value]].
destruct (chain_finite finr) as [terms [_ same]].
assert (errors : forall k, (k < j)%nat ->
  finite (w k) = true /\ finite (s k) = true /\ finite (g k) = true /\ finite (U k j) = true
  /\ val (weight_error F w s g k) = weight_error A (vals w) (vals s) (vals g) k).
{ intros k below; destruct (terms k below) as [fine finU].
  destruct (weight_error_finite w s g k fine) as [finwk [finsk [fingk error]]].
  repeat (split; [assumption|]); exact error. }
assert (fed : val (feedback F U (weight_error F w s g) j)
    = feedback A (mvals U) (weight_error A (vals w) (vals s) (vals g)) j).
{ unfold feedback; rewrite same; apply fma_chain_ext; intros k below; [|reflexivity].
  apply (errors k below). }
split; [exact finw|split; [exact errors|split; [exact fed|]]].
unfold comp_float at 1; rewrite value, fed; reflexivity.
Qed.

(** A factorization that returns finite entries and positive pivots has the values of the real
    model. *)
Theorem factor_finite n H C U d : is_factor F n H C U d ->
  (forall j, (j < n)%nat -> finite (d j) = true /\ 0 < val (d j)) ->
  (forall i j, (i < j < n)%nat -> finite (U i j) = true) ->
  is_factor A n (mvals H) (mvals C) (mvals U) (vals d)
  /\ (forall i j, (i <= j < n)%nat -> finite (H i j) = true).
Proof.
intros run pivots entries.
assert (columns : forall i j, (i <= j < n)%nat -> finite (C i j) = true).
{ intros i j range; destruct (Nat.eq_dec i j) as [->|other].
  - rewrite <- (factor_pivot run) by lia; apply pivots; lia.
  - assert (fin := entries i j ltac:(lia)); rewrite (factor_scale run) in fin by lia.
    apply (div_finite prec emax nans) in fin; [apply fin|].
    apply Rgt_not_eq, pivots; lia. }
assert (chains : forall i j, (i <= j < n)%nat -> finite (H i j) = true
  /\ val (C i j) = factor_entry A n (mvals H) (mvals C) (mvals U) i j).
{ intros i j range; assert (fin := columns i j range).
  rewrite (factor_column run) in fin by exact range.
  destruct (chain_finite fin) as [_ [start same]].
  split; [exact start|].
  rewrite (factor_column run) by exact range; unfold factor_entry at 1; rewrite same.
  apply fma_chain_ext; intros m below; [|reflexivity].
  apply (Binary.B2R_Bopp prec emax). }
split; [|intros i j range; apply chains; exact range].
constructor.
- intros i j range; apply chains; exact range.
- intros j below; rewrite (factor_pivot run) by exact below; reflexivity.
- intros i j range; assert (fin := entries i j range).
  rewrite (factor_scale run) in fin |- * by exact range.
  apply (div_finite prec emax nans) in fin; [apply fin|].
  apply Rgt_not_eq, pivots; lia.
- intros j below; rewrite (factor_one run) by exact below; apply (Binary.Bone_correct prec emax).
- intros i j range; rewrite (factor_low run) by exact range; reflexivity.
Qed.

End FiniteRun.

Arguments chain_finite {prec emax prec_pos prec_emax} nans {n x y a0}.
