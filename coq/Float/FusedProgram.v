(** * The guard's enclosure in the format of the recurrence, as a program

    Purpose: what src/method/loss_binary32.cpp and loss_sums.cpp evaluate for a row: three sums in
      binary64 of errors and products in binary32, each term by one fma, and from them the two ends.
    Main definitions: [fused_squares], [fused_size], [fused_excess] (the sums); [fused_width],
      [fused_lo], [fused_hi].
    Depends on: [FullArithmetic], [Chain], [GuardProgram].
    Source: the design's section 3; src/method/loss_binary32.cpp. *)
From Coq Require Import ZArith Reals.
From Hallmark.Float Require Import Arithmetic Chain FullArithmetic GuardProgram.

Section Sums.

Context {T : Type}.
Variable A : full_arith T.
Variable n : nat.

(** sum fl(d_j t_j) t_j. *)
Definition fused_squares (d t : nat -> T) : T :=
  fma_chain A n (fun j => a_mul A (d j) (t j)) t (a_zero A).

(** sum |e_j| root_j. *)
Definition fused_size (h e : nat -> T) : T :=
  fma_chain A n (fun j => a_abs A (e j)) (fun j => a_sqrt A (h j)) (a_zero A).

(** sum fl(x_j |e_j|) |e_j|. *)
Definition fused_excess (h gg e : nat -> T) : T :=
  fma_chain A n (fun j => a_mul A (a_sub A (h j) (gg j)) (a_abs A (e j)))
    (fun j => a_abs A (e j)) (a_zero A).

End Sums.

Section Ends.

Context {T : Type}.
Variable A : full_arith T.
Variable n : nat.
Variables squares size excess largest : T.

(** g' = 2^-23 + 2^-46 + (n + 2) 2^-53, exact. *)
Definition fused_g : T := a_lit A (Z.of_nat n + 1073741954) (-53).

(** x = (n + 1) 2^-24, exact. *)
Definition fused_x : T := a_lit A (Z.of_nat n + 1) (-24).

(** The root of the largest H_jj. *)
Definition fused_top : T := a_sqrt A largest.

(** A = size + n 2^-149 top. *)
Definition fused_A : T := a_add A size (a_mul A (a_lit A (Z.of_nat n) (-149)) fused_top).

(** rho = x (1 + x) (1 + g') A + n n 2^-147 top. *)
Definition fused_rho : T :=
  a_add A
    (a_mul A
      (a_mul A (a_mul A fused_x (a_add A (a_lit A 1 0) fused_x)) (a_add A (a_lit A 1 0) fused_g))
      fused_A)
    (a_mul A (a_lit A (Z.of_nat n * Z.of_nat n) (-147)) fused_top).

(** (n + 8) 2^-52 (squares + excess) + 2 sqrt(squares) rho + rho rho + g' A A + 2^-21 excess
    + 2^-148 top A. *)
Definition fused_bound : T :=
  a_add A
    (a_add A
      (a_add A
        (a_add A
          (a_add A (a_mul A (a_lit A (Z.of_nat n + 8) (-52)) (a_add A squares excess))
             (a_mul A (a_mul A (a_lit A 2 0) (a_sqrt A squares)) fused_rho))
          (a_mul A fused_rho fused_rho))
        (a_mul A (a_mul A fused_g fused_A) fused_A))
      (a_mul A (a_lit A 1 (-21)) excess))
    (a_mul A (a_mul A (a_lit A 1 (-148)) fused_top) fused_A).

(** bound / 2 (1 + 2^-20) + 2^-300. *)
Definition fused_width : T :=
  a_add A (a_mul A (a_mul A (a_lit A 1 (-1)) fused_bound) (a_lit A 1048577 (-20)))
    (a_lit A 1 (-300)).

(** The lower end, *)
Definition fused_lo : T := a_sub A (guard_value A squares excess) fused_width.

(** and the upper one. *)
Definition fused_hi : T := a_add A (guard_value A squares excess) fused_width.

End Ends.
