(* An unfinished proof. *)
Lemma anything : 1 = 2.
Admitted.
