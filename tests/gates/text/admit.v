(* rejected for: admit *)
Lemma anything : 1 = 1.
Proof. admit. Qed.
