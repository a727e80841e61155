(** * Whether scales and zero points are those that a rule gives

    Purpose: a scale says where the grid lies, so codes alone mean nothing: at scale 2^100 every
      weight is nearest to 0.  This file decides, on the words of a row, whether its scales and zero
      points are those that a rule makes of the weights.
    Main results: [group_fits_correct], [scales_fit_correct] (the rule, group by group).
    Depends on: Check/Dyadic, Check/Reading, Check/Grid, Check/Ruler, Check/RoundUp,
      Check/Deviation, Check/Adaptive, Check/Packing, Check/Checker; Flocq: Core.
    Source: docs/design.md, section "Steps". *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Format.Word Check.Dyadic Check.Reading Check.Grid Check.Ruler.
From Hallmark Require Import Check.RoundUp Check.Deviation Check.Adaptive.
From Hallmark Require Import Check.QuadraticForm Check.Packing Check.Checker.
Import ListNotations.
Open Scope Z_scope.

(** The rules that read weights and grid; the last two read the diagonal of G too. *)
Inductive scale_rule : Set := UnitRule | RowPow2 | MatrixMax | AbsMax | MinMax | SdClip |
  SdClipAdaptive | AwqLite.

(** A rule, the number of significant bits of the scales that it makes, whether they have either
    sign, the word of the largest magnitude in the matrix, which [MatrixMax] alone reads, what
    [SdClipAdaptive] alone reads, the c of the matrix and the sum of G_jj over each group of
    columns, and the group that matters most, which [AwqLite] alone reads. *)
Record scaling : Set := Scaling {
  rule_of : scale_rule;
  scale_bits : Z;
  either_sign : bool;
  matrix_top : Z;
  level : dyadic;
  inputs : list dyadic;
  best_group : nat }.

(** The dyadic number 1. *)
Definition dyadic_one : dyadic := Float radix2 1 0.

(** The smallest and the largest of a list, and 0. *)
Definition smallest (l : list Z) : Z := fold_right Z.min 0 l.
Definition greatest (l : list Z) : Z := fold_right Z.max 0 l.

(** The largest magnitude of the grid's values. *)
Definition largest_value (g : grid) : option dyadic :=
  match g with
  | Golden _ _ => None
  | Integer first last => Some (Float radix2 (Z.max (- first) last) 0)
  | Table values =>
      match read_b32 values with
      | Some ds => let u := lowest ds in Some (Float radix2 (largest 0 (map (align u) ds)) u)
      | None => None
      end
  end.

(** The bits that tell the codes of a grid apart, and the hundredths of a deviation that sdclip puts
    at the largest point of a grid of so many bits. *)
Definition code_bits (g : grid) : Z :=
  match g with
  | Golden E M => 1 + E + M
  | Integer first last => Z.log2 (last - first) + 1
  | Table values => Z.log2 (Z.of_nat (length values) - 1) + 1
  end.
Definition clip_hundredths (bits : Z) : Z :=
  if bits <=? 2 then 200 else if bits <=? 3 then 234 else if bits <=? 4 then 268
  else if bits <=? 6 then 1285 else if bits <=? 7 then 1400 else 2000.

(** A positive number goes to the largest point of the grid: [near] judges |s| beside that point.
    The sign is that by which the weight of largest magnitude has the sign
    of the first code. *)
Definition at_largest (c : scaling) (g : grid) (l : list Z) (s : dyadic)
  (near : dyadic -> dyadic -> bool) : bool :=
  match largest_value g with
  | Some L =>
      let mirrored := either_sign c && negb (existsb (Z.eqb (- largest 0 l)) l) in
      (0 <? Fnum L) && Bool.eqb (Fnum s <? 0) mirrored
      && near L (Float radix2 (Z.abs (Fnum s)) (Fexp s))
  | None => false
  end.

(** absmax for the weights l 2^e. *)
Definition absmax_fits (c : scaling) (g : grid) (l : list Z) (e : Z) (s : dyadic) : bool :=
  let m := largest 0 l in
  if m =? 0 then same_number s dyadic_one
  else at_largest c g l s (up_fits (scale_bits c) (Float radix2 m e) (Float radix2 m e)).

(** The rule gives this scale and zero point to the group [k] of a row's weights; [row] is the spread
    of the row. *)
Definition group_fits (c : scaling) (g : grid) (row : Z * Z * Z) (k : nat) (w : list dyadic)
  (s : dyadic) (z : Z) : bool :=
  let e := lowest w in
  let l := map (align e) w in
  let m := largest 0 l in
  let one := same_number s dyadic_one in
  match rule_of c with
  | UnitRule => one
  | RowPow2 => if m =? 0 then one else same_number s (Float radix2 1 (Z.log2 m + e))
  | MatrixMax =>
      match read_b32 [matrix_top c] with
      | Some [t] =>
          dyadic_le (Float radix2 m e) t &&
          (if Fnum t =? 0 then one else up_fits (scale_bits c) t t dyadic_one s)
      | _ => false
      end
  | AbsMax => absmax_fits c g l e s
  | MinMax =>
      let low := smallest l in
      let d := greatest l - low in
      if d =? 0 then one && (z =? 0) else
      match g with
      | Integer first last =>
          (0 <? last)
          && up_fits (scale_bits c) (Float radix2 (d * (2 ^ 50 - 1)) (e - 50))
               (Float radix2 (d * (2 ^ 50 + 1)) (e - 50)) (Float radix2 last 0) s
          && (z =? Fnum (ruler_nearest (IntegerRuler first last) 0 (- low) (Fnum s) (e - Fexp s)))
      | _ => false
      end
  | SdClip =>
      if scatter l =? 0 then absmax_fits c g l e s
      else at_largest c g l s
        (clip_fits (scale_bits c) 1 (clip_hundredths (code_bits g)) 1 1 (spread_of l e))
  | SdClipAdaptive =>
      let n := Z.of_nat (length l) in
      if scatter l =? 0 then absmax_fits c g l e s
      else
        match adaptive_power (level c) (nth k (inputs c) dyadic_zero) (scatter l) (n * (n * (n - 1)))
                e with
        | Some (F, G) =>
            at_largest c g l s
              (clip_fits (scale_bits c) 16 (clip_hundredths (code_bits g)) F G (spread_of l e))
        | None => false
        end
  | AwqLite =>
      let point := if (k =? best_group c)%nat then 127 else 31 in
      if snd (fst row) =? 0 then absmax_fits c g l e s
      else clip_fits (scale_bits c) 1 1285 1 1 row (Float radix2 point 0) s
  end.

(** [count] groups of [width] entries; the last may be shorter. *)
Fixpoint cut {A} (count width : nat) (l : list A) : list (list A) :=
  match count with
  | O => []
  | S k => firstn width l :: cut k width (skipn width l)
  end.

(** The spread of a row, for the rule that reads it. *)
Definition row_spread (c : scaling) (w : list dyadic) : Z * Z * Z :=
  match rule_of c with
  | AwqLite => spread_of (map (align (lowest w)) w) (lowest w)
  | _ => (0, 0, 0)
  end.

(** Group by group, from group [k] on. *)
Fixpoint groups_fit (c : scaling) (g : grid) (row : Z * Z * Z) (k : nat) (w : list (list dyadic))
  (s : list dyadic) (z : list Z) : bool :=
  match w, s, z with
  | [], [], [] => true
  | a :: w', x :: s', y :: z' => group_fits c g row k a x y && groups_fit c g row (S k) w' s' z'
  | _, _, _ => false
  end.

(** The scales and zero points of a row of [n] weights, [size] columns sharing one. *)
Definition scales_fit (c : scaling) (g : grid) (n size : nat) (r : tensor_row) : bool :=
  match read_b32 (weights r), read_b32 (scales r) with
  | Some w, Some s =>
      groups_fit c g (row_spread c w) 0 (cut (group_count n size) (group_width n size) w) s (zeros r)
  | _, _ => false
  end.

Open Scope R_scope.

(** The weights of a group as real numbers. *)
Definition magnitude_of (ws : list R) (m : R) : Prop :=
  (forall x, In x ws -> Rabs x <= m) /\ (m = 0 \/ exists x, In x ws /\ Rabs x = m).

(** low <= 0 <= high are the ends of the weights and 0. *)
Definition range_of (ws : list R) (low high : R) : Prop :=
  (forall x, In x ws -> low <= x <= high) /\
  (low = 0 \/ low < 0 /\ In low ws) /\ (high = 0 \/ 0 < high /\ In high ws).

(** The largest magnitude of the grid's values. *)
Definition grid_largest (g : grid) (L : R) : Prop :=
  0 < L /\
  match g with
  | Golden _ _ => False
  | Integer first last => L = IZR (Z.max (- first) last)
  | Table values => magnitude_of (table_reals values) L
  end.

(** A scale puts a number at the largest point of the grid: [near] says of |s| what it is beside that
    point. *)
Definition largest_given (c : scaling) (g : grid) (ws : list R) (s : R) (near : R -> R -> Prop) :
  Prop :=
  exists m L, magnitude_of ws m /\ grid_largest g L /\ near L (Rabs s) /\
    (s < 0 <-> either_sign c = true /\ ~ In (- m) ws).

(** The scale of absmax, and the one that puts f times the deviations of sdclip at the largest
    point. *)
Definition absmax_gives (c : scaling) (g : grid) (ws : list R) (s : R) : Prop :=
  exists m, magnitude_of ws m /\
    (m = 0 /\ s = 1 \/ largest_given c g ws s (fun L => rounded_up (scale_bits c) (m / L))).
Definition clip_gives (c : scaling) (g : grid) (ws : list R) (f s : R) : Prop :=
  largest_given c g ws s (fun L => rounded_up_near (scale_bits c)
    (f * (IZR (clip_hundredths (code_bits g)) / 100 * deviation ws) / L)).

(** What each rule says of the weights of group [k] of a row, its scale and its zero point. *)
Definition rule_gives (c : scaling) (g : grid) (row : list R) (k : nat) (ws : list R) (s : R)
  (z : Z) : Prop :=
  match rule_of c with
  | UnitRule => s = 1
  | RowPow2 => exists m, magnitude_of ws m /\
      (m = 0 /\ s = 1 \/ exists k, s = bpow radix2 k /\ bpow radix2 k <= m < bpow radix2 (k + 1))
  | MatrixMax => let m := b32_value (matrix_top c) in (forall x, In x ws -> Rabs x <= m) /\
      (m = 0 /\ s = 1 \/ rounded_up (scale_bits c) m s)
  | AbsMax => absmax_gives c g ws s
  | MinMax => exists low high, range_of ws low high /\
      (low = high /\ s = 1 /\ z = 0%Z \/ exists first last v, g = Integer first last /\
        Rabs (v - (high - low) / IZR last) <= bpow radix2 (-50) * ((high - low) / IZR last) /\
        rounded_up (scale_bits c) v s /\ IZR z = grid_round g 0 (- low / s))
  | SdClip => deviation ws = 0 /\ absmax_gives c g ws s \/ clip_gives c g ws 1 s
  | SdClipAdaptive => deviation ws = 0 /\ absmax_gives c g ws s \/ exists f,
      adaptive_factor (F2R (level c)) (F2R (nth k (inputs c) dyadic_zero) / INR (length ws)
        * (deviation ws * deviation ws)) f /\ clip_gives c g ws f s
  | AwqLite => deviation row = 0 /\ absmax_gives c g ws s \/ rounded_up_near (scale_bits c)
      (IZR 1285 / 100 * deviation row / (if (k =? best_group c)%nat then 127 else 31)) s
  end.

(** The largest integer of an aligned list is the largest magnitude of its numbers. *)
Lemma largest_attained m l : largest m l = m \/ exists x, In x l /\ Z.abs x = largest m l.
Proof.
revert m; induction l as [|y l IH]; intros m; cbn [largest]; [left; reflexivity|].
destruct (IH (Z.max m (Z.abs y))) as [same|[x [member attained]]].
- rewrite same; destruct (Z.max_spec m (Z.abs y)) as [[_ ->]|[_ ->]];
    [right; exists y; split; [left|]; reflexivity|left; reflexivity].
- right; exists x; split; [right; exact member|exact attained].
Qed.

(** The numbers of an aligned list. *)
Lemma aligned_reals (e : Z) (w : list dyadic) : (forall x, In x w -> aligned e x) ->
  map F2R w = map (fun k => IZR k * bpow radix2 e) (map (align e) w).
Proof.
intros all; rewrite map_map; apply map_ext_in; intros x member; apply align_correct, all, member.
Qed.

(** The magnitude of aligned numbers. *)
Lemma aligned_magnitude (e : Z) (w : list dyadic) : (forall x, In x w -> aligned e x) ->
  magnitude_of (map F2R w) (IZR (largest 0 (map (align e) w)) * bpow radix2 e).
Proof.
intros all; rewrite (aligned_reals e w all); set (l := map (align e) w).
assert (unit_pos := bpow_gt_0 radix2 e); destruct (largest_bounds 0 l) as [_ each].
split.
- intros x member; apply in_map_iff in member; destruct member as [k [<- inside]].
  rewrite Rabs_mult, <- abs_IZR, (Rabs_pos_eq (bpow radix2 e)) by lra.
  apply Rmult_le_compat_r; [lra|apply IZR_le, each, inside].
- destruct (largest_attained 0 l) as [zero|[k [inside attained]]].
  + left; rewrite zero; ring.
  + right; exists (IZR k * bpow radix2 e); split.
    * apply in_map_iff; exists k; split; [reflexivity|exact inside].
    * rewrite Rabs_mult, <- abs_IZR, attained, Rabs_pos_eq by lra; reflexivity.
Qed.

(** The ends of a list and 0. *)
Lemma ends_attained l : (smallest l = 0 \/ smallest l < 0 /\ In (smallest l) l)%Z /\
  (greatest l = 0 \/ 0 < greatest l /\ In (greatest l) l)%Z /\
  forall x, In x l -> (smallest l <= x <= greatest l)%Z.
Proof.
induction l as [|y l [low [high each]]]; [simpl; tauto|].
change (smallest (y :: l)) with (Z.min y (smallest l)).
change (greatest (y :: l)) with (Z.max y (greatest l)).
split; [|split].
- destruct (Z.min_spec y (smallest l)) as [[less ->]|[_ ->]]; cbn [In].
  + destruct low as [zero|[negative _]]; right; split; first [lia|left; reflexivity].
  + destruct low as [zero|[negative inside]]; [left; exact zero|right; split; [exact
    negative|tauto]].
- destruct (Z.max_spec y (greatest l)) as [[_ ->]|[less ->]]; cbn [In].
  + destruct high as [zero|[positive inside]]; [left; exact zero|right; split; [exact
    positive|tauto]].
  + destruct (Z.eq_dec y 0) as [zero|other]; [left; exact zero|].
    right; split; [|left; reflexivity]; destruct high as [zero|[positive _]]; lia.
- intros x [<-|inside]; [lia|specialize (each x inside); lia].
Qed.

(** The number one. *)
Lemma one_correct (s : dyadic) : same_number s dyadic_one = true -> F2R s = 1.
Proof.
unfold same_number; rewrite andb_true_iff, !dyadic_le_correct.
assert (one : F2R dyadic_one = 1) by (unfold F2R, dyadic_one; simpl; ring); lra.
Qed.

(** Equal dyadic numbers have equal values. *)
Lemma same_number_correct (x y : dyadic) : same_number x y = true -> F2R x = F2R y.
Proof. unfold same_number; rewrite andb_true_iff, !dyadic_le_correct; lra. Qed.

(** The largest value of a grid. *)
Lemma largest_value_correct g L : largest_value g = Some L -> (0 < Fnum L)%Z ->
  grid_largest g (F2R L).
Proof.
intros found positive; split; [apply F2R_gt_0; exact positive|].
destruct g as [E M|first last|values]; cbn [largest_value] in found; [discriminate| |].
- injection found as <-; unfold F2R; simpl; ring.
- destruct (read_b32 values) as [ds|] eqn:read; [|discriminate]; injection found as <-.
  destruct (read_b32_correct _ _ read) as [_ [_ reals]]; unfold table_reals; rewrite reals.
  apply (aligned_magnitude (lowest ds) ds); intros x; apply lowest_aligned.
Qed.

(** Powers of two around a positive integer. *)
Lemma log2_range m e : (0 < m)%Z ->
  bpow radix2 (Z.log2 m + e) <= IZR m * bpow radix2 e < bpow radix2 (Z.log2 m + e + 1).
Proof.
intros positive; assert (mag_is := dyadic_mag (Float radix2 m e) positive); cbn [Fnum Fexp] in
  mag_is.
assert (real_pos := F2R_gt_0 radix2 (Float radix2 m e) positive).
assert (low := bpow_mag_le radix2 (F2R (Float radix2 m e)) ltac:(lra)).
assert (high := bpow_mag_gt radix2 (F2R (Float radix2 m e))).
rewrite mag_is, Rabs_pos_eq in low, high by lra; unfold F2R in low, high; cbn [Fnum Fexp] in low,
  high.
replace (Z.log2 m + 1 + e - 1)%Z with (Z.log2 m + e)%Z in low by lia.
replace (Z.log2 m + 1 + e)%Z with (Z.log2 m + e + 1)%Z in high by lia.
lra.
Qed.

(** What [at_largest] accepts. *)
Lemma at_largest_correct c g e (w : list dyadic) s near (meant : R -> R -> Prop) :
  (forall x, In x w -> aligned e x) ->
  (forall L t, (0 < Fnum L)%Z -> near L t = true -> meant (F2R L) (F2R t)) ->
  at_largest c g (map (align e) w) s near = true ->
  largest_given c g (map F2R w) (F2R s) meant.
Proof.
intros all judged; unfold at_largest; set (l := map (align e) w); set (m := largest 0 l).
assert (magnitude := aligned_magnitude e w all); fold l m in magnitude.
assert (unit_pos := bpow_gt_0 radix2 e).
destruct (largest_value g) as [L|] eqn:found; [|discriminate].
rewrite !andb_true_iff, Z.ltb_lt; intros [[L_pos sign] accepted].
exists (IZR m * bpow radix2 e), (F2R L); split; [exact magnitude|].
split; [exact (largest_value_correct g L found L_pos)|].
replace (Rabs (F2R s)) with (F2R (Float radix2 (Z.abs (Fnum s)) (Fexp s)))
  by (rewrite F2R_Zabs; destruct s; reflexivity).
split; [exact (judged L _ L_pos accepted)|].
assert (negative : F2R s < 0 <-> (Fnum s <? 0)%Z = true).
{ rewrite Z.ltb_lt; split; [apply lt_0_F2R|apply F2R_lt_0]. }
apply Bool.eqb_prop in sign; rewrite negative, sign, andb_true_iff, negb_true_iff.
assert (found_in : existsb (Z.eqb (- m)) l = true <->
  In (- (IZR m * bpow radix2 e)) (map F2R w)).
{ rewrite (aligned_reals e w all), existsb_exists, in_map_iff; fold l; split.
  - intros [k [inside same]]; apply Z.eqb_eq in same; exists k; split; [|exact inside].
    rewrite <- same, opp_IZR; ring.
  - intros [k [same inside]]; exists k; split; [exact inside|apply Z.eqb_eq, eq_IZR].
    rewrite opp_IZR; apply (Rmult_eq_reg_r (bpow radix2 e)); lra. }
rewrite <- found_in; destruct (existsb _ l); intuition congruence.
Qed.

(** What [absmax_fits] accepts. *)
Lemma absmax_fits_correct c g e (w : list dyadic) s : (1 <= scale_bits c)%Z ->
  (forall x, In x w -> aligned e x) -> absmax_fits c g (map (align e) w) e s = true ->
  absmax_gives c g (map F2R w) (F2R s).
Proof.
intros bits all; unfold absmax_fits; set (m := largest 0 _).
intros accepted; exists (IZR m * bpow radix2 e); split; [exact (aligned_magnitude e w all)|].
destruct (Z.eqb_spec m 0) as [zero|some].
- left; split; [rewrite zero; ring|exact (one_correct s accepted)].
- right; revert accepted; apply at_largest_correct; [exact all|]; intros L t L_pos up.
  destruct (up_fits_correct _ (Float radix2 m e) (Float radix2 m e) L t bits L_pos (Rle_refl _)
    up) as [_ [v [range rounded]]].
  replace (F2R (Float radix2 m e)) with (IZR m * bpow radix2 e) in range by reflexivity.
  replace (IZR m * bpow radix2 e / F2R L) with v by lra; exact rounded.
Qed.

(** Deviations are not counted below 0. *)
Lemma clip_hundredths_nonnegative bits : (0 <= clip_hundredths bits)%Z.
Proof.
unfold clip_hundredths; repeat (destruct (_ <=? _)%Z; [discriminate|]); discriminate.
Qed.

(** The clip that is judged is the one that is meant. *)
Lemma clip_gives_correct c g e (w : list dyadic) s p F G f : (1 <= scale_bits c)%Z ->
  (forall x, In x w -> aligned e x) -> (0 < p)%Z -> (0 < G)%Z -> 0 <= f ->
  IZR G * f ^ Z.to_nat (2 * p) = IZR F -> scatter (map (align e) w) <> 0%Z ->
  at_largest c g (map (align e) w) s (clip_fits (scale_bits c) p
    (clip_hundredths (code_bits g)) F G (spread_of (map (align e) w) e)) = true ->
  clip_gives c g (map F2R w) f (F2R s).
Proof.
intros bits all p_pos G_pos f_pos power some.
assert (positive := scatter_nonnegative (map (align e) w)).
apply at_largest_correct; [exact all|]; intros L t L_pos accepted.
rewrite (aligned_reals e w all); refine (proj2 (clip_fits_correct _ p _ F G _ e L t f bits p_pos
  (clip_hundredths_nonnegative _) G_pos L_pos f_pos power _ accepted)); lia.
Qed.

(** A rule that accepts a group gives its scale and zero point. *)
Theorem group_fits_correct c g row i (w : list dyadic) (s : dyadic) z : (1 <= scale_bits c)%Z ->
  group_fits c g (row_spread c row) i w s z = true ->
  rule_gives c g (map F2R row) i (map F2R w) (F2R s) z.
Proof.
intros bits; unfold group_fits, rule_gives, row_spread; set (e := lowest w); set (l := map (align e) w).
set (m := largest 0 l).
assert (all : forall x, In x w -> aligned e x) by (intros x; apply lowest_aligned).
assert (magnitude := aligned_magnitude e w all); fold l m in magnitude.
assert (m_pos : (0 <= m)%Z) by apply (proj1 (largest_bounds 0 l)).
assert (unit_pos := bpow_gt_0 radix2 e).
destruct (rule_of c).
- exact (one_correct s).
- destruct (Z.eqb_spec m 0) as [zero|some]; intros accepted;
    exists (IZR m * bpow radix2 e); (split; [exact magnitude|]).
  + left; split; [rewrite zero; ring|exact (one_correct s accepted)].
  + right; exists (Z.log2 m + e)%Z; split; [|apply log2_range; lia].
    rewrite (same_number_correct _ _ accepted); unfold F2R; cbn [Fnum Fexp]; apply Rmult_1_l.
- destruct (read_b32 [matrix_top c]) as [[|t [|t' ts]]|] eqn:read; try discriminate.
  destruct (read_b32_correct _ _ read) as [_ [_ real_t]]; injection real_t as real_t.
  rewrite andb_true_iff, real_t; intros [below accepted]; apply dyadic_le_correct in below.
  unfold F2R in below at 1; cbn [Fnum Fexp] in below; split.
  + intros x member; apply Rle_trans with (2 := below), magnitude, member.
  + destruct (Z.eqb_spec (Fnum t) 0) as [zero|some].
    * left; split; [unfold F2R; rewrite zero; ring|exact (one_correct s accepted)].
    * right; destruct (up_fits_correct _ t t dyadic_one s bits ltac:(reflexivity) (Rle_refl _)
      accepted)
        as [_ [v [range up]]].
      assert (one : F2R dyadic_one = 1) by (unfold F2R, dyadic_one; simpl; ring).
      rewrite one in range; replace (F2R t) with v by lra; exact up.
- exact (absmax_fits_correct c g e w s bits all).
- destruct (ends_attained l) as [low_at [high_at each]].
  set (low := smallest l) in *; set (high := greatest l) in *.
  assert (range : range_of (map F2R w) (IZR low * bpow radix2 e) (IZR high * bpow radix2 e)).
  { rewrite (aligned_reals e w all); fold l; split; [|split].
    - intros x member; apply in_map_iff in member; destruct member as [k [<- inside]].
      assert (between := each k inside); split; (apply Rmult_le_compat_r; [lra|apply IZR_le; lia]).
    - destruct low_at as [zero|[negative inside]]; [left; rewrite zero; ring|right; split].
      + apply IZR_lt in negative; nra.
      + apply in_map_iff; exists low; split; [reflexivity|exact inside].
    - destruct high_at as [zero|[positive inside]]; [left; rewrite zero; ring|right; split].
      + apply IZR_lt in positive; nra.
      + apply in_map_iff; exists high; split; [reflexivity|exact inside]. }
  destruct (Z.eqb_spec (high - low) 0) as [zero|some]; intros accepted;
    exists (IZR low * bpow radix2 e), (IZR high * bpow radix2 e); (split; [exact range|]).
  + apply andb_true_iff in accepted; destruct accepted as [one none]; left.
    split; [replace high with low by lia; reflexivity|split; [exact (one_correct s one)|]].
    apply Z.eqb_eq; exact none.
  + right; destruct g as [E M|first last|values]; try discriminate.
    rewrite !andb_true_iff, Z.ltb_lt, Z.eqb_eq in accepted; destruct accepted as [[last_pos up]
      zero].
    assert (d_pos : (0 < high - low)%Z) by lia.
    assert (shift : forall k : Z, F2R (Float radix2 ((high - low) * k) (e - 50))
      = (IZR high * bpow radix2 e - IZR low * bpow radix2 e) * (IZR k * bpow radix2 (-50))).
    { intros k; unfold F2R; cbn [Fnum Fexp]; replace (e - 50)%Z with (e + -50)%Z by lia.
      rewrite mult_IZR, minus_IZR, bpow_plus; ring. }
    assert (tiny : IZR (2 ^ 50 - 1) * bpow radix2 (-50) = 1 - bpow radix2 (-50) /\
      IZR (2 ^ 50 + 1) * bpow radix2 (-50) = 1 + bpow radix2 (-50)).
    { assert (power : IZR (2 ^ 50) * bpow radix2 (-50) = 1).
      { change (2 ^ 50)%Z with (radix_val radix2 ^ 50)%Z; rewrite IZR_Zpower, <- bpow_plus by lia.
        reflexivity. }
      rewrite minus_IZR, plus_IZR; split; lra. }
    set (D := IZR high * bpow radix2 e - IZR low * bpow radix2 e) in *.
    assert (D_pos : 0 < D).
    { unfold D; rewrite <- Rmult_minus_distr_r, <- minus_IZR; apply Rmult_lt_0_compat; [|exact
      unit_pos].
      apply IZR_lt; exact d_pos. }
    assert (small := bpow_gt_0 radix2 (-50)).
    assert (last_real : 0 < IZR last) by (apply IZR_lt; exact last_pos).
    assert (value : F2R (Float radix2 last 0) = IZR last) by (unfold F2R; simpl; ring).
    destruct (up_fits_correct _ _ _ (Float radix2 last 0) s bits last_pos
      ltac:(rewrite !shift, (proj1 tiny), (proj2 tiny); nra) up) as [s_pos [v [between rounded]]].
    rewrite !shift, (proj1 tiny), (proj2 tiny), value in between.
    exists first, last, v; split; [reflexivity|split; [|split; [exact rounded|]]].
    * assert (whole : D * (1 - bpow radix2 (-50)) / IZR last = D / IZR last
        - bpow radix2 (-50) * (D / IZR last)) by (field; lra).
      assert (whole' : D * (1 + bpow radix2 (-50)) / IZR last = D / IZR last
        + bpow radix2 (-50) * (D / IZR last)) by (field; lra).
      apply Rabs_le; lra.
    * assert (s_real := F2R_gt_0 radix2 s s_pos).
      rewrite zero; unfold ruler_nearest; cbn [Fnum grid_round].
      f_equal; rewrite !Z.sub_0_r; f_equal; f_equal.
      assert (b_pos : (0 < Z.shiftl (Fnum s) (Z.max 0 (0 - (e - Fexp s))))%Z).
      { rewrite Z.shiftl_mul_pow2 by lia; apply Z.mul_pos_pos; [exact s_pos|apply Z.pow_pos_nonneg;
        lia]. }
      rewrite <- Nearest.divide_even_correct by exact b_pos; f_equal.
      assert (ratio := Nearest.ratio_shift (- low) (Fnum s) (e - Fexp s) 0 s_pos).
      rewrite Z.sub_0_r in *; simpl bpow in ratio at 2; rewrite Rmult_1_r in ratio; rewrite <-
        ratio.
      unfold F2R; rewrite opp_IZR; unfold Z.sub; rewrite bpow_plus, bpow_opp.
      assert (exp_pos := bpow_gt_0 radix2 (Fexp s)).
      assert (num_pos : 0 < IZR (Fnum s)) by (apply IZR_lt; exact s_pos).
      field; split; lra.
- destruct (Z.eqb_spec (scatter l) 0) as [zero|some]; intros accepted; [left; split|right].
  + rewrite (aligned_reals e w all); exact (proj1 (proj2 (proj2 (deviation_correct _ _))) zero).
  + exact (absmax_fits_correct c g e w s bits all accepted).
  + apply (clip_gives_correct c g e w s 1 1 1 1); [exact bits|exact all|lia|lia|lra| |exact some
      |exact accepted].
    rewrite pow1; ring.
- destruct (Z.eqb_spec (scatter l) 0) as [zero|some]; [intros accepted; left; split|].
  + rewrite (aligned_reals e w all); exact (proj1 (proj2 (proj2 (deviation_correct _ _))) zero).
  + exact (absmax_fits_correct c g e w s bits all accepted).
  + destruct (adaptive_power _ _ _ _ _) as [[F G]|] eqn:power; [|discriminate]; intros accepted.
    destruct (deviation_correct (bpow radix2 e) l) as [_ [square [_ two]]].
    assert (V_pos := scatter_nonnegative l); specialize (two ltac:(lia)).
    set (n := Z.of_nat (length l)) in *; assert (pairs : (0 < n * (n - 1))%Z) by nia.
    destruct (adaptive_power_correct _ _ _ _ _ _ _ (Z.mul_pos_pos n _ ltac:(lia) pairs) power)
      as [G_pos [f [f_pos [root factor]]]].
    right; exists f; split.
    * rewrite <- square in factor; rewrite (aligned_reals e w all); fold l; rewrite map_length.
      replace (INR (length l)) with (IZR n) by (unfold n; symmetry; apply INR_IZR_INZ).
      assert (n_pos : 0 < IZR n) by (apply IZR_lt; lia).
      assert (pairs_pos : 0 < IZR (n * (n - 1))) by (apply IZR_lt; exact pairs).
      revert factor; set (std := deviation _); rewrite (mult_IZR n (n * (n - 1))).
      replace (_ / (IZR n * IZR (n * (n - 1)))) with (F2R (nth i (inputs c) dyadic_zero) / IZR n
        * (std * std)) by (field; lra).
      exact (fun factor => factor).
    * exact (clip_gives_correct c g e w s 16 F G f bits all ltac:(lia) G_pos f_pos root some
        accepted).
- cbn [fst snd spread_of]; set (E := lowest row).
  assert (inside : forall x, In x row -> aligned E x) by (intros x; apply lowest_aligned).
  rewrite (aligned_reals E row inside); set (r := map (align E) row).
  set (point := if (i =? best_group c)%nat then 127%Z else 31%Z).
  destruct (Z.eqb_spec (scatter r) 0) as [zero|some]; intros accepted; [left; split|right].
  + exact (proj1 (proj2 (proj2 (deviation_correct _ _))) zero).
  + exact (absmax_fits_correct c g e w s bits all accepted).
  + assert (V_pos := scatter_nonnegative r).
    assert (point_pos : (0 < Fnum (Float radix2 point 0))%Z) by
      (unfold point; destruct (_ =? _)%nat; reflexivity).
    destruct (clip_fits_correct _ 1 1285 1 1 r E (Float radix2 point 0) s 1 bits ltac:(lia)
      ltac:(lia) ltac:(lia) point_pos ltac:(lra) ltac:(rewrite pow1; ring) ltac:(lia) accepted)
      as [_ near].
    replace (if (i =? best_group c)%nat then 127 else 31) with (F2R (Float radix2 point 0))
      by (unfold point, F2R; destruct (_ =? _)%nat; simpl; ring).
    rewrite Rmult_1_l in near; exact near.
Qed.

(** Groups of a list that was changed entry by entry. *)
Lemma cut_map {A B} (f : A -> B) count width l :
  cut count width (map f l) = map (map f) (cut count width l).
Proof.
revert l; induction count as [|k IH]; intros l; [reflexivity|].
cbn [cut map]; rewrite firstn_map, skipn_map, IH; reflexivity.
Qed.

(** In a row that is accepted the rule gives each group, numbered from 0, its scale and zero
    point. *)
Theorem scales_fit_correct c g n size r : (1 <= scale_bits c)%Z ->
  scales_fit c g n size r = true ->
  Forall2 (fun kw step =>
      rule_gives c g (map b32_value (weights r)) (fst kw) (snd kw) (fst step) (snd step))
    (combine (seq 0 (group_count n size))
      (cut (group_count n size) (group_width n size) (map b32_value (weights r))))
    (combine (map b32_value (scales r)) (zeros r)).
Proof.
intros bits; unfold scales_fit.
destruct (read_b32 (weights r)) as [w|] eqn:read_w; [|discriminate].
destruct (read_b32 (scales r)) as [s|] eqn:read_s; [|discriminate].
destruct (read_b32_correct _ _ read_w) as [_ [_ ->]].
destruct (read_b32_correct _ _ read_s) as [_ [_ ->]]; rewrite cut_map.
assert (size_w : length (cut (group_count n size) (group_width n size) w) = group_count n size).
{ generalize (group_count n size) as count; intros count; clear; revert w.
  induction count as [|count IH]; intros w; [reflexivity|exact (f_equal S (IH _))]. }
rewrite <- size_w at 2; generalize (cut (group_count n size) (group_width n size) w) (zeros r) O.
clear read_w read_s size_w; rename w into row; induction s as [|x s IH]; intros [|a w] [|y z] k;
  cbn [groups_fit map length seq combine]; try discriminate; [constructor|].
rewrite andb_true_iff; intros [first rest]; constructor; [|exact (IH w z (S k) rest)].
exact (group_fits_correct c g row k a x y bits first).
Qed.
