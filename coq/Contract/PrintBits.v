(** * Bit programs as C++ and SMT-LIB text

    Purpose: one program, proved in Format/, becomes a constexpr function on unsigned words of
      its width and a function on bit vectors.  In C++ and in SMT-LIB shifts mean what [eval]
      says only while the amount is below the width; [computes] guarantees that for every input.
    Main definitions: [cpp_function], [smt_function].
    Depends on: Format/BitProgram, [Text].
    Source: the SMT-LIB standard, version 2.6, theory FixedSizeBitVectors. *)
From Coq Require Import ZArith List String.
From Hallmark Require Import Format.BitProgram Contract.Text.
Import ListNotations.
Open Scope string_scope.

(** A program under the name it has in the generated text, with the number of bits of the words
    that enter and leave; both are at most the width, and the bits above them are 0. *)
Record named_program := Named {
  name : string;
  bits_in : Z;
  bits_out : Z;
  theorem : string;
  body : program
}.

(** The unsigned C++ type of that many bits. *)
Definition cpp_type (bits : Z) : string := "std::uint" ++ decimal bits ++ "_t".

(** A constant of the program: small ones, which are shift amounts, in decimal. *)
Definition cpp_constant (w value : Z) : string :=
  (if (value <? 64)%Z then decimal value else hexadecimal value)
  ++ (if (w =? 32)%Z then "u" else "ull").

(** Unsigned C++ arithmetic of 32 and 64 bits wraps as [eval] does. *)
Fixpoint cpp_expr (w : Z) (e : expr) : string :=
  let binary op a b := parens (cpp_expr w a ++ op ++ cpp_expr w b) in
  match e with
  | Const value => cpp_constant w value
  | Var x => x
  | Shl a amount => binary " << " a amount
  | Shr a amount => binary " >> " a amount
  | And a b => binary " & " a b
  | Or a b => binary " | " a b
  | Add a b => binary " + " a b
  | Sub a b => binary " - " a b
  | Select c a b yes no =>
      parens (binary (match c with Equal => " == " | Below => " < " end) a b
              ++ " ? " ++ cpp_expr w yes ++ " : " ++ cpp_expr w no)
  end.

(** A program of 32 or 64 bits as a constexpr function. *)
Definition cpp_function (p : named_program) : list string :=
  let w := width (body p) in
  let word := cpp_type w in
  let result := cpp_expr w (output (body p)) in
  [ "/// Theorem " ++ theorem p ++ ".";
    "constexpr " ++ cpp_type (bits_out p) ++ " " ++ name p ++ "(" ++ cpp_type (bits_in p) ++ " "
      ++ (if (bits_in p =? w)%Z then input (body p) else "word") ++ ") {" ]
  ++ (if (bits_in p =? w)%Z then []
      else ["  const " ++ word ++ " " ++ input (body p) ++ " = word;"])
  ++ map (fun line => "  const " ++ word ++ " " ++ fst line ++ " = " ++ cpp_expr w (snd line) ++ ";")
       (lines (body p))
  ++ [ "  return "
         ++ (if (bits_out p =? w)%Z then result
             else "static_cast<" ++ cpp_type (bits_out p) ++ ">" ++ parens result) ++ ";";
       "}"; "" ].

(** The sort of bit vectors of that many bits. *)
Definition smt_sort (bits : Z) : string := "(_ BitVec " ++ decimal bits ++ ")".

(** A bit-vector constant. *)
Definition smt_constant (w value : Z) : string :=
  "(_ bv" ++ decimal value ++ " " ++ decimal w ++ ")".

Fixpoint smt_expr (w : Z) (e : expr) : string :=
  let binary op a b := parens (op ++ " " ++ smt_expr w a ++ " " ++ smt_expr w b) in
  match e with
  | Const value => smt_constant w value
  | Var x => x
  | Shl a amount => binary "bvshl" a amount
  | Shr a amount => binary "bvlshr" a amount
  | And a b => binary "bvand" a b
  | Or a b => binary "bvor" a b
  | Add a b => binary "bvadd" a b
  | Sub a b => binary "bvsub" a b
  | Select c a b yes no =>
      parens ("ite " ++ binary (match c with Equal => "=" | Below => "bvult" end) a b
              ++ " " ++ smt_expr w yes ++ " " ++ smt_expr w no)
  end.

(** The lines of a program as nested bindings. *)
Fixpoint smt_lines (w : Z) (ls : list (string * expr)) (out : expr) : list string :=
  match ls with
  | [] => ["  " ++ smt_expr w out]
  | (x, e) :: rest => ("  (let ((" ++ x ++ " " ++ smt_expr w e ++ "))") :: smt_lines w rest out
  end.

(** A closing parenthesis for each binding. *)
Definition closing {A : Type} (ls : list A) : string := concat "" (map (fun _ => ")") ls).

(** A program as a function on bit vectors of its width. *)
Definition smt_function (p : named_program) : list string :=
  let w := width (body p) in
  [ "(define-fun " ++ name p ++ " ((" ++ input (body p) ++ " " ++ smt_sort w ++ ")) " ++ smt_sort w ]
  ++ smt_lines w (lines (body p)) (output (body p))
  ++ [ "  " ++ closing (lines (body p)) ++ ")" ].
