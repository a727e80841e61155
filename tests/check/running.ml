(* Runs the program that the first argument names on made files, and compares exit code and words. *)

module F = Made_files

let program = Sys.argv.(1)
let folder = Filename.temp_file "hallmark_check" ""
let () = Sys.remove folder; Sys.mkdir folder 0o700
let paths = F.paths folder
let said = Filename.concat folder "said" and complained = Filename.concat folder "complained"
let failures = ref 0
let runs = ref 0

let slurp path =
  let channel = open_in_bin path in
  let text = really_input_string channel (in_channel_length channel) in
  close_in channel;
  text

let contains text part =
  let n = String.length part in
  let rec at i = i + n <= String.length text && (String.sub text i n = part || at (i + 1)) in
  at 0

let run name code parts arguments =
  incr runs;
  let found = Sys.command (Printf.sprintf "%s %s > %s 2> %s" (Filename.quote program) arguments (Filename.quote said) (Filename.quote complained)) in
  let errors = slurp complained in
  let text = slurp said ^ errors in
  let lines = List.length (String.split_on_char '\n' errors) - 1 in
  let three =
    if code = 0 || code = 8 then errors = "" else lines = 3 && String.starts_with ~prefix:"error[E" errors && contains errors "\n  try: "
  in
  if found <> code || (not three) || not (List.for_all (contains text) parts) then begin
    incr failures;
    Printf.printf "FAILED %s: exit %d, expected %d and %s; it said:\n%s" name found code (String.concat " and " parts) text
  end

let arguments ?(extra = "") ?(calibration = true) ?(sharded = false) ?(cut = false) () =
  Printf.sprintf "--weights %s %s --quantized %s --certificate %s %s"
    (Filename.quote (if sharded then paths.F.index else paths.F.weights))
    (if calibration then "--calibration " ^ Filename.quote paths.F.calibration_file else "")
    (Filename.quote (if cut then paths.F.quantized_index else paths.F.quantized)) (Filename.quote paths.F.certificate) extra

let expect ?extra name code parts made =
  F.write_all folder made;
  run name code parts (arguments ?extra ~calibration:(made.F.calibration <> `None) ~sharded:made.F.sharded ~cut:made.F.cut ())

let good ?extra name parts made = expect ?extra name 0 ("of " :: ": accepted: " :: parts) made
let refused name check made = expect name 7 [ Printf.sprintf "E0790"; Printf.sprintf "'%s'" check ] made

let map_text find replace text =
  let n = String.length find in
  let rec at i =
    if i + n > String.length text then (incr failures; Printf.printf "FAILED: no '%s' to replace\n" find; text)
    else if String.sub text i n = find then String.sub text 0 i ^ replace ^ String.sub text (i + n) (String.length text - i - n)
    else at (i + 1)
  in
  at 0
