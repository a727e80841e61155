Lemma here : 1 = 1.
Proof. reflexivity. Qed.
