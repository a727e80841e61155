(* Lemma Once.planted *)
#[local] Definition planted := true.
