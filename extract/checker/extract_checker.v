(* Prints the checker of coq/Check/Checker.v and Beside.v and the scale rules of ScaleRule.v as OCaml: checker.ml and checker.mli in the
   current folder.
   Z, positive and their arithmetic become zarith's integers through exact.ml; bool, list, option and pairs become
   OCaml's. Nothing else is replaced. *)
From Coq Require Import ZArith Extraction ExtrOcamlBasic.
From Hallmark Require Import Check.Checker Check.Beside Check.ScaleRule.

Extract Inductive positive => "Exact.t" [ "Exact.xI" "Exact.xO" "Exact.one" ] "Exact.match_positive".
Extract Inductive Z => "Exact.t" [ "Exact.zero" "Exact.of_positive" "Exact.neg" ] "Exact.match_integer".

Extract Inlined Constant Z.add => "Exact.add".
Extract Inlined Constant Z.sub => "Exact.sub".
Extract Inlined Constant Z.mul => "Exact.mul".
Extract Inlined Constant Z.opp => "Exact.neg".
Extract Inlined Constant Z.abs => "Exact.abs".
Extract Inlined Constant Z.min => "Exact.min".
Extract Inlined Constant Z.max => "Exact.max".
Extract Inlined Constant Z.eqb => "Exact.equal".
Extract Inlined Constant Z.leb => "Exact.leq".
Extract Inlined Constant Z.ltb => "Exact.lt".
Extract Inlined Constant Z.even => "Exact.even".
Extract Inlined Constant Z.sgn => "Exact.sgn".
Extract Inlined Constant Z.div => "Exact.div".
Extract Inlined Constant Z.modulo => "Exact.modulo".
Extract Inlined Constant Z.pow => "Exact.pow".
Extract Inlined Constant Z.log2 => "Exact.log2".
Extract Inlined Constant Z.shiftl => "Exact.shiftl".
Extract Inlined Constant Z.compare =>
  "(fun x y -> let c = Exact.compare x y in if c = 0 then Eq else if c < 0 then Lt else Gt)".

Extraction "checker.ml" first_failure start_tensor rows_failure beside_failure rule_failure scales_fit clip_hundredths.
