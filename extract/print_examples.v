(** * Printing driver: the concrete instances of the theory as a C++ header

    Purpose: prints tests/generated/coq_examples.hpp from coq/Gptq/Examples.v, so that the tests of
      the program use the very numbers of the theorems.  The command is on the header's first line;
      it needs the compiled theory and runs from the root of the repository.
    Depends on: [Hallmark.Gptq.Examples].
    Not part of the library: this file holds a command that prints. *)
From Coq Require Import ZArith List String Ascii DecimalString.
From Hallmark.Gptq Require Import Examples.
Import ListNotations.
Open Scope string_scope.

(** A line break. *)
Definition newline : string := String (ascii_of_nat 10) "".

(** The decimal digits of an integer. *)
Definition decimal (z : Z) : string := NilZero.string_of_int (Z.to_int z).

(** One array as a constant: numerators, common denominator, power of two. *)
Definition print_array (f : named_array) : string :=
  let '(name, a) := f in
  "inline constexpr Rationals<" ++ decimal (Z.of_nat (List.length (numerators a))) ++ "> " ++ name
  ++ "{{" ++ concat ", " (map decimal (numerators a)) ++ "}, "
  ++ decimal (Zpos (denominator a)) ++ ", " ++ decimal (exponent a) ++ "};" ++ newline.

(** One instance as a namespace, after the name of its theorem. *)
Definition print_example (e : string * string * list named_array) : string :=
  let '(name, theorem, arrays) := e in
  "namespace " ++ name ++ " {  // theorem " ++ theorem ++ newline
  ++ concat "" (map print_array arrays)
  ++ "}  // namespace " ++ name ++ newline ++ newline.

(** The lines before the instances. *)
Definition preamble : string := concat newline [
  "// Made by: coqc -q -Q coq Hallmark extract/print_examples.v"
    ++ " | sed -e '1s/^[^\x22]*\x22//' -e '/^\x22/,$d' > tests/generated/coq_examples.hpp";
  "// The concrete instances of the theorems in coq/Gptq, printed from coq/Gptq/Examples.v.";
  "// Three columns each; matrices row after row; H = 2 X X^T + lambda I = U diag(d) U^T.";
  "#pragma once"; ""; "#include <array>"; "#include <cstddef>"; "#include <cstdint>"; "";
  "namespace hallmark::coq_examples {"; "";
  "// Entry i is numerator[i] / denominator * 2^exponent, exactly.";
  "template <std::size_t N> struct Rationals {";
  "  std::array<std::int64_t, N> numerator;";
  "  std::int64_t denominator;";
  "  int exponent;";
  "};"; ""; ""].

(** The whole header. *)
Definition header : string :=
  preamble ++ concat "" (map print_example examples)
  ++ "}  // namespace hallmark::coq_examples" ++ newline.

Eval vm_compute in header.
