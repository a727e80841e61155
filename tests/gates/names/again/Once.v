(* Another file of this name. *)
Lemma other : True.
Proof. exact I. Qed.
