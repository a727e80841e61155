(** * What a contract brings with it

    Purpose: a contract comes with its proof, with cases that show it is not empty, with its goals
      for the solvers, and with the place where a run evaluates it.  Everything that is printed,
      extracted, tested and audited of a contract follows from this one value; the files of Library/
      hold them.
    Main definitions: [evaluation], [registration]; [Registered], which checks what can be computed.
    Depends on: [Syntax], [Denotation], [Cases], [Question].
    Source: this project. *)
From Coq Require Import ZArith List String Bool.
From Hallmark.Contract Require Import Syntax Denotation Cases Question.
Import ListNotations.
Open Scope string_scope.

(** Where a run evaluates a contract: at the codes of every row, by nothing but its printed text;
    where a judge in src/certify/ says; or nowhere, but in tests. *)
Inductive evaluation := EveryRow | ByJudge | InTests.

(** What a row shows of each of its n columns: the weight w, the number x that was rounded (the
    weight or what GPTQ made of it), the point q of the code, the points l and r of the grid below
    and above q (q itself at the ends), and the scale s. *)
Definition row_words : list string := ["w"; "x"; "q"; "l"; "r"; "s"].

(** The postcondition reads no more than is shown there. *)
Definition evaluable (c : contract) (p : evaluation) : bool :=
  match p with
  | ByJudge | InTests => true
  | EveryRow =>
      forallb (String.eqb "n") (sizes c)
      && forallb (fun input => let '(x, k) := input in
           negb (formula_reads x (post c))
           || declared x row_words && match k with IsVector _ => true | _ => false end) (inputs c)
  end.

(** The environment of the first seed meets both the preconditions and the postcondition, that of the
    second violates both: the statement is not empty. *)
Definition tells (c : contract) (seeds : Z * Z) : bool :=
  Nat.eqb (answer c (case_environment c (fst seeds))) 3
  && Nat.eqb (answer c (case_environment c (snd seeds))) 0.

(** The contract uses only names that it declares, and what comes with it is about it. *)
Definition in_order (c : contract) (p : evaluation) (seeds : Z * Z) (questions : list question) : bool :=
  scoped c && evaluable c p && tells c seeds
  && negb (Nat.eqb (List.length questions) 0)
  && forallb (fun g => String.eqb (name (about g)) (name c)) questions.

Record registration := Registration {
  stated : contract;
  sound : valid stated;
  evaluated : evaluation;
  cases : Z * Z;
  asked : list question;
  checked : in_order stated evaluated cases asked = true
}.

(** A registration, checked by computation. *)
Notation Registered c proof p seeds questions :=
  (Registration c proof p seeds%Z questions ltac:(vm_compute; reflexivity)) (only parsing).
