// Ordinary safetensors in two dtypes that hold every number unchanged.
#include "artifact/dequantized.hpp"

namespace hallmark {
namespace {

template <DType dtype>
Status write(const QuantizedModel& model, const Destination& to) {
  const Expected<Rounding> written = write_dequantized(model, dtype, to);
  return written ? ok() : Status(written.error());
}

}  // namespace

namespace file_format {
extern const FileFormat safetensors_f32, safetensors_f64;
const FileFormat safetensors_f32{"safetensors-f32", "W's tensors with the quantized numbers, as F32", nullptr,
                                 exact_in_binary32, write<DType::F32>};
const FileFormat safetensors_f64{"safetensors-f64", "the same as F64, which holds every product of scale and code",
                                 nullptr, nullptr, write<DType::F64>};
}  // namespace file_format

}  // namespace hallmark
