(* rejected for: Axiom *)
Axiom anything : 1 = 2.
