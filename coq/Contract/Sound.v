(** * The contracts on losses and factors

    Purpose: what each of these contracts supposes implies what it promises, in every environment,
      by the theorem that it names.
    Main results: [pivots_sound], [error_identity_sound], [error_identity_residual_sound],
      [loss_enclosure_sound], [gptq_bound_sound], [gptq_bound_emitted_sound], [guard_row_sound],
      [guard_total_sound], [two_columns_sound], [rtn_when_no_calibration_sound], [transfer_sound].
    Depends on: [Statements], [Denotation], [SoundEntry], Gptq, Float/PivotNorm.
    Source: this project. *)
From Coq Require Import Reals Lra Lia List String.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Factorization Gptq GptqFacts.
From Hallmark.Gptq Require Import Triangular Identity Bound Perturbation Guard Transfer.
From Hallmark.Float Require Import PivotNorm.
From Hallmark.Contract Require Import Syntax Denotation Statements SoundEntry.
Import ListNotations.
Open Scope R_scope.

(** The names of an environment as the theorems know them. *)
Notation size_n e := (size e "n").

(** The preconditions on U say that it is unit upper triangular. *)
Lemma unit_upper_meaning e :
  all_true e unit_upper_triangular -> unit_upper (size_n e) (matrix e "U").
Proof.
  intros [low [ones _]]; cbn in low, ones; split.
  - intros i j range; rewrite (low i) by lia; lra.
  - intros i below; rewrite (ones i) by lia; lra.
Qed.

(** Several preconditions are those of the first list and those of the second. *)
Lemma all_true_app e fs gs : all_true e (fs ++ gs) <-> all_true e fs /\ all_true e gs.
Proof. induction fs as [|f fs IH]; cbn [all_true app]; [tauto|rewrite IH; tauto]. Qed.

(** U, d and a matrix make a factorization. *)
Lemma factored_meaning e entry (M : mat) : all_true e unit_upper_triangular ->
  (forall i j, value e (bind (bind no_index "i" i) "j" j) entry = M i j) ->
  truth e no_index (factored entry) -> udu (size_n e) M (matrix e "U") (vector e "d").
Proof.
  intros shape entries equation; destruct (unit_upper_meaning e shape) as [low ones].
  split; [exact low|exact ones|].
  intros i j ibelow jbelow; rewrite <- entries; exact (equation i ibelow j jbelow).
Qed.

(** U, d and H make a factorization. *)
Lemma factored_H e : all_true e unit_upper_triangular ->
  truth e no_index (factored (Matrix "H" "i" "j")) ->
  udu (size_n e) (matrix e "H") (matrix e "U") (vector e "d").
Proof. intros shape; apply factored_meaning; [exact shape|reflexivity]. Qed.

(** The constants. *)
Lemma zero_value e ix : value e ix zero = 0.
Proof. cbn; lra. Qed.
Lemma one_value e ix : value e ix one = 1.
Proof. cbn; lra. Qed.
Lemma two_value e ix : value e ix two = 2.
Proof. cbn; lra. Qed.

(** The pivots are nonnegative. *)
Lemma pivots_meaning e : truth e no_index pivots_nonnegative -> nonneg (size_n e) (vector e "d").
Proof. intros pos k below; rewrite <- (zero_value e no_index); exact (pos k below). Qed.

(** u holds the compensated weights. *)
Lemma compensated_meaning e j : truth e no_index compensated -> (j < size_n e)%nat ->
  comp (matrix e "U") (vector e "w") (vector e "q") j = vector e "u" j.
Proof. intros equation below; symmetry; exact (equation j below). Qed.

(** The sum of the squares of the compensated errors. *)
Lemma compensated_loss_meaning e : truth e no_index compensated ->
  value e no_index compensated_loss
  = bsum (size_n e) (fun j => vector e "d" j
      * (comp (matrix e "U") (vector e "w") (vector e "q") j - vector e "q" j) ^ 2).
Proof.
  intros equation; apply bsum_ext; intros j below.
  rewrite (compensated_meaning e j equation below); reflexivity.
Qed.

(** The residual is bounded entry by entry. *)
Lemma nearly_factored_meaning e : truth e no_index nearly_factored ->
  forall i j, (i < size_n e)%nat -> (j < size_n e)%nat ->
  Rabs (resid (size_n e) (matrix e "H") (matrix e "U") (vector e "d") i j)
  <= scalar e "g" * (vector e "a" i * vector e "a" j).
Proof. intros entry i j ibelow jbelow; exact (entry i ibelow j jbelow). Qed.

Theorem pivots_sound : valid pivots.
Proof.
  intros e given; apply all_true_app in given as [shape [pos [diagonal _]]].
  apply pivots_meaning in pos; apply unit_upper_meaning in shape.
  set (n := size_n e) in *; set (U := matrix e "U") in *; set (d := vector e "d") in *.
  set (h := vector e "h") in *; set (g := scalar e "g") in *.
  change (forall i, (i < n)%nat -> Rabs (h i - recon n U d i i) <= g * h i) in diagonal.
  intros j below; change (0 / 1 <= d j /\ d j <= (1 / 1 + g) * h j).
  assert (dj := pos j below); specialize (diagonal j below); apply Rabs_le_inv in diagonal.
  assert (pick := d_le_diag n (recon n U d) U d j (udu_recon n U d shape) pos below); lra.
Qed.

Theorem error_identity_sound : valid error_identity.
Proof.
  intros e given; apply all_true_app in given as [shape [factor [equation [loss _]]]].
  assert (cert := factored_H e shape factor).
  change (scalar e "L" = qform (size_n e) (matrix e "H") (vsub (vector e "w") (vector e "q")))
    in loss.
  change (scalar e "L" = value e no_index compensated_loss).
  rewrite compensated_loss_meaning, loss by exact equation.
  apply T1_identity; exact cert.
Qed.

Theorem error_identity_residual_sound : valid error_identity_residual.
Proof.
  intros e given; apply all_true_app in given as [shape [equation [loss [residual _]]]].
  change (scalar e "L" = qform (size_n e) (matrix e "H") (vsub (vector e "w") (vector e "q")))
    in loss.
  change (scalar e "R" = qform (size_n e) (resid (size_n e) (matrix e "H") (matrix e "U")
    (vector e "d")) (vsub (vector e "w") (vector e "q"))) in residual.
  change (scalar e "L" = value e no_index compensated_loss + scalar e "R").
  rewrite compensated_loss_meaning, loss, residual by exact equation.
  exact (T1_identity_residual (size_n e) (matrix e "H") _ (vector e "d") (vector e "w") (vector e "q")
    (unit_upper_meaning e shape)).
Qed.

Theorem loss_enclosure_sound : valid loss_enclosure_contract.
Proof.
  intros e given.
  apply all_true_app in given
    as [shape [loss [low [high [middle [pos [entry [[Npos Nbig] [[rpos rbig] _]]]]]]]]].
  apply pivots_meaning in pos; apply unit_upper_meaning in shape.
  assert (residual := nearly_factored_meaning e entry); clear entry.
  set (n := size_n e) in *; set (U := matrix e "U") in *; set (d := vector e "d") in *.
  set (H := matrix e "H") in *; set (G := matrix e "G") in *; set (c := vector e "c") in *.
  set (v := vector e "e") in *; set (t := vector e "t") in *; set (a := vector e "a") in *.
  set (g := scalar e "g") in *; set (N := scalar e "N") in *; set (rho := scalar e "rho") in *.
  change (scalar e "L" = 2 / 1 * qform n G v) in loss; set (L := scalar e "L") in *.
  change (forall i, (i < n)%nat -> forall j, (j < i)%nat -> H i j = 2 / 1 * G i j) in low.
  change (forall i, (i < n)%nat -> forall j, (j < i)%nat -> H j i = 2 / 1 * G j i) in high.
  change (forall i, (i < n)%nat -> H i i = 2 / 1 * G i i + c i) in middle.
  change (0 / 1 <= N) in Npos; change (0 / 1 <= rho) in rpos.
  change (bsum n (fun j => d j * t j ^ 2) <= N ^ 2) in Nbig.
  change (bsum n (fun j => d j * (t j - vmul n v U j) ^ 2) <= rho ^ 2) in rbig.
  change (Rabs (L - (bsum n (fun j => d j * t j ^ 2) - bsum n (fun j => c j * v j ^ 2)))
    <= 2 / 1 * N * rho + rho ^ 2 + g * bsum n (fun i => Rabs (v i) * a i) ^ 2).
  replace (2 / 1) with 2 in * by lra; replace (0 / 1) with 0 in * by lra.
  assert (excess : L = qform n H v - bsum n (fun j => c j * v j ^ 2)).
  { rewrite loss, <- qform_mat_scal, <- (qform_diag n c).
    enough (difference : qform n H v - qform n (fun i j => 2 * G i j) v = qform n (diag c) v) by lra.
    rewrite <- qform_sub; apply qform_ext_mat; intros i j ibelow jbelow; unfold diag.
    destruct (Nat.eqb_spec i j) as [<-|other]; [rewrite middle by exact ibelow; ring|].
    destruct (Nat.lt_ge_cases j i) as [before|after].
    - rewrite low by assumption; ring.
    - rewrite high by lia; ring. }
  assert (identity : qform n H v = bsum n (fun j => d j * vmul n v U j ^ 2)
      + qform n (resid n H U d) v).
  { assert (split : qform n (fun i j => H i j - recon n U d i j) v
        = qform n H v - qform n (recon n U d) v) by apply qform_sub.
    rewrite qform_recon in split; unfold resid; lra. }
  assert (form := qform_residual_le n (resid n H U d) g a v residual).
  assert (norm : pivot_norm n d t <= N).
  { unfold pivot_norm; rewrite <- (sqrt_pow2 N) by exact Npos; apply sqrt_le_1_alt; exact Nbig. }
  assert (close : pivot_norm n d (fun j => t j - vmul n v U j) <= rho).
  { unfold pivot_norm; rewrite <- (sqrt_pow2 rho) by exact rpos; apply sqrt_le_1_alt; exact rbig. }
  assert (squares := square_distance n d pos t (vmul n v U) rho close).
  assert (wider : 2 * pivot_norm n d t * rho <= 2 * N * rho)
    by (apply Rmult_le_compat_r; lra).
  apply Rabs_le_inv in squares; apply Rabs_le_inv in form; apply Rabs_le; lra.
Qed.

Theorem gptq_bound_sound : valid gptq_bound.
Proof.
  intros e given; apply all_true_app in given as [shape [factor [equation [loss [pos [close _]]]]]].
  apply pivots_meaning in pos.
  assert (cert := factored_H e shape factor).
  unfold promised; cbn [truth post gptq_bound]; change (value e no_index (Scalar "L")) with (scalar e "L").
  change (scalar e "L" = qform (size_n e) (matrix e "H") (vsub (vector e "w") (vector e "q")))
    in loss; rewrite loss.
  apply T2_bound with (1 := cert) (2 := pos).
  intros j below; rewrite compensated_meaning by assumption; exact (close j below).
Qed.

Theorem gptq_bound_emitted_sound : valid gptq_bound_emitted.
Proof.
  intros e given.
  apply all_true_app in given as [shape [equation [loss [pos [entry [code [rounding _]]]]]]].
  apply pivots_meaning in pos.
  unfold promised; cbn [truth post gptq_bound_emitted].
  change (value e no_index (Scalar "L")) with (scalar e "L").
  change (scalar e "L" = qform (size_n e) (matrix e "H") (vsub (vector e "w") (vector e "q")))
    in loss; rewrite loss.
  apply (T9_perturbation_entrywise (size_n e) (matrix e "H") (matrix e "U") (vector e "d") (vector e "w")
    (vector e "q") (vector e "v") (vector e "h") (vector e "delta") (vector e "a") (scalar e "g")).
  - apply unit_upper_meaning; exact shape.
  - exact pos.
  - exact (nearly_factored_meaning e entry).
  - exact code.
  - intros j below; rewrite compensated_meaning by assumption; exact (rounding j below).
Qed.

(** The loss depends only on the codes. *)
Lemma loss_same n G w q v : (forall j, (j < n)%nat -> q j = v j) ->
  qform n G (vsub w q) = qform n G (vsub w v).
Proof. intros equal; apply qform_ext; intros i below; unfold vsub; rewrite equal by exact below; reflexivity. Qed.

Theorem guard_row_sound : valid guard_row.
Proof.
  intros e [loss_g [loss_r [loss_q [above [below [keep [drop _]]]]]]].
  set (n := size_n e) in *; set (G := matrix e "G") in *; set (w := vector e "w") in *.
  set (g := vector e "g") in *; set (r := vector e "r") in *; set (q := vector e "q") in *.
  change (scalar e "L_g" = qform n G (vsub w g)) in loss_g.
  change (scalar e "L_r" = qform n G (vsub w r)) in loss_r.
  change (scalar e "L_q" = qform n G (vsub w q)) in loss_q.
  change (scalar e "L_g" <= scalar e "upper") in above.
  change (scalar e "lower" <= scalar e "L_r") in below.
  change (0 / 1 < scalar e "keep" -> (forall j, (j < n)%nat -> q j = g j)
    /\ scalar e "upper" <= scalar e "lower") in keep.
  change (scalar e "keep" <= 0 / 1 -> forall j, (j < n)%nat -> q j = r j) in drop.
  assert (bound : scalar e "L_q" <= scalar e "L_r").
  { rewrite loss_q; destruct (Rlt_le_dec (0 / 1) (scalar e "keep")) as [kept|dropped].
    - destruct (keep kept) as [equal order]; rewrite (loss_same n G w q g) by exact equal; lra.
    - rewrite (loss_same n G w q r) by (apply drop; exact dropped); lra. }
  intros j range; split; intros _; exact bound.
Qed.

(** The sum of the gains is the total loss of round-to-nearest less that of the codes. *)
Lemma guard_total_gain e : supposed guard_total e ->
  bsum (size e "p") (vector e "D")
  = bsum (size e "p") (vector e "L_r") - bsum (size e "p") (vector e "L_q").
Proof. intros [gain _]; rewrite <- bsum_minus; apply bsum_ext; exact gain. Qed.

Theorem guard_total_sound : valid guard_total.
Proof.
  intros e [_ [gain _]].
  change (0 / 1 <= bsum (size e "p") (vector e "D")).
  replace (0 / 1) with 0 by lra; apply bsum_ge0; intros b below.
  assert (here := gain b below); change (0 / 1 <= vector e "D" b) in here; lra.
Qed.

Theorem two_columns_sound : valid two_columns.
Proof.
  intros e given.
  apply all_true_app in given
    as [shape [factor [equation [loss_q [loss_r [pos [equal [near [few _]]]]]]]]].
  apply pivots_meaning in pos; assert (cert := factored_H e shape factor).
  assert (known := fun j => compensated_meaning e j equation); clear equation factor shape.
  set (n := size_n e) in *; set (U := matrix e "U") in *; set (d := vector e "d") in *.
  set (H := matrix e "H") in *; set (w := vector e "w") in *; set (q := vector e "q") in *.
  set (u := vector e "u") in *; set (r := vector e "r") in *.
  change (scalar e "L_q" = qform n H (vsub w q)) in loss_q.
  change (scalar e "L_r" = qform n H (vsub w r)) in loss_r.
  change (forall j, (j < n)%nat -> u j = w j -> q j = r j) in equal.
  change (forall j, (j < n)%nat -> Rabs (u j - q j) <= Rabs (u j - r j)) in near.
  change (INR n <= 2 / 1) in few; assert (two : (n <= 2)%nat) by (apply INR_le; simpl; lra).
  change (scalar e "L_q" <= scalar e "L_r"); rewrite loss_q, loss_r.
  rewrite !(T1_identity n H U d) by exact cert.
  apply bsum_le; intros j below; apply Rmult_le_compat_l; [apply pos; exact below|].
  assert (first : forall k, (k < j)%nat -> q k = r k).
  { intros k before; assert (k = 0%nat) as -> by lia; apply equal; [lia|].
    rewrite <- known by lia; unfold comp; simpl; ring. }
  rewrite <- (comp_ext U w q r j first), known by exact below.
  apply sqr_le_abs, near; exact below.
Qed.

(** The factor of a diagonal matrix without zeros is the identity. *)
Lemma udu_diagonal n M U d : udu n M U d ->
  (forall i j, (i < j)%nat -> (j < n)%nat -> M i j = 0) -> (forall j, (j < n)%nat -> M j j <> 0) ->
  forall i j, (i < j)%nat -> (j < n)%nat -> U i j = 0.
Proof.
  intros cert off diagonal.
  enough (columns : forall k j, (n - j <= k)%nat -> forall i, (i < j)%nat -> (j < n)%nat -> U i j = 0)
    by (intros i j; apply (columns n j); lia).
  induction k as [|k IH]; intros j after i before below; [lia|].
  assert (single : forall a, (a < n)%nat -> M a j = U a j * d j).
  { intros a range; rewrite (udu_eq cert) by assumption.
    rewrite (bsum_split n j); [|exact below|].
    - rewrite bsum_0, (udu_1 cert) by
        (exact below || (intros b bbelow; rewrite (udu_lo cert j b) by lia; ring)); ring.
    - intros b range_b; rewrite (IH b ltac:(lia) j) by lia; ring. }
  assert (pivot := single j below); rewrite (udu_1 cert) in pivot by exact below.
  assert (entry := single i ltac:(lia)); rewrite off in entry by lia.
  assert (nonzero := diagonal j below); destruct (Rmult_integral _ _ (eq_sym entry)); [assumption|].
  exfalso; apply nonzero; rewrite pivot; lra.
Qed.

Theorem rtn_when_no_calibration_sound : valid rtn_when_no_calibration.
Proof.
  intros e given.
  apply all_true_app in given as [shape [factor [equation [off [middle [damped [equal _]]]]]]].
  assert (cert := factored_H e shape factor).
  assert (known := fun j => compensated_meaning e j equation); clear equation factor shape.
  set (n := size_n e) in *; set (U := matrix e "U") in *; set (d := vector e "d") in *.
  set (H := matrix e "H") in *; set (w := vector e "w") in *; set (q := vector e "q") in *.
  set (u := vector e "u") in *; set (r := vector e "r") in *; set (X := matrix e "X") in *.
  set (m := size e "m") in *; set (lambda := scalar e "lambda") in *.
  change (forall i, (i < n)%nat -> forall j, (j < i)%nat ->
    H j i = 2 / 1 * bsum m (fun t => X j t * X i t)) in off.
  change (forall i, (i < n)%nat -> H i i = 2 / 1 * bsum m (fun t => X i t * X i t) + lambda)
    in middle.
  change (0 / 1 < lambda) in damped.
  change (forall j, (j < n)%nat -> u j = w j -> q j = r j) in equal.
  change (INR m = 0 / 1 -> forall j, (j < n)%nat -> q j = r j).
  intros none j below; assert (empty : m = 0%nat) by (apply INR_eq; simpl; lra).
  apply equal; [exact below|]; rewrite <- known by exact below; unfold comp.
  rewrite bsum_0; [ring|]; intros k before.
  rewrite (udu_diagonal n H U d cert); [ring|..]; try assumption.
  - intros a b ab bbelow; rewrite off by lia; rewrite empty; simpl; ring.
  - intros b bbelow; rewrite middle by lia; rewrite empty; simpl; lra.
Qed.

Theorem transfer_sound : valid transfer.
Proof.
  intros e given.
  apply all_true_app in given as [shape [factor [loss_G [loss_T [pos [dominating [bound _]]]]]]].
  apply pivots_meaning in pos.
  change (scalar e "M" = qform (size_n e) (matrix e "G") (vector e "e")) in loss_G.
  change (scalar e "L" = qform (size_n e) (matrix e "T") (vector e "e")) in loss_T.
  change (0 / 1 <= 1 / 1 + scalar e "eps") in dominating.
  change (scalar e "M" <= scalar e "B") in bound.
  change (scalar e "L" <= (1 / 1 + scalar e "eps") * scalar e "B").
  replace (1 / 1) with 1 in * by lra; replace (0 / 1) with 0 in * by lra; rewrite loss_T.
  apply (T8_transfer_certificate (size_n e) (matrix e "T") (matrix e "G") (scalar e "eps") (matrix e "U")
    (vector e "d") (scalar e "B") (vector e "e")); [|exact pos|exact dominating|lra].
  destruct (unit_upper_meaning e shape) as [low ones]; split; [exact low|exact ones|].
  intros i j ibelow jbelow; specialize (factor i ibelow j jbelow).
  change (matrix e "T" i j = (1 / 1 + scalar e "eps") * matrix e "G" i j
    - recon (size_n e) (matrix e "U") (vector e "d") i j) in factor.
  unfold recon in factor; rewrite factor; lra.
Qed.
