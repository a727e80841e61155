(* Codes of fewer than 8 bits side by side, the least significant bit first (docs/file-format.md, section 2). *)

(* The bytes that [count] numbers of [bits] bits take. *)
let size count bits = ((count * bits) + 7) / 8

(* Number k of the run that begins at byte [first]: it lies in one byte or two. *)
let number data first bits k =
  let at = bits * k in
  let byte = first + (at / 8) and shift = at mod 8 in
  let low = Mapped.byte data byte in
  let wide = if shift + bits > 8 then low lor (Mapped.byte data (byte + 1) lsl 8) else low in
  (wide lsr shift) land ((1 lsl bits) - 1)

(* Whether the bits after the last number of the run are 0. *)
let padded data first bits count =
  let used = count * bits mod 8 in
  used = 0 || Mapped.byte data (first + size count bits - 1) lsr used = 0
