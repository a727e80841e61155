(* Gram matrices: where they come from, and whether they can be ones. Floats are binary64, and each fma rounds once. *)

type t = {
  columns : int;
  row : int -> float array;  (* a fresh array *)
  sha256 : string;           (* of its binary64 words, row by row *)
  kind : string;             (* gram or activations *)
  tokens : int;              (* 0: unknown *)
  held_out : int;            (* activations behind them that are not in the sum *)
}

(* chains.c: c.(at - m) and sums.(at + m), m = 0 .. 3, are continued by [count] terms each, of which packed holds four side by side. *)
external subtract : float array -> int -> float array -> int -> unit = "hallmark_subtract" [@@noalloc]
external add : float array -> int -> float array -> int -> float array -> int -> unit = "hallmark_add_bytecode" "hallmark_add" [@@noalloc]

(* G_ab = sum over tokens of x_ta x_tb, tokens increasing, from +0, each term by one fma; the order of T11 (b). Columns lie
   one after the other in x, [tokens] entries each. *)
let accumulate x columns tokens =
  let g = Array.init columns (fun _ -> Array.make ((columns + 3) / 4 * 4) 0.) in
  let packed = Array.make (4 * tokens) 0. in
  for block = 0 to (columns - 1) / 4 do
    for m = 0 to 3 do
      let b = (4 * block) + m in
      for t = 0 to tokens - 1 do packed.((4 * t) + m) <- (if b < columns then x.((b * tokens) + t) else 0.) done
    done;
    for a = 4 * block to columns - 1 do add g.(a) (4 * block) x (a * tokens) packed tokens done
  done;
  Array.init columns (fun a -> Array.init columns (fun b -> if b <= a then g.(a).(b) else g.(b).(a)))

let digest_of_rows columns row =
  let digest = Sha256.create () in
  let words = Bigarray.Array1.create Bigarray.char Bigarray.c_layout (8 * columns) in
  for i = 0 to columns - 1 do
    Array.iteri (fun j x ->
        let word = Int64.bits_of_float x in
        for k = 0 to 7 do
          words.{(8 * j) + k} <- Char.unsafe_chr (Int64.to_int (Int64.shift_right_logical word (8 * k)) land 0xFF)
        done)
      (row i);
    Sha256.add digest words
  done;
  Sha256.hex digest

let of_stored columns tokens (tensor : Safetensors.tensor) =
  let data = tensor.data in
  if tensor.dtype = "F64" then
    { columns; tokens; held_out = 0; kind = "gram"; sha256 = Sha256.of_bytes data;
      row = (fun i -> Array.init columns (fun j -> Int64.float_of_bits (Mapped.word64 data (8 * ((i * columns) + j))))) }
  else
    let row i = Array.init columns (fun j -> Int32.float_of_bits (Mapped.word32 data (4 * ((i * columns) + j)))) in
    { columns; tokens; held_out = 0; kind = "gram"; sha256 = digest_of_rows columns row; row }

let of_activations columns tokens ~held_out read =
  let x = Array.make (columns * tokens) 0. in
  for t = 0 to tokens - 1 do
    for j = 0 to columns - 1 do x.((j * tokens) + t) <- Numbers.float_of_single (read ((t * columns) + j)) done
  done;
  let g = accumulate x columns tokens in
  let row i = Array.copy g.(i) in
  { columns; tokens; held_out; kind = "activations"; sha256 = digest_of_rows columns row; row }

(* fraction * mean(diag(2 G)), as hallmark computes it. *)
let damping diagonal fraction =
  fraction *. (Array.fold_left (fun sum d -> sum +. (2. *. d)) 0. diagonal /. float (Array.length diagonal))

(* H = U D U^T from the last column back, in the order of T15: an entry starts at H_ij and subtracts C_ik U_jk for k decreasing,
   each by one fma. The first pivot that is not positive and finite; T22 speaks of what it means that there is none. The rows of c
   hold H from the diagonal on, and C after. *)
let bad_pivot c =
  let n = Array.length c in
  let u = Array.init n (fun i -> Array.make (n - i) 0.) in  (* u.(i).(k - i) *)
  let rec blocks last =
    if last < 0 then None
    else begin
      let first = max 0 (last - 3) in
      (* What all columns of the block subtract: k beyond it. Their rows of u lie interleaved, which spares addresses. *)
      let beyond = n - 1 - last in
      let packed = Array.make (4 * beyond) 0. in
      for j = first to last do
        for t = 0 to beyond - 1 do packed.((4 * t) + last - j) <- u.(j).(last + 1 + t - j) done
      done;
      for i = 0 to last do
        let ci = c.(i) in
        let at = last - i in
        if i <= first && last - first = 3 then subtract ci at packed beyond
        else
          for j = max i first to last do
            let a = ref ci.(j - i) in
            for t = beyond - 1 downto 0 do a := Float.fma (-.ci.(at + 1 + t)) packed.((4 * t) + last - j) !a done;
            ci.(j - i) <- !a
          done
      done;
      (* The columns of the block among themselves. *)
      let rec columns j =
        if j < first then blocks (first - 1)
        else begin
          let uj = u.(j) in
          for i = 0 to j do
            let ci = c.(i) in
            let a = ref ci.(j - i) in
            for k = last downto j + 1 do a := Float.fma (-.ci.(k - i)) uj.(k - j) !a done;
            ci.(j - i) <- !a
          done;
          let d = c.(j).(0) in
          if d > 0. && d < infinity then begin
            for i = 0 to j - 1 do u.(i).(j - i) <- c.(i).(j - i) /. d done;
            columns (j - 1)
          end
          else Some (j, d)
        end
      in
      columns last
    end
  in
  blocks (n - 1)

(* The damping that hallmark has by default. A larger one in the file would let more of an indefinite matrix pass. *)
let fraction = 0.01

(* Refuses what is no Gram matrix, with [where] for messages. Returns the number of columns with a zero diagonal. *)
let check where g =
  let n = g.columns in
  let refuse check sentence detail = Refusal.rejected check sentence (where ^ ": " ^ detail) in
  let diagonal = Array.init n (fun i -> (g.row i).(i)) in
  let roots = Array.map sqrt diagonal in
  let lambda = damping diagonal fraction in
  let most = Array.fold_left Float.max 0. diagonal and dead = Array.fold_left (fun k d -> if d = 0. then k + 1 else k) 0 diagonal in
  let upper = Array.init n (fun i ->
      let row = g.row i in
      Array.iteri (fun j x ->
          let bound = roots.(i) *. roots.(j) *. (1. +. 0x1p-20) in
          if not (abs_float x <= bound) then
            refuse "gram-bound" "an entry is larger than the root of the product of its diagonal entries"
              (Printf.sprintf "entry (%d, %d) is %h" i j x))
        row;
      Array.init (n - i) (fun k -> if k = 0 then (2. *. row.(i)) +. lambda else 2. *. row.(i + k)))
  in
  if dead < n then begin
    if not (lambda >= 0x1p-900 && (2. *. most) +. lambda <= 0x1p64 *. lambda) then
      refuse "definite" "the diagonal is too wide or too small to judge" (Printf.sprintf "up to %h, mean %h" most (lambda /. (2. *. fraction)));
    match bad_pivot upper with
    | None -> ()
    | Some (j, d) ->
        refuse "definite" "the Gram matrix is not positive semidefinite, so that an error can be rewarded"
          (Printf.sprintf "pivot %d of 2 G + lambda I is %h, lambda %h" j d lambda)
  end;
  dead
