#include "scale/storage.hpp"

#include "format/golden_float.hpp"

namespace hallmark {

bool holds(ScaleStorage storage, float s) {
  const auto exact = [s](auto format) {
    using Format = decltype(format);
    const auto word = Format::encode(s);
    return Format::is_finite(word) && !Format::is_subnormal(word) && Format::decode(word) == s;
  };
  switch (storage) {
    case ScaleStorage::f16: return exact(FP16());
    case ScaleStorage::bf16: return exact(BF16());
    case ScaleStorage::f32: break;
  }
  return true;
}

}  // namespace hallmark
