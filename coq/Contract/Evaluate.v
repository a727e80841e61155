(** * Contracts decided over the rationals

    Purpose: an executable evaluator for rational environments, and the proof that it agrees with
      the denotation.
    Main definitions: [evaluate], [decide], [supposed_bool], [promised_bool].
    Main results: [evaluate_correct], [decide_correct], [supposed_correct], [promised_correct].
    Depends on: [Syntax], [Denotation], Gptq/Sums.
    Source: this project. *)
From Coq Require Import Reals Lra Lia List String Bool QArith Qreals Qreduction.
From Hallmark Require Import Gptq.Sums Contract.Syntax Contract.Denotation.
Import ListNotations.
Open Scope R_scope.

(** The sum of [f k] over [k < n], in lowest terms. *)
Fixpoint rational_sum (n : nat) (f : nat -> Q) : Q :=
  match n with O => 0%Q | S k => Qred (rational_sum k f + f k) end.

(** The [n]-th power. *)
Fixpoint rational_power (q : Q) (n : nat) : Q :=
  match n with O => 1%Q | S k => Qred (q * rational_power q k) end.

(** The value of a term over the rationals. *)
Fixpoint evaluate (e : environment Q) (ix : indices) (t : term) : Q :=
  match t with
  | Rational n d => n # d
  | Count b => inject_Z (Z.of_nat (reach e ix b))
  | Scalar x => scalar e x
  | Vector x i => vector e x (ix i)
  | Matrix x i j => matrix e x (ix i) (ix j)
  | Add a b => Qred (evaluate e ix a + evaluate e ix b)
  | Sub a b => Qred (evaluate e ix a - evaluate e ix b)
  | Mul a b => Qred (evaluate e ix a * evaluate e ix b)
  | Max a b =>
      let x := evaluate e ix a in let y := evaluate e ix b in if Qle_bool x y then y else x
  | Abs a => let x := evaluate e ix a in if Qle_bool 0 x then x else Qopp x
  | Power a b => rational_power (evaluate e ix a) (reach e ix b)
  | Sum i b body => rational_sum (reach e ix b) (fun k => evaluate e (bind ix i k) body)
  end.

(** The truth of a formula over the rationals. *)
Fixpoint decide (e : environment Q) (ix : indices) (f : formula) : bool :=
  match f with
  | Le a b => Qle_bool (evaluate e ix a) (evaluate e ix b)
  | Lt a b => negb (Qle_bool (evaluate e ix b) (evaluate e ix a))
  | Eq a b => Qeq_bool (evaluate e ix a) (evaluate e ix b)
  | And f g => decide e ix f && decide e ix g
  | Implies f g => implb (decide e ix f) (decide e ix g)
  | All i b body => forallb (fun k => decide e (bind ix i k) body) (seq 0 (reach e ix b))
  end.

(** What a contract supposes and promises, decided. *)
Definition supposed_bool (c : contract) (e : environment Q) : bool :=
  forallb (decide e no_index) (pre c).
Definition promised_bool (c : contract) (e : environment Q) : bool := decide e no_index (post c).

(** The same environment over the reals. *)
Definition real (e : environment Q) : environment R :=
  Environment R (size e) (fun x => Q2R (scalar e x)) (fun x i => Q2R (vector e x i))
    (fun x i j => Q2R (matrix e x i j)).

(** Lowest terms do not change the value. *)
Lemma Q2R_Qred q : Q2R (Qred q) = Q2R q.
Proof. apply Qeq_eqR, Qred_correct. Qed.

(** Sums agree. *)
Lemma rational_sum_correct n f : Q2R (rational_sum n f) = bsum n (fun k => Q2R (f k)).
Proof.
  induction n as [|n IH]; cbn [rational_sum bsum]; [apply RMicromega.Q2R_0|].
  rewrite Q2R_Qred, Q2R_plus, IH; reflexivity.
Qed.

(** Powers agree. *)
Lemma rational_power_correct q n : Q2R (rational_power q n) = Q2R q ^ n.
Proof.
  induction n as [|n IH]; cbn [rational_power pow]; [apply RMicromega.Q2R_1|].
  rewrite Q2R_Qred, Q2R_mult, IH; reflexivity.
Qed.

(** The order of the rationals is the order of their values. *)
Lemma Qle_bool_reflect a b : reflect (Q2R a <= Q2R b) (Qle_bool a b).
Proof.
  destruct (Qle_bool a b) eqn:order; constructor.
  - apply Qle_Rle, Qle_bool_iff; exact order.
  - intros below; apply Rle_Qle, Qle_bool_iff in below; congruence.
Qed.

(** Every term has the value that the evaluator computes. *)
Theorem evaluate_correct e t : forall ix, value (real e) ix t = Q2R (evaluate e ix t).
Proof.
  induction t as [n d|b|x|x i|x i j|a IHa b IHb|a IHa b IHb|a IHa b IHb|a IHa b IHb|a IHa|a IHa b
                 |i b body IH]; intros ix; cbn [value evaluate].
  - reflexivity.
  - replace (reach (real e) ix b) with (reach e ix b) by (destruct b; reflexivity).
    unfold inject_Z, Q2R; cbn [Qnum Qden]; rewrite <- INR_IZR_INZ; field.
  - reflexivity.
  - reflexivity.
  - reflexivity.
  - rewrite IHa, IHb, Q2R_Qred, Q2R_plus; reflexivity.
  - rewrite IHa, IHb, Q2R_Qred, Q2R_minus; reflexivity.
  - rewrite IHa, IHb, Q2R_Qred, Q2R_mult; reflexivity.
  - rewrite IHa, IHb; destruct (Qle_bool_reflect (evaluate e ix a) (evaluate e ix b)).
    + apply Rmax_right; assumption.
    + apply Rmax_left; lra.
  - rewrite IHa; destruct (Qle_bool_reflect 0 (evaluate e ix a)) as [pos|neg];
      rewrite RMicromega.Q2R_0 in *.
    + apply Rabs_pos_eq; exact pos.
    + rewrite Q2R_opp; apply Rabs_left; lra.
  - replace (reach (real e) ix b) with (reach e ix b) by (destruct b; reflexivity).
    rewrite IHa, rational_power_correct; reflexivity.
  - replace (reach (real e) ix b) with (reach e ix b) by (destruct b; reflexivity).
    rewrite rational_sum_correct; apply bsum_ext; intros k _; apply IH.
Qed.

(** Every formula is true when the evaluator says so, and false otherwise. *)
Theorem decide_correct e f : forall ix, truth (real e) ix f <-> decide e ix f = true.
Proof.
  induction f as [a b|a b|a b|f IHf g IHg|f IHf g IHg|i b body IH]; intros ix; cbn [truth decide].
  - rewrite !evaluate_correct; destruct (Qle_bool_reflect (evaluate e ix a) (evaluate e ix b));
      split; congruence || tauto.
  - rewrite !evaluate_correct; destruct (Qle_bool_reflect (evaluate e ix b) (evaluate e ix a));
      cbn [negb]; split; intros; congruence || lra.
  - rewrite !evaluate_correct, Qeq_bool_iff; split; [apply eqR_Qeq|apply Qeq_eqR].
  - rewrite IHf, IHg, andb_true_iff; reflexivity.
  - rewrite IHf, IHg; destruct (decide e ix f), (decide e ix g); cbn [implb]; intuition congruence.
  - replace (reach (real e) ix b) with (reach e ix b) by (destruct b; reflexivity).
    rewrite forallb_forall; split.
    + intros all k member; apply in_seq in member; apply IH, all; lia.
    + intros all k below; apply IH, all, in_seq; lia.
Qed.

(** The preconditions are decided. *)
Theorem supposed_correct c e : supposed c (real e) <-> supposed_bool c e = true.
Proof.
  unfold supposed, supposed_bool; induction (pre c) as [|f fs IH]; cbn [all_true forallb].
  - tauto.
  - rewrite andb_true_iff, IH, decide_correct; reflexivity.
Qed.

(** The postcondition is decided. *)
Theorem promised_correct c e : promised c (real e) <-> promised_bool c e = true.
Proof. apply decide_correct. Qed.
