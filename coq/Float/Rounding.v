(** * The error of one rounding

    Purpose: what one rounding to nearest costs, in the four forms that the proofs use.
    Main results: [rnd_error] (relative to the exact value), [rnd_error_round] (relative to the
      computed value), [rnd_error_sum], [rnd_error_sum_round] (a sum of two format numbers never
      underflows), [rnd_error_multiple], [rnd_multiple] (a multiple of 2^e with e >= emin never
      underflows and rounds to such a multiple), [rnd_sub_exact] (Sterbenz).
    Bound functions: [uro], [eta] of [Arithmetic].
    Depends on: [Arithmetic]; Flocq: Core, Prop.Relative, Prop.Plus_error, Prop.Sterbenz.
    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.1 and
      2.2. *)
From Coq Require Import ZArith Reals Lia Lra.
From Flocq Require Import Core Relative Plus_error Sterbenz.
From Hallmark.Float Require Import Arithmetic.
Open Scope R_scope.

(** [x] is an integer multiple of 2^e. *)
Definition multiple (e : Z) (x : R) : Prop := exists m : Z, x = IZR m * bpow radix2 e.

Section OneRounding.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation rd := (rnd emin prec).
Notation fmt := (in_format emin prec).
Notation u := (uro prec).

(** The unit roundoff is positive. *)
Lemma uro_pos : 0 < u.
Proof. apply bpow_gt_0. Qed.

(** The unit roundoff is at most one half. *)
Lemma uro_le_half : u <= / 2.
Proof.
change (/ 2) with (bpow radix2 (-1)); apply bpow_le.
unfold Prec_gt_0 in prec_pos; lia.
Qed.

(** Half the smallest positive number is positive. *)
Lemma eta_pos : 0 < eta emin.
Proof. apply bpow_gt_0. Qed.

(** Flocq's form of the unit roundoff is the one used here. *)
Lemma uro_flocq : / 2 * bpow radix2 (- prec + 1) = u.
Proof. unfold uro; rewrite bpow_plus; change (bpow radix2 1) with 2; field. Qed.

(** Flocq's second form of the unit roundoff is the one used here. *)
Lemma uro_ro : u_ro radix2 prec = u.
Proof. exact uro_flocq. Qed.

(** Half of 2^emin is [eta]. *)
Lemma eta_flocq : / 2 * bpow radix2 emin = eta emin.
Proof.
unfold eta, Z.sub; rewrite bpow_plus; change (bpow radix2 (- (1))) with (/ 2); ring.
Qed.

(** A rounded number is in the format. *)
Lemma rnd_format x : fmt (rd x).
Proof. apply generic_format_round; typeclasses eauto. Qed.

(** A number of the format is its own rounding. *)
Lemma rnd_exact x : fmt x -> rd x = x.
Proof. intros form; apply round_generic; [typeclasses eauto|exact form]. Qed.

(** Zero is in the format. *)
Lemma format_0 : fmt 0.
Proof. apply generic_format_0. Qed.

(** Zero rounds to zero. *)
Lemma rnd_0 : rd 0 = 0.
Proof. apply round_0; typeclasses eauto. Qed.

(** Rounding commutes with a change of sign. *)
Lemma rnd_opp x : rd (- x) = - rd x.
Proof. apply round_NE_opp. Qed.

(** The format is closed under change of sign. *)
Lemma format_opp x : fmt x -> fmt (- x).
Proof. apply generic_format_opp. Qed.

(** Rounding is monotone. *)
Lemma rnd_le x y : x <= y -> rd x <= rd y.
Proof. apply round_le; typeclasses eauto. Qed.

(** Half an ulp is at most the relative term or the underflow term. *)
Lemma half_ulp_bound x : / 2 * ulp radix2 (FLT_exp emin prec) x <= u * Rabs x + eta emin.
Proof.
destruct (Rle_or_lt (bpow radix2 (emin + prec - 1)) (Rabs x)) as [normal|small].
- assert (size := ulp_FLT_le radix2 emin prec x normal).
  replace (1 - prec)%Z with (- prec + 1)%Z in size by ring.
  assert (pos := eta_pos).
  rewrite <- uro_flocq; lra.
- rewrite (ulp_FLT_small radix2 emin prec).
  + rewrite eta_flocq.
    assert (pos := Rmult_le_pos _ _ (Rlt_le _ _ uro_pos) (Rabs_pos x)); lra.
  + apply Rlt_trans with (1 := small); apply bpow_lt; lia.
Qed.

(** The error of a rounding, relative to the exact value. *)
Theorem rnd_error x : Rabs (rd x - x) <= u * Rabs x + eta emin.
Proof.
eapply Rle_trans; [apply error_le_half_ulp; typeclasses eauto|apply half_ulp_bound].
Qed.

(** The error of a rounding, relative to the computed value. *)
Theorem rnd_error_round x : Rabs (rd x - x) <= u * Rabs (rd x) + eta emin.
Proof.
eapply Rle_trans; [apply error_le_half_ulp_round; typeclasses eauto|apply half_ulp_bound].
Qed.

(** A rounding without the underflow term from a factor 1 + eps. *)
Lemma relative_of_factor x eps bound :
  Rabs eps <= bound -> rd x = x * (1 + eps) -> Rabs (rd x - x) <= bound * Rabs x.
Proof.
intros small value; rewrite value.
replace (x * (1 + eps) - x) with (eps * x) by ring.
rewrite Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos|exact small].
Qed.

(** The sum of two numbers of the format rounds without underflow. *)
Theorem rnd_error_sum x y : fmt x -> fmt y -> Rabs (rd (x + y) - (x + y)) <= u * Rabs (x + y).
Proof.
intros formx formy.
destruct (FLT_plus_error_N_ex radix2 emin prec (fun z => negb (Z.even z)) x y formx formy)
  as [eps [small value]].
apply (relative_of_factor (x + y) eps); [|exact value].
eapply Rle_trans; [exact small|].
rewrite uro_ro; assert (pos := uro_pos).
apply Rmult_le_reg_r with (1 + u); [lra|].
unfold Rdiv; rewrite Rmult_assoc, Rinv_l; [|lra].
nra.
Qed.

(** The same error relative to the computed sum. *)
Theorem rnd_error_sum_round x y :
  fmt x -> fmt y -> Rabs (rd (x + y) - (x + y)) <= u * Rabs (rd (x + y)).
Proof.
intros formx formy.
destruct (FLT_plus_error_N_round_ex radix2 emin prec (fun z => negb (Z.even z)) x y formx formy)
  as [eps [small value]].
fold (rd (x + y)) in value; rewrite uro_ro in small.
replace (rd (x + y) - (x + y)) with (- (eps * rd (x + y)))
  by (rewrite value at 3; ring).
rewrite Rabs_Ropp, Rabs_mult; apply Rmult_le_compat_r; [apply Rabs_pos|exact small].
Qed.

(** The difference of two numbers of the format rounds without underflow. *)
Lemma rnd_error_diff_round x y :
  fmt x -> fmt y -> Rabs (rd (x - y) - (x - y)) <= u * Rabs (rd (x - y)).
Proof. intros formx formy; apply rnd_error_sum_round; [|apply format_opp]; assumption. Qed.

(** Sterbenz: a difference of two numbers within a factor of two is exact. *)
Lemma rnd_sub_exact x y : fmt x -> fmt y -> y / 2 <= x <= 2 * y -> rd (x - y) = x - y.
Proof.
intros formx formy near; apply rnd_exact.
apply sterbenz; [typeclasses eauto|typeclasses eauto|exact formx|exact formy|exact near].
Qed.

(** A multiple of 2^e, e >= emin, is a multiple of 2^emin. *)
Lemma multiple_weaken e x : (emin <= e)%Z -> multiple e x -> multiple emin x.
Proof.
intros above [m ->]; exists (m * 2 ^ (e - emin))%Z.
rewrite mult_IZR, Rmult_assoc; f_equal.
rewrite (IZR_Zpower radix2) by lia; rewrite <- bpow_plus; f_equal; ring.
Qed.

(** A multiple of 2^emin rounds without underflow. *)
Theorem rnd_error_multiple e x :
  (emin <= e)%Z -> multiple e x -> Rabs (rd x - x) <= u * Rabs x.
Proof.
intros above mult; destruct (multiple_weaken e x above mult) as [m value].
destruct (relative_error_N_FLT_F2R_emin_ex radix2 emin prec prec_pos
  (fun z => negb (Z.even z)) m) as [eps [small rounded]].
rewrite uro_flocq in small.
replace (F2R (Float radix2 m emin)) with x in rounded by (rewrite value; reflexivity).
exact (relative_of_factor x eps u small rounded).
Qed.

(** A multiple of 2^e, e >= emin, rounds to a multiple of 2^e. *)
Theorem rnd_multiple e x : (emin <= e)%Z -> multiple e x -> multiple e (rd x).
Proof.
intros above [m value].
destruct (Z_le_gt_dec e (cexp radix2 (FLT_exp emin prec) x)) as [coarse|fine].
- set (c := cexp radix2 (FLT_exp emin prec) x) in *.
  exists (ZnearestE (scaled_mantissa radix2 (FLT_exp emin prec) x) * 2 ^ (c - e))%Z.
  unfold rnd, round, F2R; simpl Fnum; simpl Fexp; fold c.
  rewrite mult_IZR, Rmult_assoc; f_equal.
  rewrite (IZR_Zpower radix2) by lia; rewrite <- bpow_plus; f_equal; ring.
- exists m; rewrite rnd_exact; [exact value|].
  rewrite value; change (IZR m * bpow radix2 e) with (F2R (Float radix2 m e)).
  apply generic_format_F2R; intros nonzero.
  change (F2R (Float radix2 m e)) with (IZR m * bpow radix2 e); rewrite <- value; lia.
Qed.

(** Products of multiples are multiples. *)
Lemma multiple_mult e f x y : multiple e x -> multiple f y -> multiple (e + f) (x * y).
Proof.
intros [m ->] [p ->]; exists (m * p)%Z.
rewrite mult_IZR, bpow_plus; ring.
Qed.

(** Sums of multiples are multiples. *)
Lemma multiple_plus e x y : multiple e x -> multiple e y -> multiple e (x + y).
Proof. intros [m ->] [p ->]; exists (m + p)%Z; rewrite plus_IZR; ring. Qed.

(** Zero is a multiple. *)
Lemma multiple_0 e : multiple e 0.
Proof. exists 0%Z; ring. Qed.

(** A format is part of every wider one. *)
Lemma format_widen emin' prec' x : (emin' <= emin)%Z -> (prec <= prec')%Z ->
  fmt x -> in_format emin' prec' x.
Proof.
intros deeper longer form; apply FLT_format_generic in form; [|exact prec_pos].
destruct form as [f value small above]; apply generic_format_FLT.
exists f; [exact value| |lia].
apply Z.lt_le_trans with (1 := small); apply Zpower_le; exact longer.
Qed.

(** A number of a format whose smallest positive number is 2^e is a multiple of 2^e. *)
Lemma multiple_of_format x : fmt x -> multiple emin x.
Proof.
intros form; apply FLT_format_generic in form; [|exact prec_pos].
destruct form as [f value small above].
destruct f as [m e]; simpl in *.
apply (multiple_weaken e); [exact above|exists m; exact value].
Qed.

End OneRounding.
