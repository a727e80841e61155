(* Files as read-only memory. *)

type t = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

(* Little-endian words at any byte; the machine is little-endian (main refuses others). *)
external word16 : t -> int -> int = "%caml_bigstring_get16"
external word32 : t -> int -> int32 = "%caml_bigstring_get32"
external word64 : t -> int -> int64 = "%caml_bigstring_get64"

let size : t -> int = Bigarray.Array1.dim
let byte (bytes : t) at = Char.code bytes.{at}
let sub : t -> int -> int -> t = Bigarray.Array1.sub
let u32 bytes at = Int32.to_int (word32 bytes at) land 0xFFFFFFFF
let text bytes first length = String.init length (fun i -> Bigarray.Array1.get bytes (first + i))

let equal a b =
  let n = size a in
  let rec words i = if i + 8 > n then rest i else Int64.equal (word64 a i) (word64 b i) && words (i + 8)
  and rest i = i >= n || (byte a i = byte b i && rest (i + 1)) in
  n = size b && words 0

let unreadable path reason = Refusal.refuse 990 9 "cannot read a file" (path ^ ": " ^ reason) "check the path and its permissions"

let open_file path : t =
  match Unix.openfile path [ Unix.O_RDONLY; Unix.O_CLOEXEC; Unix.O_NONBLOCK ] 0 with
  | exception Unix.Unix_error (code, _, _) -> unreadable path (Unix.error_message code)
  | file ->
      Fun.protect ~finally:(fun () -> Unix.close file) (fun () ->
          let facts = Unix.fstat file in
          if facts.st_kind <> Unix.S_REG then unreadable path "not a regular file";
          if facts.st_size = 0 then Bigarray.Array1.create Bigarray.char Bigarray.c_layout 0
          else
            try Bigarray.array1_of_genarray (Unix.map_file file Bigarray.char Bigarray.c_layout false [| facts.st_size |])
            with Unix.Unix_error (code, _, _) -> unreadable path (Unix.error_message code))

(* Which file stands under the name: another after it was replaced. *)
let version path = match Unix.stat path with exception Unix.Unix_error _ -> None | s -> Some (s.st_dev, s.st_ino, s.st_mtime)

(* What [read] reads from the files of [paths], as they stand together: where another process replaced one of them meanwhile, whatever
   was found is read again. *)
let rec unreplaced paths read =
  let before = List.map version paths in
  let found = try Ok (read ()) with Refusal.Refused _ as fault -> Error fault in
  if List.map version paths <> before then unreplaced paths read else match found with Ok result -> result | Error fault -> raise fault
