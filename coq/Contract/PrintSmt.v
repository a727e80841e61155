(** * Contracts as SMT-LIB statements at fixed sizes

    Purpose: at given sizes a contract is a statement about finitely many real numbers, one
      constant for each entry.  A goal is its negation, which has no model; its twin, one
      precondition short, must have one.
    Main definitions: [smt_formula], [contract_goals].
    Depends on: [Syntax], [Denotation] (indices), [Library], [Text].
    Source: the SMT-LIB standard, version 2.6. *)
From Coq Require Import ZArith List String Bool.
From Hallmark Require Import Contract.Syntax Contract.Denotation Contract.Definitions.
From Hallmark Require Import Contract.Library Contract.Text.
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

(** How a goal is put to the solvers: at which sizes; by which precondition its twin is short; and a
    change of variables for the goal and for the twin, which defines some inputs by others that stay
    free, or fixes them, so that the statement becomes that of an instance. *)
Record question := Question {
  about : contract;
  label : string;
  at_sizes : string -> nat;
  removed : nat;
  more : list (string * kind);
  free : list string;
  solved : list formula;
  twin : list formula
}.

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

(** ** Changes of variables *)

Definition half := Rational 1 2.

(** An input that is the same number everywhere, and the entries of U above its diagonal. *)
Definition scalar_is (x : string) (v : term) : formula := Eq (Scalar x) v.
Definition row_is (x : string) (v : term) : formula := All "j" n (Eq (Vector x "j") v).
Definition tokens_are (x : string) (v : term) : formula := All "t" m (Eq (Vector x "t") v).
Definition matrix_is (x : string) (v : term) : formula :=
  All "i" n (All "j" n (Eq (Matrix x "i" "j") v)).
Definition upper_is (v : term) : formula :=
  All "j" n (All "i" (before "j") (Eq (Matrix "U" "i" "j") v)).

(** x = y - z, column by column. *)
Definition difference_of (x y z : string) : formula :=
  All "j" n (Eq (Vector x "j") (Sub (Vector y "j") (Vector z "j"))).

(** x from y = x U + ..: x_j = y_j - sum_{k<j} e_k U_kj. *)
Definition pulled (x y : string) (e : term) : formula :=
  All "j" n (Eq (Vector x "j")
    (Sub (Vector y "j") (Sum "k" (before "j") (Mul e (Matrix "U" "k" "j"))))).

(** The weights from the compensated ones, and the codes from the compensated errors t. *)
Definition errors_free : list formula := [difference_of "q" "u" "t"; pulled "w" "u" (error "q" "k")].

(** H as U D U^T and a residual E. *)
Definition residual_free : formula :=
  All "i" n (All "j" n (Eq (Matrix "H" "i" "j") (Add udu_entry (Matrix "E" "i" "j")))).

(** G from H and the excess c. *)
Definition gram_free : list formula := [
  All "i" n (All "j" (before "i") (Eq (Matrix "G" "i" "j") (Mul half (Matrix "H" "i" "j"))));
  All "i" n (All "j" (before "i") (Eq (Matrix "G" "j" "i") (Mul half (Matrix "H" "j" "i"))));
  All "i" n (Eq (Matrix "G" "i" "i") (Mul half (Sub (Matrix "H" "i" "i") (Vector "c" "i"))))].

(** The factor with ones in D and the same number everywhere above the diagonal of U. *)
Definition instance (upper : term) : list formula :=
  unit_upper_triangular ++ [upper_is upper; row_is "d" one].

(** A residual of 1/8 everywhere, which is its bound. *)
Definition residual_eighth : list formula := [
  scalar_is "g" (Rational 1 8); row_is "a" one; matrix_is "E" (Rational 1 8); residual_free].

(** All sizes equal. *)
Definition all_sizes (k : nat) : string -> nat := fun _ => k.

(** The same question at sizes 1 and 2. *)
Definition one_and_two (c : contract) (removed : nat) (more : list (string * kind))
    (free : list string) (solved twin : list formula) : list question :=
  map (fun k => Question c (decimal_nat k) (all_sizes k) removed more free solved twin) [1; 2]%nat.

(** The questions: every contract, at sizes 1 and 2. *)
Definition questions : list question :=
  one_and_two gf16_half_gap_contract 4 [] [] [] []
  ++ one_and_two gf16_nearest_contract 1 [] [] [] []
  ++ one_and_two idempotence 1 [] [] [] []
  ++ one_and_two exact_product 0 [] [] [] []
  ++ one_and_two gram_accumulation 1 [] [] [] []
  ++ map (fun k => Question gram_bound (decimal_nat k)
       (fun x => if String.eqb x "n" then k else 1%nat) 3 [] []
       [scalar_is "f" (Rational 1 (2 ^ 42)); tokens_are "x" one; All "j" n (All "t" m (Eq (Matrix "Y" "j" "t") one))]
       [scalar_is "f" (Rational 1 (2 ^ 42)); tokens_are "x" one; row_is "G" (Rational 9 1)]) [1; 2]%nat
  ++ one_and_two factor_residual 0 [] []
       [scalar_is "f" (Rational 1 4); scalar_is "g" (Rational 1 3); scalar_is "a" one; scalar_is "b" one; row_is "d" one;
        row_is "y" half]
       [scalar_is "f" (Rational 1 4); scalar_is "g" (Rational 1 3); scalar_is "a" one; scalar_is "b" one; row_is "d" one;
        row_is "x" zero; row_is "y" zero]
  ++ one_and_two pivots 3 [] [] [] []
  ++ one_and_two error_identity 3 [] [] [] [row_is "d" one; row_is "q" zero; row_is "w" one; upper_is zero]
  ++ one_and_two error_identity_residual 2 [] [] []
       [row_is "d" one; row_is "q" zero; row_is "w" one; upper_is zero; matrix_is "H" one]
  ++ one_and_two loss_enclosure_contract 8 [row_vector "y"; ("E", IsMatrix "n" "n")] []
       (instance half ++ [scalar_is "N" one; scalar_is "rho" one; scalar_is "g" zero; matrix_is "E" zero;
        residual_free] ++ gram_free ++ [pulled "e" "y" (Vector "e" "k"); row_is "t" half])
       (instance zero ++ [scalar_is "N" one; scalar_is "rho" two; scalar_is "g" zero; matrix_is "E" zero;
        residual_free] ++ gram_free ++ [row_is "t" (Rational 9 1); row_is "e" (Rational 8 1)])
  ++ one_and_two gptq_bound 6 [row_vector "t"] ["u"] errors_free
       [row_is "d" one; row_is "q" zero; row_is "w" one; upper_is zero; row_is "r" zero]
  ++ one_and_two gptq_bound_emitted 6
       [row_vector "t"; row_vector "y"; ("E", IsMatrix "n" "n")] ["u"]
       (instance zero ++ errors_free ++ residual_eighth ++ [difference_of "h" "y" "delta"])
       (instance zero ++ residual_eighth ++ [row_is "q" zero; row_is "w" one; row_is "u" one;
         row_is "v" one; row_is "h" zero; row_is "delta" zero])
  ++ one_and_two guard_row 5 [] []
       [row_is "w" (Rational 1 4); row_is "g" zero; row_is "r" one]
       [row_is "w" (Rational 1 4); row_is "g" zero; row_is "r" one; row_is "q" (Rational 9 1); matrix_is "G" one]
  ++ one_and_two guard_total 1 [] [] [] []
  ++ one_and_two two_columns 3 [row_vector "t"; row_vector "s"] ["u"]
       (errors_free ++ [difference_of "r" "u" "s"])
       [row_is "d" one; row_is "w" zero; row_is "r" zero; upper_is zero]
  ++ map (fun question =>
       let '(k, removed) := question in
       Question rtn_when_no_calibration (decimal_nat k)
         (fun x => if String.eqb x "n" then k else O) removed [] [] [] []) [(1, 7); (2, 6)]%nat
  ++ one_and_two transfer 5 [row_vector "t"] [] [scalar_is "eps" half; pulled "e" "t" (Vector "e" "k")]
       [scalar_is "eps" half; row_is "e" one; row_is "d" (Rational (-1) 1); upper_is zero; matrix_is "G" one].

(** No contract is left out. *)
Lemma questions_library :
  forallb (fun c => existsb (fun g => String.eqb (name (about g)) (name c)) questions) library = true.
Proof. reflexivity. Qed.

(** The goals and their twins. *)
Definition contract_goals : list (file * string * string) := flat_map with_twin questions.
