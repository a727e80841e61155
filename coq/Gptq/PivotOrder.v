(** * T25: the order of the columns

    Purpose: another order of the columns has other pivots with the same product, so that no order
      makes their sum, and with it the worst case of GPTQ, smaller than the product allows.
    Main definitions: [bprod] (products), [permutes] (orders), [schur] (one elimination),
      [pivot_product] (the product of the pivots in the order of a list).
    Main results: [T25_order_product], [T25_order_bound], [pivot_product_perm] (the product is the
      same in every order), [amgm].
    Depends on: [Triangular], [Factorization], [Sums].
    Source: the product is the determinant; here it is only eliminated, two neighbours at a time. *)
From Coq Require Import Reals Lra Lia Arith List Permutation.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Triangular Factorization.
Import ListNotations.
Open Scope R_scope.

(** ** Products *)

(** The product of [f i] over [i < n]. *)
Fixpoint bprod (n : nat) (f : nat -> R) : R :=
  match n with
  | O => 1
  | S k => bprod k f * f k
  end.

(** A product of nonnegative factors is at most the exponential of how far they exceed one. *)
Lemma bprod_exp n f : (forall i, (i < n)%nat -> 0 <= f i) ->
  0 <= bprod n f <= exp (bsum n (fun i => f i - 1)).
Proof.
induction n as [|n IH]; intros pos; simpl; [rewrite exp_0; lra|].
destruct IH as [low high]; [intros i below; apply pos; lia|].
assert (here := pos n ltac:(lia)); assert (one := exp_ineq1_le (f n - 1)).
rewrite exp_plus; split; [apply Rmult_le_pos; assumption|].
apply Rmult_le_compat; try assumption; lra.
Qed.

(** The means of n numbers, arithmetic and geometric. *)
Lemma amgm n d : (0 < n)%nat -> nonneg n d -> bprod n d <= (bsum n d / INR n) ^ n.
Proof.
intros some pos; set (mean := bsum n d / INR n).
assert (size : 0 < INR n) by (apply lt_0_INR; exact some).
assert (total : bsum n d = INR n * mean) by (unfold mean; field; lra).
assert (sum_pos : 0 <= bsum n d) by (apply bsum_ge0; exact pos).
assert (mean_pos : 0 <= mean) by
  (apply Rmult_le_pos; [exact sum_pos|apply Rlt_le, Rinv_0_lt_compat; exact size]).
destruct (Rle_lt_or_eq_dec _ _ mean_pos) as [strict|zero].
- assert (scaled : forall m, bprod m (fun i => d i / mean) = bprod m d / mean ^ m).
  { induction m as [|m IH]; simpl; [field|]; rewrite IH; field; split; [apply pow_nonzero|]; lra. }
  destruct (bprod_exp n (fun i => d i / mean)) as [_ high].
  { intros i below; apply Rmult_le_pos; [exact (pos i below)|].
    apply Rlt_le, Rinv_0_lt_compat; exact strict. }
  rewrite bsum_minus, bsum_const, scaled in high; unfold Rdiv at 2 in high.
  rewrite bsum_scalr, total in high.
  replace (INR n * mean * / mean - INR n * 1) with 0 in high by (field; lra); rewrite exp_0 in high.
  assert (power : 0 < mean ^ n) by (apply pow_lt; exact strict).
  apply (Rmult_le_compat_r (mean ^ n)) in high; [|lra].
  replace (bprod n d / mean ^ n * mean ^ n) with (bprod n d) in high by (field; lra); lra.
- assert (none : forall i, (i < n)%nat -> d i = 0).
  { intros i below; assert (part := bsum_pick n i d below pos); assert (here := pos i below).
    rewrite total, <- zero in part; lra. }
  rewrite <- zero; destruct n as [|n]; [lia|]; simpl; rewrite none by lia; lra.
Qed.

(** ** Elimination in the order of a list *)

(** The sum of [f i] over the members of a list. *)
Fixpoint lsum (l : list nat) (f : nat -> R) : R :=
  match l with
  | [] => 0
  | i :: rest => f i + lsum rest f
  end.

(** The form over the members of a list. *)
Definition lform (l : list nat) (M : mat) (v : vec) : R :=
  lsum l (fun i => lsum l (fun j => v i * M i j * v j)).

(** What is left of M when column [x] is eliminated. *)
Definition schur (M : mat) (x : nat) : mat := fun i j => M i j - M i x * M x j / M x x.

(** The product of the pivots when the columns are eliminated in the order of a list. *)
Fixpoint pivot_product (l : list nat) (M : mat) : R :=
  match l with
  | [] => 1
  | x :: rest => M x x * pivot_product rest (schur M x)
  end.

(** M is symmetric on the members, *)
Definition lsym (l : list nat) (M : mat) : Prop :=
  forall i j, In i l -> In j l -> M i j = M j i.

(** and positive definite. *)
Definition lpd (l : list nat) (M : mat) : Prop :=
  forall v, (exists i, In i l /\ v i <> 0) -> 0 < lform l M v.

(** A sum depends on the terms of the members only, *)
Lemma lsum_ext l f g : (forall i, In i l -> f i = g i) -> lsum l f = lsum l g.
Proof.
induction l as [|i rest IH]; simpl; intros same; [reflexivity|].
rewrite (same i), IH by auto; reflexivity.
Qed.

(** is linear, *)
Lemma lsum_line l f g c : lsum l (fun i => f i + c * g i) = lsum l f + c * lsum l g.
Proof. induction l as [|i rest IH]; simpl; [ring|rewrite IH; ring]. Qed.

(** zero where the terms are, *)
Lemma lsum_0 l f : (forall i, In i l -> f i = 0) -> lsum l f = 0.
Proof.
induction l as [|i rest IH]; simpl; intros zero; [reflexivity|]; rewrite (zero i), IH by auto; ring.
Qed.

(** and the same in every order. *)
Lemma lsum_perm l l' f : Permutation l l' -> lsum l f = lsum l' f.
Proof. induction 1; simpl; lra. Qed.

(** Over all columns it is the usual sum. *)
Lemma lsum_seq n f : lsum (rev (seq 0 n)) f = bsum n f.
Proof.
induction n as [|n IH]; [reflexivity|].
rewrite seq_S, rev_app_distr; simpl; rewrite IH; ring.
Qed.

(** So is the form. *)
Lemma lform_perm l l' M v : Permutation l l' -> lform l M v = lform l' M v.
Proof.
intros order; unfold lform; rewrite (lsum_perm l l' _ order).
apply lsum_ext; intros i _; apply lsum_perm; exact order.
Qed.

(** The form with one more member. *)
Lemma lform_cons x l M v : lsym (x :: l) M ->
  lform (x :: l) M v
  = M x x * v x ^ 2 + 2 * v x * lsum l (fun j => M x j * v j) + lform l M v.
Proof.
intros symmetric; unfold lform; simpl.
rewrite (lsum_ext l (fun i => v i * M i x * v x + lsum l (fun j => v i * M i j * v j))
  (fun i => lsum l (fun j => v i * M i j * v j) + v x * (M x i * v i))) by
  (intros i among; rewrite (symmetric i x) by (simpl; auto); ring).
rewrite lsum_line.
rewrite (lsum_ext l (fun j => v x * M x j * v j) (fun j => 0 + v x * (M x j * v j))) by
  (intros; ring).
rewrite lsum_line, (lsum_0 l (fun _ => 0)) by auto; ring.
Qed.

(** The first pivot of a positive definite matrix is positive. *)
Lemma lpd_head x l M : ~ In x l -> lsym (x :: l) M -> lpd (x :: l) M -> 0 < M x x.
Proof.
intros fresh symmetric definite.
set (e := fun i => if Nat.eqb i x then 1 else 0).
assert (one : e x = 1) by (unfold e; rewrite Nat.eqb_refl; reflexivity).
assert (live : e x <> 0) by (rewrite one; lra).
assert (other : forall i, In i l -> e i = 0).
{ intros i among; unfold e; destruct (Nat.eqb_spec i x) as [->|_]; [contradiction|reflexivity]. }
assert (form := definite e (ex_intro _ x (conj (or_introl eq_refl) live))).
rewrite lform_cons, one, lsum_0 in form by
  (assumption || (intros i among; rewrite other by exact among; ring)).
unfold lform in form; rewrite lsum_0 in form; [lra|].
intros i among; apply lsum_0; intros j _; rewrite other by exact among; ring.
Qed.

(** Elimination keeps symmetry and definiteness. *)
Lemma lpd_schur x l M : ~ In x l -> lsym (x :: l) M -> lpd (x :: l) M ->
  lsym l (schur M x) /\ lpd l (schur M x).
Proof.
intros fresh symmetric definite; assert (head := lpd_head x l M fresh symmetric definite); split.
- intros i j ini inj; unfold schur; rewrite (symmetric i j), (symmetric i x), (symmetric x j) by
    (simpl; auto); field; lra.
- intros v [i [among nonzero]].
  set (b := lsum l (fun j => M x j * v j)).
  set (v' := fun k => if Nat.eqb k x then - b / M x x else v k).
  assert (same : forall k, In k l -> v' k = v k).
  { intros k ink; unfold v'; destruct (Nat.eqb_spec k x) as [->|_]; [contradiction|reflexivity]. }
  assert (form := definite v').
  rewrite lform_cons in form by exact symmetric.
  rewrite (lsum_ext l _ (fun j => M x j * v j)) in form by
    (intros k ink; rewrite same by exact ink; reflexivity); fold b in form.
  replace (lform l M v') with (lform l M v) in form by
    (apply lsum_ext; intros k ink; apply lsum_ext; intros m inm;
      rewrite !same by assumption; reflexivity).
  replace (v' x) with (- b / M x x) in form by (unfold v'; rewrite Nat.eqb_refl; reflexivity).
  replace (lform l (schur M x) v)
    with (M x x * (- b / M x x) ^ 2 + 2 * (- b / M x x) * b + lform l M v).
  + apply form; exists i; split; [right; exact among|rewrite same by exact among; exact nonzero].
  + unfold lform at 2; rewrite (lsum_ext l (fun k => lsum l (fun m => v k * schur M x k m * v m))
      (fun k => lsum l (fun m => v k * M k m * v m) + - (b / M x x) * (M x k * v k))).
    * rewrite lsum_line; fold (lform l M v) b; field; lra.
    * intros k ink.
      rewrite (lsum_ext l _ (fun m =>
        v k * M k m * v m + - (M x k * v k / M x x) * (M x m * v m))) by
        (intros m inm; unfold schur; rewrite (symmetric k x) by (simpl; auto); field; lra).
      rewrite lsum_line; fold b; field; lra.
Qed.

(** The product depends on the entries of the members only. *)
Lemma pivot_product_ext l M N : (forall i j, In i l -> In j l -> M i j = N i j) ->
  pivot_product l M = pivot_product l N.
Proof.
revert M N; induction l as [|x rest IH]; intros M N same; simpl; [reflexivity|].
rewrite (same x x) by (simpl; auto); f_equal; apply IH; intros i j ini inj; unfold schur.
rewrite !same by (simpl; auto); reflexivity.
Qed.

(** In every order the product of the pivots is the same. *)
Lemma pivot_product_perm l l' : Permutation l l' -> forall M, NoDup l -> lsym l M -> lpd l M ->
  pivot_product l M = pivot_product l' M.
Proof.
induction 1 as [|x l l' order IH|x y l|l l' l'' first IH second IH'];
  intros M distinct symmetric definite.
- reflexivity.
- inversion distinct as [|? ? fresh others]; subst.
  destruct (lpd_schur x l M fresh symmetric definite) as [symmetric' definite'].
  simpl; rewrite IH by assumption; reflexivity.
- inversion distinct as [|? ? freshy others]; subst; inversion others as [|? ? freshx _]; subst.
  assert (posy := lpd_head y (x :: l) M freshy symmetric definite).
  destruct (lpd_schur y (x :: l) M freshy symmetric definite) as [symmetric' definite'].
  assert (posx' := lpd_head x l (schur M y) freshx symmetric' definite').
  assert (exchange := perm_swap y x l).
  assert (definite2 : lpd (x :: y :: l) M).
  { intros v [i [among nonzero]]; rewrite (lform_perm _ _ M v exchange); apply definite.
    exists i; split; [apply (Permutation_in _ exchange); exact among|exact nonzero]. }
  assert (symmetric2 : lsym (x :: y :: l) M).
  { intros i j ini inj; apply symmetric; apply (Permutation_in _ exchange); assumption. }
  assert (posx : 0 < M x x).
  { apply (lpd_head x (y :: l) M); [|exact symmetric2|exact definite2].
    intros [same|among]; [subst; apply freshy; left; reflexivity|contradiction]. }
  assert (both : M x x * M y y - M x y ^ 2 <> 0).
  { unfold schur in posx'; rewrite (symmetric y x) in posx' by (simpl; auto).
    apply Rmult_lt_compat_l with (r := M y y) in posx'; [|exact posy].
    replace (M y y * (M x x - M x y * M x y / M y y)) with (M x x * M y y - M x y ^ 2) in posx' by
      (field; lra); lra. }
  simpl; rewrite (pivot_product_ext l (schur (schur M y) x) (schur (schur M x) y)).
  + set (rest := pivot_product l _); unfold schur; rewrite (symmetric y x) by (simpl; auto).
    field; split; lra.
  + intros i j ini inj; unfold schur.
    rewrite (symmetric y x), (symmetric i x), (symmetric i y) by (simpl; auto).
    field; repeat split; try lra; intros zero; apply both; rewrite <- zero; ring.
- rewrite IH by assumption; apply IH'.
  + exact (Permutation_NoDup first distinct).
  + intros i j ini inj; apply symmetric; apply (Permutation_in _ (Permutation_sym first));
      assumption.
  + intros v [i [among nonzero]]; rewrite <- (lform_perm _ _ M v first); apply definite.
    exists i; split; [apply (Permutation_in _ (Permutation_sym first)); exact among|exact nonzero].
Qed.

(** Renumbered columns are the columns of the renumbered list. *)
Lemma pivot_product_map l p M :
  pivot_product (map p l) M = pivot_product l (fun i j => M (p i) (p j)).
Proof.
revert M; induction l as [|x rest IH]; intros M; simpl; [reflexivity|].
rewrite IH; reflexivity.
Qed.

(** ** Pivots *)

(** The pivots of U D U^T are those of the elimination from the last column back. *)
Lemma pivots_product n M U d : udu n M U d -> (forall k, (k < n)%nat -> 0 < d k) ->
  bprod n d = pivot_product (rev (seq 0 n)) M.
Proof.
revert M; induction n as [|n IH]; intros M cert pos; [reflexivity|].
rewrite seq_S, rev_app_distr; simpl; rewrite Rmult_comm.
assert (last : forall i, (i <= n)%nat -> M i n = U i n * d n /\ M n i = U i n * d n).
{ intros i before; rewrite !(udu_eq cert) by lia; simpl; rewrite !bsum_0 by
    (intros k below; rewrite (udu_lo cert n k) by lia; ring).
  rewrite (udu_1 cert n) by lia; split; ring. }
assert (corner : M n n = d n).
{ rewrite (proj1 (last n ltac:(lia))), (udu_1 cert n) by lia; ring. }
assert (live := pos n ltac:(lia)); rewrite corner; f_equal; apply IH; [split|].
- intros i j range; apply (udu_lo cert); lia.
- intros i below; apply (udu_1 cert); lia.
- intros i j ibelow jbelow; unfold schur; rewrite corner.
  rewrite (proj1 (last i ltac:(lia))), (proj2 (last j ltac:(lia))), (udu_eq cert i j) by lia.
  rewrite bsum_S; field; lra.
- intros k below; apply pos; lia.
Qed.

(** A certified matrix with positive pivots is positive definite. *)
Lemma udu_lpd n M U d : udu n M U d -> (forall k, (k < n)%nat -> 0 < d k) ->
  lsym (rev (seq 0 n)) M /\ lpd (rev (seq 0 n)) M.
Proof.
intros cert pos.
assert (member : forall i, In i (rev (seq 0 n)) <-> (i < n)%nat).
{ intros i; rewrite <- in_rev, in_seq; lia. }
split.
- intros i j ini inj; apply member in ini, inj; rewrite !(udu_eq cert) by assumption.
  apply bsum_ext; intros k _; ring.
- intros v [i [among nonzero]]; apply member in among.
  assert (form : lform (rev (seq 0 n)) M v = qform n M v).
  { unfold lform; rewrite lsum_seq; apply bsum_ext; intros k _; apply lsum_seq. }
  rewrite form, (qform_udu n M U d) by exact cert.
  assert (term : forall k, (k < n)%nat -> 0 <= d k * vmul n v U k ^ 2).
  { intros k below; apply Rmult_le_pos; [apply Rlt_le, pos; exact below|apply pow2_ge_0]. }
  destruct (Rle_lt_or_eq_dec _ _ (bsum_ge0 n _ term)) as [strict|zero]; [exact strict|exfalso].
  apply nonzero; refine (vmul_cancel n U v (fun _ => 0) (udu_unit_upper n M U d cert) _ i among).
  intros k below; assert (part := bsum_pick n k _ below term); cbv beta in part.
  rewrite <- zero in part; assert (here := term k below); assert (live := pos k below).
  replace (vmul n (fun _ => 0) U k) with 0 by
    (symmetry; apply bsum_0; intros m _; ring).
  assert (square : vmul n v U k ^ 2 = 0) by
    (apply (Rmult_eq_reg_l (d k)); [lra|lra]).
  destruct (Req_dec (vmul n v U k) 0) as [done|other]; [exact done|exfalso].
  exact (pow_nonzero _ 2 other square).
Qed.

(** [p] is an order of the first [n] columns. *)
Definition permutes (n : nat) (p : nat -> nat) : Prop :=
  (forall i, (i < n)%nat -> (p i < n)%nat) /\
  (forall i k, (i < n)%nat -> (k < n)%nat -> p i = p k -> i = k).

(** The renumbered list is the list in another order. *)
Lemma permutes_seq n p : permutes n p -> Permutation (rev (seq 0 n)) (map p (rev (seq 0 n))).
Proof.
intros [inside once]; symmetry; apply NoDup_Permutation_bis.
- assert (all : forall l, (forall i, In i l -> (i < n)%nat) -> NoDup l -> NoDup (map p l)).
  { induction l as [|i rest IH]; intros below distinct; simpl; [constructor|].
    inversion distinct as [|? ? fresh others]; subst; constructor.
    - rewrite in_map_iff; intros [k [same among]]; apply fresh.
      rewrite <- (once k i) by (try (apply below; simpl; auto); exact same); exact among.
    - apply IH; [intros k among; apply below; right; exact among|exact others]. }
  apply all; [intros i among; apply in_rev, in_seq in among; lia|].
  apply NoDup_rev, seq_NoDup.
- rewrite map_length; apply Nat.le_refl.
- intros i among; apply in_map_iff in among; destruct among as [k [<- among]].
  apply in_rev, in_seq in among; apply in_rev; rewrite rev_involutive; apply in_seq.
  assert (below := inside k ltac:(lia)); lia.
Qed.

(** T25. In every order of the columns the pivots have the same product. *)
Theorem T25_order_product n M U d p U' d' : udu n M U d -> (forall k, (k < n)%nat -> 0 < d k) ->
  permutes n p -> udu n (fun i j => M (p i) (p j)) U' d' -> (forall k, (k < n)%nat -> 0 < d' k) ->
  bprod n d' = bprod n d.
Proof.
intros cert pos order cert' pos'; destruct (udu_lpd n M U d cert pos) as [symmetric definite].
rewrite (pivots_product n M U d cert pos), (pivots_product n _ U' d' cert' pos').
rewrite <- pivot_product_map; symmetry.
apply pivot_product_perm; [|apply NoDup_rev, seq_NoDup|assumption..].
apply permutes_seq; exact order.
Qed.

(** T25. So no order makes the sum of the pivots smaller than n times the n-th root of their
    product. *)
Theorem T25_order_bound n M U d p U' d' : (0 < n)%nat ->
  udu n M U d -> (forall k, (k < n)%nat -> 0 < d k) ->
  permutes n p -> udu n (fun i j => M (p i) (p j)) U' d' -> (forall k, (k < n)%nat -> 0 < d' k) ->
  bprod n d <= (bsum n d' / INR n) ^ n.
Proof.
intros some cert pos order cert' pos'.
rewrite <- (T25_order_product n M U d p U' d') by assumption.
apply amgm; [exact some|]; intros k below; apply Rlt_le, pos'; exact below.
Qed.
