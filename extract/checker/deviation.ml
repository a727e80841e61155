(* Standard deviations of weights, and the factors of rule sdclip-adaptive, in the arithmetic and the order of hallmark. *)

(* sqrt(sum (w - mean)^2 / (n - 1)); 0 for one number. *)
let of_weights w =
  let n = float (Array.length w) in
  let mean = Array.fold_left ( +. ) 0. w /. n in
  if n < 2. then 0. else sqrt (Array.fold_left (fun sum x -> sum +. ((x -. mean) *. (x -. mean))) 0. w /. (n -. 1.))

let rec root_of times x = if times = 0 then x else root_of (times - 1) (sqrt x)

(* 1 / v^(5/32), v = [inputs] / n times the variance of n weights, [inputs] the sum of G_jj; 0 for a v beyond 2^(+-700). *)
let rise ~inputs w =
  let std = of_weights w in
  let v = inputs /. float (Array.length w) *. std *. std in
  if v >= 0x1p-700 && v <= 0x1p700 then 1. /. (root_of 3 v *. root_of 5 v) else 0.

let least = 6. /. 12.85
let most = 24. /. 12.85

(* The factor of k under the c of a matrix. *)
let factor c rise = if rise > 0. then Float.min most (Float.max least (c *. rise)) else 1.

(* The least c by which the mean factor over the weights is at least 1; 0 where no rise is above 0. *)
let level rises sizes =
  let mean c =
    let sum = ref 0. and size = ref 0. in
    Array.iteri (fun i rise -> sum := !sum +. (sizes.(i) *. factor c rise); size := !size +. sizes.(i)) rises;
    !sum /. !size
  in
  let rec halve low high c =
    if not (low < c && c < high) then high
    else
      let low, high = if mean c < 1. then (c, high) else (low, c) in
      halve low high (low +. ((high -. low) /. 2.))
  in
  let high = Array.fold_left (fun high rise -> if rise > 0. then Float.max high (most /. rise) else high) 0. rises in
  halve 0. high (high /. 2.)
