(* Makes bundles for the checker's test, by arithmetic of its own: floats whose steps are exact by construction, and one
   common power of two for the exact losses. It shares no code with the checker. *)

type row = {
  weights : float array;           (* binary32 numbers *)
  codes : int array;               (* GF16 words *)
  scale : float;                   (* binary32 *)
  claims : int;
  ends : float array;              (* final low, high; rtn low, high *)
}

type bundle = { columns : int; gram : float array array; rows : row array }

let single x = Int32.float_of_bits (Int32.bits_of_float x)

(* The value of a finite GF16 word. *)
let gf16 word =
  let e = (word lsr 9) land 63 and f = word land 511 in
  let magnitude = if e = 0 then ldexp (float f) (-39) else ldexp (float (f + 512)) (e - 40) in
  if word land 0x8000 <> 0 then -.magnitude else magnitude

let max_word = 0x7DFF

(* The nearest code to x on s times the grid: by bisection over the words, then by comparing with the midpoint, which has
   24 + 11 bits at most and is exact. Ties to the even word. *)
let nearest s x =
  let a = abs_float x in
  let point k = s *. gf16 k in
  let rec bisect low high = (* point low <= a < point high *)
    if high - low <= 1 then low
    else
      let middle = (low + high) / 2 in
      if point middle <= a then bisect middle high else bisect low middle
  in
  let k =
    if a >= point max_word then max_word
    else
      let low = bisect 0 max_word in
      let twice_middle = s *. (gf16 low +. gf16 (low + 1)) in
      if 2. *. a < twice_middle then low
      else if 2. *. a > twice_middle then low + 1
      else if low land 1 = 0 then low
      else low + 1
  in
  if x < 0. then k lor 0x8000 else k

(* x * 2^bits as an integer; x must be a multiple of 2^-bits. *)
let fixed bits x =
  let y = ldexp x bits in
  if not (Float.is_integer y) then failwith (Printf.sprintf "%h is no multiple of 2^-%d" x bits);
  Z.of_float y

let error_bits = 110

(* e G e^T exactly, as a rational: the entries of e are differences of two floats. *)
let loss gram_fixed gram_bits scale weights codes =
  let n = Array.length weights in
  let e =
    Array.init n (fun j -> Z.sub (fixed error_bits weights.(j)) (fixed error_bits (scale *. gf16 codes.(j))))
  in
  let total = ref Z.zero in
  for i = 0 to n - 1 do
    let part = ref Z.zero in
    for j = 0 to n - 1 do
      part := Z.add !part (Z.mul gram_fixed.(i).(j) e.(j))
    done;
    total := Z.add !total (Z.mul e.(i) !part)
  done;
  Q.make !total (Z.shift_left Z.one ((2 * error_bits) + gram_bits))

(* The tightest binary64 enclosure. *)
let enclose q =
  let x = Q.to_float q in
  let back = Q.compare (Q.of_float x) q in
  ((if back > 0 then Float.pred x else x), if back < 0 then Float.succ x else x)

(* Lowers the loss one code at a time where a step toward the other neighbour wins clearly. *)
let improve gram scale weights codes =
  let n = Array.length weights in
  let e = Array.init n (fun j -> weights.(j) -. (scale *. gf16 codes.(j))) in
  for j = 0 to n - 1 do
    let slope = ref 0. in
    for i = 0 to n - 1 do slope := !slope +. (gram.(j).(i) *. e.(i)) done;
    let try_word word =
      if word land 0x7FFF <= max_word then begin
        let step = scale *. (gf16 codes.(j) -. gf16 word) in
        let change = step *. ((2. *. !slope) +. (step *. gram.(j).(j))) in
        if change < -1e-6 *. abs_float (step *. !slope) then begin
          codes.(j) <- word;
          e.(j) <- e.(j) +. step;
          slope := !slope +. (step *. gram.(j).(j))
        end
      end
    in
    try_word (codes.(j) + 1);
    if codes.(j) land 0x7FFF > 0 then try_word (codes.(j) - 1)
  done

(* A bundle that must be accepted: correlated tokens, rows of different magnitude, scales with 11 bits, rows kept at
   round-to-nearest and rows that beat it, rows with clipped and with subnormal codes. *)
let make ~rows ~columns ~seed =
  let random = Random.State.make [| seed; rows; columns |] in
  let uniform () = Random.State.float random 2. -. 1. in
  let tokens = columns + 7 in
  let x =
    Array.init tokens (fun _ ->
        let common = uniform () in
        Array.init columns (fun _ -> single (ldexp (Float.round (ldexp ((0.7 *. common) +. uniform ()) 16)) (-16))))
  in
  let gram =
    Array.init columns (fun i ->
        Array.init columns (fun j -> Array.fold_left (fun sum t -> sum +. (t.(i) *. t.(j))) 0. x))
  in
  let gram_bits = 96 in
  let gram_fixed = Array.map (Array.map (fixed gram_bits)) gram in
  let row i =
    let size = if i mod 6 = 4 then 1. else ldexp 1. (-(Random.State.int random 12)) in
    let scale =
      match i mod 6 with
      | 0 -> 1.
      | 1 -> size
      | 4 -> ldexp (float (1024 + Random.State.int random 1024)) (-44) (* weights beyond the last point *)
      | 5 -> ldexp (float (1024 + Random.State.int random 1024)) 10 (* subnormal codes *)
      | _ -> ldexp (float (1024 + Random.State.int random 1024)) (-10 - Random.State.int random 8)
    in
    let weights =
      Array.init columns (fun j ->
          if j mod 17 = 3 then 0.
          else if j mod 13 = 5 then single (scale *. 0.5 *. (gf16 0x3A00 +. gf16 0x3A01)) (* a tie *)
          else single (ldexp (Float.round (ldexp (size *. uniform ()) 30)) (-30)))
    in
    let rtn = Array.map (nearest scale) weights in
    let codes = Array.copy rtn in
    let claims = if i mod 3 = 0 || i mod 6 = 4 then 1 else 0 in
    if claims = 0 then improve gram scale weights codes;
    let exact = loss gram_fixed gram_bits scale weights in
    let final_low, final_high = enclose (exact codes) in
    let rtn_low, rtn_high = enclose (exact rtn) in
    { weights; codes; scale; claims; ends = [| final_low; final_high; rtn_low; rtn_high |] }
  in
  { columns; gram; rows = Array.init rows row }

(* The bytes of docs/bundle-format.md. *)
let encode bundle =
  let buffer = Buffer.create 65536 in
  let each_row f = Array.iter f bundle.rows in
  Buffer.add_string buffer "HALLBUND";
  Buffer.add_int32_le buffer 1l;
  Buffer.add_int32_le buffer 0l;
  Buffer.add_int64_le buffer (Int64.of_int (Array.length bundle.rows));
  Buffer.add_int64_le buffer (Int64.of_int bundle.columns);
  each_row (fun r -> Array.iter (fun w -> Buffer.add_int32_le buffer (Int32.bits_of_float w)) r.weights);
  Array.iter (Array.iter (fun g -> Buffer.add_int64_le buffer (Int64.bits_of_float g))) bundle.gram;
  each_row (fun r -> Array.iter (Buffer.add_uint16_le buffer) r.codes);
  each_row (fun r -> Buffer.add_int32_le buffer (Int32.bits_of_float r.scale));
  each_row (fun r -> Buffer.add_uint8 buffer r.claims);
  each_row (fun r -> Array.iter (fun e -> Buffer.add_int64_le buffer (Int64.bits_of_float e)) r.ends);
  Buffer.to_bytes buffer

let weights_at _ = 32
let gram_at b = 32 + (Array.length b.rows * b.columns * 4)
let codes_at b = gram_at b + (b.columns * b.columns * 8)
let scales_at b = codes_at b + (Array.length b.rows * b.columns * 2)
let flags_at b = scales_at b + (Array.length b.rows * 4)
let ends_at b = flags_at b + Array.length b.rows
