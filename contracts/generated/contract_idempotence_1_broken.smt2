; Made by: extract/contracts generate
; idempotence (idempotence_met), every size 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const q_0 Real)
(declare-const p_0 Real)
(declare-const r_0 Real)
(assert (= p_0 q_0))
(assert (not (= r_0 q_0)))
(check-sat)
