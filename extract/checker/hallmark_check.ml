(* hallmark-check --weights W [--calibration C] --quantized Q [--certificate P] [--rows N] [--tensor NAME]
   Judges a quantized file and its certificate from the files alone (docs/checker.md), by functions that coq/Check proves sound
   (T13). The first thing that is wrong ends the run. *)

type flags = { weights : string; calibration : string option; quantized : string; certificate : string option; rows : int; tensor : string option }

let usage what where =
  Refusal.refuse 290 2 what where "hallmark-check --weights W --calibration C --quantized Q [--certificate P] [--rows N] [--tensor NAME]"

let flags_of arguments =
  let seen = Hashtbl.create 8 in
  let rec read = function
    | name :: value :: rest when List.mem name [ "--weights"; "--calibration"; "--quantized"; "--certificate"; "--rows"; "--tensor" ] ->
        if Hashtbl.mem seen name then usage "a flag stands twice" name;
        Hashtbl.add seen name value;
        read rest
    | [] -> ()
    | name :: _ -> usage "wrong usage" (Printf.sprintf "'%s' is no flag, or has no value" (Safetensors.printable name))
  in
  read arguments;
  let needed name = match Hashtbl.find_opt seen name with Some v -> v | None -> usage "wrong usage" (name ^ " is missing") in
  let rows =
    match Hashtbl.find_opt seen "--rows" with
    | None | Some "all" -> max_int
    | Some n -> (
        match Json.count (Json.Number n) with
        | Some count when count > 0 -> count
        | _ -> usage "not a number of rows" (Printf.sprintf "--rows %s" (Safetensors.printable n)))
  in
  { weights = needed "--weights"; calibration = Hashtbl.find_opt seen "--calibration"; quantized = needed "--quantized";
    certificate = Hashtbl.find_opt seen "--certificate"; rows; tensor = Hashtbl.find_opt seen "--tensor" }

(* The tensors that pass through have the bytes that they have in W. *)
let check_passing (weights : Safetensors.t) (container : Container.t) =
  let refuse name = Refusal.rejected "tensor" "a tensor is not that of the weights" (Printf.sprintf "tensor '%s'" (Safetensors.printable name)) in
  if List.length weights.tensors <> List.length container.originals then
    Refusal.rejected "tensors" "the weights have other tensors" (Printf.sprintf "%s: %d, %d were quantized" weights.path
      (List.length weights.tensors) (List.length container.originals));
  let quantized = Hashtbl.create 64 in
  List.iter (fun (m : Container.matrix) -> Hashtbl.replace quantized m.tensor ()) container.matrices;
  List.iter (fun (o : Container.original) ->
      match Safetensors.find weights o.name with
      | Some t when t.dtype = o.dtype && t.shape = o.shape -> (
          if not (Hashtbl.mem quantized o.name) then
            match Safetensors.find container.file o.name with
            | Some kept when Mapped.equal kept.data t.data -> ()
            | _ -> refuse o.name)
      | _ -> refuse o.name)
    container.originals

(* What a line of the output says of the files, so that others can tell whether they speak of the same. *)
let digests (files : Pair.t) =
  Printf.sprintf "files: weights %s, calibration %s, quantized %s, certificate %s" files.weights.sha256
    (match files.calibration with Some file -> file.sha256 | None -> "none")
    files.container.file.sha256 files.certificate.sha256

(* How many matrices were judged, and of how many of them nothing was said of the scales. *)
let judge flags ({ weights; calibration; container; certificate } : Pair.t) =
  let differs what = Refusal.rejected "files" "the files are not those of the certificate" what in
  if certificate.weights_sha256 <> container.weights_sha256 || certificate.calibration_sha256 <> container.calibration_sha256 then
    differs "certificate and container name other weights or another calibration file";
  if certificate.tool <> Container.entry container.file "hallmark.tool" then differs "certificate and container name other tools";
  if weights.sha256 <> certificate.weights_sha256 then differs (flags.weights ^ ": another digest");
  (match calibration with
   | Some file -> if file.sha256 <> certificate.calibration_sha256 then differs (file.path ^ ": another digest")
   | None -> if certificate.calibration_sha256 <> "" then differs "the codes were made with a calibration file: --calibration");
  check_passing weights container;
  let names = List.map (fun (m : Container.matrix) -> m.name) container.matrices in
  if List.map (fun (t : Certificate.tensor) -> t.name) certificate.tensors <> names then
    differs (certificate.path ^ ": it speaks of other tensors, or in another order");
  (match flags.tensor with
   | Some name when not (List.mem name names) -> usage "no such tensor" (Printf.sprintf "--tensor %s" (Safetensors.printable name))
   | _ -> ());
  let files = { Matrix.weights; calibration } in
  let judged = ref 0 and unknown = ref 0 in
  List.iter2 (fun (m : Container.matrix) claim ->
      if flags.tensor = None || flags.tensor = Some m.name then begin
        let said, unknown_scales = Matrix.judge files container claim ~rows:flags.rows m in
        incr judged;
        if unknown_scales then incr unknown;
        Printf.printf "%s: accepted: %s\n%!" (Safetensors.printable m.name) said;
        Gc.compact ()
      end)
    container.matrices certificate.tensors;
  (!judged, !unknown)

let run flags =
  let files =
    Pair.open_files ~weights:flags.weights ~calibration:flags.calibration ~quantized:flags.quantized ~certificate:flags.certificate ()
  in
  Printf.printf "%s\n%!" (digests files);
  let judged, unknown = Pair.judged files (judge flags) in
  if files.certificate.not_judged <> [] then
    Printf.printf "not judged, of the certificate: %s\n" (Safetensors.printable (String.concat ", " files.certificate.not_judged));
  Printf.printf "%s: accepted: %d of %d matrices\n%!" (Safetensors.printable flags.quantized) judged
    (List.length files.container.matrices);
  if unknown > 0 then exit 8

let () =
  Gc.set { (Gc.get ()) with space_overhead = 40; minor_heap_size = 1 lsl 20 };
  let error number code what where hint =
    Printf.eprintf "error[E%04d]: %s\n  %s\n  try: %s\n" number what where hint;
    exit code
  in
  try
    if Sys.big_endian || Sys.int_size < 63 then usage "this machine is not supported" "words of 64 bits, little-endian, are needed";
    run (flags_of (List.tl (Array.to_list Sys.argv)))
  with
  | Refusal.Refused { number; exit_code; what; where; hint } -> error number exit_code what where hint
  | Out_of_memory | Stack_overflow ->
      error 1090 10 "out of memory" "a matrix is larger than this machine can judge" "ulimit -s unlimited, more memory, or --tensor NAME"
  | Sys_error reason -> error 990 9 "input or output failed" reason "check the output and its space"
