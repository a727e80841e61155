; Made by: extract/contracts generate
; guard_total (T6_guard_matrix), p = 1, negated: unsat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status unsat)
(set-option :produce-models true)
(declare-const L_q_0 Real)
(declare-const L_r_0 Real)
(define-fun D_0 () Real (- L_r_0 L_q_0))
(assert (<= 0.0 D_0))
(assert (not (<= 0.0 D_0)))
(check-sat)
