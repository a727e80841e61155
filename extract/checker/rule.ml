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
  | "sdclip-adaptive" -> Some SdClipAdaptive
  | "awq-lite" -> Some AwqLite
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
  | (AbsMax | SdClip | SdClipAdaptive), Checker.Golden _ -> false
  | (AbsMax | SdClip | SdClipAdaptive), _ -> not grid.zero_points
  | MinMax, _ -> grid.zero_points
  | AwqLite, Integer _ -> grid.bits = 8 && not grid.zero_points
  | _ -> false

let bits (m : matrix) = if m.options.scale_storage = "bf16" then 8 else 11

(* What a rule reads of the whole matrix: the word of its largest magnitude; the c of sdclip-adaptive and, group by group, the sum of
   G_jj; the group that matters most to awq-lite. The judge takes these as they are. *)
type facts = { top : int; level : float; inputs : float array; best : int option }

let of_top top = { top; level = 0.; inputs = [||]; best = None }

let reads_calibration = function Checker.SdClipAdaptive | AwqLite -> true | _ -> false

let width_of (m : matrix) = if m.options.group_size = 0 then m.columns else m.options.group_size
let group_of (m : matrix) k a = Array.sub a (k * width_of m) (min (width_of m) (m.columns - (k * width_of m)))

(* Of a matrix given by the words of its rows. The diagonal of G is there where the codes are judged by G. *)
let facts_of (m : matrix) rule ~top ~words_of_row diagonal =
  match (rule, diagonal) with
  | Checker.SdClipAdaptive, Some diagonal ->
      let count = groups m in
      let inputs = Array.init count (fun k -> Array.fold_left ( +. ) 0. (group_of m k diagonal)) in
      let rises = Array.make (m.rows * count) 0. and sizes = Array.make (m.rows * count) 0. in
      for i = 0 to m.rows - 1 do
        let row = Array.map Numbers.float_of_single (words_of_row i) in
        for k = 0 to count - 1 do
          let w = group_of m k row in
          rises.((i * count) + k) <- Deviation.rise ~inputs:inputs.(k) w;
          sizes.((i * count) + k) <- float (Array.length w)
        done
      done;
      { (of_top top) with level = Deviation.level rises sizes; inputs }
  | AwqLite, Some diagonal ->
      let sums = Array.make m.columns 0. in
      for i = 0 to m.rows - 1 do
        Array.iteri (fun j word -> sums.(j) <- sums.(j) +. Float.abs (Numbers.float_of_single word)) (words_of_row i)
      done;
      let scores = Array.mapi (fun j sum -> sqrt diagonal.(j) *. (sum /. float m.rows)) sums in
      let score k = Array.fold_left ( +. ) 0. (group_of m k scores) in
      let best = ref 0 in
      for k = 1 to groups m - 1 do if score k > score !best then best := k done;
      { (of_top top) with best = Some !best }
  | _ -> of_top top

let rec natural ?(from = Checker.O) n = if n = 0 then from else natural ~from:(S from) (n - 1)

(* A finite number as the judge has it. *)
let dyadic x =
  let fraction, e = Float.frexp x in
  { Checker.fnum = Z.of_float (Float.ldexp fraction 53); fexp = Z.of_int (e - 53) }

(* Whether a row has the scales of the rule: a function of the row. *)
let holds (m : matrix) rule facts ~columns ~size =
  let scaling =
    { Checker.rule_of = rule; scale_bits = Z.of_int (bits m); either_sign = m.options.grid.either_sign;
      matrix_top = Z.of_int facts.top; level = dyadic facts.level; inputs = List.map dyadic (Array.to_list facts.inputs);
      best_group = natural (Option.value facts.best ~default:0) }
  in
  let has_facts = (not (reads_calibration rule)) || ((facts.inputs <> [||] || facts.best <> None) && m.options.rotation_seed = None) in
  fun row -> has_facts && takes rule m.options.grid && Checker.scales_fit scaling m.options.grid.judged columns size row

(* The least number of so many significant bits, none finer than 2^-149, that is not below v > 0. *)
let round_up bits v =
  let unit = max (snd (Float.frexp v) - bits) (-149) in
  Float.ldexp (Float.ceil (Float.ldexp v (-unit))) unit

(* The scale and the zero point that the rule gives the weights w, group k of a row's, in the arithmetic of hallmark. *)
let step (m : matrix) rule facts row k w =
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
  | MatrixMax, _ when facts.top <> 0 -> (up (Numbers.float_of_single facts.top), 0)
  | (SdClip | SdClipAdaptive), _ when Deviation.of_weights w > 0. ->
      let factor = if rule = SdClip then 1. else Deviation.factor facts.level (Deviation.rise ~inputs:facts.inputs.(k) w) in
      to_largest (factor *. (Z.to_float (Checker.clip_hundredths (Z.of_int grid.bits)) /. 100.) *. Deviation.of_weights w)
  | AwqLite, _ when Deviation.of_weights row > 0. ->
      (up (12.85 *. Deviation.of_weights row /. if facts.best = Some k then 127. else 31.), 0)
  | (AbsMax | SdClip | SdClipAdaptive | AwqLite), (Integer _ | Table _) when most > 0. -> to_largest most
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
let steps (m : matrix) rule facts words =
  let row = Array.map Numbers.float_of_single words in
  let of_group k = step m rule facts row k (group_of m k row) in
  let made = List.init (groups m) of_group in
  (List.map (fun (s, _) -> Z.of_int (Int32.to_int (Int32.bits_of_float s) land 0xFFFFFFFF)) made, List.map (fun (_, z) -> Z.of_int z) made)
