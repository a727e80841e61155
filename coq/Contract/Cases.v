(** * Contract/Cases: environments on which the printers are tested

    Purpose.  Pseudo-random environments, made by one formula that the C++ test repeats, and the
      answers of the evaluator on them, which the printed text must give too.
    Main definitions.  [case_environment], [answers], [cases_header].
    Main results.  [closed_contracts_cases]: both truth values occur, so neither goes untested.
    Dependencies.  Contract/Library, Contract/Evaluate, Contract/Text. *)

From Coq Require Import ZArith List String Bool QArith.
From Hallmark Require Import Contract.Syntax Contract.Denotation Contract.Evaluate.
From Hallmark Require Import Contract.Library Contract.Text.
Import ListNotations.
Open Scope string_scope.

(** The number at entry i, j of the input at place p of its contract, in the environment [seed]:
    of the even seeds 0 or 1, of the odd seeds one of -2, -1, .., 2 or a half of it. *)
Definition case_number (seed p i j : Z) : Q :=
  let h := (seed * 7919 + p * 104729 + i * 1299709 + j * 15485863 + 12345)%Z in
  let x := (h * h mod 1000003)%Z in
  if Z.even seed then inject_Z ((x / 7) mod 2)
  else Qmake ((x mod 5) - 2) (if Z.even (x / 5) then 1 else 2).

(** The place of an input. *)
Fixpoint place (x : string) (inputs : list (string * kind)) (p : Z) : Z :=
  match inputs with
  | [] => p
  | (y, _) :: rest => if String.eqb x y then p else place x rest (p + 1)
  end.

(** The environment of a seed; its first size is 1, 2 or 3, and so are the others. *)
Definition case_environment (c : contract) (seed : Z) : environment Q :=
  let number x i j := case_number seed (place x (inputs c) 0) i j in
  Environment Q
    (fun s => Z.to_nat (1 + (if String.eqb s (hd "" (sizes c)) then seed / 2 else seed / 6) mod 3))
    (fun x => number x 0%Z 0%Z)
    (fun x i => number x (Z.of_nat i) 0%Z)
    (fun x i j => number x (Z.of_nat i) (Z.of_nat j)).

(** The number of environments of a contract. *)
Definition case_count : nat := 120.

(** One digit for a seed: 1 if the preconditions hold, plus 2 if the postcondition holds. *)
Definition answer (c : contract) (seed : nat) : nat :=
  let e := case_environment c (Z.of_nat seed) in
  ((if supposed_bool c e then 1 else 0) + (if promised_bool c e then 2 else 0))%nat.

(** The digits of all seeds. *)
Definition answers (c : contract) : list nat := map (answer c) (seq 0 case_count).

(** A closed contract is never refuted in its cases, as Contract/Sound says of all environments; and
    no statement is empty: what it supposes, and what it promises, holds in some cases and fails in
    others. *)
Definition closed_cases_fine (c : contract) : bool :=
  let a := answers c in
  negb (existsb (Nat.eqb 1) a) && existsb (Nat.eqb 3) a && existsb (Nat.eqb 0) a.

Lemma closed_contracts_cases : forallb closed_cases_fine closed_contracts = true.
Proof. vm_compute; reflexivity. Qed.

(** Digits as text, sixty to a line. *)
Fixpoint digit_lines (fuel : nat) (digits : list nat) : list string :=
  match fuel, digits with
  | S fuel, _ :: _ =>
      let q := String (Ascii.ascii_of_nat 34) "" in
      ("    " ++ q ++ concat "" (map decimal_nat (firstn 60 digits)) ++ q)
        :: digit_lines fuel (skipn 60 digits)
  | _, _ => []
  end.

(** The answers of one contract as a constant. *)
Definition cpp_answers (c : contract) : list string :=
  [ "inline constexpr std::string_view " ++ name c ++ " =" ]
  ++ digit_lines case_count (answers c) ++ [ "    ;" ].

(** The header of the answers. *)
Definition cases_header : file := {|
  path := "generated/contract_cases.hpp";
  contents := [
    "// " ++ made_by;
    "// The answers of the evaluator of coq/Contract/Evaluate.v on the environments of coq/Contract/Cases.v: for each";
    "// seed from 0 a digit, 1 if the preconditions hold plus 2 if the postcondition holds.";
    "#pragma once"; ""; "#include <string_view>"; ""; "namespace hallmark::generated::answers {"; "" ]
    ++ flat_map cpp_answers library
    ++ [ ""; "}  // namespace hallmark::generated::answers" ] |}.
