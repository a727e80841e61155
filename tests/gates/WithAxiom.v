Axiom false_is_true : False.
Lemma anything : 1 = 2.
Proof. destruct false_is_true. Qed.
Print Assumptions anything.
