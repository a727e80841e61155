(** * Check/Witness: a bundle that is accepted, and others that are not

    Purpose.  T13 speaks of accepted bundles.  Here is one with three columns and two rows, the
      losses of T5's Gram matrix: a row kept at round-to-nearest, and a row with a scale that is no
      power of two whose codes lose strictly less.  One change at a time makes every test of the
      checker answer, so that none of them is idle.
    Main results (T13).  [witness_accepted], [witness_strict], [witness_flipped_code],
      [witness_rejected], [witness_tie].
    Dependencies.  Check/CheckerProof. *)

From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core IEEE754.Binary IEEE754.Bits.
From Hallmark Require Import Format.Word.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark Require Import Check.Dyadic Check.Nearest Check.Checker Check.CheckerProof.
Import ListNotations.
Open Scope Z_scope.

(** The Gram matrix [[5,2,0],[2,2,4],[0,4,16]] of T5, in binary64. *)
Definition witness_gram : list (list Z) :=
  [[0x4014000000000000; 0x4000000000000000; 0];
   [0x4000000000000000; 0x4000000000000000; 0x4010000000000000];
   [0; 0x4010000000000000; 0x4030000000000000]].

(** T5's weights (3073, 3073, 3071) / 2048 with their round-to-nearest codes; loss 19 / 2^22. *)
Definition witness_rtn : row :=
  Row [0x3FC01000; 0x3FC01000; 0x3FBFF000] [0x3F00; 0x3F00; 0x3F00] 0x3F800000 true
    0x3ED3000000000000 0x3ED3000000000000 0x3ED3000000000000 0x3ED3000000000000.

(** Weights 3/4 (3073, 3073, 3073) / 2048 with scale 3/4; loss 27 / 2^26 against 315 / 2^26. *)
Definition witness_gptq : row :=
  Row [0x3F900C00; 0x3F900C00; 0x3F900C00] [0x3F00; 0x3F01; 0x3F00] 0x3F400000 false
    0x3E9AFFFFFFFFFFFF 0x3E9B000000000001 0x3ED3AFFFFFFFFFFF 0x3ED3B00000000001.

(** The accepted bundle. *)
Definition witness : bundle := Bundle 3 witness_gram [witness_rtn; witness_gptq].

(** The checker accepts it. *)
Lemma witness_accepted : accepts witness = true.
Proof. vm_compute; reflexivity. Qed.

(** The same bundle with the lowest bit of one code flipped back to round-to-nearest. *)
Definition flipped : bundle :=
  Bundle 3 witness_gram [witness_rtn;
    Row (weights witness_gptq) [0x3F00; 0x3F00; 0x3F00] (scale witness_gptq) false
      (final_low witness_gptq) (final_high witness_gptq)
      (rtn_low witness_gptq) (rtn_high witness_gptq)].

(** The checker rejects it, and says where. *)
Lemma witness_flipped_code : first_failure flipped = Some (InRow 1 FinalOutside).
Proof. vm_compute; reflexivity. Qed.

(** A bundle with one row. *)
Definition one_row (gram : list (list Z)) (r : row) : bundle := Bundle 3 gram [r].

(** The second row with other codes, scale, claim and ends of enclosures. *)
Definition changed (g : list Z) (s : Z) (claim : bool) (fl rh : Z) : row :=
  Row (weights witness_gptq) g s claim fl (final_high witness_gptq) (rtn_low witness_gptq) rh.

(** Every fault is found where it was planted. *)
Lemma witness_rejected :
  let fl := final_low witness_gptq in
  let rh := rtn_high witness_gptq in
  let g := codes witness_gptq in
  let s := scale witness_gptq in
  map first_failure
    [ Bundle 3 (tl witness_gram) [witness_rtn];
      Bundle 3 witness_gram [];
      one_row ([0x7FF0000000000000; 0; 0] :: tl witness_gram) witness_rtn;
      one_row ([0x4014000000000000; 0x4000000000000001; 0] :: tl witness_gram) witness_rtn;
      one_row witness_gram (Row [0; 0] [0; 0; 0] s false 0 0 0 0);
      one_row witness_gram (Row [0; 0; 0x7FC00000] [0; 0; 0] s false 0 0 0 0);
      one_row witness_gram (changed [0x3F00; 0x7E01; 0x3F00] s false fl rh);
      one_row witness_gram (changed g 0x7F800000 false fl rh);
      one_row witness_gram (changed g 0 false fl rh);
      one_row witness_gram (changed g 0xBF400000 false fl rh);
      one_row witness_gram (changed g s false 0xFFF0000000000000 rh);
      one_row witness_gram (changed g s true fl rh);
      one_row witness_gram (changed [0x3F00; 0x3EFF; 0x3F00] s false fl rh);
      one_row witness_gram (changed g s false 0x3E9B000000000001 rh);
      one_row witness_gram (changed g s false fl 0x3ED3AFFFFFFFFFFF);
      one_row witness_gram (changed g s false fl rh) ]
  = [ Some (InTensor BadShape); Some (InTensor BadShape); Some (InTensor BadGram);
      Some (InTensor Asymmetric); Some (InRow 0 BadShape); Some (InRow 0 BadWeight);
      Some (InRow 0 BadCode); Some (InRow 0 BadScale); Some (InRow 0 BadScale);
      Some (InRow 0 BadScale); Some (InRow 0 BadEnclosure); Some (InRow 0 NotRtn);
      Some (InRow 0 GuardBroken); Some (InRow 0 FinalOutside); Some (InRow 0 RtnOutside); None ].
Proof. vm_compute; reflexivity. Qed.

(** Ties go to the even code, on either side, and numbers beyond the last point to that point;
    zero and the smallest numbers included. *)
Lemma witness_tie :
  map (fun x => let y := rtn_dyadic (Float radix2 3 (-2)) x in (Fnum y, Fexp y))
    [ Float radix2 (3 * 1025) (-12); Float radix2 (3 * 1027) (-12); Float radix2 (-3 * 1027) (-12);
      Float radix2 3 (-42); Float radix2 9 (-42); Float radix2 3 40; Float radix2 0 7 ]
  = [ (3 * 512, -11); (3 * 514, -11); (-3 * 514, -11); (0, -41); (3 * 2, -41); (3 * 1023, 20);
      (0, -4) ].
Proof. vm_compute; reflexivity. Qed.

Open Scope R_scope.

(** The value of a binary64 word, from the integer computation. *)
Lemma b64_value_is z m e : (0 <= z < 2 ^ 64)%Z -> b64_dyadic z = Some (Float radix2 m e) ->
  b64_value z = IZR m * bpow radix2 e.
Proof. intros range word; exact (b64_dyadic_value z _ range word). Qed.

(** The promise is not trivial: on the witness the codes lose strictly less, by a factor of 11. *)
Lemma witness_strict :
  11 * final_loss 3 (gram_of witness) witness_gptq < rtn_loss 3 (gram_of witness) witness_gptq.
Proof.
destruct (T13_checker witness witness_accepted) as [_ each].
assert (sound := each 1%nat ltac:(simpl; lia)).
change (row_at witness 1) with witness_gptq in sound; change (columns witness) with 3%nat in sound.
assert (above := proj2 (sound_final _ _ _ sound)).
assert (below := proj1 (sound_rtn _ _ _ sound)).
rewrite (b64_value_is (final_high witness_gptq) 0x1B000000000001 (-74)) in above
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
rewrite (b64_value_is (rtn_low witness_gptq) 0x13AFFFFFFFFFFF (-70)) in below
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
change (-70)%Z with (4 + -74)%Z in below; rewrite bpow_plus in below.
change (bpow radix2 4) with 16 in below.
assert (unit_pos := bpow_gt_0 radix2 (-74)); lra.
Qed.
