(** * What the checker's verdict means

    Purpose: if [accepts] answers true, then inequalities hold between the real numbers that the
      words of the bundle stand for in Flocq's reading of them, whatever its grid.
    Main results (T13): [accepts_rows] (per row), [accepts_total] (the sum over the rows),
      [accepts_enclosures] (the sum of the enclosures), [accepts_gram] (symmetric, finite),
      [accepts_grid] (the grid is one).
    Depends on: Check/Checker, Check/Points, Check/GridCodes, Gptq/Matrix, Gptq/Guard; Flocq:
      Core.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix Guard.
From Hallmark Require Import Check.Dyadic Check.Reading Check.Grid Check.GridCodes Check.Ruler.
From Hallmark Require Import Format.Word Check.QuadraticForm Check.Packing Check.Checker.
From Hallmark Require Import Check.Points.
Import ListNotations.
Open Scope R_scope.

(** The group of column j: [group_size] columns share a scale, or all of a row do. *)
Definition group_of (b : bundle) (j : nat) : nat :=
  match group_size b with O => 0 | S _ => j / group_size b end.

(** The scale of column j, of either sign. *)
Definition step_of (b : bundle) (r : tensor_row) (j : nat) : R :=
  b32_value (nth (group_of b j) (scales r) 0%Z).

(** The zero point of column j. *)
Definition zero_of (b : bundle) (r : tensor_row) (j : nat) : Z := nth (group_of b j) (zeros r) 0%Z.

(** The weights of a row. *)
Definition weight_row (r : tensor_row) : vec := fun j => b32_value (nth j (weights r) 0%Z).

(** The quantized row: scale times the value of the code. *)
Definition point_row (b : bundle) (r : tensor_row) : vec :=
  fun j => step_of b r j * code_value (code_grid b) (zero_of b r j) (nth j (codes r) 0%Z).

(** The row that round-to-nearest gives: the nearest point, ties to even, clipped. *)
Definition rtn_row (b : bundle) (r : tensor_row) : vec :=
  fun j => nearest_point (code_grid b) (step_of b r j) (zero_of b r j) (weight_row r j).

(** The Gram matrix; 0 where there is none. *)
Definition gram_of (b : bundle) : mat :=
  match gram_words b with
  | Some W => fun i j => b64_value (nth j (nth i W []) 0%Z)
  | None => fun _ _ => 0
  end.

(** Whether there is a Gram matrix. *)
Definition calibrated (b : bundle) : bool :=
  match gram_words b with Some _ => true | None => false end.

(** Row i of a bundle. *)
Definition row_at (b : bundle) (i : nat) : tensor_row :=
  nth i (rows b) (Row [] [] [] [] false 0 0 0 0 None).

(** The exact loss of the codes of a row. *)
Definition final_loss (b : bundle) (r : tensor_row) : R :=
  qform (columns b) (gram_of b) (vsub (weight_row r) (point_row b r)).

(** The exact loss of round-to-nearest. *)
Definition rtn_loss (b : bundle) (r : tensor_row) : R :=
  qform (columns b) (gram_of b) (vsub (weight_row r) (rtn_row b r)).

(** An enclosure says something: it is at most a quarter of its upper end wide, or its ends are
    neighbours in binary64. *)
Definition sharp (low high : Z) : Prop :=
  b64_value high - b64_value low <= b64_value high / 4 \/ high = (low + 1)%Z.

(** What the checker promises about a row: of its words; that [rtn_row] is a nearest point of the
    grid in each column; of the losses, if there is a Gram matrix; that columns of which it knows
    nothing are rounded to nearest; and, where the row claims to be round-to-nearest, that it is,
    within half a gap of the grid. *)
Record row_sound (b : bundle) (r : tensor_row) : Prop := {
  sound_weights : length (weights r) = columns b /\ Forall b32_finite (weights r);
  sound_codes : length (codes r) = columns b /\ Forall (code_ok (code_grid b)) (codes r);
  sound_steps : Forall b32_finite (scales r) /\
    forall j, (j < columns b)%nat -> step_of b r j <> 0 /\ zero_ok (code_grid b) (zero_of b r j);
  sound_nearest : forall j, (j < columns b)%nat ->
    let point c := step_of b r j * code_value (code_grid b) (zero_of b r j) c in
    (exists c, code_ok (code_grid b) c /\ rtn_row b r j = point c) /\
    forall c, code_ok (code_grid b) c ->
      Rabs (weight_row r j - rtn_row b r j) <= Rabs (weight_row r j - point c);
  sound_final : calibrated b = true ->
    b64_value (final_low r) <= final_loss b r <= b64_value (final_high r);
  sound_guard : calibrated b = true -> guarded b = true -> final_loss b r <= rtn_loss b r;
  sound_rtn : calibrated b = true ->
    b64_value (rtn_low r) <= rtn_loss b r <= b64_value (rtn_high r);
  sound_sharp : calibrated b = true ->
    sharp (final_low r) (final_high r) /\ sharp (rtn_low r) (rtn_high r);
  sound_exact : calibrated b = true -> forall x y, exact_losses r = Some (x, y) ->
    final_loss b r = F2R x /\ rtn_loss b r = F2R y;
  sound_dead : calibrated b = true -> forall j, (j < columns b)%nat -> gram_of b j j = 0 ->
    point_row b r j = rtn_row b r j;
  sound_claim : claims_rtn r = true ->
    forall j, (j < columns b)%nat -> point_row b r j = rtn_row b r j;
  sound_half_gap : claims_rtn r = true -> forall j h, (j < columns b)%nat ->
    half_gap (code_grid b) (zero_of b r j) (weight_row r j / step_of b r j) h ->
    Rabs (weight_row r j - point_row b r j) <= Rabs (step_of b r j) * h }.

(** The length of a list of differences. *)
Lemma differences_length a b n : length a = n -> length b = n -> length (differences a b) = n.
Proof.
revert b n; induction a as [|x a IH]; intros [|y b] n la lb; simpl in *; try lia.
destruct n; [lia|]; f_equal; apply IH; lia.
Qed.

(** The entries of a list of differences. *)
Lemma differences_correct a b j : length a = length b ->
  int_vec (differences a b) j = int_vec a j - int_vec b j.
Proof.
unfold int_vec; revert b j; induction a as [|x a IH]; intros [|y b] j size; try discriminate.
- destruct j; simpl; ring.
- destruct j; simpl; [apply minus_IZR|apply IH; simpl in size; lia].
Qed.

(** A vector and a matrix in units of powers of two have the form of their integers. *)
Lemma qform_units n G M v e k E : length M = n -> (forall r, In r M -> length r = n) ->
  length e = n -> symmetric n M = true ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> G i j = int_mat M i j * bpow radix2 E) ->
  (forall j, (j < n)%nat -> v j = int_vec e j * bpow radix2 k) ->
  qform n G v = F2R (Float radix2 (quadratic (upper n M) e) (k + k + E)).
Proof.
intros size wide short accepted units_G units_v.
unfold F2R; cbn [Fnum Fexp]; rewrite (quadratic_correct n M e) by assumption.
unfold qform; rewrite <- bsum_scalr; apply bsum_ext; intros i below_i.
rewrite <- bsum_scalr; apply bsum_ext; intros j below_j.
rewrite (units_v i), (units_v j), (units_G i j), !bpow_plus by assumption; ring.
Qed.

(** Membership in an enclosure. *)
Lemma inside_correct low x high : inside low x high = true -> F2R low <= F2R x <= F2R high.
Proof.
unfold inside; rewrite andb_true_iff, !dyadic_le_correct; intros within; exact within.
Qed.

(** The enclosure is narrow where the integers say so. *)
Lemma narrow_correct lw l hw h : narrow_ends lw l hw h = true -> b64_value lw = F2R l ->
  b64_value hw = F2R h -> sharp lw hw.
Proof.
unfold narrow_ends, sharp; intros accepted -> ->; apply orb_true_iff in accepted.
destruct accepted as [less|next]; [left|right; apply Z.eqb_eq; exact next].
apply dyadic_le_correct in less; unfold F2R in *; cbn [Fnum Fexp] in less.
rewrite !mult_IZR in less; lra.
Qed.

(** What is known of the Gram matrix that was read: a symmetric matrix of integers in one unit. *)
Definition gram_fits (b : bundle) (gram : option (list (list Z) * Z * Z)) : Prop :=
  match gram with
  | None => calibrated b = false
  | Some (U, E, top) => exists M, U = upper (columns b) M /\
      length M = columns b /\ (forall r, In r M -> length r = columns b) /\
      symmetric (columns b) M = true /\
      (forall i j, (i < columns b)%nat -> (j < columns b)%nat ->
        gram_of b i j = int_mat M i j * bpow radix2 E) /\
      (0 <= top)%Z /\ forall r, In r U -> forall x, In x r -> (Z.abs x <= top)%Z
  end.

(** What is known of what the rows share. *)
Record fits (b : bundle) (t : tensor) : Prop := {
  fits_ruler : prepare (code_grid b) = Some (tensor_ruler t);
  fits_width : width_of t = columns b;
  fits_columns : group_columns t = group_width (columns b) (group_size b);
  fits_groups : groups t = group_count (columns b) (group_size b);
  fits_gram : gram_fits b (triangle t);
  fits_guard : guard t = guarded b }.

(** Losses without a fault are what they are claimed to be, whatever they are losses of. *)
Lemma loss_fault_sound guarded r unit final rtn : loss_fault guarded r unit final rtn = None ->
  let f := F2R (Float radix2 final unit) in let n := F2R (Float radix2 rtn unit) in
  b64_value (final_low r) <= f <= b64_value (final_high r) /\
  b64_value (rtn_low r) <= n <= b64_value (rtn_high r) /\
  (guarded = true -> f <= n) /\
  (sharp (final_low r) (final_high r) /\ sharp (rtn_low r) (rtn_high r)) /\
  forall x y, exact_losses r = Some (x, y) -> f = F2R x /\ n = F2R y.
Proof.
cbv zeta; unfold loss_fault.
destruct (read_b64 _) as [[|fl [|fh [|rl [|rh [|x ends]]]]]|] eqn:read_e; try discriminate.
destruct (read_b64_correct _ _ read_e) as [_ [_ value_e]].
injection value_e as value_fl value_fh value_rl value_rh.
destruct (guarded && negb (final <=? rtn)%Z) eqn:kept; [discriminate|].
destruct (inside fl _ fh) eqn:in_final; [simpl negb; cbv iota|discriminate].
destruct (inside rl _ rh) eqn:in_rtn; [simpl negb; cbv iota|discriminate].
destruct (narrow_ends (final_low r) fl (final_high r) fh) eqn:width_f; [|discriminate].
destruct (narrow_ends (rtn_low r) rl (rtn_high r) rh) eqn:width_r; [|discriminate].
destruct (match exact_losses r with
  | Some (x, y) => same_number x _ && same_number y _ | None => true end) eqn:exact_ok;
  [intros _|discriminate].
apply inside_correct in in_final; apply inside_correct in in_rtn.
rewrite value_fl, value_fh, value_rl, value_rh.
split; [exact in_final|split; [exact in_rtn|split; [|split; [split|]]]].
- intros claimed; rewrite claimed in kept; simpl in kept; apply negb_false_iff, Z.leb_le in kept.
  apply F2R_le; exact kept.
- exact (narrow_correct _ _ _ _ width_f value_fl value_fh).
- exact (narrow_correct _ _ _ _ width_r value_rl value_rh).
- intros x y some; rewrite some in exact_ok; unfold same_number in exact_ok.
  rewrite !andb_true_iff, !dyadic_le_correct in exact_ok; lra.
Qed.

(** Those of the row itself. *)
Lemma loss_fault_correct b r unit final rtn :
  final_loss b r = F2R (Float radix2 final unit) -> rtn_loss b r = F2R (Float radix2 rtn unit) ->
  loss_fault (guarded b) r unit final rtn = None ->
  b64_value (final_low r) <= final_loss b r <= b64_value (final_high r) /\
  b64_value (rtn_low r) <= rtn_loss b r <= b64_value (rtn_high r) /\
  (guarded b = true -> final_loss b r <= rtn_loss b r) /\
  (sharp (final_low r) (final_high r) /\ sharp (rtn_low r) (rtn_high r)) /\
  forall x y, exact_losses r = Some (x, y) -> final_loss b r = F2R x /\ rtn_loss b r = F2R y.
Proof. intros -> ->; apply loss_fault_sound. Qed.

(** Points agree in the columns where the diagonal is zero. *)
Lemma dead_agree_correct n M q p : length M = n -> (forall r, In r M -> length r = n) ->
  length q = n -> length p = n -> dead_agree (upper n M) q p = true ->
  forall j, (j < n)%nat -> int_mat M j j = 0 -> nth j q 0%Z = nth j p 0%Z.
Proof.
revert M q p; induction n as [|n IH]; intros M q p size wide size_q size_p agree j below zero;
  [lia|].
destruct M as [|r M]; [discriminate|]; destruct q as [|x q], p as [|y p]; try discriminate.
cbn [upper dead_agree] in agree; apply andb_true_iff in agree; destruct agree as [first others].
destruct j as [|j].
- unfold int_mat in zero; cbn [nth] in *; apply eq_IZR in zero.
  destruct r as [|g r]; [assert (none := wide _ (or_introl eq_refl)); discriminate|].
  cbn [nth hd] in *; rewrite zero in first; simpl in first; apply Z.eqb_eq; exact first.
- cbn [nth]; apply (IH (map (@tl Z) M)); [rewrite map_length; simpl in size; lia| |simpl in *; lia
    |simpl in *; lia|exact others|lia|rewrite int_mat_tails; exact zero].
  intros t member; apply in_map_iff in member; destruct member as [t' [<- inside]].
  assert (width := wide t' (or_intror inside)); destruct t'; simpl in *; lia.
Qed.

(** What is known of a row that was read: all that is not about losses, and its errors. *)
Record row_read (b : bundle) (r : tensor_row) (e : Z) (q : list Z) (p : option (list Z)) : Prop := {
  read_weights : length (weights r) = columns b /\ Forall b32_finite (weights r);
  read_codes : length (codes r) = columns b /\ Forall (code_ok (code_grid b)) (codes r);
  read_scales : Forall b32_finite (scales r);
  read_steps : forall j, (j < columns b)%nat ->
    step_of b r j <> 0 /\ zero_ok (code_grid b) (zero_of b r j);
  read_claim : claims_rtn r = true -> forall j, (j < columns b)%nat ->
    point_row b r j = rtn_row b r j;
  read_dead : calibrated b = true -> forall j, (j < columns b)%nat -> gram_of b j j = 0 ->
    point_row b r j = rtn_row b r j;
  read_final : length q = columns b /\ forall j, (j < columns b)%nat ->
    vsub (weight_row r) (point_row b r) j = int_vec q j * bpow radix2 e;
  read_rtn : let p' := match p with Some l => l | None => q end in
    length p' = columns b /\ forall j, (j < columns b)%nat ->
    vsub (weight_row r) (rtn_row b r) j = int_vec p' j * bpow radix2 e }.

(** Reading a row. *)
Lemma read_row_correct b t r e q0 p0 : fits b t -> read_row t r = inl (Errors e q0 p0) ->
  row_read b r e q0 p0.
Proof.
intros fit; destruct fit as [ready fit_n fit_width fit_count fit_gram _]; unfold read_row.
rewrite fit_n, fit_width, fit_count; set (k := tensor_ruler t) in *.
set (n := columns b) in *; set (width := group_width n (group_size b)).
set (count := group_count n (group_size b)).
destruct (_ && _) eqn:shape; [simpl negb; cbv iota|discriminate].
rewrite !andb_true_iff, !Nat.eqb_eq in shape; destruct shape as [[[len_w len_c] len_s] len_z].
destruct (read_b32 (weights r)) as [w|] eqn:read_w; [|discriminate].
destruct (read_b32 (scales r)) as [s|] eqn:read_s; [|discriminate].
destruct (forallb _ s) eqn:nonzero; [simpl negb; cbv iota|discriminate].
destruct (forallb (ruler_zero k) (zeros r)) eqn:zeros_ok; [simpl negb; cbv iota|discriminate].
rewrite forallb_forall in nonzero, zeros_ok.
destruct (read_b32_correct _ _ read_w) as [size_w [finite_w value_w]].
destruct (read_b32_correct _ _ read_s) as [size_s [finite_s value_s]].
clear read_w read_s.
assert (cover := groups_cover n (group_size b)); fold width count in cover.
set (steps := spread n width (combine s (zeros r))).
assert (size_c : length (combine s (zeros r)) = count) by (rewrite combine_length; lia).
destruct (spread_correct n width (combine s (zeros r)) no_step ltac:(rewrite size_c; exact cover))
  as [size_steps step_at]; fold steps in size_steps, step_at.
assert (group : forall j, (j < n)%nat ->
  (j / width)%nat = group_of b j /\ (group_of b j < count)%nat).
{ intros j below; assert (inside : (j / width < count)%nat).
  { apply Nat.div_lt_upper_bound; [unfold width, group_width; destruct (group_size b); lia|lia]. }
  assert (same_group : (j / width)%nat = group_of b j).
  { unfold width, group_width, group_of; destruct (group_size b); [|reflexivity].
    apply Nat.div_small; exact below. }
  rewrite <- same_group; split; [reflexivity|exact inside]. }
assert (at_step : forall j, (j < n)%nat ->
  Fnum (fst (nth j steps no_step)) <> 0%Z /\
  F2R (fst (nth j steps no_step)) = step_of b r j /\ snd (nth j steps no_step) = zero_of b r j).
{ intros j below; destruct (group j below) as [index inside].
  rewrite step_at, index, combine_nth by lia; cbn [fst snd]; split; [|split; [|reflexivity]].
  - apply Z.eqb_neq; apply negb_true_iff, nonzero, nth_In; lia.
  - symmetry; apply (read_nth b32_value F2R _ _ _ value_s); lia. }
assert (steps_ok : forall j, (j < n)%nat ->
  step_of b r j <> 0 /\ zero_ok (code_grid b) (zero_of b r j)).
{ intros j below; destruct (at_step j below) as [not_zero [<- _]]; split.
  - intros zero; apply not_zero, (eq_0_F2R radix2 _ (Fexp (fst (nth j steps no_step)))).
    rewrite <- zero; destruct (fst (nth j steps no_step)); reflexivity.
  - apply (ruler_zero_correct _ k); [exact ready|apply zeros_ok, nth_In].
    destruct (group j below); lia. }
destruct (code_points k steps (codes r)) as [q|] eqn:read_q; [|discriminate].
destruct (code_points_correct _ k ready _ _ _ read_q) as [size_q [codes_ok value_q]].
set (p := rtn_points k steps w).
destruct (rtn_points_correct _ k ready steps w ltac:(lia)) as [size_p value_p].
fold p in size_p, value_p.
set (e1 := Z.min (lowest w) (Z.min (lowest q) (lowest p))).
set (wi := map (align e1) w); set (qi := map (align e1) q); set (pi := map (align e1) p).
assert (real_w : forall j, (j < n)%nat -> weight_row r j = int_vec wi j * bpow radix2 e1).
{ intros j below; unfold weight_row.
  rewrite (read_nth b32_value F2R _ _ _ value_w) by lia; apply align_nth.
  intros x member; apply (aligned_le (lowest w)); [lia|apply lowest_aligned, member]. }
assert (real_q : forall j, (j < n)%nat -> point_row b r j = int_vec qi j * bpow radix2 e1).
{ intros j below; destruct (at_step j below) as [_ [step zero]]; unfold point_row.
  rewrite <- step, <- zero, <- value_q by lia; apply align_nth.
  intros x member; apply (aligned_le (lowest q)); [lia|apply lowest_aligned, member]. }
assert (real_p : forall j, (j < n)%nat -> rtn_row b r j = int_vec pi j * bpow radix2 e1).
{ intros j below; destruct (at_step j below) as [not_zero [step zero]].
  unfold rtn_row, weight_row; rewrite (read_nth b32_value F2R _ _ _ value_w) by lia.
  rewrite <- step, <- zero, <- value_p by first [lia|exact not_zero]; apply align_nth.
  intros x member; apply (aligned_le (lowest p)); [lia|apply lowest_aligned, member]. }
assert (len_wi : length wi = n) by (unfold wi; rewrite map_length; lia).
assert (len_qi : length qi = n) by (unfold qi; rewrite map_length; lia).
assert (len_pi : length pi = n) by (unfold pi; rewrite map_length; lia).
destruct (claims_rtn r && negb (equal_lists qi pi)) eqn:claim; [discriminate|].
destruct (match triangle t with Some _ => _ | None => _ end) eqn:dead;
  [simpl negb; cbv iota|discriminate].
intros done; injection done as <- <- <-.
assert (agreed : equal_lists qi pi = true -> forall j, (j < n)%nat ->
  point_row b r j = rtn_row b r j).
{ intros equal j below; apply equal_lists_correct in equal.
  rewrite real_q, real_p, equal by exact below; reflexivity. }
constructor.
- split; assumption.
- split; assumption.
- exact finite_s.
- exact steps_ok.
- intros claims; apply agreed; rewrite claims in claim; simpl in claim.
  apply negb_false_iff; exact claim.
- intros has_gram j below zero; destruct (triangle t) as [[[U E] top]|].
  2: { simpl in fit_gram; congruence. }
  destruct fit_gram as [M [-> [size [wide [_ [units _]]]]]].
  rewrite real_q, real_p by exact below; unfold int_vec.
  rewrite (dead_agree_correct n M qi pi size wide len_qi len_pi dead j below); [reflexivity|].
  rewrite units in zero by exact below; assert (unit_pos := bpow_gt_0 radix2 E).
  apply Rmult_integral in zero; destruct zero as [zero|zero]; [exact zero|lra].
- split; [apply differences_length; assumption|].
  intros j below; unfold vsub; rewrite differences_correct by lia.
  rewrite real_w, real_q by exact below; ring.
- cbv zeta; destruct (equal_lists qi pi) eqn:equal;
    (split; [apply differences_length; assumption|]); intros j below; unfold vsub;
    rewrite differences_correct by lia.
  + rewrite <- (agreed eq_refl j below), real_w, real_q by exact below; ring.
  + rewrite real_w, real_p by exact below; ring.
Qed.

(** A row that was read and whose losses have no fault keeps every promise. *)
Theorem row_correct b r e q p U E top : row_read b r e q p ->
  prepare (code_grid b) <> None ->
  (calibrated b = true -> gram_fits b (Some (U, E, top)) /\
    loss_fault (guarded b) r (e + e + E) (quadratic U q)
      (quadratic U match p with Some l => l | None => q end) = None) ->
  row_sound b r.
Proof.
intros read some losses; destruct read as [ok_w ok_c ok_s steps claim dead final rtn].
cbv zeta in rtn.
assert (ok : grid_ok (code_grid b)).
{ destruct (prepare (code_grid b)) as [k|] eqn:ready; [exact (prepare_ok _ _ ready)|congruence]. }
assert (all : calibrated b = true ->
  b64_value (final_low r) <= final_loss b r <= b64_value (final_high r) /\
  b64_value (rtn_low r) <= rtn_loss b r <= b64_value (rtn_high r) /\
  (guarded b = true -> final_loss b r <= rtn_loss b r) /\
  (sharp (final_low r) (final_high r) /\ sharp (rtn_low r) (rtn_high r)) /\
  forall x y, exact_losses r = Some (x, y) -> final_loss b r = F2R x /\ rtn_loss b r = F2R y).
{ intros has_gram; destruct (losses has_gram) as [[M facts] good].
  destruct facts as [-> [size [wide [symmetric_M [units _]]]]].
  apply (loss_fault_correct b r (e + e + E) (quadratic (upper (columns b) M) q)
    (quadratic (upper (columns b) M) match p with Some l => l | None => q end)); [| |exact good].
  - apply (qform_units _ _ _ _ _ e E size wide); [apply final|exact symmetric_M|exact units|apply
    final].
  - apply (qform_units _ _ _ _ _ e E size wide); [apply rtn|exact symmetric_M|exact units|apply
    rtn]. }
constructor; try assumption.
- split; assumption.
- intros j below; split.
  + destruct (grid_round_code (code_grid b) (zero_of b r j) (weight_row r j / step_of b r j) ok)
      as [c [valid value]].
    exists c; split; [exact valid|unfold rtn_row, nearest_point; rewrite value; reflexivity].
  + intros c valid; apply nearest_point_nearest; [exact ok|exact valid|apply steps, below].
- intros has_gram; apply all, has_gram.
- intros has_gram claimed; apply (all has_gram), claimed.
- intros has_gram; apply all, has_gram.
- intros has_gram; apply all, has_gram.
- intros has_gram; apply all, has_gram.
- intros claims j h below gap; rewrite (claim claims j below).
  apply nearest_point_half_gap; [exact ok|apply steps, below|exact gap].
Qed.

(** Rows that were read without a failure. *)
Lemma reading_failure_none {A : Set} (reads : A -> errors + fault) i l :
  reading_failure i (map reads l) = None ->
  forall r, In r l -> exists e q p, reads r = inl (Errors e q p).
Proof.
revert i; induction l as [|r l IH]; intros i; cbn [map reading_failure]; [intros _ r []|].
destruct (reads r) as [[e q p]|] eqn:read; [|discriminate].
intros rest s [<-|member]; [exists e, q, p; exact read|exact (IH _ rest s member)].
Qed.

(** Rows whose losses have no failure, however they were read. *)
Lemma losses_failure_none {A : Set} (reads : A -> errors + fault) verdict U unit i l :
  losses_failure verdict unit i l (map reads l)
    (map (quadratic U) (flat_map vectors_of (map reads l))) = None ->
  forall r, In r l -> exists e q p, reads r = inl (Errors e q p) /\
    verdict r (e + e + unit)%Z (quadratic U q)
      (quadratic U match p with Some s => s | None => q end) = None.
Proof.
revert i; induction l as [|r l IH]; intros i; cbn [map losses_failure flat_map];
  [intros _ r []|].
destruct (reads r) as [[e q [p|]]|] eqn:read; [| |discriminate]; cbn [vectors_of app map];
  destruct (verdict _ _ _ _) eqn:good; try discriminate; intros rest s [<-|member];
  try exact (IH _ rest s member).
- exists e, q, (Some p); split; assumption.
- exists e, q, None; split; assumption.
Qed.

(** Rows without a failure keep every promise. *)
Lemma rows_failure_none b t i : fits b t -> rows_failure t i (rows b) = None ->
  forall r, In r (rows b) -> row_sound b r.
Proof.
intros fit; unfold rows_failure.
assert (some : prepare (code_grid b) <> None) by (rewrite (fits_ruler _ _ fit); discriminate).
assert (gram := fits_gram _ _ fit).
destruct (triangle t) as [[[U E] top]|] eqn:shared; intros good r member.
- assert (facts := gram); destruct facts as [M [size [_ [_ [_ [_ [top_pos small]]]]]]].
  rewrite quadratics_correct in good; [|exact top_pos|exact small|].
  + destruct (losses_failure_none _ _ U E i (rows b) good r member) as [e [q [p [read fine]]]].
    apply (row_correct b r e q p U E top); [exact (read_row_correct b t r e q p fit read)|exact
      some|].
    intros _; split; [exact gram|rewrite <- (fits_guard _ _ fit); exact fine].
  + intros v inside; apply in_flat_map in inside; destruct inside as [x [from inside]].
    apply in_map_iff in from; destruct from as [s [read _]].
    rewrite (fits_width _ _ fit); destruct x as [[e q p]|]; [|destruct inside].
    assert (facts := read_row_correct b t s e q p fit read).
    destruct p as [p|]; cbn [vectors_of] in inside.
    * destruct inside as [<-|[<-|[]]]; [apply (read_final _ _ _ _ _ facts)|apply (read_rtn _ _ _ _
      _ facts)].
    * destruct inside as [<-|[]]; apply (read_final _ _ _ _ _ facts).
- destruct (reading_failure_none _ i (rows b) good r member) as [e [q [p read]]].
  apply (row_correct b r e q p [] 0 0); [exact (read_row_correct b t r e q p fit read)|exact some|].
  intros has_gram; simpl in gram; congruence.
Qed.

(** What is known of a Gram matrix. *)
Definition gram_ok (b : bundle) : Prop :=
  match gram_words b with
  | None => True
  | Some W => length W = columns b /\
      (forall r, In r W -> length r = columns b /\ Forall b64_finite r) /\
      sym (columns b) (gram_of b)
  end.

(** The unit of a matrix serves each entry. *)
Lemma matrix_unit_correct E0 W E : matrix_unit E0 W = Some E -> (E <= E0)%Z /\
  forall r, In r W -> exists d, read_b64 r = Some d /\ forall x, In x d -> aligned E x.
Proof.
revert E0; induction W as [|r W IH]; intros E0; cbn [matrix_unit].
- intros done; injection done as <-; split; [lia|intros r []].
- destruct (read_b64 r) as [d|] eqn:read; [|discriminate]; intros rest.
  destruct (IH _ rest) as [below each]; split; [lia|].
  intros t [<-|member]; [|exact (each t member)].
  exists d; split; [exact read|intros x inside].
  apply (aligned_le (lowest d)); [lia|apply lowest_aligned; exact inside].
Qed.

(** Words that are read are the integers of their numbers. *)
Lemma word_units_row E r d : read_b64 r = Some d -> map (word_units E) r = map (align E) d.
Proof.
unfold read_b64; revert d; induction r as [|w r IH]; intros d; cbn [read_words].
- intros done; injection done as <-; reflexivity.
- destruct (_ && _); [|discriminate].
  destruct (b64_dyadic w) as [x|] eqn:word; [|discriminate].
  destruct (read_words _ _ r) as [l|]; [|discriminate].
  intros done; injection done as <-; cbn [map]; rewrite (IH l eq_refl).
  unfold word_units at 1; rewrite word; reflexivity.
Qed.

(** A list equals itself. *)
Lemma equal_lists_refl l : equal_lists l l = true.
Proof. induction l as [|x l IH]; [reflexivity|simpl; rewrite Z.eqb_refl; exact IH]. Qed.

(** The triangle of a matrix that was changed entry by entry. *)
Lemma upper_map f n M : upper n (map (map f) M) = map (map f) (upper n M).
Proof.
revert M; induction n as [|n IH]; intros [|r M]; try reflexivity.
cbn [map upper]; f_equal; rewrite <- IH; f_equal; rewrite !map_map.
apply map_ext; intros [|x l]; reflexivity.
Qed.

(** The same of symmetry. *)
Lemma symmetric_map f n M : f 0%Z = 0%Z -> symmetric n M = true ->
  symmetric n (map (map f) M) = true.
Proof.
intros zero; revert M; induction n as [|n IH]; intros [|r M]; try reflexivity.
cbn [map symmetric]; rewrite !andb_true_iff; intros [first rest]; split.
- apply equal_lists_correct in first.
  replace (tl (map f r)) with (map f (tl r)) by (destruct r; reflexivity).
  rewrite first, !map_map.
  replace (map (fun x => hd 0%Z (map f x)) M) with (map (fun x => f (hd 0%Z x)) M);
    [apply equal_lists_refl|apply map_ext; intros [|x l]; [exact zero|reflexivity]].
- replace (map (@tl Z) (map (map f) M)) with (map (map f) (map (@tl Z) M)); [exact (IH _ rest)|].
  rewrite !map_map; apply map_ext; intros [|x l]; reflexivity.
Qed.

(** Reading the Gram matrix. *)
Lemma read_gram_correct b gram : read_gram (columns b) (gram_words b) = inl gram ->
  gram_fits b gram /\ gram_ok b.
Proof.
unfold read_gram, gram_ok; destruct (gram_words b) as [W|] eqn:words.
2: { intros none; injection none as <-; split; [|exact I].
     unfold gram_fits, calibrated; rewrite words; reflexivity. }
destruct (_ || _) eqn:shape; [discriminate|].
rewrite orb_false_iff, !negb_false_iff, Nat.eqb_eq, forallb_forall in shape.
destruct shape as [len_G len_rows].
assert (entries : forall i j, gram_of b i j = b64_value (nth j (nth i W []) 0%Z)).
{ intros i j; unfold gram_of; rewrite words; reflexivity. }
assert (width : forall r, In r W -> length r = columns b).
{ intros r member; apply Nat.eqb_eq, len_rows, member. }
destruct (matrix_unit 0 W) as [E|] eqn:unit; [|discriminate].
destruct (matrix_unit_correct _ _ _ unit) as [_ each].
set (n := columns b) in *; set (f := word_units E); set (M := map (map f) W).
destruct (symmetric n W) eqn:symmetric_W; [simpl negb; cbv iota|discriminate].
intros done; injection done as <-.
assert (symmetric_M : symmetric n M = true) by (apply symmetric_map; [exact (Z.shiftl_0_l _)|exact
  symmetric_W]).
assert (size_M : length M = n) by (unfold M; rewrite map_length; lia).
assert (wide_M : forall r, In r M -> length r = n).
{ intros r member; apply in_map_iff in member; destruct member as [t [<- inside]].
  rewrite map_length; apply width; exact inside. }
assert (units : forall i j, (i < n)%nat -> (j < n)%nat ->
  gram_of b i j = int_mat M i j * bpow radix2 E).
{ intros i j below_i below_j; assert (inside_G : In (nth i W []) W) by (apply nth_In; lia).
  destruct (each _ inside_G) as [d [read_d all]].
  destruct (read_b64_correct _ _ read_d) as [len_d [_ value_d]].
  rewrite (width _ inside_G) in len_d.
  rewrite entries, (read_nth b64_value F2R _ _ _ value_d) by (rewrite (width _ inside_G); exact
    below_j).
  unfold int_mat; replace (nth i M []) with (map f (nth i W [])) by (symmetry; exact (map_nth (map
    f) W [] i)).
  unfold f; rewrite (word_units_row E _ _ read_d); apply align_nth; exact all. }
split.
- exists M; split; [symmetry; apply upper_map|split; [exact size_M|split; [exact wide_M|]]].
  split; [exact symmetric_M|split; [exact units|]].
  destruct (largest_of_bounds 0 (map (map f) (upper n W))) as [top_pos small].
  split; [exact top_pos|exact small].
- split; [exact len_G|split].
  + intros r member; split; [exact (width r member)|].
    destruct (each r member) as [d [read_d _]]; apply (read_b64_correct _ _ read_d).
  + intros i j below_i below_j; rewrite !units by assumption; f_equal.
    apply (symmetric_correct n M size_M symmetric_M); assumption.
Qed.

(** What the rows share. *)
Lemma start_correct b t : start_tensor b = inl t -> (0 < columns b)%nat /\ fits b t /\ gram_ok b.
Proof.
unfold start_tensor; destruct (Nat.eqb_spec (columns b) 0) as [|some]; [discriminate|].
destruct (prepare (code_grid b)) as [k|] eqn:ready; [|discriminate].
destruct (read_gram (columns b) (gram_words b)) as [gram|] eqn:read; [|discriminate].
destruct (read_gram_correct b gram read) as [shared ok].
intros done; injection done as <-; split; [lia|split; [|exact ok]].
constructor; cbn; first [assumption|reflexivity].
Qed.

(** What acceptance says of the bundle as a whole. *)
Lemma accepts_inv b : accepts b = true ->
  (0 < columns b)%nat /\ (0 < length (rows b))%nat /\ grid_ok (code_grid b) /\ gram_ok b /\
  forall r, In r (rows b) -> row_sound b r.
Proof.
unfold accepts, first_failure; destruct (Nat.eqb_spec (length (rows b)) 0) as [|some_rows];
  [discriminate|].
destruct (start_tensor b) as [t|] eqn:begun; [|discriminate].
destruct (rows_failure t 0 (rows b)) eqn:good_rows; [discriminate|intros _].
destruct (start_correct b t begun) as [some_columns [fit ok]].
split; [exact some_columns|split; [lia|split; [exact (prepare_ok _ _ (fits_ruler _ _ fit))|]]].
split; [exact ok|exact (rows_failure_none b t 0 fit good_rows)].
Qed.

(** T13, the Gram matrix: an accepted one is a nonempty symmetric matrix of finite numbers. *)
Theorem accepts_gram b W : accepts b = true -> gram_words b = Some W ->
  (0 < columns b)%nat /\ length W = columns b /\
  (forall r, In r W -> length r = columns b /\ Forall b64_finite r) /\
  sym (columns b) (gram_of b).
Proof.
intros accepted words; apply accepts_inv in accepted; unfold gram_ok in accepted.
rewrite words in accepted; tauto.
Qed.

(** T13, the grid: an accepted one is a grid. *)
Theorem accepts_grid b : accepts b = true -> grid_ok (code_grid b).
Proof. intros accepted; apply accepts_inv in accepted; tauto. Qed.

(** T13: in an accepted bundle every row keeps every promise of [row_sound], about the real numbers
    that its words stand for. *)
Theorem accepts_rows b : accepts b = true ->
  (0 < length (rows b))%nat /\
  forall i, (i < length (rows b))%nat -> row_sound b (row_at b i).
Proof.
intros accepted; apply accepts_inv in accepted.
destruct accepted as [_ [some_rows [_ [_ each]]]]; split; [exact some_rows|].
intros i below; apply each, nth_In; exact below.
Qed.

(** T13, the matrix: the codes lose no more than round-to-nearest, summed over the rows. *)
Theorem accepts_total b : accepts b = true -> calibrated b = true -> guarded b = true ->
  matrix_qform (length (rows b)) (columns b) (gram_of b)
    (fun i => vsub (weight_row (row_at b i)) (point_row b (row_at b i)))
  <= matrix_qform (length (rows b)) (columns b) (gram_of b)
    (fun i => vsub (weight_row (row_at b i)) (rtn_row b (row_at b i))).
Proof.
intros accepted has_gram claimed; apply bsum_le; intros i below.
destruct (accepts_rows b accepted) as [_ each].
exact (sound_guard _ _ (each i below) has_gram claimed).
Qed.

(** T13, one part at a time: rows that are judged with what [start_tensor] made of the bundle
    without them keep every promise. *)
Theorem judged_rows b t i : start_tensor b = inl t -> rows_failure t i (rows b) = None ->
  forall r, In r (rows b) -> row_sound b r.
Proof.
intros begun good; destruct (start_correct b t begun) as [_ [fit _]].
exact (rows_failure_none b t i fit good).
Qed.

(** T13, the enclosures: the sums of the ends enclose the total loss of the codes. *)
Theorem accepts_enclosures b : accepts b = true -> calibrated b = true ->
  bsum (length (rows b)) (fun i => b64_value (final_low (row_at b i)))
  <= matrix_qform (length (rows b)) (columns b) (gram_of b)
       (fun i => vsub (weight_row (row_at b i)) (point_row b (row_at b i)))
  <= bsum (length (rows b)) (fun i => b64_value (final_high (row_at b i))).
Proof.
intros accepted has_gram; destruct (accepts_rows b accepted) as [_ each].
split; apply bsum_le; intros i below; apply (sound_final _ _ (each i below) has_gram).
Qed.
