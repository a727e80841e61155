; Made by: extract/contracts generate
; pivots (d_le_diag), every size 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const H_0_0 Real)
(declare-const U_0_0 Real)
(declare-const d_0 Real)
(assert true)
(assert (= H_0_0 (* (* U_0_0 d_0) U_0_0)))
(assert (<= 0.0 d_0))
(assert (not (<= d_0 H_0_0)))
(check-sat)
