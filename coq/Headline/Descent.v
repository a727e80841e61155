(** * The published theorems about better codes for a given Gram matrix: T19, T20, T21, T25

    Purpose: what coordinate descent promises (T19); the best scale and codebook for given codes
      (T20); how much any codes lose at least (T21); what the pivots mean for codes, ranges and
      orders (T25).  Headline.v explains the words used.
    Main results: the names that begin with T19, T20, T21 and T25.
    Depends on: Gptq/CoordinateDescent, Gptq/Refit, Gptq/LowerBound, Gptq/Enumeration, Gptq/Pivots,
      Gptq/PivotOrder, Float/LowerBoundIeee; their witness files.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith Reals List Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Format Require Import IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Bilinear Quantizer Gptq Concrete Counterexample.
From Hallmark.Gptq Require Import Triangular CoordinateDescent Refit LowerBound Enumeration.
From Hallmark.Gptq Require Import Pivots PivotOrder.
From Hallmark.Gptq Require WitnessVariants WitnessDescent WitnessPivots.
From Hallmark.Float Require Import Arithmetic Factor FactorClosed Machine LowerBoundIeee.
From Hallmark.Float Require WitnessRun WitnessLower.
Import ListNotations.
Open Scope R_scope.

(** ** T19: coordinate descent

    [set_code q j x] are the codes q with x in column j.  [centre n G w q j] is
    t = q_j + (e G)_j / G_jj with e = w - q, the place where the loss is least when only the code of
    column j may change; this code itself does not enter it.  The loss then changes by exactly
    G_jj ((t - x)^2 - (t - q_j)^2); G need not be semidefinite. *)
Theorem T19_change (n : nat) (G : mat) (w q : vec) (j : nat) (x : R) :
  sym n G -> (j < n)%nat -> G j j <> 0 ->
  let t := centre n G w q j in
  qform n G (vsub w (set_code q j x))
  = qform n G (vsub w q) + G j j * ((t - x) ^ 2 - (t - q j) ^ 2).
Proof. exact (CoordinateDescent.T19_change n G w q j x). Qed.

(** So a change of one code does not raise the loss exactly where the new code is no farther from
    the centre, and lowers it exactly where the new code is nearer; *)
Theorem T19_step (n : nat) (G : mat) (w q : vec) (j : nat) (x : R) :
  sym n G -> (j < n)%nat -> 0 < G j j ->
  let t := centre n G w q j in
  (qform n G (vsub w (set_code q j x)) <= qform n G (vsub w q)
    <-> Rabs (t - x) <= Rabs (t - q j)) /\
  (qform n G (vsub w (set_code q j x)) < qform n G (vsub w q)
    <-> Rabs (t - x) < Rabs (t - q j)).
Proof. exact (CoordinateDescent.T19_step n G w q j x). Qed.

(** a point nearest to the centre is the best of its column; *)
Theorem T19_nearest (n : nat) (G : mat) (w q : vec) (j : nat) (Q : R -> R) (x : R) :
  sym n G -> (j < n)%nat -> 0 < G j j -> nearest Q ->
  qform n G (vsub w (set_code q j (Q (centre n G w q j))))
  <= qform n G (vsub w (set_code q j (Q x))).
Proof. exact (CoordinateDescent.T19_nearest n G w q j Q x). Qed.

(** and where a semidefinite G has a zero on its diagonal the code is free. *)
Theorem T19_dead_column (n : nat) (G : mat) (w q : vec) (j : nat) (x : R) :
  sym n G -> psd n G -> (j < n)%nat -> G j j = 0 ->
  qform n G (vsub w (set_code q j x)) = qform n G (vsub w q).
Proof. exact (CoordinateDescent.T19_dead_column n G w q j x). Qed.

(** [live_or_dead n G]: each column has a positive diagonal entry, or only zeros.  This is all that
    is asked of a stored G beyond symmetry, and every semidefinite G has it. *)
Theorem T19_live_or_dead (n : nat) (G : mat) : sym n G -> psd n G -> live_or_dead n G.
Proof. exact (CoordinateDescent.T19_live_or_dead n G). Qed.

(** [descend n G w Q columns q] goes through the columns in the order of the list, and moves a code
    to the point nearest to its centre wherever that point is strictly nearer than the code.
    [one_opt n G w Q q]: no single code can be changed for the better.  A sweep never raises the
    loss; where it does not lower it, it has changed nothing, and after all columns that is the
    certificate. *)
Theorem T19_sweep (n : nat) (G : mat) (w : vec) (Q : nat -> R -> R) (columns : list nat) (q : vec) :
  sym n G -> live_or_dead n G -> (forall j, In j columns -> (j < n)%nat) ->
  let q' := descend n G w Q columns q in
  qform n G (vsub w q') <= qform n G (vsub w q) /\
  (qform n G (vsub w q') = qform n G (vsub w q) -> q' = q /\
    ((forall j, (j < n)%nat -> nearest (Q j) /\ In j columns) -> one_opt n G w Q q)).
Proof. exact (CoordinateDescent.T19_sweep n G w Q columns q). Qed.

(** The certificate says: each code is as near to its centre as any point of its grid. *)
Theorem T19_one_opt (n : nat) (G : mat) (w : vec) (Q : nat -> R -> R) (q : vec) :
  sym n G -> live_or_dead n G ->
  one_opt n G w Q q <->
  forall j x, (j < n)%nat -> 0 < G j j ->
    Rabs (centre n G w q j - q j) <= Rabs (centre n G w q j - Q j x).
Proof. exact (CoordinateDescent.T19_one_opt n G w Q q). Qed.

(** On a finite grid, at most K points a column, strictly lower losses never come back to codes that
    were left, and end: at most K^n - 1 changes are accepted, chosen in whatever order, *)
Theorem T19_moves_end (n : nat) (G : mat) (w : vec) (points : nat -> list R) (K : nat)
    (run : nat -> vec) (m : nat) :
  (forall j, (j < n)%nat -> (length (points j) <= K)%nat) ->
  (forall i j, (i <= m)%nat -> (j < n)%nat -> In (run i j) (points j)) ->
  (forall i, (i < m)%nat -> qform n G (vsub w (run (S i))) < qform n G (vsub w (run i))) ->
  (m < K ^ n)%nat.
Proof. exact (CoordinateDescent.T19_moves_end n G w points K run m). Qed.

(** and repeated sweeps end in codes with the certificate, which lose no more than those at the
    start. *)
Theorem T19_sweeps_end (n : nat) (G : mat) (w : vec) (Q : nat -> R -> R) (columns : list nat)
    (q : vec) (points : nat -> list R) (K : nat) :
  sym n G -> live_or_dead n G ->
  (forall j, In j columns <-> (j < n)%nat) -> (forall j, (j < n)%nat -> nearest (Q j)) ->
  (forall j x, In (Q j x) (points j)) -> (forall j, (j < n)%nat -> In (q j) (points j)) ->
  (forall j, (j < n)%nat -> (length (points j) <= K)%nat) ->
  exists m, (m < K ^ n)%nat /\
    let q' := Nat.iter m (descend n G w Q columns) q in
    descend n G w Q columns q' = q' /\ one_opt n G w Q q' /\
    qform n G (vsub w q') <= qform n G (vsub w q).
Proof. exact (CoordinateDescent.T19_sweeps_end n G w Q columns q points K). Qed.

(** Witness: T5's row on the points -1, 0, 1.  One sweep takes GPTQ's codes (0, 1, 0) from 51/16 to
    19/16, by the 2 ((0 - 0)^2 - (0 - 1)^2) of its one change; the next changes nothing, and no
    single code can be changed for the better.  Two can: (1, -1, 0) loses 11/16. *)
Lemma T19_witness : let G := gram 3 t5_X in let Q := every WitnessDescent.three_points in
  let w := t5_w 0 1 in let q := t5_q 0 1 in let q' := set_code q 1 0 in
  sym 3 G /\ live_or_dead 3 G /\ nearest WitnessDescent.three_points /\ is_gptq 3 Q t5_U w q /\
  centre 3 G w q 1 = 0 /\ G 1%nat 1%nat = 2 /\
  descend 3 G w Q [0; 1; 2]%nat q = q' /\ descend 3 G w Q [0; 1; 2]%nat q' = q' /\
  qform 3 G (vsub w q) = 51 / 16 /\ qform 3 G (vsub w q') = 51 / 16 + 2 * (0 ^ 2 - (0 - 1) ^ 2) /\
  one_opt 3 G w Q q' /\ qform 3 G (vsub w q') = 19 / 16 /\
  qform 3 G (vsub w (entries [1; -1; 0])) = 11 / 16 /\
  exists m, (m < 3 ^ 3)%nat /\ one_opt 3 G w Q (Nat.iter m (descend 3 G w Q [0; 1; 2]%nat) q).
Proof. exact WitnessDescent.T19_witness. Qed.

(** Witness: an input that is always zero, whose code may be 5 as well as 0. *)
Lemma T19_dead_witness : let G := gram 1 (rows [[1]; [0]]) in let w := entries [1 / 4; 1 / 4] in
  sym 2 G /\ psd 2 G /\ G 1%nat 1%nat = 0 /\ live_or_dead 2 G /\
  qform 2 G (vsub w (set_code (entries [0; 0]) 1 5)) = qform 2 G (vsub w (entries [0; 0])) /\
  qform 2 G (vsub w (entries [0; 0])) = 1 / 16.
Proof. exact WitnessDescent.T19_dead_witness. Qed.

(** The program computes centres with rounding errors.  A computed t within delta of the centre
    tells the change up to 2 G_jj |x - q_j| delta: *)
Theorem T19_rounded_change (n : nat) (G : mat) (w q : vec) (j : nat) (x t delta : R) :
  sym n G -> (j < n)%nat -> 0 < G j j -> Rabs (t - centre n G w q j) <= delta ->
  Rabs (qform n G (vsub w q) - qform n G (vsub w (set_code q j x))
        - 2 * G j j * (x - q j) * (t - (q j + x) / 2))
  <= 2 * G j j * (Rabs (x - q j) * delta).
Proof. exact (CoordinateDescent.T19_rounded_change n G w q j x t delta). Qed.

(** where t lies beyond the midpoint of q_j and x, on the side of x, by delta, the exact loss does
    not rise, and where by more, it falls; *)
Theorem T19_rounded (n : nat) (G : mat) (w q : vec) (j : nat) (x t delta : R) :
  sym n G -> (j < n)%nat -> 0 < G j j -> Rabs (t - centre n G w q j) <= delta ->
  (Rabs (x - q j) * delta <= (x - q j) * (t - (q j + x) / 2) ->
    qform n G (vsub w (set_code q j x)) <= qform n G (vsub w q)) /\
  (Rabs (x - q j) * delta < (x - q j) * (t - (q j + x) / 2) ->
    qform n G (vsub w (set_code q j x)) < qform n G (vsub w q)).
Proof. exact (CoordinateDescent.T19_rounded n G w q j x t delta). Qed.

(** and where every computed centre lies before every midpoint by its delta, the certificate
    holds. *)
Theorem T19_rounded_one_opt (n : nat) (G : mat) (w : vec) (Q : nat -> R -> R) (q t delta : vec) :
  sym n G -> live_or_dead n G ->
  (forall j, (j < n)%nat -> 0 < G j j -> Rabs (t j - centre n G w q j) <= delta j) ->
  (forall j x, (j < n)%nat -> 0 < G j j ->
    Rabs (Q j x - q j) * delta j <= (Q j x - q j) * ((q j + Q j x) / 2 - t j)) ->
  one_opt n G w Q q.
Proof. exact (CoordinateDescent.T19_rounded_one_opt n G w Q q t delta). Qed.

(** Witness: centres of T5's row off by up to 1/50, the first one 1/100 in place of 0, suffice for
    the same change and for the certificate after it. *)
Lemma T19_rounded_witness : let G := gram 3 t5_X in let Q := every WitnessDescent.three_points in
  let w := t5_w 0 1 in let q := t5_q 0 1 in let q' := set_code q 1 0 in
  let t := entries [9 / 25; 1 / 100; - (1 / 5)] in
  Rabs (1 / 100 - centre 3 G w q 1) <= 1 / 50 /\
  Rabs (0 - q 1%nat) * (1 / 50) < (0 - q 1%nat) * (1 / 100 - (q 1%nat + 0) / 2) /\
  qform 3 G (vsub w q') < qform 3 G (vsub w q) /\
  (forall j, (j < 3)%nat -> Rabs (t j - centre 3 G w q' j) <= 1 / 50) /\
  (forall j x, (j < 3)%nat ->
    Rabs (Q j x - q' j) * (1 / 50) <= (Q j x - q' j) * ((q' j + Q j x) / 2 - t j)) /\
  one_opt 3 G w Q q'.
Proof. exact WitnessDescent.T19_rounded_witness. Qed.

(** ** T20: refit

    [bform n G w k] is w G k^T, and [fitted_scale n G w k] is (w G k^T) / (k G k^T), the best scale
    for the codes k where k G k^T > 0.  Another scale s loses (s - best)^2 k G k^T more, exactly;
    this is what rounding the scale costs.  G need not be semidefinite. *)
Theorem T20_scale (n : nat) (G : mat) (w k : vec) (s : R) : sym n G -> qform n G k <> 0 ->
  let best := fitted_scale n G w k in
  qform n G (vsub w (fun i => s * k i))
  = qform n G (vsub w (fun i => best * k i)) + (s - best) ^ 2 * qform n G k /\
  qform n G (vsub w (fun i => best * k i)) = qform n G w - bform n G w k ^ 2 / qform n G k.
Proof. exact (Refit.T20_scale n G w k s). Qed.

(** So a scale that rounding moved by at most rho, relatively, loses at most rho^2 of what the codes
    save against zeros. *)
Theorem T20_scale_rounded (n : nat) (G : mat) (w k : vec) (s rho : R) :
  sym n G -> 0 < qform n G k ->
  let best := fitted_scale n G w k in
  Rabs (s - best) <= rho * Rabs best ->
  qform n G (vsub w (fun i => s * k i))
  <= qform n G (vsub w (fun i => best * k i))
     + rho ^ 2 * (qform n G w - qform n G (vsub w (fun i => best * k i))).
Proof. exact (Refit.T20_scale_rounded n G w k s rho). Qed.

(** Witness: for the codes (1, 1, -2) of (1, 2, -3) the scale 7/5 loses 2/5 where 1 loses 2; rounded
    up to 11 bits, 717/512, it loses 2/5 + (1/2560)^2 10. *)
Lemma T20_scale_witness : let G := gram 4 WitnessDescent.refit_X in let k := entries [1; 1; -2] in
  let w := WitnessDescent.refit_w in let scaled s := vsub w (fun i => s * k i) in
  sym 3 G /\ bform 3 G w k = 14 /\ qform 3 G k = 10 /\ fitted_scale 3 G w k = 7 / 5 /\
  qform 3 G w = 20 /\ qform 3 G (scaled 1) = 2 /\ qform 3 G (scaled (7 / 5)) = 2 / 5 /\
  qform 3 G (scaled (717 / 512)) = 2 / 5 + (1 / 2560) ^ 2 * 10 /\
  Rabs (717 / 512 - 7 / 5) <= 1 / 2048 * Rabs (7 / 5) /\
  qform 3 G (scaled (717 / 512)) <= 2 / 5 + (1 / 2048) ^ 2 * (20 - 2 / 5).
Proof. exact WitnessDescent.T20_scale_witness. Qed.

(** Several scales, one for each group of columns, and a codebook are combinations c B of m rows B:
    the codes of each group with zeros elsewhere, or a row for each level that marks the columns
    with it ([levels_of a], a_i the level of column i).  [normal_equations n m G B w c] says
    c (B G B^T) = w G B^T.  Where they hold, other coefficients c' lose
    (c' - c) (B G B^T) (c' - c)^T more, exactly; *)
Theorem T20_combination (n m : nat) (G B : mat) (w c c' : vec) :
  sym n G -> normal_equations n m G B w c ->
  qform n G (vsub w (vmul m c' B))
  = qform n G (vsub w (vmul m c B)) + qform m (vmv n B G) (vsub c' c).
Proof. exact (Refit.T20_combination n m G B w c c'). Qed.

(** in a semidefinite G they hold exactly for the best coefficients, *)
Theorem T20_combination_best (n m : nat) (G B : mat) (w c : vec) : sym n G -> psd n G ->
  normal_equations n m G B w c <->
  forall c', qform n G (vsub w (vmul m c B)) <= qform n G (vsub w (vmul m c' B)).
Proof. exact (Refit.T20_combination_best n m G B w c). Qed.

(** and there always are such, whatever the rows. *)
Theorem T20_combination_exists (n m : nat) (G B : mat) (w : vec) : sym n G -> psd n G ->
  exists c, normal_equations n m G B w c.
Proof. exact (Refit.T20_combination_exists n m G B w). Qed.

(** For a codebook: the values c_(a_i) that solve the equations, against any others. *)
Theorem T20_codebook (n m : nat) (G : mat) (a : nat -> nat) (w c c' : vec) : sym n G ->
  (forall i, (i < n)%nat -> (a i < m)%nat) ->
  normal_equations n m G (levels_of a) w c ->
  qform n G (vsub w (fun i => c' (a i)))
  = qform n G (vsub w (fun i => c (a i))) + qform n G (fun i => vsub c' c (a i)).
Proof. exact (Refit.T20_codebook n m G a w c c'). Qed.

(** Witness: on the same row, levels 0, 0, 1, the values 16/11 and -30/11 lose 4/11; the values 7/5
    and -14/5 of the best scale lose 2/5, and a level that no column has may be anything. *)
Lemma T20_codebook_witness : let G := gram 4 WitnessDescent.refit_X in
  let w := WitnessDescent.refit_w in let a := WitnessDescent.refit_level in
  let book (c : vec) := vsub w (fun i => c (a i)) in
  sym 3 G /\ psd 3 G /\
  (forall x, normal_equations 3 3 G (levels_of a) w (entries [16 / 11; - (30 / 11); x])) /\
  qform 3 G (book (entries [16 / 11; - (30 / 11)])) = 4 / 11 /\
  qform 3 G (book (entries [7 / 5; - (14 / 5)])) = 2 / 5 /\
  2 / 5 = 4 / 11 + qform 3 G (fun i =>
    vsub (entries [7 / 5; - (14 / 5)]) (entries [16 / 11; - (30 / 11)]) (a i)).
Proof. exact WitnessDescent.T20_codebook_witness. Qed.

(** ** T21: a lower bound for any codes

    [minus_diagonal G delta] is G - diag delta.  Where it is semidefinite for some delta >= 0, codes
    that are at least dist_j away from every weight, whatever they are, lose at least the sum of
    delta_j dist_j^2. *)
Theorem T21_lower_bound (n : nat) (G : mat) (delta w q dist : vec) :
  psd n (minus_diagonal G delta) -> nonneg n delta ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  bsum n (fun j => delta j * dist j ^ 2) <= qform n G (vsub w q).
Proof. exact (LowerBound.T21_lower_bound n G delta w q dist). Qed.

(** The distances from a grid are those of round-to-nearest. *)
Theorem T21_grid (n : nat) (G : mat) (delta w q : vec) (Q : nat -> R -> R) :
  psd n (minus_diagonal G delta) -> nonneg n delta ->
  (forall j, (j < n)%nat -> nearest (Q j)) -> (forall j, (j < n)%nat -> exists x, q j = Q j x) ->
  bsum n (fun j => delta j * vsub w (rtn Q w) j ^ 2) <= qform n G (vsub w q).
Proof. exact (LowerBound.T21_grid n G delta w q Q). Qed.

(** Witness: G = [[2,1,0],[1,2,1],[0,1,2]], w = (1/2, 1/2, 1/2), delta = (1, 0, 1).  No integers
    lose less than 1/2; (0, 1, 0) lose that, and so are the best of all. *)
Lemma T21_witness : let G := WitnessLower.lower_G in let w := WitnessLower.lower_w in
  let delta := entries [1; 0; 1] in let Q := every (rne 1) in let dist : vec := fun _ => 1 / 2 in
  psd 3 (minus_diagonal G delta) /\ nonneg 3 delta /\ nearest (rne 1) /\
  bsum 3 (fun j => delta j * dist j ^ 2) = 1 / 2 /\
  qform 3 G (vsub w (entries [0; 1; 0])) = 1 / 2 /\
  (forall q, (forall j, (j < 3)%nat -> exists z, q j = IZR z) -> 1 / 2 <= qform 3 G (vsub w q)) /\
  (forall q, (forall j, (j < 3)%nat -> exists x, q j = Q j x) ->
    bsum 3 (fun j => delta j * vsub w (rtn Q w) j ^ 2) <= qform 3 G (vsub w q)).
Proof. exact WitnessLower.lower_exact_witness. Qed.

(** A stored G, and what is left of it, need not be semidefinite.  Where the forms of G - diag delta
    are at least -g (sum |v_j| a_j)^2, each delta_j pays n g a_j^2. *)
Theorem T21_nearly (n : nat) (G : mat) (delta w q dist : vec) (g : R) (a : vec) : 0 <= g ->
  (forall v,
    - (g * bsum n (fun j => Rabs (v j) * a j) ^ 2) <= qform n (minus_diagonal G delta) v) ->
  (forall j, (j < n)%nat -> INR n * g * a j ^ 2 <= delta j) ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  bsum n (fun j => (delta j - INR n * g * a j ^ 2) * dist j ^ 2) <= qform n G (vsub w q).
Proof. exact (LowerBound.T21_nearly n G delta w q dist g a). Qed.

(** So a factorization in binary64 of what is left, H, shows the bound: where its pivots are finite
    and positive, by T22.  [leaves_diagonal n G H]: G and H differ on the diagonal only, there by at
    least n (n + 2) 2^-53 H_jj; [shown_bound n G H dist] is the sum of
    (G_jj - H_jj - n (n + 2) 2^-53 H_jj) dist_j^2. *)
Theorem T21_factored_ieee (nans64 : nan_choice 53 1024) (n : nat) (G : mat)
    (H C U : nat -> nat -> bin64) (d : nat -> bin64) (hmax : R) (w q dist : vec) :
  let value := B2R 53 1024 in let rH := fun i j => value (H i j) in
  is_factor (float_arith nans64) n H C U d -> sym n rH ->
  (forall k, (k < n)%nat -> is_finite 53 1024 (d k) = true /\ 0 < value (d k)) ->
  sane_diagonal n rH hmax -> leaves_diagonal n G rH ->
  (forall j, (j < n)%nat -> 0 <= dist j <= Rabs (w j - q j)) ->
  bsum n (fun j => (G j j - rH j j - INR n * ((INR n + 2) * bpow radix2 (-53)) * rH j j)
    * dist j ^ 2) <= qform n G (vsub w q).
Proof. exact (LowerBoundIeee.lower_bound_ieee nans64 n G H C U d hmax w q dist). Qed.

(** Witness: of the same G the diagonal (15/16, 1/1024, 15/16) is taken; the factorization of what
    is left, run inside Coq, shows that integers lose more than 15/32. *)
Lemma T21_factored_witness : let value := B2R 53 1024 in
  let H := fun i j => value (WitnessLower.left_H i j) in
  let G := WitnessLower.lower_G in let w := WitnessLower.lower_w in
  let d := WitnessLower.left_d in let dist : vec := fun _ => 1 / 2 in
  is_factor (float_arith WitnessRun.nans64) 3 WitnessLower.left_H WitnessLower.left_C
    WitnessLower.left_U d /\ sym 3 H /\
  (forall j, (j < 3)%nat -> is_finite 53 1024 (d j) = true /\ 0 < value (d j)) /\
  sane_diagonal 3 H 2 /\ leaves_diagonal 3 G H /\
  15 / 32 < shown_bound 3 G H dist < 1 / 2 /\
  (forall q, (forall j, (j < 3)%nat -> exists z, q j = IZR z) -> 15 / 32 < qform 3 G (vsub w q)).
Proof. exact WitnessLower.lower_ieee_witness. Qed.

(** Few columns allow the best codes themselves.  [candidates n U d w points L] are the codes that
    are left when column after column those are dropped whose first terms,
    sum_{k<=j} d_k (u_k - q_k)^2, exceed L; [row_of l] is the list l as a row.  No codes that lose at most L are missed; *)
Theorem T21_candidates (n : nat) (H U : mat) (d w : vec) (points : nat -> list R) (L : R)
    (q : vec) : udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> In (q j) (points j)) -> qform n H (vsub w q) <= L ->
  In (map q (seq 0 n)) (candidates n U d w points L).
Proof. exact (Enumeration.T21_candidates n H U d w points L q). Qed.

(** so if some codes lose at most L, the best of those that are left are the best of all. *)
Theorem T21_optimum (n : nat) (H U : mat) (d w : vec) (points : nat -> list R) (L : R) (some : vec)
    (best : list R) : udu n H U d -> nonneg n d ->
  (forall j, (j < n)%nat -> In (some j) (points j)) -> qform n H (vsub w some) <= L ->
  (forall l, In l (candidates n U d w points L) ->
    qform n H (vsub w (row_of best)) <= qform n H (vsub w (row_of l))) ->
  forall q, (forall j, (j < n)%nat -> In (q j) (points j)) ->
    qform n H (vsub w (row_of best)) <= qform n H (vsub w q).
Proof. exact (Enumeration.T21_optimum n H U d w points L some best). Qed.

(** Witness: of the 27 codes on the points -1, 0, 1 only (1, -1, 0) can lose at most 11/16 in T5's
    row and Gram matrix; no codes on them lose less. *)
Lemma T21_optimum_witness : let G := gram 3 t5_X in let w := t5_w 0 1 in
  let d := WitnessDescent.plain_d in let points : nat -> list R := fun _ => [-1; 0; 1] in
  udu 3 G t5_U d /\ nonneg 3 d /\
  candidates 3 t5_U d w points (11 / 16) = [[1; -1; 0]] /\
  qform 3 G (vsub w (row_of [1; -1; 0])) = 11 / 16 /\
  (forall q, (forall j, (j < 3)%nat -> In (q j) (points j)) -> 11 / 16 <= qform 3 G (vsub w q)).
Proof. exact WitnessDescent.T21_optimum_witness. Qed.

(** ** T25: pivots are distances

    [starts_at j v]: the row v is zero before column j and one there.  The pivot d_j is the least
    value of the form on such rows: the squared distance, in the norm of H, of column j from the
    span of the columns after it. *)
Theorem T25_pivot_distance (n : nat) (H U : mat) (d : vec) (j : nat) :
  udu n H U d -> nonneg n d -> (j < n)%nat ->
  (exists v, starts_at j v /\ qform n H v = d j) /\
  (forall v, starts_at j v -> d j <= qform n H v).
Proof. exact (Pivots.T25_pivot_distance n H U d j). Qed.

(** Witness: on T5's data the first pivot 2 is the form of (1, -2, 1/2). *)
Lemma T25_distance_witness : let H := hess 0 (gram 3 t5_X) in let v := entries [1; -2; 1 / 2] in
  udu 3 H t5_U t5_d /\ nonneg 3 t5_d /\ starts_at 0 v /\ qform 3 H v = 2 /\ t5_d 0%nat = 2 /\
  (forall v', starts_at 0 v' -> 2 <= qform 3 H v') /\ qform 3 H (entries [1; 0; 0]) = 10.
Proof. exact WitnessPivots.T25_distance_witness. Qed.

(** So a larger matrix, one more damped say, has larger pivots. *)
Theorem T25_pivot_monotone (n : nat) (H U : mat) (d : vec) (H' U' : mat) (d' : vec) (j : nat) :
  udu n H U d -> nonneg n d -> udu n H' U' d' -> nonneg n d' ->
  (forall v, qform n H v <= qform n H' v) -> (j < n)%nat -> d j <= d' j.
Proof. exact (Pivots.T25_pivot_monotone n H U d H' U' d' j). Qed.

(** Witness: with damping 1/4 the pivots 2, 2, 32 grow, the first to 14905/4676, more than 3. *)
Lemma T25_monotone_witness : let H := hess 0 (gram 3 t5_X) in
  let damped := hess (1 / 4) (gram 3 t5_X) in let U' := WitnessVariants.damped_U in
  let d' := WitnessVariants.damped_d in
  udu 3 H t5_U t5_d /\ udu 3 damped U' d' /\ nonneg 3 d' /\
  (forall v, qform 3 H v <= qform 3 damped v) /\
  (forall j, (j < 3)%nat -> t5_d j <= d' j) /\ t5_d 0%nat < 3 < d' 0%nat.
Proof. exact WitnessPivots.T25_monotone_witness. Qed.

(** GPTQ is Babai's nearest-plane method.  Given codes q before column j and x in it, the least loss
    that any real numbers after it allow is the sum of the terms so far plus d_j (u_j - x)^2; the
    code nearest to u_j makes it least. *)
Theorem T25_nearest_plane (n : nat) (H U : mat) (d w q : vec) (j : nat) (x : R) :
  udu n H U d -> nonneg n d -> (j < n)%nat ->
  let least := bsum j (fun k => d k * (comp U w q k - q k) ^ 2) + d j * (comp U w q j - x) ^ 2 in
  (forall q', (forall k, (k < j)%nat -> q' k = q k) -> q' j = x ->
    least <= qform n H (vsub w q')) /\
  (exists q', (forall k, (k < j)%nat -> q' k = q k) /\ q' j = x /\ qform n H (vsub w q') = least).
Proof. exact (Pivots.T25_nearest_plane n H U d w q j x). Qed.

(** Witness: in T5's row, after the code 0, the code 1 leaves 1/4 within reach and 0 at least 5/4:
    GPTQ takes 1. *)
Lemma T25_plane_witness : let H := hess 0 (gram 3 t5_X) in let w := t5_w 0 1 in
  comp t5_U w (t5_q 0 1) 1 = 3 / 4 /\ t5_q 0 1 1%nat = 1 /\
  (exists q, q 0%nat = 0 /\ q 1%nat = 1 /\ qform 3 H (vsub w q) = 1 / 4) /\
  (forall q, q 0%nat = 0 -> q 1%nat = 0 -> 5 / 4 <= qform 3 H (vsub w q)).
Proof. exact WitnessPivots.T25_plane_witness. Qed.

(** Nothing clips where the range of each column, on which rounding moves a number by at most r_j,
    exceeds the weight by the feedback that such errors can cause: the sum over k < j of r_k |V_kj|,
    V the inverse of U.  T2 then bounds the loss by the sum of d_j r_j^2. *)
Theorem T25_no_clip (n : nat) (U : mat) (w q : vec) (Q : nat -> R -> R) (low high r : vec) :
  unit_upper n U -> is_gptq n Q U w q ->
  (forall j x, (j < n)%nat -> low j <= x <= high j -> Rabs (x - Q j x) <= r j) ->
  (forall j, (j < n)%nat -> let room := bsum j (fun k => r k * Rabs (inv_upper n U k j)) in
    low j + room <= w j <= high j - room) ->
  forall j, (j < n)%nat ->
    low j <= comp U w q j <= high j /\ Rabs (comp U w q j - q j) <= r j.
Proof. exact (Pivots.T25_no_clip n U w q Q low high r). Qed.

(** Witness: the points -1, 0, 1 round by at most 1/2 up to 3/2; of this T5's factor can take 0, 1
    and 3/8, and the weights are 1/4 in magnitude.  Beyond 3/2 they round by more. *)
Lemma T25_no_clip_witness : let w := t5_w 0 1 in let q := t5_q 0 1 in
  let Q := WitnessDescent.three_points in
  let room j := bsum j (fun k => 1 / 2 * Rabs (inv_upper 3 t5_U k j)) in
  is_gptq 3 (every Q) t5_U w q /\
  (forall x, - (3 / 2) <= x <= 3 / 2 -> Rabs (x - Q x) <= 1 / 2) /\
  ~ (Rabs (2 - Q 2) <= 1 / 2) /\
  room 1%nat = 1 /\ room 2%nat = 3 / 8 /\
  (forall j, (j < 3)%nat -> - (3 / 2) + room j <= w j <= 3 / 2 - room j) /\
  (forall j, (j < 3)%nat -> - (3 / 2) <= comp t5_U w q j <= 3 / 2 /\
    Rabs (comp t5_U w q j - q j) <= 1 / 2).
Proof. exact WitnessPivots.T25_no_clip_witness. Qed.

(** [permutes n p]: p is an order of the columns.  Every order has the same product of pivots
    ([bprod n d]), which is the determinant, *)
Theorem T25_order_product (n : nat) (H U : mat) (d : vec) (p : nat -> nat) (U' : mat) (d' : vec) :
  udu n H U d -> (forall k, (k < n)%nat -> 0 < d k) ->
  permutes n p -> udu n (fun i j => H (p i) (p j)) U' d' -> (forall k, (k < n)%nat -> 0 < d' k) ->
  bprod n d' = bprod n d.
Proof. exact (PivotOrder.T25_order_product n H U d p U' d'). Qed.

(** so that none makes their sum, and with it the worst case of T2, smaller than n times the n-th
    root of that product. *)
Theorem T25_order_bound (n : nat) (H U : mat) (d : vec) (p : nat -> nat) (U' : mat) (d' : vec) :
  (0 < n)%nat -> udu n H U d -> (forall k, (k < n)%nat -> 0 < d k) ->
  permutes n p -> udu n (fun i j => H (p i) (p j)) U' d' -> (forall k, (k < n)%nat -> 0 < d' k) ->
  bprod n d <= (bsum n d' / INR n) ^ n.
Proof. exact (PivotOrder.T25_order_bound n H U d p U' d'). Qed.

(** Witness: T5's columns in reverse have the pivots 16/3, 12/5, 10 in place of 2, 2, 32: their
    product is 128 again, their sum 266/15 in place of 36, and no order has a sum of 15 or less. *)
Lemma T25_order_witness : let H := hess 0 (gram 3 t5_X) in
  let p := WitnessPivots.reverse in let U' := WitnessPivots.reverse_U in
  let d' := WitnessPivots.reverse_d in
  udu 3 H t5_U t5_d /\ permutes 3 p /\ udu 3 (fun i j => H (p i) (p j)) U' d' /\
  bsum 3 t5_d = 36 /\ bsum 3 d' = 266 / 15 /\
  bprod 3 t5_d = 128 /\ bprod 3 d' = bprod 3 t5_d /\
  (forall p U d, permutes 3 p -> udu 3 (fun i j => H (p i) (p j)) U d ->
    (forall k, (k < 3)%nat -> 0 < d k) -> 15 < bsum 3 d).
Proof. exact WitnessPivots.T25_order_witness. Qed.
