(** * The layouts of codes in the files of other tools

    Purpose: where the files of llama.cpp (Q4_0, Q8_0, Q6_K), GPTQ and compressed-tensors keep each
      code, the pair codes of 2:4 sparsity, and the byte shuffle before a compressor; each with its
      reader, which gives the codes back, and its exact size.
    Main results: [T29_shuffle], [T29_gptq], [T29_compressed_tensors], [T29_q4_0],
      [T29_q8_0], [T29_q6_k], [T29_pairs].
    Depends on: Format/PackedCodes.
    Source: the formats' published layouts; elementary. *)
From Coq Require Import ZArith Lia List Bool.
From Hallmark.Format Require Import PackedCodes.
Import ListNotations.
Open Scope Z_scope.

(** ** Records of one size *)

(** [count] pieces of n entries each. *)
Fixpoint pieces {A} (n count : nat) (l : list A) : list (list A) :=
  match count with
  | O => []
  | S m => firstn n l :: pieces n m (skipn n l)
  end.

Lemma firstn_whole {A} n (a b : list A) : length a = n -> firstn n (a ++ b) = a.
Proof. intros <-; rewrite firstn_app, firstn_all, Nat.sub_diag; apply app_nil_r. Qed.

Lemma skipn_whole {A} n (a b : list A) : length a = n -> skipn n (a ++ b) = b.
Proof. intros <-; rewrite skipn_app, skipn_all, Nat.sub_diag; reflexivity. Qed.

(** Records of m entries each, one after the other: how many entries, and the records again. *)
Lemma records_apart {A B} m (f : A -> list B) l : Forall (fun x => length (f x) = m) l ->
  length (flat_map f l) = (length l * m)%nat /\ pieces m (length l) (flat_map f l) = map f l.
Proof.
induction 1 as [|x l long _ [size apart]]; [split; reflexivity|].
cbn [flat_map length pieces map Nat.mul].
rewrite app_length, size, firstn_whole, skipn_whole, apart by exact long; split; lia || reflexivity.
Qed.

(** What each record is made of is read back. *)
Lemma records_back {A B} (good : A -> Prop) m (f : A -> list B) (g : list B -> A) l :
  (forall x, good x -> length (f x) = m /\ g (f x) = x) -> Forall good l ->
  length (flat_map f l) = (length l * m)%nat /\ map g (pieces m (length l) (flat_map f l)) = l.
Proof.
intros one all; destruct (records_apart m f l) as [size apart].
- refine (Forall_impl _ _ all); intros x fine; apply one; exact fine.
- split; [exact size|]; rewrite apart, map_map; rewrite <- (map_id l) at 2.
  apply map_ext_in; intros x member; rewrite Forall_forall in all; apply one; auto.
Qed.

(** Entry i of record r. *)
Lemma nth_record {A B} m (f : A -> list B) l r i (x : A) (y : B) :
  Forall (fun a => length (f a) = m) l -> (r < length l)%nat -> (i < m)%nat ->
  nth (r * m + i) (flat_map f l) y = nth i (f (nth r l x)) y.
Proof.
intros sizes; revert r; induction sizes as [|a l long _ IH]; intros [|r] inside low;
  cbn [length] in inside; try lia; cbn [flat_map nth Nat.mul].
- rewrite Nat.add_0_l; apply app_nth1; lia.
- rewrite app_nth2, long by lia; replace (m + r * m + i - m)%nat with (r * m + i)%nat by lia.
  apply IH; lia.
Qed.

(** ** Stacked digits and shuffled entries *)

Lemma nth_map_seq {A} (f : nat -> A) n i y : (i < n)%nat -> nth i (map f (seq 0 n)) y = f i.
Proof.
intros low; rewrite (nth_indep _ y (f O)) by (rewrite map_length, seq_length; exact low).
rewrite map_nth, seq_nth by exact low; reflexivity.
Qed.

(** A list is what it says at each place. *)
Lemma list_of_places {A} (l : list A) n y : length l = n ->
  map (fun i => nth i l y) (seq 0 n) = l.
Proof.
intros <-; apply (nth_ext _ _ y y); rewrite map_length, seq_length; [reflexivity|].
intros i low; apply (nth_map_seq (fun i => nth i l y)); exact low.
Qed.

(** n words of g digits of b bits: word i holds the codes i, i + n, .., the first lowest. *)
Definition stacked (b n g : nat) (c : list Z) : list Z :=
  map (fun i => number_of b (map (fun k => nth (k * n + i) c 0) (seq 0 g))) (seq 0 n).

(** Code t stands in word t mod n. *)
Definition unstacked (b n g : nat) (p : list Z) : list Z :=
  map (fun t => nth (t / n) (digits_of b g (nth (t mod n) p 0)) 0) (seq 0 (g * n)).

(** Codes of b bits, stacked, are n words of g b bits, and are read back. *)
Theorem stacked_back (b n g : nat) (c : list Z) : of_bits b c -> length c = (g * n)%nat ->
  length (stacked b n g c) = n /\ of_bits (g * b) (stacked b n g c) /\
  unstacked b n g (stacked b n g c) = c.
Proof.
intros small size.
assert (digits : forall i, of_bits b (map (fun k => nth (k * n + i) c 0) (seq 0 g))).
{ intros i; apply Forall_map, Forall_forall; intros k _.
  destruct (Nat.lt_ge_cases (k * n + i) (length c)) as [inside|beyond].
  - unfold of_bits in small; rewrite Forall_forall in small; apply small, nth_In, inside.
  - rewrite nth_overflow by exact beyond; assert (pos := power_pos b); lia. }
split; [unfold stacked; rewrite map_length; apply seq_length|split].
- apply Forall_map, Forall_forall; intros i _.
  assert (range := number_of_range b _ (digits i)); rewrite map_length, seq_length in range.
  exact range.
- rewrite <- (list_of_places c (g * n) 0 size) at 2.
  apply map_ext_in; intros t member; apply in_seq in member.
  assert (n_pos : (0 < n)%nat) by (destruct n; lia).
  unfold stacked; rewrite nth_map_seq by (apply Nat.mod_upper_bound; lia).
  rewrite digits_of_number by first [apply digits|rewrite map_length; apply seq_length].
  rewrite nth_map_seq by (apply Nat.div_lt_upper_bound; lia).
  f_equal; rewrite Nat.mul_comm; symmetry; apply Nat.div_mod; lia.
Qed.

(** The entries at the places j, j + k, j + 2 k, .. of n. *)
Definition every_kth (k n : nat) (l : list Z) (j : nat) : list Z :=
  map (fun i => nth (i * k + j) l 0) (seq 0 (n / k + (if (j <? n mod k)%nat then 1 else 0))).

(** Shuffled: the entries at multiples of k, then those one place on, and so on.  Of a matrix of k
    columns, row after row, it is the transpose. *)
Definition shuffled (k : nat) (l : list Z) : list Z :=
  flat_map (every_kth k (length l) l) (seq 0 k).

(** Where the entries j, j + k, .. of n begin. *)
Definition chunk_start (k n j : nat) : nat := (j * (n / k) + Nat.min j (n mod k))%nat.

Definition unshuffled (k : nat) (p : list Z) : list Z :=
  map (fun t => nth (chunk_start k (length p) (t mod k) + t / k) p 0) (seq 0 (length p)).

Lemma every_kth_length k n l j :
  length (every_kth k n l j) = (n / k + (if (j <? n mod k)%nat then 1 else 0))%nat.
Proof. unfold every_kth; rewrite map_length; apply seq_length. Qed.

Lemma chunks_before k n l j : length (flat_map (every_kth k n l) (seq 0 j)) = chunk_start k n j.
Proof.
induction j as [|j IH]; [reflexivity|]; unfold chunk_start in *.
rewrite seq_S, flat_map_app, app_length, IH; cbn [flat_map Nat.add]; rewrite app_nil_r.
rewrite every_kth_length; destruct (Nat.ltb_spec j (n mod k)); lia.
Qed.

Lemma shuffled_length k l : (0 < k)%nat -> length (shuffled k l) = length l.
Proof.
intros k_pos; unfold shuffled; rewrite chunks_before; unfold chunk_start.
assert (split := Nat.div_mod_eq (length l) k).
assert (rest := Nat.mod_upper_bound (length l) k ltac:(lia)); lia.
Qed.

Lemma nth_shuffled k l i j : (j < k)%nat -> (i * k + j < length l)%nat ->
  nth (chunk_start k (length l) j + i) (shuffled k l) 0 = nth (i * k + j) l 0.
Proof.
intros low inside; unfold shuffled.
replace k with (j + S (k - S j))%nat at 3 by lia; rewrite seq_app, flat_map_app.
rewrite <- (chunks_before k (length l) l j).
rewrite app_nth2_plus; cbn [seq flat_map Nat.add].
assert (split := Nat.div_mod_eq (length l) k).
assert (rest := Nat.mod_upper_bound (length l) k ltac:(lia)).
assert (early : (i < length l / k + (if (j <? length l mod k)%nat then 1 else 0))%nat)
  by (destruct (Nat.ltb_spec j (length l mod k)); nia).
rewrite app_nth1 by (rewrite every_kth_length; exact early).
unfold every_kth; rewrite nth_map_seq by exact early; reflexivity.
Qed.

(** Entries, shuffled, are as many, and are read back, whatever their number. *)
Theorem T29_shuffle (k : nat) (l : list Z) : (0 < k)%nat ->
  length (shuffled k l) = length l /\ unshuffled k (shuffled k l) = l.
Proof.
intros k_pos; assert (size := shuffled_length k l k_pos); split; [exact size|].
unfold unshuffled; rewrite size.
transitivity (map (fun t => nth t l 0) (seq 0 (length l))); [|apply list_of_places; reflexivity].
apply map_ext_in; intros t member; apply in_seq in member.
assert (split := Nat.div_mod_eq t k); assert (rest := Nat.mod_upper_bound t k ltac:(lia)).
assert (whole : (t / k * k + t mod k = t)%nat) by (rewrite Nat.mul_comm; symmetry; exact split).
rewrite nth_shuffled, whole by lia; reflexivity.
Qed.

(** Of a matrix of n rows and k columns the entry of row i and column j goes to row j, column i. *)
Lemma nth_transposed k l n i j : length l = (n * k)%nat -> (i < n)%nat -> (j < k)%nat ->
  nth (j * n + i) (shuffled k l) 0 = nth (i * k + j) l 0.
Proof.
intros size i_low j_low; rewrite <- (nth_shuffled k l i j j_low) by nia; f_equal.
unfold chunk_start; rewrite size, Nat.div_mul, Nat.mod_mul by lia; lia.
Qed.

(** ** GPTQ and compressed-tensors: 32-bit words

    Codes of b bits, n to a column or row.  A layer of [out] outputs and n inputs: [lines] are the
    codes of each output. *)

(** The words of each output, one output after the other: compressed-tensors' weight_packed. *)
Definition line_words (b : nat) (lines : list (list Z)) : list Z := flat_map (packed b 32) lines.

Definition line_codes (b n out : nat) (p : list Z) : list (list Z) :=
  map (unpacked b 32 n) (pieces (words_for b 32 n) out p).

(** Word k of every output, one k after the other: GPTQ's qweight. *)
Definition column_words (b n : nat) (lines : list (list Z)) : list Z :=
  shuffled (words_for b 32 n) (line_words b lines).

Definition column_codes (b n out : nat) (p : list Z) : list (list Z) :=
  line_codes b n out (unshuffled (words_for b 32 n) p).

(** n codes of b bits in each line *)
Definition lines_of (b n : nat) (lines : list (list Z)) : Prop :=
  Forall (fun c => length c = n /\ of_bits b c) lines.

Lemma line_sizes b n lines : lines_of b n lines ->
  Forall (fun c => length (packed b 32 c) = words_for b 32 n) lines.
Proof.
intros good; refine (Forall_impl _ _ good); intros c [size small].
rewrite <- size; apply T29_pack; [lia|exact small].
Qed.

(** compressed-tensors: ceil(n b / 32) words for each output, word k of output o is word k of its
    codes, and the codes are read back. *)
Theorem T29_compressed_tensors (b n : nat) (lines : list (list Z)) : lines_of b n lines ->
  let size := words_for b 32 n in let p := line_words b lines in
  length p = (length lines * size)%nat /\
  (forall o k, (o < length lines)%nat -> (k < size)%nat ->
    nth (o * size + k) p 0 = nth k (packed b 32 (nth o lines [])) 0) /\
  line_codes b n (length lines) p = lines.
Proof.
intros good size p.
destruct (records_back (fun c => length c = n /\ of_bits b c) size (packed b 32) (unpacked b 32 n)
  lines) as [long back]; [|exact good|].
- intros c [<- small]; destruct (T29_pack b 32 c ltac:(lia) small) as [long [_ back]]; auto.
- split; [exact long|split; [|exact back]].
  intros o k inside low; apply nth_record; [apply line_sizes; exact good|exact inside|exact low].
Qed.

(** GPTQ: as many words, word k of output o in row k, column o, and the codes are read back. *)
Theorem T29_gptq (b n : nat) (lines : list (list Z)) : (0 < n * b)%nat -> lines_of b n lines ->
  let size := words_for b 32 n in let p := column_words b n lines in
  length p = (size * length lines)%nat /\
  (forall o k, (o < length lines)%nat -> (k < size)%nat ->
    nth (k * length lines + o) p 0 = nth k (packed b 32 (nth o lines [])) 0) /\
  column_codes b n (length lines) p = lines.
Proof.
intros some good size p; destruct (T29_compressed_tensors b n lines good) as [long [entry back]].
fold size in long, entry.
assert (size_pos : (0 < size)%nat) by (destruct (T29_size b 32 n ltac:(lia)); unfold size; nia).
destruct (T29_shuffle size (line_words b lines) size_pos) as [kept unshuffle].
split; [unfold p, column_words; fold size; lia|split].
- intros o k inside low; unfold p, column_words; fold size.
  rewrite (nth_transposed _ _ _ _ _ long inside low); apply entry; assumption.
- unfold column_codes, p, column_words; fold size; rewrite unshuffle; exact back.
Qed.

(** ** GGUF: blocks with a scale

    A scale d is a word of 16 bits; codes are words, so that Q4_0 and Q6_K add 8 and 32 to theirs
    and Q8_0 is in two's complement. *)

Definition scale_bytes (d : Z) : list Z := digits_of 8 2 d.

Lemma scale_back d rest : 0 <= d < power 16 ->
  length (scale_bytes d) = 2%nat /\ number_of 8 (firstn 2 (scale_bytes d ++ rest)) = d.
Proof.
intros range; split; [reflexivity|].
rewrite firstn_whole by reflexivity; apply number_of_digits; exact range.
Qed.

(** A block of codes of b bits with its scale. *)
Definition block_of (b n : nat) (block : Z * list Z) : Prop :=
  0 <= fst block < power 16 /\ length (snd block) = n /\ of_bits b (snd block).

(** Q4_0: the scale, then byte i holds the codes i and i + 16. *)
Definition q4_0 (block : Z * list Z) : list Z :=
  scale_bytes (fst block) ++ stacked 4 16 2 (snd block).

Definition q4_0_block (p : list Z) : Z * list Z :=
  (number_of 8 (firstn 2 p), unstacked 4 16 2 (skipn 2 p)).

(** 18 bytes for 32 codes, read back. *)
Theorem T29_q4_0 (blocks : list (Z * list Z)) : Forall (block_of 4 32) blocks ->
  length (flat_map q4_0 blocks) = (length blocks * 18)%nat /\
  map q4_0_block (pieces 18 (length blocks) (flat_map q4_0 blocks)) = blocks.
Proof.
apply records_back; intros [d c] [range [size small]]; cbn [fst snd] in *.
destruct (stacked_back 4 16 2 c small size) as [long [_ back]].
unfold q4_0, q4_0_block; cbn [fst snd].
destruct (scale_back d (stacked 4 16 2 c) range) as [two d_back].
rewrite app_length, d_back, skipn_whole, back, long by exact two; split; reflexivity.
Qed.

(** Q8_0: the scale, then one byte a code. *)
Definition q8_0 (block : Z * list Z) : list Z := scale_bytes (fst block) ++ snd block.

Definition q8_0_block (p : list Z) : Z * list Z := (number_of 8 (firstn 2 p), skipn 2 p).

(** 34 bytes for 32 codes, read back. *)
Theorem T29_q8_0 (blocks : list (Z * list Z)) : Forall (block_of 8 32) blocks ->
  length (flat_map q8_0 blocks) = (length blocks * 34)%nat /\
  map q8_0_block (pieces 34 (length blocks) (flat_map q8_0 blocks)) = blocks.
Proof.
apply records_back; intros [d c] [range [size small]]; cbn [fst snd] in *.
unfold q8_0, q8_0_block; cbn [fst snd]; destruct (scale_back d c range) as [two d_back].
rewrite app_length, d_back, skipn_whole, size by exact two; split; reflexivity.
Qed.

(** Q6_K: of each half of 128 codes byte l of [low_bits] holds the low four bits of the codes l and
    l + 64, byte l of [high_bits] the high two of the codes l, l + 32, l + 64, l + 96. *)
Definition low_bits (h : list Z) : list Z := stacked 4 64 2 (map (fun u => u mod 16) h).
Definition high_bits (h : list Z) : list Z := stacked 2 32 4 (map (fun u => u / 16) h).

(** Both halves' low bits, both halves' high bits, a scale of 8 bits for each 16 codes, the scale of
    the scales. *)
Definition q6_k (block : Z * list Z * list Z) : list Z :=
  let '(d, scales, c) := block in
  flat_map low_bits (pieces 128 2 c) ++ flat_map high_bits (pieces 128 2 c)
  ++ scales ++ scale_bytes d.

Definition q6_k_half (low high : list Z) : list Z :=
  map (fun '(a, b) => a + 16 * b) (combine (unstacked 4 64 2 low) (unstacked 2 32 4 high)).

Definition q6_k_block (p : list Z) : Z * list Z * list Z :=
  (number_of 8 (firstn 2 (skipn 208 p)), firstn 16 (skipn 192 p),
   q6_k_half (firstn 64 p) (firstn 32 (skipn 128 p))
   ++ q6_k_half (firstn 64 (skipn 64 p)) (firstn 32 (skipn 160 p))).

Lemma half_back h : of_bits 6 h -> length h = 128%nat ->
  length (low_bits h) = 64%nat /\ length (high_bits h) = 32%nat /\
  q6_k_half (low_bits h) (high_bits h) = h.
Proof.
intros small size.
destruct (stacked_back 4 64 2 (map (fun u => u mod 16) h)) as [low_size [_ low_back]].
1: apply Forall_map, Forall_forall; intros u _; apply (Z.mod_pos_bound u 16); lia.
1: rewrite map_length; exact size.
destruct (stacked_back 2 32 4 (map (fun u => u / 16) h)) as [high_size [_ high_back]].
1: apply Forall_map; refine (Forall_impl _ _ small); intros u range.
1: change (power 6) with 64 in range; change (power 2) with 4.
1: split; [apply Z.div_pos|apply Z.div_lt_upper_bound]; lia.
1: rewrite map_length; exact size.
split; [exact low_size|split; [exact high_size|]].
unfold q6_k_half, low_bits, high_bits; rewrite low_back, high_back.
clear; induction h as [|u h IH]; [reflexivity|]; cbn [map combine]; rewrite IH; f_equal.
rewrite Z.add_comm; symmetry; apply Z.div_mod; lia.
Qed.

Definition q6_k_good (block : Z * list Z * list Z) : Prop :=
  let '(d, scales, c) := block in
  0 <= d < power 16 /\ length scales = 16%nat /\ of_bits 8 scales /\
  length c = 256%nat /\ of_bits 6 c.

(** 210 bytes for 256 codes, read back. *)
Theorem T29_q6_k (blocks : list (Z * list Z * list Z)) : Forall q6_k_good blocks ->
  length (flat_map q6_k blocks) = (length blocks * 210)%nat /\
  map q6_k_block (pieces 210 (length blocks) (flat_map q6_k blocks)) = blocks.
Proof.
apply records_back; intros [[d scales] c] [range [scales_size [_ [size small]]]].
assert (parts : c = firstn 128 c ++ firstn 128 (skipn 128 c)).
{ rewrite (firstn_all2 (skipn 128 c)) by (rewrite skipn_length; lia).
  symmetry; apply firstn_skipn. }
unfold q6_k; cbn [pieces flat_map].
assert (halves : of_bits 6 (firstn 128 c) /\ of_bits 6 (firstn 128 (skipn 128 c)))
  by (apply Forall_app; rewrite <- parts; exact small).
assert (size1 : length (firstn 128 c) = 128%nat) by (rewrite firstn_length; lia).
assert (size2 : length (firstn 128 (skipn 128 c)) = 128%nat)
  by (rewrite firstn_length, skipn_length; lia).
revert parts halves size1 size2; generalize (firstn 128 c), (firstn 128 (skipn 128 c)).
intros h1 h2 -> [small1 small2] size1 size2.
destruct (half_back h1 small1 size1) as [low1 [high1 back1]].
destruct (half_back h2 small2 size2) as [low2 [high2 back2]].
rewrite !app_nil_r.
revert low1 low2 high1 high2 back1 back2.
generalize (low_bits h1), (low_bits h2), (high_bits h1), (high_bits h2).
intros a b e f a_size b_size e_size f_size back1 back2.
set (p := (a ++ b) ++ (e ++ f) ++ scales ++ scale_bytes d).
assert (length p = 210%nat).
{ unfold p; rewrite !app_length, a_size, b_size, e_size, f_size, scales_size; reflexivity. }
split; [assumption|]; unfold q6_k_block.
assert (at208 : p = (a ++ b ++ e ++ f ++ scales) ++ scale_bytes d)
  by (unfold p; rewrite <- !app_assoc; reflexivity).
assert (at192 : p = (a ++ b ++ e ++ f) ++ scales ++ scale_bytes d)
  by (unfold p; rewrite <- !app_assoc; reflexivity).
assert (at160 : p = (a ++ b ++ e) ++ f ++ scales ++ scale_bytes d)
  by (unfold p; rewrite <- !app_assoc; reflexivity).
assert (at128 : p = (a ++ b) ++ e ++ f ++ scales ++ scale_bytes d)
  by (unfold p; rewrite <- !app_assoc; reflexivity).
assert (at64 : p = a ++ b ++ e ++ f ++ scales ++ scale_bytes d)
  by (unfold p; rewrite <- !app_assoc; reflexivity).
f_equal; [f_equal|].
- rewrite at208, skipn_whole by (rewrite !app_length; lia); rewrite firstn_all2 by (cbn; lia).
  apply number_of_digits; exact range.
- rewrite at192, skipn_whole by (rewrite !app_length; lia); apply firstn_whole; exact scales_size.
- rewrite at64 at 1; rewrite firstn_whole by exact a_size.
  rewrite at128 at 1; rewrite skipn_whole by (rewrite app_length; lia).
  rewrite firstn_whole, back1 by exact e_size; f_equal.
  rewrite at64 at 1; rewrite skipn_whole, firstn_whole by assumption.
  rewrite at160, skipn_whole by (rewrite !app_length; lia); rewrite firstn_whole by exact f_size.
  exact back2.
Qed.

(** ** 2:4 sparsity

    Of four codes in a row at least two are 0, and two places are kept. *)

(** The pairs of places, by their codes 0 .. 5. *)
Definition pair_of (code : Z) : nat * nat :=
  match code with
  | 0%Z => (0, 1)
  | 1%Z => (0, 2)
  | 2%Z => (0, 3)
  | 3%Z => (1, 2)
  | 4%Z => (1, 3)
  | _ => (2, 3)
  end%nat.

(** The first pair beside which a block of four has nothing but zeros. *)
Definition pair_code (block : list Z) : Z :=
  let empty i := nth i block 0 =? 0 in
  if empty 2%nat && empty 3%nat then 0
  else if empty 1%nat && empty 3%nat then 1
  else if empty 1%nat && empty 2%nat then 2
  else if empty 0%nat && empty 3%nat then 3
  else if empty 0%nat && empty 2%nat then 4
  else 5.

(** The two codes that are kept. *)
Definition kept (block : list Z) : list Z :=
  let '(i, j) := pair_of (pair_code block) in [nth i block 0; nth j block 0].

(** The block with two codes in the places of a pair. *)
Definition spread_pair (code : Z) (two : list Z) : list Z :=
  let '(i, j) := pair_of code in
  map (fun k => if (k =? i)%nat then nth 0 two 0 else if (k =? j)%nat then nth 1 two 0 else 0)
    (seq 0 4).

(** The pair as two places of two bits, the first lowest: how devices keep it. *)
Definition pair_places (code : Z) : Z :=
  let '(i, j) := pair_of code in number_of 2 [Z.of_nat i; Z.of_nat j].

(** Blocks of four codes of b bits, two of them 0 at least. *)
Definition two_of_four (b : nat) (block : list Z) : Prop :=
  length block = 4%nat /\ of_bits b block /\ (2 <= count_occ Z.eq_dec block 0%Z)%nat.

Lemma spread_back b block : two_of_four b block ->
  0 <= pair_code block < 6 /\ length (kept block) = 2%nat /\ of_bits b (kept block) /\
  spread_pair (pair_code block) (kept block) = block.
Proof.
intros [size [small zeros]].
do 4 (destruct block as [|? block]; [discriminate|]); destruct block; [|discriminate].
unfold of_bits in *; rewrite !Forall_cons_iff in small.
unfold kept, pair_code; cbn [nth count_occ] in *.
repeat match goal with |- context [?x =? 0] => destruct (Z.eqb_spec x 0) end;
  repeat match type of zeros with context [Z.eq_dec ?x 0] => destruct (Z.eq_dec x 0) end;
  try contradiction; try (exfalso; cbn in zeros; lia); subst; cbn;
  (split; [lia|split; [reflexivity|split; [|reflexivity]]]);
  repeat (apply Forall_cons; [tauto|]); constructor.
Qed.

(** Pair codes of 3 bits and the kept codes, packed: the blocks are read back. *)
Theorem T29_pairs (b : nat) (blocks : list (list Z)) : Forall (two_of_four b) blocks ->
  let n := length blocks in
  let codes := packed 3 8 (map pair_code blocks) in
  let values := packed b 8 (flat_map kept blocks) in
  length codes = words_for 3 8 n /\ length values = words_for b 8 (2 * n) /\
  map (fun '(code, two) => spread_pair code two)
    (combine (unpacked 3 8 n codes) (pieces 2 n (unpacked b 8 (2 * n) values))) = blocks.
Proof.
intros good n codes values; subst n.
destruct (T29_pack 3 8 (map pair_code blocks) ltac:(lia)) as [code_size [_ code_back]].
1: apply Forall_map; refine (Forall_impl _ _ good); intros block fine.
1: destruct (spread_back b block fine) as [range _]; change (power 3) with 8; lia.
rewrite map_length in code_size, code_back.
destruct (records_apart 2 kept blocks) as [size apart].
1: refine (Forall_impl _ _ good); intros block fine; apply (spread_back b block fine).
destruct (T29_pack b 8 (flat_map kept blocks) ltac:(lia)) as [value_size [_ value_back]].
1: clear - good; induction good as [|block l fine _ IH]; [constructor|].
1: cbn [flat_map]; apply Forall_app; split; [apply (spread_back b block fine)|exact IH].
rewrite size, (Nat.mul_comm (length blocks)) in value_size, value_back.
split; [exact code_size|split; [exact value_size|]].
unfold codes, values; rewrite code_back, value_back, apart.
clear - good; induction good as [|block l fine _ IH]; [reflexivity|].
cbn [map combine]; rewrite IH; f_equal; apply (spread_back b block fine).
Qed.

(** The places of a pair are below 4, the first before the second, and differ from pair to pair. *)
Theorem T29_pair_places (p q : Z) : 0 <= p < 6 -> 0 <= q < 6 ->
  (fst (pair_of p) < snd (pair_of p) < 4)%nat /\ 0 <= pair_places p < 16 /\
  (pair_places p = pair_places q -> p = q).
Proof.
intros p_range q_range; unfold pair_places, power.
assert (p_cases : p = 0 \/ p = 1 \/ p = 2 \/ p = 3 \/ p = 4 \/ p = 5) by lia.
assert (q_cases : q = 0 \/ q = 1 \/ q = 2 \/ q = 3 \/ q = 4 \/ q = 5) by lia.
clear p_range q_range; split; [|split].
1-2: destruct p_cases as [->|[->|[->|[->|[->| ->]]]]]; cbn; lia.
destruct p_cases as [->|[->|[->|[->|[->| ->]]]]], q_cases as [->|[->|[->|[->|[->| ->]]]]]; cbn; lia.
Qed.
