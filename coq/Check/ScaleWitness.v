(** * Scales that a rule gives, and others that it does not

    Purpose: each rule accepts the scale that it gives, and neither its neighbours, nor the other
      sign, nor 2^100, at which every weight is nearest to 0.
    Main results: [scales_accepted], [scales_refused].
    Depends on: Check/ScaleRule.
    Source: this project. *)
From Coq Require Import ZArith List Bool.
From Hallmark Require Import Check.Dyadic Check.Grid Check.Checker Check.ScaleRule.
Import ListNotations.
Open Scope Z_scope.

(** The verdict on a row of weights in groups of two columns: 1, -1/2 and 1/4, 0. *)
Definition fits_row (rule : scale_rule) (either : bool) (g : grid) (s z : list Z) : bool :=
  scales_fit (Scaling rule 11 either 0x3FC00000 dyadic_zero [] 0) g 4 2
    (Row [0x3F800000; 0xBF000000; 0x3E800000; 0] [0; 0; 0; 0] s z false 0 0 0 0 None).

(** The same with the weights 0 in the second group. *)
Definition fits_zeros (rule : scale_rule) (g : grid) (s z : list Z) : bool :=
  scales_fit (Scaling rule 11 false 0x3F800000 dyadic_zero [] 0) g 4 2
    (Row [0x3F800000; 0xBF000000; 0; 0] [0; 0; 0; 0] s z false 0 0 0 0 None).

(** 1; 1 and 1/4; the largest of the matrix, 3/2; -1/8 and -1/32 (the largest weight goes to -8);
    1/7
    and 1/28 rounded up to 1171 2^-13 and 2^-15; a table up to 2; 3/2 / 15 and 1/60 rounded up to
    1639 2^-14 and 1093 2^-16, with zero points 5 and 0; 1 where all weights are 0. *)
Lemma scales_accepted :
  [ fits_row UnitRule false (Golden 6 9) [0x3F800000; 0x3F800000] [0; 0];
    fits_row RowPow2 false (Golden 6 9) [0x3F800000; 0x3E800000] [0; 0];
    fits_row MatrixMax false (Golden 6 9) [0x3FC00000; 0x3FC00000] [0; 0];
    fits_row AbsMax true (Integer (-8) 7) [0xBE000000; 0xBD000000] [0; 0];
    fits_row AbsMax false (Integer (-7) 7) [0x3E126000; 0x3D126000] [0; 0];
    fits_row AbsMax false (Table [0xBF800000; 0; 0x40000000]) [0x3F000000; 0x3E000000] [0; 0];
    fits_row MinMax false (Integer 0 15) [0x3DCCE000; 0x3C88A000] [5; 0];
    fits_zeros AbsMax (Integer (-7) 7) [0x3E126000; 0x3F800000] [0; 0];
    fits_zeros MinMax (Integer 0 15) [0x3DCCE000; 0x3F800000] [5; 0];
    fits_zeros RowPow2 (Golden 6 9) [0x3F800000; 0x3F800000] [0; 0] ]
  = repeat true 10.
Proof. vm_compute; reflexivity. Qed.

(** 2^100, at which every weight is nearest to 0, by each rule; the numbers below and above; the
    other
    sign; a number of 12 bits; another zero point; a weight above the largest of the matrix; a scale
    too few. *)
Lemma scales_refused :
  [ fits_row UnitRule false (Golden 6 9) [0x71800000; 0x3F800000] [0; 0];
    fits_row RowPow2 false (Golden 6 9) [0x71800000; 0x3E800000] [0; 0];
    fits_row MatrixMax false (Golden 6 9) [0x71800000; 0x3FC00000] [0; 0];
    fits_row AbsMax true (Integer (-8) 7) [0x71800000; 0xBD000000] [0; 0];
    fits_row MinMax false (Integer 0 15) [0x71800000; 0x3C88A000] [5; 0];
    fits_row AbsMax false (Integer (-7) 7) [0x3E124000; 0x3D126000] [0; 0];
    fits_row AbsMax false (Integer (-7) 7) [0x3E128000; 0x3D126000] [0; 0];
    fits_row AbsMax false (Integer (-7) 7) [0x3E125000; 0x3D126000] [0; 0];
    fits_row AbsMax true (Integer (-8) 7) [0x3E000000; 0xBD000000] [0; 0];
    fits_row AbsMax false (Integer (-8) 7) [0xBE000000; 0xBD000000] [0; 0];
    fits_row MinMax false (Integer 0 15) [0x3DCCE000; 0x3C88A000] [6; 0];
    fits_row RowPow2 false (Golden 6 9) [0x3F000000; 0x3E800000] [0; 0];
    scales_fit (Scaling MatrixMax 11 false 0x3F000000 dyadic_zero [] 0) (Golden 6 9) 4 0
      (Row [0x3F800000; 0; 0; 0] [0; 0; 0; 0] [0x3F000000] [0] false 0 0 0 0 None);
    fits_zeros AbsMax (Integer (-7) 7) [0x3E126000; 0x3E126000] [0; 0];
    fits_row UnitRule false (Golden 6 9) [0x3F800000] [0; 0] ]
  = repeat false 15.
Proof. vm_compute; reflexivity. Qed.
