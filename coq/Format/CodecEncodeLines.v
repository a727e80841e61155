(** * What the encoders compute

    Purpose: the binary32 and binary64 encoders, line by line: their output is [encoded], a
      function of the fields of the input, and every shift stays below the width.
    Main results: [encode32_run], [encode64_run].
    Depends on: [BitProgram], [CodecPrograms], [CodecSpec], [RoundShift], [BitArithmetic].
    Source: this project. *)
From Coq Require Import ZArith Lia List String Bool.
From Hallmark Require Import Format.RoundShift Format.BitArithmetic Format.BitProgram.
From Hallmark Require Import Format.CodecPrograms Format.CodecSpec.
Open Scope Z_scope.

(** What an encoder rounds: a significand for subnormal results, a rebased pattern for normal. *)
Definition pattern (mw rebase e f : Z) : Z :=
  if e <? rebase + 1 then f + 2 ^ mw else (e - rebase) * 2 ^ mw + f.

(** By how much it shifts: at most mw + 2, and mw - 9 for normal results. *)
Definition shift (mw rebase e : Z) : Z :=
  if e <? rebase + 1 then (if e <? rebase - 10 then mw + 2 else rebase + mw - 8 - e) else mw - 9.

(** The output of an encoder from the fields of its input. *)
Definition encoded (mw ew rebase : Z) (s : bool) (e f : Z) : Z :=
  if (2 ^ ew - 1) * 2 ^ mw <? e * 2 ^ mw + f then 0x7E01
  else sign_bit 15 s
       + Z.min (round_shift (pattern mw rebase e f) (shift mw rebase e)) 0x7E00.

Ltac look :=
  cbn [eval expr_ok holds extend start input width lines output
       String.eqb Ascii.eqb Bool.eqb andb].

Ltac in_range :=
  repeat first [rewrite (proj2 (Z.leb_le _ _)) by lia | rewrite (proj2 (Z.ltb_lt _ _)) by lia];
  reflexivity.

Ltac literal t := let v := eval vm_compute in t in change t with v.

Ltac line v := apply remaining_line with (value := v); look.

(** A sign bit is a multiple of its power of two. *)
Lemma sign_bit_multiple n s : sign_bit n s = Z.b2z s * 2 ^ n /\ 0 <= Z.b2z s <= 1.
Proof. unfold sign_bit; destruct s; cbn [Z.b2z]; lia. Qed.

(** The line [rounded]: no carry leaves the word. *)
Lemma rounded_line w t sh : 0 <= t < 2 ^ (w - 1) -> 1 <= sh <= w - 2 ->
  Z.shiftr (((t + (2 ^ (sh - 1) - 1) mod 2 ^ w) mod 2 ^ w + (t / 2 ^ sh) mod 2) mod 2 ^ w) sh
  = round_shift t sh.
Proof.
  intros Ht Hsh.
  assert (Hw : 2 ^ w = 2 * 2 ^ (w - 1)) by (apply pow2_double; lia).
  assert (Hw' : 2 ^ (w - 1) = 2 * 2 ^ (w - 1 - 1)) by (apply pow2_double; lia).
  assert (Hhalf : 0 < 2 ^ (sh - 1)) by (apply Z.pow_pos_nonneg; lia).
  assert (Hle : 2 ^ (sh - 1) <= 2 ^ (w - 1 - 1)) by (apply Z.pow_le_mono_r; lia).
  assert (Hbit := Z.mod_pos_bound (t / 2 ^ sh) 2 eq_refl).
  rewrite shiftr_pow2 by lia.
  rewrite (Z.mod_small (2 ^ (sh - 1) - 1)) by lia.
  rewrite (Z.mod_small (t + (2 ^ (sh - 1) - 1))) by lia.
  rewrite (Z.mod_small (t + (2 ^ (sh - 1) - 1) + (t / 2 ^ sh) mod 2)) by lia.
  reflexivity.
Qed.

(** The line [half]. *)
Lemma half_line w sh : 0 < w -> 1 <= sh <= w - 2 -> sh < 2 ^ w ->
  Z.shiftl 1 ((sh - 1) mod 2 ^ w) mod 2 ^ w = 2 ^ (sh - 1).
Proof.
  intros Hw Hsh Hfits.
  rewrite (Z.mod_small (sh - 1)), shiftl_pow2, Z.mul_1_l by lia.
  apply Z.mod_small; split; [apply Z.pow_nonneg; lia|apply Z.pow_lt_mono_r; lia].
Qed.

(** The output: sign and magnitude do not overlap. *)
Lemma output_join s n : 0 <= n ->
  Z.lor (sign_bit 15 s) (Z.min n 0x7E00) = sign_bit 15 s + Z.min n 0x7E00.
Proof.
  intros Hn; rewrite (proj1 (sign_bit_multiple 15 s)).
  apply lor_disjoint; lia.
Qed.

(** Rounding by a shift does not make a number negative. *)
Lemma round_shift_nonneg t sh : 0 <= t -> 1 <= sh -> 0 <= round_shift t sh.
Proof.
  intros Ht Hsh; unfold round_shift.
  assert (Hhalf : 0 < 2 ^ (sh - 1)) by (apply Z.pow_pos_nonneg; lia).
  assert (Hunit : 0 < 2 ^ sh) by (apply Z.pow_pos_nonneg; lia).
  assert (Hbit := Z.mod_pos_bound (t / 2 ^ sh) 2 eq_refl).
  apply Z.div_pos; lia.
Qed.

(* One proof for both encoders: line by line, with the value of each line. *)
Ltac run_encoder p mw ew rebase s e f :=
  let n := eval vm_compute in (mw + ew) in
  let x := fresh "x" in let t := fresh "t" in let sh := fresh "sh" in
  let env := fresh "env" in let Hx := fresh "Hx" in let Ht := fresh "Ht" in
  let Hsh := fresh "Hsh" in let Hsign := fresh "Hsign" in let Hb := fresh "Hb" in
  set (x := sign_bit n s + e * 2 ^ mw + f);
  destruct (sign_bit_multiple n s) as [Hsign Hb];
  set (t := pattern mw rebase e f); set (sh := shift mw rebase e);
  assert (Ht : 0 <= t < 2 ^ n)
    by (unfold t, pattern; destruct (Z.ltb_spec e (rebase + 1)); lia);
  assert (Hsh : 1 <= sh <= mw + 2)
    by (unfold sh, shift; destruct (Z.ltb_spec e (rebase + 1));
        [destruct (Z.ltb_spec e (rebase - 10))|]; lia);
  apply computes_intro;
  (let q := eval vm_compute in p in change p with q);
  look; set (env := start _ x);
  assert (Hx : env "x"%string = x) by reflexivity; clearbody env;
  line (sign_bit 15 s);
  [ reflexivity
  | rewrite Hx, shiftr_pow2, shiftl_pow2, (proj1 (sign_bit_multiple 15 s)) by lia;
    Z.to_euclidean_division_equations; lia
  | line (e * 2 ^ mw + f); rewrite ?Hx;
  [ reflexivity
  | rewrite (land_mask n) by lia; Z.to_euclidean_division_equations; lia
  | line e;
  [ reflexivity
  | rewrite shiftr_pow2 by lia; Z.to_euclidean_division_equations; lia
  | line (f + 2 ^ mw); rewrite ?Hx;
  [ reflexivity
  | rewrite (land_mask mw) by lia; Z.to_euclidean_division_equations; lia
  | line t;
  [ reflexivity
  | unfold t, pattern; literal (rebase + 1);
    match goal with |- context [e <? ?b] => destruct (Z.ltb_spec e b) end;
    [reflexivity|rewrite Z.mod_small; lia]
  | line sh;
  [ reflexivity
  | unfold sh, shift; literal (rebase + 1); literal (rebase - 10);
    repeat match goal with |- context [e <? ?b] => destruct (Z.ltb_spec e b) end;
    try reflexivity; rewrite Z.mod_small; lia
  | line ((t / 2 ^ sh) mod 2);
  [ in_range
  | rewrite shiftr_pow2, (land_mask 1) by lia; reflexivity
  | line (2 ^ (sh - 1));
  [ rewrite Z.mod_small by lia; in_range
  | apply half_line; lia
  | line (round_shift t sh);
  [ in_range
  | apply rounded_line; [exact Ht|lia]
  | line (Z.min (round_shift t sh) 0x7E00);
  [ reflexivity
  | destruct (Z.ltb_spec 32256 (round_shift t sh)); lia
  | apply remaining_output; look; [reflexivity|];
    unfold encoded; literal ((2 ^ ew - 1) * 2 ^ mw);
    match goal with |- context [?a <? e * 2 ^ mw + f] => destruct (a <? e * 2 ^ mw + f) end;
    [reflexivity|apply output_join, round_shift_nonneg; lia] ]]]]]]]]]].

(** The binary32 encoder computes [encoded]. *)
Lemma encode32_run s f e : 0 <= f < 2 ^ 23 -> 0 <= e < 2 ^ 8 ->
  computes encode32 (sign_bit 31 s + e * 2 ^ 23 + f) (encoded 23 8 96 s e f).
Proof. intros Hf He; run_encoder encode32 23 8 96 s e f. Qed.

(** The binary64 encoder computes [encoded]. *)
Lemma encode64_run s f e : 0 <= f < 2 ^ 52 -> 0 <= e < 2 ^ 11 ->
  computes encode64 (sign_bit 63 s + e * 2 ^ 52 + f) (encoded 52 11 992 s e f).
Proof. intros Hf He; run_encoder encode64 52 11 992 s e f. Qed.
