(** * Student's t distribution with 2 degrees of freedom

    Purpose: the closed form of the distribution function, proved from the density.
    Main results: [student2_cdf_integral], [student2_cdf_limit_m], [student2_cdf_limit_p],
      [student2_tail_limit].
    Depends on: Coquelicot (integrals, limits).
    Source: the density of Student's t with nu degrees of freedom is
      Gamma((nu+1)/2) / (sqrt(nu pi) Gamma(nu/2)) (1 + t^2/nu)^(-(nu+1)/2);
      nu = 2 gives 1/(2 sqrt 2) (1 + t^2/2)^(-3/2). *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

(** The density 1/(2 sqrt 2) (1 + t^2/2)^(-3/2). *)
Definition student2_density (t : R) : R :=
  / (2 * sqrt 2) * / ((1 + t ^ 2 / 2) * sqrt (1 + t ^ 2 / 2)).

(** The distribution function 1/2 + t / (2 sqrt (t^2 + 2)). *)
Definition student2_cdf (t : R) : R := / 2 + t / (2 * sqrt (t ^ 2 + 2)).

(** The probability of a value above t. *)
Definition student2_tail (t : R) : R := / 2 - t / (2 * sqrt (t ^ 2 + 2)).

Lemma square_plus_2_pos t : 0 < t ^ 2 + 2.
Proof. pose proof (pow2_ge_0 t); lra. Qed.

Lemma sqrt_square_plus_2_pos t : 0 < sqrt (t ^ 2 + 2).
Proof. apply sqrt_lt_R0, square_plus_2_pos. Qed.

(** The density without its constant: 1 / ((t^2 + 2) sqrt (t^2 + 2)). *)
Lemma student2_density_simpl t :
  student2_density t = / ((t ^ 2 + 2) * sqrt (t ^ 2 + 2)).
Proof.
  unfold student2_density.
  pose proof (square_plus_2_pos t) as Hpos.
  pose proof (sqrt_square_plus_2_pos t) as Hsqrt.
  assert (Hroot : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
  replace (1 + t ^ 2 / 2) with ((t ^ 2 + 2) / 2) by field.
  rewrite sqrt_div by lra.
  field; repeat split; lra.
Qed.

(** The distribution function's derivative is the density. *)
Lemma student2_cdf_derive t : is_derive student2_cdf t (student2_density t).
Proof.
  rewrite student2_density_simpl.
  unfold student2_cdf.
  pose proof (square_plus_2_pos t) as Hpos.
  pose proof (sqrt_square_plus_2_pos t) as Hsqrt.
  assert (Hsq : sqrt (t ^ 2 + 2) * sqrt (t ^ 2 + 2) = t ^ 2 + 2) by (apply sqrt_sqrt; lra).
  auto_derive.
  - replace (t * (t * 1) + 2) with (t ^ 2 + 2) by ring.
    repeat split; lra.
  - replace (t * (t * 1) + 2) with (t ^ 2 + 2) by ring.
    set (r := sqrt (t ^ 2 + 2)) in *.
    replace (t ^ 2 + 2) with (r * r) by exact Hsq.
    assert (Ht : t * t = r * r - 2) by (rewrite Hsq; ring).
    field_simplify; [ | lra | lra ].
    replace (t ^ 2) with (r * r - 2) by (rewrite <- Ht; ring).
    field; lra.
Qed.

(** The density is continuous. *)
Lemma student2_density_continuous t : continuous student2_density t.
Proof.
  apply (ex_derive_continuous (K := R_AbsRing) (V := R_NormedModule)).
  unfold student2_density.
  pose proof (pow2_ge_0 t) as Hge.
  auto_derive.
  replace (t * (t * 1)) with (t ^ 2) by ring.
  assert (Hpos : 0 < 1 + t ^ 2 * / 2) by lra.
  pose proof (sqrt_lt_R0 _ Hpos) as Hsqrt.
  assert (0 < (1 + t ^ 2 * / 2) * sqrt (1 + t ^ 2 * / 2)) by (apply Rmult_lt_0_compat; lra).
  repeat split; lra.
Qed.

(** The integral of the density between any two points is the difference of the closed form. *)
Theorem student2_cdf_integral a b :
  is_RInt student2_density a b (student2_cdf b - student2_cdf a).
Proof.
  apply (is_RInt_derive (V := R_CompleteNormedModule) student2_cdf student2_density).
  - intros t _; apply student2_cdf_derive.
  - intros t _; apply student2_density_continuous.
Qed.

(** The tail complements the distribution function. *)
Lemma student2_tail_cdf t : student2_tail t = 1 - student2_cdf t.
Proof. unfold student2_tail, student2_cdf; lra. Qed.

(** The closed form lies within 1/t^2 of 1 on the right. *)
Lemma student2_tail_bound t : 0 < t -> 0 < student2_tail t <= / (2 * t ^ 2).
Proof.
  intros Ht; unfold student2_tail.
  pose proof (sqrt_square_plus_2_pos t) as Hsqrt.
  assert (Hsq : sqrt (t ^ 2 + 2) * sqrt (t ^ 2 + 2) = t ^ 2 + 2)
    by (apply sqrt_sqrt; pose proof (square_plus_2_pos t); lra).
  set (r := sqrt (t ^ 2 + 2)) in *.
  assert (Hr : t < r) by (apply Rnot_le_lt; intros Hle; nra).
  assert (Heq : / 2 - t / (2 * r) = / (r * (r + t))).
  { assert (Hdiff : (r - t) * (r + t) = 2) by (ring_simplify; replace (r ^ 2) with (r * r) by ring;
      rewrite Hsq; ring).
    replace (/ (r * (r + t))) with ((r - t) * (r + t) / 2 * / (r * (r + t)))
      by (rewrite Hdiff; field; lra).
    field; lra. }
  rewrite Heq; split.
  - apply Rinv_0_lt_compat; nra.
  - apply Rinv_le_contravar; nra.
Qed.

(** The distribution function tends to 1 on the right. *)
Theorem student2_cdf_limit_p : is_lim student2_cdf p_infty 1.
Proof.
  apply is_lim_spec; intros eps.
  exists (Rmax 1 (/ eps)); intros t Ht.
  assert (H1 : 1 < t) by (eapply Rle_lt_trans; [ apply Rmax_l | exact Ht ]).
  assert (H2 : / eps < t) by (eapply Rle_lt_trans; [ apply Rmax_r | exact Ht ]).
  pose proof (cond_pos eps) as Heps.
  destruct (student2_tail_bound t ltac:(lra)) as [ Hlow Hup ].
  rewrite student2_tail_cdf in Hlow, Hup.
  assert (Hinv : / (2 * t ^ 2) < eps).
  { assert (H3 : 1 < eps * t).
    { replace 1 with (eps * / eps) by (field; lra).
      apply Rmult_lt_compat_l; assumption. }
    assert (H4 : / (2 * t ^ 2) * (2 * t ^ 2) = 1) by (field; lra).
    apply Rnot_le_lt; intros Hle.
    assert (eps * (2 * t ^ 2) <= 1) by (rewrite <- H4; apply Rmult_le_compat_r; nra).
    nra. }
  apply Rabs_def1; lra.
Qed.

(** The closed form is symmetric. *)
Lemma student2_cdf_opp t : student2_cdf (- t) = 1 - student2_cdf t.
Proof.
  unfold student2_cdf.
  replace ((- t) ^ 2 + 2) with (t ^ 2 + 2) by ring.
  pose proof (sqrt_square_plus_2_pos t); field; lra.
Qed.

(** The distribution function tends to 0 on the left: with [student2_cdf_integral] and
    [student2_cdf_limit_p], it is the distribution function and the density integrates to 1. *)
Theorem student2_cdf_limit_m : is_lim student2_cdf m_infty 0.
Proof.
  apply is_lim_spec; intros eps.
  pose proof student2_cdf_limit_p as Hlim; apply is_lim_spec in Hlim.
  destruct (Hlim eps) as [ bound Hbound ].
  exists (- bound); intros t Ht.
  assert (Habs : Rabs (student2_cdf (- t) - 1) < eps) by (apply Hbound; lra).
  rewrite student2_cdf_opp in Habs.
  rewrite <- Rabs_Ropp.
  replace (- (student2_cdf t - 0)) with (1 - student2_cdf t - 1) by ring.
  exact Habs.
Qed.

(** The tail is the integral of the density from t to the right. *)
Theorem student2_tail_limit t :
  is_lim (fun b => RInt student2_density t b) p_infty (student2_tail t).
Proof.
  apply (is_lim_ext (fun b => student2_cdf b - student2_cdf t)).
  - intros b; symmetry; apply is_RInt_unique, student2_cdf_integral.
  - rewrite student2_tail_cdf.
    apply is_lim_minus'; [ apply student2_cdf_limit_p | apply is_lim_const ].
Qed.
