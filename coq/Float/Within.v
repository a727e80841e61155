(** * Nonnegative numbers within k roundings of each other

    Purpose: where nothing underflows, k roundings change a nonnegative number by a factor between
      (1 + u)^-k and (1 + u)^k, u = 2^-53.  Products add the counts, roots halve them, and sums keep
      the larger one, so that the roundings of a long expression are counted and not estimated.
    Main definitions: [within]; [above] (zero, or at least a power of two), [normal].
    Main results: [within_mult], [within_add], [within_sqrt], [within_trans] (the algebra);
      [within_round] (no underflow), [within_round_add] (sums never underflow), [within_sum] (a sum
      in order), [within_closed] (in closed form).
    Depends on: Gptq/Sums, [Rounding], [Gamma], [RoundedSum].
    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.4, with
      the counter of roundings as an exponent. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums.
From Hallmark.Float Require Import Arithmetic Rounding Gamma RoundedSum.
Open Scope R_scope.

Local Notation u := (uro 53).
Local Notation power k := ((1 + u) ^ k).

(** x and y are within k roundings of each other. *)
Definition within (k : nat) (x y : R) : Prop :=
  0 <= x /\ 0 <= y /\ x <= power k * y /\ y <= power k * x.

(** Powers are at least 1. *)
Lemma power_ge1 k : 1 <= power k.
Proof. apply growth_ge1, Rlt_le, uro_pos. Qed.

(** More roundings allow more. *)
Lemma within_le k l x y : (k <= l)%nat -> within k x y -> within l x y.
Proof.
intros below [xpos [ypos [up down]]].
assert (more := growth_mono u (Rlt_le _ _ (uro_pos 53)) k l below).
split; [exact xpos|split; [exact ypos|split]].
- eapply Rle_trans; [exact up|apply Rmult_le_compat_r; assumption].
- eapply Rle_trans; [exact down|apply Rmult_le_compat_r; assumption].
Qed.

(** A nonnegative number is itself. *)
Lemma within_refl k x : 0 <= x -> within k x x.
Proof.
intros pos; apply (within_le 0); [lia|].
split; [exact pos|split; [exact pos|simpl; lra]].
Qed.

(** The relation is symmetric, *)
Lemma within_sym k x y : within k x y -> within k y x.
Proof. intros [xpos [ypos [up down]]]; repeat split; assumption. Qed.

(** and counts add up along a path. *)
Lemma within_trans k l x y z : within k x y -> within l y z -> within (k + l) x z.
Proof.
intros [xpos [ypos [up down]]] [_ [zpos [up' down']]].
assert (pk := power_ge1 k); assert (pl := power_ge1 l).
split; [exact xpos|split; [exact zpos|rewrite pow_add; split]].
- eapply Rle_trans; [exact up|rewrite Rmult_assoc; apply Rmult_le_compat_l; lra].
- eapply Rle_trans; [exact down'|rewrite (Rmult_comm (power k)), Rmult_assoc].
  apply Rmult_le_compat_l; lra.
Qed.

(** Products. *)
Lemma within_mult k l x y x' y' : within k x x' -> within l y y' ->
  within (k + l) (x * y) (x' * y').
Proof.
intros [xpos [xpos' [up down]]] [ypos [ypos' [up' down']]].
split; [apply Rmult_le_pos; assumption|split; [apply Rmult_le_pos; assumption|]].
rewrite pow_add; split.
- replace (power k * power l * (x' * y')) with (power k * x' * (power l * y')) by ring.
  apply Rmult_le_compat; assumption.
- replace (power k * power l * (x * y)) with (power k * x * (power l * y)) by ring.
  apply Rmult_le_compat; assumption.
Qed.

(** Sums. *)
Lemma within_add k x y x' y' : within k x x' -> within k y y' -> within k (x + y) (x' + y').
Proof. intros [? [? [? ?]]] [? [? [? ?]]]; unfold within; lra. Qed.

(** Sums of many. *)
Lemma within_bsum k n p q : (forall i, (i < n)%nat -> within k (p i) (q i)) ->
  within k (bsum n p) (bsum n q).
Proof.
induction n as [|n IH]; intros terms; [apply within_refl; simpl; lra|cbn [bsum]].
apply within_add; [apply IH; intros; apply terms; lia|apply terms; lia].
Qed.

(** Roots. *)
Lemma within_sqrt k x y : within (k + k) x y -> within k (sqrt x) (sqrt y).
Proof.
assert (pk := power_ge1 k).
assert (root : forall a b, 0 <= b -> a <= power (k + k) * b -> sqrt a <= power k * sqrt b).
{ intros a b pos above; rewrite <- (sqrt_pow2 (power k)) by lra.
  rewrite <- sqrt_mult by (exact pos || apply pow2_ge_0).
  apply sqrt_le_1_alt; rewrite pow_add in above.
  eapply Rle_trans; [exact above|apply Req_le; ring]. }
intros [xpos [ypos [up down]]].
split; [apply sqrt_pos|split; [apply sqrt_pos|split; apply root; assumption]].
Qed.

(** Zero, or at least 2^b: what a rounding does not lose to underflow, for b >= -1022. *)
Definition above (b : Z) (x : R) : Prop := x = 0 \/ bpow radix2 b <= x.

(** A lower bound that is smaller. *)
Lemma above_le a b x : (a <= b)%Z -> above b x -> above a x.
Proof.
intros below [->|large]; [left; reflexivity|right].
eapply Rle_trans; [apply bpow_le; exact below|exact large].
Qed.

(** Such a number is nonnegative. *)
Lemma above_ge0 b x : above b x -> 0 <= x.
Proof. intros [->|large]; [lra|eapply Rle_trans; [apply bpow_ge_0|exact large]]. Qed.

(** Products, *)
Lemma above_mult a b x y : above a x -> above b y -> above (a + b) (x * y).
Proof.
intros [->|largex]; [intros _; left; ring|intros [->|largey]; [left; ring|right]].
rewrite bpow_plus; apply Rmult_le_compat; try apply bpow_ge_0; assumption.
Qed.

(** roots, *)
Lemma above_sqrt b x : above (b + b) x -> above b (sqrt x).
Proof.
intros [->|large]; [left; apply sqrt_0|right].
rewrite <- (sqrt_square (bpow radix2 b)) by apply bpow_ge_0.
rewrite <- bpow_plus; apply sqrt_le_1_alt; exact large.
Qed.

(** Powers of two are in the format. *)
Lemma bpow_format b : (-1074 <= b)%Z -> in_format (-1074) 53 (bpow radix2 b).
Proof. intros deep; apply generic_format_bpow; unfold FLT_exp; lia. Qed.

(** and roundings. *)
Lemma above_round b x : above b x -> (-1074 <=? b)%Z = true -> above b (rnd64 x).
Proof.
intros [->|large] deep; [left; apply (rnd_0 (-1074) 53)|right]; apply Z.leb_le in deep.
rewrite <- (rnd_exact (-1074) 53 _ (bpow_format b deep)); apply (rnd_le (-1074) 53); exact large.
Qed.

(** The size of a multiple of 2^b. *)
Lemma above_multiple b x : multiple b x -> above b (Rabs x).
Proof.
intros [m ->]; destruct (Z.eq_dec m 0) as [->|nonzero]; [left; rewrite Rmult_0_l;
  apply Rabs_R0|right].
rewrite Rabs_mult, (Rabs_pos_eq (bpow radix2 b)) by apply bpow_ge_0.
rewrite <- abs_IZR; rewrite <- (Rmult_1_l (bpow radix2 b)) at 1.
apply Rmult_le_compat_r; [apply bpow_ge_0|apply IZR_le; lia].
Qed.

(** Large enough that a rounding loses no bit to underflow. *)
Notation normal := (above (-1022)).

Lemma above_normal b x : above b x -> (-1022 <=? b)%Z = true -> normal x.
Proof. intros large deep; apply Z.leb_le in deep; exact (above_le _ _ _ deep large). Qed.

(** One rounding of such a number. *)
Lemma within_round x : normal x -> within 1 (rnd64 x) x.
Proof.
intros [->|large].
- rewrite (rnd_0 (-1074) 53); apply within_refl; lra.
- assert (base : rnd64 (bpow radix2 (-1022)) = bpow radix2 (-1022)).
  { apply (rnd_exact (-1074) 53), generic_format_bpow; unfold FLT_exp; simpl; lia. }
  assert (stays : bpow radix2 (-1022) <= rnd64 x)
    by (rewrite <- base; apply (rnd_le (-1074) 53); exact large).
  assert (pos := bpow_gt_0 radix2 (-1022)).
  assert (half : forall y, bpow radix2 (-1022) <= y ->
      / 2 * ulp radix2 (FLT_exp (-1074) 53) y <= u * y).
  { intros y above.
    assert (size := ulp_FLT_le radix2 (-1074) 53 y
      ltac:(rewrite Rabs_pos_eq by lra; exact above)).
    rewrite Rabs_pos_eq in size by lra; rewrite <- (uro_flocq 53).
    replace (1 - 53)%Z with (- (53) + 1)%Z in size by ring; lra. }
  assert (error : Rabs (rnd64 x - x) <= / 2 * ulp radix2 (FLT_exp (-1074) 53) x)
    by (apply error_le_half_ulp; typeclasses eauto).
  assert (again : Rabs (rnd64 x - x) <= / 2 * ulp radix2 (FLT_exp (-1074) 53) (rnd64 x))
    by (apply error_le_half_ulp_round; typeclasses eauto).
  assert (first := half x large); assert (second := half (rnd64 x) stays).
  apply Rabs_le_inv in error; apply Rabs_le_inv in again.
  unfold within; simpl pow; lra.
Qed.

(** A rounding after k others. *)
Lemma within_rounded k x y : normal x -> within k x y -> within (k + 1) (rnd64 x) y.
Proof.
intros fine close; rewrite Nat.add_comm; apply (within_trans 1 k _ x); [|exact close].
apply within_round; exact fine.
Qed.

(** A sum of two numbers of the format never underflows. *)
Lemma within_round_add k x y a : in_format (-1074) 53 x -> in_format (-1074) 53 y ->
  within k (x + y) a -> within (k + 1) (rnd64 (x + y)) a.
Proof.
intros formx formy close; rewrite Nat.add_comm; apply (within_trans 1 k _ (x + y)); [|exact close].
destruct close as [pos _].
assert (error := rnd_error_sum (-1074) 53 x y formx formy).
assert (again := rnd_error_sum_round (-1074) 53 x y formx formy).
assert (stays : 0 <= rnd64 (x + y))
  by (rewrite <- (rnd_0 (-1074) 53); apply (rnd_le (-1074) 53); exact pos).
rewrite (Rabs_pos_eq (x + y)) in error by exact pos; rewrite (Rabs_pos_eq (rnd64 (x + y))) in again
  by exact stays.
apply Rabs_le_inv in error; apply Rabs_le_inv in again; unfold within; simpl pow; lra.
Qed.

(** A sum in order, of terms of the format. *)
Lemma sum_chain_format n p : in_format (-1074) 53 (sum_chain real64 n p).
Proof. destruct n; [apply format_0|apply (rnd_format (-1074) 53)]. Qed.

Lemma within_sum k n p q : (forall i, (i < n)%nat -> in_format (-1074) 53 (p i)) ->
  (forall i, (i < n)%nat -> within k (p i) (q i)) ->
  within (k + n) (sum_chain real64 n p) (bsum n q).
Proof.
induction n as [|n IH]; intros form terms; [apply within_refl; simpl; lra|].
cbn [bsum sum_chain a_add real64 real_arith].
replace (k + S n)%nat with (k + n + 1)%nat by lia.
apply within_round_add; [apply sum_chain_format|apply form; lia|].
apply within_add; [apply IH; intros; [apply form|apply terms]; lia|].
apply (within_le k); [lia|apply terms; lia].
Qed.

(** A sum in order of such terms is such a number. *)
Lemma above_sum n p b : (-1074 <=? b)%Z = true -> (forall i, (i < n)%nat -> above b (p i)) ->
  above b (sum_chain real64 n p).
Proof.
intros deep; induction n as [|n IH]; intros terms; [left; reflexivity|].
cbn [sum_chain a_add real64 real_arith]; apply above_round; [|exact deep].
assert (before := IH (fun i below => terms i (Nat.lt_lt_succ_r _ _ below))).
assert (last := terms n (Nat.lt_succ_diag_r n)).
assert (pos := above_ge0 _ _ before); assert (pos' := above_ge0 _ _ last).
destruct before as [zero|large]; [|right; lra].
destruct last as [zero'|large]; [left|right]; lra.
Qed.

(** What k roundings cost, in closed form: for k <= 2^27 a factor 1 + k 2^-53 (1 + 2^-26). *)
Lemma within_closed k : (Z.of_nat k <= 2 ^ 27)%Z ->
  power k <= 1 + INR k * u * (1 + / 67108864).
Proof.
intros few; assert (upos := Rlt_le _ _ (uro_pos 53)).
assert (count : 0 <= INR k <= 134217728).
{ split; [apply pos_INR|rewrite INR_IZR_INZ; change 134217728 with (IZR (2 ^ 27)); apply IZR_le;
    exact few]. }
assert (value : u = / 9007199254740992) by (unfold uro; simpl; lra).
assert (small : INR k * u <= / 67108864) by (rewrite value; lra).
assert (closed := gam_closed u upos k ltac:(lra)); unfold gam, gam_up in closed.
assert (pos : 0 <= INR k * u) by (apply Rmult_le_pos; lra).
assert (scaled : INR k * u * (1 + INR k * u) <= INR k * u * (1 + / 67108864))
  by (apply Rmult_le_compat_l; lra).
lra.
Qed.
