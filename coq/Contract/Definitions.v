(** * Preconditions that define an input

    Purpose: a precondition such as "for all i, j: H_ij = ..." gives the entries of an input.  Test
      environments are completed by such preconditions, and SMT-LIB goals state them as definitions.
    Main definitions: [definition_of], [assignments] (one for each entry), [completed] (an
      environment in which they hold, where they can).
    Depends on: [Syntax], [Denotation], [Evaluate].
    Source: this project. *)
From Coq Require Import List String Bool QArith.
From Hallmark Require Import Contract.Syntax Contract.Denotation Contract.Evaluate.
Import ListNotations.
Open Scope string_scope.

(** An entry of an input: its name and at most two indices. *)
Definition entry : Type := string * list nat.

(** The name and the indices of an input, if the term is one. *)
Definition input_of (t : term) : option (string * list string) :=
  match t with
  | Scalar x => Some (x, [])
  | Vector x i => Some (x, [i])
  | Matrix x i j => Some (x, [i; j])
  | _ => None
  end.

(** The indices, the input and its meaning, if the formula defines one. *)
Fixpoint definition_of (f : formula) : option (list (string * bound) * (string * list string) * term) :=
  match f with
  | All i b body =>
      match definition_of body with
      | Some (bs, x, t) => Some ((i, b) :: bs, x, t)
      | None => None
      end
  | Eq a t => match input_of a with Some x => Some ([], x, t) | None => None end
  | _ => None
  end.

(** All values of some indices, in order. *)
Fixpoint all_indices {T : Type} (e : environment T) (ix : indices) (bs : list (string * bound))
    : list indices :=
  match bs with
  | [] => [ix]
  | (i, b) :: rest => flat_map (fun k => all_indices e (bind ix i k) rest) (seq 0 (reach e ix b))
  end.

(** What a precondition gives: entries, each with indices and a term. *)
Definition assignments {T : Type} (e : environment T) (f : formula) : list (entry * indices * term) :=
  match definition_of f with
  | None => []
  | Some (bs, (x, names), t) => map (fun ix => ((x, map ix names), ix, t)) (all_indices e no_index bs)
  end.

(** Equality of entries. *)
Definition same_entry (a b : entry) : bool :=
  String.eqb (fst a) (fst b) && if list_eq_dec Nat.eq_dec (snd a) (snd b) then true else false.

(** The environment with one entry replaced. *)
Definition replaced (e : environment Q) (a : entry) (v : Q) : environment Q :=
  let here x l := same_entry a (x, l) in
  Environment Q (size e)
    (fun x => if here x [] then v else scalar e x)
    (fun x i => if here x [i] then v else vector e x i)
    (fun x i j => if here x [i; j] then v else matrix e x i j).

(** The environment in which the first definition of each entry holds. *)
Definition completed (c : contract) (e : environment Q) : environment Q :=
  fst (fold_left (fun state row =>
    let '(e, known) := state in
    let '(a, ix, t) := row in
    if existsb (same_entry a) known then (e, known)
    else let v := evaluate e ix t in (replaced e a v, a :: known))
    (flat_map (assignments e) (pre c)) (e, [])).
