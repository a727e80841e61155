(* Where the scales of a matrix come from, and the steps that a rule gives. What is made here Coq's rules judge, so that nothing
   depends on how it is made. *)

open Container

(* A rule that Coq knows; the calibration file; a search that began from a rule's steps and of which losses alone are judged; a
   rule or method that nobody knows here. *)
type t = Rule of Checker.scale_rule * string | Given | Searched of Checker.scale_rule * string | Unknown of string

let known = function
  | "unit" -> Some Checker.UnitRule
  | "row-pow2" -> Some RowPow2
  | "matrix-max" -> Some MatrixMax
  | "absmax" -> Some AbsMax
  | "minmax" -> Some MinMax
  | "sdclip" -> Some SdClip
  | _ -> None

(* Methods that leave the steps of a rule, and those that keep them. *)
let fits_steps meth = List.mem meth [ "descent"; "greedy"; "best"; "prune" ]
let keeps_steps meth = List.mem meth [ "gptq"; "rtn" ]

let of_matrix (m : matrix) =
  let { meth; scale_rule; grid; _ } = m.options in
  if not (fits_steps meth || keeps_steps meth) then Unknown ("method " ^ meth)
  else
    match (scale_rule, known scale_rule) with
    | "given", _ -> Given
    | rule, Some r -> if fits_steps meth then Searched (r, rule) else Rule (r, rule)
    | "search", None when meth <> "rtn" ->
        let default = if grid.zero_points then "minmax" else "absmax" in
        Searched (Option.get (known default), default)
    | rule, None -> Unknown ("rule " ^ rule)

(* The rules that a grid takes, as hallmark has them. *)
let takes rule (grid : Grids.t) =
  match (rule, grid.judged) with
  | Checker.UnitRule, _ -> true
  | (RowPow2 | MatrixMax), Checker.Golden _ -> true
  | (AbsMax | SdClip), Checker.Golden _ -> false
  | (AbsMax | SdClip), _ -> not grid.zero_points
  | MinMax, _ -> grid.zero_points
  | _ -> false

let bits (m : matrix) = if m.options.scale_storage = "bf16" then 8 else 11

(* Whether a row has the scales of the rule: a function of the row. [top] is the word of the largest magnitude in the matrix. *)
let holds (m : matrix) rule ~top ~columns ~size =
  let scaling =
    { Checker.rule_of = rule; scale_bits = Z.of_int (bits m); either_sign = m.options.grid.either_sign; matrix_top = Z.of_int top }
  in
  fun row -> takes rule m.options.grid && Checker.scales_fit scaling m.options.grid.judged columns size row

(* The least number of so many significant bits, none finer than 2^-149, that is not below v > 0. *)
let round_up bits v =
  let unit = max (snd (Float.frexp v) - bits) (-149) in
  Float.ldexp (Float.ceil (Float.ldexp v (-unit))) unit

(* sqrt(sum (w - mean)^2 / (n - 1)), summed in the order of w as hallmark does; 0 for one number. *)
let deviation w =
  let n = float (Array.length w) in
  let mean = Array.fold_left ( +. ) 0. w /. n in
  if n < 2. then 0. else sqrt (Array.fold_left (fun sum x -> sum +. ((x -. mean) *. (x -. mean))) 0. w /. (n -. 1.))

(* The scale and the zero point that the rule gives a group of weights, in the arithmetic of hallmark. *)
let step (m : matrix) rule ~top w =
  let grid = m.options.grid in
  let most = Array.fold_left (fun most x -> Float.max most (Float.abs x)) 0. w and up = round_up (bits m) in
  let to_largest magnitude =
    let largest =
      match grid.judged with
      | Integer (first, last) -> Z.to_float (Z.max (Z.neg first) last)
      | Table values -> List.fold_left (fun l v -> Float.max l (Float.abs (Numbers.float_of_single (Z.to_int v)))) 0. values
      | Golden _ -> 1.
    in
    let mirrored = grid.either_sign && not (Array.mem (-.most) w) in
    ((if mirrored then -1. else 1.) *. up (magnitude /. largest), 0)
  in
  match (rule, grid.judged) with
  | Checker.RowPow2, _ when most > 0. -> (Float.ldexp 1. (snd (Float.frexp most) - 1), 0)
  | MatrixMax, _ when top <> 0 -> (up (Numbers.float_of_single top), 0)
  | SdClip, _ when deviation w > 0. ->
      to_largest (Z.to_float (Checker.clip_hundredths (Z.of_int grid.bits)) /. 100. *. deviation w)
  | (AbsMax | SdClip), (Integer _ | Table _) when most > 0. -> to_largest most
  | MinMax, Integer (first, last) ->
      let low = Array.fold_left Float.min 0. w and high = Array.fold_left Float.max 0. w in
      if low = high then (1., 0)
      else
        let s = up ((high -. low) /. Z.to_float last) in
        let y = -.low /. s in
        let z = if y -. Float.floor y = 0.5 then 2. *. Float.round (y /. 2.) else Float.round y in
        (s, max (Z.to_int first) (min (Z.to_int last) (int_of_float z)))
  | _ -> (1., 0)

(* Those of a row of words: binary32 words and zero points, a group each. *)
let steps (m : matrix) rule ~top words =
  let width = if m.options.group_size = 0 then m.columns else m.options.group_size in
  let of_group k =
    let first = k * width in
    step m rule ~top (Array.map Numbers.float_of_single (Array.sub words first (min width (m.columns - first))))
  in
  let made = List.init (groups m) of_group in
  (List.map (fun (s, _) -> Z.of_int (Int32.to_int (Int32.bits_of_float s) land 0xFFFFFFFF)) made, List.map (fun (_, z) -> Z.of_int z) made)
