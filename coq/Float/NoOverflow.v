(** * Bounds that exclude overflow before the run

    Purpose: [FiniteRun] reads the absence of overflow from finite results; here it is
      foreseen: if the sizes of the inputs leave room below the overflow threshold, the run is
      finite.
    Main results: [chain_no_overflow], [gram_no_overflow], [comp_no_overflow].
    Bound functions: [chain_room].
    Depends on: Gptq/Sums, [ChainError], [Machine], [FiniteRun].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence.
From Hallmark.Float Require Import Machine FiniteRun.
Open Scope R_scope.

(** The largest magnitude that a chain can reach: (1 + u)^n (|a0| + sum |x_k||y_k| + n z). *)
Definition chain_room (emin prec : Z) (n : nat) (x y : vec) (a0 : R) : R :=
  (1 + uro prec) ^ n
  * (Rabs a0 + bsum n (fun k => Rabs (x k) * Rabs (y k)) + INR n * eta emin).

(** The room grows with the chain. *)
Lemma chain_room_mono emin prec n x y a0 :
  chain_room emin prec n x y a0 <= chain_room emin prec (S n) x y a0.
Proof.
unfold chain_room; rewrite S_INR; cbn [bsum].
assert (upos := uro_ge0 prec); assert (zpos := eta_ge0 emin).
assert (terms : 0 <= bsum n (fun k => Rabs (x k) * Rabs (y k)))
  by (apply bsum_ge0; intros; apply Rmult_le_pos; apply Rabs_pos).
assert (next : 0 <= Rabs (x n) * Rabs (y n)) by (apply Rmult_le_pos; apply Rabs_pos).
assert (start := Rabs_pos a0); assert (index := pos_INR n).
assert (ge1 := growth_ge1 (uro prec) upos n).
apply Rmult_le_compat; [lra|nra|apply growth_mono; [exact upos|lia]|lra].
Qed.

Section NoOverflow.

Variables prec emax : Z.
Context {prec_pos : Prec_gt_0 prec}.
Context {prec_emax : Prec_lt_emax prec emax}.
Notation bin := (Binary.binary_float prec emax).
Notation val := (Binary.B2R prec emax).
Notation finite := (Binary.is_finite prec emax).
Notation emin := (3 - emax - prec)%Z.
Variable nans : nan_choice prec emax.
Notation F := (float_arith nans).
Notation A := (real_arith emin prec).
Notation vals x := (fun k => val (x k)).
Notation mvals X := (fun i j => val (X i j)).
Notation top := (bpow radix2 emax).

(** A chain with room below the threshold is finite. *)
Theorem chain_no_overflow n x y a0 :
  (forall k, (k < n)%nat -> finite (x k) = true /\ finite (y k) = true) -> finite a0 = true ->
  chain_room emin prec n (vals x) (vals y) (val a0) < top ->
  finite (fma_chain F n x y a0) = true.
Proof.
intros terms start; induction n as [|n IH]; intros room; [exact start|].
assert (before : finite (fma_chain F n x y a0) = true).
{ apply IH; [intros k below; apply terms; lia|].
  eapply Rle_lt_trans; [apply chain_room_mono|exact room]. }
destruct (chain_finite nans before) as [_ [_ same]].
simpl fma_chain; destruct (terms n (Nat.lt_succ_diag_r n)) as [finx finy].
apply (fma_bounded prec emax nans); [exact finx|exact finy|exact before|].
rewrite same; eapply Rle_lt_trans; [|exact room].
exact (chain_size emin prec (S n) (vals x) (vals y) (val a0)).
Qed.

(** A Gram matrix of finite activations with room below the threshold is finite. *)
Corollary gram_no_overflow m X a b :
  (forall t, (t < m)%nat -> finite (X a t) = true /\ finite (X b t) = true) ->
  chain_room emin prec m (vals (X a)) (vals (X b)) 0 < top ->
  finite (gram_float F m X a b) = true.
Proof. intros terms room; apply chain_no_overflow; [exact terms|reflexivity|exact room]. Qed.

(** A compensated weight of finite inputs is finite when the differences, the feedback and the
    last sum have room below the threshold. *)
Theorem comp_no_overflow U w s g j :
  (forall k, (k <= j)%nat -> finite (w k) = true) ->
  (forall k, (k < j)%nat ->
     finite (s k) = true /\ finite (g k) = true /\ finite (U k j) = true) ->
  (forall k, (k < j)%nat ->
     (1 + uro prec) * (Rabs (val (s k)) * Rabs (val (g k)) + Rabs (val (w k))) + eta emin
     < top) ->
  chain_room emin prec j (weight_error A (vals w) (vals s) (vals g)) (fun k => val (U k j)) 0
  < top ->
  (1 + uro prec)
  * (Rabs (val (w j))
     + Rabs (feedback A (mvals U) (weight_error A (vals w) (vals s) (vals g)) j)) + eta emin
  < top ->
  finite (comp_float F U w s g j) = true.
Proof.
intros finw finsgU differences room last.
assert (errors : forall k, (k < j)%nat -> finite (weight_error F w s g k) = true).
{ intros k below; destruct (finsgU k below) as [fins [fing _]].
  apply (fma_bounded prec emax nans);
    [cbn [a_opp float_arith]; rewrite (Binary.is_finite_Bopp prec emax); exact fins
    |exact fing|apply finw; lia|].
  apply (rounded_below prec emax)
    with (b := Rabs (val (s k)) * Rabs (val (g k)) + Rabs (val (w k)));
    [|apply differences; exact below].
  cbn [a_opp float_arith]; rewrite (Binary.B2R_Bopp prec emax).
  eapply Rle_trans; [apply Rabs_triang|rewrite Rabs_mult, Rabs_Ropp; apply Rle_refl]. }
assert (values : forall k, (k < j)%nat ->
  val (weight_error F w s g k) = weight_error A (vals w) (vals s) (vals g) k)
  by (intros k below; apply (weight_error_finite prec emax nans), errors; exact below).
assert (fed : finite (feedback F U (weight_error F w s g) j) = true).
{ apply chain_no_overflow; [|reflexivity|].
  - intros k below; split; [apply errors; exact below|apply finsgU; exact below].
  - eapply Rle_lt_trans; [|exact room].
    unfold chain_room; apply Req_le; f_equal; f_equal; f_equal.
    apply bsum_ext; intros k below; rewrite values by exact below; reflexivity. }
destruct (chain_finite nans fed) as [_ [_ same]].
apply (add_bounded prec emax nans); [apply finw; lia|exact fed|].
apply (rounded_below prec emax) with (b := Rabs (val (w j))
  + Rabs (feedback A (mvals U) (weight_error A (vals w) (vals s) (vals g)) j)); [|exact last].
eapply Rle_trans; [apply Rabs_triang|apply Rplus_le_compat_l, Req_le; f_equal].
unfold feedback at 1; rewrite same; apply fma_chain_ext; intros k below; [|reflexivity].
apply values; exact below.
Qed.

End NoOverflow.
