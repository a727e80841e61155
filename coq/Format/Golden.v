(** * The golden ratio and the split 6:9

    Purpose: GoldenFloat names its exponent and fraction widths after the golden ratio.  Of the
      splits e + m = 15 the one with e = 6 and m = 9 comes nearest to it in two senses, which
      give two different numbers: |e/m - 1/phi| = 0.0486.. and |m/15 - 1/phi| = 0.0180...
    Main results: [phi_identity]; [split_ratio_minimal], [split_ratio_value];
      [split_share_minimal], [split_share_value].
    Depends on: Coq's real numbers only.
    Source: elementary. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
Open Scope R_scope.

(** The golden ratio. *)
Definition phi : R := (1 + sqrt 5) / 2.

(** The square root of 5 to seven places. *)
Lemma sqrt5_bounds : 22360679 / 10000000 < sqrt 5 < 22360680 / 10000000.
Proof.
  assert (Hsquare : sqrt 5 * sqrt 5 = 5) by (apply sqrt_sqrt; lra).
  assert (Hpos : 0 < sqrt 5) by (apply sqrt_lt_R0; lra).
  split; nra.
Qed.

(** The golden ratio solves x^2 = x + 1. *)
Lemma phi_square : phi ^ 2 = phi + 1.
Proof.
  assert (Hsquare : sqrt 5 * sqrt 5 = 5) by (apply sqrt_sqrt; lra).
  unfold phi; nra.
Qed.

(** The golden ratio is positive. *)
Lemma phi_pos : 0 < phi.
Proof. unfold phi; generalize sqrt5_bounds; lra. Qed.

(** The inverse of the golden ratio is 1 less. *)
Lemma phi_inverse : / phi = phi - 1.
Proof.
  assert (Hpos := phi_pos); assert (Hsquare := phi_square).
  apply Rmult_eq_reg_l with phi; [|lra].
  rewrite Rinv_r by lra; nra.
Qed.

(** The inverse of the golden ratio to six places. *)
Lemma phi_inverse_bounds : 618033 / 1000000 < / phi < 618034 / 1000000.
Proof. rewrite phi_inverse; unfold phi; generalize sqrt5_bounds; lra. Qed.

(** phi^2 + phi^-2 = 3. *)
Theorem phi_identity : phi ^ 2 + / phi ^ 2 = 3.
Proof.
  assert (Hpos := phi_pos).
  replace (/ phi ^ 2) with (/ phi * / phi) by (field; lra).
  rewrite phi_inverse; generalize phi_square; nra.
Qed.

(** The distance of the ratio e/m from 1/phi. *)
Definition split_ratio (e m : Z) : R := Rabs (IZR e / IZR m - / phi).

(** The distance of the fraction's share m/15 from 1/phi. *)
Definition split_share (m : Z) : R := Rabs (IZR m / 15 - / phi).

(** The ratio 6/9 is 0.0486.. away from 1/phi. *)
Theorem split_ratio_value : 48632 / 1000000 < split_ratio 6 9 < 48634 / 1000000.
Proof.
  unfold split_ratio; assert (Hphi := phi_inverse_bounds).
  rewrite Rabs_pos_eq by lra; lra.
Qed.

(** The share 9/15 is 0.0180.. away from 1/phi. *)
Theorem split_share_value : 18033 / 1000000 < split_share 9 < 18034 / 1000000.
Proof.
  unfold split_share; assert (Hphi := phi_inverse_bounds).
  rewrite Rabs_left by lra; lra.
Qed.

(** The fraction widths of the splits of 15 with both parts positive. *)
Lemma split_cases m : (1 <= m <= 14)%Z -> (m <> 9)%Z ->
  (m = 1 \/ m = 2 \/ m = 3 \/ m = 4 \/ m = 5 \/ m = 6 \/ m = 7 \/ m = 8 \/
   m = 10 \/ m = 11 \/ m = 12 \/ m = 13 \/ m = 14)%Z.
Proof. lia. Qed.

(** Every other split of 15 has its ratio e/m farther from 1/phi. *)
Theorem split_ratio_minimal e m : (1 <= e)%Z -> (1 <= m)%Z -> (e + m = 15)%Z -> (e <> 6)%Z ->
  split_ratio 6 9 < split_ratio e m.
Proof.
  intros He Hm Hsum Hother.
  assert (Hphi := phi_inverse_bounds); assert (Hvalue := split_ratio_value).
  eapply Rlt_trans; [apply Hvalue|]; unfold split_ratio.
  replace e with (15 - m)%Z by lia.
  destruct (split_cases m) as
    [->|[->|[->|[->|[->|[->|[->|[->|[->|[->|[->|[->| ->]]]]]]]]]]]]; try lia;
    match goal with |- context [IZR (15 - ?k)] =>
      let v := eval vm_compute in (15 - k)%Z in change (15 - k)%Z with v end;
    unfold Rabs; destruct (Rcase_abs _); lra.
Qed.

(** Every other split of 15 has its share m/15 farther from 1/phi. *)
Theorem split_share_minimal e m : (1 <= e)%Z -> (1 <= m)%Z -> (e + m = 15)%Z -> (e <> 6)%Z ->
  split_share 9 < split_share m.
Proof.
  intros He Hm Hsum Hother.
  assert (Hphi := phi_inverse_bounds); assert (Hvalue := split_share_value).
  eapply Rlt_trans; [apply Hvalue|]; unfold split_share.
  destruct (split_cases m) as
    [->|[->|[->|[->|[->|[->|[->|[->|[->|[->|[->|[->| ->]]]]]]]]]]]]; try lia;
    unfold Rabs; destruct (Rcase_abs _); lra.
Qed.
