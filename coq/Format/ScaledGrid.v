(** * A grid multiplied by a positive scale

    Purpose: quantizers work on {s g : g in a grid} with one scale s > 0 per row or group.  This
      file carries every property that the theory uses from a nearest-point map Q on the grid to
      the map x -> s Q(x / s) on the scaled grid.
    Main results: [scaled_nearest], [scaled_mono], [scaled_error], [scaled_idem], [scaled_opp],
      [scaled_gf16_error].
    Bound functions: s h(x / s) for a bound h of the grid itself.
    Depends on: [GF16].
    Source: elementary. *)
From Coq Require Import Reals Lra.
From Flocq Require Import Core.
From Hallmark Require Import Format.GF16.
Open Scope R_scope.

(** The map Q on the grid multiplied by [s]. *)
Definition scaled (s : R) (Q : R -> R) (x : R) : R := s * Q (x / s).

Section ScaledGrid.

Variables (s : R) (Q : R -> R).
Hypothesis s_pos : 0 < s.

(** The error on the scaled grid is s times the error on the grid. *)
Lemma scaled_residual x y : x - scaled s Q y = s * (x / s - Q (y / s)).
Proof. unfold scaled; field; lra. Qed.

(** The same with absolute values. *)
Lemma scaled_abs x y : Rabs (x - scaled s Q y) = s * Rabs (x / s - Q (y / s)).
Proof. rewrite scaled_residual, Rabs_mult, (Rabs_pos_eq s) by lra; reflexivity. Qed.

(** A nearest-point map stays one. *)
Theorem scaled_nearest :
  (forall x y, Rabs (x - Q x) <= Rabs (x - Q y)) ->
  forall x y, Rabs (x - scaled s Q x) <= Rabs (x - scaled s Q y).
Proof.
  intros Hnear x y; rewrite !scaled_abs.
  apply Rmult_le_compat_l; [lra|apply Hnear].
Qed.

(** A monotone map stays monotone. *)
Theorem scaled_mono :
  (forall x y, x <= y -> Q x <= Q y) ->
  forall x y, x <= y -> scaled s Q x <= scaled s Q y.
Proof.
  intros Hmono x y Hxy; unfold scaled.
  apply Rmult_le_compat_l; [lra|apply Hmono].
  apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; lra|exact Hxy].
Qed.

(** An error bound h on the grid becomes s h(x / s). *)
Theorem scaled_error (h : R -> R) :
  (forall x, Rabs (x - Q x) <= h x) -> forall x, Rabs (x - scaled s Q x) <= s * h (x / s).
Proof. intros Hh x; rewrite scaled_abs; apply Rmult_le_compat_l; [lra|apply Hh]. Qed.

(** Numbers that the grid keeps are kept, once scaled, by the scaled grid. *)
Theorem scaled_exact g : Q g = g -> scaled s Q (s * g) = s * g.
Proof.
  intros Hg; unfold scaled.
  replace (s * g / s) with g by (field; lra).
  rewrite Hg; reflexivity.
Qed.

(** Quantizing twice is quantizing once. *)
Theorem scaled_idem :
  (forall x, Q (Q x) = Q x) -> forall x, scaled s Q (scaled s Q x) = scaled s Q x.
Proof. intros Hidem x; apply (scaled_exact (Q (x / s))); apply Hidem. Qed.

(** An odd map stays odd. *)
Theorem scaled_opp :
  (forall x, Q (- x) = - Q x) -> forall x, scaled s Q (- x) = - scaled s Q x.
Proof.
  intros Hodd x; unfold scaled.
  replace (- x / s) with (- (x / s)) by (field; lra).
  rewrite Hodd; ring.
Qed.

End ScaledGrid.

(** T7: on GF16 multiplied by s the error is at most s max(2^-10 |x / s|, 2^-40). *)
Theorem scaled_gf16_error s x : 0 < s ->
  Rabs (x - scaled s gf16_round x) <= s * half_ulp16 (x / s).
Proof.
  intros Hs; apply (scaled_error s gf16_round Hs half_ulp16).
  intros y; rewrite Rabs_minus_sym; apply gf16_error.
Qed.

(** T7: rounding to GF16 multiplied by s is a nearest-point map. *)
Theorem scaled_gf16_nearest s x y : 0 < s ->
  Rabs (x - scaled s gf16_round x) <= Rabs (x - scaled s gf16_round y).
Proof. intros Hs; apply scaled_nearest; [exact Hs|exact gf16_nearest]. Qed.
