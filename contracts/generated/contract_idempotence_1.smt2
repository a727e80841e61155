; Made by: extract/contracts generate
; idempotence (idempotence_met), every size 1, negated: unsat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status unsat)
(set-option :produce-models true)
(declare-const q_0 Real)
(declare-const p_0 Real)
(declare-const r_0 Real)
(assert (= p_0 q_0))
(assert (<= (let ((x_ (- q_0 r_0))) (ite (<= 0.0 x_) x_ (- x_))) (let ((x_ (- q_0 p_0))) (ite (<= 0.0 x_) x_ (- x_)))))
(assert (not (= r_0 q_0)))
(check-sat)
