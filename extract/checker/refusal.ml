(* A refusal: what, where, what to do, with the number and the exit code of docs/errors.md. *)

exception Refused of { number : int; exit_code : int; what : string; where : string; hint : string }

let refuse number exit_code what where hint = raise (Refused { number; exit_code; what; where; hint })

(* A file that is not what its format says. *)
let malformed number what where = refuse number 3 what where "get the file again, or quantize the weights again"

(* Files that do not belong together, or a promise that is broken: the check has a name. *)
let rejected check sentence where =
  refuse 790 7 (Printf.sprintf "rejected by check '%s': %s" check sentence) where "do not use this file; quantize the weights again"
