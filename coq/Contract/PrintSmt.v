(** * Contracts as SMT-LIB statements at fixed sizes

    Purpose: at given sizes a contract is a statement about finitely many real numbers, one
      constant for each entry.  A goal is its negation, which has no model; its twin, one
      precondition short, must have one.
    Main definitions: [smt_formula], [contract_goals].
    Depends on: [Syntax], [Denotation] (indices), [Question], [Library], [Text].
    Source: the SMT-LIB standard, version 2.6. *)
From Coq Require Import ZArith List String Bool.
From Hallmark Require Import Contract.Syntax Contract.Denotation Contract.Definitions.
From Hallmark Require Import Contract.Question Contract.Registration Contract.Library Contract.Text.
Import ListNotations.
Open Scope string_scope.

(** An application. *)
Definition app (f : string) (args : list string) : string := parens (concat " " (f :: args)).

(** An integer as a real numeral. *)
Definition smt_integer (z : Z) : string :=
  if (z <? 0)%Z then app "-" [decimal (- z) ++ ".0"] else decimal z ++ ".0".

(** A quotient of integers. *)
Definition smt_rational (n : Z) (d : positive) : string :=
  if (d =? 1)%positive then smt_integer n else app "/" [smt_integer n; smt_integer (Zpos d)].

(** A chain of an operation, which is not applied to fewer than two arguments. *)
Definition smt_chain (op unit : string) (args : list string) : string :=
  match args with [] => unit | [a] => a | _ => app op args end.

(** An entry of an input and its constant: H_0_1. *)
Definition constant (a : entry) : string := concat "_" (fst a :: map decimal_nat (snd a)).

Section Print.

Variable sizes : string -> nat.

(** The number that a bound stands for. *)
Definition extent (ix : indices) (b : bound) : nat :=
  match b with Literal n => n | Size x => sizes x | Index i => ix i end.

Fixpoint smt_term (ix : indices) (t : term) : string :=
  match t with
  | Rational n d => smt_rational n d
  | Count b => smt_integer (Z.of_nat (extent ix b))
  | Scalar x => constant (x, [])
  | Vector x i => constant (x, [ix i])
  | Matrix x i j => constant (x, [ix i; ix j])
  | Add a b => app "+" [smt_term ix a; smt_term ix b]
  | Sub a b => app "-" [smt_term ix a; smt_term ix b]
  | Mul a b => app "*" [smt_term ix a; smt_term ix b]
  | Max a b =>
      app "let" ["((x_ " ++ smt_term ix a ++ ") (y_ " ++ smt_term ix b ++ "))";
                 "(ite (<= x_ y_) y_ x_)"]
  | Abs a => app "let" ["((x_ " ++ smt_term ix a ++ "))"; "(ite (<= 0.0 x_) x_ (- x_))"]
  | Power a b => smt_chain "*" "1.0" (repeat (smt_term ix a) (extent ix b))
  | Sum i b body =>
      smt_chain "+" "0.0" (map (fun k => smt_term (bind ix i k) body) (seq 0 (extent ix b)))
  end.

Fixpoint smt_formula (ix : indices) (f : formula) : string :=
  match f with
  | Le a b => app "<=" [smt_term ix a; smt_term ix b]
  | Lt a b => app "<" [smt_term ix a; smt_term ix b]
  | Eq a b => app "=" [smt_term ix a; smt_term ix b]
  | And f g => app "and" [smt_formula ix f; smt_formula ix g]
  | Implies f g => app "=>" [smt_formula ix f; smt_formula ix g]
  | All i b body =>
      smt_chain "and" "true" (map (fun k => smt_formula (bind ix i k) body) (seq 0 (extent ix b)))
  end.

End Print.

(** The entries of an input. *)
Definition input_entries (sizes : string -> nat) (input : string * kind) : list entry :=
  let '(x, k) := input in
  match k with
  | IsScalar => [(x, [])]
  | IsVector n => map (fun i => (x, [i])) (seq 0 (sizes n))
  | IsMatrix n m => flat_map (fun i => map (fun j => (x, [i; j])) (seq 0 (sizes m))) (seq 0 (sizes n))
  end.

(** A list without the entry at one place. *)
Fixpoint without {A : Type} (k : nat) (l : list A) : list A :=
  match l, k with
  | [], _ => []
  | _ :: rest, O => rest
  | a :: rest, S k => a :: without k rest
  end.

(** What the preconditions become: the first equation of an entry is its definition, but for the
    inputs [free]; everything else is an assertion. *)
Definition premises (sizes : string -> nat) (free : list string)
    (start : list entry * list string) (given : list formula) : list entry * list string :=
  let names := Environment unit sizes (fun _ => tt) (fun _ _ => tt) (fun _ _ _ => tt) in
  fold_left (fun state f =>
    match definition_of f with
    | None => (fst state, (snd state ++ [app "assert" [smt_formula sizes no_index f]])%list)
    | Some _ =>
        fold_left (fun state (row : entry * indices * term) =>
          let '(known, lines) := state in
          let '(a, ix, t) := row in
          let meaning := smt_term sizes ix t in
          if declared (fst a) free || existsb (same_entry a) known
          then (known, (lines ++ [app "assert" [app "=" [constant a; meaning]]])%list)
          else (a :: known, (lines ++ [app "define-fun" [constant a; "()"; "Real"; meaning]])%list))
        (assignments names f) state
    end) given start.

(** The goal that the contract of a question, with these preconditions, fails; some entries may be
    defined beforehand. *)
Definition goal_file (g : question) (start : list entry * list string) (theorem_name suffix expected : string)
    (given : list formula) : file * string * string :=
  let c := about g in
  let '(known, lines) := premises (at_sizes g) (free g) start given in
  ({| path := "generated/contract_" ++ name c ++ "_" ++ label g ++ suffix ++ ".smt2";
      contents := [
        "; " ++ made_by;
        "; " ++ name c ++ " (" ++ theorem_name ++ "), " ++ concat ", " (map (fun s => s ++ " = "
          ++ decimal_nat (at_sizes g s)) (sizes c)) ++ ", negated: " ++ expected ++ ".";
        "(set-info :smt-lib-version 2.6)";
        "(set-logic QF_NRA)";
        "(set-info :status " ++ expected ++ ")";
        "(set-option :produce-models true)" ]
        ++ map (fun a => "(declare-const " ++ constant a ++ " Real)")
             (filter (fun a => negb (existsb (same_entry a) known))
                (flat_map (input_entries (at_sizes g)) (inputs c ++ more g)))
        ++ lines
        ++ [ app "assert" [app "not" [smt_formula (at_sizes g) no_index (post c)]];
             "(check-sat)" ] |},
   expected, theorem_name).

(** The goal and its twin. *)
Definition with_twin (g : question) : list (file * string * string) := [
  goal_file g ([], []) (theorem (about g)) "" "unsat" (solved g ++ pre (about g));
  goal_file g ([], []) (theorem (about g)) "_broken" "sat" (twin g ++ without (removed g) (pre (about g))) ].

(** The goals and their twins. *)
Definition contract_goals : list (file * string * string) :=
  flat_map (fun r => flat_map with_twin (asked r)) library.
