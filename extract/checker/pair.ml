(* The files that are judged, beside others that write them (docs/file-format.md, section 4): container and certificate are of one
   writer, and what is judged is what stood there from the first byte that was read to the last. *)

type t = { weights : Safetensors.t; calibration : Safetensors.t option; container : Container.t; certificate : Certificate.t }

let ending = ".certificate.json"

let without path suffixes =
  match List.find_opt (Filename.check_suffix path) suffixes with Some suffix -> Filename.chop_suffix path suffix | None -> path

(* Q.safetensors or Q.safetensors.index.json -> Q.certificate.json; any other name gets the ending appended. *)
let certificate_path quantized = without quantized [ ".safetensors"; ".safetensors.index.json" ] ^ ending

let digits text = String.for_all (fun c -> c >= '0' && c <= '9') text

(* NAME, or NAME-r2, of a shard NAME-r2-00001-of-00003.safetensors; none where it is not called like that. *)
let set_of_shard name shard =
  let tail = String.length "-00001-of-00001.safetensors" and length = String.length shard in
  if length < String.length name + tail || not (String.starts_with ~prefix:name shard) then None
  else
    let set = String.sub shard 0 (length - tail) in
    let run = String.sub set (String.length name) (String.length set - String.length name) in
    let count at = digits (String.sub shard (length - tail + at) 5) in
    let like_ours = count 1 && count 10 && shard.[length - tail] = '-' && String.sub shard (length - tail + 6) 4 = "-of-" in
    let generation = String.length run > 2 && String.sub run 0 2 = "-r" && digits (String.sub run 2 (String.length run - 2)) in
    if like_ours && Filename.check_suffix shard ".safetensors" && (run = "" || generation) then Some set else None

(* The digest of all that the container holds; of one without it that of the tensors. *)
let content (container : Container.t) =
  match List.assoc_opt "hallmark.metadata.sha256" container.file.metadata with
  | Some digest when Container.is_digest digest -> digest
  | _ -> Container.entry container.file "hallmark.payload.sha256"

(* The certificate that belongs to the container: of shards the one that is called as they are; of one file the one that waits for its
   name, under the digest of this very content, where a writer stands in its commit or was killed there. *)
let beside (container : Container.t) =
  let path = container.file.path in
  if Filename.check_suffix path ".safetensors.index.json" && Filename.basename path <> ".safetensors.index.json" then
    let stem = Filename.chop_suffix path ".safetensors.index.json" in
    match List.find_map (set_of_shard (Filename.basename stem)) container.file.shards with
    | Some set -> Filename.concat (Filename.dirname path) set ^ ending
    | None -> stem ^ ending
  else
    let certificate = certificate_path path in
    let place = try Unix.realpath certificate with Unix.Unix_error _ -> certificate in
    let waiting = place ^ "." ^ content container in
    if Sys.file_exists waiting then waiting else certificate

(* A writer renames the container before its certificate gets the name that the old one had: whoever sees one container before and
   after has its certificate. Another name than the one beside the container is that of a copy, which nobody renames. [opening] is told
   each file before it is opened: there a test lets a writer work. *)
let open_pair ?(opening = ignore) ~quantized ~certificate () =
  let named = match certificate with Some path when path <> certificate_path quantized -> Some path | _ -> None in
  let name_for container = match named with Some path -> path | None -> beside container in
  let container, _, certificate =
    Mapped.unreplaced (quantized :: Option.to_list named)
      ~stands:(fun (container, name, _) -> name_for container = name)
      (fun () ->
        opening quantized;
        let container = Container.open_file quantized in
        let name = name_for container in
        opening name;
        (container, name, try Ok (Certificate.open_file name) with Refusal.Refused _ as fault -> Error fault))
  in
  match certificate with Ok certificate -> (container, certificate) | Error fault -> raise fault

(* Refuses where one of the files was written to since it was opened. A clock that ticks in milliseconds does not tell of every write,
   nor does it of one into a map; the digests do. *)
let check_unchanged files =
  Mapped.check_unchanged ();
  let same path before now = if before <> now then Mapped.changed (Printf.sprintf "%s: SHA-256 %s when opened, %s now" path before now) in
  let same_file (file : Safetensors.t) = same file.path file.sha256 (Safetensors.digest file) in
  same_file files.weights;
  Option.iter same_file files.calibration;
  same_file files.container.file;
  same files.certificate.path files.certificate.sha256 (Sha256.of_bytes files.certificate.bytes)

(* What [work] finds; but where files were written to meanwhile, as [check] tells, that is said, and nothing of what they hold. *)
let unless_changed check work =
  match work () with
  | found -> check (); found
  | exception (Refusal.Refused { exit_code = 3 | 7; _ } as refusal) -> check (); raise refusal

let open_files ?(opening = ignore) ~weights ~calibration ~quantized ~certificate () =
  let source path = opening path; Safetensors.open_file path in
  unless_changed Mapped.check_unchanged (fun () ->
      let container, certificate = open_pair ~opening ~quantized ~certificate () in
      let weights = source weights in
      { weights; calibration = Option.map source calibration; container; certificate })

let judged files judge = unless_changed (fun () -> check_unchanged files) (fun () -> judge files)
