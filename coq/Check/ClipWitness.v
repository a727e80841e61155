(** * Scales that are multiples of a deviation, and others that are not

    Purpose: the rules of the sdclip family accept the scale that they give, and neither its
      neighbours, nor the other sign, nor that of absmax, nor 2^100.
    Main results: [clips_accepted], [clips_refused].
    Depends on: Check/ScaleRule, Check/ScaleWitness.
    Source: this project. *)
From Coq Require Import ZArith List Bool.
From Hallmark Require Import Check.Grid Check.Checker Check.ScaleRule Check.ScaleWitness.
Import ListNotations.
Open Scope Z_scope.

(** 2.68 deviations of 1, -1/2 and of 1/4, 0 go to -8, as -91 2^-8 and -1941 2^-15, or to 7, as
    13 2^-5 and 1109 2^-14; 2 of them to the 2 of a table of three; where nothing deviates that of
    absmax. *)
Lemma clips_accepted :
  [ fits_row SdClip true (Integer (-8) 7) [0xBEB60000; 0xBD72A000] [0; 0];
    fits_row SdClip false (Integer (-7) 7) [0x3ED00000; 0x3D8AA000] [0; 0];
    fits_row SdClip false (Table [0xBF800000; 0; 0x40000000]) [0x3F87E000; 0x3E352000] [0; 0];
    fits_zeros SdClip (Integer (-7) 7) [0x3ED00000; 0x3F800000] [0; 0];
    scales_fit (Scaling SdClip 11 false 0) (Integer (-7) 7) 2 0
      (Row [0x3F800000; 0x3F800000] [0; 0] [0x3E126000] [0] false 0 0 0 0 None) ]
  = repeat true 5.
Proof. vm_compute; reflexivity. Qed.

(** The numbers below and above; a number of 12 bits; the other sign; absmax; 2^100; a scale of 1
    where the weights deviate. *)
Lemma clips_refused :
  [ fits_row SdClip true (Integer (-8) 7) [0xBEB5E000; 0xBD72A000] [0; 0];
    fits_row SdClip true (Integer (-8) 7) [0xBEB62000; 0xBD72A000] [0; 0];
    fits_row SdClip true (Integer (-8) 7) [0xBEB61000; 0xBD72A000] [0; 0];
    fits_row SdClip true (Integer (-8) 7) [0x3EB60000; 0xBD72A000] [0; 0];
    fits_row SdClip true (Integer (-8) 7) [0xBE000000; 0xBD000000] [0; 0];
    fits_row SdClip true (Integer (-8) 7) [0x71800000; 0xBD72A000] [0; 0];
    fits_zeros SdClip (Integer (-7) 7) [0x3F800000; 0x3F800000] [0; 0] ]
  = repeat false 7.
Proof. vm_compute; reflexivity. Qed.
