(* Rotated rows (docs/file-format.md, section 2): the signs that a name and a seed give, and a row in the rotated basis, in which
   a rule fits its scale. What codes of such a row stand for, Coq computes (coq/Check/Turn.v). *)

let block = 16

let columns_of columns = columns / block * block

(* 1 or -1 for each column of a whole block. *)
let signs ~name ~seed columns =
  let digest = ref "" in
  List.init (columns_of columns) (fun j ->
      let bit = j mod 256 in
      if bit = 0 then digest := Sha256.of_string (Printf.sprintf "hallmark.rotation/1\n%d\n%d\n%s" seed (j / 256) name);
      let digit = int_of_string (Printf.sprintf "0x%c" !digest.[bit / 4]) in
      if (digit lsr (3 - (bit mod 4))) land 1 = 1 then -1 else 1)

(* The words of w R^T, as hallmark computes them: additions in binary64 of neighbours at distance 1, 2, 4, 8, one rounding to
   binary32. *)
let turned signs words =
  let x = Array.map Numbers.float_of_single words and signs = Array.of_list signs in
  Array.iteri (fun j sign -> x.(j) <- float sign *. x.(j)) signs;
  for first = 0 to (Array.length signs / block) - 1 do
    List.iter (fun step ->
        for k = 0 to block - 1 do
          if k land step = 0 then begin
            let at = (first * block) + k in
            let a = x.(at) and b = x.(at + step) in
            x.(at) <- a +. b;
            x.(at + step) <- a -. b
          end
        done)
      [ 1; 2; 4; 8 ]
  done;
  Array.mapi (fun j word ->
      if j < Array.length signs then Int32.to_int (Int32.bits_of_float (0.25 *. x.(j))) land 0xFFFFFFFF else word)
    words
