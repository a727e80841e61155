(** * The function that judges a bundle of words

    Purpose: a bundle holds the words of a weight matrix, of a Gram matrix, of codes, scales and
      loss enclosures, and the grid that the codes belong to.  This file is the whole checker, on
      words and integers only; it is what hallmark-check runs after extraction.  What its answer
      means is in Check/CheckerProof.
    Main definitions: [bundle], [tensor_row], [start_tensor], [rows_failure], [first_failure],
      [accepts].
    Depends on: Check/Dyadic, Check/Reading, Check/Grid, Check/Ruler, Check/QuadraticForm,
      Check/Packing.
    Source: docs/checker.md. *)
From Coq Require Import ZArith List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Format.Word Check.Dyadic Check.Reading Check.Grid Check.Ruler.
From Hallmark Require Import Check.QuadraticForm Check.Packing.
Import ListNotations.
Open Scope Z_scope.

(** One row of the quantized matrix.  A scale and a zero point serve a group of columns; zero points
    are integers, 0 where there is none, the rest are words.  [claims_rtn] says that the codes are
    those of round-to-nearest; the enclosures are of the loss of the codes and of
    round-to-nearest; the losses themselves may stand beside them. *)
Record tensor_row : Set := Row {
  weights : list Z;       (* binary32 *)
  codes : list Z;         (* of the grid *)
  scales : list Z;        (* binary32 *)
  zeros : list Z;
  claims_rtn : bool;
  final_low : Z;          (* binary64 *)
  final_high : Z;         (* binary64 *)
  rtn_low : Z;            (* binary64 *)
  rtn_high : Z;           (* binary64 *)
  exact_losses : option (dyadic * dyadic) }.

(** A tensor: its grid, the number of columns that share a scale (0: all of a row), its number of
    columns, the rows of its Gram matrix in binary64 words if there is one, whether its codes are
    claimed to lose no more than round-to-nearest, its rows.  Without a Gram matrix nothing is
    claimed of losses. *)
Record bundle : Set := Bundle {
  code_grid : grid;
  group_size : nat;
  columns : nat;
  gram_words : option (list (list Z));
  guarded : bool;
  rows : list tensor_row }.

(** What can be wrong. *)
Inductive fault : Set :=
  | BadShape        (* a length is not what the header says, or the tensor is empty *)
  | BadGrid         (* the grid is none *)
  | BadGram         (* a word of the Gram matrix is not finite *)
  | Asymmetric      (* the Gram matrix is not symmetric *)
  | BadWeight       (* a weight is not finite *)
  | BadCode         (* a code is none of the grid *)
  | BadScale        (* a scale is zero or not finite *)
  | BadZero         (* a zero point is not in the range of the grid *)
  | BadEnclosure    (* an end of an enclosure is not finite *)
  | NotRtn          (* a row that claims to be round-to-nearest is not *)
  | DeadCode        (* a code is not the nearest where the Gram matrix has a zero diagonal *)
  | GuardBroken     (* the codes lose more than round-to-nearest *)
  | FinalOutside    (* the loss of the codes is outside its enclosure *)
  | RtnOutside      (* the loss of round-to-nearest is outside its enclosure *)
  | TooWide         (* an enclosure is wider than a quarter of its upper end, and not tight *)
  | ExactDiffers.   (* a loss is not the exact number beside its enclosure *)

(** Where it is wrong: in the Gram matrix and the header, or in a row. *)
Inductive failure : Set :=
  | InTensor (f : fault)
  | InRow (i : Z) (f : fault).

(** Differences, entry by entry. *)
Fixpoint differences (a b : list Z) : list Z :=
  match a, b with
  | x :: a', y :: b' => (x - y) :: differences a' b'
  | _, _ => []
  end.

(** The loss lies in the enclosure. *)
Definition inside (low loss high : dyadic) : bool := dyadic_le low loss && dyadic_le loss high.

(** The enclosure is narrow, at most a quarter of its upper end wide, or tight: its ends, given by
    their words too, are neighbours. *)
Definition narrow_ends (low_word : Z) (low : dyadic) (high_word : Z) (high : dyadic) : bool :=
  dyadic_le (Float radix2 (3 * Fnum high) (Fexp high)) (Float radix2 (4 * Fnum low) (Fexp low))
  || (high_word =? low_word + 1).

(** Two dyadic numbers are equal. *)
Definition same_number (x y : dyadic) : bool := dyadic_le x y && dyadic_le y x.

(** The number of columns that share a scale, for rows of n. *)
Definition group_width (n size : nat) : nat := match size with O => n | S _ => size end.

(** The number of groups of n columns: n / size, rounded up. *)
Definition group_count (n size : nat) : nat :=
  match size with O => 1 | S k => Nat.div (n + k) size end.

(** The scale and the zero point of each column: each pair [width] times, [n] in all. *)
Definition spread (n width : nat) (steps : list (dyadic * Z)) : list (dyadic * Z) :=
  firstn n (flat_map (fun step => repeat step width) steps).

(** The points of a row of codes; none if one is no code. *)
Fixpoint code_points (r : ruler) (steps : list (dyadic * Z)) (l : list Z) {struct l}
  : option (list dyadic) :=
  match l, steps with
  | [], _ => Some []
  | c :: l', (s, z) :: steps' =>
      match ruler_code r z c, code_points r steps' l' with
      | Some g, Some p => Some (product s g :: p)
      | _, _ => None
      end
  | _ :: _, [] => None
  end.

(** The points of round-to-nearest. *)
Fixpoint rtn_points (r : ruler) (steps : list (dyadic * Z)) (l : list dyadic) {struct l}
  : list dyadic :=
  match l, steps with
  | x :: l', (s, z) :: steps' => rtn_dyadic r s z x :: rtn_points r steps' l'
  | _, _ => []
  end.

(** A row that was read: its unit, the errors of the codes and, where they are others, of
    round-to-nearest, integers in that unit. *)
Record errors : Set := Errors {
  unit_of : Z;
  code_errors : list Z;
  rtn_errors : option (list Z) }.

(** What the rows of a tensor share: the ruler of its grid, the number of columns, the columns of a
    group and the number of groups; if there is a Gram matrix, its upper triangle, the unit and the
    largest magnitude of its integers; and the guard. *)
Record tensor : Set := Tensor {
  tensor_ruler : ruler;
  width_of : nat;
  group_columns : nat;
  groups : nat;
  triangle : option (list (list Z) * Z * Z);
  guard : bool }.

(** The points agree where the first entry of the triangle's row, the diagonal, is zero. *)
Fixpoint dead_agree (U : list (list Z)) (q p : list Z) : bool :=
  match U, q, p with
  | r :: U', x :: q', y :: p' => (negb (hd 0 r =? 0) || (x =? y)) && dead_agree U' q' p'
  | _, _, _ => true
  end.

(** A row is read: its errors, or its first fault beside losses. *)
Definition read_row (t : tensor) (r : tensor_row) : errors + fault :=
  let n := width_of t in
  if negb (Nat.eqb (length (weights r)) n && Nat.eqb (length (codes r)) n
           && Nat.eqb (length (scales r)) (groups t) && Nat.eqb (length (zeros r)) (groups t))
  then inr BadShape else
  match read_b32 (weights r), read_b32 (scales r) with
  | None, _ => inr BadWeight
  | _, None => inr BadScale
  | Some w, Some s =>
      if negb (forallb (fun x => negb (Fnum x =? 0)) s) then inr BadScale else
      if negb (forallb (ruler_zero (tensor_ruler t)) (zeros r)) then inr BadZero else
      let steps := spread n (group_columns t) (combine s (zeros r)) in
      match code_points (tensor_ruler t) steps (codes r) with
      | None => inr BadCode
      | Some q =>
          let p := rtn_points (tensor_ruler t) steps w in
          let e := Z.min (lowest w) (Z.min (lowest q) (lowest p)) in
          let wi := map (align e) w in
          let qi := map (align e) q in
          let pi := map (align e) p in
          let same := equal_lists qi pi in
          if claims_rtn r && negb same then inr NotRtn else
          if negb (match triangle t with
                   | Some (U, _, _) => dead_agree U qi pi
                   | None => true
                   end) then inr DeadCode else
          inl (Errors e (differences wi qi) (if same then None else Some (differences wi pi)))
      end
  end.

(** The judgement of the losses of a row, integers in units of 2^unit. *)
Definition loss_fault (guarded : bool) (r : tensor_row) (unit final rtn : Z) : option fault :=
  match read_b64 [final_low r; final_high r; rtn_low r; rtn_high r] with
  | Some [fl; fh; rl; rh] =>
      let f := Float radix2 final unit in
      let n := Float radix2 rtn unit in
      if guarded && negb (final <=? rtn) then Some GuardBroken else
      if negb (inside fl f fh) then Some FinalOutside else
      if negb (inside rl n rh) then Some RtnOutside else
      if negb (narrow_ends (final_low r) fl (final_high r) fh
               && narrow_ends (rtn_low r) rl (rtn_high r) rh) then Some TooWide else
      if negb (match exact_losses r with
               | Some (x, y) => same_number x f && same_number y n
               | None => true
               end) then Some ExactDiffers else
      None
  | _ => Some BadEnclosure
  end.

(** The vectors whose losses a row asks for. *)
Definition vectors_of (x : errors + fault) : list (list Z) :=
  match x with
  | inl (Errors _ q None) => [q]
  | inl (Errors _ q (Some p)) => [q; p]
  | inr _ => []
  end.

(** The first fault among rows numbered from [i] that were read, where a Gram matrix of unit
    2^[unit] gives the vectors of all of them these losses, and [verdict] judges the two losses of a
    row. *)
Fixpoint losses_failure {A : Set} (verdict : A -> Z -> Z -> Z -> option fault) (unit i : Z)
  (l : list A) (read : list (errors + fault)) (losses : list Z) : option failure :=
  match l, read with
  | r :: l', inl (Errors e _ p) :: read' =>
      match p, losses with
      | None, final :: rest =>
          match verdict r (e + e + unit) final final with
          | Some f => Some (InRow i f)
          | None => losses_failure verdict unit (i + 1) l' read' rest
          end
      | Some _, final :: rtn :: rest =>
          match verdict r (e + e + unit) final rtn with
          | Some f => Some (InRow i f)
          | None => losses_failure verdict unit (i + 1) l' read' rest
          end
      | _, _ => Some (InRow i BadShape)
      end
  | _ :: _, inr f :: _ => Some (InRow i f)
  | _ :: _, [] => Some (InRow i BadShape)
  | [], _ => None
  end.

(** The first fault among rows that were read, without losses. *)
Fixpoint reading_failure (i : Z) (read : list (errors + fault)) : option failure :=
  match read with
  | [] => None
  | inr f :: _ => Some (InRow i f)
  | inl _ :: read' => reading_failure (i + 1) read'
  end.

(** The first fault among rows numbered from [i].  The losses of all of them are computed at
    once. *)
Definition rows_failure (t : tensor) (i : Z) (l : list tensor_row) : option failure :=
  let read := map (read_row t) l in
  match triangle t with
  | None => reading_failure i read
  | Some (U, unit, top) =>
      losses_failure (loss_fault (guard t)) unit i l read
        (quadratics U top (width_of t) (flat_map vectors_of read))
  end.

(** An exponent that is low enough for every entry of a matrix of binary64 words, and for 2^[E];
    none
    if one is no finite number. *)
Fixpoint matrix_unit (E : Z) (W : list (list Z)) : option Z :=
  match W with
  | [] => Some E
  | r :: W' =>
      match read_b64 r with
      | Some d => matrix_unit (Z.min (lowest d) E) W'
      | None => None
      end
  end.

(** The integer that a binary64 word is in units of 2^[E]; 0 for infinities and NaN. *)
Definition word_units (E w : Z) : Z :=
  match b64_dyadic w with Some d => align E d | None => 0 end.

(** What the checker needs of a Gram matrix of [n] columns: its upper triangle in integers, their
    unit and their largest magnitude; or what is wrong with it.  Its words are read twice, so that
      no
    other form of the whole matrix is ever held. *)
Definition read_gram (n : nat) (words : option (list (list Z)))
  : option (list (list Z) * Z * Z) + fault :=
  match words with
  | None => inl None
  | Some W =>
      if negb (Nat.eqb (length W) n) || negb (forallb (fun r => Nat.eqb (length r) n) W)
      then inr BadShape else
      match matrix_unit 0 W with
      | None => inr BadGram
      | Some E =>
          if negb (symmetric n W) then inr Asymmetric else
          let U := map (map (word_units E)) (upper n W) in
          inl (Some (U, E, largest_of 0 U))
      end
  end.

(** What the rows of a bundle share, or what is wrong with it. *)
Definition start_tensor (b : bundle) : tensor + fault :=
  let n := columns b in
  if Nat.eqb n 0 then inr BadShape else
  match prepare (code_grid b), read_gram n (gram_words b) with
  | None, _ => inr BadGrid
  | _, inr f => inr f
  | Some k, inl gram =>
      inl (Tensor k n (group_width n (group_size b)) (group_count n (group_size b)) gram
        (guarded b))
  end.

(** The first fault of a bundle. *)
Definition first_failure (b : bundle) : option failure :=
  if Nat.eqb (length (rows b)) 0 then Some (InTensor BadShape) else
  match start_tensor b with
  | inr f => Some (InTensor f)
  | inl t => rows_failure t 0 (rows b)
  end.

(** The verdict. *)
Definition accepts (b : bundle) : bool :=
  match first_failure b with None => true | Some _ => false end.
