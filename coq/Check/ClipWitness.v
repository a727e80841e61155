(** * Scales that are multiples of a deviation, and others that are not

    Purpose: the rules of the sdclip family accept the scale that they give, and neither its
      neighbours, nor the other sign, nor that of absmax, nor 2^100.
    Main results: [clips_accepted], [clips_refused], [adaptive_accepted], [adaptive_refused],
      [awq_accepted], [awq_refused].
    Depends on: Check/ScaleRule, Check/ScaleWitness; Flocq: Core.
    Source: this project. *)
From Coq Require Import ZArith List Bool.
From Flocq Require Import Core.
From Hallmark Require Import Check.Dyadic Check.Grid Check.Checker Check.ScaleRule Check.ScaleWitness.
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
    scales_fit (Scaling SdClip 11 false 0 dyadic_zero [] 0) (Integer (-7) 7) 2 0
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

(** The verdict of sdclip-adaptive on the same row, with the integers -7 .. 7. *)
Definition fits_adaptive (level : dyadic) (inputs : list dyadic) (s : list Z) : bool :=
  scales_fit (Scaling SdClipAdaptive 11 false 0 level inputs 0) (Integer (-7) 7) 4 2
    (Row [0x3F800000; 0xBF000000; 0x3E800000; 0] [0; 0; 0; 0] s [0; 0] false 0 0 0 0 None).

(** The sums of G_jj over its groups, where they are not 0. *)
Definition input_sums : list dyadic := [Float radix2 2 0; Float radix2 1 (-1)].

(** v = 9/8 and 2^-7 with c = 1: the factor is (9/8)^(-5/32), and 480/257 where 2.13 would be.
    c = 2^-10: both are 120/257.  Where no G_jj is above 0 the scales are those of sdclip. *)
Lemma adaptive_accepted :
  [ fits_adaptive dyadic_one input_sums [0x3ECC2000; 0x3E018000];
    fits_adaptive (Float radix2 1 (-10)) input_sums [0x3E424000; 0x3D018000];
    fits_adaptive dyadic_zero [] [0x3ED00000; 0x3D8AA000] ]
  = repeat true 3.
Proof. vm_compute; reflexivity. Qed.

(** The numbers below and above; the scales of sdclip; those of another c; 2^100; a c that is 0. *)
Lemma adaptive_refused :
  [ fits_adaptive dyadic_one input_sums [0x3ECC0000; 0x3E018000];
    fits_adaptive dyadic_one input_sums [0x3ECC4000; 0x3E018000];
    fits_adaptive dyadic_one input_sums [0x3ECC2000; 0x3E01A000];
    fits_adaptive dyadic_one input_sums [0x3ED00000; 0x3D8AA000];
    fits_adaptive dyadic_one input_sums [0x3E424000; 0x3D018000];
    fits_adaptive dyadic_one input_sums [0x71800000; 0x3E018000];
    fits_adaptive dyadic_zero input_sums [0x3ED00000; 0x3D8AA000] ]
  = repeat false 7.
Proof. vm_compute; reflexivity. Qed.

(** The verdict of awq-lite on the same row, with the integers -128 .. 127 and the group that matters
    most. *)
Definition fits_awq (best : nat) (w s : list Z) : bool :=
  scales_fit (Scaling AwqLite 11 true 0 dyadic_zero [] best) (Integer (-128) 127) 4 2
    (Row w [0; 0; 0; 0] s [0; 0] false 0 0 0 0 None).
Definition awq_row : list Z := [0x3F800000; 0xBF000000; 0x3E800000; 0].

(** 12.85 deviations of the whole row over 127 in that group, over 31 in the other; absmax where the
    row does not deviate. *)
Lemma awq_accepted :
  [ fits_awq 0 awq_row [0x3D81A000; 0x3E84C000]; fits_awq 1 awq_row [0x3E84C000; 0x3D81A000];
    fits_awq 0 [0x3F800000; 0x3F800000; 0x3F800000; 0x3F800000] [0xBC000000; 0xBC000000] ]
  = repeat true 3.
Proof. vm_compute; reflexivity. Qed.

(** The other group; the number above; the other sign; 2^100. *)
Lemma awq_refused :
  [ fits_awq 1 awq_row [0x3D81A000; 0x3E84C000]; fits_awq 0 awq_row [0x3D81A000; 0x3D81A000];
    fits_awq 0 awq_row [0x3D81C000; 0x3E84C000]; fits_awq 0 awq_row [0xBD81A000; 0x3E84C000];
    fits_awq 0 awq_row [0x3D81A000; 0x71800000] ]
  = repeat false 5.
Proof. vm_compute; reflexivity. Qed.
