(* A lemma with the name that Twice.v gives to a definition. *)
Lemma planted : True.
Proof. exact I. Qed.
