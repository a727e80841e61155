(** * The contract of 2:4 sparsity: two_of_four

    Purpose: of each aligned four numbers of a row at most two are not zero, said as: whichever three
      of them are taken, their product is zero.  A block at the end of a row that has fewer than four
      is filled with zeros.
    Main definitions: [two_of_four_contract].
    Main results: [two_of_four_sound], [two_of_four_met].
    Depends on: [Statements] (names and numbers), [Question], [Registration].
    Source: elementary. *)
From Coq Require Import ZArith Reals Lra Lia List String.
From Hallmark.Contract Require Import Syntax Denotation Statements Question Registration.
Import ListNotations.
Open Scope string_scope.

(** The four numbers of a block, its index being b. *)
Definition places : list string := ["0"; "1"; "2"; "3"].
Definition in_block (x k : string) : term := Vector (x ++ k) "b".

(** The numbers q of a block are those, v, of its codes where the multiplier m is 1, and 0 where it is
    0; at most two multipliers are 1. *)
Definition two_of_four_contract : contract :=
  let p := Size "p" in
  let q := in_block "q" in let m := in_block "m" in let v := in_block "v" in
  let no_three a b c := Eq (Mul (Mul (q a) (q b)) (q c)) zero in {|
  name := "two_of_four"; theorem := "two_of_four_met"; sizes := ["p"];
  inputs := map (fun x => (x, IsVector "p"))
    (map (append "q") places ++ map (append "m") places ++ map (append "v") places);
  pre := map (fun k => All "b" p (Eq (q k) (Mul (m k) (v k)))) places ++
    map (fun k => All "b" p (Eq (Mul (m k) (m k)) (m k))) places ++
    [All "b" p (Le (Add (Add (m "0") (m "1")) (Add (m "2") (m "3"))) two)];
  post := All "b" p (And (And (no_three "0" "1" "2") (no_three "0" "1" "3"))
                         (And (no_three "0" "2" "3") (no_three "1" "2" "3"))) |}.

Open Scope R_scope.

(** Of three numbers a, b, c below, each times 0 or 1, one is zero where no third 1 is left. *)
Lemma zero_of_three a b c x y z : a * a = a -> b * b = b -> c * c = c -> a + b + c <= 2 ->
  a * x * (b * y) * (c * z) = 0.
Proof.
  intros one_a one_b one_c few.
  assert (is_bit : forall t, t * t = t -> t = 0 \/ t = 1).
  { intros t fixed; destruct (Rmult_integral t (t - 1)) as [zero|one]; [lra|left; lra|right; lra]. }
  destruct (is_bit a one_a) as [->| ->]; [ring|].
  destruct (is_bit b one_b) as [->| ->]; [ring|].
  destruct (is_bit c one_c) as [->| ->]; [ring|lra].
Qed.

Theorem two_of_four_sound : valid two_of_four_contract.
Proof.
  intros e [q0 [q1 [q2 [q3 [m0 [m1 [m2 [m3 [few _]]]]]]]]] b below.
  specialize (q0 b below); specialize (q1 b below); specialize (q2 b below); specialize (q3 b below).
  specialize (m0 b below); specialize (m1 b below); specialize (m2 b below); specialize (m3 b below).
  specialize (few b below); cbn -[IZR Rdiv] in *.
  replace (2 / 1) with 2 in few by lra; replace (0 / 1) with 0 by lra.
  rewrite q0, q1, q2, q3.
  assert (positive : forall t, t * t = t -> 0 <= t)
    by (intros t fixed; rewrite <- fixed; apply Rle_0_sqr).
  assert (p0 := positive _ m0); assert (p1 := positive _ m1).
  assert (p2 := positive _ m2); assert (p3 := positive _ m3).
  repeat split; apply zero_of_three; trivial; lra.
Qed.

(** The program meets it: it scales points of the grid that are 0 for all but two codes of a block, and
    s 0 = 0 whatever the scale and however products are rounded. *)
Theorem two_of_four_met (e : environment R) (s g : string -> nat -> R) (round : R -> R)
    (kept : nat -> string -> bool) : round 0 = 0 ->
  (forall b k, (b < size e "p")%nat -> In k places ->
    vector e (String.append "q" k) b = round (s k b * g k b)) ->
  (forall b k, (b < size e "p")%nat -> In k places -> kept b k = false -> g k b = 0) ->
  (forall b, (b < size e "p")%nat -> (List.length (filter (kept b) places) <= 2)%nat) ->
  promised two_of_four_contract e.
Proof.
  intros exact numbers dropped few b below.
  assert (zero_at : forall k, In k places -> kept b k = false -> vector e (String.append "q" k) b = 0).
  { intros k member out; rewrite (numbers b k below member), (dropped b k below member out).
    rewrite Rmult_0_r; exact exact. }
  assert (z0 := zero_at "0" ltac:(cbn; tauto)); assert (z1 := zero_at "1" ltac:(cbn; tauto)).
  assert (z2 := zero_at "2" ltac:(cbn; tauto)); assert (z3 := zero_at "3" ltac:(cbn; tauto)).
  specialize (few b below); clear zero_at; cbn in z0, z1, z2, z3, few; cbn -[IZR Rdiv].
  replace (0 / 1) with 0 by lra.
  destruct (kept b "0"), (kept b "1"), (kept b "2"), (kept b "3"); cbn in few; try (exfalso; lia);
  repeat split;
  repeat match goal with [ z : false = false -> _ |- _ ] => rewrite (z eq_refl); clear z end; ring.
Qed.

Definition registered_TwoOfFour : list registration :=
  [Registered two_of_four_contract two_of_four_sound ByJudge (43, 12)
    (one_and_two two_of_four_contract 8 [] [] [] [])].
