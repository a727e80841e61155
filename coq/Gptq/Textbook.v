(** * The textbook form of GPTQ equals the feedback form

    Purpose: the in-place algorithm with the rows of the inverse Cholesky factor, and the algorithm
      with one factorization H = U D U^T and no inverse, return the same codes.
    Main results: [textbook_is_gptq] and [gptq_is_textbook] (equivalence for V = U^-1),
      [inverse_cholesky] (with H^-1 = C^T C, C upper triangular: V_jk = C_jk / C_jj is U^-1 and d_j
      = 1 / C_jj^2), [trailing_inverse] (V_jk / d_j is row j of the inverse of the trailing block).
    Depends on: [MatrixFacts], [Triangular], [Factorization], [Gptq], [GptqFacts].
    Source: E. Frantar et al., GPTQ, arXiv 2210.17323, sections 3.2 and 3.3. *)
From Coq Require Import Reals Lra Lia Psatz Arith.
From Hallmark.Gptq Require Import Sums Matrix MatrixFacts Triangular Factorization Gptq GptqFacts.
Open Scope R_scope.

(** In-place updates with V = U^-1 compute the compensated weights, for any codes. *)
Lemma inplace_is_comp n U V w u q : unit_upper n U -> unit_upper n V -> inv_pair n V U ->
  is_inplace n V w u q -> forall j, (j < n)%nat -> u j = comp U w q j.
Proof.
intros shapeU shapeV inverse run j below.
assert (sub := comp_sub n U w q j shapeU below).
assert (back : vmul n (vsub w q) U j = vmul n (vsub u q) (mmul n V U) j).
{ rewrite vmul_mmul; apply bsum_ext; intros i ibelow.
  rewrite (inplace_pull n V w u q shapeV run i ibelow); reflexivity. }
rewrite back, vmul_identity in sub; unfold vsub in sub; [lra| |exact below].
intros i ibelow; apply inverse; assumption.
Qed.

(** The textbook form returns codes of GPTQ. *)
Theorem textbook_is_gptq n Q M U d V w u q : udu n M U d -> unit_upper n V -> inv_pair n V U ->
  is_textbook n Q V w u q ->
  (forall j, (j < n)%nat -> u j = comp U w q j) /\ is_gptq n Q U w q.
Proof.
intros cert shapeV inverse run.
assert (same := inplace_is_comp n U V w u q (udu_unit_upper n M U d cert) shapeV inverse
  (textbook_inplace n Q V w u q run)).
split; [exact same|]; intros j below; rewrite <- same by exact below; apply run; exact below.
Qed.

(** Codes of GPTQ are codes of the textbook form. *)
Theorem gptq_is_textbook n Q M U d V w q : udu n M U d -> unit_upper n V -> inv_pair n V U ->
  is_gptq n Q U w q -> is_textbook n Q V w (comp U w q) q.
Proof.
intros cert shapeV inverse run j below; split; [|apply run; exact below].
assert (shapeU := udu_unit_upper n M U d cert).
assert (right := inv_pair_comm n U V shapeU inverse).
assert (pull : vmul n (vsub (comp U w q) q) V j = vsub w q j).
{ transitivity (vmul n (vsub w q) (mmul n U V) j).
  - rewrite vmul_mmul; apply bsum_ext; intros i ibelow.
    rewrite <- (comp_sub n U w q i shapeU ibelow); reflexivity.
  - apply vmul_identity; [|exact below]; intros i ibelow; apply right; assumption. }
rewrite (vmul_unit_upper n V _ j shapeV below) in pull; unfold vsub in pull; lra.
Qed.

(** A unit upper triangular P whose columns are orthogonal in some nonzero weights is the identity.
    *)
Lemma orthogonal_unit_upper n P c : unit_upper n P -> (forall k, (k < n)%nat -> c k <> 0) ->
  (forall i j, (i < j < n)%nat -> bsum n (fun k => P k i * c k ^ 2 * P k j) = 0) ->
  forall i j, (i < n)%nat -> (j < n)%nat -> P i j = if Nat.eqb i j then 1 else 0.
Proof.
intros [low one] nonzero orthogonal.
assert (upper : forall i j, (i < j < n)%nat -> P i j = 0).
{ intros i; induction i as [i IH] using lt_wf_ind; intros j range.
  assert (here := orthogonal i j range).
  rewrite (bsum_split n i), bsum_0 in here; [|..].
  - rewrite one in here by lia.
    apply Rmult_eq_reg_l with (c i ^ 2); [lra|apply pow_nonzero, nonzero; lia].
  - intros k before; rewrite (IH k before i) by lia; ring.
  - lia.
  - intros k after; rewrite (low k i) by lia; ring. }
intros i j ibelow jbelow; destruct (Nat.eqb_spec i j) as [->|other]; [apply one; exact jbelow|].
destruct (Nat.lt_ge_cases i j) as [before|after]; [apply upper; lia|apply low; lia].
Qed.

(** Where H^-1 = C^T C with C upper triangular, the rows of C divided by their diagonal are U^-1,
    and the pivots are the inverse squares of that diagonal. *)
Theorem inverse_cholesky n M U d C : udu n M U d ->
  (forall i j, (j < i < n)%nat -> C i j = 0) -> (forall i, (i < n)%nat -> C i i <> 0) ->
  inv_pair n M (fun i j => bsum n (fun a => C a i * C a j)) ->
  unit_upper n (fun j k => C j k / C j j) /\ inv_pair n (fun j k => C j k / C j j) U /\
  (forall j, (j < n)%nat -> d j = / C j j ^ 2).
Proof.
intros cert low nonzero inverse; set (V := fun j k => C j k / C j j).
assert (shapeU := udu_unit_upper n M U d cert).
assert (shapeV : unit_upper n V).
{ split; intros i; unfold V.
  - intros j range; rewrite low by exact range; unfold Rdiv; ring.
  - intros below; field; apply nonzero; exact below. }
set (P := mmul n V U); assert (shapeP := unit_upper_mmul n V U shapeV shapeU); fold P in shapeP.
set (N := fun l j => d l * bsum n (fun a => P a l * (C a a * C a j))).
assert (right : inv_pair n U N).
{ intros i j ibelow jbelow; rewrite <- (inverse i j ibelow jbelow).
  transitivity (bsum n (fun l => bsum n (fun k => U i l * d l * U k l
    * bsum n (fun a => C a k * C a j)))).
  - apply bsum_ext; intros l _; unfold N, P, mmul.
    rewrite (bsum_ext n (fun a => _ * (C a a * C a j)) (fun a => bsum n (fun k => U k l
      * (C a k * C a j)))).
    + rewrite bsum_swap, <- !bsum_scal; apply bsum_ext; intros k _.
      rewrite bsum_scal; ring.
    + intros a abelow; rewrite <- bsum_scalr; apply bsum_ext; intros k _.
      unfold V; field; apply nonzero; exact abelow.
  - rewrite bsum_swap; apply bsum_ext; intros k kbelow; rewrite bsum_scalr; f_equal.
    symmetry; apply (udu_eq cert); assumption. }
assert (left := inv_upper_left n U shapeU).
assert (sameN : forall l j, (l < n)%nat -> (j < n)%nat -> inv_upper n U l j = N l j).
{ intros l j lbelow jbelow.
  transitivity (vmul n (inv_upper n U l) (mmul n U N) j).
  - symmetry; apply vmul_identity; [|exact jbelow]; intros i ibelow; apply right; assumption.
  - rewrite vmul_mmul; unfold vmul at 1.
    rewrite (bsum_ext n _ (fun k => if Nat.eqb l k then N k j else 0)).
    + apply (bsum_delta n l (fun k => N k j)); exact lbelow.
    + intros k kbelow; unfold vmul; rewrite left by assumption; destruct (Nat.eqb l k); ring. }
assert (gramP : forall l j, (l < n)%nat -> (j < n)%nat ->
  d l * bsum n (fun a => P a l * C a a ^ 2 * P a j) = if Nat.eqb l j then 1 else 0).
{ intros l j lbelow jbelow; rewrite <- (left l j lbelow jbelow).
  rewrite (bsum_ext n (fun k => inv_upper n U l k * U k j) (fun k => bsum n (fun a =>
    d l * (P a l * C a a ^ 2) * (V a k * U k j)))).
  - rewrite bsum_swap, <- bsum_scal; apply bsum_ext; intros a _.
    rewrite bsum_scal; unfold P, mmul; ring.
  - intros k kbelow; rewrite sameN by assumption; unfold N.
    rewrite <- bsum_scal, <- bsum_scalr; apply bsum_ext; intros a abelow; unfold V.
    field; apply nonzero; exact abelow. }
assert (pivot : forall l, (l < n)%nat -> d l <> 0).
{ intros l lbelow is0; assert (one := gramP l l lbelow lbelow).
  rewrite Nat.eqb_refl, is0 in one; lra. }
assert (identP := orthogonal_unit_upper n P (fun k => C k k) shapeP nonzero).
assert (ident : forall i j, (i < n)%nat -> (j < n)%nat -> P i j = if Nat.eqb i j then 1 else 0).
{ apply identP; intros i j range; assert (zero := gramP i j ltac:(lia) ltac:(lia)).
  rewrite (proj2 (Nat.eqb_neq i j)) in zero by lia.
  apply Rmult_eq_reg_l with (d i); [rewrite zero; ring|apply pivot; lia]. }
split; [exact shapeV|split]; [intros i j ibelow jbelow; apply ident; assumption|].
intros j below; assert (one := gramP j j below below); rewrite Nat.eqb_refl in one.
rewrite (bsum_ext n _ (fun a => if Nat.eqb j a then C a a ^ 2 else 0)) in one.
- rewrite (bsum_delta n j (fun a => C a a ^ 2)) in one by exact below.
  apply Rmult_eq_reg_r with (C j j ^ 2); [|apply pow_nonzero, nonzero; exact below].
  rewrite one; field; apply nonzero; exact below.
- intros a abelow; rewrite ident by assumption; rewrite Nat.eqb_sym; destruct (Nat.eqb j a); ring.
Qed.

(** The textbook algorithm on C, the upper Cholesky factor of the inverse, returns GPTQ's codes. *)
Theorem cholesky_gptq n Q M U d C w u q : udu n M U d ->
  (forall i j, (j < i < n)%nat -> C i j = 0) -> (forall i, (i < n)%nat -> C i i <> 0) ->
  inv_pair n M (fun i j => bsum n (fun a => C a i * C a j)) ->
  is_textbook n Q (fun j k => C j k / C j j) w u q ->
  (forall j, (j < n)%nat -> u j = comp U w q j) /\ is_gptq n Q U w q.
Proof.
intros cert low nonzero inverse run.
destruct (inverse_cholesky n M U d C cert low nonzero inverse) as [shape [pair _]].
exact (textbook_is_gptq n Q M U d _ w u q cert shape pair run).
Qed.

(** Row j of the inverse of the trailing block of M (indices j and above) is V_j / d_j. *)
Theorem trailing_inverse n M U d V j x : udu n M U d -> unit_upper n V -> inv_pair n U V ->
  (forall k, (k < n)%nat -> 0 < d k) -> (j < n)%nat -> (forall i, (i < j)%nat -> x i = 0) ->
  (forall k, (j <= k < n)%nat -> vmul n x M k = if Nat.eqb j k then 1 else 0) ->
  forall k, (j <= k < n)%nat -> x k = V j k / d j.
Proof.
intros cert shapeV inverse pivot below support row; set (y := vmul n x U).
assert (ylow : forall l, (l < j)%nat -> y l = 0).
{ intros l before; apply bsum_0; intros i ibelow; destruct (Nat.lt_ge_cases i j) as [small|large].
  - rewrite support by exact small; ring.
  - rewrite (udu_lo cert) by lia; ring. }
assert (ydU : forall k, (j <= k < n)%nat ->
  bsum n (fun l => y l * d l * U k l) = if Nat.eqb j k then 1 else 0).
{ intros k range; rewrite <- row by exact range; unfold y, vmul.
  rewrite (bsum_ext n (fun l => bsum n (fun i => x i * U i l) * d l * U k l)
     (fun l => bsum n (fun i => x i * (U i l * d l * U k l)))).
  - rewrite bsum_swap; apply bsum_ext; intros i ibelow.
    rewrite bsum_scal, <- (udu_eq cert) by lia; reflexivity.
  - intros l _; rewrite Rmult_assoc, <- bsum_scalr; apply bsum_ext; intros i _; ring. }
assert (yd : forall m k, (n - k <= m)%nat -> (j <= k < n)%nat ->
  y k * d k = if Nat.eqb j k then 1 else 0).
{ induction m as [|m IH]; intros k close range; [lia|]; rewrite <- ydU by exact range.
  transitivity (bsum n (fun l => if Nat.eqb k l then y l * d l else 0));
    [symmetry; apply (bsum_delta n k (fun l => y l * d l)); lia|].
  apply bsum_ext; intros l lbelow; destruct (Nat.eqb_spec k l) as [->|other].
  - rewrite (udu_1 cert) by lia; ring.
  - destruct (Nat.lt_ge_cases l k) as [before|after].
    + rewrite (udu_lo cert) by lia; ring.
    + rewrite (IH l) by lia; rewrite (proj2 (Nat.eqb_neq j l)) by lia; ring. }
assert (yall : forall l, (l < n)%nat -> y l = if Nat.eqb j l then / d j else 0).
{ intros l lbelow; assert (pos := pivot l lbelow); destruct (Nat.eqb_spec j l) as [->|other].
  - assert (value := yd n l ltac:(lia) ltac:(lia)); rewrite Nat.eqb_refl in value.
    apply Rmult_eq_reg_r with (d l); [rewrite value; field; lra|lra].
  - destruct (Nat.lt_ge_cases l j) as [before|after]; [apply ylow; exact before|].
    assert (value := yd n l ltac:(lia) ltac:(lia)).
    rewrite (proj2 (Nat.eqb_neq j l)) in value by exact other.
    apply Rmult_eq_reg_r with (d l); lra. }
intros k range; transitivity (vmul n y V k).
- unfold y; rewrite <- (vmul_mmul n x U V k); symmetry; apply vmul_identity; [|lia].
  intros i ibelow; apply inverse; lia.
- unfold vmul; rewrite (bsum_ext n _ (fun l => if Nat.eqb j l then V l k / d j else 0)).
  + apply (bsum_delta n j (fun l => V l k / d j)); exact below.
  + intros l lbelow; rewrite yall by exact lbelow.
    destruct (Nat.eqb_spec j l) as [->|_]; unfold Rdiv; ring.
Qed.
