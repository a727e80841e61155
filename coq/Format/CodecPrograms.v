(** * The integer codec of GF16

    Purpose: the four programs that turn binary32 and binary64 words into GF16 words, rounding to
      nearest with ties to even, and back, exactly.  They use integers only.

      encode.  Let t, shifted right by sh and rounded, be the GF16 word without its sign.  For a
      normal result t is the input without its sign, its exponent rebased: one rounding of the
      whole pattern, in which a carry out of the fraction moves into the exponent as it should.
      For a subnormal result t is the significand and sh what brings its unit to 2^-39; shifts
      above mw + 2 all give 0 and are held there.  Overflow and infinity are a minimum.

      decode.  The significand of a subnormal is shifted left by 8, 4, 2 and 1 as far as needed to
      reach 512; normal numbers pass through these tests unchanged.
    Main definitions: [encode32], [encode64], [decode32], [decode64].
    Depends on: [BitProgram].
    Source: docs/spec-gf16.md; the rounding is the usual one of software floating point. *)
From Coq Require Import ZArith List String.
From Hallmark Require Import Format.BitProgram.
Import ListNotations.
Open Scope Z_scope.
Open Scope string_scope.

(** The program from words with mw fraction and ew exponent bits to GF16 words. *)
Definition encoder (mw ew : Z) : program :=
  let bias := 2 ^ (ew - 1) - 1 in
  let rebase := bias - 31 in
  {| width := mw + ew + 1;
     input := "x";
     lines := [
       ("sign", Shl (Shr (Var "x") (Const (mw + ew))) (Const 15));
       ("magnitude", And (Var "x") (Const (2 ^ (mw + ew) - 1)));
       ("exponent", Shr (Var "magnitude") (Const mw));
       ("significand", Add (And (Var "x") (Const (2 ^ mw - 1))) (Const (2 ^ mw)));
       ("t", Select Below (Var "exponent") (Const (rebase + 1))
               (Var "significand")
               (Sub (Var "magnitude") (Const (rebase * 2 ^ mw))));
       ("sh", Select Below (Var "exponent") (Const (rebase + 1))
                (Select Below (Var "exponent") (Const (rebase - 10))
                   (Const (mw + 2))
                   (Sub (Const (rebase + mw - 8)) (Var "exponent")))
                (Const (mw - 9)));
       ("odd", And (Shr (Var "t") (Var "sh")) (Const 1));
       ("half", Shl (Const 1) (Sub (Var "sh") (Const 1)));
       ("rounded", Shr (Add (Add (Var "t") (Sub (Var "half") (Const 1))) (Var "odd")) (Var "sh"));
       ("finite", Select Below (Const 0x7E00) (Var "rounded") (Const 0x7E00) (Var "rounded"))];
     output := Select Below (Const ((2 ^ ew - 1) * 2 ^ mw)) (Var "magnitude")
                 (Const 0x7E01)
                 (Or (Var "sign") (Var "finite")) |}.

(** The program from GF16 words to words with mw fraction and ew exponent bits. *)
Definition decoder (mw ew : Z) : program :=
  let bias := 2 ^ (ew - 1) - 1 in
  let infinity := (2 ^ ew - 1) * 2 ^ mw in
  {| width := mw + ew + 1;
     input := "x";
     lines := [
       ("sign", Shl (Shr (Var "x") (Const 15)) (Const (mw + ew)));
       ("magnitude", And (Var "x") (Const 0x7FFF));
       ("a", Select Below (Var "magnitude") (Const 4)
               (Shl (Var "magnitude") (Const 8)) (Var "magnitude"));
       ("na", Select Below (Var "magnitude") (Const 4) (Const 8) (Const 0));
       ("b", Select Below (Var "a") (Const 64) (Shl (Var "a") (Const 4)) (Var "a"));
       ("nb", Select Below (Var "a") (Const 64) (Add (Var "na") (Const 4)) (Var "na"));
       ("c", Select Below (Var "b") (Const 256) (Shl (Var "b") (Const 2)) (Var "b"));
       ("nc", Select Below (Var "b") (Const 256) (Add (Var "nb") (Const 2)) (Var "nb"));
       ("d", Select Below (Var "c") (Const 512) (Shl (Var "c") (Const 1)) (Var "c"));
       ("nd", Select Below (Var "c") (Const 512) (Add (Var "nc") (Const 1)) (Var "nc"));
       ("finite", Add (Shl (Var "d") (Const (mw - 9)))
                      (Shl (Sub (Const (bias - 31)) (Var "nd")) (Const mw)));
       ("number", Select Equal (Var "magnitude") (Const 0) (Const 0)
                    (Select Equal (Var "magnitude") (Const 0x7E00) (Const infinity)
                       (Var "finite")))];
     output := Select Below (Const 0x7E00) (Var "magnitude")
                 (Const (infinity + 2 ^ (mw - 1)))
                 (Or (Var "sign") (Var "number")) |}.

(** binary32 word to GF16 word. *)
Definition encode32 : program := encoder 23 8.

(** binary64 word to GF16 word, in one rounding. *)
Definition encode64 : program := encoder 52 11.

(** GF16 word to binary32 word. *)
Definition decode32 : program := decoder 23 8.

(** GF16 word to binary64 word. *)
Definition decode64 : program := decoder 52 11.
