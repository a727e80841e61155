(** * The rounding error of the Gram matrix (T11 b)

    Purpose: how far the stored Gram matrix G' is from X X^T.
    Main results: [T11_gram] (any format), [T11_gram_multiple] (activations on a grid of 2^e whose
      products cannot underflow), [T11_gram_binary32] (binary32 activations, binary64 sums: no
      underflow term at all), [T11_gram_diagonal] (relative to the diagonal), [gram_float_sym].
    Bound functions: [gam], [gram_size], [under_chain].
    Depends on: Gptq/Sums, Gptq/Matrix, [ChainError], [Recurrence], [SumsExtra].
    Source: this project. *)
From Coq Require Import ZArith Reals Lia Lra Psatz.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix.
From Hallmark.Float Require Import Arithmetic Rounding Gamma Chain ChainError Recurrence SumsExtra.
Open Scope R_scope.

(** The sum over the tokens of |x_at| |x_bt|. *)
Definition gram_size (m : nat) (X : mat) (a b : nat) : R :=
  bsum m (fun t => Rabs (X a t) * Rabs (X b t)).

(** The size of an entry is at most the geometric mean of the diagonal entries. *)
Lemma gram_size_diagonal m X a b :
  gram_size m X a b <= sqrt (gram m X a a) * sqrt (gram m X b b).
Proof.
eapply Rle_trans; [apply cauchy_schwarz_abs|apply Req_le].
unfold gram; f_equal; f_equal; apply bsum_ext; intros; ring.
Qed.

Section Gram.

Variables emin prec : Z.
Context {prec_pos : Prec_gt_0 prec}.
Notation A := (real_arith emin prec).
Notation u := (uro prec).
Notation z := (eta emin).

(** T11 (b): the Gram matrix. *)
Theorem T11_gram m X a b :
  Rabs (gram_float A m X a b - gram m X a b) <= gam u m * gram_size m X a b + under_chain u z m.
Proof. exact (chain_error emin prec m (X a) (X b)). Qed.

(** T11 (b) without underflow: the activations are multiples of 2^e and 2 e >= emin. *)
Theorem T11_gram_multiple e m X a b :
  (emin <= e + e)%Z -> (forall t, (t < m)%nat -> multiple e (X a t) /\ multiple e (X b t)) ->
  Rabs (gram_float A m X a b - gram m X a b) <= gam u m * gram_size m X a b.
Proof.
intros above grid; apply (chain_error_multiple emin prec (e + e)); [exact above|].
intros t below; apply multiple_mult; apply (grid t below).
Qed.

(** The computed Gram matrix is symmetric. *)
Lemma gram_float_sym m X a b : gram_float A m X a b = gram_float A m X b a.
Proof.
unfold gram_float; induction m as [|m IH]; [reflexivity|cbn [fma_chain]].
rewrite IH; cbn [a_fma real_arith]; f_equal; ring.
Qed.

End Gram.

(** The activations are numbers of binary32. *)
Definition binary32_entries (n m : nat) (X : mat) : Prop :=
  forall i t, (i < n)%nat -> (t < m)%nat -> in_format (-149) 24 (X i t).

(** T11 (b) as the product runs it: binary32 activations, binary64 sums, no underflow. *)
Theorem T11_gram_binary32 n m X a b :
  binary32_entries n m X -> (a < n)%nat -> (b < n)%nat ->
  Rabs (gram_float real64 m X a b - gram m X a b) <= gam (uro 53) m * gram_size m X a b.
Proof.
intros form abelow bbelow; apply (T11_gram_multiple (-1074) 53 (-149)); [lia|].
intros t below; split; apply (multiple_of_format (-149) 24); apply form; assumption.
Qed.

(** T11 (b) relative to the diagonal of the exact Gram matrix. *)
Theorem T11_gram_diagonal n m X a b :
  binary32_entries n m X -> (a < n)%nat -> (b < n)%nat ->
  Rabs (gram_float real64 m X a b - gram m X a b)
  <= gam (uro 53) m * (sqrt (gram m X a a) * sqrt (gram m X b b)).
Proof.
intros form abelow bbelow.
eapply Rle_trans; [apply (T11_gram_binary32 n); assumption|].
apply Rmult_le_compat_l; [apply gam_ge0, uro_ge0|apply gram_size_diagonal].
Qed.
