(** * Rows whose round-to-nearest has other steps, and rotated rows

    Purpose: where steps were searched, or rows are rotated, the codes of a row are compared with
      round-to-nearest under the steps of a rule, in the basis of the weights.
    Main definitions: [beside_row], [pair_read], [beside_failure], [rule_failure].
    Main results (T13): [beside_rows] (rotated rows and their enclosures), [rule_rows] (the codes
      lose no more than round-to-nearest under the other steps).
    Depends on: Check/Checker, Check/CheckerProof, Check/Turn, Gptq/Rotation; Flocq: Core.
    Source: docs/checker.md. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Rotation.
From Hallmark Require Import Check.Dyadic Check.Reading Check.Grid Check.Ruler.
From Hallmark Require Import Check.QuadraticForm Check.Packing Check.Checker.
From Hallmark Require Import Check.CheckerProof Check.Turn.
Import ListNotations.
Open Scope Z_scope.

(** A row, the scales and zero points of round-to-nearest, and the signs of its rotation if it is
    rotated: 1 or -1 for each column of a whole block of 16. *)
Record beside_row : Set := Beside {
  own : tensor_row;
  near_scales : list Z;
  near_zeros : list Z;
  signs_of : option (list Z) }.

(** The row alone, without its claims; and with the steps of round-to-nearest. *)
Definition unclaimed (r : tensor_row) : tensor_row :=
  Row (weights r) (codes r) (scales r) (zeros r) false 0 0 0 0 None.
Definition near (x : beside_row) : tensor_row :=
  Row (weights (own x)) (codes (own x)) (near_scales x) (near_zeros x) false 0 0 0 0 None.

(** What the rows share, without the Gram matrix. *)
Definition bare (t : tensor) : tensor :=
  Tensor (tensor_ruler t) (width_of t) (group_columns t) (groups t) None false.

(** Integers in units of 2^[e] are integers in units of 2^[E]. *)
Definition rescale (e E : Z) (l : list Z) : list Z :=
  map (fun x => align E (Float radix2 x e)) l.

(** The errors of the codes, in a unit: of a rotated row those of p R, where p are the points of its
    codes. *)
Definition code_side (t : tensor) (x : beside_row) : Z * list Z + fault :=
  match read_row (bare t) (unclaimed (own x)) with
  | inr f => inr f
  | inl (Errors e q _) =>
      match signs_of x, read_b32 (weights (own x)) with
      | None, _ => inl (e, q)
      | Some _, None => inr BadWeight
      | Some signs, Some w =>
          let n := width_of t in
          if negb (Nat.leb (16 * (n / 16)) (length signs)) then inr BadShape else
          let E := Z.min e (lowest w) in
          let wi := map (align E) w in
          inl (E - 2, differences (map (Z.mul 4) wi)
                        (turn (n / 16) signs (differences wi (rescale e E q))))
      end
  end.

(** The errors of round-to-nearest. *)
Definition near_side (t : tensor) (x : beside_row) : Z * list Z + fault :=
  match read_row (bare t) (near x) with
  | inr f => inr f
  | inl (Errors e q p) => inl (e, match p with Some l => l | None => q end)
  end.

(** Both in one unit. *)
Definition pair_read (t : tensor) (x : beside_row) : errors + fault :=
  match code_side t x, near_side t x with
  | inr f, _ => inr f
  | _, inr f => inr f
  | inl (a, q), inl (b, p) =>
      let E := Z.min a b in inl (Errors E (rescale a E q) (Some (rescale b E p)))
  end.

(** The first fault among rows numbered from [i] that a [verdict] finds; without a Gram matrix there
    is nothing to judge. *)
Definition pairs_failure (verdict : beside_row -> Z -> Z -> Z -> option fault) (t : tensor) (i : Z)
  (l : list beside_row) : option failure :=
  let read := map (pair_read t) l in
  match triangle t with
  | None => Some (InTensor BadGram)
  | Some (U, unit, top) =>
      losses_failure verdict unit i l read
        (quadratics U top (width_of t) (flat_map vectors_of read))
  end.

(** All that a row says of its losses, those of round-to-nearest under the other steps. *)
Definition beside_failure (t : tensor) : Z -> list beside_row -> option failure :=
  pairs_failure (fun x => loss_fault (guard t) (own x)) t.

(** That the codes lose no more than it. *)
Definition rule_failure : tensor -> Z -> list beside_row -> option failure :=
  pairs_failure (fun _ _ final rtn => if final <=? rtn then None else Some GuardBroken).

Open Scope R_scope.

(** The numbers that the codes of a row stand for: p, or p R. *)
Definition decoded_row (b : bundle) (x : beside_row) : vec :=
  match signs_of x with
  | None => point_row b (own x)
  | Some signs =>
      vmul (columns b) (point_row b (own x)) (rotation (columns b) (fun j => nth j signs 0%Z))
  end.

(** The exact loss of the codes; that of round-to-nearest is [rtn_loss b (near x)]. *)
Definition decoded_loss (b : bundle) (x : beside_row) : R :=
  qform (columns b) (gram_of b) (vsub (weight_row (own x)) (decoded_row b x)).

(** What is known of the words of a row, whatever is said of losses: they are finite, codes of the
    grid, and scales that are not zero, those of round-to-nearest too. *)
Record words_sound (b : bundle) (x : beside_row) : Prop := {
  words_weights : length (weights (own x)) = columns b /\ Forall b32_finite (weights (own x));
  words_codes : length (codes (own x)) = columns b /\
    Forall (code_ok (code_grid b)) (codes (own x));
  words_steps : forall j, (j < columns b)%nat ->
    step_of b (own x) j <> 0 /\ zero_ok (code_grid b) (zero_of b (own x) j);
  words_near : forall j, (j < columns b)%nat ->
    step_of b (near x) j <> 0 /\ zero_ok (code_grid b) (zero_of b (near x) j) }.

(** The promise of a row that is rotated, or judged beside other steps. *)
Record beside_sound (b : bundle) (x : beside_row) : Prop := {
  beside_words : words_sound b x;
  beside_final : b64_value (final_low (own x)) <= decoded_loss b x <= b64_value (final_high (own x));
  beside_rtn : b64_value (rtn_low (own x)) <= rtn_loss b (near x) <= b64_value (rtn_high (own x));
  beside_guard : guarded b = true -> decoded_loss b x <= rtn_loss b (near x);
  beside_sharp : sharp (final_low (own x)) (final_high (own x)) /\
    sharp (rtn_low (own x)) (rtn_high (own x));
  beside_exact : forall u v, exact_losses (own x) = Some (u, v) ->
    decoded_loss b x = F2R u /\ rtn_loss b (near x) = F2R v }.

(** The bundle without its Gram matrix. *)
Definition bare_bundle (b : bundle) : bundle :=
  Bundle (code_grid b) (group_size b) (columns b) None false (rows b).

Lemma bare_fits b t : fits b t -> fits (bare_bundle b) (bare t).
Proof. intros [ruler width group count _ _]; constructor; cbn; first [assumption|reflexivity]. Qed.

(** Rescaled integers stand for the same numbers. *)
Lemma rescale_correct e E l j : (E <= e)%Z ->
  int_vec (rescale e E l) j * bpow radix2 E = int_vec l j * bpow radix2 e.
Proof.
intros below; unfold int_vec, rescale.
replace (nth j (map (fun x => align E (Float radix2 x e)) l) 0%Z)
  with (align E (Float radix2 (nth j l 0%Z) e)).
- rewrite <- align_correct by (right; exact below); reflexivity.
- rewrite <- (map_nth (fun x => align E (Float radix2 x e))); f_equal; apply Z.shiftl_0_l.
Qed.

Lemma rescale_length e E l : length (rescale e E l) = length l.
Proof. apply map_length. Qed.

(** The errors of the codes. *)
Lemma code_side_correct b t x e q : fits b t -> code_side t x = inl (e, q) ->
  (length (weights (own x)) = columns b /\ Forall b32_finite (weights (own x))) /\
  (length (codes (own x)) = columns b /\ Forall (code_ok (code_grid b)) (codes (own x))) /\
  (forall j, (j < columns b)%nat ->
    step_of b (own x) j <> 0 /\ zero_ok (code_grid b) (zero_of b (own x) j)) /\
  length q = columns b /\
  forall j, (j < columns b)%nat ->
    vsub (weight_row (own x)) (decoded_row b x) j = int_vec q j * bpow radix2 e.
Proof.
intros fit; unfold code_side.
destruct (read_row (bare t) (unclaimed (own x))) as [[e0 q0 p0]|] eqn:read; [|discriminate].
destruct (read_row_correct _ _ _ _ _ _ (bare_fits b t fit) read)
  as [ok_w ok_c _ ok_s _ _ [size_q real_q] _].
cbn in ok_w, ok_c, ok_s, size_q, real_q.
assert (common : (length (weights (own x)) = columns b /\ Forall b32_finite (weights (own x))) /\
  (length (codes (own x)) = columns b /\ Forall (code_ok (code_grid b)) (codes (own x))) /\
  (forall j, (j < columns b)%nat ->
    step_of b (own x) j <> 0 /\ zero_ok (code_grid b) (zero_of b (own x) j))) by tauto.
unfold decoded_row; destruct (signs_of x) as [signs|].
2: { intros done; injection done as <- <-; repeat split; try apply common; assumption. }
destruct (read_b32 (weights (own x))) as [w|] eqn:read_w; [|discriminate].
destruct (read_b32_correct _ _ read_w) as [size_w [_ value_w]].
rewrite (fits_width _ _ fit); set (n := columns b) in *.
destruct (Nat.leb_spec (16 * (n / 16)) (length signs)) as [enough|]; [cbn [negb]|discriminate].
set (E := Z.min e0 (lowest w)); set (wi := map (align E) w).
set (pi := differences wi (rescale e0 E q0)); set (turned := turn (n / 16) signs pi).
intros done; injection done as <- <-.
assert (size_wi : length wi = n) by (unfold wi; rewrite map_length; destruct ok_w; lia).
assert (size_pi : length pi = n).
{ apply differences_length; [exact size_wi|rewrite rescale_length; exact size_q]. }
assert (size_turn : length turned = n).
{ apply turn_length; [exact size_pi| |exact enough].
  assert (whole := Nat.mul_div_le n 16 ltac:(lia)); lia. }
assert (real_w : forall j, (j < n)%nat -> weight_row (own x) j = int_vec wi j * bpow radix2 E).
{ intros j below; unfold weight_row.
  rewrite (read_nth b32_value F2R _ _ _ value_w) by (destruct ok_w; lia); apply align_nth.
  intros y member; apply (aligned_le (lowest w)); [lia|apply lowest_aligned, member]. }
assert (real_p : forall j, (j < n)%nat -> point_row b (own x) j = int_vec pi j * bpow radix2 E).
{ intros j below; unfold pi; rewrite differences_correct by (rewrite rescale_length; lia).
  rewrite Rmult_minus_distr_r, rescale_correct, <- real_w by (lia || exact below).
  rewrite <- real_q by exact below; unfold vsub.
  replace (point_row (bare_bundle b) (unclaimed (own x)) j) with (point_row b (own x) j)
    by reflexivity.
  replace (weight_row (unclaimed (own x)) j) with (weight_row (own x) j) by reflexivity; ring. }
split; [apply common|split; [apply common|split; [apply common|split]]].
- apply differences_length; [rewrite map_length; exact size_wi|exact size_turn].
- intros j below; rewrite differences_correct by (rewrite map_length; lia).
  assert (quarter : bpow radix2 E = 4 * bpow radix2 (E - 2)).
  { unfold Z.sub; rewrite bpow_plus; simpl; lra. }
  assert (four : int_vec (map (Z.mul 4) wi) j = 4 * int_vec wi j).
  { unfold int_vec; change 0%Z with (4 * 0)%Z at 1; rewrite map_nth, mult_IZR; reflexivity. }
  unfold vsub; rewrite real_w by exact below; rewrite Rmult_minus_distr_r, four.
  replace (vmul n (point_row b (own x)) (rotation n (fun k => nth k signs 0%Z)) j)
    with (int_vec turned j * bpow radix2 (E - 2)); [rewrite quarter; ring|].
  unfold int_vec at 1, turned; rewrite (turn_correct (n / 16) n) by first [reflexivity|assumption].
  rewrite IZR_zsum, <- bsum_scalr; unfold vmul; apply bsum_ext; intros i small.
  rewrite real_p by exact small; unfold rotation; rewrite mult_IZR, quarter.
  unfold int_vec; field.
Qed.

(** The errors of round-to-nearest. *)
Lemma near_side_correct b t x e p : fits b t -> near_side t x = inl (e, p) ->
  (forall j, (j < columns b)%nat ->
    step_of b (near x) j <> 0 /\ zero_ok (code_grid b) (zero_of b (near x) j)) /\
  length p = columns b /\
  forall j, (j < columns b)%nat ->
    vsub (weight_row (near x)) (rtn_row b (near x)) j = int_vec p j * bpow radix2 e.
Proof.
intros fit; unfold near_side.
destruct (read_row (bare t) (near x)) as [[e0 q0 p0]|] eqn:read; [|discriminate].
destruct (read_row_correct _ _ _ _ _ _ (bare_fits b t fit) read)
  as [_ _ _ ok_s _ _ _ real].
cbv zeta in real; intros done; injection done as <- <-.
split; [exact ok_s|exact real].
Qed.

(** Both, and what their integers are. *)
Lemma pair_read_correct b t x e q p : fits b t -> pair_read t x = inl (Errors e q p) ->
  words_sound b x /\ exists r, p = Some r /\ length q = columns b /\ length r = columns b /\
  (forall j, (j < columns b)%nat ->
    vsub (weight_row (own x)) (decoded_row b x) j = int_vec q j * bpow radix2 e) /\
  forall j, (j < columns b)%nat ->
    vsub (weight_row (near x)) (rtn_row b (near x)) j = int_vec r j * bpow radix2 e.
Proof.
intros fit; unfold pair_read.
destruct (code_side t x) as [[a q0]|] eqn:coded; [|discriminate].
destruct (near_side t x) as [[c p0]|] eqn:nearest; [|discriminate].
destruct (code_side_correct b t x a q0 fit coded) as [ok_w [ok_c [ok_s [size_q real_q]]]].
destruct (near_side_correct b t x c p0 fit nearest) as [ok_n [size_p real_p]].
intros done; injection done as <- <- <-.
split; [constructor; assumption|exists (rescale c (Z.min a c) p0)].
split; [reflexivity|rewrite !rescale_length; split; [exact size_q|split; [exact size_p|split]]].
- intros j below; rewrite rescale_correct by lia; apply real_q, below.
- intros j below; rewrite rescale_correct by lia; apply real_p, below.
Qed.

(** Rows that a verdict passes: it has seen their exact losses, integers in one unit. *)
Lemma pairs_failure_none b t verdict i l : fits b t -> pairs_failure verdict t i l = None ->
  forall x, In x l -> words_sound b x /\ exists final rtn unit,
    decoded_loss b x = F2R (Float radix2 final unit) /\
    rtn_loss b (near x) = F2R (Float radix2 rtn unit) /\ verdict x unit final rtn = None.
Proof.
intros fit; unfold pairs_failure; assert (gram := fits_gram _ _ fit).
destruct (triangle t) as [[[U E] top]|]; [|discriminate].
destruct gram as [M [-> [size [wide [symmetric_M [units [top_pos small]]]]]]].
rewrite quadratics_correct; [|exact top_pos|exact small|].
- intros good x member.
  destruct (losses_failure_none _ _ _ _ _ _ good x member) as [e [q [p [read fine]]]].
  destruct (pair_read_correct b t x e q p fit read) as [ok [r [-> [size_q [size_r [real_q real_r]]]]]].
  split; [exact ok|exists (quadratic (upper (columns b) M) q), (quadratic (upper (columns b) M) r),
    (e + e + E)%Z].
  split; [|split; [|exact fine]]; apply (qform_units _ _ _ _ _ e E size wide); assumption.
- intros v inside; apply in_flat_map in inside; destruct inside as [y [from inside]].
  apply in_map_iff in from; destruct from as [x [read _]].
  rewrite (fits_width _ _ fit); destruct y as [[e q p]|]; [|destruct inside].
  destruct (pair_read_correct b t x e q p fit read) as [_ [r [-> [size_q [size_r _]]]]].
  destruct inside as [<-|[<-|[]]]; assumption.
Qed.

(** T13 for rows beside others: what [beside_failure] passes keeps every promise. *)
Theorem beside_rows b t i l : start_tensor b = inl t -> beside_failure t i l = None ->
  forall x, In x l -> beside_sound b x.
Proof.
intros begun good x member; destruct (start_correct b t begun) as [_ [fit _]].
destruct (pairs_failure_none b t _ i l fit good x member)
  as [ok [final [rtn [unit [real_final [real_rtn fine]]]]]].
rewrite (fits_guard _ _ fit) in fine.
(* The facts of [loss_fault_correct], of losses that are any two real numbers. *)
destruct (loss_fault_sound (guarded b) (own x) unit final rtn fine)
  as [in_final [in_rtn [kept [narrow exact_ok]]]].
rewrite <- real_final, <- real_rtn in *.
constructor; try assumption; intros u v some; exact (exact_ok u v some).
Qed.

(** T13 for searched steps: the codes lose no more than round-to-nearest under the other steps. *)
Theorem rule_rows b t i l : start_tensor b = inl t -> rule_failure t i l = None ->
  forall x, In x l -> words_sound b x /\ decoded_loss b x <= rtn_loss b (near x).
Proof.
intros begun good x member; destruct (start_correct b t begun) as [_ [fit _]].
destruct (pairs_failure_none b t _ i l fit good x member)
  as [ok [final [rtn [unit [-> [-> fine]]]]]].
split; [exact ok|apply F2R_le].
destruct (Z.leb_spec final rtn) as [below|]; [exact below|discriminate].
Qed.
