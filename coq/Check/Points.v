(** * The steps and the points of a row

    Purpose: the checker spreads the scale and the zero point of each group over its columns, and
      walks along a row with them.  Column by column that gives what the definitions say.
    Main results: [spread_correct], [code_points_correct], [rtn_points_correct].
    Depends on: Check/Dyadic, Check/Grid, Check/Ruler, Check/Checker; Flocq: Core.
    Source: elementary. *)
From Coq Require Import ZArith Reals Lia List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Check.Dyadic Check.Grid Check.Ruler Check.Checker.
Import ListNotations.
Open Scope R_scope.

(** The groups cover the columns. *)
Lemma groups_cover n size : (n <= group_width n size * group_count n size)%nat.
Proof.
unfold group_width, group_count; destruct size as [|k]; [lia|].
assert (above := Nat.mul_succ_div_gt (n + k) (S k) ltac:(lia)).
set (q := ((n + k) / S k)%nat) in *; clearbody q; nia.
Qed.

(** An entry of repeated entries. *)
Lemma nth_flat_repeat {A} (l : list A) width j a : (j < width * length l)%nat ->
  nth j (flat_map (fun x => repeat x width) l) a = nth (j / width) l a.
Proof.
revert j; induction l as [|x l IH]; intros j below; [simpl in below; lia|].
cbn [flat_map length] in *; destruct (Nat.lt_ge_cases j width) as [first|later].
- rewrite app_nth1 by (rewrite repeat_length; exact first).
  rewrite Nat.div_small, (nth_indep _ a x) by (rewrite ?repeat_length; exact first).
  exact (nth_repeat x width j).
- rewrite app_nth2, repeat_length by (rewrite repeat_length; exact later).
  rewrite IH by lia.
  replace (j / width)%nat with (S ((j - width) / width)); [reflexivity|].
  replace j with ((j - width) + 1 * width)%nat at 2 by lia.
  rewrite Nat.div_add by lia; lia.
Qed.

(** The length of repeated entries. *)
Lemma flat_repeat_length {A} (l : list A) width :
  length (flat_map (fun x => repeat x width) l) = (width * length l)%nat.
Proof.
induction l as [|x l IH]; [simpl; lia|].
cbn [flat_map length]; rewrite app_length, repeat_length, IH; lia.
Qed.

(** The step of a column is the step of its group. *)
Lemma spread_correct n width steps a : (n <= width * length steps)%nat ->
  length (spread n width steps) = n /\
  forall j, (j < n)%nat -> nth j (spread n width steps) a = nth (j / width) steps a.
Proof.
intros cover; unfold spread; split.
- rewrite firstn_length, flat_repeat_length; lia.
- intros j below; rewrite <- (nth_flat_repeat steps width j a) by lia.
  rewrite <- (firstn_skipn n (flat_map _ steps)) at 2.
  rewrite app_nth1; [reflexivity|rewrite firstn_length, flat_repeat_length; lia].
Qed.

(** A step that is not there. *)
Notation no_step := (dyadic_zero, 0%Z).

Section Points.

Variables (g : grid) (k : ruler).
Hypothesis ready : prepare g = Some k.

(** The points of a row of codes. *)
Lemma code_points_correct steps l q : code_points k steps l = Some q ->
  length q = length l /\ Forall (code_ok g) l /\
  forall j, (j < length l)%nat -> F2R (nth j q dyadic_zero)
    = F2R (fst (nth j steps no_step)) * code_value g (snd (nth j steps no_step)) (nth j l 0%Z).
Proof.
revert steps q; induction l as [|c l IH]; intros steps q; cbn [code_points].
- intros done; injection done as <-; split; [reflexivity|split; [constructor|simpl; lia]].
- destruct steps as [|[s z] steps]; [discriminate|].
  destruct (ruler_code k z c) as [d|] eqn:code; [|discriminate].
  destruct (code_points k steps l) as [tail|] eqn:others; [|discriminate].
  intros done; injection done as <-.
  destruct (IH steps tail others) as [size [all values]].
  destruct (ruler_code_correct g k z c d ready code) as [valid value].
  split; [simpl; rewrite size; reflexivity|split; [constructor; assumption|]].
  intros [|j] below; [|apply values; simpl in below; lia].
  cbn [nth fst snd]; rewrite product_correct, value; reflexivity.
Qed.

(** The points of round-to-nearest. *)
Lemma rtn_points_correct steps l : (length l <= length steps)%nat ->
  length (rtn_points k steps l) = length l /\
  forall j, (j < length l)%nat -> Fnum (fst (nth j steps no_step)) <> 0%Z ->
    F2R (nth j (rtn_points k steps l) dyadic_zero)
    = nearest_point g (F2R (fst (nth j steps no_step))) (snd (nth j steps no_step))
        (F2R (nth j l dyadic_zero)).
Proof.
revert steps; induction l as [|x l IH]; intros [|[s z] steps] enough; cbn [rtn_points].
1-2: split; [reflexivity|simpl; lia].
- simpl in enough; lia.
- destruct (IH steps ltac:(simpl in enough; lia)) as [size values].
  split; [simpl; rewrite size; reflexivity|].
  intros [|j] below; [|apply values; simpl in below; lia].
  intros nonzero; exact (rtn_dyadic_correct g k s z x ready nonzero).
Qed.

End Points.
