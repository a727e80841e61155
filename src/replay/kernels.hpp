// The three inner loops of the replay in binary64. Each result depends on its operands alone: every sum is one chain
// of fma from 0 in increasing order, vector lanes and threads hold independent results. The `_ref` twins are the
// definition (std::fma); the fast forms give the same bits on every vector target.
#pragma once

#include "linalg/matrix.hpp"

namespace hallmark::replay {

/// y[t, o] = sum over k increasing of x[t, k] w[k, o]; x rows x inner, w inner x cols, y rows x cols, row-major with
/// leading dimensions ldx, ldw, ldy (elements). y overlaps neither x nor w. No failure.
void product(const double* x, Index ldx, const double* w, Index ldw, double* y, Index ldy, Index rows, Index inner,
             Index cols);
void product_ref(const double* x, Index ldx, const double* w, Index ldw, double* y, Index ldy, Index rows, Index inner,
                 Index cols);

/// y[t, :] = x[t, :] / sqrt(mean(x[t, :]^2) + epsilon), rows x cols, both dense row-major; y = x is allowed.
void rms_norm(const double* x, double* y, Index rows, Index cols, double epsilon);
void rms_norm_ref(const double* x, double* y, Index rows, Index cols, double epsilon);

/// v_i = exp(v_i), arguments taken into [-708, 709] first; within 1 ulp of the true value (worst seen: 0.88), and
/// never by libm.
void exponential(double* v, Index n);
void exponential_ref(double* v, Index n);

}  // namespace hallmark::replay
