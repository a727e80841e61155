(** * Check/CheckerProof: what the checker's verdict means

    Purpose.  If [accepts] answers true, then inequalities hold between the real numbers that the
      words of the bundle stand for in Flocq's reading of them.
    Main results (T13).  [T13_checker] (per row), [T13_checker_total] (the sum over the rows),
      [T13_checker_enclosures] (the sum of the enclosures), [T13_checker_gram] (symmetric, finite).
    Dependencies.  Check/Checker, Format/Word, Gptq/Matrix, Gptq/Guard; Flocq: Binary, Bits.
    Source.  This project. *)

From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GF16 Format.Word.
From Hallmark.Gptq Require Import Sums Matrix Guard.
From Hallmark Require Import Check.Dyadic Check.Nearest Check.QuadraticForm Check.Checker.
Import ListNotations.
Open Scope R_scope.

(** The real number of a binary32 word. *)
Definition b32_value (z : Z) : R := B2R 24 128 (b32_of_bits z).

(** The real number of a binary64 word. *)
Definition b64_value (z : Z) : R := B2R 53 1024 (b64_of_bits z).

(** A word of 16 bits that is a finite GF16 number. *)
Definition gf16_finite (z : Z) : Prop :=
  (0 <= z < 2 ^ 16)%Z /\ is_finite 10 32 (gf16_of_bits z) = true.

(** A word of 32 bits that is a finite binary32 number. *)
Definition b32_finite (z : Z) : Prop :=
  (0 <= z < 2 ^ 32)%Z /\ is_finite 24 128 (b32_of_bits z) = true.

(** A word of 64 bits that is a finite binary64 number. *)
Definition b64_finite (z : Z) : Prop :=
  (0 <= z < 2 ^ 64)%Z /\ is_finite 53 1024 (b64_of_bits z) = true.

(** The weights of a row. *)
Definition weight_row (r : row) : vec := fun j => b32_value (nth j (weights r) 0%Z).

(** The quantized row: scale times grid point. *)
Definition point_row (r : row) : vec :=
  fun j => b32_value (scale r) * decode (nth j (codes r) 0%Z).

(** The row that round-to-nearest gives: the nearest point, ties to even, clipped. *)
Definition rtn_row (r : row) : vec := fun j => rtn_point (b32_value (scale r)) (weight_row r j).

(** The Gram matrix. *)
Definition gram_of (b : bundle) : mat :=
  fun i j => b64_value (nth j (nth i (gram_words b) []) 0%Z).

(** Row i of a bundle. *)
Definition row_at (b : bundle) (i : nat) : row :=
  nth i (rows b) (Row [] [] 0 false 0 0 0 0).

(** The exact loss of the codes of a row. *)
Definition final_loss (n : nat) (G : mat) (r : row) : R :=
  qform n G (vsub (weight_row r) (point_row r)).

(** The exact loss of round-to-nearest. *)
Definition rtn_loss (n : nat) (G : mat) (r : row) : R :=
  qform n G (vsub (weight_row r) (rtn_row r)).

(** What the checker promises about a row. *)
Record row_sound (n : nat) (G : mat) (r : row) : Prop := {
  sound_weights : length (weights r) = n /\ Forall b32_finite (weights r);
  sound_codes : length (codes r) = n /\ Forall gf16_finite (codes r);
  sound_scale : b32_finite (scale r) /\ 0 < b32_value (scale r);
  sound_guard : final_loss n G r <= rtn_loss n G r;
  sound_final : b64_value (final_low r) <= final_loss n G r <= b64_value (final_high r);
  sound_rtn : b64_value (rtn_low r) <= rtn_loss n G r <= b64_value (rtn_high r);
  sound_claim : claims_rtn r = true ->
    forall j, (j < n)%nat -> point_row r j = rtn_row r j;
  sound_half_gap : claims_rtn r = true -> forall j, (j < n)%nat ->
    Rabs (weight_row r j) <= b32_value (scale r) * (gf16_max + bpow radix2 21) ->
    Rabs (weight_row r j - point_row r j)
      <= b32_value (scale r) * half_ulp16 (weight_row r j / b32_value (scale r)) }.

Section Read.

Variables (value : Z -> option dyadic) (limit : Z) (finite : Z -> Prop) (real : Z -> R).
Hypothesis value_correct : forall z d, (0 <= z < limit)%Z -> value z = Some d ->
  finite z /\ real z = F2R d.

(** Reading a list of words gives their values, and only finite words are read. *)
Lemma read_correct l ds : read value limit l = Some ds ->
  length ds = length l /\ Forall (fun z => (0 <= z < limit)%Z /\ finite z) l /\
  forall j, (j < length l)%nat -> real (nth j l 0%Z) = F2R (nth j ds dyadic_zero).
Proof.
revert ds; induction l as [|z l IH]; intros ds; simpl.
- intros done; injection done as <-; repeat split; [constructor|simpl; lia].
- destruct ((0 <=? z)%Z && (z <? limit)%Z) eqn:range; [|discriminate].
  apply andb_true_iff in range; rewrite Z.leb_le, Z.ltb_lt in range.
  destruct (value z) as [d|] eqn:word; [|discriminate].
  destruct (read value limit l) as [tail|]; [|discriminate].
  intros done; injection done as <-.
  destruct (IH tail eq_refl) as [size [all values]].
  destruct (value_correct z d range word) as [fin val].
  repeat split.
  + simpl; rewrite size; reflexivity.
  + constructor; [split; assumption|exact all].
  + intros [|j] below; [exact val|apply values; simpl in below; lia].
Qed.

End Read.

(** Reading GF16 words. *)
Lemma read_gf16_correct l ds : read_gf16 l = Some ds ->
  length ds = length l /\ Forall gf16_finite l /\
  forall j, (j < length l)%nat -> decode (nth j l 0%Z) = F2R (nth j ds dyadic_zero).
Proof.
apply (read_correct gf16_dyadic (2 ^ 16) (fun z => is_finite 10 32 (gf16_of_bits z) = true) decode).
intros z d range word; assert (correct := gf16_dyadic_correct z range).
rewrite word in correct; destruct correct as [fin val]; split; [exact fin|symmetry; exact val].
Qed.

(** Reading binary32 words. *)
Lemma read_b32_correct l ds : read_b32 l = Some ds ->
  length ds = length l /\ Forall b32_finite l /\
  forall j, (j < length l)%nat -> b32_value (nth j l 0%Z) = F2R (nth j ds dyadic_zero).
Proof.
apply (read_correct b32_dyadic (2 ^ 32) (fun z => is_finite 24 128 (b32_of_bits z) = true)
  b32_value).
intros z d range word; assert (correct := b32_dyadic_correct z range).
rewrite word in correct; destruct correct as [fin val]; split; [exact fin|symmetry; exact val].
Qed.

(** Reading binary64 words. *)
Lemma read_b64_correct l ds : read_b64 l = Some ds ->
  length ds = length l /\ Forall b64_finite l /\
  forall j, (j < length l)%nat -> b64_value (nth j l 0%Z) = F2R (nth j ds dyadic_zero).
Proof.
apply (read_correct b64_dyadic (2 ^ 64) (fun z => is_finite 53 1024 (b64_of_bits z) = true)
  b64_value).
intros z d range word; assert (correct := b64_dyadic_correct z range).
rewrite word in correct; destruct correct as [fin val]; split; [exact fin|symmetry; exact val].
Qed.

(** Reading a matrix reads each of its rows. *)
Lemma read_matrix_correct M D : read_matrix M = Some D ->
  length D = length M /\
  forall i, (i < length M)%nat -> read_b64 (nth i M []) = Some (nth i D []).
Proof.
revert D; induction M as [|r M IH]; intros D; simpl.
- intros done; injection done as <-; split; [reflexivity|simpl; lia].
- destruct (read_b64 r) as [d|] eqn:first; [|discriminate].
  destruct (read_matrix M) as [tail|]; [|discriminate].
  intros done; injection done as <-.
  destruct (IH tail eq_refl) as [size each].
  split; [simpl; rewrite size; reflexivity|].
  intros [|i] below; [exact first|apply each; simpl in below; lia].
Qed.

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
unfold inside; rewrite andb_true_iff, !below_correct; intros within; exact within.
Qed.

(** Entries of a mapped list, with the default of dyadic numbers. *)
Lemma nth_map_dyadic (f : dyadic -> dyadic) l j : (j < length l)%nat ->
  nth j (map f l) dyadic_zero = f (nth j l dyadic_zero).
Proof.
intros below; rewrite (nth_indep _ dyadic_zero (f dyadic_zero)).
- apply map_nth.
- rewrite map_length; exact below.
Qed.

(** The product has the value of the product. *)
Lemma product_correct s g : F2R (product s g) = F2R s * F2R g.
Proof. unfold product, F2R; cbn [Fnum Fexp]; rewrite mult_IZR, bpow_plus; ring. Qed.

Section Row.

Variables (n : nat) (G : mat) (M : list (list Z)) (E : Z).
Hypothesis size : length M = n.
Hypothesis wide : forall r, In r M -> length r = n.
Hypothesis symmetry_of : symmetric n M = true.
Hypothesis units : forall i j, (i < n)%nat -> (j < n)%nat ->
  G i j = int_mat M i j * bpow radix2 E.

(** A row without a fault keeps every promise. *)
Theorem row_fault_correct r : row_fault n (upper n M) E r = None -> row_sound n G r.
Proof.
unfold row_fault.
destruct (Nat.eqb (length (weights r)) n && Nat.eqb (length (codes r)) n) eqn:shape;
  [simpl negb; cbv iota|discriminate].
apply andb_true_iff in shape; rewrite !Nat.eqb_eq in shape; destruct shape as [len_w len_g].
destruct (read_b32 (weights r)) as [w|] eqn:read_w; [|discriminate].
destruct (read_gf16 (codes r)) as [g|] eqn:read_g; [|discriminate].
destruct (read_b32 [scale r]) as [[|s [|s' rest]]|] eqn:read_s;
  [destruct (read_b64 _); discriminate| |destruct (read_b64 _); discriminate|discriminate].
destruct (read_b64 _) as [[|fl [|fh [|rl [|rh [|x ends]]]]]|] eqn:read_e; try discriminate.
destruct (Z.ltb_spec 0 (Fnum s)) as [pos|]; [simpl negb; cbv iota zeta|discriminate].
destruct (read_b32_correct _ _ read_w) as [size_w [finite_w value_w]].
destruct (read_gf16_correct _ _ read_g) as [size_g [finite_g value_g]].
destruct (read_b32_correct _ _ read_s) as [_ [finite_s value_s]].
destruct (read_b64_correct _ _ read_e) as [_ [_ value_e]].
assert (real_s : b32_value (scale r) = F2R s) by exact (value_s 0%nat (Nat.lt_0_succ 0)).
assert (real_fl : b64_value (final_low r) = F2R fl) by (apply (value_e 0%nat); simpl; lia).
assert (real_fh : b64_value (final_high r) = F2R fh) by (apply (value_e 1%nat); simpl; lia).
assert (real_rl : b64_value (rtn_low r) = F2R rl) by (apply (value_e 2%nat); simpl; lia).
assert (real_rh : b64_value (rtn_high r) = F2R rh) by (apply (value_e 3%nat); simpl; lia).
clear read_w read_g read_s read_e value_s value_e.
set (q := map (product s) g); set (p := map (rtn_dyadic s) w).
set (e := Z.min (lowest w) (Z.min (lowest q) (lowest p))).
set (wi := map (align e) w); set (qi := map (align e) q); set (pi := map (align e) p).
assert (real_w : forall j, (j < n)%nat -> weight_row r j = int_vec wi j * bpow radix2 e).
{ intros j below; unfold weight_row; rewrite value_w by lia; apply align_nth.
  intros x member; apply (aligned_le (lowest w)); [lia|apply lowest_aligned, member]. }
assert (real_q : forall j, (j < n)%nat -> point_row r j = int_vec qi j * bpow radix2 e).
{ intros j below; unfold point_row; rewrite real_s, value_g by lia; rewrite <- product_correct.
  rewrite <- nth_map_dyadic by lia; apply align_nth.
  intros x member; apply (aligned_le (lowest q)); [lia|apply lowest_aligned, member]. }
assert (real_p : forall j, (j < n)%nat -> rtn_row r j = int_vec pi j * bpow radix2 e).
{ intros j below; unfold rtn_row, weight_row; rewrite real_s, value_w by lia.
  rewrite <- rtn_dyadic_correct by exact pos.
  rewrite <- nth_map_dyadic by lia; apply align_nth.
  intros x member; apply (aligned_le (lowest p)); [lia|apply lowest_aligned, member]. }
assert (len_wi : length wi = n) by (unfold wi; rewrite map_length; lia).
assert (len_qi : length qi = n) by (unfold qi, q; rewrite !map_length; lia).
assert (len_pi : length pi = n) by (unfold pi, p; rewrite !map_length; lia).
assert (real_final : final_loss n G r
  = F2R (Float radix2 (quadratic (upper n M) (differences wi qi)) (e + e + E))).
{ apply qform_units; try assumption; [apply differences_length; assumption|].
  intros j below; unfold vsub; rewrite differences_correct by lia.
  rewrite real_w, real_q by exact below; ring. }
assert (real_rtn : rtn_loss n G r
  = F2R (Float radix2 (quadratic (upper n M) (differences wi pi)) (e + e + E))).
{ apply qform_units; try assumption; [apply differences_length; assumption|].
  intros j below; unfold vsub; rewrite differences_correct by lia.
  rewrite real_w, real_p by exact below; ring. }
set (final := quadratic (upper n M) (differences wi qi)) in *.
assert (shared : (if same qi pi then final else quadratic (upper n M) (differences wi pi))
  = quadratic (upper n M) (differences wi pi)).
{ destruct (same qi pi) eqn:equal; [|reflexivity].
  apply same_correct in equal; unfold final; rewrite equal; reflexivity. }
rewrite shared; set (rtn := quadratic (upper n M) (differences wi pi)) in *.
destruct (claims_rtn r && negb (same qi pi)) eqn:claim; [discriminate|].
destruct (Z.leb_spec final rtn) as [guarded|]; [simpl negb; cbv iota|discriminate].
destruct (inside fl _ fh) eqn:in_final; [simpl negb; cbv iota|discriminate].
destruct (inside rl _ rh) eqn:in_rtn; [intros _|discriminate].
apply inside_correct in in_final; apply inside_correct in in_rtn.
assert (scale_pos : 0 < b32_value (scale r)) by (rewrite real_s; apply F2R_gt_0; exact pos).
assert (claimed : claims_rtn r = true ->
  forall j, (j < n)%nat -> point_row r j = rtn_row r j).
{ intros claims j below; rewrite claims in claim; simpl in claim; apply negb_false_iff in claim.
  apply same_correct in claim; rewrite real_q, real_p, claim by exact below; reflexivity. }
constructor.
- split; assumption.
- split; assumption.
- split; [inversion finite_s; assumption|exact scale_pos].
- rewrite real_final, real_rtn; apply F2R_le; exact guarded.
- rewrite real_final, real_fl, real_fh; exact in_final.
- rewrite real_rtn, real_rl, real_rh; exact in_rtn.
- exact claimed.
- intros claims j below range; rewrite (claimed claims j below).
  apply rtn_point_half_gap; assumption.
Qed.

End Row.

(** Rows without a failure are rows without a fault. *)
Lemma rows_failure_none n U E i l : rows_failure n U E i l = None ->
  forall r, In r l -> row_fault n U E r = None.
Proof.
revert i; induction l as [|r l IH]; intros i; simpl; [intros _ r []|].
destruct (row_fault n U E r) eqn:good; [discriminate|].
intros rest t [<-|member]; [exact good|exact (IH _ rest t member)].
Qed.

(** What acceptance says of the bundle as a whole, with the integers behind it. *)
Lemma accepts_inv b : accepts b = true ->
  (0 < columns b)%nat /\ (0 < length (rows b))%nat /\
  length (gram_words b) = columns b /\
  (forall r, In r (gram_words b) -> length r = columns b /\ Forall b64_finite r) /\
  sym (columns b) (gram_of b) /\
  forall r, In r (rows b) -> row_sound (columns b) (gram_of b) r.
Proof.
unfold accepts, first_failure.
destruct (Nat.eqb (columns b) 0 || Nat.eqb (length (rows b)) 0
  || negb (Nat.eqb (length (gram_words b)) (columns b))
  || negb (forallb (fun r => Nat.eqb (length r) (columns b)) (gram_words b))) eqn:shape;
  [discriminate|].
rewrite !orb_false_iff, !negb_false_iff, !Nat.eqb_neq, Nat.eqb_eq, forallb_forall in shape.
destruct shape as [[[some_columns some_rows] len_G] len_rows].
assert (width : forall r, In r (gram_words b) -> length r = columns b).
{ intros r member; apply Nat.eqb_eq, len_rows, member. }
destruct (read_matrix (gram_words b)) as [D|] eqn:read_G; [|discriminate].
destruct (read_matrix_correct _ _ read_G) as [size_D each].
set (n := columns b) in *; set (E := lowest_matrix D); set (M := map (map (align E)) D).
destruct (symmetric n M) eqn:symmetric_M; [simpl negb; cbv iota|discriminate].
destruct (rows_failure n (upper n M) E 0 (rows b)) eqn:good_rows; [discriminate|intros _].
assert (row_facts : forall i, (i < n)%nat -> length (nth i D []) = n /\
  Forall b64_finite (nth i (gram_words b) []) /\
  forall j, (j < n)%nat -> gram_of b i j = F2R (nth j (nth i D []) dyadic_zero)).
{ intros i below; assert (inside_G : In (nth i (gram_words b) []) (gram_words b)).
  { apply nth_In; lia. }
  destruct (read_b64_correct _ _ (each i ltac:(lia))) as [len_d [finite_d value_d]].
  rewrite (width _ inside_G) in *.
  split; [exact len_d|split; [exact finite_d|exact value_d]]. }
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
split; [lia|split; [lia|split; [exact len_G|split; [|split]]]].
- intros r member; split; [exact (width r member)|].
  destruct (In_nth (gram_words b) r [] member) as [i [below <-]]; apply row_facts; lia.
- intros i j below_i below_j; rewrite !units by assumption; f_equal.
  apply (symmetric_correct n M size_M symmetric_M); assumption.
- intros r member; apply (row_fault_correct n (gram_of b) M E); try assumption.
  exact (rows_failure_none _ _ _ _ _ good_rows r member).
Qed.

(** T13, the Gram matrix: an accepted one is a nonempty symmetric matrix of finite numbers. *)
Theorem T13_checker_gram b : accepts b = true ->
  (0 < columns b)%nat /\ length (gram_words b) = columns b /\
  (forall r, In r (gram_words b) -> length r = columns b /\ Forall b64_finite r) /\
  sym (columns b) (gram_of b).
Proof. intros accepted; apply accepts_inv in accepted; tauto. Qed.

(** T13: in an accepted bundle every row keeps every promise of [row_sound], about the real numbers
    that its words stand for. *)
Theorem T13_checker b : accepts b = true ->
  (0 < length (rows b))%nat /\
  forall i, (i < length (rows b))%nat -> row_sound (columns b) (gram_of b) (row_at b i).
Proof.
intros accepted; apply accepts_inv in accepted.
destruct accepted as [_ [some_rows [_ [_ [_ each]]]]]; split; [exact some_rows|].
intros i below; apply each, nth_In; exact below.
Qed.

(** T13, the matrix: the codes lose no more than round-to-nearest, summed over the rows. *)
Theorem T13_checker_total b : accepts b = true ->
  matrix_qform (length (rows b)) (columns b) (gram_of b)
    (fun i => vsub (weight_row (row_at b i)) (point_row (row_at b i)))
  <= matrix_qform (length (rows b)) (columns b) (gram_of b)
    (fun i => vsub (weight_row (row_at b i)) (rtn_row (row_at b i))).
Proof.
intros accepted; apply bsum_le; intros i below.
destruct (T13_checker b accepted) as [_ each].
exact (sound_guard _ _ _ (each i below)).
Qed.

(** T13, the enclosures: the sums of the ends enclose the total loss of the codes. *)
Theorem T13_checker_enclosures b : accepts b = true ->
  bsum (length (rows b)) (fun i => b64_value (final_low (row_at b i)))
  <= matrix_qform (length (rows b)) (columns b) (gram_of b)
       (fun i => vsub (weight_row (row_at b i)) (point_row (row_at b i)))
  <= bsum (length (rows b)) (fun i => b64_value (final_high (row_at b i))).
Proof.
intros accepted; destruct (T13_checker b accepted) as [_ each].
split; apply bsum_le; intros i below; apply (sound_final _ _ _ (each i below)).
Qed.
