(* Reads a bundle (docs/bundle-format.md), version 1, little-endian. Every byte of the file has a meaning: a file that is
   too short, too long, of another version, or that uses a reserved bit is refused. Values are not judged here. *)

type error = { what : string; where : string; hint : string }

exception Refused of error

let refuse what where hint = raise (Refused { what; where; hint })
let magic = "HALLBUND"
let version = 1
let header_bytes = 32
let max_rows = 1 lsl 24
let max_columns = 1 lsl 16

let unsigned64 word =
  let z = Z.of_int64 word in
  if Int64.compare word 0L < 0 then Z.add z (Z.shift_left Z.one 64) else z

(* Words of the file as integers, at increasing offsets. *)
let u16 bytes at = Z.of_int (Bytes.get_uint16_le bytes at)
let u32 bytes at = Z.of_int (Int32.to_int (Bytes.get_int32_le bytes at) land 0xFFFFFFFF)
let u64 bytes at = unsigned64 (Bytes.get_int64_le bytes at)

let list count word width bytes at =
  let rec collect i tail = if i < 0 then tail else collect (i - 1) (word bytes (at + (i * width)) :: tail) in
  collect (count - 1) []

let rec nat_of n acc = if n = 0 then acc else nat_of (n - 1) (Checker.S acc)

(* A dimension of the header, which has 64 bits. *)
let dimension name limit z =
  if Z.sign z <= 0 || Z.gt z (Z.of_int limit) then
    refuse ("the number of " ^ name ^ " is out of range")
      (Printf.sprintf "%s = %s, not in 1 .. %d" name (Z.to_string z) limit)
      "write the bundle again";
  Z.to_int z

(* Rows, columns and the size that the file must have. *)
let shape header =
  if Bytes.sub_string header 0 8 <> magic then
    refuse "not a bundle" ("the first 8 bytes are not " ^ magic) "write one as docs/bundle-format.md says";
  let found = u32 header 8 in
  if not (Z.equal found (Z.of_int version)) then
    refuse "bundle of another version"
      (Printf.sprintf "version %s, this program reads %d" (Z.to_string found) version)
      "use the hallmark-check of the release that wrote it";
  if Z.sign (u32 header 12) <> 0 then
    refuse "reserved bits are set" "bytes 12 .. 15 of the header are not 0" "write the bundle again";
  let rows = dimension "rows" max_rows (u64 header 16) in
  let columns = dimension "columns" max_columns (u64 header 24) in
  let elements = rows * columns in
  (rows, columns, header_bytes + (elements * 4) + (columns * columns * 8) + (elements * 2) + (rows * 37))

let parse rows columns bytes =
  let weights_at = header_bytes in
  let gram_at = weights_at + (rows * columns * 4) in
  let codes_at = gram_at + (columns * columns * 8) in
  let scales_at = codes_at + (rows * columns * 2) in
  let flags_at = scales_at + (rows * 4) in
  let ends_at = flags_at + rows in
  let row i =
    let flags = Bytes.get_uint8 bytes (flags_at + i) in
    if flags > 1 then
      refuse "reserved bits are set"
        (Printf.sprintf "flags of row %d are %d, only bit 0 has a meaning" i flags)
        "write the bundle again";
    let the_end k = u64 bytes (ends_at + (((4 * i) + k) * 8)) in
    { Checker.weights = list columns u32 4 bytes (weights_at + (i * columns * 4));
      codes = list columns u16 2 bytes (codes_at + (i * columns * 2));
      scale = u32 bytes (scales_at + (i * 4));
      claims_rtn = flags = 1;
      final_low = the_end 0; final_high = the_end 1; rtn_low = the_end 2; rtn_high = the_end 3 }
  in
  let rec build make i tail = if i < 0 then tail else build make (i - 1) (make i :: tail) in
  { Checker.columns = nat_of columns Checker.O;
    gram_words = build (fun i -> list columns u64 8 bytes (gram_at + (i * columns * 8))) (columns - 1) [];
    rows = build row (rows - 1) [] }

(* The bundle in the file, with its shape. Nothing is allocated before the size of the file is right. *)
let read path =
  let channel = open_in_bin path in
  Fun.protect ~finally:(fun () -> close_in_noerr channel) (fun () ->
      let size = in_channel_length channel in
      if size < header_bytes then
        refuse "truncated bundle" (Printf.sprintf "%d bytes, the header alone has %d" size header_bytes)
          "write the bundle again";
      let header = Bytes.create header_bytes in
      really_input channel header 0 header_bytes;
      let rows, columns, expected = shape header in
      if size <> expected then
        refuse (if size < expected then "truncated bundle" else "bundle with extra bytes")
          (Printf.sprintf "%d bytes, %d rows and %d columns take %d" size rows columns expected)
          "write the bundle again";
      let bytes = Bytes.create size in
      Bytes.blit header 0 bytes 0 header_bytes;
      really_input channel bytes header_bytes (size - header_bytes);
      (rows, columns, parse rows columns bytes))
