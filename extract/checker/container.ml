(* The quantized container (docs/file-format.md, section 2), schemas 2 to 4: what it says, and that its tensors are those. *)

type options = {
  json : Json.t;  (* as written: the certificate's have to be the same *)
  grid : Grids.t;
  meth : string;
  scale_rule : string;
  scale_storage : string;
  group_size : int;
  damp_fraction : float;
  guard : bool;
  rotation_seed : int option;  (* none: no row is rotated *)
}

type matrix = {
  name : string;
  tensor : string;  (* of W *)
  index : int option;  (* in a stack *)
  transposed : bool;
  rows : int;
  columns : int;
  options : options;
}

type original = { name : string; dtype : string; shape : int list }

type t = {
  file : Safetensors.t;
  weights_sha256 : string;
  calibration_sha256 : string;
  originals : original list;
  matrices : matrix list;
  packed : bool;  (* schema 4: codes and zero points of fewer than 8 bits, and marks of rotated rows *)
  digests : (string, string) Hashtbl.t;  (* SHA-256 of each tensor, by name *)
}

let groups m = if m.options.group_size = 0 then 1 else (m.columns + m.options.group_size - 1) / m.options.group_size

let packs (m : matrix) = m.options.grid.bits < 8

let is_digest text = String.length text = 64 && String.for_all (fun c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) text

let storage_dtype = function "f32" -> Some "F32" | "f16" -> Some "F16" | "bf16" -> Some "BF16" | _ -> None

(* Whether codes of the grid have a meaning in rotated rows (docs/design.md, section 1), whose round-to-nearest has a rule's steps. *)
let takes_rotation (grid : Grids.t) group_size meth scale_rule =
  (match grid.judged with Golden _ -> false | Integer _ | Table _ -> not grid.zero_points)
  && group_size mod 16 = 0 && meth <> "rtn" && scale_rule <> "given"

(* Options as containers and certificates write them; none if a key is missing, unknown or of another kind. *)
let options_of json =
  let known =
    [ "grid"; "method"; "scale_rule"; "scale_storage"; "group_size"; "damp_fraction"; "desc_act"; "block_size"; "guard"; "points";
      (* written only where they are not the default; they say how a run searched *)
      "ratios"; "sweeps"; "effort"; "rate"; "beam"; "prune"; "prune_by"; "rotation"; "rotation_seed" ]
  in
  match json with
  | Json.Object fields when List.for_all (fun (key, _) -> List.mem key known) fields ->
      let text key = match List.assoc_opt key fields with Some (Json.String s) -> Some s | _ -> None in
      let real = function Json.Number n -> float_of_string_opt n | _ -> None in
      let points =
        match List.assoc_opt "points" fields with
        | Some (Json.Array list) -> Some (List.map (fun p -> Option.value (real p) ~default:nan) list)
        | Some _ -> Some [ nan ]
        | None -> None
      in
      let ( let* ) = Option.bind in
      let flag key = match List.assoc_opt key fields with Some (Json.Bool b) -> Some b | _ -> None in
      let* id = text "grid" in
      let* grid = Grids.of_id id points in
      let* meth = text "method" in
      let* scale_rule = text "scale_rule" in
      let* scale_storage = text "scale_storage" in
      let* _ = storage_dtype scale_storage in
      let* group_size = Option.bind (List.assoc_opt "group_size" fields) Json.count in
      let* _ = Option.bind (List.assoc_opt "block_size" fields) Json.count in
      let* _ = flag "desc_act" in
      let* guard = flag "guard" in
      let* damp_fraction = Option.bind (List.assoc_opt "damp_fraction" fields) real in
      let* seed = match List.assoc_opt "rotation_seed" fields with None -> Some 0 | Some n -> Json.count n in
      let* rotation_seed =
        match List.assoc_opt "rotation" fields with
        | None -> Some None
        | Some (Json.String "hadamard:16") when takes_rotation grid group_size meth scale_rule -> Some (Some seed)
        | Some _ -> None
      in
      if damp_fraction >= 0. && damp_fraction < 1. then
        Some { json; grid; meth; scale_rule; scale_storage; group_size; damp_fraction; guard; rotation_seed }
      else None
  | _ -> None

let fail path number what where = Refusal.malformed number what (path ^ ": " ^ where)

let entry (file : Safetensors.t) key =
  match List.assoc_opt key file.metadata with
  | Some text -> text
  | None -> fail file.path 360 "not a quantized file of Hallmark's, or an incomplete one" (Printf.sprintf "no metadata entry '%s'" key)

let bad file key =
  fail file.Safetensors.path 360 "a metadata entry is malformed"
    (Printf.sprintf "'%s' is '%s'" key (Safetensors.printable (entry file key)))

let list file key =
  match Json.parse (entry file key) with
  | exception Json.Bad fault -> fail file.path 360 "a metadata entry is malformed" (key ^ ": " ^ Json.describe fault)
  | Json.Array items -> items
  | _ -> bad file key

let digest file key = let d = entry file key in if d = "" || is_digest d then d else bad file key

(* The tensors of W, by the tensor map. *)
let originals_of file =
  let key = "hallmark.tensors" in
  let original = function
    | Json.Object [ ("dtype", Json.String dtype); ("name", Json.String name); ("shape", Json.Array shape) ]
      when List.mem_assoc dtype Safetensors.dtype_bits ->
        let size d = match Json.count d with Some n when n < Safetensors.largest_size -> n | _ -> bad file key in
        { name; dtype; shape = List.map size shape }
    | _ -> bad file key
  in
  let originals = List.map original (list file key) in
  let names = List.map (fun (o : original) -> o.name) originals in
  if List.length (List.sort_uniq compare names) <> List.length names then bad file key;
  originals

(* All matrices of a tensor stand side by side, in W's order, those of a stack complete and in order. *)
let rec in_order found = function
  | [] -> found = []
  | (o : original) :: rest ->
      let count = match o.shape with [ n; _; _ ] -> n | _ -> 1 in
      let rec take i found =
        match found with
        | (m : matrix) :: tail when m.tensor = o.name -> i < count && (m.index = None || m.index = Some i) && take (i + 1) tail
        | _ -> (i = 0 || i = count) && in_order found rest
      in
      take 0 found

let matrices_of file originals =
  let key = "hallmark.matrices" in
  let bad () = bad file key in
  let by_name = Hashtbl.create 64 in
  List.iter (fun (o : original) -> Hashtbl.replace by_name o.name o.shape) originals;
  let matrix = function
    | Json.Object fields ->
        let get key = List.assoc_opt key fields in
        let index = Option.map (fun j -> match Json.count j with Some i -> i | None -> bad ()) (get "index") in
        let transposed = match get "transposed" with None -> false | Some (Json.Bool true) -> true | Some _ -> bad () in
        let expected = 2 + (if index = None then 0 else 1) + if transposed then 1 else 0 in
        if List.length fields <> expected then bad ();
        let tensor = match get "tensor" with Some (Json.String t) -> t | _ -> bad () in
        let options =
          match Option.bind (get "options") options_of with
          | Some o -> o
          | None ->
              fail file.Safetensors.path 362 "options that this program does not know"
                (Printf.sprintf "tensor '%s': grid, or another option" (Safetensors.printable tensor))
        in
        let rows, columns =
          match (Hashtbl.find_opt by_name tensor, index) with
          | Some [ r; c ], None -> (r, c)
          | Some [ n; r; c ], Some i when i < n -> (r, c)
          | _ -> bad ()
        in
        let rows, columns = if transposed then (columns, rows) else (rows, columns) in
        if rows = 0 || columns = 0 then bad ();
        let name = match index with None -> tensor | Some i -> Printf.sprintf "%s[%d]" tensor i in
        { name; tensor; index; transposed; rows; columns; options }
    | _ -> bad ()
  in
  let matrices = List.map matrix (list file key) in
  if not (in_order matrices originals) then bad ();
  matrices

(* The tensors that all this needs are there, and no others. *)
let check_tensors (file : Safetensors.t) packed originals matrices =
  let quantized = Hashtbl.create 64 in
  List.iter (fun m -> Hashtbl.replace quantized m.tensor ()) matrices;
  let parts (m : matrix) =
    let scale = Option.get (storage_dtype m.options.scale_storage) in
    let numbers suffix columns =
      if packed && packs m then (m.name ^ suffix, "U8", [ m.rows; Packed.size columns m.options.grid.bits ])
      else (m.name ^ suffix, m.options.grid.code_dtype, [ m.rows; columns ])
    in
    let steps = if m.options.group_size = 0 then [ m.rows ] else [ m.rows; groups m ] in
    numbers ".codes" m.columns
    :: (m.name ^ ".scale", scale, steps)
    :: (if m.options.grid.zero_points then [ numbers ".zero_point" (groups m) ] else [])
    @ if m.options.rotation_seed <> None then [ (m.name ^ ".rotated", "U8", [ (if packed then Packed.size m.rows 1 else m.rows) ]) ] else []
  in
  let unchanged = List.filter (fun (o : original) -> not (Hashtbl.mem quantized o.name)) originals in
  let wanted = List.map (fun (o : original) -> (o.name, o.dtype, o.shape)) unchanged @ List.concat_map parts matrices in
  List.iter (fun (name, dtype, shape) ->
      match Safetensors.find file name with
      | None -> fail file.path 363 "a tensor of the tensor map is missing" (Safetensors.printable name)
      | Some t when t.dtype <> dtype || t.shape <> shape ->
          fail file.path 364 "a tensor has another dtype or shape than the metadata says" (Safetensors.printable name)
      | Some _ -> ())
    wanted;
  let names = List.map (fun (name, _, _) -> name) wanted in
  if List.length (List.sort_uniq compare names) <> List.length names then
    fail file.path 363 "the tensor map needs one name twice" "hallmark.tensors";
  if List.length names <> List.length file.tensors then
    fail file.path 363 "a tensor that the tensor map does not know" "more tensors than it names"

(* One content, one text: no bit after the last number of a row, or after the last mark, is 1. *)
let check_padding (file : Safetensors.t) matrices =
  let check number name bits rows count =
    let data = (Option.get (Safetensors.find file name)).data in
    for i = 0 to rows - 1 do
      if not (Packed.padded data (i * Packed.size count bits) bits count) then
        fail file.path number "a bit after the last number of a row is not 0"
          (Printf.sprintf "tensor '%s': row %d, %d numbers of %d bits" name i count bits)
    done
  in
  List.iter (fun (m : matrix) ->
      let bits = m.options.grid.bits in
      if packs m then check 365 (m.name ^ ".codes") bits m.rows m.columns;
      if packs m && m.options.grid.zero_points then check 366 (m.name ^ ".zero_point") bits m.rows (groups m);
      if m.options.rotation_seed <> None then check 369 (m.name ^ ".rotated") 1 1 m.rows)
    matrices

(* The digests of the tensors, which together have the payload's. *)
let check_payload (file : Safetensors.t) =
  let digests = Hashtbl.create 64 and payload = Sha256.create () in
  List.iter (fun (t : Safetensors.tensor) ->
      let own = Sha256.of_bytes t.data in
      Hashtbl.replace digests t.name own;
      Sha256.add_string payload (Printf.sprintf "%s\n%s %s %s\n" t.name t.dtype (Safetensors.shape_text t.shape) own))
    (List.sort (fun (a : Safetensors.tensor) (b : Safetensors.tensor) -> compare a.name b.name) file.tensors);
  if Sha256.hex payload <> entry file "hallmark.payload.sha256" then
    Refusal.refuse 710 7 "the tensors are not those that were written" (file.path ^ ": payload digest")
      "get the file again, or quantize the weights again";
  digests

let open_file path =
  let file = Safetensors.open_file path in
  let schema = entry file "hallmark.schema" in
  if not (List.mem schema [ "2"; "3"; "4" ]) then
    fail path 361 "a quantized file of an unknown schema" (Printf.sprintf "'%s', this program reads 2 to 4" (Safetensors.printable schema));
  if entry file "hallmark.rounding" <> "nearest-even" then bad file "hallmark.rounding";
  let originals = originals_of file in
  let matrices = matrices_of file originals in
  (* Who knows schema 2 alone takes no row for a rotated one; 4 says that something is packed. *)
  let rotated = List.exists (fun m -> m.options.rotation_seed <> None) matrices and packed = schema = "4" in
  if if packed then not (rotated || List.exists packs matrices) else (schema = "3") <> rotated then bad file "hallmark.schema";
  check_tensors file packed originals matrices;
  let digests = check_payload file in
  if packed then check_padding file matrices;
  { file; weights_sha256 = digest file "hallmark.source.sha256"; calibration_sha256 = digest file "hallmark.calibration.sha256";
    originals; matrices; packed; digests }
