(** * The programs meet the contracts on losses

    Purpose: the postconditions on losses and on the guard, proved of the numbers that the
      recurrence, the product e U and the guard's enclosures leave behind, rounding included.  The
      constants that a run evaluates upward may be any numbers from the stated ones up.
    Main definitions: [guarded_model] (what the guard tests of H and of its factor), [row_ends] (the
      stages by which it encloses a loss), [guard_kept] (its decision).
    Main results: [loss_enclosure_met], [loss_enclosure_recurrence_met], [gptq_bound_emitted_met],
      [guard_row_met], [guard_total_met].
    Depends on: [Statements], [Denotation], [SoundFloat], Float/Emitted, Float/Enclosure,
      Float/GuardProof, Float/FusedProof.
    Source: this project. *)
From Coq Require Import ZArith Reals Lra Lia List String.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Gptq GptqFacts.
From Hallmark.Float Require Import Arithmetic Rounding Recurrence RecurrenceError Factor.
From Hallmark.Float Require Import FactorError FactorRounded Residual FactorClosed Hessian.
From Hallmark.Float Require Import Certificate Emitted.
From Hallmark.Float Require Import PivotNorm Enclosure FullArithmetic GuardProgram GuardProof.
From Hallmark.Float Require Import FusedProgram FusedProof.
From Hallmark.Contract Require Import Syntax Denotation Statements SoundFloat.
Open Scope R_scope.

(** The width of the enclosure grows with what it is made of. *)
Lemma enclosure_width_le g g' rho rho' N N' A A' : 0 <= g <= g' -> 0 <= rho <= rho' ->
  0 <= N <= N' -> 0 <= A <= A' -> enclosure_width g rho N A <= enclosure_width g' rho' N' A'.
Proof.
  intros g_le rho_le N_le A_le; unfold enclosure_width.
  assert (cross : N * rho <= N' * rho') by (apply Rmult_le_compat; lra).
  assert (square : rho ^ 2 <= rho' ^ 2) by (apply pow_incr; lra).
  assert (size : g * A ^ 2 <= g' * A' ^ 2).
  { apply Rmult_le_compat; [lra|apply pow2_ge_0|lra|apply pow_incr; lra]. }
  lra.
Qed.

(** So does the size with the roots. *)
Lemma weighted_size_le n a b v : (forall i, (i < n)%nat -> 0 <= a i <= b i) ->
  0 <= weighted_size n a v <= weighted_size n b v.
Proof.
  intros roots; split.
  - apply bsum_ge0; intros i below; apply Rmult_le_pos; [apply Rabs_pos|apply roots; exact below].
  - apply bsum_le; intros i below; apply Rmult_le_compat_l; [apply Rabs_pos|apply roots; exact below].
Qed.

(** What the environment holds of a row with errors v: L is twice the plain loss in G, the loss of
    H = 2 G + lambda I with the excess c of its diagonal, d the pivots, a at least the roots. *)
Record loss_of_row (e : environment R) (lam : R) (G : mat) (v : vec) : Prop := {
  row_L : scalar e "L" = 2 * qform (size e "n") G v;
  row_e : vector e "e" = v;
  row_c : forall j, (j < size e "n")%nat ->
    vector e "c" j = hessian_stored lam G j j - 2 * G j j;
  row_a : forall j, (j < size e "n")%nat -> sqrt (hessian_stored lam G j j) <= vector e "a" j }.

(** Any product t near e V in the norm of the pivots. *)
Lemma loss_enclosure_promised e lam G V v c : let n := size e "n" in let d := vector e "d" in
  loss_of_row e lam G v -> unit_upper n V -> (forall k, (k < n)%nat -> 0 < d k) ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> Rabs (resid n (hessian_stored lam G) V d i j)
     <= c * (sqrt (hessian_stored lam G i i) * sqrt (hessian_stored lam G j j))) ->
  0 <= c <= scalar e "g" ->
  pivot_norm n d (vector e "t") <= scalar e "N" ->
  pivot_norm n d (fun j => vector e "t" j - vmul n v V j) <= scalar e "rho" ->
  promised loss_enclosure_contract e.
Proof.
  intros n d [loss error excess roots] shape pivots residual constant norm near.
  set (t := vector e "t") in *; set (a := vector e "a") in *.
  set (H := hessian_stored lam G) in *.
  change (Rabs (scalar e "L" - (bsum n (fun j => d j * t j ^ 2)
      - bsum n (fun j => vector e "c" j * vector e "e" j ^ 2)))
    <= 2 / 1 * scalar e "N" * scalar e "rho" + scalar e "rho" ^ 2
       + scalar e "g" * bsum n (fun i => Rabs (vector e "e" i) * a i) ^ 2).
  rewrite loss, error; assert (identity := plain_loss_identity n lam G v); fold H in identity.
  cbv zeta in identity; fold n; rewrite identity.
  rewrite (bsum_ext n (fun j => vector e "c" j * v j ^ 2) (fun j => (H j j - 2 * G j j) * v j ^ 2))
    by (intros j below; rewrite excess by exact below; reflexivity).
  match goal with |- Rabs (?x - ?b - (?y - ?b)) <= _ =>
    replace (x - b - (y - b)) with (x - y) by ring end.
  assert (rho_pos := pivot_norm_ge0 n d (fun j => t j - vmul n v V j)).
  eapply Rle_trans.
  { apply (enclosure_from_norm n H V d c (scalar e "rho") v t shape pivots residual near). }
  eapply Rle_trans; [apply (enclosure_width_le c (scalar e "g") _ (scalar e "rho") _ (scalar e "N") _
    (weighted_size n a v) constant)|].
  - split; [eapply Rle_trans; [exact rho_pos|exact near]|apply Rle_refl].
  - split; [apply pivot_norm_ge0|exact norm].
  - apply weighted_size_le; intros i below; split; [apply sqrt_pos|apply roots; exact below].
  - unfold enclosure_width, weighted_size; apply Req_le; field.
Qed.

(** The constants of T15 are nonnegative. *)
Lemma residual_ge0 n : 0 <= residual64 n /\ 0 <= residual32 n.
Proof.
  assert (index := pos_INR n); assert (first := bpow_ge_0 radix2 (-23)).
  assert (second := bpow_ge_0 radix2 (-46)); assert (third := bpow_ge_0 radix2 (-53)).
  assert (wide : 0 <= residual64 n) by (apply Rmult_le_pos; lra).
  split; [exact wide|unfold residual32; lra].
Qed.

(** T1 and T15 where t is the product of the rounded errors with U in binary64; *)
Theorem loss_enclosure_met e lam G C U hmax v : let n := size e "n" in let d := vector e "d" in
  let H := hessian_stored lam G in
  (0 < n)%nat -> factor_run n H C U d hmax -> loss_of_row e lam G v ->
  vector e "t" = product_float U (fun k => rnd64 (v k)) ->
  residual64 n <= scalar e "g" -> pivot_norm n d (vector e "t") <= scalar e "N" ->
  residual64 n * (1 + residual64 n) * weighted_size n (root_diagonal H) v + under_product hmax
  <= scalar e "rho" ->
  promised loss_enclosure_contract e.
Proof.
  intros n d H some [run symmetric pivots sane] row product constant norm near.
  apply (loss_enclosure_promised e lam G U v (residual64 n)); try assumption.
  - exact (factor_unit_upper (-1074) 53 n H C U d run).
  - exact (residual_entry_binary64 n H C U d hmax run symmetric pivots sane).
  - split; [apply residual_ge0|exact constant].
  - rewrite product; eapply Rle_trans; [|exact near].
    exact (product_norm64 n H C U d hmax run symmetric pivots sane v (fun k => rnd64 (v k))
      (fun k _ => eq_refl) some).
Qed.

(** and where t is u' - q as the recurrence leaves it, rho at least the norm of T11's distances. *)
Theorem loss_enclosure_recurrence_met e lam G C U hmax w s g : let n := size e "n" in
  let d := vector e "d" in let q := scaled_points s g in
  emitted_run n (hessian_stored lam G) C U d hmax w -> loss_of_row e lam G (vsub w q) ->
  (forall j, (j < n)%nat -> vector e "t" j = emitted_weight U w s g j - q j) ->
  residual32 n <= scalar e "g" -> pivot_norm n d (vector e "t") <= scalar e "N" ->
  pivot_norm n d (emitted_delta U w s g) <= scalar e "rho" ->
  promised loss_enclosure_contract e.
Proof.
  intros n d q run row steps constant norm near.
  assert (shape := stored_factor_unit_upper n _ C U d hmax w run).
  apply (loss_enclosure_promised e lam G (stored_factor U) (vsub w q) (residual32 n)); try assumption.
  - exact (run_pivots run).
  - exact (stored_residual n _ C U d hmax w run).
  - split; [apply residual_ge0|exact constant].
  - eapply Rle_trans; [|exact near].
    apply (pivot_norm_le n d (run_nonneg n _ C U d hmax w run)); intros j below.
    rewrite steps by exact below; fold n.
    assert (close := emitted_rounding n _ C U d hmax w s g run j below).
    rewrite <- (comp_sub n (stored_factor U) w q j shape below).
    replace (emitted_weight U w s g j - q j - (comp (stored_factor U) w q j - q j))
      with (emitted_weight U w s g j - comp (stored_factor U) w q j) by ring.
    exact close.
Qed.

(** T9 and T11 for the codes that GPTQ made: half gaps h that hold |u' - q|, which other contracts
    check of every element, and distances from those of T11 up. *)
Theorem gptq_bound_emitted_met e H C U hmax w s g : let n := size e "n" in
  let d := vector e "d" in let q := scaled_points s g in
  emitted_run n H C U d hmax w -> vector e "w" = w -> vector e "q" = q ->
  scalar e "L" = qform n H (vsub w q) ->
  (forall j, (j < n)%nat -> Rabs (emitted_weight U w s g j - q j) <= vector e "h" j) ->
  (forall j, (j < n)%nat -> emitted_delta U w s g j <= vector e "delta" j) ->
  (forall j, (j < n)%nat -> sqrt (H j j) <= vector e "a" j) ->
  residual32 n <= scalar e "g" ->
  promised gptq_bound_emitted e.
Proof.
  intros n d q run weights points loss gaps distances roots constant.
  change (scalar e "L" <= bsum n (fun j => d j * (vector e "h" j + vector e "delta" j) ^ 2)
    + scalar e "g" * bsum n (fun i => Rabs (vector e "w" i - vector e "q" i) * vector e "a" i) ^ 2).
  rewrite loss, weights, points.
  eapply Rle_trans; [exact (proj2 (emitted_codes_enclosure n H C U d hmax w s g run))|].
  apply Rplus_le_compat.
  - apply bsum_le; intros j below; apply Rmult_le_compat_l;
      [exact (run_nonneg n H C U d hmax w run j below)|].
    assert (rounding := emitted_rounding n H C U d hmax w s g run j below).
    assert (distance := Rabs_pos (emitted_weight U w s g j - comp (stored_factor U) w q j)).
    assert (gap := Rabs_pos (emitted_weight U w s g j - q j)).
    apply pow_incr; split; [exact (Rplus_le_le_0_compat _ _ gap (Rle_trans _ _ _ distance rounding))|].
    apply Rplus_le_compat; [exact (gaps j below)|exact (distances j below)].
  - assert (sizes : 0 <= weighted_size n (root_diagonal H) (vsub w q)
        <= weighted_size n (vector e "a") (vsub w q)).
    { apply weighted_size_le; intros i below; split; [apply sqrt_pos|exact (roots i below)]. }
    destruct (residual_ge0 n) as [_ positive].
    apply Rmult_le_compat; [exact positive|apply pow2_ge_0|exact constant|apply pow_incr; exact sizes].
Qed.

(** What the guard tests before it believes an enclosure: T15's conditions and the range in which
    nothing underflows. *)
Record guarded_model (n : nat) (lam hmax : R) (G C U : mat) (d : vec) : Prop := {
  model_columns : (0 < n)%nat;
  model_factor : is_factor real64 n (hessian_stored lam G) C U d;
  model_symmetric : sym n G;
  model_pivots : forall k, (k < n)%nat -> bpow radix2 (-400) <= d k;
  model_sane : sane_diagonal n (hessian_stored lam G) hmax;
  model_above : hmax <= bpow radix2 375;
  model_damping : 0 <= lam;
  model_format : forall j, (j < n)%nat -> in_format (-1074) 53 (G j j);
  model_diagonal : forall j, (j < n)%nat -> 0 <= G j j }.

Section Guard.

Variables (n : nat) (lam hmax : R) (G C U : mat) (d : vec).
Notation H := (hessian_stored lam G).

(** The two ends of a row with errors v, as the guard finds them: in the format of the recurrence, in
    binary64, both 0 where the evaluated errors are 0, or the loss itself by exact arithmetic. *)
Inductive row_ends (v : vec) : R -> R -> Prop :=
  | ends_in_binary32 : let e' := fun k => rnd (-149) 24 (v k) in
      let S := fused_squares full64 n d (product_chain (-149) 24 (round_factor (-149) 24 U) e') in
      let A := fused_size full64 n (fun j => H j j) e' in
      let X := fused_excess full64 n (fun j => H j j) (fun j => 2 * G j j) e' in
      (Z.of_nat n <= 2 ^ 20)%Z -> (forall k, (k < n)%nat -> Rabs (e' k) <= bpow radix2 128) ->
      row_ends v (fused_lo full64 n S A X hmax) (fused_hi full64 n S A X hmax)
  | ends_in_binary64 : let e' := fun k => rnd64 (v k) in
      let S := guard_squares full64 n d (guard_product full64 U e') in
      let A := guard_size full64 n (fun j => H j j) e' in
      let X := guard_excess full64 n (fun j => H j j) (fun j => 2 * G j j) e' in
      guard_absolute full64 n e' <= bpow radix2 149 ->
      row_ends v (guard_lo full64 n S A X) (guard_hi full64 n S A X)
  | ends_without_error : (forall k, (k < n)%nat -> multiple (-1074) (v k)) ->
      guard_absolute full64 n (fun k => rnd64 (v k)) = 0 -> row_ends v 0 0
  | ends_exact : row_ends v (qform n G v) (qform n G v).

(** T30: they contain the loss. *)
Lemma row_ends_enclose v lo hi : guarded_model n lam hmax G C U d -> row_ends v lo hi ->
  lo <= qform n G v <= hi.
Proof.
  intros [some run symmetric pivots sane above damping form diagonal] ends.
  destruct ends as [e' S A X few small|e' S A X small|grid zero|].
  - exact (fused_encloses n lam hmax G C U d v e' some few run symmetric pivots sane above damping form
      diagonal (fun k _ => eq_refl) small).
  - exact (guard_encloses n lam hmax G C U d v e' some run symmetric pivots sane above damping form
      diagonal (fun k _ => eq_refl) small).
  - rewrite (guard_zero n G v (fun k => rnd64 (v k)) (fun k _ => eq_refl) grid zero); lra.
  - lra.
Qed.

(** The codes q of a row are the proposal g, and then the upper end of its loss is at most the lower
    end of that of round-to-nearest r; or they are r. *)
Definition guard_kept (w g r q : vec) : Prop :=
  (exists lo_g hi_g lo_r hi_r, row_ends (vsub w g) lo_g hi_g /\ row_ends (vsub w r) lo_r hi_r
     /\ hi_g <= lo_r /\ forall j, (j < n)%nat -> q j = g j)
  \/ forall j, (j < n)%nat -> q j = r j.

(** Either way they lose no more. *)
Lemma guard_kept_loss w g r q : guarded_model n lam hmax G C U d -> guard_kept w g r q ->
  qform n G (vsub w q) <= qform n G (vsub w r).
Proof.
  intros model [[lo_g [hi_g [lo_r [hi_r [of_g [of_r [order same]]]]]]]|same];
    rewrite (qform_ext n G (vsub w q) (vsub w _))
      by (intros j below; unfold vsub; rewrite (same j below); reflexivity).
  - apply (row_ends_enclose _ _ _ model) in of_g; apply (row_ends_enclose _ _ _ model) in of_r; lra.
  - apply Rle_refl.
Qed.

End Guard.

(** T6 for a row of the guard's codes. *)
Theorem guard_row_met e lam hmax G C U d w g : let n := size e "n" in
  guarded_model n lam hmax G C U d -> guard_kept n lam hmax G U d w g (vector e "r") (vector e "q") ->
  scalar e "L_q" = qform n G (vsub w (vector e "q")) ->
  scalar e "L_r" = qform n G (vsub w (vector e "r")) ->
  promised guard_row e.
Proof.
  intros n model kept loss_q loss_r.
  assert (bound := guard_kept_loss n lam hmax G C U d w g _ _ model kept).
  rewrite <- loss_q, <- loss_r in bound.
  intros j below; split; intros _; exact bound.
Qed.

(** T6 for p rows of them. *)
Theorem guard_total_met e n lam hmax G C U d (w g r q : nat -> vec) :
  guarded_model n lam hmax G C U d ->
  (forall b, (b < size e "p")%nat -> guard_kept n lam hmax G U d (w b) (g b) (r b) (q b)
    /\ vector e "D" b = qform n G (vsub (w b) (r b)) - qform n G (vsub (w b) (q b))) ->
  promised guard_total e.
Proof.
  intros model rows; change (0 / 1 <= bsum (size e "p") (vector e "D")).
  replace (0 / 1) with 0 by lra; apply bsum_ge0; intros b below.
  destruct (rows b below) as [kept gain]; rewrite gain.
  assert (bound := guard_kept_loss n lam hmax G C U d _ _ _ _ model kept); lra.
Qed.
