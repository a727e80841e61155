; Made by: extract/contracts generate
; gram_accumulation (T11_gram_binary32), m = 1, negated: sat.
(set-info :smt-lib-version 2.6)
(set-logic QF_NRA)
(set-info :status sat)
(set-option :produce-models true)
(declare-const x_0 Real)
(declare-const y_0 Real)
(declare-const delta_0 Real)
(define-fun c_0 () Real 0.0)
(define-fun G () Real (+ (* x_0 y_0) delta_0))
(assert (<= (* 1.0 (/ 1.0 9007199254740992.0)) 1.0))
(assert (not (<= (let ((x_ (- G (* x_0 y_0)))) (ite (<= 0.0 x_) x_ (- x_))) (* (* (* 1.0 (/ 1.0 9007199254740992.0)) (+ 1.0 (* 1.0 (/ 1.0 9007199254740992.0)))) (* (let ((x_ x_0)) (ite (<= 0.0 x_) x_ (- x_))) (let ((x_ y_0)) (ite (<= 0.0 x_) x_ (- x_))))))))
(check-sat)
