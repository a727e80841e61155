(** * The published theorems about the promise on activations: T18

    Purpose: the guard compares losses in a stored Gram matrix; what that says about the losses on
      the activations from which the matrix was summed, by this program or by others, in whatever
      order.  Headline.v explains the words used.
    Main results: the names that begin with T18.
    Depends on: Float/SummationTree, Float/AnyOrder, Float/WitnessOrder.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith Reals List Lra.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix Concrete.
From Hallmark.Float Require Import Arithmetic Gamma Recurrence GramError Residual Machine.
From Hallmark.Float Require Import SummationTree AnyOrder.
From Hallmark.Float Require WitnessRun WitnessOrder.
Import ListNotations.
Open Scope R_scope.

(** ** T18: any order of summation

    A sum over tokens in some order is a [summation]: nothing; one token added to a sum by one fma;
    two sums added.  [gram_tree A X S] sums x_at x_bt over the tokens t in the order S a b, its own
    for each entry.  [sums_all n m k S]: each of the m tokens occurs once, and goes through at most
    k roundings.  An entry is then off by what k roundings cost, whatever m is, when no product
    underflows, *)
Theorem T18_entry (emin prec e : Z) (precision : Prec_gt_0 prec) (n m k : nat) (X : mat)
    (S : nat -> nat -> summation) (a b : nat) :
  (emin <= e + e)%Z ->
  (forall i t, (i < n)%nat -> (t < m)%nat -> exists z, X i t = IZR z * bpow radix2 e) ->
  sums_all n m k S -> (a < n)%nat -> (b < n)%nat ->
  Rabs (gram_tree (real_arith emin prec) X S a b - gram m X a b)
  <= gam (uro prec) k * bsum m (fun t => Rabs (X a t) * Rabs (X b t)).
Proof.
exact (fun above grid order =>
  AnyOrder.any_order_entry emin prec e above n m k X S grid order a b).
Qed.

(** and codes that lose no more in G lose hardly more on the activations; in any format, with
    c = (1 + u)^k - 1 and B(v) = sum_i |v_i| sqrt(G_ii), *)
Theorem T18_activations_any_format (emin prec e : Z) (precision : Prec_gt_0 prec) (n m k : nat)
    (X : mat) (S : nat -> nat -> summation) (q r : vec) :
  let G := gram_tree (real_arith emin prec) X S in
  let B := fun v => bsum n (fun i => Rabs (v i) * sqrt (G i i)) in
  let c := gam (uro prec) k in
  (emin <= e + e)%Z ->
  (forall i t, (i < n)%nat -> (t < m)%nat -> exists z, X i t = IZR z * bpow radix2 e) ->
  sums_all n m k S -> c < 1 ->
  qform n G q <= qform n G r ->
  loss n m X q <= loss n m X r + c / (1 - c) * (B q ^ 2 + B r ^ 2).
Proof.
exact (fun above grid order small =>
  AnyOrder.any_order_kept emin prec e above n m k X S grid order small q r).
Qed.

(** in binary64 from activations in binary32, for at most 2^24 roundings, *)
Theorem T18_activations (n m k : nat) (X : mat) (S : nat -> nat -> summation) (q r : vec) :
  let G := gram_tree real64 X S in
  let B := fun v => bsum n (fun i => Rabs (v i) * sqrt (G i i)) in
  binary32_entries n m X -> sums_all n m k S -> (Z.of_nat k <= 2 ^ 24)%Z ->
  qform n G q <= qform n G r ->
  loss n m X q <= loss n m X r + (INR k + 1) * bpow radix2 (-53) * (B q ^ 2 + B r ^ 2).
Proof.
exact (fun entries order few => AnyOrder.kept_binary64 n m k X S entries order few q r).
Qed.

(** and for the numbers that are stored, when all are finite. *)
Theorem T18_activations_ieee (nans64 : nan_choice 53 1024) (n m k : nat)
    (X : nat -> nat -> bin64) (S : nat -> nat -> summation) (G : nat -> nat -> bin64) (q r : vec) :
  let value := B2R 53 1024 in
  let rX := fun i t => value (X i t) in let rG := fun i j => value (G i j) in
  let B := fun v => bsum n (fun i => Rabs (v i) * sqrt (rG i i)) in
  (forall i j, (i < n)%nat -> (j < n)%nat ->
    G i j = gram_tree (float_arith nans64) X S i j /\ is_finite 53 1024 (G i j) = true) ->
  binary32_entries n m rX -> sums_all n m k S -> (Z.of_nat k <= 2 ^ 24)%Z ->
  qform n rG q <= qform n rG r ->
  loss n m rX q <= loss n m rX r + (INR k + 1) * bpow radix2 (-53) * (B q ^ 2 + B r ^ 2).
Proof. exact (AnyOrder.kept_ieee nans64 n m k X S G q r). Qed.

(** The stored matrix itself satisfies the inequality of Cauchy and Schwarz up to rounding. *)
Theorem T18_gram_bound (n m k : nat) (X : mat) (S : nat -> nat -> summation) (a b : nat) :
  let G := gram_tree real64 X S in
  binary32_entries n m X -> sums_all n m k S -> (Z.of_nat k <= 2 ^ 24)%Z ->
  (a < n)%nat -> (b < n)%nat ->
  Rabs (G a b)
  <= (1 + 2 * ((INR k + 1) * bpow radix2 (-53))) * (sqrt (G a a) * sqrt (G b b)).
Proof.
exact (fun entries order few => AnyOrder.gram_bound_binary64 n m k X S entries order few a b).
Qed.

(** How many roundings: never more than tokens, where no empty part is merged; *)
Theorem T18_roundings (m : nat) (s : summation) :
  sums_tokens m s -> no_empty_part s -> (roundings s <= m)%nat.
Proof. exact (SummationTree.roundings_sums m s). Qed.

(** m for the order of the product, one token after the other; *)
Theorem T18_order_chain (T : Type) (A : arith T) (n m : nat) (X : nat -> nat -> T) :
  (forall a b, gram_float A m X a b = gram_tree A X (fun _ _ => chain_tree 0 m) a b)
  /\ sums_all n m m (fun _ _ => chain_tree 0 m).
Proof. exact (AnyOrder.order_chain T A n m X). Qed.

(** b + p - 1 for p blocks of b tokens, each summed by itself and then added one after the other: of
    2^24 tokens in 4,096 blocks 8,191 instead of 2^24. *)
Theorem T18_order_two_level (n b p : nat) : (0 < p)%nat ->
  sums_all n (p * b) (b + (p - 1)) (fun _ _ => two_level b p).
Proof. exact (AnyOrder.order_two_level n b p). Qed.

(** Witness: two columns, tokens (1, 1) and (2^-27, 3 2^-27), each summed by itself, the two
    merged, on IEEE data; *)
Lemma T18_order_witness :
  let G := WitnessOrder.order_G in let S := WitnessOrder.order_S in
  (forall i j, (i < 2)%nat -> (j < 2)%nat ->
    G i j = gram_tree (float_arith WitnessRun.nans64) WitnessOrder.order_X S i j
    /\ is_finite 53 1024 (G i j) = true)
  /\ binary32_entries 2 2 (fun i t => B2R 53 1024 (WitnessOrder.order_X i t))
  /\ sums_all 2 2 2 S /\ no_empty_part (S 0%nat 0%nat).
Proof. exact WitnessOrder.witness_order. Qed.

(** the slack is needed: (1, -1) loses no more in G than 0 does, and 2^-52 on the tokens; the slack
    is below 2^-49. *)
Lemma T18_activations_witness :
  let X := fun i t => B2R 53 1024 (WitnessOrder.order_X i t) in
  let G := fun i j => B2R 53 1024 (WitnessOrder.order_G i j) in
  let q := entries [1; -1] in let r := entries [0; 0] in
  let slack := order_slack 2
    * (weighted_size 2 (root_diagonal G) q ^ 2 + weighted_size 2 (root_diagonal G) r ^ 2) in
  qform 2 G q <= qform 2 G r
  /\ loss 2 2 X q = / 4503599627370496 /\ loss 2 2 X r = 0
  /\ loss 2 2 X q <= loss 2 2 X r + slack /\ slack < / 562949953421312.
Proof. exact WitnessOrder.witness_kept. Qed.

(** So it is in [T18_gram_bound]: that G violates the inequality of Cauchy and Schwarz. *)
Lemma T18_gram_bound_witness :
  let G := fun i j => B2R 53 1024 (WitnessOrder.order_G i j) in
  sqrt (G 0%nat 0%nat) * sqrt (G 1%nat 1%nat) < Rabs (G 0%nat 1%nat)
  <= (1 + 2 * order_slack 2) * (sqrt (G 0%nat 0%nat) * sqrt (G 1%nat 1%nat))
  /\ 2 * order_slack 2 <= / 1125899906842624.
Proof. exact WitnessOrder.witness_gram_bound. Qed.
