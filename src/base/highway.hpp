// The one way to include Highway. Targets without a hardware fused multiply-add are disabled, because MulAdd rounds
// twice there and the rounding model (T11, T15) has one rounding per term; what remains of them is EMU128, which every
// kernel file compiles to its plain `_ref` twin. AVX3_DL adds nothing that the kernels use; the vectors of SVE may have
// a length that does not divide the lanes.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// Compiled even where the compiler may assume better, as on aarch64: tests force the plain loops there too.
#define HWY_COMPILE_ALL_ATTAINABLE

#include <hwy/targets.h>
