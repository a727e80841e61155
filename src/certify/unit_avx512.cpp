// The unit of 8 lanes (unit.hpp).
#define HALLMARK_LANES 8
#include "certify/unit.inl.hpp"

namespace hallmark::units {

extern const Unit avx512{L, R, work_bytes, judge_rows, gram_row, diagonal, entries, product, points, dot};

}  // namespace hallmark::units
