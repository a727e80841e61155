(* Stored numbers as words: binary32 from F32, BF16 and F16, binary64 from F64 and F32, binary64 from hexadecimal text. *)

(* The binary32 word of a binary16 word: the same number. Infinity and NaN stay such. *)
let single_of_half h =
  let sign = (h land 0x8000) lsl 16 and e = (h lsr 10) land 0x1F and f = h land 0x3FF in
  if e = 31 then sign lor 0x7F800000 lor (f lsl 13)
  else if e > 0 then sign lor ((e + 112) lsl 23) lor (f lsl 13)
  else if f = 0 then sign
  else
    let rec normal f e = if f land 0x400 <> 0 then sign lor (e lsl 23) lor ((f land 0x3FF) lsl 13) else normal (f lsl 1) (e - 1) in
    normal f 113

let width = function "F32" -> 4 | "BF16" | "F16" -> 2 | "F64" -> 8 | _ -> 0

(* Element i of a tensor as a binary32 word; of another dtype: none. *)
let single_reader dtype (data : Mapped.t) =
  match dtype with
  | "F32" -> Some (fun i -> Mapped.u32 data (4 * i))
  | "BF16" -> Some (fun i -> Mapped.word16 data (2 * i) lsl 16)
  | "F16" -> Some (fun i -> single_of_half (Mapped.word16 data (2 * i)))
  | _ -> None

let float_of_single word = Int32.float_of_bits (Int32.of_int word)

(* The number of C's hexadecimal notation with at most 53 significant bits, as hallmark writes it; infinities too. *)
let float_of_hex text =
  let n = String.length text in
  let start = if n > 0 && text.[0] = '-' then 1 else 0 in
  match String.sub text start (n - start) with
  | "inf" -> Some (if start = 1 then neg_infinity else infinity)
  | digits -> (
      match String.index_opt digits 'p' with
      | Some p when p >= 3 && p <= 17 && String.length digits - p <= 7
                    && String.sub digits 0 2 = "0x" && (digits.[2] = '0' || digits.[2] = '1')
                    && (p = 3 || (digits.[3] = '.' && p > 4)) ->
          let hex c = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') in
          let fraction = if p = 3 then "" else String.sub digits 4 (p - 4) in
          let exponent = String.sub digits (p + 1) (String.length digits - p - 1) in
          let signed = String.length exponent > 1 && (exponent.[0] = '+' || exponent.[0] = '-') in
          let whole = String.sub exponent 1 (max 0 (String.length exponent - 1)) in
          if signed && String.for_all hex fraction && String.for_all (fun c -> c >= '0' && c <= '9') whole then
            let m = int_of_string (Printf.sprintf "0x%c%s%s" digits.[2] fraction (String.make (13 - String.length fraction) '0')) in
            let e = (if exponent.[0] = '-' then -1 else 1) * int_of_string whole - 52 in
            let lost = min 62 (max 0 (-1074 - e)) in
            let x = ldexp (float m) e in
            if m land ((1 lsl lost) - 1) = 0 && Float.is_finite x then Some (if start = 1 then -.x else x) else None
          else None
      | _ -> None)
