(* files_test HALLMARK-CHECK: the program on good files of every kind of grid, and on forgeries whose digests are all right. Each
   is refused by name. *)

open Make_bundle
open Running
module F = Made_files

let nf4 = Table (Array.of_list Grids.nf4)

let bundle ?group_size ?with_zeros ?guard ?positive ?(rows = 5) ?(columns = 7) grid = Make_bundle.make ?group_size ?with_zeros ?guard ?positive grid ~rows ~columns ~seed:7
let gf16_files ?rule ?given ?layout b = F.make ?rule ?given ?layout ~grid_id:"gf16/1" ~code_dtype:"U16" b
let base = gf16_files (bundle ~positive:true gf16)

let bits_of = function
  | Golden (e, m) -> 1 + e + m
  | Integer (first, last) -> Grids.width (last - first)
  | Table points -> Grids.width (Array.length points - 1)

let good_files () =
  List.iter (fun (grid_id, code_dtype, grid, group_size, with_zeros) ->
      let plain = F.make ~grid_id ~code_dtype (bundle ~group_size ~with_zeros grid) in
      good grid_id [ "grid " ^ grid_id; "given by the calibration file" ] plain;
      good (grid_id ^ " without guard") [ "no guard" ] { plain with bundle = bundle ~group_size ~with_zeros ~guard:false grid };
      good (grid_id ^ " transposed") [] { plain with layout = `Transposed };
      good (grid_id ^ " stacked") [ "w[1]: accepted"; "2 of 2" ] { plain with layout = `Stacked };
      if bits_of grid < 8 then
        good (grid_id ^ " packed") [ "w[1]: accepted"; "grid " ^ grid_id; "2 of 2" ] { plain with layout = `Stacked; packed = bits_of grid })
    [ ("gf16/1", "U16", gf16, 0, false); ("bf16/1", "U16", Golden (8, 7), 3, false); ("fp16/1", "U16", Golden (5, 10), 0, false);
      ("gf:4,3/1", "U8", Golden (4, 3), 2, false); ("int4/1", "I8", Integer (-7, 7), 0, false); ("int4/2", "I8", Integer (-8, 7), 4, false);
      ("int2/2", "I8", Integer (-2, 1), 1, false); ("int8/2", "I8", Integer (-128, 127), 0, false); ("int4z/1", "U8", Integer (0, 15), 3, true);
      ("int8z/1", "U8", Integer (0, 255), 7, true); ("nf4/1", "U8", nf4, 4, false);
      ("lloyd:3/1", "U8", Table [| -127.; -79.; -45.; -14.; 14.; 45.; 79.; 127. |], 0, false);
      ("table/1", "U8", Table [| -0.5; 0.25; 1.25 |], 3, false) ];
  good "rows by the digests" [ "3 of 5 rows, chosen by the digests" ] ~extra:"--rows 3" base;
  good "more rows than there are" [ ": accepted: 5 rows" ] ~extra:"--rows 100" base;
  good "one matrix" [ "1 of 2 matrices" ] ~extra:"--tensor 'w[1]'" { base with layout = `Stacked };
  let x = [| [| 1.; -0.5; 2.; 0.25; 1.; 3.; -1. |]; [| 0.5; 1.; 1.; -2.; 0.; 1.; 1. |] |] in
  let b = bundle ~positive:true gf16 in
  let gram = Array.init 7 (fun i -> Array.init 7 (fun j -> (x.(0).(i) *. x.(0).(j)) +. (x.(1).(i) *. x.(1).(j)))) in
  let b = rounded { b with gram } (fun i -> b.rows.(i).scales) in
  let activations = { base with bundle = b; calibration = `Activations x } in
  good "activations" [] activations;
  good "tokens held out" [ "on the first 2 of 3 tokens" ] { activations with held_out = [| [| 3.; 1.; 4.; 1.; 5.; 9.; 2. |] |] };
  let quiet = { (rounded b (fun i -> b.rows.(i).scales)) with guard = true } in
  (* Other dtypes, with numbers that these have. *)
  let with_weights f b = re_encode { b with rows = Array.map (fun r -> { r with weights = Array.map f r.weights; claims = 0 }) b.rows } in
  let short = { base with bundle = { base.bundle with guard = false } } in
  let bf16 x = Int32.float_of_bits (Int32.logand (Int32.bits_of_float x) 0xFFFF0000l) in
  good "weights in BF16" [] { short with bundle = with_weights bf16 short.bundle; weights_dtype = "BF16" };
  let f16 x = ldexp (Float.round (ldexp x 10)) (-10) in
  good "weights in F16" [] { short with bundle = with_weights f16 short.bundle; weights_dtype = "F16" };
  let narrow = { short.bundle with gram = Array.map (Array.map single) base.bundle.gram } in
  good "a Gram matrix in F32" [] { short with bundle = re_encode narrow; gram_dtype = "F32" };
  List.iter (fun storage ->
      let halves = { short.bundle with rows = Array.map (fun r -> { r with scales = [| 0.375 |]; claims = 0 }) base.bundle.rows } in
      good ("scales in " ^ storage) [] { short with bundle = re_encode halves; scale_storage = storage })
    [ "bf16"; "f16" ];
  good "a sharded model" [] { base with sharded = true };
  good "a container in shards" [] { base with cut = true };
  good "no calibration" [ "no calibration: nothing is promised" ]
    { base with bundle = { quiet with rows = Array.map (fun r -> { r with scales = [| 1. |] }) quiet.rows } |> (fun b -> rounded b (fun _ -> [| 1. |]));
      rule = "unit"; meth = "rtn"; given = false; calibration = `None };
  expect "a rule that nobody knows" 8 [ "NOT JUDGED: rule magic is not known" ] { base with rule = "magic"; given = false };
  good "a key that is not judged" [ "not judged, of the certificate: assumptions, clipped, contracts, future" ]
    { base with certificate_text = map_text "\"clipped\":0" "\"clipped\":0,\"future\":1" }

(* Scales that rules give, and 2^100, which sends every weight to 0. *)
let forged_scales () =
  let huge = ldexp 1. 100 in
  let forge name ~grid_id ~code_dtype ~rule ?(group_size = 0) ?(with_zeros = false) grid right =
    let b = bundle ~group_size ~with_zeros ~positive:true grid in
    let b = if with_zeros then { b with rows = Array.map (fun r -> { r with zeros = Array.map (fun _ -> 0) r.zeros; weights = Array.map abs_float r.weights }) b.rows } else b in
    let files b = F.make ~rule ~given:false ~grid_id ~code_dtype b in
    good (name ^ ", right scales") [ "scales by " ^ rule ] (files (rounded b right));
    refused (name ^ ", 2^100") "scale-rule" (files (rounded b (fun i -> Array.map (fun _ -> huge) (right i))));
    refused (name ^ ", one scale a bit larger") "scale-rule"
      (files (rounded b (fun i -> let s = Array.copy (right i) in if i = 3 then s.(0) <- s.(0) *. (1. +. 0x1p-10); s)))
  in
  let weights ~group_size ~with_zeros grid i =
    let b = bundle ~group_size ~with_zeros ~positive:true grid in
    let w = b.rows.(i).weights in
    let width = if group_size = 0 then 7 else group_size in
    List.init (groups ~columns:7 ~group_size) (fun k -> Array.sub w (k * width) (min width (7 - (k * width))))
  in
  let per grid ?(group_size = 0) ?(with_zeros = false) f i = Array.of_list (List.map f (weights ~group_size ~with_zeros grid i)) in
  let most = Array.fold_left (fun m w -> Float.max m (abs_float w)) 0. in
  (* Rounded up to 11 bits, from a quotient of floats that no number of 11 bits lies closer to. *)
  let up x = let m, e = frexp x in ldexp (Float.ceil (ldexp m 11)) (e - 11) in
  let all_most = let m = ref 0. in for i = 0 to 4 do List.iter (fun w -> m := Float.max !m (most w)) (weights ~group_size:0 ~with_zeros:false gf16 i) done; !m in
  forge "unit" ~grid_id:"gf16/1" ~code_dtype:"U16" ~rule:"unit" gf16 (per gf16 (fun _ -> 1.));
  forge "row-pow2" ~grid_id:"gf16/1" ~code_dtype:"U16" ~rule:"row-pow2" gf16 (per gf16 (fun w -> let _, e = frexp (most w) in ldexp 1. (e - 1)));
  forge "matrix-max" ~grid_id:"gf16/1" ~code_dtype:"U16" ~rule:"matrix-max" gf16 (per gf16 (fun _ -> up all_most));
  let int4s = Integer (-7, 7) in
  forge "absmax" ~grid_id:"int4/1" ~code_dtype:"I8" ~rule:"absmax" int4s ~group_size:4 (per int4s ~group_size:4 (fun w -> up (most w /. 7.)));
  forge "absmax, table" ~grid_id:"nf4/1" ~code_dtype:"U8" ~rule:"absmax" nf4 (per nf4 (fun w -> up (most w)));
  let int4 = Integer (-8, 7) in
  forge "absmax of either sign" ~grid_id:"int4/2" ~code_dtype:"I8" ~rule:"absmax" int4
    (per int4 (fun w -> let m = most w in (if Array.mem (-.m) w then 1. else -1.) *. up (m /. 8.)));
  let z4 = Integer (0, 15) in
  forge "minmax" ~grid_id:"int4z/1" ~code_dtype:"U8" ~rule:"minmax" z4 ~group_size:3 ~with_zeros:true
    (per z4 ~group_size:3 ~with_zeros:true (fun w -> up (most w /. 15.)));
  (* Where bf16 stores scales they have 8 bits. *)
  let up8 x = let m, e = frexp x in ldexp (Float.ceil (ldexp m 8)) (e - 8) in
  let b = bundle ~positive:true int4s in
  let coarse i = [| up8 (most b.rows.(i).weights /. 7.) |] and fine i = [| up (most b.rows.(i).weights /. 7.) |] in
  let files storage right = { (F.make ~rule:"absmax" ~given:false ~grid_id:"int4/1" ~code_dtype:"I8" (rounded b right)) with F.scale_storage = storage } in
  good "absmax, bf16" [] (files "bf16" coarse);
  good "absmax, f32" [] (files "f32" fine);
  refused "absmax, f32, to 8 bits" "scale-rule" (files "f32" coarse);
  refused "a rule that the grid does not take" "scale-rule" { base with rule = "minmax"; given = false };
  refused "given scales that the calibration does not give" "given-scale"
    { base with container_tensors = List.map (fun t -> if t.F.name = "w.scale" then { t with F.data = F.singles (Array.make 5 0.5) } else t) };
  refused "given scales without any" "given-scale" { base with given = false }

(* Gram matrices that are none, and what they would reward. *)
let forged_grams () =
  let three = Make_bundle.make ~positive:true gf16 ~rows:2 ~columns:3 ~seed:3 in
  let indefinite = Array.init 3 (fun i -> Array.init 3 (fun j -> if i = j then 1. else -0.9375)) in
  let row r = { r with weights = [| 1.; 1.; 1. |]; scales = [| 1. |]; codes = [| 0x7DFF; 0x7DFF; 0x7DFF |]; claims = 0 } in
  let rewarded = re_encode { three with gram = indefinite; rows = Array.map row three.rows } in
  if not (rewarded.rows.(0).ends.(1) < 0. && rewarded.rows.(0).weights.(0) -. golden 6 9 0x7DFF < -4e9) then
    (incr failures; print_endline "FAILED: the sample does not reward an error of 4e9");
  refused "an indefinite matrix that rewards an error of 4e9" "definite" (gf16_files rewarded);
  refused "the same with damping that hides it" "definite" { (gf16_files rewarded) with damping = "0.99" };
  let big = { three with gram = [| [| 1.; 2.; 0. |]; [| 2.; 1.; 0. |]; [| 0.; 0.; 1. |] |] } in
  refused "an entry above its diagonal" "gram-bound" (gf16_files (re_encode big));
  refused "a negative diagonal" "gram-bound" (gf16_files (re_encode { three with gram = [| [| -1.; 0.; 0. |]; [| 0.; 1.; 0. |]; [| 0.; 0.; 1. |] |] }));
  let zero = { base.bundle with gram = Array.make_matrix 7 7 0. } in
  let nearest_rows = rounded zero (fun i -> zero.rows.(i).scales) in
  good "a zero matrix and nearest codes" [ "the calibration is zero: nothing is promised of losses" ] (gf16_files nearest_rows);
  let arbitrary = re_encode (map_row nearest_rows 2 (fun r -> { r with codes = Array.map (fun c -> c lxor 0x30) r.codes; claims = 0 })) in
  refused "a zero matrix and arbitrary codes" "dead" (gf16_files arbitrary);
  let one_dead = { base.bundle with gram = Array.mapi (fun i r -> Array.mapi (fun j g -> if i = 4 || j = 4 then 0. else g) r) base.bundle.gram } in
  let one_dead = rounded one_dead (fun i -> one_dead.rows.(i).scales) in
  good "a dead column" [ "1 dead columns rounded to nearest" ] (gf16_files one_dead);
  refused "a code of a dead column" "dead"
    (gf16_files (re_encode (map_row one_dead 1 (fun r -> { r with claims = 0; codes = Array.mapi (fun j c -> if j = 4 then c lxor 1 else c) r.codes }))));
  let asymmetric = Array.map Array.copy base.bundle.gram in
  asymmetric.(0).(1) <- Float.succ asymmetric.(0).(1);
  refused "an asymmetric matrix" "symmetry" { base with bundle = { base.bundle with gram = asymmetric } }

let forged_claims () =
  let ends f i = map_row base.bundle i (fun r -> { r with ends = f (Array.copy r.ends) }) in
  let set k x e = e.(k) <- x; e in
  let widened k x = { base with bundle = ends (set k x) 1 } in
  refused "ends of 1.8e308" "width" { base with bundle = ends (fun e -> e.(0) <- -.max_float; e.(1) <- max_float; e) 1 };
  refused "ends of 1.8e308 for round-to-nearest" "width" { base with bundle = ends (fun e -> e.(2) <- -.max_float; e.(3) <- max_float; e) 1 };
  refused "an enclosure a third wide" "width" (widened 1 (base.bundle.rows.(1).ends.(1) *. 1.5));
  refused "infinite ends" "ends" (widened 1 infinity);
  refused "a loss above its enclosure" "enclosure" { base with bundle = ends (fun e -> e.(0) <- e.(0) /. 2.; e.(1) <- e.(0) *. 1.01; e) 1 };
  refused "a loss of round-to-nearest outside" "rtn-enclosure" { base with bundle = ends (fun e -> e.(2) <- e.(2) *. 2.; e.(3) <- e.(2) *. 1.01; e) 1 };
  let flip = map_row base.bundle 1 (fun r -> { r with codes = Array.mapi (fun j c -> if j = 0 then c lxor 1 else c) r.codes }) in
  expect "another code, all digests new" 7 [ "E0790"; "row 1" ] { base with bundle = flip };
  let worse = re_encode (map_row base.bundle 1 (fun r -> { r with claims = 0; codes = Array.map (fun c -> c lxor 0x100) r.codes })) in
  refused "codes that lose more" "guard" { base with bundle = worse };
  let claimed i = map_row base.bundle i (fun r -> { r with claims = 1 }) in
  let beaten = ref (-1) in
  Array.iteri (fun i r -> if r.claims = 0 && r.ends.(1) < r.ends.(2) then beaten := i) base.bundle.rows;
  refused "round-to-nearest that is not" "rtn" { base with bundle = claimed !beaten };
  refused "method rtn that is not" "rtn" { base with meth = "rtn"; rule = "unit"; given = false; calibration = `None;
    bundle = (let b = rounded base.bundle (fun _ -> [| 1. |]) in map_row b 0 (fun r -> { r with codes = Array.map (fun c -> c lxor 1) r.codes })) };
  let exact text = { base with row_text = (fun i line -> if i <> 1 then line else
    map_text "]},\"rtn\":{" (Printf.sprintf "],\"exact\":{\"mantissa\":\"%s\",\"exponent\":\"-200\"}},\"rtn\":{" text)
      (map_text "]}}" "],\"exact\":{\"mantissa\":\"0x1\",\"exponent\":\"0\"}}}" line)) } in
  refused "an exact loss that is another" "exact" (exact "0x1");
  expect "an exact loss that is no number" 3 [ "E0367" ] (exact "0xZ");
  refused "rows that kept round-to-nearest" "certificate" { base with guard_rows = Some 77 };
  refused "dead columns" "certificate" { base with dead = Some 1 };
  refused "lambda" "certificate" { base with lambda = Some 1. };
  refused "options of another grid" "certificate" { base with stated_grid = "bf16/1" };
  refused "a code that is none" "codes" { base with bundle = map_row base.bundle 0 (fun r -> { r with codes = Array.mapi (fun j c -> if j = 2 then 0x7E01 else c) r.codes }) };
  refused "an entry that is not finite" "gram-bound"
    { base with lambda = Some 1.; bundle = { base.bundle with gram = Array.map (Array.map (fun g -> if g = base.bundle.gram.(0).(0) then nan else g)) base.bundle.gram } };
  List.iter (fun key ->
      let find = Printf.sprintf "\"%s\":\"" key in
      refused ("the digest of its " ^ key) "digest" { base with certificate_text = map_text find (find ^ "\",\"was\":\"") })
    [ "weights"; "codes"; "scales"; "gram" ]

(* Packed: 7 codes of 4 bits in 4 bytes a row, 3 zero points in 2. *)
let forged_packing () =
  let packed = { (F.make ~grid_id:"int4z/1" ~code_dtype:"U8" (bundle ~group_size:3 ~with_zeros:true (Integer (0, 15)))) with packed = 4 } in
  let set name at mask =
    let changed t = { t with F.data = String.mapi (fun i c -> if i = at then Char.chr (Char.code c lor mask) else c) t.F.data } in
    { packed with container_tensors = List.map (fun t -> if t.F.name = name then changed t else t) }
  in
  good "packed" [] packed;
  expect "a bit after the codes of the last row" 3 [ "E0365"; "row 4, 7 numbers of 4 bits" ] (set "w.codes" 19 0x80);
  expect "a bit after the codes of the first row" 3 [ "E0365"; "row 0" ] (set "w.codes" 3 0x10);
  expect "a bit after the zero points" 3 [ "E0366"; "row 1, 3 numbers" ] (set "w.zero_point" 3 0x10);
  let meta key f = List.map (fun (k, v) -> if k = key then (k, f v) else (k, v)) in
  expect "packed, of a schema that packs nothing" 3 [ "E0364" ] { packed with container_text = meta "hallmark.schema" (fun _ -> "2") };
  expect "not packed, of the schema that packs" 3 [ "E0364" ] { packed with packed = 0; container_text = meta "hallmark.schema" (fun _ -> "4") };
  expect "a row of another length" 3 [ "E0364" ]
    { packed with container_tensors =
        List.map (fun t -> if t.F.name = "w.codes" then { t with F.shape = [ 5; 3 ]; data = String.sub t.F.data 0 15 } else t) };
  refused "another code, packed" "digest"
    { packed with container_tensors =
        List.map (fun t -> if t.F.name = "w.codes" then { t with F.data = String.mapi (fun i c -> if i = 0 then Char.chr (Char.code c lxor 1) else c) t.F.data } else t) }

let forged_files () =
  let tensor name data = List.map (fun t -> if t.F.name = name then { t with F.data } else t) in
  refused "a tensor that passes through" "tensor" { base with container_tensors = tensor "bias" (F.singles [| 1.; 2.; 4. |]) };
  refused "other weights" "files" { base with source_sha256 = Some (String.make 64 'a') };
  expect "a payload digest" 7 [ "E0710" ] { base with payload = Some (String.make 64 'a') };
  let meta key f = List.map (fun (k, v) -> if k = key then (k, f v) else (k, v)) in
  expect "another schema" 3 [ "E0361"; "unknown schema" ] { base with container_text = meta "hallmark.schema" (fun _ -> "5") };
  expect "packed matrices without any" 3 [ "E0360"; "hallmark.schema" ]
    { base with container_text = meta "hallmark.schema" (fun _ -> "4") };
  expect "rotated matrices without any" 3 [ "E0360"; "hallmark.schema" ]
    { base with container_text = meta "hallmark.schema" (fun _ -> "3") };
  expect "a missing entry" 3 [ "E0360" ] { base with container_text = List.filter (fun (k, _) -> k <> "hallmark.matrices") };
  expect "an unknown grid" 3 [ "E0362" ] { base with grid_id = "gf16/9"; stated_grid = "gf16/9" };
  expect "a grid spelt otherwise" 3 [ "E0362" ] { base with grid_id = "gf:6,9/1"; stated_grid = "gf:6,9/1" };
  expect "a tensor too many" 3 [ "E0363" ] { base with container_tensors = (fun l -> l @ [ { F.name = "x"; dtype = "U8"; shape = [ 1 ]; data = "x" } ]) };
  expect "codes of another dtype" 3 [ "E0364" ]
    { base with container_tensors = List.map (fun t -> if t.F.name = "w.codes" then { t with F.dtype = "I16" } else t) };
  F.write_all folder base;
  let certificate = slurp paths.F.certificate in
  let with_certificate name code parts text = F.write paths.F.certificate text; run name code parts (arguments ()) in
  let malformed name text = with_certificate name 3 [ "E0367" ] text in
  malformed "an empty certificate" "";
  malformed "a certificate cut short" (String.sub certificate 0 (String.length certificate - 4));
  malformed "bytes after the end" (certificate ^ " ");
  malformed "a key that stands twice" (map_text "\"rows\":5" "\"rows\":5,\"rows\":5" certificate);
  malformed "a row that is missing a key" (map_text "\"kept\":" "\"keep\":" certificate);
  malformed "NaN" (map_text "\"enclosure\":[\"" "\"enclosure\":[\"nan" certificate);
  malformed "a row out of place" (map_text "{\"row\":1" "{\"row\":2" certificate);
  with_certificate "another version" 3 [ "E0368" ] (map_text "certificate/2" "certificate/9" certificate);
  with_certificate "another name" 7 [ "'files'" ] (map_text "{\"name\":\"w\"" "{\"name\":\"v\"" certificate);
  F.write_all folder base;
  run "no calibration file" 7 [ "'files'" ] (arguments ~calibration:false ());
  (* Malformed safetensors: the weights' file, whatever its digest. *)
  let whole = slurp paths.F.weights in
  let length = Int64.to_int (String.get_int64_le whole 0) in
  let header = String.sub whole 8 length and data = String.sub whole (8 + length) (String.length whole - 8 - length) in
  let rebuilt header = let b = Bytes.create 8 in Bytes.set_int64_le b 0 (Int64.of_int (String.length header)); Bytes.to_string b ^ header ^ data in
  let bad number text = F.write paths.F.weights text; run (Printf.sprintf "weights, rule %d" number) 3 [ Printf.sprintf "E0%d" number ] (arguments ()) in
  let edit number find replace = bad number (rebuilt (map_text find replace header)) in
  bad 301 "";
  bad 301 "1234567";
  bad 302 ("\xff\xff\xff\xff\xff\xff\xff\x7f" ^ header);
  bad 303 (String.sub whole 0 20);
  edit 304 "\"bias\"" "\"bi\xffas\"";
  bad 305 (rebuilt (" " ^ header));
  bad 306 (rebuilt (header ^ "x"));
  edit 307 "{\"dtype\"" "{dtype";
  bad 307 (rebuilt ("{" ^ String.make 3000 '[' ^ "}"));
  bad 308 (rebuilt ("{\"a\":" ^ String.make 3000 '[' ^ "}"));
  edit 309 "\"bias\"" "\"w\"";
  edit 310 "\"dtype\":\"F32\"," "";
  edit 311 "\"shape\":[3]" "\"shape\":[3.0]";
  edit 312 "F32" "f32";
  edit 313 "\"pt\"" "1";
  edit 332 "\"bias\"" "\"\"";
  edit 335 "\"shape\":[3]" "\"shape\":[281474976710656]";
  edit 314 (Printf.sprintf "[%d,%d]" (5 * 7 * 4) ((5 * 7 * 4) + 12)) (Printf.sprintf "[%d,%d]" ((5 * 7 * 4) + 12) (5 * 7 * 4));
  edit 315 "[0,140]" "[4,140]";
  edit 316 "[140,152]" "[136,152]";
  edit 319 "\"shape\":[3]" "\"shape\":[4]";
  edit 317 "\"shape\":[3]" "\"shape\":[281474976710655,281474976710655,0]";
  bad 330 (String.sub whole 0 (String.length whole - 1));
  bad 331 (whole ^ "x");
  (* Indices of shards. *)
  F.write_all folder { base with cut = true };
  Sys.remove (Filename.concat folder "q-1.safetensors");
  run "a shard of Q that is not there" 9 [ "E0990"; "q-1.safetensors" ] (arguments ~cut:true ());
  F.write_all folder { base with cut = true };
  F.write (Filename.concat folder "q-2.safetensors") (map_text "\000\000\128\063" "\000\000\128\062" (slurp (Filename.concat folder "q-2.safetensors")));
  run "a changed shard of Q" 7 [ "E0710" ] (arguments ~cut:true ());
  F.write_all folder { base with sharded = true };
  let index = slurp paths.F.index in
  let shard number find replace =
    F.write paths.F.index (map_text find replace index);
    run (Printf.sprintf "index, rule %d" number) 3 [ Printf.sprintf "E0%d" number ] (arguments ~sharded:true ())
  in
  shard 340 "weight_map" "weights";
  shard 341 "\"bias\"" "\"w\"";
  shard 342 "shard.safetensors" "../shard.safetensors";
  shard 344 "\"bias\"" "\"bios\"";
  shard 345 ",\"bias\":\"shard.safetensors\"" "";
  F.write_all folder base;
  run "a missing file" 9 [ "E0990" ] "--weights /nonexistent --quantized /nonexistent --certificate /nonexistent";
  run "a folder" 9 [ "E0990" ] (Printf.sprintf "--weights %s --quantized %s --certificate %s" folder folder folder);
  run "no argument" 2 [ "E0290" ] "";
  run "an unknown flag" 2 [ "E0290" ] (arguments ~extra:"--help me" ());
  run "no rows" 2 [ "E0290" ] (arguments ~extra:"--rows 0" ());
  run "no such tensor" 2 [ "E0290" ] (arguments ~extra:"--tensor v" ())

(* The values of a JSON text: where each begins and ends, and the keys above it. *)
let values_of text =
  let found = ref [] in
  let rec value at keys =
    match text.[at] with
    | '{' -> inside (at + 1) '}' (fun at ->
        let stop = String.index_from text (at + 1) '"' in
        value (stop + 2) (String.sub text (at + 1) (stop - at - 1) :: keys))
    | '[' -> inside (at + 1) ']' (fun at -> value at keys)
    | first ->
        let rec ends at = match text.[at] with ',' | ']' | '}' -> at | _ -> ends (at + 1) in
        let stop = if first = '"' then String.index_from text (at + 1) '"' + 1 else ends at in
        found := (at, stop, keys) :: !found;
        stop
  and inside at closing read =
    match text.[at] with
    | c when c = closing -> at + 1
    | ',' | '\n' -> inside (at + 1) closing read
    | _ -> inside (read at) closing read
  in
  ignore (value 0 []);
  List.rev !found

(* Other values of the same kind. *)
let others value =
  let quoted s = "\"" ^ s ^ "\"" and body = if value.[0] = '"' then String.sub value 1 (String.length value - 2) else "" in
  match (value, int_of_string_opt value) with
  | "true", _ -> [ "false" ]
  | "false", _ -> [ "true" ]
  | _, Some n -> string_of_int (n + 1) :: (if n > 0 then [ string_of_int (n - 1) ] else [])
  | "\"rtn\"", _ -> [ quoted "codes" ]
  | "\"codes\"", _ -> [ quoted "rtn" ]
  | "\"\"", _ -> [ quoted "x"; quoted (String.make 64 '0') ]
  | _ when String.starts_with ~prefix:"0x" body ->
      let x = float_of_string body in
      List.filter (( <> ) value) (List.map (fun x -> quoted (F.real x)) [ 2. *. x; x /. 2.; infinity; 0x1p-1000; 1. ])
  | _ when value.[0] <> '"' -> [ value ^ "1" ]
  | _ ->
      let last = String.length body - 1 in
      [ quoted (String.sub body 0 last ^ if body.[last] = '3' then "5" else "3") ]

(* Each value of a certificate, changed alone: the program refuses it, or says that it does not judge a key above it. *)
let each_value name made ~unjudged =
  F.write_all folder made;
  let good = slurp paths.F.certificate and accepted = Hashtbl.create 8 in
  let arguments = arguments ~calibration:(made.F.calibration <> `None) () in
  run name 0 [] arguments;
  List.iter (fun (first, stop, keys) ->
      let before = String.sub good 0 first and after = String.sub good stop (String.length good - stop) in
      List.iter (fun other ->
          incr runs;
          F.write paths.F.certificate (before ^ other ^ after);
          let code = Sys.command (Printf.sprintf "%s %s > %s 2>&1" (Filename.quote program) arguments (Filename.quote said)) in
          let line = List.find_opt (String.starts_with ~prefix:"not judged, of the certificate: ") (String.split_on_char '\n' (slurp said)) in
          let named key = match line with Some line -> List.mem key (String.split_on_char ' ' (String.map (fun c -> if c = ',' then ' ' else c) line)) | None -> false in
          match (code, List.find_opt named keys) with
          | 0, Some key -> Hashtbl.replace accepted key ()
          | (3 | 7), _ -> ()
          | _ ->
              incr failures;
              Printf.printf "FAILED %s: %s as %s: exit %d\n" name (String.concat " of " keys) other code)
        (others (String.sub good first (stop - first))))
    (values_of good);
  let kinds = List.sort compare (Hashtbl.fold (fun key () keys -> key :: keys) accepted []) in
  if kinds <> unjudged then (incr failures; Printf.printf "FAILED %s: accepted unjudged: %s\n" name (String.concat ", " kinds))

let forged_values () =
  let full text =
    List.fold_left (fun text (find, replace) -> map_text find replace text) text
      [ ("\"assumptions\":[]", "\"assumptions\":[\"a sentence\"]");
        ("\"contracts\":[]", "\"contracts\":[{\"name\":\"n\",\"theorem\":\"t\",\"by_enclosure\":3,\"by_exact\":0}]") ]
  in
  let bounds _ line =
    String.sub line 0 (String.length line - 1)
    ^ ",\"bound\":{\"enclosure\":[\"0x1p+9\",\"0x1p+9\"]},\"slack\":{\"upper\":\"0x1p-9\"}}"
  in
  let guarded = { base with bundle = bundle ~positive:true ~rows:3 gf16; certificate_text = full; row_text = bounds } in
  each_value "each value" guarded ~unjudged:[ "assumptions"; "bound"; "clipped"; "contracts"; "slack" ];
  let b = bundle ~rows:2 ~positive:true gf16 in
  let b = { b with rows = Array.map (fun r -> { r with scales = [| 1. |] }) b.rows } in
  let nearest =
    { base with bundle = rounded { b with guard = true } (fun _ -> [| 1. |]); rule = "unit"; meth = "rtn"; given = false; calibration = `None;
      certificate_text = full }
  in
  each_value "each value, without calibration" nearest ~unjudged:[ "assumptions"; "clipped"; "contracts" ]

let () =
  good_files ();
  forged_values ();
  forged_scales ();
  forged_grams ();
  forged_claims ();
  forged_packing ();
  forged_files ();
  ignore (Sys.command ("rm -rf " ^ Filename.quote folder));
  Printf.printf "files_test: %d runs, %d failures\n" !runs !failures;
  if !runs < 150 || !failures > 0 then exit 1
