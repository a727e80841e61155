(** * T17: selection

    Purpose: keeping, row by row, the first proposal of least loss among any finite number of them
      makes the loss at most that of each, for every weight, all data and however the proposals were
      found.  T6 is the case of two.
    Main definitions: [keep_by] (a running choice), [selection] (the first proposal of least loss),
      [enclosed_selection] (the same choice where losses are known up to enclosures).
    Main results: [T17_selection_row], [T17_selection_first], [T17_selection_min],
      [T17_selection_loss]; for matrices [T17_selection_mixture], [T17_selection_matrix],
      [T17_selection_matrix_min]; from enclosures [T17_selection_enclosure],
      [T17_selection_enclosure_matrix]; [T17_selection_guard] (T6 is selection from two).
    Nothing is assumed about G, which need be neither symmetric nor semidefinite, nor about the
      proposals.
    Depends on: [Matrix], [MatrixFacts], [Guard].
    Source: this project. *)
From Coq Require Import Reals Lra List.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Guard.
Import ListNotations.
Open Scope R_scope.

(** ** A running choice *)

(** What is kept of [kept] and [rest] when each comes to stand for the one before it wherever
    [better] says so. *)
Fixpoint keep_by {A : Type} (better : A -> A -> bool) (kept : A) (rest : list A) : A :=
  match rest with
  | [] => kept
  | a :: others => keep_by better (if better a kept then a else kept) others
  end.

(** It is one of them. *)
Lemma keep_by_in {A : Type} better (kept : A) rest :
  In (keep_by better kept rest) (kept :: rest).
Proof.
revert kept; induction rest as [|a others IH]; intros kept; [left; reflexivity|].
simpl keep_by; destruct (IH (if better a kept then a else kept)) as [same|later].
- rewrite <- same; destruct (better a kept); [right|]; left; reflexivity.
- right; right; exact later.
Qed.

(** Where a change is never for the worse, neither is the result, whatever was left undecided. *)
Lemma keep_by_first {A : Type} (f : A -> R) (better : A -> A -> bool) (kept : A) rest :
  (forall a b, In a (kept :: rest) -> In b (kept :: rest) -> better a b = true -> f a <= f b) ->
  f (keep_by better kept rest) <= f kept.
Proof.
revert kept; induction rest as [|a others IH]; intros kept sound; [right; reflexivity|].
simpl keep_by; assert (here := sound a kept); simpl In in here.
destruct (better a kept).
- apply Rle_trans with (f a); [|auto].
  apply IH; intros b c inb inc; apply sound; simpl in *; tauto.
- apply IH; intros b c inb inc; apply sound; simpl in *; tauto.
Qed.

(** Where every decision is right, the result is a least one. *)
Lemma keep_by_least {A : Type} (f : A -> R) (better : A -> A -> bool) (kept : A) rest :
  (forall a b, In a (kept :: rest) -> In b (kept :: rest) ->
    if better a b then f a <= f b else f b <= f a) ->
  forall a, In a (kept :: rest) -> f (keep_by better kept rest) <= f a.
Proof.
revert kept; induction rest as [|b others IH]; intros kept right_decision a among.
{ destruct among as [<-|[]]; right; reflexivity. }
simpl keep_by; assert (here := right_decision b kept); simpl In in here.
specialize (here (or_intror (or_introl eq_refl)) (or_introl eq_refl)).
assert (least := IH (if better b kept then b else kept)).
assert (decided : forall c d : A, In c ((if better b kept then b else kept) :: others) ->
  In d ((if better b kept then b else kept) :: others) ->
  if better c d then f c <= f d else f d <= f c).
{ intros c d inc ind; apply right_decision; destruct (better b kept); simpl in *; tauto. }
specialize (least decided); destruct among as [<-|[<-|among]].
- apply Rle_trans with (f (if better b kept then b else kept)); [apply least; left; reflexivity|].
  destruct (better b kept); [exact here|right; reflexivity].
- apply Rle_trans with (f (if better b kept then b else kept)); [apply least; left; reflexivity|].
  destruct (better b kept); [right; reflexivity|exact here].
- apply least; right; exact among.
Qed.

(** ** The first proposal of least loss *)

(** The codes [a] lose strictly less than [b]. *)
Definition loses_less (n : nat) (G : mat) (w a b : vec) : bool :=
  if Rlt_dec (qform n G (vsub w a)) (qform n G (vsub w b)) then true else false.

(** The first one of least loss among [first] and [rest]. *)
Definition selection (n : nat) (G : mat) (w first : vec) (rest : list vec) : vec :=
  keep_by (loses_less n G w) first rest.

(** T17 for a row: the selected row loses no more than any proposal. *)
Theorem T17_selection_row n G w first rest q : In q (first :: rest) ->
  qform n G (vsub w (selection n G w first rest)) <= qform n G (vsub w q).
Proof.
apply (keep_by_least (fun q => qform n G (vsub w q))).
intros a b _ _; unfold loses_less; destruct Rlt_dec; lra.
Qed.

(** T17 in the token loss |(w - q) X|^2. *)
Theorem T17_selection_loss n m X w first rest q : In q (first :: rest) ->
  loss n m X (vsub w (selection n (gram m X) w first rest)) <= loss n m X (vsub w q).
Proof. rewrite !loss_gram; apply T17_selection_row. Qed.

(** It is one of the proposals, and each before it loses strictly more. *)
Theorem T17_selection_first n G w first rest : let kept := selection n G w first rest in
  exists before after, first :: rest = before ++ kept :: after /\
    forall q, In q before -> qform n G (vsub w kept) < qform n G (vsub w q).
Proof.
cbv zeta; revert first; induction rest as [|a others IH]; intros first.
{ exists [], []; split; [reflexivity|intros q []]. }
assert (least := T17_selection_row n G w (if loses_less n G w a first then a else first) others).
destruct (IH (if loses_less n G w a first then a else first)) as [before [after [split_at strict]]].
unfold selection in *; simpl keep_by.
set (kept := keep_by _ (if loses_less n G w a first then a else first) others) in *.
assert (lower := least _ (or_introl eq_refl)).
unfold loses_less in lower, split_at; destruct Rlt_dec as [less|no_less].
- exists (first :: before), after; split; [simpl; rewrite split_at; reflexivity|].
  intros q [<-|among]; [lra|exact (strict q among)].
- destruct before as [|b before]; simpl in split_at; injection split_at as head tail.
  + exists [], (a :: others); split; [simpl; rewrite <- head; reflexivity|intros q []].
  + subst b; exists (first :: a :: before), after; split; [simpl; rewrite tail; reflexivity|].
    assert (here := strict first (or_introl eq_refl)).
    intros q [<-|[<-|among]]; [exact here|lra|exact (strict q (or_intror among))].
Qed.

(** Its loss is the least one, so that every bound on one proposal holds for it. *)
Theorem T17_selection_min n G w first rest :
  qform n G (vsub w (selection n G w first rest))
  = fold_left Rmin (map (fun q => qform n G (vsub w q)) rest) (qform n G (vsub w first)).
Proof.
unfold selection; revert first; induction rest as [|a others IH]; intros first; [reflexivity|].
simpl; rewrite IH; f_equal; unfold loses_less, Rmin.
destruct Rlt_dec, Rle_dec; try reflexivity; lra.
Qed.

(** T6 is selection from two proposals, GPTQ's codes the first. *)
Theorem T17_selection_guard n G w g r : guard n G w g r = selection n G w g [r].
Proof.
unfold guard, selection, loses_less; simpl; destruct Rle_dec, Rlt_dec; try reflexivity; lra.
Qed.

(** So T6 follows. *)
Corollary guard_row_by_selection n G w g r :
  qform n G (vsub w (guard n G w g r)) <= qform n G (vsub w r).
Proof. rewrite T17_selection_guard; apply T17_selection_row; right; left; reflexivity. Qed.

(** ** Matrices, each row selected on its own *)

(** T17 for a matrix: the selected rows lose in all no more than any mixture of proposals, another
    one taken in each row. *)
Theorem T17_selection_mixture p n G (W first : mat) (rest : nat -> list vec) (mixture : mat) :
  (forall i, (i < p)%nat -> In (mixture i) (first i :: rest i)) ->
  matrix_qform p n G (fun i => vsub (W i) (selection n G (W i) (first i) (rest i)))
  <= matrix_qform p n G (fun i => vsub (W i) (mixture i)).
Proof. intros among; apply bsum_le; intros i row; apply T17_selection_row, among, row. Qed.

(** Among matrices of proposals: no more than any of them. *)
Theorem T17_selection_matrix p n G (W first : mat) (rest : list mat) (A : mat) :
  In A (first :: rest) ->
  matrix_qform p n G (fun i => vsub (W i) (selection n G (W i) (first i) (map (fun B => B i) rest)))
  <= matrix_qform p n G (fun i => vsub (W i) (A i)).
Proof.
intros among; apply T17_selection_mixture; intros i _.
exact (in_map (fun B => B i) (first :: rest) A among).
Qed.

(** The total is the sum of the least losses of the rows. *)
Theorem T17_selection_matrix_min p n G (W first : mat) (rest : nat -> list vec) :
  matrix_qform p n G (fun i => vsub (W i) (selection n G (W i) (first i) (rest i)))
  = bsum p (fun i =>
      fold_left Rmin (map (fun q => qform n G (vsub (W i) q)) (rest i))
        (qform n G (vsub (W i) (first i)))).
Proof. apply bsum_ext; intros i _; apply T17_selection_min. Qed.

(** T6 for a matrix follows from the mixture. *)
Corollary guard_matrix_by_selection p n G (W A B : mat) :
  matrix_qform p n G (fun i => vsub (W i) (guard n G (W i) (A i) (B i)))
  <= matrix_qform p n G (fun i => vsub (W i) (B i)).
Proof.
apply Rle_trans with
  (matrix_qform p n G (fun i => vsub (W i) (selection n G (W i) (A i) [B i]))).
{ right; apply bsum_ext; intros i _; rewrite T17_selection_guard; reflexivity. }
apply (T17_selection_mixture p n G W A (fun i => [B i])); intros i _; right; left; reflexivity.
Qed.

(** ** Losses known up to enclosures *)

(** Codes with two ends between which their loss is known to lie. *)
Record enclosed : Type := { enclosed_codes : vec; enclosed_lower : R; enclosed_upper : R }.

(** The loss of the codes is between the two ends. *)
Definition encloses (n : nat) (G : mat) (w : vec) (a : enclosed) : Prop :=
  enclosed_lower a <= qform n G (vsub w (enclosed_codes a)) <= enclosed_upper a.

(** The enclosures decide where they do not overlap, the losses themselves where they do. *)
Definition enclosed_loses_less (n : nat) (G : mat) (w : vec) (a b : enclosed) : bool :=
  if Rle_dec (enclosed_upper a) (enclosed_lower b) then true
  else if Rle_dec (enclosed_upper b) (enclosed_lower a) then false
  else loses_less n G w (enclosed_codes a) (enclosed_codes b).

(** What is kept by these decisions. *)
Definition enclosed_selection (n : nat) (G : mat) (w : vec) (first : enclosed)
    (rest : list enclosed) : vec :=
  enclosed_codes (keep_by (enclosed_loses_less n G w) first rest).

(** T17 from enclosures: the promise is the same. *)
Theorem T17_selection_enclosure n G w first rest :
  (forall a, In a (first :: rest) -> encloses n G w a) ->
  forall a, In a (first :: rest) ->
  qform n G (vsub w (enclosed_selection n G w first rest))
  <= qform n G (vsub w (enclosed_codes a)).
Proof.
intros known; apply (keep_by_least (fun a => qform n G (vsub w (enclosed_codes a)))).
intros a b ina inb; assert (of_a := known a ina); assert (of_b := known b inb).
unfold encloses in of_a, of_b; unfold enclosed_loses_less, loses_less.
destruct Rle_dec; [lra|]; destruct Rle_dec; [lra|]; destruct Rlt_dec; lra.
Qed.

(** The loss is even the same as that of the selection which knows all losses; only among equals may
    another one be kept. *)
Theorem T17_selection_enclosure_exact n G w first rest :
  (forall a, In a (first :: rest) -> encloses n G w a) ->
  qform n G (vsub w (enclosed_selection n G w first rest))
  = qform n G (vsub w (selection n G w (enclosed_codes first) (map enclosed_codes rest))).
Proof.
intros known; apply Rle_antisym.
- assert (among := keep_by_in (loses_less n G w) (enclosed_codes first) (map enclosed_codes rest)).
  apply (in_map_iff enclosed_codes (first :: rest)) in among; destruct among as [a [codes among]].
  unfold selection; rewrite <- codes; apply T17_selection_enclosure; assumption.
- apply T17_selection_row, (in_map enclosed_codes (first :: rest)), keep_by_in.
Qed.

(** T17 from enclosures for a matrix: no more than any mixture of the proposals. *)
Theorem T17_selection_enclosure_matrix p n G (W : mat) (first : nat -> enclosed)
    (rest : nat -> list enclosed) (mixture : nat -> enclosed) :
  (forall i a, (i < p)%nat -> In a (first i :: rest i) -> encloses n G (W i) a) ->
  (forall i, (i < p)%nat -> In (mixture i) (first i :: rest i)) ->
  matrix_qform p n G (fun i => vsub (W i) (enclosed_selection n G (W i) (first i) (rest i)))
  <= matrix_qform p n G (fun i => vsub (W i) (enclosed_codes (mixture i))).
Proof.
intros known among; apply bsum_le; intros i row.
apply T17_selection_enclosure; [intros a; exact (known i a row)|exact (among i row)].
Qed.

(** Where the program has no exact loss, an enclosure that decides for the newcomer is enough to
    lose no more than the first proposal, as in [T6_guard_enclosure_matrix]. *)
Theorem T17_selection_undecided n G w first rest :
  (forall a, In a (first :: rest) -> encloses n G w a) ->
  let better a b := if Rle_dec (enclosed_upper a) (enclosed_lower b) then true else false in
  qform n G (vsub w (enclosed_codes (keep_by better first rest)))
  <= qform n G (vsub w (enclosed_codes first)).
Proof.
intros known better; apply (keep_by_first (fun a => qform n G (vsub w (enclosed_codes a)))).
intros a b ina inb; assert (of_a := known a ina); assert (of_b := known b inb).
unfold encloses in of_a, of_b; unfold better; destruct Rle_dec; [lra|discriminate].
Qed.
