; Made by: extract/contracts generate
; guard_total (T6_guard_matrix), p = 2, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const L_q_0 Real)
(declare-const L_q_1 Real)
(declare-const L_r_0 Real)
(declare-const L_r_1 Real)
(define-fun D_0 () Real (- L_r_0 L_q_0))
(define-fun D_1 () Real (- L_r_1 L_q_1))
(assert (not (<= 0.0 (+ D_0 D_1))))
(check-sat)
