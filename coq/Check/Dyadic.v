(** * Exact dyadic numbers on a common exponent

    Purpose: the checker computes with numbers m * 2^e exactly.  Lists of them are brought to one
      exponent, so that the long sums are sums of integers.
    Main results: [align_correct], [lowest_aligned], [dyadic_le_correct].
    Depends on: Flocq: Core.
    Source: elementary. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
Import ListNotations.
Open Scope Z_scope.

(** A number m * 2^e. *)
Notation dyadic := (float radix2).

(** The dyadic number 0. *)
Definition dyadic_zero : dyadic := Float radix2 0 0.

(** The integer m with x = m * 2^E. *)
Definition align (E : Z) (x : dyadic) : Z := Z.shiftl (Fnum x) (Fexp x - E).

(** The exponent E is low enough for x. *)
Definition aligned (E : Z) (x : dyadic) : Prop := Fnum x = 0 \/ E <= Fexp x.

(** An exponent that is low enough for a list; zeros do not count. *)
Definition lowest (l : list dyadic) : Z :=
  fold_right (fun x E => if Fnum x =? 0 then E else Z.min (Fexp x) E) 0 l.

(** The comparison x <= y. *)
Definition dyadic_le (x y : dyadic) : bool :=
  let E := Z.min (Fexp x) (Fexp y) in align E x <=? align E y.

(** Alignment keeps the value. *)
Theorem align_correct E x : aligned E x -> F2R x = (IZR (align E x) * bpow radix2 E)%R.
Proof.
  unfold align, F2R; intros [Hzero|Hlow].
  - rewrite Hzero, Z.shiftl_0_l; ring.
  - rewrite Z.shiftl_mul_pow2, mult_IZR by lia.
    change 2 with (radix_val radix2); rewrite IZR_Zpower by lia.
    rewrite Rmult_assoc, <- bpow_plus.
    do 2 f_equal; lia.
Qed.

(** A lower exponent serves as well. *)
Lemma aligned_le E E' x : E' <= E -> aligned E x -> aligned E' x.
Proof. unfold aligned; intros HE [Hx|Hx]; [left; exact Hx|right; lia]. Qed.

(** The lowest exponent of a list serves each of its numbers. *)
Theorem lowest_aligned l x : In x l -> aligned (lowest l) x.
Proof.
  induction l as [|y l IH]; intros Hin; [destruct Hin|].
  simpl; destruct Hin as [<-|Hin].
  - destruct (Z.eqb_spec (Fnum y) 0) as [Hy|Hy]; [left; exact Hy|right; lia].
  - specialize (IH Hin); destruct (Fnum y =? 0); [exact IH|].
    apply (aligned_le (lowest l)); [|exact IH]; unfold lowest; lia.
Qed.

(** The comparison decides the order of the values. *)
Theorem dyadic_le_correct x y : dyadic_le x y = true <-> (F2R x <= F2R y)%R.
Proof.
  unfold dyadic_le; set (E := Z.min (Fexp x) (Fexp y)).
  rewrite (align_correct E x), (align_correct E y) by (right; lia).
  assert (Hpos := bpow_gt_0 radix2 E); rewrite Z.leb_le; split; intros H.
  - apply Rmult_le_compat_r; [lra|apply IZR_le, H].
  - apply le_IZR, Rmult_le_reg_r with (2 := H); exact Hpos.
Qed.

(** A number of an aligned list has the value of its integer. *)
Lemma align_nth E l j : (forall x, In x l -> aligned E x) ->
  F2R (nth j l dyadic_zero) = (IZR (nth j (map (align E) l) 0%Z) * bpow radix2 E)%R.
Proof.
  intros Hall; destruct (Nat.lt_ge_cases j (length l)) as [Hj|Hj].
  - rewrite (nth_indep _ 0%Z (align E dyadic_zero)) by (rewrite map_length; exact Hj).
    rewrite map_nth; apply align_correct, Hall, nth_In, Hj.
  - rewrite !nth_overflow by (rewrite ?map_length; exact Hj).
    unfold dyadic_zero; rewrite F2R_0; ring.
Qed.
