(** * The static range coder of packed artifacts

    Purpose: a state takes a symbol s of frequency f s by x -> (x / f s) M + c s + x mod f s; before
      it would leave [L, b L) its lowest digit goes out as a word.  A decoder undoes this step by
      step, so a run is read back, and whatever is read is what the run is written as.
    Main results: [coded_run_read], [coded_run_text].
    Depends on: Coq's integers and lists only.
    Source: J. Duda, asymmetric numeral systems (2009); elementary. *)
From Coq Require Import ZArith Lia List.
Import ListNotations.
Open Scope Z_scope.

Section Coder.

(** Words are below b; states lie in [L, b L); frequencies sum to M, which divides L. *)
Variables b L M K : Z.
Hypothesis base : 1 < b.
Hypothesis multiple : L = K * M.
Hypothesis some : 0 < K.
Hypothesis total : 0 < M.
Hypothesis words_hold : M <= b.

(** Frequency, the sum of those below, and the symbol of a slot. *)
Variable f c : nat -> Z.
Variable symbol : Z -> nat.
Hypothesis slots : forall r, 0 <= r < M ->
  0 < f (symbol r) /\ c (symbol r) <= r < c (symbol r) + f (symbol r).
Hypothesis own : forall s r, c s <= r < c s + f s -> 0 <= r < M /\ symbol r = s.

Definition state (x : Z) : Prop := L <= x < b * L.

(** The state after s was put on x, and the state from which x was made. *)
Definition put (s : nat) (x : Z) : Z := x / f s * M + c s + x mod f s.
Definition taken (x : Z) : Z := f (symbol (x mod M)) * (x / M) + x mod M - c (symbol (x mod M)).

(** With a word that goes out first, or comes back: *)
Definition write (s : nat) (x : Z) (words : list Z) : Z * list Z :=
  if f s * (b * K) <=? x then (put s (x / b), x mod b :: words) else (put s x, words).

Definition read (x : Z) (words : list Z) : option (nat * Z * list Z) :=
  let s := symbol (x mod M) in
  let y := taken x in
  if L <=? y then Some (s, y, words)
  else match words with
       | [] => None
       | w :: rest => Some (s, y * b + w, rest)
       end.

Definition word (w : Z) : Prop := 0 <= w < b.

Lemma put_slot s x : 0 < f s -> c s <= c s + x mod f s < c s + f s.
Proof. intros positive; pose proof (Z.mod_pos_bound x (f s) positive); lia. Qed.

Lemma put_parts s x : 0 < f s -> put s x / M = x / f s /\ put s x mod M = c s + x mod f s.
Proof.
  intros positive.
  destruct (own s (c s + x mod f s) (put_slot s x positive)) as [range _].
  unfold put; replace (x / f s * M + c s + x mod f s) with (x / f s * M + (c s + x mod f s)) by ring.
  split.
  - rewrite Z.div_add_l by lia; rewrite (Z.div_small _ M range); ring.
  - rewrite Z.add_comm, Z_mod_plus_full; exact (Z.mod_small _ _ range).
Qed.

(** What was put is taken: the symbol and the state before it. *)
Lemma taken_put s x : 0 < f s -> symbol (put s x mod M) = s /\ taken (put s x) = x.
Proof.
  intros positive.
  destruct (put_parts s x positive) as [quotient rest].
  destruct (own s (c s + x mod f s) (put_slot s x positive)) as [_ named].
  assert (symbol (put s x mod M) = s) as same by (rewrite rest; exact named).
  split; [exact same|].
  unfold taken; rewrite same, quotient, rest.
  pose proof (Z.div_mod x (f s)); lia.
Qed.

(** And what was taken is put: the state. *)
Lemma put_taken x : 0 < f (symbol (x mod M)) /\ put (symbol (x mod M)) (taken x) = x.
Proof.
  pose proof (Z.mod_pos_bound x M total) as range.
  destruct (slots _ range) as [positive slot].
  split; [exact positive|].
  unfold put, taken; set (s := symbol (x mod M)) in *.
  replace (f s * (x / M) + x mod M - c s) with (x / M * f s + (x mod M - c s)) by ring.
  rewrite Z.div_add_l by lia.
  rewrite (Z.div_small (x mod M - c s)) by lia.
  rewrite (Z.add_comm (x / M * f s)), Z_mod_plus_full, Z.mod_small by lia.
  pose proof (Z.div_mod x M); lia.
Qed.

(** Putting s on [f K, b f K) leads to [L, b L), taking leads back. *)
Lemma put_state s x : 0 < f s -> f s * K <= x < f s * (b * K) -> state (put s x).
Proof.
  intros positive bounds.
  destruct (own s (c s + x mod f s) (put_slot s x positive)) as [range _].
  assert (K <= x / f s) by (apply Z.div_le_lower_bound; lia).
  assert (x / f s < b * K) by (apply Z.div_lt_upper_bound; lia).
  unfold state, put; subst L; nia.
Qed.

Lemma taken_range x : state x ->
  f (symbol (x mod M)) * K <= taken x < f (symbol (x mod M)) * (b * K).
Proof.
  intros bounds; unfold state in bounds.
  pose proof (Z.mod_pos_bound x M total) as range.
  destruct (slots _ range) as [positive slot].
  assert (K <= x / M) by (apply Z.div_le_lower_bound; lia).
  assert (x / M < b * K) by (apply Z.div_lt_upper_bound; lia).
  unfold taken; nia.
Qed.

(** No frequency is above M, so before a word went out a state of s was within [f K, b f K). *)
Lemma frequency_le s : 0 < f s -> f s <= M.
Proof.
  intros positive.
  destruct (own s (c s) ltac:(lia)) as [first _].
  destruct (own s (c s + f s - 1) ltac:(lia)) as [last _]; lia.
Qed.

Lemma read_write_one s x words y rest : 0 < f s -> state x -> write s x words = (y, rest) ->
  state y /\ read y rest = Some (s, x, words).
Proof.
  intros positive bounds; pose proof (frequency_le s positive) as small; unfold state in bounds.
  unfold write; destruct (Z.leb_spec (f s * (b * K)) x) as [large | fits]; intros [= <- <-].
  - assert (f s * K <= x / b) by (apply Z.div_le_lower_bound; lia).
    assert (x / b < L) by (apply Z.div_lt_upper_bound; lia).
    split; [apply put_state; [lia | split; [lia | nia]]|].
    unfold read; destruct (taken_put s (x / b) positive) as [-> ->].
    destruct (Z.leb_spec L (x / b)); [lia|].
    pose proof (Z.div_mod x b); do 3 f_equal; lia.
  - split; [apply put_state; [lia | split; [nia | lia]]|].
    unfold read; destruct (taken_put s x positive) as [-> ->].
    destruct (Z.leb_spec L x); [reflexivity | lia].
Qed.

Lemma write_read_one x words s y rest : state x -> Forall word words -> read x words = Some (s, y, rest) ->
  0 < f s /\ state y /\ Forall word rest /\ write s y rest = (x, words).
Proof.
  intros bounds digits; pose proof (taken_range x bounds) as range.
  destruct (put_taken x) as [positive back].
  pose proof (frequency_le _ positive) as small.
  unfold read; destruct (Z.leb_spec L (taken x)) as [large | low].
  - intros [= <- <- <-]; repeat split; try assumption; [nia|].
    unfold write; destruct (Z.leb_spec (f (symbol (x mod M)) * (b * K)) (taken x)); [lia | now rewrite back].
  - destruct words as [|w others]; [discriminate|]; intros [= <- <- <-].
    inversion digits as [|? ? digit remaining]; subst; unfold word in digit.
    repeat split; try assumption; [nia | nia|].
    unfold write; destruct (Z.leb_spec (f (symbol (x mod M)) * (b * K)) (taken x * b + w)); [|nia].
    assert ((taken x * b + w) / b = taken x) as -> by (rewrite Z.div_add_l, Z.div_small by lia; ring).
    assert ((taken x * b + w) mod b = w) as ->
      by (rewrite Z.add_comm, Z_mod_plus_full; apply Z.mod_small; lia).
    now rewrite back.
Qed.

(** A run goes to several states in turn: the next is the first of a queue, and goes to its end.
    The writer goes from the last symbol to the first. *)
Fixpoint read_run (n : nat) (queue words : list Z) : option (list nat * list Z * list Z) :=
  match n with
  | O => Some ([], queue, words)
  | S m =>
      match queue with
      | [] => None
      | x :: others =>
          match read x words with
          | None => None
          | Some (s, y, rest) =>
              match read_run m (others ++ [y]) rest with
              | None => None
              | Some (run, last, unread) => Some (s :: run, last, unread)
              end
          end
      end
  end.

(** The writer of a run that begins with the states [last] and the words [unread]: the states and the
    words that a reader gets. *)
Fixpoint write_run (run : list nat) (last unread : list Z) : list Z * list Z :=
  match run with
  | [] => (last, unread)
  | s :: following =>
      let '(queue, words) := write_run following last unread in
      let '(x, rest) := write s (List.last queue 0) words in
      (x :: removelast queue, rest)
  end.

Definition occurs (s : nat) : Prop := 0 < f s.

Theorem read_write run last unread : Forall occurs run -> last <> [] -> Forall state last ->
  Forall state (fst (write_run run last unread)) /\
  read_run (length run) (fst (write_run run last unread)) (snd (write_run run last unread))
  = Some (run, last, unread).
Proof.
  intros known filled states.
  enough (fst (write_run run last unread) <> [] /\
          Forall state (fst (write_run run last unread)) /\
          read_run (length run) (fst (write_run run last unread)) (snd (write_run run last unread))
          = Some (run, last, unread)) by tauto.
  induction run as [|s following IH]; [now cbn|].
  inversion known as [|? ? here later]; subst.
  destruct (IH later) as [nonempty [among again]]; clear IH.
  cbn; destruct (write_run following last unread) as [queue words]; cbn in nonempty, among, again.
  rewrite (app_removelast_last 0 nonempty) in among; apply Forall_app in among as [front back].
  inversion back as [|? ? whole _]; subst.
  destruct (write s (List.last queue 0) words) as [x rest] eqn:written; cbn.
  destruct (read_write_one s _ words x rest here whole written) as [sound reads].
  repeat split; [discriminate | now constructor|].
  now rewrite reads, <- (app_removelast_last 0 nonempty), again.
Qed.

Theorem write_read n queue words run last unread : Forall state queue -> Forall word words ->
  read_run n queue words = Some (run, last, unread) ->
  length run = n /\ Forall occurs run /\ Forall state last /\ Forall word unread /\
  write_run run last unread = (queue, words).
Proof.
  revert queue words run; induction n as [|m IH]; intros queue words run states digits.
  - intros [= <- <- <-]; repeat split; try assumption; constructor.
  - destruct queue as [|x others]; cbn; [discriminate|].
    inversion states as [|? ? here later]; subst.
    destruct (read x words) as [[[s y] rest]|] eqn:one; [|discriminate].
    destruct (write_read_one x words s y rest here digits one) as [known [sound [remaining back]]].
    destruct (read_run m (others ++ [y]) rest) as [[[following end_] unread_]|] eqn:more; [|discriminate].
    intros [= <- <- <-].
    destruct (IH (others ++ [y]) rest following) as [size [all_known [ends [rests again]]]];
      [apply Forall_app; auto | assumption | exact more|].
    repeat split; [cbn; lia | now constructor | assumption | assumption|].
    cbn; rewrite again, last_last, removelast_last, back; reflexivity.
Qed.
End Coder.

(** The coder of artifacts: words of 32 bits, frequencies of sum 2^14, four states from 2^31 on that
    begin there.  A word goes out where x >= f 2^49.  Any run of symbols that occur is read back, to
    the end of its words and to the states in which the writer began; *)
Section Artifact.
Variable f c : nat -> Z.
Variable symbol : Z -> nat.
Hypothesis slots : forall r, 0 <= r < 2 ^ 14 ->
  0 < f (symbol r) /\ c (symbol r) <= r < c (symbol r) + f (symbol r).
Hypothesis own : forall s r, c s <= r < c s + f s -> 0 <= r < 2 ^ 14 /\ symbol r = s.

Definition begun : list Z := repeat (2 ^ 31) 4.
Definition written (run : list nat) : list Z * list Z :=
  write_run (2 ^ 32) (2 ^ 14) (2 ^ 17) f c run begun [].
Definition read_from (n : nat) (queue words : list Z) : option (list nat * list Z * list Z) :=
  read_run (2 ^ 32) (2 ^ 31) (2 ^ 14) f c symbol n queue words.

Theorem coded_run_read run : Forall (occurs f) run ->
  Forall (fun x => 2 ^ 31 <= x < 2 ^ 63) (fst (written run)) /\
  read_from (length run) (fst (written run)) (snd (written run)) = Some (run, begun, []).
Proof.
  intros known.
  apply (read_write (2 ^ 32) (2 ^ 31) (2 ^ 14) (2 ^ 17)); try easy.
  repeat constructor; easy.
Qed.

(** and one run has one text: what is read so is what the run is written as. *)
Theorem coded_run_text n queue words run : Forall (fun x => 2 ^ 31 <= x < 2 ^ 63) queue ->
  Forall (fun w => 0 <= w < 2 ^ 32) words -> read_from n queue words = Some (run, begun, []) ->
  length run = n /\ Forall (occurs f) run /\ written run = (queue, words).
Proof.
  intros states digits reads.
  destruct (write_read (2 ^ 32) (2 ^ 31) (2 ^ 14) (2 ^ 17) ltac:(easy) ltac:(easy) ltac:(easy)
    ltac:(easy) ltac:(easy) f c symbol slots own n queue words run begun [] states digits reads)
    as [size [known [_ [_ text]]]].
  auto.
Qed.
End Artifact.

(** Both hypotheses hold for two symbols of 2^13 each; the run 0, 1 and a run of which a word goes out.
    tests/io/range_coder_test.cpp has the first of them. *)
Definition evenly (s : nat) : Z := match s with O | S O => 2 ^ 13 | _ => 0 end.
Definition evenly_below (s : nat) : Z := match s with O => 0 | S O => 2 ^ 13 | _ => 2 ^ 14 end.
Definition evenly_symbol (r : Z) : nat := if r <? 2 ^ 13 then O else S O.

Lemma evenly_slots r : 0 <= r < 2 ^ 14 ->
  0 < evenly (evenly_symbol r) /\
  evenly_below (evenly_symbol r) <= r < evenly_below (evenly_symbol r) + evenly (evenly_symbol r).
Proof. unfold evenly_symbol; destruct (Z.ltb_spec r (2 ^ 13)); cbn in *; lia. Qed.

Lemma evenly_own s r : evenly_below s <= r < evenly_below s + evenly s -> 0 <= r < 2 ^ 14 /\ evenly_symbol r = s.
Proof.
  destruct s as [|[|s]]; cbn; unfold evenly_symbol; destruct (Z.ltb_spec r (2 ^ 13)); cbn in *; lia.
Qed.

Lemma coded_run_witness :
  written evenly evenly_below [O; S O] = ([2 ^ 32; 2 ^ 32 + 2 ^ 13; 2 ^ 31; 2 ^ 31], []) /\
  length (snd (written evenly evenly_below (repeat (S O) 136))) = 4%nat /\
  read_from evenly evenly_below evenly_symbol 136 (fst (written evenly evenly_below (repeat (S O) 136)))
    (snd (written evenly evenly_below (repeat (S O) 136))) = Some (repeat (S O) 136, begun, []).
Proof. repeat split; vm_compute; reflexivity. Qed.
