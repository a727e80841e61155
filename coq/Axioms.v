(** * What is assumed

    Purpose: the four assumptions on which the development rests, each restated, with the reason why
      it is harmless.  They come with the real numbers of Coq's standard library and with Flocq;
      this project adds none.  coq/Assumptions.golden tells by theorem which of them are used,
      and coq/coqchk.golden is the report of the independent checker.
    Main results: [limited_omniscience], [negation_decidable], [extensionality],
      [excluded_middle].  Each is its assumption and nothing more; nothing depends on this file.
    Depends on: the standard library.
    Source: the standard library; none is this project's.

    All four are true in the usual set-theoretic model, in which types are sets, propositions are
    truth values and functions are graphs; there they hold together, and every theorem of
    Headline.v is then an ordinary theorem about the real numbers.  What they cost is computation:
    a proof that uses them is not a program.  No program of this project is extracted from such a
    proof; the computations inside proofs (integers, words, Flocq's data) use none of them. *)
From Coq Require Import Reals Classical_Prop FunctionalExtensionality.
From Coq Require ClassicalDedekindReals.

(** For a decidable property of natural numbers, either one fails or all hold.  The standard library
    builds the reals as Dedekind cuts and needs this to compare two of them ([Rle_dec], [Rabs],
    [Rmax]).  Classically it is excluded middle for one quantifier; the "or" is one on which
    functions may branch, which a set-theoretic model allows. *)
Lemma limited_omniscience (P : nat -> Prop) : (forall n, {P n} + {~ P n}) ->
  {n : nat | ~ P n} + {forall n, P n}.
Proof. exact (ClassicalDedekindReals.sig_forall_dec P). Qed.

(** A negated proposition is decidable.  The standard library uses it for the completeness of the
    reals: every bounded nonempty set has a least upper bound ([completeness]). *)
Lemma negation_decidable (P : Prop) : {~ ~ P} + {~ P}.
Proof. exact (ClassicalDedekindReals.sig_not_dec P). Qed.

(** Functions with equal values are equal.  Used to identify Dedekind cuts; true of graphs. *)
Lemma extensionality (A : Type) (B : A -> Type) (f g : forall x, B x) :
  (forall x, f x = g x) -> f = g.
Proof. exact (functional_extensionality_dep f g). Qed.

(** Excluded middle.  The standard library uses it for compact sets and for continuity on intervals;
    its logarithm depends on them, and on that the binary exponent of a real number in Flocq
    ([mag]). *)
Lemma excluded_middle (P : Prop) : P \/ ~ P.
Proof. exact (classic P). Qed.
