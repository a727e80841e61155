Axiom anything : 1 = 2.
