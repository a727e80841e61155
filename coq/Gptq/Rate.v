(** * T27: codes that are chosen by loss and bits together

    Purpose: choosing in every column the code of least d_j (u_j - q_j)^2 + mu bits minimises, step
      by step, terms whose sum is exactly the loss plus mu times all bits.
    Main definitions: [rate] (bits of a code in a column after the codes before), [step_cost],
      [is_greedy].
    Main results: [T27_identity] (any codes, any rates), [T27_stepwise], [T27_bound],
      [T27_gptq_is_greedy] and [T27_greedy_is_gptq] (mu = 0 is GPTQ, with some tie rule).
    Depends on: [Matrix], [Gptq], [Identity].
    Source: this project; T1 for any codes. *)
From Coq Require Import Reals Lra Lia Arith.
From Hallmark.Gptq Require Import Sums Matrix Gptq Identity.
Open Scope R_scope.

(** The bits of the code y in column j after the codes q of the columns before: any numbers. *)
Notation rate := (nat -> vec -> R -> R).

(** What the code y costs in column j after the codes q. *)
Definition step_cost (U : mat) (d : vec) (mu : R) (bits : rate) (w q : vec) (j : nat) (y : R) : R :=
  d j * (comp U w q j - y) ^ 2 + mu * bits j q y.

(** Each code is a point of its grid that costs least. *)
Definition is_greedy (n : nat) (grid : nat -> R -> Prop) (U : mat) (d : vec) (mu : R) (bits : rate)
    (w q : vec) : Prop :=
  forall j, (j < n)%nat -> grid j (q j) /\
    forall y, grid j y -> step_cost U d mu bits w q j (q j) <= step_cost U d mu bits w q j y.

(** A rounding onto a grid, to a nearest point of it. *)
Definition nearest_on (grid : R -> Prop) (Q : R -> R) : Prop :=
  forall x, grid (Q x) /\ forall y, grid y -> Rabs (x - Q x) <= Rabs (x - y).

(** T27. The costs of any codes sum to the loss and mu times the bits, exactly. *)
Theorem T27_identity n M U d mu bits w q : udu n M U d ->
  bsum n (fun j => step_cost U d mu bits w q j (q j))
  = qform n M (vsub w q) + mu * bsum n (fun j => bits j q (q j)).
Proof.
intros cert; rewrite (T1_identity n M U d w q cert); unfold step_cost.
rewrite bsum_plus, bsum_scal; reflexivity.
Qed.

(** T27, step by step: codes that agree before a column pay no less in it, where the rate looks only
    at the codes before. *)
Theorem T27_stepwise n grid U d mu bits w q q' j : is_greedy n grid U d mu bits w q ->
  (j < n)%nat -> (forall k, (k < j)%nat -> q' k = q k) -> grid j (q' j) ->
  (forall y, bits j q' y = bits j q y) ->
  step_cost U d mu bits w q j (q j) <= step_cost U d mu bits w q' j (q' j).
Proof.
intros greedy below same on past.
assert (here : step_cost U d mu bits w q' j (q' j) = step_cost U d mu bits w q j (q' j)).
{ unfold step_cost; rewrite past; replace (comp U w q' j) with (comp U w q j); [reflexivity|].
  unfold comp; f_equal; apply bsum_ext; intros k before; rewrite same by exact before.
  reflexivity. }
rewrite here; apply (greedy j below); exact on.
Qed.

(** T27 as a bound: the loss and mu times the bits are no more than what any rounding onto the grids
    would pay at the same compensated weights. *)
Theorem T27_bound n M grid U d mu bits w q Q : udu n M U d ->
  is_greedy n grid U d mu bits w q -> (forall j, (j < n)%nat -> grid j (Q j (comp U w q j))) ->
  qform n M (vsub w q) + mu * bsum n (fun j => bits j q (q j))
  <= bsum n (fun j => d j * (comp U w q j - Q j (comp U w q j)) ^ 2)
     + mu * bsum n (fun j => bits j q (Q j (comp U w q j))).
Proof.
intros cert greedy on; rewrite <- (T27_identity n M U d mu bits w q cert).
rewrite <- bsum_scal, <- bsum_plus; apply bsum_le; intros j below.
exact (proj2 (greedy j below) _ (on j below)).
Qed.

(** With mu = 0 GPTQ's codes are greedy, *)
Theorem T27_gptq_is_greedy n grid U d bits w q Q : nonneg n d ->
  (forall j, (j < n)%nat -> nearest_on (grid j) (Q j)) -> is_gptq n Q U w q ->
  is_greedy n grid U d 0 bits w q.
Proof.
intros pos near run j below; rewrite (run j below).
destruct (near j below (comp U w q j)) as [on least]; split; [exact on|].
intros y ony; unfold step_cost; rewrite !Rmult_0_l, !Rplus_0_r.
apply Rmult_le_compat_l; [apply pos; exact below|]; apply sqr_le_abs, least; exact ony.
Qed.

(** and greedy codes are GPTQ's, with one of the tie rules: where pivots are positive. *)
Theorem T27_greedy_is_gptq n grid U d bits w q Q : (forall j, (j < n)%nat -> 0 < d j) ->
  (forall j, (j < n)%nat -> nearest_on (grid j) (Q j)) -> is_greedy n grid U d 0 bits w q ->
  exists Q', (forall j, (j < n)%nat -> nearest_on (grid j) (Q' j)) /\ is_gptq n Q' U w q.
Proof.
intros pos near greedy.
exists (fun j x => if Req_EM_T x (comp U w q j) then q j else Q j x); split.
- intros j below x; destruct Req_EM_T as [->|_]; [|apply near; exact below].
  destruct (greedy j below) as [on least]; split; [exact on|]; intros y ony.
  specialize (least y ony); unfold step_cost in least.
  rewrite !Rmult_0_l, !Rplus_0_r in least; apply Rmult_le_reg_l in least; [|apply pos; exact below].
  apply Rsqr_le_abs_0; rewrite !Rsqr_pow2; exact least.
- intros j below; destruct Req_EM_T as [_|other]; [reflexivity|contradiction].
Qed.
