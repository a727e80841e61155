(* clip_test HALLMARK-CHECK: scales of the sdclip family, honest ones and forged ones that are refused by name. What the rules give
   is computed here by other formulas than the program's. *)

open Make_bundle
open Running
module F = Made_files

let columns = 7
let nf4 = Table (Array.of_list Grids.nf4)
let int4s = Integer (-7, 7)
let int4 = Integer (-8, 7)

(* Weights of many magnitudes; those of row 5 are equal. *)
let bundle ?(group_size = 0) ?(with_zeros = false) grid =
  let b = Make_bundle.make ~positive:true ~group_size ~with_zeros grid ~rows:8 ~columns ~seed:7 in
  let row i r = if i = 5 then { r with weights = Array.make columns 0.25 } else r in
  let b = { b with rows = Array.mapi row b.rows } in
  if with_zeros then { b with rows = Array.map (fun r -> { r with zeros = Array.map (fun _ -> 0) r.zeros }) b.rows } else b

let most = Array.fold_left (fun m w -> Float.max m (abs_float w)) 0.

(* Rounded up to so many bits, from a quotient of floats that no number of as many bits lies closer to. *)
let up ?(bits = 11) x = let m, e = frexp x in ldexp (Float.ceil (ldexp m bits)) (e - bits)

let variance w =
  let n = float (Array.length w) and sum f = Array.fold_left (fun t x -> t +. f x) 0. w in
  if n = 1. || Array.for_all (fun x -> x = w.(0)) w then 0. else (sum (fun x -> x *. x) -. (sum Fun.id *. sum Fun.id /. n)) /. (n -. 1.)

(* k deviations at the largest point, or absmax. *)
let clip ?bits k largest w = up ?bits ((if variance w = 0. then most w else k *. sqrt (variance w)) /. largest)

let groups_of b a =
  let width = if b.group_size = 0 then columns else b.group_size in
  Array.init (groups ~columns ~group_size:b.group_size) (fun k -> Array.sub a (k * width) (min width (columns - (k * width))))

let per b f i = Array.map f (groups_of b b.rows.(i).weights)
let files ?meth ?calibration rule (grid_id, code_dtype) b scales =
  F.make ?meth ?calibration ~rule ~given:false ~grid_id ~code_dtype (rounded b scales)
let changed scales i f = fun row -> if row = i then f (Array.copy (scales row)) else scales row

let int4s_files = ("int4/1", "I8") and int4_files = ("int4/2", "I8") and nf4_files = ("nf4/1", "U8")

(* The honest file, and 2^100, a neighbour on either side and the other sign in one place. *)
let forge name rule ids b right =
  let made = files rule ids b in
  good name [ "scales by " ^ rule ] (made right);
  let forged what f = refused (name ^ ", " ^ what) "scale-rule" (made (changed right 3 (fun s -> s.(0) <- f s.(0); s))) in
  forged "2^100" (fun _ -> ldexp 1. 100);
  let unit s = ldexp 1. (snd (frexp s) - 11) in
  forged "a bit larger" (fun s -> s +. unit s);
  forged "a bit smaller" (fun s -> s -. unit s);
  forged "the other sign" (fun s -> -.s)

let sdclip () =
  let by ?group_size grid f = let b = bundle ?group_size grid in (b, per b f) in
  let b, right = by ~group_size:4 int4s (clip 2.68 7.) in
  forge "sdclip" "sdclip" int4s_files b right;
  let single, of_one = by ~group_size:6 int4s (clip 2.68 7.) in
  forge "sdclip, a group of one column" "sdclip" int4s_files single of_one;
  let table, of_table = by nf4 (clip 2.68 1.) in
  forge "sdclip, table" "sdclip" nf4_files table of_table;
  let either, signed = by int4 (fun w -> (if Array.mem (-.most w) w then 1. else -1.) *. clip 2.68 8. w) in
  forge "sdclip of either sign" "sdclip" int4_files either signed;
  refused "sdclip, the scales of absmax" "scale-rule" (files "sdclip" int4s_files b (per b (fun w -> up (most w /. 7.))));
  good "searched from sdclip" [ "loss at most that of round-to-nearest with the scales of sdclip" ]
    (files ~meth:"descent" "sdclip" int4s_files b right);
  let zeros = bundle ~with_zeros:true (Integer (0, 15)) in
  refused "sdclip, a grid with zero points" "scale-rule" (files "sdclip" ("int4z/1", "U8") zeros (per zeros (clip 2.68 15.)));
  let coarse = { (files "sdclip" int4s_files b (per b (clip ~bits:8 2.68 7.))) with F.scale_storage = "bf16" } in
  good "sdclip, bf16" [] coarse;
  refused "sdclip, f32, to 8 bits" "scale-rule" { coarse with F.scale_storage = "f32" }

(* c v^(-5/32) between 120/257 and 480/257, c found by halving its logarithm. *)
let adaptive b =
  let mean_of k = let g = (groups_of b (Array.init columns (fun j -> b.gram.(j).(j)))).(k) in Array.fold_left ( +. ) 0. g /. float (Array.length g) in
  let factor c k w =
    let v = mean_of k *. variance w in
    if v = 0. then 1. else Float.max (120. /. 257.) (Float.min (480. /. 257.) (c *. (v ** (-5. /. 32.))))
  in
  let mean c =
    let sums = Array.map (fun r -> Array.mapi (fun k w -> float (Array.length w) *. factor c k w) (groups_of b r.weights)) b.rows in
    Array.fold_left (Array.fold_left ( +. )) 0. sums /. float (columns * Array.length b.rows)
  in
  let rec halve low high n = if n = 0 then high else let c = (low +. high) /. 2. in if mean (exp c) < 1. then halve c high (n - 1) else halve low c (n - 1) in
  factor (exp (halve (-50.) 50. 200))

let sdclip_adaptive () =
  let rule = "sdclip-adaptive" in
  List.iter (fun (name, ids, grid, largest, group_size) ->
      let b = bundle ~group_size grid in
      let factor = adaptive b in
      let scales factor i = Array.mapi (fun k w -> clip (factor k w *. 2.68) largest w) (groups_of b b.rows.(i).weights) in
      let found = Array.concat (Array.to_list (Array.map (fun r -> Array.mapi factor (groups_of b r.weights)) b.rows)) in
      let some f = Array.exists f found in
      if not (some (fun f -> f < 0.467) && some (fun f -> f > 1.867) && some (fun f -> f > 0.468 && f < 0.99)) then
        (incr failures; Printf.printf "FAILED %s: the samples are not held, or all of them\n" name);
      forge name rule ids b (scales factor);
      refused (name ^ ", the scales of sdclip") "scale-rule" (files rule ids b (scales (fun _ _ -> 1.)));
      refused (name ^ ", another factor") "scale-rule"
        (files rule ids b (changed (scales factor) 2 (fun s -> Array.map (fun x -> up (x *. 1.125)) s)));
      good (name ^ ", searched") [ "with the scales of sdclip-adaptive" ] (files ~meth:"best" rule ids b (scales factor)))
    [ ("sdclip-adaptive", int4s_files, int4s, 7., 0); ("sdclip-adaptive, groups", int4s_files, int4s, 7., 4);
      ("sdclip-adaptive, table", nf4_files, nf4, 1., 3) ];
  let b = bundle int4s in
  refused "sdclip-adaptive without calibration" "scale-rule"
    (files ~meth:"rtn" ~calibration:`None rule int4s_files { b with guard = false } (per b (clip 2.68 7.)))

(* 12.85 deviations of the row over 127 in the group of the largest score, over 31 in the others. *)
let awq_lite () =
  let rule = "awq-lite" in
  List.iter (fun (name, ids, grid, largest, group_size) ->
      let b = bundle ~group_size grid in
      let score j = sqrt b.gram.(j).(j) *. Array.fold_left (fun t r -> t +. abs_float r.weights.(j)) 0. b.rows in
      let scores = Array.map (Array.fold_left ( +. ) 0.) (groups_of b (Array.init columns score)) in
      let best = Array.fold_left Float.max 0. scores in
      let scales f i =
        let row = b.rows.(i).weights in
        Array.mapi (fun k w -> if variance row = 0. then clip 1. largest w else clip 12.85 (f k) row) (groups_of b row)
      in
      let right = scales (fun k -> if scores.(k) = best then 127. else 31.) in
      forge name rule ids b right;
      refused (name ^ ", eight bits for all") "scale-rule" (files rule ids b (scales (fun _ -> 127.)));
      refused (name ^ ", six bits for all") "scale-rule" (files rule ids b (scales (fun _ -> 31.)));
      good (name ^ ", searched") [ "with the scales of awq-lite" ] (files ~meth:"greedy" rule ids b right))
    [ ("awq-lite", ("int8/1", "I8"), Integer (-127, 127), 127., 3); ("awq-lite, two groups", ("int8/1", "I8"), Integer (-127, 127), 127., 4) ];
  let b = bundle int4s in
  refused "awq-lite, four bits" "scale-rule" (files rule int4s_files b (per b (fun w -> clip 12.85 (if variance w = 0. then 7. else 127.) w)));
  let b = bundle (Integer (-127, 127)) in
  refused "awq-lite without calibration" "scale-rule"
    (files ~meth:"rtn" ~calibration:`None rule ("int8/1", "I8") { b with guard = false } (per b (clip 12.85 127.)))

let () =
  sdclip ();
  sdclip_adaptive ();
  awq_lite ();
  ignore (Sys.command ("rm -rf " ^ Filename.quote folder));
  Printf.printf "clip_test: %d runs, %d failures\n" !runs !failures;
  if !runs < 60 || !failures > 0 then exit 1
