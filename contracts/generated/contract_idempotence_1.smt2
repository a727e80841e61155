; Made by: extract/contracts generate
; idempotence (idempotence_met), n = 1, negated: unsat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status unsat)
(set-option :produce-models true)
(declare-const q_0 Real)
(declare-const r_0 Real)
(define-fun p_0 () Real q_0)
(assert (<= (let ((x_ (- q_0 r_0))) (ite (<= 0.0 x_) x_ (- x_))) (let ((x_ (- q_0 p_0))) (ite (<= 0.0 x_) x_ (- x_)))))
(assert (not (= r_0 q_0)))
(check-sat)
