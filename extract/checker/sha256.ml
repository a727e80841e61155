(* SHA-256 (FIPS 180-4), here because Debian's libsha-ocaml is C and one more package. Words of 32 bits lie in OCaml's integers of 63. *)

let constants =
  [| 0x428a2f98; 0x71374491; 0xb5c0fbcf; 0xe9b5dba5; 0x3956c25b; 0x59f111f1; 0x923f82a4; 0xab1c5ed5; 0xd807aa98; 0x12835b01;
     0x243185be; 0x550c7dc3; 0x72be5d74; 0x80deb1fe; 0x9bdc06a7; 0xc19bf174; 0xe49b69c1; 0xefbe4786; 0x0fc19dc6; 0x240ca1cc;
     0x2de92c6f; 0x4a7484aa; 0x5cb0a9dc; 0x76f988da; 0x983e5152; 0xa831c66d; 0xb00327c8; 0xbf597fc7; 0xc6e00bf3; 0xd5a79147;
     0x06ca6351; 0x14292967; 0x27b70a85; 0x2e1b2138; 0x4d2c6dfc; 0x53380d13; 0x650a7354; 0x766a0abb; 0x81c2c92e; 0x92722c85;
     0xa2bfe8a1; 0xa81a664b; 0xc24b8b70; 0xc76c51a3; 0xd192e819; 0xd6990624; 0xf40e3585; 0x106aa070; 0x19a4c116; 0x1e376c08;
     0x2748774c; 0x34b0bcb5; 0x391c0cb3; 0x4ed8aa4a; 0x5b9cca4f; 0x682e6ff3; 0x748f82ee; 0x78a5636f; 0x84c87814; 0x8cc70208;
     0x90befffa; 0xa4506ceb; 0xbef9a3f7; 0xc67178f2 |]

type t = { state : int array; schedule : int array; block : Bytes.t; mutable filled : int; mutable total : int }

let create () =
  { state = [| 0x6a09e667; 0xbb67ae85; 0x3c6ef372; 0xa54ff53a; 0x510e527f; 0x9b05688c; 0x1f83d9ab; 0x5be0cd19 |];
    schedule = Array.make 64 0; block = Bytes.create 64; filled = 0; total = 0 }

let mask = 0xFFFFFFFF

(* One block, whose first 16 words stand in the schedule. *)
let compress t =
  let w = t.schedule and h = t.state in
  for i = 16 to 63 do
    let a = Array.unsafe_get w (i - 15) and b = Array.unsafe_get w (i - 2) in
    let s0 = ((a lsr 7) lor (a lsl 25)) lxor ((a lsr 18) lor (a lsl 14)) lxor (a lsr 3) in
    let s1 = ((b lsr 17) lor (b lsl 15)) lxor ((b lsr 19) lor (b lsl 13)) lxor (b lsr 10) in
    Array.unsafe_set w i
      ((Array.unsafe_get w (i - 16) + Array.unsafe_get w (i - 7) + (s0 land mask) + (s1 land mask)) land mask)
  done;
  let rec round i a b c d e f g k =
    if i = 64 then begin
      h.(0) <- (h.(0) + a) land mask; h.(1) <- (h.(1) + b) land mask; h.(2) <- (h.(2) + c) land mask;
      h.(3) <- (h.(3) + d) land mask; h.(4) <- (h.(4) + e) land mask; h.(5) <- (h.(5) + f) land mask;
      h.(6) <- (h.(6) + g) land mask; h.(7) <- (h.(7) + k) land mask
    end
    else
      let s1 = ((e lsr 6) lor (e lsl 26)) lxor ((e lsr 11) lor (e lsl 21)) lxor ((e lsr 25) lor (e lsl 7)) in
      let choice = g lxor (e land (f lxor g)) in
      let t1 = k + (s1 land mask) + choice + Array.unsafe_get constants i + Array.unsafe_get w i in
      let s0 = ((a lsr 2) lor (a lsl 30)) lxor ((a lsr 13) lor (a lsl 19)) lxor ((a lsr 22) lor (a lsl 10)) in
      let majority = (a land b) lor (c land (a lor b)) in
      round (i + 1) ((t1 + (s0 land mask) + majority) land mask) a b c ((d + t1) land mask) e f g
  in
  round 0 h.(0) h.(1) h.(2) h.(3) h.(4) h.(5) h.(6) h.(7)

let unsigned word = Int32.to_int word land mask
external swap32 : int32 -> int32 = "%bswap_int32"

let compress_block t =
  for i = 0 to 15 do t.schedule.(i) <- unsigned (Bytes.get_int32_be t.block (4 * i)) done;
  compress t

let add_byte t byte =
  Bytes.set_uint8 t.block t.filled byte;
  t.filled <- t.filled + 1;
  if t.filled = 64 then (t.filled <- 0; compress_block t)

let add t bytes =
  let n = Mapped.size bytes in
  t.total <- t.total + n;
  let rec go i =
    if t.filled = 0 && i + 64 <= n then begin
      for k = 0 to 15 do Array.unsafe_set t.schedule k (unsigned (swap32 (Mapped.word32 bytes (i + (4 * k))))) done;
      compress t;
      go (i + 64)
    end
    else if i < n then (add_byte t (Mapped.byte bytes i); go (i + 1))
  in
  go 0

let add_string t text =
  t.total <- t.total + String.length text;
  String.iter (fun c -> add_byte t (Char.code c)) text

let hex t =
  let bits = 8 * t.total in
  add_byte t 0x80;
  while t.filled <> 56 do add_byte t 0 done;
  for k = 7 downto 0 do add_byte t ((bits lsr (8 * k)) land 0xFF) done;
  String.concat "" (Array.to_list (Array.map (Printf.sprintf "%08x") t.state))

let of_bytes bytes = let t = create () in add t bytes; hex t
let of_string text = let t = create () in add_string t text; hex t
