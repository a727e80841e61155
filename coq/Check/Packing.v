(** * Many quadratic forms at once, by packing vectors into long integers

    Purpose: all rows of a layer share one matrix.  Several vectors become one, entry j the sum of
      their entries j times powers of a base, so that one product of integers serves them all;
      their inner products are the digits of the packed one.  The base is wide enough for them by
      computation, not by assumption.
    Main results: [quadratics_correct]: the forms are those of the vectors one by one.
    Depends on: Check/QuadraticForm.
    Source: Kronecker substitution; elementary. *)
From Coq Require Import ZArith Lia List Bool.
From Hallmark Require Import Check.QuadraticForm.
Import ListNotations.
Open Scope Z_scope.

(** The entries of [b] moved up by [width] bits, those of [a] below them. *)
Fixpoint beside (width : Z) (a b : list Z) : list Z :=
  match a, b with
  | x :: a', y :: b' => x + Z.shiftl y width :: beside width a' b'
  | _, _ => []
  end.

(** Vectors of [n] entries as one. *)
Fixpoint pack (width : Z) (n : nat) (vectors : list (list Z)) : list Z :=
  match vectors with
  | [] => repeat 0 n
  | v :: l => beside width v (pack width n l)
  end.

(** [count] digits of t in base 2^width, each from -half on, where half is half the base. *)
Fixpoint unpack (width half : Z) (count : nat) (t : Z) : list Z :=
  match count with
  | O => []
  | S k =>
      let rest := Z.shiftl (t + half) (- width) in
      t - Z.shiftl rest width :: unpack width half k rest
  end.

(** What one row of the triangle adds to each form: [x] are the vectors' first entries, [t] the
    inner products of the rest. *)
Fixpoint add_terms (g : Z) (sums x t : list Z) : list Z :=
  match sums, x, t with
  | s :: sums', a :: x', p :: t' => s + a * (g * a + 2 * p) :: add_terms g sums' x' t'
  | _, _, _ => []
  end.

(** The forms of [count] vectors, added to [sums]; [packed] are the vectors as one. *)
Fixpoint add_forms (width half : Z) (count : nat) (U : list (list Z)) (packed : list Z)
  (vectors : list (list Z)) (sums : list Z) : list Z :=
  match U, packed with
  | (g :: r) :: U', _ :: rest =>
      add_forms width half count U' rest (map (@tl Z) vectors)
        (add_terms g sums (map (hd 0) vectors) (unpack width half count (dot r rest)))
  | _, _ => sums
  end.

(** The largest magnitude of a list, or [m] if that is larger. *)
Fixpoint largest (m : Z) (l : list Z) : Z :=
  match l with
  | [] => m
  | x :: l' => largest (Z.max m (Z.abs x)) l'
  end.

(** The same of a list of lists. *)
Fixpoint largest_of (m : Z) (L : list (list Z)) : Z :=
  match L with
  | [] => m
  | l :: L' => largest_of (largest m l) L'
  end.

(** The forms of vectors of [n] entries with the upper triangle [U], whose largest entry is
    [top]. *)
Definition quadratics (U : list (list Z)) (top : Z) (n : nat) (vectors : list (list Z)) : list Z :=
  let width := Z.log2 (Z.of_nat n * (top * largest_of 0 vectors)) + 2 in
  let count := length vectors in
  add_forms width (Z.shiftl 1 (width - 1)) count U (pack width n vectors) vectors (repeat 0 count).

(** Digits side by side: the number whose digits [unpack] finds. *)
Fixpoint digits (width : Z) (l : list Z) : Z :=
  match l with
  | [] => 0
  | x :: l' => x + Z.shiftl (digits width l') width
  end.

(** A shift to the left by a count that is not negative. *)
Lemma shiftl_times a k : 0 <= k -> Z.shiftl a k = a * 2 ^ k.
Proof. intros k_pos; apply Z.shiftl_mul_pow2; exact k_pos. Qed.

(** Digits in range are found again. *)
Lemma unpack_digits width l : 1 <= width ->
  (forall x, In x l -> Z.abs x < 2 ^ (width - 1)) ->
  unpack width (Z.shiftl 1 (width - 1)) (length l) (digits width l) = l.
Proof.
intros width_pos; induction l as [|x l IH]; intros range; [reflexivity|].
cbn [length unpack digits].
assert (base : 2 ^ width = 2 * 2 ^ (width - 1)).
{ replace width with (1 + (width - 1)) at 1 by lia; rewrite Z.pow_add_r by lia; reflexivity. }
assert (half_pos : 0 < 2 ^ (width - 1)) by (apply Z.pow_pos_nonneg; lia).
assert (small := range x (or_introl eq_refl)).
assert (rest : Z.shiftl (x + Z.shiftl (digits width l) width + Z.shiftl 1 (width - 1)) (- width)
  = digits width l).
{ rewrite Z.shiftl_opp_r, Z.shiftr_div_pow2, !shiftl_times by lia.
  symmetry; apply (Z.div_unique _ _ _ (x + 2 ^ (width - 1))); [left; lia|ring]. }
rewrite rest, IH by (intros y member; apply range; right; exact member).
f_equal; lia.
Qed.

(** The inner product with vectors side by side. *)
Lemma dot_beside width g a b : 0 <= width -> length a = length b ->
  dot g (beside width a b) = dot g a + Z.shiftl (dot g b) width.
Proof.
intros width_pos; revert a b; induction g as [|x g IH]; intros [|y a] [|z b] size;
  try discriminate; cbn [dot beside]; try (rewrite Z.shiftl_0_l; reflexivity).
injection size as size; rewrite (IH a b size), !shiftl_times by lia; ring.
Qed.

(** The inner product with zeros. *)
Lemma dot_zeros g n : dot g (repeat 0 n) = 0.
Proof.
revert n; induction g as [|x g IH]; intros [|n]; cbn [repeat dot]; try reflexivity.
rewrite IH; ring.
Qed.

(** The length of vectors side by side. *)
Lemma beside_length width a b : length a = length b -> length (beside width a b) = length b.
Proof.
revert b; induction a as [|x a IH]; intros [|y b] size; try discriminate; [reflexivity|].
cbn [beside length]; f_equal; apply IH; injection size as size; exact size.
Qed.

(** The length of packed vectors. *)
Lemma pack_length width n vectors : (forall v, In v vectors -> length v = n) ->
  length (pack width n vectors) = n.
Proof.
induction vectors as [|v l IH]; intros sizes; cbn [pack]; [apply repeat_length|].
assert (rest := IH (fun w member => sizes w (or_intror member))).
rewrite beside_length; rewrite rest; [reflexivity|exact (sizes v (or_introl eq_refl))].
Qed.

(** The packed inner product is that of the vectors, side by side. *)
Lemma dot_pack width n g vectors : 0 <= width -> (forall v, In v vectors -> length v = n) ->
  dot g (pack width n vectors) = digits width (map (dot g) vectors).
Proof.
intros width_pos; induction vectors as [|v l IH]; intros sizes; cbn [pack map digits].
- apply dot_zeros.
- assert (others := fun w member => sizes w (or_intror member)).
  rewrite dot_beside, (IH others); [reflexivity|exact width_pos|].
  rewrite pack_length by exact others; exact (sizes v (or_introl eq_refl)).
Qed.

(** Without their first entries the vectors pack to the rest. *)
Lemma pack_tails width n vectors : (forall v, In v vectors -> length v = S n) ->
  exists x, pack width (S n) vectors = x :: pack width n (map (@tl Z) vectors).
Proof.
induction vectors as [|v l IH]; intros sizes; cbn [pack map]; [exists 0; reflexivity|].
destruct (IH (fun w member => sizes w (or_intror member))) as [y rest].
assert (size := sizes v (or_introl eq_refl)).
destruct v as [|x v]; [discriminate|]; rewrite rest.
exists (x + Z.shiftl y width); reflexivity.
Qed.

(** What [largest] bounds. *)
Lemma largest_bounds m l : m <= largest m l /\ forall x, In x l -> Z.abs x <= largest m l.
Proof.
revert m; induction l as [|y l IH]; intros m; cbn [largest].
- split; [lia|intros x []].
- destruct (IH (Z.max m (Z.abs y))) as [above each]; split; [lia|].
  intros x [<-|member]; [lia|exact (each x member)].
Qed.

(** The same of a list of lists. *)
Lemma largest_of_bounds m L : m <= largest_of m L /\
  forall l, In l L -> forall x, In x l -> Z.abs x <= largest_of m L.
Proof.
revert m; induction L as [|k L IH]; intros m; cbn [largest_of].
- split; [lia|intros l []].
- destruct (IH (largest m k)) as [above each]; destruct (largest_bounds m k) as [up own].
  split; [lia|]; intros l [<-|member] x inside; [specialize (own x inside); lia|].
  exact (each l member x inside).
Qed.

(** An inner product is at most as large as its factors and its length say. *)
Lemma dot_bound a b r v : 0 <= a -> 0 <= b -> (forall x, In x r -> Z.abs x <= a) ->
  (forall y, In y v -> Z.abs y <= b) -> Z.abs (dot r v) <= Z.of_nat (length v) * (a * b).
Proof.
intros a_pos b_pos; revert v; induction r as [|x r IH]; intros v small_r small_v.
- destruct v; cbn [dot]; nia.
- destruct v as [|y v]; cbn [dot length]; [lia|].
  assert (head_r := small_r x (or_introl eq_refl)); assert (head_v := small_v y (or_introl
    eq_refl)).
  assert (rest := IH v (fun z member => small_r z (or_intror member))
    (fun z member => small_v z (or_intror member))).
  assert (product : Z.abs (x * y) <= a * b) by (rewrite Z.abs_mul; nia).
  lia.
Qed.

(** Sums, entry by entry. *)
Fixpoint plus (a b : list Z) : list Z :=
  match a, b with
  | x :: a', y :: b' => x + y :: plus a' b'
  | _, _ => []
  end.

(** Adding zeros. *)
Lemma plus_zeros {A} (f : A -> Z) sums l : length sums = length l -> (forall v, In v l -> f v = 0)
  ->
  plus sums (map f l) = sums.
Proof.
revert l; induction sums as [|s sums IH]; intros [|v l] size zero; try discriminate; [reflexivity|].
cbn [plus map]; rewrite (zero v (or_introl eq_refl)), Z.add_0_r; f_equal.
apply IH; [injection size as size; exact size|intros w member; apply zero; right; exact member].
Qed.

(** One row of the triangle. *)
Lemma add_terms_correct g r U n sums vectors : length sums = length vectors ->
  (forall v, In v vectors -> length v = S n) ->
  length (add_terms g sums (map (hd 0) vectors) (map (dot r) (map (@tl Z) vectors)))
    = length vectors /\
  plus (add_terms g sums (map (hd 0) vectors) (map (dot r) (map (@tl Z) vectors)))
    (map (quadratic U) (map (@tl Z) vectors))
  = plus sums (map (quadratic ((g :: r) :: U)) vectors).
Proof.
revert sums; induction vectors as [|v l IH]; intros [|s sums] size sizes; try discriminate;
  [split; reflexivity|].
destruct (IH sums ltac:(injection size as size; exact size)
  (fun w member => sizes w (or_intror member))) as [count sum].
assert (some := sizes v (or_introl eq_refl)); destruct v as [|x e]; [discriminate|].
cbn [map add_terms length plus hd tl quadratic]; split; [f_equal; exact count|].
f_equal; [ring|exact sum].
Qed.

(** The forms are added. *)
Lemma add_forms_correct width a b U n sums vectors : 1 <= width -> 0 <= a -> 0 <= b ->
  Z.of_nat n * (a * b) < 2 ^ (width - 1) -> length sums = length vectors ->
  (forall v, In v vectors -> length v = n) ->
  (forall r, In r U -> forall x, In x r -> Z.abs x <= a) ->
  (forall v, In v vectors -> forall x, In x v -> Z.abs x <= b) ->
  add_forms width (Z.shiftl 1 (width - 1)) (length vectors) U (pack width n vectors) vectors sums
  = plus sums (map (quadratic U) vectors).
Proof.
intros width_pos a_pos b_pos; revert n sums vectors; induction U as [|[|g r] U IH];
  intros n sums vectors room size sizes small_U small_v.
1-2: symmetry; apply plus_zeros; [exact size|intros v _; destruct v; reflexivity].
destruct n as [|n].
- symmetry; transitivity sums.
  + apply plus_zeros; [exact size|]; intros v member.
    assert (none := sizes v member); destruct v; [reflexivity|discriminate].
  + assert (none := pack_length width 0 vectors sizes).
    destruct (pack width 0 vectors); [reflexivity|discriminate].
- destruct (pack_tails width n vectors sizes) as [x packed]; rewrite packed; cbn [add_forms].
  assert (tails : forall v, In v (map (@tl Z) vectors) -> length v = n).
  { intros v member; apply in_map_iff in member; destruct member as [w [<- inside]].
    assert (one := sizes w inside); destruct w; [discriminate|]; injection one as one; exact one. }
  assert (small_t : forall v, In v (map (@tl Z) vectors) -> forall y, In y v -> Z.abs y <= b).
  { intros v member y inside; apply in_map_iff in member; destruct member as [w [<- whole]].
    apply (small_v w whole); destruct w; [destruct inside|right; exact inside]. }
  assert (room' : Z.of_nat n * (a * b) < 2 ^ (width - 1)) by nia.
  rewrite dot_pack by first [lia|exact tails].
  rewrite <- (map_length (@tl Z) vectors), <- (map_length (dot r) (map (@tl Z) vectors)).
  rewrite unpack_digits; [|exact width_pos|].
  + destruct (add_terms_correct g r U n sums vectors size sizes) as [count sum].
    rewrite map_length; rewrite IH; [exact sum|exact room'| |exact tails| |exact small_t].
    * rewrite count, map_length; reflexivity.
    * intros l member; apply small_U; right; exact member.
  + intros y member; apply in_map_iff in member; destruct member as [v [<- inside]].
    assert (bound := dot_bound a b r v a_pos b_pos
      (fun z within => small_U _ (or_introl eq_refl) z (or_intror within)) (small_t v inside)).
    rewrite (tails v inside) in bound; lia.
Qed.

(** The forms are those of the vectors one by one. *)
Theorem quadratics_correct U top n vectors : 0 <= top ->
  (forall r, In r U -> forall x, In x r -> Z.abs x <= top) ->
  (forall v, In v vectors -> length v = n) ->
  quadratics U top n vectors = map (quadratic U) vectors.
Proof.
intros top_pos small sizes; unfold quadratics.
destruct (largest_of_bounds 0 vectors) as [b_pos small_v]; set (b := largest_of 0 vectors) in *.
set (bound := Z.of_nat n * (top * b)); assert (bound_pos : 0 <= bound) by (unfold bound; nia).
assert (log_pos := Z.log2_nonneg bound).
assert (room : bound < 2 ^ (Z.log2 bound + 2 - 1)).
{ replace (Z.log2 bound + 2 - 1) with (Z.succ (Z.log2 bound)) by lia.
  destruct (Z.eq_dec bound 0) as [->|some]; [reflexivity|apply Z.log2_spec; lia]. }
rewrite (add_forms_correct _ top b) by first [lia|exact room|apply repeat_length|assumption].
clear - vectors; induction vectors as [|v l IH]; [reflexivity|].
cbn [length repeat map plus]; rewrite IH; reflexivity.
Qed.
