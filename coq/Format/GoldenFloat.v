(** * Rounding in the GF(E, M) family

    Purpose: GF(E, M) has 1 sign bit, E exponent bits and M fraction bits, with the layout of
      IEEE 754: precision M + 1, largest exponent 2^(E-1), gradual underflow.  This file gives its
      set of finite numbers and its rounding to nearest, ties to even, as functions on the reals,
      for every E and M.
    Main results: [golden_error], [golden_error_binade], [golden_nearest], [golden_exact],
      [golden_idem], [golden_mono], [golden_opp], [golden_0], [golden_no_overflow].
    Bound functions: [golden_half_ulp] (error of one rounding), [golden_max] (largest finite).
    Depends on: Flocq: Core, Prop.Relative.
    Source: IEEE 754-2019, sections 3.3 and 4.3.1. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core Relative.
Open Scope R_scope.

(** Bits of significand of GF(E, M), the hidden one included. *)
Definition golden_prec (M : Z) : Z := M + 1.

(** Every finite number of GF(E, M) is below 2 to this power. *)
Definition golden_emax (E : Z) : Z := 2 ^ (E - 1).

(** The smallest positive number of GF(E, M) is 2 to this power. *)
Definition golden_emin (E M : Z) : Z := 3 - golden_emax E - golden_prec M.

(** The finite numbers of GF(E, M), the exponent taken as unbounded above. *)
Definition golden_format (E M : Z) (x : R) : Prop :=
  generic_format radix2 (FLT_exp (golden_emin E M) (golden_prec M)) x.

(** Rounding to the nearest number of GF(E, M), ties to even. *)
Definition golden_round (E M : Z) (x : R) : R :=
  round radix2 (FLT_exp (golden_emin E M) (golden_prec M)) ZnearestE x.

(** The largest finite number of GF(E, M). *)
Definition golden_max (E M : Z) : R :=
  bpow radix2 (golden_emax E) - bpow radix2 (golden_emax E - golden_prec M).

(** Error bound of one rounding: half a unit in the last place, relative or at the bottom. *)
Definition golden_half_ulp (E M : Z) (x : R) : R :=
  Rmax (bpow radix2 (- golden_prec M) * Rabs x) (bpow radix2 (golden_emin E M - 1)).

Section GoldenFloat.

Variables E M : Z.
Hypothesis M_nonneg : (0 <= M)%Z.

Notation gexp := (FLT_exp (golden_emin E M) (golden_prec M)).

(** The precision is positive; Flocq finds this fact by itself. *)
Local Instance golden_prec_gt_0 : Prec_gt_0 (golden_prec M).
Proof. unfold Prec_gt_0, golden_prec; lia. Qed.

(** One rounding errs by at most [golden_half_ulp]; no range hypothesis is needed. *)
Theorem golden_error x : Rabs (golden_round E M x - x) <= golden_half_ulp E M x.
Proof.
  unfold golden_round, golden_half_ulp.
  destruct (Rle_or_lt (bpow radix2 (golden_emin E M + golden_prec M - 1)) (Rabs x)) as [Hx|Hx].
  - eapply Rle_trans;
      [apply (relative_error_N_FLT radix2 _ _ golden_prec_gt_0 (fun z => negb (Z.even z)) x Hx)|].
    eapply Rle_trans; [|apply Rmax_l].
    apply Req_le; f_equal.
    change (/ 2) with (bpow radix2 (-1)); rewrite <- bpow_plus; f_equal; lia.
  - eapply Rle_trans; [|apply Rmax_r].
    eapply Rle_trans; [apply error_le_half_ulp; apply FLT_exp_valid, golden_prec_gt_0|].
    rewrite ulp_FLT_small.
    + apply Req_le; change (/ 2) with (bpow radix2 (-1)); rewrite <- bpow_plus; f_equal; lia.
    + exact golden_prec_gt_0.
    + eapply Rlt_trans; [exact Hx|apply bpow_lt; lia].
Qed.

(** In binade k, that is below 2^(k+1), one rounding errs by at most 2^(k - M - 1). *)
Theorem golden_error_binade k x :
  (golden_emin E M + M <= k)%Z -> Rabs x < bpow radix2 (k + 1) ->
  Rabs (golden_round E M x - x) <= bpow radix2 (k - golden_prec M).
Proof.
  intros Hk Hx; destruct (Req_dec x 0) as [->|Hx0].
  - unfold golden_round; rewrite round_0 by typeclasses eauto.
    rewrite Rminus_0_r, Rabs_R0; apply bpow_ge_0.
  - unfold golden_round.
    eapply Rle_trans; [apply error_le_half_ulp; typeclasses eauto|].
    rewrite ulp_neq_0 by assumption.
    change (/ 2) with (bpow radix2 (-1)); rewrite <- bpow_plus.
    apply bpow_le; unfold cexp, FLT_exp.
    assert (Hmag : (mag radix2 x <= k + 1)%Z) by (apply mag_le_bpow; assumption).
    unfold golden_prec in *; lia.
Qed.

(** A rounded number is in the format. *)
Theorem golden_format_round x : golden_format E M (golden_round E M x).
Proof. apply generic_format_round; typeclasses eauto. Qed.

(** No number of the format is nearer to x than its rounding. *)
Theorem golden_nearest_format x g : golden_format E M g ->
  Rabs (x - golden_round E M x) <= Rabs (x - g).
Proof.
  intros Hg; rewrite (Rabs_minus_sym x (golden_round E M x)), (Rabs_minus_sym x g).
  destruct (round_N_pt radix2 gexp (fun z => negb (Z.even z)) x) as [_ Hx].
  apply Hx; exact Hg.
Qed.

(** Rounding is a nearest-point map: its own image holds nothing nearer. *)
Theorem golden_nearest x y :
  Rabs (x - golden_round E M x) <= Rabs (x - golden_round E M y).
Proof. apply golden_nearest_format, golden_format_round. Qed.

(** Numbers of the format are not changed. *)
Theorem golden_exact x : golden_format E M x -> golden_round E M x = x.
Proof. intros Hx; apply round_generic; [typeclasses eauto|exact Hx]. Qed.

(** Rounding twice is rounding once. *)
Theorem golden_idem x : golden_round E M (golden_round E M x) = golden_round E M x.
Proof. apply golden_exact, golden_format_round. Qed.

(** Rounding keeps the order. *)
Theorem golden_mono x y : x <= y -> golden_round E M x <= golden_round E M y.
Proof. apply round_le; typeclasses eauto. Qed.

(** Rounding is odd. *)
Theorem golden_opp x : golden_round E M (- x) = - golden_round E M x.
Proof. apply round_NE_opp. Qed.

(** Zero is kept. *)
Theorem golden_0 : golden_round E M 0 = 0.
Proof. apply round_0; typeclasses eauto. Qed.

(** The largest finite number is in the format as soon as there are two exponent bits. *)
Lemma golden_max_format : (2 <= E)%Z -> golden_format E M (golden_max E M).
Proof.
  intros HE.
  assert (Hemax : (2 <= golden_emax E)%Z).
  { unfold golden_emax; change 2%Z with (2 ^ 1)%Z at 1; apply Z.pow_le_mono_r; lia. }
  apply generic_format_FLT.
  exists (Float radix2 (2 ^ golden_prec M - 1) (golden_emax E - golden_prec M)).
  - unfold golden_max, F2R; simpl Fnum; simpl Fexp.
    rewrite minus_IZR, (IZR_Zpower radix2) by (unfold golden_prec; lia).
    rewrite Rmult_minus_distr_r, Rmult_1_l, <- bpow_plus.
    do 2 f_equal; lia.
  - simpl Fnum.
    assert (Hp : (0 < 2 ^ golden_prec M)%Z) by (apply Z.pow_pos_nonneg; unfold golden_prec; lia).
    rewrite Z.abs_eq by lia; change (radix_val radix2) with 2%Z; lia.
  - simpl Fexp; unfold golden_emin; lia.
Qed.

(** Numbers up to the largest finite one stay there when rounded. *)
Theorem golden_no_overflow x : (2 <= E)%Z ->
  Rabs x <= golden_max E M -> Rabs (golden_round E M x) <= golden_max E M.
Proof.
  intros HE Hx; apply Rabs_le; apply Rabs_le_inv in Hx.
  assert (Hmax := golden_exact _ (golden_max_format HE)).
  split.
  - apply Rle_trans with (golden_round E M (- golden_max E M)).
    + rewrite golden_opp, Hmax; apply Rle_refl.
    + apply golden_mono; apply Hx.
  - apply Rle_trans with (golden_round E M (golden_max E M)).
    + apply golden_mono; apply Hx.
    + rewrite Hmax; apply Rle_refl.
Qed.

End GoldenFloat.
