(** * The generated files of the codec

    Purpose: the four programs of T12 as a C++ header, and for each a solver's goal: on every
      word the program agrees with SMT-LIB's own conversion [to_fp], which shares nothing with
      Flocq.  The goal's negation has no model.  Each has a twin with one line of the program
      broken, which must have one.
    Main definitions: [codec_header], [codec_goals].
    Depends on: Format/CodecPrograms, [PrintBits], [Text].
    Source: the SMT-LIB standard, version 2.6, theory FloatingPoint. *)
From Coq Require Import ZArith List String.
From Hallmark Require Import Format.BitProgram Format.CodecPrograms.
From Hallmark Require Import Contract.Text Contract.PrintBits.
Import ListNotations.
Open Scope string_scope.

(** The programs under their public names. *)
Definition gf16_encode32 := Named "gf16_encode32" 32 16 "encode32_correct" encode32.
Definition gf16_encode64 := Named "gf16_encode64" 64 16 "encode64_correct" encode64.
Definition gf16_decode32 := Named "gf16_decode32" 16 32 "decode32_correct" decode32.
Definition gf16_decode64 := Named "gf16_decode64" 16 64 "decode64_correct" decode64.

(** The C++ header. *)
Definition codec_header : file := {|
  path := "generated/gf16_codec.hpp";
  contents := [
    "// " ++ made_by;
    "// The codec of GF16 on words, printed from the programs of coq/Format/CodecPrograms.v. T12: for every";
    "// word they equal Flocq's conversions (round to nearest, ties to even, every NaN to the canonical one),";
    "// and no shift amount reaches the width.";
    "#pragma once"; ""; "#include <cstdint>"; ""; "namespace hallmark::generated {"; "" ]
    ++ flat_map cpp_function [gf16_encode32; gf16_encode64; gf16_decode32; gf16_decode64]
    ++ [ "}  // namespace hallmark::generated" ] |}.

(** An IEEE format in SMT-LIB: exponent bits and precision; its words have their sum of bits. *)
Record format := Format { ebits : Z; sbits : Z; canonical_nan : Z }.
Definition gf16_layout := Format 6 10 0x7E01.
Definition b32_layout := Format 8 24 0x7FC00000.
Definition b64_layout := Format 11 53 0x7FF8000000000000.

(** The conversion to a format: of a word without a rounding mode, of a number with it. *)
Definition of_word (f : format) (word : string) : string :=
  "((_ to_fp " ++ decimal (ebits f) ++ " " ++ decimal (sbits f) ++ ") " ++ word ++ ")".
Definition of_number (f : format) (number : string) : string := of_word f ("RNE " ++ number).

(** The goal that a program converts words of the first format to words of the last, through the
    ones between, which are wider and so exact.  The numbers agree, signs of zeros included; a NaN
    is the canonical one; the bits above the result are 0. *)
Definition goal (file_name : string) (expected : string) (p : named_program) (from : format)
    (through : list format) (to : format) : file :=
  let w := width (body p) in
  let high bits x := "((_ extract " ++ decimal (w - 1) ++ " " ++ decimal bits ++ ") " ++ x ++ ")" in
  {| path := "generated/" ++ file_name;
     contents := [
       "; " ++ made_by;
       "; The integer program of T12 against to_fp, negated: " ++ expected ++ ".";
       "(set-info :smt-lib-version 2.6)";
       "(set-logic QF_BVFP)";
       "(set-info :status " ++ expected ++ ")";
       "(set-option :produce-models true)" ]
       ++ smt_function p ++ [
       "(declare-const x " ++ smt_sort (bits_in p) ++ ")";
       "(define-fun wide () " ++ smt_sort w ++ " "
         ++ (if (bits_in p =? w)%Z then "x"
             else "((_ zero_extend " ++ decimal (w - bits_in p) ++ ") x)") ++ ")";
       "(define-fun result () " ++ smt_sort w ++ " (" ++ name p ++ " wide))";
       "(define-fun word () " ++ smt_sort (bits_out p)
         ++ " ((_ extract " ++ decimal (bits_out p - 1) ++ " 0) result))";
       "(define-fun number () (_ FloatingPoint " ++ decimal (ebits to) ++ " " ++ decimal (sbits to)
         ++ ") " ++ of_number to (fold_left (fun x f => of_number f x) through (of_word from "x"))
         ++ ")";
       "(assert (not (and";
       "  (= " ++ of_word to "word" ++ " number)";
       "  (=> (fp.isNaN number) (= word " ++ smt_constant (bits_out p) (canonical_nan to) ++ "))" ]
       ++ (if (bits_out p =? w)%Z then [] else [
       "  (= " ++ high (bits_out p) "result" ++ " " ++ smt_constant (w - bits_out p) 0 ++ ")" ])
       ++ [ "  )))"; "(check-sat)" ] |}.

(** A program with the expression of one line replaced. *)
Definition replace_line (p : named_program) (line : string) (e : expr) : named_program :=
  let q := body p in
  Named (name p) (bits_in p) (bits_out p) (theorem p)
    {| width := width q; input := input q; output := output q;
       lines := map (fun l => if String.eqb (fst l) line then (line, e) else l) (lines q) |}.

(** Ties rounded up instead of to even. *)
Definition ties_up (p : named_program) : named_program := replace_line p "odd" (Const 1).

(** A subnormal's last step of normalization forgotten in the exponent. *)
Definition step_forgotten (p : named_program) : named_program := replace_line p "nd" (Var "nc").

(** The goals with their twins.  binary32 goes through binary64: the narrowing of subnormal sources
    is mistranslated by Z3 4.8.12. *)
Definition codec_goals : list (file * string * string) :=
  let encode32_goal n e p := goal n e p b32_layout [b64_layout] gf16_layout in
  let encode64_goal n e p := goal n e p b64_layout [] gf16_layout in
  let decode32_goal n e p := goal n e p gf16_layout [] b32_layout in
  let decode64_goal n e p := goal n e p gf16_layout [] b64_layout in
  [ (encode32_goal "codec_encode32.smt2" "unsat" gf16_encode32, "unsat", "encode32_correct");
    (encode32_goal "codec_encode32_broken.smt2" "sat" (ties_up gf16_encode32), "sat", "encode32_correct");
    (encode64_goal "codec_encode64.smt2" "unsat" gf16_encode64, "unsat", "encode64_correct");
    (encode64_goal "codec_encode64_broken.smt2" "sat" (ties_up gf16_encode64), "sat", "encode64_correct");
    (decode32_goal "codec_decode32.smt2" "unsat" gf16_decode32, "unsat", "decode32_correct");
    (decode32_goal "codec_decode32_broken.smt2" "sat" (step_forgotten gf16_decode32), "sat", "decode32_correct");
    (decode64_goal "codec_decode64.smt2" "unsat" gf16_decode64, "unsat", "decode64_correct");
    (decode64_goal "codec_decode64_broken.smt2" "sat" (step_forgotten gf16_decode64), "sat", "decode64_correct") ].
