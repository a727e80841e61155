; Made by: extract/contracts generate
; exact_product (exact_product_met), n = 1, negated: unsat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status unsat)
(set-option :produce-models true)
(declare-const s_0 Real)
(declare-const g_0 Real)
(declare-const p_0 Real)
(define-fun b_0 () Real (* s_0 g_0))
(assert (<= (let ((x_ (- (* s_0 g_0) p_0))) (ite (<= 0.0 x_) x_ (- x_))) (let ((x_ (- (* s_0 g_0) b_0))) (ite (<= 0.0 x_) x_ (- x_)))))
(assert (not (= p_0 (* s_0 g_0))))
(check-sat)
