(** * T16: the average loss of round-to-nearest and of GPTQ

    Purpose: on the average over K^n equally spaced rows, GPTQ replaces the trace of H in the loss
      of round-to-nearest by the sum of its pivots.
    Main results: [T16_mean_rtn] (mean = s^2/12 (1 - 1/K^2) tr H, exactly), [T16_mean_gptq]
      (between s^2/12 (1 - 1/K^2) sum d and s^2/12 (1 + 2/K^2) sum d), [T16_mean_rtn_columns] and
      [T16_mean_gptq_columns] (one step per column), [T16_mean_comparison] (a condition under which
      GPTQ's mean is the smaller).
    Hypotheses: the quantizer of each column rounds to nearest on the multiples of the step, with
      any tie rule; K is any positive number; the centre w0 is a grid point for round-to-nearest
      and arbitrary for GPTQ; every tie that occurs is covered.
    Depends on: [Average], [AverageSums], [Identity], [GptqFacts].
    Source: this project; compare J. Chee et al., QuIP, arXiv 2307.13304, theorem 1 (uniform
      weights). *)
From Coq Require Import Reals Lra Lia Arith ZArith.
From Hallmark.Gptq Require Import
  Sums Matrix MatrixFacts Factorization Quantizer QuantizerFacts Gptq GptqFacts Identity
  Average AverageSums.
Open Scope R_scope.

(** The points of a box with one more column agree with those of the box before its last column. *)
Lemma grid_point_before s w0 K n p a j : (0 < K)%nat -> (j < n)%nat ->
  grid_point s w0 K (p + a * K ^ n) j = grid_point s w0 K p j.
Proof. intros Kpos before; unfold grid_point; rewrite digit_before by assumption; reflexivity. Qed.

(** The last coordinate of a point is its last offset. *)
Lemma grid_point_last s w0 K n p a : (p < K ^ n)%nat -> (a < K)%nat ->
  grid_point s w0 K (p + a * K ^ n) n = w0 n + grid_offset (s n) K a.
Proof. intros small below; unfold grid_point; rewrite digit_last by assumption; reflexivity. Qed.

(** The index of a point of the larger box is below its size. *)
Lemma box_index K n p a : (p < K ^ n)%nat -> (a < K)%nat -> (p + a * K ^ n < K ^ S n)%nat.
Proof. intros small below; simpl; nia. Qed.

(** Round-to-nearest sends every point of the box around a grid point to that grid point. *)
Lemma rtn_grid_point n Q s w0 K p j : (j < n)%nat -> 0 < s j -> (0 < K)%nat ->
  nearest_multiple (s j) (Q j) -> (exists z, w0 j = s j * IZR z) ->
  vsub (grid_point s w0 K p) (rtn Q (grid_point s w0 K p)) j = grid_offset (s j) K (digit K j p).
Proof.
intros below spos Kpos multiple [z centre]; unfold vsub, rtn, grid_point.
set (o := grid_offset (s j) K (digit K j p)).
assert (small : Rabs o < s j / 2) by
  (apply offset_small; [exact spos|apply Nat.mod_upper_bound; lia]).
assert (code : Q j (w0 j + o) = w0 j).
{ destruct (multiple (w0 j + o)) as [[z' value] close]; rewrite value, centre in *.
  assert (gap : Rabs (s j * IZR (z - z')) < s j).
  { replace (s j * IZR (z - z')) with ((s j * IZR z + o - s j * IZR z') + - o)
      by (rewrite minus_IZR; ring).
    eapply Rle_lt_trans; [apply Rabs_triang|]; rewrite Rabs_Ropp; lra. }
  rewrite Rabs_mult, (Rabs_pos_eq (s j)), <- abs_IZR in gap by lra.
  assert (unit : IZR (Z.abs (z - z')) < 1) by (apply Rmult_lt_reg_l with (s j); lra).
  apply lt_IZR in unit; replace z' with z by lia; reflexivity. }
rewrite code; ring.
Qed.

(** The sum over the box of a quadratic form at the offsets. *)
Lemma offset_qform_sum n M s K : (0 < K)%nat ->
  bsum (K ^ n) (fun p => qform n M (fun j => grid_offset (s j) K (digit K j p)))
  = INR (K ^ n) * bsum n (fun j => M j j * (s j ^ 2 / 12 * (1 - / INR K ^ 2))).
Proof.
intros Kpos; induction n as [|n IH]; [unfold qform; simpl; ring|].
rewrite Nat.pow_succ_r', bsum_last_digit.
rewrite (bsum_ext (K ^ n) _ (fun p =>
  INR K * qform n M (fun j => grid_offset (s j) K (digit K j p))
  + INR K * (M n n * (s n ^ 2 / 12 * (1 - / INR K ^ 2))))).
- rewrite bsum_plus, bsum_scal, IH, bsum_const, bsum_S, mult_INR; ring.
- intros p small; set (e := fun j => grid_offset (s j) K (digit K j p)).
  set (c := bsum n (fun i => e i * M i n) + bsum n (fun j => M n j * e j)).
  rewrite (bsum_ext K _ (fun a => qform n M e + c * grid_offset (s n) K a
    + M n n * grid_offset (s n) K a ^ 2)).
  + rewrite !bsum_plus, bsum_const.
    rewrite (bsum_scal K c (grid_offset (s n) K)), offset_sum_0 by exact Kpos.
    rewrite (bsum_scal K (M n n) (fun a => grid_offset (s n) K a ^ 2)).
    rewrite offset_sum_sqr by exact Kpos.
    ring.
  + intros a below; rewrite qform_S, digit_last by assumption.
    assert (same : forall j, (j < n)%nat ->
      grid_offset (s j) K (digit K j (p + a * K ^ n)) = e j).
    { intros j before; unfold e; rewrite digit_before by assumption; reflexivity. }
    rewrite (qform_ext n M _ e same).
    rewrite (bsum_ext n _ (fun i => e i * M i n)) by (intros i before; rewrite same; auto).
    rewrite (bsum_ext n (fun j => M n j * _) (fun j => M n j * e j)) by
      (intros i before; rewrite same; auto).
    fold c; ring.
Qed.

(** A positive number of points per column gives a positive number of points. *)
Lemma box_size_pos K n : (0 < K)%nat -> 0 < INR (K ^ n).
Proof.
intros Kpos; apply lt_0_INR; assert (power := Nat.pow_nonzero K n ltac:(lia)); lia.
Qed.

(** T16 for round-to-nearest with one step per column: the mean loss, exactly. *)
Theorem T16_mean_rtn_columns n M Q s w0 K : (0 < K)%nat -> (forall j, (j < n)%nat -> 0 < s j) ->
  (forall j, (j < n)%nat -> nearest_multiple (s j) (Q j)) ->
  (forall j, (j < n)%nat -> exists z, w0 j = s j * IZR z) ->
  box_mean K n (fun p => qform n M (vsub (grid_point s w0 K p) (rtn Q (grid_point s w0 K p))))
  = (1 - / INR K ^ 2) / 12 * bsum n (fun j => M j j * s j ^ 2).
Proof.
intros Kpos spos multiple centre; unfold box_mean.
rewrite (bsum_ext _ _ (fun p => qform n M (fun j => grid_offset (s j) K (digit K j p)))).
- rewrite offset_qform_sum by exact Kpos; assert (size := box_size_pos K n Kpos).
  assert (count : 0 < INR K) by (apply lt_0_INR; exact Kpos).
  transitivity (bsum n (fun j => M j j * (s j ^ 2 / 12 * (1 - / INR K ^ 2)))); [field; lra|].
  rewrite <- bsum_scal; apply bsum_ext; intros j _; field; lra.
- intros p _; apply qform_ext; intros j below; apply (rtn_grid_point n); auto.
Qed.

(** T16 for round-to-nearest. The mean loss is s^2/12 (1 - 1/K^2) tr H. *)
Theorem T16_mean_rtn n M Q s w0 K : (0 < K)%nat -> 0 < s ->
  (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall j, (j < n)%nat -> exists z, w0 j = s * IZR z) ->
  box_mean K n (fun p =>
    qform n M (vsub (grid_point (fun _ => s) w0 K p) (rtn Q (grid_point (fun _ => s) w0 K p))))
  = s ^ 2 / 12 * (1 - / INR K ^ 2) * trace n M.
Proof.
intros Kpos spos multiple centre.
rewrite (T16_mean_rtn_columns n M Q (fun _ => s) w0 K) by auto.
rewrite bsum_scalr; unfold trace; field; apply Rgt_not_eq, lt_0_INR; exact Kpos.
Qed.

(** Runs on rows that agree on the first columns agree on the codes of those columns. *)
Lemma gptq_agree n Q U w w' q q' : (forall j, (j < n)%nat -> w j = w' j) ->
  is_gptq n Q U w q -> is_gptq n Q U w' q' ->
  forall j, (j < n)%nat -> q j = q' j /\ comp U w q j = comp U w' q' j.
Proof.
intros same run run'.
assert (codes : forall j, (j < n)%nat -> q j = q' j).
{ apply (gptq_unique n Q U w); [exact run|]; intros j below; rewrite (run' j below); f_equal.
  unfold comp; rewrite same by exact below; f_equal; apply bsum_ext; intros k before.
  rewrite same by lia; reflexivity. }
intros j below; split; [apply codes; exact below|]; unfold comp; rewrite same by exact below.
f_equal; apply bsum_ext; intros k before; rewrite same, codes by lia; reflexivity.
Qed.

Arguments gptq_agree n Q U {w w' q q'}.

(** The sum over the box of GPTQ's weighted squared errors, column after column. *)
Lemma gptq_box_sum n Q U d s w0 K : (0 < K)%nat -> nonneg n d ->
  (forall j, (j < n)%nat -> 0 < s j) ->
  (forall j, (j < n)%nat -> nearest_multiple (s j) (Q j)) ->
  forall q, (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point s w0 K p) (q p)) ->
  INR (K ^ n) * bsum n (fun j => d j * (s j ^ 2 / 12 * (1 - / INR K ^ 2)))
  <= bsum (K ^ n) (fun p => bsum n (fun j =>
       d j * (comp U (grid_point s w0 K p) (q p) j - q p j) ^ 2))
  <= INR (K ^ n) * bsum n (fun j => d j * (s j ^ 2 / 12 * (1 + 2 * / INR K ^ 2))).
Proof.
intros Kpos pos spos multiple; induction n as [|n IH]; intros q run; [simpl; lra|].
rewrite Nat.pow_succ_r', bsum_last_digit, mult_INR.
assert (prefix : forall p a, (p < K ^ n)%nat -> (a < K)%nat ->
  is_gptq n Q U (grid_point s w0 K (p + a * K ^ n)) (q (p + a * K ^ n)%nat)).
{ intros p a small below; apply (is_gptq_prefix (S n) n); [lia|].
  apply run, box_index; assumption. }
assert (first : forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point s w0 K p) (q p)).
{ intros p small; assert (here := prefix p 0%nat small Kpos).
  rewrite Nat.mul_0_l, Nat.add_0_r in here; exact here. }
assert (part := IH ltac:(intros j below; apply pos; lia) ltac:(intros j below; apply spos; lia)
  ltac:(intros j below; apply multiple; lia) q first).
set (before := fun p => bsum n (fun j =>
  d j * (comp U (grid_point s w0 K p) (q p) j - q p j) ^ 2)) in *.
set (shift := fun p => bsum n (fun k => (grid_point s w0 K p k - q p k) * U k n)).
assert (last : forall p, (p < K ^ n)%nat ->
  bsum K (fun a => bsum (S n) (fun j => d j * (comp U (grid_point s w0 K (p + a * K ^ n))
    (q (p + a * K ^ n)%nat) j - q (p + a * K ^ n)%nat j) ^ 2))
  = INR K * before p
    + d n * column_sum (s n) (Q n) K (w0 n + s n * (1 - INR K) / (2 * INR K) + shift p)).
{ intros p small; rewrite <- bsum_const; unfold column_sum; rewrite <- bsum_scal, <- bsum_plus.
  apply bsum_ext; intros a below; rewrite bsum_S.
  assert (agree := gptq_agree n Q U
    (fun j => grid_point_before s w0 K n p a j Kpos) (prefix p a small below) (first p small)).
  f_equal.
  - apply bsum_ext; intros j jbelow; destruct (agree j jbelow) as [codes comps].
    rewrite codes, comps; reflexivity.
  - f_equal.
    assert (value : comp U (grid_point s w0 K (p + a * K ^ n)) (q (p + a * K ^ n)%nat) n
      = w0 n + s n * (1 - INR K) / (2 * INR K) + shift p + s n / INR K * INR a).
    { unfold comp; rewrite grid_point_last by assumption.
      rewrite (bsum_ext n _ (fun k => (grid_point s w0 K p k - q p k) * U k n)).
      - fold (shift p); unfold grid_offset; field; apply Rgt_not_eq, lt_0_INR; exact Kpos.
      - intros k kbelow; rewrite grid_point_before by assumption.
        rewrite (proj1 (agree k kbelow)); reflexivity. }
    rewrite (run (p + a * K ^ n)%nat (box_index K n p a small below) n) by lia.
    rewrite value; reflexivity. }
rewrite (bsum_ext (K ^ n) _ _ last), bsum_plus, !bsum_scal, !bsum_S.
assert (dpos : 0 <= d n) by (apply pos; lia).
set (total := bsum (K ^ n) (fun p => column_sum (s n) (Q n) K
  (w0 n + s n * (1 - INR K) / (2 * INR K) + shift p))).
assert (column : INR (K ^ n) * (INR K * (s n ^ 2 / 12 * (1 - / INR K ^ 2))) <= total
  <= INR (K ^ n) * (INR K * (s n ^ 2 / 12 * (1 + 2 * / INR K ^ 2)))).
{ assert (each : forall p, _) by exact (fun p => column_sum_bounds (s n) (Q n) K
    (spos n (Nat.lt_succ_diag_r n)) Kpos (multiple n (Nat.lt_succ_diag_r n))
    (w0 n + s n * (1 - INR K) / (2 * INR K) + shift p)).
  rewrite <- (bsum_const (K ^ n)), <- (bsum_const (K ^ n)).
  split; apply bsum_le; intros p _; apply each. }
assert (Knonneg := pos_INR K); destruct part as [part_low part_high].
destruct column as [column_low column_high].
apply Rmult_le_compat_l with (1 := Knonneg) in part_low, part_high.
apply Rmult_le_compat_l with (1 := dpos) in column_low, column_high.
split; lra.
Qed.

(** T16 for GPTQ with one step per column. *)
Theorem T16_mean_gptq_columns n M U d Q s w0 K q : udu n M U d -> nonneg n d -> (0 < K)%nat ->
  (forall j, (j < n)%nat -> 0 < s j) ->
  (forall j, (j < n)%nat -> nearest_multiple (s j) (Q j)) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point s w0 K p) (q p)) ->
  (1 - / INR K ^ 2) / 12 * bsum n (fun j => d j * s j ^ 2)
  <= box_mean K n (fun p => qform n M (vsub (grid_point s w0 K p) (q p)))
  <= (1 + 2 * / INR K ^ 2) / 12 * bsum n (fun j => d j * s j ^ 2).
Proof.
intros cert pos Kpos spos multiple run; unfold box_mean.
assert (sums := gptq_box_sum n Q U d s w0 K Kpos pos spos multiple q run).
rewrite (bsum_ext _ (fun p => qform n M (vsub (grid_point s w0 K p) (q p))) (fun p => bsum n
  (fun j => d j * (comp U (grid_point s w0 K p) (q p) j - q p j) ^ 2))) by
  (intros p _; apply (T1_identity n M U d); exact cert).
assert (size := box_size_pos K n Kpos); assert (count : 0 < INR K) by (apply lt_0_INR; exact Kpos).
assert (factor : forall c, bsum n (fun j => d j * (s j ^ 2 / 12 * c))
  = c / 12 * bsum n (fun j => d j * s j ^ 2)).
{ intros c; rewrite <- bsum_scal; apply bsum_ext; intros j _; field. }
rewrite !factor in sums.
destruct sums as [low high]; split.
- apply Rmult_le_reg_l with (INR (K ^ n)); [exact size|].
  eapply Rle_trans; [exact low|]; apply Req_le; field; lra.
- apply Rmult_le_reg_l with (INR (K ^ n)); [exact size|].
  eapply Rle_trans; [|exact high]; apply Req_le; field; lra.
Qed.

(** T16 for GPTQ. The mean loss lies between s^2/12 (1 - 1/K^2) sum d and s^2/12 (1 + 2/K^2) sum d.
    *)
Theorem T16_mean_gptq n M U d Q s w0 K q : udu n M U d -> nonneg n d -> (0 < K)%nat -> 0 < s ->
  (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point (fun _ => s) w0 K p) (q p)) ->
  s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d
  <= box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q p)))
  <= s ^ 2 / 12 * (1 + 2 * / INR K ^ 2) * bsum n d.
Proof.
intros cert pos Kpos spos multiple run.
assert (columns := T16_mean_gptq_columns n M U d Q (fun _ => s) w0 K q cert pos Kpos
  ltac:(auto) multiple run).
cbv beta in columns; rewrite bsum_scalr in columns.
assert (count : 0 < INR K) by (apply lt_0_INR; exact Kpos).
replace (s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d)
  with ((1 - / INR K ^ 2) / 12 * (bsum n d * s ^ 2)) by (field; lra).
replace (s ^ 2 / 12 * (1 + 2 * / INR K ^ 2) * bsum n d)
  with ((1 + 2 * / INR K ^ 2) / 12 * (bsum n d * s ^ 2)) by (field; lra).
exact columns.
Qed.

(** Where (K^2 + 2) sum d <= (K^2 - 1) tr H, GPTQ's mean loss is at most that of round-to-nearest.
    *)
Theorem T16_mean_comparison n M U d Q s w0 K q : udu n M U d -> nonneg n d ->
  (0 < K)%nat -> 0 < s ->
  (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall j, (j < n)%nat -> exists z, w0 j = s * IZR z) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point (fun _ => s) w0 K p) (q p)) ->
  (INR K ^ 2 + 2) * bsum n d <= (INR K ^ 2 - 1) * trace n M ->
  box_mean K n (fun p => qform n M (vsub (grid_point (fun _ => s) w0 K p) (q p)))
  <= box_mean K n (fun p =>
    qform n M (vsub (grid_point (fun _ => s) w0 K p) (rtn Q (grid_point (fun _ => s) w0 K p)))).
Proof.
intros cert pos Kpos spos multiple centre run gain.
rewrite (T16_mean_rtn n M Q s w0 K) by assumption.
eapply Rle_trans; [apply (T16_mean_gptq n M U d Q s w0 K q); assumption|].
assert (count : 0 < INR K) by (apply lt_0_INR; exact Kpos).
assert (square := pow2_ge_0 s); assert (inverse : 0 <= s ^ 2 / 12 * / INR K ^ 2).
{ apply Rmult_le_pos; [lra|]; left; apply Rinv_0_lt_compat, pow_lt; exact count. }
replace (s ^ 2 / 12 * (1 + 2 * / INR K ^ 2) * bsum n d)
  with (s ^ 2 / 12 * / INR K ^ 2 * ((INR K ^ 2 + 2) * bsum n d)) by (field; lra).
replace (s ^ 2 / 12 * (1 - / INR K ^ 2) * trace n M)
  with (s ^ 2 / 12 * / INR K ^ 2 * ((INR K ^ 2 - 1) * trace n M)) by (field; lra).
apply Rmult_le_compat_l; assumption.
Qed.
