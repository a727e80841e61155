(** * Printing driver: packed codes as a C++ header

    Purpose: prints tests/generated/coq_layouts.hpp: codes, and the bytes that the functions of T29
      make of them, so that the tests of the program compare its own with these.  The command is on
      the header's first line; it needs the compiled theory and runs from the root of the repository.
    Depends on: [Hallmark.Format.PackedCodes], [Hallmark.Format.WordLayouts],
      [Hallmark.Format.WitnessLayouts].
    Not part of the library: this file holds a command that prints. *)
From Coq Require Import ZArith List String Ascii DecimalString.
From Hallmark.Format Require Import PackedCodes WordLayouts WitnessLayouts.
Import ListNotations.
Open Scope string_scope.

(** A line break. *)
Definition newline : string := String (ascii_of_nat 10) "".

(** The decimal digits of a number. *)
Definition decimal (n : nat) : string := NilZero.string_of_uint (Nat.to_uint n).

(** Two hexadecimal digits for each byte. *)
Definition hexadecimal (bytes : list Z) : string :=
  let digit d := match get d "0123456789abcdef" with Some c => c | None => "?"%char end in
  concat "" (map (fun u => String (digit (Z.to_nat (u / 16))) (String (digit (Z.to_nat (u mod 16))) ""))
    bytes).

(** [n] codes of b bits without a pattern: the upper bits of a linear congruence. *)
Fixpoint scattered (b n : nat) (seed : Z) : list Z :=
  match n with
  | O => []
  | S m => let next := ((1103515245 * seed + 12345) mod 2 ^ 31)%Z in
      (next / 2 ^ 16 mod power b)%Z :: scattered b m next
  end.

(** The bytes of 32-bit words. *)
Definition words (p : list Z) : list Z := flat_map (digits_of 8 4) p.

(** One line: name, bits, lines of codes and their length, the codes, their scales, the bytes. *)
Definition layout (name : string) (b n : nat) (lines : list (list Z)) (scales bytes : list Z) :
    string :=
  "    {""" ++ name ++ """, " ++ decimal b ++ ", " ++ decimal (List.length lines) ++ ", " ++ decimal n
  ++ ", """ ++ hexadecimal (List.concat lines) ++ """, """ ++ hexadecimal (words scales) ++ """," ++ newline
  ++ "     """ ++ hexadecimal bytes ++ """}," ++ newline.

Definition lines (b n count : nat) : list (list Z) :=
  map (fun i => scattered b n (Z.of_nat (100 * b + i))) (seq 0 count).

Definition packed_layouts : list string :=
  flat_map (fun b => map (fun n => let c := scattered b n (Z.of_nat (b + n)) in
    layout "packed" b n [c] [] (packed b 8 c)) [0; 1; 3; 7; 8; 9; 21; 40]%nat) (seq 1 8).

Definition word_layouts : list string :=
  flat_map (fun b => map (fun n => let l := lines b n 3 in
      layout "rows" b n l [] (words (line_words b l))) [1; 20; 32; 64]%nat)
    (seq 1 8) ++
  flat_map (fun b => map (fun n => let l := lines b n 3 in
      layout "columns" b n l [] (words (column_words b n l))) [32; 64]%nat)
    [2; 3; 4; 8]%nat.

Definition block_layouts : list string :=
  let scales := [0x3C01; 0x83FF]%Z in
  let blocks b := combine scales (lines b 32 2) in
  [layout "q4_0" 4 32 (lines 4 32 2) scales (flat_map q4_0 (blocks 4%nat));
   layout "q8_0" 8 32 (lines 8 32 2) scales (flat_map q8_0 (blocks 8%nat));
   let '(d, scales, codes) := q6_k_example in
   layout "q6_k" 6 256 [codes] (d :: scales) (q6_k q6_k_example)].

(** The lines before them. *)
Definition preamble : string := concat newline [
  "// Made by: coqc -q -Q coq Hallmark extract/print_layouts.v"
    ++ " | sed -e '1s/^[^\x22]*\x22//' -e '/^\x22/,$d' -e 's/\x22\x22/\x22/g' > tests/generated/coq_layouts.hpp";
  "// Codes and the bytes that hold them, printed from the functions of T29 (coq/Format/PackedCodes.v, WordLayouts.v).";
  "#pragma once"; ""; "#include <cstddef>"; ""; "namespace hallmark::coq_layouts {"; "";
  "// `lines` lines of `length` codes below 2^bits, as bytes; their scales, of 32 bits each; the bytes of the layout: codes";
  "// packed in bytes, 32-bit words of each line (rows), word after word of all lines (columns), blocks of GGUF (Q6_K:";
  "// the scale of the scales first). All in hexadecimal digits.";
  "struct Layout {"; "  const char* name;"; "  int bits;"; "  std::size_t lines, length;";
  "  const char *codes, *scales, *bytes;"; "};"; ""; "inline constexpr Layout layouts[] = {"; ""].

(** The whole header. *)
Definition header : string :=
  preamble ++ concat "" (packed_layouts ++ word_layouts ++ block_layouts) ++ "};" ++ newline ++ newline
  ++ "}  // namespace hallmark::coq_layouts" ++ newline.

Eval vm_compute in header.
