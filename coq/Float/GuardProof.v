(** * The guard's program encloses the loss

    Purpose: the program of [GuardProgram], read on the reals with one rounding per operation,
      returns two numbers between which the plain loss lies.  Its sums are near the exact ones
      ([RoundedSum]), [Enclosure] says what the exact ones allow, and [GuardCovers] that the
      evaluated width covers it.
    Main results: [near_squares], [near_size], [near_excess] (the sums), [guard_encloses],
      [guard_zero] (no error, no loss).
    Depends on: [GuardProgram], [GuardCovers], [RoundedSum], [Enclosure].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Factor.
From Hallmark.Float Require Import Residual FactorClosed Hessian PivotNorm Enclosure.
From Hallmark.Float Require Import FullArithmetic RoundedSum GuardProgram GuardSlack GuardCovers.
Open Scope R_scope.

Local Notation u := (uro 53).
Local Notation h := (eta (-1074)).

(** The unit roundoff and half the smallest positive number of binary64. *)
Lemma units : u = / 9007199254740992 /\ 0 < h
  /\ (forall k, (k <= 400)%Z -> 64 * (h * bpow radix2 k) <= bpow radix2 (-600)).
Proof.
split; [unfold uro; simpl; lra|split; [apply eta_pos|]].
intros k below; unfold eta; change 64 with (bpow radix2 6); rewrite <- !bpow_plus.
apply bpow_le; lia.
Qed.

(** A rounded product of two numbers that are near others. *)
Lemma near_product x y xs ys a b c f : 0 <= xs -> 0 <= ys -> 0 <= a -> 0 <= b -> 0 <= c ->
  0 <= f ->
  Rabs (x - xs) <= a * xs + c -> Rabs (y - ys) <= b * ys + f ->
  Rabs (rnd64 (x * y) - xs * ys)
  <= ((1 + u) * (a + b + a * b) + u) * (xs * ys)
     + (1 + u) * (c * (1 + b) * ys + f * (1 + a) * xs + c * f) + h.
Proof.
intros xpos ypos apos bpos cpos fpos nearx neary.
assert (upos := uro_ge0 53); assert (error := rnd_error (-1074) 53 (x * y)).
assert (inner : Rabs (x * y - xs * ys)
    <= (a + b + a * b) * (xs * ys) + (c * (1 + b) * ys + f * (1 + a) * xs + c * f)).
{ replace (x * y - xs * ys) with ((x - xs) * (y - ys) + (x - xs) * ys + xs * (y - ys)) by ring.
  assert (split := Rabs_triang ((x - xs) * (y - ys) + (x - xs) * ys) (xs * (y - ys))).
  assert (split' := Rabs_triang ((x - xs) * (y - ys)) ((x - xs) * ys)).
  rewrite !Rabs_mult, (Rabs_pos_eq xs), (Rabs_pos_eq ys) in * by assumption.
  assert (both : Rabs (x - xs) * Rabs (y - ys) <= (a * xs + c) * (b * ys + f))
    by (apply Rmult_le_compat; [apply Rabs_pos|apply Rabs_pos|exact nearx|exact neary]).
  assert (one : Rabs (x - xs) * ys <= (a * xs + c) * ys)
    by (apply Rmult_le_compat_r; assumption).
  assert (other : xs * Rabs (y - ys) <= xs * (b * ys + f))
    by (apply Rmult_le_compat_l; assumption).
  lra. }
assert (size : Rabs (x * y) <= Rabs (x * y - xs * ys) + xs * ys).
{ replace (x * y) with (x * y - xs * ys + xs * ys) at 1 by ring.
  eapply Rle_trans; [apply Rabs_triang|].
  rewrite (Rabs_pos_eq (xs * ys)) by (apply Rmult_le_pos; assumption); lra. }
assert (total : Rabs (rnd64 (x * y) - xs * ys)
    <= Rabs (rnd64 (x * y) - x * y) + Rabs (x * y - xs * ys)).
{ replace (rnd64 (x * y) - xs * ys) with (rnd64 (x * y) - x * y + (x * y - xs * ys)) by ring.
  apply Rabs_triang. }
assert (scaled : u * Rabs (x * y) <= u * (Rabs (x * y - xs * ys) + xs * ys))
  by (apply Rmult_le_compat_l; assumption).
assert (scaled' : u * Rabs (x * y - xs * ys) <= u * ((a + b + a * b) * (xs * ys)
    + (c * (1 + b) * ys + f * (1 + a) * xs + c * f))) by (apply Rmult_le_compat_l; assumption).
lra.
Qed.

(** A sum of nonnegative terms is nonnegative, and at least each of them. *)
Lemma sum_chain_ge0 n p : (forall k, (k < n)%nat -> 0 <= p k) -> 0 <= sum_chain real64 n p.
Proof.
induction n as [|n IH]; intros pos; [apply Rle_refl|].
cbn [sum_chain a_add real64 real_arith].
apply rnd64_low; apply Rplus_le_le_0_compat; [apply IH; intros; apply pos; lia|apply pos; lia].
Qed.

(** The error as the program has it. *)
Lemma near_error e e' : e' = rnd64 e -> Rabs (Rabs e' - Rabs e) <= u * Rabs e + h.
Proof.
intros ->; eapply Rle_trans; [apply Rabs_triang_inv2|apply (rnd_error (-1074) 53)].
Qed.

Section Row.

Variable n : nat.
Variables (lam hmax : R) (G C U : mat) (d e e' : vec).
Notation H := (hessian_stored lam G).
Hypothesis nonempty : (0 < n)%nat.
Hypothesis run : is_factor real64 n H C U d.
Hypothesis symmetric : sym n G.
Hypothesis pivots : forall k, (k < n)%nat -> bpow radix2 (-400) <= d k.
Hypothesis sane : sane_diagonal n H hmax.
Hypothesis above : hmax <= bpow radix2 375.
Hypothesis lam_pos : 0 <= lam.
Hypothesis formG : forall j, (j < n)%nat -> in_format (-1074) 53 (G j j).
Hypothesis diagonal : forall j, (j < n)%nat -> 0 <= G j j.
Hypothesis rounded : forall k, (k < n)%nat -> e' k = rnd64 (e k).
Notation F := full64.
Notation t := (guard_product F U e').
Notation hh := (fun j => H j j).
Notation gg := (fun j => 2 * G j j).
Notation S := (guard_squares F n d t).
Notation A := (guard_size F n hh e').
Notation X := (guard_excess F n hh gg e').
Notation Ss := (bsum n (fun j => d j * t j ^ 2)).
Notation As := (weighted_size n (root_diagonal H) e).
Notation Xs := (bsum n (fun j => (H j j - 2 * G j j) * e j ^ 2)).
Notation r := ((INR n + 7) * u).
Notation z := (bpow radix2 (-560)).

(** The pivots are positive. *)
Lemma row_pivots k : (k < n)%nat -> 0 < d k.
Proof. intros below; eapply Rlt_le_trans; [apply bpow_gt_0|apply pivots; exact below]. Qed.

(** The first sum. *)
Lemma near_squares : Rabs (S - Ss) <= r * Ss + z /\ 0 <= S /\ 0 <= Ss.
Proof.
destruct units as [uvalue [hpos far]].
assert (terms : forall k, (k < n)%nat -> 0 <= d k * t k ^ 2).
{ intros k below; apply Rmult_le_pos; [apply Rlt_le, row_pivots; exact below|apply pow2_ge_0]. }
split; [|split; [|apply bsum_ge0; exact terms]].
- apply (rounded_sum64 n (fun j => rnd64 (rnd64 (d j * t j) * t j)) (fun j => d j * t j ^ 2)
    (fun k => sum_chain real64 k (fun j => rnd64 (rnd64 (d j * t j) * t j))) nonempty
    (sane_columns sane)); [apply (sum_chain_steps (-1074) 53)|exact terms|].
  intros k below; set (x := t k); assert (dpos := row_pivots k below).
  assert (dlow := pivots k below); set (dk := d k) in *; clearbody x dk.
  assert (first := rnd_error (-1074) 53 (dk * x)); set (y := rnd64 (dk * x)) in *; clearbody y.
  assert (second := rnd_error (-1074) 53 (y * x)).
  set (p := rnd64 (y * x)) in *; clearbody p.
  assert (dx : Rabs (dk * x) * Rabs x = dk * x ^ 2).
  { rewrite <- Rabs_mult; replace (dk * x * x) with (dk * x ^ 2) by ring.
    apply Rabs_pos_eq, Rmult_le_pos; [lra|apply pow2_ge_0]. }
  assert (inner : Rabs (y * x - dk * x ^ 2) <= u * (dk * x ^ 2) + h * Rabs x).
  { replace (y * x - dk * x ^ 2) with ((y - dk * x) * x) by ring; rewrite Rabs_mult.
    replace (u * (dk * x ^ 2)) with (u * (Rabs (dk * x) * Rabs x)) by (rewrite dx; reflexivity).
    rewrite <- Rmult_assoc, <- Rmult_plus_distr_r.
    apply Rmult_le_compat_r; [apply Rabs_pos|exact first]. }
  assert (size : Rabs (y * x) <= Rabs (y * x - dk * x ^ 2) + dk * x ^ 2).
  { replace (y * x) with (y * x - dk * x ^ 2 + dk * x ^ 2) at 1 by ring.
    eapply Rle_trans; [apply Rabs_triang|].
    rewrite (Rabs_pos_eq (dk * x ^ 2)) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]); lra. }
  assert (total : Rabs (p - dk * x ^ 2) <= Rabs (p - y * x) + Rabs (y * x - dk * x ^ 2)).
  { replace (p - dk * x ^ 2) with (p - y * x + (y * x - dk * x ^ 2)) by ring.
    apply Rabs_triang. }
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
- apply sum_chain_ge0; intros k below; cbn [a_mul full64 full_real].
  set (x := t k); assert (dpos := row_pivots k below).
  destruct (Rle_or_lt 0 x) as [pos|neg].
  + apply rnd64_low, Rmult_le_pos; [apply rnd64_low, Rmult_le_pos; lra|exact pos].
  + replace (rnd64 (d k * x) * x) with (rnd64 (d k * - x) * - x).
    * apply rnd64_low, Rmult_le_pos; [apply rnd64_low, Rmult_le_pos; lra|lra].
    * replace (d k * - x) with (- (d k * x)) by ring.
      rewrite (rnd_opp (-1074) 53); ring.
Qed.

(** The second. *)
Lemma near_size : Rabs (A - As) <= r * As + z /\ 0 <= A /\ 0 <= As.
Proof.
destruct units as [uvalue [hpos far]].
assert (terms : forall k, (k < n)%nat -> 0 <= Rabs (e k) * sqrt (H k k))
  by (intros; apply Rmult_le_pos; [apply Rabs_pos|apply sqrt_pos]).
split; [|split; [|apply bsum_ge0; exact terms]].
- apply (rounded_sum64 n (fun j => rnd64 (Rabs (e' j) * rnd64 (sqrt (H j j))))
    (fun j => Rabs (e j) * sqrt (H j j))
    (fun k => sum_chain real64 k (fun j => rnd64 (Rabs (e' j) * rnd64 (sqrt (H j j))))) nonempty
    (sane_columns sane)); [apply (sum_chain_steps (-1074) 53)|exact terms|].
  intros k below; set (s := sqrt (H k k)).
  assert (low : bpow radix2 (-450) <= s).
  { unfold s; rewrite <- (sqrt_square (bpow radix2 (-450))) by apply bpow_ge_0.
    rewrite <- bpow_plus; apply sqrt_le_1_alt, (sane_normal sane); exact below. }
  assert (high : s <= bpow radix2 188).
  { unfold s; rewrite <- (sqrt_square (bpow radix2 188)) by apply bpow_ge_0.
    rewrite <- bpow_plus; apply sqrt_le_1_alt.
    eapply Rle_trans; [apply (sane_above sane); exact below|].
    eapply Rle_trans; [exact above|apply bpow_le; lia]. }
  assert (spos : 0 <= s) by apply sqrt_pos; clearbody s.
  assert (root : Rabs (rnd64 s - s) <= 2 * u * s + 0).
  { assert (error := rnd_error (-1074) 53 s); rewrite (Rabs_pos_eq s) in error by exact spos.
    assert (tiny : h <= u * s).
    { apply Rle_trans with (u * bpow radix2 (-450)).
      - unfold uro, eta; rewrite <- bpow_plus; apply bpow_le; lia.
      - apply Rmult_le_compat_l; [apply uro_ge0|exact low]. }
    lra. }
  assert (upos := uro_ge0 53).
  assert (product := near_product (Rabs (e' k)) (rnd64 s) (Rabs (e k)) s u (2 * u) h 0
    (Rabs_pos _) spos upos ltac:(lra) (Rlt_le _ _ hpos) (Rle_refl 0)
    (near_error (e k) (e' k) (rounded k below)) root).
  eapply Rle_trans; [exact product|].
  assert (hs : h * s <= h * bpow radix2 188) by (apply Rmult_le_compat_l; lra).
  assert (far0 := far 0%Z ltac:(lia)); simpl (bpow radix2 0) in far0.
  assert (far1 := far 188%Z ltac:(lia)).
  assert (q : 0 <= Rabs (e k) * s) by (apply Rmult_le_pos; [apply Rabs_pos|exact spos]).
  rewrite uvalue in *; clear product root far; set (w := Rabs (e k) * s) in *; clearbody w.
  set (f := h) in *; clearbody f; set (hs' := f * s) in *.
  replace (f * (1 + 2 * / 9007199254740992) * s) with ((1 + 2 * / 9007199254740992) * hs')
    by (unfold hs'; ring).
  clearbody hs'; set (b := bpow radix2 (-600)) in *; clearbody b.
  set (fb := f * bpow radix2 188) in *; clearbody fb; lra.
- apply sum_chain_ge0; intros k below; cbn [a_mul a_abs a_sqrt full64 full_real].
  apply rnd64_low, Rmult_le_pos; [apply Rabs_pos|apply rnd64_low, sqrt_pos].
Qed.

(** What damping and rounding added to the diagonal. *)
Lemma excess_range k : (k < n)%nat -> 0 <= H k k - 2 * G k k <= bpow radix2 375
  /\ Rabs (rnd64 (H k k - 2 * G k k) - (H k k - 2 * G k k)) <= u * (H k k - 2 * G k k) + 0.
Proof.
intros below.
assert (form : in_format (-1074) 53 (2 * G k k))
  by (apply (format_double (-1074) 53), formG; exact below).
assert (formH : in_format (-1074) 53 (H k k))
  by (unfold hessian_stored; rewrite Nat.eqb_refl; apply (rnd_format (-1074) 53)).
assert (low : 2 * G k k <= H k k).
{ unfold hessian_stored; rewrite Nat.eqb_refl.
  rewrite <- (rnd_exact (-1074) 53 (2 * G k k)) at 1 by exact form.
  apply (rnd_le (-1074) 53); lra. }
assert (high := sane_above sane k below); assert (Gpos := diagonal k below).
split; [lra|].
assert (exact : Rabs (rnd64 (H k k - 2 * G k k) - (H k k - 2 * G k k))
    <= u * Rabs (H k k - 2 * G k k)).
{ apply (rnd_error_sum (-1074) 53 (H k k) (- (2 * G k k))); [exact formH|].
  apply (format_opp (-1074) 53); exact form. }
rewrite (Rabs_pos_eq (H k k - 2 * G k k)) in exact by lra; lra.
Qed.

(** The third. *)
Lemma near_excess : Rabs (X - Xs) <= r * Xs + z /\ 0 <= X /\ 0 <= Xs.
Proof.
destruct units as [uvalue [hpos far]].
assert (terms : forall k, (k < n)%nat -> 0 <= (H k k - 2 * G k k) * e k ^ 2).
{ intros k below; destruct (excess_range k below) as [range _].
  apply Rmult_le_pos; [lra|apply pow2_ge_0]. }
split; [|split; [|apply bsum_ge0; exact terms]].
- apply (rounded_sum64 n
    (fun j => rnd64 (rnd64 (H j j - 2 * G j j) * rnd64 (Rabs (e' j) * Rabs (e' j))))
    (fun j => (H j j - 2 * G j j) * e j ^ 2)
    (fun k => sum_chain real64 k
       (fun j => rnd64 (rnd64 (H j j - 2 * G j j) * rnd64 (Rabs (e' j) * Rabs (e' j))))) nonempty
    (sane_columns sane)); [apply (sum_chain_steps (-1074) 53)|exact terms|].
  intros k below; destruct (excess_range k below) as [range near].
  set (x := H k k - 2 * G k k) in *; clearbody x.
  assert (error := near_error (e k) (e' k) (rounded k below)); assert (upos := uro_ge0 53).
  assert (epos := Rabs_pos (e k)).
  assert (square : Rabs (rnd64 (Rabs (e' k) * Rabs (e' k)) - e k ^ 2)
      <= (3 * u + 16 * (u * u)) * e k ^ 2 + 6 * h).
  { assert (product := near_product (Rabs (e' k)) (Rabs (e' k)) (Rabs (e k)) (Rabs (e k)) u u h h
      epos epos upos upos (Rlt_le _ _ hpos) (Rlt_le _ _ hpos) error error).
    replace (Rabs (e k) * Rabs (e k)) with (e k ^ 2) in product
      by (rewrite <- (pow2_abs (e k)); ring).
    eapply Rle_trans; [exact product|].
    assert (mean : 2 * Rabs (e k) <= 1 + e k ^ 2)
      by (assert (sq := pow2_ge_0 (Rabs (e k) - 1)); rewrite <- (pow2_abs (e k)); lra).
    assert (use : h * (2 * Rabs (e k)) <= h * (1 + e k ^ 2)) by (apply Rmult_le_compat_l; lra).
    assert (small : h <= u * u)
      by (unfold uro, eta; rewrite <- bpow_plus; apply bpow_le; lia).
    assert (he : h * e k ^ 2 <= u * u * e k ^ 2)
      by (apply Rmult_le_compat_r; [apply pow2_ge_0|exact small]).
    assert (hh' : h * h <= h * / 1024)
      by (apply Rmult_le_compat_l; [lra|rewrite uvalue in small; lra]).
    assert (sq := pow2_ge_0 (e k)); set (w := e k ^ 2) in *; clearbody w.
    set (a := Rabs (e k)) in *; clearbody a; clear product error far.
    rewrite uvalue in *; set (f := h) in *; clearbody f.
    set (fa := f * a) in *; replace (f * (2 * a)) with (2 * fa) in use by (unfold fa; ring).
    replace (f * (1 + / 9007199254740992) * a) with ((1 + / 9007199254740992) * fa)
      by (unfold fa; ring).
    clearbody fa; set (fw := f * w) in *;
    replace (f * (1 + w)) with (f + fw) in use by (unfold fw; ring); clearbody fw.
    set (ff := f * f) in *; clearbody ff; lra. }
  assert (sq := pow2_ge_0 (e k)).
  assert (product := near_product (rnd64 x) (rnd64 (Rabs (e' k) * Rabs (e' k))) x (e k ^ 2) u
    (3 * u + 16 * (u * u)) 0 (6 * h) (proj1 range) sq upos ltac:(nra) (Rle_refl 0) ltac:(lra)
    near square).
  eapply Rle_trans; [exact product|].
  assert (hx : h * x <= h * bpow radix2 375) by (apply Rmult_le_compat_l; lra).
  assert (far0 := far 0%Z ltac:(lia)); simpl (bpow radix2 0) in far0.
  assert (far1 := far 375%Z ltac:(lia)).
  assert (q : 0 <= x * e k ^ 2) by (apply Rmult_le_pos; lra).
  clear product near square error far; set (w := x * e k ^ 2) in *; clearbody w.
  rewrite uvalue in *; set (f := h) in *; clearbody f; set (fx := f * x) in *.
  replace (6 * f * (1 + / 9007199254740992) * x) with (6 * (1 + / 9007199254740992) * fx)
    by (unfold fx; ring).
  clearbody fx; set (b := bpow radix2 (-600)) in *; clearbody b.
  set (fb := f * bpow radix2 375) in *; clearbody fb; lra.
- apply sum_chain_ge0; intros k below.
  cbn [a_mul a_abs a_sub full64 full_real full_base real_arith].
  destruct (excess_range k below) as [range _].
  apply rnd64_low, Rmult_le_pos; [apply rnd64_low; apply range|].
  apply rnd64_low, Rmult_le_pos; apply Rabs_pos.
Qed.

End Row.

Section Enclosed.

Variable n : nat.
Variables (lam hmax : R) (G C U : mat) (d e e' : vec).
Notation H := (hessian_stored lam G).
Hypothesis nonempty : (0 < n)%nat.
Hypothesis run : is_factor real64 n H C U d.
Hypothesis symmetric : sym n G.
Hypothesis pivots : forall k, (k < n)%nat -> bpow radix2 (-400) <= d k.
Hypothesis sane : sane_diagonal n H hmax.
Hypothesis above : hmax <= bpow radix2 375.
Hypothesis lam_pos : 0 <= lam.
Hypothesis formG : forall j, (j < n)%nat -> in_format (-1074) 53 (G j j).
Hypothesis diagonal : forall j, (j < n)%nat -> 0 <= G j j.
Hypothesis rounded : forall k, (k < n)%nat -> e' k = rnd64 (e k).
Notation F := full64.
Notation t := (guard_product F U e').
Notation hh := (fun j => H j j).
Notation gg := (fun j => 2 * G j j).
Notation S := (guard_squares F n d t).
Notation A := (guard_size F n hh e').
Notation X := (guard_excess F n hh gg e').
Notation z := (bpow radix2 (-560)).

(** The evaluated sum of the errors bounds the exact one. *)
Lemma absolute_bound : guard_absolute F n e' <= bpow radix2 149 ->
  bsum n (fun i => Rabs (e i)) <= bpow radix2 150.
Proof.
intros evaluated; destruct units as [uvalue [hpos far]].
assert (pos : forall k, (k < n)%nat -> 0 <= Rabs (e k)) by (intros; apply Rabs_pos).
assert (near : Rabs (guard_absolute F n e' - bsum n (fun i => Rabs (e i)))
    <= (INR n + 7) * u * bsum n (fun i => Rabs (e i)) + z).
{ apply (rounded_sum64 n (fun j => Rabs (e' j)) (fun j => Rabs (e j))
    (fun k => sum_chain real64 k (fun j => Rabs (e' j))) nonempty (sane_columns sane));
    [apply (sum_chain_steps (-1074) 53)|exact pos|].
  intros k below; assert (error := near_error (e k) (e' k) (rounded k below)).
  assert (far0 := far 0%Z ltac:(lia)); simpl (bpow radix2 0) in far0.
  assert (scaled : u * Rabs (e k) <= 6 * u * Rabs (e k))
    by (apply Rmult_le_compat_r; [apply Rabs_pos|rewrite uvalue; lra]).
  lra. }
destruct (columns_range n nonempty (sane_columns sane)) as [one few]; simpl bpow in few.
assert (total : 0 <= bsum n (fun i => Rabs (e i))) by (apply bsum_ge0; exact pos).
assert (up := near_up (guard_absolute F n e') _ ((INR n + 7) * u) z total (bpow_ge_0 _ _)
  ltac:(rewrite uvalue; lra) near).
assert (small : z <= 1) by (change 1 with (bpow radix2 0); apply bpow_le; lia).
assert (big : 4 <= bpow radix2 149) by (change 4 with (bpow radix2 2); apply bpow_le; lia).
assert (double : bpow radix2 150 = 2 * bpow radix2 149)
  by (change 150%Z with (1 + 149)%Z; rewrite bpow_plus; reflexivity).
rewrite double; set (b := bpow radix2 149) in *; clearbody b.
set (zz := z) in *; clearbody zz; lra.
Qed.

(** The ends as [GuardCovers] writes them. *)
Lemma ends_written s a x :
  let g := (INR n + 2) * u in let k := (INR n + 8) * (2 * u) in
  let rho := rnd64 (rnd64 (g * a) * rnd64 (1 + g)) in
  let bound := rnd64 (rnd64 (rnd64 (rnd64 (k * rnd64 (s + x))
      + rnd64 (rnd64 (2 * rnd64 (sqrt s)) * rho)) + rnd64 (rho * rho))
    + rnd64 (rnd64 (g * a) * a)) in
  let width := rnd64 (rnd64 (rnd64 (/ 2 * bound) * (1048577 / 1048576)) + bpow radix2 (-300)) in
  let value := rnd64 (/ 2 * rnd64 (s - x)) in
  guard_lo F n s a x = rnd64 (value - width) /\ guard_hi F n s a x = rnd64 (value + width).
Proof.
intros g k rho bound width value.
assert (lit_g : guard_g F n = g).
{ unfold guard_g, g; cbn [a_lit full64 full_real].
  rewrite plus_IZR, <- INR_IZR_INZ; reflexivity. }
assert (lit_k : a_lit F (Z.of_nat n + 8) (-52) = k).
{ unfold k; cbn [a_lit full64 full_real]; rewrite plus_IZR, <- INR_IZR_INZ.
  unfold uro; change (-52)%Z with (1 + - (53))%Z; rewrite bpow_plus; reflexivity. }
assert (lit_1 : a_lit F 1 0 = 1) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_2 : a_lit F 2 0 = 2) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_half : a_lit F 1 (-1) = / 2) by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_f : a_lit F 1048577 (-20) = 1048577 / 1048576)
  by (cbn [a_lit full64 full_real]; simpl; lra).
assert (lit_t : a_lit F 1 (-300) = bpow radix2 (-300))
  by (cbn [a_lit full64 full_real]; apply Rmult_1_l).
assert (same_width : guard_width F n s a x = width).
{ unfold guard_width, guard_bound, guard_rho.
  rewrite lit_g, lit_k, lit_1, lit_2, lit_half, lit_f, lit_t; reflexivity. }
assert (same_value : guard_value F s x = value)
  by (unfold guard_value; rewrite lit_half; reflexivity).
unfold guard_lo, guard_hi; rewrite same_width, same_value; split; reflexivity.
Qed.

(** T30 on the reals: the ends contain the plain loss. *)
Theorem guard_encloses : guard_absolute F n e' <= bpow radix2 149 ->
  guard_lo F n S A X <= qform n G e <= guard_hi F n S A X.
Proof.
intros evaluated.
destruct (near_squares n lam hmax G U d e' nonempty pivots sane) as [nearS [Spos Ss_pos]].
destruct (near_size n lam hmax G e e' nonempty sane above rounded) as [nearA [Apos As_pos]].
destruct (near_excess n lam hmax G e e' nonempty sane above lam_pos formG diagonal rounded)
  as [nearX [Xpos Xs_pos]].
destruct (columns_range n nonempty (sane_columns sane)) as [one few]; simpl bpow in few.
assert (enclosed := loss_enclosure_closed n H C U d hmax run (hessian_stored_sym n lam G symmetric)
  (row_pivots n d pivots) sane e e' rounded nonempty
  (Rle_trans _ _ _ above (bpow_le radix2 375 400 ltac:(lia))) (absolute_bound evaluated)).
cbv zeta in enclosed; unfold enclosure_width, product64, residual64, pivot_norm in enclosed.
assert (identity := plain_loss_identity n lam G e); cbv zeta in identity.
destruct (ends_written S A X) as [lo hi]; rewrite lo, hi.
replace (qform n G e) with (2 * qform n G e / 2) by field.
apply (guard_covers (INR n) S X A ((INR n + 2) * u) ((INR n + 8) * (2 * u)) Spos Xpos Apos
  ltac:(lra) eq_refl eq_refl (bsum n (fun j => d j * t j ^ 2))
  (bsum n (fun j => (H j j - 2 * G j j) * e j ^ 2)) (weighted_size n (root_diagonal H) e)
  Ss_pos Xs_pos As_pos nearS nearX nearA).
rewrite identity.
match goal with |- Rabs (?a - ?b - (?c - ?b)) <= _ =>
  replace (a - b - (c - b)) with (a - c) by ring end.
exact enclosed.
Qed.

End Enclosed.

(** A sum is at least each of its nonnegative terms. *)
Lemma sum_chain_term n p k : (k < n)%nat -> (forall j, (j < n)%nat -> 0 <= p j) ->
  in_format (-1074) 53 (p k) -> p k <= sum_chain real64 n p.
Proof.
induction n as [|n IH]; intros below pos form; [lia|].
assert (before : 0 <= sum_chain real64 n p) by (apply sum_chain_ge0; intros; apply pos; lia).
cbn [sum_chain a_add real64 real_arith].
rewrite <- (rnd_exact (-1074) 53 (p k) form); apply (rnd_le (-1074) 53).
destruct (Nat.eq_dec k n) as [->|other]; [lra|].
assert (earlier : p k <= sum_chain real64 n p)
  by (apply IH; [lia|intros; apply pos; lia|exact form]).
assert (last := pos n ltac:(lia)); lra.
Qed.

(** The program returns 0 and 0 where the sum of the errors is 0.  Errors are multiples of 2^-1074,
    as those of weights, scales and points in binary32 are; then the loss is 0. *)
Theorem guard_zero n G e e' : (forall k, (k < n)%nat -> e' k = rnd64 (e k)) ->
  (forall k, (k < n)%nat -> multiple (-1074) (e k)) ->
  guard_absolute full64 n e' = 0 -> qform n G e = 0.
Proof.
intros rounded grid zero.
assert (nothing : forall k, (k < n)%nat -> e k = 0).
{ intros k below.
  assert (least : Rabs (e' k) <= 0).
  { rewrite <- zero; apply (sum_chain_term n (fun j => Rabs (e' j)) k below);
      [intros; apply Rabs_pos|].
    rewrite rounded by exact below; apply generic_format_abs, (rnd_format (-1074) 53). }
  assert (none : e' k = 0) by (assert (pos := Rabs_pos (e' k)); apply Rabs_eq_R0; lra).
  rewrite rounded in none by exact below.
  assert (error := rnd_error_multiple (-1074) 53 (-1074) (e k) ltac:(lia) (grid k below)).
  rewrite none in error; unfold Rminus in error; rewrite Rplus_0_l, Rabs_Ropp in error.
  assert (size := Rabs_pos (e k)); assert (half := uro_le_half 53).
  assert (upos := uro_pos 53); apply Rabs_eq_R0; nra. }
unfold qform; rewrite (bsum_0 n (fun i => bsum n (fun j => e i * G i j * e j))); [reflexivity|].
intros i ibelow; apply bsum_0; intros j jbelow; rewrite (nothing i ibelow); ring.
Qed.
