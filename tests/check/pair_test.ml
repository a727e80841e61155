(* pair_test HALLMARK-CHECK: container and certificate beside somebody who writes them. The verdict is about one pair, or about none. *)

open Running
module F = Made_files

let check name good = incr runs; if not good then (incr failures; Printf.printf "FAILED %s\n" name)
let refusal work = match work () with exception Refusal.Refused { number; _ } -> number | _ -> 0

let gf16 = Make_bundle.gf16
let files seed = F.make ~grid_id:"gf16/1" ~code_dtype:"U16" (Make_bundle.make ~positive:true gf16 ~rows:3 ~columns:5 ~seed)

(* The same with a digest of all its content, as schema 2 and later have. *)
let key = "hallmark.metadata.sha256"
let with_content digit made = { made with F.container_text = (fun entries -> entries @ [ (key, String.make 64 digit) ]) }

(* What a writer leaves, as texts: container, certificate, and the name under which the certificate waits. *)
type written = { container : string; certificate : string; waiting : string }

let content text =
  let key = Printf.sprintf "\"%s\":\"" (if contains text key then key else "hallmark.payload.sha256") in
  let rec at i = if String.sub text i (String.length key) = key then String.sub text (i + String.length key) 64 else at (i + 1) in
  at 0

let written made =
  F.write_all folder made;
  let container = slurp paths.quantized in
  { container; certificate = slurp paths.certificate; waiting = paths.certificate ^ "." ^ content container }

let place path text = F.write (path ^ ".new") text; Sys.rename (path ^ ".new") path

(* Whether the certificate speaks of the codes and options that the container has. *)
let agree ((container : Container.t), (certificate : Certificate.t)) =
  List.for_all2 (fun (m : Container.matrix) (t : Certificate.tensor) ->
      m.options.json = t.options && List.assoc_opt "codes" t.digests = Hashtbl.find_opt container.digests (t.name ^ ".codes"))
    container.matrices certificate.tensors

(* The three steps of a commit stand anywhere between the moments at which the reader opens a file. *)
let commits first second =
  let old = written first in
  let fresh = written second in
  let steps =
    [| (fun () -> F.write fresh.waiting fresh.certificate); (fun () -> place paths.quantized fresh.container);
       (fun () -> Sys.rename fresh.waiting paths.certificate) |]
  in
  let of_old = ref 0 and of_fresh = ref 0 and again = ref 0 in
  let read certificate schedule =
    if Sys.file_exists fresh.waiting then Sys.remove fresh.waiting;
    place paths.quantized old.container;
    place paths.certificate old.certificate;
    let opened = ref 0 and done_ = ref 0 in
    let opening _ =
      while !done_ < (if !opened < 4 then List.nth schedule !opened else 3) do steps.(!done_) (); incr done_ done;
      incr opened
    in
    let name = Printf.sprintf "commits %s" (String.concat " " (List.map string_of_int schedule)) in
    match Pair.open_pair ~opening ~quantized:paths.quantized ~certificate () with
    | exception Refusal.Refused { what; where; _ } -> check (Printf.sprintf "%s: %s: %s" name what where) false
    | (container, _) as pair ->
        check name (agree pair);
        if !opened > 2 then incr again;
        incr (if container.file.sha256 = Sha256.of_string old.container then of_old else of_fresh)
  in
  let rec schedules from length =
    if length = 0 then [ [] ]
    else List.concat_map (fun step -> if step < from then [] else List.map (List.cons step) (schedules step (length - 1))) [ 0; 1; 2; 3 ]
  in
  List.iter (fun certificate -> List.iter (read certificate) (schedules 0 4)) [ None; Some paths.certificate ];
  check "commits: old pairs, new pairs, and pairs that were opened again" (!of_old > 0 && !of_fresh > 0 && !again > 0);
  (* Somebody who replaces the container whenever it is opened. *)
  let turn = ref 0 in
  let restless path = if path <> paths.quantized then (incr turn; place paths.quantized (if !turn mod 2 = 0 then old else fresh).container) in
  check "a writer without end" (refusal (fun () -> Pair.open_pair ~opening:restless ~quantized:paths.quantized ~certificate:None ()) = 902);
  let descriptors () = Array.length (Sys.readdir "/proc/self/fd") in
  let before = descriptors () in
  ignore (refusal (fun () -> Pair.open_pair ~opening:restless ~quantized:paths.quantized ~certificate:None ()));
  check "what was read again is closed" (descriptors () = before)

(* The program finds the certificate that waits, names the files that it judged, and needs no name for the one beside. *)
let waiting () =
  let old = written (files 1) in
  let fresh = written (with_content 'b' (files 2)) in  (* with its weights and calibration *)
  let named = Printf.sprintf "--weights %s --calibration %s --quantized %s" paths.weights paths.calibration_file paths.quantized in
  F.write fresh.waiting fresh.certificate;
  place paths.certificate old.certificate;
  let digests = Printf.sprintf "quantized %s, certificate %s\n" (Sha256.of_string fresh.container) (Sha256.of_string fresh.certificate) in
  run "a certificate that waits" 0 [ "files: weights "; digests; "1 of 1 matrices" ] named;
  run "a certificate that waits, by its later name" 0 [ digests ] (named ^ " --certificate " ^ paths.certificate);
  let copy = Filename.concat folder "copy.json" in
  F.write copy old.certificate;
  run "another certificate" 7 [ "E0790"; "'files'"; "certificate " ^ Sha256.of_string old.certificate ] (named ^ " --certificate " ^ copy);
  Sys.remove fresh.waiting;
  run "no certificate waits" 7 [ "E0790" ] named;
  place paths.certificate fresh.certificate;
  run "the certificate beside" 0 [ digests ] named;
  (* Behind a link the certificate waits in the folder to which it leads. *)
  let elsewhere = Filename.concat folder "elsewhere" in
  Sys.mkdir elsewhere 0o700;
  let target = Filename.concat elsewhere "p.json" in
  F.write target old.certificate;
  F.write (target ^ "." ^ content fresh.container) fresh.certificate;
  Sys.remove paths.certificate;
  Unix.symlink target paths.certificate;
  run "a certificate that waits behind a link" 0 [ digests ] named;
  Sys.remove paths.certificate

(* The certificate of shards is called as they are. *)
let shards () =
  List.iter (fun (shard, set) -> check ("shard " ^ shard) (Pair.set_of_shard "q" shard = set))
    [ ("q-00001-of-00002.safetensors", Some "q"); ("q-r2-00001-of-00002.safetensors", Some "q-r2");
      ("q-r12-00012-of-12345.safetensors", Some "q-r12"); ("q-r-00001-of-00002.safetensors", None);
      ("q-x-00001-of-00002.safetensors", None); ("p-00001-of-00002.safetensors", None); ("q-1.safetensors", None);
      ("q-0000a-of-00002.safetensors", None); ("q-00001-af-00002.safetensors", None); ("q-00001-of-00002.safetensorz", None);
      ("q+00001-of-00002.safetensors", None); ("q-r2x-00001-of-00002.safetensors", None); ("q", None) ];
  F.write_all folder { (files 1) with cut = true };
  let rec everywhere find by text = if contains text find then everywhere find by (map_text find by text) else text in
  let index = ref (slurp paths.quantized_index) in
  List.iter (fun (name, ours) ->
      Sys.rename (Filename.concat folder name) (Filename.concat folder ours);
      index := everywhere name ours !index)
    [ ("q-1.safetensors", "q-r2-00001-of-00002.safetensors"); ("q-2.safetensors", "q-r2-00002-of-00002.safetensors") ];
  F.write paths.quantized_index !index;
  let right = slurp paths.certificate in
  F.write (Filename.concat folder "q-r2.certificate.json") right;
  F.write paths.certificate "that of the shards which were replaced\n";
  let named = Printf.sprintf "--weights %s --calibration %s --quantized %s" paths.weights paths.calibration_file paths.quantized_index in
  let digest = "certificate " ^ Sha256.of_string right in
  run "the certificate of shards" 0 [ digest ] named;
  run "the certificate of shards, by its first name" 0 [ digest ] (named ^ " --certificate " ^ paths.certificate)

(* A file that is written to in place is seen by its time; where that stays, by its digest. A file that is replaced stays what it was. *)
let in_place () =
  F.write_all folder (files 1);
  let all = [ paths.weights; paths.calibration_file; paths.quantized; paths.certificate ] in
  let past path = Unix.utimes path 1e9 1e9 in
  List.iter past all;
  let open_files ?opening () =
    Mapped.close_until [];
    Pair.open_files ?opening ~weights:paths.weights ~calibration:(Some paths.calibration_file) ~quantized:paths.quantized
      ~certificate:None ()
  in
  let flip path =
    let file = Unix.openfile path [ Unix.O_RDWR ] 0 in
    let last = (Unix.fstat file).st_size - 2 and byte = Bytes.create 1 in
    ignore (Unix.lseek file last Unix.SEEK_SET); ignore (Unix.read file byte 0 1);
    Bytes.set byte 0 (Char.chr (Char.code (Bytes.get byte 0) lxor 1));
    ignore (Unix.lseek file last Unix.SEEK_SET); ignore (Unix.write file byte 0 1);
    Unix.close file
  in
  let lengthen path =
    let file = Unix.openfile path [ Unix.O_WRONLY; Unix.O_APPEND ] 0 in
    ignore (Unix.write_substring file "x" 0 1);
    Unix.close file
  in
  check "nobody writes" (Pair.judged (open_files ()) (fun _ -> "verdict") = "verdict");
  let broken () = Refusal.rejected "test" "a promise is broken" "" in
  check "nobody writes: a refusal" (refusal (fun () -> Pair.judged (open_files ()) (fun _ -> broken ())) = 790);
  check "nobody writes: another error stays"
    (refusal (fun () -> Pair.judged (open_files ()) (fun _ -> flip paths.weights; Refusal.refuse 290 2 "usage" "" "")) = 290);
  flip paths.weights; past paths.weights;
  List.iter (fun path ->
      let text = slurp path and file = Filename.basename path in
      let restore () = F.write path text; past path in
      let seen name change =
        List.iter (fun (then_, finish) ->
            check (Printf.sprintf "%s %s, then %s" file name then_)
              (refusal (fun () -> Pair.judged (open_files ()) (fun _ -> change path; finish ())) = 902);
            restore ())
          [ ("a verdict", Fun.id); ("a refusal", broken) ]
      in
      seen "written to" flip;
      seen "written to without a trace of time" (fun path -> flip path; past path);
      seen "touched" (fun path -> Unix.utimes path 2e9 2e9);
      seen "made longer" (fun path -> lengthen path; past path);
      let files = open_files () in
      check (file ^ " replaced") (Pair.judged files (fun _ -> place path "another"; "verdict") = "verdict");
      restore ())
    all;
  (* What is refused while it is opened may be half written, or half read. *)
  F.write paths.calibration_file "torn";
  check "no calibration" (refusal (fun () -> open_files ()) = 301);
  let opening path = if path = paths.calibration_file then Unix.utimes paths.weights 2e9 2e9 in
  check "no calibration, and weights that are written to" (refusal (fun () -> open_files ~opening ()) = 902)

let () =
  commits (files 1) (files 2);
  commits (with_content 'a' (files 1)) (with_content 'b' { (files 1) with damping = "0.02" });
  waiting ();
  shards ();
  in_place ();
  ignore (Sys.command ("rm -rf " ^ Filename.quote folder));
  Printf.printf "pair_test: %d checks, %d failures\n" !runs !failures;
  if !runs < 130 || !failures > 0 then exit 1
