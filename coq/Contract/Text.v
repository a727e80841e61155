(** * Pieces of printed text

    Purpose: what all printers share: line breaks, digits, lines, and the list of files that one
      run of extract/contracts writes.
    Main definitions: [newline], [decimal], [hexadecimal], [file], [bundled].
    Depends on: Coq's standard library only.
    Source: elementary. *)
From Coq Require Import ZArith List String Ascii DecimalString HexadecimalString.
Import ListNotations.
Open Scope string_scope.

(** A line break. *)
Definition newline : string := String (ascii_of_nat 10) "".

(** The decimal digits of an integer. *)
Definition decimal (z : Z) : string := DecimalString.NilZero.string_of_int (Z.to_int z).

(** The decimal digits of a natural number. *)
Definition decimal_nat (n : nat) : string := decimal (Z.of_nat n).

(** The hexadecimal digits of a nonnegative integer, after 0x. *)
Definition hexadecimal (z : Z) : string :=
  "0x" ++ HexadecimalString.NilZero.string_of_int (Z.to_hex_int z).

(** A text between parentheses. *)
Definition parens (text : string) : string := "(" ++ text ++ ")".

(** A generated file: its path in the folder contracts/ and its lines. *)
Record file := File { path : string; contents : list string }.

(** The lines of a file after a line that names it. *)
Definition bundled (f : file) : list string := ("%%% " ++ path f) :: contents f.

(** The line that says how the folder is made. *)
Definition made_by : string := "Made by: extract/contracts generate".
