(** * A grid made ready for the checker's integers

    Purpose: a grid is judged once and prepared: a table becomes a search tree over integers in one
      unit.  Then codes are read and nearest points are found by integers alone.
    Main results: [prepare_ok], [ruler_code_correct], [rtn_dyadic_correct].
    Depends on: Format/Word, Check/Dyadic, Check/Reading, Check/Nearest, Check/Table, Check/Grid.
    Source: docs/checker.md. *)
From Coq Require Import ZArith Reals Lia Lra List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Format.Word Check.Dyadic Check.Reading Check.Nearest Check.Table.
From Hallmark Require Import Check.Grid.
Import ListNotations.
Open Scope Z_scope.

(** A prepared grid.  The values of a table are integers times 2^[unit]. *)
Inductive ruler : Set :=
  | GoldenRuler (E M : Z)
  | IntegerRuler (first last : Z)
  | TableRuler (unit count : Z) (t : tree).

(** The integers v and what follows it increase. *)
Fixpoint increases (v : Z) (l : list Z) : bool :=
  match l with
  | [] => true
  | w :: l' => (v <? w) && increases w l'
  end.

(** At most 13 significant bits: a scale of 11 bits times it is a binary32 number. *)
Definition short_significand (x : dyadic) : bool :=
  Z.abs (Fnum x) mod 2 ^ Z.max 0 (Z.log2 (Z.abs (Fnum x)) - 12) =? 0.

(** The ruler of a table; none if its values are not what they must be. *)
Definition prepare_table (values : list Z) : option ruler :=
  match read_b32 values with
  | None => None
  | Some ds =>
      let unit := lowest ds in
      match map (align unit) ds with
      | [] => None
      | v :: rest =>
          let b := tree_build 16 0 v rest in
          let count := Z.of_nat (length ds) in
          match built_rest b with
          | _ :: _ => None
          | [] =>
              if (2 <=? count) && (count <=? 65536) && increases v rest
                 && forallb short_significand ds
              then Some (TableRuler unit count (built_tree b))
              else None
          end
      end
  end.

(** The ruler of a grid; none if it is no grid. *)
Definition prepare (g : grid) : option ruler :=
  match g with
  | Golden E M =>
      if (2 <=? E) && (E <=? 8) && (1 <=? M) && (M <=? 12) && (1 + E + M <=? 16)
      then Some (GoldenRuler E M) else None
  | Integer first last =>
      if (-256 <=? first) && (first <? last) && (last <=? 255)
      then Some (IntegerRuler first last) else None
  | Table values => prepare_table values
  end.

(** The value of a code, z being the zero point; none if it is no code. *)
Definition ruler_code (r : ruler) (z c : Z) : option dyadic :=
  match r with
  | GoldenRuler E M => if (0 <=? c) && (c <? 2 ^ (1 + E + M)) then word_dyadic M E c else None
  | IntegerRuler first last =>
      let k := signed16 c in
      if (0 <=? c) && (c <? 2 ^ 16) && (first <=? k) && (k <=? last)
      then Some (Float radix2 (k - z) 0) else None
  | TableRuler unit count t =>
      if (0 <=? c) && (c <? count) then Some (Float radix2 (tree_lookup c t) unit) else None
  end.

(** Whether the ruler allows this zero point. *)
Definition ruler_zero (r : ruler) (z : Z) : bool :=
  (z =? 0) ||
  match r with
  | IntegerRuler first last => (first <=? z) && (z <=? last)
  | _ => false
  end.

(** The value nearest to (a / b) * 2^e. *)
Definition ruler_nearest (r : ruler) (z a b e : Z) : dyadic :=
  match r with
  | GoldenRuler E M => golden_nearest_ratio E M a b e
  | IntegerRuler first last =>
      let k := divide_even (Z.shiftl a (Z.max 0 (e - 0))) (Z.shiftl b (Z.max 0 (0 - e))) in
      Float radix2 (Z.max (first - z) (Z.min (last - z) k)) 0
  | TableRuler unit _ t =>
      let n := Z.shiftl a (Z.max 0 (e - unit)) in
      let d := Z.shiftl b (Z.max 0 (unit - e)) in
      Float radix2 (tree_search n d t) unit
  end.

(** The product of a scale and a value. *)
Definition product (s g : dyadic) : dyadic := Float radix2 (Fnum s * Fnum g) (Fexp s + Fexp g).

(** The point nearest to x on the grid with step s, of either sign. *)
Definition rtn_dyadic (r : ruler) (s : dyadic) (z : Z) (x : dyadic) : dyadic :=
  product s (ruler_nearest r z (Z.sgn (Fnum s) * Fnum x) (Z.abs (Fnum s)) (Fexp x - Fexp s)).

Open Scope R_scope.

(** The product has the value of the product. *)
Lemma product_correct s g : F2R (product s g) = F2R s * F2R g.
Proof. unfold product, F2R; cbn [Fnum Fexp]; rewrite mult_IZR, bpow_plus; ring. Qed.

(** The number that an integer of a table stands for. *)
Definition in_units (unit v : Z) : R := IZR v * bpow radix2 unit.

(** Increasing integers stand for increasing numbers. *)
Lemma increases_ascending unit v l : increases v l = true ->
  ascending (in_units unit v) (map (in_units unit) l).
Proof.
revert v; induction l as [|w l IH]; intros v; cbn [increases map ascending]; [trivial|].
rewrite andb_true_iff, Z.ltb_lt; intros [less more]; split; [|exact (IH w more)].
apply Rmult_lt_compat_r; [apply bpow_gt_0|apply IZR_lt; exact less].
Qed.

(** What a prepared table is. *)
Lemma prepare_table_inv values r : prepare_table values = Some r ->
  exists unit count t v rest, r = TableRuler unit count t /\
  count = Z.of_nat (length values) /\ grid_ok (Table values) /\
  tree_holds 0 (v :: rest) t /\
  table_reals values = map (in_units unit) (v :: rest) /\
  ascending (in_units unit v) (map (in_units unit) rest).
Proof.
unfold prepare_table; destruct (read_b32 values) as [ds|] eqn:read_values; [|discriminate].
destruct (read_b32_correct _ _ read_values) as [size [finite reals]].
set (unit := lowest ds).
assert (units : map F2R ds = map (in_units unit) (map (align unit) ds)).
{ rewrite map_map; apply map_ext_in; intros x member.
  apply align_correct, lowest_aligned, member. }
rewrite size; destruct (map (align unit) ds) as [|v rest]; [discriminate|].
assert (holds := tree_build_correct 16 v rest).
destruct (tree_build 16 0 v rest) as [t next final left_over]; cbn [built_rest built_tree] in *.
destruct left_over as [|w left_over]; [|discriminate].
destruct ((2 <=? Z.of_nat (length values))%Z && (Z.of_nat (length values) <=? 65536)%Z
  && increases v rest && forallb short_significand ds) eqn:good; [|discriminate].
rewrite !andb_true_iff, !Z.leb_le in good; destruct good as [[[some few] up] _].
intros done; injection done as <-.
exists unit, (Z.of_nat (length values)), t, v, rest.
assert (real_list : table_reals values = map (in_units unit) (v :: rest)).
{ unfold table_reals; rewrite reals; exact units. }
assert (real_up := increases_ascending unit v rest up).
split; [reflexivity|split; [reflexivity|split; [|split; [|split]]]].
- split; [split; assumption|split; [exact finite|]]; rewrite real_list; exact real_up.
- apply holds; reflexivity.
- exact real_list.
- exact real_up.
Qed.

(** A grid that can be prepared is one. *)
Theorem prepare_ok g r : prepare g = Some r -> grid_ok g.
Proof.
destruct g as [E M|first last|values]; cbn [prepare grid_ok].
- destruct (_ && _) eqn:good; [intros _|discriminate].
  rewrite !andb_true_iff, !Z.leb_le in good; lia.
- destruct (_ && _) eqn:good; [intros _|discriminate].
  rewrite !andb_true_iff, !Z.leb_le, Z.ltb_lt in good; lia.
- intros table; destruct (prepare_table_inv values r table) as (u & k & t & v & rest & facts).
  apply facts.
Qed.

(** Zero points that are allowed are those of the grid. *)
Lemma ruler_zero_correct g r z : prepare g = Some r -> ruler_zero r z = true -> zero_ok g z.
Proof.
intros ready; unfold ruler_zero; rewrite orb_true_iff, Z.eqb_eq.
destruct g as [E M|first last|values]; cbn [prepare zero_ok] in *.
- destruct (_ && _); [injection ready as <-|discriminate].
  intros [zero|]; [exact zero|discriminate].
- destruct (_ && _); [injection ready as <-|discriminate].
  rewrite andb_true_iff, !Z.leb_le; exact (fun h => h).
- destruct (prepare_table_inv values r ready) as (u & k & t & v & rest & -> & _).
  intros [zero|]; [exact zero|discriminate].
Qed.

(** What the ruler reads is a code, and its value is the code's. *)
Theorem ruler_code_correct g r z c d : prepare g = Some r -> ruler_code r z c = Some d ->
  code_ok g c /\ code_value g z c = F2R d.
Proof.
intros ready; destruct g as [E M|first last|values]; cbn [prepare] in ready.
- destruct (_ && _); [injection ready as <-|discriminate]; cbn [ruler_code code_ok code_value].
  destruct (_ && _) eqn:range; [|discriminate]; intros word.
  apply andb_true_iff in range; rewrite Z.leb_le, Z.ltb_lt in range; rewrite word.
  split; [split; [lia|discriminate]|reflexivity].
- destruct (_ && _); [injection ready as <-|discriminate]; cbn [ruler_code code_ok code_value].
  destruct (_ && _) eqn:range; [|discriminate]; intros done; injection done as <-.
  rewrite !andb_true_iff, !Z.leb_le, Z.ltb_lt in range.
  split; [lia|unfold F2R; simpl; ring].
- destruct (prepare_table_inv values r ready)
    as (unit & count & t & v & rest & -> & -> & _ & holds & reals & _).
  cbn [ruler_code code_ok code_value].
  destruct (_ && _) eqn:range; [|discriminate]; intros done; injection done as <-.
  apply andb_true_iff in range; rewrite Z.leb_le, Z.ltb_lt in range.
  split; [lia|].
  assert (size := f_equal (@length R) reals).
  unfold table_reals in size; rewrite !map_length in size.
  rewrite <- (nth_mapped b32_value values (Z.to_nat c) 0%Z 0) by lia.
  unfold table_reals in reals; rewrite reals, (nth_mapped (in_units unit) _ _ 0%Z) by lia.
  rewrite (tree_lookup_correct 0 (v :: rest) t c holds) by lia.
  rewrite Z.sub_0_r; reflexivity.
Qed.

(** The ruler finds the nearest value. *)
Theorem ruler_nearest_correct g r z a b e : prepare g = Some r -> (0 < b)%Z ->
  F2R (ruler_nearest r z a b e) = grid_round g z (IZR a / IZR b * bpow radix2 e).
Proof.
intros ready b_pos; assert (good := prepare_ok g r ready).
assert (b_shift : forall k, (0 < Z.shiftl b (Z.max 0 k))%Z).
{ intros k; rewrite Z.shiftl_mul_pow2 by lia.
  apply Z.mul_pos_pos; [exact b_pos|apply Z.pow_pos_nonneg; lia]. }
destruct g as [E M|first last|values]; cbn [prepare grid_ok] in *.
- destruct (_ && _); [injection ready as <-|discriminate].
  apply golden_nearest_correct; lia.
- destruct (_ && _); [injection ready as <-|discriminate]; cbn [ruler_nearest grid_round].
  rewrite (ratio_shift a b e 0 b_pos), Rmult_1_r, divide_even_correct by apply b_shift.
  unfold F2R; cbn [Fnum Fexp]; simpl bpow; ring.
- destruct (prepare_table_inv values r ready)
    as (unit & count & t & v & rest & -> & _ & _ & holds & reals & up).
  cbn [ruler_nearest grid_round]; rewrite reals, (ratio_shift a b e unit b_pos).
  exact (tree_search_correct _ _ (bpow radix2 unit) (b_shift _) (bpow_gt_0 _ _) 0 _ t v rest
    holds eq_refl up).
Qed.

(** T13: the integers compute the nearest point, exactly. *)
Theorem rtn_dyadic_correct g r s z x : prepare g = Some r -> Fnum s <> 0%Z ->
  F2R (rtn_dyadic r s z x) = nearest_point g (F2R s) z (F2R x).
Proof.
intros ready nonzero; unfold rtn_dyadic, nearest_point.
rewrite product_correct, (ruler_nearest_correct g r) by first [exact ready|lia].
do 2 f_equal; assert (s_real : IZR (Fnum s) <> 0) by (apply not_0_IZR; exact nonzero).
assert (unit_pos := bpow_gt_0 radix2 (Fexp s)).
unfold F2R, Z.sub; rewrite bpow_plus, bpow_opp, mult_IZR.
destruct (Z.sgn_spec (Fnum s)) as [[sign ->]|[[sign _]|[sign ->]]]; [|lia|].
- rewrite Z.abs_eq by lia; field; lra.
- rewrite Z.abs_neq, (opp_IZR (Fnum s)) by lia; change (- (1))%Z with (-1)%Z; field; lra.
Qed.
