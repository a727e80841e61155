(** * Concrete instances of this folder's theorems

    Purpose: one witness lemma for each headline theorem of Format/: its hypotheses can hold, and
      its bound is reached or is not trivial.  The words are those of the format's specification.
    Main results: [witness_gf16_error], [witness_gf16_error_binade], [witness_gf16_nearest],
      [witness_gf16_round], [witness_gf16_no_overflow], [witness_decode_encode],
      [witness_gf16_dyadic_correct], [witness_b32_dyadic_correct], [witness_b64_dyadic_correct],
      [witness_golden_error], [witness_scaled_gf16_error], [witness_rne_error],
      [witness_clip_nearest_int], [witness_encode32_correct], [witness_encode64_correct],
      [witness_encode64_one_rounding], [witness_decode32_correct], [witness_decode64_correct],
      [witness_encode32_error], [witness_encode32_value], [witness_all_words],
      [witness_encode32_decode32], [witness_phi_identity],
      [witness_split].
    Depends on: all of this folder but AllWords.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra List.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.GoldenFloat Format.GF16 Format.GF16Binade Format.ScaledGrid.
From Hallmark Require Import Format.IntegerGrid Format.Word Format.BitProgram.
From Hallmark Require Import Format.CodecPrograms Format.CodecSpec Format.CodecEncode.
From Hallmark Require Import Format.CodecDecode Format.Codec Format.Golden.
Import ListNotations.
Open Scope R_scope.

(** A rounded dyadic number is what the integer computation says. *)
Lemma gf16_round_F2R m e m' e' :
  Rabs (F2R (Float radix2 m e)) <= gf16_max -> gf16_dy m e = (m', e') ->
  gf16_round (F2R (Float radix2 m e)) = F2R (Float radix2 m' e').
Proof.
  intros Hrange Hdyadic; assert (Hround := gf16_dy_correct m e Hrange).
  rewrite Hdyadic in Hround; symmetry; exact Hround.
Qed.

(** Half the smallest positive number, a tie, rounds to 0. *)
Lemma gf16_round_half_smallest : gf16_round (bpow radix2 (-40)) = 0.
Proof.
  replace (bpow radix2 (-40)) with (F2R (Float radix2 1 (-40))) by (unfold F2R; simpl; lra).
  rewrite (gf16_round_F2R 1 (-40) 0 0); [apply F2R_0| |vm_compute; reflexivity].
  unfold F2R, gf16_max; simpl; rewrite Rabs_pos_eq; lra.
Qed.

(** T7: the error bound is reached, by 2^-40. *)
Lemma witness_gf16_error :
  Rabs (gf16_round (bpow radix2 (-40)) - bpow radix2 (-40)) = half_ulp16 (bpow radix2 (-40)).
Proof.
  rewrite gf16_round_half_smallest; unfold half_ulp16.
  rewrite Rminus_0_l, Rabs_Ropp, Rabs_pos_eq by apply bpow_ge_0.
  rewrite Rmax_right; [reflexivity|].
  rewrite <- bpow_plus; apply bpow_le; lia.
Qed.

(** T7: the error bound of a binade is reached, by 1 + 2^-10 in the binade of 1. *)
Lemma witness_gf16_error_binade :
  Rabs (1025 / 1024) < bpow radix2 (0 + 1) /\
  Rabs (gf16_round (1025 / 1024) - 1025 / 1024) = bpow radix2 (0 - 10).
Proof.
  assert (Hround := tie_down_round 0 ltac:(lia)).
  assert (Hpoint : tie_down 0 = 1025 / 1024) by (unfold tie_down; simpl; lra).
  rewrite Hpoint in Hround; split.
  - rewrite Rabs_pos_eq by lra; simpl; lra.
  - rewrite Rabs_minus_sym, Hround; apply Rabs_pos_eq, bpow_ge_0.
Qed.

(** T7: at a tie two numbers are equally near, 1 and 1 + 2^-9; the even one is taken. *)
Lemma witness_gf16_nearest :
  gf16_round (1025 / 1024) = 1 /\ gf16_round (513 / 512) = 513 / 512 /\
  Rabs (1025 / 1024 - gf16_round (1025 / 1024)) = Rabs (1025 / 1024 - gf16_round (513 / 512)).
Proof.
  assert (Htie := tie_down_round 0 ltac:(lia)).
  replace (tie_down 0) with (1025 / 1024) in Htie by (unfold tie_down; simpl; lra).
  assert (Hone : gf16_round (1025 / 1024) = 1) by (simpl in Htie; lra).
  assert (Hnext : gf16_round (513 / 512) = 513 / 512).
  { replace (513 / 512) with (F2R (Float radix2 513 (-9))) by (unfold F2R; simpl; lra).
    apply (gf16_round_F2R 513 (-9) 513 (-9)); [|vm_compute; reflexivity].
    unfold F2R, gf16_max; simpl; rewrite Rabs_pos_eq; lra. }
  rewrite Hone, Hnext; split; [reflexivity|split; [reflexivity|]].
  rewrite Rabs_pos_eq, Rabs_left by lra; lra.
Qed.

(** T7: the binary32 number nearest to 0.1 rounds to 819/8192, the word 0x3733. *)
Lemma witness_gf16_round :
  gf16_round (F2R (Float radix2 13421773 (-27))) = 819 / 8192 /\ decode 0x3733 = 819 / 8192.
Proof.
  split.
  - rewrite (gf16_round_F2R 13421773 (-27) 819 (-13)).
    + unfold F2R; simpl; lra.
    + unfold F2R, gf16_max; simpl; rewrite Rabs_pos_eq; lra.
    + vm_compute; reflexivity.
  - rewrite (gf16_dyadic_decode 0x3733 (Float radix2 819 (-13))) by (lia || reflexivity).
    unfold F2R; simpl; lra.
Qed.

(** T7: the largest finite number is 4290772992, the word 0x7DFF. *)
Lemma witness_gf16_no_overflow : gf16_max = 4290772992 /\ decode 0x7DFF = gf16_max.
Proof.
  assert (Hmax : gf16_max = 4290772992) by (unfold gf16_max; simpl; lra).
  split; [exact Hmax|rewrite Hmax].
  rewrite (gf16_dyadic_decode 0x7DFF (Float radix2 1023 22)) by (lia || reflexivity).
  unfold F2R; simpl; lra.
Qed.

(** T7: 1, 2, 1/2 and 65504 have the words 0x3E00, 0x4000, 0x3C00 and 0x5E00. *)
Lemma witness_decode_encode :
  map (fun d => encode (fst d) (snd d)) [(1, 0); (1, 1); (1, -1); (65504, 0)]%Z
  = [0x3E00; 0x4000; 0x3C00; 0x5E00]%Z /\
  decode 0x3E00 = 1 /\ decode 0x4000 = 2 /\ decode 0x3C00 = 1 / 2 /\ decode 0x5E00 = 65536.
Proof.
  split; [vm_compute; reflexivity|].
  rewrite (gf16_dyadic_decode 0x3E00 (Float radix2 512 (-9))) by (lia || reflexivity).
  rewrite (gf16_dyadic_decode 0x4000 (Float radix2 512 (-8))) by (lia || reflexivity).
  rewrite (gf16_dyadic_decode 0x3C00 (Float radix2 512 (-10))) by (lia || reflexivity).
  rewrite (gf16_dyadic_decode 0x5E00 (Float radix2 512 7)) by (lia || reflexivity).
  unfold F2R; simpl; lra.
Qed.

(** T7: exact values of words: smallest subnormal, smallest normal, -1; none for infinity, NaN. *)
Lemma witness_gf16_dyadic_correct :
  map gf16_dyadic [0x0001; 0x0200; 0xBE00; 0x7E00; 0x7E01]%Z
  = [Some (Float radix2 1 (-39)); Some (Float radix2 512 (-39)); Some (Float radix2 (-512) (-9));
     None; None].
Proof. vm_compute; reflexivity. Qed.

(** The exact value of the binary32 word 0x3DCCCCCD, the number nearest to 0.1. *)
Lemma witness_b32_dyadic_correct :
  b32_dyadic 0x3DCCCCCD = Some (Float radix2 13421773 (-27)) /\
  B2R 24 128 (b32_of_bits 0x3DCCCCCD) = 13421773 / 134217728.
Proof.
  split; [reflexivity|].
  rewrite (b32_dyadic_value _ (Float radix2 13421773 (-27))) by (lia || reflexivity).
  unfold F2R; simpl; lra.
Qed.

(** The exact value of the binary64 word 0x3FF8000000000000, 3/2. *)
Lemma witness_b64_dyadic_correct :
  b64_dyadic 0x3FF8000000000000 = Some (Float radix2 6755399441055744 (-52)) /\
  B2R 53 1024 (b64_of_bits 0x3FF8000000000000) = 3 / 2.
Proof.
  split; [reflexivity|].
  rewrite (b64_dyadic_value _ (Float radix2 6755399441055744 (-52))) by (lia || reflexivity).
  unfold F2R; simpl; lra.
Qed.

(** The family is not GF16 alone: bfloat16 is GF(8, 7), with unit roundoff 2^-8. *)
Lemma witness_golden_error x :
  Rabs (golden_round 8 7 x - x) <= Rmax (bpow radix2 (-8) * Rabs x) (bpow radix2 (-134)).
Proof. exact (golden_error 8 7 ltac:(lia) x). Qed.

(** T7: on the grid multiplied by 3 the bound 3 * 2^-40 is reached. *)
Lemma witness_scaled_gf16_error :
  let x := 3 * bpow radix2 (-40) in
  Rabs (x - scaled 3 gf16_round x) = 3 * half_ulp16 (x / 3).
Proof.
  intros x; rewrite (scaled_abs 3 gf16_round ltac:(lra)).
  replace (x / 3) with (bpow radix2 (-40)) by (unfold x; field).
  rewrite <- witness_gf16_error, Rabs_minus_sym; reflexivity.
Qed.

(** On the multiples of 2 the bound 1 is reached: 3 rounds to the even multiple 4. *)
Lemma witness_rne_error : rne 2 3 = 4 /\ Rabs (3 - rne 2 3) = 2 / 2.
Proof.
  assert (Hcode : ZnearestE (3 / 2) = 2%Z).
  { unfold Znearest.
    replace (Zfloor (3 / 2)) with 1%Z by (symmetry; apply Zfloor_imp; simpl; lra).
    rewrite Rcompare_Eq by lra; simpl; apply Zceil_imp; simpl; lra. }
  assert (Hround : rne 2 3 = 4) by (unfold rne; rewrite Hcode; simpl; lra).
  split; [exact Hround|rewrite Hround, Rabs_left by lra; lra].
Qed.

(** Clipped to the codes -7 .. 7, the number 9 goes to 7; the error is above half a step. *)
Lemma witness_clip_nearest_int : clip_rne 7 1 9 = 7 /\ 1 / 2 < Rabs (9 - clip_rne 7 1 9).
Proof.
  assert (Hcode : ZnearestE (9 / 1) = 9%Z).
  { apply Znearest_imp; replace (9 / 1 - 9) with 0 by field; rewrite Rabs_R0; lra. }
  assert (Hround : clip_rne 7 1 9 = 7).
  { unfold clip_rne, clip_code; rewrite Hcode.
    change (Z.max (- (7)) (Z.min 7 9)) with 7%Z; lra. }
  split; [exact Hround|rewrite Hround, Rabs_pos_eq; lra].
Qed.

Open Scope Z_scope.

(** binary32 words and their GF16 words: 1, 2, 0.5, 0.1, 0.02, 3.14159, 65504, 1e-5; 2^-30, 2^-39,
    2^-40, 3 * 2^-41; 4290772992, 4292870144; zeros, infinities, quiet and signalling NaN. *)
Definition vectors32 : list (Z * Z) := [
  (0x3F800000, 0x3E00); (0x40000000, 0x4000); (0x3F000000, 0x3C00); (0x3DCCCCCD, 0x3733);
  (0x3CA3D70A, 0x328F); (0x40490FD0, 0x4124); (0x477FE000, 0x5E00); (0x3727C5AC, 0x1C9F);
  (0x30800000, 0x0200); (0x2C000000, 0x0001); (0x2B800000, 0x0000); (0x2BC00000, 0x0001);
  (0x4F7FC000, 0x7DFF); (0x4F7FE000, 0x7E00); (0x00000000, 0x0000); (0x80000000, 0x8000);
  (0x7F800000, 0x7E00); (0xFF800000, 0xFE00); (0x7FC00000, 0x7E01); (0xFF800001, 0x7E01)].

(** T12: the binary32 encoder and Flocq's conversion on these words. *)
Lemma witness_encode32_correct :
  map (fun v => run encode32 (fst v)) vectors32 = map snd vectors32 /\
  map (fun v => encode32_spec (fst v)) vectors32 = map snd vectors32.
Proof. split; vm_compute; reflexivity. Qed.

(** binary64 words and their GF16 words: 1, -2, 0.1, 2^-39, 2^-40, the smallest subnormal of
    binary64, 4290772992, 1e300; infinity and NaN. *)
Definition vectors64 : list (Z * Z) := [
  (0x3FF0000000000000, 0x3E00); (0xC000000000000000, 0xC000); (0x3FB999999999999A, 0x3733);
  (0x3D80000000000000, 0x0001); (0x3D70000000000000, 0x0000); (0x0000000000000001, 0x0000);
  (0x41EFF80000000000, 0x7DFF); (0x7E37E43C8800759C, 0x7E00);
  (0x7FF0000000000000, 0x7E00); (0xFFF8000000000000, 0x7E01)].

(** T12: the binary64 encoder and Flocq's conversion on these words. *)
Lemma witness_encode64_correct :
  map (fun v => run encode64 (fst v)) vectors64 = map snd vectors64 /\
  map (fun v => encode64_spec (fst v)) vectors64 = map snd vectors64.
Proof. split; vm_compute; reflexivity. Qed.

(** T12: one rounding, not two: 1 + 2^-10 + 2^-40 rounds up, while its binary32 neighbour
    1 + 2^-10 is a tie and rounds down. *)
Lemma witness_encode64_one_rounding :
  run encode64 0x3FF0040000001000 = 0x3E01 /\ run encode32 0x3F802000 = 0x3E00.
Proof. split; vm_compute; reflexivity. Qed.

(** GF16 words with their binary32 words: 1, 2^-39, 511 * 2^-39, 2^-30, 4290772992, -0, infinity,
    negative infinity, NaN. *)
Definition decoded_vectors32 : list (Z * Z) := [
  (0x3E00, 0x3F800000); (0x0001, 0x2C000000); (0x01FF, 0x307F8000); (0x0200, 0x30800000);
  (0x7DFF, 0x4F7FC000); (0x8000, 0x80000000); (0x7E00, 0x7F800000); (0xFE00, 0xFF800000);
  (0xFFFF, 0x7FC00000)].

(** T12: the binary32 decoder and Flocq's conversion on these words. *)
Lemma witness_decode32_correct :
  map (fun v => run decode32 (fst v)) decoded_vectors32 = map snd decoded_vectors32 /\
  map (fun v => decode32_spec (fst v)) decoded_vectors32 = map snd decoded_vectors32.
Proof. split; vm_compute; reflexivity. Qed.

(** GF16 words with their binary64 words: 1, 2^-39, 4290772992, -0, infinity, NaN. *)
Definition decoded_vectors64 : list (Z * Z) := [
  (0x3E00, 0x3FF0000000000000); (0x0001, 0x3D80000000000000); (0x7DFF, 0x41EFF80000000000);
  (0x8000, 0x8000000000000000); (0x7E00, 0x7FF0000000000000); (0x7E01, 0x7FF8000000000000)].

(** T12: the binary64 decoder and Flocq's conversion on these words. *)
Lemma witness_decode64_correct :
  map (fun v => run decode64 (fst v)) decoded_vectors64 = map snd decoded_vectors64 /\
  map (fun v => decode64_spec (fst v)) decoded_vectors64 = map snd decoded_vectors64.
Proof. split; vm_compute; reflexivity. Qed.

(** T12 with T7: encoding 2^-40 reaches the error bound. *)
Lemma witness_encode32_error :
  is_finite 24 128 (b32_of_bits 0x2B800000) = true /\
  (Rabs (decode (run encode32 0x2B800000) - B2R 24 128 (b32_of_bits 0x2B800000))
   = half_ulp16 (B2R 24 128 (b32_of_bits 0x2B800000)))%R.
Proof.
  split; [reflexivity|].
  rewrite (b32_dyadic_value _ (Float radix2 8388608 (-63))) by (lia || reflexivity).
  replace (F2R (Float radix2 8388608 (-63))) with (bpow radix2 (-40)) by (unfold F2R; simpl; lra).
  rewrite <- witness_gf16_error, gf16_round_half_smallest.
  replace (run encode32 0x2B800000) with 0 by (vm_compute; reflexivity).
  rewrite (gf16_dyadic_decode 0 (Float radix2 0 (-39))) by (lia || reflexivity).
  rewrite F2R_0; reflexivity.
Qed.

(** T12 with T7: the number nearest to 0.1 is encoded as its rounding. *)
Lemma witness_encode32_value : let x := B2R 24 128 (b32_of_bits 0x3DCCCCCD) in
  (is_finite 24 128 (b32_of_bits 0x3DCCCCCD) = true /\ Rabs x <= gf16_max /\
  x = 13421773 / 134217728 /\ run encode32 0x3DCCCCCD = 0x3733%Z /\
  decode 0x3733 = gf16_round x /\ decode 0x3733 = 819 / 8192)%R.
Proof.
  intros x; destruct witness_gf16_round as [Hround Hdecode].
  destruct witness_b32_dyadic_correct as [_ Hvalue]; fold x in Hvalue.
  split; [reflexivity|split; [|split; [exact Hvalue|split; [vm_compute; reflexivity|split]]]].
  - rewrite Hvalue, (proj1 witness_gf16_no_overflow), Rabs_pos_eq by lra; lra.
  - rewrite Hdecode, <- Hround, Hvalue; f_equal; unfold F2R; simpl; lra.
  - exact Hdecode.
Qed.

(** T7: words decoded to exact numbers and encoded again; -0 is the number 0. *)
Lemma witness_all_words :
  gf16_dyadic 0x3733 = Some (Float radix2 819 (-13)) /\ encode 819 (-13) = 0x3733 /\
  option_map F2R (gf16_dyadic 0x8000) = Some 0%R /\ gf16_dyadic 0x7E01 = None.
Proof.
  split; [reflexivity|split; [vm_compute; reflexivity|split; [|reflexivity]]].
  simpl; f_equal; apply F2R_0.
Qed.

(** T12: words that come back, through binary32 and through binary64; a NaN does not. *)
Lemma witness_encode32_decode32 :
  map (fun z => run encode32 (run decode32 z)) [0x3733; 0x8001; 0xFE00; 0xFFFF]
  = [0x3733; 0x8001; 0xFE00; 0x7E01] /\
  map (fun z => run encode64 (run decode64 z)) [0x3733; 0x8001; 0xFE00; 0xFFFF]
  = [0x3733; 0x8001; 0xFE00; 0x7E01].
Proof. split; vm_compute; reflexivity. Qed.

Open Scope R_scope.

(** The golden ratio lies between 1.618033 and 1.618034. *)
Lemma witness_phi_identity : 1618033 / 1000000 < phi < 1618034 / 1000000.
Proof. assert (Hphi := phi_inverse_bounds); rewrite phi_inverse in Hphi; lra. Qed.

(** The runner-up 5:10 is farther by both measures: 0.118 and 0.048 against 0.0487 and 0.0181. *)
Lemma witness_split :
  split_ratio 6 9 < 487 / 10000 < 118 / 1000 /\ 118 / 1000 < split_ratio 5 10 /\
  split_share 9 < 181 / 10000 < 48 / 1000 /\ 48 / 1000 < split_share 10.
Proof.
  assert (Hphi := phi_inverse_bounds).
  assert (Hratio := split_ratio_value); assert (Hshare := split_share_value).
  unfold split_ratio, split_share in *.
  rewrite (Rabs_left (5 / 10 - / phi)), (Rabs_pos_eq (10 / 15 - / phi)) by lra; lra.
Qed.
