(** * Printing driver: the decode table of GF16

    Purpose: prints the binary32 words of decode(0) .. decode(65535), in order and in decimal, 256
      words to a list, as Flocq's conversion computes them; NaN is 0x7FC00000.  The script
      extract/table_digest makes little-endian bytes of them and compares their SHA-256 digest
      with the one in docs/design.md, which the C++ table has too.
    Depends on: [Hallmark.Format.CodecSpec].
    Not part of the library: this file holds a command that prints. *)
From Coq Require Import ZArith List.
From Hallmark Require Import Format.CodecSpec.
Import ListNotations.
Open Scope Z_scope.

(** The words of decode(256 k) .. decode(256 k + 255). *)
Definition row (k : nat) : list Z :=
  map (fun i => decode32_spec (256 * Z.of_nat k + Z.of_nat i)) (seq 0 256).

(* One list for the whole table would overflow the printer's stack. *)
Ltac print_rows k :=
  lazymatch k with
  | 256%nat => idtac
  | _ => let words := eval vm_compute in (row k) in idtac words; print_rows (S k)
  end.

Goal True.
print_rows O.
Abort.
