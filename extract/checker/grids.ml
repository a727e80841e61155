(* The grids that files name by id (docs/design.md, section 1), as the judge knows them. *)

type t = {
  id : string;
  judged : Checker.grid;
  code_dtype : string;
  bits : int;  (* that tell the codes apart *)
  zero_points : bool;
  either_sign : bool;  (* scales may be negative *)
}

let single x = Z.of_int (Int32.to_int (Int32.bits_of_float x) land 0xFFFFFFFF)

let rec width n = if n = 0 then 0 else 1 + width (n / 2)

let golden id e m =
  { id; bits = 1 + e + m; judged = Checker.Golden (Z.of_int e, Z.of_int m); code_dtype = (if 1 + e + m > 8 then "U16" else "U8");
    zero_points = false; either_sign = false }

let integer ?(zero_points = false) ?(either_sign = false) id first last =
  { id; bits = width (last - first); judged = Checker.Integer (Z.of_int first, Z.of_int last); code_dtype = (if first < 0 then "I8" else "U8"); zero_points; either_sign }

let table id points =
  { id; bits = width (List.length points - 1); judged = Checker.Table (List.map single points); code_dtype = (if List.length points > 256 then "U16" else "U8");
    zero_points = false; either_sign = false }

let mirrored positive = List.rev_map (fun x -> -.x) positive @ positive

let nf4 =
  [ -1.0; -0x1.647p-1; -0x1.0cdp-1; -0x1.946p-2; -0x1.234p-2; -0x1.7a7p-3; -0x1.74fp-4; 0.0; 0x1.45fp-4; 0x1.49ap-3; 0x1.f81p-3;
    0x1.5a0p-2; 0x1.c35p-2; 0x1.201p-1; 0x1.722p-1; 1.0 ]

(* The user's table carries its points. *)
let of_id id points =
  let scan format build = try Some (Scanf.sscanf id format build) with Scanf.Scan_failure _ | End_of_file | Failure _ -> None in
  let canonical grid = if grid.id = id then Some grid else None in  (* no other spelling of a number *)
  let bits b = b >= 2 && b <= 8 in
  let first_of list = List.find_map (fun f -> f ()) list in
  match (id, points) with
  | "table/1", Some points -> Some (table id points)
  | _, Some _ -> None
  | "gf16/1", None -> Some (golden id 6 9)
  | "bf16/1", None -> Some (golden id 8 7)
  | "fp16/1", None -> Some (golden id 5 10)
  | "nf4/1", None -> Some (table id nf4)
  | "lloyd:2/1", None -> Some (table id (mirrored [ 38.; 127. ]))
  | "lloyd:3/1", None -> Some (table id (mirrored [ 14.; 45.; 79.; 127. ]))
  | "lloyd:4/1", None -> Some (table id (mirrored [ 6.; 18.; 31.; 44.; 58.; 75.; 96.; 127. ]))
  | _ ->
      first_of
        [ (fun () ->
            Option.bind (scan "gf:%u,%u/1%!" (fun e m -> (e, m))) (fun (e, m) ->
                let known = List.mem (e, m) [ (6, 9); (8, 7); (5, 10) ] in
                if e < 2 || e > 8 || m < 1 || m > 12 || 1 + e + m > 16 || known then None
                else canonical (golden (Printf.sprintf "gf:%d,%d/1" e m) e m)));
          (fun () ->
            Option.bind (scan "int%uz/1%!" Fun.id) (fun b ->
                if bits b then canonical (integer ~zero_points:true (Printf.sprintf "int%dz/1" b) 0 ((1 lsl b) - 1)) else None));
          (fun () ->
            Option.bind (scan "int%u/2%!" Fun.id) (fun b ->
                let half = 1 lsl (b - 1) in
                if bits b then canonical (integer ~either_sign:true (Printf.sprintf "int%d/2" b) (-half) (half - 1)) else None));
          (fun () ->
            Option.bind (scan "int%u/1%!" Fun.id) (fun b ->
                let half = 1 lsl (b - 1) in
                if bits b then canonical (integer (Printf.sprintf "int%d/1" b) (1 - half) (half - 1)) else None)) ]
