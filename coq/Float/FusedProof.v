(** * The guard's program in the format of the recurrence encloses the loss

    Purpose: what [GuardProof] shows of the binary64 stage, of the program of [FusedProgram]: errors
      rounded to binary32, the factor as the recurrence reads it, products by chains in binary32,
      sums and ends in binary64.
    Main results: [fused_encloses].
    Depends on: [FusedProgram], [GuardCovers32], [RoundedSum], [Enclosure].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Factor FactorRounded.
From Hallmark.Float Require Import Residual FactorClosed Hessian PivotNorm Enclosure.
From Hallmark.Float Require Import FullArithmetic RoundedSum GuardProgram GuardSlack GuardProof.
From Hallmark.Float Require Import FusedProgram GuardSlack32 GuardCovers32.
Open Scope R_scope.

Local Notation u := (uro 53).
Local Notation h := (eta (-1074)).
Local Notation z := (bpow radix2 (-560)).
Local Notation b149 := (bpow radix2 (-149)).
Local Notation rd := rnd64.

(** A chain of nonnegative products is nonnegative. *)
Lemma fma_chain_ge0 n x y : (forall k, (k < n)%nat -> 0 <= x k * y k) ->
  0 <= fma_chain real64 n x y 0.
Proof.
induction n as [|n IH]; intros pos; [apply Rle_refl|].
cbn [fma_chain a_fma real64 real_arith].
apply rnd64_low; apply Rplus_le_le_0_compat; [apply pos; lia|apply IH; intros; apply pos; lia].
Qed.

Section Row.

Variable n : nat.
Variables (lam hmax : R) (G C U : mat) (d e e' : vec).
Notation H := (hessian_stored lam G).
Hypothesis nonempty : (0 < n)%nat.
Hypothesis few : (Z.of_nat n <= 2 ^ 20)%Z.
Hypothesis run : is_factor real64 n H C U d.
Hypothesis symmetric : sym n G.
Hypothesis pivots : forall k, (k < n)%nat -> bpow radix2 (-400) <= d k.
Hypothesis sane : sane_diagonal n H hmax.
Hypothesis above : hmax <= bpow radix2 375.
Hypothesis lam_pos : 0 <= lam.
Hypothesis formG : forall j, (j < n)%nat -> in_format (-1074) 53 (G j j).
Hypothesis diagonal : forall j, (j < n)%nat -> 0 <= G j j.
Hypothesis rounded : forall k, (k < n)%nat -> e' k = rnd (-149) 24 (e k).
Hypothesis bounded : forall k, (k < n)%nat -> Rabs (e' k) <= bpow radix2 128.
Notation F := full64.
Notation t := (product_chain (-149) 24 (round_factor (-149) 24 U) e').
Notation hh := (fun j => H j j).
Notation gg := (fun j => 2 * G j j).
Notation S := (fused_squares F n d t).
Notation a := (fused_size F n hh e').
Notation X := (fused_excess F n hh gg e').
Notation Ss := (bsum n (fun j => d j * t j ^ 2)).
Notation a1 := (bsum n (fun j => Rabs (e' j) * sqrt (H j j))).
Notation X1 := (bsum n (fun j => (H j j - 2 * G j j) * Rabs (e' j) ^ 2)).
Notation As := (weighted_size n (root_diagonal H) e).
Notation Xs := (bsum n (fun j => (H j j - 2 * G j j) * e j ^ 2)).
Notation L := (sqrt hmax).
Notation r := ((INR n + 7) * u).

(** The first sum. *)
Lemma near_squares32 : Rabs (S - Ss) <= r * Ss + z /\ 0 <= S /\ 0 <= Ss.
Proof.
destruct units as [uvalue [hpos far]].
assert (terms : forall k, (k < n)%nat -> 0 <= d k * t k ^ 2).
{ intros k below; apply Rmult_le_pos; [|apply pow2_ge_0].
  apply Rlt_le, (row_pivots n d pivots); exact below. }
split; [|split; [|apply bsum_ge0; exact terms]].
- apply (rounded_sum64 n (fun j => rd (d j * t j) * t j) (fun j => d j * t j ^ 2)
    (fun k => fma_chain real64 k (fun j => rd (d j * t j)) t 0) nonempty
    (sane_columns sane));
    [apply (fma_chain_steps (-1074) 53)|exact terms|].
  intros k below; set (x := t k); assert (dpos := row_pivots n d pivots k below).
  assert (dlow := pivots k below); set (dk := d k) in *; clearbody x dk.
  assert (first := rnd_error (-1074) 53 (dk * x)); set (y := rd (dk * x)) in *; clearbody y.
  assert (dx : Rabs (dk * x) * Rabs x = dk * x ^ 2).
  { rewrite <- Rabs_mult; replace (dk * x * x) with (dk * x ^ 2) by ring.
    apply Rabs_pos_eq, Rmult_le_pos; [lra|apply pow2_ge_0]. }
  assert (inner : Rabs (y * x - dk * x ^ 2) <= u * (dk * x ^ 2) + h * Rabs x).
  { replace (y * x - dk * x ^ 2) with ((y - dk * x) * x) by ring; rewrite Rabs_mult.
    replace (u * (dk * x ^ 2)) with (u * (Rabs (dk * x) * Rabs x)) by (rewrite dx; reflexivity).
    rewrite <- Rmult_assoc, <- Rmult_plus_distr_r.
    apply Rmult_le_compat_r; [apply Rabs_pos|exact first]. }
  assert (mean : h * (2 * Rabs x) <= h + u * (dk * x ^ 2)).
  { assert (square : 2 * Rabs x <= 1 + x ^ 2)
      by (assert (sq := pow2_ge_0 (Rabs x - 1)); rewrite <- (pow2_abs x); lra).
    assert (use : h * (2 * Rabs x) <= h * (1 + x ^ 2)) by (apply Rmult_le_compat_l; lra).
    assert (tiny : h <= u * dk).
    { apply Rle_trans with (u * bpow radix2 (-400)).
      - unfold uro, eta; rewrite <- bpow_plus; apply bpow_le; lia.
      - apply Rmult_le_compat_l; [apply uro_ge0|exact dlow]. }
    assert (hx : h * x ^ 2 <= u * dk * x ^ 2)
      by (apply Rmult_le_compat_r; [apply pow2_ge_0|exact tiny]).
    lra. }
  assert (hx : 0 <= h * Rabs x) by (apply Rmult_le_pos; [lra|apply Rabs_pos]).
  assert (far0 := far 0%Z ltac:(lia)); simpl (bpow radix2 0) in far0.
  assert (q : 0 <= dk * x ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
  set (w := dk * x ^ 2) in *; clearbody w; rewrite uvalue in *.
  set (f := h) in *; clearbody f; set (b := bpow radix2 (-600)) in *; clearbody b.
  set (fx := f * Rabs x) in *.
  replace (f * (2 * Rabs x)) with (2 * fx) in mean by (unfold fx; ring).
  clearbody fx; clear far; lra.
- apply fma_chain_ge0; intros k below; cbn [a_mul full64 full_real].
  set (x := t k); assert (dpos := row_pivots n d pivots k below).
  destruct (Rle_or_lt 0 x) as [pos|neg].
  + apply Rmult_le_pos; [apply rnd64_low, Rmult_le_pos; lra|exact pos].
  + replace (rd (d k * x) * x) with (rd (d k * - x) * - x).
    * apply Rmult_le_pos; [apply rnd64_low, Rmult_le_pos; lra|lra].
    * replace (d k * - x) with (- (d k * x)) by ring.
      rewrite (rnd_opp (-1074) 53); ring.
Qed.

(** The second. *)
Lemma near_size32 : Rabs (a - a1) <= r * a1 + z /\ 0 <= a /\ 0 <= a1.
Proof.
assert (terms : forall k, (k < n)%nat -> 0 <= Rabs (e' k) * sqrt (H k k))
  by (intros; apply Rmult_le_pos; [apply Rabs_pos|apply sqrt_pos]).
split; [|split; [|apply bsum_ge0; exact terms]].
- apply (rounded_sum64 n (fun j => Rabs (e' j) * rd (sqrt (H j j)))
    (fun j => Rabs (e' j) * sqrt (H j j))
    (fun k => fma_chain real64 k (fun j => Rabs (e' j)) (fun j => rd (sqrt (H j j))) 0) nonempty
    (sane_columns sane)); [apply (fma_chain_steps (-1074) 53)|exact terms|].
  intros k below; set (s := sqrt (H k k)).
  assert (low : bpow radix2 (-450) <= s).
  { unfold s; rewrite <- (sqrt_square (bpow radix2 (-450))) by apply bpow_ge_0.
    rewrite <- bpow_plus; apply sqrt_le_1_alt, (sane_normal sane); exact below. }
  assert (spos : 0 <= s) by apply sqrt_pos; clearbody s.
  assert (root : Rabs (rd s - s) <= 2 * u * s).
  { assert (error := rnd_error (-1074) 53 s); rewrite (Rabs_pos_eq s) in error by exact spos.
    assert (tiny : h <= u * s).
    { apply Rle_trans with (u * bpow radix2 (-450)).
      - unfold uro, eta; rewrite <- bpow_plus; apply bpow_le; lia.
      - apply Rmult_le_compat_l; [apply uro_ge0|exact low]. }
    lra. }
  assert (epos := Rabs_pos (e' k)); assert (upos := uro_ge0 53).
  replace (Rabs (e' k) * rd s - Rabs (e' k) * s) with (Rabs (e' k) * (rd s - s)) by ring.
  rewrite Rabs_mult, (Rabs_pos_eq (Rabs (e' k))) by exact epos.
  assert (use : Rabs (e' k) * Rabs (rd s - s) <= Rabs (e' k) * (2 * u * s))
    by (apply Rmult_le_compat_l; assumption).
  assert (q : 0 <= u * (Rabs (e' k) * s))
    by (apply Rmult_le_pos; [exact upos|apply Rmult_le_pos; assumption]).
  assert (extra := bpow_ge_0 radix2 (-600)); lra.
- apply fma_chain_ge0; intros k below; cbn [a_abs a_sqrt full64 full_real].
  apply Rmult_le_pos; [apply Rabs_pos|apply rnd64_low, sqrt_pos].
Qed.

(** The third. *)
Lemma near_excess32 : Rabs (X - X1) <= r * X1 + z /\ 0 <= X /\ 0 <= X1.
Proof.
destruct units as [uvalue [hpos far]].
assert (terms : forall k, (k < n)%nat -> 0 <= (H k k - 2 * G k k) * Rabs (e' k) ^ 2).
{ intros k below.
  destruct (excess_range n lam hmax G sane above lam_pos formG diagonal k below) as [range _].
  apply Rmult_le_pos; [lra|apply pow2_ge_0]. }
split; [|split; [|apply bsum_ge0; exact terms]].
- apply (rounded_sum64 n
    (fun j => rd (rd (H j j - 2 * G j j) * Rabs (e' j)) * Rabs (e' j))
    (fun j => (H j j - 2 * G j j) * Rabs (e' j) ^ 2)
    (fun k => fma_chain real64 k (fun j => rd (rd (H j j - 2 * G j j) * Rabs (e' j)))
       (fun j => Rabs (e' j)) 0) nonempty (sane_columns sane));
    [apply (fma_chain_steps (-1074) 53)|exact terms|].
  intros k below.
  destruct (excess_range n lam hmax G sane above lam_pos formG diagonal k below) as [range near].
  assert (ebound := bounded k below); assert (epos := Rabs_pos (e' k)).
  set (x := H k k - 2 * G k k) in *; clearbody x; set (v := Rabs (e' k)) in *; clearbody v.
  set (w := rd x) in *; clearbody w.
  assert (error := rnd_error (-1074) 53 (w * v)); set (p := rd (w * v)) in *; clearbody p.
  assert (upos := uro_ge0 53).
  assert (wabs : Rabs w <= (1 + u) * x).
  { replace w with (w - x + x) by ring; eapply Rle_trans; [apply Rabs_triang|].
    rewrite (Rabs_pos_eq x) by lra; lra. }
  assert (first : Rabs (p - w * v) * v <= (u * ((1 + u) * x * v) + h) * v).
  { apply Rmult_le_compat_r; [exact epos|].
    rewrite Rabs_mult, (Rabs_pos_eq v) in error by exact epos.
    assert (use : u * (Rabs w * v) <= u * ((1 + u) * x * v))
      by (apply Rmult_le_compat_l; [exact upos|apply Rmult_le_compat_r; assumption]).
    lra. }
  assert (second : Rabs (w - x) * (v * v) <= (u * x + 0) * (v * v))
    by (apply Rmult_le_compat_r; [apply Rmult_le_pos; assumption|exact near]).
  assert (split : Rabs (p * v - x * v ^ 2) <= Rabs (p - w * v) * v + Rabs (w - x) * (v * v)).
  { replace (p * v - x * v ^ 2) with ((p - w * v) * v + (w - x) * (v * v)) by ring.
    eapply Rle_trans; [apply Rabs_triang|].
    rewrite !Rabs_mult, (Rabs_pos_eq v) by exact epos; lra. }
  assert (hv : h * v <= h * bpow radix2 128) by (apply Rmult_le_compat_l; lra).
  assert (far1 := far 128%Z ltac:(lia)).
  assert (q : 0 <= x * (v * v)) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; assumption]).
  replace (v ^ 2) with (v * v) in * by ring.
  assert (hb : 0 <= h * bpow radix2 128) by (apply Rmult_le_pos; [lra|apply bpow_ge_0]).
  rewrite uvalue in *; clear far near wabs error.
  set (hv' := h * v) in *.
  replace ((/ 9007199254740992 * ((1 + / 9007199254740992) * x * v) + h) * v)
    with (/ 9007199254740992 * (1 + / 9007199254740992) * (x * (v * v)) + hv') in first
    by (unfold hv'; ring).
  clearbody hv'; set (hb' := h * bpow radix2 128) in *; clearbody hb'.
  set (bb := bpow radix2 (-600)) in *; clearbody bb.
  replace ((/ 9007199254740992 * x + 0) * (v * v)) with (/ 9007199254740992 * (x * (v * v)))
    in second by ring.
  set (qq := x * (v * v)) in *; clearbody qq; lra.
- apply fma_chain_ge0; intros k below.
  cbn [a_mul a_abs a_sub full64 full_real full_base real_arith].
  destruct (excess_range n lam hmax G sane above lam_pos formG diagonal k below) as [range _].
  apply Rmult_le_pos; [|apply Rabs_pos].
  apply rnd64_low, Rmult_le_pos; [apply rnd64_low; apply range|apply Rabs_pos].
Qed.

(** Roots of the diagonal. *)
Lemma root_range k : (k < n)%nat -> 0 <= sqrt (H k k) <= L
  /\ H k k = sqrt (H k k) * sqrt (H k k).
Proof.
intros below; split; [split; [apply sqrt_pos|apply sqrt_le_1_alt, (sane_above sane); exact below]|].
symmetry; apply sqrt_sqrt.
eapply Rle_trans; [apply bpow_ge_0|exact (sane_normal sane k below)].
Qed.

(** The exact size from that of the rounded errors. *)
Lemma size_exact32 : As <= (1 + / 8388608) * a1 + INR n * b149 * L.
Proof.
replace (INR n * b149 * L) with (bsum n (fun _ => b149 * L)) by (rewrite bsum_const; ring).
rewrite <- bsum_scal, <- bsum_plus; apply bsum_le; intros k below; unfold root_diagonal.
destruct (root_range k below) as [range _].
assert (error := rnd_error (-149) 24 (e k)); rewrite <- rounded in error by exact below.
assert (half : eta (-149) = / 2 * b149)
  by (unfold eta; change (-149 - 1)%Z with (-1 + -149)%Z; rewrite bpow_plus; reflexivity).
assert (uvalue : uro 24 = / 16777216) by (unfold uro; simpl; lra).
assert (near : Rabs (e k) <= Rabs (e' k) + Rabs (e' k - e k)).
{ replace (e k) with (e' k + - (e' k - e k)) at 1 by ring.
  eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_Ropp; lra]. }
assert (bpos := bpow_ge_0 radix2 (-149)); assert (epos := Rabs_pos (e' k)).
rewrite uvalue, half in error.
assert (size : Rabs (e k) <= (1 + / 8388608) * Rabs (e' k) + b149)
  by (set (bb := b149) in *; clearbody bb; lra).
assert (use : Rabs (e k) * sqrt (H k k)
    <= ((1 + / 8388608) * Rabs (e' k) + b149) * sqrt (H k k))
  by (apply Rmult_le_compat_r; [apply range|exact size]).
assert (low : b149 * sqrt (H k k) <= b149 * L)
  by (apply Rmult_le_compat_l; [exact bpos|apply range]).
lra.
Qed.

(** The sum over the excess from that of the rounded errors. *)
Lemma excess_exact32 : Rabs (Xs - X1)
  <= / 4194304 * X1 + b149 * (1 + / 1024) * (L * a1) + INR n * (/ 4 * b149 * b149) * (L * L).
Proof.
replace (INR n * (/ 4 * b149 * b149) * (L * L))
  with (bsum n (fun _ => / 4 * b149 * b149 * (L * L))) by (rewrite bsum_const; ring).
replace (b149 * (1 + / 1024) * (L * a1))
  with (bsum n (fun j => b149 * (1 + / 1024) * (L * (Rabs (e' j) * sqrt (H j j)))))
  by (rewrite <- bsum_scal, <- bsum_scal; apply bsum_ext; intros; ring).
rewrite <- bsum_minus; eapply Rle_trans; [apply bsum_abs|].
rewrite <- bsum_scal, <- !bsum_plus; apply bsum_le; intros k below.
destruct (root_range k below) as [range same].
destruct (excess_range n lam hmax G sane above lam_pos formG diagonal k below) as [[xpos _] _].
assert (xroot : H k k - 2 * G k k <= sqrt (H k k) * sqrt (H k k))
  by (rewrite <- same; assert (Gpos := diagonal k below); lra).
assert (error := rnd_error_round (-149) 24 (e k)); rewrite <- rounded in error by exact below.
assert (half : eta (-149) = / 2 * b149)
  by (unfold eta; change (-149 - 1)%Z with (-1 + -149)%Z; rewrite bpow_plus; reflexivity).
assert (uvalue : uro 24 = / 16777216) by (unfold uro; simpl; lra).
rewrite uvalue, half in error.
assert (bpos := bpow_ge_0 radix2 (-149)); assert (epos := Rabs_pos (e' k)).
set (bb := b149) in *; clearbody bb; set (v := Rabs (e' k)) in *.
set (x := H k k - 2 * G k k) in *; clearbody x; set (s := sqrt (H k k)) in *; clearbody s.
assert (squares : Rabs (e k ^ 2 - v ^ 2) <= (/ 16777216 * v + / 2 * bb)
    * (2 * v + (/ 16777216 * v + / 2 * bb))).
{ unfold v at 1; rewrite pow2_abs.
  replace (e k ^ 2 - e' k ^ 2) with ((e k - e' k) * (2 * e' k + (e k - e' k))) by ring.
  rewrite Rabs_mult; apply Rmult_le_compat; [apply Rabs_pos|apply Rabs_pos| |].
  - rewrite Rabs_minus_sym; exact error.
  - eapply Rle_trans; [apply Rabs_triang|].
    rewrite Rabs_mult, (Rabs_pos_eq 2), (Rabs_minus_sym (e k)) by lra; fold v; lra. }
clearbody v; replace (x * e k ^ 2 - x * v ^ 2) with (x * (e k ^ 2 - v ^ 2)) by ring.
rewrite Rabs_mult, (Rabs_pos_eq x) by exact xpos.
assert (use : x * Rabs (e k ^ 2 - v ^ 2) <= x * ((/ 16777216 * v + / 2 * bb)
    * (2 * v + (/ 16777216 * v + / 2 * bb)))) by (apply Rmult_le_compat_l; assumption).
eapply Rle_trans; [exact use|].
assert (xv : x * v <= s * (L * v)).
{ apply Rle_trans with (s * s * v); [apply Rmult_le_compat_r; assumption|].
  rewrite Rmult_assoc; apply Rmult_le_compat_l; [apply range|].
  apply Rmult_le_compat_r; [exact epos|apply range]. }
assert (xL : x <= L * L).
{ apply Rle_trans with (s * s); [exact xroot|apply Rmult_le_compat; apply range]. }
assert (bxv : bb * (x * v) <= bb * (s * (L * v))) by (apply Rmult_le_compat_l; assumption).
assert (bbx : bb * bb * x <= bb * bb * (L * L))
  by (apply Rmult_le_compat_l; [apply Rmult_le_pos; assumption|exact xL]).
assert (xvv : 0 <= x * (v * v))
  by (apply Rmult_le_pos; [exact xpos|apply Rmult_le_pos; assumption]).
assert (bxv0 : 0 <= bb * (x * v))
  by (apply Rmult_le_pos; [exact bpos|apply Rmult_le_pos; assumption]).
replace (x * v ^ 2) with (x * (v * v)) by ring.
set (q := x * (v * v)) in *; set (m := bb * (x * v)) in *; set (w := bb * bb * x) in *.
replace (x * ((/ 16777216 * v + / 2 * bb) * (2 * v + (/ 16777216 * v + / 2 * bb))))
  with ((2 * / 16777216 + / 16777216 * / 16777216) * q + (1 + / 16777216) * m + / 4 * w)
  by (unfold q, m, w; field).
replace (bb * (1 + / 1024) * (L * (v * s))) with ((1 + / 1024) * (bb * (s * (L * v)))) by ring.
replace (/ 4 * bb * bb * (L * L)) with (/ 4 * (bb * bb * (L * L))) by ring.
clearbody q m w; set (m' := bb * (s * (L * v))) in *; set (w' := bb * bb * (L * L)) in *.
clearbody m' w'; lra.
Qed.

(** The ends as [GuardCovers32] writes them. *)
Lemma fused_written s0 a0 x0 :
  let N := INR n in let L := L in
  let g := / 8388608 + / 70368744177664 + (N + 2) * u in let x := (N + 1) * / 16777216 in
  let k := (N + 8) * (2 * u) in
  let top := rd L in let A := rd (a0 + rd (N * b149 * top)) in
  let c := rd (rd (x * rd (1 + x)) * rd (1 + g)) in
  let rho := rd (rd (c * A) + rd (N * N * (4 * b149) * top)) in
  let bound := rd (rd (rd (rd (rd (rd (k * rd (s0 + x0))
      + rd (rd (2 * rd (sqrt s0)) * rho)) + rd (rho * rho)) + rd (rd (g * A) * A))
      + rd (/ 2097152 * x0)) + rd (rd (2 * b149 * top) * A)) in
  let width := rd (rd (rd (/ 2 * bound) * (1048577 / 1048576)) + bpow radix2 (-300)) in
  let value := rd (/ 2 * rd (s0 - x0)) in
  fused_lo F n s0 a0 x0 hmax = rd (value - width)
  /\ fused_hi F n s0 a0 x0 hmax = rd (value + width).
Proof.
intros N L0 g x k top A c rho bound width value.
assert (double : bpow radix2 (-148) = 2 * b149)
  by (change (-148)%Z with (1 + -149)%Z; rewrite bpow_plus; reflexivity).
assert (four : bpow radix2 (-147) = 4 * b149)
  by (change (-147)%Z with (2 + -149)%Z; rewrite bpow_plus; reflexivity).
assert (lit_g : fused_g F n = g).
{ unfold fused_g, g; cbn [a_lit full64 full_real].
  rewrite plus_IZR, <- INR_IZR_INZ; fold N; unfold uro; change (- (53))%Z with (-53)%Z;
  simpl (bpow radix2 (-53)); lra. }
assert (lit_x : fused_x F n = x).
{ unfold fused_x, x; cbn [a_lit full64 full_real].
  rewrite plus_IZR, <- INR_IZR_INZ; reflexivity. }
assert (lit_k : a_lit F (Z.of_nat n + 8) (-52) = k).
{ unfold k; cbn [a_lit full64 full_real]; rewrite plus_IZR, <- INR_IZR_INZ.
  unfold uro; change (-52)%Z with (1 + - (53))%Z; rewrite bpow_plus; reflexivity. }
assert (lit_n : a_lit F (Z.of_nat n) (-149) = N * b149)
  by (cbn [a_lit full64 full_real]; rewrite <- INR_IZR_INZ; reflexivity).
assert (lit_nn : a_lit F (Z.of_nat n * Z.of_nat n) (-147) = N * N * (4 * b149))
  by (cbn [a_lit full64 full_real]; rewrite mult_IZR, <- INR_IZR_INZ, four; reflexivity).
assert (lit_1 : a_lit F 1 0 = 1) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_2 : a_lit F 2 0 = 2) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_half : a_lit F 1 (-1) = / 2) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_21 : a_lit F 1 (-21) = / 2097152) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_148 : a_lit F 1 (-148) = 2 * b149)
  by (cbn [a_lit full64 full_real]; rewrite double; apply Rmult_1_l).
assert (lit_f : a_lit F 1048577 (-20) = 1048577 / 1048576)
  by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_t : a_lit F 1 (-300) = bpow radix2 (-300))
  by (cbn [a_lit full64 full_real]; apply Rmult_1_l).
assert (same_A : fused_A F n a0 hmax = A).
{ unfold fused_A, fused_top; rewrite lit_n; reflexivity. }
assert (same_rho : fused_rho F n a0 hmax = rho).
{ unfold fused_rho; rewrite same_A, lit_g, lit_x, lit_1, lit_nn; reflexivity. }
assert (same_width : fused_width F n s0 a0 x0 hmax = width).
{ unfold fused_width, fused_bound.
  rewrite same_A, same_rho, lit_g, lit_k, lit_2, lit_half, lit_21, lit_148, lit_f, lit_t.
  reflexivity. }
assert (same_value : guard_value F s0 x0 = value)
  by (unfold guard_value; rewrite lit_half; reflexivity).
unfold fused_lo, fused_hi; rewrite same_width, same_value; split; reflexivity.
Qed.

(** T30 in the format of the recurrence, on the reals: the ends contain the plain loss. *)
Theorem fused_encloses :
  fused_lo F n S a X hmax <= qform n G e <= fused_hi F n S a X hmax.
Proof.
destruct near_squares32 as [nearS [Spos Ss_pos]]; destruct near_size32 as [neara [apos a1_pos]].
destruct near_excess32 as [nearX [Xpos X1_pos]].
assert (columns : 1 <= INR n <= 1048576).
{ split; [apply (le_INR 1); lia|].
  rewrite INR_IZR_INZ; change 1048576 with (IZR (2 ^ 20)); apply IZR_le; exact few. }
assert (L_range : 0 <= L <= bpow radix2 188).
{ split; [apply sqrt_pos|rewrite <- (sqrt_square (bpow radix2 188)) by apply bpow_ge_0].
  rewrite <- bpow_plus; apply sqrt_le_1_alt.
  eapply Rle_trans; [exact above|apply bpow_le; lia]. }
assert (As_pos : 0 <= As)
  by (apply bsum_ge0; intros; apply Rmult_le_pos; [apply Rabs_pos|apply sqrt_pos]).
assert (enclosed := loss_enclosure32 n H C U d hmax run (hessian_stored_sym n lam G symmetric)
  (row_pivots n d pivots) sane nonempty few e e' rounded).
cbv zeta in enclosed.
assert (identity := plain_loss_identity n lam G e); cbv zeta in identity.
destruct (fused_written S a X) as [lo hi]; rewrite lo, hi.
replace (qform n G e) with (2 * qform n G e / 2) by field.
apply (guard_covers32 (INR n) S X a L (/ 8388608 + / 70368744177664 + (INR n + 2) * u)
  ((INR n + 1) * / 16777216) ((INR n + 8) * (2 * u)) Spos Xpos apos L_range columns eq_refl eq_refl
  eq_refl Ss a1 As X1 Xs Ss_pos a1_pos As_pos X1_pos nearS neara nearX size_exact32 excess_exact32).
rewrite identity.
match goal with |- Rabs (?a - ?b - (?c - ?b)) <= _ =>
  replace (a - b - (c - b)) with (a - c) by ring end.
assert (x_same : product32 n = (INR n + 1) * / 16777216 * (1 + (INR n + 1) * / 16777216)).
{ unfold product32, gam_up; rewrite S_INR; unfold uro; simpl (bpow radix2 (- (24))); reflexivity. }
assert (g_same : residual32 n = / 8388608 + / 70368744177664 + (INR n + 2) * u).
{ unfold residual32, residual64, uro; simpl (bpow radix2 (-23)); simpl (bpow radix2 (-46)).
  change (- (53))%Z with (-53)%Z; reflexivity. }
assert (u_same : under_product32 n hmax = INR n * INR n * (4 * b149) * L).
{ unfold under_product32; assert (four : bpow radix2 (-147) = 4 * b149)
    by (change (-147)%Z with (2 + -149)%Z; rewrite bpow_plus; reflexivity).
  rewrite four; ring. }
unfold enclosure_width, pivot_norm in enclosed; rewrite x_same, g_same, u_same in enclosed.
exact enclosed.
Qed.

End Row.
