(** * Flocq's conversion between two formats

    Purpose: the specification of the codec: a datum of one binary format becomes the nearest
      datum, ties to even, of another.  Infinities and signed zeros stay; every NaN becomes one
      canonical NaN, whose payload the caller names.
    Main results: [convert_finite], [convert_overflow], [convert_exact].
    Depends on: Flocq: IEEE754.BinarySingleNaN, IEEE754.Binary.
    Source: IEEE 754-2019, section 5.4.2 (formatOf conversions). *)
From Coq Require Import ZArith Reals Lia Lra Bool.
From Flocq Require Import Core IEEE754.BinarySingleNaN IEEE754.Binary.
Open Scope R_scope.

Section Convert.

Variables prec emax prec' emax' : Z.
Context (Hprec' : Prec_gt_0 prec') (Hemax' : Prec_lt_emax prec' emax').
Variable nan' : binary_float prec' emax'.

Notation fexp' := (FLT_exp (3 - emax' - prec') prec').
Notation round' := (round radix2 fexp' ZnearestE).

(** The datum of the second format nearest to a datum of the first. *)
Definition convert (x : binary_float prec emax) : binary_float prec' emax' :=
  match x with
  | B754_zero _ _ s => B754_zero prec' emax' s
  | B754_infinity _ _ s => B754_infinity prec' emax' s
  | B754_nan _ _ _ _ _ => nan'
  | B754_finite _ _ s m e _ =>
      binary_normalize prec' emax' Hprec' Hemax' mode_NE (cond_Zopp s (Zpos m)) e s
  end.

(** The sign of a datum is the sign of its value, compared with 0. *)
Lemma sign_compare s m e :
  Rcompare (F2R (Float radix2 (cond_Zopp s (Zpos m)) e)) 0 = (if s then Lt else Gt).
Proof.
  destruct s; simpl.
  - apply Rcompare_Lt, F2R_lt_0; reflexivity.
  - apply Rcompare_Gt, F2R_gt_0; reflexivity.
Qed.

(** Without overflow the value is rounded and the sign is kept. *)
Theorem convert_finite x : is_finite prec emax x = true ->
  Rabs (round' (B2R prec emax x)) < bpow radix2 emax' ->
  is_finite prec' emax' (convert x) = true /\
  B2R prec' emax' (convert x) = round' (B2R prec emax x) /\
  Bsign prec' emax' (convert x) = Bsign prec emax x.
Proof.
  destruct x as [s|s|s pl Hpl|s m e Hx]; simpl; intros Hfin Hover; try discriminate Hfin.
  - rewrite round_0 by typeclasses eauto; repeat split.
  - generalize (binary_normalize_correct prec' emax' Hprec' Hemax' mode_NE
                  (cond_Zopp s (Zpos m)) e s).
    change (SpecFloat.fexp prec' emax') with fexp'; simpl round_mode.
    rewrite Rlt_bool_true by exact Hover.
    intros [Hval [Hfin' Hsign]]; split; [exact Hfin'|split; [exact Hval|]].
    rewrite Hsign, sign_compare; destruct s; reflexivity.
Qed.

(** With overflow the result is the infinity of the same sign. *)
Theorem convert_overflow x : is_finite prec emax x = true ->
  bpow radix2 emax' <= Rabs (round' (B2R prec emax x)) ->
  convert x = B754_infinity prec' emax' (Bsign prec emax x).
Proof.
  destruct x as [s|s|s pl Hpl|s m e Hx]; simpl; intros Hfin Hover; try discriminate Hfin.
  - rewrite round_0, Rabs_R0 in Hover by typeclasses eauto.
    generalize (bpow_gt_0 radix2 emax'); lra.
  - generalize (binary_normalize_correct prec' emax' Hprec' Hemax' mode_NE
                  (cond_Zopp s (Zpos m)) e s).
    change (SpecFloat.fexp prec' emax') with fexp'; simpl round_mode.
    rewrite Rlt_bool_false by exact Hover.
    intros Hff; apply B2FF_inj; rewrite Hff.
    replace (Rlt_bool (F2R (Float radix2 (cond_Zopp s (Zpos m)) e)) 0) with s.
    + reflexivity.
    + unfold Rlt_bool; rewrite sign_compare; destruct s; reflexivity.
Qed.

(** A finite datum with the rounded value and the same sign is the conversion. *)
Theorem convert_unique x y : is_finite prec emax x = true -> is_finite prec' emax' y = true ->
  B2R prec' emax' y = round' (B2R prec emax x) -> Bsign prec' emax' y = Bsign prec emax x ->
  convert x = y.
Proof.
  intros Hx Hy Hval Hsign.
  destruct (convert_finite x Hx) as [Hfin [Hval' Hsign']].
  - rewrite <- Hval; apply abs_B2R_lt_emax.
  - apply B2R_Bsign_inj; congruence.
Qed.

(** A finite datum with the same value and the same sign is the conversion. *)
Theorem convert_exact x y : is_finite prec emax x = true -> is_finite prec' emax' y = true ->
  B2R prec' emax' y = B2R prec emax x -> Bsign prec' emax' y = Bsign prec emax x ->
  convert x = y.
Proof.
  intros Hx Hy Hval Hsign; apply convert_unique; try assumption.
  rewrite <- Hval; symmetry; apply round_generic; [typeclasses eauto|].
  apply (generic_format_B2R prec' emax' y).
Qed.

End Convert.

Arguments convert_exact {prec emax prec' emax' Hprec' Hemax'} nan' {x}.
