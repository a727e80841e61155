(** * Contract/Library: the contracts

    Purpose.  The statements that are checked on the numbers of a run, as values of the language.
      Those of [closed_contracts] need nothing but their preconditions; those of [open_contracts]
      speak of numbers that a program computed, and hold for that program.
    Main definitions.  [error_identity], [error_identity_residual], [gptq_bound],
      [gptq_bound_perturbed], [guard_row], [guard_total], [pivots], [transfer]; [gf16_half_gap],
      [gram_accumulation], [factor_residual]; [closed_contracts], [open_contracts].
    Main results.  [library_scoped].
    Dependencies.  Contract/Syntax.  The soundness theorems are in Contract/Sound and
      Contract/SoundFloat. *)

From Coq Require Import ZArith List String.
From Hallmark Require Import Contract.Syntax.
Import ListNotations.
Open Scope string_scope.

(** The size of a row, and the range below an index. *)
Definition n := Size "n".
Definition below (i : string) := Index i.

(** Numbers. *)
Definition zero := Rational 0 1.
Definition one := Rational 1 1.
Definition square (t : term) := Power t (Literal 2).

(** The entry of the error [w - q] of a row of codes. *)
Definition error (q i : string) := Sub (Vector "w" i) (Vector q i).

(** The quadratic form of a matrix, given by its entries, at a vector, given by its entries. *)
Definition form (entry : term) (v : string -> term) : term :=
  Sum "i" n (Sum "j" n (Mul (Mul (v "i") entry) (v "j"))).

(** The entry i, j of U D U^T. *)
Definition udu_entry : term :=
  Sum "k" n (Mul (Mul (Matrix "U" "i" "k") (Vector "d" "k")) (Matrix "U" "j" "k")).

(** U is unit upper triangular: two preconditions. *)
Definition unit_upper : list formula := [
  All "i" n (All "j" (below "i") (Eq (Matrix "U" "i" "j") zero));
  All "i" n (Eq (Matrix "U" "i" "i") one) ].

(** The factorization of a matrix given by its entries. *)
Definition factored (entry : term) : formula := All "i" n (All "j" n (Eq entry udu_entry)).

(** The pivots are nonnegative. *)
Definition pivots_nonnegative : formula := All "k" n (Le zero (Vector "d" "k")).

(** u holds the compensated weights at the codes q. *)
Definition compensated : formula :=
  All "j" n (Eq (Vector "u" "j")
    (Add (Vector "w" "j") (Sum "k" (below "j") (Mul (error "q" "k") (Matrix "U" "k" "j"))))).

(** sum_j d_j (u_j - q_j)^2. *)
Definition compensated_loss : term :=
  Sum "j" n (Mul (Vector "d" "j") (square (Sub (Vector "u" "j") (Vector "q" "j")))).

(** Vectors and matrices of the size of a row. *)
Definition row (x : string) := (x, IsVector "n").
Definition square_matrix (x : string) := (x, IsMatrix "n" "n").

(** T1: the loss of any codes is the weighted sum of the squares of the compensated errors. *)
Definition error_identity : contract := {|
  name := "error_identity"; theorem := "T1_identity"; sizes := ["n"];
  inputs := [square_matrix "H"; square_matrix "U"; row "d"; row "w"; row "q"; row "u"];
  pre := unit_upper ++ [factored (Matrix "H" "i" "j"); compensated];
  post := Eq (form (Matrix "H" "i" "j") (error "q")) compensated_loss |}.

(** T1 for an inexact factor: the residual enters at the error. *)
Definition error_identity_residual : contract := {|
  name := "error_identity_residual"; theorem := "T1_identity_residual"; sizes := ["n"];
  inputs := [square_matrix "H"; square_matrix "U"; row "d"; row "w"; row "q"; row "u"];
  pre := unit_upper ++ [compensated];
  post := Eq (form (Matrix "H" "i" "j") (error "q"))
    (Add compensated_loss (form (Sub (Matrix "H" "i" "j") udu_entry) (error "q"))) |}.

(** T2: bounds on the compensated errors bound the loss. *)
Definition gptq_bound : contract := {|
  name := "gptq_bound"; theorem := "T2_bound"; sizes := ["n"];
  inputs := [square_matrix "H"; square_matrix "U"; row "d"; row "w"; row "q"; row "u"; row "r"];
  pre := unit_upper ++ [factored (Matrix "H" "i" "j"); compensated; pivots_nonnegative;
    All "j" n (Le (Abs (Sub (Vector "u" "j") (Vector "q" "j"))) (Vector "r" "j"))];
  post := Le (form (Matrix "H" "i" "j") (error "q"))
    (Sum "j" n (Mul (Vector "d" "j") (square (Vector "r" "j")))) |}.

(** T9: the same for computed compensated weights v and an inexact factor; its residual is bounded
    entry by entry by g a_i a_j. *)
Definition gptq_bound_perturbed : contract := {|
  name := "gptq_bound_perturbed"; theorem := "T9_perturbation_entrywise"; sizes := ["n"];
  inputs := [square_matrix "H"; square_matrix "U"; row "d"; row "w"; row "q"; row "u"; row "v";
    row "h"; row "delta"; row "a"; ("g", IsScalar)];
  pre := unit_upper ++ [
    compensated; pivots_nonnegative;
    All "i" n (All "j" n (Le (Abs (Sub (Matrix "H" "i" "j") udu_entry))
      (Mul (Scalar "g") (Mul (Vector "a" "i") (Vector "a" "j")))));
    All "j" n (Le (Abs (Sub (Vector "v" "j") (Vector "q" "j"))) (Vector "h" "j"));
    All "j" n (Le (Abs (Sub (Vector "v" "j") (Vector "u" "j"))) (Vector "delta" "j"))];
  post := Le (form (Matrix "H" "i" "j") (error "q"))
    (Add (Sum "j" n (Mul (Vector "d" "j") (square (Add (Vector "h" "j") (Vector "delta" "j")))))
         (Mul (Scalar "g") (square (Sum "i" n (Mul (Abs (error "q" "i")) (Vector "a" "i")))))) |}.

(** T6 for a row: q is the better of the proposals g and r, so it loses no more than r. *)
Definition guard_row : contract :=
  let loss v := form (Matrix "G" "i" "j") (error v) in
  let same v := All "j" n (Eq (Vector "q" "j") (Vector v "j")) in {|
  name := "guard_row"; theorem := "T6_guard_row"; sizes := ["n"];
  inputs := [square_matrix "G"; row "w"; row "g"; row "r"; row "q"];
  pre := [Implies (Le (loss "g") (loss "r")) (same "g");
          Implies (Lt (loss "r") (loss "g")) (same "r")];
  post := Le (loss "q") (loss "r") |}.

(** T6 for a matrix of p rows, from its rows. *)
Definition guard_total : contract :=
  let difference x i := Sub (Matrix "W" "a" i) (Matrix x "a" i) in
  let loss x := form (Matrix "G" "i" "j") (difference x) in
  let rows x := (x, IsMatrix "p" "n") in {|
  name := "guard_total"; theorem := "T6_guard_matrix"; sizes := ["p"; "n"];
  inputs := [square_matrix "G"; rows "W"; rows "Q"; rows "R"];
  pre := [All "a" (Size "p") (Le (loss "Q") (loss "R"))];
  post := Le (Sum "a" (Size "p") (loss "Q")) (Sum "a" (Size "p") (loss "R")) |}.

(** The pivots of a factorization lie between zero and the diagonal. *)
Definition pivots : contract := {|
  name := "pivots"; theorem := "d_le_diag"; sizes := ["n"];
  inputs := [square_matrix "H"; square_matrix "U"; row "d"];
  pre := unit_upper ++ [factored (Matrix "H" "i" "j"); pivots_nonnegative];
  post := All "j" n (Le (Vector "d" "j") (Matrix "H" "j" "j")) |}.

(** T8: a bound carries over to a Gram matrix T that (1 + eps) G dominates, as a factorization
    shows. *)
Definition transfer : contract :=
  let dominating := Add one (Scalar "eps") in {|
  name := "transfer"; theorem := "T8_transfer_certificate"; sizes := ["n"];
  inputs := [square_matrix "T"; square_matrix "G"; square_matrix "U"; row "d"; row "e";
    ("eps", IsScalar); ("B", IsScalar)];
  pre := unit_upper ++ [
    factored (Sub (Mul dominating (Matrix "G" "i" "j")) (Matrix "T" "i" "j"));
    pivots_nonnegative;
    Le zero dominating;
    Le (form (Matrix "G" "i" "j") (Vector "e")) (Scalar "B")];
  post := Le (form (Matrix "T" "i" "j") (Vector "e")) (Mul dominating (Scalar "B")) |}.

(** T7: codes q that round x on GF16 with scale s are off by at most max(2^-10 |x|, 2^-40 s). *)
Definition gf16_half_gap : contract := {|
  name := "gf16_half_gap"; theorem := "gf16_columns_error"; sizes := ["n"];
  inputs := [row "s"; row "x"; row "q"];
  pre := [All "j" n (Lt zero (Vector "s" "j"))];
  post := All "j" n (Le (Abs (Sub (Vector "x" "j") (Vector "q" "j")))
    (Max (Mul (Rational 1 (2 ^ 10)) (Abs (Vector "x" "j")))
         (Mul (Rational 1 (2 ^ 40)) (Vector "s" "j")))) |}.

(** T11 (b): the computed Gram matrix G of m tokens, binary32 activations and binary64 sums. *)
Definition gram_accumulation : contract :=
  let products f := Sum "t" (Size "m") (Mul (f (Matrix "X" "a" "t")) (f (Matrix "X" "b" "t"))) in {|
  name := "gram_accumulation"; theorem := "T11_gram_binary32"; sizes := ["n"; "m"];
  inputs := [("X", IsMatrix "n" "m"); square_matrix "G"];
  pre := [];
  post := All "a" n (All "b" n (Le
    (Abs (Sub (Matrix "G" "a" "b") (products (fun x => x))))
    (Mul (Sub (Power (Add one (Rational 1 (2 ^ 53))) (Size "m")) one) (products Abs)))) |}.

(** T15: the residual of the computed binary64 factor; both sides squared, the right one being
    c sqrt(H_ii) sqrt(H_jj) with c = (n + 2) 2^-53. *)
Definition factor_residual : contract := {|
  name := "factor_residual"; theorem := "T15_binary64"; sizes := ["n"];
  inputs := [square_matrix "H"; square_matrix "U"; row "d"];
  pre := [];
  post := All "i" n (All "j" n (Le
    (square (Sub (Matrix "H" "i" "j") udu_entry))
    (Mul (square (Mul (Add (Count n) (Rational 2 1)) (Rational 1 (2 ^ 53))))
         (Mul (Matrix "H" "i" "i") (Matrix "H" "j" "j"))))) |}.

(** The contracts that hold in every environment. *)
Definition closed_contracts : list contract :=
  [error_identity; error_identity_residual; gptq_bound; gptq_bound_perturbed; guard_row;
   guard_total; pivots; transfer].

(** The contracts about computed numbers. *)
Definition open_contracts : list contract := [gf16_half_gap; gram_accumulation; factor_residual].

(** The whole library. *)
Definition library : list contract := closed_contracts ++ open_contracts.

(** No contract uses a name that it does not declare. *)
Lemma library_scoped : forallb scoped library = true.
Proof. reflexivity. Qed.
