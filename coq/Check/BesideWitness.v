(** * Witnesses for rows beside others

    Purpose: a rotated row that is accepted, and what is wrong with it when one sign, or the steps
      of round-to-nearest, are others.
    Main definitions: [rotated_row], [beside_tensor].
    Main results: [rotated_accepted], [rotated_refused], [rule_accepted], [rule_refused].
    Depends on: Check/Beside.
    Source: this project. *)
From Coq Require Import ZArith Reals List.
From Flocq Require Import Core.
From Hallmark Require Import Check.Dyadic Check.Grid Check.Checker Check.Beside.
Import ListNotations.
Open Scope Z_scope.

(** The unit matrix of 16 columns, and integers -8 .. 7. *)
Definition unit_gram : list (list Z) :=
  map (fun i => map (fun j => if Nat.eqb i j then 0x3FF0000000000000 else 0) (seq 0 16)) (seq 0 16).
Definition beside_bundle : bundle :=
  Bundle (Integer (-8) 7) 0 16 (Some unit_gram) true [].

(** Signs: -1 in every third column, or in one more. *)
Definition some_signs : list Z := map (fun j => if Nat.eqb (Nat.modulo j 3) 0 then -1 else 1) (seq 0 16).
Definition other_signs : list Z := map Z.opp (firstn 1 some_signs) ++ skipn 1 some_signs.

(** Weights sigma_j / 4, which are p R for p = 1, 0, .., 0 and scale 1; round-to-nearest has this
    scale and loses 16 (1/4)^2 = 1, or scale 1/4 and loses nothing. *)
Definition rotated_row (signs : list Z) (scale : Z) : beside_row :=
  Beside (Row (map (fun s => if s =? 1 then 0x3E800000 else 0xBE800000) some_signs)
              (1 :: repeat 0 15) [0x3F800000] [0] false 0 0 0x3FF0000000000000 0x3FF0000000000000
              (Some (Float radix2 0 0, Float radix2 1 0)))
         [scale] [0] (Some signs).
Definition whole_scale : Z := 0x3F800000.
Definition quarter_scale : Z := 0x3E800000.

(** What the judge of a tensor says of a row. *)
Definition judge (failure : tensor -> Z -> list beside_row -> option failure) (x : beside_row) :=
  match start_tensor beside_bundle with inl t => failure t 0 [x] | inr f => Some (InTensor f) end.

Lemma rotated_accepted : judge beside_failure (rotated_row some_signs whole_scale) = None.
Proof. vm_compute; reflexivity. Qed.

Lemma rotated_refused :
  judge beside_failure (rotated_row other_signs whole_scale) = Some (InRow 0 FinalOutside) /\
  judge beside_failure (rotated_row some_signs quarter_scale) = Some (InRow 0 RtnOutside).
Proof. vm_compute; split; reflexivity. Qed.

Lemma rule_accepted : judge rule_failure (rotated_row other_signs whole_scale) = None.
Proof. vm_compute; reflexivity. Qed.

Lemma rule_refused :
  judge rule_failure (rotated_row other_signs quarter_scale) = Some (InRow 0 GuardBroken).
Proof. vm_compute; reflexivity. Qed.
