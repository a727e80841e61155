(** * T24 at work: one whole block of 16 columns and one column beyond

    Purpose: a rotation in which nothing is trivial, a row that lies on the grid in the rotated
      basis only, and the decoded weight at the ends of the ranges.
    Main definitions: [seventeen_sigma].
    Main results: [T24_rotation_witness], [T24_decode_witness].
    Depends on: [RotatedDecode], Gptq/Rotation, Gptq/Concrete.
    Source: this project. *)
From Coq Require Import Reals Lra Lia ZArith Arith List.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Rotation Concrete.
From Hallmark.Float Require Import Arithmetic RotatedDecode.
Import ListNotations.
Open Scope R_scope.

(** Signs + - + - ... *)
Definition seventeen_sigma (j : nat) : Z := if Nat.even j then 1 else -1.

(** They are signs. *)
Lemma seventeen_signs i : (i < 17)%nat -> seventeen_sigma i = 1%Z \/ seventeen_sigma i = (-1)%Z.
Proof. intros _; unfold seventeen_sigma; destruct Nat.even; auto. Qed.

(** The first column of 4 R. *)
Lemma seventeen_column i : (i < 17)%nat ->
  rotation_numerator 17 seventeen_sigma i 0 = if (i <? 16)%nat then 1%Z else 0%Z.
Proof. intros below; do 17 (destruct i as [|i]; [reflexivity|]); lia. Qed.

(** A row times the first column of R. *)
Lemma vmul_seventeen v : vmul 17 v (rotation 17 seventeen_sigma) 0 = bsum 16 v / 4.
Proof.
unfold vmul; rewrite bsum_S; unfold rotation at 2; rewrite seventeen_column by lia.
change (16 <? 16)%nat with false; cbv iota.
rewrite (bsum_ext 16 _ (fun i => v i * / 4)); [rewrite bsum_scalr; field|].
intros i below; unfold rotation; rewrite seventeen_column by lia.
rewrite (proj2 (Nat.ltb_lt i 16)) by exact below; field.
Qed.

(** Proves the value of an entry of R from the integer 4 R. *)
Ltac entry_is z :=
  match goal with |- _ = ?value => change (IZR z / 4 = value); field end.

(** T24 at work: the row (4, 0, ..., 0) is (1, ..., 1) in the rotated basis, on a grid that does not
    reach 4; with one of these ones rounded to 0 the loss is 1/16 in either basis. *)
Lemma T24_rotation_witness : let R := rotation 17 seventeen_sigma in
  let w := entries [4] in let G := gram 1 (rows [[1]]) in
  let c : vec := fun j => if (j <? 15)%nat then 1 else 0 in
  R 0%nat 0%nat = 1 / 4 /\ R 2%nat 3%nat = 1 / 4 /\ R 3%nat 2%nat = - (1 / 4) /\
  R 16%nat 16%nat = 1 /\ R 16%nat 0%nat = 0 /\
  inv_pair 17 R (fun i j => R j i) /\ inv_pair 17 (fun i j => R j i) R /\
  (forall j, (j < 16)%nat -> vmul 17 w (fun i j => R j i) j = 1) /\
  qform 17 (vmv 17 R G) (vsub (vmul 17 w (fun i j => R j i)) c) = 1 / 16 /\
  qform 17 G (vsub w (vmul 17 c R)) = 1 / 16.
Proof.
intros R w G c; destruct (T24_orthogonal 17 seventeen_sigma seventeen_signs) as [rows columns].
assert (form : qform 17 G (vsub w (vmul 17 c R)) = 1 / 16).
{ unfold G; rewrite <- loss_gram.
  transitivity ((bsum 17 (fun i => vsub w (vmul 17 c R) i * Concrete.rows [[1]] i 0%nat)) ^ 2);
    [unfold loss; rewrite bsum_S; exact (Rplus_0_l _)|].
  rewrite (bsum_ext 17 _ (fun i => if Nat.eqb 0 i then vsub w (vmul 17 c R) i else 0)).
  - rewrite (bsum_delta 17 0 (vsub w (vmul 17 c R))) by lia; unfold vsub, R.
    rewrite vmul_seventeen; unfold w, entries, c; simpl; field.
  - intros i _; destruct i as [|i]; unfold Concrete.rows; simpl; [ring|].
    destruct i; simpl; ring. }
split; [entry_is 1%Z|split; [entry_is 1%Z|split; [entry_is (-1)%Z|split; [entry_is 4%Z|]]]].
split; [entry_is 0%Z|split; [exact rows|split; [exact columns|split]]].
- intros j below; unfold vmul; rewrite (bsum_ext 17 _
    (fun i => if Nat.eqb 0 i then 4 * R j i else 0)).
  + rewrite (bsum_delta 17 0 (fun i => 4 * R j i)) by lia; unfold R, rotation.
    rewrite seventeen_column, (proj2 (Nat.ltb_lt j 16)) by lia; field.
  + intros i _; unfold w, entries; destruct i as [|[|i]]; simpl; ring.
- rewrite T24_codes by exact columns; split; exact form.
Qed.

(** T24 at work: levels 127 and the scales 2047 2^-147 and 2047 2^106, the ends of the range, make
    the decoded weights 2047 508 2^-147 and 2047 508 2^106.  With a scale of 24 bits three levels
    of 1 are too many. *)
Lemma T24_decode_witness : let R := rotation 17 seventeen_sigma in
  let decoded low := vmul 17 (fun _ => IZR 2047 * bpow radix2 low * IZR 127) R 0 in
  decoded (-147)%Z = IZR 1039876 * bpow radix2 (-147) /\ exact32 (decoded (-147)%Z) /\
  decoded 106%Z = IZR 1039876 * bpow radix2 106 /\ exact32 (decoded 106%Z) /\
  ~ in_format (-149) 24 (vmul 17 (fun i => if (i <? 3)%nat then IZR (2 ^ 24 - 1) else 0) R 0).
Proof.
intros R decoded.
assert (value : forall low, decoded low = IZR 1039876 * bpow radix2 low).
{ intros low; unfold decoded, R; rewrite vmul_seventeen, bsum_const; simpl INR; field. }
assert (exact : forall low, (-147 <= low <= 106)%Z -> exact32 (decoded low)).
{ intros low range; unfold decoded.
  replace (vmul 17 (fun _ => IZR 2047 * bpow radix2 low * IZR 127) R 0)
    with (vmul 17 (fun _ => IZR 2047 * bpow radix2 low * (IZR 127 * bpow radix2 0)) R 0) by
    (apply bsum_ext; intros i _; simpl bpow; ring).
  apply (T24_decode 17 seventeen_sigma (fun _ => 127%Z) _ 0 2047 low 0 11 11); try lia.
  - exact seventeen_signs.
  - intros i _ _; reflexivity. }
split; [apply value|split; [apply exact; lia|split; [apply value|]]].
split; [apply exact; lia|].
unfold R; rewrite vmul_seventeen; simpl bsum; intros form; apply FLT_format_generic in form; [|exact prec32_gt_0].
destruct form as [[M k] equal small last]; unfold F2R in equal; cbn [Fnum Fexp] in *.
change (radix2 ^ 24)%Z with 16777216%Z in small; cbn in equal.
assert (scaled : IZR 50331645 = IZR M * bpow radix2 (k + 2)).
{ rewrite bpow_plus; change (bpow radix2 2) with 4; lra. }
destruct (Z_le_gt_dec (k + 2) 0) as [low|high].
- assert (below : bpow radix2 (k + 2) <= 1) by exact (bpow_le radix2 _ 0 low).
  assert (pos := bpow_gt_0 radix2 (k + 2)).
  assert (bound : IZR M <= 16777216) by (apply IZR_le; lia).
  nra.
- replace (k + 2)%Z with (1 + (k + 1))%Z in scaled by ring.
  rewrite bpow_plus, <- (IZR_Zpower radix2 (k + 1)) in scaled by lia.
  change (bpow radix2 1) with 2 in scaled; rewrite <- !mult_IZR in scaled; apply eq_IZR in scaled.
  lia.
Qed.
