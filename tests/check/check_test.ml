(* check_test HALLMARK-CHECK: runs the program on good and bad bundles and compares exit codes and messages. *)

open Make_bundle

let program = Sys.argv.(1)
let folder = Filename.temp_file "hallmark_check" ""
let () = Sys.remove folder; Sys.mkdir folder 0o700
let file = Filename.concat folder "bundle"
let said = Filename.concat folder "said"
let failures = ref 0
let runs = ref 0

let write bytes =
  let channel = open_out_bin file in
  output_bytes channel bytes;
  close_out channel

let slurp path =
  let channel = open_in_bin path in
  let text = really_input_string channel (in_channel_length channel) in
  close_in channel;
  text

let contains text part =
  let n = String.length part in
  let rec at i = i + n <= String.length text && (String.sub text i n = part || at (i + 1)) in
  at 0

let run arguments =
  Sys.command (Printf.sprintf "%s %s > %s 2>&1" (Filename.quote program) arguments (Filename.quote said))

let judge name expected part arguments =
  incr runs;
  let code = run arguments in
  let text = slurp said in
  if code <> expected || not (contains text part) then begin
    incr failures;
    Printf.printf "FAILED %s: exit %d, expected %d and \"%s\"; it said:\n%s" name code expected part text
  end

let expect name expected part bytes = write bytes; judge name expected part (Filename.quote file)

(* The bundle's bytes after a change. *)
let changed bytes change = let copy = Bytes.copy bytes in change copy; copy
let flip bit at copy = Bytes.set_uint8 copy at (Bytes.get_uint8 copy at lxor (1 lsl bit))
let row_text i = Printf.sprintf "row %d" i

(* Each bit of each code: rejected at that row, except that the two zeros of a golden grid are one number, and that without a
   Gram matrix only rows that claim to be round-to-nearest are judged. *)
let flip_codes name b =
  let good = encode b in
  Array.iteri (fun i r ->
      Array.iteri (fun j code ->
          for bit = 0 to 15 do
            let at = codes_at b + (((i * b.columns) + j) * 2) + (bit / 8) in
            let flipped = changed good (flip (bit mod 8) at) in
            let word = (code land 0xFFFF) lxor (1 lsl bit) in
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
            if not is_code' then begin expect name 7 "'codes'" flipped; judge name 7 (row_text i) (Filename.quote file) end
            else if zeros || (r.claims = 0 && not b.with_gram) then expect name 0 "accepted" flipped
            else expect name 7 (row_text i) flipped
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
            expect (Printf.sprintf "%s, %s, %d x %d" name kind rows columns) 0 "accepted"
              (encode (make ?with_gram ?guard ~group_size ~with_zeros grid ~rows ~columns ~seed))
          in
          good "guarded";
          good ~guard:false "without guard";
          good ~with_gram:false ~guard:false "without Gram matrix")
        [ (1, 1, 11); (7, 9, 12); (12, 16, 13) ])
    grids

(* What version 2 adds to the ways to be wrong. *)
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
  let good = encode b in
  let set32 at word = changed good (fun c -> Bytes.set_int32_le c at word) in
  let set16 at word = changed good (fun c -> Bytes.set_uint16_le c at word) in
  expect "zero scale" 7 "'scale'" (set32 (scales_at b + 4) 0l);
  expect "negative zero scale" 7 "'scale'" (set32 (scales_at b + 4) 0x80000000l);
  expect "NaN scale" 7 "'scale'" (set32 (scales_at b + 8) 0x7FC00000l);
  for k = 0 to group_words b - 1 do
    let row = row_text (k / 3) in
    expect "scale of the other sign" 7 row (changed good (flip 7 (scales_at b + (4 * k) + 3)));
    expect "scale's last bit" 7 row (changed good (flip 0 (scales_at b + (4 * k))));
    expect "zero point's last bit" 7 row (changed good (flip 0 (zeros_at b + (2 * k))));
    expect "zero point out of range" 7 "'zero-points'" (set16 (zeros_at b + (2 * k)) 16);
    expect "negative zero point" 7 "'zero-points'" (set16 (zeros_at b + (2 * k)) 0xFFFF)
  done;
  (* Without the guard a row may lose more than round-to-nearest, and without a Gram matrix nothing is said of losses. *)
  let r0 = b.rows.(1) in
  let worse = Array.mapi (fun j c -> if j < 3 then (if c < 8 then c + 6 else c - 6) else c) r0.codes in
  let gram_fixed = Array.map (Array.map (fixed gram_bits)) b.gram in
  let low, high = enclose (loss gram_fixed r0.weights (points b.grid b.group_size r0.scales r0.zeros worse)) in
  let dishonest = { r0 with codes = worse; claims = 0; ends = [| low; high; r0.ends.(2); r0.ends.(3) |] } in
  let with_row b r = { b with rows = Array.mapi (fun i old -> if i = 1 then r else old) b.rows } in
  expect "guard" 7 "'guard'" (encode (with_row b dishonest));
  expect "no guard" 0 "accepted" (encode { (with_row b dishonest) with guard = false });
  expect "no guard, wrong end" 7 "'enclosure'"
    (encode { (with_row b { dishonest with ends = [| high; high; high; high |] }) with guard = false });
  expect "no guard, false claim" 7 "'rtn'" (encode { (with_row b { dishonest with claims = 1 }) with guard = false });
  let bare = { b with guard = false; with_gram = false } in
  expect "no Gram matrix" 0 "accepted" (encode (with_row bare dishonest));
  expect "no Gram matrix, false claim" 7 "'rtn'" (encode (with_row bare { dishonest with claims = 1 }));
  (* Grids that are none. *)
  let header name expected part at word = expect name expected part (set32 at word) in
  header "no integers" 7 "'grid'" 36 16l;
  header "integers from too low" 7 "'grid'" 36 (-257l);
  header "integers to too high" 7 "'grid'" 40 256l;
  let golden = make (Golden (4, 3)) ~rows:2 ~columns:3 ~seed:35 in
  let change b at word = changed (encode b) (fun c -> Bytes.set_int32_le c at word) in
  expect "codes beyond the range" 7 "'codes'" (change (make (Integer (-8, 7)) ~rows:2 ~columns:9 ~seed:37) 40 0l);
  List.iter (fun (e, m) ->
      let bytes = changed (encode golden) (fun c -> Bytes.set_int32_le c 36 e; Bytes.set_int32_le c 40 m) in
      expect (Printf.sprintf "gf:%ld,%ld" e m) 7 "'grid'" bytes)
    [ (1l, 3l); (9l, 3l); (4l, 0l); (2l, 13l); (8l, 8l); (-4l, 3l) ];
  let table = make nf4 ~rows:2 ~columns:3 ~seed:36 in
  let value k word = change table (values_at table + (4 * k)) word in
  expect "equal values" 7 "'grid'" (value 1 0xBF800000l);
  expect "decreasing values" 7 "'grid'" (value 15 0l);
  expect "NaN value" 7 "'grid'" (value 3 0x7FC00000l);
  expect "infinite value" 7 "'grid'" (value 15 0x7F800000l);
  expect "value of 14 bits" 7 "'grid'" (value 15 0x3F800400l);
  expect "value of 13 bits" 7 "row" (value 15 0x3F800800l);
  expect "one value" 7 "'grid'"
    (encode { (make (Table [| 0.; 1. |]) ~rows:1 ~columns:1 ~seed:1) with grid = Table [| 1. |] });
  (* Malformed headers. *)
  header "flags" 3 "reserved" 12 8l;
  header "guard without Gram matrix" 3 "without a Gram matrix" 12 6l;
  header "unknown kind" 3 "kind 3" 32 3l;
  header "zero points of a golden grid" 3 "zero points" 32 0l;
  header "group size" 3 "extra bytes" 44 4l;
  header "another group size" 3 "truncated" 44 2l;
  expect "no values" 3 "table values = 0" (change table 36 0l);
  expect "many values" 3 "table values = 65537" (change table 36 65537l);
  expect "more values" 3 "truncated" (change table 36 17l);
  expect "reserved word" 3 "reserved" (change table 40 1l);
  expect "reserved flag of a row" 3 "flags of row 0" (changed good (flip 1 (flags_at b)));
  expect "one byte short" 3 "truncated" (Bytes.sub good 0 (Bytes.length good - 1));
  expect "one byte more" 3 "extra bytes" (Bytes.cat good (Bytes.make 1 '\000'));
  expect "cut header" 3 "truncated" (Bytes.sub good 0 47)

(* Version 1, whose one grid is gf16. *)
let first_version () =
  List.iter (fun (rows, columns, seed) ->
      expect (Printf.sprintf "good %d x %d" rows columns) 0 "accepted" (encode (make_first ~rows ~columns ~seed)))
    [ (1, 1, 1); (2, 1, 2); (1, 5, 3); (7, 3, 4); (6, 19, 5); (24, 32, 6); (9, 64, 7) ];
  let rows = 6 and columns = 8 in
  let b = make_first ~rows ~columns ~seed:47 in
  let good = encode b in
  let improved = Array.exists (fun r -> r.claims = 0 && r.ends.(1) < r.ends.(2)) b.rows in
  if not improved then (incr failures; print_endline "FAILED: no row of the sample beats round-to-nearest");
  let codes = Array.concat (Array.to_list (Array.map (fun r -> r.codes) b.rows)) in
  let some name p = if not (Array.exists p codes) then (incr failures; print_endline ("FAILED: no " ^ name)) in
  some "clipped code" (fun c -> c land 0x7FFF = last_word 6 9);
  some "subnormal code" (fun c -> c land 0x7E00 = 0 && c land 0x1FF > 0);
  some "negative code" (fun c -> c land 0x8000 <> 0);
  flip_codes "version 1" b;
  (* Wrong enclosures. *)
  Array.iteri (fun i r ->
      let move k delta name =
        let at = ends_at b + (((4 * i) + k) * 8) in
        let word = Int64.add (Int64.bits_of_float r.ends.(k)) delta in
        expect (Printf.sprintf "end %d of row %d" k i) 7 ("'" ^ name ^ "'")
          (changed good (fun c -> Bytes.set_int64_le c at word))
      in
      (* One end moved past the other by one number leaves the loss outside. *)
      let width = Int64.sub (Int64.bits_of_float r.ends.(1)) (Int64.bits_of_float r.ends.(0)) in
      let width' = Int64.sub (Int64.bits_of_float r.ends.(3)) (Int64.bits_of_float r.ends.(2)) in
      move 1 (Int64.neg (Int64.succ width)) "enclosure";
      move 0 (Int64.succ width) "enclosure";
      move 3 (Int64.neg (Int64.succ width')) "rtn-enclosure";
      move 2 (Int64.succ width') "rtn-enclosure")
    b.rows;
  (* Words that are no finite numbers. *)
  let set32 at word = changed good (fun c -> Bytes.set_int32_le c at word) in
  let set64 at word = changed good (fun c -> Bytes.set_int64_le c at word) in
  let set16 at word = changed good (fun c -> Bytes.set_uint16_le c at word) in
  expect "NaN weight" 7 "'weights'" (set32 (weights_at b + 4) 0x7FC00000l);
  expect "infinite weight" 7 "'weights'" (set32 (weights_at b + 4) 0xFF800000l);
  expect "NaN code" 7 "'codes'" (set16 (codes_at b) 0x7E01);
  expect "infinite code" 7 "'codes'" (set16 (codes_at b) 0xFE00);
  expect "NaN in G" 7 "'gram'" (set64 (gram_at b + 8) 0x7FF8000000000000L);
  expect "infinity in G" 7 "'gram'" (set64 (gram_at b + 8) 0x7FF0000000000000L);
  expect "asymmetric G" 7 "'symmetry'" (changed good (flip 0 (gram_at b + 8)));
  expect "NaN scale" 7 "'scale'" (set32 (scales_at b) 0x7FC00000l);
  expect "zero scale" 7 "'scale'" (set32 (scales_at b) 0l);
  expect "negative scale" 7 "row 0" (set32 (scales_at b) 0xBF800000l);
  expect "NaN end" 7 "'ends'" (set64 (ends_at b) 0x7FF8000000000000L);
  expect "infinite end" 7 "'ends'" (set64 (ends_at b + 8) 0x7FF0000000000000L);
  (* A row that claims to be round-to-nearest and beats it. *)
  Array.iteri (fun i r ->
      if r.claims = 0 && r.ends.(1) < r.ends.(2) then
        expect "false claim" 7 "'rtn'" (changed good (flip 0 (flags_at b + i))))
    b.rows;
  (* A worse code with honest enclosures: only the guard can object. *)
  let r0 = b.rows.(0) in
  let worse = Array.copy r0.codes in
  worse.(0) <- worse.(0) lxor 0x100;
  let gram_fixed = Array.map (Array.map (fixed gram_bits)) b.gram in
  let low, high = enclose (loss gram_fixed r0.weights (points b.grid 0 r0.scales r0.zeros worse)) in
  let dishonest = { r0 with codes = worse; claims = 0; ends = [| low; high; r0.ends.(2); r0.ends.(3) |] } in
  expect "guard" 7 "'guard'" (encode { b with rows = Array.append [| dishonest |] (Array.sub b.rows 1 (rows - 1)) });
  (* Malformed files. *)
  let size = Bytes.length good in
  expect "empty file" 3 "truncated" Bytes.empty;
  expect "header only" 3 "truncated" (Bytes.sub good 0 32);
  expect "cut header" 3 "truncated" (Bytes.sub good 0 31);
  expect "one byte short" 3 "truncated" (Bytes.sub good 0 (size - 1));
  expect "one byte more" 3 "extra bytes" (Bytes.cat good (Bytes.make 1 '\000'));
  expect "other magic" 3 "not a bundle" (changed good (flip 0 0));
  expect "version 0" 3 "another version" (set32 8 0l);
  expect "version 2" 3 "" (set32 8 2l);
  expect "version 3" 3 "another version" (set32 8 3l);
  expect "huge version" 3 "version 4294967295" (set32 8 0xFFFFFFFFl);
  expect "reserved bits" 3 "reserved" (set32 12 1l);
  expect "reserved flag" 3 "flags of row 0" (changed good (flip 1 (flags_at b)));
  expect "no rows" 3 "rows" (set64 16 0L);
  expect "no columns" 3 "columns" (set64 24 0L);
  expect "huge rows" 3 "rows = 18446744073709551615" (set64 16 (-1L));
  expect "huge columns" 3 "columns = 4611686018427387904" (set64 24 0x4000000000000000L);
  expect "many rows" 3 "truncated" (set64 16 16777216L);
  expect "fewer rows" 3 "extra bytes" (set64 16 (Int64.of_int (rows - 1)))

(* A layer of 256 x 256 and a table in groups. *)
let speed name limit bytes said =
  write bytes;
  let start = Unix.gettimeofday () in
  judge name 0 said (Filename.quote file);
  let seconds = Unix.gettimeofday () -. start in
  Printf.printf "%s: %.1f s\n" name seconds;
  if not (seconds <= limit) then (incr failures; Printf.printf "FAILED: slower than %.0f s\n" limit)

let () =
  first_version ();
  accepted_grids ();
  rejected_grids ();
  judge "missing file" 9 "cannot read" (Filename.quote (Filename.concat folder "absent"));
  judge "folder" 9 "cannot read" (Filename.quote folder);
  judge "no argument" 2 "wrong usage" "";
  judge "option" 2 "wrong usage" "--help";
  speed "gf16, 256 x 256" 60. (encode (make_first ~rows:256 ~columns:256 ~seed:89)) "256 rows, 256 columns";
  speed "nf4, 256 x 256" 60. (encode (make ~group_size:64 nf4 ~rows:256 ~columns:256 ~seed:90)) "256 rows, 256 columns";
  speed "largest table, 64 x 256" 60. (encode (make ~guard:false ~with_gram:false largest_table ~rows:64 ~columns:256 ~seed:91))
    "64 rows, 256 columns";
  List.iter (fun path -> if Sys.file_exists path then Sys.remove path) [ file; said ];
  Sys.rmdir folder;
  Printf.printf "%d runs, %d failures\n" !runs !failures;
  if !runs < 2000 || !failures > 0 then exit 1
