(* rotated_test HALLMARK-CHECK: containers with rotated rows, and searched steps; good ones, and forgeries whose digests are all
   right. Each is refused by name. The rotation is computed here by its definition. *)

open Make_bundle
open Running
module F = Made_files

let int4 = Integer (-8, 7)
let columns = 35 (* two whole blocks, and three columns beyond *)

let sign seed j =
  let digest = Sha256.of_string (Printf.sprintf "hallmark.rotation/1\n%d\n%d\nw" seed (j / 256)) in
  let byte = int_of_string ("0x" ^ String.sub digest (j mod 256 / 8 * 2) 2) in
  if (byte lsr (7 - (j mod 8))) land 1 = 1 then -1. else 1.

let rec odd k = k > 0 && (k land 1 = 1) <> odd (k lsr 1)

(* Sums of 16 with the signs of row k of H_16, over 4: x R^T with the signs inside, x R with those outside. All are exact here. *)
let sums inside outside x =
  let block j = j < Array.length x / 16 * 16 in
  Array.mapi (fun j own ->
      if not (block j) then own
      else
        let sum = ref 0. in
        for k = 0 to 15 do
          let at = (j / 16 * 16) + k in
          sum := !sum +. ((if odd (j land 15 land k) then -1. else 1.) *. inside at *. x.(at))
        done;
        outside j *. !sum /. 4.)
    x

let turned seed = sums (sign seed) (fun _ -> 1.)
let turned_back seed = sums (fun _ -> 1.) (sign seed)

(* The scale of absmax, of either sign. *)
let absmax w =
  let most = Array.fold_left (fun m x -> Float.max m (abs_float x)) 0. w in
  let m, e = Float.frexp (most /. 8.) in
  (if Array.mem (-.most) w then 1. else -1.) *. ldexp (Float.ceil (ldexp m 11)) (e - 11)

let nearest_row s w = Array.map (nearest int4 s 0) w
let points_of s codes = Array.map (fun c -> s *. float c) codes

(* Weights in units of 2^-12 with one that is eight times the others, so that a rotation wins. *)
let plain =
  let b = Make_bundle.make ~positive:true int4 ~rows:6 ~columns ~seed:11 in
  let random = Random.State.make [| 5 |] in
  let weight i j = ldexp (float (Random.State.int random 1000 - 500) *. if j = 3 * i then 8. else 1.) (-12) in
  { b with rows = Array.mapi (fun i r -> { r with weights = Array.init columns (weight i); zeros = [| 0 |] }) b.rows }

let fixed_gram = Array.map (Array.map (fixed gram_bits)) plain.gram
let loss_of w q = loss fixed_gram w q

(* Ends of a row: its codes, rotated or not, and round-to-nearest with absmax. *)
let with_ends seed mark r =
  let s = absmax r.weights and own = points_of r.scales.(0) r.codes in
  let a, b = enclose (loss_of r.weights (if mark = 1 then turned_back seed own else own)) in
  let c, d = enclose (loss_of r.weights (points_of s (nearest_row s r.weights))) in
  { r with ends = [| a; b; c; d |] }

(* Rows rounded in the rotated basis, where that loses less. *)
let made seed =
  let row r =
    let s = absmax r.weights and t = turned seed r.weights in
    let s' = absmax t in
    let kept = with_ends seed 0 { r with scales = [| s |]; codes = nearest_row s r.weights; claims = 1 }
    and other = with_ends seed 1 { r with scales = [| s' |]; codes = nearest_row s' t; claims = 0 } in
    if other.ends.(1) <= kept.ends.(0) then (other, 1) else (kept, 0)
  in
  let rows = Array.map row plain.rows in
  let b = { plain with rows = Array.map fst rows } in
  { (F.make ~rule:"absmax" ~given:false ~grid_id:"int4/2" ~code_dtype:"I8" b) with F.rotation = Some (seed, Array.map snd rows) }

let files = made 3
let marks = snd (Option.get files.F.rotation)
let first mark = let found = ref (-1) in Array.iteri (fun i m -> if m = mark && !found < 0 then found := i) marks; !found
let a_turned = first 1 and a_plain = first 0
let change i f files = { files with F.bundle = map_row files.F.bundle i f }
let mark i m files = { files with F.rotation = Some (3, Array.mapi (fun k old -> if k = i then m else old) marks) }
let flipped j r = { r with codes = Array.mapi (fun k c -> if k = j then (if c < 7 then c + 1 else c - 1) else c) r.codes }

let packed () =
  let packed = { files with F.packed = 4 } in
  good "packed, its marks too" [ "5 rotated, beside round-to-nearest that is not" ] packed;
  refused "a rotated row that is marked as none, packed" "scale-rule" (mark a_turned 0 packed);
  let changed t = { t with F.data = String.map (fun c -> Char.chr (Char.code c lor 0x80)) t.F.data } in
  expect "a bit after the last mark" 3 [ "E0369"; "1 bits" ]
    { packed with container_tensors = List.map (fun t -> if t.F.name = "w.rotated" then changed t else t) }

let rotated () =
  good "rotated rows" [ "5 rotated, beside round-to-nearest that is not"; "scales by absmax, of rotated rows in their basis" ] files;
  good "another seed, with its codes" [ "rotated" ] (made 1000000000);
  refused "the signs of another seed, to which the scales do not belong" "scale-rule" { files with rotation = Some (4, marks) };
  let other = { files with F.rotation = Some (4, marks); meth = "descent" } in
  refused "the same where scales are searched" "guard" other;
  refused "the same without the guard" "enclosure" { other with bundle = { other.bundle with guard = false } };
  refused "a row marked rotated that is not" "rotated" (mark a_plain 1 files);
  refused "the same, of which nothing says that it kept round-to-nearest" "scale-rule"
    (change a_plain (fun r -> { r with claims = 0 }) (mark a_plain 1 files));
  refused "a rotated row that is marked as none" "scale-rule" (mark a_turned 0 files);
  refused "the same where scales are searched" "guard" { (mark a_turned 0 files) with meth = "best" };
  refused "the same, which says that it is round-to-nearest" "scale-rule" (change a_turned (fun r -> { r with claims = 1 }) (mark a_turned 0 files));
  refused "a rotated row that says that it kept round-to-nearest" "rotated" (change a_turned (fun r -> { r with claims = 1 }) files);
  refused "a code of a rotated row" "enclosure" (change a_turned (flipped 4) files);
  refused "a code beyond the whole blocks" "enclosure" (change a_turned (flipped 34) files);
  let worse r = with_ends 3 1 { r with codes = Array.map (fun c -> -c / 2) r.codes } in
  refused "codes of a rotated row that lose more, with their losses" "guard" (change a_turned worse files);
  let scaled f r = with_ends 3 1 { r with scales = Array.map f r.scales } in
  refused "another scale of a rotated row, with its losses" "scale-rule" (change a_turned (scaled (fun s -> s *. (1. +. 0x1p-10))) files);
  refused "the scale of the row that is not rotated" "scale-rule" (change a_turned (fun r -> with_ends 3 1 { r with scales = [| absmax r.weights |] }) files);
  refused "round-to-nearest with the scale of the rotated row" "rtn-enclosure"
    (change a_turned
       (fun r ->
         let c, d = enclose (loss_of r.weights (points_of r.scales.(0) (nearest_row r.scales.(0) r.weights))) in
         { r with ends = [| r.ends.(0); r.ends.(1); c; d |] })
       files);
  let other_digest = map_text "\"rotated\":\"" "\"rotated\":\"\",\"was\":\"" in
  refused "the digest of the marks" "digest" { files with certificate_text = other_digest };
  expect "a mark that is none" 3 [ "E0369" ] (mark a_turned 2 files);
  let meta key f = List.map (fun (k, v) -> if k = key then (k, f v) else (k, v)) in
  expect "schema 2" 3 [ "E0360"; "hallmark.schema" ] { files with container_text = meta "hallmark.schema" (fun _ -> "2") };
  expect "no marks" 3 [ "E0363" ] { files with container_tensors = List.filter (fun t -> t.F.name <> "w.rotated") };
  expect "groups that are no whole blocks" 3 [ "E0362" ]
    { files with bundle = { files.bundle with group_size = 8; rows = Array.map (fun r -> { r with scales = Array.make 5 r.scales.(0); zeros = Array.make 5 0 }) files.bundle.rows } };
  expect "a grid that takes no rotation" 3 [ "E0362" ] { files with grid_id = "gf16/1"; stated_grid = "gf16/1"; code_dtype = "U16" };
  expect "a rule that nobody knows" 8 [ "NOT JUDGED: rule magic is not known"; "5 rows NOT JUDGED" ] { files with rule = "magic" };
  expect "searched in the rotated basis" 0 [ "scales searched: loss at most that of round-to-nearest with the scales of absmax" ]
    (change a_turned (scaled (fun s -> s *. (1. +. 0x1p-10))) { files with meth = "descent" });
  expect "the same without the guard" 8 [ "scales NOT JUDGED: searched from those of absmax, without the guard" ]
    { files with meth = "best"; bundle = { files.bundle with guard = false } };
  refused "a row that kept round-to-nearest with another scale" "scale-rule"
    (change a_plain (fun r -> { r with scales = [| r.scales.(0) *. 2. |] }) { files with meth = "descent" })

(* Steps that were searched: nobody sees how. *)
let searched () =
  let b = rounded plain (fun i -> [| absmax plain.rows.(i).weights |]) in
  let made b = F.make ~rule:"search" ~given:false ~grid_id:"int4/2" ~code_dtype:"I8" b in
  good "searched scales" [ "scales searched: loss at most that of round-to-nearest with the scales of absmax" ] (made b);
  (* All weights are nearest to 0 at scale 2^100, and this loses no more than itself. *)
  let huge = rounded plain (fun _ -> [| ldexp 1. 100 |]) in
  List.iter (fun (rule, meth) -> refused ("2^100, by " ^ rule ^ " and " ^ meth) "rule-guard" { (made huge) with rule; meth })
    [ ("search", "gptq"); ("absmax", "descent"); ("absmax", "best"); ("absmax", "prune"); ("search", "best") ];
  expect "without the guard" 8 [ "NOT JUDGED: searched from those of absmax, without the guard" ] (made { huge with guard = false });
  expect "round-to-nearest with searched scales" 8 [ "NOT JUDGED: rule search is not known" ]
    { (made b) with meth = "rtn" }

let () =
  packed ();
  rotated ();
  searched ();
  ignore (Sys.command ("rm -rf " ^ Filename.quote folder));
  Printf.printf "rotated_test: %d runs, %d failures\n" !runs !failures;
  if !runs < 30 || !failures > 0 then exit 1
