(** * The function that judges a bundle of words

    Purpose: a bundle holds the words of a weight matrix, of a Gram matrix, of codes, scales and
      loss enclosures, and the grid that the codes belong to.  This file is the whole checker, on
      words and integers only; it is what hallmark-check runs after extraction.  What its answer
      means is in Check/CheckerProof.
    Main definitions: [bundle], [tensor_row], [first_failure], [accepts].
    Depends on: Check/Dyadic, Check/Reading, Check/Grid, Check/Ruler, Check/QuadraticForm.
    Source: docs/bundle-format.md. *)
From Coq Require Import ZArith List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Check.Dyadic Check.Reading Check.Grid Check.Ruler.
From Hallmark Require Import Check.QuadraticForm.
Import ListNotations.
Open Scope Z_scope.

(** One row of the quantized matrix.  A scale and a zero point serve a group of columns; zero points
    are integers, 0 where there is none, the rest are words.  [claims_rtn] says that the codes are
    those of round-to-nearest; the enclosures are of the loss of the codes and of
    round-to-nearest. *)
Record tensor_row : Set := Row {
  weights : list Z;       (* binary32 *)
  codes : list Z;         (* of the grid *)
  scales : list Z;        (* binary32 *)
  zeros : list Z;
  claims_rtn : bool;
  final_low : Z;          (* binary64 *)
  final_high : Z;         (* binary64 *)
  rtn_low : Z;            (* binary64 *)
  rtn_high : Z }.         (* binary64 *)

(** A tensor: its grid, the number of columns that share a scale (0: all of a row), its number of
    columns, the rows of its Gram matrix in binary64 words if there is one, whether its codes are
    claimed to lose no more than round-to-nearest, its rows.  Without a Gram matrix nothing is
    claimed of losses; without that claim, nothing of the loss of round-to-nearest. *)
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
  | GuardBroken     (* the codes lose more than round-to-nearest *)
  | FinalOutside    (* the loss of the codes is outside its enclosure *)
  | RtnOutside.     (* the loss of round-to-nearest is outside its enclosure *)

(** Where it is wrong: in the Gram matrix and the header, or in a row. *)
Inductive failure : Set :=
  | InTensor (f : fault)
  | InRow (i : Z) (f : fault).

(** An exponent that is low enough for every row of a matrix. *)
Definition lowest_matrix (D : list (list dyadic)) : Z :=
  fold_right (fun r E => Z.min (lowest r) E) 0 D.

(** Differences, entry by entry. *)
Fixpoint differences (a b : list Z) : list Z :=
  match a, b with
  | x :: a', y :: b' => (x - y) :: differences a' b'
  | _, _ => []
  end.

(** The loss lies in the enclosure. *)
Definition inside (low loss high : dyadic) : bool := dyadic_le low loss && dyadic_le loss high.

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

(** The loss of weights [w] at the points [p], integers in one unit: the quadratic form with the
    upper triangle [U] of the Gram matrix. *)
Definition row_quadratic (U : list (list Z)) (w p : list Z) : Z := quadratic U (differences w p).

(** The judgement of the losses of a row, with [U] in units of 2^[E]: weights [w], points of the
    codes [q] and of round-to-nearest [p] in units of 2^[e]. *)
Definition loss_fault (U : list (list Z)) (E : Z) (guard : bool) (r : tensor_row)
  (e : Z) (w q p : list Z) : option fault :=
  match read_b64 [final_low r; final_high r; rtn_low r; rtn_high r] with
  | Some [fl; fh; rl; rh] =>
      let final := row_quadratic U w q in
      let rtn := if negb guard || equal_lists q p then final else row_quadratic U w p in
      if negb (final <=? rtn) then Some GuardBroken else
      if negb (inside fl (Float radix2 final (e + e + E)) fh) then Some FinalOutside else
      if guard && negb (inside rl (Float radix2 rtn (e + e + E)) rh) then Some RtnOutside else
      None
  | _ => Some BadEnclosure
  end.

(** The judgement of a row of [n] weights in [count] groups of [width] columns, with the upper
    triangle of the Gram matrix and its unit if there is one: its first fault.  All points and
    losses of the row are integers in one unit. *)
Definition row_fault (k : ruler) (n width count : nat) (gram : option (list (list Z) * Z))
  (guard : bool) (r : tensor_row) : option fault :=
  if negb (Nat.eqb (length (weights r)) n && Nat.eqb (length (codes r)) n
           && Nat.eqb (length (scales r)) count && Nat.eqb (length (zeros r)) count)
  then Some BadShape else
  match read_b32 (weights r), read_b32 (scales r) with
  | None, _ => Some BadWeight
  | _, None => Some BadScale
  | Some w, Some s =>
      if negb (forallb (fun x => negb (Fnum x =? 0)) s) then Some BadScale else
      if negb (forallb (ruler_zero k) (zeros r)) then Some BadZero else
      let steps := spread n width (combine s (zeros r)) in
      match code_points k steps (codes r) with
      | None => Some BadCode
      | Some q =>
          let p := rtn_points k steps w in
          let e := Z.min (lowest w) (Z.min (lowest q) (lowest p)) in
          let wi := map (align e) w in
          let qi := map (align e) q in
          let pi := map (align e) p in
          if claims_rtn r && negb (equal_lists qi pi) then Some NotRtn else
          match gram with
          | None => None
          | Some (U, E) => loss_fault U E guard r e wi qi pi
          end
      end
  end.

(** The first fault among rows numbered from [i]. *)
Fixpoint rows_failure (judge : tensor_row -> option fault) (i : Z) (l : list tensor_row)
  : option failure :=
  match l with
  | [] => None
  | r :: l' =>
      match judge r with
      | Some f => Some (InRow i f)
      | None => rows_failure judge (i + 1) l'
      end
  end.

(** What the checker needs of a Gram matrix of [n] columns: its upper triangle and its unit; or what
    is wrong with it. *)
Definition read_gram (n : nat) (words : option (list (list Z)))
  : option (list (list Z) * Z) + fault :=
  match words with
  | None => inl None
  | Some W =>
      if negb (Nat.eqb (length W) n) || negb (forallb (fun r => Nat.eqb (length r) n) W)
      then inr BadShape else
      match read_matrix W with
      | None => inr BadGram
      | Some D =>
          let E := lowest_matrix D in
          let M := map (map (align E)) D in
          if negb (symmetric n M) then inr Asymmetric else inl (Some (upper n M, E))
      end
  end.

(** The first fault of a bundle. *)
Definition first_failure (b : bundle) : option failure :=
  let n := columns b in
  if Nat.eqb n 0 || Nat.eqb (length (rows b)) 0 then Some (InTensor BadShape) else
  match prepare (code_grid b), read_gram n (gram_words b) with
  | None, _ => Some (InTensor BadGrid)
  | _, inr f => Some (InTensor f)
  | Some k, inl gram =>
      rows_failure
        (row_fault k n (group_width n (group_size b)) (group_count n (group_size b)) gram
          (guarded b)) 0 (rows b)
  end.

(** The verdict. *)
Definition accepts (b : bundle) : bool :=
  match first_failure b with None => true | Some _ => false end.
