(** * The published theorems about what is quantized, and for what: T23, T24, T26, T27, T28

    Purpose: the target that is rounded (T23), the basis of the columns (T24), the average over
      rows for every feedback (T26), bits as a part of the cost (T27), a correction of low rank
      (T28).  Headline.v explains the words used.
    Main results: the names that begin with T23, T24, T26, T27 and T28.
    Depends on: the theorem files and witness files of Gptq, Float/RotatedDecode and its witness
      file, Format/IntegerGrid.
    Source: each proof names the lemma that does it. *)
From Coq Require Import Reals ZArith List.
From Flocq Require Import Core.
From Hallmark.Format Require Import IntegerGrid.
From Hallmark.Gptq Require Import Sums Matrix Triangular Quantizer Gptq Guard Concrete.
From Hallmark.Gptq Require Import Average Counterexample.
From Hallmark.Gptq Require Import Target Rotation AverageFeedback Rate LowRank LowRankBest.
From Hallmark.Gptq Require WitnessTheorems WitnessTargets.
From Hallmark.Float Require Import Arithmetic RotatedDecode.
From Hallmark.Float Require WitnessRotation.
Import ListNotations.
Open Scope R_scope.

(** ** T23: the asymmetric target

    The float layer sees X, the quantized one X~ ([Y] below); [asymmetric_loss n m X Y w q] is
    |w X - q X~|^2, [cross_gram m X Y] is C = X X~^T, and H is X~ X~^T, a plain Gram matrix here.
    For every row w* with w* H = w C and every q the loss is a constant and the plain loss of q
    against w* in H; *)
Theorem T23_target (n m : nat) (X Y : mat) (w t : vec) :
  (forall j, (j < n)%nat -> vmul n t (gram m Y) j = vmul n w (cross_gram m X Y) j) ->
  forall q, asymmetric_loss n m X Y w q
  = qform n (gram m X) w - qform n (gram m Y) t + qform n (gram m Y) (vsub t q).
Proof. exact (Target.T23_target n m X Y w t). Qed.

(** such a row is w* = w C H^-1, where H has an inverse; *)
Theorem T23_inverse (n m : nat) (X Y Hinv : mat) (w q : vec) : inv_pair n Hinv (gram m Y) ->
  let t := vmul n (vmul n w (cross_gram m X Y)) Hinv in
  asymmetric_loss n m X Y w q
  = qform n (gram m X) w - qform n (gram m Y) t + qform n (gram m Y) (vsub t q).
Proof. exact (Target.T23_inverse n m X Y Hinv w q). Qed.

(** the constant is what w* itself loses, which is the least that any row loses; *)
Theorem T23_pythagoras (n m : nat) (X Y : mat) (w t : vec) :
  (forall j, (j < n)%nat -> vmul n t (gram m Y) j = vmul n w (cross_gram m X Y) j) ->
  forall q, asymmetric_loss n m X Y w q
  = asymmetric_loss n m X Y w t + qform n (gram m Y) (vsub t q).
Proof. exact (Target.T23_pythagoras n m X Y w t). Qed.

(** so the factor of H, the recursion started at w* and T1 apply. *)
Theorem T23_gptq (n m : nat) (X Y : mat) (w t : vec) :
  (forall j, (j < n)%nat -> vmul n t (gram m Y) j = vmul n w (cross_gram m X Y) j) ->
  forall (U : mat) (d q : vec), udu n (gram m Y) U d -> asymmetric_loss n m X Y w q
  = asymmetric_loss n m X Y w t + bsum n (fun j => d j * (comp U t q j - q j) ^ 2).
Proof. exact (Target.T23_gptq n m X Y w t). Qed.

(** Damping: w* (2 H + lam I) = w (2 C + lam I) makes codes stay near w too. *)
Theorem T23_damped (n m : nat) (X Y : mat) (lam : R) (w t q : vec) :
  (forall j, (j < n)%nat ->
    vmul n t (hess lam (gram m Y)) j = vmul n w (hess lam (cross_gram m X Y)) j) ->
  2 * asymmetric_loss n m X Y w q + lam * bsum n (fun j => (w j - q j) ^ 2)
  = qform n (hess lam (gram m X)) w - qform n (hess lam (gram m Y)) t
    + qform n (hess lam (gram m Y)) (vsub t q).
Proof. exact (Target.T23_damped n m X Y lam w t q). Qed.

(** A computed target is not exact.  With any row t in its place what is missing is linear in t - q,
    with the residual rho = w C - t H ([target_residual n C H w t]), which a program can compute; *)
Theorem T23_inexact (n m : nat) (X Y : mat) (w t q : vec) :
  let C := cross_gram m X Y in let H := gram m Y in
  let rho := target_residual n C H w t in
  asymmetric_loss n m X Y w q
  = asymmetric_loss n m X Y w t + qform n H (vsub t q) + 2 * bsum n (fun j => rho j * vsub t q j).
Proof. exact (Target.T23_inexact n m X Y w t q). Qed.

(** so a comparison against t carries over up to 2 sum |rho_j| |q_j - r_j|. *)
Theorem T23_comparison (n m : nat) (X Y : mat) (w t q r : vec) :
  let H := gram m Y in let rho := target_residual n (cross_gram m X Y) H w t in
  qform n H (vsub t q) <= qform n H (vsub t r) ->
  asymmetric_loss n m X Y w q
  <= asymmetric_loss n m X Y w r + 2 * bsum n (fun j => Rabs (rho j) * Rabs (q j - r j)).
Proof. exact (Target.T23_comparison n m X Y w t q r). Qed.

(** Witness: four tokens, w = (4/5, 1, -1/10), w* = (-1/5, -1/10, 2) and the constant 1.  GPTQ on
    the target loses 87/50 = 1 + 37/50, GPTQ on the row 117/50, round-to-nearest 327/50. *)
Lemma T23_witness : let Q := every (rne 1) in let H := gram 4 WitnessTargets.seen_X in
  let X := WitnessTargets.float_X in let Y := WitnessTargets.seen_X in
  let w := WitnessTargets.float_w in let t := WitnessTargets.target_w in
  let U := WitnessTargets.seen_U in let lost q := asymmetric_loss 3 4 X Y w (entries q) in
  udu 3 H U WitnessTargets.seen_d /\
  (forall j, (j < 3)%nat -> vmul 3 t H j = vmul 3 w (cross_gram 4 X Y) j) /\
  asymmetric_loss 3 4 X Y w t = 1 /\ qform 3 (gram 4 X) w - qform 3 H t = 1 /\
  is_gptq 3 Q U t (entries [0; 0; 1]) /\ is_gptq 3 Q U w (entries [1; 1; -1]) /\
  qform 3 H (vsub t (entries [0; 0; 1])) = 37 / 50 /\
  lost [0; 0; 1] = 87 / 50 /\ lost [1; 1; -1] = 117 / 50 /\ lost [1; 1; 0] = 327 / 50.
Proof. exact WitnessTargets.T23_witness. Qed.

(** Witness of the damped form: one column, lam = 2, 2 = 2/5 + 8/5. *)
Lemma T23_damped_witness : let X := rows [[1]] in let Y := rows [[2]] in
  let w := entries [1] in let t := entries [3 / 5] in let q := entries [1] in
  (forall j, (j < 1)%nat ->
    vmul 1 t (hess 2 (gram 1 Y)) j = vmul 1 w (hess 2 (cross_gram 1 X Y)) j) /\
  2 * asymmetric_loss 1 1 X Y w q + 2 * bsum 1 (fun j => (w j - q j) ^ 2) = 2 /\
  qform 1 (hess 2 (gram 1 X)) w - qform 1 (hess 2 (gram 1 Y)) t = 2 / 5 /\
  qform 1 (hess 2 (gram 1 Y)) (vsub t q) = 8 / 5.
Proof. exact WitnessTargets.T23_damped_witness. Qed.

(** Witness: against (0, 0, 2) in place of the target the codes (0, 0, 2) lose nothing and (0, 0, 1)
    lose 3; on the tokens the second lose less, by 1/5, of the 16/5 that the bound allows. *)
Lemma T23_inexact_witness : let H := gram 4 WitnessTargets.seen_X in
  let X := WitnessTargets.float_X in let Y := WitnessTargets.seen_X in
  let w := WitnessTargets.float_w in
  let t := entries [0; 0; 2] in let q := entries [0; 0; 2] in let r := entries [0; 0; 1] in
  let rho := target_residual 3 (cross_gram 4 X Y) H w t in
  let lost q := asymmetric_loss 3 4 X Y w q in
  rho 0%nat = -(49 / 10) /\ rho 1%nat = 2 / 5 /\ rho 2%nat = -(8 / 5) /\
  qform 3 H (vsub t q) = 0 /\ qform 3 H (vsub t r) = 3 /\
  lost q = 97 / 50 /\ lost r = 87 / 50 /\
  lost q <= lost r + 2 * bsum 3 (fun j => Rabs (rho j) * Rabs (q j - r j)) /\
  2 * bsum 3 (fun j => Rabs (rho j) * Rabs (q j - r j)) = 16 / 5.
Proof. exact WitnessTargets.T23_inexact_witness. Qed.

(** ** T24: rotation

    [rotation n sigma] is R = blockdiag(H_16 diag(sigma)) / 4 over n columns, with signs sigma and
    Sylvester's Hadamard matrix [sylvester 4] of order 16; columns beyond the last whole block of 16
    stay.  Sylvester's matrix of order 2^k satisfies H H^T = 2^k I ([zsum] is a sum of integers); *)
Theorem T24_hadamard (k i j : nat) : (i < 2 ^ k)%nat -> (j < 2 ^ k)%nat ->
  zsum (2 ^ k) (fun t => sylvester k i t * sylvester k j t)%Z
  = if (i =? j)%nat then (2 ^ Z.of_nat k)%Z else 0%Z.
Proof. exact (Rotation.sylvester_gram k i j). Qed.

(** the integers [rotation_numerator n sigma] = 4 R satisfy 4 R (4 R)^T = (4 R)^T 4 R = 16 I; *)
Theorem T24_integers (n : nat) (sigma : nat -> Z) :
  (forall j, (j < n)%nat -> sigma j = 1%Z \/ sigma j = (-1)%Z) ->
  forall i j, (i < n)%nat -> (j < n)%nat ->
  zsum n (fun k => rotation_numerator n sigma i k * rotation_numerator n sigma j k)%Z
  = (if (i =? j)%nat then 16%Z else 0%Z) /\
  zsum n (fun k => rotation_numerator n sigma k i * rotation_numerator n sigma k j)%Z
  = (if (i =? j)%nat then 16%Z else 0%Z).
Proof.
exact (fun signs i j ibelow jbelow =>
  conj (Rotation.rotation_rows n sigma signs i j ibelow jbelow)
       (Rotation.rotation_columns n sigma signs i j ibelow jbelow)).
Qed.

(** so R R^T = I and R^T R = I, exactly. *)
Theorem T24_orthogonal (n : nat) (sigma : nat -> Z) :
  (forall j, (j < n)%nat -> sigma j = 1%Z \/ sigma j = (-1)%Z) ->
  let R := rotation n sigma in
  inv_pair n R (fun i j => R j i) /\ inv_pair n (fun i j => R j i) R.
Proof. exact (Rotation.T24_orthogonal n sigma). Qed.

(** [vmv n R G] is R G R^T.  For any matrix R, orthogonal or not, the loss of v in it is the loss of
    v R in G, whatever G. *)
Theorem T24_loss_any (n : nat) (R G : mat) (v : vec) :
  qform n (vmv n R G) v = qform n G (vmul n v R).
Proof. exact (Rotation.T24_loss_any n R G v). Qed.

(** Where R^T R = I, an error e loses in the new basis what it loses in the old one, *)
Theorem T24_loss (n : nat) (R G : mat) (e : vec) : inv_pair n (fun i j => R j i) R ->
  qform n (vmv n R G) (vmul n e (fun i j => R j i)) = qform n G e.
Proof. exact (Rotation.T24_loss n R G e). Qed.

(** and any numbers c, put for w R^T, lose what c R, put for w, loses in G: methods that look for
    codes in the new basis minimise the loss by which they are judged. *)
Theorem T24_codes (n : nat) (R G : mat) (w c : vec) : inv_pair n (fun i j => R j i) R ->
  qform n (vmv n R G) (vsub (vmul n w (fun i j => R j i)) c) = qform n G (vsub w (vmul n c R)).
Proof. exact (Rotation.T24_codes n R G w c). Qed.

(** Witness: 17 columns, the last one beyond the block; the row (4, 0, ..., 0) becomes (1, ..., 1),
    which lies on a grid that does not reach 4; with one of these ones rounded to 0 the loss is
    1/16 in either basis. *)
Lemma T24_rotation_witness : let R := rotation 17 WitnessRotation.seventeen_sigma in
  let w := entries [4] in let G := gram 1 (rows [[1]]) in
  let c : vec := fun j => if (j <? 15)%nat then 1 else 0 in
  R 0%nat 0%nat = 1 / 4 /\ R 2%nat 3%nat = 1 / 4 /\ R 3%nat 2%nat = - (1 / 4) /\
  R 16%nat 16%nat = 1 /\ R 16%nat 0%nat = 0 /\
  inv_pair 17 R (fun i j => R j i) /\ inv_pair 17 (fun i j => R j i) R /\
  (forall j, (j < 16)%nat -> vmul 17 w (fun i j => R j i) j = 1) /\
  qform 17 (vmv 17 R G) (vsub (vmul 17 w (fun i j => R j i)) c) = 1 / 16 /\
  qform 17 G (vsub w (vmul 17 c R)) = 1 / 16.
Proof. exact WitnessRotation.T24_rotation_witness. Qed.

(** Codes decode exactly.  [exact32 x] says that x is a finite number of binary32.  The scale is
    m 2^low with |m| < 2^p in the block of column j, the levels are integers g_i times 2^u with
    16 |g_i| <= 2^b.  Where p + b <= 24, -147 <= low + u and low + u + p + b <= 130, the decoded
    weight, entry j of (s g 2^u) R, is a number of binary32; *)
Theorem T24_decode (n : nat) (sigma g : nat -> Z) (s : vec) (j : nat) (m low u p b : Z) :
  (j < n)%nat -> (forall i, (i < n)%nat -> sigma i = 1%Z \/ sigma i = (-1)%Z) ->
  (forall i, (i < n)%nat -> (i / 16 = j / 16)%nat -> s i = IZR m * bpow radix2 low) ->
  (0 <= p)%Z -> (0 <= b)%Z -> (Z.abs m < 2 ^ p)%Z ->
  (forall i, (i < n)%nat -> (16 * Z.abs (g i) <= 2 ^ b)%Z) ->
  (p + b <= 24)%Z -> (-147 <= low + u)%Z -> (low + u + p + b <= 130)%Z ->
  exact32 (vmul n (fun i => s i * (IZR (g i) * bpow radix2 u)) (rotation n sigma) j).
Proof. exact (RotatedDecode.T24_decode n sigma g s j m low u p b). Qed.

(** and so is, in nearly the same range, every sum of numbers of one whole block with factors -1, 0
    and 1, which is what additions in any order pass through; m = 1 and low = 0 speak of the levels
    without their scale. *)
Theorem T24_partial_sum (n : nat) (g : nat -> Z) (s : vec) (j : nat) (m low u p b : Z)
    (tau : nat -> Z) :
  (forall i, (i < n)%nat -> (i / 16 = j / 16)%nat -> s i = IZR m * bpow radix2 low) ->
  (0 <= p)%Z -> (0 <= b)%Z -> (Z.abs m < 2 ^ p)%Z ->
  (forall i, (i < n)%nat -> (16 * Z.abs (g i) <= 2 ^ b)%Z) ->
  (p + b <= 24)%Z -> (-149 <= low + u)%Z -> (low + u + p + b <= 128)%Z ->
  (j / 16 < n / 16)%nat -> (forall i, (i < n)%nat -> (Z.abs (tau i) <= 1)%Z) ->
  (forall i, (i < n)%nat -> (i / 16 <> j / 16)%nat -> tau i = 0%Z) ->
  exact32 (bsum n (fun i => s i * (IZR (g i) * bpow radix2 u) * IZR (tau i))).
Proof.
exact (RotatedDecode.T24_partial_sum n g s j m low u p b tau).
Qed.

(** A scale of 11 significant bits, |s| from 2^-137 up and below 2^117, and levels up to 511 are
    enough; the integers of 8 bits and fewer and tables of 7-bit integers are such levels. *)
Theorem T24_decode_short (n : nat) (sigma g : nat -> Z) (s : vec) (scale : R) (j : nat) :
  (j < n)%nat -> (forall i, (i < n)%nat -> sigma i = 1%Z \/ sigma i = (-1)%Z) ->
  (forall i, (i < n)%nat -> (i / 16 = j / 16)%nat -> s i = scale) ->
  generic_format radix2 (FLX_exp 11) scale ->
  bpow radix2 (-137) <= Rabs scale < bpow radix2 117 ->
  (forall i, (i < n)%nat -> (Z.abs (g i) <= 511)%Z) ->
  exact32 (vmul n (fun i => s i * IZR (g i)) (rotation n sigma) j).
Proof. exact (RotatedDecode.T24_decode_short n sigma g s scale j). Qed.

(** Witness: levels 127 and the scales 2047 2^-147 and 2047 2^106 make the decoded weights
    2047 508 2^-147 and 2047 508 2^106; with a scale of 24 bits three levels of 1 are too many. *)
Lemma T24_decode_witness : let R := rotation 17 WitnessRotation.seventeen_sigma in
  let decoded low := vmul 17 (fun _ => IZR 2047 * bpow radix2 low * IZR 127) R 0 in
  decoded (-147)%Z = IZR 1039876 * bpow radix2 (-147) /\ exact32 (decoded (-147)%Z) /\
  decoded 106%Z = IZR 1039876 * bpow radix2 106 /\ exact32 (decoded 106%Z) /\
  ~ in_format (-149) 24 (vmul 17 (fun i => if (i <? 3)%nat then IZR (2 ^ 24 - 1) else 0) R 0).
Proof. exact WitnessRotation.T24_decode_witness. Qed.

(** ** T26: the average, for every sequential method

    [is_sequential n Q phi w q] says q_j = Q j (w_j + phi j w), and [causal n phi] that phi j w
    depends on the weights before column j alone: whatever is added to a weight before it is rounded
    to the multiples of s, the mean over the points of T16 is at least s^2/12 (1 - 1/K^2)
    sum d_j, *)
Theorem T26_sequential (n : nat) (H U : mat) (d : vec) (Q : nat -> R -> R) (s : R) (w0 : vec)
    (K : nat) (phi : nat -> vec -> R) (q : nat -> vec) :
  udu n H U d -> nonneg n d -> (0 < K)%nat -> 0 < s ->
  (forall j, (j < n)%nat -> nearest_multiple s (Q j)) -> causal n phi ->
  (forall p, (p < K ^ n)%nat -> is_sequential n Q phi (grid_point (fun _ => s) w0 K p) (q p)) ->
  s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d
  <= box_mean K n (fun p => qform n H (vsub (grid_point (fun _ => s) w0 K p) (q p))).
Proof. exact (AverageFeedback.T26_sequential n H U d Q s w0 K phi q). Qed.

(** linear feedback with any matrix F, of which U is the one of GPTQ, among them; *)
Theorem T26_feedback (n : nat) (H U : mat) (d : vec) (F : mat) (Q : nat -> R -> R) (s : R)
    (w0 : vec) (K : nat) (q : nat -> vec) :
  udu n H U d -> nonneg n d -> (0 < K)%nat -> 0 < s ->
  (forall j, (j < n)%nat -> nearest_multiple s (Q j)) ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q F (grid_point (fun _ => s) w0 K p) (q p)) ->
  s ^ 2 / 12 * (1 - / INR K ^ 2) * bsum n d
  <= box_mean K n (fun p => qform n H (vsub (grid_point (fun _ => s) w0 K p) (q p))).
Proof. exact (AverageFeedback.T26_feedback n H U d F Q s w0 K q). Qed.

(** so none has a mean below (K^2 - 1)/(K^2 + 2) times GPTQ's, which tends to 1 as the points fill
    the box. *)
Theorem T26_optimality (n : nat) (H U : mat) (d : vec) (Q : nat -> R -> R) (s : R) (w0 : vec)
    (K : nat) (phi : nat -> vec -> R) (q q' : nat -> vec) :
  udu n H U d -> nonneg n d -> (0 < K)%nat -> 0 < s ->
  (forall j, (j < n)%nat -> nearest_multiple s (Q j)) -> causal n phi ->
  (forall p, (p < K ^ n)%nat -> is_gptq n Q U (grid_point (fun _ => s) w0 K p) (q p)) ->
  (forall p, (p < K ^ n)%nat -> is_sequential n Q phi (grid_point (fun _ => s) w0 K p) (q' p)) ->
  (INR K ^ 2 - 1) * box_mean K n (fun p => qform n H (vsub (grid_point (fun _ => s) w0 K p) (q p)))
  <= (INR K ^ 2 + 2)
     * box_mean K n (fun p => qform n H (vsub (grid_point (fun _ => s) w0 K p) (q' p))).
Proof. exact (AverageFeedback.T26_optimality n H U d Q s w0 K phi q q'). Qed.

(** That GPTQ's mean is the least for every K is false: with K = 2, for every tie rule, the feedback
    with F_01 = 1 has the mean 43/16 where GPTQ has 47/16. *)
Theorem T26_least_is_false (Q : R -> R) : near_int Q ->
  let H := hess 0 (gram 3 t5_X) in let F := rows [[1; 1; 0]; [0; 1; 0]; [0; 0; 1]] in
  let point := grid_point (fun _ => 1) (entries [-(1 / 2); -(3 / 8); 0]) 2 in
  unit_upper 3 F /\ exists q q',
  (forall p, (p < 2 ^ 3)%nat -> is_gptq 3 (every Q) t5_U (point p) (q p)) /\
  (forall p, (p < 2 ^ 3)%nat -> is_gptq 3 (every Q) F (point p) (q' p)) /\
  box_mean 2 3 (fun p => qform 3 H (vsub (point p) (q p))) = 47 / 16 /\
  box_mean 2 3 (fun p => qform 3 H (vsub (point p) (q' p))) = 43 / 16.
Proof. exact (WitnessTargets.T26_least_is_false Q). Qed.

(** Witness: on T5's data with four points per column a linear feedback that is not GPTQ's and one
    that adds the square of the first weight lose 45/16 at least, GPTQ 27/8 at most. *)
Lemma T26_witness : let Q := every (rne 1) in let H := hess 0 (gram 3 t5_X) in
  let point := grid_point (fun _ => 1) (fun _ => 0) 4 in
  let mean q := box_mean 4 3 (fun p => qform 3 H (vsub (point p) (q p))) in
  let phi := WitnessTargets.square_phi in causal 3 phi /\
  45 / 16 <= mean (fun p => gptq_upto 3 Q WitnessTheorems.other_F (point p)) /\
  45 / 16 <= mean (fun p j => rne 1 (point p j + phi j (point p))) /\
  mean (fun p => gptq_upto 3 Q t5_U (point p)) <= 27 / 8.
Proof. exact WitnessTargets.T26_witness. Qed.

(** ** T27: loss and bits together

    [bits j q y] is what the code y costs in bits in column j after the codes q, any numbers;
    [step_cost U d mu bits w q j y] is d_j (u_j - y)^2 + mu bits j q y.  Of any codes these costs
    sum to the loss and mu times all bits, exactly. *)
Theorem T27_identity (n : nat) (H U : mat) (d : vec) (mu : R) (bits : nat -> vec -> R -> R)
    (w q : vec) : udu n H U d ->
  bsum n (fun j => step_cost U d mu bits w q j (q j))
  = qform n H (vsub w q) + mu * bsum n (fun j => bits j q (q j)).
Proof. exact (Rate.T27_identity n H U d mu bits w q). Qed.

(** [is_greedy n grid U d mu bits w q] says that each q_j is a point of the grid of its column that
    costs least.  Codes that agree with such ones before a column pay no less in it, *)
Theorem T27_stepwise (n : nat) (grid : nat -> R -> Prop) (U : mat) (d : vec) (mu : R)
    (bits : nat -> vec -> R -> R) (w q q' : vec) (j : nat) : is_greedy n grid U d mu bits w q ->
  (j < n)%nat -> (forall k, (k < j)%nat -> q' k = q k) -> grid j (q' j) ->
  (forall y, bits j q' y = bits j q y) ->
  step_cost U d mu bits w q j (q j) <= step_cost U d mu bits w q' j (q' j).
Proof. exact (Rate.T27_stepwise n grid U d mu bits w q q' j). Qed.

(** so loss and bits together are no more than what any rounding onto the grids would pay at the
    same compensated weights. *)
Theorem T27_bound (n : nat) (H : mat) (grid : nat -> R -> Prop) (U : mat) (d : vec) (mu : R)
    (bits : nat -> vec -> R -> R) (w q : vec) (Q : nat -> R -> R) : udu n H U d ->
  is_greedy n grid U d mu bits w q -> (forall j, (j < n)%nat -> grid j (Q j (comp U w q j))) ->
  qform n H (vsub w q) + mu * bsum n (fun j => bits j q (q j))
  <= bsum n (fun j => d j * (comp U w q j - Q j (comp U w q j)) ^ 2)
     + mu * bsum n (fun j => bits j q (Q j (comp U w q j))).
Proof. exact (Rate.T27_bound n H grid U d mu bits w q Q). Qed.

(** With mu = 0 GPTQ's codes are greedy ([nearest_on grid Q]: Q rounds to a nearest point of the
    grid), and where pivots are positive greedy codes are GPTQ's, with one of the tie rules. *)
Theorem T27_gptq_is_greedy (n : nat) (grid : nat -> R -> Prop) (U : mat) (d : vec)
    (bits : nat -> vec -> R -> R) (w q : vec) (Q : nat -> R -> R) : nonneg n d ->
  (forall j, (j < n)%nat -> nearest_on (grid j) (Q j)) -> is_gptq n Q U w q ->
  is_greedy n grid U d 0 bits w q.
Proof. exact (Rate.T27_gptq_is_greedy n grid U d bits w q Q). Qed.

Theorem T27_greedy_is_gptq (n : nat) (grid : nat -> R -> Prop) (U : mat) (d : vec)
    (bits : nat -> vec -> R -> R) (w q : vec) (Q : nat -> R -> R) :
  (forall j, (j < n)%nat -> 0 < d j) ->
  (forall j, (j < n)%nat -> nearest_on (grid j) (Q j)) -> is_greedy n grid U d 0 bits w q ->
  exists Q', (forall j, (j < n)%nat -> nearest_on (grid j) (Q' j)) /\ is_gptq n Q' U w q.
Proof. exact (Rate.T27_greedy_is_gptq n grid U d bits w q Q). Qed.

(** Witness: one bit for 0 and three for everything else.  With mu = 1 the greedy codes (0, 0, 2)
    lose 19/100 and take 5 bits; GPTQ's (1, 1, -1), greedy for mu = 0, lose 59/100 and take 9. *)
Lemma T27_witness : let H := gram 4 WitnessTargets.seen_X in
  let U := WitnessTargets.seen_U in let d := WitnessTargets.seen_d in
  let w := WitnessTargets.float_w in let bits := WitnessTargets.flag_bits in
  let grid := WitnessTargets.integer_grid in
  let greedy := entries [0; 0; 2] in let plain := entries [1; 1; -1] in
  let cost mu q := bsum 3 (fun j => step_cost U d mu bits w q j (q j)) in
  udu 3 H U d /\ is_greedy 3 grid U d 1 bits w greedy /\ is_greedy 3 grid U d 0 bits w plain /\
  is_gptq 3 (every (rne 1)) U w plain /\
  qform 3 H (vsub w greedy) = 19 / 100 /\ cost 1 greedy = 519 / 100 /\
  qform 3 H (vsub w plain) = 59 / 100 /\ cost 1 plain = 959 / 100.
Proof. exact WitnessTargets.T27_witness. Qed.

(** ** T28: a correction of low rank

    [mmul r A B] is A B with r inner indices, [matrix_qform p n H E] the sum of the losses of the
    rows of E.  What is stored for W is Q + A B; T1 gives its loss, for any A and B, however they
    were found and rounded. *)
Theorem T28_identity (p n r : nat) (H U : mat) (d : vec) (W Q A B : mat) : udu n H U d ->
  let stored : mat := fun i j => Q i j + mmul r A B i j in
  matrix_qform p n H (fun i => vsub (W i) (stored i))
  = bsum p (fun i => bsum n (fun j => d j * (comp U (W i) (stored i) j - stored i j) ^ 2)).
Proof. exact (LowRank.T28_identity p n r H U d W Q A B). Qed.

(** [singular p n r U d E P s V] says E U D^(1/2) = P diag(s) V^T, r columns in P and in V, both
    orthonormal; [correction p n k U d P s V A B] says A = P_k diag(s)_k and B U D^(1/2) = V_k^T,
    the first k of them.  Then the loss of E - A B is the sum of the squares of the other singular
    values, *)
Theorem T28_residual (p n k r : nat) (H U : mat) (d : vec) (E P : mat) (s : vec) (V A B : mat) :
  udu n H U d -> nonneg n d ->
  singular p n (k + r) U d E P s V -> correction p n k U d P s V A B ->
  matrix_qform p n H (fun i => vsub (E i) (mmul k A B i)) = bsum r (fun l => s (k + l)%nat ^ 2).
Proof. exact (LowRank.T28_residual p n k r H U d E P s V A B). Qed.

(** and the correction takes away the squares of the first k. *)
Theorem T28_gain (p n k r : nat) (H U : mat) (d : vec) (E P : mat) (s : vec) (V A B : mat) :
  udu n H U d -> nonneg n d ->
  singular p n (k + r) U d E P s V -> correction p n k U d P s V A B ->
  matrix_qform p n H E - matrix_qform p n H (fun i => vsub (E i) (mmul k A B i))
  = bsum k (fun l => s l ^ 2).
Proof. exact (LowRank.T28_gain p n k r H U d E P s V A B). Qed.

(** Where pivots are positive there is such a correction, B = V_k^T D^(-1/2) U^-1. *)
Theorem T28_correction_exists (p n k : nat) (U : mat) (d : vec) (P : mat) (s : vec) (V : mat) :
  unit_upper n U -> (forall j, (j < n)%nat -> 0 < d j) ->
  let A : mat := fun i l => P i l * s l in
  let B : mat := fun l => vmul n (fun j => V j l / sqrt (d j)) (inv_upper n U) in
  correction p n k U d P s V A B.
Proof. exact (LowRank.T28_correction_exists p n k U d P s V). Qed.

(** No A and B with k inner indices leave less, where the singular values decrease (Eckart and
    Young, in the loss of H). *)
Theorem T28_best (p n k r : nat) (H U : mat) (d : vec) (E P : mat) (s : vec) (V A B : mat) :
  udu n H U d -> nonneg n d -> singular p n (k + r) U d E P s V ->
  (forall l m, (l <= m < k + r)%nat -> s m ^ 2 <= s l ^ 2) ->
  bsum r (fun l => s (k + l)%nat ^ 2)
  <= matrix_qform p n H (fun i => vsub (E i) (mmul k A B i)).
Proof. exact (LowRankBest.T28_best p n k r H U d E P s V A B). Qed.

(** Witness: a 2 x 2 error with the singular values 2 and 1; a correction of rank 1 takes the loss
    from 5 to 1, and no other one below. *)
Lemma T28_witness : let U := WitnessTargets.low_U in let d := WitnessTargets.low_d in
  let E := WitnessTargets.low_E in let P := WitnessTargets.low_P in
  let V := WitnessTargets.low_V in let H := recon 2 U d in let s := entries [2; 1] in
  let A := rows [[6 / 5]; [8 / 5]] in let B := rows [[3 / 10; 13 / 20]] in
  let Q := rows [[1; 0]; [0; -1]] in let W : mat := fun i j => Q i j + E i j in
  let stored : mat := fun i j => Q i j + mmul 1 A B i j in
  udu 2 H U d /\ singular 2 2 2 U d E P s V /\ correction 2 2 1 U d P s V A B /\
  matrix_qform 2 2 H E = 5 /\ matrix_qform 2 2 H (fun i => vsub (E i) (mmul 1 A B i)) = 1 /\
  matrix_qform 2 2 H (fun i => vsub (W i) (stored i)) = 1 /\
  bsum 2 (fun i => bsum 2 (fun j => d j * (comp U (W i) (stored i) j - stored i j) ^ 2)) = 1 /\
  forall A' B', 1 <= matrix_qform 2 2 H (fun i => vsub (E i) (mmul 1 A' B' i)).
Proof. exact WitnessTargets.T28_witness. Qed.
