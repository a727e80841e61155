Lemma forgotten : 1 = 1.
Proof. reflexivity. Qed.
