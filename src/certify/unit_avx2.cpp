// The unit of 4 lanes (unit.hpp).
#define HALLMARK_LANES 4
#include "certify/unit.inl.hpp"

namespace hallmark::units {

extern const Unit avx2{L, R, work_bytes, judge_rows, gram_row, diagonal, entries, product, points, dot};

}  // namespace hallmark::units
