(* Prints every contract on the environments of coq/Contract/Cases.v, seeds 0 .. SEEDS - 1, with the answer of the
   extracted evaluator. One case is a line

     contract seed answer size.. | value..

   sizes and inputs in the order of the contract, entries row by row; answer: 1 if the preconditions hold, plus 2 if the
   postcondition holds. *)
module Integer = Z
open Evaluator

let rational (q : q) = Integer.to_string q.qnum ^ "/" ^ Integer.to_string q.qden

let entries e (x, kind) =
  let below n f = List.concat (List.init n f) in
  match kind with
  | IsScalar -> [ rational (e.scalar x) ]
  | IsVector n -> below (e.size n) (fun i -> [ rational (e.vector x i) ])
  | IsMatrix (n, m) -> below (e.size n) (fun i -> below (e.size m) (fun j -> [ rational (e.matrix x i j) ]))

let () =
  let seeds = int_of_string Sys.argv.(1) in
  List.iter
    (fun (c : contract) ->
      for seed = 0 to seeds - 1 do
        let e = case_environment c (Integer.of_int seed) in
        Printf.printf "%s %d %d" c.name seed (answer c e);
        List.iter (fun s -> Printf.printf " %d" (e.size s)) c.sizes;
        print_string " |";
        List.iter (fun input -> List.iter (Printf.printf " %s") (entries e input)) c.inputs;
        print_newline ()
      done)
    contracts
