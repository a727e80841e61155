; Made by: extract/contracts generate
; pivots (pivots_sound), n = 1, negated: unsat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status unsat)
(set-option :produce-models true)
(declare-const d_0 Real)
(declare-const h_0 Real)
(declare-const g Real)
(define-fun U_0_0 () Real 1.0)
(assert (<= 0.0 d_0))
(assert (<= (let ((x_ (- h_0 (* (* U_0_0 d_0) U_0_0)))) (ite (<= 0.0 x_) x_ (- x_))) (* g h_0)))
(assert (not (and (<= 0.0 d_0) (<= d_0 (* (+ 1.0 g) h_0)))))
(check-sat)
