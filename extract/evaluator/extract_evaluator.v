(* Prints the evaluator of coq/Contract/Evaluate.v, the library and the environments of coq/Contract/Cases.v as OCaml:
   evaluator.ml and evaluator.mli in the current folder. Z, positive and their arithmetic become zarith's integers through
   extract/checker/exact.ml, nat and string OCaml's own. *)
From Coq Require Import ZArith String Extraction ExtrOcamlBasic ExtrOcamlNatInt ExtrOcamlNativeString.
From Hallmark Require Import Contract.Syntax Contract.Library Contract.Cases.

Extract Inductive positive => "Exact.t" [ "Exact.xI" "Exact.xO" "Exact.one" ] "Exact.match_positive".
Extract Inductive Z => "Exact.t" [ "Exact.zero" "Exact.of_positive" "Exact.neg" ] "Exact.match_integer".

Extract Inlined Constant Pos.mul => "Exact.mul".
Extract Inlined Constant Z.add => "Exact.add".
Extract Inlined Constant Z.sub => "Exact.sub".
Extract Inlined Constant Z.mul => "Exact.mul".
Extract Inlined Constant Z.opp => "Exact.neg".
Extract Inlined Constant Z.eqb => "Exact.equal".
Extract Inlined Constant Z.leb => "Exact.leq".
Extract Inlined Constant Z.even => "Exact.even".
Extract Inlined Constant Z.div => "Exact.div".
Extract Inlined Constant Z.modulo => "Exact.modulo".
Extract Inlined Constant String.eqb => "Stdlib.String.equal".

Extraction "evaluator.ml" contracts case_environment answer.
