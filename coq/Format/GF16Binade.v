(** * The worst points of each GF16 binade

    Purpose: GF16 is not uniform, but inside the binade [2^k, 2^(k+1)) it is: the step is
      2^(k-9).  The bound [gf16_error_binade] is reached, with either sign, by two ties.
    Main results: [tie_down_round], [tie_up_round], [tie_down_binade], [tie_up_binade].
    Depends on: [GF16]; Flocq: Core.
    Source: elementary. *)
From Coq Require Import ZArith Reals Lia Lra Psatz List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Format.GF16.
Open Scope R_scope.

(** The tie 2^k (1 + 1/1024), which rounds down to the even 2^k. *)
Definition tie_down (k : Z) : R := 1025 * bpow radix2 (k - 10).

(** The tie 2^k (1 + 3/1024), which rounds up to the even 2^k (1 + 2/512). *)
Definition tie_up (k : Z) : R := 1027 * bpow radix2 (k - 10).

(** Both ties of binade k, rounded by integer computation, are what they should be. *)
Definition ties_ok (k : Z) : bool :=
  let same (a b : Z * Z) := (Z.eqb (fst a) (fst b) && Z.eqb (snd a) (snd b))%bool in
  same (gf16_dy 1025 (k - 10)) (512, k - 9)%Z && same (gf16_dy 1027 (k - 10)) (514, k - 9)%Z.

(** The 62 binades of normal GF16 numbers. *)
Definition binades : list Z := map (fun i => (Z.of_nat i - 30)%Z) (seq 0 62).

(** The computation holds in each of them. *)
Lemma ties_ok_all : forallb ties_ok binades = true.
Proof. vm_compute; reflexivity. Qed.

(** The computation holds in binade k. *)
Lemma ties_dyadic k : (-30 <= k <= 31)%Z ->
  gf16_dy 1025 (k - 10) = (512, k - 9)%Z /\ gf16_dy 1027 (k - 10) = (514, k - 9)%Z.
Proof.
  intros Hk; assert (Hall := ties_ok_all).
  rewrite forallb_forall in Hall; specialize (Hall k).
  assert (Hin : In k binades).
  { unfold binades; apply in_map_iff; exists (Z.to_nat (k + 30)).
    split; [rewrite Z2Nat.id; lia|apply in_seq; lia]. }
  specialize (Hall Hin); unfold ties_ok in Hall.
  rewrite !andb_true_iff, !Z.eqb_eq in Hall.
  destruct (gf16_dy 1025 (k - 10)), (gf16_dy 1027 (k - 10)); simpl in Hall.
  destruct Hall as [[-> ->] [-> ->]]; split; reflexivity.
Qed.

(** A number with significand c / 1024 in [1, 2) lies in binade k. *)
Lemma significand_binade c k : 1024 <= c < 2048 ->
  bpow radix2 k <= c * bpow radix2 (k - 10) < bpow radix2 (k + 1).
Proof.
  intros Hc; assert (Hpos := bpow_gt_0 radix2 (k - 10)).
  assert (Hlow : bpow radix2 k = 1024 * bpow radix2 (k - 10)).
  { replace k with (10 + (k - 10))%Z at 1 by lia; rewrite bpow_plus; simpl; lra. }
  assert (Hhigh : bpow radix2 (k + 1) = 2048 * bpow radix2 (k - 10)).
  { replace (k + 1)%Z with (11 + (k - 10))%Z by lia; rewrite bpow_plus; simpl; lra. }
  rewrite Hlow, Hhigh; nra.
Qed.

(** Small significands do not overflow in any binade. *)
Lemma significand_in_range c k : 0 <= c <= 1027 -> (k <= 31)%Z ->
  Rabs (c * bpow radix2 (k - 10)) <= gf16_max.
Proof.
  intros Hc Hk; assert (Hpos := bpow_gt_0 radix2 (k - 10)).
  rewrite Rabs_pos_eq by nra.
  assert (Htop : bpow radix2 (k - 10) <= bpow radix2 21) by (apply bpow_le; lia).
  unfold gf16_max; apply Rle_trans with (1027 * bpow radix2 21); [nra|simpl; lra].
Qed.

(** The lower tie lies in its binade. *)
Lemma tie_down_binade k : bpow radix2 k <= tie_down k < bpow radix2 (k + 1).
Proof. apply significand_binade; lra. Qed.

(** The upper tie lies in its binade. *)
Lemma tie_up_binade k : bpow radix2 k <= tie_up k < bpow radix2 (k + 1).
Proof. apply significand_binade; lra. Qed.

(** The lower tie loses half a step, exactly. *)
Theorem tie_down_round k : (-30 <= k <= 31)%Z ->
  tie_down k - gf16_round (tie_down k) = bpow radix2 (k - 10).
Proof.
  intros Hk.
  assert (Hrange : Rabs (F2R (Float radix2 1025 (k - 10))) <= gf16_max).
  { apply (significand_in_range 1025); [lra|lia]. }
  assert (Hround := gf16_dy_correct 1025 (k - 10) Hrange).
  rewrite (proj1 (ties_dyadic k Hk)) in Hround.
  unfold F2R in Hround; cbn [fst snd Fnum Fexp] in Hround.
  unfold tie_down; rewrite <- Hround.
  replace (k - 9)%Z with (1 + (k - 10))%Z by lia.
  rewrite bpow_plus; change (bpow radix2 1) with 2; lra.
Qed.

(** The upper tie gains half a step, exactly. *)
Theorem tie_up_round k : (-30 <= k <= 31)%Z ->
  tie_up k - gf16_round (tie_up k) = - bpow radix2 (k - 10).
Proof.
  intros Hk.
  assert (Hrange : Rabs (F2R (Float radix2 1027 (k - 10))) <= gf16_max).
  { apply (significand_in_range 1027); [lra|lia]. }
  assert (Hround := gf16_dy_correct 1027 (k - 10) Hrange).
  rewrite (proj2 (ties_dyadic k Hk)) in Hround.
  unfold F2R in Hround; cbn [fst snd Fnum Fexp] in Hround.
  unfold tie_up; rewrite <- Hround.
  replace (k - 9)%Z with (1 + (k - 10))%Z by lia.
  rewrite bpow_plus; change (bpow radix2 1) with 2; lra.
Qed.
