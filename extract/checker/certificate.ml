(* The certificate (docs/certificate.md), version 2, line by line. What is read here is judged; what is not is named. *)

type loss = { low : float; high : float; exact : (Z.t * int) option (* mantissa and exponent of two *) }
type row = { kept_rtn : bool; final : loss; rtn : loss }

type tensor = {
  name : string;
  rows : int;
  columns : int;
  options : Json.t;
  digests : (string * string) list;  (* weights, gram, codes, scales, zero_points; rotated, of a rotated matrix *)
  calibration : string;
  tokens : int;
  lambda : float;
  dead_columns : int;
  guard_rows : int;
  values : row array;  (* none without calibration *)
}

type t = {
  path : string;
  bytes : Mapped.t;
  sha256 : string;  (* of the text that was read *)
  tool : string;
  weights_sha256 : string;
  calibration_sha256 : string;
  tensors : tensor list;
  not_judged : string list;
}

(* Keys whose meaning is judged. *)
let header_keys = [ "format"; "tool"; "weights_sha256"; "calibration_sha256"; "tensors" ]
let tensor_keys =
  [ "name"; "rows"; "cols"; "options"; "sha256"; "calibration"; "tokens"; "lambda"; "dead_columns"; "guard_rows"; "values" ]
let row_keys = [ "row"; "kept"; "final"; "rtn" ]

let open_file path =
  let bytes = Mapped.open_file path in
  let text = Mapped.text bytes 0 (Mapped.size bytes) in
  let line_number = ref 0 and at = ref 0 in
  let fail what = Refusal.malformed 367 "the certificate is malformed" (Printf.sprintf "%s: line %d: %s" path !line_number what) in
  let line () =
    incr line_number;
    match String.index_from_opt text !at '\n' with
    | None -> fail "truncated"
    | Some stop -> let found = String.sub text !at (stop - !at) in at := stop + 1; found
  in
  let others = Hashtbl.create 8 in
  let fields keys line =
    match if Json.is_utf8 line then Json.parse line else fail "not UTF-8" with
    | exception Json.Bad fault -> fail (Safetensors.printable (Json.describe fault))
    | Json.Object members ->
        List.iter (fun (key, _) -> if not (List.mem key keys) then Hashtbl.replace others key ()) members;
        members
    | _ -> fail "no object"
  in
  let member key members = match List.assoc_opt key members with Some v -> v | None -> fail (Printf.sprintf "'%s' is missing" key) in
  let string key members = match member key members with Json.String s -> s | _ -> fail (Printf.sprintf "'%s' is no string" key) in
  let count key members = match Json.count (member key members) with Some n -> n | None -> fail (Printf.sprintf "'%s' is no count" key) in
  let digest key members =
    let d = string key members in
    if d = "" || Container.is_digest d then d else fail (Printf.sprintf "'%s' is not a SHA-256" key)
  in
  let real key text =
    match Numbers.float_of_hex text with Some x -> x | None -> fail (Printf.sprintf "'%s' holds no hexadecimal binary64 number" key)
  in
  let exact members =
    match List.assoc_opt "exact" members with
    | None -> None
    | Some (Json.Object [ ("mantissa", Json.String m); ("exponent", Json.String e) ]) -> (
        let body = if String.length m > 0 && m.[0] = '-' then String.sub m 1 (String.length m - 1) else m in
        let digits = if String.length body > 2 then String.sub body 2 (String.length body - 2) else "" in
        let hex c = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') in
        let plain = String.length e > 0 && String.length e < 8 && String.for_all (fun c -> c = '-' || (c >= '0' && c <= '9')) e in
        match (if plain then int_of_string_opt e else None) with
        | Some exponent when String.length body > 2 && String.sub body 0 2 = "0x" && String.for_all hex digits && String.length digits < 4096
                             && abs exponent < 1 lsl 16 ->
            Some (Z.of_string m, exponent)
        | _ -> fail "an exact loss that is no dyadic number")
    | Some _ -> fail "an exact loss that is no dyadic number"
  in
  let loss key members =
    match member key members with
    | Json.Object inner -> (
        match List.filter (fun (k, _) -> k <> "enclosure" && k <> "exact") inner with
        | (other, _) :: _ -> fail (Printf.sprintf "'%s' in a loss" (Safetensors.printable other))
        | [] -> (
            match member "enclosure" inner with
            | Json.Array [ Json.String low; Json.String high ] -> { low = real key low; high = real key high; exact = exact inner }
            | _ -> fail (Printf.sprintf "'%s' is not [lo, hi]" key)))
    | _ -> fail (Printf.sprintf "'%s' is no loss" key)
  in
  let row index line =
    let members = fields row_keys line in
    if count "row" members <> index then fail "another row belongs here";
    let kept_rtn = match string "kept" members with "rtn" -> true | "codes" -> false | _ -> fail "'kept' is neither codes nor rtn" in
    { kept_rtn; final = loss "final" members; rtn = loss "rtn" members }
  in
  let without_comma line =
    let n = String.length line in
    if n > 0 && line.[n - 1] = ',' then (String.sub line 0 (n - 1), true) else (line, false)
  in
  let rec rows index found =
    let content, comma = without_comma (line ()) in
    if content = "]}" then (List.rev found, comma)
    else
      let found = row index content :: found in
      if comma then rows (index + 1) found
      else
        let content, comma = without_comma (line ()) in
        if content = "]}" then (List.rev found, comma) else fail "a row without a comma before it"
  in
  let header = fields header_keys (line () ^ "]}") in
  let format = string "format" header in
  if format <> "hallmark-certificate/2" then
    Refusal.malformed 368 "the certificate is of another version"
      (Printf.sprintf "%s: the format is '%s', this program reads 'hallmark-certificate/2'" path (Safetensors.printable format));
  let rec tensors more found =
    if not more then List.rev found
    else
      let opening = line () in
      if opening = "]}" && found = [] then (at := !at - 3; decr line_number; [])
      else begin
        let members = fields tensor_keys (opening ^ "]}") in
        let inner = match member "sha256" members with Json.Object list -> list | _ -> fail "'sha256' is no object" in
        let keys = [ "weights"; "gram"; "codes"; "scales"; "zero_points" ] @ if List.mem_assoc "rotated" inner then [ "rotated" ] else [] in
        let digests = List.map (fun key -> (key, digest key inner)) keys in
        let values, more = rows 0 [] in
        let tensor =
          { name = string "name" members; rows = count "rows" members; columns = count "cols" members; options = member "options" members;
            digests; calibration = string "calibration" members; tokens = count "tokens" members;
            lambda = real "lambda" (string "lambda" members); dead_columns = count "dead_columns" members;
            guard_rows = count "guard_rows" members; values = Array.of_list values }
        in
        tensors more (tensor :: found)
      end
  in
  let list = tensors true [] in
  if line () <> "]}" || !at <> String.length text then fail "the end of the file should stand here";
  { path; bytes; sha256 = Sha256.of_string text; tool = string "tool" header; weights_sha256 = digest "weights_sha256" header; calibration_sha256 = digest "calibration_sha256" header; tensors = list;
    not_judged = List.sort compare (Hashtbl.fold (fun key () keys -> key :: keys) others []) }
