// What each file of this folder gives to scale_rule.cpp.
#pragma once

#include "scale/scale_rule.hpp"

namespace hallmark::rules {

extern const ScaleRule unit, row_pow2, matrix_max, absmax, minmax;

}  // namespace hallmark::rules
