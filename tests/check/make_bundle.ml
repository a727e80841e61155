(* Makes bundles for the checker's tests, by arithmetic of its own: floats whose steps are exact by construction, rationals for
   tables, and one common power of two for the exact losses. It shares no arithmetic with the checker. *)

type grid = Golden of int * int | Integer of int * int | Table of float array

type row = {
  weights : float array;           (* binary32 numbers *)
  codes : int array;               (* words, integers or indices *)
  scales : float array;            (* binary32, one for each group *)
  zeros : int array;               (* one for each group *)
  claims : int;
  ends : float array;              (* final low, high; rtn low, high *)
}

type bundle = {
  grid : grid;
  group_size : int;
  with_zeros : bool;
  with_gram : bool;
  guard : bool;
  columns : int;
  gram : float array array;
  rows : row array;
}

let single x = Int32.float_of_bits (Int32.bits_of_float x)
let groups ~columns ~group_size = if group_size = 0 then 1 else (columns + group_size - 1) / group_size
let group ~group_size j = if group_size = 0 then 0 else j / group_size

(* GF(e, m): the value of a finite word, and the last word that is one. *)
let golden e m word =
  let field = (word lsr m) land ((1 lsl e) - 1) and fraction = word land ((1 lsl m) - 1) in
  let bias = (1 lsl (e - 1)) - 1 in
  let magnitude =
    if field = 0 then ldexp (float fraction) (1 - bias - m) else ldexp (float (fraction + (1 lsl m))) (field - bias - m)
  in
  if word lsr (e + m) <> 0 then -.magnitude else magnitude

let last_word e m = (((1 lsl e) - 1) lsl m) - 1
let magnitude_of e m word = word land ((1 lsl (e + m)) - 1)

(* The value of a code, z being the zero point, and whether it is one. *)
let value grid z code =
  match grid with
  | Golden (e, m) -> golden e m code
  | Integer _ -> float (code - z)
  | Table values -> values.(code)

let is_code grid code =
  match grid with
  | Golden (e, m) -> code lsr (1 + e + m) = 0 && magnitude_of e m code <= last_word e m
  | Integer (first, last) -> first <= code && code <= last
  | Table values -> 0 <= code && code < Array.length values

(* The largest k in low .. high - 1 with below k, if below low and not below high. *)
let rec bisect below low high =
  if high - low <= 1 then low
  else
    let middle = (low + high) / 2 in
    if below middle then bisect below middle high else bisect below low middle

(* The nearest code to x on the grid with step s: the point at or below x, and the midpoint above it. A golden midpoint has
   24 + 14 bits at most, an integer's 24 + 11: exact. A table's is a rational. Ties to the even word, integer or index. *)
let nearest grid s z x =
  let x = if s < 0. then -.x else x and s = abs_float s in
  let choose k twice_middle_less = if twice_middle_less < 0 then k + 1 else if twice_middle_less > 0 then k
    else if k land 1 = 0 then k else k + 1 in
  match grid with
  | Golden (e, m) ->
      let a = abs_float x and last = last_word e m in
      let point k = s *. golden e m k in
      let k =
        if a >= point last then last
        else
          let k = bisect (fun k -> point k <= a) 0 last in
          choose k (compare (s *. (golden e m k +. golden e m (k + 1))) (2. *. a))
      in
      if x < 0. then k lor (1 lsl (e + m)) else k
  | Integer (first, last) ->
      let low = first - z and high = last - z in
      let point k = s *. float k in
      z + (if x >= point high then high
           else if x <= point low then low
           else
             let offset = bisect (fun k -> point (low + k) <= x) 0 (high - low) in
             let k = low + offset in
             let twice_middle = s *. float ((2 * k) + 1) in
             if 2. *. x > twice_middle || (2. *. x = twice_middle && k land 1 <> 0) then k + 1 else k)
  | Table values ->
      let y = Q.div (Q.of_float x) (Q.of_float s) in
      let at k = Q.of_float values.(k) in
      let last = Array.length values - 1 in
      if Q.geq y (at last) then last
      else if Q.leq y (at 0) then 0
      else
        let k = bisect (fun k -> Q.leq (at k) y) 0 last in
        choose k (Q.compare (Q.add (at k) (at (k + 1))) (Q.add y y))

(* x * 2^bits as an integer; x must be a multiple of 2^-bits. *)
let fixed bits x =
  let y = ldexp x bits in
  if not (Float.is_integer y) then failwith (Printf.sprintf "%h is no multiple of 2^-%d" x bits);
  Z.of_float y

let error_bits = 160
let gram_bits = 96

(* The points of a row of codes. *)
let points grid group_size scales zeros codes =
  Array.mapi (fun j code -> let k = group ~group_size j in scales.(k) *. value grid zeros.(k) code) codes

(* e G e^T exactly, as a rational: the entries of e are differences of two floats. *)
let loss gram_fixed weights points =
  let n = Array.length weights in
  let e = Array.init n (fun j -> Z.sub (fixed error_bits weights.(j)) (fixed error_bits points.(j))) in
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

(* The codes beside a code. *)
let neighbours grid code =
  let around =
    match grid with
    | Golden (e, m) when magnitude_of e m code = 0 -> [ code + 1 ]
    | Golden _ | Integer _ | Table _ -> [ code + 1; code - 1 ]
  in
  List.filter (is_code grid) around

(* Lowers the loss one code at a time where a step toward a neighbour wins clearly. *)
let improve grid group_size gram scales zeros weights codes =
  let n = Array.length weights in
  let point j code = let k = group ~group_size j in scales.(k) *. value grid zeros.(k) code in
  let e = Array.init n (fun j -> weights.(j) -. point j codes.(j)) in
  for j = 0 to n - 1 do
    let slope = ref 0. in
    for i = 0 to n - 1 do slope := !slope +. (gram.(j).(i) *. e.(i)) done;
    List.iter (fun code ->
        let step = point j codes.(j) -. point j code in
        let change = step *. ((2. *. !slope) +. (step *. gram.(j).(j))) in
        if change < -1e-6 *. abs_float (step *. !slope) then begin
          codes.(j) <- code;
          e.(j) <- e.(j) +. step;
          slope := !slope +. (step *. gram.(j).(j))
        end)
      (neighbours grid codes.(j))
  done

(* Scales of 11 bits for rows whose weights are below [size]: rows of every sixth kind have weights beyond the last point, or
   subnormal ones. *)
let scale_for random grid i size =
  let mantissa () = float (1024 + Random.State.int random 1024) in
  match grid with
  | Golden (e, _) -> (
      let top = 1 lsl (e - 1) in
      match i mod 6 with
      | 0 -> 1.
      | 1 -> size
      | 4 -> ldexp (mantissa ()) (-12 - top)
      | 5 -> ldexp (mantissa ()) (top - 16)
      | _ -> ldexp (mantissa ()) (-10 - Random.State.int random 8))
  | Integer (first, last) ->
      let span = snd (frexp (float (last - first))) and shrink = if i mod 6 = 4 then 2 else 0 in
      ldexp (size *. mantissa ()) (-9 - span - shrink)
  | Table values ->
      let reach = snd (frexp (Array.fold_left (fun most v -> Float.max most (abs_float v)) 0. values)) in
      let shrink = if i mod 6 = 4 then 2 else 0 in
      ldexp (size *. mantissa ()) (-10 - reach - shrink)

(* Two neighbouring values in the middle of the grid; a tie lies between them. *)
let middle_pair grid z =
  match grid with
  | Golden (e, m) ->
      let word = ((1 lsl (e - 1)) - 2) lsl m in
      (golden e m word, golden e m (word + 1))
  | Integer (first, last) ->
      let k = ((first + last) / 2) - z in
      (float k, float (k + 1))
  | Table values ->
      let k = (Array.length values - 1) / 2 in
      (values.(k), values.(k + 1))

(* A bundle that must be accepted: correlated tokens, rows of different magnitude, scales with 11 bits of both signs, rows kept at round-to-nearest and rows that beat it, rows with clipped and with subnormal codes. *)
let make ?(positive = false) ?(group_size = 0) ?(with_zeros = false) ?(with_gram = true) ?(guard = true) grid ~rows ~columns ~seed =
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
  let gram_fixed = Array.map (Array.map (fixed gram_bits)) gram in
  let row i =
    let size = if i mod 6 = 4 then 1. else ldexp 1. (-(Random.State.int random 12)) in
    let count = groups ~columns ~group_size in
    let scales =
      Array.init count (fun k ->
          let s = scale_for random grid i size in
          if (not positive) && (i + k) mod 2 = 1 then -.s else s)
    in
    let zeros =
      Array.init count (fun _ ->
          match grid with
          | Integer (first, last) when with_zeros -> first + Random.State.int random (last - first + 1)
          | _ -> 0)
    in
    let weights =
      Array.init columns (fun j ->
          let k = group ~group_size j in
          if j mod 17 = 3 then 0.
          else if j mod 13 = 5 then
            let a, b = middle_pair grid zeros.(k) in
            single (scales.(k) *. 0.5 *. (a +. b)) (* a tie *)
          else single (ldexp (Float.round (ldexp (size *. uniform ()) 30)) (-30)))
    in
    let rtn = Array.mapi (fun j w -> let k = group ~group_size j in nearest grid scales.(k) zeros.(k) w) weights in
    let codes = Array.copy rtn in
    let claims = if i mod 3 = 0 || i mod 6 = 4 then 1 else 0 in
    if claims = 0 then improve grid group_size gram scales zeros weights codes;
    let exact codes = loss gram_fixed weights (points grid group_size scales zeros codes) in
    let final_low, final_high = enclose (exact codes) in
    let rtn_low, rtn_high = enclose (exact rtn) in
    { weights; codes; scales; zeros; claims; ends = [| final_low; final_high; rtn_low; rtn_high |] }
  in
  { grid; group_size; with_zeros; with_gram; guard; columns; gram; rows = Array.init rows row }

let gf16 = Golden (6, 9)

(* The bundle as the judge's words. *)
let word32 x = Z.of_int (Int32.to_int (Int32.bits_of_float x) land 0xFFFFFFFF)
let word64 x = Exact.of_word (Int64.bits_of_float x)

let rec nat n = if n = 0 then Checker.O else Checker.S (nat (n - 1))

let judged_row r =
  let all f a = Array.to_list (Array.map f a) in
  { Checker.weights = all word32 r.weights; codes = all (fun c -> Z.of_int (c land 0xFFFF)) r.codes; scales = all word32 r.scales;
    zeros = all Z.of_int r.zeros; claims_rtn = r.claims = 1; final_low = word64 r.ends.(0); final_high = word64 r.ends.(1);
    rtn_low = word64 r.ends.(2); rtn_high = word64 r.ends.(3); exact_losses = None }

let judged b =
  { Checker.code_grid =
      (match b.grid with
       | Golden (e, m) -> Checker.Golden (Z.of_int e, Z.of_int m)
       | Integer (first, last) -> Checker.Integer (Z.of_int first, Z.of_int last)
       | Table values -> Checker.Table (Array.to_list (Array.map word32 values)));
    group_size = nat b.group_size; columns = nat b.columns;
    gram_words = (if b.with_gram then Some (Array.to_list (Array.map (fun r -> Array.to_list (Array.map word64 r)) b.gram)) else None);
    guarded = b.guard; rows = Array.to_list (Array.map judged_row b.rows) }

(* Bundles as the tools write them: what a certificate of round-to-nearest rows says, and honest ends. *)
let re_encode b =
  let gram_fixed = Array.map (Array.map (fixed gram_bits)) b.gram in
  let row r =
    let rtn = Array.mapi (fun j w -> let k = group ~group_size:b.group_size j in nearest b.grid r.scales.(k) r.zeros.(k) w) r.weights in
    let ends codes = enclose (loss gram_fixed r.weights (points b.grid b.group_size r.scales r.zeros codes)) in
    let a, b' = ends r.codes and c, d = ends rtn in
    { r with ends = [| a; b'; c; d |] }
  in
  { b with rows = Array.map row b.rows }

let map_row b i f = { b with rows = Array.mapi (fun k r -> if k = i then f r else r) b.rows }

(* Every row rounded to nearest at the given scales. *)
let rounded b scales =
  let row i r =
    let s = scales i in
    let codes = Array.mapi (fun j w -> nearest b.grid s.(group ~group_size:b.group_size j) r.zeros.(group ~group_size:b.group_size j) w) r.weights in
    { r with scales = s; codes; claims = 1 }
  in
  re_encode { b with rows = Array.mapi row b.rows }
