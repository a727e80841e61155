(** * Every concrete instance as data

    Purpose: the numbers of the counterexamples as integers, one source for the theorems and for
      the tests of the program, which are printed from here.
    Main definitions: [rationals], [gptq_run], [rounding], [static_run], [examples].
    Main results: one lemma per instance, named after it with the suffix [_matches]: the data are
      the numbers that the theorem speaks of, entry by entry.
    Matrices are stored row after row; an array means numerator / denominator * 2^exponent.
    Depends on: [Concrete], [Counterexample], [PlainWorstCase], [StaticInverse].
    Source: this project. *)
From Coq Require Import Reals Lra Lia ZArith Arith List String.
From Flocq Require Import Core.
From Hallmark.Gptq Require Import
  Matrix Concrete Counterexample PlainWorstCase StaticInverse.
Import ListNotations.
Open Scope R_scope.

(** Rational numbers with a common denominator and a common power of two. *)
Record rationals := Rationals { numerators : list Z; denominator : positive; exponent : Z }.

(** The number at place i. *)
Definition rational_value (a : rationals) (i : nat) : R :=
  IZR (nth i (numerators a) 0%Z) / IZR (Zpos (denominator a)) * bpow radix2 (exponent a).

(** The entry of a 3 by 3 matrix stored row after row. *)
Definition matrix_entry (a : rationals) (i j : nat) : R := rational_value a (3 * i + j).

(** Numbers without a denominator. *)
Definition dyadics (l : list Z) (e : Z) : rationals := Rationals l 1 e.

(** Whole numbers. *)
Definition integers (l : list Z) : rationals := Rationals l 1 0.

(** One run of GPTQ: tokens, damping, factor, pivots, weights, compensated weights, codes, loss. *)
Record gptq_run := Run {
  run_X : rationals; run_lambda : rationals; run_U : rationals; run_d : rationals;
  run_w : rationals; run_u : rationals; run_q : rationals; run_loss : rationals }.

(** The codes and the loss of round-to-nearest on the same row. *)
Record rounding := Rounding { rounding_q : rationals; rounding_loss : rationals }.

(** A run with the static inverse on the same row. *)
Record static_run := StaticRun {
  static_Hinv : rationals; static_u : rationals; static_q : rationals; static_loss : rationals }.

(** Two vectors agree on three entries. *)
Definition same_vec (a : rationals) (v : vec) : Prop :=
  forall i, (i < 3)%nat -> rational_value a i = v i.

(** Two matrices agree on three rows and columns. *)
Definition same_mat (a : rationals) (M : mat) : Prop :=
  forall i j, (i < 3)%nat -> (j < 3)%nat -> matrix_entry a i j = M i j.

(** The data of a run are the given numbers. *)
Definition run_matches (e : gptq_run) (X : mat) (lam : R) (U : mat) (d w u q : vec) (loss : R) :
    Prop :=
  same_mat (run_X e) X /\ rational_value (run_lambda e) 0 = lam /\ same_mat (run_U e) U /\
  same_vec (run_d e) d /\ same_vec (run_w e) w /\ same_vec (run_u e) u /\
  same_vec (run_q e) q /\ rational_value (run_loss e) 0 = loss.

(** The data of a rounding are the given numbers. *)
Definition rounding_matches (e : rounding) (r : vec) (loss : R) : Prop :=
  same_vec (rounding_q e) r /\ rational_value (rounding_loss e) 0 = loss.

(** The data of a run with the static inverse are the given numbers. *)
Definition static_matches (e : static_run) (Hinv : mat) (u q : vec) (loss : R) : Prop :=
  same_mat (static_Hinv e) Hinv /\ same_vec (static_u e) u /\ same_vec (static_q e) q /\
  rational_value (static_loss e) 0 = loss.

(** Computes one number of the data. *)
Ltac agree :=
  unfold matrix_entry, rational_value, entries, rows; simpl; try field; try lra.

(** Computes three numbers or nine. *)
Ltac agree_all :=
  repeat match goal with |- _ /\ _ => split end;
  try (intros i j ibelow jbelow; three i; three j; agree);
  try (intros i below; three i; agree); try agree.

(** T5 on the integers. *)
Definition t5_integer_run : gptq_run := Run
  (integers [1; 2; 0; 0; 1; 1; 0; 0; 4])%Z
  (integers [0])%Z
  (dyadics [4; 8; 0; 0; 4; 1; 0; 0; 4] (-2))%Z
  (integers [2; 2; 32])%Z
  (dyadics [1; 1; (-1)] (-2))%Z
  (dyadics [4; 12; (-7)] (-4))%Z
  (integers [0; 1; 0])%Z
  (dyadics [51] (-4))%Z.

(** Round-to-nearest on the same row. *)
Definition t5_integer_rounding : rounding := Rounding
  (integers [0; 0; 0])%Z
  (dyadics [19] (-4))%Z.

(** These are the numbers of [T5_integer]. *)
Lemma t5_integer_matches :
  run_matches t5_integer_run t5_X 0 t5_U t5_d (t5_w 0 1) (t5_u 0 1) (t5_q 0 1) (51 / 16) /\
  rounding_matches t5_integer_rounding (t5_r 0) (19 / 16).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t5_X, t5_U, t5_d, t5_w, t5_u, t5_q, t5_r.
agree_all.
Qed.

(** T5 on GF16. *)
Definition t5_gf16_run : gptq_run := Run
  (integers [1; 2; 0; 0; 1; 1; 0; 0; 4])%Z
  (integers [0])%Z
  (dyadics [4; 8; 0; 0; 4; 1; 0; 0; 4] (-2))%Z
  (integers [2; 2; 32])%Z
  (dyadics [3073; 3073; 3071] (-11))%Z
  (dyadics [12292; 12300; 12281] (-13))%Z
  (dyadics [768; 769; 768] (-9))%Z
  (dyadics [51] (-22))%Z.

(** Round-to-nearest on the same row. *)
Definition t5_gf16_rounding : rounding := Rounding
  (dyadics [768; 768; 768] (-9))%Z
  (dyadics [19] (-22))%Z.

(** These are the numbers of [T5_gf16]. *)
Lemma t5_gf16_matches :
  run_matches t5_gf16_run t5_X 0 t5_U t5_d (t5_w (3 / 2) (1 / 512)) (t5_u (3 / 2) (1 / 512))
    (t5_q (3 / 2) (1 / 512)) (51 / 4194304) /\
  rounding_matches t5_gf16_rounding (t5_r (3 / 2)) (19 / 4194304).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t5_X, t5_U, t5_d, t5_w, t5_u, t5_q, t5_r.
agree_all.
Qed.

(** T5 on GF16 where its step is 1. *)
Definition t5_gf16_large_step_run : gptq_run := Run
  (integers [1; 2; 0; 0; 1; 1; 0; 0; 4])%Z
  (integers [0])%Z
  (dyadics [4; 8; 0; 0; 4; 1; 0; 0; 4] (-2))%Z
  (integers [2; 2; 32])%Z
  (dyadics [3073; 3073; 3071] (-2))%Z
  (dyadics [12292; 12300; 12281] (-4))%Z
  (integers [768; 769; 768])%Z
  (dyadics [51] (-4))%Z.

(** Round-to-nearest on the same row. *)
Definition t5_gf16_large_step_rounding : rounding := Rounding
  (integers [768; 768; 768])%Z
  (dyadics [19] (-4))%Z.

(** These are the numbers of [T5_gf16_large_step]. *)
Lemma t5_gf16_large_step_matches :
  run_matches t5_gf16_large_step_run t5_X 0 t5_U t5_d (t5_w 768 1) (t5_u 768 1) (t5_q 768 1) (51
    / 16) /\
  rounding_matches t5_gf16_large_step_rounding (t5_r 768) (19 / 16).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t5_X, t5_U, t5_d, t5_w, t5_u, t5_q, t5_r.
agree_all.
Qed.

(** T5 on the subnormal numbers of GF16. *)
Definition t5_gf16_subnormal_run : gptq_run := Run
  (integers [1; 2; 0; 0; 1; 1; 0; 0; 4])%Z
  (integers [0])%Z
  (dyadics [4; 8; 0; 0; 4; 1; 0; 0; 4] (-2))%Z
  (integers [2; 2; 32])%Z
  (dyadics [17; 17; 15] (-41))%Z
  (dyadics [68; 76; 57] (-43))%Z
  (dyadics [4; 5; 4] (-39))%Z
  (dyadics [51] (-82))%Z.

(** Round-to-nearest on the same row. *)
Definition t5_gf16_subnormal_rounding : rounding := Rounding
  (dyadics [4; 4; 4] (-39))%Z
  (dyadics [19] (-82))%Z.

(** These are the numbers of [T5_gf16_subnormal]. *)
Lemma t5_gf16_subnormal_matches :
  run_matches t5_gf16_subnormal_run t5_X 0 t5_U t5_d (t5_w (4 * bpow radix2 (-39)) (bpow radix2
    (-39))) (t5_u (4 * bpow radix2 (-39)) (bpow radix2 (-39))) (t5_q (4 * bpow radix2 (-39))
    (bpow radix2 (-39))) (51 / 16 * bpow radix2 (-39) ^ 2) /\
  rounding_matches t5_gf16_subnormal_rounding (t5_r (4 * bpow radix2 (-39))) (19 / 16 * bpow
    radix2 (-39) ^ 2).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t5_X, t5_U, t5_d, t5_w, t5_u, t5_q, t5_r.
agree_all.
Qed.

(** T5 on GF16 with weights that are FP16 numbers. *)
Definition t5_gf16_half_ulp_run : gptq_run := Run
  (integers [1; 1; (-2); 0; 1; (-1); 0; 0; 4])%Z
  (integers [0])%Z
  (dyadics [4; 4; (-2); 0; 4; (-1); 0; 0; 4] (-2))%Z
  (integers [2; 2; 32])%Z
  (dyadics [1537; 1537; 1537] (-1))%Z
  (dyadics [6148; 6152; 6147] (-3))%Z
  (integers [768; 769; 768])%Z
  (dyadics [5] (-1))%Z.

(** Round-to-nearest on the same row. *)
Definition t5_gf16_half_ulp_rounding : rounding := Rounding
  (integers [768; 768; 768])%Z
  (dyadics [3] (-1))%Z.

(** These are the numbers of [T5_gf16_half_ulp]. *)
Lemma t5_gf16_half_ulp_matches :
  run_matches t5_gf16_half_ulp_run t5c_X 0 t5c_U t5c_d t5c_w t5c_u t5c_q (5 / 2) /\
  rounding_matches t5_gf16_half_ulp_rounding t5c_r (3 / 2).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t5c_X, t5c_U, t5c_d, t5c_w, t5c_u, t5c_q, t5c_r.
agree_all.
Qed.

(** The refutation of T3 in the plain loss under damping. *)
Definition t3_plain_run : gptq_run := Run
  (integers [1; 2; 2; 1; (-3); 2; 1; 0; 0])%Z
  (integers [16])%Z
  (Rationals [1773; (-90); 197; 0; 1773; 197; 0; 0; 1773] 1773 0)%Z
  (Rationals [59688; 77618; 31914] 1773 0)%Z
  (Rationals [1773; 1863; 1369] 3546 0)%Z
  (dyadics [1; 1; 1] (-1))%Z
  (integers [0; 0; 0])%Z
  (Rationals [41052929] 6287058 0)%Z.

(** These are the numbers of [T3_plain_gptq_reaches]. *)
Lemma t3_plain_matches :
  run_matches t3_plain_run t3_X 16 t3_U t3_d t3_w t3_u t3_q (41052929 / 6287058).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t3_X, t3_U, t3_d, t3_w, t3_u, t3_q.
agree_all.
Qed.

(** T10, the smallest data. *)
Definition t10_small_run : gptq_run := Run
  (integers [1; (-1); (-1); 0; 1; 0; 0; 0; 1])%Z
  (integers [0])%Z
  (integers [1; (-1); (-1); 0; 1; 0; 0; 0; 1])%Z
  (integers [2; 2; 2])%Z
  (dyadics [0; (-3); 3] (-3))%Z
  (dyadics [0; (-3); 3] (-3))%Z
  (integers [0; 0; 0])%Z
  (dyadics [9] (-5))%Z.

(** Round-to-nearest on the same row. *)
Definition t10_small_rounding : rounding := Rounding
  (integers [0; 0; 0])%Z
  (dyadics [9] (-5))%Z.

(** The static inverse on the same row. *)
Definition t10_small_static : static_run := StaticRun
  (dyadics [1; 1; 1; 1; 2; 1; 1; 1; 2] (-1))%Z
  (dyadics [0; (-6); 9] (-4))%Z
  (integers [0; 0; 1])%Z
  (dyadics [17] (-5))%Z.

(** These are the numbers of [T10_small]. *)
Lemma t10_small_matches :
  run_matches t10_small_run t10_X 0 t10_U t10_d t10_w t10_u t10_q (9 / 32) /\
  rounding_matches t10_small_rounding t10_q (9 / 32) /\
  static_matches t10_small_static t10_Hinv t10_us t10_qs (17 / 32).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t10_U, t10_X, t10_d, t10_w, t10_u, t10_q, t10_Hinv, t10_us, t10_qs.
agree_all.
Qed.

(** T10, the family at b = 1. *)
Definition t10_family_1_run : gptq_run := Run
  (integers [1; 1; (-4); 0; 4; 0; 0; 0; 1])%Z
  (integers [0])%Z
  (dyadics [4; 1; (-16); 0; 4; 0; 0; 0; 4] (-2))%Z
  (integers [2; 32; 2])%Z
  (dyadics [0; 3; 3] (-3))%Z
  (dyadics [0; 3; 3] (-3))%Z
  (integers [0; 0; 0])%Z
  (dyadics [153] (-6))%Z.

(** Round-to-nearest on the same row. *)
Definition t10_family_1_rounding : rounding := Rounding
  (integers [0; 0; 0])%Z
  (dyadics [153] (-6))%Z.

(** The static inverse on the same row. *)
Definition t10_family_1_static : static_run := StaticRun
  (dyadics [8; (-2); 32; (-2); 1; (-8); 32; (-8); 136] (-4))%Z
  (dyadics [0; 3; 27] (-3))%Z
  (integers [0; 0; 3])%Z
  (dyadics [585] (-6))%Z.

(** These are the numbers of [T10_family]. *)
Lemma t10_family_1_matches :
  run_matches t10_family_1_run (t10f_X 1) 0 (t10f_U 1) (t10f_d 1) t10f_w t10f_w t10f_q (9 / 4 *
    1 ^ 2 + 9 / 64) /\
  rounding_matches t10_family_1_rounding t10f_q (9 / 4 * 1 ^ 2 + 9 / 64) /\
  static_matches t10_family_1_static (t10f_Hinv 1) (t10f_us 1) (t10f_qs 1) (9 / 4 * 1 ^ 2 + (3 *
    1 ^ 2 - 3 / 8) ^ 2).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t10f_X, t10f_U, t10f_d, t10f_w, t10f_q, t10f_Hinv, t10f_us, t10f_qs.
agree_all.
Qed.

(** T10, the family at b = 8. *)
Definition t10_family_8_run : gptq_run := Run
  (integers [1; 1; (-32); 0; 32; 0; 0; 0; 1])%Z
  (integers [0])%Z
  (dyadics [32; 1; (-1024); 0; 32; 0; 0; 0; 32] (-5))%Z
  (integers [2; 2048; 2])%Z
  (dyadics [0; 3; 3] (-3))%Z
  (dyadics [0; 3; 3] (-3))%Z
  (integers [0; 0; 0])%Z
  (dyadics [9225] (-6))%Z.

(** Round-to-nearest on the same row. *)
Definition t10_family_8_rounding : rounding := Rounding
  (integers [0; 0; 0])%Z
  (dyadics [9225] (-6))%Z.

(** The static inverse on the same row. *)
Definition t10_family_8_static : static_run := StaticRun
  (dyadics [512; (-16); 16384; (-16); 1; (-512); 16384; (-512); 524800] (-10))%Z
  (dyadics [0; 3; 1539] (-3))%Z
  (integers [0; 0; 192])%Z
  (dyadics [2359305] (-6))%Z.

(** These are the numbers of [T10_family]. *)
Lemma t10_family_8_matches :
  run_matches t10_family_8_run (t10f_X 8) 0 (t10f_U 8) (t10f_d 8) t10f_w t10f_w t10f_q (9 / 4 *
    8 ^ 2 + 9 / 64) /\
  rounding_matches t10_family_8_rounding t10f_q (9 / 4 * 8 ^ 2 + 9 / 64) /\
  static_matches t10_family_8_static (t10f_Hinv 8) (t10f_us 8) (t10f_qs 8) (9 / 4 * 8 ^ 2 + (3 *
    8 ^ 2 - 3 / 8) ^ 2).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t10f_X, t10f_U, t10f_d, t10f_w, t10f_q, t10f_Hinv, t10f_us, t10f_qs.
agree_all.
Qed.

(** T10 beyond the worst case on the integers. *)
Definition t10_worst_case_run : gptq_run := Run
  (integers [1; 1; (-4); 0; 8; 0; 0; 0; 4])%Z
  (integers [0])%Z
  (dyadics [8; 1; (-8); 0; 8; 0; 0; 0; 8] (-3))%Z
  (integers [2; 128; 32])%Z
  (dyadics [0; 3; 3] (-3))%Z
  (dyadics [0; 3; 3] (-3))%Z
  (integers [0; 0; 0])%Z
  (dyadics [45] (-2))%Z.

(** Round-to-nearest on the same row. *)
Definition t10_worst_case_rounding : rounding := Rounding
  (integers [0; 0; 0])%Z
  (dyadics [45] (-2))%Z.

(** The static inverse on the same row. *)
Definition t10_worst_case_static : static_run := StaticRun
  (dyadics [32; (-4); 32; (-4); 1; (-4); 32; (-4); 34] (-6))%Z
  (dyadics [0; 3; 15] (-3))%Z
  (integers [0; 0; 2])%Z
  (dyadics [205] (-2))%Z.

(** These are the numbers of [t10w_exceeds_worst_case]. *)
Lemma t10_worst_case_matches :
  run_matches t10_worst_case_run t10w_X 0 t10w_U t10w_d (t10w_w 0) (t10w_w 0) (t10w_q 0) (45 /
    4) /\
  rounding_matches t10_worst_case_rounding (t10w_q 0) (45 / 4) /\
  static_matches t10_worst_case_static t10w_Hinv (t10w_us 0) (t10w_qs 0) (205 / 4).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t10w_X, t10w_U, t10w_d, t10w_w, t10w_q, t10w_Hinv, t10w_us, t10w_qs.
agree_all.
Qed.

(** T10 beyond the worst case on GF16. *)
Definition t10_worst_case_gf16_run : gptq_run := Run
  (integers [1; 1; (-4); 0; 8; 0; 0; 0; 4])%Z
  (integers [0])%Z
  (dyadics [8; 1; (-8); 0; 8; 0; 0; 0; 8] (-3))%Z
  (integers [2; 128; 32])%Z
  (dyadics [6144; 6147; 6147] (-3))%Z
  (dyadics [6144; 6147; 6147] (-3))%Z
  (integers [768; 768; 768])%Z
  (dyadics [45] (-2))%Z.

(** Round-to-nearest on the same row. *)
Definition t10_worst_case_gf16_rounding : rounding := Rounding
  (integers [768; 768; 768])%Z
  (dyadics [45] (-2))%Z.

(** The static inverse on the same row. *)
Definition t10_worst_case_gf16_static : static_run := StaticRun
  (dyadics [32; (-4); 32; (-4); 1; (-4); 32; (-4); 34] (-6))%Z
  (dyadics [6144; 6147; 6159] (-3))%Z
  (integers [768; 768; 770])%Z
  (dyadics [205] (-2))%Z.

(** These are the numbers of [T10_exceeds_worst_case_gf16]. *)
Lemma t10_worst_case_gf16_matches :
  run_matches t10_worst_case_gf16_run t10w_X 0 t10w_U t10w_d (t10w_w 768) (t10w_w 768) (t10w_q
    768) (45 / 4) /\
  rounding_matches t10_worst_case_gf16_rounding (t10w_q 768) (45 / 4) /\
  static_matches t10_worst_case_gf16_static t10w_Hinv (t10w_us 768) (t10w_qs 768) (205 / 4).
Proof.
unfold run_matches, rounding_matches, static_matches.
unfold t10w_X, t10w_U, t10w_d, t10w_w, t10w_q, t10w_Hinv, t10w_us, t10w_qs.
agree_all.
Qed.

(** A named array of an instance. *)
Definition named_array := (string * rationals)%type.

(** The arrays of a run by name. *)
Definition fields_of_run (e : gptq_run) : list named_array :=
  [("X", run_X e); ("lambda", run_lambda e); ("U", run_U e); ("d", run_d e); ("w", run_w e);
   ("u", run_u e); ("gptq", run_q e); ("loss_gptq", run_loss e)]%string.

(** The arrays of a rounding by name. *)
Definition fields_of_rounding (e : rounding) : list named_array :=
  [("rtn", rounding_q e); ("loss_rtn", rounding_loss e)]%string.

(** The arrays of a run with the static inverse by name. *)
Definition fields_of_static (e : static_run) : list named_array :=
  [("Hinv", static_Hinv e); ("u_static", static_u e); ("q_static", static_q e);
   ("loss_static", static_loss e)]%string.

(** The most that round-to-nearest loses on any row of the refutation of T3. *)
Definition t3_plain_rtn_most : rationals := (dyadics [13] (-1))%Z.

(** This is the number of [T3_plain_rtn_at_most]. *)
Lemma t3_plain_rtn_most_matches : rational_value t3_plain_rtn_most 0 = 13 / 2.
Proof. agree. Qed.

(** Every instance: its name, its theorem and its arrays. *)
Definition examples : list (string * string * list named_array) :=
  [("t5_integer", "T5_integer",
    (fields_of_run t5_integer_run ++ fields_of_rounding t5_integer_rounding)%list);
   ("t5_gf16", "T5_gf16",
    (fields_of_run t5_gf16_run ++ fields_of_rounding t5_gf16_rounding)%list);
   ("t5_gf16_large_step", "T5_gf16_large_step",
    (fields_of_run t5_gf16_large_step_run ++ fields_of_rounding
     t5_gf16_large_step_rounding)%list);
   ("t5_gf16_subnormal", "T5_gf16_subnormal",
    (fields_of_run t5_gf16_subnormal_run ++ fields_of_rounding
     t5_gf16_subnormal_rounding)%list);
   ("t5_gf16_half_ulp", "T5_gf16_half_ulp",
    (fields_of_run t5_gf16_half_ulp_run ++ fields_of_rounding
     t5_gf16_half_ulp_rounding)%list);
   ("t3_plain", "T3_plain_gptq_reaches",
    (fields_of_run t3_plain_run ++ [("loss_rtn_most"%string, t3_plain_rtn_most)])%list);
   ("t10_small", "T10_small",
    (fields_of_run t10_small_run ++ fields_of_rounding t10_small_rounding ++
     fields_of_static t10_small_static)%list);
   ("t10_family_1", "T10_family",
    (fields_of_run t10_family_1_run ++ fields_of_rounding t10_family_1_rounding ++
     fields_of_static t10_family_1_static)%list);
   ("t10_family_8", "T10_family",
    (fields_of_run t10_family_8_run ++ fields_of_rounding t10_family_8_rounding ++
     fields_of_static t10_family_8_static)%list);
   ("t10_worst_case", "T10_exceeds_worst_case",
    (fields_of_run t10_worst_case_run ++ fields_of_rounding t10_worst_case_rounding ++
     fields_of_static t10_worst_case_static)%list);
   ("t10_worst_case_gf16", "T10_exceeds_worst_case_gf16",
    (fields_of_run t10_worst_case_gf16_run ++ fields_of_rounding
     t10_worst_case_gf16_rounding ++ fields_of_static t10_worst_case_gf16_static)%list)]%string.
