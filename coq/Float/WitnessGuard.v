(** * The guard's program on the nearly singular instance

    Purpose: the row of [WitnessHard], its numbers widened to binary64 as the guard reads them,
      through the program of [GuardProgram] by computation inside Coq.
    Main results: [witness_guard] (the hypotheses of [guard_encloses_ieee], and ends that differ by
      less than 2^-45 of themselves), [witness_guard_zero] (a row without error).
    Depends on: [GuardIeee], [WitnessHard]; computation by vm_compute.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Rounding Recurrence RecurrenceError Factor.
From Hallmark.Float Require Import FactorProof FactorClosed Hessian Machine EmittedIeee.
From Hallmark.Float Require Import EmittedPlainIeee FullArithmetic RoundedSum GuardProgram.
From Hallmark.Float Require Import GuardIeee WitnessRun WitnessHard.
Open Scope R_scope.

(** A machine that returns the NaN of [WitnessRun] from these operations too. *)
Definition full_nans64 : full_nans 53 1024 :=
  Build_full_nans 53 1024 nans64 (fun _ _ => a_nan64) (fun _ => a_nan64) (fun _ => a_nan64).

(** The weights, *)
Definition guard_w (j : nat) : bin64 :=
  match j with O => lit64 10066330 (-24) | _ => lit64 (-11184811) (-25) end.

(** the scale *)
Definition guard_s (j : nat) : bin64 := lit64 3 (-2).

(** and the points of [WitnessHard]. *)
Definition guard_p (j : nat) : bin64 :=
  match j with O => lit64 819 (-10) | _ => lit64 (-910) (-11) end.

(** Weights that are scaled points. *)
Definition exact_w (j : nat) : bin64 :=
  match j with O => lit64 2457 (-12) | _ => lit64 (-2730) (-13) end.

Notation F := (full_float full_nans64).
Notation vG := (fun i j => val64 (hard_G i j)).
Notation errors w := (vsub (fun j => val64 (w j))
  (scaled_points (fun j => val64 (guard_s j)) (fun j => val64 (guard_p j)))).

(** The sums and ends of a row of weights. *)
Definition row_errors (w : nat -> bin64) : nat -> bin64 := weight_error F w guard_s guard_p.

(** sum d_j t_j^2, *)
Definition row_squares (w : nat -> bin64) : bin64 :=
  guard_squares F 2 hard_d (guard_product F hard_U (row_errors w)).

(** sum |e_j| sqrt(H_jj), *)
Definition row_size (w : nat -> bin64) : bin64 :=
  guard_size F 2 (fun j => hard_H j j) (row_errors w).

(** sum (H_jj - 2 G_jj) e_j^2. *)
Definition row_excess (w : nat -> bin64) : bin64 :=
  guard_excess F 2 (fun j => hard_H j j) (fun j => a_add F (hard_G j j) (hard_G j j))
    (row_errors w).

(** The lower end *)
Definition row_lo (w : nat -> bin64) : bin64 :=
  guard_lo F 2 (row_squares w) (row_size w) (row_excess w).

(** and the upper one. *)
Definition row_hi (w : nat -> bin64) : bin64 :=
  guard_hi F 2 (row_squares w) (row_size w) (row_excess w).

(** The two indices of the instance. *)
Ltac two_columns_of j := destruct j as [|[|j]]; [| |lia].

(** The Gram matrix is 1 everywhere. *)
Lemma guard_G_value i j : val64 (hard_G i j) = 1.
Proof. unfold hard_G, gram_float, hard_X; value_by_computation. Qed.

(** The damping. *)
Lemma guard_lam_value : val64 hard_lam = / 1048576.
Proof. value_by_computation. Qed.

(** The stored Hessian of the real reading is the one that the program makes. *)
Lemma guard_stored i j : hessian_stored (val64 hard_lam) vG i j = val64 (hard_H i j).
Proof.
symmetry; exact (proj2 (ieee_hessian_value nans64 hard_lam hard_G i j (hard_H_finite i j))).
Qed.

(** The hypotheses on H. *)
Theorem witness_guard_model :
  is_factor (float_arith nans64) 2 (ieee_hessian nans64 hard_lam hard_G) hard_C hard_U hard_d
  /\ sym 2 vG
  /\ (forall k, (k < 2)%nat -> finite64 (hard_d k) = true /\ bpow radix2 (-400) <= val64 (hard_d k))
  /\ sane_diagonal 2 (hessian_stored (val64 hard_lam) vG) (2097153 / 1048576)
  /\ 0 <= val64 hard_lam /\ (forall j, (j < 2)%nat -> 0 <= val64 (hard_G j j)).
Proof.
split; [apply factor_correct|split; [|split; [|split; [|split]]]].
- intros i j _ _; rewrite !guard_G_value; reflexivity.
- intros k below; split; [two_columns_of k; vm_compute; reflexivity|].
  rewrite hard_d_value by exact below.
  apply Rle_trans with (bpow radix2 (-30)); [apply bpow_le; lia|simpl; two_columns_of k; lra].
- constructor; [lia| | |]; intros j below; rewrite guard_stored, hard_H_value, Nat.eqb_refl.
  + lra.
  + apply Rle_trans with (1 * (2097153 / 1048576)); [|lra].
    apply Rmult_le_compat_r; [lra|change 1 with (bpow radix2 0); apply bpow_le; lia].
  + apply Rle_trans with 1; [change 1 with (bpow radix2 0); apply bpow_le; lia|lra].
- rewrite guard_lam_value; lra.
- intros j _; rewrite guard_G_value; lra.
Qed.

(** The hypotheses on the row, and what the program returns. *)
Theorem witness_guard :
  let absolute := guard_absolute F 2 (row_errors guard_w) in
  (finite64 absolute = true /\ val64 absolute <= bpow radix2 149)
  /\ (finite64 (row_lo guard_w) = true /\ finite64 (row_hi guard_w) = true)
  /\ val64 (row_lo guard_w) <= qform 2 vG (errors guard_w) <= val64 (row_hi guard_w)
  /\ / 268435456 <= val64 (row_lo guard_w)
  /\ val64 (row_hi guard_w)
     <= (1 + / 35184372088832) * val64 (row_lo guard_w).
Proof.
intros absolute.
assert (size : finite64 absolute = true /\ val64 absolute <= bpow radix2 149).
{ split; [vm_compute; reflexivity|].
  apply Rle_trans with 1; [|change 1 with (bpow radix2 0); apply bpow_le; lia].
  assert (value : val64 absolute = 16815930835206144 / 73786976294838206464)
    by value_by_computation.
  rewrite value; lra. }
assert (ends : finite64 (row_lo guard_w) = true /\ finite64 (row_hi guard_w) = true)
  by (split; vm_compute; reflexivity).
assert (low : val64 (row_lo guard_w) = 5126285059686345 / 1208925819614629174706176)
  by value_by_computation.
assert (high : val64 (row_hi guard_w) = 5126285059686455 / 1208925819614629174706176)
  by value_by_computation.
split; [exact size|split; [exact ends|split]].
- destruct witness_guard_model as [run [symmetric [pivots [sane [lam diagonal]]]]].
  refine (guard_encloses_ieee full_nans64 2 hard_lam hard_G hard_C hard_U hard_d guard_w guard_s
    guard_p (2097153 / 1048576) ltac:(lia) run symmetric pivots sane _ lam diagonal size ends).
  apply Rle_trans with (bpow radix2 2); [simpl; lra|apply bpow_le; lia].
- rewrite low, high; split; lra.
Qed.

(** A row without error. *)
Theorem witness_guard_zero :
  let absolute := guard_absolute F 2 (row_errors exact_w) in
  finite64 absolute = true /\ val64 absolute = 0
  /\ (forall k, (k < 2)%nat -> multiple (-1074) (errors exact_w k))
  /\ qform 2 vG (errors exact_w) = 0.
Proof.
intros absolute; assert (value : val64 absolute = 0) by value_by_computation.
assert (fin : finite64 absolute = true) by (vm_compute; reflexivity).
assert (grid : forall k, (k < 2)%nat -> multiple (-1074) (errors exact_w k)).
{ intros k below; exists 0%Z; unfold vsub, scaled_points; rewrite Rmult_0_l.
  two_columns_of k.
  - assert (a : val64 (exact_w 0) = 2457 / 4096) by value_by_computation.
    assert (b : val64 (guard_s 0) = 3 / 4) by value_by_computation.
    assert (c : val64 (guard_p 0) = 819 / 1024) by value_by_computation.
    rewrite a, b, c; lra.
  - assert (a : val64 (exact_w 1) = - (2730 / 8192)) by value_by_computation.
    assert (b : val64 (guard_s 1) = 3 / 4) by value_by_computation.
    assert (c : val64 (guard_p 1) = - (910 / 2048)) by value_by_computation.
    rewrite a, b, c; lra. }
split; [exact fin|split; [exact value|split; [exact grid|]]].
assert (size : val64 absolute <= bpow radix2 149) by (rewrite value; apply bpow_ge_0).
exact (guard_zero_ieee full_nans64 2 hard_G exact_w guard_s guard_p (conj fin size) grid value).
Qed.
