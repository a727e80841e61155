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

let changed where =
  Refusal.refuse 902 9 "an input file changed while it was being read" where "run again when nothing writes to the file"

(* The files that what is judged was read from, and what was known of them when they were opened. The descriptor leads to the file
   whatever name it has by now. *)
type opened = { path : string; descriptor : Unix.file_descr; size : int; modified : float }

let opened : opened list ref = ref []

let open_file path : t =
  match Unix.openfile path [ Unix.O_RDONLY; Unix.O_CLOEXEC; Unix.O_NONBLOCK ] 0 with
  | exception Unix.Unix_error (code, _, _) -> unreadable path (Unix.error_message code)
  | descriptor -> (
      try
        let facts = Unix.fstat descriptor in
        if facts.st_kind <> Unix.S_REG then unreadable path "not a regular file";
        let bytes =
          if facts.st_size = 0 then Bigarray.Array1.create Bigarray.char Bigarray.c_layout 0
          else
            try Bigarray.array1_of_genarray (Unix.map_file descriptor Bigarray.char Bigarray.c_layout false [| facts.st_size |])
            with Unix.Unix_error (code, _, _) -> unreadable path (Unix.error_message code)
        in
        opened := { path; descriptor; size = facts.st_size; modified = facts.st_mtime } :: !opened;
        bytes
      with fault -> Unix.close descriptor; raise fault)

(* Those that were opened since [others] were. *)
let close_until others =
  while !opened != others do Unix.close (List.hd !opened).descriptor; opened := List.tl !opened done

(* Refuses where somebody wrote into one of the files since it was opened, as far as size and time tell. *)
let check_unchanged () =
  List.iter (fun file ->
      let now = Unix.fstat file.descriptor in
      if now.st_size <> file.size || now.st_mtime <> file.modified then
        changed (Printf.sprintf "%s: %d bytes when opened, %d bytes now" file.path file.size now.st_size))
    (List.rev !opened)

(* Which file stands under the name: another after it was replaced. *)
let version path = match Unix.stat path with exception Unix.Unix_error _ -> None | s -> Some (s.st_dev, s.st_ino, s.st_mtime)

let most_times = 100 (* beside somebody who writes without end *)

(* What [read] reads from the files of [paths], as they stand together: where another process replaced one of them meanwhile, or what was
   read does not [stand] any more, whatever was found is read again. *)
let unreplaced ?(stands = fun _ -> true) paths read =
  let others = !opened in
  let rec attempt times =
    let before = List.map version paths in
    let found = try Ok (read ()) with Refusal.Refused _ as fault -> Error fault in
    let same = List.map version paths = before in
    match found with
    | Ok result when same && stands result -> result
    | Error fault when same -> raise fault
    | _ ->
        close_until others;
        if times = most_times then changed (Printf.sprintf "%s: replaced %d times" (String.concat ", " paths) times);
        attempt (times + 1)
  in
  attempt 1
