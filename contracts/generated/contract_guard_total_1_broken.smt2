; Made by: extract/contracts generate
; guard_total (T6_guard_matrix), every size 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const G_0_0 Real)
(declare-const W_0_0 Real)
(declare-const Q_0_0 Real)
(declare-const R_0_0 Real)
(assert (not (<= (* (* (- W_0_0 Q_0_0) G_0_0) (- W_0_0 Q_0_0)) (* (* (- W_0_0 R_0_0) G_0_0) (- W_0_0 R_0_0)))))
(check-sat)
