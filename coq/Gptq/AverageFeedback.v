(** * T26: no sequential rounding has a smaller average than GPTQ's, in the limit

    Purpose: on the average over the points of T16 every method that adds to each weight some
      function of the weights before it, and rounds, loses at least s^2/12 (1 - 1/K^2) sum d_j;
      GPTQ loses at most s^2/12 (1 + 2/K^2) sum d_j.
    Main definitions: [causal] (a function of the weights before), [is_sequential].
    Main results: [shifted_column_bound] (one column: errors of K equally spaced points, shifted by
      any number), [T26_sequential], [T26_feedback] (linear feedback), [T26_optimality],
      [T26_feedback_optimality].
    Depends on: [Average], [AverageSums], [AverageLaw], [Identity].
    Source: this project; compare J. Chee et al., QuIP, arXiv 2307.13304, theorem 1. *)
From Coq Require Import Reals Lra Lia Psatz Arith ZArith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Factorization Quantizer QuantizerFacts Gptq GptqFacts Identity
  Average AverageSums AverageLaw.
Open Scope R_scope.

(** What is added to the weight of column j depends on the weights before it alone. *)
Definition causal (n : nat) (phi : nat -> vec -> R) : Prop :=
  forall j w w', (j < n)%nat -> (forall k, (k < j)%nat -> w k = w' k) -> phi j w = phi j w'.

(** The codes of the method that adds phi and rounds. *)
Definition is_sequential (n : nat) (Q : nat -> R -> R) (phi : nat -> vec -> R) (w q : vec) : Prop :=
  forall j, (j < n)%nat -> q j = Q j (w j + phi j w).

Section Column.

Variables (s : R) (Q : R -> R) (K : nat) (c : R).
Hypothesis s_pos : 0 < s.
Hypothesis K_pos : (0 < K)%nat.
Hypothesis multiple : nearest_multiple s Q.

Let h := s / INR K.
Let e (a : nat) : R := c + h * INR a - Q (c + h * INR a).

(** The errors are those of a start, a whole number of spacings on, wrapped at most once. *)
Lemma error_wraps a : (a < K)%nat ->
  e a = e 0 + h * INR a \/ e a = e 0 + h * (INR a - INR K).
Proof.
intros below; assert (count : 0 < INR K) by (apply lt_0_INR; exact K_pos).
assert (step : s = INR K * h) by (unfold h; field; lra).
assert (hpos : 0 < h) by (apply Rdiv_lt_0_compat; assumption).
destruct (multiple (c + h * INR 0)) as [[z0 value0] close0].
destruct (multiple (c + h * INR a)) as [[z value] close].
fold (e 0) in close0; fold (e a) in close.
assert (apart : e a - e 0 = h * (INR a - INR K * IZR (z - z0))).
{ unfold e; rewrite value0, value, minus_IZR, step; simpl INR; ring. }
assert (range : forall x, Rabs x <= s / 2 -> - (s / 2) <= x <= s / 2).
{ intros x; unfold Rabs; destruct Rcase_abs; lra. }
assert (at0 := range _ close0); assert (ata := range _ close).
assert (few : - INR K <= INR a - INR K * IZR (z - z0) <= INR K).
{ split; apply Rmult_le_reg_l with h; lra. }
assert (last : INR a + 1 <= INR K) by (rewrite <- S_INR; apply le_INR; lia).
assert (start := pos_INR a).
destruct (Z_le_gt_dec (z - z0) (-1)) as [low|notlow].
- assert (bound : IZR (z - z0) <= -1) by (apply (IZR_le _ (-1)); exact low).
  assert (none : INR a = 0) by nra.
  apply (INR_eq a 0) in none; subst a; left; simpl INR; ring.
- destruct (Z_le_gt_dec 2 (z - z0)) as [high|nothigh].
  + assert (bound : 2 <= IZR (z - z0)) by (apply (IZR_le 2); exact high); nra.
  + assert (cases : (z - z0 = 0 \/ z - z0 = 1)%Z) by lia.
    destruct cases as [is|is]; rewrite is in apart; [left|right]; simpl IZR in apart; lra.
Qed.

(** Once wrapped, wrapped. *)
Lemma error_wraps_once a b : (a < b < K)%nat -> e a = e 0 + h * (INR a - INR K) ->
  e b = e 0 + h * (INR b - INR K).
Proof.
intros order wrapped; destruct (error_wraps b) as [plain|done]; [lia| |exact done].
exfalso; assert (count : 0 < INR K) by (apply lt_0_INR; exact K_pos).
assert (step : s = INR K * h) by (unfold h; field; lra).
assert (hpos : 0 < h) by (apply Rdiv_lt_0_compat; assumption).
destruct (multiple (c + h * INR a)) as [_ closea]; fold (e a) in closea.
destruct (multiple (c + h * INR b)) as [_ closeb]; fold (e b) in closeb.
assert (before : INR a + 1 <= INR b) by (rewrite <- S_INR; apply le_INR; lia).
assert (range : forall x, Rabs x <= s / 2 -> - (s / 2) <= x <= s / 2).
{ intros x; unfold Rabs; destruct Rcase_abs; lra. }
assert (ata := range _ closea); assert (atb := range _ closeb).
rewrite wrapped in ata; rewrite plain in atb; nra.
Qed.

(** So a first part of the errors is plain and the rest wrapped. *)
Lemma error_parts M : (M <= K)%nat -> exists m, (m <= M)%nat /\
  (forall a, (a < m)%nat -> e a = e 0 + h * INR a) /\
  (forall a, (m <= a < M)%nat -> e a = e 0 + h * (INR a - INR K)).
Proof.
induction M as [|M IH]; intros inside.
{ exists 0%nat; split; [lia|split; intros a range; lia]. }
destruct IH as [m [most [plain wrapped]]]; [lia|].
destruct (error_wraps M ltac:(lia)) as [here|here].
- destruct (Nat.eq_dec m M) as [->|other].
  + exists (S M); split; [lia|split; [|intros a range; lia]].
    intros a below; destruct (Nat.eq_dec a M) as [->|]; [exact here|apply plain; lia].
  + exists m; split; [lia|split; [exact plain|]]; intros a range.
    destruct (Nat.eq_dec a M) as [->|]; [|apply wrapped; lia].
    apply (error_wraps_once m M); [lia|apply wrapped; lia].
- exists m; split; [lia|split; [exact plain|]]; intros a range.
  destruct (Nat.eq_dec a M) as [->|]; [exact here|apply wrapped; lia].
Qed.

(** The squares of the errors of one column, all shifted by b, sum to K s^2/12 (1 - 1/K^2) at
    least. *)
Theorem shifted_column_bound b :
  INR K * (s ^ 2 / 12 * (1 - / INR K ^ 2)) <= bsum K (fun a => (e a + b) ^ 2).
Proof.
assert (count : 0 < INR K) by (apply lt_0_INR; exact K_pos).
destruct (error_parts K (Nat.le_refl K)) as [m [most [plain wrapped]]].
set (t := e 0 + b + h * (INR m - INR K)).
assert (sequence : bsum K (fun a => (e a + b) ^ 2) = bsum K (fun k => (t + h * INR k) ^ 2)).
{ replace K with (m + (K - m))%nat at 1 by lia; replace K with (K - m + m)%nat at 2 by lia.
  rewrite !bsum_app, Rplus_comm; f_equal.
  - apply bsum_ext; intros i below; rewrite wrapped by lia; f_equal; unfold t.
    rewrite plus_INR; ring.
  - apply bsum_ext; intros a below; rewrite plain by exact below; f_equal; unfold t.
    rewrite plus_INR, minus_INR by exact most; ring. }
rewrite sequence, sum_arithmetic_sqr.
assert (square := pow2_ge_0 (t + h * (INR K - 1) / 2)).
replace (INR K * (s ^ 2 / 12 * (1 - / INR K ^ 2)))
  with (h ^ 2 * INR K * (INR K ^ 2 - 1) / 12) by (unfold h; field; lra).
nra.
Qed.

End Column.

(** The sum over the box of the weighted squares of T1, for a sequential method. *)
Lemma sequential_box_sum n Q U d s w0 K phi : (0 < K)%nat -> nonneg n d -> 0 < s ->
  causal n phi -> (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  forall q, (forall p, (p < K ^ n)%nat ->
    is_sequential n Q phi (grid_point (fun _ => s) w0 K p) (q p)) ->
  INR (K ^ n) * (s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d)
  <= bsum (K ^ n) (fun p => bsum n (fun j =>
       d j * (comp U (grid_point (fun _ => s) w0 K p) (q p) j - q p j) ^ 2)).
Proof.
intros Kpos pos spos past multiple; induction n as [|n IH]; intros q run; [simpl; lra|].
rewrite Nat.pow_succ_r', bsum_last_digit, mult_INR.
set (point := grid_point (fun _ => s) w0 K) in *.
set (big p a := (p + a * K ^ n)%nat).
assert (same : forall p a j, (j < n)%nat -> point (big p a) j = point p j).
{ intros p a j below; apply grid_point_before; assumption. }
assert (index : forall p a, (p < K ^ n)%nat -> (a < K)%nat -> (big p a < K ^ S n)%nat).
{ intros p a small below; apply box_index; assumption. }
assert (first : forall p, (p < K ^ n)%nat -> is_sequential n Q phi (point p) (q p)).
{ intros p small j below.
  assert (here := run (big p 0%nat) (index p 0%nat small Kpos) j ltac:(lia)).
  unfold big in here; rewrite Nat.mul_0_l, Nat.add_0_r in here; exact here. }
assert (codes : forall p a j, (p < K ^ n)%nat -> (a < K)%nat -> (j < n)%nat ->
  q (big p a) j = q p j).
{ intros p a j small below inside.
  rewrite (run (big p a) (index p a small below) j), (first p small j) by lia.
  rewrite same by exact inside; f_equal; f_equal; apply past; [lia|].
  intros k before; apply same; lia. }
assert (part := IH ltac:(intros j below; apply pos; lia) ltac:(intros j w w' below; apply past; lia)
  ltac:(intros j below; apply multiple; lia) q first).
set (before := fun p => bsum n (fun j => d j * (comp U (point p) (q p) j - q p j) ^ 2)) in *.
assert (dpos : 0 <= d n) by (apply pos; lia).
set (low := s ^ 2 / 12 * (1 - / INR K ^ 2)) in *.
assert (column : forall p, (p < K ^ n)%nat ->
  INR K * before p + d n * (INR K * low)
  <= bsum K (fun a => bsum (S n) (fun j =>
       d j * (comp U (point (big p a)) (q (big p a)) j - q (big p a) j) ^ 2))).
{ intros p small.
  set (c := w0 n + s * (1 - INR K) / (2 * INR K) + phi n (point p)).
  set (b := bsum n (fun k => (point p k - q p k) * U k n) - phi n (point p)).
  rewrite (bsum_ext K _ (fun a => before p + d n *
    (c + s / INR K * INR a - Q n (c + s / INR K * INR a) + b) ^ 2)).
  - rewrite bsum_plus, bsum_const, bsum_scal; apply Rplus_le_compat_l, Rmult_le_compat_l;
      [exact dpos|].
    apply shifted_column_bound; [exact spos|exact Kpos|apply multiple; lia].
  - intros a below; rewrite bsum_S; f_equal.
    + apply bsum_ext; intros j inside; rewrite codes by assumption; unfold comp.
      rewrite same by exact inside; do 4 f_equal; apply bsum_ext; intros k earlier.
      rewrite same, codes by (assumption || lia); reflexivity.
    + assert (last : point (big p a) n = w0 n + grid_offset s K a) by
        (apply (grid_point_last (fun _ => s)); assumption).
      assert (added : phi n (point (big p a)) = phi n (point p)) by
        (apply past; [lia|intros k earlier; apply same; exact earlier]).
      assert (shifted : point (big p a) n + phi n (point (big p a)) = c + s / INR K * INR a).
      { rewrite last, added; unfold c, grid_offset; field; apply Rgt_not_eq, lt_0_INR; exact Kpos. }
      rewrite (run (big p a) (index p a small below) n) by lia; rewrite shifted.
      unfold comp; rewrite (bsum_ext n _ (fun k => (point p k - q p k) * U k n)) by
        (intros k earlier; rewrite same, codes by assumption; reflexivity).
      f_equal; f_equal; unfold b; rewrite added in shifted; lra. }
eapply Rle_trans; [|apply bsum_le; exact column].
rewrite bsum_plus, bsum_scal, bsum_const, bsum_S.
assert (Knonneg := pos_INR K); apply Rmult_le_compat_l with (1 := Knonneg) in part.
fold before; lra.
Qed.

(** T26. Any sequential method loses s^2/12 (1 - 1/K^2) sum d_j at least, on the average. *)
Theorem T26_sequential n M U d Q s w0 K phi q : udu n M U d -> nonneg n d -> (0 < K)%nat ->
  0 < s -> (forall j, (j < n)%nat -> nearest_multiple s (Q j)) -> causal n phi ->
  (forall p, (p < K ^ n)%nat -> is_sequential n Q phi (grid_point (fun _ => s) w0 K p) (q p)) ->
  s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d
  <= box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q p))).
Proof.
intros cert pos Kpos spos multiple past run; unfold box_mean.
rewrite (bsum_ext _ (fun p => qform n M _) (fun p => bsum n (fun j =>
  d j * (comp U (grid_point (fun _ => s) w0 K p) (q p) j - q p j) ^ 2))) by
  (intros p _; apply (T1_identity n M U d); exact cert).
assert (size := box_size_pos K n Kpos).
apply Rmult_le_reg_l with (INR (K ^ n)); [exact size|].
eapply Rle_trans.
{ exact (sequential_box_sum n Q U d s w0 K phi Kpos pos spos past multiple q run). }
apply Req_le; field; lra.
Qed.

(** A linear feedback is such a method. *)
Lemma feedback_sequential n Q F : exists phi, causal n phi /\
  forall w q, is_gptq n Q F w q -> is_sequential n Q phi w q.
Proof.
exists (fun j w => comp F w (gptq_upto n Q F w) j - w j); split.
- intros j w w' below same; unfold comp; ring_simplify; apply bsum_ext; intros k before.
  rewrite same by exact before; f_equal; f_equal.
  apply (gptq_agree j Q F (w := w) (w' := w') same); [| |exact before];
    apply (is_gptq_prefix n j); try lia; apply gptq_exists.
- intros w q run j below; rewrite (run j below); f_equal; unfold comp; f_equal.
  ring_simplify; apply bsum_ext; intros k before.
  rewrite (gptq_unique n Q F w q (gptq_upto n Q F w) run (gptq_exists n Q F w)) by lia; reflexivity.
Qed.

(** T26 for linear feedback. *)
Theorem T26_feedback n M U d F Q s w0 K q : udu n M U d -> nonneg n d -> (0 < K)%nat ->
  0 < s -> (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q F (grid_point (fun _ => s) w0 K p) (q p)) ->
  s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d
  <= box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q p))).
Proof.
intros cert pos Kpos spos multiple run.
destruct (feedback_sequential n Q F) as [phi [past codes]].
apply (T26_sequential n M U d Q s w0 K phi q); try assumption.
intros p small; apply codes, run; exact small.
Qed.

(** T26 as a comparison: K^2 - 1 times GPTQ's mean is at most K^2 + 2 times that of any sequential
    method. *)
Theorem T26_optimality n M U d Q s w0 K phi q q' : udu n M U d -> nonneg n d -> (0 < K)%nat ->
  0 < s -> (forall j, (j < n)%nat -> nearest_multiple s (Q j)) -> causal n phi ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point (fun _ => s) w0 K p) (q p)) ->
  (forall p, (p < K ^ n)%nat -> is_sequential n Q phi (grid_point (fun _ => s) w0 K p) (q' p)) ->
  (INR K ^ 2 - 1) * box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q p)))
  <= (INR K ^ 2 + 2)
     * box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q' p))).
Proof.
intros cert pos Kpos spos multiple past run run'.
assert (high := proj2 (T16_mean_gptq n M U d Q s w0 K q cert pos Kpos spos multiple run)).
assert (low := T26_sequential n M U d Q s w0 K phi q' cert pos Kpos spos multiple past run').
assert (count : 1 <= INR K) by (apply (le_INR 1); lia).
set (mean := box_mean K n (fun p => _)) in *; set (mean' := box_mean K n (fun p => _)) in *.
set (sum := s ^ 2 / 12 * bsum n d).
replace (s ^ 2 / 12 * (1 + 2 * / INR K ^ 2) * bsum n d)
  with ((INR K ^ 2 + 2) * (sum / INR K ^ 2)) in high by (unfold sum; field; lra).
replace (s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d)
  with ((INR K ^ 2 - 1) * (sum / INR K ^ 2)) in low by (unfold sum; field; lra).
assert (square : 1 <= INR K ^ 2) by nra.
apply Rle_trans with ((INR K ^ 2 - 1) * ((INR K ^ 2 + 2) * (sum / INR K ^ 2))).
- apply Rmult_le_compat_l; [lra|exact high].
- replace ((INR K ^ 2 - 1) * ((INR K ^ 2 + 2) * (sum / INR K ^ 2)))
    with ((INR K ^ 2 + 2) * ((INR K ^ 2 - 1) * (sum / INR K ^ 2))) by ring.
  apply Rmult_le_compat_l; [lra|exact low].
Qed.

(** T26 as a comparison with linear feedback. *)
Theorem T26_feedback_optimality n M U d F Q s w0 K q q' : udu n M U d -> nonneg n d ->
  (0 < K)%nat -> 0 < s -> (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point (fun _ => s) w0 K p) (q p)) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q F (grid_point (fun _ => s) w0 K p) (q' p)) ->
  (INR K ^ 2 - 1) * box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q p)))
  <= (INR K ^ 2 + 2)
     * box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q' p))).
Proof.
intros cert pos Kpos spos multiple run run'.
destruct (feedback_sequential n Q F) as [phi [past codes]].
apply (T26_optimality n M U d Q s w0 K phi q q'); try assumption.
intros p small; apply codes, run'; exact small.
Qed.
