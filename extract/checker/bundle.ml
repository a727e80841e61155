(* Reads a bundle (docs/bundle-format.md), version 1 or 2, little-endian. Every byte of the file has a meaning: a file that
   is too short, too long, of another version, or that uses a reserved bit is refused. Values are not judged here. *)

type error = { what : string; where : string; hint : string }

exception Refused of error

let refuse what where hint = raise (Refused { what; where; hint })
let magic = "HALLBUND"
let header_bytes version = if version = 1 then 32 else 48
let max_rows = 1 lsl 24
let max_columns = 1 lsl 16
let max_values = 1 lsl 16

let unsigned64 word =
  let z = Z.of_int64 word in
  if Int64.compare word 0L < 0 then Z.add z (Z.shift_left Z.one 64) else z

(* Words of the file as integers, at increasing offsets. *)
let u16 bytes at = Z.of_int (Bytes.get_uint16_le bytes at)
let i16 bytes at = Z.of_int (Bytes.get_int16_le bytes at)
let i32 bytes at = Z.of_int32 (Bytes.get_int32_le bytes at)
let u32 bytes at = Z.of_int (Int32.to_int (Bytes.get_int32_le bytes at) land 0xFFFFFFFF)
let u64 bytes at = unsigned64 (Bytes.get_int64_le bytes at)

let list count word width bytes at =
  let rec collect i tail = if i < 0 then tail else collect (i - 1) (word bytes (at + (i * width)) :: tail) in
  collect (count - 1) []

let rec nat_of n acc = if n = 0 then acc else nat_of (n - 1) (Checker.S acc)

(* A dimension of the header, which has up to 64 bits. *)
let dimension name limit z =
  if Z.sign z <= 0 || Z.gt z (Z.of_int limit) then
    refuse ("the number of " ^ name ^ " is out of range")
      (Printf.sprintf "%s = %s, not in 1 .. %d" name (Z.to_string z) limit)
      "write the bundle again";
  Z.to_int z

let reserved where = refuse "reserved bits are set" where "write the bundle again"

(* What a header says; a table's values follow it. Version 1 is the grid GF(6, 9) with one scale for each row, a Gram matrix
   and the guard. *)
type kind = Golden of Z.t * Z.t | Integer of Z.t * Z.t | Table of int

type header = {
  version : int;
  rows : int;
  columns : int;
  kind : kind;
  group_size : int;  (* 1 .. columns *)
  groups : int;
  gram : bool;
  guard : bool;
  zeros : bool;
}

let magic_and_version start =
  if Bytes.sub_string start 0 8 <> magic then
    refuse "not a bundle" ("the first 8 bytes are not " ^ magic) "write one as docs/bundle-format.md says";
  let found = u32 start 8 in
  if not (Z.equal found Z.one || Z.equal found (Z.of_int 2)) then
    refuse "bundle of another version"
      (Printf.sprintf "version %s, this program reads 1 and 2" (Z.to_string found))
      "use the hallmark-check of the release that wrote it";
  Z.to_int found

let header version bytes =
  let rows = dimension "rows" max_rows (u64 bytes 16) in
  let columns = dimension "columns" max_columns (u64 bytes 24) in
  let flags = Z.to_int (u32 bytes 12) in
  if version = 1 then begin
    if flags <> 0 then reserved "bytes 12 .. 15 of the header are not 0";
    { version; rows; columns; kind = Golden (Z.of_int 6, Z.of_int 9); group_size = columns; groups = 1;
      gram = true; guard = true; zeros = false }
  end
  else begin
    if flags > 7 then reserved (Printf.sprintf "flags of the header are %d, only bits 0 to 2 have a meaning" flags);
    let gram = flags land 1 <> 0 and guard = flags land 2 <> 0 and zeros = flags land 4 <> 0 in
    if guard && not gram then reserved "the header claims the guard (bit 1) without a Gram matrix (bit 0)";
    let first = i32 bytes 36 and second = i32 bytes 40 in
    let kind =
      match Z.to_int (u32 bytes 32) with
      | 0 -> Golden (first, second)
      | 1 -> Integer (first, second)
      | 2 ->
          if Z.sign second <> 0 then reserved "bytes 40 .. 43 of the header of a table are not 0";
          Table (dimension "table values" max_values (u32 bytes 36))
      | kind -> refuse "unknown kind of grid" (Printf.sprintf "kind %d, not in 0 .. 2" kind) "write the bundle again"
    in
    (match kind with
     | Integer _ -> ()
     | Golden _ | Table _ -> if zeros then reserved "zero points (bit 2) are given for a grid that is not of integers");
    let size = Z.to_int (u32 bytes 44) in
    let group_size = if size = 0 then columns else min size columns in
    { version; rows; columns; kind; group_size; groups = (columns + group_size - 1) / group_size; gram; guard; zeros }
  end

(* Where the parts begin; [file_size] is where the file ends. *)
type layout = {
  values_at : int;
  weights_at : int;
  gram_at : int;
  codes_at : int;
  scales_at : int;
  zeros_at : int;
  flags_at : int;
  ends_at : int;
  file_size : int;
}

let ends_of h = if h.guard then 4 else if h.gram then 2 else 0

let layout h =
  let values_at = header_bytes h.version in
  let weights_at = values_at + (match h.kind with Table count -> 4 * count | Golden _ | Integer _ -> 0) in
  let gram_at = weights_at + (4 * h.rows * h.columns) in
  let codes_at = gram_at + (if h.gram then 8 * h.columns * h.columns else 0) in
  let scales_at = codes_at + (2 * h.rows * h.columns) in
  let zeros_at = scales_at + (4 * h.rows * h.groups) in
  let flags_at = zeros_at + (if h.zeros then 2 * h.rows * h.groups else 0) in
  let ends_at = flags_at + h.rows in
  { values_at; weights_at; gram_at; codes_at; scales_at; zeros_at; flags_at; ends_at;
    file_size = ends_at + (8 * ends_of h * h.rows) }

let parse h bytes =
  let at = layout h in
  let no_zeros = List.init h.groups (fun _ -> Z.zero) in
  let row i =
    let flags = Bytes.get_uint8 bytes (at.flags_at + i) in
    if flags > 1 then reserved (Printf.sprintf "flags of row %d are %d, only bit 0 has a meaning" i flags);
    let the_end k = if k < ends_of h then u64 bytes (at.ends_at + (((ends_of h * i) + k) * 8)) else Z.zero in
    { Checker.weights = list h.columns u32 4 bytes (at.weights_at + (i * h.columns * 4));
      codes = list h.columns u16 2 bytes (at.codes_at + (i * h.columns * 2));
      scales = list h.groups u32 4 bytes (at.scales_at + (i * h.groups * 4));
      zeros = (if h.zeros then list h.groups i16 2 bytes (at.zeros_at + (i * h.groups * 2)) else no_zeros);
      claims_rtn = flags = 1;
      final_low = the_end 0; final_high = the_end 1; rtn_low = the_end 2; rtn_high = the_end 3 }
  in
  let rec build make i tail = if i < 0 then tail else build make (i - 1) (make i :: tail) in
  { Checker.code_grid =
      (match h.kind with
       | Golden (e, m) -> Checker.Golden (e, m)
       | Integer (first, last) -> Checker.Integer (first, last)
       | Table count -> Checker.Table (list count u32 4 bytes at.values_at));
    group_size = nat_of h.group_size Checker.O;
    columns = nat_of h.columns Checker.O;
    gram_words =
      (if h.gram then
         Some (build (fun i -> list h.columns u64 8 bytes (at.gram_at + (i * h.columns * 8))) (h.columns - 1) [])
       else None);
    guarded = h.guard;
    rows = build row (h.rows - 1) [] }

(* The bundle in the file, with its rows and columns. Nothing is allocated before the size of the file is right. *)
let read path =
  let channel = open_in_bin path in
  Fun.protect ~finally:(fun () -> close_in_noerr channel) (fun () ->
      let size = in_channel_length channel in
      let enough bytes =
        if size < bytes then
          refuse "truncated bundle" (Printf.sprintf "%d bytes, the header alone has %d" size bytes)
            "write the bundle again"
      in
      let start count =
        let bytes = Bytes.create count in
        seek_in channel 0;
        really_input channel bytes 0 count;
        bytes
      in
      enough (header_bytes 1);
      let version = magic_and_version (start (header_bytes 1)) in
      enough (header_bytes version);
      let h = header version (start (header_bytes version)) in
      let expected = (layout h).file_size in
      if size <> expected then
        refuse (if size < expected then "truncated bundle" else "bundle with extra bytes")
          (Printf.sprintf "%d bytes, %d rows and %d columns take %d" size h.rows h.columns expected)
          "write the bundle again";
      (h.rows, h.columns, parse h (start size)))
