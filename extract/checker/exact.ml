(* Coq's Z and positive as zarith integers. Each function agrees with Coq's for every argument that the checker can
   pass; where Coq's function is total and zarith's is not, the remaining cases are spelled out. *)

type t = Z.t

external add : t -> t -> t = "ml_z_add"
external sub : t -> t -> t = "ml_z_sub"
external mul : t -> t -> t = "ml_z_mul"

(* A word of 64 bits, unsigned. *)
let of_word word =
  let z = Z.of_int64 word in
  if Int64.compare word 0L < 0 then Z.add z (Z.shift_left Z.one 64) else z

let zero = Z.zero
let one = Z.one
let neg = Z.neg
let abs = Z.abs
let min = Z.min
let max = Z.max
let equal = Z.equal
let leq = Z.leq
let lt = Z.lt
let compare = Z.compare
let even = Z.is_even
let sgn z = Z.of_int (Z.sign z)

(* Coq divides toward minus infinity, and x / 0 = 0, x mod 0 = x. *)
let div a b = if Z.sign b = 0 then Z.zero else Z.fdiv a b
let modulo a b = if Z.sign b = 0 then a else Z.sub a (Z.mul b (Z.fdiv a b))

(* x ^ n = 0 for n < 0. Powers of two, which are nearly all, are shifts. *)
let two = Z.of_int 2
let pow x n =
  if Z.sign n < 0 then Z.zero else if Z.equal x two then Z.shift_left Z.one (Z.to_int n) else Z.pow x (Z.to_int n)

(* floor (log2 z), and 0 for z <= 0. *)
let log2 z = if Z.sign z <= 0 then Z.zero else Z.of_int (Z.log2 z)

(* A negative count shifts to the right, toward minus infinity. *)
let shiftl z n =
  let n = Z.to_int n in
  if n >= 0 then Z.shift_left z n else Z.shift_right z (-n)

(* The constructors of positive (2p + 1, 2p, 1) and of Z (0, p, -p), and matching on them. *)
let xI p = Z.succ (Z.shift_left p 1)
let xO p = Z.shift_left p 1
let of_positive p = p

let match_positive odd even one p =
  if Z.equal p Z.one then one ()
  else if Z.is_odd p then odd (Z.shift_right p 1)
  else even (Z.shift_right p 1)

let match_integer zero positive negative z =
  match Z.sign z with 0 -> zero () | 1 -> positive z | _ -> negative (Z.neg z)
