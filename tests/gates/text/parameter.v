(* rejected for: Parameter *)
Section S.
  Parameter anything : 1 = 2.
End S.
