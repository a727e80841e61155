(* Writes what the checker reads: weights, calibration, container and certificate of one bundle, with every digest right, as an
   attacker would. A forgery changes a field of [t] before, or the text of a file after. *)

open Make_bundle

type tensor = { name : string; dtype : string; shape : int list; data : string }

type t = {
  bundle : bundle;
  grid_id : string;
  code_dtype : string;
  packed : int;                 (* bits of a packed code, fewer than 8; 0: schema 2 or 3 *)
  rule : string;
  meth : string;
  damping : string;
  given : bool;                 (* C holds the scales and zero points *)
  calibration : [ `Gram | `Activations of float array array | `None ];
  held_out : float array array; (* activations behind those that the certificate counts *)
  rotation : (int * int array) option;  (* seed, and a mark for each row *)
  layout : [ `Plain | `Transposed | `Stacked ];
  weights_dtype : string;       (* F32, BF16 or F16, in which the numbers have to be exact *)
  scale_storage : string;       (* f32, bf16 or f16 *)
  gram_dtype : string;          (* F64 or F32 *)
  sharded : bool;               (* W is an index and a shard *)
  cut : bool;                   (* Q is an index and two shards *)
  stated_grid : string;         (* in the certificate *)
  guard_rows : int option;
  dead : int option;
  lambda : float option;
  row_text : int -> string -> string;
  certificate_text : string -> string;
  container_text : (string * string) list -> (string * string) list;  (* metadata *)
  container_tensors : tensor list -> tensor list;
  payload : string option;
  source_sha256 : string option;
}

let make ?(rule = "given") ?(meth = "gptq") ?(given = true) ?(calibration = `Gram) ?(layout = `Plain) ~grid_id ~code_dtype bundle =
  { bundle; grid_id; code_dtype; packed = 0; rule; meth; damping = "0.01"; given; calibration; held_out = [||]; rotation = None; layout; weights_dtype = "F32"; scale_storage = "f32";
    gram_dtype = "F64"; sharded = false; cut = false; stated_grid = grid_id; guard_rows = None;
    dead = None; lambda = None; row_text = (fun _ line -> line); certificate_text = Fun.id; container_text = Fun.id;
    container_tensors = Fun.id; payload = None; source_sha256 = None }

let shape_text shape = "[" ^ String.concat "," (List.map string_of_int shape) ^ "]"

(* A safetensors file; [meta] first. *)
let safetensors meta tensors =
  let quoted s = "\"" ^ String.concat "\\\"" (String.split_on_char '"' s) ^ "\"" in
  let header = Buffer.create 256 and at = ref 0 in
  Buffer.add_string header "{\"__metadata__\":{";
  Buffer.add_string header (String.concat "," (List.map (fun (k, v) -> quoted k ^ ":" ^ quoted v) meta));
  Buffer.add_char header '}';
  List.iter (fun t ->
      let size = String.length t.data in
      Printf.bprintf header ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}" t.name t.dtype (shape_text t.shape) !at
        (!at + size);
      at := !at + size)
    tensors;
  Buffer.add_char header '}';
  while Buffer.length header mod 8 <> 0 do Buffer.add_char header ' ' done;
  let length = Bytes.create 8 in
  Bytes.set_int64_le length 0 (Int64.of_int (Buffer.length header));
  Bytes.to_string length ^ Buffer.contents header ^ String.concat "" (List.map (fun t -> t.data) tensors)

let singles a = let b = Buffer.create 64 in Array.iter (fun x -> Buffer.add_int32_le b (Int32.bits_of_float x)) a; Buffer.contents b
let doubles a = let b = Buffer.create 64 in Array.iter (fun x -> Buffer.add_int64_le b (Int64.bits_of_float x)) a; Buffer.contents b

(* Numbers that the dtype has. *)
let stored dtype a =
  let b = Buffer.create 64 in
  let half x =
    if x = 0. then 0
    else
      let m, e = frexp (abs_float x) in
      (if x < 0. then 0x8000 else 0) lor ((e + 14) lsl 10) lor (int_of_float (ldexp m 11) land 0x3FF)
  in
  Array.iter (fun x ->
      let word = Int32.bits_of_float x in
      match dtype with
      | "F32" -> Buffer.add_int32_le b word
      | "BF16" -> Buffer.add_uint16_le b (Int32.to_int (Int32.shift_right_logical word 16))
      | _ -> Buffer.add_uint16_le b (half x))
    a;
  Buffer.contents b

let codes_text dtype a =
  let b = Buffer.create 64 in
  Array.iter (fun c -> if dtype = "U16" then Buffer.add_uint16_le b (c land 0xFFFF) else Buffer.add_uint8 b (c land 0xFF)) a;
  Buffer.contents b

(* Numbers of [bits] bits as one integer, whose little-endian bytes these are. *)
let packed_text bits a =
  let sum = ref Z.zero in
  Array.iteri (fun i c -> sum := Z.logor !sum (Z.shift_left (Z.of_int (c land ((1 lsl bits) - 1))) (bits * i))) a;
  let size = ((Array.length a * bits) + 7) / 8 in
  let bytes = Z.to_bits !sum in
  String.init size (fun i -> if i < String.length bytes then bytes.[i] else '\000')

let rows b f = Array.concat (Array.to_list (Array.map f b.rows))
let hex = Printf.sprintf "%h"

(* What C's %a gives: OCaml's %h, but for the plus sign of exponents that are not negative. *)
let real x =
  let text = if x = infinity then "inf" else hex x in
  match String.index_opt text 'p' with
  | Some p when text.[p + 1] <> '-' && text.[p + 1] <> '+' -> String.sub text 0 (p + 1) ^ "+" ^ String.sub text (p + 1) (String.length text - p - 1)
  | _ -> text

let write path text =
  let channel = open_out_bin path in
  output_string channel text;
  close_out channel

type paths = { weights : string; index : string; calibration_file : string; quantized : string; quantized_index : string; certificate : string }

let paths folder =
  let at name = Filename.concat folder name in
  { weights = at "w.safetensors"; index = at "w.safetensors.index.json"; calibration_file = at "c.safetensors";
    quantized = at "q.safetensors"; quantized_index = at "q.safetensors.index.json"; certificate = at "q.certificate.json" }

let write_all folder m =
  let b = m.bundle and p = paths folder in
  let count = Array.length b.rows and columns = b.columns in
  let k = groups ~columns ~group_size:b.group_size in
  let sha = Sha256.of_string in
  (* The second matrix of a stack has the rows of the first from the last one up. *)
  let reversed = { b with rows = Array.init count (fun i -> b.rows.(count - 1 - i)) } in
  let bundles = if m.layout = `Stacked then [ ("w[0]", b); ("w[1]", reversed) ] else [ ("w", b) ] in
  (* Weights. *)
  let own b =
    let flat = rows b (fun r -> r.weights) in
    let transposed = Array.init (count * columns) (fun at -> flat.(((at mod count) * columns) + (at / count))) in
    stored m.weights_dtype (if m.layout = `Transposed then transposed else flat)
  in
  let shape = if m.layout = `Transposed then [ columns; count ] else [ count; columns ] in
  let w =
    if m.layout = `Stacked then { name = "w"; dtype = m.weights_dtype; shape = 2 :: shape; data = own b ^ own reversed }
    else { name = "w"; dtype = m.weights_dtype; shape; data = own b }
  in
  let bias = { name = "bias"; dtype = "F32"; shape = [ 3 ]; data = singles [| 1.; 2.; 3. |] } in
  let weights = safetensors [ ("format", "pt") ] [ w; bias ] in
  let weights_digest =
    if m.sharded then begin
      let index = "{\"weight_map\":{\"w\":\"shard.safetensors\",\"bias\":\"shard.safetensors\"}}" in
      write (Filename.concat folder "shard.safetensors") weights;
      write p.index index;
      Sha256.of_string (index ^ Sha256.of_string weights)
    end
    else (write p.weights weights; Sha256.of_string weights)
  in
  (* Calibration. *)
  let scale_dtype = String.uppercase_ascii m.scale_storage in
  let scales b = stored scale_dtype (rows b (fun r -> r.scales)) and zeros b = codes_text m.code_dtype (rows b (fun r -> r.zeros)) in
  let steps_shape = if b.group_size = 0 then [ count ] else [ count; k ] in
  let given (name, b) =
    if not m.given then []
    else
      { name = name ^ ".scale"; dtype = scale_dtype; shape = steps_shape; data = scales b }
      :: (if b.with_zeros then [ { name = name ^ ".zero_point"; dtype = m.code_dtype; shape = [ count; k ]; data = zeros b } ] else [])
  in
  let gram_words = doubles (Array.concat (Array.to_list b.gram)) in
  let entry name =
    match m.calibration with
    | `Gram ->
        let data = if m.gram_dtype = "F64" then gram_words else singles (Array.concat (Array.to_list b.gram)) in
        [ { name = name ^ ".gram"; dtype = m.gram_dtype; shape = [ columns; columns ]; data } ]
    | `Activations used ->
        let x = Array.append used m.held_out in
        [ { name = name ^ ".activations"; dtype = "F32"; shape = [ Array.length x; columns ]; data = singles (Array.concat (Array.to_list x)) } ]
    | `None -> []
  in
  let calibrated = m.calibration <> `None in
  let calibration = safetensors [] (List.concat_map (fun (n, b) -> entry n @ given (n, b)) bundles) in
  if calibrated then write p.calibration_file calibration else if Sys.file_exists p.calibration_file then Sys.remove p.calibration_file;
  let calibration_sha = if calibrated then sha calibration else "" in
  (* The container. *)
  let numbers name width (b : bundle) f =
    if m.packed = 0 then { name; dtype = m.code_dtype; shape = [ count; width ]; data = codes_text m.code_dtype (rows b f) }
    else
      let data = String.concat "" (List.map (fun r -> packed_text m.packed (f r)) (Array.to_list b.rows)) in
      { name; dtype = "U8"; shape = [ count; ((width * m.packed) + 7) / 8 ]; data }
  in
  let part (name, b) =
    numbers (name ^ ".codes") columns b (fun r -> r.codes)
    :: { name = name ^ ".scale"; dtype = scale_dtype; shape = steps_shape; data = scales b }
    :: (if b.with_zeros then [ numbers (name ^ ".zero_point") k b (fun r -> r.zeros) ] else [])
    @ match m.rotation with
      | Some (_, marks) when m.packed > 0 ->
          [ { name = name ^ ".rotated"; dtype = "U8"; shape = [ (count + 7) / 8 ]; data = packed_text 1 marks } ]
      | Some (_, marks) -> [ { name = name ^ ".rotated"; dtype = "U8"; shape = [ count ]; data = codes_text "U8" marks } ]
      | None -> []
  in
  let tensors = m.container_tensors (List.concat_map part bundles @ [ bias ]) in
  let options grid =
    Printf.sprintf
      "{\"grid\":\"%s\",\"method\":\"%s\",\"scale_rule\":\"%s\",\"scale_storage\":\"%s\",\"group_size\":%d,\
       \"damp_fraction\":%s,\"desc_act\":false,\"block_size\":128,\"guard\":%b%s%s}"
      grid m.meth m.rule m.scale_storage b.group_size m.damping b.guard
      (match m.rotation with Some (seed, _) -> Printf.sprintf ",\"rotation\":\"hadamard:16\",\"rotation_seed\":%d" seed | None -> "")
      (match b.grid with
       | Table values when grid = "table/1" -> ",\"points\":[" ^ String.concat "," (Array.to_list (Array.map (Printf.sprintf "%.17g") values)) ^ "]"
       | _ -> "")
  in
  let matrix i =
    Printf.sprintf "{\"tensor\":\"w\"%s%s,\"options\":%s}" (if m.layout = `Stacked then Printf.sprintf ",\"index\":%d" i else "")
      (if m.layout = `Transposed then ",\"transposed\":true" else "") (options m.grid_id)
  in
  let by_name = List.sort (fun a b -> compare a.name b.name) tensors in
  let spaced shape = "[" ^ String.concat ", " (List.map string_of_int shape) ^ "]" in
  let payload = sha (String.concat "" (List.map (fun t -> Printf.sprintf "%s\n%s %s %s\n" t.name t.dtype (spaced t.shape) (sha t.data)) by_name)) in
  let described t = Printf.sprintf "{\"dtype\":\"%s\",\"name\":\"%s\",\"shape\":%s}" t.dtype t.name (shape_text t.shape) in
  let weights_sha = Option.value m.source_sha256 ~default:weights_digest in
  let meta =
    m.container_text
      [ ("format", "pt"); ("hallmark.schema", if m.packed > 0 then "4" else if m.rotation = None then "2" else "3"); ("hallmark.tool", "forger 1"); ("hallmark.rounding", "nearest-even");
        ("hallmark.source.sha256", weights_sha); ("hallmark.source.metadata", "{\"format\":\"pt\"}");
        ("hallmark.calibration.sha256", calibration_sha); ("hallmark.tensors", "[" ^ described w ^ "," ^ described bias ^ "]");
        ("hallmark.matrices", "[" ^ String.concat "," (List.mapi (fun i _ -> matrix i) bundles) ^ "]");
        ("hallmark.payload.sha256", Option.value m.payload ~default:payload) ]
  in
  let shard name part entries = write (Filename.concat folder name) (safetensors entries part) in
  if m.cut then begin
    let last, first = List.partition (fun t -> t.name = "bias") tensors in
    shard "q-1.safetensors" first meta;
    shard "q-2.safetensors" last [ ("format", "pt") ];
    let place file t = Printf.sprintf "\"%s\":\"%s\"" t.name file in
    write p.quantized_index
      (Printf.sprintf "{\"weight_map\":{%s}}"
         (String.concat "," (List.map (place "q-1.safetensors") first @ List.map (place "q-2.safetensors") last)))
  end
  else shard "q.safetensors" tensors meta;
  (* The certificate. *)
  let diagonal = Array.init columns (fun j -> b.gram.(j).(j)) in
  let judged = calibrated && m.meth <> "rtn" in
  let mean = Array.fold_left (fun s d -> s +. (2. *. d)) 0. diagonal /. float columns in
  let lambda = Option.value m.lambda ~default:(if judged then float_of_string m.damping *. mean else 0.) in
  let zero_columns = Array.fold_left (fun n d -> if d = 0. then n + 1 else n) 0 diagonal in
  let kept = Array.fold_left (fun n r -> n + r.claims) 0 b.rows in
  let stored suffix name = match List.find_opt (fun t -> t.name = name ^ suffix) tensors with Some t -> sha t.data | None -> "" in
  (* Certificates speak of numbers in whole bytes. *)
  let of_numbers suffix name (b : bundle) f = if m.packed = 0 then stored suffix name else sha (codes_text m.code_dtype (rows b f)) in
  let row i r =
    m.row_text i
      (Printf.sprintf "{\"row\":%d,\"kept\":\"%s\",\"final\":{\"enclosure\":[\"%s\",\"%s\"]},\"rtn\":{\"enclosure\":[\"%s\",\"%s\"]}}" i
         (if r.claims = 1 then "rtn" else "codes") (real r.ends.(0)) (real r.ends.(1)) (real r.ends.(2)) (real r.ends.(3)))
  in
  let tensor (name, b) =
    Printf.sprintf
      "{\"name\":\"%s\",\"rows\":%d,\"cols\":%d,\"options\":%s,\"sha256\":{\"weights\":\"%s\",\"gram\":\"%s\",\
       \"codes\":\"%s\",\"scales\":\"%s\",\"zero_points\":\"%s\"%s},\"calibration\":\"%s\",\"tokens\":%d,\"lambda\":\"%s\",\
       \"dead_columns\":%d,\"clipped\":0,\"guard_rows\":%d,\"contracts\":[],\"values\":[\n%s]}"
      name count columns (options m.stated_grid) (sha (own b)) (if judged then sha gram_words else "")
      (of_numbers ".codes" name b (fun r -> r.codes)) (stored ".scale" name)
      (if b.with_zeros then of_numbers ".zero_point" name b (fun r -> r.zeros) else "")
      (match m.rotation with
       | None -> ""
       | Some (_, marks) ->
           Printf.sprintf ",\"rotated\":\"%s\"" (if m.packed = 0 then stored ".rotated" name else sha (codes_text "U8" marks)))
      (match m.calibration with _ when not judged -> "none" | `Gram -> "gram" | `Activations _ -> "activations" | `None -> "none")
      (match m.calibration with `Activations x when judged -> Array.length x | _ -> 0)
      (real lambda)
      (Option.value m.dead ~default:(if judged then zero_columns else 0))
      (Option.value m.guard_rows ~default:(if judged then kept else 0))
      (if judged then String.concat ",\n" (Array.to_list (Array.mapi row b.rows)) ^ "\n" else "")
  in
  write p.certificate
    (m.certificate_text
       (Printf.sprintf
          "{\"format\":\"hallmark-certificate/2\",\"tool\":\"forger 1\",\"weights_sha256\":\"%s\",\
           \"calibration_sha256\":\"%s\",\"contracts\":\"on\",\"assumptions\":[],\"tensors\":[\n%s\n]}\n"
          weights_sha calibration_sha (String.concat ",\n" (List.map tensor bundles))))
