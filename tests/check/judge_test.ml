(* The judge that Coq proves, on good and bad bundles of every kind of grid, in this process. *)

open Make_bundle

let failures = ref 0
let runs = ref 0

let text = function
  | None -> "accepted"
  | Some (Checker.InTensor fault) -> "tensor: " ^ fst (Matrix.describe fault)
  | Some (Checker.InRow (i, fault)) -> Printf.sprintf "row %s: %s" (Z.to_string i) (fst (Matrix.describe fault))

(* [accepted] says what the verdict has to be. *)
let judge name accepted bundle =
  incr runs;
  let said = text (Checker.first_failure bundle) in
  if not (accepted said) then (incr failures; Printf.printf "FAILED %s: %s\n" name said)

let expect name verdict = judge name (( = ) verdict)
let in_row i said = String.starts_with ~prefix:(Printf.sprintf "row %d: " i) said

let replace list i f = List.mapi (fun k x -> if k = i then f x else x) list
let with_row b i f = { b with Checker.rows = replace b.Checker.rows i f }
let with_code b i j word = with_row b i (fun r -> { r with Checker.codes = replace r.Checker.codes j (fun _ -> Z.of_int word) })
let with_scale b i k word = with_row b i (fun r -> { r with Checker.scales = replace r.Checker.scales k (fun _ -> Z.of_int word) })
let with_zero b i k z = with_row b i (fun r -> { r with Checker.zeros = replace r.Checker.zeros k (fun _ -> Z.of_int z) })
let with_weight b i j word = with_row b i (fun r -> { r with Checker.weights = replace r.Checker.weights j (fun _ -> Z.of_int word) })

let with_gram_word b i j change =
  { b with Checker.gram_words = Option.map (fun g -> replace g i (fun r -> replace r j change)) b.Checker.gram_words }

(* Each bit of each code: rejected at that row, except that the two zeros of a golden grid are one number, and that without a
   Gram matrix only rows that claim to be round-to-nearest are judged. *)
let flip_codes name b =
  let good = judged b in
  Array.iteri (fun i r ->
      Array.iteri (fun j code ->
          for bit = 0 to 15 do
            let word = (code land 0xFFFF) lxor (1 lsl bit) in
            let flipped = with_code good i j word in
            let is_code' =
              match b.grid with
              | Integer _ -> is_code b.grid (if word < 0x8000 then word else word - 0x10000)
              | Golden _ | Table _ -> is_code b.grid word
            in
            let zeros = match b.grid with
              | Golden (e, m) -> bit = e + m && magnitude_of e m code = 0
              | Integer _ | Table _ -> false
            in
            let name = Printf.sprintf "%s: code bit %d of %d,%d" name bit i j in
            if not is_code' then expect name (Printf.sprintf "row %d: codes" i) flipped
            else if zeros || (r.claims = 0 && not b.with_gram) then expect name "accepted" flipped
            else judge name (in_row i) flipped
          done)
        r.codes)
    b.rows

let nf4 =
  Table (Array.map (fun x -> ldexp (Float.round (ldexp x 12)) (-12))
      [| -1.0; -0.6961928; -0.5250731; -0.3949175; -0.2844414; -0.1847734; -0.0910500; 0.0; 0.0795803; 0.1609302; 0.2461123;
         0.3379152; 0.4407098; 0.5626170; 0.7229568; 1.0 |])

(* All the numbers of 13 significant bits in eight binades, on both sides: 65,536 values. *)
let largest_table =
  let half = Array.init 32768 (fun k -> ldexp (float (4096 + (k mod 4096))) ((k / 4096) - 12)) in
  Table (Array.append (Array.map (fun x -> -.x) (Array.init 32768 (fun k -> half.(32767 - k)))) half)

let grids =
  [ ("gf16", gf16, 0, false); ("gf:2,1", Golden (2, 1), 0, false); ("bf16", Golden (8, 7), 5, false);
    ("fp16", Golden (5, 10), 1, false); ("gf:4,3", Golden (4, 3), 3, false); ("gf:3,12", Golden (3, 12), 64, false);
    ("int4", Integer (-7, 7), 0, false); ("full int4", Integer (-8, 7), 4, false); ("int2", Integer (-1, 1), 7, false);
    ("zero int2", Integer (0, 3), 2, true); ("zero int4", Integer (0, 15), 4, true); ("zero int8", Integer (0, 255), 0, true);
    ("widest int", Integer (-256, 255), 3, true); ("nf4", nf4, 4, false); ("two values", Table [| -0.5; 1.25 |], 0, false);
    ("one-sided table", Table [| 0.125; 0.25; 1.; 1.5; 3. |], 2, false); ("largest table", largest_table, 3, false) ]

(* Every kind of grid, with and without guard and Gram matrix. *)
let accepted_grids () =
  List.iter (fun (name, grid, group_size, with_zeros) ->
      List.iter (fun (rows, columns, seed) ->
          let good ?with_gram ?guard kind =
            expect (Printf.sprintf "%s, %s, %d x %d" name kind rows columns) "accepted"
              (judged (make ?with_gram ?guard ~group_size ~with_zeros grid ~rows ~columns ~seed))
          in
          good "guarded";
          good ~guard:false "without guard";
          good ~with_gram:false ~guard:false "without Gram matrix")
        [ (1, 1, 11); (7, 9, 12); (12, 16, 13) ])
    grids

(* Groups, zero points, guard and grids that are wrong. *)
let rejected_grids () =
  let flipped name grid group_size with_zeros =
    flip_codes name (make ~group_size ~with_zeros grid ~rows:4 ~columns:6 ~seed:31)
  in
  flipped "full int4" (Integer (-8, 7)) 0 false;
  flipped "zero int4" (Integer (0, 15)) 4 true;
  flipped "nf4" nf4 2 false;
  flipped "gf:4,3" (Golden (4, 3)) 3 false;
  flip_codes "without guard" (make ~guard:false ~group_size:4 ~with_zeros:true (Integer (0, 15)) ~rows:4 ~columns:6 ~seed:32);
  flip_codes "without Gram matrix"
    (make ~guard:false ~with_gram:false ~group_size:4 ~with_zeros:true (Integer (0, 15)) ~rows:4 ~columns:6 ~seed:33);
  let b = make ~group_size:3 ~with_zeros:true (Integer (0, 15)) ~rows:3 ~columns:8 ~seed:34 in
  let good = judged b in
  expect "zero scale" "row 0: scale" (with_scale good 0 1 0);
  expect "negative zero scale" "row 0: scale" (with_scale good 0 1 0x80000000);
  expect "NaN scale" "row 0: scale" (with_scale good 0 2 0x7FC00000);
  Array.iteri (fun i r ->
      Array.iteri (fun k s ->
          let word = Z.to_int (word32 s) in
          judge "scale of the other sign" (in_row i) (with_scale good i k (word lxor 0x80000000));
          judge "scale's last bit" (in_row i) (with_scale good i k (word lxor 1));
          judge "zero point's last bit" (in_row i) (with_zero good i k (r.zeros.(k) lxor 1));
          expect "zero point out of range" (Printf.sprintf "row %d: zero-points" i) (with_zero good i k 16);
          expect "negative zero point" (Printf.sprintf "row %d: zero-points" i) (with_zero good i k (-1)))
        r.scales)
    b.rows;
  (* Without the guard a row may lose more than round-to-nearest, and without a Gram matrix nothing is said of losses. *)
  let r0 = b.rows.(1) in
  let worse = Array.mapi (fun j c -> if j < 3 then (if c < 8 then c + 6 else c - 6) else c) r0.codes in
  let gram_fixed = Array.map (Array.map (fixed gram_bits)) b.gram in
  let low, high = enclose (loss gram_fixed r0.weights (points b.grid b.group_size r0.scales r0.zeros worse)) in
  let dishonest = { r0 with codes = worse; claims = 0; ends = [| low; high; r0.ends.(2); r0.ends.(3) |] } in
  let with_row b r = { b with rows = Array.mapi (fun i old -> if i = 1 then r else old) b.rows } in
  expect "guard" "row 1: guard" (judged (with_row b dishonest));
  expect "no guard" "accepted" (judged { (with_row b dishonest) with guard = false });
  expect "no guard, wrong end" "row 1: enclosure"
    (judged { (with_row b { dishonest with ends = [| high; high; r0.ends.(2); r0.ends.(3) |] }) with guard = false });
  expect "no guard, wrong end of round-to-nearest" "row 1: rtn-enclosure"
    (judged { (with_row b { dishonest with ends = [| low; high; low; high |] }) with guard = false });
  expect "no guard, false claim" "row 1: rtn" (judged { (with_row b { dishonest with claims = 1 }) with guard = false });
  let bare = { b with guard = false; with_gram = false } in
  expect "no Gram matrix" "accepted" (judged (with_row bare dishonest));
  expect "no Gram matrix, false claim" "row 1: rtn" (judged (with_row bare { dishonest with claims = 1 }));
  (* Grids that are none. *)
  let grid name g = expect name "tensor: grid" { good with code_grid = g } in
  let z = Z.of_int in
  grid "no integers" (Checker.Integer (z 16, z 15));
  grid "integers from too low" (Checker.Integer (z (-257), z 15));
  grid "integers to too high" (Checker.Integer (z 0, z 256));
  judge "codes beyond the range" (String.ends_with ~suffix:": codes")
    { (judged (make (Integer (-8, 7)) ~rows:2 ~columns:9 ~seed:37)) with code_grid = Checker.Integer (z (-8), z 0) };
  List.iter (fun (e, m) -> grid (Printf.sprintf "gf:%d,%d" e m) (Checker.Golden (z e, z m)))
    [ (1, 3); (9, 3); (4, 0); (2, 13); (8, 8); (-4, 3) ];
  let table = judged (make nf4 ~rows:2 ~columns:3 ~seed:36) in
  let value k word =
    match table.code_grid with
    | Checker.Table values -> { table with code_grid = Checker.Table (replace values k (fun _ -> z word)) }
    | _ -> assert false
  in
  expect "equal values" "tensor: grid" (value 1 0xBF800000);
  expect "decreasing values" "tensor: grid" (value 15 0);
  expect "NaN value" "tensor: grid" (value 3 0x7FC00000);
  expect "infinite value" "tensor: grid" (value 15 0x7F800000);
  expect "value of 14 bits" "tensor: grid" (value 15 0x3F800400);
  judge "value of 13 bits" (String.starts_with ~prefix:"row") (value 15 0x3F800800);
  grid "one value" (Checker.Table [ z 0x3F800000 ]);
  grid "no value" (Checker.Table []);
  (* Lengths. *)
  expect "no rows" "tensor: shape" { good with rows = [] };
  expect "no columns" "tensor: shape" { good with columns = Checker.O };
  expect "other columns" "tensor: shape" { good with columns = nat 7 };
  expect "other groups" "row 0: shape" { good with group_size = nat 4 }

(* One scale for each row, gf16. *)
let gf16_rows () =
  List.iter (fun (rows, columns, seed) ->
      expect (Printf.sprintf "good %d x %d" rows columns) "accepted" (judged (make ~positive:true gf16 ~rows ~columns ~seed)))
    [ (1, 1, 1); (2, 1, 2); (1, 5, 3); (7, 3, 4); (6, 19, 5); (24, 32, 6); (9, 64, 7) ];
  let rows = 6 and columns = 8 in
  let b = make ~positive:true gf16 ~rows ~columns ~seed:47 in
  let good = judged b in
  let improved = Array.exists (fun r -> r.claims = 0 && r.ends.(1) < r.ends.(2)) b.rows in
  if not improved then (incr failures; print_endline "FAILED: no row of the sample beats round-to-nearest");
  let codes = Array.concat (Array.to_list (Array.map (fun r -> r.codes) b.rows)) in
  let some name p = if not (Array.exists p codes) then (incr failures; print_endline ("FAILED: no " ^ name)) in
  some "clipped code" (fun c -> c land 0x7FFF = last_word 6 9);
  some "subnormal code" (fun c -> c land 0x7E00 = 0 && c land 0x1FF > 0);
  some "negative code" (fun c -> c land 0x8000 <> 0);
  flip_codes "gf16" b;
  (* Wrong enclosures. *)
  Array.iteri (fun i r ->
      let ends k word =
        let set n old = if n = k then Exact.of_word word else old in
        with_row good i (fun r ->
            { r with Checker.final_low = set 0 r.Checker.final_low; final_high = set 1 r.Checker.final_high;
              rtn_low = set 2 r.Checker.rtn_low; rtn_high = set 3 r.Checker.rtn_high })
      in
      let move k delta name =
        expect (Printf.sprintf "end %d of row %d" k i) (Printf.sprintf "row %d: %s" i name)
          (ends k (Int64.add (Int64.bits_of_float r.ends.(k)) delta))
      in
      (* One end moved past the other by one number leaves the loss outside. *)
      let width = Int64.sub (Int64.bits_of_float r.ends.(1)) (Int64.bits_of_float r.ends.(0)) in
      let width' = Int64.sub (Int64.bits_of_float r.ends.(3)) (Int64.bits_of_float r.ends.(2)) in
      move 1 (Int64.neg (Int64.succ width)) "enclosure";
      move 0 (Int64.succ width) "enclosure";
      move 3 (Int64.neg (Int64.succ width')) "rtn-enclosure";
      move 2 (Int64.succ width') "rtn-enclosure";
      (* Ends that are true and say nothing. *)
      List.iter (fun (k, x) ->
          expect "a wide enclosure" (Printf.sprintf "row %d: width" i) (ends k (Int64.bits_of_float x)))
        [ (0, -.max_float); (1, max_float); (2, -.max_float); (3, max_float); (0, 0.74 *. r.ends.(0)); (1, 1.34 *. r.ends.(1)) ];
      expect "a fifth wide" "accepted" (ends 0 (Int64.bits_of_float (0.8 *. r.ends.(0))));
      expect "NaN end" (Printf.sprintf "row %d: ends" i) (ends 0 0x7FF8000000000000L);
      expect "infinite end" (Printf.sprintf "row %d: ends" i) (ends 1 0x7FF0000000000000L);
      (* The losses themselves. *)
      let gram_fixed = Array.map (Array.map (fixed gram_bits)) b.gram in
      let dyadic q =
        let exponent = Z.log2 q.Q.den in
        { Checker.fnum = q.Q.num; fexp = Z.of_int (-exponent) }
      in
      let exactly codes = loss gram_fixed r.weights (points b.grid b.group_size r.scales r.zeros codes) in
      let nearest_codes = Array.map (fun w -> nearest b.grid r.scales.(0) 0 w) r.weights in
      let final = exactly r.codes and rtn = exactly nearest_codes in
      let claim a b = with_row good i (fun r -> { r with Checker.exact_losses = Some (dyadic a, dyadic b) }) in
      let more q = Q.add q (Q.make Z.one (Z.shift_left Z.one 300)) in
      expect "exact losses" "accepted" (claim final rtn);
      expect "another exact loss" (Printf.sprintf "row %d: exact" i) (claim (more final) rtn);
      expect "another exact loss of round-to-nearest" (Printf.sprintf "row %d: exact" i) (claim final (more rtn)))
    b.rows;
  (* Words that are no finite numbers. *)
  expect "NaN weight" "row 0: weights" (with_weight good 0 1 0x7FC00000);
  expect "infinite weight" "row 0: weights" (with_weight good 0 1 0xFF800000);
  expect "NaN code" "row 0: codes" (with_code good 0 0 0x7E01);
  expect "infinite code" "row 0: codes" (with_code good 0 0 0xFE00);
  expect "NaN in G" "tensor: gram" (with_gram_word good 0 1 (fun _ -> Exact.of_word 0x7FF8000000000000L));
  expect "infinity in G" "tensor: gram" (with_gram_word good 0 1 (fun _ -> Exact.of_word 0x7FF0000000000000L));
  expect "asymmetric G" "tensor: symmetry" (with_gram_word good 0 1 Z.succ);
  expect "NaN scale" "row 0: scale" (with_scale good 0 0 0x7FC00000);
  expect "zero scale" "row 0: scale" (with_scale good 0 0 0);
  judge "negative scale" (in_row 0) (with_scale good 0 0 0xBF800000);
  (* A row that claims to be round-to-nearest and beats it. *)
  Array.iteri (fun i r ->
      if r.claims = 0 && r.ends.(1) < r.ends.(2) then
        expect "false claim" (Printf.sprintf "row %d: rtn" i) (with_row good i (fun r -> { r with Checker.claims_rtn = true })))
    b.rows;
  (* A worse code with honest enclosures: only the guard can object. *)
  let r0 = b.rows.(0) in
  let worse = Array.copy r0.codes in
  worse.(0) <- worse.(0) lxor 0x100;
  let gram_fixed = Array.map (Array.map (fixed gram_bits)) b.gram in
  let low, high = enclose (loss gram_fixed r0.weights (points b.grid 0 r0.scales r0.zeros worse)) in
  let dishonest = { r0 with codes = worse; claims = 0; ends = [| low; high; r0.ends.(2); r0.ends.(3) |] } in
  expect "guard" "row 0: guard" (judged { b with rows = Array.append [| dishonest |] (Array.sub b.rows 1 (rows - 1)) })

(* Columns of which the calibration says nothing are rounded to nearest, and their codes are judged. *)
let dead_columns () =
  let b = make ~positive:true gf16 ~rows:3 ~columns:5 ~seed:53 in
  let dead j = Array.mapi (fun i r -> Array.mapi (fun k g -> if i = j || k = j then 0. else g) r) b.gram in
  let gram_of j = { b with gram = dead j } in
  let remade j =
    let gram_fixed = Array.map (Array.map (fixed gram_bits)) (dead j) in
    let row r =
      let rtn = Array.map (fun w -> nearest b.grid r.scales.(0) 0 w) r.weights in
      let ends codes = enclose (loss gram_fixed r.weights (points b.grid 0 r.scales r.zeros codes)) in
      let low, high = ends rtn in
      { r with codes = rtn; claims = 0; ends = [| low; high; low; high |] }
    in
    { (gram_of j) with rows = Array.map row b.rows }
  in
  for j = 0 to 4 do
    let good = judged (remade j) in
    expect "dead column" "accepted" good;
    Array.iteri (fun i r ->
        for other = 0 to 4 do
          let code = r.codes.(other) in
          let flipped = with_code good i other (if magnitude_of 6 9 code = 0 then code + 1 else code - 1) in
          if other = j then expect "code of a dead column" (Printf.sprintf "row %d: dead" i) flipped
          else judge "code of a live column" (in_row i) flipped
        done)
      (remade j).rows
  done

(* Layers of 256 x 256: [limit] seconds for a judge that is not slow by mistake. *)
let speed name limit bundle =
  let start = Sys.time () in
  expect name "accepted" bundle;
  let seconds = Sys.time () -. start in
  Printf.printf "%s: %.1f s\n" name seconds;
  if not (seconds <= limit) then (incr failures; Printf.printf "FAILED: slower than %.0f s\n" limit)

let () =
  gf16_rows ();
  accepted_grids ();
  rejected_grids ();
  dead_columns ();
  speed "gf16, 256 x 256" 10. (judged (make ~positive:true gf16 ~rows:256 ~columns:256 ~seed:89));
  speed "nf4, 256 x 256" 10. (judged (make ~group_size:64 nf4 ~rows:256 ~columns:256 ~seed:90));
  speed "largest table, 64 x 256" 10. (judged (make ~guard:false ~with_gram:false largest_table ~rows:64 ~columns:256 ~seed:91));
  Printf.printf "judge_test: %d bundles judged, %d failures\n" !runs !failures;
  if !runs < 2000 || !failures > 0 then exit 1
