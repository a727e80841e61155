(** * T19: coordinate descent

    Purpose: replacing one code by a point of the grid that is nearer to the centre of its column
      lowers the loss, and nothing else does; so sweeps end, and where they end no single code can
      be changed for the better.
    Main definitions: [centre] (where the loss is least over one code), [set_code], [descend] (one
      sweep), [one_opt].
    Main results: [T19_change] (by exactly how much the loss changes), [T19_step], [T19_nearest],
      [T19_dead_column], [T19_live_or_dead], [T19_sweep], [T19_moves_end], [T19_sweeps_end],
      [T19_one_opt]; from centres that are computed with errors [T19_rounded_change],
      [T19_rounded], [T19_rounded_one_opt].
    Nothing is assumed about how the first codes were found; semidefiniteness is asked only where a
      diagonal entry is zero, as [live_or_dead].
    Depends on: [Bilinear], [Quantizer].
    Source: Y. Nesterov, Efficiency of coordinate descent methods (2012), for the method; as
      CDQuant, arXiv 2406.17542, for codes. *)
From Coq Require Import Reals Lra Lia Psatz Arith List.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Bilinear Quantizer.
Import ListNotations.
Open Scope R_scope.

(** ** One code *)

(** The codes [q] with [x] in column [j]. *)
Definition set_code (q : vec) (j : nat) (x : R) : vec := fun i => if Nat.eqb i j then x else q i.

(** The centre of column [j], q_j + (e G)_j / G_jj with e = w - q: where the loss is least when only
    the code of this column may change. *)
Definition centre (n : nat) (G : mat) (w q : vec) (j : nat) : R :=
  q j + bsum n (fun i => vsub w q i * G i j) / G j j.

(** One code changed is a step along its coordinate. *)
Lemma set_code_line n G w q j x : sym n G -> (j < n)%nat ->
  qform n G (vsub w (set_code q j x))
  = qform n G (vsub w q) + 2 * (q j - x) * bsum n (fun i => vsub w q i * G i j)
    + (q j - x) ^ 2 * G j j.
Proof.
intros symmetric below.
rewrite (qform_ext n G _ (fun i => vsub w q i + (q j - x) * unit_at j i)).
- rewrite qform_line, bform_unit, qform_unit by assumption; reflexivity.
- intros i _; unfold vsub, set_code, unit_at; rewrite Nat.eqb_sym.
  destruct (Nat.eqb_spec j i) as [->|_]; ring.
Qed.

(** The centre does not depend on the code that it is the centre for. *)
Lemma centre_set_code n G w q j x : (j < n)%nat -> G j j <> 0 ->
  centre n G w (set_code q j x) j = centre n G w q j.
Proof.
intros below live; unfold centre.
assert (moved : bsum n (fun i => vsub w (set_code q j x) i * G i j)
  = bsum n (fun i => vsub w q i * G i j) + (q j - x) * G j j).
{ rewrite <- (bsum_delta n j (fun i => (q j - x) * G i j) below), <- bsum_plus.
  apply bsum_ext; intros i _; unfold vsub, set_code; rewrite (Nat.eqb_sym j i).
  destruct (Nat.eqb_spec i j) as [->|_]; ring. }
rewrite moved; unfold set_code; rewrite Nat.eqb_refl; field; exact live.
Qed.

(** T19. By exactly how much the loss changes. *)
Theorem T19_change n G w q j x : sym n G -> (j < n)%nat -> G j j <> 0 ->
  let t := centre n G w q j in
  qform n G (vsub w (set_code q j x))
  = qform n G (vsub w q) + G j j * ((t - x) ^ 2 - (t - q j) ^ 2).
Proof.
intros symmetric below live t; rewrite set_code_line by assumption.
unfold t, centre; field; exact live.
Qed.

(** Absolute values are ordered as squares. *)
Lemma abs_le_sqr a b : Rabs a <= Rabs b <-> a ^ 2 <= b ^ 2.
Proof. rewrite <- !Rsqr_pow2; split; [apply Rsqr_le_abs_1|apply Rsqr_le_abs_0]. Qed.

(** The same strictly. *)
Lemma abs_lt_sqr a b : Rabs a < Rabs b <-> a ^ 2 < b ^ 2.
Proof. rewrite <- !Rsqr_pow2; split; [apply Rsqr_lt_abs_1|apply Rsqr_lt_abs_0]. Qed.

(** T19. The loss does not rise exactly where the new code is no farther from the centre than the
    old one, and falls exactly where it is nearer. *)
Theorem T19_step n G w q j x : sym n G -> (j < n)%nat -> 0 < G j j ->
  let t := centre n G w q j in
  (qform n G (vsub w (set_code q j x)) <= qform n G (vsub w q)
    <-> Rabs (t - x) <= Rabs (t - q j)) /\
  (qform n G (vsub w (set_code q j x)) < qform n G (vsub w q)
    <-> Rabs (t - x) < Rabs (t - q j)).
Proof.
intros symmetric below live t; assert (change := T19_change n G w q j x symmetric below ltac:(lra)).
cbv zeta in change; fold t in change; rewrite change, abs_le_sqr, abs_lt_sqr.
split; split; intros order; nra.
Qed.

(** A point nearest to the centre is the best of its column. *)
Theorem T19_nearest n G w q j Q x : sym n G -> (j < n)%nat -> 0 < G j j -> nearest Q ->
  qform n G (vsub w (set_code q j (Q (centre n G w q j))))
  <= qform n G (vsub w (set_code q j (Q x))).
Proof.
intros symmetric below live best; set (t := centre n G w q j).
rewrite !T19_change by (assumption || lra); fold t; assert (near := best t x).
apply abs_le_sqr in near; nra.
Qed.

(** Of a semidefinite matrix a zero on the diagonal is a dead column: its code is free. *)
Theorem T19_dead_column n G w q j x : sym n G -> psd n G -> (j < n)%nat -> G j j = 0 ->
  qform n G (vsub w (set_code q j x)) = qform n G (vsub w q).
Proof.
intros symmetric semidef below dead; rewrite set_code_line, <- bform_unit, dead by assumption.
rewrite psd_isotropic; [ring|assumption..|]; rewrite qform_unit; assumption.
Qed.

(** Each column is live, with a positive diagonal entry, or dead, with zeros only. *)
Definition live_or_dead (n : nat) (G : mat) : Prop :=
  forall j, (j < n)%nat -> 0 < G j j \/ forall i, (i < n)%nat -> G i j = 0.

(** So it is in every semidefinite matrix. *)
Theorem T19_live_or_dead n G : sym n G -> psd n G -> live_or_dead n G.
Proof.
intros symmetric semidef j below; assert (corner := semidef (unit_at j)).
rewrite qform_unit in corner by exact below.
destruct (Rle_lt_or_eq_dec _ _ corner) as [live|dead]; [left; exact live|right; intros i ibelow].
assert (zero : bform n G (unit_at i) (unit_at j) = 0).
{ apply psd_isotropic; [assumption..|]; rewrite qform_unit by exact below; auto. }
rewrite bform_unit in zero by exact below; unfold unit_at in zero.
rewrite (bsum_ext n _ (fun k => if Nat.eqb i k then G k j else 0)) in zero by
  (intros k _; destruct (Nat.eqb i k); ring).
rewrite (bsum_delta n i (fun k => G k j)) in zero by exact ibelow; exact zero.
Qed.

(** The centre of a dead column is the code that stands there. *)
Lemma centre_dead n G w q j : (forall i, (i < n)%nat -> G i j = 0) -> centre n G w q j = q j.
Proof.
intros dead; unfold centre; rewrite bsum_0; [unfold Rdiv; ring|].
intros i below; rewrite dead by exact below; ring.
Qed.

(** ** Sweeps *)

(** One column of a sweep: the code moves to the point nearest to its centre, where that one is
    strictly nearer. *)
Definition descend_column (n : nat) (G : mat) (w : vec) (Q : nat -> R -> R) (q : vec) (j : nat) :
    vec :=
  let t := centre n G w q j in
  if Rlt_dec (Rabs (t - Q j t)) (Rabs (t - q j)) then set_code q j (Q j t) else q.

(** A sweep over a list of columns, in its order. *)
Definition descend (n : nat) (G : mat) (w : vec) (Q : nat -> R -> R) (columns : list nat)
    (q : vec) : vec :=
  fold_left (descend_column n G w Q) columns q.

(** In one column the codes stay as they are, or lose strictly less. *)
Lemma descend_column_cases n G w Q q j : sym n G -> live_or_dead n G -> (j < n)%nat ->
  let t := centre n G w q j in let q' := descend_column n G w Q q j in
  q' = q /\ Rabs (t - q j) <= Rabs (t - Q j t)
  \/ qform n G (vsub w q') < qform n G (vsub w q).
Proof.
intros symmetric columns below t q'; unfold q', descend_column; fold t.
destruct Rlt_dec as [nearer|stay]; [right|left; split; [reflexivity|lra]].
destruct (columns j below) as [live|dead].
- apply (T19_step n G w q j (Q j t) symmetric below live); exact nearer.
- exfalso; unfold t in nearer; rewrite centre_dead in nearer by exact dead.
  replace (q j - q j) with 0 in nearer by ring; rewrite Rabs_R0 in nearer.
  assert (abs := Rabs_pos (q j - Q j (q j))); lra.
Qed.

(** A sweep leaves the codes as they are, each no farther from its centre than the nearest point, or
    makes them lose strictly less. *)
Lemma descend_cases n G w Q columns q : sym n G -> live_or_dead n G ->
  (forall j, In j columns -> (j < n)%nat) ->
  let q' := descend n G w Q columns q in
  q' = q /\ (forall j, In j columns ->
    Rabs (centre n G w q j - q j) <= Rabs (centre n G w q j - Q j (centre n G w q j)))
  \/ qform n G (vsub w q') < qform n G (vsub w q).
Proof.
intros symmetric live; cbv zeta; revert q; induction columns as [|j others IH]; intros q inside.
{ left; split; [reflexivity|intros j []]. }
change (descend n G w Q (j :: others) q)
  with (descend n G w Q others (descend_column n G w Q q j)).
assert (rest := IH (descend_column n G w Q q j) (fun i among => inside i (or_intror among))).
destruct (descend_column_cases n G w Q q j symmetric live (inside j (or_introl eq_refl)))
  as [[same here]|less].
- rewrite same in *; destruct rest as [[kept near]|less]; [left|right; exact less].
  split; [exact kept|]; intros i [<-|among]; [exact here|exact (near i among)].
- right; destruct rest as [[kept _]|later]; [rewrite kept; exact less|lra].
Qed.

(** No single code can be changed for the better: the certificate of descent. *)
Definition one_opt (n : nat) (G : mat) (w : vec) (Q : nat -> R -> R) (q : vec) : Prop :=
  forall j x, (j < n)%nat -> qform n G (vsub w q) <= qform n G (vsub w (set_code q j (Q j x))).

(** T19. It holds exactly where every code is as near to its centre as any point. *)
Theorem T19_one_opt n G w Q q : sym n G -> live_or_dead n G ->
  one_opt n G w Q q <->
  forall j x, (j < n)%nat -> 0 < G j j ->
    Rabs (centre n G w q j - q j) <= Rabs (centre n G w q j - Q j x).
Proof.
intros symmetric columns; split.
- intros best j x below live; assert (here := best j x below).
  destruct (T19_step n G w q j (Q j x) symmetric below live) as [_ [_ strict]].
  destruct (Rle_or_lt (Rabs (centre n G w q j - q j)) (Rabs (centre n G w q j - Q j x)))
    as [good|bad]; [exact good|exfalso]; specialize (strict bad); lra.
- intros near j x below; destruct (columns j below) as [live|dead].
  + destruct (T19_step n G w q j (Q j x) symmetric below live) as [_ [strict _]].
    destruct (Rle_or_lt (qform n G (vsub w q)) (qform n G (vsub w (set_code q j (Q j x)))))
      as [good|bad]; [exact good|exfalso].
    specialize (strict bad); specialize (near j x below live); lra.
  + rewrite set_code_line by assumption; rewrite bsum_0, (dead j) by
      (exact below || (intros i ibelow; rewrite dead by exact ibelow; ring)).
    lra.
Qed.

(** T19. A sweep never raises the loss, whatever the grid and the order; where the loss stays the
    same the codes do, and they are one-opt if the sweep went over all columns. *)
Theorem T19_sweep n G w Q columns q : sym n G -> live_or_dead n G ->
  (forall j, In j columns -> (j < n)%nat) ->
  let q' := descend n G w Q columns q in
  qform n G (vsub w q') <= qform n G (vsub w q) /\
  (qform n G (vsub w q') = qform n G (vsub w q) -> q' = q /\
    ((forall j, (j < n)%nat -> nearest (Q j) /\ In j columns) -> one_opt n G w Q q)).
Proof.
intros symmetric live inside q'.
destruct (descend_cases n G w Q columns q symmetric live inside) as [[same near]|less];
  [fold q' in same|fold q' in less; split; [lra|intros equal; lra]].
split; [rewrite same; lra|intros _; split; [exact same|intros all]].
apply T19_one_opt; [assumption..|]; intros j x below _; destruct (all j below) as [best among].
eapply Rle_trans; [exact (near j among)|apply best].
Qed.

(** ** The end of it *)

(** All rows whose entry in column j is one of [points j]. *)
Fixpoint all_codes (n : nat) (points : nat -> list R) : list (list R) :=
  match n with
  | O => [[]]
  | S k => flat_map (fun row => map (fun x => row ++ [x]) (points k)) (all_codes k points)
  end.

(** There are at most K^n of them. *)
Lemma all_codes_length n points K : (forall j, (j < n)%nat -> (length (points j) <= K)%nat) ->
  (length (all_codes n points) <= K ^ n)%nat.
Proof.
induction n as [|n IH]; intros few; [simpl; lia|]; simpl all_codes; simpl Nat.pow.
assert (each : forall rows, length (flat_map (fun row => map (fun x => row ++ [x]) (points n)) rows)
  = (length rows * length (points n))%nat).
{ induction rows as [|row rows more]; simpl; [reflexivity|].
  rewrite app_length, map_length, more; reflexivity. }
rewrite each; rewrite Nat.mul_comm; apply Nat.mul_le_mono; [apply few; lia|].
apply IH; intros j below; apply few; lia.
Qed.

(** Each row on the grid is among them. *)
Lemma all_codes_in n points (q : vec) : (forall j, (j < n)%nat -> In (q j) (points j)) ->
  In (map q (seq 0 n)) (all_codes n points).
Proof.
induction n as [|n IH]; intros on_grid; [left; reflexivity|].
rewrite seq_S, map_app; apply in_flat_map; exists (map q (seq 0 n)); split.
- apply IH; intros j below; apply on_grid; lia.
- apply (in_map (fun x => map q (seq 0 n) ++ [x])), on_grid; lia.
Qed.

(** T19. On a finite grid strictly falling losses come to an end: after at most K^n - 1 moves. *)
Theorem T19_moves_end n G w points K (run : nat -> vec) m :
  (forall j, (j < n)%nat -> (length (points j) <= K)%nat) ->
  (forall i j, (i <= m)%nat -> (j < n)%nat -> In (run i j) (points j)) ->
  (forall i, (i < m)%nat -> qform n G (vsub w (run (S i))) < qform n G (vsub w (run i))) ->
  (m < K ^ n)%nat.
Proof.
intros few on_grid falls; set (value := fun i => qform n G (vsub w (run i))).
assert (order : forall i k, (i < k)%nat -> (k <= m)%nat -> value k < value i).
{ intros i k; induction k as [|k IH]; intros before last; [lia|].
  assert (step := falls k ltac:(lia)); fold (value k) (value (S k)) in step.
  destruct (Nat.eq_dec i k) as [->|other]; [exact step|].
  assert (earlier := IH ltac:(lia) ltac:(lia)); lra. }
assert (distinct : NoDup (map value (seq 0 (S m)))).
{ apply (NoDup_nth _ 0); rewrite map_length, seq_length; intros i k ibelow kbelow.
  rewrite !(nth_indep _ 0 (value 0%nat)), !map_nth, !seq_nth by
    (rewrite ?map_length, ?seq_length; assumption).
  simpl plus; intros equal; destruct (Nat.lt_total i k) as [less|[same|more]]; [|exact same|];
    [assert (strict := order i k less ltac:(lia))|assert (strict := order k i more ltac:(lia))];
    lra. }
set (judge := fun row : list R => qform n G (vsub w (fun j => nth j row 0))).
assert (among : incl (map value (seq 0 (S m))) (map judge (all_codes n points))).
{ intros a; rewrite in_map_iff; intros [i [<- step]]; apply in_seq in step.
  replace (value i) with (judge (map (run i) (seq 0 n))).
  - apply in_map, all_codes_in; intros j below; apply on_grid; [lia|exact below].
  - unfold judge, value; apply qform_ext; intros j below; unfold vsub; f_equal.
    rewrite (nth_indep _ 0 (run i 0%nat)), map_nth, seq_nth by
      (rewrite ?map_length, ?seq_length; exact below); reflexivity. }
assert (count := NoDup_incl_length distinct among).
rewrite !map_length, seq_length in count.
assert (bound := all_codes_length n points K few); lia.
Qed.

(** A sweep keeps codes on the grid. *)
Lemma descend_on_grid n G w Q columns q points :
  (forall j x, In (Q j x) (points j)) -> (forall j, (j < n)%nat -> In (q j) (points j)) ->
  forall j, (j < n)%nat -> In (descend n G w Q columns q j) (points j).
Proof.
intros closed; revert q; induction columns as [|i others IH]; intros q on_grid; [exact on_grid|].
apply IH; intros j below; unfold descend_column; destruct Rlt_dec; [|exact (on_grid j below)].
unfold set_code; destruct (Nat.eqb_spec j i) as [->|_]; [apply closed|exact (on_grid j below)].
Qed.

(** T19. Sweeps end: fewer than K^n of them lead to codes that the next one leaves alone, and no
    single one of them can be changed for the better. *)
Theorem T19_sweeps_end n G w Q columns q points K : sym n G -> live_or_dead n G ->
  (forall j, In j columns <-> (j < n)%nat) -> (forall j, (j < n)%nat -> nearest (Q j)) ->
  (forall j x, In (Q j x) (points j)) -> (forall j, (j < n)%nat -> In (q j) (points j)) ->
  (forall j, (j < n)%nat -> (length (points j) <= K)%nat) ->
  exists m, (m < K ^ n)%nat /\
    let q' := Nat.iter m (descend n G w Q columns) q in
    descend n G w Q columns q' = q' /\ one_opt n G w Q q' /\
    qform n G (vsub w q') <= qform n G (vsub w q).
Proof.
intros symmetric live all best closed on_grid few.
set (run := fun i => Nat.iter i (descend n G w Q columns) q).
assert (inside : forall j, In j columns -> (j < n)%nat) by (intros j; apply all).
assert (sweep := fun i => T19_sweep n G w Q columns (run i) symmetric live inside).
cbv zeta in sweep.
assert (stays : forall i j, (j < n)%nat -> In (run i j) (points j)).
{ intros i; induction i as [|i IH]; [exact on_grid|].
  apply descend_on_grid; [exact closed|exact IH]. }
assert (lower : forall i, qform n G (vsub w (run i)) <= qform n G (vsub w q)).
{ intros i; induction i as [|i IH]; [apply Rle_refl|].
  eapply Rle_trans; [exact (proj1 (sweep i))|exact IH]. }
assert (found : forall N, (exists m, (m < N)%nat /\
    qform n G (vsub w (run (S m))) = qform n G (vsub w (run m)))
  \/ forall i, (i < N)%nat -> qform n G (vsub w (run (S i))) < qform n G (vsub w (run i))).
{ induction N as [|N [[m [before equal]]|falls]].
  - right; intros i below; lia.
  - left; exists m; split; [lia|exact equal].
  - destruct (Rle_lt_or_eq_dec _ _ (proj1 (sweep N))) as [less|equal].
    + right; intros i below; destruct (Nat.eq_dec i N) as [->|other]; [exact less|].
      apply falls; lia.
    + left; exists N; split; [lia|exact equal]. }
destruct (found (K ^ n)%nat) as [[m [before equal]]|falls].
- exists m; split; [exact before|]; fold (run m).
  destruct (proj2 (sweep m) equal) as [same certified].
  split; [exact same|split; [|apply lower]].
  apply certified; intros j below; split; [apply best; exact below|apply all; exact below].
- exfalso; assert (few_moves := T19_moves_end n G w points K run (K ^ n) few
    (fun i j _ below => stays i j below) falls); lia.
Qed.

(** ** Centres that are computed with errors *)

(** T19. What a centre [t] off by at most [delta] says of the change. *)
Theorem T19_rounded_change n G w q j x t delta : sym n G -> (j < n)%nat -> 0 < G j j ->
  Rabs (t - centre n G w q j) <= delta ->
  Rabs (qform n G (vsub w q) - qform n G (vsub w (set_code q j x))
        - 2 * G j j * (x - q j) * (t - (q j + x) / 2))
  <= 2 * G j j * (Rabs (x - q j) * delta).
Proof.
intros symmetric below live close.
rewrite (T19_change n G w q j x symmetric below) by lra.
set (c := centre n G w q j) in *.
replace (qform n G (vsub w q) - (qform n G (vsub w q) + G j j * ((c - x) ^ 2 - (c - q j) ^ 2))
    - 2 * G j j * (x - q j) * (t - (q j + x) / 2))
  with (- (2 * G j j * ((x - q j) * (t - c)))) by field.
rewrite Rabs_Ropp, !Rabs_mult, (Rabs_pos_eq 2), (Rabs_pos_eq (G j j)) by lra.
apply Rmult_le_compat_l; [lra|]; apply Rmult_le_compat_l; [apply Rabs_pos|exact close].
Qed.

(** T19. Where it lies beyond the midpoint of both codes by delta, seen from the old one, the exact
    loss does not rise; where it lies farther, it falls. *)
Theorem T19_rounded n G w q j x t delta : sym n G -> (j < n)%nat -> 0 < G j j ->
  Rabs (t - centre n G w q j) <= delta ->
  (Rabs (x - q j) * delta <= (x - q j) * (t - (q j + x) / 2) ->
    qform n G (vsub w (set_code q j x)) <= qform n G (vsub w q)) /\
  (Rabs (x - q j) * delta < (x - q j) * (t - (q j + x) / 2) ->
    qform n G (vsub w (set_code q j x)) < qform n G (vsub w q)).
Proof.
intros symmetric below live close.
assert (change := T19_rounded_change n G w q j x t delta symmetric below live close).
apply Rabs_le_inv in change; split; intros beyond; nra.
Qed.

(** T19. The certificate from computed centres: each of them lies on the near side of every
    midpoint by its delta. *)
Theorem T19_rounded_one_opt n G w Q q t delta : sym n G -> live_or_dead n G ->
  (forall j, (j < n)%nat -> 0 < G j j -> Rabs (t j - centre n G w q j) <= delta j) ->
  (forall j x, (j < n)%nat -> 0 < G j j ->
    Rabs (Q j x - q j) * delta j <= (Q j x - q j) * ((q j + Q j x) / 2 - t j)) ->
  one_opt n G w Q q.
Proof.
intros symmetric columns close near; apply T19_one_opt; [assumption..|].
intros j x below live.
assert (change := T19_rounded_change n G w q j (Q j x) (t j) (delta j) symmetric below live
  (close j below live)).
specialize (near j x below live); apply Rabs_le_inv in change.
destruct (T19_step n G w q j (Q j x) symmetric below live) as [_ [_ strict]].
destruct (Rle_or_lt (Rabs (centre n G w q j - q j)) (Rabs (centre n G w q j - Q j x)))
  as [good|bad]; [exact good|exfalso]; specialize (strict bad); nra.
Qed.
