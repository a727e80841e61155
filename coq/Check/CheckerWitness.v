(** * Bundles that are accepted, and others that are not

    Purpose: T13 speaks of accepted bundles.  Here is one with three columns and two rows, the
      losses of T5's Gram matrix: a row kept at round-to-nearest, and a row with a scale that is no
      power of two whose codes lose strictly less.  Two more have integers with zero points, scales
      of both signs and two groups, and a table.  One change at a time makes every test of the
      checker answer, so that none of them is idle.
    Main results (T13): [witness_accepted], [witness_strict], [witness_flipped_code],
      [witness_rejected], [witness_tie]; [grid_witnesses_accepted], [integer_witness_strict],
      [table_witness_strict], [grid_witnesses_flipped], [witness_claims],
      [witness_claims_about_losses], [witness_bad_grids].
    Depends on: Check/CheckerProof.
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Format.Word.
From Hallmark Require Import Check.Dyadic Check.Reading Check.Grid Check.Ruler Check.Checker.
From Hallmark Require Import Check.CheckerProof.
Import ListNotations.
Open Scope Z_scope.

(** The Gram matrix [[5,2,0],[2,2,4],[0,4,16]] of T5, in binary64. *)
Definition checker_gram : list (list Z) :=
  [[0x4014000000000000; 0x4000000000000000; 0];
   [0x4000000000000000; 0x4000000000000000; 0x4010000000000000];
   [0; 0x4010000000000000; 0x4030000000000000]].

(** T5's weights (3073, 3073, 3071) / 2048 with their round-to-nearest codes; loss 19 / 2^22. *)
Definition witness_rtn : tensor_row :=
  Row [0x3FC01000; 0x3FC01000; 0x3FBFF000] [0x3F00; 0x3F00; 0x3F00] [0x3F800000] [0] true
    0x3ED3000000000000 0x3ED3000000000000 0x3ED3000000000000 0x3ED3000000000000 None.

(** Weights 3/4 (3073, 3073, 3073) / 2048 with scale 3/4; loss 27 / 2^26 against 315 / 2^26. *)
Definition witness_gptq : tensor_row :=
  Row [0x3F900C00; 0x3F900C00; 0x3F900C00] [0x3F00; 0x3F01; 0x3F00] [0x3F400000] [0] false
    0x3E9AFFFFFFFFFFFF 0x3E9B000000000001 0x3ED3AFFFFFFFFFFF 0x3ED3B00000000001 None.

(** A guarded bundle of GF16 codes with one scale per row and three columns: what version 1 of the
    format holds. *)
Definition gf16_bundle (gram : list (list Z)) (l : list tensor_row) : bundle :=
  Bundle (Golden 6 9) 0 3 (Some gram) true l.

(** The accepted bundle. *)
Definition witness : bundle := gf16_bundle checker_gram [witness_rtn; witness_gptq].

(** The checker accepts it. *)
Lemma witness_accepted : accepts witness = true.
Proof. vm_compute; reflexivity. Qed.

(** The same bundle with the lowest bit of one code flipped back to round-to-nearest. *)
Definition flipped : bundle :=
  gf16_bundle checker_gram [witness_rtn;
    Row (weights witness_gptq) [0x3F00; 0x3F00; 0x3F00] (scales witness_gptq) [0] false
      (final_low witness_gptq) (final_high witness_gptq)
      (rtn_low witness_gptq) (rtn_high witness_gptq) None].

(** The checker rejects it, and says where. *)
Lemma witness_flipped_code : first_failure flipped = Some (InRow 1 FinalOutside).
Proof. vm_compute; reflexivity. Qed.

(** A bundle with one row. *)
Definition one_row (gram : list (list Z)) (r : tensor_row) : bundle := gf16_bundle gram [r].

(** The second row with other codes, scale, claim and ends of enclosures. *)
Definition changed (g : list Z) (s : Z) (claim : bool) (fl rh : Z) : tensor_row :=
  Row (weights witness_gptq) g [s] [0] claim fl (final_high witness_gptq) (rtn_low witness_gptq) rh
    None.

(** Every fault is found where it was planted. *)
Lemma witness_rejected :
  let fl := final_low witness_gptq in
  let rh := rtn_high witness_gptq in
  let g := codes witness_gptq in
  let s := 0x3F400000 in
  map first_failure
    [ one_row (tl checker_gram) witness_rtn;
      gf16_bundle checker_gram [];
      one_row ([0x7FF0000000000000; 0; 0] :: tl checker_gram) witness_rtn;
      one_row ([0x4014000000000000; 0x4000000000000001; 0] :: tl checker_gram) witness_rtn;
      one_row checker_gram (Row [0; 0] [0; 0; 0] [s] [0] false 0 0 0 0 None);
      one_row checker_gram (Row [0; 0; 0x7FC00000] [0; 0; 0] [s] [0] false 0 0 0 0 None);
      one_row checker_gram (changed [0x3F00; 0x7E01; 0x3F00] s false fl rh);
      one_row checker_gram (changed g 0x7F800000 false fl rh);
      one_row checker_gram (changed g 0 false fl rh);
      one_row checker_gram (changed g 0x80000000 false fl rh);
      one_row checker_gram (changed g 0xBF400000 true fl rh);
      one_row checker_gram (Row [0; 0; 0] [0; 0; 0] [s; s] [0; 0] false 0 0 0 0 None);
      one_row checker_gram (Row [0; 0; 0] [0; 0; 0] [s] [1] false 0 0 0 0 None);
      one_row checker_gram (changed g s false 0xFFF0000000000000 rh);
      one_row checker_gram (changed g s true fl rh);
      one_row checker_gram (changed [0x3F00; 0x3EFF; 0x3F00] s false fl rh);
      one_row checker_gram (changed g s false 0x3E9B000000000001 rh);
      one_row checker_gram (changed g s false fl 0x3ED3AFFFFFFFFFFF);
      one_row checker_gram (changed g s false fl rh) ]
  = [ Some (InTensor BadShape); Some (InTensor BadShape); Some (InTensor BadGram);
      Some (InTensor Asymmetric); Some (InRow 0 BadShape); Some (InRow 0 BadWeight);
      Some (InRow 0 BadCode); Some (InRow 0 BadScale); Some (InRow 0 BadScale);
      Some (InRow 0 BadScale); Some (InRow 0 NotRtn); Some (InRow 0 BadShape);
      Some (InRow 0 BadZero); Some (InRow 0 BadEnclosure); Some (InRow 0 NotRtn);
      Some (InRow 0 GuardBroken); Some (InRow 0 FinalOutside); Some (InRow 0 RtnOutside); None ].
Proof. vm_compute; reflexivity. Qed.

(** Ties go to the even code, on either side, and numbers beyond the last point to that point;
    zero and the smallest numbers included. *)
Lemma witness_tie :
  map (fun x => let y := rtn_dyadic (GoldenRuler 6 9) (Float radix2 3 (-2)) 0 x in (Fnum y, Fexp y))
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
  11 * final_loss witness witness_gptq < rtn_loss witness witness_gptq.
Proof.
destruct (accepts_rows witness witness_accepted) as [_ each].
assert (sound := each 1%nat ltac:(simpl; lia)).
change (row_at witness 1) with witness_gptq in sound.
assert (above := proj2 (sound_final _ _ sound eq_refl)).
assert (below := proj1 (sound_rtn _ _ sound eq_refl)).
rewrite (b64_value_is (final_high witness_gptq) 0x1B000000000001 (-74)) in above
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
rewrite (b64_value_is (rtn_low witness_gptq) 0x13AFFFFFFFFFFF (-70)) in below
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
change (-70)%Z with (4 + -74)%Z in below; rewrite bpow_plus in below.
change (bpow radix2 4) with 16 in below.
assert (unit_pos := bpow_gt_0 radix2 (-74)); lra.
Qed.

Open Scope Z_scope.

(** Unsigned integers 0 .. 15 in two groups of two columns and one: scale -1/2 with zero point 5,
    scale 3/8 with zero point 9.  Weights (27, -37, 19) / 16; loss 11/256 against 139/256. *)
Definition integer_row (c1 : Z) : tensor_row :=
  Row [0x3FD80000; 0xC0140000; 0x3F980000] [2; c1; 12] [0xBF000000; 0x3EC00000] [5; 9] false
    0x3FA6000000000000 0x3FA6000000000000 0x3FE1600000000000 0x3FE1600000000000 None.

(** The bundle with that row. *)
Definition integer_bundle (c1 : Z) : bundle :=
  Bundle (Integer 0 15) 2 3 (Some checker_gram) true [integer_row c1].

(** The table -3/2, -1/4, 1/2, 1, 2. *)
Definition witness_table : grid :=
  Table [0xBFC00000; 0xBE800000; 0x3F000000; 0x3F800000; 0x40000000].

(** Indices in two groups, scales -1/2 and 3/4.  Weights (-1, 5, -1) / 16; loss 11/256 against
    211/256. *)
Definition table_row (c1 : Z) : tensor_row :=
  Row [0xBD800000; 0x3EA00000; 0xBD800000] [2; c1; 1] [0xBF000000; 0x3F400000] [0; 0] false
    0x3FA6000000000000 0x3FA6000000000000 0x3FEA600000000000 0x3FEA600000000000 None.

(** The bundle with that row. *)
Definition table_bundle (c1 : Z) : bundle :=
  Bundle witness_table 2 3 (Some checker_gram) true [table_row c1].

(** Both are accepted. *)
Lemma grid_witnesses_accepted :
  accepts (integer_bundle 9) = true /\ accepts (table_bundle 0) = true.
Proof. vm_compute; split; reflexivity. Qed.

(** One bit of one code flipped: the loss leaves its enclosure or the guard, or the code is none. *)
Lemma grid_witnesses_flipped :
  map (fun c => first_failure (integer_bundle c)) [8; 11; 13; 1; 9 + 16]
  = [Some (InRow 0 FinalOutside); Some (InRow 0 GuardBroken); Some (InRow 0 GuardBroken);
     Some (InRow 0 GuardBroken); Some (InRow 0 BadCode)] /\
  map (fun c => first_failure (table_bundle c)) [1; 2; 4; 8]
  = [Some (InRow 0 FinalOutside); Some (InRow 0 GuardBroken); Some (InRow 0 GuardBroken);
     Some (InRow 0 BadCode)].
Proof. vm_compute; split; reflexivity. Qed.

(** The first flip of each. *)
Lemma integer_flipped : first_failure (integer_bundle 8) = Some (InRow 0 FinalOutside).
Proof. vm_compute; reflexivity. Qed.

(** The same of the table. *)
Lemma table_flipped : first_failure (table_bundle 1) = Some (InRow 0 FinalOutside).
Proof. vm_compute; reflexivity. Qed.

(** Without the guard codes that lose more than round-to-nearest are accepted; without a Gram matrix
    no loss is judged. *)
Lemma witness_claims :
  let r code claim ends := Row [0x3FD80000; 0xC0140000; 0x3F980000] [2; code; 12]
    [0xBF000000; 0x3EC00000] [5; 9] claim ends ends 0x3FE1600000000000
    0x3FE1600000000000 None in
  let judge gram guard l := first_failure (Bundle (Integer 0 15) 2 3 gram guard [l]) in
  let worse := r 11 false 0x4000580000000000 in
  [ judge (Some checker_gram) true worse; judge (Some checker_gram) false worse;
    judge (Some checker_gram) false (r 11 false 0x4000580000000001);
    judge (Some checker_gram) false (r 9 true 0x3FA6000000000000);
    judge None false (r 10 true 0); judge None false (r 9 true 0); judge None false (r 9 false 0) ]
  = [ Some (InRow 0 GuardBroken); None; Some (InRow 0 FinalOutside); Some (InRow 0 NotRtn);
      None; Some (InRow 0 NotRtn); None ].
Proof. vm_compute; reflexivity. Qed.

(** Enclosures that say little, exact losses that are others, and columns of which nothing is known.
    With the diagonal (0, 2, 16) the first column is dead: its code has to be the nearest one.  An
    enclosure may be a quarter of its upper end wide, [27, 36] / 2^26, and not more; neighbours may
    be further apart, [0, 2^-1074]. *)
Lemma witness_claims_about_losses :
  let r code fl fh exact := Row (weights witness_gptq) [code; 0x3F01; 0x3F00] [0x3F400000] [0] false
    fl fh (rtn_low witness_gptq) (rtn_high witness_gptq) exact in
  let judge gram l := first_failure (gf16_bundle gram [l]) in
  let loss := Some (Float radix2 27 (-26), Float radix2 315 (-26)) in
  let dead := [0; 0; 0] :: [0; 0x4000000000000000; 0x4010000000000000] :: tl (tl checker_gram) in
  let zeros := repeat [0; 0; 0] 3 in
  let nothing code fh := Row (weights witness_gptq) [code; 0x3F00; 0x3F00] [0x3F400000] [0] false
    0 fh 0 0 None in
  [ judge checker_gram (r 0x3F00 0x3E9B000000000000 0x3EA2000000000000 loss);
    judge checker_gram (r 0x3F00 0x3E9B000000000000 0x3EA2000000000001 None);
    judge checker_gram (r 0x3F00 0 0x3E9B000000000000 None);
    judge checker_gram (r 0x3F00 0x3E9B000000000000 0x3E9B000000000000
      (Some (Float radix2 27 (-26), Float radix2 315 (-27))));
    judge checker_gram (r 0x3F00 0x3E9B000000000000 0x3E9B000000000000
      (Some (Float radix2 26 (-26), Float radix2 315 (-26))));
    judge dead (r 0x3F01 0x3E9B000000000000 0x3E9B000000000000 None);
    judge zeros (nothing 0x3F01 0); judge zeros (nothing 0x3F00 0);
    judge zeros (nothing 0x3F00 1); judge zeros (nothing 0x3F00 2) ]
  = [ None; Some (InRow 0 TooWide); Some (InRow 0 TooWide); Some (InRow 0 ExactDiffers);
      Some (InRow 0 ExactDiffers); Some (InRow 0 DeadCode); Some (InRow 0 DeadCode); None; None;
      Some (InRow 0 TooWide) ].
Proof. vm_compute; reflexivity. Qed.

(** What is no grid, and the widest that are; zero points and groups that do not fit. *)
Lemma witness_bad_grids :
  let zero g size z := first_failure (Bundle g size 3 None false [Row [0; 0; 0] [0; 0; 0]
    [0x3F800000] [z] false 0 0 0 0 None]) in
  map (fun g => zero g 0%nat 0)
    [ Golden 1 5; Golden 9 5; Golden 4 0; Golden 2 13; Golden 8 8; Integer 3 3; Integer (-257) 0;
      Integer 0 256; Table [0]; Table [0x3F800000; 0x3F800000]; Table [0x3F800000; 0];
      Table [0; 0x7F800000]; Table [0; 0x3F800400] ]
  = repeat (Some (InTensor BadGrid)) 13 /\
  map (fun g => zero g 0%nat 0)
    [ Golden 2 1; Golden 8 7; Golden 3 12; Integer (-256) 255; Table [0; 0x3F800800] ]
  = repeat None 5 /\
  [ zero (Integer 0 15) 0%nat 15; zero (Integer 0 15) 0%nat 16; zero (Integer 0 15) 0%nat (-1);
    zero (Golden 4 3) 0%nat 1; zero (Golden 4 3) 3%nat 0; zero (Golden 4 3) 2%nat 0 ]
  = [ None; Some (InRow 0 BadZero); Some (InRow 0 BadZero); Some (InRow 0 BadZero); None;
      Some (InRow 0 BadShape) ].
Proof. vm_compute; repeat split; reflexivity. Qed.

(** Ties on the other grids, scale -1/2: to the even integer, not the even code; to the even index;
    and what lies beyond the ends. *)
Lemma witness_grid_ties :
  let tie k z l := map (fun x => let y := rtn_dyadic k (Float radix2 (-1) (-1)) z x in
    Z.shiftl (Fnum y) (Fexp y + 8)) (map (fun m => Float radix2 m (-4)) l) in
  tie (IntegerRuler 0 15) 5 [4; -4; 12; -12; 1600; -1600; 0]
  = map (fun m => m * 128) [0; 0; 2; -2; 5; -10; 0] /\
  match prepare witness_table with
  | Some k => tie k 0 [7; -1; -6; -12; 1600; -1600]
  | None => []
  end = map (fun m => m * 64) [3; -1; -1; -4; 3; -4].
Proof. vm_compute; split; reflexivity. Qed.

Open Scope R_scope.

(** On the integers the codes lose 12 times less. *)
Lemma integer_witness_strict : let b := integer_bundle 9 in
  12 * final_loss b (integer_row 9) < rtn_loss b (integer_row 9).
Proof.
destruct (accepts_rows _ (proj1 grid_witnesses_accepted)) as [_ each].
assert (sound := each 0%nat ltac:(simpl; lia)).
change (row_at (integer_bundle 9) 0) with (integer_row 9) in sound.
assert (above := proj2 (sound_final _ _ sound eq_refl)).
assert (below := proj1 (sound_rtn _ _ sound eq_refl)).
rewrite (b64_value_is (final_high (integer_row 9)) 0x16000000000000 (-57)) in above
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
rewrite (b64_value_is (rtn_low (integer_row 9)) 0x11600000000000 (-53)) in below
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
change (-53)%Z with (4 + -57)%Z in below; rewrite bpow_plus in below.
change (bpow radix2 4) with 16 in below.
assert (unit_pos := bpow_gt_0 radix2 (-57)); cbv zeta; lra.
Qed.

(** On the table they lose 19 times less. *)
Lemma table_witness_strict : let b := table_bundle 0 in
  19 * final_loss b (table_row 0) < rtn_loss b (table_row 0).
Proof.
destruct (accepts_rows _ (proj2 grid_witnesses_accepted)) as [_ each].
assert (sound := each 0%nat ltac:(simpl; lia)).
change (row_at (table_bundle 0) 0) with (table_row 0) in sound.
assert (above := proj2 (sound_final _ _ sound eq_refl)).
assert (below := proj1 (sound_rtn _ _ sound eq_refl)).
rewrite (b64_value_is (final_high (table_row 0)) 0x16000000000000 (-57)) in above
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
rewrite (b64_value_is (rtn_low (table_row 0)) 0x1A600000000000 (-53)) in below
  by first [vm_compute; reflexivity | split; [discriminate|reflexivity]].
change (-53)%Z with (4 + -57)%Z in below; rewrite bpow_plus in below.
change (bpow radix2 4) with 16 in below.
assert (unit_pos := bpow_gt_0 radix2 (-57)); cbv zeta; lra.
Qed.
