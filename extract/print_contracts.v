(** * Printing driver: the folder contracts/

    Purpose: prints every generated file as one bundle, which the script extract/contracts splits
      into the folder contracts/.
    Depends on: [Hallmark.Contract.Manifest].
    Not part of the library: this file holds a command that prints. *)
From Coq Require Import String.
From Hallmark Require Import Contract.Manifest.
Open Scope string_scope.

Eval vm_compute in everything.
