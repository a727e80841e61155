// The one way to include Highway. Targets without a hardware fused multiply-add are disabled, because MulAdd rounds
// twice there and the rounding model (T11, T15) has one rounding per term; what remains of them is EMU128, which every
// kernel file compiles to its plain `_ref` twin. AVX3_DL adds nothing that the kernels use.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

#include <hwy/targets.h>
