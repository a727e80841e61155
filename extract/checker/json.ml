(* JSON (RFC 8259), strictly: no comment, no key twice, no lone surrogate, bounded depth. Numbers stay text. *)

type t = Null | Bool of bool | Number of string | String of string | Array of t list | Object of (string * t) list

(* [Nested] and [Twice] have their own numbers in docs/errors.md. *)
type fault = Syntax of string | Nested | Twice of string

exception Bad of fault

let deepest = 8

(* Whether the text is UTF-8: shortest forms, no surrogates, nothing above U+10FFFF. *)
let is_utf8 text =
  let n = String.length text in
  let byte i = if i < n then Char.code text.[i] else 0 in
  let tail i = byte i land 0xC0 = 0x80 in
  let rec from i =
    i >= n ||
    let a = byte i in
    if a < 0x80 then from (i + 1)
    else if a >= 0xC2 && a < 0xE0 then tail (i + 1) && from (i + 2)
    else if a land 0xF0 = 0xE0 then
      tail (i + 1) && tail (i + 2) && (a <> 0xE0 || byte (i + 1) >= 0xA0) && (a <> 0xED || byte (i + 1) < 0xA0) && from (i + 3)
    else
      a >= 0xF0 && a < 0xF5 && tail (i + 1) && tail (i + 2) && tail (i + 3)
      && (a <> 0xF0 || byte (i + 1) >= 0x90) && (a <> 0xF4 || byte (i + 1) < 0x90) && from (i + 4)
  in
  from 0

(* The value of the whole text, which is UTF-8. *)
let parse text =
  let n = String.length text and at = ref 0 in
  let fail what = raise (Bad (Syntax (Printf.sprintf "%s at byte %d" what !at))) in
  let peek () = if !at < n then text.[!at] else '\000' in
  let next () = let c = peek () in if !at >= n then fail "the text ends" else (incr at; c) in
  let rec space () = match peek () with ' ' | '\t' | '\n' | '\r' when !at < n -> incr at; space () | _ -> () in
  let expect c = if next () <> c then (decr at; fail (Printf.sprintf "no '%c'" c)) in
  let word w value = String.iter expect w; value in
  let hex4 () =
    let digit () =
      match next () with
      | '0' .. '9' as c -> Char.code c - 48
      | 'a' .. 'f' as c -> Char.code c - 87
      | 'A' .. 'F' as c -> Char.code c - 55
      | _ -> fail "no hexadecimal digit"
    in
    let a = digit () in let b = digit () in let c = digit () in let d = digit () in
    (a lsl 12) lor (b lsl 8) lor (c lsl 4) lor d
  in
  let string () =
    expect '"';
    let out = Buffer.create 16 in
    let rec go () =
      match next () with
      | '"' -> Buffer.contents out
      | '\\' ->
          (match next () with
           | ('"' | '\\' | '/') as c -> Buffer.add_char out c
           | 'b' -> Buffer.add_char out '\b'
           | 'f' -> Buffer.add_char out '\x0C'
           | 'n' -> Buffer.add_char out '\n'
           | 'r' -> Buffer.add_char out '\r'
           | 't' -> Buffer.add_char out '\t'
           | 'u' ->
               let unit = hex4 () in
               let code =
                 if unit land 0xFC00 = 0xD800 then begin
                   expect '\\'; expect 'u';
                   let low = hex4 () in
                   if low land 0xFC00 <> 0xDC00 then fail "a lone surrogate";
                   0x10000 + ((unit land 0x3FF) lsl 10) + (low land 0x3FF)
                 end
                 else if unit land 0xFC00 = 0xDC00 then fail "a lone surrogate"
                 else unit
               in
               Buffer.add_utf_8_uchar out (Uchar.of_int code)
           | _ -> fail "an unknown escape");
          go ()
      | c when Char.code c < 0x20 -> fail "a control character in a string"
      | c -> Buffer.add_char out c; go ()
    in
    go ()
  in
  let number () =
    let first = !at in
    let rec digits () = match peek () with '0' .. '9' -> incr at; digits () | _ -> () in
    let some () = match peek () with '0' .. '9' -> digits () | _ -> fail "no digit" in
    if peek () = '-' then incr at;
    if peek () = '0' then incr at else some ();
    if peek () = '.' then (incr at; some ());
    (match peek () with
     | 'e' | 'E' -> incr at; (match peek () with '+' | '-' -> incr at | _ -> ()); some ()
     | _ -> ());
    Number (String.sub text first (!at - first))
  in
  let rec value depth =
    if depth > deepest then raise (Bad Nested);
    space ();
    match peek () with
    | '{' -> incr at; members depth
    | '[' -> incr at; elements depth
    | '"' -> String (string ())
    | 't' -> word "true" (Bool true)
    | 'f' -> word "false" (Bool false)
    | 'n' -> word "null" Null
    | '-' | '0' .. '9' -> number ()
    | _ -> fail "no value"
  and members depth =
    let seen = Hashtbl.create 8 in
    let rec go list =
      space ();
      let key = string () in
      if Hashtbl.mem seen key then raise (Bad (Twice key));
      Hashtbl.add seen key ();
      space (); expect ':';
      let list = (key, value (depth + 1)) :: list in
      space ();
      match next () with ',' -> go list | '}' -> Object (List.rev list) | _ -> decr at; fail "no ',' or '}'"
    in
    space ();
    if peek () = '}' then (incr at; Object []) else go []
  and elements depth =
    let rec go list =
      let list = value (depth + 1) :: list in
      space ();
      match next () with ',' -> go list | ']' -> Array (List.rev list) | _ -> decr at; fail "no ',' or ']'"
    in
    space ();
    if peek () = ']' then (incr at; Array []) else go []
  in
  let result = value 1 in
  space ();
  if !at <> n then fail "text after the value";
  result

(* An unsigned integer written as such, below 2^62. *)
let count = function
  | Number digits when String.length digits < 19 && String.for_all (fun c -> c >= '0' && c <= '9') digits -> int_of_string_opt digits
  | _ -> None

let describe = function
  | Syntax what -> what
  | Nested -> "nested too deep"
  | Twice key -> Printf.sprintf "the key '%s' stands twice" key
