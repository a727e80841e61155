(** * The GPTQ recursion: existence, uniqueness, and the triangular reading

    Purpose: the relation [is_gptq] has exactly one output, and the compensated errors are (w - q)
      U.
    Main results: [gptq_exists], [gptq_unique], [comp_sub] (u - q = (w - q) U), [inplace_pull] (w -
      q = (u - q) V for the in-place form), [comp_ext] (locality).
    Depends on: [Sums], [Matrix], [MatrixFacts], [Triangular], [Gptq].
    Source: E. Frantar et al., GPTQ, arXiv 2210.17323, algorithm 1. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Triangular Gptq.
Open Scope R_scope.

(** The compensated weight of a column looks only at the codes before it. *)
Lemma comp_ext U w q q' j : (forall k, (k < j)%nat -> q k = q' k) -> comp U w q j = comp U w q' j.
Proof.
intros same; unfold comp; f_equal; apply bsum_ext; intros k below; rewrite same; auto.
Qed.

(** The function [gptq_upto] computes codes of GPTQ: the relation has an output for every input. *)
Theorem gptq_exists n Q U w : is_gptq n Q U w (gptq_upto n Q U w).
Proof.
induction n as [|n IH]; intros j below; [lia|]; simpl.
assert (same : forall i, (i <= n)%nat ->
  comp U w (fun k => if Nat.eqb k n then Q n (comp U w (gptq_upto n Q U w) n)
                     else gptq_upto n Q U w k) i = comp U w (gptq_upto n Q U w) i).
{ intros i before; apply comp_ext; intros k kbelow.
  rewrite (proj2 (Nat.eqb_neq k n)) by lia; reflexivity. }
destruct (Nat.eqb_spec j n) as [->|other].
- rewrite same by lia; reflexivity.
- rewrite same by lia; apply IH; lia.
Qed.

(** Two outputs of the relation agree on every column. *)
Theorem gptq_unique n Q U w q q' : is_gptq n Q U w q -> is_gptq n Q U w q' ->
  forall j, (j < n)%nat -> q j = q' j.
Proof.
intros run run' j; induction j as [j IH] using lt_wf_ind; intros below.
rewrite (run j below), (run' j below); f_equal; apply comp_ext; intros k before; apply IH; lia.
Qed.

(** The codes of the first columns are GPTQ's codes for those columns alone. *)
Lemma is_gptq_prefix n m Q U w q : (m <= n)%nat -> is_gptq n Q U w q -> is_gptq m Q U w q.
Proof. intros fewer run j below; apply run; lia. Qed.

(** The errors of the compensated weights are the errors of the weights times U. *)
Lemma comp_sub n U w q j : unit_upper n U -> (j < n)%nat ->
  comp U w q j - q j = vmul n (vsub w q) U j.
Proof.
intros shape below; rewrite (vmul_unit_upper n U (vsub w q) j shape below).
unfold comp, vsub; lra.
Qed.

(** The errors of the weights are the in-place errors times V. *)
Lemma inplace_pull n V w u q : unit_upper n V -> is_inplace n V w u q ->
  forall j, (j < n)%nat -> vsub w q j = vmul n (vsub u q) V j.
Proof.
intros shape run j below; rewrite (vmul_unit_upper n V (vsub u q) j shape below).
assert (here := run j below); unfold vsub; lra.
Qed.

(** The textbook form contains the in-place updates. *)
Lemma textbook_inplace n Q V w u q : is_textbook n Q V w u q -> is_inplace n V w u q.
Proof. intros run j below; apply run; exact below. Qed.
