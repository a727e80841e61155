(** * Printing driver: the folder contracts/

    Purpose: prints every line of every generated file as a string constant, each file after a line
      that names it; the script extract/contracts writes them into the folder contracts/.
    Depends on: [Hallmark.Contract.Manifest].
    Not part of the library: this file holds a command that prints. *)
From Coq Require Import List String.
From Hallmark Require Import Contract.Manifest.
Open Scope string_scope.

(* One constant for a whole file would overflow the printer's stack. *)
Ltac print_files files :=
  lazymatch files with
  | nil => idtac
  | cons ?text ?rest => idtac text; print_files rest
  end.

Goal True.
let files := eval vm_compute in everything in print_files files.
Abort.
