(** * The statements of the contracts

    Purpose: the statements that are checked on the numbers of a run, as values of the language.
      Each holds in every environment that meets its preconditions, which say how the numbers were
      made; a loss is a scalar that a precondition defines, so that the postcondition, which a run
      evaluates, costs one pass over a row.
    Main definitions: [gf16_half_gap_contract], [gf16_nearest_contract], [idempotence],
      [exact_product]; [gram_accumulation], [gram_bound]; [factor_residual], [pivots];
      [error_identity], [error_identity_residual], [loss_enclosure_contract]; [gptq_bound],
      [gptq_bound_emitted]; [guard_row], [guard_total], [two_columns], [rtn_when_no_calibration],
      [transfer].  Where a theorem or a definition has the name that is printed, [_contract] follows
      it here.
    Depends on: [Syntax].  [Sound] proves that the contracts hold, [SoundFloat] that the programs
      meet them, and the files of Library/ register them.
    Source: this project. *)
From Coq Require Import ZArith List String.
From Hallmark Require Import Contract.Syntax.
Import ListNotations.
Open Scope string_scope.

(** The size of a row, and the range below an index. *)
Definition n := Size "n".
Definition m := Size "m".
Definition before (i : string) := Index i.

(** Numbers. *)
Definition zero := Rational 0 1.
Definition one := Rational 1 1.
Definition two := Rational 2 1.
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
Definition unit_upper_triangular : list formula := [
  All "i" n (All "j" (before "i") (Eq (Matrix "U" "i" "j") zero));
  All "i" n (Eq (Matrix "U" "i" "i") one) ].

(** The factorization of a matrix given by its entries. *)
Definition factored (entry : term) : formula := All "i" n (All "j" n (Eq entry udu_entry)).

(** An inexact factorization of H: the residual is at most g a_i a_j. *)
Definition nearly_factored : formula :=
  All "i" n (All "j" n (Le (Abs (Sub (Matrix "H" "i" "j") udu_entry))
    (Mul (Scalar "g") (Mul (Vector "a" "i") (Vector "a" "j"))))).

(** The pivots are nonnegative. *)
Definition pivots_nonnegative : formula := All "k" n (Le zero (Vector "d" "k")).

(** u holds the compensated weights at the codes q. *)
Definition compensated : formula :=
  All "j" n (Eq (Vector "u" "j")
    (Add (Vector "w" "j") (Sum "k" (before "j") (Mul (error "q" "k") (Matrix "U" "k" "j"))))).

(** sum_j d_j (u_j - q_j)^2. *)
Definition compensated_loss : term :=
  Sum "j" n (Mul (Vector "d" "j") (square (Sub (Vector "u" "j") (Vector "q" "j")))).

(** The scalar L is that number. *)
Definition defined (L : string) (t : term) : formula := Eq (Scalar L) t.

(** L is the loss of the codes q in the matrix M. *)
Definition loss_of (L M q : string) : formula := defined L (form (Matrix M "i" "j") (error q)).

(** Two rows are the same. *)
Definition same_codes (q r : string) : formula := All "j" n (Eq (Vector q "j") (Vector r "j")).

(** Inputs. *)
Definition row_vector (x : string) := (x, IsVector "n").
Definition tokens (x : string) := (x, IsVector "m").
Definition square_matrix (x : string) := (x, IsMatrix "n" "n").
Definition number (x : string) := (x, IsScalar).

(** T7: codes q that round x on GF16 with scale s are off by at most max(2^-10 |x|, 2^-40 s).  The
    points l and r of the grid on both sides of x have the spacing of GF16. *)
Definition gf16_half_gap_contract : contract :=
  let s := Vector "s" "j" in let x := Vector "x" "j" in let q := Vector "q" "j" in
  let l := Vector "l" "j" in let r := Vector "r" "j" in
  let spacing p := All "j" n (Le (Sub r l)
    (Max (Mul (Rational 1 (2 ^ 9)) (Abs p)) (Mul (Rational 1 (2 ^ 39)) s))) in {|
  name := "gf16_half_gap"; theorem := "T7_gf16_error"; sizes := ["n"];
  inputs := map row_vector ["s"; "x"; "q"; "l"; "r"];
  pre := [
    All "j" n (And (Le l x) (Le x r));
    All "j" n (Le zero (Mul l r));
    spacing l; spacing r;
    All "j" n (Le (Abs (Sub x q)) (Abs (Sub x l)));
    All "j" n (Le (Abs (Sub x q)) (Abs (Sub x r)))];
  post := All "j" n (Le (Abs (Sub x q))
    (Max (Mul (Rational 1 (2 ^ 10)) (Abs x)) (Mul (Rational 1 (2 ^ 40)) s))) |}.

(** T7: no neighbour of q on the grid, l below and r above, is nearer to x. *)
Definition gf16_nearest_contract : contract :=
  let x := Vector "x" "j" in let q := Vector "q" "j" in
  let l := Vector "l" "j" in let r := Vector "r" "j" in
  let no_nearer p := Le (Abs (Sub x q)) (Abs (Sub x p)) in {|
  name := "gf16_nearest"; theorem := "T7_gf16_nearest"; sizes := ["n"];
  inputs := map row_vector ["x"; "q"; "l"; "r"];
  pre := [
    All "j" n (And (Le l q) (Le q r));
    All "j" n (Le (Add l q) (Mul two x));
    All "j" n (Le (Mul two x) (Add q r))];
  post := All "j" n (And (no_nearer l) (no_nearer r)) |}.

(** T7: the rounding r of a point q of the grid is q, because no point p is nearer. *)
Definition idempotence : contract :=
  let q := Vector "q" "j" in let r := Vector "r" "j" in let p := Vector "p" "j" in {|
  name := "idempotence"; theorem := "idempotence_met"; sizes := ["n"];
  inputs := map row_vector ["q"; "p"; "r"];
  pre := [All "j" n (Eq p q); All "j" n (Le (Abs (Sub q r)) (Abs (Sub q p)))];
  post := All "j" n (Eq r q) |}.

(** The number p that is written for a scale s and a grid point g is s g itself: the nearest number
    of the file's format, which has a number b that is the product. *)
Definition exact_product : contract :=
  let product := Mul (Vector "s" "j") (Vector "g" "j") in
  let p := Vector "p" "j" in let b := Vector "b" "j" in {|
  name := "exact_product"; theorem := "exact_product_met"; sizes := ["n"];
  inputs := map row_vector ["s"; "g"; "p"; "b"];
  pre := [All "j" n (Eq b product);
          All "j" n (Le (Abs (Sub product p)) (Abs (Sub product b)))];
  post := All "j" n (Eq p product) |}.

(** The unit roundoff of binary64. *)
Definition unit64 := Rational 1 (2 ^ 53).

(** T11 (b): one entry G of the Gram matrix, the sum of m products x y with an error delta at each
    step, from the partial sum c. *)
Definition gram_accumulation : contract :=
  let product i := Mul (Vector "x" i) (Vector "y" i) in
  let step i := Add (product i) (Vector "delta" i) in
  let growth := Mul (Count m) unit64 in {|
  name := "gram_accumulation"; theorem := "T11_gram_binary32"; sizes := ["m"];
  inputs := map tokens ["x"; "y"; "c"; "delta"] ++ [number "G"];
  pre := [
    All "t" m (Eq (Vector "c" "t") (Sum "k" (before "t") (step "k")));
    All "t" m (Le (Abs (Vector "delta" "t")) (Mul unit64 (Abs (Add (Vector "c" "t") (product "t")))));
    defined "G" (Sum "t" m (step "t"));
    Le growth one];
  post := Le (Abs (Sub (Scalar "G") (Sum "t" m (product "t"))))
    (Mul (Mul growth (Add one growth))
         (Sum "t" m (Mul (Abs (Vector "x" "t")) (Abs (Vector "y" "t"))))) |}.

(** The row G of a computed Gram matrix, its diagonal entry h and the diagonal D, each entry within
    what m roundings cost (as in [gram_accumulation]): |G_j| <= (1 + 3 m 2^-53) sqrt(h D_j),
    squared. *)
Definition gram_bound : contract :=
  let x := Vector "x" "t" in let y := Matrix "Y" "j" "t" in
  let growth := Mul (Count m) unit64 in
  let slack := Mul (Rational 3 1) growth in
  let near entry a b := Le (Abs (Sub entry (Sum "t" m (Mul a b))))
    (Mul (Mul growth (Add one growth)) (Sum "t" m (Mul (Abs a) (Abs b)))) in {|
  name := "gram_bound"; theorem := "gram_bound_met"; sizes := ["n"; "m"];
  inputs := [row_vector "G"; number "h"; row_vector "D"; tokens "x"; ("Y", IsMatrix "n" "m")];
  pre := [
    Le growth (Rational 1 8);
    near (Scalar "h") x x;
    All "j" n (near (Vector "D" "j") y y);
    All "j" n (near (Vector "G" "j") x y)];
  post := All "j" n (Le (square (Vector "G" "j"))
    (Mul (square (Add one slack)) (Mul (Scalar "h") (Vector "D" "j")))) |}.

(** T15: one entry h of H against rows x and y of the computed factor, the diagonal entries p and s
    of H having roots at most a and b. *)
Definition factor_residual : contract :=
  let f := Scalar "f" in let d := Vector "d" "k" in
  let entry x y := Sum "k" n (Mul (Mul (Vector x "k") d) (Vector y "k")) in
  let size x y := Sum "k" n (Mul (Mul (Abs (Vector x "k")) d) (Abs (Vector y "k"))) in
  let near h x y := Le (Abs (Sub (Scalar h) (entry x y))) (Mul f (size x y)) in
  let root a p := And (Le zero (Scalar a)) (Le (Scalar p) (square (Scalar a))) in {|
  name := "factor_residual"; theorem := "T15_binary64"; sizes := ["n"];
  inputs := map row_vector ["x"; "y"; "d"] ++ map number ["h"; "p"; "s"; "a"; "b"; "f"; "g"];
  pre := [
    near "h" "x" "y"; near "p" "x" "x"; near "s" "y" "y"; root "a" "p"; root "b" "s";
    pivots_nonnegative;
    And (Le zero f) (And (Lt f one) (Le f (Mul (Scalar "g") (Sub one f))))];
  post := Le (Abs (Sub (Scalar "h") (entry "x" "y")))
    (Mul (Scalar "g") (Mul (Scalar "a") (Scalar "b"))) |}.

(** The pivots lie between zero and the diagonal h of H, but for the residual. *)
Definition pivots : contract := {|
  name := "pivots"; theorem := "pivots_sound"; sizes := ["n"];
  inputs := [square_matrix "U"; row_vector "d"; row_vector "h"; number "g"];
  pre := unit_upper_triangular ++ [
    pivots_nonnegative;
    All "i" n (Le (Abs (Sub (Vector "h" "i") (Sum "k" n
        (Mul (Mul (Matrix "U" "i" "k") (Vector "d" "k")) (Matrix "U" "i" "k")))))
      (Mul (Scalar "g") (Vector "h" "i")))];
  post := All "j" n (And (Le zero (Vector "d" "j"))
    (Le (Vector "d" "j") (Mul (Add one (Scalar "g")) (Vector "h" "j")))) |}.

(** T1: the loss L of any codes is the weighted sum of the squares of the compensated errors. *)
Definition error_identity : contract := {|
  name := "error_identity"; theorem := "T1_identity"; sizes := ["n"];
  inputs := map square_matrix ["H"; "U"] ++ map row_vector ["d"; "w"; "q"; "u"]
    ++ [number "L"];
  pre := unit_upper_triangular ++ [factored (Matrix "H" "i" "j"); compensated; loss_of "L" "H" "q"];
  post := defined "L" compensated_loss |}.

(** T1 for an inexact factor: its residual enters with its form R at the error. *)
Definition error_identity_residual : contract := {|
  name := "error_identity_residual"; theorem := "T1_identity_residual"; sizes := ["n"];
  inputs := map square_matrix ["H"; "U"] ++ map row_vector ["d"; "w"; "q"; "u"]
    ++ map number ["L"; "R"];
  pre := unit_upper_triangular ++ [compensated; loss_of "L" "H" "q";
    defined "R" (form (Sub (Matrix "H" "i" "j") udu_entry) (error "q"))];
  post := defined "L" (Add compensated_loss (Scalar "R")) |}.

(** T1 and T15 as the guard uses them: L is twice the plain loss of the error e, t the computed
    product e U, c the excess H_jj - 2 G_jj; N bounds the norm of t and rho that of its error. *)
Definition loss_enclosure_contract : contract :=
  let e i := Vector "e" i in
  let squares x := Sum "j" n (Mul (Vector "d" "j") (square x)) in
  let H i j := Matrix "H" i j in let G i j := Mul two (Matrix "G" i j) in {|
  name := "loss_enclosure"; theorem := "guard_loss_enclosure"; sizes := ["n"];
  inputs := map square_matrix ["G"; "H"; "U"] ++ map row_vector ["d"; "c"; "e"; "t"; "a"]
    ++ map number ["g"; "N"; "rho"; "L"];
  pre := unit_upper_triangular ++ [
    defined "L" (Mul two (form (Matrix "G" "i" "j") e));
    All "i" n (All "j" (before "i") (Eq (H "i" "j") (G "i" "j")));
    All "i" n (All "j" (before "i") (Eq (H "j" "i") (G "j" "i")));
    All "i" n (Eq (H "i" "i") (Add (G "i" "i") (Vector "c" "i")));
    pivots_nonnegative; nearly_factored;
    And (Le zero (Scalar "N")) (Le (squares (Vector "t" "j")) (square (Scalar "N")));
    And (Le zero (Scalar "rho"))
        (Le (squares (Sub (Vector "t" "j") (Sum "k" n (Mul (e "k") (Matrix "U" "k" "j")))))
            (square (Scalar "rho")))];
  post := Le
    (Abs (Sub (Scalar "L") (Sub (squares (Vector "t" "j"))
       (Sum "j" n (Mul (Vector "c" "j") (square (e "j")))))))
    (Add (Add (Mul (Mul two (Scalar "N")) (Scalar "rho")) (square (Scalar "rho")))
         (Mul (Scalar "g") (square (Sum "i" n (Mul (Abs (e "i")) (Vector "a" "i")))))) |}.

(** T2: bounds r on the compensated errors bound the loss L. *)
Definition gptq_bound : contract := {|
  name := "gptq_bound"; theorem := "T2_bound"; sizes := ["n"];
  inputs := map square_matrix ["H"; "U"] ++ map row_vector ["d"; "w"; "q"; "u"; "r"]
    ++ [number "L"];
  pre := unit_upper_triangular ++ [factored (Matrix "H" "i" "j"); compensated; loss_of "L" "H" "q";
    pivots_nonnegative;
    All "j" n (Le (Abs (Sub (Vector "u" "j") (Vector "q" "j"))) (Vector "r" "j"))];
  post := Le (Scalar "L") (Sum "j" n (Mul (Vector "d" "j") (square (Vector "r" "j")))) |}.

(** T9: the same for computed compensated weights v and an inexact factor. *)
Definition gptq_bound_emitted : contract := {|
  name := "gptq_bound_emitted"; theorem := "emitted_codes_loss"; sizes := ["n"];
  inputs := map square_matrix ["H"; "U"]
    ++ map row_vector ["d"; "w"; "q"; "u"; "v"; "h"; "delta"; "a"] ++ map number ["g"; "L"];
  pre := unit_upper_triangular ++ [
    compensated; loss_of "L" "H" "q"; pivots_nonnegative; nearly_factored;
    All "j" n (Le (Abs (Sub (Vector "v" "j") (Vector "q" "j"))) (Vector "h" "j"));
    All "j" n (Le (Abs (Sub (Vector "v" "j") (Vector "u" "j"))) (Vector "delta" "j"))];
  post := Le (Scalar "L")
    (Add (Sum "j" n (Mul (Vector "d" "j") (square (Add (Vector "h" "j") (Vector "delta" "j")))))
         (Mul (Scalar "g") (square (Sum "i" n (Mul (Abs (error "q" "i")) (Vector "a" "i")))))) |}.

(** T6 for a row: q is the proposal g where keep is positive, and then the upper end of its loss is
    at most the lower end of that of r; otherwise q is r.  Where q and r differ, q loses no more. *)
Definition guard_row : contract :=
  let no_worse := Le (Scalar "L_q") (Scalar "L_r") in
  let q := Vector "q" "j" in let r := Vector "r" "j" in {|
  name := "guard_row"; theorem := "T6_guard_enclosure_matrix"; sizes := ["n"];
  inputs := [square_matrix "G"] ++ map row_vector ["w"; "g"; "r"; "q"]
    ++ map number ["keep"; "upper"; "lower"; "L_g"; "L_r"; "L_q"];
  pre := [
    loss_of "L_g" "G" "g"; loss_of "L_r" "G" "r"; loss_of "L_q" "G" "q";
    Le (Scalar "L_g") (Scalar "upper"); Le (Scalar "lower") (Scalar "L_r");
    Implies (Lt zero (Scalar "keep"))
      (And (same_codes "q" "g") (Le (Scalar "upper") (Scalar "lower")));
    Implies (Le (Scalar "keep") zero) (same_codes "q" "r")];
  post := All "j" n (And (Implies (Lt q r) no_worse) (Implies (Lt r q) no_worse)) |}.

(** T6 for a matrix of p rows: D is the gain of each row, the loss L_r of round-to-nearest less the
    loss L_q of the codes, 0 where they are the same. *)
Definition guard_total : contract :=
  let p := Size "p" in let rows x := (x, IsVector "p") in let D := Vector "D" "b" in {|
  name := "guard_total"; theorem := "T6_guard_matrix"; sizes := ["p"];
  inputs := [rows "L_q"; rows "L_r"; rows "D"];
  pre := [
    All "b" p (Eq D (Sub (Vector "L_r" "b") (Vector "L_q" "b")));
    All "b" p (Le zero D)];
  post := Le zero (Sum "b" p D) |}.

(** T4: with at most two columns the codes q of GPTQ lose no more than the codes r of
    round-to-nearest.  Both round to points of one grid, and equal numbers to equal points. *)
Definition two_columns : contract := {|
  name := "two_columns"; theorem := "T4_two_columns"; sizes := ["n"];
  inputs := map square_matrix ["H"; "U"] ++ map row_vector ["d"; "w"; "q"; "u"; "r"]
    ++ map number ["L_q"; "L_r"];
  pre := unit_upper_triangular ++ [
    factored (Matrix "H" "i" "j"); compensated; loss_of "L_q" "H" "q"; loss_of "L_r" "H" "r";
    pivots_nonnegative;
    All "j" n (Implies (Eq (Vector "u" "j") (Vector "w" "j")) (Eq (Vector "q" "j") (Vector "r" "j")));
    All "j" n (Le (Abs (Sub (Vector "u" "j") (Vector "q" "j")))
                  (Abs (Sub (Vector "u" "j") (Vector "r" "j"))));
    Le (Count n) two];
  post := Le (Scalar "L_q") (Scalar "L_r") |}.

(** Without tokens (m = 0) the Hessian is lambda I, nothing is compensated, and the codes q of GPTQ
    are the codes r of round-to-nearest. *)
Definition rtn_when_no_calibration : contract :=
  let gram i j := Mul two (Sum "t" m (Mul (Matrix "X" i "t") (Matrix "X" j "t"))) in
  let H i j := Matrix "H" i j in {|
  name := "rtn_when_no_calibration"; theorem := "rtn_when_no_calibration_sound";
  sizes := ["n"; "m"];
  inputs := [("X", IsMatrix "n" "m")] ++ map square_matrix ["H"; "U"]
    ++ map row_vector ["d"; "w"; "q"; "u"; "r"] ++ [number "lambda"];
  pre := unit_upper_triangular ++ [
    factored (Matrix "H" "i" "j"); compensated;
    All "i" n (All "j" (before "i") (Eq (H "j" "i") (gram "j" "i")));
    All "i" n (Eq (H "i" "i") (Add (gram "i" "i") (Scalar "lambda")));
    Lt zero (Scalar "lambda");
    All "j" n (Implies (Eq (Vector "u" "j") (Vector "w" "j")) (Eq (Vector "q" "j") (Vector "r" "j")))];
  post := Implies (Eq (Count m) zero) (same_codes "q" "r") |}.

(** T8: a bound B on the loss M in G carries over to the loss L in a Gram matrix T that (1 + eps) G
    dominates, as a factorization shows. *)
Definition transfer : contract :=
  let dominating := Add one (Scalar "eps") in {|
  name := "transfer"; theorem := "T8_transfer_certificate"; sizes := ["n"];
  inputs := map square_matrix ["T"; "G"; "U"] ++ map row_vector ["d"; "e"]
    ++ map number ["eps"; "B"; "M"; "L"];
  pre := unit_upper_triangular ++ [
    All "i" n (All "j" n (Eq (Matrix "T" "i" "j")
      (Sub (Mul dominating (Matrix "G" "i" "j")) udu_entry)));
    defined "M" (form (Matrix "G" "i" "j") (Vector "e"));
    defined "L" (form (Matrix "T" "i" "j") (Vector "e"));
    pivots_nonnegative;
    Le zero dominating;
    Le (Scalar "M") (Scalar "B")];
  post := Le (Scalar "L") (Mul dominating (Scalar "B")) |}.
