(** * A row of integers times the signed Hadamard blocks of T24

    Purpose: what the codes of a rotated row stand for is p R; this file computes 4 p R of integers
      p, block by block, with 64 additions for 16 columns.
    Main definitions: [hadamard_list], [turn].
    Main results: [turn_correct]: the entries are those of the row times [rotation_numerator].
    Depends on: Gptq/Rotation.
    Source: J. J. Sylvester 1867; the additions are the fast Walsh-Hadamard transform. *)
From Coq Require Import ZArith Lia List Bool.
From Hallmark.Gptq Require Import Rotation.
Import ListNotations.
Open Scope Z_scope.

(** Two lists, entry by entry. *)
Fixpoint zip_with (f : Z -> Z -> Z) (a b : list Z) : list Z :=
  match a, b with
  | x :: a', y :: b' => f x y :: zip_with f a' b'
  | _, _ => []
  end.

(** A list of 2^k integers times Sylvester's matrix of that order. *)
Fixpoint hadamard_list (k : nat) (l : list Z) : list Z :=
  match k with
  | O => firstn 1 l
  | S k =>
      let a := hadamard_list k (firstn (2 ^ k) l) in
      let b := hadamard_list k (skipn (2 ^ k) l) in
      zip_with Z.add a b ++ zip_with Z.sub a b
  end.

(** [count] whole blocks times H_16 diag(signs), and 4 times what follows them. *)
Fixpoint turn (count : nat) (signs l : list Z) : list Z :=
  match count with
  | O => map (Z.mul 4) l
  | S c => zip_with Z.mul (hadamard_list 4 (firstn 16 l)) (firstn 16 signs)
      ++ turn c (skipn 16 signs) (skipn 16 l)
  end.

Lemma zip_with_length f a b n : length a = n -> length b = n -> length (zip_with f a b) = n.
Proof.
revert b n; induction a as [|x a IH]; intros [|y b] n la lb; simpl in *; try lia.
destruct n; [lia|]; f_equal; apply IH; lia.
Qed.

Lemma zip_with_nth f a b j : (j < length a)%nat -> length b = length a ->
  nth j (zip_with f a b) 0 = f (nth j a 0) (nth j b 0).
Proof.
revert b j; induction a as [|x a IH]; intros [|y b] j below same; simpl in *; try lia.
destruct j as [|j]; [reflexivity|apply IH; lia].
Qed.

Lemma hadamard_list_length k : forall l, length l = (2 ^ k)%nat ->
  length (hadamard_list k l) = (2 ^ k)%nat.
Proof.
induction k as [|k IH]; intros l size.
- destruct l as [|x [|y l]]; simpl in *; lia.
- assert (power : (2 ^ S k = 2 ^ k + 2 ^ k)%nat) by (simpl; lia).
  cbn [hadamard_list]; rewrite app_length, !(zip_with_length _ _ _ (2 ^ k)%nat);
    rewrite ?IH; rewrite ?firstn_length, ?skipn_length; lia.
Qed.

(** The first half of a list, and the second. *)
Lemma nth_firstn (m j : nat) (l : list Z) : (j < m)%nat -> nth j (firstn m l) 0 = nth j l 0.
Proof.
revert j l; induction m as [|m IH]; intros j l below; [lia|].
destruct l as [|x l]; [reflexivity|]; destruct j as [|j]; [reflexivity|cbn [nth firstn]; apply IH; lia].
Qed.

Lemma nth_skipn (m j : nat) (l : list Z) : nth j (skipn m l) 0 = nth (m + j) l 0.
Proof.
revert l; induction m as [|m IH]; intros l; [reflexivity|].
destruct l as [|x l]; [destruct j; reflexivity|exact (IH l)].
Qed.

(** The list times the matrix. *)
Theorem hadamard_list_correct k : forall l j, length l = (2 ^ k)%nat -> (j < 2 ^ k)%nat ->
  nth j (hadamard_list k l) 0 = zsum (2 ^ k) (fun i => nth i l 0 * sylvester k i j).
Proof.
induction k as [|k IH]; intros l j size below.
- destruct l as [|x [|y l]]; simpl in *; try lia; destruct j; [ring|lia].
- assert (power : (2 ^ S k = 2 ^ k + 2 ^ k)%nat) by (simpl; lia).
  set (a := firstn (2 ^ k) l); set (b := skipn (2 ^ k) l).
  assert (size_a : length a = (2 ^ k)%nat) by (unfold a; rewrite firstn_length; lia).
  assert (size_b : length b = (2 ^ k)%nat) by (unfold b; rewrite skipn_length; lia).
  assert (la := hadamard_list_length k a size_a); assert (lb := hadamard_list_length k b size_b).
  cbn [hadamard_list]; fold a b; rewrite power, zsum_app.
  rewrite (zsum_ext _ (fun i => nth i l 0 * sylvester (S k) i j)
    (fun i => nth i a 0 * sylvester k i (j mod 2 ^ k))).
  2: { intros i small; unfold a; rewrite nth_firstn by exact small; f_equal.
       cbn [sylvester]; rewrite (proj2 (Nat.leb_gt (2 ^ k) i)), andb_false_l by exact small.
       rewrite (Nat.mod_small i) by exact small; destruct sylvester; reflexivity. }
  rewrite (zsum_ext _ (fun i => nth (2 ^ k + i) l 0 * sylvester (S k) (2 ^ k + i) j)
    (fun i => (if (2 ^ k <=? j)%nat then -1 else 1) * (nth i b 0 * sylvester k i (j mod 2 ^ k)))).
  2: { intros i small; unfold b; rewrite nth_skipn; cbn [sylvester].
       rewrite (proj2 (Nat.leb_le (2 ^ k) (2 ^ k + i))), andb_true_l by lia.
       replace ((2 ^ k + i) mod 2 ^ k)%nat with i; [ring|].
       rewrite <- (Nat.mul_1_l (2 ^ k)) at 1.
       rewrite Nat.add_comm, Nat.mod_add, Nat.mod_small by lia; reflexivity. }
  rewrite zsum_scal.
  destruct (Nat.leb_spec (2 ^ k) j) as [right|left].
  + rewrite app_nth2 by (rewrite (zip_with_length _ _ _ (2 ^ k)%nat) by assumption; exact right).
    rewrite (zip_with_length _ _ _ (2 ^ k)%nat) by assumption.
    rewrite zip_with_nth by lia.
    assert (rest : (j mod 2 ^ k = j - 2 ^ k)%nat).
    { replace j with (j - 2 ^ k + 1 * 2 ^ k)%nat at 1 by lia.
      rewrite Nat.mod_add, Nat.mod_small by lia; reflexivity. }
    rewrite rest, <- (IH a), <- (IH b) by (assumption || lia); ring.
  + rewrite app_nth1 by (rewrite (zip_with_length _ _ _ (2 ^ k)%nat) by assumption; exact left).
    rewrite zip_with_nth, (Nat.mod_small j), <- (IH a), <- (IH b) by (assumption || lia); ring.
Qed.

Lemma turn_length count : forall signs l n, length l = n -> (16 * count <= n)%nat ->
  (16 * count <= length signs)%nat -> length (turn count signs l) = n.
Proof.
induction count as [|c IH]; intros signs l n size blocks enough; cbn [turn].
- rewrite map_length; exact size.
- rewrite app_length, (zip_with_length _ _ _ 16%nat), (IH _ _ (n - 16)%nat);
    rewrite ?skipn_length; try lia.
  + apply (hadamard_list_length 4); rewrite firstn_length; change (2 ^ 4)%nat with 16%nat; lia.
  + rewrite firstn_length; lia.
Qed.

(** Blocks that come one block earlier. *)
Lemma numerator_later n sigma i j : (16 <= n)%nat ->
  rotation_numerator n sigma (16 + i) (16 + j)
  = rotation_numerator (n - 16) (fun k => sigma (16 + k)%nat) i j.
Proof.
intros block; unfold rotation_numerator, hadamard_blocks, block_sign.
assert (place : forall x, ((16 + x) / 16 = S (x / 16) /\ (16 + x) mod 16 = x mod 16)%nat).
{ intros x; replace (16 + x)%nat with (x + 1 * 16)%nat by lia.
  rewrite Nat.div_add, Nat.mod_add by lia; lia. }
destruct (place i) as [-> ->]; destruct (place j) as [-> ->].
replace (n / 16)%nat with (S ((n - 16) / 16)).
2: { destruct (place (n - 16)%nat) as [<- _]; f_equal; lia. }
change (S (i / 16) <? S ((n - 16) / 16))%nat with (i / 16 <? (n - 16) / 16)%nat.
change (S (j / 16) <? S ((n - 16) / 16))%nat with (j / 16 <? (n - 16) / 16)%nat.
change (S (i / 16) =? S (j / 16))%nat with (i / 16 =? j / 16)%nat.
change (16 + i =? 16 + j)%nat with (i =? j)%nat; reflexivity.
Qed.

(** Entries of different blocks are zero. *)
Lemma numerator_apart n sigma i j : (i / 16 <> j / 16)%nat -> rotation_numerator n sigma i j = 0.
Proof. intros other; unfold rotation_numerator; rewrite hadamard_blocks_0 by exact other; ring. Qed.

(** The list times 4 R. *)
Theorem turn_correct count : forall n signs l j, (n / 16 = count)%nat -> length l = n ->
  (16 * count <= length signs)%nat -> (j < n)%nat ->
  nth j (turn count signs l) 0
  = zsum n (fun i => nth i l 0 * rotation_numerator n (fun k => nth k signs 0) i j).
Proof.
induction count as [|c IH]; intros n signs l j blocks size enough below.
- assert (small : (n < 16)%nat) by (apply Nat.div_small_iff; lia).
  cbn [turn]; change 0 with (4 * 0) at 1; rewrite map_nth.
  rewrite (zsum_window n j 1); [| |].
  + cbn [zsum]; rewrite Nat.add_0_r.
    unfold rotation_numerator, hadamard_blocks, block_sign; rewrite blocks.
    change (j / 16 <? 0)%nat with false; cbv iota; rewrite Nat.eqb_refl; ring.
  + lia.
  + intros i _ other; unfold rotation_numerator, hadamard_blocks; rewrite blocks; simpl.
    rewrite (proj2 (Nat.eqb_neq i j)) by lia; ring.
- assert (block : (16 <= n)%nat).
  { assert (whole := Nat.mul_div_le n 16 ltac:(lia)); lia. }
  assert (fewer : ((n - 16) / 16 = c)%nat).
  { replace n with (n - 16 + 1 * 16)%nat in blocks by lia; rewrite Nat.div_add in blocks by lia.
    lia. }
  assert (size_h : length (hadamard_list 4 (firstn 16 l)) = 16%nat).
  { apply (hadamard_list_length 4); rewrite firstn_length; change (2 ^ 4)%nat with 16%nat; lia. }
  assert (size_b : length (zip_with Z.mul (hadamard_list 4 (firstn 16 l)) (firstn 16 signs)) = 16%nat).
  { apply zip_with_length; [exact size_h|rewrite firstn_length; lia]. }
  replace n with (16 + (n - 16))%nat at 1 by lia; rewrite zsum_app; cbn [turn].
  destruct (Nat.lt_ge_cases j 16) as [first|later].
  + rewrite app_nth1, zip_with_nth by (rewrite ?size_h, ?size_b, ?firstn_length; lia).
    rewrite (hadamard_list_correct 4), nth_firstn by
      (rewrite ?firstn_length; change (2 ^ 4)%nat with 16%nat; lia).
    change (2 ^ 4)%nat with 16%nat.
    rewrite (zsum_0 (n - 16)), Z.add_0_r.
    2: { intros i _; rewrite numerator_apart; [ring|].
         rewrite (Nat.div_small j) by exact first.
         replace (16 + i)%nat with (i + 1 * 16)%nat by lia; rewrite Nat.div_add by lia; lia. }
    rewrite Z.mul_comm, <- zsum_scal; apply zsum_ext; intros i small.
    rewrite nth_firstn by exact small.
    unfold rotation_numerator, hadamard_blocks, block_sign.
    rewrite (Nat.div_small i), (Nat.div_small j) by assumption.
    rewrite (proj2 (Nat.ltb_lt 0 (n / 16))) by lia; change (0 =? 0)%nat with true; cbv iota.
    rewrite (Nat.mod_small i), (Nat.mod_small j) by assumption; ring.
  + rewrite app_nth2 by lia; rewrite size_b.
    rewrite (zsum_0 16), Z.add_0_l.
    2: { intros i small; rewrite numerator_apart; [ring|].
         rewrite (Nat.div_small i) by exact small.
         intros zero; symmetry in zero; apply Nat.div_small_iff in zero; lia. }
    rewrite (IH (n - 16)%nat) by (rewrite ?skipn_length; lia).
    apply zsum_ext; intros i _; rewrite nth_skipn; f_equal.
    replace j with (16 + (j - 16))%nat at 2 by lia; rewrite numerator_later by exact block.
    unfold rotation_numerator, block_sign; f_equal.
    destruct Nat.ltb; [apply nth_skipn|reflexivity].
Qed.
