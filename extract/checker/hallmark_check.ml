(* hallmark-check BUNDLE...: judges bundles by the function that coq/Check proves sound (T13).
   Exit code: 0 all accepted; 7 one is rejected; 3 one is malformed; 9 one cannot be read; 2 wrong usage; 10 no memory.
   The first bundle that is not accepted ends the run. *)

let error number exit_code what where hint =
  Printf.eprintf "error[E%04d]: %s\n  %s\n  try: %s\n" number what where hint;
  exit exit_code

let describe = function
  | Checker.BadShape -> ("shape", "a length differs from the header")
  | BadGrid -> ("grid", "the header's numbers or the table's values are no grid")
  | BadGram -> ("gram", "a word of the Gram matrix is not a finite binary64 number")
  | Asymmetric -> ("symmetry", "the Gram matrix is not symmetric")
  | BadWeight -> ("weights", "a weight is not a finite binary32 number")
  | BadCode -> ("codes", "a code is none of the grid")
  | BadScale -> ("scale", "a scale is zero or no finite binary32 number")
  | BadZero -> ("zero-points", "a zero point is not in the range of the grid")
  | BadEnclosure -> ("ends", "an end of an enclosure is not a finite binary64 number")
  | NotRtn -> ("rtn", "the row claims to be round-to-nearest and is not")
  | GuardBroken -> ("guard", "the codes lose more than round-to-nearest")
  | FinalOutside -> ("enclosure", "the exact loss of the codes is outside its enclosure")
  | RtnOutside -> ("rtn-enclosure", "the exact loss of round-to-nearest is outside its enclosure")

let rejected path where fault =
  let name, sentence = describe fault in
  error 790 7 (Printf.sprintf "rejected by check '%s': %s" name sentence)
    (Printf.sprintf "%s: %s" path where)
    "do not use this tensor; quantize it again"

let judge path =
  match Bundle.read path with
  | exception Bundle.Refused e -> error 399 3 e.what (path ^ ": " ^ e.where) e.hint
  | exception Sys_error reason -> error 990 9 "cannot read the bundle" reason "check the path and its permissions"
  | exception End_of_file -> error 990 9 "cannot read the bundle" (path ^ ": it became shorter") "read it again"
  | rows, columns, bundle -> (
      match Checker.first_failure bundle with
      | None -> Printf.printf "%s: accepted: %d rows, %d columns\n%!" path rows columns
      | Some (InTensor fault) -> rejected path "tensor" fault
      | Some (InRow (i, fault)) -> rejected path ("row " ^ Z.to_string i) fault)

let () =
  match Array.to_list Sys.argv with
  | _ :: (_ :: _ as paths) when not (List.exists (fun p -> String.length p > 1 && p.[0] = '-') paths) -> (
      try List.iter judge paths
      with Out_of_memory | Stack_overflow ->
        error 1090 10 "out of memory" "the bundle is larger than this machine can judge" "raise the limits")
  | _ -> error 290 2 "wrong usage" "hallmark-check takes paths of bundles and nothing else" "hallmark-check BUNDLE..."
