(* rejected for: Print Assumptions *)
Lemma anything : 1 = 1.
Proof. reflexivity. Qed.
Print Assumptions anything.
