(** * The nearest value of a table, by a search tree

    Purpose: a table grid is a list of increasing numbers; the nearest one to y is found among
      them, ties to the even index.  On the reals that is a walk along the list; the checker walks
      down a tree over the integers that the values are in a common unit, and finds the value of an
      index in the same tree.
    Main results: [table_round_in], [table_round_nearest], [table_round_even] (what the walk
      finds), [tree_search_correct], [tree_lookup_correct] (the tree finds the same),
      [tree_build_correct].
    Depends on: Flocq: Core.
    Source: elementary. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
Import ListNotations.
Open Scope R_scope.

(** The value nearest to y among v and what follows it, ties to the even index; [even] says whether
    the index of v is even. *)
Fixpoint table_walk (even : bool) (v : R) (rest : list R) (y : R) : R :=
  match rest with
  | [] => v
  | w :: rest' =>
      match Rcompare y ((v + w) / 2) with
      | Lt => v
      | Eq => if even then v else w
      | Gt => table_walk (negb even) w rest' y
      end
  end.

(** The value of the table nearest to y, ties to the even index. *)
Definition table_round (values : list R) (y : R) : R :=
  match values with
  | [] => 0
  | v :: rest => table_walk true v rest y
  end.

(** The numbers v and what follows it increase. *)
Fixpoint ascending (v : R) (rest : list R) : Prop :=
  match rest with
  | [] => True
  | w :: rest' => v < w /\ ascending w rest'
  end.

(** What the walk finds is in the table. *)
Lemma table_walk_in even v rest y : In (table_walk even v rest y) (v :: rest).
Proof.
revert even v; induction rest as [|w rest IH]; intros even v; [left; reflexivity|].
cbn [table_walk]; destruct (Rcompare y ((v + w) / 2)).
- destruct even; [left|right; left]; reflexivity.
- left; reflexivity.
- right; apply IH.
Qed.

(** Later numbers are larger. *)
Lemma ascending_above v rest x : ascending v rest -> In x rest -> v < x.
Proof.
revert v; induction rest as [|w rest IH]; intros v; [intros _ []|].
intros [less more] [<-|member]; [exact less|].
eapply Rlt_trans; [exact less|apply IH; assumption].
Qed.

(** Two neighbours, and the one that is not nearer. *)
Lemma nearer_below y v w x : v < w -> w <= x -> y <= (v + w) / 2 -> Rabs (y - v) <= Rabs (y - x).
Proof. intros; unfold Rabs; repeat destruct Rcase_abs; lra. Qed.

(** The same from the other side. *)
Lemma nearer_above y v w : v < w -> (v + w) / 2 <= y -> Rabs (y - w) <= Rabs (y - v).
Proof. intros; unfold Rabs; repeat destruct Rcase_abs; lra. Qed.

(** No number of the table is nearer than what the walk finds. *)
Lemma table_walk_nearest even v rest y x : ascending v rest -> In x (v :: rest) ->
  Rabs (y - table_walk even v rest y) <= Rabs (y - x).
Proof.
revert even v x; induction rest as [|w rest IH]; intros even v x up member.
- destruct member as [-> |[]]; apply Rle_refl.
- destruct up as [less up]; cbn [table_walk].
  assert (later : In x (w :: rest) -> w <= x).
  { intros [<-|inside]; [apply Rle_refl|left; exact (ascending_above w rest x up inside)]. }
  destruct (Rcompare_spec y ((v + w) / 2)) as [left_of|equal|right_of].
  + destruct member as [<-|inside]; [apply Rle_refl|].
    apply (nearer_below y v w); [exact less|exact (later inside)|lra].
  + destruct even.
    * destruct member as [<-|inside]; [apply Rle_refl|].
      apply (nearer_below y v w); [exact less|exact (later inside)|lra].
    * destruct member as [<-|inside]; [apply nearer_above; lra|].
      specialize (later inside); unfold Rabs; repeat destruct Rcase_abs; lra.
  + destruct member as [<-|inside]; [|exact (IH (negb even) w x up inside)].
    eapply Rle_trans; [exact (IH (negb even) w w up (or_introl eq_refl))|].
    apply nearer_above; lra.
Qed.

(** Of two neighbours at the same distance the walk finds the one with the even index. *)
Lemma table_walk_even even v rest y k : ascending v rest -> (S k < length (v :: rest))%nat ->
  y = (nth k (v :: rest) 0 + nth (S k) (v :: rest) 0) / 2 ->
  table_walk even v rest y
  = nth (if Bool.eqb even (Nat.even k) then k else S k) (v :: rest) 0.
Proof.
revert even v k; induction rest as [|w rest IH]; intros even v k up within middle;
  [simpl in within; lia|].
destruct up as [less up]; cbn [table_walk]; destruct k as [|k].
- simpl in middle; rewrite Rcompare_Eq by exact middle; destruct even; reflexivity.
- assert (right_of : (v + w) / 2 < y).
  { rewrite middle; change (nth (S k) (v :: w :: rest) 0) with (nth k (w :: rest) 0).
    change (nth (S (S k)) (v :: w :: rest) 0) with (nth k rest 0).
    assert (first : w <= nth k (w :: rest) 0).
    { destruct k as [|k]; [apply Rle_refl|left].
      apply (ascending_above w rest); [exact up|apply (nth_In rest); simpl in within; lia]. }
    assert (second : w < nth k rest 0).
    { apply (ascending_above w rest); [exact up|apply nth_In; simpl in within; lia]. }
    lra. }
  rewrite Rcompare_Gt by exact right_of.
  rewrite (IH (negb even) w k up ltac:(simpl in *; lia) middle).
  rewrite Nat.even_succ, <- Nat.negb_even.
  destruct even, (Nat.even k); reflexivity.
Qed.

(** What rounding to a table gives is in the table. *)
Theorem table_round_in values y : values <> [] -> In (table_round values y) values.
Proof. destruct values as [|v rest]; [contradiction|intros _; apply table_walk_in]. Qed.

(** No number of an increasing table is nearer. *)
Theorem table_round_nearest v rest y x : ascending v rest -> In x (v :: rest) ->
  Rabs (y - table_round (v :: rest) y) <= Rabs (y - x).
Proof. exact (table_walk_nearest true v rest y x). Qed.

(** Halfway between two neighbours the even index wins. *)
Theorem table_round_even v rest k : ascending v rest -> (S k < length (v :: rest))%nat ->
  table_round (v :: rest) ((nth k (v :: rest) 0 + nth (S k) (v :: rest) 0) / 2)
  = nth (if Nat.even k then k else S k) (v :: rest) 0.
Proof.
intros up within; unfold table_round; rewrite (table_walk_even true v rest _ k up within eq_refl).
destruct (Nat.even k); reflexivity.
Qed.

Open Scope Z_scope.

(** A table as a tree: a node has the index of the first value on its right, the sum of the last
    value on its left and that first one, and the two halves. *)
Inductive tree : Set :=
  | Leaf (v : Z)
  | Node (split sum : Z) (left right : tree).

(** The value with index i. *)
Fixpoint tree_lookup (i : Z) (t : tree) : Z :=
  match t with
  | Leaf v => v
  | Node split _ l r => if i <? split then tree_lookup i l else tree_lookup i r
  end.

(** The value nearest to n / d, ties to the even index. *)
Fixpoint tree_search (n d : Z) (t : tree) : Z :=
  match t with
  | Leaf v => v
  | Node split sum l r =>
      match 2 * n ?= d * sum with
      | Lt => tree_search n d l
      | Eq => if Z.even split then tree_search n d r else tree_search n d l
      | Gt => tree_search n d r
      end
  end.

(** What is left of a list once a tree of at most 2^depth values has been built from its front: the
    tree, the next index, the last value taken, the values not taken. *)
Record built : Set := Built {
  built_tree : tree;
  built_next : Z;
  built_last : Z;
  built_rest : list Z }.

(** The tree of v and of what follows it, v having index i. *)
Fixpoint tree_build (depth : nat) (i v : Z) (l : list Z) : built :=
  match depth with
  | O => Built (Leaf v) (i + 1) v l
  | S depth' =>
      let b := tree_build depth' i v l in
      match built_rest b with
      | [] => b
      | w :: l' =>
          let c := tree_build depth' (built_next b) w l' in
          Built (Node (built_next b) (built_last b + w) (built_tree b) (built_tree c))
            (built_next c) (built_last c) (built_rest c)
      end
  end.

(** The tree holds the list, from index i. *)
Inductive tree_holds : Z -> list Z -> tree -> Prop :=
  | holds_leaf i v : tree_holds i [v] (Leaf v)
  | holds_node i j v w l1 l2 l r :
      tree_holds i (l1 ++ [v]) l -> tree_holds j (w :: l2) r ->
      j = i + Z.of_nat (length (l1 ++ [v])) ->
      tree_holds i ((l1 ++ [v]) ++ w :: l2) (Node j (v + w) l r).

(** A tree that is built holds what was taken. *)
Lemma tree_build_holds depth i v l : let b := tree_build depth i v l in
  exists taken, v :: l = (taken ++ [built_last b]) ++ built_rest b /\
  tree_holds i (taken ++ [built_last b]) (built_tree b) /\
  built_next b = i + Z.of_nat (length (taken ++ [built_last b])).
Proof.
revert i v l; induction depth as [|depth IH]; intros i v l; cbn [tree_build].
- exists []; split; [reflexivity|split; [apply holds_leaf|simpl; lia]].
- destruct (IH i v l) as [taken [split_l [holds next]]].
  set (b := tree_build depth i v l) in *.
  destruct (built_rest b) as [|w l'] eqn:rest; cbv zeta.
  + exists taken; rewrite rest; split; [|split]; assumption.
  + destruct (IH (built_next b) w l') as [taken' [split_l' [holds' next']]].
    set (c := tree_build depth (built_next b) w l') in *.
    cbn [built_last built_rest built_tree built_next].
    exists ((taken ++ [built_last b]) ++ taken').
    rewrite <- !app_assoc; split; [|split].
    * rewrite split_l, split_l', <- !app_assoc; reflexivity.
    * replace (taken ++ [built_last b] ++ taken' ++ [built_last c])
        with ((taken ++ [built_last b]) ++ (taken' ++ [built_last c]))
        by (rewrite <- !app_assoc; reflexivity).
      destruct (taken' ++ [built_last c]) as [|w' l''] eqn:right_list;
        [destruct taken'; discriminate|].
      assert (head : w' = w) by (simpl in split_l'; congruence).
      subst w'; apply holds_node; assumption.
    * rewrite next', next, !app_length; simpl length; lia.
Qed.

(** A tree that took everything holds everything. *)
Theorem tree_build_correct depth v l : built_rest (tree_build depth 0 v l) = [] ->
  tree_holds 0 (v :: l) (built_tree (tree_build depth 0 v l)).
Proof.
intros all; destruct (tree_build_holds depth 0 v l) as [taken [-> [holds _]]].
rewrite all, app_nil_r; exact holds.
Qed.

(** Looking up an index finds its value. *)
Theorem tree_lookup_correct i l t k : tree_holds i l t -> i <= k < i + Z.of_nat (length l) ->
  tree_lookup k t = nth (Z.to_nat (k - i)) l 0.
Proof.
intros holds; revert k; induction holds as [i v|i j v w l1 l2 l r left_ok IHl right_ok IHr start];
  intros k range.
- simpl in range; replace (k - i) with 0 by lia; reflexivity.
- rewrite app_length, Nat2Z.inj_add in range; cbn [tree_lookup].
  destruct (Z.ltb_spec k j) as [below|above].
  + rewrite IHl by lia; rewrite (app_nth1 (l1 ++ [v])) by lia; reflexivity.
  + rewrite IHr by lia; rewrite (app_nth2 (l1 ++ [v])) by lia; f_equal; lia.
Qed.

Open Scope R_scope.

(** The walk stops before the right half, or enters it, as the middle between the halves says. *)
Lemma table_walk_app even x left_rest a w l2 y :
  last (x :: left_rest) 0 = a -> ascending x (left_rest ++ w :: l2) ->
  let parity := Bool.eqb even (Nat.even (length left_rest)) in
  table_walk even x (left_rest ++ w :: l2) y
  = match Rcompare y ((a + w) / 2) with
    | Lt => table_walk even x left_rest y
    | Eq => if parity then table_walk even x left_rest y else table_walk (negb parity) w l2 y
    | Gt => table_walk (negb parity) w l2 y
    end.
Proof.
revert even x; induction left_rest as [|b more IH]; intros even x final up; cbv zeta.
- simpl in final; subst a; simpl in up; destruct up as [less up]; simpl app; cbn [table_walk].
  replace (Bool.eqb even (Nat.even (length (@nil R)))) with even by (destruct even; reflexivity).
  destruct (Rcompare_spec y ((x + w) / 2)) as [|equal|]; try reflexivity.
  destruct even; [reflexivity|].
  destruct l2 as [|u l2]; [reflexivity|]; destruct up as [next _].
  cbn [table_walk]; rewrite Rcompare_Lt; [reflexivity|lra].
- destruct up as [less up]; simpl app; cbn [table_walk].
  assert (step : last (b :: more) 0 = a) by exact final.
  specialize (IH (negb even) b step up); cbv zeta in IH.
  assert (parity : Bool.eqb (negb even) (Nat.even (length more))
    = Bool.eqb even (Nat.even (length (b :: more)))).
  { simpl length; rewrite Nat.even_succ, <- Nat.negb_even.
    destruct even, (Nat.even (length more)); reflexivity. }
  rewrite parity in IH.
  assert (far : b <= a < w).
  { assert (above : forall z, In z (b :: more) -> b <= z < w).
    { clear - up; revert b up; induction more as [|c more IH]; intros b up.
      - destruct up as [up _]; intros z [<-|[]]; lra.
      - destruct up as [step up]; specialize (IH c up); intros z [<-|member].
        + specialize (IH c (or_introl eq_refl)); lra.
        + specialize (IH z member); lra. }
    apply above; rewrite <- step.
    rewrite (app_removelast_last 0 (l := b :: more)) at 2 by discriminate.
    apply in_or_app; right; left; reflexivity. }
  destruct (Rcompare_spec y ((x + b) / 2)) as [left_of|equal|right_of].
  + rewrite Rcompare_Lt by lra; reflexivity.
  + rewrite Rcompare_Lt by lra; reflexivity.
  + exact IH.
Qed.

(** The left part of increasing numbers increases, and so does the right part. *)
Lemma ascending_app x l1 w l2 : ascending x (l1 ++ w :: l2) -> ascending x l1 /\ ascending w l2.
Proof.
revert x; induction l1 as [|y l1 IH]; intros x; simpl; [intros [_ up]; split; [exact I|exact up]|].
intros [less up]; destruct (IH y up); split; [split|]; assumption.
Qed.

(** Parity on both sides. *)
Lemma even_of_nat k : Z.even (Z.of_nat k) = Nat.even k.
Proof.
induction k as [|k IH]; [reflexivity|].
rewrite Nat2Z.inj_succ, Z.even_succ, <- Z.negb_even, IH, Nat.even_succ, <- Nat.negb_even.
reflexivity.
Qed.

Section Search.

Variables (n d : Z) (unit : R).
Hypothesis d_pos : (0 < d)%Z.
Hypothesis unit_pos : 0 < unit.

(** The value of an integer of the table. *)
Let value (v : Z) : R := IZR v * unit.

(** The comparison of integers is the comparison with the middle. *)
Lemma middle_compare v w :
  Rcompare (IZR n / IZR d * unit) ((value v + value w) / 2) = (2 * n ?= d * (v + w))%Z.
Proof.
assert (d_real : 0 < IZR d) by (apply IZR_lt; exact d_pos).
rewrite <- (Rcompare_mult_r (2 * IZR d / unit)).
- replace (IZR n / IZR d * unit * (2 * IZR d / unit)) with (IZR (2 * n))
    by (rewrite mult_IZR; field; lra).
  replace ((value v + value w) / 2 * (2 * IZR d / unit)) with (IZR (d * (v + w))).
  + apply Rcompare_IZR.
  + unfold value; rewrite mult_IZR, plus_IZR; field; lra.
- apply Rdiv_lt_0_compat; lra.
Qed.

(** The tree finds what the walk finds. *)
Theorem tree_search_correct i l t v rest : tree_holds i l t -> l = v :: rest ->
  ascending (value v) (map value rest) ->
  value (tree_search n d t)
  = table_walk (Z.even i) (value v) (map value rest) (IZR n / IZR d * unit).
Proof.
intros holds; revert v rest.
induction holds as [i x|i j a w l1 l2 l r left_ok IHl right_ok IHr start]; intros v rest form up.
- injection form as <- <-; reflexivity.
- destruct (l1 ++ [a]) as [|v' left_rest] eqn:left_list; [destruct l1; discriminate|].
  simpl in form; injection form as -> <-.
  rewrite map_app in *; cbn [map] in *.
  destruct (ascending_app _ _ _ _ up) as [up_left up_right].
  specialize (IHl v left_rest eq_refl up_left); specialize (IHr w l2 eq_refl up_right).
  assert (final : last (value v :: map value left_rest) 0 = value a).
  { change (value v :: map value left_rest) with (map value (v :: left_rest)).
    rewrite <- left_list, map_app; apply last_last. }
  rewrite (table_walk_app (Z.even i) _ _ (value a)) by assumption.
  rewrite middle_compare, map_length.
  assert (parity : Bool.eqb (Z.even i) (Nat.even (length left_rest)) = negb (Z.even j)).
  { rewrite start; simpl length; rewrite Nat2Z.inj_succ, Z.add_succ_r, Z.even_succ, <- Z.negb_even.
    rewrite Z.even_add; rewrite even_of_nat, negb_involutive.
    destruct (Z.even i), (Nat.even (length left_rest)); reflexivity. }
  rewrite parity, negb_involutive, <- IHl, <- IHr; cbn [tree_search].
  destruct (2 * n ?= d * (a + w))%Z; [destruct (Z.even j)| |]; reflexivity.
Qed.

End Search.
