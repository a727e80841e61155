; Made by: extract/contracts generate
; idempotence (idempotence_met), n = 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const q_0 Real)
(declare-const r_0 Real)
(define-fun p_0 () Real q_0)
(assert (not (= r_0 q_0)))
(check-sat)
