(* rejected for: bypass_check *)
#[bypass_check(guard)] Fixpoint loop (n : nat) : False := loop n.
