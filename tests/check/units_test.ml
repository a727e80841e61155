(* The parts of the checker that are tested and not proved: SHA-256, stored numbers, JSON, the float loops. *)

let failures = ref 0
let runs = ref 0
let check name good = incr runs; if not good then (incr failures; Printf.printf "FAILED %s\n" name)

let mapped text : Mapped.t =
  let bytes = Bigarray.Array1.create Bigarray.char Bigarray.c_layout (String.length text) in
  String.iteri (fun i c -> bytes.{i} <- c) text;
  bytes

(* Against sha256sum, at every length around the block and at one of many blocks. *)
let digests () =
  let folder = Filename.temp_file "units" "" in
  Sys.remove folder;
  Sys.mkdir folder 0o700;
  let texts = List.init 200 (fun n -> String.init n (fun i -> Char.chr (((i * i) + n) land 0xFF))) in
  let texts = texts @ [ String.init 1_000_003 (fun i -> Char.chr ((i * 7) land 0xFF)) ] in
  List.iteri (fun k text -> Made_files.write (Filename.concat folder (Printf.sprintf "%03d" k)) text) texts;
  let channel = Unix.open_process_in (Printf.sprintf "cd %s && sha256sum *" (Filename.quote folder)) in
  List.iteri (fun k text ->
      let expected = String.sub (input_line channel) 0 64 in
      check (Printf.sprintf "SHA-256 of text %d" k) (Sha256.of_string text = expected && Sha256.of_bytes (mapped text) = expected);
      let parts = Sha256.create () and cut = String.length text / 3 in
      Sha256.add_string parts (String.sub text 0 cut);
      Sha256.add parts (mapped (String.sub text cut (String.length text - cut)));
      check (Printf.sprintf "SHA-256 of text %d in parts" k) (Sha256.hex parts = expected))
    texts;
  ignore (Unix.close_process_in channel);
  ignore (Sys.command ("rm -rf " ^ Filename.quote folder))

(* Every binary16 word, by its definition; numbers of binary64 through text and back. *)
let numbers () =
  for h = 0 to 0xFFFF do
    let e = (h lsr 10) land 31 and f = h land 0x3FF in
    let x = Numbers.float_of_single (Numbers.single_of_half h) in
    let sign = if h land 0x8000 <> 0 then -1. else 1. in
    let good =
      if e = 31 then if f = 0 then x = sign *. infinity else Float.is_nan x
      else
        let expected = sign *. if e = 0 then ldexp (float f) (-24) else ldexp (float (f + 1024)) (e - 25) in
        Int64.bits_of_float x = Int64.bits_of_float expected
    in
    if not good then check (Printf.sprintf "binary16 word %04x" h) false
  done;
  check "binary16 words" true;
  let random = Random.State.make [| 5 |] in
  for _ = 1 to 20000 do
    let x = Int64.float_of_bits (Random.State.int64 random Int64.max_int) in
    if Float.is_finite x then
      match Numbers.float_of_hex (Made_files.real x) with
      | Some y when Int64.bits_of_float x = Int64.bits_of_float y -> ()
      | _ -> check (Made_files.real x) false
  done;
  List.iter (fun (text, value) -> check text (Numbers.float_of_hex text = value))
    [ ("0x0p+0", Some 0.); ("0x1p-1074", Some 0x1p-1074); ("0x1.8p-1074", None); ("0x1.fffffffffffffp+1023", Some max_float);
      ("0x1p+1024", None); ("0x1.00000000000001p+0", None); ("-0x1.8p-3", Some (-0.1875)); ("inf", Some infinity); ("-inf", Some neg_infinity);
      ("nan", None); ("", None); ("-", None); ("1.5", None); ("0x2p+0", None); ("0x1.p+0", None); ("0x1p0", None); ("0x1p+", None);
      ("0x1.Fp+0", None); (" 0x1p+0", None); ("0x1p+0 ", None); ("0x1p+0x1", None); ("0x.8p+0", None) ]

let json () =
  let bad text = match Json.parse text with exception Json.Bad _ -> true | _ -> false in
  List.iter (fun text -> check text (bad text))
    [ ""; "{"; "[1,]"; "{\"a\":1,}"; "{\"a\":1,\"a\":2}"; "{\"a\":1,\"\\u0061\":2}"; "01"; "1."; ".5"; "+1"; "1e"; "nul"; "tru"; "\"\\ud800\"";
      "\"\\udc00\""; "\"\\x\""; "\"\t\""; "[1] 2"; "// x\n1"; "NaN"; "'a'"; String.make 100 '['; "{1:2}"; "[1 2]"; "\"a" ];
  check "escapes" (Json.parse "\"\\u00e9\\ud83d\\ude00\\n\\/\"" = Json.String "\xc3\xa9\xf0\x9f\x98\x80\n/");
  check "values" (Json.parse " {\"a\": [1, -2.5e3, true, null]} " = Json.(Object [ ("a", Array [ Number "1"; Number "-2.5e3"; Bool true; Null ]) ]));
  List.iter (fun text -> check "not UTF-8" (not (Json.is_utf8 text)))
    [ "\x80"; "\xc0\x80"; "\xc3"; "\xe0\x80\x80"; "\xed\xa0\x80"; "\xf4\x90\x80\x80"; "\xf0\x80\x80\x80"; "\xff"; "a\xc3" ];
  check "UTF-8" (Json.is_utf8 "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf")

(* The loops of gram.ml against plain ones in the stated orders, bit for bit. *)
let float_loops () =
  let random = Random.State.make [| 11 |] in
  let uniform () = Random.State.float random 2. -. 1. in
  for n = 1 to 19 do
    let tokens = 1 + (n * 2) in
    let x = Array.init (n * tokens) (fun _ -> uniform ()) in  (* whose products are not exact *)
    let g = Gram.accumulate x n tokens in
    for a = 0 to n - 1 do
      for b = 0 to n - 1 do
        let sum = ref 0. in
        for t = 0 to tokens - 1 do sum := Float.fma x.((max a b * tokens) + t) x.((min a b * tokens) + t) !sum done;
        check "Gram matrix" (Int64.bits_of_float !sum = Int64.bits_of_float g.(a).(b))
      done
    done;
    (* H = U D U^T, entry by entry; the same first bad pivot, and the same C. *)
    List.iter (fun shift ->
        let h = Array.init n (fun i -> Array.init n (fun j -> (2. *. g.(i).(j)) +. if i = j then shift else 0.)) in
        let c = Array.init n (fun i -> Array.copy h.(i)) and u = Array.make_matrix n n 0. in
        let rec plain j =
          if j < 0 then None
          else begin
            for i = 0 to j do
              let a = ref h.(i).(j) in
              for k = n - 1 downto j + 1 do a := Float.fma (-.c.(i).(k)) u.(j).(k) !a done;
              c.(i).(j) <- !a
            done;
            let d = c.(j).(j) in
            if d > 0. && d < infinity then begin
              for i = 0 to j - 1 do u.(i).(j) <- c.(i).(j) /. d done;
              plain (j - 1)
            end
            else Some (j, d)
          end
        in
        let upper = Array.init n (fun i -> Array.sub h.(i) i (n - i)) in
        let expected = plain (n - 1) and found = Gram.bad_pivot upper in
        check "bad pivot" (expected = found);
        if expected = None then
          for i = 0 to n - 1 do
            for j = i to n - 1 do
              check "factor" (Int64.bits_of_float c.(i).(j) = Int64.bits_of_float upper.(i).(j - i))
            done
          done)
      [ 1e-3; -0.25 ]
  done;
  (* [[2, 1], [1, 2]]: d_1 = 2, d_0 = 3/2. [[1, 2], [2, 1]]: d_0 = -3. *)
  check "a definite matrix" (Gram.bad_pivot [| [| 2.; 1. |]; [| 2. |] |] = None);
  check "an indefinite matrix" (Gram.bad_pivot [| [| 1.; 2. |]; [| 1. |] |] = Some (0, -3.));
  check "a pivot of 0" (Gram.bad_pivot [| [| 1.; 1. |]; [| 1. |] |] = Some (0, 0.));
  check "NaN" (match Gram.bad_pivot [| [| nan |] |] with Some (0, d) -> Float.is_nan d | _ -> false)

(* A file that another process replaces between two reads: what was read of the first is read again, a refusal too. *)
let replaced () =
  let path = Filename.temp_file "units" "" in
  let replace text = Made_files.write (path ^ ".new") text; Sys.rename (path ^ ".new") path in
  let read name at before finish =
    let reads = ref 0 in
    replace "old";
    let found =
      Mapped.unreplaced [ "/nonexistent"; path ] (fun () ->
          incr reads;
          let first = Mapped.open_file path in
          if !reads <= at then replace before;
          finish first (Mapped.open_file path))
    in
    check (name ^ ": the last file") (found = before);
    check (name ^ ": reads") (!reads = at + 1)
  in
  let text bytes = Mapped.text bytes 0 (Mapped.size bytes) in
  read "nothing is replaced" 0 "old" (fun _ second -> text second);
  let same first second = if Mapped.equal first second then text second else Refusal.rejected "pair" "torn" "" in
  read "a refusal of a torn pair" 3 "new" same;
  read "a torn pair" 1 "new" (fun first second -> if text first = "new" then text second else "torn");
  check "a refusal that stays"
    (match Mapped.unreplaced [ path ] (fun () -> Refusal.rejected "pair" "torn" "") with exception Refusal.Refused _ -> true | () -> false);
  Sys.remove path

let () =
  digests ();
  replaced ();
  numbers ();
  json ();
  float_loops ();
  Printf.printf "units_test: %d checks, %d failures\n" !runs !failures;
  if !failures > 0 then exit 1
