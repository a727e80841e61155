; Made by: extract/contracts generate
; guard_row (T6_guard_row), every size 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const G_0_0 Real)
(declare-const w_0 Real)
(declare-const g_0 Real)
(declare-const r_0 Real)
(declare-const q_0 Real)
(assert (=> (< (* (* (- w_0 r_0) G_0_0) (- w_0 r_0)) (* (* (- w_0 g_0) G_0_0) (- w_0 g_0))) (= q_0 r_0)))
(assert (not (<= (* (* (- w_0 q_0) G_0_0) (- w_0 q_0)) (* (* (- w_0 r_0) G_0_0) (- w_0 r_0)))))
(check-sat)
