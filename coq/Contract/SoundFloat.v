(** * The programs meet the contracts

    Purpose: what a run evaluates are the postconditions; here they are proved of the numbers that
      the programs compute, rounding included, where [Sound] and [SoundEntry] derive
      them from preconditions.
    Main results: [gf16_half_gap_met], [gf16_nearest_met], [idempotence_met], [exact_product_met],
      [gram_accumulation_met], [gram_bound_met], [factor_residual_met],
      [factor_residual_stored_met], [pivots_met].
    Depends on: [Statements], [Denotation], [SoundEntry], Gptq/GoldenGrid, Float/GramError,
      Float/AnyOrder, Float/FactorClosed.
    Source: this project. *)
From Coq Require Import ZArith Reals Lra Lia List String.
From Flocq Require Import Core.
From Hallmark.Format Require Import GF16 ScaledGrid.
From Hallmark.Gptq Require Import Sums Matrix GoldenGrid.
From Hallmark.Float Require Import Arithmetic Rounding Gamma ChainError Recurrence Factor FactorError.
From Hallmark.Float Require Import FactorDiagonal GramError FactorClosed FactorRounded.
From Hallmark.Float Require Import SummationTree AnyOrder.
From Hallmark.Contract Require Import Syntax Denotation Statements SoundEntry.
Import ListNotations.
Open Scope R_scope.

(** The environment holds codes q that round x on GF16 with scales s. *)
Definition holds_gf16_codes (e : environment R) : Prop :=
  forall j, (j < size e "n")%nat -> 0 < vector e "s" j
    /\ vector e "q" j = gf16_columns (vector e "s") j (vector e "x" j).

(** The bound of one rounding without a division by the scale. *)
Lemma gf16_half_gap_value s j x : 0 < s j ->
  gf16_half_gap s j x = Rmax (1 / IZR 1024 * Rabs x) (1 / IZR 1099511627776 * s j).
Proof.
  intros pos; unfold gf16_half_gap, half_ulp16.
  rewrite <- RmaxRmult by lra.
  unfold Rdiv at 1; rewrite Rabs_mult, (Rabs_pos_eq (/ s j)) by (apply Rlt_le, Rinv_0_lt_compat, pos).
  assert (ten : bpow radix2 (-10) = 1 / IZR 1024) by (simpl; lra).
  assert (forty : bpow radix2 (-40) = 1 / IZR 1099511627776) by (simpl; lra).
  rewrite ten, forty; f_equal; [field; lra|lra].
Qed.

(** T7: the codes are within the half gap, *)
Theorem gf16_half_gap_met e : holds_gf16_codes e -> promised gf16_half_gap_contract e.
Proof.
  intros codes j below; destruct (codes j below) as [pos code].
  assert (error := gf16_columns_error (vector e "s") j (vector e "x" j) pos).
  rewrite <- code, gf16_half_gap_value in error by assumption; exact error.
Qed.

(** and no points l and r of the grid are nearer. *)
Theorem gf16_nearest_met e : holds_gf16_codes e ->
  (forall j, (j < size e "n")%nat -> exists g h, gf16_format g /\ gf16_format h
    /\ vector e "l" j = vector e "s" j * g /\ vector e "r" j = vector e "s" j * h) ->
  promised gf16_nearest_contract e.
Proof.
  intros codes points j below; destruct (codes j below) as [pos code].
  destruct (points j below) as [g [h [form_g [form_h [l r]]]]].
  assert (nearest : forall p, gf16_format p -> Rabs (vector e "x" j - vector e "q" j)
      <= Rabs (vector e "x" j - vector e "s" j * p)).
  { intros p form; rewrite code; unfold gf16_columns.
    rewrite <- (gf16_exact p form).
    replace (gf16_round p) with (gf16_round (vector e "s" j * p / vector e "s" j))
      by (f_equal; field; lra).
    apply scaled_gf16_nearest; exact pos. }
  split; [change (Rabs (vector e "x" j - vector e "q" j) <= Rabs (vector e "x" j - vector e "l" j));
          rewrite l
         |change (Rabs (vector e "x" j - vector e "q" j) <= Rabs (vector e "x" j - vector e "r" j));
          rewrite r]; apply nearest; assumption.
Qed.

(** Rounding a code again gives it back. *)
Theorem idempotence_met e s x : (forall j, (j < size e "n")%nat -> 0 < s j
    /\ vector e "q" j = gf16_columns s j (x j)
    /\ vector e "r" j = gf16_columns s j (vector e "q" j)) ->
  promised idempotence e.
Proof.
  intros codes j below; destruct (codes j below) as [pos [code again]].
  change (vector e "r" j = vector e "q" j); rewrite again, code.
  apply scaled_idem; [exact pos|exact gf16_idem].
Qed.

(** A number of at most [bits] bits whose last place is at least 2^low. *)
Definition short (bits low : Z) (x : R) : Prop :=
  exists m k, x = IZR m * bpow radix2 k /\ (Z.abs m < 2 ^ bits)%Z /\ (low <= k)%Z.

(** The scale has 11 significant bits and the grid point 10, so binary32 holds their product where
    it does not underflow: the last place of the scale is at least 2^-110, that of a number of GF16
    at least 2^-39. *)
Theorem exact_product_met e : (forall j, (j < size e "n")%nat ->
    short 11 (-110) (vector e "s" j) /\ gf16_format (vector e "g" j)
    /\ vector e "p" j = rnd32 (vector e "s" j * vector e "g" j)) ->
  promised exact_product e.
Proof.
  intros products j below; destruct (products j below) as [[m [k [s [small above]]]] [form p]].
  change (vector e "p" j = vector e "s" j * vector e "g" j); rewrite p.
  apply (rnd_exact (-149) 24).
  apply FLT_format_generic in form; [|exact gf16_prec_gt_0].
  destruct form as [[mg kg] value small_g above_g]; cbn [Fnum Fexp] in small_g, above_g.
  apply generic_format_FLT; exists (Float radix2 (m * mg) (k + kg)); cbn [Fnum Fexp].
  - rewrite s, value; unfold F2R; cbn [Fnum Fexp]; rewrite bpow_plus, mult_IZR; ring.
  - rewrite Z.abs_mul; change (radix2 ^ 24)%Z with (2 ^ 24)%Z.
    change (radix2 ^ 10)%Z with (2 ^ 10)%Z in small_g.
    apply Z.le_lt_trans with (2 ^ 11 * 2 ^ 10)%Z; [apply Z.mul_le_mono_nonneg; lia|reflexivity].
  - lia.
Qed.

(** The unit roundoff of binary64 as the contracts write it. *)
Lemma unit64_value : uro 53 = 1 / IZR 9007199254740992.
Proof. unfold uro; simpl; lra. Qed.

(** T11 (b): the sum that the program accumulates, through at most as many roundings as there are
    tokens: fewer where there is more than one chunk ([order_chunks]). *)
Theorem gram_accumulation_met e n k X S a b : binary32_entries n (size e "m") X ->
  sums_all n (size e "m") k S -> (k <= size e "m")%nat ->
  (a < n)%nat -> (b < n)%nat -> (Z.of_nat (size e "m") <= 2 ^ 53)%Z ->
  vector e "x" = X a -> vector e "y" = X b ->
  scalar e "G" = gram_tree real64 X S a b -> promised gram_accumulation e.
Proof.
  intros entries order deep abelow bbelow few x y sum.
  set (M := size e "m") in *.
  change (Rabs (scalar e "G" - bsum M (fun t => vector e "x" t * vector e "y" t))
    <= INR M * (1 / IZR 9007199254740992) * (1 / 1 + INR M * (1 / IZR 9007199254740992))
       * bsum M (fun t => Rabs (vector e "x" t) * Rabs (vector e "y" t))).
  rewrite x, y, sum, <- unit64_value.
  eapply Rle_trans; [exact (any_order_entry (-1074) 53 (-149) ltac:(lia) n M k X S
    (binary32_grid n M X entries) order a b abelow bbelow)|].
  apply Rmult_le_compat_r; [apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos|].
  eapply Rle_trans; [exact (gam_mono (uro 53) (uro_ge0 53) k M deep)|].
  replace (1 / 1) with 1 by lra; apply (gam_closed (uro 53) (uro_ge0 53)).
  rewrite unit64_value; apply Rmult_le_reg_r with (IZR 9007199254740992); [lra|].
  replace (INR M * (1 / IZR 9007199254740992) * IZR 9007199254740992) with (INR M) by lra.
  rewrite INR_IZR_INZ, Rmult_1_l; apply IZR_le; exact few.
Qed.

(** A row of a Gram matrix that was summed in binary64 from [tokens] binary32 activations, in any order
    (T18), through at most m roundings: [chunk_roundings] of the tokens, for the order of the product
    ([order_chunks]). *)
Theorem gram_bound_met e n tokens k X S a : binary32_entries n tokens X -> sums_all n tokens k S ->
  (k <= size e "m")%nat -> (Z.of_nat (size e "m") <= 2 ^ 50)%Z ->
  (size e "n" <= n)%nat -> (a < n)%nat ->
  (forall j, (j < size e "n")%nat -> vector e "G" j = gram_tree real64 X S a j
    /\ vector e "D" j = gram_tree real64 X S j j) ->
  scalar e "h" = gram_tree real64 X S a a -> promised gram_bound e.
Proof.
  intros entries order few many columns abelow rows diagonal j below.
  destruct (rows j below) as [G D]; change (j < size e "n")%nat in below.
  assert (jbelow := Nat.lt_le_trans _ _ _ below columns).
  set (M := size e "m") in *; set (v := INR M * (1 / IZR 9007199254740992)).
  change (vector e "G" j ^ 2 <= (1 / 1 + 3 / 1 * v) ^ 2 * (scalar e "h" * vector e "D" j)).
  replace (1 / 1) with 1 by lra; replace (3 / 1) with 3 by lra.
  rewrite G, D, diagonal.
  assert (vsmall : 0 <= v <= / 8).
  { assert (count : 0 <= INR M <= 1125899906842624)
      by (split; [apply pos_INR|rewrite INR_IZR_INZ; apply IZR_le; exact many]).
    unfold v; lra. }
  destruct (gram_slack v vsmall) as [fsmall [kpos close]]; set (f := v * (1 + v)) in *.
  assert (constant : gam (uro 53) k <= f).
  { eapply Rle_trans; [exact (gam_mono (uro 53) (uro_ge0 53) k M few)|].
    assert (closed := gam_closed (uro 53) (uro_ge0 53) M).
    assert (same : INR M * uro 53 = v) by (rewrite unit64_value; reflexivity).
    unfold gam_up in closed; rewrite same in closed; apply closed; lra. }
  assert (cpos := gam_ge0 (uro 53) (uro_ge0 53) k).
  assert (small : gam (uro 53) k < 1) by lra.
  assert (grid := binary32_grid n tokens X entries).
  assert (bound := any_order_gram_bound (-1074) 53 (-149) ltac:(lia) n tokens k X S grid order small
    a j abelow jbelow).
  assert (roots : forall i, (i < n)%nat -> 0 <= gram_tree real64 X S i i).
  { intros i ibelow.
    destruct (any_order_root (-1074) 53 (-149) ltac:(lia) n tokens k X S grid order i ibelow)
      as [low pos].
    eapply Rle_trans; [|exact low]; apply Rmult_le_pos; lra. }
  set (c := gam (uro 53) k) in *.
  assert (quotient : c / (1 - c) <= 3 / 2 * v).
  { apply Rmult_le_reg_r with (1 - c); [lra|].
    replace (c / (1 - c) * (1 - c)) with c by (field; lra).
    assert (outer : 3 / 2 * v * (1 - f) <= 3 / 2 * v * (1 - c)) by (apply Rmult_le_compat_l; lra).
    lra. }
  apply sqr_le in bound; eapply Rle_trans; [exact bound|].
  rewrite !Rpow_mult_distr, !pow2_sqrt by (apply roots; assumption).
  apply Rmult_le_compat_r; [apply Rmult_le_pos; apply roots; assumption|].
  assert (width : 0 <= c / (1 - c)) by (apply Rmult_le_pos; [exact cpos|apply Rlt_le, Rinv_0_lt_compat; lra]).
  apply pow_incr; lra.
Qed.

(** The run of the factorization that T15 speaks of. *)
Record factor_run (n : nat) (H C U : mat) (d : vec) (hmax : R) : Prop := {
  factor_program : is_factor real64 n H C U d;
  factor_symmetric : sym n H;
  factor_pivots : forall k, (k < n)%nat -> 0 < d k;
  factor_sane : sane_diagonal n H hmax }.
Arguments factor_program {n H C U d hmax}.
Arguments factor_symmetric {n H C U d hmax}.
Arguments factor_pivots {n H C U d hmax}.
Arguments factor_sane {n H C U d hmax}.

(** The environment holds an entry i, j of H, rows of the factor V, and roots of the diagonal. *)
Record entry_of (e : environment R) (H V : mat) (d : vec) (i j : nat) : Prop := {
  entry_x : vector e "x" = V i;
  entry_y : vector e "y" = V j;
  entry_d : vector e "d" = d;
  entry_h : scalar e "h" = H i j;
  entry_a : 0 <= scalar e "a" /\ H i i <= scalar e "a" ^ 2;
  entry_b : 0 <= scalar e "b" /\ H j j <= scalar e "b" ^ 2 }.

(** An entry bounded against the roots of the diagonal. *)
Lemma entry_promised e H V d i j c : entry_of e H V d i j -> 0 <= c <= scalar e "g" ->
  Rabs (resid (size e "n") H V d i j) <= c * (sqrt (H i i) * sqrt (H j j)) ->
  promised factor_residual e.
Proof.
  intros [x y pivots h [apos a] [bpos b]] [cpos cg] bound.
  change (Rabs (scalar e "h" - bsum (size e "n")
      (fun k => vector e "x" k * vector e "d" k * vector e "y" k))
    <= scalar e "g" * (scalar e "a" * scalar e "b")).
  rewrite x, y, pivots, h; eapply Rle_trans; [exact bound|].
  assert (root : forall v r, 0 <= r -> v <= r ^ 2 -> sqrt v <= r).
  { intros v r rpos below; rewrite <- (sqrt_pow2 r) by exact rpos; apply sqrt_le_1_alt; exact below. }
  assert (product : 0 <= sqrt (H i i) * sqrt (H j j) <= scalar e "a" * scalar e "b").
  { split; [apply Rmult_le_pos; apply sqrt_pos|].
    apply Rmult_le_compat; try apply sqrt_pos; apply root; assumption. }
  apply Rmult_le_compat; lra.
Qed.

(** T15 in binary64, with any g from (n + 2) 2^-53 up; *)
Theorem factor_residual_met e H C U d hmax i j : factor_run (size e "n") H C U d hmax ->
  (i < size e "n")%nat -> (j < size e "n")%nat -> entry_of e H U d i j ->
  residual64 (size e "n") <= scalar e "g" -> promised factor_residual e.
Proof.
  intros [run symmetric pivots sane] ibelow jbelow entry constant.
  apply (entry_promised e H U d i j (residual64 (size e "n"))); [exact entry| |].
  - split; [|exact constant]; unfold residual64; apply Rmult_le_pos; [|apply bpow_ge_0].
    assert (index := pos_INR (size e "n")); lra.
  - exact (residual_entry_binary64 _ H C U d hmax run symmetric pivots sane i j ibelow jbelow).
Qed.

(** for the factor rounded to binary32, from 2^-23 + 2^-46 + (n + 2) 2^-53 up. *)
Theorem factor_residual_stored_met e H C U d hmax i j : factor_run (size e "n") H C U d hmax ->
  (i < size e "n")%nat -> (j < size e "n")%nat ->
  entry_of e H (round_factor (-149) 24 U) d i j ->
  residual32 (size e "n") <= scalar e "g" -> promised factor_residual e.
Proof.
  intros [run symmetric pivots sane] ibelow jbelow entry constant.
  apply (entry_promised e H (round_factor (-149) 24 U) d i j (residual32 (size e "n")));
    [exact entry| |].
  - split; [|exact constant]; unfold residual32, residual64.
    assert (index := pos_INR (size e "n")).
    assert (first := bpow_ge_0 radix2 (-23)); assert (second := bpow_ge_0 radix2 (-46)).
    assert (third : 0 <= (INR (size e "n") + 2) * bpow radix2 (-53))
      by (apply Rmult_le_pos; [lra|apply bpow_ge_0]).
    lra.
  - exact (residual_entry_binary32 _ H C U d hmax run symmetric pivots sane i j ibelow jbelow).
Qed.

(** The computed pivots, with any g from (n + 2) 2^-53 up. *)
Theorem pivots_met e H C U hmax : factor_run (size e "n") H C U (vector e "d") hmax ->
  (forall j, (j < size e "n")%nat -> vector e "h" j = H j j) ->
  residual64 (size e "n") <= scalar e "g" -> promised pivots e.
Proof.
  intros [run symmetric pivots sane] diagonal constant j below.
  set (n := size e "n") in *; set (d := vector e "d") in *.
  change (0 / 1 <= d j /\ d j <= (1 / 1 + scalar e "g") * vector e "h" j).
  rewrite diagonal by exact below; assert (pos := pivots j below).
  destruct (sane_sizes n H hmax sane j below) as [Hpos _].
  assert (entry := residual_entry_binary64 n H C U d hmax run symmetric pivots sane
    j j below below).
  rewrite sqrt_sqrt in entry by exact Hpos; unfold resid in entry; apply Rabs_le_inv in entry.
  assert (pick := pivot_le_diagonal n U d (factor_unit_upper (-1074) 53 n H C U d run) pivots j below).
  assert (wider : residual64 n * H j j <= scalar e "g" * H j j)
    by (apply Rmult_le_compat_r; assumption).
  split; lra.
Qed.
