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
From Hallmark Require Import Check.QuadraticForm Check.Checker Check.Points.
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
  nth i (rows b) (Row [] [] [] [] false 0 0 0 0).

(** The exact loss of the codes of a row. *)
Definition final_loss (b : bundle) (r : tensor_row) : R :=
  qform (columns b) (gram_of b) (vsub (weight_row r) (point_row b r)).

(** The exact loss of round-to-nearest. *)
Definition rtn_loss (b : bundle) (r : tensor_row) : R :=
  qform (columns b) (gram_of b) (vsub (weight_row r) (rtn_row b r)).

(** What the checker promises about a row: of its words; that [rtn_row] is a nearest point of the
    grid in each column; of the losses, as far as the bundle claims something of them; and, where
    the row claims to be round-to-nearest, that it is, within half a gap of the grid. *)
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
  sound_rtn : calibrated b = true -> guarded b = true ->
    b64_value (rtn_low r) <= rtn_loss b r <= b64_value (rtn_high r);
  sound_claim : claims_rtn r = true ->
    forall j, (j < columns b)%nat -> point_row b r j = rtn_row b r j;
  sound_half_gap : claims_rtn r = true -> forall j h, (j < columns b)%nat ->
    half_gap (code_grid b) (zero_of b r j) (weight_row r j / step_of b r j) h ->
    Rabs (weight_row r j - point_row b r j) <= Rabs (step_of b r j) * h }.

(** The lowest exponent of a matrix serves each entry. *)
Lemma lowest_matrix_aligned D r x : In r D -> In x r -> aligned (lowest_matrix D) x.
Proof.
intros row_in entry_in; apply (aligned_le (lowest r)); [|apply lowest_aligned; exact entry_in].
clear entry_in x; induction D as [|d D IH]; [destruct row_in|].
change (lowest_matrix (d :: D)) with (Z.min (lowest d) (lowest_matrix D)).
destruct row_in as [-> |row_in]; [lia|specialize (IH row_in); lia].
Qed.

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

(** What is known of the Gram matrix that was read: a symmetric matrix of integers in one unit. *)
Definition gram_fits (b : bundle) (gram : option (list (list Z) * Z)) : Prop :=
  match gram with
  | None => calibrated b = false
  | Some (U, E) => exists M, U = upper (columns b) M /\
      length M = columns b /\ (forall r, In r M -> length r = columns b) /\
      symmetric (columns b) M = true /\
      forall i j, (i < columns b)%nat -> (j < columns b)%nat ->
        gram_of b i j = int_mat M i j * bpow radix2 E
  end.

(** The loss of a row of points in one unit. *)
Lemma row_quadratic_correct b M E r p (point : vec) w e : length M = columns b ->
  (forall t, In t M -> length t = columns b) -> symmetric (columns b) M = true ->
  (forall i j, (i < columns b)%nat -> (j < columns b)%nat ->
    gram_of b i j = int_mat M i j * bpow radix2 E) ->
  length w = columns b -> length p = columns b ->
  (forall j, (j < columns b)%nat -> weight_row r j = int_vec w j * bpow radix2 e) ->
  (forall j, (j < columns b)%nat -> point j = int_vec p j * bpow radix2 e) ->
  qform (columns b) (gram_of b) (vsub (weight_row r) point)
  = F2R (Float radix2 (row_quadratic (upper (columns b) M) w p) (e + e + E)).
Proof.
intros size wide symmetric_M units size_w size_p real_w real_p.
apply qform_units; try assumption; [apply differences_length; assumption|].
intros j below; unfold vsub; rewrite differences_correct by lia.
rewrite real_w, real_p by exact below; ring.
Qed.

(** Losses without a fault are what they are claimed to be. *)
Lemma loss_fault_correct b U E r e w q p : gram_fits b (Some (U, E)) ->
  length w = columns b -> length q = columns b -> length p = columns b ->
  (forall j, (j < columns b)%nat -> weight_row r j = int_vec w j * bpow radix2 e) ->
  (forall j, (j < columns b)%nat -> point_row b r j = int_vec q j * bpow radix2 e) ->
  (forall j, (j < columns b)%nat -> rtn_row b r j = int_vec p j * bpow radix2 e) ->
  loss_fault U E (guarded b) r e w q p = None ->
  b64_value (final_low r) <= final_loss b r <= b64_value (final_high r) /\
  (guarded b = true -> final_loss b r <= rtn_loss b r /\
    b64_value (rtn_low r) <= rtn_loss b r <= b64_value (rtn_high r)).
Proof.
intros [M [-> [size [wide [symmetric_M units]]]]] size_w size_q size_p real_w real_q real_p.
unfold loss_fault; destruct (read_b64 _) as [[|fl [|fh [|rl [|rh [|x ends]]]]]|] eqn:read_e;
  try discriminate.
destruct (read_b64_correct _ _ read_e) as [_ [_ value_e]]; injection value_e as -> -> -> ->.
assert (real_final : final_loss b r = F2R (Float radix2
  (row_quadratic (upper (columns b) M) w q) (e + e + E)))
  by (apply row_quadratic_correct; assumption).
assert (real_rtn : rtn_loss b r = F2R (Float radix2
  (row_quadratic (upper (columns b) M) w p) (e + e + E)))
  by (apply row_quadratic_correct; assumption).
set (final := row_quadratic (upper (columns b) M) w q) in *.
assert (shared : guarded b = true -> (if negb (guarded b) || equal_lists q p then final
  else row_quadratic (upper (columns b) M) w p) = row_quadratic (upper (columns b) M) w p).
{ intros ->; simpl; destruct (equal_lists q p) eqn:equal; [|reflexivity].
  apply equal_lists_correct in equal; unfold final; rewrite equal; reflexivity. }
set (rtn := if negb (guarded b) || equal_lists q p then final else _) in *.
destruct (Z.leb_spec final rtn) as [kept|]; [simpl negb; cbv iota|discriminate].
destruct (inside fl _ fh) eqn:in_final; [simpl negb; cbv iota|discriminate].
apply inside_correct in in_final; intros good; split; [rewrite real_final; exact in_final|].
intros claimed; rewrite (shared claimed) in *; rewrite claimed in good.
destruct (inside rl _ rh) eqn:in_rtn; [|discriminate]; apply inside_correct in in_rtn.
rewrite real_final, real_rtn; split; [apply F2R_le; exact kept|exact in_rtn].
Qed.

(** A row without a fault keeps every promise. *)
Theorem row_fault_correct b k gram r : prepare (code_grid b) = Some k -> gram_fits b gram ->
  row_fault k (columns b) (group_width (columns b) (group_size b))
    (group_count (columns b) (group_size b)) gram (guarded b) r = None -> row_sound b r.
Proof.
intros ready fits; unfold row_fault.
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
set (e := Z.min (lowest w) (Z.min (lowest q) (lowest p))).
set (wi := map (align e) w); set (qi := map (align e) q); set (pi := map (align e) p).
assert (real_w : forall j, (j < n)%nat -> weight_row r j = int_vec wi j * bpow radix2 e).
{ intros j below; unfold weight_row.
  rewrite (read_nth b32_value F2R _ _ _ value_w) by lia; apply align_nth.
  intros x member; apply (aligned_le (lowest w)); [lia|apply lowest_aligned, member]. }
assert (real_q : forall j, (j < n)%nat -> point_row b r j = int_vec qi j * bpow radix2 e).
{ intros j below; destruct (at_step j below) as [_ [step zero]]; unfold point_row.
  rewrite <- step, <- zero, <- value_q by lia; apply align_nth.
  intros x member; apply (aligned_le (lowest q)); [lia|apply lowest_aligned, member]. }
assert (real_p : forall j, (j < n)%nat -> rtn_row b r j = int_vec pi j * bpow radix2 e).
{ intros j below; destruct (at_step j below) as [not_zero [step zero]].
  unfold rtn_row, weight_row; rewrite (read_nth b32_value F2R _ _ _ value_w) by lia.
  rewrite <- step, <- zero, <- value_p by first [lia|exact not_zero]; apply align_nth.
  intros x member; apply (aligned_le (lowest p)); [lia|apply lowest_aligned, member]. }
assert (len_wi : length wi = n) by (unfold wi; rewrite map_length; lia).
assert (len_qi : length qi = n) by (unfold qi; rewrite map_length; lia).
assert (len_pi : length pi = n) by (unfold pi; rewrite map_length; lia).
destruct (claims_rtn r && negb (equal_lists qi pi)) eqn:claim; [discriminate|].
intros good.
assert (losses : calibrated b = true ->
  b64_value (final_low r) <= final_loss b r <= b64_value (final_high r) /\
  (guarded b = true -> final_loss b r <= rtn_loss b r /\
    b64_value (rtn_low r) <= rtn_loss b r <= b64_value (rtn_high r))).
{ intros has_gram; destruct gram as [[U E]|]; [|simpl in fits; congruence].
  apply (loss_fault_correct b U E r e wi qi pi); assumption. }
assert (claimed : claims_rtn r = true ->
  forall j, (j < n)%nat -> point_row b r j = rtn_row b r j).
{ intros claims j below; rewrite claims in claim; simpl in claim; apply negb_false_iff in claim.
  apply equal_lists_correct in claim; rewrite real_q, real_p, claim by exact below; reflexivity. }
assert (ok := prepare_ok _ _ ready).
constructor.
- split; assumption.
- split; assumption.
- split; [exact finite_s|exact steps_ok].
- intros j below; split.
  + destruct (grid_round_code (code_grid b) (zero_of b r j) (weight_row r j / step_of b r j) ok)
      as [c [valid value]].
    exists c; split; [exact valid|unfold rtn_row, nearest_point; rewrite value; reflexivity].
  + intros c valid; apply nearest_point_nearest; [exact ok|exact valid|apply steps_ok, below].
- intros has_gram; apply losses, has_gram.
- intros has_gram claims; apply (losses has_gram), claims.
- intros has_gram claims; apply (losses has_gram), claims.
- exact claimed.
- intros claims j h below gap; rewrite (claimed claims j below).
  apply nearest_point_half_gap; [exact ok|apply steps_ok, below|exact gap].
Qed.

(** Rows without a failure are rows without a fault. *)
Lemma rows_failure_none judge i l : rows_failure judge i l = None ->
  forall r, In r l -> judge r = None.
Proof.
revert i; induction l as [|r l IH]; intros i; simpl; [intros _ r []|].
destruct (judge r) eqn:good; [discriminate|].
intros rest t [<-|member]; [exact good|exact (IH _ rest t member)].
Qed.

(** What is known of a Gram matrix. *)
Definition gram_ok (b : bundle) : Prop :=
  match gram_words b with
  | None => True
  | Some W => length W = columns b /\
      (forall r, In r W -> length r = columns b /\ Forall b64_finite r) /\
      sym (columns b) (gram_of b)
  end.

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
destruct (read_matrix W) as [D|] eqn:read_G; [|discriminate].
destruct (read_matrix_correct _ _ read_G) as [size_D each].
set (n := columns b) in *; set (E := lowest_matrix D); set (M := map (map (align E)) D).
destruct (symmetric n M) eqn:symmetric_M; [simpl negb; cbv iota|discriminate].
intros done; injection done as <-.
assert (row_facts : forall i, (i < n)%nat -> length (nth i D []) = n /\
  Forall b64_finite (nth i W []) /\
  forall j, (j < n)%nat -> gram_of b i j = F2R (nth j (nth i D []) dyadic_zero)).
{ intros i below; assert (inside_G : In (nth i W []) W) by (apply nth_In; lia).
  destruct (read_b64_correct _ _ (each i ltac:(lia))) as [len_d [finite_d value_d]].
  rewrite (width _ inside_G) in *; split; [exact len_d|split; [exact finite_d|]].
  intros j below_j; rewrite entries; apply (read_nth b64_value F2R _ _ _ value_d).
  rewrite (width _ inside_G); exact below_j. }
assert (size_M : length M = n) by (unfold M; rewrite map_length; lia).
assert (row_M : forall i, nth i M [] = map (align E) (nth i D [])).
{ intros i; exact (map_nth (map (align E)) D [] i). }
assert (wide_M : forall r, In r M -> length r = n).
{ intros r member; destruct (In_nth M r [] member) as [i [below <-]].
  rewrite row_M, map_length; apply row_facts; lia. }
assert (units : forall i j, (i < n)%nat -> (j < n)%nat ->
  gram_of b i j = int_mat M i j * bpow radix2 E).
{ intros i j below_i below_j; destruct (row_facts i below_i) as [_ [_ value_i]].
  rewrite (value_i j below_j); unfold int_mat; rewrite row_M; apply align_nth.
  intros x member; apply (lowest_matrix_aligned D (nth i D [])); [apply nth_In; lia|exact member]. }
split; [exists M; split; [reflexivity|split; [|split; [|split]]]; assumption|].
split; [exact len_G|split].
- intros r member; split; [exact (width r member)|].
  destruct (In_nth W r [] member) as [i [below <-]]; apply row_facts; lia.
- intros i j below_i below_j; rewrite !units by assumption; f_equal.
  apply (symmetric_correct n M size_M symmetric_M); assumption.
Qed.

(** What acceptance says of the bundle as a whole. *)
Lemma accepts_inv b : accepts b = true ->
  (0 < columns b)%nat /\ (0 < length (rows b))%nat /\ grid_ok (code_grid b) /\ gram_ok b /\
  forall r, In r (rows b) -> row_sound b r.
Proof.
unfold accepts, first_failure; destruct (_ || _) eqn:shape; [discriminate|].
rewrite orb_false_iff, !Nat.eqb_neq in shape; destruct shape as [some_columns some_rows].
destruct (prepare (code_grid b)) as [k|] eqn:ready; [|discriminate].
destruct (read_gram (columns b) (gram_words b)) as [gram|] eqn:read; [|discriminate].
destruct (rows_failure _ _ _) eqn:good_rows; [discriminate|intros _].
destruct (read_gram_correct b gram read) as [fits ok].
split; [lia|split; [lia|split; [exact (prepare_ok _ _ ready)|split; [exact ok|]]]].
intros r member; apply (row_fault_correct b k gram); [exact ready|exact fits|].
exact (rows_failure_none _ _ _ good_rows r member).
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
