; Made by: extract/contracts generate
; half_span (half_span_sound), n = 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const x_0 Real)
(declare-const q_0 Real)
(declare-const l_0 Real)
(declare-const r_0 Real)
(assert (and (<= l_0 q_0) (<= q_0 r_0)))
(assert (not (and (and (<= l_0 q_0) (<= q_0 r_0)) (=> (and (< l_0 q_0) (< q_0 r_0)) (<= (* 2.0 (let ((x_ (- x_0 q_0))) (ite (<= 0.0 x_) x_ (- x_)))) (- r_0 l_0))))))
(check-sat)
