(** * The contracts on codes and on entries of matrices

    Purpose: what each of these contracts supposes implies what it promises, in every environment.
    Main results: [gf16_half_gap_sound], [gf16_nearest_sound], [idempotence_sound],
      [exact_product_sound], [gram_accumulation_sound], [gram_bound_sound],
      [factor_residual_sound].
    Depends on: [Statements], [Denotation], Float/SumsExtra.
    Source: this project. *)
From Coq Require Import Reals Lra Lia Psatz List String.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums.
From Hallmark.Float Require Import Gamma SumsExtra.
From Hallmark.Contract Require Import Syntax Denotation Statements.
Import ListNotations.
Open Scope R_scope.

(** A number at most its distance from 0 is 0. *)
Lemma near_itself a b : Rabs (a - b) <= Rabs (a - a) -> b = a.
Proof.
  unfold Rminus at 2; rewrite Rplus_opp_r, Rabs_R0; intros near.
  assert (pos := Rabs_pos (a - b)); assert (zero : Rabs (a - b) = 0) by lra.
  destruct (Req_dec (a - b) 0) as [same|other]; [lra|].
  apply Rabs_no_R0 in other; contradiction.
Qed.

(** The half gap of a point between two neighbours on one side of zero. *)
Lemma half_gap_between s x q l r c z : 0 <= c -> l <= x <= r -> 0 <= l * r ->
  r - l <= Rmax (2 * c * Rabs l) (2 * z * s) -> r - l <= Rmax (2 * c * Rabs r) (2 * z * s) ->
  Rabs (x - q) <= Rabs (x - l) -> Rabs (x - q) <= Rabs (x - r) ->
  Rabs (x - q) <= Rmax (c * Rabs x) (z * s).
Proof.
  intros cpos [left right] side gap_l gap_r near_l near_r.
  rewrite (Rabs_pos_eq (x - l)) in near_l by lra; rewrite (Rabs_left1 (x - r)) in near_r by lra.
  destruct (Rle_or_lt (2 * c * Rabs l) (2 * z * s)) as [small_l|big_l].
  { rewrite Rmax_right in gap_l by exact small_l.
    eapply Rle_trans; [|apply Rmax_r]; lra. }
  destruct (Rle_or_lt (2 * c * Rabs r) (2 * z * s)) as [small_r|big_r].
  { rewrite Rmax_right in gap_r by exact small_r.
    eapply Rle_trans; [|apply Rmax_r]; lra. }
  rewrite Rmax_left in gap_l, gap_r by lra.
  eapply Rle_trans; [|apply Rmax_l].
  assert (inner : c * Rabs l <= c * Rabs x \/ c * Rabs r <= c * Rabs x); [|lra].
  destruct (Rle_or_lt 0 l) as [pos|neg]; [left|right]; (apply Rmult_le_compat_l; [exact cpos|]).
  - rewrite !Rabs_pos_eq by lra; exact left.
  - assert (r <= 0) by nra; rewrite !Rabs_left1 by lra; lra.
Qed.

Arguments half_gap_between {s x q}.

Theorem gf16_half_gap_sound : valid gf16_half_gap_contract.
Proof.
  intros e [inside [side [gap_l [gap_r [near_l [near_r _]]]]]] j below.
  specialize (inside j below); specialize (side j below); specialize (gap_l j below).
  specialize (gap_r j below); specialize (near_l j below); specialize (near_r j below).
  cbn -[IZR Rdiv] in *.
  apply (half_gap_between (vector e "l" j) (vector e "r" j)); try assumption; try lra.
  - replace (2 * (1 / 1024)) with (1 / 512) by lra.
    replace (2 * (1 / 1099511627776)) with (1 / 549755813888) by lra; exact gap_l.
  - replace (2 * (1 / 1024)) with (1 / 512) by lra.
    replace (2 * (1 / 1099511627776)) with (1 / 549755813888) by lra; exact gap_r.
Qed.

Theorem gf16_nearest_sound : valid gf16_nearest_contract.
Proof.
  intros e [order [low [high _]]] j below.
  specialize (order j below); specialize (low j below); specialize (high j below).
  cbn -[IZR Rdiv] in *; replace (2 / 1) with 2 in * by lra.
  split; unfold Rabs; repeat destruct Rcase_abs; lra.
Qed.

Theorem idempotence_sound : valid idempotence.
Proof.
  intros e [point [near _]] j below; specialize (point j below); specialize (near j below).
  cbn -[IZR Rdiv] in *; rewrite point in near; apply near_itself; exact near.
Qed.

Theorem exact_product_sound : valid exact_product.
Proof.
  intros e [point [near _]] j below; specialize (point j below); specialize (near j below).
  cbn -[IZR Rdiv] in *; rewrite point in near; apply near_itself; exact near.
Qed.

(** The errors of a chain of additions, each relative to its result. *)
Lemma chain_growth m (x y delta c : nat -> R) u : 0 <= u ->
  (forall t, (t < m)%nat -> Rabs (delta t) <= u * Rabs (c t + x t * y t)) ->
  (forall t, (t < m)%nat -> c t = bsum t (fun k => x k * y k + delta k)) ->
  Rabs (bsum m delta) <= gam u m * bsum m (fun t => Rabs (x t) * Rabs (y t)).
Proof.
  intros upos; induction m as [|m IH]; intros step partial; cbn [bsum].
  { rewrite Rabs_R0, Rmult_0_r; lra. }
  assert (before := IH (fun t below => step t (Nat.lt_lt_succ_r _ _ below))
    (fun t below => partial t (Nat.lt_lt_succ_r _ _ below))).
  assert (here := step m (Nat.lt_succ_diag_r m)).
  rewrite (partial m (Nat.lt_succ_diag_r m)), bsum_plus in here.
  set (S := bsum m (fun t => Rabs (x t) * Rabs (y t))) in *.
  assert (total : Rabs (bsum m (fun k => x k * y k)) <= S).
  { eapply Rle_trans; [apply bsum_abs|]; apply Req_le, bsum_ext; intros; apply Rabs_mult. }
  assert (Spos : 0 <= S)
    by (apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
  assert (sum : Rabs (bsum m (fun k => x k * y k) + bsum m delta + x m * y m)
      <= S + gam u m * S + Rabs (x m) * Rabs (y m)).
  { eapply Rle_trans; [apply Rabs_triang|]; rewrite Rabs_mult.
    eapply Rle_trans; [apply Rplus_le_compat_r, Rabs_triang|]; lra. }
  assert (scaled := Rmult_le_compat_l u _ _ upos sum).
  eapply Rle_trans; [apply Rabs_triang|].
  rewrite <- gam_step.
  assert (g0 := gam_ge0 u upos m).
  assert (last : 0 <= Rabs (x m) * Rabs (y m)) by (apply Rmult_le_pos; apply Rabs_pos).
  assert (extra : 0 <= gam u m * (1 + u) * (Rabs (x m) * Rabs (y m)))
    by (apply Rmult_le_pos; [apply Rmult_le_pos; lra|exact last]).
  lra.
Qed.

Theorem gram_accumulation_sound : valid gram_accumulation.
Proof.
  intros e [partial [step [total [small _]]]].
  set (M := size e "m"); set (u := 1 / 9007199254740992).
  set (x := vector e "x"); set (y := vector e "y"); set (delta := vector e "delta").
  change (forall t, (t < M)%nat ->
    Rabs (delta t) <= u * Rabs (vector e "c" t + x t * y t)) in step.
  change (forall t, (t < M)%nat ->
    vector e "c" t = bsum t (fun k => x k * y k + delta k)) in partial.
  change (scalar e "G" = bsum M (fun t => x t * y t + delta t)) in total.
  change (INR M * u <= 1 / 1) in small.
  change (Rabs (scalar e "G" - bsum M (fun t => x t * y t))
    <= INR M * u * (1 / 1 + INR M * u) * bsum M (fun t => Rabs (x t) * Rabs (y t))).
  assert (upos : 0 <= u) by (unfold u; lra).
  rewrite total, bsum_plus.
  replace (bsum M (fun t => x t * y t) + bsum M delta - bsum M (fun t => x t * y t))
    with (bsum M delta) by ring.
  eapply Rle_trans; [exact (chain_growth M x y delta (vector e "c") u upos step partial)|].
  apply Rmult_le_compat_r;
    [apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos|].
  replace (1 / 1) with 1 in * by lra; exact (gam_closed u upos M small).
Qed.

(** Cauchy and Schwarz, in the sizes of the terms. *)
Lemma schwarz_sizes k (x y : nat -> R) :
  bsum k (fun t => Rabs (x t) * Rabs (y t)) ^ 2
  <= bsum k (fun t => x t * x t) * bsum k (fun t => y t * y t).
Proof.
  assert (schwarz := cauchy_schwarz k (fun t => Rabs (x t)) (fun t => Rabs (y t))).
  cbv beta in schwarz; eapply Rle_trans; [exact schwarz|apply Req_le].
  f_equal; apply bsum_ext; intros t _; rewrite pow2_abs; ring.
Qed.

(** An entry of a nearly exact Gram matrix against its nearly exact diagonal. *)
Lemma near_gram f k G A B h D : 0 <= f < 1 -> 0 <= k -> 1 + f <= (1 + k) * (1 - f) ->
  0 <= A -> 0 <= B -> Rabs G <= (1 + f) * sqrt (A * B) ->
  A * (1 - f) <= h -> B * (1 - f) <= D -> G ^ 2 <= (1 + k) ^ 2 * (h * D).
Proof.
  intros [fpos fone] kpos close Apos Bpos entry diag_h diag_D.
  apply sqr_le in entry; eapply Rle_trans; [exact entry|].
  assert (AB : 0 <= A * B) by (apply Rmult_le_pos; assumption).
  rewrite Rpow_mult_distr, pow2_sqrt by exact AB.
  assert (growth : (1 + f) ^ 2 <= ((1 + k) * (1 - f)) ^ 2) by (apply pow_incr; lra).
  apply Rle_trans with (((1 + k) * (1 - f)) ^ 2 * (A * B));
    [apply Rmult_le_compat_r; assumption|].
  replace (((1 + k) * (1 - f)) ^ 2 * (A * B))
    with ((1 + k) ^ 2 * (A * (1 - f) * (B * (1 - f)))) by ring.
  apply Rmult_le_compat_l; [apply pow2_ge_0|].
  apply Rmult_le_compat; try assumption; apply Rmult_le_pos; lra.
Qed.

(** The errors of m roundings, v = m u at most 1/8, against the slack. *)
Lemma gram_slack v : 0 <= v <= / 8 -> let f := v * (1 + v) in let k := 3 * v in
  0 <= f < 1 /\ 0 <= k /\ 1 + f <= (1 + k) * (1 - f).
Proof.
  intros small f k; subst f k; assert (square : 0 <= v * v <= / 8 * v) by (split; nra).
  assert (cube : v * v * v <= / 64 * v) by nra.
  repeat split; nra.
Qed.

Theorem gram_bound_sound : valid gram_bound.
Proof.
  intros e [few [diag_h [diag_D [entry _]]]] j below.
  specialize (diag_D j below); specialize (entry j below).
  set (M := size e "m") in *; set (v := INR M * (1 / 9007199254740992)).
  set (x := vector e "x") in *; set (y := matrix e "Y" j) in *.
  set (h := scalar e "h") in *; set (D := vector e "D" j) in *; set (G := vector e "G" j) in *.
  change (v <= 1 / 8) in few.
  change (Rabs (h - bsum M (fun t => x t * x t))
    <= v * (1 / 1 + v) * bsum M (fun t => Rabs (x t) * Rabs (x t))) in diag_h.
  change (Rabs (D - bsum M (fun t => y t * y t))
    <= v * (1 / 1 + v) * bsum M (fun t => Rabs (y t) * Rabs (y t))) in diag_D.
  change (Rabs (G - bsum M (fun t => x t * y t))
    <= v * (1 / 1 + v) * bsum M (fun t => Rabs (x t) * Rabs (y t))) in entry.
  change (G ^ 2 <= (1 / 1 + 3 / 1 * v) ^ 2 * (h * D)).
  replace (1 / 1) with 1 in * by lra; replace (3 / 1) with 3 by lra.
  assert (vpos : 0 <= v) by (assert (index := pos_INR M); unfold v; lra).
  destruct (gram_slack v ltac:(lra)) as [fsmall [kpos close]].
  set (f := v * (1 + v)) in *.
  assert (positive : forall z : nat -> R, bsum M (fun t => Rabs (z t) * Rabs (z t))
      = bsum M (fun t => z t * z t)).
  { intros z; apply bsum_ext; intros t _; rewrite <- Rabs_mult; apply Rabs_pos_eq; nra. }
  rewrite positive in diag_h, diag_D.
  set (A := bsum M (fun t => x t * x t)) in *; set (B := bsum M (fun t => y t * y t)) in *.
  assert (Apos : 0 <= A) by (apply bsum_ge0; intros; nra).
  assert (Bpos : 0 <= B) by (apply bsum_ge0; intros; nra).
  set (C := bsum M (fun t => Rabs (x t) * Rabs (y t))) in *.
  assert (Cpos : 0 <= C) by (apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
  assert (schwarz : C <= sqrt (A * B)).
  { rewrite <- (sqrt_pow2 C) by exact Cpos; apply sqrt_le_1_alt, schwarz_sizes. }
  assert (size : Rabs (bsum M (fun t => x t * y t)) <= C).
  { eapply Rle_trans; [apply bsum_abs|]; apply Req_le, bsum_ext; intros; apply Rabs_mult. }
  apply (near_gram f _ G A B h D); try assumption.
  - replace G with (G - bsum M (fun t => x t * y t) + bsum M (fun t => x t * y t)) by ring.
    eapply Rle_trans; [apply Rabs_triang|].
    assert (scaled : (1 + f) * C <= (1 + f) * sqrt (A * B))
      by (apply Rmult_le_compat_l; lra).
    lra.
  - apply Rabs_le_inv in diag_h; lra.
  - apply Rabs_le_inv in diag_D; lra.
Qed.

(** Cauchy and Schwarz with weights. *)
Lemma schwarz_weighted k (d x y : nat -> R) : (forall t, (t < k)%nat -> 0 <= d t) ->
  bsum k (fun t => Rabs (x t) * d t * Rabs (y t)) ^ 2
  <= bsum k (fun t => x t * d t * x t) * bsum k (fun t => y t * d t * y t).
Proof.
  intros pos.
  assert (schwarz := schwarz_sizes k (fun t => sqrt (d t) * x t) (fun t => sqrt (d t) * y t)).
  cbv beta in schwarz.
  assert (weight : forall t (a b : R), (t < k)%nat -> sqrt (d t) * a * (sqrt (d t) * b) = a * d t * b).
  { intros t a b below.
    replace (sqrt (d t) * a * (sqrt (d t) * b)) with (a * (sqrt (d t) * sqrt (d t)) * b) by ring.
    rewrite sqrt_sqrt by (apply pos; exact below); reflexivity. }
  rewrite (bsum_ext k (fun t => Rabs (sqrt (d t) * x t) * Rabs (sqrt (d t) * y t))
    (fun t => Rabs (x t) * d t * Rabs (y t))) in schwarz.
  2: { intros t below; rewrite !Rabs_mult, (Rabs_pos_eq (sqrt (d t))) by apply sqrt_pos.
       apply weight; exact below. }
  rewrite (bsum_ext k (fun t => sqrt (d t) * x t * (sqrt (d t) * x t))
    (fun t => x t * d t * x t)) in schwarz by (intros; apply weight; assumption).
  rewrite (bsum_ext k (fun t => sqrt (d t) * y t * (sqrt (d t) * y t))
    (fun t => y t * d t * y t)) in schwarz by (intros; apply weight; assumption).
  exact schwarz.
Qed.

Theorem factor_residual_sound : valid factor_residual.
Proof.
  intros e [entry [diag_p [diag_s [root_a [root_b [pivots [constant _]]]]]]].
  set (M := size e "n") in *; set (d := vector e "d") in *; set (x := vector e "x") in *.
  set (y := vector e "y") in *; set (f := scalar e "f") in *; set (g := scalar e "g") in *.
  set (a := scalar e "a") in *; set (b := scalar e "b") in *.
  set (p := scalar e "p") in *; set (s := scalar e "s") in *; set (h := scalar e "h") in *.
  change (Rabs (h - bsum M (fun k => x k * d k * y k))
    <= f * bsum M (fun k => Rabs (x k) * d k * Rabs (y k))) in entry.
  change (Rabs (p - bsum M (fun k => x k * d k * x k))
    <= f * bsum M (fun k => Rabs (x k) * d k * Rabs (x k))) in diag_p.
  change (Rabs (s - bsum M (fun k => y k * d k * y k))
    <= f * bsum M (fun k => Rabs (y k) * d k * Rabs (y k))) in diag_s.
  change (0 / 1 <= a /\ p <= a ^ 2) in root_a; change (0 / 1 <= b /\ s <= b ^ 2) in root_b.
  change (forall k, (k < M)%nat -> 0 / 1 <= d k) in pivots.
  change (0 / 1 <= f /\ f < 1 / 1 /\ f <= g * (1 / 1 - f)) in constant.
  change (Rabs (h - bsum M (fun k => x k * d k * y k)) <= g * (a * b)).
  assert (pos : forall k, (k < M)%nat -> 0 <= d k)
    by (intros k below; assert (entry_k := pivots k below); lra).
  assert (positive : forall v : nat -> R, bsum M (fun k => Rabs (v k) * d k * Rabs (v k))
      = bsum M (fun k => v k * d k * v k)).
  { intros v; apply bsum_ext; intros k _.
    replace (Rabs (v k) * d k * Rabs (v k)) with (Rabs (v k) * Rabs (v k) * d k) by ring.
    rewrite <- Rabs_mult, Rabs_pos_eq by nra; ring. }
  rewrite positive in diag_p, diag_s.
  set (X := bsum M (fun k => x k * d k * x k)) in *; set (Y := bsum M (fun k => y k * d k * y k)) in *.
  set (E := bsum M (fun k => Rabs (x k) * d k * Rabs (y k))) in *.
  assert (weighted : forall v : nat -> R, 0 <= bsum M (fun k => v k * d k * v k)).
  { intros v; apply bsum_ge0; intros k below; assert (dk := pos k below).
    replace (v k * d k * v k) with (d k * (v k * v k)) by ring; apply Rmult_le_pos; [exact dk|nra]. }
  assert (Xpos := weighted x); assert (Ypos := weighted y); fold X in Xpos; fold Y in Ypos.
  assert (Epos : 0 <= E).
  { apply bsum_ge0; intros k below; assert (dk := pos k below).
    apply Rmult_le_pos; [apply Rmult_le_pos; [apply Rabs_pos|exact dk]|apply Rabs_pos]. }
  assert (schwarz : E ^ 2 <= X * Y) by (apply schwarz_weighted; exact pos).
  apply Rabs_le_inv in diag_p; apply Rabs_le_inv in diag_s.
  assert (left : X * (1 - f) <= a ^ 2) by lra; assert (right : Y * (1 - f) <= b ^ 2) by lra.
  assert (product : X * (1 - f) * (Y * (1 - f)) <= a ^ 2 * b ^ 2)
    by (apply Rmult_le_compat; try assumption; apply Rmult_le_pos; lra).
  assert (sizes : (1 - f) * E <= a * b).
  { apply Rsqr_incr_0_var; [|apply Rmult_le_pos; lra].
    unfold Rsqr; assert (scale : (1 - f) ^ 2 * E ^ 2 <= (1 - f) ^ 2 * (X * Y))
      by (apply Rmult_le_compat_l; [apply pow2_ge_0|exact schwarz]).
    simpl in scale, product; lra. }
  assert (gpos : 0 <= g) by nra.
  eapply Rle_trans; [exact entry|].
  apply Rle_trans with (g * (1 - f) * E); [apply Rmult_le_compat_r; lra|].
  rewrite Rmult_assoc; apply Rmult_le_compat_l; assumption.
Qed.
