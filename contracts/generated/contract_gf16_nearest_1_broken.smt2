; Made by: extract/contracts generate
; gf16_nearest (T7_gf16_nearest), n = 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const x_0 Real)
(declare-const q_0 Real)
(declare-const l_0 Real)
(declare-const r_0 Real)
(assert (and (<= l_0 q_0) (<= q_0 r_0)))
(assert (<= (* 2.0 x_0) (+ q_0 r_0)))
(assert (not (and (<= (let ((x_ (- x_0 q_0))) (ite (<= 0.0 x_) x_ (- x_))) (let ((x_ (- x_0 l_0))) (ite (<= 0.0 x_) x_ (- x_)))) (<= (let ((x_ (- x_0 q_0))) (ite (<= 0.0 x_) x_ (- x_))) (let ((x_ (- x_0 r_0))) (ite (<= 0.0 x_) x_ (- x_)))))))
(check-sat)
