(** * The language of contracts

    Purpose: a contract says, in a small language with names, what holds for the numbers of a run:
      inputs that are scalars, vectors and matrices of named sizes, preconditions and one
      postcondition.  It is a Coq value: Denotation gives it a meaning over the reals, Evaluate
      decides it over the rationals, and printers turn it into C++ and SMT-LIB text.
    Main definitions: [bound], [term], [formula], [kind], [contract]; [scoped], which tells whether
      a contract uses only names that it declares, each at its kind; [formula_reads], whether a
      formula reads a name.
    Depends on: Coq's standard library only.
    Source: this project. *)
From Coq Require Import ZArith List String Bool.
Import ListNotations.
Open Scope string_scope.

(** How many values an index takes, from 0: a number, a named size, or the value of an outer index
    (so that k ranges below j). *)
Inductive bound :=
  | Literal (n : nat)
  | Size (name : string)
  | Index (name : string).

(** Numbers. *)
Inductive term :=
  | Rational (numerator : Z) (denominator : positive)
  | Count (b : bound)
  | Scalar (x : string)
  | Vector (x i : string)
  | Matrix (x i j : string)
  | Add (a b : term)
  | Sub (a b : term)
  | Mul (a b : term)
  | Max (a b : term)
  | Abs (a : term)
  | Power (a : term) (exponent : bound)
  | Sum (i : string) (b : bound) (body : term).

(** Statements. *)
Inductive formula :=
  | Le (a b : term)
  | Lt (a b : term)
  | Eq (a b : term)
  | And (f g : formula)
  | Implies (f g : formula)
  | All (i : string) (b : bound) (body : formula).

(** Kinds of inputs, with the names of their sizes. *)
Inductive kind :=
  | IsScalar
  | IsVector (size : string)
  | IsMatrix (rows cols : string).

(** A contract: its name, the theorem behind it, its sizes and inputs, what it supposes, what it
    promises. *)
Record contract := Contract {
  name : string;
  theorem : string;
  sizes : list string;
  inputs : list (string * kind);
  pre : list formula;
  post : formula
}.

(** The name is in the list. *)
Definition declared (x : string) (names : list string) : bool := existsb (String.eqb x) names.

(** The kind of an input. *)
Fixpoint kind_of (x : string) (declarations : list (string * kind)) : option kind :=
  match declarations with
  | [] => None
  | (y, k) :: rest => if String.eqb x y then Some k else kind_of x rest
  end.

Section Scope.

Variable c : contract.

(** Sizes are those of the contract; [ix] are the indices in scope. *)
Definition bound_scoped (ix : list string) (b : bound) : bool :=
  match b with
  | Literal _ => true
  | Size x => declared x (sizes c)
  | Index i => declared i ix
  end.

(** Every name of a term is declared, at its kind. *)
Fixpoint term_scoped (ix : list string) (t : term) : bool :=
  match t with
  | Rational _ _ => true
  | Count b => bound_scoped ix b
  | Scalar x => match kind_of x (inputs c) with Some IsScalar => true | _ => false end
  | Vector x i =>
      declared i ix && match kind_of x (inputs c) with Some (IsVector _) => true | _ => false end
  | Matrix x i j =>
      declared i ix && declared j ix
      && match kind_of x (inputs c) with Some (IsMatrix _ _) => true | _ => false end
  | Add a b | Sub a b | Mul a b | Max a b => term_scoped ix a && term_scoped ix b
  | Abs a => term_scoped ix a
  | Power a b => term_scoped ix a && bound_scoped ix b
  | Sum i b body => bound_scoped ix b && term_scoped (i :: ix) body
  end.

(** Every name of a formula is declared, at its kind. *)
Fixpoint formula_scoped (ix : list string) (f : formula) : bool :=
  match f with
  | Le a b | Lt a b | Eq a b => term_scoped ix a && term_scoped ix b
  | And f g | Implies f g => formula_scoped ix f && formula_scoped ix g
  | All i b body => bound_scoped ix b && formula_scoped (i :: ix) body
  end.

(** The sizes of an input are sizes of the contract. *)
Definition kind_scoped (k : kind) : bool :=
  match k with
  | IsScalar => true
  | IsVector n => declared n (sizes c)
  | IsMatrix n m => declared n (sizes c) && declared m (sizes c)
  end.

(** The contract speaks of its own inputs only. *)
Definition scoped : bool :=
  forallb (fun input => kind_scoped (snd input)) (inputs c)
  && forallb (formula_scoped []) (pre c) && formula_scoped [] (post c).

End Scope.
(** ** The names that a term or a formula reads *)

Definition bound_reads (x : string) (b : bound) : bool :=
  match b with Size y => String.eqb x y | _ => false end.

Fixpoint term_reads (x : string) (t : term) : bool :=
  match t with
  | Rational _ _ => false
  | Count b => bound_reads x b
  | Scalar y | Vector y _ | Matrix y _ _ => String.eqb x y
  | Add a b | Sub a b | Mul a b | Max a b => term_reads x a || term_reads x b
  | Abs a => term_reads x a
  | Power a b => term_reads x a || bound_reads x b
  | Sum _ b body => bound_reads x b || term_reads x body
  end.

Fixpoint formula_reads (x : string) (f : formula) : bool :=
  match f with
  | Le a b | Lt a b | Eq a b => term_reads x a || term_reads x b
  | And f g | Implies f g => formula_reads x f || formula_reads x g
  | All _ b body => bound_reads x b || formula_reads x body
  end.
