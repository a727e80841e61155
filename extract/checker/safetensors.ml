(* safetensors files and indices of shards, read by the rules of docs/file-format.md, section 1, with its numbers. *)

type tensor = { name : string; dtype : string; shape : int list; data : Mapped.t }

type t = {
  path : string;
  files : Mapped.t list;  (* an index first, then its shards by name *)
  shards : string list;  (* their names; none without an index *)
  tensors : tensor list;  (* in the order of the data *)
  by_name : (string, tensor) Hashtbl.t;
  metadata : (string * string) list;
  sha256 : string;  (* [digest], before anything else was read from the bytes *)
}

let dtype_bits =
  [ ("BOOL", 8); ("F4", 4); ("F6_E2M3", 6); ("F6_E3M2", 6); ("U8", 8); ("I8", 8); ("F8_E5M2", 8); ("F8_E4M3", 8); ("F8_E8M0", 8);
    ("F8_E4M3FNUZ", 8); ("F8_E5M2FNUZ", 8); ("I16", 16); ("U16", 16); ("F16", 16); ("BF16", 16); ("I32", 32); ("U32", 32);
    ("F32", 32); ("C64", 64); ("F64", 64); ("I64", 64); ("U64", 64) ]

let largest_header = 100_000_000
let largest_size = 1 lsl 48
let most_tensors = 1_000_000
let most_dimensions = 64

let shape_text shape = "[" ^ String.concat ", " (List.map string_of_int shape) ^ "]"

(* Control characters and what is no UTF-8 appear as \xHH in messages. *)
let printable text =
  let whole = Json.is_utf8 text in
  let out = Buffer.create 32 in
  String.iter (fun c ->
      let code = Char.code c in
      if code < 0x20 || code = 0x7F || (code >= 0x80 && not whole) then Printf.bprintf out "\\x%02X" code
      else Buffer.add_char out c)
    (if String.length text > 200 then String.sub text 0 200 else text);
  Buffer.contents out

let table tensors =
  let by_name = Hashtbl.create 64 in
  List.iter (fun t -> Hashtbl.replace by_name t.name t) tensors;
  by_name

(* A name, a dtype, a shape and a range of the data, from the header's JSON. *)
let entry path name value =
  let fail number what where = Refusal.malformed number what (path ^ ": " ^ where) in
  let bytes = String.length name in
  if bytes = 0 || bytes > 4096 || String.exists (fun c -> c < ' ' || c = '\x7F') name then
    fail 332 "a tensor's name is empty, too long, or has control characters" (printable name);
  let where = Printf.sprintf "tensor '%s'" (printable name) in
  let size what item =
    match (Json.count item, item) with
    | Some n, _ when n < largest_size -> n
    | Some _, _ -> fail 335 "a dimension or offset is 2^48 or more" where
    | None, Json.Number digits when String.length digits >= 19 && String.for_all (fun c -> c >= '0' && c <= '9') digits ->
        fail 335 "a dimension or offset is 2^48 or more" where
    | None, (Json.Object _ | Json.Array _) -> fail 308 "objects and arrays where none belong" where
    | None, _ -> fail 311 (what ^ " that is no unsigned integer") where
  in
  match value with
  | Json.Object fields ->
      let field key = try List.assoc key fields with Not_found -> fail 310 ("no field '" ^ key ^ "'") where in
      let dtype = match field "dtype" with
        | Json.String d when List.mem_assoc d dtype_bits -> d
        | Json.String _ -> fail 312 "an unknown dtype" where
        | Json.Object _ | Json.Array _ -> fail 308 "objects and arrays where none belong" where
        | _ -> fail 310 "the dtype is no string" where
      in
      let shape = match field "shape" with
        | Json.Array list -> List.map (size "a dimension") list
        | _ -> fail 310 "the shape is no array" where
      in
      let first, last = match field "data_offsets" with
        | Json.Array [ a; b ] -> (size "an offset" a, size "an offset" b)
        | _ -> fail 310 "data_offsets are not two numbers" where
      in
      if List.length fields <> 3 then fail 310 "a field that is none of dtype, shape, data_offsets" where;
      if List.length shape > most_dimensions then fail 334 "more than 64 dimensions" where;
      (name, dtype, shape, first, last)
  | Json.Array _ -> fail 308 "objects and arrays where none belong" where
  | _ -> fail 310 "a tensor that is no object" where

(* The bytes that dtype and shape take. *)
let size_of path name dtype shape =
  let fail number what where = Refusal.malformed number what (path ^ ": " ^ where) in
  let where = Printf.sprintf "tensor '%s': %s of shape %s" (printable name) dtype (shape_text shape) in
  let limit = Z.shift_left Z.one 64 in
  let checked z = if Z.geq z limit then fail 317 "the size of a tensor does not fit 64 bits" where else z in
  let elements = List.fold_left (fun n d -> checked (Z.mul n (Z.of_int d))) Z.one shape in
  let bits = checked (Z.mul elements (Z.of_int (List.assoc dtype dtype_bits))) in
  if not (Z.equal (Z.rem bits (Z.of_int 8)) Z.zero) then fail 318 "a tensor does not fill whole bytes" where;
  Z.div bits (Z.of_int 8)

let parse path (bytes : Mapped.t) =
  let fail number what where = Refusal.malformed number what (path ^ ": " ^ where) in
  let total = Mapped.size bytes in
  let said = Printf.sprintf "the file has %d bytes" total in
  if total < 8 then fail 301 "the file is too short for a header" said;
  let length = Mapped.word64 bytes 0 in
  if Int64.compare length 0L < 0 || Int64.compare length (Int64.of_int largest_header) > 0 then
    fail 302 "the header is too long" (Printf.sprintf "%Lu bytes" length);
  let length = Int64.to_int length in
  if 8 + length > total then fail 303 "the file is truncated inside the header" said;
  let text = Mapped.text bytes 8 length in
  if not (Json.is_utf8 text) then fail 304 "the header is not UTF-8" said;
  if length = 0 || text.[0] <> '{' then fail 305 "the header does not begin with '{'" said;
  let last = match String.rindex_opt text '}' with Some i -> i | None -> fail 307 "the header is not JSON" "no '}'" in
  if String.contains (String.sub text 0 last) '\000' then fail 306 "a zero byte in the header" said;
  for i = last + 1 to length - 1 do if text.[i] <> ' ' then fail 306 "something else than spaces after the header" said done;
  let members =
    match Json.parse (String.sub text 0 (last + 1)) with
    | exception Json.Bad (Json.Nested as fault) -> fail 308 "objects and arrays where none belong" (Json.describe fault)
    | exception Json.Bad (Json.Twice _ as fault) -> fail 309 "a key stands twice" (printable (Json.describe fault))
    | exception Json.Bad fault -> fail 307 "the header is not JSON" (Json.describe fault)
    | Json.Object members -> members
    | _ -> fail 307 "the header is not JSON" "no object"
  in
  let strings = function
    | Json.Object list ->
        List.map (function (key, Json.String s) -> (key, s) | key, _ -> fail 313 "metadata that are no strings" (printable key)) list
    | _ -> fail 313 "__metadata__ is no object" said
  in
  let metadata = match List.assoc_opt "__metadata__" members with Some m -> strings m | None -> [] in
  let entries = List.filter (fun (key, _) -> key <> "__metadata__") members in
  if List.length entries > most_tensors then fail 333 "more than 1,000,000 tensors" said;
  let entries = List.map (fun (name, value) -> entry path name value) entries in
  let sorted = List.stable_sort (fun (_, _, _, a, b) (_, _, _, c, d) -> compare (a, b) (c, d)) entries in
  let data = 8 + length in
  let rec place at = function
    | [] -> []
    | (name, dtype, shape, first, last) :: rest ->
        let where = Printf.sprintf "tensor '%s': [%d, %d]" (printable name) first last in
        if first > last then fail 314 "a range ends before it begins" where;
        if first > at then fail 315 "a hole between tensors" where;
        if first < at then fail 316 "tensors overlap" where;
        if not (Z.equal (size_of path name dtype shape) (Z.of_int (last - first))) then
          fail 319 "a range is not what dtype and shape take" where;
        if data + last > total then fail 330 "the file is truncated" where;
        let tensor = { name; dtype; shape; data = Mapped.sub bytes (data + first) (last - first) } in
        tensor :: (if rest = [] && data + last < total then fail 331 "bytes after the last tensor" said else place last rest)
  in
  if sorted = [] && total > data then fail 331 "bytes after the last tensor" said;
  (place 0 sorted, metadata)

let open_single path =
  let bytes = Mapped.open_file path in
  let sha256 = Sha256.of_bytes bytes in
  let tensors, metadata = parse path bytes in
  { path; files = [ bytes ]; shards = []; tensors; by_name = table tensors; metadata; sha256 }

(* SHA-256 of a file; of an index, that of its bytes and the digests of the shards. *)
let digest_of first shards =
  let whole = Sha256.create () in
  Sha256.add whole first;
  List.iter (Sha256.add_string whole) shards;
  Sha256.hex whole

(* The same of the bytes as they are now. *)
let digest file = digest_of (List.hd file.files) (List.map Sha256.of_bytes (List.tl file.files))

(* A model in shards. *)
let open_index path =
  let fail number what where = Refusal.malformed number what (path ^ ": " ^ printable where) in
  let bytes = Mapped.open_file path in
  if Mapped.size bytes > largest_header then fail 340 "the index is too long" "more than 100,000,000 bytes";
  let text = Mapped.text bytes 0 (Mapped.size bytes) in
  let map =
    match if Json.is_utf8 text then Json.parse text else raise (Json.Bad (Json.Syntax "not UTF-8")) with
    | exception Json.Bad (Json.Twice key) -> fail 341 "the index names something twice" key
    | exception Json.Bad fault -> fail 340 "the index is not JSON" (Json.describe fault)
    | Json.Object members -> (
        match List.assoc_opt "weight_map" members with
        | Some (Json.Object list) ->
            List.map (function (n, Json.String f) -> (n, f) | n, _ -> fail 340 "the index maps to something else than a file" n) list
        | _ -> fail 340 "the index has no weight_map" "no object of that name")
    | _ -> fail 340 "the index is not JSON" "no object"
  in
  let contains text part =
    let n = String.length part in
    let rec at i = i + n <= String.length text && (String.sub text i n = part || at (i + 1)) in
    at 0
  in
  let shards = List.sort_uniq compare (List.map snd map) in
  List.iter (fun f ->
      if f = "" || String.contains f '/' || String.contains f '\\' || contains f ".." || String.contains f '\000' then
        fail 342 "a shard outside of the index's folder" f)
    shards;
  let opened = List.map (fun f -> (f, open_single (Filename.concat (Filename.dirname path) f))) shards in
  List.iter (fun (name, f) ->
      if not (Hashtbl.mem (List.assoc f opened).by_name name) then fail 344 "a tensor is not in its shard" (name ^ " in " ^ f))
    map;
  let home = Hashtbl.create 64 in
  List.iter (fun (name, f) -> Hashtbl.replace home name f) map;
  List.iter (fun (f, shard) ->
      List.iter (fun t -> if Hashtbl.find_opt home t.name <> Some f then fail 345 "a shard has a tensor that is not its own" t.name)
        shard.tensors)
    opened;
  let tensors = List.concat_map (fun (_, shard) -> shard.tensors) opened in
  let agreed key value = List.for_all (fun (_, s) -> match List.assoc_opt key s.metadata with Some v -> v = value | None -> true) opened in
  let metadata =
    List.sort_uniq compare (List.concat_map (fun (_, s) -> List.filter (fun (k, v) -> agreed k v) s.metadata) opened)
  in
  { path; files = bytes :: List.concat_map (fun (_, s) -> s.files) opened; shards; tensors; by_name = table tensors; metadata;
    sha256 = digest_of bytes (List.map (fun (_, shard) -> shard.sha256) opened) }

(* Shards of an index that was replaced meanwhile may be gone, or be those of a third. *)
let open_file path = if Filename.check_suffix path ".json" then Mapped.unreplaced [ path ] (fun () -> open_index path) else open_single path

let find file name = Hashtbl.find_opt file.by_name name
