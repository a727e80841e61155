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

let () =
  (* Accepted: several shapes, one row and one column included. *)
  List.iter (fun (rows, columns, seed) ->
      expect (Printf.sprintf "good %d x %d" rows columns) 0 "accepted" (encode (make ~rows ~columns ~seed)))
    [ (1, 1, 1); (2, 1, 2); (1, 5, 3); (7, 3, 4); (6, 19, 5); (24, 32, 6); (9, 64, 7) ];
  let rows = 6 and columns = 8 in
  let b = make ~rows ~columns ~seed:47 in
  let good = encode b in
  let improved = Array.exists (fun r -> r.claims = 0 && r.ends.(1) < r.ends.(2)) b.rows in
  if not improved then (incr failures; print_endline "FAILED: no row of the sample beats round-to-nearest");
  let codes = Array.concat (Array.to_list (Array.map (fun r -> r.codes) b.rows)) in
  let some name p = if not (Array.exists p codes) then (incr failures; print_endline ("FAILED: no " ^ name)) in
  some "clipped code" (fun c -> c land 0x7FFF = max_word);
  some "subnormal code" (fun c -> c land 0x7E00 = 0 && c land 0x1FF > 0);
  some "negative code" (fun c -> c land 0x8000 <> 0);
  (* Each bit of each code: rejected at that row, except that the two zeros are one number. *)
  for i = 0 to rows - 1 do
    for j = 0 to columns - 1 do
      for bit = 0 to 15 do
        let at = codes_at b + (((i * columns) + j) * 2) + (bit / 8) in
        let zeros = bit = 15 && b.rows.(i).codes.(j) land 0x7FFF = 0 in
        if zeros then expect "other zero" 0 "accepted" (changed good (flip 7 at))
        else expect (Printf.sprintf "code bit %d of %d,%d" bit i j) 7 (row_text i) (changed good (flip (bit mod 8) at))
      done
    done
  done;
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
  expect "negative scale" 7 "'scale'" (set32 (scales_at b) 0xBF800000l);
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
  let gram_fixed = Array.map (Array.map (fixed 96)) b.gram in
  let low, high = enclose (loss gram_fixed 96 r0.scale r0.weights worse) in
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
  expect "version 2" 3 "another version" (set32 8 2l);
  expect "huge version" 3 "version 4294967295" (set32 8 0xFFFFFFFFl);
  expect "reserved bits" 3 "reserved" (set32 12 1l);
  expect "reserved flag" 3 "flags of row 0" (changed good (flip 1 (flags_at b)));
  expect "no rows" 3 "rows" (set64 16 0L);
  expect "no columns" 3 "columns" (set64 24 0L);
  expect "huge rows" 3 "rows = 18446744073709551615" (set64 16 (-1L));
  expect "huge columns" 3 "columns = 4611686018427387904" (set64 24 0x4000000000000000L);
  expect "many rows" 3 "truncated" (set64 16 16777216L);
  expect "fewer rows" 3 "extra bytes" (set64 16 (Int64.of_int (rows - 1)));
  judge "missing file" 9 "cannot read" (Filename.quote (Filename.concat folder "absent"));
  judge "folder" 9 "cannot read" (Filename.quote folder);
  judge "no argument" 2 "wrong usage" "";
  judge "option" 2 "wrong usage" "--help";
  (* Speed: a layer of 256 x 256. *)
  let large = encode (make ~rows:256 ~columns:256 ~seed:89) in
  write large;
  let start = Unix.gettimeofday () in
  judge "256 x 256" 0 "256 rows, 256 columns" (Filename.quote file);
  let seconds = Unix.gettimeofday () -. start in
  Printf.printf "256 x 256: %.1f s\n" seconds;
  if not (seconds <= 60.) then (incr failures; print_endline "FAILED: slower than 60 s");
  List.iter (fun path -> if Sys.file_exists path then Sys.remove path) [ file; said ];
  Sys.rmdir folder;
  Printf.printf "%d runs, %d failures\n" !runs !failures;
  if !runs < 100 || !failures > 0 then exit 1
