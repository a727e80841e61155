(** * The published theorems about rounding errors: T11, T15, T22

    Purpose: the recurrence and the Gram matrix (T11) and the factorization (T15) as the program
      computes them; what its pivots say about H (T22).  Headline.v explains the words used.
    Main results: the names that begin with T11, T15 and T22.
    Depends on: the theorem files and witness files of Float.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith Reals List Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix Gptq Concrete.
From Hallmark.Float Require Import Arithmetic Gamma ChainError Chain Recurrence RecurrenceError.
From Hallmark.Float Require Import GramError Factor FactorError FactorRounded Residual FactorClosed.
From Hallmark.Float Require Import Hessian Emitted Machine EmittedIeee.
From Hallmark.Float Require FactorProof FiniteRun NoOverflow EmittedPlainIeee NearlyPsd.
From Hallmark.Float Require WitnessRun WitnessBounds WitnessForms WitnessNearly.
Import ListNotations.
Open Scope R_scope.

(** ** T11: rounding errors of the sums

    Programs are written over an arithmetic.  [real_arith emin prec] is the reals with one rounding
    to nearest even per operation, prec bits, smallest positive number 2^emin, no overflow; [real32]
    and [real64] are binary32 and binary64.  [uro prec] is the unit roundoff 2^-prec, [eta emin] is
    2^(emin-1), [gam u k] is (1 + u)^k - 1.  The recurrence, all in one format:
    e_k = fl(w_k - s_k g_k) by one fma ([weight_error]), r_j = the chain of fma from 0 over
    increasing k < j of e_k U_kj ([feedback]), u'_j = fl(w_j + r_j) ([comp_float]); the codes'
    values are q_k = s_k g_k ([scaled_points s g]).  The last term is underflow:
    [under_recurrence u z U j] = j (1 + u)^j z + z sum_{k<j} |U_kj|. *)
Theorem T11_recurrence (emin prec : Z) (precision : Prec_gt_0 prec) (U : mat) (w s g : vec)
    (j : nat) :
  let A := real_arith emin prec in let q := scaled_points s g in let e := weight_error A w s g in
  in_format emin prec (w j) ->
  Rabs (comp_float A U w s g j - comp U w q j)
  <= gam (uro prec) (S j) * bsum j (fun k => Rabs (e k) * Rabs (U k j))
     + uro prec * Rabs (w j + feedback A U e j)
     + under_recurrence (uro prec) (eta emin) U j.
Proof. exact (RecurrenceError.T11_recurrence emin prec U w s g j). Qed.

(** The bound that the program evaluates, from computed numbers and with (j+1) u (1 + (j+1) u)
    ([gam_up]) in place of the power. *)
Theorem T11_recurrence_closed (emin prec : Z) (precision : Prec_gt_0 prec) (U : mat)
    (w s g : vec) (j : nat) :
  let A := real_arith emin prec in let q := scaled_points s g in let e := weight_error A w s g in
  let u' := comp_float A U w s g in
  in_format emin prec (w j) -> INR (S j) * uro prec <= 1 ->
  Rabs (u' j - comp U w q j)
  <= gam_up (uro prec) (S j) * bsum j (fun k => Rabs (e k) * Rabs (U k j))
     + uro prec * Rabs (u' j) + under_recurrence (uro prec) (eta emin) U j.
Proof. exact (RecurrenceError.T11_recurrence_closed emin prec U w s g j). Qed.

(** The Gram matrix: the chain of fma over increasing tokens, in any format, with the underflow term
    m (1 + u)^m z ([under_chain]); *)
Theorem T11_gram (emin prec : Z) (precision : Prec_gt_0 prec) (m : nat) (X : mat) (a b : nat) :
  Rabs (gram_float (real_arith emin prec) m X a b - gram m X a b)
  <= gam (uro prec) m * bsum m (fun t => Rabs (X a t) * Rabs (X b t))
     + under_chain (uro prec) (eta emin) m.
Proof. exact (GramError.T11_gram emin prec m X a b). Qed.

(** and as the product runs it, binary32 activations summed in binary64, with no underflow term. *)
Theorem T11_gram_binary32 (n m : nat) (X : mat) (a b : nat) :
  (forall i t, (i < n)%nat -> (t < m)%nat -> in_format (-149) 24 (X i t)) ->
  (a < n)%nat -> (b < n)%nat ->
  Rabs (gram_float real64 m X a b - gram m X a b)
  <= gam (uro 53) m * bsum m (fun t => Rabs (X a t) * Rabs (X b t)).
Proof. exact (GramError.T11_gram_binary32 n m X a b). Qed.

(** Overflow is excluded by looking at the result: on IEEE data ([float_arith], Flocq's operations,
    whatever NaNs the machine returns) a finite compensated weight has the value of the real
    model. *)
Theorem T11_finite_recurrence (prec emax : Z) (precision : Prec_gt_0 prec)
    (range : Prec_lt_emax prec emax) (nans : nan_choice prec emax)
    (U : nat -> nat -> binary_float prec emax) (w s g : nat -> binary_float prec emax) (j : nat) :
  let value := B2R prec emax in
  is_finite prec emax (comp_float (float_arith nans) U w s g j) = true ->
  value (comp_float (float_arith nans) U w s g j)
  = comp_float (real_arith (3 - emax - prec) prec) (fun i k => value (U i k))
      (fun k => value (w k)) (fun k => value (s k)) (fun k => value (g k)) j.
Proof.
exact (fun finite =>
  proj2 (proj2 (proj2 (FiniteRun.comp_finite prec emax nans U w s g j finite)))).
Qed.

(** So has a finite entry of the Gram matrix; *)
Theorem T11_finite_gram (prec emax : Z) (precision : Prec_gt_0 prec)
    (range : Prec_lt_emax prec emax) (nans : nan_choice prec emax) (m : nat)
    (X : nat -> nat -> binary_float prec emax) (a b : nat) :
  let value := B2R prec emax in
  is_finite prec emax (gram_float (float_arith nans) m X a b) = true ->
  value (gram_float (float_arith nans) m X a b)
  = gram_float (real_arith (3 - emax - prec) prec) m (fun i t => value (X i t)) a b.
Proof. exact (FiniteRun.gram_finite prec emax nans m X a b). Qed.

(** and it is finite when the sizes leave room below the overflow threshold:
    [chain_room emin prec m x y 0] is (1 + u)^m (sum |x_t||y_t| + m z). *)
Theorem T11_gram_no_overflow (prec emax : Z) (precision : Prec_gt_0 prec)
    (range : Prec_lt_emax prec emax) (nans : nan_choice prec emax) (m : nat)
    (X : nat -> nat -> binary_float prec emax) (a b : nat) :
  let value := B2R prec emax in
  (forall t, (t < m)%nat ->
    is_finite prec emax (X a t) = true /\ is_finite prec emax (X b t) = true) ->
  NoOverflow.chain_room (3 - emax - prec) prec m (fun t => value (X a t)) (fun t => value (X b t)) 0
  < bpow radix2 emax ->
  is_finite prec emax (gram_float (float_arith nans) m X a b) = true.
Proof. exact (NoOverflow.gram_no_overflow prec emax nans m X a b). Qed.

(** Witness: three columns with H = [[3,1,1],[1,3,1],[1,1,3]] and weights near 0.1, 0.7, -1.5, run
    in IEEE arithmetic inside Coq.  The second compensated weight is rounded, and by less than the
    bound [emitted_delta], which is below 2^-22. *)
Lemma T11_recurrence_witness :
  let value32 := B2R 24 128 in
  let U := fun i j => B2R 53 1024 (WitnessRun.wU i j) in
  let w := fun j => value32 (WitnessRun.ww j) in
  let s := fun j => value32 (WitnessRun.ws j) in
  let g := fun j => value32 (WitnessRun.wg j) in
  let u := comp (stored_factor U) w (scaled_points s g) 1 in
  0 < Rabs (emitted_weight U w s g 1 - u) <= emitted_delta U w s g 1
  /\ emitted_delta U w s g 1 <= / 4194304.
Proof. exact WitnessBounds.witness_rounding. Qed.

(** Witness: two tokens 1 and 2^-30, whose sum of squares is rounded in binary64. *)
Lemma T11_gram_witness :
  let X := fun i t => B2R 53 1024 (WitnessBounds.wX i t) in
  binary32_entries 1 2 X
  /\ 0 < Rabs (gram_float real64 2 X 0 0 - gram 2 X 0 0) <= gam (uro 53) 2 * gram_size 2 X 0 0
  /\ gam (uro 53) 2 * gram_size 2 X 0 0 <= / 1125899906842624.
Proof. exact WitnessBounds.witness_gram_error. Qed.

(** Witness: the second compensated weight of the three columns is finite, and 11744153 2^-24. *)
Lemma T11_finite_recurrence_witness :
  let value32 := B2R 24 128 in
  let U := narrowed (proj1_sig WitnessRun.a_nan32) WitnessRun.wU in
  let w := WitnessRun.ww in let s := WitnessRun.ws in let g := WitnessRun.wg in
  let u := comp_float (float_arith WitnessRun.nans32) U w s g 1 in
  is_finite 24 128 u = true
  /\ value32 u = comp_float real32 (fun i k => value32 (U i k)) (fun k => value32 (w k))
                   (fun k => value32 (s k)) (fun k => value32 (g k)) 1
  /\ value32 u = 11744153 / 16777216.
Proof. exact WitnessForms.witness_finite_recurrence. Qed.

(** Witness: the sum of the squares of those two tokens needs room for at most 2, is finite, and
    is 1. *)
Lemma T11_gram_no_overflow_witness :
  let X := WitnessBounds.wX in let x := fun t => B2R 53 1024 (X 0%nat t) in
  let room := NoOverflow.chain_room (3 - 1024 - 53) 53 2 x x 0 in
  (forall t, (t < 2)%nat ->
     is_finite 53 1024 (X 0%nat t) = true /\ is_finite 53 1024 (X 0%nat t) = true)
  /\ room <= 2 /\ room < bpow radix2 1024
  /\ is_finite 53 1024 (gram_float (float_arith WitnessRun.nans64) 2 X 0 0) = true.
Proof. exact WitnessForms.witness_gram_no_overflow. Qed.

Lemma T11_finite_gram_witness :
  let X := WitnessBounds.wX in
  let sum := gram_float (float_arith WitnessRun.nans64) 2 X 0 0 in
  is_finite 53 1024 sum = true
  /\ B2R 53 1024 sum = gram_float real64 2 (fun i t => B2R 53 1024 (X i t)) 0 0
  /\ B2R 53 1024 sum = 1.
Proof. exact WitnessForms.witness_finite_gram. Qed.

(** ** T15: the computed factorization

    [is_factor A n H C U d] are the equations of the program: for j from n - 1 down, C_ij is the
    chain of fma(-C_ik, U_jk, acc) from H_ij over decreasing k > j, d_j = C_jj, U_ij = fl(C_ij /
    d_j). The program solves them in every arithmetic (a fact without hypotheses). *)
Theorem T15_program (T : Type) (A : arith T) (n : nat) (H : nat -> nat -> T) :
  is_factor A n H (factor_C A n H) (factor_U A n H) (factor_d A n H).
Proof. exact (FactorProof.factor_correct A n H). Qed.

(** On IEEE data finite entries and positive finite pivots exclude overflow: the values solve the
    equations of the real model. *)
Theorem T15_finite_factor (prec emax : Z) (precision : Prec_gt_0 prec)
    (range : Prec_lt_emax prec emax) (nans : nan_choice prec emax) (n : nat)
    (H C U : nat -> nat -> binary_float prec emax) (d : nat -> binary_float prec emax) :
  let value := B2R prec emax in
  is_factor (float_arith nans) n H C U d ->
  (forall j, (j < n)%nat -> is_finite prec emax (d j) = true /\ 0 < value (d j)) ->
  (forall i j, (i < j < n)%nat -> is_finite prec emax (U i j) = true) ->
  is_factor (real_arith (3 - emax - prec) prec) n (fun i j => value (H i j))
    (fun i j => value (C i j)) (fun i j => value (U i j)) (fun j => value (d j)).
Proof.
exact (fun run pivots entries =>
  proj1 (FiniteRun.factor_finite prec emax nans n H C U d run pivots entries)).
Qed.

(** Rounding as in any format with gradual underflow, for a symmetric H and positive computed
    pivots: |H - U D U^T|_ij <= ((1 + u)^n - 1) sum_k |U_ik| d_k |U_jk| and an underflow term
    [under_factor u z n U d j] = z (1 + u)^n (n + sum_k d_k |U_jk|). *)
Theorem T15_entry (emin prec : Z) (precision : Prec_gt_0 prec) (n : nat) (H C U : mat) (d : vec)
    (i j : nat) :
  is_factor (real_arith emin prec) n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H U d i j)
  <= gam (uro prec) n * bsum n (fun k => Rabs (U i k) * d k * Rabs (U j k))
     + under_factor (uro prec) (eta emin) n U d (Nat.max i j).
Proof. exact (FactorError.T15_entry emin prec n H C U d i j). Qed.

(** In binary64, for at most 2^24 columns and a diagonal of H within a factor 2^64 and not below
    2^-900 ([sane_diagonal n H hmax]), U and d disappear from the bound and underflow with them:
    the constant is [residual64 n] = (n + 2) 2^-53, *)
Theorem T15_binary64 (n : nat) (H C U : mat) (d : vec) (hmax : R) (i j : nat) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax -> (i < n)%nat -> (j < n)%nat ->
  Rabs (resid n H U d i j)
  <= (INR n + 2) * bpow radix2 (-53) * (sqrt (H i i) * sqrt (H j j)).
Proof.
exact (fun run symmetric pivots sane =>
  FactorClosed.residual_entry_binary64 n H C U d hmax run symmetric pivots sane i j).
Qed.

(** as a quadratic form, |e (H - U D U^T) e^T| <= residual64 n (sum_i |e_i| sqrt(H_ii))^2: no
    residual is ever formed; *)
Theorem T15_form_binary64 (n : nat) (H C U : mat) (d : vec) (hmax : R) (e : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax ->
  Rabs (qform n (resid n H U d) e)
  <= (INR n + 2) * bpow radix2 (-53) * bsum n (fun i => Rabs (e i) * sqrt (H i i)) ^ 2.
Proof.
exact (fun run symmetric pivots sane =>
  FactorClosed.residual_form_binary64 n H C U d hmax run symmetric pivots sane e).
Qed.

(** and with U rounded once to binary32 ([round_factor (-149) 24 U]), as the recurrence reads it,
    the constant is [residual32 n] = 2^-23 + 2^-46 + (n + 2) 2^-53. *)
Theorem T15_form_binary32 (n : nat) (H C U : mat) (d : vec) (hmax : R) (e : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax ->
  Rabs (qform n (resid n H (round_factor (-149) 24 U) d) e)
  <= (bpow radix2 (-23) + bpow radix2 (-46) + (INR n + 2) * bpow radix2 (-53))
     * bsum n (fun i => Rabs (e i) * sqrt (H i i)) ^ 2.
Proof.
exact (fun run symmetric pivots sane =>
  FactorClosed.residual_form_binary32 n H C U d hmax run symmetric pivots sane e).
Qed.

(** Witness: for that H the residual is not zero, and at most the bound, which is below 2^-48. *)
Lemma T15_witness :
  let H := fun i j => B2R 53 1024 (WitnessRun.wH i j) in
  let U := fun i j => B2R 53 1024 (WitnessRun.wU i j) in
  let d := fun j => B2R 53 1024 (WitnessRun.wd j) in
  0 < Rabs (resid 3 H U d 0 2) <= residual64 3 * (sqrt 3 * sqrt 3)
  /\ residual64 3 * (sqrt 3 * sqrt 3) <= / 281474976710656.
Proof. exact WitnessBounds.witness_residual. Qed.

(** Witness: entry by entry with the computed U and d, the residual at 1, 1 is not zero and the
    bound below 2^-49. *)
Lemma T15_entry_witness :
  let H := fun i j => B2R 53 1024 (WitnessRun.wH i j) in
  let U := fun i j => B2R 53 1024 (WitnessRun.wU i j) in
  let d := fun j => B2R 53 1024 (WitnessRun.wd j) in
  let bound := gam (uro 53) 3 * bsum 3 (fun k => Rabs (U 1%nat k) * d k * Rabs (U 1%nat k))
    + under_factor (uro 53) (eta (-1074)) 3 U d (Nat.max 1 1) in
  0 < Rabs (resid 3 H U d 1 1) <= bound /\ bound <= / 562949953421312.
Proof. exact WitnessForms.witness_entry. Qed.

(** Witness: as quadratic forms at the second unit vector ([second]), not zero and at most 2^-49
    with U in binary64, 2^-21 with U rounded to binary32. *)
Lemma T15_form_binary64_witness :
  let H := fun i j => B2R 53 1024 (WitnessRun.wH i j) in
  let U := fun i j => B2R 53 1024 (WitnessRun.wU i j) in
  let d := fun j => B2R 53 1024 (WitnessRun.wd j) in
  let e := WitnessForms.second in
  let bound := residual64 3 * weighted_size 3 (root_diagonal H) e ^ 2 in
  0 < Rabs (qform 3 (resid 3 H U d) e) <= bound /\ bound <= / 562949953421312.
Proof. exact WitnessForms.witness_form_binary64. Qed.

Lemma T15_form_binary32_witness :
  let H := fun i j => B2R 53 1024 (WitnessRun.wH i j) in
  let U := fun i j => B2R 53 1024 (WitnessRun.wU i j) in
  let d := fun j => B2R 53 1024 (WitnessRun.wd j) in
  let V := round_factor (-149) 24 U in let e := WitnessForms.second in
  let bound := residual32 3 * weighted_size 3 (root_diagonal H) e ^ 2 in
  0 < Rabs (qform 3 (resid 3 H V d) e) <= bound /\ bound <= / 2097152.
Proof. exact WitnessForms.witness_form_binary32. Qed.

(** Witness: on that H the run on IEEE data is finite with positive pivots, the first one
    5629499534213120 2^-51, and its values are those of the real model. *)
Lemma T15_finite_factor_witness :
  let F := float_arith WitnessRun.nans64 in let value := B2R 53 1024 in
  let H := WitnessRun.wH in let C := WitnessRun.wC in
  let U := WitnessRun.wU in let d := WitnessRun.wd in
  is_factor F 3 H C U d
  /\ (forall j, (j < 3)%nat -> is_finite 53 1024 (d j) = true /\ 0 < value (d j))
  /\ (forall i j, (i < j < 3)%nat -> is_finite 53 1024 (U i j) = true)
  /\ is_factor real64 3 (fun i j => value (H i j)) (fun i j => value (C i j))
       (fun i j => value (U i j)) (fun j => value (d j))
  /\ value (d 0%nat) = 5629499534213120 / 2251799813685248.
Proof. exact WitnessForms.witness_finite_factor. Qed.

(** ** T22: positive pivots show that H is nearly semidefinite

    The theorems on losses ask whether H is semidefinite, and a Gram matrix that others summed may
    not be.  The factorization tells: where all computed pivots are positive,
    v H v^T >= -g' (sum_i |v_i| sqrt(H_ii))^2 for every v, with T15's g' = (n + 2) 2^-53.  So no
    codes can be rewarded by more than rounding.  Symmetry and a diagonal of sane size are asked,
    nothing else about where H comes from. *)
Theorem T22_nearly_psd (n : nat) (H C U : mat) (d : vec) (hmax : R) (v : vec) :
  is_factor real64 n H C U d -> sym n H -> (forall k, (k < n)%nat -> 0 < d k) ->
  sane_diagonal n H hmax ->
  - ((INR n + 2) * bpow radix2 (-53) * bsum n (fun i => Rabs (v i) * sqrt (H i i)) ^ 2)
  <= qform n H v.
Proof. exact (NearlyPsd.nearly_psd n H C U d hmax v). Qed.

(** On IEEE data it is enough that the pivots are finite and positive; *)
Theorem T22_nearly_psd_ieee (nans64 : nan_choice 53 1024) (n : nat)
    (H C U : nat -> nat -> bin64) (d : nat -> bin64) (hmax : R) (v : vec) :
  let value := B2R 53 1024 in let rH := fun i j => value (H i j) in
  is_factor (float_arith nans64) n H C U d -> sym n rH ->
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k)) ->
  sane_diagonal n rH hmax ->
  - ((INR n + 2) * bpow radix2 (-53) * bsum n (fun i => Rabs (v i) * sqrt (rH i i)) ^ 2)
  <= qform n rH v.
Proof. exact (NearlyPsd.nearly_psd_ieee nans64 n H C U d hmax v). Qed.

(** and the Gram matrix G behind H = 2 G + lam I ([ieee_hessian], [hessian_stored]) is semidefinite
    up to that and to what the damping added to the diagonal. *)
Theorem T22_nearly_psd_gram (nans64 : nan_choice 53 1024) (n : nat) (lam : bin64)
    (G C U : nat -> nat -> bin64) (d : nat -> bin64) (hmax : R) (v : vec) :
  let value := B2R 53 1024 in let rG := fun i j => value (G i j) in
  let rH := hessian_stored (value lam) rG in
  is_factor (float_arith nans64) n (EmittedPlainIeee.ieee_hessian nans64 lam G) C U d ->
  sym n rG ->
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k)) ->
  sane_diagonal n rH hmax ->
  - (residual64 n * weighted_size n (root_diagonal rH) v ^ 2
     + bsum n (fun j => (rH j j - 2 * rG j j) * v j ^ 2))
  <= 2 * qform n rG v.
Proof. exact (NearlyPsd.nearly_psd_gram_ieee nans64 n lam G C U d hmax v). Qed.

(** Witness: H = [[a, 7], [7, 13]], a the largest number of binary64 below 49/13.  It is not
    semidefinite: (13, -7) gives less than -2^-47.  Its pivots on IEEE data are 2^-53 and 13, and
    the bound is at most 2^-39. *)
Lemma T22_nearly_psd_witness :
  let value := B2R 53 1024 in
  let H := fun i j => value (WitnessNearly.nearly_H i j) in
  let d := WitnessNearly.nearly_d in let v := entries [13; -7] in
  let bound := residual64 2 * weighted_size 2 (root_diagonal H) v ^ 2 in
  is_factor (float_arith WitnessRun.nans64) 2 WitnessNearly.nearly_H WitnessNearly.nearly_C
    WitnessNearly.nearly_U d
  /\ sym 2 H /\ (forall k, (k < 2)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k))
  /\ sane_diagonal 2 H 13
  /\ - bound <= qform 2 H v < - / 140737488355328
  /\ bound <= / 549755813888.
Proof. exact WitnessNearly.witness_nearly_psd. Qed.

(** Witness: that H is 2 G + I for a G whose form at (13, -7) is below -109; the damping accounts
    for all but 2^-40 of it. *)
Lemma T22_nearly_psd_gram_witness :
  let value := B2R 53 1024 in
  let lam := WitnessNearly.nearly_lam in
  let G := fun i j => value (WitnessNearly.nearly_G i j) in
  let H := hessian_stored (value lam) G in let v := entries [13; -7] in
  let slack := residual64 2 * weighted_size 2 (root_diagonal H) v ^ 2
    + bsum 2 (fun j => (H j j - 2 * G j j) * v j ^ 2) in
  is_factor (float_arith WitnessRun.nans64) 2
    (EmittedPlainIeee.ieee_hessian WitnessRun.nans64 lam WitnessNearly.nearly_G)
    WitnessNearly.nearly_C WitnessNearly.nearly_U WitnessNearly.nearly_d
  /\ sym 2 G /\ sane_diagonal 2 H 13
  /\ - slack <= 2 * qform 2 G v < -218 /\ slack <= 218 + / 549755813888.
Proof. exact WitnessNearly.witness_nearly_gram. Qed.
