(** * Lists of words as lists of exact numbers

    Purpose: the checker reads each word of a bundle once, as an integer times a power of two.
      What it reads is the real number that the word stands for in Flocq's reading of it.
    Main results: [read_b32_correct], [read_b64_correct], [read_matrix_correct].
    Depends on: Format/Word, Check/Dyadic; Flocq: Binary, Bits.
    Source: IEEE 754-2019, section 3.4. *)
From Coq Require Import ZArith Reals Lia List Bool.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.Word Check.Dyadic.
Import ListNotations.
Open Scope Z_scope.

(** The exact values of a list of words below [limit]; none if one is no finite number. *)
Fixpoint read_words (value : Z -> option dyadic) (limit : Z) (l : list Z) : option (list dyadic) :=
  match l with
  | [] => Some []
  | z :: l' =>
      if (0 <=? z) && (z <? limit) then
        match value z, read_words value limit l' with
        | Some d, Some r => Some (d :: r)
        | _, _ => None
        end
      else None
  end.

(** The readers of the two formats. *)
Definition read_b32 := read_words b32_dyadic (2 ^ 32).
Definition read_b64 := read_words b64_dyadic (2 ^ 64).

(** The exact values of the rows of a matrix of binary64 words. *)
Fixpoint read_matrix (M : list (list Z)) : option (list (list dyadic)) :=
  match M with
  | [] => Some []
  | r :: M' =>
      match read_b64 r, read_matrix M' with
      | Some d, Some D => Some (d :: D)
      | _, _ => None
      end
  end.

(** The real number of a binary32 word. *)
Definition b32_value (z : Z) : R := B2R 24 128 (b32_of_bits z).

(** The real number of a binary64 word. *)
Definition b64_value (z : Z) : R := B2R 53 1024 (b64_of_bits z).

(** A word of 32 bits that is a finite binary32 number. *)
Definition b32_finite (z : Z) : Prop :=
  0 <= z < 2 ^ 32 /\ is_finite 24 128 (b32_of_bits z) = true.

(** A word of 64 bits that is a finite binary64 number. *)
Definition b64_finite (z : Z) : Prop :=
  0 <= z < 2 ^ 64 /\ is_finite 53 1024 (b64_of_bits z) = true.

Section Read.

Variables (value : Z -> option dyadic) (limit : Z) (finite : Z -> Prop) (real : Z -> R).
Hypothesis value_correct : forall z d, 0 <= z < limit -> value z = Some d ->
  finite z /\ real z = F2R d.

(** Reading a list of words gives their values, and only finite words are read. *)
Lemma read_words_correct l ds : read_words value limit l = Some ds ->
  length ds = length l /\ Forall (fun z => 0 <= z < limit /\ finite z) l /\
  map real l = map F2R ds.
Proof.
revert ds; induction l as [|z l IH]; intros ds; simpl.
- intros done; injection done as <-; repeat split; constructor.
- destruct ((0 <=? z) && (z <? limit)) eqn:range; [|discriminate].
  apply andb_true_iff in range; rewrite Z.leb_le, Z.ltb_lt in range.
  destruct (value z) as [d|] eqn:word; [|discriminate].
  destruct (read_words value limit l) as [tail|]; [|discriminate].
  intros done; injection done as <-.
  destruct (IH tail eq_refl) as [size [all values]].
  destruct (value_correct z d range word) as [fin val].
  repeat split.
  + simpl; rewrite size; reflexivity.
  + constructor; [split; assumption|exact all].
  + simpl; rewrite val, values; reflexivity.
Qed.

End Read.

(** Reading binary32 words. *)
Lemma read_b32_correct l ds : read_b32 l = Some ds ->
  length ds = length l /\ Forall b32_finite l /\ map b32_value l = map F2R ds.
Proof.
apply (read_words_correct b32_dyadic (2 ^ 32)
  (fun z => is_finite 24 128 (b32_of_bits z) = true) b32_value).
intros z d range word; assert (correct := b32_dyadic_correct z range).
rewrite word in correct; destruct correct as [fin val]; split; [exact fin|symmetry; exact val].
Qed.

(** Reading binary64 words. *)
Lemma read_b64_correct l ds : read_b64 l = Some ds ->
  length ds = length l /\ Forall b64_finite l /\ map b64_value l = map F2R ds.
Proof.
apply (read_words_correct b64_dyadic (2 ^ 64)
  (fun z => is_finite 53 1024 (b64_of_bits z) = true) b64_value).
intros z d range word; assert (correct := b64_dyadic_correct z range).
rewrite word in correct; destruct correct as [fin val]; split; [exact fin|symmetry; exact val].
Qed.

(** Entries of mapped lists, whatever the defaults. *)
Lemma nth_mapped {A B} (f : A -> B) l j a b : (j < length l)%nat ->
  nth j (map f l) b = f (nth j l a).
Proof.
intros below; rewrite (nth_indep _ b (f a)) by (rewrite map_length; exact below).
apply map_nth.
Qed.

(** An entry of a list that was read. *)
Lemma read_nth {A} (f : Z -> A) (g : dyadic -> A) l ds j : map f l = map g ds ->
  (j < length l)%nat -> f (nth j l 0) = g (nth j ds dyadic_zero).
Proof.
intros equal below; assert (size := f_equal (@length A) equal); rewrite !map_length in size.
rewrite <- (nth_mapped f l j 0 (g dyadic_zero)), equal by exact below; apply map_nth.
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
