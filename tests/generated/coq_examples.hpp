// Made by: coqc -q -Q coq Hallmark extract/print_examples.v | sed -e '1s/^[^\x22]*\x22//' -e '/^\x22/,$d' > tests/generated/coq_examples.hpp
// The concrete instances of the theorems in coq/Gptq, printed from coq/Gptq/Examples.v.
// Three columns each; matrices row after row; H = 2 X X^T + lambda I = U diag(d) U^T.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hallmark::coq_examples {

// Entry i is numerator[i] / denominator * 2^exponent, exactly.
template <std::size_t N> struct Rationals {
  std::array<std::int64_t, N> numerator;
  std::int64_t denominator;
  int exponent;
};

namespace t5_integer {  // theorem T5_integer
inline constexpr Rationals<9> X{{1, 2, 0, 0, 1, 1, 0, 0, 4}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{4, 8, 0, 0, 4, 1, 0, 0, 4}, 1, -2};
inline constexpr Rationals<3> d{{2, 2, 32}, 1, 0};
inline constexpr Rationals<3> w{{1, 1, -1}, 1, -2};
inline constexpr Rationals<3> u{{4, 12, -7}, 1, -4};
inline constexpr Rationals<3> gptq{{0, 1, 0}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{51}, 1, -4};
inline constexpr Rationals<3> rtn{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{19}, 1, -4};
}  // namespace t5_integer

namespace t5_gf16 {  // theorem T5_gf16
inline constexpr Rationals<9> X{{1, 2, 0, 0, 1, 1, 0, 0, 4}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{4, 8, 0, 0, 4, 1, 0, 0, 4}, 1, -2};
inline constexpr Rationals<3> d{{2, 2, 32}, 1, 0};
inline constexpr Rationals<3> w{{3073, 3073, 3071}, 1, -11};
inline constexpr Rationals<3> u{{12292, 12300, 12281}, 1, -13};
inline constexpr Rationals<3> gptq{{768, 769, 768}, 1, -9};
inline constexpr Rationals<1> loss_gptq{{51}, 1, -22};
inline constexpr Rationals<3> rtn{{768, 768, 768}, 1, -9};
inline constexpr Rationals<1> loss_rtn{{19}, 1, -22};
}  // namespace t5_gf16

namespace t5_gf16_large_step {  // theorem T5_gf16_large_step
inline constexpr Rationals<9> X{{1, 2, 0, 0, 1, 1, 0, 0, 4}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{4, 8, 0, 0, 4, 1, 0, 0, 4}, 1, -2};
inline constexpr Rationals<3> d{{2, 2, 32}, 1, 0};
inline constexpr Rationals<3> w{{3073, 3073, 3071}, 1, -2};
inline constexpr Rationals<3> u{{12292, 12300, 12281}, 1, -4};
inline constexpr Rationals<3> gptq{{768, 769, 768}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{51}, 1, -4};
inline constexpr Rationals<3> rtn{{768, 768, 768}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{19}, 1, -4};
}  // namespace t5_gf16_large_step

namespace t5_gf16_subnormal {  // theorem T5_gf16_subnormal
inline constexpr Rationals<9> X{{1, 2, 0, 0, 1, 1, 0, 0, 4}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{4, 8, 0, 0, 4, 1, 0, 0, 4}, 1, -2};
inline constexpr Rationals<3> d{{2, 2, 32}, 1, 0};
inline constexpr Rationals<3> w{{17, 17, 15}, 1, -41};
inline constexpr Rationals<3> u{{68, 76, 57}, 1, -43};
inline constexpr Rationals<3> gptq{{4, 5, 4}, 1, -39};
inline constexpr Rationals<1> loss_gptq{{51}, 1, -82};
inline constexpr Rationals<3> rtn{{4, 4, 4}, 1, -39};
inline constexpr Rationals<1> loss_rtn{{19}, 1, -82};
}  // namespace t5_gf16_subnormal

namespace t5_gf16_half_ulp {  // theorem T5_gf16_half_ulp
inline constexpr Rationals<9> X{{1, 1, -2, 0, 1, -1, 0, 0, 4}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{4, 4, -2, 0, 4, -1, 0, 0, 4}, 1, -2};
inline constexpr Rationals<3> d{{2, 2, 32}, 1, 0};
inline constexpr Rationals<3> w{{1537, 1537, 1537}, 1, -1};
inline constexpr Rationals<3> u{{6148, 6152, 6147}, 1, -3};
inline constexpr Rationals<3> gptq{{768, 769, 768}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{5}, 1, -1};
inline constexpr Rationals<3> rtn{{768, 768, 768}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{3}, 1, -1};
}  // namespace t5_gf16_half_ulp

namespace t3_plain {  // theorem T3_plain_gptq_reaches
inline constexpr Rationals<9> X{{1, 2, 2, 1, -3, 2, 1, 0, 0}, 1, 0};
inline constexpr Rationals<1> lambda{{16}, 1, 0};
inline constexpr Rationals<9> U{{1773, -90, 197, 0, 1773, 197, 0, 0, 1773}, 1773, 0};
inline constexpr Rationals<3> d{{59688, 77618, 31914}, 1773, 0};
inline constexpr Rationals<3> w{{1773, 1863, 1369}, 3546, 0};
inline constexpr Rationals<3> u{{1, 1, 1}, 1, -1};
inline constexpr Rationals<3> gptq{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{41052929}, 6287058, 0};
inline constexpr Rationals<1> loss_rtn_most{{13}, 1, -1};
}  // namespace t3_plain

namespace t10_small {  // theorem T10_small
inline constexpr Rationals<9> X{{1, -1, -1, 0, 1, 0, 0, 0, 1}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{1, -1, -1, 0, 1, 0, 0, 0, 1}, 1, 0};
inline constexpr Rationals<3> d{{2, 2, 2}, 1, 0};
inline constexpr Rationals<3> w{{0, -3, 3}, 1, -3};
inline constexpr Rationals<3> u{{0, -3, 3}, 1, -3};
inline constexpr Rationals<3> gptq{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{9}, 1, -5};
inline constexpr Rationals<3> rtn{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{9}, 1, -5};
inline constexpr Rationals<9> Hinv{{1, 1, 1, 1, 2, 1, 1, 1, 2}, 1, -1};
inline constexpr Rationals<3> u_static{{0, -6, 9}, 1, -4};
inline constexpr Rationals<3> q_static{{0, 0, 1}, 1, 0};
inline constexpr Rationals<1> loss_static{{17}, 1, -5};
}  // namespace t10_small

namespace t10_family_1 {  // theorem T10_family
inline constexpr Rationals<9> X{{1, 1, -4, 0, 4, 0, 0, 0, 1}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{4, 1, -16, 0, 4, 0, 0, 0, 4}, 1, -2};
inline constexpr Rationals<3> d{{2, 32, 2}, 1, 0};
inline constexpr Rationals<3> w{{0, 3, 3}, 1, -3};
inline constexpr Rationals<3> u{{0, 3, 3}, 1, -3};
inline constexpr Rationals<3> gptq{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{153}, 1, -6};
inline constexpr Rationals<3> rtn{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{153}, 1, -6};
inline constexpr Rationals<9> Hinv{{8, -2, 32, -2, 1, -8, 32, -8, 136}, 1, -4};
inline constexpr Rationals<3> u_static{{0, 3, 27}, 1, -3};
inline constexpr Rationals<3> q_static{{0, 0, 3}, 1, 0};
inline constexpr Rationals<1> loss_static{{585}, 1, -6};
}  // namespace t10_family_1

namespace t10_family_8 {  // theorem T10_family
inline constexpr Rationals<9> X{{1, 1, -32, 0, 32, 0, 0, 0, 1}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{32, 1, -1024, 0, 32, 0, 0, 0, 32}, 1, -5};
inline constexpr Rationals<3> d{{2, 2048, 2}, 1, 0};
inline constexpr Rationals<3> w{{0, 3, 3}, 1, -3};
inline constexpr Rationals<3> u{{0, 3, 3}, 1, -3};
inline constexpr Rationals<3> gptq{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{9225}, 1, -6};
inline constexpr Rationals<3> rtn{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{9225}, 1, -6};
inline constexpr Rationals<9> Hinv{{512, -16, 16384, -16, 1, -512, 16384, -512, 524800}, 1, -10};
inline constexpr Rationals<3> u_static{{0, 3, 1539}, 1, -3};
inline constexpr Rationals<3> q_static{{0, 0, 192}, 1, 0};
inline constexpr Rationals<1> loss_static{{2359305}, 1, -6};
}  // namespace t10_family_8

namespace t10_worst_case {  // theorem T10_exceeds_worst_case
inline constexpr Rationals<9> X{{1, 1, -4, 0, 8, 0, 0, 0, 4}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{8, 1, -8, 0, 8, 0, 0, 0, 8}, 1, -3};
inline constexpr Rationals<3> d{{2, 128, 32}, 1, 0};
inline constexpr Rationals<3> w{{0, 3, 3}, 1, -3};
inline constexpr Rationals<3> u{{0, 3, 3}, 1, -3};
inline constexpr Rationals<3> gptq{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{45}, 1, -2};
inline constexpr Rationals<3> rtn{{0, 0, 0}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{45}, 1, -2};
inline constexpr Rationals<9> Hinv{{32, -4, 32, -4, 1, -4, 32, -4, 34}, 1, -6};
inline constexpr Rationals<3> u_static{{0, 3, 15}, 1, -3};
inline constexpr Rationals<3> q_static{{0, 0, 2}, 1, 0};
inline constexpr Rationals<1> loss_static{{205}, 1, -2};
}  // namespace t10_worst_case

namespace t10_worst_case_gf16 {  // theorem T10_exceeds_worst_case_gf16
inline constexpr Rationals<9> X{{1, 1, -4, 0, 8, 0, 0, 0, 4}, 1, 0};
inline constexpr Rationals<1> lambda{{0}, 1, 0};
inline constexpr Rationals<9> U{{8, 1, -8, 0, 8, 0, 0, 0, 8}, 1, -3};
inline constexpr Rationals<3> d{{2, 128, 32}, 1, 0};
inline constexpr Rationals<3> w{{6144, 6147, 6147}, 1, -3};
inline constexpr Rationals<3> u{{6144, 6147, 6147}, 1, -3};
inline constexpr Rationals<3> gptq{{768, 768, 768}, 1, 0};
inline constexpr Rationals<1> loss_gptq{{45}, 1, -2};
inline constexpr Rationals<3> rtn{{768, 768, 768}, 1, 0};
inline constexpr Rationals<1> loss_rtn{{45}, 1, -2};
inline constexpr Rationals<9> Hinv{{32, -4, 32, -4, 1, -4, 32, -4, 34}, 1, -6};
inline constexpr Rationals<3> u_static{{6144, 6147, 6159}, 1, -3};
inline constexpr Rationals<3> q_static{{768, 768, 770}, 1, 0};
inline constexpr Rationals<1> loss_static{{205}, 1, -2};
}  // namespace t10_worst_case_gf16

}  // namespace hallmark::coq_examples
