(** * T24: what rotated codes stand for is exact in binary32

    Purpose: a rotated weight is s (sum of 16 signed levels) / 4; where the bits of the scale and
      those of the sum fit into 24 together, binary32 holds it, and every partial sum on the way.
    Main definitions: [exact32].
    Main results: [T24_decode], [T24_partial_sum] (in terms that a program can check: bits of the
      scale, bits of the sum, their last places), [T24_decode_short] (scales of 11 significant bits
      between 2^-137 and 2^117, levels up to 511).
    Depends on: [Arithmetic], Gptq/Rotation; Flocq: Core.
    Source: this project. *)
From Coq Require Import Reals ZArith Lia Lra.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Rotation.
From Hallmark.Float Require Import Arithmetic.
Open Scope R_scope.

(** A finite number of binary32. *)
Definition exact32 (x : R) : Prop := in_format (-149) 24 x /\ Rabs x < bpow radix2 128.

(** A scale times an integer in units of 2^u: [p] bits of the one and [b] bits of the other. *)
Lemma exact32_product p b m K low u : (0 <= p)%Z -> (0 <= b)%Z ->
  (Z.abs m < 2 ^ p)%Z -> (Z.abs K <= 2 ^ b)%Z -> (p + b <= 24)%Z -> (-149 <= low + u)%Z ->
  (low + u + p + b <= 128)%Z ->
  exact32 (IZR m * bpow radix2 low * (IZR K * bpow radix2 u)).
Proof.
intros ppos bpos scale sum bits last first.
replace (IZR m * bpow radix2 low * (IZR K * bpow radix2 u))
  with (IZR (m * K) * bpow radix2 (low + u)) by (rewrite mult_IZR, bpow_plus; ring).
assert (small : (Z.abs (m * K) < 2 ^ p * 2 ^ b)%Z).
{ assert (power := Z.pow_pos_nonneg 2 b ltac:(lia) bpos); rewrite Z.abs_mul.
  apply Z.le_lt_trans with (Z.abs m * 2 ^ b)%Z.
  - apply Z.mul_le_mono_nonneg_l; lia.
  - apply Z.mul_lt_mono_pos_r; lia. }
rewrite <- Z.pow_add_r in small by lia; split.
- apply generic_format_FLT; exists (Float radix2 (m * K) (low + u)); [reflexivity| |exact last].
  cbn [Fnum]; change (radix2 ^ 24)%Z with (2 ^ 24)%Z.
  apply Z.lt_le_trans with (1 := small), Z.pow_le_mono_r; lia.
- rewrite Rabs_mult, (Rabs_pos_eq (bpow radix2 _)), <- abs_IZR by apply bpow_ge_0.
  apply Rlt_le_trans with (bpow radix2 (p + b) * bpow radix2 (low + u)).
  + apply Rmult_lt_compat_r; [apply bpow_gt_0|]; rewrite <- (IZR_Zpower radix2 (p + b)) by lia.
    apply IZR_lt; exact small.
  + rewrite <- bpow_plus; apply bpow_le; lia.
Qed.

(** A sum over a block, or of fewer, of levels with factors of at most 1. *)
Lemma block_sum_bound n b j (tau g : nat -> Z) : (j / 16 < n / 16)%nat -> (0 <= b)%Z ->
  (forall i, (i < n)%nat -> Z.abs (tau i) <= 1)%Z ->
  (forall i, (i < n)%nat -> i / 16 <> j / 16 -> tau i = 0%Z)%nat ->
  (forall i, (i < n)%nat -> 16 * Z.abs (g i) <= 2 ^ b)%Z ->
  (Z.abs (zsum n (fun i => (g i * tau i)%Z)) <= 2 ^ b)%Z.
Proof.
intros whole bpos signs outside levels; assert (inside := block_inside n (j / 16) whole).
rewrite (zsum_window n (16 * (j / 16)) 16) by first [exact inside | intros i below range;
  rewrite outside; [ring|exact below|]; assert (parts := Nat.div_mod_eq i 16);
  assert (place := Nat.mod_upper_bound i 16 ltac:(lia)); lia].
assert (half : (16 * (2 ^ b / 16) <= 2 ^ b)%Z) by (apply Z.mul_div_le; lia).
eapply Z.le_trans; [|exact half]; apply zsum_abs; intros t below.
specialize (levels (16 * (j / 16) + t)%nat ltac:(lia)).
specialize (signs (16 * (j / 16) + t)%nat ltac:(lia)).
apply Z.div_le_lower_bound; [lia|]; rewrite Z.abs_mul; nia.
Qed.

Section Decode.

Variables (n : nat) (sigma g : nat -> Z) (s : vec) (j : nat) (m low u p b : Z) (tau : nat -> Z).
Hypothesis column : (j < n)%nat.
Hypothesis signs : forall i, (i < n)%nat -> sigma i = 1%Z \/ sigma i = (-1)%Z.
Hypothesis one_scale : forall i, (i < n)%nat -> (i / 16 = j / 16)%nat ->
  s i = IZR m * bpow radix2 low.
Hypotheses (p_pos : (0 <= p)%Z) (b_pos : (0 <= b)%Z).
Hypothesis scale : (Z.abs m < 2 ^ p)%Z.
Hypothesis levels : forall i, (i < n)%nat -> (16 * Z.abs (g i) <= 2 ^ b)%Z.
Hypothesis bits : (p + b <= 24)%Z.

(** The integers 4 R are small, and zero outside a block. *)
Lemma rotation_numerator_0 i : (i / 16 <> j / 16)%nat -> rotation_numerator n sigma i j = 0%Z.
Proof. intros other; unfold rotation_numerator; rewrite hadamard_blocks_0 by exact other; ring. Qed.

(** Inside whole blocks they are signs. *)
Lemma rotation_numerator_sign i : (j / 16 < n / 16)%nat ->
  (Z.abs (rotation_numerator n sigma i j) <= 1)%Z.
Proof.
intros whole; unfold rotation_numerator, block_sign.
rewrite (proj2 (Nat.ltb_lt _ _) whole), Z.abs_mul.
assert (sign : (Z.abs (sigma j) <= 1)%Z) by (destruct (signs j column) as [-> | ->]; simpl; lia).
assert (entry : (Z.abs (hadamard_blocks n i j) <= 1)%Z); [|nia].
unfold hadamard_blocks; destruct (Nat.ltb_spec (i / 16) (n / 16)) as [here|beyond].
- destruct Nat.eqb; [|simpl; lia].
  destruct (sylvester_sign 4 (i mod 16) (j mod 16)) as [-> | ->]; simpl; lia.
- destruct (Nat.eqb_spec i j) as [same|_]; [subst i; lia|simpl; lia].
Qed.

(** The integer sum of a decoded weight has at most [b] bits. *)
Lemma decoded_sum_bound :
  (Z.abs (zsum n (fun i => (g i * rotation_numerator n sigma i j)%Z)) <= 2 ^ b)%Z.
Proof.
destruct (Nat.lt_ge_cases (j / 16) (n / 16)) as [whole|tail].
- apply (block_sum_bound n b j); try assumption.
  + intros i _; apply rotation_numerator_sign; exact whole.
  + intros i _; apply rotation_numerator_0.
- rewrite (zsum_window n j 1) by first [lia | intros i below range;
    unfold rotation_numerator; rewrite (hadamard_blocks_sym n i j); unfold hadamard_blocks;
    rewrite (proj2 (Nat.ltb_ge _ _) tail), (proj2 (Nat.eqb_neq j i)) by lia; ring].
  simpl zsum; rewrite Nat.add_0_r; unfold rotation_numerator, block_sign, hadamard_blocks.
  rewrite (proj2 (Nat.ltb_ge _ _) tail), Nat.eqb_refl; specialize (levels j column); lia.
Qed.

(** T24. Every decoded weight is a number of binary32. *)
Theorem T24_decode : (-147 <= low + u)%Z -> (low + u + p + b <= 130)%Z ->
  exact32 (vmul n (fun i => s i * (IZR (g i) * bpow radix2 u)) (rotation n sigma) j).
Proof.
intros last first.
replace (vmul n (fun i => s i * (IZR (g i) * bpow radix2 u)) (rotation n sigma) j)
  with (IZR m * bpow radix2 low *
    (IZR (zsum n (fun i => (g i * rotation_numerator n sigma i j)%Z)) * bpow radix2 (u - 2))).
- apply (exact32_product p b); try assumption; [exact decoded_sum_bound|lia|lia].
- rewrite IZR_zsum, <- bsum_scalr, <- bsum_scal; apply bsum_ext; intros i below.
  unfold rotation; rewrite mult_IZR.
  replace (bpow radix2 (u - 2)) with (bpow radix2 u / 4) by
    (unfold Z.sub; rewrite bpow_plus; reflexivity).
  destruct (Nat.eq_dec (i / 16) (j / 16)) as [same|other].
  + rewrite one_scale by assumption; field.
  + rewrite rotation_numerator_0 by exact other; unfold Rdiv; ring.
Qed.

(** T24 on the way: so is every sum of levels of one whole block with factors -1, 0 and 1; with
    m = 1 and low = 0 these are the sums before the scale is applied. *)
Theorem T24_partial_sum : (-149 <= low + u)%Z -> (low + u + p + b <= 128)%Z ->
  (j / 16 < n / 16)%nat ->
  (forall i, (i < n)%nat -> Z.abs (tau i) <= 1)%Z ->
  (forall i, (i < n)%nat -> i / 16 <> j / 16 -> tau i = 0%Z)%nat ->
  exact32 (bsum n (fun i => s i * (IZR (g i) * bpow radix2 u) * IZR (tau i))).
Proof.
intros last first whole small outside.
replace (bsum n (fun i => s i * (IZR (g i) * bpow radix2 u) * IZR (tau i)))
  with (IZR m * bpow radix2 low * (IZR (zsum n (fun i => (g i * tau i)%Z)) * bpow radix2 u)).
- apply (exact32_product p b); try assumption.
  apply (block_sum_bound n b j); assumption.
- rewrite IZR_zsum, <- bsum_scalr, <- bsum_scal; apply bsum_ext; intros i below.
  rewrite mult_IZR; destruct (Nat.eq_dec (i / 16) (j / 16)) as [same|other].
  + rewrite one_scale by assumption; ring.
  + rewrite (outside i below other); ring.
Qed.

End Decode.

(** T24 for scales of 11 significant bits and levels up to 511, which those of 2 to 8 bits and 7-bit
    tables are. *)
Theorem T24_decode_short n sigma g s scale j : (j < n)%nat ->
  (forall i, (i < n)%nat -> sigma i = 1%Z \/ sigma i = (-1)%Z) ->
  (forall i, (i < n)%nat -> (i / 16 = j / 16)%nat -> s i = scale) ->
  generic_format radix2 (FLX_exp 11) scale ->
  bpow radix2 (-137) <= Rabs scale < bpow radix2 117 ->
  (forall i, (i < n)%nat -> Z.abs (g i) <= 511)%Z ->
  exact32 (vmul n (fun i => s i * IZR (g i)) (rotation n sigma) j).
Proof.
intros column signs same form [large small] levels.
assert (above := mag_ge_bpow radix2 scale (-136) large).
assert (nonzero : scale <> 0).
{ intros zero; rewrite zero, Rabs_R0 in large; assert (pos := bpow_gt_0 radix2 (-137)); lra. }
assert (below := mag_le_bpow radix2 scale 117 nonzero small).
unfold generic_format, F2R in form; cbn [Fnum Fexp] in form.
set (m := Ztrunc (scaled_mantissa radix2 (FLX_exp 11) scale)) in form.
set (low := cexp radix2 (FLX_exp 11) scale) in form.
assert (place : low = (mag radix2 scale - 11)%Z) by reflexivity.
assert (short : (Z.abs m < 2 ^ 11)%Z).
{ apply lt_IZR; rewrite abs_IZR; change (2 ^ 11)%Z with (radix2 ^ 11)%Z.
  rewrite IZR_Zpower by lia; apply Rmult_lt_reg_r with (bpow radix2 low); [apply bpow_gt_0|].
  rewrite <- bpow_plus, <- (Rabs_pos_eq (bpow radix2 low)) at 1 by apply bpow_ge_0.
  rewrite <- Rabs_mult, <- form, place.
  replace (11 + (mag radix2 scale - 11))%Z with (mag radix2 scale : Z) by lia.
  apply bpow_mag_gt. }
replace (vmul n (fun i => s i * IZR (g i)) (rotation n sigma) j)
  with (vmul n (fun i => s i * (IZR (g i) * bpow radix2 0)) (rotation n sigma) j) by
  (apply bsum_ext; intros i _; simpl bpow; rewrite Rmult_1_r; reflexivity).
assert (range : (-147 <= low <= 106)%Z) by (rewrite place; lia).
apply (T24_decode n sigma g s j m low 0 11 13); try assumption; try lia.
- intros i inside block; rewrite same by assumption; exact form.
- intros i inside; specialize (levels i inside).
  change (2 ^ 13)%Z with 8192%Z; lia.
Qed.
