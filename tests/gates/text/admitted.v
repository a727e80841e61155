(* rejected for: Admitted *)
Lemma anything : 1 = 2.
Admitted.
