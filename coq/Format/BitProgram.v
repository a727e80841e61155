(** * Straight-line programs on bit vectors

    Purpose: a small language in which the codec is written once, as a Coq value: it is proved
      here and printed as C++ and SMT-LIB text elsewhere.  A program has one width w, at most 64;
      every variable is an unsigned integer below 2^w, arithmetic wraps modulo 2^w.
    Main definitions: [expr], [program], [run]; [shifts_ok], which tells whether every shift of a
      run stays below the width, as C++ and SMT-LIB would need for one meaning.
      [computes] says both.
    Main results: [computes_intro], [remaining_line], [remaining_output]: a proof about a program
      goes line by line, naming the value of each.
    Depends on: Coq's standard library only.
    Source: this project. *)
From Coq Require Import ZArith List String Bool.
Import ListNotations.
Open Scope Z_scope.

(** Unsigned comparisons. *)
Inductive test := Equal | Below.

(** Expressions; [Select c a b yes no] is [yes] when [a c b] holds and [no] otherwise. *)
Inductive expr :=
  | Const (value : Z)
  | Var (name : string)
  | Shl (a amount : expr)
  | Shr (a amount : expr)
  | And (a b : expr)
  | Or (a b : expr)
  | Add (a b : expr)
  | Sub (a b : expr)
  | Select (c : test) (a b yes no : expr).

(** One input, named intermediate results in order, and the expression of the output. *)
Record program := Program {
  width : Z;
  input : string;
  lines : list (string * expr);
  output : expr
}.

(** The values of the variables. *)
Definition registers := string -> Z.

(** The registers with one more variable. *)
Definition extend (env : registers) (name : string) (value : Z) : registers :=
  fun other => if String.eqb other name then value else env other.

(** The truth of a comparison. *)
Definition holds (c : test) (a b : Z) : bool :=
  match c with Equal => a =? b | Below => a <? b end.

(** The value of an expression at width [w]. *)
Fixpoint eval (w : Z) (env : registers) (e : expr) : Z :=
  match e with
  | Const value => value
  | Var name => env name
  | Shl a amount => Z.shiftl (eval w env a) (eval w env amount) mod 2 ^ w
  | Shr a amount => Z.shiftr (eval w env a) (eval w env amount)
  | And a b => Z.land (eval w env a) (eval w env b)
  | Or a b => Z.lor (eval w env a) (eval w env b)
  | Add a b => (eval w env a + eval w env b) mod 2 ^ w
  | Sub a b => (eval w env a - eval w env b) mod 2 ^ w
  | Select c a b yes no =>
      if holds c (eval w env a) (eval w env b) then eval w env yes else eval w env no
  end.

(** The registers after the lines of a program. *)
Fixpoint after (w : Z) (env : registers) (ls : list (string * expr)) : registers :=
  match ls with
  | [] => env
  | (name, e) :: rest => after w (extend env name (eval w env e)) rest
  end.

(** The registers that hold the input; every other name is 0 until its line. *)
Definition start (p : program) (x : Z) : registers := extend (fun _ => 0) (input p) x.

(** The output of a program. *)
Definition run (p : program) (x : Z) : Z :=
  eval (width p) (after (width p) (start p x) (lines p)) (output p).

(** In an expression, branches not taken included, every shift amount is from 0 to w - 1 and every
    constant is below 2^w. *)
Fixpoint expr_ok (w : Z) (env : registers) (e : expr) : bool :=
  match e with
  | Const value => (0 <=? value) && (value <? 2 ^ w)
  | Var _ => true
  | Shl a amount | Shr a amount =>
      expr_ok w env a && expr_ok w env amount
      && ((0 <=? eval w env amount) && (eval w env amount <? w))
  | And a b | Or a b | Add a b | Sub a b => expr_ok w env a && expr_ok w env b
  | Select _ a b yes no =>
      expr_ok w env a && expr_ok w env b && expr_ok w env yes && expr_ok w env no
  end.

(** The same for the lines of a program. *)
Fixpoint lines_ok (w : Z) (env : registers) (ls : list (string * expr)) : bool :=
  match ls with
  | [] => true
  | (name, e) :: rest => expr_ok w env e && lines_ok w (extend env name (eval w env e)) rest
  end.

(** A run shifts by less than the width only, and its constants fit the width. *)
Definition shifts_ok (p : program) (x : Z) : bool :=
  lines_ok (width p) (start p x) (lines p)
  && expr_ok (width p) (after (width p) (start p x) (lines p)) (output p).

(** On input [x] the program has one meaning in every target language, and its output is [r]. *)
Definition computes (p : program) (x r : Z) : Prop := shifts_ok p x = true /\ run p x = r.

(** The same for the lines still to be run and the output expression. *)
Definition remaining (w : Z) (env : registers) (ls : list (string * expr)) (out : expr) (r : Z) :=
  lines_ok w env ls && expr_ok w (after w env ls) out = true /\ eval w (after w env ls) out = r.

(** A program computes what its lines compute from the input. *)
Lemma computes_intro p x r :
  remaining (width p) (start p x) (lines p) (output p) r -> computes p x r.
Proof. exact (fun Hlines => Hlines). Qed.

(** One line: its shifts are fine, its value is [value], and the rest goes on from there. *)
Lemma remaining_line w env name e rest out r value :
  expr_ok w env e = true -> eval w env e = value ->
  remaining w (extend env name value) rest out r -> remaining w env ((name, e) :: rest) out r.
Proof.
  intros Hok Hvalue [Hrest Hout]; unfold remaining; simpl.
  rewrite Hok, Hvalue; split; assumption.
Qed.

(** No line is left: the output expression is evaluated. *)
Lemma remaining_output w env out r :
  expr_ok w env out = true -> eval w env out = r -> remaining w env [] out r.
Proof. intros Hok Hvalue; split; [exact Hok|exact Hvalue]. Qed.
