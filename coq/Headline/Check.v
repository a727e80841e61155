(** * The published theorems about the extracted checker: T13

    Purpose: what hallmark-check's answer means for the real numbers behind the words.  Headline.v
      explains the words used.
    Main results: the names that begin with T13.
    Depends on: Check, Gptq/Matrix, Gptq/Guard.
    Source: each proof names the lemma that does it. *)
From Coq Require Import ZArith Reals List Lra.
From Hallmark.Gptq Require Import Matrix Guard.
From Hallmark.Check Require Reading Grid Checker CheckerProof CheckerWitness.
From Hallmark.Check Require ScaleRule ScaleWitness ClipWitness Beside BesideWitness.
Import ListNotations.
Open Scope R_scope.

(** ** T13: the checker

    [accepts] is the function that is extracted as the judge of hallmark-check.  It reads words:
    weights in binary32, codes of a grid, a scale in binary32 and a zero point for each row and
    group of columns, if it is [calibrated] a Gram matrix in binary64, and enclosures of each row's
    losses.  The grid is a member of the GF(E, M) family, a range of integers, or a table of
    binary32 values; a code stands for scale times (value - zero point), where scales have either
    sign and zero points belong to integers.

    If it returns true, then the grid is one and every row keeps what [row_sound] lists about the
    real numbers that the words stand for: finite words, codes of the grid, scales that are not
    zero; the points that it takes for round-to-nearest are nearest points of the grid, points of
    codes than which no code stands for a nearer one; if the bundle is calibrated, loss_G of the
    codes and loss_G of round-to-nearest (which the checker computes itself) lie in their
    enclosures, each at most a quarter of its upper end wide or between neighbouring numbers, are
    the exact numbers that may stand beside these, and a column in which G has a zero diagonal is
    rounded to nearest; if it is also [guarded], the first is at most the second; and in a row that
    claims to be round-to-nearest, the points are those, within half a gap of the grid. *)
Theorem T13_checker b : Checker.accepts b = true ->
  (0 < length (Checker.rows b))%nat /\ Grid.grid_ok (Checker.code_grid b) /\
  forall i, (i < length (Checker.rows b))%nat ->
    CheckerProof.row_sound b (CheckerProof.row_at b i).
Proof.
intros accepted; destruct (CheckerProof.accepts_rows b accepted) as [some each].
exact (conj some (conj (CheckerProof.accepts_grid b accepted) each)).
Qed.

(** The matrix: the codes lose no more than round-to-nearest, summed over the rows. *)
Theorem T13_checker_total b : Checker.accepts b = true ->
  CheckerProof.calibrated b = true -> Checker.guarded b = true ->
  let total point := matrix_qform (length (Checker.rows b)) (Checker.columns b)
    (CheckerProof.gram_of b)
    (fun i => vsub (CheckerProof.weight_row (CheckerProof.row_at b i))
                   (point b (CheckerProof.row_at b i))) in
  total CheckerProof.point_row <= total CheckerProof.rtn_row.
Proof. exact (CheckerProof.accepts_total b). Qed.

(** The same part by part, as hallmark-check runs it: [start_tensor] reads everything but the rows,
    and the rows are judged some at a time. *)
Theorem T13_checker_parts b t i : Checker.start_tensor b = inl t ->
  Checker.rows_failure t i (Checker.rows b) = None ->
  forall r, In r (Checker.rows b) -> CheckerProof.row_sound b r.
Proof. exact (CheckerProof.judged_rows b t i). Qed.

(** Rotated rows: where the codes of a row stand for p R, R of T24 with the signs that the row comes
    with, and round-to-nearest has steps of its own, a row that [beside_failure] passes keeps what
    [beside_sound] lists: the words of both are sound, loss_G (w - p R) and loss_G of
    round-to-nearest lie in their enclosures, which say something, and with the guard the first is at
    most the second. *)
Theorem T13_beside b t i l : Checker.start_tensor b = inl t ->
  Beside.beside_failure t i l = None ->
  forall x, In x l -> Beside.beside_sound b x.
Proof. exact (Beside.beside_rows b t i l). Qed.

(** Searched steps: the codes of a row that [rule_failure] passes lose no more than round-to-nearest
    under other steps, those of the rule from which the search began. *)
Theorem T13_rule b t i l : Checker.start_tensor b = inl t ->
  Beside.rule_failure t i l = None ->
  forall x, In x l -> Beside.words_sound b x /\
    Beside.decoded_loss b x <= CheckerProof.rtn_loss b (Beside.near x).
Proof. exact (Beside.rule_rows b t i l). Qed.

(** Witness: a rotated row of 16 columns is accepted; with one sign changed, or with round-to-nearest
    under another scale, it is not. *)
Lemma T13_beside_witness :
  BesideWitness.judge Beside.beside_failure
    (BesideWitness.rotated_row BesideWitness.some_signs BesideWitness.whole_scale) = None /\
  BesideWitness.judge Beside.beside_failure
    (BesideWitness.rotated_row BesideWitness.other_signs BesideWitness.whole_scale)
  = Some (Checker.InRow 0 Checker.FinalOutside) /\
  BesideWitness.judge Beside.beside_failure
    (BesideWitness.rotated_row BesideWitness.some_signs BesideWitness.quarter_scale)
  = Some (Checker.InRow 0 Checker.RtnOutside).
Proof. exact (conj BesideWitness.rotated_accepted BesideWitness.rotated_refused). Qed.

(** Witness: its codes, with that sign changed, still lose less than round-to-nearest with scale 1,
    and more than with scale 1/4. *)
Lemma T13_rule_witness :
  BesideWitness.judge Beside.rule_failure
    (BesideWitness.rotated_row BesideWitness.other_signs BesideWitness.whole_scale) = None /\
  BesideWitness.judge Beside.rule_failure
    (BesideWitness.rotated_row BesideWitness.other_signs BesideWitness.quarter_scale)
  = Some (Checker.InRow 0 Checker.GuardBroken).
Proof. exact (conj BesideWitness.rule_accepted BesideWitness.rule_refused). Qed.

(** The scales: in a row that [scales_fit] accepts, each group of columns has the scale and the zero
    point that the rule gives.  For absmax that is the largest magnitude among the group's weights
    over the largest of the grid, rounded up to the scale's significant bits; for sdclip a multiple
    of their sample deviation in its place, up to 2^-30 of it; [rule_gives] lists the others.
    sdclip-adaptive reads c and the sums of G_jj over groups, awq-lite the group that matters most,
    which are not judged here. *)
Theorem T13_scales c g n size r : (1 <= ScaleRule.scale_bits c)%Z ->
  ScaleRule.scales_fit c g n size r = true ->
  Forall2 (fun kw step =>
      ScaleRule.rule_gives c g (map Reading.b32_value (Checker.weights r)) (fst kw) (snd kw)
        (fst step) (snd step))
    (combine (seq 0 (Checker.group_count n size))
      (ScaleRule.cut (Checker.group_count n size) (Checker.group_width n size)
        (map Reading.b32_value (Checker.weights r))))
    (combine (map Reading.b32_value (Checker.scales r)) (Checker.zeros r)).
Proof. exact (ScaleRule.scales_fit_correct c g n size r). Qed.

(** Witness: for the weights 1, -1/2 | 1/4, 0 and the integers -8 .. 7 absmax gives -1/8 | -1/32; it
    does not give 2^100. *)
Lemma T13_scales_witness : let fits := ScaleWitness.fits_row ScaleRule.AbsMax true
    (Grid.Integer (-8) 7) in
  fits [0xBE000000; 0xBD000000]%Z [0; 0]%Z = true /\
  fits [0x71800000; 0xBD000000]%Z [0; 0]%Z = false.
Proof. vm_compute; split; reflexivity. Qed.

(** Witness: for the same weights sdclip gives 13/32 | 1109 2^-14 to the integers -7 .. 7, and not
    the number of 11 bits below; nor does it give what absmax gives. *)
Lemma T13_clip_witness : let fits := ScaleWitness.fits_row ScaleRule.SdClip false
    (Grid.Integer (-7) 7) in
  fits [0x3ED00000; 0x3D8AA000]%Z [0; 0]%Z = true /\
  fits [0x3ECFE000; 0x3D8AA000]%Z [0; 0]%Z = false /\
  fits [0x3E126000; 0x3D126000]%Z [0; 0]%Z = false.
Proof. vm_compute; repeat split; reflexivity. Qed.

(** Witness: with c = 1 and sums of G_jj of 2 | 1/2 sdclip-adaptive gives 1633 2^-12 | 259 2^-11 to
    the same weights, at (9/8)^(-5/32) | 480/257 of the deviations of sdclip, and not the scales of
    sdclip. *)
Lemma T13_adaptive_witness : let fits := ClipWitness.fits_adaptive ScaleRule.dyadic_one
    ClipWitness.input_sums in
  fits [0x3ECC2000; 0x3E018000]%Z = true /\ fits [0x3ED00000; 0x3D8AA000]%Z = false.
Proof. vm_compute; split; reflexivity. Qed.

(** Witness: awq-lite gives the same weights 12.85 of their deviations over 127 in the group that
    matters most and over 31 in the other, and not the other way round. *)
Lemma T13_awq_witness : let fits := fun best => ClipWitness.fits_awq best ClipWitness.awq_row
    [0x3D81A000; 0x3E84C000]%Z in
  fits 0%nat = true /\ fits 1%nat = false.
Proof. vm_compute; split; reflexivity. Qed.

(** Witness: a guarded bundle of two rows is accepted, and its second row loses 11 times less than
    round-to-nearest; with one bit of one code flipped it is rejected at that row. *)
Lemma T13_witness : let b := CheckerWitness.witness in
  Checker.accepts b = true /\ CheckerProof.calibrated b = true /\ Checker.guarded b = true /\
  11 * CheckerProof.final_loss b CheckerWitness.witness_gptq
  < CheckerProof.rtn_loss b CheckerWitness.witness_gptq.
Proof.
exact (conj CheckerWitness.witness_accepted
  (conj eq_refl (conj eq_refl CheckerWitness.witness_strict))).
Qed.

Lemma T13_flipped_witness :
  Checker.first_failure CheckerWitness.flipped = Some (Checker.InRow 1 Checker.FinalOutside).
Proof. exact CheckerWitness.witness_flipped_code. Qed.

(** Witness on integers 0 .. 15 with zero points, two groups and scales of both signs: 12 times
    less; and with one bit of one code flipped. *)
Lemma T13_integer_witness : let b := CheckerWitness.integer_bundle 9 in
  Checker.accepts b = true /\
  12 * CheckerProof.final_loss b (CheckerWitness.integer_row 9)
  < CheckerProof.rtn_loss b (CheckerWitness.integer_row 9) /\
  Checker.first_failure (CheckerWitness.integer_bundle 8)
  = Some (Checker.InRow 0 Checker.FinalOutside).
Proof.
exact (conj (proj1 CheckerWitness.grid_witnesses_accepted)
  (conj CheckerWitness.integer_witness_strict CheckerWitness.integer_flipped)).
Qed.

(** Witness on a table: 19 times less; and with one bit of one code flipped. *)
Lemma T13_table_witness : let b := CheckerWitness.table_bundle 0 in
  Checker.accepts b = true /\
  19 * CheckerProof.final_loss b (CheckerWitness.table_row 0)
  < CheckerProof.rtn_loss b (CheckerWitness.table_row 0) /\
  Checker.first_failure (CheckerWitness.table_bundle 1)
  = Some (Checker.InRow 0 Checker.FinalOutside).
Proof.
exact (conj (proj2 CheckerWitness.grid_witnesses_accepted)
  (conj CheckerWitness.table_witness_strict CheckerWitness.table_flipped)).
Qed.
