(** * What a contract means over the reals

    Purpose: terms are real numbers and formulas are propositions, in an environment that gives
      each name its value.
    Main definitions: [environment], [value], [truth], [supposed], [promised], [valid].
    Depends on: [Syntax], Gptq/Sums.
    Source: this project. *)
From Coq Require Import Reals List String.
From Hallmark Require Import Gptq.Sums Contract.Syntax.
Import ListNotations.
Open Scope R_scope.

(** The values of the names, numbers being of type [T]. *)
Record environment (T : Type) := Environment {
  size : string -> nat;
  scalar : string -> T;
  vector : string -> nat -> T;
  matrix : string -> nat -> nat -> T
}.
Arguments size {T}.
Arguments scalar {T}.
Arguments vector {T}.
Arguments matrix {T}.

(** The values of the indices in scope. *)
Definition indices := string -> nat.

(** Outside every quantifier no index has a value that counts. *)
Definition no_index : indices := fun _ => O.

(** One more index. *)
Definition bind (ix : indices) (i : string) (k : nat) : indices :=
  fun other => if String.eqb other i then k else ix other.

(** The number that a bound stands for. *)
Definition reach {T : Type} (e : environment T) (ix : indices) (b : bound) : nat :=
  match b with Literal n => n | Size x => size e x | Index i => ix i end.

(** The value of a term. *)
Fixpoint value (e : environment R) (ix : indices) (t : term) : R :=
  match t with
  | Rational n d => IZR n / IZR (Zpos d)
  | Count b => INR (reach e ix b)
  | Scalar x => scalar e x
  | Vector x i => vector e x (ix i)
  | Matrix x i j => matrix e x (ix i) (ix j)
  | Add a b => value e ix a + value e ix b
  | Sub a b => value e ix a - value e ix b
  | Mul a b => value e ix a * value e ix b
  | Max a b => Rmax (value e ix a) (value e ix b)
  | Abs a => Rabs (value e ix a)
  | Power a b => value e ix a ^ reach e ix b
  | Sum i b body => bsum (reach e ix b) (fun k => value e (bind ix i k) body)
  end.

(** The meaning of a formula. *)
Fixpoint truth (e : environment R) (ix : indices) (f : formula) : Prop :=
  match f with
  | Le a b => value e ix a <= value e ix b
  | Lt a b => value e ix a < value e ix b
  | Eq a b => value e ix a = value e ix b
  | And f g => truth e ix f /\ truth e ix g
  | Implies f g => truth e ix f -> truth e ix g
  | All i b body => forall k, (k < reach e ix b)%nat -> truth e (bind ix i k) body
  end.

(** All of several formulas. *)
Fixpoint all_true (e : environment R) (fs : list formula) : Prop :=
  match fs with [] => True | f :: rest => truth e no_index f /\ all_true e rest end.

(** What a contract supposes and promises of an environment. *)
Definition supposed (c : contract) (e : environment R) : Prop := all_true e (pre c).
Definition promised (c : contract) (e : environment R) : Prop := truth e no_index (post c).

(** A contract that needs no other specification than its own preconditions. *)
Definition valid (c : contract) : Prop := forall e, supposed c e -> promised c e.
