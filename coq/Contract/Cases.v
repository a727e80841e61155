(** * Environments on which the printers are tested

    Purpose: pseudo-random environments of every contract, for the differential test of the
      printed C++ text against the extracted evaluator.  In two of three the preconditions that
      define an input hold; in one of these one entry is then changed.
    Main definitions: [case_environment], [answer].
    Depends on: [Syntax], [Evaluate], [Definitions].
    Source: this project. *)
From Coq Require Import ZArith List String Bool QArith.
From Hallmark Require Import Contract.Syntax Contract.Denotation Contract.Evaluate.
From Hallmark Require Import Contract.Definitions.
Import ListNotations.
Open Scope string_scope.

(** A pseudo-random number below 1000003. *)
Definition mixed (seed p i j : Z) : Z :=
  let h := (seed * 7919 + p * 104729 + i * 1299709 + j * 15485863 + 12345)%Z in
  (h * h mod 1000003)%Z.

(** The number at entry i, j of the input at place p of its contract, in the environment [seed]:
    0 or 1, mostly 0, or one of -2, -1, .., 2 or a half of it. *)
Definition case_number (seed p i j : Z) : Q :=
  let x := mixed seed p i j in
  match (seed mod 4)%Z with
  | 0%Z => inject_Z ((x / 7) mod 2)
  | 1%Z => if Z.even (x / 14) then 0%Q else inject_Z ((x / 7) mod 2)
  | _ => Qmake ((x mod 5) - 2) (if Z.even (x / 5) then 1 else 2)
  end.

(** The place of an input. *)
Fixpoint place (x : string) (inputs : list (string * kind)) (p : Z) : Z :=
  match inputs with
  | [] => p
  | (y, _) :: rest => if String.eqb x y then p else place x rest (p + 1)
  end.

(** The environment of a seed; its first size is 1, 2 or 3, and so are the others, or 0. *)
Definition raw_environment (c : contract) (seed : Z) : environment Q :=
  let number x i j := case_number seed (place x (inputs c) 0) i j in
  Environment Q
    (fun s => Z.to_nat (if String.eqb s (hd "" (sizes c)) then 1 + (seed / 12) mod 3
                        else let z := mixed seed 7 8 9 in if Z.even (z / 4) then 0 else z mod 4))
    (fun x => number x 0%Z 0%Z)
    (fun x i => number x (Z.of_nat i) 0%Z)
    (fun x i j => number x (Z.of_nat i) (Z.of_nat j)).

(** One entry of an input. *)
Definition some_entry (c : contract) (seed : Z) : entry :=
  let '(x, k) := nth (Z.to_nat (mixed seed 1 2 3 mod Z.of_nat (List.length (inputs c)))) (inputs c)
    ("", IsScalar) in
  (x, match k with IsScalar => [] | IsVector _ => [0%nat] | IsMatrix _ _ => [0%nat; 0%nat] end).

(** The environment as it is drawn, completed, or completed and then changed. *)
Definition case_environment (c : contract) (seed : Z) : environment Q :=
  let e := raw_environment c seed in
  match (seed / 4 mod 3)%Z with
  | 0%Z => e
  | 1%Z => completed c e
  | _ => replaced (completed c e) (some_entry c seed) (inject_Z (3 + mixed seed 4 5 6 mod 5))
  end.

(** 1 if the preconditions hold, plus 2 if the postcondition holds. *)
Definition answer (c : contract) (e : environment Q) : nat :=
  ((if supposed_bool c e then 1 else 0) + (if promised_bool c e then 2 else 0))%nat.
