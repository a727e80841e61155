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

(** m for one token after the other; *)
Theorem T18_order_chain (T : Type) (A : arith T) (n m : nat) (X : nat -> nat -> T) :
  (forall a b, gram_float A m X a b = gram_tree A X (fun _ _ => chain_tree 0 m) a b)
  /\ sums_all n m m (fun _ _ => chain_tree 0 m).
Proof. exact (AnyOrder.order_chain T A n m X). Qed.

(** min(m, c) + ceil(m / c) - 1 for the order of the product: chunks of c tokens, each a chain, the
    sums of the chunks added one after the other, the last of which may have fewer tokens.  With
    c = 2^18 a Gram matrix of 2^24 tokens has 2^18 + 63 instead of 2^24.  Up to c tokens it is the
    chain. *)
Theorem T18_order_chunks (T : Type) (A : arith T) (n c m : nat) (X : nat -> nat -> T) :
  (0 < c)%nat ->
  sums_all n m (Nat.min m c + (m - 1) / c) (fun _ _ => in_chunks c m)
  /\ ((m <= c)%nat -> forall a b,
    gram_tree A X (fun _ _ => in_chunks c m) a b = gram_float A m X a b).
Proof. exact (AnyOrder.order_chunks T A n c m X). Qed.

(** What is added to p whole chunks is the sum of the next one, which whoever has its r tokens makes
    alone: however many make the sums, added in the order of the chunks they are the same numbers. *)
Theorem T18_order_next_chunk (T : Type) (A : arith T) (c p r : nat) (X : nat -> nat -> T)
    (a b : nat) : (0 < p)%nat -> (0 < r <= c)%nat ->
  gram_tree A X (fun _ _ => in_chunks c (p * c + r)) a b
  = a_add A (gram_tree A X (fun _ _ => in_chunks c (p * c)) a b)
      (gram_float A r (fun i t => X i (p * c + t)%nat) a b).
Proof. exact (AnyOrder.order_next_chunk T A c p r X a b). Qed.

(** So T11 (b) has the roundings of one chunk, and one for each further chunk. *)
Theorem T18_chunks (n m c : nat) (X : mat) (a b : nat) :
  binary32_entries n m X -> (0 < c)%nat -> (a < n)%nat -> (b < n)%nat ->
  Rabs (gram_tree real64 X (fun _ _ => in_chunks c m) a b - gram m X a b)
  <= gam (uro 53) (Nat.min m c + (m - 1) / c) * bsum m (fun t => Rabs (X a t) * Rabs (X b t)).
Proof. exact (AnyOrder.chunks_binary64 n m X c a b). Qed.

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

(** Witness: nine tokens in chunks of three, whose products in the entry 0, 1 are 1 and eight times
    2^-53.  The sum in chunks is exact, on IEEE data.  One token after the other none of the eight
    counts, and the sum is farther off than [T18_chunks] allows. *)
Lemma T18_chunks_witness :
  let X := fun i t => B2R 53 1024 (WitnessOrder.chunk_X i t) in
  let G := gram_tree (float_arith WitnessRun.nans64) WitnessOrder.chunk_X
    (fun _ _ => in_chunks 3 9) in
  let chain := gram_float (float_arith WitnessRun.nans64) 9 WitnessOrder.chunk_X in
  let size := bsum 9 (fun t => Rabs (X 0%nat t) * Rabs (X 1%nat t)) in
  binary32_entries 2 9 X /\ is_finite 53 1024 (G 0%nat 1%nat) = true
  /\ B2R 53 1024 (G 0%nat 1%nat) = gram 9 X 0 1 /\ gram 9 X 0 1 = 1 + / 1125899906842624
  /\ B2R 53 1024 (chain 0%nat 1%nat) = 1
  /\ gam (uro 53) (Nat.min 9 3 + (9 - 1) / 3) * size < Rabs (1 - gram 9 X 0 1).
Proof. exact WitnessOrder.witness_chunks. Qed.
