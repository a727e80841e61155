(** * The rounding error of the recurrence (T11 a)

    Purpose: how far the computed compensated weight u'_j is from the exact one, taken at the
      codes that the run produced and with the exact errors w_k - q_k.
    Main results: [T11_recurrence] (the published form), [T11_recurrence_format] (no second
      underflow term when the points q_k are in the format), [T11_recurrence_computed] (with u'_j
      in place of the unrounded sum), [T11_recurrence_closed] (closed constants),
      [T11_recurrence_binary32], [T11_recurrence_binary64], [weight_error_exact] (Sterbenz),
      [exact_error_size] (|w_k - q_k| from the computed e_k),
      [feedback_size_cauchy] (the sum of |e_k||U_kj| from two norms),
      [feedback_size_factor] (the same through the diagonal of U D U^T).
    Bound functions: [gam], [gam_up], [under_recurrence], [delta_recurrence].
    Depends on: Gptq/Sums, Gptq/Matrix, Gptq/Gptq, [ChainError], [Recurrence].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix Gptq.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError SumsExtra
  Recurrence.
Open Scope R_scope.

(** The points of the scaled grid: q_k = s_k g_k, exactly. *)
Definition scaled_points (s g : vec) : vec := fun k => s k * g k.

(** The sum over k < j of |e_k| |U_kj|. *)
Definition feedback_size (U : mat) (e : vec) (j : nat) : R :=
  bsum j (fun k => Rabs (e k) * Rabs (U k j)).

(** Underflow of u'_j: j roundings of the chain, and one of each e_k, times |U_kj|. *)
Definition under_recurrence (u z : R) (U : mat) (j : nat) : R :=
  under_chain u z j + z * bsum j (fun k => Rabs (U k j)).

(** The computable bound on |u'_j - u_j|, from the computed e and u' and closed constants. *)
Definition delta_recurrence (u z : R) (U : mat) (e u' : vec) (j : nat) : R :=
  gam_up u (S j) * feedback_size U e j + u * Rabs (u' j) + under_recurrence u z U j.

(** The feedback size from the norms of the errors and of one column of the factor. *)
Theorem feedback_size_cauchy U e j :
  feedback_size U e j
  <= sqrt (bsum j (fun k => e k ^ 2)) * sqrt (bsum j (fun k => U k j ^ 2)).
Proof. apply (cauchy_schwarz_abs j e (fun k => U k j)). Qed.

(** The feedback size, weighted by the pivot, through the diagonal of U D U^T. *)
Theorem feedback_size_factor n U d e j : nonneg n d -> (j < n)%nat ->
  sqrt (d j) * feedback_size U e j
  <= bsum j (fun k => Rabs (e k) * sqrt (recon n U d k k)).
Proof.
intros pos below; unfold feedback_size; rewrite <- bsum_scal; apply bsum_le; intros k _.
replace (sqrt (d j) * (Rabs (e k) * Rabs (U k j)))
  with (Rabs (e k) * (sqrt (d j) * Rabs (U k j))) by ring.
apply Rmult_le_compat_l; [apply Rabs_pos|].
rewrite <- (sqrt_Rsqr_abs (U k j)), <- sqrt_mult
  by (apply Rle_0_sqr || (apply pos; exact below)).
apply sqrt_le_1_alt; unfold Rsqr, recon.
replace (d j * (U k j * U k j)) with (U k j * d j * U k j) by ring.
apply (bsum_pick n j (fun l => U k l * d l * U k l)); [exact below|].
intros l lbelow; assert (dpos := pos l lbelow); nra.
Qed.

Section Recurrence.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Notation z := (eta emin).
Notation fmt := (in_format emin prec).

Variables (U : mat) (w s g : vec).
Notation q := (scaled_points s g).
Notation e := (weight_error A w s g).
Notation r := (feedback A U e).
Notation u' := (comp_float A U w s g).

(** The computed error is the rounding of the exact one. *)
Lemma weight_error_rounded k : e k = rnd emin prec (w k - q k).
Proof.
unfold scaled_points, weight_error; cbn [a_fma a_opp real_arith]; f_equal; ring.
Qed.

(** Its error, relative to the computed value. *)
Lemma weight_error_close k : Rabs (e k - (w k - q k)) <= u * Rabs (e k) + z.
Proof. rewrite weight_error_rounded; apply (rnd_error_round emin prec). Qed.

(** The computed error is exact when weight and point are within a factor of two (Sterbenz). *)
Lemma weight_error_exact k : fmt (w k) -> fmt (q k) -> q k / 2 <= w k <= 2 * q k ->
  e k = w k - q k.
Proof.
intros formw formq near; rewrite weight_error_rounded.
apply (rnd_sub_exact emin prec); assumption.
Qed.

(** The exact error of a weight, from the computed one. *)
Lemma exact_error_size k : Rabs (w k - q k) <= (1 + u) * Rabs (e k) + z.
Proof.
replace (w k - q k) with (e k - (e k - (w k - q k))) by ring.
eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_Ropp].
assert (close := weight_error_close k); lra.
Qed.

(** The rounding of the errors: sum e_k U_kj against sum (w_k - q_k) U_kj. *)
Lemma error_rounding j c :
  (forall k, (k < j)%nat -> Rabs (e k - (w k - q k)) <= u * Rabs (e k) + c) ->
  Rabs (bsum j (fun k => e k * U k j) - bsum j (fun k => (w k - q k) * U k j))
  <= u * feedback_size U e j + c * bsum j (fun k => Rabs (U k j)).
Proof.
intros close; rewrite <- bsum_minus.
eapply Rle_trans; [apply bsum_abs|].
unfold feedback_size; rewrite <- !bsum_scal, <- bsum_plus.
apply bsum_le; intros k below.
replace (e k * U k j - (w k - q k) * U k j) with ((e k - (w k - q k)) * U k j) by ring.
rewrite Rabs_mult.
replace (u * (Rabs (e k) * Rabs (U k j)) + c * Rabs (U k j))
  with ((u * Rabs (e k) + c) * Rabs (U k j)) by ring.
apply Rmult_le_compat_r; [apply Rabs_pos|apply close; exact below].
Qed.

(** The feedback against the exact feedback at the codes produced. *)
Lemma feedback_error j c :
  (forall k, (k < j)%nat -> Rabs (e k - (w k - q k)) <= u * Rabs (e k) + c) ->
  Rabs (r j - bsum j (fun k => (w k - q k) * U k j))
  <= gam u (S j) * feedback_size U e j
     + (under_chain u z j + c * bsum j (fun k => Rabs (U k j))).
Proof.
intros close.
assert (rounded := error_rounding j c close).
assert (chained := chain_error emin prec j e (fun k => U k j)).
cbv beta in chained; change (fma_chain A j e (fun k => U k j) 0) with (r j) in chained.
change (bsum j (fun k => Rabs (e k) * Rabs (U k j))) with (feedback_size U e j) in chained.
assert (size : 0 <= feedback_size U e j)
  by (apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
assert (upos := uro_ge0 prec); assert (gpos := gam_ge0 u upos j).
rewrite <- (gam_step u j).
replace (r j - bsum j (fun k => (w k - q k) * U k j))
  with (r j - bsum j (fun k => e k * U k j)
        + (bsum j (fun k => e k * U k j) - bsum j (fun k => (w k - q k) * U k j))) by ring.
eapply Rle_trans; [apply Rabs_triang|].
assert (extra : 0 <= gam u j * u * feedback_size U e j)
  by (apply Rmult_le_pos; [apply Rmult_le_pos|]; assumption).
lra.
Qed.

(** The chain starts at zero, so the feedback is in the format. *)
Lemma feedback_format j : fmt (r j).
Proof. apply (chain_format emin prec); apply format_0. Qed.

(** The compensated weight splits into the weight and its exact feedback. *)
Lemma comp_distance j bound last :
  Rabs (r j - bsum j (fun k => (w k - q k) * U k j)) <= bound ->
  Rabs (u' j - (w j + r j)) <= last ->
  Rabs (u' j - comp U w q j) <= bound + last.
Proof.
intros fed added; unfold comp.
replace (u' j - (w j + bsum j (fun k => (w k - q k) * U k j)))
  with (r j - bsum j (fun k => (w k - q k) * U k j) + (u' j - (w j + r j))) by ring.
eapply Rle_trans; [apply Rabs_triang|lra].
Qed.

(** T11 (a): the recurrence, for points q_k that need not be in the format. *)
Theorem T11_recurrence j : fmt (w j) ->
  Rabs (u' j - comp U w q j)
  <= gam u (S j) * feedback_size U e j + u * Rabs (w j + r j) + under_recurrence u z U j.
Proof.
intros form.
assert (fed := feedback_error j z (fun k _ => weight_error_close k)).
assert (added := rnd_error_sum emin prec (w j) (r j) form (feedback_format j)).
assert (total := comp_distance j _ _ fed added).
unfold under_recurrence; lra.
Qed.

(** T11 (a) when the weights and the points are in the format: the errors e_k do not underflow. *)
Theorem T11_recurrence_format j :
  (forall k, (k <= j)%nat -> fmt (w k)) -> (forall k, (k < j)%nat -> fmt (q k)) ->
  Rabs (u' j - comp U w q j)
  <= gam u (S j) * feedback_size U e j + u * Rabs (w j + r j) + under_chain u z j.
Proof.
intros formw formq.
assert (close : forall k, (k < j)%nat -> Rabs (e k - (w k - q k)) <= u * Rabs (e k) + 0).
{ intros k below; rewrite Rplus_0_r, weight_error_rounded.
  apply (rnd_error_diff_round emin prec); [apply formw; lia|apply formq; exact below]. }
assert (fed := feedback_error j 0 close).
assert (added := rnd_error_sum emin prec (w j) (r j) (formw j (le_n j)) (feedback_format j)).
assert (total := comp_distance j _ _ fed added); lra.
Qed.

(** T11 (a) with the computed u'_j in place of the unrounded sum w_j + r_j. *)
Theorem T11_recurrence_computed j : fmt (w j) ->
  Rabs (u' j - comp U w q j)
  <= gam u (S j) * feedback_size U e j + u * Rabs (u' j) + under_recurrence u z U j.
Proof.
intros form.
assert (fed := feedback_error j z (fun k _ => weight_error_close k)).
assert (added := rnd_error_sum_round emin prec (w j) (r j) form (feedback_format j)).
assert (total := comp_distance j _ _ fed added).
unfold under_recurrence; change (rnd emin prec (w j + r j)) with (u' j) in *; lra.
Qed.

(** The closed form of T11 (a): what a program evaluates. *)
Theorem T11_recurrence_closed j : fmt (w j) -> INR (S j) * u <= 1 ->
  Rabs (u' j - comp U w q j) <= delta_recurrence u z U e u' j.
Proof.
intros form short; unfold delta_recurrence.
assert (bound := T11_recurrence_computed j form).
assert (closed := gam_closed u (uro_ge0 prec) (S j) short).
assert (size : 0 <= feedback_size U e j)
  by (apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
assert (grown : gam u (S j) * feedback_size U e j <= gam_up u (S j) * feedback_size U e j)
  by (apply Rmult_le_compat_r; assumption).
lra.
Qed.

End Recurrence.

(** T11 (a) in binary32, as the production path runs it. *)
Theorem T11_recurrence_binary32 U w s g j : in_format (-149) 24 (w j) ->
  let q := scaled_points s g in
  let e := weight_error real32 w s g in
  Rabs (comp_float real32 U w s g j - comp U w q j)
  <= gam (uro 24) (S j) * feedback_size U e j
     + uro 24 * Rabs (w j + feedback real32 U e j)
     + under_recurrence (uro 24) (eta (-149)) U j.
Proof. exact (T11_recurrence (-149) 24 U w s g j). Qed.

(** T11 (a) in binary64, for rows that binary32 cannot decide. *)
Theorem T11_recurrence_binary64 U w s g j : in_format (-1074) 53 (w j) ->
  let q := scaled_points s g in
  let e := weight_error real64 w s g in
  Rabs (comp_float real64 U w s g j - comp U w q j)
  <= gam (uro 53) (S j) * feedback_size U e j
     + uro 53 * Rabs (w j + feedback real64 U e j)
     + under_recurrence (uro 53) (eta (-1074)) U j.
Proof. exact (T11_recurrence (-1074) 53 U w s g j). Qed.
