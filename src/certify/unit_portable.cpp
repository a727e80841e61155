// The unit of 2 lanes (unit.hpp).
#define HALLMARK_LANES 2
#include "certify/unit.inl.hpp"

namespace hallmark::units {

extern const Unit portable{L, R, work_bytes, judge_rows, gram_row, diagonal, entries, product, points, dot};

}  // namespace hallmark::units
