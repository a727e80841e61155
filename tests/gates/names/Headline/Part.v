(* The same name in two parts. *)
Theorem planted : True.
Proof. exact I. Qed.
