(* One matrix of the container: what files and certificate say of it, brought together and judged. *)

open Container

type files = { weights : Safetensors.t; calibration : Safetensors.t option }

let z = Z.of_int
let nat n = Rule.natural n

let describe = function
  | Checker.BadShape -> ("shape", "a length is not what the others say")
  | BadGrid -> ("grid", "the points are no grid")
  | BadGram -> ("gram", "a word of the Gram matrix is not a finite binary64 number")
  | Asymmetric -> ("symmetry", "the Gram matrix is not symmetric")
  | BadWeight -> ("weights", "a weight is not a finite binary32 number")
  | BadCode -> ("codes", "a code is none of the grid")
  | BadScale -> ("scale", "a scale is zero or no finite binary32 number")
  | BadZero -> ("zero-points", "a zero point is not in the range of the grid")
  | BadEnclosure -> ("ends", "an end of an enclosure is not a finite binary64 number")
  | NotRtn -> ("rtn", "the row claims to be round-to-nearest and is not")
  | DeadCode -> ("dead", "a code is not the nearest one in a column of which the calibration says nothing")
  | GuardBroken -> ("guard", "the codes lose more than round-to-nearest")
  | FinalOutside -> ("enclosure", "the exact loss of the codes is outside its enclosure")
  | RtnOutside -> ("rtn-enclosure", "the exact loss of round-to-nearest is outside its enclosure")
  | TooWide -> ("width", "an enclosure is wider than a quarter of its upper end")
  | ExactDiffers -> ("exact", "an exact loss is another number")

(* Element (i, j) of the matrix as it lies in W. *)
let place (m : matrix) i j =
  let at = if m.transposed then (j * m.rows) + i else (i * m.columns) + j in
  at + (match m.index with Some k -> k * m.rows * m.columns | None -> 0)

(* A reader of the weights' binary32 words, and the bytes of the matrix. *)
let weights_of files (m : matrix) =
  let tensor = match Safetensors.find files.weights m.tensor with
    | Some t -> t
    | None -> Refusal.rejected "weights" "the weights have no such tensor" (Printf.sprintf "tensor '%s'" m.tensor)
  in
  match Numbers.single_reader tensor.dtype tensor.data with
  | None -> Refusal.malformed 351 "weights of a dtype that is not read as numbers" (Printf.sprintf "tensor '%s': %s" m.tensor tensor.dtype)
  | Some read ->
      let size = m.rows * m.columns * Numbers.width tensor.dtype in
      let first = match m.index with Some k -> k * size | None -> 0 in
      ((fun i j -> read (place m i j)), Mapped.sub tensor.data first size)

(* The tokens that the calibration file counts for a Gram matrix. *)
let counted_tokens (file : Safetensors.t) name =
  match List.assoc_opt "hallmark.calibration.tokens" file.metadata with
  | None -> 0
  | Some text -> (
      match Json.parse text with
      | exception Json.Bad _ -> 0
      | Json.Object counts -> Option.value (Option.bind (List.assoc_opt name counts) Json.count) ~default:0
      | _ -> 0)

(* The Gram matrix that the file holds for the matrix, or that its activations give: the first [used] of them, where the
   certificate counts fewer. *)
let gram_of files (m : matrix) used =
  let missing what = Refusal.rejected "calibration" what (Printf.sprintf "tensor '%s'" m.name) in
  match files.calibration with
  | None -> missing "the codes were made with a calibration file, and none was given"
  | Some file -> (
      let malformed (t : Safetensors.tensor) =
        Refusal.malformed 380 "not a calibration entry"
          (Printf.sprintf "%s: tensor '%s': %s of shape %s" file.path t.name t.dtype (Safetensors.shape_text t.shape))
      in
      match (Safetensors.find file (m.name ^ ".gram"), Safetensors.find file (m.name ^ ".activations")) with
      | Some t, None ->
          if t.shape <> [ m.columns; m.columns ] || not (List.mem t.dtype [ "F64"; "F32" ]) then malformed t;
          Gram.of_stored m.columns (counted_tokens file m.name) t
      | None, Some t -> (
          match (t.shape, Numbers.single_reader t.dtype t.data) with
          | [ tokens; columns ], Some read when columns = m.columns ->
              let taken = if used > 0 then min used tokens else tokens in
              Gram.of_activations columns taken ~held_out:(tokens - taken) read
          | _ -> malformed t)
      | Some t, Some _ -> Refusal.malformed 381 "activations and a Gram matrix for one weight" (file.path ^ ": " ^ t.name)
      | None, None -> missing "the calibration file does not know it")

(* Number i of the rows of [count] codes or zero points, in two's complement of 16 bits where they have a sign. *)
let number_reader (container : Container.t) (m : matrix) suffix count =
  let grid = m.options.grid and data = (Option.get (Safetensors.find container.file (m.name ^ suffix))).data in  (* Container has seen it *)
  let signed bits n = if grid.code_dtype = "I8" && n lsr (bits - 1) = 1 then n lor (0x10000 - (1 lsl bits)) else n in
  if container.packed && packs m then
    let row = Packed.size count grid.bits in
    fun i -> signed grid.bits (Packed.number data (i / count * row) grid.bits (i mod count))
  else if grid.code_dtype = "U16" then fun i -> Mapped.word16 data (2 * i)
  else fun i -> signed 8 (Mapped.byte data i)

(* SHA-256 of [count] numbers in one byte each, which is what certificates speak of, whatever file holds them. *)
let digest_of_numbers count number =
  let bytes = Bigarray.Array1.create Bigarray.char Bigarray.c_layout count in
  for i = 0 to count - 1 do bytes.{i} <- Char.chr (number i land 0xFF) done;
  Sha256.of_bytes bytes

let list n f = List.init n (fun j -> z (f j))

(* Stored scales that were given have to be those of the calibration file. *)
let check_given files (m : matrix) scale zero =
  let where = Printf.sprintf "tensor '%s'" m.name in
  let find suffix = Option.bind files.calibration (fun file -> Safetensors.find file (m.name ^ suffix)) in
  let count = m.rows * groups m in
  let refuse () = Refusal.rejected "given-scale" "the scales are not those that the calibration file gives" where in
  match find ".scale" with
  | None -> refuse ()
  | Some t -> (
      match Numbers.single_reader t.dtype t.data with
      | Some read when Mapped.size t.data = count * Numbers.width t.dtype ->
          for k = 0 to count - 1 do if read k <> scale k then refuse () done;
          (match find ".zero_point" with
           | Some t when m.options.grid.zero_points && Mapped.size t.data = count ->
               for k = 0 to count - 1 do if Mapped.byte t.data k <> zero k land 0xFF then refuse () done
           | Some _ -> refuse ()
           | None -> if m.options.grid.zero_points then refuse ())
      | _ -> refuse ())

(* Rows that are judged: all, or [count] of them that the digests choose. *)
let chosen_rows count (m : matrix) digests =
  if count >= m.rows then List.init m.rows Fun.id
  else begin
    let seed = String.concat "\n" (m.name :: List.map snd digests) and taken = Hashtbl.create count in
    let rec choose k =
      if Hashtbl.length taken < count then begin
        let word = String.sub (Sha256.of_string (Printf.sprintf "%s\n%d" seed k)) 0 15 in
        Hashtbl.replace taken (int_of_string ("0x" ^ word) mod m.rows) ();
        choose (k + 1)
      end
    in
    choose 0;
    List.sort compare (Hashtbl.fold (fun row () rows -> row :: rows) taken [])
  end

let rec parts size = function
  | [] -> []
  | rows ->
      let rec take n list = match list with x :: rest when n > 0 -> let a, b = take (n - 1) rest in (x :: a, b) | _ -> ([], list) in
      let first, rest = take size rows in
      first :: parts size rest

let together = 12 (* rows whose losses are computed at once *)

let marks_of (container : Container.t) (m : matrix) =
  if m.options.rotation_seed = None then fun _ -> false
  else
    let data = (Option.get (Safetensors.find container.file (m.name ^ ".rotated"))).data in
    fun i ->
      match if container.packed then Packed.number data 0 1 i else Mapped.byte data i with
      | 0 -> false
      | 1 -> true
      | mark -> Refusal.malformed 369 "a mark of a rotated row is neither 0 nor 1" (Printf.sprintf "tensor '%s', row %d: %d" m.name i mark)

(* What can be compared without arithmetic. *)
let check_facts (m : matrix) (container : Container.t) (claim : Certificate.tensor) bytes gram dead =
  let where what = Printf.sprintf "tensor '%s': %s" m.name what in
  let same what a b = if a <> b then Refusal.rejected "certificate" "the certificate speaks of something else" (where what) in
  same "the number of rows" claim.rows m.rows;
  same "the number of columns" claim.columns m.columns;
  same "the options" claim.options m.options.json;
  let digest key = Option.value (List.assoc_opt key claim.digests) ~default:"" in
  let stored suffix = Option.value (Hashtbl.find_opt container.digests (m.name ^ suffix)) ~default:"" in
  let of_numbers suffix count =
    if container.packed && packs m && Hashtbl.mem container.digests (m.name ^ suffix) then
      digest_of_numbers (m.rows * count) (number_reader container m suffix count)
    else stored suffix
  in
  let of_marks () =
    if container.packed && m.options.rotation_seed <> None then
      let marks = marks_of container m in
      digest_of_numbers m.rows (fun i -> Bool.to_int (marks i))
    else stored ".rotated"
  in
  let digests_agree key found =
    if digest key <> found then Refusal.rejected "digest" "bytes are not those of the certificate" (where ("the digest of its " ^ key))
  in
  digests_agree "weights" (Sha256.of_bytes bytes);
  digests_agree "codes" (of_numbers ".codes" m.columns);
  digests_agree "scales" (stored ".scale");
  digests_agree "zero_points" (of_numbers ".zero_point" (groups m));
  digests_agree "rotated" (of_marks ());
  digests_agree "gram" (match gram with Some (g : Gram.t) -> g.sha256 | None -> "");
  same "the kind of its calibration" claim.calibration (match gram with Some g -> g.Gram.kind | None -> "none");
  same "the number of tokens" claim.tokens (match gram with Some g -> g.Gram.tokens | None -> 0);
  same "the number of rows with losses" (Array.length claim.values) (if gram = None then 0 else m.rows);
  same "the number of dead columns" claim.dead_columns dead;
  let damping g = Gram.damping (Array.init m.columns (fun i -> (g.Gram.row i).(i))) m.options.damp_fraction in
  same "lambda" (Int64.bits_of_float claim.lambda) (Int64.bits_of_float (Option.fold ~none:0. ~some:damping gram));
  let kept = Array.fold_left (fun n (r : Certificate.row) -> if r.kept_rtn then n + 1 else n) 0 claim.values in
  same "the number of rows that kept round-to-nearest" claim.guard_rows kept

(* What the files store of the matrix, as words: a weight by row and column, a code by its place, a scale and a zero point by the
   place of their group; and which rows are rotated. *)
type stored = { word : int -> int -> int; code : int -> int; scale : int -> int; zero : int -> int; rotated : int -> bool }

let stored_of (container : Container.t) (m : matrix) word =
  let scales = Option.get (Safetensors.find container.file (m.name ^ ".scale")) in
  { word; code = number_reader container m ".codes" m.columns; scale = Option.get (Numbers.single_reader scales.dtype scales.data);
    zero = (if m.options.grid.zero_points then number_reader container m ".zero_point" (groups m) else fun _ -> 0);
    rotated = marks_of container m }

(* Row i in the judge's words, with what the certificate says of it. *)
let row_of (m : matrix) stored (claim : Certificate.tensor) ~calibrated i =
  let groups = groups m in
  let word x = Exact.of_word (Int64.bits_of_float x) in
  let values = if calibrated then Some claim.values.(i) else None in
  let ends loss_of =
    match values with Some v -> let l : Certificate.loss = loss_of v in (word l.low, word l.high) | None -> (Z.zero, Z.zero)
  in
  let final_low, final_high = ends (fun v -> v.Certificate.final) in
  let rtn_low, rtn_high = ends (fun v -> v.Certificate.rtn) in
  let dyadic (mantissa, exponent) = { Checker.fnum = mantissa; fexp = z exponent } in
  let exact_losses =
    match Option.map (fun (v : Certificate.row) -> (v.final.exact, v.rtn.exact)) values with
    | Some (Some final, Some rtn) -> Some (dyadic final, dyadic rtn)
    | None | Some (None, None) -> None
    | Some _ -> Refusal.malformed 367 "the certificate is malformed" (Printf.sprintf "tensor '%s', row %d: one exact loss of two" m.name i)
  in
  let claims_rtn = m.options.meth = "rtn" || (match values with Some v -> v.kept_rtn | None -> false) in
  { Checker.weights = list m.columns (stored.word i); codes = list m.columns (fun j -> stored.code ((i * m.columns) + j));
    scales = list groups (fun k -> stored.scale ((i * groups) + k)); zeros = list groups (fun k -> stored.zero ((i * groups) + k));
    claims_rtn; final_low; final_high; rtn_low; rtn_high; exact_losses }

let row_words (m : matrix) stored i = Array.init m.columns (stored.word i)

(* The word of the largest magnitude in the matrix. *)
let top_of (m : matrix) stored =
  let top = ref 0 in
  for i = 0 to m.rows - 1 do for j = 0 to m.columns - 1 do top := max !top (stored.word i j land 0x7FFFFFFF) done done;
  !top

(* What was judged of the scales, and whether nothing was in their place. *)
let verdict_on_scales (m : matrix) scales gram =
  let say = Printf.sprintf in
  let turned = m.options.rotation_seed <> None in
  match scales with
  | Rule.Rule (_, rule) -> (say "scales by %s%s" rule (if turned then ", of rotated rows in their basis" else ""), false)
  | Given -> ("scales given by the calibration file", false)
  | Searched (_, rule) when gram <> None && m.options.guard ->
      (say "scales searched: loss at most that of round-to-nearest with the scales of %s, made again" rule, false)
  | Searched (_, rule) -> (say "scales NOT JUDGED: searched from those of %s, without the guard" rule, true)
  | Unknown chosen_by -> (say "scales NOT JUDGED: %s is not known" (Safetensors.printable chosen_by), true)

(* What was judged, in words. *)
let summary (m : matrix) said_of_scales scales gram ~judged ~turned ~apart ~dead =
  let say = Printf.sprintf in
  String.concat ", "
    (List.filter (fun s -> s <> "")
       [ (if judged = m.rows then say "%d rows" judged else say "%d of %d rows, chosen by the digests" judged m.rows);
         say "%d columns" m.columns; say "grid %s" m.options.grid.id; said_of_scales;
         (match scales with
          | _ when apart = 0 -> ""
          | Rule.Unknown _ -> say "%d rows NOT JUDGED: their round-to-nearest has the scales of that rule" apart
          | _ -> say "%d rotated, beside round-to-nearest that is not" turned);
         (match gram with
          | None -> "no calibration: nothing is promised of losses"
          | Some _ when dead = m.columns -> "the calibration is zero: nothing is promised of losses"
          | Some _ when m.options.guard -> "loss at most that of round-to-nearest"
          | Some _ -> "no guard: the loss can be above that of round-to-nearest");
         (match gram with
          | Some { Gram.held_out; tokens; _ } when held_out > 0 ->
              say "on the first %d of %d tokens" tokens (tokens + held_out)
          | _ -> "");
         (if dead > 0 && dead < m.columns then
            say "%d dead columns rounded to nearest%s" dead (if apart > 0 then say ", but in %d rows" apart else "")
          else "") ])

(* What the rows of a matrix are judged by. *)
type court = {
  matrix : matrix;
  stored : stored;
  tensor : Checker.tensor;
  scales : Rule.t;
  signs : Z.t list;
  facts : Rule.facts;  (* for the rule, where there is one *)
  holds : Checker.scale_rule -> Checker.tensor_row -> bool;  (* the row has the scales of the rule *)
}

let where_of court = Printf.sprintf "tensor '%s'" court.matrix.name

(* Refuses rows, whose numbers are listed, for the first failure among them. *)
let refuse_failure court rows described = function
  | None -> ()
  | Some (Checker.InTensor fault) -> let name, sentence = described fault in Refusal.rejected name sentence (where_of court)
  | Some (InRow (k, fault)) ->
      let name, sentence = described fault in
      Refusal.rejected name sentence (Printf.sprintf "%s, row %d" (where_of court) (List.nth rows (Z.to_int k)))

let refuse_scale court rule i =
  Refusal.rejected "scale-rule" (Printf.sprintf "a scale is not the one that rule %s gives" rule)
    (Printf.sprintf "%s, row %d" (where_of court) i)

let words_of_row court i = row_words court.matrix court.stored i

(* Row i beside round-to-nearest with the steps of the rule, which Coq's rule has to accept. *)
let beside court rule name i (own : Checker.tensor_row) =
  let near_scales, near_zeros = Rule.steps court.matrix rule court.facts (words_of_row court i) in
  if not (court.holds rule { own with scales = near_scales; zeros = near_zeros }) then refuse_scale court name i;
  { Checker.own; near_scales; near_zeros; signs_of = (if court.stored.rotated i then Some court.signs else None) }

(* Whether round-to-nearest of the row has other steps than its own by what the certificate says: in a rotated matrix it has those
   of the rule. *)
let stands_apart court i (row : Checker.tensor_row) =
  let own_steps = row.claims_rtn || match court.scales with Rule.Rule _ -> true | _ -> false in
  court.stored.rotated i || (court.matrix.options.rotation_seed <> None && not own_steps)

(* Rows beside their own round-to-nearest; where steps were searched, beside that of the rule too. *)
let judge_plain court rows judged =
  let kept_scales rule name = List.iter2 (fun i row -> if not (court.holds rule row) then refuse_scale court name i) rows judged in
  let rotated_matrix = court.matrix.options.rotation_seed <> None in
  (match court.scales with
   | Rule.Rule (rule, name) -> kept_scales rule name
   | Searched (rule, name) when rotated_matrix -> kept_scales rule name
   | Searched _ | Given | Unknown _ -> ());
  refuse_failure court rows describe (Checker.rows_failure court.tensor Z.zero judged);
  match court.scales with
  | Searched (rule, name) when court.tensor.triangle <> None && court.matrix.options.guard && not rotated_matrix ->
      let pairs = List.map2 (beside court rule name) rows judged in
      let broken _ = ("rule-guard", Printf.sprintf "the codes lose more than round-to-nearest with the scales of rule %s" name) in
      refuse_failure court rows broken (Checker.rule_failure court.tensor Z.zero pairs)
  | _ -> ()

(* Rows that stand apart, beside round-to-nearest with the steps of the rule. *)
let judge_apart court rows judged =
  match court.scales with
  | Given | Unknown _ -> ()
  | Rule.Rule (rule, name) | Searched (rule, name) ->
      let basis = List.map Z.to_int court.signs in
      let check_scale i (row : Checker.tensor_row) =
        let weights = List.map z (Array.to_list (Rotation.turned basis (words_of_row court i))) in
        if not (court.holds rule { row with weights }) then refuse_scale court name i
      in
      (match court.scales with Rule _ -> List.iter2 check_scale rows judged | _ -> ());
      refuse_failure court rows describe
        (Checker.beside_failure court.tensor Z.zero (List.map2 (beside court rule name) rows judged))

(* Round-to-nearest is not rotated. *)
let check_mark court i (row : Checker.tensor_row) =
  if court.stored.rotated i && row.claims_rtn then
    Refusal.rejected "rotated" "a rotated row says that it kept round-to-nearest" (Printf.sprintf "%s, row %d" (where_of court) i)

(* Judges the matrix: the line that says what was judged, and whether scales were not, and nothing in their place. *)
let judge files (container : Container.t) (claim : Certificate.tensor) ~rows (m : matrix) =
  let where = Printf.sprintf "tensor '%s'" m.name in
  let word, bytes = weights_of files m in
  let gram = if m.options.meth = "rtn" && claim.calibration = "none" then None else Some (gram_of files m claim.tokens) in
  let dead = match gram with Some g -> Gram.check where g | None -> 0 in
  check_facts m container claim bytes gram dead;
  let stored = stored_of container m word and scales = Rule.of_matrix m in
  let columns = nat m.columns and size = nat (min m.options.group_size m.columns) in
  if scales = Given then check_given files m stored.scale stored.zero;
  let words_of (g : Gram.t) i = Array.to_list (Array.map (fun x -> Exact.of_word (Int64.bits_of_float x)) (g.row i)) in
  let tensor =
    match
      Checker.start_tensor
        { Checker.code_grid = m.options.grid.judged; group_size = size; columns;
          gram_words = Option.map (fun g -> List.init m.columns (words_of g)) gram; guarded = m.options.guard; rows = [] }
    with
    | Inl t -> t
    | Inr fault -> let name, sentence = describe fault in Refusal.rejected name sentence where
  in
  let facts =
    let top = top_of m stored and words_of_row = row_words m stored in
    match scales with
    | Rule.Rule (rule, _) | Searched (rule, _) ->
        let diagonal = Option.map (fun (g : Gram.t) -> Array.init m.columns (fun j -> (g.row j).(j))) gram in
        Rule.facts_of m rule ~top ~words_of_row diagonal
    | Given | Unknown _ -> Rule.of_top top
  in
  let signs = match m.options.rotation_seed with Some seed -> List.map z (Rotation.signs ~name:m.name ~seed m.columns) | None -> [] in
  let court = { matrix = m; stored; tensor; scales; signs; facts; holds = (fun rule -> Rule.holds m rule facts ~columns ~size) } in
  let chosen = chosen_rows rows m claim.digests and apart = ref 0 in
  List.iter (fun part ->
      let read i = let row = row_of m stored claim ~calibrated:(gram <> None) i in check_mark court i row; (i, row) in
      let others, plain = List.partition (fun (i, row) -> stands_apart court i row) (List.map read part) in
      let numbers, judged = List.split plain in
      judge_plain court numbers judged;
      if others <> [] then begin
        let numbers, judged = List.split others in
        judge_apart court numbers judged;
        apart := !apart + List.length others
      end)
    (parts together chosen);
  let said, unjudged = verdict_on_scales m scales gram in
  let turned = List.length (List.filter stored.rotated chosen) in
  (summary m said scales gram ~judged:(List.length chosen) ~turned ~apart:!apart ~dead, unjudged)
