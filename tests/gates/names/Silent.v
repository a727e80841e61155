(* Nothing is stated here:
Lemma planted : True.
*)
