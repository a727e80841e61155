(* an open comment (* hides *) everything
Admitted.
