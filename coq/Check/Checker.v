(** * Check/Checker: the function that judges a bundle of words

    Purpose.  A bundle holds the words of a weight matrix, of a Gram matrix, of codes, scales and
      loss enclosures.  This file is the whole checker, on words and integers only; it is what
      hallmark-check runs after extraction.  What its answer means is in Check/CheckerProof.
    Main definitions.  [bundle], [row], [first_failure], [accepts].
    Dependencies.  Format/Word, Check/Dyadic, Check/Nearest, Check/QuadraticForm.
    Source.  docs/bundle-format.md. *)

From Coq Require Import ZArith List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Format.Word Check.Dyadic Check.Nearest Check.QuadraticForm.
Import ListNotations.
Open Scope Z_scope.

(** One row of the quantized matrix, in words.  [claims_rtn] says that its codes are those of
    round-to-nearest; the enclosures are of the loss of the codes and of round-to-nearest. *)
Record row : Set := Row {
  weights : list Z;       (* binary32 *)
  codes : list Z;         (* GF16 *)
  scale : Z;              (* binary32 *)
  claims_rtn : bool;
  final_low : Z;          (* binary64 *)
  final_high : Z;         (* binary64 *)
  rtn_low : Z;            (* binary64 *)
  rtn_high : Z }.         (* binary64 *)

(** A tensor: its number of columns, the rows of its Gram matrix in binary64 words, its rows. *)
Record bundle : Set := Bundle {
  columns : nat;
  gram_words : list (list Z);
  rows : list row }.

(** What can be wrong. *)
Inductive fault : Set :=
  | BadShape        (* a length is not what the header says, or the tensor is empty *)
  | BadGram         (* a word of the Gram matrix is not finite *)
  | Asymmetric      (* the Gram matrix is not symmetric *)
  | BadWeight       (* a weight is not finite *)
  | BadCode         (* a code is not finite *)
  | BadScale        (* a scale is not finite and positive *)
  | BadEnclosure    (* an end of an enclosure is not finite *)
  | NotRtn          (* a row that claims to be round-to-nearest is not *)
  | GuardBroken     (* the codes lose more than round-to-nearest *)
  | FinalOutside    (* the loss of the codes is outside its enclosure *)
  | RtnOutside.     (* the loss of round-to-nearest is outside its enclosure *)

(** Where it is wrong: in the Gram matrix and the header, or in a row. *)
Inductive failure : Set :=
  | InTensor (f : fault)
  | InRow (i : Z) (f : fault).

(** The exact values of a list of words below [limit]; none if one is no finite number. *)
Fixpoint read (value : Z -> option dyadic) (limit : Z) (l : list Z) : option (list dyadic) :=
  match l with
  | [] => Some []
  | z :: l' =>
      if (0 <=? z) && (z <? limit) then
        match value z, read value limit l' with
        | Some d, Some r => Some (d :: r)
        | _, _ => None
        end
      else None
  end.

(** The readers of the three formats. *)
Definition read_gf16 := read gf16_dyadic (2 ^ 16).
Definition read_b32 := read b32_dyadic (2 ^ 32).
Definition read_b64 := read b64_dyadic (2 ^ 64).

(** The exact values of the rows of a matrix of binary64 words. *)
Fixpoint read_matrix (M : list (list Z)) : option (list (list dyadic)) :=
  match M with
  | [] => Some []
  | r :: M' =>
      match read_b64 r, read_matrix M' with
      | Some d, Some D => Some (d :: D)
      | _, _ => None
      end
  end.

(** An exponent that is low enough for every row of a matrix. *)
Definition lowest_matrix (D : list (list dyadic)) : Z :=
  fold_right (fun r E => Z.min (lowest r) E) 0 D.

(** Differences, entry by entry. *)
Fixpoint differences (a b : list Z) : list Z :=
  match a, b with
  | x :: a', y :: b' => (x - y) :: differences a' b'
  | _, _ => []
  end.

(** The product of a scale and a code. *)
Definition product (s g : dyadic) : dyadic := Float radix2 (Fnum s * Fnum g) (Fexp s + Fexp g).

(** The loss lies in the enclosure. *)
Definition inside (low loss high : dyadic) : bool := below low loss && below loss high.

(** The judgement of a row of [n] weights, with the upper triangle [U] of the Gram matrix in units
    of 2^[E]: its first fault.  All losses of the row are integers in one unit. *)
Definition row_fault (n : nat) (U : list (list Z)) (E : Z) (r : row) : option fault :=
  if negb (Nat.eqb (length (weights r)) n && Nat.eqb (length (codes r)) n) then Some BadShape else
  match read_b32 (weights r), read_gf16 (codes r), read_b32 [scale r],
        read_b64 [final_low r; final_high r; rtn_low r; rtn_high r] with
  | None, _, _, _ => Some BadWeight
  | _, None, _, _ => Some BadCode
  | _, _, None, _ => Some BadScale
  | _, _, _, None => Some BadEnclosure
  | Some w, Some g, Some [s], Some [fl; fh; rl; rh] =>
      if negb (0 <? Fnum s) then Some BadScale else
      let q := map (product s) g in
      let p := map (rtn_dyadic s) w in
      let e := Z.min (lowest w) (Z.min (lowest q) (lowest p)) in
      let wi := map (align e) w in
      let qi := map (align e) q in
      let pi := map (align e) p in
      let equal := same qi pi in
      if claims_rtn r && negb equal then Some NotRtn else
      let final := quadratic U (differences wi qi) in
      let rtn := if equal then final else quadratic U (differences wi pi) in
      if negb (final <=? rtn) then Some GuardBroken else
      if negb (inside fl (Float radix2 final (e + e + E)) fh) then Some FinalOutside else
      if negb (inside rl (Float radix2 rtn (e + e + E)) rh) then Some RtnOutside else
      None
  | _, _, _, _ => Some BadShape
  end.

(** The first fault among rows numbered from [i]. *)
Fixpoint rows_failure (n : nat) (U : list (list Z)) (E i : Z) (l : list row) : option failure :=
  match l with
  | [] => None
  | r :: l' =>
      match row_fault n U E r with
      | Some f => Some (InRow i f)
      | None => rows_failure n U E (i + 1) l'
      end
  end.

(** The first fault of a bundle. *)
Definition first_failure (b : bundle) : option failure :=
  let n := columns b in
  if Nat.eqb n 0 || Nat.eqb (length (rows b)) 0 || negb (Nat.eqb (length (gram_words b)) n)
     || negb (forallb (fun r => Nat.eqb (length r) n) (gram_words b))
  then Some (InTensor BadShape) else
  match read_matrix (gram_words b) with
  | None => Some (InTensor BadGram)
  | Some D =>
      let E := lowest_matrix D in
      let M := map (map (align E)) D in
      if negb (symmetric n M) then Some (InTensor Asymmetric) else
      rows_failure n (upper n M) E 0 (rows b)
  end.

(** The verdict. *)
Definition accepts (b : bundle) : bool :=
  match first_failure b with None => true | Some _ => false end.
