(** * A contract of its own: half_span

    Purpose: a code that is not the first or last point of its grid is off by at most half the
      distance between its two neighbours.  It speaks of what every row shows, so that a run
      evaluates what is printed of it, and no C++ is written.
    Main results: [half_span_sound].
    Depends on: [Statements] (names and numbers), [Question], [Registration].
    Source: elementary. *)
From Coq Require Import ZArith Reals Lra List String.
From Hallmark.Contract Require Import Syntax Denotation Statements Question Registration.
Import ListNotations.
Open Scope string_scope.

(** q is the point of the code, l and r are the points below and above it, and x is what was rounded. *)
Definition half_span : contract :=
  let x := Vector "x" "j" in let q := Vector "q" "j" in
  let l := Vector "l" "j" in let r := Vector "r" "j" in
  let between := And (Le l q) (Le q r) in let inside := And (Lt l q) (Lt q r) in {|
  name := "half_span"; theorem := "half_span_sound"; sizes := ["n"];
  inputs := map row_vector ["x"; "q"; "l"; "r"];
  pre := [
    All "j" n between;
    All "j" n (Implies inside (And (Le (Add l q) (Mul two x)) (Le (Mul two x) (Add q r))))];
  post := All "j" n (And between (Implies inside (Le (Mul two (Abs (Sub x q))) (Sub r l)))) |}.

Theorem half_span_sound : valid half_span.
Proof.
  intros e [between [nearest _]] j below; specialize (between j below); specialize (nearest j below).
  cbn -[IZR Rdiv] in *; split; [exact between|]; intros inside; specialize (nearest inside).
  unfold Rabs; destruct Rcase_abs; lra.
Qed.

Definition registered_HalfSpan : list registration :=
  [Registered half_span half_span_sound EveryRow (21, 12) (one_and_two half_span 1 [] [] [] [])].
