(** * The theorems on the uniform grid s Z with ties to even

    Purpose: the hypotheses on quantizers are met by round-half-even on the multiples of s, so that
      T2, T3, T3b and T4 hold on that grid with no hypothesis on the quantizer left.
    Main results: [rne_nearest_multiple], [rne_half_step], [rne_half_even_ties], [rne_near_int];
      [T2_supremum_uniform], [T3_dominance_uniform], [T3b_minimax_uniform],
      [T4_two_columns_plain_uniform].
    Depends on: [Bound], [WorstCase], [Feedback], [TwoColumns], Format/IntegerGrid.
    Source: this project. *)
From Coq Require Import Reals Lra.
From Flocq Require Import Core.
From Hallmark.Format Require Import IntegerGrid.
From Hallmark.Gptq Require Import
  Sums Matrix Quantizer QuantizerFacts Gptq Bound WorstCase Feedback TwoColumns.
Open Scope R_scope.

Section UniformGrid.

Variable s : R.
Hypothesis s_pos : 0 < s.

(** Round-half-even on the multiples of s moves no number by more than s/2. *)
Lemma rne_half_step : half_step s (rne s).
Proof. intros x; apply rne_error; exact s_pos. Qed.

(** Round-half-even on the multiples of s is rounding to nearest on them. *)
Lemma rne_nearest_multiple : nearest_multiple s (rne s).
Proof. intros x; split; [eexists; reflexivity|apply rne_half_step]. Qed.

(** Round-half-even on the multiples of s sends both s/2 and -s/2 to zero. *)
Lemma rne_half_even_ties : half_even_ties s (rne s).
Proof. split; [apply rne_tie_up|apply rne_tie_down]; exact s_pos. Qed.

(** T2 on s Z: s^2/4 sum_j d_j is the least upper bound of GPTQ's loss. *)
Theorem T2_supremum_uniform n M U d : udu n M U d -> nonneg n d ->
  is_lub (fun x => exists w q, is_gptq n (fun _ => rne s) U w q /\ x = qform n M (vsub w q))
    (s ^ 2 / 4 * bsum n d).
Proof.
intros cert pos; apply (T2_supremum n M U d (fun _ => rne s)); auto using rne_half_step.
intros j _; apply rne_half_even_ties.
Qed.

(** T3 on s Z. *)
Theorem T3_dominance_uniform n M U d : udu n M U d -> nonneg n d ->
  exists w', forall w q, is_gptq n (fun _ => rne s) U w q ->
    qform n M (vsub w q) <= qform n M (vsub w' (rtn (fun _ => rne s) w')).
Proof.
intros cert pos; apply (T3_dominance n M U d (fun _ => rne s) s);
  auto using rne_half_step, rne_half_even_ties.
Qed.

(** T3b on s Z. *)
Theorem T3b_minimax_uniform n M U d F : udu n M U d -> nonneg n d -> unit_upper n F ->
  exists w' q', is_gptq n (fun _ => rne s) F w' q' /\
    forall w q, is_gptq n (fun _ => rne s) U w q ->
      qform n M (vsub w q) <= qform n M (vsub w' q').
Proof.
intros cert pos shape; apply (T3b_minimax n M U d F (fun _ => rne s) s);
  auto using rne_half_step, rne_half_even_ties.
Qed.

(** T4 on s Z: two columns, the plain loss, any damping. *)
Theorem T4_two_columns_plain_uniform m X lam U d w q : 0 <= lam ->
  udu 2 (hess lam (gram m X)) U d -> nonneg 2 d -> is_gptq 2 (fun _ => rne s) U w q ->
  loss 2 m X (vsub w q) <= loss 2 m X (vsub w (rtn (fun _ => rne s) w)).
Proof.
intros lampos cert pos run; apply (T4_two_columns_plain m X lam U d); try assumption.
intros x y; apply rne_nearest; exact s_pos.
Qed.

End UniformGrid.

(** Round-half-even on the integers returns every integer that is uniquely nearest. *)
Lemma rne_near_int : near_int (rne 1).
Proof. apply near_int_of_nearest_multiple, rne_nearest_multiple; lra. Qed.
