; Made by: extract/contracts generate
; idempotence (idempotence_met), n = 2, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const q_0 Real)
(declare-const q_1 Real)
(declare-const r_0 Real)
(declare-const r_1 Real)
(define-fun p_0 () Real q_0)
(define-fun p_1 () Real q_1)
(assert (not (and (= r_0 q_0) (= r_1 q_1))))
(check-sat)
