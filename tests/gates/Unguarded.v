Unset Guard Checking.
Fixpoint anything (n : nat) : False := anything n.
Print Assumptions anything.
